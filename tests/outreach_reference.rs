//! Rules and suggestions on real baskets, against counts made by other programs.
//!
//! Groceries (9,835 baskets, 169 items; package arules): the number of single-consequent rules at (support, confidence) was
//! counted exactly over itemsets of mlxtend 0.25, which itself loses four of the 410 to a division of floating-point
//! numbers. Online Retail (UCI): split on 2011-10-01, 3,613 customers, 1,835 of whom bought afterwards; P@10 and nDCG@10 of
//! the rankers were measured with NumPy.
//!
//! The data lie outside the repository: in `insight` in the folder that `PATRONAGE_SHARED_DATA` names, or in
//! `../shared/data`. Where there is none the tests say so and pass.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step must fail the test")]

use chrono::{NaiveDate, NaiveDateTime};
use flate2::read::GzDecoder;
use patronage::outreach::{AssociationRule, Baskets, Needs, RuleSearch, Suggestion};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;

fn data(name: &str) -> Option<File> {
    let root = std::env::var_os("PATRONAGE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let file = File::open(root.join("insight").join(name)).ok();
    if file.is_none() {
        eprintln!("skipped: there is no {name}; name a folder in PATRONAGE_SHARED_DATA");
    }
    file
}

/// Numbers for names, in the order they are met.
#[derive(Default)]
struct Numbers(BTreeMap<String, u32>);

impl Numbers {
    fn of(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap();
        *self.0.entry(name.to_owned()).or_insert(next)
    }
}

fn groceries() -> Option<(Baskets, Numbers)> {
    let file = data("groceries/groceries_baskets.csv")?;
    let (mut items, mut baskets, mut bought) = (Numbers::default(), Vec::new(), Vec::new());
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    for (number, basket) in (0_u32..).zip(reader.records()) {
        for item in &basket.unwrap() {
            baskets.push(number);
            bought.push(items.of(item));
        }
    }
    Some((Baskets::from_columns(&baskets, &bought).unwrap(), items))
}

fn rules(baskets: &Baskets, support: &str, confidence: &str) -> Vec<AssociationRule> {
    RuleSearch::new(support.parse().unwrap(), confidence.parse().unwrap()).rules(baskets).unwrap()
}

#[test]
fn groceries_give_exactly_the_published_numbers_of_rules() {
    let Some((baskets, items)) = groceries() else { return };
    assert_eq!((baskets.len(), items.0.len()), (9_835, 169));
    for (support, confidence, expected) in [
        ("0.001", "0.8", 410),
        ("0.006", "0.25", 463),
        ("0.01", "0.25", 170),
        ("0.005", "0.5", 120),
        ("0.01", "0.5", 15),
    ] {
        assert_eq!(rules(&baskets, support, confidence).len(), expected, "({support}, {confidence})");
    }
    // 39 of the 410 lie exactly on 8 of 10.
    let on_it = rules(&baskets, "0.001", "0.8");
    assert_eq!(on_it.iter().filter(|rule| rule.both() * 10 == rule.antecedent_count() * 8).count(), 39);
    // The highest lift at (0.01, 0.25): citrus fruit and other vegetables, then root vegetables.
    let found = rules(&baskets, "0.01", "0.25");
    let highest = found.iter().max_by(|one, other| one.lift().total_cmp(&other.lift())).unwrap();
    assert!((highest.lift() - 3.295_045).abs() < 5e-7, "{}", highest.lift());
    let mut named = vec![items.0["citrus fruit"], items.0["other vegetables"]];
    named.sort_unstable();
    assert_eq!((highest.antecedent(), highest.consequent()), (&named[..], items.0["root vegetables"]));
}

#[test]
fn chance_makes_most_of_the_rules_that_lift_calls_remarkable() {
    let Some((baskets, _)) = groceries() else { return };
    let search = RuleSearch::new("0.01".parse().unwrap(), "0.25".parse().unwrap());
    let random = search.rules(&baskets.randomised(10, 1)).unwrap();
    // Measured elsewhere with other random numbers: 146, all with a lift above 1.
    assert!((125..=170).contains(&random.len()), "{}", random.len());
    let above = random.iter().filter(|rule| rule.lift() > 1.0).count();
    assert!(above * 10 > random.len() * 9, "{above} of {}", random.len());
}

struct Retail {
    needs: Needs,
    /// By customer, before and after the split.
    before: Vec<BTreeSet<u32>>,
    after: Vec<BTreeSet<u32>>,
}

fn retail(half_life: f64) -> Option<Retail> {
    #[derive(serde::Deserialize)]
    struct Line(
        String,
        String,
        serde::de::IgnoredAny,
        i64,
        NaiveDateTime,
        f64,
        String,
        serde::de::IgnoredAny,
    );

    let mut reader = csv::Reader::from_reader(GzDecoder::new(data("online_retail/online_retail.csv.gz")?));
    let split = NaiveDate::from_ymd_opt(2011, 10, 1).unwrap();
    let lines: Vec<Line> = reader.deserialize().map(Result::unwrap).collect();
    // Codes without a first digit are postage, discounts and corrections.
    let kept = |line: &&Line| {
        let good = line.1.starts_with(|first: char| first.is_ascii_digit());
        good && !line.0.starts_with('C') && line.3 > 0 && line.5 > 0.0 && line.6 != "NA"
    };
    let (mut users, mut items) = (Numbers::default(), Numbers::default());
    let (mut columns, mut before) = ((Vec::new(), Vec::new(), Vec::new()), Vec::<BTreeSet<u32>>::new());
    for line in lines.iter().filter(kept).filter(|line| line.4.date() < split) {
        let (user, item) = (users.of(&line.6), items.of(&line.1));
        let day = line.4.date().signed_duration_since(NaiveDate::default()).num_days();
        columns.0.push(user);
        columns.1.push(item);
        columns.2.push(i32::try_from(day).unwrap());
        before.resize(users.0.len(), BTreeSet::new());
        before[user as usize].insert(item);
    }
    let mut after = vec![BTreeSet::new(); users.0.len()];
    for line in lines.iter().filter(kept).filter(|line| line.4.date() >= split) {
        if let (Some(&user), Some(&item)) = (users.0.get(&line.6), items.0.get(&line.1)) {
            after[user as usize].insert(item);
        }
    }
    assert_eq!((users.0.len(), items.0.len()), (3_613, 3_502));
    let as_of = split.signed_duration_since(NaiveDate::default()).num_days();
    let as_of = i32::try_from(as_of).unwrap();
    let needs = Needs::from_columns(&columns.0, &columns.1, &columns.2, as_of, half_life).unwrap();
    Some(Retail { needs, before, after })
}

/// Precision and nDCG of the ten best, over the customers with something to find.
fn judged(suggested: &[Vec<Suggestion>], wanted: &[BTreeSet<u32>]) -> (f64, f64, usize) {
    let gain = |place: u32| 1.0 / (f64::from(place) + 2.0).log2();
    let (mut precision, mut ndcg, mut customers) = (0.0, 0.0, 0_usize);
    for (suggested, wanted) in suggested.iter().zip(wanted).filter(|(_, wanted)| !wanted.is_empty()) {
        customers += 1;
        let hits =
            || (0_u32..).zip(suggested).filter(|(_, s)| wanted.contains(&s.item)).map(|(place, _)| place);
        precision += hits().map(|_| 0.1).sum::<f64>();
        let best: f64 = (0_u32..10).take(wanted.len()).map(gain).sum();
        ndcg += hits().map(gain).sum::<f64>() / best;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand customers")]
    let all = customers as f64;
    (precision / all, ndcg / all, customers)
}

#[test]
fn online_retail_buys_again_what_it_bought() {
    let Some(Retail { needs, after, .. }) = retail(90.0) else { return };
    let suggested: Vec<_> = (0..3_613).map(|customer| needs.buy_again(customer, 10)).collect();
    let (precision, ndcg, customers) = judged(&suggested, &after);
    eprintln!("buy again: P@10 {precision:.4}, nDCG@10 {ndcg:.4}, {customers} customers");
    assert_eq!(customers, 1_835);
    assert!(precision >= 0.315, "{precision}");
    assert!(ndcg >= 0.358, "{ndcg}");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "half a thousand million steps: with --release")]
fn online_retail_finds_new_items_as_well_as_factorisation() {
    let Some(Retail { needs, before, after }) = retail(120.0) else { return };
    let begun = std::time::Instant::now();
    let suggested = needs.cross_sell_all(10);
    eprintln!("cross-sell: {:.0} ms for all", begun.elapsed().as_secs_f64() * 1e3);
    let new: Vec<BTreeSet<u32>> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    let (precision, ndcg, customers) = judged(&suggested, &new);
    eprintln!("cross-sell: P@10 {precision:.4}, nDCG@10 {ndcg:.4}, {customers} customers");
    assert!(ndcg >= 0.0949, "{ndcg}");
    // Every suggestion names what it rests on, and is new to the customer.
    for (suggested, before) in suggested.iter().zip(&before) {
        for suggestion in suggested {
            assert!(!before.contains(&suggestion.item) && before.contains(&suggestion.because[0].item));
        }
    }
}
