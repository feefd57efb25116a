#[cfg(test)]
mod tests;

use super::fit::fit_with_priors;
use super::parameters::parameters;
use super::regularity::{Regularity, TimedRows};
use super::waiting::Fineness;
use super::{Fit, FitError, Horizon, Priors, TimedBuyer};

const FINE: Fineness = Fineness::FINE;

parameters! {
    /// The Pareto/GGG model: customers buy at their own rate and with their own regularity, and leave for good at their own
    /// rate, at any time.
    ///
    /// The times between purchases of a customer are Gamma(k, k l): random for k = 1, and the more regular the larger k. The
    /// regularity k is spread over customers by Gamma(t, gamma), the rate l of buying by Gamma(r, alpha) and that of leaving
    /// by Gamma(s, beta). With k = 1 for everyone it is [`ParetoNbd`](super::ParetoNbd). A regular buyer who is overdue has
    /// likely left, when a random one with the same history may well come again: so how a customer bought
    /// ([`TimedBuyer::ln_intervals`]) tells who is still there.
    ///
    /// All answers are integrals over k, in which the rates are integrated out in closed form. They are summed to about ten
    /// digits, those about several purchases to come to six; each answer says what it costs. The names are those of
    /// [`PurchaseModel`](super::PurchaseModel), [`PurchaseForecast`](super::PurchaseForecast) and
    /// [`PurchasePrediction`](super::PurchasePrediction), which this model cannot be one of: it asks for a [`TimedBuyer`].
    ///
    /// # Example
    /// ```
    /// use patronage::value::{Buyer, Horizon, ParetoGgg, TimedBuyer};
    ///
    /// let model = ParetoGgg::new(1.7, 0.6, 0.9, 5.0, 0.7, 8.0)?;
    /// // Both made four repeat purchases within 40 weeks and none in the ten since; one every ten weeks, one at random. Who
    /// // will not buy within the next ten?
    /// let buyer = Buyer::new(4, 40.0, 50.0)?;
    /// let evenly = TimedBuyer::new(buyer, 4.0 * 10_f64.ln())?;
    /// let at_random = TimedBuyer::new(buyer, 2_f64.ln() + 2.0 * 5_f64.ln() + 28_f64.ln())?;
    /// let weeks = Horizon::new(10.0)?;
    /// let silent = [evenly, at_random].map(|buyer| format!("{:.4}", model.p_no_purchase(buyer, weeks)));
    /// assert_eq!(silent, ["0.3449", "0.5335"]);
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    ///
    /// Source: M. Platzer, T. Reutterer, "Ticking away the moments: timing regularity helps to better predict customer
    /// activity", Marketing Science 35 (2016). They sample the rates of all customers; here these are integrated out.
    "pareto_ggg" ParetoGgg {
        /// The shape of the regularities: the smaller, the more customers differ in how regularly they buy.
        t,
        /// The rate of the regularities: t / gamma is their mean.
        gamma,
        /// The shape of the rates of buying: the smaller, the more customers differ in how often they buy.
        r,
        /// The scale of the rates of buying, a time: r / alpha is the mean number of purchases in a unit of time.
        alpha,
        /// The shape of the rates of leaving: the smaller, the more customers differ in how long they stay.
        s,
        /// The scale of the rates of leaving, a time: half of all have left after `beta (2^(1/s) - 1)`.
        beta,
    }
    /// The model with known parameters; `alpha` and `beta` are times in the unit of the data.
    new
}

impl ParetoGgg {
    /// Finds the parameters that make the histories of all customers most likely.
    ///
    /// How customers differ in their regularity takes long histories to tell; where the data do not, the likelihood grows
    /// towards one regularity for all, and the fit is refused. Priors help then, and so does a full posterior (feature
    /// `bayes`).
    ///
    /// # Errors
    /// As [`ParetoNbd::fit`](super::ParetoNbd::fit).
    ///
    /// # Cost
    /// About 5 milliseconds for each distinct customer who came back: some hundred integrals over k. Up to ten times as
    /// much until a fit is refused.
    pub fn fit(buyers: impl IntoIterator<Item = TimedBuyer>) -> Result<Fit<Self>, FitError> {
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
        buyers: impl IntoIterator<Item = TimedBuyer>,
        priors: &Priors,
    ) -> Result<Fit<Self>, FitError> {
        let like = Self { t: 1.0, gamma: 1.0, r: 1.0, alpha: 1.0, s: 1.0, beta: 1.0 };
        fit_with_priors(&like, &TimedRows::of(buyers, priors.say_all::<Self>())?, priors)
    }

    /// The logarithm of how likely the history of a customer is.
    ///
    /// # Returns
    /// A finite number, in the unit of the fit (one over it for each repeat purchase).
    ///
    /// # Formula
    /// ```text
    /// ln E over k of (t1 t2 .. tx)^(k-1) k^(k x) G(r+kx) / (G(k)^x G(r)) alpha^r (alpha+k t_x)^-(r+kx)
    ///                (beta / (beta+t_x))^s B(k)
    /// B(k) = 1 - integral of f(u) (1 + u / (beta+t_x))^-s du over 0..T-t_x
    /// ```
    /// with f the density of the time to the next purchase: `k / (alpha+k t_x)` times it is the odds of Beta(k, r+kx). B is
    /// how likely no purchase was seen since the last, because it was not due or because the customer had left.
    ///
    /// # Cost
    /// About 0.1 milliseconds.
    pub fn log_likelihood(&self, buyer: TimedBuyer) -> f64 {
        let regularity = Regularity::new(self, buyer);
        let silence = regularity.silence;
        regularity.means(FINE, |k| (libm::log(regularity.silent(FINE, k, silence)), [])).0
    }

    /// How likely it is that a customer is still one, and has not silently left.
    ///
    /// # Returns
    /// 0 to 1.
    ///
    /// # Formula
    /// ```text
    /// E over k, given all that is seen, of (1 + (T-t_x) / (beta+t_x))^-s P(the next purchase takes longer than T-t_x) / B(k)
    /// ```
    ///
    /// # Cost
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn p_alive(&self, buyer: TimedBuyer) -> f64 {
        let regularity = Regularity::new(self, buyer);
        let silence = regularity.silence;
        let (_, [p]) = regularity.means(FINE, |k| {
            let silent = regularity.silent(FINE, k, silence);
            (libm::log(silent), [regularity.silent_and_there(k, silence) / silent])
        });
        p.clamp(0.0, 1.0)
    }

    /// How regularly a customer is expected to buy: the mean of k, given all that is seen.
    ///
    /// # Returns
    /// Above 0: 1 is random, 10 is like clockwork.
    ///
    /// # Cost
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn expected_regularity(&self, buyer: TimedBuyer) -> f64 {
        let regularity = Regularity::new(self, buyer);
        let silence = regularity.silence;
        let (_, [k]) =
            regularity.means(FINE, |k| (libm::log(regularity.silent(FINE, k, silence)), [k.waiting.k]));
        k
    }

    /// How likely a customer makes no purchase within the horizon from now, be it that they have left.
    ///
    /// # Returns
    /// 0 to 1. It is `1 - P(alive)` at least.
    ///
    /// # Formula
    /// ```text
    /// E over k, given all that is seen, of B(k) for a silence of T-t_x+t over that of T-t_x
    /// ```
    ///
    /// # Cost
    /// Twice that of [`log_likelihood`](Self::log_likelihood).
    pub fn p_no_purchase(&self, buyer: TimedBuyer, horizon: Horizon) -> f64 {
        let regularity = Regularity::new(self, buyer);
        let (silence, longer) = (regularity.silence, regularity.silence + horizon.length());
        let (_, [p]) = regularity.means(FINE, |k| {
            let silent = regularity.silent(FINE, k, silence);
            (libm::log(silent), [regularity.silent(FINE, k, longer) / silent])
        });
        p.clamp(0.0, 1.0)
    }
}
