use super::{LoyaltyError, Relationship, SurvivalTable};
use crate::measure::{Estimate, Share};
use crate::numeric::proportion;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// On which scale the interval of a survival curve is symmetric.
    "survival.interval" SurvivalInterval {
        /// On that of ln(-ln S), the default: never leaves 0 to 1. What lifelines does.
        LogLog = "log_log",
        /// On that of ln S, cut at 1. What R's `survfit` does by default.
        Log = "log",
    }
}

/// How a survival curve is made: the level of its intervals (95 %) and their kind (log-log).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SurvivalOptions {
    /// How often an interval encloses the truth.
    pub level: Share,
    /// On which scale it is made.
    pub interval: SurvivalInterval,
}

impl Default for SurvivalOptions {
    fn default() -> Self {
        Self { level: Share::new(0.95).unwrap_or(Share::ONE), interval: SurvivalInterval::LogLog }
    }
}

impl SurvivalOptions {
    /// The same with intervals of another level.
    #[must_use]
    pub const fn level(self, level: Share) -> Self {
        Self { level, ..self }
    }

    /// The same with intervals of another kind.
    #[must_use]
    pub const fn interval(self, interval: SurvivalInterval) -> Self {
        Self { interval, ..self }
    }
}

/// A day on which customers left, and the share that is still there after it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SurvivalStep {
    /// The day.
    pub day: u32,
    /// How many were there when it began.
    pub at_risk: u64,
    /// How many of them left on it.
    pub ended: u64,
    /// The share still there after it.
    pub survival: f64,
    /// Greenwood's standard error of the share; 0 where nobody is left.
    pub standard_error: f64,
    /// The lower end of its interval.
    pub lower: f64,
    /// The upper end of its interval.
    pub upper: f64,
}

/// The first day by which no more than a share of customers is left, with an interval. An end that the observation does
/// not reach is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lifetime {
    /// The day itself.
    pub day: Option<u32>,
    /// The lower end of its interval.
    pub lower: Option<u32>,
    /// The upper end of its interval.
    pub upper: Option<u32>,
}

/// Says which share of customers is still there after so many days: the Kaplan-Meier estimate with Greenwood's intervals,
/// a step function that also serves as the retention curve.
///
/// The share of customers that has left by now is no estimate of that: those who came last week had no time to leave.
///
/// # Formula
/// ```text
/// S(t) = product over days u <= t of (1 - d_u / n_u),   Var S = S^2 V,   V = sum of d_u / (n_u (n_u - d_u))
/// log-log: S^exp(-+ z sqrt(V) / ln S);   log: S exp(-+ z sqrt(V)), at most 1
/// ```
/// d leave of n who are there. Before anybody left the interval is the point 1, and where everybody has left Greenwood's
/// variance says nothing: the lower end is 0 and the upper one stays as it was.
///
/// # Cost
/// One step for each day of the longest spell.
///
/// Source: E. L. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958); J. D.
/// Kalbfleisch, R. L. Prentice, "The statistical analysis of failure time data" (1980) for the log-log interval; R.
/// Brookmeyer, J. Crowley, "A confidence interval for the median survival time", Biometrics 38 (1982).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SurvivalCurve {
    relationship: Relationship,
    options: SurvivalOptions,
    n: u64,
    last_day: u32,
    steps: Vec<SurvivalStep>,
}

#[expect(clippy::cast_precision_loss, reason = "numbers of customers are below 2^53")]
const fn number(count: u64) -> f64 {
    count as f64
}

impl SurvivalCurve {
    pub(super) fn of(table: &SurvivalTable, options: &SurvivalOptions) -> Result<Self, LoyaltyError> {
        let z = proportion::z(options.level.get());
        let (mut survival, mut greenwood, mut upper) = (1.0, 0.0, 1.0_f64);
        let (mut steps, mut last_day) = (Vec::new(), None);
        for (day, count) in (0_u32..).zip(table.days()) {
            last_day = Some(day);
            if count.ended == 0 {
                continue;
            }
            let (at_risk, ended) = (number(count.at_risk), number(count.ended));
            survival *= (at_risk - ended) / at_risk;
            let mut lower = 0.0;
            if survival > 0.0 {
                greenwood += ended / (at_risk * (at_risk - ended));
                (lower, upper) = ends(survival, z * greenwood.sqrt(), options.interval);
            }
            steps.push(SurvivalStep {
                day,
                at_risk: count.at_risk,
                ended: count.ended,
                survival,
                standard_error: survival * greenwood.sqrt(),
                lower,
                upper,
            });
        }
        let last_day = last_day.ok_or(LoyaltyError::NoSpells)?;
        Ok(Self { relationship: table.relationship(), options: *options, n: table.len(), last_day, steps })
    }

    /// What it means here that a customer is gone.
    pub const fn relationship(&self) -> Relationship {
        self.relationship
    }

    /// How it was made.
    pub const fn options(&self) -> &SurvivalOptions {
        &self.options
    }

    /// How many customers it rests on.
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The last day on which anybody was observed; nothing is known of later ones.
    pub const fn last_day(&self) -> u32 {
        self.last_day
    }

    /// The days on which customers left, ascending. Between them the share does not change.
    pub fn steps(&self) -> &[SurvivalStep] {
        &self.steps
    }

    /// Which share is still there after that day; `None` after the last day observed, unless nobody was left by then.
    ///
    /// # Cost
    /// O(log days).
    pub fn survival_at(&self, day: u32) -> Option<Estimate> {
        let step = self.step(day);
        if day > self.last_day && step.is_none_or(|step| step.survival > 0.0) {
            return None;
        }
        let (survival, lower, upper) =
            step.map_or((1.0, 1.0, 1.0), |step| (step.survival, step.lower, step.upper));
        Estimate::new(survival, lower, upper, self.options.level, self.n).ok()
    }

    /// By which day no more than half of the customers are left.
    ///
    /// # Example
    /// ```
    /// use patronage::loyalty::{Relationship, Spells, SurvivalOptions, SurvivalTable};
    ///
    /// let spells = Spells::new(&[10, 20, 30, 40, 50], &[true, true, true, false, true])?;
    /// let table = SurvivalTable::from_columns(Relationship::Contractual, &spells);
    /// let median = table.curve(&SurvivalOptions::default())?.median();
    /// assert_eq!((median.day, median.lower, median.upper), (Some(30), Some(10), None));
    /// # Ok::<(), patronage::loyalty::LoyaltyError>(())
    /// ```
    pub fn median(&self) -> Lifetime {
        self.left_below(0.5)
    }

    /// By which day no more than `share` of the customers are left, with an interval: the days on which the ends of the
    /// curve's own interval fall to that share.
    ///
    /// Shares that differ by rounding (1e-12 relative) count as equal.
    pub fn days_until(&self, share: Share) -> Lifetime {
        self.left_below(share.get())
    }

    fn left_below(&self, share: f64) -> Lifetime {
        let bound = share * (1.0 + 1e-12);
        let first = |of: fn(&SurvivalStep) -> f64| {
            if bound >= 1.0 {
                return Some(0);
            }
            self.steps.iter().find(|step| of(step) <= bound).map(|step| step.day)
        };
        Lifetime {
            day: first(|step| step.survival),
            lower: first(|step| step.lower),
            upper: first(|step| step.upper),
        }
    }

    /// How many days a customer stays on average within the first `horizon` days: the restricted mean, the area below the
    /// curve. The interval is normal, cut at 0 and at the horizon.
    ///
    /// # Errors
    /// [`LoyaltyError::BeyondObservation`] when the horizon is after the last day and someone was left: a mean without a
    /// horizon would be made up.
    ///
    /// # Formula
    /// ```text
    /// A(0) = integral from 0 to the horizon of S(t) dt,   Var = sum of A(u)^2 d_u / (n_u (n_u - d_u))
    /// ```
    ///
    /// Source: J. P. Klein, M. L. Moeschberger, "Survival analysis" (2003), section 4.5.
    pub fn restricted_mean(&self, horizon: u32) -> Result<Estimate, LoyaltyError> {
        self.area(None, horizon)
    }

    /// How many more days a customer who is still there after `day` stays on average, until the day `horizon`: the
    /// expected remaining lifetime.
    ///
    /// # Errors
    /// [`LoyaltyError::BeyondObservation`] as [`SurvivalCurve::restricted_mean`], and when the horizon is before the day;
    /// [`LoyaltyError::NobodyLeft`].
    ///
    /// # Example
    /// ```
    /// use patronage::loyalty::{Relationship, Spells, SurvivalOptions, SurvivalTable};
    ///
    /// let spells = Spells::new(&[10, 20, 30, 40], &[true; 4])?;
    /// let table = SurvivalTable::from_columns(Relationship::Contractual, &spells);
    /// let curve = table.curve(&SurvivalOptions::default())?;
    /// assert_eq!(curve.restricted_mean(40)?.value(), 25.0);
    /// // Of those there after day 10 a third stays 10, 20 and 30 days more.
    /// assert!((curve.remaining(10, 40)?.value() - 20.0).abs() < 1e-12);
    /// # Ok::<(), patronage::loyalty::LoyaltyError>(())
    /// ```
    pub fn remaining(&self, day: u32, horizon: u32) -> Result<Estimate, LoyaltyError> {
        if day > horizon {
            return Err(LoyaltyError::BeyondObservation { day, last: horizon });
        }
        self.area(Some(day), horizon)
    }

    /// The area from a day to the horizon, as a share of those who are there after that day.
    fn area(&self, after: Option<u32>, horizon: u32) -> Result<Estimate, LoyaltyError> {
        let left_at = |day| self.step(day).map_or(1.0, |step| step.survival);
        if horizon > self.last_day && left_at(self.last_day) > 0.0 {
            return Err(LoyaltyError::BeyondObservation { day: horizon, last: self.last_day });
        }
        let (start, left) = after.map_or((0, 1.0), |day| (day, left_at(day)));
        if left <= 0.0 {
            return Err(LoyaltyError::NobodyLeft { day: start });
        }
        let later = |step: &&SurvivalStep| after.is_none_or(|day| step.day > day) && step.day < horizon;
        let (mut area, mut variance, mut end) = (0.0, 0.0, horizon);
        for step in self.steps.iter().filter(later).rev() {
            area += step.survival / left * f64::from(end - step.day);
            end = step.day;
            if step.at_risk > step.ended {
                let (at_risk, ended) = (number(step.at_risk), number(step.ended));
                variance += area * area * (ended / (at_risk * (at_risk - ended)));
            }
        }
        area += f64::from(end - start);
        let most = f64::from(horizon - start);
        let reach = proportion::z(self.options.level.get()) * f64::sqrt(variance);
        // A level of 1 reaches everywhere, but from a single point nowhere.
        let reach = if reach.is_nan() { 0.0 } else { reach };
        let (lower, upper) = ((area - reach).max(0.0), (area + reach).min(most.max(area)));
        Ok(Estimate::new(area, lower, upper, self.options.level, self.n)?)
    }

    /// The last step by that day.
    fn step(&self, day: u32) -> Option<&SurvivalStep> {
        let after = self.steps.partition_point(|step| step.day <= day);
        self.steps.get(after.checked_sub(1)?)
    }
}

/// The ends of the interval of a share between 0 and 1, from z standard deviations of its logarithm.
fn ends(survival: f64, reach: f64, interval: SurvivalInterval) -> (f64, f64) {
    let ln = libm::log(survival);
    let (lower, upper) = match interval {
        SurvivalInterval::LogLog if ln < 0.0 => {
            let stretch = reach / -ln;
            (libm::exp(ln * libm::exp(stretch)), libm::exp(ln * libm::exp(-stretch)))
        }
        SurvivalInterval::LogLog => (survival, survival),
        SurvivalInterval::Log => (survival * libm::exp(-reach), survival * libm::exp(reach)),
    };
    (lower.min(survival), upper.clamp(survival, 1.0))
}
