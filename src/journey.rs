//! What customers go through: funnels, and which touches are to be thanked for a conversion.

mod attribution;
mod attribution_error;
mod attribution_interval;
mod attribution_markov;
mod attribution_paths;
mod attribution_selling;
mod funnel;
mod funnel_columns;
mod funnel_comparison;
mod funnel_error;
mod funnel_fold;
mod funnel_plan;
mod funnel_report;
mod funnel_walk;

pub use attribution::{Attribution, AttributionModel, ChannelCredit, Decay, NullPaths, Removal};
pub use attribution_error::AttributionError;
pub use attribution_interval::{AttributionRow, AttributionTable};
pub use attribution_paths::{ConversionPath, ConversionPaths, PathOutcome, PathTransform};
pub use attribution_selling::{OfferTally, SellingPoint};
pub use funnel::{EqualInstants, Funnel, FunnelBuilder, FunnelExclusion, FunnelOrder, FunnelStep};
pub use funnel_columns::{FunnelAttribute, FunnelBreakdown, FunnelColumns};
pub use funnel_comparison::{FunnelComparison, FunnelStepDifference};
pub use funnel_error::FunnelError;
pub use funnel_fold::FunnelFold;
pub use funnel_report::{FunnelOutcome, FunnelReport, FunnelStepReport, FunnelTime};
