//! Our side of the comparison of survival with lifelines and of rules with CEL (`benches/peers/run loyalty`).
//!
//! `cargo bench --bench loyalty -- write FOLDER` writes the data, `-- time TASK` prints the CPU seconds of a task and
//! figures of its result. Without either it prints the lines on loyalty that `--bench figures` prints too.

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
#[path = "measure/loyalty.rs"]
mod loyalty;
#[path = "measure/segment.rs"]
mod segment;

use std::fs;
use std::path::Path;

fn write(folder: &Path) {
    let customers = loyalty::customers();
    let save = |name: &str, bytes: Vec<u8>| fs::write(folder.join(name), bytes).expect("a file");
    save("rows", segment::rows().into_bytes());
    save("days", customers.days.iter().flat_map(|days| days.to_le_bytes()).collect());
    save("ended", customers.ended.iter().map(|&ended| u8::from(ended)).collect());
    save("group", customers.groups.iter().flat_map(|group| group.to_le_bytes()).collect());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--test", ..] => {}
        ["write", folder] => write(Path::new(folder)),
        ["time", "rule"] => {
            let (nanoseconds, customers) = segment::rule();
            println!("{nanoseconds:.3} {customers}");
        }
        ["time", task] => {
            let (cpu, result) = loyalty::time(task, &loyalty::customers());
            let result: Vec<String> = result.iter().map(f64::to_string).collect();
            println!("{cpu:.9} {}", result.join(" "));
        }
        _ => loyalty::figures(),
    }
}
