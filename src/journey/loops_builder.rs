use super::error::{backwards, shared};
use super::fold_hash::FoldState;
use super::loops::{LoopTally, least_turn};
use super::{Activities, JourneyError, LoopRule, Loops};
use crate::customer::CustomerId;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Finds in which circles customers go from events as they come, one at a time, of many customers mixed.
///
/// Events of one customer must come in order of time; those of different customers in any order. The answer may be taken
/// at any moment and equals that of a [`JourneyLog`](super::JourneyLog) of the same events: a loop that is still going on
/// counts as far as it goes.
///
/// # Cost
/// O(`longest`) an event. For each customer 16 bytes for each step that a round may have, the different loops they met,
/// and, where the rule has a time, the instants of the events that go round now (at most `rounds` times `longest`).
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::journey::{Activities, LoopRule, LoopsBuilder};
///
/// let names = Activities::new(["ask", "wait"])?;
/// let ann = CustomerId::derive(&["ann"]);
/// let mut builder = LoopsBuilder::new(names, LoopRule::new(2, 2)?);
/// for (at, activity) in [(0, 0), (1, 1), (2, 0), (3, 1)] {
///     builder.push(ann, at, activity)?;
/// }
/// let loops = builder.loops();
/// assert_eq!((loops.journeys(), loops.ranked()[0].most_rounds()), (1, 2));
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LoopsBuilder {
    names: Activities,
    rule: LoopRule,
    counts: BTreeMap<Vec<u16>, LoopTally>,
    ties: u64,
    customers: HashMap<CustomerId, Rounds, FoldState>,
}

/// What may go round at the end of what is known of a customer.
#[derive(Clone, Debug, Default)]
struct Rounds {
    at: i64,
    /// The last activities, as many as a round may have steps.
    recent: VecDeque<u16>,
    /// The instants of the events that go round now, where the rule asks for time.
    times: VecDeque<i64>,
    /// For rounds of 1, 2 and more steps: how many of the last events equal the one a round before.
    runs: Vec<Run>,
    met: BTreeSet<Vec<u16>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Run {
    equal: usize,
    /// Whether enough rounds of it came within the time of the rule.
    near: bool,
}

impl Rounds {
    /// The round, and how many there are, of a run that goes on no longer.
    fn ended(&self, rule: &LoopRule, length: usize, run: Run) -> Option<(Vec<u16>, usize)> {
        let events = run.equal + length;
        if events < rule.rounds() * length || !(run.near || rule.time().is_none()) {
            return None;
        }
        // Rounds that are rounds of something shorter are told as that.
        let mut shorter = (1..).zip(&self.runs).take(length - 1);
        if shorter.any(|(less, other)| length.is_multiple_of(less) && other.equal + less >= events) {
            return None;
        }
        let skipped = self.recent.len().checked_sub(length)?;
        let round: Vec<u16> = self.recent.iter().skip(skipped).copied().collect();
        Some((least_turn(&round), events / length))
    }

    /// All that ends if `next` comes, or nothing more.
    fn all_ended(&self, rule: &LoopRule, next: Option<u16>) -> Vec<(Vec<u16>, usize)> {
        let runs = (1..).zip(&self.runs);
        let ended = runs.filter(|&(length, _)| next.is_none() || self.before(length) != next);
        ended.filter_map(|(length, &run)| self.ended(rule, length, run)).collect()
    }

    /// The activity so many events before the next one.
    fn before(&self, length: usize) -> Option<u16> {
        self.recent.get(self.recent.len().checked_sub(length)?).copied()
    }

    fn go_on(&mut self, rule: &LoopRule, at: i64, activity: u16) {
        let mut runs = std::mem::take(&mut self.runs);
        runs.resize(rule.longest(), Run::default());
        if rule.time().is_some() {
            self.times.push_back(at);
        }
        let mut needed = 0;
        for (length, run) in (1..).zip(&mut runs) {
            if self.before(length) == Some(activity) {
                run.equal += 1;
            } else {
                *run = Run::default();
            }
            let least = rule.rounds() * length;
            if let Some(within) = rule.time()
                && run.equal + length >= least
            {
                let first = self.times.len().checked_sub(least).and_then(|place| self.times.get(place));
                run.near |= first.is_some_and(|&first| at.saturating_sub(first) <= within);
            }
            needed = needed.max(least.min(run.equal + length));
        }
        self.runs = runs;
        while self.times.len() > needed {
            self.times.pop_front();
        }
        self.recent.push_back(activity);
        if self.recent.len() > rule.longest() {
            self.recent.pop_front();
        }
        self.at = at;
    }
}

/// Counts loops of one customer, and whether they met each before.
fn count(
    counts: &mut BTreeMap<Vec<u16>, LoopTally>,
    ended: Vec<(Vec<u16>, usize)>,
    mut is_new: impl FnMut(&Vec<u16>) -> bool,
) {
    for (round, rounds) in ended {
        let new = u64::from(is_new(&round));
        let tally = counts.entry(round).or_default();
        tally.journeys += new;
        tally.customers += new;
        tally.loops += 1;
        tally.most_rounds = tally.most_rounds.max(rounds);
    }
}

impl LoopsBuilder {
    /// No events yet. Parts that will be merged need the same names and the same rule.
    pub fn new(names: Activities, rule: LoopRule) -> Self {
        Self { names, rule, counts: BTreeMap::new(), ties: 0, customers: HashMap::default() }
    }

    /// Follows an event.
    ///
    /// # Arguments
    /// `at`: microseconds since 1970. `activity`: a code of the names given to [`new`](Self::new).
    ///
    /// # Errors
    /// [`JourneyError::UnknownActivity`] (row 0); [`JourneyError::TimeGoesBackwards`] when the customer's event before
    /// is later. A refused event changes nothing.
    pub fn push(&mut self, customer: CustomerId, at: i64, activity: u16) -> Result<(), JourneyError> {
        let known = self.names.len();
        if usize::from(activity) >= known {
            return Err(JourneyError::UnknownActivity { row: 0, code: activity, known });
        }
        let rounds = match self.customers.entry(customer) {
            Entry::Occupied(entry) if entry.get().at > at => {
                return Err(backwards(customer, entry.get().at, at));
            }
            Entry::Occupied(entry) => {
                let rounds = entry.into_mut();
                self.ties += u64::from(rounds.at == at);
                rounds
            }
            Entry::Vacant(entry) => entry.insert(Rounds::default()),
        };
        let ended = rounds.all_ended(&self.rule, Some(activity));
        count(&mut self.counts, ended, |round| rounds.met.insert(round.clone()));
        rounds.go_on(&self.rule, at, activity);
        Ok(())
    }

    /// Adds a part that holds other customers. Associative and commutative.
    ///
    /// # Errors
    /// [`JourneyError::DifferentRules`] for other names or another rule; [`JourneyError::SharedCustomer`]. Nothing was
    /// added then.
    pub fn merge(&mut self, other: Self) -> Result<(), JourneyError> {
        if self.names != other.names {
            return Err(JourneyError::DifferentRules { setting: "activities" });
        }
        if self.rule != other.rule {
            return Err(JourneyError::DifferentRules { setting: "rule" });
        }
        let both = other.customers.keys().filter(|id| self.customers.contains_key(id)).min();
        if let Some(&customer) = both {
            return Err(shared(customer));
        }
        for (round, more) in other.counts {
            self.counts.entry(round).or_default().add(more);
        }
        self.customers.extend(other.customers);
        self.ties += other.ties;
        Ok(())
    }

    /// The loops of all events so far. More events may be pushed afterwards.
    ///
    /// # Cost
    /// O(customers times `longest`).
    pub fn loops(&self) -> Loops {
        let (mut counts, mut looping) = (self.counts.clone(), 0);
        for rounds in self.customers.values() {
            let ended = rounds.all_ended(&self.rule, None);
            looping += u64::from(!ended.is_empty() || !rounds.met.is_empty());
            count(&mut counts, ended, |round| !rounds.met.contains(round));
        }
        let totals = (self.customers.len() as u64, looping, self.ties);
        Loops::counted(self.names.clone(), self.rule, counts, totals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::JourneyLog;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn id(number: u32) -> CustomerId {
        CustomerId::derive(&[&number.to_string()])
    }

    fn names() -> Activities {
        Activities::new(["a", "b", "c"]).unwrap()
    }

    #[test]
    fn refuses_what_a_log_would_have_sorted_or_never_held() {
        let mut builder = LoopsBuilder::new(names(), LoopRule::new(2, 2).unwrap());
        builder.push(id(1), 5, 0).unwrap();
        assert_eq!(
            builder.push(id(1), 6, 3),
            Err(JourneyError::UnknownActivity { row: 0, code: 3, known: 3 })
        );
        assert_eq!(builder.push(id(1), 4, 0), Err(backwards(id(1), 5, 4)));
        assert_eq!((builder.loops().journeys(), builder.loops().ranked()), (1, vec![]));
        assert_eq!(builder.merge(builder.clone()), Err(shared(id(1))));
        let other = LoopsBuilder::new(names(), LoopRule::new(3, 2).unwrap());
        assert_eq!(builder.merge(other), Err(JourneyError::DifferentRules { setting: "rule" }));
        let other = LoopsBuilder::new(Activities::new(["a"]).unwrap(), LoopRule::new(2, 2).unwrap());
        assert_eq!(builder.merge(other), Err(JourneyError::DifferentRules { setting: "activities" }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn one_at_a_time_and_merged_parts_equal_the_batch(
            rows in prop::collection::vec((0_u32..4, 0_i64..3, prop_oneof![4 => 0_u16..2, 1 => Just(2)]), 0..80),
            longest in 1_usize..7,
            rounds in 2_usize..4,
            within in prop::option::of(0_i64..20),
            peek in 0_usize..80,
        ) {
            let mut rule = LoopRule::new(longest, rounds).unwrap();
            if let Some(within) = within {
                rule = rule.within(TimeDelta::microseconds(within)).unwrap();
            }
            let mut time = 0;
            let rows: Vec<_> = rows.into_iter().map(|(customer, gap, activity)| {
                time += gap;
                (customer, time, activity)
            }).collect();
            let batch = |rows: &[(u32, i64, u16)]| {
                let customers: Vec<u32> = rows.iter().map(|row| row.0).collect();
                let times: Vec<i64> = rows.iter().map(|row| row.1).collect();
                let activities: Vec<u16> = rows.iter().map(|row| row.2).collect();
                let log = JourneyLog::from_columns(&customers, &times, &activities, names()).unwrap();
                Loops::from_log(&log, rule)
            };
            let mut whole = LoopsBuilder::new(names(), rule);
            let mut parts = [whole.clone(), whole.clone(), whole.clone()];
            for (place, &(customer, at, activity)) in rows.iter().enumerate() {
                if place == peek {
                    prop_assert_eq!(whole.loops(), batch(&rows[..place]));
                }
                whole.push(id(customer), at, activity).unwrap();
                parts[customer as usize % 3].push(id(customer), at, activity).unwrap();
            }
            let expected = batch(&rows);
            prop_assert_eq!(&whole.loops(), &expected);
            let [one, two, three] = parts;
            let (mut left, mut right) = (one.clone(), three.clone());
            left.merge(two.clone()).unwrap();
            left.merge(three).unwrap();
            right.merge(two).unwrap();
            right.merge(one).unwrap();
            prop_assert_eq!(&left.loops(), &expected);
            prop_assert_eq!(&right.loops(), &expected);
        }
    }
}
