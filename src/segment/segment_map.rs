use super::{RfmScore, RfmScoreColumns, RfmSegment};
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

const CELLS: usize = 125;

/// One line of a segment map: a segment and the block of scores that belongs to it.
///
/// JSON form: `{"segment":"new","recency":[5,5],"frequency":[1,1],"monetary":[1,5]}`, both ends included; an axis that
/// is left out covers 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields<S>", bound(deserialize = "S: Deserialize<'de>"))]
pub struct SegmentRule<S = RfmSegment> {
    segment: S,
    recency: (u8, u8),
    frequency: (u8, u8),
    monetary: (u8, u8),
}

#[derive(Deserialize)]
struct Fields<S> {
    segment: S,
    #[serde(default = "all")]
    recency: (u8, u8),
    #[serde(default = "all")]
    frequency: (u8, u8),
    #[serde(default = "all")]
    monetary: (u8, u8),
}

const ALL: (u8, u8) = (1, 5);

fn all() -> (u8, u8) {
    ALL
}

impl<S> TryFrom<Fields<S>> for SegmentRule<S> {
    type Error = ValidationError;

    fn try_from(fields: Fields<S>) -> Result<Self, ValidationError> {
        let range = |(from, to)| from..=to;
        let rule = Self::new(fields.segment, range(fields.recency), range(fields.frequency))?;
        rule.with_monetary(range(fields.monetary))
    }
}

impl<S> SegmentRule<S> {
    /// A segment of these recency and frequency scores, whatever the monetary one.
    ///
    /// # Errors
    /// [`ValidationError`] when a range is empty or leaves 1 to 5.
    pub fn new(
        segment: S,
        recency: RangeInclusive<u8>,
        frequency: RangeInclusive<u8>,
    ) -> Result<Self, ValidationError> {
        let recency = block("segment_rule.recency", &recency)?;
        let frequency = block("segment_rule.frequency", &frequency)?;
        Ok(Self { segment, recency, frequency, monetary: ALL })
    }

    /// Narrows the rule to these monetary scores.
    ///
    /// # Errors
    /// [`ValidationError`] when the range is empty or leaves 1 to 5.
    pub fn with_monetary(self, monetary: RangeInclusive<u8>) -> Result<Self, ValidationError> {
        Ok(Self { monetary: block("segment_rule.monetary", &monetary)?, ..self })
    }

    /// Whether a score belongs to the rule.
    pub fn covers(&self, score: RfmScore) -> bool {
        let within = |(from, to), part| from <= part && part <= to;
        within(self.recency, score.recency())
            && within(self.frequency, score.frequency())
            && within(self.monetary, score.monetary())
    }
}

impl<S: Copy> SegmentRule<S> {
    /// The segment the rule leads to.
    pub const fn segment(&self) -> S {
        self.segment
    }
}

fn block(field: &'static str, range: &RangeInclusive<u8>) -> Result<(u8, u8), ValidationError> {
    let (from, to) = (*range.start(), *range.end());
    if (1..=to).contains(&from) && to <= 5 {
        Ok((from, to))
    } else {
        let shown = format!("{from} to {to}");
        Err(ValidationError::new(field, "must ascend within 1 to 5", shown))
    }
}

/// Which scores a segment map leaves out, decides twice, or can never reach.
///
/// # Example
/// ```
/// use patronage::segment::{RfmSegment, SegmentMap, SegmentRule};
///
/// let refused = SegmentMap::new(&[
///     SegmentRule::new(RfmSegment::Loyal, 2..=5, 1..=5)?,
///     SegmentRule::new(RfmSegment::Champions, 5..=5, 5..=5)?.with_monetary(5..=5)?,
/// ])
/// .unwrap_err();
/// assert_eq!(refused.uncovered().len(), 25); // all of recency 1
/// assert_eq!(refused.overlapping(), ["555".parse()?]);
/// assert_eq!(refused.unreachable(), [1]); // the second rule: every score of it went to the first
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentMapError {
    uncovered: Vec<RfmScore>,
    overlapping: Vec<RfmScore>,
    unreachable: Vec<usize>,
}

impl SegmentMapError {
    /// The scores that no rule covers.
    pub fn uncovered(&self) -> &[RfmScore] {
        &self.uncovered
    }

    /// The scores that more than one rule covers.
    pub fn overlapping(&self) -> &[RfmScore] {
        &self.overlapping
    }

    /// The rules, counted from 0, whose scores all went to earlier rules.
    pub fn unreachable(&self) -> &[usize] {
        &self.unreachable
    }
}

impl fmt::Display for SegmentMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, what: &str, faults: &[T]) -> fmt::Result {
            write!(f, "; {} {what}", faults.len())?;
            for (place, fault) in faults.iter().enumerate() {
                write!(f, "{} {fault}", if place == 0 { ":" } else { "," })?;
            }
            Ok(())
        }
        f.write_str("a segment map must give every score one segment")?;
        list(f, "uncovered scores", &self.uncovered)?;
        list(f, "overlapping scores", &self.overlapping)?;
        list(f, "unreachable rules", &self.unreachable)
    }
}

impl std::error::Error for SegmentMapError {}

/// Names the segment of every score: a table of all 125 scores, checked when it is made.
///
/// Segments are those of [`RfmSegment`] or a `Copy` type of your own. The default is the map of two axes, recency and
/// frequency, that most tutorials show, with [`Lost`](RfmSegment::Lost) carved out of
/// [`Hibernating`](RfmSegment::Hibernating):
///
/// ```text
/// F 5 │ Can't Lose              │ Loyal          │ Loyal              │ Champions
/// F 4 │ At Risk                 │ Loyal          │ Loyal              │ Champions
/// F 3 │ At Risk                 │ Need Attention │ Potential Loyalist │ Potential Loyalist
/// F 2 │ Hibernating             │ About to Sleep │ Potential Loyalist │ Potential Loyalist
/// F 1 │ Lost (R 1), Hibernating │ About to Sleep │ Promising          │ New
///     └ R 1 to 2 ───────────────┴ R 3 ───────────┴ R 4 ───────────────┴ R 5
/// ```
///
/// JSON form: the list of its [`SegmentRule`]s.
///
/// # Example
/// ```
/// use patronage::segment::{RfmSegment, SegmentMap};
///
/// let map = SegmentMap::default();
/// assert_eq!(map.segment("154".parse()?), RfmSegment::CantLose);
/// assert_eq!(map.segment("111".parse()?).to_string(), "lost");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Compared with others: of the published maps some leave dozens of scores without a segment, or name segments that
/// nobody can ever be in, because an earlier rule takes all their scores. Such a map is refused here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "Vec<SegmentRule<S>>",
    into = "Vec<SegmentRule<S>>",
    bound(serialize = "S: Copy + Serialize", deserialize = "S: Copy + Deserialize<'de>")
)]
pub struct SegmentMap<S = RfmSegment> {
    rules: Vec<SegmentRule<S>>,
    // In the order of `RfmScore::all`.
    cells: [S; CELLS],
}

impl<S> From<SegmentMap<S>> for Vec<SegmentRule<S>> {
    fn from(map: SegmentMap<S>) -> Self {
        map.rules
    }
}

impl<S: Copy> TryFrom<Vec<SegmentRule<S>>> for SegmentMap<S> {
    type Error = SegmentMapError;

    fn try_from(rules: Vec<SegmentRule<S>>) -> Result<Self, SegmentMapError> {
        Self::new(&rules)
    }
}

impl<S: Copy> SegmentMap<S> {
    /// Makes a map of rules that together cover each of the 125 scores exactly once. A segment may have several rules.
    ///
    /// # Errors
    /// [`SegmentMapError`] that lists all scores left out or covered twice, and all rules that can never be reached.
    pub fn new(rules: &[SegmentRule<S>]) -> Result<Self, SegmentMapError> {
        let mut uncovered = Vec::new();
        let mut overlapping = Vec::new();
        let mut reached = vec![false; rules.len()];
        for score in RfmScore::all() {
            let mut covering = (0..).zip(rules).filter(|(_, rule)| rule.covers(score));
            match covering.next() {
                Some((first, _)) => {
                    if let Some(reached) = reached.get_mut(first) {
                        *reached = true;
                    }
                }
                None => uncovered.push(score),
            }
            if covering.next().is_some() {
                overlapping.push(score);
            }
        }
        let unreachable: Vec<_> =
            (0..).zip(reached).filter_map(|(rule, reached)| (!reached).then_some(rule)).collect();
        match rules.first() {
            Some(first) if uncovered.is_empty() && overlapping.is_empty() && unreachable.is_empty() => {
                Ok(Self::first_match(rules, first.segment))
            }
            _ => Err(SegmentMapError { uncovered, overlapping, unreachable }),
        }
    }

    fn first_match(rules: &[SegmentRule<S>], otherwise: S) -> Self {
        let mut cells = [otherwise; CELLS];
        for (cell, score) in cells.iter_mut().zip(RfmScore::all()) {
            if let Some(rule) = rules.iter().find(|rule| rule.covers(score)) {
                *cell = rule.segment;
            }
        }
        Self { rules: rules.to_vec(), cells }
    }

    /// The rules the map was made of.
    pub fn rules(&self) -> &[SegmentRule<S>] {
        &self.rules
    }

    /// Names the segment of one score.
    #[inline]
    pub fn segment(&self, score: RfmScore) -> S {
        // A score has a place by its construction; the first cell only spares a check that could panic.
        let [first, ..] = &self.cells;
        *self.cells.get(score.place()).unwrap_or(first)
    }

    /// Names the segments of scores one after the other, lazily.
    pub fn segment_all<I>(&self, scores: I) -> impl Iterator<Item = S> + use<'_, S, I>
    where
        I: IntoIterator<Item = RfmScore>,
    {
        scores.into_iter().map(|score| self.segment(score))
    }

    /// Names the segments of score columns; what `out` held before is overwritten, and its buffer used again.
    ///
    /// # Example
    /// ```
    /// use patronage::segment::{RfmBreaks, RfmColumns, RfmScoreColumns, RfmSegment, SegmentMap};
    ///
    /// let breaks = RfmBreaks::new([30, 90, 180, 365], [1, 2, 4, 8], [50_00, 100_00, 250_00, 1000_00])?;
    /// let mut scores = RfmScoreColumns::default();
    /// breaks.score_into(RfmColumns::new(&[0, 100], &[9, 1], &[2000_00, 60_00])?, &mut scores);
    /// let mut segments = Vec::new();
    /// SegmentMap::default().segment_into(&scores, &mut segments);
    /// assert_eq!(segments, [RfmSegment::Champions, RfmSegment::AboutToSleep]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn segment_into(&self, scores: &RfmScoreColumns, out: &mut Vec<S>) {
        out.clear();
        out.extend(self.segment_all(scores.iter()));
    }
}

impl Default for SegmentMap {
    fn default() -> Self {
        const fn rule(segment: RfmSegment, recency: (u8, u8), frequency: (u8, u8)) -> SegmentRule {
            SegmentRule { segment, recency, frequency, monetary: ALL }
        }
        // Total and disjoint; a test makes the same map by `new`.
        const RULES: [SegmentRule; 12] = [
            rule(RfmSegment::Champions, (5, 5), (4, 5)),
            rule(RfmSegment::Loyal, (3, 4), (4, 5)),
            rule(RfmSegment::PotentialLoyalist, (4, 5), (2, 3)),
            rule(RfmSegment::New, (5, 5), (1, 1)),
            rule(RfmSegment::Promising, (4, 4), (1, 1)),
            rule(RfmSegment::NeedAttention, (3, 3), (3, 3)),
            rule(RfmSegment::AboutToSleep, (3, 3), (1, 2)),
            rule(RfmSegment::CantLose, (1, 2), (5, 5)),
            rule(RfmSegment::AtRisk, (1, 2), (3, 4)),
            rule(RfmSegment::Hibernating, (2, 2), (1, 2)),
            rule(RfmSegment::Hibernating, (1, 1), (2, 2)),
            rule(RfmSegment::Lost, (1, 1), (1, 1)),
        ];
        Self::first_match(&RULES, RfmSegment::Lost)
    }
}
