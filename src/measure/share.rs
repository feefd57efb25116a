use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A share or a probability: a number from 0 to 1.
///
/// # Example
/// ```
/// use patronage::Share;
///
/// assert_eq!(Share::new(0.25)?.to_string(), "25.0 %");
/// assert_eq!("25%".parse::<Share>()?, "0.25".parse()?);
/// assert!(Share::new(f64::NAN).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(f64);

impl Share {
    /// None of it.
    pub const ZERO: Self = Self(0.0);
    /// All of it.
    pub const ONE: Self = Self(1.0);

    /// Checks a number to be a share.
    ///
    /// # Errors
    /// [`ValidationError`] when it is NaN, below 0 or above 1.
    pub fn new(value: f64) -> Result<Self, ValidationError> {
        if (0.0..=1.0).contains(&value) {
            // Adding zero turns -0 into 0, so that equal shares have equal bits.
            Ok(Self(value + 0.0))
        } else {
            Err(ValidationError::new("share", "must lie between 0 and 1", value))
        }
    }

    /// How many of how many; `None` where there are none, because then no share is known.
    ///
    /// # Errors
    /// [`ValidationError`] when the part is larger than the whole.
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    ///
    /// assert_eq!(Share::of(1, 4)?, Some(Share::new(0.25)?));
    /// assert_eq!(Share::of(0, 0)?, None);
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    pub fn of(part: u64, whole: u64) -> Result<Option<Self>, ValidationError> {
        if part > whole {
            return Err(ValidationError::new(
                "share",
                "must be part of the whole",
                format!("{part} of {whole}"),
            ));
        }
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits of the counts")]
        let share = part as f64 / whole as f64;
        Ok((whole > 0).then_some(Self(share)))
    }

    /// The number, from 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// What is missing to the whole.
    #[must_use]
    pub fn complement(self) -> Self {
        Self(1.0 - self.0)
    }
}

impl TryFrom<f64> for Share {
    type Error = ValidationError;

    fn try_from(value: f64) -> Result<Self, ValidationError> {
        Self::new(value)
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl fmt::Display for Share {
    /// One decimal of a per cent, or as many as the precision asks for: `{share:.2}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.*} %", f.precision().unwrap_or(1), self.0 * 100.0)
    }
}

impl FromStr for Share {
    type Err = ValidationError;

    /// Reads `0.25` or `25%`.
    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let refuse = || ValidationError::new("share", "must read like `0.25` or `25%`", text);
        let (number, scale) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), 100.0),
            None => (text, 1.0),
        };
        Self::new(number.parse::<f64>().map_err(|_| refuse())? / scale).map_err(|_| refuse())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_share() {
        for wrong in [f64::NAN, f64::INFINITY, -0.1, 1.000_000_1] {
            assert!(Share::new(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "%", "101%", "-1", "NaN", "a"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
        assert!(Share::of(2, 1).is_err());
        assert!(serde_json::from_str::<Share>("1.5").is_err());
    }

    #[test]
    fn minus_zero_is_zero() {
        assert_eq!(Share::new(-0.0).unwrap().get().to_bits(), 0);
    }
}
