#[cfg(test)]
mod tests;

use super::interval::checked;
use super::{Buyer, Horizon, IntervalError, Prediction, PurchaseModel, prediction};
use crate::measure::Share;
use std::ops::RangeInclusive;

/// What customers may really do, and not only what is expected of them: how many purchases come at least, at most, and
/// in all.
///
/// Every [`PurchaseModel`] answers these, with its parameters taken as known.
/// [`Fit::predict_total`](super::Fit::predict_total) also counts in how well they are known.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::value::{BgNbd, Buyer, Horizon, PurchaseModel, PurchasePrediction};
///
/// // Fitted to weeks of CDNOW purchases.
/// let model = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
/// let (buyer, weeks) = (Buyer::new(2, 30.43, 38.86)?, Horizon::new(39.0)?);
/// assert_eq!(format!("{:.2}", model.expected_purchases(buyer, weeks)), "1.23");
/// assert_eq!(format!("{:.4}", model.p_at_least(buyer, 3, weeks)), "0.1711");
/// assert_eq!(model.purchase_range(buyer, weeks, Share::new(0.9)?)?, 0..=4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait PurchasePrediction: PurchaseModel {
    /// How likely a customer makes `count` purchases or more within the horizon from now.
    ///
    /// # Returns
    /// 0 to 1, falling with the count; 1 for a count of 0.
    ///
    /// # Formula
    /// ```text
    /// P(alive) I(count) (b)_(count-1) / (a+b)_(count-1)      BG, MBG; NBD without the last factor
    /// ```
    /// with I how likely so many purchases are due, a regularised incomplete beta function. In the Pareto/NBD model, an
    /// integral over the time of the purchase of this number.
    fn p_at_least(&self, buyer: Buyer, count: u32, horizon: Horizon) -> f64 {
        if count == 0 {
            return 1.0;
        }
        let p_alive = self.p_alive(buyer);
        if p_alive > 0.0 { p_alive * self.living(buyer).p_at_least(count, horizon.length()) } else { 0.0 }
    }

    /// How many purchases a customer makes at most within the horizon, with this probability: a quantile.
    ///
    /// # Returns
    /// The least number that is not exceeded with this probability or more. For a probability of 1, which no number
    /// has, and beyond, 4,294,967,295.
    ///
    /// # Cost
    /// About twice the binary logarithm of the answer in evaluations of [`p_at_least`](Self::p_at_least).
    fn purchase_quantile(&self, buyer: Buyer, probability: Share, horizon: Horizon) -> u32 {
        if probability >= Share::ONE {
            return u32::MAX;
        }
        let beyond = probability.complement().get();
        let exceeds = |count: u32| self.p_at_least(buyer, count.saturating_add(1), horizon) > beyond;
        if !exceeds(0) {
            return 0;
        }
        // The answer lies above `low` and at most at `high`.
        let (mut low, mut high) = (0, 1);
        while exceeds(high) {
            if high == u32::MAX {
                return high;
            }
            (low, high) = (high, high.saturating_mul(2));
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if exceeds(middle) { low = middle } else { high = middle }
        }
        high
    }

    /// Between which numbers the purchases of a customer within the horizon will lie.
    ///
    /// # Arguments
    /// - `level`: how likely at least, between 0 and 1; the rest is shared between too few and too many.
    ///
    /// # Errors
    /// [`IntervalError::Level`] for a level of 0 or 1.
    fn purchase_range(
        &self,
        buyer: Buyer,
        horizon: Horizon,
        level: Share,
    ) -> Result<RangeInclusive<u32>, IntervalError> {
        let rest = 0.5 * (1.0 - checked(level)?.get());
        // Both lie between 0 and 1, so that no share is refused.
        let at = |probability: f64| {
            let probability = Share::new(probability).unwrap_or(Share::ONE);
            self.purchase_quantile(buyer, probability, horizon)
        };
        Ok(at(rest)..=at(1.0 - rest))
    }

    /// How many purchases customers will make in all within the horizon: what each may do, simulated.
    ///
    /// # Arguments
    /// - `level`: how likely the total lies within the bounds, between 0 and 1.
    /// - `repeats`: how often the future is simulated, at least 100; 1,000 for two digits of a 95 % interval.
    /// - `seed`: the same seed gives the same prediction on every platform.
    ///
    /// # Returns
    /// A [`Prediction`] for parameters that are known; the order of customers changes nothing.
    ///
    /// # Errors
    /// [`IntervalError`]: a level of 0 or 1, or too few repeats.
    ///
    /// # Cost
    /// About 0.1 microseconds for each customer and repeat; 40 bytes for each customer.
    fn predict_total(
        &self,
        buyers: impl IntoIterator<Item = Buyer>,
        horizon: Horizon,
        level: Share,
        repeats: u32,
        seed: u64,
    ) -> Result<Prediction, IntervalError>
    where
        Self: Sized,
    {
        let buyers = prediction::Counted::of(buyers);
        prediction::simulate(repeats, level, seed, |_, random| Ok(buyers.total(self, horizon, random)))
    }
}

impl<M: PurchaseModel> PurchasePrediction for M {}
