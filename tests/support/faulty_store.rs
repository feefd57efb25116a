//! A store that fails when it is told to.

use chrono::{DateTime, Utc};
use patronage::case::{Matter, MatterId};
use patronage::consent::ConsentRecord;
use patronage::customer::{Customer, CustomerId, Identity};
use patronage::interaction::Interaction;
use patronage::lifecycle::LifecycleHistory;
use patronage::notification::Job;
use patronage::purchase::Purchase;
use patronage::store::{ChangeSet, Committed, Store, StoreError};
use patronage::task::{Task, TaskId};
use patronage::{IdempotencyKey, Period};
use std::sync::Mutex;
use std::time::Duration;

/// What happens before a call of this name, about these customers, on the store inside: an error is the answer.
type Before<S> = Box<dyn FnMut(&'static str, &[CustomerId], &S) -> Result<(), StoreError> + Send>;

pub(crate) struct FaultyStore<S> {
    inner: S,
    before: Mutex<Before<S>>,
}

impl<S> FaultyStore<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, before: Mutex::new(Box::new(|_, _, _| Ok(()))) }
    }

    /// From now on, this happens before every claim, commit and read of customers.
    pub(crate) fn before(
        &self,
        before: impl FnMut(&'static str, &[CustomerId], &S) -> Result<(), StoreError> + Send + 'static,
    ) {
        *self.before.lock().unwrap() = Box::new(before);
    }

    fn call(&self, name: &'static str, about: &[CustomerId]) -> Result<(), StoreError> {
        (self.before.lock().unwrap())(name, about, &self.inner)
    }
}

macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),+) -> $answer:ty;)+) => {
        $(async fn $method(&self, $($argument: $type),+) -> Result<$answer, StoreError> {
            self.inner.$method($($argument),+).await
        })+
    };
}

impl<S: Store> Store for FaultyStore<S> {
    forward! {
        committed(key: IdempotencyKey) -> Option<Committed>;
        customers(after: Option<CustomerId>, limit: usize) -> Vec<Customer>;
        customer_by_identity(identity: &Identity) -> Option<CustomerId>;
        lifecycles(of: &[CustomerId]) -> Vec<(CustomerId, LifecycleHistory)>;
        consents(of: &[CustomerId]) -> Vec<ConsentRecord>;
        purchases(of: &[CustomerId], within: Period) -> Vec<Purchase>;
        interactions(of: &[CustomerId], within: Period) -> Vec<Interaction>;
        tasks(after: Option<TaskId>, limit: usize) -> Vec<Task>;
        tasks_by_id(ids: &[TaskId]) -> Vec<Task>;
        matters(after: Option<MatterId>, limit: usize) -> Vec<Matter>;
        matters_by_id(ids: &[MatterId]) -> Vec<Matter>;
        matters_of(of: &[CustomerId]) -> Vec<Matter>;
        matters_waking(now: DateTime<Utc>, limit: usize) -> Vec<MatterId>;
        jobs(after: Option<IdempotencyKey>, limit: usize) -> Vec<Job>;
    }

    async fn claim(&self, now: DateTime<Utc>, limit: usize, lease: Duration) -> Result<Vec<Job>, StoreError> {
        self.call("claim", &[])?;
        self.inner.claim(now, limit, lease).await
    }

    async fn commit(&self, changes: &ChangeSet) -> Result<Committed, StoreError> {
        self.call("commit", &[])?;
        self.inner.commit(changes).await
    }

    async fn customers_by_id(&self, ids: &[CustomerId]) -> Result<Vec<Customer>, StoreError> {
        self.call("customers_by_id", ids)?;
        self.inner.customers_by_id(ids).await
    }
}
