//! The Gauss hypergeometric function, where its series is positive.

use super::exponential::{ln_1p_exp, ln_sum_exp};
use super::gamma::ln_beta;
use super::quadrature::log_concave;

/// The series gives way to the integral beyond this many terms.
const MOST_TERMS: f64 = 400.0;
/// A sum beyond which the series might overflow.
const LARGE: f64 = 1e280;

/// ln 2F1(a, b; c; z), to about fourteen digits also where it is close to 0.
///
/// ```text
/// 2F1(a, b; c; z) - 1 = sum over k >= 1 of (a)_k (b)_k / (c)_k z^k / k!                     where that is short, else
///                     = integral of t^b (1-t)^(c-b) [(1 - zt)^-a - 1] / B(b, c-b) over the logit of t
/// ```
/// The second holds for b < c; for c <= b, two functions with a larger c are added. Nothing ever cancels.
///
/// For a, b, c > 0 with c > min(a, b) - 1, and 0 <= z < 1: all that models of buying ask for.
#[cfg_attr(not(test), expect(dead_code, reason = "models need it in other forms so far, in fewer steps"))]
pub(crate) fn ln_2f1(a: f64, b: f64, c: f64, z: f64) -> f64 {
    if z <= 0.0 { 0.0 } else { ln_whole(a.max(b), a.min(b), c, z) }
}

/// The same for b <= a and z > 0.
fn ln_whole(a: f64, b: f64, c: f64, z: f64) -> f64 {
    by_series(a, b, c, z).unwrap_or_else(|| ln_1p_exp(ln_rest(a, b, c, z)))
}

#[expect(clippy::many_single_char_names, reason = "the letters of the formula above")]
fn by_series(a: f64, b: f64, c: f64, z: f64) -> Option<f64> {
    let enough = 1e-17 * (1.0 - z);
    let (mut term, mut sum, mut k) = (1.0, 0.0, 0.0);
    while k < MOST_TERMS && sum < LARGE {
        term *= (a + k) / (c + k) * ((b + k) / (k + 1.0)) * z;
        sum += term;
        k += 1.0;
        if term <= enough * sum {
            return Some(libm::log1p(sum));
        }
    }
    None
}

/// ln(2F1(a, b; c; z) - 1), for b <= a.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula above")]
fn ln_rest(a: f64, b: f64, c: f64, z: f64) -> f64 {
    if c <= b {
        // 2F1(a, b; c; z) = 2F1(a, b; c+1; z) + a b z / (c (c+1)) 2F1(a+1, b+1; c+2; z)
        let one = ln_rest(a, b, c + 1.0, z);
        let other = libm::log(a / c * (b / (c + 1.0)) * z) + ln_whole(a + 1.0, b + 1.0, c + 2.0, z);
        return ln_sum_exp(one, other);
    }
    // In the logit y of t: -ln(1 - zt) = ln(1 + e^y) - ln(1 + e^(y-bend)), where e^-bend = 1 - z.
    let bend = -libm::log1p(-z);
    let gain = |y: f64| a * libm::log1p(z / (libm::exp(-y) + (1.0 - z)));
    let f = |y: f64| {
        let gain = gain(y);
        if gain < 1.0 {
            b * y - c * ln_1p_exp(y) + libm::log(libm::expm1(gain))
        } else {
            // With the gain taken apart, since it cancels with most of the rest.
            let turn = if y > 0.0 { (b - (c - a)) * y } else { b * y };
            turn - (c - a) * ln_1p_exp(-y.abs()) - a * ln_1p_exp(y - bend) + libm::log(-libm::expm1(-gain))
        }
    };
    let slope = |y: f64| {
        let (p, q) = (libm::exp(-y), libm::exp(bend - y));
        b - c / (1.0 + p) + a * (q - p) / ((1.0 + p) * (1.0 + q)) / -libm::expm1(-gain(y))
    };
    // It rises up to here, and from `end` on it falls as a pure exponential.
    let (mut low, end) = (-2.0 - libm::log1p(a + c), bend + 40.0 + libm::log1p(a + c));
    let mut mode = end;
    while mode - low > 0.01 {
        let middle = 0.5 * (low + mode);
        if slope(middle) > 0.0 { low = middle } else { mode = middle }
    }
    let body = log_concave(mode, f64::NEG_INFINITY, end, f);
    let beyond = libm::exp(f(end) - f(mode)) / (c - b);
    f(mode) + libm::log(body + beyond) - ln_beta(b, c - b)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;
    use crate::numeric::reference;
    use proptest::prelude::*;

    fn worst(file: &str, ours: impl Fn(f64, f64, f64, f64) -> Option<f64>) -> (usize, f64) {
        let errors = reference::rows(file).into_iter().filter_map(|(x, truth)| {
            let ours = ours(x[0], x[1], x[2], x[3])?;
            assert!(ours.is_finite(), "{x:?}");
            Some((ours / truth - 1.0).abs())
        });
        errors.fold((0, 0.0), |(rows, worst), error| (rows + 1, error.max(worst)))
    }

    #[test]
    fn agrees_with_the_tables() {
        let (rows, worst_known) = worst("log2f1.csv", |a, b, c, z| Some(ln_2f1(a, b, c, z)));
        assert!(rows == 720 && worst_known < 1e-14, "{rows} {worst_known}");
        let (rows, worst_wide) = worst("log2f1_wide.csv", |a, b, c, z| Some(ln_2f1(a, b, c, z)));
        assert!(rows == 500 && worst_wide < 1e-14, "{rows} {worst_wide}");
    }

    #[test]
    fn both_ways_agree_with_the_tables() {
        for file in ["log2f1.csv", "log2f1_wide.csv"] {
            let (short, by_series) = worst(file, by_series);
            let (all, by_integral) =
                worst(file, |a, b, c, z| Some(ln_1p_exp(ln_rest(a.max(b), a.min(b), c, z))));
            assert!(short > 100 && short < all, "{short}");
            assert!(by_series < 1e-14 && by_integral < 1e-12, "{by_series} {by_integral}");
        }
    }

    #[test]
    fn closed_forms() {
        assert_eq!(ln_2f1(2.0, 3.0, 4.0, 0.0), 0.0);
        for z in [1e-300, 1e-9, 0.3, 0.9999, 1.0 - 1e-15] {
            // (1 - z)^-a where b = c, and -ln(1 - z) / z where a = b = 1 and c = 2.
            let power = -0.7 * libm::log1p(-z);
            assert!((ln_2f1(0.7, 5.0, 5.0, z) / power - 1.0).abs() < 1e-14, "{z}");
            let logarithm = libm::log(-libm::log1p(-z) / z);
            assert!(z < 0.1 || (ln_2f1(1.0, 1.0, 2.0, z) / logarithm - 1.0).abs() < 1e-14, "{z}");
        }
    }

    fn size() -> impl Strategy<Value = f64> {
        (-3.0..4.0_f64).prop_map(libm::exp10)
    }

    proptest! {
        #[test]
        fn is_finite_and_grows(
            a in size(),
            b in size(),
            above in prop_oneof![-0.999..2.0_f64, size()],
            near in 1e-15..1.0_f64,
            factor in 1.0..10.0_f64,
        ) {
            let c = a.min(b) + above;
            prop_assume!(c > 0.0);
            let (less, more) = (ln_2f1(a, b, c, 1.0 - (near * factor).min(1.0)), ln_2f1(a, b, c, 1.0 - near));
            prop_assert!(less.is_finite() && more.is_finite() && less >= 0.0, "{less} {more}");
            prop_assert!(less <= more * (1.0 + 1e-12), "{less} {more}");
        }
    }
}
