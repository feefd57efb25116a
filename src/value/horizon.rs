use super::buyer::LONGEST;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// The mean Gregorian year.
const DAYS_OF_YEAR: f64 = 365.2425;

/// The unit in which ages, recencies and horizons are counted, as a number of days.
///
/// A fit does not depend on it but for its scale: P(alive) is the same in days and in weeks.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct TimeUnit(f64);

impl TimeUnit {
    /// One day.
    pub const DAY: Self = Self(1.0);
    /// Seven days.
    pub const WEEK: Self = Self(7.0);
    /// A twelfth of the mean Gregorian year of 365.2425 days.
    pub const MONTH: Self = Self(DAYS_OF_YEAR / 12.0);
    /// The mean Gregorian year of 365.2425 days.
    pub const YEAR: Self = Self(DAYS_OF_YEAR);

    /// A unit of so many days: one second is `1.0 / 86_400.0`.
    ///
    /// # Errors
    /// [`ValidationError`] when the number is not between 1e-15 and 1e6.
    pub fn of_days(days: f64) -> Result<Self, ValidationError> {
        if (1e-15..=1e6).contains(&days) {
            Ok(Self(days))
        } else {
            Err(ValidationError::new("time_unit", "must lie between 1e-15 and 1e6 days", days))
        }
    }

    /// The unit as a number of days.
    pub const fn days(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for TimeUnit {
    type Error = ValidationError;

    fn try_from(days: f64) -> Result<Self, ValidationError> {
        Self::of_days(days)
    }
}

impl From<TimeUnit> for f64 {
    fn from(unit: TimeUnit) -> Self {
        unit.0
    }
}

/// How far ahead to look, in the unit of the fit.
///
/// # Example
/// ```
/// use patronage::value::{Horizon, TimeUnit};
///
/// assert_eq!(Horizon::new(39.0)?.length(), 39.0);
/// let year = Horizon::of(12.0, TimeUnit::MONTH, TimeUnit::WEEK)?;
/// assert!((year.length() - 365.2425 / 7.0).abs() < 1e-12);
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Horizon(f64);

impl Horizon {
    /// A length of time in the unit of the fit.
    ///
    /// # Errors
    /// [`ValidationError`] when it is NaN, negative or above 1e30. There is no infinite horizon.
    pub fn new(length: f64) -> Result<Self, ValidationError> {
        if (0.0..=LONGEST).contains(&length) {
            Ok(Self(length + 0.0))
        } else {
            Err(ValidationError::new("horizon", "must lie between 0 and 1e30", length))
        }
    }

    /// So many of one unit (12 months), for a fit in another unit (weeks).
    ///
    /// # Errors
    /// As [`Horizon::new`].
    pub fn of(count: f64, unit: TimeUnit, unit_of_fit: TimeUnit) -> Result<Self, ValidationError> {
        Self::new(count * (unit.0 / unit_of_fit.0))
    }

    /// A length that was made here and holds to the rules.
    pub(super) const fn trusted(length: f64) -> Self {
        Self(length)
    }

    /// The length in the unit of the fit.
    pub const fn length(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Horizon {
    type Error = ValidationError;

    fn try_from(length: f64) -> Result<Self, ValidationError> {
        Self::new(length)
    }
}

impl From<Horizon> for f64 {
    fn from(horizon: Horizon) -> Self {
        horizon.0
    }
}

/// By how much later money counts less: continuous discounting at a stated effective rate.
///
/// A rate is always given together with its unit of time, because mistaking a yearly for a weekly rate is the most
/// common error with lifetime values.
///
/// # Example
/// ```
/// use patronage::value::{Discount, TimeUnit};
///
/// let discount = Discount::of(0.10, TimeUnit::YEAR, TimeUnit::WEEK)?;
/// let one_year = 365.2425 / 7.0;
/// assert!(((-discount.rate() * one_year).exp() - 1.0 / 1.10).abs() < 1e-12);
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Discount(f64);

impl Discount {
    /// Money counts the same whenever it comes.
    pub const NONE: Self = Self(0.0);

    /// An effective rate (0.10 for ten per cent) for each `per` (usually [`TimeUnit::YEAR`]), for a fit in
    /// `unit_of_fit`.
    ///
    /// # Errors
    /// [`ValidationError`] when the rate is not between 0 and 1,000,000.
    pub fn of(rate: f64, per: TimeUnit, unit_of_fit: TimeUnit) -> Result<Self, ValidationError> {
        if (0.0..=1e6).contains(&rate) {
            Ok(Self(libm::log1p(rate) * (unit_of_fit.0 / per.0)))
        } else {
            Err(ValidationError::new("discount", "must lie between 0 and 1e6", rate))
        }
    }

    /// The continuous rate for each unit of the fit: money after a time t counts `e^(-rate t)`.
    pub const fn rate(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Discount {
    type Error = ValidationError;

    fn try_from(rate: f64) -> Result<Self, ValidationError> {
        if (0.0..=LONGEST).contains(&rate) {
            Ok(Self(rate + 0.0))
        } else {
            Err(ValidationError::new("discount", "must lie between 0 and 1e30", rate))
        }
    }
}

impl From<Discount> for f64 {
    fn from(discount: Discount) -> Self {
        discount.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_times_and_rates_that_are_none() {
        for wrong in [f64::NAN, f64::INFINITY, -1.0, 1e31] {
            assert!(Horizon::new(wrong).is_err() && Discount::try_from(wrong).is_err(), "{wrong}");
            assert!(TimeUnit::of_days(wrong).is_err(), "{wrong}");
            assert!(Discount::of(wrong, TimeUnit::YEAR, TimeUnit::DAY).is_err(), "{wrong}");
            assert!(Horizon::of(wrong, TimeUnit::DAY, TimeUnit::WEEK).is_err(), "{wrong}");
        }
        assert!(TimeUnit::of_days(0.0).is_err());
        assert!(serde_json::from_str::<Horizon>("-1.0").is_err());
        assert_eq!(serde_json::to_string(&Discount::NONE).unwrap(), "0.0");
    }
}
