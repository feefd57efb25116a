//! The two tails of the negative binomial distribution, which are regularised incomplete beta functions.

use super::gamma::ln_beta;

/// More steps than the continued fraction needs for parameters up to 1e9.
const MOST_STEPS: u32 = 100_000;

/// P(N < i) and P(N >= i) for a count N of events whose rate is drawn from Gamma(n, 1) over a time tau.
///
/// ```text
/// P(N >= i) = I_z(i, n),  z = tau / (1 + tau)
/// ```
/// Each is precise where it is the smaller of the two. For i, n > 0 and tau >= 0.
pub(crate) fn tails(n: f64, i: f64, tau: f64) -> (f64, f64) {
    if tau <= 0.0 {
        return (1.0, 0.0);
    }
    let (z, rest) = (tau / (1.0 + tau), (1.0 + tau).recip());
    let front = libm::exp(-i * libm::log1p(tau.recip()) - n * libm::log1p(tau) - ln_beta(i, n));
    if z * (i + n + 2.0) < i + 1.0 {
        let upper = (front * fraction(i, n, z) / i).clamp(0.0, 1.0);
        (1.0 - upper, upper)
    } else {
        let lower = (front * fraction(n, i, rest) / n).clamp(0.0, 1.0);
        (lower, 1.0 - lower)
    }
}

/// The continued fraction of the incomplete beta function by Lentz's method.
#[expect(clippy::many_single_char_names, reason = "the letters are those of Lentz's method")]
fn fraction(a: f64, b: f64, z: f64) -> f64 {
    let away = |x: f64| if x.abs() < 1e-300 { 1e-300 } else { x };
    let mut c = 1.0;
    let mut d = away(1.0 - (a + b) * z / (a + 1.0)).recip();
    let mut value = d;
    let mut m = 1.0;
    for _ in 0..MOST_STEPS {
        let even = m * (b - m) * z / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = away(1.0 + even * d).recip();
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * z / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = away(1.0 + odd * d).recip();
        c = away(1.0 + odd / c);
        value *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
        m += 1.0;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::reference;

    #[test]
    fn agrees_with_the_table() {
        let mut worst = 0.0_f64;
        let rows = reference::rows("negative_binomial.csv");
        for (x, truth) in &rows {
            let (lower, upper) = tails(x[0], x[1], x[2]);
            assert!((lower + upper - 1.0).abs() < 1e-15);
            // The table holds the upper tail where it is the smaller, minus the lower one where that is.
            let ours = if *truth < 0.0 { -lower } else { upper };
            let error = (ours / truth - 1.0).abs();
            assert!(error < 1e-10, "{x:?}: {ours} {truth}");
            worst = worst.max(error);
        }
        assert!(rows.len() == 400 && worst < 2e-11, "{worst}");
    }
}
