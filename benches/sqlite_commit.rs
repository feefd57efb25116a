//! What a durable commit of interactions costs over bare prepared inserts of the same rows into the same schema, in CPU
//! time of the process, both in one run and in turn.
//!
//! Prints one line for each figure: `figure`, name, value, unit, target, `met` or `missed`, separated by tabs.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a bench prints, and stops where it cannot measure"
)]

use patronage::customer::{Customer, CustomerId, CustomerKind};
use patronage::interaction::{
    Agent, Channel, Direction, Effort, EffortDirection, Engagement, Interaction, InteractionId, Link,
    Outcome, Sentiment, Touchpoint,
};
use patronage::purchase::PurchaseId;
use patronage::store::{ChangeSet, SqliteStore, Store};
use patronage::{Currency, IdempotencyKey, Money, Share, Tag};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, params};
use std::path::Path;
use std::time::Duration;

const CUSTOMERS: u32 = 20_000;
const BATCHES: u32 = 20;
const BATCH: u32 = 10_000;
const ROUNDS: u32 = 5;

/// User and system time of the process so far, in seconds (Linux).
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the process has a status");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<f64>().expect("ticks");
    (ticks(11) + ticks(12)) / 100.0
}

fn interactions(random: &mut ChaCha8Rng, customers: &[CustomerId]) -> Vec<Interaction> {
    let reasons = ["late_delivery", "wrong_invoice", "how_to", "cancel"].map(Tag::literal);
    let channels = [Channel::Web, Channel::Mobile, Channel::Store, Channel::CallCentre];
    let touchpoints =
        [Touchpoint::PhoneCallCentre, Touchpoint::Email, Touchpoint::Chat, Touchpoint::SelfService];
    let engagements =
        [Engagement::Support, Engagement::Billing, Engagement::Ordering, Engagement::Fulfilment];
    let outcomes = [Outcome::Resolved, Outcome::FollowUp, Outcome::Abandoned, Outcome::Sale];
    (0..BATCHES * BATCH)
        .map(|row| {
            let mut pick = || random.random_range(0..4_usize);
            let (channel, touchpoint) = (channels[pick()], touchpoints[pick()]);
            let (engagement, reason, outcome) = (engagements[pick()], reasons[pick()], outcomes[pick()]);
            let second = 1_700_000_000 + i64::from(row) * 31;
            let at = chrono::DateTime::from_timestamp(second, 0).expect("in range");
            let customer = customers[random.random_range(0..customers.len())];
            let mut built =
                Interaction::builder(InteractionId::derive(&["pbx", &row.to_string()]), customer, at)
                    .at_place(channel, touchpoint, engagement)
                    .direction(Direction::Inbound)
                    .agent(Agent::Person)
                    .reason(reason)
                    .outcome(outcome)
                    .wait(Duration::from_millis(random.random_range(0..600_000)))
                    .handle_time(Duration::from_millis(random.random_range(0..900_000)))
                    .cost(Money::new(random.random_range(10..2_000), Currency::EUR));
            if row % 4 == 0 {
                let score = random.random_range(-1.0..1.0);
                let sentiment = Sentiment::new(score, Tag::literal("agent_note"), Share::ONE);
                built = built.sentiment(sentiment.expect("in range"));
            }
            if row % 5 == 0 {
                let effort = Effort::new(random.random_range(1..=7), 7, EffortDirection::EasyIsHigh);
                built = built.effort(effort.expect("on the scale"));
            }
            if row % 10 == 0 {
                built = built.link(Link::Purchase(PurchaseId::derive(&["shop", &row.to_string()])));
            }
            built.build().expect("a valid interaction")
        })
        .collect()
}

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
    for batch in rows.chunks(BATCH as usize) {
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
    let now = "2026-03-01T00:00:00Z".parse().expect("an instant");
    let known = customers.iter().map(|&id| Customer::new(id, CustomerKind::Person, now).expect("valid"));
    let changes = ChangeSet::new(IdempotencyKey::derive(&["customers"]), now, Tag::literal("bench"))
        .expect("valid")
        .with_customers(known);
    let store = SqliteStore::open(path).expect("a store");
    let _ = pollster::block_on(store.commit(&changes)).expect("a commit");
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

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let customers: Vec<CustomerId> =
        (0..CUSTOMERS).map(|customer| CustomerId::derive(&["shop", &customer.to_string()])).collect();
    let interactions = interactions(&mut random, &customers);
    let rows: Vec<Row> = interactions.iter().map(bare_row).collect();
    let now = "2026-03-01T00:00:00Z".parse().expect("an instant");
    let change_sets: Vec<ChangeSet> = (0_u32..)
        .zip(interactions.chunks(BATCH as usize))
        .map(|(batch, facts)| {
            ChangeSet::new(IdempotencyKey::derive(&[&batch.to_string()]), now, Tag::literal("bench"))
                .expect("valid")
                .with_interactions(facts.iter().cloned())
        })
        .collect();
    let (mut ours, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().expect("a folder");
        let (here, there) = (folder.path().join("ours.sqlite"), folder.path().join("bare.sqlite"));
        let store = prepare(&here, &customers);
        drop(prepare(&there, &customers));
        let mut connection = open_bare(&there);
        let commit = || {
            let start = cpu();
            for changes in &change_sets {
                let _ = pollster::block_on(store.commit(changes)).expect("a commit");
            }
            cpu() - start
        };
        let mut insert = || {
            let start = cpu();
            bare_inserts(&mut connection, &rows);
            cpu() - start
        };
        // In turn, so that neither always finds the warmer machine.
        let (us, them) = if round % 2 == 0 {
            let us = commit();
            (us, insert())
        } else {
            let them = insert();
            (commit(), them)
        };
        eprintln!("{us:.2} {them:.2}");
        ours.push(us);
        bare.push(them);
        ratios.push(us / them);
    }
    let count = f64::from(BATCHES * BATCH);
    let (ours, bare, ratio) = (median(ours), median(bare), median(ratios));
    println!("figure\tsqlite commit, CPU for an interaction\t{:.2}\tus\t-\tmet", ours * 1e6 / count);
    println!("figure\tbare rusqlite insert, CPU for an interaction\t{:.2}\tus\t-\tmet", bare * 1e6 / count);
    let verdict = if ratio <= 1.3 { "met" } else { "missed" };
    println!("figure\tsqlite commit against bare rusqlite, CPU\t{ratio:.3}\ttimes\t1.3\t{verdict}");
}
