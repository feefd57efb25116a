//! Reasons that decisions return.

use crate::tag::Tag;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One reason of a decision: the rule that spoke, and the figure it saw beside its threshold.
///
/// Reasons hold no personal data, so that they may be logged and shown.
///
/// # Example
/// ```
/// use patronage::{Because, Tag};
///
/// let reason = Because::rule(Tag::literal("p_alive")).figure(0.31, 0.5)?;
/// assert_eq!(reason.to_string(), "p_alive: 0.31 against 0.5");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Because {
    rule: Tag,
    #[serde(skip_serializing_if = "Option::is_none")]
    figure: Option<(f64, f64)>,
}

#[derive(Deserialize)]
struct Parts {
    rule: Tag,
    figure: Option<(f64, f64)>,
}

impl TryFrom<Parts> for Because {
    type Error = ValidationError;

    fn try_from(parts: Parts) -> Result<Self, ValidationError> {
        match parts.figure {
            Some((seen, threshold)) => Self::rule(parts.rule).figure(seen, threshold),
            None => Ok(Self::rule(parts.rule)),
        }
    }
}

impl Because {
    /// A reason that is a rule alone.
    pub const fn rule(rule: Tag) -> Self {
        Self { rule, figure: None }
    }

    /// Adds the figure that the rule saw and the threshold it was held against.
    ///
    /// # Errors
    /// [`ValidationError`] when either is NaN or infinite.
    pub fn figure(self, seen: f64, threshold: f64) -> Result<Self, ValidationError> {
        for (field, number) in [("because.seen", seen), ("because.threshold", threshold)] {
            if !number.is_finite() {
                return Err(ValidationError::new(field, "must be finite", number));
            }
        }
        Ok(Self { figure: Some((seen, threshold)), ..self })
    }

    /// The rule that spoke.
    pub const fn by(&self) -> Tag {
        self.rule
    }

    /// The figure the rule saw, and its threshold.
    pub const fn figures(&self) -> Option<(f64, f64)> {
        self.figure
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.figure {
            Some((seen, threshold)) => {
                write!(f, "{}: {} against {}", self.rule, Figure(seen), Figure(threshold))
            }
            None => write!(f, "{}", self.rule),
        }
    }
}

/// A number to about four digits, as people read it.
struct Figure(f64);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size >= 1e9 || (size > 0.0 && size < 1e-3) {
            return write!(f, "{:.1e}", self.0);
        }
        let decimals = if size >= 1000.0 { 1.0 } else { 10_000.0 };
        write!(f, "{}", libm::rint(self.0 * decimals) / decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        let shown = [0.0, 0.449_126_168, 1.0, 12.5, -3.0, 3_142_221.0, 1.78e-79, 2e12]
            .map(|figure| Figure(figure).to_string());
        assert_eq!(shown, ["0", "0.4491", "1", "12.5", "-3", "3142221", "1.8e-79", "2.0e12"]);
    }
}
