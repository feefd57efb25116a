use crate::period;
use crate::pii::Pii;
use crate::tag::Tag;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Personal text of 1 to `longest` characters, not blank at its ends, without control characters.
pub(super) fn text(field: &'static str, value: &str, longest: usize) -> Result<Pii<String>, ValidationError> {
    if value.is_empty() || value.trim() != value {
        return Err(ValidationError::withheld(field, "must not be empty nor begin or end with blanks"));
    }
    if value.chars().count() > longest {
        return Err(ValidationError::withheld(field, "must not be too long"));
    }
    if value.chars().any(char::is_control) {
        return Err(ValidationError::withheld(field, "must not hold control characters"));
    }
    Ok(Pii::new(value.to_owned()))
}

/// Declares a personal text with one canonical form.
macro_rules! personal_text {
    ($(#[$meta:meta])* $name:ident, $canonical:path) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Pii<String>);

        impl $name {
            /// Checks the text and brings it into its canonical form.
            ///
            /// # Errors
            /// [`ValidationError`], without the value.
            pub fn new(text: &str) -> Result<Self, ValidationError> {
                $canonical(text).map(Self)
            }

            /// The canonical form.
            pub const fn expose(&self) -> &String {
                self.0.expose()
            }
        }

        impl TryFrom<String> for $name {
            type Error = ValidationError;

            fn try_from(text: String) -> Result<Self, ValidationError> {
                Self::new(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = ValidationError;

            fn from_str(text: &str) -> Result<Self, ValidationError> {
                Self::new(text)
            }
        }
    };
}

personal_text! {
    /// An e-mail address; its domain is kept in lower case, its local part as it is.
    ///
    /// Source: RFC 5321, sections 4.1.2 and 4.5.3.1 (without quoted local parts and address literals).
    EmailAddress, canonical_email
}

personal_text! {
    /// A telephone number in international form: `+` and 2 to 15 digits, the first not 0. It is never guessed from a
    /// national form, because guessing corrupts numbers.
    ///
    /// Source: ITU-T E.164.
    PhoneNumber, canonical_phone
}

personal_text! {
    /// A web address: `http` or `https`, a host, without user and password. Scheme and host are kept in lower case.
    ///
    /// Source: RFC 3986.
    WebAddress, canonical_web
}

fn domain(text: &str) -> Option<String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || c.is_alphanumeric())
    };
    (text.len() <= 253 && text.split('.').all(label)).then(|| text.to_lowercase())
}

fn canonical_email(text: &str) -> Result<Pii<String>, ValidationError> {
    let refuse = |rule| ValidationError::withheld("email", rule);
    let (local, host) = text.rsplit_once('@').ok_or_else(|| refuse("must have an `@`"))?;
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .chars()
                .all(|c| c.is_alphanumeric() || (c.is_ascii() && "!#$%&'*+-/=?^_`{|}~".contains(c)))
    };
    if local.len() > 64 || !local.split('.').all(atom) {
        return Err(refuse("must have a local part of 1 to 64 plain characters before the `@`"));
    }
    let host = domain(host).filter(|host| host.contains('.'));
    let host = host.ok_or_else(|| refuse("must have a domain after the `@`"))?;
    Ok(Pii::new(format!("{local}@{host}")))
}

fn canonical_phone(text: &str) -> Result<Pii<String>, ValidationError> {
    let refuse = || ValidationError::withheld("phone", "must be `+` and 2 to 15 digits, the first not 0");
    let digits = text.strip_prefix('+').ok_or_else(refuse)?;
    let plain = (2..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { Ok(Pii::new(text.to_owned())) } else { Err(refuse()) }
}

fn canonical_web(address: &str) -> Result<Pii<String>, ValidationError> {
    let refuse = |rule| ValidationError::withheld("web", rule);
    text("web", address, 2000)?;
    let (scheme, rest) =
        address.split_once("://").ok_or_else(|| refuse("must begin with http:// or https://"))?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err(refuse("must begin with http:// or https://"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err(refuse("must not hold a user or password"));
    }
    if address.contains(char::is_whitespace) {
        return Err(refuse("must not hold blanks"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(refuse("must have a port from 0 to 65535"));
    }
    let host = domain(host).ok_or_else(|| refuse("must have a host name"))?;
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Ok(Pii::new(format!("{scheme}://{host}{port}{path}")))
}

/// A postal address: lines as written on the envelope, and the country.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "PostalFields")]
pub struct PostalAddress {
    lines: Vec<Pii<String>>,
    postcode: Option<Pii<String>>,
    country: String,
}

#[derive(Deserialize)]
struct PostalFields {
    lines: Vec<Pii<String>>,
    postcode: Option<Pii<String>>,
    country: String,
}

impl TryFrom<PostalFields> for PostalAddress {
    type Error = ValidationError;

    fn try_from(fields: PostalFields) -> Result<Self, ValidationError> {
        let lines: Vec<&str> = fields.lines.iter().map(|line| line.expose().as_str()).collect();
        Self::new(&lines, fields.postcode.as_ref().map(|code| code.expose().as_str()), &fields.country)
    }
}

impl PostalAddress {
    /// One to eight lines of 1 to 200 characters, the post code where there is one, and the country by its two
    /// letters (ISO 3166-1; only the form is checked).
    ///
    /// # Errors
    /// [`ValidationError`], without personal values.
    pub fn new(lines: &[&str], postcode: Option<&str>, country: &str) -> Result<Self, ValidationError> {
        if !(1..=8).contains(&lines.len()) {
            return Err(ValidationError::new("postal.lines", "must be 1 to 8", lines.len()));
        }
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(ValidationError::new("postal.country", "must be two capital letters", country));
        }
        Ok(Self {
            lines: lines.iter().map(|line| text("postal.lines", line, 200)).collect::<Result<_, _>>()?,
            postcode: postcode.map(|code| text("postal.postcode", code, 16)).transpose()?,
            country: country.to_owned(),
        })
    }

    /// The lines.
    pub fn lines(&self) -> &[Pii<String>] {
        &self.lines
    }

    /// The post code.
    pub const fn postcode(&self) -> Option<&Pii<String>> {
        self.postcode.as_ref()
    }

    /// The country, two letters.
    pub fn country(&self) -> &str {
        &self.country
    }
}

/// An account in a social network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SocialFields")]
pub struct SocialHandle {
    network: Tag,
    handle: Pii<String>,
}

#[derive(Deserialize)]
struct SocialFields {
    network: Tag,
    handle: Pii<String>,
}

impl TryFrom<SocialFields> for SocialHandle {
    type Error = ValidationError;

    fn try_from(fields: SocialFields) -> Result<Self, ValidationError> {
        Self::new(fields.network, fields.handle.expose())
    }
}

impl SocialHandle {
    /// The account `handle` (1 to 100 characters) in a network.
    ///
    /// # Errors
    /// [`ValidationError`], without the value.
    pub fn new(network: Tag, handle: &str) -> Result<Self, ValidationError> {
        Ok(Self { network, handle: text("social.handle", handle, 100)? })
    }

    /// The network.
    pub const fn network(&self) -> Tag {
        self.network
    }

    /// The account.
    pub const fn handle(&self) -> &Pii<String> {
        &self.handle
    }
}

/// An address of some kind. `Debug` shows the kind only; the addresses are personal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Contact {
    /// By e-mail.
    Email(EmailAddress),
    /// By telephone.
    Phone(PhoneNumber),
    /// By letter.
    Postal(PostalAddress),
    /// In a social network.
    Social(SocialHandle),
    /// A page on the web.
    Web(WebAddress),
}

impl Contact {
    /// An e-mail address.
    ///
    /// # Errors
    /// As [`EmailAddress::new`].
    pub fn email(address: &str) -> Result<Self, ValidationError> {
        EmailAddress::new(address).map(Self::Email)
    }

    /// A telephone number in international form.
    ///
    /// # Errors
    /// As [`PhoneNumber::new`].
    pub fn phone(number: &str) -> Result<Self, ValidationError> {
        PhoneNumber::new(number).map(Self::Phone)
    }

    /// A web address.
    ///
    /// # Errors
    /// As [`WebAddress::new`].
    pub fn web(address: &str) -> Result<Self, ValidationError> {
        WebAddress::new(address).map(Self::Web)
    }

    /// The kind of address: `email`, `phone`, `postal`, `social` or `web`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Phone(_) => "phone",
            Self::Postal(_) => "postal",
            Self::Social(_) => "social",
            Self::Web(_) => "web",
        }
    }
}

vocabulary! {
    /// Whether an address can be used.
    "contact.status" ContactStatus {
        /// As far as known, it works.
        Active = "active",
        /// Messages came back.
        Bounced = "bounced",
        /// It does not exist.
        Invalid = "invalid",
    }
}

/// A way to reach a customer: the address, whether it works, whether it is verified or preferred.
///
/// # Example
/// ```
/// use patronage::customer::{Contact, ContactPoint, ContactStatus};
///
/// let point = ContactPoint::new(Contact::email("Ada@Example.ORG")?).preferred();
/// let bounced = point.with_status(ContactStatus::Bounced);
/// assert!(!bounced.is_preferred(), "nobody is reached by an address that bounces");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "PointFields")]
pub struct ContactPoint {
    contact: Contact,
    status: ContactStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<DateTime<Utc>>,
    preferred: bool,
}

#[derive(Deserialize)]
struct PointFields {
    contact: Contact,
    status: ContactStatus,
    verified_at: Option<DateTime<Utc>>,
    #[serde(default)]
    preferred: bool,
}

impl TryFrom<PointFields> for ContactPoint {
    type Error = ValidationError;

    fn try_from(fields: PointFields) -> Result<Self, ValidationError> {
        if fields.preferred && fields.status != ContactStatus::Active {
            let rule = "must be active to be preferred";
            return Err(ValidationError::new("contact.status", rule, fields.status));
        }
        let mut point = Self::new(fields.contact).with_status(fields.status);
        point.preferred = fields.preferred;
        fields.verified_at.map_or(Ok(point.clone()), |at| point.verified(at))
    }
}

impl ContactPoint {
    /// An active address, neither verified nor preferred.
    pub const fn new(contact: Contact) -> Self {
        Self { contact, status: ContactStatus::Active, verified_at: None, preferred: false }
    }

    /// The same, known to belong to the customer since an instant.
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999.
    pub fn verified(mut self, at: DateTime<Utc>) -> Result<Self, ValidationError> {
        self.verified_at = Some(period::instant("contact.verified_at", at)?);
        Ok(self)
    }

    /// The same, as the address of its kind to use first; it is active then.
    #[must_use]
    pub fn preferred(mut self) -> Self {
        self.preferred = true;
        self.status = ContactStatus::Active;
        self
    }

    /// The same with another status. An address that does not work is no longer preferred.
    #[must_use]
    pub fn with_status(mut self, status: ContactStatus) -> Self {
        self.status = status;
        self.preferred &= status == ContactStatus::Active;
        self
    }

    /// The address.
    pub const fn contact(&self) -> &Contact {
        &self.contact
    }

    /// Whether it can be used.
    pub const fn status(&self) -> ContactStatus {
        self.status
    }

    /// Since when it is known to belong to the customer.
    pub const fn verified_at(&self) -> Option<DateTime<Utc>> {
        self.verified_at
    }

    /// Whether it is the one of its kind to use first.
    pub const fn is_preferred(&self) -> bool {
        self.preferred
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_mail_has_one_form() {
        assert_eq!(EmailAddress::new("Ada.L@Example.ORG").unwrap().expose(), "Ada.L@example.org");
        for wrong in
            ["", "a", "@b.org", "a@", "a@b", "a b@c.org", "a..b@c.org", "a@-b.org", "a@b..org", "a@b.org\n"]
        {
            assert!(EmailAddress::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn phone_numbers_are_never_guessed() {
        assert!(PhoneNumber::new("+37618001234").is_ok());
        for wrong in ["37618001234", "+0441234", "+1", "+1234567890123456", "+41 44 321", "＋41443211234"] {
            assert!(PhoneNumber::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn web_addresses_hold_no_secrets() {
        let address = WebAddress::new("HTTPS://Example.org:8080/A?b#C").unwrap();
        assert_eq!(address.expose(), "https://example.org:8080/A?b#C");
        for wrong in [
            "",
            "example.org",
            "ftp://a.org",
            "https://u:p@a.org/",
            "https://",
            "https://a b.org",
            "https://a:x/",
        ] {
            assert!(WebAddress::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn errors_withhold_the_address() {
        let error = EmailAddress::new("secret").unwrap_err();
        assert!(error.value().is_none() && !error.to_string().contains("secret"));
    }
}
