use crate::because::Because;
use crate::customer::Contact;
use crate::interaction::Touchpoint;
use crate::key::IdempotencyKey;
use crate::notification::{Notification, Recipient};
use crate::pii::Pii;
use crate::tag::Tag;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// A notification ready to be delivered: with the address where the recipient is a customer who has one.
///
/// # Example
/// ```
/// use patronage::notification::{Notification, Recipient};
/// use patronage::notify::Message;
/// use patronage::{IdempotencyKey, Tag};
///
/// let told = Notification::new(
///     IdempotencyKey::derive(&["1"]),
///     Recipient::Staff(Tag::literal("support")),
///     Tag::literal("win_back"),
///     "2026-03-01T08:00:00Z".parse()?,
/// )?;
/// assert_eq!(Message::new(&told, None, 1).attempt(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    notification: Notification,
    address: Option<Contact>,
    attempt: u32,
}

impl Message {
    /// The message of a notification, to an address, on the attempt of this number (from 1).
    pub fn new(notification: &Notification, address: Option<Contact>, attempt: u32) -> Self {
        Self { notification: notification.clone(), address, attempt }
    }

    /// The key to hand on, the same on every attempt.
    pub const fn key(&self) -> IdempotencyKey {
        self.notification.key()
    }

    /// Who is told.
    pub const fn to(&self) -> Recipient {
        self.notification.to()
    }

    /// Where the customer is reached, if they have such an address.
    pub const fn address(&self) -> Option<&Contact> {
        self.address.as_ref()
    }

    /// What it is about.
    pub const fn about(&self) -> Tag {
        self.notification.about()
    }

    /// From when it was to be delivered, the same on every attempt.
    pub const fn due(&self) -> DateTime<Utc> {
        self.notification.due()
    }

    /// The touch point asked for.
    pub const fn touchpoint(&self) -> Option<Touchpoint> {
        self.notification.touchpoint()
    }

    /// Why it is told.
    pub fn reasons(&self) -> &[Because] {
        self.notification.reasons()
    }

    /// The text.
    pub const fn text(&self) -> Option<&Pii<String>> {
        self.notification.text()
    }

    /// Which attempt this is, from 1.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }
}

/// Why a message was not delivered. It holds the name of the problem: neither text nor address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// May pass by itself: try again.
    #[error("not delivered for now: {problem}")]
    Transient {
        /// The name of the problem.
        problem: Tag,
        /// Not before this time has gone, where the other side says so.
        retry_after: Option<Duration>,
    },
    /// Will not pass: do not try again.
    #[error("cannot be delivered: {problem}")]
    Permanent {
        /// The name of the problem.
        problem: Tag,
    },
}
