use super::error::{backwards, shared};
use super::funnel_plan::{Engine, bit, highest};
use super::funnel_walk::{Chain, Ending, Mark, Status};
use super::{Funnel, FunnelOutcome, FunnelReport, JourneyError};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;

/// Customer numbers below this one are looked up in a table, those above in a map.
const TABLE: usize = 1 << 24;

/// The state of a customer, and how their way ended.
type Ended<'a> = (&'a Status, &'a [Mark], Ending);

/// Where the state of each customer lies.
#[derive(Clone, Debug, Default)]
struct Slots {
    /// One more than the place, 0 for none.
    table: Vec<u32>,
    map: HashMap<u32, u32>,
    customers: Vec<u32>,
}

impl Slots {
    fn get(&self, customer: u32) -> Option<usize> {
        let place = if (customer as usize) < TABLE {
            self.table.get(customer as usize)?.checked_sub(1)?
        } else {
            *self.map.get(&customer)?
        };
        Some(place as usize)
    }

    /// The place of a customer, a new one for a new customer.
    #[inline]
    fn of(&mut self, customer: u32) -> usize {
        if let Some(place) = self.get(customer) {
            return place;
        }
        // There are at most 2^32 - 1 customers before the last new one, so its place fits.
        let place = self.customers.len();
        let stored = u32::try_from(place).unwrap_or(u32::MAX);
        self.customers.push(customer);
        if (customer as usize) < TABLE {
            if self.table.len() <= customer as usize {
                self.table.resize(customer as usize + 1, 0);
            }
            if let Some(slot) = self.table.get_mut(customer as usize) {
                *slot = stored.saturating_add(1);
            }
        } else {
            self.map.insert(customer, stored);
        }
        place
    }
}

/// Follows many customers through a funnel, one event at a time: the same answer as counting all events at once.
///
/// Events of one customer must come in order of time; those of different customers may come in any order. Parts that
/// hold different customers merge, in any order.
///
/// # Cost
/// `push` takes O(steps). Memory: about 50 bytes and 24 for each step, a customer; where a step asks for a least gap, or
/// equal instants do not order events, also the chains of events that are younger than the gap.
///
/// # Example
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use patronage::journey::{Funnel, FunnelFold, FunnelOrder, FunnelOutcome, FunnelStep};
///
/// let funnel = Funnel::builder(FunnelOrder::Ordered, [FunnelStep::new(0), FunnelStep::new(1)])
///     .within(TimeDelta::minutes(30))
///     .build()?;
/// let mut fold = FunnelFold::new(&funnel);
/// let minute = 60_000_000;
/// fold.push(7, 0, 0)?;
/// fold.push(8, 5 * minute, 0)?;
/// fold.push(7, 20 * minute, 1)?;
///
/// let now: DateTime<Utc> = "1970-01-01T00:30:00Z".parse()?;
/// assert_eq!(fold.outcome(7, now)?, FunnelOutcome::Converted { took: TimeDelta::minutes(20) });
/// assert_eq!(fold.outcome(8, now)?, FunnelOutcome::Open { step: 0 });
/// assert_eq!(fold.report(now + TimeDelta::minutes(5))?.steps()[0].dropped(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FunnelFold {
    funnel: Funnel,
    slots: Slots,
    statuses: Vec<Status>,
    marks: Vec<Mark>,
    chains: Vec<Vec<Chain>>,
}

impl FunnelFold {
    /// A fold that has seen nobody.
    pub fn new(funnel: &Funnel) -> Self {
        Self {
            funnel: funnel.clone(),
            slots: Slots::default(),
            statuses: Vec::new(),
            marks: Vec::new(),
            chains: Vec::new(),
        }
    }

    /// The definition that is counted by.
    pub const fn funnel(&self) -> &Funnel {
        &self.funnel
    }

    /// The customers seen, in the order in which they first came.
    pub fn customers(&self) -> &[u32] {
        &self.slots.customers
    }

    /// Takes in the next event of a customer; `time` in microseconds since 1970. Answers the furthest step that the
    /// customer has reached by it for the first time.
    ///
    /// # Errors
    /// [`JourneyError::TimeGoesBackwards`]; the event is not counted.
    pub fn push(&mut self, customer: u32, time: i64, activity: u16) -> Result<Option<usize>, JourneyError> {
        self.advance(customer, time, activity).map(|(_, new)| highest(new))
    }

    /// The place of the customer and the steps newly reached.
    #[inline]
    pub(super) fn advance(
        &mut self,
        customer: u32,
        time: i64,
        activity: u16,
    ) -> Result<(usize, u32), JourneyError> {
        let place = self.slots.of(customer);
        let plan = &self.funnel.plan;
        let width = plan.steps.len();
        if place == self.statuses.len() {
            self.statuses.push(Status::default());
            self.marks.resize(self.marks.len() + width, Mark::default());
            if plan.engine == Engine::Pending {
                self.chains.push(Vec::new());
            }
        }
        let marks = self.marks.get_mut(place * width..(place + 1) * width);
        let (Some(status), Some(marks)) = (self.statuses.get_mut(place), marks) else {
            return Ok((place, 0));
        };
        if status.any && time < status.last_time {
            let previous = status.last_time;
            return Err(backwards(customer, previous, time));
        }
        let mut none = Vec::new();
        let chains = self.chains.get_mut(place).unwrap_or(&mut none);
        Ok((place, status.advance(plan, marks, chains, time, activity)))
    }

    /// Says how one customer fared, when all up to and including `as_of` is known.
    ///
    /// # Errors
    /// [`JourneyError::EventAfterAsOf`].
    pub fn outcome(&self, customer: u32, as_of: DateTime<Utc>) -> Result<FunnelOutcome, JourneyError> {
        let Some(place) = self.slots.get(customer) else { return Ok(FunnelOutcome::NotEntered) };
        Ok(self.ended(place, as_of)?.map_or(FunnelOutcome::NotEntered, |(_, marks, ending)| match ending {
            Ending::Outside => FunnelOutcome::NotEntered,
            Ending::Converted => {
                let took = marks.last().map_or(0, |mark| mark.took);
                FunnelOutcome::Converted { took: TimeDelta::microseconds(took) }
            }
            Ending::Open(step) => FunnelOutcome::Open { step },
            Ending::Excluded(step, next) => FunnelOutcome::Excluded { step, next },
            Ending::Dropped(step, next) => FunnelOutcome::Dropped { step, next },
        }))
    }

    /// When a customer first met the first step (of steps in any order: any one), in microseconds since 1970; `None`
    /// while they have not.
    pub fn entered(&self, customer: u32) -> Option<i64> {
        let status = self.slots.get(customer).and_then(|place| self.statuses.get(place))?;
        (status.reached != 0).then_some(status.entered)
    }

    /// Whether a customer entered and their whole time to convert, from that first entry on, is over at `as_of`: shares
    /// and times count them, whether they converted or not. See [`FunnelReport`] for what closes when.
    pub fn is_mature(&self, customer: u32, as_of: DateTime<Utc>) -> bool {
        let status = self.slots.get(customer).and_then(|place| self.statuses.get(place));
        let last = self.funnel.plan.steps.last();
        let mature = status.zip(last).filter(|(status, _)| status.reached != 0);
        mature.is_some_and(|(status, last)| status.is_mature(last, as_of.timestamp_micros()))
    }

    /// Whether a customer has reached a step so far.
    pub fn has_reached(&self, customer: u32, step: usize) -> bool {
        let status = self.slots.get(customer).and_then(|place| self.statuses.get(place));
        status.is_some_and(|status| status.reached & bit(step) != 0)
    }

    /// Sums up all customers, when all up to and including `as_of` is known. More events may be pushed afterwards.
    ///
    /// # Errors
    /// [`JourneyError::EventAfterAsOf`].
    ///
    /// # Cost
    /// O(customers · steps).
    pub fn report(&self, as_of: DateTime<Utc>) -> Result<FunnelReport, JourneyError> {
        let mut report = FunnelReport::new(&self.funnel, as_of);
        for place in 0..self.statuses.len() {
            self.add_to(&mut report, place)?;
        }
        Ok(report)
    }

    pub(super) fn add_to(&self, report: &mut FunnelReport, place: usize) -> Result<(), JourneyError> {
        if let Some((status, marks, ending)) = self.ended(place, report.as_of())? {
            report.add(status, marks, ending);
        }
        Ok(())
    }

    fn ended(&self, place: usize, as_of: DateTime<Utc>) -> Result<Option<Ended<'_>>, JourneyError> {
        let (plan, as_of) = (&self.funnel.plan, as_of.timestamp_micros());
        let width = plan.steps.len();
        let marks = self.marks.get(place * width..(place + 1) * width);
        let (Some(status), Some(marks)) = (self.statuses.get(place), marks) else { return Ok(None) };
        if status.any && status.last_time > as_of {
            return Err(JourneyError::EventAfterAsOf { as_of, at: status.last_time });
        }
        let chains = self.chains.get(place).map_or(&[][..], Vec::as_slice);
        Ok(Some((status, marks, status.ending(plan, marks, chains, as_of))))
    }

    /// Adds a part that followed other customers.
    ///
    /// # Errors
    /// [`JourneyError::DifferentRules`] when the funnels differ, [`JourneyError::SharedCustomer`]; nothing is added.
    pub fn merge(&mut self, other: &Self) -> Result<(), JourneyError> {
        if self.funnel != other.funnel {
            return Err(JourneyError::DifferentRules { setting: "funnel" });
        }
        let both = other.slots.customers.iter().find(|&&customer| self.slots.get(customer).is_some());
        if let Some(&customer) = both {
            return Err(shared(customer));
        }
        for &customer in &other.slots.customers {
            self.slots.of(customer);
        }
        self.statuses.extend(&other.statuses);
        self.marks.extend(&other.marks);
        self.chains.extend(other.chains.iter().cloned());
        Ok(())
    }
}
