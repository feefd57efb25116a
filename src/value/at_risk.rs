use super::{Buyer, Horizon, LifetimeValue, PurchaseForecast, PurchaseModel, RepeatSpend};

impl<M: PurchaseModel> LifetimeValue<'_, M> {
    /// How much value is at risk with a customer who stays silent for a further time: what weighs one customer's pain
    /// against another's.
    ///
    /// # Arguments
    /// - `silence`: a further time without a purchase, in the unit of the fit; 0 for the silence there is already.
    ///
    /// # Returns
    /// 0 or more, at most the [`value`](Self::value), in the unit of the spend.
    ///
    /// # Formula
    /// ```text
    /// value * (1 - P(alive) after the silence)
    /// ```
    /// The value is that of today, which counts only what is still expected. A customer who surely left long ago is
    /// worth nothing, and one who surely stays risks nothing: the amount is largest for those in between.
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::value::{
    ///     Buyer, Discount, GammaGamma, Horizon, LifetimeValue, ParetoNbd, RepeatSpend,
    /// };
    ///
    /// // Both fitted to CDNOW, in weeks and cents.
    /// let purchases = ParetoNbd::new(0.553, 10.578, 0.606, 11.669)?;
    /// let spend = GammaGamma::new(6.25, 3.74, 1544.0)?;
    /// let weeks = Horizon::new(39.0)?;
    /// let value = LifetimeValue::new(&purchases, &spend, weeks, Discount::NONE, Share::ONE);
    ///
    /// let (buyer, spent) = (Buyer::new(2, 30.43, 38.86)?, RepeatSpend::new(2, 2235.0)?);
    /// let at_risk = value.at_risk(buyer, spent, Horizon::new(13.0)?);
    /// assert_eq!(format!("{at_risk:.0} of {:.0} cents", value.value(buyer, spent)), "1226 of 3589 cents");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at_risk(&self, buyer: Buyer, spend: RepeatSpend, silence: Horizon) -> f64 {
        self.value(buyer, spend) * (1.0 - self.purchases.p_alive_after(buyer, silence))
    }
}
