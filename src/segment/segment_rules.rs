use super::facts::{Fact, stage_number};
use super::rule_check::{Contradictions, MOST_CONDITIONS, MOST_IN_ALL, MOST_LEVELS, Place, shape, text};
use super::{Facts, NamedRule, Rule, RuleComparison, RuleError, RuleReason, RuleSlot, Truth, Verdict};
use crate::consent::Purpose;
use crate::customer::CustomerId;
use crate::numeric::hashed_draw::seed;
use crate::tag::Tag;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Something that rules read of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RuleInput {
    /// A field.
    Field(Tag),
    /// A score.
    Score(Tag),
    /// Whether a purpose is allowed.
    Consent(Purpose),
    /// The stage of life with the company.
    Stage,
    /// The rung on the ladder of loyalty.
    Rung,
    /// The events of a kind.
    Event(Tag),
}

/// A segment of a [`SegmentRules`], found once by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SegmentKey(pub(super) usize);

/// Named segments with their rules, checked and compiled.
///
/// Every name is looked up once, when this is made: judging a customer then reads numbered slots. A rule may be 32 levels
/// deep and have 128 conditions, with those of the segments it names 1024.
///
/// JSON form: a list of [`NamedRule`]s, `[{"segment":"regulars","rule":{...}}]`; see [`Rule`] for the rules. Reading
/// checks as [`new`](Self::new) does.
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::segment::{RuleEvent, RuleValue, SegmentRules, Truth};
/// use patronage::Tag;
///
/// let rules: SegmentRules = serde_json::from_str(r#"[
///     {"segment": "regulars", "rule": {"all": [
///         {"field": {"name": "country", "is": "is", "value": "ch"}},
///         {"count": {"event": "purchase", "within": "90d", "is": "at_least", "count": 2}}
///     ]}},
///     {"segment": "letter", "rule": {"all": [
///         {"in_segment": "regulars"},
///         {"not": {"field": {"name": "vip", "is": "is", "value": true}}}
///     ]}}
/// ]"#)?;
/// let mut facts = rules.facts(CustomerId::derive(&["ann"]));
/// facts.field(Tag::literal("country"), RuleValue::Name(Tag::literal("ch")))?;
/// let bought = |at: &str| at.parse().map(|at| RuleEvent { at, value: None });
/// facts.events(Tag::literal("purchase"), [bought("2026-01-10T00:00:00Z")?, bought("2026-02-20T00:00:00Z")?])?;
///
/// let [regulars, letter] = ["regulars", "letter"].map(|name| rules.key(Tag::literal(name)));
/// let now = "2026-03-01T00:00:00Z".parse()?;
/// let verdict = facts.eval(regulars.ok_or("no such segment")?, now);
/// assert_eq!(verdict.value(), Truth::True);
/// // Ninety days after the first purchase there is only one within ninety days.
/// assert_eq!(verdict.valid_until(), Some("2026-04-10T00:00:00Z".parse()?));
/// let verdict = facts.eval(letter.ok_or("no such segment")?, now);
/// assert_eq!(verdict.value(), Truth::Unknown);
/// let why = rules.why(&verdict);
/// assert_eq!((why[0].place.as_str(), why[0].condition.as_str()), ("all[1].not", "vip is true"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: S. C. Kleene, "Introduction to Metamathematics" (1952), section 64, for the logic of three values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<NamedRule>", into = "Vec<NamedRule>")]
pub struct SegmentRules {
    rules: Vec<NamedRule>,
    keys: BTreeMap<Tag, usize>,
    /// Ascending; events come last.
    inputs: Vec<RuleInput>,
    pub(super) programs: Vec<Program>,
}

impl From<SegmentRules> for Vec<NamedRule> {
    fn from(rules: SegmentRules) -> Self {
        rules.rules
    }
}

impl TryFrom<Vec<NamedRule>> for SegmentRules {
    type Error = RuleError;

    fn try_from(rules: Vec<NamedRule>) -> Result<Self, RuleError> {
        Self::new(rules)
    }
}

/// A rule with its names resolved: its nodes in the order of reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Program {
    pub(super) nodes: Vec<Node>,
    /// Of each condition, where it stands and what it asks.
    conditions: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Everything up to `end`.
    All {
        end: usize,
    },
    Any {
        end: usize,
    },
    Not,
    Leaf {
        bit: u8,
        leaf: Leaf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Leaf {
    Field {
        slot: usize,
        is: RuleComparison,
        value: Fact,
    },
    Age {
        slot: usize,
        is: RuleComparison,
        span: i64,
    },
    Count {
        events: usize,
        within: Option<i64>,
        having: Option<(RuleComparison, Fact)>,
        is: RuleComparison,
        count: u32,
    },
    Last {
        events: usize,
        is: RuleComparison,
        value: Fact,
    },
    Held {
        slot: usize,
        is: RuleComparison,
        value: Fact,
        span: i64,
    },
    Segment {
        program: usize,
    },
    Stage {
        slot: usize,
        stages: u8,
    },
    Band {
        slot: usize,
        from: f64,
        to: f64,
    },
    Bucket {
        seed: u64,
        from: u16,
        to: u16,
    },
}

impl SegmentRules {
    /// Checks and compiles named rules, in any order.
    ///
    /// # Errors
    /// [`RuleError`], which names the segment and the place: a rule too deep or too large, conditions without sense or
    /// without parts, conditions that no customer can meet together, a segment that includes itself or one that there is
    /// not, two of one name. Contradictions are found between the conditions of one input; those between inputs (an age
    /// and a count, say) are not.
    ///
    /// # Example
    /// ```
    /// use patronage::segment::{NamedRule, RuleError, SegmentRules};
    ///
    /// let read = |text| serde_json::from_str::<Vec<NamedRule>>(text).map(SegmentRules::new);
    /// let refused = read(r#"[{"segment":"odd","rule":{"all":[
    ///     {"field":{"name":"visits","is":"at_least","value":5}},
    ///     {"not":{"field":{"name":"visits","is":"more_than","value":3}}}
    /// ]}}]"#)?.unwrap_err();
    /// assert_eq!(
    ///     refused.to_string(),
    ///     "segment `odd`, all[1].not: no customer can ever meet `visits at_least 5` and `not visits more_than 3`"
    /// );
    /// let refused = read(r#"[
    ///     {"segment":"a","rule":{"in_segment":"b"}},
    ///     {"segment":"b","rule":{"not":{"in_segment":"a"}}}
    /// ]"#)?.unwrap_err();
    /// assert_eq!(refused.to_string(), "a segment must not include itself: a > b > a");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn new(rules: Vec<NamedRule>) -> Result<Self, RuleError> {
        let mut keys = BTreeMap::new();
        for (index, NamedRule { segment, .. }) in rules.iter().enumerate() {
            if keys.insert(*segment, index).is_some() {
                return Err(RuleError::Duplicate { segment: *segment });
            }
        }
        let mut inputs = BTreeSet::new();
        let mut named = Vec::with_capacity(rules.len());
        let mut sizes = Vec::with_capacity(rules.len());
        for NamedRule { segment, rule } in &rules {
            let found = shape(*segment, rule, 1, &mut Place::root())?;
            if found > MOST_CONDITIONS {
                return Err(RuleError::TooLarge { segment: *segment, most: MOST_CONDITIONS, found });
            }
            sizes.push(found);
            Contradictions::new(*segment).check(rule, false, &mut Place::root())?;
            let mut segments = Vec::new();
            read(*segment, rule, 1, &mut Place::root(), &keys, &mut inputs, &mut segments)?;
            named.push(segments);
        }
        let order = inside_first(&rules, &named)?;
        bounded(&rules, &named, &order, &sizes)?;
        let inputs: Vec<RuleInput> = inputs.into_iter().collect();
        let mut compiled = Self { rules: Vec::new(), keys, inputs, programs: Vec::new() };
        for NamedRule { rule, .. } in &rules {
            let mut program = Program::default();
            compiled.compile(rule, &mut Place::root(), &mut program);
            compiled.programs.push(program);
        }
        compiled.rules = rules;
        Ok(compiled)
    }

    /// The rules as they were given.
    pub fn rules(&self) -> &[NamedRule] {
        &self.rules
    }

    /// All that the rules read, ascending, each once: what a service has to supply.
    pub fn inputs(&self) -> &[RuleInput] {
        &self.inputs
    }

    /// The segment of a name; `None` where there is none.
    pub fn key(&self, segment: Tag) -> Option<SegmentKey> {
        self.keys.get(&segment).copied().map(SegmentKey)
    }

    /// All segments in the order they were given.
    pub fn segments(&self) -> impl Iterator<Item = (Tag, SegmentKey)> + '_ {
        self.rules.iter().enumerate().map(|(index, rule)| (rule.segment, SegmentKey(index)))
    }

    /// Where an input is kept; `None` where no rule reads it.
    pub fn slot(&self, input: RuleInput) -> Option<RuleSlot> {
        self.inputs.binary_search(&input).ok().map(RuleSlot)
    }

    /// Begins with what is known of a customer: nothing yet.
    pub fn facts(&self, customer: CustomerId) -> Facts<'_> {
        let values = self.values();
        Facts::new(self, customer, values, self.inputs.len() - values)
    }

    /// Says which conditions a verdict rests on: with these as they are it stays, whatever becomes of the others. Unknown
    /// verdicts rest on what is missing.
    pub fn why(&self, verdict: &Verdict) -> Vec<RuleReason> {
        let conditions = self.programs.get(verdict.segment.0).map_or(&[][..], |program| &program.conditions);
        let resting = conditions.iter().enumerate().filter(|(bit, _)| verdict.resting >> bit & 1 == 1);
        resting
            .map(|(bit, (place, condition))| RuleReason {
                place: place.clone(),
                condition: condition.clone(),
                value: match verdict.value {
                    Truth::Unknown => Truth::Unknown,
                    _ => Truth::of(verdict.holding >> bit & 1 == 1),
                },
            })
            .collect()
    }

    /// How many inputs are values; the others are events.
    fn values(&self) -> usize {
        self.inputs.partition_point(|input| !matches!(input, RuleInput::Event(_)))
    }

    fn compile(&self, rule: &Rule, place: &mut Place, program: &mut Program) {
        let start = program.nodes.len();
        let parts = |parts: &[Rule], kind, place: &mut Place, program: &mut Program| {
            program.nodes.push(Node::Not);
            for (index, part) in parts.iter().enumerate() {
                place.within(kind, Some(index), |place| self.compile(part, place, program));
            }
            program.nodes.len()
        };
        match rule {
            Rule::All(all) => {
                let end = parts(all, "all", place, program);
                program.nodes.iter_mut().skip(start).take(1).for_each(|node| *node = Node::All { end });
            }
            Rule::Any(any) => {
                let end = parts(any, "any", place, program);
                program.nodes.iter_mut().skip(start).take(1).for_each(|node| *node = Node::Any { end });
            }
            Rule::Not(part) => {
                program.nodes.push(Node::Not);
                place.within("not", None, |place| self.compile(part, place, program));
            }
            _ => {
                let bit = u8::try_from(program.conditions.len()).unwrap_or(127).min(127);
                program.conditions.push((place.shown(), text(rule)));
                let leaf = self.leaf(rule);
                program.nodes.push(Node::Leaf { bit, leaf });
            }
        }
    }

    fn leaf(&self, rule: &Rule) -> Leaf {
        // Every input was collected before; a slot that is not there would be unknown.
        let slot = |input| self.slot(input).map_or(usize::MAX, |slot| slot.0);
        let events = |event| slot(RuleInput::Event(event)).wrapping_sub(self.values());
        match *rule {
            Rule::Age { of, is, span } => {
                Leaf::Age { slot: slot(RuleInput::Field(of)), is, span: span.micros() }
            }
            Rule::Count { event, within, having, is, count } => {
                let within = within.map(super::RuleSpan::micros);
                Leaf::Count {
                    events: events(event),
                    within,
                    having: having.map(|test| (test.is, test.value.into())),
                    is,
                    count,
                }
            }
            Rule::Last { event, is, value } => Leaf::Last { events: events(event), is, value: value.into() },
            Rule::Field { name, is, value } => {
                Leaf::Field { slot: slot(RuleInput::Field(name)), is, value: value.into() }
            }
            Rule::Held { name, is, value, span } => Leaf::Held {
                slot: slot(RuleInput::Field(name)),
                is,
                value: value.into(),
                span: span.micros(),
            },
            Rule::InSegment(segment) => {
                Leaf::Segment { program: self.keys.get(&segment).copied().unwrap_or(usize::MAX) }
            }
            Rule::Consent(purpose) => {
                let value = Fact::Flag(true);
                Leaf::Field { slot: slot(RuleInput::Consent(purpose)), is: RuleComparison::Is, value }
            }
            Rule::Stage(ref stages) => {
                let stages = stages.iter().fold(0, |set, &stage| set | 1 << stage_number(stage));
                Leaf::Stage { slot: slot(RuleInput::Stage), stages }
            }
            Rule::Rung { is, value } => {
                Leaf::Field { slot: slot(RuleInput::Rung), is, value: Fact::Number(value.into()) }
            }
            Rule::Score { name, from, to } => Leaf::Band { slot: slot(RuleInput::Score(name)), from, to },
            Rule::Bucket { salt, from, to } => Leaf::Bucket { seed: seed(salt), from, to },
            // Compiled as nodes; no leaf can be reached by this.
            Rule::All(_) | Rule::Any(_) | Rule::Not(_) => Leaf::Segment { program: usize::MAX },
        }
    }
}

/// Collects what a rule reads, and the segments it names with the level they stand at.
fn read(
    segment: Tag,
    rule: &Rule,
    level: usize,
    place: &mut Place,
    keys: &BTreeMap<Tag, usize>,
    inputs: &mut BTreeSet<RuleInput>,
    segments: &mut Vec<(usize, usize, String)>,
) -> Result<(), RuleError> {
    let mut each = |kind, parts: &[Rule], place: &mut Place| {
        for (index, part) in parts.iter().enumerate() {
            let part = |place: &mut Place| read(segment, part, level + 1, place, keys, inputs, segments);
            place.within(kind, Some(index), part)?;
        }
        Ok(())
    };
    match rule {
        Rule::All(parts) => return each("all", parts, place),
        Rule::Any(parts) => return each("any", parts, place),
        Rule::Not(part) => {
            return place
                .within("not", None, |place| read(segment, part, level + 1, place, keys, inputs, segments));
        }
        Rule::InSegment(named) => match keys.get(named) {
            Some(&key) => segments.push((key, level, place.shown())),
            None => return Err(RuleError::UnknownSegment { segment, place: place.shown(), named: *named }),
        },
        Rule::Field { name, .. } | Rule::Held { name, .. } | Rule::Age { of: name, .. } => {
            inputs.insert(RuleInput::Field(*name));
        }
        Rule::Count { event, .. } | Rule::Last { event, .. } => {
            inputs.insert(RuleInput::Event(*event));
        }
        Rule::Consent(purpose) => {
            inputs.insert(RuleInput::Consent(*purpose));
        }
        Rule::Stage(_) => {
            inputs.insert(RuleInput::Stage);
        }
        Rule::Rung { .. } => {
            inputs.insert(RuleInput::Rung);
        }
        Rule::Score { name, .. } => {
            inputs.insert(RuleInput::Score(*name));
        }
        Rule::Bucket { .. } => {}
    }
    Ok(())
}

/// By segment: the segments its rule names, at which level, and where.
type Named = [Vec<(usize, usize, String)>];

/// The segments so that each comes after those it names.
fn inside_first(rules: &[NamedRule], named: &Named) -> Result<Vec<usize>, RuleError> {
    let mut done = vec![false; rules.len()];
    let mut order = Vec::with_capacity(rules.len());
    for root in 0..rules.len() {
        // A walk of its own, for chains may be longer than the stack is deep.
        let mut way = if done.get(root) == Some(&false) { vec![(root, 0)] } else { Vec::new() };
        while let Some((segment, next)) = way.last_mut() {
            let segment = *segment;
            let inner = named.get(segment).and_then(|inner| inner.get(*next)).map(|&(inner, ..)| inner);
            *next += 1;
            match inner {
                None => {
                    way.pop();
                    order.push(segment);
                    if let Some(done) = done.get_mut(segment) {
                        *done = true;
                    }
                }
                Some(inner) if done.get(inner) == Some(&true) => {}
                Some(inner) => match way.iter().position(|&(known, _)| known == inner) {
                    Some(first) => {
                        let cycle = way.iter().skip(first).map(|&(known, _)| known).chain([inner]);
                        let cycle = cycle.filter_map(|key| Some(rules.get(key)?.segment));
                        return Err(RuleError::Cycle { cycle: cycle.collect() });
                    }
                    None => way.push((inner, 0)),
                },
            }
        }
    }
    Ok(order)
}

/// Checks depth and size of rules together with the segments they name.
fn bounded(rules: &[NamedRule], named: &Named, order: &[usize], sizes: &[usize]) -> Result<(), RuleError> {
    let mut totals = vec![(0_usize, 0_usize); rules.len()];
    for &segment in order {
        let Some(name) = rules.get(segment).map(|rule| rule.segment) else { continue };
        let (mut size, mut levels) = (sizes.get(segment).copied().unwrap_or(0), 1);
        for (inner, level, place) in named.get(segment).into_iter().flatten() {
            let (inner_size, inner_levels) = totals.get(*inner).copied().unwrap_or_default();
            size = size.saturating_add(inner_size);
            levels = levels.max(level + inner_levels);
            if levels > MOST_LEVELS {
                return Err(RuleError::TooDeep { segment: name, place: place.clone(), most: MOST_LEVELS });
            }
        }
        if size > MOST_IN_ALL {
            return Err(RuleError::TooLarge { segment: name, most: MOST_IN_ALL, found: size });
        }
        if let Some(total) = totals.get_mut(segment) {
            // Levels below a naming condition that has none of its own below it count its own.
            *total = (size, levels.max(depth(rules, segment)));
        }
    }
    Ok(())
}

fn depth(rules: &[NamedRule], segment: usize) -> usize {
    fn of(rule: &Rule) -> usize {
        match rule {
            Rule::All(parts) | Rule::Any(parts) => 1 + parts.iter().map(of).max().unwrap_or(0),
            Rule::Not(part) => 1 + of(part),
            _ => 1,
        }
    }
    rules.get(segment).map_or(1, |rule| of(&rule.rule))
}

#[cfg(test)]
mod tests;
