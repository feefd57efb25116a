use super::segment_rules::SegmentRules;
use super::{RuleInput, RuleValue};
use crate::consent::{ConsentDecision, Purpose};
use crate::customer::CustomerId;
use crate::lifecycle::LifecycleStage;
use crate::period;
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One event of a customer that rules may count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What about it, where something is known: an amount, an outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<RuleValue>,
}

/// Where an input is kept: ask [`SegmentRules::slot`] once, and set it for every customer without a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleSlot(pub(super) usize);

/// A value made ready to be compared: instants in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fact {
    Flag(bool),
    Number(f64),
    Name(Tag),
    Instant(i64),
}

impl From<RuleValue> for Fact {
    fn from(value: RuleValue) -> Self {
        match value {
            RuleValue::Flag(flag) => Self::Flag(flag),
            RuleValue::Number(number) => Self::Number(number),
            RuleValue::Name(name) => Self::Name(name),
            RuleValue::Instant(at) => Self::Instant(at.timestamp_micros()),
        }
    }
}

/// A value and for how long it has been and will be so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) value: Option<Fact>,
    pub(super) since: Option<i64>,
    /// The first microsecond at which it is not known any more.
    pub(super) until: i64,
}

pub(super) const NEVER: i64 = i64::MAX;

const UNKNOWN: Known = Known { value: None, since: None, until: NEVER };

/// An event with its instant in microseconds.
pub(super) type Event = (i64, Option<Fact>);

/// What is known of one customer, laid out for the rules of one [`SegmentRules`]. Anything that no rule reads is
/// passed over, anything that is not given is unknown.
///
/// Made by [`SegmentRules::facts`]; [`clear`](Self::clear) it for the next customer and nothing is allocated.
#[derive(Clone, Debug)]
pub struct Facts<'r> {
    pub(super) rules: &'r SegmentRules,
    pub(super) customer: CustomerId,
    pub(super) known: Vec<Known>,
    /// By kind of event, ascending; `None` where it is not known what happened.
    pub(super) events: Vec<Option<Vec<Event>>>,
    spare: Vec<Vec<Event>>,
}

impl<'r> Facts<'r> {
    pub(super) fn new(rules: &'r SegmentRules, customer: CustomerId, values: usize, events: usize) -> Self {
        let known = vec![UNKNOWN; values];
        Self { rules, customer, known, events: vec![None; events], spare: Vec::new() }
    }

    /// Forgets everything and begins with another customer.
    pub fn clear(&mut self, customer: CustomerId) {
        self.customer = customer;
        self.known.fill(UNKNOWN);
        self.spare.extend(self.events.iter_mut().filter_map(Option::take));
    }

    /// Sets a field.
    ///
    /// # Errors
    /// [`ValidationError`] for a number that is not finite, or an instant outside the years 1 to 9999.
    pub fn field(&mut self, name: Tag, value: RuleValue) -> Result<(), ValidationError> {
        self.put(RuleInput::Field(name), value, None)
    }

    /// Sets a field and since when it has had that value.
    ///
    /// # Errors
    /// As [`field`](Self::field).
    pub fn field_since(
        &mut self,
        name: Tag,
        value: RuleValue,
        since: DateTime<Utc>,
    ) -> Result<(), ValidationError> {
        self.put(RuleInput::Field(name), value, Some(since))
    }

    /// Sets a score.
    ///
    /// # Errors
    /// [`ValidationError`] for a number that is not finite.
    pub fn score(&mut self, name: Tag, score: f64) -> Result<(), ValidationError> {
        self.put(RuleInput::Score(name), RuleValue::Number(score), None)
    }

    /// Sets where the customer stands on the ladder of loyalty, counted from the lowest rung, 0.
    pub fn rung(&mut self, rung: u8) {
        self.insert(RuleInput::Rung, Known { value: Some(Fact::Number(rung.into())), ..UNKNOWN });
    }

    /// Sets the stage of the customer's life with the company.
    pub fn stage(&mut self, stage: LifecycleStage) {
        let value = Some(Fact::Number(f64::from(stage_number(stage))));
        self.insert(RuleInput::Stage, Known { value, ..UNKNOWN });
    }

    /// Sets what was [decided](crate::consent::decide) about a purpose. After the instant until which the decision holds
    /// it is unknown.
    pub fn consent(&mut self, purpose: Purpose, decision: &ConsentDecision) {
        let until = decision.until.map_or(NEVER, |until| until.timestamp_micros());
        let value = Some(Fact::Flag(decision.allowed));
        self.insert(RuleInput::Consent(purpose), Known { value, since: None, until });
    }

    /// Sets all events of a kind, in any order; none at all says that there were none. Events after the instant of an
    /// evaluation do not count yet.
    ///
    /// # Errors
    /// As [`field`](Self::field); it names the event, counted from 0. Nothing is changed then.
    pub fn events(
        &mut self,
        event: Tag,
        events: impl IntoIterator<Item = RuleEvent>,
    ) -> Result<(), ValidationError> {
        let Some(RuleSlot(slot)) = self.rules.slot(RuleInput::Event(event)) else { return Ok(()) };
        let mut list = self.spare.pop().unwrap_or_default();
        list.clear();
        for event in events {
            let at = period::instant("rule_event.at", event.at)?;
            if let Some(value) = event.value {
                check("rule_event.value", value)?;
            }
            list.push((at.timestamp_micros(), event.value.map(Fact::from)));
        }
        // Stable: of equal instants the one given last is the last.
        list.sort_by_key(|&(at, _)| at);
        let place = slot.checked_sub(self.known.len()).and_then(|place| self.events.get_mut(place));
        if let Some(kept) = place {
            *kept = Some(list);
        }
        Ok(())
    }

    /// Sets a value by its slot, without a look-up. Slots of events take none.
    ///
    /// # Errors
    /// As [`field`](Self::field).
    pub fn set(&mut self, slot: RuleSlot, value: RuleValue) -> Result<(), ValidationError> {
        check("rule_value", value)?;
        if let Some(known) = self.known.get_mut(slot.0) {
            *known = Known { value: Some(value.into()), ..UNKNOWN };
        }
        Ok(())
    }

    fn put(
        &mut self,
        input: RuleInput,
        value: RuleValue,
        since: Option<DateTime<Utc>>,
    ) -> Result<(), ValidationError> {
        check("rule_value", value)?;
        let since = since.map(|since| period::instant("rule_value.since", since)).transpose()?;
        let since = since.map(|since| since.timestamp_micros());
        self.insert(input, Known { value: Some(value.into()), since, until: NEVER });
        Ok(())
    }

    fn insert(&mut self, input: RuleInput, known: Known) {
        let place = self.rules.slot(input).and_then(|slot| self.known.get_mut(slot.0));
        if let Some(place) = place {
            *place = known;
        }
    }
}

pub(super) fn check(field: &'static str, value: RuleValue) -> Result<(), ValidationError> {
    match value {
        RuleValue::Number(number) if !number.is_finite() => {
            Err(ValidationError::new(field, "must be finite", number))
        }
        RuleValue::Instant(at) => period::instant(field, at).map(|_| ()),
        _ => Ok(()),
    }
}

/// The place of a stage in the order of their definition.
pub(super) fn stage_number(stage: LifecycleStage) -> u8 {
    let place = LifecycleStage::ALL.iter().position(|&known| known == stage);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
}
