use super::{JourneyError, JourneyLog};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The most customers: beyond it, not every whole number is a number of 64-bit floating point.
const MOST: u64 = 1 << 53;

/// What came of the customers who took a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PathOutcome {
    /// How many converted.
    pub conversions: u64,
    /// What their conversions were worth together, in a unit of your own.
    pub value: f64,
    /// How many did not convert.
    pub nulls: u64,
}

/// What to do with touches before credit is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PathTransform {
    /// Repeats in a row become one touch: `a b b a` is `a b a`.
    Exposure,
    /// Of each channel the first touch is kept: `a b b a` is `a b`.
    First,
    /// Touches of this channel at the end go, unless there is no other channel: for visits that only finish a journey.
    RemoveIfLastAndNotAll(u16),
    /// All touches of this channel go, unless there is no other channel.
    RemoveIfNotAll(u16),
}

/// One path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConversionPath<'a> {
    /// Channels in the order of their touches.
    pub touches: &'a [u16],
    /// How long before the end of the path each touch was, in microseconds; empty where that is not known.
    pub ages: &'a [i64],
    /// What came of it.
    pub outcome: PathOutcome,
}

/// The paths of touches that customers took, to a conversion or to none.
///
/// Paths need not be different. `push` and [`merge`](Self::merge) may come in any order; credits differ then at most in
/// the last digits.
///
/// # Example
/// ```
/// use patronage::journey::{ConversionPaths, PathOutcome};
///
/// let mut paths = ConversionPaths::new();
/// paths.push(&[0, 1], PathOutcome { conversions: 3, value: 90.0, nulls: 7 })?;
/// paths.push(&[1], PathOutcome { conversions: 1, value: 10.0, nulls: 0 })?;
/// assert_eq!((paths.conversions(), paths.nulls()), (4, 7));
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConversionPaths {
    touches: Vec<u16>,
    ages: Vec<i64>,
    /// Where each path ends in `touches`.
    ends: Vec<usize>,
    outcomes: Vec<PathOutcome>,
    conversions: u64,
    nulls: u64,
    ties: u64,
}

impl ConversionPaths {
    /// No paths yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the paths out of a log: the touches of each journey up to each conversion, and those after the last one as
    /// a path that has not converted by `as_of`. Ages are known; conversions have no value. Channels are the codes of
    /// the activities.
    ///
    /// # Arguments
    /// `goals`: the activities that are conversions; they are no touches.
    ///
    /// # Errors
    /// [`JourneyError::EventAfterAsOf`]; [`JourneyError::TooManyConversions`].
    ///
    /// # Cost
    /// O(events); 10 bytes a touch and 32 a path.
    ///
    /// # Example
    /// ```
    /// # use chrono::{DateTime, Utc};
    /// use patronage::journey::{AttributionModel, ConversionPaths, JourneyLog};
    ///
    /// let rows = [("ann", 0, "ad"), ("ann", 5, "mail"), ("ann", 9, "buy"), ("ann", 11, "ad"), ("bob", 0, "mail")];
    /// let log = JourneyLog::from_events(rows, 100)?;
    /// let as_of: DateTime<Utc> = "1970-02-01T00:00:00Z".parse()?;
    /// let paths = ConversionPaths::from_log(&log, &[log.activities().named("buy")?], as_of)?;
    /// assert_eq!((paths.conversions(), paths.nulls()), (1, 2));
    /// assert_eq!(paths.attribute(AttributionModel::Last)?.credits()[1].conversions, 1.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_log(log: &JourneyLog, goals: &[u16], as_of: DateTime<Utc>) -> Result<Self, JourneyError> {
        let mut paths = Self { ties: log.ties(), ..Self::new() };
        let as_of = as_of.timestamp_micros();
        let mut ages = Vec::new();
        for journey in log.journeys() {
            if let Some(&at) = journey.times().last().filter(|&&last| last > as_of) {
                return Err(JourneyError::EventAfterAsOf { as_of, at });
            }
            let mut times = journey.times();
            let ends = journey.activities().split_inclusive(|code| goals.contains(code));
            for path in ends {
                let (own, rest) = times.split_at_checked(path.len()).unwrap_or_default();
                times = rest;
                let (touches, converted) = match path.split_last() {
                    Some((last, touches)) if goals.contains(last) => (touches, true),
                    _ => (path, false),
                };
                let end = if converted { own.last().copied().unwrap_or(as_of) } else { as_of };
                ages.clear();
                ages.extend(own.iter().take(touches.len()).map(|&time| end.saturating_sub(time)));
                let (conversions, nulls) = (u64::from(converted), u64::from(!converted));
                paths.push_timed(touches, &ages, PathOutcome { conversions, value: 0.0, nulls })?;
            }
        }
        Ok(paths)
    }

    /// Adds customers who took a path. Conversions on a path without touches cannot be attributed; they are counted as
    /// such.
    ///
    /// # Errors
    /// [`JourneyError::PathValue`], [`JourneyError::TooManyConversions`]; nothing is added.
    pub fn push(&mut self, touches: &[u16], outcome: PathOutcome) -> Result<(), JourneyError> {
        let PathOutcome { conversions, value, nulls } = outcome;
        if !value.is_finite() || value < 0.0 || (conversions == 0 && value > 0.0) {
            return Err(JourneyError::PathValue);
        }
        let sum = |a: u64, b: u64| {
            a.checked_add(b).filter(|&sum| sum <= MOST).ok_or(JourneyError::TooManyConversions)
        };
        let (all, none) = (sum(self.conversions, conversions)?, sum(self.nulls, nulls)?);
        sum(all, none)?;
        (self.conversions, self.nulls) = (all, none);
        self.touches.extend_from_slice(touches);
        self.ends.push(self.touches.len());
        self.outcomes.push(outcome);
        Ok(())
    }

    /// Adds customers who took a path, with the age of each touch: microseconds from the touch to the end of the path
    /// (the conversion, or the last instant at which they were watched).
    ///
    /// # Errors
    /// As [`push`](Self::push), [`JourneyError::AgeCount`], [`JourneyError::AgeOrder`], and
    /// [`JourneyError::NoAges`] after paths that have none.
    pub fn push_timed(
        &mut self,
        touches: &[u16],
        ages: &[i64],
        outcome: PathOutcome,
    ) -> Result<(), JourneyError> {
        if ages.len() != touches.len() {
            return Err(JourneyError::AgeCount { touches: touches.len(), ages: ages.len() });
        }
        let mut before = i64::MAX;
        for (touch, &age) in ages.iter().enumerate() {
            if age < 0 || age > before {
                return Err(JourneyError::AgeOrder { touch });
            }
            before = age;
        }
        if !self.is_timed() {
            return Err(JourneyError::NoAges { rule: "push_timed" });
        }
        self.push(touches, outcome)?;
        self.ages.extend_from_slice(ages);
        Ok(())
    }

    /// Adds the paths of another shard.
    ///
    /// # Errors
    /// [`JourneyError::TooManyConversions`], [`JourneyError::NoAges`] when only one of both has ages; nothing is added.
    pub fn merge(&mut self, other: &Self) -> Result<(), JourneyError> {
        let mixed =
            !self.touches.is_empty() && !other.touches.is_empty() && self.is_timed() != other.is_timed();
        if mixed {
            return Err(JourneyError::NoAges { rule: "merge" });
        }
        if self.conversions + self.nulls + other.conversions + other.nulls > MOST {
            return Err(JourneyError::TooManyConversions);
        }
        let before = self.touches.len();
        self.ends.extend(other.ends.iter().map(|end| end + before));
        self.touches.extend(&other.touches);
        self.ages.extend(&other.ages);
        self.outcomes.extend(&other.outcomes);
        self.conversions += other.conversions;
        self.nulls += other.nulls;
        self.ties += other.ties;
        Ok(())
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no paths.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many customers converted.
    pub const fn conversions(&self) -> u64 {
        self.conversions
    }

    /// How many did not.
    pub const fn nulls(&self) -> u64 {
        self.nulls
    }

    /// How many pairs of neighbouring events of the log that paths were read from happened at one instant, so that the
    /// order of touches is that of the input; those of paths that were pushed are not known, and count as none.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// Whether every touch has an age.
    pub fn is_timed(&self) -> bool {
        self.ages.len() == self.touches.len()
    }

    /// The channels that are touched, ascending.
    pub fn channels(&self) -> Vec<u16> {
        let most = self.touches.iter().copied().max().map_or(0, usize::from);
        let mut seen = vec![false; most + 1];
        for &touch in &self.touches {
            if let Some(seen) = seen.get_mut(usize::from(touch)) {
                *seen = true;
            }
        }
        (0..=u16::MAX).zip(seen).filter_map(|(channel, seen)| seen.then_some(channel)).collect()
    }

    /// Each path.
    pub fn iter(&self) -> impl Iterator<Item = ConversionPath<'_>> {
        let mut start = 0;
        self.ends.iter().zip(&self.outcomes).map(move |(&end, &outcome)| {
            let rows = start..end;
            start = end;
            let touches = self.touches.get(rows.clone()).unwrap_or_default();
            ConversionPath { touches, ages: self.ages.get(rows).unwrap_or_default(), outcome }
        })
    }

    pub(super) fn with_outcomes(&self, outcomes: Vec<PathOutcome>) -> Self {
        let conversions = outcomes.iter().map(|outcome| outcome.conversions).sum();
        let nulls = outcomes.iter().map(|outcome| outcome.nulls).sum();
        Self { outcomes, conversions, nulls, ..self.clone() }
    }

    /// Keeps of each path only touches at most this old, such an age included.
    ///
    /// # Errors
    /// [`JourneyError::NoAges`], [`JourneyError::Setting`] for a negative time.
    pub fn look_back(&self, time: TimeDelta) -> Result<Self, JourneyError> {
        let rule = "must lie between 0 and 292,000 years";
        let most = time.num_microseconds().filter(|&most| most >= 0);
        let most = most.ok_or(JourneyError::Setting { setting: "look_back", rule })?;
        if !self.is_timed() {
            return Err(JourneyError::NoAges { rule: "look_back" });
        }
        Ok(self.kept(|path, touch| path.ages.get(touch).is_some_and(|&age| age <= most)))
    }

    /// Keeps of each path only the last touches.
    #[must_use]
    pub fn look_back_touches(&self, most: usize) -> Self {
        self.kept(|path, touch| touch + most >= path.touches.len())
    }

    /// Applies a rule to each path.
    #[must_use]
    pub fn transformed(&self, transform: PathTransform) -> Self {
        let at = |path: &ConversionPath<'_>, touch: usize| path.touches.get(touch).copied();
        match transform {
            PathTransform::Exposure => self.kept(|path, touch| {
                touch.checked_sub(1).and_then(|before| at(path, before)) != at(path, touch)
            }),
            PathTransform::First => self.kept(|path, touch| {
                !path.touches.iter().take(touch).any(|&earlier| Some(earlier) == at(path, touch))
            }),
            PathTransform::RemoveIfLastAndNotAll(channel) => self.kept(|path, touch| {
                let other = path.touches.iter().rposition(|&touched| touched != channel);
                other.is_none_or(|last| touch <= last)
            }),
            PathTransform::RemoveIfNotAll(channel) => self.kept(|path, touch| {
                at(path, touch) != Some(channel) || path.touches.iter().all(|&touched| touched == channel)
            }),
        }
    }

    /// Makes of each path one touch for each channel, in the order of their first touches, where the same channel
    /// touched twice is another one than touched once: `a b b` is `a×1 b×2`. The second answer says which channel, and
    /// how often, each new number stands for.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] for more than 65,536 different ones.
    pub fn by_frequency(&self) -> Result<(Self, Vec<(u16, u32)>), JourneyError> {
        let counted = |path: &ConversionPath<'_>| {
            let mut counted: Vec<(u16, u32, Option<i64>)> = Vec::new();
            for (touch, &channel) in path.touches.iter().enumerate() {
                let age = path.ages.get(touch).copied();
                match counted.iter_mut().find(|known| known.0 == channel) {
                    Some(known) => known.1 += 1,
                    None => counted.push((channel, 1, age)),
                }
            }
            counted
        };
        let mut kinds: Vec<(u16, u32)> =
            self.iter().flat_map(|path| counted(&path)).map(|(channel, times, _)| (channel, times)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.len() > usize::from(u16::MAX) + 1 {
            let rule = "gives more than 65,536 different kinds of touches";
            return Err(JourneyError::Setting { setting: "by_frequency", rule });
        }
        let mut made = self.emptied();
        for path in self.iter() {
            for (channel, times, age) in counted(&path) {
                let place = kinds.binary_search(&(channel, times)).unwrap_or_default();
                made.touches.push(u16::try_from(place).unwrap_or(u16::MAX));
                made.ages.extend(age);
            }
            made.ends.push(made.touches.len());
            made.outcomes.push(path.outcome);
        }
        Ok((made, kinds))
    }

    /// No paths, but what is known of all of them.
    fn emptied(&self) -> Self {
        Self { conversions: self.conversions, nulls: self.nulls, ties: self.ties, ..Self::default() }
    }

    fn kept(&self, keep: impl Fn(&ConversionPath<'_>, usize) -> bool) -> Self {
        let mut kept = self.emptied();
        for path in self.iter() {
            for (touch, &channel) in path.touches.iter().enumerate() {
                if keep(&path, touch) {
                    kept.touches.push(channel);
                    kept.ages.extend(path.ages.get(touch));
                }
            }
            kept.ends.push(kept.touches.len());
            kept.outcomes.push(path.outcome);
        }
        kept
    }
}

/// For each channel number, its place among some channels (ascending).
pub(super) fn places(channels: &[u16]) -> Vec<usize> {
    let mut places = vec![0; channels.last().map_or(0, |&last| usize::from(last) + 1)];
    for (place, &channel) in channels.iter().enumerate() {
        if let Some(slot) = places.get_mut(usize::from(channel)) {
            *slot = place;
        }
    }
    places
}
