//! What customers go through: events prepared as journeys, the directly-follows graph, variants, sessions, threads of
//! one matter across channels, retention, the designed journey against the lived one, the touchpoint map, funnels, and
//! which touches are to be thanked for a conversion.
//!
//! A [`JourneyLog`] is prepared once, from interactions or from any table, and everything that counts paths reads it.
//!
//! # Example
//! ```
//! use patronage::journey::{DurationDetail, JourneyGraph, JourneyLog};
//!
//! let hour = 3_600_000_000;
//! let log = JourneyLog::from_events(
//!     [("ann", 0, "browse"), ("ann", hour, "pay"), ("bob", 0, "browse"), ("bob", 3 * hour, "pay")],
//!     100,
//! )?;
//! let graph = JourneyGraph::from_log(&log, DurationDetail::default());
//! let paid = graph.edge("browse", "pay").ok_or("no such step")?;
//! assert_eq!((paid.count(), paid.customers()), (2, 2));
//! assert_eq!(paid.dwell().mean_seconds(), Some(7200.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod activities;
mod attribution;
mod attribution_interval;
mod attribution_markov;
mod attribution_paths;
mod attribution_selling;
mod calendar;
mod contacts;
mod dead_ends;
mod designed;
mod designed_conformance;
mod designed_replay;
mod durations;
mod error;
mod eventually_follows;
mod expectation;
mod fold_hash;
mod funnel;
mod funnel_columns;
mod funnel_comparison;
mod funnel_fold;
mod funnel_plan;
mod funnel_report;
mod funnel_walk;
mod graph;
mod graph_builder;
mod graph_text;
mod grouping;
mod log;
mod loops;
mod loops_builder;
mod micros;
mod numbering;
mod patterns;
mod promise;
mod retention;
mod theme;
mod thread;
mod thread_effort;
mod thread_table;
mod touchpoint_map;
mod variants;

pub use activities::Activities;
pub use attribution::{Attribution, AttributionModel, ChannelCredit, Decay, NullPaths, Removal};
pub use attribution_interval::{AttributionBootstrap, AttributionRow, AttributionTable, CreditInterval};
pub use attribution_paths::{ConversionPath, ConversionPaths, PathOutcome, PathTransform};
pub use attribution_selling::{OfferTally, SellingPoint, SellingPoints};
pub use calendar::{Calendar, CalendarUnit};
pub use contacts::{ContactReport, RepeatRate, ThreadTrait};
pub use dead_ends::{DeadEnd, DeadEnds};
pub use designed::{DesignedJourney, DesignedJourneyBuilder};
pub use designed_conformance::Conformance;
pub use designed_replay::{Deviation, Ending, Replay};
pub use durations::{DurationDetail, DurationQuantile, Durations};
pub use error::{CustomerRef, JourneyError};
pub use eventually_follows::{EventuallyFollows, Follow};
pub use expectation::{Expectation, Judgement, Metric, Target};
pub use funnel::{EqualInstants, Funnel, FunnelBuilder, FunnelExclusion, FunnelOrder, FunnelStep};
pub use funnel_columns::{FunnelAttribute, FunnelBreakdown, FunnelColumns};
pub use funnel_comparison::{FunnelComparison, FunnelGroup, FunnelStepDifference};
pub use funnel_fold::FunnelFold;
pub use funnel_report::{FunnelOutcome, FunnelReport, FunnelStepReport, FunnelTime};
pub use graph::{Edge, JourneyGraph, Node};
pub use graph_builder::JourneyGraphBuilder;
pub use log::{Journey, JourneyKey, JourneyLog};
pub use loops::{JourneyLoop, LoopCount, LoopRule, Loops};
pub use loops_builder::LoopsBuilder;
pub use patterns::{FrequentSequence, FrequentSequences, StepTable, Visits, frequent_sequences};
pub use promise::{BrandPromise, ChannelSpread, PromiseRule, PromiseTally};
pub use retention::{Growth, Retention, RetentionBuilder};
pub use theme::{ThemeImpact, ThemeImpacts, ThemeTally};
pub use thread::{Thread, ThreadBuilder, ThreadRules, ThreadScope, WindowFrom};
pub use thread_effort::{BehaviouralEffort, EffortWeights};
pub use thread_table::{Threads, threads};
pub use touchpoint_map::{Place, PlaceFilter, TouchpointMap, TouchpointSummary};
pub use variants::{Variant, Variants};

/// The least common multiple of the steps of all effort scales (2 to 10): in these units every ease is whole, so that
/// sums are exact in any order.
const EASE_UNITS: u32 = 2_520;

/// How easy it was, in units of 1/2520.
fn ease_units(effort: crate::interaction::Effort) -> u32 {
    let units = u32::from(effort.answer().saturating_sub(1)) * (EASE_UNITS / u32::from(effort.scale() - 1));
    match effort.direction() {
        crate::interaction::EffortDirection::EasyIsHigh => units,
        crate::interaction::EffortDirection::HardIsHigh => EASE_UNITS - units,
    }
}

/// Scores are summed in units of 2^-40, so that sums are exact in any order.
const SCORE_UNITS: f64 = 1_099_511_627_776.0;

/// A score in these units.
#[expect(clippy::cast_possible_truncation, reason = "a score lies between -1 and 1, so this is at most 2^40")]
fn score_units(score: f64) -> i128 {
    (score * SCORE_UNITS).round() as i128
}

/// The code of a place among at most 65,536.
fn code_of(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
