use super::LoyaltyError;
use crate::measure::Share;
use crate::tag::Tag;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// What a health score is made of: named parts with weights, and how much of them must be known.
///
/// # Example
/// ```
/// use patronage::loyalty::HealthRule;
/// use patronage::{Share, Tag};
///
/// let part = Tag::literal;
/// let rule = HealthRule::new([(part("usage"), 3.0), (part("support"), 1.0), (part("billing"), 1.0)], Share::new(0.6)?)?;
/// // Usage at 0.5, support unknown, bills paid.
/// let health = rule.score(&[Some(Share::new(0.5)?), None, Some(Share::ONE)])?;
/// assert_eq!((health.score().get(), health.coverage().get()), (0.625, 0.8));
/// let usage = health.contributions()[0];
/// assert_eq!((usage.points, usage.lost), (Some(0.375), Some(0.375)));
/// // With usage unknown too little is known for any score.
/// assert!(rule.score(&[None, Some(Share::ONE), Some(Share::ONE)]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct HealthRule {
    parts: Vec<(Tag, f64)>,
    least_coverage: Share,
}

#[derive(Deserialize)]
struct Fields {
    parts: Vec<(Tag, f64)>,
    least_coverage: Share,
}

impl TryFrom<Fields> for HealthRule {
    type Error = LoyaltyError;

    fn try_from(fields: Fields) -> Result<Self, LoyaltyError> {
        Self::new(fields.parts, fields.least_coverage)
    }
}

/// What one part of a health score contributes to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HealthContribution {
    /// The part.
    pub part: Tag,
    /// What it adds to the score; `None` where it is not known.
    pub points: Option<f64>,
    /// What it would add on top if it were perfect; `None` where it is not known.
    pub lost: Option<f64>,
}

/// How well a customer is, from 0 to 1, how much of it is known, and what each part contributes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Health {
    score: Share,
    coverage: Share,
    contributions: Vec<HealthContribution>,
}

impl Health {
    /// The score, from 0 (nothing is well) to 1 (all is). It is the sum of the points in the order of the parts, to the bit.
    pub const fn score(&self) -> Share {
        self.score
    }

    /// The share of all weight that is known.
    pub const fn coverage(&self) -> Share {
        self.coverage
    }

    /// What each part contributes, in the order of the rule.
    pub fn contributions(&self) -> &[HealthContribution] {
        &self.contributions
    }

    /// The part that costs most, which is where to begin; `None` where nothing is lost.
    pub fn worst(&self) -> Option<&HealthContribution> {
        let lost = |contribution: &HealthContribution| contribution.lost.unwrap_or(0.0);
        // Of equal ones the first.
        self.contributions
            .iter()
            .filter(|contribution| lost(contribution) > 0.0)
            .reduce(|worst, next| if lost(next) > lost(worst) { next } else { worst })
    }
}

impl HealthRule {
    /// A score of these parts, each with its weight, that is given only where the parts known carry at least
    /// `least_coverage` of all weight.
    ///
    /// # Errors
    /// [`LoyaltyError::NoParts`], [`LoyaltyError::RepeatedPart`]; [`LoyaltyError::PartWeight`] when a weight is 0 or less,
    /// above a million or NaN; [`LoyaltyError::Invalid`] when the coverage is 0, which would let a score stand on nothing.
    pub fn new(
        parts: impl IntoIterator<Item = (Tag, f64)>,
        least_coverage: Share,
    ) -> Result<Self, LoyaltyError> {
        let parts: Vec<_> = parts.into_iter().collect();
        if parts.is_empty() {
            return Err(LoyaltyError::NoParts);
        }
        if least_coverage <= Share::ZERO {
            let rule = "must be above 0";
            return Err(ValidationError::new("health.least_coverage", rule, least_coverage).into());
        }
        for (place, &(part, weight)) in parts.iter().enumerate() {
            if parts.iter().take(place).any(|&(before, _)| before == part) {
                return Err(LoyaltyError::RepeatedPart { part });
            }
            // A weight so small that it vanishes beside the others would be a part that is none.
            if !(1e-6..=1e6).contains(&weight) {
                return Err(LoyaltyError::PartWeight { part, weight });
            }
        }
        Ok(Self { parts, least_coverage })
    }

    /// The names of the parts, in order.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = Tag> + '_ {
        self.parts.iter().map(|&(part, _)| part)
    }

    /// Says how well a customer is: the weighted mean of the parts that are known.
    ///
    /// A missing part is left out and never counted as bad or good; the coverage says how much of it there was.
    ///
    /// # Arguments
    /// For each part, in the order of the rule, a number from 0 (bad) to 1 (good), or `None` where it is not known.
    ///
    /// # Errors
    /// [`LoyaltyError::PartCount`], [`LoyaltyError::TooLittleKnown`].
    ///
    /// # Formula
    /// ```text
    /// score = sum of w_i x_i / W,   contribution w_i x_i / W,   lost w_i (1 - x_i) / W,   coverage W / sum of all w
    /// ```
    /// with W the weight of the parts that are known. The score is linear, so that the contributions are its Shapley values
    /// against a customer with nothing.
    ///
    /// # Cost
    /// O(parts).
    pub fn score(&self, values: &[Option<Share>]) -> Result<Health, LoyaltyError> {
        let (expected, found) = (self.parts.len(), values.len());
        if found != expected {
            return Err(LoyaltyError::PartCount { expected, found });
        }
        let all: f64 = self.parts.iter().map(|&(_, weight)| weight).sum();
        let known: f64 = self
            .parts
            .iter()
            .zip(values)
            .map(|(&(_, weight), value)| if value.is_some() { weight } else { 0.0 })
            .sum();
        let coverage = Share::new((known / all).min(1.0))?;
        if coverage < self.least_coverage {
            return Err(LoyaltyError::TooLittleKnown {
                need: self.least_coverage.get(),
                have: coverage.get(),
            });
        }
        let contributions: Vec<_> = self
            .parts
            .iter()
            .zip(values)
            .map(|(&(part, weight), value)| HealthContribution {
                part,
                points: value.map(|value| weight * value.get() / known),
                lost: value.map(|value| weight * value.complement().get() / known),
            })
            .collect();
        let score: f64 = contributions.iter().filter_map(|contribution| contribution.points).sum();
        Ok(Health { score: Share::new(score.clamp(0.0, 1.0))?, coverage, contributions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: [&str; 5] = ["usage", "support", "feedback", "billing", "training"];

    fn rule(weights: &[f64], least: f64) -> Result<HealthRule, LoyaltyError> {
        let parts = NAMES.iter().zip(weights).map(|(name, &weight)| (Tag::new(name).unwrap(), weight));
        HealthRule::new(parts, Share::new(least).unwrap())
    }

    #[test]
    fn refuses_what_is_no_score() {
        assert_eq!(rule(&[], 0.5), Err(LoyaltyError::NoParts));
        for weight in [0.0, -1.0, f64::INFINITY] {
            let part = Tag::literal("support");
            assert_eq!(rule(&[1.0, weight], 0.5), Err(LoyaltyError::PartWeight { part, weight }));
        }
        assert!(rule(&[f64::NAN], 0.5).is_err() && rule(&[1.0], 0.0).is_err());
        let part = Tag::literal("usage");
        assert_eq!(
            HealthRule::new([(part, 1.0), (part, 2.0)], Share::ONE),
            Err(LoyaltyError::RepeatedPart { part })
        );
        let rule = rule(&[3.0, 1.0], 0.5).unwrap();
        assert_eq!(rule.score(&[None]), Err(LoyaltyError::PartCount { expected: 2, found: 1 }));
        assert_eq!(
            rule.score(&[None, Some(Share::ONE)]),
            Err(LoyaltyError::TooLittleKnown { need: 0.5, have: 0.25 })
        );
        assert_eq!(rule.score(&[None, None]), Err(LoyaltyError::TooLittleKnown { need: 0.5, have: 0.0 }));
        let text = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<HealthRule>(&text).unwrap(), rule);
        assert!(serde_json::from_str::<HealthRule>(&text.replace("3.0", "0.0")).is_err());
    }

    proptest! {
        #[test]
        fn contributions_are_the_score(
            weights in prop::collection::vec(1e-3..1e3, 5),
            values in prop::collection::vec(prop::option::of(0.0..=1.0), 5),
        ) {
            let shares: Vec<_> = values.iter().map(|value| value.map(|x| Share::new(x).unwrap())).collect();
            let Ok(health) = rule(&weights, 1e-9).unwrap().score(&shares) else { return Ok(()) };
            let points: f64 = health.contributions().iter().filter_map(|part| part.points).sum();
            prop_assert_eq!(points.clamp(0.0, 1.0).to_bits(), health.score().get().to_bits());
            let lost: f64 = health.contributions().iter().filter_map(|part| part.lost).sum();
            prop_assert!((points + lost - 1.0).abs() < 1e-12);
            let worst = health.worst().and_then(|worst| worst.lost).unwrap_or(0.0);
            prop_assert!(health.contributions().iter().all(|part| part.lost.unwrap_or(0.0) <= worst));
        }
    }
}
