use super::{CesConvention, CsatScale, EffortScale};
use crate::validation::ValidationError;

/// Why feedback could not be counted or judged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedbackError {
    /// A column holds a number that its scale does not have. Nothing of the column was counted.
    #[error("column `{column}`: row {row} is off the scale of {lowest} to {highest}, got {value}")]
    OffScale {
        /// The column.
        column: &'static str,
        /// The first such row, counted from 0.
        row: usize,
        /// What it holds.
        value: u8,
        /// The lowest answer of the scale.
        lowest: u8,
        /// The highest answer of the scale.
        highest: u8,
    },
    /// Nobody answered, so there is no score.
    #[error("{metric}: {group} holds no answer")]
    NoAnswers {
        /// What was to be computed.
        metric: &'static str,
        /// Which of the groups is empty.
        group: &'static str,
    },
    /// Nobody was asked, so there is no response rate.
    #[error("{metric}: nobody was asked")]
    NobodyAsked {
        /// What was to be computed.
        metric: &'static str,
    },
    /// There are too few answers to say how sure a mean is.
    #[error("{metric}: {group} holds {have} answers where at least {need} are needed")]
    TooFewAnswers {
        /// What was to be computed.
        metric: &'static str,
        /// Which of the groups is too small.
        group: &'static str,
        /// How many it takes at the least.
        need: u64,
        /// How many there are.
        have: u64,
    },
    /// All answers are the same, so they do not say how sure their mean is.
    #[error("{metric}: all answers of {group} are the same, so they say nothing of how sure their mean is")]
    AllTheSame {
        /// What was to be computed.
        metric: &'static str,
        /// Which of the groups it is.
        group: &'static str,
    },
    /// Satisfaction was asked on another scale.
    #[error("csat: the tally counts answers of {expected} points, this is of {found}")]
    DifferentCsatScale {
        /// The scale of the tally.
        expected: CsatScale,
        /// The other scale.
        found: CsatScale,
    },
    /// Effort was asked on another scale, or the other way round.
    #[error("ces: the tally counts answers of {expected}, this is of {found}")]
    DifferentEffortScale {
        /// The scale of the tally.
        expected: EffortScale,
        /// The other scale.
        found: EffortScale,
    },
    /// A convention is defined for a scale of other points.
    #[error("ces: the convention `{convention}` needs a scale of {needed} points, this has {found}")]
    ConventionNeedsScale {
        /// The convention.
        convention: CesConvention,
        /// How many points it is defined for.
        needed: u8,
        /// How many the scale has.
        found: u8,
    },
    /// Not one source of a mean that is weighted by confidence has any.
    #[error("{metric}: every confidence is zero, so nothing has weight")]
    NoConfidence {
        /// What was to be computed.
        metric: &'static str,
    },
    /// A setting is outside what it may be.
    #[error("{setting} {rule}, got {value}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What it must be.
        rule: &'static str,
        /// What it is.
        value: f64,
    },
    /// A number could not be kept.
    #[error(transparent)]
    Value(#[from] ValidationError),
}
