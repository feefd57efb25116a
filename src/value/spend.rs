use super::ValueError;
use super::buyer::LONGEST;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Whether a customer's first purchase counts into their mean spend.
    ///
    /// The literature leaves it out: first purchases are often larger or smaller than later ones, and the mean is wanted
    /// of those to come. With it, one-time buyers tell something about spend too.
    #[derive(Default)]
    "first_purchase" FirstPurchase {
        /// The mean is over repeat purchases.
        #[default]
        Excluded = "excluded",
        /// The mean is over all purchases.
        Included = "included",
    }
}

/// What one customer has spent on average each time they bought again.
///
/// The mean is over repeat purchases only, unless the first purchase is [included](FirstPurchase::Included); in any
/// unit of money: minor units when made by [`Summary::spend`](super::Summary::spend). For those of whom no purchase
/// counts both numbers are 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct RepeatSpend {
    frequency: u32,
    mean: f64,
}

#[derive(Deserialize)]
struct Fields {
    frequency: u32,
    mean: f64,
}

impl TryFrom<Fields> for RepeatSpend {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.frequency, fields.mean)
    }
}

impl RepeatSpend {
    /// Someone who has not bought again.
    pub const NONE: Self = Self { frequency: 0, mean: 0.0 };

    /// Checks what a customer spent on their repeat purchases.
    ///
    /// # Errors
    /// [`ValidationError`] when the mean is NaN, infinite, negative or above 1e30, or is not 0 for someone who never
    /// came back.
    pub fn new(frequency: u32, mean: f64) -> Result<Self, ValidationError> {
        if !(0.0..=LONGEST).contains(&mean) {
            return Err(ValidationError::new("repeat_spend.mean", "must lie between 0 and 1e30", mean));
        }
        if frequency == 0 && mean != 0.0 {
            let rule = "must be 0 for those who never came back";
            return Err(ValidationError::new("repeat_spend.mean", rule, mean));
        }
        Ok(Self { frequency, mean: mean + 0.0 })
    }

    /// How many purchases the mean is over.
    pub const fn frequency(self) -> u32 {
        self.frequency
    }

    /// The mean spend of a purchase.
    pub const fn mean(self) -> f64 {
        self.mean
    }
}

/// The repeat spend of many customers as borrowed columns, checked once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RepeatSpends<'a> {
    frequency: &'a [u32],
    mean: &'a [f64],
}

impl<'a> RepeatSpends<'a> {
    /// Checks columns of equal length, row by row, by the rules of [`RepeatSpend::new`].
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`], or [`ValueError::Row`] for the first row that is refused.
    pub fn new(frequency: &'a [u32], mean: &'a [f64]) -> Result<Self, ValueError> {
        if mean.len() != frequency.len() {
            let (expected, found) = (frequency.len(), mean.len());
            return Err(ValueError::ColumnLength { column: "mean", expected, found });
        }
        for (row, (&frequency, &mean)) in frequency.iter().zip(mean).enumerate() {
            RepeatSpend::new(frequency, mean).map_err(|rule| ValueError::Row { row, rule })?;
        }
        Ok(Self { frequency, mean })
    }

    /// Columns that were made here and hold to the rules.
    pub(super) fn trusted(frequency: &'a [u32], mean: &'a [f64]) -> Self {
        Self { frequency, mean }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.frequency.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frequency.is_empty()
    }

    /// The rows one by one, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RepeatSpend> + Clone + use<'a> {
        self.frequency
            .iter()
            .zip(self.mean)
            .map(|(&frequency, &mean)| RepeatSpend { frequency, mean: mean + 0.0 })
    }

    /// The rows before and from a row on.
    #[cfg(feature = "parallel")]
    pub(super) fn split_at(self, row: usize) -> (Self, Self) {
        let (frequency, mean) = (self.frequency.split_at(row), self.mean.split_at(row));
        (Self::trusted(frequency.0, mean.0), Self::trusted(frequency.1, mean.1))
    }

    /// Checks that a caller's column has a row for each customer.
    pub(super) fn fits(&self, column: &'static str, found: usize) -> Result<(), ValueError> {
        if found == self.len() {
            Ok(())
        } else {
            Err(ValueError::ColumnLength { column, expected: self.len(), found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_have_been_spent() {
        for (frequency, mean) in
            [(1, f64::NAN), (1, f64::INFINITY), (1, -1.0), (0, 1.0), (1, f64::NEG_INFINITY)]
        {
            assert!(RepeatSpend::new(frequency, mean).is_err(), "{frequency} {mean}");
            let refused = RepeatSpends::new(&[0, frequency], &[0.0, mean]).unwrap_err();
            assert!(matches!(refused, ValueError::Row { row: 1, .. }), "{refused}");
        }
        assert!(RepeatSpends::new(&[1], &[]).is_err());
        assert!(serde_json::from_str::<RepeatSpend>(r#"{"frequency":0,"mean":2.0}"#).is_err());
    }
}
