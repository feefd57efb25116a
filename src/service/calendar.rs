use super::{BusinessHours, ServiceError, Window};
use crate::period;
use crate::zone::{Seconds, ZoneRules, offset, resolve};
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use std::collections::BTreeMap;
use std::sync::Arc;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 1440 * MINUTE;
const WEEK: i64 = 7 * DAY;
/// The first Monday after the epoch, in microseconds.
const MONDAY: i64 = 4 * DAY;
/// Days since the epoch whose openings are laid out in advance: the years 1970 to 2099.
const LAID_OUT: std::ops::Range<i64> = 0..47_482;
/// The first microsecond after the year 9999.
const PAST_LAST_YEAR: i64 = 253_402_300_800 * SECOND;

/// Business hours made ready to be asked: how much business time lies between two instants, and when some business time
/// will have passed.
///
/// Time is measured on the line of instants, so a window that the clock change falls into is an hour shorter or longer.
/// The edges of a window that fall into a gap of the wall clock move forward to its end; in a fold a window opens at the
/// earlier and closes at the later of the two instants. Overlapping windows count once.
///
/// # Cost
/// Making one asks the zone for every day from 1970 to 2099 (a few milliseconds) and keeps about 30 KB. Asking it about
/// those years then takes two binary searches; other years are walked day by day.
///
/// # Example
/// ```
/// use chrono::{TimeDelta, Utc};
/// use patronage::service::{BusinessCalendar, BusinessHours};
///
/// let hours = BusinessHours::new("UTC")?.open_weekdays("09:00-17:00".parse()?)?;
/// let calendar = BusinessCalendar::new(&hours, Utc)?;
/// // A Friday at four in the afternoon, and three hours of business.
/// let start = "2026-11-20T16:00:00Z".parse()?;
/// let due = calendar.after(start, TimeDelta::hours(3))?;
/// assert_eq!(due.to_rfc3339(), "2026-11-23T11:00:00+00:00");
/// assert_eq!(calendar.business_time(start, due)?, TimeDelta::hours(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BusinessCalendar {
    zone: Arc<dyn ZoneRules>,
    days: Days,
    week: Week,
    stretches: Vec<Stretch>,
    /// Openings of days that do not follow the weekly pattern: start, end, business time before.
    listed: Vec<Opening>,
    /// Where the laid out years begin and end, and how much business time they hold.
    from: i64,
    to: i64,
    total: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Opening {
    start: i64,
    end: i64,
    before: i64,
}

/// A stretch of days that follow the weekly pattern at one offset, or of days that are listed.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: i64,
    before: i64,
    rule: Rule,
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    /// The offset, and what the weekly pattern has counted at the start.
    Weekly { offset: i64, counted: i64 },
    /// From which to which of the listed openings.
    Listed { first: usize, end: usize },
}

impl PartialEq for BusinessCalendar {
    /// Calendars are equal that are made of the same hours; zones are compared by their names.
    fn eq(&self, other: &Self) -> bool {
        self.zone.name() == other.zone.name() && self.days == other.days
    }
}

impl BusinessCalendar {
    /// The rules of the zone the hours are stated in.
    pub(super) const fn zone(&self) -> &Arc<dyn ZoneRules> {
        &self.zone
    }

    /// Makes hours ready to be asked, by the rules of their zone.
    ///
    /// # Errors
    /// [`ServiceError::NoWindows`] when there is no weekly window; [`ServiceError::ZoneMismatch`] when the rules are
    /// those of another zone than the hours are stated in.
    pub fn new(hours: &BusinessHours, zone: impl ZoneRules + 'static) -> Result<Self, ServiceError> {
        if zone.name() != hours.zone() {
            let (stated, given) = (hours.zone().to_owned(), zone.name().to_owned());
            return Err(ServiceError::ZoneMismatch { stated, given });
        }
        if hours.weekly().is_empty() {
            return Err(ServiceError::NoWindows { zone: hours.zone().to_owned() });
        }
        let days = Days::new(hours);
        let mut calendar = Self {
            zone: Arc::new(zone),
            week: Week::new(&days),
            days,
            stretches: Vec::new(),
            listed: Vec::new(),
            from: 0,
            to: 0,
            total: 0,
        };
        calendar.lay_out();
        Ok(calendar)
    }

    /// Makes hours ready to be asked; the zone is looked up by its name.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`ServiceError::UnknownZone`] when there is no zone of that name.
    #[cfg(feature = "chrono-tz")]
    pub fn named(hours: &BusinessHours) -> Result<Self, ServiceError> {
        let unknown = |_| ServiceError::UnknownZone { name: hours.zone().to_owned() };
        Self::new(hours, crate::zone::zone_named(hours.zone()).map_err(unknown)?)
    }

    /// How much business time lies between two instants.
    ///
    /// # Errors
    /// [`ServiceError::TimeBackwards`] when `to` lies before `from`; [`ServiceError::Invalid`] when either lies outside
    /// the years 1 to 9999.
    pub fn business_time(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<TimeDelta, ServiceError> {
        let (start, end) = (instant("from", from)?, instant("to", to)?);
        if end < start {
            return Err(ServiceError::TimeBackwards { from, to });
        }
        Ok(TimeDelta::microseconds(self.between(start, end)))
    }

    /// The earliest instant from `start` on by which `budget` of business time has passed: `start` itself for no
    /// budget, the closing time (not the next opening) where a budget ends with the day.
    ///
    /// # Errors
    /// [`ServiceError::NegativeDuration`]; [`ServiceError::PastLastYear`] when the answer would lie after the year 9999;
    /// [`ServiceError::Invalid`] when `start` lies outside the years 1 to 9999.
    pub fn after(&self, start: DateTime<Utc>, budget: TimeDelta) -> Result<DateTime<Utc>, ServiceError> {
        let from = instant("start", start)?;
        let budget = whole_microseconds("budget", budget)?.ok_or(ServiceError::PastLastYear { start })?;
        self.reach(from, budget).and_then(from_microseconds).ok_or(ServiceError::PastLastYear { start })
    }

    /// Whether the business is open at an instant.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when the instant lies outside the years 1 to 9999.
    pub fn is_open(&self, at: DateTime<Utc>) -> Result<bool, ServiceError> {
        let at = instant("at", at)?;
        Ok(self.between(at, at + 1) > 0)
    }

    /// The first instant from `at` on at which the business is open.
    ///
    /// # Errors
    /// As [`after`](Self::after).
    pub fn next_open(&self, at: DateTime<Utc>) -> Result<DateTime<Utc>, ServiceError> {
        let from = instant("at", at)?;
        // The microsecond that is worked first ends one after it begins.
        self.reach(from, 1)
            .and_then(|end| from_microseconds(end - 1))
            .ok_or(ServiceError::PastLastYear { start: at })
    }

    /// The business time from 1970 to an instant of the laid out years.
    fn counted(&self, at: i64) -> i64 {
        let next = self.stretches.partition_point(|stretch| stretch.start <= at);
        let Some(stretch) = next.checked_sub(1).and_then(|index| self.stretches.get(index)) else { return 0 };
        match stretch.rule {
            Rule::Weekly { offset, counted } => stretch.before + self.week.counted(at + offset) - counted,
            Rule::Listed { first, end } => {
                let openings = self.listed.get(first..end).unwrap_or_default();
                let passed = openings.partition_point(|opening| opening.start <= at);
                match passed.checked_sub(1).and_then(|index| openings.get(index)) {
                    Some(opening) => opening.before + at.min(opening.end) - opening.start,
                    None => stretch.before,
                }
            }
        }
    }

    /// The earliest instant of the laid out years at which so much (more than none, at most all) was counted.
    fn at_count(&self, count: i64) -> i64 {
        let next = self.stretches.partition_point(|stretch| stretch.before < count);
        let Some(stretch) = next.checked_sub(1).and_then(|index| self.stretches.get(index)) else {
            return self.from;
        };
        match stretch.rule {
            Rule::Weekly { offset, counted } => self.week.at_count(count - stretch.before + counted) - offset,
            Rule::Listed { first, end } => {
                let openings = self.listed.get(first..end).unwrap_or_default();
                let next = openings.partition_point(|opening| opening.before < count);
                match next.checked_sub(1).and_then(|index| openings.get(index)) {
                    Some(opening) => opening.start + count - opening.before,
                    None => stretch.start,
                }
            }
        }
    }

    /// The business time between two instants, in microseconds.
    pub(super) fn between(&self, start: i64, end: i64) -> i64 {
        let laid_out = |at: i64| self.counted(at.clamp(self.from, self.to));
        let mut sum = if start < self.to && end > self.from { laid_out(end) - laid_out(start) } else { 0 };
        let mut add = |start: i64, end: i64| -> Option<()> {
            self.walk(start, end, |opening| {
                sum += opening.1 - opening.0;
                None
            })
        };
        if start < self.from {
            add(start, end.min(self.from));
        }
        if end > self.to {
            add(start.max(self.to), end);
        }
        sum
    }

    /// Where an instant lies on the line of business time: differences are business time.
    pub(super) fn position(&self, at: i64) -> i64 {
        if (self.from..=self.to).contains(&at) {
            self.counted(at)
        } else if at < self.from {
            -self.between(at, self.from)
        } else {
            self.between(self.from, at)
        }
    }

    /// The earliest instant from `start` on, which lies at `position`, by which a budget has passed; `None` after the
    /// year 9999.
    pub(super) fn reach_from(&self, start: i64, position: i64, budget: i64) -> Option<i64> {
        if budget > 0 && (self.from..=self.to).contains(&start) && budget <= self.total - position {
            Some(self.at_count(position + budget))
        } else {
            self.reach(start, budget)
        }
    }

    /// The earliest instant by which a budget has passed; `None` after the year 9999.
    pub(super) fn reach(&self, start: i64, budget: i64) -> Option<i64> {
        if budget <= 0 {
            return Some(start);
        }
        // Business time is at most elapsed time, so nothing is walked in vain.
        if start.checked_add(budget)? > PAST_LAST_YEAR {
            return None;
        }
        let mut left = budget;
        if start < self.from {
            let reached = self.walk(start, self.from, |opening| spend(&mut left, opening));
            if reached.is_some() {
                return reached;
            }
        }
        if start < self.to {
            let counted = self.counted(start.max(self.from));
            if left <= self.total - counted {
                return Some(self.at_count(counted + left));
            }
            left -= self.total - counted;
        }
        self.walk(start.max(self.to), PAST_LAST_YEAR, |opening| spend(&mut left, opening))
    }

    /// Hands on the openings between two instants, day by day, until `each` has an answer.
    fn walk<T>(&self, start: i64, end: i64, mut each: impl FnMut((i64, i64)) -> Option<T>) -> Option<T> {
        let mut day = (start + self.offset(start)).div_euclid(DAY) - 1;
        let mut begins = self.midnight(day);
        while begins < end {
            let ends = self.midnight(day + 1);
            let answer = self.openings(day, begins.max(start), ends.min(end)).into_iter().find_map(&mut each);
            if answer.is_some() {
                return answer;
            }
            (day, begins) = (day + 1, ends);
        }
        None
    }

    fn offset(&self, at: i64) -> i64 {
        offset(&*self.zone, at.div_euclid(SECOND)) * SECOND
    }

    /// What a minute of a day of the wall clock means.
    fn edge(&self, day: i64, minute: i64) -> Seconds {
        resolve(|at| offset(&*self.zone, at), day * (DAY / SECOND) + minute * 60)
    }

    /// The first instant of a day, in microseconds.
    fn midnight(&self, day: i64) -> i64 {
        self.edge(day, 0).earliest() * SECOND
    }

    /// The openings of a day within bounds, in order and apart.
    fn openings(&self, day: i64, from: i64, to: i64) -> Vec<(i64, i64)> {
        // A window may reach into the next day, and a fold at midnight shows the end of a day after its midnight.
        let near = day - 2..=day + 1;
        let instants = |day: i64, window: &Window| {
            let start = self.edge(day, i64::from(window.opens())).earliest() * SECOND;
            let end = self.edge(day, i64::from(window.closes())).latest() * SECOND;
            (start.max(from), end.min(to))
        };
        let of = |windows: &BTreeMap<i64, Vec<Window>>| {
            let listed = windows.range(near.clone());
            union(listed.flat_map(|(&day, windows)| windows.iter().map(move |w| instants(day, w))).collect())
        };
        let weekly = near.clone().flat_map(|day| self.days.weekly(day).iter().map(move |w| instants(day, w)));
        let mut open = union(weekly.collect());
        if self.days.has_exceptions(near.clone()) {
            open = without(&open, &of(&self.days.closures));
            open.extend(of(&self.days.extra));
            open = union(open);
        }
        open
    }

    /// Lays the known years out as stretches that follow the weekly pattern, and listed days in between.
    fn lay_out(&mut self) {
        let probe = |day: i64| offset(&*self.zone, day * (DAY / SECOND));
        // Two days before and three after: any change of the offset that can touch the day or a window into it.
        let mut near = [0_i64; 6];
        for (slot, day) in near.iter_mut().zip(LAID_OUT.start - 2..) {
            *slot = probe(day);
        }
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut listed: Vec<Opening> = Vec::new();
        let mut sum = 0;
        for day in LAID_OUT {
            let by = near[2] * SECOND;
            let plain =
                near.iter().all(|&other| other == near[2]) && !self.days.has_exceptions(day - 2..=day + 1);
            if plain {
                let follows = stretches
                    .last()
                    .is_some_and(|last| matches!(last.rule, Rule::Weekly { offset, .. } if offset == by));
                if !follows {
                    let start = day * DAY - by;
                    let counted = self.week.counted(start + by);
                    stretches.push(Stretch {
                        start,
                        before: sum,
                        rule: Rule::Weekly { offset: by, counted },
                    });
                }
            } else {
                let (start, end) = (self.midnight(day), self.midnight(day + 1));
                if let Some(Stretch { before, rule: Rule::Weekly { offset, counted }, .. }) = stretches.last()
                {
                    sum = before + self.week.counted(start + offset) - counted;
                }
                let first = listed.len();
                let before = sum;
                for (from, to) in self.openings(day, start, end) {
                    listed.push(Opening { start: from, end: to, before: sum });
                    sum += to - from;
                }
                match stretches.last_mut() {
                    Some(Stretch { rule: Rule::Listed { end, .. }, .. }) => *end = listed.len(),
                    _ => stretches.push(Stretch {
                        start,
                        before,
                        rule: Rule::Listed { first, end: listed.len() },
                    }),
                }
            }
            near.rotate_left(1);
            near[5] = probe(day + 4);
        }
        (self.stretches, self.listed) = (stretches, listed);
        self.from = self.midnight(LAID_OUT.start);
        self.to = self.midnight(LAID_OUT.end);
        self.total = self.counted(self.to);
    }
}

/// The weekly pattern of the wall clock, as if it were never put forward or back.
#[derive(Clone, Debug)]
struct Week {
    /// Openings from Monday's first microsecond on, in order and apart.
    openings: Vec<Opening>,
    total: i64,
}

impl Week {
    fn new(days: &Days) -> Self {
        let mut parts = Vec::new();
        for (weekday, windows) in (0_i64..).zip(&days.week) {
            for window in windows {
                let [start, end] =
                    [window.opens(), window.closes()].map(|m| weekday * DAY + i64::from(m) * MINUTE);
                // What passes the end of Sunday opens the week.
                parts.push((start, end.min(WEEK)));
                if end > WEEK {
                    parts.push(((start - WEEK).max(0), end - WEEK));
                }
            }
        }
        let mut total = 0;
        let openings = union(parts)
            .into_iter()
            .map(|(start, end)| {
                let before = total;
                total += end - start;
                Opening { start, end, before }
            })
            .collect();
        Self { openings, total }
    }

    /// The time that was open between the first Monday of 1970 and a wall time.
    fn counted(&self, local: i64) -> i64 {
        let (weeks, within) = ((local - MONDAY).div_euclid(WEEK), (local - MONDAY).rem_euclid(WEEK));
        let begun = self.openings.partition_point(|opening| opening.start <= within);
        let this_week = match begun.checked_sub(1).and_then(|index| self.openings.get(index)) {
            Some(opening) => opening.before + within.min(opening.end) - opening.start,
            None => 0,
        };
        weeks * self.total + this_week
    }

    /// The earliest wall time at which so much was counted.
    fn at_count(&self, count: i64) -> i64 {
        let weeks = (count - 1).div_euclid(self.total);
        let within = count - weeks * self.total;
        let next = self.openings.partition_point(|opening| opening.before < within);
        let start = match next.checked_sub(1).and_then(|index| self.openings.get(index)) {
            Some(opening) => opening.start + within - opening.before,
            None => 0,
        };
        MONDAY + weeks * WEEK + start
    }
}

/// The stated hours by day; days are counted from the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Days {
    week: [Vec<Window>; 7],
    closures: BTreeMap<i64, Vec<Window>>,
    extra: BTreeMap<i64, Vec<Window>>,
}

impl Days {
    fn new(hours: &BusinessHours) -> Self {
        let by_day = |dated: &[(NaiveDate, Window)]| {
            let mut days = BTreeMap::<i64, Vec<Window>>::new();
            for (date, window) in dated {
                let day = i64::from(date.num_days_from_ce()) - 719_163;
                days.entry(day).or_default().push(*window);
            }
            days
        };
        let mut week: [Vec<Window>; 7] = Default::default();
        for (weekday, window) in hours.weekly() {
            if let Some(windows) = week.get_mut(index(*weekday)) {
                windows.push(*window);
            }
        }
        Self { week, closures: by_day(hours.closures()), extra: by_day(hours.extra()) }
    }

    fn weekly(&self, day: i64) -> &[Window] {
        // The epoch was a Thursday.
        let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0);
        self.week.get(weekday).map_or(&[], Vec::as_slice)
    }

    fn has_exceptions(&self, days: std::ops::RangeInclusive<i64>) -> bool {
        self.closures.range(days.clone()).next().is_some() || self.extra.range(days).next().is_some()
    }
}

fn index(weekday: Weekday) -> usize {
    usize::try_from(weekday.num_days_from_monday()).unwrap_or(0)
}

/// Takes an opening off what is left of a budget; the instant at which it is used up.
fn spend(left: &mut i64, opening: (i64, i64)) -> Option<i64> {
    let length = opening.1 - opening.0;
    if *left <= length {
        return Some(opening.0 + *left);
    }
    *left -= length;
    None
}

/// Spans in order and apart; empty ones are dropped.
fn union(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.retain(|(start, end)| start < end);
    spans.sort_unstable();
    let mut apart: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
    for (start, end) in spans {
        match apart.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => apart.push((start, end)),
        }
    }
    apart
}

/// What is left of spans without others; both in order and apart.
fn without(spans: &[(i64, i64)], others: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut left = Vec::with_capacity(spans.len());
    for &(start, end) in spans {
        let mut from = start;
        for &(shut, open) in others {
            if open > from && shut < end {
                left.push((from, shut));
                from = open;
            }
        }
        left.push((from, end));
    }
    left.retain(|(start, end)| start < end);
    left
}

/// An instant as the calendar counts: in microseconds from the epoch.
pub(super) fn instant(field: &'static str, at: DateTime<Utc>) -> Result<i64, ServiceError> {
    Ok(period::instant(field, at)?.timestamp_micros())
}

pub(super) fn from_microseconds(at: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(at).filter(|_| at < PAST_LAST_YEAR)
}

/// A duration in whole microseconds (finer digits are dropped); `None` where it is too long to count.
pub(super) fn whole_microseconds(
    field: &'static str,
    duration: TimeDelta,
) -> Result<Option<i64>, ServiceError> {
    if duration < TimeDelta::zero() {
        return Err(ServiceError::NegativeDuration { field, seconds: duration.num_seconds() });
    }
    Ok(duration.num_microseconds())
}

#[cfg(test)]
mod tests;
