use super::*;
use crate::customer::CustomerId;
use crate::tag::Tag;

fn schedule(rule: &str, anchor: &str) -> Schedule {
    Schedule::new(rule.parse().unwrap(), anchor.parse().unwrap(), Utc).unwrap()
}

fn days(rule: &str, anchor: &str, count: usize) -> Vec<String> {
    schedule(rule, anchor).occurrences().take(count).map(|one| one.local.date().to_string()).collect()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn the_rule_for_the_end_of_the_month() {
    let anchor = "2027-12-31T09:00:00";
    assert_eq!(days("FREQ=MONTHLY", anchor, 3), ["2027-12-31", "2028-01-31", "2028-03-31"]);
    let backward = "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD";
    assert_eq!(days(backward, anchor, 4), ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31"]);
    let forward = "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=1,31;SKIP=FORWARD";
    assert_eq!(
        days(forward, anchor, 6),
        ["2027-12-31", "2028-01-01", "2028-01-31", "2028-02-01", "2028-03-01", "2028-03-31"]
    );
    let birthday = "RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=BACKWARD";
    assert_eq!(days(birthday, "2024-02-29T09:00:00", 3), ["2024-02-29", "2025-02-28", "2026-02-28"]);
    // 2100 is no leap year.
    assert_eq!(days("FREQ=YEARLY", "2096-02-29T09:00:00", 2), ["2096-02-29", "2104-02-29"]);
}

#[test]
fn a_rule_that_never_fires_is_refused() {
    for (rule, anchor) in [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-01-01T09:00:00"),
        ("FREQ=DAILY;UNTIL=20260101T000000Z", "2026-01-01T09:00:00"),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "2026-01-01T09:00:00"),
        ("FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=MO;BYSETPOS=2", "2026-01-01T09:00:00"),
        ("FREQ=YEARLY;BYMONTHDAY=1", "9999-12-31T09:00:00"),
    ] {
        let refused = Schedule::new(rule.parse().unwrap(), anchor.parse().unwrap(), Utc);
        assert!(matches!(refused, Err(TaskError::NeverFires { .. })), "{rule}");
    }
    let far = NaiveDate::MAX.and_hms_opt(9, 0, 0).unwrap();
    let rule: Recurrence = "FREQ=DAILY".parse().unwrap();
    assert!(matches!(Schedule::new(rule, far, Utc), Err(TaskError::Invalid(_))));
}

#[test]
fn the_year_9999_ends_every_rule() {
    assert_eq!(days("FREQ=DAILY", "9999-12-30T09:00:00", 9), ["9999-12-30", "9999-12-31"]);
    assert_eq!(days("FREQ=WEEKLY", "9999-12-30T09:00:00", 9), ["9999-12-30"]);
    assert_eq!(days("FREQ=MONTHLY", "9999-11-30T09:00:00", 9), ["9999-11-30", "9999-12-30"]);
    assert_eq!(days("FREQ=YEARLY", "9998-12-30T09:00:00", 9), ["9998-12-30", "9999-12-30"]);
}

#[test]
fn jumping_ahead_equals_counting_from_the_anchor() {
    for rule in [
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
        "FREQ=MONTHLY;INTERVAL=5;BYDAY=2TU,-1FR",
        "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP=FORWARD",
        "FREQ=YEARLY;INTERVAL=3;BYMONTH=1,12;BYMONTHDAY=1,-1",
        "FREQ=YEARLY;BYDAY=1SU,-1SA;UNTIL=20400101T000000Z",
        "FREQ=DAILY;COUNT=500",
    ] {
        let schedule = schedule(rule, "2020-01-31T23:30:00");
        let all: Vec<Occurrence> = schedule.occurrences().take(600).collect();
        assert!(all.is_sorted() && all.windows(2).all(|pair| pair[0].at < pair[1].at), "{rule}");
        for after in (0..12_000).step_by(97) {
            let after = at("2020-01-20T12:00:00Z") + TimeDelta::hours(after);
            let expected = all.iter().find(|one| one.at > after).copied();
            if expected.is_some() || all.len() < 600 {
                assert_eq!(schedule.occurrences_after(after).next(), expected, "{rule} after {after}");
            }
        }
    }
}

#[test]
fn catching_up_loses_nothing_and_repeats_nothing() {
    let daily = schedule("FREQ=DAILY", "2026-03-01T09:00:00");
    let (last, now) = (at("2026-03-01T09:00:00Z"), at("2026-03-06T09:30:00Z"));
    let each = daily.due(Some(last), now, CatchUp::Each, 2).unwrap();
    assert_eq!((each.fire.len(), each.skipped, each.through), (2, 0, at("2026-03-03T09:00:00Z")));
    let rest = daily.due(Some(each.through), now, CatchUp::Each, 100).unwrap();
    assert_eq!((rest.fire.len(), rest.through), (3, now));
    assert_eq!(rest.next.unwrap().at, at("2026-03-07T09:00:00Z"));
    assert!(daily.due(Some(rest.through), now, CatchUp::Each, 100).unwrap().fire.is_empty());

    let latest = daily.due(Some(last), now, CatchUp::LatestOnly, 1).unwrap();
    assert_eq!((latest.fire[0].at, latest.skipped), (at("2026-03-06T09:00:00Z"), 4));
    let graced = daily.due(Some(last), now, CatchUp::Skip { grace_seconds: 86_400 + 1800 }, 100).unwrap();
    assert_eq!((graced.fire.len(), graced.skipped), (2, 3));
    let skipped = daily.due(Some(last), now, CatchUp::Skip { grace_seconds: 60 }, 100).unwrap();
    assert_eq!((skipped.fire.len(), skipped.skipped, skipped.through), (0, 5, now));
    let first = daily.due(None, last, CatchUp::LatestOnly, 1).unwrap();
    assert_eq!((first.fire.len(), first.skipped), (1, 0));

    // The clock is put back by ten days: nothing fires again, nothing is forgotten.
    let back = daily.due(Some(now), now - TimeDelta::days(10), CatchUp::Each, 100).unwrap();
    assert_eq!((back.fire.len(), back.through), (0, now));
    assert_eq!(back.next.unwrap().at, at("2026-03-07T09:00:00Z"));
    assert!(daily.due(None, now, CatchUp::Each, 0).is_err());
    assert!(daily.due(None, DateTime::<Utc>::MAX_UTC, CatchUp::Each, 1).is_err());
}

#[test]
fn keys_tell_occurrences_recipients_and_ways_apart() {
    let daily = schedule("FREQ=DAILY", "2026-03-01T09:00:00");
    let two: Vec<Occurrence> = daily.occurrences().take(2).collect();
    let (reminder, staff) = (Uuid::from_u128(7), Recipient::Staff(Tag::literal("desk")));
    let customer = Recipient::Customer(CustomerId::new(Uuid::from_u128(1)));
    let keys = [
        two[0].key(reminder, staff, None),
        two[1].key(reminder, staff, None),
        two[0].key(reminder, customer, None),
        two[0].key(reminder, staff, Some(Touchpoint::Email)),
        two[0].key(Uuid::from_u128(8), staff, None),
    ];
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
    assert_eq!(keys[0], two[0].key(reminder, staff, None));
}

#[cfg(feature = "chrono-tz")]
mod over_clock_changes {
    use super::*;
    use crate::zone::zone_named;
    use chrono::{NaiveTime, TimeZone};
    use proptest::prelude::*;

    #[test]
    fn gaps_fire_at_their_end_and_folds_once() {
        let local = |rule: &str, anchor: &str, zone: &str| {
            Schedule::new(rule.parse().unwrap(), anchor.parse().unwrap(), zone_named(zone).unwrap()).unwrap()
        };
        let berlin = local("FREQ=DAILY", "2026-03-28T02:30:00", "Europe/Berlin");
        let instants: Vec<_> = berlin.occurrences().take(3).map(|one| one.at).collect();
        assert_eq!(instants[1], at("2026-03-29T01:00:00Z"), "03:00, the first instant after the gap");
        assert_eq!(instants[2], at("2026-03-30T00:30:00Z"));
        let autumn = local("FREQ=DAILY", "2026-10-25T02:30:00", "Europe/Berlin");
        let instants: Vec<_> = autumn.occurrences().take(2).map(|one| one.at).collect();
        assert_eq!(instants, [at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z")]);
        // Samoa had no 30 December 2011.
        let apia = local("FREQ=DAILY", "2011-12-29T09:00:00", "Pacific/Apia");
        let instants: Vec<_> = apia.occurrences().take(3).map(|one| one.at).collect();
        assert_eq!(instants[1], at("2011-12-30T10:00:00Z"));
        assert_eq!(instants[2], at("2011-12-30T19:00:00Z"));
    }

    proptest! {
        #[test]
        fn every_local_day_fires_exactly_once_at_its_time(
            zone in prop::sample::select(vec![
                "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Havana",
                "Africa/Cairo", "America/Asuncion", "Pacific/Chatham",
            ]),
            year in 2000_i32..2037,
            quarter in 0_u32..96,
        ) {
            let tz = zone_named(zone).unwrap();
            let time = NaiveTime::from_num_seconds_from_midnight_opt(quarter * 900, 0).unwrap();
            let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
            let daily = Schedule::new("FREQ=DAILY".parse().unwrap(), first.and_time(time), tz).unwrap();
            for (day, one) in first.iter_days().zip(daily.occurrences().take(370)) {
                let shown = tz.from_utc_datetime(&one.at.naive_utc()).naive_local();
                prop_assert_eq!(one.local, day.and_time(time));
                prop_assert_eq!(shown.date(), day, "in a zone that skips no whole day");
                prop_assert!(shown.time() >= time);
                // Just before it, the wall clock had never shown as late a time of this day.
                let before = tz.from_utc_datetime(&(one.at.naive_utc() - TimeDelta::seconds(1))).naive_local();
                prop_assert!(before < day.and_time(time));
            }
        }
    }
}
