//! How do I keep everything my own way? A store that appends each change set to a log file, one line of JSON, and
//! answers from memory: `cargo run --example bring_your_own_store`. It passes the suite that every store must pass.

use patronage::case::{Matter, MatterId};
use patronage::consent::ConsentRecord;
use patronage::customer::{Customer, CustomerId, CustomerKind, Identity};
use patronage::interaction::Interaction;
use patronage::lifecycle::LifecycleHistory;
use patronage::notification::Job;
use patronage::purchase::Purchase;
use patronage::store::{ChangeSet, Committed, MemoryStore, Store, StoreError};
use patronage::task::{Task, TaskId};
use patronage::{IdempotencyKey, Period, Tag};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Everything that changes a store is one of two calls; replaying them in order rebuilds it.
#[derive(Serialize, Deserialize)]
enum Line {
    Commit(ChangeSet),
    Claim { now: DateTime<Utc>, limit: usize, lease: Duration },
}

/// A log file, and what it comes to.
#[derive(Debug)]
pub(crate) struct LogStore {
    log: Mutex<File>,
    state: MemoryStore,
}

impl LogStore {
    /// Opens a log, or begins one, and replays it.
    ///
    /// # Errors
    /// When the file cannot be read, or holds a line that is none of a log.
    pub(crate) fn open(path: &Path) -> Result<Self, Box<dyn Error>> {
        let state = MemoryStore::new();
        let log = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        for line in BufReader::new(&log).lines() {
            match serde_json::from_str(&line?)? {
                Line::Commit(changes) => {
                    pollster::block_on(state.commit(&changes))?;
                }
                Line::Claim { now, limit, lease } => {
                    pollster::block_on(state.claim(now, limit, lease))?;
                }
            }
        }
        Ok(Self { log: Mutex::new(log), state })
    }

    /// Applies a change in memory, and keeps the line once it is known to be taken; all under one lock.
    fn write<T>(&self, line: &Line, apply: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let unusable = |_| StoreError::Unusable { problem: "a change cannot be written as JSON" };
        let mut text = serde_json::to_string(line).map_err(unusable)?;
        text.push('\n');
        let answer = apply()?;
        // What memory took and the log did not is unknown to a reader after a crash: say so.
        let written = log.write_all(text.as_bytes()).and_then(|()| log.sync_data());
        written.map_err(|_| match line {
            Line::Commit(changes) => StoreError::OutcomeUnknown { key: changes.key() },
            Line::Claim { .. } => StoreError::Backend { operation: "write the log", code: 0.into() },
        })?;
        Ok(answer)
    }
}

impl Store for LogStore {
    async fn commit(&self, changes: &ChangeSet) -> Result<Committed, StoreError> {
        self.write(&Line::Commit(changes.clone()), || pollster::block_on(self.state.commit(changes)))
    }

    async fn claim(&self, now: DateTime<Utc>, limit: usize, lease: Duration) -> Result<Vec<Job>, StoreError> {
        let line = Line::Claim { now, limit, lease };
        self.write(&line, || pollster::block_on(self.state.claim(now, limit, lease)))
    }

    async fn committed(&self, key: IdempotencyKey) -> Result<Option<Committed>, StoreError> {
        self.state.committed(key).await
    }

    async fn customers(&self, after: Option<CustomerId>, limit: usize) -> Result<Vec<Customer>, StoreError> {
        self.state.customers(after, limit).await
    }

    async fn customers_by_id(&self, ids: &[CustomerId]) -> Result<Vec<Customer>, StoreError> {
        self.state.customers_by_id(ids).await
    }

    async fn customer_by_identity(&self, identity: &Identity) -> Result<Option<CustomerId>, StoreError> {
        self.state.customer_by_identity(identity).await
    }

    async fn lifecycles(&self, of: &[CustomerId]) -> Result<Vec<(CustomerId, LifecycleHistory)>, StoreError> {
        self.state.lifecycles(of).await
    }

    async fn consents(&self, of: &[CustomerId]) -> Result<Vec<ConsentRecord>, StoreError> {
        self.state.consents(of).await
    }

    async fn purchases(&self, of: &[CustomerId], within: Period) -> Result<Vec<Purchase>, StoreError> {
        self.state.purchases(of, within).await
    }

    async fn interactions(&self, of: &[CustomerId], within: Period) -> Result<Vec<Interaction>, StoreError> {
        self.state.interactions(of, within).await
    }

    async fn tasks(&self, after: Option<TaskId>, limit: usize) -> Result<Vec<Task>, StoreError> {
        self.state.tasks(after, limit).await
    }

    async fn tasks_by_id(&self, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
        self.state.tasks_by_id(ids).await
    }

    async fn matters(&self, after: Option<MatterId>, limit: usize) -> Result<Vec<Matter>, StoreError> {
        self.state.matters(after, limit).await
    }

    async fn matters_by_id(&self, ids: &[MatterId]) -> Result<Vec<Matter>, StoreError> {
        self.state.matters_by_id(ids).await
    }

    async fn matters_of(&self, of: &[CustomerId]) -> Result<Vec<Matter>, StoreError> {
        self.state.matters_of(of).await
    }

    async fn matters_waking(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<MatterId>, StoreError> {
        self.state.matters_waking(now, limit).await
    }

    async fn jobs(&self, after: Option<IdempotencyKey>, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.state.jobs(after, limit).await
    }
}

/// Prints the answer to `out`, keeping the log at `path`.
///
/// # Errors
/// When the log cannot be used.
pub(crate) fn run(path: &Path, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let now = "2026-03-01T10:00:00Z".parse()?;
    let ada =
        Customer::new(CustomerId::derive(&["shop", "17"]), CustomerKind::Person, now)?.with_name("Ada")?;
    let changes =
        ChangeSet::new(IdempotencyKey::derive(&["sign-up", "17"]), now, Tag::literal("shop"))?.customer(ada);
    pollster::block_on(async {
        for attempt in ["first", "second"] {
            // Opened anew each time: what was committed is read back from the log.
            let store = LogStore::open(path)?;
            let committed = store.commit(&changes).await?;
            let customers = store.customers(None, 10).await?;
            writeln!(
                out,
                "{attempt} commit: number {}, replayed: {}, customers: {}",
                committed.sequence,
                committed.replayed,
                customers.len()
            )?;
        }
        Ok(())
    })
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join("patronage_store.log");
    run(&path, &mut std::io::stdout().lock())
}
