use super::ServiceError;
use crate::validation::ValidationError;
use crate::vocabulary;
use chrono::{NaiveDate, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

pub(super) const DAY_MINUTES: u16 = 1440;
const MOST_WINDOWS: usize = 336;
const MOST_EXCEPTIONS: usize = 10_000;

/// Some hours of a day by the wall clock, to the minute; they may pass midnight.
///
/// # Example
/// ```
/// use patronage::service::Window;
///
/// let night: Window = "22:00-06:00".parse()?;
/// assert_eq!((night.opens(), night.closes()), (1320, 1800));
/// assert_eq!("00:00-24:00".parse(), Ok(Window::WHOLE_DAY));
/// assert!("09:00-09:00".parse::<Window>().is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    opens: u16,
    closes: u16,
}

impl Window {
    /// From midnight to midnight.
    pub const WHOLE_DAY: Self = Self { opens: 0, closes: DAY_MINUTES };

    /// From minute `opens` of a day (0 to 1439) to minute `closes`, which may lie in the next day (up to 2880).
    ///
    /// # Errors
    /// [`ValidationError`] when it opens after its day, closes before it opens, or closes after the next day.
    pub fn new(opens: u16, closes: u16) -> Result<Self, ValidationError> {
        if opens >= DAY_MINUTES {
            return Err(ValidationError::new(
                "window.opens",
                "must be within its day, 0 to 1439 minutes",
                opens,
            ));
        }
        if closes <= opens || closes > 2 * DAY_MINUTES {
            let rule = "must be after opening, at most 2880 minutes";
            return Err(ValidationError::new("window.closes", rule, closes));
        }
        Ok(Self { opens, closes })
    }

    /// The minute of its day at which it opens.
    pub const fn opens(&self) -> u16 {
        self.opens
    }

    /// The minute at which it closes, counted from the midnight before it opens.
    pub const fn closes(&self) -> u16 {
        self.closes
    }
}

impl FromStr for Window {
    type Err = ValidationError;

    /// Reads `09:00-17:00`. A closing time that is not after the opening time lies in the next day; `36:00` is noon of
    /// the next day.
    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let refuse = || ValidationError::new("window", "must read like `09:00-17:00`", text);
        let minutes = |clock: &str| -> Option<u16> {
            let (hours, minutes) = clock.split_once(':')?;
            if hours.len() != 2
                || minutes.len() != 2
                || !clock.bytes().all(|b| b.is_ascii_digit() || b == b':')
            {
                return None;
            }
            let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
            (hours <= 48 && minutes < 60).then_some(hours * 60 + minutes)
        };
        let (opens, closes) = text.split_once('-').ok_or_else(refuse)?;
        let (opens, closes) = (minutes(opens).ok_or_else(refuse)?, minutes(closes).ok_or_else(refuse)?);
        if opens == closes {
            return Err(ValidationError::new("window.closes", "must differ from opening", text));
        }
        Self::new(opens, if closes < opens { closes + DAY_MINUTES } else { closes })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Up to a whole day the shorter clock is unmistakable: 22:00-06:00.
        let closes = match self.closes.checked_sub(DAY_MINUTES) {
            Some(next_day) if next_day < self.opens && next_day > 0 => next_day,
            _ => self.closes,
        };
        let [from, to] = [self.opens, closes].map(|minute| (minute / 60, minute % 60));
        write!(f, "{:02}:{:02}-{:02}:{:02}", from.0, from.1, to.0, to.1)
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        vocabulary::from_text(deserializer)
    }
}

/// When a company works, as people state it: hours of each weekday, closures, extra openings, and the zone whose wall
/// clock they mean.
///
/// What is open is `(weekly hours - closures) + extra openings`. A closure shuts the wall clock from its first to its
/// last minute, whichever day the hours it cuts into began on.
///
/// # Example
/// ```
/// use chrono::{NaiveDate, Weekday};
/// use patronage::service::{BusinessHours, Window};
///
/// let christmas = NaiveDate::from_ymd_opt(2026, 12, 25).ok_or("no date")?;
/// let hours = BusinessHours::new("Europe/Zurich")?
///     .open_weekdays("08:00-12:00".parse()?)?
///     .open_weekdays("13:30-18:00".parse()?)?
///     .open(Weekday::Sat, "09:00-13:00".parse()?)?
///     .closed(christmas, Window::WHOLE_DAY)?;
/// assert_eq!(hours.weekly().len(), 11);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct BusinessHours {
    fields: Fields,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "BusinessHours")]
struct Fields {
    zone: String,
    weekly: Vec<(Weekday, Window)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    closures: Vec<(NaiveDate, Window)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    extra: Vec<(NaiveDate, Window)>,
}

impl From<BusinessHours> for Fields {
    fn from(hours: BusinessHours) -> Self {
        hours.fields
    }
}

impl TryFrom<Fields> for BusinessHours {
    type Error = ServiceError;

    fn try_from(fields: Fields) -> Result<Self, ServiceError> {
        let mut hours = Self::new(&fields.zone)?;
        for (weekday, window) in fields.weekly {
            hours = hours.open(weekday, window)?;
        }
        for (date, window) in fields.closures {
            hours = hours.closed(date, window)?;
        }
        for (date, window) in fields.extra {
            hours = hours.open_on(date, window)?;
        }
        Ok(hours)
    }
}

impl BusinessHours {
    /// Hours by the wall clock of a zone, named as in the IANA database; no window yet.
    ///
    /// # Errors
    /// [`ServiceError::UnknownZone`] when the name is empty or longer than 64 characters. Whether a database knows the
    /// zone shows when a calendar is made of the hours.
    pub fn new(zone: &str) -> Result<Self, ServiceError> {
        if zone.is_empty() || zone.len() > 64 || !zone.is_ascii() {
            return Err(ServiceError::UnknownZone { name: zone.chars().take(64).collect() });
        }
        let fields =
            Fields { zone: zone.to_owned(), weekly: Vec::new(), closures: Vec::new(), extra: Vec::new() };
        Ok(Self { fields })
    }

    /// Adds hours of one weekday; the windows of a day may touch and overlap.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when there are 336 windows already.
    pub fn open(mut self, weekday: Weekday, window: Window) -> Result<Self, ServiceError> {
        at_most("business_hours.weekly", self.fields.weekly.len(), MOST_WINDOWS)?;
        self.fields.weekly.push((weekday, window));
        Ok(self)
    }

    /// Adds the same hours from Monday to Friday.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_weekdays(self, window: Window) -> Result<Self, ServiceError> {
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri]
            .into_iter()
            .try_fold(self, |hours, weekday| hours.open(weekday, window))
    }

    /// Adds the same hours on all seven days.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_daily(self, window: Window) -> Result<Self, ServiceError> {
        self.open_weekdays(window)?.open(Weekday::Sat, window)?.open(Weekday::Sun, window)
    }

    /// Closes some hours of a date ([`Window::WHOLE_DAY`] for a holiday).
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when the date lies outside the years 1 to 9999 or there are 10,000 closures already.
    pub fn closed(mut self, date: NaiveDate, window: Window) -> Result<Self, ServiceError> {
        at_most("business_hours.closures", self.fields.closures.len(), MOST_EXCEPTIONS)?;
        self.fields.closures.push((in_range(date)?, window));
        Ok(self)
    }

    /// Opens on a date, whatever the weekly hours and the closures say.
    ///
    /// # Errors
    /// As [`closed`](Self::closed).
    pub fn open_on(mut self, date: NaiveDate, window: Window) -> Result<Self, ServiceError> {
        at_most("business_hours.extra", self.fields.extra.len(), MOST_EXCEPTIONS)?;
        self.fields.extra.push((in_range(date)?, window));
        Ok(self)
    }

    /// The name of the zone.
    pub fn zone(&self) -> &str {
        &self.fields.zone
    }

    /// The weekly hours.
    pub fn weekly(&self) -> &[(Weekday, Window)] {
        &self.fields.weekly
    }

    /// The closures.
    pub fn closures(&self) -> &[(NaiveDate, Window)] {
        &self.fields.closures
    }

    /// The extra openings.
    pub fn extra(&self) -> &[(NaiveDate, Window)] {
        &self.fields.extra
    }
}

fn at_most(field: &'static str, count: usize, most: usize) -> Result<(), ValidationError> {
    if count < most { Ok(()) } else { Err(ValidationError::new(field, "must not be so many", count + 1)) }
}

fn in_range(date: NaiveDate) -> Result<NaiveDate, ValidationError> {
    use chrono::Datelike;

    if (1..=9999).contains(&date.year()) {
        Ok(date)
    } else {
        Err(ValidationError::new("business_hours.date", "must lie within the years 1 to 9999", date))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_round_trip_as_text() {
        for (opens, closes, text) in [
            (540, 1020, "09:00-17:00"),
            (1320, 1800, "22:00-06:00"),
            (0, 1440, "00:00-24:00"),
            (600, 1440, "10:00-24:00"),
            (600, 2040, "10:00-34:00"),
            (600, 2100, "10:00-35:00"),
            (0, 2880, "00:00-48:00"),
        ] {
            let window = Window::new(opens, closes).unwrap();
            assert_eq!(window.to_string(), text);
            assert_eq!(text.parse(), Ok(window), "{text}");
        }
        for wrong in ["", "9:00-17:00", "09:00", "09:60-17:00", "09:00-+7:00", "24:00-25:00", "09:00-49:00"] {
            assert!(wrong.parse::<Window>().is_err(), "{wrong}");
        }
        assert!(Window::new(540, 540).is_err() && Window::new(1440, 1500).is_err());
    }

    #[test]
    fn json_is_checked_and_round_trips() {
        let date = NaiveDate::from_ymd_opt(2026, 12, 25).unwrap();
        let hours = BusinessHours::new("Europe/Zurich")
            .and_then(|hours| hours.open_weekdays("09:00-17:00".parse()?))
            .and_then(|hours| hours.closed(date, Window::WHOLE_DAY))
            .unwrap();
        let json = serde_json::to_string(&hours).unwrap();
        assert_eq!(serde_json::from_str::<BusinessHours>(&json).unwrap(), hours);
        assert!(serde_json::from_str::<BusinessHours>(&json.replace("17:00", "9")).is_err());
        assert!(BusinessHours::new("").is_err());
    }
}
