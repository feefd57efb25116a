use super::*;
use crate::case::{CaseEvent, CaseId};
use crate::customer::CustomerId;
use crate::interaction::{Channel, InteractionId};
use crate::service::{BusinessHours, Window};
use proptest::prelude::*;

const MONDAY: i64 = 1_772_409_600; // 2026-03-02T00:00:00Z

fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(MONDAY + 60 * minutes, 0).unwrap()
}

fn calendar(text: &str) -> BusinessCalendar {
    let hours = BusinessHours::new("UTC").unwrap().open_weekdays(text.parse().unwrap()).unwrap();
    BusinessCalendar::new(&hours, Utc).unwrap()
}

fn contact(minutes: i64, direction: Direction) -> CaseEvent {
    let change = CaseChange::Contact {
        interaction: InteractionId::derive(&["i"]),
        channel: Channel::Web,
        direction,
        outcome: None,
    };
    CaseEvent::new(minute(minutes), change)
}

fn moved(minutes: i64, to: CaseStatus) -> CaseEvent {
    CaseEvent::new(minute(minutes), CaseChange::Moved(to))
}

fn case(opened: i64, events: impl IntoIterator<Item = CaseEvent>) -> Case {
    let reason = Tag::literal("delivery");
    let mut case =
        Case::open(CaseId::derive(&["1"]), CustomerId::derive(&["c"]), reason, minute(opened)).unwrap();
    for event in events {
        case.record(event).unwrap();
    }
    case
}

fn policy(targets: &[SlaTarget]) -> SlaPolicy {
    let empty = SlaPolicy::new(Tag::literal("gold"));
    targets.iter().try_fold(empty, |policy, target| policy.promise(*target)).unwrap()
}

fn target(metric: SlaMetric, minutes: i64) -> SlaTarget {
    SlaTarget::new(metric, TimeDelta::minutes(minutes)).unwrap()
}

fn report(policy: &SlaPolicy, case: &Case, now: i64) -> SlaReport {
    sla_report(policy, &calendar("09:00-17:00"), case, minute(now)).unwrap()
}

use CaseStatus::{Closed, OnHold, Open, PendingCustomer, Rejected, Reopened, Solved};
use Direction::{Inbound, Outbound};

const NINE: i64 = 9 * 60;

#[test]
fn responses_have_a_clock_for_each_question() {
    let promises = policy(&[target(SlaMetric::FirstResponse, 60), target(SlaMetric::NextResponse, 120)]);
    let case = case(
        NINE,
        [
            contact(NINE, Inbound),
            contact(NINE + 60, Outbound), // at the very instant it is due
            contact(NINE + 100, Inbound),
            contact(NINE + 110, Inbound), // asked again: the first question counts
            contact(NINE + 250, Outbound),
            contact(NINE + 300, Inbound),
        ],
    );
    let report = report(&promises, &case, NINE + 310);
    let told: Vec<_> =
        report.runs.iter().map(|run| (run.metric, run.cycle, run.state, run.used.num_minutes())).collect();
    assert_eq!(
        told,
        [
            (SlaMetric::FirstResponse, 1, SlaState::Met, 60),
            (SlaMetric::NextResponse, 1, SlaState::Missed, 150),
            (SlaMetric::NextResponse, 2, SlaState::Running, 10),
        ]
    );
    assert_eq!(report.runs[1].missed, Some(minute(NINE + 220)));
    assert_eq!(report.runs[1].finished, Some(minute(NINE + 250)));
    // Nine hours of promise end on Tuesday; the warning comes first.
    assert_eq!(report.runs[2].due, Some(minute(NINE + 420)));
    assert_eq!(report.next_check(), Some(minute(NINE + 396)), "four fifths of two hours");
}

#[test]
fn changing_the_policy_keeps_the_pauses() {
    // GLPI #6902: a ticket that was paused, then given another service level.
    let case = case(NINE, [moved(NINE, Open), moved(NINE + 60, PendingCustomer), moved(NINE + 240, Open)]);
    let four_hours = target(SlaMetric::Resolution, 240);
    let pausing = four_hours.paused_in(PendingCustomer).unwrap();
    let due = |target, now| report(&policy(&[target]), &case, now).runs[0].due;
    assert_eq!(due(pausing, NINE + 240), Some(minute(NINE + 420)));
    assert_eq!(
        due(target(SlaMetric::Resolution, 120).paused_in(PendingCustomer).unwrap(), NINE + 240),
        Some(minute(NINE + 300))
    );
    assert_eq!(due(four_hours, NINE + 240), Some(minute(NINE + 240)));
    let other = sla_report(&policy(&[pausing]), &calendar("10:00-18:00"), &case, minute(NINE + 240)).unwrap();
    // Opened an hour before business began, paused when it began: nothing is used up.
    assert_eq!((other.runs[0].used, other.runs[0].due), (TimeDelta::zero(), Some(minute(NINE + 480))));
    assert_eq!(other.runs[0].pauses(), [(minute(NINE + 60), Some(minute(NINE + 240)))]);
}

#[test]
fn a_clock_that_stands_still_has_no_due_date_and_explains_itself() {
    let pausing = target(SlaMetric::Resolution, 120).paused_in(OnHold).unwrap();
    let case = case(NINE, [moved(NINE + 30, Open), moved(NINE + 60, OnHold)]);
    let report = report(&policy(&[pausing]), &case, NINE + 5000);
    let run = &report.runs[0];
    assert_eq!((run.state, run.due, run.used), (SlaState::Paused, None, TimeDelta::hours(1)));
    assert_eq!(report.next_check(), None);
    let steps: Vec<_> = run.steps.iter().map(|step| (step.kind, step.used.num_minutes())).collect();
    assert_eq!(steps, [(SlaStepKind::Started, 0), (SlaStepKind::Paused, 60)]);
    assert_eq!(run.pauses(), [(minute(NINE + 60), None)]);
}

#[test]
fn reopening_goes_on_or_starts_again() {
    let events =
        [moved(NINE, Open), moved(NINE + 60, Solved), moved(NINE + 200, Reopened), moved(NINE + 200, Open)];
    let case = case(NINE, events);
    let promises = policy(&[target(SlaMetric::Resolution, 120)]);
    let going_on = report(&promises, &case, NINE + 230);
    assert_eq!(going_on.runs.len(), 1);
    assert_eq!(
        (going_on.runs[0].used, going_on.runs[0].due),
        (TimeDelta::minutes(90), Some(minute(NINE + 260)))
    );
    let again = report(&promises.clone().reopening(SlaReopen::Restart), &case, NINE + 230);
    let states: Vec<_> =
        again.runs.iter().map(|run| (run.cycle, run.state, run.used.num_minutes())).collect();
    assert_eq!(states, [(1, SlaState::Met, 60), (2, SlaState::Running, 30)]);
    let missed = report(&promises, &case, NINE + 261);
    assert_eq!((missed.runs[0].state, missed.runs[0].missed), (SlaState::Missed, Some(minute(NINE + 260))));
    assert_eq!(missed.next_check(), None);
}

#[test]
fn updates_are_owed_until_the_case_is_solved() {
    let promises = policy(&[target(SlaMetric::Update, 60)]);
    let events = [
        moved(NINE, Open),
        contact(NINE + 30, Outbound),
        contact(NINE + 100, Outbound),
        moved(NINE + 110, Solved),
        contact(NINE + 120, Outbound),
        moved(NINE + 130, Closed),
    ];
    let report = report(&promises, &case(NINE, events), NINE + 9000);
    let states: Vec<_> = report.runs.iter().map(|run| (run.state, run.used.num_minutes())).collect();
    assert_eq!(states, [(SlaState::Met, 30), (SlaState::Missed, 70), (SlaState::Met, 10)]);
}

#[test]
fn a_rejected_case_owes_nothing_more_and_bad_instants_are_refused() {
    let promises = policy(&[target(SlaMetric::Resolution, 60).by(SlaClock::Elapsed)]);
    let rejected = case(0, [moved(30, Rejected)]);
    assert_eq!(report(&promises, &rejected, 90).runs[0].state, SlaState::Cancelled);
    let late = case(0, [moved(90, Rejected)]);
    assert_eq!(report(&promises, &late, 90).runs[0].state, SlaState::Missed);
    let office = calendar("09:00-17:00");
    let early = sla_report(&promises, &office, &late, minute(89));
    assert_eq!(early, Err(ServiceError::TimeBackwards { from: minute(90), to: minute(89) }));
    assert!(sla_report(&promises, &office, &late, DateTime::<Utc>::MAX_UTC).is_err());
    // A promise that ends after the last year has no due date, and is no error.
    let last: DateTime<Utc> = "9999-12-31T23:59:00Z".parse().unwrap();
    let reason = Tag::literal("late");
    let case = Case::open(CaseId::derive(&["9"]), CustomerId::derive(&["c"]), reason, last).unwrap();
    let run = sla_report(&promises, &office, &case, last).unwrap().runs.remove(0);
    assert_eq!((run.state, run.due), (SlaState::Running, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The same answers by counting minutes one by one.
    #[test]
    fn resolution_agrees_with_a_walk_by_minutes(
        opened in 0_i64..2000,
        steps in prop::collection::vec((0_i64..900, 0_usize..4), 0..24),
        wait in 0_i64..4000,
        within in 1_i64..1500,
        window in (0_u16..1300, 1_u16..900).prop_map(|(opens, length)| Window::new(opens, opens + length).unwrap()),
        elapsed in any::<bool>(),
    ) {
        let hours = BusinessHours::new("UTC").unwrap().open_weekdays(window).unwrap();
        let calendar = BusinessCalendar::new(&hours, Utc).unwrap();
        let clock = if elapsed { SlaClock::Elapsed } else { SlaClock::Business };
        let promise = target(SlaMetric::Resolution, within).by(clock).paused_in(OnHold).unwrap();
        let mut case = case(opened, []);
        let mut at = opened;
        for (ahead, choice) in steps {
            let next = case.status().next();
            let allowed: Vec<_> = next.iter().filter(|to| !to.is_final()).collect();
            at += ahead;
            case.record(moved(at, *allowed[choice % allowed.len()])).unwrap();
        }
        let now = at + wait;
        let run = sla_report(&policy(&[promise]), &calendar, &case, minute(now)).unwrap().runs.remove(0);

        let status_at = |at: i64| case.events().iter().rev().find(|event| event.at <= minute(at)).map_or(
            CaseStatus::New,
            |event| match event.change { CaseChange::Moved(to) => to, _ => CaseStatus::New },
        );
        let (mut used, mut due) = (0, None);
        for at in opened..now {
            let runs = !matches!(status_at(at), OnHold | Solved);
            // The clock is looked at before each minute that it runs, whether the business is open or not.
            if runs && used == within && due.is_none() {
                due = Some(at);
            }
            used += i64::from(runs && (elapsed || calendar.is_open(minute(at)).unwrap()));
        }
        prop_assert_eq!(run.used, TimeDelta::minutes(used));
        let expected = match (due.is_some(), status_at(now)) {
            (true, _) => SlaState::Missed,
            (false, Solved) => SlaState::Met,
            (false, OnHold) => SlaState::Paused,
            (false, _) => SlaState::Running,
        };
        prop_assert_eq!(run.state, expected);
        if let Some(due) = run.due.filter(|_| expected == SlaState::Running) {
            // Read again at that instant it is still in time; a moment later it is not.
            let read = |at| sla_report(&policy(&[promise]), &calendar, &case, at).unwrap().runs.remove(0).state;
            prop_assert_eq!(read(due), SlaState::Running);
            prop_assert_eq!(read(due + TimeDelta::microseconds(1)), SlaState::Missed);
        }
    }
}
