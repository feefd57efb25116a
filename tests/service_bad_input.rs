//! What the service desk is given that makes no sense is refused by a typed error, through the public doors.
#![expect(clippy::unwrap_used, reason = "a failed step must fail the test")]

use chrono::{DateTime, TimeDelta, Utc};
use patronage::case::{
    CallBack, CallBackChange, CallBackId, Case, CaseChange, CaseError, CaseEvent, CaseId, CaseStatus, Matter,
};
use patronage::customer::CustomerId;
use patronage::notification::Recipient;
use patronage::service::{
    BusinessCalendar, BusinessHours, ServiceError, ServiceRules, SlaClock, SlaMetric, SlaPolicy, SlaTarget,
    WaitPolicy, attend, sla_report, wait_offer,
};
use patronage::task::{Recurrence, Reminder, ReminderId, Schedule, Task, TaskError, TaskId, TaskStatus};
use patronage::{Period, Tag};

const BILLING: Tag = Tag::literal("billing");

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    at("2026-03-02T12:00:00Z")
}

fn case() -> Case {
    Case::open(CaseId::derive(&["1"]), CustomerId::derive(&["17"]), BILLING, noon()).unwrap()
}

fn calendar() -> BusinessCalendar {
    let hours = BusinessHours::new("UTC").unwrap().open_daily("00:00-24:00".parse().unwrap()).unwrap();
    BusinessCalendar::new(&hours, Utc).unwrap()
}

fn team() -> Recipient {
    Recipient::Staff(Tag::literal("team"))
}

#[test]
fn closing_a_closed_case() {
    let mut case = case();
    for status in [CaseStatus::Open, CaseStatus::Solved, CaseStatus::Closed] {
        case.record(CaseEvent::new(noon(), CaseChange::Moved(status))).unwrap();
    }
    let before = case.clone();
    let refused = case.record(CaseEvent::new(noon(), CaseChange::Moved(CaseStatus::Closed)));
    assert_eq!(refused, Err(CaseError::Final { case: case.id(), status: CaseStatus::Closed }));
    assert_eq!(case, before);
    let done = Task::new(TaskId::derive(&["t"]), BILLING, noon()).unwrap().moved_to(TaskStatus::Completed);
    let done = done.unwrap();
    assert_eq!(done.moved_to(TaskStatus::Completed).unwrap_err().field(), "task.status");
    assert_eq!(done.snoozed(noon()).unwrap_err().field(), "task.status");
    let cancelled = Reminder::once(ReminderId::derive(&["r"]), noon(), team(), BILLING).unwrap().cancel();
    assert!(matches!(cancelled.unwrap().cancel(), Err(TaskError::IllegalMove { .. })));
}

#[test]
fn time_that_goes_backwards() {
    let before = noon() - TimeDelta::seconds(1);
    let refused = case().record(CaseEvent::new(before, CaseChange::Moved(CaseStatus::Open)));
    assert_eq!(refused, Err(CaseError::TimeBackwards { at: before, last: noon() }));
    let level = SlaPolicy::new(BILLING);
    let refused = sla_report(&level, &calendar(), &case(), before);
    assert_eq!(refused, Err(ServiceError::TimeBackwards { from: noon(), to: before }));
    let refused = attend(&Matter::new(case()), before, &[], &ServiceRules::default());
    assert_eq!(refused, Err(ServiceError::TimeBackwards { from: noon(), to: before }));
    let refused = calendar().business_time(noon(), before);
    assert_eq!(refused, Err(ServiceError::TimeBackwards { from: noon(), to: before }));
    let id = CallBackId::derive(&["1"]);
    let mut call = CallBack::offer(id, CustomerId::derive(&["17"]), BILLING, noon(), 1).unwrap();
    let slot = Period::new(before, noon()).unwrap();
    let refused = call.record(noon(), CallBackChange::Accepted(slot));
    assert_eq!(refused, Err(CaseError::TimeBackwards { at: before, last: noon() }));
}

#[test]
fn a_calendar_without_windows() {
    let hours = BusinessHours::new("UTC").unwrap();
    let refused = BusinessCalendar::new(&hours, Utc).err();
    assert_eq!(refused, Some(ServiceError::NoWindows { zone: "UTC".to_owned() }));
}

#[test]
fn a_zone_that_does_not_exist() {
    let unknown = |name: &str| Some(ServiceError::UnknownZone { name: name.to_owned() });
    assert_eq!(BusinessHours::new("").err(), unknown(""));
    assert_eq!(ServiceRules::default().zone("Mars/Olympus").err(), unknown("Mars/Olympus"));
    assert!(ServiceRules::default().zone("UTC").is_ok());
    #[cfg(feature = "chrono-tz")]
    {
        assert_eq!(patronage::zone_named("Mars/Olympus").unwrap_err().field(), "zone");
        let hours = BusinessHours::new("Mars/Olympus").and_then(|h| h.open_daily("09:00-17:00".parse()?));
        assert_eq!(BusinessCalendar::named(&hours.unwrap()).err(), unknown("Mars/Olympus"));
        assert!(ServiceRules::default().zone("Europe/Zurich").is_ok());
    }
}

#[test]
fn a_recurrence_that_never_fires() {
    let rule: Recurrence = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30".parse().unwrap();
    let anchor = noon().naive_utc();
    let refused = Schedule::new(rule.clone(), anchor, Utc).err();
    assert_eq!(refused, Some(TaskError::NeverFires { rule: rule.to_string(), anchor }));
}

#[test]
fn the_year_9999_and_what_comes_after() {
    let far = DateTime::<Utc>::MAX_UTC;
    let last = at("9999-12-31T23:59:59Z");
    assert!(matches!(calendar().after(last, TimeDelta::hours(1)), Err(ServiceError::PastLastYear { .. })));
    assert!(matches!(calendar().after(far, TimeDelta::zero()), Err(ServiceError::Invalid(_))));
    assert!(Case::open(CaseId::derive(&["1"]), CustomerId::derive(&["17"]), BILLING, far).is_err());
    assert!(Case::open(CaseId::derive(&["1"]), CustomerId::derive(&["17"]), BILLING, last).is_ok());
    assert!(Reminder::once(ReminderId::derive(&["r"]), far, team(), BILLING).is_err());
    assert!(Matter::new(case()).waking(Some(far)).is_err());
    let schedule = Schedule::new("FREQ=DAILY".parse().unwrap(), last.naive_utc(), Utc).unwrap();
    let reminder = Reminder::recurring(ReminderId::derive(&["r"]), &schedule, team(), BILLING).unwrap();
    let due = reminder.due(last, Utc, 9).unwrap();
    assert_eq!((due.fire.len(), due.wake), (1, None), "the last one there is");
    // A promise that would fall due after it is not due at all.
    let level = SlaPolicy::new(BILLING)
        .promise(SlaTarget::new(SlaMetric::Resolution, TimeDelta::hours(1)).unwrap().by(SlaClock::Elapsed))
        .unwrap();
    let late = Case::open(CaseId::derive(&["1"]), CustomerId::derive(&["17"]), BILLING, last).unwrap();
    let report = sla_report(&level, &calendar(), &late, last).unwrap();
    assert_eq!((report.runs[0].due, report.next_check()), (None, None));
}

#[test]
fn durations_below_zero() {
    let negative = |field| Some(ServiceError::NegativeDuration { field, seconds: -60 });
    let minute = TimeDelta::minutes(-1);
    assert_eq!(SlaTarget::new(SlaMetric::Update, minute).err(), negative("sla_target.within"));
    assert!(matches!(calendar().after(noon(), minute), Err(ServiceError::NegativeDuration { .. })));
    let refused = ServiceRules::default().calling_back(minute, TimeDelta::zero()).err();
    assert_eq!(refused, negative("service_rules.offer_lasts"));
    let (policy, customer) = (WaitPolicy::new(120, 1800, 1).unwrap(), CustomerId::derive(&["17"]));
    let refused = wait_offer(minute, customer, BILLING, noon(), &calendar(), &[], &policy).err();
    assert_eq!(refused, negative("wait_offer.estimate"));
}
