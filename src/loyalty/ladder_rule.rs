use super::{Evidence, LoyaltyError, LoyaltyRung};
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// What one kind of evidence must come to: so much to reach a rung, and so much to keep it. The second is the lower one, so
/// that nobody moves up and down with every answer (hysteresis).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// The evidence.
    pub evidence: Evidence,
    /// What it takes to reach the rung from below.
    pub reach: f64,
    /// What it takes to keep it.
    pub keep: f64,
}

impl Bar {
    /// A bar at `reach` for those below the rung, and at `keep` for those on it or above.
    pub const fn new(evidence: Evidence, reach: f64, keep: f64) -> Self {
        Self { evidence, reach, keep }
    }
}

/// What it takes to stand on a rung besides standing on the one below: every requirement, each by any one of its bars.
pub type Requirements = Vec<Vec<Bar>>;

/// The thresholds of the ladder: what it takes to be neutral instead of dissatisfied, and to be satisfied, loyal and an
/// advocate.
///
/// The default, with satisfaction from 0 to 1 and recommendation from 0 to 10:
///
/// | rung | to reach it | to keep it |
/// |---|---|---|
/// | neutral | satisfaction 0.40 | 0.25 |
/// | satisfied | satisfaction 0.75 | 0.60 |
/// | loyal | 3 repeat purchases and 365 days | 2 repeat purchases and 365 days |
/// | advocate | a referral, or recommendation 9 | a referral, or recommendation 8 |
///
/// Each rung asks for all below it as well: an advocate who becomes dissatisfied is dissatisfied. These figures are a
/// beginning and no finding: hold them against your own customers, with the matrix of [`Movement`](super::Movement) and the
/// survival of each rung.
///
/// # Example
/// ```
/// use patronage::loyalty::{Bar, Evidence, LadderRule, LoyaltyError};
///
/// let rule = LadderRule::default();
/// let [_, _, loyal, _] = rule.rungs();
/// assert_eq!(loyal[0], [Bar::new(Evidence::RepeatPurchases, 3.0, 2.0)]);
/// let upside_down = vec![vec![Bar::new(Evidence::Satisfaction, 0.4, 0.6)]];
/// let refused = LadderRule::new(upside_down.clone(), upside_down.clone(), upside_down.clone(), upside_down);
/// assert!(matches!(refused, Err(LoyaltyError::KeepAboveReach { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct LadderRule {
    neutral: Requirements,
    satisfied: Requirements,
    loyal: Requirements,
    advocate: Requirements,
}

#[derive(Deserialize)]
struct Fields {
    neutral: Requirements,
    satisfied: Requirements,
    loyal: Requirements,
    advocate: Requirements,
}

impl TryFrom<Fields> for LadderRule {
    type Error = LoyaltyError;

    fn try_from(fields: Fields) -> Result<Self, LoyaltyError> {
        Self::new(fields.neutral, fields.satisfied, fields.loyal, fields.advocate)
    }
}

impl Default for LadderRule {
    fn default() -> Self {
        let only = |evidence, reach, keep| vec![Bar::new(evidence, reach, keep)];
        Self {
            neutral: vec![only(Evidence::Satisfaction, 0.40, 0.25)],
            satisfied: vec![only(Evidence::Satisfaction, 0.75, 0.60)],
            loyal: vec![only(Evidence::RepeatPurchases, 3.0, 2.0), only(Evidence::TenureDays, 365.0, 365.0)],
            advocate: vec![vec![
                Bar::new(Evidence::Referrals, 1.0, 1.0),
                Bar::new(Evidence::Recommendation, 9.0, 8.0),
            ]],
        }
    }
}

impl LadderRule {
    /// A ladder with these requirements for each rung above the lowest.
    ///
    /// # Errors
    /// [`LoyaltyError::AsksForNothing`] when a rung has no requirement or a requirement no bar,
    /// [`LoyaltyError::KeepAboveReach`], and [`LoyaltyError::Invalid`] when a threshold is no number or not above 0, so that
    /// everybody would pass.
    pub fn new(
        neutral: Requirements,
        satisfied: Requirements,
        loyal: Requirements,
        advocate: Requirements,
    ) -> Result<Self, LoyaltyError> {
        let rule = Self { neutral, satisfied, loyal, advocate };
        for (&rung, requirements) in LoyaltyRung::ALL.iter().skip(1).zip(rule.rungs()) {
            if requirements.is_empty() || requirements.iter().any(Vec::is_empty) {
                return Err(LoyaltyError::AsksForNothing { rung });
            }
            for &Bar { evidence, reach, keep } in requirements.iter().flatten() {
                for threshold in [reach, keep] {
                    if !(f64::MIN_POSITIVE..=1e9).contains(&threshold) {
                        let rule = "must be above 0 and at most 1e9";
                        return Err(ValidationError::new("ladder.threshold", rule, threshold).into());
                    }
                }
                if keep > reach {
                    return Err(LoyaltyError::KeepAboveReach { rung, evidence, reach, keep });
                }
            }
        }
        Ok(rule)
    }

    /// The requirements of the rungs neutral, satisfied, loyal and advocate.
    pub fn rungs(&self) -> [&[Vec<Bar>]; 4] {
        [&self.neutral, &self.satisfied, &self.loyal, &self.advocate]
    }
}
