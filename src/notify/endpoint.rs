use super::target::{Reach, Target};
use crate::tag::Tag;
use crate::validation::ValidationError;
use standardwebhooks::Webhook;
use std::fmt;
use std::sync::Arc;

/// A receiver of webhooks: its name, its address, and the secrets that messages to it are signed with.
///
/// The address must begin with `https://`, hold no user, and lead to a host of the public internet. It is read as
/// browsers read it, so `https://0x7f.1/` is known for what it is; what a name resolves to is judged at each delivery.
/// Address and secrets are never shown: `Debug` shows the name.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::notify::Endpoint;
///
/// let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// let chat = Endpoint::new(Tag::literal("chat"), "https://hooks.chat.com/services/T024", &[secret])?;
/// assert_eq!(chat.name(), Tag::literal("chat"));
///
/// let inside = Endpoint::new(Tag::literal("inside"), "https://[::ffff:10.0.0.1]/", &[secret]);
/// assert_eq!(inside.unwrap_err().rule(), "must lead to a public host");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone)]
pub struct Endpoint {
    name: Tag,
    target: Target,
    signers: Arc<[Webhook]>,
    with_addresses: bool,
}

impl Endpoint {
    /// A receiver on the public internet.
    ///
    /// # Arguments
    /// `name`: what the endpoint is called in errors and logs; endpoints of one name are disabled together. `secrets`:
    /// base64 of 24 to 64 bytes each, with or without `whsec_`. Messages are signed with each of them, so that a secret
    /// can be replaced without a gap: add the new one, change the receiver, drop the old one.
    ///
    /// # Errors
    /// [`ValidationError`] when the address or a secret is refused, or there is none; without the value.
    pub fn new(name: Tag, url: &str, secrets: &[&str]) -> Result<Self, ValidationError> {
        Self::within(Reach::Public, name, url, secrets)
    }

    /// A receiver on this machine, for tests and for a gateway beside the program. `http://` is allowed too, and nothing
    /// but loopback addresses is.
    ///
    /// # Errors
    /// As [`Endpoint::new`].
    pub fn on_loopback(name: Tag, url: &str, secrets: &[&str]) -> Result<Self, ValidationError> {
        Self::within(Reach::Loopback, name, url, secrets)
    }

    fn within(reach: Reach, name: Tag, url: &str, secrets: &[&str]) -> Result<Self, ValidationError> {
        let target =
            Target::parse(url, reach).map_err(|rule| ValidationError::withheld("endpoint.url", rule))?;
        if secrets.is_empty() {
            return Err(ValidationError::withheld("endpoint.secrets", "must be at least one"));
        }
        let signers = secrets.iter().map(|secret| signer(secret)).collect::<Result<_, _>>()?;
        Ok(Self { name, target, signers, with_addresses: false })
    }

    /// Hands on the address of the customer too. Without this the receiver gets the customer's identifier only, and has
    /// to know by itself where they are reached.
    #[must_use]
    pub fn with_addresses(mut self) -> Self {
        self.with_addresses = true;
        self
    }

    /// The name.
    pub const fn name(&self) -> Tag {
        self.name
    }

    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    pub(super) const fn takes_addresses(&self) -> bool {
        self.with_addresses
    }

    /// The signatures of a body under every secret, as they stand in the header.
    pub(super) fn signatures(&self, key: &str, timestamp: i64, body: &str) -> Option<String> {
        let signed: Result<Vec<String>, _> =
            self.signers.iter().map(|signer| signer.sign(key, timestamp, body.as_bytes())).collect();
        signed.ok().map(|signatures| signatures.join(" "))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Source: Standard Webhooks 1.0, "Signature scheme": secrets of 24 to 64 bytes.
fn signer(secret: &str) -> Result<Webhook, ValidationError> {
    let refuse = || ValidationError::withheld("endpoint.secrets", "must be base64 of 24 to 64 bytes");
    let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
    // Four characters of padded base64 are three bytes.
    let bytes = encoded.trim_end_matches('=').len() * 3 / 4;
    if !(24..=64).contains(&bytes) {
        return Err(refuse());
    }
    Webhook::new(secret).map_err(|_| refuse())
}
