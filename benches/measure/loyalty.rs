//! Loyalty: what it costs to count how long a million customers stayed, and to compare two groups of them.

use crate::cpu::{Random, Target, figure, seconds};
use patronage::loyalty::{Relationship, Spells, SurvivalOptions, SurvivalTable, log_rank};
use std::hint::black_box;

const ROWS: usize = 1_000_000;

/// How long customers stayed in days, whether they left, and the group of each: exponential lifetimes of 300 days on
/// average, watched for up to two years.
pub struct Customers {
    pub days: Vec<i32>,
    pub ended: Vec<bool>,
    pub groups: Vec<u16>,
}

pub fn customers() -> Customers {
    let mut random = Random(1);
    let mut customers = Customers { days: Vec::new(), ended: Vec::new(), groups: Vec::new() };
    for _ in 0..ROWS {
        let (lifetime, watched) = (-300.0 * (1.0 - random.share()).ln(), 730.0 * random.share());
        customers.days.push(lifetime.min(watched).ceil() as i32);
        customers.ended.push(lifetime <= watched);
        customers.groups.push((random.next() % 2) as u16);
    }
    customers
}

/// The CPU seconds of a task, the median of several runs, and figures of its result.
pub fn time(task: &str, customers: &Customers) -> (f64, Vec<f64>) {
    const RUNS: usize = 15;
    let Customers { days, ended, groups } = customers;
    match task {
        "kaplan_meier" => {
            let curve = || {
                let spells = Spells::new(black_box(days), black_box(ended)).expect("spells");
                let table = SurvivalTable::from_columns(Relationship::Contractual, &spells);
                table.curve(&SurvivalOptions::default()).expect("a curve")
            };
            let found = curve();
            let year = found.survival_at(365).expect("a year");
            (seconds(RUNS, curve), vec![year.value(), year.lower(), year.upper()])
        }
        "log_rank" => {
            let test = || {
                let spells = Spells::new(black_box(days), black_box(ended)).expect("spells");
                let groups =
                    SurvivalTable::by_group(Relationship::Contractual, &spells, black_box(groups), 2);
                log_rank(&groups.expect("groups")).expect("a test")
            };
            (seconds(RUNS, test), vec![test().chi_square(), test().p_value()])
        }
        _ => panic!("no task is called {task}"),
    }
}

pub fn figures() {
    let customers = customers();
    for (task, name, target) in [
        ("kaplan_meier", "Kaplan-Meier with Greenwood, 1,000,000 daily rows", 3.0),
        ("log_rank", "log-rank test of two groups, 1,000,000 daily rows", 6.0),
    ] {
        figure(name, 1e3 * time(task, &customers).0, "ms", Target::AtMost(target));
    }
}
