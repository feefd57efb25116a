//! The upper tail of the chi-square distribution.

/// How likely a chi-square variable with so many degrees of freedom is at least `x`; 1 for an `x` of 0 or less, for NaN
/// and without degrees.
///
/// ```text
/// Q(n/2, x/2),  Q(a+1, z) = Q(a, z) + z^a e^-z / G(a+1),  Q(1/2, z) = erfc(sqrt z),  Q(1, z) = e^-z
/// ```
/// All terms are positive, so that small tails keep their digits. Cost: half as many steps as there are degrees.
pub(crate) fn upper_tail(x: f64, degrees: u32) -> f64 {
    if x.is_nan() || x <= 0.0 || degrees == 0 {
        return 1.0;
    }
    if x == f64::INFINITY {
        return 0.0;
    }
    let z = 0.5 * x;
    let (mut a, mut sum) =
        if degrees.is_multiple_of(2) { (1.0, libm::exp(-z)) } else { (0.5, libm::erfc(z.sqrt())) };
    let end = 0.5 * f64::from(degrees);
    let ln_z = libm::log(z);
    while a < end {
        sum += libm::exp(a * ln_z - z - libm::lgamma_r(a + 1.0).0);
        a += 1.0;
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUTH: [(f64, u32, f64); 13] = [
        (3.841_458_820_694_124, 1, 0.050_000_000_000_000_06),
        (5.991_464_547_107_979, 2, 0.050_000_000_000_000_07),
        (7.814_727_903_251_178, 3, 0.050_000_000_000_000_04),
        (0.001, 1, 0.974_772_879_369_960_4),
        (0.001, 2, 0.999_500_124_979_169_3),
        (0.5, 5, 0.992_123_293_232_629_6),
        (30.0, 4, 4.894_437_128_029_212_6e-06),
        (337.4, 2, 5.426_513_689_207_117e-74),
        (700.0, 3, 2.099_130_853_420_408_7e-151),
        (12.5, 11, 0.327_255_835_553_148),
        (1.0, 40, 1.0),
        (100.0, 101, 0.509_424_503_971_883_9),
        (1400.0, 1, 2.101_014_516_264_217_6e-306),
    ];

    /// mpmath: gammainc(n/2, x/2, inf, regularized=True) with 30 digits.
    #[test]
    fn agrees_with_mpmath() {
        for (x, degrees, truth) in TRUTH {
            let ours = upper_tail(x, degrees);
            assert!((ours / truth - 1.0).abs() < 1e-12, "{x} {degrees}: {ours} {truth}");
        }
    }

    #[test]
    fn edges_are_defined() {
        for (x, degrees, p) in [
            (0.0, 1, 1.0),
            (-1.0, 2, 1.0),
            (f64::NAN, 2, 1.0),
            (3.0, 0, 1.0),
            (f64::INFINITY, 3, 0.0),
            (1e9, 2, 0.0),
        ] {
            assert!((upper_tail(x, degrees) - p).abs() < 1e-300, "{x} {degrees}");
        }
    }
}
