use super::{
    Agent, Channel, Direction, Effort, Engagement, Interaction, InteractionId, Link, Outcome, Sentiment,
    Touchpoint,
};
use crate::customer::CustomerId;
use crate::money::Money;
use crate::period;
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const LONGEST_MS: u64 = 366 * 24 * 3_600_000;
const MOST_LINKS: usize = 64;

/// What an interaction holds; durations in milliseconds, which is what stores keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    rename = "Interaction",
    bound(serialize = "L: AsRef<[Link]> + Serialize", deserialize = "L: Default + Deserialize<'de>")
)]
pub(super) struct Fields<L = Vec<Link>> {
    pub(super) id: InteractionId,
    pub(super) customer: CustomerId,
    pub(super) at: DateTime<Utc>,
    pub(super) channel: Channel,
    pub(super) touchpoint: Touchpoint,
    pub(super) engagement: Engagement,
    pub(super) direction: Direction,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<Agent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) served_by: Option<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) escalated_to: Option<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unanswered_because: Option<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) wait_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) handle_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) transfers: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sentiment: Option<Sentiment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) effort: Option<Effort>,
    #[serde(default, skip_serializing_if = "no_links")]
    pub(super) links: L,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(transfers: &u16) -> bool {
    *transfers == 0
}

fn no_links(links: &impl AsRef<[Link]>) -> bool {
    links.as_ref().is_empty()
}

impl Fields {
    /// The rules every interaction obeys, however it came in.
    pub(super) fn checked(mut self) -> Result<Self, ValidationError> {
        self.at = period::instant("interaction.at", self.at)?;
        for (field, milliseconds) in
            [("interaction.wait", self.wait_ms), ("interaction.handle_time", self.handle_ms)]
        {
            if milliseconds.is_some_and(|milliseconds| milliseconds > LONGEST_MS) {
                let shown = milliseconds.unwrap_or_default();
                return Err(ValidationError::new(field, "must be at most 366 days (in milliseconds)", shown));
            }
        }
        if self.outcome == Some(Outcome::Unanswered)
            && self.escalated_to.is_none()
            && self.unanswered_because.is_none()
        {
            let rule = "must carry an escalation or a reason when unanswered";
            return Err(ValidationError::new("interaction.outcome", rule, Outcome::Unanswered));
        }
        if let Some(cost) = self.cost.filter(|cost| cost.is_negative()) {
            return Err(ValidationError::new("interaction.cost", "must not be negative", cost));
        }
        if self.links.len() > MOST_LINKS {
            return Err(ValidationError::new("interaction.links", "must be at most 64", self.links.len()));
        }
        Ok(self)
    }
}

/// Puts an [`Interaction`] together, field by field; [`build`](Self::build) checks it.
#[derive(Clone, Debug)]
#[must_use = "call `build` to get the interaction"]
pub struct InteractionBuilder {
    fields: Fields,
    wait: Option<Duration>,
    handle_time: Option<Duration>,
}

impl InteractionBuilder {
    pub(super) fn new(id: InteractionId, customer: CustomerId, at: DateTime<Utc>) -> Self {
        let fields = Fields {
            id,
            customer,
            at,
            channel: Channel::Web,
            touchpoint: Touchpoint::SelfService,
            engagement: Engagement::Support,
            direction: Direction::Inbound,
            agent: None,
            served_by: None,
            reason: None,
            outcome: None,
            escalated_to: None,
            unanswered_because: None,
            wait_ms: None,
            handle_ms: None,
            transfers: 0,
            cost: None,
            sentiment: None,
            effort: None,
            links: Vec::new(),
        };
        Self { fields, wait: None, handle_time: None }
    }

    /// Where it took place, in all three dimensions.
    pub fn at_place(mut self, channel: Channel, touchpoint: Touchpoint, engagement: Engagement) -> Self {
        (self.fields.channel, self.fields.touchpoint, self.fields.engagement) =
            (channel, touchpoint, engagement);
        self
    }

    /// Who began it.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.fields.direction = direction;
        self
    }

    /// Who or what served the customer.
    pub fn agent(mut self, agent: Agent) -> Self {
        self.fields.agent = Some(agent);
        self
    }

    /// The staff number of the person who served: a pseudonym, not a name.
    pub fn served_by(mut self, staff: Tag) -> Self {
        self.fields.served_by = Some(staff);
        self
    }

    /// Why the customer came.
    pub fn reason(mut self, reason: Tag) -> Self {
        self.fields.reason = Some(reason);
        self
    }

    /// How it ended.
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.fields.outcome = Some(outcome);
        self
    }

    /// The team or level it was escalated to.
    pub fn escalated_to(mut self, team: Tag) -> Self {
        self.fields.escalated_to = Some(team);
        self
    }

    /// Why a question stayed unanswered.
    pub fn unanswered_because(mut self, why: Tag) -> Self {
        self.fields.unanswered_because = Some(why);
        self
    }

    /// How long the customer waited before being served, in whole milliseconds.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// How long serving took, in whole milliseconds.
    pub fn handle_time(mut self, handle_time: Duration) -> Self {
        self.handle_time = Some(handle_time);
        self
    }

    /// How often the customer was handed on.
    pub fn transfers(mut self, transfers: u16) -> Self {
        self.fields.transfers = transfers;
        self
    }

    /// What it cost the company.
    pub fn cost(mut self, cost: Money) -> Self {
        self.fields.cost = Some(cost);
        self
    }

    /// How the customer felt.
    pub fn sentiment(mut self, sentiment: Sentiment) -> Self {
        self.fields.sentiment = Some(sentiment);
        self
    }

    /// How easy the customer said it was.
    pub fn effort(mut self, effort: Effort) -> Self {
        self.fields.effort = Some(effort);
        self
    }

    /// Adds what it is about.
    pub fn link(mut self, link: Link) -> Self {
        self.fields.links.push(link);
        self
    }

    /// Checks the whole and returns the interaction; its instant is kept to the microsecond.
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999; a duration is finer than a millisecond
    /// or above 366 days; an unanswered question carries neither escalation nor reason; the cost is negative; or
    /// there are more than 64 links.
    pub fn build(self) -> Result<Interaction, ValidationError> {
        let mut fields = self.fields;
        fields.wait_ms = milliseconds("interaction.wait", self.wait)?;
        fields.handle_ms = milliseconds("interaction.handle_time", self.handle_time)?;
        Interaction::try_from(fields)
    }
}

fn milliseconds(field: &'static str, duration: Option<Duration>) -> Result<Option<u64>, ValidationError> {
    let Some(duration) = duration else { return Ok(None) };
    if !duration.subsec_nanos().is_multiple_of(1_000_000) {
        let shown = format!("{} ns", duration.as_nanos());
        return Err(ValidationError::new(field, "must be whole milliseconds", shown));
    }
    let whole = u64::try_from(duration.as_millis());
    whole.map(Some).map_err(|_| ValidationError::new(field, "must be at most 366 days", duration.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> InteractionBuilder {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        Interaction::builder(InteractionId::derive(&["i"]), CustomerId::derive(&["c"]), at)
    }

    #[test]
    fn the_error_names_the_field() {
        let day = Duration::from_secs(86_400);
        for (built, field) in [
            (builder().wait(Duration::from_nanos(1)).build(), "interaction.wait"),
            (builder().wait(367 * day).build(), "interaction.wait"),
            (builder().handle_time(Duration::MAX).build(), "interaction.handle_time"),
            (builder().outcome(Outcome::Unanswered).build(), "interaction.outcome"),
            (builder().cost("-1.00 EUR".parse().unwrap()).build(), "interaction.cost"),
        ] {
            assert_eq!(built.unwrap_err().field(), field);
        }
        let unanswered = builder().outcome(Outcome::Unanswered);
        assert!(unanswered.clone().escalated_to(Tag::literal("second_level")).build().is_ok());
        assert!(unanswered.unanswered_because(Tag::literal("no_expert")).build().is_ok());
    }

    #[test]
    fn json_is_checked_and_round_trips() {
        let call =
            builder().wait(Duration::from_millis(1500)).reason(Tag::literal("delivery")).build().unwrap();
        let json = serde_json::to_string(&call).unwrap();
        assert_eq!(serde_json::from_str::<Interaction>(&json).unwrap(), call);
        let broken = json.replace("\"wait_ms\":1500", "\"wait_ms\":1500,\"outcome\":\"unanswered\"");
        assert!(serde_json::from_str::<Interaction>(&broken).is_err());
        assert!(serde_json::from_str::<Interaction>(&json.replace("1500", "-1500")).is_err());
    }
}
