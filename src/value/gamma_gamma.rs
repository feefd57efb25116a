#[cfg(test)]
mod tests;

use super::chunked_sum::chunked_sum;
use super::distinct_rows::CHUNK;
use super::fit::fit_with_priors;
use super::likelihood::{Bounds, Likelihood, Slopes};
use super::parameters::positive;
use super::resample::Resample;
use super::{Fit, FitError, Priors, RepeatSpend, RepeatSpends, ValueError};
use crate::measure::{Estimate, Share};
use crate::numeric::gamma::{digamma, ln_beta, trigamma};
use crate::numeric::linear::Symmetric;
use crate::numeric::random::Random;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// Frequency and spend count as dependent when their correlation is surely larger than this.
const HARMLESS: f64 = 0.1;

/// The 97.5 % point of the normal distribution.
const NORMAL_975: f64 = 1.959_963_984_540_054;

/// The Gamma-Gamma model: what customers spend at a purchase varies around a mean of their own, and the means vary
/// between customers.
///
/// A customer's purchases are spread by Gamma(p, nu) around their mean, and nu over customers by Gamma(q, v). The
/// spend does not depend on how often a customer buys; [`GammaGammaFit::dependent`] says when that is not so.
///
/// # Example
/// ```
/// use patronage::value::{GammaGamma, RepeatSpend};
///
/// let model = GammaGamma::new(6.25, 3.74, 15.44)?;
/// assert_eq!(format!("{:.4}", model.mean_spend()), "35.2190");
/// let expected = model.expected_spend(RepeatSpend::new(2, 22.35)?);
/// assert_eq!(format!("{expected:.4}"), "24.6637");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: P. Fader, B. Hardie, K. L. Lee, "RFM and CLV: using iso-value curves for customer base analysis", Journal
/// of Marketing Research 42 (2005); P. Fader, B. Hardie, "The Gamma-Gamma model of monetary value" (2013).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct GammaGamma {
    p: f64,
    q: f64,
    v: f64,
}

#[derive(Deserialize)]
struct Fields {
    p: f64,
    q: f64,
    v: f64,
}

impl TryFrom<Fields> for GammaGamma {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.p, fields.q, fields.v)
    }
}

/// A fitted spend model with the check of what it takes for granted. Saved with `serde` as a [`Fit`] and the correlation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GammaGammaFit {
    fit: Fit<GammaGamma>,
    correlation: Option<Estimate>,
}

impl GammaGammaFit {
    /// The fit; its customers are the repeat buyers.
    pub const fn fit(&self) -> &Fit<GammaGamma> {
        &self.fit
    }

    /// The fitted model.
    pub const fn model(&self) -> &GammaGamma {
        self.fit.model()
    }

    /// The correlation of frequency and mean spend over the repeat buyers, with its 95 % interval (Fisher); `None`
    /// where there are fewer than four of them or all have one frequency or one spend.
    pub const fn correlation(&self) -> Option<Estimate> {
        self.correlation
    }

    /// The warning: whether frequency and spend surely depend on each other, so that values made of both are biased.
    ///
    /// True when the whole interval of the correlation lies beyond 0.1 or -0.1.
    pub fn dependent(&self) -> bool {
        self.correlation.is_some_and(|found| found.lower() > HARMLESS || found.upper() < -HARMLESS)
    }
}

impl GammaGamma {
    /// The model with known parameters; `v` is an amount of money in the unit of the data.
    ///
    /// # Errors
    /// [`ValidationError`] when a parameter does not lie between 1e-30 and 1e30, or q is not above 1: then the mean
    /// spend would be infinite.
    pub fn new(p: f64, q: f64, v: f64) -> Result<Self, ValidationError> {
        if q.is_nan() || q <= 1.0 {
            return Err(ValidationError::new("gamma_gamma.q", "must be above 1, or no mean exists", q));
        }
        let q = positive("gamma_gamma.q", q)?;
        Ok(Self { p: positive("gamma_gamma.p", p)?, q, v: positive("gamma_gamma.v", v)? })
    }

    /// The shape of the purchases of one customer: the larger, the closer each is to the customer's mean.
    pub const fn p(&self) -> f64 {
        self.p
    }

    /// The shape of the means over customers: the larger, the more alike they are.
    pub const fn q(&self) -> f64 {
        self.q
    }

    /// The scale of the means over customers, an amount of money.
    pub const fn v(&self) -> f64 {
        self.v
    }

    /// Finds the parameters that make the mean spends of all repeat buyers most likely.
    ///
    /// Rows of customers who never came back are left out; the others must have spent something.
    ///
    /// # Errors
    /// [`FitError`]: no repeat buyers, one with nothing spent (named by row: filter those and count them), all the
    /// same, a parameter at the edge of the model (q at 1: no mean exists), or no convergence.
    ///
    /// # Cost
    /// Sorting, then about ten passes over the repeat buyers; 24 bytes for each.
    pub fn fit(spends: impl IntoIterator<Item = RepeatSpend>) -> Result<GammaGammaFit, FitError> {
        Self::fit_with_priors(spends, &Priors::NONE)
    }

    /// As [`fit`](Self::fit), but finds the most probable parameters where something is known of them beforehand.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`FitError::UnknownParameter`] or [`FitError::Prior`] for priors that do not fit the
    /// model. Where every parameter has a prior, repeat buyers who are all the same are no error.
    ///
    /// # Cost
    /// As [`fit`](Self::fit).
    pub fn fit_with_priors(
        spends: impl IntoIterator<Item = RepeatSpend>,
        priors: &Priors,
    ) -> Result<GammaGammaFit, FitError> {
        let rows = Rows::of(spends, priors.say_all::<Self>())?;
        let fit = fit_with_priors(&Self { p: 1.0, q: 2.0, v: 1.0 }, &rows, priors)?;
        Ok(GammaGammaFit { fit, correlation: rows.correlation() })
    }

    /// The mean spend at a purchase of a customer of whom nothing is known.
    pub fn mean_spend(&self) -> f64 {
        self.p * (self.v / (self.q - 1.0))
    }

    /// What a customer is expected to spend at a purchase, given what they spent so far.
    ///
    /// # Returns
    /// Above 0, in the unit of the data: between their own mean and that of all customers.
    ///
    /// # Formula
    /// ```text
    /// p (v + x m) / (p x + q - 1)
    /// ```
    pub fn expected_spend(&self, spend: RepeatSpend) -> f64 {
        let x = f64::from(spend.frequency());
        self.p * ((self.v + x * spend.mean()) / (self.p * x + (self.q - 1.0)))
    }

    /// [`expected_spend`](Self::expected_spend) of many.
    pub fn expected_spend_each(
        &self,
        spends: impl IntoIterator<Item = RepeatSpend>,
    ) -> impl Iterator<Item = f64> {
        spends.into_iter().map(|spend| self.expected_spend(spend))
    }

    /// [`expected_spend`](Self::expected_spend) of columns into `out`; allocates nothing.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`] when `out` has another length than the columns.
    pub fn expected_spend_into(&self, spends: RepeatSpends<'_>, out: &mut [f64]) -> Result<(), ValueError> {
        spends.fits("out", out.len())?;
        for (slot, spend) in out.iter_mut().zip(spends.iter()) {
            *slot = self.expected_spend(spend);
        }
        Ok(())
    }

    /// The logarithm of how likely the mean spend of a repeat buyer is.
    ///
    /// # Returns
    /// `None` for someone who never came back or spent nothing, of whom the model says nothing.
    ///
    /// # Formula
    /// ```text
    /// -ln B(p x, q) - p x ln(1 + v / (x m)) - q ln(1 + x m / v) - ln m
    /// ```
    pub fn log_likelihood(&self, spend: RepeatSpend) -> Option<f64> {
        if spend.frequency() == 0 || spend.mean() <= 0.0 {
            return None;
        }
        let shape = self.p * f64::from(spend.frequency());
        let total = f64::from(spend.frequency()) * spend.mean();
        let spread = shape * libm::log1p(self.v / total) + self.q * libm::log1p(total / self.v);
        Some(-ln_beta(shape, self.q) - spread - libm::log(spend.mean()))
    }
}

/// All repeat buyers with one frequency: the logarithm of each total spend.
#[derive(Clone, Debug)]
struct Group {
    frequency: u32,
    weight: f64,
    totals: Vec<f64>,
}

#[derive(Clone, Debug)]
pub struct Rows {
    groups: Vec<Group>,
    customers: u64,
    mean: f64,
    /// Of frequency and mean spend: two variances and the covariance, times the count.
    moments: [f64; 3],
}

impl Rows {
    pub(super) fn of(
        spends: impl IntoIterator<Item = RepeatSpend>,
        priors_say_all: bool,
    ) -> Result<Self, FitError> {
        let mut kept: Vec<RepeatSpend> = Vec::new();
        let mut customers = 0_u64;
        for (row, spend) in spends.into_iter().enumerate() {
            customers += 1;
            if spend.frequency() == 0 {
                continue;
            }
            if spend.mean() <= 0.0 {
                return Err(FitError::NothingSpent { row });
            }
            kept.push(spend);
        }
        // The mean is positive, so the order of its bits is its order.
        kept.sort_unstable_by_key(|spend| (spend.frequency(), spend.mean().to_bits()));
        let (Some(first), Some(last)) = (kept.first(), kept.last()) else {
            return Err(if customers == 0 {
                FitError::NoCustomers
            } else {
                FitError::NoRepeatPurchases { customers }
            });
        };
        let customers = u64::try_from(kept.len()).unwrap_or(u64::MAX);
        if first == last && !priors_say_all {
            return Err(FitError::AllTheSame { customers });
        }
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
        let count = kept.len() as f64;
        let mean_frequency = chunked_sum(kept.iter().map(|spend| f64::from(spend.frequency()))) / count;
        let mean = chunked_sum(kept.iter().map(|spend| spend.mean())) / count;
        let moment = |of: fn(f64, f64) -> f64| {
            let part =
                |spend: &RepeatSpend| of(f64::from(spend.frequency()) - mean_frequency, spend.mean() - mean);
            chunked_sum(kept.iter().map(part))
        };
        let moments = [moment(|x, _| x * x), moment(|_, m| m * m), moment(|x, m| x * m)];
        let groups = kept
            .chunk_by(|one, next| one.frequency() == next.frequency())
            .map(|group| {
                #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
                let weight = group.len() as f64;
                Group {
                    frequency: group.first().map_or(0, |spend| spend.frequency()),
                    weight,
                    totals: group.iter().map(|spend| f64::from(spend.frequency()) * spend.mean()).collect(),
                }
            })
            .collect();
        Ok(Self { groups, customers, mean, moments })
    }

    /// Pearson's correlation with Fisher's 95 % interval.
    fn correlation(&self) -> Option<Estimate> {
        let [frequency, spend, both] = self.moments;
        let found = both / (frequency.sqrt() * spend.sqrt());
        if self.customers < 4 || !found.is_finite() {
            return None;
        }
        let found = found.clamp(-1.0, 1.0);
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
        let half = NORMAL_975 / ((self.customers - 3) as f64).sqrt();
        let bound = |shift: f64| libm::tanh(libm::atanh(found) + shift);
        let (lower, upper) = (bound(-half).min(found), bound(half).max(found));
        Estimate::new(found, lower, upper, Share::new(0.95).ok()?, self.customers).ok()
    }
}

impl Likelihood for GammaGamma {
    type Data = Rows;

    const MODEL: &'static str = "gamma_gamma";
    const NAMES: &'static [&'static str] = &["p", "q", "v"];

    fn customers(data: &Rows) -> u64 {
        data.customers
    }

    fn ranges(&self, rows: &Rows) -> Vec<Bounds> {
        vec![
            Bounds { lower: 1e-5, upper: 1e6 },
            Bounds { lower: 1.0 + 1e-9, upper: 1e6 },
            Bounds { lower: rows.mean * 1e-9, upper: rows.mean * 1e9 },
        ]
    }

    fn limits() -> Vec<Bounds> {
        let mut limits = vec![Bounds { lower: 2e-30, upper: 5e29 }; 3];
        if let Some(q) = limits.get_mut(1) {
            q.lower = 1.0 + 1e-9;
        }
        limits
    }

    fn starts(&self, rows: &Rows) -> Vec<Vec<f64>> {
        vec![vec![3.0, 3.0, 0.7 * rows.mean], vec![1.0, 2.0, rows.mean], vec![20.0, 10.0, 0.5 * rows.mean]]
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.p, self.q, self.v]
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let &[p, q, v] = parameters else { return None };
        Self::new(p, q, v).ok()
    }

    fn slopes(&self, rows: &Rows) -> Slopes {
        let GammaGamma { p, q, v } = *self;
        let (q1, q2, ln_v) = (digamma(q), trigamma(q), libm::log(v));
        let mut sums = [0.0; 10];
        for Group { frequency, weight, totals } in &rows.groups {
            let x = f64::from(*frequency);
            let (shape, whole) = (p * x, p * x + q);
            let (whole1, whole2) = (digamma(whole), trigamma(whole));
            let table = [
                -ln_beta(shape, q) + q * ln_v + libm::log(x),
                x * (whole1 - digamma(shape)),
                whole1 - q1 + ln_v,
                q / v,
                x * x * (whole2 - trigamma(shape)),
                x * whole2,
                0.0,
                whole2 - q2,
                v.recip(),
                -q / (v * v),
            ];
            add(&mut sums, &table, *weight);
            for chunk in totals.chunks(CHUNK) {
                let mut part = [0.0; 10];
                for &total in chunk {
                    let reach = v + total;
                    let (ln_total, ln_reach, inverse) = (libm::log(total), libm::log(reach), reach.recip());
                    let row = [
                        shape * (ln_total - ln_reach) - q * ln_reach - ln_total,
                        x * (ln_total - ln_reach),
                        -ln_reach,
                        -whole * inverse,
                        0.0,
                        0.0,
                        -x * inverse,
                        0.0,
                        -inverse,
                        whole * inverse * inverse,
                    ];
                    add(&mut part, &row, 1.0);
                }
                add(&mut sums, &part, 1.0);
            }
        }
        let [value, g_p, g_q, g_v, pp, pq, pv, qq, qv, vv] = sums;
        let upper = [[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]];
        let cell = |row: usize, column: usize| upper.get(row).and_then(|row| row.get(column)).copied();
        Slopes {
            value,
            gradient: vec![g_p, g_q, g_v],
            hessian: Symmetric::from_upper(3, |row, column| cell(row, column).unwrap_or_default()),
        }
    }
}

impl Resample for Rows {
    type Customer = RepeatSpend;

    fn of_customers(customers: impl IntoIterator<Item = RepeatSpend>) -> Result<Self, FitError> {
        Self::of(customers, false)
    }

    fn drawn_again(&self, seed: u64, index: u64) -> Result<Self, FitError> {
        let totals = self.groups.iter().flat_map(|group| &group.totals);
        let mut times = Random::stream(seed, index).drawn_again(totals.map(|_| 1.0)).into_iter();
        let (mut groups, mut sum, mut distinct) = (Vec::with_capacity(self.groups.len()), 0.0, 0);
        for &Group { frequency, ref totals, .. } in &self.groups {
            let (mut drawn, mut weight) = (Vec::with_capacity(totals.len()), 0.0);
            for (&total, mut times) in totals.iter().zip(&mut times) {
                distinct += u32::from(times > 0.0);
                weight += times;
                sum += times * total / f64::from(frequency);
                while times > 0.0 {
                    drawn.push(total);
                    times -= 1.0;
                }
            }
            if !drawn.is_empty() {
                groups.push(Group { frequency, weight, totals: drawn });
            }
        }
        let customers = self.customers;
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
        let mean = sum / customers as f64;
        // Nobody asks for the correlation in a replicate.
        let drawn = Self { groups, customers, mean, moments: self.moments };
        if distinct > 1 { Ok(drawn) } else { Err(FitError::AllTheSame { customers }) }
    }
}

fn add(sums: &mut [f64; 10], more: &[f64; 10], weight: f64) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += weight * more;
    }
}
