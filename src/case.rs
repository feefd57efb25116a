//! Matters of customers that somebody has to settle: cases, the call-backs promised in them, and winning back who was
//! let down. All three are histories; where they stand is folded from what happened.
//!
//! A [`Matter`] is one of them, or a reminder, as a store keeps it: with the version that keeps two people from changing
//! it at once, and the instant somebody has to look at it again.

mod call_back;
mod event;
mod history;
mod matter;
mod recovery;

pub use call_back::{CallBack, CallBackChange, CallBackEvent, CallBackStatus};
pub use event::{CaseChange, CaseEvent};
pub use history::{Case, Promise};
pub use matter::{Matter, MatterId, MatterKind};
pub use recovery::{Recovery, RecoveryChange, RecoveryEvent, RecoveryStep};

use crate::key::identifier;
use crate::tag::Tag;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, Utc};

identifier! {
    /// Identifies a case.
    CaseId
}

identifier! {
    /// Identifies a call-back.
    CallBackId
}

identifier! {
    /// Identifies the recovery of a customer who was let down.
    RecoveryId
}

vocabulary! {
    /// Where a case stands.
    ///
    /// # Example
    /// ```
    /// use patronage::case::CaseStatus;
    ///
    /// assert!(CaseStatus::Solved.may_become(CaseStatus::Reopened));
    /// assert!(!CaseStatus::Closed.may_become(CaseStatus::Closed));
    /// ```
    "case.status" CaseStatus {
        /// Nobody has looked at it.
        New = "new",
        /// Somebody works on it.
        Open = "open",
        /// The customer has to answer.
        PendingCustomer = "pending_customer",
        /// Something else has to happen first.
        OnHold = "on_hold",
        /// Settled, as far as the company knows.
        Solved = "solved",
        /// Was not settled after all.
        Reopened = "reopened",
        /// Settled for good. Final; what comes later is a linked case.
        Closed = "closed",
        /// No case at all. Final.
        Rejected = "rejected",
        /// The same as another case. Final.
        Duplicate = "duplicate",
    }
}

impl CaseStatus {
    /// The statuses this one may turn into.
    ///
    /// | from | to |
    /// |---|---|
    /// | new, reopened | open, rejected, duplicate |
    /// | open | pending customer, on hold, solved, rejected, duplicate |
    /// | pending customer, on hold | open, solved, rejected, duplicate |
    /// | solved | closed, reopened, rejected, duplicate |
    /// | closed, rejected, duplicate | none |
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::New | Self::Reopened => &[Self::Open, Self::Rejected, Self::Duplicate],
            Self::Open => {
                &[Self::PendingCustomer, Self::OnHold, Self::Solved, Self::Rejected, Self::Duplicate]
            }
            Self::PendingCustomer | Self::OnHold => {
                &[Self::Open, Self::Solved, Self::Rejected, Self::Duplicate]
            }
            Self::Solved => &[Self::Closed, Self::Reopened, Self::Rejected, Self::Duplicate],
            Self::Closed | Self::Rejected | Self::Duplicate => &[],
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
    /// How badly a customer was hit.
    "severity" Severity {
        /// An annoyance.
        Minor = "minor",
        /// The customer was held up.
        Moderate = "moderate",
        /// The customer lost money, time or trust.
        Major = "major",
        /// No corrective action makes good for it.
        Catastrophic = "catastrophic",
    }
}

/// Why a history refused what should have happened next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// A value was refused.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// The table of the case does not allow the move.
    #[error("case {case}: no move from {from} to {to}")]
    IllegalMove {
        /// The case.
        case: CaseId,
        /// Where it stands.
        from: CaseStatus,
        /// Where it should have gone.
        to: CaseStatus,
    },
    /// Nothing can be added to a case that is closed, rejected or a duplicate.
    #[error("case {case} is {status}: what comes later belongs to a linked case")]
    Final {
        /// The case.
        case: CaseId,
        /// Where it stands.
        status: CaseStatus,
    },
    /// A follow-up was asked for while the case itself can still be worked on.
    #[error("case {case} is {status}: it needs no follow-up case")]
    NotFinal {
        /// The case.
        case: CaseId,
        /// Where it stands.
        status: CaseStatus,
    },
    /// An event lies before the latest one of its history.
    #[error("time runs backwards: {at} lies before {last}")]
    TimeBackwards {
        /// The refused instant.
        at: DateTime<Utc>,
        /// The latest instant of the history.
        last: DateTime<Utc>,
    },
    /// A case cannot be the duplicate or the follow-up of itself.
    #[error("case {case} cannot refer to itself")]
    RefersToItself {
        /// The case.
        case: CaseId,
    },
    /// A promise that was never made, or was kept already, cannot be kept.
    #[error("no open promise `{promise}`")]
    NoOpenPromise {
        /// Its name.
        promise: Tag,
    },
    /// A promise of this name is open already.
    #[error("promise `{promise}` is open already")]
    PromiseIsOpen {
        /// Its name.
        promise: Tag,
    },
    /// An escalation was recorded already.
    #[error("rule `{rule}` has escalated to level {level} already")]
    EscalatedAlready {
        /// Its rule.
        rule: Tag,
        /// Its level.
        level: u8,
    },
    /// The table of the call-back does not allow the move.
    #[error("call-back {call_back}: no move from {from} to {to}")]
    IllegalCallBack {
        /// The call-back.
        call_back: CallBackId,
        /// Where it stands.
        from: CallBackStatus,
        /// Where it should have gone.
        to: CallBackStatus,
    },
    /// A call-back was tried as often as it may be.
    #[error("call-back {call_back} was retried {retries} times, which is all it may")]
    RetriesUsedUp {
        /// The call-back.
        call_back: CallBackId,
        /// How often it was tried again.
        retries: u8,
    },
    /// The steps of a recovery have an order.
    #[error("recovery {recovery}: no step from {from} to {to}")]
    IllegalStep {
        /// The recovery.
        recovery: RecoveryId,
        /// Where it stands.
        from: RecoveryStep,
        /// Where it should have gone.
        to: RecoveryStep,
    },
}

/// Takes in the instant of an event that must not lie before the latest one.
fn not_before(
    field: &'static str,
    at: DateTime<Utc>,
    last: DateTime<Utc>,
) -> Result<DateTime<Utc>, CaseError> {
    let at = crate::period::instant(field, at)?;
    if at < last { Err(CaseError::TimeBackwards { at, last }) } else { Ok(at) }
}
