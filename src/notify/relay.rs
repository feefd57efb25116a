use crate::pii::Pii;
use crate::validation::ValidationError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters, TlsParametersBuilder};
use std::fmt;

/// How the connection to a relay is made safe.
#[derive(Clone)]
pub(super) enum Safety {
    /// TLS from the first byte.
    Implicit(TlsParameters),
    /// TLS by STARTTLS, before anything is said.
    StartTls(TlsParameters),
    /// None, on this machine.
    Loopback,
}

/// The mail server that takes mail over from an [`EmailNotifier`](super::EmailNotifier).
///
/// The connection is always TLS, with a valid certificate for the host; a relay that does not offer it gets no mail.
/// Login and password are never shown.
///
/// # Example
/// ```
/// use patronage::notify::SmtpRelay;
///
/// let relay = SmtpRelay::implicit_tls("smtp.example.org")?.with_login("patronage", "a password");
/// assert_eq!(format!("{relay:?}"), "SmtpRelay { host: \"smtp.example.org\", port: 465, .. }");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: RFC 8314, which prefers TLS from the first byte.
#[derive(Clone)]
pub struct SmtpRelay {
    host: String,
    port: u16,
    starts_plain: bool,
    login: Option<Pii<Credentials>>,
    root_certificates: Vec<Certificate>,
    loopback: bool,
}

impl SmtpRelay {
    /// A relay that speaks TLS from the first byte, on port 465 unless told.
    ///
    /// # Errors
    /// [`ValidationError`] when the host is neither a name nor an address.
    pub fn implicit_tls(host: &str) -> Result<Self, ValidationError> {
        Self::new(host, 465, false)
    }

    /// A relay that changes to TLS when told (STARTTLS), on port 587 unless told. One that does not is not used.
    ///
    /// # Errors
    /// As [`SmtpRelay::implicit_tls`].
    pub fn starttls(host: &str) -> Result<Self, ValidationError> {
        Self::new(host, 587, true)
    }

    /// A relay on this machine (127.0.0.1), without TLS.
    #[must_use]
    pub fn plain_on_loopback(port: u16) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port,
            starts_plain: true,
            login: None,
            root_certificates: Vec::new(),
            loopback: true,
        }
    }

    fn new(host: &str, port: u16, starts_plain: bool) -> Result<Self, ValidationError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
        if host.is_empty() || host.len() > 253 || !host.chars().all(plain) {
            return Err(ValidationError::new(
                "relay.host",
                "must be the name of a host, or an address",
                host,
            ));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            starts_plain,
            login: None,
            root_certificates: Vec::new(),
            loopback: false,
        })
    }

    /// Listens on another port.
    #[must_use]
    pub const fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Asks for a login (PLAIN, else LOGIN).
    #[must_use]
    pub fn with_login(mut self, user: &str, password: &str) -> Self {
        self.login = Some(Pii::new(Credentials::new(user.to_owned(), password.to_owned())));
        self
    }

    /// Trusts further certificate authorities besides Mozilla's list, for example that of your company.
    ///
    /// # Arguments
    /// `pem`: one certificate or more, between `-----BEGIN CERTIFICATE-----` and its end.
    ///
    /// # Errors
    /// [`ValidationError`] when there is none, or one cannot be read.
    pub fn with_root_certificates(mut self, pem: &str) -> Result<Self, ValidationError> {
        let refuse = || ValidationError::withheld("relay.root_certificates", "must be certificates in PEM");
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            return Err(refuse());
        }
        self.root_certificates.push(Certificate::from_pem(pem.as_bytes()).map_err(|_| refuse())?);
        self.tls().map_err(|_| refuse())?;
        Ok(self)
    }

    fn tls(&self) -> Result<TlsParameters, ValidationError> {
        let builder =
            TlsParametersBuilder::new(self.host.clone()).certificate_store(CertificateStore::WebpkiRoots);
        let builder =
            self.root_certificates.iter().cloned().fold(builder, TlsParametersBuilder::add_root_certificate);
        builder.build().map_err(|_| ValidationError::withheld("relay.tls", "must be supported"))
    }

    pub(super) fn safety(&self) -> Result<Safety, ValidationError> {
        Ok(match (self.loopback, self.starts_plain) {
            (true, _) => Safety::Loopback,
            (false, true) => Safety::StartTls(self.tls()?),
            (false, false) => Safety::Implicit(self.tls()?),
        })
    }

    pub(super) fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    pub(super) fn login(&self) -> Option<&Credentials> {
        self.login.as_ref().map(Pii::expose)
    }
}

impl fmt::Debug for SmtpRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpRelay")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
