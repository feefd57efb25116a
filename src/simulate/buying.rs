use super::{Buyer, SimulateError, Stream, seconds, stream};
use crate::customer::{Contact, ContactPoint, Customer, CustomerId, CustomerKind, Identity};
use crate::measure::Share;
use crate::money::{Currency, Money};
use crate::period::Period;
use crate::purchase::{Purchase, PurchaseId};
use crate::tag::Tag;
use chrono::{DateTime, Utc};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Exp1, Gamma};

const WEEK: f64 = 7.0 * 86_400.0;
const MOST_PURCHASES: usize = 100_000;
const CATEGORIES: [Tag; 4] =
    [Tag::literal("music"), Tag::literal("books"), Tag::literal("films"), Tag::literal("games")];

/// Parameters of BG/NBD, with time in weeks.
///
/// Purchase rates are Gamma(r, alpha) over customers; after each repeat purchase a customer leaves for ever with a
/// probability that is Beta(a, b) over customers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BgNbd {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Rate of the purchase rates, in weeks: the mean rate is r / alpha purchases a week.
    pub alpha: f64,
    /// First shape of the probability to leave.
    pub a: f64,
    /// Second shape of the probability to leave.
    pub b: f64,
}

/// Parameters of Gamma-Gamma, in whole units of the currency.
///
/// A purchase is worth Gamma(p, nu), where nu is Gamma(q, v) over customers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GammaGamma {
    /// Shape of the amounts of one customer.
    pub p: f64,
    /// Shape over customers.
    pub q: f64,
    /// Rate over customers: the mean amount is p v / (q - 1).
    pub v: f64,
}

/// How simulated customers buy: the truth that a value model is to find again.
///
/// # Example
/// ```
/// use patronage::Currency;
/// use patronage::simulate::{BgNbd, BuyingTruth, GammaGamma};
///
/// let buying = BgNbd { r: 0.25, alpha: 4.5, a: 0.8, b: 2.5 };
/// let spending = GammaGamma { p: 6.0, q: 4.0, v: 15.0 };
/// assert!(BuyingTruth::new(buying, spending, Currency::EUR).is_ok());
/// assert!(BuyingTruth::new(BgNbd { alpha: -1.0, ..buying }, spending, Currency::EUR).is_err());
/// ```
///
/// Source: P. Fader, B. Hardie, K. L. Lee, "Counting your customers the easy way", Marketing Science 24 (2005); P.
/// Fader, B. Hardie, "The Gamma-Gamma model of monetary value" (2013).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BuyingTruth {
    buying: BgNbd,
    spending: GammaGamma,
    currency: Currency,
    joining: Share,
}

/// The distributions that the parameters name.
struct Distributions {
    rates: Gamma<f64>,
    leaving: Beta<f64>,
    amounts: Gamma<f64>,
    scales: Gamma<f64>,
}

impl BuyingTruth {
    /// Takes the parameters of both models. Customers join during the first quarter of the time they are observed.
    ///
    /// # Errors
    /// [`SimulateError::Parameter`] with the name of the one that is not finite, not above zero, or too extreme to draw
    /// from.
    pub fn new(buying: BgNbd, spending: GammaGamma, currency: Currency) -> Result<Self, SimulateError> {
        let (BgNbd { r, alpha, a, b }, GammaGamma { p, q, v }) = (buying, spending);
        for (name, value) in [("r", r), ("alpha", alpha), ("a", a), ("b", b), ("p", p), ("q", q), ("v", v)] {
            if !(value.is_finite() && value > 0.0 && value.recip().is_finite()) {
                return Err(SimulateError::Parameter { name, value });
            }
        }
        let truth = Self { buying, spending, currency, ..Self::cdnow() };
        truth.distributions().map(|_| truth)
    }

    /// The published parameters of the CDNOW customers, in US dollars.
    ///
    /// Source: Fader, Hardie and Lee (2005), table 2; Fader and Hardie (2013).
    pub fn cdnow() -> Self {
        let buying = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
        let spending = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
        let joining = Share::new(0.25).unwrap_or_default();
        Self { buying, spending, currency: Currency::USD, joining }
    }

    fn distributions(&self) -> Result<Distributions, SimulateError> {
        let (BgNbd { r, alpha, a, b }, GammaGamma { p, q, v }) = (self.buying, self.spending);
        let gamma = |name, shape: f64, scale: f64| {
            Gamma::new(shape, scale).map_err(|_| SimulateError::Parameter { name, value: shape })
        };
        Ok(Distributions {
            rates: gamma("r", r, alpha.recip())?,
            leaving: Beta::new(a, b).map_err(|_| SimulateError::Parameter { name: "a", value: a })?,
            amounts: gamma("p", p, 1.0)?,
            scales: gamma("q", q, v.recip())?,
        })
    }

    /// The same, with customers joining during this share of the time they are observed, from its beginning.
    #[must_use]
    pub fn with_joining(self, joining: Share) -> Self {
        Self { joining, ..self }
    }

    /// How often they buy and when they leave.
    pub const fn buying(&self) -> BgNbd {
        self.buying
    }

    /// How much they spend.
    pub const fn spending(&self) -> GammaGamma {
        self.spending
    }

    /// The currency of their purchases.
    pub const fn currency(&self) -> Currency {
        self.currency
    }
}

/// What is true of one simulated customer and nobody could see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BuyerTruth {
    /// Purchases a week while a customer.
    pub rate: f64,
    /// The probability to leave after a repeat purchase.
    pub leaving: Share,
    /// The mean amount of a purchase, in minor units.
    pub mean_amount: f64,
    /// Whether they are still a customer at the end of the observation.
    pub alive: bool,
}

/// A simulated customer with their purchases and what is true of them.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedBuyer {
    customer: Customer,
    purchases: Vec<Purchase>,
    instants: Vec<DateTime<Utc>>,
    observed: Period,
    truth: BuyerTruth,
}

impl SimulatedBuyer {
    /// The customer, known since their first purchase.
    pub const fn customer(&self) -> &Customer {
        &self.customer
    }

    /// The purchases in order of time; the first made them a customer.
    pub fn purchases(&self) -> &[Purchase] {
        &self.purchases
    }

    /// What is true of them.
    pub const fn truth(&self) -> BuyerTruth {
        self.truth
    }

    /// The lean facts that [`interactions`](super::interactions) takes.
    pub fn facts(&self) -> Buyer<'_> {
        Buyer::trusted(self.customer.id(), &self.instants, self.observed)
    }

    /// The same customer after a pain point drove them away: only the first purchases happened
    /// ([`Life::purchases`](super::Life::purchases)), and if that is fewer, they are no longer a customer.
    #[must_use]
    pub fn keeping(mut self, purchases: usize) -> Self {
        if purchases < self.purchases.len() {
            self.purchases.truncate(purchases);
            self.instants.truncate(purchases);
            self.truth.alive = false;
        }
        self
    }
}

/// Draws customers with purchases from known parameters.
///
/// # Arguments
/// `customers`: how many; `observed`: when they are watched, from which each joins at a random instant of its first part
/// ([`BuyingTruth::with_joining`]); `seed`: the only source of chance.
///
/// # Returns
/// Customers number 0, 1, 2, ...; identities are derived from seed and number, so that two seeds share no customer.
///
/// # Errors
/// [`SimulateError::TooManyPurchases`] when someone would buy more than 100,000 times, [`SimulateError::Money`] when an
/// amount does not fit.
///
/// # Cost
/// O(purchases) time; all are kept. [`buyer`] draws one alone.
///
/// # Example
/// ```
/// use patronage::Period;
/// use patronage::simulate::{BuyingTruth, buyers};
///
/// let year = Period::new("2025-01-01T00:00:00Z".parse()?, "2026-01-01T00:00:00Z".parse()?)?;
/// let drawn = buyers(&BuyingTruth::cdnow(), 100, year, 1)?;
/// assert_eq!(drawn.len(), 100);
/// assert_eq!(drawn, buyers(&BuyingTruth::cdnow(), 100, year, 1)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Fader, Hardie and Lee (2005); Fader and Hardie (2013); see [`BuyingTruth`].
pub fn buyers(
    truth: &BuyingTruth,
    customers: u32,
    observed: Period,
    seed: u64,
) -> Result<Vec<SimulatedBuyer>, SimulateError> {
    let distributions = truth.distributions()?;
    (0..customers).map(|number| draw(truth, &distributions, number, observed, seed)).collect()
}

/// Draws one customer by number: the same as in [`buyers`].
///
/// # Errors
/// As [`buyers`].
pub fn buyer(
    truth: &BuyingTruth,
    number: u32,
    observed: Period,
    seed: u64,
) -> Result<SimulatedBuyer, SimulateError> {
    draw(truth, &truth.distributions()?, number, observed, seed)
}

fn draw(
    truth: &BuyingTruth,
    distributions: &Distributions,
    number: u32,
    observed: Period,
    seed: u64,
) -> Result<SimulatedBuyer, SimulateError> {
    let (seed_text, number_text) = (seed.to_string(), number.to_string());
    let id = CustomerId::derive(&["simulate", &seed_text, &number_text]);
    let mut rng = stream(seed, Stream::Buying, id);
    let drawn = instants(distributions, truth.joining, number, observed, &mut rng)?;

    let nu: f64 = rng.sample(distributions.scales);
    let minor = libm::pow(10.0, f64::from(truth.currency.exponent())) / nu;
    let favourite = rng.random_range(0..CATEGORIES.len());
    let mut purchases = Vec::with_capacity(drawn.instants.len());
    for (index, &at) in drawn.instants.iter().enumerate() {
        let amount = Money::rounded(rng.sample::<f64, _>(distributions.amounts) * minor, truth.currency)?;
        let cost = 0.55 + 0.2 * rng.random::<f64>();
        #[expect(clippy::cast_precision_loss, reason = "a share of an amount, rounded again")]
        let cost = Money::rounded(amount.minor() as f64 * cost, truth.currency)?;
        let other = rng.random_range(0..CATEGORIES.len());
        let category = if rng.random::<f64>() < 0.6 { favourite } else { other };
        let purchase_id = PurchaseId::derive(&["simulate", &seed_text, &number_text, &index.to_string()]);
        let mut purchase = Purchase::new(purchase_id, id, at, amount)?.with_cost(cost)?;
        if let Some(&category) = CATEGORIES.get(category) {
            purchase = purchase.with_category(category);
        }
        purchases.push(purchase);
    }
    let since = drawn.instants.first().copied().unwrap_or(observed.start());
    let customer = Customer::new(id, CustomerKind::Person, since)?
        .with_name(&format!("Customer {number}"))?
        .with_identity(Identity::new(Tag::literal("simulate"), &format!("{seed}/{number}"))?)?
        .with_contact(ContactPoint::new(Contact::email(&format!("customer.{number}@example.org"))?))?;
    let truth = BuyerTruth {
        rate: drawn.rate,
        leaving: Share::new(drawn.leaving)?,
        mean_amount: truth.spending.p * minor,
        alive: drawn.alive,
    };
    Ok(SimulatedBuyer { customer, purchases, instants: drawn.instants, observed, truth })
}

struct Drawn {
    instants: Vec<DateTime<Utc>>,
    rate: f64,
    leaving: f64,
    alive: bool,
}

fn instants(
    distributions: &Distributions,
    joining: Share,
    number: u32,
    observed: Period,
    rng: &mut ChaCha8Rng,
) -> Result<Drawn, SimulateError> {
    let rate: f64 = rng.sample(distributions.rates);
    let leaving: f64 = rng.sample(distributions.leaving);
    let (start, end) = (observed.start().timestamp_micros(), observed.end().timestamp_micros());
    #[expect(clippy::cast_precision_loss, reason = "cut to whole seconds just below")]
    let room = (end - start) as f64 / 1e6;
    let first = start + seconds(room * joining.get() * rng.random::<f64>()).min(end - start - 1);
    let mut instants = Vec::new();
    let mut alive = true;
    let mut elapsed = 0.0;
    let mut at = first;
    while at < end {
        if instants.len() == MOST_PURCHASES {
            return Err(SimulateError::TooManyPurchases { number, most: MOST_PURCHASES });
        }
        instants.extend(DateTime::from_timestamp_micros(at));
        // The first purchase makes a customer; after each repeat purchase they may leave.
        if instants.len() > 1 && rng.random::<f64>() < leaving {
            alive = false;
            break;
        }
        elapsed += rng.sample::<f64, _>(Exp1) / rate * WEEK;
        at = first.saturating_add(seconds(elapsed));
    }
    Ok(Drawn { instants, rate, leaving, alive })
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "counts in tests are small")]
mod tests {
    use super::*;

    /// 2F1(a, b; c; z) by its series, for 0 <= z < 1.
    fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
        let (mut term, mut sum, mut index) = (1.0, 1.0, 0.0);
        while f64::abs(term) > 1e-15 * f64::abs(sum) {
            term *= (a + index) * (b + index) / (c + index) * z / (index + 1.0);
            sum += term;
            index += 1.0;
        }
        sum
    }

    /// Expected repeat purchases of a new customer in `t` weeks: equation 9 of Fader, Hardie and Lee (2005).
    fn expected_repeats(BgNbd { r, alpha, a, b }: BgNbd, t: f64) -> f64 {
        let shrunk = libm::pow(alpha / (alpha + t), r) * hypergeometric(r, b, a + b - 1.0, t / (alpha + t));
        (a + b - 1.0) / (a - 1.0) * (1.0 - shrunk)
    }

    #[test]
    fn the_expectations_agree_with_an_independent_table() {
        // Interval arithmetic with 12 digits at the published CDNOW parameters, new customer.
        let truth = BuyingTruth::cdnow();
        let table =
            [(1.0, 0.053_267_891_2), (3.0, 0.150_865_230_9), (6.0, 0.280_755_893_6), (39.0, 1.196_723_193_3)];
        for (weeks, value) in table {
            let expected = expected_repeats(truth.buying(), weeks);
            assert!((expected - value).abs() < 1e-10, "{weeks}: {expected} against {value}");
        }
        let GammaGamma { p, q, v } = truth.spending();
        assert!((p * v / (q - 1.0) - 35.218_978_102_189_78).abs() < 1e-12);
    }

    /// Mean of differences, in standard errors.
    fn standard_errors(differences: &[f64]) -> f64 {
        let n = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / n;
        let variance = differences.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (n - 1.0);
        mean / (variance / n).sqrt()
    }

    #[test]
    fn buyers_buy_and_spend_as_the_models_expect() {
        let truth = BuyingTruth::cdnow();
        let observed =
            Period::new("2024-01-01T00:00:00Z".parse().unwrap(), "2025-06-30T00:00:00Z".parse().unwrap())
                .unwrap();
        let buyers = buyers(&truth, 20_000, observed, 11).unwrap();
        let end = observed.end();
        let age = |buyer: &SimulatedBuyer| {
            (end - buyer.purchases()[0].at()).num_seconds() as f64 / (7.0 * 86_400.0)
        };
        let repeats = |buyer: &SimulatedBuyer| (buyer.purchases().len() - 1) as f64;

        let all: Vec<f64> = buyers
            .iter()
            .map(|buyer| repeats(buyer) - expected_repeats(truth.buying(), age(buyer)))
            .collect();
        assert!(standard_errors(&all).abs() < 3.0, "{}", standard_errors(&all));

        // P(no repeat purchase within t) = (alpha / (alpha + t))^r.
        let none = |buyer: &SimulatedBuyer| libm::pow(4.414 / (4.414 + age(buyer)), 0.243);
        let never: Vec<f64> = buyers
            .iter()
            .map(|buyer| f64::from(u8::from(buyer.purchases().len() == 1)) - none(buyer))
            .collect();
        assert!(standard_errors(&never).abs() < 3.0, "{}", standard_errors(&never));

        // The mean amount is p v / (q - 1); the mean of a customer is what the truth says.
        let GammaGamma { p, q, v } = truth.spending();
        let amount = |buyer: &SimulatedBuyer| buyer.purchases()[0].amount().minor() as f64;
        let spend: Vec<f64> = buyers.iter().map(|buyer| amount(buyer) - 100.0 * p * v / (q - 1.0)).collect();
        assert!(standard_errors(&spend).abs() < 3.0, "{}", standard_errors(&spend));
        let own: Vec<f64> =
            buyers.iter().map(|buyer| amount(buyer) / buyer.truth().mean_amount - 1.0).collect();
        assert!(standard_errors(&own).abs() < 3.0, "{}", standard_errors(&own));

        // Nobody leaves before the second purchase; E[leaving] = a / (a + b) decides after it.
        assert!(buyers.iter().all(|buyer| buyer.truth().alive || buyer.purchases().len() > 1));
        let two: Vec<&SimulatedBuyer> = buyers.iter().filter(|buyer| buyer.purchases().len() > 1).collect();
        assert!(two.iter().any(|buyer| !buyer.truth().alive) && two.iter().any(|buyer| buyer.truth().alive));
    }
}
