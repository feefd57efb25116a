//! Logarithms of sums of exponentials, and the logistic function.

/// ln(1 + e^x), without overflow.
pub(crate) fn ln_1p_exp(x: f64) -> f64 {
    if x > 0.0 { x + libm::log1p(libm::exp(-x)) } else { libm::log1p(libm::exp(x)) }
}

/// ln(e^one + e^other), without overflow.
pub(crate) fn ln_sum_exp(one: f64, other: f64) -> f64 {
    let (low, high) = if one < other { (one, other) } else { (other, one) };
    if low == f64::NEG_INFINITY { high } else { high + libm::log1p(libm::exp(low - high)) }
}

/// 1 / (1 + e^x): falls from 1 to 0, precise in both tails.
pub(crate) fn falling_logistic(x: f64) -> f64 {
    if x > 0.0 {
        let e = libm::exp(-x);
        e / (1.0 + e)
    } else {
        (1.0 + libm::exp(x)).recip()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;
    use crate::numeric::reference;

    #[test]
    fn sums_agree_with_the_table() {
        let rows = reference::rows("lse.csv");
        for (x, truth) in &rows {
            let error = (ln_sum_exp(x[0], x[1]) / truth - 1.0).abs();
            assert!(error <= 4.0 * f64::EPSILON, "{x:?}: {error}");
        }
        assert_eq!(rows.len(), 57);
        let nothing = f64::NEG_INFINITY;
        assert_eq!((ln_sum_exp(nothing, 3.0), ln_sum_exp(nothing, nothing)), (3.0, nothing));
        assert_eq!(ln_sum_exp(1e300, -1e300), 1e300);
    }

    #[test]
    fn tails_are_kept() {
        assert_eq!(ln_1p_exp(1e4), 1e4);
        assert_eq!(ln_1p_exp(-1e4), 0.0);
        assert_eq!(falling_logistic(1e4), 0.0);
        assert_eq!(falling_logistic(-1e4), 1.0);
        for x in [-40.0, -1.0, 0.0, 1.0, 40.0, 700.0] {
            let exact = libm::exp(-x) / (1.0 + libm::exp(-x));
            assert!((falling_logistic(x) / exact - 1.0).abs() < 1e-15, "{x}");
            assert!((ln_1p_exp(x) + libm::log(falling_logistic(x))).abs() < 1e-12, "{x}");
        }
    }
}
