use crate::interaction::{Channel, Direction, Interaction, InteractionId, Outcome, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::tag::Tag;

pub(super) const SECONDS_A_DAY: i64 = 86_400;

/// How a contact ended, as far as pain is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Not recorded; never taken for a good end.
    Unknown,
    /// Settled, or nothing that the rules look at.
    Other,
    /// The company owes the next step: a call-back, a follow-up, an answer from the next level.
    Open,
    /// The question stayed without an answer and went nowhere.
    Unanswered,
    Abandoned,
    Complaint,
}

/// One contact as the detectors see it: a lean `Copy` row made from an [`Interaction`] and the stage that the customer
/// was in.
///
/// Instants count to the second: contacts within one second keep the order they are given in.
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{Interaction, InteractionId};
/// use patronage::lifecycle::LifecycleStage;
/// use patronage::pain::Contact;
///
/// let customer = CustomerId::derive(&["shop", "customer 17"]);
/// let visit = Interaction::builder(InteractionId::derive(&["web", "1"]), customer, "1970-01-02T00:00:30Z".parse()?)
///     .build()?;
/// let contact = Contact::new(&visit, Some(LifecycleStage::Existing));
/// assert_eq!(contact.at(), 86_430);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    id: InteractionId,
    at: i64,
    wait_ms: Option<u64>,
    ease: Option<f64>,
    sentiment: Option<f64>,
    touchpoint: Touchpoint,
    channel: Channel,
    reason: Option<Tag>,
    stage: Option<LifecycleStage>,
    direction: Direction,
    transfers: u16,
    pub(super) ending: Ending,
}

impl Contact {
    /// The row of an interaction that a customer had while in a stage of their life; `None` where the stage is unknown.
    pub fn new(interaction: &Interaction, stage: Option<LifecycleStage>) -> Self {
        let ending = match interaction.outcome() {
            None => Ending::Unknown,
            Some(Outcome::Abandoned) => Ending::Abandoned,
            Some(Outcome::Complaint) => Ending::Complaint,
            Some(Outcome::Unanswered) if interaction.escalated_to().is_none() => Ending::Unanswered,
            Some(
                Outcome::Unanswered
                | Outcome::Escalated
                | Outcome::CallbackScheduled
                | Outcome::FollowUp
                | Outcome::Transferred,
            ) => Ending::Open,
            Some(_) => Ending::Other,
        };
        Self {
            id: interaction.id(),
            at: interaction.at().timestamp(),
            // An interaction holds at most 366 days, whole milliseconds.
            wait_ms: interaction.wait().map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            ease: interaction.effort().map(|effort| effort.ease().get()),
            sentiment: interaction.sentiment().map(|sentiment| sentiment.score()),
            touchpoint: interaction.touchpoint(),
            channel: interaction.channel(),
            reason: interaction.reason(),
            stage,
            direction: interaction.direction(),
            transfers: interaction.transfers(),
            ending,
        }
    }

    /// The interaction it was made from.
    pub const fn id(&self) -> InteractionId {
        self.id
    }

    /// When it began, in whole seconds since 1970-01-01 UTC.
    pub const fn at(&self) -> i64 {
        self.at
    }

    /// The stage the customer was in, where known.
    pub const fn stage(&self) -> Option<LifecycleStage> {
        self.stage
    }

    /// By which touch point.
    pub const fn touchpoint(&self) -> Touchpoint {
        self.touchpoint
    }

    /// Where it took place.
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// Why the customer came, where known.
    pub const fn reason(&self) -> Option<Tag> {
        self.reason
    }

    /// Who began it.
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// How long the customer waited, in milliseconds, where known.
    pub const fn wait_ms(&self) -> Option<u64> {
        self.wait_ms
    }

    /// How often the customer was handed on.
    pub const fn transfers(&self) -> u16 {
        self.transfers
    }

    /// How easy the customer said it was, from 0 (hardest) to 1 (easiest), where known.
    pub const fn ease(&self) -> Option<f64> {
        self.ease
    }

    /// How the customer felt, from -1 to 1, where known.
    pub const fn sentiment(&self) -> Option<f64> {
        self.sentiment
    }

    /// The calendar day in UTC, since 1970-01-01.
    pub(super) const fn day(&self) -> i64 {
        self.at.div_euclid(SECONDS_A_DAY)
    }

    /// Whether the customer began it.
    pub(super) fn is_inbound(&self) -> bool {
        self.direction == Direction::Inbound
    }

    /// Whether the customer had part in it at all.
    pub(super) fn is_met(&self) -> bool {
        self.direction != Direction::Internal
    }
}
