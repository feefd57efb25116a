//! The one integral of the Pareto/GGG model: over how regularly a customer may buy.

use super::distinct_rows::CHUNK;
use super::likelihood::{Bounds, Gradient, Likelihood, Slopes};
use super::waiting::{Fineness, Wait, Waiting};
use super::{FitError, ParetoGgg, TimedBuyer};
use crate::numeric::gamma::{digamma, ln_gamma, trigamma};
use crate::numeric::linear::Symmetric;

/// What the integral over k is made of, for one customer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Regularity<'a> {
    model: &'a ParetoGgg,
    frequency: f64,
    recency: f64,
    /// T - `t_x`.
    pub(super) silence: f64,
    ln_intervals: f64,
}

/// One regularity a customer may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Regular {
    ln_k: f64,
    /// The time to the next purchase.
    pub(super) waiting: Waiting,
    /// The logarithm of 1 / B(k, r+kx).
    pub(super) ln_front: f64,
    /// The logarithm of the weight of all but the silence.
    pub(super) ln_weight: f64,
}

/// Marches no further than this, whatever is left.
const MOST_STEPS: u32 = 2000;
/// The left tail of a regularity falls slowly, the right one quickly: steps grow to the left by e^this.
const STRETCH: f64 = 0.4;

impl<'a> Regularity<'a> {
    pub(super) fn new(model: &'a ParetoGgg, timed: TimedBuyer) -> Self {
        let buyer = timed.buyer();
        Self {
            model,
            frequency: f64::from(buyer.frequency()),
            recency: buyer.recency(),
            silence: buyer.age() - buyer.recency(),
            ln_intervals: timed.ln_intervals(),
        }
    }

    /// beta + `t_x`.
    pub(super) fn loss_scale(&self) -> f64 {
        self.model.beta() + self.recency
    }

    pub(super) fn model_s(&self) -> f64 {
        self.model.s()
    }

    fn waiting(&self, k: f64) -> Waiting {
        let Self { model, frequency, recency, .. } = *self;
        Waiting { k, shape: model.r() + k * frequency, scale: model.alpha() + k * recency }
    }

    /// The logarithm of what depends on k but for the silence, in ln k.
    fn ln_height(&self, ln_k: f64, waiting: &Waiting) -> f64 {
        let Self { model, frequency: x, .. } = *self;
        let Waiting { k, shape, scale } = *waiting;
        model.t() * ln_k - model.gamma() * k
            + x * (k * ln_k - ln_gamma(k))
            + (k - 1.0) * self.ln_intervals
            + ln_gamma(shape)
            - shape * libm::log(scale)
    }

    /// The place of its top in ln k, and the standard deviation of a normal density with its curvature there.
    fn top(&self) -> (f64, f64) {
        let Self { model, frequency: x, recency, .. } = *self;
        let mut ln_k = libm::log(model.t() / model.gamma());
        let mut curvature = 1.0;
        for _ in 0..100 {
            let k = libm::exp(ln_k);
            let Waiting { shape, scale, .. } = self.waiting(k);
            let mut slope = model.t() / k - model.gamma();
            let mut bend = -model.t() / (k * k);
            if x > 0.0 {
                slope += x * (ln_k + 1.0 - digamma(k) + digamma(shape) - libm::log(scale))
                    + self.ln_intervals
                    - shape * recency / scale;
                bend += x * (k.recip() - trigamma(k) + x * trigamma(shape) - 2.0 * recency / scale)
                    + shape * (recency / scale) * (recency / scale);
            }
            curvature = -(bend * k + slope) * k;
            let step =
                if curvature > 0.0 { (slope * k / curvature).clamp(-1.5, 1.5) } else { 0.5 * slope.signum() };
            ln_k += step;
            if step.abs() < 0.05 {
                break;
            }
        }
        (ln_k, curvature.max(1e-4).sqrt().recip())
    }

    /// The logarithm of the integral, and means over k, where `of` says how likely the silence is for a k (its logarithm)
    /// and what to take the means of.
    pub(super) fn means<const N: usize>(
        &self,
        fineness: Fineness,
        mut of: impl FnMut(&Regular) -> (f64, [f64; N]),
    ) -> (f64, [f64; N]) {
        let (centre, spread) = self.top();
        let mut sums = Scaled::default();
        let mut highest = f64::NEG_INFINITY;
        let mut add = |place: f64| {
            let away = libm::exp(-STRETCH * place);
            let ln_k = centre + 0.5 * spread * (place + (1.0 - away) / STRETCH);
            let waiting = self.waiting(libm::exp(ln_k));
            let step = 0.5 * spread * (1.0 + away) * fineness.step;
            let ln_weight = self.ln_height(ln_k, &waiting) + libm::log(step);
            let node = Regular { ln_k, waiting, ln_front: waiting.ln_front(), ln_weight };
            let (ln_silent, values) = of(&node);
            let ln_term = ln_weight + ln_silent;
            if ln_term.is_nan() {
                return f64::NEG_INFINITY;
            }
            sums.add(ln_term, values);
            highest = ln_term.max(highest);
            ln_term - highest
        };
        add(0.0);
        let least = libm::log(fineness.least);
        for direction in [1.0, -1.0] {
            for step in 1..MOST_STEPS {
                let place = direction * fineness.step * f64::from(step);
                if add(place) < least && step > 2 {
                    break;
                }
            }
        }
        let (ln_sum, means) = sums.means();
        (self.ln_constant() + ln_sum, means)
    }

    /// What does not depend on k.
    pub(super) fn ln_constant(&self) -> f64 {
        let model = self.model;
        model.r() * libm::log(model.alpha()) - ln_gamma(model.r()) + model.t() * libm::log(model.gamma())
            - ln_gamma(model.t())
            - model.s() * libm::log1p(self.recency / model.beta())
    }

    /// Visits the times that the next purchase may take, from the last one.
    pub(super) fn waits(
        &self,
        fineness: Fineness,
        regular: &Regular,
        between: [f64; 2],
        visit: impl FnMut(Wait),
    ) {
        regular.waiting.visit(fineness, regular.ln_front, self.slow(), between, visit);
    }

    /// How likely a customer is still there changes as slowly as (1 + time / it)^-1.
    pub(super) fn slow(&self) -> f64 {
        self.loss_scale() / self.model.s().max(1.0)
    }

    /// How likely a customer is still there after a time since the last purchase, who was then.
    pub(super) fn there(&self, after: f64) -> f64 {
        libm::exp(-self.model.s() * libm::log1p(after / self.loss_scale()))
    }

    /// How likely no purchase is seen for so long after the last, for one k: because it is not due or because the customer
    /// has left. A sum of positive parts.
    pub(super) fn silent(&self, fineness: Fineness, regular: &Regular, silence: f64) -> f64 {
        let (s, loss_scale) = (self.model.s(), self.loss_scale());
        let mut left = 0.0;
        self.waits(fineness, regular, [0.0, silence], |wait| {
            let gone = -libm::expm1(-s * libm::log1p(wait.time / loss_scale));
            left += libm::exp(wait.ln_density) * wait.step * gone;
        });
        (regular.waiting.exceeds(silence) + left).min(1.0)
    }

    /// How likely no purchase is due for so long after the last, and the customer still there.
    pub(super) fn silent_and_there(&self, regular: &Regular, silence: f64) -> f64 {
        regular.waiting.exceeds(silence) * self.there(silence)
    }

    /// The logarithm of the likelihood with its slopes in t, gamma, r, alpha, s, beta.
    pub(super) fn slopes(&self, fineness: Fineness) -> (f64, [f64; 6]) {
        let [t, gamma, r, alpha, s, beta] = self.model.all();
        let loss_scale = self.loss_scale();
        let at_zero = [libm::log(gamma) - digamma(t), t / gamma, libm::log(alpha) - digamma(r), r / alpha];
        let [at_t, at_gamma, at_r, at_alpha] = at_zero;
        let at_s = -libm::log1p(self.recency / beta);
        let at_beta = s * self.recency / (beta * loss_scale);
        self.means(fineness, |regular| {
            let Waiting { k, shape, scale } = regular.waiting;
            // The likelihood of a purchase in the time of the silence, and its slopes.
            let [mut seen, mut grown, mut share, mut lost, mut lost_share] = [0.0; 5];
            self.waits(fineness, regular, [0.0, self.silence], |wait| {
                let Wait { time, odds, growth, ln_density, step } = wait;
                let leaving = libm::log1p(time / loss_scale);
                let part = step * libm::exp(ln_density - s * leaving);
                seen += part;
                grown += part * growth;
                share += part * odds / (1.0 + odds);
                lost += part * leaving;
                lost_share += part * time / (loss_scale + time);
            });
            let mut silent = 1.0 - seen;
            if silent < 1e-3 {
                silent = self.silent(fineness, regular, self.silence).max(1e-300);
            }
            let at_shape = digamma(shape);
            let in_shape = grown - (digamma(shape + k) - at_shape) * seen;
            let in_scale = (k * seen - (k + shape) * share) / scale;
            let values = [
                at_t + regular.ln_k,
                at_gamma - k,
                at_r + at_shape - libm::log(scale) + in_shape / silent,
                at_alpha - shape / scale + in_scale / silent,
                at_s + lost / silent,
                at_beta - s / loss_scale * lost_share / silent,
            ];
            (libm::log(silent), values)
        })
    }
}

/// Sums of which only the logarithm may be representable.
struct Scaled<const N: usize> {
    ln_scale: f64,
    whole: f64,
    sums: [f64; N],
}

impl<const N: usize> Default for Scaled<N> {
    fn default() -> Self {
        Self { ln_scale: f64::NEG_INFINITY, whole: 0.0, sums: [0.0; N] }
    }
}

impl<const N: usize> Scaled<N> {
    fn add(&mut self, ln_weight: f64, values: [f64; N]) {
        if self.ln_scale == f64::NEG_INFINITY {
            self.ln_scale = ln_weight;
        } else if ln_weight > self.ln_scale + 200.0 {
            let shrink = libm::exp(self.ln_scale - ln_weight);
            self.whole *= shrink;
            self.sums.iter_mut().for_each(|sum| *sum *= shrink);
            self.ln_scale = ln_weight;
        }
        let weight = libm::exp(ln_weight - self.ln_scale);
        self.whole += weight;
        self.sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
    }

    fn means(self) -> (f64, [f64; N]) {
        (self.ln_scale + libm::log(self.whole), self.sums.map(|sum| sum / self.whole))
    }
}

/// A distinct row, and how many customers have it.
#[derive(Clone, Copy, Debug)]
struct Row {
    timed: TimedBuyer,
    weight: f64,
}

/// What the model is fitted to: distinct rows and how many customers have them.
#[derive(Clone, Debug)]
pub struct TimedRows {
    rows: Vec<Row>,
    customers: u64,
    longest_age: f64,
    pace: f64,
}

impl TimedRows {
    pub(super) fn of(
        buyers: impl IntoIterator<Item = TimedBuyer>,
        priors_say_all: bool,
    ) -> Result<Self, FitError> {
        let mut buyers: Vec<TimedBuyer> = buyers.into_iter().collect();
        let customers = u64::try_from(buyers.len()).unwrap_or(u64::MAX);
        buyers.sort_unstable_by(TimedBuyer::order);
        let (Some(first), Some(last)) = (buyers.first(), buyers.last()) else {
            return Err(FitError::NoCustomers);
        };
        if last.buyer().frequency() == 0 && !priors_say_all {
            return Err(FitError::NoRepeatPurchases { customers });
        }
        if first == last && !priors_say_all {
            return Err(FitError::AllTheSame { customers });
        }
        let mut found = Self { rows: Vec::new(), customers, longest_age: 0.0, pace: 0.0 };
        let (mut ages, mut purchases) = (0.0, 0.0);
        for equal in buyers.chunk_by(|one, next| one == next) {
            let Some(&timed) = equal.first() else { continue };
            #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
            let weight = equal.len() as f64;
            found.longest_age = found.longest_age.max(timed.buyer().age());
            ages += weight * timed.buyer().age();
            purchases += weight * f64::from(timed.buyer().frequency());
            found.rows.push(Row { timed, weight });
        }
        let pace = ages / f64::max(purchases, 1.0);
        found.pace = if pace > 0.0 { pace } else { 1.0 };
        Ok(found)
    }
}

impl ParetoGgg {
    fn all(&self) -> [f64; 6] {
        [self.t(), self.gamma(), self.r(), self.alpha(), self.s(), self.beta()]
    }

    pub(super) fn sum(&self, rows: &TimedRows, fineness: Fineness) -> Gradient {
        let (mut value, mut gradient) = (0.0, [0.0; 6]);
        for chunk in rows.rows.chunks(CHUNK) {
            let (mut part, mut slopes) = (0.0, [0.0; 6]);
            for &Row { timed, weight } in chunk {
                let (ln, slope) = Regularity::new(self, timed).slopes(fineness);
                part += weight * ln;
                slopes.iter_mut().zip(slope).for_each(|(sum, slope)| *sum += weight * slope);
            }
            value += part;
            gradient.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
        }
        Gradient { value, gradient: gradient.to_vec() }
    }
}

/// The step of differences of slopes in the logarithm of a parameter: about the third root of their precision.
const STEP: f64 = 1e-3;

impl Likelihood for ParetoGgg {
    type Data = TimedRows;

    const MODEL: &'static str = "pareto_ggg";
    const NAMES: &'static [&'static str] = &["t", "gamma", "r", "alpha", "s", "beta"];

    fn customers(data: &TimedRows) -> u64 {
        data.customers
    }

    fn ranges(&self, rows: &TimedRows) -> Vec<Bounds> {
        let times = |factor: f64| factor * rows.longest_age;
        vec![
            Bounds { lower: 1e-3, upper: 1e4 },
            Bounds { lower: 1e-4, upper: 1e4 },
            Bounds { lower: 1e-5, upper: 1e5 },
            Bounds { lower: times(1e-9), upper: times(1e7) },
            Bounds { lower: 1e-6, upper: 1e5 },
            Bounds { lower: times(1e-9), upper: times(1e9) },
        ]
    }

    fn starts(&self, rows: &TimedRows) -> Vec<Vec<f64>> {
        let pace = rows.pace;
        let times = |factor: f64| factor * rows.longest_age;
        vec![
            vec![2.0, 1.0, 0.5, 0.3 * pace, 0.6, times(0.3)],
            vec![8.0, 8.0, 1.0, pace, 1.0, times(1.0)],
            vec![3.0, 0.6, 0.5, 0.3 * pace, 0.3, times(0.5)],
        ]
    }

    fn parameters(&self) -> Vec<f64> {
        self.all().to_vec()
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let &[t, gamma, r, alpha, s, beta] = parameters else { return None };
        Self::new(t, gamma, r, alpha, s, beta).ok()
    }

    /// The second derivatives by central differences of the first.
    fn slopes(&self, rows: &TimedRows) -> Slopes {
        let Gradient { value, gradient } = self.sum(rows, Fineness::MIDDLE);
        let parameters = self.parameters();
        let columns: Vec<Vec<f64>> = parameters
            .iter()
            .enumerate()
            .map(|(index, &parameter)| {
                let slopes = |factor: f64| {
                    let mut moved = parameters.clone();
                    if let Some(moved) = moved.get_mut(index) {
                        *moved = parameter * factor;
                    }
                    let model = self.with_parameters(&moved).unwrap_or(*self);
                    model.sum(rows, Fineness::MIDDLE).gradient
                };
                let (up, down) = (slopes(1.0 + STEP), slopes(1.0 - STEP));
                up.iter().zip(&down).map(|(up, down)| (up - down) / (2.0 * STEP * parameter)).collect()
            })
            .collect();
        let cell = |row: usize, column: usize| {
            columns.get(column).and_then(|column: &Vec<f64>| column.get(row)).copied().unwrap_or_default()
        };
        let hessian = Symmetric::from_upper(6, |row, column| 0.5 * (cell(row, column) + cell(column, row)));
        Slopes { value, gradient, hessian }
    }

    #[cfg(feature = "bayes")]
    fn gradient(&self, rows: &TimedRows) -> Gradient {
        self.sum(rows, Fineness::COARSE)
    }
}

/// The slopes of the log-likelihood of one customer.
#[cfg(test)]
pub(super) fn slopes_of(model: &ParetoGgg, timed: TimedBuyer) -> [f64; 6] {
    Regularity::new(model, timed).slopes(Fineness::MIDDLE).1
}
