//! Special functions, optimiser, order statistics and interval estimates. Private: callers use the verbs.

#[cfg_attr(not(test), expect(dead_code, reason = "pain points are the first to need it"))]
pub(crate) mod proportion;
pub(crate) mod quantile;
pub(crate) mod split_mix;
