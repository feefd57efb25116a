//! The SQLite store keeps the contract, agrees with the reference, and does what it says about durability, damaged
//! files and other handles.
#![cfg(all(feature = "sqlite", feature = "conformance"))]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop here")]

use patronage::case::{CallBack, CallBackId, Case, CaseChange, CaseEvent, CaseId, Matter};
use patronage::consent::{ConsentId, ConsentRecord, ConsentStatus, LegalBasis, Purpose};
use patronage::customer::{Contact, ContactPoint, Customer, CustomerId, CustomerKind, Identity};
use patronage::interaction::{
    Agent, Channel, Direction, Effort, EffortDirection, Engagement, Interaction, InteractionId, Link,
    Outcome, Sentiment, Touchpoint,
};
use patronage::lifecycle::{LifecycleStage, StageChange, StageReason};
use patronage::notification::{Notification, Recipient, Settlement};
use patronage::purchase::{Purchase, PurchaseId};
use patronage::store::conformance::{self, Dump, agree, dump};
use patronage::store::{
    BackendCode, ChangeSet, Committed, Entity, MemoryStore, SharedStore, SqliteOptions, SqliteStore, Store,
    StoreError,
};
use patronage::task::{Priority, Reminder, ReminderId, Task, TaskId, TaskStatus};
use patronage::{Because, IdempotencyKey, Period, Pii, Share, Tag};
use pollster::block_on;
use proptest::prelude::*;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

type Instant = chrono::DateTime<chrono::Utc>;

fn at(second: i64) -> Instant {
    Instant::from_timestamp(1_767_225_600 + second, 123_456_000).unwrap()
}

/// New files in a folder that goes with it.
struct Files {
    folder: TempDir,
    next: AtomicU32,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), next: AtomicU32::new(0) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(format!("{}.sqlite", self.next.fetch_add(1, Ordering::Relaxed)))
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(self.path()).unwrap()
    }
}

fn changes(name: &str) -> ChangeSet {
    ChangeSet::new(IdempotencyKey::derive(&[name]), at(0), Tag::literal("test")).unwrap()
}

fn customer(name: &str) -> Customer {
    Customer::new(CustomerId::derive(&[name]), CustomerKind::Person, at(0)).unwrap()
}

fn commit(store: &impl Store, changes: &ChangeSet) -> Result<Committed, StoreError> {
    block_on(store.commit(changes))
}

fn content(store: &impl Store) -> Dump {
    block_on(dump(store)).unwrap()
}

fn unusable<T>(result: Result<T, StoreError>) -> &'static str {
    match result {
        Err(StoreError::Unusable { problem }) => problem,
        Err(other) => panic!("another error: {other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

/// Something of every kind there was in version 1, with every field set: what the file of that version holds.
fn everything_of_version_1() -> ChangeSet {
    let ada = customer("ada")
        .with_name("Ada Canary")
        .and_then(|ada| ada.with_language("en-GB"))
        .and_then(|ada| ada.with_zone("Europe/London"))
        .and_then(|ada| {
            ada.with_contact(ContactPoint::new(Contact::email("canary@example.org")?).preferred())
        })
        .and_then(|ada| ada.with_identity(Identity::new(Tag::literal("shop"), "canary 17")?))
        .unwrap();
    let id = ada.id();
    let interaction = Interaction::builder(InteractionId::derive(&["i"]), id, at(1))
        .at_place(Channel::CallCentre, Touchpoint::Other(Tag::literal("kiosk")), Engagement::Billing)
        .direction(Direction::Outbound)
        .agent(Agent::Ivr)
        .served_by(Tag::literal("staff-7"))
        .reason(Tag::literal("wrong_invoice"))
        .outcome(Outcome::Unanswered)
        .escalated_to(Tag::literal("team"))
        .unanswered_because(Tag::literal("no_expert"))
        .wait(Duration::from_millis(1234))
        .handle_time(Duration::from_millis(5678))
        .transfers(2)
        .cost("1.23 EUR".parse().unwrap())
        .sentiment(Sentiment::new(-0.1, Tag::literal("note"), Share::new(0.3).unwrap()).unwrap())
        .effort(Effort::new(3, 7, EffortDirection::HardIsHigh).unwrap())
        .link(Link::Purchase(PurchaseId::derive(&["p"])))
        .link(Link::Campaign(Tag::literal("spring")))
        .build()
        .unwrap();
    let consent = ConsentRecord::new(
        ConsentId::derive(&["c"]),
        id,
        Purpose::DirectMarketing,
        ConsentStatus::Given,
        at(2),
    )
    .and_then(|record| record.via(Touchpoint::Email).on_basis(LegalBasis::Consent).expiring(at(9)))
    .and_then(|record| {
        record
            .proven_by(Tag::literal("notice-7"), Tag::literal("web_form"))
            .with_evidence("canary evidence".to_owned())
    })
    .unwrap();
    let purchase = Purchase::new(PurchaseId::derive(&["p"]), id, at(3), "29.33 USD".parse().unwrap())
        .and_then(|purchase| purchase.with_category(Tag::literal("music")).with_cost("18.00 USD".parse()?));
    let reason = Because::rule(Tag::literal("p_alive")).figure(0.1 + 0.2, 0.5).unwrap();
    let task = Task::new(TaskId::derive(&["t"]), Tag::literal("win_back"), at(4))
        .and_then(|task| {
            task.for_customer(id)
                .with_priority(Priority::High)
                .assigned_to(Tag::literal("team"))
                .because(reason)
                .moved_to(TaskStatus::Deferred)
        })
        .unwrap();
    let told = |name: &str, to| {
        let key = IdempotencyKey::derive(&[name]);
        Notification::new(key, to, Tag::literal("win_back"), at(5)).unwrap().because(reason)
    };
    changes("everything")
        .customer(ada)
        .stage_change((id, StageChange::new(LifecycleStage::Purchase, at(0), StageReason::Observed).unwrap()))
        .stage_change((id, StageChange::new(LifecycleStage::Existing, at(6), StageReason::Stated).unwrap()))
        .consent(consent)
        .purchase(purchase.unwrap())
        .interaction(interaction)
        .task(task)
        .notification(
            told("n1", Recipient::Customer(id)).via(Touchpoint::Email).with_text("Dear Canary").unwrap(),
        )
        .notification(told("n2", Recipient::Staff(Tag::literal("team"))))
}

/// Something of every kind, with every field set.
fn everything() -> ChangeSet {
    let set = everything_of_version_1();
    let (id, billing) = (set.customers()[0].id(), Tag::literal("billing"));
    let mut case = Case::open(CaseId::derive(&["c"]), id, billing, at(0)).unwrap();
    let told = CaseChange::Told { about: billing, fact: Pii::new("canary fact".to_owned()) };
    case.record(CaseEvent::new(at(1), told)).unwrap();
    let call = CallBack::offer(CallBackId::derive(&["c"]), id, billing, at(0), 2).unwrap();
    let to = Recipient::Staff(Tag::literal("team"));
    let reminder = Reminder::once(ReminderId::derive(&["r"]), at(8), to, billing).unwrap();
    set.matter(Matter::new(case).waking(Some(at(7))).unwrap())
        .matter(Matter::new(call))
        .matter(Matter::new(reminder.with_text("Dear Canary").unwrap()).waking(Some(at(8))).unwrap())
}

// ---------------------------------------------------------------- the contract

#[test]
fn it_keeps_the_contract() {
    let files = Files::new();
    block_on(conformance::check_store(|| async { files.store() }));
}

#[test]
fn it_keeps_the_contract_shared() {
    let files = Files::new();
    block_on(conformance::check_store(|| async { SharedStore::new(files.store()) }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_in_a_spawned_task() {
    let files = std::sync::Arc::new(Files::new());
    let fresh = move || {
        let files = std::sync::Arc::clone(&files);
        async move { files.store() }
    };
    tokio::spawn(conformance::check_store(fresh)).await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same random steps in memory and in a file: every answer and the whole content after each step are equal, and
    /// still are when the file is opened again.
    #[test]
    fn it_agrees_with_the_reference(seed: u64) {
        let files = Files::new();
        let (path, memory) = (files.path(), MemoryStore::new());
        let options = SqliteOptions::new().lose_latest_commits_on_power_loss();
        let store = options.open(&path).unwrap();
        block_on(agree(&memory, &store, seed, 80)).unwrap();
        block_on(store.close()).unwrap();
        prop_assert_eq!(content(&options.open(&path).unwrap()), content(&memory));
    }
}

#[test]
fn opening_again_finds_everything() {
    let files = Files::new();
    let (path, memory) = (files.path(), MemoryStore::new());
    let store = SqliteStore::open(&path).unwrap();
    let _ = commit(&memory, &everything()).unwrap();
    let first = commit(&store, &everything()).unwrap();
    assert_eq!((first.sequence, first.applied, first.known, first.replayed), (1, 12, 0, false));
    assert_eq!(content(&store), content(&memory));
    drop(store);
    assert!(!path.with_extension("sqlite-wal").exists(), "the log is not brought into the file");

    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(content(&store), content(&memory));
    assert_eq!(commit(&store, &everything()).unwrap(), Committed { replayed: true, ..first });
    block_on(store.close()).unwrap();
    assert!(!path.with_extension("sqlite-wal").exists(), "the log is not brought into the file");
}

#[test]
fn it_crosses_threads_and_shows_no_path() {
    fn crosses_threads<T: Send + Sync + Unpin + 'static>(_: &T) {}
    let files = Files::new();
    let store = files.store();
    crosses_threads(&store);
    crosses_threads(&SqliteOptions::new());
    assert!(!format!("{store:?}").contains(files.folder.path().to_str().unwrap()));
}

// ---------------------------------------------------------------- files that cannot be used

fn sql(path: &Path, sql: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
    connection
}

#[test]
fn files_of_others_are_refused_and_left_alone() {
    let files = Files::new();
    for (setup, problem) in [
        ("CREATE TABLE t (a)", "the file is not one of this library"),
        ("PRAGMA application_id = 7", "the file is not one of this library"),
        ("PRAGMA user_version = 1", "the file is not one of this library"),
        ("PRAGMA application_id = 0x5054524E", "its schema has no version"),
        ("PRAGMA application_id = 0x5054524E; PRAGMA user_version = -1", "its schema has no version"),
        (
            "PRAGMA application_id = 0x5054524E; PRAGMA user_version = 99",
            "its schema is that of a later version",
        ),
        (
            "PRAGMA application_id = 0x5054524E; PRAGMA user_version = 1",
            "its tables are not those of the schema",
        ),
    ] {
        let path = files.path();
        drop(sql(&path, setup));
        let before = std::fs::read(&path).unwrap();
        assert_eq!(unusable(SqliteStore::open(&path)), problem, "{setup}");
        if problem != "its tables are not those of the schema" {
            assert!(std::fs::read(&path).unwrap() == before, "changed: {setup}");
        }
    }
    let path = files.path();
    std::fs::write(&path, "not a database, but long enough to look at ".repeat(100)).unwrap();
    assert_eq!(unusable(SqliteStore::open(&path)), "the file is not a SQLite database");
}

#[test]
fn a_file_of_a_later_schema_is_refused() {
    let files = Files::new();
    let path = files.path();
    drop(SqliteStore::open(&path).unwrap());
    drop(sql(&path, "PRAGMA user_version = 3"));
    assert_eq!(unusable(SqliteStore::open(&path)), "its schema is that of a later version");
}

#[test]
fn paths_that_name_no_file_are_refused() {
    let files = Files::new();
    assert_eq!(unusable(SqliteStore::open("")), "the path is not that of a file");
    let cannot_open = |path: PathBuf| match SqliteStore::open(path) {
        Err(StoreError::Backend { operation, code: BackendCode::Number(code) }) => {
            assert_eq!((operation, code & 0xff), ("open the file", 14));
        }
        other => panic!("{other:?}"),
    };
    cannot_open(files.folder.path().to_owned());
    cannot_open(files.folder.path().join("missing/file.sqlite"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let folder = files.folder.path().join("unreadable");
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o300)).unwrap();
        // The superuser can read, and so sync, every folder.
        if std::fs::File::open(&folder).is_err() {
            let problem = unusable(SqliteStore::open(folder.join("file.sqlite")));
            assert_eq!(problem, "its folder could not be synced");
        }
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    // A name that SQLite would take for an address is a plain name here.
    let path = files.folder.path().join("file:a?mode=memory");
    drop(SqliteStore::open(&path).unwrap());
    assert!(path.exists());
}

#[test]
fn a_version_1_file_opens_with_everything_in_it() {
    let files = Files::new();
    let path = files.path();
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/store_version_1.sqlite"), &path).unwrap();
    let memory = MemoryStore::new();
    let _ = commit(&memory, &everything_of_version_1()).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(content(&store), content(&memory));
    assert!(commit(&store, &everything_of_version_1()).unwrap().replayed, "the digest has changed");
    // What came with version 2 can be kept from then on.
    let matters = changes("matters").with_matters(everything().matters().to_vec());
    let _ = commit(&memory, &matters).unwrap();
    let _ = commit(&store, &matters).unwrap();
    assert_eq!(content(&store), content(&memory));
}

/// Only to be run when version 1 is not released yet.
#[test]
#[ignore = "writes the fixture of the test above"]
fn write_the_version_1_file() {
    let files = Files::new();
    let path = files.path();
    // Small pages make a small file.
    drop(sql(&path, "PRAGMA page_size = 512; VACUUM"));
    let store = SqliteStore::open(&path).unwrap();
    let _ = commit(&store, &everything_of_version_1()).unwrap();
    block_on(store.close()).unwrap();
    std::fs::copy(&path, concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/store_version_1.sqlite")).unwrap();
}

/// Every window, and a commit that reads what is there. Returns the errors.
fn use_everything(store: &SqliteStore) -> Vec<StoreError> {
    let (set, mut errors) = (everything(), Vec::new());
    let of = [set.customers()[0].id()];
    let always = Period::until("9999-12-31T23:59:59Z".parse().unwrap()).unwrap();
    let (task, key) = (set.tasks()[0].id(), set.notifications()[0].key());
    block_on(async {
        errors.extend(store.customers(None, 9).await.err());
        errors.extend(store.customers_by_id(&of).await.err());
        errors.extend(store.customer_by_identity(&set.customers()[0].identities()[0]).await.err());
        errors.extend(store.lifecycles(&of).await.err());
        errors.extend(store.consents(&of).await.err());
        errors.extend(store.purchases(&of, always).await.err());
        errors.extend(store.interactions(&of, always).await.err());
        errors.extend(store.tasks(None, 9).await.err());
        errors.extend(store.tasks_by_id(&[task]).await.err());
        errors.extend(store.matters(None, 9).await.err());
        errors.extend(store.matters_by_id(&[set.matters()[0].id()]).await.err());
        errors.extend(store.matters_of(&of).await.err());
        errors.extend(store.matters_waking(at(9), 9).await.err());
        errors.extend(store.jobs(None, 9).await.err());
        errors.extend(store.claim(at(5), 9, Duration::from_secs(1)).await.err());
        errors.extend(store.committed(set.key()).await.err());
        errors.extend(store.commit(&set).await.err());
        let stage = StageChange::new(LifecycleStage::Repurchase, at(7), StageReason::Observed).unwrap();
        errors.extend(store.commit(&changes("stage").stage_change((of[0], stage))).await.err());
        let looked_at = set.matters().iter().map(|matter| matter.clone().with_version(1));
        errors.extend(store.commit(&changes("looked at").with_matters(looked_at)).await.err());
        errors.extend(store.commit(&changes("known").with_purchases(set.purchases().to_vec())).await.err());
        errors.extend(
            store.commit(&changes("told").with_notifications(set.notifications().to_vec())).await.err(),
        );
        errors
            .extend(store.commit(&changes("settled").settlement(Settlement::Cancelled { key })).await.err());
    });
    errors
}

/// Somebody edits the file: whatever a column holds, the answer is an answer, never a panic, and no error shows it.
#[test]
fn rows_that_cannot_be_read_back_are_said_to_be_so() {
    let files = Files::new();
    let template = files.path();
    let store = SqliteStore::open(&template).unwrap();
    let _ = commit(&store, &everything()).unwrap();
    block_on(store.close()).unwrap();
    let columns: Vec<(String, String, String)> = {
        let connection = Connection::open(&template).unwrap();
        let mut columns = connection
            .prepare(
                "SELECT tables.name, columns.name, columns.type FROM sqlite_schema AS tables \
                 JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'",
            )
            .unwrap();
        let rows = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert!(columns.len() > 70, "the schema was not read");
    let (mut edited, mut unreadable) = (0, 0);
    for (table, column, kind) in &columns {
        let garbage: &[&str] = match kind.as_str() {
            "INTEGER" => &["NULL", "-1", "300", "9223372036854775807", "-9223372036854775808"],
            "REAL" => &["NULL", "7.5", "9e999", "-9e999"],
            "TEXT" => &[
                "NULL",
                "''",
                "'Canary'",
                "'other:'",
                "x'ff'",
                "'[{}]'",
                "'other:own'",
                "CAST(x'ff00' AS TEXT)",
            ],
            "BLOB" => &["NULL", "x''", "x'00'", "zeroblob(16)", "zeroblob(17)"],
            other => panic!("a column of type {other}"),
        };
        for value in garbage {
            let path = files.path();
            std::fs::copy(&template, &path).unwrap();
            let connection = Connection::open(&path).unwrap();
            // What the schema refuses cannot come in by an edit either.
            let edit = format!("PRAGMA foreign_keys = OFF; UPDATE OR IGNORE {table} SET {column} = {value}");
            if connection.execute_batch(&edit).is_err() {
                continue;
            }
            drop(connection);
            edited += 1;
            let store = SqliteOptions::new().lose_latest_commits_on_power_loss().open(&path).unwrap();
            let errors = use_everything(&store);
            for error in &errors {
                assert!(!format!("{error} {error:?}").contains("Canary"), "{error:?}");
                assert!(
                    !matches!(error, StoreError::Backend { .. } | StoreError::OutcomeUnknown { .. }),
                    "{table}.{column} = {value}: {error:?}"
                );
            }
            unreadable +=
                usize::from(errors.iter().any(|error| matches!(error, StoreError::Unusable { .. })));
            let found = block_on(store.committed(IdempotencyKey::derive(&["none"])));
            assert_eq!(found, Ok(None), "the store has stopped after {table}.{column} = {value}");
        }
    }
    assert!(edited > 150 && unreadable > 70, "{edited} edits, {unreadable} unreadable");
}

#[test]
fn a_job_whose_row_cannot_be_read_back_holds_up_no_other() {
    let files = Files::new();
    let path = files.path();
    let store = SqliteStore::open(&path).unwrap();
    let told = |n: u128| {
        let to = Recipient::Staff(Tag::literal("team"));
        Notification::new(IdempotencyKey::new(uuid(n)), to, Tag::literal("test"), at(0)).unwrap()
    };
    let _ = commit(&store, &changes("told").with_notifications((1..=6).map(told))).unwrap();
    drop(sql(
        &path,
        "UPDATE notifications SET about = 'NOT A TAG' WHERE key < x'00000000000000000000000000000004'",
    ));
    // Three that cannot be read come first, and more than fit into a claim.
    let claim = |limit| block_on(store.claim(at(0), limit, Duration::from_secs(9))).unwrap();
    let claimed: Vec<_> = claim(2).into_iter().map(|job| job.notification).collect();
    assert_eq!(claimed, [told(4)]);
    assert_eq!(claim(9).len(), 2);
    assert_eq!(claim(9), []);
    let states = "SELECT count(*) FROM notifications WHERE state = 'exhausted' AND problem = 'unreadable'";
    let given_up: u32 = sql(&path, "").query_row(states, [], |row| row.get(0)).unwrap();
    assert_eq!(given_up, 3, "they are given up with their reason");
}

// ---------------------------------------------------------------- what goes is gone

#[test]
fn what_is_overwritten_leaves_no_byte() {
    let files = Files::new();
    let path = files.path();
    let store = SqliteStore::open(&path).unwrap();
    let secret = "canary-of-forty-characters-in-every-field";
    let ada = customer("ada");
    let told = ada
        .clone()
        .with_name(secret)
        .and_then(|ada| ada.with_identity(Identity::new(Tag::literal("shop"), secret)?))
        .and_then(|ada| {
            ada.with_contact(ContactPoint::new(Contact::email(&format!("{secret}@example.org"))?))
        })
        .unwrap();
    let _ = commit(&store, &changes("told").customer(told)).unwrap();
    let _ = commit(&store, &changes("gone").customer(ada.with_version(1))).unwrap();
    block_on(store.close()).unwrap();
    for entry in std::fs::read_dir(files.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

// ---------------------------------------------------------------- other handles

#[test]
fn two_handles_share_a_file() {
    let files = Files::new();
    let path = files.path();
    let (one, two) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
    let _ = commit(&one, &changes("one").customer(customer("ada"))).unwrap();
    assert_eq!(content(&two), content(&one));
    assert!(commit(&two, &changes("one").customer(customer("ada"))).unwrap().replayed);
    let late = commit(&two, &changes("late").customer(customer("ada"))).unwrap_err();
    assert!(matches!(late, StoreError::Conflict { entity: Entity::Customer, expected: 0, found: 1, .. }));
    drop(one);
    assert_eq!(commit(&two, &changes("two").customer(customer("bob"))).unwrap().sequence, 2);
}

#[test]
fn a_locked_file_is_busy_and_nothing_is_changed() {
    let files = Files::new();
    let path = files.path();
    let store = SqliteOptions::new().busy_timeout(Duration::from_millis(20)).open(&path).unwrap();
    let _ = commit(&store, &changes("first").customer(customer("ada"))).unwrap();
    let other = sql(&path, "BEGIN IMMEDIATE");
    let set = changes("second").customer(customer("bob"));
    assert_eq!(commit(&store, &set), Err(StoreError::Busy));
    assert_eq!(block_on(store.claim(at(0), 1, Duration::ZERO)), Err(StoreError::Busy));
    assert_eq!(content(&store).customers.len(), 1, "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(commit(&store, &set).unwrap().sequence, 2);
}

#[test]
fn many_may_open_a_new_file_at_once() {
    let files = Files::new();
    for _ in 0..20 {
        let path = files.path();
        let open = || {
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..4).map(|_| scope.spawn(|| SqliteStore::open(&path).unwrap())).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
            })
        };
        for (n, store) in open().iter().enumerate() {
            assert_eq!(commit(store, &changes(&n.to_string())).unwrap().sequence, n as u64 + 1);
        }
    }
}

#[test]
fn a_call_that_is_dropped_does_no_harm() {
    use std::future::Future;
    let files = Files::new();
    let store = files.store();
    for n in 0..50 {
        let set = changes(&n.to_string()).customer(customer(&n.to_string()));
        let mut commit = std::pin::pin!(store.commit(&set));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = commit.as_mut().poll(&mut context);
    }
    for n in 0..50 {
        let _ = commit(&store, &changes(&n.to_string()).customer(customer(&n.to_string()))).unwrap();
    }
    assert_eq!(content(&store).customers.len(), 50);
}

// ---------------------------------------------------------------- crashes

/// A change set that shows whether it is there whole: a customer, their interactions, and a notification.
fn whole(n: u32) -> ChangeSet {
    let name = format!("whole {n}");
    let customer = customer(&name);
    let id = customer.id();
    let interactions = (0..n % 40).map(|m| {
        let interaction = InteractionId::derive(&[&name, &m.to_string()]);
        Interaction::builder(interaction, id, at(i64::from(m))).build().unwrap()
    });
    let key = IdempotencyKey::derive(&[&name, "told"]);
    let told = Notification::new(key, Recipient::Customer(id), Tag::literal("welcome"), at(0)).unwrap();
    changes(&name).customer(customer).with_interactions(interactions).notification(told)
}

/// Whether the change set is there, after making sure that all of it or nothing of it is.
fn is_there(store: &SqliteStore, n: u32) -> bool {
    let set = whole(n);
    let id = set.customers()[0].id();
    let receipt = block_on(store.committed(set.key())).unwrap();
    let customers = block_on(store.customers_by_id(&[id])).unwrap().len();
    let always = Period::until(at(1000)).unwrap();
    let interactions = block_on(store.interactions(&[id], always)).unwrap().len();
    let key = set.notifications()[0].key();
    let before = IdempotencyKey::new(uuid(key.as_uuid().as_u128() - 1));
    let told = block_on(store.jobs(Some(before), 1)).unwrap();
    let told = told.iter().filter(|job| job.notification.key() == key).count();
    let found = (receipt.is_some(), customers, interactions, told);
    let all = (true, 1, set.interactions().len(), 1);
    assert!(found == all || found == (false, 0, 0, 0), "change set {n} is there by parts: {found:?}");
    receipt.is_some()
}

fn uuid(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

/// Runs a test of this binary in a process of its own.
fn child(test: &str, path: &Path, from: u32, limit: Option<u32>) -> std::process::Command {
    let this = std::env::current_exe().unwrap();
    let mut command = match limit {
        None => std::process::Command::new(this),
        Some(blocks) => {
            let mut shell = std::process::Command::new("sh");
            shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")).arg(this);
            shell
        }
    };
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.env("PATRONAGE_FILE", path).env("PATRONAGE_FROM", from.to_string());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    command
}

fn given(name: &str) -> String {
    std::env::var_os(name).unwrap().into_string().unwrap()
}

#[test]
#[ignore = "run by the test that kills it"]
fn commits_until_it_is_killed() {
    use std::io::Write;
    let store = SqliteStore::open(given("PATRONAGE_FILE")).unwrap();
    for n in given("PATRONAGE_FROM").parse::<u32>().unwrap().. {
        let _ = commit(&store, &whole(n)).unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "acknowledged {n}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_killing_the_process() {
    use rand::{RngExt, SeedableRng};
    use std::io::{BufRead, BufReader};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(20);
    let files = Files::new();
    let path = files.path();
    let (mut from, mut killed_unseen) = (0, 0);
    for round in 0..20 {
        let mut child = child("commits_until_it_is_killed", &path, from, None).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = random.random_range(1..30);
        let mut seen = 0;
        let mut acknowledged = None;
        while seen < wanted {
            let line = lines.next().expect("the child has ended").unwrap();
            if let Some(n) = line.strip_prefix("acknowledged ") {
                acknowledged = Some(n.parse::<u32>().unwrap());
                seen += 1;
            }
        }
        std::thread::sleep(Duration::from_micros(random.random_range(0..8_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            let line = line.unwrap();
            acknowledged = line.strip_prefix("acknowledged ").and_then(|n| n.parse().ok()).or(acknowledged);
        }
        let store = SqliteStore::open(&path).unwrap();
        let last = acknowledged.unwrap();
        for n in 0..=last {
            assert!(is_there(&store, n), "round {round}: acknowledged change set {n} of {last} is lost");
        }
        // The next one may be there or not, but whole; there is none after it.
        killed_unseen += u32::from(is_there(&store, last + 1));
        assert!(!is_there(&store, last + 2));
        let known = content(&store);
        assert_eq!(known.customers.len(), known.jobs.len(), "a notification without its change set");
        from = last + 1;
    }
    println!("20 rounds, {from} acknowledged, {killed_unseen} committed without acknowledgement");
}

#[cfg(unix)]
#[test]
#[ignore = "run by the test that limits it"]
fn commits_until_the_disk_is_full() {
    let store = SqliteStore::open(given("PATRONAGE_FILE")).unwrap();
    for n in given("PATRONAGE_FROM").parse::<u32>().unwrap().. {
        match commit(&store, &whole(n)) {
            Ok(_) => println!("acknowledged {n}"),
            Err(error) => {
                println!("failed {n} {error:?}");
                // What is there can still be read, or is said not to be readable; nothing hangs or panics.
                println!("readable {}", block_on(store.customers(None, 1)).is_ok());
                return;
            }
        }
    }
}

/// Writes beyond a size fail: no acknowledgement is false, the file is sound, and committing again finds out.
#[cfg(unix)]
#[test]
fn a_full_disk_gives_no_false_acknowledgement() {
    let files = Files::new();
    let mut unknown = 0;
    for blocks in (300..1500).step_by(150) {
        let path = files.path();
        let output = child("commits_until_the_disk_is_full", &path, 0, Some(blocks)).output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let acknowledged = output.lines().filter(|line| line.starts_with("acknowledged ")).count();
        let failed = output.lines().find(|line| line.starts_with("failed "));
        let failed = failed.unwrap_or_else(|| panic!("with {blocks} blocks it went on: {output}"));
        assert!(failed.contains("OutcomeUnknown") || failed.contains("Backend"), "{failed}");
        unknown += u32::from(failed.contains("OutcomeUnknown"));
        let acknowledged = u32::try_from(acknowledged).unwrap();
        assert!(acknowledged > 0, "{output}");

        let store = SqliteStore::open(&path).unwrap();
        for n in 0..acknowledged {
            assert!(is_there(&store, n), "acknowledged change set {n} of {acknowledged} is lost");
        }
        let there = is_there(&store, acknowledged);
        assert_eq!(commit(&store, &whole(acknowledged)).unwrap().replayed, there);
        assert!(is_there(&store, acknowledged));
        block_on(store.close()).unwrap();
        let sound: String = Connection::open(&path)
            .unwrap()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(sound, "ok");
    }
    println!("{unknown} outcomes unknown");
}
