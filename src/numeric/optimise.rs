//! Finds the highest point of a smooth function by Newton's method with damped steps.

use super::linear::Symmetric;

/// What the function says at one point.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) value: f64,
    pub(crate) gradient: Vec<f64>,
    /// Minus the matrix of second derivatives.
    pub(crate) curvature: Symmetric,
}

impl Point {
    fn is_finite(&self) -> bool {
        self.value.is_finite() && self.gradient.iter().all(|g| g.is_finite()) && self.curvature.is_finite()
    }
}

/// Where a parameter may go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// At a maximum: no step is left, and the function falls in every direction.
    Maximum,
    /// The parameter of this index ran to the edge of its range.
    Edge(usize),
    /// No step is left, but in some direction the function is flat.
    Flat,
    /// Steps were left when the search gave up, or the function was not finite at the start.
    GaveUp,
}

/// The end of a search.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) at: Vec<f64>,
    pub(crate) point: Point,
    pub(crate) ending: Ending,
    pub(crate) iterations: u32,
}

impl Found {
    /// The largest slope that is left.
    pub(crate) fn gradient_norm(&self) -> f64 {
        self.point.gradient.iter().fold(0.0, |norm, g| g.abs().max(norm))
    }

    /// The largest eigenvalue of the curvature over the smallest: infinite unless all are positive.
    pub(crate) fn condition(&self) -> f64 {
        let values = self.point.curvature.eigenvalues();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        if least > 0.0 { most / least } else { f64::INFINITY }
    }
}

/// More iterations than any well-behaved search has needed.
const MOST_ITERATIONS: u32 = 200;
/// A full Newton step below this leaves an error of its square.
const LAST_STEP: f64 = 1e-7;
/// The longest step in one parameter.
const LONGEST_STEP: f64 = 2.0;
/// Damping beyond this leaves no step.
const MOST_DAMPING: f64 = 1e15;
/// Curvatures beyond this condition leave no digit of the flattest direction.
const WORST_CONDITION: f64 = 1e13;

/// Climbs from `start` to a maximum of `function`.
///
/// Parameters should be scaled so that a step of 1 is large, as logarithms are. `ranges` holds one range for each
/// parameter; a search that leaves it has no maximum inside. The same start gives the same bits.
pub(crate) fn maximise(
    start: Vec<f64>,
    ranges: &[Range],
    mut function: impl FnMut(&[f64]) -> Point,
) -> Found {
    let point = function(&start);
    let mut found = Found { at: start, point, ending: Ending::GaveUp, iterations: 0 };
    if !found.point.is_finite() {
        return found;
    }
    let mut damping = 0.0_f64;
    while found.iterations < MOST_ITERATIONS {
        found.iterations += 1;
        let (mut step, full) = loop {
            if let Some(factor) = found.point.curvature.cholesky(damping) {
                break (factor.solve(found.point.gradient.clone()), damping == 0.0);
            }
            if damping > MOST_DAMPING {
                return found;
            }
            damping = (damping * 10.0).max(1e-3);
        };
        let length = step.iter().fold(0.0, |length: f64, s| s.abs().max(length));
        if !length.is_finite() {
            return found;
        }
        let longest = length.min(LONGEST_STEP);
        if length > LONGEST_STEP {
            for part in &mut step {
                *part *= LONGEST_STEP / length;
            }
        }
        let next: Vec<f64> = found.at.iter().zip(&step).map(|(at, s)| at + s).collect();
        let outside =
            next.iter().zip(ranges).position(|(&at, range)| !(range.lower..=range.upper).contains(&at));
        if let Some(parameter) = outside {
            found.ending = Ending::Edge(parameter);
            return found;
        }
        let point = function(&next);
        // Near the top the gain of a step drowns in the rounding of the sum.
        let blur = 1e-13 * found.point.value.abs();
        let last = full && longest <= LAST_STEP;
        if point.is_finite() && (last || point.value >= found.point.value - blur) {
            let no_gain = point.value <= found.point.value + blur;
            found.at = next;
            found.point = point;
            if last || (full && no_gain && longest <= 1e-4 && gain(&found) <= blur.max(1e-18)) {
                let flat = found.point.curvature.inverse().is_none() || found.condition() > WORST_CONDITION;
                found.ending = if flat { Ending::Flat } else { Ending::Maximum };
                return found;
            }
            damping = if damping < 1e-6 { 0.0 } else { damping / 10.0 };
        } else {
            damping = (damping * 10.0).max(1e-4);
            if damping > MOST_DAMPING {
                break;
            }
        }
    }
    // Where no slope is left and yet no step is the last, the function is flat.
    if found.gradient_norm() <= 1e-12 * found.point.value.abs() && found.condition() > WORST_CONDITION {
        found.ending = Ending::Flat;
    }
    found
}

/// How much a full Newton step still promises, infinite where there is none.
fn gain(found: &Found) -> f64 {
    found.point.curvature.cholesky(0.0).map_or(f64::INFINITY, |factor| {
        let step = factor.solve(found.point.gradient.clone());
        0.5 * step.iter().zip(&found.point.gradient).map(|(s, g)| s * g).sum::<f64>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Range = Range { lower: -20.0, upper: 20.0 };

    /// Minus Rosenbrock's valley, with its top at (1, 1).
    fn valley(at: &[f64]) -> Point {
        let (x, y) = (at[0], at[1]);
        let bend = y - x * x;
        Point {
            value: -(100.0 * bend * bend + (1.0 - x) * (1.0 - x)),
            gradient: vec![400.0 * bend * x + 2.0 * (1.0 - x), -200.0 * bend],
            curvature: Symmetric::from_upper(2, |row, column| match (row, column) {
                (0, 0) => 1200.0 * x * x - 400.0 * y + 2.0,
                (1, 1) => 200.0,
                _ => -400.0 * x,
            }),
        }
    }

    #[test]
    fn finds_the_top_of_a_bent_ridge() {
        let found = maximise(vec![-1.2, 1.0], &[WIDE; 2], valley);
        assert_eq!(found.ending, Ending::Maximum);
        assert!(found.iterations < 60, "{}", found.iterations);
        assert!(found.at.iter().all(|at| (at - 1.0).abs() < 1e-12), "{:?}", found.at);
        assert!(found.gradient_norm() < 1e-10 && (2000.0..3000.0).contains(&found.condition()));
    }

    #[test]
    fn says_when_there_is_no_top() {
        let slope = |at: &[f64]| Point {
            value: -(-at[0]).exp(),
            gradient: vec![(-at[0]).exp()],
            curvature: Symmetric::from_upper(1, |_, _| (-at[0]).exp()),
        };
        assert_eq!(maximise(vec![0.0], &[WIDE], slope).ending, Ending::Edge(0));
        let ridge = |at: &[f64]| Point {
            value: -(at[0] - at[1]).powi(2),
            gradient: vec![-2.0 * (at[0] - at[1]), 2.0 * (at[0] - at[1])],
            curvature: Symmetric::from_upper(2, |row, column| if row == column { 2.0 } else { -2.0 }),
        };
        assert_ne!(maximise(vec![1.0, 0.0], &[WIDE; 2], ridge).ending, Ending::Maximum);
        let table = |at: &[f64]| {
            let ridge = ridge(at);
            Point { value: ridge.value - 1.0, ..ridge }
        };
        assert_eq!(maximise(vec![1.0, 0.0], &[WIDE; 2], table).ending, Ending::Flat);
        let nowhere =
            |_: &[f64]| Point { value: f64::NAN, gradient: vec![f64::NAN], curvature: Symmetric::zeros(1) };
        assert_eq!(maximise(vec![0.0], &[WIDE], nowhere).ending, Ending::GaveUp);
    }
}
