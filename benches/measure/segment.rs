//! Rules that say who is in a segment: one rule, many customers.

use crate::cpu::{Random, Target, figure, seconds};
use chrono::{DateTime, Utc};
use patronage::Tag;
use patronage::consent::{ConsentDecision, DecidedBy, Purpose};
use patronage::customer::CustomerId;
use patronage::segment::{RuleEvent, RuleValue, SegmentRules};
use std::fmt::Write;
use std::hint::black_box;

/// Few enough for the cache: a service fills in one customer and asks at once.
const CUSTOMERS: u32 = 1_000;
const ROUNDS: u32 = 200;
/// The day on which the rule is asked.
const TODAY: u64 = 20_000;

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

/// What is known of a customer: whether the country is ch, the days of the first purchase and of the latest ones, the
/// score, the consent.
struct Known {
    home: bool,
    first: u64,
    purchases: Vec<u64>,
    score: u64,
    allowed: bool,
}

fn customers() -> Vec<Known> {
    let mut random = Random(7);
    (0..CUSTOMERS)
        .map(|_| Known {
            home: !random.next().is_multiple_of(3),
            first: 19_000 + random.next() % 1_000,
            purchases: (0..random.next() % 8).map(|_| 19_600 + random.next() % 400).collect(),
            score: 1 + random.next() % 5,
            allowed: random.next().is_multiple_of(2),
        })
        .collect()
}

/// What a peer is told of each customer: country, day of the first purchase, score, consent, days of the latest purchases.
pub fn rows() -> String {
    customers().iter().fold(String::new(), |mut rows, known| {
        let country = if known.home { "ch" } else { "de" };
        write!(rows, "{country} {} {} {}", known.first, known.score, known.allowed).expect("text");
        known.purchases.iter().for_each(|day| write!(rows, " {day}").expect("text"));
        rows.push('\n');
        rows
    })
}

/// Nanoseconds for one customer, and how many are in the segment.
pub fn rule() -> (f64, usize) {
    let rules: SegmentRules = serde_json::from_str(RULE).expect("a valid rule");
    let key = rules.key(Tag::literal("worth_a_letter")).expect("a segment");
    let day = |day: u64| DateTime::<Utc>::from_timestamp(day as i64 * 86_400, 0).expect("a day");
    let facts: Vec<_> = (0..)
        .zip(customers())
        .map(|(number, known): (u32, Known)| {
            let mut facts = rules.facts(CustomerId::derive(&["bench", &number.to_string()]));
            let country = RuleValue::Name(Tag::literal(if known.home { "ch" } else { "de" }));
            facts.field(Tag::literal("country"), country).expect("a field");
            let first = RuleValue::Instant(day(known.first));
            facts.field(Tag::literal("first_purchase"), first).expect("a field");
            let events = known.purchases.iter().map(|&at| RuleEvent { at: day(at), value: None });
            facts.events(Tag::literal("purchase"), events.collect::<Vec<_>>()).expect("events");
            facts.score(Tag::literal("rfm.monetary"), known.score as f64).expect("a score");
            let decision = ConsentDecision { allowed: known.allowed, by: DecidedBy::Default, until: None };
            facts.consent(Purpose::DirectMarketing, &decision);
            facts
        })
        .collect();
    let now = day(TODAY);
    let count = || facts.iter().filter(|facts| black_box(facts.eval(key, black_box(now))).is_in()).count();
    let time = seconds(11, || (0..ROUNDS).map(|_| count()).sum::<usize>());
    (time * 1e9 / f64::from(CUSTOMERS * ROUNDS), count())
}

pub fn figures() {
    let name = "rule of 5 conditions with validity and reasons";
    figure(name, rule().0, "ns/customer", Target::AtMost(100.0));
}
