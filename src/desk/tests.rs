use super::*;
use crate::customer::{Contact, ContactPoint, Customer, CustomerId, CustomerKind};
use crate::key::IdempotencyKey;
use crate::measure::Share;
use crate::money::{Currency, Money};
use crate::notification::{JobState, Notification, Recipient};
use crate::notify::{DeliveryError, MemoryNotifier};
use crate::purchase::{Purchase, PurchaseId};
use crate::store::MemoryStore;
use crate::tag::Tag;
use chrono::{DateTime, TimeDelta, Utc};
use pollster::block_on;
use std::time::Duration;

fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_600_000_000 + day * 86_400, 0).unwrap()
}

fn desk() -> Desk<MemoryStore, MemoryNotifier> {
    Desk::new(MemoryStore::new(), MemoryNotifier::new(), Settings::default())
}

fn told(name: &str, about: &'static str, due: DateTime<Utc>) -> Notification {
    let to = Recipient::Staff(Tag::literal("team"));
    Notification::new(IdempotencyKey::derive(&[name]), to, Tag::literal(about), due).unwrap()
}

fn changes(name: &str) -> ChangeSet {
    ChangeSet::new(IdempotencyKey::derive(&["changes", name]), at(0), Tag::literal("test")).unwrap()
}

#[test]
fn one_bad_notification_holds_up_no_other_and_ends_exhausted() {
    let desk = Desk::new(
        MemoryStore::new(),
        MemoryNotifier::new(),
        Settings::default()
            .retrying(RetryPolicy::new(3, Duration::from_secs(60), Duration::from_secs(3600)).unwrap()),
    );
    let timeout = DeliveryError::Transient { problem: Tag::literal("timeout"), retry_after: None };
    desk.notifier().fail(Tag::literal("bad"), Some(timeout));
    block_on(async {
        let both = changes("1").notification(told("a", "bad", at(1))).notification(told("b", "good", at(1)));
        desk.record(&both).await.unwrap();
        assert_eq!(desk.run_due(at(0)).await.unwrap(), Deliveries::default(), "nothing is due yet");
        let first = desk.run_due(at(1)).await.unwrap();
        assert_eq!((first.delivered, first.retried), (1, 1));
        assert_eq!(desk.run_due(at(1)).await.unwrap(), Deliveries::default(), "the retry waits");
        assert_eq!(desk.run_due(at(2)).await.unwrap().retried, 1);
        assert_eq!(desk.run_due(at(3)).await.unwrap().exhausted, 1);
        assert_eq!(desk.run_due(at(400)).await.unwrap(), Deliveries::default());
        let jobs = desk.store().jobs(None, 10).await.unwrap();
        let bad = jobs.iter().find(|job| job.notification.about() == Tag::literal("bad")).unwrap();
        assert_eq!(
            (bad.state, bad.attempts, bad.problem),
            (JobState::Exhausted, 3, Some(Tag::literal("timeout")))
        );
    });
    assert_eq!(desk.notifier().calls(), 4);
}

#[test]
fn a_job_that_kills_its_worker_ends_exhausted() {
    let desk = Desk::new(
        MemoryStore::new(),
        MemoryNotifier::new(),
        Settings::default()
            .retrying(RetryPolicy::new(2, Duration::from_secs(1), Duration::from_secs(1)).unwrap()),
    );
    block_on(async {
        desk.record(&changes("1").notification(told("a", "deadly", at(0)))).await.unwrap();
        for hour in 0..2 {
            // A worker claims the job and dies.
            let now = at(0) + TimeDelta::hours(hour);
            assert_eq!(desk.store().claim(now, 10, Duration::from_secs(30)).await.unwrap().len(), 1);
        }
        assert_eq!(desk.run_due(at(1)).await.unwrap().exhausted, 1);
    });
    assert_eq!(desk.notifier().calls(), 0, "it is not tried a third time");
}

#[test]
fn customers_are_told_at_their_preferred_address() {
    let desk = desk();
    let id = CustomerId::derive(&["c"]);
    let mail = |address: &str| ContactPoint::new(Contact::email(address).unwrap());
    let customer = Customer::new(id, CustomerKind::Person, at(0))
        .and_then(|c| c.with_contact(ContactPoint::new(Contact::phone("+41443211234").unwrap())))
        .and_then(|c| c.with_contact(mail("second@example.org")))
        .and_then(|c| c.with_contact(mail("first@example.org").preferred()))
        .unwrap();
    let to = Recipient::Customer(id);
    let told = Notification::new(IdempotencyKey::derive(&["n"]), to, Tag::literal("hello"), at(0))
        .unwrap()
        .via(crate::interaction::Touchpoint::Email);
    block_on(async {
        desk.record(&changes("1").customer(customer).notification(told)).await.unwrap();
        assert_eq!(desk.run_due(at(0)).await.unwrap().delivered, 1);
    });
    let delivered = desk.notifier().delivered();
    assert_eq!(delivered[0].address(), Some(&Contact::email("first@example.org").unwrap()));
}

#[test]
fn a_notification_for_somebody_unknown_is_given_up_with_its_reason() {
    let desk = desk();
    let to = Recipient::Customer(CustomerId::derive(&["nobody"]));
    let told = Notification::new(IdempotencyKey::derive(&["n"]), to, Tag::literal("hello"), at(0)).unwrap();
    block_on(async {
        // Whether the store refuses it or the desk gives it up: it is never silently dropped.
        match desk.record(&changes("1").notification(told)).await {
            Ok(_) => assert_eq!(desk.run_due(at(0)).await.unwrap().exhausted, 1),
            Err(error) => assert!(matches!(error, DeskError::Store(StoreError::Unknown { .. }))),
        }
    });
}

/// Customers who buy at paces of their own until they stop, by a fixed sequence of numbers.
fn company(desk: &Desk<MemoryStore, MemoryNotifier>, customers: u64) {
    let mut state = 1_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut set = changes("company");
    for number in 0..customers {
        let id = CustomerId::derive(&["company", &number.to_string()]);
        set = set.customer(Customer::new(id, CustomerKind::Person, at(0)).unwrap());
        let (pace, drop_out) = (2 + next(6) * next(12), 5 + next(10) * next(10));
        let level = 1 + next(4) * next(4);
        let mut day = next(30);
        for purchase in 0_u64.. {
            let purchase_id = PurchaseId::derive(&[&number.to_string(), &purchase.to_string()]);
            let amount = Money::new(i64::try_from(level * (500 + next(1500))).unwrap(), Currency::EUR);
            set = set
                .purchase(Purchase::new(purchase_id, id, at(i64::try_from(day).unwrap()), amount).unwrap());
            day += 1 + next(2 * pace);
            if next(100) < drop_out || day > 190 {
                break;
            }
        }
    }
    block_on(desk.record(&set)).unwrap();
}

#[test]
fn reviewing_again_schedules_nothing_twice() {
    let desk = desk();
    company(&desk, 300);
    let settings = ReviewSettings::new(Currency::EUR).in_pages_of(7).unwrap();
    block_on(async {
        let first = desk.review(at(200), &settings).await.unwrap();
        assert_eq!((first.customers, first.buyers), (300, 300));
        assert!(first.valuation.is_ok(), "{:?}", first.valuation);
        assert!(!first.scheduled.is_empty());
        let told = desk.run_due(at(200)).await.unwrap();
        assert_eq!(told.delivered, first.scheduled.len() as u64);

        let again = desk.review(at(200), &settings).await.unwrap();
        assert_eq!(again.scheduled, []);
        assert_eq!(again.scheduled_before, first.scheduled.len() as u64);
        assert_eq!(desk.run_due(at(200)).await.unwrap(), Deliveries::default());
        let whole = Review { scheduled: vec![], scheduled_before: 0, ..first.clone() };
        assert_eq!(whole, Review { scheduled: vec![], scheduled_before: 0, ..again });
    });
}

#[test]
fn the_page_size_changes_nothing() {
    let desk = desk();
    company(&desk, 100);
    let review = |page| {
        let settings = ReviewSettings::new(Currency::EUR).in_pages_of(page).unwrap().at_risk(Share::ONE, 0);
        block_on(desk.review(at(200), &settings)).unwrap()
    };
    assert_eq!(review(1), review(1000));
}

#[test]
fn a_company_too_small_for_models_is_still_reviewed() {
    let desk = desk();
    company(&desk, 1);
    let review = block_on(desk.review(at(200), &ReviewSettings::new(Currency::EUR))).unwrap();
    assert!(review.valuation.is_err());
    assert_eq!(review.most_valuable, []);
    let other = block_on(desk.review(at(200), &ReviewSettings::new(Currency::USD)));
    assert!(matches!(other, Err(DeskError::Money(_))), "purchases in another currency are refused");
}
