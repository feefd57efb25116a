//! Special functions, optimiser, order statistics and interval estimates. Private: callers use the verbs.

pub(crate) mod exact;
#[cfg_attr(not(test), expect(dead_code, reason = "nobody needs Holm's adjustment yet"))]
pub(crate) mod proportion;
pub(crate) mod quantile;
