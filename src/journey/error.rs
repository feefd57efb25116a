use super::FunnelOrder;
use crate::customer::CustomerId;
use std::fmt;

/// A customer as an error names them: by identifier, or by the number that a log or a funnel knows them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CustomerRef {
    /// The identifier.
    Id(CustomerId),
    /// The number.
    Number(u32),
}

impl fmt::Display for CustomerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl From<CustomerId> for CustomerRef {
    fn from(id: CustomerId) -> Self {
        Self::Id(id)
    }
}

impl From<u32> for CustomerRef {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

/// Why journeys could not be read, defined or counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JourneyError {
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
    /// An activity code has no name.
    #[error("row {row}: activity code {code} is not one of the {known} known")]
    UnknownActivity {
        /// The row, from 0.
        row: usize,
        /// The code.
        code: u16,
        /// How many codes are known.
        known: usize,
    },
    /// A name is not one of the activities.
    #[error("there is no activity `{name}`")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// The limit on different activities leaves no room, or is more than codes of 16 bits can tell apart.
    #[error("the limit on activities must lie between 1 and {most}, got {limit}", most = super::Activities::MOST)]
    ActivityLimit {
        /// The limit asked for.
        limit: usize,
    },
    /// Two activities bear one name.
    #[error("activity `{name}` is named twice")]
    DuplicateActivity {
        /// The name.
        name: String,
    },
    /// There are more customers or journeys than codes of 32 bits can tell apart.
    #[error("more than 4,294,967,295 customers")]
    TooManyCustomers,
    /// An event is older than the one before it of the same customer. It was not counted; sort first, or build a
    /// [`JourneyLog`](super::JourneyLog), which sorts.
    #[error("customer {customer}: time goes backwards, from {previous} to {at} microseconds")]
    TimeGoesBackwards {
        /// The customer.
        customer: CustomerRef,
        /// Time of the event before, in microseconds since 1970.
        previous: i64,
        /// Time of the refused event, in microseconds since 1970.
        at: i64,
    },
    /// An interaction is no later than the instant up to which matters were already ended. It was not counted.
    #[error(
        "customer {customer}: closed up to {closed}, but the interaction is at {at} (microseconds since 1970)"
    )]
    AlreadyClosed {
        /// The customer.
        customer: CustomerRef,
        /// The instant up to which all was said to be known, in microseconds since 1970.
        closed: i64,
        /// Time of the refused interaction, in microseconds since 1970.
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
        customer: CustomerRef,
    },
    /// Two parts were counted by different rules.
    #[error("the parts differ in `{setting}`")]
    DifferentRules {
        /// What differs.
        setting: &'static str,
    },
    /// A setting is outside its range.
    #[error("`{setting}` {rule}")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// The rule it broke.
        rule: &'static str,
    },
    /// A designed journey names a step that it does not have.
    #[error("the designed journey has no step `{name}`")]
    UnknownStep {
        /// The name.
        name: String,
    },
    /// A designed journey leads back to a step it has left.
    #[error("the designed journey leads in a circle through `{name}`")]
    Circle {
        /// One step of the circle.
        name: String,
    },
    /// A funnel has no step, or more than can be told apart.
    #[error("a funnel has 1 to {most} steps, got {found}", most = super::Funnel::MOST_STEPS)]
    StepCount {
        /// How many there are.
        found: usize,
    },
    /// A step or an exclusion of a funnel names no activity.
    #[error("{part} {place} names no activity")]
    NoActivity {
        /// `step` or `exclusion`.
        part: &'static str,
        /// Which one, from 0.
        place: usize,
    },
    /// The first or the last step of a funnel is optional, so that nobody would enter or convert.
    #[error("step {step} is the first or the last and cannot be optional")]
    OptionalEnd {
        /// The step, from 0.
        step: usize,
    },
    /// A window or a gap of a funnel is negative, or longer than 64 bits of microseconds.
    #[error("`{span}` must lie between 0 and 292,000 years")]
    Span {
        /// Which span.
        span: &'static str,
    },
    /// The first step of a funnel has a gap to the step before it, which does not exist.
    #[error("the first step cannot have a gap to the step before")]
    FirstStepGap,
    /// No event could ever meet a step of a funnel in time.
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
    /// A funnel has more exclusions than can be told apart.
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
    /// A funnel does not have such a step.
    #[error("there is no step {step}, only {steps}")]
    NoSuchStep {
        /// The step asked for, from 0.
        step: usize,
        /// How many there are.
        steps: usize,
    },
    /// A path to a conversion has not one age for each touch.
    #[error("a path of {touches} touches has {ages} ages")]
    AgeCount {
        /// How many touches.
        touches: usize,
        /// How many ages.
        ages: usize,
    },
    /// Ages must not be negative, and not grow from one touch to the next.
    #[error("the age of touch {touch} is negative or greater than that of the touch before")]
    AgeOrder {
        /// The touch, from 0.
        touch: usize,
    },
    /// The value of conversions must be a number, not negative, and 0 without conversions.
    #[error("the value of a path must be finite and not negative, and 0 where nothing converted")]
    PathValue,
    /// Conversions and paths without one add up to more than 2^53, beyond which not all counts are numbers of 64-bit
    /// floating point.
    #[error("more than 9,007,199,254,740,992 customers took the paths")]
    TooManyConversions,
    /// The paths have no ages, but the rule needs them; or only some have.
    #[error("`{rule}` needs the age of every touch")]
    NoAges {
        /// The rule.
        rule: &'static str,
    },
    /// The Markov chain has too many states, or moves too slowly, to be solved.
    #[error("a Markov chain of {states} states could not be solved; use a lower order or fewer channels")]
    UnsolvedChain {
        /// How many states.
        states: usize,
    },
}

/// Whether columns are as long as that of customers.
pub(super) fn same_length<const N: usize>(
    expected: usize,
    columns: [(&'static str, usize); N],
) -> Result<(), JourneyError> {
    let wrong = columns.into_iter().find(|&(_, found)| found != expected);
    wrong.map_or(Ok(()), |(column, found)| Err(JourneyError::ColumnLength { column, expected, found }))
}

/// A customer's event that is older than the one before it.
pub(super) fn backwards(customer: impl Into<CustomerRef>, previous: i64, at: i64) -> JourneyError {
    JourneyError::TimeGoesBackwards { customer: customer.into(), previous, at }
}

/// A customer who is in two parts.
pub(super) fn shared(customer: impl Into<CustomerRef>) -> JourneyError {
    JourneyError::SharedCustomer { customer: customer.into() }
}
