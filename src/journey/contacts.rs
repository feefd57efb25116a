use super::graph::estimate;
use super::thread::ThreadRules;
use super::{Durations, Thread};
use crate::measure::{Estimate, Share};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sums over threads that are over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ContactTally {
    threads: u64,
    contacts: u64,
    single: u64,
    /// Threads that are resolved; of those, with one contact; of those, by one channel.
    resolved: u64,
    resolved_single: u64,
    resolved_one_channel: u64,
    unknown_outcome: u64,
    switched: u64,
    switches: u64,
    carried_over: u64,
    started_again: u64,
    transferred: u64,
    other_agent: u64,
    escalated: u64,
    abandoned: u64,
    ended_abandoned: u64,
    unanswered: u64,
    complained: u64,
    #[serde(skip)]
    waited_ms: u128,
    #[serde(skip)]
    known_waits: u64,
    /// How long each matter was waited for, where the wait of an interaction is known.
    waited: Durations,
    by_contacts: BTreeMap<u32, u64>,
}

impl ContactTally {
    pub(super) fn push(&mut self, thread: &Thread) {
        let single = thread.contacts <= 1;
        self.threads += 1;
        self.contacts += u64::from(thread.contacts);
        self.single += u64::from(single);
        match thread.resolved() {
            Some(true) => {
                self.resolved += 1;
                self.resolved_single += u64::from(single);
                self.resolved_one_channel += u64::from(single && thread.switches == 0);
            }
            Some(false) => {}
            None => self.unknown_outcome += 1,
        }
        self.switched += u64::from(thread.switches > 0);
        self.switches += u64::from(thread.switches);
        self.carried_over += u64::from(thread.carried_over);
        self.started_again += u64::from(thread.started_again);
        self.transferred += u64::from(thread.transfers > 0);
        self.other_agent += u64::from(thread.other_agents > 0);
        self.escalated += u64::from(thread.escalated > 0);
        self.abandoned += u64::from(thread.abandoned > 0);
        self.ended_abandoned += u64::from(thread.outcome == Some(crate::interaction::Outcome::Abandoned));
        self.unanswered += u64::from(thread.unanswered > 0);
        self.complained += u64::from(thread.complaints > 0);
        self.waited_ms += u128::from(thread.waited_ms);
        self.known_waits += u64::from(thread.known_waits);
        if thread.known_waits > 0 {
            self.waited.push(thread.waited_ms.saturating_mul(1_000));
        }
        *self.by_contacts.entry(thread.contacts).or_insert(0) += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.threads, other.threads),
            (&mut self.contacts, other.contacts),
            (&mut self.single, other.single),
            (&mut self.resolved, other.resolved),
            (&mut self.resolved_single, other.resolved_single),
            (&mut self.resolved_one_channel, other.resolved_one_channel),
            (&mut self.unknown_outcome, other.unknown_outcome),
            (&mut self.switched, other.switched),
            (&mut self.switches, other.switches),
            (&mut self.carried_over, other.carried_over),
            (&mut self.started_again, other.started_again),
            (&mut self.transferred, other.transferred),
            (&mut self.other_agent, other.other_agent),
            (&mut self.escalated, other.escalated),
            (&mut self.abandoned, other.abandoned),
            (&mut self.ended_abandoned, other.ended_abandoned),
            (&mut self.unanswered, other.unanswered),
            (&mut self.complained, other.complained),
            (&mut self.known_waits, other.known_waits),
        ] {
            *sum += more;
        }
        self.waited_ms += other.waited_ms;
        self.waited.merge(&other.waited);
        for (&contacts, &more) in &other.by_contacts {
            *self.by_contacts.entry(contacts).or_insert(0) += more;
        }
    }
}

/// What shares of mature threads had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ThreadTrait {
    /// The customer changed the channel.
    ChannelSwitched,
    /// The customer was handed on.
    Transferred,
    /// Another agent had to be told.
    OtherAgent,
    /// It was escalated.
    Escalated,
    /// The customer gave up at least once.
    Abandoned,
    /// The customer gave up in the end: the last known outcome.
    EndedAbandoned,
    /// A question stayed unanswered.
    Unanswered,
    /// The customer complained.
    Complained,
}

/// By what repeat contacts are divided; the trade uses both and calls both the repeat rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepeatRate {
    /// By all contacts: the share of contacts that are repeats.
    OfContacts,
    /// By first contacts (threads): the mean number of repeats after a first contact, which may exceed 1.
    OfFirstContacts,
}

/// How often customers had to come again, and what else happened in their matters. Threads too young to know are left
/// out of every number but [`immature`](Self::immature); the definition goes along as [`rules`](Self::rules) and
/// [`as_of`](Self::as_of).
///
/// Every share has threads as its denominator: those that are mature, or of these the resolved ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContactReport {
    rules: ThreadRules,
    as_of: DateTime<Utc>,
    #[serde(rename = "mature")]
    tally: ContactTally,
    immature: u64,
    #[serde(flatten)]
    apart: Apart,
}

/// What no thread is made of, and what its order rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Apart {
    pub(super) without_reason: u64,
    pub(super) without_contact: u64,
    pub(super) ties: u64,
}

impl Apart {
    pub(super) fn merge(&mut self, other: Self) {
        self.without_reason += other.without_reason;
        self.without_contact += other.without_contact;
        self.ties += other.ties;
    }
}

impl ContactReport {
    pub(super) const fn new(
        rules: ThreadRules,
        as_of: DateTime<Utc>,
        tally: ContactTally,
        immature: u64,
        apart: Apart,
    ) -> Self {
        Self { rules, as_of, tally, immature, apart }
    }

    /// What counted as one matter and one contact.
    pub const fn rules(&self) -> &ThreadRules {
        &self.rules
    }

    /// The instant up to which everything was known; it decides which threads are mature.
    pub const fn as_of(&self) -> DateTime<Utc> {
        self.as_of
    }

    /// How many threads there are, mature or not.
    pub const fn threads(&self) -> u64 {
        self.tally.threads + self.immature
    }

    /// How many threads are old enough to know.
    pub const fn mature(&self) -> u64 {
        self.tally.threads
    }

    /// How many threads are too young to know (censored).
    pub const fn immature(&self) -> u64 {
        self.immature
    }

    /// How many interactions have no reason and thus no thread.
    pub const fn without_reason(&self) -> u64 {
        self.apart.without_reason
    }

    /// How many interactions that the company began belong to no open matter.
    pub const fn without_contact(&self) -> u64 {
        self.apart.without_contact
    }

    /// How many interactions happened at the same instant as the one before of the same matter, so that their order is
    /// that in which they came in.
    pub const fn ties(&self) -> u64 {
        self.apart.ties
    }

    /// How many mature threads have no known outcome; they are not taken for resolved.
    pub const fn unknown_outcome(&self) -> u64 {
        self.tally.unknown_outcome
    }

    /// How many contacts mature threads have.
    pub const fn contacts(&self) -> u64 {
        self.tally.contacts
    }

    /// How many of these contacts came after the first of their thread.
    pub const fn repeats(&self) -> u64 {
        self.tally.contacts - self.tally.threads
    }

    /// How many mature threads have so many contacts.
    pub const fn by_contacts(&self) -> &BTreeMap<u32, u64> {
        &self.tally.by_contacts
    }

    /// The share of resolved mature threads that took one contact (FCR), with the Wilson interval; `None` where none is
    /// resolved.
    pub fn first_contact_resolution(&self, level: Share) -> Option<Estimate> {
        estimate(self.tally.resolved_single, self.tally.resolved, level)
    }

    /// The share of all mature threads with a known outcome that were resolved at the first contact: unlike
    /// [`first_contact_resolution`](Self::first_contact_resolution), what was never resolved counts against it.
    pub fn resolved_at_first_contact(&self, level: Share) -> Option<Estimate> {
        estimate(self.tally.resolved_single, self.tally.threads - self.tally.unknown_outcome, level)
    }

    /// The share of mature threads with one contact, whatever the outcome: the proxy where outcomes are not recorded.
    pub fn single_contact(&self, level: Share) -> Option<Estimate> {
        estimate(self.tally.single, self.tally.threads, level)
    }

    /// How many repeats there are for each contact or first contact; `None` where there are none.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits of the counts")]
    pub fn repeat_rate(&self, by: RepeatRate) -> Option<f64> {
        let whole = match by {
            RepeatRate::OfContacts => self.contacts(),
            RepeatRate::OfFirstContacts => self.mature(),
        };
        (whole > 0).then(|| self.repeats() as f64 / whole as f64)
    }

    /// In which share of mature threads something happened, with the Wilson interval; `None` where there are none.
    pub fn share(&self, of: ThreadTrait, level: Share) -> Option<Estimate> {
        let tally = &self.tally;
        let hits = match of {
            ThreadTrait::ChannelSwitched => tally.switched,
            ThreadTrait::Transferred => tally.transferred,
            ThreadTrait::OtherAgent => tally.other_agent,
            ThreadTrait::Escalated => tally.escalated,
            ThreadTrait::Abandoned => tally.abandoned,
            ThreadTrait::EndedAbandoned => tally.ended_abandoned,
            ThreadTrait::Unanswered => tally.unanswered,
            ThreadTrait::Complained => tally.complained,
        };
        estimate(hits, tally.threads, level)
    }

    /// Of the switches of channel of which it is known, the share where the customer had to start again, with the
    /// Wilson interval; `None` where it is known of none.
    pub fn started_again(&self, level: Share) -> Option<Estimate> {
        estimate(self.tally.started_again, self.tally.started_again + self.tally.carried_over, level)
    }

    /// Of how many switches of channel it is not known whether the customer had to start again.
    pub const fn unknown_switches(&self) -> u64 {
        self.tally.switches - self.tally.started_again - self.tally.carried_over
    }

    /// How long customers waited in a matter altogether, over all mature threads of which a wait is known: time on hold
    /// with its median and what nine of ten stay below.
    pub const fn waited(&self) -> &Durations {
        &self.tally.waited
    }

    /// How long customers waited for each interaction of which it is known, in seconds; `None` where it is of none.
    #[expect(clippy::cast_precision_loss, reason = "a mean has 53 bits")]
    pub fn mean_wait_seconds(&self) -> Option<f64> {
        let known = self.tally.known_waits;
        (known > 0).then(|| self.tally.waited_ms as f64 / 1_000.0 / known as f64)
    }
}
