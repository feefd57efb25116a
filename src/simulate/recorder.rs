//! Turns the outline of a life into recorded interactions, with the symptoms of pain where it is met.

use super::habit::{self, Habit};
use super::sketch::Step;
use super::{SECOND, seconds};
use crate::customer::CustomerId;
use crate::interaction::{
    Agent, Channel, Direction, Effort, EffortDirection, Interaction, InteractionBuilder, InteractionId,
    Outcome, PainKind, Sentiment, Touchpoint,
};
use crate::measure::Share;
use crate::money::{Currency, Money};
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::DateTime;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::time::Duration;

/// Which kinds of pain show in a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the four kinds are independent of each other")]
pub(super) struct Symptoms {
    pub(super) lost: bool,
    pub(super) confused: bool,
    pub(super) frustrated: bool,
    pub(super) defected: bool,
}

impl Symptoms {
    pub(super) fn add(&mut self, kind: PainKind) {
        match kind {
            PainKind::Lost => self.lost = true,
            PainKind::Confused => self.confused = true,
            PainKind::Frustrated => self.frustrated = true,
            PainKind::Defected => self.defected = true,
        }
    }

    pub(super) fn none(self) -> bool {
        self == Self::default()
    }
}

/// Records the contacts of one customer.
pub(super) struct Recorder<'a> {
    pub(super) customer: CustomerId,
    /// The texts of seed and customer, from which identities are derived.
    pub(super) names: [&'a str; 2],
    pub(super) currency: Currency,
    /// Minor units to a hundredth of the unit of money.
    pub(super) minor_per_cent: f64,
    pub(super) staff: &'a [Tag],
    /// When the last contact may be, in microseconds, not included: the end of the observation or of all contact.
    pub(super) end: i64,
    pub(super) rng: ChaCha8Rng,
    pub(super) recorded: Vec<Interaction>,
}

/// Where, by whom, and which way: the same for a contact and what follows from it.
#[derive(Clone, Copy)]
struct Way {
    channel: Channel,
    agent: Option<Agent>,
    direction: Direction,
}

impl Recorder<'_> {
    /// Records a contact, and what its symptoms make the customer do before `until`, the end of the stage.
    pub(super) fn record(
        &mut self,
        step: &Step,
        symptoms: Symptoms,
        until: Option<i64>,
    ) -> Result<(), ValidationError> {
        let habit = step.habit;
        let place = habit::pick(habit.places, self.rng.random()).unwrap_or((Channel::Web, None));
        let way = Way { channel: place.0, agent: place.1, direction: habit.direction };
        let outcome = habit::pick(habit.outcomes, self.rng.random()).flatten();
        // What follows stays in the stage of the contact, unless it is about to end.
        let until = until
            .filter(|until| until - step.at >= 3_600 * SECOND)
            .map_or(self.end, |until| until.min(self.end));
        // A sale stays a sale: whatever goes wrong then comes after it.
        let after_sale = outcome == Some(Outcome::Sale);
        let asked = habit.direction == Direction::Inbound && !after_sale;
        let reason = step.reason.or_else(|| habit.reasons.first().copied());
        let leaving = if self.rng.random::<f64>() < 0.65 { Outcome::Unanswered } else { Outcome::Complaint };
        let spoilt = match symptoms {
            _ if after_sale || symptoms.none() => outcome,
            Symptoms { lost: true, .. } => Some(Outcome::Abandoned),
            Symptoms { confused: true, .. } if asked => Some(Outcome::FollowUp),
            Symptoms { confused: false, defected: true, .. } => Some(leaving),
            _ => outcome,
        };
        let stated = if symptoms.confused && asked { reason } else { step.reason };
        self.contact(step.at, habit, way, spoilt, stated, symptoms.frustrated)?;

        let back = Way { direction: Direction::Inbound, ..way };
        let mut at = step.at;
        if symptoms.lost {
            for _ in 0..self.rng.random_range(2..=3) {
                at = self.later(at, until, 1.0 / 24.0 / 60.0, 0.25 / 24.0);
                self.contact(at, habit, back, Some(Outcome::Abandoned), None, false)?;
            }
        }
        if symptoms.confused {
            let again = self.rng.random_range(1..=2) + usize::from(!asked);
            for left in (0..again).rev() {
                at = self.later(at, until, 0.5, 4.0);
                let other = Way { channel: self.other_channel(way.channel), ..back };
                let outcome = if left == 0 { Outcome::Resolved } else { Outcome::FollowUp };
                self.contact(at, habit, other, Some(outcome), reason, false)?;
            }
        }
        if symptoms.defected && spoilt != Some(leaving) {
            at = self.later(at, until, 1.0 / 24.0, 1.0);
            self.contact(at, habit, back, Some(leaving), None, false)?;
        }
        // The company does what it owes, except where customers must come back for it.
        let owed =
            matches!(spoilt, Some(Outcome::FollowUp | Outcome::CallbackScheduled | Outcome::Escalated));
        if owed && asked && !symptoms.confused {
            at = self.later(at, until, 1.0 / 24.0, 3.0);
            let answer = Way { direction: Direction::Outbound, ..way };
            self.contact(at, habit, answer, Some(Outcome::Resolved), stated, false)?;
        }
        Ok(())
    }

    /// An instant so many days later, always before the limit.
    fn later(&mut self, at: i64, until: i64, least: f64, most: f64) -> i64 {
        let span = least + (most - least) * self.rng.random::<f64>();
        let then = at.saturating_add(seconds(span * 86_400.0));
        if then < until { then } else { at + (until - at).max(0) / 2 }
    }

    /// Half of those who must come back come through the other channel.
    fn other_channel(&mut self, channel: Channel) -> Channel {
        match (self.rng.random::<f64>() < 0.5, channel) {
            (true, Channel::Web) => Channel::Mobile,
            (true, Channel::Mobile) => Channel::Web,
            _ => channel,
        }
    }

    fn contact(
        &mut self,
        at: i64,
        habit: &Habit,
        way: Way,
        outcome: Option<Outcome>,
        reason: Option<Tag>,
        frustrating: bool,
    ) -> Result<(), ValidationError> {
        let number = self.recorded.len().to_string();
        let id = InteractionId::derive(&["simulate", self.names[0], self.names[1], &number]);
        let at = DateTime::from_timestamp_micros(at).unwrap_or_default();
        let mut builder = Interaction::builder(id, self.customer, at)
            .at_place(way.channel, habit.touchpoint, habit.engagement)
            .direction(way.direction);
        if let Some(agent) = way.agent {
            builder = builder.agent(agent);
        }
        if way.agent == Some(Agent::Person) {
            let member = self.rng.random_range(0..self.staff.len().max(1));
            builder =
                self.staff.get(member).copied().into_iter().fold(builder, InteractionBuilder::served_by);
        }
        builder = reason.into_iter().fold(builder, InteractionBuilder::reason);
        builder = outcome.into_iter().fold(builder, InteractionBuilder::outcome);
        if outcome == Some(Outcome::Unanswered) {
            builder = builder.unanswered_because(Tag::literal("nobody_knew"));
        }
        if outcome == Some(Outcome::Escalated) {
            builder = builder.escalated_to(Tag::literal("second_level"));
        }
        builder = self.times(builder, habit, frustrating);
        builder = self.feelings(builder, habit, way, frustrating)?;
        let cents = habit.cost * (0.8 + 0.4 * self.rng.random::<f64>());
        if let Ok(cost) = Money::rounded(cents * self.minor_per_cent, self.currency) {
            builder = builder.cost(cost);
        }
        self.recorded.push(builder.build()?);
        Ok(())
    }

    fn times(
        &mut self,
        mut builder: InteractionBuilder,
        habit: &Habit,
        frustrating: bool,
    ) -> InteractionBuilder {
        if habit.wait > 0.0 || frustrating {
            let usual = if habit.wait > 0.0 { habit.wait } else { 120.0 };
            let factor = if frustrating { 8.0 + 6.0 * self.rng.random::<f64>() } else { self.spread() };
            builder = builder.wait(whole(usual * factor));
        }
        if habit.handle > 0.0 {
            let factor = self.spread();
            builder = builder.handle_time(whole(habit.handle * factor));
        }
        builder
    }

    /// A log-normal factor around 1: one in a thousand is three times as much.
    fn spread(&mut self) -> f64 {
        libm::exp(0.35 * self.rng.sample::<f64, _>(StandardNormal))
    }

    fn feelings(
        &mut self,
        mut builder: InteractionBuilder,
        habit: &Habit,
        way: Way,
        frustrating: bool,
    ) -> Result<InteractionBuilder, ValidationError> {
        let inbound = way.direction == Direction::Inbound;
        let (says, answers) = (self.rng.random::<f64>() < 0.4, self.rng.random::<f64>() < 0.15);
        let (mood, ease) = (self.rng.sample::<f64, _>(StandardNormal), self.rng.random::<f64>());
        let by_person = way.agent == Some(Agent::Person);
        if frustrating || (inbound && says) {
            let score = if frustrating { -0.65 - 0.3 * ease } else { (0.3 + 0.2 * mood).clamp(-0.3, 0.9) };
            let score = libm::rint(score * 100.0) / 100.0;
            builder = builder.sentiment(Sentiment::new(score, Tag::literal("survey"), Share::new(0.9)?)?);
        }
        if frustrating || (inbound && answers) {
            let least = if frustrating { 1 } else { 5 };
            let most = if frustrating { 2 } else { 7 };
            let answer = self.rng.random_range(least..=most);
            builder = builder.effort(Effort::new(answer, 7, EffortDirection::EasyIsHigh)?);
        }
        let handed_on = self.rng.random::<f64>();
        let phone = matches!(
            habit.touchpoint,
            Touchpoint::PhoneCallCentre | Touchpoint::PhoneIvr | Touchpoint::PhoneInHouse | Touchpoint::Chat
        );
        if frustrating && (by_person || phone) {
            builder = builder.transfers(if handed_on < 0.5 { 2 } else { 3 });
        } else if phone && handed_on < 0.05 {
            builder = builder.transfers(1);
        }
        Ok(builder)
    }
}

/// Whole seconds, at least one.
fn whole(duration: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below a year")]
    let seconds = duration as u64;
    Duration::from_secs(seconds.max(1))
}
