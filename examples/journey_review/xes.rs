//! Reads event logs of IEEE 1849 (XES): traces of events, each with attributes by name.

use super::table::{COLUMNS, Events, Source};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, escape};
use std::error::Error;
use std::io::{self, BufRead, Read};

/// Counts the lines that were read.
struct Lines<R> {
    inner: R,
    line: u64,
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.line += lines(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // What is consumed has been filled before, so nothing is read here.
        if let Ok(filled) = self.inner.fill_buf() {
            self.line += lines(filled.get(..count).unwrap_or_default());
        }
        self.inner.consume(count);
    }
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte == b'\n')).sum()
}

/// Attributes of the trace and the event that the mapping names.
#[derive(Default)]
struct Texts {
    trace: [Option<String>; COLUMNS],
    event: [Option<String>; COLUMNS],
    /// Whether any trace or event had it.
    seen: [bool; COLUMNS],
}

/// Reads all events. Lists and attributes of attributes are passed over.
pub(crate) fn read(input: impl BufRead, source: &Source<'_>) -> Result<Events, Box<dyn Error>> {
    let mut reader = Reader::from_reader(Lines { inner: input, line: 1 });
    let columns = source.mapping.columns();
    let mut events = Events::default();
    let mut texts = Texts::default();
    let mut buffer = Vec::new();
    // Elements within `log`, of which only traces, events and their own attributes are looked at.
    let (mut depth, mut traces, mut in_trace, mut event_line) = (0_u32, 0_u64, false, None);
    loop {
        let read = reader.read_event_into(&mut buffer);
        let line = reader.get_ref().line;
        let wrong = |error: quick_xml::Error| format!("{}, line {line}: {error}", source.file);
        let own = depth == if event_line.is_some() { 3 } else { 2 };
        match read.map_err(wrong)? {
            Event::Eof if depth > 0 => {
                return Err(format!("{}, line {line}: the file ends within an element", source.file).into());
            }
            Event::Eof => {
                let unseen = columns.iter().zip(texts.seen).find(|(column, seen)| column.is_some() && !seen);
                return match unseen.and_then(|(column, _)| *column) {
                    Some(column) if !events.rows.is_empty() => {
                        Err(format!("no trace and no event has an attribute `{column}`").into())
                    }
                    _ => Ok(events),
                };
            }
            Event::Start(tag) => {
                match tag.name().as_ref() {
                    "trace" if depth == 1 => {
                        in_trace = true;
                        traces += 1;
                        texts.trace = Default::default();
                    }
                    "event" if depth == 2 && in_trace => {
                        event_line = Some(line);
                        texts.event = Default::default();
                    }
                    _ if in_trace && own => note(&tag, &columns, event_line.is_some(), &mut texts)?,
                    _ => {}
                }
                depth += 1;
            }
            Event::Empty(tag) if in_trace && own => {
                if tag.name().as_ref() == "event" {
                    texts.event = Default::default();
                    take(&mut events, source, line, traces, &texts)?;
                } else {
                    note(&tag, &columns, event_line.is_some(), &mut texts)?;
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                match depth {
                    2 => {
                        if let Some(line) = event_line.take() {
                            take(&mut events, source, line, traces, &texts)?;
                        }
                    }
                    1 => in_trace = false,
                    _ => {}
                }
            }
            _ => {}
        }
        buffer.clear();
    }
}

/// Keeps an attribute if the mapping names it; those of traces as `case:...`.
fn note(
    tag: &BytesStart<'_>,
    columns: &[Option<&str>; COLUMNS],
    of_event: bool,
    texts: &mut Texts,
) -> Result<(), Box<dyn Error>> {
    let Some(key) = tag.try_get_attribute("key")? else { return Ok(()) };
    let key = escape::unescape(&key.value)?;
    for (place, column) in columns.iter().enumerate() {
        let Some(column) = column else { continue };
        let (kept, wanted) = if of_event {
            (&mut texts.event, Some(*column))
        } else {
            (&mut texts.trace, column.strip_prefix("case:"))
        };
        if wanted == Some(&*key)
            && let Some(value) = tag.try_get_attribute("value")?
            && let (Some(kept), Some(seen)) = (kept.get_mut(place), texts.seen.get_mut(place))
        {
            *seen = true;
            *kept = Some(escape::unescape(&value.value)?.trim().to_owned());
        }
    }
    Ok(())
}

fn take(
    events: &mut Events,
    source: &Source<'_>,
    line: u64,
    traces: u64,
    texts: &Texts,
) -> Result<(), Box<dyn Error>> {
    let mut row: [Option<&str>; COLUMNS] = Default::default();
    for (text, (event, trace)) in row.iter_mut().zip(texts.event.iter().zip(&texts.trace)) {
        *text = event.as_deref().or(trace.as_deref());
    }
    // Where no column is named each trace is a journey of its own, whatever it is called.
    let number = traces.to_string();
    if source.mapping.case.is_none() {
        row[0] = Some(&number);
    }
    events.take(source, line, Ok(row))
}
