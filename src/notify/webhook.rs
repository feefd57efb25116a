use super::post::{NoAnswer, post};
use super::{DeliveryError, Endpoint, Message, Notifier, Resolver, SystemResolver};
use crate::because::Because;
use crate::customer::Contact;
use crate::interaction::Touchpoint;
use crate::key::IdempotencyKey;
use crate::notification::Recipient;
use crate::pii::Pii;
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use hyper::header::{CONNECTION, CONTENT_TYPE, DATE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{HeaderMap, Request, StatusCode};
use serde::Serialize;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// Posts messages to web addresses, signed by Standard Webhooks 1.0.
///
/// # What is sent
/// One `POST` for each delivery, with the headers `webhook-id` (the key, the same on every attempt), `webhook-timestamp`
/// (the instant of the attempt) and `webhook-signature` (one `v1` signature for each secret), and a body that is the
/// same, byte for byte, on every attempt:
/// ```json
/// {
///   "type": "win_back",
///   "timestamp": "2026-03-01T08:00:00Z",
///   "data": {
///     "key": "c4d321ba-b26d-5468-a3ba-ba4a4bbaa5ec",
///     "to": {"customer": "0194d9c3-6c80-7000-8000-000000000001"},
///     "via": "email",
///     "because": [{"rule": "p_alive", "figure": [0.31, 0.5]}],
///     "text": "We miss you.",
///     "address": {"email": "ada@example.org"}
///   }
/// }
/// ```
/// `type` is what the message is about, `timestamp` is when it was due. `to` is a customer or `{"staff": …}`. `via` and
/// `text` are absent where there are none, and `address` unless the endpoint is made
/// [`with_addresses`](Endpoint::with_addresses).
///
/// # Where it goes
/// To the endpoint of the member of staff or team, if one was given; else to that of what the message is about; else to
/// the first one. See [`Endpoint`] for what an address must be like. The resolved addresses are judged as well, all of
/// them, and the connection goes to one of those: nothing is resolved twice. Redirects are not followed, proxies are not
/// asked, and the environment is not read.
///
/// # What the answer means
/// | answer | outcome |
/// |---|---|
/// | 2xx | delivered; the body is not read |
/// | 410 | permanent, `gone`: the endpoint is disabled, see [`is_disabled`](Self::is_disabled) |
/// | 408, 425, 429, 5xx | transient, `status_503` and so on, not before `Retry-After` (a day at most) |
/// | other 4xx | permanent, `status_404` and so on |
/// | 3xx | permanent, `redirected` |
/// | anything else, and a connection that ends early | transient, `cut_off` |
/// | no answer in time | transient, `timed_out` |
/// | no such host, no connection, no valid certificate | transient, `unresolved`, `unreachable`, `insecure` |
/// | the name resolves to an address out of reach | permanent, `target_out_of_reach` |
///
/// Certificates are checked against Mozilla's list, as it was when the program was built, and those given by
/// [`with_root_certificates`](Self::with_root_certificates); TLS looks at the system's clock for it. Every delivery has a
/// connection of its own. It runs on tokio, with I/O and time enabled; outside of it, messages are put off
/// (`needs_tokio`).
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::notify::{Endpoint, WebhookNotifier};
///
/// # fn now() -> chrono::DateTime<chrono::Utc> { chrono::DateTime::UNIX_EPOCH }
/// let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// let crm = Endpoint::new(Tag::literal("crm"), "https://hooks.crm.com/patronage", &[secret])?;
/// let chat = Endpoint::new(Tag::literal("chat"), "https://chat.crm.com/hooks/T024", &[secret])?;
/// let notifier = WebhookNotifier::new(crm, now)?.with_staff(Tag::literal("support"), chat);
/// assert!(!notifier.is_disabled(Tag::literal("chat")));
/// assert!(!format!("{notifier:?}").contains("T024"));
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: Standard Webhooks specification 1.0.0; RFC 9110, section 10.2.3 (`Retry-After`).
pub struct WebhookNotifier<R = SystemResolver> {
    first: Endpoint,
    by_about: BTreeMap<Tag, Endpoint>,
    by_staff: BTreeMap<Tag, Endpoint>,
    clock: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    resolver: R,
    roots: RootCertStore,
    tls: Arc<ClientConfig>,
    connect_within: Duration,
    answer_within: Duration,
    disabled: Mutex<BTreeSet<Tag>>,
}

const GONE: Tag = Tag::literal("gone");

/// One answer puts a message off for this long at most.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

impl WebhookNotifier {
    /// Posts to one endpoint, unless another is given for a message.
    ///
    /// # Arguments
    /// `clock`: says what time it is, for example `chrono::Utc::now`. Receivers refuse signatures that are not of now, so
    /// that a message overheard cannot be replayed; and this crate reads no clock by itself.
    ///
    /// # Errors
    /// [`ValidationError`] when TLS cannot be set up.
    pub fn new(
        endpoint: Endpoint,
        clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    ) -> Result<Self, ValidationError> {
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Ok(Self {
            first: endpoint,
            by_about: BTreeMap::new(),
            by_staff: BTreeMap::new(),
            clock: Box::new(clock),
            resolver: SystemResolver,
            tls: client(roots.clone())?,
            roots,
            connect_within: Duration::from_secs(5),
            answer_within: Duration::from_secs(15),
            disabled: Mutex::default(),
        })
    }
}

/// TLS 1.2 and 1.3 with the cryptography of `ring`, whatever else the program uses.
fn client(roots: RootCertStore) -> Result<Arc<ClientConfig>, ValidationError> {
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| ValidationError::withheld("webhook.tls", "must be supported"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl<R> WebhookNotifier<R> {
    /// Messages about this go to another endpoint.
    #[must_use]
    pub fn with_about(mut self, about: Tag, endpoint: Endpoint) -> Self {
        self.by_about.insert(about, endpoint);
        self
    }

    /// Messages to this member of staff or team go to another endpoint, whatever they are about.
    #[must_use]
    pub fn with_staff(mut self, staff: Tag, endpoint: Endpoint) -> Self {
        self.by_staff.insert(staff, endpoint);
        self
    }

    /// Waits this long for a connection to one address (5 s unless told), and for resolving, connecting, sending and the
    /// answer together (15 s unless told). A desk delivers one message after the other, and its lease must outlast a batch: claim
    /// few at a time.
    #[must_use]
    pub fn with_time_limits(mut self, connect: Duration, altogether: Duration) -> Self {
        (self.connect_within, self.answer_within) = (connect, altogether);
        self
    }

    /// Finds addresses in another way.
    #[must_use]
    pub fn with_resolver<S: Resolver>(self, resolver: S) -> WebhookNotifier<S> {
        WebhookNotifier {
            first: self.first,
            by_about: self.by_about,
            by_staff: self.by_staff,
            clock: self.clock,
            resolver,
            roots: self.roots,
            tls: self.tls,
            connect_within: self.connect_within,
            answer_within: self.answer_within,
            disabled: self.disabled,
        }
    }

    /// Trusts further certificate authorities, for example that of your company.
    ///
    /// # Arguments
    /// `pem`: one certificate or more, between `-----BEGIN CERTIFICATE-----` and its end.
    ///
    /// # Errors
    /// [`ValidationError`] when there is none, or one cannot be read.
    pub fn with_root_certificates(mut self, pem: &str) -> Result<Self, ValidationError> {
        let refuse = || ValidationError::withheld("webhook.root_certificates", "must be certificates in PEM");
        let before = self.roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            self.roots.add(certificate.map_err(|_| refuse())?).map_err(|_| refuse())?;
        }
        if self.roots.len() == before {
            return Err(refuse());
        }
        self.tls = client(self.roots.clone())?;
        Ok(self)
    }

    /// Whether the endpoint of this name has answered that it is gone (410). Messages to it are refused from then on,
    /// without a connection, until it is enabled or the program is started anew.
    pub fn is_disabled(&self, endpoint: Tag) -> bool {
        self.lock().contains(&endpoint)
    }

    /// The names of the endpoints that are gone.
    pub fn disabled(&self) -> Vec<Tag> {
        self.lock().iter().copied().collect()
    }

    /// Posts to an endpoint again.
    pub fn enable(&self, endpoint: Tag) {
        self.lock().remove(&endpoint);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Tag>> {
        // The set is valid after every statement, so a panic elsewhere leaves nothing half done.
        self.disabled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn endpoint(&self, message: &Message) -> &Endpoint {
        let staff = match message.to() {
            Recipient::Staff(staff) => self.by_staff.get(&staff),
            Recipient::Customer(_) => None,
        };
        staff.or_else(|| self.by_about.get(&message.about())).unwrap_or(&self.first)
    }
}

impl<R> fmt::Debug for WebhookNotifier<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookNotifier")
            .field("endpoint", &self.first.name())
            .field("by_about", &self.by_about)
            .field("by_staff", &self.by_staff)
            .field("disabled", &self.disabled())
            .finish_non_exhaustive()
    }
}

/// What is posted. The order of the fields is part of the form: the signature is over the bytes.
#[derive(Serialize)]
struct Body<'a> {
    r#type: Tag,
    timestamp: DateTime<Utc>,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    key: IdempotencyKey,
    to: Recipient,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<Touchpoint>,
    because: &'a [Because],
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a Pii<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a Contact>,
}

fn request(message: &Message, endpoint: &Endpoint, now: DateTime<Utc>) -> Option<Request<String>> {
    let body = serde_json::to_string(&Body {
        r#type: message.about(),
        timestamp: message.due(),
        data: Data {
            key: message.key(),
            to: message.to(),
            via: message.touchpoint(),
            because: message.reasons(),
            text: message.text(),
            address: message.address().filter(|_| endpoint.takes_addresses()),
        },
    })
    .ok()?;
    let (key, timestamp) = (message.key().to_string(), now.timestamp());
    let signatures = endpoint.signatures(&key, timestamp, &body)?;
    Request::post(endpoint.target().path_and_query())
        .header(HOST, endpoint.target().authority())
        .header(USER_AGENT, concat!("patronage/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "close")
        .header(HEADER_WEBHOOK_ID, key)
        .header(HEADER_WEBHOOK_TIMESTAMP, timestamp)
        .header(HEADER_WEBHOOK_SIGNATURE, signatures)
        .body(body)
        .ok()
}

const fn transient(problem: Tag) -> DeliveryError {
    DeliveryError::Transient { problem, retry_after: None }
}

impl From<NoAnswer> for DeliveryError {
    fn from(reason: NoAnswer) -> Self {
        match reason {
            NoAnswer::Unresolved => transient(Tag::literal("unresolved")),
            NoAnswer::Forbidden => Self::Permanent { problem: Tag::literal("target_out_of_reach") },
            NoAnswer::Unreachable => transient(Tag::literal("unreachable")),
            NoAnswer::Insecure => transient(Tag::literal("insecure")),
            NoAnswer::CutOff => transient(Tag::literal("cut_off")),
        }
    }
}

/// What an answer means.
fn outcome(status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Result<(), DeliveryError> {
    let problem = Tag::new(&format!("status_{}", status.as_u16())).unwrap_or(Tag::literal("refused"));
    match status.as_u16() {
        200..=299 => Ok(()),
        300..=399 => Err(DeliveryError::Permanent { problem: Tag::literal("redirected") }),
        410 => Err(DeliveryError::Permanent { problem: GONE }),
        408 | 425 | 429 | 500..=599 => {
            Err(DeliveryError::Transient { problem, retry_after: retry_after(headers, now) })
        }
        400..=499 => Err(DeliveryError::Permanent { problem }),
        _ => Err(transient(Tag::literal("cut_off"))),
    }
}

/// How long to wait: seconds, or a date held against the `Date` of the same answer, so that it does not matter whose
/// clock is right. An answer without a date is held against the notifier's clock.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let wait = text(RETRY_AFTER)?;
    let wait = if !wait.is_empty() && wait.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than can be counted are more than the limit.
        wait.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(wait).ok()?;
        let since = Duration::from_secs(now.timestamp().try_into().ok()?);
        let from = text(DATE)
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .or_else(|| SystemTime::UNIX_EPOCH.checked_add(since))?;
        until.duration_since(from).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

impl<R: Resolver> Notifier for WebhookNotifier<R> {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let endpoint = self.endpoint(message);
        if self.is_disabled(endpoint.name()) {
            return Err(DeliveryError::Permanent { problem: GONE });
        }
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(transient(Tag::literal("needs_tokio")));
        }
        let now = (self.clock)();
        let request = request(message, endpoint, now)
            .ok_or(DeliveryError::Permanent { problem: Tag::literal("not_writable") })?;
        // In a box, so that whoever waits for a delivery need not carry the state of TLS on their stack.
        let posted =
            Box::pin(post(endpoint.target(), &self.resolver, &self.tls, self.connect_within, request));
        let answer = tokio::time::timeout(self.answer_within, posted)
            .await
            .map_err(|_| transient(Tag::literal("timed_out")))??;
        let outcome = outcome(answer.status(), answer.headers(), now);
        if outcome == Err(DeliveryError::Permanent { problem: GONE }) {
            self.lock().insert(endpoint.name());
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
