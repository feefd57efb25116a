use super::*;
use crate::customer::CustomerId;
use crate::interaction::{
    Channel, Direction, Engagement, Interaction, InteractionBuilder, InteractionId, Outcome, PainKind,
    Touchpoint,
};
use crate::lifecycle::LifecycleStage;
use crate::measure::Share;
use crate::money::{Currency, Money};
use crate::tag::Tag;
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use std::time::Duration;

const DAY: i64 = 86_400;
const TODAY: i64 = 1000;

pub(super) fn as_of() -> DateTime<Utc> {
    DateTime::from_timestamp(TODAY * DAY, 0).unwrap()
}

pub(super) fn empty() -> PainMap {
    PainMap::new(Rules::default(), as_of(), Currency::EUR)
}

fn worth(minor: i64, p_alive: f64) -> Worth {
    Worth::new(Money::new(minor, Currency::EUR), Share::new(p_alive).unwrap())
}

fn contact(
    customer: usize,
    at: i64,
    stage: Option<LifecycleStage>,
    change: impl FnOnce(InteractionBuilder) -> InteractionBuilder,
) -> Contact {
    let id = InteractionId::derive(&["test", &customer.to_string(), &at.to_string()]);
    let at = DateTime::from_timestamp(at, 0).unwrap();
    let builder = Interaction::builder(id, CustomerId::derive(&["test", &customer.to_string()]), at);
    Contact::new(&change(builder).build().unwrap(), stage)
}

fn abandoned_if(met: bool) -> impl FnOnce(InteractionBuilder) -> InteractionBuilder {
    move |contact| contact.outcome(if met { Outcome::Abandoned } else { Outcome::Resolved })
}

const EXISTING: Option<LifecycleStage> = Some(LifecycleStage::Existing);

/// So many customers with one contact on day 10; those who come back buy on day 20.
pub(super) fn push_group(map: &mut PainMap, ids: std::ops::Range<usize>, met: bool, back: usize) {
    for (place, id) in ids.enumerate() {
        let contacts = [contact(id, 10 * DAY, EXISTING, abandoned_if(met))];
        let purchases: &[i32] = if place < back { &[5, 20] } else { &[5] };
        map.push(&Experience::new(&contacts, purchases).unwrap().worth(worth(10_000, 0.5))).unwrap();
    }
}

fn close(seen: f64, expected: f64) {
    assert!((seen - expected).abs() < 1e-9, "{seen} {expected}");
}

#[test]
fn a_table_by_hand() {
    let mut map = empty();
    push_group(&mut map, 0..100, true, 20);
    push_group(&mut map, 100..400, false, 120);
    let report = map.points(&PointOptions::default()).unwrap();
    let [point] = report.points() else { panic!("one point") };
    assert_eq!(point.to_string(), "existing, self_service, lost: 100 of 400 customers");
    assert_eq!(
        (point.stage(), point.touchpoint(), point.kind()),
        (EXISTING, Touchpoint::SelfService, PainKind::Lost)
    );
    let reach = point.reach().found().unwrap();
    assert_eq!((reach.met(), reach.reached()), (100, 400));
    close(reach.share().value(), 0.25);
    close(reach.severity(), 1.0);
    assert_eq!(reach.lost(), None);
    assert_eq!(point.evidence().len(), 5);

    // Computed apart from this crate, with the formulas of Wilson and Newcombe and z = 1.959963984540054.
    let effect = point.effect().found().unwrap();
    close(effect.exposed().value(), 0.2);
    close(effect.exposed().lower(), 0.133_366_933_331_032_5);
    close(effect.others().upper(), 0.456_363_403_658_812_3);
    close(effect.fewer_came_back().value(), 0.2);
    close(effect.fewer_came_back().lower(), LOWER);
    close(effect.fewer_came_back().upper(), UPPER);
    close(effect.p_value(), P_VALUE);
    close(effect.q_value(), P_VALUE);
    close(effect.customers_lost(), 20.0);
    let money = effect.value_at_risk().unwrap();
    assert_eq!(money.value(), Money::new(200_000, Currency::EUR));
    assert_eq!((money.lower().minor(), money.upper().minor()), (96_131, 287_274), "of a million");
    assert_eq!((money.n(), effect.without_value(), report.tests()), (100, 0, 1));
    assert_eq!(report.evident().count(), 1);
}

const LOWER: f64 = 0.096_130_816_097_323_1;
const UPPER: f64 = 0.287_274_273_676_251_7;
const P_VALUE: f64 = 0.000_281_925_907_833_364_83;

#[test]
fn a_fault_inside_the_check_out_does_not_look_good() {
    // Of those who only look around 5 % buy later. Of those who get to the check-out 60 % do, where it fails them 40 %.
    let mut map = empty();
    let (mut met_back, mut others, mut others_back) = (0, 0, 0);
    for id in 0..1000 {
        let checkout = id < 300;
        let fault = id < 100;
        let back = if fault {
            id % 5 < 2
        } else if checkout {
            id % 5 < 3
        } else {
            id % 20 == 0
        };
        met_back += usize::from(fault && back);
        others += usize::from(!fault);
        others_back += usize::from(!fault && back);
        let look = contact(id, 9 * DAY, Some(LifecycleStage::Consideration), |contact| contact);
        let pay = contact(id, 10 * DAY, Some(LifecycleStage::Purchase), abandoned_if(fault));
        let contacts: &[Contact] = if checkout { &[look, pay] } else { &[look] };
        let purchases: &[i32] = if back { &[20] } else { &[] };
        map.push(&Experience::new(contacts, purchases).unwrap()).unwrap();
    }
    // Compared with everybody the fault does good: 40 % of those it hit came back, of all others 17 %.
    assert_eq!((met_back, others, others_back), (40, 900, 155));

    let report = map.points(&PointOptions::default()).unwrap();
    let [point] = report.points() else { panic!("one point") };
    let effect = point.effect().found().unwrap();
    assert_eq!(effect.fewer_came_back().n(), 300, "only those who reached the check-out");
    close(effect.fewer_came_back().value(), 0.2);
    assert_eq!(report.evident().count(), 1);
    assert_eq!(effect.value_at_risk(), None, "no value is known, and none is made up");
    assert_eq!(effect.without_value(), 100);
}

#[test]
fn customers_are_compared_with_their_like() {
    // Regulars come back twice as often as new customers, and use the part that fails more.
    let mut map = empty();
    let mut id = 0;
    let mut group = |before: &[i32], met: bool, customers: usize, back: usize| {
        for place in 0..customers {
            id += 1;
            let contacts = [contact(id, 500 * DAY, EXISTING, abandoned_if(met))];
            let mut purchases = before.to_vec();
            purchases.extend((place < back).then_some(510));
            map.push(&Experience::new(&contacts, &purchases).unwrap()).unwrap();
        }
    };
    let regular = [1, 2, 3, 4, 5, 6, 7, 8];
    group(&regular, true, 200, 120);
    group(&regular, false, 100, 80);
    group(&[490], true, 50, 10);
    group(&[490], false, 300, 120);
    // One more stratum with customers of one side compares nothing.
    group(&[], true, 40, 0);
    let report = map.points(&PointOptions::default()).unwrap();
    let [point] = report.points() else { panic!("one point") };
    let effect = point.effect().found().unwrap();
    // All together, 130 of 250 came back of those who met it and 200 of 400 of the others.
    close(effect.exposed().value(), 0.52);
    close(effect.others().value(), 0.5);
    close(effect.fewer_came_back().value(), 0.2);
    assert_eq!((effect.strata(), effect.fewer_came_back().n()), (2, 650));
    // (120 x 20 / 300 + 10 x 180 / 350) / (80 x 80 / 300 + 40 x 120 / 350), as a fraction 3 / 8.
    let odds = effect.odds_ratio().unwrap();
    close(odds.value(), 0.375);
    // The chi-square test by the formula, in another language.
    assert!((effect.p_value() / 1.134_336_572_602_13e-5 - 1.0).abs() < 1e-12);
    assert_eq!(report.evident().count(), 1);
}

#[test]
fn many_contacts_do_not_make_a_pain_look_good() {
    // Every tenth contact is abandoned, whoever makes it; loyal customers make ten, and come back more often.
    let mut map = empty();
    let (mut ever, mut ever_back) = (0, 0);
    for id in 0..2000 {
        let loyal = id % 2 == 0;
        let back = if loyal { id % 10 < 8 } else { id % 10 < 2 };
        let count = if loyal { 10 } else { 1 };
        let failed = |index: usize| (id / 20 + index).is_multiple_of(10);
        let contacts: Vec<_> = (0..count)
            .zip(10..)
            .map(|(index, day)| contact(id, day * DAY, EXISTING, abandoned_if(failed(index))))
            .collect();
        let met = (0..count).any(failed);
        (ever, ever_back) = (ever + usize::from(met), ever_back + usize::from(met && back));
        let purchases: &[i32] = if back { &[60] } else { &[] };
        map.push(&Experience::new(&contacts, purchases).unwrap()).unwrap();
    }
    assert_eq!(
        (ever, ever_back),
        (1100, 820),
        "75 % of those who ever met it came back, of all customers 50 %"
    );
    let report = map.points(&PointOptions::default()).unwrap();
    let effect = report.points()[0].effect().found().unwrap();
    close(effect.fewer_came_back().value(), 0.0);
    assert_eq!(report.points()[0].reach().found().unwrap().met(), 1100);
}

#[test]
fn whether_they_came_back_is_only_said_of_old_contacts() {
    let of = |day: i64, purchases: &[i32]| {
        let mut map = empty();
        let contacts = [contact(1, day * DAY + 7, EXISTING, abandoned_if(true))];
        map.push(&Experience::new(&contacts, purchases).unwrap()).unwrap();
        let place = cell::Place { stage: EXISTING, touchpoint: Touchpoint::SelfService };
        let outcomes = map.cells()[&place].tally(PainKind::Lost).first.total();
        (outcomes.customers, outcomes.back, map.counts().censored)
    };
    assert_eq!(of(TODAY - 89, &[]), (0, 0, 1), "too young to be lost");
    assert_eq!(of(TODAY - 89, &[999]), (0, 0, 1), "and too young to have come back");
    assert_eq!(of(TODAY - 90, &[]), (1, 0, 0));
    assert_eq!(of(TODAY - 90, &[1000]), (1, 1, 0));
    assert_eq!(of(500, &[500]), (1, 0, 0), "the same day may be the purchase that the contact belongs to");
    assert_eq!(of(500, &[499, 501]), (1, 1, 0));
    assert_eq!(of(500, &[590]), (1, 1, 0));
    assert_eq!(of(500, &[591]), (1, 0, 0));
}

#[test]
fn what_is_young_or_in_the_future_is_left_out_and_counted() {
    let mut map = empty();
    let contacts = [
        contact(1, 10 * DAY, None, |contact| contact.direction(Direction::Internal)),
        contact(1, 10 * DAY, None, |contact| contact),
        contact(1, 10 * DAY, EXISTING, abandoned_if(true)),
        contact(1, 11 * DAY, EXISTING, |contact| {
            let contact = contact.reason(Tag::literal("question")).wait(Duration::from_secs(5));
            contact.at_place(Channel::Web, Touchpoint::SelfService, Engagement::Sales)
        }),
        contact(1, (TODAY - 3) * DAY, EXISTING, abandoned_if(true)),
        contact(1, TODAY * DAY + 1, EXISTING, abandoned_if(true)),
    ];
    map.push(&Experience::new(&contacts, &[10, 1001, 1002]).unwrap()).unwrap();
    let expected = PainCounts {
        customers: 1,
        contacts: 4,
        future_contacts: 1,
        future_purchases: 2,
        internal_contacts: 1,
        unsettled_contacts: 1,
        same_instant: 1,
        censored: 0,
        without_stage: 1,
        without_reason: 3,
        without_outcome: 2,
        without_expectation: 1,
        without_worth: 1,
    };
    assert_eq!(map.counts(), expected);
    let options = PointOptions::default().with_minimum(1).unwrap();
    let report = map.points(&options).unwrap();
    let [point] = report.points() else { panic!("one point") };
    let reach = point.reach().found().unwrap();
    assert_eq!((reach.met(), reach.severity()), (1, 1.0), "the young contact does not count yet");
    assert_eq!(report.counts(), expected);
}

#[test]
fn what_went_with_those_who_defected() {
    let mut map = empty();
    for (id, worth) in [(1, worth(10_000, 0.5)), (2, worth(20_000, 0.25)), (3, worth(-5_000, 0.0))] {
        let contacts = [contact(id, 10 * DAY, EXISTING, |contact| contact.outcome(Outcome::Complaint))];
        map.push(&Experience::new(&contacts, &[]).unwrap().worth(worth)).unwrap();
    }
    let report = map.points(&PointOptions::default().with_minimum(1).unwrap()).unwrap();
    let kinds: Vec<_> = report.points().iter().map(PainPoint::kind).collect();
    assert_eq!(kinds, [PainKind::Frustrated, PainKind::Defected]);
    // 100 * 0.5 + 200 * 0.75, with the variance 100² / 4 + 200² * 3 / 16 = 100²; at most all 300 can be gone. Who is
    // worth less than nothing takes nothing away.
    let reach = report.points()[1].reach().found().unwrap();
    let lost = reach.lost().unwrap();
    assert_eq!((reach.met(), lost.n()), (3, 3));
    assert_eq!(lost.value(), Money::new(20_000, Currency::EUR));
    assert_eq!(lost.lower(), Money::new(400, Currency::EUR));
    assert_eq!(lost.upper(), Money::new(30_000, Currency::EUR));
    assert_eq!(report.points()[1].effect(), &Finding::TooFew { minimum: 1 }, "nobody to compare with");
}

#[test]
fn small_groups_say_too_few() {
    let mut map = empty();
    push_group(&mut map, 0..29, true, 3);
    push_group(&mut map, 100..400, false, 120);
    let report = map.points(&PointOptions::default()).unwrap();
    assert_eq!(report.points()[0].effect(), &Finding::TooFew { minimum: 30 });
    assert!(report.points()[0].reach().found().is_some());
    assert_eq!((report.tests(), report.evident().count()), (0, 0));

    let mut map = empty();
    push_group(&mut map, 0..29, true, 3);
    let report = map.points(&PointOptions::default()).unwrap();
    assert_eq!(report.points()[0].to_string(), "existing, self_service, lost: too few customers");
}

#[test]
fn small_expected_counts_are_tested_exactly() {
    let mut map = empty();
    push_group(&mut map, 0..30, true, 0);
    push_group(&mut map, 100..130, false, 6);
    let report = map.points(&PointOptions::default()).unwrap();
    let effect = report.points()[0].effect().found().unwrap();
    // 2 C(30, 6) / C(60, 6), counted in whole numbers.
    close(effect.p_value(), 2.0 * 593_775.0 / 50_063_860.0);
}

#[test]
fn empty_and_equal_input_has_a_defined_result() {
    let report = empty().points(&PointOptions::default()).unwrap();
    assert_eq!((report.points().len(), report.tests(), report.counts()), (0, 0, PainCounts::default()));

    for back in [0, 200] {
        let mut map = empty();
        push_group(&mut map, 0..200, true, back);
        push_group(&mut map, 200..400, false, back);
        let report = map.points(&PointOptions::default()).unwrap();
        let effect = report.points()[0].effect().found().unwrap();
        close(effect.fewer_came_back().value(), 0.0);
        close(effect.p_value(), 1.0);
        assert_eq!(effect.value_at_risk().unwrap().value(), Money::zero(Currency::EUR));
    }
}

#[test]
fn refusals_leave_the_map_unchanged() {
    let mut map = empty();
    push_group(&mut map, 0..3, true, 1);
    let before = map.clone();

    let contacts =
        [contact(1, 20 * DAY, None, |contact| contact), contact(1, 10 * DAY, None, |contact| contact)];
    let refused = Experience::new(&contacts, &[]).unwrap_err();
    assert_eq!(refused, PainError::ContactsOutOfOrder { contact: 1 });

    let dollars = Worth::new(Money::new(1, Currency::USD), Share::ONE);
    let foreign = Experience::new(&[], &[]).unwrap().worth(dollars);
    let expected = PainError::DifferentCurrency { expected: Currency::EUR, found: Currency::USD };
    assert_eq!(map.push(&foreign).unwrap_err(), expected);
    let two = [Experience::new(&[], &[]).unwrap(), foreign];
    assert_eq!(map.push_all(two).unwrap_err(), expected.of_customer(1));

    let other = PainMap::new(Rules::default(), as_of(), Currency::USD);
    assert_eq!(map.merge(&other).unwrap_err(), PainError::DifferentMaps { part: "currency" });
    let rules = Rules::default().with_transfers(9).unwrap();
    let other = PainMap::new(rules, as_of(), Currency::EUR);
    assert_eq!(map.merge(&other).unwrap_err(), PainError::DifferentMaps { part: "rules" });
    let other = PainMap::new(Rules::default(), DateTime::UNIX_EPOCH, Currency::EUR);
    assert_eq!(map.merge(&other).unwrap_err(), PainError::DifferentMaps { part: "as_of" });
    assert_eq!(map, before);
}

#[test]
fn touch_points_made_from_free_text_are_refused() {
    let mut map = empty();
    let visit = |number: usize| {
        let touchpoint = Touchpoint::Other(Tag::new(&format!("page-{number}")).unwrap());
        contact(number, 10 * DAY, None, |contact| {
            contact.at_place(Channel::Web, touchpoint, Engagement::Sales)
        })
    };
    for number in 0..4096 {
        map.push(&Experience::new(&[visit(number)], &[]).unwrap()).unwrap();
    }
    let limit = PainError::TooManyPlaces { limit: 4096 };
    assert_eq!(map.push(&Experience::new(&[visit(4096)], &[]).unwrap()), Err(limit.clone()));
    map.push(&Experience::new(&[visit(7)], &[]).unwrap()).unwrap();
    let mut shard = empty();
    shard.push(&Experience::new(&[visit(4096)], &[]).unwrap()).unwrap();
    assert_eq!(map.merge(&shard), Err(limit));
    assert_eq!(map.counts().customers, 4097);
}

#[test]
fn columns_are_checked() {
    let ok = PainColumns::new(&[], &[], &[], &[]).unwrap();
    assert!(ok.is_empty());
    let length = PainColumns::new(&[], &[0], &[], &[0, 0]).unwrap_err();
    assert_eq!(length, PainError::ColumnLength { column: "purchase_offsets", expected: 1, found: 2 });
    for (offsets, wrong) in
        [(vec![], 0), (vec![1, 2], 0), (vec![0, 2, 1], 2), (vec![0, 1], 1), (vec![0, 3], 1)]
    {
        let contacts = vec![0; offsets.len()];
        let refused = PainColumns::new(&[], &contacts, &[1, 2], &offsets).unwrap_err();
        assert_eq!(refused, PainError::Offset { column: "purchase_offsets", offset: wrong }, "{offsets:?}");
    }
    let back = PainColumns::new(&[], &[0, 0, 0], &[1, 3, 2], &[0, 1, 3]).unwrap_err();
    assert_eq!(back, PainError::PurchasesOutOfOrder { purchase: 1 }.of_customer(1));
    let two = PainColumns::new(&[], &[0, 0, 0], &[3, 2], &[0, 1, 2]).unwrap();
    let worth = two.worth(Currency::EUR, &[1], &[0.5, 0.5]).unwrap_err();
    assert_eq!(worth, PainError::ColumnLength { column: "value_minor", expected: 2, found: 1 });
    for wrong in [-0.1, 1.1, f64::INFINITY] {
        let refused = two.worth(Currency::EUR, &[1, 2], &[0.5, wrong]).unwrap_err();
        assert_eq!(refused, PainError::NoProbability { row: 1, value: wrong });
    }
    assert!(two.worth(Currency::EUR, &[1, 2], &[0.5, f64::NAN]).is_err());
}

#[test]
fn amounts_beyond_64_bits_are_an_error() {
    let mut map = empty();
    let large = worth(i64::MAX, 0.0);
    for id in 0..60 {
        let contacts = [contact(id, 10 * DAY, EXISTING, abandoned_if(id < 30))];
        let purchases: &[i32] = if id < 30 { &[] } else { &[20] };
        map.push(&Experience::new(&contacts, purchases).unwrap().worth(large)).unwrap();
    }
    let refused = map.points(&PointOptions::default()).unwrap_err();
    assert!(matches!(refused, PainError::Money(_)), "{refused}");
    // Doubling it 70 times neither panics nor wraps.
    for _ in 0..70 {
        map.merge(&map.clone()).unwrap();
    }
    assert_eq!(map.counts().customers, u64::MAX);
}

#[test]
fn rules_and_options_refuse_nonsense() {
    let rules = Rules::default;
    let seconds = Duration::from_secs;
    assert!(rules().with_window(Duration::ZERO).is_err());
    assert!(rules().with_window(Duration::from_millis(1500)).is_err());
    assert!(rules().with_window(seconds(367 * 86_400)).is_err());
    assert!(rules().with_window(seconds(60)).is_err(), "not longer than one contact");
    assert!(rules().with_same_contact(Duration::ZERO).is_ok());
    assert!(rules().with_same_contact(seconds(8 * 86_400)).is_err());
    assert!(rules().with_wait_multiple(0).is_err());
    assert!(rules().with_transfers(0).is_err());
    assert!(rules().with_low(Share::ZERO, f64::NAN).is_err());
    assert!(rules().with_silence(Share::ZERO, 90, 365).is_err());
    assert!(rules().with_silence(Share::ONE, 90, 365).is_err());
    assert!(rules().with_silence(Share::new(0.1).unwrap(), 0, 365).is_err());
    assert!(rules().with_back_within_days(0).is_err());
    assert!(rules().with_back_within_days(3661).is_err());
    assert!(ExpectedWait::new(Touchpoint::Chat, Duration::ZERO).is_err());
    assert_eq!(serde_json::from_str::<Rules>("{}").unwrap(), rules());
    assert!(serde_json::from_str::<Rules>(r#"{"transfers":0}"#).is_err());
    assert!(serde_json::from_str::<Rules>(r#"{"transfer":2}"#).is_err(), "a misspelt field");
    let chat = r#"{"touchpoint":"chat","wait_s":20}"#;
    assert!(serde_json::from_str::<Rules>(&format!(r#"{{"expected_waits":[{chat}]}}"#)).is_ok());
    assert!(serde_json::from_str::<Rules>(&format!(r#"{{"expected_waits":[{chat},{chat}]}}"#)).is_err());
    assert!(PointOptions::default().with_minimum(0).is_err());
    assert!(PointOptions::default().with_level(Share::ZERO).is_err());
    assert!(PointOptions::default().with_false_discoveries(Share::ONE).is_err());
    assert!(serde_json::from_str::<PointOptions>(r#"{"level":1.0}"#).is_err());
}

/// One customer of the property tests, owned.
#[derive(Clone, Debug)]
struct Lived {
    contacts: Vec<Contact>,
    purchases: Vec<i32>,
    value: i64,
    p_alive: f64,
}

impl Lived {
    fn experience(&self) -> Experience<'_> {
        Experience::new(&self.contacts, &self.purchases).unwrap().worth(worth(self.value, self.p_alive))
    }
}

fn lived() -> impl Strategy<Value = Vec<Lived>> {
    let visit = (880_i64..1003, 0_usize..3, 0_usize..4, 0_usize..6, 0_u16..4);
    let one = (
        any::<u32>(),
        prop::collection::vec(visit, 0..6),
        prop::collection::vec(870_i32..1003, 0..6),
        -5_i64..100_000,
        0.0..=1.0,
    );
    let one = one.prop_map(|(id, mut visits, mut purchases, value, p_alive)| {
        visits.sort_unstable();
        purchases.sort_unstable();
        let contacts =
            visits.into_iter().zip(0_i64..).map(|((day, stage, place, outcome, transfers), second)| {
                let stage = [None, EXISTING, Some(LifecycleStage::Purchase)][stage];
                contact(id as usize, day * DAY + second, stage, |contact| {
                    let own = Touchpoint::Other(Tag::literal("kiosk"));
                    let touchpoint = [Touchpoint::Chat, Touchpoint::Email, Touchpoint::PhoneIvr, own][place];
                    let contact =
                        contact.at_place(Channel::Web, touchpoint, Engagement::Support).transfers(transfers);
                    let contact =
                        if outcome % 2 == 0 { contact.reason(Tag::literal("question")) } else { contact };
                    match outcome {
                        0 | 1 => contact.outcome(Outcome::Abandoned),
                        2 => contact.outcome(Outcome::Complaint),
                        3 => contact.outcome(Outcome::FollowUp),
                        _ => contact,
                    }
                })
            });
        Lived { contacts: contacts.collect(), purchases, value, p_alive }
    });
    prop::collection::vec(one, 0..20)
}

fn mapped(lives: &[Lived]) -> PainMap {
    let mut map = empty();
    for life in lives {
        map.push(&life.experience()).unwrap();
    }
    map
}

fn merged(one: &PainMap, other: &PainMap) -> PainMap {
    let mut merged = one.clone();
    merged.merge(other).unwrap();
    merged
}

proptest! {
    #[test]
    fn evidence_is_the_smallest_ids_each_once(names in prop::collection::vec(0_u8..12, 0..30)) {
        let ids: Vec<_> = names.iter().map(|name| InteractionId::derive(&[&name.to_string()])).collect();
        let mut evidence = cell::Evidence::default();
        for &id in &ids {
            evidence.push(id);
        }
        let expected: Vec<_> = ids.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().take(5).collect();
        prop_assert_eq!(evidence.ids().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_three_doors_agree(lives in lived(), minimum in 1_u64..4) {
        let one_by_one = mapped(&lives);
        let mut iterated = empty();
        iterated.push_all(lives.iter().map(Lived::experience)).unwrap();

        let (mut contacts, mut purchases) = (Vec::new(), Vec::new());
        let (mut contact_offsets, mut purchase_offsets) = (vec![0], vec![0]);
        let (mut value_minor, mut p_alive) = (Vec::new(), Vec::new());
        for life in &lives {
            contacts.extend_from_slice(&life.contacts);
            purchases.extend_from_slice(&life.purchases);
            contact_offsets.push(contacts.len());
            purchase_offsets.push(purchases.len());
            value_minor.push(life.value);
            p_alive.push(life.p_alive);
        }
        let columns = PainColumns::new(&contacts, &contact_offsets, &purchases, &purchase_offsets).unwrap();
        let columns = columns.worth(Currency::EUR, &value_minor, &p_alive).unwrap();
        let mut columnar = empty();
        columnar.push_columns(&columns).unwrap();

        prop_assert_eq!(&one_by_one, &iterated);
        prop_assert_eq!(&one_by_one, &columnar);
        let options = PointOptions::default().with_minimum(minimum).unwrap();
        let report = one_by_one.points(&options).unwrap();
        prop_assert_eq!(&report, &columnar.points(&options).unwrap());
        for point in report.points() {
            if let Some(effect) = point.effect().found() {
                prop_assert!((0.0..=1.0).contains(&effect.p_value()));
                prop_assert!(effect.p_value() <= effect.q_value() && effect.q_value() <= 1.0);
            }
        }
    }

    #[test]
    fn merging_is_associative_commutative_and_equals_pushing(a in lived(), b in lived(), c in lived()) {
        let (x, y, z) = (mapped(&a), mapped(&b), mapped(&c));
        prop_assert_eq!(merged(&merged(&x, &y), &z), merged(&x, &merged(&y, &z)));
        prop_assert_eq!(merged(&x, &y), merged(&y, &x));
        let all: Vec<_> = a.into_iter().chain(b).collect();
        prop_assert_eq!(merged(&x, &y), mapped(&all));
        let reversed: Vec<_> = all.into_iter().rev().collect();
        prop_assert_eq!(merged(&x, &y), mapped(&reversed));
    }
}
