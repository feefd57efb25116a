#[cfg(test)]
mod tests;

use super::fit::{Slopes, Unknown, maximise};
use super::{Buyer, Fit, FitError, Horizon, PurchaseModel};
use crate::numeric::exponential::{falling_logistic, ln_1p_exp};
use crate::numeric::gamma::{digamma, ln_rising, trigamma};
use crate::numeric::hypergeometric::mean_until_dropout;
use crate::numeric::linear::Symmetric;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// Rows are added up in chunks of this size, and the chunks in order, so that no number of threads changes a bit.
const CHUNK: usize = 4096;

/// The BG/NBD model: customers buy at their own steady rate, and after each purchase leave for good with their own
/// probability.
///
/// Rates are spread over customers by Gamma(r, alpha), leaving probabilities by Beta(a, b). Someone who has never
/// come back cannot have left by this model, so their P(alive) is 1.
///
/// # Example
/// ```
/// use patronage::value::{BgNbd, Buyer, Horizon, PurchaseModel};
///
/// let model = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
/// let new = model.expected_purchases_new(Horizon::new(39.0)?);
/// assert_eq!(format!("{new:.9}"), "1.196723193");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: P. Fader, B. Hardie, K. L. Lee, "Counting your customers the easy way: an alternative to the Pareto/NBD
/// model", Marketing Science 24 (2005).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct BgNbd {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
}

#[derive(Deserialize)]
struct Fields {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
}

impl TryFrom<Fields> for BgNbd {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.r, fields.alpha, fields.a, fields.b)
    }
}

/// Checks a parameter of a model.
pub(super) fn positive(field: &'static str, value: f64) -> Result<f64, ValidationError> {
    if (1e-30..=1e30).contains(&value) {
        Ok(value)
    } else {
        Err(ValidationError::new(field, "must lie between 1e-30 and 1e30", value))
    }
}

impl BgNbd {
    /// The model with known parameters; `alpha` is a time in the unit of the data.
    ///
    /// # Errors
    /// [`ValidationError`] when a parameter does not lie between 1e-30 and 1e30.
    pub fn new(r: f64, alpha: f64, a: f64, b: f64) -> Result<Self, ValidationError> {
        Ok(Self {
            r: positive("bg_nbd.r", r)?,
            alpha: positive("bg_nbd.alpha", alpha)?,
            a: positive("bg_nbd.a", a)?,
            b: positive("bg_nbd.b", b)?,
        })
    }

    /// The shape of the rates: the smaller, the more customers differ in how often they buy.
    pub const fn r(&self) -> f64 {
        self.r
    }

    /// The scale of the rates, a time: r / alpha is the mean number of purchases in a unit of time.
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The first parameter of the leaving probability, whose mean is a / (a + b).
    pub const fn a(&self) -> f64 {
        self.a
    }

    /// The second parameter of the leaving probability.
    pub const fn b(&self) -> f64 {
        self.b
    }

    /// Finds the parameters that make the histories of all customers most likely.
    ///
    /// Takes rows or columns (`buyers.iter()`). Equal rows are weighed once, the order of rows does not matter to the
    /// last bit, and gradient and curvature are analytic.
    ///
    /// # Errors
    /// [`FitError`]: no customers, nobody came back, all the same (or only one), a parameter at the edge of the model
    /// (customers who never leave, or who all buy at one rate), parameters that the data do not tell apart, or no
    /// convergence. Parameters are never returned then.
    ///
    /// # Cost
    /// Sorting, then about ten passes over the distinct rows; 32 bytes for each row.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{BgNbd, Buyers, FitError};
    ///
    /// let buyers = Buyers::new(&[0, 0], &[0.0, 0.0], &[38.86, 27.0])?;
    /// let refused = BgNbd::fit(buyers.iter()).unwrap_err();
    /// assert_eq!(refused, FitError::NoRepeatPurchases { customers: 2 });
    /// # Ok::<(), patronage::value::ValueError>(())
    /// ```
    pub fn fit(buyers: impl IntoIterator<Item = Buyer>) -> Result<Fit<Self>, FitError> {
        let rows = DistinctRows::of(buyers)?;
        // A rate of one purchase in the mean time between purchases, as if nobody had left.
        let pace = rows.total_age / rows.total_frequency;
        let times = |factor: f64| factor * rows.longest_age;
        let unknowns = [
            Unknown { name: "r", lower: 1e-5, upper: 1e5 },
            Unknown { name: "alpha", lower: times(1e-9), upper: times(1e7) },
            Unknown { name: "a", lower: 1e-5, upper: 1e5 },
            Unknown { name: "b", lower: 1e-5, upper: 1e6 },
        ];
        let starts = [
            vec![0.4, 0.4 * pace, 0.8, 2.5],
            vec![1.0, pace, 1.0, 1.0],
            vec![4.0, 4.0 * pace, 0.2, 2.0],
            vec![0.1, 0.1 * pace, 3.0, 3.0],
        ];
        maximise(
            &unknowns,
            &starts,
            rows.customers,
            |parameters| match *parameters {
                [r, alpha, a, b] => rows.slopes(&Self { r, alpha, a, b }),
                _ => Slopes { value: f64::NAN, gradient: Vec::new(), hessian: Symmetric::zeros(0) },
            },
            |parameters| match *parameters {
                [r, alpha, a, b] => Self::new(r, alpha, a, b).ok(),
                _ => None,
            },
        )
    }

    /// The odds of having left, for someone who came back, in two parts: a logarithm that grows with the silence, and
    /// the factor a / (b+x-1).
    fn log_silence(&self, buyer: Buyer) -> (f64, f64) {
        let x = f64::from(buyer.frequency());
        let silence = libm::log1p((buyer.age() - buyer.recency()) / (self.alpha + buyer.recency()));
        ((self.r + x) * silence, self.a / (self.b + (x - 1.0)))
    }
}

impl PurchaseModel for BgNbd {
    /// # Formula
    /// ```text
    /// ln B(a, b+x) / B(a, b) + ln G(r+x) / G(r) + r ln alpha - (r+x) ln(alpha+T)
    /// + ln(1 + a / (b+x-1) ((alpha+T) / (alpha+t_x))^(r+x))      the last only for x > 0
    /// ```
    fn log_likelihood(&self, buyer: Buyer) -> f64 {
        let frequency = buyer.frequency();
        let never_left = ln_rising(self.b, frequency) - ln_rising(self.a + self.b, frequency)
            + ln_rising(self.r, frequency)
            - self.r * libm::log1p(buyer.age() / self.alpha);
        if frequency == 0 {
            return never_left;
        }
        let late = f64::from(frequency) * libm::log(self.alpha + buyer.age());
        let (silence, odds) = self.log_silence(buyer);
        never_left - late + ln_1p_exp(silence + libm::log(odds))
    }

    /// # Formula
    /// ```text
    /// 1 / (1 + a / (b+x-1) ((alpha+T) / (alpha+t_x))^(r+x)),  1 for x = 0
    /// ```
    fn p_alive(&self, buyer: Buyer) -> f64 {
        if buyer.frequency() == 0 {
            return 1.0;
        }
        let (silence, odds) = self.log_silence(buyer);
        if silence < 600.0 {
            (1.0 + odds * libm::exp(silence)).recip()
        } else {
            falling_logistic(silence + libm::log(odds))
        }
    }

    /// # Formula
    /// ```text
    /// P(alive) (a+b+x-1)/(a-1) [1 - ((alpha+T)/(alpha+T+t))^(r+x) 2F1(r+x, b+x; a+b+x-1; t/(alpha+T+t))]
    /// ```
    /// computed so that no term overflows or cancels, for a = 1 as well.
    fn expected_purchases(&self, buyer: Buyer, horizon: Horizon) -> f64 {
        let x = f64::from(buyer.frequency());
        let tau = horizon.length() / (self.alpha + buyer.age());
        self.p_alive(buyer) * mean_until_dropout(self.r + x, self.a, self.b + x, tau)
    }

    fn pace(&self, buyer: Buyer) -> f64 {
        self.alpha + buyer.age()
    }
}

/// A distinct row of those who came back.
#[derive(Clone, Copy, Debug)]
struct Row {
    recency: f64,
    age: f64,
    weight: f64,
}

/// All customers with one frequency.
#[derive(Clone, Debug)]
struct Group {
    frequency: u32,
    weight: f64,
    rows: Vec<Row>,
}

/// The sufficient statistics: distinct rows and how many customers have them, by frequency.
#[derive(Clone, Debug)]
struct DistinctRows {
    groups: Vec<Group>,
    customers: u64,
    longest_age: f64,
    total_age: f64,
    total_frequency: f64,
}

impl DistinctRows {
    fn of(buyers: impl IntoIterator<Item = Buyer>) -> Result<Self, FitError> {
        let mut buyers: Vec<Buyer> = buyers.into_iter().collect();
        let customers = u64::try_from(buyers.len()).unwrap_or(u64::MAX);
        buyers.sort_unstable_by_key(Buyer::key);
        let (Some(first), Some(last)) = (buyers.first(), buyers.last()) else {
            return Err(FitError::NoCustomers);
        };
        if last.frequency() == 0 {
            return Err(FitError::NoRepeatPurchases { customers });
        }
        if first == last {
            return Err(FitError::AllTheSame { customers });
        }
        let mut found =
            Self { groups: Vec::new(), customers, longest_age: 0.0, total_age: 0.0, total_frequency: 0.0 };
        for group in buyers.chunk_by(|one, next| one.frequency() == next.frequency()) {
            let mut rows = Vec::new();
            let mut weight = 0.0;
            let mut frequency = 0;
            for equal in group.chunk_by(|one, next| one == next) {
                let Some(buyer) = equal.first() else { continue };
                #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
                let times = equal.len() as f64;
                frequency = buyer.frequency();
                weight += times;
                found.longest_age = found.longest_age.max(buyer.age());
                found.total_age += times * buyer.age();
                rows.push(Row { recency: buyer.recency(), age: buyer.age(), weight: times });
            }
            found.total_frequency += weight * f64::from(frequency);
            found.groups.push(Group { frequency, weight, rows });
        }
        Ok(found)
    }

    /// The log-likelihood of all customers with its first and second derivatives in r, alpha, a, b.
    fn slopes(&self, model: &BgNbd) -> Slopes {
        let BgNbd { r, alpha, a, b } = *model;
        let mut sums = Sums::default();
        let ln_alpha = libm::log(alpha);
        let at_zero = [digamma(r), digamma(a + b), digamma(b), trigamma(r), trigamma(a + b), trigamma(b)];
        let [r1, ab1, b1, r2, ab2, b2] = at_zero;
        for group in &self.groups {
            let (x, weight) = (f64::from(group.frequency), group.weight);
            // What depends on the frequency alone is worked out once.
            let mut table = Sums {
                value: ln_rising(r, group.frequency) + ln_rising(b, group.frequency)
                    - ln_rising(a + b, group.frequency)
                    + r * ln_alpha,
                r: ln_alpha,
                alpha: r / alpha,
                r_alpha: alpha.recip(),
                alpha_alpha: -r / (alpha * alpha),
                ..Sums::default()
            };
            if group.frequency > 0 {
                let (whole_gain, gain_b) = (ab1 - digamma(a + b + x), digamma(b + x) - b1);
                let (whole_bend, bend_b) = (ab2 - trigamma(a + b + x), trigamma(b + x) - b2);
                table.r += digamma(r + x) - r1;
                table.a += whole_gain;
                table.b += gain_b + whole_gain;
                table.r_r += trigamma(r + x) - r2;
                table.a_a += whole_bend;
                table.a_b += whole_bend;
                table.b_b += bend_b + whole_bend;
            }
            sums.add(&table.times(weight));
            for chunk in group.rows.chunks(CHUNK) {
                let part =
                    if group.frequency == 0 { never_back(model, chunk) } else { came_back(model, x, chunk) };
                sums.add(&part);
            }
        }
        sums.slopes()
    }
}

/// The part of those who never came back: -r ln(alpha + T).
fn never_back(model: &BgNbd, rows: &[Row]) -> Sums {
    let mut sums = Sums::default();
    let r = model.r;
    for row in rows {
        let scale = model.alpha + row.age;
        let inverse = scale.recip();
        let ln_scale = row.weight * libm::log(scale);
        sums.value -= r * ln_scale;
        sums.r -= ln_scale;
        sums.alpha -= row.weight * r * inverse;
        sums.r_alpha -= row.weight * inverse;
        sums.alpha_alpha += row.weight * r * inverse * inverse;
    }
    sums
}

/// The part of those who came back x times that depends on their times:
/// -(r + x) ln(alpha + T) + ln(1 + e^q), with q the log-odds of having left.
fn came_back(model: &BgNbd, x: f64, rows: &[Row]) -> Sums {
    let alpha = model.alpha;
    let mut sums = Sums::default();
    let (shape, last) = (model.r + x, model.b + (x - 1.0));
    let ln_odds = libm::log(model.a / last);
    // The slopes of q in a and b.
    let (q_a, q_b) = (model.a.recip(), -last.recip());
    for row in rows {
        let (till_now, till_last) = (alpha + row.age, alpha + row.recency);
        let (now, then) = (till_now.recip(), till_last.recip());
        let silence = libm::log1p((row.age - row.recency) * then);
        let q = shape * silence + ln_odds;
        let e = libm::exp(-q.abs());
        let (likelier, rarer) = ((1.0 + e).recip(), e / (1.0 + e));
        let weight = row.weight;
        let spread = weight * likelier * rarer;
        let gone = weight * if q > 0.0 { likelier } else { rarer };
        let softplus = q.max(0.0) + libm::log1p(e);
        let ln_now = weight * libm::log(till_now);
        // The slopes of q in r and alpha, and its second derivatives.
        let turn = now - then;
        let (q_r, q_alpha) = (silence, shape * turn);
        sums.value += weight * softplus - shape * ln_now;
        sums.r += gone * q_r - ln_now;
        sums.alpha += gone * q_alpha - weight * shape * now;
        sums.a += gone * q_a;
        sums.b += gone * q_b;
        sums.r_r += spread * q_r * q_r;
        sums.r_alpha += spread * q_r * q_alpha + gone * turn - weight * now;
        sums.r_a += spread * q_r * q_a;
        sums.r_b += spread * q_r * q_b;
        sums.alpha_alpha +=
            spread * q_alpha * q_alpha + shape * (gone * (then * then - now * now) + weight * now * now);
        sums.alpha_a += spread * q_alpha * q_a;
        sums.alpha_b += spread * q_alpha * q_b;
        sums.a_a += (spread - gone) * q_a * q_a;
        sums.a_b += spread * q_a * q_b;
        sums.b_b += (spread + gone) * q_b * q_b;
    }
    sums
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
