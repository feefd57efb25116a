//! How customers are served: business time, recurrences, service levels, escalation, routing, call-backs, recovery, and
//! how well all of it works.

mod calendar;
mod error;
mod hours;
mod recurrence;
mod schedule;
mod zone;

pub use calendar::BusinessCalendar;
pub use error::ServiceError;
pub use hours::{BusinessHours, Window};
pub use recurrence::{Frequency, MonthEnd, Recurrence, RecurrenceEnd};
pub use schedule::{CatchUp, Due, Occurrence, Occurrences, Schedule};
#[cfg(feature = "chrono-tz")]
pub use zone::zone_named;
pub use zone::{LocalTime, ZoneRules};
