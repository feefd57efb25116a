//! Spans of time, and the door every instant comes in by.

use crate::validation::ValidationError;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Seconds from the epoch to the first instant of the year 1 and to the first after the year 9999.
const FIRST_SECOND: i64 = -62_135_596_800;
const PAST_SECOND: i64 = 253_402_300_800;

/// Takes an instant in: within the years 1 to 9999, kept to the microsecond (finer digits are dropped), which is what
/// every store keeps.
pub(crate) fn instant(field: &'static str, at: DateTime<Utc>) -> Result<DateTime<Utc>, ValidationError> {
    if !(FIRST_SECOND..PAST_SECOND).contains(&at.timestamp()) {
        return Err(ValidationError::new(field, "must lie within the years 1 to 9999", at));
    }
    DateTime::from_timestamp_micros(at.timestamp_micros())
        .ok_or_else(|| ValidationError::new(field, "must lie within the years 1 to 9999", at))
}

/// The calendar day of an instant in UTC, as days since 1970-01-01.
pub(crate) fn day_number(at: DateTime<Utc>) -> i32 {
    // Years 1 to 9999 are within four million days of the epoch; other instants clamp instead of wrapping.
    i32::try_from(at.timestamp().div_euclid(86_400)).unwrap_or(if at.timestamp() < 0 {
        i32::MIN
    } else {
        i32::MAX
    })
}

/// A half-open span of time: its start belongs to it, its end does not.
///
/// # Example
/// ```
/// use chrono::{DateTime, Utc};
/// use patronage::Period;
///
/// let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse()?;
/// let end: DateTime<Utc> = "2026-02-01T00:00:00Z".parse()?;
/// let january = Period::new(start, end)?;
/// assert!(january.contains(start) && !january.contains(end));
/// assert_eq!(january.length().num_days(), 31);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Bounds")]
pub struct Period {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Bounds {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl TryFrom<Bounds> for Period {
    type Error = ValidationError;

    fn try_from(bounds: Bounds) -> Result<Self, ValidationError> {
        Self::new(bounds.start, bounds.end)
    }
}

impl Period {
    /// The period from `start` to just before `end`, both kept to the microsecond.
    ///
    /// # Errors
    /// [`ValidationError`] when `end` is not after `start`, or an instant lies outside the years 1 to 9999.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Self, ValidationError> {
        let (start, end) = (instant("period.start", start)?, instant("period.end", end)?);
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(ValidationError::new("period.end", "must be after the start", end))
        }
    }

    /// From the first instant of the year 1 to just before `end`: all that is known by then.
    ///
    /// # Errors
    /// [`ValidationError`] when `end` lies outside the years 1 to 9999.
    pub fn until(end: DateTime<Utc>) -> Result<Self, ValidationError> {
        Self::new(DateTime::from_timestamp(FIRST_SECOND, 0).unwrap_or(DateTime::UNIX_EPOCH), end)
    }

    /// The first instant of the period.
    pub const fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// The first instant after the period.
    pub const fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// Whether an instant lies in the period.
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        self.start <= at && at < self.end
    }

    /// How long the period is.
    pub fn length(&self) -> TimeDelta {
        self.end.signed_duration_since(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_empty_reversed_and_far_away() {
        let day = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let (one, two) = (day("2026-01-01T00:00:00Z"), day("2026-01-02T00:00:00Z"));
        assert!(Period::new(one, one).is_err());
        assert!(Period::new(two, one).is_err());
        assert!(Period::new(one, DateTime::<Utc>::MAX_UTC).is_err());
        assert!(Period::new(DateTime::<Utc>::MIN_UTC, one).is_err());
        assert!(Period::until(one).unwrap().contains(day("0001-01-01T00:00:00Z")));
        let text = r#"{"start":"2026-01-02T00:00:00Z","end":"2026-01-01T00:00:00Z"}"#;
        assert!(serde_json::from_str::<Period>(text).is_err());
    }

    #[test]
    fn instants_are_kept_to_the_microsecond() {
        let fine = DateTime::from_timestamp(1, 123_456_789).unwrap();
        assert_eq!(instant("at", fine).unwrap().timestamp_subsec_nanos(), 123_456_000);
    }
}
