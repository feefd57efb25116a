//! The doors to a posterior, one for each model.

use super::beta_geometric::BetaGeometric;
use super::covariate_rows::CovariateRows;
use super::distinct_rows::DistinctRows;
use super::gamma_gamma::Rows;
use super::posterior::sample;
use super::regularity::TimedRows;
use super::with_covariates::TakesCovariates;
use super::{
    BgCnbd, BgNbd, Buyer, CovariateBuyers, FitError, GammaGamma, MbgCnbd, MbgNbd, Nbd, ParetoGgg, ParetoNbd,
    Posterior, PosteriorError, RepeatSpend, Sampling, TimedBuyer, WithCovariates, stages,
};
use crate::validation::ValidationError;

/// A model to search from; its parameters are always valid.
fn unfitted<M>(model: Result<M, ValidationError>) -> Result<M, PosteriorError> {
    model.map_err(|_| PosteriorError::NoStart { chain: 0 })
}

macro_rules! of_buyers {
    ($($model:ident($($one:literal),+), $cost:literal;)+) => {
        $(impl $model {
            /// Samples all models that the histories of the customers leave possible.
            ///
            /// # Errors
            /// [`PosteriorError::Fit`] without customers and for priors that do not fit the model. Customers who tell
            /// next to nothing are no error: the posterior is wide then.
            ///
            /// # Cost
            #[doc = $cost]
            pub fn posterior(
                buyers: impl IntoIterator<Item = Buyer>,
                sampling: &Sampling,
            ) -> Result<Posterior<Self>, PosteriorError> {
                let like = unfitted(Self::new($($one),+))?;
                sample(&like, &DistinctRows::with_priors(buyers, true)?, sampling)
            }
        })+
    };
}

of_buyers! {
    BgNbd(1.0, 1.0, 1.0, 1.0),
    "About four passes over the distinct rows for each draw, each of about 20 nanoseconds a row.";
    MbgNbd(1.0, 1.0, 1.0, 1.0),
    "About four passes over the distinct rows for each draw, each of about 20 nanoseconds a row.";
    ParetoNbd(1.0, 1.0, 1.0, 1.0),
    "About four passes over the distinct rows for each draw, each of about 500 nanoseconds a row.";
    Nbd(1.0, 1.0),
    "About three passes over the distinct rows for each draw, each of about 20 nanoseconds a row.";
}

macro_rules! of_regular_buyers {
    ($($model:ident),+) => {
        $(impl $model {
            /// Samples all models with this regularity k that the histories of the customers leave possible.
            ///
            /// The times between purchases, which a row does not hold, are integrated out, as in
            /// [`fit_with`](Self::fit_with).
            ///
            /// # Errors
            /// [`PosteriorError::Fit`] without customers, for priors that do not fit the model, and when k does not lie
            /// between 1 and 32.
            ///
            /// # Cost
            /// As [`BgNbd::posterior`], and about ten times as much for k above 1.
            pub fn posterior_with(
                k: u32,
                buyers: impl IntoIterator<Item = Buyer>,
                sampling: &Sampling,
            ) -> Result<Posterior<Self>, PosteriorError> {
                if !(1..=stages::MOST).contains(&k) {
                    return Err(FitError::Regularity { k }.into());
                }
                let like = unfitted(Self::new(k, 1.0, 1.0, 1.0, 1.0))?;
                let rows = BetaGeometric::unseen_rows(DistinctRows::with_priors(buyers, true)?, k);
                sample(&like, &rows, sampling)
            }
        })+
    };
}

of_regular_buyers!(BgCnbd, MbgCnbd);

impl ParetoGgg {
    /// Samples all models that the histories of the customers leave possible.
    ///
    /// # Errors
    /// [`PosteriorError::Fit`] without customers and for priors that do not fit the model. Customers who do not tell how
    /// they differ in regularity are no error: the posterior is wide then.
    ///
    /// # Cost
    /// About eight passes over the distinct rows for each draw, each of about 15 microseconds a row: minutes for thousands
    /// of customers.
    pub fn posterior(
        buyers: impl IntoIterator<Item = TimedBuyer>,
        sampling: &Sampling,
    ) -> Result<Posterior<Self>, PosteriorError> {
        let like = unfitted(Self::new(1.0, 1.0, 1.0, 1.0, 1.0, 1.0))?;
        sample(&like, &TimedRows::of(buyers, true)?, sampling)
    }
}

impl GammaGamma {
    /// Samples all models that the mean spends of the repeat buyers leave possible.
    ///
    /// # Errors
    /// [`PosteriorError::Fit`] without repeat buyers, for one with nothing spent, and for priors that do not fit the
    /// model.
    ///
    /// # Cost
    /// About four passes over the repeat buyers for each draw.
    pub fn posterior(
        spends: impl IntoIterator<Item = RepeatSpend>,
        sampling: &Sampling,
    ) -> Result<Posterior<Self>, PosteriorError> {
        sample(&unfitted(Self::new(1.0, 2.0, 1.0))?, &Rows::of(spends, true)?, sampling)
    }
}

impl<M: TakesCovariates> WithCovariates<M> {
    /// Samples all models that the histories and covariates of the customers leave possible.
    ///
    /// # Errors
    /// [`PosteriorError::Fit`] without customers and for priors that do not fit the model.
    ///
    /// # Cost
    /// As the plain model, with the second derivatives: about three times as much.
    pub fn posterior(
        customers: &CovariateBuyers<'_>,
        sampling: &Sampling,
    ) -> Result<Posterior<Self>, PosteriorError> {
        sample(&Self::unknown(customers), &CovariateRows::of(customers, true)?, sampling)
    }
}
