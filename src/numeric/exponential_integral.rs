//! The generalised exponential integral, scaled so that it never overflows.

/// Euler's constant.
const EULER: f64 = 0.577_215_664_901_532_9;
/// (-1)^k (zeta(k) - 1) / k for k = 2.., mpmath with 50 digits.
const ZETA: [f64; 26] = [
    0.322_467_033_424_113_2,
    -0.067_352_301_053_198_1,
    0.020_580_808_427_784_546,
    -0.007_385_551_028_673_986,
    0.002_890_510_330_741_523_4,
    -0.001_192_753_911_703_261,
    0.000_509_669_524_743_042_5,
    -0.000_223_154_758_453_579_39,
    9.945_751_278_180_853e-5,
    -4.492_623_673_813_314e-5,
    2.050_721_277_567_069e-5,
    -9.439_488_275_268_397e-6,
    4.374_866_789_907_488e-6,
    -2.039_215_753_801_366e-6,
    9.551_412_130_407_42e-7,
    -4.492_469_198_764_566e-7,
    2.120_718_480_555_466_5e-7,
    -1.004_322_482_396_81e-7,
    4.769_810_169_363_98e-8,
    -2.271_109_460_894_316_4e-8,
    1.083_865_921_489_695_5e-8,
    -5.183_475_041_970_047e-9,
    2.483_674_543_802_478_5e-9,
    -1.192_140_140_586_091_2e-9,
    5.731_367_241_678_862e-10,
    -2.759_522_885_124_233_4e-10,
];

/// Orders above this are left to the continued fraction, whatever the argument.
const HIGH_ORDER: f64 = 20.0;
/// More steps than the continued fraction has needed anywhere.
const MOST_STEPS: u32 = 2000;

/// `e^z E_s(z)`, the integral of `e^(-z v) (1 + v)^-s` over v > 0, for s > 0 and z >= 0; infinite where z = 0 and
/// s <= 1.
pub(crate) fn scaled_exponential_integral(s: f64, z: f64) -> f64 {
    if z <= 0.0 {
        return if s > 1.0 { (s - 1.0).recip() } else { f64::INFINITY };
    }
    if z >= 1.0 || s > HIGH_ORDER {
        return by_fraction(s, z);
    }
    // Up from the orders next to 1, where every step loses less than a digit.
    let mut order = if s <= 1.5 { s } else { s - libm::ceil(s - 1.5) };
    let mut value = libm::exp(z) * by_series(order, z);
    while order < s - 0.25 {
        value = (1.0 - z * value) / order;
        order += 1.0;
    }
    value
}

/// `E_s(z)` for 0 < s <= 1.5 and 0 < z < 1.
fn by_series(s: f64, z: f64) -> f64 {
    let e = s - 1.0;
    let main = if e == 0.0 {
        -libm::log(z) - EULER
    } else {
        let ln_gamma = if e.abs() <= 0.5 { ln_gamma_1p(-e) } else { libm::lgamma_r(1.0 - e).0 };
        -libm::expm1(ln_gamma + e * libm::log(z)) / e
    };
    let (mut power, mut sum, mut k) = (1.0, 0.0, 1.0);
    while k < 40.0 {
        power *= -z / k;
        let term = power / (k - e);
        sum += term;
        if term.abs() <= 1e-18 * f64::abs(sum) {
            break;
        }
        k += 1.0;
    }
    main - sum
}

/// ln Gamma(1 + x) for |x| <= 1/2, to the last digits of a small x.
fn ln_gamma_1p(x: f64) -> f64 {
    let rest = ZETA.iter().rev().fold(0.0, |sum, &coefficient| sum * x + coefficient);
    x * x * rest + (x * (1.0 - EULER) - libm::log1p(x))
}

/// The continued fraction of `e^z E_s(z)` by Lentz's method.
#[expect(clippy::many_single_char_names, reason = "the letters are those of Lentz's method")]
fn by_fraction(s: f64, z: f64) -> f64 {
    let mut b = z + s;
    let mut c = 1e300;
    let mut d = b.recip();
    let mut value = d;
    let mut step = 1.0;
    for _ in 0..MOST_STEPS {
        let a = -step * (s - 1.0 + step);
        b += 2.0;
        d = (a * d + b).recip();
        c = b + a / c;
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
        step += 1.0;
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
        let rows = reference::rows("expint.csv");
        for (x, truth) in &rows {
            let error = (scaled_exponential_integral(x[0], x[1]) / truth - 1.0).abs();
            assert!(error < 1e-12, "{x:?}: {error}");
            worst = worst.max(error);
        }
        assert!(rows.len() == 400 && worst < 2e-14, "{worst}");
    }
}
