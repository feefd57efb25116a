//! Who stays, who drifts away, and how attached customers are.

mod error;
mod log_rank;
mod rung;
mod spell;
mod survival_curve;
mod survival_table;

pub use error::LoyaltyError;
pub use log_rank::{LogRank, LogRankGroup, log_rank, stratified_log_rank};
pub use rung::{Evidence, LoyaltyRung};
pub use spell::{Relationship, SilenceRule, Spell, Spells};
pub use survival_curve::{Lifetime, SurvivalCurve, SurvivalInterval, SurvivalOptions, SurvivalStep};
pub use survival_table::SurvivalTable;
