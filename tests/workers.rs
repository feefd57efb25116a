//! Eight worker processes on one PostgreSQL store: change sets are recorded, one in five is rolled back, workers are killed
//! with SIGKILL, and the server is restarted in immediate mode. Nothing is lost, nothing is sent for what was rolled back,
//! and what is sent twice is sent under the same key.
//!
//! `PATRONAGE_JOBS`, `PATRONAGE_WORKER_KILLS` and `PATRONAGE_RESTARTS` say how many; `PATRONAGE_POSTGRES_FOLDER` names the folder of
//! a server that `.ci/postgres` can restart.
#![cfg(all(unix, feature = "postgres", feature = "tokio"))]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may stop here, and reads the clock"
)]

use chrono::{DateTime, Utc};
use patronage::customer::{Customer, CustomerId, CustomerKind};
use patronage::desk::{Desk, DeskError, RetryPolicy, Runner, Settings};
use patronage::notification::{Job, JobState, Notification, Recipient, Settlement};
use patronage::notify::{DeliveryError, MemoryNotifier, Message, Notifier};
use patronage::store::{ChangeSet, PostgresOptions, PostgresStore, Store, StoreError};
use patronage::{IdempotencyKey, Tag};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::oneshot;
use tokio_postgres::NoTls;

const WORKERS: usize = 8;
const JOBS_OF_A_CHANGE_SET: u32 = 10;
const LEASE: Duration = Duration::from_secs(10);
/// A key and the end of its line.
const LINE: u64 = 37;

fn number(name: &str, by_default: u32) -> u32 {
    std::env::var(name).map_or(by_default, |number| number.parse().unwrap())
}

fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("no {name}"))
}

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

async fn connect(url: &str, schema: &str, connections: usize) -> PostgresStore {
    let options = PostgresOptions::new().schema(schema).unwrap().connections(connections);
    for _ in 0..600 {
        if let Ok(store) = options.clone().connect(url).await {
            return store;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server does not come back");
}

const fn is_rolled_back(n: u32) -> bool {
    n % 5 == 4
}

fn keys(n: u32) -> impl Iterator<Item = IdempotencyKey> {
    (0..JOBS_OF_A_CHANGE_SET).map(move |m| IdempotencyKey::derive(&["told", &n.to_string(), &m.to_string()]))
}

/// A customer and what they are told; one in five change sets is refused at its very end.
fn changes(n: u32, at: DateTime<Utc>) -> ChangeSet {
    let id = CustomerId::derive(&[&n.to_string()]);
    let key = IdempotencyKey::derive(&["changes", &n.to_string()]);
    let set = ChangeSet::new(key, at, Tag::literal("test"))
        .unwrap()
        .customer(Customer::new(id, CustomerKind::Person, at).unwrap())
        .with_notifications(keys(n).map(|key| {
            Notification::new(key, Recipient::Customer(id), Tag::literal("welcome"), at).unwrap()
        }));
    let nobody = Settlement::Cancelled { key: IdempotencyKey::derive(&["nobody"]) };
    if is_rolled_back(n) { set.settlement(nobody) } else { set }
}

/// Writes the key of whatever it delivers to a file that all workers share, in one write, which no kill can halve.
struct Receiver(File);

impl Notifier for Receiver {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        (&self.0).write_all(format!("{}\n", message.key()).as_bytes()).unwrap();
        Ok(())
    }
}

/// One job at a time: so a kill repeats one delivery at most.
fn settings() -> Settings {
    let retry = RetryPolicy::new(10, Duration::from_millis(100), Duration::from_secs(1)).unwrap();
    Settings::default().claiming(1, LEASE).unwrap().retrying(retry)
}

#[test]
#[ignore = "run by the test that kills it"]
fn delivers_until_it_is_killed() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let totals = runtime.block_on(async {
        let store = connect(&given("PATRONAGE_POSTGRES_URL"), &given("PATRONAGE_SCHEMA"), 2).await;
        let sent = File::options().append(true).open(given("PATRONAGE_SENT")).unwrap();
        let desk = Arc::new(Desk::new(store, Receiver(sent), settings()));
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read(&mut [0]);
            drop(stop);
        });
        let runner = Runner::new(desk, now, |_| {}).every(Duration::from_millis(50));
        runner.run(async { drop(stopped.await) }).await
    });
    println!("{totals:?}");
}

fn worker(schema: &str, sent: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "delivers_until_it_is_killed", "--ignored", "--nocapture"])
        .env("PATRONAGE_SCHEMA", schema)
        .env("PATRONAGE_SENT", sent)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Records everything, whatever happens to the server meanwhile.
async fn record(store: PostgresStore, change_sets: u32, due: DateTime<Utc>) {
    let desk = Desk::new(store, MemoryNotifier::new(), settings());
    for n in 0..change_sets {
        let set = changes(n, due);
        loop {
            match desk.record(&set).await {
                Ok(_) => {
                    assert!(!is_rolled_back(n), "what must be refused is taken");
                    break;
                }
                Err(DeskError::Store(StoreError::Unknown { .. })) => {
                    assert!(is_rolled_back(n));
                    break;
                }
                // The same again: it has its effect once.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

async fn all_jobs(store: &PostgresStore) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    loop {
        let page = store.jobs(jobs.last().map(|job| job.notification.key()), 5_000).await.unwrap();
        if page.is_empty() {
            return jobs;
        }
        jobs.extend(page);
    }
}

fn restart(folder: &Path) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/postgres");
    assert!(Command::new(script).arg("restart").arg(folder).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_workers_lose_nothing_and_make_nothing_up() {
    if std::env::var_os("PATRONAGE_SKIP_POSTGRES").is_some() {
        return;
    }
    let (url, folder) = (given("PATRONAGE_POSTGRES_URL"), std::env::var_os("PATRONAGE_POSTGRES_FOLDER"));
    let (jobs, kills) = (number("PATRONAGE_JOBS", 2_000), number("PATRONAGE_WORKER_KILLS", 8));
    // A server of somebody else is left alone.
    let restarts = if folder.is_some() { number("PATRONAGE_RESTARTS", 1) } else { 0 };
    let folder = folder.map(PathBuf::from).unwrap_or_default();
    let schema = format!("workers_{}", std::process::id());
    let files = tempfile::tempdir().unwrap();
    let sent = files.path().join("sent");
    drop(File::create(&sent).unwrap());

    let (mut random, started) = (ChaCha8Rng::seed_from_u64(8), Instant::now());
    let store = connect(&url, &schema, 4).await;
    // So many that those which are not rolled back hold the jobs that were asked for.
    let change_sets = jobs.div_ceil(JOBS_OF_A_CHANGE_SET) * 5 / 4;
    let recorded = (0..change_sets).filter(|&n| !is_rolled_back(n));
    let expected: BTreeSet<IdempotencyKey> = recorded.flat_map(keys).collect();
    let recording = tokio::spawn(record(store.clone(), change_sets, now()));
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| worker(&schema, &sent)).collect();

    // Kills and restarts come as the work goes on, however quick the machine is.
    let lines = || std::fs::metadata(&sent).unwrap().len() / LINE;
    let (mut killed, mut restarted) = (0, 0);
    let share = |done: u32, of: u32| u64::from(jobs) * u64::from(done + 1) / u64::from(of + 1);
    while killed < kills || restarted < restarts {
        assert!(started.elapsed() < Duration::from_secs(3_600), "it does not go on: {} sent", lines());
        if restarted < restarts && lines() >= share(restarted, restarts) {
            restart(&folder);
            restarted += 1;
        } else if killed < kills && lines() >= share(killed, kills) {
            tokio::time::sleep(Duration::from_micros(random.random_range(0..20_000))).await;
            let which = random.random_range(0..WORKERS);
            workers[which].kill().unwrap();
            workers[which].wait().unwrap();
            workers[which] = worker(&schema, &sent);
            killed += 1;
        } else {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    recording.await.unwrap();
    let store = if restarts > 0 { connect(&url, &schema, 4).await } else { store };
    // The jobs of the last worker that was killed come back after their lease.
    let ended = loop {
        let all = all_jobs(&store).await;
        let open = |job: &&Job| matches!(job.state, JobState::Scheduled | JobState::Claimed { .. });
        if all.iter().filter(open).count() == 0 {
            break all;
        }
        assert!(started.elapsed() < Duration::from_secs(3_600), "some never end");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let took = started.elapsed();
    for worker in &mut workers {
        drop(worker.stdin.take());
        assert!(worker.wait().unwrap().success(), "a worker that was told to stop has failed");
    }

    let mut times = BTreeMap::<IdempotencyKey, u32>::new();
    for line in std::fs::read_to_string(&sent).unwrap().lines() {
        *times.entry(line.parse().expect("a whole key")).or_default() += 1;
    }
    let states: BTreeMap<_, _> = ended.iter().map(|job| (job.notification.key(), job.state)).collect();
    assert!(states.keys().eq(&expected), "{} jobs where {} were recorded", states.len(), expected.len());
    let undelivered = states.values().filter(|&&state| state != JobState::Delivered).count();
    assert_eq!(undelivered, 0, "given up");
    assert!(times.keys().all(|key| expected.contains(key)), "something was sent for a rolled-back change");
    assert_eq!(times.len(), expected.len(), "something was never sent");
    let again: u32 = times.values().map(|times| times - 1).sum();
    println!(
        "{} jobs, {} change sets rolled back, {killed} workers killed, {restarted} restarts in immediate mode: 0 lost, \
         0 made up, {again} sent again under the same key, {took:?}",
        expected.len(),
        change_sets / 5,
    );
    // Each kill repeats one at most, and each restart one of every worker.
    assert!(again <= kills + restarts * u32::try_from(WORKERS).unwrap(), "{again} sent again");
    assert!(jobs < 50_000 || again * 1_000 <= jobs, "{again} sent again");

    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
}
