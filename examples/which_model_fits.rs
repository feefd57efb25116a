//! Which model fits these customers, and how far can it be trusted? Fits six models to the CDNOW sample, judges them by
//! what the customers did in the 39 weeks after, and says which to use:
//! `cargo run --release --example which_model_fits`.

use chrono::NaiveDate;
use patronage::value::{Comparison, HoldoutPeriod, Holdouts, PurchaseLog, TimeUnit, Tracking};
use patronage::{Currency, Money, Share};
use std::error::Error;
use std::io::Write;

/// Prints the answer to `out`.
///
/// # Errors
/// When the data cannot be read.
pub(crate) fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    // 1. The log of purchases as columns, in any order: a number for each customer, a day, minor units.
    let (mut customer, mut day, mut cents) = (Vec::new(), Vec::new(), Vec::new());
    for line in include_str!("data/cdnow/CDNOW_sample.txt").lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, number, date, _, dollars] = fields[..] else {
            return Err(format!("not five fields: {line}").into());
        };
        let date = NaiveDate::parse_from_str(date, "%Y%m%d")?;
        customer.push(number.parse::<u32>()? - 1);
        day.push(i32::try_from((date - NaiveDate::default()).num_days())?);
        cents.push(Money::from_decimal(dollars, Currency::USD)?.minor());
    }
    let log = PurchaseLog::new(&customer, &day, &cents)?;

    // 2. What is known by the end of September 1997, and what is kept back to judge by.
    let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).ok_or("no such day");
    let period = HoldoutPeriod::new(date(1997, 9, 30)?, date(1998, 6, 30)?)?;
    let holdouts = Holdouts::from_log(log, 2357, period, TimeUnit::WEEK)?;

    // 3. All models side by side.
    let comparison =
        Comparison::fit(holdouts.timed_buyers().iter())?.with_holdout(holdouts.rows(), holdouts.horizon())?;
    writeln!(
        out,
        "model       customers leave        log-likelihood  BIC above best  expected of 1882    MAE  log score"
    )?;
    for model in comparison.models() {
        let (name, leave) = (model.kind().name(), model.kind().dropout().to_string().replace('_', " "));
        let (figures, holdout) = match (model.fit(), model.figures()) {
            (Err(error), _) => {
                writeln!(out, "{name:<11} {leave:<22} not fitted: {error}")?;
                continue;
            }
            (Ok(_), Some(figures)) => (figures, figures.holdout.ok_or("no hold-out")?),
            (Ok(_), None) => continue,
        };
        let (fit, bic) = (figures.log_likelihood, figures.bic_difference);
        let (expected, mae, score) = (holdout.errors.expected(), holdout.errors.mae(), holdout.log_score);
        writeln!(
            out,
            "{name:<11} {leave:<22} {fit:>14.2}  {bic:>14.1}  {expected:>16.1}  {mae:.3}  {score:>9.4}"
        )?;
    }

    // 4. Which to use, and why.
    let (recommended, best) =
        comparison.recommendation().zip(comparison.best()).ok_or("no model could be fitted")?;
    writeln!(out, "\nUse {}, because", recommended.model().name())?;
    for reason in recommended.because() {
        writeln!(out, "  {reason}")?;
    }
    let as_good: Vec<&str> = recommended.as_good().iter().map(|model| model.name()).collect();
    writeln!(out, "As good as these data can tell: {}", as_good.join(", "))?;

    // 5. Where it is right and where not: by how often customers had bought again before.
    writeln!(out, "\nbought again  customers  expected  then bought, each")?;
    for group in holdouts.by_frequency(best, 7, Share::new(0.95)?)? {
        let (often, customers, expected) = (group.key(), group.customers(), group.expected());
        let (actual, agrees) = (group.actual(), if group.agrees() { "" } else { "  <- not as expected" });
        let or_more = if often == 7 { "+" } else { " " };
        writeln!(
            out,
            "{often:>11}{or_more}  {customers:>9}  {expected:>8.2}  {:.2} [{:.2}, {:.2}]{agrees}",
            actual.value(),
            actual.lower(),
            actual.upper(),
        )?;
    }

    // 6. Week by week, from the first purchase on: does the model drift away?
    writeln!(out, "\nrepeat purchases until week   made  expected")?;
    let weeks = Tracking::from_log(log, 2357)?.curve(best, TimeUnit::WEEK, 7, period.end())?;
    for (week, reached) in (1..).zip(&weeks).filter(|(week, _)| week % 13 == 0) {
        writeln!(out, "{week:>27} {:>6}  {:>8.0}", reached.cumulative_actual, reached.cumulative_expected)?;
    }
    Ok(())
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout().lock())
}
