//! Our side of the comparison with peers: writes the data for both, and times one task.

use super::bayes;
use super::cpu::seconds;
use super::data::{self, LogData};
use patronage::Share;
use patronage::segment::{RfmBreaks, RfmColumns, RfmScoreColumns, RfmTally};
use patronage::value::{
    BgNbd, Buyers, Discount, GammaGamma, Horizon, LifetimeValue, ParetoNbd, Prior, Priors, PurchaseModel,
    RepeatSpends, Summaries,
};
use std::fs;
use std::hint::black_box;
use std::path::Path;

/// Customers of the shop that is fitted and scored.
const ROWS: u32 = 1_000_000;
/// Customers of the shop whose 4.8 million purchases are summed up.
const SHOPPERS: u32 = 1_590_000;
/// Customers and purchases of the log that is summed up by SQL engines.
const LOG: (u32, usize) = (2_000_000, 20_000_000);
/// Customers and purchases that RFM sums up before it scores.
const EVENTS: (u32, usize) = (1_000_000, 10_000_000);
/// Months of 4.345 weeks, as lifetimes has them, discounted at 1 % each.
const WEEKS_OF_MONTH: f64 = 4.345;

fn write<T: Copy, const N: usize>(path: &Path, column: &[T], bytes: impl Fn(T) -> [u8; N]) {
    let all: Vec<u8> = column.iter().flat_map(|&value| bytes(value)).collect();
    fs::write(path, all).expect("a file");
}

fn write_buyers(folder: &Path, name: &str, buyers: &Summaries) {
    write(&folder.join(format!("{name}_frequency")), buyers.frequency(), u32::to_le_bytes);
    write(&folder.join(format!("{name}_recency")), buyers.recency(), f64::to_le_bytes);
    write(&folder.join(format!("{name}_age")), buyers.age(), f64::to_le_bytes);
    write(&folder.join(format!("{name}_spend")), buyers.mean_spend(), f64::to_le_bytes);
}

fn write_log(folder: &Path, name: &str, log: &LogData) {
    write(&folder.join(format!("{name}_customer")), &log.customer, u32::to_le_bytes);
    write(&folder.join(format!("{name}_day")), &log.day, i32::to_le_bytes);
    write(&folder.join(format!("{name}_spend")), &log.spend_minor, i64::to_le_bytes);
}

fn write_all(folder: &Path) {
    write_buyers(folder, "cdnow", &data::cdnow());
    write_buyers(folder, "buyers", &buyers());
    write_log(folder, "shop", &data::shop(SHOPPERS));
    write_log(folder, "log", &data::log(LOG.0, LOG.1));
    write_log(folder, "events", &data::events(EVENTS.0, EVENTS.1));
    let rfm = data::rfm(ROWS as usize);
    write(&folder.join("rfm_recency"), &rfm.recency_days, i32::to_le_bytes);
    write(&folder.join("rfm_purchases"), &rfm.purchases, u32::to_le_bytes);
    write(&folder.join("rfm_spend"), &rfm.spend_minor, i64::to_le_bytes);
}

fn buyers() -> Summaries {
    data::summaries_at(&data::shop(ROWS), data::end_of_shop())
}

/// The CPU time of a task, and a figure of its result which both sides must agree on.
pub fn time(task: &str) -> (f64, f64) {
    match task {
        "fit" => {
            let cdnow = data::cdnow();
            let fit = || BgNbd::fit(black_box(&cdnow).buyers().iter()).expect("CDNOW is fitted").into_model();
            (seconds(51, fit), fit().alpha())
        }
        "fit_pareto" => {
            let cdnow = data::cdnow();
            let fit =
                || ParetoNbd::fit(black_box(&cdnow).buyers().iter()).expect("CDNOW is fitted").into_model();
            (seconds(21, fit), fit().alpha())
        }
        "fit_many" => {
            let buyers = buyers();
            let fit =
                || BgNbd::fit(black_box(&buyers).buyers().iter()).expect("the shop is fitted").into_model();
            (seconds(3, fit), fit().alpha())
        }
        "posterior" => {
            let (cdnow, sampling) = (data::cdnow(), bayes::sampling());
            let sampling = sampling.with_priors(priors());
            let sample =
                || BgNbd::posterior(black_box(&cdnow).buyers().iter(), &sampling).expect("CDNOW is sampled");
            (seconds(3, sample), sample().mean(BgNbd::alpha))
        }
        "score" => {
            let (model, horizon) = (model(), Horizon::new(39.0).expect("a horizon"));
            let buyers = buyers();
            let mut alive = vec![0.0; buyers.len()];
            let mut expected = alive.clone();
            let cpu = seconds(5, || {
                let columns: Buyers<'_> = black_box(&buyers).buyers();
                model.score_into(columns, horizon, &mut alive, &mut expected).expect("columns of one length");
            });
            (cpu, alive.iter().sum::<f64>() + expected.iter().sum::<f64>())
        }
        "lifetime_value" => {
            let buyers = buyers();
            let (model, spend) = (model(), GammaGamma::new(6.25, 3.74, 1544.0).expect("valid parameters"));
            let year = Horizon::new(12.0 * WEEKS_OF_MONTH).expect("a horizon");
            let discount = Discount::try_from(1.01_f64.ln() / WEEKS_OF_MONTH).expect("a discount");
            let value = LifetimeValue::new(&model, &spend, year, discount, Share::ONE);
            let mut out = vec![0.0; buyers.len()];
            let cpu = seconds(3, || {
                let spends: RepeatSpends<'_> = black_box(&buyers).spends();
                value.value_into(buyers.buyers(), spends, &mut out).expect("columns of one length");
            });
            (cpu, out.iter().sum())
        }
        "history" => {
            let log = data::shop(SHOPPERS);
            let of = || data::summaries_at(black_box(&log), data::end_of_shop());
            (seconds(3, of), purchases(&of()))
        }
        "history_many" => {
            let log = data::log(LOG.0, LOG.1);
            let of = || data::summaries(black_box(&log));
            (seconds(3, of), purchases(&of()))
        }
        "rfm" => {
            let data = data::rfm(ROWS as usize);
            let columns = RfmColumns::new(&data.recency_days, &data.purchases, &data.spend_minor)
                .expect("valid columns");
            let (mut scratch, mut scores) = (Vec::new(), RfmScoreColumns::default());
            let cpu = seconds(7, || {
                let breaks = RfmBreaks::from_columns(black_box(columns), &mut scratch).expect("enough rows");
                breaks.score_into(columns, &mut scores);
            });
            (cpu, data.recency_days.len() as f64)
        }
        "rfm_events" => {
            let log = data::events(EVENTS.0, EVENTS.1);
            let (mut scratch, mut scores) = (Vec::new(), RfmScoreColumns::default());
            let mut days = 0.0;
            let cpu = seconds(5, || {
                let mut tally = RfmTally::new(log.customers);
                let log = black_box(&log);
                tally.extend(&log.customer, &log.day, &log.spend_minor).expect("a valid log");
                let summaries = tally.on(data::as_of()).expect("nothing after the day");
                let breaks = RfmBreaks::from_columns(summaries.columns(), &mut scratch).expect("enough rows");
                breaks.score_into(summaries.columns(), &mut scores);
                days = summaries.columns().recency_days().iter().map(|&days| f64::from(days)).sum();
            });
            (cpu, days)
        }
        _ => panic!("no task is called {task}"),
    }
}

/// What the peers are told beforehand as well.
fn priors() -> Priors {
    ["r", "alpha", "a", "b"]
        .into_iter()
        .fold(Priors::NONE, |priors, name| priors.with(name, Prior::log_normal(1.0, 2.0).expect("a prior")))
}

fn model() -> BgNbd {
    BgNbd::new(0.243, 4.414, 0.793, 2.426).expect("valid parameters")
}

fn purchases(summaries: &Summaries) -> f64 {
    summaries.frequency().iter().map(|&frequency| f64::from(frequency)).sum()
}

/// Whether this process was asked for our side of a comparison; then it does it.
pub fn is_asked() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, role, value, ..] = &arguments[..] else { return false };
    match role.as_str() {
        "write" => write_all(Path::new(value)),
        "time" => {
            let (cpu, result) = time(value);
            println!("{result:e} {cpu:.9}");
        }
        _ => return false,
    }
    true
}
