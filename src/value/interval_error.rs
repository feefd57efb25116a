use super::{FitError, ScoreKind};
use crate::measure::Share;

/// Why there is no interval.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IntervalError {
    /// An interval of this level would hold nothing or everything.
    #[error("the level must lie between 0 and 1, not at {level}")]
    Level {
        /// The level asked for.
        level: Share,
    },
    /// The score of the fitted model is no number of its kind.
    #[error("a score of {score} is no {kind}")]
    Score {
        /// The score.
        score: f64,
        /// What it was said to be.
        kind: ScoreKind,
    },
    /// The score has no finite bounds: models next to the fitted one have a score that is no number of its kind, or the
    /// parameters are known too badly.
    #[error("a score of {score} has no finite bounds")]
    Unbounded {
        /// The score of the fitted model.
        score: f64,
    },
    /// So few repeats do not tell an interval.
    #[error("{repeats} repeats are fewer than {least}")]
    Repeats {
        /// The repeats asked for.
        repeats: u32,
        /// The fewest there may be.
        least: u32,
    },
    /// The rows given are not those of the fit.
    #[error("{found} customers were given for a fit of {expected}")]
    OtherCustomers {
        /// The customers of the fit.
        expected: u64,
        /// The customers given.
        found: u64,
    },
    /// The fit had priors, of which refits know nothing: they would be less sure than it is.
    #[error("a fit with priors cannot be bootstrapped")]
    Priors,
    /// Too many of the refits of a bootstrap failed for the others to speak for all.
    #[error("{failed} of {repeats} refits failed")]
    Refits {
        /// The refits that failed.
        failed: u32,
        /// All of them.
        repeats: u32,
    },
    /// The rows given cannot be fitted at all.
    #[error("the rows cannot be fitted")]
    Fit(#[from] FitError),
}
