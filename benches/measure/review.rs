//! The memory that a review of all customers of CDNOW takes, in a process of its own.

use super::cpu::{Target, figure};
use patronage::customer::{Customer, CustomerId, CustomerKind};
use patronage::desk::{Desk, ReviewSettings, Settings};
use patronage::notify::MemoryNotifier;
use patronage::purchase::{Purchase, PurchaseId};
use patronage::simulate::{self, Buyer, Company, Purchases};
use patronage::store::{ChangeSet, SqliteStore, Store};
use patronage::{Currency, IdempotencyKey, Money, Period, Tag};

use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const AS_OF: &str = "1998-07-01T00:00:00Z";

fn commit(store: &SqliteStore, name: &str, fill: impl FnOnce(ChangeSet) -> ChangeSet) {
    let at = AS_OF.parse().expect("an instant");
    let changes = ChangeSet::new(IdempotencyKey::derive(&[name]), at, Tag::literal("bench")).expect("valid");
    pollster::block_on(store.commit(&fill(changes))).expect("a commit");
}

/// Puts the purchases of CDNOW and simulated contacts around them into a file.
fn fill(path: &Path) {
    let mut bought: BTreeMap<CustomerId, Vec<(DateTime<Utc>, Money)>> = BTreeMap::new();
    for line in include_str!("../../examples/data/cdnow/CDNOW_master.txt").lines().skip(1) {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let [customer, date, _, dollars] = cells[..] else { continue };
        let date = NaiveDate::parse_from_str(date, "%Y%m%d").expect("a date");
        let noon = date.and_hms_opt(12, 0, 0).expect("a noon").and_utc();
        let amount = Money::from_decimal(dollars, Currency::USD).expect("money");
        bought.entry(CustomerId::derive(&["cdnow", customer])).or_default().push((noon, amount));
    }
    let store = SqliteStore::open(path).expect("a store");
    let first = "1997-01-01T00:00:00Z".parse().expect("an instant");
    let new = |id: &CustomerId| Customer::new(*id, CustomerKind::Person, first).expect("valid");
    commit(&store, "customers", |changes| changes.with_customers(bought.keys().map(new)));
    let purchases = bought.iter().flat_map(|(customer, bought)| {
        bought.iter().enumerate().map(|(number, (at, amount))| {
            let id = PurchaseId::derive(&["cdnow", &customer.to_string(), &number.to_string()]);
            Purchase::new(id, *customer, *at, *amount).expect("valid")
        })
    });
    commit(&store, "purchases", |changes| changes.with_purchases(purchases));

    let instant = |text: &str| text.parse().expect("an instant");
    let watched = Period::new(instant("1996-10-01T00:00:00Z"), instant(AS_OF)).expect("a period");
    let instants: Vec<(CustomerId, Vec<DateTime<Utc>>)> = bought
        .iter()
        .map(|(customer, bought)| (*customer, bought.iter().map(|(at, _)| *at).collect()))
        .collect();
    let facts: Vec<Buyer<'_>> =
        instants.iter().map(|(customer, at)| Buyer::new(*customer, at, watched).expect("in order")).collect();
    let lives = simulate::interactions(&facts, &Company::default(), Purchases::Given, 1997).expect("lives");
    for (number, chunk) in lives.iter().collect::<Vec<_>>().chunks(2_000).enumerate() {
        let lives: Vec<_> = chunk.iter().map(|life| life.as_ref().expect("a life")).collect();
        commit(&store, &format!("lives {number}"), |changes| {
            let moves = lives
                .iter()
                .flat_map(|life| life.lifecycle().entries().iter().map(|entry| (life.customer(), *entry)));
            let contacts = lives.iter().flat_map(|life| life.interactions().iter().cloned());
            changes.with_stage_changes(moves).with_interactions(contacts)
        });
    }
}

/// Whether this process was started to be measured; then it does its part.
pub fn is_child() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, role, path, ..] = &arguments[..] else { return false };
    match role.as_str() {
        "fill-review" => fill(Path::new(path)),
        "measure-review" => {
            let store = SqliteStore::open(path).expect("a store");
            let desk = Desk::new(store, MemoryNotifier::new(), Settings::default());
            let settings = ReviewSettings::new(Currency::USD);
            let review = pollster::block_on(desk.review(AS_OF.parse().expect("an instant"), &settings));
            assert_eq!(review.expect("a review").customers, 23_570);
            // The high-water mark of the process's memory (Linux).
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
            println!("{}", line.split_whitespace().nth(1).unwrap_or("0"));
        }
        _ => return false,
    }
    true
}

pub fn figures() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("review.sqlite");
    let child = |role: &str| {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program).arg(role).arg(&path).output().expect("a child");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    child("fill-review");
    let kibibytes: f64 = child("measure-review").parse().expect("a number");
    let megabytes = kibibytes * 1024.0 / 1e6;
    figure("peak memory of a review of 23,570 customers", megabytes, "MB", Target::AtMost(100.0));
}
