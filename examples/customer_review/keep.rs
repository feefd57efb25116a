//! Puts what was read into the store, in batches that have their effect once.

use patronage::customer::{Customer, CustomerId, CustomerKind};
use patronage::interaction::Interaction;
use patronage::lifecycle::LifecycleHistory;
use patronage::purchase::Purchase;
use patronage::store::{Blocking, ChangeSet, Store};
use patronage::{IdempotencyKey, Tag};

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::error::Error;

const BATCH: usize = 10_000;

/// How many rows were new to the store, and how many it had already.
#[derive(Clone, Copy, Default)]
pub(crate) struct Kept {
    pub(crate) new: u64,
    pub(crate) known: u64,
}

impl Kept {
    fn add(&mut self, new: u64, known: u64) {
        self.new += new;
        self.known += known;
    }
}

/// Commits one batch. Its key is the digest of its content: the same batch again has no second effect.
fn keep<S: Store>(
    store: &Blocking<S>,
    at: DateTime<Utc>,
    fill: impl FnOnce(ChangeSet) -> ChangeSet,
    kept: &mut Kept,
) -> Result<(), Box<dyn Error>> {
    let unkeyed = ChangeSet::new(IdempotencyKey::derive(&[]), at, Tag::literal("customer_review"))?;
    let filled = fill(unkeyed);
    let key = IdempotencyKey::derive(&["customer_review", &format!("{:032x}", filled.digest())]);
    let committed = store.commit(&filled.with_key(key))?;
    if committed.replayed {
        kept.add(0, committed.applied + committed.known);
    } else {
        kept.add(committed.applied, committed.known);
    }
    Ok(())
}

/// Introduces the customers the store does not know yet; each is known since their first purchase or interaction.
pub(crate) fn customers<S: Store>(
    store: &Blocking<S>,
    since: &BTreeMap<CustomerId, DateTime<Utc>>,
    at: DateTime<Utc>,
) -> Result<Kept, Box<dyn Error>> {
    let mut kept = Kept::default();
    let all: Vec<(&CustomerId, &DateTime<Utc>)> = since.iter().collect();
    for batch in all.chunks(BATCH) {
        let ids: Vec<CustomerId> = batch.iter().map(|(id, _)| **id).collect();
        let known: Vec<CustomerId> = store.customers_by_id(&ids)?.iter().map(Customer::id).collect();
        let mut new = Vec::new();
        for (id, since) in batch {
            if known.binary_search(id).is_err() {
                new.push(Customer::new(**id, CustomerKind::Person, **since)?);
            }
        }
        kept.known += known.len() as u64;
        if !new.is_empty() {
            keep(store, at, |changes| changes.with_customers(new), &mut kept)?;
        }
    }
    Ok(kept)
}

/// Records purchases.
pub(crate) fn purchases<S: Store>(
    store: &Blocking<S>,
    purchases: &[Purchase],
    at: DateTime<Utc>,
) -> Result<Kept, Box<dyn Error>> {
    let mut kept = Kept::default();
    for batch in purchases.chunks(BATCH) {
        keep(store, at, |changes| changes.with_purchases(batch.iter().copied()), &mut kept)?;
    }
    Ok(kept)
}

/// Records interactions, and the stages of customers who have none in the store yet.
pub(crate) fn lives<S: Store>(
    store: &Blocking<S>,
    lives: impl Iterator<Item = Result<(CustomerId, Vec<Interaction>, LifecycleHistory), Box<dyn Error>>>,
    at: DateTime<Utc>,
    progress: &mut dyn FnMut(u64),
) -> Result<Kept, Box<dyn Error>> {
    let mut kept = Kept::default();
    let mut interactions: Vec<Interaction> = Vec::new();
    let mut stages: Vec<(CustomerId, LifecycleHistory)> = Vec::new();
    let mut flush = |interactions: &mut Vec<Interaction>,
                     stages: &mut Vec<(CustomerId, LifecycleHistory)>| {
        let ids: Vec<CustomerId> = stages.iter().map(|(customer, _)| *customer).collect();
        let known: BTreeMap<CustomerId, LifecycleHistory> = store.lifecycles(&ids)?.into_iter().collect();
        let new: Vec<_> = stages
            .drain(..)
            .filter(|(customer, _)| !known.contains_key(customer))
            .flat_map(|(customer, history)| {
                history.entries().iter().map(|&entry| (customer, entry)).collect::<Vec<_>>()
            })
            .collect();
        let facts = std::mem::take(interactions);
        let mut moves = Kept::default();
        keep(store, at, |changes| changes.with_interactions(facts), &mut kept)?;
        if !new.is_empty() {
            keep(store, at, |changes| changes.with_stage_changes(new), &mut moves)?;
        }
        progress(kept.new + kept.known);
        Ok::<(), Box<dyn Error>>(())
    };
    for life in lives {
        let (customer, contacts, lifecycle) = life?;
        interactions.extend(contacts);
        if !lifecycle.entries().is_empty() {
            stages.push((customer, lifecycle));
        }
        if interactions.len() >= BATCH {
            flush(&mut interactions, &mut stages)?;
        }
    }
    flush(&mut interactions, &mut stages)?;
    Ok(kept)
}
