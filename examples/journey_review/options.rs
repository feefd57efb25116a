//! What the user asks for on the command line.

use super::clock::{Clock, Format, Zone};
use super::table::Mapping;

use chrono::{DateTime, TimeDelta, Utc};
use std::error::Error;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Shows what customers go through: what follows what and after how long, the ways they take, where they go round in
circles, where they stop, how far they come. Without --events on a simulated company, of which it also shows the touch
points against what is expected, the pain points with the money at risk, and which touches lead to purchases.

  --events FILE          your events: .csv, .csv.gz, .xes or .xes.gz
  --case COLUMN          whose journey an event belongs to        [case:concept:name; of XES: each trace is a journey]
  --activity COLUMN      what happened                            [concept:name]
  --timestamp COLUMN     when it happened or began                [time:timestamp]
  --end COLUMN           when it ended: shows how long activities take
  --channel COLUMN       where it happened: shows switches, and the funnel by the channel of entry
  --outcome COLUMN=TEXT  a journey reaches its goal where this column holds this text (only where you say so ...)
  --goal ACTIVITY        ... or at this activity (may be given more than once)
  --keep COLUMN=TEXT     takes only the rows that hold this text; the others are counted
  --delimiter CHARACTER  between the columns of a CSV file        [,]
  --time-format FORMAT   of chrono, such as '%d/%m/%Y %H:%M'; or unix, unix_ms, unix_us      [ISO 8601, date or instant]
  --zone ZONE            of times that name none: +01:00, or with feature chrono-tz Europe/Zurich              [UTC]
  --strict               stops at the first row that cannot be taken, instead of reporting it and going on

  --funnel 'A > B > C'   the steps of the funnel                  [the steps of the most frequent way]
  --window SPAN          within which a customer must go all the way; 30s, 5m, 12h, 7d       [no bound]
  --before ACTIVITY      what happened before it                  [the first goal, or where most journeys end]
  --session-gap SPAN     cuts journeys where nothing happened for longer
  --split INSTANT        compares journeys begun before it with those begun later
  --as-of INSTANT        until when everything is known           [the last event]
  --activities NUMBER    of more different activities the rarest become one, `(other)`        [1024]
  --rows NUMBER          how many lines a table has               [10]
  --dot FILE, --mermaid FILE   the steps that make 80 % of all, for Graphviz or Mermaid

Columns of a trace are named case:..., as in CSV files made of XES.
";

/// What is asked of any log, whatever it was read from.
pub(crate) struct Asked {
    pub(crate) goals: Vec<String>,
    pub(crate) funnel: Vec<String>,
    pub(crate) window: Option<TimeDelta>,
    pub(crate) before: Option<String>,
    pub(crate) session_gap: Option<TimeDelta>,
    pub(crate) split: Option<DateTime<Utc>>,
    pub(crate) as_of: Option<DateTime<Utc>>,
    pub(crate) activities: usize,
    pub(crate) rows: usize,
    pub(crate) dot: Option<PathBuf>,
    pub(crate) mermaid: Option<PathBuf>,
}

pub(crate) struct Options {
    pub(crate) events: Option<PathBuf>,
    pub(crate) mapping: Mapping,
    pub(crate) strict: bool,
    pub(crate) asked: Asked,
    pub(crate) help: bool,
}

/// A time such as `7d`.
fn span(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("`{text}` must be a whole number and s, m, h or d, such as 7d");
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
    let found = units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (count, seconds) = found.ok_or_else(wrong)?;
    let count: i64 = count.parse().map_err(|_| wrong())?;
    count.checked_mul(seconds).and_then(TimeDelta::try_seconds).ok_or_else(wrong)
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (column, value) = text.split_once('=').ok_or(format!("`{text}` must be COLUMN=TEXT"))?;
    Ok((column.to_owned(), value.to_owned()))
}

impl Options {
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let asked = Asked {
            goals: Vec::new(),
            funnel: Vec::new(),
            window: None,
            before: None,
            session_gap: None,
            split: None,
            as_of: None,
            activities: patronage::journey::Activities::USUAL_LIMIT,
            rows: 10,
            dot: None,
            mermaid: None,
        };
        let mut options =
            Self { events: None, mapping: Mapping::default(), strict: false, asked, help: false };
        let (mut format, mut zone) = (Format::Iso, Zone::utc());
        // Instants are read at the end, in the zone and the format that may be given after them.
        let (mut split, mut as_of) = (None, None);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value; see --help"));
            let (mapping, asked) = (&mut options.mapping, &mut options.asked);
            match argument.as_str() {
                "--events" => options.events = Some(value()?.into()),
                "--case" => mapping.case = Some(value()?),
                "--activity" => mapping.activity = value()?,
                "--timestamp" => mapping.timestamp = value()?,
                "--end" => mapping.end = Some(value()?),
                "--channel" => mapping.channel = Some(value()?),
                "--outcome" => mapping.outcome = Some(pair(&value()?)?),
                "--keep" => mapping.keep = Some(pair(&value()?)?),
                "--delimiter" => {
                    let text = value()?;
                    let [delimiter] = text.as_bytes() else {
                        return Err(format!("the delimiter must be one ASCII character, got `{text}`").into());
                    };
                    mapping.delimiter = *delimiter;
                }
                "--time-format" => format = Format::named(&value()?)?,
                "--zone" => zone = Zone::named(&value()?)?,
                "--strict" => options.strict = true,
                "--goal" => asked.goals.push(value()?),
                "--funnel" => asked.funnel = value()?.split('>').map(|step| step.trim().to_owned()).collect(),
                "--window" => asked.window = Some(span(&value()?)?),
                "--before" => asked.before = Some(value()?),
                "--session-gap" => asked.session_gap = Some(span(&value()?)?),
                "--split" => split = Some(value()?),
                "--as-of" => as_of = Some(value()?),
                "--activities" => asked.activities = value()?.parse()?,
                "--rows" => asked.rows = value()?.parse()?,
                "--dot" => asked.dot = Some(value()?.into()),
                "--mermaid" => asked.mermaid = Some(value()?.into()),
                "--help" | "-h" => options.help = true,
                _ => return Err(format!("{argument} is not known; see --help").into()),
            }
        }
        let instants = Clock { format: Format::Iso, zone };
        let read = |text: Option<String>| {
            let micros = text.map(|text| instants.read(&text)).transpose()?;
            Ok::<_, String>(micros.and_then(DateTime::from_timestamp_micros))
        };
        (options.asked.split, options.asked.as_of) = (read(split)?, read(as_of)?);
        options.mapping.clock = Clock { format, zone };
        Ok(options)
    }
}
