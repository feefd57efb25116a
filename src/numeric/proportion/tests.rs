use super::*;
use proptest::prelude::*;

fn of(hits: u64, trials: u64) -> Proportion {
    Proportion::new(hits, trials).unwrap()
}

fn near(found: f64, expected: f64, relative: f64) {
    let most = relative * expected.abs();
    assert!((found - expected).abs() <= most, "{found:e} is not {expected:e}");
}

#[test]
fn z_agrees_with_mpmath() {
    // mpmath 1.3, 40 digits, of the double nearest to the level: sqrt(2) * erfinv(level).
    for (level, expected) in [
        (1e-7, 1.253_314_137_315_503_475_7e-7),
        (0.1, 0.125_661_346_855_074_041_22),
        (0.5, 0.674_489_750_196_081_743_2),
        (0.68, 0.994_457_883_209_753_268_12),
        (0.8, 1.281_551_565_544_600_593_5),
        (0.849, 1.436_008_227_944_181_894_5),
        (0.85, 1.439_531_470_938_455_836_9),
        (0.851, 1.443_072_674_370_900_793_5),
        (0.9, 1.644_853_626_951_472_822_5),
        (0.95, 1.959_963_984_540_053_855_6),
        (0.99, 2.575_829_303_548_900_453_9),
        (0.999, 3.290_526_731_491_894_543_3),
        (0.999_999, 4.891_638_475_692_931_771_8),
        (0.999_999_999, 6.109_410_209_383_449_111_4),
        (0.999_999_999_999_99, 7.739_357_990_926_659_407_8),
    ] {
        near(z(level), expected, 1e-15);
    }
    for (level, expected) in [(0.0, 0.0), (-1.0, 0.0), (f64::NAN, 0.0), (1.0, f64::INFINITY)] {
        assert_eq!(z(level).to_bits(), f64::to_bits(expected), "{level}");
    }
}

#[test]
fn wilson_agrees_with_newcombe() {
    // R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998)
    // 857-872, table I, method 3, to four decimals; the further digits are mpmath's.
    for (hits, trials, published, exact) in [
        (81, 263, (0.2553, 0.3662), (0.255_288_519_878_274_24, 0.366_209_576_982_800_06)),
        (15, 148, (0.0624, 0.1605), (0.062_386_399_530_736_286, 0.160_487_241_723_308_03)),
        (0, 20, (0.0, 0.1611), (0.0, 0.161_125_158_052_819_33)),
        (1, 29, (0.0061, 0.1718), (0.006_113_214_292_762_662_2, 0.171_755_218_793_202_84)),
    ] {
        let Interval { lower, upper } = of(hits, trials).wilson(z(0.95));
        assert!((lower - published.0).abs() < 5e-5 && (upper - published.1).abs() < 5e-5);
        near(lower, exact.0, 1e-15);
        near(upper, exact.1, 1e-15);
    }
}

#[test]
fn difference_agrees_with_newcombe() {
    // R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
    // 17 (1998) 873-890, table II, method 10, to four decimals; the further digits are mpmath's.
    for ((x1, n1, x2, n2), published, exact) in [
        ((56, 70, 48, 80), (0.0524, 0.3339), (0.052_431_472_402_364_907, 0.333_872_654_036_905_95)),
        ((9, 10, 3, 10), (0.1705, 0.8090), (0.170_522_723_934_502_96, 0.809_017_973_535_487_96)),
        ((6, 7, 2, 7), (0.0582, 0.8062), (0.058_227_927_482_312_292, 0.806_249_637_524_227_74)),
        ((5, 56, 0, 29), (-0.0381, 0.1926), (-0.038_137_147_903_536_864, 0.192_560_013_855_111_6)),
        ((0, 10, 0, 20), (-0.1611, 0.2775), (-0.161_125_158_052_819_33, 0.277_532_799_862_889_17)),
        ((0, 10, 0, 10), (-0.2775, 0.2775), (-0.277_532_799_862_889_17, 0.277_532_799_862_889_17)),
        ((10, 10, 0, 20), (0.6791, 1.0), (0.679_086_037_141_914_77, 1.0)),
        ((10, 10, 0, 10), (0.6075, 1.0), (0.607_509_350_430_524_27, 1.0)),
    ] {
        let (seen, Interval { lower, upper }) = difference(of(x1, n1), of(x2, n2), z(0.95));
        assert!(lower <= seen.unwrap() && seen.unwrap() <= upper);
        assert!((lower - published.0).abs() < 5e-5 && (upper - published.1).abs() < 5e-5);
        assert!((lower - exact.0).abs() < 1e-15 && (upper - exact.1).abs() < 1e-15);
    }
}

#[test]
fn pooled_test_agrees_with_mpmath() {
    // mpmath: erfc(|z| / sqrt(2)) with the pooled z.
    for ((x1, n1, x2, n2), expected) in [
        ((56, 70, 48, 80), 0.008_045_081_368_196_584_7),
        ((9, 10, 3, 10), 0.006_169_899_320_544_162_2),
        ((5, 56, 0, 29), 0.097_186_568_170_579_726),
        ((500, 1000, 400, 1000), 6.967_931_072_849_832_1e-6),
    ] {
        near(pooled_p(of(x1, n1), of(x2, n2)), expected, 1e-14);
    }
    for (first, second) in
        [(of(0, 0), of(1, 2)), (of(0, 5), of(0, 9)), (of(5, 5), of(9, 9)), (of(1, 2), of(2, 4))]
    {
        assert_eq!(pooled_p(first, second).to_bits(), 1.0_f64.to_bits());
    }
}

/// Benjamini and Hochberg (1995), section 4.1: the 15 endpoints of the thrombolysis trial.
const THROMBOLYSIS: [f64; 15] = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
    0.7590, 1.0,
];

#[test]
fn benjamini_hochberg_rejects_what_its_authors_did() {
    let adjusted = benjamini_hochberg(&THROMBOLYSIS);
    assert_eq!(adjusted.iter().filter(|&&p| p <= 0.05).count(), 4);
    // R 4: p.adjust(p, "BH")[1:8]; ranks 5 to 8 share what 8 has after the step up, 0.0344 * 15 / 8 = 0.0645, but
    // for rank 5, which stands at 0.0201 * 15 / 5 = 0.0603.
    for (found, expected) in adjusted.iter().zip([0.0015, 0.003, 0.0095, 0.035_625, 0.0603]) {
        near(*found, expected, 1e-14);
    }
    near(adjusted[5], 0.0298 * 15.0 / 7.0, 1e-14);
    near(adjusted[6], 0.0298 * 15.0 / 7.0, 1e-14);
}

#[test]
fn holm_rejects_three_of_the_same() {
    let adjusted = holm(&THROMBOLYSIS);
    assert_eq!(adjusted.iter().filter(|&&p| p <= 0.05).count(), 3);
    for (found, expected) in adjusted.iter().zip([0.0015, 0.0056, 0.0247, 0.114, 0.2211, 0.278]) {
        near(*found, expected, 1e-14);
    }
    assert_eq!(holm(&[]), Vec::<f64>::new());
}

#[test]
fn more_hits_than_trials_are_no_proportion() {
    assert_eq!(Proportion::new(2, 1), None);
    assert_eq!(of(0, 0).share(), None);
    assert_eq!(of(0, 0).wilson(1.96), Interval { lower: 0.0, upper: 1.0 });
    assert_eq!(difference(of(0, 0), of(1, 2), 1.96), (None, Interval { lower: -1.0, upper: 1.0 }));
}

proptest! {
    #[test]
    fn intervals_enclose_what_was_seen(
        (x1, n1) in any::<u64>().prop_flat_map(|n| (0..=n, Just(n))),
        (x2, n2) in (0_u64..50).prop_flat_map(|n| (0..=n, Just(n))),
        deviations in prop_oneof![0.0..9.0, any::<f64>()],
    ) {
        for seen in [of(x1, n1), of(x2, n2)] {
            let Interval { lower, upper } = seen.wilson(deviations);
            let share = seen.share().unwrap_or(0.5);
            prop_assert!(0.0 <= lower && lower <= share && share <= upper && upper <= 1.0);
            let mirrored = of(seen.trials - seen.hits, seen.trials).wilson(deviations);
            prop_assert!((mirrored.lower - (1.0 - upper)).abs() <= 1e-15);
        }
        let (gap, Interval { lower, upper }) = difference(of(x1, n1), of(x2, n2), deviations);
        let gap = gap.unwrap_or(0.0);
        prop_assert!(-1.0 <= lower && lower <= gap && gap <= upper && upper <= 1.0);
        let p = pooled_p(of(x1, n1), of(x2, n2));
        prop_assert!((0.0..=1.0).contains(&p));
        prop_assert_eq!(p.to_bits(), pooled_p(of(x2, n2), of(x1, n1)).to_bits());
    }

    #[test]
    fn z_ascends_and_is_undone_by_the_p_value(a in 0.0..1.0_f64, b in 0.0..1.0_f64) {
        prop_assert!(z(a.min(b)) <= z(a.max(b)));
        prop_assert!((two_sided_p(z(a)) - (1.0 - a)).abs() <= 1e-14);
    }

    #[test]
    fn adjusted_p_values_keep_their_order_and_only_grow(
        p_values in prop::collection::vec(prop_oneof![0.0..1.0_f64, any::<f64>()], 0..40),
    ) {
        let valid: Vec<_> = p_values.iter().map(|p| if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }).collect();
        let (rate, familywise) = (benjamini_hochberg(&p_values), holm(&p_values));
        for i in 0..valid.len() {
            prop_assert!(valid[i] <= rate[i] && rate[i] <= familywise[i] && familywise[i] <= 1.0);
            for j in 0..valid.len() {
                prop_assert!(valid[i] > valid[j] || (rate[i] <= rate[j] && familywise[i] <= familywise[j]));
            }
        }
    }
}
