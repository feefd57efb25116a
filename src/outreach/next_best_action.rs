use super::{BecauseBought, FailedCheck};
use crate::because::Because;
use crate::interaction::Touchpoint;
use crate::measure::Share;
use crate::money::Money;
use crate::segment::Truth;
use crate::tag::Tag;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// An action that may be done now, what it is expected to bring, and why it stands where it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankedAction {
    /// Its name.
    pub action: Tag,
    /// By which touch point.
    pub via: Touchpoint,
    /// How probable it is that it succeeds.
    pub probability: Share,
    /// What it brings then.
    pub value: Money,
    /// What it costs in any case.
    pub cost: Money,
    /// Probability times value, less cost, to the minor unit: what it is ranked by.
    pub expected: Money,
    /// The conditions it met and what put it before others.
    pub because: Vec<Because>,
    /// For an item: because the customer bought these.
    pub bought: Vec<BecauseBought>,
}

/// Why an action is not to be done now.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotNow {
    /// It answers inquiries of another reason.
    OtherReason,
    /// It is for customers at other stages, or the stage is not known.
    OtherStage,
    /// It hangs on what the customer is worth, which is not known.
    WorthUnknown,
    /// The customer is worth too little for it.
    WorthBelow {
        /// What they are worth.
        worth: Money,
        /// What it takes at least.
        least: Money,
    },
    /// The customer is worth too much for it.
    WorthAbove {
        /// What they are worth.
        worth: Money,
        /// What is too much.
        limit: Money,
    },
    /// The customer is not in the segment it is for, or it is not known.
    NotInSegment {
        /// The segment.
        segment: Tag,
        /// What its rule says.
        value: Truth,
    },
    /// The customer is in a segment it is not for, or it is not known.
    InSegment {
        /// The segment.
        segment: Tag,
        /// What its rule says.
        value: Truth,
    },
    /// It hangs on when the customer is expected to buy next, which is not known.
    NextPurchaseUnknown,
    /// The customer is not expected to buy soon enough for it.
    NotDue {
        /// When they are; `None` for rather never.
        expected: Option<DateTime<Utc>>,
        /// Within how many days they would have to be.
        within_days: u32,
    },
    /// The customer is expected to buy soon without it.
    DueAnyway {
        /// When they are.
        expected: DateTime<Utc>,
        /// Within how many days they must not be.
        within_days: u32,
    },
    /// Its item is not suggested to the customer.
    NotSuggested,
    /// It is not known how probable it is that it succeeds.
    ProbabilityUnknown,
    /// It sells, and a complaint is open: service comes first.
    ServiceFirst,
    /// The contact policy holds it back.
    Contact {
        /// By the touch point that is allowed first.
        via: Touchpoint,
        /// Every check that was not passed.
        failed: Vec<FailedCheck>,
        /// From when on it is allowed; `None` where that is not known.
        earliest: Option<DateTime<Utc>>,
    },
    /// It costs what it is expected to bring, or more.
    DoesNotPay {
        /// Probability times value, less cost.
        expected: Money,
    },
}

/// An action that is not to be done now, and every reason of the first step that excluded it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExcludedAction {
    /// Its name.
    pub action: Tag,
    /// Why; never empty.
    pub because: Vec<NotNow>,
}

/// What to do next for a customer, by which touch point, and why; and why not the rest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NextBestAction {
    pub(super) ranked: Vec<RankedAction>,
    pub(super) excluded: Vec<ExcludedAction>,
}

impl NextBestAction {
    /// What to do now; `None` where nothing may or should be done.
    pub fn chosen(&self) -> Option<&RankedAction> {
        self.ranked.first()
    }

    /// Everything that may be done now, the best first.
    pub fn ranked(&self) -> &[RankedAction] {
        &self.ranked
    }

    /// Everything else, in the order of the menu.
    pub fn excluded(&self) -> &[ExcludedAction] {
        &self.excluded
    }

    /// When to ask again where the contact policy is all that holds an action back: the first instant at which one of them
    /// is allowed.
    pub fn ask_again(&self) -> Option<DateTime<Utc>> {
        let earliest = |because: &NotNow| match because {
            NotNow::Contact { earliest, .. } => *earliest,
            _ => None,
        };
        self.excluded.iter().flat_map(|excluded| &excluded.because).filter_map(earliest).min()
    }
}
