#[cfg(test)]
pub(super) mod tests;

use super::contract_model::sealed::Sealed;
use super::contract_table::Counts;
use super::fit::fit_with_priors;
use super::likelihood::{Bounds, Likelihood, Slopes};
use super::parameters::parameters;
use super::{Contract, ContractModel, ContractTable, Fit, FitError, Priors};
use crate::numeric::beta_ratio::{
    digamma_step, discounted_sum_of_beta_ratios, ln_beta_ratio, sum_of_beta_ratios, trigamma_step,
};
use crate::numeric::linear::Symmetric;

parameters! {
    /// The shifted beta-geometric model (sBG) of contracts: at each renewal a customer leaves with a probability of
    /// their own, which does not change. What rises is retention: those who are quick to leave are gone first.
    ///
    /// The probabilities are spread over customers by Beta(alpha, beta).
    ///
    /// # Example
    /// ```
    /// use patronage::value::{
    ///     Contract, ContractModel, ContractTable, Discount, ShiftedBetaGeometric, TimeUnit,
    /// };
    ///
    /// // The high-end subscribers of Fader and Hardie, of whom seven years are known.
    /// let mut table = ContractTable::new();
    /// table.push_survivors(&[1000, 869, 743, 653, 593, 551, 517, 491])?;
    /// let fit = ShiftedBetaGeometric::fit_table(&table)?;
    /// let model = fit.model();
    /// assert_eq!(format!("{:.3} {:.3}", model.alpha(), model.beta()), "0.668 3.806");
    /// // Five years later 39.4 % were there.
    /// assert_eq!(format!("{:.3}", model.survival(12)), "0.378");
    ///
    /// let ten_per_cent = Discount::of(0.10, TimeUnit::YEAR, TimeUnit::YEAR)?;
    /// let years = model.discounted_residual_lifetime(Contract::running(7), ten_per_cent);
    /// assert_eq!(format!("{years:.2}"), "7.53");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: P. Fader, B. Hardie, "How to project customer retention", Journal of Interactive Marketing 21 (2007).
    "shifted_beta_geometric" ShiftedBetaGeometric {
        /// The first shape of the probabilities of leaving: alpha / (alpha + beta) is their mean over new customers.
        alpha,
        /// The second shape of the probabilities of leaving. Both small: customers differ much.
        beta,
    }
    /// The model with known parameters.
    new
}

impl ShiftedBetaGeometric {
    /// Finds the parameters that make all contracts most likely.
    ///
    /// # Errors
    /// [`FitError`]: no contracts, none that ended, all the same, a parameter at the edge of the model (as when
    /// customers differ no more than chance makes them), data that do not tell the parameters apart (as a single
    /// renewal), or no convergence.
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
        fit_with_priors(&Self { alpha: 1.0, beta: 1.0 }, table, priors)
    }
}

impl Sealed for ShiftedBetaGeometric {
    fn ln_kept(&self, renewals: f64, further: f64) -> f64 {
        ln_beta_ratio(self.alpha, self.beta + renewals, further)
    }

    fn p_lost(&self, renewals: f64) -> f64 {
        self.alpha / (self.alpha + (self.beta + renewals))
    }

    fn expected(&self, renewals: f64, further: f64, rate: f64) -> f64 {
        let beta = self.beta + renewals;
        if further.is_finite() {
            sum_of_beta_ratios(self.alpha, beta, further)
        } else {
            discounted_sum_of_beta_ratios(self.alpha, beta, rate)
        }
    }
}

/// # Formulas
/// ```text
/// S(t)      B(alpha, beta+t) / B(alpha, beta)
/// r_(n+1)   (beta+n) / (alpha+beta+n)
/// residual lifetime   (beta+n) / (alpha-1),  infinite for alpha <= 1
/// DERL      (beta+n) / (alpha+beta+n) 2F1(1, beta+n+1; alpha+beta+n+1; e^-d)
/// ```
/// The last by the continued fraction of 2F1 or, for a small discount, Euler's integral; the error is below 1e-11 of the
/// result.
impl ContractModel for ShiftedBetaGeometric {
    fn retention_rate(&self, renewals: u32) -> f64 {
        let stays = self.beta + f64::from(renewals);
        stays / (self.alpha + stays)
    }
}

impl Likelihood for ShiftedBetaGeometric {
    type Data = ContractTable;

    const MODEL: &'static str = "shifted_beta_geometric";
    const NAMES: &'static [&'static str] = &["alpha", "beta"];

    fn customers(table: &ContractTable) -> u64 {
        table.customers()
    }

    fn ranges(&self, _: &ContractTable) -> Vec<Bounds> {
        vec![Bounds { lower: 1e-5, upper: 1e6 }, Bounds { lower: 1e-5, upper: 1e7 }]
    }

    fn starts(&self, table: &ContractTable) -> Vec<Vec<f64>> {
        let churn = table.churn().clamp(1e-4, 0.95);
        [2.0, 0.5, 20.0, 200.0].map(|size| vec![size * churn, size * (1.0 - churn)]).to_vec()
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.alpha, self.beta]
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let &[alpha, beta] = parameters else { return None };
        Self::new(alpha, beta).ok()
    }

    fn slopes(&self, table: &ContractTable) -> Slopes {
        let Self { alpha, beta } = *self;
        let whole = alpha + beta;
        // The value, the slopes in alpha and beta, and the second ones in alpha alpha, alpha beta and beta beta.
        let mut sums = [0.0; 6];
        for (renewals, Counts { ended, running }) in table.rows() {
            let n = f64::from(renewals);
            #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 contracts")]
            let (ended, running) = (ended as f64, running as f64);
            let (fall, bend) = (digamma_step(whole, n), trigamma_step(whole, n));
            let kept = [
                ln_beta_ratio(alpha, beta, n),
                -fall,
                digamma_step(beta, n) - fall,
                bend,
                bend,
                bend - trigamma_step(beta, n),
            ];
            let inverse = (whole + n).recip();
            let square = inverse * inverse;
            let lost = [
                libm::log(alpha * inverse),
                alpha.recip() - inverse,
                -inverse,
                square - (alpha * alpha).recip(),
                square,
                square,
            ];
            for ((sum, kept), lost) in sums.iter_mut().zip(kept).zip(lost) {
                *sum += (ended + running) * kept + ended * lost;
            }
        }
        let [value, first, second, first_twice, both, second_twice] = sums;
        Slopes {
            value,
            gradient: vec![first, second],
            hessian: Symmetric::from_upper(2, |row, column| match (row, column) {
                (0, 0) => first_twice,
                (1, 1) => second_twice,
                _ => both,
            }),
        }
    }
}
