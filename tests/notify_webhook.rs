//! The webhook notifier against a real HTTPS listener on loopback: what is sent, where it goes, what answers mean, and
//! where nothing may ever go.
#![cfg(feature = "webhook")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop here")]

#[path = "support/receiver.rs"]
mod receiver;
#[path = "support/tls.rs"]
mod tls;

use chrono::{DateTime, TimeDelta, Utc};
use patronage::customer::{Contact, CustomerId};
use patronage::interaction::Touchpoint;
use patronage::notification::{Notification, Recipient};
use patronage::notify::{DeliveryError, Endpoint, Message, Notifier, Resolver, WebhookNotifier};
use patronage::{Because, IdempotencyKey, Tag};
use receiver::{Reaction, Receiver};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};
use tls::Identity;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NAME: Tag = Tag::literal("crm");

static IDENTITY: LazyLock<Identity> =
    LazyLock::new(|| Identity::of(&["localhost", "127.0.0.1", "hooks.example.com"]));

/// The verifier of the crate holds signatures against the clock of the machine.
#[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

fn due() -> DateTime<Utc> {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

fn key(n: u128) -> IdempotencyKey {
    IdempotencyKey::new(uuid::Uuid::from_u128(n))
}

fn to_staff(n: u128, staff: &'static str, about: &'static str) -> Message {
    let to = Recipient::Staff(Tag::literal(staff));
    Message::new(&Notification::new(key(n), to, Tag::literal(about), due()).unwrap(), None, 1)
}

fn to_customer(n: u128, attempt: u32) -> Message {
    let to = Recipient::Customer(CustomerId::new(uuid::Uuid::from_u128(7)));
    let told = Notification::new(key(n), to, Tag::literal("win_back"), due())
        .unwrap()
        .via(Touchpoint::Email)
        .because(Because::rule(Tag::literal("p_alive")).figure(0.31, 0.5).unwrap())
        .with_text("We miss you, \"Ada\" \u{1f980}")
        .unwrap();
    Message::new(&told, Some(Contact::email("ada@example.org").unwrap()), attempt)
}

fn endpoint(receiver: &Receiver) -> Endpoint {
    let url = format!("https://127.0.0.1:{}/hooks/a%20b?token=t", receiver.port());
    Endpoint::on_loopback(NAME, &url, &[SECRET]).unwrap()
}

fn notifier_to(endpoint: Endpoint) -> WebhookNotifier {
    WebhookNotifier::new(endpoint, now).unwrap().with_root_certificates(&IDENTITY.pem).unwrap()
}

fn pair() -> (Receiver, WebhookNotifier) {
    let receiver = Receiver::start(Some(&IDENTITY), &[SECRET]);
    let notifier = notifier_to(endpoint(&receiver));
    (receiver, notifier)
}

fn transient(problem: &'static str) -> Result<(), DeliveryError> {
    Err(DeliveryError::Transient { problem: Tag::literal(problem), retry_after: None })
}

fn permanent(problem: &'static str) -> Result<(), DeliveryError> {
    Err(DeliveryError::Permanent { problem: Tag::literal(problem) })
}

// What is sent.

#[tokio::test]
async fn a_message_arrives_signed_and_as_documented() {
    let (receiver, notifier) = pair();
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, Ok(()));
    assert_eq!(receiver.taken(), [key(1)]);
    let [request] = receiver.requests().try_into().unwrap();
    assert_eq!(request.line, "POST /hooks/a%20b?token=t HTTP/1.1");
    assert_eq!(request.header("host"), format!("127.0.0.1:{}", receiver.port()));
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("webhook-id"), key(1).to_string());
    assert_eq!(
        request.body,
        "{\"type\":\"win_back\",\"timestamp\":\"2026-03-01T08:00:00Z\",\"data\":{\
         \"key\":\"00000000-0000-0000-0000-000000000001\",\
         \"to\":{\"customer\":\"00000000-0000-0000-0000-000000000007\"},\"via\":\"email\",\
         \"because\":[{\"rule\":\"p_alive\",\"figure\":[0.31,0.5]}],\
         \"text\":\"We miss you, \\\"Ada\\\" \u{1f980}\"}}"
    );
    // What is not there is left out; the address comes where it was asked for.
    assert_eq!(notifier.deliver(&to_staff(2, "support", "queue")).await, Ok(()));
    assert!(receiver.requests()[1].body.ends_with("\"to\":{\"staff\":\"support\"},\"because\":[]}}"));
    let notifier = notifier_to(endpoint(&receiver).with_addresses());
    assert_eq!(notifier.deliver(&to_customer(3, 1)).await, Ok(()));
    assert!(receiver.requests()[2].body.ends_with(",\"address\":{\"email\":\"ada@example.org\"}}}"));
}

#[tokio::test]
async fn every_attempt_has_the_same_body_and_its_own_instant() {
    let receiver = Receiver::start(Some(&IDENTITY), &[SECRET]);
    let second = AtomicI64::new(0);
    let clock = move || now() + TimeDelta::seconds(second.fetch_add(1, Ordering::Relaxed));
    let notifier = WebhookNotifier::new(endpoint(&receiver), clock).unwrap();
    let notifier = notifier.with_root_certificates(&IDENTITY.pem).unwrap();
    for attempt in 1..=3 {
        assert_eq!(notifier.deliver(&to_customer(1, attempt)).await, Ok(()));
    }
    assert_eq!(receiver.taken(), [key(1)]);
    let requests = receiver.requests();
    let different =
        |part: fn(&receiver::Request) -> &str| requests.iter().map(part).collect::<BTreeSet<_>>().len();
    assert_eq!(different(|request| &request.body), 1);
    assert_eq!(different(|request| request.header("webhook-id")), 1);
    assert_eq!(different(|request| request.header("webhook-timestamp")), 3);
    assert_eq!(different(|request| request.header("webhook-signature")), 3);
}

#[tokio::test]
async fn secrets_are_replaced_without_a_gap() {
    let url = |receiver: &Receiver| format!("https://127.0.0.1:{}/", receiver.port());
    let (old, new) =
        (Receiver::start(Some(&IDENTITY), &[OTHER]), Receiver::start(Some(&IDENTITY), &[SECRET]));
    for receiver in [&old, &new] {
        let both = Endpoint::on_loopback(NAME, &url(receiver), &[SECRET, OTHER]).unwrap();
        assert_eq!(notifier_to(both).deliver(&to_customer(1, 1)).await, Ok(()));
        assert_eq!(receiver.requests()[0].header("webhook-signature").matches("v1,").count(), 2);
    }
    let one = Endpoint::on_loopback(NAME, &url(&old), &[SECRET]).unwrap();
    assert_eq!(notifier_to(one).deliver(&to_customer(2, 1)).await, permanent("status_401"));
    assert_eq!(old.taken(), [key(1)]);
}

#[tokio::test]
async fn a_signature_of_another_time_is_refused_by_the_receiver() {
    let receiver = Receiver::start(Some(&IDENTITY), &[SECRET]);
    let late = WebhookNotifier::new(endpoint(&receiver), || now() - TimeDelta::minutes(6)).unwrap();
    let late = late.with_root_certificates(&IDENTITY.pem).unwrap();
    assert_eq!(late.deliver(&to_customer(1, 1)).await, permanent("status_401"));
}

#[test]
fn secrets_are_checked() {
    let url = "https://hooks.example.com/";
    for (secret, good) in [
        (SECRET, true),
        (SECRET.strip_prefix("whsec_").unwrap(), true),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", false),
        // 23, 24, 64 and 65 bytes.
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", true),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false),
        ("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
        ("whsec_", false),
        ("", false),
        ("not base64, not at all, not here!", false),
    ] {
        let made = Endpoint::new(NAME, url, &[SECRET, secret]);
        assert_eq!(made.is_ok(), good, "{secret}");
        if let Err(error) = made {
            assert_eq!((error.field(), error.value()), ("endpoint.secrets", None));
        }
    }
    assert_eq!(Endpoint::new(NAME, url, &[]).unwrap_err().rule(), "must be at least one");
}

#[tokio::test]
async fn staff_goes_before_subject_and_subject_before_the_first() {
    let [first, about, staff] = [(); 3].map(|()| Receiver::start(Some(&IDENTITY), &[SECRET]));
    let notifier = notifier_to(endpoint(&first))
        .with_about(Tag::literal("queue"), endpoint(&about))
        .with_staff(Tag::literal("support"), endpoint(&staff));
    for message in [
        to_staff(1, "support", "queue"),
        to_staff(2, "billing", "queue"),
        to_staff(3, "billing", "other"),
        to_customer(4, 1),
    ] {
        assert_eq!(notifier.deliver(&message).await, Ok(()));
    }
    assert_eq!((staff.taken(), about.taken()), (vec![key(1)], vec![key(2)]));
    assert_eq!(first.taken(), [key(3), key(4)]);
}

// Where nothing may go.

/// The table of spellings.
fn spellings() -> Vec<(String, String)> {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/webhook_targets.csv");
    let mut rows = csv::Reader::from_path(table).unwrap();
    rows.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row[1].to_owned())).collect()
}

#[test]
fn every_spelling_of_a_place_that_is_not_public_is_refused() {
    let spellings = spellings();
    let distinct: BTreeSet<_> = spellings.iter().map(|(target, _)| target).collect();
    assert!(distinct.len() == spellings.len() && distinct.len() >= 300, "{}", distinct.len());
    for (target, what) in &spellings {
        let error = Endpoint::new(NAME, target, &[SECRET]).expect_err(&format!("{target}: {what}"));
        assert_eq!((error.field(), error.value()), ("endpoint.url", None), "{target}");
    }
    let long = format!("https://hooks.example.com/{}", "a".repeat(2000));
    assert!(Endpoint::new(NAME, &long, &[SECRET]).is_err());
}

#[test]
fn what_leads_to_the_public_is_taken() {
    for target in [
        "https://hooks.example.com",
        "https://hooks.example.com/a/b?c=d#e",
        "https://hooks.example.com./",
        "https://HOOKS.Example.COM:8443/",
        "https://bücher.example.com/",
        "https://local.example.com/",
        "https://localhost.example.com/",
        "https://internal-tools.com/",
        "https://8.8.8.8/",
        "https://0x08080808/",
        "https://11.0.0.1/",
        "https://100.128.0.1/",
        "https://172.32.0.1/",
        "https://[2606:4700::1111]/",
        "https://[2a00:1450:4001:81b::200e]:8443/",
    ] {
        assert!(Endpoint::new(NAME, target, &[SECRET]).is_ok(), "{target}");
    }
}

#[test]
fn a_place_on_this_machine_is_on_this_machine() {
    for (target, good) in [
        ("http://localhost:8080/", true),
        ("https://127.0.0.1/", true),
        ("http://127.9.9.9/", true),
        ("http://[::1]:80/", true),
        // What it resolves to is judged.
        ("http://gateway/", true),
        ("http://10.0.0.1/", false),
        ("https://8.8.8.8/", false),
        ("http://[::ffff:127.0.0.1]/", false),
        ("ftp://127.0.0.1/", false),
        ("http://user@127.0.0.1/", false),
    ] {
        assert_eq!(Endpoint::on_loopback(NAME, target, &[SECRET]).is_ok(), good, "{target}");
    }
}

/// Gives one prepared answer after the other, and counts.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<Vec<Vec<IpAddr>>>>,
    asked: Arc<AtomicUsize>,
}

impl Scripted {
    fn new(answers: &[&[&str]]) -> Self {
        let read = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Self { answers: Arc::new(Mutex::new(answers.iter().map(read).collect())), asked: Arc::default() }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolver for Scripted {
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        assert!(host == "hooks.example.com" || host == "gateway", "{host}");
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() {
            return Err(std::io::Error::other("no answer"));
        }
        Ok(answers.remove(0).into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

#[tokio::test]
async fn names_that_resolve_to_a_place_that_is_not_public_are_refused() {
    let receiver = Receiver::start(Some(&IDENTITY), &[SECRET]);
    let url = format!("https://hooks.example.com:{}/", receiver.port());
    let deliver = async |answers: &[&[&str]]| {
        let notifier =
            notifier_to(Endpoint::new(NAME, &url, &[SECRET]).unwrap()).with_resolver(Scripted::new(answers));
        notifier.deliver(&to_customer(1, 1)).await
    };
    // Every address of the table, as a name would resolve to it.
    let mut judged = 0;
    for (target, _) in spellings() {
        let host =
            target.strip_prefix("https://").and_then(|rest| rest.strip_suffix('/')).unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.parse::<IpAddr>().is_ok() {
            assert_eq!(deliver(&[&[host]]).await, permanent("target_out_of_reach"), "{host}");
            judged += 1;
        }
    }
    assert!(judged > 100, "{judged}");
    // One among good ones is enough, wherever it stands.
    assert_eq!(deliver(&[&["8.8.8.8", "127.0.0.1"]]).await, permanent("target_out_of_reach"));
    assert_eq!(deliver(&[&["127.0.0.1", "8.8.8.8"]]).await, permanent("target_out_of_reach"));
    assert_eq!(deliver(&[&[]]).await, transient("unresolved"));
    assert_eq!(deliver(&[]).await, transient("unresolved"));
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_second_answer_of_the_name_leads_nowhere() {
    let receiver = Receiver::start(Some(&IDENTITY), &[SECRET]);
    let url = format!("https://hooks.example.com:{}/", receiver.port());
    // The first answer passes the judgement (it is public, and assigned to nobody), the second is where the attacker wants
    // to get at: this machine.
    let resolver = Scripted::new(&[&["3f00::1"], &["127.0.0.1"]]);
    let notifier = notifier_to(Endpoint::new(NAME, &url, &[SECRET]).unwrap())
        .with_time_limits(Duration::from_millis(200), Duration::from_secs(5))
        .with_resolver(resolver.clone());
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, transient("unreachable"));
    assert_eq!((resolver.asked(), receiver.connections()), (1, 0));
    assert_eq!(notifier.deliver(&to_customer(1, 2)).await, permanent("target_out_of_reach"));
    assert_eq!((resolver.asked(), receiver.connections()), (2, 0));
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_judged() {
    // Two listeners on one port; the name leads to the first when asked first, to the second when asked again.
    let first = Receiver::start(Some(&IDENTITY), &[SECRET]);
    let second = Receiver::start_at(&format!("127.0.0.2:{}", first.port()), Some(&IDENTITY), &[SECRET]);
    let resolver = Scripted::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let url = format!("https://hooks.example.com:{}/", first.port());
    let notifier =
        notifier_to(Endpoint::on_loopback(NAME, &url, &[SECRET]).unwrap()).with_resolver(resolver.clone());
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, Ok(()));
    assert_eq!((resolver.asked(), first.connections(), second.connections()), (1, 1, 0));
    assert_eq!(notifier.deliver(&to_customer(2, 1)).await, Ok(()));
    assert_eq!((resolver.asked(), first.connections(), second.connections()), (2, 1, 1));
    // The certificate was held against the name, not the address.
    assert_eq!(first.requests()[0].header("host"), format!("hooks.example.com:{}", first.port()));
}

#[tokio::test]
async fn the_next_address_is_tried_where_the_first_is_dead() {
    let receiver = Receiver::start(None, &[SECRET]);
    let url = format!("http://gateway:{}/", receiver.port());
    let notifier = notifier_to(Endpoint::on_loopback(NAME, &url, &[SECRET]).unwrap())
        .with_resolver(Scripted::new(&[&["127.0.0.3", "127.0.0.1"]]));
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, Ok(()));
    assert_eq!(receiver.taken(), [key(1)]);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (receiver, notifier) = pair();
    let elsewhere = Receiver::start(Some(&IDENTITY), &[SECRET]);
    for status in [300, 301, 302, 303, 304, 307, 308] {
        receiver.answer(status, &format!("location: https://127.0.0.1:{}/\r\n", elsewhere.port()));
        assert_eq!(notifier.deliver(&to_customer(1, 1)).await, permanent("redirected"), "{status}");
    }
    assert_eq!((receiver.connections(), elsewhere.connections()), (7, 0));
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_asked() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    // Another process, because a process that changes its own environment is not safe.
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, &address);
    }
    let test = "a_message_arrives_signed_and_as_documented";
    let done =
        command.env_remove("NO_PROXY").env_remove("no_proxy").args(["--exact", test]).output().unwrap();
    let printed = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && printed.contains("1 passed"), "{printed}");
    assert_eq!(proxy.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

// What answers mean.

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled() {
    let (receiver, notifier) = pair();
    let other = Receiver::start(Some(&IDENTITY), &[SECRET]);
    let url = format!("https://127.0.0.1:{}/", other.port());
    let other_endpoint = Endpoint::on_loopback(Tag::literal("other"), &url, &[SECRET]).unwrap();
    let notifier = notifier.with_staff(Tag::literal("support"), other_endpoint);
    receiver.answer(410, "");
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, permanent("gone"));
    assert!(notifier.is_disabled(NAME));
    assert_eq!(notifier.disabled(), [NAME]);
    receiver.react(Reaction::Take);
    assert_eq!(notifier.deliver(&to_customer(2, 1)).await, permanent("gone"));
    assert_eq!(receiver.connections(), 1);
    // The others go on.
    assert_eq!(notifier.deliver(&to_staff(3, "support", "queue")).await, Ok(()));
    notifier.enable(NAME);
    assert_eq!(notifier.deliver(&to_customer(2, 2)).await, Ok(()));
    assert!(notifier.disabled().is_empty());
}

#[tokio::test]
async fn busy_receivers_say_when_to_come_again() {
    let (receiver, notifier) = pair();
    for (status, headers, seconds) in [
        (429, "retry-after: 120\r\n", Some(120)),
        (503, "retry-after: 3\r\n", Some(3)),
        (
            503,
            "date: Sun, 01 Mar 2026 11:00:00 GMT\r\nretry-after: Sun, 01 Mar 2026 11:01:30 GMT\r\n",
            Some(90),
        ),
        (503, "retry-after: later\r\n", None),
        (500, "", None),
        (408, "", None),
        (425, "", None),
    ] {
        receiver.answer(status, headers);
        let problem = Tag::new(&format!("status_{status}")).unwrap();
        let retry_after = seconds.map(Duration::from_secs);
        let wanted = Err(DeliveryError::Transient { problem, retry_after });
        assert_eq!(notifier.deliver(&to_customer(1, 1)).await, wanted, "{status} {headers}");
    }
    receiver.answer(422, "retry-after: 120\r\n");
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, permanent("status_422"));
}

#[tokio::test]
async fn the_body_of_an_answer_is_not_read() {
    let (receiver, notifier) = pair();
    for head in ["content-length: 1000000000\r\n", "transfer-encoding: chunked\r\n", ""] {
        let before = receiver.written();
        receiver.react(Reaction::WriteAndGoOn(format!("HTTP/1.1 200 Said\r\n{head}\r\n")));
        assert_eq!(notifier.deliver(&to_customer(1, 1)).await, Ok(()));
        // What lies in the buffers of two sockets, and no more.
        let written = receiver.written() - before;
        assert!(written < 32 << 20, "{written}");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_off() {
    let (receiver, notifier) = pair();
    receiver.react(Reaction::WriteAndGoOn("HTTP/1.1 200 Said\r\nx-padding: ".to_owned()));
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, transient("cut_off"));
    assert!(receiver.written() < 32 << 20);
    receiver.react(Reaction::WriteAndGoOn("x".to_owned()));
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, transient("cut_off"));
    receiver.react(Reaction::Write(format!("HTTP/1.1 200 Said\r\n{}\r\n", "a: b\r\n".repeat(1000))));
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, transient("cut_off"));
    // A head may be long, but not longer than 16 KiB.
    for (length, wanted) in [(12_000, Ok(())), (20_000, transient("cut_off"))] {
        let padding = "x".repeat(length);
        receiver.react(Reaction::Write(format!("HTTP/1.1 200 Said\r\nx-padding: {padding}\r\n\r\n")));
        assert_eq!(notifier.deliver(&to_customer(1, 1)).await, wanted, "{length}");
    }
}

#[tokio::test]
async fn a_slow_receiver_is_waited_for_only_so_long() {
    let (receiver, notifier) = pair();
    let notifier = notifier.with_time_limits(Duration::from_millis(500), Duration::from_millis(700));
    for reaction in [
        Reaction::KeepSilent,
        Reaction::Drip(format!("HTTP/1.1 200 Said\r\nx-padding: {}\r\n\r\n", "x".repeat(1000))),
    ] {
        receiver.react(reaction);
        #[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
        let started = Instant::now();
        assert_eq!(notifier.deliver(&to_customer(1, 1)).await, transient("timed_out"));
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    // A listener that never accepts: the handshake gets no answer.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", deaf.local_addr().unwrap());
    let notifier = notifier_to(Endpoint::on_loopback(NAME, &url, &[SECRET]).unwrap())
        .with_time_limits(Duration::from_millis(500), Duration::from_millis(700));
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, transient("timed_out"));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_no_answer() {
    let (receiver, notifier) = pair();
    for text in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 Said\r\n",
        "HTTP/1.1 200 Said\r\nbroken\r\n\r\n",
        "HTTP/9.9 200 Said\r\n\r\n",
        "220 mail.example.com ESMTP\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
        "HTTP/1.1 101 Said\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        receiver.react(Reaction::Write(text.to_owned()));
        assert_eq!(notifier.deliver(&to_customer(1, 1)).await, transient("cut_off"), "{text:?}");
    }
    receiver.react(Reaction::Write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Said\r\n\r\n".to_owned()));
    assert_eq!(notifier.deliver(&to_customer(1, 1)).await, Ok(()));
    // Taken, but nobody says so: it is sent again, and is there once.
    receiver.react(Reaction::TakeAndHangUp);
    assert_eq!(notifier.deliver(&to_customer(2, 1)).await, transient("cut_off"));
    receiver.react(Reaction::Take);
    assert_eq!(notifier.deliver(&to_customer(2, 2)).await, Ok(()));
    assert_eq!(receiver.taken(), [key(2)]);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = Endpoint::on_loopback(NAME, &format!("https://{nobody}/"), &[SECRET]).unwrap();
    assert_eq!(notifier_to(nowhere).deliver(&to_customer(1, 1)).await, transient("unreachable"));
}

#[tokio::test]
async fn only_the_right_certificate_will_do() {
    let (receiver, trusting) = pair();
    let plain = |receiver: &Receiver| WebhookNotifier::new(endpoint(receiver), now).unwrap();
    // Not in the list.
    assert_eq!(plain(&receiver).deliver(&to_customer(1, 1)).await, transient("insecure"));
    // For another name, and too old; both trusted.
    for identity in [Identity::of(&["hooks.example.com"]), Identity::expired(&["127.0.0.1"])] {
        let other = Receiver::start(Some(&identity), &[SECRET]);
        let notifier = plain(&other).with_root_certificates(&identity.pem).unwrap();
        assert_eq!(notifier.deliver(&to_customer(1, 1)).await, transient("insecure"));
        assert!(other.requests().is_empty());
    }
    for (reaction, problem) in [(Reaction::SpeakPlainly, "insecure"), (Reaction::HangUp, "cut_off")] {
        receiver.react(reaction);
        assert_eq!(trusting.deliver(&to_customer(1, 1)).await, transient(problem));
    }
    assert!(receiver.requests().is_empty());
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = plain(&receiver).with_root_certificates(pem).unwrap_err();
        assert_eq!(error.field(), "webhook.root_certificates");
    }
}

#[test]
fn without_tokio_nothing_is_lost() {
    let (receiver, notifier) = pair();
    let answer = pollster::block_on(notifier.deliver(&to_customer(1, 1)));
    assert_eq!(answer, transient("needs_tokio"));
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn nothing_personal_and_no_secret_is_shown() {
    let (receiver, _) = pair();
    let url = format!("https://127.0.0.1:{}/canary-path?canary-token", receiver.port());
    let endpoint = Endpoint::on_loopback(NAME, &url, &[SECRET]).unwrap().with_addresses();
    let notifier = notifier_to(endpoint.clone())
        .with_staff(Tag::literal("support"), endpoint.clone())
        .with_about(Tag::literal("queue"), endpoint.clone());
    let to = Recipient::Customer(CustomerId::new(uuid::Uuid::from_u128(7)));
    let told = Notification::new(key(1), to, Tag::literal("win_back"), due()).unwrap();
    let address = Contact::email("canary-local@example.org").unwrap();
    let message = Message::new(&told.with_text("canary-text").unwrap(), Some(address), 1);
    let clean = |shown: String| {
        assert!(!shown.contains("canary") && !shown.contains("MfKQ9r8"), "{shown}");
    };
    clean(format!("{endpoint:?} {notifier:?} {notifier:#?}"));
    // Answers that repeat all they were told.
    for answer in [
        "HTTP/1.1 422 canary-text canary-local@example.org\r\ncontent-length: 11\r\n\r\ncanary-text",
        "HTTP/1.1 503 canary-text\r\nretry-after: canary-text\r\n\r\ncanary-text",
        "HTTP/1.1 307 canary-text\r\nlocation: https://canary-text/\r\n\r\n",
        "canary-text",
    ] {
        receiver.react(Reaction::Write(answer.to_owned()));
        let error = notifier.deliver(&message).await.unwrap_err();
        clean(format!("{error} {error:?} {error:#?}"));
    }
    assert!(receiver.requests()[0].body.contains("canary-local"), "nothing could have been shown");
    clean(format!("{:?}", Endpoint::new(NAME, "https://canary@10.0.0.1/", &[SECRET]).unwrap_err()));
    clean(format!("{:?}", Endpoint::new(NAME, &url, &["MfKQ9r8"]).unwrap_err()));
}

// The contract.

#[cfg(feature = "conformance")]
mod contract {
    use super::*;
    use patronage::notify::conformance::{Failure, check_notifier};

    /// A notifier and the listener it posts to.
    struct Both {
        receiver: Receiver,
        notifier: WebhookNotifier,
    }

    impl Notifier for Both {
        async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
            self.notifier.deliver(message).await
        }
    }

    async fn check(passing: Reaction, lasting: u16) {
        check_notifier(
            || async {
                let receiver = Receiver::start(Some(&IDENTITY), &[SECRET]);
                let notifier = notifier_to(endpoint(&receiver).with_addresses())
                    .with_time_limits(Duration::from_secs(5), Duration::from_secs(10));
                Both { receiver, notifier }
            },
            |both| both.receiver.taken(),
            |both, failure| match failure {
                None => both.receiver.react(Reaction::Take),
                Some(Failure::Passing) => both.receiver.react(passing.clone()),
                Some(Failure::Lasting) => both.receiver.answer(lasting, ""),
            },
        )
        .await;
    }

    #[tokio::test]
    async fn it_is_kept() {
        check(Reaction::Write("HTTP/1.1 503 Said\r\n\r\n".to_owned()), 400).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_is_kept_in_a_spawned_task_and_with_other_failures() {
        tokio::spawn(check(Reaction::HangUp, 410)).await.unwrap();
    }

    #[tokio::test]
    async fn it_is_kept_where_messages_are_taken_without_an_answer() {
        check(Reaction::TakeAndHangUp, 422).await;
    }
}
