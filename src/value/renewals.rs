//! How many purchases someone makes who buys with some regularity, from the next one on.

use super::regularity::{Regular, Regularity};
use super::waiting::{Fineness, Waiting};
use crate::numeric::gamma::ln_gamma;
use crate::numeric::quadrature::SIXTEEN;
use std::f64::consts::TAU;

/// Purchases that are summed one by one; beyond, they are integrated over.
const MOST_TERMS: u32 = 512;
/// Below this share of the sum, terms are left out.
const LEAST: f64 = 1e-12;

/// What comes after so many times the inverse of a discount counts less than 1e-17.
const PATIENCE: f64 = 40.0;
/// How wide panels are in the logarithm of a time over which a discount counts.
const DISCOUNTED: f64 = 2.0;

impl Regularity<'_> {
    /// The purchases within a time from now of someone with this k, those after a time u counting e^(-d u), times the
    /// likelihood of the silence until now.
    pub(super) fn purchases(&self, fineness: Fineness, regular: &Regular, time: f64, d: f64) -> f64 {
        let (silence, time) = (self.silence, if d > 0.0 { time.min(PATIENCE / d) } else { time });
        let end = silence + time;
        let Waiting { k, shape, scale } = regular.waiting;
        let renewals = Renewals::new(k, shape + k, k * time / (scale + k * silence));
        let (fineness, slow) = if d > 0.0 {
            (Fineness { longest: DISCOUNTED, ..fineness }, (d + self.slow().recip()).recip())
        } else {
            (fineness, self.slow())
        };
        let worth =
            |after: f64| self.there(after) * if d > 0.0 { libm::exp(-d * (after - silence)) } else { 1.0 };
        let mut sum = 0.0;
        regular.waiting.visit(fineness, regular.ln_front, slow, [silence, end], |wait| {
            // The wait says something about the rate.
            let scale = scale + k * wait.time;
            let later = renewals.integral(scale, end - wait.time, d, |after| worth(wait.time + after));
            sum += wait.step * libm::exp(wait.ln_density) * (worth(wait.time) + later);
        });
        sum
    }

    /// The purchases after a time from now and for ever, when it no longer matters when the last was, times the likelihood
    /// of the silence until now; for s > 1.
    pub(super) fn far_purchases(&self, regular: &Regular, time: f64) -> f64 {
        let Waiting { shape, scale, .. } = regular.waiting;
        // The mean rate of those who are silent until now.
        let rate = shape / scale * Waiting { shape: shape + 1.0, ..regular.waiting }.exceeds(self.silence);
        let after = self.silence + time;
        rate * self.there(after) * (self.loss_scale() + after) / (self.model_s() - 1.0)
    }

    /// How likely someone with this k makes so many purchases or more within a time from now, times the likelihood of the
    /// silence until now.
    pub(super) fn at_least(&self, fineness: Fineness, regular: &Regular, count: u32, time: f64) -> f64 {
        let end = self.silence + time;
        let Waiting { k, shape, scale } = regular.waiting;
        // From the first to the last of them.
        let others = f64::from(count) - 1.0;
        let until_last = Waiting { k: others * k, shape: shape + k, scale: 1.0 };
        let ln_front = if others > 0.0 { until_last.ln_front() } else { 0.0 };
        let inner = Fineness { soft_end: false, ..fineness };
        let mut sum = 0.0;
        self.waits(fineness, regular, [self.silence, end], |wait| {
            let there = if others > 0.0 {
                let until_last = Waiting { scale: others * (scale + k * wait.time), ..until_last };
                let mut there = 0.0;
                until_last.visit(inner, ln_front, self.slow(), [0.0, end - wait.time], |last| {
                    there += last.step * libm::exp(last.ln_density) * self.there(wait.time + last.time);
                });
                there
            } else {
                self.there(wait.time)
            };
            sum += wait.step * libm::exp(wait.ln_density) * there;
        });
        sum
    }
}

/// The purchases that follow a purchase: times between them are Gamma(k, k l), with l of Gamma(shape, .).
struct Renewals {
    k: f64,
    shape: f64,
    /// ln G(jk+shape) / (G(jk) G(shape)) for j = 1.., and by how much each is larger than the one before.
    ln_front: Vec<f64>,
    growth: Vec<f64>,
}

impl Renewals {
    /// For odds k v / scale up to `furthest`.
    fn new(k: f64, shape: f64, furthest: f64) -> Self {
        let ln_front = |count: f64| ln_gamma(count * k + shape) - ln_gamma(count * k) - ln_gamma(shape);
        let most = terms(k, shape, furthest.min(far(k, shape))).min(f64::from(MOST_TERMS));
        let mut fronts = Vec::new();
        let mut count = 1.0;
        while count <= most {
            fronts.push(ln_front(count));
            count += 1.0;
        }
        let growth = fronts.windows(2).map(|pair| match *pair {
            [one, next] => libm::exp(next - one),
            _ => 1.0,
        });
        Self { k, shape, growth: growth.collect(), ln_front: fronts }
    }

    /// The rate of purchases at a time v after the first, times v, for odds k v / scale.
    fn rate_times_v(&self, odds: f64) -> f64 {
        let Self { k, shape, .. } = *self;
        if odds >= far(k, shape) {
            return shape * odds / k;
        }
        let (ln_share, ln_rest) = (-libm::log1p(odds.recip()), -libm::log1p(odds));
        let ln_step = k * ln_share;
        let needed = terms(k, shape, odds);
        let (step, last) = (libm::exp(ln_step), self.ln_front.len());
        // The largest term, and from there both ways.
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies within the table"
        )]
        let start = (shape * odds / k).clamp(1.0, last.max(1) as f64) as usize - 1;
        let Some(&ln_front) = self.ln_front.get(start) else { return 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "it lies within the table")]
        let top = libm::exp(ln_front + (start as f64 + 1.0) * ln_step + shape * ln_rest);
        let mut sum = top;
        let mut term = top;
        for growth in self.growth.iter().skip(start) {
            term *= growth * step;
            sum += term;
            if term < LEAST * sum && growth * step < 1.0 {
                break;
            }
        }
        let mut term = top;
        for growth in self.growth.iter().take(start).rev() {
            term /= growth * step;
            sum += term;
            if term < LEAST * sum {
                break;
            }
        }
        if needed > f64::from(MOST_TERMS) {
            sum += self.beyond(ln_step, ln_rest, needed);
        }
        sum
    }

    /// The terms after the table, as an integral from half a term before, corrected by the slope there.
    fn beyond(&self, ln_step: f64, ln_rest: f64, needed: f64) -> f64 {
        let Self { k, shape, .. } = *self;
        let ln_gamma_shape = ln_gamma(shape);
        let term = |count: f64| {
            let stages = count * k;
            let ln_front = ln_gamma(stages + shape) - ln_gamma(stages) - ln_gamma_shape;
            libm::exp(ln_front + count * ln_step + shape * ln_rest)
        };
        let first = f64::from(MOST_TERMS) + 1.0;
        let mut sum = (term(first) - term(first - 1.0)) / 24.0;
        let (mut low, end) = (libm::log(first - 0.5), libm::log(needed.max(first)));
        while low < end {
            let half = 0.5 * (end - low).min(0.5);
            for &(node, weight) in &SIXTEEN {
                for y in [low + half * (1.0 - node), low + half * (1.0 + node)] {
                    let count = libm::exp(y);
                    sum += weight * half * count * term(count);
                }
            }
            low += 2.0 * half;
        }
        sum
    }

    /// The integral of the rate of purchases times `worth` until v, which falls no faster than e^(-d v).
    fn integral(&self, scale: f64, until: f64, d: f64, worth: impl Fn(f64) -> f64) -> f64 {
        let Self { k, shape, .. } = *self;
        // The mean time between purchases, and how many of them are seen as waves before they are blurred.
        let pace = scale / shape;
        let blur = shape / k;
        let waves = libm::ceil(0.5 * ((blur * blur + 4.0 * shape).sqrt() - blur)) + 1.0;
        let sharp = libm::ceil(0.2 / (k.recip() + shape.recip()).sqrt());
        let density = |time: f64| {
            let odds = k * time / scale;
            if odds > 0.0 { self.rate_times_v(odds) / time * worth(time) } else { 0.0 }
        };
        let widest = pace / sharp;
        // Without a discount, the second is infinite.
        let (mut sum, mut low, mut width) = (0.0, 0.0, widest.min(4.0 / d));
        while low < until {
            let high = (low + width).min(until);
            if low > 0.0 {
                let half = 0.5 * (high - low);
                for &(node, weight) in &SIXTEEN {
                    sum += weight
                        * half
                        * (density(low + half * (1.0 - node)) + density(low + half * (1.0 + node)));
                }
            } else {
                // The rate begins like v^(k-1).
                let power = (3.0 / k).max(1.0);
                for &(node, weight) in &SIXTEEN {
                    for p in [0.5 * (1.0 - node), 0.5 * (1.0 + node)] {
                        let time = high * libm::pow(p, power);
                        sum += weight * 0.5 * density(time) * time * power / p;
                    }
                }
            }
            low = high;
            // What falls like a power is smooth over a factor of four.
            width = if low >= waves * pace { 3.0 * low } else { widest };
            if d > 0.0 {
                width = width.min(low.max(4.0 / d));
            }
        }
        sum
    }
}

/// The odds from which on the rate of purchases is, to eight digits, the mean rate: all but the slowest customers have
/// bought so often that when they began no longer matters.
fn far(k: f64, shape: f64) -> f64 {
    // Waves of regular buyers are damped at this rate, bursts at least.
    let damping = if k > 2.0 { 1.0 - libm::cos(TAU / k) } else { 1.0 };
    libm::expm1(18.4 / (shape + 1.0)) / damping
}

/// After how many purchases nothing is left of those that are due at these odds.
fn terms(k: f64, shape: f64, odds: f64) -> f64 {
    let mean = shape * odds;
    let spread = (mean * (1.0 + odds)).sqrt();
    // In the end, they fall by this factor for each stage.
    (mean + 8.0 * spread + 32.0 / libm::log1p(odds.recip())) / k + 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_at_random_are_constant() {
        // For k = 1 the rate of purchases is that of Gamma(shape, scale), whatever came before.
        for shape in [0.3, 1.7, 40.0] {
            for odds in [1e-6, 0.1, 3.0, 40.0, 600.0, 1e5] {
                let renewals = Renewals::new(1.0, shape, odds);
                let found = renewals.rate_times_v(odds);
                assert!((found / (shape * odds) - 1.0).abs() < 1e-9, "{shape} {odds}: {found}");
            }
            let renewals = Renewals::new(1.0, shape, 100.0);
            let found = renewals.integral(2.0, 150.0, 0.0, |_| 1.0);
            assert!((found / (shape * 75.0) - 1.0).abs() < 1e-9, "{shape}: {found}");
        }
    }

    #[test]
    fn rates_of_whole_regularities_are_known() {
        // k = 2 at a known rate l: m(v) = l (1 - e^(-4 l v)), with l of Gamma(n, A).
        let (n, scale) = (3.5_f64, 7.0);
        for time in [0.01, 0.5, 3.0, 40.0, 2000.0] {
            let odds = 2.0 * time / scale;
            let renewals = Renewals::new(2.0, n, odds);
            let truth = n / scale * (1.0 - (1.0 + 4.0 * time / scale).powf(-n - 1.0));
            let found = renewals.rate_times_v(odds) / time;
            assert!((found / truth - 1.0).abs() < 1e-9, "{time}: {found} {truth}");
            // The integral: n/A t - [1 - (1 + 4t/A)^-n] / 4.
            let truth = n / scale * time - (1.0 - (1.0 + 4.0 * time / scale).powf(-n)) / 4.0;
            let found = renewals.integral(scale, time, 0.0, |_| 1.0);
            assert!((found / truth - 1.0).abs() < 1e-7, "{time}: {found} {truth}");
        }
    }
}
