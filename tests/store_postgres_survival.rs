//! Eight workers on one PostgreSQL store. Change sets are recorded, some of them refused; workers are killed without
//! warning, and so is the server. Every notification of a recorded change set is sent, none of a refused one, hardly any
//! twice, and what a dead worker held comes back when its lease ends.
//!
//! `PATRONAGE_SURVIVAL=100000,120,6` (jobs, kills, restarts) makes it large:
//! `PATRONAGE_SURVIVAL=100000,120,6 cargo test --release --all-features --test store_postgres_survival -- --nocapture`
#![cfg(all(feature = "postgres", unix))]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop here")]
#![expect(clippy::cast_precision_loss, reason = "counts of a test are small")]
#![expect(clippy::disallowed_methods, reason = "the clock of a test is the real one")]

use chrono::{DateTime, Utc};
use patronage::customer::{Customer, CustomerId, CustomerKind};
use patronage::desk::{Desk, Settings};
use patronage::notification::{JobState, Notification, Recipient, Settlement};
use patronage::notify::{DeliveryError, Message, Notifier};
use patronage::store::{ChangeSet, PostgresOptions, PostgresStore, Store, StoreError};
use patronage::{IdempotencyKey, Tag};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const WORKERS: usize = 8;
const LEASE: Duration = Duration::from_secs(2);
/// How much later than its lease a job may come back: in the gate, which runs beside other work, a little more.
const LATE: Duration = Duration::from_secs(1);
const LATE_IN_THE_GATE: Duration = Duration::from_secs(10);
/// One in so many change sets is refused at its very end.
const REFUSED: usize = 5;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/postgres");

fn options() -> PostgresOptions {
    PostgresOptions::new().schema("survival").unwrap().connections(4)
}

fn key(n: usize) -> IdempotencyKey {
    IdempotencyKey::derive(&["survival", &n.to_string()])
}

/// A customer and a notification; refused in the end where its turn has come.
fn change_set(n: usize, now: DateTime<Utc>) -> ChangeSet {
    let id = CustomerId::derive(&["survival", &n.to_string()]);
    let set = ChangeSet::new(key(n), now, Tag::literal("test"))
        .unwrap()
        .customer(Customer::new(id, CustomerKind::Person, now).unwrap())
        .notification(
            Notification::new(key(n), Recipient::Staff(Tag::literal("team")), Tag::literal("test"), now)
                .unwrap(),
        );
    if n.is_multiple_of(REFUSED) {
        set.settlement(Settlement::Delivered { key: key(n), fence: 1 })
    } else {
        set
    }
}

// ---------------------------------------------------------------- the worker

/// Writes each message into a file in one go: what is written is sent, whatever becomes of the process.
struct Sent(File);

impl Notifier for Sent {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let line = format!("{} {} {}\n", message.key(), message.attempt(), Utc::now().timestamp_micros());
        (&self.0).write_all(line.as_bytes()).unwrap();
        Ok(())
    }
}

#[tokio::test]
#[ignore = "run by the test that kills it"]
async fn works_until_it_is_killed() {
    let file = OpenOptions::new().append(true).create(true).open(std::env::var("PATRONAGE_SENT").unwrap());
    let url = std::env::var("PATRONAGE_POSTGRES_URL").unwrap();
    let store = loop {
        match options().connect(&url).await {
            Ok(store) => break store,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    // One job at a time: a worker that dies has sent at most one that it could not complete.
    let settings = Settings::default().claiming(1, LEASE).unwrap();
    let desk = Desk::new(store, Sent(file.unwrap()), settings);
    loop {
        let pause = if desk.run_due(Utc::now()).await.is_ok() { 20 } else { 50 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

struct Worker(Child);

impl Worker {
    fn start(folder: &Path, url: &str, number: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "works_until_it_is_killed", "--ignored"]);
        command
            .env("PATRONAGE_SENT", folder.join(format!("{number}.sent")))
            .env("PATRONAGE_POSTGRES_URL", url);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

// ---------------------------------------------------------------- the server

struct Server {
    folder: PathBuf,
    url: String,
}

impl Server {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("patronage-survival-{}", std::process::id()));
        let started = Command::new(SCRIPT).arg("start").arg(&folder).output().unwrap();
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        Self { folder, url: String::from_utf8(started.stdout).unwrap().trim().to_owned() }
    }

    fn restart(&self) {
        assert!(Command::new(SCRIPT).arg("restart").arg(&self.folder).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new(SCRIPT).arg("stop").arg(&self.folder).status();
    }
}

// ---------------------------------------------------------------- the test

/// Records a change set, again and again until the store says what became of it. Returns whether it was recorded.
async fn record(store: &PostgresStore, n: usize) -> bool {
    let changes = change_set(n, Utc::now());
    loop {
        match store.commit(&changes).await {
            Ok(_) => return true,
            Err(StoreError::StaleFence { .. }) => return false,
            Err(StoreError::OutcomeUnknown { .. } | StoreError::Busy | StoreError::Backend { .. }) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// What was sent: each key with attempts and instants.
fn sent(folder: &Path) -> BTreeMap<String, Vec<(u32, i64)>> {
    let mut all: BTreeMap<String, Vec<(u32, i64)>> = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        for line in std::fs::read_to_string(file.unwrap().path()).unwrap().lines() {
            let parts: Vec<&str> = line.split(' ').collect();
            let when = (parts[1].parse().unwrap(), parts[2].parse().unwrap());
            all.entry(parts[0].to_owned()).or_default().push(when);
        }
    }
    all
}

/// A job that was claimed when a worker was killed: by that one, or by another one that will complete it.
struct Held {
    key: String,
    killed: i64,
    until: i64,
}

/// The jobs that are claimed. None where the server does not answer, because it is being killed too.
async fn held(url: &str) -> Vec<Held> {
    let Ok((client, connection)) = tokio_postgres::connect(url, tokio_postgres::NoTls).await else {
        return Vec::new();
    };
    tokio::spawn(connection);
    let claimed = "SELECT key::text, (extract(epoch FROM until) * 1000000)::bigint FROM survival.notifications \
         WHERE open AND state = 'claimed'";
    let killed = Utc::now().timestamp_micros();
    let rows = client.query(claimed, &[]).await.unwrap_or_default();
    rows.iter().map(|row| Held { key: row.get(0), killed, until: row.get(1) }).collect()
}

/// What was claimed when a worker was killed, and sent only later: how long after the end of its lease, in microseconds. Not
/// looked at where the server was down in between.
fn came_back(
    at_risk: &[Held],
    sent: &BTreeMap<String, Vec<(u32, i64)>>,
    restarted: &[(i64, i64)],
) -> Vec<i64> {
    let down = |from: i64, to: i64| restarted.iter().any(|(down, up)| from <= *up + 2_000_000 && *down <= to);
    let came_back = at_risk.iter().filter_map(|held| {
        let after = |when: &&(u32, i64)| when.1 > held.killed;
        let (_, again) = sent.get(&held.key)?.iter().filter(after).min_by_key(|when| when.1)?;
        (!down(held.killed, *again) && *again > held.until).then_some(again - held.until)
    });
    came_back.collect()
}

/// How many jobs ended in which state.
async fn states(store: &PostgresStore) -> BTreeMap<&'static str, usize> {
    let mut states: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.jobs(after, 1000).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.notification.key());
        for job in &page {
            let state = match job.state {
                JobState::Delivered => "delivered",
                JobState::Exhausted => "exhausted",
                _ => "open",
            };
            *states.entry(state).or_default() += 1;
        }
    }
    states
}

fn size() -> (usize, usize, usize) {
    let size = std::env::var("PATRONAGE_SURVIVAL").unwrap_or_else(|_| "2000,8,1".to_owned());
    let parts: Vec<usize> = size.split(',').map(|part| part.parse().unwrap()).collect();
    (parts[0], parts[1], parts[2])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_where_workers_and_the_server_are_killed() {
    if std::env::var_os("PATRONAGE_SKIP_POSTGRES").is_some() {
        return;
    }
    let (jobs, kills, restarts) = size();
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let store = options().connect(&server.url).await.unwrap();
    let mut started = 0;
    let mut start = || {
        started += 1;
        Worker::start(folder.path(), &server.url, started)
    };
    let mut workers: Vec<Worker> = (0..WORKERS).map(|_| start()).collect();
    let begun = Instant::now();

    let recording = {
        let recorders = 4;
        let tasks: Vec<_> = (0..recorders)
            .map(|recorder| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut recorded = BTreeSet::new();
                    for n in (recorder..jobs).step_by(recorders) {
                        if record(&store, n).await {
                            recorded.insert(n);
                        }
                    }
                    recorded
                })
            })
            .collect();
        tokio::spawn(async move {
            let mut recorded = BTreeSet::new();
            for task in tasks {
                recorded.append(&mut task.await.unwrap());
            }
            recorded
        })
    };

    // The kills and restarts are spread over the work: one after so many sent messages.
    let expected = jobs - jobs.div_ceil(REFUSED);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut restarted, mut at_risk) = (Vec::new(), Vec::new());
    let mut killed = 0;
    while killed < kills || restarted.len() < restarts {
        let progress = sent(folder.path()).len();
        if killed < kills && progress >= expected * killed / (kills + 1) {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            tokio::time::sleep(Duration::from_micros(random >> 50)).await;
            let victim = usize::try_from(random >> 33).unwrap() % WORKERS;
            workers[victim] = start();
            at_risk.append(&mut held(&server.url).await);
            killed += 1;
        }
        if restarted.len() < restarts && progress >= expected * (restarted.len() + 1) / (restarts + 1) {
            let from = Utc::now();
            tokio::task::block_in_place(|| server.restart());
            restarted.push((from.timestamp_micros(), Utc::now().timestamp_micros()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let recorded = recording.await.unwrap();

    // Nothing new comes in: what is left is done, or comes back when its lease ends.
    let patience = Instant::now() + LEASE * 4 + Duration::from_secs(60 + jobs as u64 / 100);
    let keys: BTreeSet<String> = recorded.iter().map(|n| key(*n).to_string()).collect();
    while sent(folder.path()).len() < keys.len() {
        assert!(Instant::now() < patience, "{} of {} sent", sent(folder.path()).len(), keys.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(LEASE + Duration::from_secs(2)).await;
    drop(workers);
    let seconds = begun.elapsed().as_secs_f64();

    let sent = sent(folder.path());
    let raw: usize = sent.values().map(Vec::len).sum();
    let lost = keys.iter().filter(|key| !sent.contains_key(*key)).count();
    let ghosts = sent.keys().filter(|key| !keys.contains(*key)).count();
    let duplicates = raw - sent.len();

    let came_back = came_back(&at_risk, &sent, &restarted);
    let latest = came_back.iter().max().copied().unwrap_or(0);
    let states = states(&store).await;
    println!(
        "{} recorded, {} refused, {killed} workers killed, {} restarts, {seconds:.0} s: {lost} lost, {ghosts} sent for a \
         refused change set, {duplicates} raw duplicates ({:.3} %); {} jobs of dead workers came back, the latest {:.2} s after its lease of {} s; \
         {states:?}",
        keys.len(),
        jobs - keys.len(),
        restarted.len(),
        100.0 * duplicates as f64 / raw as f64,
        came_back.len(),
        latest as f64 / 1e6,
        LEASE.as_secs(),
    );
    assert_eq!((lost, ghosts), (0, 0));
    assert_eq!(keys.len(), expected, "every sound change set is recorded");
    assert_eq!(states.get("delivered"), Some(&expected), "{states:?}");
    // One in a thousand, and in a small run one for every other kill.
    let allowed = (raw / 1000).max(kills / 2 + restarts * WORKERS);
    assert!(duplicates <= allowed, "{duplicates} of {raw} twice");
    let late = if std::env::var_os("PATRONAGE_SURVIVAL").is_some() { LATE } else { LATE_IN_THE_GATE };
    assert!(
        u128::try_from(latest).unwrap() <= late.as_micros(),
        "a job came back {latest} us after its lease"
    );
}
