//! What a likelihood with covariates is made of: the likelihoods of plain models, one for each set of covariates.

use super::chunked_sum::chunked_sum;
use super::distinct_rows::{CHUNK, DistinctRows};
use super::likelihood::Slopes;
use super::with_covariates::TakesCovariates;
use super::{Buyer, CovariateBuyers, Covariates, FitError};
use crate::numeric::linear::Symmetric;
use std::cmp::Ordering;

/// The sufficient statistics of customers with covariates.
#[derive(Clone, Debug)]
pub struct CovariateRows {
    patterns: Vec<Pattern>,
    /// All customers, whatever their covariates are.
    all: DistinctRows,
    /// How far the values of each column lie apart, those of buying before those of leaving.
    spans: Vec<f64>,
}

/// All customers with the same covariates.
#[derive(Clone, Debug)]
struct Pattern {
    transaction: Vec<f64>,
    lifetime: Vec<f64>,
    rows: DistinctRows,
}

impl CovariateRows {
    /// Sorts and counts equal rows.
    ///
    /// # Errors
    /// As [`DistinctRows::of`], except where priors say all that rows could.
    pub(super) fn of(customers: &CovariateBuyers<'_>, priors_say_all: bool) -> Result<Self, FitError> {
        let buyers: Vec<Buyer> = customers.buyers().iter().collect();
        let all = DistinctRows::with_priors(buyers.iter().copied(), priors_say_all)?;
        let columns: Vec<&[f64]> =
            customers.transaction().columns().chain(customers.lifetime().columns()).collect();
        let compare = |&one: &usize, &other: &usize| {
            let value = |column: &[f64], row: usize| column.get(row).map_or(0.0, |value| value + 0.0);
            let compared = columns.iter().map(|column| value(column, one).total_cmp(&value(column, other)));
            compared.fold(Ordering::Equal, Ordering::then)
        };
        let mut order: Vec<usize> = (0..buyers.len()).collect();
        order.sort_unstable_by(compare);
        let pattern = |rows: &[usize]| {
            let (mut transaction, mut lifetime) = (Vec::new(), Vec::new());
            if let Some(&row) = rows.first() {
                customers.transaction().read_row(row, &mut transaction);
                customers.lifetime().read_row(row, &mut lifetime);
            }
            let rows = DistinctRows::counted(rows.iter().filter_map(|&row| buyers.get(row)).copied());
            Pattern { transaction, lifetime, rows }
        };
        let patterns = order.chunk_by(|one, next| compare(one, next).is_eq()).map(pattern).collect();
        Ok(Self { patterns, all, spans: columns.iter().map(|column| span(column)).collect() })
    }

    pub(super) const fn all(&self) -> &DistinctRows {
        &self.all
    }

    /// How far the values of each column lie apart.
    pub(super) fn spans(&self) -> impl Iterator<Item = f64> + '_ {
        self.spans.iter().copied()
    }

    /// The log-likelihood of all customers with its derivatives in the parameters of the plain model and the
    /// coefficients.
    ///
    /// The logarithm of a parameter of a customer is that of the plain model, plus or minus the sum of covariates times
    /// coefficients: what the plain likelihood says of it is passed on to each of those.
    pub(super) fn slopes<M: TakesCovariates>(
        &self,
        base: &M,
        of: impl Fn(&[f64], &[f64]) -> Option<M>,
    ) -> Slopes {
        let plain = base.parameters();
        let size = plain.len() + self.spans.len();
        // The directions in which a customer moves: each plain parameter, then buying and leaving.
        let singles: Vec<[(usize, f64); 1]> = (0..plain.len()).map(|index| [(index, 1.0)]).collect();
        let mut directions: Vec<&[(usize, f64)]> = singles.iter().map(<[_; 1]>::as_slice).collect();
        directions.extend([M::TRANSACTION, M::LIFETIME]);
        let mut sums = Sums::new(size);
        for chunk in self.patterns.chunks(CHUNK) {
            let mut part = Sums::new(size);
            for pattern in chunk {
                let Some(model) = of(&pattern.transaction, &pattern.lifetime) else {
                    return Slopes::nowhere();
                };
                // Which direction each parameter moves the customers of this pattern in, and how far.
                let buying = pattern.transaction.iter().map(|&value| (plain.len(), value));
                let leaving = pattern.lifetime.iter().map(|&value| (plain.len() + 1, value));
                let moves: Vec<(usize, f64)> =
                    (0..plain.len()).map(|index| (index, 1.0)).chain(buying).chain(leaving).collect();
                part.add_pattern(
                    &in_logarithms(&model.slopes(&pattern.rows), &model.parameters()),
                    &directions,
                    &moves,
                );
            }
            sums.add(&part);
        }
        sums.slopes(&plain)
    }
}

/// The derivatives in the logarithms of parameters.
fn in_logarithms(slopes: &Slopes, parameters: &[f64]) -> Slopes {
    let get = |values: &[f64], index: usize| values.get(index).copied().unwrap_or_default();
    let gradient: Vec<f64> =
        slopes.gradient.iter().zip(parameters).map(|(slope, parameter)| slope * parameter).collect();
    let hessian = Symmetric::from_upper(parameters.len(), |row, column| {
        let bend = slopes.hessian.at(row, column) * get(parameters, row) * get(parameters, column);
        bend + if row == column { get(&gradient, row) } else { 0.0 }
    });
    Slopes { value: slopes.value, gradient, hessian }
}

/// A log-likelihood with its derivatives in the logarithms of plain parameters and in the coefficients.
struct Sums {
    value: f64,
    slopes: Vec<f64>,
    bends: Vec<f64>,
}

impl Sums {
    fn new(size: usize) -> Self {
        Self { value: 0.0, slopes: vec![0.0; size], bends: vec![0.0; size * size] }
    }

    fn add(&mut self, other: &Self) {
        self.value += other.value;
        self.slopes.iter_mut().zip(&other.slopes).for_each(|(mine, theirs)| *mine += theirs);
        self.bends.iter_mut().zip(&other.bends).for_each(|(mine, theirs)| *mine += theirs);
    }

    fn add_pattern(&mut self, plain: &Slopes, directions: &[&[(usize, f64)]], moves: &[(usize, f64)]) {
        let along = |direction: &[(usize, f64)]| -> f64 {
            direction.iter().filter_map(|&(index, sign)| Some(plain.gradient.get(index)? * sign)).sum()
        };
        let slopes: Vec<f64> = directions.iter().map(|direction| along(direction)).collect();
        let bends = Symmetric::from_upper(directions.len(), |row, column| {
            let (Some(rows), Some(columns)) = (directions.get(row), directions.get(column)) else {
                return 0.0;
            };
            let cell = |&(row, sign): &(usize, f64)| -> f64 {
                columns.iter().map(|&(column, other)| plain.hessian.at(row, column) * sign * other).sum()
            };
            rows.iter().map(cell).sum()
        });
        self.value += plain.value;
        for (sum, &(direction, far)) in self.slopes.iter_mut().zip(moves) {
            *sum += far * slopes.get(direction).copied().unwrap_or_default();
        }
        let mut cells = self.bends.iter_mut();
        for &(row, far) in moves {
            for (&(column, other), sum) in moves.iter().zip(cells.by_ref()) {
                *sum += far * other * bends.at(row, column);
            }
        }
    }

    /// From logarithms back to the plain parameters themselves.
    fn slopes(self, plain: &[f64]) -> Slopes {
        let size = self.slopes.len();
        let turn = |index: usize| plain.get(index).copied().unwrap_or(1.0);
        let get = |values: &[f64], index: usize| values.get(index).copied().unwrap_or_default();
        let hessian = Symmetric::from_upper(size, |row, column| {
            let curved = row == column && row < plain.len();
            let bend =
                get(&self.bends, row * size + column) - if curved { get(&self.slopes, row) } else { 0.0 };
            bend / turn(row) / turn(column)
        });
        let gradient = self.slopes.iter().enumerate().map(|(index, slope)| slope / turn(index)).collect();
        Slopes { value: self.value, gradient, hessian }
    }
}

/// How far the values of a column lie apart; for a constant, how far they are from 0.
fn span(column: &[f64]) -> f64 {
    let (low, high) = ends(column);
    [high - low, high.abs()].into_iter().find(|&span| span > 0.0).unwrap_or(1.0)
}

fn ends(column: &[f64]) -> (f64, f64) {
    column
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (value.min(low), value.max(high)))
}

/// A column whose values differ by less than this share of their size is constant.
const CONSTANT: f64 = 1e-9;
/// A column of which less than this share does not follow from the others is collinear.
const COLLINEAR: f64 = 1e-10;

/// Whether the effects of covariates can be told, and told apart.
pub(super) fn check(process: &str, covariates: &Covariates<'_>) -> Result<(), FitError> {
    let name =
        |index: usize| format!("{process}.{}", covariates.names().nth(index).unwrap_or_default()).into();
    // Each column less its mean, scaled to length 1.
    let mut centred: Vec<Vec<f64>> = Vec::new();
    for (index, column) in covariates.columns().enumerate() {
        let (low, high) = ends(column);
        let size = low.abs().max(high.abs());
        if size == 0.0 || high / size - low / size <= CONSTANT {
            return Err(FitError::ConstantCovariate { covariate: name(index) });
        }
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
        let mean = sum(column, |value| value / size) / column.len() as f64;
        let mut scaled: Vec<f64> = column.iter().map(|value| value / size - mean).collect();
        let length = sum(&scaled, |value| value * value).sqrt();
        for value in &mut scaled {
            *value /= length;
        }
        centred.push(scaled);
        let correlations = Symmetric::from_upper(centred.len(), |row, column| {
            if row == column {
                return 1.0 - COLLINEAR;
            }
            let (Some(one), Some(other)) = (centred.get(row), centred.get(column)) else { return 0.0 };
            let products: Vec<f64> = one.iter().zip(other).map(|(one, other)| one * other).collect();
            sum(&products, |product| product)
        });
        if correlations.cholesky(0.0).is_none() {
            return Err(FitError::CollinearCovariate { covariate: name(index) });
        }
    }
    Ok(())
}

fn sum(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    chunked_sum(values.iter().map(|&value| of(value)))
}
