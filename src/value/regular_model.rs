/// Declares a model of regular purchases: leaving after a purchase as in BG/NBD (from the first repeat purchase on, 0) or
/// MBG/NBD (from the very first on, 1), and Erlang-distributed times between purchases.
macro_rules! regular_model {
    (
        $(#[$about:meta])*
        $model:literal $Model:ident, leaving from purchase $first:literal
        $(#[$likelihood:meta])* log_likelihood
        $(#[$alive:meta])* p_alive
    ) => {
        use super::beta_geometric::BetaGeometric;
        use super::distinct_rows::DistinctRows;
        use super::fit::fit_with_priors;
        use super::likelihood::LeavesAfterPurchase;
        use super::living::Living;
        use super::model::sealed::Sealed;
        use super::parameters::positive;
        use super::stages;
        use super::{Buyer, Fit, FitError, Horizon, Priors, PurchaseModel, TimedBuyer};
        use crate::numeric::dropout_series::Afresh;
        use crate::numeric::exponential::falling_logistic;
        use crate::validation::ValidationError;
        use serde::{Deserialize, Serialize};

        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = "Fields")]
        pub struct $Model {
            k: u32,
            r: f64,
            alpha: f64,
            a: f64,
            b: f64,
        }

        #[derive(Deserialize)]
        struct Fields {
            k: u32,
            r: f64,
            alpha: f64,
            a: f64,
            b: f64,
        }

        impl TryFrom<Fields> for $Model {
            type Error = ValidationError;

            fn try_from(fields: Fields) -> Result<Self, ValidationError> {
                Self::new(fields.k, fields.r, fields.alpha, fields.a, fields.b)
            }
        }

        impl $Model {
            /// The model with known parameters; `alpha` is a time in the unit of the data.
            ///
            /// # Errors
            /// [`ValidationError`] when k does not lie between 1 and 32 or a parameter not between 1e-30 and 1e30.
            pub fn new(k: u32, r: f64, alpha: f64, a: f64, b: f64) -> Result<Self, ValidationError> {
                if !(1..=stages::MOST).contains(&k) {
                    return Err(ValidationError::new(concat!($model, ".k"), "must lie between 1 and 32", k));
                }
                Ok(Self {
                    k,
                    r: positive(concat!($model, ".r"), r)?,
                    alpha: positive(concat!($model, ".alpha"), alpha)?,
                    a: positive(concat!($model, ".a"), a)?,
                    b: positive(concat!($model, ".b"), b)?,
                })
            }

            /// The regularity: at 1, purchases come at random; the larger, the more evenly they come.
            pub const fn k(&self) -> u32 {
                self.k
            }

            /// The shape of the rates: the smaller, the more customers differ in how often they buy.
            pub const fn r(&self) -> f64 {
                self.r
            }

            /// The scale of the rates, a time: r / (k alpha) is the mean number of purchases in a unit of time.
            pub const fn alpha(&self) -> f64 {
                self.alpha
            }

            /// The first parameter of the leaving probability, whose mean is a / (a + b).
            pub const fn a(&self) -> f64 {
                self.a
            }

            /// The second parameter of the leaving probability.
            pub const fn b(&self) -> f64 {
                self.b
            }

            /// Finds the regularity k, from 1 to 12, and the parameters that make the histories of all customers most likely.
            ///
            /// Larger k are no longer tried when three in turn have not helped. The covariance is that for the k found.
            ///
            /// # Errors
            /// As [`BgNbd::fit`](super::BgNbd::fit), where no k leads to a maximum.
            ///
            /// # Cost
            /// Sorting, then about ten passes over the distinct rows for each k; 56 bytes for each row.
            pub fn fit(buyers: impl IntoIterator<Item = TimedBuyer>) -> Result<Fit<Self>, FitError> {
                Self::fit_with_priors(buyers, &Priors::NONE)
            }

            /// As [`fit`](Self::fit), but finds the most probable parameters where something is known of them beforehand; k is
            /// the one with the largest sum of log-likelihood and log-prior.
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
                BetaGeometric::fit_stages(buyers, priors, Self::with_stages)
            }

            /// Finds the parameters for a regularity that is known, where the times between purchases are not.
            ///
            /// The log-likelihood is the sum of [`PurchaseModel::log_likelihood`]: comparable between models and between k,
            /// but not with that of [`fit`](Self::fit), which has seen more.
            ///
            /// # Errors
            /// As [`BgNbd::fit`](super::BgNbd::fit), and [`FitError::Regularity`] when k does not lie between 1 and 32.
            pub fn fit_with(k: u32, buyers: impl IntoIterator<Item = Buyer>) -> Result<Fit<Self>, FitError> {
                Self::fit_with_k_and_priors(k, buyers, &Priors::NONE)
            }

            /// As [`fit_with`](Self::fit_with), but finds the most probable parameters where something is known of them
            /// beforehand.
            ///
            /// # Errors
            /// As [`fit_with`](Self::fit_with) and [`fit_with_priors`](Self::fit_with_priors).
            pub fn fit_with_k_and_priors(
                k: u32,
                buyers: impl IntoIterator<Item = Buyer>,
                priors: &Priors,
            ) -> Result<Fit<Self>, FitError> {
                if !(1..=stages::MOST).contains(&k) {
                    return Err(FitError::Regularity { k });
                }
                let rows = DistinctRows::with_priors(buyers, priors.say_all::<Self>())?;
                fit_with_priors(&Self::with_stages(k), &BetaGeometric::unseen_rows(rows, k), priors)
            }

            /// Where a search for the parameters begins.
            fn with_stages(k: u32) -> Self {
                Self { k, r: 1.0, alpha: 1.0, a: 1.0, b: 1.0 }
            }
        }

        impl LeavesAfterPurchase for $Model {
            const MODEL: &'static str = $model;

            fn family(&self) -> BetaGeometric {
                BetaGeometric { r: self.r, alpha: self.alpha, a: self.a, b: self.b, stages: self.k, first: $first }
            }

            fn of_family(family: &BetaGeometric) -> Option<Self> {
                Self::new(family.stages, family.r, family.alpha, family.a, family.b).ok()
            }
        }

        impl Sealed for $Model {
            fn ln_odds_gone(&self, buyer: Buyer) -> f64 {
                self.family().ln_odds_gone(buyer)
            }

            fn living(&self, buyer: Buyer) -> Living {
                self.family().living(buyer)
            }
        }

        impl PurchaseModel for $Model {
            /// The times between the first and the last purchase, which a row does not hold, are integrated out, so that the
            /// sum over customers compares with that of other models.
            ///
                    $(#[$likelihood])*
            fn log_likelihood(&self, buyer: Buyer) -> f64 {
                self.family().log_likelihood(buyer)
            }

                    $(#[$alive])*
            fn p_alive(&self, buyer: Buyer) -> f64 {
                falling_logistic(self.ln_odds_gone(buyer))
            }

            /// Exact, not the approximation that is common for k > 1: the number of stages within the horizon, and of those
            /// passed since the last purchase, is summed over.
            fn expected_purchases(&self, buyer: Buyer, horizon: Horizon) -> f64 {
                self.p_alive(buyer) * self.living(buyer).expected(horizon.length(), &mut Afresh)
            }
        }
    };
}

pub(super) use regular_model;
