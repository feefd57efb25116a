#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "frequencies are read as whole numbers"
)]

use super::*;

/// 12 digits at the published parameters, from interval arithmetic.
#[test]
fn individual_values() {
    let rows = "\
        2 30.43 38.86 -9.4855513145 0.7062022651 1.2629606233
        1 1.71 38.86 -4.4603606126 0.1708364843 0.1888365414
        0 0.0 38.86 -0.5398374635 0.3897350809 0.1540127467
        7 29.43 38.86 -21.7765222489 0.6227238142 3.1675724323
        10 34.14 38.86 -27.2811163020 0.8025884315 5.6489191797
        26 30.86 31.0 -38.3221269478 0.9655661441 19.4507226522
        29 37.71 38.86 -44.9510595489 0.9412142335 18.1942236184";
    let model = MbgNbd::new(0.525, 6.183, 0.891, 1.614).unwrap();
    for row in rows.lines() {
        let cells: Vec<f64> = row.split_whitespace().map(|cell| cell.parse().unwrap()).collect();
        let buyer = Buyer::new(cells[0] as u32, cells[1], cells[2]).unwrap();
        assert!((model.log_likelihood(buyer) - cells[3]).abs() < 1e-10, "{buyer:?}");
        assert!((model.p_alive(buyer) - cells[4]).abs() < 1e-10, "{buyer:?}");
        let expected = model.expected_purchases(buyer, Horizon::new(39.0).unwrap());
        assert!((expected - cells[5]).abs() < 1e-10, "{buyer:?}");
    }
    for (t, expected) in
        [(1.0, "0.0530847953"), (3.0, "0.1508632886"), (6.0, "0.2813602240"), (39.0, "1.1829536656")]
    {
        assert_eq!(
            format!("{:.10}", model.expected_purchases_new(Horizon::new(t).unwrap())),
            expected,
            "{t}"
        );
    }
    // pymc-marketing's stability row.
    let harsh = MbgNbd::new(0.25, 4.0, 0.8, 2.5).unwrap();
    let row = Buyer::new(200, 38.0, 40.0).unwrap();
    assert!((harsh.log_likelihood(row) - 100.786_909_761_001_32).abs() < 1e-11);
}

#[test]
fn one_as_a_parameter_is_no_exception() {
    let row = Buyer::new(3, 20.0, 30.0).unwrap();
    let weeks = Horizon::new(39.0).unwrap();
    let at = |a: f64| MbgNbd::new(0.5, 6.0, a, 1.6).unwrap().expected_purchases(row, weeks);
    for away in [1e-3, 1e-6, 1e-9, 1e-12, 1e-15] {
        assert!((at(1.0 + away) / at(1.0) - 1.0).abs() < 10.0 * away + 1e-13, "{away}");
        assert!((at(1.0 - away) / at(1.0) - 1.0).abs() < 10.0 * away + 1e-13, "{away}");
    }
}

#[test]
fn refuses_data_and_parameters_that_say_nothing() {
    assert_eq!(MbgNbd::fit([]).unwrap_err(), FitError::NoCustomers);
    assert_eq!(MbgNbd::fit([Buyer::NEW]).unwrap_err(), FitError::NoRepeatPurchases { customers: 1 });
    let same = [Buyer::new(2, 3.0, 9.0).unwrap(); 50];
    assert_eq!(MbgNbd::fit(same).unwrap_err(), FitError::AllTheSame { customers: 50 });
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e31, 1e-31] {
        assert!(MbgNbd::new(wrong, 1.0, 1.0, 1.0).is_err() && MbgNbd::new(1.0, wrong, 1.0, 1.0).is_err());
        assert!(MbgNbd::new(1.0, 1.0, wrong, 1.0).is_err() && MbgNbd::new(1.0, 1.0, 1.0, wrong).is_err());
    }
    let text = serde_json::to_string(&MbgNbd::new(1.0, 2.0, 3.0, 4.0).unwrap()).unwrap();
    assert_eq!(text, r#"{"r":1.0,"alpha":2.0,"a":3.0,"b":4.0}"#);
    assert!(serde_json::from_str::<MbgNbd>(&text.replace("3.0", "-3.0")).is_err());
}
