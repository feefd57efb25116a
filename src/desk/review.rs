use super::pain_points::mend;
use super::row::{Expected, Row};
use super::win_back::at_risk;
use super::{Desk, DeskError, ReviewSettings};
use crate::because::Because;
use crate::customer::{Customer, CustomerId};
use crate::measure::Share;
use crate::money::Money;
use crate::notify::Notifier;
use crate::pain::PainReport;
use crate::period::Period;
use crate::purchase::{Purchase, PurchaseHistory};
use crate::segment::{RfmBreaks, RfmColumns, RfmRow, RfmScore, RfmSegment, SegmentMap};
use crate::store::Store;
use crate::tag::Tag;
use crate::task::TaskId;
use crate::value::{
    BgNbd, Discount, Fit, FitError, GammaGamma, GammaGammaFit, Horizon, LifetimeValue, PurchaseModel,
    Summary, TimeUnit,
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

/// What a review of all customers found, and what it scheduled.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Review {
    /// The instant the review looked at: it saw what had happened before.
    pub as_of: DateTime<Utc>,
    /// How many customers there are.
    pub customers: u64,
    /// How many of them had bought.
    pub buyers: u64,
    /// The models of buying and spend that value rests on, or why there are none.
    pub valuation: Result<Valuation, FitError>,
    /// The named segments, largest spend first; empty where fewer have bought than segments need.
    pub segments: Vec<SegmentSize>,
    /// The most valuable customers, first the most valuable one; empty without a valuation.
    pub most_valuable: Vec<ValuedCustomer>,
    /// Where customers struggle, and what it costs.
    pub pain: PainReport,
    /// What was scheduled by this review.
    pub scheduled: Vec<Scheduled>,
    /// How many things were to be scheduled but had been already, by an earlier review.
    pub scheduled_before: u64,
}

/// The models a review values customers by; times in weeks, money in minor units.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Valuation {
    /// The model of buying.
    pub purchases: Fit<BgNbd>,
    /// The model of spend.
    pub spend: GammaGammaFit,
    /// What all customers together are expected to be worth within the horizon.
    pub customer_equity: Money,
}

/// How many customers are in a segment, and what they spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SegmentSize {
    /// The segment.
    pub segment: RfmSegment,
    /// How many customers are in it.
    pub customers: u64,
    /// Their net spend up to the review.
    pub spend: Money,
}

/// What is expected of one customer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ValuedCustomer {
    /// Who.
    pub customer: CustomerId,
    /// The probability that they will buy again at all.
    pub p_alive: Share,
    /// How many purchases are expected of them within the horizon.
    pub expected_purchases: f64,
    /// What they are expected to be worth within the horizon.
    pub expected_value: Money,
    /// The part of it that is at risk: the expected value times 1 - P(alive).
    pub value_at_risk: Money,
    /// Their scores for recency, frequency and monetary value.
    pub score: RfmScore,
    /// The segment those scores put them in.
    pub segment: RfmSegment,
}

/// Something a review scheduled: a task, and a notification of the team that has it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scheduled {
    /// The task.
    pub task: TaskId,
    /// What it is about.
    pub about: Tag,
    /// The customer it is for; `None` for a pain point.
    pub customer: Option<CustomerId>,
    /// Who has it.
    pub team: Tag,
    /// Why.
    pub because: Vec<Because>,
}

impl<S: Store, N: Notifier> Desk<S, N> {
    /// Reviews all customers at an instant: who is worth most, who is about to be lost, where they are hurt, and what
    /// happens next.
    ///
    /// It reads what happened before `as_of` page by page; fits the models of buying and spend; puts every buyer into
    /// a segment; and finds pain points. For each valuable customer at risk and each pain point above the thresholds
    /// of the settings it schedules a task and a notification of the team, with the reasons, in one change set. Tasks
    /// are named after the episode they are about (the customer and their last purchase; the pain point and the
    /// month), so reviewing again schedules nothing twice.
    ///
    /// # Cost
    /// Time O(events); memory about 150 bytes for each buyer, and one page of events.
    ///
    /// # Errors
    /// [`DeskError::Store`] when the store fails (what was scheduled before stays scheduled, and the next review
    /// schedules the rest); [`DeskError::Money`] when a purchase is in another currency than the review.
    pub async fn review(&self, as_of: DateTime<Utc>, settings: &ReviewSettings) -> Result<Review, DeskError> {
        let within = Period::until(as_of)?;
        let today = last_day_before(within.end());
        let (customers, rows) = self.load(within, today, settings).await?;
        let valued = value(&rows, settings)?;
        let expected = valued.as_ref().map_or(&[][..], |(_, expected)| expected);
        let scores = score(&rows);
        let pain = self.find_pain(within, &rows, expected, settings).await?;

        let due = as_of.checked_add_days(Days::new(settings.due_in_days.into())).unwrap_or(as_of);
        let mut wanted = at_risk(&rows, expected, due, settings)?;
        wanted.extend(mend(&pain, as_of, due, settings)?);
        let (scheduled, scheduled_before) = self.schedule(&wanted, as_of, settings).await?;
        Ok(Review {
            as_of: within.end(),
            customers,
            buyers: rows.len() as u64,
            segments: sizes(&rows, scores.as_deref(), settings)?,
            most_valuable: most_valuable(&rows, expected, scores.as_deref(), settings)?,
            pain,
            valuation: valued.map(|(valuation, _)| valuation),
            scheduled,
            scheduled_before,
        })
    }

    async fn load(
        &self,
        within: Period,
        today: NaiveDate,
        settings: &ReviewSettings,
    ) -> Result<(u64, Vec<Row>), DeskError> {
        let mut rows = Vec::new();
        let (mut customers, mut after) = (0, None);
        loop {
            let page = self.store.customers(after, settings.page).await?;
            let Some(last) = page.last() else { return Ok((customers, rows)) };
            after = Some(last.id());
            customers += page.len() as u64;
            let ids: Vec<CustomerId> = page.iter().map(Customer::id).collect();
            let purchases = self.store.purchases(&ids, within).await?;
            for of_one in purchases.chunk_by(|a, b| a.customer() == b.customer()) {
                rows.extend(row(of_one, today, settings)?);
            }
        }
    }
}

/// The day of the last instant before `as_of`: a review at midnight looks at the day that has just ended.
fn last_day_before(as_of: DateTime<Utc>) -> NaiveDate {
    as_of.checked_sub_signed(TimeDelta::microseconds(1)).unwrap_or(as_of).date_naive()
}

fn row(
    purchases: &[Purchase],
    today: NaiveDate,
    settings: &ReviewSettings,
) -> Result<Option<Row>, DeskError> {
    let Some(customer) = purchases.first().map(Purchase::customer) else { return Ok(None) };
    let history = PurchaseHistory::from_purchases(settings.currency, purchases)?;
    let Some(summary) = Summary::of(&history, today) else { return Ok(None) };
    let Some(rfm) = RfmRow::from_history(&history, today)? else { return Ok(None) };
    let last_purchase = history.days().iter().rev().find(|day| day.purchases > 0).map_or(0, |day| day.day);
    Ok(Some(Row {
        customer,
        buyer: summary.buyer(TimeUnit::WEEK),
        spend: summary.spend(),
        rfm,
        last_purchase,
    }))
}

type Valued = Result<(Valuation, Vec<Expected>), FitError>;

fn value(rows: &[Row], settings: &ReviewSettings) -> Result<Valued, DeskError> {
    let fitted = BgNbd::fit(rows.iter().map(|row| row.buyer)).and_then(|purchases| {
        let spenders = rows.iter().map(|row| row.spend).filter(|spend| spend.mean() > 0.0);
        GammaGamma::fit(spenders).map(|spend| (purchases, spend))
    });
    let (purchases, spend) = match fitted {
        Ok(models) => models,
        Err(error) => return Ok(Err(error)),
    };
    let horizon = Horizon::of(settings.months, TimeUnit::MONTH, TimeUnit::WEEK)?;
    let discount = Discount::of(settings.yearly_discount, TimeUnit::YEAR, TimeUnit::WEEK)?;
    let worth = LifetimeValue::new(purchases.model(), spend.model(), horizon, discount, settings.margin);
    let expected: Vec<Expected> = rows
        .iter()
        .map(|row| Expected {
            p_alive: purchases.model().p_alive(row.buyer),
            purchases: purchases.model().expected_purchases(row.buyer, horizon),
            value: worth.value(row.buyer, row.spend),
        })
        .collect();
    let total = expected.iter().map(|expected| expected.value).sum();
    let customer_equity = Money::rounded(total, settings.currency)?;
    Ok(Ok((Valuation { purchases, spend, customer_equity }, expected)))
}

/// The score of each row; `None` where there are too few rows to score.
fn score(rows: &[Row]) -> Option<Vec<RfmScore>> {
    let recency: Vec<i32> = rows.iter().map(|row| row.rfm.recency_days()).collect();
    let purchases: Vec<u32> = rows.iter().map(|row| row.rfm.purchases()).collect();
    let spend: Vec<i64> = rows.iter().map(|row| row.rfm.spend_minor()).collect();
    let columns = RfmColumns::new(&recency, &purchases, &spend).ok()?;
    let breaks = RfmBreaks::from_columns(columns, &mut Vec::new()).ok()?;
    Some(rows.iter().map(|row| breaks.score(row.rfm)).collect())
}

fn sizes(
    rows: &[Row],
    scores: Option<&[RfmScore]>,
    settings: &ReviewSettings,
) -> Result<Vec<SegmentSize>, DeskError> {
    let map = SegmentMap::default();
    let mut sizes: Vec<SegmentSize> = Vec::new();
    for (row, &score) in rows.iter().zip(scores.unwrap_or_default()) {
        let segment = map.segment(score);
        let spend = Money::new(row.rfm.spend_minor(), settings.currency);
        match sizes.iter_mut().find(|size| size.segment == segment) {
            Some(size) => {
                size.customers += 1;
                size.spend = size.spend.checked_add(spend)?;
            }
            None => sizes.push(SegmentSize { segment, customers: 1, spend }),
        }
    }
    sizes.sort_by_key(|size| (std::cmp::Reverse(size.spend.minor()), size.segment));
    Ok(sizes)
}

fn most_valuable(
    rows: &[Row],
    expected: &[Expected],
    scores: Option<&[RfmScore]>,
    settings: &ReviewSettings,
) -> Result<Vec<ValuedCustomer>, DeskError> {
    let mut order: Vec<(&Row, &Expected, RfmScore)> = rows
        .iter()
        .zip(expected)
        .zip(scores.unwrap_or_default())
        .map(|((row, expected), &score)| (row, expected, score))
        .collect();
    order.sort_by(|a, b| b.1.value.total_cmp(&a.1.value).then(a.0.customer.cmp(&b.0.customer)));
    let map = SegmentMap::default();
    order
        .into_iter()
        .take(settings.most_valuable)
        .map(|(row, expected, score)| {
            Ok(ValuedCustomer {
                customer: row.customer,
                p_alive: Share::new(expected.p_alive)?,
                expected_purchases: expected.purchases,
                expected_value: Money::rounded(expected.value, settings.currency)?,
                value_at_risk: Money::rounded(expected.value_at_risk(), settings.currency)?,
                score,
                segment: map.segment(score),
            })
        })
        .collect()
}

impl Expected {
    pub(super) fn value_at_risk(&self) -> f64 {
        self.value * (1.0 - self.p_alive)
    }
}
