use super::situation::NextPurchase;
use super::{
    Action, ActionValue, ContactCategory, ContactPolicy, ExcludedAction, NextBestAction, NotNow,
    OutreachError, PlannedContact, RankedAction, Situation,
};
use crate::because::Because;
use crate::measure::Share;
use crate::money::Money;
use crate::segment::{SegmentKey, SegmentRules, Truth};
use crate::tag::Tag;
use chrono::{DateTime, Days, TimeZone, Utc};
use std::collections::BTreeSet;

/// All that can be done next, checked.
///
/// # Example
/// ```
/// use chrono::Utc;
/// use patronage::consent::{LegalBasis, Purpose};
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{Channel, Engagement, Interaction, InteractionId, Touchpoint};
/// use patronage::outreach::{Action, ActionMenu, ContactCategory, ContactFacts, ContactPolicy, Situation};
/// use patronage::{Share, Tag};
///
/// let answer = |name, cost: &str, part| {
///     let action = Action::new(Tag::literal(name), ContactCategory::Service, Purpose::CustomerCare)
///         .via(Touchpoint::PhoneCallCentre)
///         .answering(Tag::literal("moving_house"))
///         .value_of_worth(Share::new(part)?)
///         .probability(Share::new(0.5)?);
///     Ok::<_, patronage::ValidationError>(action.cost(cost.parse()?))
/// };
/// let menu = ActionMenu::new(vec![answer("visit_at_home", "60.00 EUR", 0.2)?, answer("send_checklist", "1.00 EUR", 0.1)?], None)?;
/// let policy = ContactPolicy::default().resting_on(Purpose::CustomerCare, LegalBasis::Contract);
/// let at = "2026-03-02T10:00:00Z".parse()?;
/// let call = Interaction::builder(InteractionId::derive(&["1"]), CustomerId::derive(&["ada"]), at)
///     .at_place(Channel::CallCentre, Touchpoint::PhoneCallCentre, Engagement::Support)
///     .reason(Tag::literal("moving_house"))
///     .build()?;
///
/// // The same call, from somebody worth 2,000 EUR and from a prospect worth 40 EUR.
/// let next = |worth: &str| {
///     let situation = Situation::new(ContactFacts::new()).inquiry(&call).worth(worth.parse()?);
///     Ok::<_, Box<dyn std::error::Error>>(menu.next_best(&situation, &policy, &Utc, at)?)
/// };
/// let (valued, prospect) = (next("2000.00 EUR")?, next("40.00 EUR")?);
/// let chosen = valued.chosen().ok_or("nothing to do")?;
/// assert_eq!((chosen.action, chosen.expected), (Tag::literal("visit_at_home"), "140.00 EUR".parse()?));
/// let chosen = prospect.chosen().ok_or("nothing to do")?;
/// assert_eq!((chosen.action, chosen.expected), (Tag::literal("send_checklist"), "1.00 EUR".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ActionMenu {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    action: Action,
    only_in: Vec<(Tag, SegmentKey)>,
    not_in: Vec<(Tag, SegmentKey)>,
}

/// What an action that got so far is worth.
struct Worth {
    probability: Share,
    value: Money,
    cost: Money,
    expected: Money,
}

impl ActionMenu {
    /// Checks actions, and looks up the segments they ask for.
    ///
    /// # Errors
    /// [`OutreachError::NoValue`], [`OutreachError::NoTouchpoint`], [`OutreachError::NegativeAmount`],
    /// [`OutreachError::DuplicateAction`], [`OutreachError::UnknownSegment`], [`OutreachError::NobodyFits`], or [`OutreachError::Money`] where one action
    /// has amounts in several currencies.
    pub fn new(actions: Vec<Action>, rules: Option<&SegmentRules>) -> Result<Self, OutreachError> {
        let mut names = BTreeSet::new();
        let entry = |action: Action| {
            action.check()?;
            if !names.insert(action.name) {
                return Err(OutreachError::DuplicateAction { action: action.name });
            }
            let find = |&segment: &Tag| {
                let key = rules.and_then(|rules| rules.key(segment));
                let unknown = OutreachError::UnknownSegment { action: action.name, segment };
                key.map(|key| (segment, key)).ok_or(unknown)
            };
            let only_in = action.only_in.iter().map(find).collect::<Result<_, _>>()?;
            let not_in = action.not_in.iter().map(find).collect::<Result<_, _>>()?;
            Ok(Entry { action, only_in, not_in })
        };
        Ok(Self { entries: actions.into_iter().map(entry).collect::<Result<_, OutreachError>>()? })
    }

    /// The actions, in the order they were given.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.entries.iter().map(|entry| &entry.action)
    }

    /// Says what to do next for a customer, by which touch point and why, and why not the rest.
    ///
    /// An action has to be meant for the customer (reason of the inquiry, stage, worth, segments, time of the next purchase,
    /// suggested item); then
    /// service comes before selling, so that nothing sells while a complaint is open; then it has to pass the contact
    /// policy by one of its touch points; then what is left is ranked by what it is expected to bring. What is not expected
    /// to bring more than it costs is left out, except service while a complaint is open, which is owed and comes first.
    ///
    /// # Arguments
    /// `zone`: the customer's time zone.
    ///
    /// # Formula
    /// ```text
    /// expected = probability × value - cost
    /// ```
    ///
    /// # Errors
    /// [`OutreachError::Money`] when the worth of the customer and the amounts of an action are in different currencies, or
    /// do not fit.
    ///
    /// # Cost
    /// For each action that of its segment rules and of [`ContactPolicy::decide`].
    pub fn next_best(
        &self,
        situation: &Situation<'_>,
        policy: &ContactPolicy,
        zone: &impl TimeZone,
        at: DateTime<Utc>,
    ) -> Result<NextBestAction, OutreachError> {
        let complaint = situation.contact.has_open_complaint(at);
        let (mut ranked, mut excluded) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            let action = &entry.action;
            let mut because = entry.not_meant_for(situation, at)?;
            if because.is_empty() && complaint && action.category.is_selling() {
                because.push(NotNow::ServiceFirst);
            }
            if !because.is_empty() {
                excluded.push(ExcludedAction { action: action.name, because });
                continue;
            }
            let Some(decision) = entry.contact(situation, policy, zone, at) else { continue };
            if !decision.is_allowed() {
                let held_back = NotNow::Contact {
                    via: decision.touchpoint(),
                    failed: decision.failed().to_vec(),
                    earliest: decision.earliest(),
                };
                excluded.push(ExcludedAction { action: action.name, because: vec![held_back] });
                continue;
            }
            let owed = complaint && action.category == ContactCategory::Service;
            match entry.worth(situation)? {
                Err(why) => excluded.push(ExcludedAction { action: action.name, because: vec![why] }),
                Ok(worth) if worth.expected.minor() <= 0 && !owed => {
                    let why = NotNow::DoesNotPay { expected: worth.expected };
                    excluded.push(ExcludedAction { action: action.name, because: vec![why] });
                }
                Ok(worth) => {
                    let entry = RankedAction {
                        action: action.name,
                        via: decision.touchpoint(),
                        probability: worth.probability,
                        value: worth.value,
                        cost: worth.cost,
                        expected: worth.expected,
                        because: entry.reasons(situation, owed, &worth, at),
                        bought: entry.bought(situation),
                    };
                    ranked.push((owed, entry));
                }
            }
        }
        // Amounts of one currency can be compared; others are refused rather than ranked by their digits.
        for pair in ranked.windows(2) {
            if let [(_, one), (_, other)] = pair {
                one.expected.checked_sub(other.expected)?;
            }
        }
        ranked.sort_by_key(|(owed, entry)| (!owed, std::cmp::Reverse(entry.expected.minor()), entry.action));
        Ok(NextBestAction { ranked: ranked.into_iter().map(|(_, entry)| entry).collect(), excluded })
    }
}

impl Entry {
    /// Every condition the customer does not meet.
    fn not_meant_for(
        &self,
        situation: &Situation<'_>,
        at: DateTime<Utc>,
    ) -> Result<Vec<NotNow>, OutreachError> {
        let action = &self.action;
        let mut because = Vec::new();
        let reason = situation.inquiry.and_then(|(reason, _)| reason);
        if !action.reasons.is_empty() && reason.is_none_or(|reason| !action.reasons.contains(&reason)) {
            because.push(NotNow::OtherReason);
        }
        if !action.stages.is_empty() && situation.stage.is_none_or(|stage| !action.stages.contains(&stage)) {
            because.push(NotNow::OtherStage);
        }
        match situation.worth {
            None if action.worth_from.is_some() || action.worth_below.is_some() => {
                because.push(NotNow::WorthUnknown);
            }
            None => {}
            Some(worth) => {
                if let Some(least) = action.worth_from
                    && worth.checked_sub(least)?.is_negative()
                {
                    because.push(NotNow::WorthBelow { worth, least });
                }
                if let Some(limit) = action.worth_below
                    && !worth.checked_sub(limit)?.is_negative()
                {
                    because.push(NotNow::WorthAbove { worth, limit });
                }
            }
        }
        let value = |key| situation.facts.map_or(Truth::Unknown, |facts| facts.eval(key, at).value());
        for &(segment, key) in &self.only_in {
            let value = value(key);
            if value != Truth::True {
                because.push(NotNow::NotInSegment { segment, value });
            }
        }
        for &(segment, key) in &self.not_in {
            let value = value(key);
            if value != Truth::False {
                because.push(NotNow::InSegment { segment, value });
            }
        }
        let after =
            |days: u32| at.checked_add_days(Days::new(days.into())).unwrap_or(DateTime::<Utc>::MAX_UTC);
        match situation.next_purchase {
            NextPurchase::Unknown if action.due_within.or(action.not_due_within).is_some() => {
                because.push(NotNow::NextPurchaseUnknown);
            }
            NextPurchase::Unknown => {}
            NextPurchase::Expected(expected) => {
                if let Some(within_days) = action.due_within
                    && expected.is_none_or(|expected| expected > after(within_days))
                {
                    because.push(NotNow::NotDue { expected, within_days });
                }
                if let (Some(within_days), Some(expected)) = (action.not_due_within, expected)
                    && expected <= after(within_days)
                {
                    because.push(NotNow::DueAnyway { expected, within_days });
                }
            }
        }
        if action.item.is_some_and(|item| situation.suggestions.iter().all(|other| other.item != item)) {
            because.push(NotNow::NotSuggested);
        }
        Ok(because)
    }

    /// The decision about the touch point that is allowed first.
    fn contact(
        &self,
        situation: &Situation<'_>,
        policy: &ContactPolicy,
        zone: &impl TimeZone,
        at: DateTime<Utc>,
    ) -> Option<super::ContactDecision> {
        let decide = |&via: &_| {
            let planned = PlannedContact::new(self.action.category, self.action.purpose, via);
            let answers = situation.inquiry.is_some_and(|(_, by)| by == via);
            let planned = if answers { planned.in_answer() } else { planned };
            let other = situation.contact.preferred.is_some_and(|preferred| preferred != via);
            (!answers, other, policy.decide(&planned, &situation.contact, zone, at))
        };
        // Whoever is there is answered there; of touch points allowed equally early the preferred one is taken.
        let decisions = self.action.touchpoints.iter().map(decide);
        let first = decisions.min_by_key(|(elsewhere, other, decision)| {
            (decision.earliest().is_none(), decision.earliest(), *elsewhere, *other)
        });
        first.map(|(_, _, decision)| decision)
    }

    fn worth(&self, situation: &Situation<'_>) -> Result<Result<Worth, NotNow>, OutreachError> {
        let action = &self.action;
        let likely = situation.likely.get(&action.name).copied().or(action.probability);
        let Some(probability) = likely else { return Ok(Err(NotNow::ProbabilityUnknown)) };
        #[expect(clippy::cast_precision_loss, reason = "an expected amount is rounded to the minor unit")]
        let times = |share: Share, amount: Money| {
            Money::rounded(share.get() * amount.minor() as f64, amount.currency())
        };
        let value = match (action.value, situation.worth) {
            (Some(ActionValue::Amount(value)), _) => value,
            (Some(ActionValue::OfWorth(part)), Some(worth)) => times(part, worth)?,
            _ => return Ok(Err(NotNow::WorthUnknown)),
        };
        let cost = action.cost.unwrap_or(Money::zero(value.currency()));
        let expected = times(probability, value)?.checked_sub(cost)?;
        Ok(Ok(Worth { probability, value, cost, expected }))
    }

    /// What spoke for the action.
    #[expect(clippy::cast_precision_loss, reason = "reasons show amounts to four digits")]
    fn reasons(
        &self,
        situation: &Situation<'_>,
        owed: bool,
        worth: &Worth,
        at: DateTime<Utc>,
    ) -> Vec<Because> {
        let action = &self.action;
        let figure = |rule: Tag, seen: i64, threshold: i64| {
            let rule = Because::rule(rule);
            rule.figure(seen as f64, threshold as f64).unwrap_or(rule)
        };
        let mut because = Vec::new();
        if owed {
            because.push(Because::rule(Tag::literal("service_first")));
        }
        if let Some((Some(reason), _)) = situation.inquiry.filter(|_| !action.reasons.is_empty()) {
            because.push(Because::rule(reason));
        }
        because.extend(self.only_in.iter().map(|&(segment, _)| Because::rule(segment)));
        if let (Some(least), Some(worth)) = (action.worth_from, situation.worth) {
            because.push(figure(Tag::literal("worth_minor"), worth.minor(), least.minor()));
        }
        if let (Some(within), NextPurchase::Expected(Some(expected))) =
            (action.due_within.or(action.not_due_within), situation.next_purchase)
        {
            let days = expected.signed_duration_since(at).num_days();
            because.push(figure(Tag::literal("next_purchase_days"), days, within.into()));
        }
        because.push(figure(Tag::literal("expected_minor"), worth.expected.minor(), 0));
        because
    }

    fn bought(&self, situation: &Situation<'_>) -> Vec<super::BecauseBought> {
        let suggested = situation.suggestions.iter().find(|other| Some(other.item) == self.action.item);
        suggested.map(|suggestion| suggestion.because.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
