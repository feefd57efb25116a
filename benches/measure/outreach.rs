//! What customers need: pair rules and the ten best offers for every customer of a shop.

use crate::cpu::{Random, Target, figure, seconds};
use flate2::read::GzDecoder;
use patronage::outreach::{AssociationRule, Baskets, Needs, RuleSearch, Suggestion};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;

/// The day from which on purchases are not known: 2011-10-01.
const AS_OF: i32 = 15_248;
const HALF_LIFE: f64 = 90.0;

/// The purchases of a shop; customers and items of what lies before the day are numbered from 0, in the order of the file.
#[derive(Default)]
pub struct Shop {
    /// Whether it is Online Retail, or as large and made up.
    pub is_real: bool,
    pub customers: Vec<u32>,
    pub items: Vec<u32>,
    pub days: Vec<i32>,
    /// The orders, of all days.
    pub orders: Vec<u32>,
    pub ordered: Vec<u32>,
}

#[derive(Default)]
struct Numbers(BTreeMap<String, u32>);

impl Numbers {
    fn of(&mut self, name: &str) -> u32 {
        let next = self.0.len() as u32;
        self.0.get(name).copied().unwrap_or_else(|| *self.0.entry(name.to_owned()).or_insert(next))
    }
}

pub fn shop() -> Shop {
    real().unwrap_or_else(made_up)
}

/// Online Retail (UCI), where it is: lines of known customers, with a price, that were not sent back, of items.
fn real() -> Option<Shop> {
    let root = std::env::var_os("PATRONAGE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let file = std::fs::File::open(root.join("insight/online_retail/online_retail.csv.gz")).ok()?;
    let mut reader = csv::Reader::from_reader(GzDecoder::new(file));
    let (mut customers, mut items, mut orders) = (Numbers::default(), Numbers::default(), Numbers::default());
    let mut shop = Shop { is_real: true, ..Shop::default() };
    for line in reader.records().map(|line| line.expect("a line")) {
        let positive = |place: usize| line[place].parse::<f64>().expect("a number") > 0.0;
        let is_item = line[1].starts_with(|first: char| first.is_ascii_digit());
        if !is_item || line[0].starts_with('C') || !positive(3) || !positive(5) || &line[6] == "NA" {
            continue;
        }
        let day: chrono::NaiveDate = line[4][..10].parse().expect("a date");
        let day = day.signed_duration_since(chrono::NaiveDate::default()).num_days() as i32;
        let item = items.of(&line[1]);
        shop.orders.push(orders.of(&line[0]));
        shop.ordered.push(item);
        if day < AS_OF {
            shop.customers.push(customers.of(&line[6]));
            shop.items.push(item);
            shop.days.push(day);
        }
    }
    Some(shop)
}

/// As many customers, items and rows, with as many popular items and heavy buyers.
fn made_up() -> Shop {
    let mut random = Random(1);
    let mut shop = Shop::default();
    let mut skewed = |below: f64, power: i32| (random.share().powi(power) * below) as u32;
    for order in 0..18_400 {
        let (customer, day, size) =
            (skewed(3_613.0, 2), AS_OF - 1 - skewed(304.0, 1) as i32, 1 + skewed(60.0, 2));
        for _ in 0..size {
            let item = skewed(3_502.0, 2);
            shop.orders.push(order);
            shop.ordered.push(item);
            if order % 3 > 0 {
                shop.customers.push(customer);
                shop.items.push(item);
                shop.days.push(day);
            }
        }
    }
    shop
}

/// From columns to the rules from one item to one other and the ten best offers of every customer.
pub fn rules_and_offers(shop: &Shop) -> (Vec<AssociationRule>, Vec<Vec<Suggestion>>) {
    let baskets = Baskets::from_columns(&shop.orders, &shop.ordered).expect("baskets");
    let search = RuleSearch::new("0.01".parse().expect("a share"), "0.5".parse().expect("a share"));
    let needs =
        Needs::from_columns(&shop.customers, &shop.items, &shop.days, AS_OF, HALF_LIFE).expect("columns");
    (search.pairs(&baskets).expect("rules"), needs.cross_sell_all(10))
}

/// CPU seconds of [`rules_and_offers`], the median of several runs.
pub fn time(shop: &Shop) -> f64 {
    seconds(9, || rules_and_offers(black_box(shop)))
}

pub fn figures() {
    let shop = shop();
    let of = if shop.is_real { "Online Retail" } else { "a made-up shop of the size of Online Retail" };
    let name = format!("pair rules and the ten best offers of every customer, {of}");
    figure(&name, time(&shop), "s", Target::AtMost(0.15));
}
