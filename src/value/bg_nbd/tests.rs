#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    reason = "frequencies are read as whole numbers; the letters are those of the papers"
)]

use super::*;
use crate::value::{Buyers, Discount};
use proptest::prelude::*;

fn published() -> BgNbd {
    BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap()
}

fn buyer(x: u32, recency: f64, age: f64) -> Buyer {
    Buyer::new(x, recency, age).unwrap()
}

fn horizon(length: f64) -> Horizon {
    Horizon::new(length).unwrap()
}

/// 12 digits at the published parameters, from interval arithmetic.
#[test]
fn individual_values() {
    let rows = "\
        2 30.43 38.86 -9.4586063071 0.7265785701 1.2260281748
        1 1.71 38.86 -4.4690932750 0.2121009854 0.2031869871
        0 0.0 38.86 -0.5547132764 1.0000000000 0.1950980520
        7 29.43 38.86 -21.8632762715 0.6417563459 3.3370532749
        10 34.14 38.86 -27.3131996227 0.8153021540 5.9333825477
        26 30.86 31.0 -37.7265794734 0.9689156497 20.7497261409
        29 37.71 38.86 -44.4321690896 0.9458122167 19.2606771288";
    let model = published();
    for row in rows.lines() {
        let cells: Vec<f64> = row.split_whitespace().map(|cell| cell.parse().unwrap()).collect();
        let [x, recency, age, log_likelihood, p_alive, expected] = cells[..] else { panic!("{row}") };
        let buyer = buyer(x as u32, recency, age);
        assert!((model.log_likelihood(buyer) - log_likelihood).abs() < 1e-10, "{buyer:?}");
        assert!((model.p_alive(buyer) - p_alive).abs() < 1e-10, "{buyer:?}");
        assert!((model.expected_purchases(buyer, horizon(39.0)) - expected).abs() < 1e-10, "{buyer:?}");
    }
    for (t, expected) in
        [(1.0, "0.0532678912"), (3.0, "0.1508652309"), (6.0, "0.2807558936"), (39.0, "1.1967231933")]
    {
        assert_eq!(format!("{:.10}", model.expected_purchases_new(horizon(t))), expected, "{t}");
    }
    // pymc-marketing's stability row.
    let harsh = BgNbd::new(0.25, 4.0, 0.8, 2.5).unwrap();
    assert!((harsh.log_likelihood(buyer(200, 38.0, 40.0)) - 100.795_693_092_706_46).abs() < 1e-11);
}

/// 300 harsh but legal parameter sets, from 400-bit ball arithmetic.
#[test]
fn stress_grid() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/bgnbd.csv");
    let mut rows = 0;
    let mut worst = [0.0_f64; 4];
    for line in std::fs::read_to_string(path).unwrap().lines().skip(1) {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let [r, alpha, a, b, x, recency, age, t, log_likelihood, p_alive, expected, new] = cells[..] else {
            panic!("{line}")
        };
        let model = BgNbd::new(r, alpha, a, b).unwrap();
        let buyer = buyer(x as u32, recency, age);
        let ours = [
            model.log_likelihood(buyer),
            model.p_alive(buyer),
            model.expected_purchases(buyer, horizon(t)),
            model.expected_purchases_new(horizon(t)),
        ];
        for ((worst, ours), truth) in worst.iter_mut().zip(ours).zip([log_likelihood, p_alive, expected, new])
        {
            // Below this, a double has fewer digits than asked for.
            let error = (ours - truth).abs() / truth.abs().max(1e-290);
            assert!(error < 1e-9, "{ours} instead of {truth}: {line}");
            *worst = worst.max(error);
        }
        rows += 1;
    }
    assert_eq!(rows, 300);
    assert!(worst.iter().all(|&worst| worst < 1e-12), "{worst:?}");
}

#[test]
fn slopes_are_the_derivatives() {
    let rows =
        [(0, 0.0, 38.0), (0, 0.0, 3.5), (1, 1.7, 38.0), (1, 30.0, 38.0), (4, 20.0, 20.0), (40, 9.0, 38.0)];
    let rows = DistinctRows::of(rows.map(|(x, recency, age)| buyer(x, recency, age))).unwrap();
    let at = [0.7, 5.0, 0.9, 2.1];
    let model = |p: [f64; 4]| BgNbd { r: p[0], alpha: p[1], a: p[2], b: p[3] };
    let here = model(at).family().slopes(&rows);
    for i in 0..4 {
        let step = 1e-5 * at[i];
        let (mut up, mut down) = (at, at);
        up[i] += step;
        down[i] -= step;
        let (up, down) = (model(up).family().slopes(&rows), model(down).family().slopes(&rows));
        let slope = (up.value - down.value) / (2.0 * step);
        assert!((slope - here.gradient[i]).abs() < 1e-7 * (1.0 + slope.abs()), "{i}: {slope}");
        for j in 0..4 {
            let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * step);
            assert!((bend - here.hessian.at(i, j)).abs() < 1e-6 * (1.0 + bend.abs()), "{i} {j}: {bend}");
        }
    }
}

#[test]
fn the_sum_of_rows_is_the_likelihood_of_all() {
    let all = [
        buyer(0, 0.0, 38.0),
        buyer(0, 0.0, 38.0),
        buyer(3, 20.0, 38.0),
        buyer(3, 20.0, 38.0),
        buyer(1, 5.0, 9.0),
    ];
    let rows = DistinctRows::of(all).unwrap();
    assert_eq!(rows.groups.iter().map(|group| group.rows.len()).sum::<usize>(), 3);
    let sum: f64 = published().log_likelihood_each(all).sum();
    assert!((published().family().slopes(&rows).value - sum).abs() < 1e-12 * sum.abs());
}

#[test]
fn refuses_data_that_say_nothing() {
    assert_eq!(BgNbd::fit([]).unwrap_err(), FitError::NoCustomers);
    assert_eq!(BgNbd::fit([Buyer::NEW]).unwrap_err(), FitError::NoRepeatPurchases { customers: 1 });
    assert_eq!(BgNbd::fit([buyer(2, 3.0, 9.0)]).unwrap_err(), FitError::AllTheSame { customers: 1 });
    assert_eq!(BgNbd::fit([buyer(2, 3.0, 9.0); 50]).unwrap_err(), FitError::AllTheSame { customers: 50 });
    // Few customers, of whom nobody differs by more than chance: no parameters come back.
    let alike = (1..30).map(|day| buyer(10, 30.0 + f64::from(day) / 10.0, 40.0));
    let refused = BgNbd::fit(alike).unwrap_err();
    assert!(matches!(refused, FitError::Boundary { .. }), "{refused:?}");
    let two = BgNbd::fit([buyer(2, 3.0, 9.0), buyer(0, 0.0, 5.0)]).unwrap_err();
    assert!(matches!(two, FitError::Boundary { .. }), "{two:?}");
}

#[test]
fn refuses_parameters_that_are_none() {
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e31, 1e-31] {
        assert!(BgNbd::new(wrong, 1.0, 1.0, 1.0).is_err());
        assert!(BgNbd::new(1.0, wrong, 1.0, 1.0).is_err());
        assert!(BgNbd::new(1.0, 1.0, wrong, 1.0).is_err());
        assert!(BgNbd::new(1.0, 1.0, 1.0, wrong).is_err());
    }
    let text = serde_json::to_string(&published()).unwrap();
    assert_eq!(text, r#"{"r":0.243,"alpha":4.414,"a":0.793,"b":2.426}"#);
    assert_eq!(serde_json::from_str::<BgNbd>(&text).unwrap(), published());
    assert!(serde_json::from_str::<BgNbd>(&text.replace("0.243", "-0.243")).is_err());
}

/// Discounting is checked against its definition, purchase by purchase, in steps so fine that their error vanishes.
#[test]
fn discounted_purchases_are_those_of_very_small_steps() {
    for (model, row) in [
        (published(), buyer(2, 30.43, 38.86)),
        (published(), Buyer::NEW),
        (BgNbd::new(5.0, 0.2, 0.3, 0.4).unwrap(), Buyer::NEW),
        (BgNbd::new(0.1, 300.0, 6.0, 0.7).unwrap(), buyer(40, 5.0, 9.0)),
    ] {
        for (length, rate) in [(52.0, 0.0018), (52.0, 0.2), (520.0, 0.5), (1.0, 40.0), (520.0, 0.0018)] {
            let discount = Discount::try_from(rate).unwrap();
            let ours = model.discounted_purchases(row, horizon(length), discount);
            // Simpson's rule on e^(-d t) E(t) over a grid that is fine where E bends.
            let scale = model.alpha() + row.age();
            let (steps, end) = (4000, libm::log1p(length.min(45.0 / rate) / scale));
            let at = |i: i32| {
                let s = end * f64::from(i) / f64::from(steps);
                let t = (scale * libm::expm1(s)).min(length);
                rate * libm::exp(-rate * t) * model.expected_purchases(row, horizon(t)) * scale * libm::exp(s)
            };
            let sum: f64 = (0..=steps)
                .map(|i| {
                    at(i)
                        * if i == 0 || i == steps {
                            1.0
                        } else if i % 2 == 1 {
                            4.0
                        } else {
                            2.0
                        }
                })
                .sum();
            let whole = libm::exp(-rate * length) * model.expected_purchases(row, horizon(length));
            let truth = whole + sum * end / f64::from(steps) / 3.0;
            assert!((ours / truth - 1.0).abs() < 1e-9, "{model:?} {row:?} {length} {rate}: {ours} {truth}");
        }
    }
}

fn any_model() -> impl Strategy<Value = BgNbd> {
    [-3.0..3.0_f64, -3.0..3.0, -2.0..2.5, -2.0..3.0]
        .prop_map(|logs| logs.map(|log| 10_f64.powf(log)))
        .prop_map(|[r, alpha, a, b]| BgNbd::new(r, alpha, a, b).unwrap())
}

fn extreme_model() -> impl Strategy<Value = BgNbd> {
    [-30.0..30.0_f64, -30.0..30.0, -30.0..30.0, -30.0..30.0]
        .prop_map(|logs| logs.map(|log| 10_f64.powf(log).clamp(1e-30, 1e30)))
        .prop_map(|[r, alpha, a, b]| BgNbd::new(r, alpha, a, b).unwrap())
}

prop_compose! {
    fn any_buyer()(x in prop_oneof![0_u32..6, 0_u32..100_000], share in 1e-6..=1.0_f64, log in -2.0..6.0_f64) -> Buyer {
        let age = 10_f64.powf(log);
        if x == 0 { buyer(0, 0.0, age) } else { buyer(x, (share * age).max(1e-30), age) }
    }
}

proptest! {
    #[test]
    fn three_doors_agree_to_the_last_bit(
        model in any_model(),
        rows in prop::collection::vec(any_buyer(), 0..12),
        t in 0.0..1000.0_f64,
        rate in 0.0..0.1_f64,
    ) {
        let frequency: Vec<u32> = rows.iter().map(|row| row.frequency()).collect();
        let recency: Vec<f64> = rows.iter().map(|row| row.recency()).collect();
        let age: Vec<f64> = rows.iter().map(|row| row.age()).collect();
        let columns = Buyers::new(&frequency, &recency, &age).unwrap();
        let (horizon, discount) = (horizon(t), Discount::try_from(rate).unwrap());
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        let mut out = vec![0.0; rows.len()];

        model.p_alive_into(columns, &mut out).unwrap();
        prop_assert_eq!(bits(&out), bits(&model.p_alive_each(rows.iter().copied()).collect::<Vec<_>>()));
        prop_assert_eq!(bits(&out), bits(&rows.iter().map(|&row| model.p_alive(row)).collect::<Vec<_>>()));

        model.log_likelihood_into(columns, &mut out).unwrap();
        prop_assert_eq!(bits(&out), bits(&model.log_likelihood_each(rows.iter().copied()).collect::<Vec<_>>()));
        prop_assert_eq!(bits(&out), bits(&rows.iter().map(|&row| model.log_likelihood(row)).collect::<Vec<_>>()));

        model.expected_purchases_into(columns, horizon, &mut out).unwrap();
        let each: Vec<f64> = model.expected_purchases_each(rows.iter().copied(), horizon).collect();
        prop_assert_eq!(bits(&out), bits(&each));
        let one: Vec<f64> = rows.iter().map(|&row| model.expected_purchases(row, horizon)).collect();
        prop_assert_eq!(bits(&out), bits(&one));

        model.discounted_purchases_into(columns, horizon, discount, &mut out).unwrap();
        let each: Vec<f64> = model.discounted_purchases_each(rows.iter().copied(), horizon, discount).collect();
        prop_assert_eq!(bits(&out), bits(&each));
        prop_assert!(model.p_alive_into(columns, &mut vec![0.0; rows.len() + 1]).is_err());
    }

    #[test]
    fn answers_are_probabilities_and_grow(model in any_model(), row in any_buyer(), t in 0.0..1e4_f64) {
        let p_alive = model.p_alive(row);
        prop_assert!((0.0..=1.0).contains(&p_alive));
        let (near, far) = (horizon(t), horizon(t * 1.01 + 1e-3));
        let (soon, later) = (model.expected_purchases(row, near), model.expected_purchases(row, far));
        prop_assert!(soon >= 0.0 && later >= soon * (1.0 - 1e-11), "{} {}", soon, later);
        if row.frequency() > 0 {
            let silent = buyer(row.frequency(), row.recency(), row.age() * 1.1);
            prop_assert!(model.p_alive(silent) <= p_alive);
        }
        let discount = Discount::try_from(0.01).unwrap();
        let discounted = model.discounted_purchases(row, far, discount);
        prop_assert!(discounted >= 0.0 && discounted <= later * (1.0 + 1e-9), "{} {}", discounted, later);
    }

    #[test]
    fn no_finite_input_gives_nan(
        model in extreme_model(),
        x in any::<u32>(),
        share in 1e-9..=1.0_f64,
        log in -20.0..30.0_f64,
        t in -30.0..30.0_f64,
    ) {
        let age = 10_f64.powf(log).min(1e30);
        let row = if x == 0 { buyer(0, 0.0, age) } else { buyer(x, share * age, age) };
        let horizon = horizon(10_f64.powf(t).min(1e30));
        prop_assert!(model.log_likelihood(row).is_finite());
        prop_assert!((0.0..=1.0).contains(&model.p_alive(row)));
        let expected = model.expected_purchases(row, horizon);
        prop_assert!(expected.is_finite() && expected >= 0.0, "{}", expected);
        let new = model.expected_purchases_new(horizon);
        prop_assert!(new.is_finite() && new >= 0.0, "{}", new);
        let discounted = model.discounted_purchases(row, horizon, Discount::try_from(1e-3).unwrap());
        prop_assert!(discounted.is_finite() && discounted >= 0.0, "{}", discounted);
    }
}
