use super::Priors;
use crate::numeric::nuts::Plan;
use crate::validation::ValidationError;

/// Trajectories double at most so many times: 1,023 steps.
pub(super) const DEEPEST: u32 = 10;

/// How a posterior is sampled: how many chains of how many draws, from which seed, and what is known beforehand.
///
/// # Example
/// ```
/// use patronage::value::{Prior, Priors, Sampling};
///
/// let sampling = Sampling::new(7)
///     .with_chains(2)?
///     .with_draws(1_000, 1_000)?
///     .with_priors(Priors::NONE.with("r", Prior::gamma(2.0, 4.0)?));
/// assert_eq!((sampling.chains(), sampling.draws()), (2, 1_000));
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    seed: u64,
    chains: u32,
    warm_up: u32,
    draws: u32,
    acceptance: f64,
    priors: Priors,
}

impl Sampling {
    /// Four chains of 500 draws each after 300 to warm up, at an acceptance of 0.8, with weakly informative priors.
    ///
    /// # Arguments
    /// - `seed`: the same seed gives the same draws, to the last bit, on every platform.
    ///
    /// # Priors
    /// A positive parameter that has no prior of its own gets a log-normal one with a spread of 2, which is a factor of 7 up
    /// or down for two thirds of its mass and of 50 for 95 %. Its median is of the order of magnitude that such data have:
    /// for shapes about 1, for times and amounts of money the mean time between purchases, the longest age or the mean
    /// spend. So nothing depends on the unit. The coefficient of a covariate gets a normal prior around 0, by which the
    /// customers at its two ends differ by a factor of e^2.5 or less for two thirds of the mass.
    pub const fn new(seed: u64) -> Self {
        Self { seed, chains: 4, warm_up: 300, draws: 500, acceptance: 0.8, priors: Priors::NONE }
    }

    /// The same with another number of chains: at least 2, or chains cannot be held against each other. Four is usual.
    ///
    /// # Errors
    /// [`ValidationError`] when it does not lie between 2 and 1,000.
    pub fn with_chains(self, chains: u32) -> Result<Self, ValidationError> {
        if (2..=1_000).contains(&chains) {
            Ok(Self { chains, ..self })
        } else {
            Err(ValidationError::new("sampling.chains", "must lie between 2 and 1,000", chains))
        }
    }

    /// The same with so many draws of each chain to warm up, which are thrown away, and so many that are kept.
    ///
    /// # Errors
    /// [`ValidationError`] when one does not lie between 20 and 1,000,000.
    pub fn with_draws(self, warm_up: u32, draws: u32) -> Result<Self, ValidationError> {
        for (field, number) in [("sampling.warm_up", warm_up), ("sampling.draws", draws)] {
            if !(20..=1_000_000).contains(&number) {
                return Err(ValidationError::new(field, "must lie between 20 and 1,000,000", number));
            }
        }
        Ok(Self { warm_up, draws, ..self })
    }

    /// The same with another acceptance to tune the step to: more takes smaller steps, which helps against divergences.
    ///
    /// # Errors
    /// [`ValidationError`] when it does not lie between 0.5 and 0.999.
    pub fn with_acceptance(self, acceptance: f64) -> Result<Self, ValidationError> {
        if (0.5..=0.999).contains(&acceptance) {
            Ok(Self { acceptance, ..self })
        } else {
            Err(ValidationError::new("sampling.acceptance", "must lie between 0.5 and 0.999", acceptance))
        }
    }

    /// The same with these priors; parameters without one keep the weakly informative one of [`new`](Self::new).
    #[must_use]
    pub fn with_priors(self, priors: Priors) -> Self {
        Self { priors, ..self }
    }

    /// The seed.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The number of chains.
    pub const fn chains(&self) -> u32 {
        self.chains
    }

    /// The draws of each chain that are kept.
    pub const fn draws(&self) -> u32 {
        self.draws
    }

    pub(super) const fn priors(&self) -> &Priors {
        &self.priors
    }

    pub(super) const fn plan(&self) -> Plan {
        Plan { warm_up: self.warm_up, draws: self.draws, acceptance: self.acceptance, deepest: DEEPEST }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_sampled() {
        let sampling = || Sampling::new(1);
        assert!(sampling().with_chains(1).is_err() && sampling().with_chains(1_001).is_err());
        assert!(sampling().with_draws(19, 100).is_err() && sampling().with_draws(100, 1_000_001).is_err());
        for wrong in [0.49, 1.0, f64::NAN] {
            assert!(sampling().with_acceptance(wrong).is_err(), "{wrong}");
        }
    }
}
