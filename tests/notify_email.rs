//! The e-mail notifier against a real SMTP server on loopback, with TLS: what is sent, to whom, and what answers mean.
#![cfg(feature = "email")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop here")]

#[path = "support/mail_server.rs"]
mod mail_server;
#[path = "support/tls.rs"]
mod tls;

use chrono::{DateTime, Utc};
use mail_server::{MailServer, Reaction, Speech};
use patronage::customer::{Contact, CustomerId};
use patronage::notification::{Notification, Recipient};
use patronage::notify::{DeliveryError, EmailNotifier, Letter, Message, Notifier, SmtpRelay};
use patronage::{Because, IdempotencyKey, Tag};
use proptest::prelude::{ProptestConfig, any, proptest};
use std::net::TcpListener;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tls::Identity;

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| Identity::of(&["localhost"]));

fn due() -> DateTime<Utc> {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

fn key(n: u128) -> IdempotencyKey {
    IdempotencyKey::new(uuid::Uuid::from_u128(n))
}

fn told(n: u128, to: Recipient, about: &str) -> Notification {
    Notification::new(key(n), to, Tag::new(about).unwrap(), due()).unwrap()
}

fn customer() -> Recipient {
    Recipient::Customer(CustomerId::new(uuid::Uuid::from_u128(7)))
}

fn support() -> Recipient {
    Recipient::Staff(Tag::literal("support"))
}

/// A message to a customer's address.
fn to_address(n: u128, attempt: u32, address: &str, text: &str) -> Message {
    let told = told(n, customer(), "order_confirmed").with_text(text).unwrap();
    Message::new(&told, Some(Contact::email(address).unwrap()), attempt)
}

fn mail(n: u128, attempt: u32) -> Message {
    to_address(n, attempt, "ada@example.org", "Thank you, Ada.")
}

fn relay(server: &MailServer, speech: Speech) -> SmtpRelay {
    let trusting = |relay: SmtpRelay| relay.with_root_certificates(&IDENTITY.pem).unwrap();
    match speech {
        Speech::ImplicitTls => {
            trusting(SmtpRelay::implicit_tls("localhost").unwrap()).with_port(server.port())
        }
        Speech::StartTls => trusting(SmtpRelay::starttls("localhost").unwrap()).with_port(server.port()),
        Speech::Plain => SmtpRelay::plain_on_loopback(server.port()),
    }
}

fn notifier(relay: &SmtpRelay) -> EmailNotifier {
    EmailNotifier::new(relay, &"service@shop.example.org".parse().unwrap())
        .unwrap()
        .with_staff(Tag::literal("support"), "team@shop.example.org".parse().unwrap())
        .with_time_limit(Duration::from_secs(5))
}

fn pair_of(speech: Speech) -> (MailServer, EmailNotifier) {
    let server = MailServer::start(speech, &IDENTITY);
    let notifier = notifier(&relay(&server, speech));
    (server, notifier)
}

fn pair() -> (MailServer, EmailNotifier) {
    pair_of(Speech::ImplicitTls)
}

fn transient(problem: &str) -> Result<(), DeliveryError> {
    Err(DeliveryError::Transient { problem: Tag::new(problem).unwrap(), retry_after: None })
}

fn permanent(problem: &str) -> Result<(), DeliveryError> {
    Err(DeliveryError::Permanent { problem: Tag::new(problem).unwrap() })
}

// What is sent, and to whom.

#[tokio::test]
async fn a_mail_arrives_over_tls_and_as_documented() {
    for speech in [Speech::ImplicitTls, Speech::StartTls, Speech::Plain] {
        let (server, notifier) = pair_of(speech);
        let notifier = notifier
            .with_sender_name("Ihr Lädeli\r\nBcc: x@example.org")
            .with_reply_to(&"answers@shop.example.org".parse().unwrap())
            .unwrap();
        assert_eq!(notifier.deliver(&mail(1, 1)).await, Ok(()), "{speech:?}");
        let [mail] = server.mails().try_into().unwrap();
        assert_eq!(mail.over_tls, speech != Speech::Plain);
        assert_eq!(
            (mail.from.as_str(), &mail.to[..]),
            ("service@shop.example.org", &["ada@example.org".to_owned()][..])
        );
        assert_eq!(mail.header("Message-ID"), format!("<{}@shop.example.org>", key(1)));
        assert_eq!(mail.header("Date"), "Sun, 01 Mar 2026 08:00:00 +0000");
        assert_eq!(mail.header("Subject"), "order confirmed");
        assert_eq!(mail.header("To"), "ada@example.org");
        assert_eq!(mail.header("Reply-To"), "answers@shop.example.org");
        assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
        assert_eq!(mail.header("Content-Type"), "text/plain; charset=utf-8");
        assert!(mail.header("From").ends_with("<service@shop.example.org>"), "{}", mail.header("From"));
        assert_eq!(mail.text(), "Thank you, Ada.");
        let mut names: Vec<String> = mail.headers().into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let wanted = [
            "Auto-Submitted",
            "Content-Transfer-Encoding",
            "Content-Type",
            "Date",
            "From",
            "MIME-Version",
            "Message-ID",
            "Reply-To",
            "Subject",
            "To",
        ];
        assert_eq!(names, wanted);
    }
}

#[tokio::test]
async fn every_attempt_is_the_same_mail_byte_for_byte() {
    let (server, notifier) = pair();
    for attempt in 1..=3 {
        assert_eq!(notifier.deliver(&mail(1, attempt)).await, Ok(()));
    }
    let [first, second, third] = server.mails().try_into().unwrap();
    assert!(first.raw == second.raw && second.raw == third.raw);
    assert_eq!(server.mailbox(), [key(1)]);
}

#[tokio::test]
async fn staff_is_reached_by_the_directory_and_told_the_reasons() {
    let (server, notifier) = pair();
    let reason = Because::rule(Tag::literal("p_alive")).figure(0.31, 0.5).unwrap();
    let message = |to, n| {
        let told = told(n, to, "win_back").with_text("Call them.").unwrap().because(reason);
        Message::new(&told, Some(Contact::email("ada@example.org").unwrap()), 1)
    };
    assert_eq!(notifier.deliver(&message(support(), 1)).await, Ok(()));
    assert_eq!(notifier.deliver(&message(customer(), 2)).await, Ok(()));
    let bare = Message::new(&told(3, support(), "win_back").because(reason), None, 1);
    assert_eq!(notifier.deliver(&bare).await, Ok(()));
    let [staff, customer, bare] = server.mails().try_into().unwrap();
    assert_eq!(
        (&staff.to[..], staff.text().as_str()),
        (&["team@shop.example.org".to_owned()][..], "Call them.\r\n\r\np_alive: 0.31 against 0.5\r\n")
    );
    assert_eq!(
        (&customer.to[..], customer.text().as_str()),
        (&["ada@example.org".to_owned()][..], "Call them.")
    );
    assert_eq!(bare.text(), "p_alive: 0.31 against 0.5\r\n");
}

#[tokio::test]
async fn who_has_no_address_is_refused_for_good() {
    let (server, notifier) = pair();
    let text = told(1, customer(), "win_back").with_text("Hello").unwrap();
    for address in [
        None,
        Some(Contact::phone("+41443211234").unwrap()),
        Some(Contact::web("https://example.org/").unwrap()),
    ] {
        assert_eq!(notifier.deliver(&Message::new(&text, address, 1)).await, permanent("no_address"));
    }
    let other = told(1, Recipient::Staff(Tag::literal("billing")), "win_back").with_text("Hello").unwrap();
    assert_eq!(notifier.deliver(&Message::new(&other, None, 1)).await, permanent("no_address"));
    let silent = Message::new(&told(1, customer(), "win_back"), mail(1, 1).address().cloned(), 1);
    assert_eq!(notifier.deliver(&silent).await, permanent("nothing_to_say"));
    assert_eq!(server.connections(), 0);
    // Good, but more than this server can take: it does not offer SMTPUTF8.
    let foreign = to_address(1, 1, "jürg@bücher.example.org", "Hello");
    assert_eq!(notifier.deliver(&foreign).await, permanent("address_refused"));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_writer_may_say_it_in_other_words() {
    let (server, notifier) = pair();
    let notifier = notifier.with_writer(|message| {
        (message.about() != Tag::literal("secret")).then(|| {
            Letter::new("Grüezi \u{1f980}", &format!("<{}>", message.text().map_or("", |text| text.expose())))
        })
    });
    assert_eq!(notifier.deliver(&mail(1, 1)).await, Ok(()));
    let secret = told(2, customer(), "secret").with_text("Psst").unwrap();
    let secret = Message::new(&secret, mail(1, 1).address().cloned(), 1);
    assert_eq!(notifier.deliver(&secret).await, permanent("nothing_to_say"));
    let [mail] = server.mails().try_into().unwrap();
    assert_eq!(mail.text(), "<Thank you, Ada.>");
    assert!(mail.header("Subject").starts_with("=?utf-8?b?"), "{}", mail.header("Subject"));
}

// What nobody can put into a mail.

/// Every byte that went over the line belongs to one mail to one recipient.
fn is_one_mail(server: &MailServer, to: &str, headers: usize) {
    let [mail] = server.mails().try_into().unwrap();
    assert_eq!(mail.to, [to]);
    assert_eq!(mail.headers().len(), headers, "{}", mail.raw);
    assert!(mail.raw.is_ascii());
    for line in mail.raw.split("\r\n") {
        assert!(line.len() <= 998 && !line.contains(|c: char| c.is_ascii_control() && c != '\t'), "{line:?}");
    }
    let commands = server.commands();
    let commands: Vec<&str> = commands.iter().map(|line| &line[..4]).collect();
    assert_eq!(commands, ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]);
}

#[tokio::test]
async fn headers_and_commands_cannot_be_smuggled_in() {
    let attacks = [
        "Hello\r\nBcc: everybody@example.org",
        "Hello\nBcc: everybody@example.org",
        "Hello\rBcc: everybody@example.org",
        "Hello\r\n\r\nNew text",
        "Hello\r\n.\r\nMAIL FROM:<x@example.org>\r\nRCPT TO:<everybody@example.org>\r\nDATA\r\nHi\r\n.\r\n",
        "Hello\n.\nMAIL FROM:<x@example.org>\n",
        "Hello\r.\rMAIL FROM:<x@example.org>\r",
        "Hello\n.\r\nMAIL FROM:<x@example.org>\r\n",
        "Hello\r\n.\nMAIL FROM:<x@example.org>\n",
        ".\r\n..\r\n.",
        "\r\n.\r\n",
        "\0\u{7f}\u{1b}\u{85}\u{2028}Bcc: x@example.org\u{2029}\u{b}\u{c}",
        "=?utf-8?q?=0D=0ABcc:_x@example.org?=",
        "<script>\u{202e}&",
        &"x".repeat(5000),
        &"wide ".repeat(1000),
        &"\u{1f980}".repeat(2000),
        "",
    ];
    for attack in attacks {
        let (server, notifier) = pair();
        let words = attack.to_owned();
        let notifier = notifier.with_writer(move |_| Some(Letter::new(&words, &words)));
        assert_eq!(notifier.with_sender_name(attack).deliver(&mail(1, 1)).await, Ok(()), "{attack:?}");
        is_one_mail(&server, "ada@example.org", 9);
        let [mail] = server.mails().try_into().unwrap();
        // Line breaks come out as those of mail; nothing else is changed.
        let wanted = attack.replace("\r\n", "\n").replace('\n', "\r\n");
        assert_eq!(mail.text(), wanted, "{attack:?}");
    }
    // Addresses with line breaks do not come into being.
    for address in
        ["ada@example.org\r\nBcc: x@example.org", "ada\r\n@example.org", "ada@example.org>\r\nDATA"]
    {
        assert!(Contact::email(address).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_words_make_one_mail(subject in any::<String>(), text in "[\r\n. a=\u{e4}\0-]{0,60}", name in any::<String>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (server, notifier) = pair_of(Speech::Plain);
        let words = (subject, text.clone());
        let notifier = notifier
            .with_sender_name(&name)
            .with_writer(move |_| Some(Letter::new(&words.0, &words.1)));
        assert_eq!(runtime.block_on(notifier.deliver(&mail(1, 1))), Ok(()));
        is_one_mail(&server, "ada@example.org", 9);
        assert_eq!(server.mails()[0].text(), text.replace("\r\n", "\n").replace('\n', "\r\n"));
    }
}

#[tokio::test]
async fn dates_that_mail_does_not_have_end_nothing() {
    let (server, notifier) = pair();
    for (n, due, date) in [
        (1, "0001-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"),
        (2, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"),
        (3, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 +0000"),
    ] {
        let to = mail(n, 1).address().cloned();
        let told = Notification::new(key(n), customer(), Tag::literal("test"), due.parse().unwrap()).unwrap();
        assert_eq!(notifier.deliver(&Message::new(&told.with_text("Hi").unwrap(), to, 1)).await, Ok(()));
        assert_eq!(server.mails().last().unwrap().header("Date"), date);
    }
}

// What answers mean.

#[tokio::test]
async fn refusals_of_the_message_are_passing_or_lasting_by_their_code() {
    let (server, notifier) = pair();
    let at: [fn(u16) -> Reaction; 4] =
        [Reaction::ToTheSender, Reaction::ToTheRecipient, Reaction::ToTheData, Reaction::ToTheMail];
    for reaction in at {
        for code in [450, 451, 452] {
            server.react(reaction(code));
            assert_eq!(
                notifier.deliver(&mail(1, 1)).await,
                transient(&format!("smtp_{code}")),
                "{:?}",
                reaction(code)
            );
        }
        for code in [550, 552, 554] {
            server.react(reaction(code));
            assert_eq!(
                notifier.deliver(&mail(1, 1)).await,
                permanent(&format!("smtp_{code}")),
                "{:?}",
                reaction(code)
            );
        }
    }
    assert!(server.mails().is_empty());
    server.react(Reaction::Take);
    assert_eq!(notifier.deliver(&mail(1, 2)).await, Ok(()));
}

#[tokio::test]
async fn a_relay_that_is_not_ready_says_nothing_about_the_message() {
    let (server, notifier) = pair();
    for code in [421, 450, 554] {
        server.react(Reaction::Greet(code));
        assert_eq!(notifier.deliver(&mail(1, 1)).await, transient(&format!("smtp_{code}")));
    }
    server.react(Reaction::Babble);
    assert_eq!(notifier.deliver(&mail(1, 1)).await, transient("unreachable"));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = SmtpRelay::implicit_tls("localhost").unwrap().with_port(nobody);
    assert_eq!(notifier_of(&nowhere).deliver(&mail(1, 1)).await, transient("unreachable"));
}

fn notifier_of(relay: &SmtpRelay) -> EmailNotifier {
    notifier(relay)
}

#[tokio::test]
async fn a_connection_cut_around_the_end_of_a_mail_is_no_answer() {
    let (server, notifier) = pair();
    // Cut within, cut at the end and lost, cut at the end and taken: nobody can tell, so it is sent again, the same.
    for (n, reaction, taken) in
        [(1, Reaction::HangUpWithin, 0), (2, Reaction::HangUpAtTheEnd, 0), (3, Reaction::TakeAndHangUp, 1)]
    {
        server.react(reaction);
        let before = server.mails().len();
        assert_eq!(notifier.deliver(&mail(n, 1)).await, transient("cut_off"), "{reaction:?}");
        assert_eq!(server.mails().len() - before, taken);
        server.react(Reaction::Take);
        assert_eq!(notifier.deliver(&mail(n, 2)).await, Ok(()));
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 4);
    assert_eq!(mails[2].raw, mails[3].raw);
    assert_eq!(server.mailbox(), [key(1), key(2), key(3)]);
}

#[tokio::test]
async fn a_mail_that_was_taken_is_delivered_whatever_becomes_of_the_goodbye() {
    let (server, notifier) = pair();
    for (n, reaction) in [(1, Reaction::HangUpAtGoodbye), (2, Reaction::SilentAtGoodbye)] {
        server.react(reaction);
        #[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
        let started = Instant::now();
        assert_eq!(notifier.deliver(&mail(n, 1)).await, Ok(()), "{reaction:?}");
        assert!(started.elapsed() < Duration::from_secs(4), "{reaction:?}");
    }
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn a_silent_relay_is_waited_for_only_so_long() {
    let (server, notifier) = pair();
    let notifier = notifier.with_time_limit(Duration::from_millis(300));
    server.react(Reaction::KeepSilent);
    #[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
    let started = Instant::now();
    assert_eq!(notifier.deliver(&mail(1, 1)).await, transient("timed_out"));
    assert!(started.elapsed() < Duration::from_secs(5));
}

// TLS and login.

#[tokio::test]
async fn nothing_is_said_without_tls() {
    // A relay that offers no STARTTLS, although it should, as it looks behind somebody who takes the offer away.
    let plain = MailServer::start(Speech::Plain, &IDENTITY);
    let relay =
        SmtpRelay::starttls("localhost").unwrap().with_port(plain.port()).with_login("shop", "secret");
    assert_eq!(notifier(&relay).deliver(&mail(1, 1)).await, transient("insecure"));
    assert!(
        plain.commands().iter().all(|line| line.starts_with("EHLO") || line.starts_with("QUIT")),
        "{:?}",
        plain.commands()
    );
    // A relay that speaks plainly where TLS is expected.
    let relay =
        SmtpRelay::implicit_tls("localhost").unwrap().with_port(plain.port()).with_login("shop", "secret");
    assert!(notifier(&relay).with_time_limit(Duration::from_secs(1)).deliver(&mail(1, 1)).await.is_err());
    assert!(plain.mails().is_empty());
}

#[tokio::test]
async fn what_is_said_before_tls_is_not_heard_after_it() {
    // Somebody on the way answers for the relay, before TLS begins: a mail is not taken over because they say so.
    let (server, notifier) = pair_of(Speech::StartTls);
    server.react(Reaction::AnswerAhead);
    assert_eq!(notifier.deliver(&mail(1, 1)).await, transient("insecure"));
    assert!(server.mails().is_empty());
    server.react(Reaction::Take);
    assert_eq!(notifier.deliver(&mail(1, 2)).await, Ok(()));
}

#[tokio::test]
async fn only_the_right_certificate_will_do() {
    for speech in [Speech::ImplicitTls, Speech::StartTls] {
        for (identity, trusted) in [
            (IDENTITY.clone(), false),
            (Identity::of(&["mail.example.org"]), true),
            (Identity::expired(&["localhost"]), true),
        ] {
            let server = MailServer::start_with_login(speech, &identity, Some(("shop", "secret")));
            let relay = match speech {
                Speech::StartTls => SmtpRelay::starttls("localhost").unwrap(),
                _ => SmtpRelay::implicit_tls("localhost").unwrap(),
            };
            let relay = relay.with_port(server.port()).with_login("shop", "secret");
            let relay = if trusted { relay.with_root_certificates(&identity.pem).unwrap() } else { relay };
            assert_eq!(notifier(&relay).deliver(&mail(1, 1)).await, transient("insecure"));
            assert!(server.mails().is_empty());
            assert!(!server.commands().iter().any(|line| line.starts_with("AUTH")));
        }
    }
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = SmtpRelay::implicit_tls("localhost").unwrap().with_root_certificates(pem).unwrap_err();
        assert_eq!(error.field(), "relay.root_certificates");
    }
}

#[tokio::test]
async fn the_relay_knows_who_sends() {
    for speech in [Speech::ImplicitTls, Speech::StartTls] {
        let server = MailServer::start_with_login(speech, &IDENTITY, Some(("shop", "secret")));
        let knows = notifier(&relay(&server, speech).with_login("shop", "secret"));
        assert_eq!(knows.deliver(&mail(1, 1)).await, Ok(()));
        assert_eq!(server.mails()[0].user.as_deref(), Some("shop"));
        // A wrong password is no fault of the message.
        let guesses = notifier(&relay(&server, speech).with_login("shop", "guess"));
        assert_eq!(guesses.deliver(&mail(2, 1)).await, transient("smtp_535"));
        let silent = notifier(&relay(&server, speech));
        assert!(silent.deliver(&mail(2, 1)).await.is_err());
        assert_eq!(server.mails().len(), 1);
    }
}

#[test]
fn settings_are_checked() {
    for host in ["", "a b", "a\r\nb", "a/b", "user@host", &"a".repeat(254)] {
        assert!(SmtpRelay::starttls(host).is_err(), "{host:?}");
        assert!(SmtpRelay::implicit_tls(host).is_err(), "{host:?}");
    }
    let relay = SmtpRelay::plain_on_loopback(25);
    let foreign = "jürg@example.org".parse().unwrap();
    assert_eq!(EmailNotifier::new(&relay, &foreign).unwrap_err().field(), "email.from");
    for name in ["", "a b", "a\r\nMAIL FROM:<x@example.org>", "a>b"] {
        assert!(notifier(&relay).with_hello_name(name).is_err(), "{name:?}");
    }
    assert!(notifier(&relay).with_hello_name("crm.example.org").is_ok());
}

#[test]
fn without_tokio_nothing_is_lost() {
    let (server, notifier) = pair();
    assert_eq!(pollster::block_on(notifier.deliver(&mail(1, 1))), transient("needs_tokio"));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn nothing_personal_and_no_secret_is_shown() {
    let server = MailServer::start_with_login(
        Speech::ImplicitTls,
        &IDENTITY,
        Some(("canary-user", "canary-password")),
    );
    let relay = relay(&server, Speech::ImplicitTls).with_login("canary-user", "canary-password");
    let notifier = notifier(&relay)
        .with_staff(Tag::literal("support"), "canary-team@example.org".parse().unwrap())
        .with_reply_to(&"canary-answers@example.org".parse().unwrap())
        .unwrap();
    let clean = |shown: String| assert!(!shown.to_lowercase().contains("canary"), "{shown}");
    clean(format!("{relay:?} {notifier:?} {notifier:#?} {:?}", Letter::new("canary", "canary")));
    let message = to_address(1, 1, "canary-local@example.org", "canary-text");
    clean(format!("{:?}", Letter::plain(&message)));
    // The server repeats what it was told.
    for reaction in [
        Reaction::Greet(554),
        Reaction::ToTheSender(550),
        Reaction::ToTheRecipient(550),
        Reaction::ToTheRecipient(450),
        Reaction::ToTheMail(554),
        Reaction::Babble,
    ] {
        server.react(reaction);
        let error = notifier.deliver(&message).await.unwrap_err();
        clean(format!("{error} {error:?} {error:#?}"));
    }
    let wrong = notifier_of(&relay.with_login("canary-user", "canary-guess"));
    server.react(Reaction::Take);
    let error = wrong.deliver(&message).await.unwrap_err();
    clean(format!("{error} {error:?} {error:#?} {wrong:?}"));
}

// The contract.

#[cfg(feature = "conformance")]
mod contract {
    use super::*;
    use patronage::notify::conformance::{Failure, check_notifier};

    /// A notifier and the server it sends through.
    struct Both {
        server: MailServer,
        notifier: EmailNotifier,
    }

    impl Notifier for Both {
        async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
            self.notifier.deliver(message).await
        }
    }

    async fn check(speech: Speech, passing: Reaction, lasting: Reaction) {
        check_notifier(
            || async {
                let (server, notifier) = pair_of(speech);
                Both { server, notifier }
            },
            |both| both.server.mailbox(),
            |both, failure| {
                both.server.react(match failure {
                    None => Reaction::Take,
                    Some(Failure::Passing) => passing,
                    Some(Failure::Lasting) => lasting,
                });
            },
        )
        .await;
    }

    #[tokio::test]
    async fn it_is_kept() {
        check(Speech::ImplicitTls, Reaction::ToTheRecipient(450), Reaction::ToTheRecipient(550)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_is_kept_in_a_spawned_task_and_with_other_failures() {
        let check = check(Speech::StartTls, Reaction::Greet(421), Reaction::ToTheMail(554));
        tokio::spawn(check).await.unwrap();
    }

    #[tokio::test]
    async fn it_is_kept_where_mail_is_taken_without_an_answer() {
        check(Speech::ImplicitTls, Reaction::TakeAndHangUp, Reaction::ToTheSender(553)).await;
    }
}
