//! Purchases that come at every k-th stage: regular buyers.
#![expect(clippy::many_single_char_names, reason = "the letters are those of the papers")]

use crate::numeric::gamma::{ln_beta, ln_gamma};
use crate::numeric::hypergeometric::with_a_unit_by_fraction;
use crate::numeric::incomplete_beta::tails;
use crate::numeric::quadrature::{SIXTEEN, log_concave_times};

/// The most stages a purchase may take.
pub(super) const MOST: u32 = 32;

/// The sum S over j < k of (n)_j / j! w^j with its derivatives in n and ln w, all of the logarithm.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LnSum {
    pub(super) value: f64,
    pub(super) shape: f64,
    pub(super) share: f64,
    pub(super) shape_shape: f64,
    pub(super) shape_share: f64,
    pub(super) share_share: f64,
}

/// Terms above this are scaled down.
const LARGE: f64 = 1e200;
const LN_LARGE: f64 = 460.517_018_598_809_1;

/// ln S, where w is at most 1.
pub(super) fn ln_sum(stages: u32, n: f64, w: f64) -> f64 {
    let (mut term, mut sum, mut ln_scale) = (1.0, 1.0, 0.0);
    for j in 1..stages {
        let j = f64::from(j);
        term *= (n + (j - 1.0)) * w / j;
        sum += term;
        if sum > LARGE {
            term /= LARGE;
            sum /= LARGE;
            ln_scale += LN_LARGE;
        }
    }
    if stages > 1 { ln_scale + libm::log(sum) } else { 0.0 }
}

/// ln S and its derivatives: moments over the terms of S.
pub(super) fn slopes(stages: u32, n: f64, w: f64) -> LnSum {
    // The share of each stage, and the sums of 1 / (n + i) and 1 / (n + i)^2 below it.
    let (mut term, mut ln_scale) = (1.0, 0.0);
    let (mut first, mut second) = (0.0, 0.0);
    let mut moments = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    for j in 1..stages {
        let j = f64::from(j);
        let rate = n + (j - 1.0);
        term *= rate * w / j;
        first += rate.recip();
        second += (rate * rate).recip();
        let parts = [1.0, first, j, first * first - second, first * j, j * j];
        for (moment, part) in moments.iter_mut().zip(parts) {
            *moment += term * part;
        }
        if term > LARGE {
            term /= LARGE;
            for moment in &mut moments {
                *moment /= LARGE;
            }
            ln_scale += LN_LARGE;
        }
    }
    let [sum, first, at, bend, both, square] = moments;
    let (in_n, in_w) = (first / sum, at / sum);
    LnSum {
        value: ln_scale + libm::log(sum),
        shape: in_n,
        share: in_w,
        shape_shape: bend / sum - in_n * in_n,
        shape_share: both / sum - in_n * in_w,
        share_share: square / sum - in_w * in_w,
    }
}

/// How far a living customer is on the way to the next purchase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stages {
    /// How many stages a purchase takes.
    pub(super) needed: u32,
    /// The silence since the last purchase as a share of the scale of the rate.
    silence: f64,
}

impl Stages {
    pub(super) fn new(needed: u32, silence: f64) -> Self {
        Self { needed, silence }
    }

    /// How likely each number of stages already passed is, for a rate of this shape; the first `needed` count.
    pub(super) fn passed(self, n: f64) -> [f64; MOST as usize] {
        let mut shares = [0.0; MOST as usize];
        let ln_whole = ln_sum(self.needed, n, self.silence);
        let mut ln_term = 0.0;
        for (j, share) in (0..self.needed).zip(&mut shares) {
            if j > 0 {
                let j = f64::from(j);
                ln_term += libm::log((n + (j - 1.0)) * self.silence / j);
            }
            *share = libm::exp(ln_term - ln_whole);
        }
        shares
    }

    /// How likely no purchase is within tau times the scale of the rate.
    pub(super) fn p_none(self, n: f64, tau: f64) -> f64 {
        let later = (self.silence + tau) / (1.0 + tau);
        let ln = ln_sum(self.needed, n, later) - ln_sum(self.needed, n, self.silence) - n * libm::log1p(tau);
        libm::exp(ln).min(1.0)
    }
}

/// More purchases than these are summed as an integral.
const MOST_TERMS: f64 = 1000.0;
/// A logarithm below which nothing counts beside the largest.
const NOTHING: f64 = -45.0;

impl Stages {
    /// The expected purchases within tau of someone who leaves after each with a probability of Beta(a, b).
    ///
    /// ```text
    /// sum over m of P(m or more purchases are due) E[(1-p)^(m-1)]
    /// ```
    pub(super) fn expected(self, n: f64, a: f64, b: f64, tau: f64) -> f64 {
        if tau <= 0.0 {
            return 0.0;
        }
        let shares = self.passed(n);
        let parts = (0..self.needed).zip(shares).filter(|&(_, share)| share > 1e-20);
        parts
            .map(|(passed, share)| share * self.expected_from(n + f64::from(passed), passed, a, b, tau))
            .sum()
    }

    /// The same for someone who is known to have passed so many stages since the last purchase.
    fn expected_from(self, n: f64, passed: u32, a: f64, b: f64, tau: f64) -> f64 {
        let (k, j) = (f64::from(self.needed), f64::from(passed));
        let ln_p = |count: f64| ln_p_stages(n, count, tau);
        let mode = libm::floor(((n - 1.0) * tau).max(0.0));
        let floor = ln_p(mode) + NOTHING;
        let (first, last) = (lowest(mode, floor, ln_p), highest(mode, floor, ln_p));
        // Stages one by one, while the purchases they come to are few.
        let end = last.min((MOST_TERMS + 1.0) * k - j - 1.0);
        let z = tau / (1.0 + tau);
        let (mut due, mut purchases, mut stays) = (0.0, 0.0, 1.0);
        let mut buy = |until: f64| {
            while due < until {
                purchases += stays;
                stays *= (b + due) / ((a + b) + due);
                due += 1.0;
            }
            purchases
        };
        let mut sum = 0.0;
        if first <= end {
            let mut count = first;
            let mut probability = libm::exp(ln_p(count));
            while count <= end {
                sum += probability * buy(libm::floor((count + j) / k));
                probability *= (n + count) / (count + 1.0) * z;
                count += 1.0;
            }
        }
        if last <= end {
            return sum;
        }
        // Beyond, the sum over m is an integral from m - 1/2 on, corrected by its slope there.
        let before = buy(MOST_TERMS);
        let ln_beta_ab = ln_beta(a, b);
        let term = |m: f64| libm::exp(ln_beta(a, b + m - 1.0) - ln_beta_ab) * tails(n, m * k - j, tau).1;
        let (next, previous) = (term(MOST_TERMS + 1.0), term(MOST_TERMS));
        sum += before * tails(n, (MOST_TERMS + 1.0) * k - j, tau).1 + (next - previous) / 24.0;
        let (mut low, stop) = (libm::log(MOST_TERMS + 0.5), libm::log(last / k + 2.0));
        let falls = libm::log((first / k).max(1.0));
        while low < stop {
            let width = if low + 0.5 < falls { 0.5 } else { (2.0 / n.sqrt()).min(0.5) };
            let half = 0.5 * width.min(stop - low);
            for &(node, weight) in &SIXTEEN {
                for y in [low + half * (1.0 - node), low + half * (1.0 + node)] {
                    let m = libm::exp(y);
                    sum += weight * half * m * term(m);
                }
            }
            low += 2.0 * half;
        }
        sum
    }

    /// How likely exactly so many purchases, and at least so many, are due within tau; for one or more.
    pub(super) fn p_count(self, n: f64, count: u32, tau: f64) -> (f64, f64) {
        let (k, c) = (f64::from(self.needed), f64::from(count));
        let (mut exactly, mut at_least) = (0.0, 0.0);
        for (passed, share) in (0..self.needed).zip(self.passed(n)) {
            let j = f64::from(passed);
            let start = c * k - j;
            at_least += share * tails(n + j, start, tau).1;
            let here: f64 = (0..self.needed)
                .map(|stage| libm::exp(ln_p_stages(n + j, start + f64::from(stage), tau)))
                .sum();
            exactly += share * here;
        }
        (exactly, at_least)
    }

    /// The expected purchases for ever, those after a time t (in the scale of the rate) counting e^(-z t).
    ///
    /// At a rate l, a stage counts v = l / (l + z) of the one before it; so the m-th purchase counts v^(m k - j):
    /// ```text
    /// E over l of v^(k-j) 2F1(1, b; a+b; v^k)
    /// ```
    pub(super) fn residual(self, n: f64, a: f64, b: f64, z: f64) -> f64 {
        let k = f64::from(self.needed);
        let mut sum = 0.0;
        for (passed, share) in (0..self.needed).zip(self.passed(n)) {
            if share <= 1e-20 {
                continue;
            }
            let (j, shape) = (f64::from(passed), n + f64::from(passed));
            let ln_v = |y: f64| -libm::log1p(z * libm::exp(-y));
            let f = |y: f64| shape * y - libm::exp(y) + (k - j) * ln_v(y);
            let half = 0.5 * (z - shape);
            let root = (half * half + z * (n + k)).sqrt();
            let mode = libm::log(if half > 0.0 { z * (n + k) / (half + root) } else { root - half });
            // The sum of E[(1-p)^(m-1)] v^(k (m-1)).
            let all = |y: f64| {
                let v = libm::exp(k * ln_v(y));
                with_a_unit_by_fraction(a, b, v, 50_000).unwrap_or_else(|near| near)
            };
            let integral = log_concave_times(mode, f64::NEG_INFINITY, f64::INFINITY, 1.0, f, all);
            sum += share * libm::exp(f(mode) - ln_gamma(shape)) * integral;
        }
        sum
    }
}

/// ln of how likely exactly `count` stages are within tau.
fn ln_p_stages(n: f64, count: f64, tau: f64) -> f64 {
    let combinations = if count == 0.0 { 0.0 } else { -ln_beta(n, count) - libm::log(count) };
    combinations - count * libm::log1p(tau.recip()) - n * libm::log1p(tau)
}

/// The lowest count up to the mode whose logarithm is not below `floor`.
fn lowest(mode: f64, floor: f64, ln_p: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, mode);
    if ln_p(low) >= floor {
        return low;
    }
    while high - low > 1.0 {
        let middle = libm::floor(0.5 * (low + high));
        if ln_p(middle) < floor {
            low = middle;
        } else {
            high = middle;
        }
        if middle + 1.0 <= middle {
            break;
        }
    }
    high
}

/// A count from the mode on whose logarithm is below `floor`, at most about twice as far as needed.
fn highest(mode: f64, floor: f64, ln_p: impl Fn(f64) -> f64) -> f64 {
    let mut step = 8.0;
    while ln_p(mode + step) >= floor && step < 1e60 {
        step *= 1.5;
    }
    mode + libm::ceil(step)
}
