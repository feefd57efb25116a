use super::{ActionEffect, GroupCount, PainError};
use crate::measure::{Estimate, Share};
use crate::numeric::exact;
use crate::numeric::proportion::{Proportion, z};
use crate::numeric::stratified::Stratified;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an action did, compared within strata and pooled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StratifiedEffect {
    difference: Estimate,
    odds_ratio: Option<Estimate>,
    p_value: f64,
    strata: u64,
    alone: u64,
}

impl StratifiedEffect {
    /// The share of successes among those who got the action less that of comparable others (Mantel and Haenszel), with
    /// Sato's interval; n is the customers who were compared.
    pub const fn difference(&self) -> Estimate {
        self.difference
    }

    /// The odds of a success over those of comparable others, with the interval of Robins, Breslow and Greenland; `None`
    /// where it would be 0 or have no end.
    pub const fn odds_ratio(&self) -> Option<Estimate> {
        self.odds_ratio
    }

    /// How likely a difference as large, in either direction, would be if the action did nothing in any stratum.
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// How many strata have customers of both groups.
    pub const fn strata(&self) -> u64 {
        self.strata
    }

    /// How many customers are in the other strata, where there is nobody to compare them with.
    pub const fn alone(&self) -> u64 {
        self.alone
    }
}

/// Says what a corrective action did, within strata of comparable customers: counts those who got it and those who did not.
///
/// Where someone chose who gets an action, those who got it differ from the others in more than the action: agents call the
/// customers who complain loudest, and all together the action looks harmful that helps in every stratum (Simpson's
/// paradox). Strata of what they chose by mend that, as far as it is known. Where chance decided, strata make the answer
/// sharper.
///
/// # Arguments
/// `K`, what names a stratum: a [`Tag`](crate::Tag), a segment, a pair of them.
///
/// # Example
/// ```
/// use patronage::pain::{ActionTally, GroupCount};
/// use patronage::{Share, Tag};
///
/// // Minor failures are mostly left alone, grave ones mostly get a refund; it helps in both.
/// let mut refunds = ActionTally::default();
/// let (minor, grave) = (Tag::literal("minor"), Tag::literal("grave"));
/// refunds.push_group(minor, true, GroupCount::new(90, 100)?);
/// refunds.push_group(minor, false, GroupCount::new(800, 1000)?);
/// refunds.push_group(grave, true, GroupCount::new(400, 1000)?);
/// refunds.push_group(grave, false, GroupCount::new(30, 100)?);
///
/// let level = Share::new(0.95)?;
/// assert!(refunds.crude(level)?.difference().upper() < 0.0);
/// let effect = refunds.stratified(level)?;
/// assert_eq!(format!("{:.3}", effect.difference()), "0.100 [0.043, 0.157] (95.0 %, n = 2200)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: N. Mantel, W. Haenszel, JNCI 22 (1959); S. Greenland, J. M. Robins, Biometrics 41 (1985).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "K: Serialize", deserialize = "K: Ord + Deserialize<'de>"))]
pub struct ActionTally<K> {
    /// Those who got the action, and those who were held out.
    strata: BTreeMap<K, [GroupCount; 2]>,
}

impl<K> Default for ActionTally<K> {
    fn default() -> Self {
        Self { strata: BTreeMap::new() }
    }
}

impl<K: Ord> ActionTally<K> {
    /// Counts a customer of a stratum, who got the action or did not, and did what was hoped for or did not.
    pub fn push(&mut self, stratum: K, is_treated: bool, success: bool) {
        let mut one = GroupCount::default();
        one.push(success);
        self.push_group(stratum, is_treated, one);
    }

    /// Counts many customers of a stratum who all got the action or all did not.
    pub fn push_group(&mut self, stratum: K, is_treated: bool, count: GroupCount) {
        let [treated, held_out] = self.strata.entry(stratum).or_default();
        if is_treated { treated.merge(&count) } else { held_out.merge(&count) }
    }

    /// Counts the customers of another tally.
    pub fn merge(&mut self, other: Self) {
        for (stratum, [treated, held_out]) in other.strata {
            let [ours, ours_held_out] = self.strata.entry(stratum).or_default();
            ours.merge(&treated);
            ours_held_out.merge(&held_out);
        }
    }

    /// The strata in their order, each with those who got the action and those who did not.
    pub fn strata(&self) -> impl ExactSizeIterator<Item = (&K, GroupCount, GroupCount)> + '_ {
        self.strata.iter().map(|(stratum, &[treated, held_out])| (stratum, treated, held_out))
    }

    /// What the action did if strata are ignored.
    ///
    /// # Errors
    /// [`PainError::EmptyGroup`].
    pub fn crude(&self, level: Share) -> Result<ActionEffect, PainError> {
        let (mut all, mut others) = (GroupCount::default(), GroupCount::default());
        for (_, treated, held_out) in self.strata() {
            all.merge(&treated);
            others.merge(&held_out);
        }
        all.against(&others, level)
    }

    /// What the action did among comparable customers.
    ///
    /// # Errors
    /// [`PainError::NothingToCompare`] when no stratum has customers of both groups.
    ///
    /// # Formula
    /// ```text
    /// RD = Σ (x₁ n₀ - x₀ n₁) / n  ÷  Σ n₁ n₀ / n        OR = Σ x₁ (n₀ - x₀) / n  ÷  Σ x₀ (n₁ - x₁) / n
    /// ```
    /// The test is that of Cochran, Mantel and Haenszel, exact where numbers are small (Mantel and Fleiss).
    ///
    /// # Cost
    /// O(strata); the exact test takes the square of the customers that matter for it.
    pub fn stratified(&self, level: Share) -> Result<StratifiedEffect, PainError> {
        let mut pooled = Stratified::default();
        let tables = || self.strata().filter_map(|(_, one, other)| one.proportion().zip(other.proportion()));
        for (one, other) in tables() {
            pooled.push(one, other);
        }
        let z = z(level.get());
        let n = pooled.exposed() + pooled.others();
        let (seen, ends) = pooled.risk_difference(z).ok_or(PainError::NothingToCompare)?;
        let odds_ratio = match pooled.odds_ratio(z) {
            Some((ratio, ends)) if ends.upper.is_finite() => {
                Some(Estimate::new(ratio, ends.lower, ends.upper, level, n)?)
            }
            _ => None,
        };
        let customers: u64 = tables().map(|(one, other)| one.trials() + other.trials()).sum();
        let both = |(one, other): &(Proportion, Proportion)| one.trials() > 0 && other.trials() > 0;
        Ok(StratifiedEffect {
            difference: Estimate::new(seen, ends.lower, ends.upper, level, n)?,
            odds_ratio,
            p_value: if pooled.is_large() {
                pooled.p_value()
            } else {
                exact::stratified_p(tables().filter(both))
            },
            strata: pooled.strata(),
            alone: customers - n,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level() -> Share {
        Share::new(0.95).unwrap()
    }

    fn count(successes: u64, customers: u64) -> GroupCount {
        GroupCount::new(successes, customers).unwrap()
    }

    /// Deaths on tolbutamide by age (UGDP): the difference is that of Rothman, "Modern Epidemiology", and the others that of
    /// `StratifiedTable` of statsmodels 0.15.0; a stratum of one group is counted and left out.
    #[test]
    fn agrees_with_a_published_table() {
        let mut tally = ActionTally::default();
        tally.push_group(1, true, count(8, 106));
        tally.push_group(1, false, count(5, 120));
        let mut other = ActionTally::default();
        other.push_group(2, true, count(22, 98));
        other.push_group(2, false, count(16, 85));
        other.push(3, true, true);
        tally.merge(other);
        let effect = tally.stratified(level()).unwrap();
        assert_eq!((effect.strata(), effect.alone(), effect.difference().n()), (2, 1, 409));
        assert!((effect.difference().value() - 0.034_900_269_336_918_16).abs() < 1e-15);
        assert!((effect.odds_ratio().unwrap().value() - 1.403_148_543_428_28).abs() < 1e-13);
        assert!((effect.p_value() - 0.275_047_303_784_705_9).abs() < 1e-13);
        let text = serde_json::to_string(&tally).unwrap();
        assert_eq!(serde_json::from_str::<ActionTally<i32>>(&text).unwrap(), tally);
    }

    /// By hand: of the tables with these margins 2 of 20 are as extreme.
    #[test]
    fn small_numbers_are_tested_exactly() {
        let mut tally = ActionTally::default();
        tally.push_group((), true, count(3, 3));
        tally.push_group((), false, count(0, 3));
        assert!((tally.stratified(level()).unwrap().p_value() - 0.1).abs() < 1e-12);
        assert!((tally.crude(level()).unwrap().p_value() - 0.1).abs() < 1e-12);
        assert_eq!(tally.stratified(level()).unwrap().odds_ratio(), None);
    }

    #[test]
    fn refuses_what_compares_nothing() {
        let mut tally = ActionTally::default();
        assert!(matches!(tally.stratified(level()), Err(PainError::NothingToCompare)));
        assert!(matches!(tally.crude(level()), Err(PainError::EmptyGroup { group: "treated" })));
        tally.push("a", true, true);
        tally.push("b", true, true);
        assert!(matches!(tally.stratified(level()), Err(PainError::NothingToCompare)));
        assert!(matches!(tally.crude(level()), Err(PainError::EmptyGroup { group: "held_out" })));
        let text = r#"{"customers":1,"successes":2}"#;
        assert!(serde_json::from_str::<GroupCount>(text).is_err());
    }
}
