//! Integrals of smooth positive functions by Gauss-Legendre rules over panels.

/// A rule on -1..1: its positive nodes with their weights.
pub(crate) type Rule = &'static [(f64, f64)];

/// Eight points.
const EIGHT: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// Twelve points.
const TWELVE: [(f64, f64); 6] = [
    (0.125_233_408_511_468_9, 0.249_147_045_813_402_77),
    (0.367_831_498_998_180_2, 0.233_492_536_538_354_8),
    (0.587_317_954_286_617_5, 0.203_167_426_723_065_92),
    (0.769_902_674_194_304_7, 0.160_078_328_543_346_22),
    (0.904_117_256_370_474_9, 0.106_939_325_995_318_43),
    (0.981_560_634_246_719_2, 0.047_175_336_386_511_83),
];

/// Sixteen points.
pub(crate) const SIXTEEN: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_58),
    (0.458_016_777_657_227_37, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_7, 0.149_595_988_816_576_73),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.865_631_202_387_831_8, 0.095_158_511_682_492_79),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
];

/// A panel over which the logarithm of the function changes by no more than this is summed to the last digits.
pub(crate) const LARGEST_CHANGE: f64 = 12.0;
/// The widest panel for a function whose singularities lie pi away.
pub(crate) const WIDEST: f64 = 2.0;

/// The shortest rule that sums a panel to the last digits: e^(change y) is there to 1e-17, and so are functions with
/// singularities at a distance of pi.
pub(crate) fn rule(width: f64, change: f64) -> Rule {
    if width <= 0.5 && change <= 2.0 {
        &EIGHT
    } else if width <= 1.2 && change <= 6.0 {
        &TWELVE
    } else {
        &SIXTEEN
    }
}

/// The rule that sums a panel to ten digits, of a function that changes little and has its singularities pi away.
pub(crate) fn rule_of_width(width: f64) -> Rule {
    if width <= 1.0 {
        &EIGHT
    } else if width <= 1.75 {
        &TWELVE
    } else {
        &SIXTEEN
    }
}

/// The integral of e^(f - peak) over low..high, where f is concave, has its highest value `peak` on the interval at
/// `mode`, and is analytic within pi of the real line. Either end may be infinite where f falls without bound.
pub(crate) fn log_concave(mode: f64, low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    log_concave_times(mode, low, high, WIDEST, f, |_| 1.0)
}

/// As [`log_concave`] with a second, slowly varying factor, in panels of at most `widest`.
pub(crate) fn log_concave_times(
    mode: f64,
    low: f64,
    high: f64,
    widest: f64,
    f: impl Fn(f64) -> f64,
    factor: impl Fn(f64) -> f64,
) -> f64 {
    let density = |y: f64, peak: f64| libm::exp(f(y) - peak) * factor(y);
    let peak = f(mode);
    let mut sum = 0.0;
    for (direction, end) in [(-1.0, low), (1.0, high)] {
        let mut near = mode;
        let mut height = 0.0;
        let mut width = widest;
        while direction * (end - near) > 0.0 && height > -45.0 {
            width = (2.0 * width).min(widest).min(direction * (end - near));
            let mut next = f(near + direction * width) - peak;
            while (next - height).abs() > LARGEST_CHANGE && width > 1e-15 * near.abs() {
                width *= 0.5;
                next = f(near + direction * width) - peak;
            }
            let half = 0.5 * width;
            let middle = near + direction * half;
            let mut part = 0.0;
            for &(node, weight) in rule(width, (next - height).abs()) {
                part += weight * (density(middle - half * node, peak) + density(middle + half * node, peak));
            }
            sum += half * part;
            near += direction * width;
            height = next;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_functions_are_integrals() {
        for n in [0.01, 0.7, 3.0, 250.0, 1e6] {
            let f = |y: f64| n * y - libm::exp(y);
            let mode = libm::log(n);
            let integral = libm::log(log_concave(mode, f64::NEG_INFINITY, f64::INFINITY, f)) + f(mode);
            let truth = libm::lgamma_r(n).0;
            assert!((integral - truth).abs() < 1e-14 * (1.0 + truth.abs()), "{n}: {integral} {truth}");
        }
        let half = log_concave(0.0, 0.0, f64::INFINITY, |y| -y);
        assert!((half - 1.0).abs() < 1e-14, "{half}");
    }
}
