//! The derivatives of the logarithm of a rising factorial x (x + 1) .. (x + k - 1), without cancellation for large x.

use super::gamma::{digamma, trigamma};

/// Stirling's series is good to the last bit from here on.
const FAR: f64 = 10.0;

/// B(2k) / (2k), k = 1.., highest first.
const FIRST: [f64; 8] = [
    -3617.0 / 8160.0,
    1.0 / 12.0,
    -691.0 / 32_760.0,
    1.0 / 132.0,
    -1.0 / 240.0,
    1.0 / 252.0,
    -1.0 / 120.0,
    1.0 / 12.0,
];

/// B(2k), k = 1.., highest first.
const SECOND: [f64; 8] = [
    -3617.0 / 510.0,
    7.0 / 6.0,
    -691.0 / 2730.0,
    5.0 / 66.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    1.0 / 6.0,
];

/// digamma(x + k) - digamma(x) and trigamma(x + k) - trigamma(x), for x > 0 and k >= 0.
pub(crate) fn rising_slopes(x: f64, steps: f64) -> (f64, f64) {
    if steps == 0.0 {
        return (0.0, 0.0);
    }
    let end = x + steps;
    if x < FAR {
        return (digamma(end) - digamma(x), trigamma(end) - trigamma(x));
    }
    let rest = |coefficients: &[f64], x: f64| {
        let square = (x * x).recip();
        coefficients.iter().fold(0.0, |sum, coefficient| sum * square + coefficient) * square
    };
    // 1 / x - 1 / (x + k).
    let lag = steps / x / end;
    let first = libm::log1p(steps / x) + 0.5 * lag + (rest(&FIRST, x) - rest(&FIRST, end));
    let second =
        -lag - 0.5 * lag * (x.recip() + end.recip()) - (rest(&SECOND, x) / x - rest(&SECOND, end) / end);
    (first, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Differences at 50 digits (mpmath).
    #[test]
    fn keeps_its_digits() {
        for (x, steps, first, second) in [
            (0.3, 1.0, 3.333_333_333_333_333_5, -11.111_111_111_111_112),
            (0.3, 40.0, 7.186_417_435_635_06, -12.220_240_239_486_65),
            (9.9, 2.0, 0.192_753_220_276_156_05, -0.018_619_840_438_736_407),
            (10.0, 1.0, 0.1, -0.01),
            (10.5, 300.0, 3.433_571_696_756_852, -0.096_691_152_404_769_04),
            (77.25, 7.0, 0.087_281_651_285_375_31, -0.001_088_974_994_015_305_8),
            (100_000.0, 3.0, 2.999_970_000_499_991e-05, -2.999_940_001_499_964e-10),
            (1_000_000_000.0, 12.0, 1.199_999_993_4e-08, -1.199_999_986_800_000_1e-17),
            (100_000_000_000_000.0, 1.0, 1e-14, -1e-28),
            (123_456_789.5, 100_000.0, 0.000_809_672_134_404_487_3, -6.555_690_010_453_412e-12),
        ] {
            let (ours, bend) = rising_slopes(x, steps);
            assert!((ours / first - 1.0).abs() < 2e-15, "{x} {steps}: {ours} {first}");
            assert!((bend / second - 1.0).abs() < 4e-15, "{x} {steps}: {bend} {second}");
        }
        assert_eq!(rising_slopes(3.0, 0.0), (0.0, 0.0));
    }
}
