//! The Gauss hypergeometric function in the one form that buying models need, for every legal argument.

use std::f64::consts::LN_2;

/// Relative size below which a term no longer counts.
const SMALL: f64 = 1e-17;
/// The series gives way to the integral beyond this many terms.
const MOST_TERMS: u32 = 1000;

/// The mean of (1 - (1 + p tau)^-n) / p when p is drawn from Beta(a, b): how often someone is expected to act in a
/// time `tau` (in units of the scale of their rate, a gamma of shape `n`) who gives up after each act with
/// probability p.
///
/// ```text
/// C / (a - 1) * [1 - (1 + tau)^-n 2F1(n, b; C; z)],   C = a + b - 1,  z = tau / (1 + tau)
/// = C [1 - (1 - z)^e 2F1(C - n, e; C; z)] / e,        e = a - 1       (Euler)
/// ```
/// The second form is summed so that it stays finite at a = 1 and at C = 0. Where its series is long or cancels, the
/// mean is integrated by the trapezoidal rule in the logit of p, where the integrand is analytic.
///
/// For n, a, b > 0 and tau >= 0, all finite.
pub(crate) fn mean_until_dropout(n: f64, a: f64, b: f64, tau: f64) -> f64 {
    if tau <= 0.0 {
        return 0.0;
    }
    by_series(n, a, b, tau).unwrap_or_else(|| by_integral(n, a, b, tau))
}

#[expect(clippy::many_single_char_names, reason = "the letters of the formula above")]
fn by_series(n: f64, a: f64, b: f64, tau: f64) -> Option<f64> {
    let z = tau / (1.0 + tau);
    let ln_rest = -libm::log1p(tau);
    let (e, c) = (a - 1.0, a + (b - 1.0));
    let power = libm::exp(e * ln_rest);
    let first = if e == 0.0 { -c * ln_rest } else { -c * libm::expm1(e * ln_rest) / e };

    // The terms of C (A)_k (1 + e)_(k-1) z^k / ((C)_k k!), the common C divided out.
    let start = c - n;
    let mut term = start * z;
    let (mut sum, mut size) = (term, term.abs());
    let mut k = 1.0;
    let enough = SMALL * (1.0 - z);
    for _ in 0..MOST_TERMS {
        term *= (start + k) * (a + (k - 1.0)) / ((c + k) * (k + 1.0)) * z;
        sum += term;
        size += term.abs();
        k += 1.0;
        if term.abs() <= enough * size {
            let mean = first - power * sum;
            // Where the parts nearly cancel, one and a half digits are given up, not more.
            let trusted = mean > 0.03 * first.abs() && mean > 0.03 * power * size;
            return (trusted && mean.is_finite()).then_some(mean);
        }
    }
    None
}

fn by_integral(n: f64, a: f64, b: f64, tau: f64) -> f64 {
    let gain = |p: f64| -libm::expm1(-n * libm::log1p(p * tau)) / p;
    mean_of_beta(a, b, n, n * tau.min(1e200), gain, n * tau)
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
    let gain = |logit: f64| {
        let ln_p = ln_both(logit).0;
        // Below e^-700, p itself would vanish; the gain has been at its limit for long.
        if ln_p < -1000.0 * LN_2 { at_zero } else { gain(libm::exp(ln_p)) }
    };
    // The weight p^a (1-p)^b of the logit has about this width around its mode; half of pi bounds the strip in which
    // everything is analytic and tame. Either makes the rule exact to the last digits.
    let width = (a.recip() + b.recip()).sqrt();
    let step = (0.55 * width).min(0.25);
    let mode = libm::log(a / b);
    if width < 1e-6 {
        // Everyone has the same p, to a relative 1e-12.
        return gain(mode);
    }
    let parts = |logit: f64| {
        let weight = weight(a, b, mode, logit);
        (weight, weight * gain(logit))
    };

    let (mut weights, mut gains) = parts(mode);
    for (direction, power) in [(-1.0, a), (1.0, b)] {
        // Beyond this logit the weight is a pure exponential and the gain is constant: the rest is a geometric sum.
        let flat = if direction < 0.0 {
            -(39.0 + libm::log1p(a + b + reach))
        } else {
            39.0 + libm::log1p(a + b + falloff)
        };
        let mut logit = mode;
        loop {
            logit += direction * step;
            let (weight, gain) = parts(logit);
            if direction * (logit - flat) >= 0.0 {
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

/// p^a (1-p)^b at a logit, against its largest value, which is at the mode.
fn weight(a: f64, b: f64, mode: f64, logit: f64) -> f64 {
    let away = logit - mode;
    let (ln_p, ln_q) = if away.abs() < 1.0 {
        // Near the mode of a sharp weight the difference of two logarithms would be lost.
        (-libm::log1p(b / (a + b) * libm::expm1(-away)), -libm::log1p(a / (a + b) * libm::expm1(away)))
    } else {
        let (here, there) = (ln_both(logit), ln_both(mode));
        (here.0 - there.0, here.1 - there.1)
    };
    libm::exp(a * ln_p + b * ln_q)
}

/// ln p and ln(1 - p) of a logit.
fn ln_both(logit: f64) -> (f64, f64) {
    let e = libm::log1p(libm::exp(-logit.abs()));
    if logit > 0.0 { (-e, -logit - e) } else { (logit - e, -e) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;
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
        let (rows, worst) = worst(|n, a, b, tau| Some(mean_until_dropout(n, a, b, tau)));
        assert!(rows == 400 && worst < 1e-12, "{rows} {worst}");
    }

    #[test]
    fn both_ways_agree_with_the_table() {
        let (rows, by_series) = worst(by_series);
        let (all, by_integral) = worst(|n, a, b, tau| Some(by_integral(n, a, b, tau)));
        assert!(rows > 100 && all == 400, "{rows}");
        assert!(by_series < 1e-12 && by_integral < 1e-12, "{by_series} {by_integral}");
    }

    #[test]
    fn nothing_happens_in_no_time() {
        assert_eq!(mean_until_dropout(0.5, 0.7, 2.0, 0.0), 0.0);
    }
}
