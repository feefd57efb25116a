use crate::segment::{NamedRule, Rule, RuleComparison, RuleError, RuleValue, SegmentRules};
use crate::tag::Tag;

fn refusal(text: &str) -> String {
    let rules: Vec<NamedRule> = serde_json::from_str(text).unwrap();
    SegmentRules::new(rules).unwrap_err().to_string()
}

fn one(rule: &str) -> String {
    format!(r#"[{{"segment":"s","rule":{rule}}}]"#)
}

#[test]
fn what_cannot_be_judged_is_refused_with_its_place() {
    for (rule, message) in [
        (r#"{"all":[{"any":[]}]}"#, "segment `s`, all[0]: must have at least one part"),
        (r#"{"stage":[]}"#, "segment `s`, rule: must have at least one part"),
        (
            r#"{"not":{"field":{"name":"a","is":"less_than","value":"b"}}}"#,
            "segment `s`, not: only numbers and instants have an order; use is or is_not",
        ),
        (
            r#"{"any":[{"age":{"of":"a","is":"is","span":"3d"}}]}"#,
            "segment `s`, any[0]: an age must be compared by less_than, at_most, more_than or at_least",
        ),
        (
            r#"{"score":{"name":"a","from":4,"to":3}}"#,
            "segment `s`, rule: a band of scores must ascend between finite numbers",
        ),
        (
            r#"{"bucket":{"salt":"a","from":0,"to":10001}}"#,
            "segment `s`, rule: a bucket must ascend within 0 to 10,000",
        ),
        (
            r#"{"count":{"event":"a","is":"less_than","count":0}}"#,
            "segment `s`, rule: no customer can ever meet `count of a less_than 0` and `count of a less_than 0`",
        ),
        (
            r#"{"all":[{"field":{"name":"a","is":"is","value":1}},{"any":[{"rung":{"is":"is","value":1}},{"field":{"name":"a","is":"is","value":"b"}}]}]}"#,
            "segment `s`, all[1].any[1]: no customer can ever meet `a is 1` and `a is b`",
        ),
        (
            r#"{"all":[{"in_segment":"s2"},{"not":{"in_segment":"s2"}}]}"#,
            "segment `s`, all[1].not: no customer can ever meet `in segment s2` and `not in segment s2`",
        ),
        (
            r#"{"all":[{"stage":["former"]},{"stage":["existing","exiting"]}]}"#,
            "segment `s`, all[1]: no customer can ever meet `stage former` and `stage existing or exiting`",
        ),
        (
            r#"{"all":[{"age":{"of":"a","is":"at_least","span":"60d"}},{"age":{"of":"a","is":"less_than","span":"720h"}}]}"#,
            "segment `s`, all[1]: no customer can ever meet `age of a at_least 60d` and `age of a less_than 30d`",
        ),
        (
            r#"{"all":[{"count":{"event":"a","within":"9d","is":"more_than","count":4}},{"count":{"event":"a","within":"9d","is":"less_than","count":6}},{"count":{"event":"a","within":"9d","is":"is_not","count":5}}]}"#,
            "segment `s`, all[2]: no customer can ever meet `count of a within 9d less_than 6` and `count of a within 9d is_not 5`",
        ),
        (
            r#"{"all":[{"bucket":{"salt":"a","from":0,"to":5000}},{"bucket":{"salt":"a","from":5000,"to":9000}}]}"#,
            "segment `s`, all[1]: no customer can ever meet `bucket a from 0 to 5000` and `bucket a from 5000 to 9000`",
        ),
        (r#"{"not":{"in_segment":"t"}}"#, "segment `s`, not: there is no segment `t`"),
    ] {
        assert_eq!(refusal(&one(rule)), message, "{rule}");
    }
    // What always holds, or holds in some way, is none of these.
    for rule in [
        r#"{"not":{"all":[{"consent":"DirectMarketing"},{"not":{"consent":"DirectMarketing"}}]}}"#,
        r#"{"all":[{"age":{"of":"a","is":"at_least","span":"60d"}},{"age":{"of":"b","is":"less_than","span":"720h"}}]}"#,
        r#"{"all":[{"not":{"last":{"event":"a","is":"is","value":1}}},{"not":{"last":{"event":"a","is":"is_not","value":1}}}]}"#,
    ] {
        assert!(serde_json::from_str::<SegmentRules>(&one(rule)).is_ok(), "{rule}");
    }
    let twice = r#"[{"segment":"s","rule":{"rung":{"is":"is","value":1}}},{"segment":"s","rule":{"rung":{"is":"is","value":2}}}]"#;
    assert_eq!(refusal(twice), "there are two segments `s`");
    let infinite =
        Rule::Field { name: Tag::literal("a"), is: RuleComparison::Is, value: RuleValue::Number(f64::NAN) };
    let named = NamedRule { segment: Tag::literal("a"), rule: infinite };
    assert_eq!(SegmentRules::new(vec![named]).unwrap_err().to_string(), "segment `a`, rule: must be finite");
    for text in [
        r#"{"field":{"name":"a","is":"like","value":1}}"#,
        r#"{"field":{"name":"a","is":"is","value":1,"or":2}}"#,
        r#"{"age":{"of":"a","is":"at_least","span":"-3d"}}"#,
        r#"{"age":{"of":"a","is":"at_least","span":"0d"}}"#,
        r#"{"age":{"of":"a","is":"at_least","span":"+3d"}}"#,
        r#"{"age":{"of":"a","is":"at_least","span":"99999999999999999999d"}}"#,
        r#"{"count":{"event":"a","is":"at_least","count":-1}}"#,
        r#"{"nonsense":1}"#,
    ] {
        assert!(serde_json::from_str::<Rule>(text).is_err(), "{text}");
    }
}

#[test]
fn endless_rules_are_refused_and_not_followed() {
    let rung = || Rule::Rung { is: RuleComparison::Is, value: 1 };
    let named = |segment: &str, rule| NamedRule { segment: segment.parse().unwrap(), rule };
    let nested = |levels: usize| (1..levels).fold(rung(), |rule, _| Rule::Not(Box::new(rule)));
    assert!(SegmentRules::new(vec![named("s", nested(32))]).is_ok());
    for levels in [33, 5_000] {
        let refused = SegmentRules::new(vec![named("s", nested(levels))]).unwrap_err();
        assert!(matches!(refused, RuleError::TooDeep { most: 32, .. }), "{refused}");
    }
    let wide = |parts| Rule::Any((0..parts).map(|_| rung()).collect());
    assert!(SegmentRules::new(vec![named("s", wide(128))]).is_ok());
    let refused = SegmentRules::new(vec![named("s", wide(129))]).unwrap_err();
    assert_eq!(refused.to_string(), "segment `s`: a rule may have 128 conditions, got 129");

    // A chain of segments is as deep as it is long; and it is no stack.
    let chain = |length: usize| -> Vec<NamedRule> {
        let next = |i: usize| Rule::InSegment(format!("s{}", i + 1).parse().unwrap());
        (0..length).map(|i| named(&format!("s{i}"), if i + 1 == length { rung() } else { next(i) })).collect()
    };
    assert!(SegmentRules::new(chain(32)).is_ok());
    assert!(matches!(SegmentRules::new(chain(33)).unwrap_err(), RuleError::TooDeep { .. }));
    assert!(matches!(SegmentRules::new(chain(50_000)).unwrap_err(), RuleError::TooDeep { .. }));
    // Two references to the one before, twelve times over: 4,096 conditions.
    let doubling: Vec<_> = (0..13)
        .map(|i| {
            let before = || Rule::InSegment(format!("s{}", i - 1).parse().unwrap());
            named(&format!("s{i}"), if i == 0 { rung() } else { Rule::All(vec![before(), before()]) })
        })
        .collect();
    assert!(matches!(SegmentRules::new(doubling).unwrap_err(), RuleError::TooLarge { most: 1024, .. }));

    assert_eq!(refusal(&one(r#"{"any":[{"in_segment":"s"}]}"#)), "a segment must not include itself: s > s");
    let long = r#"[
        {"segment":"x","rule":{"in_segment":"a"}},
        {"segment":"a","rule":{"not":{"in_segment":"b"}}},
        {"segment":"b","rule":{"all":[{"in_segment":"c"}]}},
        {"segment":"c","rule":{"any":[{"rung":{"is":"is","value":1}},{"in_segment":"a"}]}}
    ]"#;
    assert_eq!(refusal(long), "a segment must not include itself: a > b > c > a");
}
