//! Journeys of published logs against numbers made by other programs.
//!
//! The logs lie outside the repository, because not all may be passed on: in the folder named by
//! `PATRONAGE_SHARED_DATA`, or in `../shared/data` next to this checkout. Where there is no such folder the tests say so
//! and pass. Expected numbers: pm4py 2.7 (directly-follows pairs, variants, rework; events in the order of case, time,
//! file), retentioneering 3 and 5 (online shop), and pandas on the same files; edge tables with dwell times from pandas.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step must fail the test")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use flate2::read::GzDecoder;
use patronage::Share;
use patronage::journey::{
    Calendar, CalendarUnit, DurationDetail, Durations, JourneyGraph, JourneyLog, Retention, StepTable,
    Variant, Variants,
};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

type Row = (String, i64, String);

fn folder() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test is told where the data lie")]
    let named = std::env::var("PATRONAGE_SHARED_DATA").ok().map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let further = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let found =
        named.into_iter().chain([beside, further]).map(|data| data.join("journey")).find(|at| at.is_dir());
    if found.is_none() {
        eprintln!("skipped: no folder of shared data (PATRONAGE_SHARED_DATA)");
    }
    found
}

fn bytes(file: &Path) -> Vec<u8> {
    let packed = std::fs::read(file).unwrap();
    let mut all = Vec::new();
    match GzDecoder::new(&packed[..]).read_to_end(&mut all) {
        Ok(_) => all,
        Err(_) => packed,
    }
}

fn microseconds(text: &str) -> i64 {
    match DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        Ok(at) => at.timestamp_micros(),
        Err(_) => {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap().and_utc().timestamp_micros()
        }
    }
}

fn csv_rows(file: &Path, [case, time, activity]: [&str; 3]) -> Vec<Row> {
    let data = bytes(file);
    let mut reader = csv::Reader::from_reader(&data[..]);
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let places = [case, time, activity].map(at);
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let [case, time, activity] = places.map(|place| record[place].to_owned());
            (case, microseconds(&time), activity)
        })
        .collect()
}

/// Reads the two attributes `key` and `value` of an element.
fn attribute(element: &BytesStart<'_>) -> (String, String) {
    let text = |name: &str| {
        let found = element.try_get_attribute(name).unwrap().unwrap();
        quick_xml::escape::unescape(&found.value).unwrap().into_owned()
    };
    (text("key"), text("value"))
}

/// The events of an XES log: case by case, in the order of the file.
fn xes_rows(file: &Path) -> Vec<Row> {
    let data = bytes(file);
    let mut reader = Reader::from_reader(&data[..]);
    let mut rows = Vec::new();
    let (mut case, mut number, mut time, mut activity) = (String::new(), 0, None, None);
    let (mut in_trace, mut in_event, mut depth) = (false, false, 0);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return rows,
            Event::Start(element) => match element.name().as_ref() {
                "trace" => {
                    number += 1;
                    case = number.to_string();
                    in_trace = true;
                }
                "event" => (in_event, time, activity) = (true, None, None),
                "log" => {}
                _ => {
                    if in_event && depth == 0 {
                        note(&element, &mut time, &mut activity);
                    }
                    depth += 1;
                }
            },
            Event::Empty(element) if in_trace && in_event && depth == 0 => {
                note(&element, &mut time, &mut activity);
            }
            Event::End(element) => match element.name().as_ref() {
                "trace" => in_trace = false,
                "event" => {
                    rows.push((case.clone(), time.unwrap(), activity.clone().unwrap()));
                    in_event = false;
                }
                "log" => {}
                _ => depth -= 1,
            },
            _ => {}
        }
    }
}

fn note(element: &BytesStart<'_>, time: &mut Option<i64>, activity: &mut Option<String>) {
    if !matches!(element.name().as_ref(), "string" | "date") {
        return;
    }
    let (key, value) = attribute(element);
    match key.as_str() {
        "time:timestamp" => *time = Some(microseconds(&value)),
        "concept:name" => *activity = Some(value),
        _ => {}
    }
}

fn rows(data: &Path, name: &str) -> Vec<Row> {
    let file = data.join(name);
    match name {
        "simple_onlineshop.csv.gz" => csv_rows(&file, ["user_id", "timestamp", "event"]),
        _ if name.contains(".xes") => xes_rows(&file),
        _ => csv_rows(&file, ["case:concept:name", "time:timestamp", "concept:name"]),
    }
}

/// Each log is read once for all tests.
fn log(data: &Path, name: &str) -> JourneyLog {
    static LOGS: Mutex<BTreeMap<String, JourneyLog>> = Mutex::new(BTreeMap::new());
    let mut logs = LOGS.lock().unwrap();
    let read = || JourneyLog::from_events(rows(data, name), 1000).unwrap();
    logs.entry(name.to_owned()).or_insert_with(read).clone()
}

/// Every duration is kept, so that medians are exact.
const EXACT: DurationDetail = DurationDetail::Quantiles { exact_up_to: 1 << 20 };

fn near(seen: f64, expected: f64) -> bool {
    (seen - expected).abs() <= 1e-12 * expected.abs()
}

#[test]
fn sizes_edges_and_variants_of_eight_logs() {
    let Some(data) = folder() else { return };
    for (name, [events, cases, activities, edges, steps, variants, needed], top) in [
        ("running-example.csv", [42, 6, 8, 16, 36, 6, 5], [1, 1, 1, 1, 1]),
        ("running-example.xes", [42, 6, 8, 16, 36, 6, 5], [1, 1, 1, 1, 1]),
        ("receipt.csv.gz", [8_577, 1_434, 27, 99, 7_143, 116, 6], [713, 123, 116, 115, 75]),
        ("roadtraffic100traces.csv", [390, 100, 10, 18, 290, 10, 4], [36, 22, 16, 10, 5]),
        ("roadtraffic100traces.xes", [390, 100, 10, 18, 290, 10, 4], [36, 22, 16, 10, 5]),
        ("helpdesk.xes.gz", [21_348, 4_580, 14, 55, 16_768, 226, 7], [2366, 552, 228, 213, 164]),
        ("bpic2012.xes.gz", [262_200, 13_087, 24, 125, 249_113, 4_366, 1_749], [3429, 1872, 271, 209, 160]),
        ("bpic2013_closed.xes.gz", [6_660, 1_487, 4, 10, 5_173, 183, 12], [493, 230, 142, 95, 67]),
        ("teleclaims.xes.gz", [46_138, 3_512, 11, 30, 42_626, 12, 9], [525, 469, 367, 262, 260]),
        ("repairExample.xes.gz", [11_855, 1_104, 8, 23, 10_751, 77, 17], [250, 129, 78, 75, 67]),
    ] {
        let log = log(&data, name);
        let graph = JourneyGraph::from_log(&log, DurationDetail::default());
        let ways = Variants::from_log(&log);
        let seen = [
            log.events(),
            log.journeys().len(),
            log.activities().len(),
            graph.edges().len(),
            usize::try_from(graph.transitions()).unwrap(),
            ways.len(),
            ways.needed_for(Share::new(0.8).unwrap()),
        ];
        assert_eq!(seen, [events, cases, activities, edges, steps, variants, needed], "{name}");
        let most: Vec<_> = ways.iter().take(5).map(Variant::journeys).collect();
        assert_eq!(most, top, "{name}");
        assert_eq!(graph.customers(), cases as u64);
    }
}

#[test]
fn every_edge_with_its_dwell_time() {
    let Some(data) = folder() else { return };
    for (table, name) in [
        ("dfg_running-example_csv.csv", "running-example.csv"),
        ("dfg_receipt_csv_gz.csv", "receipt.csv.gz"),
        ("dfg_roadtraffic100traces_csv.csv", "roadtraffic100traces.csv"),
        ("dfg_helpdesk_xes_gz.csv", "helpdesk.xes.gz"),
        ("dfg_bpic2012_xes_gz.csv", "bpic2012.xes.gz"),
        ("dfg_bpic2013_closed_xes_gz.csv", "bpic2013_closed.xes.gz"),
        ("dfg_teleclaims_xes_gz.csv", "teleclaims.xes.gz"),
        ("dfg_repairExample_xes_gz.csv", "repairExample.xes.gz"),
    ] {
        let log = log(&data, name);
        let graph = JourneyGraph::from_log(&log, EXACT);
        let counted = JourneyGraph::from_log(&log, DurationDetail::Quantiles { exact_up_to: 0 });
        let expected = std::fs::read(data.join("golden").join(table)).unwrap();
        let mut found = 0;
        for record in csv::Reader::from_reader(&expected[..]).deserialize() {
            let (from, to, count, mean, median, sum): (String, String, u64, f64, f64, f64) = record.unwrap();
            let edge = graph.edge(&from, &to).unwrap();
            let dwell = edge.dwell();
            assert_eq!(edge.count(), count, "{name}: {from} > {to}");
            assert!(near(dwell.mean_seconds().unwrap(), mean), "{name}: {from} > {to}: {dwell:?} {mean}");
            assert!(near(dwell.sum_seconds(), sum), "{name}: {from} > {to}: {sum}");
            let exact = dwell.median().unwrap();
            assert!(exact.exact && near(exact.seconds, median), "{name}: {from} > {to}: {exact:?} {median}");
            // In classes, the lower of the two middle durations is met within 1/256.
            let near_enough = counted.edge(&from, &to).unwrap().dwell().median().unwrap();
            assert!(!near_enough.exact);
            if count % 2 == 1 {
                let off = (near_enough.seconds - median).abs();
                assert!(off <= median / 256.0, "{name}: {from} > {to}: {near_enough:?} {median}");
            }
            found += 1;
        }
        assert_eq!(graph.edges().len(), found, "{name}");
    }
}

/// From the first event to the last, by pm4py on the running example.
#[test]
fn how_long_cases_take() {
    let Some(data) = folder() else { return };
    let mut lengths = Durations::new(EXACT);
    for journey in log(&data, "running-example.csv").journeys() {
        let times = journey.times();
        lengths.push(times[times.len() - 1].abs_diff(times[0]));
    }
    assert_eq!(lengths.mean_seconds(), Some(966_890.0));
    assert_eq!(lengths.median().map(|median| median.seconds), Some(815_940.0));
}

#[test]
fn rework_and_ends() {
    let Some(data) = folder() else { return };
    let graph = |name| JourneyGraph::from_log(&log(&data, name), EXACT);
    let reworked = |graph: &JourneyGraph| -> BTreeMap<String, u64> {
        let names = graph.activities();
        let again = graph.nodes().filter(|(_, node)| node.reworked() > 0);
        again.map(|(code, node)| (names.name(code).to_owned(), node.reworked())).collect()
    };
    let running = graph("running-example.csv");
    let expected = [("check ticket", 2), ("decide", 2), ("examine casually", 1), ("reinitiate request", 1)];
    assert_eq!(reworked(&running), expected.map(|(name, cases)| (name.to_owned(), cases)).into());
    assert_eq!(running.node("reject request").unwrap().ends(), 3);
    assert_eq!(running.node("pay compensation").unwrap().ends(), 3);
    assert_eq!(running.node("register request").unwrap().starts(), 6);

    let helpdesk = reworked(&graph("helpdesk.xes.gz"));
    assert_eq!(helpdesk["Take in charge ticket"], 623);
    assert_eq!(helpdesk["Assign seriousness"], 394);
    assert_eq!(helpdesk["Resolve ticket"], 386);

    let receipt = graph("receipt.csv.gz");
    assert_eq!(receipt.node("T10 Determine necessity to stop indication").unwrap().ends(), 828);
    assert_eq!(receipt.node("T05 Print and send confirmation of receipt").unwrap().ends(), 400);

    let loans = graph("bpic2012.xes.gz");
    for (name, cases) in [
        ("A_PREACCEPTED", 7_367),
        ("A_ACCEPTED", 5_113),
        ("A_FINALIZED", 5_015),
        ("O_SENT", 5_015),
        ("O_SENT_BACK", 3_254),
        ("A_APPROVED", 2_246),
        ("A_DECLINED", 7_635),
        ("A_CANCELLED", 2_807),
    ] {
        assert_eq!(loans.node(name).unwrap().journeys(), cases, "{name}");
    }
    assert_eq!(loans.ties(), 13_995);
    let goals =
        ["A_APPROVED", "A_DECLINED", "A_CANCELLED"].map(|name| loans.activities().code(name).unwrap());
    let log = log(&data, "bpic2012.xes.gz");
    let open = log.filtered(|journey| !journey.activities().iter().any(|code| goals.contains(code)));
    assert_eq!(open.journeys().len(), 399);
}

#[test]
fn online_shop_graph_and_sessions() {
    let Some(data) = folder() else { return };
    let log = log(&data, "simple_onlineshop.csv.gz");
    let graph = JourneyGraph::from_log(&log, EXACT);
    assert_eq!(
        (log.events(), log.journeys().len(), log.activities().len(), log.ties()),
        (32_283, 3_751, 12, 0)
    );
    assert_eq!((graph.edges().len(), graph.transitions()), (35, 28_532));
    for (from, to, count) in [
        ("catalog", "catalog", 4_857),
        ("main", "catalog", 4_064),
        ("catalog", "main", 2_545),
        ("catalog", "product2", 2_172),
        ("catalog", "cart", 1_709),
        ("cart", "delivery_choice", 1_686),
    ] {
        assert_eq!(graph.edge(from, to).unwrap().count(), count, "{from} > {to}");
    }
    let loops: BTreeMap<_, _> =
        graph.self_loops().map(|edge| (graph.activities().name(edge.from()), edge.count())).collect();
    assert_eq!(loops, [("catalog", 4_857), ("main", 1_042), ("cart", 1)].into());
    assert_eq!(Variants::from_log(&log).len(), 2_028);
    for (gap, sessions) in [(300, 6_457), (900, 6_456), (1_800, 6_454), (3_600, 6_451), (86_400, 6_258)] {
        assert_eq!(log.sessions(TimeDelta::seconds(gap)).unwrap().journeys().len(), sessions, "{gap} s");
    }
}

#[test]
fn online_shop_retention() {
    let Some(data) = folder() else { return };
    let log = log(&data, "simple_onlineshop.csv.gz");
    // Every week of the log has ended by then.
    let as_of = microseconds("2021-01-01T00:00:00Z");
    let weeks = Retention::from_log(&log, Calendar::new(CalendarUnit::Week), as_of);
    let first = weeks.first_period().unwrap();
    let growth: Vec<_> = (first..first + 6).map(|week| weeks.growth(week).unwrap()).collect();
    let column = |of: fn(&patronage::journey::Growth) -> u64| growth.iter().map(of).collect::<Vec<_>>();
    assert_eq!(column(|week| week.new), [24, 56, 65, 49, 75, 59]);
    assert_eq!(column(|week| week.returning), [0, 5, 7, 5, 8, 17]);
    assert_eq!(column(|week| week.resurrected), [0, 0, 0, 12, 9, 22]);
    assert_eq!(column(|week| week.dormant), [0, 19, 54, 67, 58, 75]);
    assert_eq!(weeks.cohort(first).unwrap()[..6], [24, 5, 1, 1, 2, 2]);
    assert_eq!(weeks.cohort(first + 1).unwrap()[..6], [56, 6, 11, 4, 4, 10]);
    let days = Retention::from_log(&log, Calendar::new(CalendarUnit::Day), as_of);
    let active: Vec<_> = days.active_periods().values().take(4).copied().collect();
    assert_eq!(active, [2_473, 733, 259, 111]);
    // Of all customers of a week, the mean day sees some share: by hand from the counts of days.
    let (week, share) = days.stickiness(&weeks).unwrap()[0];
    let monday = i64::from(week) * 7 - 3;
    let seen: u64 = (0..7)
        .filter_map(|day| days.growth(i32::try_from(monday + day).unwrap()))
        .map(|day| day.active())
        .sum();
    assert_eq!(share, Share::of(seen, 7 * 24).unwrap());
}

/// retentioneering 3, `tests/datasets`: a step matrix and a cohort matrix.
#[test]
fn step_and_cohort_matrices() {
    let Some(data) = folder() else { return };
    let shop = log(&data, "simple_onlineshop.csv.gz");
    let expected = bytes(&data.join("rete3_tests/step_matrix__01_basic.csv"));
    let table = StepTable::from_start(&shop, 20).unwrap();
    let mut compared = 0;
    for record in csv::Reader::from_reader(&expected[..]).records() {
        let record = record.unwrap();
        let Some(code) = shop.activities().code(&record[0]) else { continue };
        for (step, share) in record.iter().skip(1).enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a share of thousands")]
            let seen = table.count(step, code) as f64 / table.visits() as f64;
            let share: f64 = share.parse().unwrap();
            assert!((seen - share).abs() < 1e-9, "{} {step}: {seen} {share}", &record[0]);
            compared += 1;
        }
    }
    assert!(compared >= 12 * 20, "{compared}");

    let file = data.join("rete3_tests/cohorts__input_1.csv");
    let log = JourneyLog::from_events(csv_rows(&file, ["user_id", "timestamp", "event"]), 10).unwrap();
    let as_of = microseconds("2022-05-01T00:00:00Z");
    let months = Retention::from_log(&log, Calendar::new(CalendarUnit::Month), as_of);
    let rows: Vec<Vec<Option<f64>>> = months
        .cohorts()
        .map(|cohort| (0..5).map(|after| months.share(cohort, after).map(Share::get)).collect())
        .collect();
    // The published table does not tell a month without customers from one that has not come; here the first is 0.
    assert_eq!(rows[0], [Some(1.0), Some(1.0), Some(1.0), Some(0.0), Some(0.5)]);
    assert_eq!(rows[1], [Some(1.0), Some(1.0), Some(0.0), Some(0.25), None]);
    assert_eq!(rows[2], [Some(1.0), Some(2.0 / 3.0), Some(1.0 / 3.0), None, None]);
    assert_eq!(rows[3], [Some(1.0), Some(1.0), None, None, None]);
}
