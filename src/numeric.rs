//! Special functions, optimiser, order statistics and interval estimates. Private: callers use the verbs.

#[cfg(test)]
mod accuracy;
pub(crate) mod beta_ratio;
pub(crate) mod chi_square;
#[cfg(feature = "bayes")]
pub(crate) mod convergence;
pub(crate) mod double;
pub(crate) mod dropout_series;
pub(crate) mod exact;
pub(crate) mod exponential;
pub(crate) mod exponential_integral;
pub(crate) mod gamma;
pub(crate) mod gauss;
pub(crate) mod hashed_draw;
pub(crate) mod hypergeometric;
pub(crate) mod importance;
pub(crate) mod incomplete_beta;
pub(crate) mod least_squares;
pub(crate) mod linear;
pub(crate) mod logistic;
#[cfg(feature = "bayes")]
pub(crate) mod nuts;
pub(crate) mod optimise;
pub(crate) mod percentile;
pub(crate) mod proportion;
pub(crate) mod quadrature;
pub(crate) mod quantile;
#[cfg(feature = "bayes")]
pub(crate) mod quick_exponential;
pub(crate) mod random;
#[cfg(test)]
pub(crate) mod reference;
pub(crate) mod rising;
pub(crate) mod smooth_sum;
pub(crate) mod split_mix;
pub(crate) mod standardised;
pub(crate) mod stratified;
pub(crate) mod student;
