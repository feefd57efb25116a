//! The notifier that writes to the log, with a subscriber that keeps every event.
#![cfg(feature = "tracing")]
#![expect(clippy::unwrap_used, reason = "a test may stop here")]

use chrono::DateTime;
use patronage::customer::{Contact, CustomerId};
use patronage::notification::{Notification, Recipient};
use patronage::notify::{DeliveryError, LogOnly, MemoryNotifier, Message, Notifier, TracingNotifier};
use patronage::{IdempotencyKey, Tag};
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps events as lines.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Log {
    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("patronage")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn message(n: u128, to: Recipient, attempt: u32) -> Message {
    let key = IdempotencyKey::new(uuid::Uuid::from_u128(n));
    let told = Notification::new(key, to, Tag::literal("win_back"), DateTime::UNIX_EPOCH).unwrap();
    let address = Contact::email("canary-local@example.org").unwrap();
    Message::new(&told.with_text("canary-text").unwrap(), Some(address), attempt)
}

#[test]
fn one_event_says_what_became_of_a_delivery() {
    let customer = Recipient::Customer(CustomerId::new(uuid::Uuid::from_u128(7)));
    let staff = Recipient::Staff(Tag::literal("canary-team"));
    let about = Tag::literal("win_back");
    let problem = Tag::literal("mailbox_full");
    let notifier = TracingNotifier::around(MemoryNotifier::new());
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let deliver = |message: &Message| pollster::block_on(notifier.deliver(message));
        assert_eq!(deliver(&message(1, customer, 1)), Ok(()));
        assert_eq!(deliver(&message(2, staff, 2)), Ok(()));
        let transient = DeliveryError::Transient { problem, retry_after: None };
        notifier.get_ref().fail(about, Some(transient.clone()));
        assert_eq!(deliver(&message(3, customer, 3)), Err(transient));
        notifier.get_ref().fail(about, Some(DeliveryError::Permanent { problem }));
        assert_eq!(deliver(&message(4, customer, 4)), Err(DeliveryError::Permanent { problem }));
    });
    let id = "00000000-0000-0000-0000-00000000000";
    assert_eq!(
        log.lines(),
        [
            format!("INFO key={id}1 about=\"win_back\" to=\"customer\" attempt=1 outcome=\"delivered\""),
            format!("INFO key={id}2 about=\"win_back\" to=\"staff\" attempt=2 outcome=\"delivered\""),
            format!(
                "WARN key={id}3 about=\"win_back\" to=\"customer\" attempt=3 problem=\"mailbox_full\" outcome=\"put_off\""
            ),
            format!(
                "ERROR key={id}4 about=\"win_back\" to=\"customer\" attempt=4 problem=\"mailbox_full\" outcome=\"refused\""
            ),
        ]
    );
    assert_eq!(notifier.into_inner().delivered().len(), 2);
}

#[cfg(feature = "conformance")]
mod contract {
    use super::*;
    use patronage::notify::conformance::{ABOUT, Failure, RULES, broken_rules, check_notifier};

    #[test]
    fn it_is_kept_around_a_notifier_that_keeps_it() {
        let problem = Tag::literal("told_to_fail");
        let log = Log::default();
        tracing::subscriber::with_default(log.clone(), || {
            pollster::block_on(check_notifier(
                || async { TracingNotifier::around(MemoryNotifier::new()) },
                |notifier| notifier.get_ref().delivered().iter().map(Message::key).collect(),
                |notifier, failure| {
                    let error = failure.map(|failure| match failure {
                        Failure::Passing => DeliveryError::Transient { problem, retry_after: None },
                        Failure::Lasting => DeliveryError::Permanent { problem },
                    });
                    notifier.get_ref().fail(ABOUT, error);
                },
            ));
        });
        assert!(log.lines().len() > 50);
        for line in log.lines() {
            assert!(!line.contains("canary") && !line.contains("37618"), "{line}");
        }
    }

    #[test]
    fn alone_it_keeps_what_can_be_kept_without_another_side() {
        let log = Log::default();
        tracing::subscriber::with_default(log.clone(), || {
            // The log is the other side: what was written counts as arrived, each key once.
            let written = |pair: &Pair| {
                let mut keys: Vec<IdempotencyKey> = log.lines()[pair.1..]
                    .iter()
                    .map(|line| line.split("key=").nth(1).unwrap()[..36].parse().unwrap())
                    .collect();
                keys.sort_unstable();
                keys.dedup();
                keys
            };
            let broken = pollster::block_on(broken_rules(
                || async { Pair(TracingNotifier::log_only(), log.lines().len()) },
                written,
                |_, _| {},
            ));
            let broken: Vec<&str> = broken.iter().map(patronage::notify::conformance::Broken::rule).collect();
            // It cannot be made to fail, so the rules about failures have nothing to look at.
            assert_eq!(
                broken,
                [
                    "a_passing_failure_is_transient_and_a_later_attempt_arrives",
                    "a_lasting_failure_is_permanent"
                ]
            );
        });
        assert!(RULES.len() >= 9);
    }

    /// The notifier, and how long the log was before it.
    struct Pair(TracingNotifier<LogOnly>, usize);

    impl Notifier for Pair {
        async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
            self.0.deliver(message).await
        }
    }
}
