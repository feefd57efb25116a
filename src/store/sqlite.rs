//! The embedded store: one SQLite file.

mod consents;
mod customers;
mod database;
mod facts;
mod fault;
mod interactions;
mod jobs;
mod journal;
mod lifecycles;
mod matters;
mod purchases;
mod schema;
mod table;
mod tasks;

use super::{ChangeSet, Committed, Store, StoreError, due};
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
use database::Database;
use futures_channel::oneshot;
use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How a [`SqliteStore`] is opened.
///
/// # Example
/// ```
/// use patronage::store::{SqliteOptions, Store};
/// use std::time::Duration;
///
/// let folder = tempfile::tempdir()?;
/// let options = SqliteOptions::new().busy_timeout(Duration::from_millis(200));
/// let store = options.open(folder.path().join("customers.sqlite"))?;
/// assert_eq!(pollster::block_on(store.customers(None, 10))?.len(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "call `open` to open the file"]
pub struct SqliteOptions {
    busy_timeout: Duration,
    full: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl SqliteOptions {
    /// Waits five seconds for another handle, and syncs every commit.
    pub const fn new() -> Self {
        Self { busy_timeout: Duration::from_secs(5), full: true }
    }

    /// Sets how long a call waits while another handle or process writes to the file, before it answers
    /// [`StoreError::Busy`]. At most an hour; calls of the same store wait their turn behind it.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(Duration::from_secs(3600));
        self
    }

    /// Gives up what makes a commit survive loss of power: faster, and after loss of power or a crash of the operating
    /// system the latest acknowledged commits may be missing, wholly. A crash of the process alone loses nothing.
    ///
    /// This is `synchronous=NORMAL` of SQLite. Anything weaker, which could damage the file, cannot be chosen.
    pub const fn lose_latest_commits_on_power_loss(mut self) -> Self {
        self.full = false;
        self
    }

    /// Opens a file, or makes it where there is none.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        let mut database = Database::open(path.as_ref(), self)?;
        let (queue, work) = mpsc::channel::<Work>();
        let thread = thread::Builder::new().name("patronage-sqlite".to_owned()).spawn(move || {
            for work in work {
                work(&mut database);
            }
            // Nobody is left to tell; what was committed is in the log, and the next opening finds it there.
            let _ = database.close();
        });
        let thread =
            thread.map_err(|_| StoreError::Unusable { problem: "its thread could not be started" })?;
        Ok(SqliteStore { queue: Some(queue), thread: Some(thread) })
    }
}

type Work = Box<dyn FnOnce(&mut Database) + Send>;

/// Keeps everything in one SQLite file, for one service that embeds it.
///
/// # Durability
/// Commits survive a crash of the process and loss of power: the write-ahead log is synced before a commit is
/// acknowledged, and the folder before the first one (`journal_mode=WAL`, `synchronous=FULL`). Deleted content is
/// overwritten (`secure_delete`), and no temporary file is written. Every setting is verified when the file is opened. The
/// disk must not lie about having synced, and the file must be on a local file system. Beside the file lie its log and
/// an index of it (`-wal`, `-shm`): they belong to it while it is open and after a crash. Copy the file only when it is
/// closed.
///
/// # Threads
/// One thread owns the one connection; calls wait for it in a queue without blocking an executor, in any runtime or
/// none. Reads stand in the same queue as writes. A call whose future is dropped before its turn is not carried out;
/// one that is dropped later may be. Dropping the store ends the thread after the calls in the queue, writes the log
/// into the file and closes it; [`close`](Self::close) does so without blocking and tells whether it succeeded.
///
/// Several handles and processes may open one file; who finds it locked for longer than
/// [`SqliteOptions::busy_timeout`] gets [`StoreError::Busy`].
///
/// # Errors after a commit
/// Where the disk fails while a commit is written, the answer is [`StoreError::OutcomeUnknown`], and the connection is
/// given up: the next call opens the file again and finds what is there. Commit the same change set again.
///
/// # Cost
/// A commit syncs once, whatever it holds: commit in batches. A batch of 10,000 interactions costs about the CPU time of
/// bare prepared inserts into the same tables; a window costs one search for each customer asked for. Memory is the
/// cache of 16 MiB, the batch, and the rows returned.
///
/// # Schema
/// The tables are meant to be read, also by others: `customers`, `identities`, `stage_changes`, `consents`,
/// `purchases`, `interactions`, `tasks`, `matters`, `notifications`, `journal`. Identifiers are blobs of 16 bytes, instants are
/// microseconds since 1970, terms are text, money is minor units and a currency, short lists and matters are JSON. The version is in
/// `user_version`; an older file is migrated when it is opened, a newer one and that of another program are refused.
///
/// # Example
/// ```
/// use patronage::customer::{Customer, CustomerId, CustomerKind};
/// use patronage::store::{ChangeSet, SqliteStore, Store};
/// use patronage::{IdempotencyKey, Tag};
///
/// let folder = tempfile::tempdir()?;
/// let now = "2026-03-01T10:00:00Z".parse()?;
/// let ada = Customer::new(CustomerId::derive(&["shop", "17"]), CustomerKind::Person, now)?;
/// let key = IdempotencyKey::derive(&["sign-up", "17"]);
/// let sign_up = ChangeSet::new(key, now, Tag::literal("shop"))?.customer(ada);
///
/// let again = pollster::block_on(async {
///     let store = SqliteStore::open(folder.path().join("customers.sqlite"))?;
///     let _ = store.commit(&sign_up).await?;
///     store.close().await?;
///
///     let store = SqliteStore::open(folder.path().join("customers.sqlite"))?;
///     store.commit(&sign_up).await
/// })?;
/// assert_eq!((again.sequence, again.applied, again.replayed), (1, 1, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    queue: Option<mpsc::Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

/// The answer when the thread is gone, which only a defect can cause.
const ENDED: StoreError = StoreError::Unusable { problem: "its thread has ended" };

impl SqliteStore {
    /// Opens a file, or makes it where there is none, with the default [`SqliteOptions`]. It blocks while it reads and
    /// syncs.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the file belongs to another program or a later schema, is damaged, or a setting did
    /// not take; [`StoreError::Busy`] when another handle keeps it locked; [`StoreError::Backend`] when it cannot be
    /// opened, read or written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        SqliteOptions::new().open(path)
    }

    /// Writes the log into the file and closes it, after the calls that wait.
    ///
    /// # Errors
    /// [`StoreError`] when that failed. What was committed is in the log then, and is found when the file is opened.
    pub async fn close(self) -> Result<(), StoreError> {
        self.ask(ENDED, Database::close).await
    }

    /// Has the thread do something and waits for the answer; `lost` is the answer when it ends meanwhile.
    async fn ask<T: Send + 'static>(
        &self,
        lost: StoreError,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, asked) = oneshot::channel();
        let work: Work = Box::new(move |database| {
            // Nobody waits any more: whoever dropped the future cannot tell this from a call that never was.
            if !answer.is_canceled() {
                let _ = answer.send(work(database));
            }
        });
        self.queue.as_ref().and_then(|queue| queue.send(work).ok()).ok_or(ENDED)?;
        asked.await.unwrap_or(Err(lost))
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(ENDED, move |database| database.read(work)).await
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.queue = None;
        // An answer may wake an executor on the thread itself, which may drop the store there: it cannot wait for itself.
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != thread::current().id())
        {
            let _ = thread.join();
        }
    }
}

/// Applies a change set in the order of the contract.
fn apply(connection: &Connection, changes: &ChangeSet, digest: u128) -> Result<Committed, StoreError> {
    if let Some(first) = journal::replay(connection, changes.key(), digest)? {
        return Ok(first);
    }
    for customer in changes.customers() {
        customers::put(connection, customer)?;
    }
    lifecycles::append(connection, changes.stage_changes())?;
    let mut known = facts::append(connection, changes.consents())?;
    known += facts::append(connection, changes.purchases())?;
    known += facts::append(connection, changes.interactions())?;
    for task in changes.tasks() {
        tasks::put(connection, task)?;
    }
    for matter in changes.matters() {
        matters::put(connection, matter)?;
    }
    known += jobs::append(connection, changes.notifications())?;
    jobs::settle(connection, changes.settlements())?;
    journal::append(connection, changes, digest, known)
}

fn distinct<T: Copy + Ord>(ids: &[T]) -> Vec<T> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Store for SqliteStore {
    async fn commit(&self, changes: &ChangeSet) -> Result<Committed, StoreError> {
        let (key, changes) = (changes.key(), changes.clone());
        let in_doubt = StoreError::OutcomeUnknown { key };
        self.ask(in_doubt.clone(), move |database| {
            let digest = changes.digest();
            database.write(|_| in_doubt, |connection| apply(connection, &changes, digest))
        })
        .await
    }

    async fn committed(&self, key: IdempotencyKey) -> Result<Option<Committed>, StoreError> {
        self.read(move |connection| journal::receipt(connection, key)).await
    }

    async fn customers(&self, after: Option<CustomerId>, limit: usize) -> Result<Vec<Customer>, StoreError> {
        self.read(move |connection| customers::page(connection, after, limit)).await
    }

    async fn customers_by_id(&self, ids: &[CustomerId]) -> Result<Vec<Customer>, StoreError> {
        let ids = distinct(ids);
        self.read(move |connection| customers::by_id(connection, &ids)).await
    }

    async fn customer_by_identity(&self, identity: &Identity) -> Result<Option<CustomerId>, StoreError> {
        let identity = identity.clone();
        self.read(move |connection| customers::by_identity(connection, &identity)).await
    }

    async fn lifecycles(&self, of: &[CustomerId]) -> Result<Vec<(CustomerId, LifecycleHistory)>, StoreError> {
        let of = distinct(of);
        self.read(move |connection| lifecycles::of(connection, &of)).await
    }

    async fn consents(&self, of: &[CustomerId]) -> Result<Vec<ConsentRecord>, StoreError> {
        let of = distinct(of);
        self.read(move |connection| facts::of(connection, &of)).await
    }

    async fn purchases(&self, of: &[CustomerId], within: Period) -> Result<Vec<Purchase>, StoreError> {
        let of = distinct(of);
        self.read(move |connection| facts::within(connection, &of, within)).await
    }

    async fn interactions(&self, of: &[CustomerId], within: Period) -> Result<Vec<Interaction>, StoreError> {
        let of = distinct(of);
        self.read(move |connection| facts::within(connection, &of, within)).await
    }

    async fn tasks(&self, after: Option<TaskId>, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.read(move |connection| tasks::page(connection, after, limit)).await
    }

    async fn tasks_by_id(&self, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
        let ids = distinct(ids);
        self.read(move |connection| tasks::by_id(connection, &ids)).await
    }

    async fn matters(&self, after: Option<MatterId>, limit: usize) -> Result<Vec<Matter>, StoreError> {
        self.read(move |connection| matters::page(connection, after, limit)).await
    }

    async fn matters_by_id(&self, ids: &[MatterId]) -> Result<Vec<Matter>, StoreError> {
        let ids = distinct(ids);
        self.read(move |connection| matters::by_id(connection, &ids)).await
    }

    async fn matters_of(&self, of: &[CustomerId]) -> Result<Vec<Matter>, StoreError> {
        let of = distinct(of);
        self.read(move |connection| matters::of(connection, &of)).await
    }

    async fn matters_waking(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<MatterId>, StoreError> {
        self.read(move |connection| matters::waking(connection, now, limit)).await
    }

    async fn jobs(&self, after: Option<IdempotencyKey>, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.read(move |connection| jobs::page(connection, after, limit)).await
    }

    async fn claim(&self, now: DateTime<Utc>, limit: usize, lease: Duration) -> Result<Vec<Job>, StoreError> {
        let (now, until) = due::lease(now, lease)?;
        self.ask(ENDED, move |database| {
            // A claim that took effect unseen runs out with its lease.
            database.write(|failure| failure, |connection| jobs::claim(connection, now, until, limit))
        })
        .await
    }
}
