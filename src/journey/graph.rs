use super::durations::{DurationDetail, Durations};
use super::fold_hash::FoldState;
use super::{Activities, JourneyError, JourneyLog};
use crate::measure::{Estimate, Share};
use crate::numeric::proportion::{Proportion, z};
use serde::Serialize;
use std::collections::HashMap;

/// What happened at one activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Node {
    pub(super) count: u64,
    pub(super) journeys: u64,
    pub(super) customers: u64,
    pub(super) starts: u64,
    pub(super) ends: u64,
    pub(super) reworked: u64,
    pub(super) self_loops: u64,
}

impl Node {
    /// How many events it has.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// How many journeys meet it.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }

    /// How many different customers meet it.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// How many journeys begin with it.
    pub const fn starts(&self) -> u64 {
        self.starts
    }

    /// How many journeys end with it, as far as is known.
    pub const fn ends(&self) -> u64 {
        self.ends
    }

    /// In how many journeys it had to be done again: occurs at least twice.
    pub const fn reworked(&self) -> u64 {
        self.reworked
    }

    /// How often it was done again at once: directly followed itself.
    pub const fn self_loops(&self) -> u64 {
        self.self_loops
    }

    /// How often customers came back to it after something else, within a journey.
    pub const fn returns(&self) -> u64 {
        self.count - self.journeys - self.self_loops
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.self_loops += other.self_loops;
        self.count += other.count;
        self.journeys += other.journeys;
        self.customers += other.customers;
        self.starts += other.starts;
        self.ends += other.ends;
        self.reworked += other.reworked;
    }
}

/// One activity directly followed by another, in the same journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub(super) from: u16,
    pub(super) to: u16,
    pub(super) customers: u64,
    pub(super) dwell: Durations,
}

impl Edge {
    /// The code of the earlier activity.
    pub const fn from(&self) -> u16 {
        self.from
    }

    /// The code of the later activity; the same as the earlier one in a self-loop.
    pub const fn to(&self) -> u16 {
        self.to
    }

    /// How often the one directly followed the other.
    pub const fn count(&self) -> u64 {
        self.dwell.count()
    }

    /// How many different customers went this way.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// How long it took from the one to the other.
    pub const fn dwell(&self) -> &Durations {
        &self.dwell
    }
}

/// The directly-follows graph: which activity follows which, how often, for how many customers, after how long; where
/// journeys begin and end, and where work is done again.
///
/// # Compared with
/// Counts are those of process miners (events ordered by customer, time, order of input). Customers on an edge are
/// counted exactly, not estimated.
///
/// # Cost
/// One pass over the log, two with quantiles. Memory depends on the number of activities and edges, not of events. Up to
/// 1,024 activities are looked up in a table, more in a map.
///
/// # Example
/// ```
/// use patronage::journey::{DurationDetail, JourneyGraph, JourneyLog};
///
/// let log = JourneyLog::from_events([(1, 0, "ask"), (1, 5_000_000, "ask"), (1, 9_000_000, "pay")], 10)?;
/// let graph = JourneyGraph::from_log(&log, DurationDetail::default());
/// assert_eq!(graph.edge("ask", "pay").and_then(|edge| edge.dwell().mean_seconds()), Some(4.0));
/// assert_eq!(graph.node("ask").map(|node| node.reworked()), Some(1));
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
///
/// Source: W. van der Aalst, "Process Mining: Data Science in Action" (2016).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JourneyGraph {
    pub(super) activities: Activities,
    pub(super) nodes: Vec<Node>,
    /// In the order of codes.
    pub(super) edges: Vec<Edge>,
    pub(super) journeys: u64,
    pub(super) customers: u64,
    pub(super) ties: u64,
    pub(super) detail: DurationDetail,
}

/// Finds the slot of a pair of codes.
#[derive(Clone, Debug)]
pub(super) enum EdgeIndex {
    Table(EdgeTable),
    Map(EdgeMap),
}

/// A slot for each pair there can be.
#[derive(Clone, Debug)]
pub(super) struct EdgeTable {
    shift: u32,
    slots: Vec<u32>,
}

/// A slot for each pair that was met.
#[derive(Clone, Debug, Default)]
pub(super) struct EdgeMap {
    slots: HashMap<u32, u32, FoldState>,
}

/// Up to this many activities the table of slots stays within 4 MB.
const TABLE: usize = 1_024;
const FREE: u32 = u32::MAX;

/// There are fewer than 2^32 pairs of codes, because there are at most 65,535 activities and the others.
fn narrow(next: usize) -> u32 {
    u32::try_from(next).unwrap_or(FREE)
}

impl EdgeTable {
    #[inline]
    fn slot(&mut self, from: u16, to: u16, next: usize) -> usize {
        let Some(slot) = self.slots.get_mut(usize::from(from) << self.shift | usize::from(to)) else {
            return usize::MAX;
        };
        if *slot == FREE {
            *slot = narrow(next);
        }
        *slot as usize
    }
}

impl EdgeMap {
    #[inline]
    fn slot(&mut self, from: u16, to: u16, next: usize) -> usize {
        *self.slots.entry(u32::from(from) << 16 | u32::from(to)).or_insert(narrow(next)) as usize
    }
}

impl EdgeIndex {
    pub(super) fn new(activities: usize) -> Self {
        if activities > TABLE {
            return Self::Map(EdgeMap::default());
        }
        let width = activities.next_power_of_two();
        Self::Table(EdgeTable { shift: width.trailing_zeros(), slots: vec![FREE; width * activities] })
    }

    /// The slot of a pair; `next` where it had none, which it has from now on.
    #[inline]
    pub(super) fn slot(&mut self, from: u16, to: u16, next: usize) -> usize {
        match self {
            Self::Table(table) => table.slot(from, to, next),
            Self::Map(map) => map.slot(from, to, next),
        }
    }
}

/// What is counted of an edge in the first pass.
#[derive(Clone, Copy)]
struct Tally {
    count: u64,
    sum: u128,
    least: u64,
    most: u64,
    /// The key of the journey it was last met by.
    last: u64,
    customers: u32,
    from: u16,
    to: u16,
}

/// What is counted of an activity in the first pass, all but its events, which its edges know.
#[derive(Clone, Copy, Default)]
struct Met {
    /// The key of the journey it was last met by, and one more once it was met again.
    last: u64,
    journeys: u64,
    customers: u64,
    reworked: u64,
}

impl Met {
    /// Meets a journey of `key`, of a customer whose first journey has the key `since`. Keys are even and ascend.
    #[inline]
    fn meet(&mut self, key: u64, since: u64) {
        // Without branches, because whether an activity comes again is hard to foresee.
        self.journeys = self.journeys.wrapping_add(u64::from(self.last < key));
        self.customers = self.customers.wrapping_add(u64::from(self.last < since));
        self.reworked = self.reworked.wrapping_add(u64::from(self.last == key));
        self.last = key | u64::from(self.last >= key);
    }
}

/// The microseconds from one event to a later one.
#[inline]
pub(super) fn between(before: i64, after: i64) -> u64 {
    after.abs_diff(before)
}

impl JourneyGraph {
    /// Counts the graph of a log.
    pub fn from_log(log: &JourneyLog, detail: DurationDetail) -> Self {
        let width = log.activities().len();
        let mut index = EdgeIndex::new(width);
        let (tallies, mut nodes, totals) = match &mut index {
            EdgeIndex::Table(table) => tallied(log, |from, to, next| table.slot(from, to, next)),
            EdgeIndex::Map(map) => tallied(log, |from, to, next| map.slot(from, to, next)),
        };
        for tally in &tallies {
            if let Some(node) = nodes.get_mut(usize::from(tally.to)) {
                node.count += tally.count;
            }
        }
        let dwells = match detail {
            DurationDetail::Moments => tallies
                .iter()
                .map(|tally| Durations::from_moments(tally.count, tally.sum, tally.least, tally.most))
                .collect(),
            DurationDetail::Quantiles { .. } => dwells(log, &tallies, &mut index, detail),
        };
        let edges = tallies
            .iter()
            .zip(dwells)
            .map(|(tally, dwell)| Edge {
                from: tally.from,
                to: tally.to,
                customers: tally.customers.into(),
                dwell,
            })
            .collect();
        Self::counted(log.activities().clone(), nodes, edges, (totals.0, totals.1, log.ties()), detail)
    }

    /// The graph of all edges that were met.
    pub(super) fn counted(
        activities: Activities,
        mut nodes: Vec<Node>,
        edges: Vec<Edge>,
        totals: (u64, u64, u64),
        detail: DurationDetail,
    ) -> Self {
        for edge in edges.iter().filter(|edge| edge.from == edge.to) {
            if let Some(node) = nodes.get_mut(usize::from(edge.from)) {
                node.self_loops = edge.count();
            }
        }
        Self::new(activities, nodes, edges, totals, detail)
    }

    /// Puts edges in the order of codes.
    fn new(
        activities: Activities,
        nodes: Vec<Node>,
        mut edges: Vec<Edge>,
        (journeys, customers, ties): (u64, u64, u64),
        detail: DurationDetail,
    ) -> Self {
        edges.sort_unstable_by_key(|edge| (edge.from, edge.to));
        Self { activities, nodes, edges, journeys, customers, ties, detail }
    }

    /// Adds the graph of other customers. Associative and commutative; activities are matched by name.
    ///
    /// The graphs must not share customers, because those would be counted twice; a graph no longer knows its
    /// customers and cannot tell ([`JourneyGraphBuilder::merge`](super::JourneyGraphBuilder::merge) can).
    ///
    /// # Errors
    /// [`JourneyError::ActivityLimit`] when together there are more activities than codes.
    pub fn merge(&mut self, other: &Self) -> Result<(), JourneyError> {
        let (activities, own, theirs) = self.activities.union(&other.activities)?;
        let rename = |codes: &[u16], code: u16| codes.get(usize::from(code)).copied().unwrap_or_default();
        let mut nodes = vec![Node::default(); activities.len()];
        for (graph, codes) in [(&*self, &own), (other, &theirs)] {
            for (node, &code) in graph.nodes.iter().zip(codes) {
                if let Some(sum) = nodes.get_mut(usize::from(code)) {
                    sum.add(node);
                }
            }
        }
        for edge in &mut self.edges {
            (edge.from, edge.to) = (rename(&own, edge.from), rename(&own, edge.to));
        }
        for edge in &other.edges {
            let (from, to) = (rename(&theirs, edge.from), rename(&theirs, edge.to));
            // Renaming keeps the order of names, so that the edges are still in order.
            match self.edges.binary_search_by_key(&(from, to), |own| (own.from, own.to)) {
                Ok(place) => {
                    if let Some(own) = self.edges.get_mut(place) {
                        own.customers += edge.customers;
                        own.dwell.merge(&edge.dwell);
                    }
                }
                Err(place) => self.edges.insert(place, Edge { from, to, ..edge.clone() }),
            }
        }
        self.activities = activities;
        self.nodes = nodes;
        self.journeys += other.journeys;
        self.customers += other.customers;
        self.ties += other.ties;
        if other.detail == DurationDetail::Moments {
            self.detail = DurationDetail::Moments;
        }
        Ok(())
    }

    /// The names of the activities.
    pub const fn activities(&self) -> &Activities {
        &self.activities
    }

    /// How many events were counted.
    pub fn events(&self) -> u64 {
        self.nodes.iter().map(|node| node.count).sum()
    }

    /// How many journeys were counted.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }

    /// How many different customers they are of.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// How many steps took no time, so that their direction is only the order of input.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// How often any activity directly followed another: the sum over edges.
    pub fn transitions(&self) -> u64 {
        self.edges.iter().map(Edge::count).sum()
    }

    /// What happened at an activity; `None` for a name that is not there.
    pub fn node(&self, name: &str) -> Option<&Node> {
        let code = self.activities.named(name).ok()?;
        self.nodes.get(usize::from(code))
    }

    /// Each activity with its code, in the order of names.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (u16, &Node)> {
        self.nodes.iter().enumerate().map(|(place, node)| (super::code_of(place), node))
    }

    /// The edge from one activity to another, by name; `None` where nobody went that way.
    pub fn edge(&self, from: &str, to: &str) -> Option<&Edge> {
        let key = (self.activities.named(from).ok()?, self.activities.named(to).ok()?);
        self.edges
            .binary_search_by_key(&key, |edge| (edge.from, edge.to))
            .ok()
            .and_then(|place| self.edges.get(place))
    }

    /// Every edge, in the order of codes.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The edges from an activity to itself.
    pub fn self_loops(&self) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(|edge| edge.from == edge.to)
    }

    /// The main paths: the fewest edges, the most frequent first, that together carry at least a share of all steps.
    /// Counts of activities stay those of the whole.
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::journey::{DurationDetail, JourneyGraph, JourneyLog};
    ///
    /// let rows = [(1, 0, "a"), (1, 1, "b"), (2, 0, "a"), (2, 1, "b"), (3, 0, "a"), (3, 1, "c")];
    /// let graph = JourneyGraph::from_log(&JourneyLog::from_events(rows, 10)?, DurationDetail::default());
    /// assert_eq!(graph.main_paths(Share::new(0.6)?).edges().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits of the counts")]
    pub fn main_paths(&self, share: Share) -> Self {
        let mut edges = self.edges.clone();
        edges.sort_by_key(|edge| (std::cmp::Reverse(edge.count()), edge.from, edge.to));
        let wanted = share.get() * self.transitions() as f64;
        let mut carried = 0;
        edges.retain(|edge| {
            let keep = (carried as f64) < wanted;
            carried += edge.count();
            keep
        });
        let totals = (self.journeys, self.customers, self.ties);
        Self::new(self.activities.clone(), self.nodes.clone(), edges, totals, self.detail)
    }
}

/// Counts edges, in the order in which they were first met, and nodes; journeys and customers. `slot` finds the place of
/// an edge, or gives it the next one.
fn tallied(
    log: &JourneyLog,
    mut slot: impl FnMut(u16, u16, usize) -> usize,
) -> (Vec<Tally>, Vec<Node>, (u64, u64)) {
    let width = log.activities().len();
    let (mut tallies, mut met): (Vec<Tally>, _) = (Vec::new(), vec![Met::default(); width]);
    let mut nodes = vec![Node::default(); width];
    let (mut key, mut since, mut customers) = (0_u64, 0_u64, 0_u64);
    let mut last_customer = None;
    for journey in log.journeys() {
        // Keys begin at 2, so that 0 is nobody. Journeys of one customer are neighbours.
        key += 2;
        if last_customer != Some(journey.customer()) {
            last_customer = Some(journey.customer());
            (since, customers) = (key, customers + 1);
        }
        let (Some((&first, activities)), Some((&at, times))) =
            (journey.activities().split_first(), journey.times().split_first())
        else {
            continue;
        };
        let (mut from, mut before) = (first, at);
        if let (Some(node), Some(met)) = (nodes.get_mut(usize::from(first)), met.get_mut(usize::from(first)))
        {
            node.starts += 1;
            met.meet(key, since);
        }
        for (&to, &time) in activities.iter().zip(times) {
            if let Some(met) = met.get_mut(usize::from(to)) {
                met.meet(key, since);
            }
            let place = slot(from, to, tallies.len());
            let dwell = between(before, time);
            match tallies.get_mut(place) {
                Some(tally) => {
                    tally.count = tally.count.wrapping_add(1);
                    tally.sum = tally.sum.wrapping_add(u128::from(dwell));
                    tally.least = tally.least.min(dwell);
                    tally.most = tally.most.max(dwell);
                    tally.customers = tally.customers.wrapping_add(u32::from(tally.last < since));
                    tally.last = key;
                }
                None => tallies.push(Tally {
                    count: 1,
                    sum: dwell.into(),
                    least: dwell,
                    most: dwell,
                    last: key,
                    customers: 1,
                    from,
                    to,
                }),
            }
            (from, before) = (to, time);
        }
        if let Some(node) = nodes.get_mut(usize::from(from)) {
            node.ends += 1;
        }
    }
    for (node, met) in nodes.iter_mut().zip(&met) {
        let Met { journeys, customers, reworked, .. } = *met;
        *node = Node { count: node.starts, journeys, customers, reworked, ..*node };
    }
    (tallies, nodes, (key / 2, customers))
}

/// A share with its Wilson interval; `None` where there are no trials.
pub(super) fn estimate(hits: u64, trials: u64, level: Share) -> Option<Estimate> {
    let proportion = Proportion::new(hits, trials)?;
    let interval = proportion.wilson(z(level.get()));
    Estimate::new(proportion.share()?, interval.lower, interval.upper, level, trials).ok()
}

/// The durations of each edge. Put where they belong one by one: to write them side by side first is quicker, but needs
/// memory for every event.
fn dwells(
    log: &JourneyLog,
    tallies: &[Tally],
    index: &mut EdgeIndex,
    detail: DurationDetail,
) -> Vec<Durations> {
    let mut all = vec![Durations::new(detail); tallies.len()];
    for journey in log.journeys() {
        let later = journey.activities().iter().zip(journey.times()).skip(1);
        for ((&from, &since), (&to, &time)) in journey.activities().iter().zip(journey.times()).zip(later) {
            if let Some(dwell) = all.get_mut(index.slot(from, to, tallies.len())) {
                dwell.push(between(since, time));
            }
        }
    }
    all
}
