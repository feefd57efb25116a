use super::*;
use crate::value::PurchaseForecast;

fn buyer(x: u32, recency: f64, age: f64) -> Buyer {
    Buyer::new(x, recency, age).unwrap()
}

#[test]
fn slopes_are_the_derivatives() {
    let rows = [(0, 0.0, 38.0), (0, 0.0, 3.5), (1, 1.7, 38.0), (4, 20.0, 20.0), (40, 9.0, 38.0)];
    let all = rows.map(|(x, recency, age)| buyer(x, recency, age));
    let rows = DistinctRows::of(all).unwrap();
    let at = [0.7, 5.0];
    let model = |p: [f64; 2]| Nbd { r: p[0], alpha: p[1] };
    let here = model(at).slopes(&rows);
    let sum: f64 = model(at).log_likelihood_each(all).sum();
    assert!((here.value / sum - 1.0).abs() < 1e-14);
    for i in 0..2 {
        let step = 1e-5 * at[i];
        let (mut up, mut down) = (at, at);
        up[i] += step;
        down[i] -= step;
        let (up, down) = (model(up).slopes(&rows), model(down).slopes(&rows));
        let slope = (up.value - down.value) / (2.0 * step);
        assert!((slope - here.gradient[i]).abs() < 1e-7 * (1.0 + slope.abs()), "{i}: {slope}");
        for j in 0..2 {
            let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * step);
            assert!((bend - here.hessian.at(i, j)).abs() < 1e-6 * (1.0 + bend.abs()), "{i} {j}: {bend}");
        }
    }
}

#[test]
fn nobody_leaves() {
    let model = Nbd::new(0.5, 10.0).unwrap();
    let row = buyer(2, 10.0, 30.0);
    assert!((model.p_alive_after(row, Horizon::new(1e6).unwrap()) - 1.0).abs() < 1e-15);
    // A rate of (r + x) / (alpha + T) for ever, and twice that time till an event at half of the rate.
    let residual = model.discounted_residual_purchases(row, crate::value::Discount::try_from(0.01).unwrap());
    assert!((residual - 2.5 / 40.0 / 0.01).abs() < 1e-12);
    assert!(model.discounted_residual_purchases(row, crate::value::Discount::NONE).is_infinite());
}

#[test]
fn refuses_customers_who_differ_by_chance_alone() {
    let alike = (1..40).map(|i| buyer(9 + i % 3, 39.0, 40.0));
    let refused = Nbd::fit(alike).unwrap_err();
    assert!(matches!(&refused, FitError::Boundary { parameter, .. } if parameter == "r"), "{refused:?}");
    assert_eq!(Nbd::fit([]).unwrap_err(), FitError::NoCustomers);
    assert!(Nbd::new(0.0, 1.0).is_err() && Nbd::new(1.0, f64::NAN).is_err());
    let text = serde_json::to_string(&Nbd::new(1.0, 2.0).unwrap()).unwrap();
    assert!(serde_json::from_str::<Nbd>(&text.replace("2.0", "0.0")).is_err());
}
