//! A store that fails when it is told to.

use chrono::{DateTime, Utc};
use patronage::consent::ConsentRecord;
use patronage::customer::{Customer, CustomerId, Identity};
use patronage::interaction::Interaction;
use patronage::lifecycle::LifecycleHistory;
use patronage::notification::Job;
use patronage::purchase::Purchase;
use patronage::store::{ChangeSet, Committed, Store, StoreError};
use patronage::task::{Task, TaskId};
use patronage::{IdempotencyKey, Period};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(crate) struct FaultyStore<S> {
    inner: S,
    failing_claims: AtomicU32,
}

impl<S> FaultyStore<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self { inner, failing_claims: AtomicU32::new(0) }
    }

    /// The next claims are answered with [`StoreError::Busy`].
    pub(crate) fn fail_claims(&self, times: u32) {
        self.failing_claims.store(times, Ordering::SeqCst);
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
        commit(changes: &ChangeSet) -> Committed;
        committed(key: IdempotencyKey) -> Option<Committed>;
        customers(after: Option<CustomerId>, limit: usize) -> Vec<Customer>;
        customers_by_id(ids: &[CustomerId]) -> Vec<Customer>;
        customer_by_identity(identity: &Identity) -> Option<CustomerId>;
        lifecycles(of: &[CustomerId]) -> Vec<(CustomerId, LifecycleHistory)>;
        consents(of: &[CustomerId]) -> Vec<ConsentRecord>;
        purchases(of: &[CustomerId], within: Period) -> Vec<Purchase>;
        interactions(of: &[CustomerId], within: Period) -> Vec<Interaction>;
        tasks(after: Option<TaskId>, limit: usize) -> Vec<Task>;
        tasks_by_id(ids: &[TaskId]) -> Vec<Task>;
        jobs(after: Option<IdempotencyKey>, limit: usize) -> Vec<Job>;
    }

    async fn claim(&self, now: DateTime<Utc>, limit: usize, lease: Duration) -> Result<Vec<Job>, StoreError> {
        let failing = self.failing_claims.load(Ordering::SeqCst);
        if failing > 0 {
            self.failing_claims.store(failing - 1, Ordering::SeqCst);
            return Err(StoreError::Busy);
        }
        self.inner.claim(now, limit, lease).await
    }
}
