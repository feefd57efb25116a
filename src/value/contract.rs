use super::ValueError;
use serde::{Deserialize, Serialize};

/// How one contract has gone so far: how many times it was renewed, and whether it has ended.
///
/// A contract is paid for period by period, and at the end of each its customer renews it or is lost: a subscription, a
/// membership, an insurance. Unlike a [`Buyer`](super::Buyer) the customer cannot leave unnoticed.
///
/// # Example
/// ```
/// use patronage::value::Contract;
///
/// // Lost at the end of the first period: the papers' churn in period 1.
/// assert_eq!(Contract::ended(0).renewals(), 0);
/// assert!(Contract::ended(0).is_ended() && !Contract::running(7).is_ended());
/// ```
///
/// Source: P. Fader, B. Hardie, "How to project customer retention", Journal of Interactive Marketing 21 (2007).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Contract {
    renewals: u32,
    ended: bool,
}

impl Contract {
    /// A contract that has just begun.
    pub const NEW: Self = Self::running(0);

    /// A contract that was renewed so many times and still runs.
    pub const fn running(renewals: u32) -> Self {
        Self { renewals, ended: false }
    }

    /// A contract that was renewed so many times and then not again: its customer paid for one period more than that.
    pub const fn ended(renewals: u32) -> Self {
        Self { renewals, ended: true }
    }

    /// How many times it was renewed.
    pub const fn renewals(self) -> u32 {
        self.renewals
    }

    /// Whether its customer is lost.
    pub const fn is_ended(self) -> bool {
        self.ended
    }
}

/// Many contracts as borrowed columns, their lengths checked once.
///
/// # Example
/// ```
/// use patronage::value::{Contract, Contracts};
///
/// let contracts = Contracts::new(&[7, 0], &[false, true])?;
/// assert!(contracts.iter().eq([Contract::running(7), Contract::ended(0)]));
/// # Ok::<(), patronage::value::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contracts<'a> {
    renewals: &'a [u32],
    ended: &'a [bool],
}

impl<'a> Contracts<'a> {
    /// Contracts by how many times each was renewed, and whether it has ended.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`].
    pub fn new(renewals: &'a [u32], ended: &'a [bool]) -> Result<Self, ValueError> {
        let (expected, found) = (renewals.len(), ended.len());
        if found == expected {
            Ok(Self { renewals, ended })
        } else {
            Err(ValueError::ColumnLength { column: "ended", expected, found })
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.renewals.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.renewals.is_empty()
    }

    /// The contracts one by one, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Contract> + Clone + use<'a> {
        self.renewals.iter().zip(self.ended).map(|(&renewals, &ended)| Contract { renewals, ended })
    }

    /// Checks that a caller's column has a row for each contract.
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
    fn refuses_columns_of_other_lengths() {
        let refused = Contracts::new(&[0], &[]).unwrap_err();
        assert_eq!(refused.to_string(), "column ended has 0 rows instead of 1");
        assert!(Contracts::new(&[], &[]).unwrap().is_empty());
        assert_eq!(Contracts::new(&[1, 2], &[true, false]).unwrap().len(), 2);
    }
}
