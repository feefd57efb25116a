//! Sums over whole numbers of functions that fall slowly and smoothly, in a number of steps that does not grow with the
//! number of terms.

use super::quadrature::{LARGEST_CHANGE, WIDEST, rule};

/// What is summed: a function that falls, by its logarithm.
pub(crate) trait Falling {
    /// The logarithm of the term at t.
    fn ln_term(&self, t: f64) -> f64;

    /// The integral from t on divided by the term at t, where the function has a closed form from there on.
    fn tail(&self, _: f64) -> Option<f64> {
        None
    }

    /// Scale of the function in the logarithm of t: singular points lie pi over this away from the real line.
    fn steepness(&self) -> f64 {
        1.0
    }
}

/// A term falls by no more than e^-this where the sum becomes an integral.
const SLOW: f64 = 0.1;
/// The sum is not an integral before this.
const SMOOTH: f64 = 64.0;
/// Terms between looks at whether the sum may end.
const STRETCH: f64 = 16.0;
/// Beyond e^this nothing is counted any more; sums that still grow there are infinite.
const LN_LAST: f64 = 690.0;

/// Gregory's coefficients of the differences of order 0, 1, ..
const GREGORY: [f64; 11] = [
    1.0 / 2.0,
    -1.0 / 12.0,
    1.0 / 24.0,
    -19.0 / 720.0,
    3.0 / 160.0,
    -863.0 / 60_480.0,
    275.0 / 24_192.0,
    -33_953.0 / 3_628_800.0,
    8_183.0 / 1_036_800.0,
    -3_250_433.0 / 479_001_600.0,
    4_671.0 / 788_480.0,
];

/// The sum of the terms at `first`, `first` + 1, .. up to `last` (which may be infinite), to about ten digits of it;
/// infinite where nothing bounds it below 1e300 terms.
///
/// The first terms are added up; from where they fall slowly the rest is an integral over ln t by Gauss-Legendre rules,
/// with Gregory's correction for its ends.
pub(crate) fn smooth_sum(first: f64, last: f64, function: &impl Falling) -> f64 {
    let smooth = SMOOTH.max(8.0 * function.steepness());
    let (mut sum, mut t) = (0.0, first);
    loop {
        let begin = function.ln_term(t);
        let (end, mut height) = (t + STRETCH, begin);
        while t < end {
            if t > last {
                return sum;
            }
            height = function.ln_term(t);
            sum += libm::exp(height);
            t += 1.0;
        }
        if (begin - height) / (STRETCH - 1.0) > SLOW {
            // From here on the terms fall like powers at least, and most like exponentials.
            if libm::exp(height) <= 1e-18 * sum {
                return sum;
            }
            continue;
        }
        let far = t >= smooth || (t >= SMOOTH && function.tail(t).is_some());
        let slow = function.ln_term(t) - function.ln_term(t + STRETCH) <= SLOW * STRETCH;
        if far && slow && last - t >= 4.0 * STRETCH {
            return sum + ends(t, last, function) + integral(t, last, sum, function);
        }
    }
}

/// What the sum has over the integral.
fn ends(first: f64, last: f64, function: &impl Falling) -> f64 {
    let correction = |start: f64, direction: f64| {
        let mut differences = [0.0; GREGORY.len()];
        let mut t = start;
        for slot in &mut differences {
            *slot = libm::exp(function.ln_term(t));
            t += direction;
        }
        let mut sum = 0.0;
        for coefficient in GREGORY {
            sum += coefficient * differences.first().copied().unwrap_or_default();
            let next: [f64; GREGORY.len()] = std::array::from_fn(|index| {
                let at = |index: usize| differences.get(index).copied().unwrap_or_default();
                at(index + 1) - at(index)
            });
            differences = next;
        }
        sum
    };
    correction(first, 1.0) + if last.is_finite() { correction(last, -1.0) } else { 0.0 }
}

/// The integral from `first` to `last`; `before` is what it is added to.
fn integral(first: f64, last: f64, before: f64, function: &impl Falling) -> f64 {
    let steep = WIDEST / function.steepness().max(1.0);
    let (mut near, end) = (libm::log(first), libm::log(last));
    let ln_density = |y: f64| y + function.ln_term(libm::exp(y));
    let mut height = ln_density(near);
    let (mut sum, mut width) = (0.0, steep);
    while near < end {
        let tail = function.tail(libm::exp(near));
        // A function that has its closed form has no steep parts any more.
        let widest = if tail.is_some() { WIDEST } else { steep };
        if let Some(tail) = tail.filter(|_| last.is_infinite()) {
            return sum + libm::exp(height - near) * tail;
        }
        if near > LN_LAST {
            return f64::INFINITY;
        }
        width = (2.0 * width).min(widest).min(end - near);
        let mut next = ln_density(near + width);
        while (next - height).abs() > LARGEST_CHANGE && width > 1e-14 * near {
            width *= 0.5;
            next = ln_density(near + width);
        }
        let (half, middle) = (0.5 * width, near + 0.5 * width);
        let mut part = 0.0;
        for &(node, weight) in rule(width, (next - height).abs()) {
            for y in [middle - half * node, middle + half * node] {
                part += half * weight * libm::exp(ln_density(y));
            }
        }
        sum += part;
        // What falls steeply has nothing beyond its last panels.
        if height - next >= 1.0 && part <= 1e-18 * (before + sum) {
            return sum;
        }
        near = if width >= end - near { end } else { near + width };
        height = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Power(f64);

    impl Falling for Power {
        fn ln_term(&self, t: f64) -> f64 {
            -self.0 * libm::log(t)
        }

        fn tail(&self, t: f64) -> Option<f64> {
            (t > 1e6).then(|| if self.0 > 1.0 { t / (self.0 - 1.0) } else { f64::INFINITY })
        }
    }

    struct Exponential(f64);

    impl Falling for Exponential {
        fn ln_term(&self, t: f64) -> f64 {
            -self.0 * t
        }
    }

    /// Zeta functions and harmonic numbers of mpmath with 30 digits.
    #[test]
    fn sums_of_powers() {
        for (power, truth) in [
            (1.001, 1_000.577_288_475_901_5),
            (1.5, 2.612_375_348_685_488),
            (2.0, 1.644_934_066_848_226_4),
            (7.0, 1.008_349_277_381_922_8),
        ] {
            let sum = smooth_sum(1.0, f64::INFINITY, &Power(power));
            assert!((sum / truth - 1.0).abs() < 1e-12, "{power}: {sum}");
        }
        assert!(smooth_sum(1.0, f64::INFINITY, &Power(1.0)).is_infinite());
        for (last, truth) in [(1.0, 1.0), (100.0, 5.187_377_517_639_621), (1e9, 21.300_481_502_347_944)] {
            let sum = smooth_sum(1.0, last, &Power(1.0));
            assert!((sum / truth - 1.0).abs() < 1e-12, "{last}: {sum}");
        }
    }

    #[test]
    fn sums_of_exponentials() {
        for rate in [1e-9, 1e-3, 0.05, 0.0999, 0.1001, 0.5, 30.0] {
            let sum = smooth_sum(3.0, f64::INFINITY, &Exponential(rate));
            let truth = libm::exp(-3.0 * rate) / -libm::expm1(-rate);
            assert!((sum / truth - 1.0).abs() < 1e-12, "{rate}: {sum} {truth}");
            let sum = smooth_sum(0.0, 2_000.0, &Exponential(rate));
            let truth = libm::expm1(-2_001.0 * rate) / libm::expm1(-rate);
            assert!((sum / truth - 1.0).abs() < 1e-12, "{rate}: {sum} {truth}");
        }
        assert!(smooth_sum(0.0, f64::INFINITY, &Exponential(0.0)).is_infinite());
    }
}
