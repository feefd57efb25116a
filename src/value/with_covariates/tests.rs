use super::*;
use crate::value::{BgNbd, Buyers, Horizon, ParetoNbd, Prior, PurchaseModel};
use proptest::prelude::*;

const FREQUENCY: [u32; 12] = [0, 2, 1, 0, 5, 0, 1, 9, 0, 4, 0, 1];
const RECENCY: [f64; 12] = [0.0, 30.0, 2.0, 0.0, 20.0, 0.0, 30.0, 38.0, 0.0, 11.0, 0.0, 4.0];
const AGE: [f64; 12] = [38.0, 39.0, 37.0, 39.0, 38.0, 39.0, 39.0, 39.0, 25.0, 31.0, 39.0, 39.0];
const WEB: [f64; 12] = [0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
const INCOME: [f64; 12] = [2.1, 3.3, 1.8, 2.1, 4.0, -1.5, 2.2, 2.9, 0.4, 2.5, 2.1, 3.1];

fn buyers() -> Buyers<'static> {
    Buyers::new(&FREQUENCY, &RECENCY, &AGE).unwrap()
}

/// Both covariates bear on buying, one of them on leaving.
fn customers() -> CovariateBuyers<'static> {
    let both = Covariates::new(&[("web", &WEB), ("income", &INCOME)]).unwrap();
    CovariateBuyers::new(buyers(), both, Covariates::new(&[("income", &INCOME)]).unwrap()).unwrap()
}

fn model<M: TakesCovariates>(parameters: [f64; 7]) -> WithCovariates<M> {
    let none =
        WithCovariates::new(M::unfitted(), &[("web", 0.0), ("income", 0.0)], &[("income", 0.0)]).unwrap();
    none.with_parameters(&parameters).unwrap()
}

fn slopes_are_the_derivatives<M: TakesCovariates + PurchaseModel>() {
    let rows = CovariateRows::of(&customers(), false).unwrap();
    for at in [[0.7, 5.0, 0.9, 12.1, 0.3, -0.2, 0.4], [3.0, 70.0, 1.2, 2.0, -1.1, 0.6, -0.3]] {
        let here = model::<M>(at).slopes(&rows);
        let sum: f64 = model::<M>(at)
            .each(&customers())
            .unwrap()
            .map(|row| row.map(|(m, b)| m.log_likelihood(b)).unwrap())
            .sum();
        assert!((here.value / sum - 1.0).abs() < 1e-14, "{} {sum}", here.value);
        for i in 0..7 {
            let step = 1e-5 * at[i].abs();
            let (mut up, mut down) = (at, at);
            up[i] += step;
            down[i] -= step;
            let (up, down) = (model::<M>(up).slopes(&rows), model::<M>(down).slopes(&rows));
            let slope = (up.value - down.value) / (2.0 * step);
            assert!(
                (slope - here.gradient[i]).abs() < 1e-6 * (1.0 + slope.abs()),
                "{i}: {slope} {:?}",
                here.gradient
            );
            for j in 0..7 {
                let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * step);
                assert!((bend - here.hessian.at(i, j)).abs() < 1e-6 * (1.0 + bend.abs()), "{i} {j}: {bend}");
            }
        }
    }
}

#[test]
fn slopes_of_pareto_nbd_are_the_derivatives() {
    slopes_are_the_derivatives::<ParetoNbd>();
}

#[test]
fn slopes_of_bg_nbd_are_the_derivatives() {
    slopes_are_the_derivatives::<BgNbd>();
}

#[test]
fn a_customer_has_a_plain_model_of_their_own() {
    let pareto = model::<ParetoNbd>([0.7, 5.0, 0.9, 12.1, 0.3, -0.2, 0.4]);
    let plain = pareto.for_customer(&[1.0, 2.0], &[3.0]).unwrap();
    let (alpha, beta) = (5.0 * libm::exp(-(0.3 - 0.4)), 12.1 * libm::exp(-0.4 * 3.0));
    assert!((plain.alpha() / alpha - 1.0).abs() < 1e-15 && (plain.beta() / beta - 1.0).abs() < 1e-15);
    assert_eq!((plain.r(), plain.s()), (0.7, 0.9));
    let bg = model::<BgNbd>([0.7, 5.0, 0.9, 12.1, 0.3, -0.2, 0.4]);
    let plain = bg.for_customer(&[1.0, 2.0], &[3.0]).unwrap();
    assert!(
        (plain.alpha() / alpha - 1.0).abs() < 1e-15 && (plain.a() / 0.9 / libm::exp(1.2) - 1.0).abs() < 1e-14
    );
    assert!((plain.b() / plain.a() / (12.1 / 0.9) - 1.0).abs() < 1e-15);
    assert_eq!(bg.for_customer(&[0.0, 0.0], &[0.0]).unwrap(), *bg.base());
    assert_eq!(pareto.transaction().collect::<Vec<_>>(), [("web", 0.3), ("income", -0.2)]);
    assert_eq!(pareto.lifetime().collect::<Vec<_>>(), [("income", 0.4)]);

    let said = |wrong: Result<ParetoNbd, ValidationError>| wrong.unwrap_err().to_string();
    assert_eq!(
        said(pareto.for_customer(&[1.0], &[3.0])),
        "covariates: must be as many as the model has coefficients, got `1`"
    );
    assert_eq!(
        said(pareto.for_customer(&[1.0, f64::NAN], &[3.0])),
        "covariate: must be finite, got `income = NaN`"
    );
    assert!(said(pareto.for_customer(&[1e9, 0.0], &[3.0])).starts_with("pareto_nbd.alpha"));
}

#[test]
fn doors_agree_to_the_last_bit() {
    let model = model::<ParetoNbd>([0.7, 5.0, 0.9, 12.1, 0.3, -0.2, 0.4]);
    let weeks = Horizon::new(39.0).unwrap();
    let mut out = [0.0; 12];
    model.score_into(&customers(), &mut out, |model, buyer| model.expected_purchases(buyer, weeks)).unwrap();
    for (row, (each, &column)) in model.each(&customers()).unwrap().zip(&out).enumerate() {
        let (plain, buyer) = each.unwrap();
        assert_eq!(plain, model.for_customer(&[WEB[row], INCOME[row]], &[INCOME[row]]).unwrap());
        assert_eq!(buyer.frequency(), FREQUENCY[row]);
        assert_eq!(plain.expected_purchases(buyer, weeks).to_bits(), column.to_bits());
    }
    let refused = model.score_into(&customers(), &mut [0.0], |_, _| 0.0).unwrap_err();
    assert_eq!(refused, ValueError::ColumnLength { column: "out", expected: 12, found: 1 });
    let web = Covariates::new(&[("web", &WEB)]).unwrap();
    let other = CovariateBuyers::new(buyers(), web.clone(), web).unwrap();
    let refused = model.score_into(&other, &mut out, |_, _| 0.0).unwrap_err();
    let (expected, found) = (vec!["web".to_owned(), "income".to_owned()], vec!["web".to_owned()]);
    assert_eq!(refused, ValueError::OtherCovariates { process: "trans", expected, found });
    let far = [1e6; 12];
    let far = Covariates::new(&[("web", &WEB), ("income", &far)]).unwrap();
    let far = CovariateBuyers::new(buyers(), far, Covariates::new(&[("income", &INCOME)]).unwrap()).unwrap();
    let refused = model.score_into(&far, &mut out, |_, _| 0.0).unwrap_err();
    assert!(matches!(refused, ValueError::Row { row: 0, .. }), "{refused:?}");
}

#[test]
fn refuses_columns_that_do_not_fit() {
    let refused = |columns: &[(&str, &[f64])]| Covariates::new(columns).unwrap_err();
    assert_eq!(
        refused(&[("a", &[1.0, 2.0]), ("b", &[1.0])]),
        ValueError::CovariateLength { covariate: "b".into(), expected: 2, found: 1 }
    );
    assert_eq!(
        refused(&[("a", &[1.0, 2.0]), ("b", &[1.0, f64::NAN])]),
        ValueError::MissingCovariate { row: 1, covariate: "b".into() }
    );
    assert_eq!(
        refused(&[("a", &[f64::NEG_INFINITY, f64::NAN])]),
        ValueError::InfiniteCovariate { row: 0, covariate: "a".into() }
    );
    assert!(matches!(refused(&[("a", &[1.0]), ("a", &[1.0])]), ValueError::CovariateName(_)));
    assert!(matches!(refused(&[("", &[1.0])]), ValueError::CovariateName(_)));
    let short = Covariates::new(&[("a", &[1.0])]).unwrap();
    let refused = CovariateBuyers::new(buyers(), Covariates::NONE, short).unwrap_err();
    assert_eq!(refused, ValueError::CovariateLength { covariate: "a".into(), expected: 12, found: 1 });
    assert!(WithCovariates::new(BgNbd::unfitted(), &[("a", f64::NAN)], &[]).is_err());
    assert!(WithCovariates::new(BgNbd::unfitted(), &[("a", 1.0), ("a", 1.0)], &[]).is_err());
}

#[test]
fn refuses_effects_that_cannot_be_told() {
    let fit = |transaction: &[(&str, &[f64])], lifetime: &[(&str, &[f64])]| {
        let (transaction, lifetime) =
            (Covariates::new(transaction).unwrap(), Covariates::new(lifetime).unwrap());
        WithCovariates::<ParetoNbd>::fit(&CovariateBuyers::new(buyers(), transaction, lifetime).unwrap())
    };
    let (same, tiny) = ([5.0; 12], WEB.map(|web| 1e6 + 1e-4 * web));
    assert_eq!(
        fit(&[("web", &WEB), ("same", &same)], &[]),
        Err(FitError::ConstantCovariate { covariate: "trans.same".into() })
    );
    assert_eq!(
        fit(&[], &[("tiny", &tiny)]),
        Err(FitError::ConstantCovariate { covariate: "life.tiny".into() })
    );
    let mix: Vec<f64> = WEB.iter().zip(INCOME).map(|(web, income)| 3.0 - 2.0 * web + 0.5 * income).collect();
    assert_eq!(
        fit(&[], &[("web", &WEB), ("income", &INCOME), ("mix", &mix)]),
        Err(FitError::CollinearCovariate { covariate: "life.mix".into() })
    );
    let huge = INCOME.map(|income| income * 1e300);
    assert_eq!(
        fit(&[("income", &INCOME), ("huge", &huge)], &[]),
        Err(FitError::CollinearCovariate { covariate: "trans.huge".into() })
    );
    let own = (0..12).map(|row| f64::from(u8::from(row == 3))).collect::<Vec<_>>();
    let refused = fit(&[("own", &own)], &[]).unwrap_err();
    assert!(
        matches!(&refused, FitError::Boundary { parameter, .. } if parameter == "trans.own"),
        "{refused:?}"
    );
}

/// A covariate that tells those who never come back from all others has no largest effect, but a prior has a say.
#[test]
fn perfect_separation_is_said() {
    let mut rows = crate::value::sample::customers(1, 400, 0.3, 1.0, 0.05);
    rows.extend((0..60).map(|row| Buyer::new(0, 0.0, 30.0 + f64::from(row % 5)).unwrap()));
    let (frequency, recency, age) = columns(&rows);
    let gone: Vec<f64> = (0..460).map(|row| f64::from(u8::from(row >= 400))).collect();
    let here: Vec<f64> = gone.iter().map(|gone| 1.0 - gone).collect();
    let all = Buyers::new(&frequency, &recency, &age).unwrap();
    for (name, column) in [("gone", &gone), ("here", &here)] {
        let covariates = Covariates::new(&[(name, column)]).unwrap();
        let customers = CovariateBuyers::new(all, covariates, Covariates::NONE).unwrap();
        let refused = WithCovariates::<ParetoNbd>::fit(&customers).unwrap_err();
        let named = format!("trans.{name}");
        assert!(
            matches!(&refused, FitError::Boundary { parameter, .. } if *parameter == named),
            "{refused:?}"
        );
        let refused = WithCovariates::<BgNbd>::fit(&customers).unwrap_err();
        assert!(
            matches!(&refused, FitError::Boundary { parameter, .. } if *parameter == named),
            "{refused:?}"
        );
        let priors = Priors::NONE.with("trans", Prior::normal(0.0, 2.0).unwrap());
        let fit = WithCovariates::<ParetoNbd>::fit_with_priors(&customers, &priors).unwrap();
        let effect = &fit.parameters()[4];
        assert!(
            (2.0..8.0).contains(&effect.value.abs()) && (effect.value > 0.0) == (name == "here"),
            "{effect:?}"
        );
    }
    // With a prior of each coefficient, columns that say nothing are no error: their effect is what the prior says.
    let same = vec![3.0; 460];
    let covariates = Covariates::new(&[("same", &same), ("gone", &gone), ("here", &here)]).unwrap();
    let customers = CovariateBuyers::new(all, covariates, Covariates::NONE).unwrap();
    let priors = Priors::NONE.with("trans", Prior::normal(0.0, 2.0).unwrap());
    let fit = WithCovariates::<ParetoNbd>::fit_with_priors(&customers, &priors).unwrap();
    let (gone, here) = (&fit.parameters()[5], &fit.parameters()[6]);
    assert!((gone.value + here.value).abs() < 1e-9 && here.value > 0.5, "{gone:?} {here:?}");
}

fn columns(rows: &[Buyer]) -> (Vec<u32>, Vec<f64>, Vec<f64>) {
    let frequency = rows.iter().map(|row| row.frequency()).collect();
    let recency = rows.iter().map(|row| row.recency()).collect();
    (frequency, recency, rows.iter().map(|row| row.age()).collect())
}

fn many() -> (Vec<u32>, Vec<f64>, Vec<f64>, Vec<f64>) {
    let (frequency, recency, age) = columns(&crate::value::sample::customers(1, 400, 0.3, 1.0, 0.05));
    let covariate = (0..400_u32).map(|i| f64::from((i * 37 + i % 7) % 50) / 10.0).collect();
    (frequency, recency, age, covariate)
}

#[test]
fn order_of_rows_changes_no_bit_and_units_only_what_they_measure() {
    let (frequency, recency, age, covariate) = many();
    let fit = |order: &dyn Fn(usize) -> usize, unit: f64, shift: f64| {
        let pick = |column: &[f64]| (0..400).map(|row| column[order(row)]).collect::<Vec<_>>();
        let frequency: Vec<u32> = (0..400).map(|row| frequency[order(row)]).collect();
        let (recency, age) = (pick(&recency), pick(&age));
        let covariate: Vec<f64> = pick(&covariate).iter().map(|value| value * unit + shift).collect();
        let columns = Covariates::new(&[("x", &covariate)]).unwrap();
        let all = Buyers::new(&frequency, &recency, &age).unwrap();
        WithCovariates::<ParetoNbd>::fit(&CovariateBuyers::new(all, columns.clone(), columns).unwrap())
            .unwrap()
    };
    let plain = fit(&|row| row, 1.0, 0.0);
    assert_eq!(fit(&|row| (row * 7) % 400, 1.0, 0.0), plain);
    let close = |ours: f64, theirs: f64| assert!((ours / theirs - 1.0).abs() < 1e-8, "{ours} {theirs}");
    let cents = fit(&|row| row, 1e6, 0.0);
    close(cents.parameters()[4].value * 1e6, plain.parameters()[4].value);
    close(cents.parameters()[5].standard_error * 1e6, plain.parameters()[5].standard_error);
    close(cents.model().base().beta(), plain.model().base().beta());
    close(cents.log_likelihood(), plain.log_likelihood());
    // As if another customer were the one whose covariates are 0.
    let shifted = fit(&|row| row, 1.0, -20.0);
    close(shifted.parameters()[5].value, plain.parameters()[5].value);
    let other = plain.for_another();
    close(shifted.model().base().alpha(), other.alpha());
    close(shifted.model().base().beta(), other.beta());
    close(shifted.log_likelihood(), plain.log_likelihood());
    // A score rests on coefficients too.
    let error = plain.standard_error(|model| model.transaction().map(|(_, value)| value).sum());
    close(error, plain.parameters()[4].standard_error);
}

impl Fit<WithCovariates<ParetoNbd>> {
    fn for_another(&self) -> ParetoNbd {
        self.model().for_customer(&[20.0], &[20.0]).unwrap()
    }
}

#[test]
fn no_covariates_are_the_plain_model() {
    let (frequency, recency, age, _) = many();
    let all = Buyers::new(&frequency, &recency, &age).unwrap();
    let plain = ParetoNbd::fit(all.iter()).unwrap();
    let customers = CovariateBuyers::new(all, Covariates::NONE, Covariates::NONE).unwrap();
    let fit = WithCovariates::<ParetoNbd>::fit(&customers).unwrap();
    assert!((fit.log_likelihood() / plain.log_likelihood() - 1.0).abs() < 1e-14);
    for (ours, theirs) in fit.parameters().iter().zip(plain.parameters()) {
        assert!(
            (ours.value / theirs.value - 1.0).abs() < 1e-9 && ours.name == theirs.name,
            "{ours:?} {theirs:?}"
        );
        assert!((ours.standard_error / theirs.standard_error - 1.0).abs() < 1e-9);
    }
    assert_eq!(fit.model().for_customer(&[], &[]).unwrap(), *fit.model().base());
}

#[test]
fn is_written_and_read() {
    let model = model::<BgNbd>([0.7, 5.0, 0.9, 12.5, 0.25, -0.5, 0.75]);
    let text = serde_json::to_string(&model).unwrap();
    let saved = r#"{"base":{"r":0.7,"alpha":5.0,"a":0.9,"b":12.5},"transaction":[{"covariate":"web","value":0.25},{"covariate":"income","value":-0.5}],"lifetime":[{"covariate":"income","value":0.75}]}"#;
    assert_eq!(text, saved);
    assert_eq!(serde_json::from_str::<WithCovariates<BgNbd>>(&text).unwrap(), model);
    for (from, to) in [("0.9", "-0.9"), ("\"web\"", "\"\""), ("\"web\"", "\"income\"")] {
        assert!(serde_json::from_str::<WithCovariates<BgNbd>>(&text.replacen(from, to, 1)).is_err(), "{to}");
    }
}

proptest! {
    #[test]
    fn no_finite_covariate_gives_nan(value in -1e308..1e308_f64, coefficient in -1e3..1e3_f64, near in -5.0..5.0_f64) {
        let base = ParetoNbd::new(0.7, 5.0, 0.9, 12.1).unwrap();
        let model = WithCovariates::new(base, &[("x", coefficient)], &[("x", coefficient), ("y", -coefficient)]).unwrap();
        let row = Buyer::new(3, 20.0, 30.0).unwrap();
        if let Ok(plain) = model.for_customer(&[value], &[value, value]) {
            prop_assert!((0.0..=1.0).contains(&plain.p_alive(row)) && plain.log_likelihood(row).is_finite());
        }
        let small = WithCovariates::new(base, &[("x", near)], &[("x", near)]).unwrap();
        let plain = small.for_customer(&[near], &[-near]).unwrap();
        prop_assert!((0.0..=1.0).contains(&plain.p_alive(row)) && plain.log_likelihood(row).is_finite());
    }
}
