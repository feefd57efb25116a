//! Who the customers are: people and organisations, how to reach them, and what other systems call them.

mod contact;
mod identity;

pub use contact::{
    Contact, ContactPoint, ContactStatus, EmailAddress, PhoneNumber, PostalAddress, SocialHandle, WebAddress,
};
pub use identity::Identity;

use crate::key::identifier;
use crate::period;
use crate::pii::Pii;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

identifier! {
    /// Identifies a customer. Every fact keeps the id it was recorded under.
    CustomerId
}

vocabulary! {
    /// What kind of customer it is.
    "customer.kind" CustomerKind {
        /// A natural person.
        Person = "person",
        /// A company, an authority, an association.
        Organisation = "organisation",
    }
}

/// A person or an organisation the company knows, as prospect or as customer: both are one type, and where they stand
/// is their lifecycle.
///
/// `version` counts the committed changes: a store refuses a change that was made to an older version, so no update is
/// lost. `Debug` shows neither name nor address.
///
/// # Example
/// ```
/// use patronage::customer::{Contact, ContactPoint, Customer, CustomerId, CustomerKind, Identity};
///
/// let ada = Customer::new(
///     CustomerId::derive(&["shop", "17"]),
///     CustomerKind::Person,
///     "2026-01-01T00:00:00Z".parse()?,
/// )?
/// .with_name("Ada Lovelace")?
/// .with_identity(Identity::new("shop".parse()?, "17")?)?
/// .with_contact(ContactPoint::new(Contact::email("ada@Example.org")?).preferred())?;
///
/// assert_eq!(ada.contacts().len(), 1);
/// assert!(!format!("{ada:?}").contains("Lovelace"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Customer {
    fields: Fields,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Customer")]
struct Fields {
    id: CustomerId,
    kind: CustomerKind,
    since: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Pii<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<ContactPoint>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    identities: Vec<Identity>,
    #[serde(default)]
    version: u64,
}

impl From<Customer> for Fields {
    fn from(customer: Customer) -> Self {
        customer.fields
    }
}

impl TryFrom<Fields> for Customer {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        let mut customer = Self::new(fields.id, fields.kind, fields.since)?;
        if let Some(name) = fields.name {
            customer = customer.with_name(name.expose())?;
        }
        if let Some(language) = fields.language {
            customer = customer.with_language(&language)?;
        }
        if let Some(zone) = fields.zone {
            customer = customer.with_zone(&zone)?;
        }
        for contact in fields.contacts {
            customer = customer.with_contact(contact)?;
        }
        for identity in fields.identities {
            customer = customer.with_identity(identity)?;
        }
        Ok(customer.with_version(fields.version))
    }
}

impl Customer {
    /// A customer known since an instant, with nothing else known yet and version 0.
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999.
    pub fn new(id: CustomerId, kind: CustomerKind, since: DateTime<Utc>) -> Result<Self, ValidationError> {
        let since = period::instant("customer.since", since)?;
        let fields = Fields {
            id,
            kind,
            since,
            name: None,
            language: None,
            zone: None,
            contacts: Vec::new(),
            identities: Vec::new(),
            version: 0,
        };
        Ok(Self { fields })
    }

    /// Sets the name: 1 to 300 characters, none of them control characters.
    ///
    /// # Errors
    /// [`ValidationError`], without the value.
    pub fn with_name(mut self, name: &str) -> Result<Self, ValidationError> {
        self.fields.name = Some(contact::text("customer.name", name, 300)?);
        Ok(self)
    }

    /// Sets the preferred language, a tag of BCP 47 such as `de-CH`. Only its form is checked.
    ///
    /// # Errors
    /// [`ValidationError`] when it has another form.
    pub fn with_language(mut self, language: &str) -> Result<Self, ValidationError> {
        let mut subtags = language.split('-');
        let primary = subtags.next().is_some_and(|tag| {
            (2..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphabetic())
        });
        let rest = subtags
            .all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if !primary || !rest || language.len() > 35 {
            return Err(ValidationError::new("customer.language", "must be a tag of BCP 47", language));
        }
        self.fields.language = Some(language.to_owned());
        Ok(self)
    }

    /// Sets the time zone by its IANA name such as `Europe/Zurich`. Only its form is checked.
    ///
    /// # Errors
    /// [`ValidationError`] when it has another form.
    pub fn with_zone(mut self, zone: &str) -> Result<Self, ValidationError> {
        let part = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_alphabetic())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
        };
        if zone.len() > 64 || !zone.split('/').all(part) {
            return Err(ValidationError::new("customer.zone", "must be the name of an IANA zone", zone));
        }
        self.fields.zone = Some(zone.to_owned());
        Ok(self)
    }

    /// Adds a way to reach the customer.
    ///
    /// # Errors
    /// [`ValidationError`] when the same address is there already, when another one of its kind is preferred too, or
    /// when there are 64 already.
    pub fn with_contact(mut self, contact: ContactPoint) -> Result<Self, ValidationError> {
        let known = &self.fields.contacts;
        if known.iter().any(|other| other.contact() == contact.contact()) {
            return Err(ValidationError::withheld("customer.contacts", "must hold an address once"));
        }
        let same_kind = |other: &&ContactPoint| other.contact().kind() == contact.contact().kind();
        if contact.is_preferred() && known.iter().filter(same_kind).any(ContactPoint::is_preferred) {
            let rule = "must have one preferred address of a kind";
            return Err(ValidationError::new("customer.contacts", rule, contact.contact().kind()));
        }
        if known.len() >= 64 {
            return Err(ValidationError::new("customer.contacts", "must be at most 64", known.len() + 1));
        }
        self.fields.contacts.push(contact);
        Ok(self)
    }

    /// Takes all ways to reach the customer away, to add the right ones.
    #[must_use]
    pub fn without_contacts(mut self) -> Self {
        self.fields.contacts.clear();
        self
    }

    /// Adds what another system calls the customer.
    ///
    /// # Errors
    /// [`ValidationError`] when the identity is there already, or when there are 64 already.
    pub fn with_identity(mut self, identity: Identity) -> Result<Self, ValidationError> {
        if self.fields.identities.contains(&identity) {
            return Err(ValidationError::new(
                "customer.identities",
                "must hold an identity once",
                identity.issuer(),
            ));
        }
        if self.fields.identities.len() >= 64 {
            return Err(ValidationError::new("customer.identities", "must be at most 64", 65));
        }
        self.fields.identities.push(identity);
        Ok(self)
    }

    /// The same customer as a store keeps it, after so many committed changes. For adapters.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.fields.version = version;
        self
    }

    /// The identity of the customer.
    pub const fn id(&self) -> CustomerId {
        self.fields.id
    }

    /// Person or organisation.
    pub const fn kind(&self) -> CustomerKind {
        self.fields.kind
    }

    /// Since when the company knows them.
    pub const fn since(&self) -> DateTime<Utc> {
        self.fields.since
    }

    /// The name.
    pub const fn name(&self) -> Option<&Pii<String>> {
        self.fields.name.as_ref()
    }

    /// The preferred language, a tag of BCP 47.
    pub fn language(&self) -> Option<&str> {
        self.fields.language.as_deref()
    }

    /// The name of the time zone.
    pub fn zone(&self) -> Option<&str> {
        self.fields.zone.as_deref()
    }

    /// The ways to reach them, in the order they were added.
    pub fn contacts(&self) -> &[ContactPoint] {
        &self.fields.contacts
    }

    /// What other systems call them.
    pub fn identities(&self) -> &[Identity] {
        &self.fields.identities
    }

    /// How many changes were committed; 0 for one that is not stored yet.
    pub const fn version(&self) -> u64 {
        self.fields.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer() -> Customer {
        Customer::new(CustomerId::derive(&["c"]), CustomerKind::Person, DateTime::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn one_preferred_address_of_a_kind() {
        let mail = |address: &str| ContactPoint::new(Contact::email(address).unwrap());
        let with_one = customer().with_contact(mail("a@example.org").preferred()).unwrap();
        assert!(with_one.clone().with_contact(mail("b@example.org").preferred()).is_err());
        assert!(with_one.clone().with_contact(mail("a@EXAMPLE.org")).is_err(), "same canonical address");
        let phone = ContactPoint::new(Contact::phone("+41443211234").unwrap()).preferred();
        assert!(with_one.with_contact(phone).is_ok());
    }

    #[test]
    fn forms_are_checked() {
        for wrong in ["", "d", "de_CH", "de-", "1a", "deutschland"] {
            assert!(customer().with_language(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "Europe//Zurich", "+02:00", "Europe/Zürich"] {
            assert!(customer().with_zone(wrong).is_err(), "{wrong}");
        }
        for right in ["UTC", "Europe/Zurich", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            assert!(customer().with_zone(right).is_ok(), "{right}");
        }
        assert!(customer().with_name(" ").is_err());
    }

    #[test]
    fn json_round_trips_and_is_checked() {
        let whole = customer()
            .with_name("Ada")
            .and_then(|c| c.with_language("en-GB"))
            .and_then(|c| c.with_zone("Europe/London"))
            .and_then(|c| c.with_identity(Identity::new("crm".parse().unwrap(), "7").unwrap()))
            .and_then(|c| c.with_contact(ContactPoint::new(Contact::email("ada@example.org").unwrap())))
            .unwrap()
            .with_version(3);
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Customer>(&json).unwrap(), whole);
        assert!(serde_json::from_str::<Customer>(&json.replace("ada@example.org", "ada")).is_err());
    }
}
