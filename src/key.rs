//! Identifiers and the keys that make repeating a call harmless.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Namespace of every key and identifier this crate derives (UUIDv5, RFC 9562).
const NAMESPACE: Uuid = Uuid::from_bytes([
    0x6b, 0x1d, 0x42, 0x5e, 0x2f, 0x7a, 0x5c, 0x11, 0x9a, 0x3e, 0x70, 0x61, 0x74, 0x72, 0x6f, 0x6e,
]);

/// Derives a UUIDv5 from parts; each part is prefixed by its length, so `["ab", "c"]` differs from `["a", "bc"]`.
fn derive(parts: &[&str]) -> Uuid {
    let mut name = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        name.extend_from_slice(&(part.len() as u64).to_le_bytes());
        name.extend_from_slice(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

/// Declares a `Uuid` newtype that is an identity of one kind of thing.
macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// Takes a UUID made elsewhere. Time-ordered UUIDs (version 7) keep stores fast.
            pub const fn new(id: uuid::Uuid) -> Self {
                Self(id)
            }

            /// Derives the identifier from names of your own, the same for the same names (UUIDv5).
            ///
            /// Use it for rows of other systems: `derive(&["shop", "order 4711"])`.
            #[must_use]
            pub fn derive(parts: &[&str]) -> Self {
                Self(*$crate::key::IdempotencyKey::derive(parts).as_uuid())
            }

            /// The UUID inside.
            pub const fn as_uuid(&self) -> &uuid::Uuid {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::validation::ValidationError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid::Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|_| $crate::validation::ValidationError::new(stringify!($name), "must be a UUID", text))
            }
        }
    };
}

pub(crate) use identifier;

/// Names one intended effect, so that asking for it twice has it once.
///
/// A key is a UUID: derive it from what the effect is about, never from a clock or chance, and the same intention
/// always has the same key. Derived keys are digests and hold no personal data, whatever the parts were.
///
/// # Example
/// ```
/// use patronage::IdempotencyKey;
///
/// let key = IdempotencyKey::derive(&["import", "orders.csv", "2026-11-21"]);
/// assert_eq!(key, IdempotencyKey::derive(&["import", "orders.csv", "2026-11-21"]));
/// assert_ne!(key, IdempotencyKey::derive(&["import", "orders.csv", "2026-11-22"]));
/// ```
///
/// Source: RFC 9562, UUID version 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(Uuid);

impl IdempotencyKey {
    /// Takes a key made elsewhere.
    pub const fn new(key: Uuid) -> Self {
        Self(key)
    }

    /// Derives the key of an intention from its parts.
    #[must_use]
    pub fn derive(parts: &[&str]) -> Self {
        Self(derive(parts))
    }

    /// The UUID inside.
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl std::fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

impl std::str::FromStr for IdempotencyKey {
    type Err = crate::validation::ValidationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| crate::validation::ValidationError::new("idempotency_key", "must be a UUID", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(IdempotencyKey::derive(&["ab", "c"]), IdempotencyKey::derive(&["a", "bc"]));
    }

    #[test]
    fn derivation_is_pinned() {
        // Stored keys must be found again by every later version of the crate.
        assert_eq!(IdempotencyKey::derive(&["pinned"]).to_string(), "c4d321ba-b26d-5468-a3ba-ba4a4bbaa5ec");
    }
}
