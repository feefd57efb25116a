//! What simulated customers are worth; shared by the examples that look for pain points.

use chrono::NaiveDate;
use patronage::pain::Worth;
use patronage::purchase::PurchaseHistory;
use patronage::value::{BgNbd, Horizon, PurchaseModel, Summary, TimeUnit};
use patronage::{Currency, Money, Share};
use std::error::Error;

/// What each customer is worth, from what they bought: purchases in the coming year at 30 dollars each. `None` for who
/// never bought.
pub(crate) fn worths(
    bought: &[PurchaseHistory],
    today: NaiveDate,
) -> Result<Vec<Option<Worth>>, Box<dyn Error>> {
    let summaries: Vec<Option<Summary>> = bought.iter().map(|history| Summary::of(history, today)).collect();
    let fit = BgNbd::fit(summaries.iter().flatten().map(|summary| summary.buyer(TimeUnit::WEEK)))?;
    let year = Horizon::of(1.0, TimeUnit::YEAR, TimeUnit::WEEK)?;
    let worth = |summary: &Summary| -> Result<Worth, Box<dyn Error>> {
        let buyer = summary.buyer(TimeUnit::WEEK);
        let p_alive = fit.model().p_alive(buyer);
        let if_alive = fit.model().expected_purchases(buyer, year) / p_alive;
        Ok(Worth::new(Money::rounded(if_alive * 3_000.0, Currency::USD)?, Share::new(p_alive)?))
    };
    summaries.iter().map(|summary| summary.as_ref().map(worth).transpose()).collect()
}
