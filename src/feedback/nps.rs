use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// How likely a customer would recommend the company, from 0 (not at all) to 10 (extremely).
///
/// # Example
/// ```
/// use patronage::feedback::{NpsGroup, NpsScore};
///
/// assert_eq!(NpsScore::new(6)?.group(), NpsGroup::Detractor);
/// let refused = NpsScore::new(11).unwrap_err();
/// assert_eq!(refused.to_string(), "nps.score: must lie between 0 and 10, got `11`");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct NpsScore(u8);

impl NpsScore {
    /// Checks an answer.
    ///
    /// # Errors
    /// [`ValidationError`] when it is above 10.
    pub fn new(score: u8) -> Result<Self, ValidationError> {
        if score <= 10 {
            Ok(Self(score))
        } else {
            Err(ValidationError::new("nps.score", "must lie between 0 and 10", score))
        }
    }

    /// The answer, from 0 to 10.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The group that the answer belongs to. Every answer has one.
    pub const fn group(self) -> NpsGroup {
        match self.0 {
            0..=6 => NpsGroup::Detractor,
            7..=8 => NpsGroup::Passive,
            9.. => NpsGroup::Promoter,
        }
    }
}

impl TryFrom<u8> for NpsScore {
    type Error = ValidationError;

    fn try_from(score: u8) -> Result<Self, ValidationError> {
        Self::new(score)
    }
}

impl From<NpsScore> for u8 {
    fn from(score: NpsScore) -> Self {
        score.0
    }
}

vocabulary! {
    /// What an answer to "how likely would you recommend us?" makes of a customer.
    ///
    /// Source: F. F. Reichheld, "The one number you need to grow", Harvard Business Review 81 (2003).
    "nps.group" NpsGroup {
        /// Answered 0 to 6.
        Detractor = "detractor",
        /// Answered 7 or 8.
        Passive = "passive",
        /// Answered 9 or 10.
        Promoter = "promoter",
    }
}

impl NpsGroup {
    /// The answers that belong to the group.
    pub const fn answers(self) -> RangeInclusive<u8> {
        match self {
            Self::Detractor => 0..=6,
            Self::Passive => 7..=8,
            Self::Promoter => 9..=10,
        }
    }

    /// What one answer of the group adds to the NPS, in points: -100, 0 or 100.
    ///
    /// It is the score that [`ThemeTally`](crate::journey::ThemeTally) takes, which says which reasons pull the NPS
    /// down, and by how much.
    ///
    /// # Example
    /// ```
    /// use patronage::feedback::NpsScore;
    /// use patronage::journey::ThemeTally;
    /// use patronage::{Share, Tag};
    ///
    /// let late = Tag::literal("late_delivery");
    /// let mut reasons = ThemeTally::default();
    /// for (score, themes) in [(2, &[late][..]), (5, &[late]), (9, &[]), (8, &[])] {
    ///     reasons.push(NpsScore::new(score)?.group().theme_score(), themes);
    /// }
    /// let worst = reasons.impacts(2, Share::new(0.95)?)?.impacts()[0];
    /// // The NPS is -25 with and 50 without those who were kept waiting.
    /// assert_eq!(worst.impact.ok_or("too few")?.value(), -75.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn theme_score(self) -> i32 {
        match self {
            Self::Detractor => -100,
            Self::Passive => 0,
            Self::Promoter => 100,
        }
    }
}
