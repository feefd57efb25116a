//! Rules that say who is in a segment: one rule, many customers.

use crate::cpu::{Random, Target, figure, seconds};
use chrono::{DateTime, Utc};
use patronage::Tag;
use patronage::consent::{ConsentDecision, DecidedBy, Purpose};
use patronage::customer::CustomerId;
use patronage::segment::{RuleEvent, RuleValue, SegmentRules};
use std::hint::black_box;

/// Few enough for the cache: a service fills in one customer and asks at once.
const CUSTOMERS: u32 = 1_000;
const ROUNDS: u32 = 200;

/// Five conditions, one of each kind that a service asks most: a name, an age, a count of events, a score, a consent.
const RULE: &str = r#"[{"segment":"worth_a_letter","rule":{"all":[
    {"field":{"name":"country","is":"is","value":"ch"}},
    {"age":{"of":"first_purchase","is":"at_least","span":"365d"}},
    {"any":[
        {"count":{"event":"purchase","within":"90d","is":"at_least","count":2}},
        {"score":{"name":"rfm.monetary","from":4,"to":5}}
    ]},
    {"consent":"DirectMarketing"}
]}}]"#;

pub fn figures() {
    let rules: SegmentRules = serde_json::from_str(RULE).expect("a valid rule");
    let key = rules.key(Tag::literal("worth_a_letter")).expect("a segment");
    let day = |day: u64| DateTime::<Utc>::from_timestamp(day as i64 * 86_400, 0).expect("a day");
    let mut random = Random(7);
    let facts: Vec<_> = (0..CUSTOMERS)
        .map(|number| {
            let mut facts = rules.facts(CustomerId::derive(&["bench", &number.to_string()]));
            let country = if !random.next().is_multiple_of(3) { "ch" } else { "de" };
            facts.field(Tag::literal("country"), RuleValue::Name(Tag::literal(country))).expect("a field");
            let first = RuleValue::Instant(day(19_000 + random.next() % 1_000));
            facts.field(Tag::literal("first_purchase"), first).expect("a field");
            let events = (0..random.next() % 8)
                .map(|_| RuleEvent { at: day(19_600 + random.next() % 400), value: None });
            facts.events(Tag::literal("purchase"), events.collect::<Vec<_>>()).expect("events");
            facts.score(Tag::literal("rfm.monetary"), (1 + random.next() % 5) as f64).expect("a score");
            let decision = ConsentDecision {
                allowed: random.next().is_multiple_of(2),
                by: DecidedBy::Default,
                until: None,
            };
            facts.consent(Purpose::DirectMarketing, &decision);
            facts
        })
        .collect();
    let now = day(20_000);
    let time = seconds(11, || {
        (0..ROUNDS)
            .map(|_| facts.iter().filter(|facts| black_box(facts.eval(key, black_box(now))).is_in()).count())
            .sum::<usize>()
    });
    figure(
        "rule of 5 conditions with validity and reasons",
        time * 1e9 / f64::from(CUSTOMERS * ROUNDS),
        "ns/customer",
        Target::AtMost(100.0),
    );
}
