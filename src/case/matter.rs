use super::{CallBack, CallBackId, Case, CaseId, Recovery, RecoveryId};
use crate::customer::CustomerId;
use crate::key::IdempotencyKey;
use crate::period;
use crate::task::{Reminder, ReminderId};
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Which matter, of which kind. Ordered by the text of the kind, then by the UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MatterId {
    // In the order of their texts, so that every store has one order of ids.
    /// A call-back.
    CallBack(CallBackId),
    /// A case.
    Case(CaseId),
    /// A recovery.
    Recovery(RecoveryId),
    /// A reminder.
    Reminder(ReminderId),
}

impl MatterId {
    /// The text of every kind, ascending.
    pub const KINDS: &'static [&'static str] = &["call_back", "case", "recovery", "reminder"];

    /// Puts together what [`kind`](Self::kind) and [`as_uuid`](Self::as_uuid) took apart.
    ///
    /// # Errors
    /// [`ValidationError`] when there is no such kind.
    ///
    /// # Example
    /// ```
    /// use patronage::case::{CaseId, MatterId};
    ///
    /// let id = MatterId::Case(CaseId::derive(&["desk", "1"]));
    /// assert_eq!(MatterId::new(id.kind(), *id.as_uuid())?, id);
    /// assert!(MatterId::new("ticket", *id.as_uuid()).is_err());
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    pub fn new(kind: &str, id: Uuid) -> Result<Self, ValidationError> {
        match kind {
            "call_back" => Ok(Self::CallBack(CallBackId::new(id))),
            "case" => Ok(Self::Case(CaseId::new(id))),
            "recovery" => Ok(Self::Recovery(RecoveryId::new(id))),
            "reminder" => Ok(Self::Reminder(ReminderId::new(id))),
            _ => Err(ValidationError::new("matter.kind", "must be the kind of a matter", kind)),
        }
    }

    /// The stable text of the kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::CallBack(_) => "call_back",
            Self::Case(_) => "case",
            Self::Recovery(_) => "recovery",
            Self::Reminder(_) => "reminder",
        }
    }

    /// The UUID inside; unique within the kind.
    pub const fn as_uuid(&self) -> &Uuid {
        match self {
            Self::CallBack(id) => id.as_uuid(),
            Self::Case(id) => id.as_uuid(),
            Self::Recovery(id) => id.as_uuid(),
            Self::Reminder(id) => id.as_uuid(),
        }
    }
}

impl fmt::Display for MatterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.as_uuid())
    }
}

/// What is to be settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MatterKind {
    /// A case.
    Case(Case),
    /// A call-back.
    CallBack(CallBack),
    /// The recovery of a customer.
    Recovery(Recovery),
    /// A reminder.
    Reminder(Reminder),
}

/// Something that is to be settled, as a store keeps it: what it is, how often it was changed, and when somebody has to
/// look at it again.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::case::{CallBack, CallBackId, Matter};
/// use patronage::customer::CustomerId;
///
/// let (at, customer) = ("2026-03-02T09:00:00Z".parse()?, CustomerId::derive(&["shop", "17"]));
/// let call = CallBack::offer(CallBackId::derive(&["1"]), customer, Tag::literal("billing"), at, 2)?;
/// let again = CallBack::offer(CallBackId::derive(&["2"]), customer, Tag::literal("billing"), at, 2)?;
/// let matter = Matter::new(call);
/// assert_eq!((matter.customer(), matter.status(), matter.version()), (Some(customer), "offered", 0));
/// assert_eq!(matter.wake(), Some(at));
/// // A store takes one open call-back of a customer and a reason.
/// assert_eq!(matter.only_one(), Matter::new(again).only_one());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Matter {
    fields: Fields,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Matter")]
struct Fields {
    kind: MatterKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wake: Option<DateTime<Utc>>,
    #[serde(default)]
    version: u64,
}

impl From<Matter> for Fields {
    fn from(matter: Matter) -> Self {
        matter.fields
    }
}

impl TryFrom<Fields> for Matter {
    type Error = ValidationError;

    fn try_from(mut fields: Fields) -> Result<Self, ValidationError> {
        fields.wake = fields.wake.map(|wake| period::instant("matter.wake", wake)).transpose()?;
        Ok(Self { fields })
    }
}

macro_rules! kinds {
    ($($kind:ident),+) => {
        $(impl From<$kind> for MatterKind {
            fn from(kind: $kind) -> Self {
                Self::$kind(kind)
            }
        })+
    };
}

kinds!(Case, CallBack, Recovery, Reminder);

impl Matter {
    /// A new matter. Somebody has to look at it as soon as anything about it can be due: at the latest event of a history,
    /// and before the first occurrence of a reminder; never where it is over. Who looks finds out when to look again.
    pub fn new(kind: impl Into<MatterKind>) -> Self {
        let kind = kind.into();
        let wake = match &kind {
            MatterKind::Case(case) => Some(case.last_at()).filter(|_| !case.status().is_final()),
            MatterKind::CallBack(call) => Some(call.last_at()).filter(|_| !call.status().is_final()),
            MatterKind::Recovery(recovery) => {
                Some(recovery.last_at()).filter(|_| !recovery.step().next().is_empty())
            }
            // Before the year 1 there is nothing to look at.
            MatterKind::Reminder(reminder) => {
                reminder.silent_until().map(|at| period::instant("matter.wake", at).unwrap_or_default())
            }
        };
        Self { fields: Fields { kind, wake, version: 0 } }
    }

    /// Sets when somebody has to look at it again.
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999.
    pub fn waking(mut self, wake: Option<DateTime<Utc>>) -> Result<Self, ValidationError> {
        self.fields.wake = wake;
        Self::try_from(self.fields)
    }

    /// The same matter, further on. The version stays, so that a store refuses it where somebody was faster; as with a
    /// [`new`](Self::new) one, somebody has to look at it at once, because the change may have moved what is due.
    #[must_use]
    pub fn changed(&self, kind: impl Into<MatterKind>) -> Self {
        Self::new(kind).with_version(self.fields.version)
    }

    /// The same matter as a store keeps it, after so many committed changes. For adapters.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.fields.version = version;
        self
    }

    /// Which matter it is.
    pub const fn id(&self) -> MatterId {
        match &self.fields.kind {
            MatterKind::Case(case) => MatterId::Case(case.id()),
            MatterKind::CallBack(call_back) => MatterId::CallBack(call_back.id()),
            MatterKind::Recovery(recovery) => MatterId::Recovery(recovery.id()),
            MatterKind::Reminder(reminder) => MatterId::Reminder(reminder.id()),
        }
    }

    /// What it is.
    pub const fn kind(&self) -> &MatterKind {
        &self.fields.kind
    }

    /// The customer it is about.
    pub const fn customer(&self) -> Option<CustomerId> {
        match &self.fields.kind {
            MatterKind::Case(case) => Some(case.customer()),
            MatterKind::CallBack(call_back) => Some(call_back.customer()),
            MatterKind::Recovery(recovery) => Some(recovery.customer()),
            MatterKind::Reminder(reminder) => reminder.customer(),
        }
    }

    /// Where it stands, in the words of its kind.
    pub fn status(&self) -> &'static str {
        match &self.fields.kind {
            MatterKind::Case(case) => case.status().as_str(),
            MatterKind::CallBack(call_back) => call_back.status().as_str(),
            MatterKind::Recovery(recovery) => recovery.step().as_str(),
            MatterKind::Reminder(reminder) => reminder.status().as_str(),
        }
    }

    /// When somebody has to look at it again.
    pub const fn wake(&self) -> Option<DateTime<Utc>> {
        self.fields.wake
    }

    /// How many changes were committed; 0 for one that is not stored yet.
    pub const fn version(&self) -> u64 {
        self.fields.version
    }

    /// The key of which a store takes one: that of the customer and the reason for a call-back that is not over. `None`
    /// where there may be any number.
    pub fn only_one(&self) -> Option<IdempotencyKey> {
        match &self.fields.kind {
            MatterKind::CallBack(call) if !call.status().is_final() => {
                let customer = call.customer().to_string();
                Some(IdempotencyKey::derive(&["open call-back", &customer, call.reason().as_str()]))
            }
            _ => None,
        }
    }

    /// Whether it may be stored where another state of it is. A history goes on from the stored one: what it began with
    /// is the same, and so are its first events. A reminder keeps its schedule, moves by its table, and does not go back
    /// behind what was dealt with. Every store calls this.
    ///
    /// # Errors
    /// [`ValidationError`] where it does not.
    pub fn continues(&self, stored: &Self) -> Result<(), ValidationError> {
        let goes_on = match (&self.fields.kind, &stored.fields.kind) {
            (MatterKind::Case(case), MatterKind::Case(stored)) => case.continues(stored),
            (MatterKind::CallBack(call), MatterKind::CallBack(stored)) => call.continues(stored),
            (MatterKind::Recovery(recovery), MatterKind::Recovery(stored)) => recovery.continues(stored),
            (MatterKind::Reminder(reminder), MatterKind::Reminder(stored)) => {
                return reminder.continues(stored);
            }
            _ => false,
        };
        if goes_on {
            return Ok(());
        }
        Err(ValidationError::new("matter.events", "must go on from the stored history", self.id()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CallBackChange, CaseChange, CaseEvent, CaseStatus, RecoveryChange, Severity};
    use crate::notification::Recipient;
    use crate::tag::Tag;

    fn case(moves: &[CaseStatus]) -> Case {
        let (at, customer) = (DateTime::UNIX_EPOCH, CustomerId::derive(&["c"]));
        let mut case = Case::open(CaseId::derive(&["1"]), customer, Tag::literal("billing"), at).unwrap();
        for &to in moves {
            case.record(CaseEvent::new(at, CaseChange::Moved(to))).unwrap();
        }
        case
    }

    fn call() -> CallBack {
        let (at, customer) = (DateTime::UNIX_EPOCH, CustomerId::derive(&["c"]));
        CallBack::offer(CallBackId::derive(&["1"]), customer, Tag::literal("billing"), at, 1).unwrap()
    }

    fn recovery() -> Recovery {
        let (id, customer) = (RecoveryId::derive(&["1"]), CustomerId::derive(&["c"]));
        Recovery::detect(id, CaseId::derive(&["1"]), customer, Severity::Major, DateTime::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn ids_are_ordered_as_their_texts() {
        let mut ids = Vec::new();
        for kind in MatterId::KINDS {
            for n in [7, 0, u128::MAX] {
                ids.push(MatterId::new(kind, Uuid::from_u128(n)).unwrap());
            }
        }
        ids.sort_unstable();
        let mut texts: Vec<_> = ids.iter().map(|id| (id.kind(), *id.as_uuid())).collect();
        let as_sorted = texts.clone();
        texts.sort_unstable();
        assert_eq!(as_sorted, texts);
        for id in ids {
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<MatterId>(&json).unwrap(), id);
            assert!(json.starts_with(&format!("{{\"{}\"", id.kind())), "{json}");
        }
    }

    #[test]
    fn histories_only_grow() {
        use CaseStatus::*;
        let longer = Matter::new(case(&[Open, Solved]));
        let shorter = Matter::new(case(&[Open]));
        let other = Matter::new(case(&[Open, OnHold, Solved]));
        assert_eq!((longer.continues(&shorter), longer.continues(&longer)), (Ok(()), Ok(())));
        for (new, stored) in [(&shorter, &longer), (&other, &longer), (&longer, &other)] {
            assert_eq!(new.continues(stored).unwrap_err().field(), "matter.events");
        }
        let moved = Case::open(
            case(&[]).id(),
            CustomerId::derive(&["d"]),
            Tag::literal("billing"),
            DateTime::UNIX_EPOCH,
        );
        assert!(Matter::new(moved.unwrap()).continues(&Matter::new(case(&[]))).is_err(), "another customer");

        let mut declined = call();
        declined.record(DateTime::UNIX_EPOCH, CallBackChange::Declined).unwrap();
        let (before, after) = (Matter::new(call()), Matter::new(declined));
        assert!(after.continues(&before).is_ok() && before.continues(&after).is_err());
        assert!(Matter::new(call().for_case(case(&[]).id())).continues(&before).is_err(), "another case");
        assert!(before.only_one().is_some() && after.only_one().is_none());

        let mut acknowledged = recovery();
        acknowledged.record(DateTime::UNIX_EPOCH, RecoveryChange::Acknowledged).unwrap();
        let (before, after) = (Matter::new(recovery()), Matter::new(acknowledged));
        assert!(after.continues(&before).is_ok() && before.continues(&after).is_err());
        assert!(after.continues(&longer).is_err(), "another kind");
    }

    #[test]
    fn json_is_checked_and_round_trips() {
        let to = Recipient::Customer(CustomerId::derive(&["c"]));
        let reminder =
            Reminder::once(ReminderId::derive(&["1"]), DateTime::UNIX_EPOCH, to, Tag::literal("call"))
                .unwrap();
        let kinds: [MatterKind; 4] =
            [case(&[CaseStatus::Open]).into(), call().into(), recovery().into(), reminder.into()];
        for kind in kinds {
            let matter = Matter::new(kind).with_version(7);
            assert_eq!(matter.wake(), Some(DateTime::UNIX_EPOCH));
            assert_eq!(matter.customer(), Some(CustomerId::derive(&["c"])));
            let json = serde_json::to_string(&matter).unwrap();
            assert_eq!(serde_json::from_str::<Matter>(&json).unwrap(), matter);
            let far = json.replace("\"wake\":\"1970", "\"wake\":\"+19700");
            assert!(far != json && serde_json::from_str::<Matter>(&far).is_err(), "{far}");
        }
        assert!(Matter::new(call()).waking(Some(DateTime::<Utc>::MAX_UTC)).is_err());
    }
}
