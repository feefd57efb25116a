//! How customers are served: business time, service levels, escalation, routing, and call-backs instead of
//! being on hold.

mod calendar;
mod duration;
mod error;
mod escalation;
mod handover;
mod hours;
mod measures;
mod recovery;
mod route;
mod sla_policy;
mod sla_report;
mod wait_offer;

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
pub use sla_policy::{SlaClock, SlaMetric, SlaPolicy, SlaReopen, SlaTarget};
pub use sla_report::{SlaReport, SlaRun, SlaState, SlaStep, SlaStepKind, sla_report};
pub use wait_offer::{WaitOffer, WaitPolicy, wait_offer};
