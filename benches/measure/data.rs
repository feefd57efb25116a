//! Seeded data of any size, the same on every run.

use patronage::customer::{Customer, CustomerId, CustomerKind};
use patronage::interaction::{
    Agent, Channel, Direction, Effort, EffortDirection, Engagement, Interaction, InteractionId, Link,
    Outcome, Sentiment, Touchpoint,
};
use patronage::purchase::PurchaseId;
use patronage::store::ChangeSet;
use patronage::value::{PurchaseLog, Summaries, TimeUnit};
use patronage::{Currency, IdempotencyKey, Money, Share, Tag};

use chrono::NaiveDate;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// Recency in days, purchases, spend in minor units: heavy tails as in real shops.
pub struct RfmData {
    pub recency_days: Vec<i32>,
    pub purchases: Vec<u32>,
    pub spend_minor: Vec<i64>,
}

pub fn rfm(rows: usize) -> RfmData {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut data = RfmData { recency_days: Vec::new(), purchases: Vec::new(), spend_minor: Vec::new() };
    for _ in 0..rows {
        let tail = 1.0 / (1.0 - random.random::<f64>()).powf(0.7);
        let purchases = tail.min(500.0) as u32;
        data.recency_days.push(random.random_range(0..730));
        data.purchases.push(purchases);
        data.spend_minor.push(i64::from(purchases) * random.random_range(500..20_000));
    }
    data
}

/// Rows for models of buying: frequency, recency and age in weeks.
pub struct BuyerData {
    pub frequency: Vec<u32>,
    pub recency: Vec<f64>,
    pub age: Vec<f64>,
}

pub fn buyers(rows: usize) -> BuyerData {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut data = BuyerData { frequency: Vec::new(), recency: Vec::new(), age: Vec::new() };
    for _ in 0..rows {
        let age = f64::from(random.random_range(190_u32..273)) / 7.0;
        let tail = 1.0 / (1.0 - random.random::<f64>()).powf(0.8) - 1.0;
        let frequency = tail.min(60.0) as u32;
        let recency = if frequency == 0 { 0.0 } else { age * (0.02 + 0.98 * random.random::<f64>()) };
        data.frequency.push(frequency);
        data.recency.push(recency);
        data.age.push(age);
    }
    data
}

/// A log of purchases in columns, in order of time: customer, day, minor units.
pub struct LogData {
    pub customers: u32,
    pub customer: Vec<u32>,
    pub day: Vec<i32>,
    pub spend_minor: Vec<i64>,
}

pub fn log(customers: u32, purchases: usize) -> LogData {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut data = LogData { customers, customer: Vec::new(), day: Vec::new(), spend_minor: Vec::new() };
    for row in 0..purchases {
        // Some customers buy far more often than others.
        let pick = random.random::<f64>();
        data.customer.push((pick * pick * f64::from(customers)) as u32);
        data.day.push(18_000 + (row * 730 / purchases) as i32);
        data.spend_minor.push(random.random_range(100..30_000));
    }
    data
}

/// A log of purchases in no order: a few customers buy most (Pareto with shape 1.2), on any day of two years.
pub fn events(customers: u32, purchases: usize) -> LogData {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut data = LogData { customers, customer: Vec::new(), day: Vec::new(), spend_minor: Vec::new() };
    for _ in 0..purchases {
        let pareto = (1.0 - random.random::<f64>()).powf(-1.0 / 1.2) - 1.0;
        data.customer.push((pareto * f64::from(customers) / 20.0) as u64 as u32 % customers);
        data.day.push(18_000 + random.random_range(0..730));
        data.spend_minor.push(random.random_range(100..30_000));
    }
    data
}

pub const AS_OF: (i32, u32, u32) = (2026, 6, 30);

pub fn as_of() -> NaiveDate {
    NaiveDate::from_ymd_opt(AS_OF.0, AS_OF.1, AS_OF.2).expect("a day")
}

pub fn summaries(data: &LogData) -> Summaries {
    summaries_at(data, as_of())
}

pub fn summaries_at(data: &LogData, as_of: NaiveDate) -> Summaries {
    let log = PurchaseLog::new(&data.customer, &data.day, &data.spend_minor).expect("columns of one length");
    Summaries::from_log(log, data.customers, as_of, TimeUnit::WEEK).expect("a valid log")
}

/// The 1/10 sample of CDNOW up to the end of September 1997, in weeks.
pub fn cdnow() -> Summaries {
    let (mut customer, mut day, mut cents) = (Vec::new(), Vec::new(), Vec::new());
    for line in include_str!("../../examples/data/cdnow/CDNOW_sample.txt").lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let date = NaiveDate::parse_from_str(cells[2], "%Y%m%d").expect("a date");
        customer.push(cells[1].parse::<u32>().expect("a number") - 1);
        day.push(date.signed_duration_since(NaiveDate::default()).num_days() as i32);
        cents.push(Money::from_decimal(cells[4], Currency::USD).expect("money").minor());
    }
    let log = PurchaseLog::new(&customer, &day, &cents).expect("columns of one length");
    let as_of = NaiveDate::from_ymd_opt(1997, 9, 30).expect("a day");
    Summaries::from_log(log, 2357, as_of, TimeUnit::WEEK).expect("a valid log")
}

pub fn customers(count: u32) -> Vec<CustomerId> {
    (0..count).map(|customer| CustomerId::derive(&["shop", &customer.to_string()])).collect()
}

/// The change set that introduces customers.
pub fn introduction(customers: &[CustomerId]) -> ChangeSet {
    let now = "2026-03-01T00:00:00Z".parse().expect("an instant");
    let known = customers.iter().map(|&id| Customer::new(id, CustomerKind::Person, now).expect("valid"));
    ChangeSet::new(IdempotencyKey::derive(&["customers"]), now, Tag::literal("bench"))
        .expect("valid")
        .with_customers(known)
}

/// Interactions of random customers in order of time, filled as a call centre would.
pub fn interactions(customers: &[CustomerId], count: u32) -> Vec<Interaction> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let reasons = ["late_delivery", "wrong_invoice", "how_to", "cancel"].map(Tag::literal);
    let channels = [Channel::Web, Channel::Mobile, Channel::Store, Channel::CallCentre];
    let touchpoints =
        [Touchpoint::PhoneCallCentre, Touchpoint::Email, Touchpoint::Chat, Touchpoint::SelfService];
    let engagements =
        [Engagement::Support, Engagement::Billing, Engagement::Ordering, Engagement::Fulfilment];
    let outcomes = [Outcome::Resolved, Outcome::FollowUp, Outcome::Abandoned, Outcome::Sale];
    (0..count)
        .map(|row| {
            let mut pick = || random.random_range(0..4_usize);
            let (channel, touchpoint) = (channels[pick()], touchpoints[pick()]);
            let (engagement, reason, outcome) = (engagements[pick()], reasons[pick()], outcomes[pick()]);
            let at =
                chrono::DateTime::from_timestamp(1_700_000_000 + i64::from(row) * 31, 0).expect("in range");
            let customer = customers[random.random_range(0..customers.len())];
            let mut built =
                Interaction::builder(InteractionId::derive(&["pbx", &row.to_string()]), customer, at)
                    .at_place(channel, touchpoint, engagement)
                    .direction(Direction::Inbound)
                    .agent(Agent::Person)
                    .reason(reason)
                    .outcome(outcome)
                    .wait(Duration::from_millis(random.random_range(0..600_000)))
                    .handle_time(Duration::from_millis(random.random_range(0..900_000)))
                    .cost(Money::new(random.random_range(10..2_000), Currency::EUR));
            if row % 4 == 0 {
                let score = random.random_range(-1.0..1.0);
                built = built.sentiment(
                    Sentiment::new(score, Tag::literal("agent_note"), Share::ONE).expect("in range"),
                );
            }
            if row % 5 == 0 {
                let answer = random.random_range(1..=7);
                built =
                    built.effort(Effort::new(answer, 7, EffortDirection::EasyIsHigh).expect("on the scale"));
            }
            if row % 10 == 0 {
                built = built.link(Link::Purchase(PurchaseId::derive(&["shop", &row.to_string()])));
            }
            built.build().expect("a valid interaction")
        })
        .collect()
}

/// The same interactions in change sets.
pub fn batches(interactions: &[Interaction], batch: usize) -> Vec<ChangeSet> {
    let now = "2026-03-01T00:00:00Z".parse().expect("an instant");
    (0_u32..)
        .zip(interactions.chunks(batch))
        .map(|(number, facts)| {
            ChangeSet::new(IdempotencyKey::derive(&[&number.to_string()]), now, Tag::literal("bench"))
                .expect("valid")
                .with_interactions(facts.iter().cloned())
        })
        .collect()
}

/// The day on which [`shop`] is looked at: the end of its two years.
pub fn end_of_shop() -> NaiveDate {
    NaiveDate::from_epoch_days(SHOP_OPENS + 728).expect("a day")
}

const SHOP_OPENS: i32 = 18_000;

/// The purchases of two years in no order: customers come within the first 78 weeks, buy and leave at rates of their
/// own (Pareto/NBD with r = s = 1/2, alpha = 10.6, beta = 11.7, in weeks), and spend by their means.
pub fn shop(customers: u32) -> LogData {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut rows = Vec::new();
    for customer in 0..customers {
        let mut uniform = || 1.0 - random.random::<f64>();
        // Two normal numbers; the square of each is twice a gamma of shape 1/2.
        let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), std::f64::consts::TAU * uniform());
        let (rate, leaving) =
            ((radius * angle.cos()).powi(2) / (2.0 * 10.6), (radius * angle.sin()).powi(2) / (2.0 * 11.7));
        let start = (78.0 * 7.0 * (1.0 - uniform())).floor();
        let mean = 1_000.0 + 9_000.0 * uniform() * uniform();
        let stays = (-uniform().ln() / leaving).min((728.0 - start) / 7.0);
        let mut at = 0.0;
        while at <= stays {
            let day = SHOP_OPENS + (start + (7.0 * at).ceil()).min(728.0) as i32;
            rows.push((customer, day, (mean * (0.4 + 1.2 * uniform())) as i64));
            at += -uniform().ln() / rate;
        }
    }
    for last in (1..rows.len()).rev() {
        rows.swap(last, random.random_range(0..=last));
    }
    LogData {
        customers,
        customer: rows.iter().map(|row| row.0).collect(),
        day: rows.iter().map(|row| row.1).collect(),
        spend_minor: rows.iter().map(|row| row.2).collect(),
    }
}
