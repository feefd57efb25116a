//! How customers are served: business time, recurrences, service levels, escalation, routing, call-backs, recovery, and
//! how well all of it works.

mod calendar;
mod error;
mod handover;
mod hours;
mod recurrence;
mod schedule;
mod sla_policy;
mod sla_report;
mod zone;

pub use calendar::BusinessCalendar;
pub use error::ServiceError;
pub use handover::{Handover, handover};
pub use hours::{BusinessHours, Window};
pub use recurrence::{Frequency, MonthEnd, Recurrence, RecurrenceEnd};
pub use schedule::{CatchUp, Due, Occurrence, Occurrences, Schedule};
pub use sla_policy::{SlaClock, SlaMetric, SlaPolicy, SlaReopen, SlaTarget};
pub use sla_report::{SlaReport, SlaRun, SlaState, SlaStep, SlaStepKind, sla_report};
#[cfg(feature = "chrono-tz")]
pub use zone::zone_named;
pub use zone::{LocalTime, ZoneRules};
