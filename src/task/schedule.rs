use super::TaskError;
use super::recurrence::{Frequency, MonthEnd, Recurrence, RecurrenceEnd};
use crate::interaction::Touchpoint;
use crate::key::IdempotencyKey;
use crate::notification::Recipient;
use crate::validation::ValidationError;
use crate::zone::ZoneRules;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// One time a schedule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Occurrence {
    pub(super) at: DateTime<Utc>,
    pub(super) local: NaiveDateTime,
}

impl Occurrence {
    /// The instant.
    pub const fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// What the rule says by the wall clock. It names the occurrence even when a zone changes its rules later.
    pub const fn local(&self) -> NaiveDateTime {
        self.local
    }

    /// The key under which a reminder of this occurrence is delivered once to a recipient on a way.
    pub fn key(&self, reminder: Uuid, to: Recipient, via: Option<Touchpoint>) -> IdempotencyKey {
        let local = self.local.format("%Y-%m-%dT%H:%M:%S%.f").to_string();
        key("occurrence", reminder, &local, to, via)
    }
}

/// The key under which one firing of a reminder is delivered once.
pub(super) fn key(
    kind: &str,
    reminder: Uuid,
    name: &str,
    to: Recipient,
    via: Option<Touchpoint>,
) -> IdempotencyKey {
    let to = match to {
        Recipient::Customer(customer) => format!("customer {customer}"),
        Recipient::Staff(staff) => format!("staff {staff}"),
    };
    let via = via.map(|via| via.to_text()).unwrap_or_default();
    IdempotencyKey::derive(&[kind, &reminder.to_string(), name, &to, &via])
}

/// What to do about occurrences that were missed while nothing ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// Every one of them fires, late.
    Each,
    /// Only the latest fires.
    #[default]
    LatestOnly,
    /// None fires that is more than this late.
    Skip {
        /// How late an occurrence may fire, in whole seconds.
        grace_seconds: u32,
    },
}

/// What of a schedule is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What fires now, in order.
    pub fire: Vec<Occurrence>,
    /// How many were missed and do not fire.
    pub skipped: u64,
    /// Everything up to this instant is dealt with: the `after` of the next question.
    pub through: DateTime<Utc>,
    /// What fires next; it may be due already where the limit was reached.
    pub next: Option<Occurrence>,
}

/// A recurrence that is anchored: at a date and a time of day by the wall clock of a zone.
///
/// Every occurrence is computed from the anchor, never from the one before, so that nothing drifts: 09:00 stays 09:00
/// over changes of the clock, and the 31st comes back after February. A time of day that the clock jumps over fires at
/// the first instant after the jump; one that it shows twice fires the first time. Each day of the rule fires once.
///
/// # Example
/// ```
/// use chrono::Utc;
/// use patronage::task::{CatchUp, Schedule};
///
/// let schedule = Schedule::new("FREQ=MONTHLY".parse()?, "2026-01-31T09:00:00".parse()?, Utc)?;
/// let days: Vec<_> = schedule.occurrences().take(3).map(|one| one.local().date().to_string()).collect();
/// assert_eq!(days, ["2026-01-31", "2026-03-31", "2026-05-31"]);
///
/// // Nothing ran from February to July: the latest occurrence fires, once.
/// let last = "2026-02-01T00:00:00Z".parse()?;
/// let due = schedule.due(Some(last), "2026-07-01T00:00:00Z".parse()?, CatchUp::LatestOnly, 100)?;
/// assert_eq!((due.fire.len(), due.skipped), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Schedule {
    rule: Recurrence,
    anchor: NaiveDateTime,
    zone: Arc<dyn ZoneRules>,
}

impl Schedule {
    /// Anchors a rule.
    ///
    /// # Errors
    /// [`TaskError::NeverFires`] when no day from the anchor to the year 9999 fits; [`TaskError::Invalid`] when
    /// the anchor lies outside the years 1 to 9999.
    ///
    /// # Cost
    /// Looks for the first occurrence: at once for rules that fire, up to three million days for one that never does.
    pub fn new(
        rule: Recurrence,
        anchor: NaiveDateTime,
        zone: impl ZoneRules + 'static,
    ) -> Result<Self, TaskError> {
        let schedule = Self::unchecked(rule, anchor, Arc::new(zone));
        if !(1..=9999).contains(&anchor.year()) {
            let rule = "must lie within the years 1 to 9999";
            return Err(ValidationError::new("schedule.anchor", rule, anchor).into());
        }
        if schedule.occurrences().next().is_none() {
            return Err(TaskError::NeverFires { rule: schedule.rule.to_string(), anchor });
        }
        Ok(schedule)
    }

    /// A schedule that was anchored before.
    pub(super) const fn unchecked(rule: Recurrence, anchor: NaiveDateTime, zone: Arc<dyn ZoneRules>) -> Self {
        Self { rule, anchor, zone }
    }

    /// The rule.
    pub const fn rule(&self) -> &Recurrence {
        &self.rule
    }

    /// The anchor by the wall clock.
    pub const fn anchor(&self) -> NaiveDateTime {
        self.anchor
    }

    /// The name of the zone.
    pub fn zone(&self) -> &str {
        self.zone.name()
    }

    /// All occurrences from the anchor on, in order, up to the year 9999.
    pub fn occurrences(&self) -> Occurrences<'_> {
        self.starting_at(0)
    }

    /// The occurrences after an instant.
    ///
    /// # Cost
    /// Goes straight to the instant; a rule that ends after a number of occurrences is counted from its anchor.
    pub fn occurrences_after(&self, after: DateTime<Utc>) -> impl Iterator<Item = Occurrence> + '_ {
        // Wall clocks are within a day of UTC; one step more for days that moved into the next month.
        let day = after.naive_utc().date().checked_sub_days(Days::new(2)).unwrap_or(NaiveDate::MIN);
        let ahead = match (self.rule.end, self.rule.frequency) {
            (RecurrenceEnd::Count(_), _) => 0,
            (_, Frequency::Daily) => day.signed_duration_since(self.anchor.date()).num_days(),
            (_, Frequency::Weekly) => day.signed_duration_since(self.anchor.date()).num_weeks() - 1,
            (_, Frequency::Monthly) => months(day) - months(self.anchor.date()),
            (_, Frequency::Yearly) => i64::from(day.year()) - i64::from(self.anchor.year()),
        };
        let step = (ahead / i64::from(self.rule.interval) - 1).max(0);
        self.starting_at(step).skip_while(move |occurrence| occurrence.at <= after)
    }

    fn starting_at(&self, step: i64) -> Occurrences<'_> {
        Occurrences { schedule: self, step, days: Vec::new().into_iter(), last: None, count: 0 }
    }

    /// What is due, and what became of what was missed.
    ///
    /// # Arguments
    /// `after`: everything up to it was dealt with before (the `through` of the last answer); `None` from the anchor on.
    /// `now`: what is due by it fires. `limit`: fire at most so many (at least 1); the rest comes with the next
    /// question. A `now` before `after` (a clock that was put back) has nothing due and loses nothing.
    ///
    /// # Errors
    /// [`TaskError::Invalid`] when an instant lies outside the years 1 to 9999, or the limit is 0.
    pub fn due(
        &self,
        after: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        catch_up: CatchUp,
        limit: usize,
    ) -> Result<Due, TaskError> {
        let now = crate::period::instant("due.now", now)?;
        let after = after.map(|after| crate::period::instant("due.after", after)).transpose()?;
        if limit == 0 {
            return Err(ValidationError::new("due.limit", "must be at least 1", limit).into());
        }
        // What happened before the anchor's first day is nothing, so any early instant begins at the anchor.
        let coming = self.occurrences_after(after.unwrap_or(DateTime::<Utc>::MIN_UTC));
        let through = after.map_or(now, |after| after.max(now));
        let CaughtUp { fire, skipped, through, next } =
            catch_up.apply(coming, |one| one.at, (now, through), limit);
        Ok(Due { fire, skipped, through, next })
    }
}

/// What came of catching up.
pub(super) struct CaughtUp<T> {
    pub(super) fire: Vec<T>,
    pub(super) skipped: u64,
    pub(super) through: DateTime<Utc>,
    pub(super) next: Option<T>,
}

impl CatchUp {
    /// Picks what fires of what comes in the order of time: of what is due by `now`, at most `limit`.
    pub(super) fn apply<T>(
        self,
        mut coming: impl Iterator<Item = T>,
        at: impl Fn(&T) -> DateTime<Utc>,
        (now, through): (DateTime<Utc>, DateTime<Utc>),
        limit: usize,
    ) -> CaughtUp<T> {
        let mut caught = CaughtUp { fire: Vec::new(), skipped: 0, through, next: None };
        for one in coming.by_ref() {
            if at(&one) > now {
                caught.next = Some(one);
                break;
            }
            match self {
                Self::LatestOnly => {
                    caught.skipped += u64::from(caught.fire.pop().is_some());
                }
                Self::Skip { grace_seconds }
                    if now - at(&one) > TimeDelta::seconds(i64::from(grace_seconds)) =>
                {
                    caught.skipped += 1;
                    continue;
                }
                Self::Each | Self::Skip { .. } => {
                    if caught.fire.len() == limit {
                        caught.through = caught.fire.last().map_or(caught.through, &at);
                        caught.next = Some(one);
                        break;
                    }
                }
            }
            caught.fire.push(one);
        }
        caught
    }
}

/// The occurrences of a [`Schedule`], in order.
#[derive(Clone, Debug)]
pub struct Occurrences<'a> {
    schedule: &'a Schedule,
    /// Which day, week, month or year comes next.
    step: i64,
    days: std::vec::IntoIter<NaiveDate>,
    last: Option<NaiveDate>,
    count: u32,
}

impl Iterator for Occurrences<'_> {
    type Item = Occurrence;

    fn next(&mut self) -> Option<Occurrence> {
        let Schedule { rule, anchor, zone } = self.schedule;
        if matches!(rule.end, RecurrenceEnd::Count(count) if self.count >= count) {
            return None;
        }
        loop {
            let Some(day) = self.days.next() else {
                let days = days_of(rule, anchor.date(), self.step)?;
                if let (RecurrenceEnd::Until(last), Some(first)) = (rule.end, days.first()) {
                    // Two days cover every offset; without this, a rule would be searched to the year 9999.
                    if last.naive_utc().date() + TimeDelta::days(2) < *first {
                        return None;
                    }
                }
                self.days = days.into_iter();
                self.step += 1;
                continue;
            };
            // A day that moved into the next month may be named there again.
            if day < anchor.date() || self.last.is_some_and(|last| day <= last) {
                continue;
            }
            let local = day.and_time(anchor.time());
            let at = zone.resolve(local).earliest();
            if matches!(rule.end, RecurrenceEnd::Until(last) if at > last) {
                return None;
            }
            self.last = Some(day);
            self.count += 1;
            return Some(Occurrence { at, local });
        }
    }
}

fn months(day: NaiveDate) -> i64 {
    i64::from(day.year()) * 12 + i64::from(day.month0())
}

/// The days that a rule names in its day, week, month or year of this number; `None` after the year 9999.
fn days_of(rule: &Recurrence, anchor: NaiveDate, step: i64) -> Option<Vec<NaiveDate>> {
    let ahead = step.checked_mul(i64::from(rule.interval))?;
    let in_months = |day: NaiveDate| rule.months.is_empty() || rule.months.contains(&day.month());
    let mut days = Vec::new();
    match rule.frequency {
        Frequency::Daily => {
            let day = later(anchor, ahead)?;
            let length = days_in_month(day.year(), day.month())?;
            let number = i32::try_from(day.day()).ok()?;
            let on_day = rule.month_days.is_empty()
                || rule.month_days.iter().any(|&named| named == number || named == number - length - 1);
            if in_months(day) && on_day && on_weekday(rule, day, Scope::Month) {
                days.push(day);
            }
        }
        Frequency::Weekly => {
            let into = anchor.weekday().days_since(rule.week_start);
            let monday = later(anchor, ahead * 7 - i64::from(into))?;
            for day in monday.iter_days().take(7).filter(|day| in_months(*day)) {
                let wanted = if rule.weekdays.is_empty() {
                    day.weekday() == anchor.weekday()
                } else {
                    on_weekday(rule, day, Scope::Month)
                };
                if wanted {
                    days.push(day);
                }
            }
        }
        Frequency::Monthly => {
            let month = months(anchor).checked_add(ahead)?;
            let (year, month) = (i32::try_from(month.div_euclid(12)).ok()?, month.rem_euclid(12) + 1);
            let month = u32::try_from(month).ok()?;
            if year > 9999 {
                return None;
            }
            if rule.months.is_empty() || rule.months.contains(&month) {
                add_days_of_month(rule, anchor, (year, month), Scope::Month, &mut days)?;
            }
        }
        Frequency::Yearly => {
            let year = i32::try_from(i64::from(anchor.year()).checked_add(ahead)?).ok()?;
            if year > 9999 {
                return None;
            }
            let names_no_day = rule.month_days.is_empty() && rule.weekdays.is_empty();
            let scope = if rule.months.is_empty() { Scope::Year } else { Scope::Month };
            for month in 1..=12 {
                let wanted = match scope {
                    Scope::Month => rule.months.contains(&month),
                    Scope::Year => !names_no_day || month == anchor.month(),
                };
                if wanted {
                    add_days_of_month(rule, anchor, (year, month), scope, &mut days)?;
                }
            }
        }
    }
    days.sort_unstable();
    days.dedup();
    if !rule.positions.is_empty() {
        let place = |position: i32| {
            let index = usize::try_from(position.unsigned_abs()).ok()?;
            if position > 0 { index.checked_sub(1) } else { days.len().checked_sub(index) }
        };
        let mut places: Vec<usize> = rule.positions.iter().filter_map(|&position| place(position)).collect();
        places.sort_unstable();
        places.dedup();
        days = places.into_iter().filter_map(|place| days.get(place).copied()).collect();
    }
    Some(days)
}

/// What a numbered weekday is counted in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Month,
    Year,
}

fn add_days_of_month(
    rule: &Recurrence,
    anchor: NaiveDate,
    (year, month): (i32, u32),
    scope: Scope,
    days: &mut Vec<NaiveDate>,
) -> Option<()> {
    let length = days_in_month(year, month)?;
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    let nth = |number: i32| later(first, i64::from(number) - 1);
    if rule.month_days.is_empty() && !rule.weekdays.is_empty() {
        days.extend((1..=length).filter_map(nth).filter(|day| on_weekday(rule, *day, scope)));
        return Some(());
    }
    let of_anchor = [i32::try_from(anchor.day()).ok()?];
    let named: &[i32] = if rule.month_days.is_empty() { &of_anchor } else { &rule.month_days };
    for &number in named {
        let day = match number {
            ..0 => Some(length + 1 + number).filter(|&number| number > 0).and_then(nth),
            _ if number <= length => nth(number),
            _ => match rule.month_end {
                MonthEnd::Omit => None,
                MonthEnd::Backward => nth(length),
                MonthEnd::Forward => nth(length + 1),
            },
        };
        days.extend(day.filter(|day| on_weekday(rule, *day, scope)));
    }
    Some(())
}

/// Whether a day is one of the weekdays of the rule; any day is where it names none.
fn on_weekday(rule: &Recurrence, day: NaiveDate, scope: Scope) -> bool {
    rule.weekdays.is_empty()
        || rule.weekdays.iter().any(|&(number, weekday)| {
            let (before, after) = match scope {
                Scope::Month => {
                    let length = days_in_month(day.year(), day.month()).unwrap_or(31);
                    let before = i32::try_from(day.day0()).unwrap_or(0);
                    (before, length - 1 - before)
                }
                Scope::Year => {
                    let length = if day.leap_year() { 366 } else { 365 };
                    let before = i32::try_from(day.ordinal0()).unwrap_or(0);
                    (before, length - 1 - before)
                }
            };
            day.weekday() == weekday
                && (number == 0 || number == before / 7 + 1 || number == -(after / 7 + 1))
        })
}

fn days_in_month(year: i32, month: u32) -> Option<i32> {
    let next = if month == 12 { (year.checked_add(1)?, 1) } else { (year, month + 1) };
    let last = NaiveDate::from_ymd_opt(next.0, next.1, 1)?.pred_opt()?;
    i32::try_from(last.day()).ok()
}

/// A day so many days later (or earlier); `None` after the year 9999.
fn later(day: NaiveDate, days: i64) -> Option<NaiveDate> {
    day.checked_add_signed(TimeDelta::try_days(days)?).filter(|day| day.year() <= 9999)
}

#[cfg(test)]
mod tests;
