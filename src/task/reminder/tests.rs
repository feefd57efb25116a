use super::*;
#[cfg(feature = "chrono-tz")]
use chrono::TimeDelta;

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-03-{text}:00Z").parse().unwrap()
}

fn team() -> Recipient {
    Recipient::Staff(Tag::literal("team"))
}

/// Every day at nine, from the second of March on.
fn daily(rule: &str) -> Reminder {
    let schedule = Schedule::new(rule.parse().unwrap(), at("02T09:00").naive_utc(), Utc).unwrap();
    Reminder::recurring(ReminderId::derive(&["r"]), &schedule, team(), Tag::literal("call")).unwrap()
}

fn once() -> Reminder {
    Reminder::once(ReminderId::derive(&["o"]), at("02T09:00"), team(), Tag::literal("call")).unwrap()
}

fn days(due: &ReminderDue) -> Vec<String> {
    due.fire.iter().map(|told| told.due().format("%dT%H:%M").to_string()).collect()
}

/// The key the occurrence of a day has by itself.
fn key_of(reminder: &Reminder, day: &str) -> IdempotencyKey {
    let (at, id) = (at(day), *reminder.id().as_uuid());
    Occurrence { at, local: at.naive_utc() }.key(id, reminder.to(), reminder.touchpoint())
}

#[test]
fn every_pair_of_statuses_follows_the_table() {
    let due = |reminder: &Reminder, now: &str| reminder.due(at(now), Utc, 9).unwrap().next;
    let daily = daily("FREQ=DAILY;COUNT=2");
    let ended = due(&daily, "09T09:00");
    let snoozed = daily.snooze(at("05T10:00")).unwrap();
    let cancelled = daily.cancel().unwrap();
    assert_eq!(
        [&daily, &snoozed, &ended, &cancelled].map(Reminder::status),
        [ReminderStatus::Active, ReminderStatus::Snoozed, ReminderStatus::Ended, ReminderStatus::Cancelled]
    );
    for reminder in [daily, snoozed, ended, cancelled] {
        let status = reminder.status();
        let may = |to| status.next().contains(&to);
        assert_eq!(reminder.snooze(at("10T09:00")).is_ok(), may(ReminderStatus::Snoozed), "{status}");
        assert_eq!(reminder.cancel().is_ok(), may(ReminderStatus::Cancelled), "{status}");
        assert_eq!(reminder.reassign(team()).is_ok(), !status.is_final(), "{status}");
        let json = serde_json::to_string(&reminder).unwrap();
        assert_eq!(serde_json::from_str::<Reminder>(&json).unwrap(), reminder);
    }
    let id = ReminderId::derive(&["o"]);
    let (from, to) = (ReminderStatus::Cancelled, ReminderStatus::Snoozed);
    let refused = once().cancel().unwrap().snooze(at("10T09:00"));
    assert_eq!(refused, Err(TaskError::IllegalMove { reminder: id, from, to }));
    let refused = once().cancel().unwrap().reassign(team());
    assert_eq!(refused, Err(TaskError::Cancelled { reminder: id }));
}

#[test]
fn one_that_fires_once_fires_once() {
    let reminder = once();
    assert_eq!(reminder.wake(Utc).unwrap(), Some(at("02T09:00")));
    let early = reminder.due(at("02T08:59"), Utc, 1).unwrap();
    assert_eq!((days(&early).len(), early.wake), (0, Some(at("02T09:00"))));
    let due = early.next.due(at("02T09:00"), Utc, 1).unwrap();
    assert_eq!((days(&due), due.wake), (vec!["02T09:00".to_owned()], None));
    assert_eq!(due.next.status(), ReminderStatus::Ended);
    assert_eq!(due.next.told(), [due.fire[0].key()]);
    assert_eq!(due.next.due(at("03T09:00"), Utc, 1).unwrap().fire, []);
    assert_eq!(due.next.wake(Utc).unwrap(), None);
}

#[test]
fn a_snooze_before_the_occurrence_takes_its_place() {
    let reminder = daily("FREQ=DAILY");
    let first = reminder.due(at("02T09:00"), Utc, 9).unwrap().next;
    // Put off from the evening of the second to the fourth at eleven: the occurrences of the third and the fourth.
    let snoozed = first.snooze(at("04T11:00")).unwrap();
    assert_eq!(snoozed.wake(Utc).unwrap(), Some(at("04T11:00")));
    let silent = snoozed.due(at("04T10:59"), Utc, 9).unwrap();
    assert_eq!((days(&silent).len(), silent.wake), (0, Some(at("04T11:00"))));
    let due = silent.next.due(at("04T11:00"), Utc, 9).unwrap();
    assert_eq!((days(&due), due.skipped), (vec!["04T11:00".to_owned()], 1));
    assert_eq!(due.fire[0].key(), key_of(&reminder, "04T09:00"), "it stands for the fourth");
    assert_eq!((due.next.status(), due.wake), (ReminderStatus::Active, Some(at("05T09:00"))));
}

#[test]
fn a_snooze_after_the_occurrence_has_a_key_of_its_own() {
    let reminder = daily("FREQ=DAILY");
    let first = reminder.due(at("02T09:00"), Utc, 9).unwrap();
    let snoozed = first.next.snooze(at("02T09:15")).unwrap();
    let again = snoozed.due(at("02T09:15"), Utc, 9).unwrap();
    assert_eq!(days(&again), ["02T09:15"]);
    let twice = again.next.snooze(at("02T09:30")).unwrap().due(at("02T09:30"), Utc, 9).unwrap();
    let keys = [first.fire[0].key(), again.fire[0].key(), twice.fire[0].key()];
    assert_eq!(std::collections::BTreeSet::from(keys).len(), 3);
    assert_eq!((twice.skipped, twice.wake), (0, Some(at("03T09:00"))), "later occurrences are unchanged");
    // Also the last one, and one that fires once.
    for last in [once(), daily("FREQ=DAILY;COUNT=1")] {
        let ended = last.due(at("02T09:00"), Utc, 9).unwrap().next;
        let due = ended.snooze(at("02T10:00")).unwrap().due(at("02T10:00"), Utc, 9).unwrap();
        assert_eq!((days(&due), due.next.status()), (vec!["02T10:00".to_owned()], ReminderStatus::Ended));
    }
}

#[test]
fn catching_up_follows_the_policy_after_a_snooze_too() {
    let late = |policy| {
        let reminder = daily("FREQ=DAILY").catching_up(policy);
        let snoozed = reminder.snooze(at("03T10:00")).unwrap();
        snoozed.due(at("05T12:00"), Utc, 2).unwrap()
    };
    let each = late(CatchUp::Each);
    assert_eq!((days(&each), each.skipped), (vec!["03T10:00".to_owned(), "04T09:00".to_owned()], 1));
    assert_eq!(each.wake, Some(at("05T09:00")), "the limit was reached");
    let rest = each.next.due(at("05T12:00"), Utc, 2).unwrap();
    assert_eq!((days(&rest), rest.wake), (vec!["05T09:00".to_owned()], Some(at("06T09:00"))));
    let latest = late(CatchUp::LatestOnly);
    assert_eq!((days(&latest), latest.skipped), (vec!["05T09:00".to_owned()], 3));
    let graced = late(CatchUp::Skip { grace_seconds: 4 * 3600 });
    assert_eq!((days(&graced), graced.skipped), (vec!["05T09:00".to_owned()], 3));
    let nothing = late(CatchUp::Skip { grace_seconds: 60 });
    assert_eq!((days(&nothing).len(), nothing.skipped, nothing.wake), (0, 4, Some(at("06T09:00"))));
}

#[test]
fn bad_input_is_refused() {
    let reminder = daily("FREQ=DAILY").due(at("02T09:00"), Utc, 9).unwrap().next;
    assert!(matches!(reminder.snooze(at("02T09:00")), Err(TaskError::Invalid(_))), "not after");
    assert!(matches!(reminder.snooze(DateTime::<Utc>::MAX_UTC), Err(TaskError::Invalid(_))));
    assert!(matches!(reminder.due(at("03T09:00"), Utc, 0), Err(TaskError::Invalid(_))));
    assert!(matches!(reminder.due(DateTime::<Utc>::MAX_UTC, Utc, 1), Err(TaskError::Invalid(_))));
    let far = Reminder::once(reminder.id(), DateTime::<Utc>::MAX_UTC, team(), Tag::literal("x"));
    assert!(far.is_err());
    // The clock is put back: nothing fires again, nothing is forgotten.
    let back = reminder.due(at("01T09:00"), Utc, 9).unwrap();
    assert_eq!((days(&back).len(), back.wake), (0, Some(at("03T09:00"))));
    assert_eq!(back.next.through(), Some(at("02T09:00")));
    let json = serde_json::to_string(&reminder).unwrap();
    for (from, to) in [("\"active\"", "\"snoozed\""), ("\"UTC\"", "\"\""), ("DAILY", "HOURLY")] {
        assert!(serde_json::from_str::<Reminder>(&json.replace(from, to)).is_err(), "{from} -> {to}");
    }
    let text = reminder.with_text("canary ".repeat(10_000)).unwrap_err();
    assert!(!text.to_string().contains("canary"));
}

#[test]
fn what_may_be_stored_after_what() {
    let new = daily("FREQ=DAILY");
    let fired = new.due(at("02T09:00"), Utc, 9).unwrap().next;
    assert_eq!(fired.continues(&new), Ok(()));
    assert_eq!(new.continues(&fired).unwrap_err().field(), "reminder.through");
    assert_eq!(daily("FREQ=DAILY;COUNT=3").continues(&new).unwrap_err().field(), "reminder.time");
    let cancelled = new.cancel().unwrap();
    assert_eq!(cancelled.continues(&new), Ok(()));
    assert_eq!(cancelled.continues(&cancelled), Ok(()));
    assert_eq!(new.continues(&cancelled).unwrap_err().field(), "reminder.status");
    let told = cancelled.clone().for_customer(CustomerId::derive(&["c"]));
    assert_eq!(told.continues(&cancelled).unwrap_err().field(), "reminder.status");
    assert_eq!(new.reassign(Recipient::Staff(Tag::literal("other"))).unwrap().continues(&new), Ok(()));
}

#[cfg(feature = "chrono-tz")]
#[test]
fn the_zone_is_looked_up_late() {
    use crate::zone::zone_named;
    let zone = zone_named("Europe/Zurich").unwrap();
    let anchor = "2026-03-28T02:30:00".parse().unwrap();
    let schedule = Schedule::new("FREQ=DAILY".parse().unwrap(), anchor, zone).unwrap();
    let reminder =
        Reminder::recurring(ReminderId::derive(&["z"]), &schedule, team(), Tag::literal("x")).unwrap();
    assert_eq!(reminder.zone(), Some("Europe/Zurich"));
    let given = "UTC".to_owned();
    let mismatch = TaskError::ZoneMismatch { stated: "Europe/Zurich".to_owned(), given };
    assert_eq!(reminder.wake(Utc), Err(mismatch.clone()));
    assert_eq!(reminder.due(at("28T02:30"), Utc, 1), Err(mismatch));
    let due = reminder.due(at("28T01:30"), zone, 9).unwrap();
    assert_eq!(due.wake, Some(at("29T01:00")), "02:30 is in the gap: its end");
    assert!(due.wake.unwrap() - at("28T01:30") < TimeDelta::hours(24));
}
