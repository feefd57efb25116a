//! Interactions as rows.

use super::facts::Fact;
use super::table::{Table, table};
use super::value::{Columns, Unreadable, Value};
use crate::customer::CustomerId;
use crate::interaction::{Effort, EffortDirection, Interaction, InteractionId, Sentiment};
use crate::measure::Share;
use crate::money::Money;
use crate::store::Entity;
use std::time::Duration;
use uuid::Uuid;

impl Fact for Interaction {
    const ENTITY: Entity = Entity::Interaction;
    const TABLE: Table = table!(
        "interactions",
        "id",
        [
            "customer",
            "at",
            "id",
            "channel",
            "touchpoint",
            "engagement",
            "direction",
            "agent",
            "served_by",
            "reason",
            "outcome",
            "escalated_to",
            "unanswered_because",
            "wait_ms",
            "handle_ms",
            "transfers",
            "cost_minor",
            "cost_currency",
            "sentiment",
            "sentiment_source",
            "sentiment_confidence",
            "effort",
            "effort_scale",
            "effort_direction",
            "links"
        ]
    );

    fn key(&self) -> Uuid {
        *self.id().as_uuid()
    }

    fn whose(&self) -> CustomerId {
        self.customer()
    }

    fn values(&self) -> Result<Vec<Value<'_>>, Unreadable> {
        let (cost, sentiment, effort) = (self.cost(), self.sentiment(), self.effort());
        Ok(vec![
            (*self.customer().as_uuid()).into(),
            self.at().into(),
            self.key().into(),
            self.channel().to_text().into(),
            self.touchpoint().to_text().into(),
            self.engagement().to_text().into(),
            self.direction().as_str().into(),
            self.agent().map(|agent| agent.to_text()).into(),
            self.served_by().into(),
            self.reason().into(),
            self.outcome().map(|outcome| outcome.to_text()).into(),
            self.escalated_to().into(),
            self.unanswered_because().into(),
            self.wait().map(milliseconds).into(),
            self.handle_time().map(milliseconds).into(),
            self.transfers().into(),
            cost.map(Money::minor).into(),
            cost.map(|cost| cost.currency().code().to_owned()).into(),
            sentiment.map(|sentiment| sentiment.score()).into(),
            sentiment.map(|sentiment| sentiment.source()).into(),
            sentiment.map(|sentiment| sentiment.confidence().get()).into(),
            effort.map(|effort| effort.answer()).into(),
            effort.map(|effort| effort.scale()).into(),
            effort.map(|effort| effort.direction().as_str()).into(),
            Value::list(self.links())?,
        ])
    }

    fn read(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        let customer = CustomerId::new(row.id()?);
        let at = row.instant()?;
        let id = InteractionId::new(row.id()?);
        let mut built = Self::builder(id, customer, at)
            .at_place(row.term()?, row.term()?, row.term()?)
            .direction(row.term()?);
        if let Some(agent) = row.optional_term()? {
            built = built.agent(agent);
        }
        if let Some(staff) = row.optional_term()? {
            built = built.served_by(staff);
        }
        if let Some(reason) = row.optional_term()? {
            built = built.reason(reason);
        }
        if let Some(outcome) = row.optional_term()? {
            built = built.outcome(outcome);
        }
        if let Some(team) = row.optional_term()? {
            built = built.escalated_to(team);
        }
        if let Some(why) = row.optional_term()? {
            built = built.unanswered_because(why);
        }
        if let Some(wait) = row.optional_integer()? {
            built = built.wait(Duration::from_millis(wait));
        }
        if let Some(handle_time) = row.optional_integer()? {
            built = built.handle_time(Duration::from_millis(handle_time));
        }
        built = built.transfers(row.integer()?);
        match (row.optional_integer()?, row.optional_term()?) {
            (Some(minor), Some(currency)) => built = built.cost(Money::new(minor, currency)),
            (None, None) => {}
            _ => return Err(Unreadable),
        }
        match (row.optional_number()?, row.optional_term()?, row.optional_number()?) {
            (Some(score), Some(source), Some(confidence)) => {
                built = built.sentiment(Sentiment::new(score, source, Share::new(confidence)?)?);
            }
            (None, None, None) => {}
            _ => return Err(Unreadable),
        }
        match (row.optional_integer()?, row.optional_integer()?, row.optional_term::<EffortDirection>()?) {
            (Some(answer), Some(scale), Some(direction)) => {
                built = built.effort(Effort::new(answer, scale, direction)?);
            }
            (None, None, None) => {}
            _ => return Err(Unreadable),
        }
        for link in row.list()? {
            built = built.link(link);
        }
        Ok(built.build()?)
    }
}

/// At most 366 days, as the interaction itself checked.
fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
