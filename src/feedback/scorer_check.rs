use super::counts::share;
use super::{FeedbackError, SentimentScorer};
use crate::interaction::Sentiment;
use crate::measure::{Estimate, Share};
use crate::vocabulary::vocabulary;
use serde::Serialize;

const METRIC: &str = "scorer_check";

vocabulary! {
    /// Which way a sentiment points.
    "polarity" Polarity {
        /// Below the neutral band.
        Negative = "negative",
        /// Within the neutral band.
        Neutral = "neutral",
        /// Above the neutral band.
        Positive = "positive",
    }
}

impl Polarity {
    /// The polarity of a sentiment whose neutral band reaches from `-band` to `band`, without its ends.
    ///
    /// # Example
    /// ```
    /// use patronage::feedback::Polarity;
    /// use patronage::interaction::Sentiment;
    /// use patronage::{Share, Tag};
    ///
    /// let band = Share::new(0.05)?;
    /// let of = |score| Ok::<_, patronage::ValidationError>(Polarity::of(
    ///     &Sentiment::new(score, Tag::literal("x"), Share::ONE)?,
    ///     band,
    /// ));
    /// assert_eq!([of(-0.05)?, of(0.04)?, of(0.05)?], [
    ///     Polarity::Negative,
    ///     Polarity::Neutral,
    ///     Polarity::Positive
    /// ]);
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    pub fn of(sentiment: &Sentiment, band: Share) -> Self {
        let (score, band) = (sentiment.score(), band.get());
        if score == 0.0 || score.abs() < band {
            Self::Neutral
        } else if score > 0.0 {
            Self::Positive
        } else {
            Self::Negative
        }
    }

    const fn place(self) -> usize {
        match self {
            Self::Negative => 0,
            Self::Neutral => 1,
            Self::Positive => 2,
        }
    }
}

/// Says whether a scorer may be believed: how often it is right on texts that people labelled, against always giving
/// the most frequent label.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::feedback::{Polarity, ScorerCheck};
///
/// let mut check = ScorerCheck::default();
/// for (said, truth) in [
///     (Some(Polarity::Positive), Polarity::Negative),
///     (Some(Polarity::Negative), Polarity::Negative),
///     (None, Polarity::Negative),
///     (Some(Polarity::Positive), Polarity::Positive),
/// ] {
///     check.push(truth, said);
/// }
/// let level = Share::new(0.95)?;
/// // A text without an answer counts as not right.
/// assert_eq!(check.accuracy(level)?.value(), 0.5);
/// assert_eq!(check.baseline()?, Share::new(0.75)?);
/// assert!(!check.beats_baseline(level)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScorerCheck {
    /// By truth, then by what was said; the last is nothing.
    said: [[u64; 4]; 3],
}

impl ScorerCheck {
    /// Scores labelled texts.
    ///
    /// # Arguments
    /// `band`: sentiments nearer to 0 than this count as neutral (VADER's authors use 0.05).
    ///
    /// # Errors
    /// The scorer's own, with the first text that it fails at.
    pub fn run<'a, S: SentimentScorer>(
        scorer: &S,
        labelled: impl IntoIterator<Item = (&'a str, Polarity)>,
        band: Share,
    ) -> Result<Self, S::Error> {
        let mut check = Self::default();
        for (text, truth) in labelled {
            let said = scorer.sentiment(text)?;
            check.push(truth, said.map(|sentiment| Polarity::of(&sentiment, band)));
        }
        Ok(check)
    }

    /// Counts what a text is and what the scorer said it is.
    pub fn push(&mut self, truth: Polarity, said: Option<Polarity>) {
        let place = said.map_or(3, Polarity::place);
        if let Some(count) = self.said.get_mut(truth.place()).and_then(|row| row.get_mut(place)) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds other texts.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.said.as_flattened_mut().iter_mut().zip(other.said.as_flattened()) {
            *count = count.saturating_add(*more);
        }
    }

    /// How many texts of a polarity there are.
    pub fn texts(&self, truth: Polarity) -> u64 {
        self.said
            .get(truth.place())
            .map_or(0, |row| row.iter().fold(0, |sum, &count| sum.saturating_add(count)))
    }

    fn all(&self) -> u64 {
        Polarity::ALL.iter().fold(0, |sum, &truth| sum.saturating_add(self.texts(truth)))
    }

    fn right(&self, truth: Polarity) -> u64 {
        self.said.get(truth.place()).and_then(|row| row.get(truth.place())).copied().unwrap_or(0)
    }

    /// How often the scorer is right, with the Wilson interval. A text it says nothing about counts as wrong.
    ///
    /// # Errors
    /// [`FeedbackError::NoAnswers`] without texts.
    pub fn accuracy(&self, level: Share) -> Result<Estimate, FeedbackError> {
        let right = Polarity::ALL.iter().fold(0_u64, |sum, &truth| sum.saturating_add(self.right(truth)));
        share(right, self.all(), level)?.ok_or(EMPTY)
    }

    /// How many of the texts of a polarity the scorer finds, with the Wilson interval.
    ///
    /// # Errors
    /// [`FeedbackError::NoAnswers`] without texts of that polarity.
    pub fn recall(&self, truth: Polarity, level: Share) -> Result<Estimate, FeedbackError> {
        share(self.right(truth), self.texts(truth), level)?.ok_or(EMPTY)
    }

    /// How often it would be right to always give the most frequent label.
    ///
    /// # Errors
    /// [`FeedbackError::NoAnswers`] without texts.
    pub fn baseline(&self) -> Result<Share, FeedbackError> {
        let most = Polarity::ALL.iter().map(|&truth| self.texts(truth)).max().unwrap_or(0);
        Share::of(most, self.all())?.ok_or(EMPTY)
    }

    /// Whether even the lower end of the accuracy is above the baseline. If not, do not use the scorer.
    ///
    /// # Errors
    /// [`FeedbackError::NoAnswers`] without texts.
    pub fn beats_baseline(&self, level: Share) -> Result<bool, FeedbackError> {
        Ok(self.accuracy(level)?.lower() > self.baseline()?.get())
    }
}

const EMPTY: FeedbackError = FeedbackError::NoAnswers { metric: METRIC, group: "the labelled texts" };
