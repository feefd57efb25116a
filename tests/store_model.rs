//! The reference store against a model that is too simple to be wrong: lists, searched from end to end, copied whole
//! before every change set.
#![cfg(feature = "conformance")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop here")]

use chrono::{DateTime, Utc};
use patronage::case::{Matter, MatterId};
use patronage::consent::ConsentRecord;
use patronage::customer::{Customer, CustomerId, Identity};
use patronage::interaction::Interaction;
use patronage::lifecycle::LifecycleHistory;
use patronage::notification::{Job, JobState};
use patronage::purchase::Purchase;
use patronage::store::conformance::{Step, Steps, agree, dump};
use patronage::store::{ChangeSet, Committed, Entity, MemoryStore, Store, StoreError};
use patronage::task::{Task, TaskId};
use patronage::{IdempotencyKey, Period};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

#[derive(Clone, Default)]
struct Lists {
    customers: Vec<Customer>,
    lifecycles: Vec<(CustomerId, LifecycleHistory)>,
    consents: Vec<ConsentRecord>,
    purchases: Vec<Purchase>,
    interactions: Vec<Interaction>,
    tasks: Vec<Task>,
    matters: Vec<Matter>,
    jobs: Vec<Job>,
    journal: Vec<(ChangeSet, Committed)>,
}

#[derive(Default)]
struct Model(Mutex<Lists>);

impl Lists {
    fn require(&self, id: CustomerId) -> Result<(), StoreError> {
        if self.customers.iter().any(|customer| customer.id() == id) {
            Ok(())
        } else {
            Err(StoreError::Unknown { entity: Entity::Customer, id: *id.as_uuid() })
        }
    }

    fn apply(&mut self, set: &ChangeSet) -> Result<u64, StoreError> {
        let mut known = 0;
        for customer in set.customers() {
            let (entity, id, expected) = (Entity::Customer, *customer.id().as_uuid(), customer.version());
            let stored = self.customers.iter().position(|stored| stored.id() == customer.id());
            let found = stored.map_or(0, |place| self.customers[place].version());
            if expected != found {
                return Err(StoreError::Conflict { entity, id, expected, found });
            }
            for identity in customer.identities() {
                let owner = self.customers.iter().find(|other| other.identities().contains(identity));
                if let Some(owner) = owner.filter(|owner| owner.id() != customer.id()) {
                    return Err(StoreError::IdentityTaken {
                        issuer: identity.issuer(),
                        taken_by: owner.id(),
                    });
                }
            }
            self.customers.extend([customer.clone().with_version(found + 1)]);
            stored.map(|place| self.customers.swap_remove(place));
        }
        for (id, change) in set.stage_changes() {
            self.require(*id)?;
            let place = self.lifecycles.iter().position(|(customer, _)| customer == id);
            let mut history =
                place.map_or_else(LifecycleHistory::new, |place| self.lifecycles.remove(place).1);
            history.push(*change)?;
            self.lifecycles.push((*id, history));
        }
        macro_rules! facts {
            ($kind:ident, $entity:ident) => {
                for fact in set.$kind() {
                    match self.$kind.iter().find(|stored| stored.id() == fact.id()) {
                        Some(stored) if stored == fact => known += 1,
                        Some(_) => {
                            let key = *fact.id().as_uuid();
                            return Err(StoreError::KeyReuse { entity: Entity::$entity, key });
                        }
                        None => {
                            self.require(fact.customer())?;
                            self.$kind.push(fact.clone());
                        }
                    }
                }
            };
        }
        facts!(consents, Consent);
        facts!(purchases, Purchase);
        facts!(interactions, Interaction);
        for task in set.tasks() {
            let (entity, id, expected) = (Entity::Task, *task.id().as_uuid(), task.version());
            let stored = self.tasks.iter().position(|stored| stored.id() == task.id());
            let found = stored.map_or(0, |place| self.tasks[place].version());
            if expected != found {
                return Err(StoreError::Conflict { entity, id, expected, found });
            }
            task.customer().map_or(Ok(()), |customer| self.require(customer))?;
            if let Some(before) = stored.map(|place| self.tasks.remove(place))
                && before.status() != task.status()
            {
                before.moved_to(task.status())?;
            }
            self.tasks.push(task.clone().with_version(found + 1));
        }
        for matter in set.matters() {
            let (entity, id, expected) = (Entity::Matter, *matter.id().as_uuid(), matter.version());
            let stored = self.matters.iter().find(|stored| stored.id() == matter.id());
            let found = stored.map_or(0, Matter::version);
            if expected != found {
                return Err(StoreError::Conflict { entity, id, expected, found });
            }
            matter.customer().map_or(Ok(()), |customer| self.require(customer))?;
            stored.map_or(Ok(()), |stored| matter.continues(stored))?;
            let mut others = self.matters.iter().filter(|other| other.id() != matter.id());
            if let Some(only_one) = matter.only_one()
                && let Some(open) = others.find(|other| other.only_one() == Some(only_one)).map(Matter::id)
            {
                return Err(StoreError::OpenAlready { only_one, open });
            }
            self.matters.retain(|other| other.id() != matter.id());
            self.matters.push(matter.clone().with_version(found + 1));
        }
        for told in set.notifications() {
            let key = told.key();
            match self.jobs.iter().find(|job| job.notification.key() == key) {
                Some(job) if job.notification == *told => known += 1,
                Some(_) => {
                    return Err(StoreError::KeyReuse { entity: Entity::Notification, key: *key.as_uuid() });
                }
                None => self.jobs.push(Job::new(told.clone())),
            }
        }
        for settlement in set.settlements() {
            let key = settlement.key();
            let job = self.jobs.iter_mut().find(|job| job.notification.key() == key);
            let job = job.ok_or(StoreError::Unknown { entity: Entity::Notification, id: *key.as_uuid() })?;
            *job = settlement.apply(job).ok_or(StoreError::StaleFence { key })?;
            job.not_before = DateTime::from_timestamp_micros(job.not_before.timestamp_micros()).unwrap();
        }
        Ok(known)
    }
}

fn page<R: Clone, K: Ord + Copy>(rows: &[R], after: Option<K>, limit: usize, id: impl Fn(&R) -> K) -> Vec<R> {
    let mut rows = rows.to_vec();
    rows.retain(|row| after.as_ref().is_none_or(|after| id(row) > *after));
    rows.sort_by_key(&id);
    rows.truncate(limit);
    rows
}

fn window<R: Clone, K: Ord>(rows: &[R], keep: impl Fn(&R) -> bool, order: impl Fn(&R) -> K) -> Vec<R> {
    let mut rows = rows.to_vec();
    rows.retain(keep);
    rows.sort_by_key(order);
    rows
}

impl Store for Model {
    async fn commit(&self, set: &ChangeSet) -> Result<Committed, StoreError> {
        let mut state = self.0.lock().unwrap();
        if let Some((first, receipt)) = state.journal.iter().find(|(first, _)| first.key() == set.key()) {
            return if first.digest() == set.digest() {
                Ok(Committed { replayed: true, ..*receipt })
            } else {
                Err(StoreError::KeyReuse { entity: Entity::ChangeSet, key: *set.key().as_uuid() })
            };
        }
        let mut after = state.clone();
        let known = after.apply(set)?;
        let (sequence, applied) = (state.journal.len() as u64 + 1, set.len() as u64 - known);
        let receipt = Committed { sequence, applied, known, replayed: false };
        after.journal.push((set.clone(), receipt));
        *state = after;
        Ok(receipt)
    }

    async fn committed(&self, key: IdempotencyKey) -> Result<Option<Committed>, StoreError> {
        Ok(self
            .0
            .lock()
            .unwrap()
            .journal
            .iter()
            .find(|(set, _)| set.key() == key)
            .map(|(_, receipt)| *receipt))
    }

    async fn customers(&self, after: Option<CustomerId>, limit: usize) -> Result<Vec<Customer>, StoreError> {
        Ok(page(&self.0.lock().unwrap().customers, after, limit, Customer::id))
    }

    async fn customers_by_id(&self, ids: &[CustomerId]) -> Result<Vec<Customer>, StoreError> {
        Ok(window(&self.0.lock().unwrap().customers, |row| ids.contains(&row.id()), Customer::id))
    }

    async fn customer_by_identity(&self, identity: &Identity) -> Result<Option<CustomerId>, StoreError> {
        let state = self.0.lock().unwrap();
        Ok(state.customers.iter().find(|row| row.identities().contains(identity)).map(Customer::id))
    }

    async fn lifecycles(&self, of: &[CustomerId]) -> Result<Vec<(CustomerId, LifecycleHistory)>, StoreError> {
        Ok(window(&self.0.lock().unwrap().lifecycles, |row| of.contains(&row.0), |row| row.0))
    }

    async fn consents(&self, of: &[CustomerId]) -> Result<Vec<ConsentRecord>, StoreError> {
        let order = |row: &ConsentRecord| (row.customer(), row.at(), row.id());
        Ok(window(&self.0.lock().unwrap().consents, |row| of.contains(&row.customer()), order))
    }

    async fn purchases(&self, of: &[CustomerId], within: Period) -> Result<Vec<Purchase>, StoreError> {
        let keep = |row: &Purchase| of.contains(&row.customer()) && within.contains(row.at());
        let order = |row: &Purchase| (row.customer(), row.at(), row.id());
        Ok(window(&self.0.lock().unwrap().purchases, keep, order))
    }

    async fn interactions(&self, of: &[CustomerId], within: Period) -> Result<Vec<Interaction>, StoreError> {
        let keep = |row: &Interaction| of.contains(&row.customer()) && within.contains(row.at());
        let order = |row: &Interaction| (row.customer(), row.at(), row.id());
        Ok(window(&self.0.lock().unwrap().interactions, keep, order))
    }

    async fn tasks(&self, after: Option<TaskId>, limit: usize) -> Result<Vec<Task>, StoreError> {
        Ok(page(&self.0.lock().unwrap().tasks, after, limit, Task::id))
    }

    async fn tasks_by_id(&self, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
        Ok(window(&self.0.lock().unwrap().tasks, |row| ids.contains(&row.id()), Task::id))
    }

    async fn matters(&self, after: Option<MatterId>, limit: usize) -> Result<Vec<Matter>, StoreError> {
        Ok(page(&self.0.lock().unwrap().matters, after, limit, Matter::id))
    }

    async fn matters_by_id(&self, ids: &[MatterId]) -> Result<Vec<Matter>, StoreError> {
        Ok(window(&self.0.lock().unwrap().matters, |row| ids.contains(&row.id()), Matter::id))
    }

    async fn matters_of(&self, of: &[CustomerId]) -> Result<Vec<Matter>, StoreError> {
        let keep = |row: &Matter| row.customer().is_some_and(|customer| of.contains(&customer));
        Ok(window(&self.0.lock().unwrap().matters, keep, |row| (row.customer(), row.id())))
    }

    async fn matters_waking(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<MatterId>, StoreError> {
        let keep = |row: &Matter| row.wake().is_some_and(|wake| wake <= now);
        let mut rows = window(&self.0.lock().unwrap().matters, keep, |row| (row.wake(), row.id()));
        rows.truncate(limit);
        Ok(rows.iter().map(Matter::id).collect())
    }

    async fn jobs(&self, after: Option<IdempotencyKey>, limit: usize) -> Result<Vec<Job>, StoreError> {
        Ok(page(&self.0.lock().unwrap().jobs, after, limit, |job| job.notification.key()))
    }

    async fn claim(&self, now: DateTime<Utc>, limit: usize, lease: Duration) -> Result<Vec<Job>, StoreError> {
        let mut state = self.0.lock().unwrap();
        state.jobs.sort_by_key(|job| (job.not_before, job.notification.key()));
        let mut claimed = Vec::new();
        for job in state.jobs.iter_mut().filter(|job| job.is_due(now)).take(limit) {
            job.state = JobState::Claimed { until: now + lease };
            job.attempts += 1;
            job.fence += 1;
            claimed.push(job.clone());
        }
        Ok(claimed)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn memory_ends_every_step_as_the_model_does(seed: u64) {
        let agreed = pollster::block_on(agree(&Model::default(), &MemoryStore::new(), seed, 120));
        prop_assert!(agreed.is_ok(), "{}", agreed.unwrap_err());
    }
}

#[test]
fn the_model_keeps_the_contract() {
    pollster::block_on(patronage::store::conformance::check_store(|| async { Model::default() }));
}

#[test]
fn random_steps_meet_every_answer() {
    let mut met = BTreeMap::<&str, u32>::new();
    for seed in 0..4 {
        let (store, mut steps) = (MemoryStore::new(), Steps::new(seed));
        for _ in 0..300 {
            let known = pollster::block_on(dump(&store)).unwrap();
            let answer = match steps.next(&known).unwrap() {
                Step::Claim { now, limit, lease } => {
                    let jobs = pollster::block_on(store.claim(now, limit, lease)).unwrap();
                    if jobs.is_empty() { "claim of nothing" } else { "claim" }
                }
                Step::Commit(set) => match pollster::block_on(store.commit(&set)) {
                    Ok(Committed { replayed: true, .. }) => "replay",
                    Ok(Committed { known: 1.., .. }) => "commit with known facts",
                    Ok(_) => "commit",
                    Err(StoreError::Conflict { .. }) => "conflict",
                    Err(StoreError::KeyReuse { entity: Entity::ChangeSet, .. }) => {
                        "reuse of a change set's key"
                    }
                    Err(StoreError::KeyReuse { .. }) => "reuse of an id",
                    Err(StoreError::Unknown { .. }) => "unknown",
                    Err(StoreError::IdentityTaken { .. }) => "identity taken",
                    Err(StoreError::Refused(_)) => "refused",
                    Err(StoreError::OpenAlready { .. }) => "open already",
                    Err(StoreError::StaleFence { .. }) => "stale fence",
                    Err(other) => panic!("{other}"),
                },
                other => panic!("{other:?}"),
            };
            *met.entry(answer).or_default() += 1;
        }
    }
    assert_eq!(met.len(), 13, "{met:?}");
    assert!(met.values().all(|&times| times >= 5), "{met:?}");
    assert!(met["commit"] + met["commit with known facts"] >= 500, "most are taken: {met:?}");
}
