use super::{RfmColumns, RfmError};
use serde::{Deserialize, Serialize};

/// How much must be known before scores are worth anything.
///
/// Fifths of a handful of customers say little: where break points are found again from 100 customers drawn anew, 13 %
/// of them change their segment, and 5 % of 500. The default asks for 500 customers, 180 days of history, and a purchase
/// within the last 30 days, which are the conditions that Klaviyo publishes.
///
/// JSON form: `{"customers":500,"history_days":180,"recent_days":30}`.
///
/// # Example
/// ```
/// use patronage::segment::{RfmColumns, RfmError, RfmGate};
///
/// let columns = RfmColumns::new(&[3, 40], &[9, 4], &[90_00, 35_00])?;
/// let refused = RfmGate::default().check(columns, 400).unwrap_err();
/// assert_eq!(refused, RfmError::TooFew { need: 500, have: 2 });
/// assert!(RfmGate { customers: 2, ..RfmGate::default() }.check(columns, 400).is_ok());
/// # Ok::<(), RfmError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RfmGate {
    /// The least number of customers.
    pub customers: usize,
    /// The least number of days from the first purchase of all to the day of the analysis.
    pub history_days: u32,
    /// Within how many days somebody must have bought.
    pub recent_days: u32,
}

impl Default for RfmGate {
    fn default() -> Self {
        Self { customers: 500, history_days: 180, recent_days: 30 }
    }
}

impl RfmGate {
    /// Checks customers, given how many days of history there are.
    ///
    /// # Errors
    /// [`RfmError::TooFew`], [`RfmError::ShortHistory`] or [`RfmError::NothingRecent`], each with need and have.
    pub fn check(&self, columns: RfmColumns<'_>, history_days: u32) -> Result<(), RfmError> {
        if columns.len() < self.customers {
            return Err(RfmError::TooFew { need: self.customers, have: columns.len() });
        }
        if history_days < self.history_days {
            return Err(RfmError::ShortHistory { need: self.history_days, have: history_days });
        }
        match columns.recency_days().iter().min() {
            Some(&last) if i64::from(last) > i64::from(self.recent_days) => {
                Err(RfmError::NothingRecent { within: self.recent_days, last })
            }
            _ => Ok(()),
        }
    }
}
