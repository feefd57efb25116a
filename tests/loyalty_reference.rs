//! Survival of published data against lifelines 0.30.3 and R survival 3.5.3, digit by digit.
//!
//! The data are not part of the crate: they are read from `insight` in the folder that `PATRONAGE_SHARED_DATA` names, or in
//! `../shared/data`. Without it these tests say so and pass.

#![expect(clippy::unwrap_used, reason = "a failed step must fail the test")]
#![allow(clippy::print_stderr, reason = "a skipped test must say so")]

use flate2::read::GzDecoder;
use patronage::Share;
use patronage::loyalty::{
    Lifetime, LogRank, Relationship, Spells, SurvivalCurve, SurvivalInterval, SurvivalOptions, SurvivalTable,
    log_rank, stratified_log_rank,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

type Row = BTreeMap<String, String>;

fn rows(name: &str) -> Option<Vec<Row>> {
    let root = std::env::var_os("PATRONAGE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let Ok(file) = File::open(root.join("insight").join(name)) else {
        eprintln!("skipped: there is no {name}; name a folder in PATRONAGE_SHARED_DATA");
        return None;
    };
    let file: Box<dyn Read> = if name.to_ascii_lowercase().ends_with(".gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    Some(csv::Reader::from_reader(file).deserialize().map(Result::unwrap).collect())
}

/// Whole half units, which every time of these files is.
fn halves(text: &str) -> i32 {
    let doubled = 2.0 * text.parse::<f64>().unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole")]
    let whole = doubled as i32;
    assert!((f64::from(whole) - doubled).abs() < 1e-9, "{text}");
    whole
}

fn whole(text: &str) -> i32 {
    let doubled = halves(text);
    assert_eq!(doubled % 2, 0, "{text}");
    doubled / 2
}

fn is_one(text: &str) -> bool {
    ["1", "1.0", "Yes"].contains(&text)
}

struct Data {
    days: Vec<i32>,
    ended: Vec<bool>,
    rows: Vec<Row>,
}

impl Data {
    fn read(name: &str, days: &str, ended: &str) -> Option<Self> {
        let rows = rows(name)?;
        Some(Self {
            days: rows.iter().map(|row| whole(&row[days])).collect(),
            ended: rows.iter().map(|row| is_one(&row[ended])).collect(),
            rows,
        })
    }

    fn telco() -> Option<Self> {
        Self::read("churn/telco_customer_churn.csv.gz", "tenure", "Churn")
    }

    fn lung() -> Option<Self> {
        Self::read("survival/lung.csv", "time", "status")
    }

    fn spells(&self) -> Spells<'_> {
        Spells::new(&self.days, &self.ended).unwrap()
    }

    fn table(&self) -> SurvivalTable {
        SurvivalTable::from_columns(Relationship::Contractual, &self.spells())
    }

    /// A table for each value of a column, in the order of the values.
    fn groups(&self, column: &str) -> Vec<SurvivalTable> {
        let names: BTreeSet<&str> = self.rows.iter().map(|row| row[column].as_str()).collect();
        let of = |row: &Row| names.iter().position(|&name| name == row[column]).unwrap();
        let numbers: Vec<u16> = self.rows.iter().map(|row| u16::try_from(of(row)).unwrap()).collect();
        let count = u16::try_from(names.len()).unwrap();
        SurvivalTable::by_group(Relationship::Contractual, &self.spells(), &numbers, count).unwrap()
    }
}

fn curve(table: &SurvivalTable, interval: SurvivalInterval) -> SurvivalCurve {
    table.curve(&SurvivalOptions::default().interval(interval)).unwrap()
}

fn close(ours: f64, published: f64, digits: f64) {
    assert!((ours - published).abs() <= digits, "{ours} instead of {published}");
}

fn lifetime(day: u32, lower: u32, upper: u32) -> Lifetime {
    Lifetime { day: Some(day), lower: Some(lower), upper: Some(upper) }
}

fn tested(test: &LogRank, chi_square: f64, degrees: u32, digits: f64) {
    close(test.chi_square(), chi_square, digits);
    assert_eq!(test.degrees_of_freedom(), degrees);
}

#[test]
fn telco_retention_is_that_of_lifelines_and_r() {
    let Some(data) = Data::telco() else { return };
    let table = data.table();
    assert_eq!((table.len(), table.ended()), (7_043, 1_869));
    let ours = curve(&table, SurvivalInterval::LogLog);
    let step = |day| ours.steps().iter().rfind(|step| step.day <= day).copied().unwrap();
    close(step(12).survival, 0.843_199_553_8, 5e-11);
    close(step(12).standard_error, 0.004_492_160_3, 5e-11);
    close(step(24).survival, 0.788_736_398_4, 5e-11);
    close(step(72).survival, 0.592_790_152_1, 5e-11);
    close(step(72).standard_error, 0.009_918_766_9, 5e-11);
    let at_12 = ours.survival_at(12).unwrap();
    close(at_12.lower(), 0.834_169, 5e-7);
    close(at_12.upper(), 0.851_783, 5e-7);
    let as_in_r = curve(&table, SurvivalInterval::Log).survival_at(12).unwrap();
    close(as_in_r.lower(), 0.834_441, 5e-7);
    close(as_in_r.upper(), 0.852_050, 5e-7);
    close(ours.restricted_mean(72).unwrap().value(), 54.492_387, 5e-7);
    // Who left so far is not who will have left after 72 months: 26.5 % against 40.7 %.
    close(Share::of(table.ended(), table.len()).unwrap().unwrap().get(), 0.265, 5e-4);
    close(1.0 - step(72).survival, 0.407, 5e-4);
    assert_eq!(ours.median().day, None);
    assert!(ours.survival_at(73).is_none() && ours.restricted_mean(73).is_err());
}

#[test]
fn telco_groups_are_those_of_lifelines() {
    let Some(data) = Data::telco() else { return };
    let contracts = data.groups("Contract");
    tested(&log_rank(&contracts).unwrap(), 2_352.872_5, 2, 5e-5);
    let month_to_month = curve(&contracts[0], SurvivalInterval::LogLog).median();
    assert_eq!(month_to_month.day, Some(35));
    let gender = log_rank(&data.groups("gender")).unwrap();
    tested(&gender, 0.525_707, 1, 5e-7);
    close(gender.p_value(), 0.468_4, 5e-5);
}

#[test]
fn lung_is_that_of_lifelines_and_r() {
    let Some(data) = Data::lung() else { return };
    let by_sex = log_rank(&data.groups("sex")).unwrap();
    tested(&by_sex, 10.326_742, 1, 5e-7);
    close(by_sex.p_value(), 0.001_311_16, 5e-9);
    assert_eq!(curve(&data.table(), SurvivalInterval::LogLog).median(), lifetime(310, 284, 361));
    assert_eq!(curve(&data.table(), SurvivalInterval::Log).median(), lifetime(310, 285, 363));
    // lifelines: KaplanMeierFitter().predict, confidence_interval_.loc[310].
    let ours = curve(&data.table(), SurvivalInterval::LogLog);
    close(ours.survival_at(500).unwrap().value(), 0.293_269, 5e-7);
    close(ours.survival_at(310).unwrap().lower(), 0.424_244, 5e-7);
    close(ours.survival_at(310).unwrap().upper(), 0.561_796, 5e-7);
    close(ours.restricted_mean(500).unwrap().value(), 310.334_436_7, 5e-8);
}

#[test]
fn waltons_is_that_of_lifelines() {
    let Some(data) = Data::read("survival/waltons_dataset.csv", "T", "E") else { return };
    let groups = data.groups("group");
    tested(&log_rank(&groups).unwrap(), 122.249_126, 1, 5e-7);
    let medians: Vec<_> =
        groups.iter().map(|group| curve(group, SurvivalInterval::LogLog).median().day).collect();
    assert_eq!(medians, [Some(58), Some(26)]);
    assert_eq!(curve(&data.table(), SurvivalInterval::LogLog).median().day, Some(56));
}

/// lifelines: `KaplanMeierFitter().fit(stop, event, entry=start)` of the heart transplants.
#[test]
fn late_entry_is_that_of_lifelines() {
    let Some(rows) = rows("survival/stanford_heart.csv") else { return };
    let column = |name: &str| -> Vec<i32> { rows.iter().map(|row| halves(&row[name])).collect() };
    let (start, stop) = (column("start"), column("stop"));
    let ended: Vec<bool> = rows.iter().map(|row| is_one(&row["event"])).collect();
    let spells = Spells::new(&stop, &ended).unwrap().entered_at(&start).unwrap();
    let ours =
        curve(&SurvivalTable::from_columns(Relationship::Contractual, &spells), SurvivalInterval::LogLog);
    for (day, survival) in [(10, 0.873_786), (100, 0.494_008), (500, 0.321_224)] {
        close(ours.survival_at(2 * day).unwrap().value(), survival, 5e-7);
    }
}

/// One stratum is no stratum, and two equal ones double deviations and variances, and so the statistic.
#[test]
fn strata_are_compared_within_themselves() {
    let Some(data) = Data::lung() else { return };
    let groups = data.groups("sex");
    let plain = log_rank(&groups).unwrap();
    assert_eq!(stratified_log_rank(std::slice::from_ref(&groups)).unwrap(), plain);
    let twice = stratified_log_rank(&[groups.clone(), groups]).unwrap();
    close(twice.chi_square(), 2.0 * plain.chi_square(), 1e-9);
}
