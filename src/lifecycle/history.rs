use super::{LifecycleStage, StageReason};
use crate::period;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One entry of a customer's lifecycle: from when they were in a stage, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct StageChange {
    to: LifecycleStage,
    at: DateTime<Utc>,
    reason: StageReason,
}

#[derive(Deserialize)]
struct Fields {
    to: LifecycleStage,
    at: DateTime<Utc>,
    reason: StageReason,
}

impl TryFrom<Fields> for StageChange {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.to, fields.at, fields.reason)
    }
}

impl StageChange {
    /// A move to a stage. Whether it is legal depends on the history it joins.
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999.
    pub fn new(to: LifecycleStage, at: DateTime<Utc>, reason: StageReason) -> Result<Self, ValidationError> {
        Ok(Self { to, at: period::instant("stage_change.at", at)?, reason })
    }

    /// The stage moved to.
    pub const fn to(&self) -> LifecycleStage {
        self.to
    }

    /// Since when.
    pub const fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Why.
    pub const fn reason(&self) -> StageReason {
        self.reason
    }
}

/// The stages a customer went through, in order, each move legal and with its reason.
///
/// Entries are appended, never edited: a mistake is mended by an entry with [`StageReason::Correction`].
///
/// # Example
/// ```
/// use patronage::lifecycle::{LifecycleHistory, LifecycleStage, StageChange, StageReason};
///
/// let mut history = LifecycleHistory::new();
/// for (stage, at) in [
///     (LifecycleStage::Consideration, "2026-01-01T00:00:00Z"),
///     (LifecycleStage::Purchase, "2026-01-05T00:00:00Z"),
///     (LifecycleStage::Existing, "2026-02-01T00:00:00Z"),
/// ] {
///     history.push(StageChange::new(stage, at.parse()?, StageReason::Observed)?)?;
/// }
/// assert_eq!(history.stage_at("2026-01-20T00:00:00Z".parse()?), Some(LifecycleStage::Purchase));
///
/// let back = StageChange::new(LifecycleStage::Awareness, "2026-03-01T00:00:00Z".parse()?, StageReason::Observed)?;
/// assert!(history.push(back).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<StageChange>", into = "Vec<StageChange>")]
pub struct LifecycleHistory {
    entries: Vec<StageChange>,
}

impl From<LifecycleHistory> for Vec<StageChange> {
    fn from(history: LifecycleHistory) -> Self {
        history.entries
    }
}

impl TryFrom<Vec<StageChange>> for LifecycleHistory {
    type Error = ValidationError;

    fn try_from(entries: Vec<StageChange>) -> Result<Self, ValidationError> {
        let mut history = Self::new();
        for entry in entries {
            history.push(entry)?;
        }
        Ok(history)
    }
}

impl LifecycleHistory {
    /// The history of someone not heard of yet.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Appends a move.
    ///
    /// # Errors
    /// [`ValidationError`] when the move is earlier than the last one, is not in the table of
    /// [`LifecycleStage::next`], is a correction to the same stage, or when the first entry is later than purchase
    /// without being imported.
    pub fn push(&mut self, change: StageChange) -> Result<(), ValidationError> {
        let Some(last) = self.entries.last() else {
            let first_sight = matches!(
                change.to,
                LifecycleStage::Awareness | LifecycleStage::Consideration | LifecycleStage::Purchase
            );
            if !first_sight && change.reason != StageReason::Imported {
                let rule = "must begin with awareness, consideration or purchase, or be imported";
                return Err(ValidationError::new("lifecycle", rule, change.to));
            }
            self.entries.push(change);
            return Ok(());
        };
        let shown = || format!("{} -> {}", last.to, change.to);
        if change.at < last.at {
            return Err(ValidationError::new("lifecycle", "must not go back in time", change.at));
        }
        let legal = match change.reason {
            StageReason::Imported => {
                return Err(ValidationError::new(
                    "lifecycle",
                    "must be imported only as the first entry",
                    shown(),
                ));
            }
            StageReason::Correction => last.to != change.to,
            _ => last.to.may_become(change.to),
        };
        if !legal {
            return Err(ValidationError::new("lifecycle", "must be a legal move", shown()));
        }
        self.entries.push(change);
        Ok(())
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> &[StageChange] {
        &self.entries
    }

    /// The stage the customer is in now; `None` before the first entry.
    pub fn stage(&self) -> Option<LifecycleStage> {
        self.entries.last().map(|entry| entry.to)
    }

    /// The stage at an instant; `None` before the first entry. Cost: O(log n).
    pub fn stage_at(&self, at: DateTime<Utc>) -> Option<LifecycleStage> {
        let entered = self.entries.partition_point(|entry| entry.at <= at);
        entered.checked_sub(1).and_then(|last| self.entries.get(last)).map(|entry| entry.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn every_pair_of_stages_follows_the_table() {
        for &from in LifecycleStage::ALL {
            for &to in LifecycleStage::ALL {
                let mut history = LifecycleHistory::new();
                history.push(StageChange::new(from, at(0), StageReason::Imported).unwrap()).unwrap();
                let moved = history.push(StageChange::new(to, at(1), StageReason::Observed).unwrap());
                assert_eq!(moved.is_ok(), from.next().contains(&to), "{from} -> {to}");
                let corrected =
                    history.clone().push(StageChange::new(from, at(2), StageReason::Correction).unwrap());
                assert_eq!(corrected.is_ok(), history.stage() != Some(from), "correction {from}");
            }
        }
    }

    #[test]
    fn refuses_time_going_back_and_a_late_import() {
        let mut history = LifecycleHistory::new();
        assert!(
            history
                .push(StageChange::new(LifecycleStage::Former, at(5), StageReason::Observed).unwrap())
                .is_err()
        );
        history
            .push(StageChange::new(LifecycleStage::Awareness, at(5), StageReason::Observed).unwrap())
            .unwrap();
        let early = StageChange::new(LifecycleStage::Consideration, at(4), StageReason::Observed).unwrap();
        assert!(history.push(early).is_err());
        let import = StageChange::new(LifecycleStage::Consideration, at(6), StageReason::Imported).unwrap();
        assert!(history.push(import).is_err());
        assert_eq!(history.stage_at(at(4)), None);
    }

    #[test]
    fn reading_checks_every_move() {
        let json = r#"[{"to":"awareness","at":"2026-01-01T00:00:00Z","reason":"observed"},
                       {"to":"former","at":"2026-01-02T00:00:00Z","reason":"observed"}]"#;
        assert!(serde_json::from_str::<LifecycleHistory>(json).is_err());
    }
}
