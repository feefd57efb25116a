//! Will they come back? Tells of each customer of the CDNOW sample how likely they still are one and when their next
//! purchase is due, and lists who is drifting away with the most to lose:
//! `cargo run --release --example will_they_come_back`.

#[path = "support/cdnow.rs"]
mod cdnow;

use patronage::value::{
    Discount, GammaGamma, Horizon, LifetimeValue, ParetoNbd, PurchaseForecast, PurchaseModel, TimeUnit,
};
use patronage::{Currency, Money, Share};
use std::error::Error;
use std::io::Write;

/// Prints the answer to `out`.
///
/// # Errors
/// When the data cannot be read or fitted.
pub(crate) fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    // 1. One history for each customer, split at the end of September 1997: "today". What followed is kept to check.
    let customers = cdnow::split()?;

    // 2. Pareto/NBD, because it lets those leave too who never came back.
    let week = TimeUnit::WEEK;
    let fit = ParetoNbd::fit(customers.iter().map(|(_, known)| known.calibration().buyer(week)))?;
    let model = fit.model();
    let buyers = || customers.iter().map(|(_, known)| known.calibration().buyer(week));
    let alive: f64 = model.p_alive_each(buyers()).sum();
    writeln!(out, "Of {} customers about {alive:.0} still are.", customers.len())?;

    // 3. Who buys in the next 13 weeks? Said of groups, and looked up.
    let quarter = Horizon::new(13.0)?;
    writeln!(out, "\nsaid to buy in 13 weeks  customers  did")?;
    for (from, until) in [(0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)] {
        let (mut count, mut said, mut did) = (0_u32, 0.0, 0.0);
        for (_, known) in &customers {
            let buys = 1.0 - model.p_no_purchase(known.calibration().buyer(week), quarter);
            if (from..until).contains(&buys) {
                count += 1;
                said += buys;
                did += if known.days_to_next().is_some_and(|days| days <= 91) { 1.0 } else { 0.0 };
            }
        }
        let share = |sum: f64| Share::new(sum / f64::from(count.max(1)));
        writeln!(out, "{:>23}  {count:>9}  {}", share(said)?.to_string(), share(did)?)?;
    }

    // 4. Who drifts away? Ranked by the value that their silence puts at risk, at a margin of 30 %.
    let spends = customers.iter().map(|(_, known)| known.calibration().spend());
    let spend = GammaGamma::fit(spends.filter(|spend| spend.mean() > 0.0))?;
    let year = Horizon::of(1.0, TimeUnit::YEAR, week)?;
    let ten_per_cent = Discount::of(0.10, TimeUnit::YEAR, week)?;
    let value = LifetimeValue::new(model, spend.model(), year, ten_per_cent, Share::new(0.3)?);
    let (so_far, four_weeks) = (Horizon::new(0.0)?, Horizon::new(4.0)?);
    let mut drifting = Vec::new();
    for (customer, known) in &customers {
        let (buyer, paid) = (known.calibration().buyer(week), known.calibration().spend());
        drifting.push((value.at_risk(buyer, paid, so_far), *customer, known));
    }
    drifting.sort_by(|one, other| other.0.total_cmp(&one.0));

    writeln!(out, "\nCall these first:")?;
    writeln!(
        out,
        "customer  bought again  silent for  P(alive)  after 4 more weeks  next purchase    at risk"
    )?;
    for (cents, customer, known) in drifting.iter().take(10) {
        let buyer = known.calibration().buyer(week);
        let (again, silent) = (buyer.frequency(), known.calibration().silence_days() / 7);
        let now = Share::new(model.p_alive(buyer))?.to_string();
        let later = Share::new(model.p_alive_after(buyer, four_weeks))?.to_string();
        // The time within which they buy again with a probability of one half.
        let next = model.next_purchase(buyer, Share::new(0.5)?);
        let next = next.map_or("rather never".to_owned(), |weeks| format!("{:.0} weeks", weeks.length()));
        let at_risk = Money::rounded(*cents, Currency::USD)?.to_string();
        writeln!(
            out,
            "{customer:<8}  {again:>12}  {silent:>4} weeks  {now:>8}  {later:>18}  {next:>13} {at_risk:>10}"
        )?;
    }
    let risk: f64 = drifting.iter().map(|(cents, ..)| cents).sum();
    writeln!(out, "\nTheir silence puts {} at risk in all.", Money::rounded(risk, Currency::USD)?)?;
    Ok(())
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout().lock())
}
