use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};

/// How many seconds the wall clock is ahead of UTC.
fn offset(zone: &impl TimeZone, at: DateTime<Utc>) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc())
}

/// What the wall clock shows.
pub(super) fn wall(zone: &impl TimeZone, at: DateTime<Utc>) -> NaiveDateTime {
    let utc = at.naive_utc();
    utc.checked_add_signed(TimeDelta::seconds(offset(zone, at))).unwrap_or(utc)
}

/// The first midnight after a wall time.
pub(super) fn next_midnight(wall: NaiveDateTime) -> NaiveDateTime {
    on(wall.date().checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX), 0)
}

/// So many seconds after the midnight a date begins with, as the clock shows it.
pub(super) fn on(date: NaiveDate, second: u32) -> NaiveDateTime {
    let midnight = date.and_time(NaiveTime::MIN);
    midnight.checked_add_signed(TimeDelta::seconds(second.into())).unwrap_or(midnight)
}

/// The next instant at which to look at the clock again: when it shows `target`, or when it is changed before that.
/// Between the two nothing that hangs on the clock can begin or end other than at `target`.
///
/// `target` lies after what the clock shows at `at` and at most a day ahead; two changes of a clock are further apart.
pub(super) fn next_look(
    zone: &impl TimeZone,
    at: DateTime<Utc>,
    target: NaiveDateTime,
) -> Option<DateTime<Utc>> {
    let now = offset(zone, at);
    let ahead = target.signed_duration_since(wall(zone, at));
    let shown = at.checked_add_signed(ahead)?;
    // At the end of the calendar no clock goes on.
    if offset(zone, shown) == now {
        return Some(shown).filter(|&shown| shown > at);
    }
    let (mut old, mut new) = (at.timestamp(), shown.timestamp());
    while new - old > 1 {
        let middle = old + (new - old) / 2;
        if offset(zone, DateTime::from_timestamp(middle, 0)?) == now {
            old = middle;
        } else {
            new = middle;
        }
    }
    DateTime::from_timestamp(new, 0).filter(|&change| change > at)
}
