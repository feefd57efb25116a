//! What happened between a customer and the company: one interaction at a time, along three separate dimensions.

mod builder;
mod feeling;
mod packed;
mod pain_kind;
mod terms;

pub use builder::InteractionBuilder;
pub use feeling::{Effort, EffortDirection, Sentiment};
pub use pain_kind::PainKind;
pub use terms::{Agent, Channel, Direction, Engagement, Outcome, Touchpoint};

use crate::customer::CustomerId;
use crate::key::{IdempotencyKey, identifier};
use crate::money::Money;
use crate::purchase::PurchaseId;
use crate::tag::Tag;
use crate::validation::ValidationError;
use builder::Fields;
use chrono::{DateTime, Utc};
use packed::Packed;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

identifier! {
    /// Identifies an interaction, and keeps it from being recorded twice: derive it from the key of the source's own
    /// row (call id, message id).
    InteractionId
}

/// What an interaction is about or belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Link {
    /// The purchase it is about.
    Purchase(PurchaseId),
    /// The interaction it answers or continues.
    Interaction(InteractionId),
    /// The service case it belongs to.
    Case(Uuid),
    /// The campaign that caused it.
    Campaign(Tag),
    /// Something of your own.
    Other(Uuid),
}

/// One interaction of a customer with the company, as recorded: it never changes.
///
/// Where it took place has three dimensions that peers mix up: the [`Channel`] (web, mobile, store, call centre), the
/// [`Touchpoint`] (phone, e-mail, chat, ...) and the [`Engagement`] (ordering, fulfilment, billing, support, ...).
///
/// The identity is the idempotency key: an interaction with the same id and content is stored once, however often it
/// is recorded; the same id with other content is refused.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{
///     Channel, Direction, Engagement, Interaction, InteractionId, Outcome, Touchpoint,
/// };
/// use std::time::Duration;
///
/// let call = Interaction::builder(
///     InteractionId::derive(&["pbx", "call 99"]),
///     CustomerId::derive(&["shop", "customer 17"]),
///     "2026-03-01T10:00:00Z".parse()?,
/// )
/// .at_place(Channel::CallCentre, Touchpoint::PhoneCallCentre, Engagement::Billing)
/// .direction(Direction::Inbound)
/// .reason(Tag::literal("wrong_invoice"))
/// .outcome(Outcome::Resolved)
/// .wait(Duration::from_secs(95))
/// .build()?;
/// assert_eq!(call.wait(), Some(Duration::from_secs(95)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Interaction {
    packed: Packed,
}

impl fmt::Debug for Interaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Interaction").field(&self.packed.fields()).finish()
    }
}

/// Written without the copy that serde's `into` would make: stores digest millions of them.
impl Serialize for Interaction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.packed.fields().serialize(serializer)
    }
}

impl TryFrom<Fields> for Interaction {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        fields.checked().map(|fields| Self { packed: Packed::new(fields) })
    }
}

impl Interaction {
    /// Begins an interaction: who, when, and the identity it has in its source.
    ///
    /// Without further calls it took place on the web, at self-service, about support, and was inbound.
    pub fn builder(id: InteractionId, customer: CustomerId, at: DateTime<Utc>) -> InteractionBuilder {
        InteractionBuilder::new(id, customer, at)
    }

    /// The identity of the interaction.
    pub const fn id(&self) -> InteractionId {
        self.packed.id
    }

    /// The key that keeps the interaction from being recorded twice: its identity.
    pub const fn idempotency_key(&self) -> IdempotencyKey {
        IdempotencyKey::new(*self.packed.id.as_uuid())
    }

    /// The customer it was recorded for. Merging customers never rewrites it.
    #[inline]
    pub const fn customer(&self) -> CustomerId {
        self.packed.customer
    }

    /// When it began.
    #[inline]
    pub const fn at(&self) -> DateTime<Utc> {
        self.packed.at
    }

    /// Where it took place.
    #[inline]
    pub const fn channel(&self) -> Channel {
        self.packed.channel()
    }

    /// By which touch point.
    #[inline]
    pub const fn touchpoint(&self) -> Touchpoint {
        self.packed.touchpoint()
    }

    /// In which part of the business.
    #[inline]
    pub const fn engagement(&self) -> Engagement {
        self.packed.engagement()
    }

    /// Who began it.
    #[inline]
    pub const fn direction(&self) -> Direction {
        self.packed.direction
    }

    /// Who or what served the customer.
    #[inline]
    pub const fn agent(&self) -> Option<Agent> {
        self.packed.agent()
    }

    /// The staff number of the person who served; a pseudonym, not a name.
    pub const fn served_by(&self) -> Option<Tag> {
        self.packed.served_by()
    }

    /// Why the customer came.
    #[inline]
    pub const fn reason(&self) -> Option<Tag> {
        self.packed.reason
    }

    /// How it ended; `None` where unknown, which is never taken for a good end.
    #[inline]
    pub const fn outcome(&self) -> Option<Outcome> {
        self.packed.outcome()
    }

    /// The team or level it was escalated to.
    pub const fn escalated_to(&self) -> Option<Tag> {
        self.packed.escalated_to()
    }

    /// Why a question stayed unanswered.
    pub const fn unanswered_because(&self) -> Option<Tag> {
        self.packed.unanswered_because()
    }

    /// How long the customer waited before being served.
    pub fn wait(&self) -> Option<Duration> {
        self.packed.wait_ms().map(Duration::from_millis)
    }

    /// How long serving took.
    pub fn handle_time(&self) -> Option<Duration> {
        self.packed.handle_ms().map(Duration::from_millis)
    }

    /// How often the customer was handed on.
    pub const fn transfers(&self) -> u16 {
        self.packed.transfers
    }

    /// What it cost the company.
    pub const fn cost(&self) -> Option<Money> {
        self.packed.cost()
    }

    /// How the customer felt, as told by some source.
    pub const fn sentiment(&self) -> Option<Sentiment> {
        self.packed.sentiment()
    }

    /// How easy the customer said it was.
    pub const fn effort(&self) -> Option<Effort> {
        self.packed.effort
    }

    /// What it is about.
    pub fn links(&self) -> &[Link] {
        self.packed.links()
    }
}
