//! Which customers are worth most? Ranks the 2,357 customers of the CDNOW sample by what they are expected to be worth
//! in the coming year: `cargo run --release --example most_valuable_customers`.

use chrono::NaiveDate;
use patronage::purchase::PurchaseHistory;
use patronage::value::{
    BgNbd, Discount, GammaGamma, Horizon, LifetimeValue, PurchaseModel, Summary, TimeUnit,
};
use patronage::{Currency, Money, Share};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

/// Prints the answer to `out`.
///
/// # Errors
/// When the data cannot be read or fitted.
pub(crate) fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    // 1. One history for each customer, from purchases in any order.
    let mut histories: BTreeMap<&str, PurchaseHistory> = BTreeMap::new();
    for line in include_str!("data/cdnow/CDNOW_sample.txt").lines() {
        let mut fields = line.split_whitespace();
        let (Some(_), Some(customer), Some(date), Some(_), Some(dollars)) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(format!("not five fields: {line}").into());
        };
        let date = NaiveDate::parse_from_str(date, "%Y%m%d")?;
        let history = histories.entry(customer).or_insert_with(|| PurchaseHistory::new(Currency::USD));
        history.push_on(date, Money::from_decimal(dollars, Currency::USD)?)?;
    }

    // 2. What each history comes to by the end of September 1997.
    let as_of = NaiveDate::from_ymd_opt(1997, 9, 30).ok_or("no such day")?;
    let buyers: Vec<(&str, Summary)> = histories
        .iter()
        .filter_map(|(customer, history)| Some((*customer, Summary::of(history, as_of)?)))
        .collect();

    // 3. The two models, in weeks and cents.
    let purchases = BgNbd::fit(buyers.iter().map(|(_, summary)| summary.buyer(TimeUnit::WEEK)))?;
    let spend = GammaGamma::fit(
        buyers.iter().map(|(_, summary)| summary.spend()).filter(|spend| spend.mean() > 0.0),
    )?;
    for parameter in purchases.parameters() {
        writeln!(
            out,
            "{:<6} {:.4} (standard error {:.4})",
            parameter.name, parameter.value, parameter.standard_error
        )?;
    }

    // 4. What everybody is worth in the coming year, at a margin of 30 %.
    let year = Horizon::of(1.0, TimeUnit::YEAR, TimeUnit::WEEK)?;
    let ten_per_cent = Discount::of(0.10, TimeUnit::YEAR, TimeUnit::WEEK)?;
    let worth = LifetimeValue::new(purchases.model(), spend.model(), year, ten_per_cent, Share::new(0.3)?);
    let mut ranked: Vec<(f64, &str, Summary)> = buyers
        .into_iter()
        .map(|(customer, summary)| {
            (worth.value(summary.buyer(TimeUnit::WEEK), summary.spend()), customer, summary)
        })
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));

    writeln!(out, "\ncustomer  P(alive)  bought again  last seen       worth")?;
    for (cents, customer, summary) in ranked.iter().take(10) {
        writeln!(
            out,
            "{customer:<8}  {:>8}  {:>12}  {:>4} days ago {:>10}",
            Share::new(purchases.model().p_alive(summary.buyer(TimeUnit::WEEK)))?.to_string(),
            summary.frequency(),
            summary.silence_days(),
            Money::rounded(*cents, Currency::USD)?.to_string(),
        )?;
    }
    let equity: f64 = ranked.iter().map(|(cents, ..)| cents).sum();
    let first_tenth: f64 = ranked.iter().take(ranked.len() / 10).map(|(cents, ..)| cents).sum();
    writeln!(
        out,
        "\nAll {} customers are worth {}; the first tenth of them {}.",
        ranked.len(),
        Money::rounded(equity, Currency::USD)?,
        Share::new(first_tenth / equity)?
    )?;
    Ok(())
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout().lock())
}
