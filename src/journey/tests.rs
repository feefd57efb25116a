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
    assert_eq!(back, JourneyError::TimeGoesBackwards { customer: id(1).into(), previous: 10, at: 9 });
    let unknown = builder.push_columns(&[id(1)], &[11], &[4]).unwrap_err();
    assert_eq!(unknown, JourneyError::UnknownActivity { row: 0, code: 4, known: 4 });
    assert_eq!(builder.graph(), before);
    assert_eq!(
        builder.merge(builder.clone()).unwrap_err(),
        JourneyError::SharedCustomer { customer: id(1).into() }
    );
    let other = JourneyGraphBuilder::new(names(), DurationDetail::Moments);
    assert_eq!(builder.merge(other).unwrap_err(), JourneyError::DifferentRules { setting: "detail" });
    assert_eq!(builder.graph(), before);
}

#[test]
fn sessions_of_a_customer_count_the_customer_once() {
    let log = log(&[(1, 0, 0), (1, 1, 1), (1, 100, 0), (1, 101, 1), (2, 0, 0)]);
    let cut = log.sessions(TimeDelta::microseconds(50)).unwrap();
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
    let level = Share::new(0.95).unwrap();
    let found = graph.dead_ends(&[1], Share::new(0.5).unwrap(), 1, level);
    let ends = found.ends();
    assert_eq!(ends.len(), 1);
    assert_eq!((ends[0].activity, ends[0].ends, ends[0].share.n()), (2, 2, 2));
    assert!(graph.dead_ends(&[1], Share::ZERO, 3, level).ends().is_empty());
}

use crate::interaction::{Agent, Channel, Direction, Effort, EffortDirection, Interaction, InteractionId};
use crate::interaction::{Link, Outcome, Sentiment};
use crate::measure::Share;
use crate::money::{Currency, Money};
use crate::tag::Tag;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

const DAY: i64 = 86_400_000_000;

fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap()
}

fn level() -> Share {
    Share::new(0.95).unwrap()
}

/// A call of a customer on a day, about an invoice.
fn call(customer: u8, day: i64, number: u32) -> crate::interaction::InteractionBuilder {
    let call = InteractionId::derive(&["call", &number.to_string()]);
    Interaction::builder(call, id(customer), at(day * DAY))
        .direction(Direction::Inbound)
        .reason(Tag::literal("invoice"))
        .agent(Agent::Person)
}

fn channel(number: u8) -> Channel {
    Channel::KNOWN[usize::from(number) % Channel::KNOWN.len()]
}

/// Interactions of all kinds: who, on which day, by which channel, how it ended, who began it, for which reason.
fn mixed() -> impl Strategy<Value = Vec<Interaction>> {
    let one = (0_u8..5, 0_i64..40, 0_u8..3, 0_u8..8, 0_u8..4, 0_u8..3, 0_u64..9);
    prop::collection::vec(one, 0..50).prop_map(|rows| {
        (0..)
            .zip(rows)
            .map(|(number, (customer, day, place, outcome, side, reason, minutes))| {
                let mut one = call(customer, day, number).direction(match side {
                    0 => Direction::Outbound,
                    _ => Direction::Inbound,
                });
                let base = one.clone().build().unwrap();
                one = one.at_place(channel(place), base.touchpoint(), base.engagement());
                one =
                    one.reason([Tag::literal("invoice"), Tag::literal("delivery")][usize::from(reason % 2)]);
                one = match outcome {
                    0 => one.outcome(Outcome::Resolved),
                    1 => one.outcome(Outcome::Abandoned).transfers(2),
                    2 => one.outcome(Outcome::Complaint),
                    3 => one.link(Link::Case(uuid::Uuid::from_u128(u128::from(reason)))),
                    4 => one.served_by(Tag::new(&format!("agent{reason}")).unwrap()),
                    5 => one.effort(Effort::new(2, 5, EffortDirection::HardIsHigh).unwrap()),
                    6 => one.sentiment(Sentiment::new(0.1, Tag::literal("note"), Share::ONE).unwrap()),
                    _ => one.cost(Money::new(250, Currency::EUR)),
                };
                if minutes > 0 {
                    one = one.wait(Duration::from_secs(minutes * 60));
                }
                one.build().unwrap()
            })
            .collect()
    })
}

fn followed(all: &[Interaction], of: impl Fn(u128) -> bool) -> ThreadBuilder {
    let mut sorted: Vec<_> = all.iter().filter(|one| of(one.customer().as_uuid().as_u128())).collect();
    sorted.sort_by_key(|one| one.at());
    let mut builder = ThreadBuilder::new(ThreadRules::default());
    for one in sorted {
        builder.push(one).unwrap();
    }
    builder
}

proptest! {
    #[test]
    fn contacts_one_by_one_equal_the_batch_and_merged_parts(all in mixed(), as_of in 0_i64..60) {
        let as_of = at(as_of * DAY);
        let whole = followed(&all, |_| true);
        let mut even = followed(&all, |customer| customer % 2 == 0);
        let mut odd = followed(&all, |customer| customer % 2 == 1);
        let other = odd.clone();
        odd.merge(even.clone()).unwrap();
        even.merge(other).unwrap();
        prop_assert_eq!(&odd, &whole);
        prop_assert_eq!(&even, &whole);
        let report = whole.contacts(as_of);
        // Closing what is mature changes no number.
        let mut closed = whole.clone();
        closed.close(as_of);
        prop_assert_eq!(closed.contacts(as_of), report.clone());
        let table = threads(&all, ThreadRules::default());
        prop_assert_eq!(table.interactions(), all.len() as u64);
        let apart = (report.without_reason(), report.without_contact(), report.ties());
        prop_assert_eq!((table.without_reason(), table.without_contact(), table.ties()), apart);
        let batch = table.threads();
        prop_assert_eq!(report.threads(), batch.len() as u64);
        let inbound = all.iter().filter(|one| one.direction() == Direction::Inbound).count();
        prop_assert_eq!(batch.iter().map(|thread| u64::from(thread.contacts)).sum::<u64>(), inbound as u64);
        // Two threads of one matter lie more than the window apart.
        for (one, two) in batch.iter().flat_map(|one| batch.iter().map(move |two| (one, two))) {
            if one.customer == two.customer && one.reason == two.reason && one.first < two.first {
                prop_assert!(two.first - one.last > TimeDelta::days(7));
            }
        }
    }

    /// Whose interactions come first does not matter, only that those of each customer are in order of time; and ending
    /// on the way what is mature leads to the same numbers.
    #[test]
    fn contacts_are_a_left_fold(all in mixed(), peek in 0_usize..50) {
        let whole = followed(&all, |_| true);
        let mut by_customer: Vec<_> = all.iter().collect();
        by_customer.sort_by_key(|one| (one.customer(), one.at()));
        let mut grouped = ThreadBuilder::new(ThreadRules::default());
        for one in by_customer {
            grouped.push(one).unwrap();
        }
        prop_assert_eq!(&grouped, &whole);

        let mut sorted: Vec<_> = all.iter().collect();
        sorted.sort_by_key(|one| one.at());
        let mut stepwise = ThreadBuilder::new(ThreadRules::default());
        for (place, one) in sorted.iter().enumerate() {
            if place == peek {
                // Until just before, everything is known.
                stepwise.close(one.at() - TimeDelta::microseconds(1));
            }
            stepwise.push(one).unwrap();
        }
        prop_assert_eq!(stepwise.contacts(at(99 * DAY)), whole.contacts(at(99 * DAY)));
    }

    #[test]
    fn the_map_in_parts_equals_the_whole(all in mixed(), cut in 0_usize..50) {
        let filled = |part: &[Interaction]| {
            let mut map = TouchpointMap::default();
            for one in part {
                map.push(one, None);
            }
            map
        };
        let whole = filled(&all);
        let (left, right) = all.split_at(cut.min(all.len()));
        let (mut one, mut two) = (filled(left), filled(right));
        one.merge(&filled(right));
        two.merge(&filled(left));
        prop_assert_eq!(&one, &whole);
        prop_assert_eq!(&two, &whole);
        let summary = whole.summary(&PlaceFilter::default());
        prop_assert_eq!(summary.interactions(), all.len() as u64);
        let known = all.iter().filter(|one| one.wait().is_some()).count();
        prop_assert_eq!(summary.waits().count(), known as u64);
        if let (n @ 1.., mean) = summary.ease() {
            prop_assert!(n > 0 && mean == Some(0.75));
        }
        if let (1.., Some(mean)) = summary.sentiment() {
            prop_assert!((mean - 0.1).abs() < 1e-12);
        }
    }

    #[test]
    fn retention_one_by_one_equals_the_batch_and_merged_parts(rows in rows(), days in 1_i64..30) {
        let spread: Vec<Row> = rows.iter().map(|&(customer, time, code)| (customer, time * DAY / 100, code)).collect();
        let calendar = Calendar::new(CalendarUnit::Day);
        let whole = Retention::from_log(&log(&spread), calendar, days * DAY);
        let mut sorted = spread;
        sorted.sort_by_key(|row| row.1);
        let pushed = |of: &dyn Fn(u8) -> bool| {
            let mut builder = RetentionBuilder::new(calendar);
            for row in sorted.iter().filter(|row| of(row.0)) {
                builder.push(id(row.0), row.1).unwrap();
            }
            builder
        };
        prop_assert_eq!(&pushed(&|_| true).retention(days * DAY), &whole);
        let mut parts = pushed(&|customer| customer % 2 == 0);
        parts.merge(pushed(&|customer| customer % 2 == 1)).unwrap();
        prop_assert_eq!(&parts.retention(days * DAY), &whole);
        // Who is active now was active before, came back or is new; who was active is active or dormant.
        if let Some(first) = whole.first_period() {
            for period in first..=whole.last_period() {
                let now = whole.growth(period).unwrap();
                let before = whole.growth(period - 1).map_or(0, |growth| growth.active());
                prop_assert_eq!(now.returning + now.dormant, before);
                let triangle: u64 = (first..=period)
                    .filter_map(|cohort| whole.cohort(cohort)?.get(usize::try_from(period - cohort).unwrap()).copied())
                    .sum();
                prop_assert_eq!(triangle, now.active());
            }
        }
    }

    #[test]
    fn frequent_sequences_equal_counting_all(rows in rows(), least in 1_u64..4) {
        let log = log(&rows);
        let found = frequent_sequences(&log, 4, least, usize::MAX).unwrap();
        let mut expected = std::collections::BTreeMap::new();
        for length in 2..=4 {
            for (number, journey) in log.journeys().enumerate() {
                for run in journey.activities().windows(length) {
                    let (journeys, times): &mut (std::collections::BTreeSet<usize>, u64) =
                        expected.entry(run.to_vec()).or_default();
                    journeys.insert(number);
                    *times += 1;
                }
            }
        }
        expected.retain(|_, (journeys, _)| journeys.len() as u64 >= least);
        prop_assert_eq!((found.sequences().len(), found.found()), (expected.len(), expected.len() as u64));
        prop_assert_eq!(found.journeys(), log.journeys().len() as u64);
        for one in found.sequences() {
            let (journeys, times) = &expected[&one.activities];
            prop_assert_eq!((one.journeys, one.occurrences), (journeys.len() as u64, *times));
        }
    }
}

#[test]
fn young_threads_are_left_out() {
    let mut builder = ThreadBuilder::new(ThreadRules::default());
    let resolved =
        |customer, day, number| call(customer, day, number).outcome(Outcome::Resolved).build().unwrap();
    builder.push(&resolved(1, 0, 1)).unwrap();
    builder.push(&resolved(2, 5, 2)).unwrap();
    // A day before customer 2 is known not to have come again: only customer 1 counts.
    let report = builder.contacts(at(11 * DAY));
    assert_eq!((report.threads(), report.mature(), report.immature()), (2, 1, 1));
    assert_eq!(report.first_contact_resolution(level()).map(|share| share.n()), Some(1));
    // Exactly a window later still is the same matter.
    builder.push(&resolved(2, 12, 3)).unwrap();
    let report = builder.contacts(at(19 * DAY));
    assert_eq!((report.mature(), report.repeats()), (2, 1));
    assert_eq!(report.first_contact_resolution(level()).map(|share| share.value()), Some(0.5));
    assert_eq!(report.repeat_rate(RepeatRate::OfContacts), Some(1.0 / 3.0));
    assert_eq!(report.repeat_rate(RepeatRate::OfFirstContacts), Some(0.5));
    let back = builder.push(&resolved(2, 1, 4)).unwrap_err();
    assert!(matches!(back, JourneyError::TimeGoesBackwards { .. }));
    let none = ThreadBuilder::new(ThreadRules::default()).contacts(at(0));
    assert_eq!(
        (none.threads(), none.first_contact_resolution(level()), none.mean_wait_seconds()),
        (0, None, None)
    );
}

#[test]
fn what_was_closed_takes_nothing_in() {
    let mut builder = ThreadBuilder::new(ThreadRules::default());
    let push = |builder: &mut ThreadBuilder, customer, day, number| {
        builder.push(&call(customer, day, number).build().unwrap()).map(|_| ())
    };
    push(&mut builder, 1, 0, 1).unwrap();
    push(&mut builder, 2, 6, 2).unwrap();
    // A contact of day 7 would be of the matter that is ended now.
    assert_eq!(builder.close(at(7 * DAY)).len(), 1);
    let before = builder.clone();
    for (customer, day) in [(1, 7), (2, 7), (3, 3)] {
        let refused = push(&mut builder, customer, day, 3).unwrap_err();
        let (closed, day) = (7 * DAY, day * DAY);
        assert_eq!(refused, JourneyError::AlreadyClosed { customer: id(customer).into(), closed, at: day });
    }
    assert_eq!(builder, before);
    // An earlier instant opens nothing again, and in merged parts the later one holds.
    assert!(builder.close(at(DAY)).is_empty());
    assert!(push(&mut builder, 1, 7, 4).is_err());
    let mut other = ThreadBuilder::new(ThreadRules::default());
    other.merge(builder).unwrap();
    assert!(push(&mut other, 1, 7, 5).is_err() && push(&mut other, 1, 8, 6).is_ok());
    assert_eq!(other.contacts(at(99 * DAY)).threads(), 3);
}

#[test]
fn unknown_outcomes_are_not_taken_for_resolved() {
    let mut builder = ThreadBuilder::new(ThreadRules::default());
    builder.push(&call(1, 0, 1).build().unwrap()).unwrap();
    builder.push(&call(2, 0, 2).outcome(Outcome::Resolved).build().unwrap()).unwrap();
    let no_reason = Interaction::builder(InteractionId::derive(&["x"]), id(3), at(0)).build().unwrap();
    builder.push(&no_reason).unwrap();
    builder.push(&call(4, 0, 3).direction(Direction::Outbound).build().unwrap()).unwrap();
    let report = builder.contacts(at(99 * DAY));
    assert_eq!((report.mature(), report.unknown_outcome()), (2, 1));
    assert_eq!((report.without_reason(), report.without_contact(), report.ties()), (1, 1, 0));
    assert_eq!(report.first_contact_resolution(level()).map(|share| share.n()), Some(1));
    assert_eq!(report.single_contact(level()).map(|share| share.n()), Some(2));
}

#[test]
fn starting_again_is_told_by_links() {
    let case = |n: u128| Link::Case(uuid::Uuid::from_u128(n));
    let place = |number, builder: crate::interaction::InteractionBuilder| {
        let base = builder.clone().build().unwrap();
        builder.at_place(channel(number), base.touchpoint(), base.engagement())
    };
    let agent = |name| Tag::literal(name);
    let all = [
        place(0, call(1, 0, 1)).link(case(7)).served_by(agent("one")).transfers(1),
        place(1, call(1, 1, 2)).link(case(7)).served_by(agent("two")),
        place(2, call(1, 2, 3)).link(case(8)).served_by(agent("two")).wait(Duration::from_secs(1_800)),
        place(0, call(1, 3, 4)),
    ]
    .map(|one| one.build().unwrap());
    let found = threads(&all, ThreadRules::default());
    let thread = &found.threads()[0];
    assert_eq!((thread.contacts, thread.switches, thread.carried_over, thread.started_again), (4, 3, 1, 1));
    assert_eq!((thread.other_agents, thread.transfers, thread.length()), (1, 1, 3 * DAY.unsigned_abs()));
    let effort = thread.effort(&EffortWeights::default()).unwrap();
    // Three repeats, three switches, a transfer, another agent, half an hour.
    assert_eq!((effort.score, effort.waits_known), (8.5, false));
    assert!(thread.effort(&EffortWeights { switch: f64::NAN, ..EffortWeights::default() }).is_err());
    let mut builder = ThreadBuilder::new(ThreadRules::default());
    for one in &all {
        builder.push(one).unwrap();
    }
    let report = builder.contacts(at(99 * DAY));
    assert_eq!(report.started_again(level()).map(|share| (share.value(), share.n())), Some((0.5, 2)));
    assert_eq!(report.unknown_switches(), 1);
    assert_eq!((report.waited().count(), report.waited().mean_seconds()), (1, Some(1_800.0)));
    builder.push(&call(1, 3, 5).build().unwrap()).unwrap();
    assert_eq!(builder.contacts(at(99 * DAY)).ties(), 1);
}

#[test]
fn windows_and_scopes() {
    let all = [call(1, 0, 1), call(1, 5, 2), call(1, 10, 3).reason(Tag::literal("other"))]
        .map(|one| one.build().unwrap());
    let count = |rules| threads(&all, rules).threads().len();
    let rules = ThreadRules::default();
    assert_eq!(count(rules), 2);
    assert_eq!(count(rules.with_scope(ThreadScope::AnyReason)), 1);
    assert_eq!(count(rules.with_scope(ThreadScope::AnyReason).with_window_from(WindowFrom::FirstContact)), 2);
    let merged = rules.with_one_contact_within(TimeDelta::days(5)).unwrap();
    assert_eq!(threads(&all, merged).threads()[0].contacts, 1);
    assert!(rules.with_window(TimeDelta::zero()).is_err());
    assert!(rules.with_one_contact_within(TimeDelta::days(7)).is_err());
}

#[test]
fn expectations_are_judged_on_enough() {
    let mut map = TouchpointMap::default();
    for (number, seconds) in [(1, 10), (2, 20), (3, 90)] {
        let cost = Money::new(150, Currency::EUR);
        let one = call(1, 0, number).wait(Duration::from_secs(seconds)).cost(cost).build().unwrap();
        map.push(&one, None);
    }
    map.push(&call(2, 0, 4).build().unwrap(), None);
    let judge = |metric, target, least| {
        Expectation::new(PlaceFilter::default(), metric, target, least).unwrap().judge(&map)
    };
    assert_eq!(judge(Metric::WaitMedian, Target::AtMost(30.0), 3), Judgement::Met { actual: 20.0, n: 3 });
    assert_eq!(
        judge(Metric::WaitMean, Target::AtMost(30.0), 3),
        Judgement::Missed { actual: 40.0, gap: 10.0, n: 3 }
    );
    assert_eq!(judge(Metric::WaitMean, Target::AtMost(30.0), 4), Judgement::TooFew { n: 3 });
    // What was not recorded is not good.
    assert_eq!(judge(Metric::Ease, Target::AtLeast(0.1), 1), Judgement::TooFew { n: 0 });
    assert_eq!(
        judge(Metric::CostMean(Currency::EUR), Target::AtMost(2.0), 1),
        Judgement::Met { actual: 1.5, n: 3 }
    );
    assert_eq!(judge(Metric::CostMean(Currency::USD), Target::AtMost(2.0), 1), Judgement::TooFew { n: 0 });
    assert!(Expectation::new(PlaceFilter::default(), Metric::Ease, Target::AtLeast(f64::NAN), 1).is_err());
    assert!(Expectation::new(PlaceFilter::default(), Metric::Ease, Target::AtLeast(0.0), 0).is_err());
}

#[test]
fn promises_differ_between_channels() {
    let rule = PromiseRule::WaitAtMost(Duration::from_secs(60));
    let promise = BrandPromise::new(Tag::literal("no_waiting"), PlaceFilter::default(), rule).unwrap();
    let mut tally = PromiseTally::new(promise);
    let mut number = 0;
    // Kept in 56 of 70 on one channel and 48 of 80 on another: Newcombe (1998), table II, method 10.
    for (place, kept, all) in [(0, 56, 70), (1, 48, 80), (2, 1, 1)] {
        for one in 0..all {
            number += 1;
            let seconds = if one < kept { 60 } else { 61 };
            let call = call(1, 0, number).wait(Duration::from_secs(seconds));
            let base = call.clone().build().unwrap();
            let call = call.at_place(channel(place), base.touchpoint(), base.engagement());
            tally.push(&call.build().unwrap(), None);
        }
    }
    tally.push(&call(1, 0, 9_999).build().unwrap(), None);
    assert_eq!(tally.unknown(), 1);
    assert_eq!(tally.kept(level()).map(|kept| kept.n()), Some(151));
    let spread = tally.spread(10, level()).unwrap();
    assert_eq!((spread.best, spread.worst, spread.channels, spread.too_few), (channel(0), channel(1), 2, 1));
    let difference = spread.difference;
    assert!((difference.value() - 0.2).abs() < 1e-12);
    assert!((difference.lower() - 0.0524).abs() < 5e-5 && (difference.upper() - 0.3339).abs() < 5e-5);
    assert!(tally.spread(75, level()).is_none());
    let wider = tally.spread(1, level()).unwrap().difference;
    assert!(wider.upper() - wider.lower() > difference.upper() - difference.lower());
    let unsure = PromiseRule::SentimentAtLeast(2.0);
    assert!(BrandPromise::new(Tag::literal("x"), PlaceFilter::default(), unsure).is_err());
}

#[test]
fn steps_before_leaving() {
    let rows = [(1, 0, 0), (1, 1, 1), (1, 2, 2), (1, 3, 2), (2, 0, 2)];
    let log = log(&rows);
    let first = StepTable::before(&log, 2, 3, Visits::First).unwrap();
    assert_eq!((first.visits(), first.depth(), first.count(0, 1), first.count(1, 0)), (2, 3, 1, 1));
    assert_eq!((first.without(0), first.without(1), first.without(2)), (1, 1, 2));
    let every = StepTable::before(&log, 2, 1, Visits::Every).unwrap();
    assert_eq!((every.visits(), every.count(0, 2)), (3, 1));
    assert!(StepTable::before(&log, 2, 0, Visits::First).is_err());
    assert!(frequent_sequences(&log, 1, 1, 1).is_err());
    assert!(frequent_sequences(&log, 2, 0, 1).is_err());
}
