use super::SimulateError;
use crate::customer::CustomerId;
use crate::period::Period;
use chrono::{DateTime, Utc};

/// The lean facts of one customer that a life is drawn around: who, when they bought, and when they were watched.
///
/// A customer without purchases is a prospect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buyer<'a> {
    customer: CustomerId,
    purchases: &'a [DateTime<Utc>],
    observed: Period,
}

impl<'a> Buyer<'a> {
    /// A customer with their purchases in order of time, all within the time they were observed.
    ///
    /// Begin the observation some weeks before the first purchase, and there is room for what led to it.
    ///
    /// # Errors
    /// [`SimulateError::Unordered`] and [`SimulateError::Unobserved`], with the position of the purchase.
    ///
    /// # Cost
    /// O(purchases); the purchases are borrowed.
    ///
    /// # Example
    /// ```
    /// use patronage::Period;
    /// use patronage::customer::CustomerId;
    /// use patronage::simulate::Buyer;
    ///
    /// let observed = Period::new("1996-10-01T00:00:00Z".parse()?, "1998-07-01T00:00:00Z".parse()?)?;
    /// let days = ["1997-01-01T00:00:00Z".parse()?, "1997-01-18T00:00:00Z".parse()?];
    /// let customer = CustomerId::derive(&["cdnow", "00004"]);
    /// assert_eq!(Buyer::new(customer, &days, observed)?.purchases().len(), 2);
    /// let reversed = [days[1], days[0]];
    /// assert!(Buyer::new(customer, &reversed, observed).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        customer: CustomerId,
        purchases: &'a [DateTime<Utc>],
        observed: Period,
    ) -> Result<Self, SimulateError> {
        let mut last = None;
        for (index, &at) in purchases.iter().enumerate() {
            if !observed.contains(at) {
                return Err(SimulateError::Unobserved { customer, index });
            }
            if last.is_some_and(|last| at < last) {
                return Err(SimulateError::Unordered { customer, index });
            }
            last = Some(at);
        }
        Ok(Self { customer, purchases, observed })
    }

    /// Facts that were drawn in order and within the period.
    pub(super) const fn trusted(
        customer: CustomerId,
        purchases: &'a [DateTime<Utc>],
        observed: Period,
    ) -> Self {
        Self { customer, purchases, observed }
    }

    /// Who it is.
    pub const fn customer(&self) -> CustomerId {
        self.customer
    }

    /// When they bought, in order of time.
    pub const fn purchases(&self) -> &'a [DateTime<Utc>] {
        self.purchases
    }

    /// When they were watched: nothing is drawn outside it.
    pub const fn observed(&self) -> Period {
        self.observed
    }

    /// How many of the purchases were made by an instant in microseconds.
    pub(super) fn bought_by(&self, at: i64) -> usize {
        self.purchases.partition_point(|purchase| purchase.timestamp_micros() <= at)
    }
}
