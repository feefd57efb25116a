//! Models judged on the real purchases of CDNOW: the published hold-out facts come out, from raw purchases on.
//!
//! Reference numbers besides the published ones are those of an independent calculation with `SciPy` at the exact maxima.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod cdnow;

use cdnow::{Cdnow, date, sample};
use patronage::Share;
use patronage::value::{
    BgNbd, CalibrationGroup, Comparison, FirstPurchase, Fit, HoldoutPeriod, Holdouts, JudgedModel,
    LikelihoodRatio, MbgNbd, ModelKind, ModelTest, Nbd, ParetoNbd, PurchaseModel, RepeatSpend, Summaries,
    TimeUnit, Tracking, Vuong, calibration_by_expectation, purchase_counts,
};

/// 39 weeks to fit to, and 39 to judge by.
fn holdouts() -> Holdouts {
    let period = HoldoutPeriod::new(date(1997, 9, 30), date(1998, 6, 30)).unwrap();
    Holdouts::from_log(sample().log(), Cdnow::CUSTOMERS, period, TimeUnit::WEEK).unwrap()
}

fn pareto(holdouts: &Holdouts) -> ParetoNbd {
    ParetoNbd::fit(holdouts.calibration().buyers().iter()).unwrap().into_model()
}

fn sure() -> Share {
    Share::new(0.95).unwrap()
}

#[track_caller]
fn close(ours: f64, published: f64, relative: f64) {
    assert!((ours / published - 1.0).abs() < relative, "{ours} instead of {published}");
}

/// The facts of the hold-out: 1,882 purchases, 70,976.39 dollars (`CLVTools`).
#[test]
fn what_customers_did() {
    let holdouts = holdouts();
    assert_eq!((holdouts.len(), holdouts.purchases().iter().sum::<u32>()), (2357, 1882));
    close(holdouts.spend().iter().sum(), 7_097_639.0, 1e-15);
    close(holdouts.horizon().length(), 39.0, 1e-15);
    assert_eq!((holdouts.calibration().after(), holdouts.after()), (6919 - 4960, 0));
    for (&next, &purchases) in holdouts.days_to_next().iter().zip(holdouts.purchases()) {
        assert_eq!(next.is_some(), purchases > 0);
        assert!(next.is_none_or(|days| (1..=273).contains(&days)));
    }
}

/// What each model expects of the hold-out and how far it is off: total, MAE, RMSE, and the sum of P(alive).
///
/// Peers, whose fits stop a little earlier, say MAE 1.0410 (NBD), .78545 (BG), .76478 (MBG), .75451 (Pareto) and RMSE
/// 1.60798 (BG), 1.60285 (Pareto).
#[test]
fn forecasts_of_the_holdout() {
    fn check<M: PurchaseModel>(fit: &Fit<M>, holdouts: &Holdouts, [expected, mae, rmse, alive]: [f64; 4]) {
        let errors = holdouts.errors(fit.model()).unwrap();
        close(errors.expected(), expected, 1e-7);
        close(errors.actual(), 1882.0, 1e-15);
        close(errors.mae(), mae, 1e-6);
        close(errors.rmse(), rmse, 1e-6);
        close(errors.relative_bias().unwrap(), expected / 1882.0 - 1.0, 1e-5);
        close(errors.bias(), (expected - 1882.0) / 2357.0, 1e-5);
        let sum: f64 = fit.model().p_alive_each(holdouts.calibration().buyers().iter()).sum();
        close(sum, alive, 1e-7);
    }

    let holdouts = holdouts();
    let buyers = || holdouts.calibration().buyers().iter();
    check(&Nbd::fit(buyers()).unwrap(), &holdouts, [2_929.820_30, 1.041_020_33, 1.859_522_62, 2357.0]);
    check(
        &BgNbd::fit(buyers()).unwrap(),
        &holdouts,
        [1_653.408_7, 0.785_454_237, 1.607_982_01, 1_917.277_67],
    );
    check(
        &MbgNbd::fit(buyers()).unwrap(),
        &holdouts,
        [1_576.728_30, 0.764_778_949, 1.607_182_66, 1_057.636_37],
    );
    let pareto = ParetoNbd::fit(buyers()).unwrap();
    check(&pareto, &holdouts, [1_665.513_11, 0.754_523_383, 1.602_848_00, 1_051.875_25]);

    // All expect less than came, and that is beyond chance.
    let bias = holdouts.errors(pareto.model()).unwrap().bias_estimate(sure()).unwrap();
    assert_eq!(format!("{bias:.3}"), "-0.092 [-0.156, -0.027] (95.0 %, n = 2357)");
}

/// Weeks 20 to 25 as in the BTYD walkthrough, asserted by `lifetimes` too.
#[test]
fn tracking_curve() {
    let holdouts = holdouts();
    let tracking = Tracking::from_log(sample().log(), Cdnow::CUSTOMERS).unwrap();
    assert_eq!(tracking.customers(), 2357);
    let weeks = tracking.curve(&pareto(&holdouts), TimeUnit::WEEK, 7, date(1998, 6, 30)).unwrap();
    assert_eq!(weeks.len(), 78);
    let six = &weeks[19..25];
    let cumulative: Vec<u64> = six.iter().map(|week| week.cumulative_actual).collect();
    assert_eq!(cumulative, [1359, 1414, 1484, 1517, 1573, 1672]);
    let expected: Vec<String> = six.iter().map(|week| format!("{:.0}", week.cumulative_expected)).collect();
    assert_eq!(expected, ["1309", "1385", "1460", "1533", "1604", "1674"]);
    let incremental: Vec<u64> = six.iter().map(|week| week.actual).collect();
    assert_eq!(incremental, [73, 55, 70, 33, 56, 99]);
    for (week, published) in six.iter().zip([78.31, 76.42, 74.65, 72.98, 71.41, 69.93]) {
        assert!((week.expected - published).abs() < 0.01, "{} {published}", week.expected);
    }
    // The cumulative repeat purchases that BTYD ships with its data (cu.tracking), here and there.
    for (week, made) in
        [(1, 0), (2, 19), (3, 42), (7, 261), (10, 504), (19, 1286), (27, 1800), (76, 4279), (78, 4339)]
    {
        assert_eq!(weeks[week - 1].cumulative_actual, made, "week {week}");
    }
    // Independent sums of the closed form of a new customer's expectation.
    close(weeks[38].cumulative_expected, 2_532.782, 1e-6);
    close(weeks[77].cumulative_expected, 4_275.388, 1e-6);
}

/// The table of the BTYD walkthrough: purchases in the hold-out by how often customers had bought again before.
#[test]
fn purchases_by_frequency() {
    let holdouts = holdouts();
    let groups = holdouts.by_frequency(&pareto(&holdouts), 7, sure()).unwrap();
    let published = [
        (1411, 0.237, 0.138),
        (439, 0.697, 0.600),
        (214, 1.393, 1.196),
        (100, 1.560, 1.714),
        (62, 2.532, 2.399),
        (38, 2.947, 2.907),
        (29, 3.862, 3.819),
        (64, 6.359, 6.403),
    ];
    assert_eq!(groups.len(), published.len());
    for ((group, (customers, actual, expected)), frequency) in groups.iter().zip(published).zip(0..) {
        assert_eq!((group.key(), group.customers()), (frequency, customers));
        assert!((group.actual().value() - actual).abs() < 6e-4, "{frequency}");
        assert!((group.expected() - expected).abs() < 1.1e-3, "{frequency}");
    }
    // Too little is expected of those who never came back; for the others chance explains it.
    let off: Vec<u32> = groups.iter().filter(|group| !group.agrees()).map(CalibrationGroup::key).collect();
    assert_eq!(off, [0]);
}

#[test]
fn calibration_by_decile() {
    let holdouts = holdouts();
    let model = pareto(&holdouts);
    let deciles = calibration_by_expectation(holdouts.forecasts(&model), 10, sure()).unwrap();
    assert_eq!(deciles.len(), 10);
    let total = |mean: fn(&CalibrationGroup<u32>) -> f64| {
        let of =
            |decile| f64::from(u32::try_from(CalibrationGroup::customers(decile)).unwrap()) * mean(decile);
        deciles.iter().map(of).sum::<f64>()
    };
    close(total(CalibrationGroup::expected), 1_665.513_11, 1e-7);
    close(total(|decile| decile.actual().value()), 1882.0, 1e-12);
    assert!(deciles.is_sorted_by(|one, next| one.expected() < next.expected()));
    assert!(deciles.iter().all(|decile| (220..=255).contains(&decile.customers())));
    // What sets the best apart from the rest is foreseen.
    assert!(deciles[9].agrees() && deciles[9].expected() > 30.0 * deciles[0].expected());
}

/// The figure of the literature: how many customers bought again so often by September, and how many BG/NBD says.
#[test]
fn counts_of_purchases() {
    let holdouts = holdouts();
    let buyers = holdouts.calibration().buyers();
    let fit = BgNbd::fit(buyers.iter()).unwrap();
    let counts = purchase_counts(fit.model(), buyers.iter(), 7).unwrap();
    let actual: Vec<u64> = counts.iter().map(|row| row.actual).collect();
    assert_eq!(actual, [1411, 439, 214, 100, 62, 38, 29, 64]);
    let expected = [
        1_407.684_348,
        460.323_462,
        192.461_414,
        101.164_196,
        59.847_079,
        38.119_705,
        25.549_108,
        71.850_688,
    ];
    for (row, expected) in counts.iter().zip(expected) {
        close(row.expected, expected, 1e-6);
    }
}

#[track_caller]
fn vuong(test: Option<ModelTest>) -> Vuong {
    match test {
        Some(ModelTest::Vuong(test)) => test,
        other => panic!("{other:?}"),
    }
}

#[test]
fn comparison_of_all_models() {
    let holdouts = holdouts();
    let comparison = Comparison::fit(holdouts.timed_buyers().iter()).unwrap();
    let kinds: Vec<ModelKind> = comparison.models().iter().map(JudgedModel::kind).collect();
    assert_eq!(kinds, ModelKind::ALL);
    let figures = |comparison: &Comparison, kind| {
        let judged = comparison.models().iter().find(|model| model.kind() == kind).unwrap();
        *judged.figures().unwrap()
    };
    for (kind, log_likelihood, size) in [
        (ModelKind::Nbd, -9_763.657_614_67, 2.0),
        (ModelKind::BgNbd, -9_582.429_206_67, 4.0),
        (ModelKind::MbgNbd, -9_582.135_715_55, 4.0),
        (ModelKind::ParetoNbd, -9_594.976_178_94, 4.0),
        (ModelKind::BgCnbd, -9_582.429_206_67, 5.0),
        (ModelKind::MbgCnbd, -9_582.135_715_55, 5.0),
    ] {
        let figures = figures(&comparison, kind);
        close(figures.log_likelihood, log_likelihood, 1e-11);
        close(figures.aic, 2.0 * size - 2.0 * log_likelihood, 1e-11);
        close(figures.bic, size * 2357_f64.ln() - 2.0 * log_likelihood, 1e-11);
        assert!(figures.holdout.is_none());
    }
    let recommended = comparison.recommendation().unwrap();
    assert_eq!(recommended.model(), ModelKind::MbgNbd);
    assert_eq!(recommended.as_good(), [ModelKind::BgNbd, ModelKind::ParetoNbd]);
    assert_eq!(recommended.because()[0].to_string(), "lowest_bic: 0.587 against 2");

    for (one, other, difference, z, p) in [
        (ModelKind::BgNbd, ModelKind::MbgNbd, -0.293_491_1, -0.077_200_36, 0.938_464_152),
        (ModelKind::MbgNbd, ModelKind::ParetoNbd, 12.840_463_4, 1.887_649_9, 0.059_072_99),
        (ModelKind::BgNbd, ModelKind::ParetoNbd, 12.546_972_3, 1.212_681_7, 0.225_251_56),
    ] {
        let test = vuong(comparison.test(one, other));
        close(test.difference(), difference, 1e-6);
        close(test.z(), z, 1e-6);
        close(test.p_value(), p, 1e-6);
        assert_eq!(vuong(comparison.test(other, one)), test.reversed());
    }
    let Some(ModelTest::LikelihoodRatio(test)) = comparison.test(ModelKind::ParetoNbd, ModelKind::Nbd) else {
        panic!("NBD is a case of Pareto/NBD");
    };
    close(test.statistic(), 2.0 * (9_763.657_614_67 - 9_594.976_178_94), 1e-9);
    assert!(test.p_value() < 1e-70 && !test.is_regular() && test.degrees() == 2);

    // By the purchases that followed the same model is used, for another reason.
    let comparison = comparison.with_holdout(holdouts.rows(), holdouts.horizon()).unwrap();
    for (kind, log_score) in [
        (ModelKind::Nbd, -1.063_593_650),
        (ModelKind::BgNbd, -0.984_455_100),
        (ModelKind::MbgNbd, -0.982_106_059),
        (ModelKind::ParetoNbd, -0.987_185_931),
    ] {
        let holdout = figures(&comparison, kind).holdout.unwrap();
        close(holdout.log_score, log_score, 2e-9);
        assert_eq!(holdout.errors.n(), 2357);
    }
    for (one, other, z) in [
        (ModelKind::MbgNbd, ModelKind::BgNbd, 1.368_906_4),
        (ModelKind::MbgNbd, ModelKind::ParetoNbd, 1.693_581_1),
        (ModelKind::MbgNbd, ModelKind::Nbd, 5.167_267_4),
    ] {
        close(comparison.holdout_test(one, other).unwrap().z(), z, 1e-6);
    }
    let reasons = |kind| {
        let judged = comparison.models().iter().find(|model| model.kind() == kind).unwrap();
        judged.because().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(comparison.recommendation().unwrap().model(), ModelKind::MbgNbd);
    assert_eq!(
        reasons(ModelKind::MbgNbd),
        [
            "highest_holdout_score: -0.9821 against -0.9845",
            "lowest_bic_of_as_good: 0.587 against 2",
            "fit_as_good: 0.9385 against 0.05"
        ]
    );
    assert_eq!(
        reasons(ModelKind::ParetoNbd),
        [
            "holdout_as_good: 0.0903 against 0.05",
            "higher_bic: 25.6809 against 2",
            "fit_as_good: 0.0591 against 0.05"
        ]
    );
    let nbd = reasons(ModelKind::Nbd);
    assert!(nbd[0].starts_with("holdout_worse: ") && nbd[2].starts_with("fit_worse: "), "{nbd:?}");
    assert_eq!(reasons(ModelKind::BgCnbd), ["same_as_plain_model"]);
    let best = comparison.best().unwrap();
    assert_eq!(best.kind(), ModelKind::MbgNbd);
    close(best.p_alive_each(holdouts.calibration().buyers().iter()).sum(), 1_057.636_37, 1e-8);
}

#[test]
fn nested_fits() {
    let holdouts = holdouts();
    let buyers = || holdouts.calibration().buyers().iter();
    let (nbd, pareto) = (Nbd::fit(buyers()).unwrap(), ParetoNbd::fit(buyers()).unwrap());
    let test = LikelihoodRatio::of(&nbd, &pareto).unwrap();
    close(test.statistic(), 337.362_872, 1e-8);
    // exp(-337.362.. / 2)
    close(test.p_value(), 5.528_193_8e-74, 1e-6);
    assert!(!test.is_regular());
    let others = BgNbd::fit(buyers().take(2000)).unwrap();
    assert!(LikelihoodRatio::of(&nbd, &others).is_err());
}

/// Over all 4,814 days with purchases until September customers paid 35.96 dollars a day.
#[test]
fn mean_spend_with_the_first_purchase() {
    let (log, as_of) = (sample(), date(1997, 9, 30));
    let all = FirstPurchase::Included;
    let found = Summaries::from_log_with(log.log(), Cdnow::CUSTOMERS, as_of, TimeUnit::WEEK, all).unwrap();
    let purchases: u32 = found.spends().iter().map(RepeatSpend::frequency).sum();
    assert_eq!(purchases, 4814);
    let total: f64 = found.spends().iter().map(|spend| f64::from(spend.frequency()) * spend.mean()).sum();
    close(total, 17_311_555.0, 1e-12);
}
