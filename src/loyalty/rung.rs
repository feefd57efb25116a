use crate::vocabulary::vocabulary;

vocabulary! {
    /// Where a customer stands on the ladder of loyalty, from the lowest rung to the highest.
    ///
    /// # Example
    /// ```
    /// use patronage::loyalty::LoyaltyRung;
    ///
    /// assert_eq!("advocate".parse(), Ok(LoyaltyRung::Advocate));
    /// assert!(LoyaltyRung::Loyal > LoyaltyRung::Satisfied);
    /// ```
    "loyalty.rung" LoyaltyRung {
        /// Unhappy: likely to leave, and to say so to others.
        Dissatisfied = "dissatisfied",
        /// Neither unhappy nor attached, or nothing is known yet.
        Neutral = "neutral",
        /// Content with what they get.
        Satisfied = "satisfied",
        /// Content, and comes back.
        Loyal = "loyal",
        /// Loyal, and recommends the company to others.
        Advocate = "advocate",
    }
}

vocabulary! {
    /// What a rung is held against.
    "loyalty.evidence" Evidence {
        /// How satisfied the customer says they are, from 0 to 1.
        Satisfaction = "satisfaction",
        /// Purchases after the first one, in the time that the caller looks at.
        RepeatPurchases = "repeat_purchases",
        /// Days since the relationship began.
        TenureDays = "tenure_days",
        /// New customers whom this one brought.
        Referrals = "referrals",
        /// How likely the customer would recommend the company, from 0 to 10; promoters answer 9 or 10.
        Recommendation = "recommendation",
    }
}
