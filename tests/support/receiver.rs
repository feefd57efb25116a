//! A receiver of webhooks on loopback: real TLS, real sockets, signatures checked by the crate `standardwebhooks`. It
//! keeps what it takes, each key once, and misbehaves when told.

#![allow(dead_code, reason = "each test needs some of it only")]

use super::tls::Identity;
use http::HeaderMap;
use patronage::IdempotencyKey;
use standardwebhooks::Webhook;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the receiver does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reaction {
    /// Checks the signature, keeps the message, answers 204; 401 where the signature is wrong.
    Take,
    /// Keeps the message and closes the connection without an answer.
    TakeAndHangUp,
    /// Writes this and closes the connection.
    Write(String),
    /// Writes this, and then one letter without end.
    WriteAndGoOn(String),
    /// Writes this byte by byte, one in 20 ms.
    Drip(String),
    /// Says nothing until the other side hangs up.
    KeepSilent,
    /// Closes the connection before the request is read.
    HangUp,
    /// Answers without TLS.
    SpeakPlainly,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    written: AtomicUsize,
    requests: Mutex<Vec<Request>>,
    taken: Mutex<Vec<IdempotencyKey>>,
}

#[derive(Clone)]
pub(crate) struct Receiver {
    address: SocketAddr,
    reaction: Arc<Mutex<Reaction>>,
    seen: Arc<Seen>,
}

impl Receiver {
    /// Listens on a free port of 127.0.0.1; with TLS where there is an identity. It holds these secrets.
    pub(crate) fn start(identity: Option<&Identity>, secrets: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", identity, secrets)
    }

    pub(crate) fn start_at(address: &str, identity: Option<&Identity>, secrets: &[&str]) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            reaction: Arc::new(Mutex::new(Reaction::Take)),
            seen: Arc::default(),
        };
        let (this, identity) = (receiver.clone(), identity.cloned());
        let secrets: Vec<String> = secrets.iter().map(|&secret| secret.to_owned()).collect();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (this, identity, secrets) = (this.clone(), identity.clone(), secrets.clone());
                this.seen.connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || this.serve(stream.unwrap(), identity.as_ref(), &secrets));
            }
        });
        receiver
    }

    pub(crate) fn react(&self, reaction: Reaction) {
        *self.reaction.lock().unwrap() = reaction;
    }

    /// Answers with a status and headers, without a body.
    pub(crate) fn answer(&self, status: u16, headers: &str) {
        self.react(Reaction::Write(format!("HTTP/1.1 {status} Said\r\n{headers}content-length: 0\r\n\r\n")));
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// How many bytes went into answers.
    pub(crate) fn written(&self) -> usize {
        self.seen.written.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// The keys that were taken, each once.
    pub(crate) fn taken(&self) -> Vec<IdempotencyKey> {
        self.seen.taken.lock().unwrap().clone()
    }

    fn serve(&self, stream: TcpStream, identity: Option<&Identity>, secrets: &[String]) {
        // Nothing may hang for longer than a test.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        let reaction = self.reaction.lock().unwrap().clone();
        match (reaction, identity) {
            (Reaction::HangUp, _) => {}
            (Reaction::SpeakPlainly, _) => {
                let mut stream = stream;
                let _ = stream.write_all(b"HTTP/1.1 204 Said\r\n\r\n");
            }
            (reaction, Some(identity)) => self.talk(identity.accept(stream), &reaction, secrets),
            (reaction, None) => self.talk(stream, &reaction, secrets),
        }
    }

    fn talk(&self, mut stream: impl Read + Write, reaction: &Reaction, secrets: &[String]) {
        let Some(request) = read(&mut stream) else { return };
        self.seen.requests.lock().unwrap().push(request.clone());
        let mut write = |text: &str| {
            let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
            self.seen.written.fetch_add(text.len(), Ordering::SeqCst);
            written.is_ok()
        };
        match reaction {
            Reaction::Take | Reaction::TakeAndHangUp => {
                let signed = secrets.iter().all(|secret| {
                    let verifier = Webhook::new(secret).unwrap();
                    verifier.verify(request.body.as_bytes(), &request.headers).is_ok()
                });
                if signed {
                    let key = request.header("webhook-id").parse().unwrap();
                    let mut taken = self.seen.taken.lock().unwrap();
                    if !taken.contains(&key) {
                        taken.push(key);
                    }
                }
                if matches!(reaction, Reaction::Take) {
                    let status = if signed { "204 No Content" } else { "401 Unauthorized" };
                    write(&format!("HTTP/1.1 {status}\r\n\r\n"));
                }
            }
            Reaction::Write(text) => {
                write(text);
            }
            Reaction::WriteAndGoOn(text) => {
                let more = "x".repeat(16_384);
                let mut open = write(text);
                while open && self.written() < 1 << 30 {
                    open = write(&more);
                }
            }
            Reaction::Drip(text) => {
                for byte in text.chars() {
                    if !write(&byte.to_string()) {
                        break;
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            }
            Reaction::KeepSilent => {
                let _ = stream.read(&mut [0; 1]);
            }
            Reaction::HangUp | Reaction::SpeakPlainly => {}
        }
    }
}

/// Reads one request, `None` where the other side hangs up before its end.
fn read(stream: &mut impl Read) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let mut more = |bytes: &mut Vec<u8>| loop {
        match stream.read(&mut chunk) {
            Ok(0) => return None,
            Ok(count) => {
                bytes.extend_from_slice(&chunk[..count]);
                return Some(());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    };
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        more(&mut bytes)?;
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let mut headers = HeaderMap::new();
    for header in lines {
        let (name, value) = header.split_once(": ").unwrap();
        let name: http::HeaderName = name.parse().unwrap();
        assert!(!headers.contains_key(&name), "two headers `{name}`");
        headers.insert(name, value.parse().unwrap());
    }
    let length: usize = headers.get("content-length")?.to_str().unwrap().parse().unwrap();
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        more(&mut body)?;
    }
    assert_eq!(body.len(), length, "more than one request");
    Some(Request { line, headers, body: String::from_utf8(body).unwrap() })
}
