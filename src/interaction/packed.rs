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

impl OwnTerms {
    const NONE: Self = Self { channel: None, touchpoint: None, engagement: None, agent: None, outcome: None };
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

    #[inline]
    const fn terms(&self) -> OwnTerms {
        match &self.rare {
            Some(rare) => match &rare.terms {
                Some(terms) => **terms,
                None => OwnTerms::NONE,
            },
            None => OwnTerms::NONE,
        }
    }

    // Every interaction has a channel, a touch point and an engagement, so that the second arms are never taken.
    #[inline]
    pub(super) const fn channel(&self) -> Channel {
        match channel_of(self.channel, self.terms().channel) {
            Some(channel) => channel,
            None => Channel::Web,
        }
    }

    #[inline]
    pub(super) const fn touchpoint(&self) -> Touchpoint {
        match touchpoint_of(self.touchpoint, self.terms().touchpoint) {
            Some(touchpoint) => touchpoint,
            None => Touchpoint::SelfService,
        }
    }

    #[inline]
    pub(super) const fn engagement(&self) -> Engagement {
        match engagement_of(self.engagement, self.terms().engagement) {
            Some(engagement) => engagement,
            None => Engagement::Support,
        }
    }

    #[inline]
    pub(super) const fn agent(&self) -> Option<Agent> {
        agent_of(self.agent, self.terms().agent)
    }

    #[inline]
    pub(super) const fn outcome(&self) -> Option<Outcome> {
        outcome_of(self.outcome, self.terms().outcome)
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
mod tests {
    use super::*;
    use crate::interaction::{EffortDirection, Interaction};
    use crate::measure::Share;
    use uuid::Uuid;

    /// Every field set, each term once: what is packed is what was built.
    #[test]
    fn nothing_is_lost() {
        let own = Tag::literal("our_own");
        let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        let base = || Fields {
            id: InteractionId::derive(&["i"]),
            customer: CustomerId::derive(&["c"]),
            at,
            channel: Channel::Other(own),
            touchpoint: Touchpoint::Other(Tag::literal("kiosk")),
            engagement: Engagement::Other(Tag::literal("training")),
            direction: Direction::Internal,
            agent: Some(Agent::Other(Tag::literal("partner"))),
            served_by: Some(Tag::literal("agent7")),
            reason: Some(Tag::literal("invoice")),
            outcome: Some(Outcome::Other(Tag::literal("lost_line"))),
            escalated_to: Some(Tag::literal("second_level")),
            unanswered_because: Some(Tag::literal("no_expert")),
            wait_ms: Some(0),
            handle_ms: Some(7),
            transfers: 3,
            cost: Some(Money::new(0, Currency::JPY)),
            sentiment: Some(Sentiment::new(-0.5, own, Share::ONE).unwrap()),
            effort: Some(Effort::new(2, 5, EffortDirection::HardIsHigh).unwrap()),
            links: vec![Link::Other(Uuid::from_u128(9))],
        };
        let same = |fields: Fields| {
            let text = serde_json::to_string(&fields).unwrap();
            let packed = Interaction::try_from(fields).unwrap();
            assert_eq!(serde_json::to_string(&packed).unwrap(), text);
            assert_eq!(serde_json::from_str::<Interaction>(&text).unwrap(), packed);
            packed
        };
        let full = same(base());
        assert_eq!(
            (full.wait(), full.cost()),
            (Some(std::time::Duration::ZERO), Some(Money::new(0, Currency::JPY)))
        );
        for &channel in Channel::KNOWN {
            assert_eq!(same(Fields { channel, ..base() }).channel(), channel);
        }
        for &touchpoint in Touchpoint::KNOWN {
            assert_eq!(same(Fields { touchpoint, ..base() }).touchpoint(), touchpoint);
        }
        for &engagement in Engagement::KNOWN {
            assert_eq!(same(Fields { engagement, ..base() }).engagement(), engagement);
        }
        for &agent in Agent::KNOWN {
            assert_eq!(same(Fields { agent: Some(agent), ..base() }).agent(), Some(agent));
        }
        for &outcome in Outcome::KNOWN {
            assert_eq!(same(Fields { outcome: Some(outcome), ..base() }).outcome(), Some(outcome));
        }
        let empty = Interaction::builder(full.id(), full.customer(), at).build().unwrap();
        assert_eq!((empty.agent(), empty.outcome(), empty.cost(), empty.wait()), (None, None, None, None));
        assert!(empty.links().is_empty() && empty.sentiment().is_none() && empty.served_by().is_none());
    }

    #[test]
    fn two_cache_lines_hold_an_interaction() {
        assert!(size_of::<Interaction>() <= 128, "{} bytes", size_of::<Interaction>());
    }
}
