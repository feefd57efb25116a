//! Where do customers stand on the ladder from dissatisfied to advocate, who moved, and what is missing for the next rung?
//! `cargo run --release --example loyalty_ladder --features simulate`, and with your own purchases
//! `-- --purchases orders.csv`; `-- --help` names all options.

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/number.rs"]
mod number;
#[path = "support/rows.rs"]
mod rows;
#[allow(dead_code, reason = "an example needs not all that is shared")]
#[path = "support/shop.rs"]
mod shop;

use arguments::Arguments;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use number::number;
use patronage::customer::CustomerId;
use patronage::interaction::{Channel, Engagement, Interaction, InteractionId, Outcome, Touchpoint};
use patronage::loyalty::{
    Bar, Evidence, LadderRule, LoyaltyEvidence, LoyaltyRung, LoyaltyStep, Movement, Standing,
};
use patronage::pain::{GroupCount, HoldOut};
use patronage::simulate::{self, Buyer, Company, Purchases, SimulatedBuyer};
use patronage::{Share, Tag};
use shop::{Day, Shop};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

const HELP: &str = "\
Tells on which rung of the ladder of loyalty customers stand, who moved within a time, and what is missing.

  --back DAYS            how far the first of both instants lies back                    [90]
  --tenure DAYS          how long a customer must have been one to be loyal              [365; with --purchases 180]
";

/// Evidence of buying, returning and answering is that of the last year.
const YEAR: u64 = 365;
/// How many customers a list has.
const LISTED: usize = 10;

type Done = Result<(), Box<dyn Error>>;

/// What is known of one customer.
struct Known<'a> {
    name: &'a str,
    days: &'a BTreeMap<NaiveDate, Day>,
    contacts: Vec<Interaction>,
    /// The day and the answer to the question whether they would recommend the shop.
    recommendation: Option<(NaiveDate, u8)>,
    /// Whether they were asked for answers; else what they sent back stands for them.
    asked: bool,
}

/// Where a customer stood and stands.
struct Stood<'a, 'b> {
    known: &'b Known<'a>,
    before: Standing,
    now: Standing,
}

/// Prints the answer to `out`.
///
/// # Errors
/// When an option means nothing, or data cannot be read or simulated.
pub(crate) fn run(arguments: impl IntoIterator<Item = String>, out: &mut dyn Write) -> Done {
    let arguments = Arguments::parse(arguments, &[&["back", "tenure"][..], &shop::NAMES].concat())?;
    if arguments.help {
        return Ok(write!(out, "{HELP}{}", shop::HELP)?);
    }
    let back: u64 =
        arguments.or("back", "90").parse().map_err(|_| "--back must be a whole number of days")?;
    let is_real = arguments.get("purchases").is_some();
    let tenure = arguments.or("tenure", if is_real { "180" } else { "365" });
    let tenure: f64 = tenure.parse().map_err(|_| "--tenure must be a number of days")?;
    let (shop, buyers) = match arguments.get("purchases") {
        Some(path) => (Shop::read(out, path, &arguments)?, Vec::new()),
        None => Shop::simulated(6_000, 3)?,
    };
    let customers = if is_real { recorded(&shop)? } else { simulated(&shop, &buyers)? };

    let rule = rule(tenure)?;
    writeln!(
        out,
        "The ladder: each rung asks for all below it as well; evidence is that of the last {YEAR} days"
    )?;
    for (rung, requirements) in LoyaltyRung::ALL.iter().skip(1).zip(rule.rungs()) {
        let bar = |bar: &Bar| format!("{} {} (to keep it {})", bar.evidence, bar.reach, bar.keep);
        let all = requirements.iter().map(|bars| bars.iter().map(bar).collect::<Vec<_>>().join(" or "));
        writeln!(out, "  {rung:<13}{}", all.collect::<Vec<_>>().join(", and "))?;
    }
    writeln!(
        out,
        "  satisfaction is {}",
        if is_real {
            "the share of the money paid that was not sent back: what they did, for nobody asked them"
        } else {
            "the mean of the answers to surveys and of the ease of contacts, of those who gave any"
        }
    )?;

    // Seen first as of some time ago, without a rung before, and then today, from that rung.
    let then = shop.today.checked_sub_days(Days::new(back)).ok_or("--back is too far")?;
    let mut stood = Vec::new();
    for known in &customers {
        if known.days.range(..then).all(|(_, day)| day.paid <= 0.0) {
            continue;
        }
        let before = rule.standing(&known.evidence(then)?, None);
        let now = rule.standing(&known.evidence(shop.today)?, Some(before.rung()));
        stood.push(Stood { known, before, now });
    }
    writeln!(
        out,
        "\n{}: {} customers, {} of them since before {then}; those are shown as of {then} and {}",
        shop.name,
        number(u64::try_from(customers.len())?),
        number(u64::try_from(stood.len())?),
        shop.today
    )?;
    moved(out, &stood)?;
    meant(out, &stood, then)?;
    missing(out, &stood)?;
    opportunities(out, &stood)
}

/// The default ladder, but for the days it takes to be loyal.
fn rule(tenure: f64) -> Result<LadderRule, Box<dyn Error>> {
    let default = LadderRule::default();
    let [neutral, satisfied, loyal, advocate] = default.rungs().map(<[Vec<Bar>]>::to_vec);
    let with_tenure = |bar: Bar| match bar.evidence {
        Evidence::TenureDays => Bar::new(bar.evidence, tenure, tenure),
        _ => bar,
    };
    let loyal = loyal.into_iter().map(|bars| bars.into_iter().map(with_tenure).collect()).collect();
    Ok(LadderRule::new(neutral, satisfied, loyal, advocate)?)
}

fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// Real customers; each day with a purchase is a contact that ended in a sale.
fn recorded(shop: &Shop) -> Result<Vec<Known<'_>>, Box<dyn Error>> {
    let mut customers = Vec::new();
    for (name, days) in &shop.customers {
        let id = CustomerId::derive(&["shop", name]);
        let mut contacts = Vec::new();
        for (&date, _) in days.iter().filter(|(_, day)| day.paid > 0.0) {
            let contact = InteractionId::derive(&["shop", name, &date.to_string()]);
            let order = Interaction::builder(contact, id, midnight(date)).outcome(Outcome::Sale);
            contacts
                .push(order.at_place(Channel::Web, Touchpoint::SelfService, Engagement::Ordering).build()?);
        }
        customers.push(Known { name, days, contacts, recommendation: None, asked: false });
    }
    Ok(customers)
}

/// Simulated customers with their contacts. Three of ten, drawn by their ids, say after their last contact whether they
/// would recommend the shop: ten times their satisfaction.
fn simulated<'a>(shop: &'a Shop, buyers: &[SimulatedBuyer]) -> Result<Vec<Known<'a>>, Box<dyn Error>> {
    let facts: Vec<Buyer<'_>> = buyers.iter().map(SimulatedBuyer::facts).collect();
    let lives = simulate::interactions(&facts, &Company::default(), Purchases::Given, 3)?;
    let not_asked = HoldOut::new(Tag::literal("recommendation"), Share::new(0.7)?)?;
    let mut customers = Vec::new();
    for (((name, days), buyer), life) in shop.customers.iter().zip(buyers).zip(&lives) {
        let (contacts, _) = life?.into_parts();
        let mut known = Known { name, days, contacts, recommendation: None, asked: true };
        let last = known.contacts.last().map(|contact| contact.at().date_naive());
        if let Some((date, satisfaction)) = last.zip(known.satisfaction(shop.today)?)
            && !not_asked.holds(buyer.customer().id())
        {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10")]
            let answer = (satisfaction.get() * 10.0).round() as u8;
            known.recommendation = Some((date, answer));
        }
        customers.push(known);
    }
    Ok(customers)
}

impl Known<'_> {
    /// How satisfied they were in the year before a day, as far as it is known.
    fn satisfaction(&self, as_of: NaiveDate) -> Result<Option<Share>, Box<dyn Error>> {
        let year_ago = as_of.checked_sub_days(Days::new(YEAR)).ok_or("no such day")?;
        let (from, until) = (midnight(year_ago), midnight(as_of));
        let (mut sum, mut answers) = (0.0, 0.0);
        for contact in self.contacts.iter().filter(|contact| from <= contact.at() && contact.at() < until) {
            let said = contact.sentiment().map(|mood| f64::midpoint(mood.score(), 1.0));
            for answer in said.into_iter().chain(contact.effort().map(|effort| effort.ease().get())) {
                sum += answer;
                answers += 1.0;
            }
        }
        if answers > 0.0 {
            return Ok(Some(Share::new(sum / answers)?));
        }
        if self.asked {
            return Ok(None);
        }
        let (mut paid, mut sent_back) = (0.0, 0.0);
        for day in self.days.range(year_ago..as_of).map(|(_, day)| day) {
            paid += day.paid;
            sent_back += day.sent_back;
        }
        let kept = (paid > 0.0).then(|| Share::new((1.0 - sent_back / paid).max(0.0)));
        Ok(kept.transpose()?)
    }

    fn evidence(&self, as_of: NaiveDate) -> Result<LoyaltyEvidence, Box<dyn Error>> {
        let year_ago = as_of.checked_sub_days(Days::new(YEAR)).ok_or("no such day")?;
        let bought = |(date, day): (&NaiveDate, &Day)| (day.paid > 0.0).then_some(*date);
        let mut evidence = LoyaltyEvidence::default();
        if let Some(first) = self.days.range(..as_of).find_map(bought) {
            let days = u32::try_from(as_of.signed_duration_since(first).num_days())?;
            let in_year = self.days.range(year_ago..as_of).filter_map(bought);
            let again = in_year.filter(|&date| date > first).count();
            evidence = evidence.tenure_days(days).repeat_purchases(u32::try_from(again)?);
        }
        if let Some(satisfaction) = self.satisfaction(as_of)? {
            evidence = evidence.satisfaction(satisfaction);
        }
        match self.recommendation.filter(|&(date, _)| year_ago <= date && date < as_of) {
            Some((_, answer)) => Ok(evidence.recommendation(answer)?),
            None => Ok(evidence),
        }
    }
}

/// Who stands where, and who moved.
fn moved(out: &mut dyn Write, stood: &[Stood<'_, '_>]) -> Done {
    let mut movement = Movement::default();
    for one in stood {
        movement.push(one.before.rung(), one.now.rung());
    }
    writeln!(out, "\nWhere they stood (down) and stand (across)")?;
    write!(out, "  {:<14}", "")?;
    for rung in LoyaltyRung::ALL {
        write!(out, "{rung:>14}")?;
    }
    writeln!(out, "{:>10}", "n")?;
    for &from in LoyaltyRung::ALL {
        write!(out, "  {from:<14}")?;
        for &to in LoyaltyRung::ALL {
            write!(out, "{:>14}", number(movement.count(from, to)))?;
        }
        let n = LoyaltyRung::ALL.iter().map(|&to| movement.count(from, to)).sum();
        writeln!(out, "{:>10}", number(n))?;
    }
    write!(out, "  {:<14}", "now")?;
    for &to in LoyaltyRung::ALL {
        let n = LoyaltyRung::ALL.iter().map(|&from| movement.count(from, to)).sum();
        write!(out, "{:>14}", number(n))?;
    }
    let (up, down, stayed) = (movement.up(), movement.down(), movement.stayed());
    writeln!(out, "{:>10}", number(up + down + stayed))?;
    Ok(writeln!(out, "  {} moved up, {} down, {} stayed", number(up), number(down), number(stayed))?)
}

/// Whether a rung says anything of what customers do next.
fn meant(out: &mut dyn Write, stood: &[Stood<'_, '_>], then: NaiveDate) -> Done {
    let mut bought: BTreeMap<LoyaltyRung, GroupCount> = BTreeMap::new();
    for one in stood {
        let came = one.known.days.range(then..).any(|(_, day)| day.paid > 0.0);
        bought.entry(one.before.rung()).or_default().push(came);
    }
    writeln!(
        out,
        "\nWhat a rung meant: who of those on it on {then} has bought since (Wilson intervals of 95 %)"
    )?;
    for (rung, count) in &bought {
        let Some(share) = count.share(Share::new(0.95)?) else { continue };
        let [value, lower, upper] = [share.value(), share.lower(), share.upper()].map(|part| part * 100.0);
        writeln!(out, "  {rung:<14}{value:.1} % [{lower:.1}, {upper:.1}] of {}", number(share.n()))?;
    }
    Ok(())
}

/// What keeps customers from the next rung.
fn missing(out: &mut dyn Write, stood: &[Stood<'_, '_>]) -> Done {
    let mut reasons: BTreeMap<(LoyaltyRung, String), u64> = BTreeMap::new();
    let mut on_rung: BTreeMap<LoyaltyRung, u64> = BTreeMap::new();
    let mut near = Vec::new();
    for one in stood {
        let rung = one.now.rung();
        *on_rung.entry(rung).or_default() += 1;
        for bars in one.now.missing() {
            let lacks = |reason: &patronage::loyalty::RungReason| match reason.have {
                Some(_) => format!("{} below {}", reason.evidence, reason.need),
                None => format!("{} not known", reason.evidence),
            };
            let text = bars.iter().map(lacks).collect::<Vec<_>>().join(" and ");
            *reasons.entry((rung, text)).or_default() += 1;
        }
        // Nobody can do anything about time.
        if let [bars] = one.now.missing()
            && let Some((have, reason)) = bars.iter().find_map(|reason| Some((reason.have?, reason)))
            && reason.evidence != Evidence::TenureDays
        {
            near.push((have / reason.need, one.known.name, rung, reason));
        }
    }
    writeln!(
        out,
        "\nWhat is missing for the next rung (a customer may lack several things; of two thresholds the lower is to keep it)"
    )?;
    for ((rung, text), count) in &reasons {
        let of = on_rung.get(rung).copied().unwrap_or(0);
        let share = Share::of(*count, of)?.unwrap_or_default();
        writeln!(out, "  {rung:<14}{text:<52}{:>8} of {} ({share})", number(*count), number(of))?;
    }
    near.sort_by(|one, other| {
        other.2.cmp(&one.2).then(other.0.total_cmp(&one.0)).then_with(|| one.1.cmp(other.1))
    });
    writeln!(out, "  nearest to the next rung, with one thing missing that can be done something about:")?;
    for (_, name, rung, reason) in near.iter().take(LISTED) {
        let have = reason.have.unwrap_or_default();
        writeln!(
            out,
            "    {name:<12}{rung}, {} from {have:.2} to {} for {}",
            reason.evidence, reason.need, reason.rung
        )?;
    }
    Ok(())
}

/// What could be done in the last contact of each customer.
fn opportunities(out: &mut dyn Write, stood: &[Stood<'_, '_>]) -> Done {
    let (mut counts, mut contacts, mut without): (BTreeMap<LoyaltyStep, u64>, u64, u64) = Default::default();
    for one in stood {
        let Some(contact) = one.known.contacts.last() else { continue };
        contacts += 1;
        let found = one.now.opportunities(contact);
        without += u64::from(found.is_empty());
        for opportunity in found {
            *counts.entry(opportunity.step).or_default() += 1;
        }
    }
    writeln!(
        out,
        "\nOpportunities in the last contact of each of {} customers (where something went wrong, only to put it right)",
        number(contacts)
    )?;
    for (step, count) in &counts {
        writeln!(out, "  {step:<22}{:>8}", number(*count))?;
    }
    Ok(writeln!(out, "  {:<22}{:>8}", "none", number(without))?)
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    run(std::env::args().skip(1), &mut std::io::stdout().lock())
}
