//! Reads instants as files write them.

use chrono::{
    DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc,
};

/// How times are written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    /// A date, or an instant of ISO 8601 with a `T` or a blank before the time, with or without its zone.
    Iso,
    /// A whole number of this many microseconds since 1970.
    Unix(i64),
    /// A format of chrono.
    Pattern(String),
}

impl Format {
    pub(crate) fn named(text: &str) -> Result<Self, String> {
        match text {
            "unix" => Ok(Self::Unix(1_000_000)),
            "unix_ms" => Ok(Self::Unix(1_000)),
            "unix_us" => Ok(Self::Unix(1)),
            _ if text.contains('%') => Ok(Self::Pattern(text.to_owned())),
            _ => Err(format!("`{text}` is no time format: it must hold %, or be unix, unix_ms or unix_us")),
        }
    }
}

/// The zone of times that name none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Zone {
    Fixed(FixedOffset),
    #[cfg(feature = "chrono-tz")]
    Named(chrono_tz::Tz),
}

impl Zone {
    pub(crate) fn utc() -> Self {
        Self::Fixed(Utc.fix())
    }

    pub(crate) fn named(text: &str) -> Result<Self, String> {
        if text == "UTC" || text == "Z" {
            return Ok(Self::utc());
        }
        if let Ok(offset) = text.parse() {
            return Ok(Self::Fixed(offset));
        }
        #[cfg(feature = "chrono-tz")]
        return patronage::zone_named(text).map(Self::Named).map_err(|error| error.to_string());
        #[cfg(not(feature = "chrono-tz"))]
        Err(format!("`{text}` is no offset such as +01:00; names of zones need the feature chrono-tz"))
    }

    /// The instant at which clocks of the zone show this; the first one where they are put back.
    fn instant(self, local: NaiveDateTime) -> Result<i64, String> {
        let found = match self {
            Self::Fixed(zone) => zone.from_local_datetime(&local).map(|at| at.to_utc()),
            #[cfg(feature = "chrono-tz")]
            Self::Named(zone) => zone.from_local_datetime(&local).map(|at| at.to_utc()),
        };
        match found {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Ok(micros(at)),
            MappedLocalTime::None => {
                Err(format!("`{local}` does not exist there: clocks were put forward over it"))
            }
        }
    }
}

fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// How to read an instant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clock {
    pub(crate) format: Format,
    pub(crate) zone: Zone,
}

impl Default for Clock {
    fn default() -> Self {
        Self { format: Format::Iso, zone: Zone::utc() }
    }
}

impl Clock {
    /// Microseconds since 1970.
    pub(crate) fn read(&self, text: &str) -> Result<i64, String> {
        match &self.format {
            Format::Iso => self.iso(text),
            Format::Unix(unit) => {
                let count: Option<i64> = text.parse().ok();
                let wrong = || format!("must be a whole number since 1970, got `{text}`");
                count.and_then(|count| count.checked_mul(*unit)).ok_or_else(wrong)
            }
            Format::Pattern(pattern) => {
                if let Ok(at) = DateTime::parse_from_str(text, pattern) {
                    return Ok(micros(at.to_utc()));
                }
                if let Ok(local) = NaiveDateTime::parse_from_str(text, pattern) {
                    return self.zone.instant(local);
                }
                let date = NaiveDate::parse_from_str(text, pattern)
                    .map_err(|_| format!("must be written as {pattern}, got `{text}`"))?;
                self.zone.instant(date.and_time(NaiveTime::MIN))
            }
        }
    }

    fn iso(&self, text: &str) -> Result<i64, String> {
        let with_t = match text.as_bytes().get(10) {
            Some(b' ') => text.replacen(' ', "T", 1),
            _ => text.to_owned(),
        };
        if let Ok(at) = DateTime::parse_from_rfc3339(&with_t) {
            return Ok(micros(at.to_utc()));
        }
        for pattern in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
            if let Ok(local) = NaiveDateTime::parse_from_str(&with_t, pattern) {
                return self.zone.instant(local);
            }
        }
        let wrong = |_| format!("must be a date or an instant of ISO 8601, got `{text}`");
        self.zone.instant(with_t.parse::<NaiveDate>().map_err(wrong)?.and_time(NaiveTime::MIN))
    }
}
