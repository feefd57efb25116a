use crate::measure::Share;
use crate::tag::Tag;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};

/// How a customer felt in an interaction, from -1 (very negative) to 1 (very positive), as told by a named source.
///
/// # Example
/// ```
/// use patronage::interaction::Sentiment;
/// use patronage::{Share, Tag};
///
/// let angry = Sentiment::new(-0.8, Tag::literal("agent_note"), Share::ONE)?;
/// assert_eq!(angry.score(), -0.8);
/// assert!(Sentiment::new(-1.1, Tag::literal("agent_note"), Share::ONE).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SentimentFields")]
pub struct Sentiment {
    score: f64,
    source: Tag,
    confidence: Share,
}

#[derive(Deserialize)]
struct SentimentFields {
    score: f64,
    source: Tag,
    confidence: Share,
}

impl TryFrom<SentimentFields> for Sentiment {
    type Error = ValidationError;

    fn try_from(fields: SentimentFields) -> Result<Self, ValidationError> {
        Self::new(fields.score, fields.source, fields.confidence)
    }
}

impl Sentiment {
    /// A score from -1 to 1, who or what says so, and how sure that source is.
    ///
    /// # Errors
    /// [`ValidationError`] when the score is NaN or outside -1 to 1.
    pub fn new(score: f64, source: Tag, confidence: Share) -> Result<Self, ValidationError> {
        if (-1.0..=1.0).contains(&score) {
            Ok(Self { score: score + 0.0, source, confidence })
        } else {
            Err(ValidationError::new("sentiment.score", "must lie between -1 and 1", score))
        }
    }

    /// The score, from -1 (very negative) to 1 (very positive).
    pub const fn score(&self) -> f64 {
        self.score
    }

    /// Who or what told it.
    pub const fn source(&self) -> Tag {
        self.source
    }

    /// How sure the source is.
    pub const fn confidence(&self) -> Share {
        self.confidence
    }
}

vocabulary! {
    /// What a high answer to the effort question means.
    "effort.direction" EffortDirection {
        /// "The company made it easy": high is good.
        EasyIsHigh = "easy_is_high",
        /// "How much effort did you have to put in?": high is bad.
        HardIsHigh = "hard_is_high",
    }
}

/// The answer to a customer effort question, with its scale and direction, because the trade uses at least four.
///
/// # Example
/// ```
/// use patronage::interaction::{Effort, EffortDirection};
///
/// let answer = Effort::new(6, 7, EffortDirection::HardIsHigh)?;
/// assert!((answer.ease().get() - 1.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: M. Dixon, N. Toman, R. DeLisi, "The Effortless Experience" (2013).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "EffortFields")]
pub struct Effort {
    answer: u8,
    scale: u8,
    direction: EffortDirection,
}

#[derive(Deserialize)]
struct EffortFields {
    answer: u8,
    scale: u8,
    direction: EffortDirection,
}

impl TryFrom<EffortFields> for Effort {
    type Error = ValidationError;

    fn try_from(fields: EffortFields) -> Result<Self, ValidationError> {
        Self::new(fields.answer, fields.scale, fields.direction)
    }
}

impl Effort {
    /// An answer from 1 to `scale`, where the scale is 3 to 11 points.
    ///
    /// # Errors
    /// [`ValidationError`] when the scale or the answer is outside.
    pub fn new(answer: u8, scale: u8, direction: EffortDirection) -> Result<Self, ValidationError> {
        if !(3..=11).contains(&scale) {
            return Err(ValidationError::new("effort.scale", "must have 3 to 11 points", scale));
        }
        if !(1..=scale).contains(&answer) {
            return Err(ValidationError::new(
                "effort.answer",
                "must lie on its scale",
                format!("{answer} of {scale}"),
            ));
        }
        Ok(Self { answer, scale, direction })
    }

    /// The answer, from 1 to [`scale`](Self::scale).
    pub const fn answer(&self) -> u8 {
        self.answer
    }

    /// The highest answer of the scale.
    pub const fn scale(&self) -> u8 {
        self.scale
    }

    /// What a high answer means.
    pub const fn direction(&self) -> EffortDirection {
        self.direction
    }

    /// How easy it was, from 0 (hardest) to 1 (easiest), whatever the scale.
    pub fn ease(&self) -> Share {
        let high = f64::from(self.answer - 1) / f64::from(self.scale - 1);
        let ease = match self.direction {
            EffortDirection::EasyIsHigh => high,
            EffortDirection::HardIsHigh => 1.0 - high,
        };
        Share::new(ease).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effort_refuses_answers_off_the_scale() {
        for (answer, scale) in [(0, 5), (6, 5), (1, 2), (1, 12)] {
            assert!(Effort::new(answer, scale, EffortDirection::EasyIsHigh).is_err(), "{answer} of {scale}");
        }
        let json = r#"{"answer":9,"scale":7,"direction":"easy_is_high"}"#;
        assert!(serde_json::from_str::<Effort>(json).is_err());
    }

    #[test]
    fn ease_spans_the_scale() {
        for direction in [EffortDirection::EasyIsHigh, EffortDirection::HardIsHigh] {
            let low = Effort::new(1, 7, direction).unwrap().ease();
            let high = Effort::new(7, 7, direction).unwrap().ease();
            assert_eq!(low, high.complement());
        }
    }

    #[test]
    fn sentiment_refuses_what_is_no_score() {
        for wrong in [f64::NAN, 1.01, f64::NEG_INFINITY] {
            assert!(Sentiment::new(wrong, Tag::literal("x"), Share::ONE).is_err());
        }
    }
}
