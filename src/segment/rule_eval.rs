//! Judges one customer by compiled rules.

use super::facts::{Event, Fact, Known, NEVER};
use super::segment_rules::{Leaf, Node, Program};
use super::verdict::Outcome;
use super::{Crossing, Facts, RuleComparison, SegmentKey, Truth, Verdict};
use crate::numeric::hashed_draw::ten_thousandth;
use crate::period::Period;
use chrono::{DateTime, Utc};

impl Facts<'_> {
    /// Says whether the customer is in a segment at an instant, until when that is sure, and on which conditions it rests
    /// ([`SegmentRules::why`](super::SegmentRules::why) spells them out). Unknown for a segment of other rules.
    ///
    /// # Cost
    /// One pass over the rule, no allocation; counting looks events up by binary search.
    pub fn eval(&self, segment: SegmentKey, now: DateTime<Utc>) -> Verdict {
        self.at(segment, now.timestamp_micros())
    }

    fn at(&self, segment: SegmentKey, now: i64) -> Verdict {
        let Outcome { value, until, resting, holding } = self.judge(segment.0, now);
        Verdict { segment, value, until, resting, holding }
    }

    /// Finds every instant of a period at which the customer enters or leaves a segment by the passing of time, as far as
    /// the facts tell: nothing else becomes known meanwhile.
    ///
    /// # Cost
    /// One evaluation for each instant at which something may change.
    ///
    /// # Example
    /// ```
    /// use patronage::customer::CustomerId;
    /// use patronage::segment::{Crossing, RuleValue, SegmentRules};
    /// use patronage::{Period, Tag};
    ///
    /// let rules: SegmentRules = serde_json::from_str(
    ///     r#"[{"segment":"young","rule":{"age":{"of":"joined","is":"less_than","span":"30d"}}}]"#,
    /// )?;
    /// let mut facts = rules.facts(CustomerId::derive(&["ann"]));
    /// facts.field(Tag::literal("joined"), RuleValue::Instant("2026-01-01T00:00:00Z".parse()?))?;
    /// let year = Period::new("2026-01-01T00:00:00Z".parse()?, "2027-01-01T00:00:00Z".parse()?)?;
    /// let young = rules.key(Tag::literal("young")).ok_or("no such segment")?;
    /// assert_eq!(facts.crossings(young, year), [("2026-01-31T00:00:00Z".parse()?, Crossing::Left)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn crossings(&self, segment: SegmentKey, period: Period) -> Vec<(DateTime<Utc>, Crossing)> {
        let mut found = Vec::new();
        let mut before = self.eval(segment, period.start());
        while let Some(at) = before.valid_until().filter(|&at| at < period.end()) {
            let after = self.eval(segment, at);
            found.extend(after.crossing_since(&before).map(|crossing| (at, crossing)));
            before = after;
        }
        found
    }

    fn judge(&self, program: usize, now: i64) -> Outcome {
        match self.rules.programs.get(program) {
            Some(program) => self.node(program, &mut 0, now),
            None => Outcome::UNKNOWN,
        }
    }

    fn node(&self, program: &Program, at: &mut usize, now: i64) -> Outcome {
        let Some(node) = program.nodes.get(*at) else { return Outcome::UNKNOWN };
        *at += 1;
        match node {
            Node::All { end } => {
                let mut all = Outcome::TRUE;
                while *at < *end && !all.is_settled(Truth::False) {
                    all = all.and(self.node(program, at, now));
                }
                *at = *end;
                all
            }
            Node::Any { end } => {
                let mut any = Outcome::FALSE;
                while *at < *end && !any.is_settled(Truth::True) {
                    any = any.or(self.node(program, at, now));
                }
                *at = *end;
                any
            }
            Node::Not => self.node(program, at, now).not(),
            Node::Leaf { bit, leaf } => {
                let (value, until) = self.leaf(leaf, now);
                let resting = 1_u128 << bit;
                Outcome { value, until, resting, holding: if value == Truth::True { resting } else { 0 } }
            }
        }
    }

    #[inline]
    fn leaf(&self, leaf: &Leaf, now: i64) -> (Truth, i64) {
        match leaf {
            Leaf::Field { slot, is, value } => match self.known(*slot, now) {
                Some((known, &Known { until, .. })) => (compare(known, *is, value), until),
                None => (Truth::Unknown, NEVER),
            },
            Leaf::Age { slot, is, span } => match self.known(*slot, now) {
                Some((Fact::Instant(since), &Known { until, .. })) => {
                    let (truth, flips) = aged(*since, *is, *span, now);
                    (truth, flips.min(until))
                }
                _ => (Truth::Unknown, NEVER),
            },
            Leaf::Held { slot, is, value, span } => match self.known(*slot, now) {
                Some((known, &Known { until, since, .. })) => match (compare(known, *is, value), since) {
                    (Truth::True, Some(since)) => {
                        let (truth, flips) = aged(since, RuleComparison::AtLeast, *span, now);
                        (truth, flips.min(until))
                    }
                    (Truth::True, None) => (Truth::Unknown, until),
                    (other, _) => (other, until),
                },
                None => (Truth::Unknown, NEVER),
            },
            Leaf::Stage { slot, stages } => match self.known(*slot, now) {
                Some((Fact::Number(stage), &Known { until, .. })) => {
                    let is_one = (0..8_u8).any(|bit| {
                        *stages >> bit & 1 == 1 && f64::from(bit) >= *stage && f64::from(bit) <= *stage
                    });
                    (Truth::of(is_one), until)
                }
                _ => (Truth::Unknown, NEVER),
            },
            Leaf::Band { slot, from, to } => match self.known(*slot, now) {
                Some((Fact::Number(score), &Known { until, .. })) => {
                    (Truth::of(from <= score && score <= to), until)
                }
                _ => (Truth::Unknown, NEVER),
            },
            Leaf::Count { events, within, having, is, count } => match self.of_kind(*events) {
                Some(events) => counted(events, *within, having.as_ref(), *is, *count, now),
                None => (Truth::Unknown, NEVER),
            },
            Leaf::Last { events, is, value } => match self.of_kind(*events) {
                Some(events) => last(events, *is, value, now),
                None => (Truth::Unknown, NEVER),
            },
            Leaf::Segment { program } => {
                let outcome = self.judge(*program, now);
                (outcome.value, outcome.until)
            }
            Leaf::Bucket { seed, from, to } => {
                let draw = ten_thousandth(*seed, self.customer.as_uuid().as_bytes());
                (Truth::of(*from <= draw && draw < *to), NEVER)
            }
        }
    }

    /// What is known in a slot, unless that has run out.
    #[inline]
    fn known(&self, slot: usize, now: i64) -> Option<(&Fact, &Known)> {
        let known = self.known.get(slot).filter(|known| now < known.until)?;
        Some((known.value.as_ref()?, known))
    }

    #[inline]
    fn of_kind(&self, events: usize) -> Option<&[Event]> {
        self.events.get(events)?.as_deref()
    }
}

/// Values of two kinds do not compare: that is unknown.
#[inline]
fn compare(known: &Fact, is: RuleComparison, value: &Fact) -> Truth {
    match (known, value) {
        (Fact::Number(a), Fact::Number(b)) => Truth::of(is.holds(a, b)),
        (Fact::Flag(a), Fact::Flag(b)) => Truth::of(is.holds(a, b)),
        (Fact::Name(a), Fact::Name(b)) => Truth::of(is.holds(a, b)),
        (Fact::Instant(a), Fact::Instant(b)) => Truth::of(is.holds(a, b)),
        _ => Truth::Unknown,
    }
}

/// Compares an age with a span; the age flips the answer once, when it reaches the span or just after.
#[inline]
fn aged(since: i64, is: RuleComparison, span: i64, now: i64) -> (Truth, i64) {
    let reaches = since.saturating_add(span);
    let flips = match is {
        RuleComparison::LessThan | RuleComparison::AtLeast => reaches,
        _ => reaches.saturating_add(1),
    };
    let truth = Truth::of(is.holds(&now.saturating_sub(since), &span));
    (truth, if now < flips { flips } else { NEVER })
}

/// Whether an event is to be counted; one without a value passes no test of it.
#[inline]
fn passes(event: &Event, having: Option<&(RuleComparison, Fact)>) -> bool {
    match (having, &event.1) {
        (None, _) => true,
        (Some((is, wanted)), Some(value)) => compare(value, *is, wanted) == Truth::True,
        (Some(_), None) => false,
    }
}

fn counted(
    events: &[Event],
    within: Option<i64>,
    having: Option<&(RuleComparison, Fact)>,
    is: RuleComparison,
    count: u32,
    now: i64,
) -> (Truth, i64) {
    let oldest = within.map_or(i64::MIN, |within| now.saturating_sub(within));
    let first = events.partition_point(|&(at, _)| at <= oldest && within.is_some());
    let end = events.partition_point(|&(at, _)| at <= now);
    let inside = events.get(first..end).unwrap_or_default();
    let number = match having {
        None => inside.len(),
        Some(_) => inside.iter().filter(|event| passes(event, having)).count(),
    };
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    let truth = is.holds(&number, &wanted);

    // From now on events leave the window, and later ones enter it, until the answer is another.
    let (mut number, mut leaving, mut entering) = (number, first, end);
    let leaves = |index: usize| Some(events.get(index)?.0.saturating_add(within?));
    let enters = |index: usize| Some(events.get(index)?.0);
    let passing = |index: usize| usize::from(events.get(index).is_some_and(|event| passes(event, having)));
    loop {
        let next = match (leaves(leaving), enters(entering)) {
            (Some(left), Some(entered)) => left.min(entered),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return (Truth::of(truth), NEVER),
        };
        while enters(entering).is_some_and(|at| at <= next) {
            number += passing(entering);
            entering += 1;
        }
        while leaves(leaving).is_some_and(|at| at <= next) {
            number = number.saturating_sub(passing(leaving));
            leaving += 1;
        }
        if is.holds(&number, &wanted) != truth {
            return (Truth::of(truth), next);
        }
    }
}

fn last(events: &[Event], is: RuleComparison, value: &Fact, now: i64) -> (Truth, i64) {
    let end = events.partition_point(|&(at, _)| at <= now);
    let judged = |event: Option<&Event>| match event {
        None => Truth::False,
        Some((_, Some(known))) => compare(known, is, value),
        Some((_, None)) => Truth::Unknown,
    };
    let (past, later) = events.split_at_checked(end).unwrap_or((events, &[]));
    let truth = judged(past.last());
    // Of equal instants the last one speaks.
    let speaks = later.iter().zip(later.iter().skip(1).map(|&(at, _)| at).chain([NEVER]));
    let flips = speaks.filter(|((at, _), next)| at != next).find(|(event, _)| judged(Some(event)) != truth);
    (truth, flips.map_or(NEVER, |(&(at, _), _)| at))
}
