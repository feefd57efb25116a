//! Special functions, optimiser, order statistics and interval estimates. Private: callers use the verbs.

pub(crate) mod exact;
pub(crate) mod exponential;
pub(crate) mod exponential_integral;
pub(crate) mod gamma;
pub(crate) mod hypergeometric;
pub(crate) mod incomplete_beta;
pub(crate) mod linear;
pub(crate) mod optimise;
pub(crate) mod percentile;
#[cfg_attr(not(test), expect(dead_code, reason = "nobody needs Holm's adjustment yet"))]
pub(crate) mod proportion;
pub(crate) mod quadrature;
pub(crate) mod quantile;
pub(crate) mod random;
#[cfg(test)]
pub(crate) mod reference;
pub(crate) mod split_mix;
