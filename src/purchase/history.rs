use super::Purchase;
use crate::money::{Currency, Money, MoneyError};
use crate::period::day_number;
use crate::validation::ValidationError;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a customer bought on one calendar day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PurchaseDay {
    /// Days since 1970-01-01.
    pub day: i32,
    /// How many purchases; 0 where goods were only returned.
    pub purchases: u32,
    /// Net spend of the day in minor units: purchases less returns.
    pub spend_minor: i64,
}

/// The buying of one customer, day by day: all that segments and value models need to know.
///
/// Purchases of one day are one occasion (Fader, Hardie and Lee 2005); days with returns only count no purchase but
/// lower the spend. The order of `push` and `merge` never matters: `merge` is associative and commutative, so
/// histories are built per thread, per shard, or one event at a time, with equal results. A purchase pushed twice
/// counts twice; stores keep that from happening.
///
/// # Cost
/// 16 bytes a day. `push` takes constant time for purchases in order of time, and O(days) otherwise.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use patronage::{Currency, Money};
/// use patronage::purchase::PurchaseHistory;
///
/// let mut history = PurchaseHistory::new(Currency::USD);
/// for (day, cents) in [(18, 2973), (1, 2933), (18, 500)] {
///     let date = NaiveDate::from_ymd_opt(1997, 1, day).ok_or("no such day")?;
///     history.push_on(date, Money::new(cents, Currency::USD))?;
/// }
/// assert_eq!(history.days().len(), 2);
/// assert_eq!(history.spend(), Money::new(6406, Currency::USD));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: P. Fader, B. Hardie, K. L. Lee, "Counting your customers the easy way", Marketing Science 24 (2005).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct PurchaseHistory {
    currency: Currency,
    days: Vec<PurchaseDay>,
}

#[derive(Deserialize)]
struct Fields {
    currency: Currency,
    days: Vec<PurchaseDay>,
}

impl TryFrom<Fields> for PurchaseHistory {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        if !fields.days.is_sorted_by(|a, b| a.day < b.day) {
            let rule = "must ascend, each day once";
            return Err(ValidationError::new("purchase_history.days", rule, "a later day first"));
        }
        let total: i128 = fields.days.iter().map(|day| i128::from(day.spend_minor)).sum();
        let purchases: u64 = fields.days.iter().map(|day| u64::from(day.purchases)).sum();
        if i64::try_from(total).is_err() || u32::try_from(purchases).is_err() {
            return Err(ValidationError::new("purchase_history", "must add up within range", total));
        }
        Ok(Self { currency: fields.currency, days: fields.days })
    }
}

impl PurchaseHistory {
    /// The history of someone who has not bought yet, in the currency they will.
    pub const fn new(currency: Currency) -> Self {
        Self { currency, days: Vec::new() }
    }

    /// The history of purchases in any order, by their days in UTC.
    ///
    /// # Errors
    /// [`MoneyError`] when currencies differ or the spend does not fit into 64 bits.
    pub fn from_purchases<'a>(
        currency: Currency,
        purchases: impl IntoIterator<Item = &'a Purchase>,
    ) -> Result<Self, MoneyError> {
        let mut history = Self::new(currency);
        for purchase in purchases {
            history.push(purchase)?;
        }
        Ok(history)
    }

    /// Adds a purchase on its day in UTC.
    ///
    /// # Errors
    /// [`MoneyError`] when the currency differs or the spend would not fit into 64 bits; the history is unchanged.
    pub fn push(&mut self, purchase: &Purchase) -> Result<(), MoneyError> {
        self.add(day_number(purchase.at()), purchase.amount())
    }

    /// Adds a purchase on a calendar day of your own time zone.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_on(&mut self, date: NaiveDate, amount: Money) -> Result<(), MoneyError> {
        // A date of chrono lies within a hundred million days of the epoch.
        let day = date.signed_duration_since(NaiveDate::default()).num_days();
        self.add(i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX }), amount)
    }

    pub(super) fn add(&mut self, day: i32, amount: Money) -> Result<(), MoneyError> {
        if amount.currency() != self.currency {
            return Err(MoneyError::CurrencyMismatch { left: self.currency, right: amount.currency() });
        }
        self.spend().checked_add(amount)?;
        let new =
            PurchaseDay { day, purchases: u32::from(!amount.is_negative()), spend_minor: amount.minor() };
        match self.days.last_mut() {
            Some(last) if last.day == day => self.join(self.days.len() - 1, new),
            Some(last) if last.day > day => match self.days.binary_search_by_key(&day, |known| known.day) {
                Ok(found) => self.join(found, new),
                Err(place) => {
                    self.days.insert(place, new);
                    Ok(())
                }
            },
            _ => {
                self.days.push(new);
                Ok(())
            }
        }
    }

    fn join(&mut self, index: usize, new: PurchaseDay) -> Result<(), MoneyError> {
        let overflow = MoneyError::Overflow { currency: self.currency };
        let known = self.days.get_mut(index).ok_or(overflow)?;
        *known = joined(*known, new).ok_or(overflow)?;
        Ok(())
    }

    /// Adds the purchases of another history of the same customer.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    ///
    /// # Cost
    /// O(days of both), one allocation.
    pub fn merge(&mut self, other: &Self) -> Result<(), MoneyError> {
        self.spend().checked_add(other.spend())?;
        let overflow = MoneyError::Overflow { currency: self.currency };
        let mut merged = Vec::with_capacity(self.days.len() + other.days.len());
        let mut theirs = other.days.iter().copied().peekable();
        for ours in self.days.iter().copied() {
            while let Some(earlier) = theirs.next_if(|day| day.day < ours.day) {
                merged.push(earlier);
            }
            match theirs.next_if(|day| day.day == ours.day) {
                Some(same) => merged.push(joined(ours, same).ok_or(overflow)?),
                None => merged.push(ours),
            }
        }
        merged.extend(theirs);
        self.days = merged;
        Ok(())
    }

    /// The currency of every amount in the history.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The days with purchases or returns, ascending, each once.
    pub fn days(&self) -> &[PurchaseDay] {
        &self.days
    }

    /// The net spend of the whole history.
    pub fn spend(&self) -> Money {
        // Every change keeps the total within 64 bits.
        Money::new(self.days.iter().map(|day| day.spend_minor).fold(0, i64::wrapping_add), self.currency)
    }
}

fn joined(a: PurchaseDay, b: PurchaseDay) -> Option<PurchaseDay> {
    Some(PurchaseDay {
        day: a.day,
        purchases: a.purchases.checked_add(b.purchases)?,
        spend_minor: a.spend_minor.checked_add(b.spend_minor)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events() -> impl Strategy<Value = Vec<(i32, i64)>> {
        prop::collection::vec((0_i32..30, -500_i64..5000), 0..40)
    }

    fn history(events: &[(i32, i64)]) -> PurchaseHistory {
        let mut history = PurchaseHistory::new(Currency::EUR);
        for &(day, minor) in events {
            history.add(day, Money::new(minor, Currency::EUR)).unwrap();
        }
        history
    }

    fn merged(a: &PurchaseHistory, b: &PurchaseHistory) -> PurchaseHistory {
        let mut merged = a.clone();
        merged.merge(b).unwrap();
        merged
    }

    proptest! {
        #[test]
        fn order_never_matters((ordered, shuffled) in events().prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle()))) {
            prop_assert_eq!(history(&ordered), history(&shuffled));
        }

        #[test]
        fn merge_is_associative_commutative_and_equals_pushing(a in events(), b in events(), c in events()) {
            let (x, y, z) = (history(&a), history(&b), history(&c));
            prop_assert_eq!(merged(&merged(&x, &y), &z), merged(&x, &merged(&y, &z)));
            prop_assert_eq!(merged(&x, &y), merged(&y, &x));
            let all: Vec<_> = a.into_iter().chain(b).collect();
            prop_assert_eq!(merged(&x, &y), history(&all));
        }

        #[test]
        fn serde_round_trips(a in events()) {
            let history = history(&a);
            let json = serde_json::to_string(&history).unwrap();
            prop_assert_eq!(serde_json::from_str::<PurchaseHistory>(&json).unwrap(), history);
        }
    }

    #[test]
    fn refusals_leave_the_history_unchanged() {
        let mut full = history(&[(1, i64::MAX)]);
        let before = full.clone();
        assert!(full.add(1, Money::new(1, Currency::EUR)).is_err());
        assert!(full.add(2, Money::new(1, Currency::EUR)).is_err());
        assert!(full.add(2, Money::new(1, Currency::USD)).is_err());
        assert!(full.merge(&history(&[(9, 1)])).is_err());
        assert!(full.merge(&PurchaseHistory::new(Currency::USD)).is_err());
        assert_eq!(full, before);
    }

    #[test]
    fn reading_refuses_days_out_of_order() {
        let day = r#"{"day":1,"purchases":1,"spend_minor":5}"#;
        let text = format!(r#"{{"currency":"EUR","days":[{day},{day}]}}"#);
        assert!(serde_json::from_str::<PurchaseHistory>(&text).is_err());
    }
}
