use super::{CallBackId, CaseError, CaseId, not_before};
use crate::customer::CustomerId;
use crate::period::{self, Period};
use crate::tag::Tag;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Where a call-back stands.
    "call_back.status" CallBackStatus {
        /// Proposed to the customer.
        Offered = "offered",
        /// The customer is to be called in a slot.
        Accepted = "accepted",
        /// Nobody called in the slot.
        Missed = "missed",
        /// Somebody is calling.
        Dialing = "dialing",
        /// They spoke. Final.
        Connected = "connected",
        /// The customer did not answer.
        NoAnswer = "no_answer",
        /// The customer did not want it. Final.
        Declined = "declined",
        /// The customer did not say in time. Final.
        Expired = "expired",
        /// Ended without speaking: tried often enough, or no longer needed. Final.
        Closed = "closed",
    }
}

impl CallBackStatus {
    /// The statuses this one may turn into: offered -> accepted, declined, expired; accepted -> dialing, missed, closed;
    /// dialing -> connected, no answer; no answer, missed -> accepted (again), closed; the others -> none.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Offered => &[Self::Accepted, Self::Declined, Self::Expired],
            Self::Accepted => &[Self::Dialing, Self::Missed, Self::Closed],
            Self::Dialing => &[Self::Connected, Self::NoAnswer],
            Self::NoAnswer | Self::Missed => &[Self::Accepted, Self::Closed],
            Self::Connected | Self::Declined | Self::Expired | Self::Closed => &[],
        }
    }

    /// Whether nothing can follow.
    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }
}

/// What happened to a call-back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallBackChange {
    /// The customer is to be called in a slot, at first or again.
    Accepted(Period),
    /// Nobody called in the slot, which is over.
    Missed,
    /// Somebody is calling.
    Dialing,
    /// They spoke.
    Connected,
    /// The customer did not answer.
    NoAnswer,
    /// The customer did not want it.
    Declined,
    /// The customer did not say in time.
    Expired,
    /// Ended without speaking.
    Closed,
}

impl CallBackChange {
    const fn status(self) -> CallBackStatus {
        match self {
            Self::Accepted(_) => CallBackStatus::Accepted,
            Self::Missed => CallBackStatus::Missed,
            Self::Dialing => CallBackStatus::Dialing,
            Self::Connected => CallBackStatus::Connected,
            Self::NoAnswer => CallBackStatus::NoAnswer,
            Self::Declined => CallBackStatus::Declined,
            Self::Expired => CallBackStatus::Expired,
            Self::Closed => CallBackStatus::Closed,
        }
    }
}

/// Something that happened to a call-back at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallBackEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub change: CallBackChange,
}

/// The promise to call a customer back instead of keeping them on hold.
///
/// A customer who does not answer is tried again in another slot, as often as was agreed; so is one whom nobody called.
///
/// # Example
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use patronage::case::{CallBack, CallBackChange, CallBackId};
/// use patronage::customer::CustomerId;
/// use patronage::{Period, Tag};
///
/// let at: DateTime<Utc> = "2026-03-02T09:00:00Z".parse()?;
/// let slot = Period::new(at + TimeDelta::hours(1), at + TimeDelta::hours(2))?;
/// let customer = CustomerId::derive(&["shop", "17"]);
/// let mut call = CallBack::offer(CallBackId::derive(&["1"]), customer, Tag::literal("billing"), at, 2)?;
/// call.record(at, CallBackChange::Accepted(slot))?;
/// call.record(slot.start(), CallBackChange::Dialing)?;
/// call.record(slot.start(), CallBackChange::Connected)?;
/// assert_eq!(call.kept(slot.end()), Some(true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct CallBack {
    fields: Fields,
    status: CallBackStatus,
    retried: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "CallBack")]
struct Fields {
    id: CallBackId,
    customer: CustomerId,
    reason: Tag,
    offered: DateTime<Utc>,
    retries: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    case: Option<CaseId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    events: Vec<CallBackEvent>,
}

impl From<CallBack> for Fields {
    fn from(call_back: CallBack) -> Self {
        call_back.fields
    }
}

impl TryFrom<Fields> for CallBack {
    type Error = CaseError;

    fn try_from(fields: Fields) -> Result<Self, CaseError> {
        let mut call_back =
            Self::offer(fields.id, fields.customer, fields.reason, fields.offered, fields.retries)?;
        call_back.fields.case = fields.case;
        for event in fields.events {
            call_back.record(event.at, event.change)?;
        }
        Ok(call_back)
    }
}

impl CallBack {
    /// Offers to call back; a customer who does not answer is tried again at most `retries` times.
    ///
    /// # Errors
    /// [`CaseError::Invalid`] when the instant lies outside the years 1 to 9999.
    pub fn offer(
        id: CallBackId,
        customer: CustomerId,
        reason: Tag,
        at: DateTime<Utc>,
        retries: u8,
    ) -> Result<Self, CaseError> {
        let offered = period::instant("call_back.offered", at)?;
        let fields = Fields { id, customer, reason, offered, retries, case: None, events: Vec::new() };
        Ok(Self { fields, status: CallBackStatus::Offered, retried: 0 })
    }

    /// Names the case it belongs to.
    #[must_use]
    pub fn for_case(mut self, case: CaseId) -> Self {
        self.fields.case = Some(case);
        self
    }

    /// Adds what happened next.
    ///
    /// # Errors
    /// [`CaseError::IllegalCallBack`] when the table does not allow it, [`CaseError::RetriesUsedUp`] when it was tried
    /// often enough, [`CaseError::TimeBackwards`] when it lies before the last event, the slot before the event, or the
    /// event before the end of the slot that was missed.
    pub fn record(&mut self, at: DateTime<Utc>, change: CallBackChange) -> Result<(), CaseError> {
        let at = not_before("call_back.at", at, self.last_at())?;
        let (call_back, from, to) = (self.fields.id, self.status, change.status());
        if !from.next().contains(&to) {
            return Err(CaseError::IllegalCallBack { call_back, from, to });
        }
        if let (CallBackChange::Missed, Some(slot)) = (change, self.slot()) {
            not_before("call_back.missed", at, slot.end())?;
        }
        if let CallBackChange::Accepted(slot) = change {
            not_before("call_back.slot", slot.start(), at)?;
            if from != CallBackStatus::Offered {
                if self.retried >= self.fields.retries {
                    return Err(CaseError::RetriesUsedUp { call_back, retries: self.retried });
                }
                self.retried += 1;
            }
        }
        self.status = to;
        self.fields.events.push(CallBackEvent { at, change });
        Ok(())
    }

    /// Whether its history goes on from that of an earlier state.
    pub(super) fn continues(&self, earlier: &Self) -> bool {
        let began =
            |call: &Fields| (call.id, call.customer, call.reason, call.offered, call.retries, call.case);
        began(&self.fields) == began(&earlier.fields)
            && self.fields.events.starts_with(&earlier.fields.events)
    }

    /// The identity of the call-back.
    pub const fn id(&self) -> CallBackId {
        self.fields.id
    }

    /// Who is called.
    pub const fn customer(&self) -> CustomerId {
        self.fields.customer
    }

    /// Why.
    pub const fn reason(&self) -> Tag {
        self.fields.reason
    }

    /// The case it belongs to.
    pub const fn case(&self) -> Option<CaseId> {
        self.fields.case
    }

    /// Where it stands.
    pub const fn status(&self) -> CallBackStatus {
        self.status
    }

    /// When it was offered.
    pub const fn offered(&self) -> DateTime<Utc> {
        self.fields.offered
    }

    /// The latest instant of its history.
    pub fn last_at(&self) -> DateTime<Utc> {
        self.fields.events.last().map_or(self.fields.offered, |event| event.at)
    }

    /// How often it may still be tried again.
    pub const fn retries_left(&self) -> u8 {
        self.fields.retries.saturating_sub(self.retried)
    }

    /// Everything that happened, in order.
    pub fn events(&self) -> &[CallBackEvent] {
        &self.fields.events
    }

    /// The slot that was agreed last.
    pub fn slot(&self) -> Option<Period> {
        self.fields.events.iter().rev().find_map(|event| match event.change {
            CallBackChange::Accepted(slot) => Some(slot),
            _ => None,
        })
    }

    /// Whether the company kept the promise: it called within the first slot that was agreed. `None` where nothing was
    /// agreed, where the slot is not over at `as_of`, and where it was called off before the slot ended.
    pub fn kept(&self, as_of: DateTime<Utc>) -> Option<bool> {
        let mut events = self.fields.events.iter();
        let slot = events.find_map(|event| match event.change {
            CallBackChange::Accepted(slot) => Some(slot),
            _ => None,
        })?;
        let next = events.next().filter(|event| event.at <= as_of);
        match next {
            Some(event) if event.change == CallBackChange::Dialing => Some(slot.contains(event.at)),
            Some(event) if event.at < slot.end() => None,
            _ => (slot.end() <= as_of).then_some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn slot(from: i64) -> CallBackChange {
        CallBackChange::Accepted(Period::new(at(from), at(from + 30)).unwrap())
    }

    fn call() -> CallBack {
        let customer = CustomerId::derive(&["c"]);
        CallBack::offer(CallBackId::derive(&["1"]), customer, Tag::literal("billing"), at(0), 1).unwrap()
    }

    #[test]
    fn every_pair_of_statuses_follows_the_table() {
        use CallBackChange::*;
        let changes = [slot(100), Missed, Dialing, Connected, NoAnswer, Declined, Expired, Closed];
        let paths: [&[CallBackChange]; 9] = [
            &[],
            &[slot(10)],
            &[slot(10), Missed],
            &[slot(10), Dialing],
            &[slot(10), Dialing, Connected],
            &[slot(10), Dialing, NoAnswer],
            &[Declined],
            &[Expired],
            &[slot(10), Closed],
        ];
        for path in paths {
            for change in changes {
                let mut call = call();
                for &step in path {
                    let minutes = if step == Missed { 40 } else { 5 };
                    call.record(at(minutes), step).unwrap();
                }
                let from = call.status();
                let allowed = from.next().contains(&change.status());
                assert_eq!(call.record(at(40), change).is_ok(), allowed, "{from} -> {}", change.status());
            }
        }
    }

    #[test]
    fn retries_end_and_time_does_not_run_backwards() {
        let mut call = call();
        call.record(at(1), slot(10)).unwrap();
        assert!(matches!(call.record(at(0), CallBackChange::Dialing), Err(CaseError::TimeBackwards { .. })));
        for minutes in [12, 50] {
            call.record(at(minutes), CallBackChange::Dialing).unwrap();
            call.record(at(minutes), CallBackChange::NoAnswer).unwrap();
            let again = call.record(at(minutes), slot(minutes + 20));
            assert_eq!(again.is_ok(), minutes == 12);
        }
        call.record(at(51), CallBackChange::Closed).unwrap();
        assert_eq!(call.kept(at(99)), Some(true), "it was the customer who did not answer");
        let json = serde_json::to_string(&call).unwrap();
        assert_eq!(serde_json::from_str::<CallBack>(&json).unwrap(), call);
        assert!(serde_json::from_str::<CallBack>(&json.replace("\"retries\":1", "\"retries\":0")).is_err());
    }

    #[test]
    fn a_promise_that_nobody_kept_shows() {
        let mut call = call();
        assert_eq!(call.kept(at(99)), None, "nothing was agreed");
        call.record(at(1), slot(10)).unwrap();
        assert_eq!((call.kept(at(39)), call.kept(at(40))), (None, Some(false)));
        let mut late = call.clone();
        late.record(at(41), CallBackChange::Dialing).unwrap();
        assert_eq!(late.kept(at(50)), Some(false));
        let mut missed = call.clone();
        assert!(matches!(
            missed.record(at(39), CallBackChange::Missed),
            Err(CaseError::TimeBackwards { .. })
        ));
        missed.record(at(40), CallBackChange::Missed).unwrap();
        missed.record(at(40), slot(60)).unwrap();
        assert_eq!((missed.retries_left(), missed.kept(at(99))), (0, Some(false)));
        call.record(at(2), CallBackChange::Closed).unwrap();
        assert_eq!(call.kept(at(99)), None, "called off in time");
    }
}
