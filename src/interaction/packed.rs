//! An interaction as it is kept in memory: 128 bytes, because programs hold and read many of them. What most
//! interactions do not have lies apart.

use super::builder::Fields;
use super::{
    Agent, Channel, Direction, Effort, Engagement, InteractionId, Link, Outcome, Sentiment, Touchpoint,
};
use crate::customer::CustomerId;
use crate::money::{Currency, Money};
use crate::tag::Tag;
use chrono::{DateTime, Utc};

/// Stands for a duration that is not known; the longest allowed is far below.
const UNKNOWN: u64 = u64::MAX;

/// Stands for a cost that is not known; costs are not negative.
const NO_COST: i64 = -1;

#[derive(Clone, PartialEq)]
pub(super) struct Packed {
    pub(super) id: InteractionId,
    pub(super) customer: CustomerId,
    pub(super) at: DateTime<Utc>,
    wait_ms: u64,
    handle_ms: u64,
    cost_minor: i64,
    cost_currency: Currency,
    channel: u8,
    touchpoint: u8,
    engagement: u8,
    agent: u8,
    outcome: u8,
    pub(super) direction: Direction,
    pub(super) effort: Option<Effort>,
    pub(super) transfers: u16,
    pub(super) reason: Option<Tag>,
    /// `None` where all of it is empty.
    rare: Option<Box<Rare>>,
}

/// What most interactions do not have.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rare {
    served_by: Option<Tag>,
    escalated_to: Option<Tag>,
    unanswered_because: Option<Tag>,
    sentiment: Option<Sentiment>,
    links: Vec<Link>,
    terms: Option<Box<OwnTerms>>,
}

/// Terms of the user's own, beyond those every program knows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct OwnTerms {
    channel: Option<Tag>,
    touchpoint: Option<Tag>,
    engagement: Option<Tag>,
    agent: Option<Tag>,
    outcome: Option<Tag>,
}

/// The code of no term at all, and of one of the user's own.
const NONE: u8 = 0;
const OWN: u8 = u8::MAX;

/// Codes for the terms of an open vocabulary. A term without a code does not compile.
macro_rules! coded {
    ($pack:ident, $unpack:ident, $name:ident { $($term:ident = $code:literal,)+ }) => {
        /// The code of a term, and the tag of one of the user's own.
        const fn $pack(term: $name) -> (u8, Option<Tag>) {
            match term {
                $( $name::$term => ($code, None), )+
                $name::Other(tag) => (OWN, Some(tag)),
            }
        }

        /// The term of a code; `None` for none.
        #[inline]
        const fn $unpack(code: u8, own: Option<Tag>) -> Option<$name> {
            match (code, own) {
                $( ($code, _) => Some($name::$term), )+
                (OWN, Some(tag)) => Some($name::Other(tag)),
                _ => None,
            }
        }
    };
}

coded!(pack_channel, channel_of, Channel { Web = 1, Mobile = 2, Store = 3, CallCentre = 4, });
coded!(
    pack_touchpoint,
    touchpoint_of,
    Touchpoint {
        PhoneCallCentre = 1,
        PhoneIvr = 2,
        PhoneInHouse = 3,
        Social = 4,
        Email = 5,
        Chat = 6,
        SelfService = 7,
        InPerson = 8,
        Mail = 9,
        MarketingMaterial = 10,
    }
);
coded!(
    pack_engagement,
    engagement_of,
    Engagement { Ordering = 1, Fulfilment = 2, Billing = 3, Support = 4, Sales = 5, Marketing = 6, }
);
coded!(pack_agent, agent_of, Agent { Person = 1, Ivr = 2, Bot = 3, SelfService = 4, });
coded!(
    pack_outcome,
    outcome_of,
    Outcome {
        Resolved = 1,
        Escalated = 2,
        CallbackScheduled = 3,
        FollowUp = 4,
        Abandoned = 5,
        Transferred = 6,
        Unanswered = 7,
        Sale = 8,
        Complaint = 9,
    }
);

impl Packed {
    /// Keeps fields that obey the rules.
    pub(super) fn new(fields: Fields) -> Self {
        let (channel, own_channel) = pack_channel(fields.channel);
        let (touchpoint, own_touchpoint) = pack_touchpoint(fields.touchpoint);
        let (engagement, own_engagement) = pack_engagement(fields.engagement);
        let (agent, own_agent) = fields.agent.map_or((NONE, None), pack_agent);
        let (outcome, own_outcome) = fields.outcome.map_or((NONE, None), pack_outcome);
        let terms = OwnTerms {
            channel: own_channel,
            touchpoint: own_touchpoint,
            engagement: own_engagement,
            agent: own_agent,
            outcome: own_outcome,
        };
        let rare = Rare {
            served_by: fields.served_by,
            escalated_to: fields.escalated_to,
            unanswered_because: fields.unanswered_because,
            sentiment: fields.sentiment,
            links: fields.links,
            terms: (terms != OwnTerms::default()).then(|| Box::new(terms)),
        };
        Self {
            id: fields.id,
            customer: fields.customer,
            at: fields.at,
            wait_ms: fields.wait_ms.unwrap_or(UNKNOWN),
            handle_ms: fields.handle_ms.unwrap_or(UNKNOWN),
            cost_minor: fields.cost.map_or(NO_COST, Money::minor),
            cost_currency: fields.cost.map_or(Currency::EUR, Money::currency),
            channel,
            touchpoint,
            engagement,
            agent,
            outcome,
            direction: fields.direction,
            effort: fields.effort,
            transfers: fields.transfers,
            reason: fields.reason,
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
        }
    }

    /// All fields, as they are written.
    pub(super) fn fields(&self) -> Fields<&[Link]> {
        Fields {
            id: self.id,
            customer: self.customer,
            at: self.at,
            channel: self.channel(),
            touchpoint: self.touchpoint(),
            engagement: self.engagement(),
            direction: self.direction,
            agent: self.agent(),
            served_by: self.served_by(),
            reason: self.reason,
            outcome: self.outcome(),
            escalated_to: self.escalated_to(),
            unanswered_because: self.unanswered_because(),
            wait_ms: self.wait_ms(),
            handle_ms: self.handle_ms(),
            transfers: self.transfers,
            cost: self.cost(),
            sentiment: self.sentiment(),
            effort: self.effort,
            links: self.links(),
        }
    }

    /// Looked up only for a code that asks for it: what lies apart is far away.
    #[inline]
    const fn own_terms(&self, code: u8) -> &OwnTerms {
        const ABSENT: &OwnTerms =
            &OwnTerms { channel: None, touchpoint: None, engagement: None, agent: None, outcome: None };
        if code == OWN
            && let Some(rare) = &self.rare
            && let Some(terms) = &rare.terms
        {
            terms
        } else {
            ABSENT
        }
    }

    // Every interaction has a channel, a touch point and an engagement, so that the second arms are never taken.
    #[inline]
    pub(super) const fn channel(&self) -> Channel {
        match channel_of(self.channel, self.own_terms(self.channel).channel) {
            Some(channel) => channel,
            None => Channel::Web,
        }
    }

    #[inline]
    pub(super) const fn touchpoint(&self) -> Touchpoint {
        match touchpoint_of(self.touchpoint, self.own_terms(self.touchpoint).touchpoint) {
            Some(touchpoint) => touchpoint,
            None => Touchpoint::SelfService,
        }
    }

    #[inline]
    pub(super) const fn engagement(&self) -> Engagement {
        match engagement_of(self.engagement, self.own_terms(self.engagement).engagement) {
            Some(engagement) => engagement,
            None => Engagement::Support,
        }
    }

    #[inline]
    pub(super) const fn agent(&self) -> Option<Agent> {
        agent_of(self.agent, self.own_terms(self.agent).agent)
    }

    #[inline]
    pub(super) const fn outcome(&self) -> Option<Outcome> {
        outcome_of(self.outcome, self.own_terms(self.outcome).outcome)
    }

    pub(super) const fn served_by(&self) -> Option<Tag> {
        match &self.rare {
            Some(rare) => rare.served_by,
            None => None,
        }
    }

    pub(super) const fn escalated_to(&self) -> Option<Tag> {
        match &self.rare {
            Some(rare) => rare.escalated_to,
            None => None,
        }
    }

    pub(super) const fn unanswered_because(&self) -> Option<Tag> {
        match &self.rare {
            Some(rare) => rare.unanswered_because,
            None => None,
        }
    }

    pub(super) const fn sentiment(&self) -> Option<Sentiment> {
        match &self.rare {
            Some(rare) => rare.sentiment,
            None => None,
        }
    }

    pub(super) const fn wait_ms(&self) -> Option<u64> {
        if self.wait_ms == UNKNOWN { None } else { Some(self.wait_ms) }
    }

    pub(super) const fn handle_ms(&self) -> Option<u64> {
        if self.handle_ms == UNKNOWN { None } else { Some(self.handle_ms) }
    }

    pub(super) const fn cost(&self) -> Option<Money> {
        if self.cost_minor == NO_COST { None } else { Some(Money::new(self.cost_minor, self.cost_currency)) }
    }

    pub(super) fn links(&self) -> &[Link] {
        self.rare.as_ref().map_or(&[], |rare| &rare.links)
    }
}

#[cfg(test)]
mod tests;
