//! The PostgreSQL store keeps the contract, agrees with the reference, and does what it says about connections, workers
//! and servers. The tests use the server of `PATRONAGE_POSTGRES_URL`, each in schemas of its own.
#![cfg(all(feature = "postgres", feature = "conformance"))]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop here")]

use futures_util::future::join_all;
use patronage::store::conformance::{self, Dump, agree, dump};
use patronage::store::{MemoryStore, PostgresOptions, PostgresStore, SharedStore, Store};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tokio_postgres::NoTls;

/// The server of the tests, or `None` where they are not wanted.
fn url() -> Option<String> {
    if std::env::var_os("PATRONAGE_SKIP_POSTGRES").is_some() {
        return None;
    }
    Some(std::env::var("PATRONAGE_POSTGRES_URL").expect(
        "PATRONAGE_POSTGRES_URL names no PostgreSQL server for the tests: run them by `.ci/postgres run cargo test ...`, \
         which starts a throw-away one (README, \"PostgreSQL\"), or set PATRONAGE_SKIP_POSTGRES=1",
    ))
}

/// New schemas on the server, which go with it.
struct Schemas {
    url: String,
    made: Mutex<Vec<String>>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Schemas {
    fn new(url: String) -> Self {
        Self { url, made: Mutex::default() }
    }

    fn name(&self) -> String {
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.made.lock().unwrap().push(name.clone());
        name
    }

    fn options(&self) -> PostgresOptions {
        PostgresOptions::new().schema(&self.name()).unwrap().connections(8)
    }

    async fn store(&self) -> PostgresStore {
        self.options().connect(&self.url).await.unwrap()
    }

    async fn sql(&self, sql: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        client
    }
}

impl Drop for Schemas {
    fn drop(&mut self) {
        let url = self.url.clone();
        let names = std::mem::take(&mut *self.made.lock().unwrap());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                tokio::spawn(connection);
                for name in names {
                    client.batch_execute(&format!("DROP SCHEMA IF EXISTS {name} CASCADE")).await.unwrap();
                }
            });
        });
        let _ = dropped.join();
    }
}

macro_rules! schemas {
    () => {
        match url() {
            Some(url) => Schemas::new(url),
            None => return,
        }
    };
}

async fn content(store: &impl Store) -> Dump {
    dump(store).await.unwrap()
}

// ---------------------------------------------------------------- the contract

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract() {
    let schemas = schemas!();
    conformance::check_store(|| schemas.store()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_shared_in_a_spawned_task() {
    let schemas = Arc::new(schemas!());
    let fresh = move || {
        let schemas = Arc::clone(&schemas);
        async move { SharedStore::new(schemas.store().await) }
    };
    tokio::spawn(conformance::check_store(fresh)).await.unwrap();
}

/// The same random steps in memory and on the server: every answer and the whole content after each step are equal, and
/// still are when the store is opened again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_agrees_with_the_reference() {
    let schemas = schemas!();
    join_all((0..8).map(|seed| {
        let options = schemas.options();
        let url = &schemas.url;
        async move {
            let memory = MemoryStore::new();
            let store = options.clone().connect(url).await.unwrap();
            agree(&memory, &store, 100 + seed, 120).await.unwrap();
            drop(store);
            assert_eq!(content(&options.connect(url).await.unwrap()).await, content(&memory).await);
        }
    }))
    .await;
}
