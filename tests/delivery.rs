//! What one bad row, one odd answer or another worker must not do to the deliveries of the others.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop here")]

#[path = "support/faulty_store.rs"]
mod faulty_store;

use chrono::{DateTime, Utc};
use faulty_store::FaultyStore;
use patronage::customer::{Customer, CustomerId, CustomerKind};
use patronage::desk::{Deliveries, Desk, RetryPolicy, Settings};
use patronage::notification::{Job, JobState, Notification, Recipient};
use patronage::notify::{DeliveryError, Message, Notifier};
use patronage::store::{ChangeSet, MemoryStore, Store, StoreError};
use patronage::{IdempotencyKey, Tag};
use pollster::block_on;
use std::future::{pending, poll_fn};
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600 + second, 0).unwrap()
}

fn key(number: u32) -> IdempotencyKey {
    IdempotencyKey::new(uuid::Uuid::from_u128(u128::from(number)))
}

fn customer(number: u32) -> CustomerId {
    CustomerId::derive(&[&number.to_string()])
}

/// What the notifier does about a message.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Takes,
    AsksToWait(Duration),
    Panics,
    Hangs,
}

/// Answers each key as it is told to, and keeps the order of what it was asked.
struct Scripted {
    answer: fn(u32) -> Answer,
    asked: Mutex<Vec<u32>>,
}

impl Notifier for Scripted {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let number = u32::try_from(message.key().as_uuid().as_u128()).unwrap();
        self.asked.lock().unwrap().push(number);
        match (self.answer)(number) {
            Answer::Takes => Ok(()),
            Answer::AsksToWait(wait) => Err(DeliveryError::Transient {
                problem: Tag::literal("too_many_requests"),
                retry_after: Some(wait),
            }),
            Answer::Panics => panic!("on purpose"),
            Answer::Hangs => pending().await,
        }
    }
}

fn desk(settings: Settings, answer: fn(u32) -> Answer) -> Desk<FaultyStore<MemoryStore>, Scripted> {
    let notifier = Scripted { answer, asked: Mutex::default() };
    let desk = Desk::new(FaultyStore::new(MemoryStore::new()), notifier, settings);
    let set = ChangeSet::new(key(1_000), at(0), Tag::literal("test"))
        .unwrap()
        .with_customers((0..8).map(|n| Customer::new(customer(n), CustomerKind::Person, at(0)).unwrap()))
        .with_notifications((0..8).map(|n| {
            let to = Recipient::Customer(customer(n));
            Notification::new(key(n), to, Tag::literal("test"), at(0)).unwrap()
        }));
    assert!(block_on(desk.record(&set)).is_ok());
    desk
}

fn jobs(desk: &Desk<FaultyStore<MemoryStore>, Scripted>) -> Vec<Job> {
    block_on(desk.store().jobs(None, 100)).unwrap()
}

fn retrying(attempts: u32) -> Settings {
    let second = Duration::from_secs(1);
    Settings::default().retrying(RetryPolicy::new(attempts, second, second).unwrap())
}

#[test]
fn whoever_asks_to_wait_for_ever_waits_a_month_and_holds_up_nobody() {
    let desk = desk(retrying(3), |number| match number {
        3 => Answer::AsksToWait(Duration::MAX),
        4 => Answer::AsksToWait(Duration::from_secs(1_000_000_000_000)),
        5 => Answer::AsksToWait(Duration::from_secs(90)),
        _ => Answer::Takes,
    });
    let deliveries = block_on(desk.run_due(at(0))).unwrap();
    assert_eq!(deliveries, Deliveries { delivered: 5, retried: 3, ..Deliveries::default() });
    let waiting: Vec<_> = jobs(&desk)[3..6].iter().map(|job| (job.state, job.not_before)).collect();
    let month = at(30 * 86_400);
    assert_eq!(waiting, [month, month, at(90)].map(|until| (JobState::Scheduled, until)));
}

#[test]
fn at_the_end_of_the_calendar_a_retry_waits_for_its_last_instant() {
    let desk = desk(retrying(3), |_| Answer::AsksToWait(Duration::from_secs(86_400)));
    let late: DateTime<Utc> = "9999-12-31T12:00:00Z".parse().unwrap();
    assert_eq!(block_on(desk.run_due(late)).unwrap().retried, 8);
    let last: DateTime<Utc> = "9999-12-31T23:59:59.999999Z".parse().unwrap();
    assert!(jobs(&desk).iter().all(|job| job.not_before == last), "{:?}", jobs(&desk)[0]);
}

#[test]
fn a_notifier_that_panics_has_failed() {
    let desk = desk(retrying(2), |number| if number == 3 { Answer::Panics } else { Answer::Takes });
    let first = block_on(desk.run_due(at(0)));
    let second = block_on(desk.run_due(at(60)));
    assert_eq!(first.unwrap(), Deliveries { delivered: 7, retried: 1, ..Deliveries::default() });
    assert_eq!(second.unwrap(), Deliveries { exhausted: 1, ..Deliveries::default() });
    assert_eq!(jobs(&desk)[3].problem, Some(Tag::literal("notifier_panicked")));
}

#[test]
fn a_recipient_whose_row_cannot_be_read_holds_up_nobody() {
    let desk = desk(retrying(2), |_| Answer::Takes);
    desk.store().before(|_, about, _| {
        let problem = "a row of customers cannot be read";
        if about.contains(&customer(3)) { Err(StoreError::Unusable { problem }) } else { Ok(()) }
    });
    let deliveries = block_on(desk.run_due(at(0))).unwrap();
    assert_eq!(deliveries, Deliveries { delivered: 7, retried: 1, ..Deliveries::default() });
    let deliveries = block_on(desk.run_due(at(60))).unwrap();
    assert_eq!(deliveries, Deliveries { exhausted: 1, ..Deliveries::default() });
    assert_eq!(jobs(&desk)[3].problem, Some(Tag::literal("unreadable_recipient")));
    assert!(!desk.notifier().asked.lock().unwrap().contains(&3));
}

#[test]
fn a_store_that_fails_between_claim_and_delivery_costs_no_attempt() {
    let desk = desk(retrying(2), |_| Answer::Takes);
    desk.store().before(|call, _, _| if call == "customers_by_id" { Err(StoreError::Busy) } else { Ok(()) });
    for _ in 0..5 {
        assert_eq!(block_on(desk.run_due(at(0))), Err(StoreError::Busy.into()));
    }
    assert!(jobs(&desk).iter().all(|job| (job.state, job.attempts) == (JobState::Scheduled, 0)));
    desk.store().before(|_, _, _| Ok(()));
    assert_eq!(block_on(desk.run_due(at(0))).unwrap().delivered, 8);
}

#[test]
fn the_others_of_a_batch_are_settled_where_another_worker_was_faster() {
    let desk = desk(retrying(5), |_| Answer::Takes);
    // Another worker takes the jobs over before this one has settled them.
    let mut taken = false;
    desk.store().before(move |call, _, store| {
        if call == "commit" && !taken {
            taken = true;
            assert_eq!(block_on(store.claim(at(3_600), 3, Duration::from_secs(60))).unwrap().len(), 3);
        }
        Ok(())
    });
    let deliveries = block_on(desk.run_due(at(0))).unwrap();
    assert_eq!(deliveries, Deliveries { delivered: 5, overtaken: 3, ..Deliveries::default() });
    assert!(jobs(&desk)[..3].iter().all(|job| job.attempts == 2 && job.state != JobState::Delivered));
    assert_eq!(block_on(desk.run_due(at(7_200))).unwrap().delivered, 3);
}

#[test]
fn a_delivery_that_hangs_does_not_keep_others_from_being_sent() {
    let settings = Settings::default().delivering(2).unwrap();
    let desk = desk(settings, |number| if number == 1 { Answer::Hangs } else { Answer::Takes });
    let mut running = Box::pin(desk.run_due(at(0)));
    block_on(poll_fn(|context| {
        assert!(running.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }));
    assert_eq!(*desk.notifier().asked.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_clock_that_leaps_beyond_every_lease_does_not_stop_deliveries() {
    let desk = desk(retrying(3), |_| Answer::Takes);
    let leaping = Mutex::new(at(0));
    let clock = || {
        let mut now = leaping.lock().unwrap();
        *now += chrono::TimeDelta::hours(1);
        *now
    };
    assert_eq!(block_on(desk.run_due_by(clock)).unwrap().delivered, 8);
    assert_eq!(desk.notifier().asked.lock().unwrap().len(), 8);
    assert!(jobs(&desk).iter().all(|job| job.attempts == 1));
}
