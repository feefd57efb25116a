//! What a durable commit of interactions costs over bare prepared inserts of the same rows into the same schema, in CPU
//! time of the process, both in one run and in turn.

use super::cpu::{Target, cpu, figure, median};
use super::data;
use patronage::customer::CustomerId;
use patronage::interaction::Interaction;
use patronage::store::{SqliteStore, Store};
use rusqlite::{Connection, params};
use std::path::Path;
use std::time::Duration;

const CUSTOMERS: u32 = 20_000;
const INTERACTIONS: u32 = 200_000;
const BATCH: usize = 10_000;
const ROUNDS: u32 = 5;

/// A row as bare SQLite code would hold it.
struct Row {
    customer: [u8; 16],
    at: i64,
    id: [u8; 16],
    terms: [&'static str; 4],
    agent: &'static str,
    reason: String,
    outcome: &'static str,
    wait_ms: i64,
    handle_ms: i64,
    cost: i64,
    sentiment: Option<f64>,
    effort: Option<u8>,
    links: Option<String>,
}

fn plain(text: std::borrow::Cow<'static, str>) -> &'static str {
    match text {
        std::borrow::Cow::Borrowed(text) => text,
        std::borrow::Cow::Owned(_) => "",
    }
}

fn milliseconds(duration: Option<Duration>) -> i64 {
    duration.and_then(|duration| i64::try_from(duration.as_millis()).ok()).expect("it has one")
}

fn bare_row(interaction: &Interaction) -> Row {
    Row {
        customer: *interaction.customer().as_uuid().as_bytes(),
        at: interaction.at().timestamp_micros(),
        id: *interaction.id().as_uuid().as_bytes(),
        terms: [
            plain(interaction.channel().to_text()),
            plain(interaction.touchpoint().to_text()),
            plain(interaction.engagement().to_text()),
            interaction.direction().as_str(),
        ],
        agent: plain(interaction.agent().expect("it has one").to_text()),
        reason: interaction.reason().expect("it has one").to_string(),
        outcome: plain(interaction.outcome().expect("it has one").to_text()),
        wait_ms: milliseconds(interaction.wait()),
        handle_ms: milliseconds(interaction.handle_time()),
        cost: interaction.cost().expect("it has one").minor(),
        sentiment: interaction.sentiment().map(|sentiment| sentiment.score()),
        effort: interaction.effort().map(|effort| effort.answer()),
        links: (!interaction.links().is_empty())
            .then(|| serde_json::to_string(interaction.links()).expect("it can be written")),
    }
}

/// Plain prepared inserts, 10,000 in a transaction.
fn bare_inserts(connection: &mut Connection, rows: &[Row]) {
    for batch in rows.chunks(BATCH) {
        let transaction = connection.transaction().expect("a transaction");
        let mut insert = transaction
            .prepare_cached(
                "INSERT INTO interactions (customer, at, id, channel, touchpoint, engagement, direction, agent, \
                 served_by, reason, outcome, escalated_to, unanswered_because, wait_ms, handle_ms, transfers, \
                 cost_minor, cost_currency, sentiment, sentiment_source, sentiment_confidence, effort, \
                 effort_scale, effort_direction, links) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
                 ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)",
            )
            .expect("it fits the schema");
        for row in batch {
            let none = None::<&str>;
            let [channel, touchpoint, engagement, direction] = row.terms;
            insert
                .execute(params![
                    row.customer,
                    row.at,
                    row.id,
                    channel,
                    touchpoint,
                    engagement,
                    direction,
                    row.agent,
                    none,
                    row.reason,
                    row.outcome,
                    none,
                    none,
                    row.wait_ms,
                    row.handle_ms,
                    0,
                    row.cost,
                    "EUR",
                    row.sentiment,
                    row.sentiment.map(|_| "agent_note"),
                    row.sentiment.map(|_| 1.0),
                    row.effort,
                    row.effort.map(|_| 7),
                    row.effort.map(|_| "easy_is_high"),
                    row.links,
                ])
                .expect("a new row");
        }
        drop(insert);
        transaction.commit().expect("a commit");
    }
}

/// A new file with the customers in it.
fn prepare(path: &Path, customers: &[CustomerId]) -> SqliteStore {
    let store = SqliteStore::open(path).expect("a store");
    pollster::block_on(store.commit(&data::introduction(customers))).expect("a commit");
    store
}

/// The same settings as the store.
fn open_bare(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a file");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; \
             PRAGMA cache_size = -16384;",
        )
        .expect("settings");
    connection
}

pub fn figures() {
    let customers = data::customers(CUSTOMERS);
    let interactions = data::interactions(&customers, INTERACTIONS);
    let rows: Vec<Row> = interactions.iter().map(bare_row).collect();
    let change_sets = data::batches(&interactions, BATCH);
    let (mut ours, mut ratios) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().expect("a folder");
        let (here, there) = (folder.path().join("ours.sqlite"), folder.path().join("bare.sqlite"));
        let store = prepare(&here, &customers);
        drop(prepare(&there, &customers));
        let mut connection = open_bare(&there);
        let commit = || {
            let start = cpu();
            for changes in &change_sets {
                pollster::block_on(store.commit(changes)).expect("a commit");
            }
            (cpu() - start).as_secs_f64()
        };
        let mut insert = || {
            let start = cpu();
            bare_inserts(&mut connection, &rows);
            (cpu() - start).as_secs_f64()
        };
        // In turn, so that neither always finds the warmer machine.
        let (us, them) = if round % 2 == 0 {
            let us = commit();
            (us, insert())
        } else {
            let them = insert();
            (commit(), them)
        };
        ours.push(us);
        ratios.push(us / them);
    }
    let each = median(ours) * 1e6 / f64::from(INTERACTIONS);
    figure(
        "interactions committed to SQLite, durable, batches of 10,000",
        1.0 / each,
        "million/s",
        Target::AtLeast(0.0),
    );
    figure("SQLite commit against bare rusqlite inserts, CPU", median(ratios), "times", Target::AtMost(1.3));
}
