use super::counts::{self, Counts, mean_difference, share_difference};
use super::nps_tally::points;
use super::trinomial::{self, Trinomial};
use super::{Answer, Difference, FeedbackError};
use crate::interaction::{Effort, EffortDirection};
use crate::measure::{Estimate, Share};
use crate::numeric::proportion::z;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

const METRIC: &str = "ces";

vocabulary! {
    /// What is called the customer effort score; vendors differ, so there is no default.
    ///
    /// Shares count the easy side, whichever end of the scale it is.
    "ces.convention" CesConvention {
        /// The mean answer in points of the scale as it was asked: where high means hard, low is good. The score of the
        /// book and of most tools.
        Mean = "mean",
        /// The share of the 2 easiest answers less that of the 3 hardest, of 7 points; from -100 to 100.
        NetEasy = "net_easy",
        /// The share of the 2 easiest of 5 points.
        TopTwoOfFive = "top_two_of_five",
        /// The share that at least somewhat agrees that it was easy: the 3 easiest of 7 points.
        SomewhatAgree = "somewhat_agree",
    }
}

impl CesConvention {
    /// How many points the scale must have, where the convention says so.
    const fn needs(self) -> Option<u8> {
        match self {
            Self::Mean => None,
            Self::NetEasy | Self::SomewhatAgree => Some(7),
            Self::TopTwoOfFive => Some(5),
        }
    }
}

/// How effort was asked: how many points, and what a high answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "ScaleFields")]
pub struct EffortScale {
    points: u8,
    direction: EffortDirection,
}

#[derive(Deserialize)]
struct ScaleFields {
    points: u8,
    direction: EffortDirection,
}

impl TryFrom<ScaleFields> for EffortScale {
    type Error = ValidationError;

    fn try_from(ScaleFields { points, direction }: ScaleFields) -> Result<Self, ValidationError> {
        Self::new(points, direction)
    }
}

impl EffortScale {
    /// A scale from 1 to 3 to 11 points.
    ///
    /// # Errors
    /// [`ValidationError`] when it has fewer or more.
    pub fn new(points: u8, direction: EffortDirection) -> Result<Self, ValidationError> {
        Effort::new(1, points, direction).map(|_| Self { points, direction })
    }

    /// The scale that an answer was given on.
    pub const fn of(effort: &Effort) -> Self {
        Self { points: effort.scale(), direction: effort.direction() }
    }

    /// The highest answer.
    pub const fn points(self) -> u8 {
        self.points
    }

    /// What a high answer means.
    pub const fn direction(self) -> EffortDirection {
        self.direction
    }

    const fn answers(self) -> RangeInclusive<u8> {
        1..=self.points
    }

    /// So many of the easiest answers.
    const fn easiest(self, many: u8) -> RangeInclusive<u8> {
        match self.direction {
            EffortDirection::EasyIsHigh => self.points + 1 - many..=self.points,
            EffortDirection::HardIsHigh => 1..=many,
        }
    }

    /// So many of the hardest answers.
    const fn hardest(self, many: u8) -> RangeInclusive<u8> {
        match self.direction {
            EffortDirection::EasyIsHigh => 1..=many,
            EffortDirection::HardIsHigh => self.points + 1 - many..=self.points,
        }
    }
}

impl fmt::Display for EffortScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} points, {}", self.points, self.direction)
    }
}

/// Counts answers to one effort question, and says how easy it was by a named convention, and how sure that is.
///
/// Scale and direction belong to the tally: answers of another question are refused, never averaged with it.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::feedback::{Answer, CesConvention, CesTally, EffortScale, FeedbackError};
/// use patronage::interaction::{Effort, EffortDirection};
///
/// let mut tally = CesTally::new(EffortScale::new(7, EffortDirection::EasyIsHigh)?);
/// tally.push_columns(&[7, 6, 6, 5, 7, 2, 4, 6, 7, 3, CesTally::DISMISSED])?;
/// let level = Share::new(0.95)?;
/// assert_eq!(tally.score(CesConvention::Mean, level)?.value(), 5.3);
/// assert_eq!(tally.score(CesConvention::SomewhatAgree, level)?.value(), 0.7);
/// assert_eq!(
///     format!("{:.1}", tally.score(CesConvention::NetEasy, level)?),
///     "40.0 [-15.3, 75.3] (95.0 %, n = 10)"
/// );
///
/// let other = Effort::new(7, 7, EffortDirection::HardIsHigh)?;
/// assert!(matches!(
///     tally.push(Answer::Answered(other)),
///     Err(FeedbackError::DifferentEffortScale { .. })
/// ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: M. Dixon, K. Freeman, N. Toman, "Stop trying to delight your customers", Harvard Business Review 88 (2010).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct CesTally {
    scale: EffortScale,
    counts: Counts,
}

#[derive(Deserialize)]
struct Fields {
    scale: EffortScale,
    counts: Counts,
}

impl TryFrom<Fields> for CesTally {
    type Error = ValidationError;

    fn try_from(Fields { scale, counts }: Fields) -> Result<Self, ValidationError> {
        if counts.lie_on(&scale.answers()) {
            Ok(Self { scale, counts })
        } else {
            Err(ValidationError::new("ces.counts", "must lie on their scale", scale))
        }
    }
}

impl CesTally {
    /// In a column: the customer saw the question and closed it.
    pub const DISMISSED: u8 = counts::DISMISSED;

    /// In a column: the request was delivered and nothing came back.
    pub const UNANSWERED: u8 = counts::UNANSWERED;

    /// Begins to count answers on a scale.
    pub fn new(scale: EffortScale) -> Self {
        Self { scale, counts: Counts::default() }
    }

    /// The scale and its direction.
    pub const fn scale(&self) -> EffortScale {
        self.scale
    }

    fn on(&self, found: EffortScale) -> Result<(), FeedbackError> {
        if found == self.scale {
            Ok(())
        } else {
            Err(FeedbackError::DifferentEffortScale { expected: self.scale, found })
        }
    }

    fn fits(&self, convention: CesConvention) -> Result<(), FeedbackError> {
        let found = self.scale.points;
        match convention.needs() {
            Some(needed) if needed != found => {
                Err(FeedbackError::ConventionNeedsScale { convention, needed, found })
            }
            _ => Ok(()),
        }
    }

    /// Counts what came back for one request.
    ///
    /// # Errors
    /// [`FeedbackError::DifferentEffortScale`] when the answer is on another scale or the other way round; it is not
    /// counted.
    pub fn push(&mut self, answer: Answer<Effort>) -> Result<(), FeedbackError> {
        match answer {
            Answer::Answered(effort) => {
                self.on(EffortScale::of(&effort))?;
                self.counts.answered(effort.answer());
            }
            Answer::Dismissed => self.counts.dismissed(),
            Answer::Unanswered => self.counts.unanswered(),
        }
        Ok(())
    }

    /// Counts a column: answers from 1, [`DISMISSED`](Self::DISMISSED) and [`UNANSWERED`](Self::UNANSWERED).
    ///
    /// # Errors
    /// [`FeedbackError::OffScale`] with the first row that is none of them; then nothing of the column is counted.
    pub fn push_columns(&mut self, answers: &[u8]) -> Result<(), FeedbackError> {
        self.counts.push_column("effort.answer", answers, self.scale.answers())
    }

    /// Adds the answers of another tally.
    ///
    /// # Errors
    /// [`FeedbackError::DifferentEffortScale`]; then nothing is added.
    pub fn merge(&mut self, other: &Self) -> Result<(), FeedbackError> {
        self.on(other.scale)?;
        self.counts.merge(&other.counts);
        Ok(())
    }

    /// How many answered.
    pub fn answered(&self) -> u64 {
        self.counts.total()
    }

    /// How many closed the question.
    pub fn dismissed(&self) -> u64 {
        self.counts.dismissals()
    }

    /// How many requests nothing came back for.
    pub fn unanswered(&self) -> u64 {
        self.counts.silences()
    }

    /// How many gave an answer; none gave one off the scale.
    pub fn count(&self, answer: u8) -> u64 {
        self.counts.count(answer..=answer)
    }

    /// The share that gave this answer, with its Wilson interval.
    ///
    /// # Errors
    /// [`FeedbackError::NoAnswers`] when nobody answered, [`FeedbackError::DifferentEffortScale`].
    pub fn share(&self, answer: Effort, level: Share) -> Result<Estimate, FeedbackError> {
        self.on(EffortScale::of(&answer))?;
        self.counts.share(METRIC, answer.answer()..=answer.answer(), level)
    }

    fn net_easy(&self, group: &'static str) -> Result<Trinomial, FeedbackError> {
        let (easy, hard) = (self.scale.easiest(2), self.scale.hardest(3));
        Trinomial::new(self.counts.count(easy), self.counts.count(hard), self.answered())
            .ok_or(FeedbackError::NoAnswers { metric: METRIC, group })
    }

    /// The customer effort score by a convention, with its interval: Student's for the mean, the score interval for
    /// the net share (in points from -100 to 100), Wilson's for shares (from 0 to 1).
    ///
    /// # Errors
    /// [`FeedbackError::ConventionNeedsScale`], [`FeedbackError::NoAnswers`]; for the mean
    /// [`FeedbackError::TooFewAnswers`] below two and [`FeedbackError::AllTheSame`] when they do not differ.
    pub fn score(&self, convention: CesConvention, level: Share) -> Result<Estimate, FeedbackError> {
        self.fits(convention)?;
        match convention {
            CesConvention::Mean => self.counts.mean(METRIC, self.scale.answers(), level),
            CesConvention::NetEasy => {
                let trinomial = self.net_easy("the tally")?;
                points(trinomial.net(), trinomial.score(z(level.get())), level, self.answered())
            }
            CesConvention::TopTwoOfFive => self.counts.share(METRIC, self.scale.easiest(2), level),
            CesConvention::SomewhatAgree => self.counts.share(METRIC, self.scale.easiest(3), level),
        }
    }

    /// The share of delivered requests that were answered, with its Wilson interval; n is the requests.
    ///
    /// # Errors
    /// [`FeedbackError::NobodyAsked`] when the tally is empty.
    pub fn response_rate(&self, level: Share) -> Result<Estimate, FeedbackError> {
        self.counts.response_rate(METRIC, level)
    }

    /// By how much the score is above that of another period or group, in the unit of the convention: Welch's interval
    /// and test for the mean, that of [`NpsTally::difference`](super::NpsTally::difference) for the net share,
    /// Newcombe's interval and the pooled test for shares.
    ///
    /// # Errors
    /// Those of [`score`](Self::score), and [`FeedbackError::DifferentEffortScale`].
    pub fn difference(
        &self,
        other: &Self,
        convention: CesConvention,
        level: Share,
    ) -> Result<Difference, FeedbackError> {
        self.on(other.scale)?;
        self.fits(convention)?;
        let both = (&self.counts, &other.counts);
        match convention {
            CesConvention::Mean => mean_difference(METRIC, both, &self.scale.answers(), level),
            CesConvention::NetEasy => {
                let (first, second) =
                    (self.net_easy("the first tally")?, other.net_easy("the second tally")?);
                let (seen, interval, p_value) = trinomial::difference(first, second, z(level.get()));
                let n = self.answered().saturating_add(other.answered());
                Ok(Difference { estimate: points(seen, interval, level, n)?, p_value })
            }
            CesConvention::TopTwoOfFive => share_difference(METRIC, both, &self.scale.easiest(2), level),
            CesConvention::SomewhatAgree => share_difference(METRIC, both, &self.scale.easiest(3), level),
        }
    }
}
