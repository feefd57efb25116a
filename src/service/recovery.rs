use super::calendar::{from_microseconds, whole_microseconds};
use super::sla_policy::SlaClock;
use super::sla_report::SlaState;
use super::{BusinessCalendar, ServiceError};
use crate::case::{Recovery, RecoveryStep, Severity};
use crate::measure::{Estimate, Share};
use crate::numeric::proportion::{Proportion, difference, z};
use crate::period;
use crate::tag::Tag;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// The steps that have a clock, in order.
const TIMED: [RecoveryStep; 4] =
    [RecoveryStep::Acknowledged, RecoveryStep::CauseKnown, RecoveryStep::ActionTaken, RecoveryStep::Verified];

/// How soon each step of a recovery has to follow the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecoveryPolicy {
    clock: SlaClock,
    within: [i64; 4],
}

impl RecoveryPolicy {
    /// By which clock, and how soon: the company owns up, knows the cause, does something, and checks that it helped.
    ///
    /// # Errors
    /// [`ServiceError::NegativeDuration`]; [`ServiceError::Invalid`] when a time is longer than can be counted.
    pub fn new(
        clock: SlaClock,
        acknowledge: TimeDelta,
        cause: TimeDelta,
        action: TimeDelta,
        verify: TimeDelta,
    ) -> Result<Self, ServiceError> {
        let mut within = [0; 4];
        for (slot, time) in within.iter_mut().zip([acknowledge, cause, action, verify]) {
            let too_long =
                || crate::validation::ValidationError::new("recovery_policy", "must be countable", time);
            *slot = whole_microseconds("recovery_policy", time)?.ok_or_else(too_long)?;
        }
        Ok(Self { clock, within })
    }
}

/// How one step of a recovery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RecoveryClock {
    /// The step.
    pub step: RecoveryStep,
    /// When the step before was taken.
    pub started: DateTime<Utc>,
    /// By when it is to be taken; `None` after the year 9999.
    pub due: Option<DateTime<Utc>>,
    /// When it was taken.
    pub taken: Option<DateTime<Utc>>,
    /// Running, met, missed, or cancelled where the recovery was abandoned in time.
    pub state: SlaState,
}

/// Tells how each step of a recovery stands against its time. Steps whose turn has not come are left out.
///
/// # Errors
/// [`ServiceError::TimeBackwards`] when `as_of` lies before the last step; [`ServiceError::Invalid`] when it lies
/// outside the years 1 to 9999.
///
/// # Example
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use patronage::Tag;
/// use patronage::case::{CaseId, Recovery, RecoveryId, RecoveryStep, Severity};
/// use patronage::customer::CustomerId;
/// use patronage::service::{
///     BusinessCalendar, BusinessHours, RecoveryPolicy, SlaClock, SlaState, recovery_clocks,
/// };
///
/// let hours = BusinessHours::new("UTC")?.open_weekdays("09:00-17:00".parse()?)?;
/// let calendar = BusinessCalendar::new(&hours, Utc)?;
/// let hour = TimeDelta::hours(1);
/// let policy = RecoveryPolicy::new(SlaClock::Business, hour, hour * 8, hour * 8, hour * 40)?;
/// let friday: DateTime<Utc> = "2026-11-20T16:30:00Z".parse()?;
/// let recovery = Recovery::detect(
///     RecoveryId::derive(&["1"]), CaseId::derive(&["1"]), CustomerId::derive(&["17"]), Severity::Major, friday,
/// )?;
/// let clocks = recovery_clocks(&policy, &calendar, &recovery, friday + TimeDelta::days(1))?;
/// assert_eq!((clocks[0].step, clocks[0].state), (RecoveryStep::Acknowledged, SlaState::Running));
/// assert_eq!(clocks[0].due, Some("2026-11-23T09:30:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn recovery_clocks(
    policy: &RecoveryPolicy,
    calendar: &BusinessCalendar,
    recovery: &Recovery,
    as_of: DateTime<Utc>,
) -> Result<Vec<RecoveryClock>, ServiceError> {
    let now = period::instant("recovery.as_of", as_of)?;
    let last = recovery.events().last().map_or(recovery.detected(), |event| event.at);
    if now < last {
        return Err(ServiceError::TimeBackwards { from: last, to: now });
    }
    let mut clocks = Vec::new();
    let mut started = recovery.detected();
    for (step, within) in TIMED.into_iter().zip(policy.within) {
        let from = started.timestamp_micros();
        let due = match policy.clock {
            SlaClock::Business => calendar.reach(from, within),
            SlaClock::Elapsed => from.checked_add(within),
        }
        .and_then(from_microseconds);
        let taken = recovery.taken(step);
        let abandoned = recovery.taken(RecoveryStep::Abandoned);
        let ended = taken.or(abandoned).unwrap_or(now);
        let state = match (due.is_some_and(|due| due < ended), taken, abandoned) {
            (true, ..) => SlaState::Missed,
            (false, Some(_), _) => SlaState::Met,
            (false, None, Some(_)) => SlaState::Cancelled,
            (false, None, None) => SlaState::Running,
        };
        clocks.push(RecoveryClock { step, started, due, taken, state });
        match taken {
            Some(taken) => started = taken,
            None => break,
        }
    }
    Ok(clocks)
}

/// What became of a customer after something went wrong, or after the same time without it. `None` is not known, and
/// counts nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Aftermath {
    /// Is still a customer.
    pub is_retained: Option<bool>,
    /// Bought again.
    pub has_repurchased: Option<bool>,
    /// Says to be satisfied.
    pub is_satisfied: Option<bool>,
}

/// A customer who was let down, what was done about it, and what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecoveredCustomer {
    /// What was done.
    pub action: Tag,
    /// How badly the customer was hit.
    pub severity: Severity,
    /// What became of them.
    pub after: Aftermath,
}

/// A share among the recovered beside that among comparable customers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// The share among those who got the action.
    pub with: Share,
    /// The share among the comparable.
    pub without: Share,
    /// The difference, first less second; its `n` are those who got the action.
    pub difference: Estimate,
}

/// What one corrective action did.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecoveryOutcome {
    /// The action.
    pub action: Tag,
    /// How many customers got it, without catastrophes.
    pub n: u64,
    /// Still customers.
    pub retained: Option<Comparison>,
    /// Bought again.
    pub repurchased: Option<Comparison>,
    /// Satisfied.
    pub satisfied: Option<Comparison>,
}

/// Tells which corrective action wins customers back: how many stay, buy again and are content after it, against
/// comparable customers who were not let down (or were, and got nothing).
///
/// Catastrophes are left out: no action makes good for them, and they would hide what the actions do otherwise. The
/// comparison is as good as the comparable customers are comparable; it is a difference, not yet a cause.
///
/// # Arguments
/// `least`: an action that fewer customers got is left out, and a share of fewer known answers on either side is `None`.
/// `level`: the confidence of the intervals.
///
/// # Returns
/// One row for each action, in the order of their names.
///
/// # Formula
/// Newcombe's interval of the difference of two shares (method 10).
///
/// # Cost
/// O(n log k) for k actions.
///
/// # Example
/// ```
/// use patronage::case::Severity;
/// use patronage::service::{Aftermath, RecoveredCustomer, recovery_outcomes};
/// use patronage::{Share, Tag};
///
/// let after = |stays| Aftermath { is_retained: Some(stays), ..Aftermath::default() };
/// let (action, severity) = (Tag::literal("refund"), Severity::Major);
/// let recovered: Vec<_> =
///     (0..70).map(|one| RecoveredCustomer { action, severity, after: after(one < 56) }).collect();
/// let comparable: Vec<_> = (0..80).map(|one| after(one < 48)).collect();
/// let outcomes = recovery_outcomes(&recovered, &comparable, 30, Share::new(0.95)?);
/// let retained = outcomes[0].retained.ok_or("too few")?;
/// // Newcombe (1998), table II, case a: 56/70 - 48/80 = 0.2, from 0.0524 to 0.3339.
/// assert_eq!(format!("{:.4}", retained.difference), "0.2000 [0.0524, 0.3339] (95.0 %, n = 70)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven
/// methods", Statistics in Medicine 17 (1998).
pub fn recovery_outcomes(
    recovered: &[RecoveredCustomer],
    comparable: &[Aftermath],
    least: u64,
    level: Share,
) -> Vec<RecoveryOutcome> {
    let mut by_action: BTreeMap<Tag, Tally> = BTreeMap::new();
    for one in recovered.iter().filter(|one| one.severity != Severity::Catastrophic) {
        by_action.entry(one.action).or_default().add(one.after);
    }
    let mut without = Tally::default();
    for one in comparable {
        without.add(*one);
    }
    let compare = |with: Count, without: Count| -> Option<Comparison> {
        if with.trials < least || without.trials < least {
            return None;
        }
        let first = Proportion::new(with.hits, with.trials)?;
        let second = Proportion::new(without.hits, without.trials)?;
        let (seen, interval) = difference(first, second, z(level.get()));
        Some(Comparison {
            with: Share::new(first.share()?).ok()?,
            without: Share::new(second.share()?).ok()?,
            difference: Estimate::new(seen?, interval.lower, interval.upper, level, with.trials).ok()?,
        })
    };
    by_action
        .into_iter()
        .filter(|(_, tally)| tally.n >= least)
        .map(|(action, tally)| RecoveryOutcome {
            action,
            n: tally.n,
            retained: compare(tally.retained, without.retained),
            repurchased: compare(tally.repurchased, without.repurchased),
            satisfied: compare(tally.satisfied, without.satisfied),
        })
        .collect()
}

#[derive(Clone, Copy, Default)]
struct Count {
    hits: u64,
    trials: u64,
}

impl Count {
    fn add(&mut self, answer: Option<bool>) {
        self.hits += u64::from(answer == Some(true));
        self.trials += u64::from(answer.is_some());
    }
}

#[derive(Clone, Copy, Default)]
struct Tally {
    n: u64,
    retained: Count,
    repurchased: Count,
    satisfied: Count,
}

impl Tally {
    fn add(&mut self, after: Aftermath) {
        self.n += 1;
        self.retained.add(after.is_retained);
        self.repurchased.add(after.has_repurchased);
        self.satisfied.add(after.is_satisfied);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CaseId, RecoveryChange, RecoveryId};
    use crate::customer::CustomerId;
    use crate::service::{BusinessHours, Window};

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    #[test]
    fn each_step_has_a_clock_from_the_step_before() {
        let hours = BusinessHours::new("UTC").unwrap().open_daily(Window::WHOLE_DAY).unwrap();
        let calendar = BusinessCalendar::new(&hours, Utc).unwrap();
        let policy = |clock| {
            let [one, two] = [TimeDelta::hours(1), TimeDelta::hours(2)];
            RecoveryPolicy::new(clock, one, two, two, two).unwrap()
        };
        let (case, customer) = (CaseId::derive(&["1"]), CustomerId::derive(&["c"]));
        let mut recovery =
            Recovery::detect(RecoveryId::derive(&["1"]), case, customer, Severity::Minor, at(0)).unwrap();
        recovery.record(at(1), RecoveryChange::Acknowledged).unwrap();
        recovery.record(at(4), RecoveryChange::CauseKnown(Tag::literal("x"))).unwrap();
        for clock in [SlaClock::Business, SlaClock::Elapsed] {
            let read = |recovery: &Recovery, now| {
                let clocks = recovery_clocks(&policy(clock), &calendar, recovery, at(now)).unwrap();
                clocks.iter().map(|one| (one.state, one.due.unwrap())).collect::<Vec<_>>()
            };
            let taken = [(SlaState::Met, at(1)), (SlaState::Missed, at(3))];
            assert_eq!(read(&recovery, 6), [&taken[..], &[(SlaState::Running, at(6))]].concat());
            assert_eq!(read(&recovery, 7)[2].0, SlaState::Missed);
            let mut abandoned = recovery.clone();
            abandoned.record(at(5), RecoveryChange::Abandoned(Tag::literal("left"))).unwrap();
            assert_eq!(read(&abandoned, 99)[2].0, SlaState::Cancelled);
        }
        let early = recovery_clocks(&policy(SlaClock::Elapsed), &calendar, &recovery, at(3));
        assert!(matches!(early, Err(ServiceError::TimeBackwards { .. })));
        let negative = TimeDelta::seconds(-1);
        let refused = RecoveryPolicy::new(SlaClock::Elapsed, negative, negative, negative, negative);
        assert!(matches!(refused, Err(ServiceError::NegativeDuration { .. })));
    }

    #[test]
    fn few_customers_unknown_answers_and_catastrophes_do_not_count() {
        let stays = Aftermath { is_retained: Some(true), ..Aftermath::default() };
        let row =
            |action, severity, after| RecoveredCustomer { action: Tag::literal(action), severity, after };
        let mut rows = vec![row("gift", Severity::Minor, stays); 9];
        rows.extend([row("call", Severity::Minor, stays); 10]);
        rows.extend(
            [row("call", Severity::Catastrophic, Aftermath { is_retained: Some(false), ..stays }); 5],
        );
        rows.push(row("call", Severity::Minor, Aftermath::default()));
        let outcomes = recovery_outcomes(&rows, &[stays; 10], 10, Share::new(0.95).unwrap());
        assert_eq!(outcomes.len(), 1);
        let call = outcomes[0];
        assert_eq!((call.action, call.n, call.repurchased), (Tag::literal("call"), 11, None));
        let retained = call.retained.unwrap();
        assert_eq!(
            (retained.with, retained.difference.value(), retained.difference.n()),
            (Share::ONE, 0.0, 10)
        );
    }
}
