use super::{Diagnostics, ModelKind};
use crate::validation::ValidationError;
use std::borrow::Cow;

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
    /// A column of covariates has another length than the others.
    #[error("covariate {covariate} has {found} rows instead of {expected}")]
    CovariateLength {
        /// The column of the other length.
        covariate: String,
        /// How many customers there are.
        expected: usize,
        /// The length of this column.
        found: usize,
    },
    /// A covariate has no name, or another one has the same.
    #[error(transparent)]
    CovariateName(ValidationError),
    /// A covariate of a customer is not known (NaN).
    #[error("row {row}: covariate {covariate} is missing")]
    MissingCovariate {
        /// The row, counted from 0.
        row: usize,
        /// The column.
        covariate: String,
    },
    /// A covariate of a customer is infinite.
    #[error("row {row}: covariate {covariate} is infinite")]
    InfiniteCovariate {
        /// The row, counted from 0.
        row: usize,
        /// The column.
        covariate: String,
    },
    /// The covariates given for a process are not those that the model was fitted with.
    #[error("the covariates of {process} are {found:?} instead of {expected:?}")]
    OtherCovariates {
        /// `trans` for buying, `life` for leaving.
        process: &'static str,
        /// Those of the model, in order.
        expected: Vec<String>,
        /// Those given.
        found: Vec<String>,
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
    /// No contract has ended, so that nothing is known about leaving.
    #[error("none of {customers} contracts has ended")]
    NobodyLeft {
        /// How many contracts there are.
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
    /// A covariate is the same for all customers, so that nothing is known about its effect.
    #[error("covariate {covariate} is the same for all customers")]
    ConstantCovariate {
        /// The process and the column, such as `trans.gender`.
        covariate: Cow<'static, str>,
    },
    /// A covariate follows from those before it, so that their effects cannot be told apart.
    #[error("covariate {covariate} follows from those before it")]
    CollinearCovariate {
        /// The process and the column, such as `trans.gender`.
        covariate: Cow<'static, str>,
    },
    /// There is a prior of a parameter that the model does not have.
    #[error("the model has no parameter {parameter} that could have a prior")]
    UnknownParameter {
        /// The name given.
        parameter: Cow<'static, str>,
    },
    /// A prior does not fit its parameter.
    #[error("prior of {parameter}: {rule}")]
    Prior {
        /// The parameter.
        parameter: Cow<'static, str>,
        /// What a prior of it must be.
        rule: &'static str,
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
        /// The parameter that ran to its edge; of a coefficient (`trans.gender`), the covariate tells customers apart
        /// who behave so differently that no number is large enough.
        parameter: Cow<'static, str>,
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
