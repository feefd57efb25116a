//! Who belongs together: customers scored by recency, frequency and monetary value (RFM), named segments, and rules.
//!
//! [`RfmBreaks`] turns an [`RfmRow`] into an [`RfmScore`] such as `543`, and a [`SegmentMap`] turns the score into a
//! name. Each has three doors that give the same answer: one row, an iterator of rows, and borrowed columns into buffers
//! that the caller keeps.
//!
//! | question | answer |
//! |---|---|
//! | what is counted: invoices, lines, days; totals, averages; returns | [`RfmDefinition`] |
//! | break points: value quantiles, fixed, as in the R package, nested | [`RfmBreaks`], [`NestedRfmBreaks`] |
//! | equal groups by rank, ties by a stated key | [`RankGroups`] |
//! | purchases summed up as they come | [`RfmTally`] |
//! | is there enough data | [`RfmGate`] |
//! | how sure is a segment, given that other customers would have given other break points | [`SegmentStability`] |
//! | who went where between two dates | [`SegmentMigration`] |
//! | what would move this customer up, and when do they fall | [`SegmentMap::flips`], [`SegmentMap::fall`] |
//! | who meets a rule, until when, and why | [`SegmentRules`], [`Rule`], [`Verdict`] |
//! | who joined at the same time, and who of them comes back (cohorts) | [`RetentionBuilder`](crate::journey::RetentionBuilder) |
//!
//! # Example
//! ```
//! use patronage::segment::{RfmBreaks, RfmColumns, RfmRow, RfmSegment, SegmentMap};
//!
//! let (recency_days, purchases, spend_minor) = ([3, 40, 80, 200, 410], [9, 4, 2, 1, 1], [90_00, 35_00, 20_00, 5_00, 7_00]);
//! let customers = RfmColumns::new(&recency_days, &purchases, &spend_minor)?;
//! let breaks = RfmBreaks::from_columns(customers, &mut Vec::new())?;
//!
//! let score = breaks.score(RfmRow::new(3, 9, 90_00)?);
//! assert_eq!(score.to_string(), "555");
//! assert_eq!(SegmentMap::default().segment(score), RfmSegment::Champions);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod facts;
mod nested_rfm_breaks;
mod rank_groups;
mod rfm_breaks;
mod rfm_columns;
mod rfm_definition;
mod rfm_gate;
mod rfm_row;
mod rfm_score;
mod rfm_segment;
mod rfm_tally;
mod rule;
mod rule_check;
mod rule_error;
mod rule_eval;
mod rule_span;
mod segment_flip;
mod segment_map;
mod segment_migration;
mod segment_rules;
mod segment_stability;
mod verdict;

pub use facts::{Facts, RuleEvent, RuleSlot};
pub use nested_rfm_breaks::NestedRfmBreaks;
pub use rank_groups::RankGroups;
pub use rfm_breaks::RfmBreaks;
pub use rfm_columns::{RfmColumns, RfmError};
#[cfg(feature = "chrono-tz")]
pub use rfm_definition::business_zone;
pub use rfm_definition::{RfmDefinition, RfmFrequency, RfmLine, RfmMonetary, RfmReturns};
pub use rfm_gate::RfmGate;
pub use rfm_row::RfmRow;
pub use rfm_score::{RfmScore, RfmScoreColumns};
pub use rfm_segment::RfmSegment;
pub use rfm_tally::{RfmSummaries, RfmTally};
pub use rule::{EventTest, NamedRule, Rule, RuleComparison, RuleValue};
pub use rule_error::RuleError;
pub use rule_span::RuleSpan;
pub use segment_flip::{SegmentFall, SegmentFlip};
pub use segment_map::{SegmentMap, SegmentMapError, SegmentRule};
pub use segment_migration::SegmentMigration;
pub use segment_rules::{RuleInput, SegmentKey, SegmentRules};
pub use segment_stability::SegmentStability;
pub use verdict::{Crossing, RuleReason, Truth, Verdict};

#[cfg(test)]
mod tests;
