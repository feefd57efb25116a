#![expect(clippy::float_cmp, reason = "these are exact")]

use super::*;
use crate::value::{BgNbd, Buyer, GammaGamma, Nbd, ParetoNbd, RepeatSpend, WithCovariates};

fn all() -> Vec<(Prior, Scale)> {
    vec![
        (Prior::log_normal(2.0, 0.5).unwrap(), Scale::Logarithm),
        (Prior::gamma(3.0, 1.5).unwrap(), Scale::Logarithm),
        (Prior::normal(0.8, 0.7).unwrap(), Scale::Logarithm),
        (Prior::normal(0.0, 1.3).unwrap(), Scale::Logarithm),
        (Prior::normal(-0.8, 0.7).unwrap(), Scale::Linear),
    ]
}

#[test]
fn densities_are_densities_and_their_slopes_derivatives() {
    for (prior, scale) in all() {
        let density = prior.of(scale, 9.0).unwrap();
        let low = if scale == Scale::Linear { -12.0 } else { 0.0 };
        // The midpoint rule.
        let width = 1e-3;
        let sum: f64 = (0..40_000).map(|i| density.slopes(low + width * (f64::from(i) + 0.5))[0].exp()).sum();
        assert!((sum * width - 1.0).abs() < 1e-6, "{prior:?}: {}", sum * width);
        for at in [0.1, 0.9, 3.0] {
            let step = 1e-5;
            let [_, slope, bend] = density.slopes(at);
            let (up, down) = (density.slopes(at + step), density.slopes(at - step));
            assert!(
                ((up[0] - down[0]) / (2.0 * step) - slope).abs() < 1e-6 * (1.0 + slope.abs()),
                "{prior:?} {at}"
            );
            assert!(
                ((up[1] - down[1]) / (2.0 * step) - bend).abs() < 1e-6 * (1.0 + bend.abs()),
                "{prior:?} {at}"
            );
        }
    }
    // The penalty of 9 customers.
    assert_eq!(Prior::l2(0.5).unwrap().of(Scale::Linear, 9.0).unwrap().slopes(-2.0), [-18.0, 18.0, -9.0]);
    assert_eq!(Prior::l2(0.0).unwrap().of(Scale::Linear, 9.0).unwrap().slopes(-2.0), [0.0, 0.0, 0.0]);
}

#[test]
fn refuses_what_is_no_prior() {
    for wrong in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e31] {
        assert!(Prior::log_normal(wrong, 1.0).is_err() && Prior::log_normal(1.0, wrong).is_err());
        assert!(Prior::gamma(wrong, 1.0).is_err() && Prior::gamma(1.0, wrong).is_err());
        assert!(
            Prior::normal(0.0, wrong).is_err() && (wrong.abs() < 2.0 || Prior::normal(wrong, 1.0).is_err())
        );
        assert!(wrong == 0.0 || Prior::l2(wrong).is_err());
    }
    let buyers = [Buyer::new(2, 30.0, 39.0).unwrap(), Buyer::new(0, 0.0, 39.0).unwrap()];
    let unknown = Priors::NONE.with("beta", Prior::l2(1.0).unwrap());
    assert_eq!(
        BgNbd::fit_with_priors(buyers, &unknown),
        Err(FitError::UnknownParameter { parameter: "beta".into() })
    );
    let negative = Priors::NONE.with("a", Prior::normal(-1.0, 1.0).unwrap());
    let refused = BgNbd::fit_with_priors(buyers, &negative).unwrap_err();
    assert!(matches!(&refused, FitError::Prior { parameter, .. } if parameter == "a"), "{refused:?}");
    // Coefficients may be negative.
    let model =
        WithCovariates::new(ParetoNbd::new(1.0, 1.0, 1.0, 1.0).unwrap(), &[("web", 0.0)], &[]).unwrap();
    let positive = Priors::NONE.with("trans.web", Prior::gamma(1.0, 1.0).unwrap());
    assert!(matches!(positive.of(&model, 9), Err(FitError::Prior { .. })));
    assert!(matches!(
        Priors::NONE.with("life", Prior::l2(1.0).unwrap()).of(&model, 9),
        Err(FitError::UnknownParameter { .. })
    ));
}

#[test]
fn names_stand_for_parameters_and_for_all_of_a_process() {
    let model = WithCovariates::new(
        ParetoNbd::new(1.0, 1.0, 1.0, 1.0).unwrap(),
        &[("web", 0.0), ("age", 0.0)],
        &[("web", 0.0)],
    );
    let (weak, strong) = (Prior::l2(1.0).unwrap(), Prior::l2(4.0).unwrap());
    let priors = Priors::NONE.with("trans", weak).with("trans.age", weak).with("trans.age", strong);
    let found = priors.of(&model.unwrap(), 1).unwrap();
    let weight = |density: &Option<Density>| density.map(|density| density.slopes(1.0)[2]);
    assert_eq!(
        found.iter().map(weight).collect::<Vec<_>>(),
        [None, None, None, None, Some(-2.0), Some(-8.0), None]
    );
    assert!(priors.has("trans.web") && !priors.has("life.web") && !priors.say_all::<ParetoNbd>());
    let around = Priors::around(&Nbd::new(0.5, 10.0).unwrap(), 1.0).unwrap();
    assert!(around.say_all::<Nbd>() && !around.is_empty() && Priors::NONE.is_empty());
}

/// Where the data have no say at all, the top of the posterior is that of the prior.
#[test]
fn the_mode_of_a_prior_comes_out() {
    let new = [Buyer::NEW; 3];
    assert!(matches!(BgNbd::fit(new), Err(FitError::NoRepeatPurchases { customers: 3 })));
    let priors = Priors::NONE
        .with("r", Prior::gamma(3.0, 2.0).unwrap())
        .with("alpha", Prior::log_normal(1e6, 0.5).unwrap())
        .with("a", Prior::normal(0.7, 0.1).unwrap())
        .with("b", Prior::gamma(5.0, 1.0).unwrap());
    let fit = BgNbd::fit_with_priors(new, &priors).unwrap();
    let modes = [1.0, 1e6 * (-0.25_f64).exp(), 0.7, 4.0];
    for (parameter, mode) in fit.parameters().iter().zip(modes) {
        assert!((parameter.value / mode - 1.0).abs() < 1e-12, "{parameter:?} {mode}");
    }
    // Their spread is that of the normal with the same curvature.
    let errors = [1.0 / 2.0_f64.sqrt(), 0.5 * modes[1], 0.1, 2.0];
    for (parameter, error) in fit.parameters().iter().zip(errors) {
        assert!((parameter.standard_error / error - 1.0).abs() < 1e-12, "{parameter:?} {error}");
    }
    assert_eq!(fit.log_likelihood(), 0.0);
    let top = 2.0 * 2.0_f64.ln() - 2.0 + 2.0_f64.ln() - 2.0_f64.ln();
    let parts = [
        top,
        -0.5 * 0.25 + 0.25 - (1e6 * 0.5_f64).ln() - HALF_LN_TAU,
        -0.1_f64.ln() - HALF_LN_TAU,
        4.0 * 4.0_f64.ln() - 4.0 - 24.0_f64.ln(),
    ];
    assert!((fit.log_prior() - parts.iter().sum::<f64>()).abs() < 1e-11, "{} {parts:?}", fit.log_prior());
    assert!((fit.aic() - 8.0).abs() < 1e-12);
}

#[test]
fn no_priors_change_no_bit_and_weak_ones_little() {
    let buyers = crate::value::sample::customers(1, 400, 0.3, 1.0, 0.05);
    let plain = ParetoNbd::fit(buyers.iter().copied()).unwrap();
    assert_eq!(ParetoNbd::fit_with_priors(buyers.iter().copied(), &Priors::NONE).unwrap(), plain);
    let weak = Priors::around(&ParetoNbd::new(1.0, 1.0, 1.0, 1.0).unwrap(), 1e6).unwrap();
    let fit = ParetoNbd::fit_with_priors(buyers.iter().copied(), &weak).unwrap();
    for (weak, plain) in fit.parameters().iter().zip(plain.parameters()) {
        // A flat prior of the logarithm is not flat in the parameter.
        assert!((weak.value - plain.value).abs() < plain.standard_error, "{weak:?} {plain:?}");
    }
    assert!(fit.log_likelihood() < plain.log_likelihood());
    let strong = Priors::around(&ParetoNbd::new(0.6, 12.0, 0.3, 40.0).unwrap(), 1e-4).unwrap();
    let fit = ParetoNbd::fit_with_priors(buyers.iter().copied(), &strong).unwrap();
    for (parameter, known) in fit.parameters().iter().zip([0.6, 12.0, 0.3, 40.0]) {
        assert!((parameter.value / known - 1.0).abs() < 1e-5, "{parameter:?}");
        assert!((parameter.standard_error / known / 1e-4 - 1.0).abs() < 1e-3, "{parameter:?}");
    }
}

#[test]
fn priors_answer_where_the_data_alone_do_not() {
    let same = [Buyer::new(3, 30.0, 39.0).unwrap(); 20];
    assert_eq!(ParetoNbd::fit(same), Err(FitError::AllTheSame { customers: 20 }));
    let model = ParetoNbd::new(0.5, 10.0, 0.6, 12.0).unwrap();
    let priors = Priors::around(&model, 0.3).unwrap();
    let fit = ParetoNbd::fit_with_priors(same, &priors).unwrap();
    assert!(fit.model().r() > 0.5 && fit.model().r() / fit.model().alpha() > 0.05, "{fit:?}");
    assert!(matches!(ParetoNbd::fit_with_priors([], &priors), Err(FitError::NoCustomers)));
    // A prior of one parameter only is no answer for the others.
    let one = Priors::NONE.with("r", Prior::gamma(2.0, 2.0).unwrap());
    assert_eq!(ParetoNbd::fit_with_priors(same, &one), Err(FitError::AllTheSame { customers: 20 }));

    let spend = [RepeatSpend::new(2, 50.0).unwrap(); 5];
    let model = GammaGamma::new(6.0, 3.5, 15.0).unwrap();
    let found = GammaGamma::fit_with_priors(spend, &Priors::around(&model, 0.3).unwrap()).unwrap();
    assert!(found.model().mean_spend() > model.mean_spend() && found.correlation().is_none());
    // Up to the edge, where no mean exists, a prior does not lead.
    let over = Priors::around(&model, 0.3).unwrap().with("q", Prior::log_normal(0.1, 0.01).unwrap());
    let refused = GammaGamma::fit_with_priors(spend, &over).unwrap_err();
    assert!(matches!(&refused, FitError::Boundary { parameter, .. } if parameter == "q"), "{refused:?}");
}
