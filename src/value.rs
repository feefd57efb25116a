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
//! Of models fitted to the same customers, the one with the lowest [`Fit::aic`] explains them best.
//!
//! Times are plain numbers in one unit of your choice, the unit of the fit: what goes in as weeks comes out as weeks.
//! Money is in minor units as `f64`; [`Money::rounded`](crate::Money::rounded) is the way back. Nothing here reads a
//! clock, and equal input gives equal bits on every platform.

mod at_risk;
mod beta_discrete_weibull;
mod beta_geometric;
mod bg_bb;
mod bg_cnbd;
mod bg_nbd;
mod buyer;
mod contract;
mod contract_model;
mod contract_table;
mod departure;
mod discrete_buyer;
mod discrete_rows;
mod distinct_rows;
mod doors;
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
mod shifted_beta_geometric;
mod spend;
mod stages;
mod summaries;
mod summary;
mod timed_buyer;

pub use beta_discrete_weibull::BetaDiscreteWeibull;
pub use bg_bb::BgBb;
pub use bg_cnbd::BgCnbd;
pub use bg_nbd::BgNbd;
pub use buyer::{Buyer, Buyers};
pub use contract::{Contract, Contracts};
pub use contract_model::ContractModel;
pub use contract_table::ContractTable;
pub use discrete_buyer::{DiscreteBuyer, DiscreteBuyers};
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
pub use shifted_beta_geometric::ShiftedBetaGeometric;
pub use spend::{RepeatSpend, RepeatSpends};
pub use summaries::{PurchaseLog, Summaries};
pub use summary::Summary;
pub use timed_buyer::TimedBuyer;
