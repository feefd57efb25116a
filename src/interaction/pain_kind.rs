use crate::vocabulary::vocabulary;

vocabulary! {
    /// What a pain point does to customers: the four kinds of the trade.
    ///
    /// # Example
    /// ```
    /// use patronage::interaction::PainKind;
    ///
    /// assert_eq!("confused".parse(), Ok(PainKind::Confused));
    /// assert_eq!(PainKind::ALL.len(), 4);
    /// ```
    "pain_kind" PainKind {
        /// They do not find the way: dead ends, loops, abandoned before an end.
        Lost = "lost",
        /// They must ask again: repeat contacts for one reason, other channels for one reason.
        Confused = "confused",
        /// It wears them out: waits longer than usual there, transfers, much effort, bad feelings.
        Frustrated = "frustrated",
        /// They leave: a complaint or an unanswered question, and then silence.
        Defected = "defected",
    }
}
