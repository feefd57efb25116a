use super::{Buyers, ValueError};
use crate::validation::ValidationError;

/// What is known of each customer besides their purchases, as borrowed columns: the channel they came by, where they
/// live, how old they were. Such covariates do not change with time.
///
/// Yes and no are 1 and 0; a kind with several values takes a column of 0 and 1 for each value but one. What grows by
/// factors (an income, a distance) is best given as its logarithm.
///
/// # Example
/// ```
/// use patronage::value::{Covariates, ValueError};
///
/// let covariates = Covariates::new(&[("gender", &[0.0, 1.0]), ("channel", &[1.0, 0.0])])?;
/// assert_eq!(covariates.names().collect::<Vec<_>>(), ["gender", "channel"]);
///
/// // A missing value is NaN, and refused: fill it in or leave the customer out, and count them.
/// let refused = Covariates::new(&[("gender", &[0.0, f64::NAN])]).unwrap_err();
/// assert_eq!(refused, ValueError::MissingCovariate { row: 1, covariate: "gender".into() });
/// # Ok::<(), ValueError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Covariates<'a> {
    columns: Vec<(&'a str, &'a [f64])>,
}

impl<'a> Covariates<'a> {
    /// No covariates.
    pub const NONE: Covariates<'static> = Covariates { columns: Vec::new() };

    /// Checks columns with their names, each with a row for each customer.
    ///
    /// # Errors
    /// [`ValueError::CovariateName`] when a name is empty or used twice, [`ValueError::CovariateLength`] when a column
    /// has another length than the first, [`ValueError::MissingCovariate`] for the first NaN and
    /// [`ValueError::InfiniteCovariate`] for the first infinite value.
    ///
    /// # Cost
    /// One pass, no memory but for the list of columns.
    pub fn new(columns: &[(&'a str, &'a [f64])]) -> Result<Self, ValueError> {
        check_names(columns.iter().map(|&(name, _)| name)).map_err(ValueError::CovariateName)?;
        let expected = columns.first().map_or(0, |(_, values)| values.len());
        for &(name, values) in columns {
            let covariate = || name.to_owned();
            if values.len() != expected {
                let found = values.len();
                return Err(ValueError::CovariateLength { covariate: covariate(), expected, found });
            }
            if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                let covariate = covariate();
                let missing = values.get(row).is_some_and(|value| value.is_nan());
                return Err(if missing {
                    ValueError::MissingCovariate { row, covariate }
                } else {
                    ValueError::InfiniteCovariate { row, covariate }
                });
            }
        }
        Ok(Self { columns: columns.to_vec() })
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'a str> + '_ {
        self.columns.iter().map(|&(name, _)| name)
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Copies the row into a buffer that is cleared first.
    pub(super) fn read_row(&self, row: usize, into: &mut Vec<f64>) {
        into.clear();
        // Adding zero turns -0 into 0, so that equal customers have equal bits.
        into.extend(self.columns.iter().filter_map(|(_, values)| values.get(row)).map(|value| value + 0.0));
    }

    /// The columns without their names.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'a [f64]> + '_ {
        self.columns.iter().map(|&(_, values)| values)
    }
}

/// Checks that each covariate has a name of its own.
pub(super) fn check_names<'n>(names: impl Iterator<Item = &'n str>) -> Result<(), ValidationError> {
    let mut earlier = Vec::new();
    for name in names {
        if name.is_empty() {
            return Err(ValidationError::new("covariate", "must have a name", name));
        }
        if earlier.contains(&name) {
            return Err(ValidationError::new("covariate", "must have a name of its own", name));
        }
        earlier.push(name);
    }
    Ok(())
}

/// Buyers together with what else is known of each, for buying (transactions) and for leaving (lifetime).
///
/// # Example
/// ```
/// use patronage::value::{Buyers, CovariateBuyers, Covariates};
///
/// let buyers = Buyers::new(&[2, 0], &[30.43, 0.0], &[38.86, 38.86])?;
/// let gender = Covariates::new(&[("gender", &[0.0, 1.0])])?;
/// let customers = CovariateBuyers::new(buyers, gender, Covariates::NONE)?;
/// assert_eq!(customers.buyers().len(), 2);
/// # Ok::<(), patronage::value::ValueError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CovariateBuyers<'a> {
    buyers: Buyers<'a>,
    transaction: Covariates<'a>,
    lifetime: Covariates<'a>,
}

impl<'a> CovariateBuyers<'a> {
    /// Puts columns of equal length together.
    ///
    /// # Arguments
    /// - `transaction`: what may bear on how often customers buy.
    /// - `lifetime`: what may bear on when they leave; the same columns, others, or none.
    ///
    /// # Errors
    /// [`ValueError::CovariateLength`] when the columns have another length than those of the buyers.
    pub fn new(
        buyers: Buyers<'a>,
        transaction: Covariates<'a>,
        lifetime: Covariates<'a>,
    ) -> Result<Self, ValueError> {
        let expected = buyers.len();
        for &(name, values) in transaction.columns.iter().chain(&lifetime.columns) {
            if values.len() != expected {
                let (covariate, found) = (name.to_owned(), values.len());
                return Err(ValueError::CovariateLength { covariate, expected, found });
            }
        }
        Ok(Self { buyers, transaction, lifetime })
    }

    /// The buyers alone.
    pub const fn buyers(&self) -> Buyers<'a> {
        self.buyers
    }

    /// What may bear on how often they buy.
    pub const fn transaction(&self) -> &Covariates<'a> {
        &self.transaction
    }

    /// What may bear on when they leave.
    pub const fn lifetime(&self) -> &Covariates<'a> {
        &self.lifetime
    }
}
