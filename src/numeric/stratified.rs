//! Two groups compared within strata of comparable members, and the comparisons pooled (Mantel and Haenszel).

use super::proportion::{Interval, Proportion, two_sided_p};

/// Sums over strata, each a table of two groups: how many there are, and how many of them were hit.
///
/// A stratum that holds members of one group only compares nothing; it is left out of every count and sum. Sums are
/// those of 64-bit floating point in the order of `push`: push strata in a fixed order for equal bits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Stratified {
    exposed: u64,
    others: u64,
    strata: u64,
    /// Weights of the strata, and weighted differences of the shares.
    weight: f64,
    difference: f64,
    /// The parts of Sato's variance.
    sato_p: f64,
    sato_q: f64,
    /// The products for and against the exposed, and the parts of the variance of Robins, Breslow and Greenland.
    for_it: f64,
    against: f64,
    both_for: f64,
    mixed: f64,
    both_against: f64,
    /// Hits of the exposed beyond those expected, and the variance of that.
    surprise: f64,
    spread: f64,
    /// The expected hits of the exposed beyond the fewest that there could be, and below the most.
    above: f64,
    below: f64,
}

impl Stratified {
    /// Adds a stratum.
    #[expect(clippy::cast_precision_loss, reason = "statistics need no more than 53 bits of the counts")]
    pub(crate) fn push(&mut self, exposed: Proportion, others: Proportion) {
        if exposed.trials() == 0 || others.trials() == 0 {
            return;
        }
        self.exposed = self.exposed.saturating_add(exposed.trials());
        self.others = self.others.saturating_add(others.trials());
        self.strata += 1;
        let (n1, x1) = (exposed.trials() as f64, exposed.hits() as f64);
        let (n0, x0) = (others.trials() as f64, others.hits() as f64);
        let (missed1, missed0) = (n1 - x1, n0 - x0);
        let (n, x) = (n1 + n0, x1 + x0);
        self.weight += n1 * n0 / n;
        self.difference += (x1 * n0 - x0 * n1) / n;
        self.sato_p += (n1 * n1 * x0 - n0 * n0 * x1 + n1 * n0 * (n0 - n1) / 2.0) / (n * n);
        self.sato_q += (x1 * missed0 + x0 * missed1) / (2.0 * n);
        let (concordant, discordant) = ((x1 + missed0) / n, (missed1 + x0) / n);
        let (for_it, against) = (x1 * missed0 / n, missed1 * x0 / n);
        self.for_it += for_it;
        self.against += against;
        self.both_for += concordant * for_it;
        self.mixed += concordant * against + discordant * for_it;
        self.both_against += discordant * against;
        self.surprise += x1 - n1 * x / n;
        self.spread += n1 * n0 * x * (n - x) / (n * n * (n - 1.0));
        let expected = n1 * x / n;
        self.above += expected - (x - n0).max(0.0);
        self.below += x.min(n1) - expected;
    }

    /// How many of the exposed are in strata that compare.
    pub(crate) const fn exposed(&self) -> u64 {
        self.exposed
    }

    /// How many of the others are in strata that compare.
    pub(crate) const fn others(&self) -> u64 {
        self.others
    }

    /// How many strata compare.
    pub(crate) const fn strata(&self) -> u64 {
        self.strata
    }

    /// The share of the exposed that was hit less that of the others, pooled, with Sato's interval, which holds for few
    /// large and for many small strata; `None` where no stratum compares.
    ///
    /// # Formula
    /// ```text
    /// d = Σ w (x₁/n₁ - x₀/n₀) / Σ w      w = n₁ n₀ / n      variance = (d Σ P + Σ Q) / (Σ w)²
    /// P = (n₁² x₀ - n₀² x₁ + n₁ n₀ (n₀ - n₁) / 2) / n²      Q = (x₁ (n₀ - x₀) + x₀ (n₁ - x₁)) / 2n
    /// ```
    ///
    /// Source: S. Greenland, J. M. Robins, "Estimation of a common effect parameter from sparse follow-up data",
    /// Biometrics 41 (1985); T. Sato, "On the variance estimator for the Mantel-Haenszel risk difference", Biometrics 45
    /// (1989).
    pub(crate) fn risk_difference(&self, z: f64) -> Option<(f64, Interval)> {
        if self.strata == 0 {
            return None;
        }
        let seen = (self.difference / self.weight).clamp(-1.0, 1.0);
        let variance = (seen * self.sato_p + self.sato_q).max(0.0) / (self.weight * self.weight);
        let away = if variance > 0.0 { z * variance.sqrt() } else { 0.0 };
        Some((seen, Interval { lower: (seen - away).max(-1.0), upper: (seen + away).min(1.0) }))
    }

    /// The odds of the exposed to be hit over those of the others, pooled, with the interval of Robins, Breslow and
    /// Greenland, which holds for few large and for many small strata; `None` where the data give 0 or no upper end
    /// (in no stratum was one of the exposed hit and one of the others missed, or the other way round).
    ///
    /// # Formula
    /// ```text
    /// OR = Σ R / Σ S      R = x₁ (n₀ - x₀) / n      S = x₀ (n₁ - x₁) / n      A = (x₁ + n₀ - x₀) / n      B = 1 - A
    /// variance of ln OR = Σ A R / 2 (Σ R)² + Σ (A S + B R) / 2 Σ R Σ S + Σ B S / 2 (Σ S)²
    /// ```
    ///
    /// Source: N. Mantel, W. Haenszel, JNCI 22 (1959); J. Robins, N. Breslow, S. Greenland, "Estimators of the
    /// Mantel-Haenszel variance consistent in both sparse data and large-strata limiting models", Biometrics 42 (1986).
    pub(crate) fn odds_ratio(&self, z: f64) -> Option<(f64, Interval)> {
        if self.for_it <= 0.0 || self.against <= 0.0 {
            return None;
        }
        let (r, s) = (self.for_it, self.against);
        let variance =
            self.both_for / (2.0 * r * r) + self.mixed / (2.0 * r * s) + self.both_against / (2.0 * s * s);
        let seen = r / s;
        let away = libm::exp(z * variance.sqrt());
        Some((seen, Interval { lower: seen / away, upper: seen * away }))
    }

    /// Whether there are enough hits and misses for [`p_value`](Self::p_value) to hold: five at least could be more, and
    /// five fewer, than are expected.
    ///
    /// Source: N. Mantel, J. L. Fleiss, "Minimum expected cell size requirements for the Mantel-Haenszel one-degree-of-
    /// freedom chi-square test", American Journal of Epidemiology 112 (1980).
    pub(crate) fn is_large(&self) -> bool {
        self.above.min(self.below) >= 5.0
    }

    /// How likely the exposed were hit as much more or less often if being exposed meant nothing in any stratum: the
    /// chi-square test of Cochran, Mantel and Haenszel, not corrected for continuity; 1 where the data cannot tell.
    ///
    /// # Formula
    /// ```text
    /// χ² = (Σ (x₁ - n₁ x / n))² / Σ (n₁ n₀ x (n - x) / n² (n - 1))      one degree of freedom
    /// ```
    ///
    /// Source: W. G. Cochran, Biometrics 10 (1954); N. Mantel, W. Haenszel, JNCI 22 (1959).
    pub(crate) fn p_value(&self) -> f64 {
        if self.spread > 0.0 { two_sided_p(self.surprise / self.spread.sqrt()) } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::proportion::{pooled_p, z};
    use proptest::prelude::*;

    /// Hit and missed among the exposed, then among the others.
    type Table = [u64; 4];

    fn pooled(tables: &[Table]) -> Stratified {
        let mut pooled = Stratified::default();
        for &[hit1, missed1, hit0, missed0] in tables {
            pooled.push(
                Proportion::new(hit1, hit1 + missed1).unwrap(),
                Proportion::new(hit0, hit0 + missed0).unwrap(),
            );
        }
        pooled
    }

    fn close(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} is not {expected}");
    }

    /// Odds ratios and p-values: `StratifiedTable` of statsmodels 0.15.0. Risk differences with Sato's standard error:
    /// rational arithmetic in another language. The data: deaths on tolbutamide by age (UGDP, in Rothman, "Modern
    /// Epidemiology"); admissions to Berkeley in 1973, men before women (Bickel, Science 187, 1975), where all
    /// departments together would say 0.14 more; and tables of one to eight.
    #[test]
    fn equals_published_tables() {
        let tolbutamide: &[Table] = &[[8, 98, 5, 115], [22, 76, 16, 69]];
        let berkeley: &[Table] = &[
            [512, 313, 89, 19],
            [353, 207, 17, 8],
            [120, 205, 202, 391],
            [138, 279, 131, 244],
            [53, 138, 94, 299],
            [22, 351, 24, 317],
        ];
        let sparse: &[Table] =
            &[[1, 0, 0, 1], [1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1], [1, 1, 0, 3], [2, 1, 1, 4]];
        for (tables, difference, differences, odds, odds_ends, p_value) in [
            (
                tolbutamide,
                0.034_900_269_336_918_16,
                [-0.027_627_846_012_228_924, 0.097_428_384_686_065_24],
                1.403_148_543_428_28,
                [0.762_515_168_115_570_1, 2.582_015_305_728_974],
                0.275_047_303_784_705_9,
            ),
            (
                berkeley,
                -0.018_425_196_190_852_512,
                [-0.047_482_435_346_542_23, 0.010_632_042_964_837_204],
                0.904_696_828_258_623_1,
                [0.771_907_361_759_350_5, 1.060_329_764_436_655_8],
                0.216_923_697_055_518_17,
            ),
            (
                sparse,
                0.389_162_561_576_354_7,
                [-0.044_983_914_579_975_026, 0.823_309_037_732_684_4],
                4.16,
                [0.593_159_524_569_548, 29.175_288_068_683_656],
                0.105_927_404_695_249_64,
            ),
        ] {
            let pooled = pooled(tables);
            let z = z(0.95);
            let (seen, ends) = pooled.risk_difference(z).unwrap();
            close(seen, difference);
            close(ends.lower, differences[0]);
            close(ends.upper, differences[1]);
            let (seen, ends) = pooled.odds_ratio(z).unwrap();
            close(seen, odds);
            close(ends.lower, odds_ends[0]);
            close(ends.upper, odds_ends[1]);
            close(pooled.p_value(), p_value);
        }
    }

    #[test]
    fn what_compares_nothing_says_nothing() {
        let lone = pooled(&[[3, 2, 0, 0], [0, 0, 1, 9]]);
        assert_eq!((lone.exposed(), lone.others(), lone.strata()), (0, 0, 0));
        assert_eq!((lone.risk_difference(2.0), lone.odds_ratio(2.0)), (None, None));
        assert!((lone.p_value() - 1.0).abs() < f64::EPSILON);
        let all_hit = pooled(&[[4, 0, 9, 0]]);
        assert_eq!(all_hit.risk_difference(2.0), Some((0.0, Interval { lower: 0.0, upper: 0.0 })));
        assert_eq!(all_hit.odds_ratio(2.0), None);
        assert!((all_hit.p_value() - 1.0).abs() < f64::EPSILON);
        assert_eq!(pooled(&[[0, 5, 3, 4]]).odds_ratio(2.0), None);
        assert!(pooled(&[[5, 5, 5, 5], [2, 8, 8, 2]]).is_large() && !pooled(&[[5, 4, 5, 4]]).is_large());
    }

    proptest! {
        #[test]
        fn swapping_groups_mirrors_and_bounds_hold(
            tables in prop::collection::vec(prop::array::uniform4(0_u64..30), 1..8),
        ) {
            let here = pooled(&tables);
            let swapped: Vec<Table> = tables.iter().map(|&[a, b, c, d]| [c, d, a, b]).collect();
            let there = pooled(&swapped);
            prop_assert!((here.p_value() - there.p_value()).abs() < 1e-9);
            if let (Some((one, ends)), Some((other, mirrored))) = (here.risk_difference(1.96), there.risk_difference(1.96)) {
                prop_assert!((one + other).abs() < 1e-12 && (ends.lower + mirrored.upper).abs() < 1e-9);
                prop_assert!(-1.0 <= ends.lower && ends.lower <= one && one <= ends.upper && ends.upper <= 1.0);
            }
            if let (Some((one, ends)), Some((other, mirrored))) = (here.odds_ratio(1.96), there.odds_ratio(1.96)) {
                prop_assert!((one * other - 1.0).abs() < 1e-12 && (ends.lower * mirrored.upper - 1.0).abs() < 1e-9);
            }
        }

        /// In one stratum the difference is that of the shares, and the test is the pooled one up to n / (n - 1).
        #[test]
        fn one_stratum_is_the_plain_comparison(a in 1_u64..500, b in 1_u64..500, c in 1_u64..500, d in 1_u64..500) {
            let one = pooled(&[[a, b, c, d]]);
            let (exposed, others) = (Proportion::new(a, a + b).unwrap(), Proportion::new(c, c + d).unwrap());
            let plain = exposed.share().unwrap() - others.share().unwrap();
            prop_assert!((one.risk_difference(1.0).unwrap().0 - plain).abs() < 1e-12);
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            let (a, b, c, d) = (a as f64, b as f64, c as f64, d as f64);
            prop_assert!((one.odds_ratio(1.0).unwrap().0 / (a * d / (b * c)) - 1.0).abs() < 1e-12);
            let n = a + b + c + d;
            let z = libm::fabs(one.surprise) / one.spread.sqrt();
            let same = two_sided_p(z * (n / (n - 1.0)).sqrt());
            prop_assert!((same - pooled_p(exposed, others)).abs() < 1e-9);
        }
    }
}
