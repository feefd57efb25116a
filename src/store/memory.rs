use super::change_set::Kind;
use super::facts::{Fact, Facts};
use super::{ChangeSet, Committed, Entity, Store, StoreError, due};
use crate::case::{CallBackId, Matter, MatterId};
use crate::consent::ConsentRecord;
use crate::customer::{Customer, CustomerId, Identity};
use crate::interaction::Interaction;
use crate::key::IdempotencyKey;
use crate::lifecycle::{LifecycleHistory, StageChange};
use crate::notification::{Job, JobState, Notification, Settlement};
use crate::period::Period;
use crate::purchase::Purchase;
use crate::task::{Task, TaskId};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::Bound;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use uuid::Uuid;

/// Keeps everything in memory for as long as it lives: the reference for every other store, and a store for tests.
///
/// # Refusals
/// Where a change breaks several rules, the first in this order is named: for a customer its version, then its
/// identities in order; for a stage change its customer, then the move; for a fact its id, then its customer; for a
/// task its version, then its customer, then its status; for a matter its version, then its customer, then its history,
/// then whether there may be another one; for a settlement its job, then the move, then its instant.
///
/// # Cost
/// A commit changes the state in place and notes how to take each change back; a refused one is taken back in reverse
/// order before anyone else sees it. So it costs time and memory by its own size: O(log n) for a customer, a task, a
/// matter or a job, O(1) for a fact; facts that arrive late cost sorting the timeline of their customer once in a commit. Readers
/// run side by side. Facts are not copied: the store shares them with the change set they came in.
///
/// # Example
/// ```
/// use patronage::customer::{Customer, CustomerId, CustomerKind};
/// use patronage::store::{ChangeSet, MemoryStore, Store};
/// use patronage::{IdempotencyKey, Tag};
///
/// let now = "2026-03-01T10:00:00Z".parse()?;
/// let ada = Customer::new(CustomerId::derive(&["shop", "17"]), CustomerKind::Person, now)?;
/// let key = IdempotencyKey::derive(&["sign-up", "17"]);
/// let sign_up = ChangeSet::new(key, now, Tag::literal("shop"))?.customer(ada);
///
/// let store = MemoryStore::new();
/// let (first, again, stored) = pollster::block_on(async {
///     let first = store.commit(&sign_up).await?;
///     let again = store.commit(&sign_up).await?;
///     Ok::<_, patronage::store::StoreError>((first, again, store.customers(None, 10).await?))
/// })?;
/// assert_eq!((first.applied, first.replayed), (1, false));
/// assert_eq!((again.applied, again.replayed), (1, true));
/// assert_eq!(stored[0].version(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    customers: BTreeMap<CustomerId, Dossier>,
    identities: HashMap<Identity, CustomerId>,
    consents: Facts<ConsentRecord>,
    purchases: Facts<Purchase>,
    interactions: Facts<Interaction>,
    tasks: BTreeMap<TaskId, Task>,
    matters: BTreeMap<MatterId, Matter>,
    matters_of: BTreeSet<(CustomerId, MatterId)>,
    waking: BTreeSet<(DateTime<Utc>, MatterId)>,
    /// Matters of which there may be one.
    only_ones: HashMap<IdempotencyKey, MatterId>,
    jobs: BTreeMap<IdempotencyKey, Job>,
    /// Jobs that may be claimed from an instant on: the scheduled ones, and those whose lease was seen to run out.
    waiting: BTreeSet<(DateTime<Utc>, IdempotencyKey)>,
    /// Claimed jobs by the end of their lease.
    leased: BTreeSet<(DateTime<Utc>, IdempotencyKey)>,
    journal: HashMap<IdempotencyKey, Entry>,
}

struct Dossier {
    customer: Customer,
    lifecycle: LifecycleHistory,
}

struct Entry {
    changes: ChangeSet,
    receipt: Committed,
}

/// How to take one change back.
enum Undo {
    Customer(CustomerId, Option<Box<Customer>>),
    Lifecycle(CustomerId, LifecycleHistory),
    /// To so many batches.
    Consents(usize),
    Purchases(usize),
    Interactions(usize),
    Task(TaskId, Option<Box<Task>>),
    Matter(MatterId, Option<Box<Matter>>),
    Job(IdempotencyKey, Option<Box<Job>>),
}

/// What a commit has done so far.
#[derive(Default)]
struct Progress {
    undo: Vec<Undo>,
    known: u64,
}

impl MemoryStore {
    /// A store that holds nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    // A writer that panicked may have left half a change behind, so a poisoned lock is not opened again.
    fn read(&self) -> Result<RwLockReadGuard<'_, State>, StoreError> {
        self.state.read().map_err(|_| StoreError::Unusable { problem: "a writer panicked" })
    }

    fn write(&self) -> Result<RwLockWriteGuard<'_, State>, StoreError> {
        self.state.write().map_err(|_| StoreError::Unusable { problem: "a writer panicked" })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("MemoryStore");
        if let Ok(state) = self.state.try_read() {
            shown
                .field("customers", &state.customers.len())
                .field("consents", &state.consents.len())
                .field("purchases", &state.purchases.len())
                .field("interactions", &state.interactions.len())
                .field("tasks", &state.tasks.len())
                .field("matters", &state.matters.len())
                .field("jobs", &state.jobs.len())
                .field("change_sets", &state.journal.len());
        }
        shown.finish_non_exhaustive()
    }
}

impl State {
    fn commit(&mut self, changes: &ChangeSet) -> Result<Committed, StoreError> {
        if let Some(entry) = self.journal.get(&changes.key()) {
            return if entry.changes.payload() == changes.payload() {
                Ok(Committed { replayed: true, ..entry.receipt })
            } else {
                Err(StoreError::KeyReuse { entity: Entity::ChangeSet, key: *changes.key().as_uuid() })
            };
        }
        let mut progress = Progress::default();
        if let Err(refusal) = self.apply(changes, &mut progress) {
            while let Some(change) = progress.undo.pop() {
                self.take_back(change);
            }
            return Err(refusal);
        }
        self.consents.sort();
        self.purchases.sort();
        self.interactions.sort();
        let receipt = Committed {
            sequence: self.journal.len() as u64 + 1,
            applied: changes.len() as u64 - progress.known,
            known: progress.known,
            replayed: false,
        };
        self.journal.insert(changes.key(), Entry { changes: changes.clone(), receipt });
        Ok(receipt)
    }

    /// Applies the changes one after the other, up to the first that is refused.
    fn apply(&mut self, changes: &ChangeSet, progress: &mut Progress) -> Result<(), StoreError> {
        for customer in changes.customers() {
            self.put_customer(customer, progress)?;
        }
        for (customer, change) in changes.stage_changes() {
            self.put_stage_change(*customer, *change, progress)?;
        }
        let Self { customers, consents, purchases, interactions, .. } = self;
        let payload = changes.payload();
        append(consents, &payload.consents, customers, progress, Undo::Consents)?;
        append(purchases, &payload.purchases, customers, progress, Undo::Purchases)?;
        append(interactions, &payload.interactions, customers, progress, Undo::Interactions)?;
        for task in changes.tasks() {
            self.put_task(task, progress)?;
        }
        for matter in changes.matters() {
            self.put_matter(matter, progress)?;
        }
        for notification in changes.notifications() {
            self.put_notification(notification, progress)?;
        }
        for settlement in changes.settlements() {
            self.settle(settlement, progress)?;
        }
        Ok(())
    }

    fn put_customer(&mut self, customer: &Customer, progress: &mut Progress) -> Result<(), StoreError> {
        let id = customer.id();
        let found = self.customers.get(&id).map_or(0, |dossier| dossier.customer.version());
        if customer.version() != found {
            let (entity, id, expected) = (Entity::Customer, *id.as_uuid(), customer.version());
            return Err(StoreError::Conflict { entity, id, expected, found });
        }
        for identity in customer.identities() {
            if let Some(&taken_by) = self.identities.get(identity).filter(|owner| **owner != id) {
                return Err(StoreError::IdentityTaken { issuer: identity.issuer(), taken_by });
            }
        }
        let stored = customer.clone().with_version(found.saturating_add(1));
        let before = self.replace_customer(id, Some(stored));
        progress.undo.push(Undo::Customer(id, before.map(Box::new)));
        Ok(())
    }

    /// Puts a customer in the place of another version, with the index of identities; returns the other version.
    fn replace_customer(&mut self, id: CustomerId, with: Option<Customer>) -> Option<Customer> {
        if let Some(dossier) = self.customers.get(&id) {
            for identity in dossier.customer.identities() {
                self.identities.remove(identity);
            }
        }
        for identity in with.iter().flat_map(Customer::identities) {
            self.identities.insert(identity.clone(), id);
        }
        match (with, self.customers.get_mut(&id)) {
            (None, _) => self.customers.remove(&id).map(|dossier| dossier.customer),
            (Some(customer), Some(dossier)) => Some(std::mem::replace(&mut dossier.customer, customer)),
            (Some(customer), None) => {
                self.customers.insert(id, Dossier { customer, lifecycle: LifecycleHistory::new() });
                None
            }
        }
    }

    fn put_stage_change(
        &mut self,
        id: CustomerId,
        change: StageChange,
        progress: &mut Progress,
    ) -> Result<(), StoreError> {
        let dossier = self.customers.get_mut(&id).ok_or_else(|| unknown_customer(id))?;
        let before = dossier.lifecycle.clone();
        dossier.lifecycle.push(change)?;
        progress.undo.push(Undo::Lifecycle(id, before));
        Ok(())
    }

    fn put_task(&mut self, task: &Task, progress: &mut Progress) -> Result<(), StoreError> {
        let id = task.id();
        let stored = self.tasks.get(&id);
        let found = stored.map_or(0, Task::version);
        if task.version() != found {
            let (entity, id, expected) = (Entity::Task, *id.as_uuid(), task.version());
            return Err(StoreError::Conflict { entity, id, expected, found });
        }
        if let Some(unknown) = task.customer().filter(|customer| !self.customers.contains_key(customer)) {
            return Err(unknown_customer(unknown));
        }
        if let Some(stored) = stored.filter(|stored| stored.status() != task.status()) {
            stored.moved_to(task.status())?;
        }
        let before = self.tasks.insert(id, task.clone().with_version(found.saturating_add(1)));
        progress.undo.push(Undo::Task(id, before.map(Box::new)));
        Ok(())
    }

    fn put_matter(&mut self, matter: &Matter, progress: &mut Progress) -> Result<(), StoreError> {
        let id = matter.id();
        let stored = self.matters.get(&id);
        let found = stored.map_or(0, Matter::version);
        if matter.version() != found {
            let (entity, id, expected) = (Entity::Matter, *id.as_uuid(), matter.version());
            return Err(StoreError::Conflict { entity, id, expected, found });
        }
        if let Some(unknown) = matter.customer().filter(|customer| !self.customers.contains_key(customer)) {
            return Err(unknown_customer(unknown));
        }
        if let Some(stored) = stored {
            matter.continues(stored)?;
        }
        if let Some(only_one) = matter.only_one()
            && let Some(&open) = self.only_ones.get(&only_one).filter(|open| **open != id)
        {
            return Err(StoreError::OpenAlready { only_one, open });
        }
        let before = self.replace_matter(id, Some(matter.clone().with_version(found.saturating_add(1))));
        progress.undo.push(Undo::Matter(id, before.map(Box::new)));
        Ok(())
    }

    /// Puts a matter in the place of another state of it, with its indices; returns the other state.
    fn replace_matter(&mut self, id: MatterId, with: Option<Matter>) -> Option<Matter> {
        if let Some(matter) = self.matters.get(&id) {
            if let Some(customer) = matter.customer() {
                self.matters_of.remove(&(customer, id));
            }
            if let Some(wake) = matter.wake() {
                self.waking.remove(&(wake, id));
            }
            if let Some(only_one) = matter.only_one() {
                self.only_ones.remove(&only_one);
            }
        }
        let Some(matter) = with else { return self.matters.remove(&id) };
        if let Some(customer) = matter.customer() {
            self.matters_of.insert((customer, id));
        }
        if let Some(wake) = matter.wake() {
            self.waking.insert((wake, id));
        }
        if let Some(only_one) = matter.only_one() {
            self.only_ones.insert(only_one, id);
        }
        self.matters.insert(id, matter)
    }

    fn put_notification(
        &mut self,
        notification: &Notification,
        progress: &mut Progress,
    ) -> Result<(), StoreError> {
        let key = notification.key();
        match self.jobs.get(&key) {
            Some(known) if known.notification == *notification => progress.known += 1,
            Some(_) => {
                return Err(StoreError::KeyReuse { entity: Entity::Notification, key: *key.as_uuid() });
            }
            None => {
                self.replace_job(key, Some(Job::new(notification.clone())));
                progress.undo.push(Undo::Job(key, None));
            }
        }
        Ok(())
    }

    fn settle(&mut self, settlement: &Settlement, progress: &mut Progress) -> Result<(), StoreError> {
        let key = settlement.key();
        let Some(job) = self.jobs.get(&key) else {
            return Err(StoreError::Unknown { entity: Entity::Notification, id: *key.as_uuid() });
        };
        let settled = due::settled(job, settlement)?;
        let before = self.replace_job(key, Some(settled));
        progress.undo.push(Undo::Job(key, before.map(Box::new)));
        Ok(())
    }

    /// Puts a job in the place of another state of it, with the indices of due instants; returns the other state.
    fn replace_job(&mut self, key: IdempotencyKey, with: Option<Job>) -> Option<Job> {
        if let Some(job) = self.jobs.get(&key) {
            self.waiting.remove(&(job.not_before, key));
            if let JobState::Claimed { until } = job.state {
                self.leased.remove(&(until, key));
            }
        }
        let Some(job) = with else { return self.jobs.remove(&key) };
        match job.state {
            JobState::Scheduled => self.waiting.insert((job.not_before, key)),
            JobState::Claimed { until } => self.leased.insert((until, key)),
            JobState::Delivered | JobState::Exhausted | JobState::Cancelled => false,
        };
        self.jobs.insert(key, job)
    }

    fn claim(&mut self, now: DateTime<Utc>, until: DateTime<Utc>, limit: usize) -> Vec<Job> {
        let by_now = (now, IdempotencyKey::new(Uuid::max()));
        while let Some(&(end, key)) = self.leased.first().filter(|lease| **lease <= by_now) {
            self.leased.remove(&(end, key));
            if let Some(job) = self.jobs.get(&key) {
                self.waiting.insert((job.not_before, key));
            }
        }
        // A clock that went back may find leases here that run again, so each job is asked.
        let due: Vec<Job> = self
            .waiting
            .range(..=by_now)
            .filter_map(|(_, key)| self.jobs.get(key))
            .filter(|job| job.is_due(now))
            .take(limit)
            .map(|job| due::claimed(job, until))
            .collect();
        for job in &due {
            self.replace_job(job.notification.key(), Some(job.clone()));
        }
        due
    }

    fn take_back(&mut self, change: Undo) {
        match change {
            Undo::Customer(id, before) => {
                self.replace_customer(id, before.map(|before| *before));
            }
            Undo::Lifecycle(id, before) => {
                if let Some(dossier) = self.customers.get_mut(&id) {
                    dossier.lifecycle = before;
                }
            }
            Undo::Consents(before) => self.consents.truncate(before),
            Undo::Purchases(before) => self.purchases.truncate(before),
            Undo::Interactions(before) => self.interactions.truncate(before),
            Undo::Task(id, before) => {
                match before {
                    Some(before) => self.tasks.insert(id, *before),
                    None => self.tasks.remove(&id),
                };
            }
            Undo::Matter(id, before) => {
                self.replace_matter(id, before.map(|before| *before));
            }
            Undo::Job(key, before) => {
                self.replace_job(key, before.map(|before| *before));
            }
        }
    }

    /// The dossiers of these customers by id, each once.
    fn dossiers(&self, of: &[CustomerId]) -> impl Iterator<Item = &Dossier> {
        distinct(of).into_iter().filter_map(|id| self.customers.get(&id))
    }
}

fn append<T: Fact>(
    known: &mut Facts<T>,
    facts: &Kind<T>,
    customers: &BTreeMap<CustomerId, Dossier>,
    progress: &mut Progress,
    undo: impl FnOnce(usize) -> Undo,
) -> Result<(), StoreError> {
    let (before, batches) = (known.len(), known.batches());
    known.append(facts, |customer| customers.contains_key(&customer))?;
    progress.known += (facts.len() - (known.len() - before)) as u64;
    progress.undo.push(undo(batches));
    Ok(())
}

/// No id is before it.
const FIRST_MATTER: MatterId = MatterId::CallBack(CallBackId::new(Uuid::nil()));

fn unknown_customer(id: CustomerId) -> StoreError {
    StoreError::Unknown { entity: Entity::Customer, id: *id.as_uuid() }
}

fn distinct<T: Copy + Ord>(ids: &[T]) -> Vec<T> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn page<K: Copy + Ord, V, R>(
    rows: &BTreeMap<K, V>,
    after: Option<K>,
    limit: usize,
    row: impl Fn(&V) -> R,
) -> Vec<R> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    rows.range((from, Bound::Unbounded)).take(limit).map(|(_, value)| row(value)).collect()
}

impl Store for MemoryStore {
    async fn commit(&self, changes: &ChangeSet) -> Result<Committed, StoreError> {
        self.write()?.commit(changes)
    }

    async fn committed(&self, key: IdempotencyKey) -> Result<Option<Committed>, StoreError> {
        Ok(self.read()?.journal.get(&key).map(|entry| entry.receipt))
    }

    async fn customers(&self, after: Option<CustomerId>, limit: usize) -> Result<Vec<Customer>, StoreError> {
        Ok(page(&self.read()?.customers, after, limit, |dossier| dossier.customer.clone()))
    }

    async fn customers_by_id(&self, ids: &[CustomerId]) -> Result<Vec<Customer>, StoreError> {
        Ok(self.read()?.dossiers(ids).map(|dossier| dossier.customer.clone()).collect())
    }

    async fn customer_by_identity(&self, identity: &Identity) -> Result<Option<CustomerId>, StoreError> {
        Ok(self.read()?.identities.get(identity).copied())
    }

    async fn lifecycles(&self, of: &[CustomerId]) -> Result<Vec<(CustomerId, LifecycleHistory)>, StoreError> {
        let state = self.read()?;
        let begun = state.dossiers(of).filter(|dossier| dossier.lifecycle.stage().is_some());
        Ok(begun.map(|dossier| (dossier.customer.id(), dossier.lifecycle.clone())).collect())
    }

    async fn consents(&self, of: &[CustomerId]) -> Result<Vec<ConsentRecord>, StoreError> {
        let state = self.read()?;
        Ok(distinct(of).into_iter().flat_map(|customer| state.consents.of(customer)).collect())
    }

    async fn purchases(&self, of: &[CustomerId], within: Period) -> Result<Vec<Purchase>, StoreError> {
        let state = self.read()?;
        Ok(distinct(of).into_iter().flat_map(|customer| state.purchases.within(customer, within)).collect())
    }

    async fn interactions(&self, of: &[CustomerId], within: Period) -> Result<Vec<Interaction>, StoreError> {
        let state = self.read()?;
        Ok(distinct(of)
            .into_iter()
            .flat_map(|customer| state.interactions.within(customer, within))
            .collect())
    }

    async fn tasks(&self, after: Option<TaskId>, limit: usize) -> Result<Vec<Task>, StoreError> {
        Ok(page(&self.read()?.tasks, after, limit, Task::clone))
    }

    async fn tasks_by_id(&self, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
        let state = self.read()?;
        Ok(distinct(ids).iter().filter_map(|id| state.tasks.get(id)).cloned().collect())
    }

    async fn matters(&self, after: Option<MatterId>, limit: usize) -> Result<Vec<Matter>, StoreError> {
        Ok(page(&self.read()?.matters, after, limit, Matter::clone))
    }

    async fn matters_by_id(&self, ids: &[MatterId]) -> Result<Vec<Matter>, StoreError> {
        let state = self.read()?;
        Ok(distinct(ids).iter().filter_map(|id| state.matters.get(id)).cloned().collect())
    }

    async fn matters_of(&self, of: &[CustomerId]) -> Result<Vec<Matter>, StoreError> {
        let state = self.read()?;
        let ids = distinct(of).into_iter().flat_map(|customer| {
            let rest = state.matters_of.range((customer, FIRST_MATTER)..);
            rest.take_while(move |(of, _)| *of == customer).map(|(_, id)| id)
        });
        Ok(ids.filter_map(|id| state.matters.get(id)).cloned().collect())
    }

    async fn matters_waking(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<MatterId>, StoreError> {
        let state = self.read()?;
        let due = state.waking.iter().take_while(|(wake, _)| *wake <= now).take(limit);
        Ok(due.map(|&(_, id)| id).collect())
    }

    async fn jobs(&self, after: Option<IdempotencyKey>, limit: usize) -> Result<Vec<Job>, StoreError> {
        Ok(page(&self.read()?.jobs, after, limit, Job::clone))
    }

    async fn claim(&self, now: DateTime<Utc>, limit: usize, lease: Duration) -> Result<Vec<Job>, StoreError> {
        let (now, until) = due::lease(now, lease)?;
        Ok(self.write()?.claim(now, until, limit))
    }
}
