//! Drivers of real outcomes, against what other programs say of the same data.

#![expect(clippy::excessive_precision, reason = "the references with the digits they were given")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step must fail the test")]

#[path = "support/logs.rs"]
mod logs;

use patronage::Tag;
use patronage::pain::{Decomposition, DriverOptions, DriverTable, PainError};

/// The columns of a CSV file of the folder of logs, by their names.
fn columns(file: &str, names: &[&str], value: impl Fn(&str) -> f64) -> Option<Vec<Vec<f64>>> {
    let mut reader = csv::Reader::from_reader(logs::open(file)?);
    let header = reader.headers().unwrap().clone();
    let places: Vec<usize> =
        names.iter().map(|name| header.iter().position(|column| column == *name).unwrap()).collect();
    let mut columns = vec![Vec::new(); names.len()];
    for record in reader.records() {
        let record = record.unwrap();
        for (column, &place) in columns.iter_mut().zip(&places) {
            column.push(value(&record[place]));
        }
    }
    Some(columns)
}

fn table(names: &[&str], columns: &[Vec<f64>]) -> DriverTable {
    let tags = names.iter().map(|name| Tag::new(&name.to_lowercase()).unwrap());
    DriverTable::from_columns(tags.zip(columns.iter().map(Vec::as_slice))).unwrap()
}

fn close(seen: f64, expected: f64, within: f64) {
    assert!((seen / expected - 1.0).abs() <= within, "{seen} {expected}");
}

/// Parts of R² as `relaimpo` of R prints them (`calc.relimp(..., type = "lmg")`) and, for Johnson's weights, as computed
/// with `NumPy`; coefficients, standard errors and p-values as `summary(lm(Fertility ~ .))` prints them, with further
/// digits by mpmath.
#[test]
fn fertility_of_swiss_provinces() {
    const NAMES: [&str; 5] = ["Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality"];
    const LMG: [f64; 5] = [0.057_091_22, 0.171_173_03, 0.260_134_68, 0.105_570_15, 0.112_765_92];
    const JOHNSON: [f64; 5] = [0.048_416_90, 0.154_708_25, 0.271_964_10, 0.114_680_03, 0.116_965_72];
    const FITTED: [(f64, f64, f64); 5] = [
        (-0.172_113_970_941_455_3, 0.070_303_923_178_648_08, 0.018_727_154_385_175_44),
        (-0.258_008_239_834_723_9, 0.253_878_200_892_098_4, 0.315_461_723_143_725_8),
        (-0.870_940_062_939_424_1, 0.183_028_601_571_258_9, 2.430_604_590_737_897e-5),
        (0.104_115_330_743_767_5, 0.035_257_852_536_168_94, 0.005_190_078_545_165_91),
        (1.077_048_140_690_986, 0.381_719_650_858_071_3, 0.007_335_715_320_601_576),
    ];
    let mut all = NAMES.to_vec();
    all.push("Fertility");
    let Some(mut read) = columns("../insight/drivers/swiss.csv", &all, |cell| cell.parse().unwrap()) else {
        return;
    };
    let fertility = read.pop().unwrap();
    let drivers = table(&NAMES, &read);
    for (decomposition, printed) in [(Decomposition::Lmg, LMG), (Decomposition::Johnson, JOHNSON)] {
        let found = drivers.key_drivers(&fertility, decomposition, &DriverOptions::default()).unwrap();
        for (driver, ((part, fitted), name)) in
            found.drivers().iter().zip(printed.into_iter().zip(FITTED).zip(NAMES))
        {
            assert_eq!(driver.driver().as_str(), name.to_lowercase());
            assert!((driver.importance().value() - part).abs() < 5.1e-9, "{driver:?} {part}");
            close(driver.coefficient().value(), fitted.0, 1e-12);
            close(driver.standard_error(), fitted.1, 1e-12);
            close(driver.p_value(), fitted.2, 1e-11);
        }
        let sum: f64 = found.drivers().iter().map(|driver| driver.importance().value()).sum();
        assert!((sum - found.r_squared()).abs() < 1e-12);
        assert!((found.r_squared() - 0.706_735).abs() < 5e-7);
        close(found.intercept(), 66.915_181_678_968_72, 1e-12);
        assert_eq!((found.rows(), found.left_out(), found.failed_replicates()), (47, 0, 0));
        // Relative to 1000 replicates of 47 rows: wide, and around the figure.
        let education = found.drivers()[2].importance();
        assert!(education.lower() > 0.05 && education.upper() < 0.6, "{education}");
    }
}

/// Which customers left a telephone company: 7,043 customers. Expected numbers: Newton's method in mpmath with 30 digits.
#[test]
fn churn_of_a_telephone_company() {
    const NAMES: [&str; 5] = ["tenure", "MonthlyCharges", "Contract", "TechSupport", "SeniorCitizen"];
    const FITTED: [(f64, f64); 5] = [
        (-0.037_764_059_026_417_874, 0.002_037_692_448_195_933_6),
        (0.029_752_954_110_769_968, 0.001_381_463_912_129_897_7),
        (1.120_117_641_410_113_9, 0.097_189_824_467_039_175),
        (-0.604_564_143_111_677_5, 0.082_426_628_084_242_34),
        (0.416_911_712_807_534_38, 0.081_365_595_337_064_596),
    ];
    let mut all = NAMES.to_vec();
    all.push("Churn");
    let value = |cell: &str| match cell {
        "Yes" | "Month-to-month" => 1.0,
        "No" | "One year" | "Two year" | "No internet service" => 0.0,
        number => number.parse().unwrap(),
    };
    let Some(mut read) = columns("telco_churn.csv.gz", &all, value) else { return };
    let left: Vec<bool> = read.pop().unwrap().into_iter().map(|churn| churn > 0.5).collect();
    let drivers = table(&NAMES, &read);
    let found = drivers.odds_ratios(&left, &DriverOptions::default()).unwrap();
    assert_eq!((found.rows(), found.hits(), found.left_out()), (7043, 1869, 0));
    close(found.intercept().value(), -2.751_767_025_113_683_3, 1e-11);
    close(found.intercept_standard_error(), 0.124_046_277_178_628_58, 1e-11);
    for (driver, (coefficient, error)) in found.drivers().iter().zip(FITTED) {
        close(driver.coefficient().value(), coefficient, 1e-11);
        close(driver.standard_error(), error, 1e-11);
    }
    close(found.log_likelihood(), -3_044.713_722_954_885_3, 1e-13);
    close(found.null_deviance(), 2.0 * 4_075.072_949_509_806_4, 1e-13);
    // By itself a contract by the month multiplies the odds by (1655 / 2220) / (214 / 2954); part of that is tenure.
    let contract = found.drivers()[2];
    close(contract.crude().unwrap().value(), 1655.0 * 2954.0 / (2220.0 * 214.0), 1e-13);
    assert!(contract.odds_ratio().unwrap().upper() < contract.crude().unwrap().lower());

    // No fibre, no DSL and no internet at all add up to one: the third says nothing new.
    let Some(internet) = columns("telco_churn.csv.gz", &["InternetService"], |cell| match cell {
        "DSL" => 0.0,
        "Fiber optic" => 1.0,
        _ => 2.0,
    }) else {
        return;
    };
    let flag =
        |of: f64| internet[0].iter().map(|&kind| f64::from(u8::from((kind - of).abs() < 0.5))).collect();
    let flags: Vec<Vec<f64>> = vec![flag(0.0), flag(1.0), flag(2.0)];
    let refused =
        table(&["dsl", "fibre", "none"], &flags).odds_ratios(&left, &DriverOptions::default()).unwrap_err();
    assert_eq!(refused, PainError::CollinearDriver { driver: Tag::literal("none") });
}
