use super::{BusinessCalendar, ServiceError};
use crate::because::Because;
use crate::case::{CallBack, CallBackId};
use crate::customer::CustomerId;
use crate::period::{self, Period};
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many slots are looked at before there is none.
const MOST_SLOTS: usize = 2000;

/// What is offered to customers instead of being on hold.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::service::WaitPolicy;
///
/// // Whoever would wait more than two minutes is offered half an hour in which to be called, by three people at most.
/// let policy = WaitPolicy::new(120, 1800, 3)?
///     .with_article(Tag::literal("reset_password"), Tag::literal("faq-12"));
/// assert_eq!(policy.article(Tag::literal("reset_password")), Some(Tag::literal("faq-12")));
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct WaitPolicy {
    fields: Fields,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "WaitPolicy")]
struct Fields {
    patience_seconds: u32,
    slot_seconds: u32,
    calls_per_slot: u32,
    #[serde(default)]
    lead_seconds: u32,
    #[serde(default)]
    articles: BTreeMap<Tag, Tag>,
}

impl From<WaitPolicy> for Fields {
    fn from(policy: WaitPolicy) -> Self {
        policy.fields
    }
}

impl TryFrom<Fields> for WaitPolicy {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        if !(60..=86_400).contains(&fields.slot_seconds) {
            let rule = "must be a minute to a day";
            return Err(ValidationError::new("wait_policy.slot", rule, fields.slot_seconds));
        }
        if fields.calls_per_slot == 0 {
            return Err(ValidationError::new("wait_policy.calls_per_slot", "must be at least 1", 0));
        }
        Ok(Self { fields })
    }
}

impl WaitPolicy {
    /// Offers something else from an estimated wait of `patience_seconds` on: a slot of `slot_seconds` (a minute to a
    /// day) in which at most `calls_per_slot` customers are called.
    ///
    /// # Errors
    /// [`ValidationError`] when a slot is shorter or longer, or nobody can be called in it.
    pub fn new(
        patience_seconds: u32,
        slot_seconds: u32,
        calls_per_slot: u32,
    ) -> Result<Self, ValidationError> {
        let articles = BTreeMap::new();
        Self::try_from(Fields { patience_seconds, slot_seconds, calls_per_slot, lead_seconds: 0, articles })
    }

    /// Leaves at least this time between the offer and the slot.
    #[must_use]
    pub fn with_lead(mut self, seconds: u32) -> Self {
        self.fields.lead_seconds = seconds;
        self
    }

    /// Names the self-service article that answers a reason.
    #[must_use]
    pub fn with_article(mut self, reason: Tag, article: Tag) -> Self {
        self.fields.articles.insert(reason, article);
        self
    }

    /// The self-service article that answers a reason.
    pub fn article(&self, reason: Tag) -> Option<Tag> {
        self.fields.articles.get(&reason).copied()
    }
}

/// What a waiting customer may choose from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WaitOffer {
    /// Keep holding, for about this long; `None` when nobody is there to answer.
    pub keep_holding: Option<TimeDelta>,
    /// Be called back in this slot.
    pub call_back: Option<Period>,
    /// Read this article.
    pub self_service: Option<Tag>,
    /// The call-back that is open for this customer and reason already; then no other is offered.
    pub open_call_back: Option<CallBackId>,
    /// Why this is offered and the rest is not.
    pub reasons: Vec<Because>,
}

/// Decides what a waiting customer is offered instead of being on hold.
///
/// A call-back is offered from an estimated wait on, or when the business is closed, in the first slot that lies wholly
/// in business hours and is not booked up; never a second one for the same customer and reason. An article is offered
/// whenever there is one.
///
/// # Arguments
/// `estimate`: how long the customer would be on hold. `call_backs`: those that are open, of all customers.
///
/// # Errors
/// [`ServiceError::NegativeDuration`]; [`ServiceError::Invalid`] when `now` lies outside the years 1 to 9999.
///
/// # Cost
/// Looks at the slots one after the other, at most 2,000, each against the call-backs.
///
/// # Example
/// ```
/// use chrono::{TimeDelta, Utc};
/// use patronage::Tag;
/// use patronage::customer::CustomerId;
/// use patronage::service::{BusinessCalendar, BusinessHours, WaitPolicy, wait_offer};
///
/// let hours = BusinessHours::new("UTC")?.open_weekdays("09:00-17:00".parse()?)?;
/// let calendar = BusinessCalendar::new(&hours, Utc)?;
/// let policy = WaitPolicy::new(120, 1800, 3)?;
/// let customer = CustomerId::derive(&["17"]);
/// let now = "2026-11-20T16:40:00Z".parse()?; // a Friday
/// let offer = wait_offer(
///     TimeDelta::minutes(9), customer, Tag::literal("billing"), now, &calendar, &[], &policy,
/// )?;
/// let slot = offer.call_back.ok_or("no slot")?;
/// assert_eq!(slot.start(), "2026-11-23T09:00:00Z".parse::<chrono::DateTime<Utc>>()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait_offer(
    estimate: TimeDelta,
    customer: CustomerId,
    reason: Tag,
    now: DateTime<Utc>,
    calendar: &BusinessCalendar,
    call_backs: &[CallBack],
    policy: &WaitPolicy,
) -> Result<WaitOffer, ServiceError> {
    let now = period::instant("wait_offer.now", now)?;
    if estimate < TimeDelta::zero() {
        let seconds = estimate.num_seconds();
        return Err(ServiceError::NegativeDuration { field: "wait_offer.estimate", seconds });
    }
    let is_open = calendar.is_open(now)?;
    let patience = f64::from(policy.fields.patience_seconds);
    let is_long = estimate >= TimeDelta::seconds(i64::from(policy.fields.patience_seconds));
    let mut offer = WaitOffer {
        keep_holding: is_open.then_some(estimate),
        call_back: None,
        self_service: policy.article(reason),
        open_call_back: call_backs
            .iter()
            .filter(|one| one.customer() == customer && one.reason() == reason && !one.status().is_final())
            .map(CallBack::id)
            .min(),
        reasons: Vec::new(),
    };
    if is_open {
        let wait = Because::rule(Tag::literal("estimated_wait_seconds"));
        offer.reasons.push(wait.figure(estimate.as_seconds_f64(), patience)?);
    } else {
        offer.reasons.push(Because::rule(Tag::literal("closed")));
    }
    if offer.open_call_back.is_some() {
        offer.reasons.push(Because::rule(Tag::literal("call_back_open")));
    } else if is_long || !is_open {
        offer.call_back = first_slot(now, Some(calendar), call_backs, policy);
        if offer.call_back.is_none() {
            offer.reasons.push(Because::rule(Tag::literal("no_slot")));
        }
    }
    if offer.self_service.is_some() {
        offer.reasons.push(Because::rule(Tag::literal("article")));
    }
    Ok(offer)
}

/// The first slot that is wholly open (always, where there is no calendar) and not booked up. Slots begin at whole
/// multiples of their length.
pub(super) fn first_slot(
    now: DateTime<Utc>,
    calendar: Option<&BusinessCalendar>,
    call_backs: &[CallBack],
    policy: &WaitPolicy,
) -> Option<Period> {
    let length = i64::from(policy.fields.slot_seconds);
    let aligned = |at: DateTime<Utc>| {
        // Rounded up: an instant within a second is after it.
        let second = at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0);
        DateTime::from_timestamp((second + length - 1).div_euclid(length) * length, 0)
    };
    let booked: Vec<Period> =
        call_backs.iter().filter(|one| !one.status().is_final()).filter_map(CallBack::slot).collect();
    let mut from = now.checked_add_signed(TimeDelta::seconds(i64::from(policy.fields.lead_seconds)))?;
    for _ in 0..MOST_SLOTS {
        let open = match calendar {
            Some(calendar) => calendar.next_open(from).ok()?,
            None => from,
        };
        let start = aligned(open)?;
        let slot = Period::new(start, start + TimeDelta::seconds(length)).ok()?;
        let is_open = match calendar {
            Some(calendar) => calendar.business_time(slot.start(), slot.end()).ok()? == slot.length(),
            None => true,
        };
        let overlaps = |other: &&Period| other.start() < slot.end() && slot.start() < other.end();
        let calls = u32::try_from(booked.iter().filter(overlaps).count()).unwrap_or(u32::MAX);
        if is_open && calls < policy.fields.calls_per_slot {
            return Some(slot);
        }
        // A slot that is not wholly open begins before a closing: the next one begins after it.
        from = slot.start() + TimeDelta::seconds(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CallBackChange;
    use crate::service::BusinessHours;

    const BILLING: Tag = Tag::literal("billing");

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-11-20T{text}Z").parse().unwrap()
    }

    fn customer(name: &str) -> CustomerId {
        CustomerId::derive(&[name])
    }

    fn booked(name: &str, from: &str, to: &str) -> CallBack {
        let mut call =
            CallBack::offer(CallBackId::derive(&[name]), customer(name), BILLING, at("08:00:00"), 2).unwrap();
        let slot = Period::new(at(from), at(to)).unwrap();
        call.record(at("08:00:00"), CallBackChange::Accepted(slot)).unwrap();
        call
    }

    fn offer(minutes: i64, reason: Tag, now: &str, call_backs: &[CallBack]) -> WaitOffer {
        let hours = BusinessHours::new("UTC")
            .and_then(|hours| {
                hours.open_weekdays("09:10-12:00".parse()?)?.open_weekdays("13:00-17:00".parse()?)
            })
            .unwrap();
        let calendar = BusinessCalendar::new(&hours, Utc).unwrap();
        let policy = WaitPolicy::new(120, 1800, 1)
            .unwrap()
            .with_lead(600)
            .with_article(Tag::literal("password"), Tag::literal("faq-12"));
        let wait = TimeDelta::minutes(minutes);
        wait_offer(wait, customer("me"), reason, at(now), &calendar, call_backs, &policy).unwrap()
    }

    fn rules(offer: &WaitOffer) -> String {
        offer.reasons.iter().map(|reason| reason.by().to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_first_free_slot_within_hours() {
        let slot =
            |now, call_backs: &[CallBack]| offer(5, BILLING, now, call_backs).call_back.unwrap().start();
        assert_eq!(slot("10:00:00", &[]), at("10:30:00"), "after the lead, on the grid");
        assert_eq!(slot("08:00:00", &[]), at("09:30:00"), "09:10 is not on the grid");
        assert_eq!(slot("11:25:00", &[]), at("13:00:00"), "11:35 to noon is too short");
        let two = [booked("a", "10:30:00", "11:00:00"), booked("b", "11:15:00", "11:20:00")];
        assert_eq!(slot("10:00:00", &two), at("11:30:00"));
        let mut over = two[0].clone();
        over.record(at("09:00:00"), CallBackChange::Closed).unwrap();
        assert_eq!(slot("10:00:00", &[over]), at("10:30:00"), "called off");
    }

    #[test]
    fn one_open_call_back_for_customer_and_reason() {
        let mine = booked("me", "14:00:00", "14:30:00");
        let again = offer(5, BILLING, "10:00:00", std::slice::from_ref(&mine));
        assert_eq!((again.call_back, again.open_call_back), (None, Some(mine.id())));
        assert_eq!(rules(&again), "estimated_wait_seconds call_back_open");
        let other = offer(5, Tag::literal("password"), "10:00:00", &[mine]);
        assert!(other.call_back.is_some() && other.self_service.is_some());
    }

    #[test]
    fn short_waits_and_closed_hours() {
        let short = offer(1, BILLING, "10:00:00", &[]);
        assert_eq!((short.keep_holding, short.call_back), (Some(TimeDelta::minutes(1)), None));
        assert_eq!(short.reasons[0].figures(), Some((60.0, 120.0)));
        let closed = offer(0, BILLING, "20:00:00", &[]);
        assert_eq!((closed.keep_holding, rules(&closed).as_str()), (None, "closed"));
        assert_eq!(closed.call_back.unwrap().start(), at("09:30:00") + TimeDelta::days(3));
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(WaitPolicy::new(0, 59, 1).is_err() && WaitPolicy::new(0, 60, 0).is_err());
        let hours = BusinessHours::new("UTC").unwrap().open_daily("09:00-09:20".parse().unwrap()).unwrap();
        let calendar = BusinessCalendar::new(&hours, Utc).unwrap();
        let policy = WaitPolicy::new(0, 1800, 1).unwrap();
        let ask = |wait, now| wait_offer(wait, customer("me"), BILLING, now, &calendar, &[], &policy);
        let negative = ask(TimeDelta::seconds(-1), at("10:00:00"));
        assert_eq!(
            negative,
            Err(ServiceError::NegativeDuration { field: "wait_offer.estimate", seconds: -1 })
        );
        assert!(ask(TimeDelta::zero(), DateTime::<Utc>::MAX_UTC).is_err());
        let never = ask(TimeDelta::zero(), at("10:00:00")).unwrap();
        assert_eq!(rules(&never), "closed no_slot", "no opening is as long as a slot");
    }
}
