//! How customers are served: business time, service levels, escalation, routing, and call-backs instead of being on hold.
//!
//! Everything here is a plain function over histories. [`attend()`] puts it together: it looks at a matter (a case, a
//! call-back, a recovery, a reminder) by the [`ServiceRules`] of a company and says what has happened of itself, who is to
//! be told, and when to look again. A [`Desk`](crate::desk::Desk) does so by itself with everything it keeps.
//!
//! # When is a matter looked at again?
//! Every stored matter carries the instant at which somebody has to look at it ([`Matter::wake`](crate::case::Matter::wake)).
//! Whoever records an event need not compute it: [`Matter::changed`](crate::case::Matter::changed) wakes the matter at
//! once, and the desk finds out the rest. [`next_wake`] computes it, which saves a change set.
//!
//! ```
//! use chrono::{DateTime, TimeDelta, Utc};
//! use patronage::case::{Case, CaseChange, CaseEvent, CaseId, CaseStatus, Matter, MatterId, MatterKind};
//! use patronage::customer::{Customer, CustomerId, CustomerKind};
//! use patronage::desk::{Desk, Settings};
//! use patronage::notify::MemoryNotifier;
//! use patronage::service::{
//!     BusinessCalendar, BusinessHours, EscalationRule, EscalationRules, EscalationTrigger, ServiceRules, SlaMetric,
//!     SlaPolicy, SlaTarget,
//! };
//! use patronage::store::{ChangeSet, MemoryStore, Store};
//! use patronage::{IdempotencyKey, Tag};
//!
//! let hours = BusinessHours::new("UTC")?.open_weekdays("09:00-17:00".parse()?)?;
//! let standard = SlaPolicy::new(Tag::literal("standard"))
//!     .promise(SlaTarget::new(SlaMetric::FirstResponse, TimeDelta::hours(2))?)?;
//! let late = EscalationRule {
//!     name: Tag::literal("late_answer"),
//!     level: 1,
//!     to: Tag::literal("team_lead"),
//!     trigger: EscalationTrigger::SlaMissed { metric: SlaMetric::FirstResponse, after_seconds: 0 },
//! };
//! let rules = ServiceRules::new(Tag::literal("service_desk"))
//!     .open(BusinessCalendar::new(&hours, Utc)?)
//!     .with_level(standard)?
//!     .escalating(EscalationRules::new([late])?);
//! let desk = Desk::new(MemoryStore::new(), MemoryNotifier::new(), Settings::default().serving(rules));
//!
//! // A case is opened on a Friday at four in the afternoon.
//! let opened: DateTime<Utc> = "2026-11-20T16:00:00Z".parse()?;
//! let customer = Customer::new(CustomerId::derive(&["shop", "17"]), CustomerKind::Person, opened)?;
//! let case = Case::open(CaseId::derive(&["desk", "1"]), customer.id(), Tag::literal("late_delivery"), opened)?;
//! let key = IdempotencyKey::derive(&["desk", "1", "opened"]);
//! let changes = ChangeSet::new(key, opened, Tag::literal("desk"))?.customer(customer).matter(Matter::new(case));
//!
//! pollster::block_on(async {
//!     desk.record(&changes).await?;
//!     assert_eq!(desk.run_due(opened).await?.delivered, 0);
//!
//!     // Somebody takes it on Monday at half past nine, and answers nothing.
//!     let id = MatterId::Case(CaseId::derive(&["desk", "1"]));
//!     let taken: DateTime<Utc> = "2026-11-23T09:30:00Z".parse()?;
//!     for matter in desk.store().matters_by_id(&[id]).await? {
//!         if let MatterKind::Case(mut case) = matter.kind().clone() {
//!             case.record(CaseEvent::new(taken, CaseChange::Moved(CaseStatus::Open)))?;
//!             let key = IdempotencyKey::derive(&["desk", "1", "taken"]);
//!             let changes = ChangeSet::new(key, taken, Tag::literal("desk"))?.matter(matter.changed(case));
//!             desk.record(&changes).await?;
//!         }
//!     }
//!     assert_eq!(desk.run_due(taken).await?.delivered, 0);
//!     // Two hours of business are over at ten.
//!     assert_eq!(desk.run_due(taken + TimeDelta::minutes(31)).await?.delivered, 1);
//!     assert_eq!(desk.notifier().delivered()[0].about(), Tag::literal("escalation"));
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attend;
mod calendar;
mod duration;
mod error;
mod escalation;
mod handover;
mod hours;
mod measures;
mod recovery;
mod route;
mod rules;
mod sla_policy;
mod sla_report;
mod wait_offer;

pub use attend::{Attention, attend, next_wake};
pub use calendar::BusinessCalendar;
pub use duration::{DurationQuantile, DurationSummary, Took, duration_summary, response_times};
pub use error::ServiceError;
pub use escalation::{
    Escalation, EscalationRule, EscalationRules, EscalationTrigger, Escalations, escalations,
};
pub use handover::{Handover, handover};
pub use hours::{BusinessHours, Window};
pub use measures::{
    AgentMeasures, ContactThread, call_backs_kept, contact_threads, escalation_rate,
    first_contact_resolution, handle_times, measures_by_agent, promises_kept, repeat_contact_rate,
};
pub use recovery::{
    Aftermath, Comparison, RecoveredCustomer, RecoveryClock, RecoveryOutcome, RecoveryPolicy,
    recovery_clocks, recovery_outcomes,
};
pub use route::{Routing, RoutingRule, RoutingRules, ValueTier, route};
pub use rules::ServiceRules;
pub use sla_policy::{SlaClock, SlaMetric, SlaPolicy, SlaReopen, SlaTarget};
pub use sla_report::{SlaReport, SlaRun, SlaState, SlaStep, SlaStepKind, sla_report};
pub use wait_offer::{WaitOffer, WaitPolicy, wait_offer};
