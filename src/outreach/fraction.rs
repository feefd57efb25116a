use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A threshold that counts are held against exactly, as two whole numbers: 8 of 10 is at least `0.8`, which a division of
/// floating-point numbers does not always see.
///
/// # Example
/// ```
/// use patronage::outreach::Fraction;
///
/// let four_fifths: Fraction = "0.8".parse()?;
/// assert_eq!(four_fifths, Fraction::new(8, 10)?);
/// assert!(four_fifths.is_reached_by(8, 10) && !four_fifths.is_reached_by(7, 9));
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Fraction {
    part: u32,
    whole: u32,
}

impl TryFrom<(u32, u32)> for Fraction {
    type Error = ValidationError;

    fn try_from((part, whole): (u32, u32)) -> Result<Self, ValidationError> {
        Self::new(part, whole)
    }
}

impl From<Fraction> for (u32, u32) {
    fn from(fraction: Fraction) -> Self {
        (fraction.part, fraction.whole)
    }
}

impl Fraction {
    /// A part of a whole, in lowest terms.
    ///
    /// # Errors
    /// [`ValidationError`] when the whole is 0 or smaller than the part.
    pub fn new(part: u32, whole: u32) -> Result<Self, ValidationError> {
        if whole == 0 || part > whole {
            let rule = "must be a part of a whole above 0";
            return Err(ValidationError::new("fraction", rule, format!("{part} of {whole}")));
        }
        let (mut divisor, mut rest) = (whole, part);
        while rest > 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        Ok(Self { part: part / divisor, whole: whole / divisor })
    }

    /// Whether so many of so many are at least this part of them.
    pub const fn is_reached_by(self, count: u32, of: u32) -> bool {
        count as u64 * self.whole as u64 >= of as u64 * self.part as u64
    }

    /// The smallest count out of so many that reaches it.
    pub fn least_of(self, all: u32) -> u32 {
        let least = (u64::from(all) * u64::from(self.part)).div_ceil(u64::from(self.whole));
        u32::try_from(least).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.whole)
    }
}

impl FromStr for Fraction {
    type Err = ValidationError;

    /// Reads a decimal number such as `0.001`, exactly, to nine decimals; or `1/3`.
    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let refuse = || ValidationError::new("fraction", "must read like `0.8` or `4/5`", text);
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|_| plain)
        };
        if let Some((part, whole)) = text.split_once('/') {
            return Self::new(number(part).ok_or_else(refuse)?, number(whole).ok_or_else(refuse)?);
        }
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let scale = u32::try_from(decimals.len()).ok().and_then(|digits| 10_u32.checked_pow(digits));
        let scale = scale.ok_or_else(refuse)?;
        let units = number(whole).and_then(|whole| whole.checked_mul(scale)).ok_or_else(refuse)?;
        let part = number(decimals).and_then(|part| part.checked_add(units)).ok_or_else(refuse)?;
        Self::new(part, scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_exactly() {
        let of = |part, whole| Fraction::new(part, whole).unwrap();
        for (text, expected) in [("0.001", of(1, 1000)), ("1", of(1, 1)), ("0", of(0, 7)), ("2/6", of(1, 3))]
        {
            assert_eq!(text.parse::<Fraction>().unwrap(), expected);
        }
        for wrong in ["", ".5", "0.", "1.1", "-0.1", "1/0", "3/2", "0.12345678901", "+1", "NaN"] {
            assert!(wrong.parse::<Fraction>().is_err(), "{wrong}");
        }
        assert_eq!(of(1, 1000).least_of(9835), 10);
    }
}
