//! No columns door allocates for each row: ten times the rows, not one allocation more. What counts journeys needs memory
//! for what customers can do, not for how often they did it.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use allocation_counter::measure;
use patronage::Share;
use patronage::journey::{Activities, DurationDetail, EventuallyFollows, JourneyGraph, JourneyLog};
use patronage::segment::{RfmBreaks, RfmColumns, RfmScoreColumns, RfmSegment, SegmentMap};
use patronage::value::{
    BgNbd, Buyers, Discount, GammaGamma, Horizon, LifetimeValue, ParetoNbd, PurchaseForecast, PurchaseModel,
    RepeatSpends, TimeUnit,
};

struct Columns {
    recency_days: Vec<i32>,
    frequency: Vec<u32>,
    spend_minor: Vec<i64>,
    recency: Vec<f64>,
    age: Vec<f64>,
    mean: Vec<f64>,
}

fn columns(rows: u32) -> Columns {
    let row = 0..rows;
    Columns {
        recency_days: row.clone().map(|row| i32::try_from(row % 700).unwrap()).collect(),
        frequency: row.clone().map(|row| row % 9).collect(),
        spend_minor: row.clone().map(|row| i64::from(row % 9 * 1000 + row % 17)).collect(),
        recency: row.clone().map(|row| if row % 9 == 0 { 0.0 } else { f64::from(1 + row % 30) }).collect(),
        age: row.clone().map(|row| f64::from(31 + row % 9)).collect(),
        mean: row.map(|row| if row % 9 == 0 { 0.0 } else { f64::from(500 + row % 4000) }).collect(),
    }
}

/// The allocations of every columns door over so many rows, buffers made beforehand.
fn allocations(rows: u32) -> Vec<(&'static str, u64)> {
    let columns = columns(rows);
    let size = usize::try_from(rows).unwrap();
    let rfm = RfmColumns::new(&columns.recency_days, &columns.frequency, &columns.spend_minor).unwrap();
    let mut scratch = Vec::new();
    let breaks = RfmBreaks::from_columns(rfm, &mut scratch).unwrap();
    let mut scores = RfmScoreColumns::default();
    breaks.score_into(rfm, &mut scores);
    let map = SegmentMap::default();
    let mut segments: Vec<RfmSegment> = Vec::with_capacity(size);

    let buyers = Buyers::new(&columns.frequency, &columns.recency, &columns.age).unwrap();
    let spends = RepeatSpends::new(&columns.frequency, &columns.mean).unwrap();
    let purchases = BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap();
    let spend = GammaGamma::new(6.25, 3.74, 1544.0).unwrap();
    let year = Horizon::of(1.0, TimeUnit::YEAR, TimeUnit::WEEK).unwrap();
    let discount = Discount::of(0.1, TimeUnit::YEAR, TimeUnit::WEEK).unwrap();
    let (near, half) = (Horizon::new(13.0).unwrap(), Share::new(0.5).unwrap());
    let pareto = ParetoNbd::new(0.553, 10.578, 0.606, 11.669).unwrap();
    let worth = LifetimeValue::new(&purchases, &spend, year, discount, Share::ONE);
    let (mut out, mut other) = (vec![0.0; size], vec![0.0; size]);

    let mut counted = Vec::new();
    let mut count = |door, work: &mut dyn FnMut()| counted.push((door, measure(work).count_total));
    count("break points", &mut || assert!(RfmBreaks::from_columns(rfm, &mut scratch).is_ok()));
    count("scores", &mut || breaks.score_into(rfm, &mut scores));
    count("segments", &mut || map.segment_into(&scores, &mut segments));
    count("P(alive)", &mut || purchases.p_alive_into(buyers, &mut out).unwrap());
    count("log-likelihood", &mut || purchases.log_likelihood_into(buyers, &mut out).unwrap());
    count("expected purchases", &mut || purchases.expected_purchases_into(buyers, year, &mut out).unwrap());
    count("discounted purchases", &mut || {
        purchases.discounted_purchases_into(buyers, year, discount, &mut out).unwrap();
    });
    count("score", &mut || purchases.score_into(buyers, year, &mut out, &mut other).unwrap());
    count("purchases of an interval", &mut || {
        purchases.expected_purchases_between_into(buyers, near, year, &mut out).unwrap();
    });
    count("purchases for ever", &mut || {
        purchases.discounted_residual_purchases_into(buyers, discount, &mut out).unwrap();
    });
    count("counts", &mut || purchases.p_purchases_into(buyers, 2, year, &mut out).unwrap());
    count("silence", &mut || purchases.p_no_purchase_into(buyers, year, &mut out).unwrap());
    count("P(alive) after silence", &mut || purchases.p_alive_after_into(buyers, year, &mut out).unwrap());
    count("next purchase", &mut || purchases.next_purchase_into(buyers, half, &mut out).unwrap());
    count("Pareto/NBD", &mut || pareto.score_into(buyers, year, &mut out, &mut other).unwrap());
    count("Pareto/NBD discounted", &mut || {
        pareto.discounted_purchases_into(buyers, year, discount, &mut out).unwrap();
    });
    count("expected spend", &mut || spend.expected_spend_into(spends, &mut out).unwrap());
    count("lifetime value", &mut || worth.value_into(buyers, spends, &mut out).unwrap());
    count("customer equity", &mut || assert!(worth.customer_equity(buyers, spends).is_ok()));
    counted
}

#[test]
fn columns_allocate_nothing_for_each_row() {
    assert_eq!(allocations(500), allocations(5_000));
}

#[test]
fn scoring_customers_allocates_nothing() {
    let counted = allocations(500);
    let scoring = counted.iter().skip_while(|(door, _)| *door != "P(alive)");
    assert_eq!(scoring.clone().count(), 16);
    assert!(scoring.clone().all(|&(_, allocations)| allocations == 0), "{counted:?}");
}

const TOUCHPOINTS: u16 = 20;

/// Journeys of ten events, every touch point after every other, 10 to 110 minutes between. The least and the most come
/// again and again: how many classes of time there are depends on them.
fn log(events: u32) -> JourneyLog {
    let mixed = |row: u32, below: u16| {
        let mixed = u64::from(row).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        u16::try_from((mixed >> 40) % u64::from(below)).unwrap()
    };
    let journeys = events / 10;
    let customers: Vec<u32> = (0..events).map(|row| row % journeys).collect();
    let minutes = |row: u32| i64::from(row / journeys) * 60 + i64::from(mixed(!row, 3)) * 25;
    let times: Vec<i64> = (0..events).map(|row| minutes(row) * 60_000_000).collect();
    let activities: Vec<u16> = (0..events).map(|row| mixed(row, TOUCHPOINTS)).collect();
    let names = Activities::new((0..TOUCHPOINTS).map(|n| format!("touchpoint {n:02}"))).unwrap();
    JourneyLog::from_columns(&customers, &times, &activities, names).unwrap()
}

/// The most bytes that counting held at once.
fn bytes<T>(work: impl Fn() -> T) -> u64 {
    measure(|| drop(work())).bytes_max
}

/// Ten times the events, the same memory: the log is the only thing that grows.
#[test]
fn graphs_and_what_follows_hold_no_events() {
    let (few, many) = (log(100_000), log(1_000_000));
    let graph = |log, detail| bytes(|| JourneyGraph::from_log(log, detail));
    let edges = JourneyGraph::from_log(&few, DurationDetail::Moments).edges().len();
    assert_eq!(edges, usize::from(TOUCHPOINTS).pow(2), "else more events would find more edges");
    assert_eq!(graph(&few, DurationDetail::Moments), graph(&many, DurationDetail::Moments));
    // With quantiles too, once there are more durations than are kept one by one.
    let quantiles = DurationDetail::Quantiles { exact_up_to: 64 };
    let (small, large) = (graph(&few, quantiles), graph(&many, quantiles));
    assert!(large < small + small / 4, "{small} bytes, {large} bytes");
    let follows = |log| bytes(|| EventuallyFollows::from_log(log));
    assert_eq!(follows(&few), follows(&many));
}

/// With the log itself, from columns of mixed customers.
#[test]
fn eventually_follows_needs_little_for_a_million_events() {
    let whole = bytes(|| EventuallyFollows::from_log(&log(1_000_000)));
    assert!(whole < 100_000_000, "{whole} bytes");
}
