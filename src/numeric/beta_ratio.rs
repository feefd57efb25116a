//! How fast the beta function falls in one argument: B(a, b + step) / B(a, b), its logarithm, slopes and sums, to the
//! last digits where the logarithms of the two would cancel.
//!
//! In the business: the share of customers who are still there after `step` chances to leave, when their probabilities
//! of leaving are spread by Beta(a, b).

use super::gamma::{DIGAMMA_FAR, FAR, LN_GAMMA_FAR, TRIGAMMA_FAR};
use super::hypergeometric::mean_of_beta;

/// Where steps are given by their logarithm they are far longer than this.
const LONGEST: f64 = 1e250;
/// From this rate on a continued fraction is short.
const SHORT_SIGHTED: f64 = 1e-3;
/// More pairs of steps than it needs there.
const MOST_STEPS: f64 = 500.0;
/// Products are flushed into a logarithm before they overflow.
const LARGE: f64 = 1e100;

/// ln(B(a, b + step) / B(a, b)), within a few units of the last digit.
///
/// ```text
/// - sum over i of ln(1 + a step / ((b+i) (b+i + a + step)))        until b+i is large, and then by Stirling's series
/// ```
/// in which no two terms cancel. For b > 0 and step >= 0, and a > 0, or a >= -1/2 and b >= 1.
pub(crate) fn ln_beta_ratio(a: f64, b: f64, step: f64) -> f64 {
    ratio(a, b, step, |from| libm::log1p(step / from))
}

/// [`ln_beta_ratio`] of a step that is known by its logarithm: beyond 1e250, and may be beyond all numbers.
pub(crate) fn ln_beta_ratio_far(a: f64, b: f64, ln_step: f64) -> f64 {
    ratio(a, b, LONGEST, |from| ln_step - libm::log(from))
}

/// `growth` is ln(1 + step / from).
fn ratio(a: f64, b: f64, step: f64, growth: impl Fn(f64) -> f64) -> f64 {
    let part = |x: f64| (a / x) * (step / (x + a + step));
    let (mut x, mut product, mut sum) = (b, 0.0, 0.0);
    while x + a.min(0.0) < FAR {
        // (1 + product) (1 + part) - 1.
        let next = part(x);
        product += next + product * next;
        if product > LARGE {
            sum -= libm::log1p(product);
            product = 0.0;
        }
        x += 1.0;
    }
    sum -= libm::log1p(product);
    let main = (x - 0.5) * libm::log1p(part(x)) - step * libm::log1p(a / (x + step)) - a * growth(x + a);
    // The same either way; over the shorter one nothing of it is lost.
    let (short, long) = if a.abs() < step { (a, step) } else { (step, a) };
    sum + main + (stirling_fall(x + long, short) - stirling_fall(x, short))
}

/// How much the rest of Stirling's series for ln-gamma falls from x to x + a.
fn stirling_fall(x: f64, a: f64) -> f64 {
    let (u, v) = (x.recip(), (x + a).recip());
    let (value, slope) = divided(&LN_GAMMA_FAR, u * u, v * v);
    (a * v) * u * (value + v * (u + v) * slope)
}

/// A polynomial at s, and its divided difference between s and t.
fn divided(coefficients: &[f64], s: f64, t: f64) -> (f64, f64) {
    coefficients
        .iter()
        .fold((0.0, 0.0), |(value, slope), &coefficient| (value * s + coefficient, slope * t + value))
}

/// digamma(x + step) - digamma(x), for x > 0 and step >= 0, within a few units of the last digit.
pub(crate) fn digamma_step(x: f64, step: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < FAR {
        sum += (step / (x + step)) / x;
        x += 1.0;
    }
    let (u, v) = (x.recip(), (x + step).recip());
    let (value, slope) = divided(&DIGAMMA_FAR, u * u, v * v);
    let fall = (step * v) * u;
    sum + libm::log1p(step / x) + fall * (0.5 + (u + v) * (value + v * v * slope))
}

/// trigamma(x) - trigamma(x + step), for x > 0 and step >= 0, within a few units of the last digit.
pub(crate) fn trigamma_step(x: f64, step: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < FAR {
        let (u, v) = (x.recip(), (x + step).recip());
        sum += (step * v) * u * (u + v);
        x += 1.0;
    }
    let (u, v) = (x.recip(), (x + step).recip());
    let (value, slope) = divided(&TRIGAMMA_FAR, u * u, v * v);
    let fall = (step * v) * u;
    let cubes = u * u + u * v + v * v;
    sum + fall * (1.0 + 0.5 * (u + v) + cubes * value + v * v * v * (u + v) * slope)
}

/// The sum of B(a, b + j) / B(a, b) over j = 1..=count: of so many next chances to leave, how many a customer is
/// expected to let pass. For a, b > 0; `count` is a whole number.
///
/// ```text
/// b / (a-1) [1 - G(b+1+count) G(a+b) / (G(b+1) G(a+b+count))]
/// ```
/// in a form that has no hole at a = 1.
pub(crate) fn sum_of_beta_ratios(a: f64, b: f64, count: f64) -> f64 {
    let e = a - 1.0;
    if e == 0.0 {
        return b * digamma_step(b + 1.0, count);
    }
    let ln_ratio = if a < 0.5 {
        libm::log1p(count / (a + b)) + ln_beta_ratio(a, b + 1.0, count)
    } else {
        ln_beta_ratio(e, b + 1.0, count)
    };
    -b * libm::expm1(ln_ratio) / e
}

/// The sum of e^(-rate (j-1)) B(a, b + j) / B(a, b) over all j >= 1, to about twelve digits; infinite where nothing
/// bounds it. For a, b > 0 and rate >= 0.
///
/// ```text
/// b / (a+b) 2F1(1, b+1; a+b+1; e^-rate)
/// ```
pub(crate) fn discounted_sum_of_beta_ratios(a: f64, b: f64, rate: f64) -> f64 {
    if rate <= 0.0 {
        return if a > 1.0 { b / (a - 1.0) } else { f64::INFINITY };
    }
    let (lost, kept) = (-libm::expm1(-rate), libm::exp(-rate));
    let quick = if rate >= SHORT_SIGHTED { by_fraction(a, b, kept) } else { None };
    let function = quick.unwrap_or_else(|| {
        // Euler's integral: the mean of 1 / (1 - v (1 - p)) over p of Beta(a, b + 1).
        mean_of_beta(a, b + 1.0, 1.0, kept / lost, |p| (lost + kept * p).recip(), lost.recip())
    });
    b / (a + b) * function
}

/// 2F1(1, b+1; a+b+1; v) by Gauss's continued fraction, evaluated by Lentz's method; `None` where it is long.
#[expect(
    clippy::many_single_char_names,
    reason = "the letters are those of the formula and of Lentz's method"
)]
fn by_fraction(a: f64, b: f64, v: f64) -> Option<f64> {
    let whole = a + b;
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    let mut m = 0.0;
    while m < MOST_STEPS {
        let (even, odd) = (whole + 2.0 * m, whole + 2.0 * m + 1.0);
        let mut last = 0.0;
        for part in [
            (b + 1.0 + m) / odd * (if m > 0.0 { (whole + m) / even } else { 1.0 }),
            (m + 1.0) / odd * ((a + m) / (odd + 1.0)),
        ] {
            d = (1.0 - part * v * d).recip();
            c = 1.0 - part * v / c;
            last = c * d;
            value *= last;
        }
        if (last - 1.0).abs() < 1e-16 {
            return Some(value.recip()).filter(|value| value.is_finite());
        }
        m += 1.0;
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;
    use crate::numeric::reference;

    /// The largest relative error over a table.
    fn worst(file: &str, count: usize, function: impl Fn(&[f64]) -> f64) -> f64 {
        let rows = reference::rows(file);
        assert_eq!(rows.len(), count);
        rows.iter().fold(0.0, |worst: f64, (x, truth)| {
            let error = (function(x) / truth - 1.0).abs();
            assert!(error < 1e-9, "{x:?}: {} instead of {truth}", function(x));
            worst.max(error)
        })
    }

    #[test]
    fn agrees_with_the_tables() {
        let ratio = worst("beta_ratio.csv", 500, |x| ln_beta_ratio(x[0], x[1], x[2]));
        let digamma = worst("digamma_step.csv", 200, |x| digamma_step(x[0], x[1]));
        let trigamma = worst("trigamma_step.csv", 200, |x| trigamma_step(x[0], x[1]));
        assert!(ratio < 1e-14 && digamma < 1e-14 && trigamma < 1e-14, "{ratio} {digamma} {trigamma}");
        let sums = worst("beta_sums.csv", 300, |x| sum_of_beta_ratios(x[0], x[1], x[2]));
        let discounted =
            worst("beta_sums_discounted.csv", 300, |x| discounted_sum_of_beta_ratios(x[0], x[1], x[2]));
        assert!(sums < 1e-13 && discounted < 1e-12, "{sums} {discounted}");
    }

    #[test]
    fn far_steps_go_on_where_near_ones_end() {
        for (a, b) in [(0.7, 0.01), (3.0, 1e20), (1e-12, 5.0), (1e30, 1e-30)] {
            let near = ln_beta_ratio(a, b, 1e250);
            let far = ln_beta_ratio_far(a, b, libm::log(1e250));
            assert!((near / far - 1.0).abs() < 1e-14, "{a} {b}: {near} {far}");
        }
        assert_eq!(ln_beta_ratio(1.0, 2.0, 0.0), 0.0);
        assert_eq!(sum_of_beta_ratios(1.0, 2.0, 0.0), 0.0);
        assert!(discounted_sum_of_beta_ratios(1.0, 2.0, 0.0).is_infinite());
    }
}
