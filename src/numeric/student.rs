//! Student's t distribution: how sure a coefficient of a least-squares fit is.

use super::incomplete_beta::regularised;
use super::proportion;

/// How likely a t variable with so many degrees of freedom is at least as far from 0 as `t`, on either side; 1 for NaN.
///
/// ```text
/// p = I_x(v/2, 1/2),  x = v / (v + t²)
/// ```
pub(crate) fn two_sided_p(t: f64, degrees: f64) -> f64 {
    let square = t * t;
    if square.is_nan() {
        1.0
    } else if square < degrees {
        // The smaller of x and 1 - x keeps its digits.
        regularised(0.5, 0.5 * degrees, square / (degrees + square)).1
    } else if square.is_finite() {
        regularised(0.5 * degrees, 0.5, degrees / (degrees + square)).0
    } else {
        0.0
    }
}

/// So far from 0, on either side, lies a share of at most `level` of a t variable with so many degrees of freedom, at
/// least 1: 1.96 for 0.95 and many of them. 0 for a level of 0 or less, infinite for 1 or more.
pub(crate) fn quantile(level: f64, degrees: f64) -> f64 {
    // Tails of t are heavier than those of the normal distribution.
    let mut low = proportion::z(level);
    if low <= 0.0 || !low.is_finite() {
        return low;
    }
    let rest = 1.0 - level;
    let mut high = low;
    while two_sided_p(high, degrees) > rest && high < 1e300 {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return high;
        }
        if two_sided_p(middle, degrees) > rest {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
#[expect(clippy::excessive_precision, reason = "the references with the digits they were given")]
mod tests {
    use super::*;

    /// Degrees of freedom, level, quantile; mpmath with 40 digits. The familiar three of each table of t among them.
    const QUANTILES: [(f64, f64, f64); 9] = [
        (1.0, 0.95, 12.706_204_736_174_705),
        (1.0, 0.999, 636.619_248_768_719_6),
        (2.0, 0.5, 0.816_496_580_927_726),
        (3.0, 0.95, 3.182_446_305_283_71),
        (7.0, 0.999, 5.407_882_520_861_725),
        (30.0, 0.95, 2.042_272_456_301_238_3),
        (30.0, 0.999, 3.645_958_635_042_021_8),
        (1000.0, 0.5, 0.674_735_164_607_009_4),
        (1000.0, 0.95, 1.962_339_080_826_408_5),
    ];

    /// Degrees of freedom, t, p; mpmath with 40 digits.
    const TAILS: [(f64, f64, f64); 6] = [
        (1.0, 1e-6, 0.999_999_363_380_227_6),
        (5.0, 0.3, 0.776_249_042_263_274_5),
        (5.0, -40.0, 1.841_196_217_177_295_4e-7),
        (100.0, 1e-7, 0.999_999_920_410_762_6),
        (100.0, 12.0, 4.395_087_715_604_378e-21),
        (1e5, 4.5, 6.802_991_763_451_694e-6),
    ];

    #[test]
    fn agrees_with_mpmath() {
        for (degrees, level, truth) in QUANTILES {
            let ours = quantile(level, degrees);
            assert!((ours / truth - 1.0).abs() < 1e-12, "{degrees} {level}: {ours} {truth}");
        }
        for (degrees, t, truth) in TAILS {
            let ours = two_sided_p(t, degrees);
            assert!((ours / truth - 1.0).abs() < 1e-13, "{degrees} {t}: {ours} {truth}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these are exact")]
    fn edges_are_defined() {
        assert_eq!((quantile(0.0, 3.0), quantile(-1.0, 3.0), quantile(f64::NAN, 3.0)), (0.0, 0.0, 0.0));
        assert_eq!(quantile(1.0, 3.0), f64::INFINITY);
        assert_eq!((two_sided_p(f64::NAN, 3.0), two_sided_p(0.0, 3.0)), (1.0, 1.0));
        assert_eq!((two_sided_p(f64::INFINITY, 3.0), two_sided_p(1e200, 3.0)), (0.0, 0.0));
    }
}
