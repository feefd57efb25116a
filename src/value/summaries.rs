use super::dealt::each_customer;
use super::summary::{Tally, day_number};
use super::{Buyers, FirstPurchase, RepeatSpends, Summary, TimeUnit, ValueError};
use crate::purchase::PurchaseHistory;
use chrono::NaiveDate;

/// A log of purchases as borrowed columns, in any order: one row for each purchase or return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PurchaseLog<'a> {
    pub(super) customer: &'a [u32],
    pub(super) day: &'a [i32],
    pub(super) spend_minor: &'a [i64],
}

impl<'a> PurchaseLog<'a> {
    /// Checks columns of equal length.
    ///
    /// # Arguments
    /// - `customer`: a number for each customer, from 0.
    /// - `day`: days since 1970-01-01 in the time zone of your choice.
    /// - `spend_minor`: what was paid, in minor units of one currency; negative for a return. A row of 0 is a
    ///   purchase.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`], or [`ValueError::TooManyRows`] beyond 4,294,967,295.
    pub fn new(customer: &'a [u32], day: &'a [i32], spend_minor: &'a [i64]) -> Result<Self, ValueError> {
        let expected = customer.len();
        for (column, found) in [("day", day.len()), ("spend_minor", spend_minor.len())] {
            if found != expected {
                return Err(ValueError::ColumnLength { column, expected, found });
            }
        }
        if u32::try_from(expected).is_err() {
            return Err(ValueError::TooManyRows { rows: expected });
        }
        Ok(Self { customer, day, spend_minor })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.customer.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.customer.is_empty()
    }
}

/// The summaries of many customers as columns, ready to fit and to score; the rules are those of [`Summary`].
///
/// Customers who had not bought by `as_of` have no row and are counted.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use patronage::value::{PurchaseLog, Summaries, TimeUnit};
///
/// let log = PurchaseLog::new(&[1, 0, 1, 1], &[17, 5, 3, 17], &[250, 999, 100, 50])?;
/// let as_of = NaiveDate::from_ymd_opt(1970, 1, 29).ok_or("no such day")?;
/// let summaries = Summaries::from_log(log, 3, as_of, TimeUnit::WEEK)?;
/// assert_eq!(summaries.customers(), [0, 1]);
/// assert_eq!(summaries.frequency(), [0, 1]);
/// assert_eq!(summaries.recency(), [0.0, 2.0]);
/// assert_eq!(summaries.mean_spend(), [0.0, 300.0]);
/// assert_eq!(summaries.without_purchase(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summaries {
    customers: Vec<u32>,
    frequency: Vec<u32>,
    recency: Vec<f64>,
    age: Vec<f64>,
    mean_spend: Vec<f64>,
    first: FirstPurchase,
    /// How many purchases each mean is over; empty where that is the frequency.
    spend_frequency: Vec<u32>,
    without_purchase: u64,
    after: u64,
}

impl Summaries {
    /// Sums up a log for the customers 0 to `customers` - 1 at the end of the day `as_of`.
    ///
    /// # Errors
    /// [`ValueError::Row`] for the first row whose customer is not below `customers`.
    ///
    /// # Cost
    /// Linear: rows are dealt out to blocks of customers, and block by block, which fits the cache, to customers; within
    /// each they are sorted where they are not. 16 bytes for each row and 40 for each customer while it works.
    pub fn from_log(
        log: PurchaseLog<'_>,
        customers: u32,
        as_of: NaiveDate,
        unit: TimeUnit,
    ) -> Result<Self, ValueError> {
        Self::from_log_with(log, customers, as_of, unit, FirstPurchase::Excluded)
    }

    /// As [`from_log`](Self::from_log), with the first purchase in the mean spend or not.
    ///
    /// # Errors
    /// As [`from_log`](Self::from_log).
    pub fn from_log_with(
        log: PurchaseLog<'_>,
        customers: u32,
        as_of: NaiveDate,
        unit: TimeUnit,
        first: FirstPurchase,
    ) -> Result<Self, ValueError> {
        let as_of = day_number(as_of);
        let mut found = Self { first, ..Self::default() };
        found.reserve(log.len().min(usize::try_from(customers).unwrap_or(usize::MAX)));
        let after = each_customer(log, customers, as_of, |customer, events| {
            let mut tally = Tally::default();
            for &(day, spend) in events {
                tally.push(day, spend >= 0, spend, as_of);
            }
            found.push(customer, tally.summary(as_of), unit);
        })?;
        found.after = after;
        Ok(found)
    }

    /// Sums up histories at the end of the day `as_of`; customers are numbered by their place, from 0.
    ///
    /// # Cost
    /// O(days of all), 32 bytes for each customer.
    pub fn of<'h>(
        histories: impl IntoIterator<Item = &'h PurchaseHistory>,
        as_of: NaiveDate,
        unit: TimeUnit,
    ) -> Self {
        Self::of_with(histories, as_of, unit, FirstPurchase::Excluded)
    }

    /// As [`of`](Self::of), with the first purchase in the mean spend or not.
    pub fn of_with<'h>(
        histories: impl IntoIterator<Item = &'h PurchaseHistory>,
        as_of: NaiveDate,
        unit: TimeUnit,
        first: FirstPurchase,
    ) -> Self {
        let mut found = Self { first, ..Self::default() };
        for (customer, history) in (0..u32::MAX).zip(histories) {
            let summary = Summary::of(history, as_of);
            found.after += days_after(history, day_number(as_of));
            found.push(customer, summary, unit);
        }
        found
    }

    fn reserve(&mut self, rows: usize) {
        self.customers.reserve(rows);
        self.frequency.reserve(rows);
        self.recency.reserve(rows);
        self.age.reserve(rows);
        self.mean_spend.reserve(rows);
        if self.first == FirstPurchase::Included {
            self.spend_frequency.reserve(rows);
        }
    }

    /// Adds the next customer; numbers ascend.
    pub(super) fn push(&mut self, customer: u32, summary: Option<Summary>, unit: TimeUnit) {
        let Some(summary) = summary else {
            self.without_purchase += 1;
            return;
        };
        let buyer = summary.buyer(unit);
        self.customers.push(customer);
        self.frequency.push(buyer.frequency());
        self.recency.push(buyer.recency());
        self.age.push(buyer.age());
        let spend = summary.spend_with(self.first);
        self.mean_spend.push(spend.mean());
        if self.first == FirstPurchase::Included {
            self.spend_frequency.push(spend.frequency());
        }
    }

    /// Counts what lies after the day all is summed up at.
    pub(super) fn leave_out(&mut self, after: u64) {
        self.after += after;
    }

    /// How many customers have a row.
    pub fn len(&self) -> usize {
        self.customers.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.customers.is_empty()
    }

    /// The number of the customer of each row, ascending.
    pub fn customers(&self) -> &[u32] {
        &self.customers
    }

    /// How many times each bought again.
    pub fn frequency(&self) -> &[u32] {
        &self.frequency
    }

    /// The time from the first to the last purchase of each.
    pub fn recency(&self) -> &[f64] {
        &self.recency
    }

    /// The time from the first purchase of each to `as_of`.
    pub fn age(&self) -> &[f64] {
        &self.age
    }

    /// The mean net spend of the repeat purchases of each (of all purchases, where the first is included), in minor
    /// units; 0 for those who never came back or took back all they bought.
    pub fn mean_spend(&self) -> &[f64] {
        &self.mean_spend
    }

    /// The columns for models of buying.
    pub fn buyers(&self) -> Buyers<'_> {
        Buyers::trusted(&self.frequency, &self.recency, &self.age)
    }

    /// The columns for models of spend.
    pub fn spends(&self) -> RepeatSpends<'_> {
        let frequency = match self.first {
            FirstPurchase::Excluded => &self.frequency,
            FirstPurchase::Included => &self.spend_frequency,
        };
        RepeatSpends::trusted(frequency, &self.mean_spend)
    }

    /// How many customers had not bought by `as_of` and have no row.
    pub const fn without_purchase(&self) -> u64 {
        self.without_purchase
    }

    /// How many rows of the log (or days of the histories) lie after `as_of` and were left out.
    pub const fn after(&self) -> u64 {
        self.after
    }
}

/// How many days of a history lie after a day.
pub(super) fn days_after(history: &PurchaseHistory, day: i32) -> u64 {
    let later = history.days().len() - history.days().partition_point(|known| known.day <= day);
    u64::try_from(later).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{Buyer, RepeatSpend};
    use super::*;
    use crate::money::{Currency, Money};
    use proptest::prelude::*;

    fn date(day: i32) -> NaiveDate {
        NaiveDate::default().checked_add_days(chrono::Days::new(day.unsigned_abs().into())).unwrap()
    }

    proptest! {
        #[test]
        fn log_and_histories_agree(
            rows in prop::collection::vec((0_u32..6, 0_i32..25, -300_i64..900), 0..80),
            as_of in 0_i32..25,
        ) {
            let customer: Vec<u32> = rows.iter().map(|row| row.0).collect();
            let day: Vec<i32> = rows.iter().map(|row| row.1).collect();
            let spend: Vec<i64> = rows.iter().map(|row| row.2).collect();
            let log = PurchaseLog::new(&customer, &day, &spend).unwrap();
            let from_log = Summaries::from_log(log, 6, date(as_of), TimeUnit::WEEK).unwrap();

            let mut histories = vec![PurchaseHistory::new(Currency::EUR); 6];
            for &(customer, day, spend) in &rows {
                histories[customer as usize].push_on(date(day), Money::new(spend, Currency::EUR)).unwrap();
            }
            let from_histories = Summaries::of(&histories, date(as_of), TimeUnit::WEEK);
            let all = FirstPurchase::Included;
            let with_first = Summaries::from_log_with(log, 6, date(as_of), TimeUnit::WEEK, all).unwrap();
            let also = Summaries::of_with(&histories, date(as_of), TimeUnit::WEEK, all);
            prop_assert_eq!(with_first.spends(), also.spends());
            prop_assert_eq!(with_first.buyers(), from_log.buyers());
            let one_more = |(spend, buyer): (RepeatSpend, Buyer)| spend.frequency() == buyer.frequency() + 1;
            prop_assert!(with_first.spends().iter().zip(from_log.buyers().iter()).all(one_more));
            prop_assert_eq!(from_log.customers(), from_histories.customers());
            prop_assert_eq!(from_log.spends(), from_histories.spends());
            prop_assert_eq!(from_log.buyers(), from_histories.buyers());
            prop_assert_eq!(from_log.without_purchase(), from_histories.without_purchase());
            let checked = Buyers::new(from_log.frequency(), from_log.recency(), from_log.age());
            prop_assert!(checked.is_ok());
            let later = day.iter().filter(|&&day| day > as_of).count();
            prop_assert_eq!(from_log.after(), later as u64);
        }
    }

    #[test]
    fn blocks_of_customers_come_to_the_same() {
        // Customers on both sides of the edges of blocks of 4,096, two of them without a purchase.
        let ids = [0, 1, 4_095, 4_096, 8_191, 8_192, 12_287, 12_289];
        let customer: Vec<u32> = (0..400_usize).map(|row| ids[row * 7 % 61 % 8]).collect();
        let day: Vec<i32> = (0..400).map(|row| row * 31 % 97).collect();
        let spend: Vec<i64> = (0..400).map(|row| row * 13 % 50 - 5).collect();
        let log = PurchaseLog::new(&customer, &day, &spend).unwrap();
        let all = Summaries::from_log(log, 12_290, date(80), TimeUnit::DAY).unwrap();
        let few: Vec<u32> = customer
            .iter()
            .map(|id| u32::try_from(ids.iter().position(|known| known == id).unwrap()).unwrap())
            .collect();
        let log = PurchaseLog::new(&few, &day, &spend).unwrap();
        let known = Summaries::from_log(log, 8, date(80), TimeUnit::DAY).unwrap();
        let names: Vec<u32> = known.customers().iter().map(|&place| ids[place as usize]).collect();
        assert_eq!(
            (all.customers(), all.buyers(), all.spends()),
            (&names[..], known.buyers(), known.spends())
        );
        assert_eq!(
            (all.without_purchase(), all.after()),
            (12_290 - 8 + known.without_purchase(), known.after())
        );
    }

    #[test]
    fn refuses_what_does_not_fit_together() {
        assert!(PurchaseLog::new(&[0], &[], &[1]).is_err());
        assert!(PurchaseLog::new(&[0], &[1], &[]).is_err());
        let log = PurchaseLog::new(&[0, 7], &[1, 1], &[1, 1]).unwrap();
        let refused = Summaries::from_log(log, 7, date(3), TimeUnit::DAY).unwrap_err();
        assert_eq!(refused.to_string(), "row 1: customer: must be below the number of customers, got `7`");
        let nobody = PurchaseLog::new(&[], &[], &[]).unwrap();
        let empty = Summaries::from_log(nobody, 2, date(3), TimeUnit::DAY).unwrap();
        assert!(empty.is_empty() && empty.without_purchase() == 2);
    }

    #[test]
    fn far_days_do_not_overflow() {
        let log = PurchaseLog::new(&[0, 0], &[i32::MIN, i32::MAX], &[i64::MAX, i64::MAX]).unwrap();
        let far = NaiveDate::MAX;
        let found = Summaries::from_log(log, 1, far, TimeUnit::DAY).unwrap();
        assert_eq!((found.after(), found.frequency()), (1, [0].as_slice()));
    }
}
