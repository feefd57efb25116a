use super::{Funnel, FunnelReport};
use crate::measure::{Estimate, Share};
use crate::numeric::proportion;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// How two groups differ in the share that reached one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FunnelStepDifference {
    step: usize,
    difference: Estimate,
    p_value: f64,
    adjusted_p_value: f64,
}

impl FunnelStepDifference {
    /// The step, from 0.
    pub const fn step(&self) -> usize {
        self.step
    }

    /// The share of the first group less that of the second, with Newcombe's interval; `n` is that of both groups.
    pub const fn difference(&self) -> Estimate {
        self.difference
    }

    /// How likely a difference this large would be if there were none (two-sided pooled test).
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// The same, adjusted for having asked about every step (Benjamini and Hochberg).
    pub const fn adjusted_p_value(&self) -> f64 {
        self.adjusted_p_value
    }
}

/// Whom a group that is compared holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FunnelGroup {
    as_of: DateTime<Utc>,
    customers: u64,
    entered: u64,
    immature: u64,
    immature_converted: u64,
    ties: u64,
}

impl FunnelGroup {
    /// The instant up to which everything was known of it.
    pub const fn as_of(&self) -> DateTime<Utc> {
        self.as_of
    }

    /// How many customers it has, whether they entered or not.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// How many entered.
    pub const fn entered(&self) -> u64 {
        self.entered
    }

    /// Of those who entered, how many had not had their whole time to convert: they are left out.
    pub const fn immature(&self) -> u64 {
        self.immature
    }

    /// Of the immature, how many had converted already.
    pub const fn immature_converted(&self) -> u64 {
        self.immature_converted
    }

    /// How many events happened at the same instant as the one before of the same customer.
    pub const fn ties(&self) -> u64 {
        self.ties
    }
}

/// Two groups held against each other, step by step, of those who entered.
///
/// # Example
/// ```
/// # use chrono::{DateTime, Utc};
/// # use patronage::Share;
/// # use patronage::journey::{Funnel, FunnelColumns, FunnelOrder, FunnelStep};
/// # let as_of: DateTime<Utc> = "1970-02-01T00:00:00Z".parse()?;
/// let funnel = Funnel::builder(FunnelOrder::Ordered, [FunnelStep::new(0), FunnelStep::new(1)]).build()?;
/// // All ten of one group go on, and five of ten of the other.
/// let ten: Vec<u32> = (0..20).map(|row| row / 2).collect();
/// let time = [0; 20];
/// let all = funnel.count(FunnelColumns::new(&ten, &time, &[[0, 1]; 10].concat())?, as_of)?;
/// let activity = [[[0, 1]; 5].concat(), vec![0; 10]].concat();
/// let half = funnel.count(FunnelColumns::new(&ten, &time, &activity)?, as_of)?;
///
/// let comparison = all.compare(&half, Share::new(0.95)?)?;
/// let step = comparison.steps().first().ok_or("two steps make one comparison")?;
/// assert_eq!(format!("{:.3}", step.difference()), "0.500 [0.117, 0.763] (95.0 %, n = 20)");
/// assert_eq!(format!("{:.5}", step.p_value()), "0.00982");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunnelComparison {
    funnel: Funnel,
    level: Share,
    first: FunnelGroup,
    second: FunnelGroup,
    tests: u64,
    steps: Vec<FunnelStepDifference>,
}

impl FunnelComparison {
    pub(super) fn new(first: &FunnelReport, second: &FunnelReport, level: Share) -> Self {
        let z = proportion::z(level.get());
        let mut steps = Vec::new();
        for step in 1..first.steps().len() {
            let (Some(one), Some(two)) = (first.of_entered(step), second.of_entered(step)) else { continue };
            let (Some(seen), interval) = proportion::difference(one, two, z) else { continue };
            let n = one.trials() + two.trials();
            let Ok(difference) = Estimate::new(seen, interval.lower, interval.upper, level, n) else {
                continue;
            };
            let p_value = proportion::pooled_p(one, two);
            steps.push(FunnelStepDifference { step, difference, p_value, adjusted_p_value: p_value });
        }
        let p_values: Vec<f64> = steps.iter().map(|step| step.p_value).collect();
        for (step, adjusted) in steps.iter_mut().zip(proportion::benjamini_hochberg(&p_values)) {
            step.adjusted_p_value = adjusted;
        }
        let group = |report: &FunnelReport| FunnelGroup {
            as_of: report.as_of(),
            customers: report.customers(),
            entered: report.entered(),
            immature: report.immature(),
            immature_converted: report.immature_converted(),
            ties: report.ties(),
        };
        let (funnel, tests) = (first.funnel().clone(), steps.len() as u64);
        Self { funnel, level, first: group(first), second: group(second), tests, steps }
    }

    /// The definition by which both groups were counted.
    pub const fn funnel(&self) -> &Funnel {
        &self.funnel
    }

    /// The level of the intervals.
    pub const fn level(&self) -> Share {
        self.level
    }

    /// The group that was held against the other.
    pub const fn first(&self) -> FunnelGroup {
        self.first
    }

    /// The group it was held against.
    pub const fn second(&self) -> FunnelGroup {
        self.second
    }

    /// How many steps were tested, and the p-values adjusted for.
    pub const fn tests(&self) -> u64 {
        self.tests
    }

    /// Each step after the entry that somebody of both groups has had the whole time to reach.
    pub fn steps(&self) -> &[FunnelStepDifference] {
        &self.steps
    }
}
