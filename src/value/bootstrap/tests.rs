use super::*;
use crate::value::{BgNbd, Discount, GammaGamma, LifetimeValue, MbgNbd, Nbd, ParetoNbd, Priors, RepeatSpend};

fn level() -> Share {
    Share::new(0.9).unwrap()
}

/// Customers as a model makes them, of one age each quarter.
fn made(model: &impl PurchaseModel, customers: u32) -> Vec<Buyer> {
    let mut random = Random::new(3);
    (0..customers).map(|customer| new_buyer(model, f64::from(26 + 4 * (customer % 4)), &mut random)).collect()
}

fn shop() -> Vec<Buyer> {
    made(&BgNbd::new(0.6, 4.0, 0.8, 2.5).unwrap(), 600)
}

#[test]
fn equal_seeds_give_equal_bits_in_any_order() {
    let mut buyers = shop();
    let fit = BgNbd::fit(buyers.iter().copied()).unwrap();
    let one = fit.bootstrap(buyers.iter().copied(), 100, 9).unwrap();
    let made = fit.parametric_bootstrap(buyers.iter().copied(), 100, 9).unwrap();
    buyers.reverse();
    assert_eq!(fit.bootstrap(buyers.iter().copied(), 100, 9).unwrap(), one);
    assert_eq!(fit.parametric_bootstrap(buyers.iter().copied(), 100, 9).unwrap(), made);
    assert_ne!(fit.bootstrap(buyers.iter().copied(), 100, 8).unwrap(), one);
    // More repeats are the same ones and more: each has its own stream.
    let more = fit.bootstrap(buyers.iter().copied(), 120, 9).unwrap();
    assert_eq!(more.replicates()[..100], *one.replicates());
    assert_eq!((one.repeats(), one.failed()), (100, 0));
}

/// A refit that starts where the fit ended finds the same maximum as one from the beginning.
#[test]
fn refits_are_fits() {
    fn check<M: Likelihood<Data = DistinctRows>>(
        buyers: &[Buyer],
        fit: impl Fn(Vec<Buyer>) -> Result<Fit<M>, FitError>,
    ) {
        let bootstrap = fit(buyers.to_vec()).unwrap().bootstrap(buyers.iter().copied(), 100, 2).unwrap();
        let data = DistinctRows::of(buyers.iter().copied()).unwrap();
        for (index, refit) in (0..).zip(bootstrap.replicates().iter().take(20)) {
            let mut drawn = Vec::new();
            for group in data.drawn_again(2, index).unwrap().groups {
                for row in &group.rows {
                    let buyer = Buyer::new(group.frequency, row.recency, row.age).unwrap();
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "whole and small"
                    )]
                    drawn.extend(std::iter::repeat_n(buyer, row.weight as usize));
                }
            }
            let again = fit(drawn).unwrap().into_model().parameters();
            for (ours, theirs) in refit.as_ref().unwrap().parameters().iter().zip(again) {
                assert!((ours / theirs - 1.0).abs() < 1e-7, "{ours} {theirs}");
            }
        }
    }
    let buyers = shop();
    check(&buyers, BgNbd::fit);
    check(&buyers, Nbd::fit);
    check(&made(&ParetoNbd::new(0.8, 5.0, 0.8, 8.0).unwrap(), 600), ParetoNbd::fit);
    check(&made(&MbgNbd::new(0.8, 5.0, 0.8, 1.6).unwrap(), 600), MbgNbd::fit);
}

#[test]
fn refits_that_fail_are_counted_and_speak_up() {
    let rows =
        [(0, 0.0, 38.0), (2, 30.0, 39.0), (1, 2.0, 37.0), (0, 0.0, 39.0), (5, 20.0, 38.0), (0, 0.0, 39.0)];
    let more = [(1, 30.0, 39.0), (9, 38.0, 39.0)];
    let buyers = rows.iter().chain(&more).map(|&(x, recency, age)| Buyer::new(x, recency, age).unwrap());
    let fit = BgNbd::fit(buyers.clone()).unwrap();
    let bootstrap = fit.bootstrap(buyers.clone(), 100, 1).unwrap();
    let failed = bootstrap.failed();
    assert_eq!(bootstrap.replicates().iter().flatten().count(), 100 - failed as usize);
    assert!(failed > 10, "{failed}");
    let refused = IntervalError::Refits { failed, repeats: 100 };
    assert_eq!(bootstrap.interval(level(), BgNbd::r), Err(refused.clone()));
    let horizon = Horizon::new(10.0).unwrap();
    assert_eq!(bootstrap.predict_total(buyers, horizon, level(), 1), Err(refused));
}

#[test]
fn a_fit_with_priors_is_not_fitted_again_without_them() {
    let buyers = shop();
    let priors = Priors::around(BgNbd::fit(buyers.iter().copied()).unwrap().model(), 0.1).unwrap();
    let fit = BgNbd::fit_with_priors(buyers.iter().copied(), &priors).unwrap();
    assert_eq!(fit.bootstrap(buyers.iter().copied(), 100, 1), Err(IntervalError::Priors));
    assert_eq!(fit.parametric_bootstrap(buyers.iter().copied(), 100, 1), Err(IntervalError::Priors));
}

#[test]
fn refuses_what_tells_nothing() {
    let buyers = shop();
    let fit = BgNbd::fit(buyers.iter().copied()).unwrap();
    let few = IntervalError::Repeats { repeats: 99, least: 100 };
    assert_eq!(fit.bootstrap(buyers.iter().copied(), 99, 1), Err(few.clone()));
    assert_eq!(fit.parametric_bootstrap(buyers.iter().copied(), 99, 1), Err(few));
    let others = IntervalError::OtherCustomers { expected: 600, found: 599 };
    assert_eq!(fit.bootstrap(buyers[1..].iter().copied(), 100, 1), Err(others.clone()));
    assert_eq!(fit.parametric_bootstrap(buyers[1..].iter().copied(), 100, 1), Err(others));
    assert_eq!(fit.bootstrap([], 100, 1), Err(IntervalError::Fit(FitError::NoCustomers)));
    let bootstrap = fit.bootstrap(buyers.iter().copied(), 100, 1).unwrap();
    for level in [Share::ZERO, Share::ONE] {
        assert_eq!(bootstrap.interval(level, BgNbd::r), Err(IntervalError::Level { level }));
    }
    let refused = bootstrap.interval(level(), |_| f64::INFINITY).unwrap_err();
    assert_eq!(refused.to_string(), "a score of inf is no number");
    let sometimes = |model: &BgNbd| if model.r() > fit.model().r() { f64::NAN } else { 1.0 };
    assert_eq!(bootstrap.interval(level(), sometimes), Err(IntervalError::Unbounded { score: 1.0 }));
    assert!(bootstrap.standard_error(sometimes).is_infinite());
}

#[test]
fn percentiles_are_moved_by_the_bias() {
    let scores: Vec<f64> = (1..=999).map(f64::from).collect();
    // Without bias, the 5 % and 95 % points.
    let (lower, upper) = bounds(&scores, 500.0, level());
    assert!((lower - 50.0).abs() < 1e-9 && (upper - 950.0).abs() < 1e-9, "{lower} {upper}");
    // With 691.46 of 999 below, the bias is half a standard deviation: Phi(1 -+ 1.6449) = 0.25948 and 0.99591.
    let (lower, upper) = bounds(&scores, 691.0, level());
    assert!((lower - 259.1).abs() < 0.5 && (upper - 995.9).abs() < 0.1, "{lower} {upper}");
    assert_eq!(bounds(&[1.0; 50], 1.0, level()), (1.0, 1.0));
    // Beyond all of them, it is as far as they go.
    assert_eq!(bounds(&scores, 1e4, level()), (999.0, 999.0));
}

#[test]
fn what_is_so_by_construction_has_no_error() {
    let buyers = shop();
    let bootstrap = BgNbd::fit(buyers.iter().copied()).unwrap().bootstrap(buyers, 100, 1).unwrap();
    let never_back = Buyer::new(0, 0.0, 30.0).unwrap();
    let p_alive = bootstrap.interval(level(), |model| model.p_alive(never_back)).unwrap();
    assert_eq!((p_alive.lower(), p_alive.upper(), p_alive.n()), (1.0, 1.0, 600));
    assert_eq!(bootstrap.standard_error(|model| model.p_alive(never_back)).to_bits(), 0.0_f64.to_bits());
}

/// Purchases and spend together, and the spend alone: errors by both ways agree.
#[test]
fn two_bootstraps_make_one_value() {
    let (truth, mut random) = (GammaGamma::new(6.25, 3.74, 15.44).unwrap(), Random::new(4));
    let buyers = made(&BgNbd::new(0.6, 4.0, 0.8, 2.5).unwrap(), 2_000);
    let spends: Vec<RepeatSpend> = buyers
        .iter()
        .map(|buyer| {
            let x = buyer.frequency();
            let scale = truth.v() / random.gamma(truth.q());
            let mean = random.gamma(truth.p() * f64::from(x.max(1))) * scale / f64::from(x.max(1));
            RepeatSpend::new(x, if x > 0 { mean } else { 0.0 }).unwrap()
        })
        .collect();
    let purchases = BgNbd::fit(buyers.iter().copied()).unwrap();
    let spend = GammaGamma::fit(spends.iter().copied()).unwrap();
    let spend = spend.fit();
    let (many, more) =
        (purchases.bootstrap(buyers, 400, 1).unwrap(), spend.bootstrap(spends, 400, 2).unwrap());
    assert_eq!((many.failed(), more.failed()), (0, 0));
    let close =
        |one: f64, other: f64, what: &str| assert!((one / other - 1.0).abs() < 0.15, "{what}: {one} {other}");
    close(more.standard_error(GammaGamma::mean_spend), spend.standard_error(GammaGamma::mean_spend), "spend");
    let (buyer, paid) = (Buyer::new(3, 20.0, 30.0).unwrap(), RepeatSpend::new(3, 40.0).unwrap());
    let value = |purchases: &BgNbd, spend: &GammaGamma| {
        let year = Horizon::new(52.0).unwrap();
        LifetimeValue::new(purchases, spend, year, Discount::NONE, Share::ONE).value(buyer, paid)
    };
    let drawn = many.interval_with(&more, level(), value).unwrap();
    let delta = purchases.interval_with(spend, level(), ScoreKind::Amount, value).unwrap();
    close(drawn.upper() - drawn.lower(), delta.upper() - delta.lower(), "value");
    assert_eq!((drawn.value(), drawn.n()), (delta.value(), 2_000));
}

/// The parametric bootstrap of a model that is true has the errors of its curvature.
#[test]
fn made_customers_tell_the_errors_of_the_curvature() {
    fn check<M: PurchaseModel + Likelihood<Data = DistinctRows>>(
        name: &str,
        truth: &M,
        fit: impl Fn(Vec<Buyer>) -> Result<Fit<M>, FitError>,
    ) {
        let buyers = made(truth, 1_000);
        let fit = fit(buyers.clone()).unwrap();
        let bootstrap = fit.parametric_bootstrap(buyers.iter().copied(), 200, 1).unwrap();
        assert!(bootstrap.failed() <= 2, "{name}: {} failed", bootstrap.failed());
        let horizon = Horizon::new(39.0).unwrap();
        let total = |model: &M| model.expected_purchases_each(buyers.iter().copied(), horizon).sum::<f64>();
        let (drawn, delta) = (bootstrap.standard_error(total), fit.standard_error(total));
        assert!((drawn / delta - 1.0).abs() < 0.25, "{name}: {drawn} {delta}");
    }
    check("NBD", &Nbd::new(0.6, 6.0).unwrap(), Nbd::fit);
    check("BG/NBD", &BgNbd::new(0.6, 4.0, 0.8, 2.5).unwrap(), BgNbd::fit);
}

#[test]
fn refits_predict_totals() {
    let buyers = shop();
    let fit = BgNbd::fit(buyers.iter().copied()).unwrap();
    let horizon = Horizon::new(39.0).unwrap();
    let bootstrap = fit.bootstrap(buyers.iter().copied(), 400, 1).unwrap();
    let drawn = bootstrap.predict_total(buyers.iter().copied(), horizon, level(), 5).unwrap();
    let normal = fit.predict_total(buyers.iter().copied(), horizon, level(), 400, 5).unwrap();
    assert!((drawn.mean() / normal.mean() - 1.0).abs() < 0.03, "{drawn}, {normal}");
    assert!(
        (drawn.standard_deviation() / normal.standard_deviation() - 1.0).abs() < 0.2,
        "{drawn}, {normal}"
    );
}
