//! What a customer is worth: who is still alive, what they will buy, what they will spend, and the value of it all.
//!
//! Buying without a contract leaves no notice when a customer is gone. These models read it from the past: from how
//! often ([`Buyer::frequency`]) and how lately ([`Buyer::recency`]) a customer bought, and for how long they have been
//! one ([`Buyer::age`]). The way from purchases to value:
//!
//! 1. [`Summary::of`] one history, or [`Summaries::from_log`] for the columns of a whole log;
//! 2. [`BgNbd::fit`] on the buyers (or another model below), [`GammaGamma::fit`] on the spend of those who came back;
//! 3. [`PurchaseModel`] for P(alive) and expected purchases, [`PurchaseForecast`] for all else that is to come,
//!    [`LifetimeValue`] for money.
//!
//! | model | customers leave | purchases come |
//! |---|---|---|
//! | [`Nbd`] | never | at random |
//! | [`BgNbd`] | after a repeat purchase | at random |
//! | [`MbgNbd`] | after any purchase | at random |
//! | [`ParetoNbd`] | at any time | at random |
//! | [`BgCnbd`] | after a repeat purchase | regularly |
//! | [`MbgCnbd`] | after any purchase | regularly |
//!
//! Which of them to use, and whether it holds:
//!
//! 1. [`Holdouts::from_log`] keeps the last months back ([`Holdout::of`] those of one history);
//! 2. [`Comparison::fit`] fits all models to what was before, [`Comparison::with_holdout`] judges them by what came, and
//!    [`Comparison::recommendation`] says which to use, why, and which are as good;
//! 3. [`ForecastErrors`] says how far it is off, [`calibration_by_expectation`] and [`calibration_by`] for whom,
//!    [`Tracking::curve`] when, and [`purchase_counts()`] whether it even reproduces what it was fitted to.
//!
//! [`LikelihoodRatio`] and [`Vuong`] test two models against each other.
//!
//! Times are plain numbers in one unit of your choice, the unit of the fit: what goes in as weeks comes out as weeks.
//! Money is in minor units as `f64`; [`Money::rounded`](crate::Money::rounded) is the way back. Nothing here reads a
//! clock, and equal input gives equal bits on every platform.

mod at_risk;
mod beta_geometric;
mod bg_cnbd;
mod bg_nbd;
mod buyer;
mod calibration;
mod candidate;
mod chunked_sum;
mod comparison;
mod departure;
mod distinct_rows;
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
mod lifetime;
mod likelihood;
mod likelihood_ratio;
mod living;
mod mbg_cnbd;
mod mbg_nbd;
mod model;
mod model_kind;
mod nbd;
mod pareto_nbd;
mod purchase_counts;
mod spend;
mod stages;
mod summaries;
mod summary;
mod timed_buyer;
mod timed_summaries;
mod tracking;
mod vuong;

pub use bg_cnbd::BgCnbd;
pub use bg_nbd::BgNbd;
pub use buyer::{Buyer, Buyers};
pub use calibration::{CalibrationGroup, calibration_by, calibration_by_expectation};
pub use candidate::Candidate;
pub use comparison::{Comparison, HoldoutFigures, JudgedModel, ModelFigures, ModelTest, Recommendation};
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
pub use lifetime::LifetimeValue;
pub use likelihood_ratio::{LikelihoodRatio, NestedIn};
pub use mbg_cnbd::MbgCnbd;
pub use mbg_nbd::MbgNbd;
pub use model::PurchaseModel;
pub use model_kind::{Dropout, ModelKind};
pub use nbd::Nbd;
pub use pareto_nbd::ParetoNbd;
pub use purchase_counts::{PurchaseCount, purchase_counts};
pub use spend::{FirstPurchase, RepeatSpend, RepeatSpends};
pub use summaries::{PurchaseLog, Summaries};
pub use summary::Summary;
pub use timed_buyer::TimedBuyer;
pub use timed_summaries::{TimedBuyers, TimedSummaries};
pub use tracking::{TrackedPeriod, Tracking};
pub use vuong::Vuong;
