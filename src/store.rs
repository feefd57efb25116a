//! Where customers and what happened to them are kept: one door in, few windows out.
//!
//! [`Store`] is a trait that you may implement over your own database; the suite in `store::conformance` (feature
//! `conformance`) tells whether the implementation keeps the contract. [`MemoryStore`] is the reference: whatever it
//! answers is right by definition.

#[cfg(feature = "conformance")]
pub mod conformance;

#[cfg(feature = "blocking")]
mod blocking;
mod change_set;
mod digest;
mod due;
mod error;
mod facts;
mod forward;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod shared;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "blocking")]
pub use blocking::Blocking;
pub use change_set::{ChangeSet, Committed};
pub use error::{BackendCode, Entity, StoreError};
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore};
pub use shared::SharedStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};

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
use std::time::Duration;

/// Keeps customers, what happened to them, and what is still to be done.
///
/// # Contract
/// An implementation promises, and the conformance suite checks, one test for each line:
///
/// **The door.**
/// - A committed change set is applied wholly; a refused one leaves nothing behind, no notification either.
/// - Once `commit` has returned `Ok`, the changes survive a crash of the process (and, for an adapter that says so,
///   loss of power).
/// - The same change set under the same key again changes nothing and returns the first receipt, with `replayed` set.
///   Another payload under the same key is refused with [`StoreError::KeyReuse`].
/// - A customer, task or matter is taken when its version is the stored one (0 for a new one), is then stored with the
///   version after, and is refused with [`StoreError::Conflict`] otherwise.
/// - Interactions, purchases and consent records are appended: one with a known id and equal content is counted as
///   known and changes nothing; other content under a known id is refused with [`StoreError::KeyReuse`]. The same
///   holds for notifications, by their key.
/// - Facts, stage changes, tasks and matters about an unknown customer are refused with [`StoreError::Unknown`].
/// - Stage changes are legal after the stored history, or refused with [`StoreError::Refused`]; a task's status moves
///   by the table of its states, or is refused likewise.
/// - A matter goes on from the stored one by [`Matter::continues`], so that nobody rewrites a history, or is refused
///   with [`StoreError::Refused`].
/// - Of matters with the same [`Matter::only_one`] there is at most one; a second is refused with
///   [`StoreError::OpenAlready`].
/// - An identity belongs to at most one customer; a second is refused with [`StoreError::IdentityTaken`].
/// - Within a change set the order is: customers, stage changes, consent records, purchases, interactions, tasks,
///   matters, notifications, settlements; within a kind the order of adding.
/// - When it is not known whether a commit took effect, the answer is [`StoreError::OutcomeUnknown`]; committing the
///   same change set again finds out.
///
/// **The windows.**
/// - Pages ascend by id, begin after the given one, hold at most `limit` rows, and together cover everything once.
/// - Windows by customer return facts by customer, then time, then id, whatever the order asked in; unknown ids and
///   repeated ids add nothing.
/// - Matters of customers come by customer, then id; those somebody has to look at by `now` come by that instant, then
///   id, at most `limit`.
/// - What is returned is equal to what was committed (instants to the microsecond).
///
/// **Due jobs.**
/// - `claim` returns jobs whose time has come, or whose lease has run out, by time and then key, at most `limit`; it
///   leases them until `now + lease`, counts an attempt and raises the fence. No two claims return the same job while
///   its lease runs.
/// - Settling follows [`Settlement::apply`](crate::notification::Settlement::apply); what that does not allow is
///   refused with [`StoreError::StaleFence`].
///
/// Futures are `Send`; an adapter writes plain `async fn`. There are no default bodies, so that nothing is inherited
/// that an adapter should have written.
pub trait Store: Send + Sync {
    /// Applies a change set, wholly or not at all.
    ///
    /// # Errors
    /// [`StoreError`]; see the contract.
    fn commit(&self, changes: &ChangeSet) -> impl Future<Output = Result<Committed, StoreError>> + Send;

    /// The receipt of the change set committed under a key; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn committed(
        &self,
        key: IdempotencyKey,
    ) -> impl Future<Output = Result<Option<Committed>, StoreError>> + Send;

    /// A page of all customers, ascending by id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn customers(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Customer>, StoreError>> + Send;

    /// The customers of these ids, ascending by id; unknown ones are missing.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn customers_by_id(
        &self,
        ids: &[CustomerId],
    ) -> impl Future<Output = Result<Vec<Customer>, StoreError>> + Send;

    /// The customer another system calls by this identity.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn customer_by_identity(
        &self,
        identity: &Identity,
    ) -> impl Future<Output = Result<Option<CustomerId>, StoreError>> + Send;

    /// The lifecycle of each of these customers that has one, ascending by id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn lifecycles(
        &self,
        of: &[CustomerId],
    ) -> impl Future<Output = Result<Vec<(CustomerId, LifecycleHistory)>, StoreError>> + Send;

    /// The consent records of these customers, by customer, time, id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn consents(
        &self,
        of: &[CustomerId],
    ) -> impl Future<Output = Result<Vec<ConsentRecord>, StoreError>> + Send;

    /// The purchases of these customers within a period, by customer, time, id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn purchases(
        &self,
        of: &[CustomerId],
        within: Period,
    ) -> impl Future<Output = Result<Vec<Purchase>, StoreError>> + Send;

    /// The interactions of these customers within a period, by customer, time, id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn interactions(
        &self,
        of: &[CustomerId],
        within: Period,
    ) -> impl Future<Output = Result<Vec<Interaction>, StoreError>> + Send;

    /// A page of all tasks, ascending by id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn tasks(
        &self,
        after: Option<TaskId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Task>, StoreError>> + Send;

    /// The tasks of these ids, ascending by id; unknown ones are missing.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn tasks_by_id(&self, ids: &[TaskId]) -> impl Future<Output = Result<Vec<Task>, StoreError>> + Send;

    /// A page of all matters, ascending by id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn matters(
        &self,
        after: Option<MatterId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Matter>, StoreError>> + Send;

    /// The matters of these ids, ascending by id; unknown ones are missing.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn matters_by_id(&self, ids: &[MatterId])
    -> impl Future<Output = Result<Vec<Matter>, StoreError>> + Send;

    /// The matters of these customers, by customer, then id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn matters_of(&self, of: &[CustomerId]) -> impl Future<Output = Result<Vec<Matter>, StoreError>> + Send;

    /// Which matters somebody has to look at by an instant, by that instant ([`Matter::wake`]), then id. Only ids, so that
    /// a matter which cannot be read back hides no other. Reading leases nothing: of two workers who change the same
    /// matter, the second is refused.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn matters_waking(
        &self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<MatterId>, StoreError>> + Send;

    /// A page of all jobs in whatever state, ascending by key: the exhausted ones stay visible here.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn jobs(
        &self,
        after: Option<IdempotencyKey>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Job>, StoreError>> + Send;

    /// Leases due jobs to the caller until `now + lease`; each comes with its fence and counts one attempt more.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written; then nothing is leased, or the leases run out by themselves.
    fn claim(
        &self,
        now: DateTime<Utc>,
        limit: usize,
        lease: Duration,
    ) -> impl Future<Output = Result<Vec<Job>, StoreError>> + Send;
}
