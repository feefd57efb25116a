use super::OutreachError;
use crate::numeric::split_mix::SplitMix;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The most rows that are numbered.
const LIMIT: usize = 1 << 31;

/// What was bought together: which items each basket holds, each once. A basket is an invoice, a visit, or all that one
/// customer ever bought; baskets and items are numbers of your own.
///
/// Baskets are a set: rows in another order or given twice make the same, and [`merge`](Self::merge) joins sets, so that
/// they are collected per thread and per shard.
///
/// # Example
/// ```
/// use patronage::outreach::Baskets;
///
/// // Basket 1 holds the items 7 and 9, basket 2 the item 7.
/// let baskets = Baskets::from_columns(&[1, 1, 2, 1], &[7, 9, 7, 7])?;
/// assert_eq!((baskets.len(), baskets.rows(), baskets.count(7)), (2, 3, 2));
/// # Ok::<(), patronage::outreach::OutreachError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u32, u32)>", into = "Vec<(u32, u32)>")]
pub struct Baskets {
    /// Basket and item, ascending, each pair once.
    rows: Vec<(u32, u32)>,
}

impl TryFrom<Vec<(u32, u32)>> for Baskets {
    type Error = OutreachError;

    /// Baskets of rows in any order: the basket and the item of each.
    fn try_from(mut rows: Vec<(u32, u32)>) -> Result<Self, OutreachError> {
        rows.sort_unstable_by_key(|&row| code(row));
        rows.dedup();
        Self { rows }.checked()
    }
}

impl From<Baskets> for Vec<(u32, u32)> {
    fn from(baskets: Baskets) -> Self {
        baskets.rows
    }
}

impl Baskets {
    /// Baskets of rows in any order: the basket and the item of each.
    ///
    /// # Errors
    /// [`OutreachError::ColumnLength`], or [`OutreachError::TooMany`] from 2³¹ rows on.
    ///
    /// # Cost
    /// O(rows × log rows), 8 bytes a row.
    pub fn from_columns(baskets: &[u32], items: &[u32]) -> Result<Self, OutreachError> {
        if baskets.len() != items.len() {
            let (expected, found) = (baskets.len(), items.len());
            return Err(OutreachError::ColumnLength { column: "items", expected, found });
        }
        let mut made = Self { rows: baskets.iter().copied().zip(items.iter().copied()).collect() };
        if baskets.is_sorted() {
            // As a till writes them.
            made.rows.chunk_by_mut(|one, other| one.0 == other.0).for_each(<[_]>::sort_unstable);
        } else {
            made.rows.sort_unstable_by_key(|&row| code(row));
        }
        made.rows.dedup();
        made.checked()
    }

    fn checked(self) -> Result<Self, OutreachError> {
        if self.rows.len() < LIMIT {
            Ok(self)
        } else {
            Err(OutreachError::TooMany { what: "rows of baskets", limit: LIMIT })
        }
    }

    /// Adds an item to a basket; nothing changes where it is there already.
    ///
    /// # Errors
    /// [`OutreachError::TooMany`] from 2³¹ rows on; nothing is changed then.
    ///
    /// # Cost
    /// O(1) where baskets and their items come in ascending order, otherwise O(rows): make baskets of the rows of an hour
    /// and [`merge`](Self::merge) those.
    pub fn push(&mut self, basket: u32, item: u32) -> Result<(), OutreachError> {
        let row = (basket, item);
        let place = match self.rows.last() {
            Some(&last) if row <= last => self.rows.binary_search(&row),
            _ => Err(self.rows.len()),
        };
        if let Err(place) = place {
            if self.rows.len() + 1 >= LIMIT {
                return Err(OutreachError::TooMany { what: "rows of baskets", limit: LIMIT });
            }
            self.rows.insert(place, row);
        }
        Ok(())
    }

    /// Adds other baskets; those of the same number are one basket.
    ///
    /// # Errors
    /// [`OutreachError::TooMany`] from 2³¹ rows on; nothing is changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), OutreachError> {
        let mut rows = Vec::with_capacity(self.rows.len() + other.rows.len());
        rows.extend_from_slice(&self.rows);
        rows.extend_from_slice(&other.rows);
        rows.sort_unstable_by_key(|&row| code(row));
        rows.dedup();
        *self = Self { rows }.checked()?;
        Ok(())
    }

    /// How many baskets hold something.
    pub fn len(&self) -> u32 {
        u32::try_from(self.rows.chunk_by(|one, other| one.0 == other.0).count()).unwrap_or(u32::MAX)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many items lie in baskets.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// How many baskets hold an item.
    pub fn count(&self, item: u32) -> u32 {
        u32::try_from(self.rows.iter().filter(|row| row.1 == item).count()).unwrap_or(u32::MAX)
    }

    /// Baskets as large as these with items as frequent as these, and no other connection between them: what rules look
    /// like where nothing goes together. The same seed gives the same baskets on every platform.
    ///
    /// # Arguments
    /// `swaps`: how many exchanges of two items between two baskets are tried for each row; 10 are ample.
    ///
    /// # Cost
    /// O(rows × swaps).
    ///
    /// # Example
    /// ```
    /// use patronage::outreach::Baskets;
    ///
    /// let baskets = Baskets::from_columns(&[1, 1, 2, 2, 3, 3], &[7, 9, 7, 9, 1, 2])?;
    /// let random = baskets.randomised(10, 42);
    /// assert_eq!((random.rows(), random.count(7), random.count(1)), (6, 2, 1));
    /// # Ok::<(), patronage::outreach::OutreachError>(())
    /// ```
    ///
    /// Source: A. Gionis, H. Mannila, T. Mielikäinen, P. Tsaparas, "Assessing data mining results via swap randomization",
    /// ACM TKDD 1 (2007).
    #[must_use]
    pub fn randomised(&self, swaps: u32, seed: u64) -> Self {
        let mut rows = self.rows.clone();
        // Only asked whether it holds a row, never walked through, so its order does not matter.
        let mut held: HashSet<(u32, u32)> = rows.iter().copied().collect();
        let mut random = SplitMix::new(seed);
        let all = rows.len() as u64;
        let mut pick = || usize::try_from(random.below(all)).unwrap_or(0);
        for _ in 0..all.saturating_mul(swaps.into()) {
            let (first, second) = (pick(), pick());
            let (Some(&one), Some(&other)) = (rows.get(first), rows.get(second)) else { break };
            let (one_new, other_new) = ((one.0, other.1), (other.0, one.1));
            if held.contains(&one_new) || held.contains(&other_new) {
                continue;
            }
            held.remove(&one);
            held.remove(&other);
            held.insert(one_new);
            held.insert(other_new);
            if let Some(row) = rows.get_mut(first) {
                *row = one_new;
            }
            if let Some(row) = rows.get_mut(second) {
                *row = other_new;
            }
        }
        rows.sort_unstable_by_key(|&row| code(row));
        Self { rows }
    }

    /// The rows of each basket: its number and its items, ascending.
    pub(super) fn baskets(&self) -> impl Iterator<Item = &[(u32, u32)]> {
        self.rows.chunk_by(|one, other| one.0 == other.0)
    }

    /// The items that lie in any basket, in the order of the rows.
    pub(super) fn items(&self) -> impl Iterator<Item = u32> {
        self.rows.iter().map(|row| row.1)
    }
}

/// One number that orders rows as the two do, and is quicker to compare.
const fn code((basket, item): (u32, u32)) -> u64 {
    (basket as u64) << 32 | item as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn merging_is_joining_sets(rows in prop::collection::vec((0_u32..9, 0_u32..9), 0..60), cut in 0_usize..60) {
            let of = |rows: &[(u32, u32)]| {
                let (baskets, items): (Vec<u32>, Vec<u32>) = rows.iter().copied().unzip();
                Baskets::from_columns(&baskets, &items).unwrap()
            };
            let (left, right) = rows.split_at(cut.min(rows.len()));
            let mut merged = of(right);
            merged.merge(&of(left)).unwrap();
            merged.merge(&of(left)).unwrap();
            prop_assert_eq!(&merged, &of(&rows));
            let mut pushed = Baskets::default();
            for &(basket, item) in &rows {
                pushed.push(basket, item).unwrap();
            }
            prop_assert_eq!(&pushed, &merged);
            let json = serde_json::to_string(&merged).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Baskets>(&json).unwrap(), &merged);
            let mut sorted = rows.clone();
            sorted.sort_unstable_by_key(|row| row.0);
            prop_assert_eq!(&of(&sorted), &merged);
            // Randomised baskets have the margins of the true ones.
            let random = merged.randomised(5, 7);
            for number in 0..9 {
                prop_assert_eq!(random.count(number), merged.count(number));
                let size = |of: &Baskets| of.rows.iter().filter(|row| row.0 == number).count();
                prop_assert_eq!(size(&random), size(&merged));
            }
        }
    }

    #[test]
    fn columns_must_be_of_one_length() {
        let error = Baskets::from_columns(&[1], &[]).unwrap_err();
        assert_eq!(error, OutreachError::ColumnLength { column: "items", expected: 1, found: 0 });
    }
}
