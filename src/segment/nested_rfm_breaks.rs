use super::rfm_breaks::above;
use super::{RfmColumns, RfmError, RfmRow, RfmScore, RfmScoreColumns};
use crate::numeric::quantile;
use serde::{Deserialize, Serialize};

const CUTS: usize = 4;
const GROUPS: usize = 5;

/// Break points of nested groups: customers divided by recency, each fifth by frequency, each of those by spend.
///
/// Groups are closer to equal in size than those of [`RfmBreaks`](super::RfmBreaks), which divides on each axis by itself.
/// But a frequency of 4 now means "often, for somebody with that recency": frequency and monetary scores are comparable
/// within a group only. Equal customers stay together here too.
///
/// # Formula
/// ```text
/// cuts of recency             quantiles of type 7 of all customers
/// cuts of frequency (R)       of the customers with recency score R
/// cuts of spend (R, F)        of the customers with scores R and F
/// ```
/// A group without customers takes the cuts of the group around it.
///
/// # Example
/// ```
/// use patronage::segment::{NestedRfmBreaks, RfmColumns, RfmRow};
///
/// // Ten recent customers who buy often, ten old ones who bought seldom.
/// let recency_days: Vec<i32> = (0..10).chain(300..310).collect();
/// let purchases: Vec<u32> = (11..21).chain(1..11).collect();
/// let columns = RfmColumns::new(&recency_days, &purchases, &[9_00; 20])?;
/// let breaks = NestedRfmBreaks::from_columns(columns)?;
/// // The most frequent of the oldest four: 8 to 10 purchases would be few among all, but here they are many.
/// assert_eq!(breaks.score(RfmRow::new(309, 10, 9_00)?).to_string(), "151");
/// assert_eq!(breaks.recency_days(), [3, 7, 301, 305]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: the method "nested" of RFM analysis in SPSS Direct Marketing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct NestedRfmBreaks {
    recency_days: [i32; CUTS],
    purchases: [[u32; CUTS]; GROUPS],
    spend_minor: [[[i64; CUTS]; GROUPS]; GROUPS],
}

#[derive(Deserialize)]
struct Fields {
    recency_days: [i32; CUTS],
    purchases: [[u32; CUTS]; GROUPS],
    spend_minor: [[[i64; CUTS]; GROUPS]; GROUPS],
}

impl TryFrom<Fields> for NestedRfmBreaks {
    type Error = RfmError;

    fn try_from(fields: Fields) -> Result<Self, RfmError> {
        let Fields { recency_days, purchases, spend_minor } = fields;
        let spends = spend_minor.iter().flatten();
        super::rfm_breaks::ascending("recency_days", &recency_days)?;
        purchases.iter().try_for_each(|cuts| super::rfm_breaks::ascending("purchases", cuts))?;
        spends.into_iter().try_for_each(|cuts| super::rfm_breaks::ascending("spend_minor", cuts))?;
        Ok(Self { recency_days, purchases, spend_minor })
    }
}

impl NestedRfmBreaks {
    /// Finds where to divide these customers.
    ///
    /// # Errors
    /// [`RfmError::TooFew`] without any customer.
    ///
    /// # Cost
    /// O(rows) by counting or selection, on three levels; 16 bytes a row.
    pub fn from_columns(columns: RfmColumns<'_>) -> Result<Self, RfmError> {
        let mut scratch = Vec::new();
        let few = RfmError::TooFew { need: 1, have: columns.len() };
        let days = columns.recency_days().iter().map(|&days| i64::from(days));
        let cuts = quantile::cuts(days, &mut scratch).ok_or(few)?;
        let recency_days = cuts.map(|cut| i32::try_from(cut).unwrap_or(i32::MAX));

        let rows: Vec<RfmRow> = columns.rows().collect();
        let of_all = frequency_cuts(&rows, &mut scratch).ok_or(few)?;
        let spend_of_all = spend_cuts(&rows, &mut scratch).ok_or(few)?;
        let mut breaks =
            Self { recency_days, purchases: [of_all; GROUPS], spend_minor: [[spend_of_all; GROUPS]; GROUPS] };
        let mut by_recency: [Vec<RfmRow>; GROUPS] = Default::default();
        for row in rows {
            if let Some(group) = by_recency.get_mut(usize::from(breaks.recency(row) - 1)) {
                group.push(row);
            }
        }
        for ((group, purchases), spends) in
            by_recency.into_iter().zip(&mut breaks.purchases).zip(&mut breaks.spend_minor)
        {
            *purchases = frequency_cuts(&group, &mut scratch).unwrap_or(*purchases);
            let around = spend_cuts(&group, &mut scratch);
            let mut by_frequency: [Vec<RfmRow>; GROUPS] = Default::default();
            for row in group {
                if let Some(part) = by_frequency.get_mut(usize::from(above(purchases, row.purchases()))) {
                    part.push(row);
                }
            }
            for (part, cuts) in by_frequency.iter().zip(spends) {
                *cuts = spend_cuts(part, &mut scratch).or(around).unwrap_or(*cuts);
            }
        }
        Ok(breaks)
    }

    /// The cuts of recency, in days.
    pub const fn recency_days(&self) -> [i32; CUTS] {
        self.recency_days
    }

    /// The cuts of frequency, in purchases: those of recency score 1 first.
    pub const fn purchases(&self) -> [[u32; CUTS]; GROUPS] {
        self.purchases
    }

    /// The cuts of spend, in minor units: by recency score, then by frequency score.
    pub const fn spend_minor(&self) -> [[[i64; CUTS]; GROUPS]; GROUPS] {
        self.spend_minor
    }

    fn recency(&self, row: RfmRow) -> u8 {
        5 - above(&self.recency_days, row.recency_days())
    }

    /// Scores one customer within the groups.
    #[must_use]
    pub fn score(&self, row: RfmRow) -> RfmScore {
        let recency = self.recency(row);
        let group = usize::from(recency - 1);
        let frequency =
            self.purchases.get(group).map_or(1, |purchases| 1 + above(purchases, row.purchases()));
        let spends = self.spend_minor.get(group).and_then(|spends| spends.get(usize::from(frequency - 1)));
        let monetary = spends.map_or(1, |spends| 1 + above(spends, row.spend_minor()));
        RfmScore::checked(recency, frequency, monetary)
    }

    /// Scores rows one after the other, lazily.
    pub fn score_all<I: IntoIterator<Item = RfmRow>>(
        &self,
        rows: I,
    ) -> impl Iterator<Item = RfmScore> + use<'_, I> {
        rows.into_iter().map(|row| self.score(row))
    }

    /// Scores columns into columns; what `out` held before is overwritten.
    pub fn score_into(&self, columns: RfmColumns<'_>, out: &mut RfmScoreColumns) {
        out.refill(
            columns.rows().map(|row| self.recency(row)),
            columns.rows().map(|row| self.score(row).frequency()),
            columns.rows().map(|row| self.score(row).monetary()),
        );
    }
}

fn frequency_cuts(rows: &[RfmRow], scratch: &mut Vec<i64>) -> Option<[u32; CUTS]> {
    let cuts = quantile::cuts(rows.iter().map(|row| i64::from(row.purchases())), scratch)?;
    Some(cuts.map(|cut| u32::try_from(cut).unwrap_or(u32::MAX)))
}

fn spend_cuts(rows: &[RfmRow], scratch: &mut Vec<i64>) -> Option<[i64; CUTS]> {
    quantile::cuts(rows.iter().map(|row| row.spend_minor()), scratch)
}
