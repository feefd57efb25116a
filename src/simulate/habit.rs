//! What ordinary life consists of: which contacts happen when, how often, and what they are like.

use crate::interaction::{Agent, Channel, Direction, Engagement, Outcome, Touchpoint};
use crate::tag::Tag;

/// When in a customer's life a contact happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Awareness,
    Consideration,
    /// At each purchase, exactly one.
    Order,
    /// After each purchase, whatever comes next.
    AfterOrder,
    Existing,
    Exiting,
    Former,
}

/// Chances that add up to one, with what they lead to.
type Weighted<T> = &'static [(f64, T)];

/// One kind of contact that ordinary customers have.
#[derive(Debug)]
pub(super) struct Habit {
    pub(super) phase: Phase,
    /// The chance that it happens in one such phase.
    pub(super) chance: f64,
    /// It happens this many days into the phase at the earliest, and on average this many later. In awareness and
    /// consideration, whose ends are known, it may happen at any time.
    pub(super) days: (f64, f64),
    pub(super) places: Weighted<(Channel, Option<Agent>)>,
    pub(super) touchpoint: Touchpoint,
    pub(super) engagement: Engagement,
    pub(super) direction: Direction,
    /// Why customers come. No two kinds share a reason, so that a repeated reason is a repeated contact.
    pub(super) reasons: &'static [Tag],
    /// Whether the reason is recorded at all: routine steps state none.
    pub(super) states_reason: bool,
    pub(super) outcomes: Weighted<Option<Outcome>>,
    /// Median seconds until served; 0 where nobody waits.
    pub(super) wait: f64,
    /// Median seconds of serving.
    pub(super) handle: f64,
    /// Mean cost in hundredths of the unit of money.
    pub(super) cost: f64,
}

const ONLINE: Weighted<(Channel, Option<Agent>)> =
    &[(0.6, (Channel::Web, Some(Agent::SelfService))), (0.4, (Channel::Mobile, Some(Agent::SelfService)))];
const CHAT: Weighted<(Channel, Option<Agent>)> = &[
    (0.4, (Channel::Web, Some(Agent::Person))),
    (0.2, (Channel::Web, Some(Agent::Bot))),
    (0.4, (Channel::Mobile, Some(Agent::Person))),
];
const WRITTEN: Weighted<(Channel, Option<Agent>)> =
    &[(0.7, (Channel::Web, Some(Agent::Person))), (0.3, (Channel::Mobile, Some(Agent::Person)))];
const CALL: Weighted<(Channel, Option<Agent>)> = &[(1.0, (Channel::CallCentre, Some(Agent::Person)))];
const IVR: Weighted<(Channel, Option<Agent>)> = &[(1.0, (Channel::CallCentre, Some(Agent::Ivr)))];
const SHOP: Weighted<(Channel, Option<Agent>)> = &[(1.0, (Channel::Store, Some(Agent::Person)))];
const SENT: Weighted<(Channel, Option<Agent>)> = &[(1.0, (Channel::Web, None))];

const SALE: Weighted<Option<Outcome>> = &[(1.0, Some(Outcome::Sale))];
const DONE: Weighted<Option<Outcome>> = &[(1.0, Some(Outcome::Resolved))];
const UNKNOWN: Weighted<Option<Outcome>> = &[(1.0, None)];
const SERVED: Weighted<Option<Outcome>> = &[
    (0.86, Some(Outcome::Resolved)),
    (0.07, Some(Outcome::FollowUp)),
    (0.04, Some(Outcome::CallbackScheduled)),
    (0.03, Some(Outcome::Escalated)),
];
const INTERESTED: Weighted<Option<Outcome>> =
    &[(0.9, Some(Outcome::Resolved)), (0.1, Some(Outcome::FollowUp))];

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;

/// The contacts of ordinary life.
pub(super) const HABITS: &[Habit] = &[
    Habit {
        phase: Phase::Awareness,
        chance: 0.6,
        days: (0.0, 0.0),
        places: SENT,
        touchpoint: Touchpoint::MarketingMaterial,
        engagement: Engagement::Marketing,
        direction: Direction::Outbound,
        reasons: &[Tag::literal("catalogue")],
        states_reason: false,
        outcomes: UNKNOWN,
        wait: 0.0,
        handle: 0.0,
        cost: 90.0,
    },
    Habit {
        phase: Phase::Awareness,
        chance: 0.25,
        days: (0.0, 0.0),
        places: WRITTEN,
        touchpoint: Touchpoint::Social,
        engagement: Engagement::Marketing,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("recommended")],
        states_reason: false,
        outcomes: UNKNOWN,
        wait: 0.0,
        handle: 0.0,
        cost: 20.0,
    },
    Habit {
        phase: Phase::Consideration,
        chance: 0.8,
        days: (0.0, 0.0),
        places: ONLINE,
        touchpoint: Touchpoint::SelfService,
        engagement: Engagement::Sales,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("compare_products")],
        states_reason: false,
        outcomes: DONE,
        wait: 0.0,
        handle: 8.0 * MINUTE,
        cost: 5.0,
    },
    Habit {
        phase: Phase::Consideration,
        chance: 0.15,
        days: (0.0, 0.0),
        places: CHAT,
        touchpoint: Touchpoint::Chat,
        engagement: Engagement::Sales,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("availability"), Tag::literal("price")],
        states_reason: true,
        outcomes: INTERESTED,
        wait: 40.0,
        handle: 6.0 * MINUTE,
        cost: 300.0,
    },
    Habit {
        phase: Phase::Consideration,
        chance: 0.06,
        days: (0.0, 0.0),
        places: SHOP,
        touchpoint: Touchpoint::InPerson,
        engagement: Engagement::Sales,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("advice")],
        states_reason: true,
        outcomes: INTERESTED,
        wait: 4.0 * MINUTE,
        handle: 12.0 * MINUTE,
        cost: 700.0,
    },
    Habit {
        phase: Phase::Order,
        chance: 0.85,
        days: (0.0, 0.0),
        places: ONLINE,
        touchpoint: Touchpoint::SelfService,
        engagement: Engagement::Ordering,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("online_order")],
        states_reason: false,
        outcomes: SALE,
        wait: 0.0,
        handle: 9.0 * MINUTE,
        cost: 10.0,
    },
    Habit {
        phase: Phase::Order,
        chance: 0.08,
        days: (0.0, 0.0),
        places: CALL,
        touchpoint: Touchpoint::PhoneCallCentre,
        engagement: Engagement::Ordering,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("phone_order")],
        states_reason: false,
        outcomes: SALE,
        wait: 75.0,
        handle: 7.0 * MINUTE,
        cost: 600.0,
    },
    Habit {
        phase: Phase::Order,
        chance: 0.07,
        days: (0.0, 0.0),
        places: SHOP,
        touchpoint: Touchpoint::InPerson,
        engagement: Engagement::Ordering,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("shop_order")],
        states_reason: false,
        outcomes: SALE,
        wait: 4.0 * MINUTE,
        handle: 6.0 * MINUTE,
        cost: 400.0,
    },
    Habit {
        phase: Phase::AfterOrder,
        chance: 1.0,
        days: (0.05, 0.3),
        places: SENT,
        touchpoint: Touchpoint::Email,
        engagement: Engagement::Billing,
        direction: Direction::Outbound,
        reasons: &[Tag::literal("invoice")],
        states_reason: false,
        outcomes: DONE,
        wait: 0.0,
        handle: 0.0,
        cost: 3.0,
    },
    Habit {
        phase: Phase::AfterOrder,
        chance: 1.0,
        days: (0.5, 0.8),
        places: SENT,
        touchpoint: Touchpoint::Mail,
        engagement: Engagement::Fulfilment,
        direction: Direction::Outbound,
        reasons: &[Tag::literal("parcel")],
        states_reason: false,
        outcomes: DONE,
        wait: 60.0 * HOUR,
        handle: 5.0 * MINUTE,
        cost: 480.0,
    },
    Habit {
        phase: Phase::AfterOrder,
        chance: 0.35,
        days: (1.0, 2.0),
        places: CHAT,
        touchpoint: Touchpoint::Chat,
        engagement: Engagement::Fulfilment,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("where_is_my_order")],
        states_reason: true,
        outcomes: SERVED,
        wait: 45.0,
        handle: 5.0 * MINUTE,
        cost: 300.0,
    },
    Habit {
        phase: Phase::AfterOrder,
        chance: 0.2,
        days: (2.0, 3.0),
        places: SHOP,
        touchpoint: Touchpoint::PhoneInHouse,
        engagement: Engagement::Billing,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("unclear_invoice"), Tag::literal("payment_terms")],
        states_reason: true,
        outcomes: SERVED,
        wait: 50.0,
        handle: 6.0 * MINUTE,
        cost: 550.0,
    },
    Habit {
        phase: Phase::Existing,
        chance: 0.35,
        days: (0.0, 25.0),
        places: CALL,
        touchpoint: Touchpoint::PhoneCallCentre,
        engagement: Engagement::Support,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("product_question"), Tag::literal("return"), Tag::literal("account")],
        states_reason: true,
        outcomes: SERVED,
        wait: 90.0,
        handle: 7.0 * MINUTE,
        cost: 650.0,
    },
    Habit {
        phase: Phase::Existing,
        chance: 0.4,
        days: (0.0, 30.0),
        places: ONLINE,
        touchpoint: Touchpoint::SelfService,
        engagement: Engagement::Ordering,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("find_product")],
        states_reason: false,
        outcomes: DONE,
        wait: 0.0,
        handle: 6.0 * MINUTE,
        cost: 5.0,
    },
    Habit {
        phase: Phase::Existing,
        chance: 0.12,
        days: (0.0, 30.0),
        places: WRITTEN,
        touchpoint: Touchpoint::Email,
        engagement: Engagement::Support,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("warranty"), Tag::literal("newsletter_settings")],
        states_reason: true,
        outcomes: SERVED,
        wait: 6.0 * HOUR,
        handle: 8.0 * MINUTE,
        cost: 350.0,
    },
    Habit {
        phase: Phase::Existing,
        chance: 0.12,
        days: (0.0, 30.0),
        places: CHAT,
        touchpoint: Touchpoint::Chat,
        engagement: Engagement::Support,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("log_in"), Tag::literal("change_address")],
        states_reason: true,
        outcomes: SERVED,
        wait: 40.0,
        handle: 6.0 * MINUTE,
        cost: 300.0,
    },
    Habit {
        phase: Phase::Existing,
        chance: 0.08,
        days: (0.0, 20.0),
        places: IVR,
        touchpoint: Touchpoint::PhoneIvr,
        engagement: Engagement::Billing,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("balance")],
        states_reason: true,
        outcomes: SERVED,
        wait: 15.0,
        handle: 2.0 * MINUTE,
        cost: 40.0,
    },
    Habit {
        phase: Phase::Existing,
        chance: 0.04,
        days: (0.0, 30.0),
        places: WRITTEN,
        touchpoint: Touchpoint::Social,
        engagement: Engagement::Support,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("public_question")],
        states_reason: true,
        outcomes: SERVED,
        wait: 3.0 * HOUR,
        handle: 6.0 * MINUTE,
        cost: 300.0,
    },
    Habit {
        phase: Phase::Existing,
        chance: 0.05,
        days: (0.0, 40.0),
        places: SHOP,
        touchpoint: Touchpoint::InPerson,
        engagement: Engagement::Sales,
        direction: Direction::Inbound,
        reasons: &[Tag::literal("look_around")],
        states_reason: true,
        outcomes: INTERESTED,
        wait: 3.0 * MINUTE,
        handle: 10.0 * MINUTE,
        cost: 600.0,
    },
    Habit {
        phase: Phase::Existing,
        chance: 0.5,
        days: (3.0, 20.0),
        places: SENT,
        touchpoint: Touchpoint::Email,
        engagement: Engagement::Marketing,
        direction: Direction::Outbound,
        reasons: &[Tag::literal("newsletter")],
        states_reason: false,
        outcomes: UNKNOWN,
        wait: 0.0,
        handle: 0.0,
        cost: 2.0,
    },
    Habit {
        phase: Phase::Exiting,
        chance: 0.7,
        days: (0.0, 10.0),
        places: SENT,
        touchpoint: Touchpoint::Email,
        engagement: Engagement::Marketing,
        direction: Direction::Outbound,
        reasons: &[Tag::literal("we_miss_you")],
        states_reason: false,
        outcomes: UNKNOWN,
        wait: 0.0,
        handle: 0.0,
        cost: 2.0,
    },
    Habit {
        phase: Phase::Exiting,
        chance: 0.1,
        days: (5.0, 20.0),
        places: CALL,
        touchpoint: Touchpoint::PhoneCallCentre,
        engagement: Engagement::Sales,
        direction: Direction::Outbound,
        reasons: &[Tag::literal("retention_call")],
        states_reason: false,
        outcomes: INTERESTED,
        wait: 0.0,
        handle: 4.0 * MINUTE,
        cost: 500.0,
    },
    Habit {
        phase: Phase::Former,
        chance: 0.3,
        days: (10.0, 40.0),
        places: SENT,
        touchpoint: Touchpoint::Mail,
        engagement: Engagement::Marketing,
        direction: Direction::Outbound,
        reasons: &[Tag::literal("win_back")],
        states_reason: false,
        outcomes: UNKNOWN,
        wait: 0.0,
        handle: 0.0,
        cost: 90.0,
    },
];

/// The habits of one phase.
pub(super) fn of(phase: Phase) -> impl Iterator<Item = &'static Habit> {
    HABITS.iter().filter(move |habit| habit.phase == phase)
}

/// What a uniform number picks among chances; the last one takes what rounding leaves.
pub(super) fn pick<T: Copy>(weighted: Weighted<T>, mut uniform: f64) -> Option<T> {
    let last = weighted.last().map(|&(_, value)| value);
    for &(chance, value) in weighted {
        if uniform < chance {
            return Some(value);
        }
        uniform -= chance;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn chances_add_up_and_reasons_are_never_shared() {
        let mut seen = BTreeSet::new();
        let one = |sum: f64| assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        for habit in HABITS {
            one(habit.places.iter().map(|(chance, _)| chance).sum());
            one(habit.outcomes.iter().map(|(chance, _)| chance).sum());
            assert!(!habit.reasons.is_empty());
            for &reason in habit.reasons {
                assert!(seen.insert(reason), "{reason} twice");
            }
        }
        one(of(Phase::Order).map(|habit| habit.chance).sum());
        assert_eq!(pick(&[(0.5, 1), (0.5, 2)], 1.0), Some(2));
    }
}
