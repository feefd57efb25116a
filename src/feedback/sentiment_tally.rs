use super::counts::share;
use super::{Emotion, FeedbackError};
use crate::interaction::Sentiment;
use crate::measure::{Estimate, Share};
use crate::numeric::student;
use crate::vocabulary::vocabulary;
use std::collections::BTreeMap;

const METRIC: &str = "sentiment";

/// Scores and confidences are kept in millionths, so that sums are whole numbers.
const UNIT: f64 = 1e6;

vocabulary! {
    /// What a sentiment counts for in a mean; there is no default.
    "sentiment.weighting" Weighting {
        /// All alike.
        Equal = "equal",
        /// As much as its source is sure of it.
        Confidence = "confidence",
    }
}

/// The sums that a weighted mean and its variance need, of scores `x` and weights `w`, exact to the last bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    w: i128,
    wx: i128,
    ww: i128,
    wwx: i128,
    wwxx: i128,
}

impl Sums {
    fn push(&mut self, x: i128, w: i128) {
        self.merge(&Self { w, wx: w * x, ww: w * w, wwx: w * w * x, wwxx: w * w * x * x });
    }

    fn merge(&mut self, other: &Self) {
        // No sum comes near the end of its type: a row adds at most 1e24.
        self.w = self.w.saturating_add(other.w);
        self.wx = self.wx.saturating_add(other.wx);
        self.ww = self.ww.saturating_add(other.ww);
        self.wwx = self.wwx.saturating_add(other.wwx);
        self.wwxx = self.wwxx.saturating_add(other.wwxx);
    }
}

/// Counts the sentiments and emotions of one place, and says how customers feel there and how sure that is.
///
/// `merge` is associative and commutative. Scores are kept to a millionth.
///
/// # Example
/// ```
/// use patronage::feedback::{SentimentTally, Weighting};
/// use patronage::interaction::Sentiment;
/// use patronage::{Share, Tag};
///
/// let (level, source) = (Share::new(0.95)?, Tag::literal("agent_note"));
/// let mut tally = SentimentTally::default();
/// for (score, confidence) in [(-0.8, 1.0), (-0.4, 1.0), (0.6, 0.5)] {
///     tally.push(&Sentiment::new(score, source, Share::new(confidence)?)?);
/// }
/// let (equal, sure) = (tally.mean(Weighting::Equal, level)?, tally.mean(Weighting::Confidence, level)?);
/// assert!((equal.value() + 0.2).abs() < 1e-12);
/// assert!((sure.value() + 0.36).abs() < 1e-12); // (-0.8 - 0.4 + 0.3) / 2.5
/// assert_eq!(sure.n(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentimentTally {
    count: u64,
    negative: u64,
    equal: Sums,
    sure: Sums,
    emotions: BTreeMap<Emotion, u64>,
}

/// A number from -1 to 1 in millionths.
#[expect(clippy::cast_possible_truncation, reason = "at most a million")]
fn units(number: f64) -> i128 {
    i128::from((number * UNIT).round() as i64)
}

impl SentimentTally {
    /// Counts a sentiment. Its source is the caller's to keep apart, as [`SentimentMap`](super::SentimentMap) does.
    pub fn push(&mut self, sentiment: &Sentiment) {
        let score = units(sentiment.score());
        self.count = self.count.saturating_add(1);
        self.negative = self.negative.saturating_add((score < 0).into());
        self.equal.push(score, 1);
        self.sure.push(score, units(sentiment.confidence().get()));
    }

    /// Counts an emotion.
    pub fn push_emotion(&mut self, emotion: Emotion) {
        let count = self.emotions.entry(emotion).or_default();
        *count = count.saturating_add(1);
    }

    /// Adds what another tally has counted.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.negative = self.negative.saturating_add(other.negative);
        self.equal.merge(&other.equal);
        self.sure.merge(&other.sure);
        for (&emotion, &more) in &other.emotions {
            let count = self.emotions.entry(emotion).or_default();
            *count = count.saturating_add(more);
        }
    }

    /// How many sentiments there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// How many emotions there are.
    pub fn emotion_count(&self) -> u64 {
        self.emotions.values().fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// Every emotion that was seen, and how often.
    pub fn emotions(&self) -> impl Iterator<Item = (Emotion, u64)> {
        self.emotions.iter().map(|(&emotion, &count)| (emotion, count))
    }

    /// The mean sentiment from -1 to 1, with Student's interval cut to that range; n is the sentiments.
    ///
    /// # Errors
    /// [`FeedbackError::TooFewAnswers`] below two, [`FeedbackError::AllTheSame`] when those with weight do not differ,
    /// [`FeedbackError::NoConfidence`] when none has weight.
    ///
    /// # Formula
    /// ```text
    /// m = Σ wx / Σ w        variance of m = n / (n - 1) Σ w² (x - m)² / (Σ w)²
    /// ```
    ///
    /// With equal weights this is the usual s² / n.
    ///
    /// Source: D. F. Gatz, L. Smith, "The standard error of a weighted mean concentration", Atmospheric Environment 29
    /// (1995), after W. G. Cochran, "Sampling techniques" (1977).
    #[expect(clippy::cast_precision_loss, reason = "a mean and its variance have 53 bits")]
    pub fn mean(&self, weighting: Weighting, level: Share) -> Result<Estimate, FeedbackError> {
        let group = "the tally";
        if self.count < 2 {
            return Err(FeedbackError::TooFewAnswers { metric: METRIC, group, need: 2, have: self.count });
        }
        let sums = match weighting {
            Weighting::Equal => &self.equal,
            Weighting::Confidence => &self.sure,
        };
        if sums.w == 0 {
            return Err(FeedbackError::NoConfidence { metric: METRIC });
        }
        let (n, w) = (self.count as f64, sums.w as f64);
        let mean = sums.wx as f64 / w / UNIT;
        // Σ w² (x - c)² with c the mean to a whole unit is exact; c is less than a unit off.
        let c = sums.wx / sums.w;
        let square = |number: i128| number.saturating_mul(number);
        let around = sums
            .wwxx
            .saturating_sub(sums.wwx.saturating_mul(2 * c))
            .saturating_add(square(c).saturating_mul(sums.ww));
        if around <= 0 {
            return Err(FeedbackError::AllTheSame { metric: METRIC, group });
        }
        let deviation = (n / (n - 1.0) * around as f64).sqrt() / w / UNIT;
        let half = student::quantile(level.get(), n - 1.0) * deviation;
        Ok(Estimate::new(mean, (mean - half).max(-1.0), (mean + half).min(1.0), level, self.count)?)
    }

    /// The share of sentiments below zero, with its Wilson interval.
    ///
    /// # Errors
    /// [`FeedbackError::NoAnswers`] when there is no sentiment.
    pub fn negative(&self, level: Share) -> Result<Estimate, FeedbackError> {
        let empty = FeedbackError::NoAnswers { metric: METRIC, group: "the tally" };
        share(self.negative, self.count, level)?.ok_or(empty)
    }

    /// The share of an emotion among all emotions that were told, with its Wilson interval.
    ///
    /// # Errors
    /// [`FeedbackError::NoAnswers`] when no emotion was told.
    pub fn emotion(&self, emotion: Emotion, level: Share) -> Result<Estimate, FeedbackError> {
        let seen = self.emotions.get(&emotion).copied().unwrap_or(0);
        let empty = FeedbackError::NoAnswers { metric: "emotion", group: "the tally" };
        share(seen, self.emotion_count(), level)?.ok_or(empty)
    }
}
