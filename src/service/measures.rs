use super::duration::{DurationSummary, Took, duration_summary};
use crate::case::{CallBack, Case, CaseChange};
use crate::customer::CustomerId;
use crate::interaction::{Direction, Interaction, Outcome};
use crate::measure::{Estimate, Share};
use crate::numeric::proportion::{Proportion, z};
use crate::tag::Tag;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// What a customer went through for one reason: all contacts with no longer pause between them than a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ContactThread {
    /// Who.
    pub customer: CustomerId,
    /// Why.
    pub reason: Tag,
    /// How often the customer came.
    pub contacts: u32,
    /// When the first interaction began.
    pub first: DateTime<Utc>,
    /// When the last interaction began.
    pub last: DateTime<Utc>,
    /// Whether the last known outcome settled the matter.
    pub is_resolved: bool,
    /// Whether the window has passed since, so that the customer had time to come again.
    pub is_mature: bool,
}

/// Joins interactions into threads: the same customer, the same reason, no longer pause than `window`.
///
/// Interactions without a reason, within the company, or after `as_of` belong to none. A matter is resolved by the
/// outcomes resolved and sale; an outcome that is not known settles nothing and undoes nothing.
///
/// # Arguments
/// `window`: 7 days is the custom of the trade for first contact resolution.
///
/// # Cost
/// O(n log n).
///
/// # Example
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{Interaction, InteractionId, Outcome};
/// use patronage::service::{contact_threads, first_contact_resolution};
/// use patronage::{Share, Tag};
///
/// let monday: DateTime<Utc> = "2026-03-02T09:00:00Z".parse()?;
/// let call = |customer: &str, days| {
///     Interaction::builder(
///         InteractionId::derive(&[customer, &format!("{days}")]),
///         CustomerId::derive(&[customer]),
///         monday + TimeDelta::days(days),
///     )
///     .reason(Tag::literal("billing"))
///     .outcome(Outcome::Resolved)
///     .build()
/// };
/// let calls = [call("ada", 0)?, call("bob", 0)?, call("bob", 3)?];
/// let threads = contact_threads(&calls, TimeDelta::days(7), monday + TimeDelta::days(30));
/// let share = first_contact_resolution(&threads, Share::new(0.95)?).ok_or("no thread")?;
/// assert_eq!((share.value(), share.n()), (0.5, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn contact_threads(
    interactions: &[Interaction],
    window: TimeDelta,
    as_of: DateTime<Utc>,
) -> Vec<ContactThread> {
    let mut rows: Vec<(CustomerId, Tag, &Interaction)> = interactions
        .iter()
        .filter(|one| one.at() <= as_of && one.direction() != Direction::Internal)
        .filter_map(|one| Some((one.customer(), one.reason()?, one)))
        .collect();
    rows.sort_by_key(|(customer, reason, one)| (*customer, *reason, one.at(), one.id()));
    let joined = |one: &(CustomerId, Tag, &Interaction), next: &(CustomerId, Tag, &Interaction)| {
        (one.0, one.1) == (next.0, next.1) && next.2.at() - one.2.at() <= window
    };
    rows.chunk_by(joined)
        .filter_map(|rows| {
            let ((customer, reason, first), (_, _, last)) = (*rows.first()?, rows.last()?);
            let inbound = rows.iter().filter(|(_, _, one)| one.direction() == Direction::Inbound).count();
            let outcome = rows.iter().rev().find_map(|(_, _, one)| one.outcome());
            Some(ContactThread {
                customer,
                reason,
                contacts: u32::try_from(inbound).unwrap_or(u32::MAX),
                first: first.at(),
                last: last.at(),
                is_resolved: matches!(outcome, Some(Outcome::Resolved | Outcome::Sale)),
                is_mature: as_of - last.at() > window,
            })
        })
        .collect()
}

/// Tells which share of the resolved matters took one contact: first contact resolution. `None` without any.
///
/// Threads that are not mature do not count, because the customer may yet come again; nor do those the customer never
/// came for.
///
/// # Formula
/// ```text
/// resolved threads with one contact / resolved threads      interval of Wilson
/// ```
pub fn first_contact_resolution(threads: &[ContactThread], level: Share) -> Option<Estimate> {
    let counts = |one: &&ContactThread| one.is_mature && one.is_resolved && one.contacts > 0;
    share_of(threads.iter().filter(counts).map(|thread| thread.contacts == 1), level)
}

/// Tells for which share of the matters the customer had to come again, resolved or not. `None` without any mature
/// thread.
pub fn repeat_contact_rate(threads: &[ContactThread], level: Share) -> Option<Estimate> {
    let counts = |one: &&ContactThread| one.is_mature && one.contacts > 0;
    share_of(threads.iter().filter(counts).map(|thread| thread.contacts > 1), level)
}

/// Tells how long serving a customer takes: handle time of the interactions that have one, without those the customer
/// abandoned.
pub fn handle_times<'a>(
    interactions: impl IntoIterator<Item = &'a Interaction>,
    level: Share,
) -> DurationSummary {
    let counted = interactions.into_iter().filter(|one| one.outcome() != Some(Outcome::Abandoned));
    let took = counted.filter_map(|one| TimeDelta::from_std(one.handle_time()?).ok());
    duration_summary(took.map(|time| Took { time, is_over: true }), level)
}

/// Tells which share of the cases was escalated at least once.
pub fn escalation_rate(cases: &[Case], level: Share) -> Option<Estimate> {
    let escalated =
        |case: &Case| case.events().iter().any(|event| matches!(event.change, CaseChange::Escalated { .. }));
    share_of(cases.iter().map(escalated), level)
}

/// Tells which share of the promises made in cases was kept in time; promises that are not due at `as_of` do not count.
pub fn promises_kept(cases: &[Case], as_of: DateTime<Utc>, level: Share) -> Option<Estimate> {
    share_of(cases.iter().flat_map(Case::promises).filter_map(|promise| promise.held(as_of)), level)
}

/// Tells which share of the agreed call-backs was made within the agreed slot; those that are not due at `as_of`, and
/// those called off in time, do not count.
pub fn call_backs_kept(call_backs: &[CallBack], as_of: DateTime<Utc>, level: Share) -> Option<Estimate> {
    share_of(call_backs.iter().filter_map(|call_back| call_back.kept(as_of)), level)
}

/// How one agent served, or all those together who served too few customers to be looked at alone.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct AgentMeasures {
    /// The staff number; `None` for all those with too few interactions.
    pub agent: Option<Tag>,
    /// How many interactions.
    pub n: u64,
    /// How long serving took.
    pub handle_time: DurationSummary,
    /// The share that ended resolved, of those whose end is known.
    pub resolved: Option<Estimate>,
    /// The share that was handed on.
    pub transferred: Option<Estimate>,
    /// The mean of the customers' sentiment, from -1 to 1, where it is known.
    pub sentiment: Option<f64>,
}

/// Tells how each agent serves. Whoever served fewer than `least` customers' interactions is not shown alone: so few say
/// nothing about a person.
///
/// # Returns
/// By staff number, those with too few last, together.
///
/// # Cost
/// O(n log n).
pub fn measures_by_agent(interactions: &[Interaction], least: u64, level: Share) -> Vec<AgentMeasures> {
    let mut by_agent: BTreeMap<Tag, Vec<&Interaction>> = BTreeMap::new();
    for one in interactions {
        if let Some(agent) = one.served_by() {
            by_agent.entry(agent).or_default().push(one);
        }
    }
    let mut few = Vec::new();
    let mut measures = Vec::new();
    for (agent, served) in by_agent {
        if u64::try_from(served.len()).is_ok_and(|n| n < least) {
            few.extend(served);
        } else {
            measures.push(of_agent(Some(agent), &served, level));
        }
    }
    if !few.is_empty() {
        measures.push(of_agent(None, &few, level));
    }
    measures
}

fn of_agent(agent: Option<Tag>, served: &[&Interaction], level: Share) -> AgentMeasures {
    let known = served.iter().filter_map(|one| one.outcome());
    let sentiments: Vec<f64> = served.iter().filter_map(|one| Some(one.sentiment()?.score())).collect();
    // Fixed chunks, so that any number of rows and threads sums alike.
    let sum: f64 = sentiments.chunks(4096).map(|chunk| chunk.iter().sum::<f64>()).sum();
    #[expect(clippy::cast_precision_loss, reason = "nobody serves 2^53 customers")]
    let sentiment = (!sentiments.is_empty()).then(|| sum / sentiments.len() as f64);
    AgentMeasures {
        agent,
        n: u64::try_from(served.len()).unwrap_or(u64::MAX),
        handle_time: handle_times(served.iter().copied(), level),
        resolved: share_of(known.map(|outcome| outcome == Outcome::Resolved), level),
        transferred: share_of(served.iter().map(|one| one.transfers() > 0), level),
        sentiment,
    }
}

/// The share that holds, with Wilson's interval; `None` of nothing.
pub(super) fn share_of(holds: impl Iterator<Item = bool>, level: Share) -> Option<Estimate> {
    let (hits, trials) =
        holds.fold((0_u64, 0_u64), |(hits, trials), holds| (hits + u64::from(holds), trials + 1));
    let proportion = Proportion::new(hits, trials)?;
    let interval = proportion.wilson(z(level.get()));
    Estimate::new(proportion.share()?, interval.lower, interval.upper, level, trials).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CallBackChange, CallBackId, CaseEvent, CaseId};
    use crate::interaction::{InteractionBuilder, InteractionId, Sentiment};
    use crate::period::Period;
    use std::time::Duration;

    fn level() -> Share {
        Share::new(0.95).unwrap()
    }

    fn seen(share: Estimate) -> (f64, u64) {
        (share.value(), share.n())
    }

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn call(customer: &str, hours: i64) -> InteractionBuilder {
        let id = InteractionId::derive(&[customer, &hours.to_string()]);
        Interaction::builder(id, CustomerId::derive(&[customer]), at(hours)).reason(Tag::literal("bill"))
    }

    fn resolved(customer: &str, hours: i64) -> Interaction {
        call(customer, hours).outcome(Outcome::Resolved).build().unwrap()
    }

    #[test]
    fn threads_are_mature_or_not_and_resolved_by_their_last_known_outcome() {
        let rows = [
            resolved("once", 0),
            resolved("twice", 0),
            resolved("twice", 24),
            resolved("later", 0),
            resolved("later", 25), // 25 hours: another matter
            resolved("young", 80),
            call("open", 0).outcome(Outcome::FollowUp).build().unwrap(),
            call("other", 0).outcome(Outcome::Resolved).reason(Tag::literal("repair")).build().unwrap(),
            call("other", 1).outcome(Outcome::Resolved).build().unwrap(),
            call("told", 0).build().unwrap(),
            call("told", 1).direction(Direction::Outbound).outcome(Outcome::Resolved).build().unwrap(),
            call("inside", 0).direction(Direction::Internal).outcome(Outcome::Resolved).build().unwrap(),
        ];
        let threads = contact_threads(&rows, TimeDelta::hours(24), at(100));
        assert_eq!(threads.len(), 9);
        let fcr = first_contact_resolution(&threads, level()).unwrap();
        // once, later (2), other (2), told of: the same and twice.
        assert_eq!((fcr.value(), fcr.n()), (6.0 / 7.0, 7));
        let repeat = repeat_contact_rate(&threads, level()).unwrap();
        assert_eq!((repeat.value(), repeat.n()), (1.0 / 8.0, 8));
        assert_eq!(first_contact_resolution(&[], level()), None);
        let mut reversed = rows.to_vec();
        reversed.reverse();
        assert_eq!(contact_threads(&reversed, TimeDelta::hours(24), at(100)), threads);
    }

    #[test]
    fn shares_have_wilsons_interval() {
        // R: prop.test(8, 10, correct = FALSE)$conf.int = 0.4901625 0.9433178.
        let share = share_of((0..10).map(|number| number < 8), level()).unwrap();
        assert!((share.lower() - 0.490_162_5).abs() < 1e-7 && (share.upper() - 0.943_317_8).abs() < 1e-7);
    }

    #[test]
    fn promises_and_call_backs_count_when_they_are_due() {
        let promise = |name| CaseChange::Promised { promise: Tag::literal(name), due: at(5) };
        let mut case =
            Case::open(CaseId::derive(&["1"]), CustomerId::derive(&["c"]), Tag::literal("bill"), at(0))
                .unwrap();
        let kept = CaseChange::Kept(Tag::literal("a"));
        for change in [promise("a"), promise("b"), kept] {
            case.record(CaseEvent::new(at(1), change)).unwrap();
        }
        let cases = [case];
        let promised = |as_of| promises_kept(&cases, at(as_of), level()).map(seen);
        assert_eq!((promised(5), promised(6)), (Some((1.0, 1)), Some((0.5, 2))));
        assert_eq!(escalation_rate(&cases, level()).map(seen), Some((0.0, 1)));
        let mut call = CallBack::offer(
            CallBackId::derive(&["1"]),
            CustomerId::derive(&["c"]),
            Tag::literal("bill"),
            at(0),
            0,
        )
        .unwrap();
        let slot = Period::new(at(1), at(2)).unwrap();
        call.record(at(0), CallBackChange::Accepted(slot)).unwrap();
        let calls = [call];
        assert_eq!(call_backs_kept(&calls, at(1), level()), None);
        assert_eq!(call_backs_kept(&calls, at(2), level()).map(seen), Some((0.0, 1)));
    }

    #[test]
    fn agents_with_few_interactions_are_not_shown_alone() {
        let served = |agent: &str, hours: i64, minutes: u64| {
            let bad = Sentiment::new(-0.5, Tag::literal("note"), Share::ONE).unwrap();
            call("c", hours)
                .served_by(agent.parse().unwrap())
                .handle_time(Duration::from_secs(60 * minutes))
                .sentiment(bad)
        };
        let rows = [
            served("anna", 0, 2).outcome(Outcome::Resolved).build().unwrap(),
            served("anna", 1, 4).outcome(Outcome::FollowUp).transfers(1).build().unwrap(),
            served("anna", 2, 90).outcome(Outcome::Abandoned).build().unwrap(),
            served("bert", 3, 8).build().unwrap(),
            served("cleo", 4, 8).build().unwrap(),
        ];
        let measures = measures_by_agent(&rows, 2, level());
        let told: Vec<_> = measures.iter().map(|one| (one.agent, one.n)).collect();
        assert_eq!(told, [(Some(Tag::literal("anna")), 3), (None, 2)]);
        let anna = measures[0];
        assert_eq!(
            anna.handle_time.median.value,
            Some(TimeDelta::minutes(2)),
            "the abandoned call is left out"
        );
        assert_eq!((anna.handle_time.n, anna.sentiment), (2, Some(-0.5)));
        assert_eq!((anna.resolved.unwrap().n(), anna.transferred.unwrap().n()), (3, 3));
        assert_eq!(measures[1].resolved, None);
    }
}
