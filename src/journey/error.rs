use crate::customer::CustomerId;

/// Why journeys could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JourneyError {
    /// Columns of one table differ in length.
    #[error("columns differ in length: {customers} customers, {times} times, {activities} activities")]
    ColumnLengths {
        /// Length of the column of customers.
        customers: usize,
        /// Length of the column of times.
        times: usize,
        /// Length of the column of activities.
        activities: usize,
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
        customer: CustomerId,
        /// Time of the event before, in microseconds since 1970.
        previous: i64,
        /// Time of the refused event, in microseconds since 1970.
        at: i64,
    },
    /// Two shards hold events of the same customer, so that they cannot be added up.
    #[error("customer {customer} is in both parts; shard by customer")]
    SharedCustomer {
        /// One such customer.
        customer: CustomerId,
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
    /// A designed journey has a step that no path from a first to a last step meets.
    #[error("no path from a first to a last step of the designed journey meets `{name}`")]
    UnreachableStep {
        /// The step.
        name: String,
    },
}
