use super::graph::{between, estimate};
use super::{Activities, Journey, JourneyError, JourneyLog};
use crate::measure::{Estimate, Share};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// The journey as it was meant: which step may follow which, within what time. A small graph without circles; every
/// path from a first to a last step is as it should be.
///
/// # Example
/// ```
/// use chrono::TimeDelta;
/// use patronage::journey::{DesignedJourney, Deviation, Ending, JourneyLog};
///
/// let designed = DesignedJourney::new(["order", "pay", "deliver"])?
///     .step("order", "pay", Some(TimeDelta::days(1)))?
///     .step("pay", "deliver", Some(TimeDelta::days(3)))?
///     .checked()?;
/// let day = 86_400_000_000;
/// let log = JourneyLog::from_events([(1, 0, "order"), (1, 1, "complain"), (1, 5 * day, "deliver")], 10)?;
/// let replay = designed.replay(log.activities(), log.journeys().next().unwrap(), Ending::Complete);
/// let said: Vec<String> = replay.deviations.iter().map(|one| one.to_string()).collect();
/// assert_eq!(said, ["skipped `pay`", "inserted `complain`"]);
/// assert_eq!(replay.fitness.get(), 1.0 - 2.0 / 6.0);
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
///
/// Source: J. Carmona, B. van Dongen, A. Solti, M. Weidlich, "Conformance Checking" (2018), alignments; G. Bernard,
/// P. Andritsos, "A process mining based model for customer journey mapping" (`CAiSE` Forum 2017).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesignedJourney {
    names: Vec<String>,
    steps: Vec<Step>,
    /// Steps in an order in which each comes after all that lead to it; empty until checked.
    order: Vec<usize>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Step {
    /// What leads here, and within how many microseconds.
    from: Vec<(usize, Option<u64>)>,
    to: Vec<usize>,
    repeatable: bool,
}

/// Whether a journey may still go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// It is over: steps that are missing at its end were skipped.
    Complete,
    /// It may go on: steps that have not come yet are not missed (censored).
    Open,
}

/// Where a lived journey differs from the designed one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Deviation {
    /// A designed step did not happen.
    Skipped {
        /// The step.
        step: String,
    },
    /// Something happened that no path has there.
    Inserted {
        /// The activity.
        activity: String,
    },
    /// A designed step happened, but at another place.
    WrongOrder {
        /// The step.
        step: String,
    },
    /// A step came later than allowed after the one before it.
    Late {
        /// The step.
        step: String,
        /// The allowed time, in microseconds.
        allowed: u64,
        /// The time it took, in microseconds.
        took: u64,
    },
}

impl std::fmt::Display for Deviation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Skipped { step } => write!(f, "skipped `{step}`"),
            Self::Inserted { activity } => write!(f, "inserted `{activity}`"),
            Self::WrongOrder { step } => write!(f, "`{step}` in the wrong order"),
            Self::Late { step, allowed, took } => {
                let seconds = |microseconds: u64| microseconds / 1_000_000;
                write!(f, "`{step}` late: {} s, allowed {} s", seconds(*took), seconds(*allowed))
            }
        }
    }
}

/// A lived journey laid along the designed one.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The code of the customer.
    pub customer: u32,
    /// How much of it is as designed: 1 less the steps skipped and inserted over those of the whole journey and the
    /// shortest designed one. A step in the wrong order is both. Lateness does not lower it.
    pub fitness: Share,
    /// Every difference, in the order in which it shows.
    pub deviations: Vec<Deviation>,
}

impl Replay {
    /// Whether the journey is wholly as designed.
    pub fn fits(&self) -> bool {
        self.deviations.is_empty()
    }
}

/// How far all journeys of a log are as designed.
#[derive(Clone, Debug, PartialEq)]
pub struct Conformance {
    /// The share of journeys that fit wholly, with the Wilson interval; `None` without journeys.
    pub fitting: Option<Estimate>,
    /// The mean fitness; `None` without journeys.
    pub mean_fitness: Option<f64>,
    /// In how many journeys each step was skipped.
    pub skipped: BTreeMap<String, u64>,
    /// In how many journeys each activity was inserted.
    pub inserted: BTreeMap<String, u64>,
    /// In how many journeys each step came in the wrong order.
    pub wrong_order: BTreeMap<String, u64>,
    /// In how many journeys each step was late.
    pub late: BTreeMap<String, u64>,
}

/// How a cell of the alignment was reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    None,
    /// The event is the step, reached from another (`usize::MAX`: from the beginning).
    Match(usize),
    /// The event is inserted.
    Insert,
    /// The step is skipped, reached from another.
    Skip(usize),
}

const NOWHERE: usize = usize::MAX;
const FAR: u32 = u32::MAX / 2;

impl DesignedJourney {
    /// Takes the names of the steps.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] for none or more than 1,000; [`JourneyError::DuplicateActivity`].
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Result<Self, JourneyError> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if !(1..=1_000).contains(&names.len()) {
            return Err(JourneyError::Setting { setting: "steps", rule: "must be 1 to 1,000" });
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some((name, _)) = sorted.iter().zip(sorted.iter().skip(1)).find(|(a, b)| a == b) {
            return Err(JourneyError::DuplicateActivity { name: (*name).clone() });
        }
        let steps = vec![Step::default(); names.len()];
        Ok(Self { names, steps, order: Vec::new() })
    }

    /// Allows a step to follow another directly, at most `within` later.
    ///
    /// # Errors
    /// [`JourneyError::UnknownStep`]; [`JourneyError::Circle`] for a step after itself (see
    /// [`repeatable`](Self::repeatable)); [`JourneyError::Setting`] for a limit that is not positive.
    pub fn step(mut self, from: &str, to: &str, within: Option<TimeDelta>) -> Result<Self, JourneyError> {
        let (from, place) = (self.place(from)?, self.place(to)?);
        if from == place {
            return Err(JourneyError::Circle { name: to.to_owned() });
        }
        let within = match within {
            None => None,
            Some(within) if within > TimeDelta::zero() => {
                Some(within.num_microseconds().map_or(u64::MAX, i64::unsigned_abs))
            }
            Some(_) => return Err(JourneyError::Setting { setting: "within", rule: "must be positive" }),
        };
        if let Some(step) = self.steps.get_mut(place) {
            step.from.retain(|&(before, _)| before != from);
            step.from.push((from, within));
        }
        if let Some(step) = self.steps.get_mut(from)
            && !step.to.contains(&place)
        {
            step.to.push(place);
        }
        Ok(self)
    }

    /// Allows a step to happen several times in a row.
    ///
    /// # Errors
    /// [`JourneyError::UnknownStep`].
    pub fn repeatable(mut self, name: &str) -> Result<Self, JourneyError> {
        let place = self.place(name)?;
        if let Some(step) = self.steps.get_mut(place) {
            step.repeatable = true;
        }
        Ok(self)
    }

    fn place(&self, name: &str) -> Result<usize, JourneyError> {
        self.names
            .iter()
            .position(|known| known == name)
            .ok_or_else(|| JourneyError::UnknownStep { name: name.to_owned() })
    }

    /// Checks the design: the first steps are those nothing leads to, the last those that lead nowhere.
    ///
    /// # Errors
    /// [`JourneyError::Circle`] names a step of a circle. (Without circles every step lies on a path from a first to a
    /// last step.)
    pub fn checked(mut self) -> Result<Self, JourneyError> {
        let mut missing: Vec<usize> = self.steps.iter().map(|step| step.from.len()).collect();
        let mut order: Vec<usize> =
            missing.iter().enumerate().filter(|(_, left)| **left == 0).map(|(place, _)| place).collect();
        let mut done = 0;
        while let Some(&place) = order.get(done) {
            done += 1;
            for &next in self.steps.get(place).map(|step| step.to.as_slice()).unwrap_or_default() {
                if let Some(left) = missing.get_mut(next) {
                    *left -= 1;
                    if *left == 0 {
                        order.push(next);
                    }
                }
            }
        }
        if order.len() < self.steps.len() {
            let place = missing.iter().position(|&left| left > 0).unwrap_or(0);
            return Err(JourneyError::Circle { name: self.names.get(place).cloned().unwrap_or_default() });
        }
        self.order = order;
        Ok(self)
    }

    /// The names of the steps.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Lays a lived journey along the nearest designed path: the one with the fewest steps skipped and events inserted.
    ///
    /// Of equally near ones, a match is preferred to an insertion, and that to a skip, from the end; so the answer is
    /// always the same. A step is late only when the step before it on the path happened too. A design that was not
    /// [`checked`](Self::checked) has no steps.
    ///
    /// # Arguments
    /// `names`: those of the log.
    ///
    /// # Cost
    /// O(events times designed moves).
    pub fn replay(&self, names: &Activities, journey: Journey<'_>, ending: Ending) -> Replay {
        let lived: Vec<Option<usize>> = journey
            .activities()
            .iter()
            .map(|&code| self.names.iter().position(|name| name == names.name(code)))
            .collect();
        let width = self.steps.len();
        let alignment = self.align(&lived);
        let last_row = alignment.last().map(Vec::as_slice).unwrap_or_default();
        let reached = |place: usize| last_row.get(place).map_or(FAR, |cell| cell.0);
        let inserted_all = u32::try_from(lived.len()).unwrap_or(FAR);
        // A complete journey must reach a last step; an open one may stand anywhere, even before the first.
        let ends = self.order.iter().copied().filter(|&place| {
            ending == Ending::Open || self.steps.get(place).is_some_and(|step| step.to.is_empty())
        });
        let best = ends.min_by_key(|&place| (reached(place), place));
        let end = match best {
            Some(place) if ending == Ending::Complete || reached(place) <= inserted_all => place,
            _ => NOWHERE,
        };
        let cost = if end == NOWHERE { inserted_all } else { reached(end) };
        debug_assert!(width == 0 || cost < FAR, "some path is always reached");
        let shortest = if ending == Ending::Open { 0 } else { self.shortest() };
        let whole = u64::from(inserted_all) + u64::from(shortest);
        let fitness =
            Share::of(u64::from(cost).min(whole), whole).ok().flatten().unwrap_or_default().complement();
        let deviations = self.deviations(names, journey, &lived, &alignment, end);
        Replay { customer: journey.customer(), fitness, deviations }
    }

    /// The least cost of having seen the first events and stand at each step, and the move that led there.
    fn align(&self, lived: &[Option<usize>]) -> Vec<Vec<(u32, Move)>> {
        let width = self.steps.len();
        let mut rows: Vec<Vec<(u32, Move)>> = Vec::with_capacity(lived.len() + 1);
        for seen in 0..=lived.len() {
            let mut row = vec![(FAR, Move::None); width];
            let event = seen.checked_sub(1).and_then(|place| lived.get(place).copied().flatten());
            let above = seen.checked_sub(1).and_then(|place| rows.get(place));
            let inserted = |count: usize| u32::try_from(count).unwrap_or(FAR);
            for &place in &self.order {
                let Some(step) = self.steps.get(place) else { continue };
                let mut best = (FAR, Move::None);
                let mut offer = |cost: u32, by: Move| {
                    if cost < best.0 {
                        best = (cost, by);
                    }
                };
                let first = step.from.is_empty();
                if let Some(above) = above {
                    let before = |from: usize| above.get(from).map_or(FAR, |cell| cell.0);
                    if event == Some(place) {
                        if first {
                            offer(inserted(seen - 1), Move::Match(NOWHERE));
                        }
                        for &(from, _) in &step.from {
                            offer(before(from), Move::Match(from));
                        }
                        if step.repeatable {
                            offer(before(place), Move::Match(place));
                        }
                    }
                    offer(before(place).saturating_add(1), Move::Insert);
                }
                if first {
                    offer(inserted(seen).saturating_add(1), Move::Skip(NOWHERE));
                }
                for &(from, _) in &step.from {
                    offer(row.get(from).map_or(FAR, |cell| cell.0).saturating_add(1), Move::Skip(from));
                }
                if let Some(cell) = row.get_mut(place) {
                    *cell = best;
                }
            }
            rows.push(row);
        }
        rows
    }

    /// The number of steps of the shortest designed path.
    fn shortest(&self) -> u32 {
        let mut lengths = vec![FAR; self.steps.len()];
        let mut shortest = FAR;
        for &place in &self.order {
            let Some(step) = self.steps.get(place) else { continue };
            let before =
                step.from.iter().filter_map(|&(from, _)| lengths.get(from).copied()).min().unwrap_or(0);
            let length = before.saturating_add(1);
            if let Some(own) = lengths.get_mut(place) {
                *own = length;
            }
            if step.to.is_empty() {
                shortest = shortest.min(length);
            }
        }
        if shortest == FAR { 0 } else { shortest }
    }

    /// Walks the alignment back and names what differs.
    fn deviations(
        &self,
        names: &Activities,
        journey: Journey<'_>,
        lived: &[Option<usize>],
        alignment: &[Vec<(u32, Move)>],
        end: usize,
    ) -> Vec<Deviation> {
        let mut skipped: Vec<usize> = Vec::new();
        // From the end: what happened, and the step it stands at.
        let mut walk: Vec<(Move, usize, usize)> = Vec::new();
        let (mut place, mut seen) = (end, lived.len());
        while place != NOWHERE {
            let by = alignment.get(seen).and_then(|row| row.get(place)).map_or(Move::None, |cell| cell.1);
            walk.push((by, place, seen));
            match by {
                Move::Match(from) => (place, seen) = (from, seen.saturating_sub(1)),
                Move::Insert => seen = seen.saturating_sub(1),
                Move::Skip(from) => {
                    skipped.push(place);
                    place = from;
                }
                Move::None => break,
            }
        }
        for inserted in (1..=seen).rev() {
            walk.push((Move::Insert, NOWHERE, inserted));
        }
        let name = |place: usize| self.names.get(place).cloned().unwrap_or_default();
        let mut moved = vec![false; self.steps.len()];
        // A step that was skipped here and inserted there came in the wrong order: said once, where it came.
        let swapped = |event: Option<usize>, moved: &mut Vec<bool>| {
            let place = event.filter(|place| skipped.contains(place))?;
            let first = moved.get_mut(place).filter(|moved| !**moved)?;
            *first = true;
            Some(place)
        };
        let event = |seen: usize| seen.checked_sub(1).and_then(|at| lived.get(at).copied().flatten());
        let wrong: Vec<Option<usize>> = walk
            .iter()
            .rev()
            .map(|&(by, _, seen)| if by == Move::Insert { swapped(event(seen), &mut moved) } else { None })
            .collect();
        let mut found = Vec::new();
        // The step that happened last, and when, where the path has it directly before.
        let mut before: Option<(usize, i64)> = None;
        for (&(by, place, seen), wrong) in walk.iter().rev().zip(wrong) {
            let at = seen.checked_sub(1).and_then(|at| journey.times().get(at).copied());
            match by {
                Move::Insert => {
                    let code = seen.checked_sub(1).and_then(|at| journey.activities().get(at).copied());
                    found.extend(match (wrong, code) {
                        (Some(step), _) => Some(Deviation::WrongOrder { step: name(step) }),
                        (None, Some(code)) => {
                            Some(Deviation::Inserted { activity: names.name(code).to_owned() })
                        }
                        (None, None) => None,
                    });
                }
                Move::Skip(_) => {
                    before = None;
                    if moved.get(place) != Some(&true) {
                        found.push(Deviation::Skipped { step: name(place) });
                    }
                }
                Move::Match(from) => {
                    let limit = self.steps.get(place).and_then(|step| {
                        step.from.iter().find(|&&(other, _)| other == from).and_then(|&(_, within)| within)
                    });
                    if let (Some((last, since)), Some(at), Some(allowed)) = (before, at, limit)
                        && last == from
                    {
                        let took = between(since, at);
                        if took > allowed {
                            found.push(Deviation::Late { step: name(place), allowed, took });
                        }
                    }
                    before = at.map(|at| (place, at));
                }
                Move::None => {}
            }
        }
        found
    }

    /// Replays every journey of a log.
    ///
    /// # Arguments
    /// `ending`: whether a journey may still go on. `level`: of the interval, for example 0.95.
    pub fn conformance(
        &self,
        log: &JourneyLog,
        ending: impl Fn(Journey<'_>) -> Ending,
        level: Share,
    ) -> Conformance {
        let mut all = Conformance {
            fitting: None,
            mean_fitness: None,
            skipped: BTreeMap::new(),
            inserted: BTreeMap::new(),
            wrong_order: BTreeMap::new(),
            late: BTreeMap::new(),
        };
        let (mut fitting, mut count) = (0, 0_u32);
        let mut total = 0.0;
        for chunk in log.journeys().collect::<Vec<_>>().chunks(4_096) {
            let mut sum = 0.0;
            for &journey in chunk {
                let replay = self.replay(log.activities(), journey, ending(journey));
                fitting += u64::from(replay.fits());
                count = count.saturating_add(1);
                sum += replay.fitness.get();
                let mut said = replay.deviations;
                said.sort_unstable();
                said.dedup_by(|a, b| match (a, b) {
                    (Deviation::Late { step: one, .. }, Deviation::Late { step: two, .. }) => one == two,
                    (one, two) => one == two,
                });
                for deviation in said {
                    let (counts, name) = match deviation {
                        Deviation::Skipped { step } => (&mut all.skipped, step),
                        Deviation::Inserted { activity } => (&mut all.inserted, activity),
                        Deviation::WrongOrder { step } => (&mut all.wrong_order, step),
                        Deviation::Late { step, .. } => (&mut all.late, step),
                    };
                    *counts.entry(name).or_insert(0) += 1;
                }
            }
            total += sum;
        }
        all.fitting = estimate(fitting, u64::from(count), level);
        all.mean_fitness = (count > 0).then(|| total / f64::from(count));
        all
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "there are few steps")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000_000;

    fn designed() -> DesignedJourney {
        // a, then b or c, then d; d may be repeated.
        DesignedJourney::new(["a", "b", "c", "d"])
            .unwrap()
            .step("a", "b", Some(TimeDelta::hours(2)))
            .and_then(|it| it.step("a", "c", None))
            .and_then(|it| it.step("b", "d", None))
            .and_then(|it| it.step("c", "d", None))
            .and_then(|it| it.repeatable("d"))
            .and_then(DesignedJourney::checked)
            .unwrap()
    }

    fn replay(lived: &[&str], hours: i64, ending: Ending) -> Replay {
        let rows = (0..).zip(lived).map(|(n, &name)| (1, n * hours * HOUR, name));
        let log = JourneyLog::from_events(rows, 20).unwrap();
        let journey = log.journeys().next().unwrap();
        designed().replay(log.activities(), journey, ending)
    }

    fn said(lived: &[&str], ending: Ending) -> Vec<String> {
        replay(lived, 1, ending).deviations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn says_what_differs() {
        assert!(said(&["a", "b", "d"], Ending::Complete).is_empty());
        assert!(said(&["a", "c", "d", "d", "d"], Ending::Complete).is_empty());
        assert_eq!(said(&["a", "d"], Ending::Complete).len(), 1);
        assert_eq!(said(&["a", "x", "b", "d"], Ending::Complete), ["inserted `x`"]);
        assert_eq!(said(&["b", "d"], Ending::Complete), ["skipped `a`"]);
        assert_eq!(said(&["b", "a", "d"], Ending::Complete), ["`a` in the wrong order"]);
        assert_eq!(said(&["a", "a", "b", "d"], Ending::Complete), ["inserted `a`"]);
        assert_eq!(said(&["x"], Ending::Complete).len(), 4);
        assert_eq!(said(&["a"], Ending::Complete).len(), 2);
        assert!(said(&["a"], Ending::Open).is_empty());
        assert_eq!(said(&["x"], Ending::Open), ["inserted `x`"]);
        assert_eq!(said(&["d"], Ending::Open).len(), 1);
    }

    #[test]
    fn lateness_is_said_where_both_steps_happened() {
        let late = replay(&["a", "b", "d"], 3, Ending::Complete);
        assert_eq!(late.deviations.len(), 1);
        assert_eq!(late.deviations[0].to_string(), "`b` late: 10800 s, allowed 7200 s");
        assert_eq!(late.fitness, Share::ONE);
        assert!(replay(&["a", "b", "d"], 2, Ending::Complete).fits());
        assert!(replay(&["a", "c", "d"], 9, Ending::Complete).fits());
    }

    #[test]
    fn designs_are_checked() {
        let two = || DesignedJourney::new(["a", "b"]).unwrap();
        let circle = two().step("a", "b", None).and_then(|it| it.step("b", "a", None)).unwrap().checked();
        assert_eq!(circle, Err(JourneyError::Circle { name: "a".into() }));
        assert_eq!(two().step("a", "a", None), Err(JourneyError::Circle { name: "a".into() }));
        assert_eq!(two().step("a", "z", None), Err(JourneyError::UnknownStep { name: "z".into() }));
        assert!(two().step("a", "b", Some(TimeDelta::zero())).is_err());
        assert!(DesignedJourney::new(["a", "a"]).is_err());
        assert!(DesignedJourney::new(Vec::<String>::new()).is_err());
    }

    #[test]
    fn a_log_is_summed_up() {
        let rows =
            [(1, 0, "a"), (1, 1, "b"), (1, 2, "d"), (2, 0, "a"), (2, 1, "x"), (2, 2, "x"), (2, 3, "d")];
        let log = JourneyLog::from_events(rows, 20).unwrap();
        let level = Share::new(0.95).unwrap();
        let all = designed().conformance(&log, |_| Ending::Complete, level);
        assert_eq!(all.fitting.map(|share| (share.value(), share.n())), Some((0.5, 2)));
        assert_eq!(all.inserted, [("x".to_owned(), 1)].into());
        assert_eq!(all.skipped.values().sum::<u64>(), 1);
        let empty = JourneyLog::from_events(Vec::<(u8, i64, String)>::new(), 20).unwrap();
        assert_eq!(designed().conformance(&empty, |_| Ending::Complete, level).mean_fitness, None);
    }

    /// The least number of skips and insertions: all designed paths against the journey, by longest common subsequence.
    fn least(lived: &[u8]) -> usize {
        let paths = [b"ab".to_vec(), b"ac".to_vec()].into_iter().flat_map(|path| {
            (1..=lived.len().max(1)).map(move |times| [path.clone(), vec![b'd'; times]].concat())
        });
        let distance = |path: &[u8]| {
            let mut row: Vec<usize> = (0..=path.len()).collect();
            for (i, event) in lived.iter().enumerate() {
                let mut next = vec![i + 1];
                for (j, step) in path.iter().enumerate() {
                    let matched = if event == step { row[j] } else { usize::MAX };
                    next.push(matched.min(row[j + 1] + 1).min(next[j] + 1));
                }
                row = next;
            }
            row[path.len()]
        };
        paths.map(|path| distance(&path)).min().unwrap()
    }

    proptest! {
        #[test]
        fn the_nearest_path_is_found(lived in "[abcdx]{1,7}") {
            let names: Vec<String> = lived.chars().map(String::from).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let found = replay(&names, 1, Ending::Complete);
            let cost: usize = found.deviations.iter().map(|one| match one {
                Deviation::WrongOrder { .. } => 2,
                Deviation::Late { .. } => 0,
                _ => 1,
            }).sum();
            prop_assert_eq!(cost, least(lived.as_bytes()), "{}: {:?}", lived, found);
            let whole = lived.len() + 3;
            prop_assert!((found.fitness.get() - (1.0 - cost as f64 / whole as f64)).abs() < 1e-15);
        }
    }
}
