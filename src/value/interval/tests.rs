#![expect(clippy::float_cmp, reason = "these are exact")]

use super::*;
use crate::numeric::random::Random;
use crate::value::draw::new_buyer;
use crate::value::{
    BgCnbd, BgNbd, Buyer, Discount, Horizon, Nbd, ParetoNbd, PurchaseForecast, PurchaseModel,
};
use proptest::prelude::*;
use std::sync::LazyLock;

type Score<'s> = &'s dyn Fn(&BgNbd) -> f64;

static FIT: LazyLock<Fit<BgNbd>> = LazyLock::new(|| {
    let (model, mut random) = (BgNbd::new(0.6, 4.0, 0.8, 2.5).unwrap(), Random::new(1));
    BgNbd::fit((0..500).map(|_| new_buyer(&model, 39.0, &mut random))).unwrap()
});

fn share(value: f64) -> Share {
    Share::new(value).unwrap()
}

fn close(ours: f64, truth: f64) {
    assert!((ours / truth - 1.0).abs() < 1e-7, "{ours} instead of {truth}");
}

#[test]
fn bounds_are_symmetric_on_their_scale() {
    let (fit, level) = (&*FIT, share(0.95));
    let alpha = &fit.parameters()[1];
    let number = fit.interval(level, ScoreKind::Number, BgNbd::alpha).unwrap();
    assert_eq!((number.value(), number.level(), number.n()), (alpha.value, level, 500));
    close(number.upper() - number.value(), 1.959_963_984_540_054 * alpha.standard_error);
    close(number.value() - number.lower(), 1.959_963_984_540_054 * alpha.standard_error);
    let amount = fit.interval(level, ScoreKind::Amount, BgNbd::alpha).unwrap();
    close(amount.lower() * amount.upper(), alpha.value * alpha.value);
    close((amount.upper() / amount.value()).ln(), 1.959_963_984_540_054 * alpha.standard_error / alpha.value);
    let leaves = |model: &BgNbd| model.a() / (model.a() + model.b());
    let odds = |p: f64| p / (1.0 - p);
    let found = fit.interval(level, ScoreKind::Share, leaves).unwrap();
    close(odds(found.lower()) * odds(found.upper()), odds(found.value()).powi(2));
    // The log-odds of a / (a+b) are ln a - ln b.
    let relative = |index: usize| fit.parameters()[index].standard_error / fit.parameters()[index].value;
    let both = fit.covariance(2, 3).unwrap() / (fit.model().a() * fit.model().b());
    let error = (relative(2).powi(2) + relative(3).powi(2) - 2.0 * both).sqrt();
    close((odds(found.upper()) / odds(found.value())).ln(), 1.959_963_984_540_054 * error);
}

#[test]
fn ends_of_a_range_are_known() {
    let never_back = Buyer::new(0, 0.0, 39.0).unwrap();
    let found = FIT.interval(share(0.9), ScoreKind::Share, |model| model.p_alive(never_back)).unwrap();
    assert_eq!((found.lower(), found.value(), found.upper()), (1.0, 1.0, 1.0));
    let now = Horizon::new(0.0).unwrap();
    let found = FIT
        .interval(share(0.9), ScoreKind::Amount, |model| model.expected_purchases(never_back, now))
        .unwrap();
    assert_eq!((found.lower(), found.value(), found.upper()), (0.0, 0.0, 0.0));
}

#[test]
fn refuses_scores_that_are_none() {
    let refused = |kind, score: f64| FIT.interval(share(0.9), kind, |_| score).unwrap_err();
    for (kind, score) in [
        (ScoreKind::Share, 1.1),
        (ScoreKind::Share, -0.1),
        (ScoreKind::Share, f64::NAN),
        (ScoreKind::Amount, -0.1),
        (ScoreKind::Amount, f64::INFINITY),
        (ScoreKind::Number, f64::NEG_INFINITY),
    ] {
        let IntervalError::Score { kind: said, score: found } = refused(kind, score) else {
            panic!("{score}")
        };
        assert!(said == kind && found.to_bits() == score.to_bits());
    }
    assert_eq!(refused(ScoreKind::Share, 1.5).to_string(), "a score of 1.5 is no share");
    for level in [Share::ZERO, Share::ONE] {
        let found = FIT.interval(level, ScoreKind::Number, BgNbd::r);
        assert_eq!(found, Err(IntervalError::Level { level }));
        assert_eq!(FIT.interval_with(&FIT, level, ScoreKind::Number, |one, _| one.r()), found);
    }
    // Beyond the fitted r there is no number; and one that no `f64` holds.
    let edge = |model: &BgNbd| if model.r() > FIT.model().r() { f64::NAN } else { model.r() };
    let unbounded = Err(IntervalError::Unbounded { score: FIT.model().r() });
    assert_eq!(FIT.interval(share(0.9), ScoreKind::Amount, edge), unbounded);
    assert!(FIT.standard_error(edge).is_infinite());
    let steep = |model: &BgNbd| (1e5 * (model.r() - FIT.model().r())).exp();
    assert_eq!(
        FIT.interval(share(0.9), ScoreKind::Amount, steep),
        Err(IntervalError::Unbounded { score: 1.0 })
    );
}

#[test]
fn errors_of_two_fits_add_up() {
    let mut random = Random::new(2);
    let model = Nbd::new(0.6, 6.0).unwrap();
    let other = Nbd::fit((0..300).map(|_| new_buyer(&model, 39.0, &mut random))).unwrap();
    let level = share(0.8);
    let both = FIT.interval_with(&other, level, ScoreKind::Amount, |one, two| one.alpha() * two.r()).unwrap();
    let of = |bound: f64, value: f64| (bound / value).ln();
    let one = FIT.interval(level, ScoreKind::Amount, BgNbd::alpha).unwrap();
    let two = other.interval(level, ScoreKind::Amount, Nbd::r).unwrap();
    let half = of(one.upper(), one.value()).hypot(of(two.upper(), two.value()));
    close(of(both.upper(), both.value()), half);
    assert_eq!((both.n(), both.value()), (500, one.value() * two.value()));
}

/// Sums and integrals have errors of their own; those are not to be taken for slopes.
#[test]
fn slopes_of_numeric_scores_are_precise() {
    // With a horizon beyond what counts, a sum over panels is a closed form, or another sum.
    fn check<M: PurchaseForecast + Likelihood>(fit: &Fit<M>) {
        let buyer = Buyer::new(3, 20.0, 39.0).unwrap();
        let (long, discount) = (Horizon::new(1e6).unwrap(), Discount::try_from(0.01).unwrap());
        let sum = fit.standard_error(|model| model.discounted_purchases(buyer, long, discount));
        let closed = fit.standard_error(|model| model.discounted_residual_purchases(buyer, discount));
        assert!((sum / closed - 1.0).abs() < 1e-6, "{sum} {closed}");
    }
    let mut random = Random::new(2);
    let truth = ParetoNbd::new(0.8, 5.0, 0.8, 8.0).unwrap();
    check(&ParetoNbd::fit((0..500).map(|_| new_buyer(&truth, 39.0, &mut random))).unwrap());
    let truth = BgCnbd::new(3, 0.8, 2.0, 0.8, 2.5).unwrap();
    check(&BgCnbd::fit_with(3, (0..500).map(|_| new_buyer(&truth, 39.0, &mut random))).unwrap());
    check(&*FIT);
}

proptest! {
    #[test]
    fn wider_levels_contain_narrower_ones(
        x in 0_u32..30, quiet in 0.0..1.0_f64, ahead in 0.0..100.0_f64, levels in (0.001..0.999_f64, 0.001..0.999_f64),
    ) {
        let recency = if x > 0 { 39.0 * (1.0 - quiet).max(1e-6) } else { 0.0 };
        let (buyer, until) = (Buyer::new(x, recency, 39.0).unwrap(), Horizon::new(ahead).unwrap());
        let (narrow, wide) = (levels.0.min(levels.1), levels.0.max(levels.1));
        let all: [(ScoreKind, Score<'_>); 4] = [
            (ScoreKind::Share, &|model| model.p_alive(buyer)),
            (ScoreKind::Amount, &|model| model.expected_purchases(buyer, until)),
            (ScoreKind::Share, &|model| model.p_no_purchase(buyer, until)),
            (ScoreKind::Number, &|model| model.log_likelihood(buyer)),
        ];
        for (kind, score) in all {
            let (narrow, wide) = (FIT.interval(share(narrow), kind, score), FIT.interval(share(wide), kind, score));
            let (narrow, wide) = (narrow.unwrap(), wide.unwrap());
            prop_assert_eq!(narrow.value(), score(FIT.model()));
            prop_assert!(wide.lower() <= narrow.lower() && narrow.lower() <= narrow.value());
            prop_assert!(narrow.value() <= narrow.upper() && narrow.upper() <= wide.upper());
            prop_assert!(kind != ScoreKind::Share || wide.upper() <= 1.0);
        }
    }
}
