#[cfg(test)]
mod tests;

use super::likelihood::{Bounds, Likelihood, Scale, Slopes};
use super::prior::Density;
use super::{FitError, Priors};
use crate::numeric::linear::Symmetric;
use crate::numeric::optimise::{self, Ending, Found, Point, Range};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How the search for the best parameters went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Diagnostics {
    /// How many times the likelihood was climbed by a step, over all starts.
    pub iterations: u32,
    /// From how many points the search was started; more than one where the first led nowhere.
    pub starts: u32,
    /// The largest slope of the log-likelihood (with priors, of the posterior) in the logarithm of a parameter, or in a
    /// fortieth of the range of a coefficient, where the search ended.
    pub gradient_norm: f64,
    /// The condition of the curvature in the same terms where the search ended: the larger, the worse the data tell the
    /// parameters apart; infinite where there is no maximum.
    pub condition: f64,
}

/// A fitted parameter.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name in the literature, such as `alpha`; of coefficients, the process and the covariate (`trans.gender`).
    pub name: Cow<'static, str>,
    /// Its maximum likelihood estimate (with priors, its most probable value), in the units of the data.
    pub value: f64,
    /// The standard error of the estimate, from the curvature of the log-likelihood (with priors, of the posterior).
    pub standard_error: f64,
}

/// A model fitted by maximum likelihood or, with [`Priors`], by maximum a posteriori, with how well it fits and how sure
/// its parameters are.
///
/// Saved with `serde` in a few hundred bytes, and read back to the last bit.
///
/// # Format
/// ```text
/// {"version":1,"model":"bg_nbd","parameters":{"r":..,"alpha":..,"a":..,"b":..},"covariance":[..],
///  "log_likelihood":..,"log_prior":..,"customers":..,"choices":..,
///  "diagnostics":{"iterations":..,"starts":..,"gradient_norm":..,"condition":..}}
/// ```
/// with the covariance row by row from the diagonal on. A version stays readable: what changes gets a new one, and one
/// that is not known is refused, as is a fit of another model, parameters that are none and a covariance that cannot be
/// one. With `serde_json`, its feature `float_roundtrip` is needed for the last bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit<M> {
    model: M,
    parameters: Vec<Parameter>,
    covariance: Symmetric,
    facts: Facts,
}

/// What a fit holds besides the model and its covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) log_likelihood: f64,
    pub(super) log_prior: f64,
    pub(super) customers: u64,
    /// How many whole numbers were chosen besides the parameters.
    pub(super) choices: u32,
    pub(super) diagnostics: Diagnostics,
}

impl<M> Fit<M> {
    /// The fitted model.
    pub const fn model(&self) -> &M {
        &self.model
    }

    /// The fitted model alone.
    pub fn into_model(self) -> M {
        self.model
    }

    /// The log-likelihood of the data under the model, in the units of the data. What priors think of the parameters is
    /// no part of it.
    pub const fn log_likelihood(&self) -> f64 {
        self.facts.log_likelihood
    }

    /// The logarithm of the density of the priors at the parameters found (of an L2 penalty, minus the penalty): what was
    /// added to the log-likelihood when the most probable parameters were sought. 0 without priors.
    pub const fn log_prior(&self) -> f64 {
        self.facts.log_prior
    }

    /// The parameters in the order of the model's constructor, then the coefficients of covariates.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The covariance of two parameters by their index, `None` where there is no such parameter.
    pub fn covariance(&self, first: usize, second: usize) -> Option<f64> {
        let known = first.max(second) < self.parameters.len();
        known.then(|| self.covariance.at(first, second))
    }

    /// How many customers the fit rests on.
    pub const fn customers(&self) -> u64 {
        self.facts.customers
    }

    /// How the search went.
    pub const fn diagnostics(&self) -> Diagnostics {
        self.facts.diagnostics
    }

    /// How many numbers were chosen so that the model fits: the parameters, and the regularity k where it was not given.
    pub fn degrees_of_freedom(&self) -> u32 {
        u32::try_from(self.parameters.len()).unwrap_or(u32::MAX).saturating_add(self.facts.choices)
    }

    /// Akaike's criterion: twice the [`degrees_of_freedom`](Self::degrees_of_freedom) less twice the log-likelihood. Of
    /// models of the same data the lowest is best.
    pub fn aic(&self) -> f64 {
        2.0 * (f64::from(self.degrees_of_freedom()) - self.log_likelihood())
    }

    /// Schwarz's criterion: as [`aic`](Self::aic), but a parameter costs the logarithm of the number of customers and not
    /// 2.
    pub fn bic(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a logarithm needs no more than 53 bits")]
        let customers = self.customers() as f64;
        f64::from(self.degrees_of_freedom()) * libm::log(customers) - 2.0 * self.log_likelihood()
    }

    /// The same fit of which it is known that so many whole numbers were chosen as well.
    pub(super) fn with_choices(mut self, choices: u32) -> Self {
        self.facts.choices = choices;
        self
    }

    pub(super) const fn facts(&self) -> Facts {
        self.facts
    }

    pub(super) const fn covariance_matrix(&self) -> &Symmetric {
        &self.covariance
    }
}

/// The step of differences in the logarithm of a parameter: the cube root of the precision of a score.
const STEP: f64 = 1e-5;

/// The step of differences in a coefficient, in standard errors.
const STEP_OF_COEFFICIENT: f64 = 1e-3;

impl<M: Likelihood> Fit<M> {
    /// The parameters are those of the model; a covariance has as many rows.
    pub(super) fn assemble(model: M, covariance: Symmetric, facts: Facts) -> Self {
        let parameters = model.names().into_iter().zip(model.parameters()).enumerate();
        let parameters = parameters
            .map(|(index, (name, value))| {
                let standard_error = covariance.at(index, index).sqrt();
                Parameter { name, value, standard_error }
            })
            .collect();
        Self { model, parameters, covariance, facts }
    }

    /// How sure a score is that rests on the fitted model: its standard error, by the delta method.
    ///
    /// # Arguments
    /// - `score`: what is asked of a model, such as the P(alive) of a customer or the purchases of all together. It is
    ///   called twice for each parameter.
    ///
    /// # Returns
    /// 0 or more, in the unit of the score; infinite where the score of a model close by is no finite number.
    ///
    /// # Formula
    /// ```text
    /// sqrt(g' V g)
    /// ```
    /// with V the covariance of the parameters and g the slopes of the score in them, by central differences.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{BgNbd, Buyer, Buyers, PurchaseModel};
    ///
    /// let buyers = Buyers::new(
    ///     &[0, 2, 1, 0, 5, 0, 1, 9],
    ///     &[0.0, 30.0, 2.0, 0.0, 20.0, 0.0, 30.0, 38.0],
    ///     &[38.0, 39.0, 37.0, 39.0, 38.0, 39.0, 39.0, 39.0],
    /// )?;
    /// let fit = BgNbd::fit(buyers.iter())?;
    /// let buyer = Buyer::new(2, 30.0, 39.0)?;
    /// let p_alive = fit.model().p_alive(buyer);
    /// let error = fit.standard_error(|model| model.p_alive(buyer));
    /// assert_eq!(format!("{p_alive:.3} +- {error:.3}"), "0.943 +- 0.875");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: G. W. Oehlert, "A note on the delta method", The American Statistician 46 (1992).
    pub fn standard_error(&self, score: impl Fn(&M) -> f64) -> f64 {
        let parameters = self.model.parameters();
        let moved = |index: usize, step: f64| {
            let mut moved = parameters.clone();
            if let Some(parameter) = moved.get_mut(index) {
                *parameter += step;
            }
            self.model.with_parameters(&moved).map(|model| score(&model))
        };
        let slopes: Vec<f64> = self
            .model
            .scales()
            .into_iter()
            .zip(&self.parameters)
            .enumerate()
            .map(|(index, (scale, parameter))| {
                let step = match scale {
                    Scale::Logarithm => STEP * parameter.value,
                    Scale::Linear => STEP_OF_COEFFICIENT * parameter.standard_error,
                };
                let here = || score(&self.model);
                let up = moved(index, step).unwrap_or_else(here);
                let down = moved(index, -step).unwrap_or_else(here);
                (up - down) / (2.0 * step)
            })
            .collect();
        let mut square = 0.0;
        for (row, one) in slopes.iter().enumerate() {
            for (column, other) in slopes.iter().enumerate() {
                square += one * other * self.covariance.at(row, column);
            }
        }
        // Not by `max`, which would take what is not known for 0.
        if square.is_nan() { f64::INFINITY } else { square.max(0.0).sqrt() }
    }
}

/// Finds the parameters that make the data most likely.
pub(super) fn fit<M: Likelihood>(like: &M, data: &M::Data) -> Result<Fit<M>, FitError> {
    fit_with_priors(like, data, &Priors::NONE)
}

/// Finds the most probable parameters, from one start after the other until a search ends at a maximum.
pub(super) fn fit_with_priors<M: Likelihood>(
    like: &M,
    data: &M::Data,
    priors: &Priors,
) -> Result<Fit<M>, FitError> {
    climb(like, data, priors, None)
}

/// As [`fit`], from a place that is near the maximum; from the usual ones where that leads nowhere.
pub(super) fn fit_near<M: Likelihood>(near: &[f64], like: &M, data: &M::Data) -> Result<Fit<M>, FitError> {
    climb(like, data, &Priors::NONE, Some(near))
}

fn climb<M: Likelihood>(
    like: &M,
    data: &M::Data,
    priors: &Priors,
    near: Option<&[f64]>,
) -> Result<Fit<M>, FitError> {
    let customers = M::customers(data);
    let search = Search::new(like, data, priors.of(like, customers)?);
    let near = near.map(<[f64]>::to_vec);
    let mut failure: Option<Found> = None;
    let (mut iterations, mut tried) = (0, 0);
    for start in near.into_iter().chain(search.starts()) {
        let found = optimise::maximise(search.position(&start), &search.ranges(), |at| search.point(at));
        iterations += found.iterations;
        tried += 1;
        if found.ending == Ending::Maximum
            && let Some(covariance) = found.point.curvature.inverse()
        {
            let parameters = search.parameters(&found.at);
            let diagnostics = diagnostics(&found, iterations, tried);
            let Some(model) = like.with_parameters(&parameters) else {
                return Err(FitError::NotConverged { diagnostics });
            };
            let turns = search.turns(&parameters);
            let turn = |index: usize| turns.get(index).copied().unwrap_or_default();
            let covariance = Symmetric::from_upper(parameters.len(), |row, column| {
                covariance.at(row, column) * turn(row) * turn(column)
            });
            let (log_likelihood, log_prior) = if priors.is_empty() {
                (found.point.value, 0.0)
            } else {
                (model.slopes(data).value, search.log_prior(&parameters))
            };
            let facts = Facts { log_likelihood, log_prior, customers, choices: 0, diagnostics };
            return Ok(Fit::assemble(model, covariance, facts));
        }
        // The first that says why says most.
        if failure.as_ref().is_none_or(|failure| failure.ending == Ending::GaveUp) {
            failure = Some(found);
        }
    }
    Err(failure.map_or(FitError::NoCustomers, |found| {
        let diagnostics = diagnostics(&found, iterations, tried);
        match found.ending {
            Ending::Edge(index) => {
                let parameter = like.names().into_iter().nth(index).unwrap_or(Cow::Borrowed("parameter"));
                FitError::Boundary { parameter, diagnostics }
            }
            Ending::Flat => FitError::NotIdentified { diagnostics },
            Ending::Maximum | Ending::GaveUp => FitError::NotConverged { diagnostics },
        }
    }))
}

fn diagnostics(found: &Found, iterations: u32, starts: u32) -> Diagnostics {
    Diagnostics { iterations, starts, gradient_norm: found.gradient_norm(), condition: found.condition() }
}

/// A model, the data, and the terms in which its parameters are searched for: logarithms, and coefficients in shares of
/// their range, so that a step of 1 is large for each.
struct Search<'d, M: Likelihood> {
    like: &'d M,
    data: &'d M::Data,
    priors: Vec<Option<Density>>,
    scales: Vec<Scale>,
    bounds: Vec<Bounds>,
}

/// A coefficient has gone the whole range when it has gone so many units.
const UNITS: f64 = 40.0;

impl<'d, M: Likelihood> Search<'d, M> {
    fn new(like: &'d M, data: &'d M::Data, priors: Vec<Option<Density>>) -> Self {
        let mut bounds = like.ranges(data);
        for ((bounds, limits), prior) in bounds.iter_mut().zip(M::limits()).zip(&priors) {
            // The data do not say how far a prior may lead.
            if prior.is_some() {
                *bounds = limits;
            }
        }
        Self { like, data, priors, scales: like.scales(), bounds }
    }

    /// The starts of the model, before them the one that the priors know of.
    fn starts(&self) -> Vec<Vec<f64>> {
        let mut starts = self.like.starts(self.data);
        if self.priors.iter().any(Option::is_some)
            && let Some(best) = starts.first()
        {
            type Known<'k> = ((&'k f64, &'k Option<Density>), (Scale, Bounds));
            let centre = |((&start, prior), (scale, bounds)): Known<'_>| {
                // A little inside of the bounds.
                let (lower, upper) = match scale {
                    Scale::Logarithm => (bounds.lower * 1.001, bounds.upper / 1.001),
                    Scale::Linear => (bounds.lower * 0.999, bounds.upper * 0.999),
                };
                prior.and_then(Density::centre).map_or(start, |centre| centre.max(lower).min(upper))
            };
            starts.insert(0, best.iter().zip(&self.priors).zip(self.terms()).map(centre).collect());
        }
        starts
    }

    fn terms(&self) -> impl Iterator<Item = (Scale, Bounds)> {
        self.scales.iter().copied().zip(self.bounds.iter().copied())
    }

    fn ranges(&self) -> Vec<Range> {
        let range = |(scale, bounds): (Scale, Bounds)| Range {
            lower: into_search(scale, bounds, bounds.lower),
            upper: into_search(scale, bounds, bounds.upper),
        };
        self.terms().map(range).collect()
    }

    fn position(&self, parameters: &[f64]) -> Vec<f64> {
        let place = |((scale, bounds), &parameter)| into_search(scale, bounds, parameter);
        self.terms().zip(parameters).map(place).collect()
    }

    fn parameters(&self, at: &[f64]) -> Vec<f64> {
        let parameter = |((scale, bounds), &at): ((Scale, Bounds), &f64)| match scale {
            Scale::Logarithm => libm::exp(at),
            Scale::Linear => at * unit(bounds),
        };
        self.terms().zip(at).map(parameter).collect()
    }

    /// How much each parameter changes with its term.
    fn turns(&self, parameters: &[f64]) -> Vec<f64> {
        let turn = |((scale, bounds), &parameter): ((Scale, Bounds), &f64)| match scale {
            Scale::Logarithm => parameter,
            Scale::Linear => unit(bounds),
        };
        self.terms().zip(parameters).map(turn).collect()
    }

    fn log_prior(&self, parameters: &[f64]) -> f64 {
        let value = |(prior, &parameter): (&Option<Density>, &f64)| {
            prior.map_or(0.0, |prior| {
                let [value, ..] = prior.slopes(parameter);
                value
            })
        };
        self.priors.iter().zip(parameters).map(value).sum()
    }

    /// The chain rule from parameters to the terms of the search.
    fn point(&self, at: &[f64]) -> Point {
        let parameters = self.parameters(at);
        let Slopes { mut value, mut gradient, hessian } = self
            .like
            .with_parameters(&parameters)
            .map_or_else(Slopes::nowhere, |model| model.slopes(self.data));
        let mut bends = vec![0.0; parameters.len()];
        let cells = gradient.iter_mut().zip(&mut bends).zip(&parameters).zip(&self.priors);
        for (((slope, bend), &parameter), prior) in cells {
            if let Some(prior) = prior {
                let [ln_density, first, second] = prior.slopes(parameter);
                value += ln_density;
                *slope += first;
                *bend = second;
            }
        }
        let turns = self.turns(&parameters);
        for (slope, turn) in gradient.iter_mut().zip(&turns) {
            *slope *= turn;
        }
        let get = |values: &[f64], index: usize| values.get(index).copied().unwrap_or_default();
        let curvature = Symmetric::from_upper(gradient.len(), |row, column| {
            let bend = hessian.at(row, column) + if row == column { get(&bends, row) } else { 0.0 };
            let curved = row == column && self.scales.get(row) == Some(&Scale::Logarithm);
            -(bend * get(&turns, row) * get(&turns, column) + if curved { get(&gradient, row) } else { 0.0 })
        });
        Point { value, gradient, curvature }
    }
}

/// The length of one step of a coefficient.
fn unit(bounds: Bounds) -> f64 {
    (bounds.upper - bounds.lower) / UNITS
}

fn into_search(scale: Scale, bounds: Bounds, parameter: f64) -> f64 {
    match scale {
        Scale::Logarithm => libm::log(parameter),
        Scale::Linear => parameter / unit(bounds),
    }
}
