//! Which items customers bought, from a file or simulated; for the example about what they need.

use super::arguments::Arguments;
use super::rows;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use patronage::purchase::PurchaseHistory;
use patronage::simulate::{self, BuyingTruth};
use patronage::{Currency, Money, Period, Share};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

/// The options that say which purchases, to be named in a help text.
pub(crate) const HELP: &str = "\
  --purchases FILE       your purchases: .csv or .csv.gz, a row for each item of an order; what was sent back or has no
                         customer is left out and counted                                [a simulated shop]
  --customer COLUMN      who bought                                                      [customer]
  --at COLUMN            when: a date, or a date and time of your clock                  [at]
  --order COLUMN         in which order                                                  [order]
  --item COLUMN          what                                                            [item]
  --amount COLUMN        the price of one                                                [amount]
  --quantity COLUMN      how many                                                        [quantity]
  --currency CODE        of the amounts                                                  [USD]
";

/// The names of these options.
pub(crate) const NAMES: [&str; 8] =
    ["purchases", "customer", "at", "order", "item", "amount", "quantity", "currency"];

/// Numbers for names, in the order they are met.
#[derive(Debug, Default)]
pub(crate) struct Numbers(BTreeMap<String, u32>);

impl Numbers {
    pub(crate) fn of(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.get(name).copied().unwrap_or_else(|| *self.0.entry(name.to_owned()).or_insert(next))
    }

    /// The names by number.
    pub(crate) fn into_names(self) -> Vec<String> {
        let mut names: Vec<(u32, String)> = self.0.into_iter().map(|(name, number)| (number, name)).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }
}

/// Columns with a row for each item of an order.
pub(crate) struct Sold {
    pub(crate) name: String,
    pub(crate) currency: Currency,
    /// Names by number.
    pub(crate) customers: Vec<String>,
    pub(crate) items: Vec<String>,
    pub(crate) customer: Vec<u32>,
    pub(crate) item: Vec<u32>,
    pub(crate) basket: Vec<u32>,
    /// Days since 1970.
    pub(crate) day: Vec<i32>,
    /// In minor units.
    pub(crate) paid: Vec<f64>,
    /// The day after the last purchase.
    pub(crate) today: i32,
}

impl Sold {
    /// Reads the purchases that the arguments name.
    pub(crate) fn read(
        out: &mut dyn Write,
        path: &str,
        arguments: &Arguments,
    ) -> Result<Self, Box<dyn Error>> {
        let currency: Currency = arguments.or("currency", "USD").parse()?;
        let minor = 10_f64.powi(i32::from(currency.exponent()));
        let columns = ["customer", "at", "order", "item", "amount", "quantity"];
        let columns = columns.map(|column| arguments.or(column, column));
        let mut sold = Self::empty(path.rsplit('/').next().unwrap_or(path).to_owned(), currency);
        let (mut customers, mut items, mut baskets) =
            (Numbers::default(), Numbers::default(), Numbers::default());
        let (mut nameless, mut sent_back) = (0_u64, 0_u64);
        rows::read(out, path, &columns, |row| {
            let [customer, at, order, item, amount, quantity] = row else {
                return Err("too short".to_owned());
            };
            let day = day(at)?;
            let number = |text: &str| {
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                number.ok_or_else(|| format!("`{text}` is no number"))
            };
            let (amount, quantity) = (number(amount)?, number(quantity)?);
            if customer.is_empty() || *customer == "NA" {
                nameless += 1;
            } else if amount <= 0.0 || quantity <= 0.0 {
                sent_back += 1;
            } else {
                let numbers = (customers.of(customer), items.of(item), baskets.of(order));
                sold.push(numbers, day, amount * quantity * minor);
            }
            Ok(())
        })?;
        writeln!(
            out,
            "left out: {nameless} rows without a customer, {sent_back} sent back or without a price"
        )?;
        (sold.customers, sold.items) = (customers.into_names(), items.into_names());
        if sold.day.is_empty() { Err("nobody bought anything".into()) } else { Ok(sold) }
    }

    /// A simulated shop with tastes: customers buy out of one of six shelves mostly, some items often go with others, and
    /// what was bought before is bought again.
    pub(crate) fn simulated(customers: u32, seed: u64) -> Result<Self, Box<dyn Error>> {
        const SHELVES: u32 = 6;
        const ITEMS: u32 = 40;
        let observed = Period::new("2024-01-01T00:00:00Z".parse()?, "2026-01-01T00:00:00Z".parse()?)?;
        let truth = BuyingTruth::cdnow().with_joining(Share::new(0.75)?);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut sold = Self::empty(format!("a simulated shop (seed {seed})"), Currency::USD);
        let mut basket = 0;
        for (number, buyer) in (0_u32..).zip(&simulate::buyers(&truth, customers, observed, seed)?) {
            sold.customers.push(format!("no. {:05}", number + 1));
            let (shelf, mut bought) = (number % SHELVES, Vec::<u32>::new());
            for purchase in buyer.purchases() {
                let mut items = Vec::new();
                for _ in 0..random.random_range(1..5) {
                    let from =
                        if random.random_range(0..5) > 0 { shelf } else { random.random_range(0..SHELVES) };
                    // The first of a shelf are the most popular.
                    let place = random.random_range(0..ITEMS).min(random.random_range(0..ITEMS));
                    let again = random.random_range(0..2) > 0;
                    let known = bought.get(random.random_range(0..bought.len().max(1))).copied();
                    items.push(known.filter(|_| again).unwrap_or(from * ITEMS + place));
                }
                // The second item of a shelf goes with the first, three times in four.
                for shelf in 0..SHELVES {
                    if items.contains(&(shelf * ITEMS)) && random.random_range(0..4) > 0 {
                        items.push(shelf * ITEMS + 1);
                    }
                }
                items.sort_unstable();
                items.dedup();
                let date = purchase.at().date_naive();
                #[expect(clippy::cast_precision_loss, reason = "amounts of a simulated shop are small")]
                let paid = purchase.amount().minor() as f64 / items.len() as f64;
                for &item in &items {
                    sold.push((number, item, basket), day_number(date)?, paid);
                }
                bought.extend(items);
                basket += 1;
            }
        }
        sold.items = (0..SHELVES * ITEMS)
            .map(|item| format!("{}{:02}", shelf_name(item / ITEMS), item % ITEMS))
            .collect();
        Ok(sold)
    }

    fn empty(name: String, currency: Currency) -> Self {
        let (customers, items) = (Vec::new(), Vec::new());
        let (customer, item, basket, day, paid) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { name, currency, customers, items, customer, item, basket, day, paid, today: i32::MIN }
    }

    fn push(&mut self, (customer, item, basket): (u32, u32, u32), day: i32, paid: f64) {
        self.customer.push(customer);
        self.item.push(item);
        self.basket.push(basket);
        self.day.push(day);
        self.paid.push(paid);
        self.today = self.today.max(day + 1);
    }

    /// What each customer paid on which days.
    pub(crate) fn histories(&self) -> Result<Vec<PurchaseHistory>, Box<dyn Error>> {
        let mut days: Vec<BTreeMap<i32, f64>> = vec![BTreeMap::new(); self.customers.len()];
        for ((&customer, &day), &paid) in self.customer.iter().zip(&self.day).zip(&self.paid) {
            if let Some(days) = days.get_mut(customer as usize) {
                *days.entry(day).or_default() += paid;
            }
        }
        let history = |days: &BTreeMap<i32, f64>| {
            let mut history = PurchaseHistory::new(self.currency);
            for (&day, &paid) in days {
                let date = NaiveDate::default() + TimeDelta::days(day.into());
                history.push_on(date, Money::rounded(paid, self.currency)?)?;
            }
            Ok(history)
        };
        days.iter().map(history).collect()
    }
}

fn shelf_name(shelf: u32) -> &'static str {
    ["coffee ", "tea ", "bread ", "fruit ", "paper ", "garden "]
        .get(shelf as usize)
        .copied()
        .unwrap_or("other ")
}

fn day_number(date: NaiveDate) -> Result<i32, std::num::TryFromIntError> {
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days())
}

fn day(text: &str) -> Result<i32, String> {
    let times = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];
    let time = times.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let date = time.map(|time| time.date()).or_else(|| text.parse().ok());
    let day = date.and_then(|date| day_number(date).ok());
    day.ok_or_else(|| format!("`{text}` must be a date such as 2026-03-01, with a time or without"))
}
