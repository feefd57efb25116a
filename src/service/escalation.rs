use super::sla_policy::SlaMetric;
use super::sla_report::{SlaReport, SlaRun, SlaState};
use crate::because::Because;
use crate::case::{Case, CaseChange, CaseEvent, CaseStatus, Severity};
use crate::interaction::{Direction, Interaction, InteractionId, Outcome};
use crate::key::IdempotencyKey;
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What makes a case escalate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EscalationTrigger {
    /// The customer came several times for one reason.
    RepeatContact {
        /// How often, at least 2.
        contacts: u32,
        /// Within how many seconds.
        within_seconds: u32,
    },
    /// A promise of the service level is about to be broken.
    SlaAtRisk(SlaMetric),
    /// A promise of the service level is broken, and still not fulfilled.
    SlaMissed {
        /// Which promise.
        metric: SlaMetric,
        /// For how many seconds.
        after_seconds: u32,
    },
    /// A question went unanswered, and nobody has answered since.
    Unanswered {
        /// For how many seconds.
        after_seconds: u32,
    },
    /// The case is this bad, or worse.
    Severity(Severity),
}

/// A rule that hands a case to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EscalationRule {
    /// The name of the rule. The levels of one escalation share it.
    pub name: Tag,
    /// The level, from 1.
    pub level: u8,
    /// Who gets the case: a team or a person.
    pub to: Tag,
    /// When.
    pub trigger: EscalationTrigger,
}

/// Rules that hand cases to somebody else, checked as a whole.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::case::Severity;
/// use patronage::service::{EscalationRule, EscalationRules, EscalationTrigger};
///
/// let rule = EscalationRule {
///     name: Tag::literal("third_call"),
///     level: 1,
///     to: Tag::literal("team_lead"),
///     trigger: EscalationTrigger::RepeatContact { contacts: 3, within_seconds: 7 * 86_400 },
/// };
/// assert!(EscalationRules::new([rule]).is_ok());
/// assert!(EscalationRules::new([rule, rule]).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<EscalationRule>", into = "Vec<EscalationRule>")]
pub struct EscalationRules(Vec<EscalationRule>);

impl TryFrom<Vec<EscalationRule>> for EscalationRules {
    type Error = ValidationError;

    fn try_from(rules: Vec<EscalationRule>) -> Result<Self, ValidationError> {
        Self::new(rules)
    }
}

impl From<EscalationRules> for Vec<EscalationRule> {
    fn from(rules: EscalationRules) -> Self {
        rules.0
    }
}

impl EscalationRules {
    /// Checks rules as a whole.
    ///
    /// # Errors
    /// [`ValidationError`] when two rules share name and level, a level is 0, or a repeat contact is less than two.
    pub fn new(rules: impl IntoIterator<Item = EscalationRule>) -> Result<Self, ValidationError> {
        let rules: Vec<EscalationRule> = rules.into_iter().collect();
        for (place, rule) in rules.iter().enumerate() {
            if rule.level == 0 {
                return Err(ValidationError::new("escalation_rule.level", "must be at least 1", rule.name));
            }
            if matches!(rule.trigger, EscalationTrigger::RepeatContact { contacts: 0 | 1, .. }) {
                let field = "escalation_rule.contacts";
                return Err(ValidationError::new(field, "must be at least 2", rule.name));
            }
            let same = |other: &EscalationRule| (other.name, other.level) == (rule.name, rule.level);
            if rules.iter().take(place).any(same) {
                let shown = format!("{} level {}", rule.name, rule.level);
                return Err(ValidationError::new("escalation_rules", "must hold a level once", shown));
            }
        }
        Ok(Self(rules))
    }

    /// The rules.
    pub fn rules(&self) -> &[EscalationRule] {
        &self.0
    }
}

/// A case that is to be handed to somebody else.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Escalation {
    /// The same for the same case, rule, level and cycle: record the escalation under it, and it happens once.
    pub key: IdempotencyKey,
    /// The rule.
    pub rule: Tag,
    /// The level.
    pub level: u8,
    /// Who gets the case.
    pub to: Tag,
    /// The round: of the clock for service levels, of the unanswered question, of the case for the rest.
    pub cycle: u32,
    /// Since when it is called for.
    pub since: DateTime<Utc>,
    /// The rule and the figures it saw.
    pub because: Because,
}

impl Escalation {
    /// The event that records it in its case.
    pub fn event(&self, at: DateTime<Utc>) -> CaseEvent {
        let Self { key, rule, level, to, .. } = *self;
        CaseEvent::new(at, CaseChange::Escalated { key, rule, level, to })
    }
}

/// What is to be escalated, and when to look again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Escalations {
    /// What was not recorded in the case yet, in the order of the rules.
    pub fire: Vec<Escalation>,
    /// The next instant at which time alone may call for more.
    pub next_check: Option<DateTime<Utc>>,
}

/// Tells which rules call for handing a case to somebody else, each once for its case, level and cycle.
///
/// What has fired is read from the case: record every answer with [`Escalation::event`], in the change set that tells
/// somebody, and asking again yields nothing new. Nothing depends on asking in time; whoever asks late gets what was
/// missed as long as it is still open.
///
/// # Arguments
/// `report`: how the service level stands; its `as_of` is the instant of the answer. `contacts`: interactions of the
/// customer in any order; those for the reason of the case count as repeat contacts, with those in the case.
///
/// # Returns
/// Nothing for a case that is closed, rejected or a duplicate.
///
/// # Cost
/// O(n log n) in the number of contacts, times the number of rules.
pub fn escalations(
    case: &Case,
    report: &SlaReport,
    contacts: &[Interaction],
    rules: &EscalationRules,
) -> Escalations {
    let mut found = Escalations { fire: Vec::new(), next_check: None };
    if case.status().is_final() {
        return found;
    }
    let now = report.as_of;
    let mut look_again = report.next_check();
    let mut coming = |at: DateTime<Utc>| look_again = Some(look_again.map_or(at, |other| other.min(at)));
    let inbound = inbound(case, contacts, now);
    for rule in &rules.0 {
        let mut fire = |cycle: u32, since: DateTime<Utc>, because: Because| {
            let key = key(case, rule, cycle);
            if !case.has_escalated(key) {
                let EscalationRule { name, level, to, .. } = *rule;
                found.fire.push(Escalation { key, rule: name, level, to, cycle, since, because });
            }
        };
        match rule.trigger {
            EscalationTrigger::RepeatContact { contacts, within_seconds } => {
                let window = TimeDelta::seconds(i64::from(within_seconds));
                if let Some((count, since)) = repeated(&inbound, contacts, window, case.opened()) {
                    fire(case.cycle(), since, seen(rule.name, f64::from(count), f64::from(contacts)));
                }
            }
            EscalationTrigger::SlaAtRisk(metric) => {
                let running = |run: &&SlaRun| run.metric == metric && run.state == SlaState::Running;
                for run in report.runs.iter().filter(running) {
                    if let Some(warn) = run.warn.filter(|warn| *warn <= now) {
                        fire(run.cycle, warn, time(rule.name, run));
                    }
                }
            }
            EscalationTrigger::SlaMissed { metric, after_seconds } => {
                let open = |run: &&SlaRun| run.metric == metric && run.finished.is_none();
                for run in report.runs.iter().filter(open) {
                    let Some(since) = run.missed.map(|missed| later(missed, after_seconds)) else { continue };
                    if since <= now {
                        fire(run.cycle, since, time(rule.name, run));
                    } else {
                        coming(since);
                    }
                }
            }
            EscalationTrigger::Unanswered { after_seconds } => {
                for (cycle, asked) in unanswered(case, now) {
                    let since = later(asked, after_seconds);
                    if since <= now {
                        let waited = seconds(now - asked);
                        fire(cycle, since, seen(rule.name, waited, f64::from(after_seconds)));
                    } else {
                        coming(since);
                    }
                }
            }
            EscalationTrigger::Severity(least) => {
                if case.severity() >= least {
                    fire(case.cycle(), case.last_at(), Because::rule(rule.name));
                }
            }
        }
    }
    found.next_check = look_again;
    found
}

fn key(case: &Case, rule: &EscalationRule, cycle: u32) -> IdempotencyKey {
    let (case, level, cycle) = (case.id().to_string(), rule.level.to_string(), cycle.to_string());
    IdempotencyKey::derive(&["escalation", &case, rule.name.as_str(), &level, &cycle])
}

/// When the customer came for the reason of the case, each interaction once.
fn inbound(case: &Case, contacts: &[Interaction], now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut found: BTreeMap<InteractionId, DateTime<Utc>> = BTreeMap::new();
    for event in case.events() {
        if let CaseChange::Contact { interaction, direction: Direction::Inbound, .. } = event.change {
            found.insert(interaction, event.at);
        }
    }
    let counts = |one: &&Interaction| {
        one.direction() == Direction::Inbound && one.reason() == Some(case.reason()) && one.at() <= now
    };
    found.extend(contacts.iter().filter(counts).map(|one| (one.id(), one.at())));
    let mut at: Vec<DateTime<Utc>> = found.into_values().collect();
    at.sort_unstable();
    at
}

/// The most contacts within a window that touches the life of the case, and when the needed number was reached; `None`
/// when it never was. A window anywhere counts, so that asking late forgets nothing.
fn repeated(
    contacts: &[DateTime<Utc>],
    needed: u32,
    window: TimeDelta,
    opened: DateTime<Utc>,
) -> Option<(u32, DateTime<Utc>)> {
    let mut most = 0;
    let mut reached = None;
    for (last, at) in contacts.iter().enumerate().filter(|(_, at)| **at >= opened) {
        let first = contacts.partition_point(|other| *at - *other > window);
        let count = u32::try_from(last - first + 1).unwrap_or(u32::MAX);
        if count >= needed && reached.is_none() {
            reached = Some(*at);
        }
        most = most.max(count);
    }
    reached.map(|at| (most, at))
}

/// Questions without an answer since: the how many-th, from 1, and when.
fn unanswered(case: &Case, now: DateTime<Utc>) -> Vec<(u32, DateTime<Utc>)> {
    let (mut open, mut count) = (Vec::new(), 0);
    for event in case.events().iter().filter(|event| event.at <= now) {
        match event.change {
            CaseChange::Contact { outcome: Some(Outcome::Unanswered), .. } => {
                count += 1;
                open.push((count, event.at));
            }
            CaseChange::Contact { direction: Direction::Outbound, .. }
            | CaseChange::Moved(CaseStatus::Solved) => open.clear(),
            _ => {}
        }
    }
    open
}

fn later(at: DateTime<Utc>, seconds: u32) -> DateTime<Utc> {
    at.checked_add_signed(TimeDelta::seconds(i64::from(seconds))).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn seconds(span: TimeDelta) -> f64 {
    span.as_seconds_f64()
}

fn time(rule: Tag, run: &SlaRun) -> Because {
    seen(rule, seconds(run.used), seconds(run.within))
}

fn seen(rule: Tag, figure: f64, threshold: f64) -> Because {
    // Counts and durations are finite; the reason stands without them all the same.
    Because::rule(rule).figure(figure, threshold).unwrap_or(Because::rule(rule))
}

#[cfg(test)]
mod tests;
