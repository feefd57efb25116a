//! Business time, zones and recurrences against tables made by other programs; `data/README.md` names them.

#![cfg(feature = "chrono-tz")]
#![expect(clippy::unwrap_used, reason = "a failed step must fail the test")]

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc, Weekday};
use patronage::service::{BusinessCalendar, BusinessHours, Window};
use patronage::task::{Recurrence, Schedule};
use patronage::{LocalTime, ZoneRules, zone_named};
use std::collections::BTreeMap;

type Vector = (String, String, String, String, String, DateTime<Utc>, i64, DateTime<Utc>);

fn hours(zone: &str, windows: &str, weekdays: &str, holidays: &str) -> BusinessHours {
    let mut hours = BusinessHours::new(zone).unwrap();
    for window in windows.split('|') {
        let (opens, closes) = window.split_once('-').unwrap();
        let window = Window::new(opens.parse().unwrap(), closes.parse().unwrap()).unwrap();
        for weekday in weekdays.bytes() {
            hours = hours.open(Weekday::try_from(weekday - b'0').unwrap(), window).unwrap();
        }
    }
    for holiday in holidays.split('|').filter(|text| !text.is_empty()) {
        hours = hours.closed(holiday.parse::<NaiveDate>().unwrap(), Window::WHOLE_DAY).unwrap();
    }
    hours
}

#[test]
fn all_deadlines_agree() {
    let mut reader = csv::Reader::from_reader(include_str!("data/sla_vectors.csv").as_bytes());
    let (mut count, mut calendars) = (0, BTreeMap::new());
    for record in reader.deserialize() {
        let (name, zone, windows, weekdays, holidays, start, budget, deadline): Vector = record.unwrap();
        let calendar = calendars.entry((name.clone(), zone.clone())).or_insert_with(|| {
            BusinessCalendar::named(&hours(&zone, &windows, &weekdays, &holidays)).unwrap()
        });
        let budget = TimeDelta::minutes(budget);
        assert_eq!(calendar.after(start, budget).unwrap(), deadline, "{name} in {zone} from {start}");
        assert_eq!(calendar.business_time(start, deadline).unwrap(), budget, "{name} in {zone} from {start}");
        count += 1;
    }
    assert_eq!(count, 360);
}

#[test]
fn all_changes_of_the_clock_agree() {
    let mut reader = csv::Reader::from_reader(include_str!("data/dst_transitions_2024_2030.csv").as_bytes());
    let (mut count, mut calendars) = (0, BTreeMap::new());
    for record in reader.deserialize() {
        let (name, at, before, after): (String, DateTime<Utc>, i32, i32) = record.unwrap();
        let zone = zone_named(&name).unwrap();
        assert_eq!(zone.offset_at(at - TimeDelta::seconds(1)), before, "{name} {at}");
        assert_eq!(zone.offset_at(at), after, "{name} {at}");
        // The wall times half way through the change.
        let local = at.naive_utc() + TimeDelta::seconds(i64::midpoint(before.into(), after.into()));
        let (earlier, later) = (
            local.and_utc() - TimeDelta::seconds(before.max(after).into()),
            local.and_utc() - TimeDelta::seconds(before.min(after).into()),
        );
        let expected =
            if before < after { LocalTime::Gap { until: at } } else { LocalTime::Fold { earlier, later } };
        assert_eq!(zone.resolve(local), expected, "{name} {local}");
        // A business that never closes is open for every second of it.
        let calendar = calendars.entry(name.clone()).or_insert_with(|| {
            let hours = BusinessHours::new(&name).unwrap().open_daily(Window::WHOLE_DAY).unwrap();
            BusinessCalendar::named(&hours).unwrap()
        });
        let (start, end) = (at - TimeDelta::days(2), at + TimeDelta::days(2));
        assert_eq!(calendar.business_time(start, end).unwrap(), TimeDelta::days(4), "{name} {at}");
        count += 1;
    }
    assert_eq!(count, 141);
}

#[test]
fn all_recurrences_agree() {
    let mut reader = csv::Reader::from_reader(include_str!("data/rrule_occurrences.csv").as_bytes());
    let mut count = 0;
    for record in reader.deserialize() {
        let (text, zone, anchor, expected): (String, String, NaiveDateTime, String) = record.unwrap();
        let rule: Recurrence = text.parse().unwrap();
        assert_eq!(rule.to_string().parse::<Recurrence>().unwrap(), rule);
        let schedule = Schedule::new(rule, anchor, zone_named(&zone).unwrap()).unwrap();
        let expected: Vec<DateTime<Utc>> = expected.split(' ').map(|at| at.parse().unwrap()).collect();
        let occurrences: Vec<_> = schedule.occurrences().map(|one| one.at()).collect();
        assert_eq!(occurrences, expected, "{text} in {zone} from {anchor}");
        count += 1;
    }
    assert_eq!(count, 30);
}
