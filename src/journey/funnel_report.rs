use super::funnel_plan::{PlanStep, bit, highest};
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

/// Of those whose time to reach a step is over: how many entered, met the step before, and met this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mature {
    entered: u64,
    before: u64,
    reached: u64,
}

/// How many customers came as far as one step of a funnel, and what became of those who came no further.
#[derive(Clone, Debug, Default)]
pub struct FunnelStepReport {
    reached: u64,
    open: u64,
    dropped: u64,
    excluded: u64,
    mature: Mature,
    took: Vec<i64>,
    left_to: Vec<u64>,
    left_for_nothing: u64,
}

impl FunnelStepReport {
    /// How many customers reached the step.
    pub const fn reached(&self) -> u64 {
        self.reached
    }

    /// Of those who came no further, how many still can: the window of their last entry is not over. They are censored,
    /// not lost.
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

    /// How many of those who entered have had their whole time to reach this step, whether they did or not: the
    /// denominator of [`share_of_entered`](FunnelReport::share_of_entered).
    pub const fn mature(&self) -> u64 {
        self.mature.entered
    }

    /// Of them, how many reached it: the numerator of the shares, and the customers of
    /// [`time_to_reach`](Self::time_to_reach).
    pub const fn mature_reached(&self) -> u64 {
        self.mature.reached
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

    /// How long it took from the entry to reach the step for the first time (the shortest way to that event), over
    /// those whose time for it is over: of the others only the quick are here already.
    ///
    /// `None` when none of them reached it, and for the first step, which takes no time.
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
        self.mature.entered += other.mature.entered;
        self.mature.before += other.mature.before;
        self.mature.reached += other.mature.reached;
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
        let mut fields = serializer.serialize_struct("FunnelStepReport", 8)?;
        fields.serialize_field("reached", &self.reached)?;
        fields.serialize_field("open", &self.open)?;
        fields.serialize_field("dropped", &self.dropped)?;
        fields.serialize_field("excluded", &self.excluded)?;
        fields.serialize_field("mature", &self.mature.entered)?;
        fields.serialize_field("mature_reached", &self.mature.reached)?;
        fields.serialize_field("time_to_reach", &self.time_to_reach())?;
        fields.serialize_field("left_to", &left.collect::<Vec<_>>())?;
        fields.end()
    }
}

impl PartialEq for FunnelStepReport {
    fn eq(&self, other: &Self) -> bool {
        let counts = |step: &Self| {
            let Self { reached, open, dropped, excluded, mature, left_for_nothing, .. } = *step;
            (mature, [reached, open, dropped, excluded, left_for_nothing])
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
///
/// These are counts of what happened by `as_of`. Shares, times and comparisons rest only on customers who have had their
/// whole time to reach a step, counted from their first entry, *whether they reached it or not*; of the others only the
/// quick have gone on, so that a young group would look good. They are [`immature`](Self::immature), and left out. The
/// time to reach a step is the window, or the bounds of the steps on the way to it taken together, whichever is shorter.
/// Where neither bounds it, `as_of` closes it for everybody; then older groups have had longer, and only groups of one
/// age compare.
///
/// Customers may enter again, and a later entry may convert too; one that is still open makes nobody immature again. An
/// older group has had more of them: where that matters, [`FunnelBuilder::entries`](super::FunnelBuilder::entries) counts
/// first entries only.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let as_of = self.as_of.timestamp_micros();
        let mature = |planned: &PlanStep| status.is_mature(planned, as_of);
        let mut reached = status.reached;
        while let Some(place) = highest(reached) {
            reached ^= bit(place);
            if let (Some(step), Some(mark)) = (self.steps.get_mut(place), marks.get(place)) {
                step.reached += 1;
                if place > 0 && self.funnel.plan.steps.get(place).is_some_and(&mature) {
                    step.took.push(mark.took);
                }
            }
        }
        if status.reached != 0 {
            for (place, (step, planned)) in self.steps.iter_mut().zip(&self.funnel.plan.steps).enumerate() {
                if mature(planned) {
                    let met = |place: usize| u64::from(status.reached & bit(place) != 0);
                    step.mature.entered += 1;
                    step.mature.before += met(planned.previous);
                    step.mature.reached += met(place);
                }
            }
        }
        match ending {
            Ending::Outside | Ending::Converted => {}
            Ending::Open(place) => {
                if let Some(step) = self.steps.get_mut(place) {
                    step.open += 1;
                }
            }
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

    /// How many of those who entered have not had their whole time to convert yet. They are in no share.
    pub fn immature(&self) -> u64 {
        self.entered() - self.steps.last().map_or(0, FunnelStepReport::mature)
    }

    /// How many of the [`immature`](Self::immature) have converted already.
    pub fn immature_converted(&self) -> u64 {
        self.converted() - self.steps.last().map_or(0, FunnelStepReport::mature_reached)
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
    /// Of those who have had their whole time to reach it, as said at [`FunnelReport`]; they are the denominator, `n`.
    /// `None` where there are none, or no such step.
    pub fn share_of_entered(&self, step: usize, level: Share) -> Option<Estimate> {
        share(self.of_entered(step)?, level)
    }

    /// The share of those who reached the step before (optional ones passed over) that reached this one, by the rules
    /// of [`share_of_entered`](Self::share_of_entered). Of the first step: the share of all customers that entered.
    pub fn share_of_previous(&self, step: usize, level: Share) -> Option<Estimate> {
        let this = self.steps.get(step)?;
        let before = if step == 0 { self.customers } else { this.mature.before };
        share(Proportion::new(this.mature.reached, before)?, level)
    }

    pub(super) fn of_entered(&self, step: usize) -> Option<Proportion> {
        let Mature { entered, reached, .. } = self.steps.get(step)?.mature;
        Proportion::new(reached, entered)
    }

    /// Holds this group against another one that was counted by the same funnel, step by step.
    ///
    /// Of both, only customers who have had their whole time count, so that groups of different age compare (but see
    /// [`FunnelReport`] for funnels without a bound of time, and for customers who enter again).
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

/// Written with how many are immature, and how many of them have converted already.
impl Serialize for FunnelReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("FunnelReport", 7)?;
        fields.serialize_field("funnel", &self.funnel)?;
        fields.serialize_field("as_of", &self.as_of)?;
        fields.serialize_field("customers", &self.customers)?;
        fields.serialize_field("immature", &self.immature())?;
        fields.serialize_field("immature_converted", &self.immature_converted())?;
        fields.serialize_field("ties", &self.ties)?;
        fields.serialize_field("steps", &self.steps)?;
        fields.end()
    }
}

fn share(proportion: Proportion, level: Share) -> Option<Estimate> {
    let value = proportion.share()?;
    let interval = proportion.wilson(proportion::z(level.get()));
    Estimate::new(value, interval.lower, interval.upper, level, proportion.trials()).ok()
}
