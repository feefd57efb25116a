#[cfg(test)]
mod tests;

use super::CostToServe;
use crate::interaction::Interaction;
use crate::measure::Share;
use crate::money::{Currency, Money, MoneyError};
use crate::purchase::Purchase;
use serde::Serialize;

/// What a customer brought in a time and what was left of it: revenue, less what the goods cost, less what it cost to
/// serve them.
///
/// Built from purchases and interactions by `push`, in any order; parts `merge`. What belongs to the time, and to the
/// customer, is up to the caller: one of these may stand for a customer, a segment or the company.
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{Interaction, InteractionId};
/// use patronage::purchase::{Purchase, PurchaseId};
/// use patronage::value::Profitability;
/// use patronage::{Currency, Share};
///
/// let customer = CustomerId::derive(&["shop", "customer 17"]);
/// let mut profitability = Profitability::new(Currency::USD);
/// let (order, at) = (PurchaseId::derive(&["shop", "order 4711"]), "2026-03-01T10:00:00Z".parse()?);
/// profitability.push_purchase(&Purchase::new(order, customer, at, "29.30 USD".parse()?)?)?;
/// let (call, at) = (InteractionId::derive(&["calls", "815"]), "2026-03-04T10:00:00Z".parse()?);
/// let call = Interaction::builder(call, customer, at).cost("11.00 USD".parse()?).build()?;
/// profitability.push_interaction(&call)?;
///
/// // It is not known what the goods cost; 30 % of the amount is taken to be left.
/// let assumed = Share::new(0.3)?;
/// assert_eq!(profitability.margin(assumed)?.to_string(), "8.79 USD");
/// assert_eq!(profitability.profit(assumed)?.to_string(), "-2.21 USD");
/// assert_eq!(profitability.purchases_without_cost(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Profitability {
    /// Of purchases with a known cost: amount less cost.
    known_margin: Money,
    revenue: Money,
    revenue_without_cost: Money,
    cost_to_serve: Money,
    purchases: u64,
    purchases_without_cost: u64,
    returns: u64,
    interactions: u64,
    interactions_without_cost: u64,
}

impl Profitability {
    /// Nothing yet, in one currency.
    pub const fn new(currency: Currency) -> Self {
        let none = Money::zero(currency);
        Self {
            known_margin: none,
            revenue: none,
            revenue_without_cost: none,
            cost_to_serve: none,
            purchases: 0,
            purchases_without_cost: 0,
            returns: 0,
            interactions: 0,
            interactions_without_cost: 0,
        }
    }

    /// Adds a purchase, or takes off a return.
    ///
    /// # Errors
    /// [`MoneyError`] where the currency is another one or a sum does not fit; then nothing is added.
    pub fn push_purchase(&mut self, purchase: &Purchase) -> Result<(), MoneyError> {
        let mut next = *self;
        next.revenue = self.revenue.checked_add(purchase.amount())?;
        if purchase.is_return() {
            next.returns += 1;
        } else {
            next.purchases += 1;
        }
        if let Some(cost) = purchase.cost() {
            let margin = purchase.amount().checked_sub(cost)?;
            next.known_margin = self.known_margin.checked_add(margin)?;
        } else {
            next.revenue_without_cost = self.revenue_without_cost.checked_add(purchase.amount())?;
            next.purchases_without_cost += 1;
        }
        *self = next;
        Ok(())
    }

    /// Adds what an interaction cost the company; one of unknown cost is counted, and counts as free.
    ///
    /// # Errors
    /// [`MoneyError`] where the currency is another one or a sum does not fit; then nothing is added.
    pub fn push_interaction(&mut self, interaction: &Interaction) -> Result<(), MoneyError> {
        if let Some(cost) = interaction.cost() {
            self.cost_to_serve = self.cost_to_serve.checked_add(cost)?;
        } else {
            self.interactions_without_cost += 1;
        }
        self.interactions += 1;
        Ok(())
    }

    /// Adds what another one has seen, in any order.
    ///
    /// # Errors
    /// [`MoneyError`] where the currency is another one or a sum does not fit; then nothing is added.
    pub fn merge(&mut self, other: &Self) -> Result<(), MoneyError> {
        *self = Self {
            known_margin: self.known_margin.checked_add(other.known_margin)?,
            revenue: self.revenue.checked_add(other.revenue)?,
            revenue_without_cost: self.revenue_without_cost.checked_add(other.revenue_without_cost)?,
            cost_to_serve: self.cost_to_serve.checked_add(other.cost_to_serve)?,
            purchases: self.purchases + other.purchases,
            purchases_without_cost: self.purchases_without_cost + other.purchases_without_cost,
            returns: self.returns + other.returns,
            interactions: self.interactions + other.interactions,
            interactions_without_cost: self.interactions_without_cost + other.interactions_without_cost,
        };
        Ok(())
    }

    /// What was paid, less what was given back.
    pub const fn revenue(&self) -> Money {
        self.revenue
    }

    /// What is left of the revenue after the goods.
    ///
    /// # Arguments
    /// - `assumed`: what is left of the amount of a purchase whose cost is not known.
    ///
    /// # Errors
    /// [`MoneyError`] where the amount does not fit.
    pub fn margin(&self, assumed: Share) -> Result<Money, MoneyError> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a share of an amount is rounded to minor units anyway"
        )]
        let assumed = self.revenue_without_cost.minor() as f64 * assumed.get();
        self.known_margin.checked_add(Money::rounded(assumed, self.revenue.currency())?)
    }

    /// What all interactions of known cost together cost the company.
    pub const fn cost_of_interactions(&self) -> Money {
        self.cost_to_serve
    }

    /// What is left after the goods and the service; negative where the customer cost more than they brought.
    ///
    /// # Arguments
    /// - `assumed`: as in [`margin`](Self::margin).
    ///
    /// # Errors
    /// [`MoneyError`] where the amount does not fit.
    pub fn profit(&self, assumed: Share) -> Result<Money, MoneyError> {
        self.margin(assumed)?.checked_sub(self.cost_to_serve)
    }

    /// What serving cost for each purchase, in minor units: what [`LifetimeValue::profit`](super::LifetimeValue::profit)
    /// takes for the time to come.
    ///
    /// # Returns
    /// `None` before the first purchase, or where interactions brought in more than they cost. Of a customer with few
    /// purchases it says little: the one of their segment is then the better guess.
    pub fn cost_to_serve(&self) -> Option<CostToServe> {
        #[expect(clippy::cast_precision_loss, reason = "a mean of money needs no more than 15 digits")]
        let mean = self.cost_to_serve.minor() as f64 / self.purchases as f64;
        CostToServe::new(mean).ok()
    }

    /// How many purchases there are, without returns.
    pub const fn purchases(&self) -> u64 {
        self.purchases
    }

    /// How many returns there are.
    pub const fn returns(&self) -> u64 {
        self.returns
    }

    /// Of purchases and returns, how many have no known cost, so that their margin is assumed.
    pub const fn purchases_without_cost(&self) -> u64 {
        self.purchases_without_cost
    }

    /// How many interactions there are.
    pub const fn interactions(&self) -> u64 {
        self.interactions
    }

    /// Of these, how many have no known cost and count as free.
    pub const fn interactions_without_cost(&self) -> u64 {
        self.interactions_without_cost
    }
}
