//! What `process_mining` takes for a task on a log that is in memory and grouped by customer already: prints the CPU
//! seconds and figures of the result. Arguments: folder of the log, task (`graph`, `variants`), rounds.

use cpu_time::ProcessTime;
use process_mining::EventLog;
use process_mining::core::event_data::case_centric::utils::activity_projection::EventLogActivityProjection;
use process_mining::core::event_data::case_centric::{Attribute, AttributeValue, Event, Trace};
use process_mining::core::process_models::case_centric::dfg::DirectlyFollowsGraph;
use std::path::Path;

fn column<T, const N: usize>(path: &Path, value: impl Fn([u8; N]) -> T) -> Vec<T> {
    let bytes = std::fs::read(path).expect("a column");
    let (values, _) = bytes.as_chunks::<N>();
    values.iter().map(|&bytes| value(bytes)).collect()
}

fn log(folder: &Path) -> EventLog {
    let customers = column(&folder.join("customer"), u32::from_le_bytes);
    let times = column(&folder.join("time"), i64::from_le_bytes);
    let activities = column(&folder.join("activity"), u16::from_le_bytes);
    let most = customers.iter().max().map_or(0, |&most| most as usize + 1);
    let mut log = EventLog::new();
    log.traces = (0..most).map(|_| Trace { attributes: Vec::new(), events: Vec::new() }).collect();
    // In the order of time, so that each trace is in order too.
    for ((customer, time), activity) in customers.into_iter().zip(times).zip(activities) {
        let name = AttributeValue::String(format!("touchpoint_{activity:02}"));
        let at = chrono::DateTime::from_timestamp_micros(time).expect("an instant").fixed_offset();
        let attributes = vec![
            Attribute::new("concept:name".to_owned(), name),
            Attribute::new("time:timestamp".to_owned(), AttributeValue::Date(at)),
        ];
        log.traces[customer as usize].events.push(Event { attributes });
    }
    log
}

fn graph(log: &EventLog) -> [f64; 2] {
    let graph = DirectlyFollowsGraph::discover(log);
    let ways = &graph.directly_follows_relations;
    [ways.len() as f64, ways.values().map(|&count| f64::from(count)).sum()]
}

fn variants(log: &EventLog) -> [f64; 2] {
    let projection = EventLogActivityProjection::from(log);
    let counts = projection.traces.iter().map(|trace| trace.1);
    [projection.traces.len() as f64, counts.max().unwrap_or(0) as f64]
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, task, rounds] = &words[..] else { panic!("folder, task, rounds") };
    let log = log(Path::new(folder));
    let work = if task == "graph" { graph } else { variants };
    for _ in 0..rounds.parse().expect("a number") {
        let start = ProcessTime::now();
        let [first, second] = work(&log);
        println!("{:.6} {first} {second}", start.elapsed().as_secs_f64());
    }
}
