//! A simulated company of which the truth is known: the same page, and what only interactions and purchases show.

use super::number::number;
use super::options::Asked;
use super::page::Page;
use super::recorded::{attribution, show_contacts};
use super::text::{estimate, level};
use super::worth;
use patronage::interaction::{Interaction, Outcome, Touchpoint};
use patronage::journey::{
    BrandPromise, ConversionPaths, Expectation, JourneyKey, JourneyLog, Judgement, Metric, PlaceFilter,
    PromiseRule, PromiseTally, Target, ThreadBuilder, ThreadRules, ThreadTrait, TouchpointMap,
};
use patronage::lifecycle::LifecycleStage;
use patronage::pain::{Contact, Experience, PainMap, PainPoint, PointOptions, Rules, Trend, Worth};
use patronage::purchase::PurchaseHistory;
use patronage::simulate::{self, Buyer, BuyingTruth, Company, Life, Purchases, SimulatedBuyer, Truth};
use patronage::{Currency, Period, Share, Tag};

use chrono::{DateTime, TimeDelta, Utc};
use std::error::Error;
use std::io::Write;
use std::time::Duration;

const CUSTOMERS: u32 = 6_000;
const SEED: u64 = 3;

type Done = Result<(), Box<dyn Error>>;

/// One customer: what they bought, what they lived through, what they are worth.
struct Lived<'a> {
    buyer: &'a SimulatedBuyer,
    life: Life,
    worth: Option<Worth>,
}

/// Simulates the company and shows the page.
pub(crate) fn review(out: &mut dyn Write, asked: &Asked) -> Done {
    let observed = Period::new("2024-01-01T00:00:00Z".parse()?, "2026-01-01T00:00:00Z".parse()?)?;
    // Customers join during the first eighteen months, so that those of the first half can be held against the others.
    let buying = BuyingTruth::cdnow().with_joining(Share::new(0.75)?);
    let buyers = simulate::buyers(&buying, CUSTOMERS, observed, SEED)?;
    let facts: Vec<Buyer<'_>> = buyers.iter().map(SimulatedBuyer::facts).collect();
    let drawn = simulate::interactions(&facts, &Company::default(), Purchases::Simulated, SEED)?;
    let simulated = drawn.iter().collect::<Result<Vec<Life>, _>>()?;
    let bought = buyers.iter().zip(&simulated).map(|(buyer, life)| {
        PurchaseHistory::from_purchases(Currency::USD, buyer.purchases().iter().take(life.purchases()))
    });
    let bought = bought.collect::<Result<Vec<_>, _>>()?;
    let worths = worth::worths(&bought, observed.end().date_naive())?;
    let lived: Vec<Lived<'_>> = buyers
        .iter()
        .zip(simulated)
        .zip(worths)
        .map(|((buyer, life), worth)| Lived { buyer, life, worth })
        .collect();
    let contacts: Vec<Interaction> = lived.iter().flat_map(|one| one.life.interactions()).cloned().collect();
    writeln!(
        out,
        "A simulated company of {} customers, watched from {} to {} (seed {SEED}); activities are parts of the business",
        number(CUSTOMERS.into()),
        observed.start().date_naive(),
        observed.end().date_naive()
    )?;

    let joined_late: DateTime<Utc> = "2024-10-01T00:00:00Z".parse()?;
    let asked = Asked {
        goals: if asked.goals.is_empty() { vec!["ordering".to_owned()] } else { asked.goals.clone() },
        funnel: if asked.funnel.is_empty() {
            ["marketing", "sales", "ordering", "support"].map(str::to_owned).to_vec()
        } else {
            asked.funnel.clone()
        },
        window: Some(asked.window.unwrap_or(TimeDelta::days(90))),
        split: Some(asked.split.unwrap_or(joined_late)),
        as_of: Some(asked.as_of.unwrap_or(observed.end())),
        before: asked.before.clone(),
        dot: asked.dot.clone(),
        mermaid: asked.mermaid.clone(),
        ..*asked
    };
    let log = JourneyLog::from_interactions(&contacts, JourneyKey::Engagement, asked.activities)?;
    let log = match asked.session_gap {
        Some(gap) => log.sessions(gap)?,
        None => log,
    };
    Page::new(&log, &asked)?.show(out)?;

    touchpoints(out, &lived)?;
    came_again(out, &contacts, observed.end())?;
    leads_to_purchases(out, &lived, observed.end())?;
    pain(out, &lived, drawn.truth(), observed.end(), joined_late)
}

/// Touch points against what customers may expect of them, and promises by channel.
fn touchpoints(out: &mut dyn Write, lived: &[Lived<'_>]) -> Done {
    let mut map = TouchpointMap::default();
    let promise = PromiseRule::WaitAtMost(Duration::from_secs(300));
    let promise = BrandPromise::new(Tag::literal("served_in_5_minutes"), PlaceFilter::default(), promise)?;
    let mut kept = PromiseTally::new(promise);
    for one in lived {
        for contact in one.life.interactions() {
            let stage = one.life.lifecycle().stage_at(contact.at());
            map.push(contact, stage);
            kept.push(contact, stage);
        }
    }
    let at = |touchpoint| PlaceFilter { touchpoint: Some(touchpoint), ..PlaceFilter::default() };
    writeln!(out, "\nTouch points against what is expected (judged from 30 known interactions on)")?;
    writeln!(
        out,
        "  {:<20}{:>13}{:>11}  {:<26}{:>12}{:>12}  known of",
        "touch point", "interactions", "customers", "expected", "lived", "judged"
    )?;
    let expected = [
        (Touchpoint::PhoneCallCentre, Metric::WaitP90, Target::AtMost(600.0), "9 in 10 wait <= 600 s"),
        (Touchpoint::PhoneCallCentre, Metric::Transfers, Target::AtMost(0.2), "transfers <= 0.2"),
        (Touchpoint::PhoneInHouse, Metric::WaitP90, Target::AtMost(600.0), "9 in 10 wait <= 600 s"),
        (Touchpoint::Chat, Metric::WaitMedian, Target::AtMost(120.0), "median wait <= 120 s"),
        (Touchpoint::Email, Metric::WaitMedian, Target::AtMost(28_800.0), "median wait <= 8 h"),
        (
            Touchpoint::SelfService,
            Metric::OutcomeShare(Outcome::Abandoned),
            Target::AtMost(0.05),
            "abandoned <= 5 %",
        ),
        (Touchpoint::Chat, Metric::Satisfaction, Target::AtLeast(0.7), "satisfaction >= 0.7"),
    ];
    for (touchpoint, metric, target, text) in expected {
        let summary = map.summary(&at(touchpoint));
        let (lived, verdict, n) = match Expectation::new(at(touchpoint), metric, target, 30)?.judge(&map) {
            Judgement::TooFew { n } => ("-".to_owned(), "too few", n),
            Judgement::Met { actual, n } => (format!("{actual:.2}"), "met", n),
            Judgement::Missed { actual, n, .. } => (format!("{actual:.2}"), "MISSED", n),
        };
        writeln!(
            out,
            "  {touchpoint:<20}{:>13}{:>11}  {text:<26}{lived:>12}{verdict:>12}  {}",
            number(summary.interactions()),
            number(summary.customers()),
            number(n)
        )?;
    }
    let level = level()?;
    let name = kept.promise().name();
    writeln!(
        out,
        "  promise `{name}`: kept in {} interactions with a known wait ({} unknown)",
        estimate(kept.kept(level)),
        number(kept.unknown())
    )?;
    if let Some(spread) = kept.spread(30, level) {
        let difference = spread.difference;
        writeln!(
            out,
            "  consistency: {} keeps it more often than {} by {:.1} points [{:.1}, {:.1}] ({} channels compared, {} with \
             too few; the interval allows for having picked the two)",
            spread.best,
            spread.worst,
            difference.value() * 100.0,
            difference.lower() * 100.0,
            difference.upper() * 100.0,
            spread.channels,
            spread.too_few
        )?;
    }
    Ok(())
}

fn came_again(out: &mut dyn Write, contacts: &[Interaction], as_of: DateTime<Utc>) -> Done {
    let mut sorted: Vec<&Interaction> = contacts.iter().collect();
    sorted.sort_by_key(|contact| contact.at());
    let mut builder = ThreadBuilder::new(ThreadRules::default());
    for contact in sorted {
        builder.push(contact)?;
    }
    let (report, level) = (builder.contacts(as_of), level()?);
    show_contacts(out, &report, "contacts that customers began", level)?;
    let fcr = estimate(report.first_contact_resolution(level));
    writeln!(out, "  {:<38}{fcr} resolved matters", "resolved at the first contact")?;
    for (name, of) in [
        ("came by another channel", ThreadTrait::ChannelSwitched),
        ("handed on", ThreadTrait::Transferred),
        ("escalated", ThreadTrait::Escalated),
        ("given up at least once", ThreadTrait::Abandoned),
        ("complained", ThreadTrait::Complained),
    ] {
        writeln!(out, "  {name:<38}{} matters", estimate(report.share(of, level)))?;
    }
    Ok(())
}

/// Contacts are touches, purchases conversions.
fn leads_to_purchases(out: &mut dyn Write, lived: &[Lived<'_>], as_of: DateTime<Utc>) -> Done {
    const PURCHASE: &str = "(purchase)";
    let mut rows: Vec<(u32, i64, String)> = Vec::new();
    for (customer, one) in (0..).zip(lived) {
        let contacts = one.life.interactions().iter();
        // The order itself is the conversion, not a touch that leads to it.
        let touches = contacts.filter(|contact| contact.outcome() != Some(Outcome::Sale));
        rows.extend(touches.map(|one| (customer, one.at().timestamp_micros(), one.touchpoint().to_string())));
        let purchases = one.buyer.purchases().iter().take(one.life.purchases());
        rows.extend(purchases.map(|bought| (customer, bought.at().timestamp_micros(), PURCHASE.to_owned())));
    }
    let log = JourneyLog::from_events(rows, 100)?;
    let goal = log.activities().named(PURCHASE)?;
    let paths = ConversionPaths::from_log(&log, &[goal], as_of)?.look_back(TimeDelta::days(30))?;
    attribution(
        out,
        &paths,
        |code| log.activities().name(code).to_owned(),
        "touch points (of the last 30 days)",
    )
}

fn place(point: &PainPoint) -> String {
    let stage = point.stage().map_or("unknown", LifecycleStage::as_str);
    format!("{}, {stage}, {}", point.kind(), point.touchpoint())
}

/// Counts the experiences of some customers, as far as they are known at an instant.
fn pain_map<'a>(
    lived: impl IntoIterator<Item = &'a Lived<'a>>,
    as_of: DateTime<Utc>,
) -> Result<PainMap, Box<dyn Error>> {
    let mut map = PainMap::new(Rules::default(), as_of, Currency::USD);
    for one in lived {
        let contacts: Vec<Contact> = one
            .life
            .interactions()
            .iter()
            .map(|contact| Contact::new(contact, one.life.lifecycle().stage_at(contact.at())))
            .collect();
        let kept = one.buyer.purchases().iter().take(one.life.purchases());
        let day = |at: DateTime<Utc>| i32::try_from(at.timestamp().div_euclid(86_400));
        let days = kept.map(|bought| day(bought.at())).collect::<Result<Vec<i32>, _>>()?;
        let experience = Experience::new(&contacts, &days)?;
        map.push(&one.worth.map_or(experience, |worth| experience.worth(worth)))?;
    }
    Ok(map)
}

fn pain(
    out: &mut dyn Write,
    lived: &[Lived<'_>],
    truth: &Truth,
    as_of: DateTime<Utc>,
    joined_late: DateTime<Utc>,
) -> Done {
    let options = PointOptions::default();
    let report = pain_map(lived, as_of)?.points(&options)?;
    writeln!(
        out,
        "\nWhere it hurts, the costliest first ({} points tested, at most 5 % of those shown are false; compared only \
         among customers who reached the same step, within strata of purchases and tenure)",
        report.tests()
    )?;
    writeln!(
        out,
        "  {:<46}{:>9}{:>9}  {:<34}{:>16}  95 % of the time within",
        "pain point", "met", "of", "came back less often by", "at risk"
    )?;
    for point in report.evident() {
        let (Some(reach), Some(effect)) = (point.reach().found(), point.effect().found()) else { continue };
        let fewer = effect.fewer_came_back();
        let fewer = format!(
            "{:.1} points [{:.1}, {:.1}]",
            fewer.value() * 100.0,
            fewer.lower() * 100.0,
            fewer.upper() * 100.0
        );
        let risk = effect.value_at_risk();
        writeln!(
            out,
            "  {:<46}{:>9}{:>9}  {fewer:<34}{:>16}  {}",
            place(point),
            number(reach.met()),
            number(reach.reached()),
            risk.map_or("unknown".to_owned(), |risk| risk.value().to_string()),
            risk.map_or(String::new(), |risk| format!("{} to {}", risk.lower(), risk.upper())),
        )?;
    }
    writeln!(out, "  planted in the simulation, with the customers who met it:")?;
    for planted in truth.planted() {
        let pain = planted.pain();
        let name = format!("{}, {}, {}", pain.kind, pain.stage, pain.touchpoint);
        let (met, reached) = (number(planted.met().customers), number(planted.reached()));
        writeln!(out, "  {name:<46}{met:>9}{reached:>9}")?;
    }

    // Both groups are looked at nine months and more after the first of them came, and six after the last.
    let late =
        |one: &&Lived<'_>| one.life.interactions().first().is_some_and(|first| first.at() >= joined_late);
    let earlier = pain_map(lived.iter().filter(|one| !late(one)), "2025-04-01T00:00:00Z".parse()?)?;
    let later = pain_map(lived.iter().filter(late), as_of)?;
    let changes = later.changes(&earlier, &options)?;
    let trends: Vec<_> = changes
        .all()
        .iter()
        .flat_map(|change| {
            [("reach", change.reach()), ("effect", change.effect())]
                .map(|(what, found)| (change, what, found))
        })
        .filter_map(|(change, what, found)| Some((change, what, found.found()?)))
        .collect();
    let count = |trend| trends.iter().filter(|one| one.2.trend() == trend).count();
    writeln!(
        out,
        "  customers who came from {} on against those before, each group six months after its last came: {} figures \
         compared, {} worse, {} better, {} without evidence",
        joined_late.date_naive(),
        changes.tests(),
        count(Trend::Worse),
        count(Trend::Better),
        count(Trend::NoEvidence)
    )?;
    for (change, what, figure) in trends.iter().filter(|one| one.2.trend() != Trend::NoEvidence).take(8) {
        let stage = change.stage().map_or("unknown", LifecycleStage::as_str);
        let place = format!("{}, {stage}, {}", change.kind(), change.touchpoint());
        let [before, after] = [figure.before(), figure.after()].map(|share| share.value() * 100.0);
        writeln!(out, "  {place:<46}{what} {}: {before:.1} % then, {after:.1} % now", figure.trend())?;
    }
    Ok(())
}
