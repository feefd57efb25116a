use crate::measure::Share;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where customers went between two dates: how many from which segment into which.
///
/// A customer who was unknown on one of the dates has no segment there (`None`): new ones come from none, lost ones go to
/// none. Parts are counted apart and merged; the order never matters.
///
/// JSON form: a list of `{"from":"loyal","to":"at_risk","customers":12}`, sorted; `null` for none.
///
/// # Cost
/// One count for each pair of segments that occurs.
///
/// # Example
/// ```
/// use patronage::segment::{RfmSegment, SegmentMigration};
///
/// let mut migration = SegmentMigration::default();
/// for (before, after) in [
///     (Some(RfmSegment::Loyal), Some(RfmSegment::Loyal)),
///     (Some(RfmSegment::Loyal), Some(RfmSegment::AtRisk)),
///     (None, Some(RfmSegment::New)),
/// ] {
///     migration.push(before, after);
/// }
/// assert_eq!(migration.customers(Some(RfmSegment::Loyal), Some(RfmSegment::AtRisk)), 1);
/// assert_eq!(migration.stayed(RfmSegment::Loyal).map(|share| share.to_string()).as_deref(), Some("50.0 %"));
/// assert_eq!((migration.entered(RfmSegment::New), migration.left(RfmSegment::Loyal)), (1, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentMigration<S: Ord> {
    counts: BTreeMap<(Option<S>, Option<S>), u64>,
}

impl<S: Ord> Default for SegmentMigration<S> {
    fn default() -> Self {
        Self { counts: BTreeMap::new() }
    }
}

impl<S: Ord + Copy> SegmentMigration<S> {
    /// Counts one customer. One who had no segment on either date is not counted.
    pub fn push(&mut self, before: Option<S>, after: Option<S>) {
        if before.is_some() || after.is_some() {
            *self.counts.entry((before, after)).or_insert(0) += 1;
        }
    }

    /// Adds the customers of another part. Associative and commutative.
    pub fn merge(&mut self, other: &Self) {
        for (&pair, more) in &other.counts {
            *self.counts.entry(pair).or_insert(0) += more;
        }
    }

    /// How many customers went from one segment to another.
    pub fn customers(&self, from: Option<S>, to: Option<S>) -> u64 {
        self.counts.get(&(from, to)).copied().unwrap_or(0)
    }

    /// All moves that occurred, sorted: from, to, customers.
    pub fn moves(&self) -> impl Iterator<Item = (Option<S>, Option<S>, u64)> + '_ {
        self.counts.iter().map(|(&(from, to), &customers)| (from, to, customers))
    }

    /// The share of a segment's customers who were in it on both dates; `None` where nobody was in it before.
    pub fn stayed(&self, segment: S) -> Option<Share> {
        let before = self.total(|from, _| from == Some(segment));
        Share::of(self.customers(Some(segment), Some(segment)), before).ok().flatten()
    }

    /// How many came into a segment, from others or from none.
    pub fn entered(&self, segment: S) -> u64 {
        self.total(|from, to| to == Some(segment) && from != to)
    }

    /// How many left a segment, for others or for none.
    pub fn left(&self, segment: S) -> u64 {
        self.total(|from, to| from == Some(segment) && from != to)
    }

    fn total(&self, wanted: impl Fn(Option<S>, Option<S>) -> bool) -> u64 {
        self.moves().filter(|&(from, to, _)| wanted(from, to)).map(|(.., customers)| customers).sum()
    }
}

impl<S: Ord + Copy + Serialize> Serialize for SegmentMigration<S> {
    fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        #[derive(Serialize)]
        struct Move<S> {
            from: Option<S>,
            to: Option<S>,
            customers: u64,
        }
        serializer.collect_seq(self.moves().map(|(from, to, customers)| Move { from, to, customers }))
    }
}
