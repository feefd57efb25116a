use crate::money::{Currency, MoneyError};
use crate::validation::ValidationError;

/// Why experiences could not be taken or counted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PainError {
    /// Contacts of one customer go back in time.
    #[error("contact {contact} of the customer is earlier than the one before it")]
    ContactsOutOfOrder {
        /// The first one that is earlier than its predecessor, counted from 0.
        contact: usize,
    },
    /// Purchase days of one customer go back in time.
    #[error("purchase {purchase} of the customer is on an earlier day than the one before it")]
    PurchasesOutOfOrder {
        /// The first one that is earlier than its predecessor, counted from 0.
        purchase: usize,
    },
    /// A customer's value is in another currency than the map counts in.
    #[error("the map counts in {expected}, but a customer's value is in {found}")]
    DifferentCurrency {
        /// The currency of the map.
        expected: Currency,
        /// The currency of the value.
        found: Currency,
    },
    /// There are more pairs of stage and touch point than a map keeps.
    #[error(
        "a map keeps at most {limit} pairs of stage and touch point; are touch points made from free text?"
    )]
    TooManyPlaces {
        /// How many it keeps.
        limit: usize,
    },
    /// Two maps do not count the same thing.
    #[error("the maps differ in their {part}")]
    DifferentMaps {
        /// What differs: `rules`, `as_of` or `currency`.
        part: &'static str,
    },
    /// A column does not fit the others.
    #[error("column `{column}` holds {found} rows where {expected} are needed")]
    ColumnLength {
        /// The column.
        column: &'static str,
        /// How many rows it must have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// Offsets do not begin at 0, do not ascend, or do not end where their column does.
    #[error("column `{column}`: offset {offset} is out of place")]
    Offset {
        /// The column of offsets.
        column: &'static str,
        /// The first wrong one, counted from 0.
        offset: usize,
    },
    /// A column holds a number that is no probability.
    #[error("column `p_alive`: row {row} is no probability, got {value}")]
    NoProbability {
        /// The first such row, counted from 0.
        row: usize,
        /// What it holds.
        value: f64,
    },
    /// One of many customers was refused.
    #[error("customer {customer}")]
    Customer {
        /// The customer, counted from 0 in the order of the input.
        customer: usize,
        /// Why.
        source: Box<PainError>,
    },
    /// Values at risk do not fit into an amount of money.
    #[error("the value at risk cannot be computed")]
    Money(#[from] MoneyError),
    /// A figure of a report cannot be stated.
    #[error("a figure cannot be stated")]
    Figure(#[from] ValidationError),
}

impl PainError {
    pub(super) fn of_customer(self, customer: usize) -> Self {
        Self::Customer { customer, source: Box::new(self) }
    }
}
