use super::FunnelOrder;

/// Why a funnel could not be defined, or events could not be counted by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FunnelError {
    /// There is no step, or there are more than can be told apart.
    #[error("a funnel has 1 to {most} steps, got {found}", most = super::Funnel::MOST_STEPS)]
    StepCount {
        /// How many there are.
        found: usize,
    },
    /// A step or an exclusion names no activity.
    #[error("{part} {place} names no activity")]
    NoActivity {
        /// `step` or `exclusion`.
        part: &'static str,
        /// Which one, from 0.
        place: usize,
    },
    /// The first or the last step is optional, so that nobody would enter or convert.
    #[error("step {step} is the first or the last and cannot be optional")]
    OptionalEnd {
        /// The step, from 0.
        step: usize,
    },
    /// A window or a gap is negative, or longer than 64 bits of microseconds.
    #[error("`{span}` must lie between 0 and 292,000 years")]
    Span {
        /// Which span.
        span: &'static str,
    },
    /// The first step has a gap to the step before it, which does not exist.
    #[error("the first step cannot have a gap to the step before")]
    FirstStepGap,
    /// No event could ever meet a step in time.
    #[error("step {step} must come no sooner than its gap and no later than its window, which never happens")]
    NeverInTime {
        /// The step, from 0.
        step: usize,
    },
    /// An exclusion must run from one step that is not optional to a later one.
    #[error("exclusion {exclusion} must run from a step that is not optional to a later one")]
    ExclusionBounds {
        /// Which exclusion, from 0.
        exclusion: usize,
    },
    /// There are more exclusions than can be told apart.
    #[error("a funnel has at most {most} exclusions, got {found}", most = super::Funnel::MOST_STEPS)]
    ExclusionCount {
        /// How many there are.
        found: usize,
    },
    /// An activity is excluded between two steps and is one of those steps.
    #[error("activity {activity} of exclusion {exclusion} is also step {step}")]
    ExclusionIsStep {
        /// Which exclusion, from 0.
        exclusion: usize,
        /// The activity.
        activity: u16,
        /// The step, from 0.
        step: usize,
    },
    /// Steps in any order need different activities, because one event never serves two steps.
    #[error("activity {activity} is in two steps of an unordered funnel")]
    SharedActivity {
        /// The activity.
        activity: u16,
    },
    /// A setting has no meaning for this kind of funnel.
    #[error("`{setting}` has no meaning for steps that are {order}")]
    NoMeaning {
        /// The setting.
        setting: &'static str,
        /// The kind of funnel.
        order: FunnelOrder,
    },
    /// A column is shorter or longer than the column of customers.
    #[error("column `{column}` holds {found} rows where `customer` holds {expected}")]
    ColumnLength {
        /// The column.
        column: &'static str,
        /// Rows of the column of customers.
        expected: usize,
        /// Rows of this column.
        found: usize,
    },
    /// An event is older than the one before it of the same customer. It was not counted.
    #[error("customer {customer}: time goes backwards, from {previous} to {at} microseconds")]
    TimeGoesBackwards {
        /// The customer.
        customer: u32,
        /// Time of the event before, in microseconds since 1970.
        previous: i64,
        /// Time of the refused event, in microseconds since 1970.
        at: i64,
    },
    /// There are events after the instant up to which all is said to be known.
    #[error("`as_of` is {as_of}, but there is an event at {at} (microseconds since 1970)")]
    EventAfterAsOf {
        /// The instant given.
        as_of: i64,
        /// Time of a later event.
        at: i64,
    },
    /// Two shards hold events of the same customer, so that they cannot be added up.
    #[error("customer {customer} is in both parts; shard by customer")]
    SharedCustomer {
        /// One such customer.
        customer: u32,
    },
    /// Two results count different things.
    #[error("the parts differ in `{setting}`")]
    DifferentRules {
        /// What differs.
        setting: &'static str,
    },
    /// A step does not exist.
    #[error("there is no step {step}, only {steps}")]
    NoSuchStep {
        /// The step asked for, from 0.
        step: usize,
        /// How many there are.
        steps: usize,
    },
}
