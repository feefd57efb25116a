use super::activities::{Interner, Numbers};
use super::error::same_length;
use super::fold_hash::FoldState;
use super::grouping::Grouped;
use super::numbering::{Numbering, PART};
use super::{Activities, JourneyError};
use crate::customer::CustomerId;
use crate::interaction::Interaction;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

/// By which dimension of an interaction journeys are told: what becomes the activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum JourneyKey {
    /// The means: phone, e-mail, chat.
    Touchpoint,
    /// The place: web, mobile, store, call centre.
    Channel,
    /// The part of the business: ordering, billing, support.
    Engagement,
    /// How it ended; `(unknown)` where that is not known.
    Outcome,
    /// Why the customer came; `(unknown)` where that is not known.
    Reason,
}

/// Shows what is not known as `(unknown)`, which no tag can read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct OrUnknown<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for OrUnknown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(known) => known.fmt(f),
            None => f.write_str("(unknown)"),
        }
    }
}

/// Events grouped into journeys, prepared for counting: who (32 bits), when (microseconds since 1970) and what (a code
/// of 16 bits, named by [`Activities`]).
///
/// Events are sorted by customer, then time; events of one customer at one instant keep the order in which they came
/// in, and [`ties`](Self::ties) says how many pairs that decided. A journey is all events of one customer, or a part
/// of them after [`sessions`](Self::sessions). Customers have the codes 0, 1, ... in the order in which they first
/// came in. More activities than the limit become one, `(other)`, the rarest first.
///
/// # Cost
/// 10 bytes an event. Sorted input is only checked; other input is sorted in linear time, plus the sort of those
/// customers whose own events came out of order.
///
/// # Example
/// ```
/// use patronage::journey::JourneyLog;
///
/// let log = JourneyLog::from_events([("ann", 30, "pay"), ("bob", 10, "browse"), ("ann", 20, "browse")], 100)?;
/// let journeys: Vec<Vec<&str>> =
///     log.journeys().map(|j| j.activities().iter().map(|&code| log.activities().name(code)).collect()).collect();
/// assert_eq!(journeys, [vec!["browse", "pay"], vec!["browse"]]);
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct JourneyLog {
    names: Activities,
    ids: Vec<CustomerId>,
    /// The first event of each journey, and the number of events.
    starts: Vec<usize>,
    customers: Vec<u32>,
    times: Vec<i64>,
    activities: Vec<u16>,
    ties: u64,
}

/// One journey: the events of one customer in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Journey<'a> {
    customer: u32,
    times: &'a [i64],
    activities: &'a [u16],
}

impl<'a> Journey<'a> {
    /// The code of the customer.
    pub const fn customer(&self) -> u32 {
        self.customer
    }

    /// When each event happened, in microseconds since 1970, ascending.
    pub const fn times(&self) -> &'a [i64] {
        self.times
    }

    /// What each event was.
    pub const fn activities(&self) -> &'a [u16] {
        self.activities
    }
}

impl JourneyLog {
    /// Prepares interactions, told by one dimension.
    ///
    /// # Errors
    /// [`JourneyError::ActivityLimit`] when `limit` is 0 or above [`Activities::MOST`];
    /// [`JourneyError::TooManyCustomers`].
    pub fn from_interactions(
        interactions: &[Interaction],
        key: JourneyKey,
        limit: usize,
    ) -> Result<Self, JourneyError> {
        match key {
            JourneyKey::Touchpoint => {
                Self::from_interactions_by(interactions, limit, Interaction::touchpoint)
            }
            JourneyKey::Channel => Self::from_interactions_by(interactions, limit, Interaction::channel),
            JourneyKey::Engagement => {
                Self::from_interactions_by(interactions, limit, Interaction::engagement)
            }
            JourneyKey::Outcome => {
                Self::from_interactions_by(interactions, limit, |one| OrUnknown(one.outcome()))
            }
            JourneyKey::Reason => {
                Self::from_interactions_by(interactions, limit, |one| OrUnknown(one.reason()))
            }
        }
    }

    /// Prepares interactions, told by a key of your own: a stage, a pair of dimensions, a name.
    ///
    /// Keys that read alike are one activity.
    ///
    /// # Errors
    /// As [`from_interactions`](Self::from_interactions).
    ///
    /// # Example
    /// ```
    /// use patronage::customer::CustomerId;
    /// use patronage::interaction::{Interaction, InteractionId};
    /// use patronage::journey::JourneyLog;
    ///
    /// let visit = Interaction::builder(
    ///     InteractionId::derive(&["visit 1"]),
    ///     CustomerId::derive(&["customer 17"]),
    ///     "2026-03-01T10:00:00Z".parse()?,
    /// )
    /// .build()?;
    /// let key = |one: &Interaction| format!("{} by {}", one.channel(), one.touchpoint());
    /// let log = JourneyLog::from_interactions_by(&[visit], 100, key)?;
    /// assert_eq!(log.activities().name(0), "web by self_service");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_interactions_by<K: Hash + Eq + Clone + ToString>(
        interactions: &[Interaction],
        limit: usize,
        key: impl Fn(&Interaction) -> K,
    ) -> Result<Self, JourneyError> {
        let rows = interactions
            .iter()
            .map(|one| (one.customer().as_uuid().as_u64_pair(), one.at().timestamp_micros(), key(one)));
        let (mut log, ids) = Self::gather(rows, limit)?;
        let id = |(high, low)| CustomerId::new(uuid::Uuid::from_u64_pair(high, low));
        log.ids = ids.into_iter().map(id).collect();
        Ok(log)
    }

    /// Prepares rows of any table: customer, time in microseconds since 1970, name of the activity.
    ///
    /// # Errors
    /// As [`from_interactions`](Self::from_interactions).
    pub fn from_events<C: Hash + Eq + Clone, K: Hash + Eq + Clone + ToString>(
        events: impl IntoIterator<Item = (C, i64, K)>,
        limit: usize,
    ) -> Result<Self, JourneyError> {
        Self::gather(events.into_iter(), limit).map(|(log, _)| log)
    }

    fn gather<C: Hash + Eq + Clone, K: Hash + Eq + Clone + ToString>(
        mut rows: impl Iterator<Item = (C, i64, K)>,
        limit: usize,
    ) -> Result<(Self, Vec<C>), JourneyError> {
        let room = rows.size_hint().0;
        let (mut customers, mut times) = (Vec::with_capacity(room), Vec::with_capacity(room));
        let mut keys = Numbers::Narrow(Vec::with_capacity(room));
        let mut numbering = Numbering::new();
        let mut interner = Interner::new();
        let mut part = Vec::with_capacity(PART);
        loop {
            for (customer, time, key) in rows.by_ref().take(PART) {
                part.push(customer);
                times.push(time);
                keys.push(interner.number(key)?);
            }
            if part.is_empty() {
                break;
            }
            let taken = numbering.take(&mut part, |number| customers.push(number));
            taken.ok_or(JourneyError::TooManyCustomers)?;
        }
        let ids = numbering.into_keys();
        let (names, codes) = interner.settle(limit)?;
        let activities = keys.into_codes(&codes);
        let log = Self::grouped(&customers, &times, &activities, names, ids.len());
        Ok((log, ids))
    }

    /// Prepares columns of codes, in any order.
    ///
    /// # Arguments
    /// `customers`: any code of the customer; small codes take the fast way. `times`: microseconds since 1970.
    /// `activities`: codes of `names`.
    ///
    /// # Errors
    /// [`JourneyError::ColumnLength`], [`JourneyError::UnknownActivity`].
    ///
    /// # Example
    /// ```
    /// use patronage::journey::{Activities, JourneyLog};
    ///
    /// let names = Activities::new(["browse", "pay"])?;
    /// let log = JourneyLog::from_columns(&[7, 7, 9], &[5, 3, 4], &[1, 0, 0], names)?;
    /// assert_eq!(log.journeys().map(|journey| journey.customer()).collect::<Vec<_>>(), [7, 9]);
    /// assert_eq!(log.journeys().next().unwrap().times(), [3, 5]);
    /// # Ok::<(), patronage::journey::JourneyError>(())
    /// ```
    pub fn from_columns(
        customers: &[u32],
        times: &[i64],
        activities: &[u16],
        names: Activities,
    ) -> Result<Self, JourneyError> {
        same_length(customers.len(), [("time", times.len()), ("activity", activities.len())])?;
        let known = names.len();
        if activities.iter().max().is_some_and(|&most| usize::from(most) >= known)
            && let Some((row, &code)) =
                activities.iter().enumerate().find(|&(_, &code)| usize::from(code) >= known)
        {
            return Err(JourneyError::UnknownActivity { row, code, known });
        }
        let most = customers.iter().copied().max().map_or(0, |most| most as usize + 1);
        if most <= customers.len().saturating_mul(4).saturating_add(1024) {
            return Ok(Self::grouped(customers, times, activities, names, most));
        }
        // Far apart codes would need a table as long as the largest: give them numbers in their own order.
        let mut codes: Vec<u32> = customers.to_vec();
        codes.sort_unstable();
        codes.dedup();
        let numbers: HashMap<u32, u32, FoldState> = codes.iter().copied().zip(0..).collect();
        let dense: Vec<u32> =
            customers.iter().map(|code| numbers.get(code).copied().unwrap_or_default()).collect();
        let mut log = Self::grouped(&dense, times, activities, names, codes.len());
        for customer in &mut log.customers {
            *customer = codes.get(*customer as usize).copied().unwrap_or_default();
        }
        Ok(log)
    }

    /// Groups events by customers with codes below `most`, and puts those of each in order of time.
    fn grouped(customers: &[u32], times: &[i64], activities: &[u16], names: Activities, most: usize) -> Self {
        let all = Grouped::of(customers, times, activities, most);
        let simultaneous = all.ties();
        let Grouped { customers, starts, times, activities } = all;
        Self { names, ids: Vec::new(), starts, customers, times, activities, ties: simultaneous }
    }

    /// The names of the activities.
    pub const fn activities(&self) -> &Activities {
        &self.names
    }

    /// Each journey, in the order of the codes of customers.
    pub fn journeys(&self) -> impl ExactSizeIterator<Item = Journey<'_>> + Clone {
        let bounds = self.starts.iter().zip(self.starts.iter().skip(1));
        bounds.zip(&self.customers).map(|((&from, &to), &customer)| Journey {
            customer,
            times: self.times.get(from..to).unwrap_or_default(),
            activities: self.activities.get(from..to).unwrap_or_default(),
        })
    }

    /// How many events there are.
    pub fn events(&self) -> usize {
        self.times.len()
    }

    /// How many pairs of neighbouring events of one journey share their instant, so that their order is that in which
    /// they came in.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// The customer behind a code; `None` in logs that were not made from interactions.
    pub fn customer_id(&self, code: u32) -> Option<CustomerId> {
        self.ids.get(code as usize).copied()
    }

    /// Cuts journeys where nothing happened for longer than `gap` (30 minutes is usual on the web).
    ///
    /// A pause of exactly `gap` does not cut. Each session becomes a journey of its customer.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] when the gap is negative.
    ///
    /// # Cost
    /// O(events), and a copy of the log.
    ///
    /// # Example
    /// ```
    /// use chrono::TimeDelta;
    /// use patronage::journey::JourneyLog;
    ///
    /// let minute = 60_000_000;
    /// let log = JourneyLog::from_events([("ann", 0, "a"), ("ann", 30 * minute, "b"), ("ann", 61 * minute, "a")], 9)?;
    /// assert_eq!(log.sessions(TimeDelta::minutes(30))?.journeys().len(), 2);
    /// # Ok::<(), patronage::journey::JourneyError>(())
    /// ```
    pub fn sessions(&self, gap: chrono::TimeDelta) -> Result<Self, JourneyError> {
        if gap < chrono::TimeDelta::zero() {
            return Err(JourneyError::Setting { setting: "gap", rule: "must not be negative" });
        }
        let gap = gap.num_microseconds().unwrap_or(i64::MAX);
        let mut cut = self.clone();
        cut.starts.clear();
        cut.customers.clear();
        let mut first = 0;
        for journey in self.journeys() {
            cut.starts.push(first);
            cut.customers.push(journey.customer);
            for (place, (before, after)) in
                (first + 1..).zip(journey.times.iter().zip(journey.times.iter().skip(1)))
            {
                if after.saturating_sub(*before) > gap {
                    cut.starts.push(place);
                    cut.customers.push(journey.customer);
                }
            }
            first += journey.times.len();
        }
        cut.starts.push(first);
        // Events at one instant are never cut apart, so the number of ties stays.
        Ok(cut)
    }

    /// The same log with only the journeys that `keep` accepts: of a segment, of a variant, of a period.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(Journey<'_>) -> bool) -> Self {
        let mut kept =
            Self { starts: vec![0], customers: Vec::new(), times: Vec::new(), ..self.clone_names() };
        for journey in self.journeys().filter(|&journey| keep(journey)) {
            kept.customers.push(journey.customer);
            kept.times.extend_from_slice(journey.times);
            kept.activities.extend_from_slice(journey.activities);
            kept.starts.push(kept.times.len());
            let pairs = journey.times.iter().zip(journey.times.iter().skip(1));
            kept.ties += pairs.map(|(a, b)| u64::from(a == b)).sum::<u64>();
        }
        kept
    }

    fn clone_names(&self) -> Self {
        Self {
            names: self.names.clone(),
            ids: self.ids.clone(),
            starts: Vec::new(),
            customers: Vec::new(),
            times: Vec::new(),
            activities: Vec::new(),
            ties: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names() -> Activities {
        Activities::new(["a", "b", "c", "d"]).unwrap()
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let short = JourneyLog::from_columns(&[1], &[1, 2], &[0], names());
        assert_eq!(short, Err(JourneyError::ColumnLength { column: "time", expected: 1, found: 2 }));
        let unknown = JourneyLog::from_columns(&[1, 1], &[1, 2], &[0, 4], names());
        assert_eq!(unknown, Err(JourneyError::UnknownActivity { row: 1, code: 4, known: 4 }));
        assert!(JourneyLog::from_events([(0, 0, "a")], 0).is_err());
    }

    #[test]
    fn empty_and_far_apart_are_fine() {
        let empty = JourneyLog::from_columns(&[], &[], &[], Activities::default()).unwrap();
        assert_eq!((empty.events(), empty.journeys().len(), empty.ties()), (0, 0, 0));
        assert_eq!(empty.sessions(chrono::TimeDelta::zero()).unwrap().journeys().len(), 0);
        let far = JourneyLog::from_columns(&[u32::MAX, 3], &[i64::MIN, i64::MAX], &[0, 1], names()).unwrap();
        assert_eq!(far.journeys().map(|journey| journey.customer()).collect::<Vec<_>>(), [3, u32::MAX]);
    }

    #[test]
    fn very_many_activities_become_few() {
        let rows = (0..200_000_u32).map(|n| (n % 1000, i64::from(n), n));
        let log = JourneyLog::from_events(rows, 50).unwrap();
        assert_eq!(log.activities().len(), 50);
        let other = log.activities().other_code().unwrap();
        let named =
            log.journeys().flat_map(|j| j.activities().to_vec()).filter(|&code| code != other).count();
        assert_eq!(named, 49);
    }

    proptest! {
        /// Enough events for several buckets, of a customer range that leaves some empty.
        #[test]
        fn many_events_are_grouped_alike(seed in any::<u64>(), range in 1_u32..40_000, in_time in any::<bool>()) {
            let mut state = seed | 1;
            let mut random = |below: u32| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                u32::try_from((state >> 33) % u64::from(below)).unwrap()
            };
            let rows: Vec<(u32, i64, u16)> = (0..20_000)
                .map(|n| (random(range), if in_time { n / 2 } else { random(99).into() }, u16::try_from(random(4)).unwrap()))
                .collect();
            let customers: Vec<_> = rows.iter().map(|row| row.0).collect();
            let times: Vec<_> = rows.iter().map(|row| row.1).collect();
            let codes: Vec<_> = rows.iter().map(|row| row.2).collect();
            let log = JourneyLog::from_columns(&customers, &times, &codes, names()).unwrap();
            let mut sorted = rows;
            sorted.sort_by_key(|row| (row.0, row.1));
            let again = log
                .journeys()
                .flat_map(|j| j.times().iter().zip(j.activities()).map(move |(&t, &a)| (j.customer(), t, a)));
            prop_assert!(again.eq(sorted.iter().copied()));
            let ties = sorted.windows(2).filter(|w| w[0].0 == w[1].0 && w[0].1 == w[1].1).count();
            prop_assert_eq!(log.ties(), ties as u64);
        }

        #[test]
        fn equals_a_stable_sort(rows in prop::collection::vec((0_u32..5, 0_i64..6, 0_u16..4), 0..60)) {
            let customers: Vec<_> = rows.iter().map(|row| row.0).collect();
            let times: Vec<_> = rows.iter().map(|row| row.1).collect();
            let codes: Vec<_> = rows.iter().map(|row| row.2).collect();
            let log = JourneyLog::from_columns(&customers, &times, &codes, names()).unwrap();
            let mut sorted = rows.clone();
            sorted.sort_by_key(|row| (row.0, row.1));
            let again: Vec<_> = log
                .journeys()
                .flat_map(|j| j.times().iter().zip(j.activities()).map(move |(&t, &a)| (j.customer(), t, a)))
                .collect();
            prop_assert_eq!(&again, &sorted);
            let ties = sorted.windows(2).filter(|w| w[0].0 == w[1].0 && w[0].1 == w[1].1).count();
            prop_assert_eq!(log.ties(), ties as u64);
            // Far apart codes of customers are grouped alike.
            let far: Vec<u32> = customers.iter().map(|c| c * 800_000_000).collect();
            let spread = JourneyLog::from_columns(&far, &times, &codes, names()).unwrap();
            prop_assert_eq!(spread.times, log.times.clone());
            prop_assert_eq!(spread.activities, log.activities.clone());
            prop_assert_eq!(log.filtered(|_| true), log);
        }
    }
}
