//! What loss of power leaves of a folder, worked out from the log that `power_log.c` writes.
//!
//! The disk may do all that it is allowed to: of what was written to a file after its last sync, each write is lost, kept,
//! or torn between sectors; of the names made and removed after the last sync of the folder, any latest ones are lost.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const SECTOR: usize = 512;

/// Compiles the library to preload.
pub(crate) fn power_log(into: &Path) -> PathBuf {
    let library = into.join("power_log.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/power_log.c");
    let cc = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let compiled = Command::new(cc)
        .args(["-O1", "-shared", "-fPIC", "-pthread", "-o"])
        .args([library.as_path(), Path::new(source)])
        .status();
    assert!(compiled.expect("a C compiler").success(), "{source} was not compiled");
    library
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

#[derive(Debug)]
enum Action {
    Create,
    Change(Change),
    Sync,
    Unlink,
    Rename(String),
}

/// One thing that was done, to a file of this name, or to the folder itself where the name is empty.
#[derive(Debug)]
pub(crate) struct Entry {
    name: String,
    action: Action,
}

impl Entry {
    pub(crate) fn is_written_to(&self, name: &str) -> bool {
        self.name == name && matches!(self.action, Action::Change(Change::Write { .. }))
    }

    pub(crate) fn is_removal(&self) -> bool {
        matches!(self.action, Action::Unlink)
    }

    pub(crate) fn is_sync_of(&self, name: &str) -> bool {
        self.name == name && matches!(self.action, Action::Sync)
    }
}

pub(crate) fn read(log: &Path) -> Vec<Entry> {
    let bytes = std::fs::read(log).unwrap();
    let (mut rest, mut entries) = (bytes.as_slice(), Vec::new());
    while let Some((&kind, after)) = rest.split_first() {
        let number =
            |place: usize| u64::from_ne_bytes(after[8 * place..8 * (place + 1)].try_into().unwrap()) as usize;
        let (name_length, at, length) = (number(0), number(1), number(2));
        let (name, after) = after[24..].split_at(name_length);
        let (bytes, after) = after.split_at(length);
        let action = match kind {
            b'c' => Action::Create,
            b'w' => Action::Change(Change::Write { at, bytes: bytes.to_vec() }),
            b't' => Action::Change(Change::Truncate(at)),
            b's' => Action::Sync,
            b'u' => Action::Unlink,
            b'r' => Action::Rename(String::from_utf8(bytes.to_vec()).unwrap()),
            other => panic!("an entry of kind {other}"),
        };
        entries.push(Entry { name: String::from_utf8(name.to_vec()).unwrap(), action });
        rest = after;
    }
    entries
}

#[derive(Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

/// Which file a name stands for: on the disk, and after each change since the folder was synced.
#[derive(Default)]
struct Name {
    durable: Option<usize>,
    pending: Vec<Option<usize>>,
}

impl Name {
    fn now(&self) -> Option<usize> {
        self.pending.last().copied().unwrap_or(self.durable)
    }
}

/// A folder on a disk that does no more than it must.
#[derive(Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, Name>,
}

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unsynced {
    Lost,
    Kept,
    /// Each write for itself: kept, lost, or torn.
    Mixed,
}

impl Disk {
    pub(crate) fn apply(&mut self, entry: &Entry) {
        if entry.name.is_empty() {
            assert!(matches!(entry.action, Action::Sync), "{entry:?}");
            for name in self.names.values_mut() {
                name.durable = name.now();
                name.pending.clear();
            }
            return;
        }
        let new_file = self.files.len();
        let name = self.names.entry(entry.name.clone()).or_default();
        let file = name.now();
        match &entry.action {
            Action::Create => {
                name.pending.push(Some(new_file));
                self.files.push(File::default());
            }
            Action::Change(change) => self.files[file.unwrap()].pending.push(change.clone()),
            Action::Sync => {
                let file = &mut self.files[file.unwrap()];
                for change in file.pending.drain(..) {
                    change.apply(&mut file.durable);
                }
            }
            Action::Unlink => name.pending.push(None),
            Action::Rename(to) => {
                name.pending.push(None);
                self.names.entry(to.clone()).or_default().pending.push(file);
            }
        }
    }

    /// The files that are there when the power comes back.
    pub(crate) fn power_loss(
        &self,
        unsynced: Unsynced,
        random: &mut ChaCha8Rng,
    ) -> BTreeMap<String, Vec<u8>> {
        let mut left = BTreeMap::new();
        let lost = random.random_range(0.0..1.0);
        for (name, states) in &self.names {
            let seen = match unsynced {
                Unsynced::Lost => 0,
                Unsynced::Kept => states.pending.len(),
                Unsynced::Mixed => random.random_range(0..=states.pending.len()),
            };
            let state = if seen == 0 { states.durable } else { states.pending[seen - 1] };
            let Some(file) = state else { continue };
            let file = &self.files[file];
            let mut content = file.durable.clone();
            for change in &file.pending {
                match unsynced {
                    Unsynced::Lost => {}
                    Unsynced::Kept => change.apply(&mut content),
                    Unsynced::Mixed if random.random_bool(lost) => {}
                    Unsynced::Mixed if random.random_bool(0.5) => change.apply(&mut content),
                    Unsynced::Mixed => change.tear(&mut content, random),
                }
            }
            left.insert(name.clone(), content);
        }
        left
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => write(content, *at, bytes),
            Self::Truncate(length) => content.resize(*length, 0),
        }
    }

    /// Keeps some of its sectors.
    fn tear(&self, content: &mut Vec<u8>, random: &mut ChaCha8Rng) {
        let Self::Write { at, bytes } = self else { return };
        let (mut at, mut rest) = (*at, bytes.as_slice());
        while !rest.is_empty() {
            let (sector, after) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
            if random.random_bool(0.5) {
                write(content, at, sector);
            }
            (at, rest) = (at + sector.len(), after);
        }
    }
}

fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}
