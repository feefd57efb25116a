#[cfg(test)]
mod tests;

use super::discrete_rows::DiscreteRows;
use super::doors::{doors, each, fill};
use super::fit::fit_with_priors;
use super::parameters::parameters;
use super::{Discount, DiscreteBuyer, DiscreteBuyers, Fit, FitError, Priors};
use crate::measure::Share;
use crate::numeric::beta_ratio::{discounted_sum_of_beta_ratios, ln_beta_ratio, sum_of_beta_ratios};
use crate::numeric::smooth_sum::{Falling, smooth_sum};

/// Silences of up to so many opportunities are added up one by one.
const SHORT: f64 = 1024.0;
/// Sums are scaled down before they overflow.
const LARGE: f64 = 1e250;

parameters! {
    /// The BG/BB model: at each opportunity a customer who is alive buys with a probability of their own, and before
    /// each they may silently leave for ever, with another.
    ///
    /// For customers whose chances to buy come in periods (a yearly appeal, a monthly box) rather than at any time. The
    /// probabilities of buying are spread over customers by Beta(alpha, beta), those of leaving by Beta(gamma, delta).
    /// What it answers about a customer comes through three doors that agree to the last bit: one row, an iterator of
    /// rows (`_each`), and columns into a buffer of the caller (`_into`), which allocates nothing. A new customer is
    /// [`DiscreteBuyer::NEW`].
    ///
    /// # Example
    /// ```
    /// use patronage::value::{BgBb, DiscreteBuyer, Discount, TimeUnit};
    ///
    /// // Fitted to the yearly donations of 11,104 people.
    /// let model = BgBb::new(1.204, 0.750, 0.657, 2.783)?;
    /// let donor = DiscreteBuyer::new(6, 6, 6)?;
    /// assert_eq!(format!("{:.3}", model.p_alive_at(donor, 1)), "0.930");
    /// assert_eq!(format!("{:.2}", model.expected_purchases(donor, 5)), "3.75");
    /// let ten_per_cent = Discount::of(0.10, TimeUnit::YEAR, TimeUnit::YEAR)?;
    /// assert_eq!(format!("{:.2}", model.discounted_residual_purchases(donor, ten_per_cent)), "5.91");
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    ///
    /// Source: P. Fader, B. Hardie, J. Shang, "Customer-base analysis in a discrete-time noncontractual setting",
    /// Marketing Science 29 (2010).
    "bg_bb" BgBb {
        /// The first shape of the probabilities of buying: alpha / (alpha + beta) is their mean.
        alpha,
        /// The second shape of the probabilities of buying.
        beta,
        /// The first shape of the probabilities of leaving: gamma / (gamma + delta) is their mean.
        gamma,
        /// The second shape of the probabilities of leaving.
        delta,
    }
    /// The model with known parameters.
    new
}

impl BgBb {
    /// Finds the parameters that make the histories of all customers most likely.
    ///
    /// # Errors
    /// [`FitError`]: no customers, nobody who bought, all the same, a parameter at the edge of the model (as when those
    /// who bought never stop), data that do not tell the parameters apart (as one opportunity), or no convergence.
    ///
    /// # Cost
    /// Sorting, then about ten passes over the distinct pairs of opportunities and frequency, each as long as its
    /// longest silence; 12 bytes for each row, and 120 for each opportunity.
    pub fn fit(buyers: impl IntoIterator<Item = DiscreteBuyer>) -> Result<Fit<Self>, FitError> {
        Self::fit_counted(buyers.into_iter().map(|buyer| (buyer, 1)))
    }

    /// [`fit`](Self::fit) of rows that come with the number of customers they stand for, such as a published table.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); rows that stand for nobody are left out.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{BgBb, DiscreteBuyer};
    ///
    /// // In which of the next six years did the donors of 1995 give: how often, the last time, and how many did.
    /// let rows = [
    ///     [0, 0, 3464], [1, 1, 1091], [1, 2, 277], [1, 3, 129], [1, 4, 78], [1, 5, 119], [1, 6, 129],
    ///     [2, 2, 613], [2, 3, 255], [2, 4, 155], [2, 5, 173], [2, 6, 234], [3, 3, 322], [3, 4, 181],
    ///     [3, 5, 225], [3, 6, 357], [4, 4, 240], [4, 5, 284], [4, 6, 512], [5, 5, 335], [5, 6, 728],
    ///     [6, 6, 1203],
    /// ];
    /// let mut donors = Vec::new();
    /// for [frequency, recency, count] in rows {
    ///     donors.push((DiscreteBuyer::new(frequency, recency, 6)?, u64::from(count)));
    /// }
    /// let fit = BgBb::fit_counted(donors)?;
    /// let parameters: Vec<String> = fit.parameters().iter().map(|p| format!("{:.3}", p.value)).collect();
    /// assert_eq!(parameters, ["1.204", "0.750", "0.657", "2.783"]);
    /// assert_eq!(format!("{:.4}", fit.log_likelihood()), "-33225.5813");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit_counted(
        buyers: impl IntoIterator<Item = (DiscreteBuyer, u64)>,
    ) -> Result<Fit<Self>, FitError> {
        Self::fit_with_priors(buyers, &Priors::NONE)
    }

    /// As [`fit_counted`](Self::fit_counted), but finds the most probable parameters where something is known of them beforehand.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`FitError::UnknownParameter`] or [`FitError::Prior`] for priors that do not fit the
    /// model.
    ///
    /// # Cost
    /// As [`fit`](Self::fit).
    pub fn fit_with_priors(
        buyers: impl IntoIterator<Item = (DiscreteBuyer, u64)>,
        priors: &Priors,
    ) -> Result<Fit<Self>, FitError> {
        let rows = DiscreteRows::of(buyers)?;
        fit_with_priors(&Self { alpha: 1.0, beta: 1.0, gamma: 1.0, delta: 1.0 }, &rows, priors)
    }

    /// The logarithm of how likely the history of a customer is, given how many opportunities they had.
    ///
    /// # Returns
    /// 0 or less.
    ///
    /// # Formula
    /// ```text
    /// ln [sum over j = t_x..n-1 of P(j) B(gamma+1, delta+j) + P(n) B(gamma, delta+n)] - ln B(gamma, delta)
    /// P(j) = B(alpha+x, beta+j-x) / B(alpha, beta)
    /// ```
    ///
    /// # Cost
    /// One step for each opportunity of the last silence up to 1,024 of them, and some hundred for more; so do all
    /// answers that rest on P(alive).
    pub fn log_likelihood(&self, buyer: DiscreteBuyer) -> f64 {
        let [x, recency, opportunities] = numbers(buyer);
        // How likely the history is until the last purchase, after which the customer leaves at once.
        let begin = ln_beta_ratio(self.beta, self.alpha, x)
            + ln_beta_ratio(self.alpha + x, self.beta, recency - x)
            + ln_beta_ratio(self.gamma, self.delta, recency)
            + libm::log(self.gamma / (self.gamma + self.delta + recency));
        (begin + libm::log(self.silence(buyer, opportunities).all)).min(0.0)
    }

    /// How likely a customer was still one at their last opportunity, and had not silently left.
    ///
    /// Whether they will be one at the next is [`p_alive_at`](Self::p_alive_at) 1 ahead, which is what most tables show.
    ///
    /// # Returns
    /// 0 to 1.
    pub fn p_alive(&self, buyer: DiscreteBuyer) -> f64 {
        let silence = self.silence(buyer, numbers(buyer)[2]);
        silence.alive / silence.all
    }

    /// How likely a customer will still be one at an opportunity to come, the next being 1 ahead, whatever they do until
    /// then.
    ///
    /// # Returns
    /// 0 to 1, falling with the opportunities.
    pub fn p_alive_at(&self, buyer: DiscreteBuyer, ahead: u32) -> f64 {
        self.p_alive(buyer) * self.p_stays(buyer, ahead)
    }

    /// How likely a customer will still be one at an opportunity to come if they let it and all before it pass.
    ///
    /// # Returns
    /// 0 to 1, falling with the silence.
    pub fn p_alive_after(&self, buyer: DiscreteBuyer, silence: u32) -> f64 {
        let silence = self.silence(buyer, numbers(buyer)[2] + f64::from(silence));
        silence.alive / silence.all
    }

    /// How many purchases a customer is expected to make at the next `opportunities`.
    ///
    /// # Returns
    /// 0 to `opportunities`; P(alive) is taken into account.
    ///
    /// # Formula
    /// ```text
    /// P(alive) (alpha+x)/(alpha+beta+n) (delta+n)/(gamma-1)
    ///     [1 - G(1+delta+n+m) G(gamma+delta+n) / (G(1+delta+n) G(gamma+delta+n+m))]
    /// ```
    /// for gamma = 1 as well.
    pub fn expected_purchases(&self, buyer: DiscreteBuyer, opportunities: u32) -> f64 {
        let [_, _, passed] = numbers(buyer);
        let stays = sum_of_beta_ratios(self.gamma, self.delta + passed, f64::from(opportunities));
        self.p_alive(buyer) * self.p_buys(buyer) * stays
    }

    /// How many purchases a customer is expected to make after the next `from` opportunities, at those up to `until`; 0
    /// where `until` is not later.
    ///
    /// # Returns
    /// 0 or more, precise far ahead too.
    pub fn expected_purchases_between(&self, buyer: DiscreteBuyer, from: u32, until: u32) -> f64 {
        let passed = numbers(buyer)[2] + f64::from(from);
        let count = f64::from(until.saturating_sub(from));
        let stays = sum_of_beta_ratios(self.gamma, self.delta + passed, count);
        self.p_alive_at(buyer, from) * self.p_buys(buyer) * stays
    }

    /// How likely a customer makes exactly `count` purchases at the next `opportunities`.
    ///
    /// # Returns
    /// 0 to 1; over all counts, 1.
    ///
    /// # Cost
    /// One step for each of the opportunities.
    pub fn p_purchases(&self, buyer: DiscreteBuyer, count: u32, opportunities: u32) -> f64 {
        if count == 0 {
            return self.p_no_purchase(buyer, opportunities);
        }
        if count > opportunities {
            return 0.0;
        }
        (self.p_alive(buyer) * self.living(buyer).p_purchases(count, opportunities)).min(1.0)
    }

    /// How likely a customer makes no purchase at the next `opportunities`, be it that they have left.
    ///
    /// # Returns
    /// 0 to 1, falling with the opportunities. It is `1 - P(alive)` at least.
    pub fn p_no_purchase(&self, buyer: DiscreteBuyer, opportunities: u32) -> f64 {
        let [_, _, passed] = numbers(buyer);
        let later = self.silence(buyer, passed + f64::from(opportunities));
        (later.all / self.silence(buyer, passed).all).min(1.0)
    }

    /// How likely a customer lets the opportunities before this one pass and makes their next purchase at it, the next
    /// opportunity being 1 ahead; 0 for 0.
    ///
    /// # Returns
    /// 0 to 1; over all opportunities, the probability that the customer ever buys again.
    ///
    /// # Formula
    /// ```text
    /// P(alive) B(gamma, delta+n+j) / B(gamma, delta+n) B(alpha+x+1, beta+n-x+j-1) / B(alpha+x, beta+n-x)
    /// ```
    pub fn p_next_purchase_at(&self, buyer: DiscreteBuyer, ahead: u32) -> f64 {
        let Some(passed) = ahead.checked_sub(1) else { return 0.0 };
        let Living { a, b, .. } = self.living(buyer);
        let waits = libm::exp(ln_beta_ratio(a + 1.0, b, f64::from(passed)));
        self.p_alive_at(buyer, ahead) * self.p_buys(buyer) * waits
    }

    /// Within how many opportunities the next purchase comes with this probability: for one half, the median.
    ///
    /// # Returns
    /// `None` where it is less likely than that to come at all (within 4,294,967,295 opportunities).
    ///
    /// # Cost
    /// [`p_no_purchase`](Self::p_no_purchase) some thirty times.
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::value::{BgBb, DiscreteBuyer};
    ///
    /// let model = BgBb::new(1.204, 0.750, 0.657, 2.783)?;
    /// let donor = DiscreteBuyer::new(1, 2, 6)?;
    /// assert_eq!(model.next_purchase(donor, Share::new(0.1)?), Some(2));
    /// assert_eq!(model.next_purchase(donor, Share::new(0.5)?), None);
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    pub fn next_purchase(&self, buyer: DiscreteBuyer, probability: Share) -> Option<u32> {
        let comes = |within: u32| 1.0 - self.p_no_purchase(buyer, within) >= probability.get();
        let (mut low, mut high) = (0, 1);
        if comes(low) {
            return Some(low);
        }
        while !comes(high) {
            if high == u32::MAX {
                return None;
            }
            (low, high) = (high, high.saturating_mul(2));
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if comes(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// The discounted expected residual transactions (DERT): how many purchases a customer is expected to make from the
    /// next opportunity on for ever, later ones counting less.
    ///
    /// # Arguments
    /// - `discount`: for a unit of time in which there is one opportunity. What is bought at the next one counts one
    ///   unit less than what is bought now.
    ///
    /// # Returns
    /// 0 or more; infinite where there is no discount and gamma is at most 1.
    ///
    /// # Formula
    /// ```text
    /// P(alive) (alpha+x)/(alpha+beta+n) v (delta+n)/(gamma+delta+n) 2F1(1, delta+n+1; gamma+delta+n+1; v),  v = e^-d
    /// ```
    /// by the continued fraction of 2F1 or, for a small discount, Euler's integral; the error is below 1e-11 of the result.
    ///
    /// # Cost
    /// A few dozen steps of the fraction; some hundred exponentials for a discount below 0.1 % of an opportunity.
    pub fn discounted_residual_purchases(&self, buyer: DiscreteBuyer, discount: Discount) -> f64 {
        let p_alive = self.p_alive(buyer);
        if p_alive <= 0.0 {
            return 0.0;
        }
        let (rate, passed) = (discount.rate(), numbers(buyer)[2]);
        let stays = discounted_sum_of_beta_ratios(self.gamma, self.delta + passed, rate);
        p_alive * self.p_buys(buyer) * libm::exp(-rate) * stays
    }

    doors! {
        log_likelihood, log_likelihood_each, log_likelihood_into();
        p_alive, p_alive_each, p_alive_into();
        p_alive_at, p_alive_at_each, p_alive_at_into(ahead: u32);
        p_alive_after, p_alive_after_each, p_alive_after_into(silence: u32);
        expected_purchases, expected_purchases_each, expected_purchases_into(opportunities: u32);
        expected_purchases_between, expected_purchases_between_each, expected_purchases_between_into(
            from: u32, until: u32
        );
        p_purchases, p_purchases_each, p_purchases_into(count: u32, opportunities: u32);
        p_no_purchase, p_no_purchase_each, p_no_purchase_into(opportunities: u32);
        p_next_purchase_at, p_next_purchase_at_each, p_next_purchase_at_into(ahead: u32);
        discounted_residual_purchases, discounted_residual_purchases_each, discounted_residual_purchases_into(
            discount: Discount
        );
        => pub DiscreteBuyer, DiscreteBuyers<'_>, each, fill
    }

    /// How likely a customer buys at an opportunity at which they are alive.
    fn p_buys(&self, buyer: DiscreteBuyer) -> f64 {
        let [x, _, opportunities] = numbers(buyer);
        (self.alpha + x) / (self.alpha + self.beta + opportunities)
    }

    /// How likely a customer who is alive will be so at an opportunity to come.
    fn p_stays(&self, buyer: DiscreteBuyer, ahead: u32) -> f64 {
        libm::exp(ln_beta_ratio(self.gamma, self.delta + numbers(buyer)[2], f64::from(ahead)))
    }

    /// What a customer will do who is alive.
    fn living(&self, buyer: DiscreteBuyer) -> Living {
        let [x, _, opportunities] = numbers(buyer);
        Living {
            a: self.alpha + x,
            b: self.beta + (opportunities - x),
            gamma: self.gamma,
            delta: self.delta + opportunities,
        }
    }

    /// What a customer may have done since the last purchase until an opportunity: left after the first, second, ..
    /// opportunity of silence, or none.
    fn silence(&self, buyer: DiscreteBuyer, until: f64) -> Silence {
        let [x, recency, _] = numbers(buyer);
        let gone = Gone {
            a: self.alpha + x,
            b: self.beta + (recency - x),
            gamma: self.gamma + 1.0,
            delta: self.delta + recency,
        };
        let length = until - recency;
        let (left, last) = if length <= SHORT {
            let (mut sum, mut term, mut step) = (0.0, 1.0, 0.0);
            while step < length {
                sum += term;
                term *= gone.ratio(step);
                step += 1.0;
            }
            (sum, term)
        } else {
            (smooth_sum(0.0, length - 1.0, &gone), libm::exp(gone.ln_term(length)))
        };
        let alive = last * ((self.gamma + self.delta + until) / self.gamma);
        Silence { all: left + alive, alive }
    }
}

/// Frequency, recency and opportunities.
pub(super) fn numbers(buyer: DiscreteBuyer) -> [f64; 3] {
    [buyer.frequency(), buyer.recency(), buyer.opportunities()].map(f64::from)
}

/// How likely a silence is, relative to that of someone who left at its beginning: in all, and with the customer alive.
#[derive(Clone, Copy, Debug)]
struct Silence {
    all: f64,
    alive: f64,
}

/// How likely someone has left after so many opportunities of silence, relative to after none.
#[derive(Clone, Copy, Debug)]
struct Gone {
    a: f64,
    b: f64,
    gamma: f64,
    delta: f64,
}

impl Gone {
    /// Of one step later to this.
    fn ratio(&self, step: f64) -> f64 {
        let (b, delta) = (self.b + step, self.delta + step);
        b / (self.a + b) * (delta / (self.gamma + delta))
    }
}

impl Falling for Gone {
    fn ln_term(&self, step: f64) -> f64 {
        ln_beta_ratio(self.a, self.b, step) + ln_beta_ratio(self.gamma, self.delta, step)
    }
}

/// What a customer will do who is alive: buy with a probability of Beta(a, b), leave with one of Beta(gamma, delta).
#[derive(Clone, Copy, Debug)]
struct Living {
    a: f64,
    b: f64,
    gamma: f64,
    delta: f64,
}

impl Living {
    fn p_purchases(self, count: u32, opportunities: u32) -> f64 {
        let Self { a, b, gamma, delta } = self;
        let (count, end) = (f64::from(count), f64::from(opportunities));
        let begin = ln_beta_ratio(b, a, count)
            + ln_beta_ratio(gamma, delta, count)
            + libm::log(gamma / (gamma + delta + count));
        // Over the opportunity after which they leave, relative to leaving right after as many purchases in a row.
        let (mut sum, mut term, mut ln_scale, mut step) = (0.0, 1.0, 0.0, count);
        while step < end {
            sum += term;
            let passed = step - count;
            let ways = (step + 1.0) / (passed + 1.0);
            term *= ways * ((b + passed) / (a + b + step)) * ((delta + step) / (gamma + 1.0 + delta + step));
            step += 1.0;
            if term > LARGE {
                sum /= LARGE;
                term /= LARGE;
                ln_scale += libm::log(LARGE);
            }
        }
        sum += term * ((gamma + delta + end) / gamma);
        libm::exp(begin + ln_scale + libm::log(sum))
    }
}
