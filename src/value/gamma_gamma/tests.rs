use super::*;
use proptest::prelude::*;

fn spend(frequency: u32, mean: f64) -> RepeatSpend {
    RepeatSpend::new(frequency, mean).unwrap()
}

/// From interval arithmetic at the published parameters.
#[test]
fn individual_values() {
    let model = GammaGamma::new(6.25, 3.74, 15.44).unwrap();
    for (x, mean, expected) in [
        (2, 22.35, 24.663_713_910_761_153),
        (1, 11.77, 18.916_852_057_842_046),
        (7, 73.74, 71.469_670_896_967_09),
    ] {
        assert!((model.expected_spend(spend(x, mean)) / expected - 1.0).abs() < 1e-14);
    }
    assert!((model.mean_spend() / 35.218_978_102_189_78 - 1.0).abs() < 1e-14);
    assert_eq!(model.expected_spend(RepeatSpend::NONE).to_bits(), model.mean_spend().to_bits());
}

#[test]
fn slopes_are_the_derivatives() {
    let rows = Rows::of([spend(1, 20.0), spend(1, 5.0), spend(3, 40.0), spend(12, 31.0)], false).unwrap();
    let at = [5.0, 3.0, 14.0];
    let model = |x: [f64; 3]| GammaGamma { p: x[0], q: x[1], v: x[2] };
    let here = model(at).slopes(&rows);
    for i in 0..3 {
        let step = 1e-5 * at[i];
        let (mut up, mut down) = (at, at);
        up[i] += step;
        down[i] -= step;
        let (up, down) = (model(up).slopes(&rows), model(down).slopes(&rows));
        let slope = (up.value - down.value) / (2.0 * step);
        assert!((slope - here.gradient[i]).abs() < 1e-7 * (1.0 + slope.abs()), "{i}: {slope}");
        for j in 0..3 {
            let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * step);
            assert!((bend - here.hessian.at(i, j)).abs() < 1e-6 * (1.0 + bend.abs()), "{i} {j}: {bend}");
        }
    }
    let sum: f64 = [spend(1, 20.0), spend(1, 5.0), spend(3, 40.0), spend(12, 31.0)]
        .into_iter()
        .filter_map(|row| model(at).log_likelihood(row))
        .sum();
    assert!((sum / here.value - 1.0).abs() < 1e-14);
}

#[test]
fn refuses_data_that_say_nothing() {
    assert_eq!(GammaGamma::fit([]).unwrap_err(), FitError::NoCustomers);
    assert_eq!(
        GammaGamma::fit([RepeatSpend::NONE]).unwrap_err(),
        FitError::NoRepeatPurchases { customers: 1 }
    );
    assert_eq!(GammaGamma::fit([spend(2, 5.0); 9]).unwrap_err(), FitError::AllTheSame { customers: 9 });
    assert_eq!(GammaGamma::fit([spend(2, 5.0)]).unwrap_err(), FitError::AllTheSame { customers: 1 });
    let refused = GammaGamma::fit([spend(2, 5.0), RepeatSpend::NONE, spend(1, 0.0)]).unwrap_err();
    assert_eq!(refused, FitError::NothingSpent { row: 2 });
    // Means so far apart that no mean of all exists: q runs to 1.
    let wild = (0..40_u32).map(|i| spend(1 + i % 3, 10_f64.powf(f64::from(i / 2))));
    let refused = GammaGamma::fit(wild).unwrap_err();
    assert!(matches!(&refused, FitError::Boundary { parameter, .. } if parameter == "q"), "{refused:?}");
    assert!(GammaGamma::new(1.0, 1.0, 1.0).is_err() && GammaGamma::new(1.0, f64::NAN, 1.0).is_err());
}

#[test]
fn warns_when_spend_depends_on_frequency() {
    let rows = |tilt: f64| {
        (0..5 * 397_u32).map(move |i| {
            let frequency = 1 + i / 397;
            // Means with a long tail, purchases scattered around them, both tilted by the frequency.
            let share = |step: u32| f64::from((i * step) % 397) / 397.0;
            let mean = 20.0 * (0.05 + share(7919)).powf(-0.4);
            let scatter = mean * (1.0 + (share(104_729) - 0.5) * 1.2 / f64::from(frequency).sqrt());
            spend(frequency, scatter * (1.0 + tilt * f64::from(frequency)))
        })
    };
    let even = GammaGamma::fit(rows(0.0)).unwrap();
    assert!(!even.dependent(), "{:?}", even.correlation());
    let tilted = GammaGamma::fit(rows(0.5)).unwrap();
    assert!(tilted.dependent() && tilted.correlation().unwrap().value() > 0.3);
}

proptest! {
    #[test]
    fn three_doors_agree_to_the_last_bit(
        rows in prop::collection::vec((0_u32..5, 0.0..1e6_f64), 0..20),
        p in 0.01..100.0_f64, q in 1.001..100.0_f64, v in 0.01..1e6_f64,
    ) {
        let model = GammaGamma::new(p, q, v).unwrap();
        let rows: Vec<RepeatSpend> =
            rows.into_iter().map(|(x, mean)| spend(x, if x == 0 { 0.0 } else { mean })).collect();
        let frequency: Vec<u32> = rows.iter().map(|row| row.frequency()).collect();
        let mean: Vec<f64> = rows.iter().map(|row| row.mean()).collect();
        let mut out = vec![0.0; rows.len()];
        model.expected_spend_into(RepeatSpends::new(&frequency, &mean).unwrap(), &mut out).unwrap();
        let each: Vec<f64> = model.expected_spend_each(rows.iter().copied()).collect();
        for ((out, each), row) in out.iter().zip(&each).zip(&rows) {
            prop_assert_eq!(out.to_bits(), each.to_bits());
            prop_assert_eq!(out.to_bits(), model.expected_spend(*row).to_bits());
            prop_assert!(*out > 0.0 && out.is_finite());
            // Between the own mean and that of all.
            let (low, high) = if row.frequency() == 0 {
                (model.mean_spend(), model.mean_spend())
            } else {
                (row.mean().min(model.mean_spend()), row.mean().max(model.mean_spend()))
            };
            prop_assert!(*out >= low * (1.0 - 1e-12) && *out <= high * (1.0 + 1e-12));
        }
        prop_assert!(model.expected_spend_into(RepeatSpends::new(&frequency, &mean).unwrap(), &mut vec![0.0; 99]).is_err());
    }
}
