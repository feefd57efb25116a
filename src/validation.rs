//! What a refused value says about itself.

use std::fmt;

/// Says which field was refused, by which rule, and with which value.
///
/// Every constructor of a domain type returns it. Values of fields that hold personal data (names, addresses,
/// free text) are never kept in it: such an error says `(value withheld)`.
///
/// # Example
/// ```
/// use patronage::Tag;
///
/// let refused = Tag::new("Late Delivery").unwrap_err();
/// assert_eq!(refused.field(), "tag");
/// assert_eq!(
///     refused.to_string(),
///     "tag: must hold only a-z, 0-9, `_`, `-`, `.` and `/`, got `Late Delivery`"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationError {
    field: &'static str,
    rule: &'static str,
    value: Option<String>,
}

impl ValidationError {
    /// A refused value that may be shown. Values longer than 64 characters are cut.
    pub fn new(field: &'static str, rule: &'static str, value: impl fmt::Display) -> Self {
        let mut shown = value.to_string();
        if let Some((cut, _)) = shown.char_indices().nth(64) {
            shown.truncate(cut);
            shown.push('…');
        }
        Self { field, rule, value: Some(shown) }
    }

    /// A refused value that is personal and therefore not shown.
    pub fn withheld(field: &'static str, rule: &'static str) -> Self {
        Self { field, rule, value: None }
    }

    /// The name of the refused field.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The rule the value broke.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// The refused value, or `None` where it is personal.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}: {}, got `{value}`", self.field, self.rule),
            None => write!(f, "{}: {} (value withheld)", self.field, self.rule),
        }
    }
}

impl std::error::Error for ValidationError {}
