//! Our side of the comparison of offers with implicit (`benches/peers/run outreach`).
//!
//! `cargo bench --bench outreach -- write FOLDER` writes the data, `-- time` prints the CPU seconds of pair rules and offers,
//! `-- offers FILE` writes the offers, ten items for each customer. Without either it prints the line on outreach that
//! `--bench figures` prints too.

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
#[path = "measure/outreach.rs"]
mod outreach;

use std::fs;
use std::path::Path;

fn write(folder: &Path) {
    let shop = outreach::shop();
    let save = |name: &str, column: &[u32]| {
        fs::write(
            folder.join(name),
            column.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>(),
        )
        .expect("a file");
    };
    save("customers", &shop.customers);
    save("items", &shop.items);
}

/// Ten items for each customer, as many as there are; the rest is the largest number.
fn offers(file: &Path) {
    let (_, offers) = outreach::rules_and_offers(&outreach::shop());
    let mut bytes = Vec::new();
    for offers in offers {
        for place in 0..10 {
            let item = offers.get(place).map_or(u32::MAX, |offer| offer.item);
            bytes.extend(item.to_le_bytes());
        }
    }
    fs::write(file, bytes).expect("a file");
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--test", ..] => {}
        ["write", folder] => write(Path::new(folder)),
        ["offers", file] => offers(Path::new(file)),
        ["time"] => println!("{:.9}", outreach::time(&outreach::shop())),
        _ => outreach::figures(),
    }
}
