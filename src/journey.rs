//! What customers go through: events prepared as journeys, the directly-follows graph, variants, sessions, threads of
//! one matter across channels, retention, the designed journey against the lived one, and the touchpoint map.
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
mod calendar;
mod contacts;
mod designed;
mod durations;
mod error;
mod expectation;
mod fold_hash;
mod graph;
mod graph_builder;
mod graph_text;
mod log;
mod patterns;
mod promise;
mod retention;
mod theme;
mod thread;
mod touchpoint_map;
mod variants;

pub use activities::Activities;
pub use calendar::{Calendar, CalendarUnit};
pub use contacts::{ContactReport, RepeatRate, ThreadTrait};
pub use designed::{Conformance, DesignedJourney, Deviation, Ending, Replay};
pub use durations::{DurationDetail, DurationQuantile, Durations};
pub use error::JourneyError;
pub use expectation::{Expectation, Finding, Metric, Target};
pub use graph::{DeadEnd, Edge, JourneyGraph, Node};
pub use graph_builder::JourneyGraphBuilder;
pub use log::{Journey, JourneyKey, JourneyLog};
pub use patterns::{FrequentSequence, StepTable, Visits, frequent_sequences};
pub use promise::{BrandPromise, ChannelSpread, PromiseRule, PromiseTally};
pub use retention::{Growth, Retention, RetentionBuilder};
pub use theme::{ThemeImpact, ThemeTally};
pub use thread::{
    BehaviouralEffort, EffortWeights, Thread, ThreadBuilder, ThreadRules, ThreadScope, WindowFrom, threads,
};
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

/// The code of a place among at most 65,536.
fn code_of(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
