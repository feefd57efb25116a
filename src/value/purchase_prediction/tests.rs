use super::*;
use crate::value::{BgCnbd, BgNbd, MbgCnbd, MbgNbd, Nbd, ParetoNbd, PurchaseForecast};
use proptest::prelude::*;

fn buyer(x: u32, recency: f64, age: f64) -> Buyer {
    Buyer::new(x, recency, age).unwrap()
}

fn horizon(length: f64) -> Horizon {
    Horizon::new(length).unwrap()
}

fn share(value: f64) -> Share {
    Share::new(value).unwrap()
}

/// Does something with a model of every kind.
macro_rules! with_each {
    ([$r:expr, $alpha:expr, $a:expr, $b:expr, $k:expr], $check:ident($($more:expr),*)) => {{
        let (r, alpha, a, b, k) = ($r, $alpha, $a, $b, $k);
        $check(&Nbd::new(r, alpha).unwrap(), $($more),*);
        $check(&BgNbd::new(r, alpha, a, b).unwrap(), $($more),*);
        $check(&MbgNbd::new(r, alpha, a, b).unwrap(), $($more),*);
        $check(&ParetoNbd::new(r, alpha, a, b).unwrap(), $($more),*);
        $check(&BgCnbd::new(k, r, alpha, a, b).unwrap(), $($more),*);
        $check(&MbgCnbd::new(k, r, alpha, a, b).unwrap(), $($more),*);
    }};
}

/// The tail is what the probabilities of all lower counts leave, and a quantile is where they first come to enough.
fn tails_are_sums(model: &impl PurchaseForecast, buyer: Buyer, until: Horizon, probability: f64) {
    let mut below = 0.0;
    for count in 0..40 {
        let tail = model.p_at_least(buyer, count, until);
        assert!((tail - (1.0 - below)).abs() < 1e-10, "at least {count}: {tail}, and {below} below");
        below += model.p_purchases(buyer, count, until);
        if below > 1.0 - 1e-9 {
            break;
        }
    }
    let quantile = model.purchase_quantile(buyer, share(probability), until);
    let up_to = |count: u32| 1.0 - model.p_at_least(buyer, count + 1, until);
    assert!(up_to(quantile) >= probability - 1e-15, "{quantile}");
    assert!(quantile == 0 || up_to(quantile - 1) < probability, "{quantile}");
    let (narrow, wide) =
        (model.purchase_range(buyer, until, share(0.5)), model.purchase_range(buyer, until, share(0.95)));
    let (narrow, wide) = (narrow.unwrap(), wide.unwrap());
    assert!(wide.start() <= narrow.start() && narrow.start() <= narrow.end() && narrow.end() <= wide.end());
    assert!(up_to(*wide.end()) >= 0.975 && (*wide.start() == 0 || up_to(wide.start() - 1) < 0.025));
}

proptest! {
    #[test]
    fn counts_agree_with_their_probabilities(
        ln in prop::array::uniform4(-2.5..2.5_f64), k in 2_u32..6, x in 0_u32..40,
        ln_age in -2.0..5.0_f64, quiet in 0.0..1.0_f64, ln_ahead in -3.0..4.0_f64, probability in 0.0..0.999_f64,
    ) {
        let [r, alpha, a, b] = ln.map(f64::exp);
        let age = ln_age.exp();
        let recency = if x > 0 { age * (1.0 - quiet).max(1e-3) } else { 0.0 };
        with_each!([r, alpha, a, b, k], tails_are_sums(buyer(x, recency, age), horizon(ln_ahead.exp()), probability));
    }
}

fn survives(model: &impl PurchasePrediction, buyer: Buyer, until: Horizon) {
    for probability in [0.0, 1e-300, 0.5, 1.0 - 1e-16] {
        let quantile = model.purchase_quantile(buyer, share(probability), until);
        for count in [0, 1, quantile, u32::MAX] {
            assert!((0.0..=1.0).contains(&model.p_at_least(buyer, count, until)), "{count}");
        }
    }
    assert_eq!(model.purchase_quantile(buyer, Share::ONE, until), u32::MAX);
    assert_eq!(model.purchase_quantile(buyer, Share::ZERO, until), 0);
}

#[test]
fn extremes_have_an_answer() {
    for (r, alpha, a, b) in
        [(0.05, 1000.0, 0.05, 0.05), (1000.0, 0.05, 1000.0, 0.05), (5.0, 0.1, 0.05, 1000.0)]
    {
        for (x, recency, age) in [(0, 0.0, 0.0), (0, 0.0, 1e6), (3000, 5000.0, 5000.0), (100_000, 1.0, 1e6)] {
            for until in [0.0, 1e-9, 1e6] {
                with_each!([r, alpha, a, b, 3], survives(buyer(x, recency, age), horizon(until)));
            }
        }
    }
    // More than can be counted, for all we know.
    let busy = Nbd::new(1e6, 1.0).unwrap();
    assert_eq!(busy.purchase_quantile(Buyer::NEW, share(0.5), horizon(1e6)), u32::MAX);
}

/// The mean of all futures is what is expected, and they vary as much as the counts of one customer do.
fn totals_are_expected(model: &impl PurchaseForecast) {
    let cohort =
        [buyer(2, 30.43, 38.86), buyer(0, 0.0, 38.86), buyer(7, 29.43, 38.86), buyer(1, 1.71, 38.86)];
    let buyers = cohort.iter().flat_map(|&buyer| std::iter::repeat_n(buyer, 50));
    let (until, level) = (horizon(39.0), share(0.9));
    let prediction = model.predict_total(buyers.clone(), until, level, 2_000, 5).unwrap();
    let truth: f64 = model.expected_purchases_each(buyers.clone(), until).sum();
    let deviation = prediction.standard_deviation();
    assert!((prediction.mean() - truth).abs() < 4.0 * deviation / 2000_f64.sqrt(), "{prediction}: {truth}");
    // Var = sum of (2 n - 1) P(n or more) - mean^2.
    let variance: f64 = buyers
        .clone()
        .map(|buyer| {
            let square: f64 = (1..400)
                .map(|count| (2.0 * f64::from(count) - 1.0) * model.p_at_least(buyer, count, until))
                .sum();
            square - model.expected_purchases(buyer, until).powi(2)
        })
        .sum();
    assert!((deviation / variance.sqrt() - 1.0).abs() < 0.08, "{prediction}: {}", variance.sqrt());
    // Normal by then.
    for (bound, sign) in [(prediction.lower(), -1.0), (prediction.upper(), 1.0)] {
        assert!(
            (bound - truth - sign * 1.645 * variance.sqrt()).abs() < 0.2 * variance.sqrt() + 1.0,
            "{prediction}"
        );
    }
    let backwards: Vec<Buyer> = buyers.clone().collect::<Vec<_>>().into_iter().rev().collect();
    assert_eq!(model.predict_total(backwards, until, level, 2_000, 5).unwrap(), prediction);
    assert_ne!(model.predict_total(buyers, until, level, 2_000, 6).unwrap(), prediction);
}

#[test]
fn simulated_totals_are_those_of_the_formulas() {
    totals_are_expected(&Nbd::new(0.385, 12.072).unwrap());
    totals_are_expected(&BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap());
    totals_are_expected(&MbgNbd::new(0.525, 6.183, 0.891, 1.614).unwrap());
    totals_are_expected(&ParetoNbd::new(0.553, 10.578, 0.606, 11.669).unwrap());
    totals_are_expected(&BgCnbd::new(3, 0.8, 2.0, 0.8, 2.5).unwrap());
    totals_are_expected(&MbgCnbd::new(2, 0.8, 2.0, 0.8, 2.5).unwrap());
}

#[test]
fn refuses_levels_and_repeats_that_tell_nothing() {
    let model = Nbd::new(0.385, 12.072).unwrap();
    let buyers = [buyer(1, 2.0, 3.0)];
    for level in [Share::ZERO, Share::ONE] {
        let refused = Err(IntervalError::Level { level });
        assert_eq!(model.purchase_range(buyers[0], horizon(1.0), level).map(|_| ()), refused);
        assert_eq!(model.predict_total(buyers, horizon(1.0), level, 100, 1).map(|_| ()), refused);
    }
    let refused = model.predict_total(buyers, horizon(1.0), share(0.9), 99, 1).unwrap_err();
    assert_eq!(refused, IntervalError::Repeats { repeats: 99, least: 100 });
    // Nobody buys nothing.
    let nobody = model.predict_total([], horizon(1.0), share(0.9), 100, 1).unwrap();
    assert_eq!(nobody.to_string(), "0.00 +- 0.00 [0, 0] (90.0 %)");
}
