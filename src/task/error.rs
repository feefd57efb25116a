use super::{ReminderId, ReminderStatus};
use crate::validation::ValidationError;
use chrono::NaiveDateTime;

/// Why a schedule or a reminder was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// A value was refused.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// A recurrence names no day at all, from its anchor to the year 9999.
    #[error("`{rule}` never fires from {anchor} on")]
    NeverFires {
        /// The rule in the text of RFC 5545.
        rule: String,
        /// The wall time it was anchored at.
        anchor: NaiveDateTime,
    },
    /// A reminder that is stated in one zone was to be read by the rules of another.
    #[error("a reminder stated in `{stated}` cannot be read by the rules of `{given}`")]
    ZoneMismatch {
        /// The zone the reminder is stated in.
        stated: String,
        /// The zone of the rules.
        given: String,
    },
    /// The table of the reminder does not allow the move.
    #[error("reminder {reminder}: no move from {from} to {to}")]
    IllegalMove {
        /// The reminder.
        reminder: ReminderId,
        /// Where it stands.
        from: ReminderStatus,
        /// Where it should have gone.
        to: ReminderStatus,
    },
    /// Nothing about a cancelled reminder can be changed.
    #[error("reminder {reminder} is cancelled")]
    Cancelled {
        /// The reminder.
        reminder: ReminderId,
    },
}
