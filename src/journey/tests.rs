//! Batch, one event at a time, and merged parts give equal answers.

use super::*;
use crate::customer::CustomerId;
use proptest::prelude::*;

type Row = (u8, i64, u16);

fn id(customer: u8) -> CustomerId {
    CustomerId::new(uuid::Uuid::from_u128(u128::from(customer)))
}

fn names() -> Activities {
    Activities::new(["a", "b", "c", "d"]).unwrap()
}

fn log(rows: &[Row]) -> JourneyLog {
    let customers: Vec<u32> = rows.iter().map(|row| row.0.into()).collect();
    let times: Vec<i64> = rows.iter().map(|row| row.1).collect();
    let codes: Vec<u16> = rows.iter().map(|row| row.2).collect();
    JourneyLog::from_columns(&customers, &times, &codes, names()).unwrap()
}

fn built(rows: &[Row], detail: DurationDetail) -> JourneyGraphBuilder {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| row.1);
    let mut builder = JourneyGraphBuilder::new(names(), detail);
    for (customer, at, code) in rows {
        builder.push(id(customer), at, code).unwrap();
    }
    builder
}

/// Counts by the definitions, without any cleverness.
fn plainly(rows: &[Row], from: u16, to: u16) -> (u64, u64, Vec<i64>) {
    let (mut count, mut customers, mut dwells) = (0, 0, Vec::new());
    for customer in 0..=u8::MAX {
        let mut own: Vec<_> = rows.iter().filter(|row| row.0 == customer).collect();
        own.sort_by_key(|row| row.1);
        let here: Vec<_> = own.windows(2).filter(|w| (w[0].2, w[1].2) == (from, to)).collect();
        count += here.len() as u64;
        customers += u64::from(!here.is_empty());
        dwells.extend(here.iter().map(|w| w[1].1 - w[0].1));
    }
    (count, customers, dwells)
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0_u8..6, -20_i64..2_000, 0_u16..4), 0..80)
}

fn detail() -> impl Strategy<Value = DurationDetail> {
    prop_oneof![
        Just(DurationDetail::Moments),
        (0_u32..20).prop_map(|exact_up_to| DurationDetail::Quantiles { exact_up_to }),
    ]
}

proptest! {
    #[test]
    fn graph_in_one_pass_equals_one_by_one_and_merged(rows in rows(), detail in detail(), cut in 0_u8..6, at in 0_u8..6) {
        let whole = JourneyGraph::from_log(&log(&rows), detail);
        let single = built(&rows, detail).graph();
        // Sums made in one pass keep no single durations, and neither do those of moments.
        prop_assert_eq!(&single, &whole);

        let part = |low: u8, high: u8| -> Vec<Row> {
            rows.iter().copied().filter(|row| (low..high).contains(&row.0)).collect()
        };
        let (low, high) = (cut.min(at), cut.max(at));
        let parts = [part(0, low), part(low, high), part(high, 6)];
        for order in [[0, 1, 2], [2, 0, 1], [1, 0, 2]] {
            let mut builder = built(&parts[order[0]], detail);
            let mut rest = built(&parts[order[1]], detail);
            rest.merge(built(&parts[order[2]], detail)).unwrap();
            builder.merge(rest).unwrap();
            prop_assert_eq!(&builder.graph(), &whole);

            let mut graph = JourneyGraph::from_log(&log(&parts[order[0]]), detail);
            graph.merge(&JourneyGraph::from_log(&log(&parts[order[1]]), detail)).unwrap();
            graph.merge(&JourneyGraph::from_log(&log(&parts[order[2]]), detail)).unwrap();
            prop_assert_eq!(&graph, &whole);
        }
    }

    #[test]
    fn graph_counts_by_the_definition(rows in rows()) {
        let graph = JourneyGraph::from_log(&log(&rows), DurationDetail::default());
        for from in 0..4 {
            for to in 0..4 {
                let (count, customers, dwells) = plainly(&rows, from, to);
                let names = names();
                match graph.edge(names.name(from), names.name(to)) {
                    None => prop_assert_eq!(count, 0),
                    Some(edge) => {
                        prop_assert_eq!((edge.count(), edge.customers()), (count, customers));
                        // The same durations, whatever their order.
                        let mut expected = Durations::new(DurationDetail::default());
                        for dwell in dwells {
                            expected.push(dwell.unsigned_abs());
                        }
                        prop_assert_eq!(edge.dwell(), &expected);
                    }
                }
            }
        }
        prop_assert_eq!(graph.events(), rows.len() as u64);
        prop_assert_eq!(graph.nodes().map(|(_, node)| node.ends()).sum::<u64>(), graph.journeys());
        prop_assert_eq!(graph.transitions() + graph.journeys(), graph.events());
        prop_assert_eq!(graph.ties(), log(&rows).ties());
    }
}

#[test]
fn merging_matches_activities_by_name() {
    let graph = |rows: &[(u32, i64, &str)]| {
        let log = JourneyLog::from_events(rows.iter().copied(), 10).unwrap();
        JourneyGraph::from_log(&log, DurationDetail::default())
    };
    let (one, two) = ([(1, 0, "x"), (1, 5, "a")], [(2, 0, "m"), (2, 3, "x")]);
    let mut merged = graph(&one);
    merged.merge(&graph(&two)).unwrap();
    assert_eq!(merged, graph(&[one, two].concat()));
}

#[test]
fn refused_events_change_nothing() {
    let mut builder = JourneyGraphBuilder::new(names(), DurationDetail::default());
    builder.push(id(1), 10, 0).unwrap();
    let before = builder.graph();
    let back = builder.push(id(1), 9, 1).unwrap_err();
    assert_eq!(back, JourneyError::TimeGoesBackwards { customer: id(1), previous: 10, at: 9 });
    let unknown = builder.push_columns(&[id(1)], &[11], &[4]).unwrap_err();
    assert_eq!(unknown, JourneyError::UnknownActivity { row: 0, code: 4, known: 4 });
    assert_eq!(builder.graph(), before);
    assert_eq!(builder.merge(builder.clone()).unwrap_err(), JourneyError::SharedCustomer { customer: id(1) });
    let other = JourneyGraphBuilder::new(names(), DurationDetail::Moments);
    assert_eq!(builder.merge(other).unwrap_err(), JourneyError::DifferentRules { setting: "detail" });
    assert_eq!(builder.graph(), before);
}

#[test]
fn sessions_of_a_customer_count_the_customer_once() {
    let log = log(&[(1, 0, 0), (1, 1, 1), (1, 100, 0), (1, 101, 1), (2, 0, 0)]);
    let cut = log.sessions(chrono::TimeDelta::microseconds(50)).unwrap();
    let graph = JourneyGraph::from_log(&cut, DurationDetail::default());
    assert_eq!((graph.journeys(), graph.customers()), (3, 2));
    let edge = graph.edge("a", "b").unwrap();
    assert_eq!((edge.count(), edge.customers()), (2, 1));
    let node = graph.node("a").unwrap();
    assert_eq!((node.journeys(), node.customers(), node.starts(), node.reworked()), (3, 2, 3, 0));
}

#[test]
fn dead_ends_are_no_goals() {
    let log = log(&[(1, 0, 0), (1, 1, 1), (2, 0, 0), (2, 1, 2), (3, 0, 0), (3, 1, 2)]);
    let graph = JourneyGraph::from_log(&log, DurationDetail::default());
    let level = crate::Share::new(0.95).unwrap();
    let ends = graph.dead_ends(&[1], crate::Share::new(0.5).unwrap(), 1, level);
    assert_eq!(ends.len(), 1);
    assert_eq!((ends[0].activity, ends[0].ends, ends[0].share.n()), (2, 2, 2));
    assert!(graph.dead_ends(&[1], crate::Share::ZERO, 3, level).is_empty());
}
