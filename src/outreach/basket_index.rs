use super::groups::Groups;
use super::{Baskets, OutreachError};
use std::collections::BTreeMap;

/// The most itemsets that are kept: more say that the thresholds are too low to learn anything.
const MOST_ITEMSETS: usize = 2_000_000;

/// An item, and how many baskets hold it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountedItem {
    pub(super) id: u32,
    pub(super) count: u32,
}

/// Which baskets hold an item, by place.
pub(super) struct BasketIndex {
    baskets: u32,
    /// Ascending.
    ids: Vec<u32>,
    /// The baskets of each item, ascending.
    items: Groups,
    holders: Vec<u32>,
}

impl BasketIndex {
    pub(super) fn new(baskets: &Baskets) -> Result<Self, OutreachError> {
        if baskets.is_empty() {
            return Err(OutreachError::NoBaskets);
        }
        let most = baskets.items().max().unwrap_or(0) as usize;
        // Numbers without large gaps are looked up in a table, others are searched for.
        let compact = most <= 4 * baskets.rows() + 1_000;
        let (mut ids, mut table) = (Vec::new(), vec![u32::MAX; if compact { most + 1 } else { 0 }]);
        if compact {
            for item in baskets.items() {
                table.get_mut(item as usize).into_iter().for_each(|place| *place = 0);
            }
            for (id, place) in (0..).zip(&mut table).filter(|(_, place)| **place == 0) {
                *place = count_of(&ids);
                ids.push(id);
            }
        } else {
            ids.extend(baskets.items());
            ids.sort_unstable();
            ids.dedup();
        }
        let place_of = |item: u32| {
            let found = ids.binary_search(&item).ok().and_then(|place| u32::try_from(place).ok());
            found.unwrap_or(u32::MAX)
        };
        let place_of = |item: u32| table.get(item as usize).copied().unwrap_or_else(|| place_of(item));
        let places: Vec<u32> = baskets.items().map(place_of).collect();
        let items = Groups::of(ids.len(), places.iter().copied());
        let numbers =
            (0_u32..).zip(baskets.baskets()).flat_map(|(number, rows)| rows.iter().map(move |_| number));
        let holders = items.gather(places.iter().copied().zip(numbers));
        Ok(Self { baskets: baskets.len(), ids, items, holders })
    }

    /// How many baskets there are.
    pub(super) const fn baskets(&self) -> u32 {
        self.baskets
    }

    /// The baskets that hold an item, ascending.
    fn holders(&self, id: u32) -> &[u32] {
        let place = self.ids.binary_search(&id).ok().and_then(|place| u32::try_from(place).ok());
        place.map_or(&[], |place| self.items.part(place, &self.holders))
    }

    /// How many baskets hold all of these items.
    pub(super) fn together(&self, antecedent: &[u32], consequent: u32) -> u32 {
        let mut common = self.holders(consequent).to_vec();
        for &id in antecedent {
            let other = self.holders(id);
            common.retain(|basket| other.binary_search(basket).is_ok());
        }
        count_of(&common)
    }

    /// The items that at least so many baskets hold, ascending, and the baskets of each.
    fn often(&self, least: u32) -> impl Iterator<Item = (CountedItem, &[u32])> {
        let items = self.ids.iter().zip(self.items.parts(&self.holders));
        let counted = items.map(|(&id, holders)| (CountedItem { id, count: count_of(holders) }, holders));
        counted.filter(move |(item, _)| item.count >= least)
    }

    /// The items that at least so many baskets hold, and what each basket holds of them.
    pub(super) fn pairs(&self, least: u32) -> Pairs<'_> {
        let items: Vec<_> = self.often(least).collect();
        let rows = || {
            (0_u32..).zip(&items).flat_map(|(place, (_, held))| held.iter().map(move |&held| (held, place)))
        };
        let baskets = Groups::of(self.baskets as usize, rows().map(|row| row.0));
        let held = baskets.gather(rows());
        Pairs { least, items, baskets, held }
    }

    /// Every set of items that lies in at least so many baskets, with how many.
    pub(super) fn frequent(
        &self,
        least: u32,
        longest: usize,
    ) -> Result<BTreeMap<Vec<u32>, u32>, OutreachError> {
        let words = (self.baskets as usize).div_ceil(64);
        let level = self.often(least).map(|(item, holders)| {
            let mut bits = vec![0_u64; words];
            for &basket in holders {
                if let Some(word) = bits.get_mut(basket as usize / 64) {
                    *word |= 1 << (basket % 64);
                }
            }
            (item.id, item.count, bits)
        });
        let mut found = BTreeMap::new();
        if longest > 0 {
            extend(&level.collect::<Vec<_>>(), &mut Vec::new(), least, longest, &mut found)?;
        }
        Ok(found)
    }
}

/// The items that are held often enough, and by which baskets, from both sides.
pub(super) struct Pairs<'i> {
    least: u32,
    items: Vec<(CountedItem, &'i [u32])>,
    /// The places of the items in each basket, ascending.
    baskets: Groups,
    held: Vec<u32>,
}

impl Pairs<'_> {
    /// Visits every two items that lie together often enough, the smaller first, and in how many baskets they do.
    pub(super) fn each(&self, mut visit: impl FnMut(CountedItem, CountedItem, u32)) {
        // What each basket holds beyond the items that were visited.
        let mut beyond: Vec<&[u32]> = self.baskets.parts(&self.held).collect();
        let mut together = vec![0_u32; self.items.len()];
        for (place, &(one, holders)) in self.items.iter().enumerate() {
            for &basket in holders {
                let Some(beyond) = beyond.get_mut(basket as usize) else { continue };
                *beyond = beyond.split_first().map_or(&[], |(_, beyond)| beyond);
                for &other in *beyond {
                    if let Some(count) = together.get_mut(other as usize) {
                        // There are fewer than 2^31 baskets.
                        *count = count.wrapping_add(1);
                    }
                }
            }
            for (count, &(other, _)) in together.iter_mut().zip(&self.items).skip(place + 1) {
                if *count >= self.least {
                    visit(one, other, *count);
                }
                *count = 0;
            }
        }
    }
}

fn count_of(rows: &[u32]) -> u32 {
    u32::try_from(rows.len()).unwrap_or(u32::MAX)
}

/// Adds each item of a level to the items before it, and goes on with those that are still frequent together.
fn extend(
    level: &[(u32, u32, Vec<u64>)],
    before: &mut Vec<u32>,
    least: u32,
    longest: usize,
    found: &mut BTreeMap<Vec<u32>, u32>,
) -> Result<(), OutreachError> {
    let mut rest = level;
    while let Some(((item, count, bits), later)) = rest.split_first() {
        rest = later;
        before.push(*item);
        found.insert(before.clone(), *count);
        if found.len() > MOST_ITEMSETS {
            return Err(OutreachError::TooMany { what: "frequent itemsets", limit: MOST_ITEMSETS });
        }
        if before.len() < longest {
            let mut next = Vec::new();
            for (other, _, others) in later {
                let count: u32 = bits.iter().zip(others).map(|(one, other)| (one & other).count_ones()).sum();
                if count >= least {
                    let both = bits.iter().zip(others).map(|(one, other)| one & other).collect();
                    next.push((*other, count, both));
                }
            }
            extend(&next, before, least, longest, found)?;
        }
        before.pop();
    }
    Ok(())
}
