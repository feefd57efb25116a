//! Reads real logs that are not part of the crate, from the folder they are kept in.

#![allow(dead_code, reason = "each test reads some kinds of logs only")]
#![allow(clippy::print_stderr, reason = "a skipped test must say so")]

use flate2::read::GzDecoder;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// The folder of journey logs: `journey` in the folder that `PATRONAGE_SHARED_DATA` names, or in `../shared/data`.
/// `None`, and a note, where there is no such folder.
pub(crate) fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("PATRONAGE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let folder = root.join("journey");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there is no folder of real logs; name one in PATRONAGE_SHARED_DATA");
    None
}

/// A file of the folder, unpacked where its name ends in `.gz`.
pub(crate) fn open(name: &str) -> Option<Box<dyn Read>> {
    let file = BufReader::new(File::open(folder()?.join(name)).unwrap());
    Some(if Path::new(name).extension().is_some_and(|end| end == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    })
}

/// One event of an XES log.
#[derive(Clone, Debug, Default)]
pub(crate) struct XesEvent {
    /// The number of the case, in the order of the file.
    pub(crate) case: u32,
    /// `concept:name`.
    pub(crate) name: String,
    /// `time:timestamp` in microseconds since 1970.
    pub(crate) time: i64,
}

/// The events of an XES log in the order of the file.
pub(crate) fn xes(name: &str) -> Option<Vec<XesEvent>> {
    let mut reader = Reader::from_reader(BufReader::new(open(name)?));
    let (mut events, mut case, mut current, mut buffer) = (Vec::new(), 0, None, Vec::new());
    loop {
        match reader.read_event_into(&mut buffer).unwrap() {
            Event::Start(tag) if tag.name().as_ref() == "event" => {
                current = Some(XesEvent { case, ..XesEvent::default() });
            }
            Event::End(tag) if tag.name().as_ref() == "event" => events.extend(current.take()),
            Event::End(tag) if tag.name().as_ref() == "trace" => case += 1,
            Event::Start(tag) | Event::Empty(tag) => {
                if let Some(event) = &mut current {
                    attribute(&tag, event);
                }
            }
            Event::Eof => return Some(events),
            _ => {}
        }
        buffer.clear();
    }
}

fn attribute(tag: &BytesStart<'_>, event: &mut XesEvent) {
    let text = |name: &str| {
        let attribute = tag.try_get_attribute(name).unwrap()?;
        Some(attribute.value.into_owned())
    };
    match text("key").as_deref() {
        Some("concept:name") => event.name = text("value").unwrap(),
        Some("time:timestamp") => {
            let time: chrono::DateTime<chrono::FixedOffset> = text("value").unwrap().parse().unwrap();
            event.time = time.timestamp_micros();
        }
        _ => {}
    }
}
