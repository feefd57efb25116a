#[cfg(test)]
mod tests;

use super::departure::{Departure, Moment};
use super::distinct_rows::{DistinctRows, Row};
use super::fit::fit_with_priors;
use super::likelihood::{Bounds, Likelihood, Slopes, pace};
use super::living::{Leaving, Living};
use super::model::sealed::Sealed;
use super::parameters::parameters;
use super::with_covariates::TakesCovariates;
use super::{Buyer, Fit, FitError, Horizon, Priors, PurchaseModel};
use crate::numeric::dropout_series::Afresh;
use crate::numeric::gamma::ln_rising;
use crate::numeric::linear::Symmetric;
use crate::numeric::rising::rising_slopes;
use crate::validation::ValidationError;

parameters! {
    /// The Pareto/NBD model: customers buy at their own steady rate, and leave for good at their own steady rate, at
    /// any time.
    ///
    /// Rates of buying are spread over customers by Gamma(r, alpha), rates of leaving by Gamma(s, beta). Someone who
    /// has never come back may well have left, unlike in [`BgNbd`](super::BgNbd).
    ///
    /// # Example
    /// ```
    /// use patronage::value::{Buyer, Horizon, ParetoNbd, PurchaseModel};
    ///
    /// // Fitted to weeks of CDNOW purchases.
    /// let model = ParetoNbd::new(0.553, 10.578, 0.606, 11.669)?;
    /// let buyer = Buyer::new(2, 30.43, 38.86)?;
    /// assert_eq!(format!("{:.10}", model.p_alive(buyer)), "0.8691675592");
    /// let expected = model.expected_purchases(buyer, Horizon::new(39.0)?);
    /// assert_eq!(format!("{expected:.10}"), "1.4551231933");
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    ///
    /// Source: D. Schmittlein, D. Morrison, R. Colombo, "Counting your customers: who are they and what will they do
    /// next?", Management Science 33 (1987); P. Fader, B. Hardie, "A note on deriving the Pareto/NBD model and related
    /// expressions" (2005).
    "pareto_nbd" ParetoNbd {
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

impl ParetoNbd {
    /// Finds the parameters that make the histories of all customers most likely.
    ///
    /// Takes rows or columns (`buyers.iter()`). Equal rows are weighed once, the order of rows does not matter to the
    /// last bit, and gradient and curvature are analytic.
    ///
    /// # Errors
    /// [`FitError`]: no customers, nobody came back, all the same (or only one), a parameter at the edge of the model
    /// (customers who never leave, or who all buy or leave at one rate), parameters that the data do not tell apart,
    /// or no convergence. Parameters are never returned then.
    ///
    /// # Cost
    /// Sorting, then about ten passes over the distinct rows, each of 8 to 100 points; 32 bytes for each row.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{Buyers, FitError, ParetoNbd};
    ///
    /// let buyers = Buyers::new(&[0, 0], &[0.0, 0.0], &[38.86, 27.0])?;
    /// let refused = ParetoNbd::fit(buyers.iter()).unwrap_err();
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

    fn departure(&self, frequency: u32) -> Departure {
        Departure { n: self.r + f64::from(frequency), alpha: self.alpha, s: self.s, beta: self.beta }
    }
}

impl Likelihood for ParetoNbd {
    type Data = DistinctRows;

    const MODEL: &'static str = "pareto_nbd";
    const NAMES: &'static [&'static str] = &["r", "alpha", "s", "beta"];

    fn customers(data: &DistinctRows) -> u64 {
        data.customers
    }

    fn ranges(&self, rows: &DistinctRows) -> Vec<Bounds> {
        let times = |factor: f64| factor * rows.longest_age;
        vec![
            Bounds { lower: 1e-5, upper: 1e5 },
            Bounds { lower: times(1e-9), upper: times(1e7) },
            Bounds { lower: 1e-6, upper: 1e5 },
            Bounds { lower: times(1e-9), upper: times(1e9) },
        ]
    }

    fn starts(&self, rows: &DistinctRows) -> Vec<Vec<f64>> {
        // A rate of one purchase in the mean time between purchases, as if nobody had left.
        let pace = pace(rows);
        let times = |factor: f64| factor * rows.longest_age;
        vec![
            vec![0.5, 0.3 * pace, 0.6, times(0.3)],
            vec![1.0, pace, 1.0, times(1.0)],
            vec![3.0, 3.0 * pace, 0.3, times(0.5)],
            vec![0.2, 0.1 * pace, 2.0, times(4.0)],
            // A few leave very early.
            vec![1.0, pace, 0.05, times(0.02)],
        ]
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.r, self.alpha, self.s, self.beta]
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let &[r, alpha, s, beta] = parameters else { return None };
        Self::new(r, alpha, s, beta).ok()
    }

    fn slopes(&self, histories: &DistinctRows) -> Slopes {
        let Self { r, alpha, .. } = *self;
        let mut sums = Sums { value: histories.constant, ..Sums::default() };
        let ln_alpha = libm::log(alpha);
        for group in &histories.groups {
            let (x, weight) = (f64::from(group.frequency), group.weight);
            // What depends on the frequency alone is worked out once.
            let (gain, bend) = rising_slopes(r, x);
            sums.value += weight * (ln_rising(r, group.frequency) - x * ln_alpha);
            sums.add_slope([weight * gain, -weight * x / alpha, 0.0, 0.0]);
            let scale = weight * x / (alpha * alpha);
            sums.add_bend([weight * bend, 0.0, 0.0, 0.0, scale, 0.0, 0.0, 0.0, 0.0, 0.0]);
        }
        let parts = histories.parts(|group, rows| {
            let departure = self.departure(group.frequency);
            let mut part = Sums::default();
            for row in rows {
                part.add_row(&departure, row);
            }
            part
        });
        for part in &parts {
            sums.add(part);
        }
        sums.slopes()
    }
}

impl TakesCovariates for ParetoNbd {
    const MODEL_WITH_COVARIATES: &'static str = "pareto_nbd_with_covariates";
    const TRANSACTION: &'static [(usize, f64)] = &[(1, -1.0)];
    const LIFETIME: &'static [(usize, f64)] = &[(3, -1.0)];

    fn unfitted() -> Self {
        Self { r: 1.0, alpha: 1.0, s: 1.0, beta: 1.0 }
    }

    fn moved(&self, transaction: f64, lifetime: f64) -> Result<Self, ValidationError> {
        let alpha = self.alpha * libm::exp(-transaction);
        Self::new(self.r, alpha, self.s, self.beta * libm::exp(-lifetime))
    }
}

impl Sealed for ParetoNbd {
    fn ln_odds_gone(&self, buyer: Buyer) -> f64 {
        self.departure(buyer.frequency()).ln_odds_gone(buyer.recency(), buyer.age())
    }

    fn living(&self, buyer: Buyer) -> Living {
        Living {
            shape: self.r + f64::from(buyer.frequency()),
            scale: self.alpha + buyer.age(),
            leaving: Leaving::AnyTime { s: self.s, beta: self.beta + buyer.age() },
        }
    }
}

impl PurchaseModel for ParetoNbd {
    /// # Formula
    /// ```text
    /// ln G(r+x) / G(r) + r ln alpha + s ln beta - (r+x) ln(alpha+t_x) - s ln(beta+t_x) + ln(alive + gone)
    /// alive = ((alpha+t_x) / (alpha+T))^(r+x) ((beta+t_x) / (beta+T))^s
    /// gone  = integral of s / (beta+u) ((alpha+t_x) / (alpha+u))^(r+x) ((beta+t_x) / (beta+u))^s du over t_x..T
    /// ```
    fn log_likelihood(&self, buyer: Buyer) -> f64 {
        let frequency = buyer.frequency();
        let ln_whole = self.departure(frequency).ln_whole(buyer.recency(), buyer.age());
        let mut sum = ln_rising(self.r, frequency) + ln_whole;
        if frequency > 0 {
            sum -= self.r * libm::log1p(buyer.recency() / self.alpha)
                + self.s * libm::log1p(buyer.recency() / self.beta)
                + f64::from(frequency) * libm::log(self.alpha + buyer.recency());
        }
        sum
    }

    /// # Formula
    /// ```text
    /// alive / (alive + gone)      with alive and gone as in the likelihood
    /// ```
    fn p_alive(&self, buyer: Buyer) -> f64 {
        self.departure(buyer.frequency()).p_alive(buyer.recency(), buyer.age())
    }

    /// # Formula
    /// ```text
    /// P(alive) (r+x) (beta+T) / (alpha+T) [1 - ((beta+T) / (beta+T+t))^(s-1)] / (s-1)
    /// ```
    /// for s = 1 its limit.
    fn expected_purchases(&self, buyer: Buyer, horizon: Horizon) -> f64 {
        self.p_alive(buyer) * self.living(buyer).expected(horizon.length(), &mut Afresh)
    }
}

/// A log-likelihood with its derivatives in r, alpha, s, beta: the second ones row by row of the upper triangle.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    value: f64,
    slope: [f64; 4],
    bend: [f64; 10],
}

impl Sums {
    fn add_slope(&mut self, slope: [f64; 4]) {
        self.slope.iter_mut().zip(slope).for_each(|(mine, theirs)| *mine += theirs);
    }

    fn add_bend(&mut self, bend: [f64; 10]) {
        self.bend.iter_mut().zip(bend).for_each(|(mine, theirs)| *mine += theirs);
    }

    fn add(&mut self, other: &Self) {
        self.value += other.value;
        self.add_slope(other.slope);
        self.add_bend(other.bend);
    }

    /// Adds the part of a row that depends on its times. The likelihood is a sum over the times at which the customer
    /// may have left, and over not having left; its logarithm has as first derivative the mean of theirs, and as
    /// second the mean of theirs and the covariance of the first.
    ///
    /// Logarithms and reciprocals are those against alpha and beta alone, so that they keep their digits for the
    /// largest r and s; the table holds the rest.
    fn add_row(&mut self, departure: &Departure, row: &Row) {
        let Departure { n, alpha, s, beta } = *departure;
        let (rate_scale, loss_scale) = (alpha + row.recency, beta + row.recency);
        let length = row.age - row.recency;
        let (rate_origin, loss_origin) = (alpha.recip(), beta.recip());
        let mut whole = 0.0;
        let mut first = [0.0; 4];
        let mut second = [0.0; 10];
        let mut point = |moment: Moment, leaves: f64, inverse_s: f64| {
            let Moment { after, rate_growth, loss_growth, weight } = moment;
            let (rate, loss) = ((rate_scale + after).recip(), (loss_scale + after).recip());
            // 1 / alpha - 1 / (alpha + u), and the same of beta.
            let until = row.recency + after;
            let (rate_lag, loss_lag) = (until * rate * rate_origin, until * loss * loss_origin);
            let (d_r, d_alpha) = (-rate_growth, n * rate_lag);
            let (d_s, d_beta) = (inverse_s - loss_growth, s * loss_lag - leaves * loss);
            whole += weight;
            let slope = [d_r, d_alpha, d_s, d_beta];
            first.iter_mut().zip(slope).for_each(|(sum, part)| *sum += weight * part);
            let bend = [
                d_r * d_r,
                d_r * d_alpha + rate_lag,
                d_r * d_s,
                d_r * d_beta,
                d_alpha * d_alpha - n * rate_lag * (rate_origin + rate),
                d_alpha * d_s,
                d_alpha * d_beta,
                d_s * d_s - inverse_s * inverse_s,
                d_s * d_beta + loss_lag,
                d_beta * d_beta - s * loss_lag * (loss_origin + loss) + leaves * loss * loss,
            ];
            second.iter_mut().zip(bend).for_each(|(sum, part)| *sum += weight * part);
        };
        let (rate_growth, loss_growth) = (libm::log1p(length / rate_scale), libm::log1p(length / loss_scale));
        let alive = libm::exp(-n * rate_growth - s * loss_growth);
        point(Moment { after: length, rate_growth, loss_growth, weight: alive }, 0.0, 0.0);
        let inverse_s = s.recip();
        departure.visit(row.recency, row.age, |moment| {
            point(Moment { weight: s * moment.weight, ..moment }, 1.0, inverse_s);
        });
        let till_last = libm::log1p(row.recency * rate_origin);
        let loss_till_last = libm::log1p(row.recency * loss_origin);
        let mean = first.map(|sum| sum / whole);
        let [d_r, d_alpha, d_s, d_beta] = mean;
        let centre = [
            d_r * d_r,
            d_r * d_alpha,
            d_r * d_s,
            d_r * d_beta,
            d_alpha * d_alpha,
            d_alpha * d_s,
            d_alpha * d_beta,
            d_s * d_s,
            d_s * d_beta,
            d_beta * d_beta,
        ];
        let weight = row.weight;
        self.value += weight * (libm::log(whole) - n * till_last - s * loss_till_last);
        self.add_slope([
            weight * (d_r - till_last),
            weight * d_alpha,
            weight * (d_s - loss_till_last),
            weight * d_beta,
        ]);
        for ((sum, part), centre) in self.bend.iter_mut().zip(second).zip(centre) {
            *sum += weight * (part / whole - centre);
        }
    }

    fn slopes(&self) -> Slopes {
        let [rr, ra, rs, rb, aa, ac, ab, ss, sb, bb] = self.bend;
        let upper = [[rr, ra, rs, rb], [ra, aa, ac, ab], [rs, ac, ss, sb], [rb, ab, sb, bb]];
        let cell = |row: usize, column: usize| upper.get(row).and_then(|row| row.get(column)).copied();
        Slopes {
            value: self.value,
            gradient: self.slope.to_vec(),
            hessian: Symmetric::from_upper(4, |row, column| cell(row, column).unwrap_or_default()),
        }
    }
}
