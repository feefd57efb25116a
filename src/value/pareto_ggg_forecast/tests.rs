use super::*;
use crate::value::{Buyer, ParetoNbd, PurchaseForecast, PurchaseModel, PurchasePrediction, ValueError};

fn horizon(length: f64) -> Horizon {
    Horizon::new(length).unwrap()
}

fn timed(x: u32, recency: f64, age: f64, ln_intervals: f64) -> TimedBuyer {
    TimedBuyer::new(Buyer::new(x, recency, age).unwrap(), ln_intervals).unwrap()
}

fn buyers() -> [TimedBuyer; 5] {
    [
        timed(4, 40.0, 50.0, 4.0 * libm::log(10.0)),
        timed(4, 40.0, 50.0, libm::log(2.0) + 2.0 * libm::log(5.0) + libm::log(28.0)),
        timed(0, 0.0, 12.0, 0.0),
        timed(1, 1.71, 9.0, libm::log(1.71)),
        TimedBuyer::NEW,
    ]
}

fn models() -> [ParetoGgg; 3] {
    [
        ParetoGgg::new(1.7, 0.6, 0.9, 5.0, 0.7, 8.0).unwrap(),
        ParetoGgg::new(6.0, 2.0, 0.5, 3.0, 1.6, 42.0).unwrap(),
        // Many who buy in bursts.
        ParetoGgg::new(1.2, 2.5, 1.5, 8.0, 1.2, 40.0).unwrap(),
    ]
}

fn close(found: f64, truth: f64, tolerance: f64, what: &str) {
    assert!((found - truth).abs() < tolerance * (1.0 + truth.abs()), "{what}: {found} {truth}");
}

#[test]
fn is_pareto_nbd_where_all_buy_at_random() {
    let plain = ParetoNbd::new(0.553, 10.578, 1.606, 11.669).unwrap();
    let model = ParetoGgg::new(1e6, 1e6, 0.553, 10.578, 1.606, 11.669).unwrap();
    let monthly = Discount::try_from(0.01).unwrap();
    let half = Share::new(0.5).unwrap();
    for (x, recency, age) in
        [(2, 30.43, 38.86), (0, 0.0, 38.86), (7, 29.43, 38.86), (3, 9.0, 9.0), (0, 0.0, 0.0)]
    {
        let buyer = Buyer::new(x, recency, age).unwrap();
        let logs = if x > 0 { f64::from(x) * libm::log(recency / f64::from(x)) } else { 0.0 };
        let timed = timed(x, recency, age, logs);
        // The regularities still differ by a thousandth.
        let near =
            |found: f64, truth: f64, what: &str| close(found, truth, 3e-5, &format!("{buyer:?}, {what}"));
        for length in [1.0, 100.0] {
            let length = horizon(length);
            for count in [0, 1, 2, 7] {
                near(
                    model.p_purchases(timed, count, length),
                    plain.p_purchases(buyer, count, length),
                    "count",
                );
                near(
                    model.p_at_least(timed, count, length),
                    plain.p_at_least(buyer, count, length),
                    "at least",
                );
            }
            near(
                model.discounted_purchases(timed, length, monthly),
                plain.discounted_purchases(buyer, length, monthly),
                "discounted",
            );
            near(model.p_alive_after(timed, length), plain.p_alive_after(buyer, length), "alive after");
            let later = horizon(length.length() + 7.0);
            near(
                model.expected_purchases_between(timed, length, later),
                plain.expected_purchases_between(buyer, length, later),
                "between",
            );
        }
        for rate in if x < 3 { vec![0.0, 0.01, 40.0] } else { Vec::new() } {
            let rate = Discount::try_from(rate).unwrap();
            near(
                model.discounted_residual_purchases(timed, rate),
                plain.discounted_residual_purchases(buyer, rate),
                &format!("residual at {rate:?}"),
            );
        }
        match (model.next_purchase(timed, half), plain.next_purchase(buyer, half)) {
            (None, None) => {}
            (Some(found), Some(truth)) => close(found.length() / truth.length(), 1.0, 2e-4, "next purchase"),
            both => panic!("{both:?}"),
        }
    }
}

#[test]
fn answers_agree_with_each_other() {
    for (model, length) in models().into_iter().zip([3.0, 30.0, 10.0]) {
        for buyer in buyers() {
            let what = format!("{model:?}, {buyer:?}");
            for length in [horizon(length)] {
                let mean = model.expected_purchases(buyer, length);
                assert!(mean >= model.p_at_least(buyer, 1, length), "{what}");
                // Of those who may buy in bursts of hundreds, the counts end too late to be summed.
                let bursts = model.t() < 2.0;
                if bursts && buyer.buyer().frequency() == 0 {
                    continue;
                }
                let (mut whole, mut sum, mut beyond) = (0.0, 0.0, 1.0);
                for count in 0..200 {
                    let p = model.p_purchases(buyer, count, length);
                    close(model.p_at_least(buyer, count, length), beyond, 1e-6, &what);
                    whole += p;
                    sum += f64::from(count) * p;
                    beyond -= p;
                    if beyond < 1e-8 {
                        break;
                    }
                }
                close(whole, 1.0, 1e-6, &what);
                close(sum, mean, if bursts { 1e-4 } else { 2e-6 }, &what);
            }
            let discount = Discount::try_from(0.05).unwrap();
            let all = model.discounted_residual_purchases(buyer, discount);
            close(model.discounted_purchases(buyer, horizon(2_000.0), discount), all, 1e-6, &what);
            let median = model.next_purchase(buyer, Share::new(0.3).unwrap());
            if let Some(median) = median {
                close(model.p_no_purchase(buyer, median), 0.7, 1e-8, &what);
            } else {
                assert!(model.p_no_purchase(buyer, horizon(1e30)) > 0.7, "{what}");
            }
        }
    }
}

/// By parts: E(t) e^(-d t) and the integral of d e^(-d u) E(u), which is smooth in the third root of u.
#[test]
fn discounts_count_every_purchase_at_its_time() {
    let (rate, end, steps) = (0.05, 20.0, 20);
    let discount = Discount::try_from(rate).unwrap();
    let [mixed, regular, bursts] = models();
    let [even, _, silent, once, new] = buyers();
    for (model, buyer) in [(mixed, even), (regular, new), (regular, silent), (bursts, once)] {
        let at = |root: f64| {
            let time = end * root * root * root;
            3.0 * end
                * root
                * root
                * rate
                * libm::exp(-rate * time)
                * model.expected_purchases(buyer, horizon(time))
        };
        let width = f64::from(steps).recip();
        let mut sum = 0.0;
        for step in 0..steps {
            let low = width * f64::from(step);
            sum += width / 6.0 * (at(low) + 4.0 * at(low + 0.5 * width) + at(low + width));
        }
        let whole = sum + libm::exp(-rate * end) * model.expected_purchases(buyer, horizon(end));
        let found = model.discounted_purchases(buyer, horizon(end), discount);
        close(found, whole, 3e-5, &format!("{model:?}, {buyer:?}"));
    }
}

#[test]
fn without_a_discount_the_sum_has_an_end_only_where_all_leave() {
    let [endless, ends, _] = models();
    let buyer = buyers()[0];
    assert!(endless.discounted_residual_purchases(buyer, Discount::NONE).is_infinite());
    let all = ends.discounted_residual_purchases(buyer, Discount::NONE);
    // What is still to come after a time falls like time^-(s-1).
    let [sooner, later] = [1e4, 1e5].map(|time| all - ends.expected_purchases(buyer, horizon(time)));
    close(sooner / later, libm::pow(10.0, 0.6), 1e-2, "rest");
    let slow = ends.discounted_residual_purchases(buyer, Discount::try_from(1e-6).unwrap());
    assert!(slow < all && slow > 0.98 * all, "{slow} {all}");
}

#[test]
fn bursts_may_have_no_mean() {
    let model = ParetoGgg::new(0.9, 2.5, 1.5, 8.0, 1.2, 40.0).unwrap();
    let week = horizon(1.0);
    assert!(model.expected_purchases_new(week).is_infinite());
    assert!(model.expected_purchases_between(TimedBuyer::NEW, horizon(0.5), week).is_infinite());
    assert!(model.expected_purchases_new(horizon(0.0)).abs() < 1e-300);
    assert!(buyers().iter().take(4).all(|&buyer| model.expected_purchases(buyer, week).is_finite()));
    assert!((0.0..=1.0).contains(&model.p_at_least(TimedBuyer::NEW, 3, week)));
}

#[test]
fn silence_and_time_only_lessen() {
    let [model, ..] = models();
    for buyer in buyers() {
        let mut last = 1.0;
        for length in [0.0, 1.0, 5.0, 20.0, 100.0, 1e4] {
            let p = model.p_alive_after(buyer, horizon(length));
            assert!((0.0..=last).contains(&p), "{buyer:?}: {p}");
            last = p;
        }
        assert!(model.expected_purchases_between(buyer, horizon(3.0), horizon(3.0)).abs() < 1e-300);
        assert!(model.expected_purchases_between(buyer, horizon(3.0), horizon(5.0)) > 0.0);
        assert_eq!(model.next_purchase(buyer, Share::ZERO), Horizon::new(0.0).ok());
        assert_eq!(model.next_purchase(buyer, Share::ONE), None);
    }
}

#[test]
fn doors_agree_to_the_bit() {
    let [model, ..] = models();
    let rows = buyers();
    let frequency = rows.map(|row| row.buyer().frequency());
    let (recency, age) = (rows.map(|row| row.buyer().recency()), rows.map(|row| row.buyer().age()));
    let logs = rows.map(|row| row.ln_intervals());
    let columns =
        TimedBuyers::new(crate::value::Buyers::new(&frequency, &recency, &age).unwrap(), &logs).unwrap();
    let weeks = horizon(9.0);
    let mut out = [0.0; 5];
    model.p_no_purchase_into(columns, weeks, &mut out).unwrap();
    let each: Vec<f64> = model.p_no_purchase_each(rows, weeks).collect();
    assert_eq!(out.map(f64::to_bits).to_vec(), each.iter().map(|p| p.to_bits()).collect::<Vec<_>>());
    assert_eq!(each[0].to_bits(), model.p_no_purchase(rows[0], weeks).to_bits());
    let refused = model.p_alive_into(columns, &mut [0.0; 2]).unwrap_err();
    assert_eq!(refused, ValueError::ColumnLength { column: "out", expected: 5, found: 2 });
}
