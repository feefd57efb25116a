//! Paths as a Markov chain, and how likely it converts with and without a channel.

use super::attribution_paths::places;
use super::{ConversionPaths, JourneyError, NullPaths};
use std::collections::HashMap;

/// Chains of at most this many states are solved by elimination, larger ones by bounds that close in from both sides.
const DENSE: usize = 200;
const MOST_SWEEPS: usize = 20_000;
const UNKNOWN: u32 = u32::MAX;

/// The last few touches, the newest in the lowest 16 bits, each plus one; 0 where there was none.
type Recent = u128;

/// Counts of moves between states; a state is the last touches, as many as the order, or fewer at the beginning.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    channels: usize,
    states: Vec<Recent>,
    /// For each state and channel: the state it leads to, and how many customers went.
    next: Vec<u32>,
    moves: Vec<u64>,
    starts: Vec<u64>,
    converted: Vec<u64>,
    lost: Vec<u64>,
}

impl Chain {
    /// `channels` are those of the paths, ascending.
    pub(super) fn new(paths: &ConversionPaths, channels: &[u16], order: u8, nulls: NullPaths) -> Self {
        let places = places(channels);
        let mask = (1_u128 << (u32::from(order) * 17)) - 1;
        let mut chain = Self {
            channels: channels.len(),
            states: Vec::new(),
            next: Vec::new(),
            moves: Vec::new(),
            starts: Vec::new(),
            converted: Vec::new(),
            lost: Vec::new(),
        };
        let mut known: HashMap<Recent, u32> = HashMap::new();
        for path in paths.iter() {
            let lost = if nulls == NullPaths::Counted { path.outcome.nulls } else { 0 };
            let weight = path.outcome.conversions + lost;
            let mut state: Option<usize> = None;
            for &touch in path.touches.iter().filter(|_| weight > 0) {
                let place = places.get(usize::from(touch)).copied().unwrap_or_default();
                let slot = state.map(|state| state * chain.channels + place);
                let seen =
                    slot.and_then(|slot| chain.next.get(slot)).copied().filter(|&next| next != UNKNOWN);
                let next = seen.map_or_else(
                    || {
                        let recent = state.and_then(|state| chain.states.get(state)).copied().unwrap_or(0);
                        chain.place(&mut known, ((recent << 17) | (place as u128 + 1)) & mask)
                    },
                    |seen| seen as usize,
                );
                if let Some(slot) = slot {
                    if let Some(known) = chain.next.get_mut(slot) {
                        *known = u32::try_from(next).unwrap_or(UNKNOWN);
                    }
                    add(&mut chain.moves, slot, weight);
                } else {
                    add(&mut chain.starts, next, weight);
                }
                state = Some(next);
            }
            if let Some(state) = state {
                add(&mut chain.converted, state, path.outcome.conversions);
                add(&mut chain.lost, state, lost);
            }
        }
        chain
    }

    fn place(&mut self, known: &mut HashMap<Recent, u32>, recent: Recent) -> usize {
        let place = self.states.len();
        let found = *known.entry(recent).or_insert_with(|| u32::try_from(place).unwrap_or(UNKNOWN)) as usize;
        if found == place {
            self.states.push(recent);
            self.next.resize(self.next.len() + self.channels, UNKNOWN);
            self.moves.resize(self.moves.len() + self.channels, 0);
            self.starts.push(0);
            self.converted.push(0);
            self.lost.push(0);
        }
        found
    }

    /// Whether each state holds a touch of the channel.
    fn holds(&self, channel: usize) -> impl Iterator<Item = bool> {
        let wanted = channel as u128 + 1;
        self.states.iter().map(move |&state| (0..4).any(|touch| (state >> (touch * 17)) & 0x1_ffff == wanted))
    }

    /// The probability of a conversion, from the start; where a channel is removed, whoever comes to it is lost.
    ///
    /// # Errors
    /// [`JourneyError::UnsolvedChain`].
    pub(super) fn converts(&self, removed: Option<usize>) -> Result<f64, JourneyError> {
        let mut kept = vec![true; self.states.len()];
        if let Some(channel) = removed {
            for (kept, holds) in kept.iter_mut().zip(self.holds(channel)) {
                *kept = !holds;
            }
        }
        let solved = if self.states.len() <= DENSE { self.eliminate(&kept) } else { self.close_in(&kept) };
        let solved = solved.ok_or(JourneyError::UnsolvedChain { states: self.states.len() })?;
        let (mut sum, mut all) = (0.0, 0.0);
        for (&starts, x) in self.starts.iter().zip(&solved) {
            sum += float(starts) * x;
            all += float(starts);
        }
        Ok(if all > 0.0 { sum / all } else { 0.0 })
    }

    /// The moves of a state: to which, and how many.
    fn row(&self, state: usize) -> impl Iterator<Item = (usize, f64)> {
        let slots = state * self.channels..(state + 1) * self.channels;
        let next = self.next.get(slots.clone()).unwrap_or_default();
        let moves = self.moves.get(slots).unwrap_or_default();
        let known = next.iter().zip(moves).filter(|&(&next, _)| next != UNKNOWN);
        known.map(|(&next, &moves)| (next as usize, float(moves)))
    }

    /// Gauss elimination in the form that never subtracts (Grassmann, Taksar, Heyman), so that no digit cancels.
    fn eliminate(&self, kept: &[bool]) -> Option<Vec<f64>> {
        let n = self.states.len();
        let mut weights = vec![vec![0.0_f64; n]; n];
        let (mut wins, mut losses) = (vec![0.0_f64; n], vec![0.0_f64; n]);
        for (state, row) in weights.iter_mut().enumerate() {
            if !*kept.get(state)? {
                continue;
            }
            *wins.get_mut(state)? = float(*self.converted.get(state)?);
            *losses.get_mut(state)? = float(*self.lost.get(state)?);
            for (next, moves) in self.row(state) {
                if *kept.get(next)? {
                    *row.get_mut(next)? += moves;
                } else {
                    *losses.get_mut(state)? += moves;
                }
            }
        }
        // Takes out the last state: whoever was in it goes where it leads.
        for last in (1..n).rev() {
            let (above, below) = weights.split_at_mut(last);
            let pivot = below.first()?.get(..last)?;
            let (win, loss) = (*wins.get(last)?, *losses.get(last)?);
            let out = pivot.iter().sum::<f64>() + win + loss;
            if out <= 0.0 {
                continue;
            }
            for ((row, wins), losses) in above.iter_mut().zip(&mut wins).zip(&mut losses) {
                let share = *row.get(last)? / out;
                if share > 0.0 {
                    for (cell, pivot) in row.iter_mut().zip(pivot) {
                        *cell += share * pivot;
                    }
                    *wins += share * win;
                    *losses += share * loss;
                }
            }
        }
        let mut solved: Vec<f64> = Vec::with_capacity(n);
        for (state, row) in weights.iter().enumerate() {
            let row = row.get(..state)?;
            let (win, loss) = (*wins.get(state)?, *losses.get(state)?);
            let out = row.iter().sum::<f64>() + win + loss;
            let through = row.iter().zip(&solved).map(|(weight, x)| weight * x).sum::<f64>();
            solved.push(if out > 0.0 { (win + through) / out } else { 0.0 });
        }
        Some(solved)
    }

    /// Gauss-Seidel sweeps from below (nobody converts) and from above (everybody who can still does). Every sweep keeps
    /// the truth between both, so that when they meet the answer is certain.
    fn close_in(&self, kept: &[bool]) -> Option<Vec<f64>> {
        let n = self.states.len();
        let mut rows: Vec<(usize, f64, f64)> = Vec::with_capacity(n);
        let mut cells: Vec<(u32, f64)> = Vec::new();
        let mut ends = Vec::with_capacity(n);
        for state in (0..n).filter(|&state| kept.get(state) == Some(&true)) {
            let stay: f64 = self.row(state).filter(|&(next, _)| next == state).map(|(_, moves)| moves).sum();
            let all: f64 = self.row(state).map(|(_, moves)| moves).sum::<f64>()
                + float(*self.converted.get(state)?)
                + float(*self.lost.get(state)?);
            if all <= stay {
                continue;
            }
            for (next, moves) in self.row(state) {
                if next != state && kept.get(next) == Some(&true) {
                    cells.push((u32::try_from(next).ok()?, moves));
                }
            }
            rows.push((state, float(*self.converted.get(state)?), (all - stay).recip()));
            ends.push(cells.len());
        }
        let mut low = vec![0.0_f64; n];
        let mut high = vec![0.0_f64; n];
        for &(state, ..) in &rows {
            *high.get_mut(state)? = 1.0;
        }
        for sweep in 0..MOST_SWEEPS {
            let mut update = |row: usize| -> Option<f64> {
                let &(state, wins, scale) = rows.get(row)?;
                let from = row.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
                let (mut below, mut above) = (wins, wins);
                for &(next, moves) in cells.get(from..*ends.get(row)?)? {
                    below += moves * low.get(next as usize)?;
                    above += moves * high.get(next as usize)?;
                }
                (*low.get_mut(state)?, *high.get_mut(state)?) = (below * scale, above * scale);
                Some((above - below) * scale)
            };
            let mut gap = 0.0_f64;
            for step in 0..rows.len() {
                let row = if sweep % 2 == 0 { rows.len() - 1 - step } else { step };
                gap = gap.max(update(row)?);
            }
            if gap <= 16.0 * f64::EPSILON {
                return Some(low.iter().zip(&high).map(|(low, high)| 0.5 * (low + high)).collect());
            }
        }
        None
    }
}

fn add(counts: &mut [u64], place: usize, weight: u64) {
    if let Some(count) = counts.get_mut(place) {
        *count += weight;
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "paths hold at most 2^53 customers, times the touches of one path"
)]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::PathOutcome;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_ways_to_solve_agree(
            rows in prop::collection::vec((prop::collection::vec(0_u16..4, 1..9), 0_u64..9, 0_u64..9), 1..20),
            order in 1_u8..=4,
            removed in prop::option::of(0_usize..4),
        ) {
            let mut paths = ConversionPaths::new();
            for (touches, conversions, nulls) in rows {
                paths.push(&touches, PathOutcome { conversions, value: 0.0, nulls }).unwrap();
            }
            let channels = paths.channels();
            let chain = Chain::new(&paths, &channels, order, NullPaths::Counted);
            let kept: Vec<bool> = removed
                .map_or_else(|| vec![true; chain.states.len()], |channel| chain.holds(channel).map(|holds| !holds).collect());
            let (one, two) = (chain.eliminate(&kept).unwrap(), chain.close_in(&kept).unwrap());
            for (one, two) in one.iter().zip(&two) {
                prop_assert!((one - two).abs() < 1e-13, "{} {}", one, two);
            }
            // The chain converts as often as the customers did, at every order.
            if let Some(share) = crate::measure::Share::of(paths.conversions(), paths.conversions() + paths.nulls()).unwrap() {
                prop_assert!((chain.converts(None).unwrap() - share.get()).abs() < 1e-13);
            }
        }
    }
}
