use super::fold_hash::FoldState;
use super::graph::{EdgeIndex, estimate};
use super::{Activities, JourneyError, JourneyLog};
use crate::measure::{Estimate, Share};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::collections::HashMap;

/// One activity followed by another, directly or later, in the same journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Follow {
    from: u16,
    to: u16,
    count: u64,
    journeys: u64,
}

impl Follow {
    /// The code of the earlier activity.
    pub const fn from(&self) -> u16 {
        self.from
    }

    /// The code of the later activity.
    pub const fn to(&self) -> u16 {
        self.to
    }

    /// How many pairs of events there are, the one before the other: `a a b` has two of `a`, `b`.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// In how many journeys the one comes before the other at least once.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }
}

/// Which activity comes after which at all, however much lies between: who complains may leave weeks later.
///
/// Pairs are counted while each journey is walked once, and never written down: memory is 32 bytes for each pair of
/// activities that occurs (and 4 MB at most to find them), whatever the number of events.
///
/// # Cost
/// O(events times the different activities of their journey).
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::journey::{EventuallyFollows, JourneyLog};
///
/// let rows = [(1, 0, "complain"), (1, 1, "ask"), (1, 2, "leave"), (2, 0, "complain"), (2, 1, "ask")];
/// let follows = EventuallyFollows::from_log(&JourneyLog::from_events(rows, 10)?);
/// let left = follows.pair("complain", "leave").ok_or("nobody left")?;
/// assert_eq!((left.count(), left.journeys()), (1, 1));
/// assert_eq!(follows.share("complain", "leave", Share::new(0.95)?).map(|share| share.value()), Some(0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventuallyFollows {
    names: Activities,
    /// In the order of codes.
    pairs: Vec<Follow>,
    /// In how many journeys each activity occurs.
    met: Vec<u64>,
    journeys: u64,
    ties: u64,
}

/// What is known of an activity within the journey that is walked.
#[derive(Clone, Copy)]
struct Met {
    activity: u16,
    times: u64,
    first: usize,
    last: usize,
}

impl EventuallyFollows {
    /// Counts the pairs of a log.
    pub fn from_log(log: &JourneyLog) -> Self {
        let mut index = EdgeIndex::new(log.activities().len());
        let mut pairs: Vec<Follow> = Vec::new();
        let mut met = vec![0_u64; log.activities().len()];
        // Where each activity stands in `seen`, one more than the place; 0 for not yet.
        let mut places = vec![0_u32; log.activities().len()];
        let mut seen: Vec<Met> = Vec::new();
        for journey in log.journeys() {
            for (at, &activity) in journey.activities().iter().enumerate() {
                let place =
                    places.get(usize::from(activity)).and_then(|&place| (place as usize).checked_sub(1));
                let own = place.and_then(|place| seen.get(place)).copied();
                for before in &seen {
                    let slot = index.slot(before.activity, activity, pairs.len());
                    if slot == pairs.len() {
                        pairs.push(Follow { from: before.activity, to: activity, count: 0, journeys: 0 });
                    }
                    if let Some(pair) = pairs.get_mut(slot) {
                        pair.count += before.times;
                        // New to the journey, unless this activity came before, after the first of the other.
                        let known = own.is_some_and(|own| {
                            if own.activity == before.activity {
                                own.times > 1
                            } else {
                                before.first < own.last
                            }
                        });
                        pair.journeys += u64::from(!known);
                    }
                }
                if let Some(own) = place.and_then(|place| seen.get_mut(place)) {
                    own.times += 1;
                    own.last = at;
                } else {
                    seen.push(Met { activity, times: 1, first: at, last: at });
                    if let Some(place) = places.get_mut(usize::from(activity)) {
                        *place = u32::try_from(seen.len()).unwrap_or(u32::MAX);
                    }
                }
            }
            for one in seen.drain(..) {
                if let (Some(place), Some(met)) =
                    (places.get_mut(usize::from(one.activity)), met.get_mut(usize::from(one.activity)))
                {
                    *place = 0;
                    *met += 1;
                }
            }
        }
        pairs.sort_unstable_by_key(|pair| (pair.from, pair.to));
        let journeys = log.journeys().len() as u64;
        Self { names: log.activities().clone(), pairs, met, journeys, ties: log.ties() }
    }

    /// Adds the pairs of other journeys. Associative and commutative; activities are matched by name.
    ///
    /// # Errors
    /// [`JourneyError::ActivityLimit`] when together there are more activities than codes.
    pub fn merge(&mut self, other: &Self) -> Result<(), JourneyError> {
        let (names, own, theirs) = self.names.union(&other.names)?;
        let mut sums: HashMap<(u16, u16), (u64, u64), FoldState> = HashMap::default();
        let mut met = vec![0_u64; names.len()];
        for (part, codes) in [(&*self, &own), (other, &theirs)] {
            let rename = |code: u16| codes.get(usize::from(code)).copied().unwrap_or_default();
            for pair in &part.pairs {
                let sum = sums.entry((rename(pair.from), rename(pair.to))).or_default();
                *sum = (sum.0 + pair.count, sum.1 + pair.journeys);
            }
            for (&more, &code) in part.met.iter().zip(codes) {
                if let Some(sum) = met.get_mut(usize::from(code)) {
                    *sum += more;
                }
            }
        }
        let pairs =
            sums.into_iter().map(|((from, to), (count, journeys))| Follow { from, to, count, journeys });
        self.pairs = pairs.collect();
        self.pairs.sort_unstable_by_key(|pair| (pair.from, pair.to));
        (self.names, self.met) = (names, met);
        self.journeys += other.journeys;
        self.ties += other.ties;
        Ok(())
    }

    /// The names of the activities.
    pub const fn activities(&self) -> &Activities {
        &self.names
    }

    /// How many journeys were counted.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }

    /// How many pairs of neighbouring events happened at one instant, so that their order is that of the input.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// Each pair that occurs, in the order of codes.
    pub fn pairs(&self) -> &[Follow] {
        &self.pairs
    }

    /// One pair, by name; `None` where the one never comes before the other.
    pub fn pair(&self, from: &str, to: &str) -> Option<&Follow> {
        let key = (self.names.named(from).ok()?, self.names.named(to).ok()?);
        let place = self.pairs.binary_search_by_key(&key, |pair| (pair.from, pair.to)).ok()?;
        self.pairs.get(place)
    }

    /// Of the journeys that meet one activity, the share in which another comes afterwards, with the Wilson interval;
    /// `None` where no journey meets it or a name is unknown.
    pub fn share(&self, from: &str, to: &str, level: Share) -> Option<Estimate> {
        let met = self.met.get(usize::from(self.names.named(from).ok()?)).copied()?;
        self.names.named(to).ok()?;
        estimate(self.pair(from, to).map_or(0, Follow::journeys), met, level)
    }
}

/// Written with the names of activities, in the order of codes.
impl Serialize for EventuallyFollows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            from: &'a str,
            to: &'a str,
            count: u64,
            journeys: u64,
        }
        let name = |code| self.names.name(code);
        let pairs = self.pairs.iter().map(|&Follow { from, to, count, journeys }| Named {
            from: name(from),
            to: name(to),
            count,
            journeys,
        });
        let mut fields = serializer.serialize_struct("EventuallyFollows", 3)?;
        fields.serialize_field("journeys", &self.journeys)?;
        fields.serialize_field("ties", &self.ties)?;
        fields.serialize_field("pairs", &pairs.collect::<Vec<_>>())?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    type Row = (u32, i64, String);

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        prop::collection::vec((0_u32..5, 0_i64..1_000, "[a-e]"), 0..60)
    }

    proptest! {
        #[test]
        fn equals_writing_down_every_pair(rows in rows(), cut in 0_u32..5) {
            let log = |rows: Vec<Row>| JourneyLog::from_events(rows, 10).unwrap();
            let whole = EventuallyFollows::from_log(&log(rows.clone()));
            let mut expected: BTreeMap<(String, String), (u64, BTreeSet<u32>)> = BTreeMap::new();
            for customer in 0..5 {
                let mut own: Vec<&Row> = rows.iter().filter(|row| row.0 == customer).collect();
                own.sort_by_key(|row| row.1);
                for (at, one) in own.iter().enumerate() {
                    for two in &own[at + 1..] {
                        let pair = expected.entry((one.2.clone(), two.2.clone())).or_default();
                        pair.0 += 1;
                        pair.1.insert(customer);
                    }
                }
            }
            prop_assert_eq!(whole.pairs().len(), expected.len());
            for ((from, to), (count, journeys)) in expected {
                let pair = whole.pair(&from, &to).unwrap();
                prop_assert_eq!((pair.count(), pair.journeys()), (count, journeys.len() as u64), "{} {}", from, to);
            }
            let (low, high): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.0 < cut);
            let (low, high) = (EventuallyFollows::from_log(&log(low)), EventuallyFollows::from_log(&log(high)));
            let (mut one, mut two) = (low.clone(), high.clone());
            one.merge(&high).unwrap();
            two.merge(&low).unwrap();
            prop_assert_eq!(&one, &whole);
            prop_assert_eq!(&two, &whole);
        }
    }
}
