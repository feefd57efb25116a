use super::dealt::each_customer;
use super::holdout::Later;
use super::summaries::days_after;
use super::{
    Buyer, CalibrationGroup, ForecastErrors, HoldoutPeriod, Horizon, PurchaseLog, PurchaseModel, Summaries,
    TimeUnit, TimedBuyers, TimedSummaries, ValueError, calibration_by,
};
use crate::measure::Share;
use crate::purchase::PurchaseHistory;

/// Many customers as a model may know them, and what they then did, as columns: what models are judged by.
///
/// Customers who had not bought by the end of the calibration have no row and are counted.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use patronage::value::{HoldoutPeriod, Holdouts, Nbd, PurchaseLog, TimeUnit};
///
/// let log = PurchaseLog::new(&[0, 1, 0, 1, 0], &[3, 5, 17, 6, 24], &[100, 999, 50, 10, 250])?;
/// let day = |day| NaiveDate::from_ymd_opt(1970, 1, day).ok_or("no such day");
/// let period = HoldoutPeriod::new(day(15)?, day(29)?)?;
/// let holdouts = Holdouts::from_log(log, 2, period, TimeUnit::WEEK)?;
/// assert_eq!(holdouts.calibration().frequency(), [0, 1]);
/// assert_eq!((holdouts.purchases(), holdouts.spend()), ([2, 0].as_slice(), [300.0, 0.0].as_slice()));
///
/// let errors = holdouts.errors(&Nbd::new(1.0, 2.0)?)?;
/// assert_eq!(format!("{:.4} of {}", errors.expected(), errors.actual()), "1.7774 of 2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Holdouts {
    calibration: TimedSummaries,
    purchases: Vec<u32>,
    spend: Vec<f64>,
    days_to_next: Vec<Option<u32>>,
    horizon: Horizon,
    after: u64,
}

impl Holdouts {
    fn new(period: HoldoutPeriod, unit: TimeUnit) -> Self {
        Self {
            calibration: TimedSummaries::default(),
            purchases: Vec::new(),
            spend: Vec::new(),
            days_to_next: Vec::new(),
            horizon: period.length(unit),
            after: 0,
        }
    }

    /// Splits a log for the customers 0 to `customers` - 1, in one go.
    ///
    /// # Errors
    /// As [`Summaries::from_log`].
    ///
    /// # Cost
    /// As [`TimedSummaries::from_log`].
    pub fn from_log(
        log: PurchaseLog<'_>,
        customers: u32,
        period: HoldoutPeriod,
        unit: TimeUnit,
    ) -> Result<Self, ValueError> {
        let mut found = Self::new(period, unit);
        let (calibrated, end) = period.last_days();
        let after = each_customer(log, customers, end, |customer, events| {
            let known = events.partition_point(|&(day, _)| day <= calibrated);
            let (before, later) = events.split_at(known);
            found.calibration.leave_out(u64::try_from(later.len()).unwrap_or(u64::MAX));
            found.calibration.push(customer, before, calibrated, unit);
            let mut sum = Later::default();
            for &(day, spend) in later {
                sum.push(day, spend >= 0, spend, (calibrated, end));
            }
            found.push(&sum);
        })?;
        found.after = after;
        found.calibration.leave_out(after);
        Ok(found)
    }

    /// Splits histories; customers are numbered by their place, from 0.
    ///
    /// # Cost
    /// O(days of all), 60 bytes for each customer.
    pub fn of<'h>(
        histories: impl IntoIterator<Item = &'h PurchaseHistory>,
        period: HoldoutPeriod,
        unit: TimeUnit,
    ) -> Self {
        let mut found = Self::new(period, unit);
        for (customer, history) in (0..u32::MAX).zip(histories) {
            found.calibration.push_history(customer, history, period.calibration_end(), unit);
            found.after += days_after(history, period.last_days().1);
            let mut sum = Later::default();
            for day in history.days() {
                sum.push(day.day, day.purchases > 0, day.spend_minor, period.last_days());
            }
            found.push(&sum);
        }
        found
    }

    /// Adds what the customer did whose calibration was added just before; nothing where they have no row.
    fn push(&mut self, later: &Later) {
        if self.purchases.len() == self.calibration.summaries().len() {
            return;
        }
        self.purchases.push(later.purchases);
        #[expect(clippy::cast_precision_loss, reason = "a spend to be compared with a forecast")]
        self.spend.push(later.spend as f64);
        self.days_to_next.push(later.next);
    }

    /// How many customers have a row.
    pub fn len(&self) -> usize {
        self.purchases.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.purchases.is_empty()
    }

    /// What was known of them at the end of the calibration: fit models to its [`buyers`](Summaries::buyers).
    pub const fn calibration(&self) -> &Summaries {
        self.calibration.summaries()
    }

    /// The same with the times between purchases, for models of regular buying.
    pub fn timed_buyers(&self) -> TimedBuyers<'_> {
        self.calibration.timed_buyers()
    }

    /// How many purchases each made in the hold-out period: days on which they bought.
    pub fn purchases(&self) -> &[u32] {
        &self.purchases
    }

    /// The net spend of each in the hold-out period, in minor units; negative where more was returned than bought.
    pub fn spend(&self) -> &[f64] {
        &self.spend
    }

    /// Days from the end of the calibration to the next purchase of each, where there was one.
    pub fn days_to_next(&self) -> &[Option<u32>] {
        &self.days_to_next
    }

    /// The length of the hold-out period, in the unit of the columns.
    pub const fn horizon(&self) -> Horizon {
        self.horizon
    }

    /// How many rows of the log (or days of the histories) lie after the hold-out period and were left out.
    pub const fn after(&self) -> u64 {
        self.after
    }

    /// Each customer as known at the end of the calibration, with the purchases they then made.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (Buyer, u32)> + Clone + use<'_> {
        self.calibration().buyers().iter().zip(self.purchases.iter().copied())
    }

    /// For each customer, how many purchases a model expects and how many there were.
    pub fn forecasts<'s, M: PurchaseModel>(
        &'s self,
        model: &'s M,
    ) -> impl ExactSizeIterator<Item = (f64, f64)> + Clone + use<'s, M> {
        self.rows().map(|(buyer, actual)| (model.expected_purchases(buyer, self.horizon), f64::from(actual)))
    }

    /// How far a model's expected purchases are from those made.
    ///
    /// # Errors
    /// [`ValueError::NoRows`] without customers.
    pub fn errors(&self, model: &impl PurchaseModel) -> Result<ForecastErrors, ValueError> {
        ForecastErrors::of(self.forecasts(model))
    }

    /// Expected and actual purchases by how often customers had bought again before: the table in which the literature
    /// shows hold-out forecasts. Those with `most` or more are one group.
    ///
    /// # Errors
    /// As [`calibration_by`].
    pub fn by_frequency(
        &self,
        model: &impl PurchaseModel,
        most: u32,
        level: Share,
    ) -> Result<Vec<CalibrationGroup<u32>>, ValueError> {
        let frequency = self.calibration().frequency().iter().map(|&frequency| frequency.min(most));
        let rows = frequency.zip(self.forecasts(model));
        calibration_by(rows.map(|(frequency, (expected, actual))| (frequency, expected, actual)), level)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Holdout;
    use super::*;
    use crate::money::{Currency, Money};
    use chrono::NaiveDate;
    use proptest::prelude::*;

    fn date(day: i32) -> NaiveDate {
        NaiveDate::default().checked_add_days(chrono::Days::new(day.unsigned_abs().into())).unwrap()
    }

    proptest! {
        #[test]
        fn log_histories_and_rows_agree(
            rows in prop::collection::vec((0_u32..6, 0_i32..25, -300_i64..900), 0..80),
            (calibrated, end) in (0_i32..24).prop_flat_map(|start| (Just(start), start + 1..25)),
        ) {
            let customer: Vec<u32> = rows.iter().map(|row| row.0).collect();
            let day: Vec<i32> = rows.iter().map(|row| row.1).collect();
            let spend: Vec<i64> = rows.iter().map(|row| row.2).collect();
            let log = PurchaseLog::new(&customer, &day, &spend).unwrap();
            let period = HoldoutPeriod::new(date(calibrated), date(end)).unwrap();
            let from_log = Holdouts::from_log(log, 6, period, TimeUnit::WEEK).unwrap();
            let plain = Summaries::from_log(log, 6, date(calibrated), TimeUnit::WEEK).unwrap();
            prop_assert_eq!(from_log.calibration(), &plain);
            let timed = TimedSummaries::from_log(log, 6, date(calibrated), TimeUnit::WEEK).unwrap();
            prop_assert_eq!(from_log.timed_buyers(), timed.timed_buyers());

            let mut histories = vec![PurchaseHistory::new(Currency::EUR); 6];
            for &(customer, day, spend) in &rows {
                histories[customer as usize].push_on(date(day), Money::new(spend, Currency::EUR)).unwrap();
            }
            let of_histories = Holdouts::of(&histories, period, TimeUnit::WEEK);
            prop_assert_eq!(of_histories.timed_buyers(), from_log.timed_buyers());
            prop_assert_eq!(of_histories.purchases(), from_log.purchases());
            prop_assert_eq!(of_histories.spend(), from_log.spend());
            prop_assert_eq!(of_histories.days_to_next(), from_log.days_to_next());
            let later = day.iter().filter(|&&day| day > end).count();
            prop_assert_eq!(from_log.after(), later as u64);

            // What was split makes up the whole.
            let whole = Summaries::from_log(log, 6, date(end), TimeUnit::WEEK).unwrap();
            for (index, customer) in plain.customers().iter().enumerate() {
                let all = whole.customers().iter().position(|known| known == customer).unwrap();
                let parts = plain.frequency()[index] + from_log.purchases()[index];
                prop_assert_eq!(whole.frequency()[all], parts);
            }
            let mut kept = histories.iter().filter_map(|history| Holdout::of(history, period));
            for (index, summary) in plain.customers().iter().enumerate() {
                let one = kept.next().unwrap();
                prop_assert_eq!(one.purchases(), from_log.purchases()[index], "{}", summary);
                prop_assert_eq!(one.spend_minor().to_string(), from_log.spend()[index].to_string());
                prop_assert_eq!(one.days_to_next(), from_log.days_to_next()[index]);
                prop_assert_eq!(one.calibration().buyer(TimeUnit::WEEK), plain.buyers().iter().nth(index).unwrap());
            }
            prop_assert!(kept.next().is_none());
        }
    }
}
