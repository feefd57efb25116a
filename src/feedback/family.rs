use super::{Difference, FeedbackError};
use crate::measure::Share;
use crate::numeric::proportion::{benjamini_hochberg, holm};
use crate::vocabulary::vocabulary;
use serde::Serialize;

vocabulary! {
    /// Which error is kept low when many differences are looked at.
    "error_rate" ErrorRate {
        /// The chance that even one difference is called real and is not: Holm's procedure. For a few differences of
        /// which each leads to an action.
        FamilyWise = "family_wise",
        /// The expected share of those called real that are not: Benjamini and Hochberg's procedure. For a long list
        /// that someone goes through.
        FalseDiscovery = "false_discovery",
    }
}

/// Owns the error rate over all differences of one look at the data: every segment, every period.
///
/// Which differences are real depends on how many were asked for, so they are asked of one family, and it answers for
/// all of them at once. Give it also those that turned out dull: leaving them out is what makes chance look like news.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::feedback::{ErrorRate, Family, NpsTally};
///
/// let month = |detractors: usize, promoters: usize| {
///     let mut tally = NpsTally::default();
///     tally.push_columns(&[vec![3; detractors], vec![8; 20], vec![10; promoters]].concat())?;
///     Ok::<_, patronage::feedback::FeedbackError>(tally)
/// };
/// let months = [("march", month(10, 40)?), ("april", month(15, 35)?), ("may", month(40, 10)?)];
///
/// let mut changes = Family::new(Share::new(0.05)?, ErrorRate::FamilyWise)?;
/// for pair in months.windows(2) {
///     let [(_, before), (name, after)] = pair else { continue };
///     changes.ask(*name, after.difference(before, Share::new(0.95)?)?);
/// }
/// let real: Vec<_> = changes.findings().into_iter().filter(|found| found.is_real()).collect();
/// assert_eq!(real.len(), 1);
/// assert_eq!((*real[0].label(), real[0].difference().estimate().value() < 0.0), ("may", true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: S. Holm, Scandinavian Journal of Statistics 6 (1979); Y. Benjamini, Y. Hochberg, JRSS B 57 (1995).
#[derive(Clone, Debug, PartialEq)]
pub struct Family<L> {
    rate: Share,
    kind: ErrorRate,
    asked: Vec<(L, Difference)>,
}

/// A difference, judged together with all others of its family.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Finding<L> {
    label: L,
    difference: Difference,
    adjusted_p_value: f64,
    real: bool,
}

impl<L> Finding<L> {
    /// What the difference is about.
    pub const fn label(&self) -> &L {
        &self.label
    }

    /// The difference; its own p-value and interval know nothing of the others.
    pub const fn difference(&self) -> Difference {
        self.difference
    }

    /// The p-value, adjusted for all differences of the family.
    pub const fn adjusted_p_value(&self) -> f64 {
        self.adjusted_p_value
    }

    /// Whether it may be called real at the error rate of the family.
    pub const fn is_real(&self) -> bool {
        self.real
    }
}

impl<L> Family<L> {
    /// A family without differences, whose error rate is to stay at or below `rate`, for example 0.05.
    ///
    /// # Errors
    /// [`FeedbackError::Setting`] when the rate is 0, where nothing could ever be found, or 1.
    pub fn new(rate: Share, kind: ErrorRate) -> Result<Self, FeedbackError> {
        if rate > Share::ZERO && rate < Share::ONE {
            Ok(Self { rate, kind, asked: Vec::new() })
        } else {
            Err(FeedbackError::Setting {
                setting: "rate",
                rule: "must lie above 0 and below 1",
                value: rate.get(),
            })
        }
    }

    /// Adds a difference that is looked at.
    pub fn ask(&mut self, label: L, difference: Difference) {
        self.asked.push((label, difference));
    }

    /// The error rate.
    pub const fn rate(&self) -> Share {
        self.rate
    }

    /// Which error it is.
    pub const fn kind(&self) -> ErrorRate {
        self.kind
    }

    /// How many differences were asked for.
    pub fn len(&self) -> usize {
        self.asked.len()
    }

    /// Whether none was asked for.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// The level at which intervals of all the differences hold together with a chance of one less the rate
    /// (Bonferroni): compute them at this level to draw them side by side.
    #[expect(clippy::cast_precision_loss, reason = "nobody asks 2^53 questions")]
    pub fn simultaneous_level(&self) -> Share {
        let asked = self.asked.len().max(1) as f64;
        Share::new(self.rate.get() / asked).unwrap_or(self.rate).complement()
    }

    /// Every difference with its adjusted p-value and whether it is real, in the order they were asked in.
    ///
    /// # Cost
    /// Sorts the p-values.
    pub fn findings(self) -> Vec<Finding<L>> {
        let p_values: Vec<f64> = self.asked.iter().map(|(_, difference)| difference.p_value).collect();
        let adjusted = match self.kind {
            ErrorRate::FamilyWise => holm(&p_values),
            ErrorRate::FalseDiscovery => benjamini_hochberg(&p_values),
        };
        let judge = |((label, difference), adjusted_p_value): ((L, Difference), f64)| Finding {
            label,
            difference,
            adjusted_p_value,
            real: adjusted_p_value <= self.rate.get(),
        };
        self.asked.into_iter().zip(adjusted).map(judge).collect()
    }
}
