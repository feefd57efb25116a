//! Our side of the comparison with peers: writes the data for both, and times one task.

use super::cpu::seconds;
use super::data;
use patronage::segment::{RfmBreaks, RfmColumns, RfmScoreColumns};
use patronage::value::{BgNbd, Buyers, PurchaseModel};
use std::fs;
use std::hint::black_box;
use std::path::Path;

const ROWS: usize = 1_000_000;

fn write<T: Copy, const N: usize>(path: &Path, column: &[T], bytes: impl Fn(T) -> [u8; N]) {
    let all: Vec<u8> = column.iter().flat_map(|&value| bytes(value)).collect();
    fs::write(path, all).expect("a file");
}

fn write_all(folder: &Path) {
    let cdnow = data::cdnow();
    write(&folder.join("cdnow_frequency"), cdnow.frequency(), u32::to_le_bytes);
    write(&folder.join("cdnow_recency"), cdnow.recency(), f64::to_le_bytes);
    write(&folder.join("cdnow_age"), cdnow.age(), f64::to_le_bytes);
    let buyers = data::buyers(ROWS);
    write(&folder.join("buyers_frequency"), &buyers.frequency, u32::to_le_bytes);
    write(&folder.join("buyers_recency"), &buyers.recency, f64::to_le_bytes);
    write(&folder.join("buyers_age"), &buyers.age, f64::to_le_bytes);
    let log = data::log(300_000, ROWS);
    write(&folder.join("log_customer"), &log.customer, u32::to_le_bytes);
    write(&folder.join("log_day"), &log.day, i32::to_le_bytes);
    write(&folder.join("log_spend"), &log.spend_minor, i64::to_le_bytes);
    let rfm = data::rfm(ROWS);
    write(&folder.join("rfm_recency"), &rfm.recency_days, i32::to_le_bytes);
    write(&folder.join("rfm_purchases"), &rfm.purchases, u32::to_le_bytes);
    write(&folder.join("rfm_spend"), &rfm.spend_minor, i64::to_le_bytes);
}

fn time(task: &str) -> f64 {
    match task {
        "fit" => {
            let cdnow = data::cdnow();
            seconds(51, || BgNbd::fit(black_box(&cdnow).buyers().iter()))
        }
        "alive" => {
            let model = BgNbd::new(0.243, 4.414, 0.793, 2.426).expect("valid parameters");
            let data = data::buyers(ROWS);
            let buyers = Buyers::new(&data.frequency, &data.recency, &data.age).expect("valid columns");
            let mut out = vec![0.0; ROWS];
            seconds(7, || model.p_alive_into(black_box(buyers), &mut out))
        }
        "history" => {
            let log = data::log(300_000, ROWS);
            seconds(7, || data::summaries(black_box(&log)))
        }
        "rfm" => {
            let data = data::rfm(ROWS);
            let columns = RfmColumns::new(&data.recency_days, &data.purchases, &data.spend_minor)
                .expect("valid columns");
            let (mut scratch, mut scores) = (Vec::new(), RfmScoreColumns::default());
            seconds(7, || {
                let breaks = RfmBreaks::from_columns(black_box(columns), &mut scratch).expect("enough rows");
                breaks.score_into(columns, &mut scores);
            })
        }
        _ => panic!("no task is called {task}"),
    }
}

/// Whether this process was asked for our side of a comparison; then it does it.
pub fn is_asked() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, role, value, ..] = &arguments[..] else { return false };
    match role.as_str() {
        "write" => write_all(Path::new(value)),
        "time" => println!("{:.9}", time(value)),
        _ => return false,
    }
    true
}
