use super::summary::day_number;
use super::{Buyer, Summary, TimeUnit};
use crate::purchase::PurchaseHistory;
use crate::validation::ValidationError;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

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
    /// Someone who has just bought for the first time.
    pub const NEW: Self = Self { buyer: Buyer::NEW, ln_intervals: 0.0 };

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
        let as_of = day_number(as_of);
        let bought = history.days().iter().filter(|day| day.purchases > 0 && day.day <= as_of);
        Some(Self { buyer, ln_intervals: ln_intervals(bought.map(|day| day.day), unit) })
    }

    /// What purchases at exact instants, in any order, come to at the instant `as_of`: two on one day are two occasions,
    /// only those at the same instant are one. `None` for someone who had not bought by then.
    ///
    /// For shops in which one visit is one purchase, however soon the next one follows; where a visit may be several
    /// purchases, [`of`](Self::of) counts days. Instants after `as_of` are left out.
    ///
    /// # Cost
    /// Sorting, unless they come in order; 8 bytes for each.
    ///
    /// # Example
    /// ```
    /// use chrono::{DateTime, Utc};
    /// use patronage::value::{Buyer, TimeUnit, TimedBuyer};
    ///
    /// let hour = TimeUnit::of_days(1.0 / 24.0)?;
    /// let at = ["2026-03-01T12:30:00Z", "2026-03-01T08:00:00Z", "2026-03-02T09:00:00Z"];
    /// let at: Vec<DateTime<Utc>> = at.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    /// let timed = TimedBuyer::of_instants(at, "2026-03-03T08:00:00Z".parse()?, hour).ok_or("has bought")?;
    /// assert_eq!(timed.buyer(), Buyer::new(2, 25.0, 48.0)?);
    /// assert_eq!(format!("{:.9}", timed.ln_intervals().exp()), format!("{:.9}", 4.5 * 20.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_instants(
        instants: impl IntoIterator<Item = DateTime<Utc>>,
        as_of: DateTime<Utc>,
        unit: TimeUnit,
    ) -> Option<Self> {
        let micros = instants.into_iter().filter(|&at| at <= as_of).map(|at| at.timestamp_micros());
        let mut at: Vec<i64> = micros.collect();
        if !at.is_sorted() {
            at.sort_unstable();
        }
        at.dedup();
        let (&first, &last) = (at.first()?, at.last()?);
        let time = |from: i64, until: i64| micros_between(from, until) / (MICROS_OF_DAY * unit.days());
        let frequency = u32::try_from(at.len() - 1).unwrap_or(u32::MAX);
        let now = as_of.timestamp_micros();
        let buyer = Buyer::new(frequency, time(first, last), time(first, now)).ok()?;
        let intervals = at.iter().zip(at.iter().skip(1));
        let sum = intervals.fold(0.0, |sum, (&one, &next)| sum + libm::log(time(one, next)));
        Some(Self { buyer, ln_intervals: sum })
    }

    /// What was made here and holds to the rules.
    pub(super) fn trusted(buyer: Buyer, ln_intervals: f64) -> Self {
        Self { buyer, ln_intervals: ln_intervals + 0.0 }
    }

    /// The same customer after a further time without a purchase.
    pub(super) fn after_silence(self, silence: f64) -> Self {
        Self { buyer: self.buyer.after_silence(silence), ..self }
    }

    /// The order of likelihoods: by count, then by times.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let (one, next) = (self.buyer.key(), other.buyer.key());
        one.cmp(&next).then(self.ln_intervals.total_cmp(&other.ln_intervals))
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

const MICROS_OF_DAY: f64 = 86_400e6;

fn micros_between(from: i64, until: i64) -> f64 {
    let micros = i128::from(until) - i128::from(from);
    #[expect(clippy::cast_precision_loss, reason = "exact for 285 years, and to 16 digits beyond")]
    let micros = micros as f64;
    micros
}

/// The sum of the logarithms of the times between the days of purchases, which ascend; one day may come several times.
pub(super) fn ln_intervals(days: impl IntoIterator<Item = i32>, unit: TimeUnit) -> f64 {
    let mut days = days.into_iter();
    let Some(mut last) = days.next() else { return 0.0 };
    let mut sum = 0.0;
    for day in days {
        if day > last {
            sum += libm::log(f64::from(day.abs_diff(last)) / unit.days());
            last = day;
        }
    }
    sum
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
    fn instants_are_occasions_of_their_own() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let day = TimeUnit::DAY;
        let now = at("2026-01-11T00:00:00Z");
        let bought = ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T12:00:00Z"];
        let mut bought: Vec<DateTime<Utc>> = bought.map(at).to_vec();
        let timed = TimedBuyer::of_instants(bought.clone(), now, day).unwrap();
        assert_eq!(timed.buyer(), Buyer::new(2, 1.0, 10.0).unwrap());
        assert_eq!(timed.ln_intervals(), 2.0 * libm::log(0.5));
        assert_eq!(TimedBuyer::new(timed.buyer(), timed.ln_intervals()), Ok(timed));
        // The same instant twice is one occasion; what comes later is left out.
        bought.extend([at("2026-01-02T00:00:00Z"), at("2026-01-11T00:00:01Z")]);
        assert_eq!(TimedBuyer::of_instants(bought.iter().copied(), now, day), Some(timed));
        assert_eq!(TimedBuyer::of_instants(bought, at("2025-12-31T00:00:00Z"), day), None);
        let ends = [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC];
        let far = TimedBuyer::of_instants(ends, DateTime::<Utc>::MAX_UTC, day).unwrap();
        assert!(far.ln_intervals().is_finite() && far.buyer().recency() > 1e8);
        let once = TimedBuyer::of_instants([now], now, day).unwrap();
        assert_eq!((once.buyer(), once.ln_intervals().to_bits()), (Buyer::NEW, 0));
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
