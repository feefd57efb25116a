//! Which customers are worth most? Ranks the 2,357 customers of the CDNOW sample by what they are expected to be worth
//! in the coming year, and looks at what they then spent:
//! `cargo run --release --example which_customers_are_most_valuable`.

#[path = "support/cdnow.rs"]
mod cdnow;

use patronage::value::{BgNbd, Discount, GammaGamma, Horizon, LifetimeValue, PurchaseModel, TimeUnit};
use patronage::{Currency, Money, Share};
use std::error::Error;
use std::io::Write;

/// Prints the answer to `out`.
///
/// # Errors
/// When the data cannot be read or fitted.
pub(crate) fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    // 1. One `PurchaseHistory` for each customer, and 2. what each comes to by the end of September 1997 and what followed:
    // both in `support/cdnow.rs`.
    let customers = cdnow::split()?;

    // 3. The two models, in weeks and cents, fitted to what was known in September.
    let week = TimeUnit::WEEK;
    let purchases = BgNbd::fit(customers.iter().map(|(_, known)| known.calibration().buyer(week)))?;
    let spends = customers.iter().map(|(_, known)| known.calibration().spend());
    let spend = GammaGamma::fit(spends.filter(|spend| spend.mean() > 0.0))?;
    for parameter in purchases.parameters() {
        let (name, value, error) = (&parameter.name, parameter.value, parameter.standard_error);
        writeln!(out, "{name:<6} {value:.4} (standard error {error:.4})")?;
    }

    // 4. What everybody is worth in the coming year, at a margin of 30 %.
    let year = Horizon::of(1.0, TimeUnit::YEAR, week)?;
    let ten_per_cent = Discount::of(0.10, TimeUnit::YEAR, week)?;
    let worth = LifetimeValue::new(purchases.model(), spend.model(), year, ten_per_cent, Share::new(0.3)?);
    let mut ranked = Vec::new();
    for (customer, known) in customers {
        let summary = known.calibration();
        ranked.push((worth.value(summary.buyer(week), summary.spend()), customer, known));
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));

    writeln!(out, "\ncustomer  P(alive)  bought again  last seen       worth")?;
    for (cents, customer, known) in ranked.iter().take(10) {
        let summary = known.calibration();
        let p_alive = Share::new(purchases.model().p_alive(summary.buyer(week)))?.to_string();
        let (again, silent) = (summary.frequency(), summary.silence_days());
        let worth = Money::rounded(*cents, Currency::USD)?.to_string();
        writeln!(out, "{customer:<8}  {p_alive:>8}  {again:>12}  {silent:>4} days ago {worth:>10}")?;
    }

    // 5. Was it true? What the first tenth of the list went on to spend.
    let (all, tenth) = (ranked.len(), ranked.len() / 10);
    let equity = |count: usize| ranked.iter().take(count).map(|(cents, ..)| cents).sum::<f64>();
    let paid =
        |count: usize| -> i128 { ranked.iter().take(count).map(|(.., known)| known.spend_minor()).sum() };
    writeln!(
        out,
        "\nAll {all} customers are worth {}, {} of it the first tenth. Of what all spent until June 1998, these spent {}.",
        Money::rounded(equity(all), Currency::USD)?,
        Share::new(equity(tenth) / equity(all))?,
        Share::of(u64::try_from(paid(tenth))?, u64::try_from(paid(all))?)?.unwrap_or_default(),
    )?;
    Ok(())
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout().lock())
}
