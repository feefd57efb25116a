use super::{HoldoutPeriod, Summary};
use crate::purchase::PurchaseHistory;

/// One customer as a model may know them, and what they then did in the hold-out period.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use patronage::purchase::PurchaseHistory;
/// use patronage::value::{Holdout, HoldoutPeriod};
/// use patronage::{Currency, Money};
///
/// let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).ok_or("no such day");
/// let mut history = PurchaseHistory::new(Currency::USD);
/// for (date, cents) in [(day(1997, 1, 1)?, 2933), (day(1997, 8, 2)?, 1496), (day(1997, 12, 12)?, 2648)] {
///     history.push_on(date, Money::new(cents, Currency::USD))?;
/// }
/// let period = HoldoutPeriod::new(day(1997, 9, 30)?, day(1998, 6, 30)?)?;
/// let holdout = Holdout::of(&history, period).ok_or("had not bought")?;
/// assert_eq!(holdout.calibration().frequency(), 1);
/// assert_eq!((holdout.purchases(), holdout.spend_minor(), holdout.days_to_next()), (1, 2648, Some(73)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holdout {
    calibration: Summary,
    later: Later,
}

impl Holdout {
    /// Splits a history; `None` for someone who had not bought by the end of the calibration, of whom no model fitted
    /// to it knows.
    ///
    /// # Cost
    /// O(days), no memory.
    pub fn of(history: &PurchaseHistory, period: HoldoutPeriod) -> Option<Self> {
        let calibration = Summary::of(history, period.calibration_end())?;
        let mut later = Later::default();
        for day in history.days() {
            later.push(day.day, day.purchases > 0, day.spend_minor, period.last_days());
        }
        Some(Self { calibration, later })
    }

    /// What the customer comes to at the end of the calibration, by the rules of [`Summary::of`].
    pub const fn calibration(&self) -> &Summary {
        &self.calibration
    }

    /// How many purchases were made in the hold-out period: days on which the customer bought, as the
    /// [frequency](Summary::frequency) counts them.
    pub const fn purchases(&self) -> u32 {
        self.later.purchases
    }

    /// The net spend of the hold-out period in minor units: purchases less returns, so that it may be negative.
    pub const fn spend_minor(&self) -> i128 {
        self.later.spend
    }

    /// Days from the end of the calibration to the first purchase after it; `None` where there was none until the end.
    pub const fn days_to_next(&self) -> Option<u32> {
        self.later.next
    }
}

/// Adds up the events of one customer in the hold-out period in ascending order of their days, whatever comes before or
/// after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Later {
    pub(super) purchases: u32,
    pub(super) spend: i128,
    pub(super) next: Option<u32>,
    last: i32,
}

impl Later {
    pub(super) fn push(&mut self, day: i32, bought: bool, spend_minor: i64, (start, end): (i32, i32)) {
        if day <= start || day > end {
            return;
        }
        self.spend += i128::from(spend_minor);
        if bought && (self.purchases == 0 || day > self.last) {
            self.purchases = self.purchases.saturating_add(1);
            self.last = day;
            self.next.get_or_insert(day.abs_diff(start));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};
    use chrono::NaiveDate;

    fn date(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, day).unwrap()
    }

    fn holdout(events: &[(u32, i64)]) -> Option<Holdout> {
        let mut history = PurchaseHistory::new(Currency::EUR);
        for &(day, minor) in events {
            history.push_on(date(day), Money::new(minor, Currency::EUR)).unwrap();
        }
        Holdout::of(&history, HoldoutPeriod::new(date(10), date(20)).unwrap())
    }

    #[test]
    fn the_last_day_of_each_part_belongs_to_it() {
        let found = holdout(&[(1, 100), (10, 50), (11, 7), (20, 9), (20, 1), (21, 1000)]).unwrap();
        assert_eq!((found.calibration().frequency(), found.calibration().repeat_spend_minor()), (1, 50));
        assert_eq!((found.purchases(), found.spend_minor(), found.days_to_next()), (2, 17, Some(1)));
    }

    #[test]
    fn returns_lower_the_spend_and_make_no_purchase() {
        let found = holdout(&[(1, 100), (12, -40), (15, 30), (15, -5), (16, -1)]).unwrap();
        assert_eq!((found.purchases(), found.spend_minor(), found.days_to_next()), (1, -16, Some(5)));
        let silent = holdout(&[(1, 100), (25, 30)]).unwrap();
        assert_eq!((silent.purchases(), silent.spend_minor(), silent.days_to_next()), (0, 0, None));
    }

    #[test]
    fn who_came_later_is_not_known() {
        assert_eq!(holdout(&[(11, 100), (12, 100)]), None);
        assert_eq!(holdout(&[(2, -100), (12, 100)]), None);
        assert!(HoldoutPeriod::new(date(10), date(10)).is_err());
        let ever = HoldoutPeriod::new(NaiveDate::MIN, NaiveDate::MAX).unwrap();
        assert!(ever.days() > 190_000_000 && ever.length(super::super::TimeUnit::DAY).length() > 1.9e8);
    }
}
