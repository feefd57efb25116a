//! Prints what a review found.

use patronage::desk::Review;
use patronage::lifecycle::LifecycleStage;
use patronage::pain::PainPoint;
use patronage::simulate::Truth;

use std::collections::BTreeMap;
use std::io::{self, Write};

pub(crate) use super::number::number;

pub(crate) fn segments(out: &mut dyn Write, review: &Review) -> io::Result<()> {
    writeln!(out, "\nWho belongs together: segments by recency, frequency and monetary value")?;
    writeln!(out, "  {:<22}{:>10}{:>20}", "segment", "customers", "spend")?;
    for size in &review.segments {
        let (segment, spend) = (size.segment.to_string(), size.spend.to_string());
        writeln!(out, "  {segment:<22}{:>10}{spend:>20}", number(size.customers))?;
    }
    Ok(())
}

pub(crate) fn most_valuable(
    out: &mut dyn Write,
    review: &Review,
    names: &BTreeMap<patronage::customer::CustomerId, String>,
) -> io::Result<()> {
    match &review.valuation {
        Err(why) => return writeln!(out, "\nWho is worth most: not known, because {why}"),
        Ok(valuation) => {
            writeln!(out, "\nWho is worth most in the next 12 months (models fitted to weeks and cents)")?;
            for parameter in valuation.purchases.parameters().iter().chain(valuation.spend.fit().parameters())
            {
                let (value, error) = (parameter.value, parameter.standard_error);
                writeln!(out, "  {:<6}{value:>12.4} (standard error {error:.4})", parameter.name)?;
            }
            writeln!(out, "  all customers together: {}", valuation.customer_equity)?;
        }
    }
    writeln!(
        out,
        "  {:<10}{:>9}{:>11}{:>16}{:>15}  {:<5}segment",
        "customer", "P(alive)", "purchases", "value", "at risk", "RFM"
    )?;
    for customer in &review.most_valuable {
        writeln!(
            out,
            "  {:<10}{:>9}{:>11.1}{:>16}{:>15}  {:<5}{}",
            names.get(&customer.customer).map_or("?", String::as_str),
            customer.p_alive.to_string(),
            customer.expected_purchases,
            customer.expected_value.to_string(),
            customer.value_at_risk.to_string(),
            customer.score.to_string(),
            customer.segment,
        )?;
    }
    Ok(())
}

fn place(point: &PainPoint) -> String {
    let stage = point.stage().map_or("unknown", LifecycleStage::as_str);
    format!("{}, {stage}, {}", point.kind(), point.touchpoint())
}

pub(crate) fn pain_points(out: &mut dyn Write, review: &Review, truth: Option<&Truth>) -> io::Result<()> {
    let (tests, counts) = (review.pain.tests(), review.pain.counts());
    writeln!(
        out,
        "\nWhere customers struggle: {} contacts of {} customers, {tests} pain points tested",
        number(counts.contacts),
        number(counts.customers)
    )?;
    writeln!(
        out,
        "  {:<46}{:>8}{:>7}{:>24}{:>9}{:>34}",
        "found", "reach", "met", "fewer came back", "q", "value at risk"
    )?;
    for point in review.pain.evident() {
        let (Some(reach), Some(effect)) = (point.reach().found(), point.effect().found()) else { continue };
        let fewer = effect.fewer_came_back();
        let shares = format!(
            "{:.1} % [{:.1}, {:.1}]",
            fewer.value() * 100.0,
            fewer.lower() * 100.0,
            fewer.upper() * 100.0
        );
        let risk = effect.value_at_risk().map_or("unknown".to_owned(), |risk| {
            let (lower, upper) = (risk.lower().minor() / 100, risk.upper().minor() / 100);
            format!("{} [{lower}, {upper}]", risk.value())
        });
        writeln!(
            out,
            "  {:<46}{:>8}{:>7}{shares:>24}{:>9.1e}{risk:>34}",
            place(point),
            number(reach.reached()),
            number(reach.met()),
            effect.q_value(),
        )?;
    }
    let Some(truth) = truth else { return Ok(()) };
    writeln!(out, "  planted, costliest first:")?;
    for planted in truth.planted() {
        let pain = planted.pain();
        let wanted = format!("{}, {}, {}", pain.kind, pain.stage, pain.touchpoint);
        let rank = review.pain.evident().position(|point| place(point) == wanted);
        writeln!(
            out,
            "  {wanted:<46}{:>8}{:>7}{:>24}   {}",
            number(planted.reached()),
            number(planted.met().customers),
            planted.effect().map_or("unknown".to_owned(), |effect| format!("{:.1} %", effect * 100.0)),
            rank.map_or("not found".to_owned(), |rank| format!("found as number {}", rank + 1)),
        )?;
    }
    Ok(())
}

pub(crate) fn scheduled(
    out: &mut dyn Write,
    review: &Review,
    names: &BTreeMap<patronage::customer::CustomerId, String>,
) -> io::Result<()> {
    let new = number(review.scheduled.len() as u64);
    writeln!(
        out,
        "\nWhat happens next: {new} tasks scheduled, {} were before",
        number(review.scheduled_before)
    )?;
    let customers = review.scheduled.iter().filter(|task| task.customer.is_some()).take(5);
    for task in customers.chain(review.scheduled.iter().filter(|task| task.customer.is_none())) {
        let who = task.customer.and_then(|customer| names.get(&customer)).map_or("", String::as_str);
        let reasons: Vec<String> = task.because.iter().map(ToString::to_string).collect();
        writeln!(out, "  {} {who} -> {}: {}", task.about, task.team, reasons.join(", "))?;
    }
    Ok(())
}
