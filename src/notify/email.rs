use super::line_stream::LineStream;
use super::relay::Safety;
use super::{DeliveryError, Letter, Message, Notifier, SmtpRelay};
use crate::customer::{Contact, EmailAddress};
use crate::notification::Recipient;
use crate::tag::Tag;
use crate::validation::ValidationError;
use lettre::address::Address;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0,
};
use lettre::message::{Body, Mailbox};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Sends messages as e-mail, through a relay of yours, over TLS.
///
/// # Who gets what
/// A customer at the address of the message, which must be an e-mail address; staff at the address given by
/// [`with_staff`](Self::with_staff). Who has none is refused for good (`no_address`). Subject and text are those of
/// [`Letter::plain`], unless a writer is given.
///
/// The `Message-ID` is the key at the sender's domain, the `Date` is when the message was due: a mail is the same, byte
/// for byte, on every attempt, and whoever takes it over can tell that it is.
///
/// # What the answer means
/// | answer | outcome |
/// |---|---|
/// | the relay took it | delivered, whatever becomes of the goodbye |
/// | 4xx to the sender, the recipient or the mail | transient, `smtp_451` and so on |
/// | 5xx to the sender, the recipient or the mail | permanent, `smtp_550` and so on |
/// | anything before that: greeting, TLS, login | transient, `unreachable`, `insecure`, `smtp_535` and so on |
/// | the connection ends before the answer | transient, `cut_off` |
/// | no answer in time | transient, `timed_out` |
///
/// A relay that refuses the login says nothing about the message, so the message is tried again. Every delivery has a
/// connection of its own. It runs on tokio, with I/O and time enabled; outside of it, messages are put off
/// (`needs_tokio`).
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::customer::EmailAddress;
/// use patronage::notify::{EmailNotifier, Letter, SmtpRelay};
///
/// let relay = SmtpRelay::implicit_tls("smtp.example.org")?.with_login("patronage", "a password");
/// let notifier = EmailNotifier::new(&relay, &"service@example.org".parse()?)?
///     .with_sender_name("Your shop")
///     .with_staff(Tag::literal("support"), "support@example.org".parse()?)
///     .with_writer(|message| match message.about().as_str() {
///         "order_confirmed" => Some(Letter::new("Thank you for your order", message.text()?.expose())),
///         _ => Letter::plain(message),
///     });
/// assert!(!format!("{notifier:?}").contains("support@"));
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: RFC 5321 (SMTP), RFC 5322 (mail), RFC 3834 (`Auto-Submitted`).
pub struct EmailNotifier {
    relay: SmtpRelay,
    safety: Safety,
    hello: ClientId,
    from: Mailbox,
    domain: String,
    reply_to: Option<Mailbox>,
    staff: BTreeMap<Tag, EmailAddress>,
    writer: Box<Writer>,
    within: Duration,
}

type Writer = dyn Fn(&Message) -> Option<Letter> + Send + Sync;

/// The goodbye is a courtesy.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

impl EmailNotifier {
    /// Sends through a relay, from an address of yours.
    ///
    /// # Errors
    /// [`ValidationError`] when the address is not plain ASCII, or TLS cannot be set up.
    pub fn new(relay: &SmtpRelay, from: &EmailAddress) -> Result<Self, ValidationError> {
        let domain = from.expose().rsplit_once('@').map(|(_, domain)| domain.to_owned());
        let (Some(domain), Some(address)) = (domain.filter(|_| from.expose().is_ascii()), address(from))
        else {
            return Err(ValidationError::withheld("email.from", "must be plain ASCII"));
        };
        Ok(Self {
            safety: relay.safety()?,
            relay: relay.clone(),
            hello: ClientId::Domain(domain.clone()),
            from: Mailbox::new(None, address),
            domain,
            reply_to: None,
            staff: BTreeMap::new(),
            writer: Box::new(Letter::plain),
            within: Duration::from_secs(20),
        })
    }

    /// The name that recipients see before the address, one line as that of a subject.
    #[must_use]
    pub fn with_sender_name(mut self, name: &str) -> Self {
        self.from.name = Some(Letter::new(name, "").subject().to_owned()).filter(|name| !name.is_empty());
        self
    }

    /// Where answers go, if not to the sender.
    ///
    /// # Errors
    /// [`ValidationError`], without the value, when mail cannot be addressed so.
    pub fn with_reply_to(mut self, to: &EmailAddress) -> Result<Self, ValidationError> {
        let to = address(to).ok_or_else(|| {
            ValidationError::withheld("email.reply_to", "must be an address that mail can have")
        })?;
        self.reply_to = Some(Mailbox::new(None, to));
        Ok(self)
    }

    /// Where a member of staff or a team is reached.
    #[must_use]
    pub fn with_staff(mut self, staff: Tag, at: EmailAddress) -> Self {
        self.staff.insert(staff, at);
        self
    }

    /// Writes subject and text. It must write the same for the same message; `None` refuses the message for good
    /// (`nothing_to_say`).
    #[must_use]
    pub fn with_writer(
        mut self,
        writer: impl Fn(&Message) -> Option<Letter> + Send + Sync + 'static,
    ) -> Self {
        self.writer = Box::new(writer);
        self
    }

    /// The name to greet the relay with, if not the sender's domain.
    ///
    /// # Errors
    /// [`ValidationError`] when it is no name of a host.
    pub fn with_hello_name(mut self, name: &str) -> Result<Self, ValidationError> {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')) {
            return Err(ValidationError::new("email.hello_name", "must be the name of a host", name));
        }
        self.hello = ClientId::Domain(name.to_owned());
        Ok(self)
    }

    /// Waits this long for the relay to take a mail over, connecting included; 20 s unless told. A desk delivers one
    /// message after the other, and its lease must outlast a batch: claim few at a time.
    #[must_use]
    pub const fn with_time_limit(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    fn recipient(&self, message: &Message) -> Result<Address, DeliveryError> {
        let refuse = |problem| DeliveryError::Permanent { problem };
        let to = match (message.to(), message.address()) {
            (Recipient::Staff(staff), _) => self.staff.get(&staff),
            (Recipient::Customer(_), Some(Contact::Email(to))) => Some(to),
            (Recipient::Customer(_), _) => None,
        };
        address(to.ok_or(refuse(Tag::literal("no_address")))?).ok_or(refuse(Tag::literal("address_refused")))
    }

    /// The mail, ready to be sent.
    fn write(&self, message: &Message, to: Address) -> Result<Vec<u8>, DeliveryError> {
        let refuse = |problem| DeliveryError::Permanent { problem };
        let letter = (self.writer)(message).ok_or(refuse(Tag::literal("nothing_to_say")))?;
        // Lines of printable ASCII, none too long, whatever the text holds.
        let text =
            Body::new_with_encoding(letter.text().to_owned(), ContentTransferEncoding::QuotedPrintable)
                .map_err(|_| refuse(Tag::literal("not_writable")))?;
        // Mail has no dates before 1970, nor has the library that writes them.
        let due = Duration::from_secs(message.due().timestamp().try_into().unwrap_or_default());
        let due = SystemTime::UNIX_EPOCH.checked_add(due).ok_or(refuse(Tag::literal("not_writable")))?;
        let mail = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject())
            .date(due)
            .message_id(Some(format!("<{}@{}>", message.key(), self.domain)))
            .header(AutoSubmitted)
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN);
        let mail = self.reply_to.iter().cloned().fold(mail, lettre::message::MessageBuilder::reply_to);
        let mail = mail.body(text).map_err(|_| refuse(Tag::literal("not_writable")))?;
        Ok(mail.formatted())
    }

    /// A connection that is safe and logged in.
    async fn connect(&self) -> Result<AsyncSmtpConnection, DeliveryError> {
        let failed = |error: SmtpError| before_the_message(&error);
        let (address, hello) = (self.relay.address(), &self.hello);
        let mut connection = if let Safety::Implicit(tls) = &self.safety {
            AsyncSmtpConnection::connect_tokio1(address, None, hello, Some(tls.clone()), None)
                .await
                .map_err(failed)?
        } else {
            let stream = TcpStream::connect(address).await.map_err(|_| transient(UNREACHABLE))?;
            // Commands are short and answered one by one; a connection that gathers them is slower and no less right.
            let _ = stream.set_nodelay(true);
            AsyncSmtpConnection::connect_with_transport(Box::new(LineStream::new(stream)), hello)
                .await
                .map_err(failed)?
        };
        if let Safety::StartTls(tls) = &self.safety {
            connection.starttls(tls.clone(), hello).await.map_err(failed)?;
        }
        if let Some(login) = self.relay.login() {
            connection.auth(DEFAULT_MECHANISMS, login).await.map_err(failed)?;
        }
        Ok(connection)
    }

    /// Has the relay take a mail over. Each command is sent here, because the library's own way waits for the goodbye
    /// after a refusal, and one that never comes would hide the refusal.
    async fn send(&self, to: &Address, mail: &[u8]) -> Result<AsyncSmtpConnection, DeliveryError> {
        let mut connection = self.connect().await?;
        let mut parameters = Vec::new();
        for (needed, extension, parameter) in [
            (!AsRef::<str>::as_ref(to).is_ascii(), Extension::SmtpUtfEight, MailParameter::SmtpUtfEight),
            (!mail.is_ascii(), Extension::EightBitMime, MailParameter::Body(MailBodyParameter::EightBitMime)),
        ] {
            if needed {
                if !connection.server_info().supports_feature(extension) {
                    return Err(DeliveryError::Permanent { problem: Tag::literal("address_refused") });
                }
                parameters.push(parameter);
            }
        }
        let refused = |error: SmtpError| about_the_message(&error);
        let from = self.from.email.clone();
        connection.command(Mail::new(Some(from), parameters)).await.map_err(refused)?;
        connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(refused)?;
        connection.command(Data).await.map_err(refused)?;
        connection.message(mail).await.map_err(refused)?;
        Ok(connection)
    }
}

impl fmt::Debug for EmailNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailNotifier")
            .field("relay", &self.relay)
            .field("staff", &self.staff.keys())
            .finish_non_exhaustive()
    }
}

/// The same address, as the mail library checks it once more.
fn address(address: &EmailAddress) -> Option<Address> {
    address.expose().parse().ok()
}

/// Says that nobody wrote this, so that answering machines keep silent (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// `smtp_550` for an answer that has a code. The words of the answer may hold the address, so they are left out.
fn code(error: &SmtpError) -> Option<Tag> {
    error.status().and_then(|code| Tag::new(&format!("smtp_{code}")).ok())
}

const UNREACHABLE: Tag = Tag::literal("unreachable");

const fn transient(problem: Tag) -> DeliveryError {
    DeliveryError::Transient { problem, retry_after: None }
}

/// The relay is not ready to hear of any message.
fn before_the_message(error: &SmtpError) -> DeliveryError {
    // A certificate that will not do comes as bytes that are not valid, from within.
    let mut cause = std::error::Error::source(error);
    let mut insecure = error.is_tls() || error.is_client();
    while let Some(error) = cause {
        insecure |=
            error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData);
        cause = error.source();
    }
    let other = if insecure { Tag::literal("insecure") } else { UNREACHABLE };
    transient(code(error).unwrap_or(other))
}

fn about_the_message(error: &SmtpError) -> DeliveryError {
    let problem = code(error);
    if error.is_permanent() {
        return DeliveryError::Permanent { problem: problem.unwrap_or(Tag::literal("refused")) };
    }
    transient(problem.unwrap_or(Tag::literal("cut_off")))
}

impl Notifier for EmailNotifier {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let to = self.recipient(message)?;
        let mail = self.write(message, to.clone())?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(transient(Tag::literal("needs_tokio")));
        }
        let mut connection = timeout(self.within, Box::pin(self.send(&to, &mail)))
            .await
            .map_err(|_| transient(Tag::literal("timed_out")))??;
        // It is taken over: a relay that does not answer the goodbye changes nothing.
        let _ = timeout(GOODBYE_WITHIN, Box::pin(connection.quit())).await;
        Ok(())
    }
}
