use crate::validation::ValidationError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// In microseconds, the longest first.
const UNITS: [(char, i64); 4] =
    [('d', 86_400_000_000), ('h', 3_600_000_000), ('m', 60_000_000), ('s', 1_000_000)];

/// A span of elapsed time in a rule: a whole number above zero with its unit, `30d`, `12h`, `15m` or `45s`. A day is 24
/// hours.
///
/// # Example
/// ```
/// use patronage::segment::RuleSpan;
///
/// let span: RuleSpan = "48h".parse()?;
/// assert_eq!(span, RuleSpan::days(2)?);
/// assert_eq!(span.to_string(), "2d");
/// assert!("-3d".parse::<RuleSpan>().is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleSpan {
    micros: i64,
}

const RULE: &str = "must be a whole number above 0 followed by d, h, m or s, at most 36,500 days";

impl RuleSpan {
    /// So many times 24 hours.
    ///
    /// # Errors
    /// [`ValidationError`] for 0 or more than 36,500 days.
    pub fn days(days: u32) -> Result<Self, ValidationError> {
        Self::of(i64::from(days), 'd').ok_or_else(|| ValidationError::new("rule_span", RULE, days))
    }

    /// So many seconds.
    ///
    /// # Errors
    /// [`ValidationError`] for 0 or more than 36,500 days.
    pub fn seconds(seconds: u32) -> Result<Self, ValidationError> {
        Self::of(i64::from(seconds), 's').ok_or_else(|| ValidationError::new("rule_span", RULE, seconds))
    }

    fn of(count: i64, unit: char) -> Option<Self> {
        let (_, size) = UNITS.into_iter().find(|&(letter, _)| letter == unit)?;
        let micros = count.checked_mul(size)?;
        (1..=36_500 * 86_400_000_000).contains(&micros).then_some(Self { micros })
    }

    pub(super) const fn micros(self) -> i64 {
        self.micros
    }
}

impl fmt::Display for RuleSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.into_iter().find(|(_, size)| self.micros % size == 0);
        let (letter, size) = unit.unwrap_or(('s', 1_000_000));
        f.pad(&format!("{}{letter}", self.micros / size))
    }
}

impl FromStr for RuleSpan {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let read = || {
            let unit = text.chars().next_back()?;
            let digits = text.strip_suffix(unit)?;
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            Self::of(digits.parse().ok().filter(|_| plain)?, unit)
        };
        read().ok_or_else(|| ValidationError::new("rule_span", RULE, text))
    }
}

impl Serialize for RuleSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RuleSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::vocabulary::from_text(deserializer)
    }
}
