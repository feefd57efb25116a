use super::dealt::each_customer;
use super::summary::day_number;
use super::{Horizon, PurchaseLog, PurchaseModel, TimeUnit, ValueError};
use crate::purchase::PurchaseHistory;
use crate::validation::ValidationError;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// More periods than any chart shows.
const MOST_PERIODS: i64 = 100_000;

/// When customers first bought and when they bought again, day by day: what the tracking curve of a model is drawn from.
///
/// The plot that shows at a glance whether a model holds: repeat purchases week by week as they were made, beside what
/// the model expects of customers of whom nothing is known but the day of their first purchase.
///
/// Whole histories are pushed, each customer once. [`merge`](Self::merge) is associative and commutative.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use patronage::value::{ParetoNbd, PurchaseLog, TimeUnit, Tracking};
///
/// // Two customers from day 0 on, and one from day 9 on.
/// let log = PurchaseLog::new(&[0, 1, 0, 0, 2, 1], &[0, 0, 3, 8, 9, 20], &[500; 6])?;
/// let tracking = Tracking::from_log(log, 3)?;
/// let model = ParetoNbd::new(0.553, 10.578, 0.606, 11.669)?;
/// let until = NaiveDate::from_ymd_opt(1970, 1, 21).ok_or("no such day")?;
/// let weeks = tracking.curve(&model, TimeUnit::WEEK, 7, until)?;
/// let purchases: Vec<u64> = weeks.iter().map(|week| week.actual).collect();
/// assert_eq!(purchases, [1, 1, 1]);
/// assert_eq!(format!("{:.4} {:.4}", weeks[1].expected, weeks[1].cumulative_expected), "0.1339 0.2358");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: P. Fader, B. Hardie, K. L. Lee, "Counting your customers the easy way", Marketing Science 24 (2005), figures
/// 3 and 4.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    days: BTreeMap<i32, Day>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Day {
    first: u64,
    repeat: u64,
}

/// One period of a tracking curve.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrackedPeriod {
    /// The last day of the period, as days since 1970-01-01.
    pub last_day: i32,
    /// Repeat purchases in the period.
    pub actual: u64,
    /// What the model expects of the period.
    pub expected: f64,
    /// Repeat purchases from the start to the end of the period.
    pub cumulative_actual: u64,
    /// What the model expects of all that time.
    pub cumulative_expected: f64,
}

impl Tracking {
    /// Nobody yet.
    pub const fn new() -> Self {
        Self { days: BTreeMap::new() }
    }

    /// Reads a log of the customers 0 to `customers` - 1.
    ///
    /// # Errors
    /// [`ValueError::Row`] for the first row whose customer is not below `customers`.
    ///
    /// # Cost
    /// Linear, as [`Summaries::from_log`](super::Summaries::from_log).
    pub fn from_log(log: PurchaseLog<'_>, customers: u32) -> Result<Self, ValueError> {
        let mut tracking = Self::new();
        each_customer(log, customers, i32::MAX, |_, events| {
            tracking.push_days(events.iter().filter(|(_, spend)| *spend >= 0).map(|&(day, _)| day));
        })?;
        Ok(tracking)
    }

    /// Adds a customer by their whole history.
    pub fn push(&mut self, history: &PurchaseHistory) {
        self.push_days(history.days().iter().filter(|day| day.purchases > 0).map(|day| day.day));
    }

    /// Adds the days on which a customer bought, ascending.
    fn push_days(&mut self, days: impl Iterator<Item = i32>) {
        let mut last = None;
        for day in days {
            if last == Some(day) {
                continue;
            }
            let counts = self.days.entry(day).or_default();
            match last {
                None => counts.first += 1,
                Some(_) => counts.repeat += 1,
            }
            last = Some(day);
        }
    }

    /// Adds other customers.
    pub fn merge(&mut self, other: &Self) {
        for (&day, more) in &other.days {
            let counts = self.days.entry(day).or_default();
            counts.first += more.first;
            counts.repeat += more.repeat;
        }
    }

    /// How many customers there are.
    pub fn customers(&self) -> u64 {
        self.days.values().map(|day| day.first).sum()
    }

    /// Repeat purchases period by period, as they were made and as a model expects them.
    ///
    /// # Arguments
    /// - `unit`: the unit of the model.
    /// - `period_days`: the length of a period; 7 for weeks.
    /// - `until`: the last day; a last period that is not whole by then is left out.
    ///
    /// # Returns
    /// The periods from the day of the very first purchase on. A period ends at the end of its last day, and a first
    /// purchase counts as made at the start of its day, so that everybody has had whole days to buy again.
    ///
    /// # Errors
    /// [`ValidationError`] when the length is 0 or there are more than 100,000 periods.
    ///
    /// # Formula
    /// ```text
    /// cumulative expected at time t = sum over first purchases at s < t of E[purchases of a new customer in t - s]
    /// ```
    ///
    /// # Cost
    /// An expectation for each length of time that occurs, at most one for each day, and a sum over the days of first
    /// purchases for each period.
    pub fn curve(
        &self,
        model: &impl PurchaseModel,
        unit: TimeUnit,
        period_days: u32,
        until: NaiveDate,
    ) -> Result<Vec<TrackedPeriod>, ValidationError> {
        if period_days == 0 {
            return Err(ValidationError::new("tracking.period_days", "must be 1 or more", period_days));
        }
        let Some(&start) = self.days.keys().next() else { return Ok(Vec::new()) };
        let (start, length) = (i64::from(start), i64::from(period_days));
        let periods = (i64::from(day_number(until)) + 1 - start) / length;
        if periods > MOST_PERIODS {
            let rule = "must make at most 100,000 periods";
            return Err(ValidationError::new("tracking.period_days", rule, period_days));
        }
        let mut by_age: BTreeMap<i64, f64> = BTreeMap::new();
        let mut expected_by = |age: i64| {
            *by_age.entry(age).or_insert_with(|| {
                #[expect(clippy::cast_precision_loss, reason = "below 2^33 days")]
                let age = age as f64;
                model.expected_purchases_new(Horizon::trusted(age / unit.days()))
            })
        };
        let mut curve = Vec::new();
        let (mut before, mut cumulative_actual) = (0.0, 0);
        for period in 1..=periods {
            let end = start + period * length;
            let day_of = |day: i64| i32::try_from(day).unwrap_or(i32::MAX);
            let (first_day, last_day) = (day_of(end - length), day_of(end - 1));
            let actual = self.days.range(first_day..=last_day).map(|(_, day)| day.repeat).sum();
            cumulative_actual += actual;
            let mut cumulative_expected = 0.0;
            for (&day, counts) in self.days.range(..=last_day) {
                if counts.first > 0 {
                    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
                    let customers = counts.first as f64;
                    cumulative_expected += customers * expected_by(end - i64::from(day));
                }
            }
            curve.push(TrackedPeriod {
                last_day,
                actual,
                expected: (cumulative_expected - before).max(0.0),
                cumulative_actual,
                cumulative_expected,
            });
            before = cumulative_expected;
        }
        Ok(curve)
    }
}

impl<'h> Extend<&'h PurchaseHistory> for Tracking {
    fn extend<T: IntoIterator<Item = &'h PurchaseHistory>>(&mut self, histories: T) {
        for history in histories {
            self.push(history);
        }
    }
}

impl<'h> FromIterator<&'h PurchaseHistory> for Tracking {
    fn from_iter<T: IntoIterator<Item = &'h PurchaseHistory>>(histories: T) -> Self {
        let mut tracking = Self::new();
        tracking.extend(histories);
        tracking
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Nbd, ParetoNbd};
    use super::*;
    use crate::money::{Currency, Money};
    use proptest::prelude::*;

    fn date(day: i32) -> NaiveDate {
        NaiveDate::default().checked_add_days(chrono::Days::new(day.unsigned_abs().into())).unwrap()
    }

    fn model() -> ParetoNbd {
        ParetoNbd::new(0.553, 10.578, 0.606, 11.669).unwrap()
    }

    proptest! {
        #[test]
        fn log_histories_and_parts_agree(
            rows in prop::collection::vec((0_u32..6, 0_i32..25, -300_i64..900), 0..80),
        ) {
            let customer: Vec<u32> = rows.iter().map(|row| row.0).collect();
            let day: Vec<i32> = rows.iter().map(|row| row.1).collect();
            let spend: Vec<i64> = rows.iter().map(|row| row.2).collect();
            let log = PurchaseLog::new(&customer, &day, &spend).unwrap();
            let from_log = Tracking::from_log(log, 6).unwrap();

            let mut histories = vec![PurchaseHistory::new(Currency::EUR); 6];
            for &(customer, day, spend) in &rows {
                histories[customer as usize].push_on(date(day), Money::new(spend, Currency::EUR)).unwrap();
            }
            let of_histories: Tracking = histories.iter().collect();
            prop_assert_eq!(&of_histories, &from_log);
            let parts: Vec<Tracking> = histories.chunks(2).map(|part| part.iter().collect()).collect();
            let merged = |order: [usize; 3]| {
                let mut all = Tracking::new();
                for part in order {
                    all.merge(&parts[part]);
                }
                all
            };
            prop_assert_eq!(&merged([0, 1, 2]), &from_log);
            prop_assert_eq!(&merged([2, 0, 1]), &from_log);
            let mut last_two = parts[1].clone();
            last_two.merge(&parts[2]);
            let mut all = parts[0].clone();
            all.merge(&last_two);
            prop_assert_eq!(&all, &from_log);

            // No purchase is lost, and the parts of the curve add up.
            let curve = from_log.curve(&model(), TimeUnit::WEEK, 1, date(25)).unwrap();
            let repeats: u64 = histories.iter()
                .map(|h| h.days().iter().filter(|day| day.purchases > 0).count().saturating_sub(1) as u64)
                .sum();
            prop_assert_eq!(curve.last().map_or(0, |period| period.cumulative_actual), repeats);
            prop_assert_eq!(curve.iter().map(|period| period.actual).sum::<u64>(), repeats);
            let expected: f64 = curve.iter().map(|period| period.expected).sum();
            let all = curve.last().map_or(0.0, |period| period.cumulative_expected);
            prop_assert!((expected - all).abs() <= 1e-12 * (1.0 + all));
            prop_assert!(curve.iter().all(|period| period.expected >= 0.0));
        }
    }

    #[test]
    fn a_period_that_is_not_whole_is_left_out() {
        let log = PurchaseLog::new(&[0, 0, 0], &[3, 10, 16], &[1, 1, 1]).unwrap();
        let tracking = Tracking::from_log(log, 1).unwrap();
        assert_eq!(tracking.customers(), 1);
        let nbd = Nbd::new(1.0, 1.0).unwrap();
        let weeks = |until| tracking.curve(&nbd, TimeUnit::WEEK, 7, date(until)).unwrap();
        assert_eq!((weeks(8).len(), weeks(9).len(), weeks(15).len(), weeks(16).len()), (0, 1, 1, 2));
        // One purchase a week is expected.
        let last = weeks(16)[1];
        assert_eq!((last.last_day, last.actual, last.cumulative_actual), (16, 2, 2));
        assert!((last.expected - 1.0).abs() < 1e-15 && (last.cumulative_expected - 2.0).abs() < 1e-15);
    }

    #[test]
    fn refuses_periods_without_end() {
        let log = PurchaseLog::new(&[0, 0], &[i32::MIN, i32::MAX], &[1, 1]).unwrap();
        let far = Tracking::from_log(log, 1).unwrap();
        assert!(far.curve(&model(), TimeUnit::WEEK, 7, NaiveDate::MAX).is_err());
        assert!(far.curve(&model(), TimeUnit::WEEK, 0, NaiveDate::MAX).is_err());
        let whole = far.curve(&model(), TimeUnit::WEEK, u32::MAX, NaiveDate::MAX).unwrap();
        assert!(whole.is_empty());
        let nobody = Tracking::new().curve(&model(), TimeUnit::WEEK, 7, date(9)).unwrap();
        assert!(nobody.is_empty());
    }
}
