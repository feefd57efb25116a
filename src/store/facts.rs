//! Facts of one kind in memory: found by id, and each customer's in order of time.

use super::change_set::Kind;
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

/// All facts of a kind, in the batches they came in: those are shared with the change sets, not copied.
///
/// A batch goes through two short loops (ids, then timelines) instead of one long one, so that the memory they touch
/// at random is fetched for several facts at a time.
#[derive(Debug)]
pub(super) struct Facts<T: Fact> {
    batches: Vec<Kind<T>>,
    by_id: HashMap<T::Id, Place>,
    /// Where the facts of a customer are; none is empty.
    timelines: HashMap<CustomerId, Timeline>,
    /// Whose timelines are out of order until the commit ends.
    late: Vec<CustomerId>,
}

/// Where a fact is: which batch, and which of it. There are many of these, so they are small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    batch: u32,
    index: u32,
}

/// The places of one customer's facts by time, then id.
#[derive(Debug)]
struct Timeline {
    places: Vec<(DateTime<Utc>, Place)>,
    /// The instant of the last place, here too so that appending only writes there.
    last: DateTime<Utc>,
}

impl<T: Fact> Default for Facts<T> {
    fn default() -> Self {
        Self { batches: Vec::new(), by_id: HashMap::new(), timelines: HashMap::new(), late: Vec::new() }
    }
}

impl<T: Fact> Facts<T> {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    /// Appends those facts that are not known; a refusal leaves nothing behind. Timelines are in order again only
    /// after [`sort`](Self::sort).
    ///
    /// # Errors
    /// Of the first fact at fault: [`StoreError::KeyReuse`] when its id stands for another one, else
    /// [`StoreError::Unknown`] when there is no such customer.
    pub(super) fn append(
        &mut self,
        facts: &Kind<T>,
        is_customer: impl Fn(CustomerId) -> bool,
    ) -> Result<(), StoreError> {
        let (Ok(batch), Ok(_)) = (u32::try_from(self.batches.len()), u32::try_from(facts.len())) else {
            return Err(StoreError::Unusable { problem: "memory holds at most 2^32 batches of 2^32 facts" });
        };
        let mut refusal = None;

        // What the second loop needs is copied while it is at hand: the facts themselves are far apart.
        let mut new: Vec<(CustomerId, DateTime<Utc>, u32)> = Vec::with_capacity(facts.len());
        self.by_id.reserve(facts.len());
        for (index, fact) in (0..).zip(facts.iter()) {
            match self.by_id.entry(fact.id()) {
                Entry::Vacant(free) => {
                    free.insert(Place { batch, index });
                    new.push((fact.customer(), fact.at(), index));
                }
                Entry::Occupied(place) => {
                    let known = fact_at(&self.batches, *place.get())
                        .or_else(|| facts.get(place.get().index as usize));
                    if known != Some(fact) {
                        refusal = Some(StoreError::KeyReuse { entity: T::ENTITY, key: T::uuid(fact.id()) });
                        break;
                    }
                }
            }
        }

        let mut placed = 0;
        for &(customer, at, index) in &new {
            let place = Place { batch, index };
            match self.timelines.entry(customer) {
                Entry::Occupied(mut timeline) => {
                    if !timeline.get_mut().push(at, place) {
                        self.late.push(customer);
                    }
                }
                Entry::Vacant(free) if is_customer(customer) => {
                    free.insert(Timeline::begin(at, place));
                }
                Entry::Vacant(_) => {
                    refusal = Some(StoreError::Unknown { entity: Entity::Customer, id: *customer.as_uuid() });
                    break;
                }
            }
            placed += 1;
        }

        let Some(refusal) = refusal else {
            if !new.is_empty() {
                self.batches.push(facts.clone());
            }
            return Ok(());
        };
        for fact in new.drain(placed..).filter_map(|(_, _, index)| facts.get(index as usize)) {
            self.by_id.remove(&fact.id());
        }
        self.take_back(facts);
        Err(refusal)
    }

    /// Takes back the latest batches, down to this number, where timelines were not sorted since.
    pub(super) fn truncate(&mut self, batches: usize) {
        while self.batches.len() > batches
            && let Some(facts) = self.batches.pop()
        {
            self.take_back(&facts);
        }
    }

    /// Takes back those facts of the batch after the last one that came with it and were not known before.
    fn take_back(&mut self, facts: &[T]) {
        let batch = self.batches.len();
        for (index, fact) in facts.iter().enumerate().rev() {
            let place = self.by_id.get(&fact.id());
            if place.is_none_or(|place| (place.batch as usize, place.index as usize) != (batch, index)) {
                continue;
            }
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
                timeline
                    .places
                    .sort_by_key(|(at, place)| (*at, fact_at(&self.batches, *place).map(Fact::id)));
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

    fn at(&self, places: &[(DateTime<Utc>, Place)]) -> impl Iterator<Item = T> {
        places.iter().filter_map(|(_, place)| fact_at(&self.batches, *place).cloned())
    }
}

fn fact_at<T>(batches: &[Kind<T>], place: Place) -> Option<&T> {
    batches.get(place.batch as usize)?.get(place.index as usize)
}

impl Timeline {
    fn begin(at: DateTime<Utc>, place: Place) -> Self {
        // Most customers have more than one.
        let mut places = Vec::with_capacity(4);
        places.push((at, place));
        Self { places, last: at }
    }

    /// Adds a place; tells whether the timeline is still in order.
    fn push(&mut self, at: DateTime<Utc>, place: Place) -> bool {
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
