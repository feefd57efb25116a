//! What customers go through: funnels, and which touches are to be thanked for a conversion.

mod funnel;
mod funnel_columns;
mod funnel_comparison;
mod funnel_error;
mod funnel_fold;
mod funnel_plan;
mod funnel_report;
mod funnel_walk;

pub use funnel::{EqualInstants, Funnel, FunnelBuilder, FunnelExclusion, FunnelOrder, FunnelStep};
pub use funnel_columns::{FunnelAttribute, FunnelBreakdown, FunnelColumns};
pub use funnel_comparison::{FunnelComparison, FunnelStepDifference};
pub use funnel_error::FunnelError;
pub use funnel_fold::FunnelFold;
pub use funnel_report::{FunnelOutcome, FunnelReport, FunnelStepReport, FunnelTime};
