use super::error::{backwards, same_length};
use super::funnel_plan::FunnelPlan;
use super::funnel_walk::{Chain, Mark, Status};
use super::{Funnel, FunnelFold, FunnelReport, Journey, JourneyError, JourneyLog};
use chrono::{DateTime, Utc};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// Many events as three borrowed columns of equal length: customer numbers, times in microseconds since 1970, activity
/// codes. The events of one customer stand in order of time.
///
/// Events may be grouped (customers ascending), which is the fastest, or interleaved; the answer is the same.
///
/// # Example
/// ```
/// use patronage::journey::{FunnelColumns, JourneyError};
///
/// let events = FunnelColumns::new(&[1, 1, 2], &[10, 20, 5], &[0, 1, 0])?;
/// assert!(events.is_grouped());
/// let refused = FunnelColumns::new(&[1, 1, 2], &[10, 20], &[0, 1, 0]).unwrap_err();
/// assert_eq!(refused, JourneyError::ColumnLength { column: "time", expected: 3, found: 2 });
/// # Ok::<(), JourneyError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FunnelColumns<'a> {
    customer: &'a [u32],
    time: &'a [i64],
    activity: &'a [u16],
    grouped: bool,
}

impl<'a> FunnelColumns<'a> {
    /// Borrows the columns. None is copied.
    ///
    /// # Errors
    /// [`JourneyError::ColumnLength`] when the lengths differ.
    pub fn new(customer: &'a [u32], time: &'a [i64], activity: &'a [u16]) -> Result<Self, JourneyError> {
        same_length(customer.len(), [("time", time.len()), ("activity", activity.len())])?;
        Ok(Self { customer, time, activity, grouped: customer.is_sorted() })
    }

    /// How many events there are.
    pub const fn len(&self) -> usize {
        self.customer.len()
    }

    /// Whether there are no events.
    pub const fn is_empty(&self) -> bool {
        self.customer.is_empty()
    }

    /// Whether the events of each customer stand together, customers ascending.
    pub const fn is_grouped(&self) -> bool {
        self.grouped
    }

    fn rows(&self) -> impl Iterator<Item = (u32, i64, u16)> {
        let events = self.time.iter().zip(self.activity);
        self.customer.iter().zip(events).map(|(&customer, (&time, &activity))| (customer, time, activity))
    }
}

/// At which step the attribute of a customer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FunnelAttribute {
    /// At the event that met the first step for the first time.
    AtEntry,
    /// At the event that reached the furthest step for the first time.
    AtFurthest,
    /// At the event that reached this step for the first time, from 0.
    AtStep(usize),
}

/// A funnel for each value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunnelBreakdown {
    attribute: Option<FunnelAttribute>,
    groups: Vec<(u32, FunnelReport)>,
    without: FunnelReport,
}

impl FunnelBreakdown {
    /// At which event of a customer the attribute was read; `None` where it is one of journeys as a whole.
    pub const fn attribute(&self) -> Option<FunnelAttribute> {
        self.attribute
    }

    /// Each value with the funnel of its customers, ascending by value.
    pub fn groups(&self) -> &[(u32, FunnelReport)] {
        &self.groups
    }

    /// The customers of whom the attribute is not known: they never reached the step at which it is read.
    pub const fn without(&self) -> &FunnelReport {
        &self.without
    }
}

/// Written as a list of groups, each with its value, and those without.
impl Serialize for FunnelBreakdown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Group<'a> {
            value: u32,
            report: &'a FunnelReport,
        }
        let groups = self.groups.iter().map(|&(value, ref report)| Group { value, report });
        let mut fields = serializer.serialize_struct("FunnelBreakdown", 3)?;
        fields.serialize_field("attribute", &self.attribute)?;
        fields.serialize_field("groups", &groups.collect::<Vec<_>>())?;
        fields.serialize_field("without", &self.without)?;
        fields.end()
    }
}

/// Follows one customer after the other through a funnel.
struct Walker<'a> {
    plan: &'a FunnelPlan,
    marks: Vec<Mark>,
    chains: Vec<Chain>,
    as_of: i64,
}

impl<'a> Walker<'a> {
    fn new(funnel: &'a Funnel, as_of: DateTime<Utc>) -> Self {
        let plan = &funnel.plan;
        let marks = vec![Mark::default(); plan.steps.len()];
        Self { plan, marks, chains: Vec::new(), as_of: as_of.timestamp_micros() }
    }

    /// Adds a customer, whose times must not descend.
    fn walk(
        &mut self,
        report: &mut FunnelReport,
        times: &[i64],
        activities: &[u16],
    ) -> Result<(), JourneyError> {
        if let Some(&at) = times.last().filter(|&&last| last > self.as_of) {
            return Err(JourneyError::EventAfterAsOf { as_of: self.as_of, at });
        }
        // What the marks still hold of the customer before is never read, because no chain stands there.
        let mut status = Status::default();
        self.chains.clear();
        status.walk(self.plan, &mut self.marks, &mut self.chains, times, activities);
        let ending = status.ending(self.plan, &self.marks, &self.chains, self.as_of);
        report.add(&status, &self.marks, ending);
        Ok(())
    }
}

impl Funnel {
    /// Counts how far customers came, when all up to and including `as_of` is known.
    ///
    /// # Errors
    /// [`JourneyError::TimeGoesBackwards`] within a customer, [`JourneyError::EventAfterAsOf`].
    ///
    /// # Cost
    /// O(events), at worst times steps. Grouped events need memory for one customer only (and 8 bytes for each step
    /// that somebody reached), interleaved ones as [`FunnelFold`].
    pub fn count(
        &self,
        events: FunnelColumns<'_>,
        as_of: DateTime<Utc>,
    ) -> Result<FunnelReport, JourneyError> {
        if !events.grouped {
            let mut fold = FunnelFold::new(self);
            for (customer, time, activity) in events.rows() {
                fold.advance(customer, time, activity)?;
            }
            return fold.report(as_of);
        }
        let mut report = FunnelReport::new(self, as_of);
        let mut walker = Walker::new(self, as_of);
        let mut row = 0;
        for run in events.customer.chunk_by(|a, b| a == b) {
            let rows = row..row + run.len();
            row += run.len();
            let (Some(times), Some(activities)) = (events.time.get(rows.clone()), events.activity.get(rows))
            else {
                break;
            };
            if let Some(&[previous, at]) = times.windows(2).find(|pair| !pair.is_sorted()) {
                return Err(backwards(run.first().copied().unwrap_or_default(), previous, at));
            }
            walker.walk(&mut report, times, activities)?;
        }
        Ok(report)
    }

    /// Counts how far the journeys of a log came, when all up to and including `as_of` is known.
    ///
    /// A journey is all events of a customer; of a log cut into [`sessions`](JourneyLog::sessions) each session counts
    /// by itself, and the numbers of customers in the report are numbers of sessions.
    ///
    /// # Errors
    /// [`JourneyError::EventAfterAsOf`].
    ///
    /// # Cost
    /// As [`count`](Self::count) of grouped events.
    ///
    /// # Example
    /// ```
    /// # use chrono::{DateTime, TimeDelta, Utc};
    /// use patronage::journey::{Funnel, FunnelOrder, FunnelStep, JourneyLog};
    ///
    /// let log = JourneyLog::from_events([("ann", 0, "cart"), ("ann", 5, "pay"), ("bob", 0, "cart")], 100)?;
    /// let step = |name| log.activities().named(name).map(FunnelStep::new);
    /// let funnel = Funnel::builder(FunnelOrder::Ordered, [step("cart")?, step("pay")?]).build()?;
    /// let as_of: DateTime<Utc> = "1970-02-01T00:00:00Z".parse()?;
    /// assert_eq!(funnel.count_log(&log, as_of)?.reached(), [2, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn count_log(&self, log: &JourneyLog, as_of: DateTime<Utc>) -> Result<FunnelReport, JourneyError> {
        let mut report = FunnelReport::new(self, as_of);
        let mut walker = Walker::new(self, as_of);
        for journey in log.journeys() {
            walker.walk(&mut report, journey.times(), journey.activities())?;
        }
        Ok(report)
    }

    /// Counts a funnel for each value of an attribute of the journeys of a log: a segment, a channel, a tier of value.
    /// Journeys of which it is not known are [`without`](FunnelBreakdown::without).
    ///
    /// # Errors
    /// As [`count_log`](Self::count_log).
    pub fn count_log_by(
        &self,
        log: &JourneyLog,
        attribute: impl Fn(Journey<'_>) -> Option<u32>,
        as_of: DateTime<Utc>,
    ) -> Result<FunnelBreakdown, JourneyError> {
        let empty = FunnelReport::new(self, as_of);
        let mut walker = Walker::new(self, as_of);
        let (mut groups, mut without) = (BTreeMap::new(), empty.clone());
        for journey in log.journeys() {
            let report = match attribute(journey) {
                Some(value) => groups.entry(value).or_insert_with(|| empty.clone()),
                None => &mut without,
            };
            walker.walk(report, journey.times(), journey.activities())?;
        }
        Ok(FunnelBreakdown { attribute: None, groups: groups.into_iter().collect(), without })
    }

    /// Counts a funnel for each value of an attribute, of which each event has one.
    ///
    /// # Arguments
    /// `attribute` holds a code for each event (the channel, a campaign, a segment); `at` says which event of a customer
    /// decides.
    ///
    /// # Errors
    /// As [`count`](Self::count), [`JourneyError::ColumnLength`] of `attribute`, [`JourneyError::NoSuchStep`].
    ///
    /// # Example
    /// ```
    /// # use chrono::{DateTime, Utc};
    /// # use patronage::journey::{Funnel, FunnelAttribute, FunnelColumns, FunnelOrder, FunnelStep};
    /// # let as_of: DateTime<Utc> = "1970-02-01T00:00:00Z".parse()?;
    /// let funnel = Funnel::builder(FunnelOrder::Ordered, [FunnelStep::new(0), FunnelStep::new(1)]).build()?;
    /// let events = FunnelColumns::new(&[1, 1, 2, 2], &[0, 1, 0, 1], &[0, 1, 0, 0])?;
    /// let by_channel = funnel.count_by(events, &[30, 40, 40, 40], FunnelAttribute::AtEntry, as_of)?;
    /// let converted: Vec<_> = by_channel.groups().iter().map(|(code, report)| (*code, report.converted())).collect();
    /// assert_eq!(converted, [(30, 1), (40, 0)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn count_by(
        &self,
        events: FunnelColumns<'_>,
        attribute: &[u32],
        at: FunnelAttribute,
        as_of: DateTime<Utc>,
    ) -> Result<FunnelBreakdown, JourneyError> {
        same_length(events.len(), [("attribute", attribute.len())])?;
        let steps = self.plan.steps.len();
        let deciding = match at {
            FunnelAttribute::AtEntry => 1,
            FunnelAttribute::AtFurthest => self.plan.firm,
            FunnelAttribute::AtStep(step) if step < steps => super::funnel_plan::bit(step),
            FunnelAttribute::AtStep(step) => return Err(JourneyError::NoSuchStep { step, steps }),
        };
        let mut fold = FunnelFold::new(self);
        let mut values: Vec<Option<u32>> = Vec::new();
        for ((customer, time, activity), &value) in events.rows().zip(attribute) {
            let (place, new) = fold.advance(customer, time, activity)?;
            if values.len() <= place {
                values.resize(place + 1, None);
            }
            if new & deciding != 0
                && let Some(decided) = values.get_mut(place)
            {
                *decided = Some(value);
            }
        }
        let mut codes: Vec<u32> = values.iter().copied().flatten().collect();
        codes.sort_unstable();
        codes.dedup();
        let empty = FunnelReport::new(self, as_of);
        let mut groups: Vec<_> = codes.into_iter().map(|code| (code, empty.clone())).collect();
        let mut without = empty;
        for (place, value) in values.iter().enumerate() {
            let group = value.and_then(|value| {
                let found = groups.binary_search_by_key(&value, |group| group.0).ok()?;
                groups.get_mut(found)
            });
            fold.add_to(group.map_or(&mut without, |group| &mut group.1), place)?;
        }
        Ok(FunnelBreakdown { attribute: Some(at), groups, without })
    }
}
