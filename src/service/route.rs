use crate::because::Because;
use crate::case::{Case, CaseChange, CaseEvent, Severity};
use crate::lifecycle::LifecycleStage;
use crate::tag::Tag;
use crate::task::Priority;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// How much a customer is worth to the company, in steps.
    "value_tier" ValueTier {
        /// Below what it costs to serve them.
        Low = "low",
        /// As most.
        Standard = "standard",
        /// Clearly more than most.
        High = "high",
        /// The few that carry the business.
        Top = "top",
    }
}

/// A rule that says how a case is handled. Conditions that are not named hold for every case; of several terms of one
/// condition, one has to fit.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::service::{RoutingRule, ValueTier};
/// use patronage::task::Priority;
///
/// let rule = RoutingRule::new(Tag::literal("valued"))
///     .for_tier(ValueTier::Top)
///     .with_priority(Priority::High)
///     .to_queue(Tag::literal("key_accounts"));
/// assert_eq!(rule.name(), Tag::literal("valued"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingRule {
    name: Tag,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<ValueTier>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stages: Vec<LifecycleStage>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    least_severity: Option<Severity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sla: Option<Tag>,
}

impl RoutingRule {
    /// A rule that holds for every case and says nothing.
    pub const fn new(name: Tag) -> Self {
        Self {
            name,
            tiers: Vec::new(),
            stages: Vec::new(),
            reasons: Vec::new(),
            least_severity: None,
            priority: None,
            queue: None,
            sla: None,
        }
    }

    /// Holds for customers of this worth (and of others that are named).
    #[must_use]
    pub fn for_tier(mut self, tier: ValueTier) -> Self {
        self.tiers.push(tier);
        self
    }

    /// Holds for customers at this stage (and at others that are named).
    #[must_use]
    pub fn at_stage(mut self, stage: LifecycleStage) -> Self {
        self.stages.push(stage);
        self
    }

    /// Holds for cases of this reason (and of others that are named).
    #[must_use]
    pub fn for_reason(mut self, reason: Tag) -> Self {
        self.reasons.push(reason);
        self
    }

    /// Holds for cases this bad, or worse.
    #[must_use]
    pub fn from_severity(self, least: Severity) -> Self {
        Self { least_severity: Some(least), ..self }
    }

    /// Makes the case at least this pressing.
    #[must_use]
    pub fn with_priority(self, priority: Priority) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// Sends the case to a queue.
    #[must_use]
    pub fn to_queue(self, queue: Tag) -> Self {
        Self { queue: Some(queue), ..self }
    }

    /// Puts the case under a service level.
    #[must_use]
    pub fn under_sla(self, sla: Tag) -> Self {
        Self { sla: Some(sla), ..self }
    }

    /// The name of the rule.
    pub const fn name(&self) -> Tag {
        self.name
    }

    /// Whether the rule holds. What is not known about a customer fits no condition.
    fn holds(&self, case: &Case, tier: Option<ValueTier>, stage: Option<LifecycleStage>) -> bool {
        (self.tiers.is_empty() || tier.is_some_and(|tier| self.tiers.contains(&tier)))
            && (self.stages.is_empty() || stage.is_some_and(|stage| self.stages.contains(&stage)))
            && (self.reasons.is_empty() || self.reasons.contains(&case.reason()))
            && self.least_severity.is_none_or(|least| case.severity() >= least)
    }
}

/// Where a case goes when no rule says otherwise, and the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingRules {
    /// The queue of cases that no rule sends elsewhere.
    pub queue: Tag,
    /// The service level of cases that no rule puts under another.
    pub sla: Tag,
    /// The rules; earlier ones decide queue and service level.
    pub rules: Vec<RoutingRule>,
}

/// How a case is handled, and why.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Routing {
    /// How pressing it is.
    pub priority: Priority,
    /// Where it goes.
    pub queue: Tag,
    /// Its service level.
    pub sla: Tag,
    /// The rules that made a difference, in their order.
    pub reasons: Vec<Because>,
}

impl Routing {
    /// The events that record it in its case: priority, queue and service level.
    pub fn events(&self, at: DateTime<Utc>) -> [CaseEvent; 3] {
        [
            CaseChange::Prioritised(self.priority),
            CaseChange::Assigned(self.queue),
            CaseChange::UnderSla(self.sla),
        ]
        .map(|change| CaseEvent::new(at, change))
    }
}

/// Decides how a case is handled by what the customer is worth and where they stand.
///
/// The first rule that holds and names a queue decides the queue; the same for the service level; the priority is the
/// highest that a rule or the case itself names.
///
/// # Arguments
/// `tier`, `stage`: `None` where they are not known; no rule that asks for them holds then.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::case::{Case, CaseId};
/// use patronage::customer::CustomerId;
/// use patronage::service::{RoutingRule, RoutingRules, ValueTier, route};
/// use patronage::task::Priority;
///
/// let rules = RoutingRules {
///     queue: Tag::literal("everyone"),
///     sla: Tag::literal("standard"),
///     rules: vec![
///         RoutingRule::new(Tag::literal("valued"))
///             .for_tier(ValueTier::Top)
///             .with_priority(Priority::High)
///             .to_queue(Tag::literal("key_accounts")),
///     ],
/// };
/// let at = "2026-03-02T09:00:00Z".parse()?;
/// let case = Case::open(CaseId::derive(&["1"]), CustomerId::derive(&["17"]), Tag::literal("repair"), at)?;
/// let routing = route(&case, Some(ValueTier::Top), None, &rules);
/// assert_eq!((routing.priority, routing.queue), (Priority::High, Tag::literal("key_accounts")));
/// assert_eq!(routing.reasons[0].by(), Tag::literal("valued"));
///
/// let mut case = case;
/// for event in routing.events(at) {
///     case.record(event)?;
/// }
/// assert_eq!((case.assignee(), case.sla()), (Some(Tag::literal("key_accounts")), Some(Tag::literal("standard"))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn route(
    case: &Case,
    tier: Option<ValueTier>,
    stage: Option<LifecycleStage>,
    rules: &RoutingRules,
) -> Routing {
    let (mut priority, mut queue, mut sla) = (case.priority(), None, None);
    let mut reasons = Vec::new();
    for rule in rules.rules.iter().filter(|rule| rule.holds(case, tier, stage)) {
        let before = (priority, queue, sla);
        priority = rule.priority.map_or(priority, |other| other.max(priority));
        queue = queue.or(rule.queue);
        sla = sla.or(rule.sla);
        if before != (priority, queue, sla) {
            reasons.push(Because::rule(rule.name));
        }
    }
    Routing { priority, queue: queue.unwrap_or(rules.queue), sla: sla.unwrap_or(rules.sla), reasons }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CaseId;
    use crate::customer::CustomerId;

    #[test]
    fn first_queue_highest_priority_and_only_reasons_that_counted() {
        let tag = Tag::literal;
        let rules = RoutingRules {
            queue: tag("everyone"),
            sla: tag("standard"),
            rules: vec![
                RoutingRule::new(tag("worst"))
                    .from_severity(Severity::Catastrophic)
                    .with_priority(Priority::Urgent)
                    .under_sla(tag("crisis")),
                RoutingRule::new(tag("leaving"))
                    .at_stage(LifecycleStage::Exiting)
                    .for_tier(ValueTier::Top)
                    .for_tier(ValueTier::High)
                    .to_queue(tag("retention")),
                RoutingRule::new(tag("bills")).for_reason(tag("billing")).to_queue(tag("finance")),
                RoutingRule::new(tag("valued")).for_tier(ValueTier::Top).with_priority(Priority::High),
            ],
        };
        let id = CaseId::derive(&["1"]);
        let mut case =
            Case::open(id, CustomerId::derive(&["c"]), tag("billing"), DateTime::UNIX_EPOCH).unwrap();
        let routed = |case: &Case, tier, stage| {
            let routing = route(case, tier, stage, &rules);
            let reasons: Vec<_> = routing.reasons.iter().map(|reason| reason.by().to_string()).collect();
            (routing.priority, routing.queue.to_string(), routing.sla.to_string(), reasons.join(" "))
        };
        let expect = |priority, queue: &str, sla: &str, reasons: &str| {
            (priority, queue.to_owned(), sla.to_owned(), reasons.to_owned())
        };
        let (top, exiting) = (Some(ValueTier::Top), Some(LifecycleStage::Exiting));
        assert_eq!(routed(&case, None, exiting), expect(Priority::Normal, "finance", "standard", "bills"));
        assert_eq!(
            routed(&case, top, exiting),
            expect(Priority::High, "retention", "standard", "leaving valued")
        );
        let graded = CaseChange::Graded(Severity::Catastrophic);
        case.record(CaseEvent::new(DateTime::UNIX_EPOCH, graded)).unwrap();
        assert_eq!(routed(&case, top, None), expect(Priority::Urgent, "finance", "crisis", "worst bills"));
    }
}
