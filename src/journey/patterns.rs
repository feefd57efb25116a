use super::fold_hash::FoldState;
use super::graph::estimate;
use super::{JourneyError, JourneyLog};
use crate::measure::{Estimate, Share};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Activities that often follow each other directly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrequentSequence {
    /// The codes, in order.
    pub activities: Vec<u16>,
    /// In how many journeys it occurs.
    pub journeys: u64,
    /// How often it occurs; occurrences may overlap.
    pub occurrences: u64,
}

/// The runs of activities that occur in many journeys, and how they were looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrequentSequences {
    longest: usize,
    least: u64,
    journeys: u64,
    ties: u64,
    found: u64,
    sequences: Vec<FrequentSequence>,
}

impl FrequentSequences {
    /// The longest run that was looked for.
    pub const fn longest(&self) -> usize {
        self.longest
    }

    /// In how many journeys a run occurs at least.
    pub const fn least(&self) -> u64 {
        self.least
    }

    /// How many journeys were looked at: the whole of every share.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }

    /// How many pairs of neighbouring events happened at one instant, so that their order is that of the input.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// How many runs are frequent, of which the most frequent are kept.
    pub const fn found(&self) -> u64 {
        self.found
    }

    /// The runs, the most frequent first: by journeys, then occurrences, then codes.
    pub fn sequences(&self) -> &[FrequentSequence] {
        &self.sequences
    }

    /// The share of journeys in which a run occurs, with the Wilson interval; `None` without journeys. The interval is
    /// that of one run picked beforehand: the first of [`found`](Self::found) leans high.
    pub fn share(&self, sequence: &FrequentSequence, level: Share) -> Option<Estimate> {
        estimate(sequence.journeys, self.journeys, level)
    }
}

#[derive(Clone, Copy, Default)]
struct Found {
    journey: usize,
    journeys: u64,
    occurrences: u64,
}

/// Which runs of 2 to `longest` activities occur in at least `least` journeys: the most frequent first, at most `most`.
///
/// # Errors
/// [`JourneyError::Setting`] when `longest` is not 2 to 32, or `least` is 0.
///
/// # Cost
/// O(events) for each length. A run is counted only where both runs it consists of are frequent, so memory is bounded
/// by what is frequent.
///
/// # Example
/// ```
/// use patronage::journey::{JourneyLog, frequent_sequences};
///
/// let rows = [(1, 0, "ask"), (1, 1, "wait"), (1, 2, "ask"), (1, 3, "wait"), (2, 0, "ask"), (2, 1, "wait")];
/// let log = JourneyLog::from_events(rows, 10)?;
/// let found = frequent_sequences(&log, 4, 2, 10)?;
/// let [one] = found.sequences() else { return Ok(()) };
/// assert_eq!((one.activities.as_slice(), one.journeys, one.occurrences), (&[0, 1][..], 2, 3));
/// assert_eq!((found.found(), found.journeys()), (1, 2));
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
///
/// Source: R. Agrawal, R. Srikant, "Fast algorithms for mining association rules", VLDB (1994): no part of what is
/// frequent is rare.
pub fn frequent_sequences(
    log: &JourneyLog,
    longest: usize,
    least: u64,
    most: usize,
) -> Result<FrequentSequences, JourneyError> {
    if !(2..=32).contains(&longest) {
        return Err(JourneyError::Setting { setting: "longest", rule: "must be 2 to 32" });
    }
    if least == 0 {
        return Err(JourneyError::Setting { setting: "least", rule: "must be at least 1" });
    }
    let mut frequent = Vec::new();
    // Whether the run of the length before that begins at an event is frequent; single activities all count so.
    let mut begins = vec![true; log.events()];
    for length in 2..=longest {
        let mut found: HashMap<&[u16], Found, FoldState> = HashMap::default();
        let mut first = 0;
        for (number, journey) in (1..).zip(log.journeys()) {
            for (place, run) in (first..).zip(journey.activities().windows(length)) {
                if begins.get(place) == Some(&true) && begins.get(place + 1) == Some(&true) {
                    let one = found.entry(run).or_default();
                    one.journeys += u64::from(one.journey != number);
                    one.occurrences += 1;
                    one.journey = number;
                }
            }
            first += journey.activities().len();
        }
        let kept = |run: &[u16]| found.get(run).is_some_and(|one| one.journeys >= least);
        let mut next = vec![false; log.events()];
        first = 0;
        for journey in log.journeys() {
            for (place, run) in (first..).zip(journey.activities().windows(length)) {
                // Only what could be frequent was counted, so a run not found is rare.
                if let Some(begins) = next.get_mut(place) {
                    *begins = kept(run);
                }
            }
            first += journey.activities().len();
        }
        let before = frequent.len();
        frequent.extend(found.iter().filter(|(_, one)| one.journeys >= least).map(|(run, one)| {
            FrequentSequence {
                activities: run.to_vec(),
                journeys: one.journeys,
                occurrences: one.occurrences,
            }
        }));
        if frequent.len() == before {
            break;
        }
        begins = next;
    }
    frequent.sort_unstable_by(|a, b| {
        (b.journeys, b.occurrences, &a.activities).cmp(&(a.journeys, a.occurrences, &b.activities))
    });
    let found = frequent.len() as u64;
    frequent.truncate(most);
    let journeys = log.journeys().len() as u64;
    Ok(FrequentSequences { longest, least, journeys, ties: log.ties(), found, sequences: frequent })
}

/// Which visits to an event are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visits {
    /// The first in each journey.
    First,
    /// Each one.
    Every,
}

/// What happened step by step before an event, or from the beginning of journeys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepTable {
    before: Option<(u16, Visits)>,
    visits: u64,
    ties: u64,
    /// By step, then code.
    counts: Vec<Vec<u64>>,
}

impl StepTable {
    /// Before which event, and which visits to it; `None` where steps are counted from the beginning of journeys.
    pub const fn is_before(&self) -> Option<(u16, Visits)> {
        self.before
    }

    /// How many pairs of neighbouring events of the log happened at one instant, so that their order is that of the
    /// input.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// How many visits (or journeys) were looked at: the whole of every share.
    pub const fn visits(&self) -> u64 {
        self.visits
    }

    /// How many steps were looked at.
    pub const fn depth(&self) -> usize {
        self.counts.len()
    }

    /// How often an activity stood at a step, where 0 is the nearest.
    pub fn count(&self, step: usize, activity: u16) -> u64 {
        self.counts.get(step).and_then(|row| row.get(usize::from(activity))).copied().unwrap_or(0)
    }

    /// How many journeys were too short to have a step.
    pub fn without(&self, step: usize) -> u64 {
        self.visits - self.counts.get(step).map_or(0, |row| row.iter().sum::<u64>())
    }

    fn new(log: &JourneyLog, depth: usize, before: Option<(u16, Visits)>) -> Result<Self, JourneyError> {
        if !(1..=1_000).contains(&depth) {
            return Err(JourneyError::Setting { setting: "depth", rule: "must be 1 to 1,000" });
        }
        let counts = vec![vec![0; log.activities().len()]; depth];
        Ok(Self { before, visits: 0, ties: log.ties(), counts })
    }

    fn see<'a>(&mut self, activities: impl Iterator<Item = &'a u16>) {
        self.visits += 1;
        for (row, &activity) in self.counts.iter_mut().zip(activities) {
            if let Some(count) = row.get_mut(usize::from(activity)) {
                *count += 1;
            }
        }
    }

    /// What happened before an event: step 0 is the one directly before.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] when `depth` is not 1 to 1,000.
    ///
    /// # Example
    /// ```
    /// use patronage::journey::{JourneyLog, StepTable, Visits};
    ///
    /// let log = JourneyLog::from_events([(1, 0, "a"), (1, 1, "b"), (1, 2, "leave"), (2, 0, "b"), (2, 1, "leave")], 9)?;
    /// let leave = log.activities().code("leave").unwrap();
    /// let before = StepTable::before(&log, leave, 2, Visits::First)?;
    /// assert_eq!((before.count(0, 1), before.count(1, 0), before.without(1)), (2, 1, 1));
    /// # Ok::<(), patronage::journey::JourneyError>(())
    /// ```
    pub fn before(log: &JourneyLog, event: u16, depth: usize, visits: Visits) -> Result<Self, JourneyError> {
        let mut table = Self::new(log, depth, Some((event, visits)))?;
        for journey in log.journeys() {
            let activities = journey.activities();
            for (place, _) in activities.iter().enumerate().filter(|(_, code)| **code == event) {
                table.see(activities.iter().take(place).rev());
                if visits == Visits::First {
                    break;
                }
            }
        }
        Ok(table)
    }

    /// What happened from the beginning: step 0 is the first event of each journey.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] when `depth` is not 1 to 1,000.
    pub fn from_start(log: &JourneyLog, depth: usize) -> Result<Self, JourneyError> {
        let mut table = Self::new(log, depth, None)?;
        for journey in log.journeys() {
            table.see(journey.activities().iter());
        }
        Ok(table)
    }
}
