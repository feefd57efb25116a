//! Random draws for resampling and simulation, the same on every platform: by `libm` alone.

#[cfg(test)]
mod tests;

use super::gamma::ln_gamma;
use super::split_mix::SplitMix;

/// A stream of draws that a seed determines. Whole numbers are `f64`, because counts may be beyond any integer.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    stream: SplitMix,
    /// Normal draws come in pairs.
    spare: Option<f64>,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { stream: SplitMix::new(seed), spare: None }
    }

    /// The stream of this index among those of a seed: what is done for each index by its own stream does not depend on
    /// the order in which, or the thread on which it is done.
    pub(crate) fn stream(seed: u64, index: u64) -> Self {
        let start = SplitMix::new(seed).next() ^ index;
        Self::new(SplitMix::new(start).next())
    }

    /// Between 0 and 1, never at either.
    pub(crate) fn uniform(&mut self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "52 bits are kept, and half of one is added without rounding"
        )]
        let bits = (self.stream.next() >> 12) as f64;
        (bits + 0.5) * f64::EPSILON
    }

    /// With a mean of 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// With a mean of 0 and a variance of 1.
    ///
    /// Source: G. Marsaglia, T. Bray, "A convenient method for generating normal variables", SIAM Review 6 (1964).
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                let stretch = (-2.0 * libm::log(square) / square).sqrt();
                self.spare = Some(stretch * y);
                return stretch * x;
            }
        }
    }

    /// From the gamma distribution of this shape above 0 and a scale of 1; 0 where it is less than any number.
    ///
    /// Source: G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return libm::exp(self.ln_of_gamma(shape));
        }
        let d = shape - 1.0 / 3.0;
        let c = (9.0 * d).sqrt().recip();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root <= 0.0 {
                continue;
            }
            let (v, square, height) = (root * root * root, x * x, self.uniform());
            // The first bound spares most logarithms.
            if height < 1.0 - 0.0331 * square * square
                || libm::log(height) < 0.5 * square + d * (1.0 - v + libm::log(v))
            {
                return d * v;
            }
        }
    }

    /// The logarithm of a draw from the gamma distribution: also where that is less than any number.
    pub(crate) fn ln_of_gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            libm::log(self.gamma(shape + 1.0)) + libm::log(self.uniform()) / shape
        } else {
            libm::log(self.gamma(shape))
        }
    }

    /// From the beta distribution with these parameters above 0.
    pub(crate) fn beta(&mut self, a: f64, b: f64) -> f64 {
        if a < 1.0 || b < 1.0 {
            let difference = self.ln_of_gamma(b) - self.ln_of_gamma(a);
            return super::exponential::falling_logistic(difference);
        }
        let (x, y) = (self.gamma(a), self.gamma(b));
        x / (x + y)
    }

    /// How many events there are where this many are expected; above a billion by the normal distribution.
    ///
    /// Source: W. Hörmann, "The transformed rejection method for generating Poisson random variables", Insurance:
    /// Mathematics and Economics 12 (1993).
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        if mean < 10.0 {
            let mut left = self.uniform();
            let mut p = libm::exp(-mean);
            let mut count = 0.0;
            while left > p && p > 0.0 {
                left -= p;
                count += 1.0;
                p *= mean / count;
            }
            return count;
        }
        if mean > 1e9 {
            return libm::floor(mean + mean.sqrt() * self.normal() + 0.5).max(0.0);
        }
        let ln_mean = libm::log(mean);
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.024_83 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let quick = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let (u, v) = (self.uniform() - 0.5, self.uniform());
            let edge = 0.5 - u.abs();
            let count = libm::floor((2.0 * a / edge + b) * u + mean + 0.43);
            if edge >= 0.07 && v <= quick {
                return count;
            }
            if count < 0.0 || (edge < 0.013 && v > edge) {
                continue;
            }
            let height = libm::log(v * inverse_alpha / (a / (edge * edge) + b));
            if height <= count * ln_mean - mean - ln_gamma(count + 1.0) {
                return count;
            }
        }
    }

    /// How many of so many trials succeed, each with this probability.
    ///
    /// Source: W. Hörmann, "The generation of binomial random variates", Journal of Statistical Computation and
    /// Simulation 46 (1993).
    pub(crate) fn binomial(&mut self, trials: f64, probability: f64) -> f64 {
        if probability > 0.5 {
            return trials - self.binomial(trials, 1.0 - probability);
        }
        if probability <= 0.0 || trials <= 0.0 {
            return 0.0;
        }
        let odds = probability / (1.0 - probability);
        let mean = trials * probability;
        if mean < 10.0 {
            let mut left = self.uniform();
            let mut p = libm::exp(trials * libm::log1p(-probability));
            let mut count = 0.0;
            while left > p && count < trials && p > 0.0 {
                left -= p;
                count += 1.0;
                p *= odds * (trials - count + 1.0) / count;
            }
            return count;
        }
        let spread = (mean * (1.0 - probability)).sqrt();
        let b = 1.15 + 2.53 * spread;
        let a = -0.0873 + 0.0248 * b + 0.01 * probability;
        let alpha = (2.83 + 5.1 / b) * spread;
        let quick = 0.92 - 4.2 / b;
        let mode = libm::floor((trials + 1.0) * probability);
        let (ln_odds, ln_mode) = (libm::log(odds), ln_gamma(mode + 1.0) + ln_gamma(trials - mode + 1.0));
        loop {
            let (u, v) = (self.uniform() - 0.5, self.uniform());
            let edge = 0.5 - u.abs();
            let count = libm::floor((2.0 * a / edge + b) * u + mean + 0.5);
            if !(0.0..=trials).contains(&count) {
                continue;
            }
            if edge >= 0.07 && v <= quick {
                return count;
            }
            let height = libm::log(v * alpha / (a / (edge * edge) + b));
            let ln_count = ln_gamma(count + 1.0) + ln_gamma(trials - count + 1.0);
            if height <= ln_mode - ln_count + (count - mode) * ln_odds {
                return count;
            }
        }
    }

    /// How many trials it takes until the first success; infinite for a probability of 0.
    pub(crate) fn geometric(&mut self, probability: f64) -> f64 {
        let ln_stays = libm::log1p(-probability.min(1.0));
        // The quotient is NaN only where both are 0, which the uniform draw never is.
        1.0 + libm::floor(libm::log(self.uniform()) / ln_stays)
    }

    /// Draws as many as there are, with repetition, from things of which there are `counts` each (whole numbers): how
    /// often each is drawn.
    pub(crate) fn drawn_again(&mut self, counts: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
        let mut things: f64 = counts.clone().sum();
        let mut left = things;
        let share_out = |count: f64| {
            // What is left goes to what is left, each thing as likely as another.
            let often = if count >= things { left } else { self.binomial(left, count / things) };
            left -= often;
            things -= count;
            often
        };
        counts.map(share_out).collect()
    }
}
