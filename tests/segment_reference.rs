//! RFM scores and segments of published orders, against counts made by another program.
//!
//! Expected numbers: `NumPy` 2.4, `cuts = numpy.quantile(x, [.2, .4, .6, .8])` (its default is type 7, in floating
//! point), `score = 1 + sum(x > cut)` for frequency and spend and `5 - sum(x > cut)` for recency, analysis date
//! 2006-12-31, over one row a customer. The map was written out there once more as a chain of conditions.
//!
//! Numbers of the R package are those that `rfm` 0.3.0 prints for its own data. The counts of Online Retail (UCI, 541,909
//! lines of a British shop) were made with pandas 2 from the raw file; it is read from `insight` in the folder that
//! `PATRONAGE_SHARED_DATA` names, or in `../shared/data`, and where there is none the tests say so and pass.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step must fail the test")]

use chrono::NaiveDate;
use flate2::read::GzDecoder;
use patronage::purchase::PurchaseHistory;
use patronage::segment::{
    RankGroups, RfmBreaks, RfmColumns, RfmDefinition, RfmFrequency, RfmGate, RfmLine, RfmMonetary,
    RfmReturns, RfmRow, RfmScore, RfmScoreColumns, RfmSegment, SegmentMap, SegmentRule, SegmentStability,
};
use patronage::{Currency, Money, Share};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;

type Tally = [usize; 5];

struct Customer {
    history: PurchaseHistory,
    orders: u32,
}

fn customers() -> BTreeMap<String, Customer> {
    let mut customers = BTreeMap::new();
    let mut reader = csv::Reader::from_reader(include_str!("data/rfm_data_orders.csv").as_bytes());
    for record in reader.deserialize() {
        let (name, date, revenue): (String, NaiveDate, i64) = record.unwrap();
        let customer = customers
            .entry(name)
            .or_insert_with(|| Customer { history: PurchaseHistory::new(Currency::USD), orders: 0 });
        customer.history.push_on(date, Money::new(revenue * 100, Currency::USD)).unwrap();
        customer.orders += 1;
    }
    customers
}

fn rows(customers: &BTreeMap<String, Customer>) -> Vec<RfmRow> {
    let as_of = NaiveDate::from_ymd_opt(2006, 12, 31).unwrap();
    customers
        .values()
        .map(|customer| RfmRow::from_history(&customer.history, as_of).unwrap().unwrap())
        .collect()
}

fn tally(scores: &[u8]) -> Tally {
    let mut counts = [0; 5];
    for &score in scores {
        counts[usize::from(score) - 1] += 1;
    }
    counts
}

fn segments(scores: &RfmScoreColumns) -> Vec<usize> {
    let map = SegmentMap::default();
    RfmSegment::ALL
        .iter()
        .map(|&segment| map.segment_all(scores.iter()).filter(|&found| found == segment).count())
        .collect()
}

#[test]
fn purchase_days_of_the_published_orders() {
    let customers = customers();
    let rows = rows(&customers);
    assert_eq!(rows.len(), 995);
    let breaks = RfmBreaks::from_rows(&rows, &mut Vec::new()).unwrap();
    assert_eq!(breaks.recency_days(), [114, 180, 296, 481]);
    assert_eq!(breaks.purchases(), [3, 4, 5, 7]);
    // 254.8, 381, 505.4 and 665 in whole units.
    assert_eq!(breaks.spend_minor(), [25_480, 38_100, 50_540, 66_500]);

    let days: Vec<_> = rows.iter().map(|row| row.recency_days()).collect();
    let purchases: Vec<_> = rows.iter().map(|row| row.purchases()).collect();
    let spend: Vec<_> = rows.iter().map(|row| row.spend_minor()).collect();
    let columns = RfmColumns::new(&days, &purchases, &spend).unwrap();
    let mut scores = RfmScoreColumns::default();
    breaks.score_into(columns, &mut scores);
    assert_eq!(tally(scores.recency()), [197, 201, 198, 199, 200]);
    assert_eq!(tally(scores.frequency()), [269, 187, 178, 241, 120]);
    assert_eq!(tally(scores.monetary()), [199, 201, 197, 203, 195]);

    let texts: Vec<_> = scores.iter().map(|score| score.to_string()).collect();
    let count = |wanted: &str| texts.iter().filter(|text| *text == wanted).count();
    assert_eq!([count("555"), count("455"), count("111")], [35, 32, 75]);
    assert_eq!(texts.iter().map(|text| text.parse::<u64>().unwrap()).sum::<u64>(), 329_289);
    let place = customers.keys().position(|name| name == "Abbey O'Reilly").unwrap();
    assert_eq!(rows[place], RfmRow::new(205, 6, 47_200).unwrap());
    assert_eq!(texts[place], "343");

    assert_eq!(segments(&scores), [99, 167, 147, 30, 31, 47, 76, 22, 136, 127, 113]);
}

#[test]
fn orders_instead_of_days_and_whole_units_instead_of_cents() {
    let customers = customers();
    let rows: Vec<_> = rows(&customers)
        .iter()
        .zip(customers.values())
        .map(|(row, customer)| {
            RfmRow::new(row.recency_days(), customer.orders, row.spend_minor() / 100).unwrap()
        })
        .collect();
    assert_eq!(rows.iter().map(|row| row.purchases()).sum::<u32>(), 4_906);
    let breaks = RfmBreaks::from_rows(&rows, &mut Vec::new()).unwrap();
    assert_eq!(breaks.spend_minor(), [254, 381, 505, 665]);
    let mut frequency = [0; 5];
    let mut monetary = [0; 5];
    let mut by_segment = BTreeMap::new();
    let map = SegmentMap::default();
    for score in breaks.score_all(rows) {
        frequency[usize::from(score.frequency()) - 1] += 1;
        monetary[usize::from(score.monetary()) - 1] += 1;
        *by_segment.entry(map.segment(score)).or_insert(0) += 1;
    }
    assert_eq!(frequency, [268, 187, 176, 244, 120]);
    assert_eq!(monetary, [199, 201, 197, 203, 195]);
    let counts: Vec<_> = RfmSegment::ALL.iter().map(|segment| by_segment[segment]).collect();
    assert_eq!(counts, [99, 169, 146, 30, 31, 46, 76, 22, 136, 127, 113]);
}

fn rule(segment: &'static str, [r, f, m]: [(u8, u8); 3]) -> SegmentRule<&'static str> {
    SegmentRule::new(segment, r.0..=r.1, f.0..=f.1).unwrap().with_monetary(m.0..=m.1).unwrap()
}

/// How many scores go to each segment when the first rule that covers a score wins, and the rest is `others`.
fn first_match(rules: &[SegmentRule<&'static str>], scores: &[RfmScore]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for &score in scores {
        let found = rules.iter().find(|rule| rule.covers(score)).map_or("others", SegmentRule::segment);
        *counts.entry(found).or_insert(0) += 1;
    }
    counts
}

#[test]
fn the_package_for_r_is_reproduced() {
    let customers = customers();
    let days = rows(&customers);
    let recency: Vec<_> = days.iter().map(|row| row.recency_days()).collect();
    let orders: Vec<_> = customers.values().map(|customer| customer.orders).collect();
    let spend: Vec<_> = days.iter().map(|row| row.spend_minor()).collect();
    let columns = RfmColumns::new(&recency, &orders, &spend).unwrap();
    let breaks = RfmBreaks::as_in_r(columns, 100, &mut Vec::new()).unwrap();
    // The package prints 115, 181, 297.4, 482; 4, 5, 6, 8; and 255.8, 382, 506.4, 666.
    assert_eq!(breaks.recency_days(), [114, 180, 297, 481]);
    assert_eq!(breaks.purchases(), [3, 4, 5, 7]);
    assert_eq!(breaks.spend_minor(), [25_579, 38_199, 50_639, 66_599]);
    let mut scores = RfmScoreColumns::default();
    breaks.score_into(columns, &mut scores);
    assert_eq!(tally(scores.recency()), [197, 200, 199, 199, 200]);
    assert_eq!(tally(scores.frequency()), [268, 187, 176, 244, 120]);
    assert_eq!(tally(scores.monetary()), [200, 200, 198, 202, 195]);
    let scores: Vec<_> = scores.iter().collect();
    assert_eq!(scores.iter().collect::<std::collections::HashSet<_>>().len(), 92);
    let place = customers.keys().position(|name| name == "Abbey O'Reilly").unwrap();
    assert_eq!(scores[place].to_string(), "343");

    let tests = [
        rule("champions", [(4, 5), (4, 5), (4, 5)]),
        rule("loyal", [(2, 5), (3, 5), (3, 5)]),
        rule("potential", [(3, 5), (1, 3), (1, 3)]),
        rule("new", [(4, 5), (1, 1), (1, 1)]),
        rule("promising", [(3, 4), (1, 1), (1, 1)]),
        rule("need attention", [(2, 3), (2, 3), (2, 3)]),
        rule("about to sleep", [(2, 3), (1, 2), (1, 2)]),
        rule("at risk", [(1, 2), (2, 5), (2, 5)]),
        rule("can't lose", [(1, 1), (4, 5), (4, 5)]),
        rule("lost", [(1, 2), (1, 2), (1, 2)]),
    ];
    let expected = [
        ("about to sleep", 50),
        ("at risk", 86),
        ("champions", 158),
        ("lost", 111),
        ("loyal", 278),
        ("need attention", 35),
        ("others", 48),
        ("potential", 229),
    ];
    assert_eq!(first_match(&tests, &scores), BTreeMap::from(expected));
    let champions =
        scores.iter().zip(orders.iter().zip(&spend)).filter(|(score, _)| tests[0].covers(**score));
    let (orders, spend) =
        champions.fold((0, 0), |(orders, spend), (_, (order, minor))| (orders + order, spend + minor));
    assert_eq!((orders, spend), (1_234, 12_017_800));

    let vignette = [
        rule("champions", [(5, 5), (5, 5), (5, 5)]),
        rule("potential", [(3, 5), (3, 5), (2, 5)]),
        rule("loyal", [(2, 4), (2, 4), (2, 4)]),
        rule("promising", [(3, 4), (1, 3), (3, 5)]),
        rule("new", [(4, 5), (1, 3), (1, 5)]),
        rule("can't lose", [(1, 2), (3, 4), (4, 5)]),
        rule("at risk", [(1, 2), (2, 5), (4, 5)]),
        rule("need attention", [(1, 3), (3, 5), (3, 5)]),
        rule("about to sleep", [(2, 3), (1, 3), (1, 4)]),
        rule("lost", [(1, 1), (1, 5), (1, 5)]),
    ];
    let expected = [
        ("about to sleep", 102),
        ("at risk", 28),
        ("can't lose", 47),
        ("champions", 35),
        ("lost", 148),
        ("loyal", 170),
        ("need attention", 10),
        ("new", 104),
        ("potential", 342),
        ("promising", 9),
    ];
    assert_eq!(first_match(&vignette, &scores), BTreeMap::from(expected));
}

#[test]
fn the_rule_of_r_depends_on_the_unit_of_money_and_ours_does_not() {
    let customers = customers();
    let rows = rows(&customers);
    let breaks = |one| {
        let days: Vec<_> = rows.iter().map(|row| row.recency_days()).collect();
        let count: Vec<_> = rows.iter().map(|row| row.purchases()).collect();
        let spend: Vec<_> = rows.iter().map(|row| row.spend_minor()).collect();
        RfmBreaks::as_in_r(RfmColumns::new(&days, &count, &spend).unwrap(), one, &mut Vec::new()).unwrap()
    };
    // Amounts in units, and in thousands of units: what the package takes as 1 is a thousand times as much.
    let (units, thousands) = (breaks(100), breaks(100_000));
    let monetary = |breaks: RfmBreaks| -> Vec<u8> {
        breaks.score_all(rows.iter().copied()).map(RfmScore::monetary).collect()
    };
    let (units, thousands) = (monetary(units), monetary(thousands));
    let lowest = thousands.iter().map(|&score| usize::from(score == 1)).sum::<usize>();
    assert_eq!(lowest, 994);
    let changed = units.iter().zip(&thousands).filter(|(a, b)| a != b).count();
    assert_eq!(changed, 795); // 79.9 % of 995
}

/// The folder of Online Retail; `None`, and a note, where there is none.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn online_retail() -> Option<PathBuf> {
    let root = std::env::var_os("PATRONAGE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let folder = root.join("insight/online_retail");
    if !folder.is_dir() {
        eprintln!(
            "skipped: there is no folder insight/online_retail; name its parent in PATRONAGE_SHARED_DATA"
        );
        return None;
    }
    Some(folder)
}

struct Line {
    customer: u32,
    cancelled: bool,
    quantity: i64,
    price_thousandths: i64,
    at: chrono::NaiveDateTime,
    invoice: u64,
}

/// The lines with a customer.
fn lines(folder: &std::path::Path) -> Vec<Line> {
    let file = File::open(folder.join("online_retail.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(std::io::BufReader::new(GzDecoder::new(file)));
    let mut lines = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).unwrap() {
        let Ok(customer) = record[6].parse() else { continue };
        let invoice = record[0].trim_start_matches(|c: char| !c.is_ascii_digit());
        let (whole, part) = record[5].split_once('.').unwrap_or((&record[5], ""));
        lines.push(Line {
            customer,
            cancelled: record[0].starts_with('C'),
            quantity: record[3].parse().unwrap(),
            price_thousandths: format!("{whole}{part:0<3}").parse().unwrap(),
            at: record[4].parse().unwrap(),
            invoice: invoice.parse().unwrap(),
        });
    }
    lines
}

fn day(at: chrono::NaiveDateTime) -> i32 {
    i32::try_from(at.date().signed_duration_since(NaiveDate::default()).num_days()).unwrap()
}

fn as_of() -> NaiveDate {
    NaiveDate::from_ymd_opt(2011, 12, 10).unwrap()
}

/// One row a customer, in the order of the customer numbers.
fn retail_rows(lines: &[Line], definition: RfmDefinition) -> BTreeMap<u32, RfmRow> {
    let mut by_customer: BTreeMap<u32, Vec<RfmLine>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.price_thousandths > 0) {
        let amount_minor = line.quantity * line.price_thousandths;
        let line_of = RfmLine { invoice: line.invoice, day: day(line.at), amount_minor };
        by_customer.entry(line.customer).or_default().push(line_of);
    }
    by_customer
        .into_iter()
        .filter_map(|(id, lines)| Some((id, definition.row(lines, as_of()).unwrap()?)))
        .collect()
}

struct Table(Vec<i32>, Vec<u32>, Vec<i64>);

impl Table {
    fn of<'a>(rows: impl Iterator<Item = &'a RfmRow> + Clone) -> Self {
        Self(
            rows.clone().map(|row| row.recency_days()).collect(),
            rows.clone().map(|row| row.purchases()).collect(),
            rows.map(|row| row.spend_minor()).collect(),
        )
    }

    fn columns(&self) -> RfmColumns<'_> {
        RfmColumns::new(&self.0, &self.1, &self.2).unwrap()
    }
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn online_retail_by_every_definition() {
    let Some(folder) = online_retail() else { return };
    let lines = lines(&folder);
    assert_eq!(lines.len(), 541_909 - 135_080);
    let bought = RfmDefinition { returns: RfmReturns::Ignore, ..RfmDefinition::default() };
    let customers = retail_rows(&lines, bought);
    assert_eq!(customers.len(), 4_338);
    let rows: Vec<RfmRow> = customers.values().copied().collect();
    assert_eq!(rows.iter().map(|row| u64::from(row.purchases())).sum::<u64>(), 18_532);
    assert_eq!(rows.iter().map(|row| row.spend_minor()).sum::<i64>(), 8_911_407_904);
    let days: i64 = rows.iter().map(|row| i64::from(row.recency_days())).sum();
    assert!((days as f64 / 4_338.0 - 93.06).abs() < 0.005);
    let of_lines = retail_rows(&lines, RfmDefinition { frequency: RfmFrequency::Lines, ..bought });
    assert_eq!(of_lines.values().map(|row| u64::from(row.purchases())).sum::<u64>(), 397_884);
    let average = retail_rows(&lines, RfmDefinition { monetary: RfmMonetary::Average, ..bought });
    assert!(average.iter().all(|(id, row)| {
        row.spend_minor() == customers[id].spend_minor() / i64::from(customers[id].purchases())
    }));
    let of_days = retail_rows(&lines, RfmDefinition { frequency: RfmFrequency::Days, ..bought });
    assert!(of_days.iter().all(|(id, row)| row.purchases() <= customers[id].purchases()));

    let table = Table::of(rows.iter());
    RfmGate::default().check(table.columns(), 374).unwrap();
    let breaks = RfmBreaks::from_columns(table.columns(), &mut Vec::new()).unwrap();
    let mut scores = RfmScoreColumns::default();
    breaks.score_into(table.columns(), &mut scores);
    assert_eq!(tally(scores.recency()), [861, 866, 863, 880, 868]);
    assert_eq!(tally(scores.frequency()), [1493, 835, 508, 802, 700]);
    assert_eq!(tally(scores.monetary()), [868, 867, 868, 867, 868]);
    let cells: BTreeSet<_> = scores.iter().map(|score| score.to_string()).collect();
    assert_eq!(cells.len(), 112);
    let count =
        |scores: &RfmScoreColumns, text: &str| scores.iter().filter(|s| s.to_string() == text).count();
    assert_eq!((count(&scores, "555"), count(&scores, "111")), (324, 330));
    // Champions, Loyal, Potential Loyalist, New, Promising, Need Attention, About to Sleep, Can't Lose, At Risk; the
    // count of Hibernating there includes those who are Lost here.
    let found = segments(&scores);
    assert_eq!(found[..9], [604, 688, 484, 67, 169, 121, 478, 35, 357]);
    assert_eq!(found[9] + found[10], 1_335);

    let ids: Vec<u32> = customers.keys().copied().collect();
    let mut ranked = RfmScoreColumns::default();
    RankGroups::Quantile.score_into(table.columns(), &ids, &mut ranked).unwrap();
    assert_eq!((count(&ranked, "555"), count(&ranked, "111")), (348, 184));
    let found = segments(&ranked);
    assert_eq!((found[9] + found[10], found[1], found[0], found[8]), (1_072, 812, 633, 598));
    // Another order of equal customers changes about three in ten scores of frequency: 31.3 % with one shuffle.
    let hashed: Vec<(u32, u32)> = ids.iter().map(|&id| (id.wrapping_mul(2_654_435_761), id)).collect();
    let mut other = RfmScoreColumns::default();
    RankGroups::Quantile.score_into(table.columns(), &hashed, &mut other).unwrap();
    let changed = ranked.frequency().iter().zip(other.frequency()).filter(|(a, b)| a != b).count();
    assert!((0.28..0.34).contains(&(changed as f64 / 4_338.0)), "{changed}");

    let mut spend: Vec<i64> = rows.iter().map(|row| row.spend_minor()).collect();
    spend.sort_unstable_by_key(|&minor| std::cmp::Reverse(minor));
    let top = |customers| spend.iter().take(customers).sum::<i64>() as f64 / 8_911_407_904.0;
    assert!((top(868) - 0.746).abs() < 0.001 && (top(44) - 0.320).abs() < 0.001, "{} {}", top(868), top(44));
}

#[test]
fn online_retail_net_of_returns() {
    let Some(folder) = online_retail() else { return };
    let mut histories: BTreeMap<u32, PurchaseHistory> = BTreeMap::new();
    for line in lines(&folder) {
        assert!(!line.cancelled || line.quantity < 0);
        let amount = Money::new(line.quantity * line.price_thousandths, Currency::EUR);
        let history = histories.entry(line.customer).or_insert_with(|| PurchaseHistory::new(Currency::EUR));
        history.push_on(line.at.date(), amount).unwrap();
    }
    assert_eq!(histories.len(), 4_372);
    // In floating point only 50 are: of the others, who gave everything back, a rounding error is left.
    let net: Vec<i64> = histories.values().map(|history| history.spend().minor()).collect();
    assert_eq!(net.iter().sum::<i64>(), 8_300_065_814);
    assert_eq!(net.iter().filter(|&&minor| minor <= 0).count(), 55);
}

/// Drawing customers anew reassigns 13 % at 100, 9.1 % at 200 and 5.3 % at 500 customers; of all 4,338 customers 6.75 %
/// keep their segment in less than 95 % of the draws. Those were other draws, so that some tolerance is due.
#[test]
fn online_retail_is_the_more_stable_the_more_customers_there_are() {
    let Some(folder) = online_retail() else { return };
    let bought = RfmDefinition { returns: RfmReturns::Ignore, ..RfmDefinition::default() };
    let rows: Vec<RfmRow> = retail_rows(&lines(&folder), bought).into_values().collect();
    let map = SegmentMap::default();
    for (customers, expected) in [(100, 0.13), (200, 0.091), (500, 0.053)] {
        // Every so many customers, several times over.
        let step = rows.len() / customers;
        let shares = (0..8).map(|first| {
            let some: Vec<_> = rows.iter().skip(first).step_by(step).take(customers).copied().collect();
            SegmentStability::bootstrap(&some, &map, 40, 1).unwrap().reassigned().get()
        });
        let share = shares.sum::<f64>() / 8.0;
        assert!((share - expected).abs() < 0.3 * expected, "{customers}: {share}");
    }
    let all = SegmentStability::bootstrap(&rows, &map, 200, 1).unwrap();
    let unsure = all.unsure(Share::new(0.95).unwrap()).get();
    assert!((unsure - 0.0675).abs() < 0.03, "{unsure}");
}

#[cfg(feature = "chrono-tz")]
#[test]
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn recency_depends_on_the_clock_of_the_business() {
    use chrono::{TimeZone, Utc};
    use patronage::segment::business_zone;

    let Some(folder) = online_retail() else { return };
    let london = business_zone("Europe/London").unwrap();
    let mut last: BTreeMap<u32, chrono::NaiveDateTime> = BTreeMap::new();
    for line in lines(&folder).iter().filter(|line| line.quantity > 0 && line.price_thousandths > 0) {
        let latest = last.entry(line.customer).or_insert(line.at);
        *latest = line.at.max(*latest);
    }
    let differ = |zone: &str| {
        let zone = business_zone(zone).unwrap();
        let moved = last.values().filter(|&&wall| {
            let at = london.from_local_datetime(&wall).unwrap().with_timezone(&Utc);
            RfmLine::at(at, &zone, 0, 0).day != RfmLine::at(at, &london, 0, 0).day
        });
        moved.count() as f64 / last.len() as f64
    };
    assert!((differ("Asia/Tokyo") - 0.178).abs() < 0.0005, "{}", differ("Asia/Tokyo"));
    assert!((differ("Australia/Sydney") - 0.397).abs() < 0.0006, "{}", differ("Australia/Sydney"));
}
