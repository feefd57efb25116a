use super::funnel_plan::{FunnelPlan, bit, highest};
use super::funnel_walk::{Ending, Mark, Status};
use super::{Funnel, FunnelComparison, JourneyError, micros};
use crate::measure::{Estimate, Share};
use crate::numeric::{proportion, proportion::Proportion, quantile};
use chrono::{DateTime, TimeDelta, Utc};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// How one customer fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FunnelOutcome {
    /// They never met the first step.
    NotEntered,
    /// They met every step.
    Converted {
        /// From the entry to the last step; the entry is the latest that leads to this conversion.
        #[serde(rename = "took_us", serialize_with = "micros::serialize")]
        took: TimeDelta,
    },
    /// They have not converted, but the time for it is not over yet. Nobody knows how it will end.
    Open {
        /// The furthest step, from 0.
        step: usize,
    },
    /// Their time was over before they met the next step.
    Dropped {
        /// The furthest step, from 0.
        step: usize,
        /// The activity that followed when they last stood there; `None` when nothing did.
        next: Option<u16>,
    },
    /// An excluded activity broke their way after the furthest step, and they did not come back to it.
    Excluded {
        /// The furthest step, from 0.
        step: usize,
        /// The activity that followed when they last stood there.
        next: Option<u16>,
    },
}

/// How many customers came as far as one step of a funnel, and what became of those who came no further.
#[derive(Clone, Debug, Default)]
pub struct FunnelStepReport {
    reached: u64,
    open: u64,
    dropped: u64,
    excluded: u64,
    undecided: u64,
    undecided_of_entered: u64,
    took: Vec<i64>,
    left_to: Vec<u64>,
    left_for_nothing: u64,
}

impl FunnelStepReport {
    /// How many customers reached the step.
    pub const fn reached(&self) -> u64 {
        self.reached
    }

    /// Of those who came no further, how many still can: their window is not over. They are censored, not lost.
    pub const fn open(&self) -> u64 {
        self.open
    }

    /// How many came no further and whose time is over.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many came no further because of an excluded activity.
    pub const fn excluded(&self) -> u64 {
        self.excluded
    }

    /// How many of those who reached the step before might still reach this one.
    pub const fn undecided(&self) -> u64 {
        self.undecided
    }

    /// Where those who came no further (dropped or excluded) went next: the activity that followed when they last stood
    /// at this step, `None` where nothing followed. The most frequent first, ties by activity.
    pub fn left_to(&self) -> Vec<(Option<u16>, u64)> {
        let known = (0..=u16::MAX).zip(&self.left_to).map(|(activity, &count)| (Some(activity), count));
        let all = known.chain([(None, self.left_for_nothing)]);
        let mut all: Vec<_> = all.filter(|&(_, count)| count > 0).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        all
    }

    /// How long it took from the entry to reach the step for the first time (the shortest way to that event).
    ///
    /// `None` when nobody reached it, and for the first step, which takes no time.
    ///
    /// # Cost
    /// O(customers who reached it).
    pub fn time_to_reach(&self) -> Option<FunnelTime> {
        let n = i128::try_from(self.took.len()).ok().filter(|&n| n > 0)?;
        let mut scratch = Vec::new();
        let deciles: [i64; 9] = quantile::cuts(self.took.iter().copied(), &mut scratch)?;
        let [.., median, _, _, _, ninth] = deciles;
        let sum: i128 = self.took.iter().copied().map(i128::from).sum();
        let span = |micros: i64| TimeDelta::microseconds(micros);
        let mean = i64::try_from(sum / n).unwrap_or(i64::MAX);
        let n = self.took.len() as u64;
        Some(FunnelTime { n, mean: span(mean), median: span(median), nine_in_ten: span(ninth) })
    }

    fn leave(&mut self, next: Option<u16>) {
        let Some(activity) = next.map(usize::from) else {
            self.left_for_nothing += 1;
            return;
        };
        if self.left_to.len() <= activity {
            self.left_to.resize(activity + 1, 0);
        }
        if let Some(count) = self.left_to.get_mut(activity) {
            *count += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.reached += other.reached;
        self.open += other.open;
        self.dropped += other.dropped;
        self.excluded += other.excluded;
        self.undecided += other.undecided;
        self.undecided_of_entered += other.undecided_of_entered;
        self.took.extend(&other.took);
        if self.left_to.len() < other.left_to.len() {
            self.left_to.resize(other.left_to.len(), 0);
        }
        for (count, more) in self.left_to.iter_mut().zip(&other.left_to) {
            *count += more;
        }
        self.left_for_nothing += other.left_for_nothing;
    }
}

/// Written with the time to reach the step and where those who left it went, but not the time of each customer.
impl Serialize for FunnelStepReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Left {
            next: Option<u16>,
            customers: u64,
        }
        let left = self.left_to().into_iter().map(|(next, customers)| Left { next, customers });
        let mut fields = serializer.serialize_struct("FunnelStepReport", 7)?;
        fields.serialize_field("reached", &self.reached)?;
        fields.serialize_field("open", &self.open)?;
        fields.serialize_field("dropped", &self.dropped)?;
        fields.serialize_field("excluded", &self.excluded)?;
        fields.serialize_field("undecided", &self.undecided)?;
        fields.serialize_field("time_to_reach", &self.time_to_reach())?;
        fields.serialize_field("left_to", &left.collect::<Vec<_>>())?;
        fields.end()
    }
}

impl PartialEq for FunnelStepReport {
    fn eq(&self, other: &Self) -> bool {
        let counts = |step: &Self| {
            let Self { reached, open, dropped, excluded, undecided, undecided_of_entered, .. } = *step;
            [reached, open, dropped, excluded, undecided, undecided_of_entered, step.left_for_nothing]
        };
        let sorted = |step: &Self| {
            let mut took = step.took.clone();
            took.sort_unstable();
            took
        };
        counts(self) == counts(other) && self.left_to() == other.left_to() && sorted(self) == sorted(other)
    }
}

impl Eq for FunnelStepReport {}

/// How long something took, over the customers who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FunnelTime {
    n: u64,
    #[serde(rename = "mean_us", serialize_with = "micros::serialize")]
    mean: TimeDelta,
    #[serde(rename = "median_us", serialize_with = "micros::serialize")]
    median: TimeDelta,
    #[serde(rename = "nine_in_ten_us", serialize_with = "micros::serialize")]
    nine_in_ten: TimeDelta,
}

impl FunnelTime {
    /// How many customers.
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The mean, cut to the microsecond.
    pub const fn mean(&self) -> TimeDelta {
        self.mean
    }

    /// Half took at most this long (type 7 quantile, rounded down to the microsecond).
    pub const fn median(&self) -> TimeDelta {
        self.median
    }

    /// Nine in ten took at most this long (type 7 quantile, rounded down to the microsecond).
    pub const fn nine_in_ten(&self) -> TimeDelta {
        self.nine_in_ten
    }
}

/// What came of all customers in a funnel, with the definition it was counted by.
///
/// Of each step that is not optional: `reached` less `reached` of the next such step is `open + dropped + excluded`.
/// A funnel without a window, whose next step has no bound either, never closes; there, everybody who has not gone on
/// by `as_of` counts as dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunnelReport {
    funnel: Funnel,
    as_of: DateTime<Utc>,
    customers: u64,
    ties: u64,
    steps: Vec<FunnelStepReport>,
}

impl FunnelReport {
    pub(super) fn new(funnel: &Funnel, as_of: DateTime<Utc>) -> Self {
        let steps = vec![FunnelStepReport::default(); funnel.steps().len()];
        Self { funnel: funnel.clone(), as_of, customers: 0, ties: 0, steps }
    }

    pub(super) fn add(&mut self, status: &Status, marks: &[Mark], ending: Ending) {
        self.customers += 1;
        self.ties += u64::from(status.ties);
        let mut reached = status.reached;
        while let Some(place) = highest(reached) {
            reached ^= bit(place);
            if let (Some(step), Some(mark)) = (self.steps.get_mut(place), marks.get(place)) {
                step.reached += 1;
                if place > 0 {
                    step.took.push(mark.took);
                }
            }
        }
        match ending {
            Ending::Outside | Ending::Converted => {}
            Ending::Open(place) => self.add_open(status.reached, place),
            Ending::Excluded(place, next) => {
                if let Some(step) = self.steps.get_mut(place) {
                    step.excluded += 1;
                    step.leave(next);
                }
            }
            Ending::Dropped(place, next) => {
                if let Some(step) = self.steps.get_mut(place) {
                    step.dropped += 1;
                    step.leave(next);
                }
            }
        }
    }

    fn add_open(&mut self, reached: u32, furthest: usize) {
        let plan: &FunnelPlan = &self.funnel.plan;
        for (place, (step, planned)) in self.steps.iter_mut().zip(&plan.steps).enumerate() {
            if reached & bit(place) == 0 {
                step.undecided_of_entered += 1;
                step.undecided += u64::from(reached & bit(planned.previous) != 0);
            }
            step.open += u64::from(place == furthest);
        }
    }

    /// The definition that was counted by.
    pub const fn funnel(&self) -> &Funnel {
        &self.funnel
    }

    /// The instant up to which everything was known.
    pub const fn as_of(&self) -> DateTime<Utc> {
        self.as_of
    }

    /// How many customers were looked at, whether they entered or not.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// How many events happened at the same instant as the one before of the same customer; there, the answer rests on
    /// [`Funnel::equal_instants`].
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// How many met the first step.
    pub fn entered(&self) -> u64 {
        self.steps.first().map_or(0, FunnelStepReport::reached)
    }

    /// How many met the last step.
    pub fn converted(&self) -> u64 {
        self.steps.last().map_or(0, FunnelStepReport::reached)
    }

    /// How many reached each step.
    pub fn reached(&self) -> Vec<u64> {
        self.steps.iter().map(FunnelStepReport::reached).collect()
    }

    /// Each step.
    pub fn steps(&self) -> &[FunnelStepReport] {
        &self.steps
    }

    /// The share of those who entered that reached a step, with its Wilson interval.
    ///
    /// Those who have not reached it but still can are left out of the denominator, `n`. (Some who reached it quickly
    /// count although their window is not over, so a young funnel leans high.) `None` where nobody is left, or there is
    /// no such step.
    pub fn share_of_entered(&self, step: usize, level: Share) -> Option<Estimate> {
        share(self.of_entered(step)?, level)
    }

    /// The share of those who reached the step before (optional ones passed over) that reached this one, by the rules
    /// of [`share_of_entered`](Self::share_of_entered). Of the first step: the share of all customers that entered.
    pub fn share_of_previous(&self, step: usize, level: Share) -> Option<Estimate> {
        let this = self.steps.get(step)?;
        let before = match step {
            0 => self.customers,
            _ => self.steps.get(self.funnel.plan.steps.get(step)?.previous)?.reached,
        };
        share(Proportion::new(this.reached, before.checked_sub(this.undecided)?)?, level)
    }

    pub(super) fn of_entered(&self, step: usize) -> Option<Proportion> {
        let step = self.steps.get(step)?;
        Proportion::new(step.reached, self.entered().checked_sub(step.undecided_of_entered)?)
    }

    /// Holds this group against another one that was counted by the same funnel, step by step.
    ///
    /// Of customers whose window is still open only the quick have gone on, so a younger group looks better than it is:
    /// where groups differ in age, count only those who began at least a window ago.
    ///
    /// # Errors
    /// [`JourneyError::DifferentRules`] when the funnels differ.
    pub fn compare(&self, other: &Self, level: Share) -> Result<FunnelComparison, JourneyError> {
        if self.funnel != other.funnel {
            return Err(JourneyError::DifferentRules { setting: "funnel" });
        }
        Ok(FunnelComparison::new(self, other, level))
    }

    /// Adds the counts of other customers.
    ///
    /// # Errors
    /// [`JourneyError::DifferentRules`] when the funnels or the instants differ; nothing is added.
    pub fn merge(&mut self, other: &Self) -> Result<(), JourneyError> {
        let setting = if self.funnel == other.funnel { "as_of" } else { "funnel" };
        if self.funnel != other.funnel || self.as_of != other.as_of {
            return Err(JourneyError::DifferentRules { setting });
        }
        self.customers += other.customers;
        self.ties += other.ties;
        for (step, more) in self.steps.iter_mut().zip(&other.steps) {
            step.merge(more);
        }
        Ok(())
    }
}

fn share(proportion: Proportion, level: Share) -> Option<Estimate> {
    let value = proportion.share()?;
    let interval = proportion.wilson(proportion::z(level.get()));
    Estimate::new(value, interval.lower, interval.upper, level, proportion.trials()).ok()
}
