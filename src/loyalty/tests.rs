//! Survival: doors that agree, merges, and what must be refused. Published figures are in `tests/loyalty_reference.rs`.

#![expect(clippy::cast_precision_loss, reason = "small numbers")]

use super::*;
use crate::measure::Share;
use proptest::prelude::*;

fn table(spells: &[Spell]) -> SurvivalTable {
    let mut table = SurvivalTable::new(Relationship::Contractual);
    for &spell in spells {
        table.push(spell);
    }
    table
}

fn some_spells() -> impl Strategy<Value = Vec<Spell>> {
    let spell = (0_i32..50, any::<bool>(), 0_i32..50).prop_map(|(days, ended, entered)| {
        let spell = if ended { Spell::ended(days) } else { Spell::running(days) };
        spell.and_then(|spell| spell.entered_at(if entered < days { entered } else { 0 })).unwrap()
    });
    prop::collection::vec(spell, 1..60)
}

fn columns(spells: &[Spell]) -> (Vec<i32>, Vec<bool>, Vec<i32>) {
    let entered = spells.iter().map(|spell| spell.entered()).collect();
    (
        spells.iter().map(|spell| spell.days()).collect(),
        spells.iter().map(|spell| spell.is_ended()).collect(),
        entered,
    )
}

/// The definition, from rows: everybody who is there on the day, and of them those who leave.
fn by_definition(spells: &[Spell], day: i32) -> f64 {
    (0..=day).fold(1.0, |survival, today| {
        let there =
            |spell: &&Spell| spell.days() >= today && (spell.entered() == 0 || spell.entered() < today);
        let at_risk = spells.iter().filter(there).count();
        let ended =
            spells.iter().filter(there).filter(|spell| spell.days() == today && spell.is_ended()).count();
        if ended == 0 { survival } else { survival * (1.0 - ended as f64 / at_risk as f64) }
    })
}

proptest! {
    #[test]
    fn rows_columns_and_merges_agree(spells in some_spells(), cut in 0_usize..60) {
        let whole = table(&spells);
        let (days, ended, entered) = columns(&spells);
        let borrowed = Spells::new(&days, &ended).unwrap().entered_at(&entered).unwrap();
        prop_assert!(borrowed.iter().eq(spells.iter().copied()));
        prop_assert_eq!(&SurvivalTable::from_columns(Relationship::Contractual, &borrowed), &whole);
        let (one, other) = spells.split_at(cut.min(spells.len()));
        let mut merged = table(other);
        merged.merge(&table(one)).unwrap();
        prop_assert_eq!(&merged, &whole);
        let groups: Vec<u16> = (0..spells.len()).map(|row| u16::from(row >= one.len())).collect();
        let grouped = SurvivalTable::by_group(Relationship::Contractual, &borrowed, &groups, 2).unwrap();
        prop_assert_eq!(grouped, vec![table(one), table(other)]);
        let text = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(serde_json::from_str::<SurvivalTable>(&text).unwrap(), whole);
    }

    #[test]
    fn curves_are_those_of_the_definition(spells in some_spells(), level in 0.0..=1.0, log in any::<bool>()) {
        let interval = if log { SurvivalInterval::Log } else { SurvivalInterval::LogLog };
        let options = SurvivalOptions::default().level(Share::new(level).unwrap()).interval(interval);
        let curve = table(&spells).curve(&options).unwrap();
        for day in 0..=curve.last_day() {
            let ours = curve.survival_at(day).unwrap();
            let truth = by_definition(&spells, i32::try_from(day).unwrap());
            prop_assert!((ours.value() - truth).abs() < 1e-12, "{} {}", ours, truth);
            prop_assert!((0.0..=1.0).contains(&ours.lower()) && (0.0..=1.0).contains(&ours.upper()));
        }
        for step in curve.steps() {
            prop_assert!(step.standard_error.is_finite() && step.lower <= step.upper);
        }
        // The mean is the sum of the days survived, and splits at any day.
        let last = curve.last_day();
        let days = |until: u32| (0..until).map(|day| by_definition(&spells, i32::try_from(day).unwrap())).sum::<f64>();
        let mean = curve.restricted_mean(last).unwrap();
        prop_assert!((mean.value() - days(last)).abs() < 1e-9, "{} {}", mean, days(last));
        let half = last / 2;
        if let Ok(remaining) = curve.remaining(half, last) {
            let rest = by_definition(&spells, i32::try_from(half).unwrap()) * remaining.value();
            prop_assert!((days(half) + rest - mean.value()).abs() < 1e-9);
        }
    }

    #[test]
    fn the_order_of_groups_does_not_matter(one in some_spells(), other in some_spells(), third in some_spells()) {
        let groups = [table(&one), table(&other), table(&third)];
        let turned = [table(&third), table(&one), table(&other)];
        if let (Ok(test), Ok(again)) = (log_rank(&groups), log_rank(&turned)) {
            prop_assert!((test.chi_square() - again.chi_square()).abs() <= 1e-8 * (1.0 + test.chi_square()));
            let (observed, expected) = test.groups().iter().fold((0.0, 0.0), |(observed, expected), group| {
                (observed + group.observed as f64, expected + group.expected)
            });
            prop_assert!((observed - expected).abs() < 1e-9);
        }
    }
}

#[test]
fn nobody_has_no_curve() {
    let none = SurvivalTable::new(Relationship::Contractual);
    assert_eq!(none.curve(&SurvivalOptions::default()), Err(LoyaltyError::NoSpells));
    assert!(none.is_empty() && none.ended() == 0);
    let nobody = Spells::new(&[], &[]).unwrap();
    assert_eq!(SurvivalTable::from_columns(Relationship::Contractual, &nobody), none);
    let groups = SurvivalTable::by_group(Relationship::Contractual, &nobody, &[], 2).unwrap();
    assert_eq!(log_rank(&groups), Err(LoyaltyError::EmptyGroup { group: 0 }));
}

#[test]
fn all_the_same_is_no_estimate_of_more() {
    let five = || vec![Spell::ended(7).unwrap(); 5];
    let curve = table(&five()).curve(&SurvivalOptions::default()).unwrap();
    let [step] = curve.steps() else { panic!("one step") };
    assert_eq!((step.survival, step.standard_error, step.lower, step.upper), (0.0, 0.0, 0.0, 1.0));
    assert_eq!(curve.median(), Lifetime { day: Some(7), lower: Some(7), upper: None });
    // Nobody is left, so that later days are known.
    assert_eq!(curve.survival_at(70).map(|left| left.value()), Some(0.0));
    assert_eq!(curve.restricted_mean(70).map(|mean| mean.value()), Ok(7.0));
    assert_eq!(curve.remaining(7, 9), Err(LoyaltyError::NobodyLeft { day: 7 }));
    // All leave on the first day, in both groups: nothing tells them apart.
    assert_eq!(log_rank(&[table(&five()), table(&five())]), Err(LoyaltyError::NothingToCompare));
    let running = table(&[Spell::running(7).unwrap()]);
    assert_eq!(log_rank(&[running.clone(), running.clone()]), Err(LoyaltyError::NothingToCompare));
    let curve = running.curve(&SurvivalOptions::default()).unwrap();
    assert_eq!(
        curve.survival_at(7).map(|left| (left.lower(), left.value(), left.upper())),
        Some((1.0, 1.0, 1.0))
    );
    assert_eq!(curve.survival_at(8), None);
    assert_eq!(curve.restricted_mean(8), Err(LoyaltyError::BeyondObservation { day: 8, last: 7 }));
    assert_eq!(curve.remaining(5, 3), Err(LoyaltyError::BeyondObservation { day: 5, last: 3 }));
}

#[test]
fn groups_are_held_apart() {
    let some = table(&[Spell::ended(3).unwrap(), Spell::running(9).unwrap()]);
    assert_eq!(log_rank::<SurvivalTable>(&[]), Err(LoyaltyError::TooFewGroups { found: 0 }));
    assert_eq!(log_rank(&[&some]), Err(LoyaltyError::TooFewGroups { found: 1 }));
    let none = SurvivalTable::new(Relationship::Contractual);
    assert_eq!(log_rank(&[&some, &none]), Err(LoyaltyError::EmptyGroup { group: 1 }));
    let strata = [vec![&some, &some], vec![&some]];
    assert_eq!(
        stratified_log_rank(&strata),
        Err(LoyaltyError::GroupCount { stratum: 1, expected: 2, found: 1 })
    );
    let mut silent = SurvivalTable::new(Relationship::NonContractual(SilenceRule::new(90).unwrap()));
    silent.push(Spell::ended(100).unwrap());
    assert_eq!(log_rank(&[&some, &silent]), Err(LoyaltyError::Different { part: "relationship" }));
    assert_eq!(silent.merge(&some), Err(LoyaltyError::Different { part: "relationship" }));
    let spells = Spells::new(&[1, 2, 3], &[true; 3]).unwrap();
    let by = |groups: &[u16]| SurvivalTable::by_group(Relationship::Contractual, &spells, groups, 2);
    assert_eq!(by(&[0, 2, 3]).unwrap_err(), LoyaltyError::UnknownGroup { row: 1, group: 2, groups: 2 });
    assert_eq!(
        by(&[0, 1]).unwrap_err(),
        LoyaltyError::ColumnLength { column: "group", expected: 3, found: 2 }
    );
    // A group that is gone before anybody leaves is reported, and not compared.
    let early = table(&[Spell::running(1).unwrap()]);
    let other = table(&[Spell::ended(4).unwrap(), Spell::ended(5).unwrap()]);
    let test = log_rank(&[&some, &early, &other]).unwrap();
    assert_eq!((test.degrees_of_freedom(), test.groups().len()), (1, 3));
}

#[test]
fn tables_that_cannot_be_are_not_read() {
    let read = |counts: &str, entered: &str| {
        let text = format!(r#"{{"relationship":"contractual","counts":[{counts}],"entered":[{entered}]}}"#);
        serde_json::from_str::<SurvivalTable>(&text)
    };
    assert!(read("0,0,1,1", "0,2").is_err(), "nobody is left to enter after day 1");
    assert!(read("0,0,0,0,1,1", "0,2").is_ok());
    assert!(read("0,0,1,1", "2").is_err(), "from the beginning is not late");
    assert!(read("1,2,3", "").is_err(), "half a day");
    assert!(read("18446744073709551615,1", "").is_err(), "more than can be counted");
    assert!(read("1,1", "0,0,0,1").is_err(), "entered after the last day");
}
