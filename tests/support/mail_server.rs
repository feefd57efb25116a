//! A mail server on loopback: the SMTP of the crate `mailin`, real TLS (from the first byte or by STARTTLS), real sockets.
//! It keeps the mail it takes, and misbehaves when told.

#![allow(dead_code, reason = "each test needs some of it only")]

use super::tls::Identity;
use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder};
use patronage::IdempotencyKey;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// TLS from the first byte.
    ImplicitTls,
    /// TLS when asked.
    StartTls,
    /// No TLS.
    Plain,
}

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Takes mail.
    Take,
    /// Greets with this code, and ends.
    Greet(u16),
    /// Answers the sender with this code.
    ToTheSender(u16),
    /// Answers the recipient with this code.
    ToTheRecipient(u16),
    /// Answers `DATA` with this code.
    ToTheData(u16),
    /// Answers the whole mail with this code.
    ToTheMail(u16),
    /// Hangs up in the middle of the mail.
    HangUpWithin,
    /// Takes the mail, and hangs up before it says so.
    TakeAndHangUp,
    /// Loses the mail, and hangs up.
    HangUpAtTheEnd,
    /// Takes the mail and hangs up when told goodbye.
    HangUpAtGoodbye,
    /// Takes the mail and never answers the goodbye.
    SilentAtGoodbye,
    /// Says nothing at all.
    KeepSilent,
    /// Says something that is not SMTP.
    Babble,
    /// Answers `STARTTLS` and, before TLS begins, all that comes after it, as somebody on the way could.
    AnswerAhead,
}

/// A mail as it was taken.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) raw: String,
    pub(crate) over_tls: bool,
    pub(crate) user: Option<String>,
}

impl Mail {
    /// The lines of the head, those folded together again.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let head = self.raw.split_once("\r\n\r\n").unwrap().0.replace("\r\n ", " ");
        let pair = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        head.split("\r\n").map(pair).collect()
    }

    /// The value of a header that is there once.
    pub(crate) fn header(&self, name: &str) -> String {
        let found: Vec<_> = self.headers().into_iter().filter(|(found, _)| found == name).collect();
        let [(_, value)] = found.try_into().unwrap();
        value
    }

    /// The text, decoded from quoted-printable, without the line break that ends every mail.
    pub(crate) fn text(&self) -> String {
        assert_eq!(self.header("Content-Transfer-Encoding"), "quoted-printable");
        let encoded = self.raw.split_once("\r\n\r\n").unwrap().1.replace("=\r\n", "");
        let mut parts = encoded.split('=');
        let mut text = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            text.push(u8::from_str_radix(&part[..2], 16).unwrap());
            text.extend_from_slice(&part.as_bytes()[2..]);
        }
        let text = String::from_utf8(text).unwrap();
        text.strip_suffix("\r\n").unwrap().to_owned()
    }

    /// The key in the identifier of the mail.
    pub(crate) fn key(&self) -> IdempotencyKey {
        let id = self.header("Message-ID");
        id.strip_prefix('<').unwrap().split_once('@').unwrap().0.parse().unwrap()
    }
}

#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    commands: Mutex<Vec<String>>,
    mails: Mutex<Vec<Mail>>,
}

#[derive(Clone)]
pub(crate) struct MailServer {
    port: u16,
    speech: Speech,
    identity: Identity,
    login: Option<(&'static str, &'static str)>,
    reaction: Arc<Mutex<Reaction>>,
    seen: Arc<Seen>,
}

impl MailServer {
    pub(crate) fn start(speech: Speech, identity: &Identity) -> Self {
        Self::start_with_login(speech, identity, None)
    }

    /// Listens on a free port of 127.0.0.1, and asks for this user and password where there are some.
    pub(crate) fn start_with_login(
        speech: Speech,
        identity: &Identity,
        login: Option<(&'static str, &'static str)>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            speech,
            identity: identity.clone(),
            login,
            reaction: Arc::new(Mutex::new(Reaction::Take)),
            seen: Arc::default(),
        };
        let this = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let this = this.clone();
                this.seen.connections.fetch_add(1, Ordering::SeqCst);
                // A connection that is cut ends the thread and nothing else.
                thread::spawn(move || drop(this.serve(stream.unwrap())));
            }
        });
        server
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn react(&self, reaction: Reaction) {
        *self.reaction.lock().unwrap() = reaction;
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Every line that was sent outside of mails, the secrets of the login included.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.seen.commands.lock().unwrap().clone()
    }

    /// Every mail that was taken, those that came twice twice.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.seen.mails.lock().unwrap().clone()
    }

    /// The keys of the mails in the mailbox, which keeps what has one identifier once.
    pub(crate) fn mailbox(&self) -> Vec<IdempotencyKey> {
        let mut keys = Vec::new();
        for mail in self.mails() {
            if !keys.contains(&mail.key()) {
                keys.push(mail.key());
            }
        }
        keys
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        // Nothing may hang for longer than a test.
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_write_timeout(Some(Duration::from_secs(20)))?;
        let reaction = *self.reaction.lock().unwrap();
        let desk = Shared(Arc::new(Mutex::new(Desk {
            server: self.clone(),
            reaction,
            over_tls: self.speech == Speech::ImplicitTls,
            user: None,
            from: String::new(),
            to: Vec::new(),
            raw: Vec::new(),
        })));
        let mut builder = SessionBuilder::new("mail.example.org");
        if self.speech == Speech::StartTls {
            builder.enable_start_tls();
        }
        if self.login.is_some() {
            builder.enable_auth(AuthMechanism::Plain).enable_auth(AuthMechanism::Login);
        }
        let mut session = builder.build(stream.peer_addr()?.ip(), desk.clone());
        if self.speech == Speech::ImplicitTls {
            session.tls_active();
            let mut stream = BufReader::new(self.identity.accept(stream));
            greet(&mut stream, reaction, &session)?;
            return self.talk(&mut stream, reaction, &mut session).map(drop);
        }
        let mut stream = BufReader::new(stream);
        greet(&mut stream, reaction, &session)?;
        if self.talk(&mut stream, reaction, &mut session)? == Action::UpgradeTls {
            session.tls_active();
            desk.0.lock().unwrap().over_tls = true;
            let mut stream = BufReader::new(self.identity.accept(stream.into_inner()));
            self.talk(&mut stream, reaction, &mut session)?;
        }
        Ok(())
    }

    fn talk<S: Read + Write>(
        &self,
        stream: &mut BufReader<S>,
        reaction: Reaction,
        session: &mut Session<Shared>,
    ) -> io::Result<Action> {
        let (mut line, mut within) = (Vec::new(), false);
        loop {
            line.clear();
            if stream.read_until(b'\n', &mut line)? == 0 {
                return Ok(Action::Close);
            }
            if !within {
                self.seen.commands.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            }
            let goodbye = !within && line.eq_ignore_ascii_case(b"quit\r\n");
            match reaction {
                Reaction::HangUpWithin if within => return Ok(Action::Close),
                Reaction::HangUpAtTheEnd if within && line == b".\r\n" => return Ok(Action::Close),
                Reaction::HangUpAtGoodbye if goodbye => return Ok(Action::Close),
                Reaction::SilentAtGoodbye if goodbye => {
                    stream.read_until(b'\n', &mut line)?;
                    return Ok(Action::Close);
                }
                _ => {}
            }
            let response = session.process(&line);
            if reaction == Reaction::TakeAndHangUp && within && line == b".\r\n" {
                return Ok(Action::Close);
            }
            if reaction == Reaction::AnswerAhead && response.action == Action::UpgradeTls {
                let ahead =
                    "220 Ready\r\n250 mail.example.org\r\n250 OK\r\n250 OK\r\n354 Go\r\n250 Taken\r\n";
                stream.get_mut().write_all(ahead.as_bytes())?;
                stream.get_mut().flush()?;
                return Ok(response.action);
            }
            within = response.code == 354 || (within && response.action == Action::NoReply);
            say(stream.get_mut(), &response)?;
            if matches!(response.action, Action::Close | Action::UpgradeTls) {
                return Ok(response.action);
            }
        }
    }
}

fn say(stream: &mut impl Write, response: &Response) -> io::Result<()> {
    let mut bytes = Vec::new();
    response.write_to(&mut bytes)?;
    stream.write_all(&bytes)?;
    stream.flush()
}

fn greet<S: Read + Write>(
    stream: &mut BufReader<S>,
    reaction: Reaction,
    session: &Session<Shared>,
) -> io::Result<()> {
    match reaction {
        Reaction::Greet(code) => {
            say(stream.get_mut(), &refusal(code, "canary"))?;
            Err(io::ErrorKind::ConnectionAborted.into())
        }
        Reaction::KeepSilent => {
            stream.read_until(b'\n', &mut Vec::new())?;
            Err(io::ErrorKind::ConnectionAborted.into())
        }
        Reaction::Babble => {
            stream.get_mut().write_all(b"HTTP/1.1 400 canary\r\n\r\n")?;
            stream.get_mut().flush()?;
            Err(io::ErrorKind::ConnectionAborted.into())
        }
        _ => say(stream.get_mut(), &session.greeting()),
    }
}

/// An answer that repeats what it was told.
fn refusal(code: u16, told: &str) -> Response {
    Response::custom(code, format!("refused: {told} canary-text"))
}

/// What is known in one session.
struct Desk {
    server: MailServer,
    reaction: Reaction,
    over_tls: bool,
    user: Option<String>,
    from: String,
    to: Vec<String>,
    raw: Vec<u8>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Desk>>);

impl Shared {
    fn login(&self, user: &str, password: &str) -> Response {
        let mut desk = self.0.lock().unwrap();
        if desk.server.login == Some((user, password)) {
            desk.user = Some(user.to_owned());
            return mailin::response::AUTH_OK;
        }
        refusal(535, password)
    }
}

impl Handler for Shared {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        let mut desk = self.0.lock().unwrap();
        if let Reaction::ToTheSender(code) = desk.reaction {
            return refusal(code, from);
        }
        from.clone_into(&mut desk.from);
        (desk.to, desk.raw) = (Vec::new(), Vec::new());
        mailin::response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        let mut desk = self.0.lock().unwrap();
        if let Reaction::ToTheRecipient(code) = desk.reaction {
            return refusal(code, to);
        }
        desk.to.push(to.to_owned());
        mailin::response::OK
    }

    fn data_start(&mut self, _: &str, from: &str, _: bool, to: &[String]) -> Response {
        let desk = self.0.lock().unwrap();
        assert!(desk.from == from && desk.to == to);
        if let Reaction::ToTheData(code) = desk.reaction { refusal(code, from) } else { mailin::response::OK }
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().raw.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let desk = self.0.lock().unwrap();
        let raw = String::from_utf8(desk.raw.clone()).unwrap();
        if let Reaction::ToTheMail(code) = desk.reaction {
            return refusal(code, &desk.to.join(" "));
        }
        let mail = Mail {
            from: desk.from.clone(),
            to: desk.to.clone(),
            raw,
            over_tls: desk.over_tls,
            user: desk.user.clone(),
        };
        desk.server.seen.mails.lock().unwrap().push(mail);
        mailin::response::OK
    }

    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        self.login(user, password)
    }

    fn auth_login(&mut self, user: &str, password: &str) -> Response {
        self.login(user, password)
    }
}
