#[cfg(test)]
mod tests;

use super::contract_model::sealed::Sealed;
use super::contract_table::Counts;
use super::fit::fit_with_priors;
use super::likelihood::{Bounds, Likelihood, Slopes};
use super::parameters::parameters;
use super::{Contract, ContractModel, ContractTable, Fit, FitError, Priors};
use crate::numeric::beta_ratio::{digamma_step, ln_beta_ratio, ln_beta_ratio_far, trigamma_step};
use crate::numeric::exponential_integral::scaled_exponential_integral;
use crate::numeric::gamma::trigamma;
use crate::numeric::linear::Symmetric;
use crate::numeric::smooth_sum::{Falling, smooth_sum};

/// Powers of time with a logarithm above this are kept as that.
const LN_LONGEST: f64 = 575.0;

parameters! {
    /// The beta-discrete-Weibull model of contracts (`BdW`): customers differ in how likely they are to leave, as in
    /// [`ShiftedBetaGeometric`](super::ShiftedBetaGeometric), and it also changes with every renewal: above c = 1 each
    /// of them becomes more likely to leave, below 1 less.
    ///
    /// Retention may so fall at first and rise later, when those who are left are the loyal. With c = 1 it is the
    /// shifted beta-geometric model; whether the third parameter pays tells [`Fit::aic`].
    ///
    /// # Example
    /// ```
    /// use patronage::value::{BetaDiscreteWeibull, ContractModel, ContractTable, ShiftedBetaGeometric};
    ///
    /// // The high-end subscribers of Fader and Hardie, of whom seven years are known.
    /// let mut table = ContractTable::new();
    /// table.push_survivors(&[1000, 869, 743, 653, 593, 551, 517, 491])?;
    /// let fit = BetaDiscreteWeibull::fit_table(&table)?;
    /// let model = fit.model();
    /// let parameters = format!("{:.3} {:.3} {:.3}", model.alpha(), model.beta(), model.c());
    /// assert_eq!(parameters, "0.214 1.427 1.724");
    /// // Five years later 39.4 % were there.
    /// assert_eq!(format!("{:.3}", model.survival(12)), "0.404");
    ///
    /// let simpler = ShiftedBetaGeometric::fit_table(&table)?;
    /// assert_eq!(format!("{:.2}", simpler.aic() - fit.aic()), "9.69");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: P. Fader, B. Hardie, Y. Liu, J. Davin, T. Steenburgh, "'How to project customer retention' revisited:
    /// the role of duration dependence", Journal of Interactive Marketing 43 (2018).
    "beta_discrete_weibull" BetaDiscreteWeibull {
        /// The first shape of the probabilities of leaving at the first renewal: alpha / (alpha + beta) is their mean.
        alpha,
        /// The second shape of the probabilities of leaving at the first renewal.
        beta,
        /// How leaving depends on time: above 1 each customer becomes more likely to leave, below 1 less.
        c,
    }
    /// The model with known parameters.
    new
}

impl BetaDiscreteWeibull {
    /// Finds the parameters that make all contracts most likely.
    ///
    /// # Errors
    /// As [`ShiftedBetaGeometric::fit`](super::ShiftedBetaGeometric::fit); three renewals are the least that can tell
    /// three parameters apart.
    ///
    /// # Cost
    /// One pass over the contracts, then about ten over the distinct numbers of renewals; 24 bytes for each of these.
    pub fn fit(contracts: impl IntoIterator<Item = Contract>) -> Result<Fit<Self>, FitError> {
        Self::fit_table(&contracts.into_iter().collect())
    }

    /// [`fit`](Self::fit) of contracts that are counted already, such as cohorts.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_table(table: &ContractTable) -> Result<Fit<Self>, FitError> {
        Self::fit_with_priors(table, &Priors::NONE)
    }

    /// As [`fit_table`](Self::fit_table), but finds the most probable parameters where something is known of them beforehand.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`FitError::UnknownParameter`] or [`FitError::Prior`] for priors that do not fit the
    /// model.
    ///
    /// # Cost
    /// As [`fit`](Self::fit).
    pub fn fit_with_priors(table: &ContractTable, priors: &Priors) -> Result<Fit<Self>, FitError> {
        table.check()?;
        fit_with_priors(&Self { alpha: 1.0, beta: 1.0, c: 1.0 }, table, priors)
    }

    /// The power of time from which on survival is a pure power of it, to the last digits.
    fn ln_far(&self) -> f64 {
        libm::log(1e18) + libm::log1p(self.alpha) + libm::log1p(self.alpha + self.beta)
    }
}

/// (n + m)^c - n^c.
fn growth_of_power(n: f64, m: f64, c: f64) -> f64 {
    if n <= 0.0 {
        libm::exp(c * libm::log(m))
    } else {
        libm::exp(c * libm::log(n)) * libm::expm1(c * libm::log1p(m / n))
    }
}

impl Sealed for BetaDiscreteWeibull {
    fn ln_kept(&self, renewals: f64, further: f64) -> f64 {
        let Self { alpha, beta, c } = *self;
        if further <= 0.0 {
            return 0.0;
        }
        let (ln_now, ln_then) = (c * libm::log(renewals), c * libm::log(renewals + further));
        if ln_now > LN_LONGEST {
            return -alpha * (c * libm::log1p(further / renewals));
        }
        let beta = beta + if renewals > 0.0 { libm::exp(ln_now) } else { 0.0 };
        if ln_then > LN_LONGEST {
            ln_beta_ratio_far(alpha, beta, ln_then)
        } else {
            ln_beta_ratio(alpha, beta, growth_of_power(renewals, further, c))
        }
    }

    fn p_lost(&self, renewals: f64) -> f64 {
        -libm::expm1(self.ln_kept(renewals, 1.0))
    }

    fn expected(&self, renewals: f64, further: f64, rate: f64) -> f64 {
        if further < 1.0 {
            return 0.0;
        }
        if further.is_infinite() && rate <= 0.0 && self.alpha * self.c <= 1.0 {
            return f64::INFINITY;
        }
        let remaining = Remaining { model: self, ln_far: self.ln_far(), renewals, rate };
        smooth_sum(renewals + 1.0, renewals + further, &remaining)
    }
}

/// S(t) / S(n) e^(-rate (t-n-1)).
struct Remaining<'a> {
    model: &'a BetaDiscreteWeibull,
    ln_far: f64,
    renewals: f64,
    rate: f64,
}

impl Falling for Remaining<'_> {
    fn ln_term(&self, t: f64) -> f64 {
        let further = t - self.renewals;
        self.model.ln_kept(self.renewals, further) - self.rate * (further - 1.0)
    }

    fn tail(&self, t: f64) -> Option<f64> {
        let Self { model: BetaDiscreteWeibull { alpha, c, .. }, rate, .. } = self;
        let far = c * libm::log(t) >= self.ln_far;
        far.then(|| t * scaled_exponential_integral(alpha * c, rate * t))
    }

    fn steepness(&self) -> f64 {
        self.model.c
    }
}

/// # Formulas
/// ```text
/// S(t)      B(alpha, beta + t^c) / B(alpha, beta)
/// ```
/// The residual lifetimes are sums of it: a direct one of the first terms, and a Gauss-Legendre one with Gregory's
/// corrections of the rest, with a closed form (the exponential integral) where S is a power of t; the error is below
/// 1e-10 of the result. Without a discount they are infinite for alpha c <= 1.
impl ContractModel for BetaDiscreteWeibull {}

impl Likelihood for BetaDiscreteWeibull {
    type Data = ContractTable;

    const MODEL: &'static str = "beta_discrete_weibull";
    const NAMES: &'static [&'static str] = &["alpha", "beta", "c"];

    fn customers(table: &ContractTable) -> u64 {
        table.customers()
    }

    fn ranges(&self, table: &ContractTable) -> Vec<Bounds> {
        // No power of time is to be beyond all numbers.
        let most = 200.0 / libm::log(f64::from(table.longest()) + 2.0);
        vec![
            Bounds { lower: 1e-5, upper: 1e6 },
            Bounds { lower: 1e-5, upper: 1e7 },
            Bounds { lower: 1e-3, upper: most.min(100.0) },
        ]
    }

    fn starts(&self, table: &ContractTable) -> Vec<Vec<f64>> {
        let churn = table.churn().clamp(1e-4, 0.95);
        [(2.0, 1.0), (1.0, 1.5), (5.0, 0.7), (50.0, 1.0)]
            .map(|(size, c)| vec![size * churn, size * (1.0 - churn), c])
            .to_vec()
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.alpha, self.beta, self.c]
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let &[alpha, beta, c] = parameters else { return None };
        Self::new(alpha, beta, c).ok()
    }

    fn slopes(&self, table: &ContractTable) -> Slopes {
        let mut sums = [0.0; 10];
        for (renewals, Counts { ended, running }) in table.rows() {
            #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 contracts")]
            let (ended, running) = (ended as f64, running as f64);
            let n = f64::from(renewals);
            let now = self.power(n);
            let kept = self.kept(&now);
            for (sum, kept) in sums.iter_mut().zip(kept) {
                *sum += (ended + running) * kept;
            }
            if ended > 0.0 {
                for (sum, lost) in sums.iter_mut().zip(self.lost(n, &now)) {
                    *sum += ended * lost;
                }
            }
        }
        let [value, a, b, c, aa, ab, ac, bb, bc, cc] = sums;
        Slopes {
            value,
            gradient: vec![a, b, c],
            hessian: Symmetric::from_upper(3, |row, column| match (row, column) {
                (0, 0) => aa,
                (0, 1) => ab,
                (0, 2) => ac,
                (1, 1) => bb,
                (1, 2) => bc,
                _ => cc,
            }),
        }
    }
}

/// w = n^c with its derivatives in c, and those of ln B(alpha, beta + w) in w.
#[derive(Clone, Copy, Debug)]
struct Power {
    w: f64,
    w_c: f64,
    w_cc: f64,
    f_w: f64,
    f_ww: f64,
    /// In w and alpha.
    f_wa: f64,
}

impl BetaDiscreteWeibull {
    fn power(&self, n: f64) -> Power {
        let Self { alpha, beta, c } = *self;
        let ln_n = if n > 0.0 { libm::log(n) } else { 0.0 };
        let w = if n > 0.0 { libm::exp(c * ln_n) } else { 0.0 };
        Power {
            w,
            w_c: w * ln_n,
            w_cc: w * ln_n * ln_n,
            f_w: -digamma_step(beta + w, alpha),
            f_ww: trigamma_step(beta + w, alpha),
            f_wa: -trigamma(alpha + beta + w),
        }
    }

    /// ln S: the value, the slopes in alpha, beta, c, and the second ones by rows of the upper triangle.
    fn kept(&self, now: &Power) -> [f64; 10] {
        let Self { alpha, beta, .. } = *self;
        let &Power { w, w_c, w_cc, f_w, f_ww, f_wa } = now;
        let (fall, bend) = (digamma_step(alpha + beta, w), trigamma_step(alpha + beta, w));
        [
            ln_beta_ratio(alpha, beta, w),
            -fall,
            digamma_step(beta, w) - fall,
            f_w * w_c,
            bend,
            bend,
            f_wa * w_c,
            bend - trigamma_step(beta, w),
            f_ww * w_c,
            f_ww * w_c * w_c + f_w * w_cc,
        ]
    }

    /// The same for ln(1 - e^-D), with D how much ln S falls at the next renewal.
    fn lost(&self, n: f64, now: &Power) -> [f64; 10] {
        let Self { alpha, beta, c } = *self;
        let then = self.power(n + 1.0);
        let (near, growth) = (beta + now.w, growth_of_power(n, 1.0, c));
        let (steep, bend) = (digamma_step(alpha + near, growth), trigamma_step(alpha + near, growth));
        let fall = -ln_beta_ratio(alpha, near, growth);
        let slope = [steep, steep - digamma_step(near, growth), now.f_w * now.w_c - then.f_w * then.w_c];
        let bends = [
            -bend,
            -bend,
            now.f_wa * now.w_c - then.f_wa * then.w_c,
            trigamma_step(near, growth) - bend,
            now.f_ww * now.w_c - then.f_ww * then.w_c,
            (now.f_ww * now.w_c * now.w_c + now.f_w * now.w_cc)
                - (then.f_ww * then.w_c * then.w_c + then.f_w * then.w_cc),
        ];
        // d ln(1 - e^-D) / dD.
        let odds = libm::expm1(fall).recip();
        let [a, b, c] = slope;
        let products = [a * a, a * b, a * c, b * b, b * c, c * c];
        let mut answer = [0.0; 10];
        let parts =
            std::iter::once(libm::log(-libm::expm1(-fall))).chain(slope.map(|slope| odds * slope)).chain(
                bends
                    .into_iter()
                    .zip(products)
                    .map(|(bend, product)| odds * bend - odds * (1.0 + odds) * product),
            );
        answer.iter_mut().zip(parts).for_each(|(slot, part)| *slot = part);
        answer
    }
}
