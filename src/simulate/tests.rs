#![expect(clippy::cast_precision_loss, reason = "counts in tests are small")]

use super::*;
use crate::customer::CustomerId;
use crate::interaction::{Direction, Engagement, Interaction, Outcome, PainKind, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::measure::Share;
use crate::money::{Currency, Money};
use crate::period::Period;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn start() -> DateTime<Utc> {
    "2024-01-01T00:00:00Z".parse().unwrap()
}

fn weeks(weeks: i64) -> Period {
    Period::new(start(), start() + TimeDelta::weeks(weeks)).unwrap()
}

fn share(value: f64) -> Share {
    Share::new(value).unwrap()
}

/// Simulated customers and the facts about them.
fn drawn(customers: u32, seed: u64) -> Vec<SimulatedBuyer> {
    buyers(&BuyingTruth::cdnow(), customers, weeks(78), seed).unwrap()
}

fn facts(buyers: &[SimulatedBuyer]) -> Vec<Buyer<'_>> {
    buyers.iter().map(SimulatedBuyer::facts).collect()
}

#[test]
fn buyers_are_valid_and_reproducible() {
    let buyers = drawn(300, 5);
    assert_eq!(buyers, drawn(300, 5));
    assert_eq!(buyers[17], buyer(&BuyingTruth::cdnow(), 17, weeks(78), 5).unwrap());
    let others = drawn(300, 6);
    let ids: BTreeSet<_> = buyers.iter().chain(&others).map(|buyer| buyer.customer().id()).collect();
    assert_eq!(ids.len(), 600);
    let purchases: Vec<_> = buyers.iter().chain(&others).flat_map(SimulatedBuyer::purchases).collect();
    let ids: BTreeSet<_> = purchases.iter().map(|purchase| purchase.id()).collect();
    assert_eq!(ids.len(), purchases.len());
    for buyer in &buyers {
        assert!(!buyer.purchases().is_empty());
        assert!(buyer.purchases().is_sorted_by_key(crate::purchase::Purchase::at));
        for purchase in buyer.purchases() {
            assert_eq!(purchase.customer(), buyer.customer().id());
            assert!(weeks(78).contains(purchase.at()));
            assert!(purchase.margin().is_some_and(|margin| !margin.is_negative()));
        }
        // The facts are what the public constructor takes.
        let facts = buyer.facts();
        assert_eq!(Buyer::new(facts.customer(), facts.purchases(), facts.observed()), Ok(facts));
    }
    let late = BuyingTruth::cdnow().with_joining(Share::ZERO);
    assert_eq!(buyer(&late, 0, weeks(78), 5).unwrap().purchases()[0].at(), start());
}

#[test]
fn refuses_parameters_that_cannot_be() {
    let truth = BuyingTruth::cdnow();
    let (buying, spending) = (truth.buying(), truth.spending());
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-320] {
        let buyings = [
            ("r", BgNbd { r: wrong, ..buying }),
            ("alpha", BgNbd { alpha: wrong, ..buying }),
            ("a", BgNbd { a: wrong, ..buying }),
            ("b", BgNbd { b: wrong, ..buying }),
        ];
        for (name, buying) in buyings {
            let refused = BuyingTruth::new(buying, spending, Currency::USD).unwrap_err();
            assert!(
                matches!(refused, SimulateError::Parameter { name: told, .. } if told == name),
                "{refused}"
            );
        }
        for spending in [
            GammaGamma { p: wrong, ..spending },
            GammaGamma { q: wrong, ..spending },
            GammaGamma { v: wrong, ..spending },
        ] {
            assert!(BuyingTruth::new(buying, spending, Currency::USD).is_err());
        }
    }
    let busy =
        BuyingTruth::new(BgNbd { r: 1e9, alpha: 1.0, a: 1e-9, b: 1e9 }, spending, Currency::USD).unwrap();
    let refused = buyers(&busy, 1, weeks(78), 1).unwrap_err();
    assert!(matches!(refused, SimulateError::TooManyPurchases { number: 0, .. }), "{refused}");
    let rich = BuyingTruth::new(buying, GammaGamma { p: 1.0, q: 1.0, v: 1e300 }, Currency::USD).unwrap();
    assert!(matches!(buyers(&rich, 1, weeks(78), 1), Err(SimulateError::Money(_))));

    let again = Company::default().planted()[0];
    assert!(matches!(Company::default().with_pain(again), Err(SimulateError::PlantedTwice { .. })));
    assert!(matches!(
        Company::default().with_background(share(0.26)),
        Err(SimulateError::Background { background }) if background > 0.25
    ));
}

#[test]
fn refuses_facts_that_cannot_be() {
    let customer = CustomerId::derive(&["c"]);
    let (first, second) = (start() + TimeDelta::days(1), start() + TimeDelta::days(2));
    let new = |purchases: [_; 2]| Buyer::new(customer, &purchases, weeks(1)).unwrap_err();
    assert_eq!(new([second, first]), SimulateError::Unordered { customer, index: 1 });
    assert_eq!(new([first, weeks(1).end()]), SimulateError::Unobserved { customer, index: 1 });
    assert_eq!(new([start() - TimeDelta::days(1), first]), SimulateError::Unobserved { customer, index: 0 });
    let buyer = Buyer::new(customer, &[], weeks(1)).unwrap();
    let refused = interactions(&[buyer, buyer], &Company::default(), Purchases::Given, 1).unwrap_err();
    assert_eq!(refused, SimulateError::Repeated { customer });
}

/// Whether a contact shows a kind of pain, by rules that know nothing of the simulation but the usual waits.
fn shows(kind: PainKind, life: &Life, index: usize, usual: &BTreeMap<(Touchpoint, Engagement), u64>) -> bool {
    let contact = &life.interactions()[index];
    let later = life.interactions()[index + 1..].iter();
    let mut same_place = later.filter(|other| {
        (other.touchpoint(), other.engagement()) == (contact.touchpoint(), contact.engagement())
    });
    match kind {
        PainKind::Lost => contact.outcome() == Some(Outcome::Abandoned),
        PainKind::Confused => same_place.any(|other| {
            other.direction() == Direction::Inbound
                && other.reason().is_some()
                && other.reason() == contact.reason()
                && other.at() - contact.at() <= TimeDelta::days(7)
        }),
        PainKind::Frustrated => {
            let usual = usual.get(&(contact.touchpoint(), contact.engagement()));
            let long = usual.is_some_and(|&usual| contact.wait().is_some_and(|w| w.as_secs() > 3 * usual));
            long && contact.sentiment().is_some_and(|mood| mood.score() < -0.5)
                && contact.effort().is_some_and(|effort| effort.ease() <= share(0.25))
        }
        PainKind::Defected => {
            matches!(contact.outcome(), Some(Outcome::Unanswered | Outcome::Complaint))
        }
    }
}

/// Median waits by place.
fn usual_waits(lives: &[Life]) -> BTreeMap<(Touchpoint, Engagement), u64> {
    let mut waits: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for contact in lives.iter().flat_map(Life::interactions) {
        if let Some(wait) = contact.wait() {
            waits.entry((contact.touchpoint(), contact.engagement())).or_default().push(wait.as_secs());
        }
    }
    waits
        .into_iter()
        .map(|(place, mut waits)| {
            waits.sort_unstable();
            (place, waits[waits.len() / 2])
        })
        .collect()
}

type Place = (LifecycleStage, Touchpoint, Engagement);

/// The first contact of a life in each place: position, and whether a purchase that happened came after it.
fn first_contacts(life: &Life, buyer: &Buyer<'_>) -> BTreeMap<Place, (usize, bool)> {
    let happened = &buyer.purchases()[..life.purchases()];
    let mut first = BTreeMap::new();
    for (index, contact) in life.interactions().iter().enumerate() {
        let stage = life.lifecycle().stage_at(contact.at()).unwrap();
        let bought = happened.last().is_some_and(|&last| last > contact.at());
        first.entry((stage, contact.touchpoint(), contact.engagement())).or_insert((index, bought));
    }
    first
}

/// Counts of those who show a kind of pain at their first contact in a place, and of those who do not.
fn contrast(lives: &[Life], facts: &[Buyer<'_>]) -> BTreeMap<(PainKind, Place), (Met, Met)> {
    let usual = usual_waits(lives);
    let mut found: BTreeMap<_, (Met, Met)> = BTreeMap::new();
    for (life, buyer) in lives.iter().zip(facts) {
        for (place, (index, bought)) in first_contacts(life, buyer) {
            for &kind in PainKind::ALL {
                let (met, not_met) = found.entry((kind, place)).or_default();
                let group = if shows(kind, life, index, &usual) { met } else { not_met };
                group.count(bought);
            }
        }
    }
    found
}

fn all(lives: &Lives<'_>) -> Vec<Life> {
    lives.iter().collect::<Result<_, _>>().unwrap()
}

/// A difference of shares and its standard error.
fn difference(met: Met, not_met: Met) -> (f64, f64) {
    let (p, q) = (met.share().unwrap().get(), not_met.share().unwrap().get());
    let (n, m) = (met.customers as f64, not_met.customers as f64);
    (q - p, (p * (1.0 - p) / n + q * (1.0 - q) / m).sqrt())
}

#[test]
fn planted_pain_has_its_reach_and_its_effect() {
    for (seed, purchases) in [(1, Purchases::Simulated), (2, Purchases::Given), (3, Purchases::Simulated)] {
        let buyers = drawn(8_000, seed);
        let facts = facts(&buyers);
        let lives = interactions(&facts, &Company::default(), purchases, seed).unwrap();
        for truth in lives.truth().planted() {
            let (reach, effect) = (truth.pain().reach.get(), truth.pain().effect.get());
            let error = (reach * (1.0 - reach) / truth.reached() as f64).sqrt();
            let met = truth.reach().unwrap().get();
            assert!((met - reach).abs() < 3.5 * error, "{}: reach {met}", truth.pain().kind);
            let (realised, error) = difference(truth.met(), truth.not_met());
            assert!((realised - effect).abs() < 3.5 * error, "{}: effect {realised}", truth.pain().kind);
            assert!(truth.is_attainable());
            assert_eq!(truth.purchases_lost() > 0, purchases == Purchases::Simulated);
        }
    }
}

#[test]
fn the_truth_is_what_the_lives_tell() {
    for purchases in [Purchases::Simulated, Purchases::Given] {
        let buyers = drawn(6_000, 4);
        let facts = facts(&buyers);
        let company = Company::default();
        let lives = interactions(&facts, &company, purchases, 4).unwrap();
        let drawn = all(&lives);
        let lost: usize =
            drawn.iter().zip(&facts).map(|(life, buyer)| buyer.purchases().len() - life.purchases()).sum();
        let told: u64 = lives.truth().planted().iter().map(PlantedTruth::purchases_lost).sum();
        assert_eq!(lost as u64, told);
        if purchases == Purchases::Given {
            assert_eq!(lost, 0);
        }

        let usual = usual_waits(&drawn);
        let found = contrast(&drawn, &facts);
        for (number, truth) in lives.truth().planted().iter().enumerate() {
            let pain = *truth.pain();
            let (met, not_met) = found[&(pain.kind, (pain.stage, pain.touchpoint, pain.engagement))];
            assert_eq!(met.customers + not_met.customers, truth.reached(), "{}", pain.kind);
            assert_eq!(
                met.bought_again + not_met.bought_again,
                truth.met().bought_again + truth.not_met().bought_again
            );
            // What shows is what was planted, and a few mishaps.
            let mishaps = met.customers - truth.met().customers;
            assert!((mishaps as f64) < 0.012 * truth.reached() as f64, "{}: {mishaps} mishaps", pain.kind);
            let (seen, error) = difference(met, not_met);
            assert!((seen - pain.effect.get()).abs() < 4.0 * error, "{}: {seen}", pain.kind);

            // Every one who met it shows it at their first contact there.
            let mut counted = 0;
            for (life, buyer) in drawn.iter().zip(&facts).filter(|(life, _)| life.met().contains(&number)) {
                let (index, bought) =
                    first_contacts(life, buyer)[&(pain.stage, pain.touchpoint, pain.engagement)];
                assert!(
                    shows(pain.kind, life, index, &usual),
                    "{}: {:?}",
                    pain.kind,
                    life.interactions()[index]
                );
                if pain.kind == PainKind::Defected && !bought {
                    assert_eq!(index + 1, life.interactions().len(), "silence follows");
                }
                counted += 1;
            }
            assert_eq!(counted, truth.met().customers);
        }
        // No other place and kind has an effect.
        for ((kind, (stage, touchpoint, engagement)), (met, not_met)) in found {
            let planted = company
                .planted()
                .iter()
                .any(|pain| pain.kind == kind && pain.is_at(stage, touchpoint, engagement));
            if !planted && met.customers >= 20 {
                let (seen, error) = difference(met, not_met);
                assert!(
                    seen.abs() <= 4.0 * error.max(0.05),
                    "{kind} {stage} {touchpoint}: {seen} +- {error}"
                );
            }
        }
    }
}

#[test]
fn without_pain_nothing_has_an_effect() {
    let company = Company::without_pain().with_background(share(0.05)).unwrap();
    let buyers = drawn(8_000, 9);
    let facts = facts(&buyers);
    let lives = interactions(&facts, &company, Purchases::Simulated, 9).unwrap();
    assert!(lives.truth().planted().is_empty());
    let drawn = all(&lives);
    assert!(drawn.iter().zip(&facts).all(|(life, buyer)| life.purchases() == buyer.purchases().len()));
    let (mut tested, mut high) = (0, 0);
    let (mut sum, mut contacts, mut shown) = (0.0, 0, 0);
    for ((kind, place), (met, not_met)) in contrast(&drawn, &facts) {
        // At a place where every kind can show in the contact itself.
        if place == (LifecycleStage::Existing, Touchpoint::PhoneCallCentre, Engagement::Support) {
            contacts += met.customers + not_met.customers;
            shown += met.customers;
        }
        let expected = met.customers.min(not_met.customers) as f64 * not_met.share().map_or(0.0, Share::get);
        if expected < 10.0 || expected > met.customers as f64 - 10.0 {
            continue;
        }
        let (seen, error) = difference(met, not_met);
        let z = seen / error;
        tested += 1;
        high += u32::from(z.abs() > 1.96);
        sum += z;
        assert!(z.abs() < 4.0, "{kind} {place:?}: {seen} +- {error}");
    }
    // Independent tests: their mean is 0, and one in twenty is beyond 1.96.
    assert!(tested >= 30, "{tested}");
    assert!(f64::abs(sum) < 3.0 * f64::from(tested).sqrt(), "{sum} over {tested}");
    assert!(high <= 2 + tested / 8, "{high} of {tested}");
    let rate = shown as f64 / contacts as f64;
    assert!((0.045..0.056).contains(&rate), "background of {rate}");
}

#[test]
fn a_life_is_the_same_whenever_and_beside_whomever_it_is_drawn() {
    let buyers = drawn(400, 8);
    let facts = facts(&buyers);
    for purchases in [Purchases::Simulated, Purchases::Given] {
        let text = |lives: &Lives<'_>| {
            let whole = |life: &Life| {
                (
                    serde_json::to_string(life.interactions()).unwrap(),
                    serde_json::to_string(life.lifecycle()).unwrap(),
                )
            };
            all(lives).iter().map(whole).collect::<Vec<_>>()
        };
        let lives = interactions(&facts, &Company::default(), purchases, 8).unwrap();
        let again = interactions(&facts, &Company::default(), purchases, 8).unwrap();
        assert_eq!(text(&lives), text(&again));
        assert_eq!(lives.truth(), again.truth());
        assert_eq!(lives.life(3).unwrap().unwrap(), all(&lives)[3]);
        assert!(lives.life(400).is_none());

        let mut reversed = facts.clone();
        reversed.reverse();
        let reversed = interactions(&reversed, &Company::default(), purchases, 8).unwrap();
        let mut backwards = text(&reversed);
        backwards.reverse();
        assert_eq!(backwards, text(&lives));
        assert_eq!(reversed.truth(), lives.truth());

        let other = interactions(&facts, &Company::default(), purchases, 9).unwrap();
        assert_ne!(text(&lives), text(&other));
        let ids: BTreeSet<_> = [&lives, &other]
            .into_iter()
            .flat_map(|lives| all(lives).into_iter().flat_map(|life| life.into_parts().0))
            .map(|contact| contact.id())
            .collect();
        let contacts: usize =
            [&lives, &other].into_iter().flat_map(all).map(|life| life.interactions().len()).sum();
        assert_eq!(ids.len(), contacts);
    }
    let alone = interactions(&facts[..1], &Company::without_pain(), Purchases::Given, 8).unwrap();
    let among = interactions(&facts, &Company::without_pain(), Purchases::Given, 8).unwrap();
    assert_eq!(alone.life(0), among.life(0));
}

#[test]
fn what_is_past_does_not_depend_on_what_would_have_come() {
    let buyers = drawn(2_000, 12);
    let mut sketches = (sketch::Sketch::default(), sketch::Sketch::default());
    for buyer in facts(&buyers) {
        let draw = |sketch: &mut sketch::Sketch, kept| {
            sketch.draw(&buyer, kept, &mut stream(12, Stream::Contacts, buyer.customer()));
        };
        draw(&mut sketches.0, buyer.purchases().len());
        for kept in 0..buyer.purchases().len() {
            draw(&mut sketches.1, kept);
            let until = buyer.purchases()[kept].timestamp_micros();
            let past = |sketch: &sketch::Sketch| {
                let steps = sketch.steps.iter().take_while(|step| step.at < until);
                steps
                    .map(|step| {
                        (step.at, step.stage, step.habit.touchpoint, step.habit.engagement, step.reason)
                    })
                    .collect::<Vec<_>>()
            };
            assert_eq!(past(&sketches.0), past(&sketches.1));
        }
    }
}

fn sound(life: &Life, buyer: &Buyer<'_>) {
    assert!(life.interactions().is_sorted_by_key(Interaction::at));
    for contact in life.interactions() {
        assert_eq!(contact.customer(), buyer.customer());
        assert!(buyer.observed().contains(contact.at()), "{contact:?}");
        assert!(life.lifecycle().stage_at(contact.at()).is_some(), "{contact:?}");
    }
    for (index, contact) in life.interactions().iter().enumerate() {
        let open = [Outcome::FollowUp, Outcome::CallbackScheduled, Outcome::Escalated];
        if contact.outcome().is_some_and(|outcome| open.contains(&outcome))
            && contact.direction() == Direction::Inbound
        {
            let mut later = life.interactions()[index + 1..].iter();
            let next = later.find(|other| other.reason() == contact.reason()).expect("the company answers");
            assert!(next.at() - contact.at() <= TimeDelta::days(7), "{contact:?}");
        }
    }
    let happened = &buyer.purchases()[..life.purchases()];
    for (index, &at) in happened.iter().enumerate() {
        let first = happened[0];
        let expected = if at == first { LifecycleStage::Purchase } else { LifecycleStage::Repurchase };
        assert_eq!(life.lifecycle().stage_at(at), Some(expected), "purchase {index}");
    }
    assert!(life.lifecycle().entries().iter().all(|entry| buyer.observed().contains(entry.at())));
}

/// A company with every kind of pain in places of every stage.
fn painful() -> Company {
    let places: &[Place] = &[
        (LifecycleStage::Awareness, Touchpoint::MarketingMaterial, Engagement::Marketing),
        (LifecycleStage::Consideration, Touchpoint::SelfService, Engagement::Sales),
        (LifecycleStage::Purchase, Touchpoint::SelfService, Engagement::Ordering),
        (LifecycleStage::Purchase, Touchpoint::Mail, Engagement::Fulfilment),
        (LifecycleStage::Existing, Touchpoint::Email, Engagement::Marketing),
        (LifecycleStage::Repurchase, Touchpoint::Email, Engagement::Billing),
        (LifecycleStage::Exiting, Touchpoint::Email, Engagement::Marketing),
    ];
    let mut company = Company::without_pain().with_background(share(0.2)).unwrap();
    for &(stage, touchpoint, engagement) in places {
        for &kind in PainKind::ALL {
            let pain =
                PlantedPain { kind, stage, touchpoint, engagement, reach: share(0.3), effect: share(0.2) };
            company = company.with_pain(pain).unwrap();
        }
    }
    company
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any purchases, many of them within a second or at the ends of the time, in a company full of pain.
    #[test]
    fn every_life_is_sound(
        lives in prop::collection::vec(prop::collection::vec(prop_oneof![0_i64..40, 0_i64..86_400 * 700], 0..8), 1..6),
        last: bool,
        seed: u64,
    ) {
        let observed = Period::new(start(), start() + TimeDelta::days(700)).unwrap();
        let purchases: Vec<Vec<DateTime<Utc>>> = lives
            .into_iter()
            .map(|mut seconds| {
                seconds.sort_unstable();
                let mut instants: Vec<_> = seconds.into_iter().map(|at| start() + TimeDelta::seconds(at)).collect();
                if last {
                    instants.push(observed.end() - TimeDelta::microseconds(1));
                }
                instants
            })
            .collect();
        let facts: Vec<Buyer<'_>> = purchases
            .iter()
            .enumerate()
            .map(|(number, at)| Buyer::new(CustomerId::derive(&[&number.to_string()]), at, observed).unwrap())
            .collect();
        for mode in [Purchases::Given, Purchases::Simulated] {
            let lives = interactions(&facts, &painful(), mode, seed).unwrap();
            for (life, buyer) in all(&lives).iter().zip(&facts) {
                sound(life, buyer);
            }
        }
    }
}

#[test]
fn lives_of_simulated_buyers_are_sound() {
    let buyers = drawn(2_000, 3);
    let facts = facts(&buyers);
    let lives = interactions(&facts, &painful(), Purchases::Simulated, 3).unwrap();
    assert_eq!((lives.len(), lives.is_empty()), (2_000, false));
    let stages: BTreeSet<_> = all(&lives)
        .iter()
        .zip(&facts)
        .flat_map(|(life, buyer)| {
            sound(life, buyer);
            life.lifecycle().entries().iter().map(lifecycle_stage).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(stages.len(), LifecycleStage::ALL.len());
}

fn lifecycle_stage(entry: &crate::lifecycle::StageChange) -> LifecycleStage {
    entry.to()
}

#[test]
fn nobody_one_prospect_and_the_shortest_time() {
    let nobody = interactions(&[], &Company::default(), Purchases::Given, 1).unwrap();
    assert!(nobody.is_empty() && nobody.iter().next().is_none());
    assert_eq!(nobody.truth().planted()[0].effect(), None);

    let prospect = [Buyer::new(CustomerId::derive(&["p"]), &[], weeks(100)).unwrap()];
    let life = all(&interactions(&prospect, &Company::default(), Purchases::Simulated, 1).unwrap()).remove(0);
    sound(&life, &prospect[0]);
    assert!(life.lifecycle().entries().iter().all(|entry| entry.to() != LifecycleStage::Purchase));

    let blink = Period::new(start(), start() + TimeDelta::microseconds(1)).unwrap();
    let once = [start()];
    for purchases in [&once[..], &[]] {
        let buyer = [Buyer::new(CustomerId::derive(&["b"]), purchases, blink).unwrap()];
        for mode in [Purchases::Given, Purchases::Simulated] {
            sound(&all(&interactions(&buyer, &painful(), mode, 1).unwrap())[0], &buyer[0]);
        }
    }
    let far = Period::new("9998-01-01T00:00:00Z".parse().unwrap(), "9999-12-31T23:59:59Z".parse().unwrap())
        .unwrap();
    for buyer in buyers(&BuyingTruth::cdnow(), 50, far, 1).unwrap() {
        let facts = [buyer.facts()];
        sound(&all(&interactions(&facts, &painful(), Purchases::Given, 1).unwrap())[0], &facts[0]);
    }
}

#[test]
fn too_much_effect_is_planted_as_far_as_it_goes_and_says_so() {
    let pain = PlantedPain { effect: share(0.9), reach: share(0.9), ..Company::default().planted()[0] };
    let company = Company::without_pain().with_pain(pain).unwrap();
    let buyers = drawn(1_000, 2);
    let facts = facts(&buyers);
    for purchases in [Purchases::Given, Purchases::Simulated] {
        let lives = interactions(&facts, &company, purchases, 2).unwrap();
        let truth = &lives.truth().planted()[0];
        assert!(!truth.is_attainable());
        assert!(truth.effect().unwrap() > 0.2, "{:?}", truth.effect());
    }
}

#[test]
fn whoever_was_driven_away_is_gone() {
    let buyers = drawn(1_000, 7);
    let facts = facts(&buyers);
    let lives = all(&interactions(&facts, &Company::default(), Purchases::Simulated, 7).unwrap());
    let mut driven_away = 0;
    for (buyer, life) in buyers.iter().zip(&lives) {
        let kept = buyer.clone().keeping(life.purchases());
        assert_eq!(kept.purchases().len(), life.purchases());
        assert_eq!(kept.facts().purchases().len(), life.purchases());
        if life.purchases() < buyer.purchases().len() {
            assert!(!kept.truth().alive && !life.met().is_empty());
            driven_away += 1;
        } else {
            assert_eq!(&kept, buyer);
        }
    }
    assert!(driven_away > 10);
}

#[test]
fn costs_follow_the_currency() {
    let buyers = drawn(50, 7);
    let facts = facts(&buyers);
    let total = |currency| -> i64 {
        let company = Company::without_pain().with_currency(currency);
        let lives = interactions(&facts, &company, Purchases::Given, 7).unwrap();
        all(&lives).iter().flat_map(Life::interactions).filter_map(Interaction::cost).map(Money::minor).sum()
    };
    let (dollars, yen) = (total(Currency::USD), total(Currency::JPY));
    assert!((dollars / 100 - yen).abs() < dollars / 1000, "{dollars} cents, {yen} yen");
}
