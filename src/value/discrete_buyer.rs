use super::ValueError;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// The most opportunities a row may hold.
const MOST: u32 = 1_000_000;

/// How one customer has used their opportunities to buy so far: all that [`BgBb`](super::BgBb) needs to know.
///
/// An opportunity comes once in each period, and is used or not: a yearly appeal for donations, a monthly box, a cruise
/// season, a conference. Where customers may buy at any time, [`Buyer`](super::Buyer) is the row to use: the recency
/// of that one is a length of time and this one the number of an opportunity, so that neither can be mistaken for the
/// other.
///
/// # Example
/// ```
/// use patronage::value::DiscreteBuyer;
///
/// // Asked in each of six years, gave in the first, the second and the fourth.
/// let donor = DiscreteBuyer::new(3, 4, 6)?;
/// assert_eq!((donor.frequency(), donor.recency(), donor.opportunities()), (3, 4, 6));
/// assert!(DiscreteBuyer::new(5, 4, 6).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: P. Fader, B. Hardie, J. Shang, "Customer-base analysis in a discrete-time noncontractual setting", Marketing
/// Science 29 (2010): x, `t_x` and n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct DiscreteBuyer {
    frequency: u32,
    recency: u32,
    opportunities: u32,
}

#[derive(Deserialize)]
struct Fields {
    frequency: u32,
    recency: u32,
    opportunities: u32,
}

impl TryFrom<Fields> for DiscreteBuyer {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.frequency, fields.recency, fields.opportunities)
    }
}

impl DiscreteBuyer {
    /// Someone who has just become a customer and had no further opportunity yet.
    pub const NEW: Self = Self { frequency: 0, recency: 0, opportunities: 0 };

    /// Checks what is known about a customer.
    ///
    /// # Arguments
    /// - `frequency`: how many of the opportunities they bought at; what made them a customer is not counted.
    /// - `recency`: the number of the last opportunity they bought at, the first being 1; 0 for those who never did.
    /// - `opportunities`: how many they have had.
    ///
    /// # Errors
    /// [`ValidationError`] when there are more than 1,000,000 opportunities, the recency is beyond the last of them, the
    /// frequency is above the recency, or one of both is 0 and the other is not.
    pub fn new(frequency: u32, recency: u32, opportunities: u32) -> Result<Self, ValidationError> {
        if opportunities > MOST {
            let rule = "must be at most 1,000,000";
            return Err(ValidationError::new("discrete_buyer.opportunities", rule, opportunities));
        }
        if recency > opportunities {
            let rule = "must not be later than the last opportunity";
            return Err(ValidationError::new("discrete_buyer.recency", rule, recency));
        }
        if frequency > recency {
            let rule = "must not be above the opportunities until the last purchase";
            return Err(ValidationError::new("discrete_buyer.frequency", rule, frequency));
        }
        if (frequency == 0) != (recency == 0) {
            let rule = "must be 0 exactly for those who never bought again";
            return Err(ValidationError::new("discrete_buyer.recency", rule, recency));
        }
        Ok(Self { frequency, recency, opportunities })
    }

    /// How many of the opportunities they bought at.
    pub const fn frequency(self) -> u32 {
        self.frequency
    }

    /// The number of the last opportunity they bought at; 0 for those who never did.
    pub const fn recency(self) -> u32 {
        self.recency
    }

    /// How many opportunities they have had.
    pub const fn opportunities(self) -> u32 {
        self.opportunities
    }
}

/// Many customers with opportunities as borrowed columns, checked once.
///
/// # Example
/// ```
/// use patronage::value::{DiscreteBuyers, ValueError};
///
/// let donors = DiscreteBuyers::new(&[3, 0], &[4, 0], &[6, 6])?;
/// assert_eq!(donors.len(), 2);
/// let refused = DiscreteBuyers::new(&[3, 0], &[4, 1], &[6, 6]).unwrap_err();
/// assert!(matches!(refused, ValueError::Row { row: 1, .. }));
/// # Ok::<(), ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscreteBuyers<'a> {
    frequency: &'a [u32],
    recency: &'a [u32],
    opportunities: &'a [u32],
}

impl<'a> DiscreteBuyers<'a> {
    /// Checks columns of equal length, row by row, by the rules of [`DiscreteBuyer::new`].
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`], or [`ValueError::Row`] for the first row that is refused.
    ///
    /// # Cost
    /// One pass, no memory.
    pub fn new(
        frequency: &'a [u32],
        recency: &'a [u32],
        opportunities: &'a [u32],
    ) -> Result<Self, ValueError> {
        let expected = frequency.len();
        for (column, found) in [("recency", recency.len()), ("opportunities", opportunities.len())] {
            if found != expected {
                return Err(ValueError::ColumnLength { column, expected, found });
            }
        }
        let columns = Self { frequency, recency, opportunities };
        for (row, buyer) in columns.iter().enumerate() {
            DiscreteBuyer::new(buyer.frequency, buyer.recency, buyer.opportunities)
                .map_err(|rule| ValueError::Row { row, rule })?;
        }
        Ok(columns)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.frequency.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frequency.is_empty()
    }

    /// The customers one by one, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = DiscreteBuyer> + Clone + use<'a> {
        self.frequency.iter().zip(self.recency).zip(self.opportunities).map(
            |((&frequency, &recency), &opportunities)| DiscreteBuyer { frequency, recency, opportunities },
        )
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
    fn refuses_what_cannot_have_happened() {
        for (frequency, recency, opportunities) in
            [(0, 0, 1_000_001), (1, 7, 6), (5, 4, 6), (0, 1, 6), (1, 0, 6), (u32::MAX, u32::MAX, u32::MAX)]
        {
            let refused = DiscreteBuyer::new(frequency, recency, opportunities);
            assert!(refused.is_err(), "{frequency} {recency} {opportunities}");
            let columns = ([0, frequency], [0, recency], [6, opportunities]);
            let refused = DiscreteBuyers::new(&columns.0, &columns.1, &columns.2).unwrap_err();
            assert!(matches!(refused, ValueError::Row { row: 1, .. }), "{refused}");
        }
        assert!(DiscreteBuyer::new(1_000_000, 1_000_000, 1_000_000).is_ok());
        assert_eq!(DiscreteBuyer::new(0, 0, 0), Ok(DiscreteBuyer::NEW));
        let text = r#"{"frequency":5,"recency":4,"opportunities":6}"#;
        assert!(serde_json::from_str::<DiscreteBuyer>(text).is_err());
        assert!(serde_json::from_str::<DiscreteBuyer>(&text.replace('5', "3")).is_ok());
    }

    #[test]
    fn refuses_columns_of_other_lengths() {
        let refused = DiscreteBuyers::new(&[0], &[0], &[]).unwrap_err();
        assert_eq!(refused.to_string(), "column opportunities has 0 rows instead of 1");
        assert!(DiscreteBuyers::new(&[0], &[], &[0]).is_err());
        assert!(DiscreteBuyers::new(&[], &[], &[]).unwrap().is_empty());
    }
}
