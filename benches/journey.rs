//! How many events a second journeys take, on one thread. Prints a table; the best of seven runs counts, in time on the
//! processor where the system tells it (Linux), so that other programs disturb less.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench measures time, prints and may stop"
)]

use chrono::DateTime;
use patronage::customer::CustomerId;
use patronage::interaction::{Channel, Engagement, Interaction, InteractionId, Touchpoint};
use patronage::journey::{
    Activities, DurationDetail, JourneyGraph, JourneyGraphBuilder, JourneyKey, JourneyLog, Variants,
};
use std::hint::black_box;
use std::time::Instant;

/// A seeded log in the order of time: about ten events a customer, 20 touch points, later steps drawn near the last.
struct Events {
    customers: Vec<u32>,
    times: Vec<i64>,
    activities: Vec<u16>,
}

fn events(count: usize) -> Events {
    let mut state = 42_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let people = count as u64 / 10;
    let mut last = vec![0_u16; usize::try_from(people).unwrap()];
    let mut all = Events { customers: Vec::new(), times: Vec::new(), activities: Vec::new() };
    let mut time = 1_700_000_000_000_000_i64;
    for _ in 0..count {
        let customer = random(people);
        let place = &mut last[usize::try_from(customer).unwrap()];
        *place = if random(3) == 0 {
            *place
        } else {
            u16::try_from((u64::from(*place) + random(6)) % 20).unwrap()
        };
        time += i64::try_from(random(60_000_000)).unwrap();
        all.customers.push(u32::try_from(customer).unwrap());
        all.times.push(time);
        all.activities.push(*place);
    }
    all
}

fn names() -> Activities {
    Activities::new((0..20).map(|n| format!("touch point {n:02}"))).unwrap()
}

/// Nanoseconds this thread has run.
fn on_processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn measure<T>(what: &str, events: usize, mut work: impl FnMut() -> T) {
    let mut best = f64::INFINITY;
    for _ in 0..7 {
        let started = (Instant::now(), on_processor());
        black_box(work());
        let seconds = match (started.1, on_processor()) {
            (Some(before), Some(after)) => (after - before) / 1e9,
            _ => started.0.elapsed().as_secs_f64(),
        };
        best = best.min(seconds);
    }
    println!("{what:<58} {:>7.1} M events/s", events as f64 / best / 1e6);
}

fn main() {
    let count = if std::env::args().any(|word| word == "--test") { 10_000 } else { 1_000_000 };
    for count in [count, count * 5] {
        println!("{count} events");
        let all = events(count);
        let (customers, times, activities) = (&all.customers[..], &all.times[..], &all.activities[..]);
        let log = JourneyLog::from_columns(customers, times, activities, names()).unwrap();
        let moments = DurationDetail::Moments;
        measure("columns in order of time: prepare", count, || {
            JourneyLog::from_columns(customers, times, activities, names()).unwrap()
        });
        measure("columns in order of time: prepare + graph, means", count, || {
            let log = JourneyLog::from_columns(customers, times, activities, names()).unwrap();
            JourneyGraph::from_log(&log, moments)
        });
        measure("prepared log: graph, means", count, || JourneyGraph::from_log(&log, moments));
        measure("prepared log: graph, means and quantiles", count, || {
            JourneyGraph::from_log(&log, DurationDetail::default())
        });
        measure("prepared log: variants", count, || Variants::from_log(&log));
        let ids: Vec<CustomerId> =
            customers.iter().map(|n| CustomerId::derive(&["customer", &n.to_string()])).collect();
        measure("one event at a time: graph, means and quantiles", count, || {
            let mut builder = JourneyGraphBuilder::new(names(), DurationDetail::default());
            builder.push_columns(&ids, times, activities).unwrap();
            builder.graph()
        });
        if count <= 1_000_000 {
            let interactions: Vec<Interaction> = ids
                .iter()
                .zip(times)
                .zip(activities)
                .enumerate()
                .map(|(n, ((&id, &time), &activity))| {
                    let at = DateTime::from_timestamp_micros(time).unwrap();
                    let touchpoint = Touchpoint::KNOWN[usize::from(activity) % Touchpoint::KNOWN.len()];
                    Interaction::builder(InteractionId::derive(&[&n.to_string()]), id, at)
                        .at_place(Channel::Web, touchpoint, Engagement::Support)
                        .build()
                        .unwrap()
                })
                .collect();
            println!("an interaction takes {} bytes", size_of::<Interaction>());
            measure("interactions: prepare + graph, means", count, || {
                let log = JourneyLog::from_interactions(&interactions, JourneyKey::Touchpoint, 100).unwrap();
                JourneyGraph::from_log(&log, moments)
            });
            measure("interactions: prepare + graph, means and quantiles", count, || {
                let log = JourneyLog::from_interactions(&interactions, JourneyKey::Touchpoint, 100).unwrap();
                JourneyGraph::from_log(&log, DurationDetail::default())
            });
        }
    }
}
