//! A lived journey laid along the designed one.

use super::graph::between;
use super::{Activities, DesignedJourney, Journey, JourneyLog};
use crate::measure::Share;
use serde::{Deserialize, Serialize};

/// Whether a journey may still go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It is over: steps that are missing at its end were skipped.
    Complete,
    /// It may go on: steps that have not come yet are not missed (censored).
    Open,
}

/// Where a lived journey differs from the designed one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
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
        #[serde(rename = "allowed_us")]
        allowed: u64,
        /// The time it took, in microseconds.
        #[serde(rename = "took_us")]
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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replay {
    customer: u32,
    ending: Ending,
    fitness: Share,
    ties: u64,
    deviations: Vec<Deviation>,
}

impl Replay {
    /// The code of the customer.
    pub const fn customer(&self) -> u32 {
        self.customer
    }

    /// Whether the journey was taken to be over.
    pub const fn ending(&self) -> Ending {
        self.ending
    }

    /// How much of it is as designed: 1 less the steps skipped and inserted over those of the whole journey and the
    /// shortest designed one. A step in the wrong order is both. Lateness does not lower it.
    pub const fn fitness(&self) -> Share {
        self.fitness
    }

    /// How many pairs of neighbouring events happened at one instant, so that their order is that of the input.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// Every difference, in the order in which it shows.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// Whether the journey is wholly as designed.
    pub fn fits(&self) -> bool {
        self.deviations.is_empty()
    }
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
    /// Lays a lived journey along the nearest designed path: the one with the fewest steps skipped and events inserted.
    ///
    /// Of equally near ones, a match is preferred to an insertion, and that to a skip, from the end; so the answer is
    /// always the same. A step is late only when the step before it on the path happened too.
    ///
    /// # Arguments
    /// `names`: those of the log.
    ///
    /// # Cost
    /// O(events times designed moves).
    pub fn replay(&self, names: &Activities, journey: Journey<'_>, ending: Ending) -> Replay {
        let step = |&code: &u16| self.names.iter().position(|name| name == names.name(code));
        self.replay_steps(names, journey, &journey.activities().iter().map(step).collect::<Vec<_>>(), ending)
    }

    /// As [`replay`](Self::replay), for every journey of a log.
    ///
    /// # Arguments
    /// `ending`: whether a journey may still go on.
    pub fn replays<'a>(
        &'a self,
        log: &'a JourneyLog,
        ending: impl Fn(Journey<'_>) -> Ending + 'a,
    ) -> impl Iterator<Item = Replay> + 'a {
        let names = log.activities();
        let places: Vec<Option<usize>> =
            names.iter().map(|(_, known)| self.names.iter().position(|name| name == known)).collect();
        log.journeys().map(move |journey| {
            let step = |&code: &u16| places.get(usize::from(code)).copied().flatten();
            let lived: Vec<Option<usize>> = journey.activities().iter().map(step).collect();
            self.replay_steps(names, journey, &lived, ending(journey))
        })
    }

    fn replay_steps(
        &self,
        names: &Activities,
        journey: Journey<'_>,
        lived: &[Option<usize>],
        ending: Ending,
    ) -> Replay {
        let alignment = self.align(lived);
        let last_row = alignment.last().map(Vec::as_slice).unwrap_or_default();
        let reached = |place: usize| last_row.get(place).map_or(FAR, |cell| cell.0);
        let inserted_all = u32::try_from(lived.len()).unwrap_or(FAR);
        // A complete journey must reach a last step; an open one may stand anywhere, even before the first.
        let ends = self.order.iter().enumerate().filter(|&(_, &place)| {
            ending == Ending::Open || self.steps.get(place).is_some_and(|step| step.to.is_empty())
        });
        // Of equally near ends the furthest along: who is there has skipped something, rather than done what nobody
        // designed.
        let best = ends.min_by_key(|&(rank, &place)| (reached(place), std::cmp::Reverse(rank)));
        let best = best.map(|(_, &place)| place);
        let end = match best {
            Some(place) if ending == Ending::Complete || reached(place) <= inserted_all => place,
            _ => NOWHERE,
        };
        let cost = if end == NOWHERE { inserted_all } else { reached(end) };
        debug_assert!(cost < FAR, "some path is always reached");
        let shortest = if ending == Ending::Open { 0 } else { self.shortest() };
        let whole = u64::from(inserted_all) + u64::from(shortest);
        let fitness =
            Share::of(u64::from(cost).min(whole), whole).ok().flatten().unwrap_or_default().complement();
        let deviations = self.deviations(names, journey, lived, &alignment, end);
        let later = journey.times().iter().skip(1);
        let ties = journey.times().iter().zip(later).map(|(one, two)| u64::from(one == two)).sum();
        Replay { customer: journey.customer(), ending, fitness, ties, deviations }
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
}
