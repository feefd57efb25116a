//! How customers are served: business time, recurrences, service levels, escalation, routing, and call-backs instead of
//! being on hold.

mod calendar;
mod error;
mod escalation;
mod handover;
mod hours;
mod recurrence;
mod route;
mod schedule;
mod sla_policy;
mod sla_report;
mod wait_offer;
mod zone;

pub use calendar::BusinessCalendar;
pub use error::ServiceError;
pub use escalation::{
    Escalation, EscalationRule, EscalationRules, EscalationTrigger, Escalations, escalations,
};
pub use handover::{Handover, handover};
pub use hours::{BusinessHours, Window};
pub use recurrence::{Frequency, MonthEnd, Recurrence, RecurrenceEnd};
pub use route::{Routing, RoutingRule, RoutingRules, ValueTier, route};
pub use schedule::{CatchUp, Due, Occurrence, Occurrences, Schedule};
pub use sla_policy::{SlaClock, SlaMetric, SlaPolicy, SlaReopen, SlaTarget};
pub use sla_report::{SlaReport, SlaRun, SlaState, SlaStep, SlaStepKind, sla_report};
pub use wait_offer::{WaitOffer, WaitPolicy, wait_offer};
#[cfg(feature = "chrono-tz")]
pub use zone::zone_named;
pub use zone::{LocalTime, ZoneRules};
