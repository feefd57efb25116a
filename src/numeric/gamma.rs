//! The gamma family for positive arguments: ln-gamma, digamma, trigamma, ln-beta and rising factorials.

#[cfg(test)]
mod tests;

use super::double::Double;

/// Half of ln(2 pi).
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;

/// Stirling's series is good to the last bit from here on.
pub(crate) const FAR: f64 = 10.0;

/// The only positive root of digamma, in two parts.
const ROOT: f64 = 1.461_632_144_968_362_2;
const ROOT_REST: f64 = 9.549_995_429_965_697e-17;

/// digamma(x) / (x - root) on 1..=2 as a polynomial in x - 1.5, highest power first: a Chebyshev fit at 60 digits,
/// largest error 2e-17.
const NEAR: [f64; 22] = [
    -0.000_173_122_618_027_273_94,
    0.000_259_684_821_264_307_47,
    -0.000_151_485_868_367_733_65,
    0.000_227_233_166_098_737_6,
    -0.000_482_199_053_056_678_9,
    0.000_723_326_627_928_755_4,
    -0.001_037_637_409_841_860_4,
    0.001_556_631_747_448_683_8,
    -0.002_345_267_632_540_769,
    0.003_519_006_401_502_276,
    -0.005_279_964_873_257_405,
    0.007_926_944_646_403_797,
    -0.011_908_218_001_568_644,
    0.017_907_252_439_451_2,
    -0.026_975_796_756_138_25,
    0.040_760_833_812_420_74,
    -0.061_922_133_273_064_534,
    0.094_988_724_454_941_22,
    -0.148_404_923_053_908_84,
    0.240_542_484_240_774_2,
    -0.423_627_421_281_460_5,
    0.951_055_876_031_833,
];

/// B(2k) / (2k (2k - 1)), k = 1.., highest first: ln-gamma less Stirling's main terms.
pub(super) const LN_GAMMA_FAR: [f64; 7] =
    [1.0 / 156.0, -691.0 / 360_360.0, 1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0];

/// B(2k) / (2k), k = 1.., highest first.
pub(super) const DIGAMMA_FAR: [f64; 7] =
    [1.0 / 12.0, -691.0 / 32_760.0, 1.0 / 132.0, -1.0 / 240.0, 1.0 / 252.0, -1.0 / 120.0, 1.0 / 12.0];

/// B(2k), k = 1.., highest first.
pub(super) const TRIGAMMA_FAR: [f64; 7] =
    [7.0 / 6.0, -691.0 / 2730.0, 5.0 / 66.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 1.0 / 6.0];

fn horner(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, &coefficient| sum * x + coefficient)
}

/// ln Gamma(x) for x > 0.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    libm::lgamma_r(x).0
}

/// ln Gamma(x) - [(x - 1/2) ln x - x + ln(2 pi) / 2] for x >= `FAR`.
pub(crate) fn stirling_rest(x: f64) -> f64 {
    horner(&LN_GAMMA_FAR, (x * x).recip()) / x
}

/// The derivative of ln-gamma, for x > 0.
pub(crate) fn digamma(x: f64) -> f64 {
    if x >= FAR {
        let square = (x * x).recip();
        return libm::log(x) - (0.5 / x + horner(&DIGAMMA_FAR, square) * square);
    }
    if x < 1.0 {
        return near(1.0 + x) - x.recip();
    }
    // Down to 1..=2, where the root is treated exactly; every step adds a positive term.
    let (mut low, mut sum) = (x, 0.0);
    while low > 2.0 {
        low -= 1.0;
        sum += low.recip();
    }
    near(low) + sum
}

fn near(x: f64) -> f64 {
    ((x - ROOT) - ROOT_REST) * horner(&NEAR, x - 1.5)
}

/// The second derivative of ln-gamma, for x > 0.
pub(crate) fn trigamma(x: f64) -> f64 {
    let (mut high, mut sum) = (x, 0.0);
    while high < FAR {
        sum += (high * high).recip();
        high += 1.0;
    }
    let square = (high * high).recip();
    sum + (1.0 + 0.5 / high + horner(&TRIGAMMA_FAR, square) * square) / high
}

/// ln Gamma(x + k) - ln Gamma(x), the logarithm of x (x + 1) .. (x + k - 1), for x > 0.
pub(crate) fn ln_rising(x: f64, k: u32) -> f64 {
    let steps = f64::from(k);
    if x >= FAR {
        ln_gamma_step(x, steps)
    } else if k <= 16 {
        (0..k).map(|step| libm::log(x + f64::from(step))).sum()
    } else {
        ln_gamma(x + steps) - ln_gamma(x)
    }
}

/// ln Gamma(x + step) - ln Gamma(x) for x >= `FAR`, without the cancellation of the two.
fn ln_gamma_step(x: f64, step: f64) -> f64 {
    (x - 0.5) * libm::log1p(step / x)
        + step * (libm::log(x + step) - 1.0)
        + (stirling_rest(x + step) - stirling_rest(x))
}

/// ln B(a, b) = ln Gamma(a) + ln Gamma(b) - ln Gamma(a + b) for a, b > 0, without their cancellation.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a <= b { (a, b) } else { (b, a) };
    if small >= FAR {
        let whole = small + large;
        let rest = stirling_rest(small) + (stirling_rest(large) - stirling_rest(whole));
        let main = (small - 0.5) * libm::log(small / whole) - large * libm::log1p(small / large);
        main - 0.5 * libm::log(large) + HALF_LN_TAU + rest
    } else if large >= FAR {
        ln_gamma(small) - ln_gamma_step(large, small)
    } else {
        ln_beta_near(small, large)
    }
}

/// The same for a, b < `FAR`: by recurrence from arguments of 1..=2, where the three logarithms are small, with factors
/// in two parts each, because everything may cancel.
fn ln_beta_near(a: f64, b: f64) -> f64 {
    let (a_steps, b_steps) = (libm::floor(a), libm::floor(b));
    let (a_rest, b_rest) = (a - a_steps, b - b_steps);
    let carry = libm::floor(a_rest + b_rest);
    let whole = Double::sum(a_rest.max(b_rest) - carry, a_rest.min(b_rest));
    let logarithms = ln_gamma(1.0 + a_rest) + ln_gamma(1.0 + b_rest) - ln_gamma(1.0 + whole.high);
    // Gamma(rest + steps) / Gamma(1 + rest) = (rest + 1) (rest + 2) .. (rest + steps - 1), or 1 / rest for no step.
    let rising = |rest: Double, steps: f64| {
        let (mut product, mut step) = (Double::ONE, 1.0);
        while step < steps {
            product = product * (rest + step);
            step += 1.0;
        }
        product
    };
    let divisor = |rest: Double, steps: f64| if steps < 1.0 { rest } else { Double::ONE };
    let steps = a_steps + b_steps + carry;
    let ratio = rising(a_rest.into(), a_steps) * rising(b_rest.into(), b_steps) / rising(whole, steps);
    let ratio =
        ratio * divisor(whole, steps) / divisor(a_rest.into(), a_steps) / divisor(b_rest.into(), b_steps);
    logarithms + ratio.ln()
}
