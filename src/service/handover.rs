use crate::case::{Case, CaseId, Promise};
use crate::interaction::{Channel, Direction, Interaction};
use crate::pii::Pii;
use crate::tag::Tag;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What whoever serves a customer next has to know, so that the customer need not say anything twice.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Handover<'a> {
    /// The cases that are not settled for good, the one with the latest event first.
    pub open_cases: Vec<&'a Case>,
    /// Why the customer came last: in an interaction or with a case.
    pub last_reason: Option<Tag>,
    /// When and where the customer was last in touch.
    pub last_contact: Option<(DateTime<Utc>, Channel)>,
    /// What was promised and not kept yet, the most overdue first.
    pub promises: Vec<(CaseId, Promise)>,
    /// What the customer told, by what it is about, in any case; the latest where they told it twice.
    pub facts: BTreeMap<Tag, &'a Pii<String>>,
}

/// Sums up for whoever serves a customer next: open cases, the last reason, promises, facts already given.
///
/// # Arguments
/// `cases` and `interactions` of the customer, in any order, under whichever identity they were recorded.
/// `as_of`: what happened later is left out, except within a case.
///
/// # Cost
/// O(n log n) in the number of cases and their facts, one pass over the interactions.
///
/// # Example
/// ```
/// use chrono::{DateTime, Utc};
/// use patronage::{Pii, Tag};
/// use patronage::case::{Case, CaseChange, CaseEvent, CaseId};
/// use patronage::customer::CustomerId;
/// use patronage::service::handover;
///
/// let at: DateTime<Utc> = "2026-03-02T09:00:00Z".parse()?;
/// let customer = CustomerId::derive(&["17"]);
/// let mut case = Case::open(CaseId::derive(&["1"]), customer, Tag::literal("repair"), at)?;
/// let serial = CaseChange::Told { about: Tag::literal("serial"), fact: Pii::new("SN 4711".to_owned()) };
/// case.record(CaseEvent::new(at, serial))?;
///
/// let cases = [case];
/// let summary = handover(&cases, &[], at);
/// assert_eq!(summary.last_reason, Some(Tag::literal("repair")));
/// assert_eq!(summary.facts[&Tag::literal("serial")].expose(), "SN 4711");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn handover<'a>(cases: &'a [Case], interactions: &[Interaction], as_of: DateTime<Utc>) -> Handover<'a> {
    // By the latest event, so that later facts replace earlier ones.
    let mut known: Vec<&Case> = cases.iter().filter(|case| case.opened() <= as_of).collect();
    known.sort_by_key(|case| (case.last_at(), case.id()));
    let mut told: BTreeMap<Tag, (DateTime<Utc>, &Pii<String>)> = BTreeMap::new();
    for (at, about, fact) in known.iter().flat_map(|case| case.told()) {
        let latest = told.entry(about).or_insert((at, fact));
        if latest.0 <= at {
            *latest = (at, fact);
        }
    }
    let mut promises: Vec<(CaseId, Promise)> = known
        .iter()
        .flat_map(|case| case.promises().iter().map(|promise| (case.id(), *promise)))
        .filter(|(_, promise)| promise.kept.is_none())
        .collect();
    promises.sort_by_key(|(case, promise)| (promise.due, *case, promise.promise));
    let contact = interactions
        .iter()
        .filter(|one| one.at() <= as_of && one.direction() != Direction::Internal)
        .max_by_key(|one| (one.at(), one.id()));
    let reasoned = interactions
        .iter()
        .filter(|one| one.at() <= as_of && one.direction() == Direction::Inbound)
        .filter_map(|one| Some((one.at(), one.reason()?)));
    let last_reason = reasoned.chain(known.iter().map(|case| (case.opened(), case.reason()))).max();
    Handover {
        open_cases: known.iter().rev().copied().filter(|case| !case.status().is_final()).collect(),
        last_reason: last_reason.map(|(_, reason)| reason),
        last_contact: contact.map(|one| (one.at(), one.channel())),
        promises,
        facts: told.into_iter().map(|(about, (_, fact))| (about, fact)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CaseChange, CaseEvent, CaseStatus};
    use crate::customer::CustomerId;
    use crate::interaction::InteractionId;
    use chrono::TimeDelta;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn case(id: &str, opened: i64, changes: &[(i64, CaseChange)]) -> Case {
        let customer = CustomerId::derive(&["c"]);
        let mut case = Case::open(CaseId::derive(&[id]), customer, id.parse().unwrap(), at(opened)).unwrap();
        for (hours, change) in changes {
            case.record(CaseEvent::new(at(*hours), change.clone())).unwrap();
        }
        case
    }

    #[test]
    fn nothing_has_to_be_said_twice() {
        let told =
            |text: &str| CaseChange::Told { about: Tag::literal("serial"), fact: Pii::new(text.to_owned()) };
        let owed = |promise, due| CaseChange::Promised { promise: Tag::literal(promise), due: at(due) };
        let cases = [
            case("late", 5, &[(6, told("new")), (7, owed("call", 30)), (7, owed("gift", 8))]),
            case("old", 1, &[(2, told("old")), (9, CaseChange::Moved(CaseStatus::Rejected))]),
            case("early", 1, &[(8, owed("refund", 20)), (9, CaseChange::Kept(Tag::literal("refund")))]),
            case("future", 99, &[]),
        ];
        let call = Interaction::builder(InteractionId::derive(&["i"]), CustomerId::derive(&["c"]), at(4));
        let summary_of = |reason, as_of| {
            let call = call.clone().reason(Tag::literal(reason)).build().unwrap();
            let summary = handover(&cases, &[call], at(as_of));
            (summary.last_reason, summary.last_contact)
        };
        let summary = handover(&cases, &[], at(10));
        let open: Vec<_> = summary.open_cases.iter().map(|case| case.reason().to_string()).collect();
        assert_eq!(open, ["early", "late"]);
        assert_eq!(
            summary.facts[&Tag::literal("serial")].expose(),
            "new",
            "the latest, whatever case ended last"
        );
        let promises: Vec<_> = summary.promises.iter().map(|(_, one)| one.promise.to_string()).collect();
        assert_eq!(promises, ["gift", "call"]);
        assert_eq!(summary_of("invoice", 10), (Some(Tag::literal("late")), Some((at(4), Channel::Web))));
        assert_eq!(summary_of("invoice", 4).0, Some(Tag::literal("invoice")));
        assert_eq!(summary_of("invoice", 3).1, None);
    }
}
