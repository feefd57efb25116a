use super::LoyaltyError;
use crate::purchase::PurchaseHistory;
use crate::validation::ValidationError;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The longest spell that a table counts, in days.
pub(super) const LONGEST: i32 = 1_000_000;

/// What it means that a customer is gone. It has no default: the same purchases say different things under another rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relationship {
    /// The end is seen: a contract is cancelled or runs out.
    Contractual,
    /// The end is not seen. A customer counts as gone after a silence.
    NonContractual(SilenceRule),
}

/// After how many days without a purchase a customer counts as gone.
///
/// A fixed rule is often wrong about a single customer: of silences of 90 days or more in a shop for gifts 55 % still
/// ended in a purchase. [`Rhythm`](super::Rhythm) holds a customer against their own rhythm, and the models of
/// [`value`](crate::value) say how likely one is still a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct SilenceRule(i32);

impl TryFrom<i32> for SilenceRule {
    type Error = ValidationError;

    fn try_from(days: i32) -> Result<Self, ValidationError> {
        Self::new(days)
    }
}

impl From<SilenceRule> for i32 {
    fn from(rule: SilenceRule) -> Self {
        rule.0
    }
}

impl SilenceRule {
    /// A customer counts as gone once so many days have passed without a purchase; one on the last of them is too late.
    ///
    /// # Errors
    /// [`ValidationError`] when the days are below 1 or above 1,000,000.
    pub fn new(days: i32) -> Result<Self, ValidationError> {
        if (1..=LONGEST).contains(&days) {
            Ok(Self(days))
        } else {
            Err(ValidationError::new("silence.days", "must be from 1 to 1,000,000", days))
        }
    }

    /// How many days.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// Says how long a customer stayed who bought on these days, as seen on the day `as_of`: from the first purchase to
    /// the end of the first silence, or to `as_of` if there was none. `None` for someone who never bought.
    ///
    /// The spell ends with the silence, not with the last purchase before it, because only then is it known: an end that
    /// is dated back makes those who are still watched look better than they are. Whoever returns later had lapsed; what
    /// they buy then belongs to another spell.
    ///
    /// # Arguments
    /// Days as numbers of one calendar, ascending; several purchases on a day may come several times.
    ///
    /// # Errors
    /// [`LoyaltyError::DaysOutOfOrder`], [`LoyaltyError::AfterAsOf`], [`LoyaltyError::TooLong`].
    ///
    /// # Cost
    /// O(purchases), no allocation.
    ///
    /// # Example
    /// ```
    /// use patronage::loyalty::{SilenceRule, Spell};
    ///
    /// let rule = SilenceRule::new(90)?;
    /// assert_eq!(rule.spell([0, 30, 75], 100)?, Some(Spell::running(100)?));
    /// assert_eq!(rule.spell([0, 30, 75], 165)?, Some(Spell::ended(165)?));
    /// assert_eq!(rule.spell([0, 30, 130], 140)?, Some(Spell::ended(120)?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spell(
        self,
        days: impl IntoIterator<Item = i32>,
        as_of: i32,
    ) -> Result<Option<Spell>, LoyaltyError> {
        let (mut first_and_last, mut lapsed) = (None, None);
        for (place, day) in days.into_iter().enumerate() {
            if day > as_of {
                return Err(LoyaltyError::AfterAsOf { place, day, as_of });
            }
            let (first, before) = first_and_last.unwrap_or((day, day));
            if day < before {
                return Err(LoyaltyError::DaysOutOfOrder { place, day, before });
            }
            if lapsed.is_none() {
                lapsed = self.over(before, day);
            }
            first_and_last = Some((first, day));
        }
        let Some((first, last)) = first_and_last else { return Ok(None) };
        let lapsed = lapsed.or_else(|| self.over(last, as_of));
        let length = lapsed.unwrap_or(i64::from(as_of)) - i64::from(first);
        let days = i32::try_from(length).unwrap_or(i32::MAX);
        Spell::new(days, lapsed.is_some()).map(Some)
    }

    /// The same for a history of purchases; days on which goods only came back are no purchases.
    ///
    /// # Errors
    /// As [`SilenceRule::spell`].
    pub fn spell_of(
        self,
        history: &PurchaseHistory,
        as_of: NaiveDate,
    ) -> Result<Option<Spell>, LoyaltyError> {
        let as_of = as_of.signed_duration_since(NaiveDate::default()).num_days();
        let bought = history.days().iter().filter(|day| day.purchases > 0).map(|day| day.day);
        self.spell(bought, i32::try_from(as_of).unwrap_or(i32::MAX))
    }

    /// The day the silence after `last` was over, if it was by `day`.
    fn over(self, last: i32, day: i32) -> Option<i64> {
        let end = i64::from(last) + i64::from(self.0);
        (i64::from(day) >= end).then_some(end)
    }
}

/// How long one customer was there, and whether they left: the row that survival is counted from.
///
/// Days are counted from the beginning of the relationship; any other whole unit does, as long as all rows are of the same
/// one.
///
/// # Example
/// ```
/// use patronage::loyalty::{LoyaltyError, Spell};
///
/// let watched_from_day_30 = Spell::ended(400)?.entered_at(30)?;
/// assert_eq!((watched_from_day_30.days(), watched_from_day_30.entered()), (400, 30));
/// assert_eq!(Spell::running(-1), Err(LoyaltyError::NegativeDays { row: 0, days: -1 }));
/// # Ok::<(), LoyaltyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Spell {
    days: i32,
    ended: bool,
    entered: i32,
}

#[derive(Deserialize)]
struct Fields {
    days: i32,
    ended: bool,
    entered: i32,
}

impl TryFrom<Fields> for Spell {
    type Error = LoyaltyError;

    fn try_from(fields: Fields) -> Result<Self, LoyaltyError> {
        Self::new(fields.days, fields.ended)?.entered_at(fields.entered)
    }
}

impl Spell {
    /// Someone who left after so many days.
    ///
    /// # Errors
    /// [`LoyaltyError::NegativeDays`] and [`LoyaltyError::TooLong`], with row 0.
    pub fn ended(days: i32) -> Result<Self, LoyaltyError> {
        Self::new(days, true)
    }

    /// Someone who is still there after so many days, or was when last seen (a censored row).
    ///
    /// # Errors
    /// As [`Spell::ended`].
    pub fn running(days: i32) -> Result<Self, LoyaltyError> {
        Self::new(days, false)
    }

    fn new(days: i32, ended: bool) -> Result<Self, LoyaltyError> {
        let spell = Self { days, ended, entered: 0 };
        spell.check(0).map(|()| spell)
    }

    /// The same, known of only since that day (late entry, left truncation): an export that begins years after the first
    /// contracts holds only those who were still there. They count among those at risk from the day after.
    ///
    /// # Errors
    /// [`LoyaltyError::EntryNotBefore`] when the day is negative, or not before the end; 0 is always possible and means
    /// that the customer was watched from the beginning.
    pub fn entered_at(self, day: i32) -> Result<Self, LoyaltyError> {
        let spell = Self { entered: day, ..self };
        spell.check(0).map(|()| spell)
    }

    /// How many days.
    pub const fn days(self) -> i32 {
        self.days
    }

    /// Whether the customer left.
    pub const fn is_ended(self) -> bool {
        self.ended
    }

    /// Since which day the customer is known of.
    pub const fn entered(self) -> i32 {
        self.entered
    }

    fn check(self, row: usize) -> Result<(), LoyaltyError> {
        let Self { days, entered, .. } = self;
        if days < 0 {
            Err(LoyaltyError::NegativeDays { row, days })
        } else if days > LONGEST {
            Err(LoyaltyError::TooLong { row, days, limit: LONGEST })
        } else if entered < 0 || (entered > 0 && entered >= days) {
            Err(LoyaltyError::EntryNotBefore { row, entered, days })
        } else {
            Ok(())
        }
    }
}

/// Many spells as borrowed columns, checked once.
///
/// # Example
/// ```
/// use patronage::loyalty::{LoyaltyError, Spell, Spells};
///
/// let spells = Spells::new(&[12, 30], &[true, false])?;
/// assert!(spells.iter().eq([Spell::ended(12)?, Spell::running(30)?]));
/// let refused = Spells::new(&[12, -3], &[true, false]).unwrap_err();
/// assert_eq!(refused.to_string(), "row 1: `days` must not be negative, got -3");
/// # Ok::<(), LoyaltyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spells<'a> {
    days: &'a [i32],
    ended: &'a [bool],
    entered: Option<&'a [i32]>,
    /// All days or-ed together: no day is above it, and it is less than twice the longest.
    bound: i32,
}

impl<'a> Spells<'a> {
    /// Spells by how many days each lasted, and whether it ended.
    ///
    /// # Errors
    /// [`LoyaltyError::ColumnLength`]; [`LoyaltyError::NegativeDays`] and [`LoyaltyError::TooLong`] for the first such row.
    pub fn new(days: &'a [i32], ended: &'a [bool]) -> Result<Self, LoyaltyError> {
        let bound = days.iter().fold(0, |bits, &days| bits | days);
        let spells = Self { days, ended, entered: None, bound };
        spells.fits("ended", ended.len())?;
        // One operation a row; the search runs only where there may be something to find.
        if (0..=LONGEST).contains(&bound) { Ok(spells) } else { spells.checked() }
    }

    /// The same spells, each known of only since a day of its own: see [`Spell::entered_at`].
    ///
    /// # Errors
    /// [`LoyaltyError::ColumnLength`]; [`LoyaltyError::EntryNotBefore`] for the first such row.
    pub fn entered_at(self, entered: &'a [i32]) -> Result<Self, LoyaltyError> {
        self.fits("entered", entered.len())?;
        Self { entered: Some(entered), ..self }.checked()
    }

    fn checked(self) -> Result<Self, LoyaltyError> {
        self.iter().enumerate().try_for_each(|(row, spell)| spell.check(row)).map(|()| self)
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.days.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The spells one by one, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Spell> + Clone + use<'a> {
        let Self { days, ended, entered, .. } = *self;
        days.iter().zip(ended).enumerate().map(move |(row, (&days, &ended))| Spell {
            days,
            ended,
            entered: entered.and_then(|entered| entered.get(row)).copied().unwrap_or(0),
        })
    }

    /// A day that none lies above.
    pub(super) const fn bound(&self) -> i32 {
        self.bound
    }

    pub(super) const fn days(&self) -> &'a [i32] {
        self.days
    }

    pub(super) const fn ended(&self) -> &'a [bool] {
        self.ended
    }

    pub(super) const fn entered(&self) -> Option<&'a [i32]> {
        self.entered
    }

    /// Checks that a caller's column has a row for each spell.
    pub(super) fn fits(&self, column: &'static str, found: usize) -> Result<(), LoyaltyError> {
        let expected = self.len();
        if found == expected { Ok(()) } else { Err(LoyaltyError::ColumnLength { column, expected, found }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};

    #[test]
    fn refuses_what_is_no_spell() {
        assert_eq!(
            Spells::new(&[1, 2], &[true]).unwrap_err(),
            LoyaltyError::ColumnLength { column: "ended", expected: 2, found: 1 }
        );
        assert_eq!(
            Spells::new(&[1, LONGEST + 1, -1], &[true; 3]).unwrap_err(),
            LoyaltyError::TooLong { row: 1, days: LONGEST + 1, limit: LONGEST }
        );
        let spells = Spells::new(&[5, 5, 5], &[true; 3]).unwrap();
        for (entered, row) in [([0, 5, 0], 1), ([0, 0, -1], 2), ([6, 4, 4], 0)] {
            let refused = spells.entered_at(&entered).unwrap_err();
            assert_eq!(refused, LoyaltyError::EntryNotBefore { row, entered: entered[row], days: 5 });
        }
        assert!(spells.entered_at(&[0, 4, 1]).is_ok());
        assert!(Spell::ended(0).unwrap().entered_at(0).is_ok());
        let text = r#"{"days":-4,"ended":true,"entered":0}"#;
        assert!(serde_json::from_str::<Spell>(text).is_err());
    }

    #[test]
    fn silence_ends_a_spell_once() {
        let rule = SilenceRule::new(10).unwrap();
        assert_eq!(rule.spell([], 5), Ok(None));
        // A purchase on the tenth day comes too late, one on the ninth does not.
        assert_eq!(rule.spell([3, 13], 14), Ok(Some(Spell::ended(10).unwrap())));
        assert_eq!(rule.spell([3, 12], 14), Ok(Some(Spell::running(11).unwrap())));
        assert_eq!(rule.spell([3, 2], 14), Err(LoyaltyError::DaysOutOfOrder { place: 1, day: 2, before: 3 }));
        assert_eq!(rule.spell([3, 15], 14), Err(LoyaltyError::AfterAsOf { place: 1, day: 15, as_of: 14 }));
        assert!(matches!(rule.spell([i32::MIN], i32::MAX), Ok(Some(spell)) if spell.days() == 10));
        assert!(SilenceRule::new(0).is_err() && SilenceRule::new(-5).is_err());
        let mut history = PurchaseHistory::new(Currency::EUR);
        for (day, cents) in [(1, 20_00), (5, 20_00), (12, -20_00)] {
            let date = NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
            history.push_on(date, Money::new(cents, Currency::EUR)).unwrap();
        }
        let as_of = NaiveDate::from_ymd_opt(2026, 3, 20).unwrap();
        assert_eq!(rule.spell_of(&history, as_of), Ok(Some(Spell::ended(14).unwrap())));
    }
}
