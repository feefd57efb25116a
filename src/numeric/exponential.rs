//! Logarithms of sums of exponentials, and the logistic function.

/// ln(1 + e^x), without overflow.
pub(crate) fn ln_1p_exp(x: f64) -> f64 {
    if x > 0.0 { x + libm::log1p(libm::exp(-x)) } else { libm::log1p(libm::exp(x)) }
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
