//! The value models on the real purchases of CDNOW: the published numbers come out, from raw purchases on.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

mod cdnow;

use cdnow::{Cdnow, date, sample};
use chrono::NaiveDate;
use patronage::purchase::PurchaseHistory;
use patronage::value::{
    BgCnbd, BgNbd, Buyer, Discount, Fit, GammaGamma, Horizon, LifetimeValue, MbgCnbd, MbgNbd, Nbd, ParetoNbd,
    Prior, Priors, PurchaseModel, Summaries, TimeUnit, TimedBuyer,
};
use patronage::{Money, Share};

fn summaries(as_of: NaiveDate) -> Summaries {
    Summaries::from_log(sample().log(), Cdnow::CUSTOMERS, as_of, TimeUnit::WEEK).unwrap()
}

fn close(ours: f64, published: f64, relative: f64) {
    assert!((ours / published - 1.0).abs() < relative, "{ours} instead of {published}");
}

/// Independent fits with a high-precision likelihood; published in Fader, Hardie and Lee (2005) to three digits.
#[test]
fn bg_nbd_on_cdnow() {
    let summaries = summaries(date(1997, 9, 30));
    assert_eq!((summaries.len(), summaries.without_purchase()), (2357, 0));
    let fit = BgNbd::fit(summaries.buyers().iter()).unwrap();
    let published = [
        (0.242_594_522, 0.012_557_4),
        (4.413_602_02, 0.378_224),
        (0.792_922_017, 0.185_734),
        (2.425_906_78, 0.705_415),
    ];
    for (parameter, (value, standard_error)) in fit.parameters().iter().zip(published) {
        close(parameter.value, value, 1e-6);
        close(parameter.standard_error, standard_error, 1e-4);
    }
    close(fit.log_likelihood(), -9_582.429_206_67, 1e-10);
    assert_eq!((fit.customers(), fit.diagnostics().starts), (2357, 1));
    assert!(fit.diagnostics().gradient_norm < 1e-8, "{:?}", fit.diagnostics());
    close(fit.aic(), 8.0 + 2.0 * 9_582.429_206_67, 1e-10);
    close(fit.bic(), 4.0 * 2357_f64.ln() + 2.0 * 9_582.429_206_67, 1e-10);
    assert_eq!(fit.covariance(0, 4), None);
    close(fit.covariance(1, 1).unwrap().sqrt(), 0.378_224, 1e-4);
    let sum: f64 = fit.model().log_likelihood_each(summaries.buyers().iter()).sum();
    close(sum, fit.log_likelihood(), 1e-12);

    // The hold-out forecast: 39 weeks in which 1,882 purchases were made.
    let horizon = Horizon::new(39.0).unwrap();
    let mut out = vec![0.0; summaries.len()];
    fit.model().expected_purchases_into(summaries.buyers(), horizon, &mut out).unwrap();
    // Peers, whose fits stop a little earlier, say 1653.39; this is the sum of mpmath at the optimum.
    close(out.iter().sum::<f64>(), 1653.4087, 1e-7);
    fit.model().p_alive_into(summaries.buyers(), &mut out).unwrap();
    assert_eq!(format!("{:.3}", out.iter().sum::<f64>()), "1917.278");
}

/// Purchases in the 39 weeks after the fit, by customer; 1,882 in all.
fn later_purchases() -> Vec<u32> {
    let (until, later) = (summaries(date(1997, 9, 30)), summaries(date(1998, 6, 30)));
    later.frequency().iter().zip(until.frequency()).map(|(all, before)| all - before).collect()
}

/// Holds a fit against an optimum with standard errors, the sum of what was expected in 39 weeks, the mean absolute
/// error of that, and the sum of P(alive).
///
/// Peers say 1576.71, .76478 and 1057.632 for the MBG/NBD, and 1665.43 to 1665.69, .75451 and 1051.68 to 1051.97 for
/// the Pareto/NBD model, because their fits stop a little earlier; these are the sums of mpmath at the optimum.
fn check<M: PurchaseModel>(
    fit: &Fit<M>,
    summaries: &Summaries,
    optimum: &[(f64, f64)],
    log_likelihood: f64,
    [expected, error, alive]: [f64; 3],
) {
    assert_eq!(fit.parameters().len(), optimum.len());
    for (parameter, &(value, standard_error)) in fit.parameters().iter().zip(optimum) {
        close(parameter.value, value, 1e-6);
        close(parameter.standard_error, standard_error, 1e-4);
    }
    close(fit.log_likelihood(), log_likelihood, 1e-10);
    assert!(
        fit.diagnostics().gradient_norm < 1e-6 && fit.diagnostics().starts == 1,
        "{:?}",
        fit.diagnostics()
    );
    let buyers = summaries.buyers();
    let sum: f64 = fit.model().log_likelihood_each(buyers.iter()).sum();
    close(sum, fit.log_likelihood(), 1e-12);
    let horizon = Horizon::new(39.0).unwrap();
    let forecast: Vec<f64> = fit.model().expected_purchases_each(buyers.iter(), horizon).collect();
    close(forecast.iter().sum(), expected, 1e-7);
    let actual = later_purchases();
    assert_eq!(actual.iter().sum::<u32>(), 1882);
    let off: f64 = forecast.iter().zip(&actual).map(|(ours, &theirs)| (ours - f64::from(theirs)).abs()).sum();
    close(off / 2357.0, error, 1e-5);
    close(fit.model().p_alive_each(buyers.iter()).sum(), alive, 1e-7);
}

#[test]
fn mbg_nbd_on_cdnow() {
    let summaries = summaries(date(1997, 9, 30));
    let fit = MbgNbd::fit(summaries.buyers().iter()).unwrap();
    let optimum = [
        (0.524_843_159, 0.083_267_6),
        (6.183_085_28, 0.695_617),
        (0.891_359_391, 0.154_789),
        (1.614_002_24, 0.537_491),
    ];
    check(&fit, &summaries, &optimum, -9_582.135_715_55, [1_576.728_301_6, 0.764_778_949, 1_057.636_370]);
}

#[test]
fn pareto_nbd_on_cdnow() {
    let summaries = summaries(date(1997, 9, 30));
    let fit = ParetoNbd::fit(summaries.buyers().iter()).unwrap();
    let optimum = [
        (0.553_277_047, 0.047_628_5),
        (10.577_683_5, 0.842_726),
        (0.606_239_989, 0.187_291),
        (11.668_735_3, 6.211_44),
    ];
    check(&fit, &summaries, &optimum, -9_594.976_178_94, [1_665.513_106_8, 0.754_523_383, 1_051.875_248]);
}

#[test]
fn nbd_on_cdnow() {
    let summaries = summaries(date(1997, 9, 30));
    let fit = Nbd::fit(summaries.buyers().iter()).unwrap();
    let optimum = [(0.384_766_136, 0.020_985_4), (12.072_022_8, 0.808_724)];
    check(&fit, &summaries, &optimum, -9_763.657_615, [2_929.820_295_6, 1.041_020_328, 2357.0]);
    // The likelihood of the counts alone.
    let ln_factorial = |x: u32| (1..=x).map(|i| f64::from(i).ln()).sum::<f64>();
    let counts: f64 = summaries
        .buyers()
        .iter()
        .map(|buyer| f64::from(buyer.frequency()) * buyer.age().ln() - ln_factorial(buyer.frequency()))
        .sum();
    close(fit.log_likelihood() + counts, -3_193.058_675_16, 1e-10);
}

/// `BTYDplus` finds no regularity in CDNOW either, and then both are the plain models.
#[test]
fn no_regularity_on_cdnow() {
    let log = sample();
    let mut histories = vec![PurchaseHistory::new(patronage::Currency::USD); 2357];
    for ((&customer, &day), &cents) in log.customer.iter().zip(&log.day).zip(&log.cents) {
        let date = NaiveDate::default() + chrono::Days::new(u64::try_from(day).unwrap());
        // Days on which a CD was free count as days of purchases.
        let money = Money::new(cents, patronage::Currency::USD);
        histories[customer as usize].push_on(date, money).unwrap();
    }
    let as_of = date(1997, 9, 30);
    let timed: Vec<TimedBuyer> =
        histories.iter().map(|history| TimedBuyer::of(history, as_of, TimeUnit::WEEK).unwrap()).collect();
    let plain = MbgNbd::fit(timed.iter().map(TimedBuyer::buyer)).unwrap();
    let regular = MbgCnbd::fit(timed.iter().copied()).unwrap();
    assert_eq!(regular.model().k(), 1);
    close(regular.log_likelihood(), plain.log_likelihood(), 1e-14);
    close(regular.model().b(), plain.model().b(), 1e-12);
    assert_eq!(BgCnbd::fit(timed.iter().copied()).unwrap().model().k(), 1);
}

#[test]
fn order_copies_and_units_change_nothing_else() {
    let summaries = summaries(date(1997, 9, 30));
    let fit = BgNbd::fit(summaries.buyers().iter()).unwrap();
    let mut backwards: Vec<Buyer> = summaries.buyers().iter().collect();
    backwards.reverse();
    let again = BgNbd::fit(backwards.iter().copied()).unwrap();
    assert_eq!(again, fit);

    // Every customer twice: the same parameters, errors smaller by the root of two.
    let twice = BgNbd::fit(summaries.buyers().iter().chain(summaries.buyers().iter())).unwrap();
    for (twice, once) in twice.parameters().iter().zip(fit.parameters()) {
        close(twice.value, once.value, 1e-9);
        close(twice.standard_error * 2_f64.sqrt(), once.standard_error, 1e-7);
    }

    // Ages in seconds: alpha grows, the likelihood is one of other units, all else stays.
    let seconds = 7.0 * 86_400.0;
    let scaled = backwards.iter().map(|buyer| {
        Buyer::new(buyer.frequency(), buyer.recency() * seconds, buyer.age() * seconds).unwrap()
    });
    let scaled = BgNbd::fit(scaled).unwrap();
    for (index, unit) in [1.0, seconds, 1.0, 1.0].into_iter().enumerate() {
        let (now, then) = (&scaled.parameters()[index], &fit.parameters()[index]);
        close(now.value, then.value * unit, 1e-11);
        close(now.standard_error, then.standard_error * unit, 1e-10);
    }
    let purchases: f64 = backwards.iter().map(|buyer| f64::from(buyer.frequency())).sum();
    close(scaled.log_likelihood() + purchases * seconds.ln(), fit.log_likelihood(), 1e-14);
    assert_eq!(scaled.diagnostics().iterations, fit.diagnostics().iterations);
}

/// The most probable parameters, found with 40 digits (mpmath): Newton's method on the likelihood plus the logarithms of
/// the densities, until the last step was below 1e-16.
#[test]
fn priors_on_cdnow() {
    let summaries = summaries(date(1997, 9, 30));
    let priors = Priors::NONE
        .with("r", Prior::log_normal(1.0, 0.5).unwrap())
        .with("alpha", Prior::log_normal(10.0, 0.1).unwrap())
        .with("a", Prior::gamma(2.0, 3.0).unwrap())
        .with("b", Prior::normal(0.0, 0.5).unwrap());
    let fit = BgNbd::fit_with_priors(summaries.buyers().iter(), &priors).unwrap();
    let optimum = [
        (0.288_781_019_210_102_3, 0.013_257_124_265_379),
        (6.193_191_277_364_312, 0.390_784_970_214_56),
        (0.475_470_928_482_569, 0.074_851_572_705_507),
        (1.385_319_460_526_618, 0.244_902_820_172_63),
    ];
    for (parameter, (value, standard_error)) in fit.parameters().iter().zip(optimum) {
        close(parameter.value, value, 1e-11);
        close(parameter.standard_error, standard_error, 1e-10);
    }
    close(fit.log_likelihood(), -9_592.847_370_426_95, 1e-14);
    close(fit.log_prior(), -17.331_066_414_934_2, 1e-12);

    // The penalty of lifetimes (penalizer_coef 0.001), here in weeks.
    let names = ["r", "alpha", "a", "b"];
    let penalty = names.iter().fold(Priors::NONE, |all, &name| all.with(name, Prior::l2(0.001).unwrap()));
    let fit = BgNbd::fit_with_priors(summaries.buyers().iter(), &penalty).unwrap();
    let optimum = [
        (0.206_891_764_653_285_5, 0.009_103_979_031_509_9),
        (3.084_947_067_959_72, 0.215_592_821_598_64),
        (0.531_154_660_926_914_5, 0.075_608_594_108_904),
        (1.325_369_776_797_921, 0.215_920_945_175_15),
    ];
    for (parameter, (value, standard_error)) in fit.parameters().iter().zip(optimum) {
        close(parameter.value, value, 1e-11);
        close(parameter.standard_error, standard_error, 1e-10);
    }
    close(fit.log_likelihood(), -9_593.176_532_796_697, 1e-14);
    close(fit.log_prior(), -27.337_506_424_185, 1e-12);
}

/// A saved fit is read back to the last bit, and is small.
#[test]
fn a_fit_of_cdnow_is_saved_and_loaded() {
    let summaries = summaries(date(1997, 9, 30));
    let fit = ParetoNbd::fit(summaries.buyers().iter()).unwrap();
    let text = serde_json::to_string(&fit).unwrap();
    assert!(text.len() < 600, "{} bytes", text.len());
    let loaded: Fit<ParetoNbd> = serde_json::from_str(&text).unwrap();
    assert_eq!(loaded, fit);
    let buyer = Buyer::new(2, 30.43, 38.86).unwrap();
    let sure = |fit: &Fit<ParetoNbd>| fit.standard_error(|model| model.p_alive(buyer)).to_bits();
    assert_eq!(sure(&loaded), sure(&fit));
    assert!(serde_json::from_str::<Fit<BgNbd>>(&text).is_err());
}

/// The mean spend of the 946 repeat buyers is over the days after their first, purchases of a day added up.
#[test]
fn gamma_gamma_on_cdnow() {
    let summaries = summaries(date(1997, 9, 30));
    let spends = summaries.spends();
    // Published in dollars.
    let dollars: Vec<f64> = summaries.mean_spend().iter().map(|cents| cents / 100.0).collect();
    let in_dollars = patronage::value::RepeatSpends::new(summaries.frequency(), &dollars).unwrap();
    let found = GammaGamma::fit(in_dollars.iter()).unwrap();
    // The standard errors are those of the exact curvature, inverted with 30 digits (mpmath).
    let published = [(6.249_572_27, 1.190_055_5), (3.744_224_67, 0.290_133_1), (15.443_521, 4.159_423_5)];
    for (parameter, (value, standard_error)) in found.fit().parameters().iter().zip(published) {
        close(parameter.value, value, 1e-6);
        close(parameter.standard_error, standard_error, 1e-6);
    }
    close(found.fit().log_likelihood(), -4_055.917_694_8, 1e-10);
    assert_eq!(found.fit().customers(), 946);
    assert!(!found.dependent(), "{:?}", found.correlation());
    assert_eq!(format!("{:.4}", found.correlation().unwrap().value()), "0.1139");

    // In cents all is the same but for the scale.
    let in_cents = GammaGamma::fit(spends.iter()).unwrap();
    close(in_cents.model().v(), 100.0 * found.model().v(), 1e-8);
    close(in_cents.model().mean_spend(), 100.0 * found.model().mean_spend(), 1e-9);

    // The first ten customers as published by Fader and Hardie, to the cent of the rounded parameters.
    let published = GammaGamma::new(6.25, 3.74, 15.44).unwrap();
    let ten: Vec<f64> = published.expected_spend_each(in_dollars.iter()).take(10).collect();
    for (ours, theirs) in
        ten.iter().zip([24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17])
    {
        assert!((ours - theirs).abs() < 0.1, "{ours} {theirs}");
    }
}

#[test]
fn lifetime_value_on_cdnow() {
    let summaries = summaries(date(1997, 9, 30));
    let purchases = BgNbd::fit(summaries.buyers().iter()).unwrap().into_model();
    let spend = *GammaGamma::fit(summaries.spends().iter()).unwrap().model();
    let year = Horizon::of(1.0, TimeUnit::YEAR, TimeUnit::WEEK).unwrap();
    let discount = Discount::of(0.10, TimeUnit::YEAR, TimeUnit::WEEK).unwrap();
    let value = LifetimeValue::new(&purchases, &spend, year, discount, Share::ONE);
    let mut out = vec![0.0; summaries.len()];
    value.value_into(summaries.buyers(), summaries.spends(), &mut out).unwrap();
    let rows = summaries.buyers().iter().zip(summaries.spends().iter());
    for ((buyer, spend), &column) in rows.clone().zip(&out) {
        assert_eq!(value.value(buyer, spend).to_bits(), column.to_bits());
    }
    assert!(value.value_each(rows).zip(&out).all(|(each, column)| each.to_bits() == column.to_bits()));
    assert!(value.value_into(summaries.buyers(), summaries.spends(), &mut [0.0]).is_err());

    // Without discount, value is purchases times spend; with it, less by at most the discount of the whole year.
    let plain = LifetimeValue::new(&purchases, &spend, year, Discount::NONE, Share::ONE);
    for ((buyer, spent), &discounted) in summaries.buyers().iter().zip(summaries.spends().iter()).zip(&out) {
        let whole = plain.value(buyer, spent);
        close(whole, purchases.expected_purchases(buyer, year) * spend.expected_spend(spent), 1e-15);
        assert!(discounted <= whole && discounted >= whole / 1.10);
    }
}
