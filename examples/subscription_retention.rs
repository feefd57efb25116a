//! Who will renew, for how long, and what is that worth? Projects two segments of a subscription five years beyond what
//! the models were shown, and holds it against what happened: `cargo run --release --example subscription_retention`.

use patronage::value::{
    BetaDiscreteWeibull, Contract, ContractModel, ContractTable, Discount, Fit, ShiftedBetaGeometric,
    TimeUnit,
};
use patronage::{Currency, Money};
use std::error::Error;
use std::io::Write;

/// The renewals that the models are fitted to; the data have five more.
const KNOWN: usize = 7;
/// What is left of the fee of a year, in cents.
const MARGIN: f64 = 10_000.0;

/// A segment of the subscribers: how many were left after each renewal, and what was fitted to the first of them.
struct Segment {
    left: Vec<u32>,
    simple: Fit<ShiftedBetaGeometric>,
    weibull: Fit<BetaDiscreteWeibull>,
}

impl Segment {
    fn new(left: Vec<u32>) -> Result<Self, Box<dyn Error>> {
        let known: Vec<u64> = left.iter().take(KNOWN + 1).map(|&left| left.into()).collect();
        let mut table = ContractTable::new();
        table.push_survivors(&known)?;
        let simple = ShiftedBetaGeometric::fit_table(&table)?;
        let weibull = BetaDiscreteWeibull::fit_table(&table)?;
        Ok(Self { left, simple, weibull })
    }

    /// Which share of all was left after 0, 1, 2, .. renewals.
    fn actual(&self) -> impl Iterator<Item = f64> {
        let first = self.left.first().copied().unwrap_or(1);
        self.left.iter().map(move |&left| f64::from(left) / f64::from(first))
    }

    /// The mean difference of a projection and what happened after the fit, in points of per cent.
    fn error(&self, model: &impl ContractModel) -> f64 {
        let later = (0..).zip(self.actual()).skip(KNOWN + 1);
        let off: Vec<f64> =
            later.map(|(renewals, actual)| (model.survival(renewals) - actual).abs()).collect();
        off.iter().map(|off| 100.0 * off).sum::<f64>() / off.iter().map(|_| 1.0).sum::<f64>()
    }
}

/// Prints the answer to `out`.
///
/// # Errors
/// When the data cannot be read or fitted.
pub(crate) fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let (mut regular, mut high_end) = (Vec::new(), Vec::new());
    for line in include_str!("data/subscription/survivors.csv").lines().skip(1) {
        let mut cells = line.split(',').skip(1).map(str::parse::<u32>);
        let (Some(one), Some(other)) = (cells.next(), cells.next()) else {
            return Err(format!("not three cells: {line}").into());
        };
        regular.push(one?);
        high_end.push(other?);
    }
    let segments = [("regular", Segment::new(regular)?), ("high-end", Segment::new(high_end)?)];

    // 1. Two models for each segment. A third parameter must pay for itself: the lower AIC is better.
    writeln!(out, "fitted to {KNOWN} renewals of 1,000 customers each")?;
    for (name, segment) in &segments {
        let fits = [
            ("sBG", segment.simple.parameters(), segment.simple.aic()),
            ("BdW", segment.weibull.parameters(), segment.weibull.aic()),
        ];
        for (model, parameters, aic) in &fits {
            let parameters: Vec<String> = parameters
                .iter()
                .map(|found| format!("{} {:.3} ({:.3})", found.name, found.value, found.standard_error))
                .collect();
            writeln!(out, "{name:<8}  {model}  {:<56}  AIC {aic:.1}", parameters.join("  "))?;
        }
        let [(simple, _, low), (weibull, _, high)] = fits;
        writeln!(out, "{name:<8}  {} fits better", if low <= high { simple } else { weibull })?;
    }

    // 2. Who is left, and which share of them renews. Nobody showed the models what came after the line.
    writeln!(out, "\nstill there, and retention of the year, in per cent")?;
    writeln!(out, "          {:^38}  {:^38}", "regular", "high-end")?;
    let heads = "actual   sBG   BdW     r   sBG   BdW";
    writeln!(out, "renewals  {heads:>38}  {heads:>38}")?;
    for renewals in 1..=12 {
        if renewals == KNOWN + 1 {
            writeln!(out, "{}", "-".repeat(88))?;
        }
        write!(out, "{renewals:>8}")?;
        let count = u32::try_from(renewals)?;
        for (_, segment) in &segments {
            let (simple, weibull) = (segment.simple.model(), segment.weibull.model());
            let mut actual = segment.actual().skip(renewals - 1);
            let (Some(before), Some(now)) = (actual.next(), actual.next()) else {
                return Err("too few renewals".into());
            };
            let shares = [
                now,
                simple.survival(count),
                weibull.survival(count),
                now / before,
                simple.retention_rate(count - 1),
                weibull.retention_rate(count - 1),
            ];
            write!(out, "     ")?;
            for share in shares {
                write!(out, " {:>5.1}", 100.0 * share)?;
            }
        }
        writeln!(out)?;
    }
    for (name, segment) in &segments {
        let (simple, weibull) =
            (segment.error(segment.simple.model()), segment.error(segment.weibull.model()));
        writeln!(out, "{name:<8}  mean error of the five years: sBG {simple:.2}, BdW {weibull:.2} points")?;
    }

    // 3. For how long a customer will stay who is asked to renew now, and what that is worth.
    let ten_per_cent = Discount::of(0.10, TimeUnit::YEAR, TimeUnit::YEAR)?;
    let worth = |years: f64| Money::rounded(MARGIN * years, Currency::EUR);
    writeln!(
        out,
        "\nrenewals to come, at 10 % a year, and their worth at a margin of {} a year",
        worth(1.0)?
    )?;
    writeln!(out, "          {:^38}  {:^38}", "regular", "high-end")?;
    let heads = "in 5 years    sBG    BdW         worth";
    writeln!(out, "made      {heads:>38}  {heads:>38}")?;
    for made in [0, 1, 2, 3, 5, 7] {
        write!(out, "{made:>4}    ")?;
        for (_, segment) in &segments {
            let contract = Contract::running(made);
            let (simple, weibull) = (segment.simple.model(), segment.weibull.model());
            let soon = weibull.expected_renewals(contract, 5);
            let [one, other] = [
                simple.discounted_residual_lifetime(contract, ten_per_cent),
                weibull.discounted_residual_lifetime(contract, ten_per_cent),
            ];
            write!(out, "     {soon:>10.2} {one:>6.2} {other:>6.2} {:>12}", worth(other)?.to_string())?;
        }
        writeln!(out)?;
    }
    for (name, segment) in &segments {
        let weibull = segment.weibull.model();
        let new = worth(weibull.discounted_lifetime(ten_per_cent))?;
        writeln!(out, "a new {name} customer is worth {new}, the first year included")?;
        let years = weibull.expected_lifetime();
        if years.is_infinite() {
            writeln!(out, "  and for how many years there is no mean: too many stay for too long")?;
        } else {
            writeln!(out, "  and stays for {years:.1} years")?;
        }
    }
    Ok(())
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout().lock())
}
