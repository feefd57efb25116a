use super::schedule::{CaughtUp, key};
use super::{CatchUp, Occurrence, Recurrence, ReminderId, Schedule, TaskError};
use crate::customer::CustomerId;
use crate::interaction::Touchpoint;
use crate::key::IdempotencyKey;
use crate::notification::{Notification, Recipient};
use crate::period;
use crate::pii::Pii;
use crate::tag::Tag;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use crate::zone::ZoneRules;
use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

vocabulary! {
    /// Where a reminder stands.
    ///
    /// # Example
    /// ```
    /// use patronage::task::ReminderStatus;
    ///
    /// assert!(ReminderStatus::Ended.may_become(ReminderStatus::Snoozed));
    /// assert!(!ReminderStatus::Cancelled.may_become(ReminderStatus::Snoozed));
    /// ```
    "reminder.status" ReminderStatus {
        /// Fires by its schedule.
        Active = "active",
        /// Put off: silent until an instant, at which it fires once.
        Snoozed = "snoozed",
        /// Has fired for the last time; it can be put off once more.
        Ended = "ended",
        /// No longer wanted. Final.
        Cancelled = "cancelled",
    }
}

impl ReminderStatus {
    /// The statuses this one may turn into: active -> snoozed, ended, cancelled; snoozed -> active, snoozed (to another
    /// instant), ended, cancelled; ended -> snoozed, cancelled; cancelled -> none.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Active => &[Self::Snoozed, Self::Ended, Self::Cancelled],
            Self::Snoozed => &[Self::Active, Self::Snoozed, Self::Ended, Self::Cancelled],
            Self::Ended => &[Self::Snoozed, Self::Cancelled],
            Self::Cancelled => &[],
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

/// When a reminder fires.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReminderTime {
    /// Once, at an instant.
    Once(DateTime<Utc>),
    /// Again and again, by the wall clock of a zone. Its rules are looked up when they are needed, so that a change of
    /// the law reaches reminders that are stored already.
    Recurring {
        /// On which days.
        rule: Recurrence,
        /// The first day it may be, and the time of day.
        anchor: NaiveDateTime,
        /// The name of the zone.
        zone: String,
    },
}

/// What of a reminder is due.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReminderDue {
    /// What is to be told now, in order, each under the key of its occurrence.
    pub fire: Vec<Notification>,
    /// How many occurrences were missed or put off and are not told.
    pub skipped: u64,
    /// The reminder afterwards: store it in the change set that holds `fire`.
    pub next: Reminder,
    /// When to ask again; it has come already where the limit was reached. `None` where nothing comes any more.
    pub wake: Option<DateTime<Utc>>,
}

/// Tells somebody something at an instant, or again and again.
///
/// It remembers through when its occurrences were dealt with, so that none is lost while nothing runs and none fires
/// twice: what fires and how far it got are stored together.
///
/// # Putting it off
/// A snoozed reminder is silent until the snooze ends and fires once then. What it stands for is the latest occurrence
/// that fell due meanwhile, under the key of that occurrence, which has not been used; where none did, because the
/// reminder was put off after it fired, it has a key of its own. Later occurrences are as they were.
///
/// # Calling it off
/// A cancelled reminder fires no more. What it told last may still be on its way: [`told`](Self::told) holds the keys,
/// to be settled as [`Cancelled`](crate::notification::Settlement::Cancelled) in the same change set, which is refused
/// where one was delivered meanwhile: leave that one out
/// then. [`Desk::cancel_reminder`](crate::desk::Desk::cancel_reminder) does all of it.
///
/// # Example
/// ```
/// use chrono::{DateTime, Utc};
/// use patronage::Tag;
/// use patronage::notification::Recipient;
/// use patronage::task::{Reminder, ReminderId, ReminderStatus, Schedule};
///
/// let at = |text: &str| text.parse::<DateTime<Utc>>();
/// let mondays = Schedule::new("FREQ=WEEKLY;BYDAY=MO;COUNT=2".parse()?, "2026-03-02T09:00:00".parse()?, Utc)?;
/// let team = Recipient::Staff(Tag::literal("key_accounts"));
/// let call = Reminder::recurring(ReminderId::derive(&["call", "17"]), &mondays, team, Tag::literal("call"))?;
/// assert_eq!(call.wake(Utc)?, Some(at("2026-03-02T09:00:00Z")?));
///
/// let due = call.due(at("2026-03-02T09:00:30Z")?, Utc, 100)?;
/// assert_eq!((due.fire.len(), due.wake), (1, Some(at("2026-03-09T09:00:00Z")?)));
///
/// // Not now: on Tuesday. Next Monday stays as it is.
/// let later = due.next.snooze(at("2026-03-03T08:00:00Z")?)?;
/// let tuesday = later.due(at("2026-03-03T08:00:00Z")?, Utc, 100)?;
/// assert_ne!(tuesday.fire[0].key(), due.fire[0].key());
/// assert_eq!(tuesday.wake, Some(at("2026-03-09T09:00:00Z")?));
///
/// let last = tuesday.next.due(at("2026-03-09T09:00:00Z")?, Utc, 100)?;
/// assert_eq!((last.next.status(), last.wake), (ReminderStatus::Ended, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Reminder {
    fields: Fields,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Reminder")]
struct Fields {
    id: ReminderId,
    time: ReminderTime,
    to: Recipient,
    about: Tag,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    via: Option<Touchpoint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Pii<String>>,
    catch_up: CatchUp,
    status: ReminderStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    snoozed_until: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    through: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    told: Vec<IdempotencyKey>,
}

impl From<Reminder> for Fields {
    fn from(reminder: Reminder) -> Self {
        reminder.fields
    }
}

impl TryFrom<Fields> for Reminder {
    type Error = ValidationError;

    fn try_from(mut fields: Fields) -> Result<Self, ValidationError> {
        match &mut fields.time {
            ReminderTime::Once(at) => *at = period::instant("reminder.at", *at)?,
            ReminderTime::Recurring { anchor, zone, .. } => {
                if !(1..=9999).contains(&anchor.year()) {
                    let rule = "must lie within the years 1 to 9999";
                    return Err(ValidationError::new("reminder.anchor", rule, anchor));
                }
                if zone.is_empty() || zone.len() > 64 || !zone.is_ascii() {
                    let rule = "must be 1 to 64 ASCII characters";
                    return Err(ValidationError::new("reminder.zone", rule, zone));
                }
            }
        }
        for (field, at) in
            [("reminder.snoozed_until", &mut fields.snoozed_until), ("reminder.through", &mut fields.through)]
        {
            *at = at.map(|at| period::instant(field, at)).transpose()?;
        }
        if fields.snoozed_until.is_some() != (fields.status == ReminderStatus::Snoozed) {
            let rule = "must be given for a snoozed reminder, and for no other";
            return Err(ValidationError::new("reminder.snoozed_until", rule, fields.status));
        }
        if fields.text.as_ref().is_some_and(|text| text.expose().len() > 65_536) {
            return Err(ValidationError::withheld("reminder.text", "must be at most 64 KiB"));
        }
        Ok(Self { fields })
    }
}

/// One time a reminder fires: at its own instant, or later because it was put off.
#[derive(Clone, Copy)]
struct Firing {
    at: DateTime<Utc>,
    /// `None` where it was put off after it had fired.
    occurrence: Option<Occurrence>,
}

impl Reminder {
    /// Reminds somebody of something once, at an instant.
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999.
    pub fn once(
        id: ReminderId,
        at: DateTime<Utc>,
        to: Recipient,
        about: Tag,
    ) -> Result<Self, ValidationError> {
        Self::new(id, ReminderTime::Once(at), to, about)
    }

    /// Reminds somebody of something by a schedule, which has refused what never fires. Of its zone only the name is
    /// kept.
    ///
    /// # Errors
    /// [`ValidationError`] when the name of the zone is empty, longer than 64 characters or not ASCII.
    pub fn recurring(
        id: ReminderId,
        schedule: &Schedule,
        to: Recipient,
        about: Tag,
    ) -> Result<Self, ValidationError> {
        let (rule, anchor) = (schedule.rule().clone(), schedule.anchor());
        let time = ReminderTime::Recurring { rule, anchor, zone: schedule.zone().to_owned() };
        Self::new(id, time, to, about)
    }

    fn new(id: ReminderId, time: ReminderTime, to: Recipient, about: Tag) -> Result<Self, ValidationError> {
        Self::try_from(Fields {
            id,
            time,
            to,
            about,
            customer: None,
            via: None,
            text: None,
            catch_up: CatchUp::LatestOnly,
            status: ReminderStatus::Active,
            snoozed_until: None,
            through: None,
            told: Vec::new(),
        })
    }

    /// Names the customer it is about, where somebody else is told.
    #[must_use]
    pub fn for_customer(mut self, customer: CustomerId) -> Self {
        self.fields.customer = Some(customer);
        self
    }

    /// Asks for a touch point, for example e-mail.
    #[must_use]
    pub fn via(mut self, touchpoint: Touchpoint) -> Self {
        self.fields.via = Some(touchpoint);
        self
    }

    /// Sets the text, at most 64 KiB. It is treated as personal.
    ///
    /// # Errors
    /// [`ValidationError`], without the value.
    pub fn with_text(mut self, text: impl Into<String>) -> Result<Self, ValidationError> {
        self.fields.text = Some(Pii::new(text.into()));
        Self::try_from(self.fields)
    }

    /// Sets what becomes of occurrences that were missed while nothing ran. Only the latest fires if never set.
    #[must_use]
    pub fn catching_up(mut self, catch_up: CatchUp) -> Self {
        self.fields.catch_up = catch_up;
        self
    }

    /// The same reminder, put off: silent until an instant, at which it fires once.
    ///
    /// # Errors
    /// [`TaskError::IllegalMove`] when it is cancelled; [`TaskError::Invalid`] when the instant does not lie after what
    /// was dealt with, or outside the years 1 to 9999.
    pub fn snooze(&self, until: DateTime<Utc>) -> Result<Self, TaskError> {
        let until = period::instant("reminder.snoozed_until", until)?;
        if self.fields.through.is_some_and(|through| until <= through) {
            let rule = "must lie after what was dealt with";
            return Err(ValidationError::new("reminder.snoozed_until", rule, until).into());
        }
        let mut snoozed = self.moved_to(ReminderStatus::Snoozed)?;
        snoozed.fields.snoozed_until = Some(until);
        Ok(snoozed)
    }

    /// The same reminder for somebody else, from the next occurrence on.
    ///
    /// # Errors
    /// [`TaskError::Cancelled`] when it is cancelled.
    pub fn reassign(&self, to: Recipient) -> Result<Self, TaskError> {
        if self.fields.status.is_final() {
            return Err(TaskError::Cancelled { reminder: self.fields.id });
        }
        let mut reassigned = self.clone();
        reassigned.fields.to = to;
        Ok(reassigned)
    }

    /// The same reminder, called off.
    ///
    /// # Errors
    /// [`TaskError::IllegalMove`] when it is cancelled already.
    pub fn cancel(&self) -> Result<Self, TaskError> {
        self.moved_to(ReminderStatus::Cancelled)
    }

    fn moved_to(&self, to: ReminderStatus) -> Result<Self, TaskError> {
        let from = self.fields.status;
        if !from.may_become(to) {
            return Err(TaskError::IllegalMove { reminder: self.fields.id, from, to });
        }
        let mut moved = self.clone();
        moved.fields.status = to;
        moved.fields.snoozed_until = None;
        Ok(moved)
    }

    /// When it fires next; `None` where it does not any more.
    ///
    /// # Errors
    /// [`TaskError::ZoneMismatch`] when the rules are those of another zone; one that fires once needs none.
    pub fn wake(&self, zone: impl ZoneRules + 'static) -> Result<Option<DateTime<Utc>>, TaskError> {
        let schedule = self.schedule(zone)?;
        Ok(match self.fields.status {
            ReminderStatus::Active => {
                self.coming(schedule.as_ref(), self.fields.through).next().map(|one| one.at)
            }
            ReminderStatus::Snoozed => self.fields.snoozed_until,
            ReminderStatus::Ended | ReminderStatus::Cancelled => None,
        })
    }

    /// An instant before which nothing of it is due, without any rules of a zone; `None` where nothing comes any more.
    pub(crate) fn silent_until(&self) -> Option<DateTime<Utc>> {
        // No wall clock is further from UTC.
        let widest = chrono::TimeDelta::hours(16);
        let begins = match &self.fields.time {
            ReminderTime::Once(at) => *at,
            ReminderTime::Recurring { anchor, .. } => anchor.and_utc() - widest,
        };
        match self.fields.status {
            ReminderStatus::Active => Some(self.fields.through.map_or(begins, |through| through.max(begins))),
            ReminderStatus::Snoozed => self.fields.snoozed_until,
            ReminderStatus::Ended | ReminderStatus::Cancelled => None,
        }
    }

    /// What is due, what became of what was missed, and the reminder afterwards.
    ///
    /// # Arguments
    /// `now`: what is due by it fires; one that lies before what was dealt with (a clock that was put back) has nothing
    /// due and loses nothing. `zone`: the rules of the zone the reminder is stated in. `limit`: fire at most so many (at
    /// least 1); the rest comes with the next question.
    ///
    /// # Errors
    /// [`TaskError::ZoneMismatch`] when the rules are those of another zone; [`TaskError::Invalid`] when the instant lies
    /// outside the years 1 to 9999, or the limit is 0.
    pub fn due(
        &self,
        now: DateTime<Utc>,
        zone: impl ZoneRules + 'static,
        limit: usize,
    ) -> Result<ReminderDue, TaskError> {
        let now = period::instant("reminder.now", now)?;
        if limit == 0 {
            return Err(ValidationError::new("reminder.limit", "must be at least 1", limit).into());
        }
        let schedule = self.schedule(zone)?;
        let through = self.fields.through;
        let waits = self.fields.snoozed_until.filter(|until| now < *until);
        if waits.is_some() || matches!(self.fields.status, ReminderStatus::Ended | ReminderStatus::Cancelled)
        {
            return Ok(ReminderDue { fire: Vec::new(), skipped: 0, next: self.clone(), wake: waits });
        }
        // A snooze gathers what fell due in it into one firing at its end.
        let (mut gathered, mut put_off) = (0, None);
        if let Some(until) = self.fields.snoozed_until {
            let within = self.coming(schedule.as_ref(), through).take_while(|one| one.at <= until);
            let (count, latest) = within.fold((0_u64, None), |(count, _), one| (count + 1, Some(one)));
            gathered = count.saturating_sub(1);
            put_off = Some(Firing { at: until, occurrence: latest });
        }
        let after = through.max(self.fields.snoozed_until);
        let firing = |one: Occurrence| Firing { at: one.at, occurrence: Some(one) };
        let coming = put_off.into_iter().chain(self.coming(schedule.as_ref(), after).map(firing));
        let reached = through.map_or(now, |through| through.max(now));
        let CaughtUp { fire, skipped, through, next: coming } =
            self.fields.catch_up.apply(coming, |one| one.at, (now, reached), limit);
        let fire = fire.iter().map(|one| self.notification(*one)).collect::<Result<Vec<_>, _>>()?;

        let mut next = self.clone();
        next.fields.through = Some(through);
        next.fields.snoozed_until = None;
        next.fields.status = if coming.is_some() { ReminderStatus::Active } else { ReminderStatus::Ended };
        if !fire.is_empty() {
            next.fields.told = fire.iter().map(Notification::key).collect();
        }
        Ok(ReminderDue { fire, skipped: skipped + gathered, next, wake: coming.map(|one| one.at) })
    }

    fn notification(&self, firing: Firing) -> Result<Notification, ValidationError> {
        let Fields { id, to, via, about, .. } = self.fields;
        let key = match firing.occurrence {
            Some(occurrence) => occurrence.key(*id.as_uuid(), to, via),
            None => key("snooze", *id.as_uuid(), &firing.at.to_rfc3339(), to, via),
        };
        let mut told = Notification::new(key, to, about, firing.at)?;
        if let Some(via) = via {
            told = told.via(via);
        }
        match &self.fields.text {
            Some(text) => told.with_text(text.expose().clone()),
            None => Ok(told),
        }
    }

    /// The schedule by the rules of its zone; `None` for one that fires once.
    fn schedule(&self, zone: impl ZoneRules + 'static) -> Result<Option<Schedule>, TaskError> {
        match &self.fields.time {
            ReminderTime::Once(_) => Ok(None),
            ReminderTime::Recurring { rule, anchor, zone: stated } if stated == zone.name() => {
                Ok(Some(Schedule::unchecked(rule.clone(), *anchor, Arc::new(zone))))
            }
            ReminderTime::Recurring { zone: stated, .. } => {
                Err(TaskError::ZoneMismatch { stated: stated.clone(), given: zone.name().to_owned() })
            }
        }
    }

    /// The occurrences after an instant, whatever the status.
    fn coming<'a>(
        &self,
        schedule: Option<&'a Schedule>,
        after: Option<DateTime<Utc>>,
    ) -> impl Iterator<Item = Occurrence> + use<'a> {
        let after = after.unwrap_or(DateTime::<Utc>::MIN_UTC);
        let once = match self.fields.time {
            ReminderTime::Once(at) if at > after => Some(Occurrence { at, local: at.naive_utc() }),
            _ => None,
        };
        let recurring = schedule.map(|schedule| schedule.occurrences_after(after));
        once.into_iter().chain(recurring.into_iter().flatten())
    }

    /// Whether it may be stored where another state of it is: the schedule is the same, the status moves by its table,
    /// and what was dealt with stays so.
    ///
    /// # Errors
    /// [`ValidationError`] naming the rule.
    pub(crate) fn continues(&self, earlier: &Self) -> Result<(), ValidationError> {
        let (from, to) = (earlier.fields.status, self.fields.status);
        let shown = format!("{from} -> {to}");
        if (from != to && !from.may_become(to)) || (from.is_final() && self != earlier) {
            return Err(ValidationError::new("reminder.status", "must be a legal move", shown));
        }
        if self.fields.time != earlier.fields.time {
            return Err(ValidationError::new("reminder.time", "must stay as it is", shown));
        }
        if self.fields.through < earlier.fields.through {
            return Err(ValidationError::new("reminder.through", "must not go back", shown));
        }
        Ok(())
    }

    /// The identity of the reminder.
    pub const fn id(&self) -> ReminderId {
        self.fields.id
    }

    /// When it fires.
    pub const fn time(&self) -> &ReminderTime {
        &self.fields.time
    }

    /// The name of the zone whose rules it needs; `None` for one that fires once.
    pub fn zone(&self) -> Option<&str> {
        match &self.fields.time {
            ReminderTime::Once(_) => None,
            ReminderTime::Recurring { zone, .. } => Some(zone),
        }
    }

    /// Who is told.
    pub const fn to(&self) -> Recipient {
        self.fields.to
    }

    /// What it is about.
    pub const fn about(&self) -> Tag {
        self.fields.about
    }

    /// The customer it is about, or who is told.
    pub const fn customer(&self) -> Option<CustomerId> {
        match (self.fields.customer, self.fields.to) {
            (Some(customer), _) | (None, Recipient::Customer(customer)) => Some(customer),
            (None, Recipient::Staff(_)) => None,
        }
    }

    /// The touch point asked for.
    pub const fn touchpoint(&self) -> Option<Touchpoint> {
        self.fields.via
    }

    /// The text.
    pub const fn text(&self) -> Option<&Pii<String>> {
        self.fields.text.as_ref()
    }

    /// What becomes of occurrences that were missed.
    pub const fn catch_up(&self) -> CatchUp {
        self.fields.catch_up
    }

    /// Where it stands.
    pub const fn status(&self) -> ReminderStatus {
        self.fields.status
    }

    /// Until when it is put off.
    pub const fn snoozed_until(&self) -> Option<DateTime<Utc>> {
        self.fields.snoozed_until
    }

    /// Everything up to this instant was dealt with; `None` where nothing was yet.
    pub const fn through(&self) -> Option<DateTime<Utc>> {
        self.fields.through
    }

    /// The keys of what it told last.
    pub fn told(&self) -> &[IdempotencyKey] {
        &self.fields.told
    }
}

#[cfg(test)]
mod tests;
