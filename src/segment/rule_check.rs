//! Finds what is wrong with a rule before anybody is judged by it.

#[cfg(test)]
mod tests;

use super::facts::{check, stage_number};
use super::{EventTest, Rule, RuleComparison, RuleError, RuleSpan, RuleValue};
use crate::tag::Tag;
use std::collections::BTreeSet;
use std::fmt::Write;

/// How deep rules may be nested, through the segments they name too.
pub(super) const MOST_LEVELS: usize = 32;
/// How many conditions a rule may have.
pub(super) const MOST_CONDITIONS: usize = 128;
/// How many conditions a rule may have with those of the segments it names.
pub(super) const MOST_IN_ALL: usize = 1024;

const STAGES: u8 = 0b111_1111;

/// A place in a rule, as text that grows and shrinks with the walk.
pub(super) struct Place(String);

impl Place {
    pub(super) const fn root() -> Self {
        Self(String::new())
    }

    pub(super) fn shown(&self) -> String {
        let shown = self.0.trim_start_matches('.');
        if shown.is_empty() { "rule".to_owned() } else { shown.to_owned() }
    }

    /// Does something with the place of a part.
    pub(super) fn within<T>(
        &mut self,
        kind: &str,
        index: Option<usize>,
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let length = self.0.len();
        self.0.push('.');
        self.0.push_str(kind);
        if let Some(index) = index {
            // Writing to a text cannot fail.
            let _ = write!(self.0, "[{index}]");
        }
        let done = work(self);
        self.0.truncate(length);
        done
    }
}

/// Checks the shape of a rule and of every condition; returns how many conditions it has.
pub(super) fn shape(segment: Tag, rule: &Rule, level: usize, place: &mut Place) -> Result<usize, RuleError> {
    if level > MOST_LEVELS {
        return Err(RuleError::TooDeep { segment, place: place.shown(), most: MOST_LEVELS });
    }
    let refuse = |place: &Place, rule| Err(RuleError::Condition { segment, place: place.shown(), rule });
    let parts = |parts: &[Rule], kind, place: &mut Place| {
        if parts.is_empty() {
            return Err(RuleError::Empty { segment, place: place.shown() });
        }
        let mut found = 0_usize;
        for (index, part) in parts.iter().enumerate() {
            found += place.within(kind, Some(index), |place| shape(segment, part, level + 1, place))?;
        }
        Ok(found)
    };
    match rule {
        Rule::All(all) => return parts(all, "all", place),
        Rule::Any(any) => return parts(any, "any", place),
        Rule::Not(part) => return place.within("not", None, |place| shape(segment, part, level + 1, place)),
        Rule::Field { is, value, .. }
        | Rule::Last { is, value, .. }
        | Rule::Held { is, value, .. }
        | Rule::Count { having: Some(EventTest { is, value }), .. } => {
            if let Some(rule) = unfit(*is, *value) {
                return refuse(place, rule);
            }
        }
        Rule::Age { is, .. } if !is.orders() => {
            return refuse(place, "an age must be compared by less_than, at_most, more_than or at_least");
        }
        Rule::Stage(stages) if stages.is_empty() => {
            return Err(RuleError::Empty { segment, place: place.shown() });
        }
        Rule::Score { from, to, .. } if !(from.is_finite() && to.is_finite() && from <= to) => {
            return refuse(place, "a band of scores must ascend between finite numbers");
        }
        Rule::Bucket { from, to, .. } if !(from < to && *to <= 10_000) => {
            return refuse(place, "a bucket must ascend within 0 to 10,000");
        }
        _ => {}
    }
    Ok(1)
}

fn unfit(is: RuleComparison, value: RuleValue) -> Option<&'static str> {
    match value {
        RuleValue::Flag(_) | RuleValue::Name(_) if is.orders() => {
            Some("only numbers and instants have an order; use is or is_not")
        }
        _ => check("rule_value", value).err().map(|error| error.rule()),
    }
}

/// What a condition is about.
#[derive(Clone, Debug, PartialEq)]
enum Subject<'a> {
    Field(Tag),
    Age(Tag),
    Last(Tag),
    Count(Tag, Option<RuleSpan>, Option<EventTest>),
    Score(Tag),
    Bucket(Tag),
    Stage,
    Rung,
    /// Anything, as yes or no.
    Itself(&'a Rule),
}

/// The values that a condition lets pass.
#[derive(Clone, Debug)]
enum Domain {
    /// Pieces of the line, both ends included or not, of one kind of number.
    Numbers(Kind, Vec<Piece>),
    /// These names, or all but these.
    Names { names: BTreeSet<Tag>, all_but: bool },
    /// A set of stages.
    Stages(u8),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Number,
    Instant,
    Flag,
}

/// Lower end, whether it is left out, upper end, whether it is left out.
type Piece = (f64, bool, f64, bool);

const LINE: Piece = (f64::NEG_INFINITY, true, f64::INFINITY, true);

fn pieces(is: RuleComparison, x: f64) -> Vec<Piece> {
    let (low, _, high, _) = LINE;
    match is {
        RuleComparison::Is => vec![(x, false, x, false)],
        RuleComparison::IsNot => vec![(low, true, x, true), (x, true, high, true)],
        RuleComparison::LessThan => vec![(low, true, x, true)],
        RuleComparison::AtMost => vec![(low, true, x, false)],
        RuleComparison::MoreThan => vec![(x, true, high, true)],
        RuleComparison::AtLeast => vec![(x, false, high, true)],
    }
}

/// The same among whole numbers from 0 on.
fn whole_pieces(is: RuleComparison, x: f64) -> Vec<Piece> {
    let high = f64::INFINITY;
    let pieces = match is {
        RuleComparison::Is => vec![(x, false, x, false)],
        RuleComparison::IsNot => vec![(0.0, false, x - 1.0, false), (x + 1.0, false, high, true)],
        RuleComparison::LessThan => vec![(0.0, false, x - 1.0, false)],
        RuleComparison::AtMost => vec![(0.0, false, x, false)],
        RuleComparison::MoreThan => vec![(x + 1.0, false, high, true)],
        RuleComparison::AtLeast => vec![(x, false, high, true)],
    };
    pieces.into_iter().filter(|&(low, _, high, _)| low <= high).collect()
}

impl Domain {
    fn of(is: RuleComparison, value: RuleValue) -> Self {
        match value {
            RuleValue::Number(x) => Self::Numbers(Kind::Number, pieces(is, x)),
            RuleValue::Instant(at) => Self::Numbers(Kind::Instant, pieces(is, lossy(at.timestamp_micros()))),
            RuleValue::Flag(flag) => Self::flag(flag == (is == RuleComparison::Is)),
            RuleValue::Name(name) => {
                Self::Names { names: BTreeSet::from([name]), all_but: is == RuleComparison::IsNot }
            }
        }
    }

    fn flag(flag: bool) -> Self {
        let x = f64::from(u8::from(flag));
        Self::Numbers(Kind::Flag, vec![(x, false, x, false)])
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Numbers(_, pieces) => pieces.is_empty(),
            Self::Names { names, all_but } => names.is_empty() && !all_but,
            Self::Stages(stages) => *stages == 0,
        }
    }

    fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Numbers(a, ours), Self::Numbers(b, theirs)) if a == b => {
                let both = ours.iter().flat_map(|x| theirs.iter().filter_map(|y| overlap(*x, *y)));
                Self::Numbers(*a, both.collect())
            }
            (Self::Names { names: a, all_but: x }, Self::Names { names: b, all_but: y }) => match (x, y) {
                (false, false) => Self::Names { names: a & b, all_but: false },
                (false, true) => Self::Names { names: a - b, all_but: false },
                (true, false) => Self::Names { names: b - a, all_but: false },
                (true, true) => Self::Names { names: a | b, all_but: true },
            },
            (Self::Stages(a), Self::Stages(b)) => Self::Stages(a & b),
            // A value has one kind.
            _ => Self::Stages(0),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of the years 1 to 9999 lose no order that matters"
)]
fn lossy(micros: i64) -> f64 {
    micros as f64
}

fn overlap(a: Piece, b: Piece) -> Option<Piece> {
    // Of equal ends the one that is left out is the narrower.
    let (low, low_out) = if (a.0, a.1) >= (b.0, b.1) { (a.0, a.1) } else { (b.0, b.1) };
    let (high, high_out) = if (a.2, !a.3) <= (b.2, !b.3) { (a.2, a.3) } else { (b.2, b.3) };
    let some = low < high || (low >= high && high >= low && !low_out && !high_out);
    some.then_some((low, low_out, high, high_out))
}

/// A condition that must hold together with others.
struct Demand<'a> {
    subject: Subject<'a>,
    domain: Domain,
    shown: String,
}

/// Looks for conditions that exclude each other: on every way through the `any`s of a rule, all the conditions on that
/// way.
pub(super) struct Contradictions<'a> {
    segment: Tag,
    demands: Vec<Demand<'a>>,
}

impl<'a> Contradictions<'a> {
    pub(super) const fn new(segment: Tag) -> Self {
        Self { segment, demands: Vec::new() }
    }

    pub(super) fn check(
        &mut self,
        rule: &'a Rule,
        negated: bool,
        place: &mut Place,
    ) -> Result<(), RuleError> {
        let mut choices = Vec::new();
        self.demand(rule, negated, place, &mut choices)?;
        for (choice, negated, at) in choices {
            let (kind, parts) = match choice {
                Rule::Any(parts) => ("any", parts),
                Rule::All(parts) => ("all", parts),
                _ => continue,
            };
            for (index, part) in parts.iter().enumerate() {
                let known = self.demands.len();
                let mut place = Place(at.clone());
                place.within(kind, Some(index), |place| self.check(part, negated, place))?;
                self.demands.truncate(known);
            }
        }
        Ok(())
    }

    /// Collects what must hold at once, and sets aside what is a choice.
    fn demand(
        &mut self,
        rule: &'a Rule,
        negated: bool,
        place: &mut Place,
        choices: &mut Vec<(&'a Rule, bool, String)>,
    ) -> Result<(), RuleError> {
        match (rule, negated) {
            (Rule::Not(part), _) => {
                place.within("not", None, |place| self.demand(part, !negated, place, choices))
            }
            (Rule::All(parts), false) => self.demand_each("all", parts, negated, place, choices),
            (Rule::Any(parts), true) => self.demand_each("any", parts, negated, place, choices),
            (Rule::Any(_) | Rule::All(_), _) => {
                choices.push((rule, negated, place.0.clone()));
                Ok(())
            }
            _ => {
                let shown = if negated { format!("not {}", text(rule)) } else { text(rule) };
                for (subject, domain) in demands(rule, negated) {
                    self.add(Demand { subject, domain, shown: shown.clone() }, place)?;
                }
                Ok(())
            }
        }
    }

    fn demand_each(
        &mut self,
        kind: &str,
        parts: &'a [Rule],
        negated: bool,
        place: &mut Place,
        choices: &mut Vec<(&'a Rule, bool, String)>,
    ) -> Result<(), RuleError> {
        for (index, part) in parts.iter().enumerate() {
            place.within(kind, Some(index), |place| self.demand(part, negated, place, choices))?;
        }
        Ok(())
    }

    fn add(&mut self, new: Demand<'a>, place: &Place) -> Result<(), RuleError> {
        let mut left = new.domain.clone();
        let mut with = &new.shown;
        for known in self.demands.iter().filter(|known| known.subject == new.subject) {
            if left.is_empty() {
                break;
            }
            left = left.and(&known.domain);
            with = &known.shown;
        }
        if left.is_empty() {
            return Err(RuleError::Contradiction {
                segment: self.segment,
                place: place.shown(),
                first: with.clone(),
                second: new.shown,
            });
        }
        self.demands.push(new);
        Ok(())
    }
}

/// What one condition demands, or its negation.
fn demands(rule: &Rule, negated: bool) -> Vec<(Subject<'_>, Domain)> {
    let way = |is: RuleComparison| if negated { is.negated() } else { is };
    match rule {
        Rule::Field { name, is, value } => vec![(Subject::Field(*name), Domain::of(way(*is), *value))],
        Rule::Age { of, is, span } => {
            let numbers = pieces(way(*is), lossy(span.micros()));
            vec![(Subject::Age(*of), Domain::Numbers(Kind::Number, numbers))]
        }
        Rule::Count { event, within, having, is, count } => {
            let numbers = whole_pieces(way(*is), f64::from(*count));
            vec![(Subject::Count(*event, *within, *having), Domain::Numbers(Kind::Number, numbers))]
        }
        Rule::Rung { is, value } => {
            let numbers = whole_pieces(way(*is), f64::from(*value));
            let numbers = numbers.into_iter().filter(|&(low, ..)| low <= 255.0).collect();
            vec![(Subject::Rung, Domain::Numbers(Kind::Number, numbers))]
        }
        Rule::Score { name, from, to } => {
            let (low, _, high, _) = LINE;
            let outside = vec![(low, true, *from, true), (*to, true, high, true)];
            let numbers = if negated { outside } else { vec![(*from, false, *to, false)] };
            vec![(Subject::Score(*name), Domain::Numbers(Kind::Number, numbers))]
        }
        Rule::Bucket { salt, from, to } => {
            let (from, to) = (f64::from(*from), f64::from(*to));
            let inside = vec![(from, false, to, true)];
            let outside = [(0.0, false, from, true), (to, false, 10_000.0, true)];
            let outside = outside.into_iter().filter(|&(low, _, high, _)| low < high).collect();
            vec![(
                Subject::Bucket(*salt),
                Domain::Numbers(Kind::Number, if negated { outside } else { inside }),
            )]
        }
        Rule::Stage(stages) => {
            let set = stages.iter().fold(0, |set, &stage| set | 1 << stage_number(stage));
            vec![(Subject::Stage, Domain::Stages(if negated { !set & STAGES } else { set }))]
        }
        // Not holding may have other causes than the value: no event, or not for long enough.
        Rule::Last { event, is, value } if !negated => vec![
            (Subject::Itself(rule), Domain::flag(true)),
            (Subject::Last(*event), Domain::of(*is, *value)),
        ],
        Rule::Held { name, is, value, .. } if !negated => vec![
            (Subject::Itself(rule), Domain::flag(true)),
            (Subject::Field(*name), Domain::of(*is, *value)),
        ],
        _ => vec![(Subject::Itself(rule), Domain::flag(!negated))],
    }
}

/// A condition as people read it.
pub(super) fn text(rule: &Rule) -> String {
    match rule {
        Rule::All(_) => "all".to_owned(),
        Rule::Any(_) => "any".to_owned(),
        Rule::Not(_) => "not".to_owned(),
        Rule::Field { name, is, value } => format!("{name} {is} {}", shown(*value)),
        Rule::Age { of, is, span } => format!("age of {of} {is} {span}"),
        Rule::Count { event, within, having, is, count } => {
            let having =
                having.map_or(String::new(), |test| format!(" having {} {}", test.is, shown(test.value)));
            let within = within.map_or(String::new(), |span| format!(" within {span}"));
            format!("count of {event}{having}{within} {is} {count}")
        }
        Rule::Last { event, is, value } => format!("last {event} {is} {}", shown(*value)),
        Rule::Held { name, is, value, span } => format!("{name} {is} {} for {span}", shown(*value)),
        Rule::InSegment(segment) => format!("in segment {segment}"),
        Rule::Consent(purpose) => format!("consent to {purpose}"),
        Rule::Stage(stages) => {
            let names: Vec<_> = stages.iter().map(|stage| stage.as_str()).collect();
            format!("stage {}", names.join(" or "))
        }
        Rule::Rung { is, value } => format!("rung {is} {value}"),
        Rule::Score { name, from, to } => format!("score {name} from {from} to {to}"),
        Rule::Bucket { salt, from, to } => format!("bucket {salt} from {from} to {to}"),
    }
}

fn shown(value: RuleValue) -> String {
    match value {
        RuleValue::Flag(flag) => flag.to_string(),
        RuleValue::Number(number) => number.to_string(),
        RuleValue::Name(name) => name.to_string(),
        RuleValue::Instant(at) => at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    }
}
