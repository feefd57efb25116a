use crate::vocabulary::vocabulary;

vocabulary! {
    /// The eleven names that marketing gives to groups of customers by recency and frequency.
    ///
    /// Which scores belong to which name is the business of a [`SegmentMap`](super::SegmentMap); the remarks below are
    /// those of the default one (R and F are the scores, 5 is best).
    "rfm_segment" RfmSegment {
        /// Bought just now and often (R 5, F 4 to 5).
        Champions = "champions",
        /// Buy often, and lately (R 3 to 4, F 4 to 5).
        Loyal = "loyal",
        /// Bought lately, and more than once (R 4 to 5, F 2 to 3).
        PotentialLoyalist = "potential_loyalist",
        /// Bought just now for the first time (R 5, F 1).
        New = "new",
        /// Bought lately, but once (R 4, F 1).
        Promising = "promising",
        /// Average on both axes: the next purchase decides (R 3, F 3).
        NeedAttention = "need_attention",
        /// Have not bought for a while, and never often (R 3, F 1 to 2).
        AboutToSleep = "about_to_sleep",
        /// Bought most often of all, but long ago (R 1 to 2, F 5).
        CantLose = "cant_lose",
        /// Bought often, but long ago (R 1 to 2, F 3 to 4).
        AtRisk = "at_risk",
        /// Bought seldom and long ago (R 2, F 1 to 2, and R 1, F 2).
        Hibernating = "hibernating",
        /// Bought least and longest ago (R 1, F 1).
        Lost = "lost",
    }
}
