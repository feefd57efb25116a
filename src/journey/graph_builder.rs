use super::durations::{DurationDetail, Durations};
use super::error::{backwards, same_length, shared};
use super::fold_hash::FoldState;
use super::graph::{Edge, EdgeIndex, Node, between};
use super::{Activities, JourneyError, JourneyGraph};
use crate::customer::CustomerId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Builds a [`JourneyGraph`] from events as they come, one at a time, of many customers mixed.
///
/// Events of one customer must come in order of time; those of different customers in any order. The graph may be
/// taken at any moment and equals that of a [`JourneyLog`](super::JourneyLog) of the same events.
///
/// # Cost
/// Constant time an event, and the logarithm of what the customer has met. For each customer: where they are (64
/// bytes), and 8 bytes for each different activity and edge they have met, which lets customers be counted exactly.
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::journey::{Activities, DurationDetail, JourneyGraphBuilder};
///
/// let names = Activities::new(["browse", "pay"])?;
/// let (browse, pay) = (0, 1);
/// let ann = CustomerId::derive(&["ann"]);
/// let mut builder = JourneyGraphBuilder::new(names, DurationDetail::default());
/// builder.push(ann, 0, browse)?;
/// builder.push(ann, 90_000_000, pay)?;
/// let graph = builder.graph();
/// assert_eq!(graph.edge("browse", "pay").and_then(|edge| edge.dwell().mean_seconds()), Some(90.0));
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct JourneyGraphBuilder {
    names: Activities,
    detail: DurationDetail,
    index: EdgeIndex,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    ties: u64,
    customers: HashMap<CustomerId, Position, FoldState>,
}

/// Where a customer is, and what they have met.
#[derive(Clone, Debug)]
struct Position {
    activity: u16,
    at: i64,
    /// In ascending order: activities, activities met again, edges.
    met: Vec<u64>,
}

const AGAIN: u64 = 1 << 32;
const EDGE: u64 = 2 << 32;

impl Position {
    /// Whether this is met for the first time.
    fn meet(&mut self, what: u64) -> bool {
        match self.met.binary_search(&what) {
            Ok(_) => false,
            Err(place) => {
                self.met.insert(place, what);
                true
            }
        }
    }
}

impl JourneyGraphBuilder {
    /// No events yet. Parts that will be merged need the same names and the same detail.
    pub fn new(names: Activities, detail: DurationDetail) -> Self {
        Self {
            index: EdgeIndex::new(names.len()),
            nodes: vec![Node::default(); names.len()],
            edges: Vec::new(),
            ties: 0,
            customers: HashMap::default(),
            names,
            detail,
        }
    }

    /// Counts an event.
    ///
    /// # Arguments
    /// `at`: microseconds since 1970. `activity`: a code of the names given to [`new`](Self::new).
    ///
    /// # Errors
    /// [`JourneyError::UnknownActivity`] (row 0); [`JourneyError::TimeGoesBackwards`] when the customer's event before
    /// is later. A refused event changes nothing.
    pub fn push(&mut self, customer: CustomerId, at: i64, activity: u16) -> Result<(), JourneyError> {
        let known = self.names.len();
        let Some(node) = self.nodes.get_mut(usize::from(activity)) else {
            return Err(JourneyError::UnknownActivity { row: 0, code: activity, known });
        };
        let (position, before) = match self.customers.entry(customer) {
            Entry::Occupied(entry) => {
                let position = entry.into_mut();
                let before = (position.activity, position.at);
                if before.1 > at {
                    return Err(backwards(customer, before.1, at));
                }
                (position.activity, position.at) = (activity, at);
                (position, Some(before))
            }
            Entry::Vacant(entry) => (entry.insert(Position { activity, at, met: Vec::new() }), None),
        };
        node.count += 1;
        if position.meet(u64::from(activity)) {
            node.journeys += 1;
            node.customers += 1;
        } else if position.meet(AGAIN | u64::from(activity)) {
            node.reworked += 1;
        }
        let Some((from, since)) = before else {
            node.starts += 1;
            return Ok(());
        };
        let slot = self.index.slot(from, activity, self.edges.len());
        if slot == self.edges.len() {
            self.edges.push(Edge { from, to: activity, customers: 0, dwell: Durations::new(self.detail) });
        }
        if let Some(edge) = self.edges.get_mut(slot) {
            edge.dwell.push(between(since, at));
            edge.customers += u64::from(position.meet(EDGE | u64::from(from) << 16 | u64::from(activity)));
        }
        self.ties += u64::from(since == at);
        Ok(())
    }

    /// Counts columns of events, row by row.
    ///
    /// # Errors
    /// [`JourneyError::ColumnLength`] before anything is counted; otherwise as [`push`](Self::push), where the rows
    /// before the refused one stay counted.
    pub fn push_columns(
        &mut self,
        customers: &[CustomerId],
        times: &[i64],
        activities: &[u16],
    ) -> Result<(), JourneyError> {
        same_length(customers.len(), [("time", times.len()), ("activity", activities.len())])?;
        let rows = customers.iter().zip(times).zip(activities).enumerate();
        for (row, ((&customer, &at), &activity)) in rows {
            self.push(customer, at, activity).map_err(|error| match error {
                JourneyError::UnknownActivity { code, known, .. } => {
                    JourneyError::UnknownActivity { row, code, known }
                }
                other => other,
            })?;
        }
        Ok(())
    }

    /// Adds a part that holds other customers. Associative and commutative.
    ///
    /// # Errors
    /// [`JourneyError::DifferentRules`] for other names or detail; [`JourneyError::SharedCustomer`]. Nothing was added
    /// then.
    pub fn merge(&mut self, other: Self) -> Result<(), JourneyError> {
        if self.names != other.names {
            return Err(JourneyError::DifferentRules { setting: "activities" });
        }
        if self.detail != other.detail {
            return Err(JourneyError::DifferentRules { setting: "detail" });
        }
        let both = other.customers.keys().filter(|id| self.customers.contains_key(id)).min();
        if let Some(&customer) = both {
            return Err(shared(customer));
        }
        self.customers.extend(other.customers);
        for (sum, node) in self.nodes.iter_mut().zip(&other.nodes) {
            sum.add(node);
        }
        for edge in other.edges {
            let slot = self.index.slot(edge.from, edge.to, self.edges.len());
            match self.edges.get_mut(slot) {
                Some(sum) => {
                    sum.customers += edge.customers;
                    sum.dwell.merge(&edge.dwell);
                }
                None => self.edges.push(edge),
            }
        }
        self.ties += other.ties;
        Ok(())
    }

    /// The graph of all events so far; the last event of each customer is where their journey ends for now.
    pub fn graph(&self) -> JourneyGraph {
        let mut nodes = self.nodes.clone();
        for position in self.customers.values() {
            if let Some(node) = nodes.get_mut(usize::from(position.activity)) {
                node.ends += 1;
            }
        }
        let customers = self.customers.len() as u64;
        let totals = (customers, customers, self.ties);
        JourneyGraph::counted(self.names.clone(), nodes, self.edges.clone(), totals, self.detail)
    }
}
