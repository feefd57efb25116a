//! Where a customer stands in their life with the company: stages, the legal moves between them, the history.

mod history;

pub use history::{LifecycleHistory, StageChange};

use crate::vocabulary::vocabulary;

vocabulary! {
    /// A stage of a customer's life with the company.
    ///
    /// # Example
    /// ```
    /// use patronage::lifecycle::LifecycleStage;
    ///
    /// assert_eq!("re-purchase".parse(), Ok(LifecycleStage::Repurchase));
    /// assert!(LifecycleStage::Exiting.may_become(LifecycleStage::Existing));
    /// assert!(!LifecycleStage::Awareness.may_become(LifecycleStage::Former));
    /// ```
    "lifecycle_stage" LifecycleStage {
        /// Has heard of the company.
        Awareness = "awareness",
        /// Weighs an offer.
        Consideration = "consideration",
        /// Buys for the first time.
        Purchase = "purchase",
        /// Is a customer.
        Existing = "existing",
        /// Is about to leave.
        Exiting = "exiting",
        /// Buys again.
        Repurchase = "re-purchase",
        /// Has left; may be won back.
        Former = "former",
    }
}

impl LifecycleStage {
    /// The stages this one may turn into.
    ///
    /// | from | to |
    /// |---|---|
    /// | awareness | consideration, exiting |
    /// | consideration | purchase, awareness, exiting |
    /// | purchase | existing, exiting |
    /// | existing | repurchase, exiting |
    /// | repurchase | existing, exiting |
    /// | exiting | existing (saved), former |
    /// | former | consideration, repurchase (won back) |
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Awareness => &[Self::Consideration, Self::Exiting],
            Self::Consideration => &[Self::Purchase, Self::Awareness, Self::Exiting],
            Self::Purchase | Self::Repurchase => &[Self::Existing, Self::Exiting],
            Self::Existing => &[Self::Repurchase, Self::Exiting],
            Self::Exiting => &[Self::Existing, Self::Former],
            Self::Former => &[Self::Consideration, Self::Repurchase],
        }
    }

    /// Whether the table of [`next`](Self::next) allows the move.
    pub fn may_become(self, to: Self) -> bool {
        self.next().contains(&to)
    }
}

vocabulary! {
    /// Why a customer's stage changed.
    "stage_reason" open StageReason {
        /// Taken over from another system; only as the first entry, at any stage.
        Imported = "imported",
        /// Seen in what the customer did.
        Observed = "observed",
        /// Said by the customer.
        Stated = "stated",
        /// An earlier entry was wrong; may move to any other stage.
        Correction = "correction",
    }
}
