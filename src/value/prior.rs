#[cfg(test)]
mod tests;

use super::FitError;
use super::likelihood::{Likelihood, Scale};
use crate::numeric::gamma::ln_gamma;
use crate::validation::ValidationError;
use std::borrow::Cow;

/// Half of ln(2 pi).
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;

/// What is held to be likely of one parameter before the data are seen.
///
/// # Formula
/// ```text
/// log-normal   ln p = -1/2 ((ln x - ln median) / spread)^2 - ln(x spread sqrt(2 pi))          positive parameters
/// gamma        ln p = shape ln rate - ln G(shape) + (shape-1) ln x - rate x                   positive parameters
/// normal       ln p = -1/2 ((x - mean) / sd)^2 - ln(sd sqrt(2 pi))                            coefficients; of positive
///              parameters the part above 0, whose density is larger by 1 / P(x > 0)
/// L2           ln p = -lambda n x^2, n the number of customers                                 all; no density
/// ```
///
/// # Example
/// ```
/// use patronage::value::Prior;
///
/// assert!(Prior::log_normal(10.0, 0.5).is_ok());
/// assert!(Prior::gamma(2.0, -1.0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior(Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    LogNormal { median: f64, spread: f64 },
    Gamma { shape: f64, rate: f64 },
    Normal { mean: f64, standard_deviation: f64 },
    L2 { lambda: f64 },
}

impl Prior {
    /// A positive parameter is about `median`, up or down by a factor of e^spread.
    ///
    /// A spread of 2 says little more than the order of magnitude; one of 0.1 fixes the parameter to 10 %.
    ///
    /// # Errors
    /// [`ValidationError`] when the median does not lie between 1e-30 and 1e30 or the spread not between 1e-6 and 1e6.
    pub fn log_normal(median: f64, spread: f64) -> Result<Self, ValidationError> {
        if !(1e-30..=1e30).contains(&median) {
            return Err(ValidationError::new("prior.median", "must lie between 1e-30 and 1e30", median));
        }
        if !(1e-6..=1e6).contains(&spread) {
            return Err(ValidationError::new("prior.spread", "must lie between 1e-6 and 1e6", spread));
        }
        Ok(Self(Kind::LogNormal { median, spread }))
    }

    /// A positive parameter has a mean of `shape / rate`, and a standard deviation of its mean over the root of `shape`.
    ///
    /// A shape below 1 pulls the parameter to 0, where it may end as [`FitError::Boundary`].
    ///
    /// # Errors
    /// [`ValidationError`] when one does not lie between 1e-30 and 1e30.
    pub fn gamma(shape: f64, rate: f64) -> Result<Self, ValidationError> {
        for (field, value) in [("prior.shape", shape), ("prior.rate", rate)] {
            if !(1e-30..=1e30).contains(&value) {
                return Err(ValidationError::new(field, "must lie between 1e-30 and 1e30", value));
            }
        }
        Ok(Self(Kind::Gamma { shape, rate }))
    }

    /// A coefficient is about `mean`, give or take a standard deviation. Of a positive parameter the part above 0 counts.
    ///
    /// # Errors
    /// [`ValidationError`] when the mean does not lie between -1e30 and 1e30 or the standard deviation not between
    /// 1e-30 and 1e30.
    pub fn normal(mean: f64, standard_deviation: f64) -> Result<Self, ValidationError> {
        if !(-1e30..=1e30).contains(&mean) {
            return Err(ValidationError::new("prior.mean", "must lie between -1e30 and 1e30", mean));
        }
        if !(1e-30..=1e30).contains(&standard_deviation) {
            let rule = "must lie between 1e-30 and 1e30";
            return Err(ValidationError::new("prior.standard_deviation", rule, standard_deviation));
        }
        Ok(Self(Kind::Normal { mean, standard_deviation }))
    }

    /// An L2 penalty (ridge): the mean log-likelihood of a customer is lowered by `lambda` times the square of the
    /// parameter.
    ///
    /// The lambda of coefficients is that of `CLVTools` (`reg.lambdas`); on every parameter of a model, with the longest
    /// age as the unit of time, it is the `penalizer_coef` of `lifetimes`.
    ///
    /// # Errors
    /// [`ValidationError`] when lambda does not lie between 0 and 1e30.
    pub fn l2(lambda: f64) -> Result<Self, ValidationError> {
        if (0.0..=1e30).contains(&lambda) {
            Ok(Self(Kind::L2 { lambda }))
        } else {
            Err(ValidationError::new("prior.lambda", "must lie between 0 and 1e30", lambda))
        }
    }

    /// The prior of a parameter of one scale, fitted to so many customers; the rule where it cannot be.
    fn of(self, scale: Scale, customers: f64) -> Result<Density, &'static str> {
        match (self.0, scale) {
            (Kind::LogNormal { median, spread }, Scale::Logarithm) => {
                Ok(Density::LogNormal { ln_median: libm::log(median), spread })
            }
            (Kind::Gamma { shape, rate }, Scale::Logarithm) => Ok(Density::Gamma { shape, rate }),
            (Kind::LogNormal { .. } | Kind::Gamma { .. }, Scale::Linear) => {
                Err("a coefficient may be negative: its prior must be normal or L2")
            }
            (Kind::Normal { mean, .. }, Scale::Logarithm) if mean < 0.0 => {
                Err("the normal prior of a positive parameter must not have a negative mean")
            }
            (Kind::Normal { mean, standard_deviation }, scale) => {
                let ln_part = match scale {
                    Scale::Logarithm => {
                        let tail = mean / standard_deviation / std::f64::consts::SQRT_2;
                        libm::log(0.5 * libm::erfc(-tail))
                    }
                    Scale::Linear => 0.0,
                };
                let ln_top = -libm::log(standard_deviation) - HALF_LN_TAU - ln_part;
                Ok(Density::Normal { mean, weight: standard_deviation.powi(-2), ln_top })
            }
            (Kind::L2 { lambda }, _) => {
                Ok(Density::Normal { mean: 0.0, weight: 2.0 * lambda * customers, ln_top: 0.0 })
            }
        }
    }
}

/// A prior ready to be added to a log-likelihood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Density {
    LogNormal { ln_median: f64, spread: f64 },
    Gamma { shape: f64, rate: f64 },
    Normal { mean: f64, weight: f64, ln_top: f64 },
}

impl Density {
    /// Its logarithm with the first and second derivative, at a value of the parameter.
    pub(super) fn slopes(self, at: f64) -> [f64; 3] {
        match self {
            Self::LogNormal { ln_median, spread } => {
                let (ln_at, weight) = (libm::log(at), (spread * spread).recip());
                let away = ln_at - ln_median;
                let value = -0.5 * away * away * weight - ln_at - libm::log(spread) - HALF_LN_TAU;
                let pull = away * weight + 1.0;
                [value, -pull / at, (pull - weight) / (at * at)]
            }
            Self::Gamma { shape, rate } => {
                let value =
                    shape * libm::log(rate) - ln_gamma(shape) + (shape - 1.0) * libm::log(at) - rate * at;
                [value, (shape - 1.0) / at - rate, -(shape - 1.0) / (at * at)]
            }
            Self::Normal { mean, weight, ln_top } => {
                let away = at - mean;
                [ln_top - 0.5 * weight * away * away, -weight * away, -weight]
            }
        }
    }

    /// Where a search may begin that is led by it alone.
    pub(super) fn centre(self) -> Option<f64> {
        match self {
            Self::LogNormal { ln_median, .. } => Some(libm::exp(ln_median)),
            Self::Gamma { shape, rate } => Some(shape / rate),
            Self::Normal { mean: 0.0, weight, .. } => (weight > 0.0).then(|| weight.sqrt().recip()),
            Self::Normal { mean, .. } => Some(mean),
        }
    }
}

/// What is held to be likely of the parameters of a model before the data are seen: a fit with priors finds the most
/// probable parameters (maximum a posteriori) instead of those that make the data most likely.
///
/// With priors a fit has an answer where the data alone have none: few customers, identical ones, a covariate that
/// separates customers perfectly. Without any, it is the plain fit, to the last bit.
///
/// Most probable is meant in the parameters themselves, not in their logarithms: a log-normal prior alone peaks at
/// `median e^(-spread^2)`. The likelihood and the criteria that a [`Fit`](super::Fit) reports stay those of the data;
/// what the priors add is [`Fit::log_prior`](super::Fit::log_prior).
///
/// # Example
/// ```
/// use patronage::value::{BgNbd, Buyer, FitError, Prior, Priors};
///
/// // Three customers who have all done the same say nothing about how customers differ.
/// let buyers = [Buyer::new(2, 30.0, 39.0)?; 3];
/// assert_eq!(BgNbd::fit(buyers), Err(FitError::AllTheSame { customers: 3 }));
///
/// // But something is known from last year.
/// let last_year = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
/// let priors = Priors::around(&last_year, 0.5)?.with("r", Prior::gamma(4.0, 8.0)?);
/// let fit = BgNbd::fit_with_priors(buyers, &priors)?;
/// assert_eq!(format!("{:.3} +- {:.3}", fit.model().r(), fit.parameters()[0].standard_error), "0.466 +- 0.191");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: A. Gelman and others, "Bayesian Data Analysis" (2013), 4.1 and 13.1: modes and the normal approximation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Priors {
    of: Vec<(Cow<'static, str>, Prior)>,
}

impl Priors {
    /// No priors at all.
    pub const NONE: Self = Self { of: Vec::new() };

    /// These priors and one more, which takes the place of an earlier one of the same name.
    ///
    /// # Arguments
    /// - `parameter`: the name of a parameter (`alpha`, `trans.gender`), or `trans` or `life` for all coefficients of one
    ///   process that have no prior of their own.
    #[must_use]
    pub fn with(mut self, parameter: impl Into<Cow<'static, str>>, prior: Prior) -> Self {
        let parameter = parameter.into();
        self.of.retain(|(name, _)| *name != parameter);
        self.of.push((parameter, prior));
        self
    }

    /// Priors of all parameters around those of a known model, such as last year's or that of a similar shop.
    ///
    /// # Arguments
    /// - `spread`: how much a parameter may differ, in its logarithm (0.1 for about 10 %, 2 for not much more than its
    ///   order of magnitude: weakly informative); of coefficients, the standard deviation.
    ///
    /// # Errors
    /// [`ValidationError`] when the spread does not lie between 1e-6 and 1e6.
    pub fn around<M: Likelihood>(model: &M, spread: f64) -> Result<Self, ValidationError> {
        let parameters = model.names().into_iter().zip(model.parameters()).zip(model.scales());
        let of = parameters.map(|((name, value), scale)| {
            let prior = match scale {
                Scale::Logarithm => Prior::log_normal(value, spread)?,
                Scale::Linear => Prior::normal(value, spread)?,
            };
            Ok((name, prior))
        });
        Ok(Self { of: of.collect::<Result<_, ValidationError>>()? })
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// The prior that a parameter of this name has.
    fn get(&self, parameter: &str) -> Option<Prior> {
        let named = |wanted: &str| self.of.iter().find(|(name, _)| name == wanted).map(|&(_, prior)| prior);
        named(parameter).or_else(|| named(parameter.split_once('.')?.0))
    }

    /// Whether a parameter of this name has one.
    pub(super) fn has(&self, parameter: &str) -> bool {
        self.get(parameter).is_some()
    }

    /// Whether every parameter that all models of a type have has one, so that any customers will do.
    pub(super) fn say_all<M: Likelihood>(&self) -> bool {
        M::NAMES.iter().all(|parameter| self.has(parameter))
    }

    /// The prior of each parameter of a model that is fitted to so many customers.
    pub(super) fn of<M: Likelihood>(
        &self,
        model: &M,
        customers: u64,
    ) -> Result<Vec<Option<Density>>, FitError> {
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
        let customers = customers as f64;
        let names = model.names();
        let used = |wanted: &str| {
            names
                .iter()
                .any(|name| name == wanted || name.split_once('.').is_some_and(|(of, _)| of == wanted))
        };
        if let Some((unknown, _)) = self.of.iter().find(|(name, _)| !used(name)) {
            return Err(FitError::UnknownParameter { parameter: unknown.clone() });
        }
        let density = |(parameter, scale): (Cow<'static, str>, Scale)| {
            let Some(prior) = self.get(&parameter) else { return Ok(None) };
            prior.of(scale, customers).map(Some).map_err(|rule| FitError::Prior { parameter, rule })
        };
        names.iter().cloned().zip(model.scales()).map(density).collect()
    }
}
