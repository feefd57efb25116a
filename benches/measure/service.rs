//! Service: what it costs to add business time, and to tell how a case stands against its service level.

use crate::cpu::{Random, Target, figure, seconds};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use patronage::Tag;
use patronage::case::{Case, CaseChange, CaseEvent, CaseId, CaseStatus};
use patronage::customer::CustomerId;
use patronage::interaction::{Channel, Direction, InteractionId};
use patronage::service::{
    BusinessCalendar, BusinessHours, SlaClock, SlaMetric, SlaPolicy, SlaTarget, Window, sla_report,
};
use std::hint::black_box;

const CALLS: usize = 100_000;
const RUNS: usize = 15;

/// Mornings and afternoons of weekdays in a zone that changes its clock, with ten holidays a year.
fn calendar() -> BusinessCalendar {
    let mut hours = BusinessHours::new("Europe/Zurich")
        .and_then(|hours| hours.open_weekdays("08:00-12:00".parse()?))
        .and_then(|hours| hours.open_weekdays("13:30-18:00".parse()?))
        .expect("hours");
    for year in 2020..=2035 {
        for (month, day) in
            [(1, 1), (1, 2), (4, 3), (4, 6), (5, 1), (5, 14), (5, 25), (8, 1), (12, 25), (12, 26)]
        {
            let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
            hours = hours.closed(date, Window::WHOLE_DAY).expect("a closure");
        }
    }
    BusinessCalendar::named(&hours).expect("a calendar")
}

/// A case in which customer and company take turns, with pauses and a reopening: 20 events.
fn case() -> Case {
    use CaseStatus::{Open, PendingCustomer, Reopened, Solved};
    let opened: DateTime<Utc> = "2026-03-02T08:10:00Z".parse().expect("an instant");
    let (id, customer) = (CaseId::derive(&["1"]), CustomerId::derive(&["17"]));
    let mut case = Case::open(id, customer, Tag::literal("billing"), opened).expect("a case");
    let contact = |n: u32, direction| {
        let interaction = InteractionId::derive(&[&n.to_string()]);
        CaseChange::Contact { interaction, channel: Channel::Web, direction, outcome: None }
    };
    let (inbound, outbound) = (Direction::Inbound, Direction::Outbound);
    let mut changes = vec![CaseChange::Moved(Open), contact(0, outbound)];
    for round in 0..3 {
        changes.push(CaseChange::Moved(PendingCustomer));
        changes.push(contact(2 * round + 1, inbound));
        changes.push(CaseChange::Moved(Open));
        changes.push(contact(2 * round + 2, outbound));
    }
    for status in [Solved, Reopened, Open] {
        changes.push(CaseChange::Moved(status));
    }
    changes.extend([contact(7, inbound), contact(8, outbound), CaseChange::Assigned(Tag::literal("team"))]);
    for (place, change) in changes.into_iter().enumerate() {
        let at = opened + TimeDelta::minutes(97 * (place as i64 + 1));
        case.record(CaseEvent::new(at, change)).expect("an event");
    }
    assert_eq!(case.events().len(), 20);
    case
}

fn policy() -> SlaPolicy {
    let target = |metric, hours| {
        SlaTarget::new(metric, TimeDelta::hours(hours))
            .and_then(|target| Ok(target.paused_in(CaseStatus::PendingCustomer)?))
            .expect("a promise")
    };
    [
        target(SlaMetric::FirstResponse, 1),
        target(SlaMetric::NextResponse, 4),
        target(SlaMetric::Update, 8).by(SlaClock::Elapsed),
        target(SlaMetric::Resolution, 40),
    ]
    .into_iter()
    .try_fold(SlaPolicy::new(Tag::literal("gold")), SlaPolicy::promise)
    .expect("a service level")
}

pub fn figures() {
    let calendar = calendar();
    let mut random = Random(1);
    let first: DateTime<Utc> = "2024-01-01T00:00:00Z".parse().expect("an instant");
    let asked: Vec<(DateTime<Utc>, TimeDelta)> = (0..CALLS)
        .map(|_| {
            let start = first + TimeDelta::seconds((random.next() % (6 * 366 * 86_400)) as i64);
            (start, TimeDelta::seconds((random.next() % (40 * 3600)) as i64))
        })
        .collect();
    let add = seconds(RUNS, || {
        for &(start, budget) in black_box(&asked) {
            black_box(calendar.after(start, budget).expect("an instant"));
        }
    });
    let name = "business time added, two windows a day, holidays, Europe/Zurich";
    figure(name, add * 1e6 / CALLS as f64, "us", Target::AtMost(0.5));

    let (case, policy) = (case(), policy());
    let as_of = case.last_at() + TimeDelta::hours(1);
    let report = seconds(RUNS, || {
        for _ in 0..CALLS / 10 {
            black_box(sla_report(black_box(&policy), &calendar, black_box(&case), as_of).expect("a report"));
        }
    });
    let name = "SLA report of a case with 20 events, four promises";
    figure(name, report * 1e6 / (CALLS / 10) as f64, "us", Target::AtMost(5.0));
}
