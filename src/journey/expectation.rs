use super::{JourneyError, PlaceFilter, TouchpointMap, TouchpointSummary};
use crate::interaction::Outcome;
use crate::measure::Share;
use crate::money::Currency;
use serde::{Deserialize, Serialize};

/// What is measured at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// The mean wait, in seconds.
    WaitMean,
    /// The median wait, in seconds.
    WaitMedian,
    /// The wait nine of ten stay below, in seconds.
    WaitP90,
    /// The mean handle time, in seconds.
    HandleMean,
    /// The median handle time, in seconds.
    HandleMedian,
    /// The handle time nine of ten stay below, in seconds.
    HandleP90,
    /// Transfers for each interaction.
    Transfers,
    /// The share of known outcomes that is this one.
    OutcomeShare(Outcome),
    /// The mean ease, from 0 to 1.
    Ease,
    /// The mean sentiment, from -1 to 1.
    Sentiment,
    /// The mean satisfaction, from 0 to 1.
    Satisfaction,
    /// The mean cost of serving, in whole units of the currency.
    CostMean(Currency),
}

/// What is expected of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// At most this much.
    AtMost(f64),
    /// At least this much.
    AtLeast(f64),
}

/// What customers may expect at a part of the touch point map: a metric, its target, and from how many observations on
/// it is judged.
///
/// # Example
/// ```
/// use patronage::journey::{Expectation, Judgement, Metric, PlaceFilter, Target, TouchpointMap};
///
/// let quick = Expectation::new(PlaceFilter::default(), Metric::WaitP90, Target::AtMost(60.0), 30)?;
/// assert_eq!(quick.judge(&TouchpointMap::default()), Judgement::TooFew { n: 0 });
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Expectation {
    part: PlaceFilter,
    metric: Metric,
    target: Target,
    least: u64,
}

#[derive(Deserialize)]
#[serde(rename = "Expectation", deny_unknown_fields)]
struct Fields {
    #[serde(default)]
    part: PlaceFilter,
    metric: Metric,
    target: Target,
    least: u64,
}

impl TryFrom<Fields> for Expectation {
    type Error = JourneyError;

    fn try_from(fields: Fields) -> Result<Self, JourneyError> {
        Self::new(fields.part, fields.metric, fields.target, fields.least)
    }
}

/// What was lived, held against what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Too few observations to say.
    TooFew {
        /// How many there are.
        n: u64,
    },
    /// As expected or better.
    Met {
        /// What was lived.
        actual: f64,
        /// Of how many observations.
        n: u64,
    },
    /// Worse than expected.
    Missed {
        /// What was lived.
        actual: f64,
        /// By how much it is worse than the target.
        gap: f64,
        /// Of how many observations.
        n: u64,
    },
}

impl Expectation {
    /// Expects a metric of a part of the map to reach a target, judged from `least` observations on (at least 1).
    ///
    /// # Errors
    /// [`JourneyError::Setting`] when the target is not finite, or `least` is 0.
    pub fn new(part: PlaceFilter, metric: Metric, target: Target, least: u64) -> Result<Self, JourneyError> {
        let (Target::AtMost(number) | Target::AtLeast(number)) = target;
        if !number.is_finite() {
            return Err(JourneyError::Setting { setting: "target", rule: "must be finite" });
        }
        if least == 0 {
            return Err(JourneyError::Setting { setting: "least", rule: "must be at least 1" });
        }
        Ok(Self { part, metric, target, least })
    }

    /// What is measured.
    pub const fn metric(&self) -> Metric {
        self.metric
    }

    /// Where it is measured.
    pub const fn part(&self) -> &PlaceFilter {
        &self.part
    }

    /// What is expected.
    pub const fn target(&self) -> Target {
        self.target
    }

    /// Holds the map against the expectation.
    pub fn judge(&self, map: &TouchpointMap) -> Judgement {
        self.judge_summary(&map.summary(&self.part))
    }

    /// Holds one summary against the expectation, whatever part it is of.
    pub fn judge_summary(&self, summary: &TouchpointSummary) -> Judgement {
        let (n, actual) = self.metric.of(summary);
        let Some(actual) = actual.filter(|actual| n >= self.least && actual.is_finite()) else {
            return Judgement::TooFew { n };
        };
        let gap = match self.target {
            Target::AtMost(most) => actual - most,
            Target::AtLeast(least) => least - actual,
        };
        if gap > 0.0 { Judgement::Missed { actual, gap, n } } else { Judgement::Met { actual, n } }
    }
}

impl Metric {
    /// Of how many observations the metric is known, and its value.
    #[expect(clippy::cast_precision_loss, reason = "a mean has 53 bits")]
    pub fn of(self, summary: &TouchpointSummary) -> (u64, Option<f64>) {
        let (waits, handled) = (summary.waits(), summary.handle_times());
        let p90 = Share::new(0.9).unwrap_or(Share::ONE);
        match self {
            Self::WaitMean => (waits.count(), waits.mean_seconds()),
            Self::WaitMedian => (waits.count(), waits.median().map(|found| found.seconds)),
            Self::WaitP90 => (waits.count(), waits.quantile(p90).map(|found| found.seconds)),
            Self::HandleMean => (handled.count(), handled.mean_seconds()),
            Self::HandleMedian => (handled.count(), handled.median().map(|found| found.seconds)),
            Self::HandleP90 => (handled.count(), handled.quantile(p90).map(|found| found.seconds)),
            Self::Transfers => {
                let n = summary.interactions();
                (n, (n > 0).then(|| summary.transfers() as f64 / n as f64))
            }
            Self::OutcomeShare(outcome) => {
                let (n, hits) =
                    (summary.known_outcomes(), summary.outcomes().get(&outcome).copied().unwrap_or(0));
                (n, (n > 0).then(|| hits as f64 / n as f64))
            }
            Self::Ease => summary.ease(),
            Self::Sentiment => summary.sentiment(),
            Self::Satisfaction => summary.satisfaction(),
            Self::CostMean(currency) => match summary.cost(currency) {
                Ok((n, sum)) if n > 0 => {
                    let unit = 10_u64.pow(u32::from(currency.exponent())) as f64;
                    (n, Some(sum.minor() as f64 / n as f64 / unit))
                }
                _ => (0, None),
            },
        }
    }
}
