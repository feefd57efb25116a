//! Measures every figure that the project promises, and prints one line for each: `figure`, name, value, unit, target,
//! `met` or `missed`, separated by tabs. CPU time of the process, the median of several runs; the machine is yours.
//!
//! `cargo bench --all-features --bench figures`

#![allow(missing_docs, reason = "a bench has no readers of its documentation")]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::pedantic,
    unreachable_pub,
    dead_code,
    reason = "a bench prints, reads clocks, and stops where it cannot measure"
)]

#[path = "measure/bayes.rs"]
mod bayes;
#[path = "measure/cpu.rs"]
mod cpu;
#[path = "measure/data.rs"]
mod data;
#[path = "measure/deliveries.rs"]
mod deliveries;
#[path = "measure/events.rs"]
mod events;
#[path = "measure/feedback.rs"]
mod feedback;
#[path = "measure/journeys.rs"]
mod journeys;
#[path = "measure/loyalty.rs"]
mod loyalty;
#[path = "measure/outreach.rs"]
mod outreach;
#[path = "measure/peers.rs"]
mod peers;
#[path = "measure/review.rs"]
mod review;
#[path = "measure/segment.rs"]
mod segment;
#[path = "measure/service.rs"]
mod service;
#[path = "measure/sqlite.rs"]
mod sqlite;
#[path = "measure/uncertainty.rs"]
mod uncertainty;
#[path = "measure/value.rs"]
mod value;

use cpu::{Target, figure, seconds};
use patronage::segment::{RfmBreaks, RfmColumns, RfmScoreColumns};
use patronage::store::{MemoryStore, Store};
use std::hint::black_box;

fn main() {
    // `cargo test --benches` runs every bench with this argument: then one that only prints has nothing to do.
    if std::env::args().any(|argument| argument == "--test") || review::is_child() {
        return;
    }
    // With the feature `parallel`, fits use rayon's pool: one thread, as the figures say.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    if pool.install(peers::is_asked) {
        return;
    }
    segments();
    segment::figures();
    pool.install(value::figures);
    pool.install(uncertainty::figures);
    journeys::figures();
    feedback::figures();
    loyalty::figures();
    service::figures();
    outreach::figures();
    pool.install(bayes::figures);
    memory();
    sqlite::figures();
    deliveries::figures();
    review::figures();
}

fn segments() {
    let rows = 1_000_000;
    let data = data::rfm(rows);
    let columns =
        RfmColumns::new(&data.recency_days, &data.purchases, &data.spend_minor).expect("valid columns");
    let mut scratch = Vec::new();
    let breaks = RfmBreaks::from_columns(columns, &mut scratch).expect("enough rows");
    let mut scores = RfmScoreColumns::default();
    let score = seconds(11, || breaks.score_into(black_box(columns), &mut scores));
    figure(
        "RFM scores from columns, 1,000,000 rows",
        score * 1e9 / rows as f64,
        "ns/row",
        Target::AtMost(5.0),
    );
    let find = seconds(11, || RfmBreaks::from_columns(black_box(columns), &mut scratch));
    figure(
        "RFM break points, 1,000,000 rows, three axes",
        find * 1e9 / rows as f64,
        "ns/row",
        Target::AtMost(15.0),
    );
}

fn memory() {
    let customers = data::customers(100_000);
    let interactions = data::interactions(&customers, 1_000_000);
    let batches = data::batches(&interactions, 10_000);
    drop(interactions);
    let runs = (0..5).map(|_| {
        let store = MemoryStore::new();
        pollster::block_on(store.commit(&data::introduction(&customers))).expect("a commit");
        let start = cpu::cpu();
        for batch in &batches {
            pollster::block_on(store.commit(batch)).expect("a commit");
        }
        (cpu::cpu() - start).as_secs_f64()
    });
    let seconds = cpu::median(runs.collect());
    figure(
        "interactions committed to memory, batches of 10,000",
        1.0 / seconds,
        "million/s",
        Target::AtLeast(1.0),
    );
}
