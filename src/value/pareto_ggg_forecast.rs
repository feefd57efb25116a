//! What customers of the Pareto/GGG model will do.

#[cfg(test)]
mod tests;

use super::buyer::LONGEST;
use super::doors::{doors, each, fill};
use super::regularity::Regularity;
use super::waiting::Fineness;
use super::{Discount, Horizon, ParetoGgg, TimedBuyer, TimedBuyers};
use crate::measure::Share;

const NESTED: Fineness = Fineness::NESTED;

/// Without a discount, purchases are added up one by one until so many times what customers need to buy and to leave.
const FAR: f64 = 1e4;

impl ParetoGgg {
    /// How many purchases a customer is expected to make within the horizon from now; P(alive) is taken into account.
    ///
    /// # Returns
    /// 0 or more, to about six digits; where t is below 2 to four, and for those who never came back to three, because
    /// customers who buy hundreds of times in a burst make up a part of the mean then. For someone who has just bought for
    /// the first time it is infinite where t is at most 1: that has no mean.
    ///
    /// # Formula
    /// ```text
    /// E over k, given all that is seen, of 1 / B(k) times
    /// integral of f(u) [S(u) + integral of m(v; u) S(u+v) dv over 0..T+t-t_x-u] du over T-t_x..T+t-t_x
    /// ```
    /// with f the density of the time from the last purchase to the next, S(u) = (1 + u / (beta+t_x))^-s how likely the
    /// customer is still there then, and m the rate at which all later purchases come: a sum over their number.
    ///
    /// # Cost
    /// About 2 milliseconds; more where hundreds of purchases are due.
    pub fn expected_purchases(&self, buyer: TimedBuyer, horizon: Horizon) -> f64 {
        self.discounted_purchases(buyer, horizon, Discount::NONE)
    }

    /// How many repeat purchases someone who has just bought for the first time is expected to make within the horizon.
    ///
    /// # Cost
    /// As [`expected_purchases`](Self::expected_purchases).
    pub fn expected_purchases_new(&self, horizon: Horizon) -> f64 {
        self.expected_purchases(TimedBuyer::NEW, horizon)
    }

    /// How many purchases a customer is expected to make after `from` and not after `until`, both from now; 0 where
    /// `until` is not later.
    ///
    /// # Returns
    /// 0 or more; a difference, as good as the purchases until `until` are known.
    ///
    /// # Cost
    /// Twice that of [`expected_purchases`](Self::expected_purchases).
    pub fn expected_purchases_between(&self, buyer: TimedBuyer, from: Horizon, until: Horizon) -> f64 {
        if until <= from {
            return 0.0;
        }
        let sooner = if from.length() > 0.0 { self.expected_purchases(buyer, from) } else { 0.0 };
        let all = self.expected_purchases(buyer, until);
        if all.is_finite() { (all - sooner).max(0.0) } else { all }
    }

    /// How many purchases a customer is expected to make within the horizon, later ones counting less.
    ///
    /// # Returns
    /// As [`expected_purchases`](Self::expected_purchases).
    ///
    /// # Formula
    /// As [`expected_purchases`](Self::expected_purchases), a purchase after a time u from now counting e^(-d u).
    ///
    /// # Cost
    /// About twice that of [`expected_purchases`](Self::expected_purchases).
    pub fn discounted_purchases(&self, buyer: TimedBuyer, horizon: Horizon, discount: Discount) -> f64 {
        let (length, rate) = (horizon.length(), discount.rate());
        if self.has_no_mean(buyer) && length > 0.0 {
            return f64::INFINITY;
        }
        let regularity = Regularity::new(self, buyer);
        let silence = regularity.silence;
        let (_, [mean]) = regularity.means(NESTED, |k| {
            let silent = regularity.silent(NESTED, k, silence);
            (libm::log(silent), [regularity.purchases(NESTED, k, length, rate) / silent])
        });
        mean.max(0.0)
    }

    /// The discounted expected residual transactions (DERT): how many purchases a customer is expected to make from
    /// now on for ever, later ones counting less.
    ///
    /// # Returns
    /// As [`expected_purchases`](Self::expected_purchases), to a digit less without a discount; infinite where there is no
    /// discount and nothing else bounds the sum (s is at most 1).
    ///
    /// # Formula
    /// As [`discounted_purchases`](Self::discounted_purchases); what comes after 40 / d counts nothing. Without a
    /// discount, after a time by which it no longer matters when the last purchase was, the rate times the time that a
    /// customer stays.
    ///
    /// # Cost
    /// As [`discounted_purchases`](Self::discounted_purchases); about 20 milliseconds with little or no discount.
    pub fn discounted_residual_purchases(&self, buyer: TimedBuyer, discount: Discount) -> f64 {
        if discount.rate() > 0.0 {
            return self.discounted_purchases(buyer, Horizon::trusted(LONGEST), discount);
        }
        if self.s() <= 1.0 || self.has_no_mean(buyer) {
            return f64::INFINITY;
        }
        let regularity = Regularity::new(self, buyer);
        let silence = regularity.silence;
        let (_, [mean]) = regularity.means(NESTED, |k| {
            let silent = regularity.silent(NESTED, k, silence);
            let pace = k.waiting.scale / k.waiting.shape;
            let far = FAR * pace.max(regularity.loss_scale()).max(silence);
            let purchases = regularity.purchases(NESTED, k, far, 0.0) + regularity.far_purchases(k, far);
            (libm::log(silent), [purchases / silent])
        });
        mean.max(0.0)
    }

    /// Whether so many may buy so often at once that the mean of their purchases is infinite: like 1 / k for a small k.
    fn has_no_mean(&self, buyer: TimedBuyer) -> bool {
        self.t() <= 1.0 && buyer == TimedBuyer::NEW
    }

    /// How likely a customer makes exactly `count` purchases within the horizon from now; P(alive) is taken into account.
    ///
    /// # Returns
    /// 0 to 1; for a count above 0 a difference, with an error of about 1e-7.
    ///
    /// # Cost
    /// Twice that of [`p_at_least`](Self::p_at_least).
    pub fn p_purchases(&self, buyer: TimedBuyer, count: u32, horizon: Horizon) -> f64 {
        let Some(more) = count.checked_add(1).filter(|&more| more > 1) else {
            return self.p_no_purchase(buyer, horizon);
        };
        let regularity = Regularity::new(self, buyer);
        let (silence, time) = (regularity.silence, horizon.length());
        let (_, [p]) = regularity.means(NESTED, |k| {
            let silent = regularity.silent(NESTED, k, silence);
            let p = regularity.at_least(NESTED, k, count, time) - regularity.at_least(NESTED, k, more, time);
            (libm::log(silent), [p / silent])
        });
        p.clamp(0.0, 1.0)
    }

    /// How likely a customer makes `count` purchases or more within the horizon from now.
    ///
    /// # Returns
    /// 0 to 1, falling with the count, with an error of about 1e-7; 1 for a count of 0.
    ///
    /// # Formula
    /// ```text
    /// E over k, given all that is seen, of 1 / B(k) times
    /// integral of f(u) integral of g(v; u) S(u+v) dv over 0..T+t-t_x-u du over T-t_x..T+t-t_x
    /// ```
    /// with f and S as in [`expected_purchases`](Self::expected_purchases), and g the density of the time from the next
    /// purchase to the last of so many.
    ///
    /// # Cost
    /// About 2 milliseconds.
    pub fn p_at_least(&self, buyer: TimedBuyer, count: u32, horizon: Horizon) -> f64 {
        if count == 0 {
            return 1.0;
        }
        let regularity = Regularity::new(self, buyer);
        let silence = regularity.silence;
        let (_, [p]) = regularity.means(NESTED, |k| {
            let silent = regularity.silent(NESTED, k, silence);
            (libm::log(silent), [regularity.at_least(NESTED, k, count, horizon.length()) / silent])
        });
        p.clamp(0.0, 1.0)
    }

    /// How likely it is that a customer is still one after a further silence.
    ///
    /// # Returns
    /// 0 to 1, falling with the silence: the sooner, the more regularly they bought.
    ///
    /// # Cost
    /// As [`p_alive`](Self::p_alive).
    pub fn p_alive_after(&self, buyer: TimedBuyer, silence: Horizon) -> f64 {
        self.p_alive(buyer.after_silence(silence.length()))
    }

    /// Within which time the next purchase comes with this probability: for one half, the median time.
    ///
    /// # Returns
    /// `None` where it is less likely than that to come at all (within 1e30).
    ///
    /// # Cost
    /// A search by bisection: about 10 milliseconds.
    pub fn next_purchase(&self, buyer: TimedBuyer, probability: Share) -> Option<Horizon> {
        if probability <= Share::ZERO {
            return Horizon::new(0.0).ok();
        }
        let comes = |time: f64| 1.0 - self.p_no_purchase(buyer, Horizon::trusted(time)) >= probability.get();
        // Between two powers of sixteen, and then halfway in the logarithm.
        let mut high = (self.alpha() / self.r()).clamp(1e-250, LONGEST);
        while !comes(high) {
            if high >= LONGEST {
                return None;
            }
            high = (16.0 * high).min(LONGEST);
        }
        let mut low = high / 16.0;
        while low > 1e-280 && comes(low) {
            (low, high) = (low / 16.0, low);
        }
        while high > low * (1.0 + 1e-10) {
            let middle = low.sqrt() * high.sqrt();
            if comes(middle) { high = middle } else { low = middle }
        }
        Some(Horizon::trusted(high))
    }

    doors! {
        log_likelihood, log_likelihood_each, log_likelihood_into();
        p_alive, p_alive_each, p_alive_into();
        p_alive_after, p_alive_after_each, p_alive_after_into(silence: Horizon);
        expected_regularity, expected_regularity_each, expected_regularity_into();
        expected_purchases, expected_purchases_each, expected_purchases_into(horizon: Horizon);
        expected_purchases_between, expected_purchases_between_each, expected_purchases_between_into(
            from: Horizon, until: Horizon
        );
        discounted_purchases, discounted_purchases_each, discounted_purchases_into(
            horizon: Horizon, discount: Discount
        );
        discounted_residual_purchases, discounted_residual_purchases_each, discounted_residual_purchases_into(
            discount: Discount
        );
        p_purchases, p_purchases_each, p_purchases_into(count: u32, horizon: Horizon);
        p_at_least, p_at_least_each, p_at_least_into(count: u32, horizon: Horizon);
        p_no_purchase, p_no_purchase_each, p_no_purchase_into(horizon: Horizon);
        => pub TimedBuyer, TimedBuyers<'_>, each, fill
    }
}
