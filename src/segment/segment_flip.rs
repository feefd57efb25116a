use super::{RfmBreaks, RfmRow, RfmScore, SegmentMap};
use serde::Serialize;

/// What would bring a customer into another segment: this many purchases today, for at least this much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SegmentFlip<S> {
    /// The segment the customer would be in.
    pub segment: S,
    /// The score they would have.
    pub score: RfmScore,
    /// How many purchases more.
    pub purchases: u32,
    /// How much all these must bring at least, in minor units; 0 where any amount will do.
    pub spend_minor: i64,
}

/// When a customer falls out of their segment unless they buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SegmentFall<S> {
    /// The segment the customer would be in.
    pub segment: S,
    /// The score they would have.
    pub score: RfmScore,
    /// In how many days from the day of the row; on the day before they are still in theirs.
    pub in_days: i32,
}

impl<S: Copy + PartialEq> SegmentMap<S> {
    /// What would move this customer: the least effort to each other segment that purchases made today lead to, the
    /// fewest purchases first, then the least money. Break points are held fixed.
    ///
    /// # Cost
    /// At most 25 scores.
    ///
    /// # Example
    /// ```
    /// use patronage::segment::{RfmBreaks, RfmRow, RfmSegment, SegmentMap};
    ///
    /// let breaks = RfmBreaks::new([30, 90, 180, 365], [1, 2, 4, 8], [50_00, 100_00, 250_00, 1000_00])?;
    /// let row = RfmRow::new(120, 2, 80_00)?;
    /// let map = SegmentMap::default();
    /// assert_eq!(map.segment(breaks.score(row)), RfmSegment::AboutToSleep);
    /// let flips = map.flips(&breaks, row);
    /// assert_eq!((flips[0].segment, flips[0].purchases), (RfmSegment::PotentialLoyalist, 1));
    /// assert_eq!((flips[1].segment, flips[1].purchases), (RfmSegment::Champions, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flips(&self, breaks: &RfmBreaks, row: RfmRow) -> Vec<SegmentFlip<S>> {
        let now = self.segment(breaks.score(row));
        // One purchase, or as many as exceed a cut; no money, or as much as exceeds a cut.
        let counts =
            breaks.purchases().map(|cut| cut.checked_sub(row.purchases()).and_then(|to| to.checked_add(1)));
        let mut counts: Vec<u32> = counts.into_iter().flatten().chain([1]).collect();
        counts.sort_unstable();
        counts.dedup();
        let spends = breaks
            .spend_minor()
            .map(|cut| cut.checked_sub(row.spend_minor()).and_then(|to| to.checked_add(1)));
        let mut spends: Vec<i64> =
            spends.into_iter().flatten().filter(|&spend| spend > 0).chain([0]).collect();
        spends.sort_unstable();
        spends.dedup();
        let mut flips: Vec<SegmentFlip<S>> = Vec::new();
        for &purchases in &counts {
            let Some(count) = row.purchases().checked_add(purchases) else { continue };
            for &spend_minor in &spends {
                let Some(spend) = row.spend_minor().checked_add(spend_minor) else { continue };
                let score = breaks.score(RfmRow::checked(0, count, spend));
                let segment = self.segment(score);
                if segment != now && flips.iter().all(|flip| flip.segment != segment) {
                    flips.push(SegmentFlip { segment, score, purchases, spend_minor });
                }
            }
        }
        flips
    }

    /// When this customer falls into another segment by doing nothing; `None` where they never do. Break points are held
    /// fixed.
    ///
    /// # Example
    /// ```
    /// use patronage::segment::{RfmBreaks, RfmRow, RfmSegment, SegmentMap};
    ///
    /// let breaks = RfmBreaks::new([30, 90, 180, 365], [1, 2, 4, 8], [50_00, 100_00, 250_00, 1000_00])?;
    /// let fall = SegmentMap::default().fall(&breaks, RfmRow::new(120, 9, 2000_00)?);
    /// assert_eq!(fall.map(|fall| (fall.segment, fall.in_days)), Some((RfmSegment::CantLose, 61)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fall(&self, breaks: &RfmBreaks, row: RfmRow) -> Option<SegmentFall<S>> {
        let now = self.segment(breaks.score(row));
        breaks.recency_days().into_iter().filter(|&cut| cut >= row.recency_days()).find_map(|cut| {
            let day = cut.checked_add(1)?;
            let score = breaks.score(RfmRow::checked(day, row.purchases(), row.spend_minor()));
            let segment = self.segment(score);
            (segment != now).then_some(SegmentFall { segment, score, in_days: day - row.recency_days() })
        })
    }
}
