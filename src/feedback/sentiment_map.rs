use super::{Feeling, SentimentTally};
use crate::interaction::{Interaction, Sentiment, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::tag::Tag;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where something was felt: the stage of life, where known, and the touch point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FeedbackPlace {
    /// The stage the customer was in; `None` where it is not known.
    pub stage: Option<LifecycleStage>,
    /// Phone, e-mail, chat, ...
    pub touchpoint: Touchpoint,
}

/// Says how customers feel at each stage of life and touch point, by each source.
///
/// Sources are kept apart: the note of an agent and the score of a lexicon are different scales, and the mean of both is
/// neither. [`combined`](Self::combined) puts them together where that is wanted.
///
/// # Example
/// ```
/// use patronage::feedback::{Emotion, Feeling, FeedbackPlace, SentimentMap, Weighting};
/// use patronage::interaction::{Sentiment, Touchpoint};
/// use patronage::lifecycle::LifecycleStage;
/// use patronage::{Share, Tag};
///
/// let (level, note) = (Share::new(0.95)?, Tag::literal("agent_note"));
/// let place = FeedbackPlace { stage: Some(LifecycleStage::Existing), touchpoint: Touchpoint::PhoneIvr };
/// let mut map = SentimentMap::default();
/// for score in [-0.9, -0.7, -0.2, -0.6] {
///     map.push(place, &Sentiment::new(score, note, Share::ONE)?);
/// }
/// map.push_feeling(place, &Feeling { emotion: Emotion::Anger, source: note, confidence: Share::ONE });
///
/// let tally = map.tally(place, note).ok_or("nobody felt anything")?;
/// assert_eq!(format!("{:.2}", tally.mean(Weighting::Equal, level)?), "-0.60 [-1.00, -0.13] (95.0 %, n = 4)");
/// assert_eq!(tally.emotion(Emotion::Anger, level)?.value(), 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentimentMap {
    tallies: BTreeMap<(FeedbackPlace, Tag), SentimentTally>,
}

impl SentimentMap {
    /// Counts a sentiment at a place.
    pub fn push(&mut self, place: FeedbackPlace, sentiment: &Sentiment) {
        self.tallies.entry((place, sentiment.source())).or_default().push(sentiment);
    }

    /// Counts the sentiment of an interaction, if it has one, of a customer in a stage.
    pub fn push_interaction(&mut self, interaction: &Interaction, stage: Option<LifecycleStage>) {
        if let Some(sentiment) = interaction.sentiment() {
            self.push(FeedbackPlace { stage, touchpoint: interaction.touchpoint() }, &sentiment);
        }
    }

    /// Counts an emotion at a place.
    pub fn push_feeling(&mut self, place: FeedbackPlace, feeling: &Feeling) {
        self.tallies.entry((place, feeling.source)).or_default().push_emotion(feeling.emotion);
    }

    /// Adds what another map has counted.
    pub fn merge(&mut self, other: &Self) {
        for (&key, tally) in &other.tallies {
            self.tallies.entry(key).or_default().merge(tally);
        }
    }

    /// What a source told of a place.
    pub fn tally(&self, place: FeedbackPlace, source: Tag) -> Option<&SentimentTally> {
        self.tallies.get(&(place, source))
    }

    /// What all sources told of a place, as if they were one.
    pub fn combined(&self, place: FeedbackPlace) -> SentimentTally {
        let mut all = SentimentTally::default();
        self.tallies.iter().filter(|((at, _), _)| *at == place).for_each(|(_, tally)| all.merge(tally));
        all
    }

    /// Every place and source with what was told, in the order of the stages and touch points.
    pub fn tallies(&self) -> impl Iterator<Item = (FeedbackPlace, Tag, &SentimentTally)> {
        self.tallies.iter().map(|(&(place, source), tally)| (place, source, tally))
    }
}
