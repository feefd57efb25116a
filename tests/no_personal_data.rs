//! Canaries in every field that holds personal data: no error, no `Debug` and no `Display` may show one.

#![expect(clippy::unwrap_used, reason = "a test may stop here")]

use patronage::case::{CallBack, CallBackId, Case, CaseChange, CaseEvent, CaseId, Matter};
use patronage::consent::{ConsentId, ConsentRecord, ConsentStatus, Purpose};
use patronage::customer::{
    Contact, ContactPoint, Customer, CustomerId, CustomerKind, EmailAddress, Identity, PhoneNumber,
    PostalAddress, SocialHandle, WebAddress,
};
use patronage::interaction::{Interaction, InteractionId};
use patronage::lifecycle::{LifecycleStage, StageChange, StageReason};
use patronage::notification::{Job, Notification, Recipient, Settlement};
use patronage::notify::{DeliveryError, MemoryNotifier, Message, Notifier};
use patronage::purchase::{Purchase, PurchaseId};
use patronage::store::{ChangeSet, Entity, MemoryStore, SharedStore, Store, StoreError};
use patronage::task::{Reminder, ReminderId, Task, TaskId};
use patronage::{IdempotencyKey, Pii, Tag, ValidationError};
use pollster::block_on;
use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::time::Duration;

/// 40 characters that occur nowhere else, one text for each field.
fn canary(field: &str) -> String {
    let canary = format!("canary{field:x>34}");
    assert_eq!(canary.len(), 40);
    canary
}

/// A phone number is digits, a post code has 16 characters at most.
const PHONE: &str = "+376180015523471";
const POSTCODE: &str = "canarypostcodexx";

const FIELDS: [&str; 11] = [
    "name", "email", "lineone", "linetwo", "handle", "path", "subject", "evidence", "text", "fact",
    "reminder",
];

/// Fails where a text shows a canary, whole or in part, whatever the case.
fn is_clean(what: &str, shown: &str) {
    let shown = shown.to_lowercase();
    for canary in ["canary", "37618001", "5523471"] {
        assert!(!shown.contains(canary), "{what} shows personal data: {shown}");
    }
}

fn debug_is_clean<T: Debug>(value: &T) {
    let name = std::any::type_name::<T>();
    is_clean(name, &format!("{value:?}"));
    is_clean(name, &format!("{value:#?}"));
}

fn error_is_clean<E: std::error::Error>(error: &E) {
    debug_is_clean(error);
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        is_clean("an error", &error.to_string());
        is_clean("an error", &format!("{error:?}"));
        cause = error.source();
    }
}

fn both_are_clean(value: &(impl Debug + Display)) {
    debug_is_clean(value);
    is_clean("a value", &value.to_string());
}

fn id(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

fn at(second: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(1_767_225_600 + second, 0).unwrap()
}

fn contacts() -> Vec<Contact> {
    let lines = [canary("lineone"), canary("linetwo")];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    vec![
        Contact::email(&format!("{}@example.org", canary("email"))).unwrap(),
        Contact::phone(PHONE).unwrap(),
        Contact::Postal(PostalAddress::new(&lines, Some(POSTCODE), "CH").unwrap()),
        Contact::Social(SocialHandle::new(Tag::literal("chirp"), &canary("handle")).unwrap()),
        Contact::web(&format!("https://example.org/{}", canary("path"))).unwrap(),
    ]
}

fn identity() -> Identity {
    Identity::new(Tag::literal("shop"), &canary("subject")).unwrap()
}

fn customer(n: u128) -> Customer {
    let new = Customer::new(CustomerId::new(id(n)), CustomerKind::Person, at(0)).unwrap();
    contacts().into_iter().fold(new.with_name(&canary("name")).unwrap(), |customer, contact| {
        customer.with_contact(ContactPoint::new(contact).preferred()).unwrap()
    })
}

fn consent(n: u128, second: i64) -> ConsentRecord {
    let (id, of) = (ConsentId::new(id(n)), CustomerId::new(id(1)));
    ConsentRecord::new(id, of, Purpose::DirectMarketing, ConsentStatus::Given, at(second))
        .unwrap()
        .with_evidence(canary("evidence"))
        .unwrap()
}

fn notification(n: u128, second: i64) -> Notification {
    let to = Recipient::Customer(CustomerId::new(id(1)));
    Notification::new(IdempotencyKey::new(id(n)), to, Tag::literal("thanks"), at(second))
        .unwrap()
        .with_text(canary("text"))
        .unwrap()
}

fn case(second: i64) -> Case {
    let billing = Tag::literal("billing");
    let mut case = Case::open(CaseId::new(id(1)), CustomerId::new(id(1)), billing, at(second)).unwrap();
    let told = CaseChange::Told { about: billing, fact: Pii::new(canary("fact")) };
    case.record(CaseEvent::new(at(second), told)).unwrap();
    case
}

fn call_back(n: u128) -> CallBack {
    CallBack::offer(CallBackId::new(id(n)), CustomerId::new(id(1)), Tag::literal("billing"), at(0), 1)
        .unwrap()
}

fn reminder(n: u128) -> Reminder {
    let to = Recipient::Staff(Tag::literal("team"));
    let reminder = Reminder::once(ReminderId::new(id(n)), at(0), to, Tag::literal("call")).unwrap();
    reminder.with_text(canary("reminder")).unwrap()
}

fn set(name: &str) -> ChangeSet {
    ChangeSet::new(IdempotencyKey::derive(&[name]), at(0), Tag::literal("test")).unwrap()
}

fn everything() -> ChangeSet {
    let of = CustomerId::new(id(1));
    let first = StageChange::new(LifecycleStage::Awareness, at(0), StageReason::Observed).unwrap();
    set("everything")
        .customer(customer(1).with_identity(identity()).unwrap())
        .stage_change((of, first))
        .consent(consent(1, 0))
        .purchase(Purchase::new(PurchaseId::new(id(1)), of, at(0), "1.00 EUR".parse().unwrap()).unwrap())
        .interaction(Interaction::builder(InteractionId::new(id(1)), of, at(0)).build().unwrap())
        .task(Task::new(TaskId::new(id(1)), Tag::literal("call"), at(0)).unwrap())
        .matter(Matter::new(case(0)))
        .matter(Matter::new(call_back(1)))
        .matter(Matter::new(reminder(1)))
        .notification(notification(1, 0))
}

#[test]
fn the_canaries_are_there() {
    // What is stored holds them all; otherwise nothing could be shown.
    let set = everything();
    let stored = (set.customers(), set.consents(), set.matters(), set.notifications());
    let stored = serde_json::to_string(&stored).unwrap();
    for field in FIELDS {
        assert!(stored.contains(&canary(field)), "{field}");
    }
    assert!(stored.contains(PHONE) && stored.contains(POSTCODE));
}

#[test]
#[should_panic(expected = "shows personal data")]
fn a_canary_is_found() {
    debug_is_clean(&canary("name"));
}

#[test]
fn values_show_nothing() {
    debug_is_clean(&customer(1));
    for contact in contacts() {
        match &contact {
            Contact::Email(address) => debug_is_clean(address),
            Contact::Phone(number) => debug_is_clean(number),
            Contact::Postal(address) => debug_is_clean(address),
            Contact::Social(handle) => debug_is_clean(handle),
            Contact::Web(address) => debug_is_clean(address),
            other => panic!("{other:?} is not covered"),
        }
        debug_is_clean(&Message::new(&notification(1, 0), Some(contact.clone()), 1));
        debug_is_clean(&ContactPoint::new(contact.clone()));
        debug_is_clean(&contact);
    }
    debug_is_clean(&Pii::new(canary("name")));
    debug_is_clean(&identity());
    debug_is_clean(&consent(1, 0));
    debug_is_clean(&notification(1, 0));
    debug_is_clean(&Job::new(notification(1, 0)));
    debug_is_clean(&case(0));
    debug_is_clean(&reminder(1));
    debug_is_clean(&reminder(1).due(at(0), chrono::Utc, 1).unwrap());
    debug_is_clean(&everything());
    both_are_clean(&CustomerId::derive(&[&canary("subject")]));
    both_are_clean(&IdempotencyKey::derive(&[&canary("subject")]));
}

#[test]
fn refused_values_show_nothing() {
    let refused = |result: Result<(), ValidationError>| {
        let error = result.unwrap_err();
        error_is_clean(&error);
        is_clean("the refused value", error.value().unwrap_or_default());
    };
    // Each text broken in every way: blank ends, a control character, too long, and by the grammar of its kind.
    let spoilt =
        |canary: String| [format!(" {canary}"), format!("{canary}\u{7}"), canary.repeat(60), String::new()];
    for text in spoilt(canary("name")) {
        refused(customer(1).with_name(&text).map(drop));
    }
    for text in spoilt(canary("subject")) {
        refused(Identity::new(Tag::literal("shop"), &text).map(drop));
    }
    for text in spoilt(canary("handle")) {
        refused(SocialHandle::new(Tag::literal("chirp"), &text).map(drop));
    }
    for text in spoilt(canary("lineone")) {
        refused(PostalAddress::new(&[&text], None, "CH").map(drop));
        refused(PostalAddress::new(&["line"], Some(&text), "CH").map(drop));
    }
    refused(PostalAddress::new(&[&canary("lineone")], Some(POSTCODE), "Schweiz").map(drop));
    refused(PostalAddress::new(&[], Some(POSTCODE), "CH").map(drop));
    for text in spoilt(canary("email")) {
        refused(EmailAddress::new(&text).map(drop));
        refused(EmailAddress::new(&format!("{text}@")).map(drop));
        refused(EmailAddress::new(&format!("a@{text}")).map(drop));
        refused(text.parse::<EmailAddress>().map(drop));
    }
    for text in [&PHONE[1..], "+376180015523471999", "+37618001 5523471", "0037618001"] {
        refused(PhoneNumber::new(text).map(drop));
        refused(Contact::phone(text).map(drop));
    }
    let path = canary("path");
    for text in [
        path.clone(),
        format!("ftp://{path}"),
        format!("https://{path}:x@example.org"),
        format!("https://a b/{path}"),
    ] {
        refused(WebAddress::new(&text).map(drop));
    }
    refused(consent(1, 0).with_evidence(canary("evidence").repeat(60)).map(drop));
    refused(notification(1, 0).with_text(canary("text").repeat(2000)).map(drop));
    for contact in contacts() {
        let again = ContactPoint::new(contact);
        refused(customer(1).with_contact(again).map(drop));
    }
    let named = customer(1).with_identity(identity()).unwrap();
    refused(named.with_identity(identity()).map(drop));
    let another = Contact::email(&format!("b{}@example.org", canary("email"))).unwrap();
    refused(customer(1).with_contact(ContactPoint::new(another).preferred()).map(drop));
}

#[test]
fn refused_json_shows_nothing() {
    let set = everything();
    let customer = serde_json::to_string(&set.customers()[0]).unwrap();
    for (sound, broken) in [
        (canary("name"), format!(" {}", canary("name"))),
        (canary("subject"), format!("{} ", canary("subject"))),
        (canary("handle"), format!("{} ", canary("handle"))),
        (canary("lineone"), format!("{} ", canary("lineone"))),
        (POSTCODE.to_owned(), POSTCODE.repeat(2)),
        (format!("{}@", canary("email")), format!("{}@@", canary("email"))),
        (PHONE.to_owned(), PHONE[1..].to_owned()),
        ("https://example.org/".to_owned(), format!("https://{}:x@example.org/", canary("path"))),
    ] {
        let json = customer.replace(&sound, &broken);
        assert_ne!(json, customer, "{sound} is not there");
        error_is_clean(&serde_json::from_str::<Customer>(&json).unwrap_err());
    }
    let record = serde_json::to_string(&set.consents()[0]).unwrap();
    let long = record.replace(&canary("evidence"), &canary("evidence").repeat(60));
    error_is_clean(&serde_json::from_str::<ConsentRecord>(&long).unwrap_err());
    let told = serde_json::to_string(&set.notifications()[0]).unwrap();
    let long = told.replace(&canary("text"), &canary("text").repeat(2000));
    error_is_clean(&serde_json::from_str::<Notification>(&long).unwrap_err());
    let matters = serde_json::to_string(&set.matters()).unwrap();
    for field in ["fact", "reminder"] {
        let long = matters.replace(&canary(field), &canary(field).repeat(2000));
        error_is_clean(&serde_json::from_str::<Vec<Matter>>(&long).unwrap_err());
    }
}

/// Every way in which the reference store refuses changes that hold canaries.
fn refusals() -> Vec<ChangeSet> {
    let stranger = CustomerId::new(id(9));
    let former = StageChange::new(LifecycleStage::Former, at(0), StageReason::Observed).unwrap();
    let job = IdempotencyKey::new(id(1));
    vec![
        set("conflict").customer(customer(1)),
        set("task conflict").task(Task::new(TaskId::new(id(1)), Tag::literal("call"), at(0)).unwrap()),
        set("identity taken").customer(customer(2).with_identity(identity()).unwrap()),
        set("consent reused").consent(consent(1, 1)),
        set("notification reused").notification(notification(1, 1)),
        set("matter conflict").matter(Matter::new(case(0))),
        set("open already").matter(Matter::new(call_back(2))),
        set("history rewritten").matter(Matter::new(case(1)).with_version(1)),
        set("everything").customer(customer(3)),
        set("stranger")
            .interaction(Interaction::builder(InteractionId::new(id(2)), stranger, at(0)).build().unwrap()),
        set("illegal stage").stage_change((CustomerId::new(id(1)), former)),
        set("unknown job").settlement(Settlement::Cancelled { key: IdempotencyKey::new(id(9)) }),
        set("stale fence").settlement(Settlement::Delivered { key: job, fence: 7 }),
    ]
}

#[test]
fn stores_and_what_they_refuse_show_nothing() {
    let memory = MemoryStore::new();
    let mut met = BTreeSet::new();
    block_on(async {
        debug_is_clean(&memory.commit(&everything()).await.unwrap());
        for changes in refusals() {
            let refusal = memory.commit(&changes).await.unwrap_err();
            error_is_clean(&refusal);
            debug_is_clean(&changes);
            met.insert(format!("{refusal:?}").split([' ', '(']).next().unwrap_or_default().to_owned());
        }
        debug_is_clean(&memory.claim(at(0), 9, Duration::from_secs(60)).await.unwrap());
        debug_is_clean(&memory.customers(None, 9).await.unwrap());
        debug_is_clean(&memory.consents(&[CustomerId::new(id(1))]).await.unwrap());
        let late = memory.claim(at(0), 9, Duration::MAX).await;
        error_is_clean(&late.unwrap_err());
    });
    assert_eq!(
        format!("{memory:?}"),
        "MemoryStore { customers: 1, consents: 1, purchases: 1, interactions: 1, tasks: 1, matters: 3, \
         jobs: 1, change_sets: 1, .. }"
    );
    debug_is_clean(&SharedStore::new(memory));
    let wanted = ["Conflict", "IdentityTaken", "KeyReuse", "OpenAlready", "Refused", "StaleFence", "Unknown"];
    assert_eq!(met, wanted.map(str::to_owned).into());
    // The others hold identifiers, codes and names of operations by their type; a memory store never meets them.
    let key = IdempotencyKey::derive(&[&canary("subject")]);
    for error in [
        StoreError::OutcomeUnknown { key },
        StoreError::Busy,
        StoreError::Unusable { problem: "a row cannot be read" },
        StoreError::Backend { operation: "commit", code: 2067.into() },
        StoreError::KeyReuse { entity: Entity::Consent, key: *key.as_uuid() },
    ] {
        error_is_clean(&error);
    }
}

#[test]
fn notifiers_and_what_they_refuse_show_nothing() {
    let notifier = MemoryNotifier::new();
    let problem = Tag::literal("mailbox_full");
    for failure in [
        None,
        Some(DeliveryError::Transient { problem, retry_after: Some(Duration::from_secs(60)) }),
        Some(DeliveryError::Permanent { problem }),
    ] {
        notifier.fail(Tag::literal("thanks"), failure.clone());
        for (n, contact) in (1..).zip(contacts()) {
            let message = Message::new(&notification(n, 0), Some(contact), 1);
            let answer = block_on(notifier.deliver(&message));
            assert_eq!(answer.as_ref().err(), failure.as_ref());
            debug_is_clean(&answer);
            let _ = answer.map_err(|error| error_is_clean(&error));
        }
        debug_is_clean(&notifier);
    }
    assert_eq!(notifier.delivered().len(), 5);
    debug_is_clean(&notifier.delivered());
}

#[cfg(feature = "webhook")]
#[test]
fn webhooks_and_what_they_refuse_show_nothing() {
    use patronage::notify::{Endpoint, WebhookNotifier};

    // Secrets are base64, and so is a canary.
    let (name, secret) = (Tag::literal("crm"), canary("secret"));
    let url = format!("https://hooks.example.com/{}?{}", canary("path"), canary("token"));
    let endpoint = Endpoint::new(name, &url, &[&secret]).unwrap().with_addresses();
    debug_is_clean(&endpoint);
    let notifier = WebhookNotifier::new(endpoint.clone(), || at(0)).unwrap();
    let notifier = notifier.with_about(name, endpoint.clone()).with_staff(name, endpoint);
    debug_is_clean(&notifier);
    // Outside of a runtime every message is put off.
    for (n, contact) in (1..).zip(contacts()) {
        let message = Message::new(&notification(n, 0), Some(contact), 1);
        error_is_clean(&block_on(notifier.deliver(&message)).unwrap_err());
    }
    let path = canary("path");
    for url in [format!("http://{path}.com/"), format!("https://{path}@10.0.0.1/"), format!("https://{path}")]
    {
        error_is_clean(&Endpoint::new(name, &url, &[&secret]).unwrap_err());
    }
    error_is_clean(&Endpoint::new(name, &url, &[&format!("{secret}!")]).unwrap_err());
    error_is_clean(&notifier.with_root_certificates(&canary("pem")).unwrap_err());
}

#[cfg(feature = "email")]
#[test]
fn mail_and_what_it_refuses_shows_nothing() {
    use patronage::notify::{EmailNotifier, Letter, SmtpRelay};

    let address = |name: &str| EmailAddress::new(&format!("{}@example.org", canary(name))).unwrap();
    let relay = SmtpRelay::plain_on_loopback(25).with_login(&canary("user"), &canary("password"));
    debug_is_clean(&relay);
    let notifier = EmailNotifier::new(&relay, &address("from"))
        .unwrap()
        .with_sender_name(&canary("name"))
        .with_reply_to(&address("answers"))
        .unwrap()
        .with_staff(Tag::literal("support"), address("staff"));
    debug_is_clean(&notifier);
    for (n, contact) in (1..).zip(contacts()) {
        let message = Message::new(&notification(n, 0), Some(contact), 1);
        debug_is_clean(&Letter::plain(&message));
        error_is_clean(&block_on(notifier.deliver(&message)).unwrap_err());
    }
    error_is_clean(&relay.with_root_certificates(&canary("pem")).unwrap_err());
    let foreign = EmailAddress::new(&format!("é{}@example.org", canary("from"))).unwrap();
    error_is_clean(&EmailNotifier::new(&SmtpRelay::plain_on_loopback(25), &foreign).unwrap_err());
}

#[cfg(feature = "conformance")]
#[test]
fn dumps_show_nothing() {
    let store = MemoryStore::new();
    let dump = block_on(async {
        let _ = store.commit(&everything()).await.unwrap();
        patronage::store::conformance::dump(&store).await.unwrap()
    });
    debug_is_clean(&dump);
}
