//! The exponential function where it is asked for a million times.

/// 1 / ln 2, and ln 2 in two parts, the first of 33 bits.
const PER_LN_2: f64 = std::f64::consts::LOG2_E;
const LN_2: f64 = 0.693_147_180_369_123_8;
const LN_2_REST: f64 = 1.908_214_929_270_587_7e-10;
/// Adding this rounds to a whole number, which are the lowest bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// e^x for x <= 0, to two units in the last place, without branches but one and by exact operations alone. 0 below -700.
pub(crate) fn exp_below_one(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    let rounded = x * PER_LN_2 + ROUND;
    let twos = rounded - ROUND;
    let r = (x - twos * LN_2) - twos * LN_2_REST;
    // The power series, by powers of r that do not wait for each other.
    let square = r * r;
    let fourth = square * square;
    let low = (1.0 + r) + (1.0 / 2.0 + r * (1.0 / 6.0)) * square;
    let middle = (1.0 / 24.0 + r * (1.0 / 120.0)) + (1.0 / 720.0 + r * (1.0 / 5040.0)) * square;
    let high = (1.0 / 40_320.0 + r * (1.0 / 362_880.0))
        + (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0)) * square
        + (1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0)) * fourth;
    let power = low + (middle + high * fourth) * fourth;
    // 2^twos: whole numbers up to -1010 leave an exponent above 0.
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(1023) << 52;
    power * f64::from_bits(exponent)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;

    #[test]
    fn agrees_with_libm() {
        let mut x = 0.0_f64;
        while x > -700.0 {
            let (found, truth) = (exp_below_one(x), libm::exp(x));
            assert!((found / truth - 1.0).abs() < 4.5e-16, "{x}: {found} {truth}");
            x -= 0.003_7 * (1.0 + x.abs() * 0.05);
        }
        assert_eq!([0.0, -0.0, -701.0, f64::NEG_INFINITY].map(exp_below_one), [1.0, 1.0, 0.0, 0.0]);
        assert!(exp_below_one(f64::NAN).is_nan());
    }
}
