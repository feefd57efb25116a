//! The wrapper around personal data.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Keeps personal data out of logs: `Debug` prints `Pii(…)`, and there is no `Display`.
///
/// Serialising writes the value itself, because stores must keep it; whoever prints it has to say so with
/// [`expose`](Self::expose).
///
/// # Example
/// ```
/// use patronage::Pii;
///
/// let name = Pii::new("Ada Lovelace".to_owned());
/// assert_eq!(format!("{name:?}"), "Pii(…)");
/// assert_eq!(name.expose(), "Ada Lovelace");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Wraps a personal value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Search for this call to see everywhere personal data is read.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Unwraps the value.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pii(…)")
    }
}
