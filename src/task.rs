//! What somebody has to do for a customer, by when, and why; and what they are to be reminded of, once or again and
//! again, by the wall clock of where they live.
//!
//! A [`Recurrence`] names days, a [`Schedule`] anchors it at a time of day in a zone, and a [`Reminder`] tells somebody
//! something whenever it falls due, however long nothing ran meanwhile.

mod error;
mod recurrence;
mod reminder;
mod schedule;

pub use error::TaskError;
pub use recurrence::{Frequency, MonthEnd, Recurrence, RecurrenceEnd};
pub use reminder::{Reminder, ReminderDue, ReminderStatus, ReminderTime};
pub use schedule::{CatchUp, Due, Occurrence, Occurrences, Schedule};

use crate::because::Because;
use crate::customer::CustomerId;
use crate::key::identifier;
use crate::period;
use crate::tag::Tag;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

identifier! {
    /// Identifies a task, and keeps it from being opened twice: derive it from what it is about.
    TaskId
}

identifier! {
    /// Identifies a reminder.
    ReminderId
}

vocabulary! {
    /// How far a task is.
    ///
    /// # Example
    /// ```
    /// use patronage::task::TaskStatus;
    ///
    /// assert!(TaskStatus::Deferred.may_become(TaskStatus::NotStarted));
    /// assert!(!TaskStatus::Completed.may_become(TaskStatus::Started));
    /// ```
    "task.status" TaskStatus {
        /// Nobody has begun.
        NotStarted = "not_started",
        /// Somebody works on it.
        Started = "started",
        /// Put off.
        Deferred = "deferred",
        /// Done. Final.
        Completed = "completed",
        /// No longer needed. Final.
        Cancelled = "cancelled",
    }
}

impl TaskStatus {
    /// The statuses this one may turn into: not started -> started, deferred, completed, cancelled; started ->
    /// deferred, completed, cancelled; deferred -> not started, cancelled; completed and cancelled -> none.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::NotStarted => &[Self::Started, Self::Deferred, Self::Completed, Self::Cancelled],
            Self::Started => &[Self::Deferred, Self::Completed, Self::Cancelled],
            Self::Deferred => &[Self::NotStarted, Self::Cancelled],
            Self::Completed | Self::Cancelled => &[],
        }
    }

    /// Whether the table of [`next`](Self::next) allows the move.
    pub fn may_become(self, to: Self) -> bool {
        self.next().contains(&to)
    }

    /// Whether nothing can follow.
    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }
}

vocabulary! {
    /// How pressing a task is.
    "priority" Priority {
        /// Can wait.
        Low = "low",
        /// As usual.
        Normal = "normal",
        /// Before others.
        High = "high",
        /// At once.
        Urgent = "urgent",
    }
}

/// Something somebody has to do: for one customer, or for the company where no customer is named.
///
/// What it is about is a [`Tag`] and its reasons are figures, so tasks hold no personal data.
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::task::{Priority, Task, TaskId, TaskStatus};
/// use patronage::{Because, Tag};
///
/// let due = "2026-03-08T00:00:00Z".parse()?;
/// let task = Task::new(TaskId::derive(&["win_back", "17"]), Tag::literal("win_back"), due)?
///     .for_customer(CustomerId::derive(&["shop", "17"]))
///     .with_priority(Priority::High)
///     .because(Because::rule(Tag::literal("p_alive")).figure(0.31, 0.5)?);
/// let done = task.moved_to(TaskStatus::Completed)?;
/// assert!(done.moved_to(TaskStatus::Started).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Task {
    fields: Fields,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Task")]
struct Fields {
    id: TaskId,
    about: Tag,
    due: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerId>,
    priority: Priority,
    status: TaskStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assignee: Option<Tag>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    because: Vec<Because>,
    #[serde(default)]
    version: u64,
}

impl From<Task> for Fields {
    fn from(task: Task) -> Self {
        task.fields
    }
}

impl TryFrom<Fields> for Task {
    type Error = ValidationError;

    fn try_from(mut fields: Fields) -> Result<Self, ValidationError> {
        fields.due = period::instant("task.due", fields.due)?;
        Ok(Self { fields })
    }
}

impl Task {
    /// A task of normal priority, not started, for nobody in particular.
    ///
    /// # Errors
    /// [`ValidationError`] when the due instant lies outside the years 1 to 9999.
    pub fn new(id: TaskId, about: Tag, due: DateTime<Utc>) -> Result<Self, ValidationError> {
        Self::try_from(Fields {
            id,
            about,
            due,
            customer: None,
            priority: Priority::Normal,
            status: TaskStatus::NotStarted,
            assignee: None,
            because: Vec::new(),
            version: 0,
        })
    }

    /// Names the customer it is for.
    #[must_use]
    pub fn for_customer(mut self, customer: CustomerId) -> Self {
        self.fields.customer = Some(customer);
        self
    }

    /// Sets how pressing it is.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.fields.priority = priority;
        self
    }

    /// Hands it to somebody: a team, or a staff number.
    #[must_use]
    pub fn assigned_to(mut self, assignee: Tag) -> Self {
        self.fields.assignee = Some(assignee);
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn because(mut self, reason: Because) -> Self {
        self.fields.because.push(reason);
        self
    }

    /// The same task, further on.
    ///
    /// # Errors
    /// [`ValidationError`] when the table of [`TaskStatus::next`] does not allow the move.
    pub fn moved_to(&self, status: TaskStatus) -> Result<Self, ValidationError> {
        if !self.fields.status.may_become(status) {
            let shown = format!("{} -> {status}", self.fields.status);
            return Err(ValidationError::new("task.status", "must be a legal move", shown));
        }
        let mut moved = self.clone();
        moved.fields.status = status;
        Ok(moved)
    }

    /// The same task, put off to another instant.
    ///
    /// # Errors
    /// [`ValidationError`] when it is completed or cancelled, or the instant lies outside the years 1 to 9999.
    ///
    /// # Example
    /// ```
    /// use patronage::Tag;
    /// use patronage::task::{Task, TaskId, TaskStatus};
    ///
    /// let (monday, tuesday) = ("2026-03-02T09:00:00Z".parse()?, "2026-03-03T09:00:00Z".parse()?);
    /// let call = Task::new(TaskId::derive(&["call", "17"]), Tag::literal("call"), monday)?;
    /// assert_eq!(call.snoozed(tuesday)?.due(), tuesday);
    /// assert!(call.moved_to(TaskStatus::Completed)?.snoozed(tuesday).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snoozed(&self, until: DateTime<Utc>) -> Result<Self, ValidationError> {
        let mut snoozed = self.open()?;
        snoozed.fields.due = period::instant("task.due", until)?;
        Ok(snoozed)
    }

    /// The same task, handed to somebody else: a team, or a staff number.
    ///
    /// # Errors
    /// [`ValidationError`] when it is completed or cancelled.
    pub fn reassigned(&self, to: Tag) -> Result<Self, ValidationError> {
        Ok(self.open()?.assigned_to(to))
    }

    /// A copy to be changed, where the task is not final.
    fn open(&self) -> Result<Self, ValidationError> {
        let status = self.fields.status;
        if status.is_final() {
            return Err(ValidationError::new("task.status", "must not be final", status));
        }
        Ok(self.clone())
    }

    /// The same task as a store keeps it, after so many committed changes. For adapters.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.fields.version = version;
        self
    }

    /// The identity of the task.
    pub const fn id(&self) -> TaskId {
        self.fields.id
    }

    /// What it is about.
    pub const fn about(&self) -> Tag {
        self.fields.about
    }

    /// By when it has to be done.
    pub const fn due(&self) -> DateTime<Utc> {
        self.fields.due
    }

    /// The customer it is for.
    pub const fn customer(&self) -> Option<CustomerId> {
        self.fields.customer
    }

    /// How pressing it is.
    pub const fn priority(&self) -> Priority {
        self.fields.priority
    }

    /// How far it is.
    pub const fn status(&self) -> TaskStatus {
        self.fields.status
    }

    /// Who has it.
    pub const fn assignee(&self) -> Option<Tag> {
        self.fields.assignee
    }

    /// Why it is to be done.
    pub fn reasons(&self) -> &[Because] {
        &self.fields.because
    }

    /// How many changes were committed; 0 for one that is not stored yet.
    pub const fn version(&self) -> u64 {
        self.fields.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_statuses_follows_the_table() {
        for &from in TaskStatus::ALL {
            for &to in TaskStatus::ALL {
                let mut task =
                    Task::new(TaskId::derive(&["t"]), Tag::literal("call"), DateTime::UNIX_EPOCH).unwrap();
                task.fields.status = from;
                assert_eq!(task.moved_to(to).is_ok(), from.next().contains(&to), "{from} -> {to}");
                assert_eq!(task.snoozed(DateTime::UNIX_EPOCH).is_ok(), !from.is_final(), "{from}");
                assert_eq!(task.reassigned(Tag::literal("team")).is_ok(), !from.is_final(), "{from}");
                assert!(task.snoozed(DateTime::<Utc>::MAX_UTC).is_err());
            }
        }
    }
}
