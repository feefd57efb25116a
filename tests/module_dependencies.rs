//! Holds the plan of the house against every `crate::` path in `src/`: which room may import which.

#![expect(clippy::unwrap_used, reason = "a test may stop here")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const VALUES: &[&str] =
    &["because", "key", "measure", "money", "period", "pii", "tag", "validation", "vocabulary", "zone"];

const NOUNS: &[&str] =
    &["case", "consent", "customer", "interaction", "lifecycle", "notification", "purchase", "task"];

/// Each room, and what it may import besides values and itself. Verbs may import every noun.
const ROOMS: &[(&str, &[&str])] = &[
    ("customer", &[]),
    ("lifecycle", &[]),
    ("purchase", &["customer"]),
    ("interaction", &["customer", "purchase"]),
    ("consent", &["customer", "interaction"]),
    ("task", &["customer", "interaction", "notification"]),
    ("case", &["customer", "interaction", "notification", "task"]),
    ("notification", &["customer", "interaction"]),
    ("numeric", &[]),
    ("value", &["NOUNS", "numeric"]),
    ("segment", &["NOUNS", "value", "numeric"]),
    ("journey", &["NOUNS", "numeric"]),
    ("pain", &["NOUNS", "journey", "value", "numeric"]),
    ("feedback", &["NOUNS", "numeric"]),
    ("service", &["NOUNS", "value", "numeric"]),
    ("loyalty", &["NOUNS", "value", "numeric"]),
    ("outreach", &["NOUNS", "value", "segment", "loyalty", "numeric"]),
    ("store", &["NOUNS"]),
    ("notify", &["NOUNS"]),
    ("simulate", &["NOUNS"]),
    ("desk", &["NOUNS", "value", "segment", "pain", "service", "store", "notify"]),
];

/// What is too large for one file and has its private parts in a folder of its own.
const FOLDERS: &[&str] = &["store/conformance", "store/postgres", "store/sqlite"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(source()).unwrap();
    let first = inside.components().next().unwrap();
    Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap().to_owned()
}

/// The text without line comments; string literals do not hold `crate::` here.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every room named after `crate::`, in single paths and in groups.
fn imports(code: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0_i32;
            let mut item = String::new();
            for c in group.chars() {
                match c {
                    '}' if depth == 0 => break,
                    ',' if depth == 0 => {
                        found.insert(name(&item));
                        item.clear();
                        continue;
                    }
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                item.push(c);
            }
            found.insert(name(&item));
        } else {
            found.insert(name(rest));
        }
    }
    found.remove("");
    found
}

#[test]
fn every_room_imports_only_what_the_plan_allows() {
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut all = Vec::new();
    files(&source(), &mut all);
    let mut broken = Vec::new();
    for file in all {
        let room = room_of(&file);
        if room == "lib" {
            continue;
        }
        let is_value = VALUES.contains(&room.as_str());
        assert!(is_value || rooms.contains_key(room.as_str()), "the plan has no room `{room}`");
        for import in imports(&code(&fs::read_to_string(&file).unwrap())) {
            let allowed = import == room
                || VALUES.contains(&import.as_str())
                || rooms.get(room.as_str()).is_some_and(|allowed| {
                    allowed.contains(&import.as_str())
                        || (allowed.contains(&"NOUNS") && NOUNS.contains(&import.as_str()))
                });
            if !allowed {
                broken.push(format!("`{room}` imports `crate::{import}` in {}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn rooms_are_two_levels_deep_at_most() {
    let mut all = Vec::new();
    files(&source(), &mut all);
    for file in all {
        let depth = file.strip_prefix(source()).unwrap().components().count();
        // Tests may lie one deeper, and the private parts of an adapter or of a suite.
        let tests = file.ends_with("tests.rs");
        let part = file.parent().is_some_and(|folder| FOLDERS.iter().any(|known| folder.ends_with(known)));
        assert!(
            depth <= 2 || (depth == 3 && (tests || part)),
            "{} lies deeper than room/file",
            file.display()
        );
    }
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    let code = "use crate::{a::B, c::{D, e::F}, g}; crate::h::I; $crate::j::k!()";
    let found: Vec<_> = imports(code).into_iter().collect();
    assert_eq!(found, ["a", "c", "g", "h", "j"]);
}
