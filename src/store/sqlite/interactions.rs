//! Interactions as rows.

use super::facts::Fact;
use super::table::{Columns, Table, Unreadable, table};
use crate::customer::CustomerId;
use crate::interaction::{
    Agent, Effort, EffortDirection, Interaction, InteractionId, Link, Outcome, Sentiment,
};
use crate::measure::Share;
use crate::money::{Currency, Money};
use crate::store::Entity;
use crate::tag::Tag;
use rusqlite::{Statement, params};
use std::time::Duration;
use uuid::Uuid;

pub(super) const SQL: &[&str] = &[Interaction::INSERT, Interaction::BY_ID, Interaction::WITHIN];

impl Fact for Interaction {
    const ENTITY: Entity = Entity::Interaction;
    const TABLE: Table = table!("interactions");
    const INSERT: &'static str = "INSERT INTO interactions \
         (customer, at, id, channel, touchpoint, engagement, direction, agent, served_by, reason, outcome, \
         escalated_to, unanswered_because, wait_ms, handle_ms, transfers, cost_minor, cost_currency, \
         sentiment, sentiment_source, sentiment_confidence, effort, effort_scale, effort_direction, links) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, \
         ?21, ?22, ?23, ?24, ?25) ON CONFLICT DO NOTHING";
    const BY_ID: &'static str = "SELECT \
         customer, at, id, channel, touchpoint, engagement, direction, agent, served_by, reason, outcome, \
         escalated_to, unanswered_because, wait_ms, handle_ms, transfers, cost_minor, cost_currency, \
         sentiment, sentiment_source, sentiment_confidence, effort, effort_scale, effort_direction, links \
         FROM interactions WHERE id = ?1";
    const WITHIN: &'static str = "SELECT \
         customer, at, id, channel, touchpoint, engagement, direction, agent, served_by, reason, outcome, \
         escalated_to, unanswered_because, wait_ms, handle_ms, transfers, cost_minor, cost_currency, \
         sentiment, sentiment_source, sentiment_confidence, effort, effort_scale, effort_direction, links \
         FROM interactions WHERE customer = ?1 AND at >= ?2 AND at < ?3 ORDER BY at, id";

    fn key(&self) -> Uuid {
        *self.id().as_uuid()
    }

    fn whose(&self) -> CustomerId {
        self.customer()
    }

    fn insert(&self, statement: &mut Statement<'_>) -> rusqlite::Result<usize> {
        let (cost, sentiment, effort) = (self.cost(), self.sentiment(), self.effort());
        let source = sentiment.map(|sentiment| sentiment.source());
        let currency = cost.map(Money::currency);
        statement.execute(params![
            self.customer().as_uuid().as_bytes(),
            self.at().timestamp_micros(),
            self.id().as_uuid().as_bytes(),
            self.channel().to_text(),
            self.touchpoint().to_text(),
            self.engagement().to_text(),
            self.direction().as_str(),
            self.agent().as_ref().map(Agent::to_text),
            self.served_by().as_ref().map(Tag::as_str),
            self.reason().as_ref().map(Tag::as_str),
            self.outcome().as_ref().map(Outcome::to_text),
            self.escalated_to().as_ref().map(Tag::as_str),
            self.unanswered_because().as_ref().map(Tag::as_str),
            self.wait().map(milliseconds),
            self.handle_time().map(milliseconds),
            self.transfers(),
            cost.map(Money::minor),
            currency.as_ref().map(Currency::code),
            sentiment.map(|sentiment| sentiment.score()),
            source.as_ref().map(Tag::as_str),
            sentiment.map(|sentiment| sentiment.confidence().get()),
            effort.map(|effort| effort.answer()),
            effort.map(|effort| effort.scale()),
            effort.map(|effort| effort.direction().as_str()),
            links(self.links())?,
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

fn links(links: &[Link]) -> rusqlite::Result<Option<String>> {
    if links.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(links)
        .map(Some)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
