use crate::measure::Share;
use crate::tag::Tag;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// An emotion of a customer, as named by some source.
    ///
    /// Source: R. Plutchik, "A general psychoevolutionary theory of emotion" (1980), the eight basic emotions.
    "emotion" open Emotion {
        /// Joy, delight.
        Joy = "joy",
        /// Trust, being in good hands.
        Trust = "trust",
        /// Fear, worry.
        Fear = "fear",
        /// Surprise, of either kind.
        Surprise = "surprise",
        /// Sadness, disappointment.
        Sadness = "sadness",
        /// Disgust, contempt.
        Disgust = "disgust",
        /// Anger, annoyance.
        Anger = "anger",
        /// Anticipation, hope.
        Anticipation = "anticipation",
    }
}

/// An emotion that a customer showed, who or what says so, and how sure that source is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feeling {
    /// The emotion.
    pub emotion: Emotion,
    /// Who or what told it.
    pub source: Tag,
    /// How sure the source is.
    pub confidence: Share,
}
