#![expect(clippy::float_cmp, reason = "these are exact")]

use super::*;
use crate::value::shifted_beta_geometric::tests::{HIGH_END, REGULAR, close, table};
use crate::value::{Discount, ShiftedBetaGeometric, TimeUnit};
use proptest::prelude::*;

fn many(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn model(alpha: f64, beta: f64, c: f64) -> BetaDiscreteWeibull {
    BetaDiscreteWeibull::new(alpha, beta, c).unwrap()
}

/// Fits of mpmath with 40 digits.
#[test]
fn subscribers_of_fader_and_hardie() {
    for (survivors, optimum, log_likelihood) in [
        (
            &HIGH_END[..],
            [
                (0.214_253_339_280_85, 0.059_579_706_44),
                (1.426_574_874_860_08, 0.381_408_614_7),
                (1.723_564_848_744_53, 0.301_043_281_7),
            ],
            -1_605.314_213_214_193_2,
        ),
        (
            &REGULAR,
            [
                (0.455_613_989_371_638, 0.167_041_427_5),
                (0.779_325_508_387_956, 0.282_709_917_4),
                (1.283_451_285_783_29, 0.298_095_071_2),
            ],
            -1_679.602_832_907_178_3,
        ),
        // Four years; Fader, Hardie et al. (2018) have .259, 1.722, 1.584.
        (
            &HIGH_END[..5],
            [
                (0.259_335_731_511, 0.120_169_291),
                (1.722_551_488_09, 0.776_941_644_1),
                (1.584_361_515_02, 0.353_023_297),
            ],
            -1_222.749_318_240_82,
        ),
    ] {
        let fit = BetaDiscreteWeibull::fit_table(&table(survivors)).unwrap();
        for (parameter, (value, standard_error)) in fit.parameters().iter().zip(optimum) {
            close(parameter.value, value, 1e-9);
            close(parameter.standard_error, standard_error, 1e-7);
        }
        close(fit.log_likelihood(), log_likelihood, 1e-13);
        assert!(fit.diagnostics().gradient_norm < 1e-7, "{:?}", fit.diagnostics());
    }
}

/// Sums of mpmath with 30 digits at harsh but legal parameters (Euler and Maclaurin's for those without end, and 2F1 for
/// c = 1).
#[test]
fn agrees_with_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/contracts.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let (mut rows, mut worst, mut worst_sum) = (0, 0.0_f64, 0.0_f64);
    for line in text.lines().skip(1) {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let whole = |index: usize| -> u32 { line.split(',').nth(index).unwrap().parse().unwrap() };
        let model = model(cells[0], cells[1], cells[2]);
        let (contract, m) = (Contract::running(whole(3)), whole(4));
        let discount = Discount::of(cells[5], TimeUnit::YEAR, TimeUnit::YEAR).unwrap();
        let ours = [
            model.log_likelihood(contract),
            model.retention_rate(contract.renewals()),
            model.p_still_customer(contract, m),
            model.expected_renewals(contract, m),
            model.discounted_residual_lifetime(contract, discount),
            model.expected_residual_lifetime(contract),
        ];
        for (column, (ours, &truth)) in ours.into_iter().zip(&cells[6..]).enumerate() {
            if truth == -1.0 || ours == truth {
                continue;
            }
            let error = (ours / truth - 1.0).abs();
            assert!(error < 1e-9, "{line}: column {column} is {ours} instead of {truth}");
            if column < 3 { worst = worst.max(error) } else { worst_sum = worst_sum.max(error) }
        }
        rows += 1;
    }
    assert!(rows == 127 && worst < 1e-13 && worst_sum < 1e-10, "{worst} {worst_sum}");
}

#[test]
fn slopes_are_the_derivatives() {
    let mut table = table(&HIGH_END);
    table.push_survivors(&[70, 30]).unwrap();
    table.push_many(Contract::running(400), 3);
    table.push_many(Contract::ended(250), 2);
    for at in [[0.7, 5.0, 1.0], [0.3, 1.0, 1.7], [3.0, 40.0, 0.6]] {
        let of = |p: [f64; 3]| model(p[0], p[1], p[2]);
        let here = of(at).slopes(&table);
        let all = table.rows().flat_map(|(n, counts)| {
            [(Contract::ended(n), counts.ended), (Contract::running(n), counts.running)]
        });
        let sum: f64 = all.map(|(contract, count)| many(count) * of(at).log_likelihood(contract)).sum();
        close(here.value, sum, 1e-13);
        for i in 0..3 {
            let step = 1e-5 * at[i];
            let (mut up, mut down) = (at, at);
            up[i] += step;
            down[i] -= step;
            let (up, down) = (of(up).slopes(&table), of(down).slopes(&table));
            let slope = (up.value - down.value) / (2.0 * step);
            assert!((slope - here.gradient[i]).abs() < 1e-7 * (1.0 + slope.abs()), "{i}: {slope}");
            for j in 0..3 {
                let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * step);
                assert!((bend - here.hessian.at(i, j)).abs() < 1e-7 * (1.0 + bend.abs()), "{i} {j}: {bend}");
            }
        }
    }
}

#[test]
fn refuses_what_tells_nothing() {
    let fit = BetaDiscreteWeibull::fit_table;
    assert_eq!(BetaDiscreteWeibull::fit([]).unwrap_err(), FitError::NoCustomers);
    assert_eq!(fit(&table(&[50, 50])).unwrap_err(), FitError::NobodyLeft { customers: 50 });
    let one = BetaDiscreteWeibull::fit([Contract::ended(0)]).unwrap_err();
    assert_eq!(one, FitError::AllTheSame { customers: 1 });
    // Two renewals do not tell three parameters, nor do customers who are alike.
    for survivors in [&[1000, 800][..], &[1000, 800, 700]] {
        let FitError::NotIdentified { diagnostics } = fit(&table(survivors)).unwrap_err() else { panic!() };
        assert!(diagnostics.gradient_norm < 1e-9 && diagnostics.condition > 1e13, "{diagnostics:?}");
    }
    let alike = fit(&table(&[1000, 500, 250, 125, 62, 31])).unwrap_err();
    assert!(matches!(alike, FitError::Boundary { .. }), "{alike:?}");
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e31] {
        assert!(BetaDiscreteWeibull::new(1.0, 1.0, wrong).is_err());
    }
    let text = serde_json::to_string(&model(1.5, 2.0, 3.0)).unwrap();
    assert_eq!(serde_json::from_str::<BetaDiscreteWeibull>(&text).unwrap(), model(1.5, 2.0, 3.0));
    assert!(serde_json::from_str::<BetaDiscreteWeibull>(&text.replace("3.0", "0.0")).is_err());
}

fn power_of_ten(ln: f64) -> f64 {
    10_f64.powf(ln)
}

proptest! {
    #[test]
    fn is_the_shifted_beta_geometric_model_where_time_does_not_matter(
        alpha in -3.0_f64..3.0, beta in -3.0_f64..4.0, n in 0_u32..3000, m in 1_u32..5000, rate in 1e-5_f64..2.0,
    ) {
        let simple = ShiftedBetaGeometric::new(power_of_ten(alpha), power_of_ten(beta)).unwrap();
        let model = model(power_of_ten(alpha), power_of_ten(beta), 1.0);
        let contract = Contract::running(n);
        let agree = |ours: f64, theirs: f64, error: f64| ours == theirs || (ours / theirs - 1.0).abs() < error;
        prop_assert!(agree(model.log_likelihood(contract), simple.log_likelihood(contract), 1e-13));
        let (ended, lost) = (Contract::ended(n), simple.log_likelihood(Contract::ended(n)));
        prop_assert!((model.log_likelihood(ended) - lost).abs() < 1e-12 * (1.0 + lost.abs()));
        prop_assert!(agree(model.retention_rate(n), simple.retention_rate(n), 1e-13));
        prop_assert!(agree(model.expected_renewals(contract, m), simple.expected_renewals(contract, m), 1e-10));
        let discount = Discount::try_from(rate).unwrap();
        let (ours, theirs) = (
            model.discounted_residual_lifetime(contract, discount),
            simple.discounted_residual_lifetime(contract, discount),
        );
        prop_assert!(agree(ours, theirs, 1e-10), "{} {}", ours, theirs);
        let (ours, theirs) = (model.expected_residual_lifetime(contract), simple.expected_residual_lifetime(contract));
        prop_assert!(agree(ours, theirs, 1e-9), "{} {}", ours, theirs);
    }

    #[test]
    fn answers_are_what_they_may_be(
        alpha in -4.0_f64..4.0, beta in -4.0_f64..4.0, c in -1.5_f64..1.5, n in 0_u32..1000, m in 1_u32..100,
        rate in 1e-5_f64..2.0,
    ) {
        let model = model(power_of_ten(alpha), power_of_ten(beta), power_of_ten(c));
        let (now, later) = (model.survival(n), model.survival(n + 1));
        prop_assert!(later <= now && now <= 1.0 && later >= 0.0);
        prop_assert!((0.0..=1.0).contains(&model.retention_rate(n)));
        let lost: f64 = (0..n + m).map(|count| model.p_renewals(count)).sum();
        prop_assert!((lost + model.survival(n + m) - 1.0).abs() < 1e-11, "{}", lost);
        let contract = Contract::running(n);
        let sum: f64 = (1..=m).map(|further| model.p_still_customer(contract, further)).sum();
        let expected = model.expected_renewals(contract, m);
        prop_assert!((expected - sum).abs() <= 1e-10 * sum, "{} {}", expected, sum);
        let discount = Discount::try_from(rate).unwrap();
        let residual = model.discounted_residual_lifetime(contract, discount);
        let next = model.discounted_residual_lifetime(Contract::running(n + 1), discount);
        let stepped = model.retention_rate(n) * (1.0 + (-rate).exp() * next);
        prop_assert!((residual - stepped).abs() <= 1e-9 * stepped, "{} {}", residual, stepped);
        prop_assert!(model.expected_residual_lifetime(contract) >= residual * (1.0 - 1e-10));
    }

    #[test]
    fn extremes_stay_numbers(
        alpha in -30.0_f64..30.0, beta in -30.0_f64..30.0, c in -30.0_f64..30.0, n in any::<u32>(), m in any::<u32>(),
        rate in 0.0_f64..1e30, slow in -30.0_f64..0.0,
    ) {
        let model = model(power_of_ten(alpha), power_of_ten(beta), power_of_ten(c));
        let contract = Contract::running(n);
        for p in [model.survival(n), model.retention_rate(n), model.p_renewals(n), model.p_still_customer(contract, m)] {
            prop_assert!((0.0..=1.0).contains(&p), "{}", p);
        }
        prop_assert!(model.log_likelihood(contract).is_finite() && model.log_likelihood(Contract::ended(n)).is_finite());
        prop_assert!(model.expected_renewals(contract, m) <= f64::from(m) * (1.0 + 1e-9));
        for rate in [0.0, rate, power_of_ten(slow)] {
            let discount = Discount::try_from(rate).unwrap();
            prop_assert!(model.discounted_residual_lifetime(contract, discount) >= 0.0);
            prop_assert!(model.discounted_lifetime(discount) >= 1.0);
        }
    }
}
