//! Our side of the comparison of journeys with the peers (`benches/peers/run journey`), and growth to 50 million events.
//!
//! `cargo bench --bench journey -- write FOLDER EVENTS` writes a log of so many events, `-- time TASK EVENTS` prints the
//! CPU seconds of a task and figures of its result, `-- growth` prints how time grows (4 GB, a minute). Without any of
//! these it prints the lines on journeys that `--bench figures` prints too.

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
#[path = "measure/events.rs"]
mod events;
#[path = "measure/journeys.rs"]
mod journeys;

use events::Events;
use std::fs;
use std::path::Path;

fn events_of(count: &str) -> Events {
    events::events(count.parse().expect("a number of events"))
}

fn write(folder: &Path, events: &Events) {
    let save = |name: &str, bytes: Vec<u8>| fs::write(folder.join(name), bytes).expect("a file");
    save("customer", events.customers.iter().flat_map(|number| number.to_le_bytes()).collect());
    save("time", events.times.iter().flat_map(|time| time.to_le_bytes()).collect());
    save("activity", events.activities.iter().flat_map(|code| code.to_le_bytes()).collect());
}

fn print((cpu, result): (f64, Vec<f64>)) {
    let result: Vec<String> = result.iter().map(f64::to_string).collect();
    println!("{cpu:.9} {}", result.join(" "));
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--test", ..] => {}
        ["write", folder, count] => write(Path::new(folder), &events_of(count)),
        ["time", "markov", order] => {
            let order = order.parse().expect("an order");
            print(journeys::attribution(order).expect("the folder of shared data"));
        }
        ["time", task, count] => print(journeys::time(task, &events_of(count))),
        ["growth"] => journeys::long_growth(),
        _ => journeys::figures(),
    }
}
