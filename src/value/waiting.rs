//! How long the next purchase takes of someone who buys with some regularity.

use crate::numeric::gamma::ln_gamma;
use crate::numeric::incomplete_beta::tails;
use crate::numeric::quadrature::{SIXTEEN, rule_of_width};

/// How fine integrals are summed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fineness {
    /// What lies below e^-drop of the top is left out.
    pub(super) drop: f64,
    /// The widest panel of waiting times, in their spread.
    pub(super) widest: f64,
    /// Until where the shortest waits are taken together.
    pub(super) short: f64,
    /// The step over the regularity, in its standard deviations.
    pub(super) step: f64,
    /// Terms below this share of the largest are left out.
    pub(super) least: f64,
    /// The widest panel of waiting times in their logarithm.
    pub(super) longest: f64,
    /// Whether what is integrated may end like a power of the time that is left.
    pub(super) soft_end: bool,
}

impl Fineness {
    /// About 1e-5: for a sampler.
    pub(super) const COARSE: Self =
        Self { drop: 14.0, widest: 9.0, short: 0.2, step: 0.8, least: 1e-5, ..Self::FINE };
    /// About 1e-7: for sums of sums.
    pub(super) const NESTED: Self =
        Self { drop: 18.0, widest: 7.0, short: 0.1, step: 0.6, least: 1e-8, soft_end: true, ..Self::FINE };
    /// About 1e-8: for a fit.
    pub(super) const MIDDLE: Self =
        Self { drop: 22.0, widest: 5.0, short: 0.05, step: 0.5, least: 1e-10, ..Self::FINE };
    /// About 1e-10: for a score.
    pub(super) const FINE: Self = Self {
        drop: 28.0,
        widest: 3.5,
        short: 0.01,
        step: 0.4,
        least: 1e-13,
        longest: f64::INFINITY,
        soft_end: false,
    };
}

/// The time from one purchase to the next of someone whose times are Gamma(k, k l), with l itself of Gamma(shape, scale):
/// k times it, over the scale, is the odds of Beta(k, shape).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Waiting {
    pub(super) k: f64,
    pub(super) shape: f64,
    pub(super) scale: f64,
}

/// One time that the next purchase may take, and how likely.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    pub(super) time: f64,
    /// k time / scale.
    pub(super) odds: f64,
    /// ln(1 + odds).
    pub(super) growth: f64,
    /// The logarithm of the density in the variable of the sum.
    pub(super) ln_density: f64,
    /// The weight besides the density.
    pub(super) step: f64,
}

impl Waiting {
    /// The logarithm of 1 / B(k, shape).
    pub(super) fn ln_front(&self) -> f64 {
        ln_gamma(self.shape + self.k) - ln_gamma(self.shape) - ln_gamma(self.k)
    }

    /// How likely the wait is longer than `time`.
    pub(super) fn exceeds(&self, time: f64) -> f64 {
        tails(self.shape, self.k, self.k * time / self.scale).0
    }

    /// Visits the points of an integral over the waits between two times, of the density times something that changes
    /// as slowly as (1 + time / `slow`)^-1.
    pub(super) fn visit(
        &self,
        fineness: Fineness,
        ln_front: f64,
        slow: f64,
        [from, until]: [f64; 2],
        mut visit: impl FnMut(Wait),
    ) {
        let Self { k, shape, scale } = *self;
        if until <= from {
            return;
        }
        let pace = scale / k;
        let point = |ln_odds: f64, step: f64| {
            let odds = libm::exp(ln_odds);
            let growth = libm::log1p(odds);
            let ln_density = ln_front + k * ln_odds - (k + shape) * growth;
            Wait { time: pace * odds, odds, growth, ln_density, step }
        };
        // In the logarithm of the odds, the density has its top here, and falls like e^(k y) and e^(-shape y).
        let top = libm::log(k / shape);
        let spread = (k.recip() + shape.recip()).sqrt().min(1.2);
        let (furthest, end) = (top + tail(shape, k, fineness.drop), libm::log(until / pace));
        let mut high = furthest.min(end);
        let mut low = top - tail(k, shape, fineness.drop);
        if from > 0.0 {
            low = low.max(libm::log(from / pace));
        } else {
            // Up to there, the density is a power but for a factor next to 1: the two points of Gauss and Jacobi.
            let start = libm::log(fineness.short * (k + shape + pace / slow).recip()).min(high);
            if start > low {
                low = start;
                let middle = (k + 1.0) / (k + 3.0);
                let half = (middle * middle - k * (k + 1.0) / ((k + 2.0) * (k + 3.0))).sqrt();
                let (first, second) = (middle - half, middle + half);
                let weight = ((k + 1.0).recip() - first / k) / (second - first);
                for (place, weight) in [(first, k.recip() - weight), (second, weight)] {
                    let ln_place = libm::log(place);
                    visit(point(start + ln_place, weight * libm::exp(-k * ln_place)));
                }
            }
        }
        if low.is_nan() || high.is_nan() || low >= high {
            return;
        }
        if fineness.soft_end && end < furthest {
            // The last stretch in the third root of what is left, in which small powers are smooth.
            let length = 0.125 * (high - low).min((fineness.widest * spread).min(fineness.longest));
            for &(node, weight) in &SIXTEEN {
                for root in [0.5 * (1.0 - node), 0.5 * (1.0 + node)] {
                    let ln_odds = high - length * root * root * root;
                    visit(point(ln_odds, 1.5 * weight * length * root * root));
                }
            }
            high -= length;
        }
        let widest = (fineness.widest * spread).min(fineness.longest);
        let pieces = libm::ceil((high - low) / widest);
        let half = 0.5 * (high - low) / pieces;
        let rule = rule_of_width(8.0 * half / widest);
        let mut piece = 0.0;
        while piece < pieces {
            let middle = low + half * (2.0 * piece + 1.0);
            for &(node, weight) in rule {
                for ln_odds in [middle - half * node, middle + half * node] {
                    visit(point(ln_odds, weight * half));
                }
            }
            piece += 1.0;
        }
    }
}

/// How far beyond its top a density that falls like e^(-steep y) there, and like e^(other y) on the other side, has
/// dropped to e^-drop.
fn tail(steep: f64, other: f64, drop: f64) -> f64 {
    let share = drop / steep;
    let beyond = drop / other;
    let mut away = libm::log1p(beyond + (2.0 * beyond).sqrt()) + share + (2.0 * share).sqrt().min(1.0);
    let odds = other / steep;
    let level = libm::log1p(odds);
    // The drop is convex, so that Newton's method comes down from beyond. Far out, it is there already.
    for _ in 0..3 {
        if away > 500.0 {
            break;
        }
        let here = odds * libm::exp(away);
        let dropped = (steep + other) * (libm::log1p(here) - level) - other * away;
        let slope = (steep + other) * (here / (1.0 + here)) - other;
        away -= (dropped - drop) / slope;
    }
    away
}
