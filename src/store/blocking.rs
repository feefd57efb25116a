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
use std::time::Duration;

/// A store for programs without an async runtime: the methods of [`Store`], each returning when it is done.
///
/// It parks the calling thread, so do not call it within the task of an async runtime; and a store that needs a
/// runtime of its own (a network driver) must find that one elsewhere.
///
/// # Example
/// ```
/// use patronage::store::{Blocking, MemoryStore};
///
/// let store = Blocking::new(MemoryStore::new());
/// assert_eq!(store.customers(None, 10)?, []);
/// # Ok::<(), patronage::store::StoreError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Blocking<S> {
    store: S,
}

impl<S> Blocking<S> {
    /// Wraps a store; a reference or an [`Arc`](std::sync::Arc) of one is a store too.
    pub const fn new(store: S) -> Self {
        Self { store }
    }

    /// The store inside.
    pub const fn get_ref(&self) -> &S {
        &self.store
    }

    /// Unwraps the store.
    pub fn into_inner(self) -> S {
        self.store
    }
}

macro_rules! wait {
    ($($method:ident($($argument:ident: $type:ty),+) -> $answer:ty;)+) => {
        $(
            #[doc = concat!("Waits for [`Store::", stringify!($method), "`].")]
            ///
            /// # Errors
            #[doc = concat!("Those of [`Store::", stringify!($method), "`].")]
            pub fn $method(&self, $($argument: $type),+) -> Result<$answer, StoreError> {
                pollster::block_on(self.store.$method($($argument),+))
            }
        )+
    };
}

impl<S: Store> Blocking<S> {
    store_methods!(wait);
}
