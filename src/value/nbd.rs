#[cfg(test)]
mod tests;

use super::distinct_rows::DistinctRows;
use super::fit::{fit, fit_with_priors};
use super::likelihood::{Bounds, Likelihood, Slopes, pace};
use super::living::{Leaving, Living};
use super::model::sealed::Sealed;
use super::parameters::parameters;
use super::{Buyer, Fit, FitError, Horizon, Priors, PurchaseModel};
use crate::numeric::dropout_series::Afresh;
use crate::numeric::gamma::ln_rising;
use crate::numeric::linear::Symmetric;
use crate::numeric::rising::rising_slopes;

parameters! {
    /// The NBD model: customers buy at their own steady rate and never leave. What every model in which they do must
    /// beat.
    ///
    /// Rates are spread over customers by Gamma(r, alpha).
    ///
    /// # Example
    /// ```
    /// use patronage::value::{Buyer, Horizon, Nbd, PurchaseModel};
    ///
    /// let model = Nbd::new(0.385, 12.07)?;
    /// let buyer = Buyer::new(2, 30.43, 38.86)?;
    /// let expected = model.expected_purchases(buyer, Horizon::new(39.0)?);
    /// assert_eq!(format!("{expected:.6}"), "1.826330");
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    ///
    /// Source: A. Ehrenberg, "The pattern of consumer purchases", Applied Statistics 8 (1959).
    "nbd" Nbd {
        /// The shape of the rates: the smaller, the more customers differ in how often they buy.
        r,
        /// The scale of the rates, a time: r / alpha is the mean number of purchases in a unit of time.
        alpha,
    }
    /// The model with known parameters; `alpha` is a time in the unit of the data.
    new
}

impl Nbd {
    /// Finds the parameters that make the histories of all customers most likely.
    ///
    /// # Errors
    /// As [`BgNbd::fit`](super::BgNbd::fit); the best r lies at its edge where customers differ no more than chance
    /// makes them.
    ///
    /// # Cost
    /// Sorting, then about ten passes over the distinct rows; 32 bytes for each row.
    pub fn fit(buyers: impl IntoIterator<Item = Buyer>) -> Result<Fit<Self>, FitError> {
        fit(&Self { r: 1.0, alpha: 1.0 }, &DistinctRows::of(buyers)?)
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
        fit_with_priors(&Self { r: 1.0, alpha: 1.0 }, &rows, priors)
    }
}

impl Likelihood for Nbd {
    type Data = DistinctRows;

    const MODEL: &'static str = "nbd";
    const NAMES: &'static [&'static str] = &["r", "alpha"];

    fn customers(data: &DistinctRows) -> u64 {
        data.customers
    }

    fn ranges(&self, rows: &DistinctRows) -> Vec<Bounds> {
        let times = |factor: f64| factor * rows.longest_age;
        vec![Bounds { lower: 1e-5, upper: 1e5 }, Bounds { lower: times(1e-9), upper: times(1e7) }]
    }

    fn starts(&self, rows: &DistinctRows) -> Vec<Vec<f64>> {
        let pace = pace(rows);
        vec![vec![0.4, 0.4 * pace], vec![1.0, pace], vec![4.0, 4.0 * pace], vec![0.1, 0.1 * pace]]
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.r, self.alpha]
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let &[r, alpha] = parameters else { return None };
        Self::new(r, alpha).ok()
    }

    fn slopes(&self, histories: &DistinctRows) -> Slopes {
        let Self { r, alpha } = *self;
        let ln_alpha = libm::log(alpha);
        // The value, the slopes in r and alpha, and the second ones in r r, r alpha and alpha alpha.
        let mut sums = [histories.constant, 0.0, 0.0, 0.0, 0.0, 0.0];
        for group in &histories.groups {
            let (x, weight) = (f64::from(group.frequency), group.weight);
            let (gain, bend) = rising_slopes(r, x);
            let value = ln_rising(r, group.frequency) - x * ln_alpha;
            let table = [value, gain, -x / alpha, bend, 0.0, x / (alpha * alpha)];
            sums.iter_mut().zip(table).for_each(|(sum, part)| *sum += weight * part);
        }
        let parts = histories.parts(|group, rows| {
            let shape = r + f64::from(group.frequency);
            let mut parts = [0.0; 6];
            for row in rows {
                // Logarithms against that of alpha, and reciprocals too, keep their digits for the largest r.
                let now = (alpha + row.age).recip();
                let growth = libm::log1p(row.age / alpha);
                let lag = row.age * now / alpha;
                let here =
                    [-shape * growth, -growth, shape * lag, 0.0, lag, -shape * lag * (alpha.recip() + now)];
                parts.iter_mut().zip(here).for_each(|(sum, part)| *sum += row.weight * part);
            }
            parts
        });
        for part in parts {
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        let [value, shape, scale, shape_twice, both, scale_twice] = sums;
        Slopes {
            value,
            gradient: vec![shape, scale],
            hessian: Symmetric::from_upper(2, |row, column| match (row, column) {
                (0, 0) => shape_twice,
                (1, 1) => scale_twice,
                _ => both,
            }),
        }
    }
}

impl Sealed for Nbd {
    fn ln_odds_gone(&self, _: Buyer) -> f64 {
        f64::NEG_INFINITY
    }

    fn living(&self, buyer: Buyer) -> Living {
        Living {
            shape: self.r + f64::from(buyer.frequency()),
            scale: self.alpha + buyer.age(),
            leaving: Leaving::Never,
        }
    }
}

impl PurchaseModel for Nbd {
    /// # Formula
    /// ```text
    /// ln G(r+x) / G(r) + r ln alpha - (r+x) ln(alpha+T)
    /// ```
    /// This is the likelihood of the times of all purchases, as in the other models; that of their number alone is
    /// larger by x ln T - ln x!.
    fn log_likelihood(&self, buyer: Buyer) -> f64 {
        let frequency = buyer.frequency();
        let mut sum = ln_rising(self.r, frequency) - self.r * libm::log1p(buyer.age() / self.alpha);
        if frequency > 0 {
            sum -= f64::from(frequency) * libm::log(self.alpha + buyer.age());
        }
        sum
    }

    /// Always 1.
    fn p_alive(&self, _: Buyer) -> f64 {
        1.0
    }

    /// # Formula
    /// ```text
    /// (r+x) / (alpha+T) t
    /// ```
    fn expected_purchases(&self, buyer: Buyer, horizon: Horizon) -> f64 {
        self.living(buyer).expected(horizon.length(), &mut Afresh)
    }
}
