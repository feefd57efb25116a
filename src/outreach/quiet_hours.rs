use super::wall_clock::{next_look, next_midnight, on, wall};
use crate::interaction::Touchpoint;
use crate::validation::ValidationError;
use chrono::{DateTime, Datelike, TimeZone, Timelike, Utc, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Minutes of a day by the clock.
const DAY: u16 = 24 * 60;

/// Hours of the day, by the customer's clock, in which nobody is disturbed.
///
/// The first minute belongs to them, the last does not: at 22:00:00 sharp it is quiet, at 08:00:00 sharp it is not any
/// more. Hours that pass midnight belong to the day they begin on. Text and JSON form: `22:00-08:00`, then the weekdays
/// on which they begin and the touch points they hold for, where not all: `22:00-08:00 fri,sat phone_call_centre`.
///
/// # Example
/// ```
/// use chrono::{FixedOffset, Utc};
/// use patronage::outreach::QuietHours;
///
/// let night: QuietHours = "22:00-08:00".parse()?;
/// let quiet = |at: &str| at.parse().map(|at| night.is_quiet(at, &Utc));
/// assert!(quiet("2026-03-01T22:00:00Z")? && quiet("2026-03-02T00:00:00Z")?);
/// assert!(!quiet("2026-03-01T21:59:59Z")? && !quiet("2026-03-02T08:00:00Z")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// Minutes after midnight.
    from: u16,
    to: u16,
    /// Ascending from Monday; empty for every day.
    weekdays: Vec<Weekday>,
    /// Empty for all.
    touchpoints: Vec<Touchpoint>,
}

impl QuietHours {
    /// Quiet hours of every day, in minutes after midnight: from the first to just before the second, which lies on the
    /// next day where it is the smaller. `0` to `1440` is the whole day.
    ///
    /// # Errors
    /// [`ValidationError`] when a minute is no minute of a day, or no time lies between them.
    pub fn new(from: u16, to: u16) -> Result<Self, ValidationError> {
        let refuse = |rule| Err(ValidationError::new("quiet_hours", rule, format!("{from} to {to} minutes")));
        if from >= DAY || to > DAY {
            return refuse("must lie within 00:00 and 24:00");
        }
        if from == to || (to == 0 && from == 0) {
            return refuse("must have time between its ends");
        }
        // Until midnight is the same moment by either name.
        let to = if to == 0 { DAY } else { to };
        Ok(Self { from, to, weekdays: Vec::new(), touchpoints: Vec::new() })
    }

    /// Limits them to those that begin on a weekday (and on others that are named).
    #[must_use]
    pub fn on(mut self, weekday: Weekday) -> Self {
        self.weekdays.push(weekday);
        self.weekdays.sort_unstable_by_key(Weekday::num_days_from_monday);
        self.weekdays.dedup();
        self
    }

    /// Limits them to a touch point (and to others that are named).
    #[must_use]
    pub fn via(mut self, touchpoint: Touchpoint) -> Self {
        self.touchpoints.push(touchpoint);
        self.touchpoints.sort_unstable();
        self.touchpoints.dedup();
        self
    }

    /// Whether an instant lies in them, by the clock of a zone.
    pub fn is_quiet(&self, at: DateTime<Utc>, zone: &impl TimeZone) -> bool {
        let wall = wall(zone, at);
        self.holds(wall.weekday(), wall.num_seconds_from_midnight() / 60)
    }

    /// Whether a minute of a weekday lies in them.
    fn holds(&self, day: Weekday, minute: u32) -> bool {
        let (from, to) = (u32::from(self.from), u32::from(self.to));
        let begins_on = |day: Weekday| self.weekdays.is_empty() || self.weekdays.contains(&day);
        if from < to {
            begins_on(day) && (from..to).contains(&minute)
        } else {
            (begins_on(day) && minute >= from) || (begins_on(day.pred()) && minute < to)
        }
    }

    /// Whether they hold for a touch point.
    pub(super) fn concerns(&self, via: Touchpoint) -> bool {
        self.touchpoints.is_empty() || self.touchpoints.contains(&via)
    }

    /// The touch points they are limited to.
    pub(super) fn touchpoints(&self) -> impl Iterator<Item = Touchpoint> + '_ {
        self.touchpoints.iter().copied()
    }

    /// Whether they hold for a touch point, or for all that none are limited to.
    pub(super) fn concerns_all_of(&self, via: Option<Touchpoint>) -> bool {
        via.map_or(self.touchpoints.is_empty(), |via| self.concerns(via))
    }

    /// Whether every minute of every weekday lies in one of them.
    pub(super) fn fill_the_week(hours: &[&Self]) -> bool {
        let mut day = Weekday::Mon;
        for _ in 0..7 {
            for minute in 0..u32::from(DAY) {
                if !hours.iter().any(|hours| hours.holds(day, minute)) {
                    return false;
                }
            }
            day = day.succ();
        }
        true
    }

    /// The first instant at or after one that does not lie in them, if it comes before `end`.
    pub(super) fn over(
        &self,
        mut at: DateTime<Utc>,
        zone: &impl TimeZone,
        end: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        while self.is_quiet(at, zone) {
            let now = wall(zone, at);
            let second = now.num_seconds_from_midnight();
            let bounds = [self.from, self.to].map(|minute| u32::from(minute) * 60);
            let next = bounds.into_iter().filter(|&bound| bound > second).min();
            let target = next.map_or_else(|| next_midnight(now), |bound| on(now.date(), bound));
            at = next_look(zone, at, target).filter(|&next| next <= end)?;
        }
        Some(at)
    }
}

fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, most: u16| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|&number| plain && number <= most)
    };
    Some(number(hour, 24)? * 60 + number(minute, 59)?)
}

impl FromStr for QuietHours {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let refuse = || ValidationError::new("quiet_hours", "must read like `22:00-08:00`", text);
        let mut words = text.split(' ');
        let (from, to) = words.next().and_then(|hours| hours.split_once('-')).ok_or_else(refuse)?;
        let mut hours = Self::new(minute_of(from).ok_or_else(refuse)?, minute_of(to).ok_or_else(refuse)?)?;
        for word in words {
            for item in word.split(',') {
                hours = match item.parse::<Weekday>() {
                    Ok(weekday) => hours.on(weekday),
                    Err(_) => hours.via(item.parse()?),
                };
            }
        }
        Ok(hours)
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)?;
        for (place, weekday) in self.weekdays.iter().enumerate() {
            let name = weekday.to_string().to_ascii_lowercase();
            write!(f, "{}{name}", if place == 0 { ' ' } else { ',' })?;
        }
        for (place, touchpoint) in self.touchpoints.iter().enumerate() {
            write!(f, "{}{touchpoint}", if place == 0 { ' ' } else { ',' })?;
        }
        Ok(())
    }
}

impl Serialize for QuietHours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for QuietHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::vocabulary::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_is_checked() {
        for text in ["22:00-08:00", "00:00-24:00", "13:00-14:30 mon,fri", "20:00-09:00 sat phone_call_centre"]
        {
            let hours: QuietHours = text.parse().unwrap();
            assert_eq!(hours.to_string(), text);
            let json = serde_json::to_string(&hours).unwrap();
            assert_eq!(serde_json::from_str::<QuietHours>(&json).unwrap(), hours);
        }
        assert_eq!("22:00-00:00".parse::<QuietHours>().unwrap().to_string(), "22:00-24:00");
        for wrong in
            ["", "22-08", "22:00", "22:00-22:00", "24:00-08:00", "22:00-24:01", "1:00-2:00", "+1:00-02:00"]
        {
            assert!(wrong.parse::<QuietHours>().is_err(), "{wrong}");
        }
        assert!("22:00-08:00 someday".parse::<QuietHours>().is_err());
    }

    #[test]
    fn hours_that_pass_midnight_belong_to_the_day_they_begin_on() {
        let friday: QuietHours = "22:00-08:00 fri".parse().unwrap();
        let quiet = |at: &str| friday.is_quiet(at.parse().unwrap(), &Utc);
        // The sixth of March 2026 is a Friday.
        assert!(quiet("2026-03-06T22:00:00Z") && quiet("2026-03-07T07:59:59Z"));
        assert!(!quiet("2026-03-06T07:00:00Z") && !quiet("2026-03-07T22:00:00Z"));
    }
}
