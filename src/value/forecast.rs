#[cfg(test)]
mod tests;

use super::buyer::LONGEST;
use super::doors::{doors, each, fill};
use super::model::sealed::Sealed;
use super::{Buyer, Buyers, Discount, Horizon, PurchaseModel, ValueError};
use crate::measure::Share;
use crate::numeric::dropout_series::{Afresh, Memory, Sums};
use crate::numeric::exponential::falling_logistic;

/// What follows from any model of buying for the time to come: how many purchases and when, silence, and what is left
/// for ever.
///
/// Every [`PurchaseModel`] answers these. A new customer is [`Buyer::NEW`]. The doors are those of [`PurchaseModel`].
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::value::{BgNbd, Buyer, Horizon, PurchaseForecast};
///
/// // Fitted to weeks of CDNOW purchases.
/// let model = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
/// let weeks = Horizon::new(39.0)?;
/// assert_eq!(format!("{:.10}", model.p_purchases(Buyer::NEW, 1, weeks)), "0.1993952808");
///
/// let buyer = Buyer::new(2, 30.43, 38.86)?;
/// let median = model.next_purchase(buyer, Share::new(0.5)?).ok_or("rather never")?;
/// assert_eq!(format!("{:.2}", median.length()), "29.48");
/// assert_eq!(format!("{:.3}", model.p_no_purchase(buyer, median)), "0.500");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait PurchaseForecast: PurchaseModel {
    /// How likely a customer makes exactly `count` purchases within the horizon from now; P(alive) is taken into
    /// account.
    ///
    /// # Returns
    /// 0 to 1; over all counts, 1.
    ///
    /// # Cost
    /// Incomplete beta functions (an integral in the Pareto/NBD model).
    fn p_purchases(&self, buyer: Buyer, count: u32, horizon: Horizon) -> f64 {
        let part = self.p_alive(buyer) * self.living(buyer).p_purchases(count, horizon.length());
        if count == 0 { (part + p_gone(self, buyer)).min(1.0) } else { part }
    }

    /// How likely a customer makes no purchase within the horizon from now, be it that they have left.
    ///
    /// # Returns
    /// 0 to 1. It is `1 - P(alive)` at least.
    fn p_no_purchase(&self, buyer: Buyer, horizon: Horizon) -> f64 {
        self.p_purchases(buyer, 0, horizon)
    }

    /// How many purchases a customer is expected to make after `from` and not after `until`, both from now; 0 where
    /// `until` is not later.
    ///
    /// # Returns
    /// 0 or more, precise for short intervals too.
    fn expected_purchases_between(&self, buyer: Buyer, from: Horizon, until: Horizon) -> f64 {
        between(self, buyer, from, until, &mut Afresh)
    }

    /// How likely it is that a customer is still one after a further silence.
    ///
    /// # Returns
    /// 0 to 1, falling with the silence. In [`BgNbd`](super::BgNbd) those who never came back stay at 1.
    fn p_alive_after(&self, buyer: Buyer, silence: Horizon) -> f64 {
        self.p_alive(buyer.after_silence(silence.length()))
    }

    /// Within which time the next purchase comes with this probability: for one half, the median time.
    ///
    /// # Returns
    /// `None` where it is less likely than that to come at all (within 1e30).
    ///
    /// # Cost
    /// Closed in BG/NBD, MBG/NBD and NBD; a search by bisection in the others.
    fn next_purchase(&self, buyer: Buyer, probability: Share) -> Option<Horizon> {
        let p_alive = self.p_alive(buyer);
        let of_living = if probability.get() > 0.0 { probability.get() / p_alive } else { 0.0 };
        if of_living >= 1.0 {
            return None;
        }
        let time = self.living(buyer).next_purchase(of_living, LONGEST)?;
        Horizon::new(time).ok()
    }

    /// The discounted expected residual transactions (DERT): how many purchases a customer is expected to make from
    /// now on for ever, later ones counting less.
    ///
    /// # Returns
    /// 0 or more; infinite where there is no discount and nothing else bounds the sum (a or s is at most 1, or nobody
    /// leaves).
    ///
    /// # Formula
    /// ```text
    /// Pareto/NBD   P(alive) (r+x) / (alpha+T) (beta+T)^s d^(s-1) U(s, s, d (beta+T)),   U(s, s, z) = e^z z^(1-s) E_s(z)
    /// BG, MBG      P(alive) n E over p of e^(z/p) E_(n+1)(z/p) / p,                     z = d (alpha+T), n = r+x
    /// NBD          (r+x) / ((alpha+T) d)
    /// ```
    /// with d the continuous discount and `E_s` the exponential integral. Those of Pareto/NBD and NBD are closed, the
    /// means over p are trapezoidal sums and those over rates (for k > 1) Gauss-Legendre sums, with an error below
    /// 1e-11 of the result.
    ///
    /// # Cost
    /// A closed form or, in the models of leaving after a purchase, about a hundred evaluations of `E_s`.
    fn discounted_residual_purchases(&self, buyer: Buyer, discount: Discount) -> f64 {
        let p_alive = self.p_alive(buyer);
        if p_alive > 0.0 { p_alive * self.living(buyer).residual(discount.rate()) } else { 0.0 }
    }

    doors! {
        p_purchases, p_purchases_each, p_purchases_into(count: u32, horizon: Horizon);
        p_no_purchase, p_no_purchase_each, p_no_purchase_into(horizon: Horizon);
        p_alive_after, p_alive_after_each, p_alive_after_into(silence: Horizon);
        discounted_residual_purchases, discounted_residual_purchases_each, discounted_residual_purchases_into(
            discount: Discount
        );
        => Buyer, Buyers<'_>, each, fill, where Self: Sized
    }

    /// [`expected_purchases_between`](Self::expected_purchases_between) of many.
    fn expected_purchases_between_each(
        &self,
        buyers: impl IntoIterator<Item = Buyer>,
        from: Horizon,
        until: Horizon,
    ) -> impl Iterator<Item = f64>
    where
        Self: Sized,
    {
        buyers.into_iter().map(move |buyer| self.expected_purchases_between(buyer, from, until))
    }

    /// [`next_purchase`](Self::next_purchase) of many.
    fn next_purchase_each(
        &self,
        buyers: impl IntoIterator<Item = Buyer>,
        probability: Share,
    ) -> impl Iterator<Item = Option<Horizon>>
    where
        Self: Sized,
    {
        buyers.into_iter().map(move |buyer| self.next_purchase(buyer, probability))
    }

    /// [`expected_purchases_between`](Self::expected_purchases_between) of columns into `out`.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`] when `out` has another length than the columns.
    fn expected_purchases_between_into(
        &self,
        buyers: Buyers<'_>,
        from: Horizon,
        until: Horizon,
        out: &mut [f64],
    ) -> Result<(), ValueError> {
        let mut memory = Memory::new();
        buyers.fits("out", out.len())?;
        fill(buyers.iter(), out, |buyer| {
            between(self, buyer, from, until, &mut memory.of(buyer.frequency()))
        });
        Ok(())
    }

    /// [`next_purchase`](Self::next_purchase) of columns into `out`: the length of time, and infinity where the next
    /// purchase is less likely than that to come at all.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`] when `out` has another length than the columns.
    fn next_purchase_into(
        &self,
        buyers: Buyers<'_>,
        probability: Share,
        out: &mut [f64],
    ) -> Result<(), ValueError> {
        buyers.fits("out", out.len())?;
        fill(buyers.iter(), out, |buyer| {
            self.next_purchase(buyer, probability).map_or(f64::INFINITY, Horizon::length)
        });
        Ok(())
    }
}

impl<M: PurchaseModel> PurchaseForecast for M {}

fn between(
    model: &(impl PurchaseModel + ?Sized),
    buyer: Buyer,
    from: Horizon,
    until: Horizon,
    sums: &mut impl Sums,
) -> f64 {
    model.p_alive(buyer) * model.living(buyer).expected_between(from.length(), until.length(), sums)
}

/// 1 - P(alive), to the last digits of a small one.
fn p_gone(model: &(impl Sealed + ?Sized), buyer: Buyer) -> f64 {
    falling_logistic(-model.ln_odds_gone(buyer))
}
