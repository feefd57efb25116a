#[cfg(test)]
mod tests;

use super::distinct_rows::DistinctRows;
use super::draw::new_buyer;
use super::fit::fit_near;
use super::interval::checked;
use super::likelihood::Likelihood;
use super::prediction::{Counted, repeated, simulate};
use super::resample::Resample;
use super::{Buyer, Fit, FitError, Horizon, IntervalError, Prediction, PurchaseModel, ScoreKind};
use crate::measure::{Estimate, Share};
use crate::numeric::percentile::{mean_and_deviation, percentile};
use crate::numeric::proportion::z;
use crate::numeric::random::Random;

/// A model fitted again and again to customers who might as well have come: how sure its scores are, told by the data
/// and not by a formula.
///
/// Made by [`Fit::bootstrap`] from customers drawn again with repetition, or by [`Fit::parametric_bootstrap`] from
/// customers that the fitted model makes. Refits that failed are counted ([`failed`](Self::failed)), and where they are
/// more than a tenth, there is no interval.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::value::{BgNbd, Buyer, Buyers, PurchaseModel};
///
/// let ten = Buyers::new(
///     &[0, 0, 0, 0, 1, 1, 2, 3, 4, 9],
///     &[0.0, 0.0, 0.0, 0.0, 2.0, 15.0, 8.0, 33.0, 12.0, 38.0],
///     &[39.0; 10],
/// )?;
/// let customers = ten.iter().cycle().take(1_000);
/// let bootstrap = BgNbd::fit(customers.clone())?.bootstrap(customers, 400, 7)?;
/// assert_eq!((bootstrap.repeats(), bootstrap.failed()), (400, 0));
/// let buyer = Buyer::new(3, 33.0, 39.0)?;
/// let p_alive = bootstrap.interval(Share::new(0.9)?, |model| model.p_alive(buyer))?;
/// assert_eq!(format!("{p_alive:.2}"), "0.76 [0.73, 0.78] (90.0 %, n = 1000)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap<M> {
    model: M,
    customers: u64,
    replicates: Vec<Result<M, FitError>>,
}

impl<M> Bootstrap<M> {
    /// The models fitted to other customers, in the order they were drawn, and why there is none where a refit failed.
    pub fn replicates(&self) -> &[Result<M, FitError>] {
        &self.replicates
    }

    /// How many refits there were.
    pub fn repeats(&self) -> u32 {
        count(self.replicates.iter())
    }

    /// How many of them failed.
    pub fn failed(&self) -> u32 {
        count(self.replicates.iter().filter(|replicate| replicate.is_err()))
    }

    /// The standard error of a score: its standard deviation over all refits that did not fail.
    ///
    /// # Returns
    /// 0 or more, in the unit of the score; infinite where the score of a refit is no finite number, or fewer than two
    /// succeeded.
    pub fn standard_error(&self, score: impl Fn(&M) -> f64) -> f64 {
        let scores: Vec<f64> = self.replicates.iter().flatten().map(score).collect();
        let (_, deviation) = mean_and_deviation(&scores);
        if deviation.is_nan() { f64::INFINITY } else { deviation }
    }

    /// Between which bounds a score lies, for all that the data tell: bias-corrected percentiles of the score over all
    /// refits.
    ///
    /// As [`Fit::interval`], it says how well the score is known, and not what a customer will do.
    ///
    /// # Arguments
    /// - `level`: how often such intervals enclose the truth, between 0 and 1; 0.9 for 90 %.
    /// - `score`: what is asked of a model, such as the P(alive) of a customer.
    ///
    /// # Returns
    /// The score of the fitted model with its interval (widened to hold the score, should it lie outside); `n` is the
    /// number of customers of the fit. Where a share f of the refits failed, the level is off by at most f.
    ///
    /// # Errors
    /// [`IntervalError`]: a level of 0 or 1, a score that is not finite for the fitted model or for a refit, or more than
    /// a tenth of all refits failed.
    ///
    /// # Formula
    /// ```text
    /// the percentiles Phi(2 z0 -+ z),  z0 = Phi^-1(share of refits with a lower score)
    /// ```
    /// with z the normal quantile of the level. Equal scores count half as lower.
    ///
    /// Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), section 14.3, with a = 0.
    pub fn interval(&self, level: Share, score: impl Fn(&M) -> f64) -> Result<Estimate, IntervalError> {
        let scores = self.replicates.iter().flatten().map(&score).collect();
        self.interval_of(level, score(&self.model), scores)
    }

    /// As [`interval`](Self::interval), for a score that rests on two fits: a
    /// [`LifetimeValue`](super::LifetimeValue), made of purchases and spend.
    ///
    /// The refits of both are paired in order, and so must be of different seeds; the models are taken to be independent.
    ///
    /// # Errors
    /// As [`interval`](Self::interval); a pair failed where one of the two did.
    pub fn interval_with<N>(
        &self,
        other: &Bootstrap<N>,
        level: Share,
        score: impl Fn(&M, &N) -> f64,
    ) -> Result<Estimate, IntervalError> {
        let pairs = self.replicates.iter().zip(&other.replicates);
        let scores =
            pairs.filter_map(|(mine, theirs)| Some(score(mine.as_ref().ok()?, theirs.as_ref().ok()?)));
        self.interval_of(level, score(&self.model, &other.model), scores.collect())
    }

    fn interval_of(&self, level: Share, score: f64, mut scores: Vec<f64>) -> Result<Estimate, IntervalError> {
        checked(level)?;
        let (repeats, succeeded) = (self.repeats(), count(scores.iter()));
        if u64::from(succeeded) * 10 < u64::from(repeats) * 9 {
            return Err(IntervalError::Refits { failed: repeats - succeeded, repeats });
        }
        if !score.is_finite() {
            return Err(IntervalError::Score { score, kind: ScoreKind::Number });
        }
        if !scores.iter().all(|score| score.is_finite()) {
            return Err(IntervalError::Unbounded { score });
        }
        scores.sort_unstable_by(f64::total_cmp);
        let (lower, upper) = bounds(&scores, score, level);
        let refused = |_| IntervalError::Unbounded { score };
        Estimate::new(score, lower.min(score), upper.max(score), level, self.customers).map_err(refused)
    }
}

/// The bias-corrected percentiles.
fn bounds(ascending: &[f64], score: f64, level: Share) -> (f64, f64) {
    let n = f64::from(count(ascending.iter()));
    let lower = ascending.partition_point(|&other| other < score);
    let up_to = ascending.partition_point(|&other| other <= score);
    let rank = 0.5
        * (f64::from(count(ascending.iter().take(lower))) + f64::from(count(ascending.iter().take(up_to))));
    // At either end as if half a refit lay beyond.
    let share = (rank / n).clamp(0.5 / n, 1.0 - 0.5 / n);
    let bias = normal_quantile(share);
    let half = z(level.get());
    let at = |place: f64| percentile(ascending, normal_below(place));
    (at(2.0 * bias - half), at(2.0 * bias + half))
}

fn normal_quantile(share: f64) -> f64 {
    (share - 0.5).signum() * z((2.0 * share - 1.0).abs())
}

fn normal_below(place: f64) -> f64 {
    0.5 * libm::erfc(-place * std::f64::consts::FRAC_1_SQRT_2)
}

fn count<T>(things: impl Iterator<Item = T>) -> u32 {
    u32::try_from(things.count()).unwrap_or(u32::MAX)
}

impl<M: PurchaseModel> Bootstrap<M> {
    /// As [`Fit::predict_total`], with the refits in place of normal draws of the parameters; the future is simulated
    /// once with each.
    ///
    /// # Errors
    /// [`IntervalError`]: a level of 0 or 1, or more than a tenth of all refits failed.
    pub fn predict_total(
        &self,
        buyers: impl IntoIterator<Item = Buyer>,
        horizon: Horizon,
        level: Share,
        seed: u64,
    ) -> Result<Prediction, IntervalError> {
        let buyers = Counted::of(buyers);
        let models: Vec<&M> = self.replicates.iter().flatten().collect();
        let (repeats, succeeded) = (self.repeats(), count(models.iter()));
        if u64::from(succeeded) * 10 < u64::from(repeats) * 9 {
            return Err(IntervalError::Refits { failed: repeats - succeeded, repeats });
        }
        simulate(repeats, level, seed, |index, random| {
            // Where some failed, the first of the others stand in for them.
            let place = index % u64::from(succeeded);
            let model = usize::try_from(place).ok().and_then(|place| models.get(place));
            Ok(model.map_or(0.0, |model| buyers.total(*model, horizon, random)))
        })
    }
}

/// Fits the same model to other data, from the parameters there are.
fn refit<M: Likelihood>(model: &M, data: Result<M::Data, FitError>) -> Result<M, FitError> {
    fit_near(&model.parameters(), model, &data?).map(Fit::into_model)
}

impl<M: Likelihood<Data: Resample>> Fit<M> {
    /// Fits the model again to customers drawn from these, as many and with repetition: how sure its scores are, also
    /// where the model is not quite true.
    ///
    /// What is known besides the parameters (the regularity k) is kept. Each refit starts at the parameters of this fit
    /// and has its own stream of random numbers.
    ///
    /// # Arguments
    /// - `customers`: the rows of this fit, in any order.
    /// - `repeats`: how often to draw, at least 100; 1,000 for two digits of a 95 % interval.
    /// - `seed`: the same seed gives the same refits on every platform.
    ///
    /// # Errors
    /// [`IntervalError`]: too few repeats, not the customers of this fit, or a fit with priors. A refit that fails is none:
    /// it is part of the result.
    ///
    /// # Cost
    /// For each repeat, one draw for each distinct row and about five passes over those drawn.
    ///
    /// # Example
    /// See [`Bootstrap`].
    ///
    /// Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).
    pub fn bootstrap(
        &self,
        customers: impl IntoIterator<Item = <M::Data as Resample>::Customer>,
        repeats: u32,
        seed: u64,
    ) -> Result<Bootstrap<M>, IntervalError> {
        let data = M::Data::of_customers(customers)?;
        self.refits_of(M::customers(&data))?;
        let replicates = repeated(repeats, |index| refit(self.model(), data.drawn_again(seed, index)))?;
        Ok(Bootstrap { model: self.model().clone(), customers: self.customers(), replicates })
    }
}

impl<M> Fit<M> {
    /// Whether so many customers can be fitted again.
    fn refits_of(&self, found: u64) -> Result<(), IntervalError> {
        let expected = self.customers();
        if expected != found {
            return Err(IntervalError::OtherCustomers { expected, found });
        }
        if self.log_prior() == 0.0 { Ok(()) } else { Err(IntervalError::Priors) }
    }
}

impl<M: PurchaseModel + Likelihood<Data = DistinctRows>> Fit<M> {
    /// Fits the model again to customers that it makes itself, of the same ages: how sure its scores are where the model
    /// is true.
    ///
    /// # Arguments
    /// - `buyers`: the rows of this fit, in any order; only their ages count.
    /// - `repeats` and `seed`: as in [`bootstrap`](Self::bootstrap).
    ///
    /// # Errors
    /// As [`bootstrap`](Self::bootstrap).
    ///
    /// # Cost
    /// For each repeat, simulating and sorting all customers, and about five passes over them.
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::value::{BgNbd, Buyer, Buyers, PurchaseModel};
    ///
    /// let ten = Buyers::new(
    ///     &[0, 0, 0, 0, 1, 1, 2, 3, 4, 9],
    ///     &[0.0, 0.0, 0.0, 0.0, 2.0, 15.0, 8.0, 33.0, 12.0, 38.0],
    ///     &[39.0; 10],
    /// )?;
    /// let customers = ten.iter().cycle().take(1_000);
    /// let bootstrap = BgNbd::fit(customers.clone())?.parametric_bootstrap(customers, 400, 7)?;
    /// assert_eq!((bootstrap.repeats(), bootstrap.failed()), (400, 0));
    /// let buyer = Buyer::new(3, 33.0, 39.0)?;
    /// let p_alive = bootstrap.interval(Share::new(0.9)?, |model| model.p_alive(buyer))?;
    /// assert_eq!(format!("{p_alive:.2}"), "0.76 [0.74, 0.79] (90.0 %, n = 1000)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parametric_bootstrap(
        &self,
        buyers: impl IntoIterator<Item = Buyer>,
        repeats: u32,
        seed: u64,
    ) -> Result<Bootstrap<M>, IntervalError> {
        // In an order of their own, so that the one given changes nothing.
        let mut ages: Vec<f64> = buyers.into_iter().map(Buyer::age).collect();
        ages.sort_unstable_by(f64::total_cmp);
        self.refits_of(u64::try_from(ages.len()).unwrap_or(u64::MAX))?;
        let replicates = repeated(repeats, |index| {
            let mut random = Random::stream(seed, index);
            let made = ages.iter().map(|&age| new_buyer(self.model(), age, &mut random));
            refit(self.model(), DistinctRows::of(made))
        })?;
        Ok(Bootstrap { model: self.model().clone(), customers: self.customers(), replicates })
    }
}
