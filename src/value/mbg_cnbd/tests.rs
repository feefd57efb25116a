//! Both models of regular buyers.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are read as whole numbers"
)]

use super::*;
use crate::value::distinct_rows::DistinctRows;
use crate::value::{BgCnbd, BgNbd, Discount, MbgNbd, PurchaseForecast};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn buyer(x: u32, recency: f64, age: f64) -> Buyer {
    Buyer::new(x, recency, age).unwrap()
}

fn horizon(length: f64) -> Horizon {
    Horizon::new(length).unwrap()
}

fn answers(model: &impl PurchaseForecast, row: Buyer, t: f64, d: f64) -> [f64; 8] {
    let count = |count| model.p_purchases(row, count, horizon(t));
    [
        model.log_likelihood(row),
        model.p_alive(row),
        model.expected_purchases(row, horizon(t)),
        count(0),
        count(1),
        count(2),
        count(3),
        model.discounted_residual_purchases(row, Discount::try_from(d).unwrap()),
    ]
}

/// The mixtures over rates integrated and those over stages summed with 25 digits (mpmath).
#[test]
fn agrees_with_high_precision() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/regular.csv");
    let mut worst = 0.0_f64;
    let mut rows = 0;
    for line in std::fs::read_to_string(path).unwrap().lines().skip(1) {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let (k, row) = (cells[1] as u32, buyer(cells[6] as u32, cells[7], cells[8]));
        let ours = if cells[0] > 0.0 {
            let model = MbgCnbd::new(k, cells[2], cells[3], cells[4], cells[5]).unwrap();
            answers(&model, row, cells[9], cells[10])
        } else {
            let model = BgCnbd::new(k, cells[2], cells[3], cells[4], cells[5]).unwrap();
            answers(&model, row, cells[9], cells[10])
        };
        for (i, (ours, &truth)) in ours.iter().zip(&cells[11..]).enumerate() {
            let error = (ours - truth).abs() / truth.abs();
            assert!(error < 1e-9, "{i}: {ours} instead of {truth}: {line}");
            worst = worst.max(error);
        }
        rows += 1;
    }
    assert!(rows == 24 && worst < 1e-11, "{rows} {worst}");
}

#[test]
fn without_regularity_they_are_the_plain_models() {
    for row in [Buyer::NEW, buyer(0, 0.0, 30.0), buyer(4, 20.0, 30.0)] {
        let regular = answers(&BgCnbd::new(1, 0.7, 5.0, 0.9, 2.1).unwrap(), row, 39.0, 0.01);
        let plain = answers(&BgNbd::new(0.7, 5.0, 0.9, 2.1).unwrap(), row, 39.0, 0.01);
        let modified = answers(&MbgCnbd::new(1, 0.7, 5.0, 0.9, 2.1).unwrap(), row, 39.0, 0.01);
        let plain_modified = answers(&MbgNbd::new(0.7, 5.0, 0.9, 2.1).unwrap(), row, 39.0, 0.01);
        for (one, other) in regular.iter().chain(&modified).zip(plain.iter().chain(&plain_modified)) {
            assert!((one - other).abs() <= 1e-13 * one.abs(), "{one} {other}");
        }
    }
}

/// Over a horizon so long that purchases are summed as an integral, the sum is that of its parts.
#[test]
fn long_horizons_are_summed_to_the_last_digits() {
    for (n, a, b, far) in
        [(0.4, 0.7, 2.0, 3e4), (30.0, 0.3, 4.0, 3e4), (0.05, 1.4, 9.0, 1e6), (900.0, 0.2, 90.0, 300.0)]
    {
        let model = MbgCnbd::new(3, n, 1.0, a, b).unwrap();
        let plain = MbgNbd::new(n, 1.0, a, b).unwrap();
        // E(t) of the regular model lies below that of a rate k times smaller by at most a purchase, and grows with it.
        let (near, middle, long) = (horizon(far * 0.999), horizon(far), horizon(far * 1.001));
        let ask = |horizon| model.expected_purchases_new(horizon);
        let bend = ask(long) - 2.0 * ask(middle) + ask(near);
        assert!(bend.abs() < 1e-5 * ask(middle), "{bend}");
        assert!(ask(near) < ask(middle) && ask(middle) < ask(long));
        let of_plain = plain.expected_purchases_new(horizon(far / 3.0));
        assert!(ask(middle) < of_plain && ask(middle) > of_plain - 1.0, "{} {of_plain}", ask(middle));
    }
}

const ROWS: [(u32, f64, f64); 7] = [
    (0, 0.0, 38.0),
    (0, 0.0, 3.5),
    (1, 1.7, 38.0),
    (1, 30.0, 38.0),
    (4, 20.0, 20.0),
    (40, 9.0, 38.0),
    (12, 37.0, 38.0),
];

#[test]
fn slopes_are_the_derivatives() {
    let rows = DistinctRows::of(ROWS.map(|(x, recency, age)| buyer(x, recency, age))).unwrap();
    let at = [0.7, 2.0, 0.9, 2.1];
    for (stages, first) in [(1, 0), (1, 1), (3, 0), (3, 1), (12, 1)] {
        let model = |p: [f64; 4]| BetaGeometric { r: p[0], alpha: p[1], a: p[2], b: p[3], stages, first };
        let here = model(at).slopes(&rows);
        let unseen = |row: &(u32, f64, f64)| {
            if row.0 == 0 { 0.0 } else { super::super::beta_geometric::ln_unseen_times(stages, row.0, row.1) }
        };
        let sum: f64 =
            ROWS.iter().map(|row| model(at).log_likelihood(buyer(row.0, row.1, row.2)) - unseen(row)).sum();
        assert!((here.value - sum).abs() < 1e-12 * sum.abs(), "{} {sum}", here.value);
        for i in 0..4 {
            let step = 1e-5 * at[i];
            let (mut up, mut down) = (at, at);
            up[i] += step;
            down[i] -= step;
            let (up, down) = (model(up).slopes(&rows), model(down).slopes(&rows));
            let slope = (up.value - down.value) / (2.0 * step);
            assert!((slope - here.gradient[i]).abs() < 1e-6 * (1.0 + slope.abs()), "{stages} {i}: {slope}");
            for j in 0..4 {
                let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * step);
                assert!((bend - here.hessian.at(i, j)).abs() < 1e-6 * (1.0 + bend.abs()), "{stages} {i} {j}");
            }
        }
    }
}

/// Customers who buy at every third stage of a random rate and leave by the model.
fn regular_buyers(customers: usize) -> Vec<TimedBuyer> {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut exponential = move || -libm::log1p(-random.random::<f64>());
    let mut rows = Vec::new();
    for customer in 0..customers {
        // Gamma(2, 2) and Beta(1, 4), by exponentials.
        let rate = 0.5 * exponential() + 0.5 * exponential();
        let leaves = exponential();
        let stays: f64 = (0..4).map(|_| exponential()).sum();
        let p = leaves / (leaves + stays);
        let age = 30.0 + f64::from(u32::try_from(customer).unwrap() % 10);
        let (mut now, mut last, mut x, mut ln_intervals) = (0.0, 0.0, 0, 0.0);
        loop {
            if -libm::expm1(-exponential()) < p {
                break;
            }
            let interval = (exponential() + exponential() + exponential()) / rate;
            now += interval;
            if now > age {
                break;
            }
            (last, x, ln_intervals) = (now, x + 1, ln_intervals + libm::log(interval));
        }
        rows.push(TimedBuyer::new(buyer(x, last, age), ln_intervals).unwrap());
    }
    rows
}

#[test]
fn finds_the_regularity_that_is_there() {
    let rows = regular_buyers(2000);
    let fit = MbgCnbd::fit(rows.iter().copied()).unwrap();
    assert_eq!(fit.model().k(), 3);
    assert!(fit.diagnostics().gradient_norm < 1e-6, "{:?}", fit.diagnostics());
    for (parameter, truth) in fit.parameters().iter().zip([2.0, 2.0, 1.0, 4.0]) {
        assert!((parameter.value - truth).abs() < 3.0 * parameter.standard_error, "{parameter:?}");
    }
    // The order of rows does not matter, and k is found without the times between purchases too.
    assert_eq!(MbgCnbd::fit(rows.iter().rev().copied()).unwrap(), fit);
    let of = |k| MbgCnbd::fit_with(k, rows.iter().map(TimedBuyer::buyer)).unwrap();
    let best = of(3);
    assert!(best.log_likelihood() > of(1).log_likelihood() && best.log_likelihood() > of(6).log_likelihood());
    for (known, unseen) in fit.parameters().iter().zip(best.parameters()) {
        assert!((known.value / unseen.value - 1.0).abs() < 1e-9, "{known:?} {unseen:?}");
    }
    let sum: f64 = best.model().log_likelihood_each(rows.iter().map(TimedBuyer::buyer)).sum();
    assert!((best.log_likelihood() / sum - 1.0).abs() < 1e-12);
}

#[test]
fn refuses_regularities_that_are_none() {
    for wrong in [0, 33, u32::MAX] {
        assert!(
            BgCnbd::new(wrong, 1.0, 1.0, 1.0, 1.0).is_err()
                && MbgCnbd::new(wrong, 1.0, 1.0, 1.0, 1.0).is_err()
        );
        assert_eq!(BgCnbd::fit_with(wrong, []).unwrap_err(), FitError::Regularity { k: wrong });
    }
    assert_eq!(MbgCnbd::fit([]).unwrap_err(), FitError::NoCustomers);
    let text = serde_json::to_string(&MbgCnbd::new(2, 1.0, 2.0, 3.0, 4.0).unwrap()).unwrap();
    assert_eq!(text, r#"{"k":2,"r":1.0,"alpha":2.0,"a":3.0,"b":4.0}"#);
    assert!(serde_json::from_str::<MbgCnbd>(&text.replace('2', "0")).is_err());
}
