use super::forward::store_methods;
use super::{ChangeSet, Committed, Store, StoreError};
use crate::case::{Matter, MatterId};
use crate::consent::ConsentRecord;
use crate::customer::{Customer, CustomerId, Identity};
use crate::interaction::Interaction;
use crate::key::IdempotencyKey;
use crate::lifecycle::LifecycleHistory;
use crate::notification::Job;
use crate::period::Period;
use crate::purchase::Purchase;
use crate::task::{Task, TaskId};
use chrono::{DateTime, Utc};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The twin of [`Store`] that may be a trait object, and its one implementation.
macro_rules! dynamic_twin {
    ($($method:ident($($argument:ident: $type:ty),+) -> $answer:ty;)+) => {
        #[expect(clippy::elidable_lifetime_names, reason = "the list names it where an argument needs it")]
        trait DynamicStore: Send + Sync {
            $(fn $method<'a>(&'a self, $($argument: $type),+) -> Answer<'a, $answer>;)+
        }

        #[expect(clippy::elidable_lifetime_names, reason = "the list names it where an argument needs it")]
        impl<S: Store> DynamicStore for S {
            $(fn $method<'a>(&'a self, $($argument: $type),+) -> Answer<'a, $answer> {
                Box::pin(Store::$method(self, $($argument),+))
            })+
        }
    };
}

dynamic_twin! {
    commit(changes: &'a ChangeSet) -> Committed;
    committed(key: IdempotencyKey) -> Option<Committed>;
    customers(after: Option<CustomerId>, limit: usize) -> Vec<Customer>;
    customers_by_id(ids: &'a [CustomerId]) -> Vec<Customer>;
    customer_by_identity(identity: &'a Identity) -> Option<CustomerId>;
    lifecycles(of: &'a [CustomerId]) -> Vec<(CustomerId, LifecycleHistory)>;
    consents(of: &'a [CustomerId]) -> Vec<ConsentRecord>;
    purchases(of: &'a [CustomerId], within: Period) -> Vec<Purchase>;
    interactions(of: &'a [CustomerId], within: Period) -> Vec<Interaction>;
    tasks(after: Option<TaskId>, limit: usize) -> Vec<Task>;
    tasks_by_id(ids: &'a [TaskId]) -> Vec<Task>;
    matters(after: Option<MatterId>, limit: usize) -> Vec<Matter>;
    matters_by_id(ids: &'a [MatterId]) -> Vec<Matter>;
    matters_of(of: &'a [CustomerId]) -> Vec<Matter>;
    matters_waking(now: DateTime<Utc>, limit: usize) -> Vec<MatterId>;
    jobs(after: Option<IdempotencyKey>, limit: usize) -> Vec<Job>;
    claim(now: DateTime<Utc>, limit: usize, lease: Duration) -> Vec<Job>;
}

/// Some store, chosen while the program runs. Clones share it.
///
/// Use it where a type parameter would be in the way: in the state of a web service, or where a setting decides which
/// store it is. Every call costs one allocation more than on the store itself.
///
/// # Example
/// ```
/// use patronage::store::{MemoryStore, SharedStore, Store};
///
/// let store = SharedStore::new(MemoryStore::new());
/// let same = store.clone();
/// assert_eq!(pollster::block_on(same.customers(None, 10))?, []);
/// # Ok::<(), patronage::store::StoreError>(())
/// ```
#[derive(Clone)]
pub struct SharedStore {
    store: Arc<dyn DynamicStore>,
}

impl SharedStore {
    /// Shares a store.
    pub fn new(store: impl Store + 'static) -> Self {
        Self { store: Arc::new(store) }
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore").finish_non_exhaustive()
    }
}

macro_rules! forward_to_twin {
    ($($method:ident($($argument:ident: $type:ty),+) -> $answer:ty;)+) => {
        $(async fn $method(&self, $($argument: $type),+) -> Result<$answer, StoreError> {
            self.store.$method($($argument),+).await
        })+
    };
}

impl Store for SharedStore {
    store_methods!(forward_to_twin);
}
