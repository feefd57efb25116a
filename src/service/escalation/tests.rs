use super::*;
use crate::case::CaseId;
use crate::customer::CustomerId;
use crate::interaction::Channel;
use crate::service::{BusinessCalendar, BusinessHours, SlaClock, SlaPolicy, SlaTarget, Window, sla_report};

const REASON: Tag = Tag::literal("delivery");

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_409_600 + 3600 * hours, 0).unwrap()
}

fn case(opened: i64) -> Case {
    Case::open(CaseId::derive(&["1"]), CustomerId::derive(&["c"]), REASON, at(opened)).unwrap()
}

fn contact(id: &str, hours: i64, direction: Direction, outcome: Option<Outcome>) -> CaseEvent {
    let interaction = InteractionId::derive(&[id]);
    CaseEvent::new(at(hours), CaseChange::Contact { interaction, channel: Channel::Web, direction, outcome })
}

fn call(id: &str, hours: i64, reason: Tag) -> Interaction {
    let customer = CustomerId::derive(&["c"]);
    Interaction::builder(InteractionId::derive(&[id]), customer, at(hours)).reason(reason).build().unwrap()
}

fn report(case: &Case, now: i64) -> SlaReport {
    let hours = BusinessHours::new("UTC").unwrap().open_daily(Window::WHOLE_DAY).unwrap();
    let calendar = BusinessCalendar::new(&hours, Utc).unwrap();
    let target = SlaTarget::new(SlaMetric::Resolution, TimeDelta::hours(10)).unwrap().by(SlaClock::Elapsed);
    let policy = SlaPolicy::new(Tag::literal("p")).promise(target).unwrap();
    sla_report(&policy, &calendar, case, at(now)).unwrap()
}

fn rules(triggers: &[EscalationTrigger]) -> EscalationRules {
    let rule = |(level, trigger): (u8, &EscalationTrigger)| EscalationRule {
        name: Tag::literal("rule"),
        level,
        to: Tag::literal("lead"),
        trigger: *trigger,
    };
    EscalationRules::new((1..).zip(triggers).map(rule)).unwrap()
}

fn levels(
    case: &Case,
    now: i64,
    contacts: &[Interaction],
    rules: &EscalationRules,
) -> Vec<(u8, DateTime<Utc>)> {
    escalations(case, &report(case, now), contacts, rules)
        .fire
        .iter()
        .map(|one| (one.level, one.since))
        .collect()
}

#[test]
fn a_level_fires_once_for_each_cycle() {
    let missed =
        |after_seconds| EscalationTrigger::SlaMissed { metric: SlaMetric::Resolution, after_seconds };
    let rules = rules(&[EscalationTrigger::SlaAtRisk(SlaMetric::Resolution), missed(0), missed(7200)]);
    let mut case = case(0);
    let review = escalations(&case, &report(&case, 7), &[], &rules);
    assert_eq!((review.fire.len(), review.next_check), (0, Some(at(8))));
    let review = escalations(&case, &report(&case, 8), &[], &rules);
    assert_eq!(review.fire[0].because.figures(), Some((8.0 * 3600.0, 36_000.0)));
    assert_eq!(review.next_check, Some(at(10) + TimeDelta::microseconds(1)));
    case.record(review.fire[0].event(at(8))).unwrap();
    assert_eq!(levels(&case, 9, &[], &rules), []);
    // Nobody looked for hours: what was missed comes all the same.
    assert_eq!(levels(&case, 99, &[], &rules), [(2, at(10)), (3, at(12))]);
    let review = escalations(&case, &report(&case, 11), &[], &rules);
    assert_eq!((review.fire.len(), review.next_check), (1, Some(at(12))));
    case.record(review.fire[0].event(at(11))).unwrap();
    assert!(case.record(review.fire[0].event(at(11))).is_err(), "the key is used up");
    assert_eq!(levels(&case, 12, &[], &rules), [(3, at(12))]);
    case.record(CaseEvent::new(at(12), CaseChange::Moved(CaseStatus::Rejected))).unwrap();
    assert_eq!(levels(&case, 99, &[], &rules), []);
}

#[test]
fn coming_again_for_one_reason_escalates() {
    let rules = rules(&[EscalationTrigger::RepeatContact { contacts: 3, within_seconds: 24 * 3600 }]);
    let mut case = case(0);
    case.record(contact("a", 1, Direction::Inbound, None)).unwrap();
    case.record(contact("b", 20, Direction::Inbound, None)).unwrap();
    let other_reason = [call("c", 21, Tag::literal("invoice")), call("b", 20, REASON)];
    assert_eq!(levels(&case, 22, &other_reason, &rules), [], "another reason, and one that is known");
    assert_eq!(levels(&case, 22, &[call("c", 26, REASON)], &rules), [], "not yet");
    assert_eq!(levels(&case, 30, &[call("c", 26, REASON)], &rules), [], "26 - 1 hours");
    assert_eq!(levels(&case, 999, &[call("c", 25, REASON)], &rules), [(1, at(25))], "asked late");
    let before = [call("c", -2, REASON), call("d", -1, REASON)];
    assert_eq!(levels(&case, 20, &before, &rules), [(1, at(1))], "came twice before the case was opened");
}

#[test]
fn a_question_that_stays_unanswered_escalates() {
    let rules = rules(&[EscalationTrigger::Unanswered { after_seconds: 3600 }]);
    let mut case = case(0);
    case.record(contact("a", 1, Direction::Inbound, Some(Outcome::Unanswered))).unwrap();
    let review = escalations(&case, &report(&case, 1), &[], &rules);
    assert_eq!((review.fire.len(), review.next_check), (0, Some(at(2))));
    assert_eq!(levels(&case, 3, &[], &rules), [(1, at(2))]);
    case.record(contact("b", 3, Direction::Outbound, None)).unwrap();
    assert_eq!(levels(&case, 9, &[], &rules), []);
    case.record(contact("c", 9, Direction::Inbound, Some(Outcome::Unanswered))).unwrap();
    let again = escalations(&case, &report(&case, 11), &[], &rules);
    assert_eq!(again.fire[0].cycle, 2);
}

#[test]
fn a_catastrophe_escalates_at_once_and_rules_are_checked() {
    let rules = rules(&[EscalationTrigger::Severity(Severity::Major)]);
    let mut case = case(0);
    assert_eq!(levels(&case, 1, &[], &rules), []);
    case.record(CaseEvent::new(at(1), CaseChange::Graded(Severity::Catastrophic))).unwrap();
    assert_eq!(levels(&case, 1, &[], &rules), [(1, at(1))]);
    let rule = rules.rules()[0];
    assert!(EscalationRules::new([EscalationRule { level: 0, ..rule }]).is_err());
    let once = EscalationTrigger::RepeatContact { contacts: 1, within_seconds: 1 };
    assert!(EscalationRules::new([EscalationRule { trigger: once, ..rule }]).is_err());
    let json = serde_json::to_string(&rules).unwrap();
    assert_eq!(serde_json::from_str::<EscalationRules>(&json).unwrap(), rules);
    assert!(serde_json::from_str::<EscalationRules>(&json.replace("\"level\":1", "\"level\":0")).is_err());
}
