use super::ContactCheck;
use crate::because::Because;
use crate::consent::ConsentDecision;
use crate::interaction::Touchpoint;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// One check a contact did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FailedCheck {
    /// Which.
    pub check: ContactCheck,
    /// By which rule; a cap also says how many contacts it saw and how many it allows.
    pub because: Because,
    /// The first instant at which this check alone is passed; `None` where none is known within 366 days.
    pub clears: Option<DateTime<Utc>>,
}

/// Whether a customer may be contacted, all that speaks against it, and from when on it is allowed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContactDecision {
    pub(super) via: Touchpoint,
    pub(super) failed: Vec<FailedCheck>,
    pub(super) consent: ConsentDecision,
    pub(super) earliest: Option<DateTime<Utc>>,
}

impl ContactDecision {
    /// Whether the contact may be made now.
    pub fn is_allowed(&self) -> bool {
        self.failed.is_empty()
    }

    /// The touch point it is about.
    pub const fn touchpoint(&self) -> Touchpoint {
        self.via
    }

    /// Every check that was not passed, in the order of [`ContactCheck`].
    pub fn failed(&self) -> &[FailedCheck] {
        &self.failed
    }

    /// What the consent records say.
    pub const fn consent(&self) -> ConsentDecision {
        self.consent
    }

    /// The first instant at which every check is passed as far as is known now: now, where the contact is allowed; `None`
    /// where there is none within 366 days.
    pub const fn earliest(&self) -> Option<DateTime<Utc>> {
        self.earliest
    }
}
