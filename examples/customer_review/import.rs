//! Reads purchases and interactions from files, row by row: a bad row is reported with file, line, column and reason,
//! and the rest goes on.

use patronage::customer::CustomerId;
use patronage::interaction::{
    Channel, Direction, Effort, EffortDirection, Engagement, Interaction, InteractionId, Outcome, Sentiment,
    Touchpoint,
};
use patronage::purchase::{Purchase, PurchaseId};
use patronage::{Currency, Money, Share, Tag, ValidationError};

use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

/// A row that was not taken, and why.
pub(crate) struct Refused {
    file: String,
    line: u64,
    column: &'static str,
    reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, column `{}`: {}", self.file, self.line, self.column, self.reason)
    }
}

/// The rows that were taken, and those that were not.
pub(crate) struct Import<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) refused: Vec<Refused>,
}

impl<T> Import<T> {
    fn take(&mut self, file: &str, line: u64, row: Result<T, (&'static str, String)>) {
        match row {
            Ok(row) => self.rows.push(row),
            Err((column, reason)) => {
                self.refused.push(Refused { file: file.to_owned(), line, column, reason });
            }
        }
    }
}

/// What the shop calls a customer becomes an id; the same name is the same customer in every file.
pub(crate) fn customer_id(name: &str) -> CustomerId {
    CustomerId::derive(&["customer_review", name])
}

fn at<E: fmt::Display>(column: &'static str) -> impl Fn(E) -> (&'static str, String) {
    move |error| (column, error.to_string())
}

/// Counts equal rows, so that each gets an id of its own that does not depend on the order of the file.
#[derive(Default)]
struct Occurrences(BTreeMap<String, u32>);

impl Occurrences {
    fn next(&mut self, row: &str) -> String {
        let seen = self.0.entry(row.to_owned()).or_default();
        *seen += 1;
        seen.to_string()
    }
}

/// Reads the purchases of CDNOW: customer, date (`yyyymmdd`), number of CDs and dollars, divided by blanks. The sample
/// file has a second customer number after the first.
pub(crate) fn cdnow(path: &Path) -> Result<Import<(String, Purchase)>, Box<dyn Error>> {
    let file = path.display().to_string();
    let mut import = Import { rows: Vec::new(), refused: Vec::new() };
    let mut occurrences = Occurrences::default();
    for (line, text) in (1..).zip(BufReader::new(File::open(path)?).lines()) {
        let text = text?;
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (name, date, dollars) = match fields[..] {
            [] | ["customer_id", ..] => continue,
            [name, date, _, dollars] | [name, _, date, _, dollars] => (name, date, dollars),
            _ => {
                import.take(&file, line, Err(("customer", "must have 4 or 5 fields".to_owned())));
                continue;
            }
        };
        let row = (|| {
            let date = NaiveDate::parse_from_str(date, "%Y%m%d").map_err(at("date"))?;
            let instant = date.and_hms_opt(12, 0, 0).ok_or(("date", "has no noon".to_owned()))?.and_utc();
            let amount = Money::from_decimal(dollars, Currency::USD).map_err(at("dollar_value"))?;
            purchase(name, instant, amount, None, None, &mut occurrences).map_err(at("customer"))
        })();
        import.take(&file, line, row.map(|purchase| (name.to_owned(), purchase)));
    }
    Ok(import)
}

fn purchase(
    name: &str,
    instant: DateTime<Utc>,
    amount: Money,
    cost: Option<Money>,
    category: Option<Tag>,
    occurrences: &mut Occurrences,
) -> Result<Purchase, ValidationError> {
    let row = format!("{name} {instant} {amount}");
    let occurrence = occurrences.next(&row);
    let id = PurchaseId::derive(&["customer_review", &row, &occurrence]);
    let mut purchase = Purchase::new(id, customer_id(name), instant, amount)?;
    if let Some(category) = category {
        purchase = purchase.with_category(category);
    }
    cost.map_or(Ok(purchase), |cost| purchase.with_cost(cost))
}

/// The columns of a CSV file by name, and the row being read.
struct Columns<'a> {
    places: &'a BTreeMap<String, usize>,
    record: &'a csv::StringRecord,
}

impl<'a> Columns<'a> {
    fn get(&self, column: &'static str) -> Option<&'a str> {
        self.places
            .get(column)
            .and_then(|&place| self.record.get(place))
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    fn needed(&self, column: &'static str) -> Result<&'a str, (&'static str, String)> {
        self.get(column).ok_or((column, "must not be empty".to_owned()))
    }

    fn parsed<T: std::str::FromStr<Err: fmt::Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, (&'static str, String)> {
        self.get(column).map(|text| text.parse().map_err(at(column))).transpose()
    }
}

/// Reads a CSV file with a head line: each record by its columns.
fn csv_rows<T>(
    path: &Path,
    needed: &[&'static str],
    mut read: impl FnMut(&Columns<'_>) -> Result<T, (&'static str, String)>,
) -> Result<Import<T>, Box<dyn Error>> {
    let file = path.display().to_string();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path)?;
    let places: BTreeMap<String, usize> = reader
        .headers()?
        .iter()
        .enumerate()
        .map(|(place, name)| (name.trim().to_lowercase(), place))
        .collect();
    if let Some(missing) = needed.iter().find(|&&column| !places.contains_key(column)) {
        return Err(format!("{file}, line 1: there is no column `{missing}`").into());
    }
    let mut import = Import { rows: Vec::new(), refused: Vec::new() };
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(import),
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                import.take(&file, line, read(&Columns { places: &places, record: &record }));
            }
            Err(error) if error.is_io_error() => return Err(error.into()),
            Err(error) => import.take(&file, line, Err(("record", error.to_string()))),
        }
    }
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(instant) = text.parse::<DateTime<Utc>>() {
        return Ok(instant);
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| "must be a date or an instant of ISO 8601")?;
    Ok(date.and_hms_opt(12, 0, 0).ok_or("has no noon")?.and_utc())
}

/// Reads purchases with the columns `customer`, `at` and `amount` (a plain number in the currency of the review), and,
/// where there are such columns, `cost` and `category`.
pub(crate) fn purchases(
    path: &Path,
    currency: Currency,
) -> Result<Import<(String, Purchase)>, Box<dyn Error>> {
    let mut occurrences = Occurrences::default();
    csv_rows(path, &["customer", "at", "amount"], |row| {
        let name = row.needed("customer")?;
        let instant = instant(row.needed("at")?).map_err(at("at"))?;
        let amount = Money::from_decimal(row.needed("amount")?, currency).map_err(at("amount"))?;
        let cost = row
            .get("cost")
            .map(|text| Money::from_decimal(text, currency))
            .transpose()
            .map_err(at("cost"))?;
        let category = row.parsed("category")?;
        let purchase = purchase(name, instant, amount, cost, category, &mut occurrences).map_err(at("at"))?;
        Ok((name.to_owned(), purchase))
    })
}

fn seconds(row: &Columns<'_>, column: &'static str) -> Result<Option<Duration>, (&'static str, String)> {
    let Some(seconds) = row.parsed::<f64>(column)? else { return Ok(None) };
    let refuse = |_| (column, format!("must be seconds from 0 on, got `{seconds}`"));
    let exact = Duration::try_from_secs_f64(seconds).map_err(refuse)?;
    // An interaction keeps whole milliseconds.
    let milliseconds = exact.as_nanos().div_ceil(1_000_000).try_into();
    Ok(Some(Duration::from_millis(milliseconds.unwrap_or(u64::MAX))))
}

/// Reads interactions with the columns `customer` and `at`, and, where there are such columns, `channel`, `touchpoint`,
/// `engagement`, `direction`, `reason`, `outcome`, `wait_s`, `handle_s`, `transfers`, `cost`, `sentiment` (-1 to 1),
/// `effort` (1 to 7, 7 is easy), `escalated_to` and `unanswered_because`.
pub(crate) fn interactions(
    path: &Path,
    currency: Currency,
) -> Result<Import<(String, Interaction)>, Box<dyn Error>> {
    let mut occurrences = Occurrences::default();
    csv_rows(path, &["customer", "at"], |row| {
        let name = row.needed("customer")?;
        let instant = instant(row.needed("at")?).map_err(at("at"))?;
        let text = row.record.iter().collect::<Vec<_>>().join("\u{1f}");
        let occurrence = occurrences.next(&text);
        let id = InteractionId::derive(&["customer_review", &text, &occurrence]);
        let mut builder = Interaction::builder(id, customer_id(name), instant).at_place(
            row.parsed("channel")?.unwrap_or(Channel::Web),
            row.parsed("touchpoint")?.unwrap_or(Touchpoint::SelfService),
            row.parsed("engagement")?.unwrap_or(Engagement::Support),
        );
        if let Some(direction) = row.parsed::<Direction>("direction")? {
            builder = builder.direction(direction);
        }
        if let Some(reason) = row.parsed::<Tag>("reason")? {
            builder = builder.reason(reason);
        }
        if let Some(outcome) = row.parsed::<Outcome>("outcome")? {
            builder = builder.outcome(outcome);
        }
        if let Some(team) = row.parsed::<Tag>("escalated_to")? {
            builder = builder.escalated_to(team);
        }
        if let Some(why) = row.parsed::<Tag>("unanswered_because")? {
            builder = builder.unanswered_because(why);
        }
        if let Some(wait) = seconds(row, "wait_s")? {
            builder = builder.wait(wait);
        }
        if let Some(handle) = seconds(row, "handle_s")? {
            builder = builder.handle_time(handle);
        }
        if let Some(transfers) = row.parsed::<u16>("transfers")? {
            builder = builder.transfers(transfers);
        }
        if let Some(cost) = row.get("cost") {
            builder = builder.cost(Money::from_decimal(cost, currency).map_err(at("cost"))?);
        }
        if let Some(score) = row.parsed::<f64>("sentiment")? {
            let source = Tag::literal("import");
            builder = builder.sentiment(Sentiment::new(score, source, Share::ONE).map_err(at("sentiment"))?);
        }
        if let Some(answer) = row.parsed::<u8>("effort")? {
            builder =
                builder.effort(Effort::new(answer, 7, EffortDirection::EasyIsHigh).map_err(at("effort"))?);
        }
        let interaction = builder.build().map_err(|error| ("outcome", error.to_string()))?;
        Ok((name.to_owned(), interaction))
    })
}
