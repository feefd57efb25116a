#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "frequencies are read as whole numbers"
)]

use super::*;
use crate::value::{BgCnbd, BgNbd, MbgCnbd, MbgNbd, Nbd, ParetoNbd};
use proptest::prelude::*;

fn buyer(x: u32, recency: f64, age: f64) -> Buyer {
    Buyer::new(x, recency, age).unwrap()
}

fn horizon(length: f64) -> Horizon {
    Horizon::new(length).unwrap()
}

fn discount(rate: f64) -> Discount {
    Discount::try_from(rate).unwrap()
}

fn share(value: f64) -> Share {
    Share::new(value).unwrap()
}

fn close(ours: f64, truth: f64, relative: f64, what: &str) {
    assert!((ours - truth).abs() <= relative * truth.abs(), "{what}: {ours} instead of {truth}");
}

/// A model of every kind.
macro_rules! for_each_model {
    ($parameters:expr, |$model:ident| $body:expr) => {{
        let [r, alpha, a, b] = $parameters;
        let k = 2 + (r * 1000.0) as u32 % 4;
        {
            let $model = BgNbd::new(r, alpha, a, b).unwrap();
            $body
        }
        {
            let $model = MbgNbd::new(r, alpha, a, b).unwrap();
            $body
        }
        {
            let $model = ParetoNbd::new(r, alpha, a, b).unwrap();
            $body
        }
        {
            let $model = Nbd::new(r, alpha).unwrap();
            $body
        }
        {
            let $model = BgCnbd::new(k, r, alpha, a, b).unwrap();
            $body
        }
        {
            let $model = MbgCnbd::new(k, r, alpha, a, b).unwrap();
            $body
        }
    }};
}

/// BG/NBD counts from interval arithmetic and from the tests of lifetimes and btyd, those of the Pareto/NBD model
/// integrated with 25 digits (mpmath).
#[test]
fn probabilities_of_counts() {
    let model = BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap();
    let of_new = |count| model.p_purchases(Buyer::NEW, count, horizon(39.0));
    let truth = [
        0.573_786_352_1,
        0.199_395_280_8,
        0.085_429_759_5,
        0.045_860_353_8,
        0.027_671_449_3,
        0.017_965_493_9,
    ];
    for (count, truth) in (0..).zip(truth) {
        assert!((of_new(count) - truth).abs() < 1e-10, "{count}: {}", of_new(count));
    }

    let model = ParetoNbd::new(0.553, 10.578, 0.606, 11.669).unwrap();
    let buyer = buyer(7, 29.43, 38.86);
    for (count, truth) in [
        (0, 0.593_625_031_602_4),
        (1, 0.165_562_947_277_2),
        (2, 0.082_487_184_116_32),
        (5, 0.021_484_828_361_82),
        (20, 0.000_257_831_276_060_6),
        (60, 1.005_848_173_591e-8),
    ] {
        close(model.p_purchases(Buyer::NEW, count, horizon(39.0)), truth, 1e-12, "new");
    }
    for (count, truth) in [
        (0, 0.311_244_419_330_8),
        (1, 0.065_227_122_941_97),
        (4, 0.086_756_689_921_14),
        (12, 0.012_219_084_053_02),
    ] {
        close(model.p_purchases(buyer, count, horizon(39.0)), truth, 1e-12, "conditional");
    }
    let median = model.next_purchase(buyer, share(0.5)).unwrap();
    close(median.length(), 8.349_505_289_676, 1e-12, "median");
    assert_eq!(model.next_purchase(buyer, share(0.75)), None);
    assert_eq!(model.next_purchase(buyer, Share::ZERO).map(Horizon::length), Some(0.0));
}

/// Two independent ways to the same sum: over time, and over who the customer may be.
#[test]
fn residual_purchases_are_discounted_ones_without_end() {
    let mut worst = [0.0_f64; 2];
    for parameters in [
        [0.243, 4.414, 0.793, 2.426],
        [5.0, 0.2, 0.3, 0.4],
        [0.1, 300.0, 6.0, 0.7],
        [30.0, 12.0, 1.0, 40.0],
        [0.6, 10.0, 9.0, 90.0],
        [2.0, 1.0, 40.0, 3.0],
    ] {
        for row in [Buyer::NEW, buyer(2, 30.43, 38.86), buyer(40, 5.0, 9.0), buyer(900, 99.0, 100.0)] {
            for rate in [0.0018, 0.05, 3.0] {
                let long = horizon(60.0 / rate);
                for_each_model!(parameters, |model| {
                    let whole = model.discounted_residual_purchases(row, discount(rate));
                    let sum = model.discounted_purchases(row, long, discount(rate));
                    let error = (sum / whole - 1.0).abs();
                    if whole > 1e-250 {
                        let regular = format!("{model:?}").contains("Cnbd");
                        let worst = &mut worst[usize::from(regular)];
                        *worst = worst.max(error);
                    }
                });
            }
        }
    }
    assert!(worst[0] < 1e-9 && worst[1] < 1e-7, "{worst:?}");
}

fn parameters() -> impl Strategy<Value = [f64; 4]> {
    [-1.5..1.5_f64, -1.0..2.5, -1.0..1.0, -1.0..2.0].prop_map(|logs| logs.map(|log| 10_f64.powf(log)))
}

prop_compose! {
    fn any_buyer()(x in prop_oneof![0_u32..6, 0_u32..300], share in 1e-3..=1.0_f64, log in -1.0..3.0_f64) -> Buyer {
        let age = 10_f64.powf(log);
        if x == 0 { buyer(0, 0.0, age) } else { buyer(x, share * age, age) }
    }
}

fn check(model: &(impl PurchaseForecast + std::fmt::Debug), row: Buyer, t: Horizon, count: u32) {
    assert!(model.log_likelihood(row).is_finite(), "{model:?} {row:?}");
    assert!((0.0..=1.0).contains(&model.p_alive(row)), "{model:?} {row:?}");
    assert!((0.0..=1.0).contains(&model.p_alive_after(row, t)), "{model:?} {row:?}");
    assert!((0.0..=1.0).contains(&model.p_no_purchase(row, t)), "{model:?} {row:?}");
    let chance = model.p_purchases(row, count, t);
    assert!((0.0..=1.0).contains(&chance), "{model:?} {row:?} {t:?} {count} {chance}");
    let expected = model.expected_purchases(row, t);
    assert!(expected.is_finite() && expected >= 0.0, "{model:?} {row:?} {expected}");
    let between = model.expected_purchases_between(row, t, horizon(1e30));
    assert!(between.is_finite() && between >= 0.0, "{model:?} {row:?} {between}");
    let residual = model.discounted_residual_purchases(row, discount(1e-3));
    assert!(residual.is_finite() && residual >= 0.0, "{model:?} {row:?} {residual}");
    let next = model.next_purchase(row, share(0.5));
    assert!(next.is_none_or(|time| time.length() >= 0.0));
    let score = model.score(row, t);
    assert_eq!(
        (score.p_alive, score.expected_purchases),
        (model.p_alive(row), expected),
        "{model:?} {row:?}"
    );
    let discounted = model.discounted_purchases(row, t, discount(1e-3));
    assert!(
        (0.0..=expected * (1.0 + 1e-7)).contains(&discounted),
        "{model:?} {row:?} {discounted} {expected}"
    );
}

/// Every question through its three doors.
fn check_doors(
    model: &(impl PurchaseForecast + std::fmt::Debug),
    rows: &[Buyer],
    t: Horizon,
    rate: Discount,
) {
    let frequency: Vec<u32> = rows.iter().map(|row| row.frequency()).collect();
    let recency: Vec<f64> = rows.iter().map(|row| row.recency()).collect();
    let age: Vec<f64> = rows.iter().map(|row| row.age()).collect();
    let columns = Buyers::new(&frequency, &recency, &age).unwrap();
    let each = || rows.iter().copied();
    let same =
        |what: &str, into: &dyn Fn(&mut [f64]) -> Result<(), ValueError>, each: Vec<f64>, one: Vec<f64>| {
            let mut out = vec![0.0; rows.len()];
            into(&mut out).unwrap();
            let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&out), bits(&each), "{what} of each: {model:?}");
            assert_eq!(bits(&out), bits(&one), "{what} of one: {model:?}");
            out.push(0.0);
            assert!(matches!(into(&mut out), Err(ValueError::ColumnLength { .. })), "{what}");
        };
    macro_rules! doors {
        ($one:ident, $each:ident, $into:ident $(, $argument:expr)*) => {
            same(
                stringify!($one),
                &|out| model.$into(columns $(, $argument)*, out),
                model.$each(each() $(, $argument)*).collect(),
                each().map(|row| model.$one(row $(, $argument)*)).collect(),
            );
        };
    }
    let later = horizon(t.length() * 1.5 + 1.0);
    doors!(log_likelihood, log_likelihood_each, log_likelihood_into);
    doors!(p_alive, p_alive_each, p_alive_into);
    doors!(expected_purchases, expected_purchases_each, expected_purchases_into, t);
    doors!(discounted_purchases, discounted_purchases_each, discounted_purchases_into, t, rate);
    doors!(p_purchases, p_purchases_each, p_purchases_into, 2, t);
    doors!(p_no_purchase, p_no_purchase_each, p_no_purchase_into, t);
    doors!(p_alive_after, p_alive_after_each, p_alive_after_into, t);
    doors!(
        expected_purchases_between,
        expected_purchases_between_each,
        expected_purchases_between_into,
        t,
        later
    );
    doors!(
        discounted_residual_purchases,
        discounted_residual_purchases_each,
        discounted_residual_purchases_into,
        rate
    );
    let length = |time: Option<Horizon>| time.map_or(f64::INFINITY, Horizon::length);
    same(
        "next purchase",
        &|out| model.next_purchase_into(columns, share(0.5), out),
        model.next_purchase_each(each(), share(0.5)).map(length).collect(),
        each().map(|row| length(model.next_purchase(row, share(0.5)))).collect(),
    );
    let scores = |out: &mut [f64]| {
        let mut p_alive = vec![0.0; rows.len()];
        model.score_into(columns, t, &mut p_alive, out)?;
        assert!(model.p_alive_each(each()).eq(p_alive));
        Ok(())
    };
    same(
        "score",
        &scores,
        model.score_each(each(), t).map(|score| score.expected_purchases).collect(),
        each().map(|row| model.score(row, t).expected_purchases).collect(),
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn probabilities_of_counts_add_up(p in parameters(), row in any_buyer(), tau in 0.0..0.3_f64) {
        for_each_model!(p, |model| {
            // Short enough that few counts carry all.
            let t = horizon(tau * (p[1] + row.age()) * 20.0 / (20.0 + p[0] + f64::from(row.frequency())));
            let counts: Vec<f64> = (0..400).map(|count| model.p_purchases(row, count, t)).collect();
            prop_assert!(counts.iter().all(|p| (0.0..=1.0).contains(p)));
            let sum: f64 = counts.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-9, "{} {:?} {:?} {:?}", sum, model, row, t);
            let mean: f64 = counts.iter().zip(0_u32..).map(|(p, count)| p * f64::from(count)).sum();
            let expected = model.expected_purchases(row, t);
            prop_assert!((mean - expected).abs() < 1e-8 * (expected + 1e-3), "{} {} {:?} {:?}", mean, expected, model, row);
        });
    }

    #[test]
    fn three_doors_agree_to_the_last_bit(
        p in parameters(),
        rows in prop::collection::vec(any_buyer(), 0..8),
        t in 0.0..200.0_f64,
        rate in prop_oneof![Just(0.0), 1e-4..0.1_f64],
    ) {
        for_each_model!(p, |model| check_doors(&model, &rows, horizon(t), discount(rate)));
    }

    #[test]
    fn forecasts_hang_together(
        p in parameters(),
        row in any_buyer(),
        t1 in 0.0..100.0_f64,
        more in 1e-3..100.0_f64,
        rate in 1e-4..0.5_f64,
        half in 0.01..0.99_f64,
    ) {
        for_each_model!(p, |model| {
            let (near, far) = (horizon(t1), horizon(t1 + more));
            let (soon, later) = (model.expected_purchases(row, near), model.expected_purchases(row, far));
            prop_assert!(soon >= 0.0 && later >= soon * (1.0 - 1e-11));
            let between = model.expected_purchases_between(row, near, far);
            prop_assert!((between - (later - soon)).abs() <= 1e-9 * later + 1e-290, "{} {} {:?}", between, later - soon, model);
            let silent = model.p_alive_after(row, near);
            prop_assert!((0.0..=1.0).contains(&silent) && silent <= model.p_alive(row));
            prop_assert!(model.p_alive_after(row, far) <= silent);
            let (none, fewer) = (model.p_no_purchase(row, near), model.p_no_purchase(row, far));
            prop_assert!(none <= 1.0 && fewer <= none && fewer >= 1.0 - model.p_alive(row) - 1e-15);
            // No purchase until t: the history is then one of more silence.
            let ratio = model.log_likelihood(row.after_silence(t1)) - model.log_likelihood(row);
            prop_assert!((libm::exp(ratio) - none).abs() < 1e-9, "{} {} {:?} {:?}", libm::exp(ratio), none, model, row);
            if let Some(time) = model.next_purchase(row, share(half)) {
                let within = 1.0 - model.p_no_purchase(row, time);
                prop_assert!((within - half).abs() < 1e-9, "{} {}", within, half);
            } else {
                prop_assert!(1.0 - model.p_no_purchase(row, horizon(1e30)) <= half + 1e-12);
            }
            let residual = model.discounted_residual_purchases(row, discount(rate));
            prop_assert!(residual.is_finite() && residual >= 0.0);
            prop_assert!(model.discounted_residual_purchases(row, discount(rate * 1.1)) <= residual);
            let until = model.discounted_purchases(row, far, discount(rate));
            prop_assert!(until <= residual * (1.0 + 1e-6), "{} {} {:?} {:?}", until, residual, model, row);
        });
    }

    #[test]
    fn the_unit_of_time_does_not_matter(p in parameters(), row in any_buyer(), t in 0.1..100.0_f64, unit in 1e-6..1e6_f64) {
        let scaled = [p[0], p[1] * unit, p[2], p[3]];
        let (later, far) = (buyer(row.frequency(), row.recency() * unit, row.age() * unit), horizon(t * unit));
        let mut answers: Vec<[f64; 3]> = Vec::new();
        for_each_model!(p, |model| answers.push([
            model.p_alive(row), model.expected_purchases(row, horizon(t)), model.p_no_purchase(row, horizon(t))
        ]));
        let mut others: Vec<[f64; 3]> = Vec::new();
        // The last parameter of the Pareto/NBD model is a time as well.
        for_each_model!(scaled, |model| others.push([
            model.p_alive(later), model.expected_purchases(later, far), model.p_no_purchase(later, far)
        ]));
        let pareto = ParetoNbd::new(p[0], p[1] * unit, p[2], p[3] * unit).unwrap();
        others[2] = [pareto.p_alive(later), pareto.expected_purchases(later, far), pareto.p_no_purchase(later, far)];
        for (one, other) in answers.iter().flatten().zip(others.iter().flatten()) {
            prop_assert!((one - other).abs() <= 1e-10 * one.abs().max(1e-6), "{:?} {:?}", answers, others);
        }
    }

    #[test]
    fn no_finite_input_gives_nan(
        logs in [-30.0..30.0_f64, -30.0..30.0, -30.0..30.0, -30.0..30.0],
        x in any::<u32>(),
        part in 1e-9..=1.0_f64,
        log in -20.0..30.0_f64,
        t in -30.0..30.0_f64,
        count in 0_u32..40,
    ) {
        let p = logs.map(|log| 10_f64.powf(log).clamp(1e-30, 1e30));
        let age = 10_f64.powf(log).min(1e30);
        let row = if x == 0 { buyer(0, 0.0, age) } else { buyer(x, part * age, age) };
        let t = horizon(10_f64.powf(t).min(1e30));
        let models = (BgNbd::new(p[0], p[1], p[2], p[3]).unwrap(), MbgNbd::new(p[0], p[1], p[2], p[3]).unwrap(),
            ParetoNbd::new(p[0], p[1], p[2], p[3]).unwrap(), Nbd::new(p[0], p[1]).unwrap());
        let k = 1 + count % 32;
        let regular = BgCnbd::new(k, p[0], p[1], p[2], p[3]).unwrap();
        prop_assert!(regular.log_likelihood(row).is_finite() && (0.0..=1.0).contains(&regular.p_alive(row)));
        let regular = MbgCnbd::new(k, p[0], p[1], p[2], p[3]).unwrap();
        prop_assert!(regular.log_likelihood(row).is_finite() && (0.0..=1.0).contains(&regular.p_alive(row)));
        check(&models.0, row, t, count);
        check(&models.1, row, t, count);
        check(&models.2, row, t, count);
        check(&models.3, row, t, count);
    }

}

proptest! {
    // Sums over stages take their time at the extremes.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_harsh_input_gives_nan_in_models_of_regular_purchases(
        p in [-3.0..3.0_f64, -3.0..3.0, -3.0..3.0, -3.0..3.0].prop_map(|logs| logs.map(|log| 10_f64.powf(log))),
        row in any_buyer(),
        t in -3.0..3.0_f64,
        count in 0_u32..40,
    ) {
        let (k, t) = (1 + count % 32, horizon(10_f64.powf(t)));
        check(&BgCnbd::new(k, p[0], p[1], p[2], p[3]).unwrap(), row, t, count);
        check(&MbgCnbd::new(k, p[0], p[1], p[2], p[3]).unwrap(), row, t, count);
    }
}
