use super::{Bar, Evidence, LadderRule, LoyaltyRung};
use crate::measure::Share;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// What is known of a customer that speaks for or against their loyalty. What is not known stays unknown, and moves nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, try_from = "Fields")]
pub struct LoyaltyEvidence {
    satisfaction: Option<Share>,
    repeat_purchases: Option<u32>,
    tenure_days: Option<u32>,
    referrals: Option<u32>,
    recommendation: Option<u8>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    satisfaction: Option<Share>,
    repeat_purchases: Option<u32>,
    tenure_days: Option<u32>,
    referrals: Option<u32>,
    recommendation: Option<u8>,
}

impl TryFrom<Fields> for LoyaltyEvidence {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        let Fields { satisfaction, repeat_purchases, tenure_days, referrals, recommendation } = fields;
        let evidence = Self { satisfaction, repeat_purchases, tenure_days, referrals, recommendation: None };
        recommendation.map_or(Ok(evidence), |answer| evidence.recommendation(answer))
    }
}

impl LoyaltyEvidence {
    /// How satisfied the customer says they are, from 0 to 1.
    #[must_use]
    pub const fn satisfaction(self, satisfaction: Share) -> Self {
        Self { satisfaction: Some(satisfaction), ..self }
    }

    /// How often they bought again in the time that is looked at, for example the last year: over a whole life a count never
    /// falls, and a rung once reached would be kept for ever.
    #[must_use]
    pub const fn repeat_purchases(self, purchases: u32) -> Self {
        Self { repeat_purchases: Some(purchases), ..self }
    }

    /// How many days the relationship has lasted.
    #[must_use]
    pub const fn tenure_days(self, days: u32) -> Self {
        Self { tenure_days: Some(days), ..self }
    }

    /// How many new customers they brought in the time that is looked at.
    #[must_use]
    pub const fn referrals(self, referrals: u32) -> Self {
        Self { referrals: Some(referrals), ..self }
    }

    /// What they answered when asked how likely they would recommend the company, from 0 to 10.
    ///
    /// # Errors
    /// [`ValidationError`] when the answer is above 10.
    pub fn recommendation(self, answer: u8) -> Result<Self, ValidationError> {
        if answer > 10 {
            return Err(ValidationError::new("recommendation", "must be from 0 to 10", answer));
        }
        Ok(Self { recommendation: Some(answer), ..self })
    }

    /// What is known of one kind, as a number.
    pub fn get(&self, evidence: Evidence) -> Option<f64> {
        match evidence {
            Evidence::Satisfaction => self.satisfaction.map(Share::get),
            Evidence::RepeatPurchases => self.repeat_purchases.map(f64::from),
            Evidence::TenureDays => self.tenure_days.map(f64::from),
            Evidence::Referrals => self.referrals.map(f64::from),
            Evidence::Recommendation => self.recommendation.map(f64::from),
        }
    }
}

/// Why a customer stands on a rung: a bar that is met, or the one that keeps them from the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RungReason {
    /// The rung whose bar it is.
    pub rung: LoyaltyRung,
    /// The evidence.
    pub evidence: Evidence,
    /// What is known of it; `None` where nothing is, so that the rung before was kept.
    pub have: Option<f64>,
    /// The threshold that counted: the one to keep the rung for those who stood on it, else the one to reach it.
    pub need: f64,
}

/// Where a customer stands, why, and what is missing for the next rung.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    rung: LoyaltyRung,
    previous: Option<LoyaltyRung>,
    reasons: Vec<RungReason>,
    missing: Vec<Vec<RungReason>>,
}

impl Standing {
    /// The rung.
    pub const fn rung(&self) -> LoyaltyRung {
        self.rung
    }

    /// The rung before.
    pub const fn previous(&self) -> Option<LoyaltyRung> {
        self.previous
    }

    /// The next rung; `None` for an advocate.
    pub fn next(&self) -> Option<LoyaltyRung> {
        LoyaltyRung::ALL.iter().copied().find(|&rung| rung > self.rung)
    }

    /// A reason for each requirement of the rungs up to this one.
    pub fn reasons(&self) -> &[RungReason] {
        &self.reasons
    }

    /// What is missing for the next rung: every requirement in the outer list must be met, each by any one of the bars in
    /// its inner list. For an advocate there is nothing.
    pub fn missing(&self) -> &[Vec<RungReason>] {
        &self.missing
    }

    /// Whether the customer stands higher, lower or as before; a customer without a rung before has not moved.
    pub fn moved(&self) -> std::cmp::Ordering {
        self.rung.cmp(&self.previous.unwrap_or(self.rung))
    }
}

impl LadderRule {
    /// Says on which rung a customer stands.
    ///
    /// From the bottom up, a rung is reached when each of its requirements is met by one of its bars: at the threshold to
    /// keep it for those who stood on it or above before, at the threshold to reach it for others. Evidence that is not known
    /// moves nobody: it keeps those on a rung who stood there, and lifts nobody to it. A customer without a rung before
    /// counts as having been neutral.
    ///
    /// # Cost
    /// O(bars).
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::loyalty::{Evidence, LadderRule, LoyaltyEvidence, LoyaltyRung};
    ///
    /// let rule = LadderRule::default();
    /// let content = LoyaltyEvidence::default().satisfaction(Share::new(0.8)?).repeat_purchases(2).tenure_days(400);
    /// let standing = rule.standing(&content, None);
    /// assert_eq!(standing.rung(), LoyaltyRung::Satisfied);
    /// let missing = standing.missing()[0][0];
    /// assert_eq!((missing.evidence, missing.have, missing.need), (Evidence::RepeatPurchases, Some(2.0), 3.0));
    /// // Someone who was loyal before stays so with two.
    /// assert_eq!(rule.standing(&content, Some(LoyaltyRung::Loyal)).rung(), LoyaltyRung::Loyal);
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    pub fn standing(&self, evidence: &LoyaltyEvidence, previous: Option<LoyaltyRung>) -> Standing {
        let before = previous.unwrap_or(LoyaltyRung::Neutral);
        let mut standing =
            Standing { rung: LoyaltyRung::Dissatisfied, previous, reasons: Vec::new(), missing: Vec::new() };
        for (&rung, requirements) in LoyaltyRung::ALL.iter().skip(1).zip(self.rungs()) {
            let held = before >= rung;
            let seen = |bar: &Bar| RungReason {
                rung,
                evidence: bar.evidence,
                have: evidence.get(bar.evidence),
                need: if held { bar.keep } else { bar.reach },
            };
            let mut met = Vec::new();
            for bars in requirements {
                let reasons: Vec<RungReason> = bars.iter().map(seen).collect();
                let known = reasons.iter().find(|reason| reason.have.is_some_and(|have| have >= reason.need));
                let kept = || reasons.iter().find(|reason| held && reason.have.is_none());
                match known.or_else(kept) {
                    Some(&reason) => met.push(reason),
                    None => standing.missing.push(reasons),
                }
            }
            if !standing.missing.is_empty() {
                return standing;
            }
            standing.rung = rung;
            standing.reasons.append(&mut met);
        }
        standing
    }
}

/// Counts how customers moved on the ladder between two instants.
///
/// # Example
/// ```
/// use patronage::loyalty::{LoyaltyRung, Movement};
///
/// let mut movement = Movement::default();
/// movement.push(LoyaltyRung::Satisfied, LoyaltyRung::Loyal);
/// movement.push(LoyaltyRung::Satisfied, LoyaltyRung::Satisfied);
/// movement.push(LoyaltyRung::Loyal, LoyaltyRung::Dissatisfied);
/// assert_eq!((movement.up(), movement.stayed(), movement.down()), (1, 1, 1));
/// assert_eq!(movement.share(LoyaltyRung::Satisfied, LoyaltyRung::Loyal).map(|share| share.get()), Some(0.5));
/// assert_eq!(movement.share(LoyaltyRung::Advocate, LoyaltyRung::Loyal), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Movement {
    counts: [[u64; 5]; 5],
}

impl Movement {
    /// Counts a customer who stood on `from` at the first instant and on `to` at the second.
    pub fn push(&mut self, from: LoyaltyRung, to: LoyaltyRung) {
        let cell = self.counts.get_mut(place(from)).and_then(|row| row.get_mut(place(to)));
        if let Some(count) = cell {
            *count += 1;
        }
    }

    /// Takes in the customers of another count.
    pub fn merge(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().flatten().zip(other.counts.iter().flatten()) {
            *sum += count;
        }
    }

    /// How many moved from one rung to another.
    pub fn count(&self, from: LoyaltyRung, to: LoyaltyRung) -> u64 {
        self.counts.get(place(from)).and_then(|row| row.get(place(to))).copied().unwrap_or(0)
    }

    /// The share of those on one rung that moved to another; `None` where nobody stood on the first.
    pub fn share(&self, from: LoyaltyRung, to: LoyaltyRung) -> Option<Share> {
        let row = self.counts.get(place(from))?;
        Share::of(self.count(from, to), row.iter().sum()).ok().flatten()
    }

    /// How many stand higher than before.
    pub fn up(&self) -> u64 {
        self.sum(|from, to| to > from)
    }

    /// How many stand lower than before.
    pub fn down(&self) -> u64 {
        self.sum(|from, to| to < from)
    }

    /// How many stand where they stood.
    pub fn stayed(&self) -> u64 {
        self.sum(|from, to| to == from)
    }

    fn sum(&self, counts: impl Fn(usize, usize) -> bool) -> u64 {
        let rows = self.counts.iter().enumerate();
        let cells =
            rows.flat_map(|(from, row)| row.iter().enumerate().map(move |(to, &count)| (from, to, count)));
        cells.filter(|&(from, to, _)| counts(from, to)).map(|(_, _, count)| count).sum()
    }
}

fn place(rung: LoyaltyRung) -> usize {
    LoyaltyRung::ALL.iter().position(|&each| each == rung).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loyalty::{LoyaltyError, Requirements};
    use proptest::prelude::*;

    fn evidence() -> impl Strategy<Value = LoyaltyEvidence> {
        let known = (0.0..=1.0, 0_u32..6, 0_u32..800, 0_u32..3, 0_u8..=10);
        (known, any::<[bool; 5]>()).prop_map(|((satisfaction, purchases, days, referrals, answer), known)| {
            LoyaltyEvidence {
                satisfaction: known[0].then(|| Share::new(satisfaction).unwrap()),
                repeat_purchases: known[1].then_some(purchases),
                tenure_days: known[2].then_some(days),
                referrals: known[3].then_some(referrals),
                recommendation: known[4].then_some(answer),
            }
        })
    }

    fn rung() -> impl Strategy<Value = LoyaltyRung> {
        prop::sample::select(LoyaltyRung::ALL)
    }

    proptest! {
        #[test]
        fn seen_again_nobody_moves(evidence in evidence(), before in prop::option::of(rung())) {
            let rule = LadderRule::default();
            let once = rule.standing(&evidence, before);
            let again = rule.standing(&evidence, Some(once.rung()));
            prop_assert_eq!(again.rung(), once.rung());
            prop_assert_eq!(again.moved(), std::cmp::Ordering::Equal);
        }

        #[test]
        fn who_stood_higher_does_not_stand_lower(evidence in evidence(), one in rung(), other in rung()) {
            let rule = LadderRule::default();
            let (low, high) = (one.min(other), one.max(other));
            let standing = |before| rule.standing(&evidence, Some(before)).rung();
            prop_assert!(standing(low) <= standing(high));
        }

        #[test]
        fn what_is_not_known_moves_nobody(before in rung()) {
            let standing = LadderRule::default().standing(&LoyaltyEvidence::default(), Some(before));
            prop_assert_eq!(standing.rung(), before);
            prop_assert_eq!(standing.missing().is_empty(), before == LoyaltyRung::Advocate);
        }
    }

    #[test]
    fn a_customer_climbs_and_falls() {
        let rule = LadderRule::default();
        let at =
            |satisfaction: f64| LoyaltyEvidence::default().satisfaction(Share::new(satisfaction).unwrap());
        assert_eq!(rule.standing(&LoyaltyEvidence::default(), None).rung(), LoyaltyRung::Neutral);
        let steps = [
            (at(0.7), LoyaltyRung::Neutral),
            (at(0.75), LoyaltyRung::Satisfied),
            (at(0.6), LoyaltyRung::Satisfied),
            (at(0.6).repeat_purchases(3).tenure_days(365), LoyaltyRung::Loyal),
            (at(0.6).repeat_purchases(2), LoyaltyRung::Loyal),
            (at(0.9).repeat_purchases(3).recommendation(9).unwrap(), LoyaltyRung::Advocate),
            (at(0.9).repeat_purchases(3).recommendation(7).unwrap(), LoyaltyRung::Advocate),
            (at(0.9).repeat_purchases(3).recommendation(7).unwrap().referrals(0), LoyaltyRung::Loyal),
            (at(0.2).repeat_purchases(9).referrals(3), LoyaltyRung::Dissatisfied),
            (at(0.3), LoyaltyRung::Dissatisfied),
            (at(0.4), LoyaltyRung::Neutral),
        ];
        let mut before = None;
        for (place, (evidence, rung)) in steps.into_iter().enumerate() {
            let standing = rule.standing(&evidence, before);
            assert_eq!(standing.rung(), rung, "step {place}");
            assert_eq!(standing.next().is_none(), rung == LoyaltyRung::Advocate);
            before = Some(rung);
        }
    }

    #[test]
    fn refuses_ladders_that_ask_for_nothing() {
        let bar = |reach, keep| vec![vec![Bar::new(Evidence::Satisfaction, reach, keep)]];
        let of = |loyal: Requirements| LadderRule::new(bar(0.4, 0.3), bar(0.8, 0.6), loyal, bar(0.9, 0.9));
        let rung = LoyaltyRung::Loyal;
        assert_eq!(of(vec![]), Err(LoyaltyError::AsksForNothing { rung }));
        assert_eq!(of(vec![vec![]]), Err(LoyaltyError::AsksForNothing { rung }));
        for (reach, keep) in [(0.0, 0.0), (f64::NAN, 0.1), (0.5, -0.5), (f64::INFINITY, 0.5)] {
            assert!(matches!(of(bar(reach, keep)), Err(LoyaltyError::Invalid(_))), "{reach} {keep}");
        }
        let evidence = Evidence::Satisfaction;
        assert_eq!(
            of(bar(0.5, 0.6)),
            Err(LoyaltyError::KeepAboveReach { rung, evidence, reach: 0.5, keep: 0.6 })
        );
        assert!(LoyaltyEvidence::default().recommendation(11).is_err());
        assert!(serde_json::from_str::<LoyaltyEvidence>(r#"{"recommendation":11}"#).is_err());
        let text = serde_json::to_string(&LadderRule::default()).unwrap();
        assert_eq!(serde_json::from_str::<LadderRule>(&text).unwrap(), LadderRule::default());
    }

    #[test]
    fn movements_merge() {
        let (mut one, mut other) = (Movement::default(), Movement::default());
        one.push(LoyaltyRung::Neutral, LoyaltyRung::Loyal);
        other.push(LoyaltyRung::Loyal, LoyaltyRung::Neutral);
        other.push(LoyaltyRung::Loyal, LoyaltyRung::Loyal);
        one.merge(&other);
        assert_eq!((one.up(), one.down(), one.stayed()), (1, 1, 1));
        assert_eq!(one.count(LoyaltyRung::Loyal, LoyaltyRung::Neutral), 1);
    }
}
