use super::RuleSpan;
use crate::consent::Purpose;
use crate::lifecycle::LifecycleStage;
use crate::tag::Tag;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// How a rule compares what is known with what it names.
    "rule_comparison" RuleComparison {
        /// Equal.
        Is = "is",
        /// Not equal.
        IsNot = "is_not",
        /// Less or earlier.
        LessThan = "less_than",
        /// Less, earlier or equal.
        AtMost = "at_most",
        /// More or later.
        MoreThan = "more_than",
        /// More, later or equal.
        AtLeast = "at_least",
    }
}

impl RuleComparison {
    /// Whether it asks for an order, and not only for equality.
    pub(super) const fn orders(self) -> bool {
        !matches!(self, Self::Is | Self::IsNot)
    }

    /// The comparison that holds just when this one does not.
    pub(super) const fn negated(self) -> Self {
        match self {
            Self::Is => Self::IsNot,
            Self::IsNot => Self::Is,
            Self::LessThan => Self::AtLeast,
            Self::AtMost => Self::MoreThan,
            Self::MoreThan => Self::AtMost,
            Self::AtLeast => Self::LessThan,
        }
    }

    #[inline]
    pub(super) fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Is => left == right,
            Self::IsNot => left != right,
            Self::LessThan => left < right,
            Self::AtMost => left <= right,
            Self::MoreThan => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// A value that a rule names or that is known of a customer: yes or no, a number, a name, or an instant.
///
/// In JSON it is `true`, `4.5`, `"gold"` or `"2026-03-01T00:00:00Z"`.
///
/// # Example
/// ```
/// use patronage::segment::RuleValue;
///
/// assert_eq!(serde_json::from_str::<RuleValue>("4.5")?, RuleValue::Number(4.5));
/// assert_eq!(serde_json::from_str::<RuleValue>(r#""gold""#)?, RuleValue::Name("gold".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RuleValue {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(f64),
    /// The name of something.
    Name(Tag),
    /// An instant.
    Instant(DateTime<Utc>),
}

/// Who belongs to a segment: a tree of conditions on what is known of a customer.
///
/// What is not known is neither true nor false: a rule may then be unknown as a whole (Kleene's three-valued logic), and
/// nobody is in a segment because something was missing. Compile rules with [`SegmentRules`](super::SegmentRules).
///
/// # JSON form
/// An object with one key, the name of the condition. Names are [`Tag`]s, spans are text such as `30d`, `12h`, `15m` or
/// `45s`, comparisons are `is`, `is_not`, `less_than`, `at_most`, `more_than`, `at_least`.
///
/// ```json
/// {"all": [
///   {"field": {"name": "country", "is": "is", "value": "ch"}},
///   {"any": [
///     {"count": {"event": "purchase", "within": "90d", "is": "at_least", "count": 3}},
///     {"last": {"event": "order", "is": "is", "value": "late"}}
///   ]},
///   {"not": {"in_segment": "staff"}},
///   {"age": {"of": "first_purchase", "is": "at_least", "span": "365d"}},
///   {"held": {"name": "plan", "is": "is", "value": "gold", "span": "30d"}},
///   {"consent": "DirectMarketing"},
///   {"stage": ["existing", "re-purchase"]},
///   {"rung": {"is": "at_least", "value": 4}},
///   {"score": {"name": "rfm.recency", "from": 4, "to": 5}},
///   {"bucket": {"salt": "spring_letter", "from": 0, "to": 1000}}
/// ]}
/// ```
///
/// # Example
/// ```
/// use patronage::segment::{RuleComparison, Rule, RuleValue};
/// use patronage::Tag;
///
/// let text = r#"{"field":{"name":"visits","is":"at_least","value":10.0}}"#;
/// let rule: Rule = serde_json::from_str(text)?;
/// let (name, value) = (Tag::literal("visits"), RuleValue::Number(10.0));
/// assert_eq!(rule, Rule::Field { name, is: RuleComparison::AtLeast, value });
/// assert_eq!(serde_json::to_string(&rule)?, text);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Rule {
    /// All parts hold.
    All(Vec<Self>),
    /// At least one part holds.
    Any(Vec<Self>),
    /// The part does not hold.
    Not(Box<Self>),
    /// A field compares with a value.
    Field {
        /// The field.
        name: Tag,
        /// How.
        is: RuleComparison,
        /// With what.
        value: RuleValue,
    },
    /// The time since an instant that is kept in a field.
    Age {
        /// The field.
        of: Tag,
        /// How; equality is refused, for it would hold for a microsecond.
        is: RuleComparison,
        /// With what span.
        span: RuleSpan,
    },
    /// How many events there were until now.
    Count {
        /// The kind of event.
        event: Tag,
        /// Only those younger than this; all where it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<RuleSpan>,
        /// Only those whose value passes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        having: Option<EventTest>,
        /// How.
        is: RuleComparison,
        /// With what number.
        count: u32,
    },
    /// The value of the last event of a kind. False where there is none yet.
    Last {
        /// The kind of event.
        event: Tag,
        /// How.
        is: RuleComparison,
        /// With what.
        value: RuleValue,
    },
    /// A field compares with a value, and has for some time.
    Held {
        /// The field.
        name: Tag,
        /// How.
        is: RuleComparison,
        /// With what.
        value: RuleValue,
        /// For how long the field must have had the value it has.
        span: RuleSpan,
    },
    /// The customer is in another segment.
    InSegment(Tag),
    /// The customer's data may be used for a purpose.
    Consent(Purpose),
    /// The customer is in one of these stages of their life with the company.
    Stage(Vec<LifecycleStage>),
    /// Where the customer stands on the ladder of loyalty, counted from the lowest rung, 0.
    Rung {
        /// How.
        is: RuleComparison,
        /// With which rung.
        value: u8,
    },
    /// A score lies within a band, both ends included.
    Score {
        /// The score.
        name: Tag,
        /// The lowest.
        from: f64,
        /// The highest.
        to: f64,
    },
    /// The customer falls into a share of all that a hash draws: the same share always, another for another salt.
    Bucket {
        /// What the draw is for.
        salt: Tag,
        /// From which ten-thousandth, included.
        from: u16,
        /// To which, excluded; at most 10,000.
        to: u16,
    },
}

/// What the value of an event must be to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventTest {
    /// How.
    pub is: RuleComparison,
    /// With what.
    pub value: RuleValue,
}

/// A name and the rule for who belongs to it. JSON form: `{"segment":"regulars","rule":{...}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedRule {
    /// The name of the segment.
    pub segment: Tag,
    /// Who belongs to it.
    pub rule: Rule,
}
