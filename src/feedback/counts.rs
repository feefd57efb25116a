use super::{Difference, FeedbackError};
use crate::measure::{Estimate, Share};
use crate::numeric::proportion::{self, Proportion, z};
use crate::numeric::student;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// In a column: the customer saw the question and closed it.
pub(super) const DISMISSED: u8 = 254;

/// In a column: nothing came back.
pub(super) const UNANSWERED: u8 = 255;

/// The highest answer of any scale, and 0.
const PLACES: usize = 12;

/// How many answered what, and how many did not.
///
/// All of it is whole numbers, so that merging in any order gives equal bits; they saturate, because saturating addition
/// is associative and commutative, and cannot panic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// By the answer itself.
    answers: [u64; PLACES],
    dismissed: u64,
    unanswered: u64,
}

/// The mean of a group and how it varies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub(super) n: u64,
    pub(super) mean: f64,
    pub(super) variance_of_mean: f64,
}

impl Counts {
    pub(super) fn answered(&mut self, answer: u8) {
        if let Some(count) = self.answers.get_mut(usize::from(answer)) {
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn dismissed(&mut self) {
        self.dismissed = self.dismissed.saturating_add(1);
    }

    pub(super) fn unanswered(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.answers.iter_mut().zip(&other.answers) {
            *count = count.saturating_add(*more);
        }
        self.dismissed = self.dismissed.saturating_add(other.dismissed);
        self.unanswered = self.unanswered.saturating_add(other.unanswered);
    }

    /// Counts a column of answers and of the two codes above; nothing when a row is off the scale.
    pub(super) fn push_column(
        &mut self,
        column: &'static str,
        rows: &[u8],
        scale: RangeInclusive<u8>,
    ) -> Result<(), FeedbackError> {
        // Four histograms, so that equal neighbours do not wait for one another.
        let mut lanes = [[0_u64; 256]; 4];
        let mut quads = rows.chunks_exact(4);
        let add = |lane: &mut [u64; 256], row: u8| {
            if let Some(count) = lane.get_mut(usize::from(row)) {
                *count += 1;
            }
        };
        for quad in quads.by_ref() {
            for (lane, &row) in lanes.iter_mut().zip(quad) {
                add(lane, row);
            }
        }
        for (lane, &row) in lanes.iter_mut().zip(quads.remainder()) {
            add(lane, row);
        }
        let mut found = Self::default();
        for value in u8::MIN..=u8::MAX {
            let count = lanes.iter().filter_map(|lane| lane.get(usize::from(value))).sum::<u64>();
            if count == 0 {
                continue;
            }
            match value {
                DISMISSED => found.dismissed = count,
                UNANSWERED => found.unanswered = count,
                value if scale.contains(&value) => {
                    if let Some(place) = found.answers.get_mut(usize::from(value)) {
                        *place = count;
                    }
                }
                _ => return Err(off_scale(column, rows, &scale)),
            }
        }
        self.merge(&found);
        Ok(())
    }

    /// Whether every answer lies on the scale.
    pub(super) fn lie_on(&self, scale: &RangeInclusive<u8>) -> bool {
        (0_u8..).zip(&self.answers).all(|(answer, &count)| count == 0 || scale.contains(&answer))
    }

    /// How many answered something in the range.
    pub(super) fn count(&self, answers: RangeInclusive<u8>) -> u64 {
        let places = usize::from(*answers.start())..=usize::from(*answers.end());
        self.answers.get(places).unwrap_or_default().iter().fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// How many answered.
    pub(super) fn total(&self) -> u64 {
        self.answers.iter().fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// How many were asked.
    pub(super) fn asked(&self) -> u64 {
        self.total().saturating_add(self.dismissed).saturating_add(self.unanswered)
    }

    pub(super) fn dismissals(&self) -> u64 {
        self.dismissed
    }

    pub(super) fn silences(&self) -> u64 {
        self.unanswered
    }

    pub(super) fn response_rate(
        &self,
        metric: &'static str,
        level: Share,
    ) -> Result<Estimate, FeedbackError> {
        share(self.total(), self.asked(), level)?.ok_or(FeedbackError::NobodyAsked { metric })
    }

    /// The share of answers in a range, with the Wilson interval.
    pub(super) fn share(
        &self,
        metric: &'static str,
        answers: RangeInclusive<u8>,
        level: Share,
    ) -> Result<Estimate, FeedbackError> {
        share(self.count(answers), self.total(), level)?
            .ok_or(FeedbackError::NoAnswers { metric, group: "the tally" })
    }

    /// The mean answer, from an exact whole sum, and the variance of the mean.
    #[expect(clippy::cast_precision_loss, reason = "a mean and its variance have 53 bits")]
    pub(super) fn moments(
        &self,
        metric: &'static str,
        group: &'static str,
    ) -> Result<Moments, FeedbackError> {
        let n = self.total();
        if n < 2 {
            return Err(FeedbackError::TooFewAnswers { metric, group, need: 2, have: n });
        }
        if self.answers.contains(&n) {
            return Err(FeedbackError::AllTheSame { metric, group });
        }
        let sum: u128 = (0..).zip(&self.answers).map(|(answer, &count)| answer * u128::from(count)).sum();
        let mean = sum as f64 / n as f64;
        // Deviations from the mean by cell: no difference of large numbers.
        let spread: f64 = (0_u32..)
            .zip(&self.answers)
            .map(|(answer, &count)| count as f64 * (f64::from(answer) - mean).powi(2))
            .sum();
        Ok(Moments { n, mean, variance_of_mean: spread / (n as f64 - 1.0) / n as f64 })
    }

    /// The mean answer with Student's interval, cut to the scale.
    #[expect(clippy::cast_precision_loss, reason = "degrees of freedom need no more than 53 bits")]
    pub(super) fn mean(
        &self,
        metric: &'static str,
        scale: RangeInclusive<u8>,
        level: Share,
    ) -> Result<Estimate, FeedbackError> {
        let Moments { n, mean, variance_of_mean } = self.moments(metric, "the tally")?;
        let half = student::quantile(level.get(), n as f64 - 1.0) * variance_of_mean.sqrt();
        let (lowest, highest) = (f64::from(*scale.start()), f64::from(*scale.end()));
        Ok(Estimate::new(mean, (mean - half).max(lowest), (mean + half).min(highest), level, n)?)
    }
}

const FIRST: &str = "the first tally";
const SECOND: &str = "the second tally";

/// The share of answers in a range, the first less the second: Newcombe's interval and the pooled test.
pub(super) fn share_difference(
    metric: &'static str,
    (first, second): (&Counts, &Counts),
    answers: &RangeInclusive<u8>,
    level: Share,
) -> Result<Difference, FeedbackError> {
    let of = |counts: &Counts, group| {
        let found = Proportion::new(counts.count(answers.clone()), counts.total());
        found.filter(|share| share.trials() > 0).ok_or(FeedbackError::NoAnswers { metric, group })
    };
    let (one, two) = (of(first, FIRST)?, of(second, SECOND)?);
    let (seen, interval) = proportion::difference(one, two, z(level.get()));
    let n = one.trials().saturating_add(two.trials());
    let estimate = Estimate::new(seen.unwrap_or(0.0), interval.lower, interval.upper, level, n)?;
    Ok(Difference { estimate, p_value: proportion::pooled_p(one, two) })
}

/// The mean answer, the first less the second: Welch's interval, cut to what the scale allows, and test.
#[expect(clippy::cast_precision_loss, reason = "degrees of freedom need no more than 53 bits")]
pub(super) fn mean_difference(
    metric: &'static str,
    (first, second): (&Counts, &Counts),
    scale: &RangeInclusive<u8>,
    level: Share,
) -> Result<Difference, FeedbackError> {
    let (one, two) = (first.moments(metric, FIRST)?, second.moments(metric, SECOND)?);
    let variance = one.variance_of_mean + two.variance_of_mean;
    let part = |moments: Moments| moments.variance_of_mean.powi(2) / (moments.n as f64 - 1.0);
    let degrees = variance * variance / (part(one) + part(two));
    let seen = one.mean - two.mean;
    let deviation = variance.sqrt();
    let half = student::quantile(level.get(), degrees) * deviation;
    let most = f64::from(scale.end() - scale.start());
    let n = one.n.saturating_add(two.n);
    let estimate = Estimate::new(seen, (seen - half).max(-most), (seen + half).min(most), level, n)?;
    Ok(Difference { estimate, p_value: student::two_sided_p(seen / deviation, degrees) })
}

/// A share with its Wilson interval; `None` where there is no whole.
pub(super) fn share(part: u64, whole: u64, level: Share) -> Result<Option<Estimate>, FeedbackError> {
    let Some(proportion) = Proportion::new(part, whole) else { return Ok(None) };
    let Some(value) = proportion.share() else { return Ok(None) };
    let interval = proportion.wilson(z(level.get()));
    Ok(Some(Estimate::new(value, interval.lower, interval.upper, level, whole)?))
}

/// The first row off the scale, of which it is known that there is one.
fn off_scale(column: &'static str, rows: &[u8], scale: &RangeInclusive<u8>) -> FeedbackError {
    let wrong = |row: &u8| !scale.contains(row) && *row != DISMISSED && *row != UNANSWERED;
    let (row, value) = rows.iter().copied().enumerate().find(|(_, row)| wrong(row)).unwrap_or_default();
    FeedbackError::OffScale { column, row, value, lowest: *scale.start(), highest: *scale.end() }
}
