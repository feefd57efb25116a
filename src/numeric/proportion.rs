//! Shares estimated from counts: intervals, differences, p-values, and adjustment for asking many times.

use std::f64::consts::FRAC_1_SQRT_2;

/// The number of standard deviations around the mean of a normal distribution that enclose a share `level` of it: 1.96
/// for 0.95. 0 for a level of 0 or less (and NaN), infinite for 1 or more.
///
/// Accurate to about 1e-16 relative at any level, because neither `1 - level` nor `level / 2` is rounded away.
///
/// Source: M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37
/// (1988), routine PPND16.
pub(crate) fn z(level: f64) -> f64 {
    if level >= 1.0 {
        f64::INFINITY
    } else if level > 0.0 {
        let q = level / 2.0;
        if q <= 0.425 { q * central(0.180_625 - q * q) } else { tail((1.0 - level) / 2.0) }
    } else {
        0.0
    }
}

/// How likely a normal variable is at least `z` standard deviations away from its mean, on either side.
pub(crate) fn two_sided_p(z: f64) -> f64 {
    if z.is_nan() { 1.0 } else { libm::erfc(z.abs() * FRAC_1_SQRT_2).min(1.0) }
}

/// The normal quantile near the median, divided by the distance of the probability from 0.5.
#[expect(clippy::excessive_precision, reason = "the coefficients as published")]
fn central(r: f64) -> f64 {
    polynomial(
        &[
            2_509.080_928_730_122_672_7,
            33_430.575_583_588_128_105,
            67_265.770_927_008_700_853,
            45_921.953_931_549_871_457,
            13_731.693_765_509_461_125,
            1_971.590_950_306_551_442_7,
            133.141_667_891_784_377_45,
            3.387_132_872_796_366_608,
        ],
        r,
    ) / polynomial(
        &[
            5_226.495_278_852_854_561,
            28_729.085_735_721_942_674,
            39_307.895_800_092_710_61,
            21_213.794_301_586_595_867,
            5_394.196_021_424_751_107_7,
            687.187_007_492_057_908_3,
            42.313_330_701_600_911_252,
            1.0,
        ],
        r,
    )
}

/// The normal quantile of `1 - p` for a small `p > 0`.
#[expect(clippy::excessive_precision, reason = "the coefficients as published")]
fn tail(p: f64) -> f64 {
    let r = (-libm::log(p)).sqrt();
    if r <= 5.0 {
        let r = r - 1.6;
        polynomial(
            &[
                7.745_450_142_783_414_076_4e-4,
                2.272_384_498_926_918_458_3e-2,
                2.417_807_251_774_506_117_7e-1,
                1.270_458_252_452_368_382_6,
                3.647_848_324_763_204_605_0,
                5.769_497_221_460_691_405_5,
                4.630_337_846_156_545_295_9,
                1.423_437_110_749_683_577_3,
            ],
            r,
        ) / polynomial(
            &[
                1.050_750_071_644_416_843_2e-9,
                5.475_938_084_995_344_946e-4,
                1.519_866_656_361_645_719_7e-2,
                1.481_039_764_274_800_745_9e-1,
                6.897_673_349_851_000_045_5e-1,
                1.676_384_830_183_803_849_4,
                2.053_191_626_637_758_821_9,
                1.0,
            ],
            r,
        )
    } else {
        let r = r - 5.0;
        polynomial(
            &[
                2.010_334_399_292_288_132_6e-7,
                2.711_555_568_743_487_578_2e-5,
                1.242_660_947_388_078_438_6e-3,
                2.653_218_952_657_612_309_3e-2,
                2.965_605_718_285_048_912_3e-1,
                1.784_826_539_917_291_335_8,
                5.463_784_911_164_114_369_9,
                6.657_904_643_501_103_777_2,
            ],
            r,
        ) / polynomial(
            &[
                2.044_263_103_389_939_785_6e-15,
                1.421_511_758_316_445_888_7e-7,
                1.846_318_317_510_054_681_8e-5,
                7.868_691_311_456_132_591_0e-4,
                1.487_536_129_085_061_485_3e-2,
                1.369_298_809_227_358_053_1e-1,
                5.998_322_065_558_879_376_9e-1,
                1.0,
            ],
            r,
        )
    }
}

/// Horner's rule, the highest coefficient first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// A lower and an upper bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proportion {
    hits: u64,
    trials: u64,
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits of the counts")]
impl Proportion {
    /// `None` when there are more hits than trials.
    pub(crate) fn new(hits: u64, trials: u64) -> Option<Self> {
        (hits <= trials).then_some(Self { hits, trials })
    }

    /// How many were hit.
    pub(crate) fn hits(self) -> u64 {
        self.hits
    }

    /// How many there were to hit.
    pub(crate) fn trials(self) -> u64 {
        self.trials
    }

    /// The share seen; `None` without trials.
    pub(crate) fn share(self) -> Option<f64> {
        (self.trials > 0).then(|| self.hits as f64 / self.trials as f64)
    }

    /// The Wilson score interval, from 0 to 1 where nothing was tried. It encloses the share seen, and never leaves
    /// `0..=1`; see [`z`] for the number of standard deviations (negative ones and NaN count as 0).
    ///
    /// # Formula
    /// ```text
    /// (p + z²/2n ± z √(p (1 - p) / n + z²/4n²)) / (1 + z²/n)
    /// ```
    ///
    /// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    pub(crate) fn wilson(self, z: f64) -> Interval {
        let z = z.max(0.0);
        let Some(share) = self.share().filter(|_| z.is_finite()) else {
            return Interval { lower: 0.0, upper: 1.0 };
        };
        let (hits, misses, n) = (self.hits as f64, (self.trials - self.hits) as f64, self.trials as f64);
        let half_z_squared = z * z / 2.0;
        let root = z * (hits * misses / n + half_z_squared / 2.0).sqrt();
        // The lower bound is (hits + z²/2 - root) / (n + z²). The product of both bounds is hits² / n (n + z²), which
        // gives it without the difference. Written for hits and misses alike, swapping them mirrors the interval.
        let bound = |count: f64| {
            if count > 0.0 { count * count / n / (count + half_z_squared + root) } else { 0.0 }
        };
        let (lower, upper) = (bound(hits).min(share), 1.0 - bound(misses));
        Interval { lower, upper: upper.max(share) }
    }
}

/// The difference of two shares, first less second, with Newcombe's hybrid interval (his method 10).
///
/// The difference is `None`, and the interval -1 to 1, where one of the two was never tried.
///
/// # Formula
/// ```text
/// d - √((p₁ - l₁)² + (u₂ - p₂)²)  to  d + √((u₁ - p₁)² + (p₂ - l₂)²)      [l, u] = Wilson interval of p
/// ```
///
/// Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
/// eleven methods", Statistics in Medicine 17 (1998).
pub(crate) fn difference(first: Proportion, second: Proportion, z: f64) -> (Option<f64>, Interval) {
    let (Some(p1), Some(p2)) = (first.share(), second.share()) else {
        return (None, Interval { lower: -1.0, upper: 1.0 });
    };
    let (one, two) = (first.wilson(z), second.wilson(z));
    let seen = p1 - p2;
    let away = |a: f64, b: f64| (a * a + b * b).sqrt();
    let lower = seen - away(p1 - one.lower, two.upper - p2);
    let upper = seen + away(one.upper - p1, p2 - two.lower);
    (Some(seen), Interval { lower: lower.max(-1.0), upper: upper.min(1.0) })
}

/// How likely two shares as different as these would be if they were equal: the two-sided pooled test, 1 where the
/// data cannot tell (nothing tried, all hit, or none hit).
///
/// # Formula
/// ```text
/// z = (p₁ - p₂) / √(p (1 - p) (1/n₁ + 1/n₂))      p = (x₁ + x₂) / (n₁ + n₂)
/// ```
#[expect(clippy::cast_precision_loss, reason = "a test statistic needs no more than 53 bits of the counts")]
pub(crate) fn pooled_p(first: Proportion, second: Proportion) -> f64 {
    let wide = |count: u64| u128::from(count);
    // The difference of the shares in whole numbers, so that near ones do not cancel.
    let cross = (wide(first.hits) * wide(second.trials)).abs_diff(wide(second.hits) * wide(first.trials));
    let hits = wide(first.hits) + wide(second.hits);
    let trials = wide(first.trials) + wide(second.trials);
    let spread = (hits as f64 * (trials - hits) as f64) * (first.trials as f64 * second.trials as f64);
    if cross == 0 || spread == 0.0 {
        return 1.0;
    }
    two_sided_p(cross as f64 * (trials as f64 / spread).sqrt())
}

/// Adjusts p-values so that, of those at most `q`, a share of at most `q` is expected to be false discoveries. Answers
/// in the order of the input. What is not a p-value (NaN) counts as 1, what lies outside 0 to 1 as the nearer end.
///
/// Source: Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995).
pub(crate) fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut ranked = ranked(p_values);
    let count = counted(ranked.len());
    let mut least = 1.0_f64;
    for (place, (_, p)) in ranked.iter_mut().enumerate().rev() {
        // The quotient first: it is at least 1, so that no p-value shrinks by rounding.
        least = least.min(*p * (count / counted(place + 1)));
        *p = least;
    }
    in_order(ranked)
}

/// Adjusts p-values so that the chance of even one false discovery among those at most `q` is at most `q`. Answers in
/// the order of the input, with the same rules as [`benjamini_hochberg`].
///
/// Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
/// (1979).
pub(crate) fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut ranked = ranked(p_values);
    let count = ranked.len();
    let mut most = 0.0_f64;
    for (place, (_, p)) in ranked.iter_mut().enumerate() {
        most = most.max(*p * counted(count - place)).min(1.0);
        *p = most;
    }
    in_order(ranked)
}

#[expect(clippy::cast_precision_loss, reason = "nobody tests more than 2^53 hypotheses")]
fn counted(tests: usize) -> f64 {
    tests as f64
}

fn ranked(p_values: &[f64]) -> Vec<(usize, f64)> {
    let valid = |p: f64| if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) };
    let mut ranked: Vec<_> = p_values.iter().map(|&p| valid(p)).enumerate().collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
    ranked
}

fn in_order(mut ranked: Vec<(usize, f64)>) -> Vec<f64> {
    ranked.sort_unstable_by_key(|&(index, _)| index);
    ranked.into_iter().map(|(_, p)| p).collect()
}

#[cfg(test)]
#[expect(clippy::excessive_precision, reason = "the references with the digits they were given")]
mod tests;
