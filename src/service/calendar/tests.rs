use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn office() -> BusinessHours {
    BusinessHours::new("UTC").unwrap().open_weekdays("09:00-17:00".parse().unwrap()).unwrap()
}

fn utc(hours: &BusinessHours) -> BusinessCalendar {
    BusinessCalendar::new(hours, Utc).unwrap()
}

#[test]
fn bad_input_is_named() {
    let empty = BusinessHours::new("UTC").unwrap();
    assert_eq!(
        BusinessCalendar::new(&empty, Utc).unwrap_err(),
        ServiceError::NoWindows { zone: "UTC".to_owned() }
    );
    let elsewhere = BusinessHours::new("Europe/Zurich").unwrap().open_daily(Window::WHOLE_DAY).unwrap();
    assert!(matches!(BusinessCalendar::new(&elsewhere, Utc), Err(ServiceError::ZoneMismatch { .. })));
    let calendar = utc(&office());
    let (start, end) = (at("2026-11-20T16:00:00Z"), at("2026-11-20T15:00:00Z"));
    assert_eq!(calendar.business_time(start, end), Err(ServiceError::TimeBackwards { from: start, to: end }));
    assert_eq!(
        calendar.after(start, TimeDelta::seconds(-2)),
        Err(ServiceError::NegativeDuration { field: "budget", seconds: -2 })
    );
    let last = at("9999-12-31T16:00:00Z");
    assert_eq!(calendar.after(last, TimeDelta::hours(2)), Err(ServiceError::PastLastYear { start: last }));
    assert_eq!(calendar.after(last, TimeDelta::MAX), Err(ServiceError::PastLastYear { start: last }));
    assert_eq!(calendar.after(start, TimeDelta::days(7000 * 365)), Err(ServiceError::PastLastYear { start }));
    assert!(calendar.after(DateTime::<Utc>::MAX_UTC, TimeDelta::zero()).is_err());
    assert!(calendar.business_time(DateTime::<Utc>::MIN_UTC, start).is_err());
}

#[cfg(feature = "chrono-tz")]
#[test]
fn a_zone_that_does_not_exist_is_named() {
    let hours = BusinessHours::new("Mars/Olympus").unwrap().open_daily(Window::WHOLE_DAY).unwrap();
    let unknown = ServiceError::UnknownZone { name: "Mars/Olympus".to_owned() };
    assert_eq!(BusinessCalendar::named(&hours).unwrap_err(), unknown);
}

#[test]
fn the_last_day_of_the_last_year_is_answered() {
    let calendar = utc(&office());
    // 9999-12-31 is a Friday.
    let due = calendar.after(at("9999-12-31T08:00:00Z"), TimeDelta::hours(8)).unwrap();
    assert_eq!(due, at("9999-12-31T17:00:00Z"));
    assert_eq!(calendar.next_open(at("0001-01-01T00:00:00Z")).unwrap(), at("0001-01-01T09:00:00Z"));
}

#[test]
fn edges_of_windows() {
    let calendar = utc(&office());
    let hours = |hours| TimeDelta::hours(hours);
    let friday = |clock: &str| at(&format!("2026-11-20T{clock}Z"));
    assert_eq!(
        calendar.after(friday("20:00:00"), hours(0)).unwrap(),
        friday("20:00:00"),
        "no budget, no wait"
    );
    assert_eq!(
        calendar.after(friday("09:00:00"), hours(8)).unwrap(),
        friday("17:00:00"),
        "closing, not opening"
    );
    assert_eq!(
        calendar.after(friday("09:00:00"), hours(8) + TimeDelta::microseconds(1)).unwrap(),
        at("2026-11-23T09:00:00.000001Z")
    );
    assert!(calendar.is_open(friday("09:00:00")).unwrap() && !calendar.is_open(friday("17:00:00")).unwrap());
    assert_eq!(calendar.next_open(friday("17:00:00")).unwrap(), at("2026-11-23T09:00:00Z"));
    assert_eq!(calendar.next_open(friday("10:00:00")).unwrap(), friday("10:00:00"));
}

#[test]
fn closures_cut_extra_openings_add_and_overlaps_count_once() {
    let hours = office()
        .open(Weekday::Fri, "16:00-20:00".parse().unwrap())
        .and_then(|hours| hours.closed(date("2026-11-20"), "12:00-14:00".parse()?))
        .and_then(|hours| hours.closed(date("2026-11-23"), Window::WHOLE_DAY))
        .and_then(|hours| hours.open_on(date("2026-11-23"), "10:00-11:00".parse()?))
        .and_then(|hours| hours.open_on(date("2026-11-21"), "22:00-02:00".parse()?))
        .unwrap();
    let calendar = utc(&hours);
    let between = |from: &str, to: &str| calendar.business_time(at(from), at(to)).unwrap().num_minutes();
    assert_eq!(between("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"), (3 + 6) * 60);
    assert_eq!(between("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"), 2 * 60);
    assert_eq!(between("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"), 2 * 60);
    assert_eq!(between("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"), 60);
    assert_eq!(between("2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z"), 11 * 60, "a plain Friday");
}

#[test]
fn a_night_passes_the_end_of_the_week() {
    let hours =
        BusinessHours::new("UTC").unwrap().open(Weekday::Sun, "22:00-06:00".parse().unwrap()).unwrap();
    let calendar = utc(&hours);
    // 1970-01-05 is the first Monday; the week before has a Sunday night, too.
    let monday = at("1970-01-05T03:00:00Z");
    assert_eq!(calendar.business_time(at("1970-01-01T00:00:00Z"), monday).unwrap(), TimeDelta::hours(5));
    assert_eq!(calendar.after(monday, TimeDelta::hours(4)).unwrap(), at("1970-01-11T23:00:00Z"));
}

#[test]
fn laid_out_years_equal_walked_days() {
    let hours = office()
        .open(Weekday::Sun, "22:00-46:00".parse().unwrap())
        .and_then(|hours| hours.closed(date("2000-02-29"), "08:00-10:00".parse()?))
        .and_then(|hours| hours.open_on(date("2099-12-31"), "23:00-25:00".parse()?))
        .and_then(|hours| hours.open_on(date("1970-01-01"), "00:00-01:00".parse()?))
        .unwrap();
    let calendar = utc(&hours);
    let mut walked = 0;
    calendar.walk(calendar.from, calendar.to, |(start, end)| {
        walked += end - start;
        None::<()>
    });
    assert_eq!(calendar.total, walked);
    let (long_ago, far_off) = (at("1960-05-05T05:05:05Z"), at("2110-06-06T06:06:06Z"));
    let whole = calendar.business_time(long_ago, far_off).unwrap();
    assert_eq!(
        calendar.after(long_ago, whole).unwrap(),
        far_off.min(calendar.after(long_ago, whole).unwrap())
    );
    assert_eq!(calendar.business_time(long_ago, calendar.after(long_ago, whole).unwrap()).unwrap(), whole);
}

#[cfg(feature = "chrono-tz")]
mod against_a_walk_by_minutes {
    use super::*;
    use chrono::{Offset, TimeZone};
    use chrono_tz::Tz;
    use proptest::prelude::*;

    /// The minutes of UTC from `first` on that are open, found by looking at the wall clock of every single minute: no
    /// offsets, no resolving, no interval arithmetic.
    fn open_minutes(hours: &BusinessHours, zone: Tz, first: DateTime<Utc>, count: usize) -> Vec<bool> {
        const MARGIN: usize = 4 * 1440;
        let minute = |index: usize| first + TimeDelta::minutes(i64::try_from(index).unwrap() - 4 * 1440);
        let clock: Vec<_> = (0..count + 2 * MARGIN)
            .map(|index| zone.from_utc_datetime(&minute(index).naive_utc()).naive_local())
            .collect();
        let span = |date: NaiveDate, window: &Window| {
            let edge = |m: u16| date.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(i64::from(m));
            // In a gap no minute shows the edge, and the first that shows a later one is the end of the gap.
            let moved = |edge| {
                let after_all = clock.iter().rposition(|shown| *shown < edge).map_or(0, |index| index + 1);
                clock.iter().position(|shown| *shown > edge).map_or(after_all, |index| index.max(after_all))
            };
            let (opens, closes) = (edge(window.opens()), edge(window.closes()));
            let start = clock.iter().position(|shown| *shown == opens).unwrap_or_else(|| moved(opens));
            let end = clock.iter().rposition(|shown| *shown == closes).unwrap_or_else(|| moved(closes));
            start..end
        };
        let mut open = vec![false; clock.len()];
        let mut date = clock[0].date() + TimeDelta::days(1);
        while date + TimeDelta::days(3) < clock[clock.len() - 1].date() {
            for (weekday, window) in hours.weekly() {
                if *weekday == date.weekday() {
                    span(date, window).for_each(|index| open[index] = true);
                }
            }
            date = date.succ_opt().unwrap();
        }
        for (date, window) in hours.closures() {
            span(*date, window).for_each(|index| open[index] = false);
        }
        for (date, window) in hours.extra() {
            span(*date, window).for_each(|index| open[index] = true);
        }
        open[MARGIN..MARGIN + count].to_vec()
    }

    /// Any hours, and twice as often some that begin and end in the small hours, when clocks are changed.
    fn window() -> impl Strategy<Value = Window> {
        let quarters = |opens: u16, length: u16| Window::new(opens * 15, (opens + length) * 15).unwrap();
        prop_oneof![
            (0_u16..96, 1_u16..96).prop_map(move |(opens, length)| quarters(opens, length)),
            (0_u16..16, 1_u16..16).prop_map(move |(opens, length)| quarters(opens, length)),
            (84_u16..96, 1_u16..30).prop_map(move |(opens, length)| quarters(opens, length)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_minute_agrees(
            zone in prop::sample::select(vec![
                "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca",
                "America/Havana", "Asia/Kathmandu", "America/Asuncion", "Pacific/Auckland", "Africa/Cairo",
            ]),
            year in 2005_i32..2036,
            week in 0_u32..53,
            weekly in prop::collection::vec((0_u8..7, window()), 1..9),
            closures in prop::collection::vec((prop_oneof![Just(3_i64), 1_i64..12], window()), 0..3),
            extra in prop::collection::vec((prop_oneof![Just(3_i64), 1_i64..12], window()), 0..3),
            change in 0_usize..4,
            (from, budget) in (0_usize..1440, 0_usize..2400),
        ) {
            const COUNT: usize = 14 * 1440;
            let tz: Tz = zone.parse().unwrap();
            let mut day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap() + TimeDelta::weeks(i64::from(week));
            if change < 2 {
                let offset = |day: NaiveDate| tz.offset_from_utc_datetime(&day.and_hms_opt(0, 0, 0).unwrap()).fix();
                let changes = |day: &NaiveDate| offset(*day) != offset(*day + TimeDelta::days(1));
                day = day.iter_days().take(400).filter(changes).nth(change).unwrap_or(day) - TimeDelta::days(3);
            }
            let mut hours = BusinessHours::new(zone).unwrap();
            for (weekday, window) in &weekly {
                hours = hours.open(Weekday::try_from(*weekday).unwrap(), *window).unwrap();
            }
            for (ahead, window) in &closures {
                hours = hours.closed(day + TimeDelta::days(*ahead), *window).unwrap();
            }
            for (ahead, window) in &extra {
                hours = hours.open_on(day + TimeDelta::days(*ahead), *window).unwrap();
            }
            let first = day.and_hms_opt(0, 0, 0).unwrap().and_utc();
            let open = open_minutes(&hours, tz, first, COUNT);
            let calendar = BusinessCalendar::named(&hours).unwrap();
            let minute = |index: usize| first + TimeDelta::minutes(i64::try_from(index).unwrap());
            // Stretches of equal minutes must be open or shut throughout.
            let mut index = 0;
            while index < COUNT {
                let end = (index..COUNT).find(|&other| open[other] != open[index]).unwrap_or(COUNT);
                let expected = if open[index] { minute(end) - minute(index) } else { TimeDelta::zero() };
                prop_assert_eq!(
                    calendar.business_time(minute(index), minute(end)).unwrap(), expected,
                    "{} to {}", minute(index), minute(end)
                );
                index = end;
            }
            // And the instant by which a budget has passed is that of counting minutes.
            let mut left = budget;
            let reached = (from..COUNT).find(|&index| {
                if left == 0 { return true; }
                left -= usize::from(open[index]);
                false
            });
            if let Some(reached) = reached {
                let due = calendar.after(minute(from), TimeDelta::minutes(i64::try_from(budget).unwrap())).unwrap();
                prop_assert_eq!(due, minute(reached));
            }
        }
    }
}
