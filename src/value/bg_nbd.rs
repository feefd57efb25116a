#[cfg(test)]
mod tests;

use super::beta_geometric::BetaGeometric;
use super::distinct_rows::DistinctRows;
use super::fit::fit_with_priors;
use super::likelihood::LeavesAfterPurchase;
use super::living::Living;
use super::model::sealed::Sealed;
use super::parameters::parameters;
use super::with_covariates::TakesCovariates;
use super::{Buyer, Fit, FitError, Horizon, Priors, PurchaseModel};
use crate::numeric::dropout_series::Afresh;
use crate::numeric::exponential::{falling_logistic, ln_1p_exp};
use crate::numeric::gamma::ln_rising;
use crate::validation::ValidationError;

parameters! {
    /// The BG/NBD model: customers buy at their own steady rate, and after each purchase leave for good with their own
    /// probability.
    ///
    /// Rates are spread over customers by Gamma(r, alpha), leaving probabilities by Beta(a, b). Someone who has never
    /// come back cannot have left by this model, so their P(alive) is 1.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{BgNbd, Buyer, Horizon, PurchaseModel};
    ///
    /// let model = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
    /// let new = model.expected_purchases_new(Horizon::new(39.0)?);
    /// assert_eq!(format!("{new:.9}"), "1.196723193");
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    ///
    /// Source: P. Fader, B. Hardie, K. L. Lee, "Counting your customers the easy way: an alternative to the Pareto/NBD
    /// model", Marketing Science 24 (2005).
    "bg_nbd" BgNbd {
        /// The shape of the rates: the smaller, the more customers differ in how often they buy.
        r,
        /// The scale of the rates, a time: r / alpha is the mean number of purchases in a unit of time.
        alpha,
        /// The first parameter of the leaving probability, whose mean is a / (a + b).
        a,
        /// The second parameter of the leaving probability.
        b,
    }
    /// The model with known parameters; `alpha` is a time in the unit of the data.
    new
}

impl BgNbd {
    /// Finds the parameters that make the histories of all customers most likely.
    ///
    /// Takes rows or columns (`buyers.iter()`). Equal rows are weighed once, the order of rows does not matter to the
    /// last bit, and gradient and curvature are analytic.
    ///
    /// # Errors
    /// [`FitError`]: no customers, nobody came back, all the same (or only one), a parameter at the edge of the model
    /// (customers who never leave, or who all buy at one rate), parameters that the data do not tell apart, or no
    /// convergence. Parameters are never returned then.
    ///
    /// # Cost
    /// Sorting, then about ten passes over the distinct rows; 32 bytes for each row.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{BgNbd, Buyers, FitError};
    ///
    /// let buyers = Buyers::new(&[0, 0], &[0.0, 0.0], &[38.86, 27.0])?;
    /// let refused = BgNbd::fit(buyers.iter()).unwrap_err();
    /// assert_eq!(refused, FitError::NoRepeatPurchases { customers: 2 });
    /// # Ok::<(), patronage::value::ValueError>(())
    /// ```
    pub fn fit(buyers: impl IntoIterator<Item = Buyer>) -> Result<Fit<Self>, FitError> {
        Self::fit_with_priors(buyers, &Priors::NONE)
    }

    /// As [`fit`](Self::fit), but finds the most probable parameters where something is known of them beforehand.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`FitError::UnknownParameter`] or [`FitError::Prior`] for priors that do not fit the
    /// model. Where every parameter has a prior, customers who never came back or are all the same are no error.
    ///
    /// # Cost
    /// As [`fit`](Self::fit).
    pub fn fit_with_priors(
        buyers: impl IntoIterator<Item = Buyer>,
        priors: &Priors,
    ) -> Result<Fit<Self>, FitError> {
        let rows = DistinctRows::with_priors(buyers, priors.say_all::<Self>())?;
        fit_with_priors(&Self::unfitted(), &rows, priors)
    }

    /// The odds of having left, for someone who came back, in two parts: a logarithm that grows with the silence, and
    /// the factor a / (b+x-1).
    fn log_silence(&self, buyer: Buyer) -> (f64, f64) {
        let x = f64::from(buyer.frequency());
        let silence = libm::log1p((buyer.age() - buyer.recency()) / (self.alpha + buyer.recency()));
        ((self.r + x) * silence, self.a / (self.b + (x - 1.0)))
    }
}

impl LeavesAfterPurchase for BgNbd {
    const MODEL: &'static str = "bg_nbd";

    fn family(&self) -> BetaGeometric {
        BetaGeometric { r: self.r, alpha: self.alpha, a: self.a, b: self.b, stages: 1, first: 0 }
    }

    fn of_family(family: &BetaGeometric) -> Option<Self> {
        Self::new(family.r, family.alpha, family.a, family.b).ok()
    }
}

impl TakesCovariates for BgNbd {
    const MODEL_WITH_COVARIATES: &'static str = "bg_nbd_with_covariates";
    const TRANSACTION: &'static [(usize, f64)] = &[(1, -1.0)];
    const LIFETIME: &'static [(usize, f64)] = &[(2, 1.0), (3, 1.0)];

    fn unfitted() -> Self {
        Self { r: 1.0, alpha: 1.0, a: 1.0, b: 1.0 }
    }

    fn moved(&self, transaction: f64, lifetime: f64) -> Result<Self, ValidationError> {
        let growth = libm::exp(lifetime);
        Self::new(self.r, self.alpha * libm::exp(-transaction), self.a * growth, self.b * growth)
    }
}

impl Sealed for BgNbd {
    fn ln_odds_gone(&self, buyer: Buyer) -> f64 {
        self.family().ln_odds_gone(buyer)
    }

    fn living(&self, buyer: Buyer) -> Living {
        self.family().living(buyer)
    }
}

impl PurchaseModel for BgNbd {
    /// # Formula
    /// ```text
    /// ln B(a, b+x) / B(a, b) + ln G(r+x) / G(r) + r ln alpha - (r+x) ln(alpha+T)
    /// + ln(1 + a / (b+x-1) ((alpha+T) / (alpha+t_x))^(r+x))      the last only for x > 0
    /// ```
    fn log_likelihood(&self, buyer: Buyer) -> f64 {
        let frequency = buyer.frequency();
        let never_left = ln_rising(self.b, frequency) - ln_rising(self.a + self.b, frequency)
            + ln_rising(self.r, frequency)
            - self.r * libm::log1p(buyer.age() / self.alpha);
        if frequency == 0 {
            return never_left;
        }
        let late = f64::from(frequency) * libm::log(self.alpha + buyer.age());
        let (silence, odds) = self.log_silence(buyer);
        never_left - late + ln_1p_exp(silence + libm::log(odds))
    }

    /// # Formula
    /// ```text
    /// 1 / (1 + a / (b+x-1) ((alpha+T) / (alpha+t_x))^(r+x)),  1 for x = 0
    /// ```
    fn p_alive(&self, buyer: Buyer) -> f64 {
        if buyer.frequency() == 0 {
            return 1.0;
        }
        let (silence, odds) = self.log_silence(buyer);
        if silence < 600.0 {
            (1.0 + odds * libm::exp(silence)).recip()
        } else {
            falling_logistic(silence + libm::log(odds))
        }
    }

    /// # Formula
    /// ```text
    /// P(alive) (a+b+x-1)/(a-1) [1 - ((alpha+T)/(alpha+T+t))^(r+x) 2F1(r+x, b+x; a+b+x-1; t/(alpha+T+t))]
    /// ```
    /// computed so that no term overflows or cancels, for a = 1 as well.
    fn expected_purchases(&self, buyer: Buyer, horizon: Horizon) -> f64 {
        self.p_alive(buyer) * self.living(buyer).expected(horizon.length(), &mut Afresh)
    }
}
