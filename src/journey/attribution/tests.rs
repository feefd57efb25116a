//! Attribution on small paths whose answers are known, and laws that hold for all.

#![expect(clippy::float_cmp, reason = "credits add up to the last digit")]

use super::{add_up, largest_remainder};
use crate::journey::{
    AttributionModel, ConversionPaths, Decay, JourneyError, JourneyLog, NullPaths, PathOutcome,
    PathTransform, Removal,
};
use crate::measure::Share;
use crate::money::{Currency, Money};
use chrono::TimeDelta;
use proptest::prelude::*;

fn outcome(conversions: u64, nulls: u64) -> PathOutcome {
    PathOutcome { conversions, value: 0.1 * f64::from(u32::try_from(conversions).unwrap()), nulls }
}

fn paths(rows: &[(&[u16], u64, u64)]) -> ConversionPaths {
    let mut paths = ConversionPaths::new();
    for &(touches, conversions, nulls) in rows {
        paths.push(touches, outcome(conversions, nulls)).unwrap();
    }
    paths
}

fn credits(paths: &ConversionPaths, model: AttributionModel) -> Vec<f64> {
    paths.attribute(model).unwrap().credits().iter().map(|credit| credit.conversions).collect()
}

fn markov(order: u8) -> AttributionModel {
    AttributionModel::Markov { order, removal: Removal::ToNull, nulls: NullPaths::Counted }
}

fn models() -> Vec<AttributionModel> {
    let share = |share| Share::new(share).unwrap();
    let fails = AttributionModel::Markov { order: 2, removal: Removal::PathFails, nulls: NullPaths::Ignored };
    vec![
        AttributionModel::First,
        AttributionModel::Last,
        AttributionModel::Linear,
        AttributionModel::PositionBased { first: share(0.4), last: share(0.4) },
        AttributionModel::PositionBased { first: share(0.0), last: share(0.0) },
        AttributionModel::TimeDecay(Decay::Touches(2.0)),
        markov(1),
        markov(3),
        fails,
        AttributionModel::Shapley,
    ]
}

#[test]
fn rules_give_what_they_say() {
    let one = paths(&[(&[0, 1, 1, 2], 10, 0)]);
    let share = |share| Share::new(share).unwrap();
    let based = |first, last| AttributionModel::PositionBased { first: share(first), last: share(last) };
    assert_eq!(credits(&one, AttributionModel::First), [10.0, 0.0, 0.0]);
    assert_eq!(credits(&one, AttributionModel::Last), [0.0, 0.0, 10.0]);
    assert_eq!(credits(&one, AttributionModel::Linear), [2.5, 5.0, 2.5]);
    assert_eq!(credits(&one, based(0.5, 0.25)), [5.0, 2.5, 2.5]);
    assert_eq!(
        credits(&one, AttributionModel::TimeDecay(Decay::Touches(1.0))),
        [10.0 / 15.0, 4.0, 80.0 / 15.0]
    );
    let third = 10.0 / 3.0;
    assert!(credits(&one, AttributionModel::Shapley).iter().all(|credit| (credit - third).abs() < 1e-14));
    let two = paths(&[(&[0, 1], 8, 0), (&[0], 1, 0)]);
    assert_eq!(credits(&two, based(0.75, 0.25)), [7.0, 2.0]);
    assert_eq!(credits(&two, based(0.0, 0.0)), [5.0, 4.0]);
    assert_eq!(
        one.ordered_shapley().iter().map(|credit| (credit.0, credit.1)).collect::<Vec<_>>(),
        [(0, 0), (1, 1), (1, 2), (2, 3)]
    );
}

#[test]
fn decay_by_time_needs_ages_and_halves() {
    let mut timed = ConversionPaths::new();
    timed.push_timed(&[0, 1], &[5_000_000, 3_000_000], outcome(3, 0)).unwrap();
    let decay = AttributionModel::TimeDecay(Decay::Time(TimeDelta::seconds(2)));
    assert_eq!(credits(&timed, decay), [1.0, 2.0]);
    assert_eq!(credits(&timed.look_back(TimeDelta::seconds(3)).unwrap(), decay), [3.0]);
    let refused = timed.push_timed(&[0, 1], &[1, 2], outcome(1, 0)).unwrap_err();
    assert_eq!(refused, JourneyError::AgeOrder { touch: 1 });
    timed.push(&[0], outcome(1, 0)).unwrap();
    assert_eq!(timed.attribute(decay), Err(JourneyError::NoAges { rule: "time_decay" }));
    assert_eq!(timed.look_back(TimeDelta::zero()), Err(JourneyError::NoAges { rule: "look_back" }));
}

#[test]
fn paths_are_read_out_of_a_log() {
    let rows = [
        (1, 10, "a"),
        (1, 12, "buy"),
        (1, 12, "buy"),
        (1, 15, "b"),
        (1, 16, "renew"),
        (2, 1, "buy"),
        (2, 2, "b"),
    ];
    let log = JourneyLog::from_events(rows, 9).unwrap();
    let as_of = |micros| chrono::DateTime::from_timestamp_micros(micros).unwrap();
    let goals = [2, 3];
    assert_eq!(["buy", "renew"].map(|name| log.activities().named(name).unwrap()), goals);
    let paths = ConversionPaths::from_log(&log, &goals, as_of(20)).unwrap();
    let found: Vec<_> = paths
        .iter()
        .map(|path| (path.touches.to_vec(), path.ages.to_vec(), path.outcome.conversions, path.outcome.nulls))
        .collect();
    let expected = [
        (vec![0], vec![2], 1, 0),
        (vec![], vec![], 1, 0),
        (vec![1], vec![1], 1, 0),
        (vec![], vec![], 1, 0),
        (vec![1], vec![18], 0, 1),
    ];
    assert_eq!(found, expected);
    let late = JourneyError::EventAfterAsOf { as_of: 15, at: 16 };
    assert_eq!(ConversionPaths::from_log(&log, &goals, as_of(15)), Err(late));
    assert_eq!(ConversionPaths::from_log(&log, &[], as_of(20)).unwrap().nulls(), 2);
}

#[test]
fn paths_are_transformed_as_described() {
    let path = paths(&[(&[3, 0, 1, 1, 2, 3, 2, 2], 1, 0)]);
    let touches = |paths: ConversionPaths| paths.iter().next().unwrap().touches.to_vec();
    assert_eq!(touches(path.transformed(PathTransform::Exposure)), [3, 0, 1, 2, 3, 2]);
    assert_eq!(touches(path.transformed(PathTransform::First)), [3, 0, 1, 2]);
    assert_eq!(touches(path.transformed(PathTransform::RemoveIfLastAndNotAll(2))), [3, 0, 1, 1, 2, 3]);
    assert_eq!(touches(path.transformed(PathTransform::RemoveIfNotAll(1))), [3, 0, 2, 3, 2, 2]);
    assert_eq!(touches(path.look_back_touches(3)), [3, 2, 2]);
    let alone = paths(&[(&[2, 2], 1, 0)]);
    for transform in [PathTransform::RemoveIfLastAndNotAll(2), PathTransform::RemoveIfNotAll(2)] {
        assert_eq!(touches(alone.transformed(transform)), [2, 2]);
    }
    let (frequency, kinds) = path.by_frequency().unwrap();
    let named: Vec<_> = touches(frequency).iter().map(|&kind| kinds[usize::from(kind)]).collect();
    assert_eq!(named, [(3, 2), (0, 1), (1, 2), (2, 3)]);
}

#[test]
fn channels_that_never_help_get_nothing_and_touchless_conversions_are_named() {
    let some = paths(&[(&[0], 5, 5), (&[1], 0, 9), (&[], 4, 2)]);
    for model in models() {
        let attribution = some.attribute(model).unwrap();
        let credits: Vec<f64> = attribution.credits().iter().map(|credit| credit.conversions).collect();
        assert_eq!(credits, [5.0, 0.0], "{model:?}");
        assert_eq!((attribution.attributed(), attribution.unattributed()), (5, 4));
    }
    let nobody = paths(&[(&[0], 0, 5)]);
    for model in models() {
        assert_eq!(credits(&nobody, model), [0.0], "{model:?}");
        assert!(ConversionPaths::new().attribute(model).unwrap().credits().is_empty());
    }
}

#[test]
fn refuses_what_means_nothing() {
    let mut paths = ConversionPaths::new();
    for value in [f64::NAN, f64::INFINITY, -1.0] {
        let refused = paths.push(&[0], PathOutcome { conversions: 1, value, nulls: 0 });
        assert_eq!(refused, Err(JourneyError::PathValue));
    }
    assert_eq!(paths.push(&[0], outcome(0, u64::MAX)), Err(JourneyError::TooManyConversions));
    let half = Share::new(0.6).unwrap();
    for model in [
        AttributionModel::PositionBased { first: half, last: half },
        AttributionModel::TimeDecay(Decay::Touches(0.0)),
        AttributionModel::TimeDecay(Decay::Touches(f64::NAN)),
        AttributionModel::TimeDecay(Decay::Time(TimeDelta::zero())),
        markov(0),
        markov(5),
    ] {
        assert!(matches!(paths.attribute(model), Err(JourneyError::Setting { .. })), "{model:?}");
    }
}

/// Lets customers walk through the chain, as many steps as it takes until almost all have left.
fn walked(rows: &[(Vec<u16>, u64, u64)], order: usize, removed: Option<u16>) -> f64 {
    use std::collections::BTreeMap;
    let mut moves: BTreeMap<Vec<u16>, BTreeMap<Option<u16>, f64>> = BTreeMap::new();
    let (mut wins, mut all) = (BTreeMap::new(), 0.0);
    for (touches, conversions, nulls) in rows.iter().filter(|row| !row.0.is_empty()) {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let (conversions, weight) = (*conversions as f64, (*conversions + *nulls) as f64);
        let mut state = Vec::new();
        for &touch in touches {
            *moves.entry(state.clone()).or_default().entry(Some(touch)).or_insert(0.0) += weight;
            state.push(touch);
            if state.len() > order {
                state.remove(0);
            }
        }
        *moves.entry(state.clone()).or_default().entry(None).or_insert(0.0) += weight;
        *wins.entry(state).or_insert(0.0) += conversions;
        all += weight;
    }
    let mut here = BTreeMap::from([(Vec::new(), 1.0_f64)]);
    let mut won = 0.0;
    while here.values().sum::<f64>() > 1e-15 {
        let mut there = BTreeMap::new();
        for (state, mass) in here {
            let Some(out) = moves.get(&state) else { continue };
            let total: f64 = out.values().sum();
            won += mass * wins.get(&state).copied().unwrap_or(0.0) / total.max(f64::MIN_POSITIVE);
            for (touch, weight) in out.iter().filter_map(|(touch, weight)| Some(((*touch)?, weight))) {
                if Some(touch) != removed && *weight > 0.0 {
                    let mut next = state.clone();
                    next.push(touch);
                    if next.len() > order {
                        next.remove(0);
                    }
                    *there.entry(next).or_insert(0.0) += mass * weight / total;
                }
            }
        }
        here = there;
    }
    if all > 0.0 { won } else { 0.0 }
}

/// Shapley's value by its definition: the mean over all orders in which channels join, by sets.
fn shapley(rows: &[(Vec<u16>, u64, u64)], players: u16) -> Vec<f64> {
    let worth = |set: u16| -> f64 {
        let within =
            rows.iter().filter(|row| !row.0.is_empty() && row.0.iter().all(|touch| set >> touch & 1 == 1));
        within.map(|row| f64::from(u32::try_from(row.1).unwrap())).sum()
    };
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let n = u32::from(players);
    (0..players)
        .map(|player| {
            let sets = (0..1_u16 << players).filter(|set| set >> player & 1 == 0);
            sets.map(|set| {
                let size = set.count_ones();
                factorial(size) * factorial(n - size - 1) / factorial(n)
                    * (worth(set | 1 << player) - worth(set))
            })
            .sum()
        })
        .collect()
}

fn rows() -> impl Strategy<Value = Vec<(Vec<u16>, u64, u64)>> {
    prop::collection::vec((prop::collection::vec(0_u16..4, 0..6), 0_u64..20, 0_u64..20), 0..12)
}

fn collect(rows: &[(Vec<u16>, u64, u64)]) -> ConversionPaths {
    let mut paths = ConversionPaths::new();
    for (touches, conversions, nulls) in rows {
        paths.push(touches, outcome(*conversions, *nulls)).unwrap();
    }
    paths
}

proptest! {
    #[test]
    fn credits_add_up_to_the_last_digit(rows in rows()) {
        let paths = collect(&rows);
        for model in models() {
            let attribution = paths.attribute(model).unwrap();
            let sum: f64 = attribution.credits().iter().map(|credit| credit.conversions).sum();
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let whole = attribution.attributed() as f64;
            prop_assert_eq!(sum.to_bits(), (whole + 0.0).to_bits() | (sum.to_bits() & (1 << 63)), "{:?}", model);
            let value: f64 = attribution.credits().iter().map(|credit| credit.value).sum();
            prop_assert_eq!(value + 0.0, attribution.value());
            prop_assert!(attribution.credits().iter().all(|credit| credit.conversions >= 0.0));
            prop_assert_eq!(attribution.whole_conversions().iter().sum::<u64>(), attribution.attributed());
            if attribution.attributed() > 0 {
                let money = Money::new(-10_001, Currency::EUR);
                let parts: i64 = attribution.split(money).iter().map(|part| part.minor()).sum();
                prop_assert_eq!(parts, -10_001);
            }
        }
    }

    #[test]
    fn removal_equals_walking_through_the_chain(rows in rows(), order in 1_u8..=4) {
        let paths = collect(&rows);
        let attribution = paths.attribute(markov(order)).unwrap();
        let whole = walked(&rows, order.into(), None);
        for (credit, effect) in attribution.credits().iter().zip(attribution.removal_effects()) {
            let without = walked(&rows, order.into(), Some(credit.channel));
            let expected = if whole > 0.0 { 1.0 - without / whole } else { 0.0 };
            prop_assert!((effect - expected).abs() < 1e-11, "{} {}", effect, expected);
        }
    }

    #[test]
    fn the_closed_form_is_the_shapley_value(rows in rows()) {
        let paths = collect(&rows);
        let expected = shapley(&rows, 4);
        let attribution = paths.attribute(AttributionModel::Shapley).unwrap();
        for credit in attribution.credits() {
            prop_assert!((credit.conversions - expected[usize::from(credit.channel)]).abs() < 1e-9);
            let ordered = paths.ordered_shapley();
            let sum: f64 = ordered.iter().filter(|part| part.0 == credit.channel).map(|part| part.2).sum();
            prop_assert!((credit.conversions - sum).abs() < 1e-9);
        }
    }

    #[test]
    fn few_parts_can_be_made_to_add_up(mut parts in prop::collection::vec(prop_oneof![1e-3_f64..1.0, 1.0_f64..1e3], 2..4)) {
        for digits in [1.0, 10.0, 1000.0] {
            let whole = (parts.iter().sum::<f64>() * digits).round() / digits;
            if whole > 0.0 {
                add_up(&mut parts, whole);
                prop_assert_eq!(parts.iter().sum::<f64>(), whole);
            }
        }
    }

    #[test]
    fn any_parts_can_be_made_to_add_up(mut parts in prop::collection::vec(0.0_f64..1e9, 1..40), off in -1e-6_f64..1e-6) {
        let whole = (parts.iter().sum::<f64>() * (1.0 + off)).max(0.0);
        add_up(&mut parts, whole);
        prop_assert_eq!(parts.iter().sum::<f64>(), whole);
    }

    #[test]
    fn whole_parts_differ_from_exact_ones_by_less_than_one(weights in prop::collection::vec(0.0_f64..1e3, 1..20), whole in 0_u64..1_000_000) {
        let total: f64 = weights.iter().sum();
        prop_assume!(total > 1e-6);
        let parts = largest_remainder(whole, weights.iter().copied());
        prop_assert_eq!(parts.iter().sum::<i128>(), i128::from(whole));
        for (part, weight) in parts.iter().zip(&weights) {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let away = *part as f64 - weight / total * whole as f64;
            prop_assert!(away.abs() < 1.0 + 1e-6);
        }
    }
}
