use super::chunked_sum::ChunkedSum;
use super::{
    Buyer, Buyers, CostToServe, Discount, GammaGamma, Horizon, PurchaseModel, RepeatSpend, RepeatSpends,
    ValueError,
};
use crate::measure::Share;
use crate::numeric::dropout_series::{Afresh, Memory, Sums};

/// What a customer is still worth: expected purchases times expected spend times margin, later ones counting less.
///
/// # Formula
/// ```text
/// value = margin * E[spend] * integral of e^(-d t) dE[purchases until t] over the horizon
/// ```
/// Purchases and spend are taken to be independent, which the fit of [`GammaGamma`] checks. The error of the
/// integral is that of [`PurchaseModel::discounted_purchases`].
///
/// # Example
/// ```
/// use patronage::value::{
///     BgNbd, Buyer, Discount, GammaGamma, Horizon, LifetimeValue, RepeatSpend, TimeUnit,
/// };
/// use patronage::{Currency, Money, Share};
///
/// // Both fitted to CDNOW, in weeks and cents.
/// let purchases = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
/// let spend = GammaGamma::new(6.25, 3.74, 1544.0)?;
/// let year = Horizon::of(1.0, TimeUnit::YEAR, TimeUnit::WEEK)?;
/// let ten_per_cent = Discount::of(0.10, TimeUnit::YEAR, TimeUnit::WEEK)?;
/// let value = LifetimeValue::new(&purchases, &spend, year, ten_per_cent, Share::new(0.3)?);
///
/// let cents = value.value(Buyer::new(2, 30.43, 38.86)?, RepeatSpend::new(2, 2235.0)?);
/// assert_eq!(Money::rounded(cents, Currency::USD)?.to_string(), "11.07 USD");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LifetimeValue<'a, M> {
    pub(super) purchases: &'a M,
    spend: &'a GammaGamma,
    horizon: Horizon,
    discount: Discount,
    margin: Share,
}

impl<'a, M: PurchaseModel> LifetimeValue<'a, M> {
    /// Values customers by a model of their purchases and one of their spend, over a horizon and with a discount in
    /// the unit of the first, at the margin that is left of the spend.
    pub const fn new(
        purchases: &'a M,
        spend: &'a GammaGamma,
        horizon: Horizon,
        discount: Discount,
        margin: Share,
    ) -> Self {
        Self { purchases, spend, horizon, discount, margin }
    }

    /// The value of one customer.
    ///
    /// # Returns
    /// 0 or more, in the unit of the spend (minor units, when it was fitted to those).
    pub fn value(&self, buyer: Buyer, spend: RepeatSpend) -> f64 {
        self.value_by(buyer, spend, &mut Afresh)
    }

    /// [`value`](Self::value) of many.
    pub fn value_each(
        &self,
        customers: impl IntoIterator<Item = (Buyer, RepeatSpend)>,
    ) -> impl Iterator<Item = f64> {
        customers.into_iter().map(|(buyer, spend)| self.value(buyer, spend))
    }

    /// [`value`](Self::value) of columns into `out`; allocates nothing.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`] when the spend or `out` has another length than the buyers.
    pub fn value_into(
        &self,
        buyers: Buyers<'_>,
        spends: RepeatSpends<'_>,
        out: &mut [f64],
    ) -> Result<(), ValueError> {
        buyers.fits("mean", spends.len())?;
        buyers.fits("out", out.len())?;
        let mut memory = Memory::new();
        for ((slot, buyer), spend) in out.iter_mut().zip(buyers.iter()).zip(spends.iter()) {
            *slot = self.value_by(buyer, spend, &mut memory.of(buyer.frequency()));
        }
        Ok(())
    }

    /// What is left of the value of a customer after the cost to serve them.
    ///
    /// # Arguments
    /// - `cost`: what serving this customer costs for each purchase, in the unit of the spend; see
    ///   [`Profitability::cost_to_serve`](super::Profitability::cost_to_serve) for what it was so far.
    ///
    /// # Returns
    /// A number in the unit of the spend; negative for a customer who costs more than they bring.
    ///
    /// # Formula
    /// ```text
    /// profit = (margin * E[spend] - cost) * integral of e^(-d t) dE[purchases until t] over the horizon
    /// ```
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::value::{
    ///     BgNbd, Buyer, CostToServe, Discount, GammaGamma, Horizon, LifetimeValue, RepeatSpend,
    /// };
    ///
    /// // Both fitted to CDNOW, in weeks and cents.
    /// let purchases = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
    /// let spend = GammaGamma::new(6.25, 3.74, 1544.0)?;
    /// let weeks = Horizon::new(39.0)?;
    /// let value = LifetimeValue::new(&purchases, &spend, weeks, Discount::NONE, Share::new(0.3)?);
    ///
    /// let (buyer, spent) = (Buyer::new(2, 30.43, 38.86)?, RepeatSpend::new(2, 2235.0)?);
    /// let calls_often = CostToServe::new(800.0)?;
    /// let profit = value.profit(buyer, spent, calls_often);
    /// assert_eq!(format!("{:.0} - {:.0}", value.value(buyer, spent), value.value(buyer, spent) - profit), "907 - 981");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn profit(&self, buyer: Buyer, spend: RepeatSpend, cost: CostToServe) -> f64 {
        self.after_cost(buyer, spend, cost, &mut Afresh)
    }

    /// [`profit`](Self::profit) of many.
    pub fn profit_each(
        &self,
        customers: impl IntoIterator<Item = (Buyer, RepeatSpend, CostToServe)>,
    ) -> impl Iterator<Item = f64> {
        customers.into_iter().map(|(buyer, spend, cost)| self.profit(buyer, spend, cost))
    }

    /// [`profit`](Self::profit) of columns into `out`; allocates nothing.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`] when the spend, the costs or `out` have another length than the buyers.
    pub fn profit_into(
        &self,
        buyers: Buyers<'_>,
        spends: RepeatSpends<'_>,
        costs: &[CostToServe],
        out: &mut [f64],
    ) -> Result<(), ValueError> {
        buyers.fits("mean", spends.len())?;
        buyers.fits("costs", costs.len())?;
        buyers.fits("out", out.len())?;
        let mut memory = Memory::new();
        let rows = buyers.iter().zip(spends.iter()).zip(costs);
        for (slot, ((buyer, spend), &cost)) in out.iter_mut().zip(rows) {
            *slot = self.after_cost(buyer, spend, cost, &mut memory.of(buyer.frequency()));
        }
        Ok(())
    }

    /// The customer equity: the sum of the [`value`](Self::value) of all customers there are.
    ///
    /// How sure it is says [`Fit::interval_with`](super::Fit::interval_with).
    ///
    /// # Returns
    /// 0 or more, in the unit of the spend; 0 without customers.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`] when the spend has another length than the buyers.
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::value::{BgNbd, Buyers, Discount, GammaGamma, Horizon, LifetimeValue, RepeatSpends};
    ///
    /// let purchases = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
    /// let spend = GammaGamma::new(6.25, 3.74, 1544.0)?;
    /// let value = LifetimeValue::new(&purchases, &spend, Horizon::new(39.0)?, Discount::NONE, Share::new(0.3)?);
    ///
    /// let buyers = Buyers::new(&[2, 0], &[30.43, 0.0], &[38.86, 38.86])?;
    /// let spends = RepeatSpends::new(&[2, 0], &[2235.0, 0.0])?;
    /// assert_eq!(format!("{:.0} cents", value.customer_equity(buyers, spends)?), "1113 cents");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn customer_equity(&self, buyers: Buyers<'_>, spends: RepeatSpends<'_>) -> Result<f64, ValueError> {
        buyers.fits("mean", spends.len())?;
        let (mut memory, mut sum) = (Memory::new(), ChunkedSum::new());
        for (buyer, spend) in buyers.iter().zip(spends.iter()) {
            sum.push([self.value_by(buyer, spend, &mut memory.of(buyer.frequency()))]);
        }
        let [equity] = sum.sums();
        Ok(equity)
    }

    fn value_by(&self, buyer: Buyer, spend: RepeatSpend, sums: &mut impl Sums) -> f64 {
        self.after_cost(buyer, spend, CostToServe::NONE, sums)
    }

    fn after_cost(&self, buyer: Buyer, spend: RepeatSpend, cost: CostToServe, sums: &mut impl Sums) -> f64 {
        let living = self.purchases.living(buyer);
        let purchases = living.discounted(self.horizon.length(), self.discount.rate(), sums);
        let each = self.spend.expected_spend(spend) * self.margin.get() - cost.per_purchase();
        self.purchases.p_alive(buyer) * purchases * each
    }
}
