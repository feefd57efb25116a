#[cfg(test)]
mod tests;

use super::beta_geometric::BetaGeometric;
use super::distinct_rows::DistinctRows;
use super::fit::fit_with_priors;
use super::likelihood::LeavesAfterPurchase;
use super::living::Living;
use super::model::sealed::Sealed;
use super::parameters::parameters;
use super::{Buyer, Fit, FitError, Horizon, Priors, PurchaseModel};
use crate::numeric::dropout_series::Afresh;
use crate::numeric::exponential::falling_logistic;

parameters! {
    /// The modified BG/NBD model: as [`BgNbd`](super::BgNbd), but customers may leave right after their first purchase,
    /// so that P(alive) of someone who never came back falls like that of everybody else.
    ///
    /// Rates are spread over customers by Gamma(r, alpha), leaving probabilities by Beta(a, b).
    ///
    /// # Example
    /// ```
    /// use patronage::value::{Buyer, MbgNbd, PurchaseModel};
    ///
    /// // Fitted to weeks of CDNOW purchases.
    /// let model = MbgNbd::new(0.525, 6.183, 0.891, 1.614)?;
    /// let never_back = Buyer::new(0, 0.0, 38.86)?;
    /// assert_eq!(format!("{:.10}", model.p_alive(never_back)), "0.3897350809");
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    ///
    /// Source: E. Batislam, M. Denizel, A. Filiztekin, "Empirical validation and comparison of models for customer base
    /// analysis", International Journal of Research in Marketing 24 (2007).
    "mbg_nbd" MbgNbd {
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

impl MbgNbd {
    /// Finds the parameters that make the histories of all customers most likely.
    ///
    /// # Errors
    /// As [`BgNbd::fit`](super::BgNbd::fit).
    ///
    /// # Cost
    /// Sorting, then about ten passes over the distinct rows; 32 bytes for each row.
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
        fit_with_priors(&Self { r: 1.0, alpha: 1.0, a: 1.0, b: 1.0 }, &rows, priors)
    }
}

impl LeavesAfterPurchase for MbgNbd {
    const MODEL: &'static str = "mbg_nbd";

    fn family(&self) -> BetaGeometric {
        BetaGeometric { r: self.r, alpha: self.alpha, a: self.a, b: self.b, stages: 1, first: 1 }
    }

    fn of_family(family: &BetaGeometric) -> Option<Self> {
        Self::new(family.r, family.alpha, family.a, family.b).ok()
    }
}

impl Sealed for MbgNbd {
    fn ln_odds_gone(&self, buyer: Buyer) -> f64 {
        self.family().ln_odds_gone(buyer)
    }

    fn living(&self, buyer: Buyer) -> Living {
        self.family().living(buyer)
    }
}

impl PurchaseModel for MbgNbd {
    /// # Formula
    /// ```text
    /// ln B(a, b+x+1) / B(a, b) + ln G(r+x) / G(r) + r ln alpha - (r+x) ln(alpha+T)
    /// + ln(1 + a / (b+x) ((alpha+T) / (alpha+t_x))^(r+x))
    /// ```
    fn log_likelihood(&self, buyer: Buyer) -> f64 {
        self.family().log_likelihood(buyer)
    }

    /// # Formula
    /// ```text
    /// 1 / (1 + a / (b+x) ((alpha+T) / (alpha+t_x))^(r+x))
    /// ```
    fn p_alive(&self, buyer: Buyer) -> f64 {
        falling_logistic(self.ln_odds_gone(buyer))
    }

    /// # Formula
    /// ```text
    /// P(alive) (a+b+x)/(a-1) [1 - ((alpha+T)/(alpha+T+t))^(r+x) 2F1(r+x, b+x+1; a+b+x; t/(alpha+T+t))]
    /// ```
    /// computed so that no term overflows or cancels, for a = 1 as well.
    fn expected_purchases(&self, buyer: Buyer, horizon: Horizon) -> f64 {
        self.p_alive(buyer) * self.living(buyer).expected(horizon.length(), &mut Afresh)
    }
}
