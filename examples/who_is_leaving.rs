//! Who stays, who is leaving, and who drifts away before they are gone? By contracts, and by each customer's own rhythm:
//! `cargo run --release --example who_is_leaving --features simulate`, and with your own files
//! `-- --contracts contracts.csv --purchases orders.csv`; `-- --help` names all options.

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/number.rs"]
mod number;
#[path = "support/rows.rs"]
mod rows;
#[allow(dead_code, reason = "what was sent back is for another example")]
#[path = "support/shop.rs"]
mod shop;

use arguments::Arguments;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use number::number;
use patronage::loyalty::{
    EngagementScore, Pace, Relationship, Rhythm, RhythmRule, SilenceRule, Slowing, Spell, SurvivalCurve,
    SurvivalOptions, SurvivalTable, Touch, log_rank,
};
use patronage::pain::GroupCount;
use patronage::purchase::PurchaseHistory;
use patronage::simulate::SimulatedBuyer;
use patronage::value::{
    Discount, GammaGamma, Horizon, LifetimeValue, MbgNbd, PurchaseModel, Summary, TimeUnit,
};
use patronage::{Estimate, Money, Share};
use shop::Shop;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

const HELP: &str = "\
Tells who stays, who is leaving and who drifts away: contracts by kind, and purchases by the customer's own rhythm.

  --contracts FILE       your contracts: .csv or .csv.gz, a row for each        [two kinds of a real subscription]
  --time COLUMN          how long it has run, in whole units                    [tenure]
  --ended COLUMN         whether it has ended: Yes, true or 1; No, false or 0   [ended]
  --group COLUMN         of which kind it is                                    [group]
  --unit NAME            what the time is counted in                            [months]
  --silence DAYS         after which a customer without a contract is gone      [90]
";

/// How many customers a list has.
const LISTED: usize = 10;
/// So far back the alarms are checked against what came.
const CHECKED: u64 = 90;
/// Of the engagement score.
const HALF_LIFE: i64 = 90;

type Done = Result<(), Box<dyn Error>>;

/// Prints the answer to `out`.
///
/// # Errors
/// When an option means nothing, or data cannot be read or fitted.
pub(crate) fn run(arguments: impl IntoIterator<Item = String>, out: &mut dyn Write) -> Done {
    let names = ["contracts", "time", "ended", "group", "unit", "silence"];
    let arguments = Arguments::parse(arguments, &[&names[..], &shop::NAMES].concat())?;
    if arguments.help {
        return Ok(write!(out, "{HELP}{}", shop::HELP)?);
    }
    let level = Share::new(0.95)?;

    contracts(out, &arguments, level)?;

    writeln!(out)?;
    let silence = arguments.or("silence", "90").parse().map_err(|_| "--silence must be a whole number")?;
    let silence = SilenceRule::new(silence)?;
    let (shop, simulated) = match arguments.get("purchases") {
        Some(path) => (Shop::read(out, path, &arguments)?, Vec::new()),
        None => Shop::simulated(6_000, 3)?,
    };
    let mut customers = Vec::new();
    for (name, days) in &shop.customers {
        customers.push((name.as_str(), shop.history(days, shop.today)?));
    }
    without_a_contract(out, &shop, &customers, silence, level)?;
    // Gaps three times as long as before are looked for; of 100 gaps of a steady customer one raises a false alarm.
    let rule = RhythmRule::new(3.0, 100.0)?;
    drifting(out, &shop, &customers, &rule)?;
    checked(out, &shop, &customers, &rule, level)?;
    in_truth(out, &shop, &customers, &rule, &simulated)?;
    engaged(out, &shop, &customers)
}

/// An estimate in per cent.
fn percent(share: &Estimate) -> String {
    let [value, lower, upper] = [share.value(), share.lower(), share.upper()].map(|part| part * 100.0);
    format!("{value:.1} % [{lower:.1}, {upper:.1}]")
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

type Kinds = BTreeMap<String, SurvivalTable>;

/// The contracts by kind, and the unit of their times.
fn kinds<'a>(out: &mut dyn Write, arguments: &'a Arguments) -> Result<(Kinds, &'a str), Box<dyn Error>> {
    let mut kinds = Kinds::new();
    let mut push = |kind: &str, spell| {
        let table = kinds.entry(kind.to_owned());
        table.or_insert_with(|| SurvivalTable::new(Relationship::Contractual)).push(spell);
    };
    let spell = |time, ended| if ended { Spell::ended(time) } else { Spell::running(time) };
    let unit = if let Some(path) = arguments.get("contracts") {
        let columns = [("time", "tenure"), ("ended", "ended"), ("group", "group")];
        let columns = columns.map(|(name, default)| arguments.or(name, default));
        rows::read(out, path, &columns, |row| {
            let [time, ended, kind] = row else { return Err("too short".to_owned()) };
            // Some programs write whole numbers as 7.0.
            let whole = time.strip_suffix(".0").unwrap_or(time);
            let time = whole.parse().map_err(|_| format!("`{time}` is no whole number"))?;
            let ended = match ended.to_ascii_lowercase().as_str() {
                "yes" | "true" | "1" | "1.0" => true,
                "no" | "false" | "0" | "0.0" => false,
                other => return Err(format!("`{other}` must be yes or no")),
            };
            push(kind, spell(time, ended).map_err(|error| error.to_string())?);
            Ok(())
        })?;
        arguments.or("unit", "months")
    } else {
        writeln!(out, "A subscription of two kinds, renewed every year (Fader and Hardie, 2007)")?;
        for (place, kind) in [(1, "regular"), (2, "high-end")] {
            let lines = include_str!("data/subscription/survivors.csv").lines().skip(1);
            let left = lines.map(|line| line.split(',').nth(place).unwrap_or_default().parse::<u32>());
            let left = left.collect::<Result<Vec<u32>, _>>()?;
            for (year, pair) in (1..).zip(left.windows(2)) {
                let ended = pair.first().zip(pair.last()).map_or(0, |(before, after)| before - after);
                (0..ended).try_for_each(|_| Spell::ended(year).map(|spell| push(kind, spell)))?;
            }
            let years = i32::try_from(left.len())? - 1;
            let still = left.last().copied().unwrap_or(0);
            (0..still).try_for_each(|_| Spell::running(years).map(|spell| push(kind, spell)))?;
        }
        arguments.or("unit", "years")
    };
    Ok((kinds, unit))
}

/// Who stays by contract.
fn contracts(out: &mut dyn Write, arguments: &Arguments, level: Share) -> Done {
    let (kinds, unit) = kinds(out, arguments)?;
    let mut all = SurvivalTable::new(Relationship::Contractual);
    for table in kinds.values() {
        all.merge(table)?;
    }
    let options = SurvivalOptions::default().level(level);
    let whole = all.curve(&options)?;
    let last = whole.last_day();
    let times = [(last / 6).max(1), (last / 3).max(1), last];
    writeln!(
        out,
        "\nWho stays: the share of contracts still running (Kaplan-Meier; log-log intervals of {level})"
    )?;
    write!(out, "  {:<18}{:>8}{:>8}", "kind", "n", "ended")?;
    for time in times {
        write!(out, "  {:<22}", format!("after {time} {unit}"))?;
    }
    writeln!(out, "  {:<20}mean within {last} {unit}", "half are left after")?;
    let mut line = |name: &str, table: &SurvivalTable, curve: &SurvivalCurve| -> Done {
        write!(out, "  {name:<18}{:>8}{:>8}", number(table.len()), number(table.ended()))?;
        for time in times {
            let share = curve.survival_at(time);
            write!(out, "  {:<22}", share.map_or("not observed".to_owned(), |share| percent(&share)))?;
        }
        let day = |day: Option<u32>| day.map_or("?".to_owned(), |day| day.to_string());
        let median = curve.median();
        let half = match median.day {
            Some(_) => format!("{} [{}, {}]", day(median.day), day(median.lower), day(median.upper)),
            None => "not observed".to_owned(),
        };
        let mean = curve.restricted_mean(last).map_or("not observed".to_owned(), |mean| {
            format!("{:.1} [{:.1}, {:.1}]", mean.value(), mean.lower(), mean.upper())
        });
        Ok(writeln!(out, "  {half:<20}{mean}")?)
    };
    for (kind, table) in &kinds {
        line(kind, table, &table.curve(&options)?)?;
    }
    line("all", &all, &whole)?;

    if kinds.len() > 1 {
        let tables: Vec<&SurvivalTable> = kinds.values().collect();
        let test = log_rank(&tables)?;
        let groups = kinds.keys().zip(test.groups()).map(|(kind, group)| {
            let (observed, expected) = (number(group.observed), group.expected);
            format!("{kind} lost {observed} where {expected:.1} were to be expected")
        });
        writeln!(
            out,
            "  do the kinds differ? log-rank chi-square {:.2} on {} degrees of freedom, {}; if all were alike: {}",
            test.chi_square(),
            test.degrees_of_freedom(),
            p_value(test.p_value()),
            groups.collect::<Vec<_>>().join(", ")
        )?;
    }
    let so_far = Share::of(all.ended(), all.len())?.unwrap_or_default();
    let Some(at_last) = whole.survival_at(last) else { return Ok(()) };
    let leave = Share::new(1.0 - at_last.value())?;
    if leave.get() - so_far.get() < 0.005 {
        return Ok(());
    }
    Ok(writeln!(
        out,
        "  {so_far} have left so far, but {leave} of those who come leave within {last} {unit}: many are not here that long"
    )?)
}

type Customers<'a> = [(&'a str, PurchaseHistory)];

fn day_numbers(history: &PurchaseHistory) -> impl Iterator<Item = i32> + Clone {
    history.days().iter().map(|day| day.day)
}

fn day_number(date: NaiveDate) -> Result<i32, std::num::TryFromIntError> {
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days())
}

fn date(day: i32) -> NaiveDate {
    NaiveDate::default() + TimeDelta::days(day.into())
}

/// Who stays where the end is not seen.
fn without_a_contract(
    out: &mut dyn Write,
    shop: &Shop,
    customers: &Customers<'_>,
    silence: SilenceRule,
    level: Share,
) -> Done {
    let mut table = SurvivalTable::new(Relationship::NonContractual(silence));
    let mut silences = GroupCount::default();
    let today = day_number(shop.today)?;
    for (_, history) in customers {
        if let Some(spell) = silence.spell(day_numbers(history), today)? {
            table.push(spell);
        }
        let next = day_numbers(history).skip(1).chain([today]);
        for (day, next) in day_numbers(history).zip(next) {
            if next - day >= silence.days() {
                silences.push(next < today);
            }
        }
    }
    writeln!(
        out,
        "Who stays without a contract: {}, as of {}; gone is who was silent for {} days",
        shop.name,
        shop.today,
        silence.days()
    )?;
    let (n, gone) = (number(table.len()), number(table.ended()));
    write!(out, "  {n} customers, {gone} gone once; still there after")?;
    let curve = table.curve(&SurvivalOptions::default().level(level))?;
    for day in [90, 180, 365] {
        if let Some(share) = curve.survival_at(day) {
            write!(out, " {day} days {};", percent(&share))?;
        }
    }
    let median = curve.median().day.map_or("not observed".to_owned(), |day| format!("{day} days"));
    writeln!(out, " half are left after {median}")?;
    let Some(share) = silences.share(level) else { return Ok(()) };
    Ok(writeln!(
        out,
        "  but {} of {} silences of that length ended in a purchase so far: the rule says little of one customer",
        percent(&share),
        number(share.n())
    )?)
}

/// A customer who slows down.
struct Drifting<'a> {
    name: &'a str,
    rhythm: Rhythm,
    history: &'a PurchaseHistory,
    slowing: Slowing,
    p_alive: Share,
    worth: f64,
    at_risk: f64,
}

/// Who drifts away from their own rhythm, and what that puts at risk.
fn drifting(out: &mut dyn Write, shop: &Shop, customers: &Customers<'_>, rule: &RhythmRule) -> Done {
    let (week, today) = (TimeUnit::WEEK, day_number(shop.today)?);
    let summaries: Vec<Option<Summary>> =
        customers.iter().map(|(_, history)| Summary::of(history, shop.today)).collect();
    let known = || summaries.iter().flatten();
    let purchases = MbgNbd::fit(known().map(|summary| summary.buyer(week)))?;
    let spend = GammaGamma::fit(known().map(Summary::spend).filter(|spend| spend.mean() > 0.0))?;
    let (year, discount) =
        (Horizon::of(1.0, TimeUnit::YEAR, week)?, Discount::of(0.1, TimeUnit::YEAR, week)?);
    let value = LifetimeValue::new(purchases.model(), spend.model(), year, discount, Share::ONE);

    let (mut early, mut steady, mut soon, mut soon_at_risk) = (0_u64, 0_u64, 0_u64, 0.0);
    let mut drifting = Vec::new();
    for ((name, history), summary) in customers.iter().zip(&summaries) {
        let (Some(rhythm), Some(summary)) = (Rhythm::from_days(rule, day_numbers(history))?, summary) else {
            continue;
        };
        let (buyer, spend) = (summary.buyer(week), summary.spend());
        let at_risk = value.at_risk(buyer, spend, Horizon::new(0.0)?);
        match rhythm.pace(rule, today)? {
            Pace::TooEarly => early += 1,
            Pace::Steady { alarm_on } => {
                steady += 1;
                if alarm_on <= today + 14 {
                    soon += 1;
                    soon_at_risk += value.at_risk(buyer, spend, Horizon::new(2.0)?);
                }
            }
            Pace::Slowing(slowing) => {
                let p_alive = Share::new(purchases.model().p_alive(buyer))?;
                let worth = value.value(buyer, spend);
                drifting.push(Drifting { name, rhythm, history, slowing, p_alive, worth, at_risk });
            }
        }
    }
    drifting.sort_by(|one, other| other.at_risk.total_cmp(&one.at_risk).then(one.name.cmp(other.name)));
    let money = |minor: f64| Money::rounded(minor, shop.currency).map(|money| money.to_string());
    let risk: f64 = drifting.iter().map(|one| one.at_risk).sum();
    writeln!(
        out,
        "\nWho drifts away: gaps between purchases that became 3 times as long as the customer's own (CUSUM; one false \
         alarm in 100 gaps)"
    )?;
    writeln!(
        out,
        "  {} slow down, {} steady, {} bought once, so that they have no rhythm yet; n = {}",
        number(u64::try_from(drifting.len())?),
        number(steady),
        number(early),
        number(u64::try_from(customers.len())?)
    )?;
    writeln!(
        out,
        "  worth: spend expected in the next year at 10 % a year (MBG/NBD, Gamma-Gamma); at risk: worth times 1 - P(alive), \
         {} for those who slow down",
        money(risk)?
    )?;
    let still: f64 = known().map(|summary| purchases.model().p_alive(summary.buyer(week))).sum();
    writeln!(
        out,
        "  the model holds {still:.0} of {} for customers still; it judges by all of them, the alarm by the one alone",
        number(u64::try_from(customers.len())?)
    )?;
    writeln!(
        out,
        "  {} steady ones raise the alarm within 14 days if they stay silent, {} at risk by then: look at them first",
        number(soon),
        money(soon_at_risk)?
    )?;
    writeln!(
        out,
        "  {:<12}{:>6}{:>11}  {:<12}{:<14}{:<12}{:>9}{:>16}{:>16}",
        "customer", "days", "mean gap", "last seen", "slower since", "alarm", "P(alive)", "worth", "at risk"
    )?;
    for one in drifting.iter().take(LISTED) {
        let last = one.history.days().last().map(|day| date(day.day).to_string()).unwrap_or_default();
        let gap = one.rhythm.mean_gap().map_or(String::new(), |gap| format!("{gap:.1} days"));
        writeln!(
            out,
            "  {:<12}{:>6}{gap:>11}  {last:<12}{:<14}{:<12}{:>9}{:>16}{:>16}",
            one.name,
            one.rhythm.gaps() + 1,
            date(one.slowing.onset).to_string(),
            date(one.slowing.noticed).to_string(),
            one.p_alive.to_string(),
            money(one.worth)?,
            money(one.at_risk)?
        )?;
    }
    Ok(())
}

/// Whether alarms of some time ago told who would not come.
fn checked(
    out: &mut dyn Write,
    shop: &Shop,
    customers: &Customers<'_>,
    rule: &RhythmRule,
    level: Share,
) -> Done {
    let then = shop.today.checked_sub_days(Days::new(CHECKED)).ok_or("no such day")?;
    let cut = day_number(then)?;
    let (mut slow, mut steady) = (GroupCount::default(), GroupCount::default());
    for (_, history) in customers {
        let before = day_numbers(history).take_while(|&day| day < cut);
        let Some(rhythm) = Rhythm::from_days(rule, before)? else { continue };
        let came = day_numbers(history).any(|day| day >= cut);
        match rhythm.pace(rule, cut)? {
            Pace::TooEarly => {}
            Pace::Steady { .. } => steady.push(came),
            Pace::Slowing(_) => slow.push(came),
        }
    }
    writeln!(
        out,
        "\nWas the alarm right? Who bought in the {CHECKED} days from {then} on, by what was said on that day"
    )?;
    for (name, group) in [("slowing down", slow), ("steady", steady)] {
        if let Some(share) = group.share(level) {
            writeln!(out, "  {name:<14}{} of {}", percent(&share), number(share.n()))?;
        }
    }
    if slow.customers() == 0 || steady.customers() == 0 {
        return Ok(());
    }
    let effect = steady.against(&slow, level)?;
    let difference = effect.difference();
    Ok(writeln!(
        out,
        "  steady ones came more often by {:.1} points [{:.1}, {:.1}] (Newcombe), {}",
        difference.value() * 100.0,
        difference.lower() * 100.0,
        difference.upper() * 100.0,
        p_value(effect.p_value())
    )?)
}

/// Who has left in truth, which is known of simulated customers.
fn in_truth(
    out: &mut dyn Write,
    shop: &Shop,
    customers: &Customers<'_>,
    rule: &RhythmRule,
    simulated: &[SimulatedBuyer],
) -> Done {
    let (mut slow, mut steady) = (GroupCount::default(), GroupCount::default());
    for ((_, history), buyer) in customers.iter().zip(simulated) {
        let Some(rhythm) = Rhythm::from_days(rule, day_numbers(history))? else { continue };
        match rhythm.pace(rule, day_number(shop.today)?)? {
            Pace::TooEarly => {}
            Pace::Steady { .. } => steady.push(!buyer.truth().alive),
            Pace::Slowing(_) => slow.push(!buyer.truth().alive),
        }
    }
    if simulated.is_empty() {
        return Ok(());
    }
    let text = |count: GroupCount| format!("{} of {}", number(count.successes()), number(count.customers()));
    let (slow, steady) = (text(slow), text(steady));
    Ok(writeln!(
        out,
        "  the simulation knows: {slow} who slow down have left for ever, and {steady} steady ones"
    )?)
}

/// How engaged customers are, beside some time ago.
fn engaged(out: &mut dyn Write, shop: &Shop, customers: &Customers<'_>) -> Done {
    let at = |day: i32| date(day).and_time(NaiveTime::MIN).and_utc();
    let now: DateTime<Utc> = shop.today.and_time(NaiveTime::MIN).and_utc();
    let then = now - TimeDelta::days(HALF_LIFE);
    let (mut scores, mut rose, mut fell) = (Vec::new(), 0_u64, 0_u64);
    for (_, history) in customers {
        let mut before = EngagementScore::new(TimeDelta::days(HALF_LIFE))?;
        let mut score = before.clone();
        for day in day_numbers(history) {
            let touch = Touch::new(at(day), 1.0)?;
            score.push(touch);
            if touch.at() <= then {
                before.push(touch);
            }
        }
        let (was, is) = (before.at(then)?, score.at(now)?);
        if was > 0.0 {
            rose += u64::from(is > was);
            fell += u64::from(is < was);
        }
        scores.push(is);
    }
    scores.sort_by(f64::total_cmp);
    let quantile = |part: usize| scores.get(scores.len() * part / 4).copied().unwrap_or_default();
    Ok(writeln!(
        out,
        "\nHow engaged: a point for each day with a purchase, worth half after {HALF_LIFE} days (n = {})\n  quartiles {:.2}, \
         {:.2}, {:.2}, largest {:.2}; against {HALF_LIFE} days ago {} rose and {} fell of {} who were customers then",
        number(u64::try_from(scores.len())?),
        quantile(1),
        quantile(2),
        quantile(3),
        scores.last().copied().unwrap_or_default(),
        number(rose),
        number(fell),
        number(rose + fell)
    )?)
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    run(std::env::args().skip(1), &mut std::io::stdout().lock())
}
