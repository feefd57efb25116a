//! Whether a notifier keeps the contract of [`Notifier`]: one check for each rule, on a fresh notifier, for every
//! adapter and for yours.
//!
//! # Example
//! ```
//! use patronage::Tag;
//! use patronage::notify::conformance::{ABOUT, Failure, check_notifier};
//! use patronage::notify::{DeliveryError, MemoryNotifier};
//!
//! const PROBLEM: Tag = Tag::literal("told_to_fail");
//!
//! pollster::block_on(check_notifier(
//!     || async { MemoryNotifier::new() },
//!     |notifier| notifier.delivered().iter().map(|message| message.key()).collect(),
//!     |notifier, failure| {
//!         notifier.fail(
//!             ABOUT,
//!             failure.map(|failure| match failure {
//!                 Failure::Passing => DeliveryError::Transient { problem: PROBLEM, retry_after: None },
//!                 Failure::Lasting => DeliveryError::Permanent { problem: PROBLEM },
//!             }),
//!         );
//!     },
//! ));
//! ```

use super::{DeliveryError, Message, Notifier};
use crate::because::Because;
use crate::customer::{Contact, CustomerId, PostalAddress, SocialHandle};
use crate::interaction::Touchpoint;
use crate::key::IdempotencyKey;
use crate::notification::{Notification, Recipient};
use crate::tag::Tag;
use chrono::DateTime;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use uuid::Uuid;

/// What every message of the checks is about.
pub const ABOUT: Tag = Tag::literal("conformance");

/// How the other side is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// In a way that may pass by itself: it is down, it is busy.
    Passing,
    /// In a way that will not: it refuses the message or does not know the address.
    Lasting,
}

/// A rule of the contract that a notifier does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    rule: &'static str,
    problem: String,
}

impl Broken {
    /// The name of the rule, one of [`RULES`].
    pub const fn rule(&self) -> &'static str {
        self.rule
    }

    /// What the notifier did.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.problem)
    }
}

impl std::error::Error for Broken {}

/// What a check found wrong. Any error will do, so that checks can use `?`.
struct Problem(String);

impl<E: std::error::Error> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(format!("failed: {error}"))
    }
}

type Checked = Result<(), Problem>;

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Problem(problem())) }
}

/// A notifier under test, with the ways to look at the other side.
struct Bench<N, R, F> {
    notifier: N,
    received: R,
    fail: F,
}

impl<N: Notifier, R: Fn(&N) -> Vec<IdempotencyKey>, F: Fn(&N, Option<Failure>)> Bench<N, R, F> {
    /// How often messages under a key arrived.
    fn arrived(&self, key: IdempotencyKey) -> usize {
        (self.received)(&self.notifier).into_iter().filter(|found| *found == key).count()
    }

    fn fail(&self, how: Option<Failure>) {
        (self.fail)(&self.notifier, how);
    }
}

macro_rules! rules {
    ($($rule:ident)+) => {
        /// The names of all rules, in the order of the contract.
        pub const RULES: &[&str] = &[$(stringify!($rule)),+];

        /// The rules that a notifier does not keep: none for one that keeps the contract.
        ///
        /// # Arguments
        /// `fresh`: makes a notifier; it is called for every rule. `received`: the keys that reached the recipients
        /// so far, one for each time. `fail`: makes the other side fail from now on, or work again.
        pub async fn broken_rules<N: Notifier, Fut: Future<Output = N>>(
            fresh: impl Fn() -> Fut,
            received: impl Fn(&N) -> Vec<IdempotencyKey>,
            fail: impl Fn(&N, Option<Failure>),
        ) -> Vec<Broken> {
            let mut broken = Vec::new();
            $(
                let bench = Bench { notifier: fresh().await, received: &received, fail: &fail };
                if let Err(Problem(problem)) = $rule(&bench).await {
                    broken.push(Broken { rule: stringify!($rule), problem });
                }
            )+
            broken
        }
    };
}

rules! {
    a_message_taken_over_has_arrived
    messages_of_every_kind_arrive_or_are_refused
    a_message_delivered_again_arrives_once
    messages_under_other_keys_arrive_each
    a_passing_failure_is_transient_and_a_later_attempt_arrives
    a_lasting_failure_is_permanent
    errors_hold_neither_text_nor_address
    deliveries_at_the_same_time_arrive_each
    a_delivery_dropped_before_its_end_can_be_repeated
}

/// Checks every rule, for a test of your notifier.
///
/// # Arguments
/// `fresh`: makes a notifier; it is called for every rule. `received`: the keys that reached the recipients so far,
/// one for each time. `fail`: makes the other side fail from now on, or work again.
///
/// # Panics
/// When the notifier does not keep the contract; the message names every broken rule and what happened.
pub async fn check_notifier<N: Notifier, Fut: Future<Output = N>>(
    fresh: impl Fn() -> Fut,
    received: impl Fn(&N) -> Vec<IdempotencyKey>,
    fail: impl Fn(&N, Option<Failure>),
) {
    let broken: Vec<String> =
        broken_rules(fresh, received, fail).await.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "the notifier breaks its contract:\n  {}", broken.join("\n  "));
}

/// Words that may appear nowhere but in the message itself.
const SECRETS: [&str; 6] =
    ["canary-text", "canary-local", "37618005551", "canary-line", "canary-handle", "canary-path"];

fn key(n: u128) -> IdempotencyKey {
    IdempotencyKey::new(Uuid::from_u128(n))
}

fn notification(n: u128, to: Recipient) -> Result<Notification, Problem> {
    Ok(Notification::new(key(n), to, ABOUT, DateTime::UNIX_EPOCH)?)
}

/// A message to a customer, by e-mail, with a text.
fn mail(n: u128, attempt: u32) -> Result<Message, Problem> {
    let to = Recipient::Customer(CustomerId::new(Uuid::from_u128(1)));
    let told = notification(n, to)?.via(Touchpoint::Email).with_text("Hello: canary-text")?;
    Ok(Message::new(&told, Some(Contact::email("canary-local@example.org")?), attempt))
}

/// A message to every kind of recipient and address.
fn all_kinds() -> Result<Vec<Message>, Problem> {
    let customer = Recipient::Customer(CustomerId::new(Uuid::from_u128(1)));
    let staff = Recipient::Staff(Tag::literal("support"));
    let postal = PostalAddress::new(&["canary-line 1", "8001 Zürich"], Some("8001"), "CH")?;
    let social = SocialHandle::new(Tag::literal("chirp"), "canary-handle")?;
    let reason = Because::rule(Tag::literal("p_alive")).figure(0.3, 0.5)?;
    let text = |n, text: &str| notification(n, customer)?.with_text(text).map_err(Problem::from);
    Ok(vec![
        Message::new(&notification(1, staff)?, None, 1),
        Message::new(&notification(2, staff)?.because(reason).with_text("canary-text")?, None, 1),
        Message::new(&notification(3, customer)?, None, 1),
        Message::new(&text(4, "canary-text")?, Some(Contact::email("canary-local@example.org")?), 1),
        Message::new(&text(5, "canary-text")?, Some(Contact::phone("+37618005551")?), 1),
        Message::new(&text(6, "canary-text")?, Some(Contact::Postal(postal)), 1),
        Message::new(&text(7, "canary-text")?, Some(Contact::Social(social)), 1),
        Message::new(&text(8, "canary-text")?, Some(Contact::web("https://example.org/canary-path")?), 1),
        Message::new(&text(9, "")?, Some(Contact::email("a@example.org")?), 1),
        Message::new(
            &text(10, "\r\n.\r\n\0<b>&\u{202e}🦀\u{7f}")?,
            Some(Contact::email("a@example.org")?),
            1,
        ),
        Message::new(&text(11, &"ä".repeat(32_768))?, Some(Contact::email("a@example.org")?), u32::MAX),
    ])
}

async fn a_message_taken_over_has_arrived<N, R, F>(bench: &Bench<N, R, F>) -> Checked
where
    N: Notifier,
    R: Fn(&N) -> Vec<IdempotencyKey>,
    F: Fn(&N, Option<Failure>),
{
    bench.notifier.deliver(&mail(1, 1)?).await?;
    let arrived = bench.arrived(key(1));
    ensure(arrived == 1, || format!("the answer was Ok, and the message arrived {arrived} times"))
}

async fn messages_of_every_kind_arrive_or_are_refused<N, R, F>(bench: &Bench<N, R, F>) -> Checked
where
    N: Notifier,
    R: Fn(&N) -> Vec<IdempotencyKey>,
    F: Fn(&N, Option<Failure>),
{
    for message in all_kinds()? {
        let answer = bench.notifier.deliver(&message).await;
        let arrived = bench.arrived(message.key());
        ensure(arrived == usize::from(answer.is_ok()), || {
            format!("{message:?} was answered by {answer:?} and arrived {arrived} times")
        })?;
        // Nothing is wrong with the other side, so a refusal is one of the message, and stands.
        ensure(!matches!(answer, Err(DeliveryError::Transient { .. })), || {
            format!("{message:?} was put off though nothing had failed: {answer:?}")
        })?;
    }
    Ok(())
}

async fn a_message_delivered_again_arrives_once<N, R, F>(bench: &Bench<N, R, F>) -> Checked
where
    N: Notifier,
    R: Fn(&N) -> Vec<IdempotencyKey>,
    F: Fn(&N, Option<Failure>),
{
    for attempt in 1..=3 {
        bench.notifier.deliver(&mail(1, attempt)?).await?;
        bench.notifier.deliver(&mail(2, attempt)?).await?;
    }
    let arrived = (bench.arrived(key(1)), bench.arrived(key(2)));
    ensure(arrived == (1, 1), || format!("two messages delivered three times arrived {arrived:?} times"))
}

async fn messages_under_other_keys_arrive_each<N, R, F>(bench: &Bench<N, R, F>) -> Checked
where
    N: Notifier,
    R: Fn(&N) -> Vec<IdempotencyKey>,
    F: Fn(&N, Option<Failure>),
{
    for n in 1..=20 {
        bench.notifier.deliver(&mail(n, 1)?).await?;
    }
    let mut arrived = (bench.received)(&bench.notifier);
    arrived.sort_unstable();
    let wanted: Vec<_> = (1..=20).map(key).collect();
    ensure(arrived == wanted, || format!("of 20 messages of one content arrived {arrived:?}"))
}

async fn a_passing_failure_is_transient_and_a_later_attempt_arrives<N, R, F>(
    bench: &Bench<N, R, F>,
) -> Checked
where
    N: Notifier,
    R: Fn(&N) -> Vec<IdempotencyKey>,
    F: Fn(&N, Option<Failure>),
{
    bench.fail(Some(Failure::Passing));
    for attempt in 1..=2 {
        let answer = bench.notifier.deliver(&mail(1, attempt)?).await;
        ensure(matches!(answer, Err(DeliveryError::Transient { .. })), || {
            format!("while the other side was down, the answer was {answer:?}")
        })?;
    }
    bench.fail(None);
    bench.notifier.deliver(&mail(1, 3)?).await?;
    let arrived = bench.arrived(key(1));
    ensure(arrived == 1, || format!("after two attempts that failed, the message arrived {arrived} times"))
}

async fn a_lasting_failure_is_permanent<N, R, F>(bench: &Bench<N, R, F>) -> Checked
where
    N: Notifier,
    R: Fn(&N) -> Vec<IdempotencyKey>,
    F: Fn(&N, Option<Failure>),
{
    bench.fail(Some(Failure::Lasting));
    let answer = bench.notifier.deliver(&mail(1, 1)?).await;
    ensure(matches!(answer, Err(DeliveryError::Permanent { .. })), || {
        format!("when the other side refused for good, the answer was {answer:?}")
    })?;
    let arrived = bench.arrived(key(1));
    ensure(arrived == 0, || format!("a message refused for good arrived {arrived} times"))
}

async fn errors_hold_neither_text_nor_address<N, R, F>(bench: &Bench<N, R, F>) -> Checked
where
    N: Notifier,
    R: Fn(&N) -> Vec<IdempotencyKey>,
    F: Fn(&N, Option<Failure>),
{
    for failure in [None, Some(Failure::Passing), Some(Failure::Lasting)] {
        bench.fail(failure);
        for message in all_kinds()? {
            let Err(error) = bench.notifier.deliver(&message).await else { continue };
            let shown = format!("{error} {error:?}").to_lowercase();
            let leaked = SECRETS.iter().find(|secret| shown.contains(*secret));
            ensure(leaked.is_none(), || format!("an error shows personal data (`{leaked:?}`)"))?;
        }
    }
    Ok(())
}

async fn deliveries_at_the_same_time_arrive_each<N, R, F>(bench: &Bench<N, R, F>) -> Checked
where
    N: Notifier,
    R: Fn(&N) -> Vec<IdempotencyKey>,
    F: Fn(&N, Option<Failure>),
{
    // Two messages, and one of them a second time.
    let (one, two) = (mail(1, 1)?, mail(2, 1)?);
    let mut first = pin!(bench.notifier.deliver(&one));
    let mut second = pin!(bench.notifier.deliver(&two));
    let mut again = pin!(bench.notifier.deliver(&one));
    let mut answers = [None, None, None];
    std::future::poll_fn(|context| {
        let deliveries = [first.as_mut(), second.as_mut(), again.as_mut()];
        for (delivery, answer) in deliveries.into_iter().zip(&mut answers) {
            if answer.is_none()
                && let Poll::Ready(done) = delivery.poll(context)
            {
                *answer = Some(done);
            }
        }
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    for answer in answers.into_iter().flatten() {
        answer?;
    }
    let arrived = (bench.arrived(key(1)), bench.arrived(key(2)));
    ensure(arrived == (1, 1), || format!("two messages delivered side by side arrived {arrived:?} times"))
}

async fn a_delivery_dropped_before_its_end_can_be_repeated<N, R, F>(bench: &Bench<N, R, F>) -> Checked
where
    N: Notifier,
    R: Fn(&N) -> Vec<IdempotencyKey>,
    F: Fn(&N, Option<Failure>),
{
    // Dropped at the first point where it waits, at the second, and so on: a program that ends, a limit of time.
    for n in 1..=8 {
        let message = mail(n, 1)?;
        {
            let mut delivery = pin!(bench.notifier.deliver(&message));
            let mut waits = 0;
            std::future::poll_fn(|context| {
                waits += 1;
                if delivery.as_mut().poll(context).is_ready() || waits >= n {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
        bench.notifier.deliver(&mail(n, 2)?).await?;
        let arrived = bench.arrived(message.key());
        ensure(arrived == 1, || {
            format!(
                "dropped where it waited for the {n}. time and repeated, a message arrived {arrived} times"
            )
        })?;
    }
    Ok(())
}
