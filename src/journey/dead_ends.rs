use super::JourneyGraph;
use super::graph::estimate;
use crate::measure::{Estimate, Share};
use crate::numeric::proportion::{benjamini_hochberg, two_sided_p};
use serde::Serialize;

/// An activity at which journeys end though it is no goal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DeadEnd {
    /// The code of the activity.
    pub activity: u16,
    /// How many journeys end there.
    pub ends: u64,
    /// The share of its visits that were the last of their journey, with the Wilson interval; n is the visits.
    pub share: Estimate,
    /// How likely so many ends would be if the share were only the least asked for (one-sided score test).
    pub p_value: f64,
    /// The same, adjusted for having asked about every activity that was looked at (Benjamini and Hochberg).
    pub adjusted_p_value: f64,
}

/// The activities at which journeys end though nothing was achieved, and how they were looked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeadEnds {
    goals: Vec<u16>,
    least_share: Share,
    least_visits: u64,
    level: Share,
    journeys: u64,
    ended: u64,
    ties: u64,
    tests: u64,
    too_few: u64,
    ends: Vec<DeadEnd>,
}

impl DeadEnds {
    /// The activities, ascending, at which journeys may well end; they are not looked at.
    pub fn goals(&self) -> &[u16] {
        &self.goals
    }

    /// The least share of visits that were the last.
    pub const fn least_share(&self) -> Share {
        self.least_share
    }

    /// The least visits of an activity that is looked at.
    pub const fn least_visits(&self) -> u64 {
        self.least_visits
    }

    /// The level of the intervals, each for itself.
    pub const fn level(&self) -> Share {
        self.level
    }

    /// How many journeys were looked at.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }

    /// How many of them ended at an activity that is no goal, whether it is a dead end or not.
    pub const fn ended(&self) -> u64 {
        self.ended
    }

    /// How many pairs of neighbouring events happened at one instant, so that their order is that of the input.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// How many activities were looked at, and the p-values adjusted for.
    pub const fn tests(&self) -> u64 {
        self.tests
    }

    /// How many activities had too few visits to be looked at.
    pub const fn too_few(&self) -> u64 {
        self.too_few
    }

    /// The dead ends, the most ends first.
    pub fn ends(&self) -> &[DeadEnd] {
        &self.ends
    }
}

impl JourneyGraph {
    /// Where journeys end though nothing was achieved: activities that are no goal, with at least `visits` visits, of
    /// which at least a share of `share` was the last of its journey. The most ends first.
    ///
    /// Journeys that are still going on end where they are now; leave them out beforehand where that matters.
    ///
    /// # Arguments
    /// `goals`: codes at which a journey may well end. `visits`: counts as 1 where it is 0. `level`: of the interval, for
    /// example 0.95.
    ///
    /// # Formula
    /// ```text
    /// z = (e / n - s) / √(s (1 - s) / n)      e ends of n visits, s = share; p = P(Z ≥ z)
    /// ```
    ///
    /// # Cost
    /// O(activities log activities).
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::journey::{DurationDetail, JourneyGraph, JourneyLog};
    ///
    /// let rows = [(1, 0, "ask"), (1, 1, "wait"), (2, 0, "ask"), (2, 1, "pay"), (3, 0, "ask"), (3, 1, "wait")];
    /// let log = JourneyLog::from_events(rows, 10)?;
    /// let graph = JourneyGraph::from_log(&log, DurationDetail::default());
    /// let goals = [log.activities().named("pay")?];
    /// let found = graph.dead_ends(&goals, Share::new(0.5)?, 1, Share::new(0.95)?);
    /// assert_eq!((found.tests(), found.journeys(), found.ended()), (2, 3, 2));
    /// let [wait] = found.ends() else { return Err("one dead end".into()) };
    /// // Both visits were the last: p = 0.0786 if a half were, doubled for having asked about two activities.
    /// assert_eq!((wait.ends, format!("{:.4}", wait.adjusted_p_value)), (2, "0.1573".to_owned()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), for
    /// the score test; Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995).
    pub fn dead_ends(&self, goals: &[u16], share: Share, visits: u64, level: Share) -> DeadEnds {
        let (mut looked_at, mut too_few, mut ended) = (Vec::new(), 0, 0);
        for (activity, node) in self.nodes().filter(|(code, _)| !goals.contains(code)) {
            let ends = node.ends();
            ended += ends;
            if node.count() < visits.max(1) {
                too_few += u64::from(node.count() > 0);
                continue;
            }
            if let Some(seen) = estimate(ends, node.count(), level) {
                looked_at.push((activity, ends, seen, at_most(seen, share)));
            }
        }
        let p_values: Vec<f64> = looked_at.iter().map(|one| one.3).collect();
        let adjusted = benjamini_hochberg(&p_values);
        let all = looked_at.into_iter().zip(adjusted);
        let mut found: Vec<DeadEnd> = all
            .map(|((activity, ends, share, p_value), adjusted_p_value)| DeadEnd {
                activity,
                ends,
                share,
                p_value,
                adjusted_p_value,
            })
            .filter(|end| end.ends > 0 && end.share.value() >= share.get())
            .collect();
        found.sort_by_key(|end| (std::cmp::Reverse(end.ends), end.activity));
        let mut goals = goals.to_vec();
        goals.sort_unstable();
        goals.dedup();
        DeadEnds {
            goals,
            least_share: share,
            least_visits: visits.max(1),
            level,
            journeys: self.journeys(),
            ended,
            ties: self.ties(),
            tests: p_values.len() as u64,
            too_few,
            ends: found,
        }
    }
}

/// How likely a share at least so large would be if it were only `least`.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits of the counts")]
fn at_most(seen: Estimate, least: Share) -> f64 {
    let least = least.get();
    let above = seen.value() - least;
    let deviation = (least * (1.0 - least) / seen.n() as f64).sqrt();
    if deviation > 0.0 {
        let half = two_sided_p(above / deviation) / 2.0;
        if above > 0.0 { half } else { 1.0 - half }
    } else if above > 0.0 {
        0.0
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use crate::journey::{DurationDetail, JourneyGraph, JourneyLog};
    use crate::measure::Share;

    #[test]
    fn every_activity_looked_at_is_a_test() {
        let mut rows = Vec::new();
        for customer in 0..40 {
            rows.push((customer, 0, "ask"));
            rows.push((customer, 1, if customer % 4 == 0 { "pay" } else { "wait" }));
        }
        rows.push((40, 0, "rare"));
        let log = JourneyLog::from_events(rows, 10).unwrap();
        let graph = JourneyGraph::from_log(&log, DurationDetail::default());
        let level = Share::new(0.95).unwrap();
        let code = |name| log.activities().named(name).unwrap();
        let found = graph.dead_ends(&[code("pay")], Share::new(0.9).unwrap(), 2, level);
        assert_eq!((found.tests(), found.too_few(), found.ended(), found.journeys()), (2, 1, 31, 41));
        let [wait] = found.ends() else { panic!("{found:?}") };
        // z = 0.1 / sqrt(0.09 / 30) = 1.8257; the upper tail is 0.033945. The other test has p = 1.
        assert_eq!((wait.activity, wait.ends, wait.share.n()), (code("wait"), 30, 30));
        assert!((wait.p_value - 0.033_945).abs() < 1e-6 && (wait.adjusted_p_value - 0.067_889).abs() < 1e-6);
        assert_eq!((found.goals(), found.least_visits(), found.level()), (&[code("pay")][..], 2, level));
        // Any share of visits at all is more than none.
        let any = graph.dead_ends(&[], Share::ZERO, 0, level);
        assert!(any.ends().iter().all(|end| end.p_value == 0.0) && any.ends().len() == 3);
        assert_eq!((any.tests(), any.too_few(), any.least_visits()), (4, 0, 1));
    }
}
