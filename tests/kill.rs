//! A process that records and delivers is killed with SIGKILL at random, again and again, on one SQLite file: no
//! acknowledged change is missing, no notification is lost, none is sent for a change that was not committed, and what is
//! sent twice is sent under the same key.
//!
//! `PATRONAGE_KILLS` says how often.
#![cfg(all(unix, feature = "sqlite", feature = "conformance"))]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may stop here, and is told by its environment how long to run"
)]

use chrono::{DateTime, Utc};
use patronage::customer::{Customer, CustomerId, CustomerKind};
use patronage::desk::{Deliveries, Desk, DeskError, RetryPolicy, Settings};
use patronage::interaction::{Interaction, InteractionId};
use patronage::notification::{JobState, Notification, Recipient, Settlement};
use patronage::notify::{DeliveryError, Message, Notifier};
use patronage::store::conformance::dump;
use patronage::store::{ChangeSet, SqliteStore, Store, StoreError};
use patronage::{IdempotencyKey, Period, Tag};
use pollster::block_on;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// So many kills hit one file, before everything in it is accounted for.
const KILLS_OF_ONE_FILE: u32 = 100;
const ATTEMPTS: u32 = 10;
/// A key and the end of its line.
const LINE: u64 = 37;
const LEASE: Duration = Duration::from_secs(1);
const STORE: &str = "customers.sqlite";
const SENT: &str = "sent";

fn kills() -> u32 {
    let by_default = if cfg!(debug_assertions) { 20 } else { 200 };
    std::env::var("PATRONAGE_KILLS").map_or(by_default, |kills| kills.parse().unwrap())
}

fn given<T: std::str::FromStr>(name: &str) -> T {
    std::env::var(name).ok().and_then(|given| given.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
}

/// Each round begins when every lease of the round before has run out.
fn at(round: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap() + (LEASE * 2 * round)
}

const fn is_refused(n: u32) -> bool {
    n % 5 == 4
}

/// A change set with up to four notifications that shows whether it is there whole; one in five is refused at its end.
fn changes(n: u32) -> ChangeSet {
    let name = n.to_string();
    let id = CustomerId::derive(&[&name]);
    let interactions = (0..n % 10).map(|m| {
        let interaction = InteractionId::derive(&[&name, &m.to_string()]);
        Interaction::builder(interaction, id, at(0)).build().unwrap()
    });
    let mut set = ChangeSet::new(IdempotencyKey::derive(&["changes", &name]), at(0), Tag::literal("test"))
        .unwrap()
        .customer(Customer::new(id, CustomerKind::Person, at(0)).unwrap())
        .with_interactions(interactions)
        .with_notifications((0..=n % 4).map(|m| told(n, m)));
    if is_refused(n) {
        let nobody = Settlement::Cancelled { key: IdempotencyKey::derive(&["nobody"]) };
        set = set.settlement(nobody);
    }
    set
}

fn told(n: u32, m: u32) -> Notification {
    let key = IdempotencyKey::derive(&["told", &n.to_string(), &m.to_string()]);
    Notification::new(
        key,
        Recipient::Customer(CustomerId::derive(&[&n.to_string()])),
        Tag::literal("welcome"),
        at(0),
    )
    .unwrap()
}

fn fails_at_first(key: IdempotencyKey) -> bool {
    key.as_uuid().as_u128().is_multiple_of(16)
}

/// Writes the key of whatever it delivers to a file, in one write, which no kill can halve. Some first attempts fail.
struct Receiver {
    sent: File,
    deadly: Option<IdempotencyKey>,
}

impl Receiver {
    fn new(folder: &Path) -> Self {
        let sent = File::options().append(true).create(true).open(folder.join(SENT)).unwrap();
        // A kill may cut a line where it passes from one page of memory to the next: that key was not taken.
        let length = sent.metadata().unwrap().len();
        sent.set_len(length - length % LINE).unwrap();
        Self { sent, deadly: None }
    }
}

impl Notifier for Receiver {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        (&self.sent).write_all(format!("{}\n", message.key()).as_bytes()).unwrap();
        if self.deadly == Some(message.key()) {
            std::process::abort();
        }
        let fails = message.attempt() == 1 && fails_at_first(message.key());
        let problem = Tag::literal("timeout");
        if fails { Err(DeliveryError::Transient { problem, retry_after: None }) } else { Ok(()) }
    }
}

fn settings(attempts: u32) -> Settings {
    let retry = RetryPolicy::new(attempts, Duration::from_millis(1), Duration::from_millis(1)).unwrap();
    Settings::default().claiming(20, LEASE).unwrap().retrying(retry)
}

fn child(test: &str, folder: &Path, round: u32) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.env("PATRONAGE_FOLDER", folder).env("PATRONAGE_ROUND", round.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// How often each key was sent.
fn sent(folder: &Path) -> BTreeMap<IdempotencyKey, u64> {
    let mut sent = BTreeMap::new();
    for line in std::fs::read_to_string(folder.join(SENT)).unwrap().lines() {
        *sent.entry(line.parse().expect("a whole key")).or_default() += 1;
    }
    sent
}

/// Delivers what is left, past every lease and delay. A job that was under way at ten kills in a row is given up, which can
/// be seen, and is requeued here; returns how many there were.
fn deliver_the_rest(folder: &Path, store: &SqliteStore, round: u32) -> usize {
    let desk = Desk::new(store, Receiver::new(folder), settings(ATTEMPTS));
    let (mut later, mut given_up) = (round, 0);
    loop {
        later += 1;
        if block_on(desk.run_due(at(later))).unwrap() != Deliveries::default() {
            continue;
        }
        let mut exhausted = block_on(dump(store)).unwrap().jobs;
        exhausted.retain(|job| job.state == JobState::Exhausted);
        if exhausted.is_empty() {
            return given_up;
        }
        given_up += exhausted.len();
        let requeued = exhausted.iter().map(|job| {
            assert_eq!(job.problem, Some(Tag::literal("too_many_attempts")), "{job:?}");
            Settlement::Requeued { key: job.notification.key(), not_before: at(later) }
        });
        let key = IdempotencyKey::derive(&["requeue", &later.to_string()]);
        let set = ChangeSet::new(key, at(later), Tag::literal("test")).unwrap().with_settlements(requeued);
        assert!(block_on(store.commit(&set)).is_ok());
    }
}

#[test]
#[ignore = "run by the test that kills it"]
fn records_and_delivers_until_it_is_killed() {
    let folder: std::path::PathBuf = given("PATRONAGE_FOLDER");
    let (from, now) = (given::<u32>("PATRONAGE_FROM"), at(given("PATRONAGE_ROUND")));
    let store = SqliteStore::open(folder.join(STORE)).unwrap();
    let desk = Desk::new(&store, Receiver::new(&folder), settings(ATTEMPTS));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                if block_on(desk.run_due(now)).unwrap() == Deliveries::default() {
                    std::thread::sleep(Duration::from_micros(300));
                }
            }
        });
        let mut out = std::io::stdout();
        for n in from.. {
            match block_on(desk.record(&changes(n))) {
                Ok(_) => writeln!(out, "acknowledged {n}").unwrap(),
                Err(DeskError::Store(StoreError::Unknown { .. })) if is_refused(n) => {}
                Err(error) => panic!("{error}"),
            }
            out.flush().unwrap();
        }
    });
}

/// What was asked of one file, and what must be found in it.
#[derive(Default)]
struct Account {
    acknowledged: BTreeSet<u32>,
    /// The first change set of each round of which no answer was seen: there or not, but whole.
    in_doubt: BTreeSet<u32>,
    next: u32,
}

#[derive(Debug, Default)]
struct Totals {
    acknowledged: usize,
    notifications: usize,
    sends: u64,
    sent_again: u64,
    given_up_and_requeued: usize,
    committed_unseen: usize,
    refused: usize,
}

fn kill_once(folder: &Path, round: u32, account: &mut Account, random: &mut ChaCha8Rng) {
    let mut process = child("records_and_delivers_until_it_is_killed", folder, round)
        .env("PATRONAGE_FROM", account.next.to_string())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut acknowledged = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u32>().ok());
    // One in four while it begins; the others in the midst of its work, however quick the machine is.
    let begun = random.random_range(0..4) > 0;
    let wanted = if begun { random.random_range(1..9) } else { 0 };
    let mut seen: Vec<u32> = acknowledged.by_ref().take(wanted).collect();
    std::thread::sleep(Duration::from_micros(random.random_range(0..if begun { 8_000 } else { 40_000 })));
    process.kill().unwrap();
    let ended = process.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9), "it ended by itself");
    seen.extend(acknowledged);
    if let Some(&last) = seen.last() {
        account.next = last + 1;
        account.acknowledged.extend(seen);
    }
    // Refused ones are passed over without a word.
    while is_refused(account.next) {
        account.next += 1;
    }
    account.in_doubt.insert(account.next);
    account.next += 1;
}

/// Holds everything that is in the file, and everything that was sent, against what was acknowledged.
fn account_for(folder: &Path, account: &Account, round: u32, totals: &mut Totals) {
    let store = SqliteStore::open(folder.join(STORE)).unwrap();
    totals.given_up_and_requeued += deliver_the_rest(folder, &store, round);
    let content = block_on(dump(&store)).unwrap();
    let sent = sent(folder);
    let jobs: BTreeMap<IdempotencyKey, JobState> =
        content.jobs.iter().map(|job| (job.notification.key(), job.state)).collect();
    let always = Period::until(at(u32::MAX / 4)).unwrap();
    let (mut expected, mut there) = (BTreeSet::new(), 0);
    for n in 0..account.next {
        let recorded = changes(n);
        let receipt = block_on(store.committed(recorded.key())).unwrap().is_some();
        assert!(receipt || !account.acknowledged.contains(&n), "acknowledged change set {n} is lost");
        assert!(!receipt || !is_refused(n), "refused change set {n} is there");
        let known = account.acknowledged.contains(&n) || account.in_doubt.contains(&n) || is_refused(n);
        assert!(known || !receipt, "nobody recorded change set {n}");
        let id = CustomerId::derive(&[&n.to_string()]);
        let customers = block_on(store.customers_by_id(&[id])).unwrap().len();
        let interactions = block_on(store.interactions(&[id], always)).unwrap().len();
        let of_it = recorded.notifications().iter().filter(|told| jobs.contains_key(&told.key())).count();
        let found = (customers, interactions, of_it);
        let whole = (1, recorded.interactions().len(), recorded.notifications().len());
        assert_eq!(found, if receipt { whole } else { (0, 0, 0) }, "change set {n} is there by parts");
        if receipt {
            there += 1;
            expected.extend(recorded.notifications().iter().map(Notification::key));
        }
        totals.committed_unseen += usize::from(receipt && account.in_doubt.contains(&n));
        totals.refused += usize::from(is_refused(n));
    }
    assert_eq!(content.customers.len(), there, "a change set that nobody made");
    assert!(jobs.keys().eq(&expected), "jobs without their change set");
    for (key, state) in &jobs {
        assert_eq!(*state, JobState::Delivered, "{key}");
    }
    for key in sent.keys() {
        assert!(expected.contains(key), "{key} was sent for a change that was not committed");
    }
    assert_eq!(sent.len(), expected.len(), "something was never sent");
    let fails = expected.iter().filter(|&&key| fails_at_first(key)).count() as u64;
    let sends: u64 = sent.values().sum();
    totals.acknowledged += account.acknowledged.len();
    totals.notifications += expected.len();
    totals.sends += sends;
    // Failed first attempts are sent again because they failed, the others because of a kill.
    totals.sent_again += (sends - expected.len() as u64).saturating_sub(fails);
}

#[test]
fn nothing_is_lost_and_nothing_is_made_up_when_the_process_is_killed() {
    let (mut random, kills) = (ChaCha8Rng::seed_from_u64(6), kills());
    let mut totals = Totals::default();
    let mut left = kills;
    while left > 0 {
        let folder = tempfile::tempdir().unwrap();
        let (mut account, rounds) = (Account::default(), left.min(KILLS_OF_ONE_FILE));
        for round in 0..rounds {
            kill_once(folder.path(), round, &mut account, &mut random);
        }
        account_for(folder.path(), &account, rounds, &mut totals);
        left -= rounds;
    }
    println!("{kills} kills: {totals:?}");
    assert!(totals.acknowledged > kills as usize && totals.notifications > kills as usize, "{totals:?}");
}

#[test]
#[ignore = "run by the test that counts how often it dies"]
fn delivers_and_dies_of_one_job() {
    let folder: std::path::PathBuf = given("PATRONAGE_FOLDER");
    let store = SqliteStore::open(folder.join(STORE)).unwrap();
    let mut receiver = Receiver::new(&folder);
    receiver.deadly = Some(told(27, 0).key());
    let desk = Desk::new(&store, receiver, settings(given("PATRONAGE_ATTEMPTS")));
    println!("{:?}", block_on(desk.run_due(at(given("PATRONAGE_ROUND")))).unwrap());
}

/// Whatever the number of attempts: the killer is given up, and nothing else is, wherever in the batch it stands.
#[test]
fn a_job_that_kills_its_worker_is_given_up_and_all_others_are_delivered() {
    for attempts in [1, 2, 3, 10] {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join(STORE)).unwrap();
        for n in (0..50).filter(|&n| !is_refused(n)) {
            assert!(block_on(store.commit(&changes(n))).is_ok());
        }
        let (mut round, mut deaths) = (0, 0);
        loop {
            let output = child("delivers_and_dies_of_one_job", folder.path(), round)
                .env("PATRONAGE_ATTEMPTS", attempts.to_string())
                .output()
                .unwrap();
            round += 1;
            deaths += u32::from(!output.status.success());
            let jobs = block_on(store.jobs(None, 1_000)).unwrap();
            if !jobs.iter().any(|job| matches!(job.state, JobState::Scheduled | JobState::Claimed { .. })) {
                break;
            }
            assert!(round < 100, "it does not end");
        }
        assert_eq!(deaths, attempts, "each attempt counts");
        let (jobs, sent) = (block_on(store.jobs(None, 1_000)).unwrap(), sent(folder.path()));
        for job in jobs {
            let key = job.notification.key();
            if key == told(27, 0).key() {
                assert_eq!(job.state, JobState::Exhausted);
                assert_eq!(job.problem, Some(Tag::literal("too_many_attempts")));
                assert_eq!(sent.get(&key).copied(), Some(u64::from(attempts)));
            } else if attempts > 1 || job.state == JobState::Delivered {
                assert_eq!(job.state, JobState::Delivered, "{attempts} attempts: {key}");
                // Once with the killer, once more by few, once because its first attempt fails.
                assert!(sent.get(&key).is_some_and(|&times| times <= 4), "{attempts} attempts: {sent:?}");
            } else {
                // It fails at first by itself, and there is no second attempt.
                assert!(fails_at_first(key));
                assert_eq!(job.problem, Some(Tag::literal("timeout")));
            }
        }
    }
}
