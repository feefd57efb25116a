use super::{Buyer, Summary, TimeUnit};
use crate::purchase::PurchaseHistory;
use crate::validation::ValidationError;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How one customer has bought so far, and how evenly: what a model of regular buying is fitted to.
///
/// # Example
/// ```
/// use patronage::value::{Buyer, TimedBuyer};
///
/// // Three repeat purchases, after 10, 10 and 12 weeks.
/// let evenly = 10_f64.ln() + 10_f64.ln() + 12_f64.ln();
/// let timed = TimedBuyer::new(Buyer::new(3, 32.0, 40.0)?, evenly)?;
/// assert_eq!(timed.ln_intervals(), evenly);
/// // No three times with a sum of 32 have a larger product than three equal ones.
/// assert!(TimedBuyer::new(Buyer::new(3, 32.0, 40.0)?, evenly + 0.1).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct TimedBuyer {
    buyer: Buyer,
    ln_intervals: f64,
}

#[derive(Deserialize)]
struct Fields {
    buyer: Buyer,
    ln_intervals: f64,
}

impl TryFrom<Fields> for TimedBuyer {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.buyer, fields.ln_intervals)
    }
}

impl TimedBuyer {
    /// Checks a customer with the sum of the logarithms of the times between their purchases, 0 for those who never
    /// came back. Both in one unit of time.
    ///
    /// # Errors
    /// [`ValidationError`] when the sum is not finite, not 0 for someone who never came back, or larger than that of
    /// equal times.
    pub fn new(buyer: Buyer, ln_intervals: f64) -> Result<Self, ValidationError> {
        let x = f64::from(buyer.frequency());
        let most = if buyer.frequency() == 0 { 0.0 } else { x * libm::log(buyer.recency() / x) };
        // What the rounding of the sum and of the recency may add.
        let blur = 1e-9 * (x + most.abs());
        if !ln_intervals.is_finite() || ln_intervals > most + blur {
            let rule = "must be finite and no larger than for equal times";
            return Err(ValidationError::new("timed_buyer.ln_intervals", rule, ln_intervals));
        }
        if buyer.frequency() == 0 && ln_intervals != 0.0 {
            let rule = "must be 0 for those who never came back";
            return Err(ValidationError::new("timed_buyer.ln_intervals", rule, ln_intervals));
        }
        Ok(Self { buyer, ln_intervals: ln_intervals + 0.0 })
    }

    /// What a history comes to at the end of the day `as_of`, by the rules of [`Summary::of`]; `None` for someone who
    /// had not bought by then.
    ///
    /// # Cost
    /// O(days), no memory.
    pub fn of(history: &PurchaseHistory, as_of: NaiveDate, unit: TimeUnit) -> Option<Self> {
        let buyer = Summary::of(history, as_of)?.buyer(unit);
        let bought = history.days().iter().filter(|day| day.purchases > 0).map(|day| day.day);
        let intervals = bought.clone().zip(bought.skip(1)).take(usize::try_from(buyer.frequency()).ok()?);
        let sum = intervals.map(|(one, next)| libm::log(f64::from(next.abs_diff(one)) / unit.days())).sum();
        Some(Self { buyer, ln_intervals: sum })
    }

    /// The row for all models.
    pub const fn buyer(&self) -> Buyer {
        self.buyer
    }

    /// The sum of the logarithms of the times between purchases.
    pub const fn ln_intervals(&self) -> f64 {
        self.ln_intervals
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;
    use crate::money::{Currency, Money};

    #[test]
    fn times_are_those_between_days_of_purchases() {
        let mut history = PurchaseHistory::new(Currency::EUR);
        for (day, minor) in [(1, 100), (5, 100), (5, 20), (7, -30), (13, 40), (29, 5)] {
            let date = NaiveDate::from_ymd_opt(2026, 1, day).unwrap();
            history.push_on(date, Money::new(minor, Currency::EUR)).unwrap();
        }
        let as_of = NaiveDate::from_ymd_opt(2026, 1, 28).unwrap();
        let timed = TimedBuyer::of(&history, as_of, TimeUnit::DAY).unwrap();
        assert_eq!(timed.buyer(), Buyer::new(2, 12.0, 27.0).unwrap());
        assert_eq!(timed.ln_intervals(), libm::log(4.0) + libm::log(8.0));
        assert_eq!(TimedBuyer::new(timed.buyer(), timed.ln_intervals()), Ok(timed));
    }

    #[test]
    fn refuses_times_that_cannot_be() {
        let twice = Buyer::new(2, 12.0, 27.0).unwrap();
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 3.6] {
            assert!(TimedBuyer::new(twice, wrong).is_err(), "{wrong}");
        }
        assert!(TimedBuyer::new(twice, 2.0 * libm::log(6.0)).is_ok());
        assert!(TimedBuyer::new(Buyer::NEW, -1.0).is_err() && TimedBuyer::new(Buyer::NEW, -0.0).is_ok());
    }
}
