use super::{CaseError, CaseId, RecoveryId, Severity, not_before};
use crate::customer::CustomerId;
use crate::period;
use crate::tag::Tag;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// How far the recovery of a customer is.
    "recovery.step" RecoveryStep {
        /// The company noticed that it let the customer down.
        Detected = "detected",
        /// The company owned up to the customer.
        Acknowledged = "acknowledged",
        /// It is known why it happened.
        CauseKnown = "cause_known",
        /// Something was done about it.
        ActionTaken = "action_taken",
        /// The customer was asked, or watched. Final.
        Verified = "verified",
        /// Given up. Final.
        Abandoned = "abandoned",
    }
}

impl RecoveryStep {
    /// The steps that may follow: detected -> acknowledged -> cause known -> action taken -> verified, and abandoned at
    /// any point before.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Detected => &[Self::Acknowledged, Self::Abandoned],
            Self::Acknowledged => &[Self::CauseKnown, Self::Abandoned],
            Self::CauseKnown => &[Self::ActionTaken, Self::Abandoned],
            Self::ActionTaken => &[Self::Verified, Self::Abandoned],
            Self::Verified | Self::Abandoned => &[],
        }
    }
}

/// What happened in a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryChange {
    /// The company owned up to the customer.
    Acknowledged,
    /// It is known why it happened.
    CauseKnown(Tag),
    /// Something was done: apology, refund, replacement, ...
    ActionTaken(Tag),
    /// The customer was asked, or watched.
    Verified {
        /// Whether the customer is content again.
        recovered: bool,
    },
    /// Given up, and why.
    Abandoned(Tag),
}

impl RecoveryChange {
    const fn step(self) -> RecoveryStep {
        match self {
            Self::Acknowledged => RecoveryStep::Acknowledged,
            Self::CauseKnown(_) => RecoveryStep::CauseKnown,
            Self::ActionTaken(_) => RecoveryStep::ActionTaken,
            Self::Verified { .. } => RecoveryStep::Verified,
            Self::Abandoned(_) => RecoveryStep::Abandoned,
        }
    }
}

/// Something that happened in a recovery at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecoveryEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub change: RecoveryChange,
}

/// How a company makes good for letting a customer down: from noticing it to knowing whether the customer is content.
///
/// # Example
/// ```
/// use chrono::{DateTime, Utc};
/// use patronage::Tag;
/// use patronage::case::{CaseId, Recovery, RecoveryChange, RecoveryId, Severity};
/// use patronage::customer::CustomerId;
///
/// let at: DateTime<Utc> = "2026-03-02T09:00:00Z".parse()?;
/// let (case, customer) = (CaseId::derive(&["desk", "1"]), CustomerId::derive(&["shop", "17"]));
/// let mut recovery = Recovery::detect(RecoveryId::derive(&["1"]), case, customer, Severity::Major, at)?;
/// recovery.record(at, RecoveryChange::Acknowledged)?;
/// recovery.record(at, RecoveryChange::CauseKnown(Tag::literal("wrong_address")))?;
/// recovery.record(at, RecoveryChange::ActionTaken(Tag::literal("express_delivery")))?;
/// recovery.record(at, RecoveryChange::Verified { recovered: true })?;
/// assert_eq!(recovery.recovered(), Some(true));
/// assert!(recovery.record(at, RecoveryChange::Acknowledged).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Recovery {
    fields: Fields,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Recovery")]
struct Fields {
    id: RecoveryId,
    case: CaseId,
    customer: CustomerId,
    severity: Severity,
    detected: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    events: Vec<RecoveryEvent>,
}

impl From<Recovery> for Fields {
    fn from(recovery: Recovery) -> Self {
        recovery.fields
    }
}

impl TryFrom<Fields> for Recovery {
    type Error = CaseError;

    fn try_from(fields: Fields) -> Result<Self, CaseError> {
        let mut recovery =
            Self::detect(fields.id, fields.case, fields.customer, fields.severity, fields.detected)?;
        for event in fields.events {
            recovery.record(event.at, event.change)?;
        }
        Ok(recovery)
    }
}

impl Recovery {
    /// A customer was let down.
    ///
    /// # Errors
    /// [`CaseError::Invalid`] when the instant lies outside the years 1 to 9999.
    pub fn detect(
        id: RecoveryId,
        case: CaseId,
        customer: CustomerId,
        severity: Severity,
        at: DateTime<Utc>,
    ) -> Result<Self, CaseError> {
        let detected = period::instant("recovery.detected", at)?;
        Ok(Self { fields: Fields { id, case, customer, severity, detected, events: Vec::new() } })
    }

    /// Adds the next step.
    ///
    /// # Errors
    /// [`CaseError::IllegalStep`] when it is not next, [`CaseError::TimeBackwards`] when it lies before the last one.
    pub fn record(&mut self, at: DateTime<Utc>, change: RecoveryChange) -> Result<(), CaseError> {
        let at = not_before("recovery.at", at, self.last_at())?;
        let (from, to) = (self.step(), change.step());
        if !from.next().contains(&to) {
            return Err(CaseError::IllegalStep { recovery: self.fields.id, from, to });
        }
        self.fields.events.push(RecoveryEvent { at, change });
        Ok(())
    }

    /// Whether its history goes on from that of an earlier state.
    pub(super) fn continues(&self, earlier: &Self) -> bool {
        let began = |one: &Fields| (one.id, one.case, one.customer, one.severity, one.detected);
        began(&self.fields) == began(&earlier.fields)
            && self.fields.events.starts_with(&earlier.fields.events)
    }

    /// The identity of the recovery.
    pub const fn id(&self) -> RecoveryId {
        self.fields.id
    }

    /// The case it belongs to.
    pub const fn case(&self) -> CaseId {
        self.fields.case
    }

    /// Who was let down.
    pub const fn customer(&self) -> CustomerId {
        self.fields.customer
    }

    /// How badly.
    pub const fn severity(&self) -> Severity {
        self.fields.severity
    }

    /// When it was noticed.
    pub const fn detected(&self) -> DateTime<Utc> {
        self.fields.detected
    }

    /// The latest instant of its history.
    pub fn last_at(&self) -> DateTime<Utc> {
        self.fields.events.last().map_or(self.fields.detected, |event| event.at)
    }

    /// Everything that happened since, in order.
    pub fn events(&self) -> &[RecoveryEvent] {
        &self.fields.events
    }

    /// How far it is.
    pub fn step(&self) -> RecoveryStep {
        self.fields.events.last().map_or(RecoveryStep::Detected, |event| event.change.step())
    }

    /// When a step was taken.
    pub fn taken(&self, step: RecoveryStep) -> Option<DateTime<Utc>> {
        if step == RecoveryStep::Detected {
            return Some(self.fields.detected);
        }
        self.fields.events.iter().find(|event| event.change.step() == step).map(|event| event.at)
    }

    /// What was done about it.
    pub fn action(&self) -> Option<Tag> {
        self.fields.events.iter().find_map(|event| match event.change {
            RecoveryChange::ActionTaken(action) => Some(action),
            _ => None,
        })
    }

    /// Whether the customer is content again; `None` where nobody knows.
    pub fn recovered(&self) -> Option<bool> {
        self.fields.events.iter().find_map(|event| match event.change {
            RecoveryChange::Verified { recovered } => Some(recovered),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_in_order() {
        use RecoveryChange::*;
        let tag = Tag::literal("x");
        let steps =
            [Acknowledged, CauseKnown(tag), ActionTaken(tag), Verified { recovered: false }, Abandoned(tag)];
        for done in 0..4 {
            for step in steps {
                let (case, customer) = (CaseId::derive(&["1"]), CustomerId::derive(&["c"]));
                let at = DateTime::UNIX_EPOCH;
                let mut recovery =
                    Recovery::detect(RecoveryId::derive(&["r"]), case, customer, Severity::Minor, at)
                        .unwrap();
                for &step in &steps[..done] {
                    recovery.record(at, step).unwrap();
                }
                let from = recovery.step();
                let allowed = from.next().contains(&step.step());
                assert_eq!(recovery.record(at, step).is_ok(), allowed, "{from} -> {}", step.step());
                let json = serde_json::to_string(&recovery).unwrap();
                assert_eq!(serde_json::from_str::<Recovery>(&json).unwrap(), recovery);
            }
        }
    }
}
