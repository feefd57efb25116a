//! Made-up values for the checks.

use super::Problem;
use crate::because::Because;
use crate::case::{
    CallBack, CallBackChange, CallBackId, Case, CaseChange, CaseEvent, CaseId, CaseStatus, Matter, Recovery,
    RecoveryChange, RecoveryId, Severity,
};
use crate::consent::{ConsentId, ConsentRecord, ConsentStatus, LegalBasis, Purpose};
use crate::customer::{
    Contact, ContactPoint, ContactStatus, Customer, CustomerId, CustomerKind, Identity, PostalAddress,
    SocialHandle,
};
use crate::interaction::{
    Agent, Channel, Direction, Effort, EffortDirection, Engagement, Interaction, InteractionBuilder,
    InteractionId, Link, Outcome, Sentiment, Touchpoint,
};
use crate::key::IdempotencyKey;
use crate::lifecycle::{LifecycleStage, StageChange, StageReason};
use crate::measure::Share;
use crate::money::{Currency, Money};
use crate::notification::{Notification, Recipient};
use crate::period::Period;
use crate::purchase::{Purchase, PurchaseId};
use crate::store::ChangeSet;
use crate::tag::Tag;
use crate::task::{CatchUp, Priority, Reminder, ReminderId, Schedule, Task, TaskId};
use chrono::{DateTime, Utc};
use std::time::Duration;
use uuid::Uuid;

type Given<T> = Result<T, Problem>;

/// So many seconds after the beginning of 2026.
pub(super) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600 + second, 0).unwrap_or_default()
}

/// Identifiers that ascend with the number.
pub(super) const fn customer_id(n: u128) -> CustomerId {
    CustomerId::new(Uuid::from_u128(n))
}

pub(super) const fn task_id(n: u128) -> TaskId {
    TaskId::new(Uuid::from_u128(n))
}

pub(super) const fn purchase_id(n: u128) -> PurchaseId {
    PurchaseId::new(Uuid::from_u128(n))
}

pub(super) const fn interaction_id(n: u128) -> InteractionId {
    InteractionId::new(Uuid::from_u128(n))
}

pub(super) const fn consent_id(n: u128) -> ConsentId {
    ConsentId::new(Uuid::from_u128(n))
}

pub(super) const fn job_key(n: u128) -> IdempotencyKey {
    IdempotencyKey::new(Uuid::from_u128(n))
}

pub(super) fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey::derive(&["conformance", name])
}

/// An empty change set under the key of a name.
pub(super) fn changes(name: &str) -> Given<ChangeSet> {
    Ok(ChangeSet::new(key(name), at(0), Tag::literal("conformance"))?)
}

/// All that can be asked for: up to the last microsecond but one of the year 9999.
pub(super) fn always() -> Given<Period> {
    Ok(Period::until(last_instant()?)?)
}

pub(super) fn first_instant() -> Given<DateTime<Utc>> {
    Ok("0001-01-01T00:00:00Z".parse()?)
}

pub(super) fn last_instant() -> Given<DateTime<Utc>> {
    Ok("9999-12-31T23:59:59.999999Z".parse()?)
}

pub(super) fn customer(n: u128) -> Given<Customer> {
    Ok(Customer::new(customer_id(n), CustomerKind::Person, at(0))?)
}

pub(super) fn identity(subject: &str) -> Given<Identity> {
    Ok(Identity::new(Tag::literal("shop"), subject)?)
}

pub(super) fn move_to(customer: u128, to: LifecycleStage, second: i64) -> Given<(CustomerId, StageChange)> {
    Ok((customer_id(customer), StageChange::new(to, at(second), StageReason::Observed)?))
}

pub(super) fn consent(n: u128, customer: u128, second: i64) -> Given<ConsentRecord> {
    let (id, customer) = (consent_id(n), customer_id(customer));
    Ok(ConsentRecord::new(id, customer, Purpose::DirectMarketing, ConsentStatus::Given, at(second))?)
}

pub(super) fn purchase(n: u128, customer: u128, second: i64) -> Given<Purchase> {
    let amount = Money::new(1999, Currency::EUR);
    Ok(Purchase::new(purchase_id(n), customer_id(customer), at(second), amount)?)
}

pub(super) fn talk(n: u128, customer: u128, second: i64) -> InteractionBuilder {
    Interaction::builder(interaction_id(n), customer_id(customer), at(second))
}

pub(super) fn interaction(n: u128, customer: u128, second: i64) -> Given<Interaction> {
    Ok(talk(n, customer, second).build()?)
}

pub(super) fn task(n: u128) -> Given<Task> {
    Ok(Task::new(task_id(n), Tag::literal("call_back"), at(0))?)
}

pub(super) fn notification(n: u128, due: i64) -> Given<Notification> {
    let to = Recipient::Staff(Tag::literal("support"));
    Ok(Notification::new(job_key(n), to, Tag::literal("win_back"), at(due))?)
}

pub(super) const fn case_id(n: u128) -> CaseId {
    CaseId::new(Uuid::from_u128(n))
}

pub(super) const fn call_back_id(n: u128) -> CallBackId {
    CallBackId::new(Uuid::from_u128(n))
}

pub(super) fn case(n: u128, customer: u128) -> Given<Case> {
    Ok(Case::open(case_id(n), customer_id(customer), Tag::literal("billing"), at(0))?)
}

/// A case that was moved on.
pub(super) fn case_in(n: u128, customer: u128, moves: &[CaseStatus]) -> Given<Case> {
    let mut case = case(n, customer)?;
    for &to in moves {
        case.record(CaseEvent::new(at(0), CaseChange::Moved(to)))?;
    }
    Ok(case)
}

pub(super) fn call_back(n: u128, customer: u128) -> Given<CallBack> {
    let (id, customer) = (call_back_id(n), customer_id(customer));
    Ok(CallBack::offer(id, customer, Tag::literal("billing"), at(0), 1)?)
}

pub(super) fn recovery(n: u128, customer: u128) -> Given<Recovery> {
    let id = RecoveryId::new(Uuid::from_u128(n));
    Ok(Recovery::detect(id, case_id(n), customer_id(customer), Severity::Major, at(0))?)
}

pub(super) fn reminder(n: u128) -> Given<Reminder> {
    let to = Recipient::Staff(Tag::literal("support"));
    Ok(Reminder::once(ReminderId::new(Uuid::from_u128(n)), at(0), to, Tag::literal("call"))?)
}

/// Instants that only a microsecond tells apart.
pub(super) fn fine(second: i64, microsecond: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600 + second, microsecond * 1000).unwrap_or_default()
}

/// A reason whose figures need every bit.
pub(super) fn reason() -> Given<Because> {
    Ok(Because::rule(Tag::literal("p_alive")).figure(0.1 + 0.2, f64::MIN_POSITIVE)?)
}

pub(super) fn full_customer(n: u128) -> Given<Customer> {
    let lines = ["Übergrößenstraße 7", "c/o \"O'Neil\"; DROP TABLE customer; --"];
    let postal = PostalAddress::new(&lines, Some("8001"), "CH")?;
    let point = ContactPoint::new(Contact::email(&format!("Ada.{n}+x@Example.org"))?);
    Ok(Customer::new(customer_id(n), CustomerKind::Organisation, fine(-86_400, 123_456))?
        .with_name("Añda 'Λ' Lovelace 🦀 \u{202e}abc")?
        .with_language("de-CH-1996")?
        .with_zone("America/Argentina/Buenos_Aires")?
        .with_contact(point.verified(fine(1, 1))?.preferred())?
        .with_contact(
            ContactPoint::new(Contact::email("old@example.org")?).with_status(ContactStatus::Bounced),
        )?
        .with_contact(ContactPoint::new(Contact::phone("+41443211234")?).with_status(ContactStatus::Invalid))?
        .with_contact(ContactPoint::new(Contact::Postal(postal)).preferred())?
        .with_contact(ContactPoint::new(Contact::Social(SocialHandle::new(Tag::literal("chirp"), "@ada")?)))?
        .with_contact(
            ContactPoint::new(Contact::web("https://example.org:8080/A?b=%20#C")?).verified(at(5))?,
        )?
        .with_identity(Identity::new(Tag::literal("shop"), &format!("customer {n}"))?)?
        .with_identity(Identity::new(Tag::literal("crm/eu-1"), &format!("Kunde № {n}"))?)?)
}

pub(super) fn full_consent(n: u128, customer: u128) -> Given<ConsentRecord> {
    let (id, customer) = (consent_id(n), customer_id(customer));
    let at = fine(3, 999_999);
    Ok(ConsentRecord::new(
        id,
        customer,
        Purpose::Other(Tag::literal("art")),
        ConsentStatus::RenewedGiven,
        at,
    )?
    .via(Touchpoint::Other(Tag::literal("kiosk")))
    .on_basis(LegalBasis::LegitimateInterest)
    .expiring(fine(4, 1))?
    .proven_by(Tag::literal("notice-7"), Tag::literal("double_opt_in"))
    .with_evidence("yes,\r\n\t\"I do\"\0 🖋".to_owned())?)
}

pub(super) fn full_purchase(n: u128, customer: u128) -> Given<Purchase> {
    let amount = Money::new(-123_456_789_012, "BHD".parse()?);
    let purchase = Purchase::new(purchase_id(n), customer_id(customer), fine(7, 654_321), amount)?;
    Ok(purchase.with_category(Tag::literal("books/used")).with_cost(Money::new(3, "BHD".parse()?))?)
}

pub(super) fn full_interaction(n: u128, customer: u128) -> Given<Interaction> {
    let id = interaction_id(n);
    Ok(Interaction::builder(id, customer_id(customer), fine(9, 1))
        .at_place(Channel::Other(Tag::literal("kiosk")), Touchpoint::PhoneIvr, Engagement::Billing)
        .direction(Direction::Outbound)
        .agent(Agent::Other(Tag::literal("robot")))
        .served_by(Tag::literal("staff-17"))
        .reason(Tag::literal("late_delivery"))
        .outcome(Outcome::Unanswered)
        .escalated_to(Tag::literal("second_level"))
        .unanswered_because(Tag::literal("no_expert"))
        .wait(Duration::from_millis(1))
        .handle_time(Duration::from_millis(86_400_001))
        .transfers(3)
        .cost(Money::new(250, Currency::JPY))
        .sentiment(Sentiment::new(-0.1 - 0.2, Tag::literal("model-3"), Share::new(1.0 / 3.0)?)?)
        .effort(Effort::new(6, 7, EffortDirection::HardIsHigh)?)
        .link(Link::Purchase(purchase_id(1)))
        .link(Link::Interaction(interaction_id(u128::MAX)))
        .link(Link::Case(Uuid::from_u128(5)))
        .link(Link::Campaign(Tag::literal("spring")))
        .link(Link::Other(Uuid::from_u128(6)))
        .build()?)
}

pub(super) fn full_task(n: u128, customer: u128) -> Given<Task> {
    Ok(Task::new(task_id(n), Tag::literal("win_back"), fine(11, 11))?
        .for_customer(customer_id(customer))
        .with_priority(Priority::Urgent)
        .assigned_to(Tag::literal("team-a"))
        .because(reason()?)
        .because(Because::rule(Tag::literal("asked"))))
}

pub(super) fn full_notification(n: u128, customer: u128) -> Given<Notification> {
    let to = Recipient::Customer(customer_id(customer));
    Ok(Notification::new(job_key(n), to, Tag::literal("thanks"), fine(13, 13))?
        .via(Touchpoint::Email)
        .because(reason()?)
        .because(Because::rule(Tag::literal("asked")))
        .with_text("Dear \"Ada\",\r\n\0\u{feff}'; -- 🦀\u{7f}")?)
}

/// A matter of each kind, each with every field and every sort of event.
pub(super) fn full_matters(customer: u128) -> Given<Vec<Matter>> {
    let mut case = case(7, customer)?;
    let fact = crate::pii::Pii::new("SN \"4711\"\r\n\0'; -- \u{1f980}".to_owned());
    for (microsecond, change) in (1..).zip([
        CaseChange::Moved(CaseStatus::Open),
        CaseChange::Contact {
            interaction: interaction_id(1),
            channel: Channel::Other(Tag::literal("kiosk")),
            direction: Direction::Inbound,
            outcome: Some(Outcome::Unanswered),
        },
        CaseChange::Assigned(Tag::literal("team-a")),
        CaseChange::Prioritised(Priority::Urgent),
        CaseChange::Graded(Severity::Catastrophic),
        CaseChange::Promised { promise: Tag::literal("refund"), due: fine(60, 999_999) },
        CaseChange::Kept(Tag::literal("refund")),
        CaseChange::Told { about: Tag::literal("serial_number"), fact },
        CaseChange::Escalated {
            key: job_key(u128::MAX),
            rule: Tag::literal("late"),
            level: u8::MAX,
            to: Tag::literal("lead"),
        },
        CaseChange::Moved(CaseStatus::Solved),
        CaseChange::Moved(CaseStatus::Reopened),
        CaseChange::DuplicateOf(case_id(u128::MAX)),
    ]) {
        case.record(CaseEvent::new(fine(0, microsecond), change).by(Tag::literal("staff-17")))?;
    }
    let mut call_back = call_back(7, customer)?.for_case(case.id());
    let slot = Period::new(fine(5, 1), fine(6, 2))?;
    for change in [
        CallBackChange::Accepted(slot),
        CallBackChange::Dialing,
        CallBackChange::NoAnswer,
        CallBackChange::Accepted(slot),
    ] {
        call_back.record(fine(5, 0), change)?;
    }
    let mut recovery = recovery(7, customer)?;
    for change in [
        RecoveryChange::Acknowledged,
        RecoveryChange::CauseKnown(Tag::literal("wrong_address")),
        RecoveryChange::ActionTaken(Tag::literal("refund")),
        RecoveryChange::Verified { recovered: true },
    ] {
        recovery.record(fine(1, 7), change)?;
    }
    let rule = "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD;COUNT=7".parse()?;
    let schedule = Schedule::new(rule, fine(0, 1).naive_utc(), Utc)?;
    let to = Recipient::Customer(customer_id(customer));
    let reminder =
        Reminder::recurring(ReminderId::new(Uuid::from_u128(7)), &schedule, to, Tag::literal("call"))?
            .for_customer(customer_id(customer))
            .via(Touchpoint::Email)
            .with_text("Dear \"Ada\",\r\n\0\u{feff}'; --")?
            .catching_up(CatchUp::Skip { grace_seconds: u32::MAX });
    let reminder = reminder.due(fine(0, 1), Utc, 1)?.next.snooze(last_instant()?)?;
    [case.into(), call_back.into(), recovery.into(), crate::case::MatterKind::from(reminder)]
        .into_iter()
        .map(|kind| Ok(Matter::new(kind).waking(Some(fine(9, 999_999)))?))
        .collect()
}
