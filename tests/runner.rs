//! The runner on a clock that stands still until everybody waits: when it delivers, when it stops, what it does about
//! errors and slow notifiers.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop here")]

#[path = "support/faulty_store.rs"]
mod faulty_store;

use chrono::{DateTime, TimeDelta, Utc};
use faulty_store::FaultyStore;
use patronage::desk::{Deliveries, Desk, DeskError, Runner, Settings};
use patronage::notification::{JobState, Notification, Recipient};
use patronage::notify::{DeliveryError, MemoryNotifier, Message, Notifier};
use patronage::store::{ChangeSet, MemoryStore, Store, StoreError};
use patronage::{IdempotencyKey, Tag};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

const LEASE: Duration = Duration::from_secs(30);

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600 + second, 0).unwrap()
}

/// The paused time of the runtime, from 2026 on.
fn clock() -> impl Fn() -> DateTime<Utc> + Clone + Send + Sync + 'static {
    let start = Instant::now();
    move || at(0) + TimeDelta::from_std(start.elapsed()).unwrap()
}

fn told(number: u32, due: i64) -> Notification {
    let key = IdempotencyKey::derive(&["told", &number.to_string()]);
    Notification::new(key, Recipient::Staff(Tag::literal("team")), Tag::literal("test"), at(due)).unwrap()
}

async fn record<S: Store, N: Notifier>(desk: &Desk<S, N>, numbers: std::ops::Range<u32>, due: i64) {
    let key = IdempotencyKey::derive(&["changes", &numbers.start.to_string()]);
    let set = ChangeSet::new(key, at(0), Tag::literal("test")).unwrap();
    let _ = desk.record(&set.with_notifications(numbers.map(|number| told(number, due)))).await.unwrap();
}

/// Takes its time for everything it delivers, and counts what is under way.
struct Slow {
    takes: Duration,
    under_way: AtomicU32,
    most: AtomicU32,
    inner: MemoryNotifier,
}

impl Slow {
    fn new(takes: Duration) -> Self {
        let (under_way, most) = (AtomicU32::new(0), AtomicU32::new(0));
        Self { takes, under_way, most, inner: MemoryNotifier::new() }
    }
}

impl Notifier for Slow {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        self.most.fetch_max(1 + self.under_way.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
        sleep(self.takes).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.inner.deliver(message).await
    }
}

fn no_error(error: &DeskError) {
    panic!("{error}");
}

/// Starts a runner; the sender stops it.
fn start<S: Store + 'static, N: Notifier + 'static>(
    desk: &Arc<Desk<S, N>>,
    clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    on_error: impl Fn(&DeskError) + Send + Sync + 'static,
) -> (oneshot::Sender<()>, tokio::task::JoinHandle<Deliveries>) {
    let runner = Runner::new(Arc::clone(desk), clock, on_error);
    let (stop, stopped) = oneshot::channel::<()>();
    (stop, tokio::spawn(async move { runner.run(async { drop(stopped.await) }).await }))
}

#[tokio::test(start_paused = true)]
async fn what_becomes_due_is_delivered_within_a_second() {
    let desk = Arc::new(Desk::new(MemoryStore::new(), MemoryNotifier::new(), Settings::default()));
    let (stop, runner) = start(&desk, clock(), no_error);
    record(&desk, 0..3, 0).await;
    record(&desk, 10..12, 60).await;
    sleep(Duration::from_millis(1_001)).await;
    assert_eq!(desk.notifier().delivered().len(), 3);
    sleep(Duration::from_millis(58_900)).await;
    assert_eq!(desk.notifier().delivered().len(), 3, "too early");
    sleep(Duration::from_millis(1_100)).await;
    assert_eq!(desk.notifier().delivered().len(), 5);
    stop.send(()).unwrap();
    assert_eq!(runner.await.unwrap(), Deliveries { delivered: 5, ..Deliveries::default() });
}

#[tokio::test(start_paused = true)]
async fn the_jobs_of_a_dead_worker_come_back_within_the_lease_and_a_second() {
    let clock = clock();
    let desk = Arc::new(Desk::new(MemoryStore::new(), MemoryNotifier::new(), Settings::default()));
    assert_eq!(Settings::default(), Settings::default().claiming(100, LEASE).unwrap(), "30 s is the default");
    record(&desk, 0..50, 0).await;
    // It claims everything and is never heard of again.
    assert_eq!(desk.store().claim(clock(), 100, LEASE).await.unwrap().len(), 50);
    sleep(Duration::from_millis(700)).await;
    let (stop, runner) = start(&desk, clock, no_error);
    sleep(Duration::from_millis(29_200)).await;
    assert_eq!(desk.notifier().delivered().len(), 0, "the lease still runs");
    sleep(Duration::from_millis(1_100)).await;
    assert_eq!(desk.notifier().delivered().len(), 50);
    drop(stop);
    assert_eq!(runner.await.unwrap().delivered, 50);
}

#[tokio::test(start_paused = true)]
async fn on_shutdown_the_batch_under_way_is_finished_and_nothing_more_is_claimed() {
    let settings = Settings::default().claiming(20, LEASE).unwrap().delivering(4).unwrap();
    let desk = Arc::new(Desk::new(MemoryStore::new(), Slow::new(Duration::from_secs(1)), settings));
    record(&desk, 0..50, 0).await;
    let (stop, runner) = start(&desk, clock(), no_error);
    sleep(Duration::from_millis(2_500)).await;
    stop.send(()).unwrap();
    let deliveries = runner.await.unwrap();
    assert_eq!(deliveries, Deliveries { delivered: 20, ..Deliveries::default() });
    assert_eq!(desk.notifier().most.load(Ordering::SeqCst), 4, "as many at once as allowed");
    let jobs = desk.store().jobs(None, 100).await.unwrap();
    let scheduled = jobs.iter().filter(|job| job.state == JobState::Scheduled && job.attempts == 0).count();
    assert_eq!(scheduled, 30, "the rest was not touched");
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_is_told_before_it_begins_does_nothing() {
    let desk = Arc::new(Desk::new(MemoryStore::new(), MemoryNotifier::new(), Settings::default()));
    record(&desk, 0..3, 0).await;
    let runner = Runner::new(Arc::clone(&desk), clock(), no_error);
    assert_eq!(runner.run(async {}).await, Deliveries::default());
    assert_eq!(desk.notifier().calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_two_thirds_of_the_lease_have_gone() {
    let settings = Settings::default().claiming(100, LEASE).unwrap().delivering(2).unwrap();
    let desk = Arc::new(Desk::new(MemoryStore::new(), Slow::new(Duration::from_secs(3)), settings));
    record(&desk, 0..100, 0).await;
    let (stop, runner) = start(&desk, clock(), no_error);
    sleep(Duration::from_secs(23)).await;
    // Seven times two; what is begun at 18 s ends at 21 s, and nothing is begun after 20 s.
    assert_eq!(desk.notifier().inner.calls(), 14);
    sleep(Duration::from_secs(200)).await;
    drop(stop);
    assert_eq!(runner.await.unwrap(), Deliveries { delivered: 100, ..Deliveries::default() });
    assert_eq!(desk.notifier().inner.calls(), 100, "nothing is sent twice");
    let jobs = desk.store().jobs(None, 100).await.unwrap();
    assert!(jobs.iter().all(|job| job.attempts == 1), "what was handed back was not counted");
}

#[tokio::test(start_paused = true)]
async fn errors_are_reported_and_waited_for_ever_longer_and_nothing_is_lost() {
    let store = FaultyStore::new(MemoryStore::new());
    let desk = Arc::new(Desk::new(store, MemoryNotifier::new(), Settings::default()));
    record(&desk, 0..3, 0).await;
    let mut left = 8;
    desk.store().before(move |call, _, _| {
        if call == "claim" && left > 0 {
            left -= 1;
            return Err(StoreError::Busy);
        }
        Ok(())
    });
    let (clock, reported) = (clock(), Arc::new(Mutex::new(Vec::new())));
    let (heard, when) = (Arc::clone(&reported), clock.clone());
    let (stop, runner) = start(&desk, clock, move |error| {
        assert_eq!(*error, DeskError::Store(StoreError::Busy));
        heard.lock().unwrap().push((when() - at(0)).num_seconds());
    });
    sleep(Duration::from_secs(300)).await;
    assert_eq!(*reported.lock().unwrap(), [0, 1, 3, 7, 15, 31, 61, 91]);
    drop(stop);
    assert_eq!(runner.await.unwrap().delivered, 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_delivered_while_the_store_failed_is_recorded_later_and_not_sent_again() {
    let store = FaultyStore::new(MemoryStore::new());
    let desk = Arc::new(Desk::new(store, MemoryNotifier::new(), Settings::default()));
    record(&desk, 0..200, 0).await;
    let mut commits = 0;
    desk.store().before(move |call, _, _| {
        commits += u32::from(call == "commit");
        // The first batch is recorded; the second is delivered, and then the server is away for a while.
        if call == "commit" && (2..6).contains(&commits) { Err(StoreError::Busy) } else { Ok(()) }
    });
    let (stop, runner) = start(&desk, clock(), |_| {});
    sleep(Duration::from_secs(29)).await;
    assert_eq!(desk.store().jobs(None, 500).await.unwrap().len(), 200);
    assert!(desk.store().jobs(None, 500).await.unwrap().iter().all(|job| job.state == JobState::Delivered));
    drop(stop);
    assert_eq!(runner.await.unwrap(), Deliveries { delivered: 200, ..Deliveries::default() });
    assert_eq!(desk.notifier().calls(), 200, "nothing is sent twice");
}
