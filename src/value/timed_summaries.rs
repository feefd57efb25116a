use super::dealt::each_customer;
use super::summaries::days_after;
use super::summary::{Tally, day_number};
use super::timed_buyer::ln_intervals;
use super::{Buyers, PurchaseLog, Summaries, Summary, TimeUnit, TimedBuyer, ValueError};
use crate::purchase::PurchaseHistory;
use chrono::NaiveDate;

/// Many customers with how evenly they bought, as borrowed columns, checked once.
///
/// # Example
/// ```
/// use patronage::value::{Buyers, TimedBuyers, ValueError};
///
/// let buyers = Buyers::new(&[2, 0], &[12.0, 0.0], &[27.0, 30.0])?;
/// let evenly = 2.0 * 6_f64.ln();
/// assert_eq!(TimedBuyers::new(buyers, &[evenly, 0.0])?.len(), 2);
/// let refused = TimedBuyers::new(buyers, &[evenly + 0.1, 0.0]).unwrap_err();
/// assert!(matches!(refused, ValueError::Row { row: 0, .. }));
/// # Ok::<(), ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimedBuyers<'a> {
    buyers: Buyers<'a>,
    ln_intervals: &'a [f64],
}

impl<'a> TimedBuyers<'a> {
    /// Checks the sums of the logarithms of the times between purchases, row by row, by the rules of
    /// [`TimedBuyer::new`].
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`], or [`ValueError::Row`] for the first row that is refused.
    pub fn new(buyers: Buyers<'a>, ln_intervals: &'a [f64]) -> Result<Self, ValueError> {
        buyers.fits("ln_intervals", ln_intervals.len())?;
        for (row, (buyer, &sum)) in buyers.iter().zip(ln_intervals).enumerate() {
            TimedBuyer::new(buyer, sum).map_err(|rule| ValueError::Row { row, rule })?;
        }
        Ok(Self { buyers, ln_intervals })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.buyers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.buyers.is_empty()
    }

    /// The columns for all models.
    pub fn buyers(&self) -> Buyers<'a> {
        self.buyers
    }

    /// Checks that a caller's column has a row for each customer.
    pub(super) fn fits(&self, column: &'static str, found: usize) -> Result<(), ValueError> {
        self.buyers.fits(column, found)
    }

    /// The customers one by one, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = TimedBuyer> + Clone + use<'a> {
        let rows = self.buyers.iter().zip(self.ln_intervals);
        rows.map(|(buyer, &sum)| TimedBuyer::trusted(buyer, sum))
    }
}

/// The summaries of many customers with how evenly each bought: what models of regular buying are fitted to.
///
/// The rules are those of [`Summaries`]; the customers are too.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use patronage::value::{PurchaseLog, TimeUnit, TimedSummaries};
///
/// let log = PurchaseLog::new(&[0, 0, 0, 1], &[24, 3, 17, 5], &[250, 100, 50, 999])?;
/// let as_of = NaiveDate::from_ymd_opt(1970, 1, 29).ok_or("no such day")?;
/// let timed = TimedSummaries::from_log(log, 2, as_of, TimeUnit::WEEK)?;
/// assert_eq!(timed.summaries().frequency(), [2, 0]);
/// assert_eq!(format!("{:.6}", timed.ln_intervals()[0]), format!("{:.6}", 2_f64.ln()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimedSummaries {
    summaries: Summaries,
    ln_intervals: Vec<f64>,
}

impl TimedSummaries {
    /// Sums up a log for the customers 0 to `customers` - 1 at the end of the day `as_of`, in one go.
    ///
    /// # Errors
    /// As [`Summaries::from_log`].
    ///
    /// # Cost
    /// As [`Summaries::from_log`], and a logarithm for each interval.
    pub fn from_log(
        log: PurchaseLog<'_>,
        customers: u32,
        as_of: NaiveDate,
        unit: TimeUnit,
    ) -> Result<Self, ValueError> {
        let mut found = Self::default();
        let as_of = day_number(as_of);
        let after = each_customer(log, customers, as_of, |customer, events| {
            found.push(customer, events, as_of, unit);
        })?;
        found.summaries.leave_out(after);
        Ok(found)
    }

    /// Sums up histories at the end of the day `as_of`; customers are numbered by their place, from 0.
    pub fn of<'h>(
        histories: impl IntoIterator<Item = &'h PurchaseHistory>,
        as_of: NaiveDate,
        unit: TimeUnit,
    ) -> Self {
        let mut found = Self::default();
        for (customer, history) in (0..u32::MAX).zip(histories) {
            found.push_history(customer, history, as_of, unit);
        }
        found
    }

    /// Adds the next customer by all rows up to the day `as_of`, in order of their days.
    pub(super) fn push(&mut self, customer: u32, events: &[(i32, i64)], as_of: i32, unit: TimeUnit) {
        let mut tally = Tally::default();
        for &(day, spend) in events {
            tally.push(day, spend >= 0, spend, as_of);
        }
        let summary = tally.summary(as_of);
        self.summaries.push(customer, summary, unit);
        if summary.is_some() {
            let bought = events.iter().filter(|(_, spend)| *spend >= 0).map(|&(day, _)| day);
            self.ln_intervals.push(ln_intervals(bought, unit));
        }
    }

    /// Adds the next customer by their history.
    pub(super) fn push_history(
        &mut self,
        customer: u32,
        history: &PurchaseHistory,
        as_of: NaiveDate,
        unit: TimeUnit,
    ) {
        self.summaries.leave_out(days_after(history, day_number(as_of)));
        self.summaries.push(customer, Summary::of(history, as_of), unit);
        if let Some(timed) = TimedBuyer::of(history, as_of, unit) {
            self.ln_intervals.push(timed.ln_intervals());
        }
    }

    /// Counts rows that lie after the day all is summed up at.
    pub(super) fn leave_out(&mut self, after: u64) {
        self.summaries.leave_out(after);
    }

    /// The columns for all other models, and who the customers are.
    pub const fn summaries(&self) -> &Summaries {
        &self.summaries
    }

    /// The sum of the logarithms of the times between the purchases of each; 0 for those who never came back.
    pub fn ln_intervals(&self) -> &[f64] {
        &self.ln_intervals
    }

    /// The columns for models of regular buying.
    pub fn timed_buyers(&self) -> TimedBuyers<'_> {
        TimedBuyers { buyers: self.summaries.buyers(), ln_intervals: &self.ln_intervals }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};
    use proptest::prelude::*;

    fn date(day: i32) -> NaiveDate {
        NaiveDate::default().checked_add_days(chrono::Days::new(day.unsigned_abs().into())).unwrap()
    }

    proptest! {
        #[test]
        fn log_histories_and_rows_agree_to_the_bit(
            rows in prop::collection::vec((0_u32..6, 0_i32..25, -300_i64..900), 0..80),
            as_of in 0_i32..25,
        ) {
            let customer: Vec<u32> = rows.iter().map(|row| row.0).collect();
            let day: Vec<i32> = rows.iter().map(|row| row.1).collect();
            let spend: Vec<i64> = rows.iter().map(|row| row.2).collect();
            let log = PurchaseLog::new(&customer, &day, &spend).unwrap();
            let from_log = TimedSummaries::from_log(log, 6, date(as_of), TimeUnit::WEEK).unwrap();
            let plain = Summaries::from_log(log, 6, date(as_of), TimeUnit::WEEK).unwrap();
            prop_assert_eq!(from_log.summaries(), &plain);

            let mut histories = vec![PurchaseHistory::new(Currency::EUR); 6];
            for &(customer, day, spend) in &rows {
                histories[customer as usize].push_on(date(day), Money::new(spend, Currency::EUR)).unwrap();
            }
            let of_histories = TimedSummaries::of(&histories, date(as_of), TimeUnit::WEEK);
            prop_assert_eq!(of_histories.timed_buyers(), from_log.timed_buyers());
            let one_by_one: Vec<TimedBuyer> =
                histories.iter().filter_map(|h| TimedBuyer::of(h, date(as_of), TimeUnit::WEEK)).collect();
            prop_assert!(from_log.timed_buyers().iter().eq(one_by_one));
            let checked = TimedBuyers::new(from_log.summaries().buyers(), from_log.ln_intervals());
            prop_assert_eq!(checked, Ok(from_log.timed_buyers()));
        }
    }

    #[test]
    fn refuses_columns_of_other_lengths() {
        let refused = TimedBuyers::new(Buyers::new(&[0], &[0.0], &[1.0]).unwrap(), &[]).unwrap_err();
        assert_eq!(refused.to_string(), "column ln_intervals has 0 rows instead of 1");
    }
}
