use super::funnel_plan::FunnelPlan;
use super::{JourneyError, Visits, micros};
use crate::vocabulary::vocabulary;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// How the steps of a funnel must follow each other.
    "funnel_order" FunnelOrder {
        /// One after the other; anything may happen in between.
        Ordered = "ordered",
        /// One directly after the other; any other event in between, of whatever kind, begins anew.
        Strict = "strict",
        /// In any order. The n-th count is of customers who met any n of the steps within the window.
        Unordered = "unordered",
    }
}

vocabulary! {
    /// What events of one customer at the same instant say about their order.
    "equal_instants" EqualInstants {
        /// They happened in the order of the log.
        LogOrder = "log_order",
        /// Nothing: a step, or an exclusion, counts as after another only at a later instant.
        Later = "later",
    }
}

/// One step of a funnel: any of some activities, perhaps optional, perhaps within a time after the step before.
///
/// # Example
/// ```
/// use chrono::TimeDelta;
/// use patronage::journey::FunnelStep;
///
/// let pay = FunnelStep::any_of([7, 8]).after(TimeDelta::seconds(1)).within(TimeDelta::hours(1));
/// assert_eq!(pay.activities(), [7, 8]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "StepFields")]
pub struct FunnelStep {
    activities: Vec<u16>,
    optional: bool,
    #[serde(rename = "after_us", with = "micros")]
    after: TimeDelta,
    #[serde(rename = "within_us", with = "micros::optional")]
    within: Option<TimeDelta>,
}

#[derive(Deserialize)]
#[serde(rename = "FunnelStep", deny_unknown_fields)]
struct StepFields {
    activities: Vec<u16>,
    #[serde(default)]
    optional: bool,
    #[serde(default, rename = "after_us", with = "micros")]
    after: TimeDelta,
    #[serde(default, rename = "within_us", with = "micros::optional")]
    within: Option<TimeDelta>,
}

impl From<StepFields> for FunnelStep {
    fn from(fields: StepFields) -> Self {
        let StepFields { activities, optional, after, within } = fields;
        Self { optional, after, within, ..Self::any_of(activities) }
    }
}

impl FunnelStep {
    /// The step met by one activity.
    pub fn new(activity: u16) -> Self {
        Self::any_of([activity])
    }

    /// The step met by any of these activities.
    pub fn any_of(activities: impl IntoIterator<Item = u16>) -> Self {
        let mut activities: Vec<u16> = activities.into_iter().collect();
        activities.sort_unstable();
        activities.dedup();
        Self { activities, optional: false, after: TimeDelta::zero(), within: None }
    }

    /// Lets customers leave this step out.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Asks for at least this time since the step before (the last one met, where optional ones were left out).
    #[must_use]
    pub fn after(mut self, gap: TimeDelta) -> Self {
        self.after = gap;
        self
    }

    /// Asks for at most this time since the step before, this long included.
    #[must_use]
    pub fn within(mut self, gap: TimeDelta) -> Self {
        self.within = Some(gap);
        self
    }

    /// The activities that meet the step, ascending.
    pub fn activities(&self) -> &[u16] {
        &self.activities
    }

    /// Whether customers may leave the step out.
    pub const fn is_optional(&self) -> bool {
        self.optional
    }

    /// The least time since the step before.
    pub const fn least_gap(&self) -> TimeDelta {
        self.after
    }

    /// The most time since the step before, where there is such a bound.
    pub const fn most_gap(&self) -> Option<TimeDelta> {
        self.within
    }
}

/// Activities that must not happen between two steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FunnelExclusion {
    pub(super) activities: Vec<u16>,
    #[serde(rename = "from_step")]
    pub(super) from: usize,
    #[serde(rename = "to_step")]
    pub(super) to: usize,
}

impl FunnelExclusion {
    /// The excluded activities, ascending.
    pub fn activities(&self) -> &[u16] {
        &self.activities
    }

    /// The step after which they are excluded, from 0.
    pub const fn from_step(&self) -> usize {
        self.from
    }

    /// The step before which they are excluded, from 0.
    pub const fn to_step(&self) -> usize {
        self.to
    }
}

/// A path that customers are meant to take, step by step: who takes it, how far the others come, and where they go.
///
/// A customer *reaches* a step when some of their events, each used once, meet the steps up to it in their order (left
/// out: optional ones), with the gaps of the steps, all within the window counted from the first of these events (a
/// span as long as the window included), and with no excluded event in between. Any such choice of events counts, not
/// only the first that offers itself; a log that holds one is never missed. Counting ends with the first conversion.
///
/// # Example
/// Half of those who looked (0) paid (2) within a day; whether they used the basket (1) does not matter.
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use patronage::Share;
/// use patronage::journey::{Funnel, FunnelColumns, FunnelOrder, FunnelStep};
///
/// let steps = [FunnelStep::new(0), FunnelStep::new(1).optional(), FunnelStep::new(2)];
/// let funnel = Funnel::builder(FunnelOrder::Ordered, steps).within(TimeDelta::days(1)).build()?;
///
/// let hour = 3_600_000_000;
/// let (customer, time) = ([7, 7, 8, 8], [0, hour, 0, 25 * hour]);
/// let events = FunnelColumns::new(&customer, &time, &[0, 2, 0, 2])?;
/// let as_of: DateTime<Utc> = "1970-02-01T00:00:00Z".parse()?;
/// let report = funnel.count(events, as_of)?;
/// assert_eq!(report.reached(), [2, 0, 1]);
/// let share = report.share_of_entered(2, Share::new(0.95)?).ok_or("nobody entered")?;
/// assert_eq!(format!("{share:.3}"), "0.500 [0.095, 0.905] (95.0 %, n = 2)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Funnel {
    order: FunnelOrder,
    steps: Vec<FunnelStep>,
    #[serde(rename = "window_us", with = "micros::optional")]
    window: Option<TimeDelta>,
    exclusions: Vec<FunnelExclusion>,
    equal_instants: EqualInstants,
    entries: Visits,
    #[serde(skip)]
    pub(super) plan: FunnelPlan,
}

#[derive(Deserialize)]
#[serde(rename = "Funnel", deny_unknown_fields)]
struct Fields {
    order: FunnelOrder,
    steps: Vec<FunnelStep>,
    #[serde(default, rename = "window_us", with = "micros::optional")]
    window: Option<TimeDelta>,
    #[serde(default)]
    exclusions: Vec<FunnelExclusion>,
    #[serde(default = "log_order")]
    equal_instants: EqualInstants,
    #[serde(default = "every")]
    entries: Visits,
}

const fn every() -> Visits {
    Visits::Every
}

const fn log_order() -> EqualInstants {
    EqualInstants::LogOrder
}

impl TryFrom<Fields> for Funnel {
    type Error = JourneyError;

    fn try_from(fields: Fields) -> Result<Self, JourneyError> {
        let Fields { order, steps, window, exclusions, equal_instants, entries } = fields;
        let mut builder = Self::builder(order, steps).equal_instants(equal_instants).entries(entries);
        builder.window = window;
        let excluding = |builder: FunnelBuilder, one: FunnelExclusion| {
            builder.excluding(one.activities, one.from, one.to)
        };
        exclusions.into_iter().fold(builder, excluding).build()
    }
}

impl Funnel {
    /// The most steps a funnel can have, and the most exclusions.
    pub const MOST_STEPS: usize = 32;

    /// Begins a definition; [`FunnelBuilder::build`] checks it.
    pub fn builder(order: FunnelOrder, steps: impl IntoIterator<Item = FunnelStep>) -> FunnelBuilder {
        FunnelBuilder {
            order,
            steps: steps.into_iter().collect(),
            window: None,
            exclusions: Vec::new(),
            equal_instants: EqualInstants::LogOrder,
            entries: Visits::Every,
        }
    }

    /// How the steps must follow each other.
    pub const fn order(&self) -> FunnelOrder {
        self.order
    }

    /// The steps.
    pub fn steps(&self) -> &[FunnelStep] {
        &self.steps
    }

    /// The time from entry to conversion, where it is bounded.
    pub const fn window(&self) -> Option<TimeDelta> {
        self.window
    }

    /// What must not happen between two steps.
    pub fn exclusions(&self) -> &[FunnelExclusion] {
        &self.exclusions
    }

    /// What equal instants say.
    pub const fn equal_instants(&self) -> EqualInstants {
        self.equal_instants
    }

    /// Which events of a customer that meet the first step are entries.
    pub const fn entries(&self) -> Visits {
        self.entries
    }
}

/// A funnel being defined.
#[derive(Clone, Debug)]
#[must_use]
pub struct FunnelBuilder {
    order: FunnelOrder,
    steps: Vec<FunnelStep>,
    window: Option<TimeDelta>,
    exclusions: Vec<FunnelExclusion>,
    equal_instants: EqualInstants,
    entries: Visits,
}

impl FunnelBuilder {
    /// Bounds the time from entry to conversion; a span of exactly this length is within.
    pub fn within(mut self, window: TimeDelta) -> Self {
        self.window = Some(window);
        self
    }

    /// Says that none of `activities` may happen after step `from` was met and before step `to` is. For steps in any
    /// order: from the first to the last step, between any two events that are counted.
    pub fn excluding(mut self, activities: impl IntoIterator<Item = u16>, from: usize, to: usize) -> Self {
        let mut activities: Vec<u16> = activities.into_iter().collect();
        activities.sort_unstable();
        activities.dedup();
        self.exclusions.push(FunnelExclusion { activities, from, to });
        self
    }

    /// Says what equal instants mean; the order of the log where this is not called.
    pub fn equal_instants(mut self, policy: EqualInstants) -> Self {
        self.equal_instants = policy;
        self
    }

    /// Says which events that meet the first step are entries: every one where this is not called, so that customers
    /// may fail and begin again. Only with the first one has every customer one chance, and the same time for it,
    /// however long they were watched: groups of different age compare then.
    pub fn entries(mut self, entries: Visits) -> Self {
        self.entries = entries;
        self
    }

    /// Checks the definition.
    ///
    /// # Errors
    /// [`JourneyError`] for 0 or more than [`Funnel::MOST_STEPS`] steps or exclusions, a step or exclusion without
    /// activities, an optional first or last step, negative spans, steps that could never be met in time, exclusions
    /// that run backwards, end at an optional step or exclude their own steps, and settings without meaning: gaps and
    /// optional steps and first entries in an unordered funnel, exclusions in a strict one.
    pub fn build(self) -> Result<Funnel, JourneyError> {
        let Self { order, steps, window, exclusions, equal_instants, entries } = self;
        check_steps(order, &steps)?;
        if order == FunnelOrder::Unordered && entries == Visits::First {
            return Err(JourneyError::NoMeaning { setting: "entries", order });
        }
        let mut plan = FunnelPlan::new(order, &steps, window, &exclusions, equal_instants)?;
        plan.enters_once = entries == Visits::First;
        check_exclusions(order, &steps, &exclusions)?;
        Ok(Funnel { order, steps, window, exclusions, equal_instants, entries, plan })
    }
}

fn check_steps(order: FunnelOrder, steps: &[FunnelStep]) -> Result<(), JourneyError> {
    if !(1..=Funnel::MOST_STEPS).contains(&steps.len()) {
        return Err(JourneyError::StepCount { found: steps.len() });
    }
    for (step, definition) in steps.iter().enumerate() {
        if definition.activities.is_empty() {
            return Err(JourneyError::NoActivity { part: "step", place: step });
        }
        if order == FunnelOrder::Unordered {
            let setting = if definition.optional {
                Some("optional")
            } else if definition.after != TimeDelta::zero() {
                Some("after")
            } else {
                definition.within.map(|_| "within")
            };
            if let Some(setting) = setting {
                return Err(JourneyError::NoMeaning { setting, order });
            }
            let earlier = steps.iter().take(step);
            let shared =
                earlier.flat_map(|other| &other.activities).find(|a| definition.activities.contains(a));
            if let Some(&activity) = shared {
                return Err(JourneyError::SharedActivity { activity });
            }
        }
        if definition.optional && (step == 0 || step + 1 == steps.len()) {
            return Err(JourneyError::OptionalEnd { step });
        }
    }
    Ok(())
}

fn check_exclusions(
    order: FunnelOrder,
    steps: &[FunnelStep],
    exclusions: &[FunnelExclusion],
) -> Result<(), JourneyError> {
    if exclusions.len() > Funnel::MOST_STEPS {
        return Err(JourneyError::ExclusionCount { found: exclusions.len() });
    }
    for (exclusion, definition) in exclusions.iter().enumerate() {
        let FunnelExclusion { activities, from, to } = definition;
        if activities.is_empty() {
            return Err(JourneyError::NoActivity { part: "exclusion", place: exclusion });
        }
        let firm = |step: usize| steps.get(step).is_some_and(|step| !step.optional);
        let whole = *from == 0 && *to + 1 == steps.len();
        if from >= to || !firm(*from) || !firm(*to) || (order == FunnelOrder::Unordered && !whole) {
            return Err(JourneyError::ExclusionBounds { exclusion });
        }
        if order == FunnelOrder::Strict {
            return Err(JourneyError::NoMeaning { setting: "excluding", order });
        }
        for (step, definition) in steps.iter().enumerate().take(to + 1).skip(*from) {
            if let Some(&activity) = activities.iter().find(|a| definition.activities.contains(a)) {
                return Err(JourneyError::ExclusionIsStep { exclusion, activity, step });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
