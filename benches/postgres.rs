//! What the PostgreSQL store does in a second, on the server of `PATRONAGE_POSTGRES_URL`: wall time, because most of the
//! work is the server's. Prints one line for each figure, as `--bench figures` does.
//!
//! `.ci/postgres run cargo bench --all-features --bench postgres`, with `jobs` or `copy` for one of them.

#![allow(missing_docs, reason = "a bench has no readers of its documentation")]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::pedantic,
    unreachable_pub,
    dead_code,
    reason = "a bench prints, reads clocks, and stops where it cannot measure"
)]

#[path = "measure/cpu.rs"]
mod cpu;
#[path = "measure/data.rs"]
mod data;

use cpu::{Target, figure, median};
use patronage::desk::{Desk, Settings};
use patronage::notification::{Notification, Recipient};
use patronage::notify::MemoryNotifier;
use patronage::store::{ChangeSet, PostgresOptions, PostgresStore, Store};
use patronage::{IdempotencyKey, Tag};
use std::time::Instant;

const JOBS: usize = 20_000;
const WORKERS: usize = 4;
const ROUNDS: usize = 3;
const CUSTOMERS: u32 = 20_000;
const INTERACTIONS: u32 = 1_000_000;
const BATCH: usize = 100_000;

fn main() {
    let mut asked: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Ok(url) = std::env::var("PATRONAGE_POSTGRES_URL") else {
        println!("# PATRONAGE_POSTGRES_URL names no server: nothing is measured");
        return;
    };
    // `cargo test --benches` runs every bench with this argument: then one that only prints has nothing to do.
    if asked.iter().any(|argument| argument == "--test") {
        return;
    }
    if asked.is_empty() {
        asked = ["jobs", "copy"].map(str::to_owned).into();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .expect("a runtime");
    for figure in asked {
        match figure.as_str() {
            "jobs" => runtime.block_on(jobs(&url)),
            "copy" => runtime.block_on(copy(&url)),
            other => println!("# there is no figure {other}"),
        }
    }
}

async fn fresh(url: &str, schema: &str) -> PostgresStore {
    drop_schema(url, schema).await;
    let options = PostgresOptions::new().schema(schema).expect("a name").connections(WORKERS);
    options.connect(url).await.expect("a server")
}

async fn drop_schema(url: &str, schema: &str) {
    let (client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let drop = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; VACUUM");
    for sql in drop.split("; ") {
        client.batch_execute(sql).await.expect("a superuser");
    }
}

/// Claim, deliver to memory, complete: four workers on one store, until nothing is due.
async fn jobs(url: &str) {
    let now = "2026-01-01T00:00:00Z".parse().expect("an instant");
    let mut rates = Vec::new();
    for round in 0..ROUNDS {
        let store = fresh(url, "bench_jobs").await;
        let told = (0..JOBS).map(|n| {
            let key = IdempotencyKey::derive(&["bench", &round.to_string(), &n.to_string()]);
            let to = Recipient::Staff(Tag::literal("team"));
            Notification::new(key, to, Tag::literal("bench"), now).expect("an instant in range")
        });
        let key = IdempotencyKey::derive(&["bench", &round.to_string()]);
        let all = ChangeSet::new(key, now, Tag::literal("bench")).expect("in range").with_notifications(told);
        let _ = store.commit(&all).await.expect("a commit");
        let start = Instant::now();
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let desk = Desk::new(store.clone(), MemoryNotifier::new(), Settings::default());
                tokio::spawn(async move { desk.run_due(now).await.expect("deliveries").delivered })
            })
            .collect();
        let mut delivered = 0;
        for worker in workers {
            delivered += worker.await.expect("a worker");
        }
        assert_eq!(delivered, JOBS as u64, "each job once");
        rates.push(JOBS as f64 / start.elapsed().as_secs_f64());
    }
    drop_schema(url, "bench_jobs").await;
    figure(
        "PostgreSQL, jobs claimed, delivered and completed by 4 workers",
        median(rates),
        "jobs/s",
        Target::AtLeast(3000.0),
    );
}

async fn copy(url: &str) {
    let customers = data::customers(CUSTOMERS);
    let interactions = data::interactions(&customers, INTERACTIONS);
    let batches = data::batches(&interactions, BATCH);
    drop(interactions);
    let store = fresh(url, "bench_copy").await;
    let _ = store.commit(&data::introduction(&customers)).await.expect("a commit");
    let start = Instant::now();
    for batch in &batches {
        let _ = store.commit(batch).await.expect("a commit");
    }
    let rate = f64::from(INTERACTIONS) / start.elapsed().as_secs_f64();
    let start = Instant::now();
    for batch in &batches {
        assert!(store.commit(batch).await.expect("a commit").replayed);
    }
    let again = f64::from(INTERACTIONS) / start.elapsed().as_secs_f64();
    drop_schema(url, "bench_copy").await;
    figure(
        "PostgreSQL, interactions committed in batches of 100,000",
        rate,
        "rows/s",
        Target::AtLeast(20_000.0),
    );
    println!("# the same batches again, which are known: {again:.0} rows/s");
}
