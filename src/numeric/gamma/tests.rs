use super::*;

/// The largest error of `function` over a table, in units of 2^-52, relative or against `floor` where that is larger.
fn worst(file: &str, floor: f64, function: impl Fn(&[f64]) -> f64) -> (usize, f64) {
    crate::numeric::reference::rows(file)
        .into_iter()
        .map(|(arguments, truth)| {
            let error = (function(&arguments) - truth).abs() / truth.abs().max(floor);
            assert!(error.is_finite(), "{arguments:?}");
            error / f64::EPSILON
        })
        .fold((0, 0.0), |(rows, worst), error| (rows + 1, error.max(worst)))
}

#[test]
fn ln_gamma_is_within_two_units() {
    let (rows, worst) = worst("lgamma.csv", 0.0, |x| ln_gamma(x[0]));
    assert!(rows == 1495 && worst <= 2.0, "{worst}");
}

#[test]
fn digamma_is_within_four_units() {
    let (rows, worst) = worst("digamma.csv", 0.0, |x| digamma(x[0]));
    assert!(rows == 720 && worst <= 4.0, "{worst}");
}

#[test]
fn trigamma_is_within_four_units() {
    let (rows, worst) = worst("trigamma.csv", 0.0, |x| trigamma(x[0]));
    assert!(rows == 200 && worst <= 4.0, "{worst}");
}

#[test]
fn ln_beta_is_within_eight_units() {
    // The goal is sixteen, or 1e-15 where the value is close to 0.
    let (rows, worst) = worst("lbeta.csv", 1e-15 / (16.0 * f64::EPSILON), |x| ln_beta(x[0], x[1]));
    assert!(rows == 1040 && worst <= 8.0, "{worst}");
    for (a, b, truth) in
        [(1.0, 1.0, 1.0), (1.0, 2.0, 0.5), (4.0, 3.0, 1.0 / 60.0), (0.5, 0.5, std::f64::consts::PI)]
    {
        assert!((ln_beta(a, b) - libm::log(truth)).abs() <= f64::EPSILON * libm::log(truth).abs(), "{a} {b}");
    }
    assert!((ln_beta(1e-200, 1e-220) - 220.0 * std::f64::consts::LN_10).abs() < 1e-12);
}

#[test]
fn rising_factorials_agree_across_their_branches() {
    for x in [1e-100, 0.3, 0.999, 5.5, 9.999, 10.0, 1e3, 1e9] {
        for k in [0, 1, 2, 15, 16, 17, 1000, 100_000] {
            let naive = ln_gamma(x + f64::from(k)) - ln_gamma(x);
            let scale = ln_gamma(x + f64::from(k)).abs().max(1.0);
            assert!((ln_rising(x, k) - naive).abs() <= 1e-14 * scale, "{x} {k}");
        }
    }
    assert!((ln_rising(1.0, 5) - 120_f64.ln()).abs() < 1e-15);
}
