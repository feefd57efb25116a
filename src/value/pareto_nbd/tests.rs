#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "frequencies are read as whole numbers"
)]

use super::*;
use crate::value::{Discount, PurchaseForecast};

fn published() -> ParetoNbd {
    ParetoNbd::new(0.553, 10.578, 0.606, 11.669).unwrap()
}

fn buyer(x: u32, recency: f64, age: f64) -> Buyer {
    Buyer::new(x, recency, age).unwrap()
}

/// 12 digits at the published parameters, from interval arithmetic: log-likelihood, P(alive), E(39) and DERT at
/// yearly 15 % over 52 and at 10 % a week.
#[test]
fn individual_values() {
    let rows = "\
        2 30.43 38.86 -9.5542832452 0.8691675592 1.4551231933 6.2274364309 0.4067444227
        1 1.71 38.86 -4.4501943339 0.1680023267 0.1710929806 0.7322202444 0.0478248962
        0 0.0 38.86 -0.5210462941 0.2952866046 0.1070814682 0.4582725637 0.0299320292
        7 29.43 38.86 -21.5946432181 0.7495014077 3.7122513805 15.8871837069 1.0376699043
        10 34.14 38.86 -27.0562151427 0.9013595348 6.2376274894 26.6949416034 1.7435775913
        26 30.86 31.0 -39.1316715403 0.9979187311 20.1170260774 82.7236085553 5.6897554715
        29 37.71 38.86 -45.5688515039 0.9800925581 18.9938981660 81.2874772062 5.3092839016";
    let model = published();
    let residual =
        |buyer, rate| model.discounted_residual_purchases(buyer, Discount::try_from(rate).unwrap());
    for row in rows.lines() {
        let cells: Vec<f64> = row.split_whitespace().map(|cell| cell.parse().unwrap()).collect();
        let buyer = buyer(cells[0] as u32, cells[1], cells[2]);
        let ours = [
            model.log_likelihood(buyer),
            model.p_alive(buyer),
            model.expected_purchases(buyer, Horizon::new(39.0).unwrap()),
            residual(buyer, 0.15 / 52.0),
            residual(buyer, 0.1),
        ];
        for (ours, truth) in ours.iter().zip(&cells[3..]) {
            assert!((ours - truth).abs() < 1e-10, "{buyer:?}: {ours} {truth}");
        }
    }
    for (t, expected) in
        [(1.0, "0.0509798432"), (3.0, "0.1460611851"), (6.0, "0.2749488999"), (39.0, "1.2130028443")]
    {
        assert_eq!(
            format!("{:.10}", model.expected_purchases_new(Horizon::new(t).unwrap())),
            expected,
            "{t}"
        );
    }
}

/// Where peers overflow or underflow: interval arithmetic again.
#[test]
fn heavy_buyers_and_hopeless_silences() {
    let heavy = ParetoNbd::new(0.5143, 2.8845, 0.2856, 14.1087).unwrap();
    let harsh = ParetoNbd::new(10.465, 0.007_985_651_81, 3.0516, 2.820).unwrap();
    for (model, x, recency, age, log_likelihood, p_alive) in [
        (heavy, 221, 103.42857, 103.57143, -61.584_648_561_7, 0.999_596_052_318),
        (heavy, 254, 97.14286, 97.28571, -19.623_292_217_5, 0.999_558_226_123),
        (heavy, 161, 94.71429, 98.0, -87.429_254_863_3, 0.749_487_752_258),
        (heavy, 204, 98.57143, 99.42857, -65.198_342_189_3, 0.994_255_079_638),
        (harsh, 400, 5.0, 6.0, 1_323.188_930_967_8, 5.137_458_113_32e-31),
        (harsh, 500, 1.0, 37.0, 2_594.404_454_622_8, 0.0),
        (harsh, 500, 4.0, 37.0, 1_888.821_249_738_9, 0.0),
    ] {
        let buyer = buyer(x, recency, age);
        assert!((model.log_likelihood(buyer) / log_likelihood - 1.0).abs() < 1e-12, "{buyer:?}");
        assert!((model.p_alive(buyer) - p_alive).abs() <= 2e-12 * p_alive, "{buyer:?}");
    }
    // A peer's own test of underflow.
    let model = ParetoNbd::new(0.55, 10.58, 0.61, 11.67).unwrap();
    for (x, truth) in [(132, 6.206_051_788_962_933), (133, 6.252_872_247_574_497)] {
        let expected = model.expected_purchases(buyer(x, 200.0, 200.0), Horizon::new(10.0).unwrap());
        assert!((expected / truth - 1.0).abs() < 1e-13, "{expected}");
    }
    // Frequencies up to 100,000 and ages up to a million.
    let many = model.log_likelihood(buyer(100_000, 999_000.0, 1_000_000.0));
    assert!(many.is_finite() && model.p_alive(buyer(100_000, 999_999.0, 1_000_000.0)) > 0.5);
}

const ROWS: [(u32, f64, f64); 7] = [
    (0, 0.0, 38.0),
    (0, 0.0, 3.5),
    (1, 1.7, 38.0),
    (1, 30.0, 38.0),
    (4, 20.0, 20.0),
    (40, 9.0, 38.0),
    (300, 70.0, 900.0),
];

#[test]
fn slopes_are_the_derivatives() {
    let rows = DistinctRows::of(ROWS.map(|(x, recency, age)| buyer(x, recency, age))).unwrap();
    let model = |p: [f64; 4]| ParetoNbd { r: p[0], alpha: p[1], s: p[2], beta: p[3] };
    for at in [[0.7, 5.0, 0.9, 12.1], [0.7, 12.0, 1.9, 3.0], [3.0, 7.0, 0.05, 7.0]] {
        let here = model(at).slopes(&rows);
        let sum: f64 =
            ROWS.iter().map(|&(x, recency, age)| model(at).log_likelihood(buyer(x, recency, age))).sum();
        assert!((here.value / sum - 1.0).abs() < 1e-14, "{} {sum}", here.value);
        for i in 0..4 {
            let step = 1e-5 * at[i];
            let (mut up, mut down) = (at, at);
            up[i] += step;
            down[i] -= step;
            let (up, down) = (model(up).slopes(&rows), model(down).slopes(&rows));
            let slope = (up.value - down.value) / (2.0 * step);
            assert!((slope - here.gradient[i]).abs() < 1e-6 * (1.0 + slope.abs()), "{i}: {slope}");
            for j in 0..4 {
                let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * step);
                assert!((bend - here.hessian.at(i, j)).abs() < 1e-6 * (1.0 + bend.abs()), "{i} {j}: {bend}");
            }
        }
    }
}

/// Gradient and curvature of a row against differences of the closed form with 2F1, with 60 digits (mpmath).
#[test]
fn slopes_agree_with_high_precision() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/pareto_slopes.csv");
    let mut worst = 0.0_f64;
    let mut rows = 0;
    for line in std::fs::read_to_string(path).unwrap().lines().skip(1) {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let model = ParetoNbd::new(cells[0], cells[1], cells[2], cells[3]).unwrap();
        let buyer = buyer(cells[4] as u32, cells[5], cells[6]);
        // A second customer, without whom there is nothing to fit, is taken off again.
        let other = (if cells[4] > 0.0 { Buyer::new(0, 0.0, 2.0) } else { Buyer::new(1, 1.0, 2.0) }).unwrap();
        let both = model.slopes(&DistinctRows::of([buyer, other]).unwrap());
        let twice = model.slopes(&DistinctRows::of([buyer, buyer, other]).unwrap());
        let mut ours = vec![twice.value - both.value];
        ours.extend((0..4).map(|i| twice.gradient[i] - both.gradient[i]));
        for i in 0..4 {
            ours.extend((i..4).map(|j| twice.hessian.at(i, j) - both.hessian.at(i, j)));
        }
        for (ours, &truth) in ours.iter().zip(&cells[7..]) {
            // Each cell is a difference of parts of about the size of its terms.
            let error = (ours - truth).abs() / truth.abs().max(1e-3);
            assert!(error < 1e-9, "{ours} {truth}: {line}");
            worst = worst.max(error);
        }
        rows += 1;
    }
    assert!(rows == 60 && worst < 1e-9, "{rows} {worst}");
}

#[test]
fn limits_are_continuous() {
    let row = buyer(3, 20.0, 30.0);
    let weeks = Horizon::new(39.0).unwrap();
    let at = |alpha: f64, s: f64, beta: f64| {
        let model = ParetoNbd::new(0.553, alpha, s, beta).unwrap();
        let residual = model.discounted_residual_purchases(row, Discount::try_from(0.01).unwrap());
        [model.log_likelihood(row), model.p_alive(row), model.expected_purchases(row, weeks), residual]
    };
    for away in [1e-3, 1e-6, 1e-9, 1e-12, 1e-15] {
        for (here, near) in [
            (at(10.0, 1.0, 12.0), at(10.0, 1.0 + away, 12.0)),
            (at(10.0, 1.0, 12.0), at(10.0, 1.0 - away, 12.0)),
            (at(10.0, 0.6, 10.0), at(10.0, 0.6, 10.0 * (1.0 + away))),
            (at(10.0, 0.6, 10.0), at(10.0, 0.6, 10.0 * (1.0 - away))),
        ] {
            for (here, near) in here.iter().zip(near) {
                assert!((here / near - 1.0).abs() < 10.0 * away + 1e-14, "{away}: {here} {near}");
            }
        }
    }
    // Nobody leaves: the NBD model.
    let never = ParetoNbd::new(0.553, 10.0, 1e-12, 12.0).unwrap();
    let nbd = crate::value::Nbd::new(0.553, 10.0).unwrap();
    assert!((never.log_likelihood(row) - nbd.log_likelihood(row)).abs() < 1e-10);
    assert!((never.expected_purchases(row, weeks) / nbd.expected_purchases(row, weeks) - 1.0).abs() < 1e-10);
}

#[test]
fn refuses_data_and_parameters_that_say_nothing() {
    assert_eq!(ParetoNbd::fit([]).unwrap_err(), FitError::NoCustomers);
    assert_eq!(ParetoNbd::fit([Buyer::NEW]).unwrap_err(), FitError::NoRepeatPurchases { customers: 1 });
    assert_eq!(ParetoNbd::fit([buyer(2, 3.0, 9.0); 50]).unwrap_err(), FitError::AllTheSame { customers: 50 });
    // Everybody bought a moment ago: nobody leaves.
    let loyal = (1..40).map(|i| buyer(1 + i % 7, 30.0 - f64::from(i % 5) / 10.0, 30.0));
    let refused = ParetoNbd::fit(loyal).unwrap_err();
    assert!(matches!(refused, FitError::Boundary { .. }), "{refused:?}");
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e31, 1e-31] {
        assert!(
            ParetoNbd::new(wrong, 1.0, 1.0, 1.0).is_err() && ParetoNbd::new(1.0, wrong, 1.0, 1.0).is_err()
        );
        assert!(
            ParetoNbd::new(1.0, 1.0, wrong, 1.0).is_err() && ParetoNbd::new(1.0, 1.0, 1.0, wrong).is_err()
        );
    }
    let text = serde_json::to_string(&published()).unwrap();
    assert_eq!(text, r#"{"r":0.553,"alpha":10.578,"s":0.606,"beta":11.669}"#);
    assert_eq!(serde_json::from_str::<ParetoNbd>(&text).unwrap(), published());
    assert!(serde_json::from_str::<ParetoNbd>(&text.replace("0.606", "-1.0")).is_err());
}
