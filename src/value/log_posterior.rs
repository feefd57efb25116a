//! The posterior density of the parameters of a model, in the coordinates it is sampled in.

use super::likelihood::{Bounds, Gradient, Likelihood, Scale, Slopes};
use super::prior::Density;
use super::{FitError, Prior, Priors};
use crate::numeric::linear::Symmetric;
use crate::numeric::optimise::{self, Found, Point, Range};
use crate::validation::ValidationError;

/// The spread of a log-normal prior that says little more than an order of magnitude.
const WEAK: f64 = 2.0;

/// The ranges of coefficients go this many standard deviations of their weak prior to each side.
const COEFFICIENT_RANGE: f64 = 8.0;

/// A model, the data and priors. Coordinates are logarithms, and coefficients in standard deviations of their weak prior.
pub(super) struct LogPosterior<'d, M: Likelihood> {
    like: &'d M,
    data: &'d M::Data,
    priors: Vec<Option<Density>>,
    scales: Vec<Scale>,
    bounds: Vec<Bounds>,
}

/// The standard deviation of the weak prior of a coefficient.
fn unit(bounds: Bounds) -> f64 {
    (bounds.upper - bounds.lower) / (2.0 * COEFFICIENT_RANGE)
}

/// These priors, and weak ones for all other parameters.
fn with_weak<M: Likelihood>(like: &M, data: &M::Data, priors: &Priors) -> Result<Priors, ValidationError> {
    let start = like.starts(data).into_iter().next().unwrap_or_default();
    let terms = like.names().into_iter().zip(like.scales()).zip(like.ranges(data)).zip(start);
    let mut all = priors.clone();
    for (((name, scale), bounds), start) in terms {
        if !priors.has(&name) {
            let prior = match scale {
                Scale::Logarithm => Prior::log_normal(start, WEAK)?,
                Scale::Linear => Prior::normal(0.0, unit(bounds))?,
            };
            all = all.with(name, prior);
        }
    }
    Ok(all)
}

impl<'d, M: Likelihood> LogPosterior<'d, M> {
    /// Parameters without a prior get a weak one.
    pub(super) fn new(like: &'d M, data: &'d M::Data, priors: &Priors) -> Result<Self, FitError> {
        let customers = M::customers(data);
        // Said by the user: these must fit the model.
        priors.of(like, customers)?;
        let priors = match with_weak(like, data, priors) {
            Ok(all) => all.of(like, customers)?,
            Err(_) => return Err(FitError::NoCustomers),
        };
        let mut bounds = like.ranges(data);
        for (bounds, limits) in bounds.iter_mut().zip(M::limits()) {
            *bounds = limits;
        }
        Ok(Self { like, data, priors, scales: like.scales(), bounds })
    }

    fn terms(&self) -> impl Iterator<Item = (Scale, Bounds)> {
        self.scales.iter().copied().zip(self.bounds.iter().copied())
    }

    fn position(&self, parameters: &[f64]) -> Vec<f64> {
        let place = |((scale, bounds), &parameter)| match scale {
            Scale::Logarithm => libm::log(parameter),
            Scale::Linear => parameter / unit(bounds),
        };
        self.terms().zip(parameters).map(place).collect()
    }

    /// The parameters at a position.
    pub(super) fn parameters(&self, at: &[f64]) -> Vec<f64> {
        let parameter = |((scale, bounds), &at): ((Scale, Bounds), &f64)| match scale {
            Scale::Logarithm => libm::exp(at),
            Scale::Linear => at * unit(bounds),
        };
        self.terms().zip(at).map(parameter).collect()
    }

    /// The model at a position, where there is one.
    pub(super) fn model(&self, at: &[f64]) -> Option<M> {
        self.like.with_parameters(&self.parameters(at))
    }

    /// The logarithm of the density at a position, its slopes into `slopes`.
    pub(super) fn density(&self, at: &[f64], slopes: &mut [f64]) -> f64 {
        let parameters = self.parameters(at);
        let Some(model) = self.like.with_parameters(&parameters) else { return f64::NEG_INFINITY };
        let Gradient { mut value, gradient } = model.gradient(self.data);
        let cells = slopes.iter_mut().zip(gradient).zip(&parameters).zip(&self.priors).zip(self.terms());
        for ((((slope, gradient), &parameter), prior), (scale, bounds)) in cells {
            let [ln_prior, pull, _] = prior.map_or([0.0; 3], |prior| prior.slopes(parameter));
            value += ln_prior;
            *slope = match scale {
                // The density of a logarithm is larger by the parameter.
                Scale::Logarithm => {
                    value += libm::log(parameter);
                    (gradient + pull) * parameter + 1.0
                }
                Scale::Linear => (gradient + pull) * unit(bounds),
            };
        }
        value
    }

    fn point(&self, at: &[f64]) -> Point {
        let parameters = self.parameters(at);
        let model = self.like.with_parameters(&parameters);
        let Slopes { mut value, mut gradient, hessian } =
            model.map_or_else(Slopes::nowhere, |model| model.slopes(self.data));
        let mut bends = Vec::new();
        let mut turns = Vec::new();
        let cells = gradient.iter_mut().zip(&parameters).zip(&self.priors).zip(self.terms());
        for (((slope, &parameter), prior), (scale, bounds)) in cells {
            let [ln_prior, pull, bend] = prior.map_or([0.0; 3], |prior| prior.slopes(parameter));
            value += ln_prior;
            let turn = match scale {
                Scale::Logarithm => parameter,
                Scale::Linear => unit(bounds),
            };
            *slope = (*slope + pull) * turn;
            bends.push(bend * turn * turn + if scale == Scale::Logarithm { *slope } else { 0.0 });
            turns.push(turn);
            if scale == Scale::Logarithm {
                value += libm::log(parameter);
                *slope += 1.0;
            }
        }
        let get = |values: &[f64], index: usize| values.get(index).copied().unwrap_or_default();
        let curvature = Symmetric::from_upper(gradient.len(), |row, column| {
            let bend = if row == column { get(&bends, row) } else { 0.0 };
            -(hessian.at(row, column) * get(&turns, row) * get(&turns, column) + bend)
        });
        Point { value, gradient, curvature }
    }

    /// The highest point that is found, and the covariance of a normal density with its curvature.
    pub(super) fn top(&self) -> (Vec<f64>, Symmetric) {
        let ranges: Vec<Range> = self
            .terms()
            .map(|(scale, bounds)| match scale {
                Scale::Logarithm => Range { lower: libm::log(bounds.lower), upper: libm::log(bounds.upper) },
                Scale::Linear => {
                    Range { lower: bounds.lower / unit(bounds), upper: bounds.upper / unit(bounds) }
                }
            })
            .collect();
        let mut best: Option<Found> = None;
        for start in self.like.starts(self.data) {
            let found = optimise::maximise(self.position(&start), &ranges, |at| self.point(at));
            let better = best
                .as_ref()
                .is_none_or(|best| best.point.value.is_nan() || found.point.value > best.point.value);
            let done = found.ending == optimise::Ending::Maximum;
            if better {
                best = Some(found);
            }
            if done {
                break;
            }
        }
        let size = self.scales.len();
        // Where the search gave up, the warm-up finds the shape.
        let round = || Symmetric::from_upper(size, |row, column| if row == column { 0.01 } else { 0.0 });
        best.map_or_else(
            || (vec![0.0; size], round()),
            |found| (found.at, found.point.curvature.inverse().unwrap_or_else(round)),
        )
    }
}
