//! The CDNOW sample: what 2,357 customers bought from January 1997 to June 1998; shared by the examples about value.

use chrono::NaiveDate;
use patronage::purchase::PurchaseHistory;
use patronage::value::{Holdout, HoldoutPeriod};
use patronage::{Currency, Money};
use std::collections::BTreeMap;
use std::error::Error;

/// What each history comes to by the end of September 1997, and what followed until the end of June 1998.
///
/// # Errors
/// When a line is no purchase.
pub(crate) fn split() -> Result<Vec<(&'static str, Holdout)>, Box<dyn Error>> {
    // One history for each customer, from purchases in any order.
    let mut histories: BTreeMap<&str, PurchaseHistory> = BTreeMap::new();
    for line in include_str!("../data/cdnow/CDNOW_sample.txt").lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, customer, date, _, dollars] = fields[..] else {
            return Err(format!("not five fields: {line}").into());
        };
        let date = NaiveDate::parse_from_str(date, "%Y%m%d")?;
        let history = histories.entry(customer).or_insert_with(|| PurchaseHistory::new(Currency::USD));
        history.push_on(date, Money::from_decimal(dollars, Currency::USD)?)?;
    }
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).ok_or("no such day");
    let period = HoldoutPeriod::new(day(1997, 9, 30)?, day(1998, 6, 30)?)?;
    let split = |(customer, history): (&'static str, PurchaseHistory)| {
        Some((customer, Holdout::of(&history, period)?))
    };
    Ok(histories.into_iter().filter_map(split).collect())
}
