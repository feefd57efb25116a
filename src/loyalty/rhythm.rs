use super::{LoyaltyError, RhythmRule};
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// An alarm: since when a customer has slowed down, and on which day that was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slowing {
    /// The day of the purchase or contact after which the gaps became longer.
    pub onset: i32,
    /// The first day on which there was reason enough for an alarm.
    pub noticed: i32,
}

/// How a customer goes on, against their own rhythm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Nothing can be said before the first gap is over.
    TooEarly,
    /// As before.
    Steady {
        /// The day on which there will be an alarm if the customer stays silent: the day to look again.
        alarm_on: i32,
    },
    /// The customer has slowed down: the time for a proactive contact.
    Slowing(Slowing),
}

/// Notices a customer who drifts away from their own rhythm, before they are gone: a one-sided CUSUM of the gaps between
/// purchases or contacts, with a stated rate of false alarms.
///
/// The customer's own gaps so far are the measure, and what that leaves uncertain is taken into account: the n-th gap x is
/// scored by `E = (n - 1) ln(1 + x / S)`, S the sum of the n - 1 gaps before. For someone who buys at random times at an
/// unchanging rate, whatever the rate is, these are independent and exponential with mean 1 from the second gap on, so that
/// the rate of false alarms promised by a [`RhythmRule`] holds from the beginning and not only after a long calibration.
/// The silence since the last purchase counts too, so that the alarm comes during a silence and not after it.
///
/// After an alarm the count begins anew when the customer returns; the rhythm goes on being learnt.
///
/// Days are numbers of one calendar, as [`PurchaseHistory::days`](crate::purchase::PurchaseHistory::days) has them; several
/// on a day count once. One rule is used for the whole life of a state.
///
/// # Cost
/// Constant time and 40 bytes a customer. There is no merge, because the order of all gaps matters: histories of two
/// customers that turn out to be one are merged, and their days pushed again.
///
/// # Example
/// ```
/// use patronage::loyalty::{Pace, Rhythm, RhythmRule, Slowing};
///
/// let rule = RhythmRule::new(3.0, 100.0)?;
/// let every_week = (0..12).map(|week| 7 * week);
/// let rhythm = Rhythm::from_days(&rule, every_week)?.ok_or("no days")?;
/// assert_eq!(rhythm.pace(&rule, 84)?, Pace::Steady { alarm_on: 125 });
/// assert_eq!(rhythm.pace(&rule, 130)?, Pace::Slowing(Slowing { onset: 77, noticed: 125 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954); D. M. Hawkins, "Self-starting CUSUM charts for
/// location and scale", The Statistician 36 (1987).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Rhythm {
    first: i32,
    last: i32,
    gaps: u32,
    score: f64,
    onset: i32,
    alarms: u32,
    last_alarm: Option<Slowing>,
}

#[derive(Deserialize)]
struct Fields {
    first: i32,
    last: i32,
    gaps: u32,
    score: f64,
    onset: i32,
    alarms: u32,
    last_alarm: Option<Slowing>,
}

impl TryFrom<Fields> for Rhythm {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        let Fields { first, last, gaps, score, onset, alarms, last_alarm } = fields;
        // Every gap is a day at least.
        let days = i64::from(last) - i64::from(first);
        if i64::from(gaps) > days || (gaps == 0 && days != 0) {
            return Err(ValidationError::new(
                "rhythm.gaps",
                "must fit between the first and the last day",
                gaps,
            ));
        }
        if !(first..=last).contains(&onset) {
            return Err(ValidationError::new(
                "rhythm.onset",
                "must lie between the first and the last day",
                onset,
            ));
        }
        if !(0.0..=f64::MAX).contains(&score) {
            return Err(ValidationError::new("rhythm.score", "must be finite and not negative", score));
        }
        Ok(Self { first, last, gaps, score, onset, alarms, last_alarm })
    }
}

impl Rhythm {
    /// A customer who was first there on that day.
    pub const fn new(day: i32) -> Self {
        Self { first: day, last: day, gaps: 0, score: 0.0, onset: day, alarms: 0, last_alarm: None }
    }

    /// The rhythm of a customer who was there on these ascending days; `None` without any.
    ///
    /// # Errors
    /// [`LoyaltyError::DaysOutOfOrder`].
    pub fn from_days(
        rule: &RhythmRule,
        days: impl IntoIterator<Item = i32>,
    ) -> Result<Option<Self>, LoyaltyError> {
        let mut days = days.into_iter();
        let Some(first) = days.next() else { return Ok(None) };
        let mut rhythm = Self::new(first);
        for (place, day) in (1..).zip(days) {
            rhythm.push(rule, day).map_err(|error| match error {
                LoyaltyError::DaysOutOfOrder { day, before, .. } => {
                    LoyaltyError::DaysOutOfOrder { place, day, before }
                }
                other => other,
            })?;
        }
        Ok(Some(rhythm))
    }

    /// The customer was there again on that day. Returns the alarm that the silence before it had raised, if any.
    ///
    /// # Errors
    /// [`LoyaltyError::DaysOutOfOrder`] when the day is before the last one; its place is the number of gaps and one.
    pub fn push(&mut self, rule: &RhythmRule, day: i32) -> Result<Option<Slowing>, LoyaltyError> {
        if day < self.last {
            let place = usize::try_from(self.gaps).unwrap_or(usize::MAX).saturating_add(1);
            return Err(LoyaltyError::DaysOutOfOrder { place, day, before: self.last });
        }
        if day == self.last {
            return Ok(None);
        }
        let alarm = self.alarm(rule, day);
        self.score = match alarm {
            Some(_) => 0.0,
            None => (self.score + rule.rise() * self.own_gaps(day) - rule.fall()).max(0.0),
        };
        if self.score <= 0.0 {
            self.onset = day;
        }
        if alarm.is_some() {
            self.last_alarm = alarm;
            self.alarms = self.alarms.saturating_add(1);
        }
        self.last = day;
        self.gaps = self.gaps.saturating_add(1);
        Ok(alarm)
    }

    /// How the customer goes on, as seen on a day.
    ///
    /// # Errors
    /// [`LoyaltyError::AfterAsOf`] when they were there after that day.
    pub fn pace(&self, rule: &RhythmRule, as_of: i32) -> Result<Pace, LoyaltyError> {
        if as_of < self.last {
            let place = usize::try_from(self.gaps).unwrap_or(usize::MAX);
            return Err(LoyaltyError::AfterAsOf { place, day: self.last, as_of });
        }
        if self.gaps == 0 {
            return Ok(Pace::TooEarly);
        }
        Ok(match self.alarm(rule, as_of) {
            Some(slowing) => Pace::Slowing(slowing),
            None => Pace::Steady { alarm_on: self.alarm_day(rule) },
        })
    }

    /// The mean gap so far in days; `None` before the first gap is over.
    pub fn mean_gap(&self) -> Option<f64> {
        (self.gaps > 0).then(|| self.span() / f64::from(self.gaps))
    }

    /// How many gaps there were.
    pub const fn gaps(&self) -> u32 {
        self.gaps
    }

    /// What speaks for a slowing so far, in units of log likelihood, without the silence since the last day.
    pub const fn score(&self) -> f64 {
        self.score
    }

    /// How many alarms there were that the customer came back from.
    pub const fn alarms(&self) -> u32 {
        self.alarms
    }

    /// The last of them.
    pub const fn last_alarm(&self) -> Option<Slowing> {
        self.last_alarm
    }

    fn span(&self) -> f64 {
        f64::from(self.last) - f64::from(self.first)
    }

    /// The gap that ends on `day` in units of the own rhythm: exponential with mean 1 while nothing changes.
    fn own_gaps(&self, day: i32) -> f64 {
        if self.gaps == 0 {
            return 0.0;
        }
        let gap = f64::from(day) - f64::from(self.last);
        f64::from(self.gaps) * libm::log1p(gap / self.span())
    }

    fn alarm(&self, rule: &RhythmRule, as_of: i32) -> Option<Slowing> {
        let noticed = self.alarm_day(rule);
        (self.gaps > 0 && as_of >= noticed).then_some(Slowing { onset: self.onset, noticed })
    }

    /// The first day on which a silence that goes on raises an alarm.
    fn alarm_day(&self, rule: &RhythmRule) -> i32 {
        let own_gaps = (rule.threshold() - self.score) / rule.rise();
        let days = self.span() * libm::expm1(own_gaps / f64::from(self.gaps.max(1)));
        let day = f64::from(self.last) + libm::ceil(days).max(1.0);
        #[expect(clippy::cast_possible_truncation, reason = "a whole number, cut at the last day there is")]
        let day = day.min(f64::from(i32::MAX)) as i32;
        day
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers")]

    use super::*;
    use crate::numeric::random::Random;

    /// A gap of whole days, of a mean so long that whole days do not matter.
    fn gap(random: &mut Random, mean: f64) -> i32 {
        libm::ceil(mean * random.exponential()).max(1.0) as i32
    }

    /// The mean number of gaps until the first alarm of customers whose rhythm, drawn for each, never changes.
    fn gaps_to_false_alarm(rule: &RhythmRule, customers: u32, regularity: u32) -> f64 {
        let mut random = Random::new(20_261_122);
        let mut gaps = 0_u64;
        for _ in 0..customers {
            let mean = 200.0 * (1.0 + 9.0 * random.uniform()) / f64::from(regularity);
            let mut day = 0;
            let mut rhythm = Rhythm::new(day);
            loop {
                day += (0..regularity).map(|_| gap(&mut random, mean)).sum::<i32>();
                if rhythm.push(rule, day).unwrap().is_some() {
                    break;
                }
            }
            // The first gap is only learnt from, the last one did not come to its end.
            gaps += u64::from(rhythm.gaps() - 2);
        }
        gaps as f64 / f64::from(customers)
    }

    /// The number of whole gaps before an alarm has a deviation of about its mean.
    #[test]
    fn false_alarms_are_as_rare_as_stated() {
        for (slowing, every, customers) in [(2.0, 20.0, 12_000), (3.0, 100.0, 6_000), (1.5, 60.0, 6_000)] {
            let rule = RhythmRule::new(slowing, every).unwrap();
            let seen = gaps_to_false_alarm(&rule, customers, 1);
            let tolerance = 3.5 * every / f64::from(customers).sqrt();
            assert!((seen - every).abs() < tolerance, "{slowing}: {seen} instead of {every} +- {tolerance}");
        }
    }

    #[test]
    fn regular_customers_give_fewer_false_alarms() {
        let rule = RhythmRule::new(3.0, 20.0).unwrap();
        let seen = gaps_to_false_alarm(&rule, 300, 3);
        assert!(seen > 60.0, "{seen}");
    }

    /// Customers with 24 gaps of their own rhythm, then 8 that are three times as long, then nothing any more.
    #[test]
    fn a_slowing_is_noticed_before_the_customer_is_gone() {
        let rule = RhythmRule::new(3.0, 100.0).unwrap();
        let mut random = Random::new(7);
        let (mut in_time, mut ever, mut onsets, mut early) = (0, 0, 0, 0);
        let customers = 2_000;
        for _ in 0..customers {
            let mut day = 0;
            let mut rhythm = Rhythm::new(day);
            for _ in 0..24 {
                day += gap(&mut random, 30.0);
                early += u32::from(rhythm.push(&rule, day).unwrap().is_some());
            }
            let planted = day;
            let mut noticed = None;
            for _ in 0..8 {
                day += gap(&mut random, 90.0);
                noticed = noticed.or(rhythm.push(&rule, day).unwrap());
            }
            in_time += u32::from(noticed.is_some());
            if let Pace::Slowing(slowing) = rhythm.pace(&rule, day + 600).unwrap() {
                noticed = noticed.or(Some(slowing));
            }
            if let Some(slowing) = noticed {
                ever += 1;
                onsets += u32::from((slowing.onset - planted).abs() <= 90);
            }
        }
        let share = |count: u32| f64::from(count) / f64::from(customers);
        let seen = format!(
            "{} in time, {} ever, {} onsets within 90 days, {} false alarms",
            share(in_time),
            share(ever),
            share(onsets),
            share(early)
        );
        assert!(share(in_time) > 0.8 && share(ever) > 0.99 && share(onsets) > 0.6, "{seen}");
        // 23 gaps at a rate of 1 in 100.
        assert!((share(early) - 0.205).abs() < 0.035, "{seen}");
    }

    #[test]
    fn days_are_held_in_order() {
        let rule = RhythmRule::new(2.0, 50.0).unwrap();
        assert_eq!(size_of::<Rhythm>(), 40);
        assert_eq!(Rhythm::from_days(&rule, []), Ok(None));
        let refused = Rhythm::from_days(&rule, [5, 9, 8]).unwrap_err();
        assert_eq!(refused, LoyaltyError::DaysOutOfOrder { place: 2, day: 8, before: 9 });
        let once = Rhythm::from_days(&rule, [5, 9, 9, 9]).unwrap().unwrap();
        assert_eq!(Rhythm::from_days(&rule, [5, 9]).unwrap(), Some(once));
        assert_eq!(once.pace(&rule, 8), Err(LoyaltyError::AfterAsOf { place: 1, day: 9, as_of: 8 }));
        assert_eq!(Rhythm::new(5).pace(&rule, 5_000), Ok(Pace::TooEarly));
        let text = serde_json::to_string(&once).unwrap();
        assert_eq!(serde_json::from_str::<Rhythm>(&text).unwrap(), once);
        for wrong in ["\"gaps\":9", "\"gaps\":0"] {
            assert!(serde_json::from_str::<Rhythm>(&text.replace("\"gaps\":1", wrong)).is_err());
        }
        // The widest days there are.
        let widest = Rhythm::from_days(&rule, [i32::MIN, i32::MAX]).unwrap().unwrap();
        assert!(matches!(widest.pace(&rule, i32::MAX), Ok(Pace::Slowing(_) | Pace::Steady { .. })));
    }

    #[test]
    fn the_alarm_comes_on_the_day_foretold() {
        let rule = RhythmRule::new(2.0, 50.0).unwrap();
        let mut rhythm = Rhythm::from_days(&rule, [0, 10, 19, 31, 40, 75]).unwrap().unwrap();
        let Pace::Steady { alarm_on } = rhythm.pace(&rule, 75).unwrap() else { panic!("no pace") };
        assert_eq!(rhythm.pace(&rule, alarm_on - 1), Ok(Pace::Steady { alarm_on }));
        let slowing = Slowing { onset: 40, noticed: alarm_on };
        assert_eq!(rhythm.pace(&rule, alarm_on), Ok(Pace::Slowing(slowing)));
        assert_eq!(rhythm.push(&rule, alarm_on + 3), Ok(Some(slowing)));
        assert_eq!((rhythm.alarms(), rhythm.last_alarm(), rhythm.score()), (1, Some(slowing), 0.0));
    }
}
