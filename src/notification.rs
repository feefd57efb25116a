//! What somebody is told, and the way it takes: from the change that causes it to its delivery.

mod job;

pub use job::{Job, JobState, Settlement};

use crate::because::Because;
use crate::customer::CustomerId;
use crate::interaction::Touchpoint;
use crate::key::IdempotencyKey;
use crate::period;
use crate::pii::Pii;
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recipient {
    /// A customer.
    Customer(CustomerId),
    /// A team or a person of the company, by name or staff number.
    Staff(Tag),
}

/// Something to tell somebody at an instant. It is stored in the change set that causes it, in the same transaction,
/// and delivered afterwards, at least once, always under the same key.
///
/// # Example
/// ```
/// use patronage::notification::{Notification, Recipient};
/// use patronage::{IdempotencyKey, Tag};
///
/// let told = Notification::new(
///     IdempotencyKey::derive(&["pain_point", "billing", "2026-03"]),
///     Recipient::Staff(Tag::literal("billing_team")),
///     Tag::literal("pain_point"),
///     "2026-03-01T08:00:00Z".parse()?,
/// )?
/// .with_text("12 customers gave up in the billing queue.")?;
/// assert!(!format!("{told:?}").contains("customers gave up"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Notification {
    fields: Fields,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Notification")]
struct Fields {
    key: IdempotencyKey,
    to: Recipient,
    about: Tag,
    due: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    via: Option<Touchpoint>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    because: Vec<Because>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Pii<String>>,
}

impl From<Notification> for Fields {
    fn from(notification: Notification) -> Self {
        notification.fields
    }
}

impl TryFrom<Fields> for Notification {
    type Error = ValidationError;

    fn try_from(mut fields: Fields) -> Result<Self, ValidationError> {
        fields.due = period::instant("notification.due", fields.due)?;
        if fields.text.as_ref().is_some_and(|text| text.expose().len() > 65_536) {
            return Err(ValidationError::withheld("notification.text", "must be at most 64 KiB"));
        }
        Ok(Self { fields })
    }
}

impl Notification {
    /// Tells `to` something `about` at `due`. The key names the intention: the same key is delivered once.
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999.
    pub fn new(
        key: IdempotencyKey,
        to: Recipient,
        about: Tag,
        due: DateTime<Utc>,
    ) -> Result<Self, ValidationError> {
        Self::try_from(Fields { key, to, about, due, via: None, because: Vec::new(), text: None })
    }

    /// Asks for a touch point, for example e-mail.
    #[must_use]
    pub fn via(mut self, touchpoint: Touchpoint) -> Self {
        self.fields.via = Some(touchpoint);
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn because(mut self, reason: Because) -> Self {
        self.fields.because.push(reason);
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

    /// The key under which it is delivered once.
    pub const fn key(&self) -> IdempotencyKey {
        self.fields.key
    }

    /// Who is told.
    pub const fn to(&self) -> Recipient {
        self.fields.to
    }

    /// What it is about.
    pub const fn about(&self) -> Tag {
        self.fields.about
    }

    /// From when it is to be delivered.
    pub const fn due(&self) -> DateTime<Utc> {
        self.fields.due
    }

    /// The touch point asked for.
    pub const fn touchpoint(&self) -> Option<Touchpoint> {
        self.fields.via
    }

    /// Why it is told.
    pub fn reasons(&self) -> &[Because] {
        &self.fields.because
    }

    /// The text.
    pub const fn text(&self) -> Option<&Pii<String>> {
        self.fields.text.as_ref()
    }
}
