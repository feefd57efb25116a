use super::{Buyer, FirstPurchase, RepeatSpend, TimeUnit};
use crate::purchase::PurchaseHistory;
use chrono::NaiveDate;

/// What the purchases of one customer come to, in whole days: the way from a history to the rows of the models.
///
/// # The rules
/// - A day on which the customer bought is one occasion, however many purchases it holds. Days with returns only are
///   no occasion.
/// - The first occasion makes a customer; frequency counts the occasions after it. Recency runs from the first to the
///   last occasion, age from the first to `as_of`.
/// - The spend is what the days after the first occasion come to, returns taken off on the day they happen; its mean
///   is over the occasions after the first. Returned goods cannot be matched with what they were bought for: a return
///   on a later day lowers the repeat spend even where it returns the first purchase, and returns before the first
///   occasion are left out. [`spend_with`](Self::spend_with) takes the first occasion in.
/// - Days after `as_of` are left out and counted.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use patronage::purchase::PurchaseHistory;
/// use patronage::value::{Summary, TimeUnit};
/// use patronage::{Currency, Money};
///
/// // A customer of CDNOW, who bought twice in January 1997 and once in August.
/// let mut history = PurchaseHistory::new(Currency::USD);
/// for (month, day, cents) in [(1, 1, 2933), (1, 18, 2973), (8, 2, 1496), (12, 12, 2648)] {
///     let date = NaiveDate::from_ymd_opt(1997, month, day).ok_or("no such day")?;
///     history.push_on(date, Money::new(cents, Currency::USD))?;
/// }
/// let as_of = NaiveDate::from_ymd_opt(1997, 9, 30).ok_or("no such day")?;
/// let summary = Summary::of(&history, as_of).ok_or("has bought")?;
/// assert_eq!((summary.frequency(), summary.recency_days(), summary.age_days()), (2, 213, 272));
/// assert_eq!(summary.days_after(), 1);
/// assert_eq!(summary.buyer(TimeUnit::WEEK).age(), 272.0 / 7.0);
/// assert_eq!(summary.spend().mean(), (2973.0 + 1496.0) / 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: P. Fader, B. Hardie, K. L. Lee, "Counting your customers the easy way", Marketing Science 24 (2005).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Summary {
    frequency: u32,
    recency_days: u32,
    age_days: u32,
    first_spend_minor: i128,
    repeat_spend_minor: i128,
    days_after: u32,
}

impl Summary {
    /// What a history comes to at the end of the day `as_of`, counted in the time zone the history was made in (UTC
    /// when it was made from purchases); `None` for someone who had not bought by then.
    ///
    /// # Cost
    /// O(days), no memory.
    pub fn of(history: &PurchaseHistory, as_of: NaiveDate) -> Option<Self> {
        let as_of = day_number(as_of);
        let mut tally = Tally::default();
        for day in history.days() {
            tally.push(day.day, day.purchases > 0, day.spend_minor, as_of);
        }
        tally.summary(as_of)
    }

    /// How many times the customer bought again.
    pub const fn frequency(&self) -> u32 {
        self.frequency
    }

    /// Days from the first to the last purchase.
    pub const fn recency_days(&self) -> u32 {
        self.recency_days
    }

    /// Days from the first purchase to `as_of`.
    pub const fn age_days(&self) -> u32 {
        self.age_days
    }

    /// Days from the last purchase to `as_of`.
    pub const fn silence_days(&self) -> u32 {
        self.age_days - self.recency_days
    }

    /// The net spend on the first day, in minor units.
    pub const fn first_spend_minor(&self) -> i128 {
        self.first_spend_minor
    }

    /// The net spend after the first day, in minor units.
    pub const fn repeat_spend_minor(&self) -> i128 {
        self.repeat_spend_minor
    }

    /// How many days of the history lie after `as_of` and were left out.
    pub const fn days_after(&self) -> u32 {
        self.days_after
    }

    /// The row for models of buying, in a unit of time.
    pub fn buyer(&self, unit: TimeUnit) -> Buyer {
        let times = |days: u32| f64::from(days) / unit.days();
        // Days keep to the rules of a buyer, and the unit keeps their order.
        Buyer::new(self.frequency, times(self.recency_days), times(self.age_days)).unwrap_or(Buyer::NEW)
    }

    /// The row for models of spend, in minor units. Who took back more than they bought counts as spending nothing.
    pub fn spend(&self) -> RepeatSpend {
        self.spend_with(FirstPurchase::Excluded)
    }

    /// The row for models of spend, with the first purchase in or out. With it, everybody has a row of at least one
    /// purchase, and the fitted mean is that of all purchases.
    pub fn spend_with(&self, first: FirstPurchase) -> RepeatSpend {
        let (frequency, total) = match first {
            FirstPurchase::Excluded => (self.frequency, self.repeat_spend_minor),
            FirstPurchase::Included => {
                (self.frequency.saturating_add(1), self.first_spend_minor + self.repeat_spend_minor)
            }
        };
        RepeatSpend::new(frequency, mean_spend(total, frequency)).unwrap_or(RepeatSpend::NONE)
    }
}

/// The mean spend, not below 0.
pub(super) fn mean_spend(total: i128, frequency: u32) -> f64 {
    if frequency == 0 || total <= 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "the mean is a floating number by nature")]
    let total = total as f64;
    total / f64::from(frequency)
}

/// Days since 1970-01-01.
pub(super) fn day_number(date: NaiveDate) -> i32 {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    // A date of chrono lies within a hundred million days of the epoch.
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

/// Adds up the events of one customer in ascending order of their days; events of one day in any order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    occasions: u32,
    first: i32,
    last: i32,
    /// What was returned on the latest day before the first purchase.
    returned: (i32, i128),
    first_spend: i128,
    spend: i128,
    days_after: u32,
}

impl Tally {
    pub(super) fn push(&mut self, day: i32, bought: bool, spend_minor: i64, as_of: i32) {
        if day > as_of {
            self.days_after += 1;
            return;
        }
        let spend = i128::from(spend_minor);
        if self.occasions == 0 {
            // Returns of the first day may come before its purchase.
            let (returned_on, returned) = self.returned;
            let of_day = spend + if returned_on == day { returned } else { 0 };
            if bought {
                (self.first, self.last, self.occasions, self.first_spend) = (day, day, 1, of_day);
            } else {
                self.returned = (day, of_day);
            }
            return;
        }
        if day > self.first {
            self.spend += spend;
        } else {
            self.first_spend += spend;
        }
        if bought && day > self.last {
            self.last = day;
            self.occasions = self.occasions.saturating_add(1);
        }
    }

    pub(super) fn summary(&self, as_of: i32) -> Option<Summary> {
        let frequency = self.occasions.checked_sub(1)?;
        Some(Summary {
            frequency,
            recency_days: self.last.abs_diff(self.first),
            age_days: as_of.abs_diff(self.first),
            first_spend_minor: self.first_spend,
            repeat_spend_minor: self.spend,
            days_after: self.days_after,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;
    use crate::money::{Currency, Money};

    fn date(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, day).unwrap()
    }

    fn summary(events: &[(u32, i64)], as_of: u32) -> Option<Summary> {
        let mut history = PurchaseHistory::new(Currency::EUR);
        for &(day, minor) in events {
            history.push_on(date(day), Money::new(minor, Currency::EUR)).unwrap();
        }
        Summary::of(&history, date(as_of))
    }

    #[test]
    fn unsorted_and_same_day_events_make_one_occasion_a_day() {
        let found = summary(&[(9, 300), (2, 100), (5, 50), (9, 40), (2, 7)], 10).unwrap();
        assert_eq!((found.frequency(), found.recency_days(), found.age_days()), (2, 7, 8));
        assert_eq!((found.repeat_spend_minor(), found.silence_days()), (390, 1));
        assert_eq!(found.spend().mean(), 195.0);
    }

    #[test]
    fn returns_lower_the_spend_and_make_no_occasion() {
        let found = summary(&[(1, -5), (2, 100), (3, 80), (4, -30), (5, -20), (5, 10)], 10).unwrap();
        assert_eq!((found.frequency(), found.recency_days()), (2, 3));
        assert_eq!(found.repeat_spend_minor(), 80 - 30 - 10);
        let all_back = summary(&[(2, 100), (3, 80), (4, -200)], 10).unwrap();
        assert_eq!((all_back.frequency(), all_back.spend().mean()), (1, 0.0));
        assert_eq!(summary(&[(1, -5)], 10), None);
    }

    #[test]
    fn the_first_purchase_counts_where_it_is_asked_for() {
        let found = summary(&[(1, -5), (2, 100), (2, -10), (3, 80), (4, -30)], 10).unwrap();
        assert_eq!((found.first_spend_minor(), found.repeat_spend_minor()), (90, 50));
        assert_eq!(found.spend_with(FirstPurchase::Excluded), found.spend());
        assert_eq!(found.spend_with(FirstPurchase::Included), RepeatSpend::new(2, 70.0).unwrap());
        let once = summary(&[(2, 100)], 10).unwrap();
        assert_eq!(once.spend_with(FirstPurchase::Included), RepeatSpend::new(1, 100.0).unwrap());
        let all_back = summary(&[(2, 100), (3, -200)], 10).unwrap();
        assert_eq!(all_back.spend_with(FirstPurchase::Included), RepeatSpend::new(1, 0.0).unwrap());
    }

    #[test]
    fn a_return_before_the_purchase_of_its_day_counts() {
        let mut tally = Tally::default();
        for (day, spend) in [(1, -7), (2, -10), (2, -1), (2, 100), (2, -2)] {
            tally.push(day, spend >= 0, spend, 10);
        }
        assert_eq!(tally.summary(10).unwrap().first_spend_minor(), 87);
    }

    #[test]
    fn the_future_is_left_out_and_counted() {
        let found = summary(&[(2, 100), (10, 1), (11, 80), (12, 80)], 10).unwrap();
        assert_eq!((found.frequency(), found.age_days(), found.days_after()), (1, 8, 2));
        assert_eq!(summary(&[(11, 80)], 10), None);
        assert_eq!(summary(&[], 10), None);
        let same_day = summary(&[(10, 5)], 10).unwrap();
        assert_eq!(same_day.buyer(TimeUnit::WEEK), Buyer::NEW);
        assert_eq!(same_day.spend(), RepeatSpend::NONE);
    }
}
