//! The one integral of the Pareto/NBD model: over the time at which someone left without notice.

use crate::numeric::hypergeometric::with_a_unit;
use crate::numeric::quadrature::{LARGEST_CHANGE, WIDEST, rule};

/// More steps than this take longer than the integral.
const MOST_STEPS: u32 = 100;

/// Someone whose purchases have a rate of Gamma(n, alpha) and who leaves at a rate of Gamma(s, beta), seen from a
/// time `from` on.
///
/// ```text
/// lost(u) = n ln((alpha+u) / (alpha+from)) + s ln((beta+u) / (beta+from))
/// gone    = s integral of e^-lost(u) / (beta+u) du over from..until,   alive = e^-lost(until)
/// ```
/// `gone` to `alive` are the odds of having left between `from` and `until` without a purchase. The integrand is
/// positive and, in the logarithm of the smaller of alpha+u and beta+u, log-concave and analytic within pi of the real
/// line: Gauss-Legendre panels sum it to the last digits. Its derivatives in the parameters are sums over the same
/// points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departure {
    pub(super) n: f64,
    pub(super) alpha: f64,
    pub(super) s: f64,
    pub(super) beta: f64,
}

/// One time at which someone may have left, and how likely.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// u - from.
    pub(super) after: f64,
    /// ln((alpha+u) / (alpha+from)).
    pub(super) rate_growth: f64,
    /// ln((beta+u) / (beta+from)).
    pub(super) loss_growth: f64,
    /// e^-lost(u) du / (beta+u).
    pub(super) weight: f64,
}

impl Departure {
    /// ln((alpha+u) / (alpha+from)) and ln((beta+u) / (beta+from)) at a time after `from`.
    fn growth(&self, from: f64, after: f64) -> (f64, f64) {
        (libm::log1p(after / (self.alpha + from)), libm::log1p(after / (self.beta + from)))
    }

    /// lost(until).
    pub(super) fn lost(&self, from: f64, until: f64) -> f64 {
        let (rate, loss) = self.growth(from, until - from);
        self.n * rate + self.s * loss
    }

    /// The odds of having left between `from` and `until` to being there at `from`, both without a purchase.
    ///
    /// ```text
    /// gone = s / g [h(from) - alive h(until)],   g = n + s
    /// h(u) = 2F1(1, n; g+1; (alpha-beta) / (alpha+u))                                  where alpha is the larger
    /// h(u) = (alpha+u) / (beta+u) 2F1(1, s+1; g+1; (beta-alpha) / (beta+u))            where beta is
    /// ```
    /// or the integral, where the two nearly cancel or either is long.
    fn gone(&self, from: f64, until: f64, alive: f64) -> f64 {
        if let Some([first, last]) = self.by_hypergeometric(from, until) {
            let left = first - alive * last;
            let gone = self.s / (self.n + self.s) * left;
            // Three digits are given up, not more.
            if left > 1e-3 * first && gone <= 1.0 {
                return gone;
            }
        }
        self.gone_by_integral(from, until)
    }

    /// h(from) and h(until).
    fn by_hypergeometric(&self, from: f64, until: f64) -> Option<[f64; 2]> {
        let Self { n, alpha, s, beta } = *self;
        if alpha >= beta {
            let z = [from, until].map(|u| (alpha - beta) / (alpha + u));
            return with_a_unit(s + 1.0, n, z, MOST_STEPS);
        }
        let z = [from, until].map(|u| (beta - alpha) / (beta + u));
        let [first, last] = with_a_unit(n, s + 1.0, z, MOST_STEPS)?;
        let ratio = |u: f64| (alpha + u) / (beta + u);
        Some([ratio(from) * first, ratio(until) * last])
    }

    fn gone_by_integral(&self, from: f64, until: f64) -> f64 {
        let mut sum = 0.0;
        self.visit(from, until, |moment| sum += moment.weight);
        self.s * sum
    }

    /// ln(alive + gone).
    pub(super) fn ln_whole(&self, from: f64, until: f64) -> f64 {
        let alive = libm::exp(-self.lost(from, until));
        let whole = alive + self.gone(from, until, alive);
        // Next to 1, the last digits of the sum are the first of its logarithm.
        libm::log(if whole > 0.5 { alive + self.gone_by_integral(from, until) } else { whole })
    }

    /// The logarithm of the odds gone / alive.
    pub(super) fn ln_odds_gone(&self, from: f64, until: f64) -> f64 {
        let lost = self.lost(from, until);
        libm::log(self.gone(from, until, libm::exp(-lost))) + lost
    }

    /// How likely someone is still there of whom nothing was heard between `from` and `until`.
    pub(super) fn p_alive(&self, from: f64, until: f64) -> f64 {
        let alive = libm::exp(-self.lost(from, until));
        if alive > 0.0 { alive / (alive + self.gone(from, until, alive)) } else { 0.0 }
    }

    /// How likely no purchase is from now until `time`, for someone alive now.
    pub(super) fn p_none(&self, time: f64) -> f64 {
        let alive = libm::exp(-self.lost(0.0, time));
        (alive + self.gone(0.0, time, alive)).min(1.0)
    }

    /// Visits the points of the integral `gone / s`.
    pub(super) fn visit(&self, from: f64, until: f64, mut visit: impl FnMut(Moment)) {
        let length = until - from;
        if length <= 0.0 {
            return;
        }
        let (rate_scale, loss_scale) = (self.alpha + from, self.beta + from);
        let rate_is_smaller = rate_scale < loss_scale;
        let (small, large) =
            if rate_is_smaller { (rate_scale, loss_scale) } else { (loss_scale, rate_scale) };
        let ratio = small / large;
        // The smaller scale has grown by e^l; by which logarithm has the larger, and what is that of the integrand?
        let other = |l: f64| libm::log1p(ratio * libm::expm1(l));
        let ln_start = if rate_is_smaller { libm::log(ratio) } else { 0.0 };
        let ln_density = |l: f64, other: f64| {
            if rate_is_smaller {
                ln_start - (self.n - 1.0) * l - (self.s + 1.0) * other
            } else {
                -self.n * other - self.s * l
            }
        };
        let slope = |l: f64, other: f64| {
            let pull = ratio * libm::exp(l - other);
            if rate_is_smaller { 1.0 - self.n - (self.s + 1.0) * pull } else { -self.n * pull - self.s }
        };
        let end = libm::log1p(length / small);
        let (mut near, mut near_other) = (0.0, 0.0);
        let mut near_height = ln_density(0.0, 0.0);
        let mut sum = 0.0;
        while near < end {
            let steepness = slope(near, near_other);
            let mut width = WIDEST.min(end - near).min(LARGEST_CHANGE / steepness.abs());
            let (mut far, mut far_other, mut far_height);
            loop {
                far = if width >= end - near { end } else { near + width };
                far_other = other(far);
                far_height = ln_density(far, far_other);
                if (far_height - near_height).abs() <= 1.5 * LARGEST_CHANGE || far - near <= 1e-15 * near {
                    break;
                }
                width *= 0.5;
            }
            let half = 0.5 * (far - near);
            let middle = near + half;
            let before = sum;
            for &(node, weight) in rule(far - near, (far_height - near_height).abs()) {
                for l in [middle - half * node, middle + half * node] {
                    let after = small * libm::expm1(l);
                    let other = libm::log1p(after / large);
                    let weight = weight * half * libm::exp(ln_density(l, other));
                    let (rate_growth, loss_growth) = if rate_is_smaller { (l, other) } else { (other, l) };
                    sum += weight;
                    visit(Moment { after, rate_growth, loss_growth, weight });
                }
            }
            // Past its highest point the integrand only falls.
            if slope(far, far_other) < 0.0 && sum - before <= 1e-18 * sum {
                break;
            }
            (near, near_other, near_height) = (far, far_other, far_height);
        }
    }
}
