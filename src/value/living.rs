use super::departure::Departure;
use super::stages::Stages;
use crate::numeric::dropout_series::{LARGEST_DISCOUNT, Series, Sums};
use crate::numeric::exponential_integral::scaled_exponential_integral;
use crate::numeric::gamma::{ln_beta, ln_gamma, ln_rising};
use crate::numeric::hypergeometric::{mean_of_beta, mean_until_dropout};
use crate::numeric::incomplete_beta::tails;
use crate::numeric::quadrature::{log_concave, rule_of_width};

/// Discount times at which an integral is divided; what lies beyond the last counts less than 1e-17.
const PANELS: [f64; 5] = [2.0, 6.0, 13.0, 24.0, 40.0];

/// What a customer who is alive now will do, by any model: they buy at a rate of Gamma(shape, scale), and leave in
/// one of three ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Living {
    /// The shape of the rate of purchases, or of their stages.
    pub(super) shape: f64,
    /// Its scale, a time.
    pub(super) scale: f64,
    pub(super) leaving: Leaving,
}

/// When a customer leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Leaving {
    /// Never.
    Never,
    /// Right after a purchase, with a probability of Beta(a, b).
    AfterPurchase { a: f64, b: f64, stages: Option<Stages> },
    /// At any time, at a rate of Gamma(s, beta).
    AnyTime { s: f64, beta: f64 },
}

impl Living {
    /// The time over which the future unfolds; expectations are smooth in ln(1 + t / it).
    fn pace(self) -> f64 {
        match self.leaving {
            Leaving::AnyTime { s, beta } => beta / (1.0 + s),
            Leaving::Never | Leaving::AfterPurchase { .. } => self.scale / (1.0 + self.shape),
        }
    }

    fn departure(self, s: f64, beta: f64) -> Departure {
        Departure { n: self.shape, alpha: self.scale, s, beta }
    }

    /// The expected purchases until t.
    pub(super) fn expected(self, t: f64, sums: &mut impl Sums) -> f64 {
        let (n, tau) = (self.shape, t / self.scale);
        match self.leaving {
            Leaving::Never => n * tau,
            Leaving::AfterPurchase { a, b, stages: None } => mean_until_dropout(n, a, b, tau, sums),
            Leaving::AfterPurchase { a, b, stages: Some(stages) } => stages.expected(n, a, b, tau),
            Leaving::AnyTime { s, beta } => n / self.scale * time_alive(s, beta, t),
        }
    }

    /// The expected purchases until t, those after a time u counting e^(-d u).
    pub(super) fn discounted(self, t: f64, d: f64, sums: &mut impl Sums) -> f64 {
        let (n, exponent) = (self.shape, d * t);
        if exponent <= 0.0 {
            return self.expected(t, sums);
        }
        let by_series = exponent <= LARGEST_DISCOUNT;
        let found = match self.leaving {
            Leaving::Never => Some(-n * libm::expm1(-exponent) / (self.scale * d)),
            Leaving::AfterPurchase { a, b, stages: None } if by_series => {
                let series = Series::of_purchases(n, a, b, exponent);
                series.integral(t / self.scale, sums).map(|integral| n * integral)
            }
            Leaving::AnyTime { s, beta } if by_series => {
                let series = Series::of_time(s, exponent);
                series.integral(t / beta, sums).map(|integral| n * (beta / self.scale) * integral)
            }
            Leaving::AfterPurchase { .. } | Leaving::AnyTime { .. } => None,
        };
        found
            .filter(|purchases| purchases.is_finite())
            .unwrap_or_else(|| self.discounted_by_panels(t, d, sums))
    }

    /// The same in general:
    ///
    /// ```text
    /// e^(-d t) E(t) + integral of d e^(-d u) E(u) du over 0..t
    /// ```
    /// by Gauss-Legendre panels in ln(1 + u / pace).
    fn discounted_by_panels(self, t: f64, d: f64, sums: &mut impl Sums) -> f64 {
        let pace = self.pace();
        // Expectations are analytic but for logarithms pi away, but those of regular buyers have a step for each of the
        // next few purchases.
        let regular = matches!(self.leaving, Leaving::AfterPurchase { stages: Some(_), .. });
        let widest = if regular { 0.5 } else { 2.5 };
        let whole = self.expected(t, sums);
        let (mut sum, mut low) = (0.0, 0.0);
        for panel in PANELS {
            let end = (panel / d).min(t);
            let high = libm::log1p(end / pace);
            let pieces = libm::ceil((high - low) / widest).max(1.0);
            let half = 0.5 * (high - low) / pieces;
            let mut piece = 0.0;
            while piece < pieces {
                let middle = low + half * (2.0 * piece + 1.0);
                for &(node, weight) in rule_of_width(2.0 * half) {
                    for place in [middle - half * node, middle + half * node] {
                        let u = (pace * libm::expm1(place)).min(t);
                        let density = d * libm::exp(-d * u) * (u + pace);
                        sum += weight * half * density * self.expected(u, sums);
                    }
                }
                piece += 1.0;
            }
            low = high;
            if end >= t {
                break;
            }
        }
        sum + libm::exp(-d * t) * whole
    }

    /// The expected purchases from t1 until t2, precise where these are close.
    pub(super) fn expected_between(self, t1: f64, t2: f64, sums: &mut impl Sums) -> f64 {
        if t2 <= t1 {
            return 0.0;
        }
        let n = self.shape;
        let (tau, more) = (t1 / self.scale, (t2 - t1) / self.scale);
        if let Leaving::AfterPurchase { stages, .. } = self.leaving {
            let (later, sooner) = (self.expected(t2, sums), self.expected(t1, sums));
            // One digit is given up, not more.
            if stages.is_some() || later - sooner > 0.1 * later {
                return (later - sooner).max(0.0);
            }
        }
        match self.leaving {
            Leaving::Never => n * more,
            Leaving::AfterPurchase { a, b, .. } => {
                // Who still buys after t1 has a scale that is larger by p tau.
                mean_of_beta(
                    a,
                    b,
                    n + 1.0,
                    (n + 1.0) * (tau + more),
                    |p| {
                        let later = 1.0 + p * tau;
                        let share = libm::exp(-n * libm::log1p(p * tau));
                        -share * libm::expm1(-n * libm::log1p(p * more / later)) / p
                    },
                    n * more,
                )
            }
            Leaving::AnyTime { s, beta } => {
                let still = libm::exp(-s * libm::log1p(t1 / beta));
                n / self.scale * still * time_alive(s, beta + t1, t2 - t1)
            }
        }
    }

    /// How likely no purchase is until t.
    pub(super) fn p_none(self, t: f64) -> f64 {
        let (n, tau) = (self.shape, t / self.scale);
        match self.leaving {
            Leaving::Never | Leaving::AfterPurchase { stages: None, .. } => libm::exp(-n * libm::log1p(tau)),
            Leaving::AfterPurchase { stages: Some(stages), .. } => stages.p_none(n, tau),
            Leaving::AnyTime { s, beta } => self.departure(s, beta).p_none(t),
        }
    }

    /// How likely exactly so many purchases are until t.
    pub(super) fn p_purchases(self, count: u32, t: f64) -> f64 {
        let (n, tau) = (self.shape, t / self.scale);
        if count == 0 {
            return self.p_none(t);
        }
        if t <= 0.0 {
            return 0.0;
        }
        let p = match self.leaving {
            Leaving::Never => libm::exp(ln_p_count(n, count, tau)),
            Leaving::AfterPurchase { a, b, stages } => {
                let c = f64::from(count);
                // Who stayed after all of them, and who left after the last.
                let stays = libm::exp(ln_rising(b, count) - ln_rising(a + b, count));
                let leaves = libm::exp(ln_rising(b, count - 1) - ln_rising(a + b, count - 1)) * a
                    / (a + b + (c - 1.0));
                match stages {
                    None => stays * libm::exp(ln_p_count(n, count, tau)) + leaves * tails(n, c, tau).1,
                    Some(stages) => {
                        let (exactly, at_least) = stages.p_count(n, count, tau);
                        stays * exactly + leaves * at_least
                    }
                }
            }
            Leaving::AnyTime { s, beta } => {
                let alive = libm::exp(ln_p_count(n, count, tau) - s * libm::log1p(t / beta));
                alive + self.p_purchases_then_gone(s, beta, count, t)
            }
        };
        p.min(1.0)
    }

    /// How likely exactly so many purchases are before someone leaves at any time before t.
    #[expect(clippy::many_single_char_names, reason = "the letters are those of the papers")]
    fn p_purchases_then_gone(self, s: f64, beta: f64, count: u32, t: f64) -> f64 {
        let (n, alpha, c) = (self.shape, self.scale, f64::from(count));
        // In the logarithm of the time of leaving.
        let f = |y: f64| {
            let u = libm::exp(y);
            (c + 1.0) * y - (n + c) * libm::log1p(u / alpha) - (s + 1.0) * libm::log1p(u / beta)
        };
        // Its highest point solves (c+1) = (n+c) u / (alpha+u) + (s+1) u / (beta+u).
        let (square, half) = (n + s, 0.5 * ((n - 1.0) * beta + (s - c) * alpha));
        let root = (half * half + square * (c + 1.0) * alpha * beta).sqrt();
        let u = if half > 0.0 { (c + 1.0) * alpha * beta / (half + root) } else { (root - half) / square };
        let end = libm::log(t);
        let mode = libm::log(u.max(1e-300)).min(end);
        let front = ln_rising(n, count) - ln_gamma(c + 1.0) - c * libm::log(alpha) + libm::log(s / beta);
        libm::exp(front + f(mode)) * log_concave(mode, f64::NEG_INFINITY, end, f)
    }

    /// The expected purchases for ever, those after a time t counting e^(-d t); infinite where nothing bounds them.
    pub(super) fn residual(self, d: f64) -> f64 {
        let n = self.shape;
        match self.leaving {
            Leaving::Never => {
                if d > 0.0 {
                    n / (self.scale * d)
                } else {
                    f64::INFINITY
                }
            }
            Leaving::AnyTime { s, beta } => {
                n * (beta / self.scale) * scaled_exponential_integral(s, d * beta)
            }
            Leaving::AfterPurchase { a, b, stages } => {
                let z = d * self.scale;
                if z <= 0.0 {
                    // Everyone buys until they leave: the mean of 1 / p.
                    return if a > 1.0 { 1.0 + b / (a - 1.0) } else { f64::INFINITY };
                }
                if let Some(stages) = stages {
                    return stages.residual(n, a, b, z);
                }
                let of = |p: f64| n * scaled_exponential_integral(n + 1.0, z / p) / p;
                mean_of_beta(a, b, n + 1.0, (n + 1.0) / z, of, n / z)
            }
        }
    }

    /// The time within which the next purchase comes with this probability, `None` where that is longer than `longest`
    /// or never comes.
    pub(super) fn next_purchase(self, probability: f64, longest: f64) -> Option<f64> {
        if probability <= 0.0 {
            return Some(0.0);
        }
        let plain = matches!(self.leaving, Leaving::Never | Leaving::AfterPurchase { stages: None, .. });
        if plain {
            let time = self.scale * libm::expm1(-libm::log1p(-probability) / self.shape);
            return (time <= longest).then_some(time);
        }
        let comes = |time: f64| 1.0 - self.p_none(time) >= probability;
        // Between two powers of two, and then halfway in the logarithm, until no digit is left.
        let mut high = self.pace();
        while !comes(high) {
            high *= 16.0;
            if high > longest {
                return comes(longest).then_some(longest);
            }
        }
        let mut low = high / 16.0;
        while comes(low) && low > 1e-300 {
            (low, high) = (low / 16.0, low);
        }
        for _ in 0..120 {
            let middle = low.sqrt() * high.sqrt();
            if middle <= low || middle >= high {
                break;
            }
            if comes(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }
}

/// The expected time that someone who leaves at a rate of Gamma(s, beta) stays until t:
/// beta [1 - (beta / (beta+t))^(s-1)] / (s-1).
fn time_alive(s: f64, beta: f64, t: f64) -> f64 {
    let (e, growth) = (s - 1.0, libm::log1p(t / beta));
    beta * if e == 0.0 { growth } else { -libm::expm1(-e * growth) / e }
}

/// ln of how likely exactly `count` events are within tau, at a rate of Gamma(n, 1).
pub(super) fn ln_p_count(n: f64, count: u32, tau: f64) -> f64 {
    let c = f64::from(count);
    let combinations = if n < 1.0 || count < 20 {
        ln_rising(n, count) - ln_gamma(c + 1.0)
    } else {
        -ln_beta(n, c + 1.0) - libm::log(n + c)
    };
    combinations - c * libm::log1p(tau.recip()) - n * libm::log1p(tau)
}
