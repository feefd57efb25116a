use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// What it costs to serve a customer for each purchase they make: calls, chats, visits.
///
/// # Example
/// ```
/// use patronage::value::CostToServe;
///
/// assert_eq!(CostToServe::new(250.0)?.per_purchase(), 250.0);
/// assert!(CostToServe::new(-1.0).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct CostToServe(f64);

impl CostToServe {
    /// Serving costs nothing.
    pub const NONE: Self = Self(0.0);

    /// A cost for each purchase, in the unit of the spend (minor units, when that was fitted to those).
    ///
    /// # Errors
    /// [`ValidationError`] when it is negative or above 1e30.
    pub fn new(per_purchase: f64) -> Result<Self, ValidationError> {
        if (0.0..=1e30).contains(&per_purchase) {
            // Adding nothing makes a negative zero a plain one.
            Ok(Self(per_purchase + 0.0))
        } else {
            Err(ValidationError::new("cost_to_serve", "must lie between 0 and 1e30", per_purchase))
        }
    }

    /// The cost for each purchase.
    pub const fn per_purchase(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for CostToServe {
    type Error = ValidationError;

    fn try_from(per_purchase: f64) -> Result<Self, ValidationError> {
        Self::new(per_purchase)
    }
}

impl From<CostToServe> for f64 {
    fn from(cost: CostToServe) -> Self {
        cost.0
    }
}
