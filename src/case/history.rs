use super::{CaseChange, CaseError, CaseEvent, CaseId, CaseStatus, Severity, not_before};
use crate::customer::CustomerId;
use crate::interaction::{Channel, Direction};
use crate::key::IdempotencyKey;
use crate::period;
use crate::pii::Pii;
use crate::tag::Tag;
use crate::task::Priority;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const MOST_EVENTS: usize = 10_000;
const LONGEST_FACT: usize = 4096;

/// Something the company promised in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Promise {
    /// Its name within the case.
    pub promise: Tag,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// By when it is to be kept.
    pub due: DateTime<Utc>,
    /// When it was kept.
    pub kept: Option<DateTime<Utc>>,
}

impl Promise {
    /// Whether it was kept in time; `None` while it is open and not overdue at `as_of`.
    pub fn held(&self, as_of: DateTime<Utc>) -> Option<bool> {
        match self.kept {
            Some(kept) => Some(kept <= self.due),
            None if self.due < as_of => Some(false),
            None => None,
        }
    }
}

/// A matter of a customer from its opening to its end: who, why, and everything that happened, over as many
/// interactions and channels as it takes.
///
/// The history is all that is kept; where the case stands is folded from it. What does not fit is refused and changes
/// nothing.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::case::{Case, CaseChange, CaseError, CaseEvent, CaseId, CaseStatus};
/// use patronage::customer::CustomerId;
/// use chrono::{DateTime, Utc};
///
/// let customer = CustomerId::derive(&["shop", "17"]);
/// let at: DateTime<Utc> = "2026-03-02T09:00:00Z".parse()?;
/// let mut case = Case::open(CaseId::derive(&["desk", "1"]), customer, Tag::literal("late_delivery"), at)?;
/// for status in [CaseStatus::Open, CaseStatus::Solved, CaseStatus::Closed] {
///     case.record(CaseEvent::new(at, CaseChange::Moved(status)))?;
/// }
/// let again = case.record(CaseEvent::new(at, CaseChange::Moved(CaseStatus::Closed)));
/// assert!(matches!(again, Err(CaseError::Final { .. })));
/// let follow_up = case.follow_up(CaseId::derive(&["desk", "2"]), at)?;
/// assert_eq!(follow_up.follow_up_of(), Some(case.id()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Case {
    fields: Fields,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Case")]
struct Fields {
    id: CaseId,
    customer: CustomerId,
    reason: Tag,
    opened: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follow_up_of: Option<CaseId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    events: Vec<CaseEvent>,
}

/// What is folded from the events.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    status: CaseStatus,
    last: DateTime<Utc>,
    reopened: u32,
    priority: Priority,
    severity: Severity,
    assignee: Option<Tag>,
    sla: Option<Tag>,
    duplicate_of: Option<CaseId>,
    promises: Vec<Promise>,
    escalations: BTreeSet<IdempotencyKey>,
}

impl From<Case> for Fields {
    fn from(case: Case) -> Self {
        case.fields
    }
}

impl TryFrom<Fields> for Case {
    type Error = CaseError;

    fn try_from(fields: Fields) -> Result<Self, CaseError> {
        let mut case = Self::open(fields.id, fields.customer, fields.reason, fields.opened)?;
        if fields.follow_up_of == Some(fields.id) {
            return Err(CaseError::RefersToItself { case: fields.id });
        }
        case.fields.follow_up_of = fields.follow_up_of;
        for event in fields.events {
            case.record(event)?;
        }
        Ok(case)
    }
}

impl Case {
    /// A new case of normal priority and minor severity.
    ///
    /// # Errors
    /// [`CaseError::Invalid`] when the instant lies outside the years 1 to 9999.
    pub fn open(id: CaseId, customer: CustomerId, reason: Tag, at: DateTime<Utc>) -> Result<Self, CaseError> {
        let opened = period::instant("case.opened", at)?;
        let state = State {
            status: CaseStatus::New,
            last: opened,
            reopened: 0,
            priority: Priority::Normal,
            severity: Severity::Minor,
            assignee: None,
            sla: None,
            duplicate_of: None,
            promises: Vec::new(),
            escalations: BTreeSet::new(),
        };
        let fields = Fields { id, customer, reason, opened, follow_up_of: None, events: Vec::new() };
        Ok(Self { fields, state })
    }

    /// A new case that goes on where this one ended.
    ///
    /// # Errors
    /// [`CaseError::NotFinal`] while this one can still be worked on; [`CaseError::TimeBackwards`] when it begins before
    /// this one ended; [`CaseError::RefersToItself`] when it has the same id.
    pub fn follow_up(&self, id: CaseId, at: DateTime<Utc>) -> Result<Self, CaseError> {
        if !self.state.status.is_final() {
            return Err(CaseError::NotFinal { case: self.fields.id, status: self.state.status });
        }
        if id == self.fields.id {
            return Err(CaseError::RefersToItself { case: id });
        }
        let at = not_before("case.opened", at, self.state.last)?;
        let mut case = Self::open(id, self.fields.customer, self.fields.reason, at)?;
        case.fields.follow_up_of = Some(self.fields.id);
        Ok(case)
    }

    /// Adds what happened next.
    ///
    /// # Errors
    /// [`CaseError`]: the case is final, the move is not in the table, the event lies before the last one, a promise is
    /// made twice or was never made, an escalation is recorded twice, a text is too long, or there are 10,000 events.
    /// The case is then as it was.
    pub fn record(&mut self, mut event: CaseEvent) -> Result<(), CaseError> {
        let (case, status) = (self.fields.id, self.state.status);
        if status.is_final() {
            return Err(CaseError::Final { case, status });
        }
        if self.fields.events.len() >= MOST_EVENTS {
            return Err(ValidationError::new("case.events", "must be at most 10,000", MOST_EVENTS + 1).into());
        }
        event.at = not_before("case_event.at", event.at, self.state.last)?;
        self.apply(&mut event)?;
        self.state.last = event.at;
        self.fields.events.push(event);
        Ok(())
    }

    /// The fold: checks an event and brings the state up to it, or leaves the state alone.
    fn apply(&mut self, event: &mut CaseEvent) -> Result<(), CaseError> {
        let at = event.at;
        let state = &mut self.state;
        match &mut event.change {
            // A duplicate without its original would be a case that is lost.
            CaseChange::Moved(CaseStatus::Duplicate) => {
                let rule = "must be marked by `DuplicateOf`";
                return Err(ValidationError::new("case.status", rule, CaseStatus::Duplicate).into());
            }
            CaseChange::Moved(to) => {
                let to = *to;
                if !state.status.may_become(to) {
                    return Err(CaseError::IllegalMove { case: self.fields.id, from: state.status, to });
                }
                state.reopened += u32::from(to == CaseStatus::Reopened);
                state.status = to;
            }
            CaseChange::DuplicateOf(original) => {
                if *original == self.fields.id {
                    return Err(CaseError::RefersToItself { case: *original });
                }
                state.duplicate_of = Some(*original);
                state.status = CaseStatus::Duplicate;
            }
            CaseChange::Contact { .. } => {}
            CaseChange::Assigned(to) => state.assignee = Some(*to),
            CaseChange::UnderSla(level) => state.sla = Some(*level),
            CaseChange::Prioritised(to) => state.priority = *to,
            CaseChange::Graded(to) => state.severity = *to,
            CaseChange::Promised { promise, due } => {
                *due = not_before("promise.due", *due, at)?;
                if state.promises.iter().any(|made| made.promise == *promise && made.kept.is_none()) {
                    return Err(CaseError::PromiseIsOpen { promise: *promise });
                }
                state.promises.push(Promise { promise: *promise, made: at, due: *due, kept: None });
            }
            CaseChange::Kept(promise) => {
                let open =
                    state.promises.iter_mut().find(|made| made.promise == *promise && made.kept.is_none());
                open.ok_or(CaseError::NoOpenPromise { promise: *promise })?.kept = Some(at);
            }
            CaseChange::Told { fact, .. } => {
                if fact.expose().is_empty() || fact.expose().len() > LONGEST_FACT {
                    return Err(ValidationError::withheld("case.fact", "must be 1 to 4,096 bytes").into());
                }
            }
            CaseChange::Escalated { key, rule, level, .. } => {
                if !state.escalations.insert(*key) {
                    return Err(CaseError::EscalatedAlready { rule: *rule, level: *level });
                }
            }
        }
        Ok(())
    }

    /// Whether its history goes on from that of an earlier state.
    pub(super) fn continues(&self, earlier: &Self) -> bool {
        let began = |case: &Fields| (case.id, case.customer, case.reason, case.opened, case.follow_up_of);
        began(&self.fields) == began(&earlier.fields)
            && self.fields.events.starts_with(&earlier.fields.events)
    }

    /// The identity of the case.
    pub const fn id(&self) -> CaseId {
        self.fields.id
    }

    /// The customer it was opened for. Merging customers never rewrites it.
    pub const fn customer(&self) -> CustomerId {
        self.fields.customer
    }

    /// Why the customer came.
    pub const fn reason(&self) -> Tag {
        self.fields.reason
    }

    /// When it was opened.
    pub const fn opened(&self) -> DateTime<Utc> {
        self.fields.opened
    }

    /// The case it goes on from.
    pub const fn follow_up_of(&self) -> Option<CaseId> {
        self.fields.follow_up_of
    }

    /// Everything that happened, in order.
    pub fn events(&self) -> &[CaseEvent] {
        &self.fields.events
    }

    /// How many events there are. What a store compares is the version of the [`Matter`](super::Matter).
    pub fn version(&self) -> u64 {
        u64::try_from(self.fields.events.len()).unwrap_or(u64::MAX)
    }

    /// Where it stands.
    pub const fn status(&self) -> CaseStatus {
        self.state.status
    }

    /// The latest instant of its history.
    pub const fn last_at(&self) -> DateTime<Utc> {
        self.state.last
    }

    /// The round it is in: 1 at first, one more each time it is reopened.
    pub const fn cycle(&self) -> u32 {
        self.state.reopened + 1
    }

    /// How pressing it is.
    pub const fn priority(&self) -> Priority {
        self.state.priority
    }

    /// How bad it is.
    pub const fn severity(&self) -> Severity {
        self.state.severity
    }

    /// Who has it.
    pub const fn assignee(&self) -> Option<Tag> {
        self.state.assignee
    }

    /// The service level it is under; `None` where nobody said.
    pub const fn sla(&self) -> Option<Tag> {
        self.state.sla
    }

    /// The case it duplicates.
    pub const fn duplicate_of(&self) -> Option<CaseId> {
        self.state.duplicate_of
    }

    /// Everything that was promised, in order.
    pub fn promises(&self) -> &[Promise] {
        &self.state.promises
    }

    /// Whether an escalation of this key was recorded.
    pub fn has_escalated(&self, key: IdempotencyKey) -> bool {
        self.state.escalations.contains(&key)
    }

    /// The contacts of one direction: when each began.
    pub fn contacts(&self, of: Direction) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        self.fields.events.iter().filter_map(move |event| match event.change {
            CaseChange::Contact { direction, .. } if direction == of => Some(event.at),
            _ => None,
        })
    }

    /// The channels it went over.
    pub fn channels(&self) -> BTreeSet<Channel> {
        self.fields
            .events
            .iter()
            .filter_map(|event| match event.change {
                CaseChange::Contact { channel, .. } => Some(channel),
                _ => None,
            })
            .collect()
    }

    /// What the customer told, in order: when, about what, and what they said.
    pub fn told(&self) -> impl Iterator<Item = (DateTime<Utc>, Tag, &Pii<String>)> {
        self.fields.events.iter().filter_map(|event| match &event.change {
            CaseChange::Told { about, fact } => Some((event.at, *about, fact)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn case() -> Case {
        Case::open(CaseId::derive(&["1"]), CustomerId::derive(&["c"]), Tag::literal("billing"), at(0))
            .unwrap()
    }

    /// A case that was brought to a status by legal moves.
    fn case_in(status: CaseStatus) -> Case {
        use CaseStatus::*;
        let path: &[CaseStatus] = match status {
            New | Duplicate => &[],
            Open => &[Open],
            PendingCustomer => &[Open, PendingCustomer],
            OnHold => &[Open, OnHold],
            Solved => &[Open, Solved],
            Reopened => &[Open, Solved, Reopened],
            Closed => &[Open, Solved, Closed],
            Rejected => &[Rejected],
        };
        let mut case = case();
        for &step in path {
            case.record(CaseEvent::new(at(0), CaseChange::Moved(step))).unwrap();
        }
        if status == Duplicate {
            let original = CaseId::derive(&["2"]);
            case.record(CaseEvent::new(at(0), CaseChange::DuplicateOf(original))).unwrap();
        }
        assert_eq!(case.status(), status);
        case
    }

    #[test]
    fn every_pair_of_statuses_follows_the_table() {
        for &from in CaseStatus::ALL {
            for &to in CaseStatus::ALL {
                let mut case = case_in(from);
                let before = case.clone();
                let change = match to {
                    CaseStatus::Duplicate => CaseChange::DuplicateOf(CaseId::derive(&["2"])),
                    to => CaseChange::Moved(to),
                };
                let moved = case.record(CaseEvent::new(at(1), change));
                assert_eq!(moved.is_ok(), from.may_become(to), "{from} -> {to}");
                if from.is_final() {
                    assert_eq!(moved, Err(CaseError::Final { case: case.id(), status: from }));
                } else if moved.is_err() {
                    assert_eq!(moved, Err(CaseError::IllegalMove { case: case.id(), from, to }));
                }
                if moved.is_err() {
                    assert_eq!(case, before, "a refused event changes nothing");
                }
            }
        }
    }

    #[test]
    fn bad_histories_are_refused() {
        let mut case = case_in(CaseStatus::Open);
        let mut refuse = |hours, change| case.record(CaseEvent::new(at(hours), change)).unwrap_err();
        let promise = Tag::literal("refund");
        assert_eq!(
            refuse(-1, CaseChange::Kept(promise)),
            CaseError::TimeBackwards { at: at(-1), last: at(0) }
        );
        assert_eq!(refuse(1, CaseChange::Kept(promise)), CaseError::NoOpenPromise { promise });
        assert!(matches!(
            refuse(1, CaseChange::Promised { promise, due: at(0) }),
            CaseError::TimeBackwards { .. }
        ));
        let itself = CaseId::derive(&["1"]);
        assert_eq!(refuse(1, CaseChange::DuplicateOf(itself)), CaseError::RefersToItself { case: itself });
        assert!(matches!(refuse(1, CaseChange::Moved(CaseStatus::Duplicate)), CaseError::Invalid(_)));
        let told = refuse(1, CaseChange::Told { about: promise, fact: Pii::new("secret".repeat(700)) });
        assert!(!told.to_string().contains("secret"));
        assert!(matches!(case.follow_up(CaseId::derive(&["2"]), at(9)), Err(CaseError::NotFinal { .. })));
        let far = Case::open(itself, CustomerId::derive(&["c"]), promise, DateTime::<Utc>::MAX_UTC);
        assert!(matches!(far, Err(CaseError::Invalid(_))));
    }

    #[test]
    fn promises_and_escalations_are_kept_apart() {
        let mut case = case();
        let refund = Tag::literal("refund");
        let key = IdempotencyKey::derive(&["e"]);
        let escalated = CaseChange::Escalated { key, rule: refund, level: 1, to: Tag::literal("lead") };
        let promised = |due| CaseChange::Promised { promise: refund, due };
        let mut record = |hours, change| case.record(CaseEvent::new(at(hours), change));
        record(1, promised(at(5))).unwrap();
        assert_eq!(record(2, promised(at(9))), Err(CaseError::PromiseIsOpen { promise: refund }));
        record(6, CaseChange::Kept(refund)).unwrap();
        record(6, promised(at(9))).unwrap();
        record(6, escalated.clone()).unwrap();
        assert_eq!(record(7, escalated), Err(CaseError::EscalatedAlready { rule: refund, level: 1 }));
        let held = |as_of| case.promises().iter().map(|one| one.held(as_of)).collect::<Vec<_>>();
        assert_eq!(held(at(9)), [Some(false), None]);
        assert_eq!(held(at(10)), [Some(false), Some(false)]);
        assert!(case.has_escalated(key));
    }

    #[test]
    fn reading_a_stored_case_folds_it_again() {
        let mut case = case_in(CaseStatus::Reopened);
        let fact = Pii::new("SN 4711".to_owned());
        case.record(CaseEvent::new(at(3), CaseChange::Told { about: Tag::literal("serial"), fact })).unwrap();
        case.record(CaseEvent::new(at(3), CaseChange::Graded(Severity::Major)).by(Tag::literal("anna")))
            .unwrap();
        let json = serde_json::to_string(&case).unwrap();
        let read: Case = serde_json::from_str(&json).unwrap();
        assert_eq!(read, case);
        assert_eq!((read.cycle(), read.version(), read.severity()), (2, 5, Severity::Major));
        assert!(serde_json::from_str::<Case>(&json.replace("\"solved\"", "\"reopened\"")).is_err());
        assert!(!format!("{case:?}").contains("4711"));
    }
}
