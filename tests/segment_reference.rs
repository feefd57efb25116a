//! RFM scores and segments of published orders, against counts made by another program.
//!
//! Expected numbers: `NumPy` 2.4, `cuts = numpy.quantile(x, [.2, .4, .6, .8])` (its default is type 7, in floating
//! point), `score = 1 + sum(x > cut)` for frequency and spend and `5 - sum(x > cut)` for recency, analysis date
//! 2006-12-31, over one row a customer. The map was written out there once more as a chain of conditions.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step must fail the test")]

use chrono::NaiveDate;
use patronage::purchase::PurchaseHistory;
use patronage::segment::{RfmBreaks, RfmColumns, RfmRow, RfmScoreColumns, RfmSegment, SegmentMap};
use patronage::{Currency, Money};
use std::collections::BTreeMap;

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
