//! Who bought when and for how much, from a file or simulated; shared by the examples about loyalty.

use super::arguments::Arguments;
use super::rows;
use chrono::{NaiveDate, NaiveDateTime};
use patronage::purchase::PurchaseHistory;
use patronage::simulate::{self, BuyingTruth, SimulatedBuyer};
use patronage::{Currency, Money, Period, Share};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

/// The options that say which purchases, to be named in a help text.
pub(crate) const HELP: &str = "\
  --purchases FILE       your purchases: .csv or .csv.gz, a row for each order or for each of its lines
  --customer COLUMN      who bought; rows without a customer are left out and counted    [customer]
  --at COLUMN            when: a date, or a date and time of your clock                  [at]
  --amount COLUMN        for how much; what is below zero was sent back                  [amount]
  --quantity COLUMN      how many, where the amount is the price of one
  --divide NUMBER        by which amounts are divided, where they are cents or the like  [1]
  --currency CODE        of the amounts                                                  [USD]
";

/// The names of these options.
pub(crate) const NAMES: [&str; 7] =
    ["purchases", "customer", "at", "amount", "quantity", "divide", "currency"];

/// What one customer did on one day, in minor units of the currency.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Day {
    pub(crate) paid: f64,
    pub(crate) sent_back: f64,
}

/// The purchases of all customers.
pub(crate) struct Shop {
    pub(crate) name: String,
    pub(crate) currency: Currency,
    pub(crate) customers: BTreeMap<String, BTreeMap<NaiveDate, Day>>,
    /// The day after the last purchase: today.
    pub(crate) today: NaiveDate,
}

impl Shop {
    /// Reads the purchases that the arguments name.
    pub(crate) fn read(
        out: &mut dyn Write,
        path: &str,
        arguments: &Arguments,
    ) -> Result<Self, Box<dyn Error>> {
        let currency: Currency = arguments.or("currency", "USD").parse()?;
        let divide: f64 = arguments.or("divide", "1").parse().map_err(|_| "--divide must be a number")?;
        let minor = 10_f64.powi(i32::from(currency.exponent())) / divide;
        let mut columns = vec![
            arguments.or("customer", "customer"),
            arguments.or("at", "at"),
            arguments.or("amount", "amount"),
        ];
        columns.extend(arguments.get("quantity"));
        let mut customers: BTreeMap<String, BTreeMap<NaiveDate, Day>> = BTreeMap::new();
        let (mut nameless, mut worthless) = (0_u64, 0_u64);
        rows::read(out, path, &columns, |row| {
            let [customer, at, numbers @ ..] = row else { return Err("too short".to_owned()) };
            let date = date(at)?;
            let mut amount = minor;
            for number in numbers {
                let factor = number.parse::<f64>().ok().filter(|number| number.is_finite());
                amount *= factor.ok_or_else(|| format!("`{number}` is no number"))?;
            }
            if customer.is_empty() || *customer == "NA" {
                nameless += 1;
            } else if amount.abs() <= 0.0 {
                worthless += 1;
            } else {
                let day = customers.entry((*customer).to_owned()).or_default().entry(date).or_default();
                if amount > 0.0 { day.paid += amount } else { day.sent_back -= amount }
            }
            Ok(())
        })?;
        writeln!(out, "left out: {nameless} rows without a customer, {worthless} without an amount")?;
        Self::new(path.rsplit('/').next().unwrap_or(path).to_owned(), currency, customers)
    }

    /// A simulated shop: customers who join during eighteen months of two years.
    pub(crate) fn simulated(
        customers: u32,
        seed: u64,
    ) -> Result<(Self, Vec<SimulatedBuyer>), Box<dyn Error>> {
        let observed = Period::new("2024-01-01T00:00:00Z".parse()?, "2026-01-01T00:00:00Z".parse()?)?;
        let truth = BuyingTruth::cdnow().with_joining(Share::new(0.75)?);
        let buyers = simulate::buyers(&truth, customers, observed, seed)?;
        let mut days: BTreeMap<String, BTreeMap<NaiveDate, Day>> = BTreeMap::new();
        for (number, buyer) in (1..).zip(&buyers) {
            let bought = days.entry(format!("no. {number:05}")).or_default();
            for purchase in buyer.purchases() {
                #[expect(clippy::cast_precision_loss, reason = "amounts of a simulated shop are small")]
                let paid = purchase.amount().minor() as f64;
                bought.entry(purchase.at().date_naive()).or_default().paid += paid;
            }
        }
        Ok((Self::new(format!("a simulated shop (seed {seed})"), Currency::USD, days)?, buyers))
    }

    fn new(
        name: String,
        currency: Currency,
        mut customers: BTreeMap<String, BTreeMap<NaiveDate, Day>>,
    ) -> Result<Self, Box<dyn Error>> {
        // Who only ever sent back bought before the records begin.
        customers.retain(|_, days| days.values().any(|day| day.paid > 0.0));
        let paid = |(date, day): (&NaiveDate, &Day)| (day.paid > 0.0).then_some(*date);
        let last = customers.values().flat_map(|days| days.iter().filter_map(paid)).max();
        let today = last.and_then(|last| last.succ_opt()).ok_or("nobody bought anything")?;
        Ok(Self { name, currency, customers, today })
    }

    /// What a customer bought until a day, without it.
    pub(crate) fn history(
        &self,
        days: &BTreeMap<NaiveDate, Day>,
        until: NaiveDate,
    ) -> Result<PurchaseHistory, Box<dyn Error>> {
        let mut history = PurchaseHistory::new(self.currency);
        for (&date, day) in days.range(..until).filter(|(_, day)| day.paid > 0.0) {
            history.push_on(date, Money::rounded(day.paid, self.currency)?)?;
        }
        Ok(history)
    }
}

fn date(text: &str) -> Result<NaiveDate, String> {
    let times = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];
    let time = times.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let date = time.map(|time| time.date()).or_else(|| text.parse().ok());
    date.ok_or_else(|| format!("`{text}` must be a date such as 2026-03-01, with a time or without"))
}
