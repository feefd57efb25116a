use super::ValueError;
use super::chunked_sum::ChunkedSum;
use crate::measure::{Estimate, Share};
use crate::numeric::proportion;
use crate::validation::ValidationError;

/// The largest amount that is judged, far beyond any.
const LARGEST: f64 = 1e30;

/// How far forecasts were from what came: one number expected and one found for each customer, purchases or money.
///
/// # Formula
/// ```text
/// MAE            mean of |expected - actual|
/// RMSE           sqrt(mean of (expected - actual)^2)
/// bias           mean of expected - actual:  above 0 where too much was expected
/// relative bias  sum of expected / sum of actual - 1
/// ```
/// A mean forecast is judged by its bias and its RMSE. The MAE is lowest for medians: where most customers buy nothing,
/// it rewards forecasts that are too low.
///
/// # Example
/// ```
/// use patronage::value::ForecastErrors;
///
/// let errors = ForecastErrors::of([(1.0, 2.0), (0.5, 0.0), (2.5, 3.0), (0.0, 0.0)])?;
/// assert_eq!((errors.mae(), errors.bias(), errors.relative_bias()), (0.5, -0.25, Some(-0.2)));
/// assert_eq!(format!("{:.6}", errors.rmse()), "0.612372");
/// # Ok::<(), patronage::value::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForecastErrors {
    n: u64,
    expected: f64,
    actual: f64,
    mae: f64,
    rmse: f64,
    bias: f64,
    /// The standard error of the bias.
    error: f64,
}

impl ForecastErrors {
    /// Judges rows of what was expected and what came.
    ///
    /// # Errors
    /// [`ValueError::NoRows`], or [`ValueError::Row`] for the first row with a number that is NaN or beyond 1e30.
    ///
    /// # Cost
    /// One pass, no memory. Sums are of chunks of 4,096 rows.
    pub fn of(rows: impl IntoIterator<Item = (f64, f64)>) -> Result<Self, ValueError> {
        let mut sum = ChunkedSum::new();
        for (row, (expected, actual)) in rows.into_iter().enumerate() {
            for (field, number) in [("expected", expected), ("actual", actual)] {
                if !(-LARGEST..=LARGEST).contains(&number) {
                    let rule = ValidationError::new(field, "must lie between -1e30 and 1e30", number);
                    return Err(ValueError::Row { row, rule });
                }
            }
            let off = expected - actual;
            sum.push([expected, actual, off, off.abs(), off * off]);
        }
        if sum.count() == 0 {
            return Err(ValueError::NoRows);
        }
        let ([expected, actual, off, size, square], n) = (sum.sums(), sum.n());
        let bias = off / n;
        let spread = (square / n - bias * bias).max(0.0);
        Ok(Self {
            n: sum.count(),
            expected,
            actual,
            mae: size / n,
            rmse: (square / n).sqrt(),
            bias,
            error: if sum.count() > 1 { (spread / (n - 1.0)).sqrt() } else { bias.abs() },
        })
    }

    /// Judges columns, by the rules of [`of`](Self::of).
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`], and as [`of`](Self::of).
    pub fn of_columns(expected: &[f64], actual: &[f64]) -> Result<Self, ValueError> {
        if actual.len() != expected.len() {
            let (expected, found) = (expected.len(), actual.len());
            return Err(ValueError::ColumnLength { column: "actual", expected, found });
        }
        Self::of(expected.iter().copied().zip(actual.iter().copied()))
    }

    /// How many rows there were.
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// What was expected in all.
    pub const fn expected(&self) -> f64 {
        self.expected
    }

    /// What came in all.
    pub const fn actual(&self) -> f64 {
        self.actual
    }

    /// The mean absolute error, of one customer.
    pub const fn mae(&self) -> f64 {
        self.mae
    }

    /// The root of the mean squared error, of one customer.
    pub const fn rmse(&self) -> f64 {
        self.rmse
    }

    /// How much too much was expected of one customer, in the mean; below 0 where it was too little.
    pub const fn bias(&self) -> f64 {
        self.bias
    }

    /// By which share of what came too much was expected: -0.12 where it was 12 % too little. `None` where nothing came.
    pub fn relative_bias(&self) -> Option<f64> {
        let bias = (self.expected - self.actual) / self.actual;
        bias.is_finite().then_some(bias)
    }

    /// The bias with an interval that says whether it is beyond the chance of which customers happened to buy.
    ///
    /// # Errors
    /// [`ValidationError`] when the level is 1: no interval is that sure.
    pub fn bias_estimate(&self, level: Share) -> Result<Estimate, ValidationError> {
        let half = deviations(level)? * self.error;
        Estimate::new(self.bias, self.bias - half, self.bias + half, level, self.n)
    }
}

/// The number of standard deviations that enclose the truth at a level.
pub(super) fn deviations(level: Share) -> Result<f64, ValidationError> {
    if level.get() < 1.0 {
        Ok(proportion::z(level.get()))
    } else {
        Err(ValidationError::new("level", "must be below 1", level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_judged() {
        assert_eq!(ForecastErrors::of([]), Err(ValueError::NoRows));
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e31] {
            for rows in [[(0.0, 0.0), (wrong, 0.0)], [(0.0, 0.0), (0.0, wrong)]] {
                let refused = ForecastErrors::of(rows).unwrap_err();
                assert!(matches!(refused, ValueError::Row { row: 1, .. }), "{refused}");
            }
        }
        let refused = ForecastErrors::of_columns(&[1.0], &[]).unwrap_err();
        assert_eq!(refused.to_string(), "column actual has 0 rows instead of 1");
        let errors = ForecastErrors::of([(1.0, 1.0)]).unwrap();
        assert!(errors.bias_estimate(Share::ONE).is_err());
    }

    #[test]
    fn nothing_that_came_has_no_relative_bias() {
        let errors = ForecastErrors::of([(1.0, 0.0), (0.0, 0.0)]).unwrap();
        assert_eq!((errors.relative_bias(), errors.bias()), (None, 0.5));
        let none = ForecastErrors::of([(0.0, 0.0)]).unwrap();
        assert_eq!((none.relative_bias(), none.rmse()), (None, 0.0));
        let huge = ForecastErrors::of([(1e30, -1e30), (1e30, -1e30)]).unwrap();
        assert_eq!((huge.mae(), huge.rmse(), huge.relative_bias()), (2e30, 2e30, Some(-2.0)));
    }

    #[test]
    fn the_interval_of_the_bias_is_that_of_a_mean() {
        let errors = ForecastErrors::of_columns(&[1.0, 2.0, 3.0, 4.0], &[0.0; 4]).unwrap();
        let found = errors.bias_estimate(Share::new(0.95).unwrap()).unwrap();
        // The standard deviation of 1, 2, 3, 4 is sqrt(5 / 3).
        let half = 1.959_963_984_540_054 * (5.0_f64 / 3.0 / 4.0).sqrt();
        assert!((found.upper() - 2.5 - half).abs() < 1e-14 && (2.5 - found.lower() - half).abs() < 1e-14);
        assert_eq!((found.value(), found.n()), (2.5, 4));
    }
}
