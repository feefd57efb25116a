//! Growth of the main computations with their size: `cargo bench --all-features --bench speed`.

#![allow(missing_docs, reason = "a bench has no readers of its documentation")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::pedantic,
    unreachable_pub,
    dead_code,
    reason = "a bench stops where it cannot measure, and shares its data with another"
)]

#[path = "measure/data.rs"]
mod data;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use patronage::segment::{RfmBreaks, RfmColumns, RfmScoreColumns};
use patronage::store::{ChangeSet, MemoryStore, SqliteStore, Store};
use patronage::value::{BgNbd, Buyers, PurchaseModel};
use std::hint::black_box;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn history(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("purchase history from a log");
    for size in SIZES {
        let log = data::log((size / 10) as u32, size);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_with_input(BenchmarkId::from_parameter(size), &log, |b, log| {
            b.iter(|| data::summaries(log))
        });
    }
}

fn rfm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("RFM scores");
    for size in SIZES {
        let data = data::rfm(size);
        let columns =
            RfmColumns::new(&data.recency_days, &data.purchases, &data.spend_minor).expect("valid columns");
        let breaks = RfmBreaks::from_columns(columns, &mut Vec::new()).expect("enough rows");
        let mut scores = RfmScoreColumns::default();
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| breaks.score_into(black_box(columns), &mut scores));
        });
    }
}

fn fit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("BG/NBD fit");
    group.sample_size(10);
    for size in SIZES {
        let data = data::buyers(size);
        let buyers = Buyers::new(&data.frequency, &data.recency, &data.age).expect("valid columns");
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| BgNbd::fit(black_box(buyers).iter()))
        });
    }
}

fn p_alive(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("P(alive)");
    let model = BgNbd::new(0.243, 4.414, 0.793, 2.426).expect("valid parameters");
    for size in SIZES {
        let data = data::buyers(size);
        let buyers = Buyers::new(&data.frequency, &data.recency, &data.age).expect("valid columns");
        let mut out = vec![0.0; size];
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| model.p_alive_into(black_box(buyers), &mut out));
        });
    }
}

fn record(store: &impl Store, changes: &ChangeSet) {
    pollster::block_on(store.commit(changes)).expect("a commit");
}

fn commit(criterion: &mut Criterion) {
    let customers = data::customers(1_000);
    let mut group = criterion.benchmark_group("commit");
    group.sample_size(10);
    for size in SIZES {
        let interactions = data::interactions(&customers, size as u32);
        let batches = data::batches(&interactions, 10_000);
        group.throughput(Throughput::Elements(size as u64));
        let all = |store: &dyn Fn(&ChangeSet)| batches.iter().for_each(store);
        group.bench_function(BenchmarkId::new("memory", size), |b| {
            b.iter_batched(
                || {
                    let store = MemoryStore::new();
                    pollster::block_on(store.commit(&data::introduction(&customers))).expect("a commit");
                    store
                },
                |store| all(&|batch| record(&store, batch)),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(BenchmarkId::new("SQLite", size), |b| {
            b.iter_batched(
                || {
                    let folder = tempfile::tempdir().expect("a folder");
                    let store = SqliteStore::open(folder.path().join("bench.sqlite")).expect("a store");
                    pollster::block_on(store.commit(&data::introduction(&customers))).expect("a commit");
                    (folder, store)
                },
                |(_folder, store)| all(&|batch| record(&store, batch)),
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group!(benches, history, rfm, fit, p_alive, commit);
criterion_main!(benches);
