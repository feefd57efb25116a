use super::fold_hash::FoldState;
use super::{JourneyError, code_of};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::HashMap;
use std::hash::Hash;

/// The text that stands for all activities beyond the limit.
const OTHER: &str = "(other)";

/// The names of the activities that codes of 16 bits stand for, in the order of the text; after them, where there were
/// more activities than the limit allows, one code for all others.
///
/// # Example
/// ```
/// use patronage::journey::Activities;
///
/// let activities = Activities::new(["pay", "browse"])?;
/// assert_eq!(activities.code("browse"), Some(0));
/// assert_eq!(activities.name(1), "pay");
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Activities {
    names: Vec<Box<str>>,
    other: bool,
}

/// Written as the list of names, each at the place of its code, `(other)` last.
impl Serialize for Activities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(_, name)| name))
    }
}

impl TryFrom<Vec<String>> for Activities {
    type Error = JourneyError;

    /// Reads the list of names as it is written: the place of a name is its code.
    fn try_from(names: Vec<String>) -> Result<Self, JourneyError> {
        let all = Self::new(names.iter().map(String::as_str))?;
        if all.iter().map(|(_, name)| name).eq(&names) {
            return Ok(all);
        }
        let rule = "must be in the order of the text, `(other)` last";
        Err(JourneyError::Setting { setting: "activities", rule })
    }
}

impl Activities {
    /// The most activities a log can tell apart.
    pub const MOST: usize = 65_535;

    /// The limit used where none is given. Beyond it, the rarest activities become one: `(other)`.
    pub const USUAL_LIMIT: usize = 1_024;

    /// Takes names; their codes are their places in the order of the text. The name `(other)` stands for every activity
    /// that is not named, and comes last.
    ///
    /// # Errors
    /// [`JourneyError::ActivityLimit`] for more than [`MOST`](Self::MOST) names, [`JourneyError::DuplicateActivity`].
    pub fn new<N: Into<Box<str>>>(names: impl IntoIterator<Item = N>) -> Result<Self, JourneyError> {
        let mut names: Vec<Box<str>> = names.into_iter().map(Into::into).collect();
        let before = names.len();
        names.retain(|name| **name != *OTHER);
        let other = names.len() < before;
        if names.len() > Self::MOST {
            return Err(JourneyError::ActivityLimit { limit: names.len() });
        }
        names.sort_unstable();
        if let Some((name, _)) = names.iter().zip(names.iter().skip(1)).find(|(a, b)| a == b) {
            return Err(JourneyError::DuplicateActivity { name: name.to_string() });
        }
        Ok(Self { names, other })
    }

    /// The same names, with one more code for every activity that has no name here.
    #[must_use]
    pub fn with_other(mut self) -> Self {
        self.other = true;
        self
    }

    /// How many codes there are.
    pub fn len(&self) -> usize {
        self.names.len() + usize::from(self.other)
    }

    /// Whether there are no codes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The code of a name; the code for all others where the name is unknown and there is one.
    pub fn code(&self, name: &str) -> Option<u16> {
        match self.names.binary_search_by(|known| (**known).cmp(name)) {
            Ok(place) => u16::try_from(place).ok(),
            Err(_) => self.other_code(),
        }
    }

    /// The code of a name that must be known: `(other)` does not answer for it.
    ///
    /// # Errors
    /// [`JourneyError::UnknownName`].
    pub fn named(&self, name: &str) -> Result<u16, JourneyError> {
        let found = self.code(name).filter(|&code| self.name(code) == name);
        found.ok_or_else(|| JourneyError::UnknownName { name: name.to_owned() })
    }

    /// The code that stands for all activities without a name, where there is one.
    pub fn other_code(&self) -> Option<u16> {
        self.other.then(|| code_of(self.names.len()))
    }

    /// The name of a code; `(other)` for what has no name.
    pub fn name(&self, code: u16) -> &str {
        self.names.get(usize::from(code)).map_or(OTHER, |name| &**name)
    }

    /// Each code with its name.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &str)> {
        (0..self.len()).map(|place| (code_of(place), self.name(code_of(place))))
    }

    /// Both lists of names in one, and the new code of each old one of the first and the second.
    pub(super) fn union(&self, other: &Self) -> Result<(Self, Vec<u16>, Vec<u16>), JourneyError> {
        let mut names: Vec<Box<str>> = self.names.iter().chain(&other.names).cloned().collect();
        names.sort_unstable();
        names.dedup();
        let mut all = Self::new(names)?;
        all.other = self.other || other.other;
        let renamed = |old: &Self| {
            let codes = old.names.iter().map(|name| all.code(name).unwrap_or_default());
            codes.chain(all.other_code().filter(|_| old.other)).collect()
        };
        let (first, second) = (renamed(self), renamed(other));
        Ok((all, first, second))
    }
}

/// Gives each different key a number while rows are read, and settles codes and names afterwards.
pub(super) struct Interner<K> {
    numbers: HashMap<K, u32, FoldState>,
    rows: Vec<u64>,
    last: Option<(K, u32)>,
}

impl<K: Hash + Eq + Clone + ToString> Interner<K> {
    pub(super) fn new() -> Self {
        Self { numbers: HashMap::default(), rows: Vec::new(), last: None }
    }

    /// The number of a key, in the order in which keys first came.
    pub(super) fn number(&mut self, key: K) -> Result<u32, JourneyError> {
        let number = match &self.last {
            Some((last, number)) if *last == key => *number,
            _ => {
                let next = u32::try_from(self.rows.len()).map_err(|_| JourneyError::TooManyCustomers)?;
                let number = if let Some(&number) = self.numbers.get(&key) {
                    number
                } else {
                    self.numbers.insert(key.clone(), next);
                    self.rows.push(0);
                    next
                };
                self.last = Some((key, number));
                number
            }
        };
        if let Some(rows) = self.rows.get_mut(number as usize) {
            *rows += 1;
        }
        Ok(number)
    }

    /// The names, at most `limit` of them (the most frequent, ties by name), and the code of each number.
    pub(super) fn settle(self, limit: usize) -> Result<(Activities, Vec<u16>), JourneyError> {
        if !(1..=Activities::MOST).contains(&limit) {
            return Err(JourneyError::ActivityLimit { limit });
        }
        // Different keys may read alike; they are one activity.
        let mut by_name: HashMap<String, u64> = HashMap::new();
        let mut texts = vec![String::new(); self.rows.len()];
        for (key, number) in &self.numbers {
            let text = key.to_string();
            *by_name.entry(text.clone()).or_default() +=
                self.rows.get(*number as usize).copied().unwrap_or(0);
            if let Some(place) = texts.get_mut(*number as usize) {
                *place = text;
            }
        }
        let mut ranked: Vec<(u64, &str)> =
            by_name.iter().map(|(name, &rows)| (rows, name.as_str())).collect();
        let crowded = ranked.len() > limit;
        if crowded {
            ranked.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
            ranked.truncate(limit - 1);
        }
        let mut activities = Activities::new(ranked.into_iter().map(|(_, name)| name))?;
        activities.other |= crowded;
        let codes = texts.iter().map(|text| activities.code(text).unwrap_or_default()).collect();
        Ok((activities, codes))
    }
}

/// Numbers of keys, in 16 bits as long as they fit: memory that is touched for the first time costs more than the work.
pub(super) enum Numbers {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

impl Numbers {
    #[inline]
    pub(super) fn push(&mut self, number: u32) {
        match (&mut *self, u16::try_from(number)) {
            (Self::Narrow(all), Ok(number)) => all.push(number),
            (Self::Narrow(all), Err(_)) => {
                let wide = all.iter().map(|&number| u32::from(number)).chain([number]);
                *self = Self::Wide(wide.collect());
            }
            (Self::Wide(all), _) => all.push(number),
        }
    }

    /// The code of each number.
    pub(super) fn into_codes(self, codes: &[u16]) -> Vec<u16> {
        let code = |number: usize| codes.get(number).copied().unwrap_or_default();
        match self {
            Self::Narrow(mut all) => {
                for number in &mut all {
                    *number = code(usize::from(*number));
                }
                all
            }
            Self::Wide(all) => all.iter().map(|&number| code(number as usize)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_become_other_whatever_the_order() {
        let settle = |rows: &[&'static str], limit| {
            let mut interner = Interner::new();
            let numbers: Vec<u32> = rows.iter().map(|row| interner.number(*row).unwrap()).collect();
            let (activities, codes) = interner.settle(limit).unwrap();
            let named: Vec<String> =
                numbers.iter().map(|&n| activities.name(codes[n as usize]).to_owned()).collect();
            (activities, named)
        };
        let (activities, named) = settle(&["c", "a", "b", "c", "a", "d"], 3);
        assert_eq!(named, ["c", "a", "(other)", "c", "a", "(other)"]);
        assert_eq!(activities, settle(&["d", "b", "a", "a", "c", "c"], 3).0);
        assert_eq!(settle(&["a", "b", "c"], 3).0.other_code(), None);
        assert_eq!(settle(&["a", "b"], 1).1, ["(other)", "(other)"]);
        assert!(Interner::<&str>::new().settle(0).is_err());
        assert!(Interner::<&str>::new().settle(65_536).is_err());
    }

    #[test]
    fn names_are_told_apart() {
        let twice = Activities::new(["a", "b", "a"]).unwrap_err();
        assert_eq!(twice, JourneyError::DuplicateActivity { name: "a".into() });
        let one = Activities::new(["a", "c"]).unwrap().with_other();
        let two = Activities::new(["b", "c"]).unwrap();
        let (all, first, second) = one.union(&two).unwrap();
        assert_eq!(all.iter().map(|(_, name)| name).collect::<Vec<_>>(), ["a", "b", "c", "(other)"]);
        assert_eq!((first, second), (vec![0, 2, 3], vec![1, 2]));
        assert_eq!(one.code("unheard of"), Some(2));
        assert_eq!(one.named("unheard of"), Err(JourneyError::UnknownName { name: "unheard of".into() }));
        assert_eq!((one.named("c"), one.named("(other)")), (Ok(1), Ok(2)));
        assert_eq!(two.code("unheard of"), None);
        assert_eq!(Activities::new(["c", "(other)", "a"]), Ok(one.clone()));
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(text, r#"["a","c","(other)"]"#);
        assert_eq!(serde_json::from_str::<Activities>(&text).unwrap(), one);
        for wrong in [r#"["c","a"]"#, r#"["(other)","a"]"#, r#"["a","a"]"#] {
            assert!(serde_json::from_str::<Activities>(wrong).is_err(), "{wrong}");
        }
    }
}
