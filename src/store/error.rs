use crate::case::MatterId;
use crate::customer::CustomerId;
use crate::key::IdempotencyKey;
use crate::tag::Tag;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use std::fmt;
use uuid::Uuid;

vocabulary! {
    /// What kind of thing a store error is about.
    "entity" Entity {
        /// A customer.
        Customer = "customer",
        /// An interaction.
        Interaction = "interaction",
        /// A purchase.
        Purchase = "purchase",
        /// A consent record.
        Consent = "consent",
        /// A task.
        Task = "task",
        /// A matter: a case, a call-back, a recovery or a reminder.
        Matter = "matter",
        /// A notification.
        Notification = "notification",
        /// A change set.
        ChangeSet = "change_set",
    }
}

/// Why a store did not do what it was asked.
///
/// It holds identifiers, codes and names of rules: never personal data, never the text of a database driver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The row was changed meanwhile. Read it again, and decide again.
    #[error("{entity} {id} is at version {found} in the store, the change was made to version {expected}")]
    Conflict {
        /// What was to be changed.
        entity: Entity,
        /// Which one.
        id: Uuid,
        /// The version the change was made to; 0 for a new row.
        expected: u64,
        /// The version in the store; 0 where it is unknown there.
        found: u64,
    },
    /// The key or id stands for other content already. Nothing was changed.
    #[error("{entity} {key} is stored with other content")]
    KeyReuse {
        /// What the key names.
        entity: Entity,
        /// The key.
        key: Uuid,
    },
    /// A change refers to something the store does not know.
    #[error("{entity} {id} is unknown")]
    Unknown {
        /// What is unknown.
        entity: Entity,
        /// Which one.
        id: Uuid,
    },
    /// The identity belongs to another customer.
    #[error("an identity issued by {issuer} belongs to customer {taken_by} already")]
    IdentityTaken {
        /// The system that issued the identity.
        issuer: Tag,
        /// Whose it is.
        taken_by: CustomerId,
    },
    /// There may be one such matter at a time, and another one is open.
    #[error("{open} is open already, and there may be one such at a time")]
    OpenAlready {
        /// The key there may be one of; see [`Matter::only_one`](crate::case::Matter::only_one).
        only_one: IdempotencyKey,
        /// The open one.
        open: MatterId,
    },
    /// A change breaks a rule of its kind, for example a stage that may not follow the stored one.
    #[error("change refused: {0}")]
    Refused(#[from] ValidationError),
    /// The job was claimed by someone else since, or is settled already.
    #[error("job {key} is no longer held by this claim")]
    StaleFence {
        /// Which job.
        key: IdempotencyKey,
    },
    /// It is not known whether the change set took effect. Commit the same one again to find out: it has its effect
    /// once.
    #[error("it is not known whether change set {key} took effect; commit it again")]
    OutcomeUnknown {
        /// The key of the change set.
        key: IdempotencyKey,
    },
    /// The store is in use by someone else; nothing was changed, and trying again is safe.
    #[error("the store is busy")]
    Busy,
    /// The store cannot be used as it is: another schema, a setting that did not take, a row that cannot be read.
    #[error("the store cannot be used: {problem}")]
    Unusable {
        /// What is wrong.
        problem: &'static str,
    },
    /// The database refused; nothing was changed.
    #[error("the database failed to {operation} (code {code})")]
    Backend {
        /// What it was asked to do.
        operation: &'static str,
        /// Its code for the problem.
        code: BackendCode,
    },
}

/// The code a database has for a problem: the one thing of its errors that is handed on, because their texts may show
/// personal data.
///
/// # Example
/// ```
/// use patronage::store::BackendCode;
///
/// assert_eq!(BackendCode::SqlState(*b"53100").to_string(), "53100");
/// assert_eq!(BackendCode::from(2067).to_string(), "2067");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendCode {
    /// A number: of SQLite the extended result code.
    Number(i32),
    /// Five characters: of PostgreSQL the SQLSTATE.
    SqlState([u8; 5]),
}

impl From<i32> for BackendCode {
    fn from(number: i32) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for BackendCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::SqlState(state) => f.pad(std::str::from_utf8(state).unwrap_or("?????")),
        }
    }
}

impl fmt::Debug for BackendCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
