//! Fits, scores and summaries of customers: the figures of the value models, on one thread.

use crate::cpu::{Target, cpu, figure, median, seconds};
use crate::data;
use chrono::NaiveDate;
use patronage::Share;
use patronage::value::{
    BgNbd, Buyers, Discount, GammaGamma, Horizon, LifetimeValue, MbgNbd, ParetoNbd, PurchaseLog,
    PurchaseModel, RepeatSpends, Summaries, TimeUnit,
};
use std::hint::black_box;

const MILLION: usize = 1_000_000;
/// Customers of a large company, scored in blocks of a million.
const BLOCKS: usize = 17;

pub fn figures() {
    let cdnow = data::cdnow();
    let fit = seconds(51, || BgNbd::fit(black_box(&cdnow).buyers().iter()));
    figure("BG/NBD fit, 2,357 customers of CDNOW", fit * 1e3, "ms", Target::AtMost(2.0));
    let fit = seconds(51, || MbgNbd::fit(black_box(&cdnow).buyers().iter()));
    figure("MBG/NBD fit, 2,357 customers of CDNOW", fit * 1e3, "ms", Target::AtMost(2.0));
    let fit = seconds(21, || ParetoNbd::fit(black_box(&cdnow).buyers().iter()));
    figure("Pareto/NBD fit, 2,357 customers of CDNOW", fit * 1e3, "ms", Target::AtMost(10.0));

    let bg = BgNbd::fit(cdnow.buyers().iter()).expect("CDNOW is fitted").into_model();
    let pareto = ParetoNbd::fit(cdnow.buyers().iter()).expect("CDNOW is fitted").into_model();
    let spend = *GammaGamma::fit(cdnow.spends().iter()).expect("CDNOW is fitted").model();
    let data = data::buyers(MILLION);
    let buyers = Buyers::new(&data.frequency, &data.recency, &data.age).expect("valid columns");
    let fit = seconds(5, || BgNbd::fit(black_box(buyers).iter()));
    figure("BG/NBD fit, 1,000,000 customers", fit, "s", Target::AtMost(0.35));

    let mut out = vec![0.0; MILLION];
    let alive = seconds(11, || bg.p_alive_into(black_box(buyers), &mut out));
    figure("P(alive) by BG/NBD, 1,000,000 rows", alive * 1e3, "ms", Target::AtMost(30.0));
    scores(&bg, &pareto);

    let year = Horizon::of(12.0, TimeUnit::MONTH, TimeUnit::WEEK).expect("a horizon");
    let discount = Discount::of(0.10, TimeUnit::YEAR, TimeUnit::WEEK).expect("a discount");
    let mean: Vec<f64> =
        data.frequency.iter().map(|&x| if x == 0 { 0.0 } else { 1_000.0 + 10.0 * f64::from(x) }).collect();
    let spends = RepeatSpends::new(&data.frequency, &mean).expect("valid columns");
    let worth = LifetimeValue::new(&bg, &spend, year, discount, Share::ONE);
    let value = seconds(5, || worth.value_into(black_box(buyers), spends, &mut out));
    figure("lifetime value, 12 months, 1,000,000 customers, BG/NBD", value, "s", Target::AtMost(0.3));
    let worth = LifetimeValue::new(&pareto, &spend, year, discount, Share::ONE);
    let value = seconds(5, || worth.value_into(black_box(buyers), spends, &mut out));
    figure("lifetime value, 12 months, 1,000,000 customers, Pareto/NBD", value, "s", Target::AtMost(0.3));
    histories();
}

/// The time of 39 weeks scored for so many rows, in blocks into buffers that are used again.
fn score(model: &impl PurchaseModel, data: &data::BuyerData, times: usize) -> f64 {
    let weeks = Horizon::new(39.0).expect("a horizon");
    let buyers = Buyers::new(&data.frequency, &data.recency, &data.age).expect("valid columns");
    let (mut p_alive, mut expected) = (vec![0.0; data.age.len()], vec![0.0; data.age.len()]);
    let runs = (0..3).map(|_| {
        let start = cpu();
        for _ in 0..times {
            model
                .score_into(black_box(buyers), weeks, &mut p_alive, &mut expected)
                .expect("columns of one length");
            black_box((&p_alive, &expected));
        }
        (cpu() - start).as_secs_f64()
    });
    median(runs.collect())
}

fn scores(bg: &BgNbd, pareto: &ParetoNbd) {
    let data = data::buyers(MILLION);
    let all = score(bg, &data, BLOCKS);
    figure("P(alive) and purchases of 39 weeks, 17,000,000 rows, BG/NBD", all, "s", Target::AtMost(2.5));
    let all = score(pareto, &data, BLOCKS);
    figure("P(alive) and purchases of 39 weeks, 17,000,000 rows, Pareto/NBD", all, "s", Target::AtMost(2.5));
    // A row costs the same however many there are.
    let few = score(bg, &data::buyers(10_000), 100) / 100.0 / 1e4;
    let many = score(bg, &data::buyers(10 * MILLION), 1) / 1e7;
    figure(
        "the same for a row of 10,000,000 against one of 10,000",
        many / few,
        "times",
        Target::AtMost(1.25),
    );
}

fn histories() {
    let as_of = NaiveDate::from_ymd_opt(data::AS_OF.0, data::AS_OF.1, data::AS_OF.2).expect("a day");
    for (customers, purchases, target) in [(1_818_181, 4_823_738, 0.6), (2_000_000, 20_000_000, 2.4)] {
        let data = data::log(customers, purchases);
        let log =
            PurchaseLog::new(&data.customer, &data.day, &data.spend_minor).expect("columns of one length");
        let time = seconds(3, || {
            Summaries::from_log(black_box(log), customers, as_of, TimeUnit::WEEK).expect("a valid log")
        });
        let name = format!("history to statistics, {purchases} purchases of {customers} customers");
        figure(&name, time, "s", Target::AtMost(target));
    }
}
