use crate::validation::ValidationError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Where a customer stands among the others: recency, frequency and monetary value, each from 1 (worst) to 5 (best).
///
/// Written as three digits in that order, in text and in JSON. It is a place on three scales and no number: 415 is not
/// better than 355. It has no order therefore.
///
/// # Example
/// ```
/// use patronage::segment::RfmScore;
///
/// let score: RfmScore = "543".parse()?;
/// assert_eq!((score.recency(), score.frequency(), score.monetary()), (5, 4, 3));
/// assert_eq!(score, RfmScore::new(5, 4, 3)?);
/// assert!(RfmScore::new(6, 4, 0).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RfmScore {
    recency: u8,
    frequency: u8,
    monetary: u8,
}

impl RfmScore {
    /// A score from its three parts.
    ///
    /// # Errors
    /// [`ValidationError`] when a part is not from 1 to 5.
    pub fn new(recency: u8, frequency: u8, monetary: u8) -> Result<Self, ValidationError> {
        let parts = [
            ("rfm_score.recency", recency),
            ("rfm_score.frequency", frequency),
            ("rfm_score.monetary", monetary),
        ];
        match parts.into_iter().find(|(_, part)| !(1..=5).contains(part)) {
            Some((field, part)) => Err(ValidationError::new(field, "must be from 1 to 5", part)),
            None => Ok(Self { recency, frequency, monetary }),
        }
    }

    /// A score whose parts are from 1 to 5 by construction.
    #[inline]
    pub(super) const fn checked(recency: u8, frequency: u8, monetary: u8) -> Self {
        Self { recency, frequency, monetary }
    }

    /// All 125 scores, from 111 to 555.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=5).flat_map(|recency| {
            (1..=5)
                .flat_map(move |frequency| (1..=5).map(move |monetary| Self { recency, frequency, monetary }))
        })
    }

    /// The place of the score in [`all`](Self::all), from 0 to 124.
    #[inline]
    pub(super) fn place(self) -> usize {
        let digits =
            (usize::from(self.recency) * 5 + usize::from(self.frequency)) * 5 + usize::from(self.monetary);
        digits.wrapping_sub(31)
    }

    /// How recently the customer bought; 5 is most recent.
    #[inline]
    pub const fn recency(self) -> u8 {
        self.recency
    }

    /// How often the customer bought; 5 is most often.
    #[inline]
    pub const fn frequency(self) -> u8 {
        self.frequency
    }

    /// For how much the customer bought; 5 is most.
    #[inline]
    pub const fn monetary(self) -> u8 {
        self.monetary
    }
}

impl fmt::Display for RfmScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = [self.recency, self.frequency, self.monetary].map(|part| b'0' + part);
        f.pad(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl FromStr for RfmScore {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        match *text.as_bytes() {
            [recency @ b'1'..=b'5', frequency @ b'1'..=b'5', monetary @ b'1'..=b'5'] => {
                Ok(Self::checked(recency - b'0', frequency - b'0', monetary - b'0'))
            }
            _ => Err(ValidationError::new("rfm_score", "must be three digits from 1 to 5", text)),
        }
    }
}

impl Serialize for RfmScore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RfmScore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::vocabulary::from_text(deserializer)
    }
}

/// The scores of many customers as three columns, each from 1 to 5; filled by
/// [`RfmBreaks::score_into`](super::RfmBreaks::score_into).
///
/// Keep it between calls: its buffers are used again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RfmScoreColumns {
    recency: Vec<u8>,
    frequency: Vec<u8>,
    monetary: Vec<u8>,
}

impl RfmScoreColumns {
    /// Replaces all scores; the three iterators have equal lengths and values from 1 to 5.
    pub(super) fn refill(
        &mut self,
        recency: impl Iterator<Item = u8>,
        frequency: impl Iterator<Item = u8>,
        monetary: impl Iterator<Item = u8>,
    ) {
        self.recency.clear();
        self.recency.extend(recency);
        self.frequency.clear();
        self.frequency.extend(frequency);
        self.monetary.clear();
        self.monetary.extend(monetary);
    }

    /// How many customers there are.
    pub fn len(&self) -> usize {
        self.recency.len()
    }

    /// Whether there are no customers.
    pub fn is_empty(&self) -> bool {
        self.recency.is_empty()
    }

    /// Recency scores, a row each.
    pub fn recency(&self) -> &[u8] {
        &self.recency
    }

    /// Frequency scores, a row each.
    pub fn frequency(&self) -> &[u8] {
        &self.frequency
    }

    /// Monetary scores, a row each.
    pub fn monetary(&self) -> &[u8] {
        &self.monetary
    }

    /// The score of one row, counted from 0; `None` beyond the last.
    pub fn get(&self, row: usize) -> Option<RfmScore> {
        Some(RfmScore::checked(*self.recency.get(row)?, *self.frequency.get(row)?, *self.monetary.get(row)?))
    }

    /// The scores row by row.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RfmScore> + Clone + '_ {
        let rest = self.frequency.iter().zip(&self.monetary);
        self.recency
            .iter()
            .zip(rest)
            .map(|(&recency, (&frequency, &monetary))| RfmScore::checked(recency, frequency, monetary))
    }
}
