use super::*;
use crate::interaction::{EffortDirection, Interaction};
use crate::measure::Share;
use crate::purchase::PurchaseId;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

const LONGEST_MS: u64 = 366 * 24 * 3_600_000;

/// Short and long ones, and some that read like the terms that every program knows.
fn tag() -> impl Strategy<Value = Tag> {
    prop_oneof![
        select(vec!["web", "a", "resolved", "0", "abcdefghijklmnopqrstuvwxyz01234"]),
        select(vec!["kiosk", "e/f.g_h-i"]),
    ]
    .prop_map(|text| text.parse().unwrap())
}

fn term<T: Copy + std::fmt::Debug + 'static>(
    known: &'static [T],
    own: fn(Tag) -> T,
) -> impl Strategy<Value = T> {
    prop_oneof![3 => select(known), 1 => tag().prop_map(own)]
}

/// The ends of the range far more often than chance would have it.
fn milliseconds() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(LONGEST_MS - 1), Just(LONGEST_MS), 0..=LONGEST_MS]
}

fn cost() -> impl Strategy<Value = Money> {
    let minor = prop_oneof![Just(0), Just(1), Just(i64::MAX), 0..=i64::MAX];
    (minor, select(Currency::ALL)).prop_map(|(minor, code)| Money::new(minor, code.parse().unwrap()))
}

fn sentiment() -> impl Strategy<Value = Sentiment> {
    let score = prop_oneof![Just(-1.0), Just(-0.0), Just(1.0), -1.0..=1.0];
    (score, tag(), 0.0..=1.0)
        .prop_map(|(score, source, sure)| Sentiment::new(score, source, Share::new(sure).unwrap()).unwrap())
}

fn effort() -> impl Strategy<Value = Effort> {
    (3_u8..=11, any::<u8>(), any::<bool>()).prop_map(|(scale, answer, easy)| {
        let direction = if easy { EffortDirection::EasyIsHigh } else { EffortDirection::HardIsHigh };
        Effort::new(answer % scale + 1, scale, direction).unwrap()
    })
}

fn links() -> impl Strategy<Value = Vec<Link>> {
    let link = prop_oneof![
        any::<u128>().prop_map(|id| Link::Purchase(PurchaseId::new(Uuid::from_u128(id)))),
        any::<u128>().prop_map(|id| Link::Interaction(InteractionId::new(Uuid::from_u128(id)))),
        any::<u128>().prop_map(|id| Link::Case(Uuid::from_u128(id))),
        tag().prop_map(Link::Campaign),
        any::<u128>().prop_map(|id| Link::Other(Uuid::from_u128(id))),
    ];
    prop_oneof![4 => Just(Vec::new()), 3 => vec(link.clone(), 1..4), 1 => vec(link, 64)]
}

/// From the first to the last microsecond that is allowed.
fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    let ends = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"];
    let micros = ends.map(|text| text.parse::<DateTime<Utc>>().unwrap().timestamp_micros());
    prop_oneof![select(micros.to_vec()), micros[0]..=micros[1]]
        .prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap())
}

prop_compose! {
    /// Everything an interaction can hold, each field apart from the others.
    fn fields()(
        (id, customer, at) in (any::<u128>(), any::<u128>(), instant()),
        channel in term(Channel::KNOWN, Channel::Other),
        touchpoint in term(Touchpoint::KNOWN, Touchpoint::Other),
        engagement in term(Engagement::KNOWN, Engagement::Other),
        direction in select(vec![Direction::Inbound, Direction::Outbound, Direction::Internal]),
        agent in option::of(term(Agent::KNOWN, Agent::Other)),
        outcome in option::of(term(Outcome::KNOWN, Outcome::Other)),
        (served_by, reason, escalated_to, why) in
            (option::of(tag()), option::of(tag()), option::of(tag()), option::of(tag())),
        (wait_ms, handle_ms) in (option::of(milliseconds()), option::of(milliseconds())),
        transfers in prop_oneof![Just(0), Just(u16::MAX), any::<u16>()],
        cost in option::of(cost()),
        sentiment in option::of(sentiment()),
        effort in option::of(effort()),
        links in links(),
    ) -> Fields {
        let bare = outcome == Some(Outcome::Unanswered) && escalated_to.is_none();
        Fields {
            id: InteractionId::new(Uuid::from_u128(id)),
            customer: CustomerId::new(Uuid::from_u128(customer)),
            at, channel, touchpoint, engagement, direction, agent, served_by, reason, outcome, escalated_to,
            unanswered_because: if bare { why.or(Some(Tag::literal("no_expert"))) } else { why },
            wait_ms, handle_ms, transfers, cost, sentiment, effort, links,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever obeys the rules comes back as it went in, and is written as its fields are.
    #[test]
    fn nothing_is_lost(fields in fields(), other in fields()) {
        let same = fields == other;
        let (shown, text) = (format!("{fields:?}"), serde_json::to_string(&fields).unwrap());
        let packed = Interaction::try_from(fields).unwrap();
        prop_assert_eq!(format!("{packed:?}"), format!("Interaction({shown})"));
        prop_assert_eq!(serde_json::to_string(&packed).unwrap(), text.as_str());
        prop_assert_eq!(&serde_json::from_str::<Interaction>(&text).unwrap(), &packed);
        prop_assert_eq!(packed == Interaction::try_from(other).unwrap(), same);
    }

    /// One field that differs makes interactions differ.
    #[test]
    fn every_field_counts(fields in fields(), other in fields(), which in 0..16) {
        let mut changed = fields.clone();
        match which {
            0 => changed.channel = other.channel,
            1 => changed.touchpoint = other.touchpoint,
            2 => changed.engagement = other.engagement,
            3 => changed.direction = other.direction,
            4 => changed.agent = other.agent,
            5 => changed.served_by = other.served_by,
            6 => changed.reason = other.reason,
            7 => changed.at = other.at,
            8 => changed.wait_ms = other.wait_ms,
            9 => changed.handle_ms = other.handle_ms,
            10 => changed.transfers = other.transfers,
            11 => changed.cost = other.cost,
            12 => changed.sentiment = other.sentiment,
            13 => changed.effort = other.effort,
            14 => changed.links = other.links,
            _ => changed.customer = other.customer,
        }
        let same = changed == fields;
        prop_assert_eq!(Interaction::try_from(changed).unwrap() == Interaction::try_from(fields).unwrap(), same);
    }
}

fn known<T: Copy + PartialEq + std::fmt::Debug>(
    terms: &[T],
    pack: fn(T) -> (u8, Option<Tag>),
    unpack: fn(u8, Option<Tag>) -> Option<T>,
) {
    let mut codes: Vec<u8> = terms.iter().map(|&term| pack(term).0).collect();
    for &term in terms {
        let (code, own) = pack(term);
        assert_eq!(unpack(code, own), Some(term));
    }
    codes.sort_unstable();
    codes.dedup();
    assert!(codes.len() == terms.len() && !codes.contains(&NONE) && !codes.contains(&OWN));
    assert_eq!(unpack(NONE, None), None);
}

#[test]
fn every_known_term_has_a_code_of_its_own() {
    known(Channel::KNOWN, pack_channel, channel_of);
    known(Touchpoint::KNOWN, pack_touchpoint, touchpoint_of);
    known(Engagement::KNOWN, pack_engagement, engagement_of);
    known(Agent::KNOWN, pack_agent, agent_of);
    known(Outcome::KNOWN, pack_outcome, outcome_of);
}

/// What stands for "unknown" cannot be told in earnest: it is refused and named, not taken for unknown.
#[test]
fn the_marks_of_the_unknown_are_refused() {
    let given = r#""id":"00000000-0000-0000-0000-000000000001","customer":"00000000-0000-0000-0000-000000000002","at":"2026-03-01T10:00:00Z","channel":"web","touchpoint":"chat","engagement":"support","direction":"inbound""#;
    assert!(serde_json::from_str::<Interaction>(&format!("{{{given}}}")).is_ok());
    for (field, value) in [
        ("interaction.wait", format!("\"wait_ms\":{UNKNOWN}")),
        ("interaction.wait", format!("\"wait_ms\":{}", LONGEST_MS + 1)),
        ("interaction.handle_time", format!("\"handle_ms\":{UNKNOWN}")),
        ("interaction.cost", format!("\"cost\":{{\"minor\":{NO_COST},\"currency\":\"EUR\"}}")),
        ("interaction.cost", format!("\"cost\":{{\"minor\":{},\"currency\":\"EUR\"}}", i64::MIN)),
    ] {
        let refused = serde_json::from_str::<Interaction>(&format!("{{{given},{value}}}")).unwrap_err();
        assert!(refused.to_string().contains(field), "{refused}");
    }
}

/// Stores hold interactions in this form, and digests of it.
#[test]
fn the_written_form_stays() {
    let own = Tag::literal("kiosk");
    let full = Fields {
        id: InteractionId::new(Uuid::from_u128(1)),
        customer: CustomerId::new(Uuid::from_u128(2)),
        at: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
        channel: Channel::Other(own),
        touchpoint: Touchpoint::PhoneIvr,
        engagement: Engagement::Billing,
        direction: Direction::Internal,
        agent: Some(Agent::Bot),
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
        links: vec![Link::Campaign(own)],
    };
    let full = Interaction::try_from(full).unwrap();
    let written = concat!(
        r#"{"id":"00000000-0000-0000-0000-000000000001","customer":"00000000-0000-0000-0000-000000000002","#,
        r#""at":"2023-11-14T22:13:20.123456Z","channel":"other:kiosk","touchpoint":"phone_ivr","#,
        r#""engagement":"billing","direction":"internal","agent":"bot","served_by":"agent7","#,
        r#""reason":"invoice","outcome":"other:lost_line","escalated_to":"second_level","#,
        r#""unanswered_because":"no_expert","wait_ms":0,"handle_ms":7,"transfers":3,"#,
        r#""cost":{"minor":0,"currency":"JPY"},"#,
        r#""sentiment":{"score":-0.5,"source":"kiosk","confidence":1.0},"#,
        r#""effort":{"answer":2,"scale":5,"direction":"hard_is_high"},"links":[{"campaign":"kiosk"}]}"#,
    );
    assert_eq!(serde_json::to_string(&full).unwrap(), written);
    let empty = Interaction::builder(full.id(), full.customer(), full.at()).build().unwrap();
    let written = concat!(
        r#"{"id":"00000000-0000-0000-0000-000000000001","customer":"00000000-0000-0000-0000-000000000002","#,
        r#""at":"2023-11-14T22:13:20.123456Z","channel":"web","touchpoint":"self_service","#,
        r#""engagement":"support","direction":"inbound"}"#,
    );
    assert_eq!(serde_json::to_string(&empty).unwrap(), written);
}

#[test]
fn two_cache_lines_hold_an_interaction() {
    assert!(size_of::<Interaction>() <= 128, "{} bytes", size_of::<Interaction>());
}
