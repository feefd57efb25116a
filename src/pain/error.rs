use crate::money::{Currency, MoneyError};
use crate::tag::Tag;
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
    /// A table of drivers has no columns.
    #[error("there are no drivers")]
    NoDrivers,
    /// Two columns have one name.
    #[error("driver `{driver}` comes more than once")]
    RepeatedDriver {
        /// The name.
        driver: Tag,
    },
    /// The table has no such column.
    #[error("there is no driver `{driver}`")]
    UnknownDriver {
        /// The name asked for.
        driver: Tag,
    },
    /// A column of a table of drivers does not fit the first one.
    #[error("driver `{driver}` has {found} rows where {expected} are needed")]
    DriverLength {
        /// The driver.
        driver: Tag,
        /// How many rows it must have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// A row does not fit the drivers.
    #[error("row {row} holds {found} numbers for {expected} drivers")]
    RowLength {
        /// The row, counted from 0.
        row: usize,
        /// How many numbers it must hold.
        expected: usize,
        /// How many it holds.
        found: usize,
    },
    /// A driver is not a number, or too large to be squared.
    #[error("driver `{driver}`: row {row} is no number of a size up to 1e100, got {value}")]
    DriverValue {
        /// The driver.
        driver: Tag,
        /// The row, counted from 0.
        row: usize,
        /// What it holds.
        value: f64,
    },
    /// An outcome is not a number, or too large to be squared.
    #[error("the outcome of row {row} is no number of a size up to 1e100, got {value}")]
    OutcomeValue {
        /// The row, counted from 0.
        row: usize,
        /// What it holds.
        value: f64,
    },
    /// There are not more complete rows than coefficients.
    #[error("{rows} rows are complete where at least {needed} are needed")]
    TooFewRows {
        /// In how many rows every driver is known.
        rows: u64,
        /// How many it takes at the least.
        needed: u64,
    },
    /// A driver is the same in every complete row.
    #[error("driver `{driver}` is the same in every complete row")]
    ConstantDriver {
        /// The driver.
        driver: Tag,
    },
    /// The outcome is the same in every complete row.
    #[error("the outcome is the same in every complete row")]
    ConstantOutcome,
    /// A driver says nothing that those before it do not say: less than 1e-8 of its variance is its own.
    #[error("driver `{driver}` is a combination of those before it")]
    CollinearDriver {
        /// The first such driver in the order of the table.
        driver: Tag,
    },
    /// Drivers foretell the outcome without an exception but for ties, so that their odds ratios have no upper end.
    #[error("the outcome is separated by {}", names(drivers))]
    Separated {
        /// The drivers that do, each by itself or all together.
        drivers: Vec<Tag>,
    },
    /// The likelihood has no maximum that could be found.
    #[error("the likelihood has no maximum that could be found")]
    NoMaximum,
    /// There are too many drivers for all their subsets; relative weights take any number.
    #[error("{drivers} drivers are more than the {limit} that LMG can take; use Johnson's relative weights")]
    TooManyDrivers {
        /// How many there are.
        drivers: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The cuts between low and high answers do not match the drivers.
    #[error("there are {found} cuts for {expected} drivers")]
    CutCount {
        /// How many there must be: one for each driver.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// In most samples drawn again some drivers could not be told apart.
    #[error("{failed} of {replicates} samples drawn again cannot tell the drivers apart")]
    Resampling {
        /// How many could not.
        failed: u32,
        /// How many were drawn.
        replicates: u32,
    },
    /// An action is to be judged, and nobody got it, or nobody was held out.
    #[error("there is nobody in the group `{group}`")]
    EmptyGroup {
        /// `treated` or `held_out`.
        group: &'static str,
    },
    /// No stratum and no need has customers who got an action and customers who did not.
    #[error("nobody who got an action can be compared with anybody who did not")]
    NothingToCompare,
    /// A score that customers are to be ranked by is no number.
    #[error("the score of row {row} must be finite, got {value}")]
    ScoreValue {
        /// The row, counted from 0.
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

fn names(drivers: &[Tag]) -> String {
    drivers.iter().map(|driver| format!("`{driver}`")).collect::<Vec<_>>().join(" and ")
}

impl PainError {
    pub(super) fn of_customer(self, customer: usize) -> Self {
        Self::Customer { customer, source: Box::new(self) }
    }
}
