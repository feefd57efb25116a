use super::fault::{Fault, failed, is_refusal};
use super::value::Value;
use deadpool_postgres::Object;
use futures_util::future::{join, join4, try_join_all};
use postgres_types::ToSql;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_postgres::{Row, Statement};

/// Whatever the server's defaults are: rows are locked where it matters, so that this gives what serialisable gives,
/// without its false alarms.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// Settings of one transaction. A commit that is acknowledged is on disk, whatever the defaults of server, role or
/// database say; and a process that stands still holds its locks for half a minute at most.
const SETTINGS: &str = "SELECT set_config('lock_timeout', $1, true), \
     set_config('idle_in_transaction_session_timeout', '30000', true), \
     set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' \
     ELSE current_setting('synchronous_commit') END, true)";
const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";

/// The texts above that are prepared.
pub(super) const SQL: &[&str] = &[SETTINGS, LOCK];

pub(super) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection of the pool, and the transaction on it. Where that is still open in the end, because the call was dropped
/// or nobody knows what became of it, the connection is closed instead of going back to the pool.
pub(super) struct Session {
    object: Option<Object>,
    schema: Arc<str>,
    open: AtomicBool,
}

/// How the end of a transaction went wrong.
pub(super) enum Ending {
    /// It did not take effect.
    Fault(Fault),
    /// Nobody knows.
    InDoubt,
}

impl Session {
    pub(super) fn new(object: Object, schema: Arc<str>) -> Self {
        Self { object: Some(object), schema, open: AtomicBool::new(false) }
    }

    pub(super) fn client(&self) -> Result<&Object, Fault> {
        self.object.as_ref().ok_or(Fault::OVERTAKEN)
    }

    /// A text with the schema before each name that is marked by `@`. No other `@` stands in the texts of this adapter.
    pub(super) fn in_schema(&self, sql: &str) -> String {
        sql.replace('@', &self.schema)
    }

    pub(super) async fn prepared(&self, operation: &'static str, sql: &str) -> Result<Statement, Fault> {
        self.client()?.prepare_cached(&self.in_schema(sql)).await.map_err(failed(operation))
    }

    /// The rows of a query.
    pub(super) async fn rows(
        &self,
        operation: &'static str,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let statement = self.prepared(operation, sql).await?;
        self.client()?.query(&statement, parameters).await.map_err(failed(operation))
    }

    /// Runs a statement that changes rows and returns how many.
    pub(super) async fn execute(
        &self,
        operation: &'static str,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Fault> {
        let statement = self.prepared(operation, sql).await?;
        self.client()?.execute(&statement, parameters).await.map_err(failed(operation))
    }

    /// Runs a statement for each row, all of them in one round trip, and returns how many rows changed.
    pub(super) async fn execute_each(
        &self,
        operation: &'static str,
        sql: &str,
        rows: Vec<Vec<Value<'_>>>,
    ) -> Result<u64, Fault> {
        let statement = self.prepared(operation, sql).await?;
        let client = self.client()?;
        let each = rows.into_iter().map(|row| client.execute_raw(&statement, row));
        Ok(try_join_all(each).await.map_err(failed(operation))?.iter().sum())
    }

    /// Begins a transaction, waits for a lock of its own where one is given, and asks a first question: in one round
    /// trip.
    pub(super) async fn begin(
        &self,
        wait: Duration,
        lock: Option<i64>,
        operation: &'static str,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let settings = self.prepared("begin", SETTINGS).await?;
        let locking = self.prepared("begin", LOCK).await?;
        let question = self.prepared(operation, sql).await?;
        let client = self.client()?;
        // Zero would mean to wait for ever.
        let wait = wait.as_millis().max(1).to_string();
        self.open.store(true, Ordering::Relaxed);
        let setting: Parameters<'_> = &[&wait];
        let (begun, set, locked, answer) = join4(
            client.batch_execute(BEGIN),
            client.query(&settings, setting),
            async {
                match lock {
                    Some(lock) => client.query(&locking, &[&lock]).await.map(|_| ()),
                    None => Ok(()),
                }
            },
            client.query(&question, parameters),
        )
        .await;
        begun.map_err(failed("begin"))?;
        set.map_err(failed("begin"))?;
        locked.map_err(failed("wait for its turn"))?;
        answer.map_err(failed(operation))
    }

    /// Ends the transaction.
    pub(super) async fn commit(&self) -> Result<(), Ending> {
        let client = self.client().map_err(Ending::Fault)?;
        match client.batch_execute(COMMIT).await {
            Ok(()) => {
                self.open.store(false, Ordering::Relaxed);
                Ok(())
            }
            Err(error) if is_refusal(&error) => Err(Ending::Fault(failed("commit")(error))),
            Err(_) => Err(Ending::InDoubt),
        }
    }

    /// Writes one last row, reads what comes back, and ends the transaction: in one round trip.
    pub(super) async fn commit_with(
        &self,
        operation: &'static str,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Row, Ending> {
        let statement = self.prepared(operation, sql).await.map_err(Ending::Fault)?;
        let client = self.client().map_err(Ending::Fault)?;
        match join(client.query_one(&statement, parameters), self.commit()).await {
            (Ok(row), Ok(())) => Ok(row),
            (Ok(_), Err(ending)) => Err(ending),
            // Where the server refused the row, it took the end of the transaction for a rollback.
            (Err(error), _) if error.code().is_some() => Err(Ending::Fault(failed(operation)(error))),
            (Err(_), _) => Err(Ending::InDoubt),
        }
    }

    /// Takes back what the transaction did, where there is one.
    pub(super) async fn roll_back(&self) {
        if self.open.load(Ordering::Relaxed)
            && let Ok(client) = self.client()
            && client.batch_execute(ROLLBACK).await.is_ok()
        {
            self.open.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.open.load(Ordering::Relaxed)
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}
