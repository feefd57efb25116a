//! Measures every figure that the journeys promise, and prints one line for each: `figure`, name, value, unit, target,
//! `met` or `missed`, separated by tabs. CPU time of the process, one thread, the least of several runs.
//!
//! `cargo bench --bench journey`, with `-- growth` also from 1 to 50 million events (needs 4 GB).
//! For the comparison with peers, `-- write FOLDER EVENTS` writes the log and `-- time TASK EVENTS` prints our seconds.

#![allow(missing_docs, reason = "a bench has no readers of its documentation")]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::pedantic,
    unreachable_pub,
    dead_code,
    reason = "a bench prints, reads clocks, and stops where it cannot measure"
)]

#[path = "measure/cpu.rs"]
mod cpu;
#[path = "measure/journeys.rs"]
mod journeys;

use chrono::{DateTime, TimeDelta, Utc};
use cpu::{Target, figure, least_seconds as seconds};
use journeys::{Events, Place, names};
use patronage::interaction::Interaction;
use patronage::journey::{
    AttributionModel, ConversionPaths, DurationDetail, EventuallyFollows, Funnel, FunnelOrder, FunnelStep,
    JourneyGraph, JourneyLog, NullPaths, PathOutcome, Removal, Variants,
};
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

const MEANS: DurationDetail = DurationDetail::Moments;

fn prepared(events: &Events) -> JourneyLog {
    let Events { customers, times, activities } = events;
    JourneyLog::from_columns(customers, times, activities, names()).expect("a log")
}

fn from_interactions(interactions: &[Interaction]) -> JourneyGraph {
    let log = JourneyLog::from_interactions_by(interactions, 100, Place::of).expect("a log");
    JourneyGraph::from_log(&log, MEANS)
}

fn funnel() -> Funnel {
    let steps = [0, 5, 9].map(FunnelStep::new);
    Funnel::builder(FunnelOrder::Ordered, steps).within(TimeDelta::days(7)).build().expect("a funnel")
}

/// The tasks that events are counted for: what it is called, and the millions a second that are promised.
const TASKS: [(&str, &str, f64); 6] = [
    ("interactions", "transition graph with dwell from interactions", 10.0),
    ("grouped", "transition graph with dwell from a prepared log", 100.0),
    ("unsorted", "transition graph with dwell from unsorted columns", 30.0),
    ("funnel", "three-step windowed funnel from a prepared log", 80.0),
    ("variants", "variants from a prepared log", 30.0),
    ("follows", "eventually-follows from a prepared log", 10.0),
];

/// The seconds of CPU that a task takes.
fn time(task: &str, events: &Events) -> f64 {
    const RUNS: usize = 9;
    match task {
        "interactions" => {
            let interactions = journeys::interactions(events);
            seconds(RUNS, || from_interactions(black_box(&interactions)))
        }
        "unsorted" => seconds(RUNS, || JourneyGraph::from_log(&prepared(black_box(events)), MEANS)),
        "prepare" => seconds(RUNS, || prepared(black_box(events))),
        _ => {
            let log = prepared(events);
            let as_of: DateTime<Utc> = "2030-01-01T00:00:00Z".parse().expect("an instant");
            match task {
                "grouped" => seconds(RUNS, || JourneyGraph::from_log(black_box(&log), MEANS)),
                "quantiles" => {
                    seconds(RUNS, || JourneyGraph::from_log(black_box(&log), DurationDetail::default()))
                }
                "funnel" => {
                    let funnel = funnel();
                    seconds(RUNS, || funnel.count_log(black_box(&log), as_of).expect("a count"))
                }
                "variants" => seconds(RUNS, || Variants::from_log(black_box(&log))),
                "follows" => seconds(RUNS, || EventuallyFollows::from_log(black_box(&log))),
                _ => panic!("no task is called {task}"),
            }
        }
    }
}

/// The paths of `ChannelAttribution`, where the folder of shared data holds them.
fn path_data() -> Option<ConversionPaths> {
    let named = std::env::var_os("PATRONAGE_SHARED_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let file = named.unwrap_or(beside).join("journey/channelattribution_pathdata.csv");
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_path(file).ok()?;
    let mut channels: Vec<String> = Vec::new();
    let mut paths = ConversionPaths::new();
    for record in reader.deserialize() {
        let (path, conversions, value, nulls): (String, u64, f64, u64) = record.expect("a row");
        let touches: Vec<u16> = path
            .split(" > ")
            .map(|name| {
                let place = channels.iter().position(|known| known == name).unwrap_or_else(|| {
                    channels.push(name.to_owned());
                    channels.len() - 1
                });
                place as u16
            })
            .collect();
        paths.push(&touches, PathOutcome { conversions, value, nulls }).expect("a path");
    }
    Some(paths)
}

fn attribution() {
    let Some(paths) = path_data() else {
        println!("no folder of shared data: attribution is not measured");
        return;
    };
    for (order, target) in [(1, 10.0), (3, 100.0)] {
        let model = AttributionModel::Markov { order, removal: Removal::ToNull, nulls: NullPaths::Counted };
        let took = seconds(9, || black_box(&paths).attribute(model).expect("credits"));
        let name = format!("exact Markov attribution of order {order}, 10,000 paths");
        figure(&name, took * 1e3, "ms", Target::AtMost(target));
    }
}

fn growth() {
    let mut least: Option<Vec<f64>> = None;
    for millions in [1, 10, 50] {
        let events = journeys::events(millions * 1_000_000);
        let log = prepared(&events);
        let took = [
            seconds(3, || JourneyGraph::from_log(&prepared(black_box(&events)), MEANS)),
            seconds(3, || JourneyGraph::from_log(black_box(&log), MEANS)),
        ];
        let each = took.map(|seconds| seconds * 1e3 / millions as f64).to_vec();
        if let Some(least) = &least {
            for ((each, least), what) in each.iter().zip(least).zip(["unsorted", "grouped"]) {
                let name =
                    format!("time for each event, {what}, {millions} million events against one million");
                figure(&name, each / least, "times", Target::AtMost(2.0));
            }
        }
        least.get_or_insert(each);
    }
}

fn write(folder: &Path, events: &Events) {
    let save = |name: &str, bytes: Vec<u8>| fs::write(folder.join(name), bytes).expect("a file");
    save("customer.u32", events.customers.iter().flat_map(|number| number.to_le_bytes()).collect());
    save("time.i64", events.times.iter().flat_map(|time| time.to_le_bytes()).collect());
    save("activity.u16", events.activities.iter().flat_map(|code| code.to_le_bytes()).collect());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--test", ..] => {}
        ["write", folder, count] => {
            write(Path::new(folder), &journeys::events(count.parse().expect("a number")));
        }
        ["time", task, count] => {
            println!("{:.9}", time(task, &journeys::events(count.parse().expect("a number"))));
        }
        _ => {
            for millions in [1, 5] {
                let events = journeys::events(millions * 1_000_000);
                for (task, name, target) in TASKS {
                    let rate = millions as f64 / time(task, &events);
                    figure(
                        &format!("{name}, {millions} million events"),
                        rate,
                        "million/s",
                        Target::AtLeast(target),
                    );
                }
            }
            attribution();
            if words.contains(&"growth") {
                growth();
            }
        }
    }
}
