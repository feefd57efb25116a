use super::{RfmBreaks, RfmError, RfmRow, SegmentMap};
use crate::measure::Share;
use crate::numeric::split_mix::SplitMix;
use serde::Serialize;

/// How sure the segment of each customer is, given that other customers would have given other break points.
///
/// Break points are found again from customers drawn anew, with replacement, and everyone is scored by them: how often
/// they keep their segment is how sure it is. Equal seeds give equal answers on every platform.
///
/// # Example
/// ```
/// use patronage::segment::{RfmRow, SegmentMap, SegmentStability};
///
/// let rows = (0..100).map(|i| RfmRow::new(i * 4, 1 + i.unsigned_abs() % 7, 900 + 37 * i64::from(i)));
/// let rows = rows.collect::<Result<Vec<_>, _>>()?;
/// let stability = SegmentStability::bootstrap(&rows, &SegmentMap::default(), 200, 7)?;
/// assert_eq!(stability.kept().len(), 100);
/// assert!((0.02..0.25).contains(&stability.reassigned().get()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 6.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SegmentStability {
    draws: u32,
    kept: Vec<u32>,
}

impl SegmentStability {
    /// Draws the customers `draws` times.
    ///
    /// # Errors
    /// [`RfmError::TooFew`] without any customer or any draw.
    ///
    /// # Cost
    /// O(customers x draws); a row and a count for each customer.
    pub fn bootstrap<S: Copy + PartialEq>(
        rows: &[RfmRow],
        map: &SegmentMap<S>,
        draws: u32,
        seed: u64,
    ) -> Result<Self, RfmError> {
        let mut scratch = Vec::new();
        let breaks = RfmBreaks::from_rows(rows, &mut scratch)?;
        if draws == 0 {
            return Err(RfmError::TooFew { need: 1, have: 0 });
        }
        let own: Vec<S> = map.segment_all(breaks.score_all(rows.iter().copied())).collect();
        let mut kept = vec![0; rows.len()];
        let mut stream = SplitMix::new(seed);
        let mut sample = Vec::with_capacity(rows.len());
        let customers = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        for _ in 0..draws {
            sample.clear();
            for _ in rows {
                let row = usize::try_from(stream.below(customers)).ok().and_then(|row| rows.get(row));
                sample.extend(row.copied());
            }
            let breaks = RfmBreaks::from_rows(&sample, &mut scratch)?;
            let again = map.segment_all(breaks.score_all(rows.iter().copied()));
            for ((kept, own), again) in kept.iter_mut().zip(&own).zip(again) {
                *kept += u32::from(*own == again);
            }
        }
        Ok(Self { draws, kept })
    }

    /// How often each customer kept their segment, in the order of the rows.
    pub fn kept(&self) -> Vec<Share> {
        let share = |&kept| Share::of(u64::from(kept), u64::from(self.draws)).ok().flatten();
        self.kept.iter().filter_map(share).collect()
    }

    /// The share of customers who get another segment from other customers' break points, over all draws.
    pub fn reassigned(&self) -> Share {
        let kept: u64 = self.kept.iter().map(|&kept| u64::from(kept)).sum();
        let all = u64::from(self.draws).saturating_mul(u64::try_from(self.kept.len()).unwrap_or(u64::MAX));
        Share::of(all.saturating_sub(kept), all).ok().flatten().unwrap_or(Share::ZERO)
    }

    /// The share of customers who keep their segment in less than this share of the draws.
    pub fn unsure(&self, level: Share) -> Share {
        let kept = self.kept();
        let count = |count| u64::try_from(count).unwrap_or(u64::MAX);
        let unsure = count(kept.iter().filter(|&&share| share < level).count());
        Share::of(unsure, count(kept.len())).ok().flatten().unwrap_or(Share::ZERO)
    }
}
