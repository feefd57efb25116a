use super::digest::digest;
use crate::case::Matter;
use crate::consent::ConsentRecord;
use crate::customer::{Customer, CustomerId};
use crate::interaction::Interaction;
use crate::key::IdempotencyKey;
use crate::lifecycle::StageChange;
use crate::notification::{Notification, Settlement};
use crate::period;
use crate::purchase::Purchase;
use crate::tag::Tag;
use crate::task::Task;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Deref;
use std::sync::Arc;

/// A batch of changes that a store applies wholly or not at all, together with the notifications it causes.
///
/// It carries the key that makes repeating it harmless, when it was made, and who made it. Cloning is cheap.
///
/// # Example
/// ```
/// use patronage::customer::{Customer, CustomerId, CustomerKind};
/// use patronage::store::ChangeSet;
/// use patronage::{IdempotencyKey, Tag};
///
/// let now = "2026-03-01T10:00:00Z".parse()?;
/// let customer = Customer::new(CustomerId::derive(&["shop", "17"]), CustomerKind::Person, now)?;
/// let changes = ChangeSet::new(IdempotencyKey::derive(&["sign-up", "17"]), now, Tag::literal("shop"))?
///     .customer(customer);
/// assert_eq!(changes.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
#[must_use = "a change set does nothing until a store commits it"]
pub struct ChangeSet {
    key: IdempotencyKey,
    at: DateTime<Utc>,
    by: Tag,
    payload: Arc<Payload>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Payload {
    customers: Kind<Customer>,
    stage_changes: Kind<(CustomerId, StageChange)>,
    pub(super) consents: Kind<ConsentRecord>,
    pub(super) purchases: Kind<Purchase>,
    pub(super) interactions: Kind<Interaction>,
    tasks: Kind<Task>,
    // Left out where there are none, so that change sets of before there were matters keep their digests.
    #[serde(default, skip_serializing_if = "Kind::is_unused")]
    matters: Kind<Matter>,
    notifications: Kind<Notification>,
    settlements: Kind<Settlement>,
}

/// The changes of one kind, shared by the clones of a change set and by a store that keeps them as they are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kind<T>(Arc<Vec<T>>);

impl<T> Default for Kind<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Kind<T> {
    fn is_unused(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Deref for Kind<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Serialize> Serialize for Kind<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Kind<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|changes| Self(Arc::new(changes)))
    }
}

/// A change set as it is written down, to be committed later or kept in a log.
#[derive(Serialize, Deserialize)]
#[serde(rename = "ChangeSet")]
struct Written {
    key: IdempotencyKey,
    at: DateTime<Utc>,
    by: Tag,
    payload: Payload,
}

impl From<ChangeSet> for Written {
    fn from(changes: ChangeSet) -> Self {
        let ChangeSet { key, at, by, payload } = changes;
        Self { key, at, by, payload: Arc::unwrap_or_clone(payload) }
    }
}

impl TryFrom<Written> for ChangeSet {
    type Error = ValidationError;

    fn try_from(written: Written) -> Result<Self, ValidationError> {
        let empty = Self::new(written.key, written.at, written.by)?;
        Ok(Self { payload: Arc::new(written.payload), ..empty })
    }
}

/// Declares, for each kind of change: a method that adds one, one that adds many, and one that shows them.
macro_rules! kinds {
    ($( $field:ident: $item:ty, $one:ident, $one_doc:literal, $many:ident, $many_doc:literal, $show_doc:literal; )+) => {
        impl ChangeSet {
            $(
                #[doc = $one_doc]
                pub fn $one(mut self, change: $item) -> Self {
                    Arc::make_mut(&mut Arc::make_mut(&mut self.payload).$field.0).push(change);
                    self
                }

                #[doc = $many_doc]
                pub fn $many(mut self, changes: impl IntoIterator<Item = $item>) -> Self {
                    Arc::make_mut(&mut Arc::make_mut(&mut self.payload).$field.0).extend(changes);
                    self
                }

                #[doc = $show_doc]
                pub fn $field(&self) -> &[$item] {
                    &self.payload.$field
                }
            )+

            /// How many changes it holds.
            pub fn len(&self) -> usize {
                0 $( + self.payload.$field.len() )+
            }
        }
    };
}

kinds! {
    customers: Customer,
        customer, "Adds a new customer (version 0), or a changed one (the version it was read with).",
        with_customers, "Adds several customers.", "The customers, in the order of adding.";
    stage_changes: (CustomerId, StageChange),
        stage_change, "Adds a move of a customer to a lifecycle stage.",
        with_stage_changes, "Adds several moves.", "The moves between stages, in the order of adding.";
    consents: ConsentRecord,
        consent, "Adds a consent record.",
        with_consents, "Adds several consent records.", "The consent records, in the order of adding.";
    purchases: Purchase,
        purchase, "Adds a purchase.",
        with_purchases, "Adds several purchases.", "The purchases, in the order of adding.";
    interactions: Interaction,
        interaction, "Adds an interaction.",
        with_interactions, "Adds several interactions.", "The interactions, in the order of adding.";
    tasks: Task,
        task, "Adds a new task (version 0), or a changed one (the version it was read with).",
        with_tasks, "Adds several tasks.", "The tasks, in the order of adding.";
    matters: Matter,
        matter, "Adds a new matter (version 0), or a changed one (the version it was read with).",
        with_matters, "Adds several matters.", "The matters, in the order of adding.";
    notifications: Notification,
        notification, "Adds a notification, stored with the changes and delivered after them.",
        with_notifications, "Adds several notifications.", "The notifications, in the order of adding.";
    settlements: Settlement,
        settlement, "Adds what became of a job.",
        with_settlements, "Adds what became of several jobs.", "The settlements, in the order of adding.";
}

impl ChangeSet {
    /// An empty change set: its key, when it is made, and who makes it (a service, a staff number).
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999.
    pub fn new(key: IdempotencyKey, at: DateTime<Utc>, by: Tag) -> Result<Self, ValidationError> {
        Ok(Self { key, at: period::instant("change_set.at", at)?, by, payload: Arc::default() })
    }

    /// The same changes under another key, for example one derived from their [`digest`](Self::digest).
    pub fn with_key(mut self, key: IdempotencyKey) -> Self {
        self.key = key;
        self
    }

    /// The key under which it has its effect once.
    pub const fn key(&self) -> IdempotencyKey {
        self.key
    }

    /// When it was made.
    pub const fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Who made it.
    pub const fn by(&self) -> Tag {
        self.by
    }

    /// Whether it holds no change.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn payload(&self) -> &Payload {
        &self.payload
    }

    /// A digest of the changes (XXH3, 128 bits), without key, instant and author: stores keep it to tell a repeated
    /// change set from another one under the same key. It guards against mistakes, not against forgery.
    ///
    /// # Cost
    /// One pass over the changes.
    pub fn digest(&self) -> u128 {
        digest(self.payload.as_ref())
    }
}

/// The receipt of a committed change set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Committed {
    /// The place of the change set in the store's journal, from 1.
    pub sequence: u64,
    /// How many changes took effect.
    pub applied: u64,
    /// How many facts and notifications were known already and changed nothing.
    pub known: u64,
    /// Whether this is the receipt of an earlier commit of the same change set; the other fields are those of then.
    pub replayed: bool,
}
