use super::basket_index::BasketIndex;
use super::{AssociationRule, Baskets, Fraction, OutreachError};
use serde::Serialize;

/// Which rules are looked for: those that hold in enough baskets, often enough. Both thresholds are exact.
///
/// # Example
/// ```
/// use patronage::outreach::{Baskets, RuleSearch};
///
/// // Four baskets with coffee (1); three of them with milk (2); tea (3) is always alone.
/// let baskets = Baskets::from_columns(&[1, 1, 2, 2, 3, 3, 4, 5], &[1, 2, 1, 2, 1, 2, 1, 3])?;
/// let rules = RuleSearch::new("0.6".parse()?, "0.75".parse()?).pairs(&baskets)?;
/// let shown: Vec<_> = rules.iter().map(|rule| (rule.antecedent()[0], rule.consequent(), rule.both())).collect();
/// assert_eq!(shown, [(2, 1, 3), (1, 2, 3)]);
/// assert_eq!((rules[1].confidence().get(), rules[1].lift(), rules[1].leverage()), (0.75, 1.25, 0.12));
/// assert_eq!((rules[0].conviction(), rules[1].conviction()), (None, Some(1.6)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSearch {
    support: Fraction,
    confidence: Fraction,
    longest: usize,
}

impl RuleSearch {
    /// Rules whose items lie together in at least this part of all baskets, and whose consequent lies in at least this
    /// part of the baskets with the antecedent.
    pub const fn new(support: Fraction, confidence: Fraction) -> Self {
        Self { support, confidence, longest: usize::MAX }
    }

    /// Limits how many items a rule names, the consequent included.
    #[must_use]
    pub const fn at_most_items(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// The rules from one item to one other, the strongest first.
    ///
    /// # Errors
    /// [`OutreachError::NoBaskets`].
    ///
    /// # Cost
    /// O(sum of squares of the basket sizes); memory O(rows + items + rules found).
    pub fn pairs(&self, baskets: &Baskets) -> Result<Vec<AssociationRule>, OutreachError> {
        let index = BasketIndex::new(baskets)?;
        let least = self.support.least_of(index.baskets()).max(1);
        let mut rules = Vec::new();
        let pairs = index.pairs(least);
        pairs.each(|one, other, both| {
            for (antecedent, consequent) in [(one, other), (other, one)] {
                if self.confidence.is_reached_by(both, antecedent.count) {
                    rules.push(AssociationRule {
                        antecedent: vec![antecedent.id],
                        consequent: consequent.id,
                        both,
                        antecedent_count: antecedent.count,
                        consequent_count: consequent.count,
                        baskets: index.baskets(),
                    });
                }
            }
        });
        rules.sort_unstable_by(AssociationRule::by_strength);
        Ok(rules)
    }

    /// The rules from any number of items to one other, the strongest first.
    ///
    /// # Errors
    /// [`OutreachError::NoBaskets`], or [`OutreachError::TooMany`] where more than two million itemsets are as frequent
    /// as asked for.
    ///
    /// # Cost
    /// O(frequent itemsets × frequent items × baskets / 64).
    ///
    /// Source: M. J. Zaki, "Scalable algorithms for association mining", IEEE TKDE 12 (2000).
    pub fn rules(&self, baskets: &Baskets) -> Result<Vec<AssociationRule>, OutreachError> {
        let index = BasketIndex::new(baskets)?;
        let frequent = index.frequent(self.support.least_of(index.baskets()).max(1), self.longest)?;
        let mut rules = Vec::new();
        for (items, &both) in frequent.iter().filter(|(items, _)| items.len() > 1) {
            for (place, &consequent) in items.iter().enumerate() {
                let mut antecedent = items.clone();
                antecedent.remove(place);
                // Every part of a frequent itemset is frequent.
                let (Some(&antecedent_count), Some(&consequent_count)) =
                    (frequent.get(&antecedent), frequent.get(&vec![consequent]))
                else {
                    continue;
                };
                if self.confidence.is_reached_by(both, antecedent_count) {
                    rules.push(AssociationRule {
                        antecedent,
                        consequent,
                        both,
                        antecedent_count,
                        consequent_count,
                        baskets: index.baskets(),
                    });
                }
            }
        }
        rules.sort_unstable_by(AssociationRule::by_strength);
        Ok(rules)
    }

    /// Holds the rules of these baskets against baskets in which nothing goes together: copies with the same sizes of
    /// baskets and the same frequencies of items, randomised. Large baskets make rules of any items, so that a lift above
    /// 1 or a small hypergeometric p-value says little; this says how many rules such baskets make, and for each rule how
    /// seldom they do.
    ///
    /// # Arguments
    /// `copies`: how many; the smallest p-value is `1 / (copies + 1)`. `seed`: the same seed gives the same answer.
    ///
    /// # Errors
    /// As [`rules`](Self::rules).
    ///
    /// # Cost
    /// That of [`rules`](Self::rules) and of [`Baskets::randomised`], `copies` times.
    pub fn against_chance(
        &self,
        baskets: &Baskets,
        copies: u32,
        seed: u64,
    ) -> Result<RulesAgainstChance, OutreachError> {
        let rules = self.rules(baskets)?;
        let mut as_often = vec![0_u32; rules.len()];
        let mut by_chance = Vec::new();
        for copy in 0..copies {
            let random = baskets.randomised(10, seed.wrapping_add(copy.into()));
            let index = BasketIndex::new(&random)?;
            for (rule, count) in rules.iter().zip(&mut as_often) {
                *count += u32::from(index.together(&rule.antecedent, rule.consequent) >= rule.both);
            }
            by_chance.push(self.rules(&random)?.len());
        }
        let against = |(rule, as_often): (AssociationRule, u32)| RuleAgainstChance { rule, as_often, copies };
        Ok(RulesAgainstChance { rules: rules.into_iter().zip(as_often).map(against).collect(), by_chance })
    }
}

/// A rule and how often chance makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleAgainstChance {
    /// The rule.
    pub rule: AssociationRule,
    /// In how many randomised copies its items lay together as often as in truth, or oftener.
    pub as_often: u32,
    /// How many copies there were.
    pub copies: u32,
}

impl RuleAgainstChance {
    /// How probable it is that chance makes the rule, by the copies: `(as often + 1) / (copies + 1)`.
    pub fn p_value(&self) -> f64 {
        (f64::from(self.as_often) + 1.0) / (f64::from(self.copies) + 1.0)
    }
}

/// The rules found, and what chance alone finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RulesAgainstChance {
    /// The rules, the strongest first.
    pub rules: Vec<RuleAgainstChance>,
    /// How many rules the same thresholds found in each randomised copy.
    pub by_chance: Vec<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rules_are_what_counting_finds(rows in prop::collection::vec((0_u32..12, 0_u32..6), 1..70), least in 1_u32..4) {
            let (numbers, items): (Vec<u32>, Vec<u32>) = rows.iter().copied().unzip();
            let baskets = Baskets::from_columns(&numbers, &items).unwrap();
            let all = baskets.len();
            let search = RuleSearch::new(Fraction::new(least.min(all), all).unwrap(), "0.6".parse().unwrap());
            let rules = search.rules(&baskets).unwrap();
            let with = |wanted: u32| {
                let holds = |items: Vec<u32>| (0..6).all(|item| wanted >> item & 1 == 0 || items.contains(&item));
                u32::try_from(baskets.baskets().filter(|rows| holds(rows.iter().map(|row| row.1).collect())).count()).unwrap()
            };
            let mut expected = 0;
            for set in 1_u32..64 {
                for consequent in (0..6).filter(|item| set >> item & 1 == 1) {
                    let antecedent = set & !(1 << consequent);
                    let (both, before) = (with(set), with(antecedent));
                    if antecedent == 0 || both < least.min(all) || both * 5 < before * 3 {
                        continue;
                    }
                    expected += 1;
                    let named: Vec<u32> = (0..6).filter(|item| antecedent >> item & 1 == 1).collect();
                    let rule = rules.iter().find(|rule| rule.antecedent == named && rule.consequent == consequent);
                    let rule = rule.expect("a rule that counting finds");
                    prop_assert_eq!((rule.both, rule.antecedent_count, rule.consequent_count), (both, before, with(1 << consequent)));
                }
            }
            prop_assert_eq!(rules.len(), expected);
            prop_assert!(rules.is_sorted_by(|one, other| one.by_strength(other).is_lt()));
            prop_assert_eq!(search.pairs(&baskets).unwrap(), search.at_most_items(2).rules(&baskets).unwrap());
        }
    }

    #[test]
    fn planted_rules_stand_out_from_chance_and_others_do_not() {
        // Items 0 and 1 always lie together; 2 to 9 come as they like.
        let (mut numbers, mut items) = (Vec::new(), Vec::new());
        let mut random = crate::numeric::split_mix::SplitMix::new(5);
        for basket in 0..400 {
            let mut put = |item| {
                numbers.push(basket);
                items.push(item);
            };
            if random.below(5) == 0 {
                put(0);
                put(1);
            }
            (2..10).filter(|_| random.below(3) == 0).for_each(&mut put);
        }
        let baskets = Baskets::from_columns(&numbers, &items).unwrap();
        let search = RuleSearch::new("0.05".parse().unwrap(), "0.3".parse().unwrap()).at_most_items(2);
        let against = search.against_chance(&baskets, 39, 1).unwrap();
        let strongest = &against.rules[0];
        assert_eq!((strongest.rule.confidence().get(), strongest.p_value()), (1.0, 1.0 / 40.0));
        let others =
            against.rules.iter().filter(|found| found.rule.consequent > 1 && found.rule.antecedent[0] > 1);
        let (others, small): (Vec<_>, Vec<_>) = others.partition(|found| found.p_value() > 0.05);
        assert!(others.len() > 6 * small.len(), "{} against {}", others.len(), small.len());
        assert!(against.by_chance.iter().all(|&rules| rules > 10), "{:?}", against.by_chance);
    }

    #[test]
    fn no_baskets_make_no_shares() {
        let search = RuleSearch::new("0.1".parse().unwrap(), "0.1".parse().unwrap());
        assert_eq!(search.pairs(&Baskets::default()), Err(OutreachError::NoBaskets));
        assert_eq!(search.rules(&Baskets::default()), Err(OutreachError::NoBaskets));
    }
}
