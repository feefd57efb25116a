use super::fold_hash::FoldState;
use super::{Activities, JourneyError, JourneyLog};
use crate::measure::Share;
use std::collections::HashMap;

/// One way to go through: a sequence of activities, and how many journeys took exactly it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    activities: Box<[u16]>,
    journeys: u64,
}

impl Variant {
    /// The codes of its activities, in order.
    pub fn activities(&self) -> &[u16] {
        &self.activities
    }

    /// How many journeys took it.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }
}

/// The different ways customers went through, the most frequent first.
///
/// # Cost
/// O(events); each different way is kept once.
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
    ranked: Vec<Variant>,
    journeys: u64,
}

impl Variants {
    /// Counts the variants of a log.
    pub fn from_log(log: &JourneyLog) -> Self {
        let mut counts: HashMap<&[u16], u64, FoldState> = HashMap::default();
        for journey in log.journeys() {
            *counts.entry(journey.activities()).or_insert(0) += 1;
        }
        Self::rank(log.activities().clone(), counts)
    }

    /// The most frequent first; of equally frequent ones the one with the lower codes.
    fn rank<S>(names: Activities, counts: HashMap<S, u64, FoldState>) -> Self
    where
        S: AsRef<[u16]>,
    {
        let journeys = counts.values().sum();
        // The first four codes in one number decide most comparisons without a look at the sequence.
        let begin = |codes: &[u16]| {
            let first = codes.iter().copied().chain(std::iter::repeat(0)).take(4);
            first.fold(0, |number, code| number << 16 | u64::from(code))
        };
        let mut order: Vec<(u64, u64, S)> =
            counts.into_iter().map(|(codes, journeys)| (journeys, begin(codes.as_ref()), codes)).collect();
        order.sort_unstable_by(|a, b| {
            b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then_with(|| a.2.as_ref().cmp(b.2.as_ref()))
        });
        let ranked = order
            .into_iter()
            .map(|(journeys, _, codes)| Variant { activities: codes.as_ref().into(), journeys })
            .collect();
        Self { names, ranked, journeys }
    }

    /// Adds the variants of other journeys. Associative and commutative; activities are matched by name.
    ///
    /// # Errors
    /// [`JourneyError::ActivityLimit`] when together there are more activities than codes.
    pub fn merge(&mut self, other: &Self) -> Result<(), JourneyError> {
        let (names, own, theirs) = self.names.union(&other.names)?;
        let mut counts: HashMap<Vec<u16>, u64, FoldState> = HashMap::default();
        for (part, codes) in [(&*self, &own), (other, &theirs)] {
            for variant in &part.ranked {
                let renamed =
                    variant.activities.iter().filter_map(|&code| codes.get(usize::from(code)).copied());
                *counts.entry(renamed.collect()).or_insert(0) += variant.journeys;
            }
        }
        *self = Self::rank(names, counts);
        Ok(())
    }

    /// The names of the activities.
    pub const fn activities(&self) -> &Activities {
        &self.names
    }

    /// Each variant, the most frequent first.
    pub fn iter(&self) -> std::slice::Iter<'_, Variant> {
        self.ranked.iter()
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

    /// Which share of all journeys a variant took.
    pub fn share(&self, variant: &Variant) -> Option<Share> {
        Share::of(variant.journeys, self.journeys).ok().flatten()
    }

    /// How many variants, the most frequent first, cover at least a share of all journeys.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits of the counts")]
    pub fn needed_for(&self, share: Share) -> usize {
        let wanted = share.get() * self.journeys as f64;
        let mut covered = 0;
        self.ranked
            .iter()
            .take_while(|variant| {
                let short = (covered as f64) < wanted;
                covered += variant.journeys;
                short
            })
            .count()
    }
}

impl<'a> IntoIterator for &'a Variants {
    type Item = &'a Variant;
    type IntoIter = std::slice::Iter<'a, Variant>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
