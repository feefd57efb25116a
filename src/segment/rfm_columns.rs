use super::RfmRow;

/// Why columns of customers could not be scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RfmError {
    /// A column is shorter or longer than the first one.
    #[error("column `{column}` holds {found} rows where the first one holds {expected}")]
    ColumnLength {
        /// The column that differs.
        column: &'static str,
        /// How many rows the first column has.
        expected: usize,
        /// How many rows this column has.
        found: usize,
    },
    /// A customer bought after the day the recency is counted from.
    #[error(
        "row {row}: `recency_days` must not be negative (a purchase lies in the future), got {recency_days}"
    )]
    NegativeRecency {
        /// The first such row, counted from 0.
        row: usize,
        /// Its recency.
        recency_days: i32,
    },
    /// There are too few customers to find break points from.
    #[error("break points need at least {need} customers, got {have}")]
    TooFew {
        /// How many are needed.
        need: usize,
        /// How many there are.
        have: usize,
    },
    /// Break points do not ascend.
    #[error("break points of `{column}` must not descend, but number {place} does")]
    BreaksDescend {
        /// The axis.
        column: &'static str,
        /// The first one below its predecessor, counted from 1.
        place: usize,
    },
    /// The history is too short.
    #[error("scores need at least {need} days of history, got {have}")]
    ShortHistory {
        /// How many days are needed.
        need: u32,
        /// How many there are.
        have: u32,
    },
    /// Nobody bought lately: the data may have ended.
    #[error("somebody must have bought within {within} days, but the last purchase is {last} days ago")]
    NothingRecent {
        /// Within how many days.
        within: u32,
        /// How many days ago the last purchase was.
        last: i32,
    },
    /// A number stands for no customer.
    #[error("row {row}: there is no customer {customer}")]
    UnknownCustomer {
        /// The first such row, counted from 0.
        row: usize,
        /// The number.
        customer: u32,
    },
    /// The sums of a customer do not fit: the spend into 64 bits, or the purchases into 32.
    #[error("customer {customer}: spend must fit into 64 bits and purchases into 32")]
    TooLarge {
        /// The customer.
        customer: u32,
    },
    /// A row lies after the day from which recency is counted.
    #[error("rows go to day {last}, after day {as_of} from which recency is counted")]
    AfterAsOf {
        /// The latest day of all rows, in days since 1970-01-01.
        last: i32,
        /// The day of the summary.
        as_of: i32,
    },
    /// A last purchase is more days ago than fit into 32 bits.
    #[error("customer {customer}: the last purchase is more than 2,147,483,647 days ago")]
    TooLongAgo {
        /// The customer.
        customer: u32,
    },
    /// Two customers have one tie key, so that their order would be that of the file.
    #[error("rows {first} and {second} have the same tie key")]
    EqualTieKeys {
        /// One row, counted from 0.
        first: usize,
        /// The other.
        second: usize,
    },
}

/// Many customers as three borrowed columns of equal length.
///
/// Lengths and recencies are checked once, here; scoring cannot fail afterwards.
///
/// # Example
/// ```
/// use patronage::segment::{RfmColumns, RfmError};
///
/// let columns = RfmColumns::new(&[12, 400], &[3, 1], &[99_00, 10_00])?;
/// assert_eq!(columns.len(), 2);
///
/// let refused = RfmColumns::new(&[12, 400], &[3], &[99_00, 10_00]).unwrap_err();
/// assert_eq!(refused, RfmError::ColumnLength { column: "purchases", expected: 2, found: 1 });
/// let refused = RfmColumns::new(&[12, -4], &[3, 1], &[99_00, 10_00]).unwrap_err();
/// assert_eq!(refused, RfmError::NegativeRecency { row: 1, recency_days: -4 });
/// # Ok::<(), RfmError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RfmColumns<'a> {
    recency_days: &'a [i32],
    purchases: &'a [u32],
    spend_minor: &'a [i64],
}

impl<'a> RfmColumns<'a> {
    /// Checks and borrows the columns; units as in [`RfmRow::new`]. No column may be longer than another, and none is
    /// copied.
    ///
    /// # Errors
    /// [`RfmError::ColumnLength`] when the lengths differ, [`RfmError::NegativeRecency`] for the first negative recency.
    pub fn new(
        recency_days: &'a [i32],
        purchases: &'a [u32],
        spend_minor: &'a [i64],
    ) -> Result<Self, RfmError> {
        let expected = recency_days.len();
        for (column, found) in [("purchases", purchases.len()), ("spend_minor", spend_minor.len())] {
            if found != expected {
                return Err(RfmError::ColumnLength { column, expected, found });
            }
        }
        // The least of all needs no branch for each row; the search runs only where there is something to find.
        if recency_days.iter().copied().min().is_some_and(|least| least < 0) {
            let negative = recency_days.iter().copied().enumerate().find(|&(_, days)| days < 0);
            if let Some((row, recency_days)) = negative {
                return Err(RfmError::NegativeRecency { row, recency_days });
            }
        }
        Ok(Self { recency_days, purchases, spend_minor })
    }

    /// Columns of one length without a negative recency.
    pub(super) const fn checked(
        recency_days: &'a [i32],
        purchases: &'a [u32],
        spend_minor: &'a [i64],
    ) -> Self {
        Self { recency_days, purchases, spend_minor }
    }

    /// How many customers there are.
    pub const fn len(&self) -> usize {
        self.recency_days.len()
    }

    /// Whether there are no customers.
    pub const fn is_empty(&self) -> bool {
        self.recency_days.is_empty()
    }

    /// Days since the last purchase, a row each.
    pub const fn recency_days(&self) -> &'a [i32] {
        self.recency_days
    }

    /// Numbers of purchases, a row each.
    pub const fn purchases(&self) -> &'a [u32] {
        self.purchases
    }

    /// Spend in minor units, a row each.
    pub const fn spend_minor(&self) -> &'a [i64] {
        self.spend_minor
    }

    /// The customers as rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = RfmRow> + Clone + use<'a> {
        let money = self.purchases.iter().zip(self.spend_minor);
        self.recency_days
            .iter()
            .zip(money)
            .map(|(&recency_days, (&purchases, &spend))| RfmRow::checked(recency_days, purchases, spend))
    }
}
