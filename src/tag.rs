//! Short machine names: contact reasons, categories, teams, rules.

use crate::validation::ValidationError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

const LONGEST: usize = 31;

/// A short machine name such as `late_delivery`: 1 to 31 characters of `a-z`, `0-9`, `_`, `-`, `.` and `/`,
/// beginning with a letter or a digit.
///
/// A tag is the code of something (a contact reason, a product category, a team, a rule), never free text and never
/// about one person. It is `Copy` and kept in place, so rows that hold tags need no allocation.
///
/// # Example
/// ```
/// use patronage::Tag;
///
/// let reason: Tag = "late_delivery".parse()?;
/// assert_eq!(reason.as_str(), "late_delivery");
/// assert!(Tag::new("").is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    // Unused bytes are zero, so the derived order is that of the text.
    bytes: [u8; LONGEST],
    length: u8,
}

impl Tag {
    /// Checks and keeps a machine name.
    ///
    /// # Errors
    /// [`ValidationError`] when the text is empty, longer than 31 bytes, or holds another character.
    pub fn new(text: &str) -> Result<Self, ValidationError> {
        match Self::check(text.as_bytes()) {
            Ok(tag) => Ok(tag),
            Err(rule) => Err(ValidationError::new("tag", rule, text)),
        }
    }

    /// A tag from a literal, checked when the program is compiled.
    ///
    /// # Panics
    /// Fails the build when the literal is no tag and the call stands in a `const`.
    ///
    /// # Example
    /// ```
    /// use patronage::Tag;
    ///
    /// const BILLING: Tag = Tag::literal("billing");
    /// assert_eq!(BILLING.to_string(), "billing");
    /// ```
    #[must_use]
    pub const fn literal(text: &'static str) -> Self {
        match Self::check(text.as_bytes()) {
            Ok(tag) => tag,
            #[expect(clippy::panic, reason = "a wrong literal must stop the build")]
            Err(_) => panic!("not a tag: 1 to 31 of a-z, 0-9, `_`, `-`, `.` and `/`"),
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a constant function has no iterators; the loop ends at the length"
    )]
    #[expect(clippy::cast_possible_truncation, reason = "the length is at most 31")]
    const fn check(text: &[u8]) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("must not be empty");
        }
        if text.len() > LONGEST {
            return Err("must be at most 31 characters");
        }
        if !matches!(text[0], b'a'..=b'z' | b'0'..=b'9') && text[0].is_ascii_punctuation() {
            return Err("must begin with a letter or a digit");
        }
        let mut bytes = [0; LONGEST];
        let mut index = 0;
        while index < text.len() {
            if !matches!(text[index], b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/') {
                return Err("must hold only a-z, 0-9, `_`, `-`, `.` and `/`");
            }
            bytes[index] = text[index];
            index += 1;
        }
        Ok(Self { bytes, length: text.len() as u8 })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.bytes
            .get(..usize::from(self.length))
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({})", self.as_str())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Tag {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        Self::new(text)
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::vocabulary::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_the_text() {
        let mut tags = ["b", "a/b", "a", "a-long-name"].map(Tag::literal);
        tags.sort_unstable();
        assert_eq!(tags.map(|tag| tag.to_string()), ["a", "a-long-name", "a/b", "b"]);
    }

    #[test]
    fn refuses_what_is_no_machine_name() {
        for (text, rule) in [
            ("", "must not be empty"),
            ("_a", "must begin with a letter or a digit"),
            ("A", "must hold only a-z, 0-9, `_`, `-`, `.` and `/`"),
            ("é", "must hold only a-z, 0-9, `_`, `-`, `.` and `/`"),
            ("abcdefghijklmnopqrstuvwxyz0123456", "must be at most 31 characters"),
        ] {
            assert_eq!(Tag::new(text).unwrap_err().rule(), rule, "{text}");
        }
    }
}
