use crate::period;
use crate::validation::ValidationError;
use crate::vocabulary::{self, vocabulary};
use chrono::{DateTime, NaiveDateTime, Utc, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

vocabulary! {
    /// What a recurrence counts in.
    "recurrence.frequency" Frequency {
        /// Days.
        Daily = "DAILY",
        /// Weeks.
        Weekly = "WEEKLY",
        /// Months.
        Monthly = "MONTHLY",
        /// Years.
        Yearly = "YEARLY",
    }
}

vocabulary! {
    /// What becomes of the 31st in a month of 30 days, and of the 29th of February.
    ///
    /// Source: RFC 7529, `SKIP`.
    "recurrence.month_end" MonthEnd {
        /// The month is left out, as RFC 5545 has it.
        Omit = "OMIT",
        /// The last day of the month is taken.
        Backward = "BACKWARD",
        /// The first day of the next month is taken.
        Forward = "FORWARD",
    }
}

/// When a recurrence ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RecurrenceEnd {
    /// Never.
    #[default]
    Never,
    /// After so many occurrences, counted from the anchor.
    Count(u32),
    /// At an instant, which may still be an occurrence.
    Until(DateTime<Utc>),
}

/// Which days something comes back on: a rule of RFC 5545, of the parts `FREQ` (daily to yearly), `INTERVAL`, `COUNT`,
/// `UNTIL` (in UTC), `BYMONTH`, `BYMONTHDAY`, `BYDAY`, `BYSETPOS` and `WKST`, and of RFC 7529 `SKIP`.
///
/// The rule alone names no time of day and no zone; a [`Schedule`](super::Schedule) does. As in most programs, and
/// unlike the letter of RFC 5545, an anchor that does not fit the rule is no occurrence.
///
/// # Example
/// ```
/// use chrono::Weekday;
/// use patronage::task::{Frequency, Recurrence};
///
/// let rule: Recurrence = "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR".parse()?;
/// let same = Recurrence::new(Frequency::Monthly).every(2)?.on_weekday_number(-1, Weekday::Fri)?;
/// assert_eq!(rule, same);
/// assert_eq!(rule.to_string(), "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR");
/// assert!("FREQ=HOURLY".parse::<Recurrence>().is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: RFC 5545 section 3.3.10; RFC 7529.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recurrence {
    pub(super) frequency: Frequency,
    pub(super) interval: u32,
    pub(super) end: RecurrenceEnd,
    pub(super) months: Vec<u32>,
    pub(super) month_days: Vec<i32>,
    /// The number within the month or year (0 for every) and the weekday.
    pub(super) weekdays: Vec<(i32, Weekday)>,
    pub(super) positions: Vec<i32>,
    pub(super) week_start: Weekday,
    pub(super) month_end: MonthEnd,
}

impl Recurrence {
    /// Every day, week, month or year, on the day of the anchor, without end.
    pub const fn new(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            end: RecurrenceEnd::Never,
            months: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
            positions: Vec::new(),
            week_start: Weekday::Mon,
            month_end: MonthEnd::Omit,
        }
    }

    /// Only every so many days, weeks, months or years: 1 to 10,000.
    ///
    /// # Errors
    /// [`ValidationError`] when it is another number.
    pub fn every(self, interval: u32) -> Result<Self, ValidationError> {
        Self { interval, ..self }.checked()
    }

    /// Ends after so many occurrences: 1 to 1,000,000.
    ///
    /// # Errors
    /// [`ValidationError`] when it is another number.
    pub fn times(self, count: u32) -> Result<Self, ValidationError> {
        Self { end: RecurrenceEnd::Count(count), ..self }.checked()
    }

    /// Ends at an instant, kept to the second; what falls on it still happens.
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999.
    pub fn until(self, last: DateTime<Utc>) -> Result<Self, ValidationError> {
        Self { end: RecurrenceEnd::Until(last), ..self }.checked()
    }

    /// Adds a month: 1 to 12.
    ///
    /// # Errors
    /// [`ValidationError`] when it is another number.
    pub fn in_month(mut self, month: u32) -> Result<Self, ValidationError> {
        self.months.push(month);
        self.checked()
    }

    /// Adds a day of the month: 1 to 31, or -1 (the last) to -31.
    ///
    /// # Errors
    /// [`ValidationError`] when it is another number, or the rule counts in weeks.
    pub fn on_month_day(mut self, day: i32) -> Result<Self, ValidationError> {
        self.month_days.push(day);
        self.checked()
    }

    /// Adds a weekday.
    ///
    /// # Errors
    /// None today; checked like every part.
    pub fn on_weekday(self, weekday: Weekday) -> Result<Self, ValidationError> {
        self.weekday(0, weekday)
    }

    /// Adds the first (1), second, ... or last (-1), last but one, ... such weekday of the month; of the year where the
    /// rule counts in years and names no month.
    ///
    /// # Errors
    /// [`ValidationError`] when the number is 0 or too large, or the rule counts in days or weeks.
    pub fn on_weekday_number(self, number: i32, weekday: Weekday) -> Result<Self, ValidationError> {
        if number == 0 {
            return Err(ValidationError::new(
                "recurrence.weekday",
                "must have a number that is not 0",
                number,
            ));
        }
        self.weekday(number, weekday)
    }

    fn weekday(mut self, number: i32, weekday: Weekday) -> Result<Self, ValidationError> {
        self.weekdays.push((number, weekday));
        self.checked()
    }

    /// Keeps only the first (1), second, ... or last (-1) of the days that the other parts name in each week, month or
    /// year.
    ///
    /// # Errors
    /// [`ValidationError`] when the number is 0 or beyond 366, or no other part names days.
    pub fn at_position(mut self, position: i32) -> Result<Self, ValidationError> {
        self.positions.push(position);
        self.checked()
    }

    /// Sets the day weeks begin on, which matters when only every other week counts. Monday if never set.
    #[must_use]
    pub fn weeks_from(self, week_start: Weekday) -> Self {
        Self { week_start, ..self }
    }

    /// Sets what becomes of days a month does not have.
    ///
    /// # Errors
    /// [`ValidationError`] when the rule counts in days or weeks.
    pub fn at_month_end(self, month_end: MonthEnd) -> Result<Self, ValidationError> {
        Self { month_end, ..self }.checked()
    }

    /// What the rule counts in.
    pub const fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// Every how many days, weeks, months or years.
    pub const fn interval(&self) -> u32 {
        self.interval
    }

    /// When it ends.
    pub const fn end(&self) -> RecurrenceEnd {
        self.end
    }

    fn checked(mut self) -> Result<Self, ValidationError> {
        let within = |field, rule, numbers: &[i32], most: i32| match numbers
            .iter()
            .find(|&&number| number == 0 || number < -most || number > most)
        {
            Some(wrong) => Err(ValidationError::new(field, rule, wrong)),
            None => Ok(()),
        };
        if !(1..=10_000).contains(&self.interval) {
            let rule = "must be 1 to 10,000";
            return Err(ValidationError::new("recurrence.interval", rule, self.interval));
        }
        match &mut self.end {
            RecurrenceEnd::Never => {}
            RecurrenceEnd::Count(count) if (1..=1_000_000).contains(count) => {}
            RecurrenceEnd::Count(count) => {
                return Err(ValidationError::new("recurrence.count", "must be 1 to 1,000,000", count));
            }
            RecurrenceEnd::Until(last) => {
                let whole = period::instant("recurrence.until", *last)?.timestamp();
                *last = DateTime::from_timestamp(whole, 0).unwrap_or(*last);
            }
        }
        if let Some(month) = self.months.iter().find(|&month| !(1..=12).contains(month)) {
            return Err(ValidationError::new("recurrence.month", "must be 1 to 12", month));
        }
        within("recurrence.month_day", "must be 1 to 31 or -31 to -1", &self.month_days, 31)?;
        within("recurrence.position", "must be 1 to 366 or -366 to -1", &self.positions, 366)?;
        let in_months = matches!(self.frequency, Frequency::Monthly | Frequency::Yearly);
        if !self.month_days.is_empty() && self.frequency == Frequency::Weekly {
            let rule = "must not name days of the month when it counts in weeks";
            return Err(ValidationError::new("recurrence.month_day", rule, self.frequency));
        }
        let most = match self.frequency {
            Frequency::Yearly if self.months.is_empty() => 53,
            _ => 5,
        };
        for &(number, _) in self.weekdays.iter().filter(|(number, _)| *number != 0) {
            if !in_months {
                let rule = "must have no number when the rule counts in days or weeks";
                return Err(ValidationError::new("recurrence.weekday", rule, number));
            }
            within("recurrence.weekday", "must have a number the month or year has", &[number], most)?;
        }
        if self.month_end != MonthEnd::Omit && !in_months {
            let rule = "must be omit when the rule counts in days or weeks";
            return Err(ValidationError::new("recurrence.month_end", rule, self.month_end));
        }
        let names_days = !(self.months.is_empty() && self.month_days.is_empty() && self.weekdays.is_empty());
        if let Some(position) = self.positions.first().filter(|_| !names_days) {
            let rule = "must have other parts that name days";
            return Err(ValidationError::new("recurrence.position", rule, position));
        }
        // One text for one rule: what is listed is a set.
        self.months.sort_unstable();
        self.months.dedup();
        self.month_days.sort_unstable();
        self.month_days.dedup();
        self.positions.sort_unstable();
        self.positions.dedup();
        self.weekdays.sort_unstable_by_key(|(number, weekday)| (*number, weekday.num_days_from_monday()));
        self.weekdays.dedup();
        Ok(self)
    }
}

const DAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Mon),
    ("TU", Weekday::Tue),
    ("WE", Weekday::Wed),
    ("TH", Weekday::Thu),
    ("FR", Weekday::Fri),
    ("SA", Weekday::Sat),
    ("SU", Weekday::Sun),
];

fn weekday_text(weekday: Weekday) -> &'static str {
    DAYS.iter().find(|(_, day)| *day == weekday).map_or("MO", |(text, _)| text)
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, part: &str, numbers: &[T]) -> fmt::Result {
            for (place, number) in numbers.iter().enumerate() {
                if place == 0 {
                    write!(f, ";{part}={number}")?;
                } else {
                    write!(f, ",{number}")?;
                }
            }
            Ok(())
        }
        if self.month_end != MonthEnd::Omit {
            f.write_str("RSCALE=GREGORIAN;")?;
        }
        write!(f, "FREQ={}", self.frequency)?;
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        list(f, "BYMONTH", &self.months)?;
        list(f, "BYMONTHDAY", &self.month_days)?;
        let weekdays: Vec<String> = self
            .weekdays
            .iter()
            .map(|&(number, weekday)| match number {
                0 => weekday_text(weekday).to_owned(),
                _ => format!("{number}{}", weekday_text(weekday)),
            })
            .collect();
        list(f, "BYDAY", &weekdays)?;
        list(f, "BYSETPOS", &self.positions)?;
        if self.week_start != Weekday::Mon {
            write!(f, ";WKST={}", weekday_text(self.week_start))?;
        }
        if self.month_end != MonthEnd::Omit {
            write!(f, ";SKIP={}", self.month_end)?;
        }
        match self.end {
            RecurrenceEnd::Never => Ok(()),
            RecurrenceEnd::Count(count) => write!(f, ";COUNT={count}"),
            RecurrenceEnd::Until(last) => write!(f, ";UNTIL={}", last.format("%Y%m%dT%H%M%SZ")),
        }
    }
}

impl FromStr for Recurrence {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let mut rule = Self::new(Frequency::Daily);
        let mut seen: Vec<&str> = Vec::new();
        for part in text.split(';') {
            let (name, value) = part.split_once('=').ok_or_else(|| {
                ValidationError::new("recurrence", "must be parts of the form NAME=VALUE", part)
            })?;
            if seen.contains(&name) {
                return Err(ValidationError::new("recurrence", "must have a part once", name));
            }
            seen.push(name);
            match name {
                "FREQ" => rule.frequency = value.parse()?,
                "INTERVAL" => rule.interval = number("recurrence.interval", value)?,
                "COUNT" => rule.end = RecurrenceEnd::Count(number("recurrence.count", value)?),
                "UNTIL" => rule.end = RecurrenceEnd::Until(utc(value)?),
                "BYMONTH" => rule.months = numbers("recurrence.month", value)?,
                "BYMONTHDAY" => rule.month_days = numbers("recurrence.month_day", value)?,
                "BYSETPOS" => rule.positions = numbers("recurrence.position", value)?,
                "BYDAY" => {
                    rule.weekdays = value.split(',').map(numbered_weekday).collect::<Result<_, _>>()?;
                }
                "WKST" => match numbered_weekday(value)? {
                    (0, weekday) => rule.week_start = weekday,
                    _ => {
                        return Err(ValidationError::new(
                            "recurrence.week_start",
                            "must be a weekday",
                            value,
                        ));
                    }
                },
                "SKIP" => rule.month_end = value.parse()?,
                "RSCALE" if value == "GREGORIAN" => {}
                _ => return Err(ValidationError::new("recurrence", "must hold known parts only", part)),
            }
        }
        if !seen.contains(&"FREQ") {
            return Err(ValidationError::new("recurrence", "must have a FREQ", text));
        }
        if seen.contains(&"COUNT") && seen.contains(&"UNTIL") {
            return Err(ValidationError::new("recurrence", "must have COUNT or UNTIL, not both", text));
        }
        rule.checked()
    }
}

fn number<T: FromStr>(field: &'static str, text: &str) -> Result<T, ValidationError> {
    // `+1` is a number of RFC 5545 in lists; everything else that `parse` takes is, too.
    text.parse().map_err(|_| ValidationError::new(field, "must be a whole number", text))
}

fn numbers<T: FromStr>(field: &'static str, text: &str) -> Result<Vec<T>, ValidationError> {
    text.split(',').map(|part| number(field, part)).collect()
}

fn numbered_weekday(text: &str) -> Result<(i32, Weekday), ValidationError> {
    let refuse = || ValidationError::new("recurrence.weekday", "must read like `MO` or `-1FR`", text);
    let (ahead, day) =
        text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)).ok_or_else(refuse)?;
    let (_, weekday) = DAYS.iter().find(|(name, _)| *name == day).ok_or_else(refuse)?;
    let number = if ahead.is_empty() { 0 } else { number("recurrence.weekday", ahead)? };
    if number == 0 && !ahead.is_empty() {
        return Err(refuse());
    }
    Ok((number, *weekday))
}

fn utc(text: &str) -> Result<DateTime<Utc>, ValidationError> {
    NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ")
        .map(|local| local.and_utc())
        .map_err(|_| ValidationError::new("recurrence.until", "must read like `20261231T225959Z`", text))
}

impl Serialize for Recurrence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Recurrence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        vocabulary::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_rule() {
        for (text, field) in [
            ("", "recurrence"),
            ("COUNT=3", "recurrence"),
            ("FREQ=HOURLY", "recurrence.frequency"),
            ("FREQ=DAILY;FREQ=DAILY", "recurrence"),
            ("FREQ=DAILY;BYHOUR=3", "recurrence"),
            ("FREQ=DAILY;INTERVAL=0", "recurrence.interval"),
            ("FREQ=DAILY;COUNT=0", "recurrence.count"),
            ("FREQ=DAILY;COUNT=3;UNTIL=20261231T000000Z", "recurrence"),
            ("FREQ=DAILY;UNTIL=20261231", "recurrence.until"),
            ("FREQ=DAILY;BYDAY=1MO", "recurrence.weekday"),
            ("FREQ=MONTHLY;BYDAY=6MO", "recurrence.weekday"),
            ("FREQ=MONTHLY;BYDAY=0MO", "recurrence.weekday"),
            ("FREQ=MONTHLY;BYDAY=é", "recurrence.weekday"),
            ("FREQ=WEEKLY;BYMONTHDAY=3", "recurrence.month_day"),
            ("FREQ=MONTHLY;BYMONTHDAY=0", "recurrence.month_day"),
            ("FREQ=MONTHLY;BYMONTHDAY=32", "recurrence.month_day"),
            ("FREQ=YEARLY;BYMONTH=13", "recurrence.month"),
            ("FREQ=MONTHLY;BYSETPOS=1", "recurrence.position"),
            ("FREQ=DAILY;SKIP=BACKWARD", "recurrence.month_end"),
            ("FREQ=WEEKLY;WKST=2SU", "recurrence.week_start"),
        ] {
            assert_eq!(text.parse::<Recurrence>().unwrap_err().field(), field, "{text}");
        }
    }

    #[test]
    fn text_round_trips() {
        for text in [
            "FREQ=DAILY",
            "FREQ=DAILY;INTERVAL=3;COUNT=8",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;WKST=SU;COUNT=6",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;UNTIL=20261231T225959Z",
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYMONTHDAY=2,3,4,5,6,7,8;BYDAY=TU",
            "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD",
            "FREQ=YEARLY;BYDAY=-1SU,53MO",
        ] {
            let rule: Recurrence = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
            assert_eq!(
                serde_json::from_str::<Recurrence>(&serde_json::to_string(&rule).unwrap()).unwrap(),
                rule
            );
        }
    }
}
