use super::*;
use crate::value::*;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

const SAVED: &str = r#"{"version":1,"model":"bg_nbd","parameters":{"r":0.24259452,"alpha":4.413602,"a":0.792922,"b":2.4259068},"covariance":[0.00015768830476,0.003926,-0.00046,-0.0016,0.14305339,-0.0137,-0.0494,0.034497,0.1223,0.4976],"log_likelihood":-9582.42920667,"log_prior":0.0,"customers":2357,"choices":0,"diagnostics":{"iterations":7,"starts":1,"gradient_norm":1.2e-11,"condition":1234.5}}"#;

/// To the last bit, in a few hundred bytes.
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(fit: &T, longest: usize) {
    let text = serde_json::to_string(fit).unwrap();
    assert!(text.len() < longest, "{} bytes: {text}", text.len());
    let again: T = serde_json::from_str(&text).unwrap();
    assert_eq!(&again, fit);
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    let value: T = serde_json::from_value(serde_json::to_value(fit).unwrap()).unwrap();
    assert_eq!(&value, fit);
}

#[test]
fn every_fit_comes_back_to_the_last_bit() {
    let all = sample::customers(1, 400, 0.3, 1.0, 0.05);
    comes_back(&Nbd::fit(all.iter().copied()).unwrap(), 400);
    comes_back(&MbgNbd::fit(all.iter().copied()).unwrap(), 700);
    comes_back(&ParetoNbd::fit(all.iter().copied()).unwrap(), 700);
    comes_back(&MbgCnbd::fit_with(2, all.iter().copied()).unwrap(), 700);
    let priors = Priors::around(&BgNbd::new(0.5, 10.0, 0.8, 2.4).unwrap(), 1.0).unwrap();
    comes_back(&BgNbd::fit_with_priors(all.iter().copied(), &priors).unwrap(), 700);
    let timed = all.iter().copied().map(sample::timed);
    let regular = BgCnbd::fit_with_priors(timed, &priors).unwrap();
    assert_eq!(regular.degrees_of_freedom(), 5);
    comes_back(&regular, 700);
    let spends = (1..40_u32).map(|i| RepeatSpend::new(1 + i % 4, 10.0 + f64::from(i * i % 37)).unwrap());
    comes_back(&GammaGamma::fit(spends).unwrap(), 700);

    let (frequency, recency): (Vec<u32>, Vec<f64>) =
        all.iter().map(|row| (row.frequency(), row.recency())).unzip();
    let age: Vec<f64> = all.iter().map(|row| row.age()).collect();
    let web: Vec<f64> = (0..400).map(|i| f64::from(i * i % 3)).collect();
    let columns = CovariateBuyers::new(
        Buyers::new(&frequency, &recency, &age).unwrap(),
        Covariates::new(&[("web", &web)]).unwrap(),
        Covariates::NONE,
    );
    let fit = WithCovariates::<ParetoNbd>::fit(&columns.unwrap()).unwrap();
    comes_back(&fit, 1000);
    let text = serde_json::to_string(&fit).unwrap();
    assert!(
        text.starts_with(r#"{"version":1,"model":"pareto_nbd_with_covariates","parameters":{"base":{"r":"#),
        "{text}"
    );
    assert!(text.contains(r#""transaction":[{"covariate":"web","value":"#), "{text}");
}

/// What was written once is read for ever, and written the same.
#[test]
fn the_format_is_kept() {
    let fit: Fit<BgNbd> = serde_json::from_str(SAVED).unwrap();
    assert_eq!(serde_json::to_string(&fit).unwrap(), SAVED);
    assert_eq!(fit.model(), &BgNbd::new(0.242_594_52, 4.413_602, 0.792_922, 2.425_906_8).unwrap());
    assert_eq!(fit.parameters()[1].name, "alpha");
    assert_eq!((fit.customers(), fit.degrees_of_freedom(), fit.log_prior().to_bits()), (2357, 4, 0));
    assert!((fit.parameters()[0].standard_error - 0.012_557_4).abs() < 1e-6);
    assert_eq!(fit.covariance(3, 2), Some(0.1223));
    assert_eq!(fit.diagnostics().iterations, 7);

    let correlation = r#"{"value":0.1,"lower":-0.1,"upper":0.3,"level":0.95,"n":40}"#;
    let spend = SAVED.replace("bg_nbd", "gamma_gamma").replace(
        r#""r":0.24259452,"alpha":4.413602,"a":0.792922,"b":2.4259068"#,
        r#""p":6.25,"q":3.74,"v":15.44"#,
    );
    let spend = spend.replace(
        "0.00015768830476,0.003926,-0.00046,-0.0016,0.14305339,-0.0137,-0.0494,0.034497,0.1223,0.4976",
        "1.0,0.1,0.1,1.0,0.1,1.0",
    );
    let saved = format!(r#"{{"fit":{spend},"correlation":{correlation}}}"#);
    let fit: GammaGammaFit = serde_json::from_str(&saved).unwrap();
    assert_eq!(serde_json::to_string(&fit).unwrap(), saved);
    assert!(serde_json::from_str::<GammaGammaFit>(&saved.replace("-0.1", "0.2")).is_err());
}

#[test]
fn refuses_what_is_no_fit() {
    let refused = |text: &str| serde_json::from_str::<Fit<BgNbd>>(text).unwrap_err().to_string();
    let said = refused(&SAVED.replace(r#""version":1"#, r#""version":2"#));
    assert!(
        said.starts_with(
            "fit.version: must be 1, the only version of a saved fit that this release reads, got `2`"
        ),
        "{said}"
    );
    // Before what another version may hold is looked at.
    let said = refused(r#"{"version":7,"something":"else"}"#);
    assert!(said.starts_with("fit.version"), "{said}");
    let said = serde_json::from_str::<Fit<MbgNbd>>(SAVED).unwrap_err().to_string();
    assert!(
        said.starts_with("fit.model: must be the model that is asked for, got `bg_nbd instead of mbg_nbd`"),
        "{said}"
    );
    for (from, to, field) in [
        ("0.792922", "-0.792922", "bg_nbd.a"),
        ("0.00015768830476,", "", "fit.covariance"),
        ("0.00015768830476,", "0.0,", "fit.covariance"),
        ("0.00015768830476,", "-1.0,", "fit.covariance"),
        ("0.003926", "0.1", "fit.covariance"),
        ("0.1223", "null", "invalid type"),
        ("0.1223", "1e999", "number out of range"),
        ("2357", "0", "fit.customers"),
        ("\"choices\":0,", "", "missing field `choices`"),
        ("\"choices\":0,", "\"choices\":0,\"more\":1,", "unknown field"),
        ("\"b\":2.4259068", "\"s\":2.4259068", "missing field `b`"),
    ] {
        let said = refused(&SAVED.replacen(from, to, 1));
        assert!(said.starts_with(field), "{to}: {said}");
    }
}
