use super::sla_report::{SlaReport, SlaState, sla_report};
use super::wait_offer::first_slot;
use super::{ServiceError, ServiceRules, WaitPolicy, escalations, recovery_clocks};
use crate::because::Because;
use crate::case::{CallBack, CallBackChange, CallBackStatus, Case, Matter, MatterId, MatterKind, Recovery};
use crate::interaction::Interaction;
use crate::key::IdempotencyKey;
use crate::notification::{Notification, Recipient};
use crate::period;
use crate::tag::Tag;
use crate::task::Reminder;
use chrono::{DateTime, TimeDelta, Utc};

/// At most so many occurrences of a reminder fire in one change set; the rest follows in the next.
const MOST_OCCURRENCES: usize = 100;
/// How long after the end of its slot a call may last before it is taken for one that reached nobody.
const LONGEST_CALL: TimeDelta = TimeDelta::hours(1);
/// The smallest step of time.
const TICK: TimeDelta = TimeDelta::microseconds(1);

/// What looking at a matter comes to: commit all of it in one change set, or nothing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Attention {
    /// The matter afterwards: with what happened of itself, and when to look again.
    pub matter: Matter,
    /// Who is told what, each under a key of its own.
    pub tell: Vec<Notification>,
}

/// Looks at a matter: what has happened of itself by now, who is to be told, and when to look again.
///
/// | matter | what it comes to |
/// |---|---|
/// | reminder | due occurrences are told |
/// | case | escalations are recorded and told, each once for its rule, level and cycle; promises that are overdue are told |
/// | call-back | the team is told when the slot begins; where nobody called in it, or nobody answered, the next slot follows, or the call-back is closed and the team is told; offers expire |
/// | recovery | the team is told of every step that is overdue |
///
/// Nothing depends on looking in time: whoever looks late finds what was missed. Looking again tells nothing twice: what
/// was told before is told under the same key.
///
/// # Arguments
/// `contacts`: interactions with the customer of a case, in any order, as far back as
/// [`ServiceRules::looks_back`] says; those for the same reason count as repeat contacts.
///
/// # Errors
/// [`ServiceError::TimeBackwards`] when `now` lies before the latest event; [`ServiceError::UnknownLevel`],
/// [`ServiceError::UnknownZone`] when the rules do not know what the matter names; [`ServiceError::Case`] when the history
/// is full; [`ServiceError::Invalid`] when `now` lies outside the years 1 to 9999.
///
/// # Example
/// ```
/// use chrono::{DateTime, Utc};
/// use patronage::case::{CallBack, CallBackChange, CallBackId, Matter};
/// use patronage::customer::CustomerId;
/// use patronage::service::{ServiceRules, attend};
/// use patronage::{Period, Tag};
///
/// let at = |text: &str| text.parse::<DateTime<Utc>>();
/// let (offered, slot) = (at("2026-03-02T09:00:00Z")?, Period::new(at("2026-03-02T10:00:00Z")?, at("2026-03-02T10:30:00Z")?)?);
/// let customer = CustomerId::derive(&["shop", "17"]);
/// let mut call = CallBack::offer(CallBackId::derive(&["1"]), customer, Tag::literal("billing"), offered, 1)?;
/// call.record(offered, CallBackChange::Accepted(slot))?;
///
/// let rules = ServiceRules::new(Tag::literal("service_desk"));
/// let waiting = attend(&Matter::new(call), offered, &[], &rules)?;
/// assert_eq!((waiting.tell.len(), waiting.matter.wake()), (0, Some(slot.start())));
/// let now = attend(&waiting.matter, slot.start(), &[], &rules)?;
/// assert_eq!((now.tell.len(), now.matter.wake()), (1, Some(slot.end())));
/// // Nobody called: the customer is called in a later slot.
/// let missed = attend(&now.matter, slot.end(), &[], &rules)?;
/// assert_eq!(missed.matter.status(), "accepted");
/// assert_eq!(missed.matter.wake(), Some(at("2026-03-02T11:30:00Z")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn attend(
    matter: &Matter,
    now: DateTime<Utc>,
    contacts: &[Interaction],
    rules: &ServiceRules,
) -> Result<Attention, ServiceError> {
    let now = period::instant("attend.now", now)?;
    let look = Look { id: matter.id(), now, rules, tell: Vec::new() };
    let (kind, wake, tell) = match matter.kind() {
        MatterKind::Case(case) => look.case(case.clone(), contacts)?,
        MatterKind::CallBack(call) => look.call_back(call.clone())?,
        MatterKind::Recovery(recovery) => look.recovery(recovery)?,
        MatterKind::Reminder(reminder) => look.reminder(reminder)?,
    };
    // A reminder goes on from what it told; anything else that came again at once would keep a worker for ever.
    let again = if matches!(kind, MatterKind::Reminder(_)) { now } else { later(now, TICK) };
    let wake = wake.map(|wake| wake.max(again));
    Ok(Attention { matter: matter.changed(kind).waking(wake)?, tell })
}

/// When somebody has to look at a matter: at once where something is due, else when time alone brings the next thing.
/// `None` where only events can bring anything.
///
/// Set it where a matter is stored after a change ([`Matter::waking`]). A matter without it wakes at once and costs one
/// change set more.
///
/// # Errors
/// As [`attend`].
pub fn next_wake(
    matter: &Matter,
    as_of: DateTime<Utc>,
    contacts: &[Interaction],
    rules: &ServiceRules,
) -> Result<Option<DateTime<Utc>>, ServiceError> {
    let attention = attend(matter, as_of, contacts, rules)?;
    let is_due = !attention.tell.is_empty() || attention.matter.status() != matter.status();
    Ok(if is_due { Some(as_of) } else { attention.matter.wake() })
}

/// Somebody who looks at a matter.
struct Look<'a> {
    id: MatterId,
    now: DateTime<Utc>,
    rules: &'a ServiceRules,
    tell: Vec<Notification>,
}

type Seen = (MatterKind, Option<DateTime<Utc>>, Vec<Notification>);

impl Look<'_> {
    /// Tells somebody of the company. The key names the matter, what happened (and when) and who is told.
    fn tell(
        &mut self,
        to: Tag,
        about: Tag,
        due: DateTime<Utc>,
        because: Option<Because>,
    ) -> Result<(), ServiceError> {
        let (kind, id) = (self.id.kind(), self.id.as_uuid().to_string());
        let why = because.map(|because| because.by());
        let why = why.as_ref().map_or("", Tag::as_str);
        let parts = ["matter", kind, &id, about.as_str(), why, &due.to_rfc3339(), to.as_str()];
        self.tell_as(IdempotencyKey::derive(&parts), to, about, due, because)
    }

    fn tell_as(
        &mut self,
        key: IdempotencyKey,
        to: Tag,
        about: Tag,
        due: DateTime<Utc>,
        because: Option<Because>,
    ) -> Result<(), ServiceError> {
        let mut told =
            Notification::new(key, Recipient::Staff(to), about, due)?.with_text(self.id.to_string())?;
        if let Some(because) = because {
            told = told.because(because);
        }
        self.tell.push(told);
        Ok(())
    }

    fn reminder(self, reminder: &Reminder) -> Result<Seen, ServiceError> {
        let zone = self.rules.zone(reminder.zone().unwrap_or("UTC"))?;
        let due = reminder.due(self.now, zone, MOST_OCCURRENCES)?;
        Ok((due.next.into(), due.wake, due.fire))
    }

    fn case(mut self, mut case: Case, contacts: &[Interaction]) -> Result<Seen, ServiceError> {
        if case.status().is_final() {
            return Ok((case.into(), None, self.tell));
        }
        let level = self.rules.level(case.sla())?;
        let report = match (level, self.rules.calendar()) {
            (Some(level), Some(calendar)) => sla_report(level, calendar, &case, self.now)?,
            _ if self.now < case.last_at() => {
                return Err(ServiceError::TimeBackwards { from: case.last_at(), to: self.now });
            }
            _ => SlaReport { policy: self.rules.team(), as_of: self.now, runs: Vec::new() },
        };
        let found = escalations(&case, &report, contacts, self.rules.escalations());
        for escalation in &found.fire {
            case.record(escalation.event(self.now))?;
            let (to, because) = (escalation.to, Some(escalation.because));
            self.tell_as(escalation.key, to, Tag::literal("escalation"), self.now, because)?;
        }
        let owner = case.assignee().unwrap_or(self.rules.team());
        let mut wake = found.next_check;
        for promise in case.promises().iter().filter(|promise| promise.kept.is_none()) {
            let overdue = promise.due + TICK;
            if overdue <= self.now {
                let because = Some(Because::rule(promise.promise));
                self.tell(owner, Tag::literal("promise_overdue"), promise.due, because)?;
            } else {
                wake = Some(wake.map_or(overdue, |wake| wake.min(overdue)));
            }
        }
        Ok((case.into(), wake, self.tell))
    }

    fn call_back(mut self, mut call: CallBack) -> Result<Seen, ServiceError> {
        let (now, team) = (self.now, self.rules.team());
        if call.status() == CallBackStatus::Offered {
            let until = later(call.last_at(), self.rules.offer_lasts());
            if now < until {
                return Ok((call.into(), Some(until), self.tell));
            }
            call.record(now, CallBackChange::Expired)?;
        }
        let Some(slot) = call.slot() else { return Ok((call.into(), None, self.tell)) };
        if call.status() == CallBackStatus::Accepted {
            if now < slot.end() {
                let begun = slot.start() <= now;
                if begun {
                    self.tell(team, Tag::literal("call_back_due"), slot.start(), None)?;
                }
                let wake = if begun { slot.end() } else { slot.start() };
                return Ok((call.into(), Some(wake), self.tell));
            }
            call.record(now, CallBackChange::Missed)?;
            self.tell(team, Tag::literal("call_back_missed"), slot.end(), None)?;
        }
        if call.status() == CallBackStatus::Dialing {
            let until = later(slot.end().max(call.last_at()), LONGEST_CALL);
            if now < until {
                return Ok((call.into(), Some(until), self.tell));
            }
            call.record(now, CallBackChange::NoAnswer)?;
        }
        if matches!(call.status(), CallBackStatus::Missed | CallBackStatus::NoAnswer) {
            let seconds = |time: TimeDelta| u32::try_from(time.num_seconds()).unwrap_or(u32::MAX);
            let lead = seconds(self.rules.call_again_after());
            let length = seconds(slot.length()).clamp(60, 86_400);
            let policy = WaitPolicy::new(0, length, 1)?.with_lead(lead);
            let next =
                first_slot(now, self.rules.calendar(), &[], &policy).filter(|_| call.retries_left() > 0);
            if let Some(next) = next {
                call.record(now, CallBackChange::Accepted(next))?;
                return Ok((call.into(), Some(next.start()), self.tell));
            }
            call.record(now, CallBackChange::Closed)?;
            self.tell(team, Tag::literal("call_back_given_up"), slot.end(), None)?;
        }
        Ok((call.into(), None, self.tell))
    }

    fn recovery(mut self, recovery: &Recovery) -> Result<Seen, ServiceError> {
        let mut wake = None;
        if let (Some(policy), Some(calendar)) = (self.rules.recovery(), self.rules.calendar())
            && !recovery.step().next().is_empty()
        {
            let clocks = recovery_clocks(policy, calendar, recovery, self.now)?;
            if let Some(clock) = clocks.last().filter(|clock| clock.taken.is_none())
                && let Some(due) = clock.due
            {
                if clock.state == SlaState::Missed {
                    let because = Some(Because::rule(Tag::new(clock.step.as_str())?));
                    self.tell(self.rules.team(), Tag::literal("recovery_overdue"), due, because)?;
                } else {
                    wake = Some(due + TICK);
                }
            }
        }
        Ok((recovery.clone().into(), wake, self.tell))
    }
}

/// An instant that a store takes, however far ahead it is.
fn later(at: DateTime<Utc>, time: TimeDelta) -> DateTime<Utc> {
    let last = DateTime::from_timestamp_micros(253_402_300_799_999_999).unwrap_or(at);
    at.checked_add_signed(time).map_or(last, |later| later.min(last))
}

#[cfg(test)]
mod tests;
