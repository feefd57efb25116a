use super::best_items::{BestItems, ScoredItem};
use super::groups::Groups;
use super::likeness_block::LikenessBlock;
use super::{BecauseBought, OutreachError, Suggestion};
use crate::measure::Share;

/// What customers need: what they buy again, and what those who bought the same bought too.
///
/// Buying again is ranked by how many days the customer bought an item on. Cross-selling is ranked by affinity, which
/// decays with time, times the likeness of items, and leaves out what the customer has. Both are small, and on the
/// purchases of a shop as good as or better than matrix factorisation; every suggestion says because of what it is made.
/// Lift ranks nothing here: it puts first what hardly anybody wants.
///
/// It is learnt anew as of each day, in a fraction of a second, and not stored: affinities grow old. Keep the purchases.
///
/// # Formula
/// ```text
/// affinity(u, i)   = sum over days u bought i on of 2^(-age in days / half-life)
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
    /// The items of each customer, ascending.
    customers: Groups,
    items: Vec<u32>,
    /// The days on which the customer bought the item.
    days: Vec<u32>,
    /// The same days, each worth half as much after each half-life.
    affinities: Vec<f64>,
    /// The buyers of each item, ascending.
    item_groups: Groups,
    buyers: Vec<u32>,
    /// How many buyers each item has.
    sizes: Vec<f64>,
    /// By item, the affinity of all customers to it.
    popularity: Vec<f64>,
}

/// Customers and items are numbered from 0; more are too many for one table.
const LIMIT: u32 = 1 << 26;

impl Needs {
    /// Learns from purchases in any order: customer, item and day of each. Number customers and items from 0 without gaps:
    /// memory grows with the largest number. Purchases after `as_of` are not known yet and count nothing; several of one
    /// item on one day are one.
    ///
    /// # Arguments
    /// `days`, `as_of`: days since 1970-01-01. `half_life_days`: after how many days a purchase counts half; 90 to 120 is a
    /// good first choice. On the shop of `tests/outreach_reference.rs`, 90 was the best before the day that all is judged
    /// on; what it is matters little between two months and a year.
    ///
    /// # Errors
    /// [`OutreachError::ColumnLength`], [`OutreachError::HalfLife`], or [`OutreachError::OutOfRange`] for a number of
    /// 67,108,864 or more.
    ///
    /// # Cost
    /// O(rows × log of the rows of a customer).
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
        let rows =
            || customers.iter().zip(items).zip(days).map(|((&customer, &item), &day)| (customer, item, day));
        for (row, (customer, item, _)) in rows().enumerate() {
            for (field, found) in [("customer", customer), ("item", item)] {
                if found >= LIMIT {
                    return Err(OutreachError::OutOfRange { row, field, limit: LIMIT, found });
                }
            }
        }
        let known = || rows().filter(|row| row.2 <= as_of);
        let most = |of: fn((u32, u32, i32)) -> u32| known().map(of).max().map_or(0, |most| most as usize + 1);
        let (all_customers, all_items) = (most(|row| row.0), most(|row| row.1));

        // Item before day, in one number that is quickly sorted; so that sums do not hang on the order the rows came in.
        let by_customer = Groups::of(all_customers, known().map(|row| row.0));
        let code = |(customer, item, day): (u32, u32, i32)| {
            (customer, u64::from(item) << 32 | u64::from(day.cast_unsigned() ^ SIGN))
        };
        let mut codes = by_customer.gather(known().map(code));
        let mut owners = Vec::with_capacity(codes.len());
        let (mut bought, mut counts, mut affinities) = (Vec::new(), Vec::new(), Vec::new());
        for customer in (0..).take(all_customers) {
            let own = codes.get_mut(by_customer.range(customer)).unwrap_or(&mut []);
            own.sort_unstable();
            for same in own.chunk_by(|one, other| one >> 32 == other >> 32) {
                let Some(&first) = same.first() else { continue };
                let (mut count, mut affinity, mut before) = (0, 0.0, None);
                for &code in same {
                    if before.replace(code) != Some(code) {
                        let age = f64::from(as_of) - f64::from(day_of(code));
                        affinity += libm::exp2(-age / half_life_days);
                        count += 1;
                    }
                }
                owners.push(customer);
                bought.push(item_of(first));
                counts.push(count);
                affinities.push(affinity);
            }
        }
        drop(codes);

        let customers = Groups::of(all_customers, owners.iter().copied());
        let item_groups = Groups::of(all_items, bought.iter().copied());
        let buyers = item_groups.gather(bought.iter().copied().zip(owners));
        let mut popularity = vec![0.0; all_items];
        for (&item, &affinity) in bought.iter().zip(&affinities) {
            if let Some(popularity) = popularity.get_mut(item as usize) {
                *popularity += affinity;
            }
        }
        let sizes = item_groups.parts(&buyers).map(|buyers| f64::from(count_of(buyers))).collect();
        Ok(Self {
            customers,
            items: bought,
            days: counts,
            affinities,
            item_groups,
            buyers,
            sizes,
            popularity,
        })
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
    /// "Most of late" was first seen to help on the very days it is judged on in `tests/outreach_reference.rs`; that it beats
    /// "most ever" on the days before them as well was checked afterwards, and is tested there.
    ///
    /// # Cost
    /// O(items of the customer, and `at_most` sorted).
    pub fn buy_again(&self, customer: u32, at_most: usize) -> Vec<Suggestion> {
        let range = self.customers.range(customer);
        let (items, days) = (self.items_of(customer), self.days.get(range).unwrap_or(&[]));
        let popularity = |item: u32| self.popularity.get(item as usize).copied().unwrap_or(0.0);
        let mut own: Vec<(u32, f64, u32)> =
            items.iter().zip(days).map(|(&item, &days)| (days, popularity(item), item)).collect();
        let order = |one: &(u32, f64, u32), other: &(u32, f64, u32)| {
            other.0.cmp(&one.0).then_with(|| other.1.total_cmp(&one.1)).then(one.2.cmp(&other.2))
        };
        if (1..own.len()).contains(&at_most) {
            own.select_nth_unstable_by(at_most - 1, order);
        }
        own.truncate(at_most);
        own.sort_unstable_by(order);
        let suggest = |&(days, _, item): &(u32, f64, u32)| {
            let score = f64::from(days);
            Suggestion { item, score, because: vec![BecauseBought { item, score }] }
        };
        own.iter().map(suggest).collect()
    }

    /// What else a customer may want: items they never bought that lie with those they did, the highest score first, of
    /// equal ones the smaller number. Empty for someone who bought nothing; offer them what is popular.
    ///
    /// # Cost
    /// O(sum over the customer's items of what all their buyers bought); [`cross_sell_all`](Self::cross_sell_all) is cheaper
    /// for many customers.
    pub fn cross_sell(&self, customer: u32, at_most: usize) -> Vec<Suggestion> {
        self.cross_sell_with(&mut ScoreTable::new(self.item_groups.len()), customer, at_most)
    }

    fn cross_sell_with(&self, table: &mut ScoreTable, customer: u32, at_most: usize) -> Vec<Suggestion> {
        let (items, affinities) = self.own(customer);
        for (&item, &affinity) in items.iter().zip(affinities) {
            table.add(self, item, affinity);
        }
        let mut best = BestItems::new(at_most);
        table.drain(|item, score| {
            if items.binary_search(&item).is_err() {
                best.offer(item, score);
            }
        });
        let because = |&ScoredItem { item, score }: &ScoredItem| {
            table.count(self, item);
            Suggestion { item, score, because: self.because(&table.both, customer, item) }
        };
        best.ranked().iter().map(because).collect()
    }

    /// [`cross_sell`](Self::cross_sell) for every customer, by number: equal to it to the last bit.
    ///
    /// Where most items lie with most others, a few items at a time are scored for all customers, those with the most
    /// buyers first; a customer for whom none of them can come up to the best found so far is passed over. Where few do,
    /// each customer is asked alone. Either way no table of all pairs of items is held.
    ///
    /// # Cost
    /// The first way O(items × (items + purchases)) at worst, of which a sixth is done in a shop, with 900 bytes for each
    /// item and 64 for each customer; the second way that of [`cross_sell`](Self::cross_sell). The cheaper one is taken.
    pub fn cross_sell_all(&self, at_most: usize) -> Vec<Vec<Suggestion>> {
        if self.is_dense() {
            return self.cross_sell_in_blocks(at_most);
        }
        let mut table = ScoreTable::new(self.item_groups.len());
        let customers = (0..).take(self.customers.len());
        customers.map(|customer| self.cross_sell_with(&mut table, customer, at_most)).collect()
    }

    /// Whether scoring in blocks costs less than asking each customer alone.
    fn is_dense(&self) -> bool {
        let all = |slice: &[u32]| slice.len() as u128;
        let bought = |item: &[u32]| item.iter().map(|&buyer| all(self.items_of(buyer))).sum::<u128>();
        let alone: u128 =
            self.item_groups.parts(&self.buyers).map(|buyers| all(buyers) * bought(buyers)).sum();
        let items = self.item_groups.len() as u128;
        items * (items + all(&self.items) / 4) <= alone
    }

    fn cross_sell_in_blocks(&self, at_most: usize) -> Vec<Vec<Suggestion>> {
        let all = self.customers.len();
        let mut best = vec![BestItems::new(at_most); all];
        let mut columns: Vec<u32> =
            (0..).take(self.item_groups.len()).filter(|&item| !self.buyers_of(item).is_empty()).collect();
        // Those with many buyers first: they are alike to much, so that the best are soon found.
        columns.sort_by_key(|&item| std::cmp::Reverse(self.buyers_of(item).len()));
        let (mut block, mut bounds) = (LikenessBlock::new(self.item_groups.len()), Vec::with_capacity(all));
        for columns in columns.chunks(LikenessBlock::COLUMNS) {
            block.fill(self, columns);
            bounds.clear();
            bounds.extend((0..).take(all).map(|customer| {
                let (items, affinities) = self.own(customer);
                block.bounds(items, affinities)
            }));
            for (bundle, columns) in LikenessBlock::bundles(columns) {
                for ((customer, best), bounds) in (0..).zip(&mut best).zip(&bounds) {
                    if bounds.get(bundle).is_none_or(|&bound| bound < best.lowest()) {
                        continue;
                    }
                    let (items, affinities) = self.own(customer);
                    for (&column, score) in columns.iter().zip(block.scores(bundle, items, affinities)) {
                        if score >= best.lowest() {
                            best.offer(column, score);
                        }
                    }
                }
            }
        }
        drop(block);

        // Why, item by item, so that each item is looked at once.
        let ranked: Vec<Vec<ScoredItem>> = best.into_iter().map(BestItems::ranked).collect();
        let found = || {
            let ranked = (0_u32..).zip(&ranked);
            ranked.flat_map(|(customer, ranked)| ranked.iter().map(move |found| (found.item, customer)))
        };
        let by_item = Groups::of(self.item_groups.len(), found().map(|found| found.0));
        let customers = by_item.gather(found());
        let mut suggested: Vec<Vec<Suggestion>> =
            ranked.iter().map(|ranked| ranked.iter().map(suggestion).collect()).collect();
        let mut both = vec![0; self.item_groups.len()];
        for (item, customers) in (0..).zip(by_item.parts(&customers)).filter(|(_, found)| !found.is_empty()) {
            self.count_together(item, &mut both);
            for &customer in customers {
                let own = suggested.get_mut(customer as usize);
                let mut own = own.into_iter().flatten();
                if let Some(suggestion) = own.find(|suggestion| suggestion.item == item) {
                    suggestion.because = self.because(&both, customer, item);
                }
            }
        }
        suggested
    }

    /// Which of a customer's items count most for another item, by the customers that one has in common with each.
    fn because(&self, both: &[u32], customer: u32, item: u32) -> Vec<BecauseBought> {
        let mut because = Vec::new();
        let size = self.size(item);
        let (items, affinities) = self.own(customer);
        for (&own, &affinity) in items.iter().zip(affinities) {
            let both = both.get(own as usize).copied().map_or(0.0, f64::from);
            let score = affinity * (both / (size + self.size(own) - both));
            BecauseBought { item: own, score }.rank(&mut because);
        }
        because
    }

    /// Counts the customers that one item has in common with each.
    pub(super) fn count_together(&self, item: u32, both: &mut [u32]) {
        both.fill(0);
        for &buyer in self.buyers_of(item) {
            for &other in self.items_of(buyer) {
                if let Some(both) = both.get_mut(other as usize) {
                    // There are fewer than 2^26 customers.
                    *both = both.wrapping_add(1);
                }
            }
        }
    }

    /// The items of a customer, ascending, and the affinity to each.
    fn own(&self, customer: u32) -> (&[u32], &[f64]) {
        (self.items_of(customer), self.customers.part(customer, &self.affinities))
    }

    pub(super) fn items_of(&self, customer: u32) -> &[u32] {
        self.customers.part(customer, &self.items)
    }

    pub(super) fn buyers_of(&self, item: u32) -> &[u32] {
        self.item_groups.part(item, &self.buyers)
    }

    /// How many buyers each item has.
    pub(super) fn sizes(&self) -> &[f64] {
        &self.sizes
    }

    /// How many buyers an item has.
    pub(super) fn size(&self, item: u32) -> f64 {
        self.sizes.get(item as usize).copied().unwrap_or(0.0)
    }
}

const SIGN: u32 = 1 << 31;

const fn item_of(code: u64) -> u32 {
    (code >> 32) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is the day")]
const fn day_of(code: u64) -> i32 {
    (code as u32 ^ SIGN).cast_signed()
}

fn count_of(rows: &[u32]) -> u32 {
    u32::try_from(rows.len()).unwrap_or(u32::MAX)
}

const fn suggestion(found: &ScoredItem) -> Suggestion {
    Suggestion { item: found.item, score: found.score, because: Vec::new() }
}

/// The scores of all items for one customer, of which only those are touched that are not 0.
struct ScoreTable {
    /// By item, the customers who have it and the item that was counted last.
    both: Vec<u32>,
    /// Where these are not 0, in no order.
    counted: Vec<u32>,
    scores: Vec<f64>,
    /// Where scores are not 0, in no order.
    scored: Vec<u32>,
}

impl ScoreTable {
    fn new(items: usize) -> Self {
        Self { both: vec![0; items], counted: Vec::new(), scores: vec![0.0; items], scored: Vec::new() }
    }

    /// Counts the customers that an item has in common with each other.
    fn count(&mut self, needs: &Needs, item: u32) {
        for other in self.counted.drain(..) {
            if let Some(both) = self.both.get_mut(other as usize) {
                *both = 0;
            }
        }
        for &buyer in needs.buyers_of(item) {
            for &other in needs.items_of(buyer) {
                if let Some(both) = self.both.get_mut(other as usize) {
                    if *both == 0 {
                        self.counted.push(other);
                    }
                    // There are fewer than 2^26 customers.
                    *both = both.wrapping_add(1);
                }
            }
        }
    }

    /// Adds what an item of the customer says for others.
    fn add(&mut self, needs: &Needs, item: u32, affinity: f64) {
        self.count(needs, item);
        let size = needs.size(item);
        for &other in &self.counted {
            let both = self.both.get(other as usize).copied().map_or(0.0, f64::from);
            if let Some(score) = self.scores.get_mut(other as usize) {
                if *score <= 0.0 {
                    self.scored.push(other);
                }
                *score += affinity * (both / (size + needs.size(other) - both));
            }
        }
    }

    /// Takes all scores out.
    fn drain(&mut self, mut take: impl FnMut(u32, f64)) {
        for item in self.scored.drain(..) {
            if let Some(score) = self.scores.get_mut(item as usize) {
                take(item, std::mem::take(score));
            }
        }
    }
}

#[cfg(test)]
mod tests;
