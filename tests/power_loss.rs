//! What the SQLite store acknowledged survives loss of power. Every write and sync of a process is logged by a preloaded
//! library; the folder is rebuilt as a disk may have left it at points of that log, and opened.
//!
//! `PATRONAGE_POWER_LOSS_POINTS` says at how many points.
#![cfg(all(target_os = "linux", target_pointer_width = "64", feature = "sqlite", feature = "conformance"))]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop here")]
#![expect(clippy::expect_used, clippy::cast_possible_truncation, reason = "a test may stop here")]
#![expect(clippy::disallowed_methods, reason = "the environment says at how many points")]

#[path = "support/power_loss.rs"]
mod power_loss;

use chrono::{DateTime, Utc};
use patronage::customer::{Customer, CustomerId, CustomerKind};
use patronage::interaction::{Interaction, InteractionId};
use patronage::notification::{Job, Notification, Recipient, Settlement};
use patronage::store::conformance::{Dump, dump};
use patronage::store::{ChangeSet, MemoryStore, SqliteOptions, Store, StoreError};
use patronage::{IdempotencyKey, Tag};
use pollster::block_on;
use power_loss::{Disk, Entry, Unsynced};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::Connection;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const FILE: &str = "customers.sqlite";
/// Where the process notes what was acknowledged; its writes stand in the log between those of the store.
const MARKS: &str = "marks";
const STEPS: u32 = 120;

fn points() -> usize {
    std::env::var("PATRONAGE_POWER_LOSS_POINTS").map_or(500, |points| points.parse().unwrap())
}

/// A folder in memory where there is one: nothing here rests on the disk of this machine.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600 + second, 0).unwrap()
}

fn key(step: u32) -> IdempotencyKey {
    IdempotencyKey::derive(&["step", &step.to_string()])
}

/// A customer with interactions and a notification, and one row that is written over by every step.
fn changes(step: u32) -> ChangeSet {
    let name = step.to_string();
    let id = CustomerId::derive(&[&name]);
    let customer = |id| Customer::new(id, CustomerKind::Person, at(0)).unwrap();
    let counter = customer(CustomerId::derive(&["counter"])).with_name(&name.repeat(20)).unwrap();
    let interactions = (0..step * 7 % 40).map(|n| {
        let interaction = InteractionId::derive(&[&name, &n.to_string()]);
        Interaction::builder(interaction, id, at(i64::from(n))).build().unwrap()
    });
    let told = IdempotencyKey::derive(&[&name, "told"]);
    let told = Notification::new(told, Recipient::Customer(id), Tag::literal("welcome"), at(0)).unwrap();
    let earlier = (0..step).filter(|&earlier| !is_claim(earlier) && !is_settling(earlier)).count();
    ChangeSet::new(key(step), at(0), Tag::literal("test"))
        .unwrap()
        .customer(customer(id))
        .customer(counter.with_version(earlier as u64))
        .with_interactions(interactions)
        .notification(told)
}

const fn is_claim(step: u32) -> bool {
    step % 7 == 3
}

const fn is_settling(step: u32) -> bool {
    step % 7 == 5
}

/// One acknowledged step: a commit, a claim, or what became of the jobs claimed before.
fn perform(store: &impl Store, step: u32, claimed: &mut Vec<Job>) -> Result<(), StoreError> {
    if is_claim(step) {
        *claimed = block_on(store.claim(at(i64::from(step)), 3, Duration::from_secs(5)))?;
        return Ok(());
    }
    let set = if is_settling(step) {
        let problem = Tag::literal("timeout");
        let settled = claimed.iter().enumerate().map(|(n, job)| {
            let (key, fence) = (job.notification.key(), job.fence);
            match n {
                0 => Settlement::Delivered { key, fence },
                1 => Settlement::Retry { key, fence, not_before: at(i64::from(step) + 9), problem },
                _ => Settlement::Exhausted { key, fence, problem },
            }
        });
        ChangeSet::new(key(step), at(0), Tag::literal("test")).unwrap().with_settlements(settled)
    } else {
        changes(step)
    };
    block_on(store.commit(&set)).map(|_| ())
}

/// What the store holds after each number of steps.
fn after_each_step() -> Vec<Dump> {
    let (store, mut claimed) = (MemoryStore::new(), Vec::new());
    let mut dumps = vec![Dump::default()];
    for step in 0..STEPS {
        perform(&store, step, &mut claimed).unwrap();
        dumps.push(block_on(dump(&store)).unwrap());
    }
    dumps
}

fn options(full: bool) -> SqliteOptions {
    if full { SqliteOptions::new() } else { SqliteOptions::new().lose_latest_commits_on_power_loss() }
}

#[test]
#[ignore = "run by the tests that log it"]
fn commits_and_notes_what_was_acknowledged() {
    let folder = std::env::var_os("PATRONAGE_POWER_FOLDER").unwrap();
    let path = Path::new(&folder).join(FILE);
    let options = options(std::env::var_os("PATRONAGE_NORMAL").is_none());
    let mut marks = std::fs::File::create(Path::new(&folder).join(MARKS)).unwrap();
    let (mut store, mut claimed) = (options.open(&path).unwrap(), Vec::new());
    for step in 0..STEPS {
        if step == STEPS / 4 || step == STEPS / 2 {
            block_on(store.close()).unwrap();
            store = options.open(&path).unwrap();
        }
        perform(&store, step, &mut claimed).unwrap();
        marks.write_all(b".").unwrap();
    }
    // What is still in the log of the store stays there, as after a crash.
    std::mem::forget(store);
}

/// The log of a process that performs all steps. Everything written stands in it, or the folder would not be rebuilt.
fn logged(full: bool) -> Vec<Entry> {
    let (watched, beside) = (folder(), folder());
    let log = beside.path().join("log");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "commits_and_notes_what_was_acknowledged", "--ignored"]);
    child.env("LD_PRELOAD", power_loss::power_log(beside.path()));
    child.env("PATRONAGE_POWER_LOG", &log).env("PATRONAGE_POWER_FOLDER", watched.path());
    if !full {
        child.env("PATRONAGE_NORMAL", "1");
    }
    let output = child.stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let entries = power_loss::read(&log);

    let mut disk = Disk::default();
    for entry in &entries {
        disk.apply(entry);
    }
    let left = disk.power_loss(Unsynced::Kept, &mut ChaCha8Rng::seed_from_u64(0));
    let mut there = 0;
    for entry in std::fs::read_dir(watched.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // Written through shared memory; it holds nothing that counts after a crash.
        if !name.ends_with("-shm") {
            assert!(left[name] == std::fs::read(&path).unwrap(), "{name} was written past the log");
            there += 1;
        }
    }
    assert_eq!(there, 3, "the file, its log, and the marks");
    assert_eq!(acknowledged(&entries), STEPS as usize);
    entries
}

fn acknowledged(entries: &[Entry]) -> usize {
    entries.iter().filter(|entry| entry.is_written_to(MARKS)).count()
}

#[derive(Debug, Default)]
struct Found {
    points: usize,
    /// Points at which acknowledged steps were missing, and the most steps missing at one.
    lost: usize,
    most_lost: usize,
    /// Points after which the file could not be used.
    unusable: Vec<String>,
    /// Points at which a step was there before it was acknowledged.
    unacknowledged: usize,
}

/// Cuts the power at many points of a log and opens what is left: it must hold exactly what some number of steps made.
fn cut(entries: &[Entry], full: bool, points: usize, seed: u64) -> Found {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let expected = after_each_step();
    let marks: Vec<usize> = (0..entries.len())
        .filter(|&index| entries[index].is_written_to(MARKS))
        .map(|index| index + 1)
        .collect();
    let mut places: Vec<usize> = (0..points)
        .map(|point| match point % 3 {
            // Just after an acknowledgement, when most is at stake.
            0 => marks[random.random_range(0..marks.len())],
            _ => random.random_range(0..=entries.len()),
        })
        .collect();
    places.sort_unstable();
    let (mut disk, mut done, mut acknowledged) = (Disk::default(), 0, 0);
    let mut found = Found { points, ..Found::default() };
    for (point, place) in places.into_iter().enumerate() {
        for entry in &entries[done..place] {
            disk.apply(entry);
            acknowledged += usize::from(entry.is_written_to(MARKS));
        }
        done = place;
        let unsynced = match random.random_range(0..4) {
            0 => Unsynced::Lost,
            1 => Unsynced::Kept,
            _ => Unsynced::Mixed,
        };
        let folder = folder();
        for (name, mut content) in disk.power_loss(unsynced, &mut random) {
            if name.ends_with("-shm") {
                random.fill(&mut content[..]);
            }
            if name != MARKS {
                std::fs::write(folder.path().join(name), content).unwrap();
            }
        }
        let path = folder.path().join(FILE);
        let about = || format!("point {point} (entry {place} of {}, {unsynced:?})", entries.len());
        let opened = options(full)
            .open(&path)
            .and_then(|store| block_on(dump(&store)).map(|content| (store, content)));
        let (store, content) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                found.unusable.push(format!("{}: {error}", about()));
                continue;
            }
        };
        let there = (0..=(acknowledged + 1).min(STEPS as usize)).rev().find(|&n| expected[n] == content);
        let there = there.unwrap_or_else(|| panic!("{}: a step is there by parts", about()));
        for step in (0..STEPS).filter(|&step| !is_claim(step)) {
            let receipt = block_on(store.committed(key(step))).unwrap();
            assert_eq!(receipt.is_some(), (step as usize) < there, "{}: receipt {step}", about());
        }
        found.lost += usize::from(there < acknowledged);
        found.most_lost = found.most_lost.max(acknowledged.saturating_sub(there));
        found.unacknowledged += usize::from(there > acknowledged);
        let next = ChangeSet::new(key(STEPS), at(0), Tag::literal("test")).unwrap();
        assert!(block_on(store.commit(&next)).is_ok(), "{}: it does not go on", about());
        block_on(store.close()).unwrap();
        let sound: String = Connection::open(&path)
            .unwrap()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(sound, "ok", "{}", about());
    }
    found
}

#[test]
fn no_acknowledged_step_is_lost_with_the_power() {
    let found = cut(&logged(true), true, points(), 1);
    println!("{found:?}");
    assert_eq!((found.lost, found.unusable.len()), (0, 0), "{found:?}");
    assert!(found.unacknowledged > 0, "no point lies between a commit and its acknowledgement: {found:?}");
}

/// The test above can fail: syncing less loses what was acknowledged, wholly and only the latest.
#[test]
fn syncing_less_loses_the_latest_steps_and_damages_nothing() {
    let found = cut(&logged(false), false, points().min(500), 2);
    println!("{found:?}");
    assert_eq!(found.unusable.len(), 0, "{found:?}");
    assert!(found.lost * 5 > found.points && found.most_lost > 1, "{found:?}");
}

/// Were the folder not synced before the first answer, the journal of the very first transaction might come back and take
/// everything with it: the disk that is played here does not spare who forgets.
#[test]
fn the_folder_is_synced_for_a_reason() {
    let mut entries = logged(true);
    let first = entries.iter().position(|entry| entry.is_written_to(MARKS)).unwrap();
    let synced = entries[..first].iter().rposition(|entry| entry.is_sync_of(""));
    let removed = entries[..first].iter().rposition(Entry::is_removal);
    assert!(removed.is_some() && synced > removed, "{removed:?} {synced:?}");
    let mut journal_removed = false;
    entries.retain(|entry| {
        journal_removed |= entry.is_removal();
        !(journal_removed && entry.is_sync_of(""))
    });
    let found = cut(&entries, true, points().min(100), 3);
    println!("{found:?}");
    assert!(found.lost > 0, "{found:?}");
}
