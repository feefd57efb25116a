use super::{LoyaltyError, Relationship, Spell, Spells, SurvivalCurve, SurvivalOptions};
use serde::{Deserialize, Serialize};

/// Counts how long customers stayed, day by day: all that survival curves and their comparison need.
///
/// Counts are whole numbers, so that rows pushed in any order, and tables merged in any order, give the same table and
/// therefore the same curve to the last bit.
///
/// # Cost
/// Constant time a row; 16 bytes for each day of the longest spell.
///
/// # Example
/// ```
/// use patronage::loyalty::{Relationship, Spell, SurvivalOptions, SurvivalTable};
///
/// let mut table = SurvivalTable::new(Relationship::Contractual);
/// for days in [100, 200, 200, 300] {
///     table.push(Spell::ended(days)?);
/// }
/// table.push(Spell::running(250)?);
/// let curve = table.curve(&SurvivalOptions::default())?;
/// let kept = curve.survival_at(200).ok_or("not observed")?;
/// assert_eq!(format!("{kept:.3}"), "0.400 [0.052, 0.753] (95.0 %, n = 5)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct SurvivalTable {
    relationship: Relationship,
    /// For each day how many were last seen on it, then how many left on it.
    counts: Vec<u64>,
    /// For each day how many are known of since then; empty where all were from the beginning.
    entered: Vec<u64>,
}

#[derive(Deserialize)]
struct Fields {
    relationship: Relationship,
    counts: Vec<u64>,
    entered: Vec<u64>,
}

impl TryFrom<Fields> for SurvivalTable {
    type Error = LoyaltyError;

    fn try_from(Fields { relationship, counts, entered }: Fields) -> Result<Self, LoyaltyError> {
        let table = Self { relationship, counts, entered };
        // Nobody may come under observation who is not there, on any day.
        let mut all: Option<u64> = Some(0);
        for &count in table.counts.iter().chain(&table.entered) {
            all = all.and_then(|all| all.checked_add(count));
        }
        let mut under_observation = table.entered.iter().fold(0_u64, |sum, &count| sum.wrapping_add(count));
        let mut left = table.counts.iter().fold(0_u64, |sum, &count| sum.wrapping_add(count));
        let sound = all.is_some()
            && table.counts.len().is_multiple_of(2)
            && table.counts.chunks_exact(2).enumerate().all(|(day, seen)| {
                // Whoever enters on a day is there on the day after.
                left -= seen.iter().sum::<u64>();
                let enough = left >= under_observation;
                under_observation -= table.entered.get(day).copied().unwrap_or(0);
                enough
            })
            && under_observation == 0
            && table.entered.first().is_none_or(|&count| count == 0);
        if sound { Ok(table) } else { Err(LoyaltyError::Different { part: "numbers at risk" }) }
    }
}

/// What happened on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DayCount {
    /// How many were there when the day began.
    pub(super) at_risk: u64,
    /// How many of them left on it.
    pub(super) ended: u64,
}

impl SurvivalTable {
    /// A table without anybody, for customers who are bound as `relationship` says.
    pub const fn new(relationship: Relationship) -> Self {
        Self { relationship, counts: Vec::new(), entered: Vec::new() }
    }

    /// A table of many spells.
    pub fn from_columns(relationship: Relationship, spells: &Spells<'_>) -> Self {
        let mut table = Self::new(relationship);
        table.push_columns(spells);
        table
    }

    /// A table for each of several groups, for [`log_rank`](super::log_rank()).
    ///
    /// # Arguments
    /// For each spell the number of its group, from 0 to below `count`.
    ///
    /// # Errors
    /// [`LoyaltyError::ColumnLength`], [`LoyaltyError::UnknownGroup`] for the first such row.
    ///
    /// # Cost
    /// One sweep over the rows.
    pub fn by_group(
        relationship: Relationship,
        spells: &Spells<'_>,
        groups: &[u16],
        count: u16,
    ) -> Result<Vec<Self>, LoyaltyError> {
        spells.fits("group", groups.len())?;
        if groups.iter().copied().max().is_some_and(|most| most >= count) {
            let wrong = groups.iter().copied().enumerate().find(|&(_, group)| group >= count);
            let (row, group) = wrong.unwrap_or_default();
            return Err(LoyaltyError::UnknownGroup { row, group, groups: count });
        }
        // One block of counts for all groups, so that a row costs one look-up.
        let width = width_of(spells);
        let mut counts = vec![0_u64; width * usize::from(count)];
        for ((&days, &ended), &group) in spells.days().iter().zip(spells.ended()).zip(groups) {
            let slot = width * usize::from(group) + slot_of(days, ended);
            if let Some(count) = counts.get_mut(slot) {
                *count += 1;
            }
        }
        let mut tables: Vec<Self> = if width == 0 {
            vec![Self::new(relationship); usize::from(count)]
        } else {
            counts.chunks_exact(width).map(|counts| Self::trimmed(relationship, counts)).collect()
        };
        if let Some(entered) = spells.entered() {
            for (&day, &group) in entered.iter().zip(groups) {
                if let Some(table) = tables.get_mut(usize::from(group)) {
                    table.enter(day);
                }
            }
        }
        Ok(tables)
    }

    /// Takes in one spell.
    pub fn push(&mut self, spell: Spell) {
        let slot = slot_of(spell.days(), spell.is_ended());
        self.reach(slot | 1);
        if let Some(count) = self.counts.get_mut(slot) {
            *count += 1;
        }
        self.enter(spell.entered());
    }

    /// Takes in many spells: the same as pushing each.
    pub fn push_columns(&mut self, spells: &Spells<'_>) {
        if let Some(last) = width_of(spells).checked_sub(1) {
            self.reach(last);
        }
        let counts = self.counts.as_mut_slice();
        for (&days, &ended) in spells.days().iter().zip(spells.ended()) {
            if let Some(count) = counts.get_mut(slot_of(days, ended)) {
                // No table holds 2^64 rows; the check would cost as much as the count.
                *count = count.wrapping_add(1);
            }
        }
        self.counts.truncate(used(&self.counts));
        for &day in spells.entered().unwrap_or_default() {
            self.enter(day);
        }
    }

    /// Takes in everybody of another table.
    ///
    /// # Errors
    /// [`LoyaltyError::Different`] when the other one is of another relationship.
    pub fn merge(&mut self, other: &Self) -> Result<(), LoyaltyError> {
        if self.relationship != other.relationship {
            return Err(LoyaltyError::Different { part: "relationship" });
        }
        for (ours, theirs) in [(&mut self.counts, &other.counts), (&mut self.entered, &other.entered)] {
            if ours.len() < theirs.len() {
                ours.resize(theirs.len(), 0);
            }
            for (sum, count) in ours.iter_mut().zip(theirs) {
                *sum += count;
            }
        }
        Ok(())
    }

    /// What it means here that a customer is gone.
    pub const fn relationship(&self) -> Relationship {
        self.relationship
    }

    /// How many customers there are.
    pub fn len(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many of them left.
    pub fn ended(&self) -> u64 {
        self.counts.iter().skip(1).step_by(2).sum()
    }

    /// The share of customers that is still there, day by day: the Kaplan-Meier estimate.
    ///
    /// # Errors
    /// [`LoyaltyError::NoSpells`].
    pub fn curve(&self, options: &SurvivalOptions) -> Result<SurvivalCurve, LoyaltyError> {
        SurvivalCurve::of(self, options)
    }

    /// Every day from 0 to the last one observed.
    pub(super) fn days(&self) -> impl Iterator<Item = DayCount> {
        let mut left = self.len();
        let mut to_come: u64 = self.entered.iter().sum();
        let entered = self.entered.iter().copied().chain(std::iter::repeat(0));
        self.counts.chunks_exact(2).zip(entered).map(move |(seen, entered)| {
            let (running, ended) = match *seen {
                [running, ended] => (running, ended),
                _ => (0, 0),
            };
            let at_risk = left.saturating_sub(to_come);
            left -= running + ended;
            to_come -= entered;
            DayCount { at_risk, ended }
        })
    }

    fn trimmed(relationship: Relationship, counts: &[u64]) -> Self {
        Self {
            relationship,
            counts: counts.iter().take(used(counts)).copied().collect(),
            entered: Vec::new(),
        }
    }

    fn reach(&mut self, slot: usize) {
        if self.counts.len() <= slot {
            self.counts.resize(slot + 1, 0);
        }
    }

    fn enter(&mut self, day: i32) {
        if day <= 0 {
            return;
        }
        let day = day.unsigned_abs() as usize;
        if self.entered.len() <= day {
            self.entered.resize(day + 1, 0);
        }
        if let Some(count) = self.entered.get_mut(day) {
            *count += 1;
        }
    }
}

/// Where a row is counted. Days are checked to be from 0 to a million, so that no bit is lost.
fn slot_of(days: i32, ended: bool) -> usize {
    (days.unsigned_abs() << 1 | u32::from(ended)) as usize
}

/// How many counts are enough for spells.
fn width_of(spells: &Spells<'_>) -> usize {
    if spells.is_empty() { 0 } else { slot_of(spells.bound(), true) + 1 }
}

/// How many counts there are up to the last day with anybody.
fn used(counts: &[u64]) -> usize {
    counts.iter().rposition(|&count| count > 0).map_or(0, |last| (last | 1) + 1)
}
