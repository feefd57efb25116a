//! Facts of one kind in memory: found by id, and each customer's in order of time.

use super::{Entity, StoreError};
use crate::consent::{ConsentId, ConsentRecord};
use crate::customer::CustomerId;
use crate::interaction::{Interaction, InteractionId};
use crate::period::Period;
use crate::purchase::{Purchase, PurchaseId};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::Hash;
use uuid::Uuid;

/// Something that happened to a customer at an instant, recorded once under its id.
pub(super) trait Fact: Clone + PartialEq + fmt::Debug {
    const ENTITY: Entity;
    type Id: Copy + Ord + Hash + fmt::Debug;

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

/// All facts of a kind.
///
/// A batch goes through three short loops (ids, timelines, rows) instead of one long one, so that the memory they
/// touch at random is fetched for several facts at a time.
#[derive(Debug)]
pub(super) struct Facts<T: Fact> {
    /// In the order of arrival.
    rows: Vec<T>,
    by_id: HashMap<T::Id, usize>,
    /// Where the facts of a customer are; none is empty.
    timelines: HashMap<CustomerId, Timeline>,
    /// Whose timelines are out of order until the commit ends.
    late: Vec<CustomerId>,
}

/// The places of one customer's facts by time, then id.
#[derive(Debug)]
struct Timeline {
    places: Vec<(DateTime<Utc>, usize)>,
    /// The instant of the last place, here too so that appending only writes there.
    last: DateTime<Utc>,
}

impl<T: Fact> Default for Facts<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), by_id: HashMap::new(), timelines: HashMap::new(), late: Vec::new() }
    }
}

impl<T: Fact> Facts<T> {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Appends those facts that are not known; a refusal leaves nothing behind. Timelines are in order again only
    /// after [`sort`](Self::sort).
    ///
    /// # Errors
    /// Of the first fact at fault: [`StoreError::KeyReuse`] when its id stands for another one, else
    /// [`StoreError::Unknown`] when there is no such customer.
    pub(super) fn append(
        &mut self,
        facts: &[T],
        is_customer: impl Fn(CustomerId) -> bool,
    ) -> Result<(), StoreError> {
        let first = self.rows.len();
        let mut refusal = None;

        let mut new: Vec<&T> = Vec::with_capacity(facts.len());
        self.by_id.reserve(facts.len());
        for fact in facts {
            match self.by_id.entry(fact.id()) {
                Entry::Vacant(free) => {
                    free.insert(first + new.len());
                    new.push(fact);
                }
                Entry::Occupied(place) => {
                    let place = *place.get();
                    let known = self.rows.get(place).or_else(|| new.get(place - first).copied());
                    if known != Some(fact) {
                        refusal = Some(StoreError::KeyReuse { entity: T::ENTITY, key: T::uuid(fact.id()) });
                        break;
                    }
                }
            }
        }

        let mut placed = 0;
        for fact in &new {
            let (customer, at) = (fact.customer(), fact.at());
            match self.timelines.entry(customer) {
                Entry::Occupied(mut timeline) => {
                    if !timeline.get_mut().push(at, first + placed) {
                        self.late.push(customer);
                    }
                }
                Entry::Vacant(free) if is_customer(customer) => {
                    free.insert(Timeline::begin(at, first + placed));
                }
                Entry::Vacant(_) => {
                    refusal = Some(StoreError::Unknown { entity: Entity::Customer, id: *customer.as_uuid() });
                    break;
                }
            }
            placed += 1;
        }

        let (kept, dropped) = new.split_at(placed);
        self.rows.extend(kept.iter().copied().cloned());
        let Some(refusal) = refusal else { return Ok(()) };
        for fact in dropped {
            self.by_id.remove(&fact.id());
        }
        self.truncate(first);
        Err(refusal)
    }

    /// Takes back the latest facts, down to this number, where timelines were not sorted since.
    pub(super) fn truncate(&mut self, len: usize) {
        for fact in self.rows.drain(len..).rev() {
            self.by_id.remove(&fact.id());
            if let Entry::Occupied(mut timeline) = self.timelines.entry(fact.customer())
                && !timeline.get_mut().pop()
            {
                timeline.remove();
            }
        }
        self.late.clear();
    }

    /// Brings timelines back in order after appending.
    pub(super) fn sort(&mut self) {
        self.late.sort_unstable();
        self.late.dedup();
        for customer in self.late.drain(..) {
            if let Some(timeline) = self.timelines.get_mut(&customer) {
                // The stable sort is quick where most is in order already.
                timeline.places.sort_by_key(|(at, place)| (*at, self.rows.get(*place).map(Fact::id)));
                timeline.last = timeline.places.last().map_or(timeline.last, |(at, _)| *at);
            }
        }
    }

    /// The facts of a customer by time, then id.
    pub(super) fn of(&self, customer: CustomerId) -> impl Iterator<Item = T> {
        self.at(self.timelines.get(&customer).map_or(&[], |timeline| &timeline.places))
    }

    /// The facts of a customer within a period by time, then id.
    pub(super) fn within(&self, customer: CustomerId, period: Period) -> impl Iterator<Item = T> {
        let places = self.timelines.get(&customer).map_or([].as_slice(), |timeline| &timeline.places);
        let first = places.partition_point(|(at, _)| *at < period.start());
        let past = places.partition_point(|(at, _)| *at < period.end());
        self.at(places.get(first..past).unwrap_or_default())
    }

    fn at(&self, places: &[(DateTime<Utc>, usize)]) -> impl Iterator<Item = T> {
        places.iter().filter_map(|(_, place)| self.rows.get(*place).cloned())
    }
}

impl Timeline {
    fn begin(at: DateTime<Utc>, place: usize) -> Self {
        // Most customers have more than one; four fit into two lines of memory.
        let mut places = Vec::with_capacity(4);
        places.push((at, place));
        Self { places, last: at }
    }

    /// Adds a place; tells whether the timeline is still in order.
    fn push(&mut self, at: DateTime<Utc>, place: usize) -> bool {
        // Of equal instants the ids decide, which sorting looks at.
        let in_order = self.last < at;
        self.last = at;
        self.places.push((at, place));
        in_order
    }

    /// Takes the last place away; tells whether there is another one.
    fn pop(&mut self) -> bool {
        self.places.pop();
        match self.places.last() {
            Some((at, _)) => {
                self.last = *at;
                true
            }
            None => false,
        }
    }
}
