use super::*;
use crate::value::Buyer;

fn timed(x: u32, recency: f64, age: f64, ln_intervals: f64) -> TimedBuyer {
    TimedBuyer::new(Buyer::new(x, recency, age).unwrap(), ln_intervals).unwrap()
}

/// Counts that are drawn, against the formulas; the overdue customer takes the long way to a wait.
#[test]
fn draws_follow_the_model() {
    let model = ParetoGgg::new(3.0, 1.2, 0.9, 5.0, 0.7, 8.0).unwrap();
    let stays = ParetoGgg::new(60.0, 10.0, 0.9, 5.0, 0.1, 80.0).unwrap();
    let horizon = Horizon::new(15.0).unwrap();
    for (model, buyer) in [
        (model, timed(3, 21.0, 30.0, 3.0 * libm::log(6.5))),
        (model, timed(0, 0.0, 6.0, 0.0)),
        (model, TimedBuyer::NEW),
        (stays, timed(4, 40.0, 66.0, 4.0 * libm::log(10.0))),
    ] {
        let mut random = Random::new(3);
        let fates = Fates::new(&model, buyer, Fineness::MIDDLE);
        let n = 20_000_u32;
        let draws: Vec<f64> = (0..n).map(|_| fates.draw(15.0, &mut random)).collect();
        let check = |of: &dyn Fn(f64) -> f64, truth: f64, what: &str| {
            let mean = draws.iter().map(|&draw| of(draw)).sum::<f64>() / f64::from(n);
            let square = draws.iter().map(|&draw| (of(draw) - mean).powi(2)).sum::<f64>() / f64::from(n);
            let error = (square / f64::from(n)).sqrt();
            assert!((mean - truth).abs() < 4.0 * error + 1e-6, "{buyer:?}, {what}: {mean} {truth} +-{error}");
        };
        check(&|draw| draw, model.expected_purchases(buyer, horizon), "mean");
        for count in 0..4 {
            let is = |draw: f64| f64::from(u8::from((draw - f64::from(count)).abs() < 0.5));
            check(&is, model.p_purchases(buyer, count, horizon), &format!("{count} purchases"));
        }
    }
}

#[test]
fn many_purchases_are_drawn_at_once() {
    let model = ParetoGgg::new(1e6, 5e5, 1e6, 1e6, 1e-3, 1e9).unwrap();
    let fates = Fates::new(&model, TimedBuyer::NEW, Fineness::MIDDLE);
    let mut random = Random::new(3);
    for time in [1e4, 1e6, 1e9] {
        let draw = fates.draw(time, &mut random);
        assert!((draw / time - 1.0).abs() < 0.02, "{time}: {draw}");
    }
    let never = ParetoGgg::new(1e-30, 1e30, 1e-30, 1e30, 1e30, 1e-30).unwrap();
    let fates = Fates::new(&never, TimedBuyer::NEW, Fineness::MIDDLE);
    assert!(fates.draw(1e30, &mut random) >= 0.0);
}

#[test]
fn totals_hold_the_expectation() {
    let model = ParetoGgg::new(3.0, 1.2, 0.9, 5.0, 0.7, 8.0).unwrap();
    let one = [timed(3, 21.0, 30.0, 3.0 * libm::log(6.5)), timed(0, 0.0, 6.0, 0.0), TimedBuyer::NEW];
    let buyers = || one.into_iter().cycle().take(60);
    let (horizon, level) = (Horizon::new(15.0).unwrap(), Share::new(0.9).unwrap());
    let found = model.predict_total(buyers(), horizon, level, 400, 7).unwrap();
    let truth: f64 = 20.0 * one.iter().map(|&buyer| model.expected_purchases(buyer, horizon)).sum::<f64>();
    assert!((found.mean() - truth).abs() < 4.0 * found.standard_deviation() / 20.0, "{found} {truth}");
    assert!(found.lower() < truth && truth < found.upper(), "{found} {truth}");
    // The order changes nothing, the seed does.
    let backwards: Vec<TimedBuyer> = buyers().collect();
    let backwards = backwards.into_iter().rev();
    assert_eq!(model.predict_total(backwards, horizon, level, 400, 7).unwrap(), found);
    assert_ne!(model.predict_total(buyers(), horizon, level, 400, 8).unwrap(), found);
    assert!(model.predict_total(buyers(), horizon, level, 99, 7).is_err());
    assert!(model.predict_total(buyers(), horizon, Share::ONE, 400, 7).is_err());
    let none = model.predict_total([], horizon, level, 400, 7).unwrap();
    assert_eq!((none.mean().to_bits(), none.upper().to_bits()), (0, 0));
}
