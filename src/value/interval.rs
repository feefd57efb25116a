#[cfg(test)]
#[path = "interval_coverage.rs"]
mod coverage;
#[cfg(test)]
mod tests;

use super::likelihood::Likelihood;
use super::{Fit, IntervalError};
use crate::measure::{Estimate, Share};
use crate::numeric::exponential::falling_logistic;
use crate::numeric::proportion::z;
use std::fmt;

/// What kind of number a score is: its interval is symmetric on the scale on which the errors of such numbers are most
/// nearly normal, and so never leaves their range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScoreKind {
    /// A share or a probability, from 0 to 1, such as P(alive): by its log-odds.
    Share,
    /// An amount that is never negative, such as expected purchases or a value in money: by its logarithm.
    Amount,
    /// Any other number: by itself.
    Number,
}

impl ScoreKind {
    fn holds(self, score: f64) -> bool {
        match self {
            Self::Share => (0.0..=1.0).contains(&score),
            Self::Amount => score >= 0.0 && score.is_finite(),
            Self::Number => score.is_finite(),
        }
    }

    /// Whether the score lies at an end of its range, or so close to it that its distance has lost its digits.
    fn at_end(self, score: f64) -> bool {
        match self {
            Self::Share => score < 1e-300 || 1.0 - score < 1e-9,
            Self::Amount => score < 1e-300,
            Self::Number => false,
        }
    }

    /// The score on the scale; infinite at the ends of its range, NaN beyond.
    fn scaled(self, score: f64) -> f64 {
        match self {
            Self::Share => libm::log(score) - libm::log1p(-score),
            Self::Amount => libm::log(score),
            Self::Number => score,
        }
    }

    /// The score at this place of the scale.
    fn unscaled(self, place: f64) -> f64 {
        match self {
            Self::Share => falling_logistic(-place),
            Self::Amount => libm::exp(place),
            Self::Number => place,
        }
    }

    /// The interval around a score with this standard error on the scale.
    fn interval(
        self,
        score: f64,
        level: Share,
        n: u64,
        standard_error: impl FnOnce() -> f64,
    ) -> Result<Estimate, IntervalError> {
        checked(level)?;
        let refused = || IntervalError::Score { score, kind: self };
        if !self.holds(score) {
            return Err(refused());
        }
        let half = if self.at_end(score) { 0.0 } else { z(level.get()) * standard_error() };
        let place = self.scaled(score);
        // Rounding on the way there and back may pass the score.
        let bounds = (self.unscaled(place - half).min(score), self.unscaled(place + half).max(score));
        let (lower, upper) = if half > 0.0 { bounds } else { (score, score) };
        if !half.is_finite() || !self.holds(lower) || !self.holds(upper) {
            return Err(IntervalError::Unbounded { score });
        }
        Estimate::new(score, lower, upper, level, n).map_err(|_| refused())
    }
}

impl fmt::Display for ScoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Share => "share",
            Self::Amount => "amount",
            Self::Number => "number",
        })
    }
}

/// Refuses levels of nothing and of everything.
pub(super) fn checked(level: Share) -> Result<Share, IntervalError> {
    if level > Share::ZERO && level < Share::ONE { Ok(level) } else { Err(IntervalError::Level { level }) }
}

impl<M: Likelihood> Fit<M> {
    /// Between which bounds a score lies, for all that is known about the parameters: an interval by the delta method.
    ///
    /// It says how well the *score* is known, not what a customer will do: an expectation of 1.2 purchases may be known
    /// to a few per cent, and the customer will still make 0, 1, 2 or more. For that see
    /// [`purchase_range`](super::PurchasePrediction::purchase_range) and [`predict_total`](Self::predict_total).
    ///
    /// # Arguments
    /// - `level`: how often such intervals enclose the truth, between 0 and 1; 0.9 for 90 %.
    /// - `kind`: what kind of number the score is.
    /// - `score`: what is asked of a model, such as the P(alive) of a customer or the purchases of all together. It is
    ///   called three times and twice for each parameter.
    ///
    /// # Returns
    /// The score of the fitted model with its interval; `n` is the number of customers of the fit. A share of 0 or 1
    /// (within 1e-9) and an amount of 0 are what they are by construction of the model, whatever its parameters (P(alive)
    /// of those who never came back, in BG/NBD): both bounds are the score itself then.
    ///
    /// # Errors
    /// [`IntervalError`]: a level of 0 or 1, a score that is no number of its kind (infinite, for example), or one that
    /// is none for models next to the fitted one, or known too badly for finite bounds.
    ///
    /// # Formula
    /// ```text
    /// h^-1(h(score) -+ z se(h(score)))
    /// ```
    /// with h the log-odds, the logarithm or the score itself, z the normal quantile of the level, and se the
    /// [`standard_error`](Self::standard_error).
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::value::{BgNbd, Buyer, Buyers, PurchaseModel, ScoreKind};
    ///
    /// let ten = Buyers::new(
    ///     &[0, 0, 0, 0, 1, 1, 2, 3, 4, 9],
    ///     &[0.0, 0.0, 0.0, 0.0, 2.0, 15.0, 8.0, 33.0, 12.0, 38.0],
    ///     &[39.0; 10],
    /// )?;
    /// let fit = BgNbd::fit(ten.iter().cycle().take(1_000))?;
    /// let buyer = Buyer::new(3, 33.0, 39.0)?;
    /// let p_alive = fit.interval(Share::new(0.9)?, ScoreKind::Share, |model| model.p_alive(buyer))?;
    /// assert_eq!(format!("{p_alive:.2}"), "0.76 [0.73, 0.78] (90.0 %, n = 1000)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: G. W. Oehlert, "A note on the delta method", The American Statistician 46 (1992).
    pub fn interval(
        &self,
        level: Share,
        kind: ScoreKind,
        score: impl Fn(&M) -> f64,
    ) -> Result<Estimate, IntervalError> {
        let error = || self.standard_error(|model| kind.scaled(score(model)));
        kind.interval(score(self.model()), level, self.customers(), error)
    }

    /// As [`interval`](Self::interval), for a score that rests on two fits: a
    /// [`LifetimeValue`](super::LifetimeValue), made of purchases and spend.
    ///
    /// The errors of the two are taken to be independent, as the models are.
    ///
    /// # Returns
    /// The score of both fitted models with its interval; `n` is the number of customers of this fit, and not of the
    /// other.
    ///
    /// # Errors
    /// As [`interval`](Self::interval).
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::value::{
    ///     BgNbd, Buyer, Buyers, Discount, GammaGamma, Horizon, LifetimeValue, RepeatSpend, RepeatSpends, ScoreKind,
    /// };
    ///
    /// let frequency = [0, 0, 0, 0, 1, 1, 2, 3, 4, 9];
    /// let ten = Buyers::new(
    ///     &frequency,
    ///     &[0.0, 0.0, 0.0, 0.0, 2.0, 15.0, 8.0, 33.0, 12.0, 38.0],
    ///     &[39.0; 10],
    /// )?;
    /// let spends = RepeatSpends::new(&frequency, &[0.0, 0.0, 0.0, 0.0, 20.0, 60.0, 30.0, 35.0, 90.0, 40.0])?;
    /// let purchases = BgNbd::fit(ten.iter().cycle().take(1_000))?;
    /// let spend = GammaGamma::fit(spends.iter().cycle().take(1_000))?;
    ///
    /// let (buyer, spent) = (Buyer::new(9, 38.0, 39.0)?, RepeatSpend::new(9, 40.0)?);
    /// let quarter = Horizon::new(13.0)?;
    /// let value = purchases.interval_with(spend.fit(), Share::new(0.9)?, ScoreKind::Amount, |purchases, spend| {
    ///     LifetimeValue::new(purchases, spend, quarter, Discount::NONE, Share::ONE).value(buyer, spent)
    /// })?;
    /// assert_eq!(format!("{value:.0}"), "94 [89, 99] (90.0 %, n = 1000)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn interval_with<N: Likelihood>(
        &self,
        other: &Fit<N>,
        level: Share,
        kind: ScoreKind,
        score: impl Fn(&M, &N) -> f64,
    ) -> Result<Estimate, IntervalError> {
        let error = || {
            let mine = self.standard_error(|model| kind.scaled(score(model, other.model())));
            let theirs = other.standard_error(|model| kind.scaled(score(self.model(), model)));
            (mine * mine + theirs * theirs).sqrt()
        };
        kind.interval(score(self.model(), other.model()), level, self.customers(), error)
    }
}
