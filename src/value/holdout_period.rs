use super::summary::day_number;
use super::{Horizon, TimeUnit};
use crate::validation::ValidationError;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Which days a model is fitted to and which are kept from it to judge it by: all up to the end of the calibration, and
/// those after it up to the end of the hold-out.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use patronage::value::{HoldoutPeriod, TimeUnit};
///
/// // As CDNOW is split in the literature.
/// let calibrated = NaiveDate::from_ymd_opt(1997, 9, 30).ok_or("no such day")?;
/// let end = NaiveDate::from_ymd_opt(1998, 6, 30).ok_or("no such day")?;
/// let period = HoldoutPeriod::new(calibrated, end)?;
/// assert_eq!((period.days(), period.length(TimeUnit::WEEK).length()), (273, 39.0));
/// assert!(HoldoutPeriod::new(end, calibrated).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct HoldoutPeriod {
    calibration_end: NaiveDate,
    end: NaiveDate,
}

#[derive(Deserialize)]
struct Fields {
    calibration_end: NaiveDate,
    end: NaiveDate,
}

impl TryFrom<Fields> for HoldoutPeriod {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.calibration_end, fields.end)
    }
}

impl HoldoutPeriod {
    /// The days after `calibration_end` up to and with `end`.
    ///
    /// # Errors
    /// [`ValidationError`] when the end is not after that of the calibration.
    pub fn new(calibration_end: NaiveDate, end: NaiveDate) -> Result<Self, ValidationError> {
        if calibration_end < end {
            Ok(Self { calibration_end, end })
        } else {
            let rule = "must be after the end of the calibration";
            Err(ValidationError::new("holdout_period.end", rule, end))
        }
    }

    /// The last day that models are fitted to.
    pub const fn calibration_end(&self) -> NaiveDate {
        self.calibration_end
    }

    /// The last day of the hold-out.
    pub const fn end(&self) -> NaiveDate {
        self.end
    }

    /// How many days are held out.
    pub fn days(&self) -> u32 {
        self.last_days().1.abs_diff(self.last_days().0)
    }

    /// How far a model has to look ahead.
    pub fn length(&self, unit: TimeUnit) -> Horizon {
        // Fewer days than chrono has, over a unit of at least 1e-15 of them.
        Horizon::trusted(f64::from(self.days()) / unit.days())
    }

    /// The last days of calibration and hold-out.
    pub(super) fn last_days(self) -> (i32, i32) {
        (day_number(self.calibration_end), day_number(self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_refuses_what_ends_before_it_begins() {
        let period = |end: &str| format!(r#"{{"calibration_end":"1997-09-30","end":"{end}"}}"#);
        let read: HoldoutPeriod = serde_json::from_str(&period("1998-06-30")).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), period("1998-06-30"));
        assert!(serde_json::from_str::<HoldoutPeriod>(&period("1997-09-30")).is_err());
    }
}
