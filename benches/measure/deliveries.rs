//! How many jobs a second one desk claims, delivers and completes on SQLite, every claim and every completion synced, in
//! batches of 100: wall time, because the disk is part of it.

use super::cpu::{Target, figure, median};
use chrono::{DateTime, Utc};
use patronage::desk::{Desk, Settings};
use patronage::notification::{Notification, Recipient};
use patronage::notify::{DeliveryError, Message, Notifier};
use patronage::store::{ChangeSet, SqliteStore};
use patronage::{IdempotencyKey, Tag};
use std::time::{Duration, Instant};

const JOBS: u32 = 20_000;
const BATCH: usize = 100;
const ROUNDS: u32 = 5;

/// Takes everything over at once: what is measured is all the rest.
struct Willing;

impl Notifier for Willing {
    async fn deliver(&self, _: &Message) -> Result<(), DeliveryError> {
        Ok(())
    }
}

pub fn figures() {
    let due = DateTime::<Utc>::from_timestamp(1_767_225_600, 0).expect("an instant");
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("jobs.sqlite")).expect("a store");
        let settings =
            Settings::default().claiming(BATCH, Duration::from_secs(30)).expect("a batch and a lease");
        let desk = Desk::new(store, Willing, settings);
        let told = (0..JOBS).map(|number| {
            let key = IdempotencyKey::derive(&["told", &number.to_string()]);
            let to = Recipient::Staff(Tag::literal("team"));
            Notification::new(key, to, Tag::literal("reminder"), due).expect("a notification")
        });
        let changes = ChangeSet::new(IdempotencyKey::derive(&["all"]), due, Tag::literal("bench"))
            .expect("a change set")
            .with_notifications(told);
        pollster::block_on(desk.record(&changes)).expect("a commit");
        let start = Instant::now();
        let deliveries = pollster::block_on(desk.run_due(due)).expect("deliveries");
        rates.push(f64::from(JOBS) / start.elapsed().as_secs_f64());
        assert_eq!(deliveries.delivered, u64::from(JOBS));
    }
    figure(
        "jobs claimed, delivered and completed on SQLite, durable, batches of 100",
        median(rates),
        "1/s",
        Target::AtLeast(10_000.0),
    );
}
