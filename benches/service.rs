//! Prints the lines on business time and service levels that `--bench figures` prints too, without building the rest:
//! `cargo bench --features chrono-tz --bench service`.

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
#[path = "measure/service.rs"]
mod service;

fn main() {
    if !std::env::args().any(|argument| argument == "--test") {
        service::figures();
    }
}
