use super::{
    Buyer, Buyers, Discount, GammaGamma, Horizon, PurchaseModel, RepeatSpend, RepeatSpends, ValueError,
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

    fn value_by(&self, buyer: Buyer, spend: RepeatSpend, sums: &mut impl Sums) -> f64 {
        let living = self.purchases.living(buyer);
        let purchases = living.discounted(self.horizon.length(), self.discount.rate(), sums);
        self.purchases.p_alive(buyer) * purchases * self.spend.expected_spend(spend) * self.margin.get()
    }
}
