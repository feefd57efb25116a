//! What a customer is worth: who is still alive, what they will buy, what they will spend, and the value of it all.
//!
//! Buying without a contract leaves no notice when a customer is gone. These models read it from the past: from how
//! often ([`Buyer::frequency`]) and how lately ([`Buyer::recency`]) a customer bought, and for how long they have been
//! one ([`Buyer::age`]). The way from purchases to value:
//!
//! 1. [`Summary::of`] one history, or [`Summaries::from_log`] for the columns of a whole log;
//! 2. [`BgNbd::fit`] on the buyers (or another model below), [`GammaGamma::fit`] on the spend of those who came back;
//! 3. [`PurchaseModel`] for P(alive) and expected purchases, [`PurchaseForecast`] for all else that is to come,
//!    [`LifetimeValue`] for money;
//! 4. [`Fit::interval`] for how sure any of these numbers is, [`Bootstrap`] where the data are to say that themselves,
//!    `Posterior` (feature `bayes`) where nothing is taken to be normal, and [`PurchasePrediction`] for what may really
//!    happen.
//!
//! | model | customers leave | purchases come |
//! |---|---|---|
//! | [`Nbd`] | never | at random |
//! | [`BgNbd`] | after a repeat purchase | at random |
//! | [`MbgNbd`] | after any purchase | at random |
//! | [`ParetoNbd`] | at any time | at random |
//! | [`BgCnbd`] | after a repeat purchase | regularly |
//! | [`MbgCnbd`] | after any purchase | regularly |
//! | [`ParetoGgg`] | at any time | each by their own regularity |
//! | [`BgBb`] | before an opportunity | at opportunities, once in each period |
//!
//! With a contract customers cannot leave unnoticed: they renew it, or not. From how long contracts last
//! ([`ContractTable`]) [`ContractModel`] tells who will renew, for how long, and what that is worth.
//!
//! | model of contracts | the probability not to renew |
//! |---|---|
//! | [`ShiftedBetaGeometric`] | differs between customers |
//! | [`BetaDiscreteWeibull`] | differs between customers, and changes with every renewal |
//!
//! # Which model, and whether it holds
//! 1. [`Holdouts::from_log`] keeps the last months back ([`Holdout::of`] those of one history);
//! 2. [`Comparison::fit`] fits all models to what was before, [`Comparison::with_holdout`] judges them by what came, and
//!    [`Comparison::recommendation`] says which to use, why, and which are as good;
//! 3. [`ForecastErrors`] says how far it is off, [`calibration_by_expectation`] and [`calibration_by`] for whom,
//!    [`Tracking::curve`] when, and [`purchase_counts()`] whether it even reproduces what it was fitted to.
//!
//! [`LikelihoodRatio`] and [`Vuong`] test two models against each other; of models fitted to the same customers, the one
//! with the lowest [`Fit::aic`] explains them best.
//!
//! # What else is known
//! - Of each customer (a channel, a place, an age): [`WithCovariates`] makes the Pareto/NBD or BG/NBD model of a customer
//!   from their [`Covariates`].
//! - Of the parameters (from last year, from another shop, an L2 penalty): every model has a `fit_with_priors` that takes
//!   [`Priors`] and finds the most probable parameters.
//!
//! # What a fit says
//! A [`Fit`] holds parameters with standard errors and covariance, the likelihood, and how the search went. Where data
//! have no answer there are no numbers, but a [`FitError`] that says why: which parameter ran to an edge, or that the
//! data do not tell parameters apart. Fits are saved and loaded with `serde`, to the last bit.
//!
//! Times are plain numbers in one unit of your choice, the unit of the fit: what goes in as weeks comes out as weeks.
//! Money is in minor units as `f64`; [`Money::rounded`](crate::Money::rounded) is the way back. Nothing here reads a
//! clock, and equal input gives equal bits on every platform.
//!
//! # How exact
//! The special functions beneath the models, against tables of 50 digits (harsh arguments on purpose): the error in units
//! of 2^-52 of the value, `median / largest`, beside what peers answer. ln B is measured against 0.28 where it is smaller,
//! because nobody needs more than 1e-15 around its zeros. The models ask for ln 2F1 and the regularised incomplete beta
//! function in forms of their own that take fewer steps, and these are held by tables of the models. A dash means that a
//! peer has no such function, or that it does not return for some rows.
#![doc = ""]
#![doc = include_str!("numeric/accuracy.md")]
//!
//! The models at harsh but legal parameters, against 400-bit ball arithmetic: the largest relative error, and in how
//! many rows the peer with the same models has no finite answer, or one that is off.
#![doc = ""]
#![doc = include_str!("value/stress_grid.md")]
//!
//! `benches/accuracy/run` measures all of it anew, and a test holds our columns to what is measured.

mod at_least;
mod at_risk;
mod beta_discrete_weibull;
mod beta_geometric;
#[cfg(feature = "bayes")]
mod beta_geometric_gradient;
mod bg_bb;
mod bg_cnbd;
mod bg_nbd;
mod bootstrap;
mod buyer;
mod calibration;
mod candidate;
mod chunked_sum;
mod comparison;
mod contract;
mod contract_model;
mod contract_table;
mod cost_to_serve;
mod covariate_rows;
mod covariates;
mod dealt;
mod departure;
mod discrete_buyer;
mod discrete_rows;
mod distinct_rows;
mod doors;
mod draw;
mod error;
mod fit;
mod fitted_model;
mod forecast;
mod forecast_errors;
mod gamma_gamma;
mod holdout;
mod holdout_period;
mod holdouts;
mod horizon;
mod interval;
mod interval_error;
mod lifetime;
mod likelihood;
mod likelihood_ratio;
mod living;
#[cfg(feature = "bayes")]
mod log_posterior;
mod mbg_cnbd;
mod mbg_nbd;
mod model;
mod model_kind;
mod nbd;
#[cfg(feature = "parallel")]
mod parallel;
mod parameters;
mod pareto_ggg;
mod pareto_ggg_forecast;
mod pareto_ggg_prediction;
mod pareto_nbd;
#[cfg(feature = "bayes")]
mod posterior;
#[cfg(feature = "bayes")]
mod posterior_error;
#[cfg(feature = "bayes")]
mod posterior_of;
mod prediction;
mod prior;
mod profitability;
mod purchase_counts;
mod purchase_prediction;
mod regular_model;
mod regularity;
mod renewals;
mod resample;
#[cfg(test)]
mod sample;
#[cfg(feature = "bayes")]
mod sampling;
mod saved_fit;
mod shifted_beta_geometric;
mod spend;
mod stages;
#[cfg(test)]
mod stress_grid;
mod summaries;
mod summary;
mod timed_buyer;
mod timed_summaries;
mod tracking;
mod vuong;
mod waiting;
mod with_covariates;

pub use beta_discrete_weibull::BetaDiscreteWeibull;
pub use bg_bb::BgBb;
pub use bg_cnbd::BgCnbd;
pub use bg_nbd::BgNbd;
pub use bootstrap::Bootstrap;
pub use buyer::{Buyer, Buyers};
pub use calibration::{CalibrationGroup, calibration_by, calibration_by_expectation};
pub use candidate::Candidate;
pub use comparison::{Comparison, HoldoutFigures, JudgedModel, ModelFigures, ModelTest, Recommendation};
pub use contract::{Contract, Contracts};
pub use contract_model::ContractModel;
pub use contract_table::ContractTable;
pub use cost_to_serve::CostToServe;
pub use covariates::{CovariateBuyers, Covariates};
pub use discrete_buyer::{DiscreteBuyer, DiscreteBuyers};
pub use error::{FitError, ValueError};
pub use fit::{Diagnostics, Fit, Parameter};
pub use fitted_model::FittedModel;
pub use forecast::PurchaseForecast;
pub use forecast_errors::ForecastErrors;
pub use gamma_gamma::{GammaGamma, GammaGammaFit};
pub use holdout::Holdout;
pub use holdout_period::HoldoutPeriod;
pub use holdouts::Holdouts;
pub use horizon::{Discount, Horizon, TimeUnit};
pub use interval::ScoreKind;
pub use interval_error::IntervalError;
pub use lifetime::LifetimeValue;
pub use likelihood_ratio::{LikelihoodRatio, NestedIn};
pub use mbg_cnbd::MbgCnbd;
pub use mbg_nbd::MbgNbd;
pub use model::{PurchaseModel, PurchaseScore};
pub use model_kind::{Dropout, ModelKind};
pub use nbd::Nbd;
#[cfg(feature = "parallel")]
pub use parallel::{Columns, in_parallel};
pub use pareto_ggg::ParetoGgg;
pub use pareto_nbd::ParetoNbd;
#[cfg(feature = "bayes")]
pub use posterior::{ChainReport, Marginal, Posterior};
#[cfg(feature = "bayes")]
pub use posterior_error::{PosteriorError, Unconverged};
pub use prediction::Prediction;
pub use prior::{Prior, Priors};
pub use profitability::Profitability;
pub use purchase_counts::{PurchaseCount, purchase_counts};
pub use purchase_prediction::PurchasePrediction;
#[cfg(feature = "bayes")]
pub use sampling::Sampling;
pub use shifted_beta_geometric::ShiftedBetaGeometric;
pub use spend::{FirstPurchase, RepeatSpend, RepeatSpends};
pub use summaries::{PurchaseLog, Summaries};
pub use summary::Summary;
pub use timed_buyer::TimedBuyer;
pub use timed_summaries::{TimedBuyers, TimedSummaries};
pub use tracking::{TrackedPeriod, Tracking};
pub use vuong::Vuong;
pub use with_covariates::WithCovariates;
