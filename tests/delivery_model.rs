//! Random operations of several workers on one store, with a crash, a pause or a lost reply at any call of a store or a
//! notifier, clocks that leap, and other workers in between. Every due notification ends delivered, exhausted or cancelled,
//! nothing is sent for what was not committed, a stale fence never completes, and after each step the store holds what the
//! reference holds. Nothing is random but what proptest chooses; no clock is read.
#![cfg(feature = "conformance")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop here")]
#![expect(
    clippy::disallowed_methods,
    reason = "the environment says how many cases, and where the server is"
)]

use chrono::{DateTime, TimeDelta, Utc};
use patronage::case::{Matter, MatterId};
use patronage::consent::ConsentRecord;
use patronage::customer::{Customer, CustomerId, CustomerKind, Identity};
use patronage::desk::{Deliveries, Desk, RetryPolicy, Settings};
use patronage::interaction::Interaction;
use patronage::lifecycle::LifecycleHistory;
use patronage::notification::{Job, JobState, Notification, Recipient, Settlement};
use patronage::notify::{DeliveryError, Message, Notifier};
use patronage::purchase::Purchase;
use patronage::store::conformance::dump;
use patronage::store::{ChangeSet, Committed, MemoryStore, Store, StoreError};
use patronage::task::{Task, TaskId};
use patronage::{IdempotencyKey, Period, Tag};
use pollster::block_on;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const WORKERS: usize = 3;
const ATTEMPTS: u32 = 4;
const LEASE: Duration = Duration::from_secs(30);

/// What goes wrong at a call, and at how many calls after it.
#[derive(Clone, Copy, Debug)]
struct Fault {
    after: u32,
    times: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The worker stands still before or after the call takes effect, until it goes on or dies there.
    StopBefore,
    StopAfter,
    /// The call fails, without or with its effect: the reply is lost.
    FailBefore,
    FailAfter,
}

#[derive(Clone, Debug)]
enum Step {
    Record { worker: usize, due: Vec<i64>, refused: bool, fault: Option<Fault> },
    Run { worker: usize, fault: Option<Fault> },
    GoOn { worker: usize, fault: Option<Fault> },
    Die { worker: usize },
    Clock { seconds: i64 },
    Cancel { which: Index },
    Requeue { which: Index },
    SettleWithAStaleFence { which: Index, as_what: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        Just(Kind::StopBefore),
        Just(Kind::StopAfter),
        Just(Kind::FailBefore),
        Just(Kind::FailAfter)
    ];
    let fault = proptest::option::weighted(
        0.7,
        (0_u32..12, 1_u32..4, kind).prop_map(|(after, times, kind)| Fault { after, times, kind }),
    );
    let worker = 0..WORKERS;
    let record = (worker.clone(), proptest::collection::vec(-5_i64..30, 0..6), any::<bool>(), fault.clone());
    let clock = prop_oneof![2 => -100_i64..100, 1 => -100_000_i64..100_000, 4 => 30_i64..50];
    let step = prop_oneof![
        4 => record.prop_map(|(worker, due, refused, fault)| {
            Step::Record { worker, refused: refused && due.len() % 2 == 1, due, fault }
        }),
        6 => (worker.clone(), fault.clone()).prop_map(|(worker, fault)| Step::Run { worker, fault }),
        4 => (worker.clone(), fault).prop_map(|(worker, fault)| Step::GoOn { worker, fault }),
        1 => worker.prop_map(|worker| Step::Die { worker }),
        4 => clock.prop_map(|seconds| Step::Clock { seconds }),
        1 => any::<Index>().prop_map(|which| Step::Cancel { which }),
        1 => any::<Index>().prop_map(|which| Step::Requeue { which }),
        1 => (any::<Index>(), 0_u32..4).prop_map(|(which, as_what)| Step::SettleWithAStaleFence { which, as_what }),
    ];
    proptest::collection::vec(step, 1..50)
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600 + second, 0).unwrap()
}

fn key(number: usize) -> IdempotencyKey {
    IdempotencyKey::new(uuid::Uuid::from_u128(number as u128))
}

fn number(key: IdempotencyKey) -> u128 {
    key.as_uuid().as_u128()
}

// ---------------------------------------------------------------- the store and its reference

/// A store and the reference beside it: whatever is asked of one is asked of the other, and the answers are equal.
struct Both<S> {
    store: S,
    reference: MemoryStore,
    /// The fence of the latest claim of each job.
    fences: Mutex<BTreeMap<IdempotencyKey, u64>>,
}

fn equal<T: PartialEq + Debug>(
    answer: Result<T, StoreError>,
    reference: &Result<T, StoreError>,
) -> Result<T, StoreError> {
    assert_eq!(&answer, reference, "the store does not answer as the reference does");
    answer
}

macro_rules! both {
    ($($method:ident($($argument:ident: $type:ty),+) -> $answer:ty;)+) => {
        $(async fn $method(&self, $($argument: $type),+) -> Result<$answer, StoreError> {
            // Waited for here: each call is one moment, so that nothing depends on a thread of the store.
            let answer = block_on(self.store.$method($($argument),+));
            equal(answer, &self.reference.$method($($argument),+).await)
        })+
    };
}

impl<S: Store> Store for Both<S> {
    both! {
        committed(key: IdempotencyKey) -> Option<Committed>;
        customers(after: Option<CustomerId>, limit: usize) -> Vec<Customer>;
        customers_by_id(ids: &[CustomerId]) -> Vec<Customer>;
        customer_by_identity(identity: &Identity) -> Option<CustomerId>;
        lifecycles(of: &[CustomerId]) -> Vec<(CustomerId, LifecycleHistory)>;
        consents(of: &[CustomerId]) -> Vec<ConsentRecord>;
        purchases(of: &[CustomerId], within: Period) -> Vec<Purchase>;
        interactions(of: &[CustomerId], within: Period) -> Vec<Interaction>;
        tasks(after: Option<TaskId>, limit: usize) -> Vec<Task>;
        tasks_by_id(ids: &[TaskId]) -> Vec<Task>;
        matters(after: Option<MatterId>, limit: usize) -> Vec<Matter>;
        matters_by_id(ids: &[MatterId]) -> Vec<Matter>;
        matters_of(of: &[CustomerId]) -> Vec<Matter>;
        matters_waking(now: DateTime<Utc>, limit: usize) -> Vec<MatterId>;
        jobs(after: Option<IdempotencyKey>, limit: usize) -> Vec<Job>;
    }

    async fn commit(&self, changes: &ChangeSet) -> Result<Committed, StoreError> {
        let answer = block_on(self.store.commit(changes));
        let answer = equal(answer, &self.reference.commit(changes).await);
        if answer.as_ref().is_ok_and(|receipt| !receipt.replayed) {
            for settlement in changes.settlements() {
                let (Settlement::Delivered { fence, .. }
                | Settlement::Retry { fence, .. }
                | Settlement::Exhausted { fence, .. }
                | Settlement::Released { fence, .. }) = *settlement
                else {
                    continue;
                };
                let latest = self.fences.lock().unwrap()[&settlement.key()];
                assert_eq!(fence, latest, "a stale fence completes: {settlement:?}");
            }
        }
        answer
    }

    async fn claim(&self, now: DateTime<Utc>, limit: usize, lease: Duration) -> Result<Vec<Job>, StoreError> {
        let answer = block_on(self.store.claim(now, limit, lease));
        let jobs = equal(answer, &self.reference.claim(now, limit, lease).await)?;
        for job in &jobs {
            let before = self.fences.lock().unwrap().insert(job.notification.key(), job.fence);
            assert!(before.is_none_or(|before| before < job.fence), "a fence does not rise");
        }
        Ok(jobs)
    }
}

// ---------------------------------------------------------------- where things go wrong

#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
}

#[derive(Default)]
struct GateState {
    calls: u32,
    fault: Option<Fault>,
    stopped: bool,
}

impl Gate {
    fn arm(&self, fault: Option<Fault>) {
        *self.state.lock().unwrap() = GateState { calls: 0, fault, stopped: false };
    }

    /// Counts a call; what goes wrong at it.
    fn call(&self) -> Option<Kind> {
        let mut state = self.state.lock().unwrap();
        let call = state.calls;
        state.calls += 1;
        let fault = state.fault?;
        (fault.after..fault.after + fault.times).contains(&call).then_some(fault.kind)
    }

    async fn stop(&self) {
        self.state.lock().unwrap().stopped = true;
        poll_fn(|_| if self.state.lock().unwrap().stopped { Poll::Pending } else { Poll::Ready(()) }).await;
    }

    /// Makes a call through the gate; `lost` is the answer where it fails or its reply is lost.
    async fn pass<T, E>(&self, call: impl Future<Output = Result<T, E>>, lost: E) -> Result<T, E> {
        let fault = self.call();
        match fault {
            Some(Kind::FailBefore) => return Err(lost),
            Some(Kind::StopBefore) => self.stop().await,
            _ => {}
        }
        let answer = call.await;
        match fault {
            Some(Kind::FailAfter) => Err(lost),
            Some(Kind::StopAfter) => {
                self.stop().await;
                answer
            }
            _ => answer,
        }
    }
}

/// What one worker sees of the store.
struct Gated<'a, S> {
    store: &'a Both<S>,
    gate: &'a Gate,
}

macro_rules! gated {
    ($($method:ident($($argument:ident: $type:ty),+) -> $answer:ty;)+) => {
        $(async fn $method(&self, $($argument: $type),+) -> Result<$answer, StoreError> {
            self.gate.pass(self.store.$method($($argument),+), StoreError::Busy).await
        })+
    };
}

impl<S: Store> Store for Gated<'_, S> {
    gated! {
        committed(key: IdempotencyKey) -> Option<Committed>;
        customers(after: Option<CustomerId>, limit: usize) -> Vec<Customer>;
        customers_by_id(ids: &[CustomerId]) -> Vec<Customer>;
        customer_by_identity(identity: &Identity) -> Option<CustomerId>;
        lifecycles(of: &[CustomerId]) -> Vec<(CustomerId, LifecycleHistory)>;
        consents(of: &[CustomerId]) -> Vec<ConsentRecord>;
        purchases(of: &[CustomerId], within: Period) -> Vec<Purchase>;
        interactions(of: &[CustomerId], within: Period) -> Vec<Interaction>;
        tasks(after: Option<TaskId>, limit: usize) -> Vec<Task>;
        tasks_by_id(ids: &[TaskId]) -> Vec<Task>;
        matters(after: Option<MatterId>, limit: usize) -> Vec<Matter>;
        matters_by_id(ids: &[MatterId]) -> Vec<Matter>;
        matters_of(of: &[CustomerId]) -> Vec<Matter>;
        matters_waking(now: DateTime<Utc>, limit: usize) -> Vec<MatterId>;
        jobs(after: Option<IdempotencyKey>, limit: usize) -> Vec<Job>;
        claim(now: DateTime<Utc>, limit: usize, lease: Duration) -> Vec<Job>;
    }

    async fn commit(&self, changes: &ChangeSet) -> Result<Committed, StoreError> {
        let lost = StoreError::OutcomeUnknown { key: changes.key() };
        self.gate.pass(self.store.commit(changes), lost).await
    }
}

/// Takes over most messages, and honours keys: the same one again reaches nobody.
#[derive(Default)]
struct Receiver {
    heard: Mutex<BTreeMap<IdempotencyKey, (Recipient, Tag)>>,
}

impl Notifier for Receiver {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let (problem, key) = (Tag::literal("problem"), message.key());
        if number(key) % 11 == 7 {
            return Err(DeliveryError::Permanent { problem });
        }
        if number(key) % 17 == 9 || number(key) % 5 == 3 && message.attempt() == 1 {
            return Err(DeliveryError::Transient { problem, retry_after: None });
        }
        let content = (message.to(), message.about());
        let heard = *self.heard.lock().unwrap().entry(key).or_insert(content);
        assert_eq!(heard, content, "something else under the same key");
        Ok(())
    }
}

struct GatedReceiver<'a> {
    receiver: &'a Receiver,
    gate: &'a Gate,
}

impl Notifier for GatedReceiver<'_> {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let lost = DeliveryError::Transient { problem: Tag::literal("lost"), retry_after: None };
        self.gate.pass(self.receiver.deliver(message), lost).await
    }
}

// ---------------------------------------------------------------- the world

struct Ground<S> {
    both: Both<S>,
    receiver: Receiver,
    gates: [Gate; WORKERS],
    now: AtomicI64,
    acknowledged: Mutex<BTreeSet<IdempotencyKey>>,
}

struct World<'a, S> {
    ground: &'a Ground<S>,
    working: [Option<Pin<Box<dyn Future<Output = ()> + 'a>>>; WORKERS],
    recorded: Vec<IdempotencyKey>,
    refused: BTreeSet<IdempotencyKey>,
    change_sets: usize,
}

fn settings(worker: usize) -> Settings {
    let retry = RetryPolicy::new(ATTEMPTS, Duration::from_secs(5), Duration::from_secs(40)).unwrap();
    // Workers need not work alike.
    let (batch, at_once) = [(5, 1), (3, 2), (100, 16)][worker];
    Settings::default().claiming(batch, LEASE).unwrap().delivering(at_once).unwrap().retrying(retry)
}

impl<S> Ground<S> {
    fn now(&self) -> DateTime<Utc> {
        at(self.now.load(Ordering::SeqCst))
    }
}

impl<'a, S: Store> World<'a, S> {
    fn desk(&self, worker: usize) -> Desk<Gated<'a, S>, GatedReceiver<'a>> {
        let (ground, gate) = (self.ground, &self.ground.gates[worker]);
        let store = Gated { store: &ground.both, gate };
        Desk::new(store, GatedReceiver { receiver: &ground.receiver, gate }, settings(worker))
    }

    /// Lets a worker go on until it is done or stands still.
    fn work(&mut self, worker: usize, fault: Option<Fault>) {
        self.ground.gates[worker].arm(fault);
        let Some(mut work) = self.working[worker].take() else { return };
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            assert!(self.ground.gates[worker].state.lock().unwrap().stopped, "it waits for nothing");
            self.working[worker] = Some(work);
        }
    }

    fn changes(&mut self) -> ChangeSet {
        self.change_sets += 1;
        let key = IdempotencyKey::derive(&["changes", &self.change_sets.to_string()]);
        ChangeSet::new(key, at(0), Tag::literal("test")).unwrap()
    }

    fn settle(&mut self, settlement: Settlement) -> Result<Committed, StoreError> {
        let set = self.changes().settlement(settlement);
        block_on(self.ground.both.commit(&set))
    }

    fn one_of(&self, which: Index) -> Option<IdempotencyKey> {
        (!self.recorded.is_empty()).then(|| *which.get(&self.recorded))
    }

    fn perform(&mut self, step: Step) {
        let ground = self.ground;
        match step {
            Step::Record { worker, due, refused, fault } => {
                let mut set = self.changes();
                let first = self.recorded.len() + self.refused.len();
                let keys: Vec<_> = (first..first + due.len()).map(key).collect();
                let customer = CustomerId::derive(&[&first.to_string()]);
                if first.is_multiple_of(3) {
                    set = set.customer(Customer::new(customer, CustomerKind::Person, at(0)).unwrap());
                }
                for (&key, due) in keys.iter().zip(due) {
                    let to = match first % 3 {
                        0 => Recipient::Customer(customer),
                        1 => Recipient::Staff(Tag::literal("team")),
                        // Somebody unknown.
                        _ => Recipient::Customer(CustomerId::derive(&["nobody"])),
                    };
                    let due = ground.now() + TimeDelta::seconds(due);
                    set = set.notification(Notification::new(key, to, Tag::literal("test"), due).unwrap());
                }
                if refused {
                    self.refused.extend(&keys);
                    set = set.settlement(Settlement::Cancelled { key: key(usize::MAX) });
                } else {
                    self.recorded.extend(&keys);
                }
                let desk = self.desk(worker);
                self.working[worker] = Some(Box::pin(async move {
                    if desk.record(&set).await.is_ok() {
                        assert!(!refused, "what must be refused is taken");
                        ground.acknowledged.lock().unwrap().extend(keys);
                    }
                }));
                self.work(worker, fault);
            }
            Step::Run { worker, fault } => {
                let desk = self.desk(worker);
                self.working[worker] = Some(Box::pin(async move {
                    // Errors are those that the gate makes; what is left comes back.
                    let _ = desk.run_due_by(|| ground.now()).await;
                }));
                self.work(worker, fault);
            }
            Step::GoOn { worker, fault } => self.work(worker, fault),
            Step::Die { worker } => self.working[worker] = None,
            Step::Clock { seconds } => {
                ground.now.fetch_add(seconds, Ordering::SeqCst);
            }
            Step::Cancel { which } => {
                if let Some(key) = self.one_of(which) {
                    let _ = self.settle(Settlement::Cancelled { key });
                }
            }
            Step::Requeue { which } => {
                if let Some(key) = self.one_of(which) {
                    let _ = self.settle(Settlement::Requeued { key, not_before: ground.now() });
                }
            }
            Step::SettleWithAStaleFence { which, as_what } => {
                let Some(key) = self.one_of(which) else { return };
                let Some(latest) = ground.both.fences.lock().unwrap().get(&key).copied() else { return };
                let (fence, problem, not_before) = (latest - 1, Tag::literal("late"), ground.now());
                let refused = self.settle(match as_what {
                    0 => Settlement::Delivered { key, fence },
                    1 => Settlement::Retry { key, fence, not_before, problem },
                    2 => Settlement::Exhausted { key, fence, problem },
                    _ => Settlement::Released { key, fence },
                });
                assert_eq!(refused, Err(StoreError::StaleFence { key }));
            }
        }
    }

    /// What holds after each step.
    fn check(&self) {
        let (both, heard) = (&self.ground.both, self.ground.receiver.heard.lock().unwrap());
        let content = block_on(dump(&both.store)).unwrap();
        assert_eq!(
            content,
            block_on(dump(&both.reference)).unwrap(),
            "the store has drifted from the reference"
        );
        let jobs: BTreeMap<_, _> = content.jobs.iter().map(|job| (job.notification.key(), job)).collect();
        for key in heard.keys() {
            assert!(jobs.contains_key(key), "{key} was sent, but its change set was not committed");
        }
        for key in self.ground.acknowledged.lock().unwrap().iter() {
            assert!(jobs.contains_key(key), "{key} was acknowledged and is gone");
        }
        for (key, job) in jobs {
            assert!(!self.refused.contains(&key), "{key} was refused");
            assert!(job.attempts <= ATTEMPTS + 1, "{job:?}");
            assert!(
                job.state != JobState::Delivered || heard.contains_key(&key),
                "{key} never reached anybody"
            );
        }
    }

    /// When everybody works again and time goes on, everything comes to its end.
    fn check_the_end(mut self) {
        for worker in 0..WORKERS {
            self.working[worker] = None;
            self.ground.gates[worker].arm(None);
        }
        let latest = block_on(self.ground.both.reference.jobs(None, 10_000)).unwrap();
        let latest = latest.iter().map(|job| job.not_before.timestamp() - at(0).timestamp()).max();
        self.ground.now.fetch_max(latest.unwrap_or_default(), Ordering::SeqCst);
        for round in 0.. {
            assert!(round < 4 * ATTEMPTS, "it does not end");
            self.ground.now.fetch_add(200_000, Ordering::SeqCst);
            let desk = self.desk(round as usize % WORKERS);
            if block_on(desk.run_due_by(|| self.ground.now())).unwrap() == Deliveries::default() {
                break;
            }
            self.check();
        }
        for job in block_on(self.ground.both.store.jobs(None, 10_000)).unwrap() {
            let ended = matches!(job.state, JobState::Delivered | JobState::Exhausted | JobState::Cancelled);
            assert!(ended, "not ended: {job:?}");
            assert!(job.state != JobState::Exhausted || job.problem.is_some(), "without a reason: {job:?}");
        }
    }
}

fn run<S: Store>(store: S, steps: Vec<Step>) {
    let ground = Ground {
        both: Both { store, reference: MemoryStore::new(), fences: Mutex::default() },
        receiver: Receiver::default(),
        gates: Default::default(),
        now: AtomicI64::new(0),
        acknowledged: Mutex::default(),
    };
    let mut world = World {
        ground: &ground,
        working: Default::default(),
        recorded: Vec::new(),
        refused: BTreeSet::new(),
        change_sets: 0,
    };
    for step in steps {
        world.perform(step);
        world.check();
    }
    world.check_the_end();
}

/// More of them with `PROPTEST_CASES`.
fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").map_or(cases, |cases| cases.parse().unwrap());
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn whatever_happens_memory_delivers_everything_once(steps in steps()) {
        run(MemoryStore::new(), steps);
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn whatever_happens_sqlite_delivers_everything_once(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let options = patronage::store::SqliteOptions::new().lose_latest_commits_on_power_loss();
        run(options.open(folder.path().join("customers.sqlite")).unwrap(), steps);
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn whatever_happens_postgres_delivers_everything_once(steps in steps()) {
        use patronage::store::PostgresOptions;
        static SCHEMAS: AtomicI64 = AtomicI64::new(0);
        if std::env::var_os("PATRONAGE_SKIP_POSTGRES").is_some() {
            return Ok(());
        }
        let url = std::env::var("PATRONAGE_POSTGRES_URL").expect("a server for the tests (README, \"PostgreSQL\")");
        let schema = format!("model_{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::SeqCst));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = PostgresOptions::new().schema(&schema).unwrap().connections(2);
        run(runtime.block_on(options.connect(&url)).unwrap(), steps);
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
        });
    }
}
