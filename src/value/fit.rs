use super::FitError;
use super::likelihood::{Likelihood, Slopes};
use crate::numeric::linear::Symmetric;
use crate::numeric::optimise::{self, Ending, Found, Point, Range};

/// How the search for the best parameters went.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Diagnostics {
    /// How many times the likelihood was climbed by a step, over all starts.
    pub iterations: u32,
    /// From how many points the search was started; more than one where the first led nowhere.
    pub starts: u32,
    /// The largest slope of the log-likelihood in the logarithm of a parameter where the search ended.
    pub gradient_norm: f64,
    /// The condition of the curvature in the logarithms of the parameters where the search ended: the larger, the
    /// worse the data tell the parameters apart; infinite where there is no maximum.
    pub condition: f64,
}

/// A fitted parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name in the literature, such as `alpha`.
    pub name: &'static str,
    /// Its maximum likelihood estimate, in the units of the data.
    pub value: f64,
    /// The standard error of the estimate, from the curvature of the log-likelihood.
    pub standard_error: f64,
}

/// A model fitted by maximum likelihood, with how well it fits and how sure its parameters are.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit<M> {
    model: M,
    log_likelihood: f64,
    parameters: Vec<Parameter>,
    covariance: Symmetric,
    customers: u64,
    diagnostics: Diagnostics,
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

    /// The log-likelihood of the data under the model, in the units of the data.
    pub const fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// The parameters in the order of the model's constructor.
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
        self.customers
    }

    /// How the search went.
    pub const fn diagnostics(&self) -> Diagnostics {
        self.diagnostics
    }

    /// Akaike's criterion: twice the number of parameters less twice the log-likelihood. Of models of the same data
    /// the lowest is best.
    pub fn aic(&self) -> f64 {
        2.0 * (self.size() - self.log_likelihood)
    }

    /// Schwarz's criterion: as [`aic`](Self::aic), but a parameter costs the logarithm of the number of customers.
    pub fn bic(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a logarithm needs no more than 53 bits")]
        let customers = self.customers as f64;
        self.size() * libm::log(customers) - 2.0 * self.log_likelihood
    }

    fn size(&self) -> f64 {
        f64::from(u32::try_from(self.parameters.len()).unwrap_or(u32::MAX))
    }
}

/// The step of differences in the logarithm of a parameter: the cube root of the precision of a score.
const STEP: f64 = 1e-5;

impl<M: Likelihood> Fit<M> {
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
        let moved = |index: usize, factor: f64| {
            let mut moved = parameters.clone();
            if let Some(parameter) = moved.get_mut(index) {
                *parameter *= factor;
            }
            self.model.with_parameters(&moved).map(|model| score(&model))
        };
        let slopes: Vec<f64> = parameters
            .iter()
            .enumerate()
            .map(|(index, parameter)| {
                let here = || score(&self.model);
                let up = moved(index, 1.0 + STEP).unwrap_or_else(here);
                let down = moved(index, 1.0 - STEP).unwrap_or_else(here);
                (up - down) / (2.0 * STEP * parameter)
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

/// Finds the parameters that make the data most likely, in their logarithms, from one start after the other until a
/// search ends at a maximum.
pub(super) fn fit<M: Likelihood>(like: &M, data: &M::Data) -> Result<Fit<M>, FitError> {
    fit_from(like.starts(data), like, data)
}

/// As [`fit`], from these starts.
pub(super) fn fit_from<M: Likelihood>(
    starts: impl IntoIterator<Item = Vec<f64>>,
    like: &M,
    data: &M::Data,
) -> Result<Fit<M>, FitError> {
    let ranges: Vec<Range> = like
        .ranges(data)
        .iter()
        .map(|bounds| Range { lower: libm::log(bounds.lower), upper: libm::log(bounds.upper) })
        .collect();
    let mut first_failure: Option<Found> = None;
    let (mut iterations, mut tried) = (0, 0);
    for start in starts {
        let logarithms = start.iter().map(|&value| libm::log(value)).collect();
        let found = optimise::maximise(logarithms, &ranges, |at| {
            let parameters: Vec<f64> = at.iter().map(|&log| libm::exp(log)).collect();
            let model = like.with_parameters(&parameters);
            in_logarithms(&parameters, &model.map_or_else(Slopes::nowhere, |model| model.slopes(data)))
        });
        iterations += found.iterations;
        tried += 1;
        if found.ending == Ending::Maximum
            && let Some(covariance) = found.point.curvature.inverse()
        {
            let values: Vec<f64> = found.at.iter().map(|&log| libm::exp(log)).collect();
            let diagnostics = diagnostics(&found, iterations, tried);
            let scale = |row: usize| values.get(row).copied().unwrap_or_default();
            let covariance = Symmetric::from_upper(values.len(), |row, column| {
                covariance.at(row, column) * scale(row) * scale(column)
            });
            let parameters = M::NAMES
                .iter()
                .enumerate()
                .map(|(index, name)| Parameter {
                    name,
                    value: scale(index),
                    standard_error: covariance.at(index, index).sqrt(),
                })
                .collect();
            let log_likelihood = found.point.value;
            let Some(model) = like.with_parameters(&values) else {
                return Err(FitError::NotConverged { diagnostics });
            };
            let customers = M::customers(data);
            return Ok(Fit { model, log_likelihood, parameters, covariance, customers, diagnostics });
        }
        first_failure.get_or_insert(found);
    }
    Err(first_failure.map_or(FitError::NoCustomers, |found| {
        let diagnostics = diagnostics(&found, iterations, tried);
        match found.ending {
            Ending::Edge(index) => FitError::Boundary {
                parameter: M::NAMES.get(index).copied().unwrap_or("parameter"),
                diagnostics,
            },
            Ending::Flat => FitError::NotIdentified { diagnostics },
            Ending::Maximum | Ending::GaveUp => FitError::NotConverged { diagnostics },
        }
    }))
}

fn diagnostics(found: &Found, iterations: u32, starts: u32) -> Diagnostics {
    Diagnostics { iterations, starts, gradient_norm: found.gradient_norm(), condition: found.condition() }
}

/// The chain rule for d / d ln(parameter).
fn in_logarithms(parameters: &[f64], slopes: &Slopes) -> Point {
    let gradient: Vec<f64> =
        slopes.gradient.iter().zip(parameters).map(|(slope, parameter)| slope * parameter).collect();
    let at = |values: &[f64], index: usize| values.get(index).copied().unwrap_or_default();
    let curvature = Symmetric::from_upper(parameters.len(), |row, column| {
        let bend = slopes.hessian.at(row, column) * at(parameters, row) * at(parameters, column);
        -(bend + if row == column { at(&gradient, row) } else { 0.0 })
    });
    Point { value: slopes.value, gradient, curvature }
}
