use crate::case::CaseError;
use crate::tag::Tag;
use crate::task::TaskError;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};

/// Why a question about service times or rules has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// A value was refused.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// The business hours have no weekly window, so business time would never pass.
    #[error("business hours in `{zone}` have no weekly window")]
    NoWindows {
        /// The zone of the business hours.
        zone: String,
    },
    /// The time zone database knows no such zone.
    #[error("no time zone is named `{name}`")]
    UnknownZone {
        /// The name that was asked for.
        name: String,
    },
    /// Hours stated in one zone were to be read by the rules of another.
    #[error("hours stated in `{stated}` cannot be read by the rules of `{given}`")]
    ZoneMismatch {
        /// The zone the hours are stated in.
        stated: String,
        /// The zone of the rules.
        given: String,
    },
    /// A duration that must not be negative is.
    #[error("`{field}` must not be negative, got {seconds} s")]
    NegativeDuration {
        /// Which duration.
        field: &'static str,
        /// What it was, in whole seconds.
        seconds: i64,
    },
    /// An end lies before its start.
    #[error("time runs backwards: {to} lies before {from}")]
    TimeBackwards {
        /// The start.
        from: DateTime<Utc>,
        /// The end.
        to: DateTime<Utc>,
    },
    /// There is no service level of that name.
    #[error("no service level is named `{level}`")]
    UnknownLevel {
        /// The name a case gives.
        level: Tag,
    },
    /// A history refused what should have happened next.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// A reminder could not be read.
    #[error(transparent)]
    Reminder(#[from] TaskError),
    /// The answer would lie after the year 9999.
    #[error("the answer lies after the year 9999, counted from {start}")]
    PastLastYear {
        /// Where counting began.
        start: DateTime<Utc>,
    },
}
