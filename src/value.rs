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
//!    and [`PurchasePrediction`] for what may really happen.
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
//! Times are plain numbers in one unit of your choice, the unit of the fit: what goes in as weeks comes out as weeks.
//! Money is in minor units as `f64`; [`Money::rounded`](crate::Money::rounded) is the way back. Nothing here reads a
//! clock, and equal input gives equal bits on every platform.

mod at_least;
mod at_risk;
mod beta_geometric;
mod bg_cnbd;
mod bg_nbd;
mod bootstrap;
mod buyer;
mod departure;
mod distinct_rows;
mod draw;
mod error;
mod fit;
mod forecast;
mod gamma_gamma;
mod horizon;
mod interval;
mod interval_error;
mod lifetime;
mod likelihood;
mod living;
mod mbg_cnbd;
mod mbg_nbd;
mod model;
mod nbd;
mod pareto_nbd;
mod prediction;
mod purchase_prediction;
mod resample;
mod spend;
mod stages;
mod summaries;
mod summary;
mod timed_buyer;

pub use bg_cnbd::BgCnbd;
pub use bg_nbd::BgNbd;
pub use bootstrap::Bootstrap;
pub use buyer::{Buyer, Buyers};
pub use error::{FitError, ValueError};
pub use fit::{Diagnostics, Fit, Parameter};
pub use forecast::PurchaseForecast;
pub use gamma_gamma::{GammaGamma, GammaGammaFit};
pub use horizon::{Discount, Horizon, TimeUnit};
pub use interval::ScoreKind;
pub use interval_error::IntervalError;
pub use lifetime::LifetimeValue;
pub use mbg_cnbd::MbgCnbd;
pub use mbg_nbd::MbgNbd;
pub use model::PurchaseModel;
pub use nbd::Nbd;
pub use pareto_nbd::ParetoNbd;
pub use prediction::Prediction;
pub use purchase_prediction::PurchasePrediction;
pub use spend::{RepeatSpend, RepeatSpends};
pub use summaries::{PurchaseLog, Summaries};
pub use summary::Summary;
pub use timed_buyer::TimedBuyer;
