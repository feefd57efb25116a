use super::SegmentKey;
use super::facts::NEVER;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, Utc};
use serde::Serialize;

vocabulary! {
    /// What a rule says of a customer.
    "truth" Truth {
        /// It does not hold.
        False = "false",
        /// Too little is known.
        Unknown = "unknown",
        /// It holds.
        True = "true",
    }
}

impl Truth {
    #[inline]
    pub(super) const fn of(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

vocabulary! {
    /// How a customer crosses the border of a segment.
    "crossing" Crossing {
        /// Is in it now and was not before.
        Entered = "entered",
        /// Was in it and is not now.
        Left = "left",
    }
}

/// What a part of a rule came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) value: Truth,
    /// The first microsecond at which it may be otherwise.
    pub(super) until: i64,
    /// The conditions it rests on, a bit each, and which of them hold.
    pub(super) resting: u128,
    pub(super) holding: u128,
}

impl Outcome {
    pub(super) const TRUE: Self = Self { value: Truth::True, until: NEVER, resting: 0, holding: 0 };
    pub(super) const FALSE: Self = Self { value: Truth::False, ..Self::TRUE };
    pub(super) const UNKNOWN: Self = Self { value: Truth::Unknown, ..Self::TRUE };

    /// Both hold: false where one is false, whatever the other is; true where both are; else unknown.
    #[inline]
    pub(super) fn and(self, other: Self) -> Self {
        self.combined(other, Truth::False)
    }

    /// One holds at least: true where one is true, whatever the other is; false where both are; else unknown.
    #[inline]
    pub(super) fn or(self, other: Self) -> Self {
        self.combined(other, Truth::True)
    }

    /// `strong` is the value that decides alone. It lasts as long as the longer lasting of those that have it; every
    /// other outcome lasts only while both do.
    #[inline]
    fn combined(self, other: Self, strong: Truth) -> Self {
        let resting = self.resting | other.resting;
        let holding = self.holding | other.holding;
        if self.value == strong && other.value == strong {
            return Self { value: strong, until: self.until.max(other.until), resting, holding };
        }
        if self.value == strong {
            return self;
        }
        if other.value == strong {
            return other;
        }
        let until = self.until.min(other.until);
        match (self.value, other.value) {
            (Truth::Unknown, Truth::Unknown) => Self { value: Truth::Unknown, until, resting, holding },
            (Truth::Unknown, _) => Self { until, ..self },
            (_, Truth::Unknown) => Self { until, ..other },
            _ => Self { value: self.value, until, resting, holding },
        }
    }

    /// Whether it has the value that decides alone, for good: nothing that follows can change it.
    #[inline]
    pub(super) fn is_settled(&self, strong: Truth) -> bool {
        self.value == strong && self.until == NEVER
    }

    #[inline]
    pub(super) fn not(self) -> Self {
        let value = match self.value {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        };
        Self { value, ..self }
    }
}

/// Whether a customer is in a segment, until when that is sure, and on which conditions it rests.
///
/// As long as nothing new becomes known, evaluating again before [`valid_until`](Self::valid_until) gives the same
/// value; so nothing has to be recomputed in the night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub(super) segment: SegmentKey,
    pub(super) value: Truth,
    pub(super) until: i64,
    pub(super) resting: u128,
    pub(super) holding: u128,
}

impl Verdict {
    /// What the rule says.
    pub const fn value(&self) -> Truth {
        self.value
    }

    /// Whether the customer is in the segment: only where the rule is true.
    pub fn is_in(&self) -> bool {
        self.value == Truth::True
    }

    /// The first instant at which the passing of time may change the value; `None` where it never does.
    pub fn valid_until(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.until).filter(|_| self.until != NEVER)
    }

    /// Whether the customer entered or left the segment since an earlier verdict about it; `None` where neither.
    ///
    /// # Example
    /// ```
    /// use patronage::customer::CustomerId;
    /// use patronage::segment::{Crossing, RuleEvent, SegmentRules};
    /// use patronage::Tag;
    ///
    /// let rules: SegmentRules = serde_json::from_str(
    ///     r#"[{"segment":"active","rule":{"count":{"event":"visit","within":"30d","is":"at_least","count":1}}}]"#,
    /// )?;
    /// let mut facts = rules.facts(CustomerId::derive(&["ann"]));
    /// facts.events(Tag::literal("visit"), [RuleEvent { at: "2026-03-01T12:00:00Z".parse()?, value: None }])?;
    /// let active = rules.key(Tag::literal("active")).ok_or("no such segment")?;
    /// let (march, april) = (facts.eval(active, "2026-03-20T00:00:00Z".parse()?), facts.eval(active, "2026-04-20T00:00:00Z".parse()?));
    /// assert_eq!(april.crossing_since(&march), Some(Crossing::Left));
    /// assert_eq!(march.valid_until(), Some("2026-03-31T12:00:00Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn crossing_since(&self, before: &Self) -> Option<Crossing> {
        match (before.is_in(), self.is_in()) {
            (false, true) => Some(Crossing::Entered),
            (true, false) => Some(Crossing::Left),
            _ => None,
        }
    }
}

/// One condition that a verdict rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleReason {
    /// Where it stands in the rule, for example `all[1].not`.
    pub place: String,
    /// What it asks, for example `purchase within 90d at_least 3`.
    pub condition: String,
    /// What came out.
    pub value: Truth,
}
