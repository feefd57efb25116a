//! The regularised incomplete beta function, in both tails: the beta and the negative binomial distribution.

use super::double::{Double, Scaled};
use super::gamma::{FAR, stirling_rest};
use std::f64::consts::TAU;

/// Euler's number.
const E: Double = Double { high: std::f64::consts::E, low: 1.445_646_891_729_250_2e-16 };

/// More steps than the continued fraction needs where both parameters are below 1e12.
const MOST_STEPS: u32 = 100_000;
/// Parameters above this count as this, so that nothing overflows.
const MOST: f64 = 1e280;
/// Where x (a + b + 1) is up to this, the series is quick. On that side of the mean the fraction takes 80 / x (a + b)
/// steps, and a rounding in each.
const CLOSE: f64 = 0.1;

/// `I_x(a, b)` and `1 - I_x(a, b)`: how likely a share of Beta(a, b) is below x, and above.
///
/// For a, b > 0 and 0 <= x <= 1. A few units in the last place of the smaller of the two where that is computed, up to
/// parameters of 1e12; beyond, where both are larger, a number between 0 and 1 and no more.
pub(crate) fn regularised(a: f64, b: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        (0.0, 1.0)
    } else if x >= 1.0 {
        (1.0, 0.0)
    } else {
        both(a, b, x.into(), Double::sum(1.0, -x))
    }
}

/// P(N < i) and P(N >= i) for a count N of events whose rate is drawn from Gamma(n, 1) over a time tau.
///
/// ```text
/// P(N < i) = I_y(n, i),  y = 1 / (1 + tau)
/// ```
/// For i, n > 0 and tau >= 0.
pub(crate) fn tails(n: f64, i: f64, tau: f64) -> (f64, f64) {
    if tau <= 0.0 {
        return (1.0, 0.0);
    }
    if tau > MOST {
        return both(n, i, tau.recip().into(), Double::ONE);
    }
    let whole = Double::sum(1.0, tau);
    both(n, i, Double::ONE / whole, Double::from(tau) / whole)
}

/// `I_x(a, b)` and `I_y(b, a)`, where x + y = 1.
fn both(a: f64, b: f64, x: Double, y: Double) -> (f64, f64) {
    let (a, b) = (a.min(MOST), b.min(MOST));
    // The fraction converges for the lower tail below the mean, and for the upper one above it. A mean that is far
    // above the median leaves a gap just above it, which the series of the lower tail fills; and the other way round.
    let below = (Double::from(a) * y - Double::from(b) * x).rounded();
    let share = if below < 0.0 { x } else { y };
    let close = (a + b + 1.0) * share.high <= CLOSE;
    let by_lower = (below < 0.0) == close;
    let tail = |a: f64, b: f64, x: Double, y: Double| {
        let rest =
            if close { series(a, b, x.high) } else { fraction(a, b, x.high, y.high, below.abs()).recip() };
        (front(a, b, x, y) * rest).clamp(0.0, 1.0)
    };
    if by_lower {
        let lower = tail(a, b, x, y);
        (lower, 1.0 - lower)
    } else {
        let upper = tail(b, a, y, x);
        (1.0 - upper, upper)
    }
}

/// x^a y^b / (a B(a, b)). The powers are taken of x and y relative to the mean, so that they stay moderate, and of two
/// parts each, because parameters of 1e5 would magnify a rounding of x by as much.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn front(a: f64, b: f64, x: Double, y: Double) -> f64 {
    let whole = Double::sum(a, b);
    let c = whole.high;
    if c < FAR {
        let gammas = libm::tgamma(1.0 + c) / (libm::tgamma(1.0 + a) * libm::tgamma(1.0 + b));
        return (x.power(a) * y.power(b)).rounded() * (b / c * gammas);
    }
    // (c share)^p e^-p / Gamma(1 + p): the power, the factor, and the logarithm of a factor close to 1.
    let part = |p: f64, share: Double| -> (Scaled, f64, f64) {
        if p < FAR {
            ((share * whole / E).power(p), libm::tgamma(1.0 + p).recip(), 0.0)
        } else {
            ((share * whole / p.into()).power(p), (TAU * p).sqrt().recip(), -stirling_rest(p))
        }
    };
    let (one, one_scale, one_rest) = part(a, x);
    let (other, other_scale, other_rest) = part(b, y);
    let scale = b * one_scale * other_scale * (TAU / c).sqrt();
    (one * other).rounded() * scale * libm::exp(stirling_rest(c) + one_rest + other_rest)
}

/// a B(a, b) `I_x(a, b)` / (x^a y^b) as a series of positive terms, for small x (a + b).
fn series(a: f64, b: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 0.0, 0.0);
    while term > 1e-17 * sum {
        sum += term;
        term *= x * ((a + b) + n) / ((a + 1.0) + n);
        n += 1.0;
    }
    sum
}

/// The reciprocal of the same as a continued fraction, for x up to the mean; `below` is (a + b) (mean - x). Every second
/// step of the usual fraction, so that numerators and denominators are positive where it is long.
///
/// Source: A. R. Didonato and A. H. Morris, "Algorithm 708: significant digit computation of the incomplete beta
/// function ratios", ACM Transactions on Mathematical Software 18 (1992), BFRAC; evaluated by Lentz's method.
#[expect(clippy::many_single_char_names, reason = "the letters are those of Lentz's method")]
fn fraction(a: f64, b: f64, x: f64, y: f64, below: f64) -> f64 {
    let mut value = (below + 1.0) / (a + 1.0);
    let (mut c, mut d) = (a * value, 0.0);
    let mut m = 1.0;
    for _ in 0..MOST_STEPS {
        let before = a + 2.0 * m - 1.0;
        let weight = m * (b - m) * x / before;
        let top = (a + m - 1.0) / before * (a + b + m - 1.0) * x * weight;
        let bottom = m + weight + (a + m) / (before + 2.0) * (below + 1.0 + m * (1.0 + y));
        d = (bottom + top * d).recip();
        c = bottom + top / c;
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() <= f64::EPSILON {
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
    use proptest::prelude::*;

    /// The median and the largest relative error over a table, in units of 2^-52. Where the table holds a negative
    /// value, that is minus the upper tail.
    fn errors(file: &str, ours: impl Fn(&[f64]) -> (f64, f64)) -> (usize, f64, f64) {
        let mut errors: Vec<f64> = reference::rows(file)
            .into_iter()
            .map(|(x, truth)| {
                let (lower, upper) = ours(&x);
                assert!((lower + upper - 1.0).abs() <= 2.0 * f64::EPSILON, "{x:?}");
                let ours = if truth < 0.0 { -upper } else { lower };
                (ours / truth - 1.0).abs() / f64::EPSILON
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        (errors.len(), errors[errors.len() / 2], errors[errors.len() - 1])
    }

    #[test]
    fn agrees_with_the_tables() {
        let (rows, median, worst) = errors("ibeta.csv", |x| regularised(x[0], x[1], x[2]));
        assert!(rows == 631 && median <= 1.0 && worst <= 16.0, "{median} {worst}");
        // The smaller of the tails, up to parameters of 1e8.
        let (rows, median, worst) = errors("ibeta_wide.csv", |x| regularised(x[0], x[1], x[2]));
        assert!(rows == 600 && median <= 4.0 && worst <= 1000.0, "{median} {worst}");
    }

    #[test]
    fn agrees_with_the_table_of_the_negative_binomial() {
        // This table has the upper tail where the other has the lower one.
        let (rows, median, worst) = errors("negative_binomial.csv", |x| {
            let (lower, upper) = tails(x[0], x[1], x[2]);
            (upper, lower)
        });
        assert!(rows == 400 && median <= 2.0 && worst <= 200.0, "{median} {worst}");
    }

    #[test]
    fn edges_are_exact() {
        assert_eq!(regularised(2.0, 3.0, 0.0), (0.0, 1.0));
        assert_eq!(regularised(2.0, 3.0, 1.0), (1.0, 0.0));
        assert_eq!(tails(0.5, 3.0, 0.0), (1.0, 0.0));
        // Half of a symmetric law, however narrow.
        for parameter in [1e-9, 0.3, 1.0, 77.0, 1e5, 1e8, 1e12] {
            let (lower, _) = regularised(parameter, parameter, 0.5);
            assert!((lower - 0.5).abs() < 1e-14, "{parameter}: {lower}");
        }
        // Uniform.
        for x in [1e-300, 0.1, 0.9] {
            assert!((regularised(1.0, 1.0, x).0 / x - 1.0).abs() < 4e-16);
        }
    }

    fn any_size(most: f64) -> impl Strategy<Value = f64> {
        (-most..most).prop_map(libm::exp10)
    }

    proptest! {
        #[test]
        fn is_a_share_whatever_is_asked(
            a in any_size(300.0),
            b in any_size(300.0),
            x in prop_oneof![0.0..1.0_f64, any_size(300.0).prop_map(|odds| odds / (1.0 + odds))],
        ) {
            for (lower, upper) in [regularised(a, b, x), tails(a, b, x)] {
                prop_assert!((0.0..=1.0).contains(&lower) && (0.0..=1.0).contains(&upper), "{lower} {upper}");
                prop_assert!((lower + upper - 1.0).abs() <= 2.0 * f64::EPSILON);
            }
        }

        #[test]
        fn grows_with_x_and_mirrors(a in any_size(8.0), b in any_size(8.0), from in 0.0..1.0_f64, to in 0.0..1.0_f64) {
            // Around the mean, where there is something to see.
            let spread = (a + b + 1.0).sqrt().recip();
            let at = |share: f64| (a / (a + b) + (20.0 * share - 10.0) * spread).clamp(0.0, 1.0);
            let (low, high) = (at(from.min(to)), at(from.max(to)));
            let (below, above) = (regularised(a, b, low), regularised(a, b, high));
            prop_assert!(below.0 <= above.0 * (1.0 + 1e-12), "{below:?} {above:?}");
            // 1 - (1 - x) is x again from 1/2 on.
            if low >= 0.5 {
                let mirrored = regularised(b, a, 1.0 - low);
                prop_assert!((below.0 - mirrored.1).abs() <= 1e-14 * below.0);
                prop_assert!((below.1 - mirrored.0).abs() <= 1e-14 * below.1);
            }
        }
    }
}
