//! Rows of a CSV file by the names of its columns, plain or packed; shared by the examples that read files.

use flate2::read::GzDecoder;
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

/// How many refused rows are shown; all are counted.
const SHOWN: u64 = 10;

/// Hands the wanted columns of each row to `take`, which says why it cannot take one. Says in the end how many were taken.
///
/// # Errors
/// When the file cannot be read, lacks a column, or no row could be taken.
pub(crate) fn read(
    out: &mut dyn Write,
    path: &str,
    columns: &[&str],
    mut take: impl FnMut(&[&str]) -> Result<(), String>,
) -> Result<(), Box<dyn Error>> {
    let in_file = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let file = BufReader::new(File::open(path).map_err(|error| in_file(&error))?);
    let packed = Path::new(path).extension().is_some_and(|end| end == "gz");
    let file: Box<dyn Read> = if packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let head = reader.headers().map_err(|error| in_file(&error))?.clone();
    let mut places = Vec::new();
    for column in columns {
        let place = head.iter().position(|name| name.trim_start_matches('\u{feff}').trim() == *column);
        let names = || head.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        places.push(place.ok_or_else(|| format!("{path}: there is no column `{column}`, only {}", names()))?);
    }
    let (mut taken, mut refused) = (0_u64, 0_u64);
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        let told = match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let texts = places.iter().map(|&place| record.get(place).map(str::trim));
                match texts.collect::<Option<Vec<&str>>>() {
                    Some(texts) => take(&texts),
                    None => Err(format!("has {} fields where the head has {}", record.len(), head.len())),
                }
            }
            Err(error) if error.is_io_error() => return Err(in_file(&error).into()),
            Err(error) => Err(error.to_string()),
        };
        match told {
            Ok(()) => taken += 1,
            Err(reason) => {
                refused += 1;
                if refused <= SHOWN {
                    let line = record.position().map_or(line, csv::Position::line);
                    writeln!(out, "refused: {path}, line {line}: {reason}")?;
                }
            }
        }
    }
    if taken == 0 {
        return Err(format!("{path}: no row could be taken").into());
    }
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    Ok(writeln!(out, "{name}: {taken} rows taken, {refused} refused")?)
}
