use super::FitError;

/// Why there is no posterior.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PosteriorError {
    /// The rows or the priors cannot be used.
    #[error("the rows or priors cannot be used")]
    Fit(#[from] FitError),
    /// The density is 0 or not finite wherever a chain could begin.
    #[error("chain {chain} found no place to begin")]
    NoStart {
        /// The chain, counted from 0.
        chain: u32,
    },
}

/// Why the draws of a posterior are not to be trusted yet.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unconverged {
    /// The chains do not agree on a parameter: take more draws to warm up, or say more by priors.
    #[error("the chains disagree on {parameter}: R-hat {r_hat:.3}")]
    ChainsDisagree {
        /// The parameter with the largest R-hat.
        parameter: String,
        /// Its R-hat, more than 1.01.
        r_hat: f64,
    },
    /// The draws of a parameter depend on each other so much that they are worth few: take more.
    #[error("the draws of {parameter} are worth {effective:.0} independent ones instead of {needed:.0}")]
    FewDraws {
        /// The parameter with the smallest number.
        parameter: String,
        /// The smaller of its bulk and its tail size.
        effective: f64,
        /// 100 for each chain.
        needed: f64,
    },
    /// Trajectories lost their energy, so that parts of the posterior may have been missed: ask for a higher acceptance,
    /// or say more by priors.
    #[error("{count} of {draws} trajectories diverged")]
    Divergences {
        /// How many did.
        count: u64,
        /// How many draws there are.
        draws: u64,
    },
}
