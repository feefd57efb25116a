use super::Share;
use crate::money::Money;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An estimated number with the interval it is believed to lie in and the number of observations behind it.
///
/// # Example
/// ```
/// use patronage::{Estimate, Share};
///
/// let kept = Estimate::new(0.92, 0.88, 0.95, Share::new(0.95)?, 212)?;
/// assert_eq!(kept.to_string(), "0.92 [0.88, 0.95] (95.0 %, n = 212)");
/// assert!(Estimate::new(0.92, 0.95, 0.88, Share::new(0.95)?, 212).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    try_from = "Parts<T>",
    bound(deserialize = "T: Deserialize<'de> + Quantity + PartialOrd + Copy + fmt::Display")
)]
pub struct Estimate<T = f64> {
    value: T,
    lower: T,
    upper: T,
    level: Share,
    n: u64,
}

#[derive(Deserialize)]
struct Parts<T> {
    value: T,
    lower: T,
    upper: T,
    level: Share,
    n: u64,
}

/// What can be estimated: plain numbers and money. Sealed.
pub trait Quantity: sealed::Sealed {
    /// Whether the quantity is a real amount, neither NaN nor infinite.
    fn is_finite(&self) -> bool;
}

impl Quantity for f64 {
    fn is_finite(&self) -> bool {
        f64::is_finite(*self)
    }
}

impl Quantity for Money {
    fn is_finite(&self) -> bool {
        true
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for f64 {}
    impl Sealed for crate::money::Money {}
}

impl<T: Quantity + PartialOrd + Copy + fmt::Display> TryFrom<Parts<T>> for Estimate<T> {
    type Error = ValidationError;

    fn try_from(parts: Parts<T>) -> Result<Self, ValidationError> {
        Self::new(parts.value, parts.lower, parts.upper, parts.level, parts.n)
    }
}

impl<T: Quantity + PartialOrd + Copy + fmt::Display> Estimate<T> {
    /// An estimate `value` that lies in `lower..=upper` with confidence `level`, from `n` observations.
    ///
    /// # Errors
    /// [`ValidationError`] when a number is not finite, the bounds do not enclose the value, or amounts of money
    /// are of different currencies.
    pub fn new(value: T, lower: T, upper: T, level: Share, n: u64) -> Result<Self, ValidationError> {
        for (field, number) in
            [("estimate.value", value), ("estimate.lower", lower), ("estimate.upper", upper)]
        {
            if !number.is_finite() {
                return Err(ValidationError::new(field, "must be finite", number));
            }
        }
        if lower <= value && value <= upper {
            Ok(Self { value, lower, upper, level, n })
        } else {
            let shown = format!("{lower} <= {value} <= {upper}");
            Err(ValidationError::new("estimate", "must lie within its bounds", shown))
        }
    }
}

impl<T: Copy> Estimate<T> {
    /// The estimate itself.
    pub const fn value(&self) -> T {
        self.value
    }

    /// The lower end of the interval.
    pub const fn lower(&self) -> T {
        self.lower
    }

    /// The upper end of the interval.
    pub const fn upper(&self) -> T {
        self.upper
    }

    /// How often such intervals enclose the truth, for example 0.95.
    pub const fn level(&self) -> Share {
        self.level
    }

    /// How many observations the estimate rests on.
    pub const fn n(&self) -> u64 {
        self.n
    }
}

impl<T: fmt::Display> fmt::Display for Estimate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, lower, upper, level, n } = self;
        match f.precision() {
            Some(digits) => {
                write!(f, "{value:.digits$} [{lower:.digits$}, {upper:.digits$}] ({level}, n = {n})")
            }
            None => write!(f, "{value} [{lower}, {upper}] ({level}, n = {n})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn refuses_what_encloses_nothing() {
        let level = Share::ONE;
        assert!(Estimate::new(f64::NAN, 0.0, 1.0, level, 1).is_err());
        assert!(Estimate::new(0.5, 0.0, f64::INFINITY, level, 1).is_err());
        assert!(Estimate::new(2.0, 0.0, 1.0, level, 1).is_err());
        let (euro, yen) = (Money::new(1, Currency::EUR), Money::new(1, Currency::JPY));
        assert!(Estimate::new(euro, yen, euro, level, 1).is_err());
        let text = r#"{"value":2.0,"lower":0.0,"upper":1.0,"level":0.95,"n":1}"#;
        assert!(serde_json::from_str::<Estimate>(text).is_err());
        assert!(serde_json::from_str::<Estimate>(&text.replace("2.0", "0.5")).is_ok());
    }
}
