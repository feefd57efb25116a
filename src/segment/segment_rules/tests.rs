use super::*;
use crate::consent::{ConsentDecision, DecidedBy};
use crate::lifecycle::LifecycleStage;
use crate::period::Period;
use crate::segment::{Crossing, EventTest, RuleEvent, RuleSpan, RuleValue};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use twox_hash::XxHash3_128;

const NAMES: [Tag; 3] = [Tag::literal("a"), Tag::literal("b"), Tag::literal("c")];

fn instant(hour: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + hour * 3600, 0).unwrap()
}

fn customer(number: u32) -> CustomerId {
    CustomerId::derive(&["test", &number.to_string()])
}

/// The hour and the value of an event.
type Happened = (i64, Option<RuleValue>);

/// What the facts of a test hold: few values, so that everything happens.
#[derive(Clone, Debug)]
struct World {
    fields: Vec<Option<(RuleValue, Option<i64>)>>,
    events: Vec<Option<Vec<Happened>>>,
    consent: Option<(bool, Option<i64>)>,
    stage: Option<LifecycleStage>,
    rung: Option<u8>,
    score: Option<i32>,
    customer: u32,
}

fn value() -> impl Strategy<Value = RuleValue> {
    prop_oneof![
        any::<bool>().prop_map(RuleValue::Flag),
        (0_i32..5).prop_map(|x| RuleValue::Number(x.into())),
        (0_usize..3).prop_map(|name| RuleValue::Name(NAMES[name])),
        (0_i64..60).prop_map(|hour| RuleValue::Instant(instant(hour))),
    ]
}

fn comparison() -> impl Strategy<Value = RuleComparison> {
    prop::sample::select(RuleComparison::ALL)
}

fn world() -> impl Strategy<Value = World> {
    let field = prop::option::of((value(), prop::option::of(0_i64..60)));
    let event = (0_i64..80, prop::option::of(value()));
    let events = prop::option::of(prop::collection::vec(event, 0..8));
    (
        prop::collection::vec(field, 3),
        prop::collection::vec(events, 3),
        prop::option::of((any::<bool>(), prop::option::of(0_i64..80))),
        prop::option::of(prop::sample::select(LifecycleStage::ALL)),
        prop::option::of(0_u8..6),
        prop::option::of(0..5),
        0_u32..50,
    )
        .prop_map(|(fields, events, consent, stage, rung, score, customer)| World {
            fields,
            events,
            consent,
            stage,
            rung,
            score,
            customer,
        })
}

fn leaf() -> impl Strategy<Value = Rule> {
    let name = || prop::sample::select(&NAMES[..]);
    let test = || {
        (comparison(), value()).prop_map(|(is, value)| {
            let ordered = matches!(value, RuleValue::Number(_) | RuleValue::Instant(_));
            EventTest {
                is: if ordered {
                    is
                } else if is.orders() {
                    RuleComparison::Is
                } else {
                    is
                },
                value,
            }
        })
    };
    let span = || (1_u32..40).prop_map(|hours| RuleSpan::seconds(hours * 3600).unwrap());
    let order = || comparison().prop_filter("an order", |is| is.orders());
    prop_oneof![
        (name(), test()).prop_map(|(name, EventTest { is, value })| Rule::Field { name, is, value }),
        (name(), order(), span()).prop_map(|(of, is, span)| Rule::Age { of, is, span }),
        (name(), prop::option::of(span()), prop::option::of(test()), comparison(), 0_u32..4)
            .prop_map(|(event, within, having, is, count)| Rule::Count { event, within, having, is, count }),
        (name(), test()).prop_map(|(event, EventTest { is, value })| Rule::Last { event, is, value }),
        (name(), test(), span()).prop_map(|(name, EventTest { is, value }, span)| Rule::Held {
            name,
            is,
            value,
            span
        }),
        Just(Rule::Consent(Purpose::DirectMarketing)),
        prop::collection::vec(prop::sample::select(LifecycleStage::ALL), 1..4).prop_map(Rule::Stage),
        (comparison(), 0_u8..6).prop_map(|(is, value)| Rule::Rung { is, value }),
        (0_i32..3, 0_i32..3).prop_map(|(from, more)| Rule::Score {
            name: NAMES[0],
            from: from.into(),
            to: (from + more).into(),
        }),
        (0_u16..5000, 1_u16..5000).prop_map(|(from, more)| Rule::Bucket {
            salt: NAMES[1],
            from,
            to: from + more,
        }),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    leaf().prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Rule::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Rule::Any),
            inner.prop_map(|part| Rule::Not(Box::new(part))),
        ]
    })
}

fn fill(world: &World, facts: &mut Facts<'_>) {
    facts.clear(customer(world.customer));
    for (name, field) in NAMES.into_iter().zip(&world.fields) {
        match *field {
            Some((value, Some(since))) => facts.field_since(name, value, instant(since)).unwrap(),
            Some((value, None)) => facts.field(name, value).unwrap(),
            None => {}
        }
    }
    for (name, events) in NAMES.into_iter().zip(&world.events) {
        if let Some(events) = events {
            let events = events.iter().map(|&(at, value)| RuleEvent { at: instant(at), value });
            facts.events(name, events).unwrap();
        }
    }
    if let Some((allowed, until)) = world.consent {
        let decision = ConsentDecision { allowed, by: DecidedBy::Default, until: until.map(instant) };
        facts.consent(Purpose::DirectMarketing, &decision);
    }
    if let Some(stage) = world.stage {
        facts.stage(stage);
    }
    if let Some(rung) = world.rung {
        facts.rung(rung);
    }
    if let Some(score) = world.score {
        facts.score(NAMES[0], score.into()).unwrap();
    }
}

fn order(is: RuleComparison, ordering: std::cmp::Ordering) -> bool {
    match is {
        RuleComparison::Is => ordering.is_eq(),
        RuleComparison::IsNot => ordering.is_ne(),
        RuleComparison::LessThan => ordering.is_lt(),
        RuleComparison::AtMost => ordering.is_le(),
        RuleComparison::MoreThan => ordering.is_gt(),
        RuleComparison::AtLeast => ordering.is_ge(),
    }
}

fn compared(known: RuleValue, is: RuleComparison, wanted: RuleValue) -> Option<bool> {
    let ordering = match (known, wanted) {
        (RuleValue::Flag(a), RuleValue::Flag(b)) => a.cmp(&b),
        (RuleValue::Number(a), RuleValue::Number(b)) => a.total_cmp(&b),
        (RuleValue::Name(a), RuleValue::Name(b)) => a.cmp(&b),
        (RuleValue::Instant(a), RuleValue::Instant(b)) => a.cmp(&b),
        _ => return None,
    };
    Some(order(is, ordering))
}

/// The rules once more, by reading the tree: nothing is compiled, nothing is searched.
fn naive(rule: &Rule, world: &World, now: DateTime<Utc>) -> Option<bool> {
    let place = |name: Tag| NAMES.iter().position(|&known| known == name).unwrap();
    let past = |event: Tag| {
        let mut events = world.events[place(event)].clone()?;
        events.retain(|&(at, _)| instant(at) <= now);
        events.sort_by_key(|&(at, _)| at);
        Some(events)
    };
    match rule {
        Rule::All(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| naive(part, world, now)).collect();
            if parts.contains(&Some(false)) {
                Some(false)
            } else {
                parts.contains(&None).then_some(()).map_or(Some(true), |()| None)
            }
        }
        Rule::Any(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| naive(part, world, now)).collect();
            if parts.contains(&Some(true)) {
                Some(true)
            } else {
                parts.contains(&None).then_some(()).map_or(Some(false), |()| None)
            }
        }
        Rule::Not(inner) => naive(inner, world, now).map(|holds| !holds),
        Rule::Field { name, is, value } => compared(world.fields[place(*name)]?.0, *is, *value),
        Rule::Age { of, is, span } => match world.fields[place(*of)]?.0 {
            RuleValue::Instant(since) => {
                Some(order(*is, (now - since).cmp(&TimeDelta::microseconds(span.micros()))))
            }
            _ => None,
        },
        Rule::Count { event, within, having, is, count } => {
            let window = within.map(|span| TimeDelta::microseconds(span.micros()));
            let number = past(*event)?
                .into_iter()
                .filter(|&(at, _)| window.is_none_or(|window| now - instant(at) < window))
                .filter(|&(_, value)| {
                    having.is_none_or(|test| {
                        value.is_some_and(|value| compared(value, test.is, test.value) == Some(true))
                    })
                })
                .count();
            Some(order(*is, number.cmp(&usize::try_from(*count).unwrap())))
        }
        Rule::Last { event, is, value } => match past(*event)?.last() {
            None => Some(false),
            Some((_, known)) => compared((*known)?, *is, *value),
        },
        Rule::Held { name, is, value, span } => {
            let (known, since) = world.fields[place(*name)]?;
            if compared(known, *is, *value)? {
                Some(now - instant(since?) >= TimeDelta::microseconds(span.micros()))
            } else {
                Some(false)
            }
        }
        Rule::Consent(_) => {
            let (allowed, until) = world.consent?;
            until.is_none_or(|until| now < instant(until)).then_some(allowed)
        }
        Rule::Stage(stages) => Some(stages.contains(&world.stage?)),
        Rule::Rung { is, value } => Some(order(*is, world.rung?.cmp(value))),
        Rule::Score { from, to, .. } => Some((*from..=*to).contains(&f64::from(world.score?))),
        Rule::Bucket { salt, from, to } => {
            let seed = seed(*salt);
            let hash = XxHash3_128::oneshot_with_seed(seed, customer(world.customer).as_uuid().as_bytes());
            let share = (hash & u128::from(u64::MAX)) * 10_000 / (1 << 64);
            Some((u128::from(*from)..u128::from(*to)).contains(&share))
        }
        Rule::InSegment(_) => None,
    }
}

fn truth(value: Option<bool>) -> Truth {
    value.map_or(Truth::Unknown, Truth::of)
}

/// The rule alone, and as a part of another segment's; `None` where it contradicts itself.
fn rules_of(rule: &Rule) -> Option<SegmentRules> {
    let named = |segment, rule| NamedRule { segment, rule };
    let other = Rule::Any(vec![Rule::Not(Box::new(Rule::InSegment(NAMES[0])))]);
    match SegmentRules::new(vec![named(NAMES[1], other), named(NAMES[0], rule.clone())]) {
        Ok(rules) => Some(rules),
        Err(RuleError::Contradiction { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

/// The value of a rule of which only these conditions are known.
fn fixed(rule: &Rule, place: &mut Place, why: &[RuleReason]) -> Option<bool> {
    match rule {
        Rule::All(parts) | Rule::Any(parts) => {
            let (kind, strong) = if matches!(rule, Rule::All(_)) { ("all", false) } else { ("any", true) };
            let found: Vec<_> = parts
                .iter()
                .enumerate()
                .map(|(i, part)| place.within(kind, Some(i), |place| fixed(part, place, why)))
                .collect();
            if found.contains(&Some(strong)) {
                return Some(strong);
            }
            if found.contains(&None) { None } else { Some(!strong) }
        }
        Rule::Not(part) => place.within("not", None, |place| fixed(part, place, why)).map(|holds| !holds),
        _ => {
            let known = why.iter().find(|reason| reason.place == place.shown())?;
            (known.value != Truth::Unknown).then_some(known.value == Truth::True)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn compiled_rules_say_what_the_tree_says_and_stay_valid(
        rule in rule(),
        worlds in prop::collection::vec(world(), 1..4),
        hours in prop::collection::vec(0_i64..120, 1..6),
    ) {
        let Some(rules) = rules_of(&rule) else { return Ok(()) };
        let key = rules.key(NAMES[0]).unwrap();
        let mut facts = rules.facts(customer(0));
        for world in &worlds {
            fill(world, &mut facts);
            for &hour in &hours {
                let now = instant(hour);
                let verdict = facts.eval(key, now);
                prop_assert_eq!(verdict.value(), truth(naive(&rule, world, now)), "{:?}", rule);
                let other = facts.eval(rules.key(NAMES[1]).unwrap(), now);
                prop_assert_eq!(other.value(), truth(naive(&rule, world, now).map(|holds| !holds)));
                prop_assert_eq!(other.valid_until(), verdict.valid_until());
                prop_assert!(verdict.valid_until().is_none_or(|until| until > now));
                // Nothing changes before, to the microsecond.
                let end = verdict.valid_until().unwrap_or(instant(1000));
                let last = end - TimeDelta::microseconds(1);
                for later in hours.iter().map(|&more| instant(hour + more)).filter(|&t| t < end).chain([last]) {
                    prop_assert_eq!(facts.eval(key, later).value(), verdict.value());
                    prop_assert_eq!(truth(naive(&rule, world, later)), verdict.value());
                }
                // A condition alone says the very instant.
                if !matches!(rule, Rule::All(_) | Rule::Any(_) | Rule::Not(_)) && verdict.valid_until().is_some() {
                    prop_assert_ne!(facts.eval(key, end).value(), verdict.value());
                }
            }
        }
    }

    /// With the conditions of `why` as they are, whatever becomes of the others, the verdict stays.
    #[test]
    fn reasons_are_enough(rule in rule(), world in world(), hour in 0_i64..120) {
        let Some(rules) = rules_of(&rule) else { return Ok(()) };
        let mut facts = rules.facts(customer(0));
        fill(&world, &mut facts);
        let verdict = facts.eval(rules.key(NAMES[0]).unwrap(), instant(hour));
        let why = rules.why(&verdict);
        prop_assert!(!why.is_empty());
        if verdict.value() != Truth::Unknown {
            // All other conditions count as unknown here: they decide nothing.
            prop_assert_eq!(truth(fixed(&rule, &mut Place::root(), &why)), verdict.value());
        }
    }

    #[test]
    fn rules_survive_json(rule in rule()) {
        let text = serde_json::to_string(&rule).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Rule>(&text).unwrap(), &rule);
        if let Some(rules) = rules_of(&rule) {
            let text = serde_json::to_string(&rules).unwrap();
            prop_assert_eq!(serde_json::from_str::<SegmentRules>(&text).unwrap(), rules);
        }
    }

    /// What is refused as a contradiction nobody meets: conjunctions of conditions against many customers.
    #[test]
    fn contradictions_are_met_by_nobody(
        parts in prop::collection::vec((leaf(), any::<bool>()), 1..5),
        worlds in prop::collection::vec(world(), 30),
    ) {
        let parts = parts.into_iter().map(|(leaf, not)| if not { Rule::Not(Box::new(leaf)) } else { leaf });
        let rule = Rule::All(parts.collect());
        if rules_of(&rule).is_none() {
            for world in &worlds {
                for hour in [0, 30, 79] {
                    prop_assert_ne!(naive(&rule, world, instant(hour)), Some(true), "{:?}", rule);
                }
            }
        }
    }

    /// And what is not refused somebody meets: conditions on one field, against every value there is.
    #[test]
    fn possible_conditions_are_not_refused(
        tests in prop::collection::vec((comparison(), 0_u8..4, any::<bool>()), 1..5),
    ) {
        let parts = tests.iter().map(|&(is, x, not)| {
            let leaf = Rule::Field { name: NAMES[0], is, value: RuleValue::Number(x.into()) };
            if not { Rule::Not(Box::new(leaf)) } else { leaf }
        });
        let met = (-2..10).map(|half| f64::from(half) / 2.0).any(|known| {
            tests.iter().all(|&(is, x, not)| order(is, known.total_cmp(&x.into())) != not)
        });
        prop_assert_eq!(rules_of(&Rule::All(parts.collect())).is_some(), met);
    }

    #[test]
    fn crossings_are_those_of_every_hour(rule in rule(), world in world()) {
        let Some(rules) = rules_of(&rule) else { return Ok(()) };
        let mut facts = rules.facts(customer(0));
        fill(&world, &mut facts);
        let key = rules.key(NAMES[0]).unwrap();
        let period = Period::new(instant(0), instant(130)).unwrap();
        let found = facts.crossings(key, period);
        let is_in = |at| facts.eval(key, at).is_in();
        for &(at, crossing) in &found {
            prop_assert_eq!(is_in(at), crossing == Crossing::Entered);
            prop_assert_ne!(is_in(at - TimeDelta::microseconds(1)), is_in(at));
        }
        // Everything in these worlds happens at whole hours, or a microsecond later.
        let mut count = 0;
        for hour in 1..130 {
            let (before, at) = (instant(hour - 1) + TimeDelta::microseconds(1), instant(hour));
            count += usize::from(is_in(before) != is_in(at));
            let after = at + TimeDelta::microseconds(1);
            count += usize::from(hour < 129 && is_in(at) != is_in(after));
        }
        count += usize::from(is_in(instant(0)) != is_in(instant(0) + TimeDelta::microseconds(1)));
        count += usize::from(is_in(instant(129)) != is_in(instant(129) + TimeDelta::microseconds(1)));
        prop_assert_eq!(found.len(), count);
    }
}

#[test]
fn the_documented_form_is_read() {
    // The example of the documentation of `Rule`.
    let text = r#"[{"segment":"staff","rule":{"field":{"name":"staff","is":"is","value":true}}},
        {"segment":"s","rule":{"all": [
        {"field": {"name": "country", "is": "is", "value": "ch"}},
        {"any": [
          {"count": {"event": "purchase", "within": "90d", "is": "at_least", "count": 3}},
          {"last": {"event": "order", "is": "is", "value": "late"}}
        ]},
        {"not": {"in_segment": "staff"}},
        {"age": {"of": "first_purchase", "is": "at_least", "span": "365d"}},
        {"held": {"name": "plan", "is": "is", "value": "gold", "span": "30d"}},
        {"consent": "DirectMarketing"},
        {"stage": ["existing", "re-purchase"]},
        {"rung": {"is": "at_least", "value": 4}},
        {"score": {"name": "rfm.recency", "from": 4, "to": 5}},
        {"bucket": {"salt": "spring_letter", "from": 0, "to": 1000}}
      ]}}]"#;
    let rules: SegmentRules = serde_json::from_str(text).unwrap();
    assert_eq!(rules.inputs().len(), 10);
    let verdict = rules.facts(customer(1)).eval(rules.key(Tag::literal("s")).unwrap(), instant(0));
    // This customer is not in the bucket, and that decides whatever else is unknown.
    assert_eq!(verdict.value(), Truth::False);
    let why = rules.why(&verdict);
    assert_eq!(why.len(), 1);
    assert_eq!((why[0].place.as_str(), why[0].value), ("all[9]", Truth::False));
    assert_eq!(verdict.valid_until(), None);
}

#[test]
fn buckets_are_shares_that_stay() {
    let rules: SegmentRules = serde_json::from_str(
        r#"[{"segment":"tenth","rule":{"bucket":{"salt":"spring","from":0,"to":1000}}},
            {"segment":"other","rule":{"bucket":{"salt":"autumn","from":0,"to":1000}}}]"#,
    )
    .unwrap();
    let [tenth, other] = ["tenth", "other"].map(|name| rules.key(name.parse().unwrap()).unwrap());
    let (mut count, mut both, mut first) = (0, 0, Vec::new());
    for number in 0..20_000 {
        let facts = rules.facts(customer(number));
        let is_in = facts.eval(tenth, instant(0)).is_in();
        count += u32::from(is_in);
        both += u32::from(is_in && facts.eval(other, instant(0)).is_in());
        if is_in && first.len() < 5 {
            first.push(number);
        }
    }
    // Five standard deviations: 42 of 2,000, and 14 of 200.
    assert!((1_790..2_210).contains(&count), "{count}");
    assert!((130..270).contains(&both), "{both}");
    // Pinned: who is in a share must never change.
    assert_eq!(first, [1, 9, 11, 21, 23]);
}

#[test]
fn facts_refuse_what_is_no_fact() {
    let rules: SegmentRules = serde_json::from_str(
        r#"[{"segment":"s","rule":{"all":[
            {"field":{"name":"a","is":"at_least","value":1}},
            {"count":{"event":"b","is":"at_least","count":1}}]}}]"#,
    )
    .unwrap();
    assert_eq!(rules.inputs(), [RuleInput::Field(NAMES[0]), RuleInput::Event(NAMES[1])]);
    let mut facts = rules.facts(customer(0));
    assert!(facts.field(NAMES[0], RuleValue::Number(f64::NAN)).is_err());
    assert!(facts.score(NAMES[0], f64::INFINITY).is_err());
    assert!(facts.field(NAMES[2], RuleValue::Number(1.0)).is_ok());
    let broken = RuleEvent { at: instant(0), value: Some(RuleValue::Number(f64::NAN)) };
    assert!(facts.events(NAMES[1], [broken]).is_err());
    let late = RuleEvent { at: DateTime::<Utc>::MAX_UTC, value: None };
    assert!(facts.events(NAMES[1], [late]).is_err());
    let key = rules.key(Tag::literal("s")).unwrap();
    assert_eq!(facts.eval(key, instant(0)).value(), Truth::Unknown);
    facts.set(rules.slot(RuleInput::Field(NAMES[0])).unwrap(), RuleValue::Number(1.0)).unwrap();
    facts.events(NAMES[1], []).unwrap();
    assert_eq!(facts.eval(key, instant(0)).value(), Truth::False);
    // Nothing of one customer is left for the next.
    facts.clear(customer(1));
    assert_eq!(facts.eval(key, instant(0)).value(), Truth::Unknown);
    assert_eq!(facts.eval(SegmentKey(7), instant(0)).value(), Truth::Unknown);
    // At the ends of time nothing overflows.
    facts.events(NAMES[1], [RuleEvent { at: "9999-12-31T23:59:59Z".parse().unwrap(), value: None }]).unwrap();
    assert_eq!(facts.eval(key, DateTime::<Utc>::MIN_UTC).value(), Truth::False);
    assert_eq!(facts.eval(key, DateTime::<Utc>::MAX_UTC).value(), Truth::Unknown);
}
