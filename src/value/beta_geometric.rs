//! The likelihood of all models in which customers leave right after a purchase: BG/NBD, MBG/NBD, and those with
//! regular times between purchases.

use super::chunked_sum::chunked_sum;
use super::distinct_rows::{DistinctRows, Group, Row};
use super::fit::fit_with_priors;
use super::likelihood::{Bounds, LeavesAfterPurchase, Slopes, pace};
use super::living::{Leaving, Living};
use super::stages::{self, Stages};
use super::{Buyer, Fit, FitError, Priors, TimedBuyer};
use crate::numeric::exponential::ln_1p_exp;
use crate::numeric::gamma::{ln_gamma, ln_rising};
use crate::numeric::linear::Symmetric;
use crate::numeric::rising::rising_slopes;

/// The most stages that are tried.
const MOST_TRIED: u32 = 12;

/// Rates of stages are spread by Gamma(r, alpha), every `stages`-th of which is a purchase; leaving probabilities by
/// Beta(a, b). Where `first` is 1, customers may leave right after their first purchase, where it is 0 not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaGeometric {
    pub(super) r: f64,
    pub(super) alpha: f64,
    pub(super) a: f64,
    pub(super) b: f64,
    pub(super) stages: u32,
    pub(super) first: u32,
}

/// So many factors of up to `LARGE` each make a product that is still a number.
const FACTORS: usize = 8;
const LARGE: f64 = 1e30;
/// ln(1 + x) keeps fourteen digits from this x on.
const SMALL: f64 = 0.01;

/// A sum of logarithms of factors, which takes one logarithm for all factors that count once.
#[derive(Clone, Copy, Debug)]
struct Logarithms {
    product: f64,
    sum: f64,
}

impl Default for Logarithms {
    fn default() -> Self {
        Self { product: 1.0, sum: 0.0 }
    }
}

impl Logarithms {
    /// Adds so many times ln(1 + x), for an x of 0 or more.
    fn add_1p(&mut self, times: f64, x: f64) {
        // A small x would lose its digits in the factor, and few of the largest make a product too large.
        if (times - 1.0).abs() < 1e-9 && (SMALL..LARGE).contains(&x) {
            self.product *= 1.0 + x;
        } else {
            self.sum += times * libm::log1p(x);
        }
    }

    fn sum(self) -> f64 {
        self.sum + libm::log(self.product)
    }
}

/// ln x (x + 1) .. (x + steps - 1) for more steps than a `u32` may count.
fn ln_rising_far(x: f64, steps: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "below 2^38")]
    let far = steps as f64;
    u32::try_from(steps).map_or_else(|_| ln_gamma(x + far) - ln_gamma(x), |steps| ln_rising(x, steps))
}

impl BetaGeometric {
    /// The shape of the rate of a customer of whom so many purchases are known.
    fn shape(&self, frequency: u32) -> f64 {
        self.r + f64::from(self.stages) * f64::from(frequency)
    }

    /// How many times a customer has had the chance to leave, and stayed.
    fn stays(&self, frequency: u32) -> u64 {
        u64::from(frequency) + u64::from(self.first)
    }

    /// (T - `t_x`) / (alpha + T).
    fn share_silent(&self, buyer: Buyer) -> f64 {
        (buyer.age() - buyer.recency()) / (self.alpha + buyer.age())
    }

    /// # Formula
    /// ```text
    /// ln B(a, b+y) / B(a, b) + ln G(r+kx) / G(r) + r ln alpha - n ln(alpha+T) + ln S + ln(1 + e^q)
    /// q = ln a / (b+y-1) + n ln((alpha+T) / (alpha+t_x)) - ln S,  n = r + k x,  y = x + first
    /// S = sum over j < k of (n)_j / j! ((T-t_x) / (alpha+T))^j
    /// ```
    /// the last term of the first line only for y > 0. For k > 1 the times between the first and the last purchase,
    /// which a row does not hold, are integrated out, relative to those of k = 1.
    pub(super) fn log_likelihood(&self, buyer: Buyer) -> f64 {
        let frequency = buyer.frequency();
        let (x, k) = (f64::from(frequency), f64::from(self.stages));
        let steps = u64::from(frequency) * u64::from(self.stages);
        let stays = self.stays(frequency);
        if frequency == 0 && stays > 0 {
            return self.ln_no_purchase(buyer);
        }
        let mut sum = ln_rising_far(self.b, stays) - ln_rising_far(self.a + self.b, stays)
            + ln_rising_far(self.r, steps)
            - self.r * libm::log1p(buyer.age() / self.alpha)
            + stages::ln_sum(self.stages, self.shape(frequency), self.share_silent(buyer));
        if frequency > 0 {
            sum -= k * x * libm::log(self.alpha + buyer.age());
        }
        if stays > 0 {
            sum += ln_1p_exp(self.ln_odds_gone(buyer));
        }
        sum + ln_unseen_times(self.stages, frequency, buyer.recency())
    }

    /// ln(a / (a+b) + b / (a+b) P), with P how likely someone who stays makes no purchase until their age: the
    /// likelihood of those who never came back, also where it is next to 1.
    fn ln_no_purchase(&self, buyer: Buyer) -> f64 {
        let share_silent = self.share_silent(buyer);
        let ln_none = stages::ln_sum(self.stages, self.r, share_silent)
            - self.r * libm::log1p(buyer.age() / self.alpha);
        let missing = libm::expm1(ln_none.min(0.0)) * self.b / (self.a + self.b);
        if missing > -0.5 {
            libm::log1p(missing)
        } else {
            libm::log((self.a + self.b * libm::exp(ln_none)) / (self.a + self.b))
        }
    }

    /// The logarithm of the odds of having left.
    pub(super) fn ln_odds_gone(&self, buyer: Buyer) -> f64 {
        let frequency = buyer.frequency();
        if self.stays(frequency) == 0 {
            return f64::NEG_INFINITY;
        }
        let shape = self.shape(frequency);
        let silence = libm::log1p((buyer.age() - buyer.recency()) / (self.alpha + buyer.recency()));
        shape * silence + libm::log(self.a / self.last(frequency))
            - stages::ln_sum(self.stages, shape, self.share_silent(buyer))
    }

    /// b + x + first - 1.
    fn last(&self, frequency: u32) -> f64 {
        // Two steps keep the digits of a small b.
        self.b + ((f64::from(frequency) - 1.0) + f64::from(self.first))
    }

    /// What a customer does who is alive.
    pub(super) fn living(&self, buyer: Buyer) -> Living {
        let frequency = buyer.frequency();
        let stages = (self.stages > 1).then(|| Stages::new(self.stages, self.share_silent(buyer)));
        Living {
            shape: self.shape(frequency),
            scale: self.alpha + buyer.age(),
            leaving: Leaving::AfterPurchase {
                a: self.a,
                b: self.b + (f64::from(frequency) + f64::from(self.first)),
                stages,
            },
        }
    }

    pub(super) fn ranges(rows: &DistinctRows) -> Vec<Bounds> {
        let times = |factor: f64| factor * rows.longest_age;
        vec![
            Bounds { lower: 1e-5, upper: 1e5 },
            Bounds { lower: times(1e-9), upper: times(1e7) },
            Bounds { lower: 1e-5, upper: 1e5 },
            Bounds { lower: 1e-5, upper: 1e6 },
        ]
    }

    pub(super) fn starts(&self, rows: &DistinctRows) -> Vec<Vec<f64>> {
        // A rate of one purchase in the mean time between purchases, as if nobody had left.
        let pace = pace(rows) / f64::from(self.stages);
        vec![
            vec![0.4, 0.4 * pace, 0.8, 2.5],
            vec![1.0, pace, 1.0, 1.0],
            vec![4.0, 4.0 * pace, 0.2, 2.0],
            vec![0.1, 0.1 * pace, 3.0, 3.0],
        ]
    }

    /// The rows with what they add to the likelihood for a given number of stages, where the times between purchases are
    /// not known.
    pub(super) fn unseen_rows(mut rows: DistinctRows, stages: u32) -> DistinctRows {
        let unseen = |group: &Group| -> f64 {
            let part = |row: &Row| row.weight * ln_unseen_times(stages, group.frequency, row.recency);
            chunked_sum(group.rows.iter().map(part))
        };
        rows.constant = rows.groups.iter().map(unseen).sum();
        rows
    }

    /// Fits for one number of stages after the other, and keeps the likeliest. Stops when three more have not helped.
    pub(super) fn fit_stages<M: LeavesAfterPurchase>(
        buyers: impl IntoIterator<Item = TimedBuyer>,
        priors: &Priors,
        with_stages: impl Fn(u32) -> M,
    ) -> Result<Fit<M>, FitError> {
        let mut buyers: Vec<TimedBuyer> = buyers.into_iter().collect();
        // The order of rows is not to change the last bit of the sum.
        buyers.sort_unstable_by(|one, other| {
            let key = |timed: &TimedBuyer| timed.buyer().key();
            key(one).cmp(&key(other)).then(one.ln_intervals().total_cmp(&other.ln_intervals()))
        });
        let ln_intervals = chunked_sum(buyers.iter().map(TimedBuyer::ln_intervals));
        let buyers = buyers.iter().map(TimedBuyer::buyer);
        let mut rows = DistinctRows::with_priors(buyers, priors.say_all::<M>())?;
        let reached = |fit: &Fit<M>| fit.log_likelihood() + fit.log_prior();
        let mut best: Option<Fit<M>> = None;
        let mut failure = None;
        let mut worse = 0;
        for stages in 1..=MOST_TRIED {
            // The likelihood of the times between purchases: G(k)^-x (t1 t2 .. tx)^(k-1).
            let k = f64::from(stages);
            rows.constant = (k - 1.0) * ln_intervals - rows.total_frequency * ln_gamma(k);
            match fit_with_priors(&with_stages(stages), &rows, priors) {
                Ok(fit) if best.as_ref().is_none_or(|best| reached(&fit) > reached(best)) => {
                    // The number of stages was chosen as well.
                    best = Some(fit.with_choices(1));
                    worse = 0;
                }
                Ok(_) => worse += 1,
                Err(error) => {
                    failure.get_or_insert(error);
                    worse += u32::from(best.is_some());
                }
            }
            if worse == 3 {
                break;
            }
        }
        best.ok_or_else(|| failure.unwrap_or(FitError::NoCustomers))
    }

    /// The log-likelihood of all customers with its first and second derivatives in r, alpha, a, b.
    pub(super) fn slopes(&self, histories: &DistinctRows) -> Slopes {
        let Self { r, alpha, a, b, .. } = *self;
        let mut sums = Sums { value: histories.constant, ..Sums::default() };
        let ln_alpha = libm::log(alpha);
        for group in &histories.groups {
            let (x, weight) = (f64::from(group.frequency), group.weight);
            let (stays, steps) = (x + f64::from(self.first), f64::from(self.stages) * x);
            // What depends on the frequency alone is worked out once.
            let mut table = Sums {
                value: ln_rising_far(r, u64::from(self.stages) * u64::from(group.frequency))
                    + ln_rising_far(b, self.stays(group.frequency))
                    - ln_rising_far(a + b, self.stays(group.frequency))
                    - steps * ln_alpha,
                alpha: -steps / alpha,
                alpha_alpha: steps / (alpha * alpha),
                ..Sums::default()
            };
            if stays > 0.0 {
                let (whole_gain, whole_bend) = rising_slopes(a + b, stays);
                let (gain_b, bend_b) = rising_slopes(b, stays);
                table.a -= whole_gain;
                table.b += gain_b - whole_gain;
                table.a_a -= whole_bend;
                table.a_b -= whole_bend;
                table.b_b += bend_b - whole_bend;
            }
            if steps > 0.0 {
                let (gain, bend) = rising_slopes(r, steps);
                table.r += gain;
                table.r_r += bend;
            }
            sums.add(&table.times(weight));
        }
        let parts = histories.parts(|group, rows| {
            if self.stages > 1 {
                self.regular(group.frequency, rows)
            } else if self.stays(group.frequency) > 0 {
                self.may_have_left(group.frequency, rows)
            } else {
                self.cannot_have_left(rows)
            }
        });
        for part in &parts {
            sums.add(part);
        }
        sums.slopes()
    }

    /// The part of those who never came back and had no chance to leave: -r ln(1 + T / alpha).
    ///
    /// Here and below, logarithms and reciprocals are those against alpha alone, so that they keep their digits for the
    /// largest r; the table holds the rest.
    fn cannot_have_left(&self, rows: &[Row]) -> Sums {
        let mut sums = Sums::default();
        let (r, origin) = (self.r, self.alpha.recip());
        for few in rows.chunks(FACTORS) {
            let mut growths = Logarithms::default();
            for row in few {
                let now = (self.alpha + row.age).recip();
                growths.add_1p(row.weight, row.age * origin);
                // 1 / alpha - 1 / (alpha + T).
                let lag = row.weight * row.age * now * origin;
                sums.alpha += r * lag;
                sums.r_alpha += lag;
                sums.alpha_alpha -= r * lag * (origin + now);
            }
            let growth = growths.sum();
            sums.value -= r * growth;
            sums.r -= growth;
        }
        sums
    }

    /// The part of those who may have left that depends on their times:
    /// -(r + x) ln(1 + T / alpha) + ln(1 + e^q), with q the log-odds of having left.
    fn may_have_left(&self, frequency: u32, rows: &[Row]) -> Sums {
        let (alpha, origin) = (self.alpha, self.alpha.recip());
        let mut sums = Sums::default();
        let (shape, last) = (self.shape(frequency), self.last(frequency));
        let ln_odds = libm::log(self.a / last);
        // The slopes of q in a and b.
        let (q_a, q_b) = (self.a.recip(), -last.recip());
        for few in rows.chunks(FACTORS) {
            let (mut growths, mut rests) = (Logarithms::default(), Logarithms::default());
            for row in few {
                let (till_now, till_last) = (alpha + row.age, alpha + row.recency);
                let (now, then) = (till_now.recip(), till_last.recip());
                let silence = libm::log1p((row.age - row.recency) * then);
                let q = shape * silence + ln_odds;
                let e = libm::exp(-q.abs());
                let likelier = (1.0 + e).recip();
                let rarer = e * likelier;
                let weight = row.weight;
                let spread = weight * likelier * rarer;
                let gone = weight * if q > 0.0 { likelier } else { rarer };
                growths.add_1p(weight, row.age * origin);
                rests.add_1p(weight, e);
                let lag = weight * row.age * now * origin;
                // The slopes of q in r and alpha, and its second derivatives.
                let turn = -(row.age - row.recency) * now * then;
                let (q_r, q_alpha) = (silence, shape * turn);
                sums.value += weight * q.max(0.0);
                sums.r += gone * q_r;
                sums.alpha += gone * q_alpha + shape * lag;
                sums.a += gone;
                sums.r_r += spread * q_r * q_r;
                sums.r_alpha += spread * q_r * q_alpha + gone * turn + lag;
                sums.r_a += spread * q_r;
                sums.alpha_alpha +=
                    spread * q_alpha * q_alpha - shape * (gone * turn * (then + now) + lag * (origin + now));
                sums.alpha_a += spread * q_alpha;
                sums.a_a += spread;
            }
            let growth = growths.sum();
            sums.value += rests.sum() - shape * growth;
            sums.r -= growth;
        }
        // What was added up without the slopes in a and b, which all rows share.
        let Sums { a: gone, a_a: spread, r_a: r_spread, alpha_a: alpha_spread, .. } = sums;
        Sums {
            a: gone * q_a,
            b: gone * q_b,
            r_a: r_spread * q_a,
            r_b: r_spread * q_b,
            alpha_a: alpha_spread * q_a,
            alpha_b: alpha_spread * q_b,
            a_a: (spread - gone) * q_a * q_a,
            a_b: spread * q_a * q_b,
            b_b: (spread + gone) * q_b * q_b,
            ..sums
        }
    }

    /// As [`may_have_left`](Self::may_have_left) with the sum S over the stages that may have passed since the last
    /// purchase: -n ln(1 + T / alpha) + ln S + ln(1 + e^q).
    fn regular(&self, frequency: u32, rows: &[Row]) -> Sums {
        let mut sums = Sums::default();
        let (shape, last) = (self.shape(frequency), self.last(frequency));
        let may_have_left = self.stays(frequency) > 0;
        let origin = self.alpha.recip();
        let ln_odds = if may_have_left { libm::log(self.a / last) } else { f64::NEG_INFINITY };
        let (q_a, q_b) = (self.a.recip(), -last.recip());
        for row in rows {
            let (till_now, till_last) = (self.alpha + row.age, self.alpha + row.recency);
            let (now, then) = (till_now.recip(), till_last.recip());
            let weight = row.weight;
            let passed = stages::slopes(self.stages, shape, (row.age - row.recency) * now);
            // The slopes of ln S in r and alpha.
            let (s_r, s_alpha) = (passed.shape, -passed.share * now);
            let s_r_r = passed.shape_shape;
            let s_r_alpha = -passed.shape_share * now;
            let s_alpha_alpha = (passed.share_share + passed.share) * now * now;
            let growth = weight * libm::log1p(row.age * origin);
            let lag = row.age * now * origin;
            sums.value += weight * passed.value - shape * growth;
            sums.r += weight * s_r - growth;
            sums.alpha += weight * (s_alpha + shape * lag);
            sums.r_r += weight * s_r_r;
            sums.r_alpha += weight * (s_r_alpha + lag);
            sums.alpha_alpha += weight * (s_alpha_alpha - shape * lag * (origin + now));
            if !may_have_left {
                continue;
            }
            let silence = libm::log1p((row.age - row.recency) * then);
            let q = shape * silence + ln_odds - passed.value;
            let e = libm::exp(-q.abs());
            let (likelier, rarer) = ((1.0 + e).recip(), e / (1.0 + e));
            let spread = weight * likelier * rarer;
            let gone = weight * if q > 0.0 { likelier } else { rarer };
            let turn = -(row.age - row.recency) * now * then;
            let (q_r, q_alpha) = (silence - s_r, shape * turn - s_alpha);
            sums.value += weight * (q.max(0.0) + libm::log1p(e));
            sums.r += gone * q_r;
            sums.alpha += gone * q_alpha;
            sums.a += gone * q_a;
            sums.b += gone * q_b;
            sums.r_r += spread * q_r * q_r - gone * s_r_r;
            sums.r_alpha += spread * q_r * q_alpha + gone * (turn - s_r_alpha);
            sums.r_a += spread * q_r * q_a;
            sums.r_b += spread * q_r * q_b;
            sums.alpha_alpha +=
                spread * q_alpha * q_alpha - gone * (shape * turn * (then + now) + s_alpha_alpha);
            sums.alpha_a += spread * q_alpha * q_a;
            sums.alpha_b += spread * q_alpha * q_b;
            sums.a_a += (spread - gone) * q_a * q_a;
            sums.a_b += spread * q_a * q_b;
            sums.b_b += (spread + gone) * q_b * q_b;
        }
        sums
    }
}

/// The likelihood of times between purchases that are not known but for their sum, against those of k = 1:
/// `t_x^((k-1) x)` G(x) / G(k x).
pub(super) fn ln_unseen_times(stages: u32, frequency: u32, recency: f64) -> f64 {
    if stages == 1 || frequency == 0 {
        return 0.0;
    }
    let x = f64::from(frequency);
    let more = u64::from(frequency) * u64::from(stages - 1);
    f64::from(stages - 1) * x * libm::log(recency) - ln_rising_far(x, more)
}

/// A log-likelihood with its derivatives.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    value: f64,
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
    r_r: f64,
    r_alpha: f64,
    r_a: f64,
    r_b: f64,
    alpha_alpha: f64,
    alpha_a: f64,
    alpha_b: f64,
    a_a: f64,
    a_b: f64,
    b_b: f64,
}

impl Sums {
    fn cells(&mut self) -> [&mut f64; 15] {
        [
            &mut self.value,
            &mut self.r,
            &mut self.alpha,
            &mut self.a,
            &mut self.b,
            &mut self.r_r,
            &mut self.r_alpha,
            &mut self.r_a,
            &mut self.r_b,
            &mut self.alpha_alpha,
            &mut self.alpha_a,
            &mut self.alpha_b,
            &mut self.a_a,
            &mut self.a_b,
            &mut self.b_b,
        ]
    }

    fn add(&mut self, other: &Self) {
        let mut other = *other;
        for (mine, theirs) in self.cells().into_iter().zip(other.cells()) {
            *mine += *theirs;
        }
    }

    fn times(mut self, weight: f64) -> Self {
        self.cells().into_iter().for_each(|cell| *cell *= weight);
        self
    }

    fn slopes(&self) -> Slopes {
        let upper = [
            [self.r_r, self.r_alpha, self.r_a, self.r_b],
            [self.r_alpha, self.alpha_alpha, self.alpha_a, self.alpha_b],
            [self.r_a, self.alpha_a, self.a_a, self.a_b],
            [self.r_b, self.alpha_b, self.a_b, self.b_b],
        ];
        let cell = |row: usize, column: usize| upper.get(row).and_then(|row| row.get(column)).copied();
        Slopes {
            value: self.value,
            gradient: vec![self.r, self.alpha, self.a, self.b],
            hessian: Symmetric::from_upper(4, |row, column| cell(row, column).unwrap_or_default()),
        }
    }
}
