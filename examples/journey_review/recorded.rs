//! What a file shows beyond its order: how long activities take, goals, channels, repeat contacts.

use super::number::number;
use super::options::{Asked, Options};
use super::page::{Page, show_funnel};
use super::table::{self, Events};
use super::text::{cut, estimate, level, percent, span, spans};
use patronage::customer::CustomerId;
use patronage::interaction::{Channel, Engagement, Interaction, InteractionId, Touchpoint};
use patronage::journey::{
    Attribution, AttributionModel, ConversionPaths, DurationDetail, Durations, Funnel, FunnelColumns,
    FunnelOrder, FunnelStep, JourneyGraph, JourneyLog, NullPaths, Removal, RepeatRate, ThreadBuilder,
    ThreadRules, ThreadScope, ThreadTrait, Visits,
};
use patronage::{Share, Tag};

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;

type Done = Result<(), Box<dyn Error>>;

/// Reads a file and shows the page.
pub(crate) fn review(out: &mut dyn Write, path: &Path, options: &Options) -> Done {
    let events = table::read(path, &options.mapping, options.strict)?;
    for refused in events.refused.iter().take(20) {
        writeln!(out, "refused: {refused}")?;
    }
    if events.refused.len() > 20 {
        writeln!(out, "refused: {} more", number(events.refused.len() as u64 - 20))?;
    }
    writeln!(
        out,
        "{}: {} rows taken, {} refused, {} left out by --keep, {} older than the row before of their journey (sorted)",
        path.file_name().unwrap_or_default().display(),
        number(events.rows.len() as u64),
        number(events.refused.len() as u64),
        number(events.left_out),
        number(events.backwards),
    )?;
    if events.rows.is_empty() {
        return Err(format!("{}: no row could be taken", path.display()).into());
    }
    let asked = &options.asked;
    let whole = log_of(&events, asked, |one| events.activities.text(one.activity))?;
    let log = match asked.session_gap {
        Some(gap) => whole.sessions(gap)?,
        None => whole.clone(),
    };
    let page = Page::new(&log, asked)?;
    page.show(out)?;
    if options.mapping.end.is_some() {
        lasting(out, &events, asked)?;
    }
    reached(out, &events, options, page.as_of)?;
    if options.mapping.channel.is_some() {
        channels(out, &events, asked, &page)?;
    }
    contacts(out, &events, options.mapping.channel.is_some(), page.as_of)
}

fn log_of<'a>(
    events: &'a Events,
    asked: &Asked,
    name: impl Fn(&table::Event) -> &'a str,
) -> Result<JourneyLog, patronage::journey::JourneyError> {
    JourneyLog::from_events(events.rows.iter().map(|one| (one.case, one.at, name(one))), asked.activities)
}

fn lasting(out: &mut dyn Write, events: &Events, asked: &Asked) -> Done {
    let mut by_activity: BTreeMap<u32, Durations> = BTreeMap::new();
    for one in &events.rows {
        if let Some(lasted) = one.lasted {
            by_activity.entry(one.activity).or_default().push(lasted);
        }
    }
    let mut ranked: Vec<_> = by_activity.into_iter().collect();
    ranked.sort_by(|a, b| b.1.sum_seconds().total_cmp(&a.1.sum_seconds()).then(a.0.cmp(&b.0)));
    writeln!(
        out,
        "\nHow long activities take (events with an end; those that take the most time together first)"
    )?;
    for (activity, durations) in ranked.iter().take(asked.rows) {
        let [median, ninth, mean] = spans(durations);
        let name = cut(events.activities.text(*activity), 44);
        let n = number(durations.count());
        writeln!(out, "  {name:<46}n = {n:<9}median {median:>10}, 9 in 10 {ninth:>10}, mean {mean:>10}")?;
    }
    Ok(())
}

/// Whether an event is one of the goals asked for.
fn is_goal(events: &Events, asked: &Asked, one: &table::Event) -> bool {
    one.reached || asked.goals.iter().any(|goal| goal == events.activities.text(one.activity))
}

fn reached(out: &mut dyn Write, events: &Events, options: &Options, as_of: DateTime<Utc>) -> Done {
    if options.asked.goals.is_empty() && options.mapping.outcome.is_none() {
        return Ok(());
    }
    // A funnel of one step: the share of all customers that come to any goal.
    let columns: (Vec<u32>, (Vec<i64>, Vec<u16>)) = {
        let mut rows: Vec<_> = events.rows.iter().collect();
        rows.sort_by_key(|one| (one.case, one.at));
        rows.iter().map(|one| (one.case, (one.at, u16::from(is_goal(events, &options.asked, one))))).unzip()
    };
    let funnel = Funnel::builder(FunnelOrder::Ordered, [FunnelStep::new(1)]).build()?;
    let report = funnel.count(FunnelColumns::new(&columns.0, &columns.1.0, &columns.1.1)?, as_of)?;
    let share = estimate(report.share_of_previous(0, level()?));
    let mut goals: Vec<String> = options.asked.goals.iter().map(|goal| format!("`{goal}`")).collect();
    goals.extend(options.mapping.outcome.iter().map(|(column, text)| format!("`{column}` = `{text}`")));
    writeln!(out, "\nHow many reach the goal ({}): {share} customers or cases", goals.join(" or "))?;
    Ok(())
}

fn channels(out: &mut dyn Write, events: &Events, asked: &Asked, page: &Page<'_>) -> Done {
    const UNKNOWN: &str = "(unknown)";
    const GOAL: &str = "(goal)";
    let channel = |one: &table::Event| one.channel.map_or(UNKNOWN, |channel| events.channels.text(channel));
    let log = log_of(events, asked, channel)?;
    let graph = JourneyGraph::from_log(&log, DurationDetail::Moments);
    let customers = graph.customers();
    let switching = log.filtered(|journey| {
        journey.activities().iter().any(|code| Some(code) != journey.activities().first())
    });
    writeln!(out, "\nWhere it happens (share of {} customers or cases)", number(customers))?;
    let mut nodes: Vec<_> = graph.nodes().collect();
    nodes.sort_by_key(|(code, node)| (std::cmp::Reverse(node.count()), *code));
    for (code, node) in nodes.iter().take(asked.rows) {
        let (name, met) = (cut(log.activities().name(*code), 44), node.customers());
        writeln!(
            out,
            "  {name:<46}{:>9} events{:>9} customers{:>9}",
            number(node.count()),
            number(met),
            percent(met, customers)
        )?;
    }
    let several = switching.journeys().len() as u64;
    writeln!(out, "  more than one channel: {} of {}", number(several), number(customers))?;

    if let Some(funnel) = page.funnel_of(Visits::Every)? {
        // Events of equal instants keep the order of the file in both logs, so rows correspond.
        let entry: BTreeMap<u32, u16> = log
            .journeys()
            .filter_map(|journey| Some((journey.customer(), *journey.activities().first()?)))
            .collect();
        let by = funnel.count_log_by(
            page.log,
            |journey| entry.get(&journey.customer()).map(|&code| u32::from(code)),
            page.as_of,
        )?;
        let mut groups: Vec<_> = by.groups().iter().collect();
        groups.sort_by_key(|(code, report)| (std::cmp::Reverse(report.entered()), *code));
        for (code, report) in groups.iter().take(2) {
            let name = u16::try_from(*code).map_or("", |code| log.activities().name(code));
            writeln!(out, "  the funnel of those who begin in `{}`", cut(name, 44))?;
            show_funnel(out, report, |code| cut(page.log.activities().name(code), 28))?;
        }
        if let [(_, one), (_, two), ..] = groups[..] {
            let comparison = one.compare(two, level()?)?;
            writeln!(
                out,
                "  the first less the second, of those who entered; p adjusted for {} tests",
                comparison.tests()
            )?;
            for step in comparison.steps() {
                let (difference, p) = (step.difference(), step.adjusted_p_value());
                let [value, lower, upper] =
                    [difference.value(), difference.lower(), difference.upper()].map(|part| part * 100.0);
                writeln!(
                    out,
                    "    step {}: {value:+.1} points [{lower:+.1}, {upper:+.1}], p = {p:.4}",
                    step.step() + 1
                )?;
            }
        }
    }

    // Which channels lead to the goal.
    let touches = |one: &table::Event| if is_goal(events, asked, one) { GOAL } else { channel(one) };
    let paths = log_of(events, asked, touches)?;
    if let Ok(goal) = paths.activities().named(GOAL) {
        let name = |code| paths.activities().name(code).to_owned();
        attribution(out, &ConversionPaths::from_log(&paths, &[goal], page.as_of)?, name, "channels")?;
    }
    Ok(())
}

/// Which touches lead to conversions, by several models side by side.
pub(crate) fn attribution(
    out: &mut dyn Write,
    paths: &ConversionPaths,
    name: impl Fn(u16) -> String,
    what: &str,
) -> Done {
    let markov = AttributionModel::Markov { order: 1, removal: Removal::ToNull, nulls: NullPaths::Counted };
    let models = [
        AttributionModel::First,
        AttributionModel::Last,
        AttributionModel::Linear,
        AttributionModel::Shapley,
        markov,
    ];
    let table = paths.compare_models(&models)?;
    let attributed = table.models().first().map_or(0, Attribution::attributed);
    if attributed == 0 {
        writeln!(
            out,
            "\nWhich {what} lead to the goal: not known, because no conversion has a touch before it"
        )?;
        return Ok(());
    }
    let sure = paths.bootstrap(AttributionModel::Shapley, 200, 7, level()?)?;
    let unattributed = table.models().first().map_or(0, Attribution::unattributed);
    writeln!(
        out,
        "\nWhich {what} lead to the goal: credit for {} conversions by five models, whose credits add up ({} more had no \
         touch before; {} paths without a conversion; Markov: order 1, exact; interval: 95 % of 200 draws)",
        number(attributed),
        number(unattributed),
        number(paths.nulls())
    )?;
    writeln!(
        out,
        "  {:<30}{:>10}{:>10}{:>10}{:>10}{:>10}  Shapley lies within",
        "", "first", "last", "linear", "Shapley", "Markov"
    )?;
    let mut rows = table.rows();
    let credit =
        |channel: u16| sure.credits().iter().find(|one| one.channel == channel).map(|one| one.conversions);
    rows.sort_by(|a, b| b.most.total_cmp(&a.most).then(a.channel.cmp(&b.channel)));
    for row in rows {
        let cells: Vec<String> = row.conversions.iter().map(|credit| format!("{credit:>10.1}")).collect();
        let cells = cells.concat();
        let sure = credit(row.channel)
            .map_or(String::new(), |sure| format!("{:.0} to {:.0}", sure.lower(), sure.upper()));
        writeln!(out, "  {:<30}{cells}  {sure}", cut(&name(row.channel), 28))?;
    }
    Ok(())
}

/// A channel as the library knows it, or as a term of one's own.
fn channel_of(text: &str) -> Channel {
    let plain = text.trim().to_lowercase();
    plain.parse().unwrap_or_else(|_| {
        let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let tag: String = plain.chars().map(allowed).take(31).collect();
        Channel::Other(Tag::new(tag.trim_start_matches('_')).unwrap_or(Tag::literal("unknown")))
    })
}

/// How often customers come again, where every event is taken as one contact.
fn contacts(out: &mut dyn Write, events: &Events, channels_known: bool, as_of: DateTime<Utc>) -> Done {
    let rules = ThreadRules::default().with_scope(ThreadScope::AnyReason);
    let mut rows: Vec<_> = events.rows.iter().enumerate().collect();
    rows.sort_by_key(|(_, one)| (one.case, one.at));
    let mut builder = ThreadBuilder::new(rules);
    let mut ids: BTreeMap<u32, CustomerId> = BTreeMap::new();
    for (row, one) in rows {
        let customer = *ids
            .entry(one.case)
            .or_insert_with(|| CustomerId::derive(&["journey_review", events.cases.text(one.case)]));
        let at = DateTime::from_timestamp_micros(one.at).ok_or("an instant outside the calendar")?;
        let channel = one.channel.map_or(Channel::Web, |channel| channel_of(events.channels.text(channel)));
        let id = InteractionId::derive(&["journey_review", &row.to_string()]);
        let contact = Interaction::builder(id, customer, at)
            .at_place(channel, Touchpoint::SelfService, Engagement::Support)
            .build()?;
        builder.push(&contact)?;
    }
    let report = builder.contacts(as_of);
    show_contacts(out, &report, "every event as one contact", level()?)?;
    let name = "came by another channel";
    if channels_known {
        let unknown = events.rows.iter().filter(|one| one.channel.is_none()).count() as u64;
        let share = estimate(report.share(ThreadTrait::ChannelSwitched, level()?));
        writeln!(
            out,
            "  {name:<38}{share} matters ({} events without a channel count as one)",
            number(unknown)
        )?;
    } else {
        writeln!(out, "  {name:<38}not known, because no --channel says where")?;
    }
    Ok(())
}

/// Repeat contacts, by the rules that go along.
pub(crate) fn show_contacts(
    out: &mut dyn Write,
    report: &patronage::journey::ContactReport,
    what: &str,
    level: Share,
) -> Done {
    let rules = report.rules();
    let scope = match rules.scope() {
        ThreadScope::SameReason => "for the same reason",
        ThreadScope::AnyReason => "whatever the reason",
    };
    writeln!(
        out,
        "\nComing again ({what}; one matter: contacts of a customer {scope}, each at most {} after the one before)",
        span(rules.window().as_seconds_f64())
    )?;
    writeln!(
        out,
        "  {} matters old enough to know with {} contacts; {} are too young and left out; {} interactions have no reason",
        number(report.mature()),
        number(report.contacts()),
        number(report.immature()),
        number(report.without_reason())
    )?;
    for (name, rate) in [
        ("repeats for each contact", report.repeat_rate(RepeatRate::OfContacts)),
        ("repeats for each first contact", report.repeat_rate(RepeatRate::OfFirstContacts)),
    ] {
        let rate = rate.map_or_else(|| "nothing to divide by".to_owned(), |rate| format!("{rate:.3}"));
        writeln!(out, "  {name:<38}{rate}")?;
    }
    writeln!(out, "  {:<38}{} matters", "one contact was enough", estimate(report.single_contact(level)))?;
    Ok(())
}
