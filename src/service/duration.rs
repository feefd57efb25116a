use super::sla_policy::SlaMetric;
use super::sla_report::{SlaReport, SlaState};
use crate::measure::Share;
use crate::numeric::proportion::z;
use chrono::TimeDelta;

/// How long something took, or has taken so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Took {
    /// How long; negative ones count as nothing.
    pub time: TimeDelta,
    /// Whether it is over. What is not has taken at least that long.
    pub is_over: bool,
}

/// The time by which a share of all is over, with the interval it is believed to lie in. `None` where so large a share
/// never was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DurationQuantile {
    /// The estimate.
    pub value: Option<TimeDelta>,
    /// The lower end of the interval.
    pub lower: Option<TimeDelta>,
    /// The upper end of the interval.
    pub upper: Option<TimeDelta>,
}

/// How long things take, when some are not over yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DurationSummary {
    /// How many there are.
    pub n: u64,
    /// How many of them are not over.
    pub open: u64,
    /// The time by which half of all is over.
    pub median: DurationQuantile,
    /// The time by which nine of ten are over.
    pub p90: DurationQuantile,
}

/// Tells how long things take, without leaving out what is not over yet: leaving it out would make the slowest desk look
/// the fastest.
///
/// # Arguments
/// `level`: the confidence of the intervals, for example 0.95.
///
/// # Formula
/// ```text
/// S(t) = Π over the times up to t of (1 - d / n)     d of the n that lasted so long ended then (Kaplan, Meier)
/// quantile p: the first t with S(t) <= 1 - p; its bounds: the same for S(t) exp(± z √(Σ d / (n (n - d))))
/// ```
/// The bounds are those of R's `survfit` with its default, `conf.type = "log"`.
///
/// # Cost
/// O(n log n) time, O(n) memory.
///
/// # Example
/// ```
/// use chrono::TimeDelta;
/// use patronage::Share;
/// use patronage::service::{Took, duration_summary};
///
/// let hours = [(1, true), (2, true), (3, false), (4, true), (9, false)];
/// let took = hours.map(|(hours, is_over)| Took { time: TimeDelta::hours(hours), is_over });
/// let summary = duration_summary(took, Share::new(0.95)?);
/// assert_eq!((summary.n, summary.open), (5, 2));
/// assert_eq!(summary.median.value, Some(TimeDelta::hours(4)));
/// assert_eq!(summary.p90.value, None);
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: E. L. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958);
/// R. Brookmeyer, J. Crowley, "A confidence interval for the median survival time", Biometrics 38 (1982).
pub fn duration_summary(took: impl IntoIterator<Item = Took>, level: Share) -> DurationSummary {
    let mut took: Vec<(TimeDelta, bool)> =
        took.into_iter().map(|one| (one.time.max(TimeDelta::zero()), one.is_over)).collect();
    took.sort_unstable();
    let z = z(level.get());
    let mut found = [Quantile::new(0.5), Quantile::new(0.9)];
    let (mut survival, mut variance) = (1.0_f64, 0.0_f64);
    let mut at_risk = took.len();
    for same_time in took.chunk_by(|one, other| one.0 == other.0) {
        let ended = same_time.iter().filter(|(_, is_over)| *is_over).count();
        if let Some((time, _)) = same_time.first().filter(|_| ended > 0) {
            let (n, d) = (counted(at_risk), counted(ended));
            survival *= (n - d) / n;
            variance += d / (n * (n - d));
            let spread = libm::exp(z * variance.sqrt());
            for quantile in &mut found {
                quantile.see(*time, survival, spread);
            }
        }
        at_risk -= same_time.len();
    }
    let open = took.iter().filter(|(_, is_over)| !is_over).count();
    let [median, p90] = found.map(|quantile| quantile.found);
    let wide = |count| u64::try_from(count).unwrap_or(u64::MAX);
    DurationSummary { n: wide(took.len()), open: wide(open), median, p90 }
}

/// Tells how long a promise of the service level takes to be fulfilled, by the clock of the promise; clocks that run or
/// stand still are not over, cancelled ones do not count.
pub fn response_times<'a>(
    reports: impl IntoIterator<Item = &'a SlaReport>,
    metric: SlaMetric,
    level: Share,
) -> DurationSummary {
    let runs = reports.into_iter().flat_map(|report| &report.runs);
    let counted = runs.filter(|run| run.metric == metric && run.state != SlaState::Cancelled);
    duration_summary(counted.map(|run| Took { time: run.used, is_over: run.finished.is_some() }), level)
}

struct Quantile {
    left: f64,
    found: DurationQuantile,
}

impl Quantile {
    fn new(share: f64) -> Self {
        // A product that should be a half may miss it by a few bits.
        let left = 1.0 - share + 1e-9;
        Self { left, found: DurationQuantile { value: None, lower: None, upper: None } }
    }

    fn see(&mut self, time: TimeDelta, survival: f64, spread: f64) {
        let DurationQuantile { value, lower, upper } = &mut self.found;
        // Where nobody is left, the spread is not known and bounds nothing from above.
        let above = if survival > 0.0 { survival * spread } else { 1.0 };
        for (bound, share) in [(value, survival), (lower, survival / spread), (upper, above)] {
            if bound.is_none() && share <= self.left {
                *bound = Some(time);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts 2^53 rows in memory")]
fn counted(rows: usize) -> f64 {
    rows as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(text: &str) -> DurationSummary {
        let took = text.split(' ').map(|one| {
            let time = one.trim_end_matches('+').parse().unwrap();
            Took { time: TimeDelta::weeks(time), is_over: !one.ends_with('+') }
        });
        duration_summary(took, Share::new(0.95).unwrap())
    }

    fn weeks(quantile: DurationQuantile) -> [Option<i64>; 3] {
        [quantile.value, quantile.lower, quantile.upper].map(|time| time.map(|time| time.num_weeks()))
    }

    #[test]
    fn agrees_with_r_on_the_leukemia_data() {
        // R, survival: survfit(Surv(time, status) ~ x, data = aml), as in R. G. Miller, "Survival Analysis" (1981):
        // Maintained 11 7 31 18 NA, Nonmaintained 12 11 23 8 NA.
        let maintained = summary("9 13 13+ 18 23 28+ 31 34 45+ 48 161+");
        assert_eq!((maintained.n, maintained.open), (11, 4));
        assert_eq!(weeks(maintained.median), [Some(31), Some(18), None]);
        let not_maintained = summary("5 5 8 8 12 16+ 23 27 30 33 43 45");
        assert_eq!((not_maintained.n, not_maintained.open), (12, 1));
        assert_eq!(weeks(not_maintained.median), [Some(23), Some(8), None]);
        // By hand: after 43 weeks 7/12 * 5/6 * 4/5 * 3/4 * 2/3 * 1/2 = 7/72 are left, less than a tenth.
        assert_eq!(weeks(not_maintained.p90)[0], Some(43));
    }

    #[test]
    fn without_open_ones_it_is_the_plain_quantile() {
        for n in 1..=60_i64 {
            let took = (1..=n).map(|time| Took { time: TimeDelta::hours(time), is_over: true });
            let summary = duration_summary(took, Share::new(0.95).unwrap());
            assert_eq!(summary.median.value, Some(TimeDelta::hours((n + 1) / 2)), "{n}");
            assert_eq!(summary.p90.value, Some(TimeDelta::hours((9 * n + 9) / 10)), "{n}");
        }
    }

    #[test]
    fn nothing_and_nothing_over_have_no_quantiles() {
        let none = duration_summary([], Share::ONE);
        assert_eq!((none.n, weeks(none.median)), (0, [None; 3]));
        let open = summary("5+ 7+");
        assert_eq!((open.n, open.open, weeks(open.median)), (2, 2, [None; 3]));
        assert_eq!(summary("-5 7").median.value, Some(TimeDelta::zero()));
    }
}
