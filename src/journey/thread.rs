use super::contacts::{Apart, ContactTally};
use super::error::{backwards, shared};
use super::graph::between;
use super::{JourneyError, micros};
use crate::customer::CustomerId;
use crate::interaction::{Channel, Direction, Interaction, InteractionId, Link, Outcome};
use crate::measure::Share;
use crate::tag::Tag;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, btree_map::Entry};
use uuid::Uuid;

/// From when the window of a thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowFrom {
    /// From the contact before: a thread lives on as long as the customer keeps coming.
    PreviousContact,
    /// From the first contact: later ones begin a new thread.
    FirstContact,
}

/// What makes two contacts the same matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadScope {
    /// The same customer for the same reason. Interactions without a reason belong to no thread and are counted apart.
    SameReason,
    /// The same customer, whatever the reason.
    AnyReason,
}

/// What counts as one matter, and as one contact: the definition that every number from threads carries.
///
/// # Example
/// ```
/// use chrono::TimeDelta;
/// use patronage::journey::{ThreadRules, WindowFrom};
///
/// let rules = ThreadRules::default();
/// assert_eq!((rules.window(), rules.window_from()), (TimeDelta::days(7), WindowFrom::PreviousContact));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RuleFields", into = "RuleFields")]
pub struct ThreadRules {
    window: TimeDelta,
    from: WindowFrom,
    scope: ThreadScope,
    one_contact_within: TimeDelta,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "ThreadRules", default, deny_unknown_fields)]
struct RuleFields {
    #[serde(rename = "window_us", with = "micros")]
    window: TimeDelta,
    window_from: WindowFrom,
    scope: ThreadScope,
    #[serde(rename = "one_contact_within_us", with = "micros")]
    one_contact_within: TimeDelta,
}

impl Default for RuleFields {
    fn default() -> Self {
        ThreadRules::default().into()
    }
}

impl From<ThreadRules> for RuleFields {
    fn from(rules: ThreadRules) -> Self {
        let ThreadRules { window, from, scope, one_contact_within } = rules;
        Self { window, window_from: from, scope, one_contact_within }
    }
}

impl TryFrom<RuleFields> for ThreadRules {
    type Error = JourneyError;

    fn try_from(fields: RuleFields) -> Result<Self, JourneyError> {
        Self::default()
            .with_window(fields.window)?
            .with_window_from(fields.window_from)
            .with_scope(fields.scope)
            .with_one_contact_within(fields.one_contact_within)
    }
}

impl Default for ThreadRules {
    /// The same reason, seven days from the contact before, every interaction a contact of its own.
    fn default() -> Self {
        Self {
            window: TimeDelta::days(7),
            from: WindowFrom::PreviousContact,
            scope: ThreadScope::SameReason,
            one_contact_within: TimeDelta::zero(),
        }
    }
}

impl ThreadRules {
    /// Sets how long after a contact another one is the same matter; a contact exactly so long after still is.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] when it is not positive, or longer than ten years.
    pub fn with_window(self, window: TimeDelta) -> Result<Self, JourneyError> {
        if window <= TimeDelta::zero() || window > TimeDelta::days(3_653) {
            return Err(JourneyError::Setting {
                setting: "window",
                rule: "must be positive and at most ten years",
            });
        }
        Ok(Self { window, ..self })
    }

    /// Sets from when the window runs.
    #[must_use]
    pub const fn with_window_from(self, from: WindowFrom) -> Self {
        Self { from, ..self }
    }

    /// Sets what makes two contacts the same matter.
    #[must_use]
    pub const fn with_scope(self, scope: ThreadScope) -> Self {
        Self { scope, ..self }
    }

    /// Takes contacts by the same channel that begin at most so long after the one before as the same contact: a call
    /// cut off, a transfer recorded twice.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] when it is negative or as long as the window.
    pub fn with_one_contact_within(self, within: TimeDelta) -> Result<Self, JourneyError> {
        if within < TimeDelta::zero() || within >= self.window {
            let rule = "must not be negative, and shorter than the window";
            return Err(JourneyError::Setting { setting: "one_contact_within", rule });
        }
        Ok(Self { one_contact_within: within, ..self })
    }

    /// How long after a contact another one is the same matter.
    pub const fn window(&self) -> TimeDelta {
        self.window
    }

    /// From when the window runs.
    pub const fn window_from(&self) -> WindowFrom {
        self.from
    }

    /// What makes two contacts the same matter.
    pub const fn scope(&self) -> ThreadScope {
        self.scope
    }
}

/// One matter of one customer, across channels: every interaction about it, summed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Thread {
    /// The customer.
    pub customer: CustomerId,
    /// The reason; `None` where any reason counts.
    pub reason: Option<Tag>,
    /// When the customer first came.
    pub first: DateTime<Utc>,
    /// When the customer last came.
    pub last: DateTime<Utc>,
    /// How often the customer came (inbound; what the company began is no contact).
    pub contacts: u32,
    /// How often the customer came by another channel than before.
    pub switches: u32,
    /// Of the switches, those whose interaction is linked to an earlier one or to a case of the thread: carried over.
    pub carried_over: u32,
    /// Of the switches, those that link to other interactions or cases only: the customer had to start again. What
    /// links to none is neither: it is not known.
    pub started_again: u32,
    /// How often the customer was handed on.
    pub transfers: u32,
    /// How often a contact was served by someone else than the one before, both known.
    pub other_agents: u32,
    /// Seconds waited, where known.
    pub waited_ms: u64,
    /// Of how many interactions the wait is known.
    pub known_waits: u32,
    /// How many interactions were escalated.
    pub escalated: u32,
    /// How many the customer gave up.
    pub abandoned: u32,
    /// How many questions stayed unanswered.
    pub unanswered: u32,
    /// How many complaints.
    pub complaints: u32,
    /// How it ended, as far as is known: the outcome of the last interaction that has one.
    pub outcome: Option<Outcome>,
    #[serde(skip)]
    channel: Channel,
    #[serde(skip)]
    served_by: Option<Tag>,
    #[serde(skip)]
    ease_units: u32,
    #[serde(skip)]
    eases: u32,
    #[serde(skip)]
    interactions: Vec<InteractionId>,
    #[serde(skip)]
    cases: Vec<Uuid>,
}

/// How many of its latest interactions and cases a thread remembers, to know what later ones are linked to.
const REMEMBERED: usize = 64;

impl Thread {
    fn new(one: &Interaction, scope: ThreadScope) -> Self {
        Self {
            customer: one.customer(),
            reason: one.reason().filter(|_| scope == ThreadScope::SameReason),
            first: one.at(),
            last: one.at(),
            contacts: 0,
            switches: 0,
            carried_over: 0,
            started_again: 0,
            transfers: 0,
            other_agents: 0,
            waited_ms: 0,
            known_waits: 0,
            escalated: 0,
            abandoned: 0,
            unanswered: 0,
            complaints: 0,
            outcome: None,
            channel: one.channel(),
            served_by: None,
            ease_units: 0,
            eases: 0,
            interactions: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// Whether the matter is settled: its last known outcome is that it was resolved or the customer bought.
    /// `None` where no outcome is known.
    pub fn resolved(&self) -> Option<bool> {
        self.outcome.map(|outcome| matches!(outcome, Outcome::Resolved | Outcome::Sale))
    }

    /// The mean ease the customer said, from 0 (hardest) to 1 (easiest), where any was said: what
    /// [`effort`](Self::effort) can be held against.
    pub fn ease(&self) -> Option<Share> {
        let whole = u64::from(self.eases) * u64::from(super::EASE_UNITS);
        Share::of(u64::from(self.ease_units), whole).ok().flatten()
    }

    /// Whether enough time has passed to know that the customer did not come again.
    pub fn is_mature(&self, rules: &ThreadRules, as_of: DateTime<Utc>) -> bool {
        as_of.signed_duration_since(self.since(rules)) >= rules.window
    }

    fn since(&self, rules: &ThreadRules) -> DateTime<Utc> {
        match rules.from {
            WindowFrom::PreviousContact => self.last,
            WindowFrom::FirstContact => self.first,
        }
    }

    fn add(&mut self, one: &Interaction, rules: &ThreadRules) {
        if one.direction() == Direction::Inbound {
            let again = self.contacts > 0;
            let pause = one.at().signed_duration_since(self.last);
            let same = again
                && one.channel() == self.channel
                && pause <= rules.one_contact_within
                && rules.one_contact_within > TimeDelta::zero();
            if !same {
                self.contacts = self.contacts.saturating_add(1);
            }
            if again && one.channel() != self.channel {
                self.switches = self.switches.saturating_add(1);
                self.follow(one);
            }
            if again && !same && one.served_by().is_some() && self.served_by.is_some() {
                let other = one.served_by() != self.served_by;
                self.other_agents = self.other_agents.saturating_add(u32::from(other));
            }
            self.channel = one.channel();
            self.served_by = one.served_by().or(self.served_by);
            self.last = one.at();
        }
        self.transfers = self.transfers.saturating_add(one.transfers().into());
        if let Some(wait) = one.wait() {
            self.waited_ms =
                self.waited_ms.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
            self.known_waits = self.known_waits.saturating_add(1);
        }
        let is = |outcome| u32::from(one.outcome() == Some(outcome));
        let escalated = u32::from(one.escalated_to().is_some()).max(is(Outcome::Escalated));
        self.escalated = self.escalated.saturating_add(escalated);
        self.abandoned = self.abandoned.saturating_add(is(Outcome::Abandoned));
        self.unanswered = self.unanswered.saturating_add(is(Outcome::Unanswered));
        self.complaints = self.complaints.saturating_add(is(Outcome::Complaint));
        self.outcome = one.outcome().or(self.outcome);
        if let Some(effort) = one.effort() {
            self.eases = self.eases.saturating_add(1);
            self.ease_units = self.ease_units.saturating_add(super::ease_units(effort));
        }
        self.interactions.push(one.id());
        self.cases.extend(
            one.links().iter().filter_map(|link| if let Link::Case(id) = link { Some(*id) } else { None }),
        );
        forget(&mut self.interactions);
        forget(&mut self.cases);
    }

    /// Whether a contact by another channel was linked to what went before.
    fn follow(&mut self, one: &Interaction) {
        let mut told = false;
        for link in one.links() {
            let carried = match link {
                Link::Interaction(id) => self.interactions.contains(id),
                Link::Case(id) => self.cases.contains(id),
                _ => continue,
            };
            told = true;
            if carried {
                self.carried_over = self.carried_over.saturating_add(1);
                return;
            }
        }
        self.started_again = self.started_again.saturating_add(u32::from(told));
    }
}

/// Keeps the latest.
fn forget<T>(all: &mut Vec<T>) {
    if all.len() > 2 * REMEMBERED {
        all.drain(..all.len() - REMEMBERED);
    }
}

/// Follows matters as interactions come in, of all customers mixed, and tallies those that are over.
///
/// Interactions about one matter must come in order of time.
///
/// # Cost
/// O(log of open matters) an interaction. One entry for each matter whose window may still be open; matters that no
/// further contact has ended stay until [`close`](Self::close).
///
/// # Example
/// ```
/// use chrono::{TimeDelta, TimeZone, Utc};
/// use patronage::Tag;
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{Direction, Interaction, InteractionId, Outcome};
/// use patronage::journey::{ThreadBuilder, ThreadRules};
///
/// let call = |day: u32, outcome| {
///     Interaction::builder(
///         InteractionId::derive(&["call", &day.to_string()]),
///         CustomerId::derive(&["ann"]),
///         Utc.with_ymd_and_hms(2026, 3, day, 10, 0, 0).unwrap(),
///     )
///     .direction(Direction::Inbound)
///     .reason(Tag::literal("wrong_invoice"))
///     .outcome(outcome)
///     .build()
/// };
/// let mut builder = ThreadBuilder::new(ThreadRules::default());
/// for interaction in [call(1, Outcome::FollowUp)?, call(4, Outcome::Resolved)?, call(20, Outcome::Resolved)?] {
///     builder.push(&interaction)?;
/// }
/// let report = builder.contacts(Utc.with_ymd_and_hms(2026, 4, 1, 0, 0, 0).unwrap());
/// assert_eq!((report.threads(), report.mature(), report.repeats()), (2, 2, 1));
/// let fcr = report.first_contact_resolution(patronage::Share::new(0.95)?);
/// assert_eq!(fcr.map(|share| share.value()), Some(0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadBuilder {
    rules: ThreadRules,
    open: BTreeMap<(CustomerId, Option<Tag>), (Thread, DateTime<Utc>)>,
    over: ContactTally,
    apart: Apart,
    /// The latest instant at which matters were ended.
    closed: Option<DateTime<Utc>>,
}

impl ThreadBuilder {
    /// No interactions yet.
    pub fn new(rules: ThreadRules) -> Self {
        Self {
            rules,
            open: BTreeMap::new(),
            over: ContactTally::default(),
            apart: Apart::default(),
            closed: None,
        }
    }

    /// The definition in use.
    pub const fn rules(&self) -> &ThreadRules {
        &self.rules
    }

    /// Follows an interaction; returns the thread that it shows to be over, if any.
    ///
    /// What the company began (outbound or internal) belongs to a matter that is open, counts no contact, and opens
    /// none.
    ///
    /// # Errors
    /// [`JourneyError::TimeGoesBackwards`] when the matter's interaction before is later; [`JourneyError::AlreadyClosed`]
    /// for an interaction at or before the instant of [`close`](Self::close). Nothing changes then.
    pub fn push(&mut self, one: &Interaction) -> Result<Option<Thread>, JourneyError> {
        if let Some(closed) = self.closed.filter(|&closed| one.at() <= closed) {
            let (closed, at) = (closed.timestamp_micros(), one.at().timestamp_micros());
            return Err(JourneyError::AlreadyClosed { customer: one.customer().into(), closed, at });
        }
        if self.rules.scope == ThreadScope::SameReason && one.reason().is_none() {
            self.apart.without_reason += 1;
            return Ok(None);
        }
        let reason = one.reason().filter(|_| self.rules.scope == ThreadScope::SameReason);
        let inbound = one.direction() == Direction::Inbound;
        match self.open.entry((one.customer(), reason)) {
            Entry::Vacant(_) if !inbound => {
                self.apart.without_contact += 1;
                Ok(None)
            }
            Entry::Vacant(entry) => {
                let mut thread = Thread::new(one, self.rules.scope);
                thread.add(one, &self.rules);
                entry.insert((thread, one.at()));
                Ok(None)
            }
            Entry::Occupied(mut entry) => {
                let (thread, latest) = entry.get_mut();
                if *latest > one.at() {
                    let (previous, at) = (latest.timestamp_micros(), one.at().timestamp_micros());
                    return Err(backwards(one.customer(), previous, at));
                }
                self.apart.ties += u64::from(*latest == one.at());
                *latest = one.at();
                if one.at().signed_duration_since(thread.since(&self.rules)) <= self.rules.window {
                    thread.add(one, &self.rules);
                    return Ok(None);
                }
                let over = if inbound {
                    let mut next = Thread::new(one, self.rules.scope);
                    next.add(one, &self.rules);
                    std::mem::replace(thread, next)
                } else {
                    self.apart.without_contact += 1;
                    entry.remove().0
                };
                self.over.push(&over);
                Ok(Some(over))
            }
        }
    }

    /// Ends every matter that is mature at an instant, and returns them in the order of customer and reason.
    ///
    /// All interactions up to and including `as_of` must have been pushed: one that is pushed later would find its matter
    /// ended, and is refused.
    pub fn close(&mut self, as_of: DateTime<Utc>) -> Vec<Thread> {
        self.closed = self.closed.max(Some(as_of));
        let rules = self.rules;
        let mature = |(thread, _): &(Thread, DateTime<Utc>)| thread.is_mature(&rules, as_of);
        let keys: Vec<_> = self.open.iter().filter(|(_, open)| mature(open)).map(|(&key, _)| key).collect();
        let over: Vec<Thread> =
            keys.iter().filter_map(|key| self.open.remove(key)).map(|(thread, _)| thread).collect();
        for thread in &over {
            self.over.push(thread);
        }
        over
    }

    /// Adds a part that holds other matters. Associative and commutative. What was closed in one is closed in both: the
    /// later instant holds.
    ///
    /// # Errors
    /// [`JourneyError::DifferentRules`]; [`JourneyError::SharedCustomer`] where both follow the same matter now.
    /// Nothing was added then.
    pub fn merge(&mut self, other: Self) -> Result<(), JourneyError> {
        if self.rules != other.rules {
            return Err(JourneyError::DifferentRules { setting: "rules" });
        }
        if let Some((customer, _)) = other.open.keys().find(|key| self.open.contains_key(key)) {
            return Err(shared(*customer));
        }
        self.open.extend(other.open);
        self.over.merge(&other.over);
        self.apart.merge(other.apart);
        self.closed = self.closed.max(other.closed);
        Ok(())
    }

    /// Every matter, over or not, of those pushed; `over` are those that pushing has shown to be over.
    pub(super) fn finish(self, mut over: Vec<Thread>) -> (Vec<Thread>, Apart) {
        over.extend(self.open.into_values().map(|(thread, _)| thread));
        over.sort_by_key(|thread| (thread.customer, thread.first, thread.reason));
        (over, self.apart)
    }

    /// What is known of contacts at an instant: all matters that are over or mature, and how many are still too young.
    pub fn contacts(&self, as_of: DateTime<Utc>) -> super::ContactReport {
        let mut tally = self.over.clone();
        let mut immature = 0;
        for (thread, _) in self.open.values() {
            if thread.is_mature(&self.rules, as_of) {
                tally.push(thread);
            } else {
                immature += 1;
            }
        }
        super::ContactReport::new(self.rules, as_of, tally, immature, self.apart)
    }
}

impl Thread {
    /// How long the matter took, from the first to the last contact, in microseconds.
    pub fn length(&self) -> u64 {
        between(self.first.timestamp_micros(), self.last.timestamp_micros())
    }
}
