//! Events from the rows of a file: a row that cannot be taken is reported with file, line, column and reason.

use super::clock::Clock;

use flate2::read::MultiGzDecoder;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Which column says what.
pub(crate) struct Mapping {
    pub(crate) case: Option<String>,
    pub(crate) activity: String,
    pub(crate) timestamp: String,
    pub(crate) end: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) outcome: Option<(String, String)>,
    pub(crate) keep: Option<(String, String)>,
    pub(crate) delimiter: u8,
    pub(crate) clock: Clock,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            case: None,
            activity: "concept:name".to_owned(),
            timestamp: "time:timestamp".to_owned(),
            end: None,
            channel: None,
            outcome: None,
            keep: None,
            delimiter: b',',
            clock: Clock::default(),
        }
    }
}

/// How many columns a mapping can name.
pub(crate) const COLUMNS: usize = 7;

impl Mapping {
    /// The column of cases, the usual one where none is named.
    pub(crate) fn case_column(&self) -> &str {
        self.case.as_deref().unwrap_or("case:concept:name")
    }

    /// The columns by name, in the order in which rows bring their texts.
    pub(crate) fn columns(&self) -> [Option<&str>; COLUMNS] {
        let Self { case, activity, timestamp, end, channel, outcome, keep, .. } = self;
        let outcome = outcome.as_ref().map(|(column, _)| column.as_str());
        let keep = keep.as_ref().map(|(column, _)| column.as_str());
        [case.as_deref(), Some(activity), Some(timestamp), end.as_deref(), channel.as_deref(), outcome, keep]
    }
}

/// A row that was not taken, and why.
pub(crate) struct Refused {
    file: String,
    line: u64,
    column: String,
    reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, column `{}`: {}", self.file, self.line, self.column, self.reason)
    }
}

/// Texts by number, in the order in which they first came.
#[derive(Default)]
pub(crate) struct Names {
    numbers: HashMap<String, u32>,
    pub(crate) texts: Vec<String>,
}

impl Names {
    fn number(&mut self, text: &str) -> Result<u32, String> {
        if let Some(&number) = self.numbers.get(text) {
            return Ok(number);
        }
        let number = u32::try_from(self.texts.len()).map_err(|_| "has too many different texts")?;
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        Ok(number)
    }

    pub(crate) fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", String::as_str)
    }
}

/// One event that was taken.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) case: u32,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) activity: u32,
    pub(crate) channel: Option<u32>,
    /// Whether the outcome asked for was reached here.
    pub(crate) reached: bool,
    /// Microseconds from its beginning to its end.
    pub(crate) lasted: Option<u64>,
}

/// The events of a file, and what became of its other rows.
#[derive(Default)]
pub(crate) struct Events {
    pub(crate) rows: Vec<Event>,
    pub(crate) cases: Names,
    pub(crate) activities: Names,
    pub(crate) channels: Names,
    pub(crate) refused: Vec<Refused>,
    /// Rows that `--keep` left out.
    pub(crate) left_out: u64,
    /// Rows that are older than the row before of the same journey.
    pub(crate) backwards: u64,
    last: HashMap<u32, i64>,
}

impl Events {
    fn row(
        &mut self,
        mapping: &Mapping,
        [case, activity, at, end, channel, outcome, keep]: [Option<&str>; COLUMNS],
    ) -> Result<(), (String, String)> {
        let holds = |text: Option<&str>, pair: &Option<(String, String)>| {
            pair.as_ref().is_some_and(|(_, wanted)| text == Some(wanted))
        };
        if mapping.keep.is_some() && !holds(keep, &mapping.keep) {
            self.left_out += 1;
            return Ok(());
        }
        let case_column = mapping.case_column();
        let needed = |column: &str, text: Option<&str>| {
            let text = text.filter(|text| !text.is_empty()).map(str::to_owned);
            text.ok_or_else(|| (column.to_owned(), "must not be empty".to_owned()))
        };
        let instant =
            |column: &str, text: &str| mapping.clock.read(text).map_err(|reason| (column.to_owned(), reason));
        let case = needed(case_column, case)?;
        let activity = needed(&mapping.activity, activity)?;
        let at = instant(&mapping.timestamp, &needed(&mapping.timestamp, at)?)?;
        let lasted = match (&mapping.end, end.filter(|text| !text.is_empty())) {
            (Some(column), Some(text)) => {
                let end = instant(column, text)?;
                let before = || (column.clone(), format!("ends before it begins: `{text}`"));
                Some(end.checked_sub(at).and_then(|lasted| u64::try_from(lasted).ok()).ok_or_else(before)?)
            }
            _ => None,
        };
        let too_many = |column: &str| {
            let column = column.to_owned();
            move |reason| (column, reason)
        };
        let case = self.cases.number(&case).map_err(too_many(case_column))?;
        let activity = self.activities.number(&activity).map_err(too_many(&mapping.activity))?;
        let channel = match channel.filter(|text| !text.is_empty()) {
            Some(text) => Some(self.channels.number(text).map_err(too_many("channel"))?),
            None => None,
        };
        let reached = holds(outcome, &mapping.outcome);
        self.backwards += u64::from(self.last.insert(case, at).is_some_and(|last| last > at));
        self.rows.push(Event { case, at, activity, channel, reached, lasted });
        Ok(())
    }

    /// Takes a row, or notes why not.
    pub(crate) fn take(
        &mut self,
        source: &Source<'_>,
        line: u64,
        texts: Result<[Option<&str>; COLUMNS], (String, String)>,
    ) -> Result<(), Box<dyn Error>> {
        let Err((column, reason)) = texts.and_then(|texts| self.row(source.mapping, texts)) else {
            return Ok(());
        };
        let refused = Refused { file: source.file.clone(), line, column, reason };
        if source.strict {
            return Err(format!("{refused} (without --strict it would be left out)").into());
        }
        self.refused.push(refused);
        Ok(())
    }
}

/// A file being read.
pub(crate) struct Source<'a> {
    pub(crate) file: String,
    pub(crate) mapping: &'a Mapping,
    pub(crate) strict: bool,
}

/// Reads a file by what its name ends in.
pub(crate) fn read(path: &Path, mapping: &Mapping, strict: bool) -> Result<Events, Box<dyn Error>> {
    let name = path.display().to_string();
    let (bare, packed) = match name.strip_suffix(".gz") {
        Some(bare) => (bare, true),
        None => (name.as_str(), false),
    };
    let raw = File::open(path).map_err(|error| format!("{name}: {error}"))?;
    let input: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(raw)) } else { Box::new(raw) };
    let source = Source { file: name.clone(), mapping, strict };
    let read = match bare.rsplit_once('.').map(|(_, end)| end.to_lowercase()).as_deref() {
        Some("csv" | "txt" | "tsv") => csv(input, &source),
        Some("xes" | "xml") => super::xes::read(BufReader::with_capacity(1 << 16, input), &source),
        _ => Err("the name must end in .csv or .xes, or these with .gz".into()),
    };
    let mut events = read.map_err(|error| match error.to_string() {
        told if told.starts_with(&name) => told,
        told => format!("{name}: {told}"),
    })?;
    events.last = HashMap::new();
    Ok(events)
}

fn csv(input: Box<dyn Read>, source: &Source<'_>) -> Result<Events, Box<dyn Error>> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).delimiter(source.mapping.delimiter).from_reader(input);
    let head = reader.headers()?.clone();
    let mut columns = source.mapping.columns();
    columns[0] = Some(source.mapping.case_column());
    let mut places = [None; COLUMNS];
    for (place, column) in places.iter_mut().zip(columns) {
        let Some(column) = column else { continue };
        let found = head.iter().position(|name| name.trim() == column);
        let known = || head.iter().map(|name| format!("`{}`", name.trim())).collect::<Vec<_>>().join(", ");
        *place = Some(found.ok_or_else(|| format!("there is no column `{column}`, only {}", known()))?);
    }
    let mut events = Events::default();
    let mut record = csv::StringRecord::new();
    loop {
        let next = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(events),
            Ok(true) => {
                let line = record.position().map_or(next, csv::Position::line);
                let texts = if record.len() == head.len() {
                    Ok(places.map(|place| place.and_then(|place| record.get(place)).map(str::trim)))
                } else {
                    let reason = format!("has {} fields where the head has {}", record.len(), head.len());
                    Err(("record".to_owned(), reason))
                };
                events.take(source, line, texts)?;
            }
            Err(error) if error.is_io_error() => return Err(error.into()),
            Err(error) => events.take(source, next, Err(("record".to_owned(), error.to_string())))?,
        }
    }
}
