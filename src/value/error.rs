use super::{Diagnostics, ModelKind};
use crate::validation::ValidationError;

/// Why columns of customers could not be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Columns that belong together differ in length.
    #[error("column {column} has {found} rows instead of {expected}")]
    ColumnLength {
        /// The column of the other length.
        column: &'static str,
        /// The length of the first column.
        expected: usize,
        /// The length of this one.
        found: usize,
    },
    /// A row holds a value that is not allowed.
    #[error("row {row}: {rule}")]
    Row {
        /// The row, counted from 0.
        row: usize,
        /// The column (as the field), the rule and the value.
        rule: ValidationError,
    },
    /// There is not a single row to judge by.
    #[error("there are no rows")]
    NoRows,
    /// An argument besides the rows is not allowed.
    #[error(transparent)]
    Argument(#[from] ValidationError),
    /// A model was fitted to other customers than it is to be compared on.
    #[error("{model} was fitted to {fitted} customers, and there are {given}")]
    OtherCustomers {
        /// The model.
        model: ModelKind,
        /// How many customers it was fitted to.
        fitted: u64,
        /// How many it is to be compared on.
        given: u64,
    },
    /// A kind of model is to be compared with itself.
    #[error("{model} is there twice")]
    SameModelTwice {
        /// The kind.
        model: ModelKind,
    },
    /// A log has more rows than one call takes (4,294,967,295).
    #[error("{rows} rows are more than one log may have")]
    TooManyRows {
        /// The rows it has.
        rows: usize,
    },
}

/// Why a model could not be fitted. Parameters are never returned in such a case.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// There are no customers.
    #[error("there are no customers to fit to")]
    NoCustomers,
    /// Nobody has bought a second time, so that nothing is known about buying again.
    #[error("none of {customers} customers has bought again")]
    NoRepeatPurchases {
        /// How many customers there are.
        customers: u64,
    },
    /// All customers have the same history (or there is only one), so that nothing is known about their differences.
    #[error("all of {customers} customers have the same history")]
    AllTheSame {
        /// How many customers there are.
        customers: u64,
    },
    /// A repeat buyer spends nothing, which no spend model explains; leave such customers out and count them.
    #[error("row {row}: the mean spend of a repeat buyer must be above 0")]
    NothingSpent {
        /// The row, counted from 0 in the order given.
        row: usize,
    },
    /// The regularity asked for is none that can be fitted.
    #[error("the regularity k must lie between 1 and 32, not at {k}")]
    Regularity {
        /// The regularity asked for.
        k: u32,
    },
    /// The likelihood grows towards the edge of what the model can be: the data want a simpler model.
    #[error("the best {parameter} lies at an edge of the model after {} iterations", .diagnostics.iterations)]
    Boundary {
        /// The parameter that ran to its edge.
        parameter: &'static str,
        /// How the search went.
        diagnostics: Diagnostics,
    },
    /// The likelihood is flat in some direction at its top: the data do not tell the parameters apart.
    #[error("the data do not identify the model: condition {:.1e}", .diagnostics.condition)]
    NotIdentified {
        /// How the search went.
        diagnostics: Diagnostics,
    },
    /// The search gave up before it found a top, from every start.
    #[error("no maximum found in {} iterations, gradient {:.1e}", .diagnostics.iterations, .diagnostics.gradient_norm)]
    NotConverged {
        /// How the search went.
        diagnostics: Diagnostics,
    },
}
