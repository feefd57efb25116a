//! What an action does, on the customers of Hillstrom's e-mail challenge (64,000, drawn to one of two e-mails or none).
//!
//! The data are not part of the crate: they are read from `insight` in the folder that `PATRONAGE_SHARED_DATA` names, or in
//! `../shared/data`. Without it these tests say so and pass. References: the formulas of Newcombe and of Mantel and Haenszel
//! written again in Python, on counts by its `csv` module.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step must fail the test")]
#![allow(clippy::print_stderr, reason = "a skipped test must say so")]

use flate2::read::GzDecoder;
use patronage::customer::CustomerId;
use patronage::pain::{ActionTally, ActionsByNeed, GroupCount, HoldOut, PointOptions, UpliftRow, uplift_at};
use patronage::segment::SegmentRules;
use patronage::{Estimate, Share, Tag};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

const MENS: Tag = Tag::literal("mens_e-mail");
const WOMENS: Tag = Tag::literal("womens_e-mail");

struct Customer {
    /// By what they spent before, and whether they are new.
    stratum: (String, bool),
    /// What they bought before.
    need: Tag,
    /// The e-mail they got.
    action: Option<Tag>,
    visited: bool,
    bought: bool,
}

fn customers() -> Option<Vec<Customer>> {
    let root = std::env::var_os("PATRONAGE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let Ok(file) = File::open(root.join("insight/uplift/hillstrom.csv.gz")) else {
        eprintln!("skipped: there is no hillstrom.csv.gz; name a folder in PATRONAGE_SHARED_DATA");
        return None;
    };
    let mut reader = csv::Reader::from_reader(GzDecoder::new(file));
    let rows = reader.deserialize().map(|row: Result<BTreeMap<String, String>, _>| {
        let row = row.unwrap();
        let is = |column: &str| row[column] == "1";
        Customer {
            stratum: (row["history_segment"].clone(), is("newbie")),
            need: match (is("mens"), is("womens")) {
                (true, false) => Tag::literal("mens"),
                (false, true) => Tag::literal("womens"),
                _ => Tag::literal("both"),
            },
            action: match row["segment"].as_str() {
                "Mens E-Mail" => Some(MENS),
                "Womens E-Mail" => Some(WOMENS),
                _ => None,
            },
            visited: is("visit"),
            bought: is("conversion"),
        }
    });
    Some(rows.collect())
}

fn level() -> Share {
    Share::new(0.95).unwrap()
}

fn close(found: Estimate, value: f64, lower: f64, upper: f64) {
    for (ours, theirs) in [(found.value(), value), (found.lower(), lower), (found.upper(), upper)] {
        assert!((ours - theirs).abs() < 1e-12, "{ours} instead of {theirs}");
    }
}

/// The customers of the men's e-mail against those without one, by stratum.
fn mens(customers: &[Customer], success: impl Fn(&Customer) -> bool) -> ActionTally<(String, bool)> {
    let mut tally = ActionTally::default();
    for customer in customers.iter().filter(|customer| customer.action != Some(WOMENS)) {
        tally.push(customer.stratum.clone(), customer.action.is_some(), success(customer));
    }
    tally
}

#[test]
fn the_effect_is_that_of_newcombe() {
    let Some(customers) = customers() else { return };
    let visits = mens(&customers, |customer| customer.visited).crude(level()).unwrap();
    assert_eq!(visits.held_out(), GroupCount::new(2_262, 21_306).unwrap());
    assert!((visits.without().get() - 0.106_167).abs() < 5e-7);
    close(visits.difference(), 0.076_589_563_651_531_25, 0.069_953_308_083_731_54, 0.083_226_741_274_113_7);
    // z = 22.486.
    assert!((visits.p_value() / 5.685_165_482_602_645e-112 - 1.0).abs() < 1e-10, "{}", visits.p_value());
    let sales = mens(&customers, |customer| customer.bought).crude(level()).unwrap();
    close(
        sales.difference(),
        0.006_805_006_519_615_695,
        0.005_014_344_671_481_532,
        0.008_640_723_396_917_826,
    );
}

#[test]
fn strata_are_those_of_mantel_and_haenszel() {
    let Some(customers) = customers() else { return };
    let effect = mens(&customers, |customer| customer.visited).stratified(level()).unwrap();
    assert_eq!((effect.strata(), effect.alone()), (11, 0));
    assert!((effect.difference().value() - 0.076_332_712_037_057_48).abs() < 1e-12);
    assert!((effect.odds_ratio().unwrap().value() - 1.896_799_637_077_3).abs() < 1e-12);
}

/// Those who bought only for men do not care for the women's e-mail; those who bought only for women take either.
#[test]
fn the_action_that_fits_depends_on_the_need() {
    let Some(customers) = customers() else { return };
    let mut actions = ActionsByNeed::default();
    for customer in &customers {
        actions.push(customer.need, customer.action, customer.visited);
    }
    let fits = actions.fits(&PointOptions::default()).unwrap();
    let best: Vec<_> = fits.iter().map(|fit| (fit.need().to_string(), fit.best().unwrap())).collect();
    let of = |need: &str, action| (need.to_owned(), action);
    assert_eq!(best, [of("both", MENS), of("mens", MENS), of("womens", WOMENS)]);
    let effect =
        |fit: usize, action: usize| fits[fit].actions()[action].effect().found().unwrap().difference();
    close(effect(1, 0), 0.069_155_164_170_422_74, 0.059_552_696_519_681_08, 0.078_766_946_389_475_28);
    close(effect(1, 1), 0.011_078_467_244_666_393, 0.002_406_457_041_145_442, 0.019_755_102_833_548_86);
    close(effect(2, 1), 0.073_985_335_020_846_67, 0.064_440_584_733_074_55, 0.083_534_373_752_812_25);
    // What fits those who bought for women is not told apart by these data, what fits the others is.
    let leads: Vec<f64> = fits.iter().map(|fit| fit.lead().unwrap().difference().lower()).collect();
    assert!(leads[0] > 0.0 && leads[1] > 0.0 && leads[2] < 0.0, "{leads:?}");
}

/// Every other customer says what the women's e-mail does for each need, and the others are ranked by that.
#[test]
fn uplift_by_need_holds_for_other_customers() {
    let Some(customers) = customers() else { return };
    let mut learnt = ActionsByNeed::default();
    for customer in customers.iter().step_by(2) {
        learnt.push(customer.need, customer.action, customer.visited);
    }
    let fits = learnt.fits(&PointOptions::default()).unwrap();
    let score = |need: Tag| {
        let fit = fits.iter().find(|fit| fit.need() == need).unwrap();
        let action = fit.actions().iter().find(|action| action.action() == WOMENS).unwrap();
        action.effect().found().unwrap().difference().value()
    };
    let others = customers.iter().skip(1).step_by(2).filter(|customer| customer.action != Some(MENS));
    let rows = others.map(|customer| UpliftRow {
        score: score(customer.need),
        is_treated: customer.action.is_some(),
        success: customer.visited,
    });
    let half = uplift_at(rows, Share::new(0.5).unwrap(), level()).unwrap();
    assert_eq!(half.customers(), 11_743);
    assert!((half.threshold() - 0.071_200_459_872_896_24).abs() < 1e-12);
    close(
        half.effect().difference(),
        0.075_230_200_542_975_15,
        0.062_643_974_002_222_48,
        0.087_821_407_676_096_04,
    );
    let rest = half.rest().unwrap().difference();
    close(rest, 0.010_096_891_678_697_734, -0.002_246_975_200_258_284, 0.022_442_580_059_471_525);
}

/// Segments and trials hold out the same customers, so that a rule can leave them out of everything else as well.
#[test]
fn a_hold_out_is_a_bucket_of_segments() {
    let rule = r#"[{"segment":"held","rule":{"bucket":{"salt":"call","from":0,"to":1500}}}]"#;
    let rules: SegmentRules = serde_json::from_str(rule).unwrap();
    let held = rules.key(Tag::literal("held")).unwrap();
    let trial = HoldOut::new(Tag::literal("call"), Share::new(0.15).unwrap()).unwrap();
    let mut count = 0;
    for number in 0..5_000 {
        let customer = CustomerId::derive(&["test", &number.to_string()]);
        let is_in = rules.facts(customer).eval(held, chrono::DateTime::UNIX_EPOCH).is_in();
        assert_eq!(trial.holds(customer), is_in, "{number}");
        count += u32::from(is_in);
    }
    // Five standard deviations around 750.
    assert!((624..877).contains(&count), "{count}");
}
