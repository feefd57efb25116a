use super::JourneyError;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

/// The length of the periods that time is divided into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarUnit {
    /// Calendar days.
    Day,
    /// Weeks from Monday to Sunday (ISO 8601).
    Week,
    /// Calendar months.
    Month,
}

/// Divides time into days, weeks or months, at a fixed distance from UTC.
///
/// # Example
/// ```
/// use patronage::journey::{Calendar, CalendarUnit};
///
/// let weeks = Calendar::new(CalendarUnit::Week);
/// let monday = weeks.period_of(1_572_825_600_000_000); // 2019-11-04T00:00:00Z
/// assert_eq!(weeks.period_of(1_572_825_599_999_999), monday - 1);
/// assert_eq!(weeks.first_day(monday).map(|day| day.to_string()), Some("2019-11-04".into()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Calendar {
    unit: CalendarUnit,
    offset_seconds: i32,
}

#[derive(Deserialize)]
#[serde(rename = "Calendar", deny_unknown_fields)]
struct Fields {
    unit: CalendarUnit,
    #[serde(default)]
    offset_seconds: i32,
}

impl TryFrom<Fields> for Calendar {
    type Error = JourneyError;

    fn try_from(fields: Fields) -> Result<Self, JourneyError> {
        Self::new(fields.unit).with_offset(fields.offset_seconds)
    }
}

const DAY: i64 = 86_400_000_000;

impl Calendar {
    /// Periods in UTC.
    pub const fn new(unit: CalendarUnit) -> Self {
        Self { unit, offset_seconds: 0 }
    }

    /// Periods whose days begin at midnight of a place that is ahead of UTC by so many seconds.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] for more than 18 hours either way.
    pub fn with_offset(self, offset_seconds: i32) -> Result<Self, JourneyError> {
        if offset_seconds.unsigned_abs() > 18 * 3_600 {
            return Err(JourneyError::Setting {
                setting: "offset_seconds",
                rule: "must be at most 18 hours",
            });
        }
        Ok(Self { offset_seconds, ..self })
    }

    /// The length of the periods.
    pub const fn unit(&self) -> CalendarUnit {
        self.unit
    }

    /// By how many seconds the days are ahead of UTC.
    pub const fn offset(&self) -> i32 {
        self.offset_seconds
    }

    /// The number of the period an instant lies in, counted from the one that holds 1970-01-01. Instants of no calendar
    /// (before the year -262,143 or after 262,142) lie in the nearest month.
    ///
    /// # Arguments
    /// `at`: microseconds since 1970 in UTC.
    pub fn period_of(&self, at: i64) -> i32 {
        let local = at.saturating_add(i64::from(self.offset_seconds) * 1_000_000);
        let day = local.div_euclid(DAY);
        let period = match self.unit {
            CalendarUnit::Day => day,
            // 1970-01-01 was a Thursday, three days after a Monday.
            CalendarUnit::Week => (day + 3).div_euclid(7),
            CalendarUnit::Month => {
                let date = DateTime::from_timestamp_micros(local).unwrap_or(if local < 0 {
                    DateTime::<chrono::Utc>::MIN_UTC
                } else {
                    DateTime::<chrono::Utc>::MAX_UTC
                });
                (i64::from(date.year()) - 1970) * 12 + i64::from(date.month0())
            }
        };
        // Microseconds in 64 bits reach 107 million days.
        i32::try_from(period).unwrap_or(if period < 0 { i32::MIN } else { i32::MAX })
    }

    /// The first day of a period; `None` where there is no such date.
    pub fn first_day(&self, period: i32) -> Option<NaiveDate> {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
        match self.unit {
            CalendarUnit::Day => epoch.checked_add_signed(TimeDelta::try_days(period.into())?),
            CalendarUnit::Week => epoch.checked_add_signed(TimeDelta::try_days(i64::from(period) * 7 - 3)?),
            CalendarUnit::Month => {
                let month = u32::try_from(period.rem_euclid(12)).ok()? + 1;
                NaiveDate::from_ymd_opt(period.div_euclid(12).checked_add(1970)?, month, 1)
            }
        }
    }

    /// How many days a period has.
    pub fn days(&self, period: i32) -> Option<u64> {
        let next = self.first_day(period.checked_add(1)?)?;
        u64::try_from(next.signed_duration_since(self.first_day(period)?).num_days()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_day_of_a_period_begins_it() {
        for unit in [CalendarUnit::Day, CalendarUnit::Week, CalendarUnit::Month] {
            for offset in [0, 19_800, -36_000] {
                let calendar = Calendar::new(unit).with_offset(offset).unwrap();
                for period in [-700, -13, -1, 0, 1, 11, 12, 660] {
                    let first = calendar.first_day(period).unwrap().and_hms_opt(0, 0, 0).unwrap();
                    let at = first.and_utc().timestamp_micros() - i64::from(offset) * 1_000_000;
                    assert_eq!(calendar.period_of(at), period, "{unit:?} {offset}");
                    assert_eq!(calendar.period_of(at - 1), period - 1, "{unit:?} {offset}");
                }
            }
        }
        assert_eq!(Calendar::new(CalendarUnit::Month).days(1), Some(28));
        assert!(Calendar::new(CalendarUnit::Day).with_offset(70_000).is_err());
        for at in [i64::MIN, i64::MAX] {
            Calendar::new(CalendarUnit::Month).period_of(at);
        }
    }
}
