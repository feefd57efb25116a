use super::*;
use crate::case::{
    CallBackId, CaseChange, CaseEvent, CaseId, CaseStatus, RecoveryChange, RecoveryId, Severity,
};
use crate::customer::CustomerId;
use crate::interaction::{Channel, Direction, InteractionId};
use crate::period::Period;
use crate::service::{
    BusinessCalendar, BusinessHours, EscalationRule, EscalationRules, EscalationTrigger, RecoveryPolicy,
    SlaClock, SlaMetric, SlaPolicy, SlaTarget,
};
use crate::task::{ReminderId, Schedule};
use proptest::prelude::*;
use std::collections::BTreeMap;

const BILLING: Tag = Tag::literal("billing");

/// So many minutes after nine on a Monday.
fn at(minutes: i64) -> DateTime<Utc> {
    "2026-03-02T09:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

fn customer() -> CustomerId {
    CustomerId::derive(&["c"])
}

fn calendar() -> BusinessCalendar {
    let hours = BusinessHours::new("UTC").unwrap().open_weekdays("09:00-17:00".parse().unwrap()).unwrap();
    BusinessCalendar::new(&hours, Utc).unwrap()
}

fn rules() -> ServiceRules {
    let level = SlaPolicy::new(Tag::literal("standard"))
        .promise(SlaTarget::new(SlaMetric::FirstResponse, TimeDelta::minutes(60)).unwrap())
        .and_then(|level| {
            let target = SlaTarget::new(SlaMetric::Resolution, TimeDelta::hours(8)).unwrap();
            level.promise(target.paused_in(CaseStatus::PendingCustomer)?)
        })
        .unwrap();
    let rule = |name, level, trigger| EscalationRule { name, level, to: Tag::literal("lead"), trigger };
    let (slow, late) = (Tag::literal("slow"), Tag::literal("late"));
    let missed =
        |after_seconds| EscalationTrigger::SlaMissed { metric: SlaMetric::Resolution, after_seconds };
    let escalations = EscalationRules::new([
        rule(slow, 1, EscalationTrigger::SlaAtRisk(SlaMetric::FirstResponse)),
        rule(late, 1, missed(0)),
        rule(late, 2, missed(3600)),
        rule(Tag::literal("bad"), 1, EscalationTrigger::Severity(Severity::Catastrophic)),
    ]);
    let hour = TimeDelta::hours(1);
    ServiceRules::new(Tag::literal("team"))
        .open(calendar())
        .with_level(level)
        .unwrap()
        .escalating(escalations.unwrap())
        .recovering(RecoveryPolicy::new(SlaClock::Business, hour, hour * 8, hour * 8, hour * 40).unwrap())
        .calling_back(TimeDelta::minutes(10), TimeDelta::minutes(45))
        .unwrap()
}

fn case(changes: &[(i64, CaseChange)]) -> Case {
    let mut case = Case::open(CaseId::derive(&["1"]), customer(), BILLING, at(0)).unwrap();
    for (minutes, change) in changes {
        case.record(CaseEvent::new(at(*minutes), change.clone())).unwrap();
    }
    case
}

fn answer() -> CaseChange {
    let interaction = InteractionId::derive(&["i"]);
    CaseChange::Contact { interaction, channel: Channel::Web, direction: Direction::Outbound, outcome: None }
}

fn look(matter: &Matter, minutes: i64) -> Attention {
    attend(matter, at(minutes), &[], &rules()).unwrap()
}

fn about(attention: &Attention) -> Vec<String> {
    attention
        .tell
        .iter()
        .map(|told| {
            let to = match told.to() {
                Recipient::Staff(to) => to.to_string(),
                Recipient::Customer(_) => "customer".to_owned(),
            };
            let why = told.reasons().first().map(|why| format!(" {}", why.by())).unwrap_or_default();
            format!("{} -> {to}{why}", told.about())
        })
        .collect()
}

#[test]
fn a_case_is_escalated_once_and_woken_when_it_may_be_again() {
    let new = look(&Matter::new(case(&[])), 0);
    assert_eq!((new.tell.len(), new.matter.wake()), (0, Some(at(48))), "four fifths of an hour");
    let slow = look(&new.matter, 48);
    assert_eq!(about(&slow), ["escalation -> lead slow"]);
    assert_eq!(slow.tell[0].text().unwrap().expose(), &slow.matter.id().to_string());
    let again = look(&slow.matter, 48);
    assert_eq!((again.tell.len(), again.matter.wake()), (0, slow.matter.wake()));
    // Nobody looked for two days: what was missed is found, each once.
    let late = look(&slow.matter, 2 * 24 * 60);
    assert_eq!(about(&late), ["escalation -> lead late", "escalation -> lead late"]);
    assert_eq!(late.matter.wake(), None, "nothing more can come by itself");
    let MatterKind::Case(escalated) = late.matter.kind() else { panic!("no case") };
    assert_eq!(escalated.events().len(), 3);
    // Answered and solved in time: nobody is told.
    let solved = case(&[
        (10, answer()),
        (10, CaseChange::Moved(CaseStatus::Open)),
        (11, CaseChange::Moved(CaseStatus::Solved)),
    ]);
    let solved = look(&Matter::new(solved), 9_999);
    assert_eq!((solved.tell.len(), solved.matter.wake()), (0, None));
    let rejected = look(&Matter::new(case(&[(1, CaseChange::Moved(CaseStatus::Rejected))])), 9_999);
    assert_eq!((rejected.tell.len(), rejected.matter.wake()), (0, None));
}

#[test]
fn a_case_without_rules_waits_for_events() {
    let quiet = attend(&Matter::new(case(&[])), at(9_999), &[], &ServiceRules::default()).unwrap();
    assert_eq!((quiet.tell.len(), quiet.matter.wake()), (0, None));
    // Severity needs no service level.
    let rules = ServiceRules::default().escalating(rules().escalations().clone());
    let bad = case(&[(1, CaseChange::Graded(Severity::Catastrophic))]);
    let told = attend(&Matter::new(bad), at(1), &[], &rules).unwrap();
    assert_eq!(about(&told), ["escalation -> lead bad"]);
}

#[test]
fn the_service_level_a_case_names_counts() {
    let named = |level| Matter::new(case(&[(0, CaseChange::UnderSla(Tag::literal(level)))]));
    assert!(attend(&named("standard"), at(0), &[], &rules()).is_ok());
    let unknown = attend(&named("gold"), at(0), &[], &rules());
    assert_eq!(unknown, Err(ServiceError::UnknownLevel { level: Tag::literal("gold") }));
    let gold = SlaPolicy::new(Tag::literal("gold"))
        .promise(SlaTarget::new(SlaMetric::FirstResponse, TimeDelta::minutes(10)).unwrap())
        .unwrap();
    let rules = rules().with_level(gold.clone()).unwrap();
    assert_eq!(attend(&named("gold"), at(0), &[], &rules).unwrap().matter.wake(), Some(at(8)));
    assert!(rules.with_level(gold).is_err(), "one of a name");
}

#[test]
fn an_overdue_promise_is_told_to_who_has_the_case() {
    let refund = Tag::literal("refund");
    let promised = [
        (0, answer()),
        (0, CaseChange::Assigned(Tag::literal("anna"))),
        (1, CaseChange::Promised { promise: refund, due: at(30) }),
        (1, CaseChange::Promised { promise: Tag::literal("gift"), due: at(30) }),
        (2, CaseChange::Kept(Tag::literal("gift"))),
    ];
    let open = look(&Matter::new(case(&promised)), 30);
    assert_eq!((open.tell.len(), open.matter.wake()), (0, Some(at(30) + TICK)));
    let overdue = look(&open.matter, 31);
    assert_eq!(about(&overdue), ["promise_overdue -> anna refund"]);
    let again = look(&overdue.matter, 90);
    assert_eq!(again.tell, overdue.tell, "known by its key and content");
}

fn call(changes: &[(i64, CallBackChange)]) -> Matter {
    let mut call = CallBack::offer(CallBackId::derive(&["1"]), customer(), BILLING, at(0), 1).unwrap();
    for (minutes, change) in changes {
        call.record(at(*minutes), *change).unwrap();
    }
    Matter::new(call)
}

fn slot(minutes: i64) -> CallBackChange {
    CallBackChange::Accepted(Period::new(at(minutes), at(minutes + 30)).unwrap())
}

#[test]
fn an_offer_expires() {
    let open = look(&call(&[]), 9);
    assert_eq!((open.matter.status(), open.matter.wake()), ("offered", Some(at(10))));
    let expired = look(&open.matter, 10);
    assert_eq!((expired.matter.status(), expired.matter.wake(), expired.tell.len()), ("expired", None, 0));
    assert_eq!(expired.matter.only_one(), None, "another one may be offered");
}

#[test]
fn a_call_back_is_announced_retried_and_given_up() {
    let waiting = look(&call(&[(0, slot(60))]), 0);
    assert_eq!((waiting.tell.len(), waiting.matter.wake()), (0, Some(at(60))));
    let due = look(&waiting.matter, 60);
    assert_eq!((about(&due), due.matter.wake()), (vec!["call_back_due -> team".to_owned()], Some(at(90))));
    assert_eq!(look(&due.matter, 75).tell, due.tell, "known by its key and content");
    let missed = look(&due.matter, 90);
    assert_eq!(about(&missed), ["call_back_missed -> team"]);
    assert_eq!((missed.matter.status(), missed.matter.wake()), ("accepted", Some(at(150))), "at 11:30");
    // Nobody called the second time either: at the end of the day, when no slot is left, on the next day.
    let over = look(&missed.matter, 999);
    assert_eq!(about(&over), ["call_back_missed -> team", "call_back_given_up -> team"]);
    assert_eq!((over.matter.status(), over.matter.wake()), ("closed", None));

    let evening = look(&call(&[(0, slot(440))]), 470);
    assert_eq!(evening.matter.wake(), Some(at(24 * 60)), "16:50 is too late for half an hour");
    let anytime = attend(&call(&[(0, slot(440))]), at(470), &[], &ServiceRules::default()).unwrap();
    assert_eq!(anytime.matter.wake(), Some(at(540)), "without hours it is any hour");
}

#[test]
fn who_does_not_answer_is_called_again() {
    let dialing = call(&[(0, slot(60)), (65, CallBackChange::Dialing)]);
    let open = look(&dialing, 100);
    assert_eq!((open.matter.status(), open.matter.wake()), ("dialing", Some(at(150))));
    let forgotten = look(&open.matter, 150);
    assert_eq!((forgotten.matter.status(), forgotten.matter.wake()), ("accepted", Some(at(210))));
    let MatterKind::CallBack(kept) = forgotten.matter.kind() else { panic!("no call-back") };
    assert_eq!(kept.kept(at(999)), Some(true), "it was the customer who did not answer");
    let answered = call(&[(0, slot(60)), (65, CallBackChange::Dialing), (66, CallBackChange::NoAnswer)]);
    assert_eq!(look(&answered, 66).matter.wake(), Some(at(120)));
    let spoke = call(&[(0, slot(60)), (65, CallBackChange::Dialing), (66, CallBackChange::Connected)]);
    let spoke = look(&spoke, 999);
    assert_eq!((spoke.tell.len(), spoke.matter.wake(), spoke.matter.status()), (0, None, "connected"));
}

#[test]
fn overdue_steps_of_a_recovery_are_told() {
    let id = RecoveryId::derive(&["1"]);
    let mut recovery =
        Recovery::detect(id, CaseId::derive(&["1"]), customer(), Severity::Major, at(0)).unwrap();
    let open = look(&Matter::new(recovery.clone()), 60);
    assert_eq!((open.tell.len(), open.matter.wake()), (0, Some(at(60) + TICK)));
    let overdue = look(&open.matter, 61);
    assert_eq!(about(&overdue), ["recovery_overdue -> team acknowledged"]);
    assert_eq!(overdue.matter.wake(), None);
    recovery.record(at(70), RecoveryChange::Acknowledged).unwrap();
    let next = look(&Matter::new(recovery.clone()), 70);
    assert_eq!((next.tell.len(), next.matter.wake()), (0, Some(at(24 * 60 + 70) + TICK)));
    recovery.record(at(80), RecoveryChange::Abandoned(BILLING)).unwrap();
    assert_eq!(look(&Matter::new(recovery.clone()), 9_999).matter.wake(), None);
    let unwatched = attend(&Matter::new(recovery), at(9_999), &[], &ServiceRules::default()).unwrap();
    assert_eq!(unwatched.matter.wake(), None);
}

#[test]
fn reminders_need_a_zone_that_somebody_knows() {
    let nowhere = crate::zone::tests_zone("Mars/Olympus");
    let schedule = Schedule::new("FREQ=DAILY".parse().unwrap(), at(0).naive_utc(), nowhere.clone()).unwrap();
    let to = Recipient::Customer(customer());
    let reminder = Reminder::recurring(ReminderId::derive(&["r"]), &schedule, to, BILLING).unwrap();
    let matter = Matter::new(reminder);
    assert_eq!(matter.wake(), Some(at(-16 * 60)), "no clock is further from UTC");
    let unknown = attend(&matter, at(0), &[], &rules());
    assert_eq!(unknown, Err(ServiceError::UnknownZone { name: "Mars/Olympus".to_owned() }));
    let rules = rules().knowing(nowhere);
    let early = attend(&matter, at(-60), &[], &rules).unwrap();
    assert_eq!((early.tell.len(), early.matter.wake()), (0, Some(at(0))));
    let due = attend(&early.matter, at(0), &[], &rules).unwrap();
    assert_eq!(about(&due), ["billing -> customer"]);
    assert_eq!(due.matter.wake(), Some(at(24 * 60)));
}

#[test]
fn bad_input_is_refused() {
    let matter = Matter::new(case(&[(5, answer())]));
    assert!(matches!(attend(&matter, at(4), &[], &rules()), Err(ServiceError::TimeBackwards { .. })));
    let plain = ServiceRules::default();
    assert!(matches!(attend(&matter, at(4), &[], &plain), Err(ServiceError::TimeBackwards { .. })));
    for far in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
        assert!(matches!(attend(&matter, far, &[], &rules()), Err(ServiceError::Invalid(_))));
        assert!(next_wake(&matter, far, &[], &rules()).is_err());
    }
    let minute = TimeDelta::minutes(1);
    assert!(matches!(rules().calling_back(-minute, minute), Err(ServiceError::NegativeDuration { .. })));
    assert!(matches!(rules().calling_back(minute, TimeDelta::MAX), Err(ServiceError::Invalid(_))));
    // The last slot of all time has no next one.
    let last = "9999-12-31T22:00:00Z".parse::<DateTime<Utc>>().unwrap();
    let mut call = CallBack::offer(CallBackId::derive(&["1"]), customer(), BILLING, last, 9).unwrap();
    let slot = Period::new(last, last + TimeDelta::hours(1)).unwrap();
    call.record(last, CallBackChange::Accepted(slot)).unwrap();
    let ended = attend(&Matter::new(call), last + TimeDelta::hours(1), &[], &plain).unwrap();
    assert_eq!((ended.matter.status(), ended.matter.wake()), ("closed", None));
}

/// What may happen in a case, where it may.
fn changes() -> impl Strategy<Value = CaseChange> {
    use CaseStatus::*;
    prop_oneof![
        Just(answer()),
        prop::sample::select(vec![Open, PendingCustomer, Solved, Reopened]).prop_map(CaseChange::Moved),
        prop::sample::select(vec![Severity::Minor, Severity::Catastrophic]).prop_map(CaseChange::Graded),
        (1_i64..3000).prop_map(|due| CaseChange::Promised { promise: BILLING, due: at(due) }),
        Just(CaseChange::Kept(BILLING)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Looking when woken tells the same at the same minutes as looking every minute.
    #[test]
    fn nothing_comes_before_the_time_to_look(
        events in prop::collection::btree_map(1_i64..1600, changes(), 0..12),
    ) {
        let rules = rules();
        let mut told = [BTreeMap::new(), BTreeMap::new()];
        let mut matters = [Matter::new(case(&[])), Matter::new(case(&[]))];
        let mut looked = 0;
        for minute in 0..1700 {
            for (every_minute, (matter, told)) in [true, false].into_iter().zip(matters.iter_mut().zip(&mut told)) {
                if let (Some(change), MatterKind::Case(case)) = (events.get(&minute), matter.kind()) {
                    let mut case = case.clone();
                    if case.record(CaseEvent::new(at(minute), change.clone())).is_ok() {
                        *matter = matter.changed(case);
                        let next = next_wake(matter, at(minute), &[], &rules).unwrap();
                        prop_assert!(next.is_none_or(|next| next >= at(minute)));
                        if !every_minute {
                            *matter = matter.clone().waking(next).unwrap();
                        }
                    }
                }
                if every_minute || matter.wake().is_some_and(|wake| wake <= at(minute)) {
                    let attention = attend(matter, at(minute), &[], &rules).unwrap();
                    for one in &attention.tell {
                        told.entry(one.key()).or_insert(minute);
                    }
                    looked += u32::from(!every_minute);
                    *matter = attention.matter;
                }
            }
        }
        prop_assert_eq!(&told[0], &told[1]);
        prop_assert!(looked <= 60, "it was woken {} times", looked);
    }
}
