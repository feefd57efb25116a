//! The methods of [`Store`], listed once for everything that hands them on.

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
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Calls a macro with the list of methods: name, arguments, and what a successful answer holds.
macro_rules! store_methods {
    ($call:ident) => {
        $call! {
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
            matters(after: Option<MatterId>, limit: usize) -> Vec<Matter>;
            matters_by_id(ids: &[MatterId]) -> Vec<Matter>;
            matters_of(of: &[CustomerId]) -> Vec<Matter>;
            matters_waking(now: DateTime<Utc>, limit: usize) -> Vec<MatterId>;
            jobs(after: Option<IdempotencyKey>, limit: usize) -> Vec<Job>;
            claim(now: DateTime<Utc>, limit: usize, lease: Duration) -> Vec<Job>;
        }
    };
}

macro_rules! forward_to_referent {
    ($($method:ident($($argument:ident: $type:ty),+) -> $answer:ty;)+) => {
        $(fn $method(&self, $($argument: $type),+) -> impl Future<Output = Result<$answer, StoreError>> + Send {
            (**self).$method($($argument),+)
        })+
    };
}

impl<S: Store + ?Sized> Store for &S {
    store_methods!(forward_to_referent);
}

impl<S: Store + ?Sized> Store for Arc<S> {
    store_methods!(forward_to_referent);
}

pub(super) use store_methods;
