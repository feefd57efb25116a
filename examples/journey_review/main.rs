//! What do customers go through? A page about any event log, or about a simulated company.
//!
//! `cargo run --release --example journey_review --features simulate`, and with your own events
//! `-- --events orders.csv --case customer --activity event --timestamp at`; `-- --help` names all options.

mod clock;
#[path = "../support/number.rs"]
mod number;
mod options;
mod page;
mod recorded;
mod simulated;
mod table;
mod text;
#[path = "../support/worth.rs"]
mod worth;
mod xes;

use options::Options;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

/// Prints the page to `out`.
///
/// # Errors
/// When an option means nothing, a file cannot be read, or a row cannot be taken and `--strict` is given.
pub(crate) fn run(
    arguments: impl IntoIterator<Item = String>,
    out: &mut dyn Write,
) -> Result<(), Box<dyn Error>> {
    let options = Options::parse(arguments)?;
    if options.help {
        return Ok(write!(out, "{}", options::HELP)?);
    }
    match &options.events {
        Some(path) => recorded::review(out, path, &options),
        None => simulated::review(out, &options.asked),
    }
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> ExitCode {
    let Err(error) = run(std::env::args().skip(1), &mut std::io::stdout().lock()) else {
        return ExitCode::SUCCESS;
    };
    // Whoever reads only the first lines has not met an error.
    let told = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    if told == Some(std::io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    #[expect(clippy::print_stderr, reason = "a program says what went wrong")]
    {
        eprintln!("{error}");
    }
    ExitCode::FAILURE
}
