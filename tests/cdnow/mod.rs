//! The 1/10 sample of CDNOW as a log of purchases.

use chrono::NaiveDate;
use patronage::value::PurchaseLog;
use patronage::{Currency, Money};

/// Customers from 0 to 2356, days since 1970-01-01, cents.
pub(crate) struct Cdnow {
    pub(crate) customer: Vec<u32>,
    pub(crate) day: Vec<i32>,
    pub(crate) cents: Vec<i64>,
}

impl Cdnow {
    pub(crate) const CUSTOMERS: u32 = 2357;

    pub(crate) fn log(&self) -> PurchaseLog<'_> {
        PurchaseLog::new(&self.customer, &self.day, &self.cents).unwrap()
    }
}

pub(crate) fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

/// Reads master id, sample id, date, CDs, dollars.
pub(crate) fn sample() -> Cdnow {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/cdnow/CDNOW_sample.txt");
    let mut log = Cdnow { customer: Vec::new(), day: Vec::new(), cents: Vec::new() };
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let date = NaiveDate::parse_from_str(cells[2], "%Y%m%d").unwrap();
        let day = date.signed_duration_since(NaiveDate::default()).num_days();
        log.customer.push(cells[1].parse::<u32>().unwrap() - 1);
        log.day.push(i32::try_from(day).unwrap());
        log.cents.push(Money::from_decimal(cells[4], Currency::USD).unwrap().minor());
    }
    assert_eq!(log.customer.len(), 6919);
    log
}
