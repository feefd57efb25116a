use super::error::{backwards, shared};
use super::fold_hash::FoldState;
use super::{Calendar, CalendarUnit, JourneyError, JourneyLog};
use crate::customer::CustomerId;
use crate::measure::Share;
use chrono::NaiveDate;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};

/// Who was active in a period, by what they were in the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Growth {
    /// Customers seen for the first time ever.
    pub new: u64,
    /// Customers seen in the period before too.
    pub returning: u64,
    /// Customers seen before, but not in the period before.
    pub resurrected: u64,
    /// Customers seen in the period before, and not in this one.
    pub dormant: u64,
}

impl Growth {
    /// How many customers were active.
    pub const fn active(&self) -> u64 {
        self.new + self.returning + self.resurrected
    }
}

/// Counts, as events come in, which customers come back: cohorts, the accounting of growth, stickiness.
///
/// # Cost
/// Constant time an event, 32 bytes a customer, and one count for each pair of periods.
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::journey::{Calendar, CalendarUnit, RetentionBuilder};
///
/// let day = 86_400_000_000;
/// let (ann, bob) = (CustomerId::derive(&["ann"]), CustomerId::derive(&["bob"]));
/// let mut builder = RetentionBuilder::new(Calendar::new(CalendarUnit::Day));
/// for (customer, at) in [(ann, 0), (bob, 5), (ann, day), (ann, 3 * day)] {
///     builder.push(customer, at)?;
/// }
/// let retention = builder.retention(4 * day);
/// assert_eq!(retention.cohort(0), Some(vec![2, 1, 0, 1]));
/// assert_eq!(retention.growth(3).map(|day| day.resurrected), Some(1));
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RetentionBuilder {
    counts: Counts,
    seen: HashMap<CustomerId, Seen, FoldState>,
}

/// When a customer was seen.
#[derive(Clone, Copy, Debug)]
struct Seen {
    first: i32,
    last: i32,
    at: i64,
    periods: u32,
}

#[derive(Clone, Debug)]
struct Counts {
    calendar: Calendar,
    growth: BTreeMap<i32, Growth>,
    /// Customers by cohort and period.
    cells: BTreeMap<(i32, i32), u64>,
}

impl Counts {
    fn new(calendar: Calendar) -> Self {
        Self { calendar, growth: BTreeMap::new(), cells: BTreeMap::new() }
    }

    /// Counts an event of a customer who was seen before or not, and says how they were seen now.
    fn count(&mut self, seen: Option<Seen>, at: i64) -> Seen {
        let period = self.calendar.period_of(at);
        let now = match seen {
            None => {
                self.growth.entry(period).or_default().new += 1;
                Seen { first: period, last: period, at, periods: 1 }
            }
            Some(seen) if seen.last == period => return Seen { at, ..seen },
            Some(seen) => {
                let growth = self.growth.entry(period).or_default();
                if seen.last.checked_add(1) == Some(period) {
                    growth.returning += 1;
                } else {
                    growth.resurrected += 1;
                    self.miss(seen.last);
                }
                Seen { last: period, at, periods: seen.periods.saturating_add(1), ..seen }
            }
        };
        *self.cells.entry((now.first, period)).or_insert(0) += 1;
        now
    }

    /// Counts a customer as dormant after the last period they were seen in.
    fn miss(&mut self, last: i32) {
        if let Some(after) = last.checked_add(1) {
            self.growth.entry(after).or_default().dormant += 1;
        }
    }
}

impl RetentionBuilder {
    /// No events yet.
    pub fn new(calendar: Calendar) -> Self {
        Self { counts: Counts::new(calendar), seen: HashMap::default() }
    }

    /// Counts an event.
    ///
    /// # Arguments
    /// `at`: microseconds since 1970.
    ///
    /// # Errors
    /// [`JourneyError::TimeGoesBackwards`] when the customer's event before is later; nothing changes then.
    pub fn push(&mut self, customer: CustomerId, at: i64) -> Result<(), JourneyError> {
        let before = self.seen.get(&customer).copied();
        if let Some(seen) = before.filter(|seen| seen.at > at) {
            return Err(backwards(customer, seen.at, at));
        }
        let now = self.counts.count(before, at);
        self.seen.insert(customer, now);
        Ok(())
    }

    /// Adds a part that holds other customers. Associative and commutative.
    ///
    /// # Errors
    /// [`JourneyError::DifferentRules`] for another calendar, [`JourneyError::SharedCustomer`]. Nothing was added then.
    pub fn merge(&mut self, other: Self) -> Result<(), JourneyError> {
        if self.counts.calendar != other.counts.calendar {
            return Err(JourneyError::DifferentRules { setting: "calendar" });
        }
        if let Some(&customer) = other.seen.keys().filter(|id| self.seen.contains_key(id)).min() {
            return Err(shared(customer));
        }
        for (period, more) in other.counts.growth {
            let sum = self.counts.growth.entry(period).or_default();
            sum.new += more.new;
            sum.returning += more.returning;
            sum.resurrected += more.resurrected;
            sum.dormant += more.dormant;
        }
        for (cell, more) in other.counts.cells {
            *self.counts.cells.entry(cell).or_insert(0) += more;
        }
        self.seen.extend(other.seen);
        Ok(())
    }

    /// What is known at an instant, in microseconds since 1970: all periods that had ended by then.
    pub fn retention(&self, as_of: i64) -> Retention {
        Retention::new(self.counts.clone(), self.seen.values().copied(), as_of)
    }
}

/// Which customers came back: the retention triangle by cohort, the accounting of growth, how many periods customers
/// were active in.
///
/// A customer's cohort is the period they were first seen in. Periods that have not ended are left out: they are not
/// known yet, and would look like losses.
///
/// Source: `PostHog`, "Lifecycle" (new, returning, resurrecting, dormant); the terms are those of growth accounting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    calendar: Calendar,
    last: i32,
    growth: BTreeMap<i32, Growth>,
    cells: BTreeMap<(i32, i32), u64>,
    active_periods: BTreeMap<u32, u64>,
}

impl Retention {
    /// Counts a log; periods that had not ended at `as_of` (microseconds since 1970) are left out.
    pub fn from_log(log: &JourneyLog, calendar: Calendar, as_of: i64) -> Self {
        let mut counts = Counts::new(calendar);
        let mut all = Vec::new();
        let mut current: Option<(u32, Seen)> = None;
        for journey in log.journeys() {
            for &at in journey.times() {
                let before = current.filter(|(customer, _)| *customer == journey.customer());
                if before.is_none() {
                    all.extend(current.map(|(_, seen)| seen));
                }
                current = Some((journey.customer(), counts.count(before.map(|(_, seen)| seen), at)));
            }
        }
        all.extend(current.map(|(_, seen)| seen));
        Self::new(counts, all.into_iter(), as_of)
    }

    fn new(mut counts: Counts, seen: impl Iterator<Item = Seen>, as_of: i64) -> Self {
        let last = counts.calendar.period_of(as_of).saturating_sub(1);
        let mut active_periods = BTreeMap::new();
        for customer in seen {
            counts.miss(customer.last);
            *active_periods.entry(customer.periods).or_insert(0) += 1;
        }
        counts.growth.retain(|&period, _| period <= last);
        counts.cells.retain(|&(_, period), _| period <= last);
        Self { calendar: counts.calendar, last, growth: counts.growth, cells: counts.cells, active_periods }
    }

    /// How many customers were seen by now, in periods that have ended or not: the whole of
    /// [`active_periods`](Self::active_periods).
    pub fn customers(&self) -> u64 {
        self.active_periods.values().sum()
    }

    /// How time was divided.
    pub const fn calendar(&self) -> Calendar {
        self.calendar
    }

    /// The last period that had ended.
    pub const fn last_period(&self) -> i32 {
        self.last
    }

    /// The first period anyone was seen in.
    pub fn first_period(&self) -> Option<i32> {
        self.growth.keys().next().copied()
    }

    /// Who was active in a period, and who no longer; `None` before the first and after the last period.
    pub fn growth(&self, period: i32) -> Option<Growth> {
        let known = self.first_period()? <= period && period <= self.last;
        known.then(|| self.growth.get(&period).copied().unwrap_or_default())
    }

    /// The cohorts, in the order of time.
    pub fn cohorts(&self) -> impl Iterator<Item = i32> {
        self.growth.iter().filter(|(_, growth)| growth.new > 0).map(|(&period, _)| period)
    }

    /// How many customers of a cohort were active in its first period, the next, and so on to the last that has ended;
    /// `None` for a period in which nobody was new.
    pub fn cohort(&self, cohort: i32) -> Option<Vec<u64>> {
        self.cells.get(&(cohort, cohort))?;
        let cell = |period| self.cells.get(&(cohort, period)).copied().unwrap_or(0);
        Some((cohort..=self.last).map(cell).collect())
    }

    /// The share of a cohort that was active so many periods after its first; `None` where the period has not ended or
    /// nobody was new.
    pub fn share(&self, cohort: i32, after: u32) -> Option<Share> {
        let size = *self.cells.get(&(cohort, cohort))?;
        let period = cohort.checked_add_unsigned(after).filter(|&period| period <= self.last)?;
        Share::of(self.cells.get(&(cohort, period)).copied().unwrap_or(0), size).ok().flatten()
    }

    /// The mean retention so many periods after the first, over all cohorts old enough to know, each customer alike;
    /// `None` where there is none.
    pub fn mean_share(&self, after: u32) -> Option<Share> {
        let old_enough = self.cohorts().filter_map(|cohort| {
            let period = cohort.checked_add_unsigned(after).filter(|&period| period <= self.last)?;
            let cell = |period| self.cells.get(&(cohort, period)).copied().unwrap_or(0);
            Some((cell(period), cell(cohort)))
        });
        let (active, all) = old_enough.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        Share::of(active, all).ok().flatten()
    }

    /// How many customers were active in exactly so many periods (of those that began by now, ended or not).
    pub const fn active_periods(&self) -> &BTreeMap<u32, u64> {
        &self.active_periods
    }

    /// How often those who came in a month (or week) came: the mean number active on a day over the number active in
    /// the whole, for each period of `wide` that has ended, `None` where nobody was active. DAU/MAU, of contacts.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] unless this counts days and `wide` counts weeks or months at the same offset.
    pub fn stickiness(&self, wide: &Self) -> Result<Vec<(i32, Option<Share>)>, JourneyError> {
        let same_place = self.calendar.offset() == wide.calendar.offset();
        if self.calendar.unit() != CalendarUnit::Day
            || wide.calendar.unit() == CalendarUnit::Day
            || !same_place
        {
            let rule = "must be days and weeks or months, at one offset";
            return Err(JourneyError::Setting { setting: "calendar", rule });
        }
        let mut active: BTreeMap<i32, u64> = BTreeMap::new();
        for (&day, growth) in &self.growth {
            let midnight = i64::from(day) * 86_400_000_000 - i64::from(self.calendar.offset()) * 1_000_000;
            *active.entry(wide.calendar.period_of(midnight)).or_insert(0) += growth.active();
        }
        let stickiness = |(&period, growth): (&i32, &Growth)| {
            let possible = wide.calendar.days(period).map(|days| days.saturating_mul(growth.active()));
            let days = active.get(&period).copied().unwrap_or(0);
            (period, possible.and_then(|possible| Share::of(days, possible).ok().flatten()))
        };
        Ok(wide.growth.iter().map(stickiness).collect())
    }
}

/// Written with the first day of each period; a cohort as the numbers active in its first period, the next, and so on.
impl Serialize for Retention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct NamedPeriod {
            period: i32,
            first_day: Option<NaiveDate>,
            #[serde(flatten)]
            growth: Growth,
        }
        #[derive(Serialize)]
        struct Triangle {
            cohort: i32,
            first_day: Option<NaiveDate>,
            active: Vec<u64>,
        }
        let first_day = |period| self.calendar.first_day(period);
        let growth = self.growth.iter().map(|(&period, &growth)| NamedPeriod {
            period,
            first_day: first_day(period),
            growth,
        });
        let cohorts = self.cohorts().map(|cohort| Triangle {
            cohort,
            first_day: first_day(cohort),
            active: self.cohort(cohort).unwrap_or_default(),
        });
        let mut fields = serializer.serialize_struct("Retention", 6)?;
        fields.serialize_field("calendar", &self.calendar)?;
        fields.serialize_field("last_period", &self.last)?;
        fields.serialize_field("customers", &self.customers())?;
        fields.serialize_field("growth", &growth.collect::<Vec<_>>())?;
        fields.serialize_field("cohorts", &cohorts.collect::<Vec<_>>())?;
        fields.serialize_field("active_periods", &self.active_periods)?;
        fields.end()
    }
}
