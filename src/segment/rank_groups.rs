use super::{RfmColumns, RfmError, RfmScoreColumns};
use serde::{Deserialize, Serialize};

/// Five groups of equal size by rank, with customers who are equal kept in the order of a key that the caller names.
///
/// Use it to agree with reports of others. Equal groups have a price: customers with the same number of purchases get
/// different scores, and which of them gets which is decided by the key alone. With the row number as key the answer
/// changes when the file is sorted differently; with a customer number it does not. [`RfmBreaks`](super::RfmBreaks) keeps
/// equal customers together.
///
/// # Formula
/// ```text
/// rank = 1..n by (value, key)
/// Quantile:  group = 1 + number of (1 + (n - 1) k / 5) < rank,  k = 1..4      `rank(method="first")` and `qcut` of pandas
/// Ntile:     the first n mod 5 groups hold one customer more                  SQL `NTILE(5)`
/// frequency, monetary = group        recency = 6 - group
/// ```
///
/// # Example
/// ```
/// use patronage::segment::{RankGroups, RfmColumns, RfmScoreColumns};
///
/// let columns = RfmColumns::new(&[1, 2, 3, 4, 5], &[1; 5], &[10, 20, 30, 40, 50])?;
/// let mut scores = RfmScoreColumns::default();
/// RankGroups::Quantile.score_into(columns, &[17, 4, 9, 1, 30], &mut scores)?;
/// // All bought once; the smallest customer number gets the lowest score.
/// assert_eq!(scores.frequency(), [4, 2, 3, 1, 5]);
/// assert_eq!(scores.monetary(), [1, 2, 3, 4, 5]);
/// # Ok::<(), patronage::segment::RfmError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankGroups {
    /// Quantiles of the ranks.
    Quantile,
    /// As SQL `NTILE(5)`.
    Ntile,
}

impl RankGroups {
    /// Scores columns into columns; what `out` held before is overwritten.
    ///
    /// # Arguments
    /// `tie_key`: one key a customer, all different, for example a customer number.
    ///
    /// # Errors
    /// [`RfmError::ColumnLength`] when there are more or fewer keys than customers, [`RfmError::EqualTieKeys`] when two
    /// customers have one key and the order between them would be that of the file.
    ///
    /// # Cost
    /// Four sorts, O(n log n); three scores and one number a row.
    pub fn score_into<K: Ord>(
        self,
        columns: RfmColumns<'_>,
        tie_key: &[K],
        out: &mut RfmScoreColumns,
    ) -> Result<(), RfmError> {
        let (expected, found) = (columns.len(), tie_key.len());
        if expected != found {
            return Err(RfmError::ColumnLength { column: "tie_key", expected, found });
        }
        let mut keyed: Vec<(&K, usize)> = tie_key.iter().zip(0..).collect();
        keyed.sort_unstable();
        if let Some(((_, first), (_, second))) =
            keyed.iter().zip(keyed.iter().skip(1)).find(|((a, _), (b, _))| a == b)
        {
            return Err(RfmError::EqualTieKeys { first: *first, second: *second });
        }
        let by_key: Vec<usize> = keyed.into_iter().map(|(_, row)| row).collect();
        let recency = self.groups(columns.recency_days().iter().copied(), &by_key);
        let frequency = self.groups(columns.purchases().iter().copied(), &by_key);
        let monetary = self.groups(columns.spend_minor().iter().copied(), &by_key);
        out.refill(recency.into_iter().map(|group| 6 - group), frequency.into_iter(), monetary.into_iter());
        Ok(())
    }

    /// The group of each row, from 1 to 5; `by_key` holds the rows in the order of their keys.
    fn groups<T: Copy + Ord>(self, values: impl Iterator<Item = T>, by_key: &[usize]) -> Vec<u8> {
        let values: Vec<T> = values.collect();
        let mut order: Vec<(T, usize)> =
            by_key.iter().filter_map(|&row| Some((*values.get(row)?, row))).collect();
        // Stable: equal values stay in the order of their keys.
        order.sort_by_key(|&(value, _)| value);
        let mut groups = vec![1; values.len()];
        for (place, (_, row)) in order.into_iter().enumerate() {
            if let Some(group) = groups.get_mut(row) {
                *group = self.group(place, values.len());
            }
        }
        groups
    }

    fn group(self, place: usize, rows: usize) -> u8 {
        let wide = |count| u128::try_from(count).unwrap_or(0);
        let (place, rows) = (wide(place), wide(rows));
        let group = match self {
            // A rank lies above a cut when 5 (rank - 1) > (n - 1) k.
            Self::Quantile => (1..5).filter(|k| 5 * place > rows.saturating_sub(1) * k).count(),
            Self::Ntile => (1..5).filter(|k| place >= rows / 5 * k + (rows % 5).min(*k)).count(),
        };
        1 + u8::try_from(group).unwrap_or(4)
    }
}
