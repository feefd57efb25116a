use super::ValueError;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// The longest time a row may hold, far beyond any age in nanoseconds.
pub(super) const LONGEST: f64 = 1e30;

/// How one customer has bought so far: all that a buying model needs to know.
///
/// Times are in the unit of the fit. Made from purchases by [`Summary::buyer`](super::Summary::buyer).
///
/// # Example
/// ```
/// use patronage::value::Buyer;
///
/// let buyer = Buyer::new(2, 30.43, 38.86)?;
/// assert_eq!((buyer.frequency(), buyer.recency(), buyer.age()), (2, 30.43, 38.86));
/// assert!(Buyer::new(2, 40.0, 38.86).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: P. Fader, B. Hardie, K. L. Lee, "Counting your customers the easy way", Marketing Science 24 (2005): x,
/// `t_x` and T.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Buyer {
    frequency: u32,
    recency: f64,
    age: f64,
}

#[derive(Deserialize)]
struct Fields {
    frequency: u32,
    recency: f64,
    age: f64,
}

impl TryFrom<Fields> for Buyer {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.frequency, fields.recency, fields.age)
    }
}

impl Buyer {
    /// Someone who has just bought for the first time.
    pub const NEW: Self = Self { frequency: 0, recency: 0.0, age: 0.0 };

    /// Checks what is known about a customer.
    ///
    /// # Arguments
    /// - `frequency`: how many times they bought again, the first purchase not counted.
    /// - `recency`: the time from their first to their last purchase; 0 for those who never came back.
    /// - `age`: the time from their first purchase until now.
    ///
    /// # Errors
    /// [`ValidationError`] when a time is NaN, infinite, negative or above 1e30, the recency is longer than the age,
    /// or a recency is 0 and the frequency is not, or the other way round.
    pub fn new(frequency: u32, recency: f64, age: f64) -> Result<Self, ValidationError> {
        let time = 0.0..=LONGEST;
        if !time.contains(&recency) {
            return Err(ValidationError::new("buyer.recency", "must lie between 0 and 1e30", recency));
        }
        if !time.contains(&age) {
            return Err(ValidationError::new("buyer.age", "must lie between 0 and 1e30", age));
        }
        if recency > age {
            return Err(ValidationError::new("buyer.recency", "must not be longer than the age", recency));
        }
        if (frequency == 0) != (recency == 0.0) {
            let rule = "must be 0 exactly for those who never came back";
            return Err(ValidationError::new("buyer.recency", rule, recency));
        }
        // Adding zero turns -0 into 0, so that equal buyers have equal bits.
        Ok(Self { frequency, recency: recency + 0.0, age: age + 0.0 })
    }

    /// How many times they bought again.
    pub const fn frequency(self) -> u32 {
        self.frequency
    }

    /// The time from their first to their last purchase.
    pub const fn recency(self) -> f64 {
        self.recency
    }

    /// The time from their first purchase until now.
    pub const fn age(self) -> f64 {
        self.age
    }

    /// The same customer after a further time without a purchase.
    pub(super) fn after_silence(self, silence: f64) -> Self {
        Self { age: (self.age + silence).min(LONGEST), ..self }
    }

    /// The order of likelihoods: by count, then by times.
    pub(super) fn key(&self) -> (u32, u64, u64) {
        // Times are not negative, so the order of their bits is their order.
        (self.frequency, self.recency.to_bits(), self.age.to_bits())
    }
}

/// Many buyers as borrowed columns, checked once.
///
/// # Example
/// ```
/// use patronage::value::{Buyers, ValueError};
///
/// let buyers = Buyers::new(&[2, 0], &[30.43, 0.0], &[38.86, 38.86])?;
/// assert_eq!(buyers.len(), 2);
/// let refused = Buyers::new(&[2, 0], &[30.43, 1.0], &[38.86, 38.86]).unwrap_err();
/// assert!(matches!(refused, ValueError::Row { row: 1, .. }));
/// # Ok::<(), ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Buyers<'a> {
    frequency: &'a [u32],
    recency: &'a [f64],
    age: &'a [f64],
}

impl<'a> Buyers<'a> {
    /// Checks columns of equal length, row by row, by the rules of [`Buyer::new`].
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`], or [`ValueError::Row`] for the first row that is refused.
    ///
    /// # Cost
    /// One pass, no memory.
    pub fn new(frequency: &'a [u32], recency: &'a [f64], age: &'a [f64]) -> Result<Self, ValueError> {
        let expected = frequency.len();
        for (column, found) in [("recency", recency.len()), ("age", age.len())] {
            if found != expected {
                return Err(ValueError::ColumnLength { column, expected, found });
            }
        }
        for (row, ((&frequency, &recency), &age)) in frequency.iter().zip(recency).zip(age).enumerate() {
            Buyer::new(frequency, recency, age).map_err(|rule| ValueError::Row { row, rule })?;
        }
        Ok(Self { frequency, recency, age })
    }

    /// Columns that were made here and hold to the rules.
    pub(super) fn trusted(frequency: &'a [u32], recency: &'a [f64], age: &'a [f64]) -> Self {
        Self { frequency, recency, age }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.frequency.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frequency.is_empty()
    }

    /// The buyers one by one, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Buyer> + Clone + use<'a> {
        // The columns were checked when they were taken in.
        self.frequency.iter().zip(self.recency).zip(self.age).map(|((&frequency, &recency), &age)| Buyer {
            frequency,
            recency: recency + 0.0,
            age: age + 0.0,
        })
    }

    /// The buyers before and from a row on.
    #[cfg(feature = "parallel")]
    pub(super) fn split_at(self, row: usize) -> (Self, Self) {
        let (frequency, recency, age) =
            (self.frequency.split_at(row), self.recency.split_at(row), self.age.split_at(row));
        (Self::trusted(frequency.0, recency.0, age.0), Self::trusted(frequency.1, recency.1, age.1))
    }

    /// Checks that a caller's column has a row for each buyer.
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
    fn refuses_what_cannot_have_happened() {
        for (frequency, recency, age) in [
            (1, f64::NAN, 2.0),
            (1, 1.0, f64::NAN),
            (1, 1.0, f64::INFINITY),
            (1, f64::INFINITY, f64::INFINITY),
            (1, -1.0, 2.0),
            (0, 0.0, -1.0),
            (1, 3.0, 2.0),
            (0, 1.0, 2.0),
            (1, 0.0, 2.0),
            (1, -0.0, 2.0),
            (1, 1.0, 1e31),
        ] {
            assert!(Buyer::new(frequency, recency, age).is_err(), "{frequency} {recency} {age}");
            let columns = ([0, frequency], [0.0, recency], [1.0, age]);
            let refused = Buyers::new(&columns.0, &columns.1, &columns.2).unwrap_err();
            assert!(matches!(refused, ValueError::Row { row: 1, .. }), "{refused}");
        }
        assert_eq!(Buyer::new(0, -0.0, -0.0).unwrap().key(), Buyer::NEW.key());
        assert!(serde_json::from_str::<Buyer>(r#"{"frequency":1,"recency":3.0,"age":2.0}"#).is_err());
    }

    #[test]
    fn refuses_columns_of_other_lengths() {
        let refused = Buyers::new(&[0], &[0.0], &[]).unwrap_err();
        assert_eq!(refused.to_string(), "column age has 0 rows instead of 1");
        assert!(Buyers::new(&[], &[], &[]).unwrap().is_empty());
    }
}
