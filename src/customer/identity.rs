use super::contact::text;
use crate::pii::Pii;
use crate::tag::Tag;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// What another system calls a customer: the system, and its own key. Unique in a store.
///
/// # Example
/// ```
/// use patronage::customer::Identity;
///
/// let identity = Identity::new("web_shop".parse()?, "customer 17")?;
/// assert_eq!(identity.subject().expose(), "customer 17");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Identity {
    issuer: Tag,
    subject: Pii<String>,
}

#[derive(Deserialize)]
struct Fields {
    issuer: Tag,
    subject: Pii<String>,
}

impl TryFrom<Fields> for Identity {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.issuer, fields.subject.expose())
    }
}

impl Identity {
    /// The key `subject` (1 to 200 characters) in the system `issuer`.
    ///
    /// # Errors
    /// [`ValidationError`], without the value.
    pub fn new(issuer: Tag, subject: &str) -> Result<Self, ValidationError> {
        Ok(Self { issuer, subject: text("identity.subject", subject, 200)? })
    }

    /// The system.
    pub const fn issuer(&self) -> Tag {
        self.issuer
    }

    /// Its key for the customer.
    pub const fn subject(&self) -> &Pii<String> {
        &self.subject
    }
}
