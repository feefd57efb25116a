//! The store on a PostgreSQL server.

mod consents;
mod copy;
mod customers;
mod facts;
mod fault;
mod interactions;
mod jobs;
mod journal;
mod lifecycles;
mod matters;
mod purchases;
mod schema;
mod session;
mod table;
mod tasks;
mod value;

use super::{BackendCode, ChangeSet, Committed, Store, StoreError, due};
use crate::case::{Matter, MatterId};
use crate::consent::ConsentRecord;
use crate::customer::{Customer, CustomerId, Identity};
use crate::interaction::Interaction;
use crate::key::IdempotencyKey;
use crate::lifecycle::LifecycleHistory;
use crate::notification::Job;
use crate::period::{self, Period};
use crate::purchase::Purchase;
use crate::task::{Task, TaskId};
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use deadpool_postgres::{Connect, Manager, ManagerConfig, Pool, RecyclingMethod};
use facts::Fact;
use fault::{Fault, unconnected};
use jobs::Claimed;
use session::{Ending, Parameters, Session};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use table::Table;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls, Row};
use uuid::Uuid;
use value::{Columns, Unreadable};

/// How a [`PostgresStore`] is opened.
///
/// # Example
/// ```no_run
/// use patronage::store::{PostgresOptions, Store};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let options = PostgresOptions::new().schema("crm")?.connections(8);
/// let store = options.connect("postgresql://crm@db.example.org/company").await?;
/// assert_eq!(store.customers(None, 10).await?.len(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "call `connect` or `open` to open the store"]
pub struct PostgresOptions {
    schema: String,
    busy_timeout: Duration,
    connections: usize,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl PostgresOptions {
    /// The schema `patronage`, a wait of five seconds for a lock, and at most 16 connections.
    pub fn new() -> Self {
        Self { schema: "patronage".to_owned(), busy_timeout: Duration::from_secs(5), connections: 16 }
    }

    /// Names the schema of the database that holds the tables; it is made where it is missing. One schema is one store.
    ///
    /// # Errors
    /// [`ValidationError`] when it is not 1 to 63 of `a-z`, `0-9` and `_`, beginning with a letter, or begins with `pg_`.
    pub fn schema(mut self, name: &str) -> Result<Self, ValidationError> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !name.starts_with(|first: char| first.is_ascii_lowercase())
            || name.starts_with("pg_")
            || name.len() > 63
            || !name.bytes().all(legal)
        {
            let rule = "must be 1 to 63 of a-z, 0-9 and `_`, beginning with a letter and not with `pg_`";
            return Err(ValidationError::new("postgres.schema", rule, name));
        }
        name.clone_into(&mut self.schema);
        Ok(self)
    }

    /// Sets how long a change waits for a lock that another one holds, before it answers [`StoreError::Busy`]. At most an
    /// hour.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(Duration::from_secs(3600));
        self
    }

    /// Sets how many connections [`connect`](Self::connect) keeps at most, at least one. Calls wait their turn for them.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Connects to a server without TLS, by a URL or by keys and values as of libpq.
    ///
    /// # Errors
    /// As [`PostgresStore::connect`].
    pub async fn connect(self, url: &str) -> Result<PostgresStore, StoreError> {
        let problem = "it is not the URL of a PostgreSQL server";
        let mut config: Config = url.parse().map_err(|_| StoreError::Unusable { problem })?;
        if ![SslMode::Disable, SslMode::Prefer].contains(&config.get_ssl_mode()) {
            let problem = "the URL asks for TLS, which a pool of your own has to bring";
            return Err(StoreError::Unusable { problem });
        }
        config.ssl_mode(SslMode::Disable);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        let runtime = Handle::try_current()
            .map_err(|_| StoreError::Unusable { problem: "it needs a tokio runtime to connect" })?;
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_connect(config, On(runtime), ManagerConfig { recycling_method });
        let pool = Pool::builder(manager).max_size(self.connections).build();
        let pool = pool.map_err(|_| StoreError::Unusable { problem: "its pool could not be made" })?;
        self.open(pool).await
    }

    /// Opens the store on a pool of your own: with your TLS, your limits, your time limits.
    ///
    /// # Errors
    /// As [`PostgresStore::open`].
    pub async fn open(self, pool: Pool) -> Result<PostgresStore, StoreError> {
        let store = PostgresStore {
            pool,
            prefix: format!("\"{}\".", self.schema).into(),
            busy_timeout: self.busy_timeout,
        };
        let mut answer = StoreError::Busy;
        for _ in 0..ATTEMPTS {
            let session = store.session().await.map_err(Fault::into_answer)?;
            let opened = schema::open(&session, &self.schema, self.busy_timeout).await;
            session.roll_back().await;
            match opened {
                Ok(()) => return Ok(store),
                Err(Fault::Final(refusal)) => return Err(refusal),
                Err(Fault::Passing(passing)) => answer = passing,
            }
        }
        Err(answer)
    }
}

/// Connections that live on one runtime, whoever asks for them: also a thread outside of it.
struct On(Handle);

impl Connect for On {
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + '_>>
    {
        let config = config.clone();
        Box::pin(async move {
            let mut connecting = Box::pin(config.connect(NoTls));
            let connecting = poll_fn(move |context| {
                let _entered = self.0.enter();
                connecting.as_mut().poll(context)
            });
            let (client, connection) = connecting.await?;
            // What ends a connection is told to those who wait for its answers.
            let task = self.0.spawn(async move {
                let _ = connection.await;
            });
            Ok((client, task))
        })
    }
}

/// Keeps everything in one schema of a PostgreSQL database (version 12 or later), for any number of services and workers.
///
/// # Durability
/// An acknowledged commit is on the disk of the server, or wherever its setting `synchronous_commit` asks for more: where
/// that is `off` for server, role or database, the store sets it to `on` for its own transactions. A server with `fsync`
/// or `full_page_writes` switched off, or a database that is not in UTF-8, is refused.
///
/// Where the connection is lost while a commit is under way, the answer is [`StoreError::OutcomeUnknown`] and the
/// connection is thrown away. Commit the same change set again.
///
/// # Side by side
/// Change sets are committed side by side and end as if one had come after the other: rows that a change depends on are
/// locked before they are read. Where two are in each other's way, one is tried again from the start, five times at most;
/// after that, and where a lock takes longer than [`PostgresOptions::busy_timeout`], the answer is [`StoreError::Busy`].
/// [`Committed::sequence`] is unique and ascends, but not always by one: a commit that fails at its very end, and a crash
/// of the server, use numbers up.
///
/// Claims pass over jobs that another claim has locked (`SKIP LOCKED`), so any number of workers may claim at once. Only
/// the instant that is handed in decides what is due, never the clock of the server.
///
/// # Connections
/// [`connect`](Self::connect) makes a pool of its own without TLS, on the tokio runtime it is called in (with I/O and time
/// enabled); after that the store may be used from any thread, in any runtime or none, for as long as that one runs. For
/// TLS, or limits of your own, make a pool with `deadpool-postgres` 0.14 and hand it to [`open`](Self::open).
///
/// A call whose future is dropped may or may not be carried out; its connection is closed where a transaction was open. A
/// process that stands still within a transaction loses it after 30 seconds.
///
/// # Cost
/// A window is one statement. A commit is four round trips and two or three for each kind of change in it, however many
/// there are: from 64 rows of a kind on they go by binary COPY through a temporary table. Statements are prepared once for
/// each connection.
///
/// # Schema
/// The tables are meant to be read, also by others: `customers`, `identities`, `stage_changes`, `consents`, `purchases`,
/// `interactions`, `tasks`, `matters`, `notifications`, `journal`. Instants are `timestamptz`, terms are text, money is minor units and
/// a currency, short lists and matters are `json`. Texts that may hold anything have a NUL written as U+001A and `0`, and U+001A twice.
/// The version is in `patronage_schema`; an older schema is migrated when it is opened, behind a lock, so that any number
/// may open it at once; a newer one and that of another program are refused.
///
/// # Example
/// ```no_run
/// use patronage::customer::{Customer, CustomerId, CustomerKind};
/// use patronage::store::{ChangeSet, PostgresStore, Store};
/// use patronage::{IdempotencyKey, Tag};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let now = "2026-03-01T10:00:00Z".parse()?;
/// let ada = Customer::new(CustomerId::derive(&["shop", "17"]), CustomerKind::Person, now)?;
/// let key = IdempotencyKey::derive(&["sign-up", "17"]);
/// let sign_up = ChangeSet::new(key, now, Tag::literal("shop"))?.customer(ada);
///
/// let store = PostgresStore::connect("postgresql://crm@localhost/company").await?;
/// let first = store.commit(&sign_up).await?;
/// let again = store.commit(&sign_up).await?;
/// assert_eq!((first.applied, again.applied, again.replayed), (1, 1, true));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    pool: Pool,
    /// What stands before the name of each table.
    prefix: Arc<str>,
    busy_timeout: Duration,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool would show host and user.
        f.debug_struct("PostgresStore").field("schema", &self.prefix).finish_non_exhaustive()
    }
}

/// The last microsecond of the year 9999.
const LAST: i64 = 253_402_300_799_999_999;

/// How often something is tried from the start where others are in the way, or connections of the pool turn out dead.
const ATTEMPTS: u32 = 5;

impl PostgresStore {
    /// Connects to a server without TLS, with the default [`PostgresOptions`].
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when there is no tokio runtime, the URL is not one, or asks for TLS; else as
    /// [`open`](Self::open).
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        PostgresOptions::new().connect(url).await
    }

    /// Opens the store on a pool of your own, with the default [`PostgresOptions`].
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the server or the database is set in a way that loses data, or when the schema
    /// belongs to another program or a later version; [`StoreError::Busy`] when there is no connection, or the schema
    /// stays locked; [`StoreError::Backend`] when the server cannot be reached or refuses.
    pub async fn open(pool: Pool) -> Result<Self, StoreError> {
        PostgresOptions::new().open(pool).await
    }

    async fn session(&self) -> Result<Session, Fault> {
        let object = self.pool.get().await.map_err(unconnected)?;
        Ok(Session::new(object, Arc::clone(&self.prefix)))
    }

    /// The rows of one statement, which sees one state.
    async fn rows(
        &self,
        table: Table,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut answer = StoreError::Busy;
        for _ in 0..ATTEMPTS {
            let session = self.session().await.map_err(Fault::into_answer)?;
            match session.rows(table.read, sql, parameters).await {
                Ok(rows) => return Ok(rows),
                Err(Fault::Final(refusal)) => return Err(refusal),
                Err(Fault::Passing(passing)) => answer = passing,
            }
        }
        Err(answer)
    }

    async fn all<T>(
        &self,
        table: Table,
        sql: &str,
        parameters: Parameters<'_>,
        read: impl Fn(&mut Columns<'_>) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, StoreError> {
        table.decoded(&self.rows(table, sql, parameters).await?, read)
    }

    /// The facts of these customers in a period.
    async fn within<T: Fact>(&self, of: &[CustomerId], within: Period) -> Result<Vec<T>, StoreError> {
        let of = ids(of, CustomerId::as_uuid);
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let sql = facts::within(T::TABLE);
        self.all(T::TABLE, &sql, &[&of, &within.start(), &within.end()], T::read).await
    }

    /// One attempt to commit. Whatever is left open in the end closes its connection.
    async fn attempt(&self, changes: &ChangeSet, digest: u128) -> Result<Committed, Ending> {
        let session = self.session().await.map_err(Ending::Fault)?;
        let ended = apply(&session, self.busy_timeout, changes, digest).await;
        if !matches!(ended, Err(Ending::InDoubt)) {
            session.roll_back().await;
        }
        ended
    }

    async fn claim_due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: i64,
    ) -> Result<Claimed, Fault> {
        let session = self.session().await?;
        let parameters: Parameters<'_> = &[&now, &limit, &until];
        let claimed =
            match session.begin(self.busy_timeout, None, jobs::TABLE.write, &jobs::claim(), parameters).await
            {
                Ok(rows) if rows.is_empty() => Ok(Claimed::default()),
                Ok(rows) => jobs::claimed(&session, &rows).await,
                Err(fault) => Err(fault),
            };
        let mut claimed = match claimed {
            Ok(claimed) if claimed.jobs.is_empty() && !claimed.gave_up => {
                session.roll_back().await;
                return Ok(claimed);
            }
            Ok(claimed) => claimed,
            Err(fault) => {
                session.roll_back().await;
                return Err(fault);
            }
        };
        // A claim must be as durable as a commit: were one lost, its fence would be given away twice.
        match session.commit().await {
            Ok(()) => {}
            Err(Ending::Fault(fault)) => {
                session.roll_back().await;
                return Err(fault);
            }
            // One that took effect unseen runs out with its lease.
            Err(Ending::InDoubt) => {
                let code = BackendCode::SqlState(*b"08007");
                return Err(StoreError::Backend { operation: "commit a claim", code }.into());
            }
        }
        claimed.jobs.sort_unstable_by_key(|job| (job.not_before, job.notification.key()));
        Ok(claimed)
    }
}

/// Applies a change set in the order of the contract, and commits it.
async fn apply(
    session: &Session,
    wait: Duration,
    changes: &ChangeSet,
    digest: u128,
) -> Result<Committed, Ending> {
    let known = apply_changes(session, wait, changes, digest).await.map_err(Ending::Fault)?;
    match known {
        Applied::Before(receipt) => Ok(receipt),
        Applied::Now { known } => journal::append(session, changes, digest, known).await,
    }
}

enum Applied {
    /// Under the same key, with this receipt.
    Before(Committed),
    /// So many facts were known.
    Now { known: u64 },
}

async fn apply_changes(
    session: &Session,
    wait: Duration,
    changes: &ChangeSet,
    digest: u128,
) -> Result<Applied, Fault> {
    let key = *changes.key().as_uuid();
    // The same change set is committed by one session at a time: another one would see its own changes in its way.
    let (high, low) = key.as_u64_pair();
    let lock = i64::from_ne_bytes((high ^ low).to_ne_bytes());
    let rows = session.begin(wait, Some(lock), journal::TABLE.read, journal::FIND, &[&key]).await?;
    if let Some(first) = journal::replay(&rows, changes.key(), digest)? {
        return Ok(Applied::Before(first));
    }
    customers::put(session, changes.customers()).await?;
    lifecycles::append(session, changes.stage_changes()).await?;
    let mut known = facts::append(session, changes.consents()).await?;
    known += facts::append(session, changes.purchases()).await?;
    known += facts::append(session, changes.interactions()).await?;
    tasks::put(session, changes.tasks()).await?;
    matters::put(session, changes.matters()).await?;
    known += jobs::append(session, changes.notifications()).await?;
    jobs::settle(session, changes.settlements()).await?;
    Ok(Applied::Now { known })
}

/// Identifiers as a parameter, each once.
fn ids<T>(ids: &[T], uuid: impl Fn(&T) -> &Uuid) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.iter().map(uuid).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The first id that may stand on a page, and the number of rows; `None` where there can be none.
fn page(after: Option<Uuid>, limit: usize) -> Option<(Uuid, i64)> {
    let from = match after {
        None => Uuid::nil(),
        Some(after) => Uuid::from_u128(after.as_u128().checked_add(1)?),
    };
    (limit > 0).then(|| (from, i64::try_from(limit).unwrap_or(i64::MAX)))
}

impl Store for PostgresStore {
    async fn commit(&self, changes: &ChangeSet) -> Result<Committed, StoreError> {
        let digest = changes.digest();
        let mut answer = StoreError::Busy;
        for _ in 0..ATTEMPTS {
            match self.attempt(changes, digest).await {
                Ok(receipt) => return Ok(receipt),
                Err(Ending::InDoubt) => return Err(StoreError::OutcomeUnknown { key: changes.key() }),
                Err(Ending::Fault(Fault::Final(refusal))) => return Err(refusal),
                Err(Ending::Fault(Fault::Passing(passing))) => answer = passing,
            }
        }
        Err(answer)
    }

    async fn committed(&self, key: IdempotencyKey) -> Result<Option<Committed>, StoreError> {
        journal::receipt(&self.rows(journal::TABLE, journal::FIND, &[key.as_uuid()]).await?)
    }

    async fn customers(&self, after: Option<CustomerId>, limit: usize) -> Result<Vec<Customer>, StoreError> {
        let Some((from, rows)) = page(after.map(|id| *id.as_uuid()), limit) else { return Ok(Vec::new()) };
        self.all(customers::TABLE, &customers::page(), &[&from, &rows], customers::read).await
    }

    async fn customers_by_id(&self, ids: &[CustomerId]) -> Result<Vec<Customer>, StoreError> {
        let ids = self::ids(ids, CustomerId::as_uuid);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.all(customers::TABLE, &customers::by_id(), &[&ids], customers::read).await
    }

    async fn customer_by_identity(&self, identity: &Identity) -> Result<Option<CustomerId>, StoreError> {
        let (issuer, subject) = (identity.issuer().to_string(), identity.subject().expose());
        let read = |row: &mut Columns<'_>| row.id().map(CustomerId::new);
        let found = self.all(customers::TABLE, customers::BY_IDENTITY, &[&issuer, subject], read).await?;
        Ok(found.first().copied())
    }

    async fn lifecycles(&self, of: &[CustomerId]) -> Result<Vec<(CustomerId, LifecycleHistory)>, StoreError> {
        let of = ids(of, CustomerId::as_uuid);
        if of.is_empty() {
            return Ok(Vec::new());
        }
        lifecycles::histories(&self.rows(lifecycles::TABLE, lifecycles::OF, &[&of]).await?)
    }

    async fn consents(&self, of: &[CustomerId]) -> Result<Vec<ConsentRecord>, StoreError> {
        let of = ids(of, CustomerId::as_uuid);
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let table = ConsentRecord::TABLE;
        self.all(table, &facts::of(table), &[&of], ConsentRecord::read).await
    }

    async fn purchases(&self, of: &[CustomerId], within: Period) -> Result<Vec<Purchase>, StoreError> {
        self.within(of, within).await
    }

    async fn interactions(&self, of: &[CustomerId], within: Period) -> Result<Vec<Interaction>, StoreError> {
        self.within(of, within).await
    }

    async fn tasks(&self, after: Option<TaskId>, limit: usize) -> Result<Vec<Task>, StoreError> {
        let Some((from, rows)) = page(after.map(|id| *id.as_uuid()), limit) else { return Ok(Vec::new()) };
        self.all(tasks::TABLE, &tasks::page(), &[&from, &rows], tasks::read).await
    }

    async fn tasks_by_id(&self, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
        let ids = self::ids(ids, TaskId::as_uuid);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.all(tasks::TABLE, &tasks::by_id(), &[&ids], tasks::read).await
    }

    async fn matters(&self, after: Option<MatterId>, limit: usize) -> Result<Vec<Matter>, StoreError> {
        let Some((_, rows)) = page(None, limit) else { return Ok(Vec::new()) };
        // No kind is before the empty text.
        let (kind, id) = after.map_or(("", Uuid::nil()), |after| (after.kind(), *after.as_uuid()));
        self.all(matters::TABLE, &matters::page(), &[&kind, &id, &rows], matters::read).await
    }

    async fn matters_by_id(&self, ids: &[MatterId]) -> Result<Vec<Matter>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (kinds, ids) = matters::parts(ids.iter().copied());
        self.all(matters::TABLE, &matters::by_id(), &[&kinds, &ids], matters::read).await
    }

    async fn matters_of(&self, of: &[CustomerId]) -> Result<Vec<Matter>, StoreError> {
        let of = ids(of, CustomerId::as_uuid);
        if of.is_empty() {
            return Ok(Vec::new());
        }
        self.all(matters::TABLE, &matters::of(), &[&of], matters::read).await
    }

    async fn matters_waking(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<MatterId>, StoreError> {
        let Some((_, rows)) = page(None, limit) else { return Ok(Vec::new()) };
        // All stored instants lie within the years 1 to 9999; PostgreSQL does not know all that lie outside.
        let now = match period::instant("now", now) {
            Ok(now) => now,
            Err(_) if now < DateTime::UNIX_EPOCH => return Ok(Vec::new()),
            Err(_) => DateTime::from_timestamp_micros(LAST).unwrap_or_default(),
        };
        self.all(matters::TABLE, matters::WAKING, &[&now, &rows], matters::read_id).await
    }

    async fn jobs(&self, after: Option<IdempotencyKey>, limit: usize) -> Result<Vec<Job>, StoreError> {
        let Some((from, rows)) = page(after.map(|key| *key.as_uuid()), limit) else { return Ok(Vec::new()) };
        self.all(jobs::TABLE, &jobs::page(), &[&from, &rows], jobs::read).await
    }

    async fn claim(&self, now: DateTime<Utc>, limit: usize, lease: Duration) -> Result<Vec<Job>, StoreError> {
        let (now, until) = due::lease(now, lease)?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (mut answer, mut attempts) = (StoreError::Busy, 0);
        while attempts < ATTEMPTS {
            match self.claim_due(now, until, limit).await {
                // Behind those that were given up there may be others.
                Ok(claimed) if claimed.jobs.is_empty() && claimed.gave_up => {}
                Ok(claimed) => return Ok(claimed.jobs),
                Err(Fault::Final(refusal)) => return Err(refusal),
                Err(Fault::Passing(passing)) => {
                    answer = passing;
                    attempts += 1;
                }
            }
        }
        Err(answer)
    }
}
