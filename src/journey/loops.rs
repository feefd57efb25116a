use super::graph::estimate;
use super::{Activities, Journey, JourneyError, JourneyLog};
use crate::measure::{Estimate, Share};
use chrono::TimeDelta;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// When a customer is taken to go round in circles: the same run of up to `longest` steps, at least `rounds` times in a
/// row, perhaps within a time. One step again and again is a loop of length 1, to and fro between two of length 2.
///
/// # Example
/// ```
/// use patronage::journey::LoopRule;
///
/// let rule = LoopRule::new(3, 2)?;
/// let found = rule.find(&["ask", "wait", "ask", "wait", "ask", "pay"], &[0, 1, 2, 3, 4, 5]);
/// assert_eq!((found[0].first(), found[0].length(), found[0].rounds(), found[0].events()), (0, 2, 2, 5));
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "LoopRuleFields", into = "LoopRuleFields")]
pub struct LoopRule {
    longest: usize,
    rounds: usize,
    within: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "LoopRule", deny_unknown_fields)]
struct LoopRuleFields {
    longest: usize,
    rounds: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within_us: Option<i64>,
}

impl From<LoopRule> for LoopRuleFields {
    fn from(rule: LoopRule) -> Self {
        let within_us = Some(rule.within).filter(|&within| within != i64::MAX);
        Self { longest: rule.longest, rounds: rule.rounds, within_us }
    }
}

impl TryFrom<LoopRuleFields> for LoopRule {
    type Error = JourneyError;

    fn try_from(fields: LoopRuleFields) -> Result<Self, JourneyError> {
        let rule = Self::new(fields.longest, fields.rounds)?;
        fields.within_us.map_or(Ok(rule), |within| rule.within(TimeDelta::microseconds(within)))
    }
}

/// A part of a journey that goes round in circles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct JourneyLoop {
    first: usize,
    length: usize,
    events: usize,
}

impl JourneyLoop {
    /// The place of its first event in the journey, from 0. The first event of the second round is `length` later: from
    /// there on the customer had been here before.
    pub const fn first(&self) -> usize {
        self.first
    }

    /// How many steps a round has.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// How many events it goes on for; the last round may be incomplete.
    pub const fn events(&self) -> usize {
        self.events
    }

    /// How many whole rounds it has.
    pub const fn rounds(&self) -> usize {
        self.events / self.length
    }
}

impl LoopRule {
    /// The longest round there can be.
    pub const LONGEST: usize = 32;

    /// Looks for rounds of 1 to `longest` steps that come at least `rounds` times in a row.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] when `longest` is not 1 to [`LONGEST`](Self::LONGEST), or `rounds` not 2 to 1,000.
    pub fn new(longest: usize, rounds: usize) -> Result<Self, JourneyError> {
        if !(1..=Self::LONGEST).contains(&longest) {
            return Err(JourneyError::Setting { setting: "longest", rule: "must be 1 to 32" });
        }
        if !(2..=1_000).contains(&rounds) {
            return Err(JourneyError::Setting { setting: "rounds", rule: "must be 2 to 1,000" });
        }
        Ok(Self { longest, rounds, within: i64::MAX })
    }

    /// Counts a loop only where so many rounds take at most this long, from the first of their events to the last.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] when it is negative.
    pub fn within(self, within: TimeDelta) -> Result<Self, JourneyError> {
        if within < TimeDelta::zero() {
            return Err(JourneyError::Setting { setting: "within", rule: "must not be negative" });
        }
        Ok(Self { within: within.num_microseconds().unwrap_or(i64::MAX), ..self })
    }

    /// How many steps a round may have.
    pub const fn longest(&self) -> usize {
        self.longest
    }

    /// The most microseconds that so many rounds may take, where there is a bound.
    pub(super) fn time(&self) -> Option<i64> {
        Some(self.within).filter(|&within| within != i64::MAX)
    }

    /// How many rounds make a loop.
    pub const fn rounds(&self) -> usize {
        self.rounds
    }

    /// Finds the loops of one journey, whatever its steps are (activities, or pairs of touch point and reason): each as
    /// long as it goes on, in the order of their first event, the shorter round first. Rounds that are themselves
    /// rounds of something shorter are told as that.
    ///
    /// # Arguments
    /// `times`: of each step, ascending; in microseconds where [`within`](Self::within) is set, otherwise in any unit.
    ///
    /// # Cost
    /// O(steps times `longest`).
    pub fn find<K: PartialEq>(&self, steps: &[K], times: &[i64]) -> Vec<JourneyLoop> {
        let mut found = Vec::new();
        for length in 1..=self.longest {
            let Some(later) = steps.get(length..) else { break };
            let (mut first, mut equal) = (0, 0_usize);
            for (place, (one, two)) in steps.iter().zip(later).enumerate() {
                if one == two {
                    equal += 1;
                } else {
                    self.take(
                        &mut found,
                        steps,
                        times,
                        JourneyLoop { first, length, events: equal + length },
                    );
                    (first, equal) = (place + 1, 0);
                }
            }
            self.take(&mut found, steps, times, JourneyLoop { first, length, events: equal + length });
        }
        found.sort_unstable();
        found
    }

    fn take<K: PartialEq>(&self, found: &mut Vec<JourneyLoop>, steps: &[K], times: &[i64], one: JourneyLoop) {
        let least = self.rounds * one.length;
        if one.events < least {
            return;
        }
        let own = steps.get(one.first..one.first + one.events).unwrap_or_default();
        let repeats = |shorter: usize| own.iter().zip(own.iter().skip(shorter)).all(|(a, b)| a == b);
        if (1..one.length).any(|shorter| one.length.is_multiple_of(shorter) && repeats(shorter)) {
            return;
        }
        let own = times.get(one.first..).unwrap_or_default();
        let mut spans = own.iter().zip(own.iter().skip(least - 1)).take(one.events + 1 - least);
        if self.within == i64::MAX || spans.any(|(&from, &to)| to.saturating_sub(from) <= self.within) {
            found.push(one);
        }
    }
}

/// A loop that customers run into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopCount {
    activities: Vec<u16>,
    journeys: u64,
    customers: u64,
    loops: u64,
    most_rounds: usize,
}

impl LoopCount {
    /// The codes of one round, beginning where their text is the least, because a circle has no beginning.
    pub fn activities(&self) -> &[u16] {
        &self.activities
    }

    /// How many journeys run into it.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }

    /// How many different customers.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// How often it happens.
    pub const fn loops(&self) -> u64 {
        self.loops
    }

    /// The most rounds anybody took.
    pub const fn most_rounds(&self) -> usize {
        self.most_rounds
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LoopTally {
    pub(super) journeys: u64,
    pub(super) customers: u64,
    pub(super) loops: u64,
    pub(super) most_rounds: usize,
}

impl LoopTally {
    /// Adds what other customers did.
    pub(super) fn add(&mut self, more: Self) {
        self.journeys += more.journeys;
        self.customers += more.customers;
        self.loops += more.loops;
        self.most_rounds = self.most_rounds.max(more.most_rounds);
    }
}

/// In which circles customers go, and how many of them.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::journey::{JourneyLog, LoopRule, Loops};
///
/// let rows = [(1, 0, "ask"), (1, 1, "wait"), (1, 2, "ask"), (1, 3, "wait"), (2, 0, "ask"), (2, 1, "pay")];
/// let loops = Loops::from_log(&JourneyLog::from_events(rows, 10)?, LoopRule::new(2, 2)?);
/// assert_eq!(loops.ranked()[0].activities(), [0, 2]);
/// assert_eq!(loops.share(Share::new(0.95)?).map(|share| (share.value(), share.n())), Some((0.5, 2)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loops {
    names: Activities,
    rule: LoopRule,
    counts: BTreeMap<Vec<u16>, LoopTally>,
    journeys: u64,
    looping: u64,
    ties: u64,
}

impl Loops {
    /// Counts the loops of a log.
    ///
    /// # Cost
    /// O(events times the longest round).
    pub fn from_log(log: &JourneyLog, rule: LoopRule) -> Self {
        let mut all = Self {
            names: log.activities().clone(),
            rule,
            counts: BTreeMap::new(),
            journeys: 0,
            looping: 0,
            ties: log.ties(),
        };
        // The customer and the journey that each loop was last met by. Journeys of one customer are neighbours.
        let mut last: BTreeMap<Vec<u16>, (u32, u64)> = BTreeMap::new();
        for journey in log.journeys() {
            all.journeys += 1;
            let found = rule.find(journey.activities(), journey.times());
            all.looping += u64::from(!found.is_empty());
            for one in found {
                let round = round_of(journey, one);
                let tally = all.counts.entry(round.clone()).or_default();
                let before = last.insert(round, (journey.customer(), all.journeys));
                tally.loops += 1;
                tally.most_rounds = tally.most_rounds.max(one.rounds());
                tally.journeys += u64::from(before.is_none_or(|(_, number)| number != all.journeys));
                tally.customers +=
                    u64::from(before.is_none_or(|(customer, _)| customer != journey.customer()));
            }
        }
        all
    }

    /// What was counted one event at a time; `totals` are journeys, those with a loop, and ties.
    pub(super) fn counted(
        names: Activities,
        rule: LoopRule,
        counts: BTreeMap<Vec<u16>, LoopTally>,
        totals: (u64, u64, u64),
    ) -> Self {
        let (journeys, looping, ties) = totals;
        Self { names, rule, counts, journeys, looping, ties }
    }

    /// Adds the loops of other customers. Associative and commutative; activities are matched by name.
    ///
    /// # Errors
    /// [`JourneyError::DifferentRules`]; [`JourneyError::ActivityLimit`] when together there are more activities than
    /// codes. Nothing was added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), JourneyError> {
        if self.rule != other.rule {
            return Err(JourneyError::DifferentRules { setting: "rule" });
        }
        let (names, own, theirs) = self.names.union(&other.names)?;
        let mut counts: BTreeMap<Vec<u16>, LoopTally> = BTreeMap::new();
        for (part, codes) in [(&*self, &own), (other, &theirs)] {
            for (round, more) in &part.counts {
                // Renaming keeps the order of names, so that a round still begins where it is the least.
                let renamed =
                    round.iter().filter_map(|&code| codes.get(usize::from(code)).copied()).collect();
                counts.entry(renamed).or_default().add(*more);
            }
        }
        (self.names, self.counts) = (names, counts);
        self.journeys += other.journeys;
        self.looping += other.looping;
        self.ties += other.ties;
        Ok(())
    }

    /// The names of the activities.
    pub const fn activities(&self) -> &Activities {
        &self.names
    }

    /// What counts as a loop.
    pub const fn rule(&self) -> LoopRule {
        self.rule
    }

    /// How many journeys were looked at.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }

    /// How many pairs of neighbouring events happened at one instant, so that their order is that of the input.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// The share of journeys with a loop of any kind, with the Wilson interval; `None` without journeys.
    pub fn share(&self, level: Share) -> Option<Estimate> {
        estimate(self.looping, self.journeys, level)
    }

    /// Each loop, the one that most journeys run into first, ties by activities.
    pub fn ranked(&self) -> Vec<LoopCount> {
        let mut ranked: Vec<LoopCount> = self
            .counts
            .iter()
            .map(|(round, &LoopTally { journeys, customers, loops, most_rounds })| LoopCount {
                activities: round.clone(),
                journeys,
                customers,
                loops,
                most_rounds,
            })
            .collect();
        ranked.sort_by_key(|one| std::cmp::Reverse(one.journeys));
        ranked
    }
}

/// Written with the names of activities, the loop that most journeys run into first.
impl Serialize for Loops {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            activities: Vec<&'a str>,
            journeys: u64,
            customers: u64,
            loops: u64,
            most_rounds: usize,
        }
        let ranked = self.ranked();
        let loops = ranked.iter().map(|one| Named {
            activities: one.activities.iter().map(|&code| self.names.name(code)).collect(),
            journeys: one.journeys,
            customers: one.customers,
            loops: one.loops,
            most_rounds: one.most_rounds,
        });
        let mut fields = serializer.serialize_struct("Loops", 5)?;
        fields.serialize_field("rule", &self.rule)?;
        fields.serialize_field("journeys", &self.journeys)?;
        fields.serialize_field("looping", &self.looping)?;
        fields.serialize_field("ties", &self.ties)?;
        fields.serialize_field("loops", &loops.collect::<Vec<_>>())?;
        fields.end()
    }
}

/// The codes of one round of a loop.
fn round_of(journey: Journey<'_>, one: JourneyLoop) -> Vec<u16> {
    least_turn(journey.activities().get(one.first..one.first + one.length).unwrap_or_default())
}

/// The codes of a round, turned so that they are the least.
pub(super) fn least_turn(round: &[u16]) -> Vec<u16> {
    let turned = (0..round.len()).map(|by| {
        let (end, beginning) = round.split_at_checked(by).unwrap_or_default();
        [beginning, end].concat()
    });
    turned.min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(steps: &str, longest: usize, rounds: usize) -> Vec<(usize, usize, usize)> {
        let steps = steps.as_bytes();
        let times: Vec<i64> = (0..).take(steps.len()).collect();
        let all = LoopRule::new(longest, rounds).unwrap().find(steps, &times);
        all.iter().map(|one| (one.first, one.length, one.events)).collect()
    }

    #[test]
    fn rounds_are_told_by_the_shortest() {
        assert_eq!(found("aaaa", 4, 2), [(0, 1, 4)]);
        assert_eq!(found("abab", 4, 2), [(0, 2, 4)]);
        assert_eq!(found("xababay", 4, 2), [(1, 2, 5)]);
        assert_eq!(found("aabaab", 4, 2), [(0, 1, 2), (0, 3, 6), (3, 1, 2)]);
        assert_eq!(found("abcabc", 2, 2), []);
        assert_eq!(found("abab", 2, 3), []);
        assert_eq!(found("", 3, 2), []);
        assert_eq!(found("a", 3, 2), []);
    }

    #[test]
    fn time_must_be_near_for_so_many_rounds() {
        let rule = LoopRule::new(1, 2).unwrap().within(TimeDelta::microseconds(2)).unwrap();
        assert_eq!(rule.find(&[1, 1, 1], &[0, 3, 6]), []);
        assert_eq!(rule.find(&[1, 1, 1], &[0, 3, 5]).len(), 1);
        assert!(
            LoopRule::new(0, 2).is_err() && LoopRule::new(33, 2).is_err() && LoopRule::new(1, 1).is_err()
        );
        assert!(rule.within(TimeDelta::microseconds(-1)).is_err());
    }

    #[test]
    fn a_circle_has_no_beginning_and_customers_count_once() {
        let rows = |customer: u32, from: i64, steps: &'static str| {
            steps.chars().zip(from..).map(move |(step, at)| (customer, at, step.to_string()))
        };
        let all: Vec<_> = rows(1, 0, "abab").chain(rows(1, 1_000, "baba")).chain(rows(2, 0, "abx")).collect();
        let log = JourneyLog::from_events(all, 10).unwrap().sessions(TimeDelta::microseconds(10)).unwrap();
        let loops = Loops::from_log(&log, LoopRule::new(3, 2).unwrap());
        let ranked = loops.ranked();
        assert_eq!(ranked.len(), 1);
        let one = &ranked[0];
        assert_eq!((one.activities(), one.journeys(), one.customers()), (&[0, 1][..], 2, 1));
        assert_eq!((one.loops(), one.most_rounds(), loops.journeys()), (2, 2, 3));
    }

    proptest! {
        #[test]
        fn every_repeat_lies_in_a_loop_and_parts_make_the_whole(
            journeys in prop::collection::vec("[ab]{0,12}", 0..6),
            longest in 1_usize..5,
            rounds in 2_usize..4,
        ) {
            for steps in &journeys {
                let all = found(steps, longest, rounds);
                let bytes = steps.as_bytes();
                for length in 1..=longest {
                    for first in 0..bytes.len() {
                        let Some(part) = bytes.get(first..first + length * rounds) else { break };
                        if part.iter().zip(&part[length..]).all(|(a, b)| a == b) {
                            let covered = all.iter().any(|&(start, period, events)| {
                                length % period == 0 && start <= first && first + part.len() <= start + events
                            });
                            prop_assert!(covered, "{} {} {}", steps, first, length);
                        }
                    }
                }
            }
            let log = |of: &dyn Fn(u32) -> bool| {
                let rows = (0..).zip(&journeys).filter(|one| of(one.0)).flat_map(|(customer, steps)| {
                    steps.chars().zip(0..).map(move |(step, at)| (customer, at, step.to_string()))
                });
                Loops::from_log(&JourneyLog::from_events(rows, 10).unwrap(), LoopRule::new(longest, rounds).unwrap())
            };
            let whole = log(&|_| true);
            let (even, odd) = (log(&|n| n % 2 == 0), log(&|n| n % 2 == 1));
            let (mut one, mut two) = (even.clone(), odd.clone());
            one.merge(&odd).unwrap();
            two.merge(&even).unwrap();
            prop_assert_eq!(&one, &whole);
            prop_assert_eq!(&two, &whole);
        }
    }
}
