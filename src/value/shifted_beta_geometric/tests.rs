#![expect(clippy::float_cmp, reason = "these are exact")]

use super::*;
use crate::value::{Contracts, Discount, TimeUnit};
use proptest::prelude::*;

/// Survivors of 1,000 subscribers after 0 to 7 renewals: Table 1 of Fader and Hardie (2007).
pub(crate) const HIGH_END: [u64; 8] = [1000, 869, 743, 653, 593, 551, 517, 491];
pub(crate) const REGULAR: [u64; 8] = [1000, 631, 468, 382, 326, 289, 262, 241];

pub(crate) fn table(survivors: &[u64]) -> ContractTable {
    let mut table = ContractTable::new();
    table.push_survivors(survivors).unwrap();
    table
}

pub(crate) fn close(ours: f64, truth: f64, relative: f64) {
    assert!((ours - truth).abs() <= relative * truth.abs(), "{ours} instead of {truth}");
}

fn model(alpha: f64, beta: f64) -> ShiftedBetaGeometric {
    ShiftedBetaGeometric::new(alpha, beta).unwrap()
}

fn per_year(rate: f64) -> Discount {
    Discount::of(rate, TimeUnit::YEAR, TimeUnit::YEAR).unwrap()
}

/// Fits of mpmath with 40 digits; the paper has .668, 3.806 and .704, 1.182.
#[test]
fn subscribers_of_fader_and_hardie() {
    for (survivors, optimum, log_likelihood) in [
        (
            HIGH_END,
            [(0.668_088_351_106_446, 0.103_734_931_1), (3.806_094_964_058_27, 0.785_531_691_8)],
            -1_611.158_147_391_156_4,
        ),
        (
            REGULAR,
            [(0.704_077_298_473_516, 0.065_598_964_23), (1.182_043_026_209_48, 0.152_475_631_7)],
            -1_680.265_188_463_287,
        ),
    ] {
        let table = table(&survivors);
        let fit = ShiftedBetaGeometric::fit_table(&table).unwrap();
        for (parameter, (value, standard_error)) in fit.parameters().iter().zip(optimum) {
            close(parameter.value, value, 1e-11);
            close(parameter.standard_error, standard_error, 1e-8);
        }
        close(fit.log_likelihood(), log_likelihood, 1e-14);
        assert_eq!((fit.customers(), fit.diagnostics().starts), (1000, 1));
        close(fit.standard_error(ShiftedBetaGeometric::beta), optimum[1].1, 1e-7);

        // One by one, in another order.
        let contracts: Vec<Contract> = (0..7)
            .rev()
            .flat_map(|n| {
                let lost = usize::try_from(table.lost(n)).unwrap();
                std::iter::repeat_n(Contract::ended(n), lost)
            })
            .chain(std::iter::repeat_n(Contract::running(7), usize::try_from(survivors[7]).unwrap()))
            .collect();
        assert_eq!(ShiftedBetaGeometric::fit(contracts.iter().copied()).unwrap(), fit);
        let sum: f64 = fit.model().log_likelihood_each(contracts).sum();
        close(sum, fit.log_likelihood(), 1e-12);
    }
}

/// At fixed parameters with a high-precision oracle; Fader and Hardie (2010) have 3.31, 3.45, 3.59, 3.72, 3.84.
#[test]
fn individual_values() {
    let high_end = model(0.668, 3.806);
    let survival = [
        1.0, 0.850_693, 0.746_882, 0.669_817, 0.609_951, 0.561_869, 0.522_252, 0.488_945, 0.460_479,
        0.435_82, 0.414_213, 0.395_096, 0.378_04,
    ];
    for (renewals, truth) in (0..).zip(survival) {
        assert!((high_end.survival(renewals) - truth).abs() < 5.01e-7, "{renewals}");
    }
    let alike = model(3.80, 15.20);
    let derl = [3.309_818_42, 3.451_000_33, 3.586_543_66, 3.716_811_54, 3.842_134_02, 3.962_812_02];
    for (renewals, truth) in (0..).zip(derl) {
        let contract = Contract::running(renewals);
        close(alike.discounted_residual_lifetime(contract, per_year(0.10)), truth, 2e-9);
    }
    close(alike.discounted_lifetime(per_year(0.10)), 1.0 + 3.309_818_42 / 1.1, 2e-9);
    // (alpha + beta - 1) / (alpha - 1), and the same of those who are left.
    close(alike.expected_lifetime(), 18.0 / 2.8, 1e-14);
    close(alike.expected_residual_lifetime(Contract::running(4)), 19.2 / 2.8, 1e-14);
    assert!(high_end.expected_lifetime().is_infinite());
}

#[test]
fn slopes_are_the_derivatives() {
    let mut table = table(&HIGH_END);
    table.push_survivors(&[70, 30]).unwrap();
    table.push_many(Contract::running(400), 3);
    let at = [0.7, 5.0];
    let here = model(at[0], at[1]).slopes(&table);
    for i in 0..2 {
        let step = 1e-5 * at[i];
        let (mut up, mut down) = (at, at);
        up[i] += step;
        down[i] -= step;
        let (up, down) = (model(up[0], up[1]).slopes(&table), model(down[0], down[1]).slopes(&table));
        let slope = (up.value - down.value) / (2.0 * step);
        assert!((slope - here.gradient[i]).abs() < 1e-8 * (1.0 + slope.abs()), "{i}: {slope}");
        for j in 0..2 {
            let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * step);
            assert!((bend - here.hessian.at(i, j)).abs() < 1e-8 * (1.0 + bend.abs()), "{i} {j}: {bend}");
        }
    }
}

#[test]
fn refuses_what_tells_nothing() {
    let fit = ShiftedBetaGeometric::fit_table;
    assert_eq!(ShiftedBetaGeometric::fit([]).unwrap_err(), FitError::NoCustomers);
    assert_eq!(fit(&table(&[50, 50, 50])).unwrap_err(), FitError::NobodyLeft { customers: 50 });
    assert_eq!(fit(&table(&[50])).unwrap_err(), FitError::NobodyLeft { customers: 50 });
    let one = ShiftedBetaGeometric::fit([Contract::ended(3)]).unwrap_err();
    assert_eq!(one, FitError::AllTheSame { customers: 1 });
    assert_eq!(fit(&table(&[50, 0])).unwrap_err(), FitError::AllTheSame { customers: 50 });
    assert_eq!(fit(&table(&[50, 50, 0])).unwrap_err(), FitError::AllTheSame { customers: 50 });
    // Everybody is lost in the first period but those who have just come.
    let mut first = table(&[50, 0]);
    first.push_many(Contract::NEW, 10);
    let refused = fit(&first).unwrap_err();
    assert!(matches!(&refused, FitError::Boundary { parameter, .. } if parameter == "beta"), "{refused:?}");
    // One renewal tells one number, two tell both, and a constant share of losses that nobody differs.
    let FitError::NotIdentified { diagnostics } = fit(&table(&[1000, 800])).unwrap_err() else { panic!() };
    assert!(diagnostics.gradient_norm < 1e-9 && diagnostics.condition > 1e13, "{diagnostics:?}");
    let exact = fit(&table(&[1000, 800, 700])).unwrap();
    close(exact.model().alpha(), 1.0 / 3.0, 1e-10);
    close(exact.model().beta(), 4.0 / 3.0, 1e-10);
    let alike = fit(&table(&[1000, 500, 250, 125])).unwrap_err();
    let FitError::Boundary { diagnostics, .. } = alike else { panic!("{alike:?}") };
    assert!(diagnostics.iterations > 0 && diagnostics.starts == 4, "{diagnostics:?}");
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e31] {
        assert!(
            ShiftedBetaGeometric::new(wrong, 1.0).is_err() && ShiftedBetaGeometric::new(1.0, wrong).is_err()
        );
    }
    let text = serde_json::to_string(&model(1.5, 2.0)).unwrap();
    assert_eq!(serde_json::from_str::<ShiftedBetaGeometric>(&text).unwrap(), model(1.5, 2.0));
    assert!(serde_json::from_str::<ShiftedBetaGeometric>(&text.replace("1.5", "0.0")).is_err());
}

fn power_of_ten(ln: f64) -> f64 {
    10_f64.powf(ln)
}

proptest! {
    #[test]
    fn answers_are_what_they_may_be(
        alpha in -4.0_f64..4.0, beta in -4.0_f64..4.0, n in 0_u32..3000, m in 1_u32..200, rate in 1e-6_f64..2.0,
    ) {
        let model = model(power_of_ten(alpha), power_of_ten(beta));
        let (now, later) = (model.survival(n), model.survival(n + 1));
        prop_assert!(later <= now && now <= 1.0 && later >= 0.0);
        prop_assert!(model.retention_rate(n) <= model.retention_rate(n + 1), "retention rises");
        let contract = Contract::running(n);
        prop_assert!(model.log_likelihood(contract) <= 0.0 && model.log_likelihood(Contract::ended(n)) < 0.0);
        let lost: f64 = (0..n + m).map(|count| model.p_renewals(count)).sum();
        prop_assert!((lost + model.survival(n + m) - 1.0).abs() < 1e-11, "{}", lost);
        let curve: Vec<f64> = (1..=m).map(|further| model.p_still_customer(contract, further)).collect();
        prop_assert!(curve.windows(2).all(|pair| pair[1] <= pair[0]));
        let sum: f64 = curve.iter().sum();
        let expected = model.expected_renewals(contract, m);
        prop_assert!((expected / sum - 1.0).abs() < 1e-11, "{} {}", expected, sum);
        let discount = Discount::try_from(rate).unwrap();
        let residual = model.discounted_residual_lifetime(contract, discount);
        let next = model.discounted_residual_lifetime(Contract::running(n + 1), discount);
        let stepped = model.retention_rate(n) * (1.0 + (-rate).exp() * next);
        prop_assert!((residual / stepped - 1.0).abs() < 1e-10, "{} {}", residual, stepped);
        prop_assert!(model.expected_residual_lifetime(contract) >= residual * (1.0 - 1e-11));
    }

    #[test]
    fn extremes_stay_numbers(
        alpha in -30.0_f64..30.0, beta in -30.0_f64..30.0, n in any::<u32>(), m in any::<u32>(), rate in 0.0_f64..1e30,
    ) {
        let model = model(power_of_ten(alpha), power_of_ten(beta));
        let contract = Contract::running(n);
        for p in [model.survival(n), model.retention_rate(n), model.p_renewals(n), model.p_still_customer(contract, m)] {
            prop_assert!((0.0..=1.0).contains(&p), "{}", p);
        }
        prop_assert!(model.log_likelihood(contract).is_finite() && model.log_likelihood(Contract::ended(n)).is_finite());
        prop_assert!(model.expected_renewals(contract, m) <= f64::from(m) * (1.0 + 1e-13));
        for discount in [Discount::NONE, Discount::try_from(rate).unwrap()] {
            prop_assert!(model.discounted_residual_lifetime(contract, discount) >= 0.0);
            prop_assert!(model.discounted_lifetime(discount) >= 1.0);
        }
    }

    #[test]
    fn three_doors_agree(
        rows in prop::collection::vec((0_u32..300, any::<bool>()), 0..400), m in 0_u32..9, rate in 0.0_f64..1.0,
    ) {
        let model = model(0.7, 3.0);
        let discount = Discount::try_from(rate).unwrap();
        let (renewals, ended): (Vec<u32>, Vec<bool>) = rows.into_iter().unzip();
        let columns = Contracts::new(&renewals, &ended).unwrap();
        let mut out = vec![0.0; renewals.len()];
        model.p_still_customer_into(columns, m, &mut out).unwrap();
        prop_assert!(out.iter().copied().eq(model.p_still_customer_each(columns.iter(), m)));
        model.discounted_residual_lifetime_into(columns, discount, &mut out).unwrap();
        prop_assert!(out.iter().copied().eq(model.discounted_residual_lifetime_each(columns.iter(), discount)));
        for (contract, value) in columns.iter().zip(&out) {
            prop_assert_eq!(model.discounted_residual_lifetime(contract, discount), *value);
            prop_assert!(!contract.is_ended() || *value == 0.0);
        }
        prop_assert!(model.log_likelihood_into(columns, &mut vec![0.0; renewals.len() + 1]).is_err());
    }
}
