//! Journeys: what it costs to count how customers go through, in which order, and what leads to a sale.

use crate::cpu::{Target, figure, seconds};
use crate::events::{self, Events, Place, Terms, names};
use chrono::{DateTime, TimeDelta, Utc};
use patronage::interaction::Interaction;
use patronage::journey::{
    Attribution, AttributionModel, ConversionPaths, DurationDetail, EventuallyFollows, Funnel, FunnelOrder,
    FunnelStep, JourneyGraph, JourneyLog, NullPaths, PathOutcome, Removal, Variants,
};
use std::hint::black_box;
use std::path::{Path, PathBuf};

const MEANS: DurationDetail = DurationDetail::Moments;

/// The tasks that events are counted for: what it is called, what it does, and the millions a second that are promised.
const TASKS: [(&str, &str, f64); 7] = [
    ("interactions", "transition graph with dwell from interactions", 10.0),
    ("own_terms", "transition graph with dwell from interactions, half by terms of one's own", 10.0),
    ("grouped", "transition graph with dwell from a prepared log", 100.0),
    ("unsorted", "transition graph with dwell from unsorted columns", 30.0),
    ("funnel", "three-step windowed funnel from a prepared log", 80.0),
    ("variants", "variants from a prepared log", 30.0),
    ("follows", "eventually-follows from a prepared log", 10.0),
];

fn prepared(events: &Events) -> JourneyLog {
    let Events { customers, times, activities } = events;
    JourneyLog::from_columns(customers, times, activities, names()).expect("a log")
}

fn graph(log: &JourneyLog) -> JourneyGraph {
    JourneyGraph::from_log(log, MEANS)
}

fn from_interactions(interactions: &[Interaction]) -> JourneyGraph {
    graph(&JourneyLog::from_interactions_by(interactions, 100, Place::of).expect("a log"))
}

fn funnel() -> Funnel {
    let steps = [0, 5, 9].map(FunnelStep::new);
    Funnel::builder(FunnelOrder::Ordered, steps).within(TimeDelta::days(7)).build().expect("a funnel")
}

/// Different transitions, how often any was taken, and all time between, in seconds.
fn of_graph(graph: &JourneyGraph) -> Vec<f64> {
    let dwell = graph.edges().iter().map(|edge| edge.dwell().sum_seconds()).sum();
    vec![graph.edges().len() as f64, graph.transitions() as f64, dwell]
}

fn timed<T>(runs: usize, work: impl Fn() -> T, result: impl Fn(&T) -> Vec<f64>) -> (f64, Vec<f64>) {
    (seconds(runs, &work), result(&work()))
}

/// The CPU seconds of a task, the median of several runs, and figures of its result.
pub fn time(task: &str, events: &Events) -> (f64, Vec<f64>) {
    const RUNS: usize = 7;
    let interactions = |terms| {
        let interactions = events::interactions(events, terms);
        timed(RUNS, || from_interactions(black_box(&interactions)), of_graph)
    };
    match task {
        "interactions" => return interactions(Terms::Known),
        "own_terms" => return interactions(Terms::HalfOwn),
        "unsorted" => return timed(RUNS, || graph(&prepared(black_box(events))), of_graph),
        _ => {}
    }
    let log = prepared(events);
    match task {
        "grouped" => timed(RUNS, || graph(black_box(&log)), of_graph),
        "quantiles" => {
            timed(RUNS, || JourneyGraph::from_log(black_box(&log), DurationDetail::default()), of_graph)
        }
        "funnel" => {
            let as_of: DateTime<Utc> = "2030-01-01T00:00:00Z".parse().expect("an instant");
            let funnel = funnel();
            let count = || funnel.count_log(black_box(&log), as_of).expect("a count");
            timed(RUNS, count, |report| report.reached().into_iter().map(|n| n as f64).collect())
        }
        "variants" => timed(
            RUNS,
            || Variants::from_log(black_box(&log)),
            |found| vec![found.len() as f64, found.iter().next().map_or(0.0, |most| most.journeys() as f64)],
        ),
        "follows" => timed(
            RUNS,
            || EventuallyFollows::from_log(black_box(&log)),
            |found| vec![found.pairs().len() as f64],
        ),
        _ => panic!("no task is called {task}"),
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

/// The CPU seconds of exact Markov attribution, and the conversions it attributes; `None` without the data.
pub fn attribution(order: u8) -> Option<(f64, Vec<f64>)> {
    let paths = path_data()?;
    let model = AttributionModel::Markov { order, removal: Removal::ToNull, nulls: NullPaths::Counted };
    let credits = |found: &Attribution| vec![found.credits().iter().map(|credit| credit.conversions).sum()];
    Some(timed(9, || black_box(&paths).attribute(model).expect("credits"), credits))
}

/// Time for each event with so many times the events; linear growth is 1.
fn growth(what: &str, millions: usize, times: f64) {
    let name = format!("time for each event, {what}, {millions} million events against one million");
    figure(&name, times, "times", Target::AtMost(2.0));
}

pub fn figures() {
    let mut of_one: Vec<f64> = Vec::new();
    for millions in [1, 5] {
        let events = events::events(millions * 1_000_000);
        for (place, (task, name, target)) in TASKS.into_iter().enumerate() {
            let each = time(task, &events).0 / millions as f64;
            let name = format!("{name}, {millions} million events");
            figure(&name, 1.0 / each, "million/s", Target::AtLeast(target));
            if millions == 1 {
                of_one.push(each);
            } else if ["grouped", "unsorted"].contains(&task) {
                growth(task, millions, each / of_one[place]);
            }
        }
    }
    for (order, target) in [(1, 10.0), (3, 100.0)] {
        match attribution(order) {
            Some((took, _)) => {
                let name = format!("exact Markov attribution of order {order}, 10,000 paths");
                figure(&name, took * 1e3, "ms", Target::AtMost(target));
            }
            None => println!("no folder of shared data: attribution of order {order} is not measured"),
        }
    }
}

/// Up to 50 million events: takes minutes and 4 GB.
pub fn long_growth() {
    let mut of_one: Option<[f64; 2]> = None;
    for millions in [1, 10, 50] {
        let events = events::events(millions * 1_000_000);
        let log = prepared(&events);
        let took =
            [seconds(3, || graph(&prepared(black_box(&events)))), seconds(3, || graph(black_box(&log)))];
        let each = took.map(|seconds| seconds / millions as f64);
        let Some(of_one) = of_one else {
            of_one = Some(each);
            continue;
        };
        growth("unsorted", millions, each[0] / of_one[0]);
        growth("grouped", millions, each[1] / of_one[1]);
    }
}
