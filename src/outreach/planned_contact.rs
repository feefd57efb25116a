use super::ContactCategory;
use crate::consent::Purpose;
use crate::interaction::{Direction, Engagement, Interaction, Touchpoint};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A contact somebody wants to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PlannedContact {
    category: ContactCategory,
    purpose: Purpose,
    via: Touchpoint,
    #[serde(default)]
    in_answer: bool,
}

impl PlannedContact {
    /// What for, on which purpose of data use it rests, and by which touch point.
    pub const fn new(category: ContactCategory, purpose: Purpose, via: Touchpoint) -> Self {
        Self { category, purpose, via, in_answer: false }
    }

    /// The customer came to the company and is being answered: frequency caps, quiet hours, holidays and the preferred
    /// channel do not hold then; everything else does.
    #[must_use]
    pub const fn in_answer(self) -> Self {
        Self { in_answer: true, ..self }
    }

    /// The same by another touch point.
    #[must_use]
    pub const fn by(self, via: Touchpoint) -> Self {
        Self { via, ..self }
    }

    /// What it is for.
    pub const fn category(&self) -> ContactCategory {
        self.category
    }

    /// The purpose of data use.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The touch point.
    pub const fn touchpoint(&self) -> Touchpoint {
        self.via
    }

    /// Whether it answers the customer.
    pub const fn is_answer(&self) -> bool {
        self.in_answer
    }
}

/// A contact the company made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PastContact {
    /// When.
    pub at: DateTime<Utc>,
    /// What for.
    pub category: ContactCategory,
    /// By which touch point.
    pub via: Touchpoint,
}

impl PastContact {
    /// The contact an interaction was; `None` where the customer began it. Sales are offers, marketing is marketing, and
    /// all other business is service.
    pub fn of(interaction: &Interaction) -> Option<Self> {
        let category = match interaction.engagement() {
            Engagement::Marketing => ContactCategory::Marketing,
            Engagement::Sales => ContactCategory::Offer,
            _ => ContactCategory::Service,
        };
        let contact = Self { at: interaction.at(), category, via: interaction.touchpoint() };
        (interaction.direction() == Direction::Outbound).then_some(contact)
    }
}
