use super::super::{Contact, ExpectedWait, Experience, PainRule, Rules, symptoms};
use crate::customer::CustomerId;
use crate::interaction::{
    Channel, Direction, Effort, EffortDirection, Engagement, Interaction, InteractionBuilder, InteractionId,
    Outcome, PainKind, Sentiment, Touchpoint,
};
use crate::measure::Share;
use crate::tag::Tag;
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use std::time::Duration;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const LATE: i64 = 1000 * DAY;
const BILL: Tag = Tag::literal("wrong_invoice");

fn instant(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn contact(at: i64, change: impl FnOnce(InteractionBuilder) -> InteractionBuilder) -> Contact {
    let id = InteractionId::derive(&["test", &at.to_string()]);
    let builder = Interaction::builder(id, CustomerId::derive(&["test"]), instant(at));
    Contact::new(&change(builder).build().unwrap(), None)
}

/// Which contact shows which symptom, without silence, which would be at the last contact of most.
fn found(contacts: &[Contact], as_of: i64, rules: &Rules) -> Vec<(usize, PainRule)> {
    let experience = Experience::new(contacts, &[]).unwrap();
    let all = symptoms(&experience, instant(as_of), rules);
    all.iter().map(|symptom| (symptom.contact(), symptom.rule())).collect()
}

fn of_one(change: impl FnOnce(InteractionBuilder) -> InteractionBuilder) -> Vec<PainRule> {
    let found = found(&[contact(0, change)], 30 * DAY, &Rules::default());
    found.into_iter().map(|(_, rule)| rule).collect()
}

fn about(reason: Tag) -> impl FnOnce(InteractionBuilder) -> InteractionBuilder {
    move |builder| builder.reason(reason)
}

#[test]
fn what_a_contact_says_by_itself() {
    assert_eq!(of_one(|contact| contact), []);
    assert_eq!(of_one(|contact| contact.outcome(Outcome::Resolved)), []);
    assert_eq!(of_one(|contact| contact.outcome(Outcome::Abandoned)), [PainRule::Abandoned]);
    assert_eq!(of_one(|contact| contact.outcome(Outcome::Complaint)), [PainRule::Complaint]);

    let why = Tag::literal("nobody_knew");
    let unanswered = |contact: InteractionBuilder| contact.outcome(Outcome::Unanswered);
    assert_eq!(of_one(|contact| unanswered(contact).unanswered_because(why)), [PainRule::Unanswered]);
    assert_eq!(of_one(|contact| unanswered(contact).escalated_to(Tag::literal("level_2"))), []);

    assert_eq!(of_one(|contact| contact.transfers(1)), []);
    assert_eq!(of_one(|contact| contact.transfers(2)), [PainRule::ManyTransfers]);

    let effort = |answer| Effort::new(answer, 5, EffortDirection::EasyIsHigh).unwrap();
    assert_eq!(of_one(|contact| contact.effort(effort(3))), []);
    assert_eq!(of_one(|contact| contact.effort(effort(2))), [PainRule::LowEase]);
    let hard = Effort::new(4, 5, EffortDirection::HardIsHigh).unwrap();
    assert_eq!(of_one(|contact| contact.effort(hard)), [PainRule::LowEase]);

    let mood = |score| Sentiment::new(score, Tag::literal("survey"), Share::ONE).unwrap();
    assert_eq!(of_one(|contact| contact.sentiment(mood(-0.49))), []);
    assert_eq!(of_one(|contact| contact.sentiment(mood(-0.5))), [PainRule::LowSentiment]);
}

#[test]
fn a_wait_is_long_against_what_is_expected_of_the_touch_point() {
    let waited = |touchpoint, seconds| {
        move |contact: InteractionBuilder| {
            contact
                .at_place(Channel::CallCentre, touchpoint, Engagement::Support)
                .wait(Duration::from_secs(seconds))
        }
    };
    assert_eq!(of_one(waited(Touchpoint::PhoneCallCentre, 360)), []);
    assert_eq!(of_one(waited(Touchpoint::PhoneCallCentre, 361)), [PainRule::LongWait]);
    assert_eq!(of_one(waited(Touchpoint::Email, 361)), []);
    let kiosk = Touchpoint::Other(Tag::literal("kiosk"));
    assert_eq!(of_one(waited(kiosk, 361)), [], "nothing is expected of it");

    let expected = ExpectedWait::new(kiosk, Duration::from_secs(20)).unwrap();
    let rules = Rules::default().with_wait_multiple(1).unwrap().expecting(expected);
    let late = contact(0, waited(kiosk, 21));
    assert_eq!(found(&[late], DAY, &rules), [(0, PainRule::LongWait)]);
    let experience = [late];
    let experience = Experience::new(&experience, &[]).unwrap();
    let because = symptoms(&experience, instant(DAY), &rules)[0].because();
    assert_eq!(because.to_string(), "long_wait: 21 against 20");
}

#[test]
fn repeat_contact_belongs_to_the_contact_before() {
    let rules = Rules::default();
    let call = |at| contact(at, about(BILL));
    let repeat = |at| found(&[call(0), call(at)], LATE, &rules);
    assert_eq!(repeat(7 * DAY), [(0, PainRule::RepeatContact)], "both ends of the window belong to it");
    assert_eq!(repeat(7 * DAY + 1), []);
    assert_eq!(repeat(HOUR / 2), [(0, PainRule::RepeatContact)]);
    assert_eq!(repeat(HOUR / 2 - 1), [], "the same contact, continued");

    // Continued, and then again: both parts of the first contact left the customer needing another one.
    let calls = [call(0), call(60), call(DAY)];
    assert_eq!(found(&calls, LATE, &rules), [(0, PainRule::RepeatContact), (1, PainRule::RepeatContact)]);

    let other = contact(DAY, about(Tag::literal("late_delivery")));
    assert_eq!(found(&[call(0), other], LATE, &rules), []);
    let unknown = contact(DAY, |contact| contact);
    assert_eq!(found(&[call(0), unknown], LATE, &rules), [], "an unknown reason is nobody's");
    let follow_up = contact(DAY, |contact| contact.reason(BILL).direction(Direction::Outbound));
    assert_eq!(found(&[call(0), follow_up], LATE, &rules), [], "the company called");
    assert_eq!(found(&[follow_up, call(2 * DAY)], LATE, &rules), [], "the company called first");
    let internal = contact(DAY, |contact| contact.reason(BILL).direction(Direction::Internal));
    assert_eq!(found(&[call(0), internal], LATE, &rules), []);
    assert_eq!(found(&[call(0), call(DAY)], DAY - 1, &rules), [], "it lies in the future");
}

#[test]
fn dead_ends_are_promises_that_nothing_followed() {
    let rules = Rules::default();
    let open = |outcome| contact(0, move |contact| contact.reason(BILL).outcome(outcome));
    let follow_up = |at, direction| contact(at, move |contact| contact.reason(BILL).direction(direction));
    for outcome in [Outcome::FollowUp, Outcome::CallbackScheduled, Outcome::Transferred, Outcome::Escalated] {
        assert_eq!(found(&[open(outcome)], LATE, &rules), [(0, PainRule::DeadEnd)], "{outcome}");
    }
    let promise = open(Outcome::FollowUp);
    assert_eq!(found(&[promise], 7 * DAY, &rules), [], "the window is not over");
    assert_eq!(found(&[promise], 7 * DAY + 1, &rules), [(0, PainRule::DeadEnd)]);
    for (at, expected) in [(7 * DAY, vec![]), (7 * DAY + 1, vec![(0, PainRule::DeadEnd)])] {
        assert_eq!(found(&[promise, follow_up(at, Direction::Outbound)], LATE, &rules), expected, "{at}");
    }
    let within = follow_up(DAY, Direction::Internal);
    assert_eq!(found(&[promise, within], LATE, &rules), [(0, PainRule::DeadEnd)], "nobody told the customer");
    let unknown = contact(0, |contact| contact.outcome(Outcome::FollowUp));
    assert_eq!(found(&[unknown], LATE, &rules), [], "without a reason nothing can be seen to follow");
    let ours =
        contact(0, |contact| contact.reason(BILL).outcome(Outcome::FollowUp).direction(Direction::Outbound));
    assert_eq!(found(&[ours], LATE, &rules), [], "the customer did not come");
}

#[test]
fn back_and_forth_belongs_to_who_sent_back() {
    // Beyond the window of repeat contacts nothing else is found.
    let rules = Rules::default();
    let via = |at, channel| {
        contact(at, move |contact| {
            contact.reason(BILL).at_place(channel, Touchpoint::SelfService, Engagement::Support)
        })
    };
    let only = |contacts: &[Contact]| -> Vec<usize> {
        let all = found(contacts, LATE, &rules);
        all.into_iter().filter(|(_, rule)| *rule == PainRule::BackAndForth).map(|(index, _)| index).collect()
    };
    let (web, store) = (Channel::Web, Channel::Store);
    assert_eq!(only(&[via(0, web), via(DAY, store), via(2 * DAY, web)]), [1]);
    assert_eq!(only(&[via(0, web), via(DAY, store), via(2 * DAY, Channel::Mobile)]), [0; 0]);
    assert_eq!(only(&[via(0, web), via(DAY, web), via(2 * DAY, web)]), [0; 0]);
    assert_eq!(only(&[via(0, web), via(DAY, store), via(7 * DAY, web)]), [1]);
    assert_eq!(only(&[via(0, web), via(DAY, store), via(7 * DAY + 1, web)]), [0; 0], "too late");
    assert_eq!(only(&[via(0, web), via(DAY, store), via(2 * DAY, store), via(3 * DAY, web)]), [2]);
    assert_eq!(only(&[via(0, web), via(DAY, store), via(2 * DAY, web), via(3 * DAY, store)]), [1, 2]);
}

#[test]
fn silence_is_held_against_the_customers_own_rhythm() {
    let rules = Rules::default();
    let grievance = contact(DAY * 100, |contact| contact.outcome(Outcome::Complaint));
    let silent = |contacts: &[Contact], purchases: &[i32], as_of_day: i64| {
        let experience = Experience::new(contacts, purchases).unwrap();
        let all = symptoms(&experience, instant(as_of_day * DAY), &rules);
        all.iter().filter(|symptom| symptom.rule() == PainRule::Silence).count()
    };
    // Ten gaps of 10 days: more than 100 (0.05^(-1/10) - 1) = 34.93 days would be long, so the floor decides.
    let often: Vec<i32> = (0..=10).map(|gap| gap * 10).collect();
    assert_eq!(silent(&[grievance], &often, 190), 0);
    assert_eq!(silent(&[grievance], &often, 191), 1);
    // Two gaps of 50 days: 100 (0.05^(-1/2) - 1) = 347.2 days.
    let seldom = [0, 50, 100];
    assert_eq!(silent(&[grievance], &seldom, 447), 0);
    assert_eq!(silent(&[grievance], &seldom, 448), 1);
    // No rhythm: 365 days.
    assert_eq!(silent(&[grievance], &[100, 100], 465), 0);
    assert_eq!(silent(&[grievance], &[100, 100], 466), 1);
    assert_eq!(silent(&[grievance], &[], 466), 1);
    // Signs of life: a purchase on a later day, another contact, but not what lies in the future.
    assert_eq!(silent(&[grievance], &[100, 101], 800), 0);
    assert_eq!(silent(&[grievance], &[100, 801], 800), 1);
    let later = contact(DAY * 101, |contact| contact.outcome(Outcome::Resolved));
    assert_eq!(silent(&[grievance, later], &[], 800), 0);
    let mailing = contact(DAY * 101, |contact| contact.direction(Direction::Outbound));
    assert_eq!(silent(&[grievance, mailing], &[], 800), 1, "only the company was heard of");
    // Silence without a grievance explains nothing.
    assert_eq!(silent(&[later], &[], 800), 0);
}

#[test]
fn symptoms_come_in_order_and_say_why() {
    let bad = |contact: InteractionBuilder| contact.outcome(Outcome::Complaint).transfers(3).reason(BILL);
    let contacts = [contact(0, bad), contact(0, bad), contact(DAY, about(BILL))];
    let experience = Experience::new(&contacts, &[]).unwrap();
    let all = symptoms(&experience, instant(LATE), &Rules::default());
    let rules: Vec<_> = all.iter().map(|symptom| (symptom.contact(), symptom.rule())).collect();
    let each = [PainRule::RepeatContact, PainRule::ManyTransfers, PainRule::Complaint];
    assert_eq!(rules, [each.map(|rule| (0, rule)), each.map(|rule| (1, rule))].concat());
    assert_eq!(all[0].because().to_string(), "repeat_contact: 1 against 7");
    assert_eq!(all[1].because().to_string(), "many_transfers: 3 against 2");
    assert_eq!(all[2].because().to_string(), "complaint");
    assert_eq!(all[2].kind(), PainKind::Frustrated);
}

/// What the rules about one reason say, taken literally: every pair and triple of contacts is looked at.
fn oracle(contacts: &[Contact], as_of: i64) -> Vec<(usize, PainRule)> {
    let (window, soonest) = (7 * DAY, HOUR / 2);
    let mut expected = Vec::new();
    let known: Vec<_> = contacts.iter().enumerate().filter(|(_, contact)| contact.at() <= as_of).collect();
    for &(i, first) in &known {
        let same = |other: &Contact| {
            first.reason().is_some()
                && other.reason() == first.reason()
                && other.direction() != Direction::Internal
        };
        let later: Vec<_> = known.iter().filter(|(j, other)| *j > i && same(other)).collect();
        let inbound = |contact: &Contact| contact.direction() == Direction::Inbound;
        if !inbound(first) || first.reason().is_none() {
            continue;
        }
        let open = first.ending == super::Ending::Open;
        let answered = later.iter().any(|(_, other)| other.at() - first.at() <= window);
        if open && !answered && as_of - first.at() > window {
            expected.push((i, PainRule::DeadEnd));
        }
        let again =
            later.iter().filter(|(_, other)| inbound(other)).map(|(_, other)| other.at() - first.at());
        if again.clone().any(|gap| (soonest..=window).contains(&gap)) {
            expected.push((i, PainRule::RepeatContact));
        }
        // Sent back: the next contact goes to a channel that the last one before by another channel came from.
        let next = later.iter().find(|(_, other)| inbound(other));
        let before = known
            .iter()
            .rev()
            .find(|(j, other)| *j < i && same(other) && inbound(other) && other.channel() != first.channel());
        if let (Some((_, next)), Some((_, before))) = (next, before)
            && next.channel() != first.channel()
            && next.channel() == before.channel()
            && next.at() - before.at() <= window
        {
            expected.push((i, PainRule::BackAndForth));
        }
    }
    expected
}

fn any_contacts() -> impl Strategy<Value = Vec<Contact>> {
    let one = (0_i64..8 * 24 * 6, 0_usize..3, 0_usize..3, 0_usize..6, 0_usize..4);
    prop::collection::vec(one, 0..14).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.0);
        let make = |(ten_minutes, reason, channel, direction, outcome): (i64, usize, usize, usize, usize)| {
            contact(ten_minutes * 600, |contact| {
                let channel = [Channel::Web, Channel::Store, Channel::CallCentre][channel];
                let contact = contact.at_place(channel, Touchpoint::Chat, Engagement::Support);
                let direction = [
                    Direction::Inbound,
                    Direction::Inbound,
                    Direction::Inbound,
                    Direction::Inbound,
                    Direction::Outbound,
                    Direction::Internal,
                ][direction];
                let contact = contact.direction(direction);
                let contact = match reason {
                    0 => contact,
                    1 => contact.reason(BILL),
                    _ => contact.reason(Tag::literal("late_delivery")),
                };
                match outcome {
                    0 => contact,
                    1 => contact.outcome(Outcome::Resolved),
                    _ => contact.outcome(Outcome::FollowUp),
                }
            })
        };
        rows.into_iter().map(make).collect()
    })
}

proptest! {
    #[test]
    fn threads_agree_with_looking_at_every_pair(contacts in any_contacts(), as_of in 0_i64..30 * DAY) {
        let mut expected = oracle(&contacts, as_of);
        expected.sort_unstable();
        let mut seen = found(&contacts, as_of, &Rules::default());
        seen.sort_unstable();
        prop_assert_eq!(seen, expected);
    }
}

#[test]
fn a_loop_is_coming_back_again_and_again_within_one_visit() {
    let minute = 60;
    let page = |at: i64, touchpoint: Touchpoint| {
        contact(at * minute, |contact| contact.at_place(Channel::Web, touchpoint, Engagement::Support))
    };
    let (help, search, chat) = (Touchpoint::SelfService, Touchpoint::MarketingMaterial, Touchpoint::Chat);
    let rounds: Vec<Contact> = [help, search, help, search, search, help, chat]
        .iter()
        .zip(0..)
        .map(|(&at, n)| page(5 * n, at))
        .collect();
    let all = found(&rounds, 30 * DAY, &Rules::default());
    assert_eq!(all, [(5, PainRule::Loop)], "the third time at the help pages");
    let strict = Rules::default().with_loop_returns(1).unwrap();
    assert_eq!(
        found(&rounds, 30 * DAY, &strict),
        [(2, PainRule::Loop), (3, PainRule::Loop), (5, PainRule::Loop)]
    );
    // The same steps an hour apart are visits of their own.
    let apart: Vec<Contact> =
        [help, search, help, search, help].iter().zip(0..).map(|(&at, n)| page(60 * n, at)).collect();
    assert_eq!(found(&apart, 30 * DAY, &Rules::default()), []);
    assert!(Rules::default().with_loop_returns(0).is_err());
}
