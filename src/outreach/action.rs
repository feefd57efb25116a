use super::{ContactCategory, OutreachError};
use crate::consent::Purpose;
use crate::interaction::Touchpoint;
use crate::lifecycle::LifecycleStage;
use crate::measure::Share;
use crate::money::Money;
use crate::tag::Tag;
use serde::{Deserialize, Serialize};

/// What an action brings where it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionValue {
    /// An amount.
    Amount(Money),
    /// A part of what the customer is worth to the company: what is won, or not lost.
    OfWorth(Share),
}

/// Something that can be done next for a customer: a service, a survey, an offer. Conditions that are not named hold for
/// everybody; of several terms of one condition, one has to fit.
///
/// It is checked when it is put on an [`ActionMenu`](super::ActionMenu).
///
/// # Example
/// ```
/// use patronage::consent::Purpose;
/// use patronage::interaction::Touchpoint;
/// use patronage::outreach::{Action, ContactCategory};
/// use patronage::{Share, Tag};
///
/// let upgrade = Action::new(Tag::literal("upgrade"), ContactCategory::Offer, Purpose::DirectMarketing)
///     .via(Touchpoint::Email)
///     .value("120.00 EUR".parse()?)
///     .cost("0.10 EUR".parse()?)
///     .probability(Share::new(0.02)?);
/// assert_eq!(upgrade.name(), Tag::literal("upgrade"));
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    pub(super) name: Tag,
    pub(super) category: ContactCategory,
    pub(super) purpose: Purpose,
    #[serde(default)]
    pub(super) touchpoints: Vec<Touchpoint>,
    pub(super) value: Option<ActionValue>,
    #[serde(default)]
    pub(super) cost: Option<Money>,
    #[serde(default)]
    pub(super) probability: Option<Share>,
    #[serde(default)]
    pub(super) only_in: Vec<Tag>,
    #[serde(default)]
    pub(super) not_in: Vec<Tag>,
    #[serde(default)]
    pub(super) stages: Vec<LifecycleStage>,
    #[serde(default)]
    pub(super) reasons: Vec<Tag>,
    #[serde(default)]
    pub(super) worth_from: Option<Money>,
    #[serde(default)]
    pub(super) worth_below: Option<Money>,
    #[serde(default)]
    pub(super) due_within: Option<u32>,
    #[serde(default)]
    pub(super) not_due_within: Option<u32>,
    #[serde(default)]
    pub(super) item: Option<u32>,
}

impl Action {
    /// An action for everybody, which still needs a touch point and a value.
    pub const fn new(name: Tag, category: ContactCategory, purpose: Purpose) -> Self {
        Self {
            name,
            category,
            purpose,
            touchpoints: Vec::new(),
            value: None,
            cost: None,
            probability: None,
            only_in: Vec::new(),
            not_in: Vec::new(),
            stages: Vec::new(),
            reasons: Vec::new(),
            worth_from: None,
            worth_below: None,
            due_within: None,
            not_due_within: None,
            item: None,
        }
    }

    /// Adds a touch point it can be done by.
    #[must_use]
    pub fn via(mut self, touchpoint: Touchpoint) -> Self {
        if !self.touchpoints.contains(&touchpoint) {
            self.touchpoints.push(touchpoint);
        }
        self
    }

    /// Sets the margin it brings where it succeeds.
    #[must_use]
    pub fn value(self, value: Money) -> Self {
        Self { value: Some(ActionValue::Amount(value)), ..self }
    }

    /// Sets what it brings where it succeeds as a part of what the customer is worth.
    #[must_use]
    pub fn value_of_worth(self, part: Share) -> Self {
        Self { value: Some(ActionValue::OfWorth(part)), ..self }
    }

    /// Sets what doing it costs, whether it succeeds or not; nothing where this is not called.
    #[must_use]
    pub fn cost(self, cost: Money) -> Self {
        Self { cost: Some(cost), ..self }
    }

    /// Sets how probable it is that it succeeds with anybody; a probability for one customer goes before it
    /// ([`Situation::likely`](super::Situation::likely)).
    #[must_use]
    pub fn probability(self, probability: Share) -> Self {
        Self { probability: Some(probability), ..self }
    }

    /// Is for customers in a segment (and in all others that are named).
    #[must_use]
    pub fn only_in(mut self, segment: Tag) -> Self {
        self.only_in.push(segment);
        self
    }

    /// Is for customers of whom it is known that they are not in a segment (nor in any other that is named).
    #[must_use]
    pub fn not_in(mut self, segment: Tag) -> Self {
        self.not_in.push(segment);
        self
    }

    /// Is for customers at a stage (and at others that are named).
    #[must_use]
    pub fn at_stage(mut self, stage: LifecycleStage) -> Self {
        self.stages.push(stage);
        self
    }

    /// Answers inquiries of a reason (and of others that are named), and is done only then.
    #[must_use]
    pub fn answering(mut self, reason: Tag) -> Self {
        self.reasons.push(reason);
        self
    }

    /// Is for customers worth at least so much.
    #[must_use]
    pub fn from_worth(self, least: Money) -> Self {
        Self { worth_from: Some(least), ..self }
    }

    /// Is for customers worth less than so much.
    #[must_use]
    pub fn below_worth(self, limit: Money) -> Self {
        Self { worth_below: Some(limit), ..self }
    }

    /// Is for customers who are expected to buy within so many days, or should have by now: what goes with a purchase.
    #[must_use]
    pub fn due_within(self, days: u32) -> Self {
        Self { due_within: Some(days), ..self }
    }

    /// Is for customers who are expected to buy only after so many days, or rather never: what brings them back, and would
    /// be given away to those who come anyway.
    #[must_use]
    pub fn not_due_within(self, days: u32) -> Self {
        Self { not_due_within: Some(days), ..self }
    }

    /// Offers an item, and only to whom it is [suggested](super::Needs).
    #[must_use]
    pub fn of_item(self, item: u32) -> Self {
        Self { item: Some(item), ..self }
    }

    /// The name of the action.
    pub const fn name(&self) -> Tag {
        self.name
    }

    /// What it is for.
    pub const fn category(&self) -> ContactCategory {
        self.category
    }

    /// Its amounts, by the names of their fields.
    fn amounts(&self) -> impl Iterator<Item = (&'static str, Money)> {
        let value = match self.value {
            Some(ActionValue::Amount(value)) => Some(value),
            _ => None,
        };
        let named = [
            ("value", value),
            ("cost", self.cost),
            ("worth_from", self.worth_from),
            ("worth_below", self.worth_below),
        ];
        named.into_iter().filter_map(|(field, amount)| amount.map(|amount| (field, amount)))
    }

    pub(super) fn check(&self) -> Result<(), OutreachError> {
        let action = self.name;
        for (field, amount) in self.amounts() {
            if amount.is_negative() {
                return Err(OutreachError::NegativeAmount { action, field, minor: amount.minor() });
            }
            if let Some((_, first)) = self.amounts().next() {
                first.checked_sub(amount)?;
            }
        }
        let is_nothing = |value| match value {
            ActionValue::Amount(amount) => amount.minor() == 0,
            ActionValue::OfWorth(part) => part <= Share::ZERO,
        };
        if self.value.is_none_or(is_nothing) {
            return Err(OutreachError::NoValue { action });
        }
        if self.touchpoints.is_empty() {
            return Err(OutreachError::NoTouchpoint { action });
        }
        let none_between =
            |least: Option<i64>, limit: Option<i64>| least.zip(limit).is_some_and(|(a, b)| a >= b);
        let minor = |amount: Option<Money>| amount.map(Money::minor);
        let contradictions = [
            ("worth_from", "worth_below", none_between(minor(self.worth_from), minor(self.worth_below))),
            (
                "not_due_within",
                "due_within",
                none_between(self.not_due_within.map(i64::from), self.due_within.map(i64::from)),
            ),
            ("only_in", "not_in", self.only_in.iter().any(|segment| self.not_in.contains(segment))),
        ];
        match contradictions.into_iter().find(|&(_, _, contradicts)| contradicts) {
            Some((one, other, _)) => Err(OutreachError::NobodyFits { action, one, other }),
            None => Ok(()),
        }
    }
}
