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
mod durations;
mod error;
mod fold_hash;
mod graph;
mod graph_builder;
mod graph_text;
mod log;
mod variants;

pub use activities::Activities;
pub use durations::{DurationDetail, DurationQuantile, Durations};
pub use error::JourneyError;
pub use graph::{DeadEnd, Edge, JourneyGraph, Node};
pub use graph_builder::JourneyGraphBuilder;
pub use log::{Journey, JourneyKey, JourneyLog};
pub use variants::{Variant, Variants};

/// The code of a place among at most 65,536.
fn code_of(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
