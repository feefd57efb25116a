use super::OutreachError;
use crate::measure::Share;
use serde::Serialize;

/// An item for a customer, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// The item.
    pub item: u32,
    /// What ranks it: for buying again the purchases of it, for cross-selling the sum of [`BecauseBought`] over all items
    /// the customer has. Comparable for one customer only.
    pub score: f64,
    /// Because the customer bought these: those that count most first, at most three; for buying again the item itself.
    pub because: Vec<BecauseBought>,
}

/// "Because you bought this."
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BecauseBought {
    /// What was bought.
    pub item: u32,
    /// What it adds to the score.
    pub score: f64,
}

/// One customer's buying of one item.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bought {
    item: u32,
    /// Days it was bought on.
    purchases: u32,
    /// The days it was bought on, each worth half as much after each half-life.
    affinity: f64,
}

/// What customers need: what they buy again, and what those who bought the same bought too.
///
/// Buying again is ranked by the customer's own purchases of an item; those of one day are one. Cross-selling is ranked by affinity, which decays
/// with time, times the likeness of items, and leaves out what the customer has. Both are small, and on the purchases of a
/// shop as good as or better than matrix factorisation; every suggestion says because of what it is made.
///
/// # Formula
/// ```text
/// affinity(u, i)   = sum over purchases of i by u of 2^(-age in days / half-life)
/// likeness(i, j)   = customers with both / customers with either              (Jaccard)
/// cross-sell(u, j) = sum over i that u bought of affinity(u, i) likeness(i, j),  j never bought by u
/// ```
///
/// # Example
/// ```
/// use patronage::outreach::Needs;
///
/// // Customers 0 and 1 bought items 0 and 1, customer 2 only item 0; item 2 is bought by customer 1 alone.
/// let needs = Needs::from_columns(&[0, 0, 1, 1, 1, 2], &[0, 1, 0, 1, 2, 0], &[9, 9, 8, 8, 8, 10], 10, 30.0)?;
/// assert_eq!(needs.likeness(0, 1).map(|share| share.get()), Some(2.0 / 3.0));
/// let offers = needs.cross_sell(2, 10);
/// assert_eq!((offers[0].item, offers[0].because[0].item), (1, 0));
/// assert_eq!(offers[0].score, 2.0 / 3.0);
/// assert_eq!(needs.buy_again(2, 10)[0].item, 0);
/// # Ok::<(), patronage::outreach::OutreachError>(())
/// ```
///
/// Source: the SAR algorithm of Microsoft Recommenders (item-item likeness and decayed affinity); P. Jaccard 1901.
#[derive(Clone, Debug, PartialEq)]
pub struct Needs {
    /// By customer, ascending by item.
    bought: Vec<Vec<Bought>>,
    /// By item, ascending.
    buyers: Vec<Vec<u32>>,
    /// By item, the affinity of all customers to it.
    popularity: Vec<f64>,
}

/// Customers and items are numbered from 0; more are too many for one table.
const LIMIT: u32 = 1 << 26;

impl Needs {
    /// Learns from purchases in any order: customer, item and day of each. Number customers and items from 0 without gaps:
    /// memory grows with the largest number. Purchases after `as_of` are not known yet and count nothing.
    ///
    /// # Arguments
    /// `days`, `as_of`: days since 1970-01-01. `half_life_days`: after how many days a purchase counts half; 90 is usual.
    ///
    /// # Errors
    /// [`OutreachError::ColumnLength`], [`OutreachError::HalfLife`], or [`OutreachError::OutOfRange`] for a number of
    /// 67,108,864 or more.
    ///
    /// # Cost
    /// O(rows × log rows).
    pub fn from_columns(
        customers: &[u32],
        items: &[u32],
        days: &[i32],
        as_of: i32,
        half_life_days: f64,
    ) -> Result<Self, OutreachError> {
        for (column, found) in [("items", items.len()), ("days", days.len())] {
            if found != customers.len() {
                return Err(OutreachError::ColumnLength { column, expected: customers.len(), found });
            }
        }
        if !(half_life_days > 0.0 && half_life_days.is_finite()) {
            return Err(OutreachError::HalfLife { days: half_life_days.to_string() });
        }
        let mut rows = Vec::with_capacity(customers.len());
        for (row, ((&customer, &item), &day)) in customers.iter().zip(items).zip(days).enumerate() {
            for (field, found) in [("customer", customer), ("item", item)] {
                if found >= LIMIT {
                    return Err(OutreachError::OutOfRange { row, field, limit: LIMIT, found });
                }
            }
            if day <= as_of {
                rows.push((customer, item, day));
            }
        }
        // Sorted, so that sums do not hang on the order the rows came in.
        rows.sort_unstable();
        rows.dedup();
        let most =
            |of: fn(&(u32, u32, i32)) -> u32| rows.iter().map(of).max().map_or(0, |most| most as usize + 1);
        let mut bought = vec![Vec::new(); most(|row| row.0)];
        let mut buyers = vec![Vec::new(); most(|row| row.1)];
        let mut popularity = vec![0.0; buyers.len()];
        for same in rows.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let Some(&(customer, item, _)) = same.last() else { continue };
            let age = |day: i32| f64::from(as_of) - f64::from(day);
            let worth = |&(_, _, day): &(u32, u32, i32)| libm::exp2(-age(day) / half_life_days);
            let affinity: f64 = same.iter().map(worth).sum();
            let purchases = u32::try_from(same.len()).unwrap_or(u32::MAX);
            if let (Some(bought), Some(buyers)) =
                (bought.get_mut(customer as usize), buyers.get_mut(item as usize))
            {
                bought.push(Bought { item, purchases, affinity });
                buyers.push(customer);
                if let Some(popularity) = popularity.get_mut(item as usize) {
                    *popularity += affinity;
                }
            }
        }
        Ok(Self { bought, buyers, popularity })
    }

    /// How alike two items are: the share of those who bought one of them that bought both; `None` where nobody bought
    /// either.
    ///
    /// # Cost
    /// O(buyers of the one × log buyers of the other).
    pub fn likeness(&self, item: u32, other: u32) -> Option<Share> {
        let (ours, theirs) = (self.buyers_of(item), self.buyers_of(other));
        let both = ours.iter().filter(|buyer| theirs.binary_search(buyer).is_ok()).count() as u64;
        Share::of(both, ours.len() as u64 + theirs.len() as u64 - both).ok().flatten()
    }

    /// What a customer buys again: the items they bought, those first that they bought on most days; of equal ones what all
    /// customers bought most of late, then the smaller number. Empty for someone who bought nothing.
    ///
    /// # Cost
    /// O(items of the customer, sorted).
    pub fn buy_again(&self, customer: u32, at_most: usize) -> Vec<Suggestion> {
        let mut own: Vec<Bought> = self.bought_by(customer).to_vec();
        let popularity = |bought: &Bought| self.popularity.get(bought.item as usize).copied().unwrap_or(0.0);
        own.sort_unstable_by(|one, other| {
            let by_days = other.purchases.cmp(&one.purchases);
            by_days
                .then_with(|| popularity(other).total_cmp(&popularity(one)))
                .then(one.item.cmp(&other.item))
        });
        let suggest = |bought: &Bought| {
            let score = f64::from(bought.purchases);
            let because = vec![BecauseBought { item: bought.item, score }];
            Suggestion { item: bought.item, score, because }
        };
        own.iter().take(at_most).map(suggest).collect()
    }

    /// What else a customer may want: items they never bought that lie with those they did. Empty for someone who bought
    /// nothing; offer them what is popular.
    ///
    /// # Cost
    /// O(sum over the customer's items of what all their buyers bought); [`cross_sell_all`](Self::cross_sell_all) is cheaper
    /// for many customers.
    pub fn cross_sell(&self, customer: u32, at_most: usize) -> Vec<Suggestion> {
        let own = self.bought_by(customer);
        let mut scores = vec![0.0; self.buyers.len()];
        let mut likeness = LikenessRow::new(self.buyers.len());
        for bought in own {
            likeness.fill(self, bought.item);
            likeness.add(bought.affinity, &mut scores);
        }
        Self::best(own, &scores, at_most, |one, other| self.likeness(one, other).map_or(0.0, Share::get))
    }

    /// [`cross_sell`](Self::cross_sell) for every customer, by number: equal to it to the last bit.
    ///
    /// # Cost
    /// Time O(customers × their items × items); memory 8 bytes for each pair of items, and below that where there are
    /// more than 8,192 items, for which each customer is asked alone.
    pub fn cross_sell_all(&self, at_most: usize) -> Vec<Vec<Suggestion>> {
        let items = self.buyers.len();
        if items > 8_192 {
            return (0..self.bought.len())
                .map(|customer| self.cross_sell(u32::try_from(customer).unwrap_or(u32::MAX), at_most))
                .collect();
        }
        let mut rows = Vec::with_capacity(items);
        let mut row = LikenessRow::new(items);
        for item in 0..items {
            row.fill(self, u32::try_from(item).unwrap_or(u32::MAX));
            rows.push(row.likeness.clone());
        }
        let mut scores = vec![0.0; items];
        let suggest = |own: &Vec<Bought>| {
            scores.fill(0.0);
            for bought in own {
                let likeness = rows.get(bought.item as usize).map_or(&[][..], Vec::as_slice);
                for (score, likeness) in scores.iter_mut().zip(likeness) {
                    *score += bought.affinity * likeness;
                }
            }
            let of = |one: u32, other: u32| rows.get(one as usize)?.get(other as usize).copied();
            Self::best(own, &scores, at_most, |one, other| of(one, other).unwrap_or(0.0))
        };
        self.bought.iter().map(suggest).collect()
    }

    /// The best items that are not the customer's own, and because of what.
    fn best(
        own: &[Bought],
        scores: &[f64],
        at_most: usize,
        likeness: impl Fn(u32, u32) -> f64,
    ) -> Vec<Suggestion> {
        let is_own = |item: u32| own.binary_search_by_key(&item, |bought| bought.item).is_ok();
        let mut ranked: Vec<(u32, f64)> = (0_u32..)
            .zip(scores)
            .filter(|&(item, &score)| score > 0.0 && !is_own(item))
            .map(|(item, &score)| (item, score))
            .collect();
        let order =
            |one: &(u32, f64), other: &(u32, f64)| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0));
        if at_most < ranked.len() {
            if at_most > 0 {
                ranked.select_nth_unstable_by(at_most - 1, order);
            }
            ranked.truncate(at_most);
        }
        ranked.sort_unstable_by(order);
        ranked
            .into_iter()
            .map(|(item, score)| {
                let add = |bought: &Bought| BecauseBought {
                    item: bought.item,
                    score: bought.affinity * likeness(bought.item, item),
                };
                let mut because: Vec<BecauseBought> = own.iter().map(add).filter(|b| b.score > 0.0).collect();
                because
                    .sort_by(|one, other| other.score.total_cmp(&one.score).then(one.item.cmp(&other.item)));
                because.truncate(3);
                Suggestion { item, score, because }
            })
            .collect()
    }

    fn bought_by(&self, customer: u32) -> &[Bought] {
        self.bought.get(customer as usize).map_or(&[], Vec::as_slice)
    }

    fn buyers_of(&self, item: u32) -> &[u32] {
        self.buyers.get(item as usize).map_or(&[], Vec::as_slice)
    }
}

/// The likeness of one item to all others.
struct LikenessRow {
    together: Vec<u32>,
    likeness: Vec<f64>,
}

impl LikenessRow {
    fn new(items: usize) -> Self {
        Self { together: vec![0; items], likeness: vec![0.0; items] }
    }

    fn fill(&mut self, needs: &Needs, item: u32) {
        self.together.fill(0);
        let buyers = needs.buyers_of(item);
        for &buyer in buyers {
            for bought in needs.bought_by(buyer) {
                if let Some(count) = self.together.get_mut(bought.item as usize) {
                    *count += 1;
                }
            }
        }
        for ((likeness, &both), others) in self.likeness.iter_mut().zip(&self.together).zip(&needs.buyers) {
            let either = buyers.len() as u64 + others.len() as u64 - u64::from(both);
            *likeness = Share::of(both.into(), either).ok().flatten().map_or(0.0, Share::get);
        }
    }

    fn add(&self, affinity: f64, scores: &mut [f64]) {
        for (score, likeness) in scores.iter_mut().zip(&self.likeness) {
            *score += affinity * likeness;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn scores_are_those_of_the_formula_by_either_door_in_any_order(
            (rows, mixed) in prop::collection::vec((0_u32..6, 0_u32..7, 0_i32..200), 0..60)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        ) {
            let needs = |rows: &[(u32, u32, i32)]| {
                let customers: Vec<u32> = rows.iter().map(|row| row.0).collect();
                let items: Vec<u32> = rows.iter().map(|row| row.1).collect();
                let days: Vec<i32> = rows.iter().map(|row| row.2).collect();
                Needs::from_columns(&customers, &items, &days, 150, 30.0).unwrap()
            };
            let learnt = needs(&rows);
            prop_assert_eq!(&learnt, &needs(&mixed));
            let mut known: Vec<_> = rows.iter().filter(|row| row.2 <= 150).collect();
            known.sort_unstable();
            known.dedup();
            let has = |customer, item| known.iter().any(|row| row.0 == customer && row.1 == item);
            let all = learnt.cross_sell_all(10);
            for (customer, by_all) in (0_u32..).zip(&all) {
                let alone = learnt.cross_sell(customer, 10);
                prop_assert_eq!(&alone, by_all);
                for item in 0..7 {
                    let mut score = 0.0;
                    for row in known.iter().filter(|row| row.0 == customer) {
                        let count = |either: bool| (0..6).filter(|&c| if either { has(c, row.1) || has(c, item) } else { has(c, row.1) && has(c, item) }).map(|_| 1.0).sum::<f64>();
                        score += (f64::from(row.2 - 150) / 30.0).exp2() * count(false) / count(true);
                    }
                    let found = alone.iter().find(|suggestion| suggestion.item == item);
                    prop_assert_eq!(found.is_some(), score > 0.0 && !has(customer, item));
                    if let Some(found) = found {
                        prop_assert!((found.score - score).abs() < 1e-12 * score, "{} {}", found.score, score);
                        prop_assert!(has(customer, found.because[0].item));
                    }
                }
                prop_assert!(alone.is_sorted_by(|one, other| one.score >= other.score));
                let few = learnt.cross_sell(customer, 2);
                prop_assert_eq!(&few[..], &alone[..few.len()]);
            }
        }
    }

    #[test]
    fn refuses_what_makes_no_table() {
        let learn = |customers: &[u32], items: &[u32], half_life| {
            Needs::from_columns(customers, items, &[0], 0, half_life)
        };
        assert!(matches!(
            learn(&[0, 1], &[0], 1.0),
            Err(OutreachError::ColumnLength { column: "items", .. })
        ));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(learn(&[0], &[0], wrong), Err(OutreachError::HalfLife { .. })), "{wrong}");
        }
        let far = learn(&[0], &[u32::MAX], 1.0).unwrap_err();
        assert_eq!(far.to_string(), "row 0: `item` must be below 67108864, got 4294967295");
        let nothing = Needs::from_columns(&[], &[], &[], 0, 1.0).unwrap();
        assert!(nothing.buy_again(0, 3).is_empty() && nothing.cross_sell(0, 3).is_empty());
        assert_eq!(nothing.likeness(0, 1), None);
    }
}
