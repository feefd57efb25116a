use super::{ContactFacts, Suggestion};
use crate::interaction::{Interaction, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::measure::Share;
use crate::money::Money;
use crate::segment::Facts;
use crate::tag::Tag;
use crate::value::{Horizon, TimeUnit};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// What is known of one customer when the next action is chosen. What is not given is not known, and no condition that asks
/// for it fits then.
#[derive(Clone, Debug, Default)]
pub struct Situation<'a> {
    pub(super) contact: ContactFacts<'a>,
    pub(super) facts: Option<&'a Facts<'a>>,
    pub(super) worth: Option<Money>,
    pub(super) stage: Option<LifecycleStage>,
    pub(super) inquiry: Option<(Option<Tag>, Touchpoint)>,
    pub(super) likely: BTreeMap<Tag, Share>,
    pub(super) suggestions: &'a [Suggestion],
    pub(super) next_purchase: NextPurchase,
}

/// When a customer is expected to buy next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum NextPurchase {
    #[default]
    Unknown,
    /// At this instant; `None` for rather never.
    Expected(Option<DateTime<Utc>>),
}

impl<'a> Situation<'a> {
    /// What is known about contacting the customer, and nothing else yet.
    pub fn new(contact: ContactFacts<'a>) -> Self {
        Self { contact, ..Self::default() }
    }

    /// What segment rules read; made by the rules the [`ActionMenu`](super::ActionMenu) was made with.
    #[must_use]
    pub fn facts(self, facts: &'a Facts<'a>) -> Self {
        Self { facts: Some(facts), ..self }
    }

    /// What the customer is worth to the company in future, as the models of [`value`](crate::value) say.
    #[must_use]
    pub fn worth(self, worth: Money) -> Self {
        Self { worth: Some(worth), ..self }
    }

    /// The stage of the customer's life with the company; a prospect is at awareness or consideration.
    #[must_use]
    pub fn stage(self, stage: LifecycleStage) -> Self {
        Self { stage: Some(stage), ..self }
    }

    /// When the customer is expected to buy next: so long after `as_of`, as
    /// [`PurchaseForecast::next_purchase`](crate::value::PurchaseForecast::next_purchase) says with the probability of your
    /// choice, one half for the median time; `None` for rather never.
    ///
    /// # Arguments
    /// `unit`: the unit of the fit, in which the time is counted. `as_of`: the end of what the model was told of.
    #[must_use]
    pub fn next_purchase(self, within: Option<Horizon>, unit: TimeUnit, as_of: DateTime<Utc>) -> Self {
        let expected = within.and_then(|within| {
            // What does not fit into the calendar is never.
            let seconds = libm::rint(within.length() * unit.days() * 86_400.0);
            #[expect(clippy::cast_possible_truncation, reason = "below 2^53")]
            let seconds = (seconds < 9e15).then_some(seconds as i64)?;
            as_of.checked_add_signed(TimeDelta::try_seconds(seconds)?)
        });
        Self { next_purchase: NextPurchase::Expected(expected), ..self }
    }

    /// The customer has come with this, and is there now: what is done by the same touch point answers them.
    #[must_use]
    pub fn inquiry(self, interaction: &Interaction) -> Self {
        Self { inquiry: Some((interaction.reason(), interaction.touchpoint())), ..self }
    }

    /// How probable it is that an action succeeds with this customer.
    #[must_use]
    pub fn likely(mut self, action: Tag, probability: Share) -> Self {
        self.likely.insert(action, probability);
        self
    }

    /// The items that are suggested to the customer, to buy again or to buy too.
    #[must_use]
    pub fn suggestions(self, suggestions: &'a [Suggestion]) -> Self {
        Self { suggestions, ..self }
    }
}
