//! The no-U-turn sampler: draws from a density that is known up to a factor, by its slopes.
//!
//! Multinomial sampling along the trajectory, the U-turn criterion of sums of momenta with the checks across halves,
//! and a step size by dual averaging. Written here instead of taking `nuts-rs`: equal seeds give equal bits on every
//! platform (sums in one order, no exp or ln of the platform), and users build some 80 packages fewer.
//!
//! Source: M. D. Hoffman, A. Gelman, "The No-U-Turn Sampler", JMLR 15 (2014); M. Betancourt, "A conceptual introduction
//! to Hamiltonian Monte Carlo" (2017), appendix A.

#[cfg(test)]
mod tests;

use super::linear::{Cholesky, Symmetric};
use super::random::Random;

/// What is asked of the sampler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Draws that only tune the step and the shape of the momenta.
    pub(crate) warm_up: u32,
    /// Draws that are kept.
    pub(crate) draws: u32,
    /// The mean acceptance that the step size is tuned to.
    pub(crate) acceptance: f64,
    /// Trajectories double at most this many times.
    pub(crate) deepest: u32,
}

/// One draw that was kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draw {
    pub(crate) position: Vec<f64>,
    /// The logarithm of the density there.
    pub(crate) ln_density: f64,
    /// How many times the trajectory doubled.
    pub(crate) depth: u32,
    /// Whether the trajectory lost its energy: the step is too large for what is there.
    pub(crate) diverged: bool,
}

/// What one chain came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chain {
    pub(crate) draws: Vec<Draw>,
    /// The mean acceptance over the draws that were kept.
    pub(crate) acceptance: f64,
    /// The step size they were made with.
    pub(crate) step: f64,
    /// How often the density was asked for, warm-up included.
    pub(crate) calls: u64,
}

/// A loss of energy that no usable step has.
const DIVERGED: f64 = 1000.0;
/// With a warm-up below this, the shape of the momenta stays as it was given.
const SHORTEST_TUNING: u32 = 150;
/// The given shape counts as much as so many draws.
const TRUST: f64 = 20.0;

/// Samples one chain from `start`, where the density must not be 0.
///
/// `shape` is a first guess at the covariance, `density` writes its slopes into the second argument and returns its
/// logarithm; where that is not finite the density is 0.
pub(crate) fn sample(
    start: Vec<f64>,
    shape: &Symmetric,
    plan: Plan,
    random: &mut Random,
    density: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Option<Chain> {
    let mut sampler = Sampler { density, factor: shape.cholesky(0.0)?, step: 0.0, random, calls: 0 };
    let mut state = sampler.at(start);
    if !state.is_possible() {
        return None;
    }
    let mut tuning = sampler.tuning(&state, plan.acceptance);
    // Where the typical set is not yet reached, draws say nothing about its shape.
    let (first, last) = (plan.warm_up / 5, plan.warm_up / 5 * 3);
    let mut seen = Vec::new();
    for round in 0..plan.warm_up {
        sampler.step = tuning.step();
        let (next, path) = sampler.draw(state, plan.deepest);
        state = next;
        tuning.learn(path.acceptance());
        if plan.warm_up >= SHORTEST_TUNING && (first..last).contains(&round) {
            seen.push(state.position.clone());
            if round + 1 == last
                && let Some(factor) = covariance(&seen, shape).cholesky(0.0)
            {
                sampler.factor = factor;
                state = sampler.at(state.position);
                tuning = sampler.tuning(&state, plan.acceptance);
            }
        }
    }
    sampler.step = tuning.final_step();
    let mut acceptance = 0.0;
    let mut draws = Vec::new();
    for _ in 0..plan.draws {
        let (next, path) = sampler.draw(state, plan.deepest);
        state = next;
        acceptance += path.acceptance();
        draws.push(Draw {
            position: state.position.clone(),
            ln_density: state.ln_density,
            depth: path.depth,
            diverged: path.diverged,
        });
    }
    acceptance /= f64::from(plan.draws.max(1));
    Some(Chain { draws, acceptance, step: sampler.step, calls: sampler.calls })
}

/// The covariance of the positions, drawn a little towards the first guess.
fn covariance(positions: &[Vec<f64>], guess: &Symmetric) -> Symmetric {
    let count: f64 = positions.iter().map(|_| 1.0).sum();
    let at = |position: &[f64], index: usize| position.get(index).copied().unwrap_or_default();
    let mean = |index: usize| positions.iter().map(|position| at(position, index)).sum::<f64>() / count;
    let means: Vec<f64> = (0..guess.size()).map(mean).collect();
    Symmetric::from_upper(guess.size(), |row, column| {
        let off = |position: &Vec<f64>, index| at(position, index) - at(&means, index);
        let sum: f64 = positions.iter().map(|position| off(position, row) * off(position, column)).sum();
        (sum + TRUST * guess.at(row, column)) / (count + TRUST)
    })
}

/// A point of a trajectory. Momenta and slopes are in coordinates in which the density is round.
#[derive(Clone, Debug)]
struct State {
    position: Vec<f64>,
    momentum: Vec<f64>,
    slope: Vec<f64>,
    ln_density: f64,
}

impl State {
    fn is_possible(&self) -> bool {
        self.ln_density.is_finite() && self.slope.iter().all(|slope| slope.is_finite())
    }

    /// Minus the energy.
    fn ln_joint(&self) -> f64 {
        self.ln_density - 0.5 * dot(&self.momentum, &self.momentum)
    }
}

/// A stretch of a trajectory.
struct Path {
    /// Its ends, that of earlier times first.
    ends: [State; 2],
    /// One of its points, drawn by weight.
    drawn: State,
    /// The logarithm of the weight of all its points, against that of the first of the trajectory.
    ln_weight: f64,
    momenta: Vec<f64>,
    /// Whether it may not be walked on.
    stopped: bool,
    diverged: bool,
    depth: u32,
    accepted: f64,
    points: f64,
}

impl Path {
    fn acceptance(&self) -> f64 {
        self.accepted / self.points.max(1.0)
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(x, y)| x * y).sum()
}

/// Whether the momenta at both ends still point along the way between them.
fn goes_on(first: &[f64], last: &[f64], along: &[f64]) -> bool {
    dot(first, along) > 0.0 && dot(last, along) > 0.0
}

fn plus(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(x, y)| x + y).collect()
}

fn ln_sum(one: f64, other: f64) -> f64 {
    let (low, high) = if one < other { (one, other) } else { (other, one) };
    if low == f64::NEG_INFINITY { high } else { high + libm::log1p(libm::exp(low - high)) }
}

struct Sampler<'a, F> {
    density: F,
    factor: Cholesky,
    step: f64,
    random: &'a mut Random,
    calls: u64,
}

impl<F: FnMut(&[f64], &mut [f64]) -> f64> Sampler<'_, F> {
    /// A point at rest.
    fn at(&mut self, position: Vec<f64>) -> State {
        let momentum = vec![0.0; position.len()];
        let mut slope = momentum.clone();
        let ln_density = self.look(&position, &mut slope);
        State { position, momentum, slope, ln_density }
    }

    fn look(&mut self, position: &[f64], slope: &mut [f64]) -> f64 {
        self.calls += 1;
        let ln_density = (self.density)(position, slope);
        self.factor.transposed_times(slope);
        ln_density
    }

    /// One step of the leapfrog integrator.
    fn leap(&mut self, from: &State, step: f64) -> State {
        let half = |momentum: &[f64], slope: &[f64]| -> Vec<f64> {
            momentum.iter().zip(slope).map(|(p, g)| p + 0.5 * step * g).collect()
        };
        let momentum = half(&from.momentum, &from.slope);
        let mut stride: Vec<f64> = momentum.iter().map(|p| p * step).collect();
        self.factor.stretch(&mut stride);
        let position = plus(&from.position, &stride);
        let mut slope = stride;
        let ln_density = self.look(&position, &mut slope);
        let momentum = half(&momentum, &slope);
        State { position, momentum, slope, ln_density }
    }

    fn kick(&mut self, state: &mut State) {
        for momentum in &mut state.momentum {
            *momentum = self.random.normal();
        }
    }

    /// A step from which tuning can start: one whose acceptance has just crossed a half.
    fn tuning(&mut self, state: &State, target: f64) -> Tuning {
        let mut state = state.clone();
        self.kick(&mut state);
        let start = state.ln_joint();
        let mut gain = |step: f64| {
            let end = self.leap(&state, step);
            if end.is_possible() { end.ln_joint() - start } else { f64::NEG_INFINITY }
        };
        let half = -std::f64::consts::LN_2;
        let mut step = 1.0;
        let grows = gain(step) > half;
        let factor = if grows { 2.0 } else { 0.5 };
        for _ in 0..60 {
            step *= factor;
            if (gain(step) > half) != grows {
                break;
            }
        }
        Tuning::new(step, target)
    }

    /// The next draw: a point of a trajectory that doubles, backwards or forwards, until it turns.
    fn draw(&mut self, mut from: State, deepest: u32) -> (State, Path) {
        self.kick(&mut from);
        let start = from.ln_joint();
        let mut path = Path {
            momenta: from.momentum.clone(),
            ends: [from.clone(), from.clone()],
            drawn: from,
            ln_weight: 0.0,
            stopped: false,
            diverged: false,
            depth: 0,
            accepted: 0.0,
            points: 0.0,
        };
        while path.depth < deepest && !path.stopped {
            let forwards = self.random.uniform() < 0.5;
            let [first, last] = &path.ends;
            let more = self.walk(if forwards { last } else { first }, forwards, path.depth, start);
            // The new half is preferred, so that draws lie far from where they start.
            let taken = libm::log(self.random.uniform()) < more.ln_weight - path.ln_weight;
            path = join(path, more, forwards, taken);
        }
        let mut drawn = path.drawn.clone();
        drawn.momentum.fill(0.0);
        (drawn, path)
    }

    /// So many doublings on from a point.
    fn walk(&mut self, from: &State, forwards: bool, depth: u32, start: f64) -> Path {
        if depth == 0 {
            let end = self.leap(from, if forwards { self.step } else { -self.step });
            let gain = if end.is_possible() { end.ln_joint() - start } else { f64::NEG_INFINITY };
            let diverged = gain < -DIVERGED;
            return Path {
                momenta: end.momentum.clone(),
                ends: [end.clone(), end.clone()],
                drawn: end,
                ln_weight: gain,
                stopped: diverged,
                diverged,
                depth: 0,
                accepted: libm::exp(gain.min(0.0)),
                points: 1.0,
            };
        }
        let near = self.walk(from, forwards, depth - 1, start);
        if near.stopped {
            return near;
        }
        let [first, last] = &near.ends;
        let far = self.walk(if forwards { last } else { first }, forwards, depth - 1, start);
        let taken = libm::log(self.random.uniform()) < far.ln_weight - ln_sum(near.ln_weight, far.ln_weight);
        join(near, far, forwards, taken)
    }
}

/// Two stretches that follow each other; nothing is drawn from the second where it had to stop.
fn join(near: Path, far: Path, forwards: bool, taken: bool) -> Path {
    let accepted = near.accepted + far.accepted;
    let points = near.points + far.points;
    let depth = near.depth + 1;
    if far.stopped {
        return Path { stopped: true, diverged: far.diverged, accepted, points, depth, ..near };
    }
    let momenta = plus(&near.momenta, &far.momenta);
    let ln_weight = ln_sum(near.ln_weight, far.ln_weight);
    let drawn = if taken { far.drawn } else { near.drawn };
    let (before, after) = if forwards { (near.ends, far.ends) } else { (far.ends, near.ends) };
    let (momenta_before, momenta_after) =
        if forwards { (&near.momenta, &far.momenta) } else { (&far.momenta, &near.momenta) };
    let [first, before_last] = before;
    let [after_first, last] = after;
    // Also across the seam, where a whole turn within each half would go unseen.
    let straight = goes_on(&first.momentum, &last.momentum, &momenta)
        && goes_on(&first.momentum, &after_first.momentum, &plus(momenta_before, &after_first.momentum))
        && goes_on(&before_last.momentum, &last.momentum, &plus(momenta_after, &before_last.momentum));
    Path {
        ends: [first, last],
        drawn,
        ln_weight,
        momenta,
        stopped: !straight,
        diverged: false,
        depth,
        accepted,
        points,
    }
}

/// The step size by dual averaging.
#[derive(Clone, Copy, Debug)]
struct Tuning {
    target: f64,
    centre: f64,
    shortfall: f64,
    ln_step: f64,
    ln_mean: f64,
    round: f64,
}

impl Tuning {
    fn new(step: f64, target: f64) -> Self {
        let ln_step = libm::log(step);
        Self {
            target,
            centre: ln_step + std::f64::consts::LN_10,
            shortfall: 0.0,
            ln_step,
            ln_mean: ln_step,
            round: 0.0,
        }
    }

    fn step(&self) -> f64 {
        libm::exp(self.ln_step)
    }

    fn final_step(&self) -> f64 {
        libm::exp(self.ln_mean)
    }

    /// The constants are those of the paper.
    fn learn(&mut self, acceptance: f64) {
        self.round += 1.0;
        let weight = (self.round + 10.0).recip();
        self.shortfall += weight * (self.target - acceptance - self.shortfall);
        self.ln_step = self.centre - self.round.sqrt() / 0.05 * self.shortfall;
        let forget = libm::pow(self.round, -0.75);
        self.ln_mean += forget * (self.ln_step - self.ln_mean);
    }
}
