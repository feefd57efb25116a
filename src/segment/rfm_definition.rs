use super::RfmRow;
use crate::purchase::day_in;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What is counted as one purchase.
    "rfm_frequency" RfmFrequency {
        /// Days with a purchase: several on one day are one occasion, as the value models count.
        Days = "days",
        /// Invoices, baskets or orders.
        Invoices = "invoices",
        /// Lines of invoices.
        Lines = "lines",
    }
}

vocabulary! {
    /// What is meant by monetary value.
    "rfm_monetary" RfmMonetary {
        /// All that was spent.
        Total = "total",
        /// What was spent divided by the frequency, rounded down to a whole minor unit.
        Average = "average",
    }
}

vocabulary! {
    /// What becomes of negative amounts: returned goods, cancelled invoices.
    "rfm_returns" RfmReturns {
        /// They lower the spend, but are no purchase and undo none.
        Net = "net",
        /// They are left out: what counts is what was bought.
        Ignore = "ignore",
        /// There must be none; one is an error.
        Refuse = "refuse",
    }
}

/// One line of an invoice, for RFM. 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RfmLine {
    /// A number of the invoice of your own; lines of one invoice share it.
    pub invoice: u64,
    /// The calendar day, as days since 1970-01-01 by the clock of the business.
    pub day: i32,
    /// The amount in minor units of one currency; negative for a return.
    pub amount_minor: i64,
}

impl RfmLine {
    /// A line of an instant, on its calendar day in the time zone of the business.
    ///
    /// # Example
    /// ```
    /// use chrono::{FixedOffset, Utc};
    /// use patronage::segment::RfmLine;
    ///
    /// let (at, tokyo) = ("1970-01-02T20:00:00Z".parse()?, FixedOffset::east_opt(9 * 3600).ok_or("no such offset")?);
    /// assert_eq!(RfmLine::at(at, &Utc, 7, 9_95).day, 1);
    /// assert_eq!(RfmLine::at(at, &tokyo, 7, 9_95).day, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(at: DateTime<Utc>, zone: &impl TimeZone, invoice: u64, amount_minor: i64) -> Self {
        Self { invoice, day: day_in(at, zone), amount_minor }
    }
}

/// The time zone of the business by its name.
///
/// # Errors
/// [`ValidationError`] when there is no zone of that name.
///
/// # Example
/// ```
/// use patronage::segment::{RfmLine, business_zone};
///
/// let zone = business_zone("Australia/Sydney")?;
/// assert_eq!(RfmLine::at("1970-01-02T20:00:00Z".parse()?, &zone, 7, 9_95).day, 2);
/// let refused = business_zone("Europe/Nowhere").unwrap_err();
/// assert_eq!(refused.to_string(), "zone: must be the name of a time zone, got `Europe/Nowhere`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "chrono-tz")]
pub fn business_zone(name: &str) -> Result<chrono_tz::Tz, ValidationError> {
    crate::zone::zone_named(name)
}

/// What recency, frequency and monetary value are to mean, so that two reports can be told apart.
///
/// The default counts invoices and net totals. JSON form:
/// `{"frequency":"invoices","monetary":"total","returns":"net"}`; what is left out is as in the default.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use patronage::segment::{RfmDefinition, RfmFrequency, RfmLine, RfmMonetary, RfmReturns, RfmRow};
///
/// // Two lines of one invoice, another invoice on the same day, and a return.
/// let line = |invoice, day, amount_minor| RfmLine { invoice, day, amount_minor };
/// let lines = [line(1, 0, 8_00), line(1, 0, 4_00), line(2, 0, 6_00), line(3, 5, -2_00)];
/// let as_of = NaiveDate::from_ymd_opt(1970, 1, 11).ok_or("no such day")?;
///
/// let plain = RfmDefinition::default();
/// assert_eq!(plain.row(lines, as_of)?, Some(RfmRow::new(10, 2, 16_00)?));
/// let by_line = RfmDefinition { frequency: RfmFrequency::Lines, ..plain };
/// assert_eq!(by_line.row(lines, as_of)?.map(|row| row.purchases()), Some(3));
/// let by_day = RfmDefinition { frequency: RfmFrequency::Days, monetary: RfmMonetary::Average, returns: RfmReturns::Ignore };
/// assert_eq!(by_day.row(lines, as_of)?, Some(RfmRow::new(10, 1, 18_00)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RfmDefinition {
    /// What is counted as one purchase.
    pub frequency: RfmFrequency,
    /// What is meant by monetary value.
    pub monetary: RfmMonetary,
    /// What becomes of negative amounts.
    pub returns: RfmReturns,
}

impl Default for RfmDefinition {
    fn default() -> Self {
        Self { frequency: RfmFrequency::Invoices, monetary: RfmMonetary::Total, returns: RfmReturns::Net }
    }
}

impl RfmDefinition {
    /// Sums up the lines of one customer, in any order, as seen on the day `as_of` of the same clock. `None` for someone
    /// who never bought. An amount of zero is a purchase; leave samples and gifts out if they are none to you.
    ///
    /// # Errors
    /// [`ValidationError`] when a line lies after `as_of`, a negative amount is to be refused, or the spend does not fit
    /// into 64 bits. It names the line, counted from 0.
    ///
    /// # Cost
    /// O(lines log lines); 8 bytes a line.
    pub fn row(
        &self,
        lines: impl IntoIterator<Item = RfmLine>,
        as_of: NaiveDate,
    ) -> Result<Option<RfmRow>, ValidationError> {
        let today = as_of.signed_duration_since(NaiveDate::default()).num_days();
        let (mut occasions, mut spend, mut last) = (Vec::new(), 0_i128, None);
        for (place, line) in lines.into_iter().enumerate() {
            if i64::from(line.day) > today {
                let shown = format!("line {place} of day {}", line.day);
                return Err(ValidationError::new("rfm_line.day", "must not be after `as_of`", shown));
            }
            if line.amount_minor < 0 {
                match self.returns {
                    RfmReturns::Net => spend += i128::from(line.amount_minor),
                    RfmReturns::Ignore => {}
                    RfmReturns::Refuse => {
                        let shown = format!("line {place} of {}", line.amount_minor);
                        let rule = "must not be negative: returns are refused";
                        return Err(ValidationError::new("rfm_line.amount_minor", rule, shown));
                    }
                }
                continue;
            }
            spend += i128::from(line.amount_minor);
            last = last.max(Some(line.day));
            occasions.push(match self.frequency {
                RfmFrequency::Days => u64::from(line.day.cast_unsigned()),
                RfmFrequency::Invoices => line.invoice,
                RfmFrequency::Lines => u64::try_from(place).unwrap_or(u64::MAX),
            });
        }
        let Some(last) = last else { return Ok(None) };
        occasions.sort_unstable();
        occasions.dedup();
        let purchases = u32::try_from(occasions.len()).map_err(|_| {
            ValidationError::new("rfm_row.purchases", "must be at most 4,294,967,295", occasions.len())
        })?;
        let spend = match self.monetary {
            RfmMonetary::Total => spend,
            RfmMonetary::Average => spend.div_euclid(i128::from(purchases.max(1))),
        };
        let spend = i64::try_from(spend)
            .map_err(|_| ValidationError::new("rfm_row.spend_minor", "must fit into 64 bits", spend))?;
        let recency_days = i32::try_from(today - i64::from(last)).map_err(|_| {
            ValidationError::new(
                "recency_days",
                "must be at most 2,147,483,647 days",
                today - i64::from(last),
            )
        })?;
        RfmRow::new(recency_days, purchases, spend).map(Some)
    }
}
