//! Whether chains of draws have met, and how many independent draws they are worth.
//!
//! Source: A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Bürkner, "Rank-normalization, folding, and
//! localization: an improved R-hat for assessing convergence of MCMC", Bayesian Analysis 16 (2021).

use super::proportion::z;

/// What chains of one number say about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mixing {
    /// The larger of the rank-normalised split R-hat of the draws and of their distances from the median; infinite where
    /// a chain does not move.
    pub(crate) r_hat: f64,
    /// How many independent draws would tell the centre as well.
    pub(crate) bulk: f64,
    /// The same for the 5 % and the 95 % quantile: the smaller.
    pub(crate) tail: f64,
}

/// Judges chains of equal length, of four draws at least.
pub(crate) fn mixing(chains: &[Vec<f64>]) -> Mixing {
    let halves = halves(chains);
    let sorted = |chains: &[Vec<f64>]| {
        let mut draws: Vec<f64> = chains.concat();
        draws.sort_unstable_by(f64::total_cmp);
        draws
    };
    let middle = quantile(&sorted(&halves), 0.5);
    let all = sorted(chains);
    let folded = map(&halves, |draw| (draw - middle).abs());
    let (ranks, far) = (rank_normalised(&halves), rank_normalised(&folded));
    let tail = [0.05, 0.95].map(|p| {
        let bound = quantile(&all, p);
        effective(&map(&halves, |draw| f64::from(u8::from(draw <= bound))))
    });
    Mixing {
        r_hat: r_hat(&ranks).max(r_hat(&far)),
        bulk: effective(&ranks),
        tail: tail.into_iter().fold(f64::INFINITY, f64::min),
    }
}

/// The quantile of sorted numbers (Hyndman and Fan's type 7), 0 of none.
pub(crate) fn quantile(sorted: &[f64], p: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 draws")]
    let place = p * sorted.len().saturating_sub(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies within the numbers")]
    let below = place as usize;
    let at = |index: usize| sorted.get(index).copied();
    let low = at(below).unwrap_or_default();
    let high = at(below + 1).unwrap_or(low);
    let rest = place - libm::floor(place);
    // Not low + rest (high - low), which may overflow and need not end at `high`.
    ((1.0 - rest) * low + rest * high).clamp(low, high)
}

/// Each chain cut in two: a chain that drifts does not agree with itself.
fn halves(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let half = chains.iter().map(Vec::len).min().unwrap_or_default() / 2;
    let part = |chain: &[f64], from: usize| chain.iter().skip(from).take(half).copied().collect();
    chains.iter().flat_map(|chain| [part(chain, 0), part(chain, chain.len() - half)]).collect()
}

fn map(chains: &[Vec<f64>], number: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    chains.iter().map(|chain| chain.iter().map(|&draw| number(draw)).collect()).collect()
}

/// Every draw replaced by the normal quantile of its rank among all; equal ones share the mean of their ranks.
fn rank_normalised(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut places: Vec<(f64, usize, usize)> = Vec::new();
    for (chain, draws) in chains.iter().enumerate() {
        places.extend(draws.iter().enumerate().map(|(index, &draw)| (draw, chain, index)));
    }
    places.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let mut normal = map(chains, |_| 0.0);
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 draws")]
    let count = places.len() as f64;
    let mut before = 0.0;
    for equal in places.chunk_by(|one, next| one.0.total_cmp(&next.0).is_eq()) {
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 draws")]
        let ties = equal.len() as f64;
        let rank = before + 0.5 * (ties + 1.0);
        before += ties;
        let level = 2.0 * (rank - 0.375) / (count + 0.25) - 1.0;
        let quantile = z(level.abs()) * level.signum();
        for &(_, chain, index) in equal {
            if let Some(slot) = normal.get_mut(chain).and_then(|draws| draws.get_mut(index)) {
                *slot = quantile;
            }
        }
    }
    normal
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| (sum + number, count + 1.0));
    sum / f64::max(count, 1.0)
}

/// The mean variance within chains, that between their means, and the length of a chain.
fn variances(chains: &[Vec<f64>]) -> (f64, f64, f64) {
    let means: Vec<f64> = chains.iter().map(|chain| mean(chain.iter().copied())).collect();
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 draws")]
    let (length, count) = (chains.first().map_or(0, Vec::len) as f64, chains.len() as f64);
    let spread =
        |draws: &[f64], middle: f64| draws.iter().map(|draw| (draw - middle) * (draw - middle)).sum::<f64>();
    let within = mean(chains.iter().zip(&means).map(|(chain, &middle)| spread(chain, middle)))
        / (length - 1.0).max(1.0);
    let between = spread(&means, mean(means.iter().copied())) / (count - 1.0).max(1.0);
    (within, between, length)
}

fn r_hat(chains: &[Vec<f64>]) -> f64 {
    let (within, between, length) = variances(chains);
    if within > 0.0 { ((length - 1.0) / length + between / within).sqrt() } else { f64::INFINITY }
}

/// How many independent draws tell the mean as well as these, by Geyer's initial monotone sequence of pairs of
/// autocorrelations. Numbers that never change are worth all their draws.
fn effective(chains: &[Vec<f64>]) -> f64 {
    let (within, between, length) = variances(chains);
    let variance = (length - 1.0) / length * within + between;
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 draws")]
    let draws = length * chains.len() as f64;
    if variance <= 0.0 {
        return draws;
    }
    let centred: Vec<Vec<f64>> = chains
        .iter()
        .map(|chain| {
            let middle = mean(chain.iter().copied());
            chain.iter().map(|draw| draw - middle).collect()
        })
        .collect();
    let correlation = |lag: usize| {
        let covariance = mean(centred.iter().map(|chain| {
            let later = chain.iter().skip(lag);
            chain.iter().zip(later).map(|(one, other)| one * other).sum::<f64>() / length
        }));
        1.0 - (within - covariance) / variance
    };
    let most = chains.first().map_or(0, Vec::len);
    // The pair of lags 0 and 1 counts whatever its sign.
    let mut least = 1.0 + correlation(1);
    let (mut time, mut lag) = (2.0 * least - 1.0, 2);
    while lag + 2 < most {
        let first = correlation(lag);
        let pair = first + correlation(lag + 1);
        // Of the last pair, the first alone.
        if pair <= 0.0 || lag + 4 >= most {
            time += first.max(0.0);
            break;
        }
        least = pair.min(least);
        time += 2.0 * least;
        lag += 2;
    }
    // What is antithetic beyond this is luck.
    draws / time.max(1.0 / libm::log10(draws.max(10.0)))
}

#[cfg(test)]
mod tests;
