//! Facts of one kind in memory: found by id, and each customer's in order of time.

use super::{Entity, StoreError};
use crate::consent::{ConsentId, ConsentRecord};
use crate::customer::CustomerId;
use crate::interaction::{Interaction, InteractionId};
use crate::period::Period;
use crate::purchase::{Purchase, PurchaseId};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use uuid::Uuid;

/// Something that happened to a customer at an instant, recorded once under its id.
pub(super) trait Fact: Clone + PartialEq {
    const ENTITY: Entity;
    type Id: Copy + Ord + Hash;

    fn id(&self) -> Self::Id;
    fn uuid(id: Self::Id) -> Uuid;
    fn customer(&self) -> CustomerId;
    fn at(&self) -> DateTime<Utc>;
}

macro_rules! facts {
    ($($fact:ident, $id:ident, $entity:ident;)+) => {
        $(impl Fact for $fact {
            const ENTITY: Entity = Entity::$entity;
            type Id = $id;

            fn id(&self) -> $id {
                Self::id(self)
            }

            fn uuid(id: $id) -> Uuid {
                *id.as_uuid()
            }

            fn customer(&self) -> CustomerId {
                Self::customer(self)
            }

            fn at(&self) -> DateTime<Utc> {
                Self::at(self)
            }
        })+
    };
}

facts! {
    ConsentRecord, ConsentId, Consent;
    Purchase, PurchaseId, Purchase;
    Interaction, InteractionId, Interaction;
}

/// Every fact of a kind by its id.
#[derive(Debug)]
pub(super) struct Facts<T: Fact> {
    by_id: HashMap<T::Id, Arc<T>>,
}

impl<T: Fact> Default for Facts<T> {
    fn default() -> Self {
        Self { by_id: HashMap::new() }
    }
}

impl<T: Fact> Facts<T> {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Makes room, so that a batch does not grow the index step by step.
    pub(super) fn reserve(&mut self, facts: usize) {
        self.by_id.reserve(facts);
    }

    /// Whether the fact is known already.
    ///
    /// # Errors
    /// [`StoreError::KeyReuse`] when its id stands for another one.
    pub(super) fn knows(&self, fact: &T) -> Result<bool, StoreError> {
        match self.by_id.get(&fact.id()) {
            None => Ok(false),
            Some(known) if known.as_ref() == fact => Ok(true),
            Some(_) => Err(StoreError::KeyReuse { entity: T::ENTITY, key: T::uuid(fact.id()) }),
        }
    }

    /// Keeps a fact that is not known, at the end of a timeline. Tells whether the timeline is still in order.
    pub(super) fn append(&mut self, fact: &T, timeline: &mut Timeline<T>) -> bool {
        let fact = Arc::new(fact.clone());
        let in_order = timeline.last().is_none_or(|last| place(last.as_ref()) < place(fact.as_ref()));
        timeline.push(Arc::clone(&fact));
        self.by_id.insert(fact.id(), fact);
        in_order
    }

    /// Takes back the latest [`append`](Self::append) to a timeline that was not sorted since.
    pub(super) fn take_back(&mut self, timeline: &mut Timeline<T>) {
        if let Some(fact) = timeline.pop() {
            self.by_id.remove(&fact.id());
        }
    }
}

/// The facts of one customer by time, then id.
pub(super) type Timeline<T> = Vec<Arc<T>>;

fn place<T: Fact>(fact: &T) -> (DateTime<Utc>, T::Id) {
    (fact.at(), fact.id())
}

/// Brings a timeline back in order after appending.
pub(super) fn sort<T: Fact>(timeline: &mut Timeline<T>) {
    // The stable sort is quick where most is in order already.
    timeline.sort_by_key(|fact| place(fact.as_ref()));
}

/// The part of a timeline that lies within a period.
pub(super) fn within<T: Fact>(timeline: &Timeline<T>, period: Period) -> impl Iterator<Item = T> {
    let first = timeline.partition_point(|fact| fact.at() < period.start());
    let past = timeline.partition_point(|fact| fact.at() < period.end());
    timeline.get(first..past).unwrap_or_default().iter().map(|fact| T::clone(fact))
}
