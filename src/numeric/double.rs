//! Numbers in two parts, for the few places where a power or a cancellation would magnify a rounding.

use std::ops::{Add, Div, Mul, Sub};

/// A number of about 106 bits: `high` is the number rounded, `low` what that leaves out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Double {
    pub(crate) high: f64,
    pub(crate) low: f64,
}

/// A number that may be far outside of what a float holds: `value` times 2 to the whole number `exponent`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scaled {
    value: Double,
    exponent: f64,
}

/// 2^27 + 1: splits a float into two halves whose products are exact.
const SPLITTER: f64 = 134_217_729.0;

impl Double {
    pub(crate) const ONE: Self = Self { high: 1.0, low: 0.0 };

    /// The sum of two floats, exactly.
    pub(crate) fn sum(one: f64, other: f64) -> Self {
        let high = one + other;
        let part = high - one;
        Self { high, low: (one - (high - part)) + (other - part) }
    }

    /// The sum of two floats of which the first is far larger.
    fn settled(high: f64, low: f64) -> Self {
        let sum = high + low;
        Self { high: sum, low: low - (sum - high) }
    }

    /// The product of two floats below 1e290, exactly where it is above 1e-290.
    fn product(one: f64, other: f64) -> Self {
        let halves = |x: f64| {
            let scaled = SPLITTER * x;
            let upper = scaled - (scaled - x);
            (upper, x - upper)
        };
        let high = one * other;
        let ((a, b), (c, d)) = (halves(one), halves(other));
        Self { high, low: ((a * c - high) + a * d + b * c) + b * d }
    }

    pub(crate) fn rounded(self) -> f64 {
        self.high + self.low
    }

    /// The natural logarithm of a positive number, rounded.
    pub(crate) fn ln(self) -> f64 {
        libm::log(self.high) + self.low / self.high
    }

    /// A positive number to a power that is not negative, by repeated squaring: for a power of n, n times the rounding
    /// of 106 bits is lost.
    pub(crate) fn power(self, power: f64) -> Scaled {
        let mut left = libm::floor(power);
        // Between 0 and 1 a power magnifies nothing.
        let rest = power - left;
        let root = libm::pow(self.high, rest);
        let mut result = Scaled::from(Self::settled(root, root * (rest * (self.low / self.high))));
        let mut square = Scaled::from(self);
        while left >= 1.0 {
            let half = libm::floor(0.5 * left);
            if left > 2.0 * half {
                result = result * square;
            }
            square = square * square;
            left = half;
        }
        result
    }
}

impl From<f64> for Double {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl Add<f64> for Double {
    type Output = Self;

    fn add(self, other: f64) -> Self {
        let sum = Self::sum(self.high, other);
        Self::settled(sum.high, sum.low + self.low)
    }
}

impl Sub for Double {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let difference = Self::sum(self.high, -other.high);
        Self::settled(difference.high, difference.low + (self.low - other.low))
    }
}

impl Mul for Double {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = Self::product(self.high, other.high);
        Self::settled(product.high, product.low + (self.high * other.low + self.low * other.high))
    }
}

impl Div for Double {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let high = self.high / other.high;
        let back = Self::product(high, other.high);
        let rest = (((self.high - back.high) - back.low) + self.low) - high * other.low;
        Self::settled(high, rest / other.high)
    }
}

impl Scaled {
    /// As a float: 0 or infinite beyond its range.
    pub(crate) fn rounded(self) -> f64 {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within the bounds")]
        libm::ldexp(self.value.rounded(), self.exponent.clamp(-4000.0, 4000.0) as i32)
    }
}

impl From<Double> for Scaled {
    /// With a value from 1/2 to 1, so that no square leaves the range of floats.
    fn from(number: Double) -> Self {
        let (high, exponent) = libm::frexp(number.high);
        Self { value: Double { high, low: libm::ldexp(number.low, -exponent) }, exponent: exponent.into() }
    }
}

impl Mul for Scaled {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let (value, exponent) = (self.value * other.value, self.exponent + other.exponent);
        if value.high < 0.5 {
            Self { value: Double { high: 2.0 * value.high, low: 2.0 * value.low }, exponent: exponent - 1.0 }
        } else {
            Self { value, exponent }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;

    /// 1/3 in two parts.
    fn third() -> Double {
        Double::ONE / Double::from(3.0)
    }

    #[test]
    fn arithmetic_keeps_both_parts() {
        let tiny = 2.0_f64.powi(-60);
        let sum = Double::sum(1.0, tiny);
        assert_eq!(sum, Double { high: 1.0, low: tiny });
        assert_eq!((sum - Double::ONE).rounded(), tiny);
        assert_eq!((Double::from(tiny) + 1.0).low, tiny);
        // (1 + tiny)^2 = 1 + 2 tiny + ..
        assert_eq!((sum * sum).low, 2.0 * tiny);
        let rest = third() * Double::from(3.0) - Double::ONE;
        assert!(rest.rounded().abs() < 1e-31, "{rest:?}");
        assert!((sum.ln() / tiny - 1.0).abs() < 1e-15);
    }

    #[test]
    fn powers_keep_every_digit() {
        // (1 + 1/n)^n for n = 2^40 is e (1 - 1/2n + ..), although 1/n in a float would do for seventeen digits only.
        let n = 2.0_f64.powi(40);
        let truth = std::f64::consts::E * (1.0 - 0.5 / n);
        assert!((Double::sum(1.0, n.recip()).power(n).rounded() / truth - 1.0).abs() < 3e-16);
        // mpmath with 40 digits.
        let small = third().power(600.5).rounded();
        assert!((small / 3.080_963_411_729_999e-287 - 1.0).abs() < 1e-15, "{small}");
        assert_eq!(third().power(1e6).rounded(), 0.0);
        assert_eq!(Double::from(3.0).power(1e6).rounded(), f64::INFINITY);
        assert_eq!(Double::from(3.0).power(0.0).rounded(), 1.0);
        let both = third().power(1e6) * Double::from(3.0).power(1e6);
        assert!((both.rounded() - 1.0).abs() < 1e-15);
    }
}
