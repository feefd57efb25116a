use super::counts::{self, Counts, mean_difference, share_difference};
use super::{Answer, Difference, FeedbackError};
use crate::measure::{Estimate, Share};
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

const METRIC: &str = "csat";

vocabulary! {
    /// How many points a question of satisfaction has; the highest is "very satisfied".
    "csat.scale" CsatScale {
        /// 1 to 5.
        Five = "5",
        /// 1 to 7.
        Seven = "7",
    }
}

impl CsatScale {
    /// The highest answer.
    pub const fn points(self) -> u8 {
        match self {
            Self::Five => 5,
            Self::Seven => 7,
        }
    }

    const fn answers(self) -> RangeInclusive<u8> {
        1..=self.points()
    }

    /// The two highest answers.
    const fn top(self) -> RangeInclusive<u8> {
        self.points() - 1..=self.points()
    }
}

/// How satisfied a customer said to be, with the scale of the question.
///
/// # Example
/// ```
/// use patronage::feedback::{CsatAnswer, CsatScale};
///
/// assert!(CsatAnswer::new(4, CsatScale::Five)?.is_satisfied());
/// assert!(!CsatAnswer::new(4, CsatScale::Seven)?.is_satisfied());
/// let refused = CsatAnswer::new(6, CsatScale::Five).unwrap_err();
/// assert_eq!(refused.to_string(), "csat.answer: must lie on its scale, got `6 of 5`");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "AnswerFields")]
pub struct CsatAnswer {
    answer: u8,
    scale: CsatScale,
}

#[derive(Deserialize)]
struct AnswerFields {
    answer: u8,
    scale: CsatScale,
}

impl TryFrom<AnswerFields> for CsatAnswer {
    type Error = ValidationError;

    fn try_from(AnswerFields { answer, scale }: AnswerFields) -> Result<Self, ValidationError> {
        Self::new(answer, scale)
    }
}

impl CsatAnswer {
    /// An answer from 1 to the points of the scale.
    ///
    /// # Errors
    /// [`ValidationError`] when it is off the scale.
    pub fn new(answer: u8, scale: CsatScale) -> Result<Self, ValidationError> {
        if scale.answers().contains(&answer) {
            Ok(Self { answer, scale })
        } else {
            let shown = format!("{answer} of {scale}");
            Err(ValidationError::new("csat.answer", "must lie on its scale", shown))
        }
    }

    /// The answer, from 1 to the points of the scale.
    pub const fn answer(self) -> u8 {
        self.answer
    }

    /// The scale of the question.
    pub const fn scale(self) -> CsatScale {
        self.scale
    }

    /// Whether it is one of the two highest answers.
    pub const fn is_satisfied(self) -> bool {
        self.answer + 1 >= self.scale.points()
    }
}

/// Counts answers to "how satisfied are you?" on one scale, and says the share of the satisfied and how sure it is.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::feedback::{CsatScale, CsatTally};
///
/// let mut tally = CsatTally::new(CsatScale::Five);
/// tally.push_columns(&[5, 5, 4, 4, 4, 3, 2, 5, 4, 1, CsatTally::UNANSWERED])?;
/// let level = Share::new(0.95)?;
/// assert_eq!(format!("{:.2}", tally.satisfied(level)?), "0.70 [0.40, 0.89] (95.0 %, n = 10)");
/// assert_eq!(tally.mean(level)?.value(), 3.7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct CsatTally {
    scale: CsatScale,
    counts: Counts,
}

#[derive(Deserialize)]
struct Fields {
    scale: CsatScale,
    counts: Counts,
}

impl TryFrom<Fields> for CsatTally {
    type Error = ValidationError;

    fn try_from(Fields { scale, counts }: Fields) -> Result<Self, ValidationError> {
        if counts.lie_on(&scale.answers()) {
            Ok(Self { scale, counts })
        } else {
            Err(ValidationError::new("csat.counts", "must lie on their scale", scale))
        }
    }
}

impl CsatTally {
    /// In a column: the customer saw the question and closed it.
    pub const DISMISSED: u8 = counts::DISMISSED;

    /// In a column: the request was delivered and nothing came back.
    pub const UNANSWERED: u8 = counts::UNANSWERED;

    /// Begins to count answers on a scale.
    pub fn new(scale: CsatScale) -> Self {
        Self { scale, counts: Counts::default() }
    }

    /// The scale.
    pub const fn scale(&self) -> CsatScale {
        self.scale
    }

    fn on(&self, found: CsatScale) -> Result<(), FeedbackError> {
        if found == self.scale {
            Ok(())
        } else {
            Err(FeedbackError::DifferentCsatScale { expected: self.scale, found })
        }
    }

    /// Counts what came back for one request.
    ///
    /// # Errors
    /// [`FeedbackError::DifferentCsatScale`] when the answer is on another scale; it is not counted.
    pub fn push(&mut self, answer: Answer<CsatAnswer>) -> Result<(), FeedbackError> {
        match answer {
            Answer::Answered(answer) => {
                self.on(answer.scale)?;
                self.counts.answered(answer.answer);
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
        self.counts.push_column("csat.answer", answers, self.scale.answers())
    }

    /// Adds the answers of another tally.
    ///
    /// # Errors
    /// [`FeedbackError::DifferentCsatScale`]; then nothing is added.
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

    /// The share of the satisfied, those with one of the two highest answers, with its Wilson interval.
    ///
    /// # Errors
    /// [`FeedbackError::NoAnswers`] when nobody answered.
    pub fn satisfied(&self, level: Share) -> Result<Estimate, FeedbackError> {
        self.counts.share(METRIC, self.scale.top(), level)
    }

    /// The share that gave this answer, with its Wilson interval.
    ///
    /// # Errors
    /// [`FeedbackError::NoAnswers`] when nobody answered.
    pub fn share(&self, answer: CsatAnswer, level: Share) -> Result<Estimate, FeedbackError> {
        self.on(answer.scale)?;
        self.counts.share(METRIC, answer.answer..=answer.answer, level)
    }

    /// The mean answer, with Student's interval cut to the scale.
    ///
    /// # Errors
    /// [`FeedbackError::TooFewAnswers`] below two, [`FeedbackError::AllTheSame`] when they do not differ: then nothing
    /// says how sure the mean is.
    pub fn mean(&self, level: Share) -> Result<Estimate, FeedbackError> {
        self.counts.mean(METRIC, self.scale.answers(), level)
    }

    /// The share of delivered requests that were answered, with its Wilson interval; n is the requests.
    ///
    /// # Errors
    /// [`FeedbackError::NobodyAsked`] when the tally is empty.
    pub fn response_rate(&self, level: Share) -> Result<Estimate, FeedbackError> {
        self.counts.response_rate(METRIC, level)
    }

    /// By how much the share of the satisfied is above that of another period or group (negative: below): Newcombe's
    /// interval and the pooled test.
    ///
    /// # Errors
    /// [`FeedbackError::NoAnswers`] naming the tally without answers, [`FeedbackError::DifferentCsatScale`].
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::feedback::{CsatScale, CsatTally};
    ///
    /// let (mut shop, mut web) = (CsatTally::new(CsatScale::Five), CsatTally::new(CsatScale::Five));
    /// shop.push_columns(&[[5; 56].as_slice(), &[2; 14]].concat())?;
    /// web.push_columns(&[[4; 48].as_slice(), &[3; 32]].concat())?;
    /// let difference = shop.difference(&web, Share::new(0.95)?)?;
    /// assert_eq!(format!("{:.4}", difference.estimate()), "0.2000 [0.0524, 0.3339] (95.0 %, n = 150)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890.
    pub fn difference(&self, other: &Self, level: Share) -> Result<Difference, FeedbackError> {
        self.on(other.scale)?;
        share_difference(METRIC, (&self.counts, &other.counts), &self.scale.top(), level)
    }

    /// By how much the mean answer is above that of another period or group: Welch's interval and test.
    ///
    /// # Errors
    /// Those of [`mean`](Self::mean), and [`FeedbackError::DifferentCsatScale`].
    pub fn mean_difference(&self, other: &Self, level: Share) -> Result<Difference, FeedbackError> {
        self.on(other.scale)?;
        mean_difference(METRIC, (&self.counts, &other.counts), &self.scale.answers(), level)
    }
}
