//! Who stays, who drifts away, and how attached customers are.
//!
//! - **How long do customers stay?** A [`SurvivalTable`] counts [`Spell`]s, and says the share still there after so many
//!   days ([`SurvivalTable::curve`], Kaplan-Meier with Greenwood's intervals), the median, and the expected remaining
//!   lifetime; [`log_rank()`] says whether groups differ. What it means to be gone is part of the table: [`Relationship`].
//! - **Who drifts away?** A [`Rhythm`] holds each customer against their own rhythm and raises an alarm at a stated rate of
//!   false ones ([`RhythmRule`]), with the day since when.
//! - **How engaged is a customer?** [`EngagementScore`], with a half-life and what each item contributes. How many of a
//!   month's customers come on a day (stickiness) is [`journey::RetentionBuilder`](crate::journey::RetentionBuilder)'s.
//! - **How well is a customer?** A [`HealthRule`] weighs parts of which some may be missing.
//! - **Where do they stand?** A [`LadderRule`] puts a customer on a [`LoyaltyRung`] from dissatisfied to advocate, says why
//!   and what is missing for the next rung; [`Standing::opportunities`] says what to do about it during an interaction, and
//!   [`Movement`] counts who moved.
//!
//! # Example
//! ```
//! use patronage::loyalty::{Relationship, SilenceRule, SurvivalOptions, SurvivalTable};
//!
//! // Gone is who has not bought for 90 days; these are the days on which three customers bought, seen on day 400.
//! let rule = SilenceRule::new(90)?;
//! let mut table = SurvivalTable::new(Relationship::NonContractual(rule));
//! for days in [vec![0, 40, 70], vec![10, 80, 160, 230, 300, 380], vec![200, 260, 330, 395]] {
//!     if let Some(spell) = rule.spell(days, 400)? {
//!         table.push(spell);
//!     }
//! }
//! let curve = table.curve(&SurvivalOptions::default())?;
//! let half_a_year = curve.survival_at(182).ok_or("not observed")?;
//! assert_eq!(format!("{half_a_year:.2}"), "0.67 [0.05, 0.95] (95.0 %, n = 3)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod engagement;
mod error;
mod health;
mod ladder;
mod ladder_rule;
mod log_rank;
mod opportunity;
mod rhythm;
mod rhythm_rule;
mod rung;
mod spell;
mod survival_curve;
mod survival_table;

pub use engagement::{EngagementExplanation, EngagementScore, Touch};
pub use error::LoyaltyError;
pub use health::{Health, HealthContribution, HealthRule};
pub use ladder::{LoyaltyEvidence, Movement, RungReason, Standing};
pub use ladder_rule::{Bar, LadderRule, Requirements};
pub use log_rank::{LogRank, LogRankGroup, log_rank, stratified_log_rank};
pub use opportunity::{LoyaltyOpportunity, LoyaltyStep};
pub use rhythm::{Pace, Rhythm, Slowing};
pub use rhythm_rule::RhythmRule;
pub use rung::{Evidence, LoyaltyRung};
pub use spell::{Relationship, SilenceRule, Spell, Spells};
pub use survival_curve::{Lifetime, SurvivalCurve, SurvivalInterval, SurvivalOptions, SurvivalStep};
pub use survival_table::SurvivalTable;

#[cfg(test)]
mod tests;
