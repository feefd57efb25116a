//! What any log shows, section by section. Every section says what it counts and of how many.

use super::number::number;
use super::options::Asked;
use super::text::{cut, estimate, level, percent, span, spans};
use patronage::journey::{
    DurationDetail, Durations, Funnel, FunnelOrder, FunnelReport, FunnelStep, JourneyGraph, JourneyLog,
    LoopRule, Loops, Node, StepTable, Variants, Visits,
};
use patronage::{Share, ValidationError};

use chrono::{DateTime, TimeDelta, Utc};
use std::cmp::Reverse;
use std::error::Error;
use std::io::Write;

type Done = Result<(), Box<dyn Error>>;

/// A log, and what is derived from it once.
pub(crate) struct Page<'a> {
    pub(crate) log: &'a JourneyLog,
    graph: JourneyGraph,
    variants: Variants,
    /// The last event, or the instant the user named.
    pub(crate) as_of: DateTime<Utc>,
    goals: Vec<u16>,
    asked: &'a Asked,
}

/// The first and the last instant.
fn ends_of(log: &JourneyLog) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let first = log.journeys().filter_map(|journey| journey.times().first().copied()).min()?;
    let last = log.journeys().filter_map(|journey| journey.times().last().copied()).max()?;
    Some((DateTime::from_timestamp_micros(first)?, DateTime::from_timestamp_micros(last)?))
}

fn shown(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

impl<'a> Page<'a> {
    pub(crate) fn new(log: &'a JourneyLog, asked: &'a Asked) -> Result<Self, Box<dyn Error>> {
        let (_, last) = ends_of(log).ok_or("there are no events to look at")?;
        let graph = JourneyGraph::from_log(log, DurationDetail::default());
        let goals = asked.goals.iter().map(|goal| log.activities().named(goal));
        let goals = goals.collect::<Result<_, _>>()?;
        let as_of = asked.as_of.unwrap_or(last);
        Ok(Self { log, graph, variants: Variants::from_log(log), as_of, goals, asked })
    }

    fn name(&self, code: u16, width: usize) -> String {
        cut(self.log.activities().name(code), width)
    }

    /// Everything, in the order in which one would ask.
    pub(crate) fn show(&self, out: &mut dyn Write) -> Done {
        self.size(out)?;
        self.how_long(out)?;
        self.beginnings_and_ends(out)?;
        self.transitions(out)?;
        self.ways(out)?;
        self.rework(out)?;
        self.dead_ends(out)?;
        self.steps_before(out)?;
        self.funnel(out)?;
        self.pictures(out)
    }

    fn size(&self, out: &mut dyn Write) -> Done {
        let graph = &self.graph;
        let (first, last) = ends_of(self.log).ok_or("there are no events to look at")?;
        let journeys = number(graph.journeys());
        writeln!(
            out,
            "{} events, {} customers or cases, {journeys} journeys, {} activities, from {} to {} UTC",
            number(graph.events()),
            number(graph.customers()),
            self.log.activities().iter().count(),
            shown(first),
            shown(last),
        )?;
        match self.asked.session_gap {
            None => writeln!(out, "a journey: all events of one customer or case, in the order of time")?,
            Some(gap) => writeln!(
                out,
                "a journey: events of one customer or case with pauses of at most {}",
                span(gap.as_seconds_f64())
            )?,
        }
        writeln!(
            out,
            "{} pairs of neighbouring events share their instant; their order is that of the input",
            number(graph.ties())
        )?;
        if let Some(other) = self.log.activities().other_code() {
            let events: u64 = graph.nodes().filter(|(code, _)| *code == other).map(|(_, n)| n.count()).sum();
            let (kept, events) = (self.log.activities().len() - 1, number(events));
            writeln!(
                out,
                "the {kept} most frequent activities are told apart; {events} events of rarer ones are `(other)`"
            )?;
        }
        Ok(())
    }

    fn how_long(&self, out: &mut dyn Write) -> Done {
        let mut lengths = Durations::default();
        for journey in self.log.journeys() {
            if let (Some(first), Some(last)) = (journey.times().first(), journey.times().last()) {
                lengths.push(last.abs_diff(*first));
            }
        }
        let [median, ninth, mean] = spans(&lengths);
        let n = number(lengths.count());
        writeln!(
            out,
            "from the first event to the last: median {median}, 9 in 10 {ninth}, mean {mean} (n = {n} journeys)"
        )?;
        Ok(())
    }

    fn beginnings_and_ends(&self, out: &mut dyn Write) -> Done {
        let journeys = self.graph.journeys();
        writeln!(out, "\nWhere journeys begin and end (share of {} journeys)", number(journeys))?;
        for (what, count) in [("begin", Node::starts as fn(&Node) -> u64), ("end", Node::ends)] {
            let mut ranked: Vec<_> = self.graph.nodes().filter(|(_, node)| count(node) > 0).collect();
            ranked.sort_by_key(|(code, node)| (Reverse(count(node)), *code));
            for (code, node) in ranked.iter().take(5) {
                let (name, part) = (self.name(*code, 44), count(node));
                writeln!(out, "  {what:<6}{name:<46}{:>9}{:>9}", number(part), percent(part, journeys))?;
            }
            if ranked.len() > 5 {
                writeln!(out, "  {what:<6}at {} more", ranked.len() - 5)?;
            }
        }
        Ok(())
    }

    fn transitions(&self, out: &mut dyn Write) -> Done {
        let (graph, rows) = (&self.graph, self.asked.rows);
        let all = graph.transitions();
        writeln!(
            out,
            "\nWhat follows what: the most frequent of {} different steps (share of {} steps; time from the one event to \
             the next)",
            graph.edges().len(),
            number(all)
        )?;
        writeln!(
            out,
            "  {:<30}{:<30}{:>9}{:>9}{:>10}{:>11}{:>11}{:>11}",
            "from", "to", "times", "share", "customers", "median", "9 in 10", "mean"
        )?;
        let mut edges: Vec<_> = graph.edges().iter().collect();
        edges.sort_by_key(|edge| (Reverse(edge.count()), edge.from(), edge.to()));
        for edge in edges.iter().take(rows) {
            let [median, ninth, mean] = spans(edge.dwell());
            writeln!(
                out,
                "  {:<30}{:<30}{:>9}{:>9}{:>10}{median:>11}{ninth:>11}{mean:>11}",
                self.name(edge.from(), 28),
                self.name(edge.to(), 28),
                number(edge.count()),
                percent(edge.count(), all),
                number(edge.customers()),
            )?;
        }
        let more = edges.get(rows..).unwrap_or_default();
        if !more.is_empty() {
            let times: u64 = more.iter().map(|edge| edge.count()).sum();
            writeln!(out, "  {} more, {} times together", number(more.len() as u64), number(times))?;
        }
        Ok(())
    }

    fn ways(&self, out: &mut dyn Write) -> Done {
        let (variants, rows) = (&self.variants, self.asked.rows);
        let most = Share::new(0.8)?;
        writeln!(
            out,
            "\nThe ways journeys go: {} different ones, of which {} make 80 % of {} journeys",
            number(variants.len() as u64),
            number(variants.needed_for(most) as u64),
            number(variants.journeys())
        )?;
        for variant in variants.iter().take(rows.min(8)) {
            let steps: Vec<String> =
                variant.activities().iter().take(12).map(|&code| self.name(code, 24)).collect();
            let more = variant.activities().len() - steps.len();
            let rest = if more > 0 { format!(" > and {more} more") } else { String::new() };
            let share = percent(variant.journeys(), variants.journeys());
            writeln!(out, "  {:>9}{share:>9}  {}{rest}", number(variant.journeys()), steps.join(" > "))?;
        }
        Ok(())
    }

    fn rework(&self, out: &mut dyn Write) -> Done {
        let graph = &self.graph;
        writeln!(
            out,
            "\nWhat had to be done again (share of the journeys that meet it, where it comes twice or more)"
        )?;
        let mut again: Vec<_> = graph.nodes().filter(|(_, node)| node.reworked() > 0).collect();
        again.sort_by_key(|(code, node)| (Reverse(node.reworked()), *code));
        if again.is_empty() {
            writeln!(out, "  nothing")?;
        }
        for (code, node) in again.iter().take(self.asked.rows.min(8)) {
            writeln!(
                out,
                "  {:<46}{:>9} journeys{:>9} of {:<9} at once {}, after something else {}",
                self.name(*code, 44),
                number(node.reworked()),
                percent(node.reworked(), node.journeys()),
                number(node.journeys()),
                number(node.self_loops()),
                number(node.returns()),
            )?;
        }
        let rule = LoopRule::new(4, 3)?;
        let loops = Loops::from_log(self.log, rule);
        let share = estimate(loops.share(level()?));
        writeln!(
            out,
            "  going round in circles (the same 1 to 4 steps three times in a row): {share} journeys"
        )?;
        for one in loops.ranked().iter().take(5) {
            let round: Vec<String> = one.activities().iter().map(|&code| self.name(code, 28)).collect();
            let (journeys, most) = (number(one.journeys()), one.most_rounds());
            writeln!(out, "    {journeys:>7} journeys, up to {most} rounds: {}", round.join(" > "))?;
        }
        Ok(())
    }

    fn dead_ends(&self, out: &mut dyn Write) -> Done {
        if self.goals.is_empty() {
            writeln!(
                out,
                "\nWhere journeys stop short: not known, because no --goal says where they may end"
            )?;
            return Ok(());
        }
        // A journey that had an event not long ago may still go on.
        let window = self.asked.window.unwrap_or(TimeDelta::days(7));
        let closed = (self.as_of - window).timestamp_micros();
        let over = self.log.filtered(|journey| journey.times().last().is_some_and(|&last| last <= closed));
        let graph = JourneyGraph::from_log(&over, DurationDetail::Moments);
        writeln!(
            out,
            "\nWhere journeys stop short of a goal ({} journeys without an event for {} are over; share of visits that \
             were the last; at least 30 visits)",
            number(graph.journeys()),
            span(window.as_seconds_f64())
        )?;
        let found = graph.dead_ends(&self.goals, Share::new(0.05)?, 30, level()?);
        let ends = found.ends();
        if ends.is_empty() {
            writeln!(out, "  nowhere more often than at one of twenty visits")?;
        }
        for end in ends.iter().take(self.asked.rows.min(8)) {
            let (name, share) = (self.name(end.activity, 44), estimate(Some(end.share)));
            writeln!(out, "  {name:<46}{:>9} ends, {share} visits", number(end.ends))?;
        }
        Ok(())
    }

    fn steps_before(&self, out: &mut dyn Write) -> Done {
        let most_ends = self.graph.nodes().max_by_key(|(code, node)| (node.ends(), Reverse(*code)));
        let event = match (&self.asked.before, self.goals.first(), most_ends) {
            (Some(name), _, _) => self.log.activities().named(name)?,
            (None, Some(&goal), _) => goal,
            (None, None, Some((code, _))) => code,
            (None, None, None) => return Ok(()),
        };
        let table = StepTable::before(self.log, event, 3, Visits::First)?;
        let visits = table.visits();
        writeln!(
            out,
            "\nWhat happened before `{}` (the first in each of {} journeys that meet it)",
            self.name(event, 44),
            number(visits)
        )?;
        for step in 0..table.depth() {
            let mut counts: Vec<(u64, u16)> =
                self.log.activities().iter().map(|(code, _)| (table.count(step, code), code)).collect();
            counts.sort_by_key(|&(count, code)| (Reverse(count), code));
            let told: Vec<String> = counts
                .iter()
                .filter(|(count, _)| *count > 0)
                .take(4)
                .map(|&(count, code)| format!("{} {}", self.name(code, 28), percent(count, visits)))
                .collect();
            let none = percent(table.without(step), visits);
            writeln!(out, "  {} before: {}; nothing {none}", step + 1, told.join(", "))?;
        }
        Ok(())
    }

    /// The steps asked for, or those of the most frequent way; `None` where that is only one step.
    pub(crate) fn funnel_of(&self, entries: Visits) -> Result<Option<Funnel>, Box<dyn Error>> {
        let names = self.log.activities();
        let mut steps: Vec<u16> = Vec::new();
        if self.asked.funnel.is_empty() {
            for &code in self.variants.iter().next().map_or(&[][..], |most| most.activities()) {
                if !steps.contains(&code) && steps.len() < 8 {
                    steps.push(code);
                }
            }
        } else {
            for name in &self.asked.funnel {
                steps.push(names.named(name)?);
            }
        }
        if steps.len() < 2 {
            return Ok(None);
        }
        let steps = steps.into_iter().map(FunnelStep::new);
        let builder = Funnel::builder(FunnelOrder::Ordered, steps).entries(entries);
        let builder = match self.asked.window {
            Some(window) => builder.within(window),
            None => builder,
        };
        Ok(Some(builder.build()?))
    }

    fn funnel(&self, out: &mut dyn Write) -> Done {
        let Some(funnel) = self.funnel_of(Visits::Every)? else {
            writeln!(out, "\nHow far they come: name the steps with --funnel")?;
            return Ok(());
        };
        let report = funnel.count_log(self.log, self.as_of)?;
        let window = funnel.window().map_or("without a bound of time".to_owned(), |window| {
            format!("all within {}", span(window.as_seconds_f64()))
        });
        let which = if self.asked.funnel.is_empty() { ", the steps of the most frequent way" } else { "" };
        writeln!(
            out,
            "\nHow far they come: one step after the other, other events in between allowed, {window}{which} ({} \
             journeys; intervals of 95 %; equal instants in the order of the input)",
            number(report.customers())
        )?;
        show_funnel(out, &report, |code| self.name(code, 28))?;
        if let Some(split) = self.asked.split {
            self.compare(out, split)?;
        }
        Ok(())
    }

    /// Journeys begun before an instant against those begun later. Only first entries count, so that the earlier group has
    /// not had more of them; those whose time is not over are left out.
    fn compare(&self, out: &mut dyn Write, split: DateTime<Utc>) -> Done {
        let Some(funnel) = self.funnel_of(Visits::First)? else { return Ok(()) };
        let begun = |later: bool| {
            let at = split.timestamp_micros();
            let belongs = |first: i64| (first >= at) == later;
            let part = self.log.filtered(|journey| journey.times().first().is_some_and(|&at| belongs(at)));
            funnel.count_log(&part, self.as_of)
        };
        let (before, after) = (begun(false)?, begun(true)?);
        let comparison = after.compare(&before, level()?)?;
        writeln!(
            out,
            "  begun from {} on ({} entered) against before ({} entered), of those who entered for the first time and whose \
             time is over; p adjusted for {} tests",
            shown(split),
            number(after.entered() - after.immature()),
            number(before.entered() - before.immature()),
            comparison.tests()
        )?;
        for step in comparison.steps() {
            let difference = step.difference();
            let [value, lower, upper] =
                [difference.value(), difference.lower(), difference.upper()].map(|part| part * 100.0);
            let name = funnel.steps().get(step.step()).and_then(|step| step.activities().first());
            let name = name.map_or(String::new(), |&code| self.name(code, 28));
            let p = step.adjusted_p_value();
            writeln!(out, "  {name:<30}{value:>+7.1} points [{lower:+.1}, {upper:+.1}], p = {p:.4}")?;
        }
        Ok(())
    }

    fn pictures(&self, out: &mut dyn Write) -> Done {
        let main = self.graph.main_paths(Share::new(0.8)?);
        for (path, text) in [
            (&self.asked.dot, JourneyGraph::to_dot as fn(&JourneyGraph) -> String),
            (&self.asked.mermaid, JourneyGraph::to_mermaid),
        ] {
            if let Some(path) = path {
                std::fs::write(path, text(&main))?;
                let steps = main.edges().len();
                writeln!(out, "\nwrote {}: the {steps} steps that make 80 % of all", path.display())?;
            }
        }
        Ok(())
    }
}

/// A funnel, step by step.
pub(crate) fn show_funnel(
    out: &mut dyn Write,
    report: &FunnelReport,
    name: impl Fn(u16) -> String,
) -> Result<(), Box<dyn Error>> {
    let level: Result<Share, ValidationError> = level();
    let level = level?;
    writeln!(
        out,
        "  {:<30}{:>9}  {:<32}{:<32}{:>6}{:>11}  left for",
        "step", "reached", "of those who entered", "of the step before", "open", "median"
    )?;
    for (place, (step, definition)) in report.steps().iter().zip(report.funnel().steps()).enumerate() {
        let of_entered =
            if place == 0 { String::new() } else { estimate(report.share_of_entered(place, level)) };
        let took = step.time_to_reach().map(|time| span(time.median().as_seconds_f64()));
        let left = step.left_to();
        let left = left.first().map(|&(next, count)| {
            let next = next.map_or_else(|| "nothing".to_owned(), &name);
            format!("{next} {}", number(count))
        });
        writeln!(
            out,
            "  {:<30}{:>9}  {of_entered:<32}{:<32}{:>6}{:>11}  {}",
            definition.activities().first().map_or_else(String::new, |&code| name(code)),
            number(step.reached()),
            estimate(report.share_of_previous(place, level)),
            number(step.open()),
            took.unwrap_or_default(),
            left.unwrap_or_default(),
        )?;
    }
    if report.immature() > 0 {
        writeln!(
            out,
            "  {} of those who entered have not had their whole time yet ({} have gone all the way already): shares and \
             medians rest on the others",
            number(report.immature()),
            number(report.immature_converted())
        )?;
    }
    Ok(())
}
