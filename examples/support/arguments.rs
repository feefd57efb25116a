//! The command line of an example: `--name value`, as often as needed; shared by the examples that read files.

use std::collections::BTreeMap;
use std::error::Error;

/// What the user asked for, by the names without dashes.
pub(crate) struct Arguments {
    given: BTreeMap<&'static str, String>,
    /// Whether the user asked for `--help`.
    pub(crate) help: bool,
}

impl Arguments {
    /// Reads arguments of these names; the last one of a name counts.
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = String>,
        names: &[&'static str],
    ) -> Result<Self, Box<dyn Error>> {
        let (mut given, mut help) = (BTreeMap::new(), false);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if argument == "--help" || argument == "-h" {
                help = true;
                continue;
            }
            let known = argument.strip_prefix("--").and_then(|name| names.iter().find(|one| **one == name));
            let name = known.ok_or_else(|| format!("{argument} is not known; see --help"))?;
            let value = arguments.next().ok_or_else(|| format!("{argument} needs a value; see --help"))?;
            given.insert(*name, value);
        }
        Ok(Self { given, help })
    }

    /// What was given under a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// What was given under a name, or what is meant without it.
    pub(crate) fn or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.get(name).unwrap_or(default)
    }
}
