//! Means over a leaving probability: the Gauss hypergeometric function in the one form that buying models need, for
//! every legal argument.

use super::dropout_series::{Series, Sums};
use std::f64::consts::LN_2;

/// Relative size below which a node no longer counts.
const SMALL: f64 = 1e-17;
/// The widest step between logits of p: the error is of the size of e^(-pi^2 / step).
const STEP: f64 = 0.25;

/// The mean of (1 - (1 + p tau)^-n) / p when p is drawn from Beta(a, b): how often someone is expected to act in a
/// time `tau` (in units of the scale of their rate, a gamma of shape `n`) who gives up after each act with
/// probability p.
///
/// ```text
/// C / (a - 1) * [1 - (1 + tau)^-n 2F1(n, b; C; z)],   C = a + b - 1,  z = tau / (1 + tau)
/// ```
/// Summed as a series without this difference, so that it stays finite at a = 1 and at C = 0. Where that is long or
/// cancels, the mean is integrated by the trapezoidal rule in the logit of p, where the integrand is analytic.
///
/// For n, a, b > 0 and tau >= 0, all finite.
pub(crate) fn mean_until_dropout(n: f64, a: f64, b: f64, tau: f64, sums: &mut impl Sums) -> f64 {
    if tau <= 0.0 {
        return 0.0;
    }
    by_series(n, a, b, tau, sums).unwrap_or_else(|| by_integral(n, a, b, tau))
}

fn by_series(n: f64, a: f64, b: f64, tau: f64, sums: &mut impl Sums) -> Option<f64> {
    let mean = n * Series::of_purchases(n, a, b, 0.0).integral(tau, sums)?;
    mean.is_finite().then_some(mean)
}

fn by_integral(n: f64, a: f64, b: f64, tau: f64) -> f64 {
    let gain = |p: f64| -libm::expm1(-n * libm::log1p(p * tau)) / p;
    mean_of_beta(a, b, n + 1.0, (n + 1.0) * tau.min(1e200), gain, n * tau)
}

/// 2F1(1, b; a+b; z) for each of two arguments in 0..1, the larger one first; `None` where one is too close to 1 for so
/// many steps. For a, b > 0.
pub(crate) fn with_a_unit(a: f64, b: f64, [large, small]: [f64; 2], most: u32) -> Option<[f64; 2]> {
    if large < 0.6 {
        return Some(with_a_unit_by_series(a, b, [large, small]));
    }
    let one = |z: f64| with_a_unit_by_fraction(a, b, z, most).ok();
    Some([one(large)?, one(small)?])
}

/// The sum of (b)_k / (a+b)_k z^k: every term is less than z times the one before.
fn with_a_unit_by_series(a: f64, b: f64, [large, small]: [f64; 2]) -> [f64; 2] {
    let (mut term, mut sum) = ([1.0, 1.0], [1.0, 1.0]);
    let enough = SMALL * (1.0 - large);
    let (whole, mut k) = (a + b, 0.0);
    loop {
        let step = (b + k) / (whole + k);
        let [one, other] = term;
        term = [one * (step * large), other * (step * small)];
        let ([one, other], [first, second]) = (term, sum);
        sum = [first + one, second + other];
        if one <= enough * first {
            return sum;
        }
        k += 1.0;
    }
}

/// 2F1(1, b; a+b; z) by Gauss's continued fraction, or what that has come to after so many steps.
pub(crate) fn with_a_unit_by_fraction(a: f64, b: f64, z: f64, most: u32) -> Result<f64, f64> {
    let whole = a + b;
    let mut value = 1.0;
    let (mut up, mut down) = (1.0, 0.0);
    let mut m = 0.0;
    for _ in 0..most {
        let far = whole + 2.0 * m;
        let odd = if m == 0.0 { b / whole } else { (b + m) * (whole - 1.0 + m) / ((far - 1.0) * far) };
        m += 1.0;
        let even = m * (a + (m - 1.0)) / (far * (far + 1.0));
        let mut factor = 1.0;
        for step in [odd, even] {
            down = (1.0 - step * z * down).recip();
            up = 1.0 - step * z / up;
            factor *= up * down;
        }
        value *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            return Ok(value.recip());
        }
    }
    Err(value.recip())
}

/// The mean of `gain` over p of Beta(a, b), to about twelve digits, for a function that is analytic and tame where the
/// logit of p is within half of pi of the real line.
///
/// The relative slopes of `gain` in p are at most `falloff` near 1 and `reach` near 0, where its limit is `at_zero`.
pub(crate) fn mean_of_beta(
    a: f64,
    b: f64,
    falloff: f64,
    reach: f64,
    gain: impl Fn(f64) -> f64,
    at_zero: f64,
) -> f64 {
    // Below e^-700, p itself would vanish; the gain has been at its limit for long.
    let gain_at = |place: Place| if place.ln_p < -1000.0 * LN_2 { at_zero } else { gain(place.p) };
    // The weight p^a (1-p)^b of the logit has about this width around its mode; half of pi bounds the strip in which
    // everything is analytic and tame. Either makes the rule exact to more than twelve digits.
    let width = (a.recip() + b.recip()).sqrt();
    let step = (0.55 * width).min(STEP);
    let mode = libm::log(a / b);
    let top = Place::at(mode);
    if width < 1e-6 {
        // Everyone has the same p, to a relative 1e-12.
        return gain_at(top);
    }
    // The weight against its largest value, which is at the mode.
    let parts = |logit: f64| {
        let away = logit - mode;
        let here = Place::at(logit);
        let ln_weight = if away.abs() < 1.0 {
            // Near the mode of a sharp weight the difference of two logarithms would be lost.
            let [of_p, of_q] = [b / (a + b) * libm::expm1(-away), a / (a + b) * libm::expm1(away)];
            -a * libm::log1p(of_p) - b * libm::log1p(of_q)
        } else {
            a * (here.ln_p - top.ln_p) + b * (here.ln_q - top.ln_q)
        };
        let weight = libm::exp(ln_weight);
        (weight, weight * gain_at(here))
    };

    let (mut weights, mut gains) = parts(mode);
    for (direction, power, slope) in [(-1.0, a, reach), (1.0, b, falloff)] {
        // From this logit on the weight is an exponential and the gain a constant but for a share of less than e^-33 of
        // the whole: the rest is a geometric sum.
        let flat = (33.0 / (1.0 + power)).max(3.0) + libm::log1p(a + b + slope);
        let mut logit = mode;
        loop {
            logit += direction * step;
            let (weight, gain) = parts(logit);
            if direction * logit >= flat {
                // 1 / (1 - e^(-power step)): this node and all beyond it.
                let beyond = -libm::expm1(-power * step).recip();
                weights += weight * beyond;
                gains += gain * beyond;
                break;
            }
            weights += weight;
            gains += gain;
            if weight <= SMALL * weights && gain <= SMALL * gains {
                break;
            }
        }
    }
    gains / weights
}

/// A probability with its logarithm and that of 1 - p.
#[derive(Clone, Copy, Debug)]
struct Place {
    p: f64,
    ln_p: f64,
    ln_q: f64,
}

impl Place {
    fn at(logit: f64) -> Self {
        let e = libm::exp(-logit.abs());
        let rest = libm::log1p(e);
        if logit > 0.0 {
            Self { p: (1.0 + e).recip(), ln_p: -rest, ln_q: -logit - rest }
        } else {
            Self { p: e / (1.0 + e), ln_p: logit - rest, ln_q: -rest }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;
    use crate::numeric::dropout_series::Afresh;
    use crate::numeric::reference;

    fn worst(function: impl Fn(f64, f64, f64, f64) -> Option<f64>) -> (usize, f64) {
        let mut rows = 0;
        let mut worst = 0.0_f64;
        for (x, truth) in reference::rows("dropout.csv") {
            if let Some(value) = function(x[0], x[1], x[2], x[3]) {
                let error = (value / truth - 1.0).abs();
                assert!(error < 1e-9, "{x:?}: {value} instead of {truth}");
                worst = worst.max(error);
                rows += 1;
            }
        }
        (rows, worst)
    }

    #[test]
    fn agrees_with_the_table() {
        let (rows, worst) = worst(|n, a, b, tau| Some(mean_until_dropout(n, a, b, tau, &mut Afresh)));
        assert!(rows == 400 && worst < 1e-12, "{rows} {worst}");
    }

    #[test]
    fn both_ways_agree_with_the_table() {
        let (rows, by_series) = worst(|n, a, b, tau| by_series(n, a, b, tau, &mut Afresh));
        let (all, by_integral) = worst(|n, a, b, tau| Some(by_integral(n, a, b, tau)));
        assert!(rows > 100 && all == 400, "{rows}");
        assert!(by_series < 1e-12 && by_integral < 1e-12, "{by_series} {by_integral}");
    }

    #[test]
    fn nothing_happens_in_no_time() {
        assert_eq!(mean_until_dropout(0.5, 0.7, 2.0, 0.0, &mut Afresh), 0.0);
    }
}
