use super::*;
use crate::measure::Share;
use crate::numeric::random::Random;
use crate::pain::{Decomposition, DriverOptions, KeyDrivers, OddsRatios};
use proptest::prelude::*;

const A: Tag = Tag::literal("a");
const B: Tag = Tag::literal("b");
const C: Tag = Tag::literal("c");

fn quick() -> DriverOptions {
    DriverOptions::default().with_replicates(40, 1).unwrap()
}

fn table(columns: &[Vec<f64>]) -> DriverTable {
    DriverTable::from_columns([A, B, C].into_iter().zip(columns.iter().map(Vec::as_slice))).unwrap()
}

fn close(seen: f64, expected: f64, within: f64) {
    assert!((seen - expected).abs() <= within * expected.abs().max(1e-3), "{seen} {expected}");
}

#[test]
fn what_is_no_table_is_refused() {
    assert_eq!(DriverTable::new([]), Err(PainError::NoDrivers));
    assert_eq!(DriverTable::new([A, B, A]), Err(PainError::RepeatedDriver { driver: A }));
    let mut rows = DriverTable::new([A, B]).unwrap();
    assert_eq!(rows.push(&[Some(1.0)]), Err(PainError::RowLength { row: 0, expected: 2, found: 1 }));
    for value in [f64::INFINITY, -1.1e100] {
        assert_eq!(
            rows.push(&[Some(1.0), Some(value)]),
            Err(PainError::DriverValue { driver: B, row: 0, value })
        );
    }
    assert_eq!(rows.rows(), 0, "nothing is half added");
    let refused = DriverTable::from_columns([(A, [1.0, 2.0].as_slice()), (B, &[1.0])]);
    assert_eq!(refused, Err(PainError::DriverLength { driver: B, expected: 2, found: 1 }));
    let refused = DriverTable::from_columns([(A, [1.0, f64::NAN].as_slice())]).unwrap_err();
    assert!(matches!(refused, PainError::DriverValue { row: 1, .. }));
    assert_eq!(rows.select(&[C]), Err(PainError::UnknownDriver { driver: C }));
}

#[test]
fn rows_and_columns_are_the_same_table() {
    let mut rows = DriverTable::new([A, B, C]).unwrap();
    rows.push(&[Some(1.5), Some(1.0), None]).unwrap();
    rows.push(&[Some(-2.0), Some(0.0), Some(7.0)]).unwrap();
    let columns = [
        (A, DriverColumn::Numbers(&[1.5, -2.0])),
        (B, DriverColumn::Flags(&[true, false])),
        (C, DriverColumn::Known(&[None, Some(7.0)])),
    ];
    assert_eq!(DriverTable::from_columns(columns).unwrap(), rows);
    assert_eq!(rows.missing(), [0, 0, 1]);
    let selected = rows.select(&[C, A]).unwrap();
    assert_eq!(
        (selected.drivers(), selected.missing(), selected.rows()),
        ([C, A].as_slice(), [1, 0].as_slice(), 2)
    );
}

#[test]
fn what_cannot_be_told_is_an_error_that_names_the_driver() {
    let x: Vec<f64> = (0..40_i32).map(|row| f64::from(row * 7 % 13)).collect();
    let z: Vec<f64> = (0..40_i32).map(|row| f64::from(row * 5 % 11)).collect();
    let sum: Vec<f64> = x.iter().zip(&z).map(|(x, z)| 3.0 * x - z + 1e6).collect();
    let y: Vec<f64> = (0..40_i32).map(|row| f64::from(row * 3 % 17)).collect();
    let hit: Vec<bool> = y.iter().map(|&y| y > 8.0).collect();
    let both = |table: &DriverTable, y: &[f64], hit: &[bool]| {
        let lmg = table.key_drivers(y, Decomposition::Lmg, &quick()).unwrap_err();
        (lmg, table.odds_ratios(hit, &quick()).unwrap_err())
    };
    let error = PainError::CollinearDriver { driver: C };
    assert_eq!(both(&table(&[x.clone(), z.clone(), sum]), &y, &hit), (error.clone(), error));
    let error = PainError::ConstantDriver { driver: B };
    assert_eq!(both(&table(&[x.clone(), vec![0.1; 40]]), &y, &hit), (error.clone(), error));
    let good = table(&[x.clone(), z.clone()]);
    let error = PainError::ConstantOutcome;
    assert_eq!(both(&good, &[2.0; 40], &[true; 40]), (error.clone(), error));
    let error = PainError::ColumnLength { column: "outcome", expected: 40, found: 39 };
    assert_eq!(both(&good, &y[1..], &hit[1..]), (error.clone(), error));
    let few = table(&[x[..3].to_vec(), z[..3].to_vec()]);
    let error = PainError::TooFewRows { rows: 3, needed: 4 };
    assert_eq!(both(&few, &y[..3], &hit[..3]), (error.clone(), error));
    let wrong = good.key_drivers(&[f64::NAN; 40], Decomposition::Lmg, &quick()).unwrap_err();
    assert!(matches!(wrong, PainError::OutcomeValue { row: 0, .. }));

    let parted: Vec<bool> = x.iter().map(|&x| x > 6.0).collect();
    let refused = good.odds_ratios(&parted, &quick()).unwrap_err();
    assert_eq!(refused, PainError::Separated { drivers: vec![A] });
    assert_eq!(refused.to_string(), "the outcome is separated by `a`");
}

#[test]
fn lmg_takes_twelve_drivers_and_names_the_way_for_more() {
    let mut random = Random::new(5);
    let names: Vec<Tag> = (0..13).map(|place| Tag::new(&format!("d{place}")).unwrap()).collect();
    let columns: Vec<Vec<f64>> = names.iter().map(|_| (0..60).map(|_| random.normal()).collect()).collect();
    let y: Vec<f64> = (0..60).map(|row| columns[0][row] + random.normal()).collect();
    let all =
        DriverTable::from_columns(names.iter().copied().zip(columns.iter().map(Vec::as_slice))).unwrap();
    let refused = all.key_drivers(&y, Decomposition::Lmg, &quick()).unwrap_err();
    assert_eq!(refused, PainError::TooManyDrivers { drivers: 13, limit: 12 });
    assert!(refused.to_string().contains("Johnson"));
    let johnson = all.key_drivers(&y, Decomposition::Johnson, &quick()).unwrap();
    let twelve = all.select(&names[..12]).unwrap().key_drivers(&y, Decomposition::Lmg, &quick()).unwrap();
    for found in [johnson, twelve] {
        let sum: f64 = found.drivers().iter().map(|driver| driver.importance().value()).sum();
        close(sum, found.r_squared(), 1e-12);
        assert_eq!(found.ranked()[0].driver(), names[0]);
    }
}

#[test]
fn rows_with_missing_drivers_are_left_out_and_counted() {
    let mut random = Random::new(9);
    let mut some = DriverTable::new([A, B]).unwrap();
    let mut complete = some.clone();
    let (mut y, mut y_complete) = (Vec::new(), Vec::new());
    for row in 0..200 {
        let (a, b) = (random.normal(), random.normal());
        let outcome = a - b + random.normal();
        let known = row % 7 != 0;
        some.push(&[Some(a), known.then_some(b)]).unwrap();
        y.push(outcome);
        if known {
            complete.push(&[Some(a), Some(b)]).unwrap();
            y_complete.push(outcome);
        }
    }
    let one = some.key_drivers(&y, Decomposition::Lmg, &quick()).unwrap();
    let other = complete.key_drivers(&y_complete, Decomposition::Lmg, &quick()).unwrap();
    assert_eq!((one.rows(), one.left_out(), other.left_out()), (171, 29, 0));
    assert_eq!(one.drivers(), other.drivers(), "to the last bit");
    let hit = |y: &[f64]| y.iter().map(|&y| y > 0.0).collect::<Vec<_>>();
    let one = some.odds_ratios(&hit(&y), &quick()).unwrap();
    let other = complete.odds_ratios(&hit(&y_complete), &quick()).unwrap();
    assert_eq!((one.rows(), one.left_out()), (171, 29));
    assert_eq!(one.drivers(), other.drivers());
}

/// The crude odds ratio is that of the two by two table, and the fitted one of a single flag is the same.
#[test]
fn one_flag_is_a_table_of_two_by_two() {
    let mut flag = vec![true; 60];
    flag.extend([false; 140]);
    let hit: Vec<bool> = (0..200).map(|row| if row < 60 { row < 45 } else { row < 60 + 49 }).collect();
    let one = DriverTable::from_columns([(A, flag.as_slice())]).unwrap();
    let found = one.odds_ratios(&hit, &quick()).unwrap();
    let driver = found.drivers()[0];
    let crude = driver.crude().unwrap();
    // (45 / 15) / (49 / 91), and Woolf's standard error.
    close(crude.value(), 3.0 * 91.0 / 49.0, 1e-14);
    close(driver.odds_ratio().unwrap().value(), crude.value(), 1e-12);
    close(driver.odds_ratio().unwrap().upper(), crude.upper(), 1e-10);
    let woolf = (1.0 / 45.0 + 1.0 / 15.0 + 1.0 / 49.0 + 1.0 / 91.0_f64).sqrt();
    close(driver.standard_error(), woolf, 1e-12);
    close(found.intercept().value(), libm::log(49.0 / 91.0), 1e-12);
    // The deviance of a saturated table, by hand.
    let part = |hits: f64, all: f64| hits * libm::log(hits / all);
    let saturated = part(45.0, 60.0) + part(15.0, 60.0) + part(49.0, 140.0) + part(91.0, 140.0);
    close(found.deviance(), -2.0 * saturated, 1e-13);
    close(found.null_deviance(), -2.0 * (part(94.0, 200.0) + part(106.0, 200.0)), 1e-14);
    close(found.mcfadden_r_squared(), 1.0 - found.deviance() / found.null_deviance(), 1e-12);
    assert_eq!((found.hits(), found.rows()), (94, 200));
    close(found.events_per_driver(), 94.0, 1e-15);
    let json = serde_json::to_string(&found).unwrap();
    assert!(json.contains("\"odds_ratio\"") && !json.contains("null,\"crude\""), "{json}");
}

#[test]
fn ratios_beyond_any_number_are_none() {
    let x: Vec<f64> = (0..50).map(|row| f64::from(row * 7 % 25) * 1e-6).collect();
    let hit: Vec<bool> = (0..50).map(|row| row * 7 % 25 + row * 11 % 13 > 18).collect();
    let found = table(&[x]).odds_ratios(&hit, &quick()).unwrap();
    let driver = found.drivers()[0];
    assert_eq!(driver.odds_ratio(), None);
    assert!(driver.odds_ratio_per_deviation().unwrap().value() > 2.0);
    assert_eq!(driver.crude(), None);
}

#[test]
fn intervals_of_importance_are_as_wide_as_theory_says() {
    // For normal variables with correlation ρ, R² has a standard error of 2 ρ (1 - ρ²) / √n.
    let mut random = Random::new(3);
    let x: Vec<f64> = (0..4000).map(|_| random.normal()).collect();
    let y: Vec<f64> = x.iter().map(|x| x + random.normal()).collect();
    let options = DriverOptions::default().with_level(Share::new(0.9).unwrap()).unwrap();
    let options = options.with_replicates(1000, 11).unwrap();
    let found = table(&[x]).key_drivers(&y, Decomposition::Johnson, &options).unwrap();
    let importance = found.drivers()[0].importance();
    let theory = 2.0 * 0.5_f64.sqrt() * 0.5 / 4000_f64.sqrt();
    let half = 0.5 * (importance.upper() - importance.lower()) / 1.644_853_626_951_472_2;
    assert!((half / theory - 1.0).abs() < 0.1, "{half} {theory}");
    assert_eq!((found.replicates(), found.failed_replicates()), (1000, 0));
}

#[test]
fn intervals_of_importance_cover() {
    let mut random = Random::new(29);
    let mut covered = 0;
    for seed in 0..300 {
        let x: Vec<f64> = (0..150).map(|_| random.normal()).collect();
        let y: Vec<f64> = x.iter().map(|x| x + random.normal()).collect();
        let options = DriverOptions::default().with_level(Share::new(0.9).unwrap()).unwrap();
        let options = options.with_replicates(99, seed).unwrap();
        let found = table(&[x]).key_drivers(&y, Decomposition::Lmg, &options).unwrap();
        let importance = found.drivers()[0].importance();
        covered += u32::from(importance.lower() <= 0.5 && 0.5 <= importance.upper());
    }
    // 270 are expected, with a standard deviation of 5.2.
    assert!((254..=286).contains(&covered), "{covered}");
}

#[test]
fn logistic_intervals_cover_and_nothing_is_found_in_nothing() {
    let mut random = Random::new(17);
    let (mut covered, mut falsely) = (0, 0);
    for _ in 0..400 {
        let columns: Vec<Vec<f64>> = (0..2).map(|_| (0..200).map(|_| random.normal()).collect()).collect();
        let odds = |row: usize| 0.8 * columns[0][row] - 0.5;
        let hit: Vec<bool> =
            (0..200).map(|row| random.uniform() < 1.0 / (1.0 + libm::exp(-odds(row)))).collect();
        let found = table(&columns).odds_ratios(&hit, &quick()).unwrap();
        let one = found.drivers()[0].coefficient();
        covered += u32::from(one.lower() <= 0.8 && 0.8 <= one.upper());
        falsely += u32::from(found.drivers()[1].p_value() <= 0.05);
    }
    // 380 and 20 are expected, with a standard deviation of 4.4.
    assert!((367..=393).contains(&covered), "{covered}");
    assert!((7..=33).contains(&falsely), "{falsely}");
}

#[test]
fn seeds_decide_the_intervals_and_nothing_else() {
    let mut random = Random::new(2);
    let columns: Vec<Vec<f64>> = (0..3).map(|_| (0..80).map(|_| random.normal()).collect()).collect();
    let y: Vec<f64> = (0..80).map(|row| columns[0][row] - 0.4 * columns[2][row] + random.normal()).collect();
    let with = |seed| {
        let options = DriverOptions::default().with_replicates(100, seed).unwrap();
        table(&columns).key_drivers(&y, Decomposition::Lmg, &options).unwrap()
    };
    let (one, same, other) = (with(1), with(1), with(2));
    assert_eq!(one, same);
    for (one, other) in one.drivers().iter().zip(other.drivers()) {
        assert_eq!(one.importance().value().to_bits(), other.importance().value().to_bits());
        assert_ne!(one.importance().upper().to_bits(), other.importance().upper().to_bits());
    }
    assert!(one.drivers()[2].signed_importance() < 0.0);
}

#[test]
fn options_are_checked_also_when_read() {
    let text = serde_json::to_string(&DriverOptions::default()).unwrap();
    assert_eq!(serde_json::from_str::<DriverOptions>(&text).unwrap(), DriverOptions::default());
    assert_eq!(serde_json::from_str::<DriverOptions>("{}").unwrap(), DriverOptions::default());
    for wrong in [
        "{\"level\":1.0}",
        "{\"false_discoveries\":0.0}",
        "{\"minimum\":0}",
        "{\"replicates\":39}",
        "{\"hybrid_up_to\":0.5}",
        "{\"extreme_above\":1.5}",
        "{\"other\":1}",
    ] {
        assert!(serde_json::from_str::<DriverOptions>(wrong).is_err(), "{wrong}");
    }
}

/// Two drivers that are alike, an outcome of them, and noise in both.
fn data() -> impl Strategy<Value = (Vec<Vec<f64>>, Vec<f64>, Vec<bool>)> {
    (0_u64..1_000_000, 30_usize..80).prop_map(|(seed, rows)| {
        let mut random = Random::new(seed);
        let x: Vec<f64> = (0..rows).map(|_| random.normal()).collect();
        let z: Vec<f64> = x.iter().map(|x| 0.6 * x + random.normal()).collect();
        let flag: Vec<f64> = (0..rows).map(|_| f64::from(u8::from(random.uniform() < 0.4))).collect();
        let y: Vec<f64> =
            (0..rows).map(|row| x[row] - 0.5 * z[row] + flag[row] + 1.5 * random.normal()).collect();
        let hit = y.iter().map(|&y| y + random.normal() > 0.3).collect();
        (vec![x, z, flag], y, hit)
    })
}

fn same(one: &KeyDrivers, other: &KeyDrivers) {
    close(one.r_squared(), other.r_squared(), 1e-11);
    for (one, other) in one.drivers().iter().zip(other.drivers()) {
        close(one.importance().value(), other.importance().value(), 1e-9);
    }
}

fn odds(columns: &[Vec<f64>], hit: &[bool]) -> Option<OddsRatios> {
    table(columns).odds_ratios(hit, &quick()).ok()
}

fn key(columns: &[Vec<f64>], y: &[f64], decomposition: Decomposition) -> KeyDrivers {
    table(columns).key_drivers(y, decomposition, &quick()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_copies_and_units_of_rows((columns, y, hit) in data(), unit in 1e-4_f64..1e4, shift in -1e3_f64..1e3) {
        let reversed = |column: &Vec<f64>| column.iter().rev().copied().collect::<Vec<_>>();
        let twice = |column: &Vec<f64>| column.iter().chain(column).copied().collect::<Vec<_>>();
        let backward: Vec<_> = columns.iter().map(reversed).collect();
        let doubled: Vec<_> = columns.iter().map(twice).collect();
        let mut scaled = columns.clone();
        scaled[1].iter_mut().for_each(|value| *value = *value * unit + shift * unit);

        for decomposition in [Decomposition::Lmg, Decomposition::Johnson] {
            let found = key(&columns, &y, decomposition);
            let sum: f64 = found.drivers().iter().map(|driver| driver.importance().value()).sum();
            prop_assert!((sum - found.r_squared()).abs() < 1e-12);
            same(&found, &key(&backward, &reversed(&y), decomposition));
            let double = key(&doubled, &twice(&y), decomposition);
            same(&found, &double);
            let other = key(&scaled, &y, decomposition);
            same(&found, &other);
            let slopes = |found: &KeyDrivers| found.drivers().iter().map(|driver| driver.coefficient().value()).collect::<Vec<_>>();
            close(slopes(&other)[1] * unit, slopes(&found)[1], 1e-8);
            close(slopes(&double)[0], slopes(&found)[0], 1e-9);
            // The residual variance is over n - p - 1 before, and over 2 n - p - 1 after.
            let n = f64::from(u32::try_from(y.len()).unwrap());
            let ratio = double.drivers()[0].standard_error() / found.drivers()[0].standard_error();
            close(ratio * ratio, (n - 4.0) / (2.0 * n - 4.0), 1e-9);
        }

        let Some(found) = odds(&columns, &hit) else { return Ok(()) };
        let hit_back: Vec<bool> = hit.iter().rev().copied().collect();
        let hit_twice: Vec<bool> = hit.iter().chain(&hit).copied().collect();
        let others = [odds(&backward, &hit_back).unwrap(), odds(&doubled, &hit_twice).unwrap(), odds(&scaled, &hit).unwrap()];
        for (place, driver) in found.drivers().iter().enumerate() {
            let of = |other: &OddsRatios| (other.drivers()[place].coefficient().value(), other.drivers()[place].standard_error());
            let (value, error) = (driver.coefficient().value(), driver.standard_error());
            let units = if place == 1 { unit } else { 1.0 };
            close(of(&others[0]).0, value, 1e-8);
            close(of(&others[1]).0, value, 1e-8);
            close(of(&others[2]).0 * units, value, 1e-8);
            close(of(&others[0]).1, error, 1e-8);
            close(of(&others[1]).1 * 2_f64.sqrt(), error, 1e-8);
            close(of(&others[2]).1 * units, error, 1e-8);
        }
        close(others[1].deviance(), 2.0 * found.deviance(), 1e-9);
        close(others[2].deviance(), found.deviance(), 1e-9);
    }
}
