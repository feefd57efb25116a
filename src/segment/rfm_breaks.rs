use super::{RfmColumns, RfmError, RfmRow, RfmScore, RfmScoreColumns};
use crate::numeric::quantile;
use serde::{Deserialize, Serialize};

const CUTS: usize = 4;

/// The cuts of one place: recency, frequency, spend.
type Cut = [i64; 3];

/// The twelve break points that divide customers into five groups by recency, by frequency and by spend.
///
/// Customers with equal values always get equal scores: a value belongs to the group above a cut only when it is
/// larger than the cut. Groups may therefore differ in size; where 70 % bought once, frequency 2 and 3 may be empty.
/// Scores depend neither on the order of the customers nor on the unit of the money.
///
/// # Formula
/// ```text
/// frequency, monetary = 1 + number of cuts < x        recency = 5 - number of cuts < x
/// cuts of from_columns = quantiles of type 7 at 20, 40, 60 and 80 %, rounded down
/// ```
/// Rounding down loses nothing: a whole number is larger than a quantile just when it is larger than its whole part.
///
/// Compared with others: the R package `rfm` adds 1 to each quantile, which changes scores with the unit of money;
/// `qcut` over ranks and SQL `NTILE` give equal groups by splitting equal customers by their place in the file. Both
/// rules are here for comparison: [`as_in_r`](RfmBreaks::as_in_r) and [`RankGroups`](super::RankGroups);
/// [`NestedRfmBreaks`](super::NestedRfmBreaks) divides frequency within recency, and spend within both.
///
/// # Example
/// ```
/// use patronage::segment::{RfmBreaks, RfmRow};
///
/// // Fixed break points, for example those of last year, so that scores can be compared.
/// let breaks = RfmBreaks::new([30, 90, 180, 365], [1, 2, 4, 8], [50_00, 100_00, 250_00, 1000_00])?;
/// assert_eq!(breaks.score(RfmRow::new(31, 5, 50_00)?).to_string(), "441");
/// assert!(RfmBreaks::new([90, 30, 180, 365], [1, 2, 4, 8], [50_00; 4]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: R. Blattberg, B. Kim, S. Neslin, "Database Marketing" (2008), chapter 12; R. J. Hyndman, Y. Fan, "Sample
/// quantiles in statistical packages", The American Statistician 50 (1996).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct RfmBreaks {
    recency_days: [i32; CUTS],
    purchases: [u32; CUTS],
    spend_minor: [i64; CUTS],
}

#[derive(Deserialize)]
struct Fields {
    recency_days: [i32; CUTS],
    purchases: [u32; CUTS],
    spend_minor: [i64; CUTS],
}

impl TryFrom<Fields> for RfmBreaks {
    type Error = RfmError;

    fn try_from(fields: Fields) -> Result<Self, RfmError> {
        Self::new(fields.recency_days, fields.purchases, fields.spend_minor)
    }
}

impl RfmBreaks {
    /// Takes fixed break points, each axis ascending; equal neighbours leave a group empty.
    ///
    /// # Errors
    /// [`RfmError::BreaksDescend`] when one is below its predecessor.
    pub fn new(
        recency_days: [i32; CUTS],
        purchases: [u32; CUTS],
        spend_minor: [i64; CUTS],
    ) -> Result<Self, RfmError> {
        ascending("recency_days", &recency_days)?;
        ascending("purchases", &purchases)?;
        ascending("spend_minor", &spend_minor)?;
        Ok(Self { recency_days, purchases, spend_minor })
    }

    /// Finds where to divide these customers into fifths, on each axis by itself.
    ///
    /// Where all customers are equal on an axis, nobody exceeds a cut: all get recency 5, frequency 1, monetary 1.
    ///
    /// # Errors
    /// [`RfmError::TooFew`] without any customer.
    ///
    /// # Cost
    /// O(rows) by counting or selection, never a sort. `scratch` is overwritten and grows to at most one number a row
    /// (or 65,536); keep it between calls and nothing is allocated.
    ///
    /// # Example
    /// ```
    /// use patronage::segment::{RfmBreaks, RfmColumns};
    ///
    /// let spend = [2_00, 4_00, 8_00, 16_00, 32_00, 64_00];
    /// let columns = RfmColumns::new(&[5; 6], &[1; 6], &spend)?;
    /// let breaks = RfmBreaks::from_columns(columns, &mut Vec::new())?;
    /// assert_eq!(breaks.spend_minor(), [4_00, 8_00, 16_00, 32_00]);
    /// # Ok::<(), patronage::segment::RfmError>(())
    /// ```
    pub fn from_columns(columns: RfmColumns<'_>, scratch: &mut Vec<i64>) -> Result<Self, RfmError> {
        Self::find(
            columns.recency_days().iter().map(|&days| i64::from(days)),
            columns.purchases().iter().map(|&purchases| i64::from(purchases)),
            columns.spend_minor().iter().copied(),
            scratch,
        )
        .map(Self::fitting)
    }

    /// Finds the same break points from rows; see [`from_columns`](Self::from_columns).
    ///
    /// # Errors
    /// [`RfmError::TooFew`] without any customer.
    pub fn from_rows(rows: &[RfmRow], scratch: &mut Vec<i64>) -> Result<Self, RfmError> {
        Self::find(
            rows.iter().map(|row| i64::from(row.recency_days())),
            rows.iter().map(|row| i64::from(row.purchases())),
            rows.iter().map(|row| row.spend_minor()),
            scratch,
        )
        .map(Self::fitting)
    }

    /// Finds the break points of the R package `rfm`, to agree with reports made by it; not recommended otherwise.
    ///
    /// That rule adds one unit to each quantile and counts a value that reaches the sum to the group above. Days and
    /// purchases come in whole units, so little changes; with money it depends on the unit, and so do the scores.
    ///
    /// # Arguments
    /// `one`: how many minor units the package takes as 1: 100 where it was given amounts in euro, 1 where in cents.
    ///
    /// # Formula
    /// ```text
    /// frequency, monetary = 1 + number of (quantile + 1) <= x        recency = 5 - number of (quantile + 1) <= x
    /// ```
    /// Kept as the largest whole number below each sum, so that a value above it is one that reaches the sum.
    ///
    /// # Errors
    /// [`RfmError::TooFew`] without any customer.
    ///
    /// # Cost
    /// As [`from_columns`](Self::from_columns).
    ///
    /// # Example
    /// ```
    /// use patronage::segment::{RfmBreaks, RfmColumns};
    ///
    /// let columns = RfmColumns::new(&[5; 6], &[1; 6], &[2_00, 4_00, 8_00, 16_00, 32_00, 64_00])?;
    /// let breaks = RfmBreaks::as_in_r(columns, 100, &mut Vec::new())?;
    /// assert_eq!(breaks.spend_minor(), [4_99, 8_99, 16_99, 32_99]); // the package shows 5, 9, 17 and 33
    /// # Ok::<(), patronage::segment::RfmError>(())
    /// ```
    ///
    /// Source: the cut points that `rfm` 0.3.0 prints for its own data, which a test compares.
    pub fn as_in_r(columns: RfmColumns<'_>, one: u32, scratch: &mut Vec<i64>) -> Result<Self, RfmError> {
        // Quantiles of the negated numbers, backwards, are the quantiles rounded up.
        let negated = Self::find(
            columns.recency_days().iter().map(|&days| -i64::from(days)),
            columns.purchases().iter().map(|&purchases| -i64::from(purchases)),
            columns.spend_minor().iter().map(|&spend| spend.saturating_neg()),
            scratch,
        )?;
        let [a, b, c, d] = negated;
        let up = |[r, f, m]: Cut, one: i64| {
            let whole = |cut: i64, one: i64| cut.saturating_neg().saturating_add(one - 1);
            [whole(r, 1), whole(f, 1), whole(m, one)]
        };
        Ok(Self::fitting([d, c, b, a].map(|cut| up(cut, i64::from(one)))))
    }

    fn find(
        recency_days: impl ExactSizeIterator<Item = i64> + Clone,
        purchases: impl ExactSizeIterator<Item = i64> + Clone,
        spend_minor: impl ExactSizeIterator<Item = i64> + Clone,
        scratch: &mut Vec<i64>,
    ) -> Result<[Cut; CUTS], RfmError> {
        let few = RfmError::TooFew { need: 1, have: recency_days.len() };
        let [ra, rb, rc, rd] = quantile::cuts(recency_days, scratch).ok_or(few)?;
        let [fa, fb, fc, fd] = quantile::cuts(purchases, scratch).ok_or(few)?;
        let [ma, mb, mc, md] = quantile::cuts(spend_minor, scratch).ok_or(few)?;
        Ok([[ra, fa, ma], [rb, fb, mb], [rc, fc, mc], [rd, fd, md]])
    }

    /// Cuts that lie between the least and the largest value, and so fit into their type; others are clamped.
    fn fitting(cuts: [Cut; CUTS]) -> Self {
        Self {
            recency_days: cuts.map(|[cut, ..]| i32::try_from(cut).unwrap_or(i32::MAX)),
            purchases: cuts.map(|[_, cut, _]| u32::try_from(cut).unwrap_or(u32::MAX)),
            spend_minor: cuts.map(|[.., cut]| cut),
        }
    }

    /// The cuts of recency, in days.
    pub const fn recency_days(&self) -> [i32; CUTS] {
        self.recency_days
    }

    /// The cuts of frequency, in purchases.
    pub const fn purchases(&self) -> [u32; CUTS] {
        self.purchases
    }

    /// The cuts of spend, in minor units.
    pub const fn spend_minor(&self) -> [i64; CUTS] {
        self.spend_minor
    }

    /// Says how recent, frequent and valuable one customer is among the others, each from 1 to 5.
    ///
    /// # Cost
    /// Twelve comparisons without a branch.
    #[inline]
    #[must_use]
    pub fn score(&self, row: RfmRow) -> RfmScore {
        RfmScore::checked(
            5 - above(&self.recency_days, row.recency_days()),
            1 + above(&self.purchases, row.purchases()),
            1 + above(&self.spend_minor, row.spend_minor()),
        )
    }

    /// Scores rows one after the other, lazily.
    ///
    /// # Example
    /// ```
    /// use patronage::segment::{RfmBreaks, RfmRow};
    ///
    /// let breaks = RfmBreaks::new([30, 90, 180, 365], [1, 2, 4, 8], [50_00, 100_00, 250_00, 1000_00])?;
    /// let rows = [RfmRow::new(0, 9, 2000_00)?, RfmRow::new(400, 1, 10_00)?];
    /// let scores: Vec<_> = breaks.score_all(rows).map(|score| score.to_string()).collect();
    /// assert_eq!(scores, ["555", "111"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn score_all<I: IntoIterator<Item = RfmRow>>(
        &self,
        rows: I,
    ) -> impl Iterator<Item = RfmScore> + use<I> {
        let breaks = *self;
        rows.into_iter().map(move |row| breaks.score(row))
    }

    /// Scores columns into columns; what `out` held before is overwritten.
    ///
    /// # Cost
    /// Nothing is allocated for a row; and nothing at all when `out` has been used for as many rows before.
    ///
    /// # Example
    /// ```
    /// use patronage::segment::{RfmBreaks, RfmColumns, RfmScoreColumns};
    ///
    /// let breaks = RfmBreaks::new([30, 90, 180, 365], [1, 2, 4, 8], [50_00, 100_00, 250_00, 1000_00])?;
    /// let mut scores = RfmScoreColumns::default();
    /// breaks.score_into(RfmColumns::new(&[0, 100], &[9, 1], &[2000_00, 60_00])?, &mut scores);
    /// assert_eq!(scores.recency(), [5, 3]);
    /// assert_eq!(scores.frequency(), [5, 1]);
    /// assert_eq!(scores.monetary(), [5, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn score_into(&self, columns: RfmColumns<'_>, out: &mut RfmScoreColumns) {
        out.refill(
            columns.recency_days().iter().map(|&days| 5 - above(&self.recency_days, days)),
            columns.purchases().iter().map(|&purchases| 1 + above(&self.purchases, purchases)),
            columns.spend_minor().iter().map(|&spend| 1 + above(&self.spend_minor, spend)),
        );
    }
}

/// How many cuts a value exceeds, from 0 to 4, without a branch.
#[inline]
pub(super) fn above<T: Copy + PartialOrd>(cuts: &[T; CUTS], value: T) -> u8 {
    let [a, b, c, d] = *cuts;
    u8::from(value > a) + u8::from(value > b) + u8::from(value > c) + u8::from(value > d)
}

pub(super) fn ascending<T: PartialOrd>(column: &'static str, cuts: &[T; CUTS]) -> Result<(), RfmError> {
    match cuts.iter().zip(cuts.iter().skip(1)).position(|(before, after)| after < before) {
        Some(before) => Err(RfmError::BreaksDescend { column, place: before + 2 }),
        None => Ok(()),
    }
}
