//! The PostgreSQL store keeps the contract, agrees with the reference, and does what it says about connections, workers
//! and servers. The tests use the server of `PATRONAGE_POSTGRES_URL`, each in schemas of its own.
#![cfg(all(feature = "postgres", feature = "conformance"))]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop here")]

use futures_util::future::join_all;
use patronage::case::{CallBack, CallBackId, Case, CaseChange, CaseEvent, CaseId, Matter};
use patronage::consent::{ConsentId, ConsentRecord, ConsentStatus, Purpose};
use patronage::customer::{Contact, ContactPoint, Customer, CustomerId, CustomerKind, Identity};
use patronage::interaction::{Interaction, InteractionId, Touchpoint};
use patronage::lifecycle::{LifecycleStage, StageChange, StageReason};
use patronage::notification::{JobState, Notification, Recipient, Settlement};
use patronage::purchase::{Purchase, PurchaseId};
use patronage::store::conformance::{self, Dump, agree, dump};
use patronage::store::{
    BackendCode, ChangeSet, Committed, Entity, MemoryStore, PostgresOptions, PostgresStore, SharedStore,
    Store, StoreError,
};
use patronage::task::{Task, TaskId};
use patronage::{IdempotencyKey, Pii, Tag};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::NoTls;

type Instant = chrono::DateTime<chrono::Utc>;

fn at(second: i64) -> Instant {
    Instant::from_timestamp(1_767_225_600 + second, 123_456_000).unwrap()
}

fn changes(name: &str) -> ChangeSet {
    ChangeSet::new(IdempotencyKey::derive(&[name]), at(0), Tag::literal("test")).unwrap()
}

fn customer(name: &str) -> Customer {
    Customer::new(CustomerId::derive(&[name]), CustomerKind::Person, at(0)).unwrap()
}

fn told(name: &str, second: i64) -> Notification {
    let key = IdempotencyKey::derive(&[name]);
    Notification::new(key, Recipient::Staff(Tag::literal("team")), Tag::literal("test"), at(second)).unwrap()
}

fn unusable<T>(result: Result<T, StoreError>) -> &'static str {
    match result {
        Err(StoreError::Unusable { problem }) => problem,
        Err(other) => panic!("another error: {other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

/// The server of the tests, or `None` where they are not wanted.
fn url() -> Option<String> {
    if std::env::var_os("PATRONAGE_SKIP_POSTGRES").is_some() {
        return None;
    }
    let url = std::env::var_os("PATRONAGE_POSTGRES_URL").unwrap_or_else(|| {
        panic!(
            "PATRONAGE_POSTGRES_URL names no PostgreSQL server for the tests: run them by `.ci/postgres run cargo test ...`, \
             which starts a throw-away one (README, \"Try it\"), or set PATRONAGE_SKIP_POSTGRES=1"
        )
    });
    Some(url.into_string().unwrap())
}

/// New schemas on the server, which go with it.
struct Schemas {
    url: String,
    made: Mutex<Vec<String>>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Schemas {
    fn new(url: String) -> Self {
        Self { url, made: Mutex::default() }
    }

    fn name(&self) -> String {
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.made.lock().unwrap().push(name.clone());
        name
    }

    fn options(&self) -> PostgresOptions {
        PostgresOptions::new().schema(&self.name()).unwrap().connections(8)
    }

    async fn store(&self) -> PostgresStore {
        self.options().connect(&self.url).await.unwrap()
    }

    async fn sql(&self, sql: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        client
    }
}

impl Drop for Schemas {
    fn drop(&mut self) {
        let url = self.url.clone();
        let names = std::mem::take(&mut *self.made.lock().unwrap());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                tokio::spawn(connection);
                for name in names {
                    client.batch_execute(&format!("DROP SCHEMA IF EXISTS {name} CASCADE")).await.unwrap();
                }
            });
        });
        let _ = dropped.join();
    }
}

macro_rules! schemas {
    () => {
        match url() {
            Some(url) => Schemas::new(url),
            None => return,
        }
    };
}

async fn content(store: &impl Store) -> Dump {
    dump(store).await.unwrap()
}

// ---------------------------------------------------------------- the contract

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract() {
    let schemas = schemas!();
    conformance::check_store(|| schemas.store()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_shared_in_a_spawned_task() {
    let schemas = Arc::new(schemas!());
    let fresh = move || {
        let schemas = Arc::clone(&schemas);
        async move { SharedStore::new(schemas.store().await) }
    };
    tokio::spawn(conformance::check_store(fresh)).await.unwrap();
}

/// The same random steps in memory and on the server: every answer and the whole content after each step are equal, and
/// still are when the store is opened again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_agrees_with_the_reference() {
    let schemas = schemas!();
    join_all((0..8).map(|seed| {
        let options = schemas.options();
        let url = &schemas.url;
        async move {
            let memory = MemoryStore::new();
            let store = options.clone().connect(url).await.unwrap();
            agree(&memory, &store, 100 + seed, 120).await.unwrap();
            drop(store);
            assert_eq!(content(&options.connect(url).await.unwrap()).await, content(&memory).await);
        }
    }))
    .await;
}

// ---------------------------------------------------------------- many rows at once

fn interaction(n: usize, whose: &str, second: i64) -> Interaction {
    let id = InteractionId::derive(&[&n.to_string()]);
    Interaction::builder(id, CustomerId::derive(&[whose]), at(second)).build().unwrap()
}

fn consent(n: usize, whose: &str) -> ConsentRecord {
    let id = ConsentId::derive(&[&n.to_string()]);
    let status = ConsentStatus::Given;
    ConsentRecord::new(id, CustomerId::derive(&[whose]), Purpose::CustomerCare, status, at(0))
        .and_then(|record| record.with_evidence(format!("said \0 \u{1a} {n}")))
        .unwrap()
}

fn purchase(n: usize, whose: &str) -> Purchase {
    let (id, amount) = (PurchaseId::derive(&[&n.to_string()]), "1.23 EUR".parse().unwrap());
    Purchase::new(id, CustomerId::derive(&[whose]), at(0), amount).unwrap()
}

fn name(n: usize) -> String {
    format!("customer {}", n % 200)
}

/// A call-back for a reason: there may be one for it.
fn call_back(n: usize, reason: usize) -> Matter {
    let reason = Tag::new(&format!("reason_{reason}")).unwrap();
    let id = CallBackId::derive(&[&n.to_string()]);
    let call = CallBack::offer(id, CustomerId::derive(&[&name(0)]), reason, at(0), 2).unwrap();
    Matter::new(call).waking(Some(at(5))).unwrap()
}

/// So many of every kind.
fn many(prefix: &str, count: usize) -> ChangeSet {
    let identity = |n: usize| Identity::new(Tag::literal("shop"), &format!("{n}")).unwrap();
    let stage = StageChange::new(LifecycleStage::Purchase, at(0), StageReason::Observed).unwrap();
    let mut set = changes(prefix)
        .with_customers((0..200).map(|n| customer(&name(n)).with_identity(identity(n)).unwrap()))
        .with_stage_changes((0..200).map(|n| (CustomerId::derive(&[&name(n)]), stage)));
    for n in 0..count {
        set = set
            .consent(consent(n, &name(n)))
            .purchase(purchase(n, &name(n)))
            .interaction(interaction(n, &name(n), 0))
            .task(Task::new(TaskId::derive(&[&n.to_string()]), Tag::literal("call"), at(0)).unwrap())
            .matter(call_back(n, n))
            .notification(told(&n.to_string(), 0));
    }
    set
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rows_are_taken_and_refused_as_by_the_reference() {
    let schemas = schemas!();
    let (memory, store) = (MemoryStore::new(), schemas.store().await);
    let same = async |changes: &ChangeSet| {
        let wanted = memory.commit(changes).await;
        assert_eq!(store.commit(changes).await, wanted);
        assert_eq!(content(&store).await, content(&memory).await);
        wanted
    };
    let first = same(&many("first", 500)).await.unwrap();
    assert_eq!((first.applied, first.known), (3400, 0));

    // Known and new ones, and some twice.
    let facts = |name: &str, from: usize, to: usize| {
        changes(name)
            .with_consents((from..to).map(|n| consent(n, &self::name(n))))
            .with_purchases((from..to).map(|n| purchase(n, &self::name(n))))
            .with_interactions((from..to).map(|n| interaction(n, &self::name(n), 0)))
            .with_notifications((from..to).map(|n| told(&n.to_string(), 0)))
    };
    let twice =
        facts("half known", 400, 600).with_interactions((550..650).map(|n| interaction(n, &name(n), 0)));
    let receipt = same(&twice).await.unwrap();
    assert_eq!((receipt.applied, receipt.known), (450, 450));

    // Changes of what is there: customers with other identities, tasks, stages.
    let swapped = |n: usize| Identity::new(Tag::literal("shop"), &format!("{}", 1000 + n / 2)).unwrap();
    let drop_all = changes("drop").with_customers((0..200).map(|n| customer(&name(n)).with_version(1)));
    let taken =
        (0..200).step_by(2).map(|n| customer(&name(n)).with_version(1).with_identity(swapped(n)).unwrap());
    let stage = StageChange::new(LifecycleStage::Existing, at(1), StageReason::Observed).unwrap();
    let task = |n: usize| Task::new(TaskId::derive(&[&n.to_string()]), Tag::literal("mail"), at(1)).unwrap();
    let changed = changes("changed")
        .with_customers(taken)
        .with_stage_changes((0..200).map(|n| (CustomerId::derive(&[&name(n)]), stage)))
        .with_tasks((0..100).map(|n| task(n).with_version(1)))
        .with_tasks((500..600).map(task))
        .with_settlements((0..600).map(|n| Settlement::Cancelled { key: told(&n.to_string(), 0).key() }));
    same(&changed).await.unwrap();
    assert!(matches!(same(&drop_all).await, Err(StoreError::Conflict { expected: 1, found: 2, .. })));

    // One call-back too many for a reason.
    let mut calls: Vec<_> = (1000..1100).map(|n| call_back(n, n)).collect();
    calls.insert(90, call_back(1200, 17));
    let refused = same(&changes("calls").with_matters(calls)).await;
    assert!(matches!(refused, Err(StoreError::OpenAlready { .. })), "{refused:?}");
    for now in [Instant::MIN_UTC, at(4), at(5), Instant::MAX_UTC] {
        let wanted = memory.matters_waking(now, 70).await;
        assert_eq!(store.matters_waking(now, 70).await, wanted);
    }

    // One at fault among many: other content, an unknown customer, both; in the store and in the set.
    for (at_fault, late) in [(0, 80), (70, 90), (99, 99)] {
        let mut faults = Vec::new();
        for (n, fault) in [
            interaction(100, &name(100), 9),
            interaction(7000, "stranger", 0),
            interaction(100, "stranger", 0),
            interaction(2000 + late, &name(1), 5),
        ]
        .into_iter()
        .enumerate()
        {
            let mut all: Vec<_> = (0..100).map(|n| interaction(2000 + n, &name(n), 0)).collect();
            all.insert(at_fault, fault.clone());
            all.insert(late, interaction(101, "stranger", 3));
            faults.push(same(&changes(&format!("fault {at_fault} {n}")).with_interactions(all)).await);
            let few = changes(&format!("few {at_fault} {n}")).interaction(fault);
            let _ = same(&few).await;
        }
        assert!(faults.iter().all(Result::is_err), "{faults:?}");
    }
    let mut all: Vec<_> = (5000..5100).map(|n| told(&n.to_string(), 0)).collect();
    all.push(told("17", 5));
    let refused = same(&changes("told").with_notifications(all)).await;
    assert!(matches!(refused, Err(StoreError::KeyReuse { entity: Entity::Notification, .. })));
    drop(store);
}

// ---------------------------------------------------------------- side by side

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_claim_at_once_never_share_a_job() {
    let schemas = schemas!();
    let options = schemas.options().connections(2);
    let store = options.clone().connect(&schemas.url).await.unwrap();
    let all = changes("all").with_notifications((0..2000).map(|n| told(&n.to_string(), n % 50)));
    let _ = store.commit(&all).await.unwrap();
    let workers = (0..8).map(|_| {
        let (options, url) = (options.clone(), schemas.url.clone());
        tokio::spawn(async move {
            let store = options.connect(&url).await.unwrap();
            let mut mine = Vec::new();
            loop {
                let jobs = store.claim(at(60), 13, Duration::from_secs(60)).await.unwrap();
                if jobs.is_empty() {
                    return mine;
                }
                assert!(jobs.len() <= 13);
                assert!(jobs.windows(2).all(|pair| pair[0].not_before <= pair[1].not_before));
                mine.extend(jobs);
            }
        })
    });
    let claimed: Vec<_> = join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    assert!(claimed.iter().all(|job| (job.fence, job.attempts) == (1, 1)));
    let keys: BTreeSet<_> = claimed.iter().map(|job| job.notification.key()).collect();
    assert_eq!((claimed.len(), keys.len()), (2000, 2000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_set_committed_by_many_at_once_has_its_effect_once() {
    let schemas = schemas!();
    let store = schemas.store().await;
    for round in 0..10 {
        let sign_up = changes(&format!("round {round}"))
            .customer(customer(&format!("{round}")))
            .interaction(interaction(round, &format!("{round}"), 0))
            .notification(told(&format!("{round}"), 0));
        let answers = join_all((0..8).map(|_| store.commit(&sign_up))).await;
        let receipts: Vec<Committed> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(receipts.iter().filter(|receipt| !receipt.replayed).count(), 1);
        assert!(receipts.iter().all(|receipt| receipt.sequence == receipts[0].sequence));
    }
    assert_eq!(content(&store).await.customers.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_recorded_by_many_at_once_are_stored_once() {
    let schemas = schemas!();
    let store = schemas.store().await;
    let people = changes("people").with_customers((0..20).map(|n| customer(&name(n))));
    let _ = store.commit(&people).await.unwrap();
    for round in 0..15 {
        let sets: Vec<ChangeSet> = (0..6)
            .map(|worker| {
                let count = if round % 2 == 0 { 40 } else { 100 };
                let mut facts: Vec<_> =
                    (0..count).map(|n| interaction(1000 * round + n, &name(n % 20), 0)).collect();
                if worker % 2 == 1 {
                    facts.reverse();
                }
                changes(&format!("{round} {worker}")).with_interactions(facts)
            })
            .collect();
        let answers = join_all(sets.iter().map(|set| store.commit(set))).await;
        let applied: u64 = answers.into_iter().map(|answer| answer.unwrap().applied).sum();
        assert_eq!(applied, sets[0].len() as u64);
    }
}

/// Another program locks rows the other way round: PostgreSQL ends our transaction, and it is tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_with_another_program_is_tried_again() {
    let schemas = schemas!();
    let name = schemas.name();
    let store = PostgresOptions::new().schema(&name).unwrap().connect(&schemas.url).await.unwrap();
    let task =
        |n: u128| Task::new(TaskId::new(uuid::Uuid::from_u128(n)), Tag::literal("call"), at(0)).unwrap();
    let _ = store.commit(&changes("given").task(task(1)).task(task(2))).await.unwrap();
    let lock = |n: u128| {
        let id = uuid::Uuid::from_u128(n);
        format!("SELECT 1 FROM {name}.tasks WHERE id = '{id}' FOR UPDATE")
    };
    let other = schemas.sql(&format!("SET deadlock_timeout = '20s'; BEGIN; {}", lock(2))).await;
    let change = changes("change").task(task(1).with_version(1)).task(task(2).with_version(1));
    let (receipt, ()) = tokio::join!(store.commit(&change), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.batch_execute(&lock(1)).await.unwrap();
        other.batch_execute("COMMIT").await.unwrap();
    });
    assert_eq!(receipt.unwrap().applied, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_row_is_busy_for_a_change_and_passed_over_by_a_claim() {
    let schemas = schemas!();
    let name = schemas.name();
    let options = PostgresOptions::new().schema(&name).unwrap().busy_timeout(Duration::from_millis(50));
    let store = options.connect(&schemas.url).await.unwrap();
    let given =
        changes("given").customer(customer("ada")).notification(told("a", 0)).notification(told("b", 1));
    let _ = store.commit(&given).await.unwrap();
    let other = schemas
        .sql(&format!(
            "BEGIN; SELECT 1 FROM {name}.customers FOR UPDATE; \
             SELECT 1 FROM {name}.notifications WHERE due = (SELECT min(due) FROM {name}.notifications) FOR UPDATE"
        ))
        .await;
    let change = changes("change").customer(customer("ada").with_version(1));
    assert_eq!(store.commit(&change).await, Err(StoreError::Busy));
    let claimed = store.claim(at(9), 9, Duration::from_secs(60)).await.unwrap();
    assert_eq!(claimed.iter().map(|job| job.notification.key()).collect::<Vec<_>>(), [told("b", 1).key()]);
    assert_eq!(store.customers(None, 9).await.unwrap()[0].version(), 1, "reading goes on");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.commit(&change).await.unwrap().sequence, 2);
}

// ---------------------------------------------------------------- lost connections

const PASS: u8 = 0;
const DROP_REPLY: u8 = 1;
const DROP_REQUEST: u8 = 2;

/// Passes connections on to the server. It may swallow the reply to the next COMMIT, or that COMMIT, and cut the line.
struct Proxy {
    port: u16,
    next_commit: Arc<AtomicU8>,
}

impl Proxy {
    async fn new(server: (String, u16)) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let next_commit = Arc::new(AtomicU8::new(PASS));
        let how = Arc::clone(&next_commit);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = tokio::net::TcpStream::connect(server.clone()).await.unwrap();
                tokio::spawn(pass_on(client, server, Arc::clone(&how)));
            }
        });
        Self { port, next_commit }
    }
}

async fn pass_on(
    mut client: tokio::net::TcpStream,
    mut server: tokio::net::TcpStream,
    how: Arc<AtomicU8>,
) -> Option<()> {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let request = &asked[..read.ok().filter(|read| *read > 0)?];
                let commits = request.windows(7).any(|window| window == b"COMMIT\0");
                match if commits { how.swap(PASS, Ordering::SeqCst) } else { PASS } {
                    DROP_REQUEST => return None,
                    DROP_REPLY => {
                        server.write_all(request).await.ok()?;
                        // The reply to COMMIT ends with ReadyForQuery, idle.
                        let mut reply = Vec::new();
                        while !reply.ends_with(b"Z\0\0\0\x05I") {
                            let read = server.read(&mut answered).await.ok().filter(|read| *read > 0)?;
                            reply.extend_from_slice(&answered[..read]);
                        }
                        return None;
                    }
                    _ => server.write_all(request).await.ok()?,
                }
            }
            read = server.read(&mut answered) => {
                client.write_all(&answered[..read.ok().filter(|read| *read > 0)?]).await.ok()?;
            }
        }
    }
}

/// Where the server listens.
fn address(url: &str) -> (String, u16) {
    let config: tokio_postgres::Config = url.parse().unwrap();
    let tokio_postgres::config::Host::Tcp(host) = &config.get_hosts()[0] else { panic!("no TCP") };
    (host.clone(), config.get_ports().first().copied().unwrap_or(5432))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_reply_is_lost_is_in_doubt_and_committing_again_finds_out() {
    let schemas = schemas!();
    let (host, port) = address(&schemas.url);
    let proxy = Proxy::new((host.clone(), port)).await;
    let through = schemas.url.replace(&format!("{host}:{port}"), &format!("127.0.0.1:{}", proxy.port));
    assert_ne!(through, schemas.url);
    let store = schemas.options().connect(&through).await.unwrap();
    let (mut doubts, mut took_effect) = (0, 0);
    for n in 0..60_usize {
        let how = [PASS, DROP_REPLY, DROP_REQUEST][n % 3];
        let ada = customer(&format!("{n}"));
        let set = changes(&format!("{n}"))
            .interaction(interaction(n, &format!("{n}"), 0))
            .customer(ada)
            .notification(told(&format!("{n}"), 0));
        proxy.next_commit.store(how, Ordering::SeqCst);
        match store.commit(&set).await {
            Ok(receipt) => assert!(how == PASS && !receipt.replayed),
            Err(StoreError::OutcomeUnknown { key }) => {
                assert!(how != PASS && key == set.key());
                doubts += 1;
                let receipt = store.commit(&set).await.unwrap();
                assert_eq!(receipt.replayed, how == DROP_REPLY);
                took_effect += u32::from(receipt.replayed);
            }
            Err(other) => panic!("{other:?}"),
        }
        assert!(store.commit(&set).await.unwrap().replayed);
    }
    assert_eq!((doubts, took_effect), (40, 20));
    let known = content(&store).await;
    assert_eq!((known.customers.len(), known.interactions.len(), known.jobs.len()), (60, 60, 60));

    // A claim whose reply is lost leases the jobs to nobody; they come back.
    proxy.next_commit.store(DROP_REPLY, Ordering::SeqCst);
    let lost = store.claim(at(0), 99, Duration::from_secs(30)).await;
    assert!(matches!(lost, Err(StoreError::Backend { code: BackendCode::SqlState(_), .. })), "{lost:?}");
    assert_eq!(store.claim(at(29), 99, Duration::from_secs(30)).await.unwrap(), []);
    let again = store.claim(at(30), 99, Duration::from_secs(30)).await.unwrap();
    assert!(again.len() == 60 && again.iter().all(|job| job.fence == 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_were_cut_are_replaced() {
    let schemas = schemas!();
    let options = schemas.options();
    let url = format!("{}?application_name=cut_{}", schemas.url, std::process::id());
    let store = options.connect(&url).await.unwrap();
    let cutter = schemas.sql("").await;
    for n in 0..10 {
        let names: Vec<String> = (0..4).map(|m| format!("{n} {m}")).collect();
        let sets: Vec<_> = names.iter().map(|name| changes(name).customer(customer(name))).collect();
        let cut = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut_{}'",
            std::process::id()
        );
        let (answers, ()) = tokio::join!(join_all(sets.iter().map(|set| store.commit(set))), async {
            tokio::time::sleep(Duration::from_micros(500 * n)).await;
            cutter.batch_execute(&cut).await.unwrap();
        });
        for (set, answer) in sets.iter().zip(answers) {
            match answer {
                Ok(_) => {}
                Err(StoreError::OutcomeUnknown { .. } | StoreError::Backend { .. }) => {
                    let _ = store.commit(set).await.unwrap();
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(store.customers(None, 99).await.unwrap().len() as u64, 4 * (n + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_dropped_does_no_harm() {
    let schemas = schemas!();
    let store = schemas.options().connections(2).connect(&schemas.url).await.unwrap();
    for n in 0..60 {
        let name = format!("{n}");
        let set = changes(&name).customer(customer(&name)).notification(told(&name, 0));
        let _ = tokio::time::timeout(Duration::from_micros(100 * n), store.commit(&set)).await;
        let claim = store.claim(at(0), 1, Duration::from_secs(1));
        let _ = tokio::time::timeout(Duration::from_micros(70 * n), claim).await;
    }
    for n in 0..60 {
        let name = format!("{n}");
        let set = changes(&name).customer(customer(&name)).notification(told(&name, 0));
        let _ = store.commit(&set).await.unwrap();
    }
    let known = content(&store).await;
    assert_eq!((known.customers.len(), known.jobs.len()), (60, 60));
    assert!(known.customers.iter().all(|customer| customer.version() == 1));
}

// ---------------------------------------------------------------- schemas and servers that cannot be used

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_new_schema_at_once() {
    let schemas = schemas!();
    for _ in 0..5 {
        let options = schemas.options();
        let stores = join_all((0..8).map(|_| {
            let (options, url) = (options.clone(), schemas.url.clone());
            tokio::spawn(async move { options.connect(&url).await.unwrap() })
        }))
        .await;
        for (n, store) in stores.into_iter().enumerate() {
            assert_eq!(store.unwrap().commit(&changes(&n.to_string())).await.unwrap().sequence, n as u64 + 1);
        }
        let again = options.connect(&schemas.url).await.unwrap();
        assert_eq!(again.commit(&changes("0")).await.map(|receipt| receipt.replayed), Ok(true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_of_others_and_of_later_versions_are_refused() {
    let schemas = schemas!();
    for (setup, problem) in [
        ("CREATE TABLE @.t (a int)", "the schema is not one of this library"),
        ("CREATE VIEW @.journal AS SELECT 1", "the schema is not one of this library"),
        ("CREATE TABLE @.patronage_schema (version bigint)", "its schema has no version"),
        ("CREATE TABLE @.patronage_schema (v int)", "its tables are not those of the schema"),
        (
            "CREATE TABLE @.patronage_schema AS SELECT 99::bigint AS version",
            "its schema is that of a later version",
        ),
        (
            "CREATE TABLE @.patronage_schema AS SELECT 1::bigint AS version",
            "its tables are not those of the schema",
        ),
    ] {
        let name = schemas.name();
        let setup = format!("CREATE SCHEMA {name}; {}", setup.replace('@', &name));
        schemas.sql(&setup).await;
        let options = PostgresOptions::new().schema(&name).unwrap();
        assert_eq!(unusable(options.connect(&schemas.url).await), problem, "{setup}");
    }
    let name = schemas.name();
    let options = PostgresOptions::new().schema(&name).unwrap();
    drop(options.clone().connect(&schemas.url).await.unwrap());
    schemas.sql(&format!("INSERT INTO {name}.patronage_schema (version) VALUES (2)")).await;
    let refused = options.clone().connect(&schemas.url).await;
    assert_eq!(unusable(refused), "its schema is that of a later version");
    schemas.sql(&format!("DELETE FROM {name}.patronage_schema WHERE version = 2")).await;
    schemas.sql(&format!("ALTER TABLE {name}.tasks RENAME COLUMN about TO regarding")).await;
    let refused = options.connect(&schemas.url).await;
    assert_eq!(unusable(refused), "its tables are not those of the schema");
    for wrong in ["", "A", "1a", "pg_x", "a-b", "a\"b", &"a".repeat(64)] {
        assert!(PostgresOptions::new().schema(wrong).is_err(), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_cannot_be_used_are_refused_without_their_address() {
    let schemas = schemas!();
    let (host, port) = address(&schemas.url);
    let shown = |error: StoreError| {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary") && !shown.contains(&host), "{shown}");
        error
    };
    let refused = PostgresStore::connect("postgresql://canary:canary@127.0.0.1:1/canary").await.unwrap_err();
    assert!(matches!(shown(refused), StoreError::Backend { operation: "connect", .. }));
    let refused = PostgresStore::connect(&format!("postgresql://canary:canary@{host}:{port}/postgres")).await;
    match shown(refused.unwrap_err()) {
        StoreError::Backend { operation, code } => {
            assert_eq!((operation, code.to_string().as_str()), ("connect", "28P01"));
        }
        other => panic!("{other:?}"),
    }
    assert!(unusable(PostgresStore::connect("canary").await).contains("not the URL"));
    assert!(unusable(PostgresStore::connect("postgresql://h/d?sslmode=require").await).contains("TLS"));

    let name = schemas.name();
    let admin = schemas
        .sql(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"))
        .await;
    let url = schemas.url.replace("/postgres", &format!("/{name}"));
    assert!(unusable(PostgresStore::connect(&url).await).contains("UTF-8"));
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    let store = schemas.store().await;
    assert!(!format!("{store:?}").contains(&host));
}

#[test]
fn without_a_runtime_it_says_so() {
    let answer = pollster::block_on(PostgresStore::connect("postgresql://localhost/x"));
    assert_eq!(unusable(answer), "it needs a tokio runtime to connect");
}

#[cfg(feature = "blocking")]
#[test]
fn once_open_it_may_be_used_from_any_thread() {
    use patronage::store::Blocking;
    let schemas = schemas!();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let store = Blocking::new(runtime.block_on(schemas.store()));
    std::thread::scope(|scope| {
        for n in 0..4 {
            let store = &store;
            scope.spawn(move || {
                store.commit(&changes(&n.to_string()).customer(customer(&n.to_string()))).unwrap()
            });
        }
    });
    assert_eq!(store.customers(None, 9).unwrap().len(), 4);
}

/// Commits and claims wait for the disk even where the role is set not to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_durable_whatever_the_defaults_are() {
    let schemas = schemas!();
    let name = schemas.name();
    for (default, wanted) in [("off", "on"), ("local", "local"), ("on", "on")] {
        let url = format!(
            "{}?options=-c%20synchronous_commit%3D{default}%20-c%20default_transaction_isolation%3Dserializable",
            schemas.url
        );
        let store = PostgresOptions::new().schema(&name).unwrap().connect(&url).await.unwrap();
        let watch = schemas
            .sql(&format!(
                "CREATE TABLE IF NOT EXISTS public.{name} (setting text); TRUNCATE public.{name}; \
                 CREATE OR REPLACE FUNCTION public.f_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 INSERT INTO public.{name} VALUES (current_setting('synchronous_commit') || ' ' || \
                 current_setting('transaction_isolation')); RETURN NULL; END $$; \
                 CREATE OR REPLACE TRIGGER w AFTER INSERT ON {name}.journal EXECUTE FUNCTION public.f_{name}(); \
                 CREATE OR REPLACE TRIGGER w AFTER UPDATE ON {name}.notifications EXECUTE FUNCTION public.f_{name}();"
            ))
            .await;
        let _ = store.commit(&changes(default).notification(told(default, 0))).await.unwrap();
        assert_eq!(store.claim(at(0), 1, Duration::from_secs(1)).await.unwrap().len(), 1);
        let rows = watch.query(&format!("SELECT setting FROM public.{name}"), &[]).await.unwrap();
        let seen: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let wanted = format!("{wanted} read committed");
        assert_eq!(seen, [wanted.as_str(), &wanted], "{default}");
    }
    schemas.sql(&format!("DROP TABLE public.{name}; DROP FUNCTION public.f_{name} CASCADE")).await;
}

// ---------------------------------------------------------------- personal data

fn canaries() -> ChangeSet {
    let ada = customer("ada")
        .with_name("Ada Canary")
        .and_then(|ada| ada.with_contact(ContactPoint::new(Contact::email("canary@example.org")?)))
        .and_then(|ada| ada.with_identity(Identity::new(Tag::literal("shop"), "canary 17")?))
        .unwrap();
    let id = ada.id();
    let text = told("n", 0).via(Touchpoint::Email).with_text("Dear Canary").unwrap();
    let mut case = Case::open(CaseId::derive(&["c"]), id, Tag::literal("billing"), at(0)).unwrap();
    let fact =
        CaseChange::Told { about: Tag::literal("billing"), fact: Pii::new("canary \0 fact".to_owned()) };
    case.record(CaseEvent::new(at(1), fact)).unwrap();
    changes("canaries")
        .matter(Matter::new(case).waking(Some(at(7))).unwrap())
        .customer(ada)
        .stage_change((id, StageChange::new(LifecycleStage::Purchase, at(0), StageReason::Observed).unwrap()))
        .consent(consent(1, "ada"))
        .purchase(purchase(1, "ada"))
        .interaction(interaction(1, "ada", 0))
        .task(Task::new(TaskId::derive(&["t"]), Tag::literal("call"), at(0)).unwrap().for_customer(id))
        .notification(text)
}

/// Every window, and commits that read what is there. Returns the errors.
async fn use_everything(store: &PostgresStore, round: usize) -> Vec<StoreError> {
    let of = [CustomerId::derive(&["ada"])];
    let always = patronage::Period::until(at(99)).unwrap();
    let ada = customer("ada").with_version(7);
    let task = Task::new(TaskId::derive(&["t"]), Tag::literal("call"), at(0)).unwrap().with_version(7);
    let stage = StageChange::new(LifecycleStage::Existing, at(1), StageReason::Observed).unwrap();
    let set = |name: &str| changes(&format!("{name} {round}"));
    let text = told("n", 0).via(Touchpoint::Email).with_text("Dear Canary").unwrap();
    let mut errors = Vec::new();
    errors.extend(store.customers(None, 9).await.err());
    errors.extend(store.customers_by_id(&of).await.err());
    errors.extend(store.lifecycles(&of).await.err());
    errors.extend(store.consents(&of).await.err());
    errors.extend(store.purchases(&of, always).await.err());
    errors.extend(store.interactions(&of, always).await.err());
    errors.extend(store.tasks(None, 9).await.err());
    let looked_at = canaries().matters().to_vec();
    errors.extend(store.matters(None, 9).await.err());
    errors.extend(store.matters_by_id(&[looked_at[0].id()]).await.err());
    errors.extend(store.matters_of(&of).await.err());
    errors.extend(store.matters_waking(at(9), 9).await.err());
    let looked_at = looked_at.into_iter().map(|matter| matter.with_version(1));
    errors.extend(store.commit(&set("looked at").with_matters(looked_at)).await.err());
    errors.extend(store.jobs(None, 9).await.err());
    errors.extend(store.committed(IdempotencyKey::derive(&["canaries"])).await.err());
    errors.extend(store.commit(&canaries()).await.err());
    errors.extend(store.commit(&set("ada").customer(ada)).await.err());
    errors.extend(store.commit(&set("task").task(task)).await.err());
    errors.extend(store.commit(&set("known").consent(consent(1, "ada")).notification(text)).await.err());
    let cancel = Settlement::Cancelled { key: told("n", 0).key() };
    let refused = set("stage").stage_change((of[0], stage)).settlement(cancel).settlement(cancel);
    errors.extend(store.commit(&refused).await.err());
    errors
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_others_edited_are_reported_without_what_they_hold() {
    let schemas = schemas!();
    let name = schemas.name();
    let store = PostgresOptions::new().schema(&name).unwrap().connect(&schemas.url).await.unwrap();
    let _ = store.commit(&canaries()).await.unwrap();
    let admin =
        schemas.sql(&format!("SET search_path TO {name}; SET session_replication_role = replica")).await;
    let columns = admin
        .query(
            "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
             WHERE table_schema = $1 AND table_name <> 'patronage_schema' AND is_generated = 'NEVER' \
             AND is_identity = 'NO' ORDER BY 1, 2",
            &[&name],
        )
        .await
        .unwrap();
    let (mut edited, mut unreadable) = (0, 0);
    for row in &columns {
        let (table, column, kind): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let values: &[&str] = match kind.as_str() {
            "text" => &["''", "'Canary'", "E'\\x1a'"],
            "json" => &["'\"Canary\"'", "'[1]'"],
            "bigint" => &["-1", "9223372036854775807"],
            "double precision" => &["'NaN'", "7"],
            "timestamp with time zone" => &["'infinity'", "'10000-01-01Z'"],
            "uuid" => &["NULL"],
            "bytea" => &["'\\x00'"],
            other => panic!("{other}"),
        };
        for value in values {
            let edit = format!("BEGIN; SAVEPOINT s; UPDATE {table} SET \"{column}\" = {value}; COMMIT");
            if admin.batch_execute(&edit).await.is_err() {
                admin.batch_execute("ROLLBACK").await.unwrap();
                continue;
            }
            edited += 1;
            let errors = use_everything(&store, edited).await;
            for error in &errors {
                let shown = format!("{error} {error:?}").to_lowercase();
                assert!(!shown.contains("canary"), "{shown}");
                assert!(
                    !matches!(error, StoreError::Backend { .. } | StoreError::OutcomeUnknown { .. }),
                    "{table}.{column} = {value}: {error:?}"
                );
            }
            unreadable +=
                usize::from(errors.iter().any(|error| matches!(error, StoreError::Unusable { .. })));
            // As it was before.
            let all = "customers, identities, stage_changes, consents, purchases, interactions, tasks, \
                 matters, notifications, journal";
            admin.batch_execute(&format!("TRUNCATE {all}")).await.unwrap();
            let _ = store.commit(&canaries()).await.unwrap();
        }
    }
    assert!(edited > 60 && unreadable > 40, "{edited} edits, {unreadable} unreadable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_row_cannot_be_read_back_holds_up_no_other() {
    let schemas = schemas!();
    let name = schemas.name();
    let store = PostgresOptions::new().schema(&name).unwrap().connect(&schemas.url).await.unwrap();
    let jobs = (0..6).map(|n| told(&n.to_string(), n));
    let _ = store.commit(&changes("told").with_notifications(jobs)).await.unwrap();
    let edit = format!("UPDATE {name}.notifications SET about = 'NOT A TAG' WHERE due < $1");
    let edited = schemas.sql("SELECT 1").await.execute(&edit, &[&at(3)]).await.unwrap();
    assert_eq!(edited, 3);
    // Three that cannot be read come first, and more than fit into a claim.
    let claim = async |limit| store.claim(at(9), limit, Duration::from_secs(9)).await.unwrap();
    let claimed: Vec<_> = claim(2).await.into_iter().map(|job| job.notification).collect();
    assert_eq!(claimed, [told("3", 3)]);
    assert_eq!(claim(9).await.len(), 2);
    assert_eq!(claim(9).await, []);
    let given_up = format!("SELECT count(*) FROM {name}.notifications WHERE problem = 'unreadable'");
    let given_up: i64 = schemas.sql("SELECT 1").await.query_one(&given_up, &[]).await.unwrap().get(0);
    assert_eq!(given_up, 3, "they are given up with their reason");
}

/// The server's own messages hold values; none of them comes through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_the_server_do_not_come_through() {
    let schemas = schemas!();
    let name = schemas.name();
    let store = PostgresOptions::new().schema(&name).unwrap().connect(&schemas.url).await.unwrap();
    schemas
        .sql(&format!(
            "ALTER TABLE {name}.customers ADD CHECK (name <> 'Ada Canary'); \
             ALTER TABLE {name}.notifications ADD CHECK (text <> 'Dear Canary'); \
             CREATE FUNCTION {name}.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE 'Canary' USING ERRCODE = '23P01'; END $$; \
             CREATE CONSTRAINT TRIGGER late AFTER INSERT ON {name}.tasks DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION {name}.late()"
        ))
        .await;
    let refused = |answer: Result<Committed, StoreError>, wanted: &str| match answer {
        Err(error @ StoreError::Backend { code, .. }) => {
            assert_eq!(code.to_string(), wanted);
            assert!(!format!("{error} {error:?}").to_lowercase().contains("canary"), "{error:?}");
        }
        other => panic!("{other:?}"),
    };
    refused(store.commit(&canaries()).await, "23514");
    let text = |n: &str| told(n, 0).with_text("Dear Canary").unwrap();
    refused(store.commit(&changes("a").notification(text("a"))).await, "23514");
    let many = (0..100).map(|n| text(&n.to_string()));
    refused(store.commit(&changes("many").with_notifications(many)).await, "23514");
    // What is only refused at COMMIT is a refusal, not a doubt.
    let task = Task::new(TaskId::derive(&["t"]), Tag::literal("call"), at(0)).unwrap();
    let late = changes("late").task(task).notification(told("a", 0));
    refused(store.commit(&late).await, "23P01");
    assert_eq!(store.jobs(None, 9).await.unwrap(), []);
    let one = store.commit(&changes("late").notification(told("a", 0))).await.unwrap();
    assert_eq!(one.applied, 1);
    assert_eq!(store.jobs(None, 9).await.unwrap()[0].state, JobState::Scheduled);
}
