use crate::purchase::PurchaseHistory;
use crate::validation::ValidationError;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What RFM knows of one customer: how long ago, how often, and for how much they bought. 16 bytes.
///
/// # Example
/// ```
/// use patronage::segment::RfmRow;
///
/// let row = RfmRow::new(205, 6, 472_00)?;
/// assert_eq!(row.recency_days(), 205);
/// assert!(RfmRow::new(-1, 6, 472_00).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct RfmRow {
    recency_days: i32,
    purchases: u32,
    spend_minor: i64,
}

#[derive(Deserialize)]
struct Fields {
    recency_days: i32,
    purchases: u32,
    spend_minor: i64,
}

impl TryFrom<Fields> for RfmRow {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.recency_days, fields.purchases, fields.spend_minor)
    }
}

impl RfmRow {
    /// A customer who last bought `recency_days` calendar days ago, `purchases` times in all, for `spend_minor` minor
    /// units of money. Spend may be negative: returns of goods can outweigh purchases.
    ///
    /// # Errors
    /// [`ValidationError`] when the recency is negative: a purchase would lie in the future.
    pub fn new(recency_days: i32, purchases: u32, spend_minor: i64) -> Result<Self, ValidationError> {
        if recency_days < 0 {
            let rule = "must not be negative: a purchase lies in the future";
            return Err(ValidationError::new("recency_days", rule, recency_days));
        }
        Ok(Self { recency_days, purchases, spend_minor })
    }

    /// Sums up a history as seen on the day `as_of`: the calendar days since the last day with a purchase, the number of
    /// days with a purchase, and the net spend of all days. `None` for someone who never bought.
    ///
    /// Days are those of the history: by UTC or by the business's own time zone, as they were pushed, and `as_of` is a
    /// date of the same zone. Several purchases of one day count once. Goods returned lower the spend but are no
    /// purchase, neither for recency nor for frequency.
    ///
    /// # Errors
    /// [`ValidationError`] when the history goes on after `as_of`.
    ///
    /// # Cost
    /// O(days), no allocation.
    ///
    /// # Example
    /// ```
    /// use chrono::NaiveDate;
    /// use patronage::purchase::PurchaseHistory;
    /// use patronage::segment::RfmRow;
    /// use patronage::{Currency, Money};
    ///
    /// let march = |day| NaiveDate::from_ymd_opt(2026, 3, day).ok_or("no such day");
    /// let mut history = PurchaseHistory::new(Currency::EUR);
    /// for (day, cents) in [(1, 20_00), (1, 5_00), (10, 30_00), (12, -10_00)] {
    ///     history.push_on(march(day)?, Money::new(cents, Currency::EUR))?;
    /// }
    /// assert_eq!(RfmRow::from_history(&history, march(31)?)?, Some(RfmRow::new(21, 2, 45_00)?));
    /// assert!(RfmRow::from_history(&history, march(11)?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_history(
        history: &PurchaseHistory,
        as_of: NaiveDate,
    ) -> Result<Option<Self>, ValidationError> {
        let today = as_of.signed_duration_since(NaiveDate::default()).num_days();
        let age = |day: i32| today - i64::from(day);
        let refuse = |rule, days| ValidationError::new("recency_days", rule, days);
        if let Some(day) = history.days().last().filter(|last| age(last.day) < 0) {
            return Err(refuse("must not be negative: the history goes on after `as_of`", age(day.day)));
        }
        let bought = history.days().iter().filter(|day| day.purchases > 0);
        let Some(last) = bought.clone().next_back() else { return Ok(None) };
        let recency_days = i32::try_from(age(last.day))
            .map_err(|_| refuse("must be at most 2,147,483,647 days", age(last.day)))?;
        // A history holds no more purchases than fit into 32 bits, and so no more days.
        let purchases = u32::try_from(bought.count()).unwrap_or(u32::MAX);
        Ok(Some(Self { recency_days, purchases, spend_minor: history.spend().minor() }))
    }

    /// A row of columns that were checked before.
    pub(super) const fn checked(recency_days: i32, purchases: u32, spend_minor: i64) -> Self {
        Self { recency_days, purchases, spend_minor }
    }

    /// Calendar days since the last purchase.
    pub const fn recency_days(self) -> i32 {
        self.recency_days
    }

    /// How often the customer bought.
    pub const fn purchases(self) -> u32 {
        self.purchases
    }

    /// For how much, in minor units of one currency.
    pub const fn spend_minor(self) -> i64 {
        self.spend_minor
    }
}
