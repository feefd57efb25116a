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
//! Of models fitted to the same customers, the one with the lowest [`Fit::aic`] explains them best.
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

mod at_risk;
mod beta_geometric;
mod bg_cnbd;
mod bg_nbd;
mod buyer;
mod covariate_rows;
mod covariates;
mod departure;
mod distinct_rows;
mod error;
mod fit;
mod forecast;
mod gamma_gamma;
mod horizon;
mod lifetime;
mod likelihood;
mod living;
mod mbg_cnbd;
mod mbg_nbd;
mod model;
mod nbd;
mod pareto_nbd;
mod prior;
#[cfg(test)]
mod sample;
mod saved_fit;
mod spend;
mod stages;
mod summaries;
mod summary;
mod timed_buyer;
mod with_covariates;

pub use bg_cnbd::BgCnbd;
pub use bg_nbd::BgNbd;
pub use buyer::{Buyer, Buyers};
pub use covariates::{CovariateBuyers, Covariates};
pub use error::{FitError, ValueError};
pub use fit::{Diagnostics, Fit, Parameter};
pub use forecast::PurchaseForecast;
pub use gamma_gamma::{GammaGamma, GammaGammaFit};
pub use horizon::{Discount, Horizon, TimeUnit};
pub use lifetime::LifetimeValue;
pub use mbg_cnbd::MbgCnbd;
pub use mbg_nbd::MbgNbd;
pub use model::PurchaseModel;
pub use nbd::Nbd;
pub use pareto_nbd::ParetoNbd;
pub use prior::{Prior, Priors};
pub use spend::{RepeatSpend, RepeatSpends};
pub use summaries::{PurchaseLog, Summaries};
pub use summary::Summary;
pub use timed_buyer::TimedBuyer;
pub use with_covariates::WithCovariates;
