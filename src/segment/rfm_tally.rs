use super::{RfmColumns, RfmError};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::hint::black_box;

/// Rows whose customers are fetched from memory together.
const AT_ONCE: usize = 64;

/// Sums up purchases for RFM as they come, for customers numbered from 0: the last day, how many, for how much.
///
/// It counts as [`RfmDefinition`](super::RfmDefinition) does with lines, totals and net returns: each amount of zero or
/// more is a purchase, a negative one lowers the spend and is none. Where several rows make one purchase, sum them up
/// before, or use [`RfmDefinition::row`](super::RfmDefinition::row). Tallies of parts of the rows, of threads or of
/// months, [`merge`](Self::merge) to the tally of all, in any order.
///
/// # Cost
/// 16 bytes a customer; O(1) a purchase, mostly the wait for the customer's place in memory.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use patronage::segment::{RfmBreaks, RfmTally};
///
/// let mut tally = RfmTally::new(3);
/// tally.extend(&[0, 2, 0], &[10, 12, 31], &[20_00, 5_00, 30_00])?;
/// tally.push(2, 40, -1_00)?; // goods returned
///
/// let day = |month, day| NaiveDate::from_ymd_opt(1970, month, day).ok_or("no such day");
/// let summaries = tally.on(day(3, 1)?)?;
/// assert_eq!(summaries.customers(), [0, 2]);
/// assert_eq!(summaries.columns().recency_days(), [28, 47]);
/// assert_eq!(summaries.columns().spend_minor(), [50_00, 4_00]);
/// let breaks = RfmBreaks::from_columns(summaries.columns(), &mut Vec::new())?;
/// assert_eq!(breaks.spend_minor(), [13_20, 22_40, 31_60, 40_80]);
///
/// let refused = tally.on(day(2, 1)?).unwrap_err();
/// assert_eq!(refused.to_string(), "rows go to day 40, after day 31 from which recency is counted");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RfmTally {
    sums: Vec<Sums>,
    /// The latest day of all rows, returns too.
    last_day: Option<i32>,
}

/// Of one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sums {
    spend_minor: i64,
    /// Before all days where there is no purchase: a branch on that would be guessed wrong too often.
    last_day: i32,
    purchases: u32,
}

impl Sums {
    const NONE: Self = Self { spend_minor: 0, last_day: i32::MIN, purchases: 0 };

    /// One row more; `None` when a sum does not fit.
    fn with(self, day: i32, amount_minor: i64) -> Option<Self> {
        let spend_minor = self.spend_minor.checked_add(amount_minor)?;
        if amount_minor < 0 {
            return Some(Self { spend_minor, ..self });
        }
        let purchases = self.purchases.checked_add(1)?;
        Some(Self { spend_minor, last_day: self.last_day.max(day), purchases })
    }

    fn merged(self, other: Self) -> Option<Self> {
        Some(Self {
            spend_minor: self.spend_minor.checked_add(other.spend_minor)?,
            last_day: self.last_day.max(other.last_day),
            purchases: self.purchases.checked_add(other.purchases)?,
        })
    }
}

impl RfmTally {
    /// A tally of the customers 0 to `customers` - 1, who have not bought yet.
    pub fn new(customers: u32) -> Self {
        Self { sums: vec![Sums::NONE; place(customers)], last_day: None }
    }

    /// Adds one row.
    ///
    /// # Arguments
    /// - `customer`: below the number of customers.
    /// - `day`: days since 1970-01-01 by the clock of the business; see [`day_in`](crate::purchase::day_in).
    /// - `amount_minor`: in minor units of one currency; negative for a return.
    ///
    /// # Errors
    /// [`RfmError::UnknownCustomer`] for a number that is too high, [`RfmError::TooLarge`] when the spend does not fit
    /// into 64 bits or the purchases into 32. Nothing has changed then. The row is called 0.
    pub fn push(&mut self, customer: u32, day: i32, amount_minor: i64) -> Result<(), RfmError> {
        self.extend(&[customer], &[day], &[amount_minor])
    }

    /// Adds many rows, as [`push`](Self::push) does one after the other.
    ///
    /// # Errors
    /// [`RfmError::ColumnLength`] when the columns differ in length, else as [`push`](Self::push), naming the row. The
    /// rows before the refused one are in the tally then, it and those after it are not: mend it and go on from there.
    pub fn extend(&mut self, customer: &[u32], day: &[i32], amount_minor: &[i64]) -> Result<(), RfmError> {
        let expected = customer.len();
        for (column, found) in [("day", day.len()), ("amount_minor", amount_minor.len())] {
            if found != expected {
                return Err(RfmError::ColumnLength { column, expected, found });
            }
        }
        let mut refused = None;
        let rows = customer.chunks(AT_ONCE).zip(day.chunks(AT_ONCE)).zip(amount_minor.chunks(AT_ONCE));
        'rows: for (chunk, ((customer, day), amount_minor)) in rows.enumerate() {
            // Looking at all places first has their memory fetched together, not one after the other.
            black_box(
                customer
                    .iter()
                    .filter_map(|&customer| self.sums.get(place(customer)))
                    .fold(0, |purchases, sums| purchases | sums.purchases),
            );
            let rows = customer.iter().zip(day).zip(amount_minor);
            for (row, ((&customer, &day), &amount_minor)) in (chunk * AT_ONCE..).zip(rows) {
                let Some(sums) = self.sums.get_mut(place(customer)) else {
                    refused = Some((row, RfmError::UnknownCustomer { row, customer }));
                    break 'rows;
                };
                let Some(with) = sums.with(day, amount_minor) else {
                    refused = Some((row, RfmError::TooLarge { customer }));
                    break 'rows;
                };
                *sums = with;
            }
        }
        let taken = refused.map_or(expected, |(row, _)| row);
        self.last_day = self.last_day.max(day.iter().take(taken).copied().max());
        refused.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Adds another tally: the result is that of all rows of both. The order of merging does not matter.
    ///
    /// # Errors
    /// [`RfmError::TooLarge`] when a sum does not fit; nothing has changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), RfmError> {
        let both = self.sums.iter().zip(&other.sums);
        let merged: Result<Vec<Sums>, RfmError> = both
            .zip(0..)
            .map(|((&one, &two), customer)| one.merged(two).ok_or(RfmError::TooLarge { customer }))
            .collect();
        let mut merged = merged?;
        let longer = if self.sums.len() > other.sums.len() { &self.sums } else { &other.sums };
        merged.extend(longer.iter().skip(merged.len()));
        self.sums = merged;
        self.last_day = self.last_day.max(other.last_day);
        Ok(())
    }

    /// Everybody who has bought, as seen on the day `as_of` of the same clock.
    ///
    /// # Errors
    /// [`RfmError::AfterAsOf`] when a row, be it a return, lies after that day; [`RfmError::TooLongAgo`] when a last
    /// purchase is more days ago than fit into 32 bits.
    ///
    /// # Cost
    /// O(customers); 20 bytes for each who has bought.
    pub fn on(&self, as_of: NaiveDate) -> Result<RfmSummaries, RfmError> {
        let today = as_of.to_epoch_days();
        if let Some(last) = self.last_day.filter(|&last| last > today) {
            return Err(RfmError::AfterAsOf { last, as_of: today });
        }
        let mut summaries =
            RfmSummaries::with_room(self.sums.iter().filter(|sums| sums.purchases > 0).count());
        for (customer, sums) in (0..).zip(&self.sums).filter(|(_, sums)| sums.purchases > 0) {
            let recency = today.checked_sub(sums.last_day).ok_or(RfmError::TooLongAgo { customer })?;
            summaries.customers.push(customer);
            summaries.recency_days.push(recency);
            summaries.purchases.push(sums.purchases);
            summaries.spend_minor.push(sums.spend_minor);
        }
        Ok(summaries)
    }
}

fn place(customer: u32) -> usize {
    usize::try_from(customer).unwrap_or(usize::MAX)
}

/// The customers of a [`RfmTally`] who have bought, in columns, ascending by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RfmSummaries {
    customers: Vec<u32>,
    recency_days: Vec<i32>,
    purchases: Vec<u32>,
    spend_minor: Vec<i64>,
}

impl RfmSummaries {
    fn with_room(customers: usize) -> Self {
        Self {
            customers: Vec::with_capacity(customers),
            recency_days: Vec::with_capacity(customers),
            purchases: Vec::with_capacity(customers),
            spend_minor: Vec::with_capacity(customers),
        }
    }

    /// Whose rows they are.
    pub fn customers(&self) -> &[u32] {
        &self.customers
    }

    /// What scores are made of.
    pub fn columns(&self) -> RfmColumns<'_> {
        RfmColumns::checked(&self.recency_days, &self.purchases, &self.spend_minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{RfmDefinition, RfmFrequency, RfmLine, RfmRow};
    use proptest::prelude::*;

    const CUSTOMERS: u32 = 6;

    fn tally(rows: &[(u32, i32, i64)]) -> RfmTally {
        let customers: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let days: Vec<i32> = rows.iter().map(|row| row.1).collect();
        let amounts: Vec<i64> = rows.iter().map(|row| row.2).collect();
        let mut tally = RfmTally::new(CUSTOMERS);
        tally.extend(&customers, &days, &amounts).unwrap();
        tally
    }

    fn as_of() -> NaiveDate {
        NaiveDate::from_ymd_opt(1970, 6, 1).unwrap()
    }

    fn rows() -> impl Strategy<Value = Vec<(u32, i32, i64)>> {
        proptest::collection::vec((0..CUSTOMERS, -40..150_i32, -50..100_i64), 0..3 * AT_ONCE)
    }

    proptest! {
        #[test]
        fn it_counts_as_the_definition_does(rows in rows()) {
            let definition = RfmDefinition { frequency: RfmFrequency::Lines, ..RfmDefinition::default() };
            let mut expected: Vec<(u32, RfmRow)> = Vec::new();
            for customer in 0..CUSTOMERS {
                let own = rows.iter().filter(|row| row.0 == customer);
                let lines = own.map(|&(_, day, amount_minor)| RfmLine { invoice: 0, day, amount_minor });
                expected.extend(definition.row(lines, as_of()).unwrap().map(|row| (customer, row)));
            }
            let summaries = tally(&rows).on(as_of()).unwrap();
            let found: Vec<_> = summaries.customers().iter().copied().zip(summaries.columns().rows()).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn merging_is_associative_commutative_and_equals_pushing(one in rows(), two in rows(), three in rows()) {
            let [a, b, c] = [&one, &two, &three].map(|rows| tally(rows));
            let merged = |tallies: [&RfmTally; 3]| {
                // The narrower one grows.
                let mut all = RfmTally::new(0);
                for tally in tallies {
                    all.merge(tally).unwrap();
                }
                all
            };
            let mut right = b.clone();
            right.merge(&c).unwrap();
            let mut nested = a.clone();
            nested.merge(&right).unwrap();
            let pushed = tally(&[one, two, three].concat());
            prop_assert_eq!(&merged([&a, &b, &c]), &pushed);
            prop_assert_eq!(&merged([&c, &a, &b]), &pushed);
            prop_assert_eq!(&nested, &pushed);
            let json = serde_json::to_string(&pushed).unwrap();
            prop_assert_eq!(serde_json::from_str::<RfmTally>(&json).unwrap(), pushed);
        }
    }

    #[test]
    fn a_bad_row_is_named_and_those_before_it_are_kept() {
        let mut tally = RfmTally::new(2);
        let refused = tally.extend(&[0, 1, 2, 0], &[1, 2, 9, 9], &[5, 6, 7, 8]);
        assert_eq!(refused, Err(RfmError::UnknownCustomer { row: 2, customer: 2 }));
        let mut before = RfmTally::new(2);
        before.extend(&[0, 1], &[1, 2], &[5, 6]).unwrap();
        assert_eq!(tally, before);
        assert_eq!(tally.push(0, 3, i64::MAX), Err(RfmError::TooLarge { customer: 0 }));
        assert_eq!(tally, before);
        let mut rich = RfmTally::new(2);
        rich.push(1, 1, i64::MAX).unwrap();
        assert_eq!(tally.merge(&rich), Err(RfmError::TooLarge { customer: 1 }));
        assert_eq!(tally, before);
        let mut long = vec![0; 3 * AT_ONCE];
        long[AT_ONCE + 5] = 9;
        let mut longer = RfmTally::new(1);
        let refused = longer.extend(&long, &vec![3; long.len()], &vec![1; long.len()]);
        assert_eq!(refused, Err(RfmError::UnknownCustomer { row: AT_ONCE + 5, customer: 9 }));
        assert_eq!(longer.on(as_of()).unwrap().columns().purchases(), [69]);
        let refused = tally.extend(&[0], &[1, 2], &[1]);
        assert_eq!(refused, Err(RfmError::ColumnLength { column: "day", expected: 1, found: 2 }));
    }

    #[test]
    fn days_of_all_times_are_taken_and_those_to_come_refused() {
        let mut tally = RfmTally::new(1);
        tally.push(0, i32::MIN, 1).unwrap();
        assert_eq!(tally.on(as_of()), Err(RfmError::TooLongAgo { customer: 0 }));
        tally.push(0, 152, -1).unwrap();
        assert_eq!(tally.on(as_of()), Err(RfmError::AfterAsOf { last: 152, as_of: 151 }));
        assert_eq!(RfmTally::new(3).on(as_of()), Ok(RfmSummaries::default()));
    }
}
