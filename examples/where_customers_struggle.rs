//! Where do customers struggle, and what does it cost? Finds the pain points planted in a simulated company of 8,000
//! customers: `cargo run --release --example where_customers_struggle --features simulate`.

#[path = "support/worth.rs"]
mod worth;

use patronage::pain::{Contact, Experience, PainMap, PointOptions, Rules};
use patronage::purchase::PurchaseHistory;
use patronage::simulate::{self, Buyer, BuyingTruth, Company, Purchases};
use patronage::{Currency, Period};
use std::error::Error;
use std::io::Write;

/// Prints the answer to `out`.
///
/// # Errors
/// When the company cannot be simulated or its buying cannot be fitted.
pub(crate) fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    // 1. A company with known truth: who bought what, and what they simulated through.
    let observed = Period::new("2024-01-01T00:00:00Z".parse()?, "2026-01-01T00:00:00Z".parse()?)?;
    let as_of = observed.end();
    let customers = simulate::buyers(&BuyingTruth::cdnow(), 8_000, observed, 3)?;
    let facts: Vec<Buyer<'_>> = customers.iter().map(|customer| customer.facts()).collect();
    let lives = simulate::interactions(&facts, &Company::default(), Purchases::Simulated, 3)?;

    // 2. What customers are worth, from what they bought.
    let mut bought = Vec::new();
    let mut simulated = Vec::new();
    for (customer, life) in customers.iter().zip(&lives) {
        let life = life?;
        let kept = customer.purchases().iter().take(life.purchases());
        bought.push(PurchaseHistory::from_purchases(Currency::USD, kept)?);
        simulated.push(life);
    }
    let worths = worth::worths(&bought, as_of.date_naive())?;

    // 3. One experience after the other into the map.
    let mut map = PainMap::new(Rules::default(), as_of, Currency::USD);
    for ((history, worth), life) in bought.iter().zip(worths).zip(&simulated) {
        let contacts: Vec<Contact> = life
            .interactions()
            .iter()
            .map(|interaction| Contact::new(interaction, life.lifecycle().stage_at(interaction.at())))
            .collect();
        let days: Vec<i32> = history.days().iter().map(|day| day.day).collect();
        let mut experience = Experience::new(&contacts, &days)?;
        if let Some(worth) = worth {
            experience = experience.worth(worth);
        }
        map.push(&experience)?;
    }

    // 4. What is beyond chance, ranked by what it costs.
    let report = map.points(&PointOptions::default())?;
    writeln!(out, "{} pain points tested; beyond chance:", report.tests())?;
    for point in report.evident() {
        let Some(effect) = point.effect().found() else { continue };
        let risk = effect.value_at_risk().map_or("unknown".to_owned(), |risk| risk.value().to_string());
        writeln!(out, "  {point}, {:.3} fewer came back, {risk} at risk", effect.fewer_came_back().value())?;
    }
    writeln!(out, "planted:")?;
    for planted in lives.truth().planted() {
        let pain = planted.pain();
        let (met, reached) = (planted.met().customers, planted.reached());
        writeln!(out, "  {}, {}, {}: {met} of {reached} customers", pain.stage, pain.touchpoint, pain.kind)?;
    }
    Ok(())
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout().lock())
}
