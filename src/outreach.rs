//! What to do next for a customer: whether they may be contacted, what they need, and which action is best.
//!
//! | question | answer |
//! |---|---|
//! | may we contact them now, by this touch point; what speaks against it; from when on | [`ContactPolicy::decide`] |
//! | how often, in which hours, on which days | [`FrequencyCap`], [`QuietHours`], [`ContactPolicy::holiday`] |
//! | which category do they like | [`favourite_categories`] |
//! | what do they buy again, what else may they want, and why | [`Needs`] |
//! | what is bought together, and is that more than chance | [`RuleSearch`], [`AssociationRule`] |
//! | what do we do next, by which touch point, and why not the rest | [`ActionMenu::next_best`] |
//!
//! When a customer will buy next is for the models of [`value`](crate::value) to say
//! ([`PurchaseForecast::next_purchase`](crate::value::PurchaseForecast::next_purchase)), and for
//! [`Rhythm`](crate::loyalty::Rhythm) whether they are late by their own clock; [`Situation::next_purchase`] takes it in, and
//! [`Action::due_within`] and [`Action::not_due_within`] ask for it.

mod action;
mod action_menu;
mod association_rule;
mod basket_index;
mod baskets;
mod best_items;
mod contact_category;
mod contact_decision;
mod contact_facts;
mod contact_policy;
mod error;
mod favourite;
mod fraction;
mod frequency_cap;
mod groups;
mod likeness_block;
mod needs;
mod next_best_action;
mod planned_contact;
mod quiet_hours;
mod rule_search;
mod situation;
mod suggestion;
mod wall_clock;

pub use action::{Action, ActionValue};
pub use action_menu::ActionMenu;
pub use association_rule::AssociationRule;
pub use baskets::Baskets;
pub use contact_category::{ContactCategory, ContactCheck};
pub use contact_decision::{ContactDecision, FailedCheck};
pub use contact_facts::ContactFacts;
pub use contact_policy::ContactPolicy;
pub use error::OutreachError;
pub use favourite::{FavouriteCategory, favourite_categories};
pub use fraction::Fraction;
pub use frequency_cap::{CapWindow, FrequencyCap};
pub use needs::Needs;
pub use next_best_action::{ExcludedAction, NextBestAction, NotNow, RankedAction};
pub use planned_contact::{PastContact, PlannedContact};
pub use quiet_hours::QuietHours;
pub use rule_search::{RuleAgainstChance, RuleSearch, RulesAgainstChance};
pub use situation::Situation;
pub use suggestion::{BecauseBought, Suggestion};

use crate::tag::Tag;

/// The exclusion that holds back what sells while a complaint is open.
pub const OPEN_COMPLAINT: Tag = Tag::literal("open_complaint");

/// Finds a customer's time zone by the name that is known of it, or else the one that is given, such as the company's.
///
/// # Errors
/// [`OutreachError::UnknownZone`] when there is no zone of that name.
///
/// # Example
/// ```
/// use patronage::customer::{Customer, CustomerId, CustomerKind};
/// use patronage::outreach::customer_zone;
///
/// let ada = Customer::new(CustomerId::derive(&["ada"]), CustomerKind::Person, "2026-01-01T00:00:00Z".parse()?)?;
/// assert_eq!(customer_zone(&ada, "Europe/Zurich")?.name(), "Europe/Zurich");
/// let lost = ada.with_zone("Atlantis/Capital")?;
/// assert_eq!(customer_zone(&lost, "Europe/Zurich").unwrap_err().to_string(), "there is no time zone `Atlantis/Capital`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "chrono-tz")]
pub fn customer_zone(
    customer: &crate::customer::Customer,
    otherwise: &str,
) -> Result<chrono_tz::Tz, OutreachError> {
    let name = customer.zone().unwrap_or(otherwise);
    name.parse().map_err(|_| OutreachError::UnknownZone { name: name.chars().take(64).collect() })
}
