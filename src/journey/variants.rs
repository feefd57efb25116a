use super::fold_hash::FoldState;
use super::numbering::{Numbering, PART};
use super::{Activities, JourneyError, JourneyLog};
use crate::measure::Share;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// One way to go through: a sequence of activities, and how many journeys took exactly it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variant<'a> {
    activities: &'a [u16],
    journeys: u64,
}

impl<'a> Variant<'a> {
    /// The codes of its activities, in order.
    pub const fn activities(self) -> &'a [u16] {
        self.activities
    }

    /// How many journeys took it.
    pub const fn journeys(self) -> u64 {
        self.journeys
    }
}

/// The different ways customers went through, the most frequent first.
///
/// # Cost
/// O(events), and the sort of the different ways, each of which is kept once: 2 bytes an event and 16 apiece.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::journey::{JourneyLog, Variants};
///
/// let rows = [(1, 0, "ask"), (1, 1, "pay"), (2, 0, "ask"), (2, 9, "pay"), (3, 0, "ask")];
/// let variants = Variants::from_log(&JourneyLog::from_events(rows, 10)?);
/// assert_eq!(variants.iter().map(|variant| variant.journeys()).collect::<Vec<_>>(), [2, 1]);
/// assert_eq!(variants.needed_for(Share::new(0.6)?), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variants {
    names: Activities,
    /// The sequences one after the other, the most frequent first.
    codes: Vec<u16>,
    /// Where each sequence ends in `codes`, and how many journeys took it.
    ranked: Vec<(usize, u64)>,
    journeys: u64,
    ties: u64,
}

/// A sequence of codes as a key, which hashes four codes at a time.
#[derive(PartialEq, Eq)]
struct Sequence<'a>(&'a [u16]);

impl Hash for Sequence<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let (words, rest) = self.0.as_chunks::<4>();
        for &word in words {
            let [a, b, c, d] = word.map(u64::from);
            hasher.write_u64(a | b << 16 | c << 32 | d << 48);
        }
        let last = rest.iter().fold(0, |word, &code| word << 16 | u64::from(code));
        // The length tells sequences apart that end in zeros.
        hasher.write_u64(last | (self.0.len() as u64) << 48);
    }
}

impl Variants {
    /// Counts the variants of a log.
    pub fn from_log(log: &JourneyLog) -> Self {
        let mut numbering = Numbering::new();
        let mut counts: Vec<u64> = Vec::new();
        let mut part: Vec<Sequence<'_>> = Vec::with_capacity(PART);
        let mut journeys = log.journeys();
        loop {
            part.extend(journeys.by_ref().take(PART).map(|journey| Sequence(journey.activities())));
            if part.is_empty() {
                break;
            }
            // There are fewer journeys than numbers: each is an event of ten bytes at least.
            let _ = numbering.take(&mut part, |number| match counts.get_mut(number as usize) {
                Some(count) => *count += 1,
                None => counts.push(1),
            });
        }
        let keys = numbering.into_keys();
        let found: Vec<(&[u16], u64)> = keys.iter().map(|key| key.0).zip(counts).collect();
        Self::rank(log.activities().clone(), &found, log.ties())
    }

    /// The most frequent first; of equally frequent ones the one with the lower codes.
    fn rank(names: Activities, found: &[(&[u16], u64)], ties: u64) -> Self {
        // The first codes in one number, each one higher so that the end is the least, decide most comparisons without
        // a look at the sequence.
        let bits: u32 = if names.len() < 256 { 8 } else { 16 };
        let room = (128 / bits) as usize;
        let begin = |codes: &[u16]| {
            let taken = codes.len().min(room);
            let number =
                codes.iter().take(room).fold(0_u128, |number, &code| number << bits | (u128::from(code) + 1));
            // A shift by all bits, for no codes at all, gives nothing too.
            number.checked_shl(bits * u32::try_from(room - taken).unwrap_or(0)).unwrap_or(0)
        };
        let mut order: Vec<(u64, u128, &[u16])> =
            found.iter().map(|&(codes, journeys)| (u64::MAX - journeys, begin(codes), codes)).collect();
        order.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then(a.1.cmp(&b.1)).then_with(|| a.2.get(room..).cmp(&b.2.get(room..)))
        });
        let mut all = Self {
            names,
            codes: Vec::with_capacity(found.iter().map(|(codes, _)| codes.len()).sum()),
            ranked: Vec::with_capacity(found.len()),
            journeys: 0,
            ties,
        };
        for (below, _, codes) in order {
            all.codes.extend_from_slice(codes);
            all.ranked.push((all.codes.len(), u64::MAX - below));
            all.journeys += u64::MAX - below;
        }
        all
    }

    /// Adds the variants of other journeys. Associative and commutative; activities are matched by name.
    ///
    /// # Errors
    /// [`JourneyError::ActivityLimit`] when together there are more activities than codes.
    pub fn merge(&mut self, other: &Self) -> Result<(), JourneyError> {
        let (names, own, theirs) = self.names.union(&other.names)?;
        let mut counts: HashMap<Vec<u16>, u64, FoldState> = HashMap::default();
        for (part, codes) in [(&*self, &own), (other, &theirs)] {
            for variant in part.iter() {
                let renamed =
                    variant.activities.iter().filter_map(|&code| codes.get(usize::from(code)).copied());
                *counts.entry(renamed.collect()).or_insert(0) += variant.journeys;
            }
        }
        let found: Vec<(&[u16], u64)> =
            counts.iter().map(|(codes, &journeys)| (codes.as_slice(), journeys)).collect();
        *self = Self::rank(names, &found, self.ties + other.ties);
        Ok(())
    }

    /// The names of the activities.
    pub const fn activities(&self) -> &Activities {
        &self.names
    }

    /// Each variant, the most frequent first, ties by codes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Variant<'_>> + Clone {
        let mut first = 0;
        self.ranked.iter().map(move |&(end, journeys)| {
            let activities = self.codes.get(first..end).unwrap_or_default();
            first = end;
            Variant { activities, journeys }
        })
    }

    /// How many different variants there are.
    pub fn len(&self) -> usize {
        self.ranked.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ranked.is_empty()
    }

    /// How many journeys were counted: the whole of every share.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }

    /// How many pairs of neighbouring events happened at one instant, so that their order is that of the input.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// Which share of all journeys a variant took.
    pub fn share(&self, variant: Variant<'_>) -> Option<Share> {
        Share::of(variant.journeys, self.journeys).ok().flatten()
    }

    /// How many variants, the most frequent first, cover at least a share of all journeys.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits of the counts")]
    pub fn needed_for(&self, share: Share) -> usize {
        let wanted = share.get() * self.journeys as f64;
        let mut covered = 0;
        self.ranked
            .iter()
            .take_while(|(_, journeys)| {
                let short = (covered as f64) < wanted;
                covered += journeys;
                short
            })
            .count()
    }
}

/// Written with the names of activities, the most frequent variant first, and which share of journeys took each.
impl Serialize for Variants {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            activities: Vec<&'a str>,
            journeys: u64,
            share: Option<Share>,
        }
        let named = self.iter().map(|variant| Named {
            activities: variant.activities.iter().map(|&code| self.names.name(code)).collect(),
            journeys: variant.journeys,
            share: self.share(variant),
        });
        let mut fields = serializer.serialize_struct("Variants", 3)?;
        fields.serialize_field("journeys", &self.journeys)?;
        fields.serialize_field("ties", &self.ties)?;
        fields.serialize_field("variants", &named.collect::<Vec<_>>())?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn ranked(log: &JourneyLog) -> Vec<(Vec<u16>, u64)> {
        Variants::from_log(log).iter().map(|one| (one.activities.to_vec(), one.journeys)).collect()
    }

    proptest! {
        /// With few and with many names, because few take fewer bits.
        #[test]
        fn equals_counting_in_a_map(
            journeys in prop::collection::vec(prop::collection::vec(0_u16..3, 1..25), 0..60),
            spread in prop::sample::select(vec![1_u16, 100]),
            cut in 0_u32..60,
        ) {
            let names = Activities::new((0..300).map(|n| format!("{n:03}"))).unwrap();
            let log = |of: &dyn Fn(u32) -> bool| {
                let rows = (0..).zip(&journeys).filter(|one| of(one.0));
                let rows: Vec<_> = rows.flat_map(|(c, codes)| (0..).zip(codes).map(move |(t, &a)| (c, t, a * spread))).collect();
                let customers: Vec<u32> = rows.iter().map(|row| row.0).collect();
                let times: Vec<i64> = rows.iter().map(|row| row.1).collect();
                let codes: Vec<u16> = rows.iter().map(|row| row.2).collect();
                let names = if spread == 1 { Activities::new(["a", "b", "c"]).unwrap() } else { names.clone() };
                JourneyLog::from_columns(&customers, &times, &codes, names).unwrap()
            };
            let whole = log(&|_| true);
            let mut expected: BTreeMap<Vec<u16>, u64> = BTreeMap::new();
            for journey in whole.journeys() {
                *expected.entry(journey.activities().to_vec()).or_insert(0) += 1;
            }
            let mut expected: Vec<_> = expected.into_iter().collect();
            expected.sort_by_key(|one| std::cmp::Reverse(one.1));
            prop_assert_eq!(&ranked(&whole), &expected);

            let (low, high) = (Variants::from_log(&log(&|n| n < cut)), Variants::from_log(&log(&|n| n >= cut)));
            let (mut one, mut two) = (low.clone(), high.clone());
            one.merge(&high).unwrap();
            two.merge(&low).unwrap();
            prop_assert_eq!(&one, &Variants::from_log(&whole));
            prop_assert_eq!(&two, &one);
        }
    }

    #[test]
    fn very_many_are_told_apart() {
        let digits = |number: u32| (0..4).map(move |place| number / 11_u32.pow(place) % 11);
        let rows = (0..14_641_u32).flat_map(|n| (0..).zip(digits(n)).map(move |(at, digit)| (n, at, digit)));
        let variants = Variants::from_log(&JourneyLog::from_events(rows, 20).unwrap());
        assert_eq!((variants.len(), variants.journeys()), (14_641, 14_641));
        assert!(variants.iter().map(|one| one.activities).is_sorted());
    }
}
