#[cfg(test)]
mod tests;

use super::interval::checked;
use super::likelihood::Likelihood;
use super::log_posterior::LogPosterior;
use super::prediction::{Counted, simulate};
use super::sampling::DEEPEST;
use super::{
    Buyer, Horizon, IntervalError, PosteriorError, Prediction, PurchaseModel, Sampling, ScoreKind,
    Unconverged,
};
use crate::measure::{Estimate, Share};
use crate::numeric::convergence::{Mixing, mixing};
use crate::numeric::linear::Symmetric;
use crate::numeric::nuts;
use crate::numeric::percentile::{mean_and_deviation, percentile};
use crate::numeric::random::Random;
use std::borrow::Cow;

/// All models that the data leave possible, as likely as the data and what was known before make them: draws from the
/// full posterior by the no-U-turn sampler.
///
/// Whatever can be asked of a model can be asked of its posterior: the score of every draw is one possible truth, so that
/// the interval of a score holds all that is not known about the parameters, without the normal approximation that
/// [`Fit::standard_error`](super::Fit::standard_error) makes. Made by [`BgNbd::posterior`](super::BgNbd::posterior) and
/// its like.
///
/// Parameters are sampled in their logarithms, from the highest point of the posterior and with momenta shaped by its
/// curvature, so that trajectories are short. Chains are independent streams of one seed. Whether they are to be trusted
/// is part of the result: [`converged`](Self::converged).
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::value::{BgNbd, Buyer, Buyers, PurchaseModel, Sampling};
///
/// let buyers = Buyers::new(
///     &[0, 2, 1, 0, 5, 0, 1, 9],
///     &[0.0, 30.0, 2.0, 0.0, 20.0, 0.0, 30.0, 38.0],
///     &[38.0, 39.0, 37.0, 39.0, 38.0, 39.0, 39.0, 39.0],
/// )?;
/// let posterior = BgNbd::posterior(buyers.iter(), &Sampling::new(7))?;
/// if let Err(reason) = posterior.converged() {
///     eprintln!("take more draws: {reason}");
/// }
///
/// let buyer = Buyer::new(2, 30.0, 39.0)?;
/// let p_alive = posterior.interval(Share::new(0.9)?, |model| model.p_alive(buyer))?;
/// assert!(p_alive.lower() < p_alive.value() && p_alive.value() < p_alive.upper());
/// assert_eq!((posterior.draws().len(), posterior.customers()), (2_000, 8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: M. D. Hoffman, A. Gelman, "The No-U-Turn Sampler", JMLR 15 (2014); M. Betancourt, "A conceptual introduction
/// to Hamiltonian Monte Carlo" (2017).
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior<M> {
    draws: Vec<M>,
    parameters: Vec<Marginal>,
    chains: Vec<ChainReport>,
    customers: u64,
}

/// What is known of one number after all: a parameter, or any score.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Marginal {
    /// The name of the parameter, such as `alpha`.
    pub name: Cow<'static, str>,
    /// Its posterior mean.
    pub mean: f64,
    /// Its posterior standard deviation.
    pub standard_deviation: f64,
    /// The rank-normalised split R-hat (the larger of that of the draws and that of their distances from the median): 1
    /// where the chains agree; infinite where one does not move.
    pub r_hat: f64,
    /// How many independent draws would tell the mean as well.
    pub bulk_ess: f64,
    /// How many independent draws would tell the 5 % and 95 % quantiles as well.
    pub tail_ess: f64,
}

/// How one chain went, without its warm-up.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChainReport {
    /// How many trajectories lost their energy.
    pub divergences: u64,
    /// How many trajectories doubled 0, 1, 2 .. 10 times.
    pub tree_depths: Vec<u64>,
    /// The mean acceptance along the trajectories.
    pub acceptance: f64,
    /// The step size, in standard deviations of the posterior.
    pub step: f64,
    /// How often the likelihood was asked for, warm-up included.
    pub gradients: u64,
}

/// Chains that agree have an R-hat below this (Vehtari and others, 2021).
const AGREED: f64 = 1.01;
/// Independent draws that each chain should be worth.
const ENOUGH: f64 = 100.0;
/// The starts of chains are spread like the posterior.
const MOST_STARTS: u32 = 20;

impl<M> Posterior<M> {
    /// All draws, one chain after the other: each a model of its own.
    pub fn draws(&self) -> &[M] {
        &self.draws
    }

    /// The draws of each chain.
    pub fn chains(&self) -> impl ExactSizeIterator<Item = &[M]> {
        self.draws.chunks(self.length())
    }

    fn length(&self) -> usize {
        (self.draws.len() / self.chains.len().max(1)).max(1)
    }

    /// What is known of each parameter, in the order of the model's constructor.
    pub fn parameters(&self) -> &[Marginal] {
        &self.parameters
    }

    /// How each chain went.
    pub fn reports(&self) -> &[ChainReport] {
        &self.chains
    }

    /// How many trajectories of all chains lost their energy.
    pub fn divergences(&self) -> u64 {
        self.chains.iter().map(|chain| chain.divergences).sum()
    }

    /// How many customers the posterior rests on.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// Whether the draws are to be trusted: the verdict on the chains.
    ///
    /// # Errors
    /// [`Unconverged`] when the R-hat of a parameter is above 1.01, its bulk or tail size is below 100 for each chain, or
    /// a trajectory diverged: what is worst, in this order. The draws can be looked at all the same.
    ///
    /// Source: A. Vehtari and others, "Rank-normalization, folding, and localization: an improved R-hat for assessing
    /// convergence of MCMC", Bayesian Analysis 16 (2021).
    pub fn converged(&self) -> Result<(), Unconverged> {
        let worst = self.parameters.iter().max_by(|one, other| one.r_hat.total_cmp(&other.r_hat));
        if let Some(worst) = worst.filter(|worst| worst.r_hat > AGREED) {
            let parameter = worst.name.clone().into_owned();
            return Err(Unconverged::ChainsDisagree { parameter, r_hat: worst.r_hat });
        }
        let needed = self.chains.iter().map(|_| ENOUGH).sum();
        let worth = |marginal: &Marginal| marginal.bulk_ess.min(marginal.tail_ess);
        let worst = self.parameters.iter().min_by(|one, other| worth(one).total_cmp(&worth(other)));
        if let Some(worst) = worst.filter(|worst| worth(worst) < needed) {
            let parameter = worst.name.clone().into_owned();
            return Err(Unconverged::FewDraws { parameter, effective: worth(worst), needed });
        }
        match self.divergences() {
            0 => Ok(()),
            count => {
                let draws = u64::try_from(self.draws.len()).unwrap_or(u64::MAX);
                Err(Unconverged::Divergences { count, draws })
            }
        }
    }

    /// The posterior mean of a score: what is expected of it, for all that is known.
    ///
    /// # Returns
    /// The mean over all draws; NaN only where a score is.
    pub fn mean(&self, score: impl Fn(&M) -> f64) -> f64 {
        self.summary(Cow::Borrowed("score"), &score).mean
    }

    /// What is known of any score, and how well the chains agree on it.
    pub fn marginal(&self, score: impl Fn(&M) -> f64) -> Marginal {
        self.summary(Cow::Borrowed("score"), &score)
    }

    /// Between which bounds a score lies, for all that is known.
    ///
    /// As [`Fit::interval`](super::Fit::interval), it says how well the score is known, and not what a customer will do.
    ///
    /// # Arguments
    /// - `level`: how likely the score lies within the bounds, between 0 and 1; 0.9 for 90 %.
    /// - `score`: what is asked of a model, such as the P(alive) or the expected purchases of a customer; called once for
    ///   each draw.
    ///
    /// # Returns
    /// The median with the central interval: the rest is shared equally between both sides. A further draw of the score
    /// lies below a bound with just that probability (Hyndman and Fan's type 6); `n` is the number of customers.
    ///
    /// # Errors
    /// [`IntervalError`]: a level of 0 or 1, or a score that is not finite for one of the draws.
    pub fn interval(&self, level: Share, score: impl Fn(&M) -> f64) -> Result<Estimate, IntervalError> {
        self.interval_of(level, self.draws.iter().map(score).collect())
    }

    /// As [`interval`](Self::interval), for a score that rests on two posteriors: a
    /// [`LifetimeValue`](super::LifetimeValue), made of purchases and spend.
    ///
    /// The draws of both are paired in order, those of the shorter one again from its first, and so must be of different
    /// seeds; the models are taken to be independent.
    ///
    /// # Errors
    /// As [`interval`](Self::interval).
    pub fn interval_with<N>(
        &self,
        other: &Posterior<N>,
        level: Share,
        score: impl Fn(&M, &N) -> f64,
    ) -> Result<Estimate, IntervalError> {
        let pairs = self.draws.iter().cycle().zip(other.draws.iter().cycle());
        let pairs = pairs.take(self.draws.len().max(other.draws.len()));
        self.interval_of(level, pairs.map(|(mine, theirs)| score(mine, theirs)).collect())
    }

    fn interval_of(&self, level: Share, mut scores: Vec<f64>) -> Result<Estimate, IntervalError> {
        checked(level)?;
        let refused = |score| IntervalError::Score { score, kind: ScoreKind::Number };
        if let Some(&score) = scores.iter().find(|score| !score.is_finite()) {
            return Err(refused(score));
        }
        scores.sort_unstable_by(f64::total_cmp);
        let rest = 0.5 * (1.0 - level.get());
        let [lower, median, upper] = [rest, 0.5, 1.0 - rest].map(|share| percentile(&scores, share));
        Estimate::new(median, lower, upper, level, self.customers).map_err(|_| refused(median))
    }

    /// The draw that stands for the one at this place of so many: evenly spread over all chains.
    pub(super) fn spread(&self, index: u64, repeats: u32) -> Option<&M> {
        let draws = u128::try_from(self.draws.len()).unwrap_or_default();
        let place = u128::from(index) * draws / u128::from(repeats.max(1));
        self.draws.get(usize::try_from(place).ok()?)
    }

    fn summary(&self, name: Cow<'static, str>, score: &impl Fn(&M) -> f64) -> Marginal {
        let chains: Vec<Vec<f64>> = self.chains().map(|chain| chain.iter().map(score).collect()).collect();
        summary(name, &chains)
    }
}

fn summary(name: Cow<'static, str>, chains: &[Vec<f64>]) -> Marginal {
    let (mean, standard_deviation) = mean_and_deviation(&chains.concat());
    let Mixing { r_hat, bulk, tail } = mixing(chains);
    Marginal { name, mean, standard_deviation, r_hat, bulk_ess: bulk, tail_ess: tail }
}

impl<M: PurchaseModel> Posterior<M> {
    /// How many purchases customers will make in all within the horizon: what each may do, and all that is not known
    /// about the parameters, simulated together. One customer alone is answered as well.
    ///
    /// Each time, a draw of the posterior is taken, and then what every customer does from a model with its parameters:
    /// the posterior predictive distribution.
    ///
    /// # Arguments
    /// - `level`: how likely the total lies within the bounds, between 0 and 1; 0.9 for 90 %.
    /// - `repeats`: how often the future is simulated, at least 100, with draws that are spread evenly over the chains.
    ///   More repeats than draws use a draw several times.
    /// - `seed`: the same seed gives the same prediction on every platform.
    ///
    /// # Returns
    /// A [`Prediction`]; the order of customers changes nothing. It holds as far as the model does: that people buy more
    /// in December is not part of it.
    ///
    /// # Errors
    /// [`IntervalError`]: a level of 0 or 1, or too few repeats.
    ///
    /// # Cost
    /// About 0.1 microseconds for each customer and repeat; 40 bytes for each customer.
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::value::{BgNbd, Buyers, Horizon, Sampling};
    ///
    /// let ten = Buyers::new(
    ///     &[0, 0, 0, 0, 1, 1, 2, 3, 4, 9],
    ///     &[0.0, 0.0, 0.0, 0.0, 2.0, 15.0, 8.0, 33.0, 12.0, 38.0],
    ///     &[39.0; 10],
    /// )?;
    /// let customers = ten.iter().cycle().take(1_000);
    /// let posterior = BgNbd::posterior(customers.clone(), &Sampling::new(7))?;
    /// let total = posterior.predict_total(customers, Horizon::new(39.0)?, Share::new(0.9)?, 400, 7)?;
    /// assert_eq!(total.to_string(), "1030.02 +- 70.75 [924, 1153] (90.0 %)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn predict_total(
        &self,
        buyers: impl IntoIterator<Item = Buyer>,
        horizon: Horizon,
        level: Share,
        repeats: u32,
        seed: u64,
    ) -> Result<Prediction, IntervalError> {
        let buyers = Counted::of(buyers);
        simulate(repeats, level, seed, |index, random| {
            Ok(self.spread(index, repeats).map_or(0.0, |model| buyers.total(model, horizon, random)))
        })
    }
}

/// Samples all chains, one after the other.
pub(super) fn sample<M: Likelihood>(
    like: &M,
    data: &M::Data,
    sampling: &Sampling,
) -> Result<Posterior<M>, PosteriorError> {
    let target = LogPosterior::new(like, data, sampling.priors())?;
    let (top, shape) = target.top();
    let mut draws = Vec::new();
    let mut positions = Vec::new();
    let mut chains = Vec::new();
    for chain in 0..sampling.chains() {
        let mut random = Random::stream(sampling.seed(), u64::from(chain));
        let start = start(&target, &top, &shape, &mut random);
        let density = |at: &[f64], slopes: &mut [f64]| target.density(at, slopes);
        let found = nuts::sample(start, &shape, sampling.plan(), &mut random, density)
            .ok_or(PosteriorError::NoStart { chain })?;
        let mut depths = vec![0; usize::try_from(DEEPEST).unwrap_or_default() + 1];
        let mut divergences = 0;
        let mut places = Vec::new();
        for draw in found.draws {
            // The density is above 0 there, so that there is a model.
            draws.extend(target.model(&draw.position));
            places.push(target.parameters(&draw.position));
            divergences += u64::from(draw.diverged);
            if let Some(count) = usize::try_from(draw.depth).ok().and_then(|depth| depths.get_mut(depth)) {
                *count += 1;
            }
        }
        positions.push(places);
        let (acceptance, step, gradients) = (found.acceptance, found.step, found.calls);
        chains.push(ChainReport { divergences, tree_depths: depths, acceptance, step, gradients });
    }
    let column = |index: usize| -> Vec<Vec<f64>> {
        let of =
            |places: &Vec<Vec<f64>>| places.iter().filter_map(|place| place.get(index)).copied().collect();
        positions.iter().map(of).collect()
    };
    let names = like.names().into_iter().enumerate();
    let parameters = names.map(|(index, name)| summary(name, &column(index))).collect();
    Ok(Posterior { draws, parameters, chains, customers: M::customers(data) })
}

/// Where a chain begins: apart from the others, by the shape of the posterior at its top.
fn start<M: Likelihood>(
    target: &LogPosterior<'_, M>,
    top: &[f64],
    shape: &Symmetric,
    random: &mut Random,
) -> Vec<f64> {
    let Some(factor) = shape.cholesky(0.0) else { return top.to_vec() };
    let mut slopes = vec![0.0; top.len()];
    for _ in 0..MOST_STARTS {
        let mut step: Vec<f64> = top.iter().map(|_| random.normal()).collect();
        factor.stretch(&mut step);
        let place: Vec<f64> = top.iter().zip(step).map(|(top, step)| top + step).collect();
        if target.density(&place, &mut slopes).is_finite() && slopes.iter().all(|slope| slope.is_finite()) {
            return place;
        }
    }
    top.to_vec()
}
