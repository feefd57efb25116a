use crate::vocabulary::vocabulary;

vocabulary! {
    /// The models of buying, named.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{Dropout, ModelKind};
    ///
    /// assert_eq!("pareto_nbd".parse::<ModelKind>()?, ModelKind::ParetoNbd);
    /// assert_eq!(ModelKind::ParetoNbd.name(), "Pareto/NBD");
    /// assert_eq!(ModelKind::ParetoNbd.dropout(), Dropout::AnyTime);
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    "model" ModelKind {
        /// [`Nbd`](super::Nbd).
        Nbd = "nbd",
        /// [`BgNbd`](super::BgNbd).
        BgNbd = "bg_nbd",
        /// [`MbgNbd`](super::MbgNbd).
        MbgNbd = "mbg_nbd",
        /// [`ParetoNbd`](super::ParetoNbd).
        ParetoNbd = "pareto_nbd",
        /// [`BgCnbd`](super::BgCnbd).
        BgCnbd = "bg_cnbd",
        /// [`MbgCnbd`](super::MbgCnbd).
        MbgCnbd = "mbg_cnbd",
    }
}

vocabulary! {
    /// When customers leave for good, as a model sees it.
    "dropout" Dropout {
        /// Never: silence is chance.
        Never = "never",
        /// Right after a purchase, but not the first: who never came back is still a customer.
        AfterRepeatPurchase = "after_repeat_purchase",
        /// Right after any purchase.
        AfterAnyPurchase = "after_any_purchase",
        /// At any time.
        AnyTime = "any_time",
    }
}

impl ModelKind {
    /// The name of the model in the literature.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nbd => "NBD",
            Self::BgNbd => "BG/NBD",
            Self::MbgNbd => "MBG/NBD",
            Self::ParetoNbd => "Pareto/NBD",
            Self::BgCnbd => "BG/CNBD-k",
            Self::MbgCnbd => "MBG/CNBD-k",
        }
    }

    /// When customers leave.
    pub const fn dropout(self) -> Dropout {
        match self {
            Self::Nbd => Dropout::Never,
            Self::BgNbd | Self::BgCnbd => Dropout::AfterRepeatPurchase,
            Self::MbgNbd | Self::MbgCnbd => Dropout::AfterAnyPurchase,
            Self::ParetoNbd => Dropout::AnyTime,
        }
    }

    /// Whether purchases come regularly, and not at random.
    pub const fn is_regular(self) -> bool {
        matches!(self, Self::BgCnbd | Self::MbgCnbd)
    }

    /// The model with purchases at random of which this is the regular one.
    pub(super) const fn plain(self) -> Option<Self> {
        match self {
            Self::BgCnbd => Some(Self::BgNbd),
            Self::MbgCnbd => Some(Self::MbgNbd),
            Self::Nbd | Self::BgNbd | Self::MbgNbd | Self::ParetoNbd => None,
        }
    }

    /// How many numbers of the model are fitted, the regularity k among them.
    pub const fn size(self) -> u32 {
        match self {
            Self::Nbd => 2,
            Self::BgNbd | Self::MbgNbd | Self::ParetoNbd => 4,
            Self::BgCnbd | Self::MbgCnbd => 5,
        }
    }

    /// Whether the model is a special or limiting case of another.
    pub(super) const fn is_nested_in(self, general: Self) -> bool {
        match self {
            Self::Nbd => !matches!(general, Self::Nbd),
            Self::BgNbd => matches!(general, Self::BgCnbd),
            Self::MbgNbd => matches!(general, Self::MbgCnbd),
            Self::ParetoNbd | Self::BgCnbd | Self::MbgCnbd => false,
        }
    }
}
