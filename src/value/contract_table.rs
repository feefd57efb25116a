use super::{Contract, FitError};
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many contracts ended after each number of renewals, and how many still run: all that a contract model is fitted
/// to, and the retention that was.
///
/// Contracts of many cohorts go into one table, whether they are of equal length or not. It is built from single
/// contracts or from cohorts that were counted, and tables merge: the order never matters.
///
/// # Example
/// ```
/// use patronage::value::{Contract, ContractTable};
///
/// let mut table = ContractTable::new();
/// // Two cohorts, one a year older than the other: how many were there at first and after each renewal.
/// table.push_survivors(&[1000, 869, 743])?;
/// table.push_survivors(&[500, 430])?;
/// table.push(Contract::ended(0));
/// assert_eq!((table.customers(), table.at_risk(0), table.lost(0)), (1501, 1501, 202));
/// let survival: Vec<f64> = table.survival().collect();
/// assert_eq!(format!("{:.4} {:.4}", survival[1], survival[2]), "0.8654 0.7399");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractTable {
    rows: BTreeMap<u32, Counts>,
}

/// Contracts with one number of renewals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) ended: u64,
    pub(super) running: u64,
}

impl ContractTable {
    /// A table of no contracts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one contract.
    pub fn push(&mut self, contract: Contract) {
        self.push_many(contract, 1);
    }

    /// Adds as many contracts that have gone alike.
    pub fn push_many(&mut self, contract: Contract, customers: u64) {
        if customers == 0 {
            return;
        }
        let counts = self.rows.entry(contract.renewals()).or_default();
        let count = if contract.is_ended() { &mut counts.ended } else { &mut counts.running };
        *count = count.saturating_add(customers);
    }

    /// Adds a cohort by how many customers it had at first and how many were left after the first, the second, ..
    /// renewal. Those who are left at the end still run.
    ///
    /// # Errors
    /// [`ValidationError`] when a number is larger than the one before, or there is none; then nothing is added.
    pub fn push_survivors(&mut self, survivors: &[u64]) -> Result<(), ValidationError> {
        let Some(&left) = survivors.last() else {
            return Err(ValidationError::new("contract_table.survivors", "must not be empty", "[]"));
        };
        for (before, after) in survivors.iter().zip(survivors.iter().skip(1)) {
            if after > before {
                let rule = "must not be more than before";
                return Err(ValidationError::new("contract_table.survivors", rule, after));
            }
        }
        let Ok(periods) = u32::try_from(survivors.len()) else {
            let rule = "must be at most 4,294,967,295 numbers";
            return Err(ValidationError::new("contract_table.survivors", rule, survivors.len()));
        };
        for (renewals, (before, after)) in (0..).zip(survivors.iter().zip(survivors.iter().skip(1))) {
            self.push_many(Contract::ended(renewals), before - after);
        }
        self.push_many(Contract::running(periods - 1), left);
        Ok(())
    }

    /// Adds all contracts of another table.
    pub fn merge(&mut self, other: &Self) {
        for (&renewals, counts) in &other.rows {
            self.push_many(Contract::ended(renewals), counts.ended);
            self.push_many(Contract::running(renewals), counts.running);
        }
    }

    /// How many contracts there are.
    pub fn customers(&self) -> u64 {
        self.rows
            .values()
            .fold(0, |sum: u64, counts| sum.saturating_add(counts.ended).saturating_add(counts.running))
    }

    /// How many contracts with so many renewals are known to have been renewed once more or not.
    pub fn at_risk(&self, renewals: u32) -> u64 {
        let waiting = self.rows.get(&renewals).map_or(0, |counts| counts.running);
        let all = self
            .rows
            .range(renewals..)
            .fold(0, |sum: u64, (_, counts)| sum.saturating_add(counts.ended).saturating_add(counts.running));
        all.saturating_sub(waiting)
    }

    /// How many contracts ended after so many renewals.
    pub fn lost(&self, renewals: u32) -> u64 {
        self.rows.get(&renewals).map_or(0, |counts| counts.ended)
    }

    /// Which share of the customers was still there after 0, 1, 2, .. renewals, as far as that is known: what a model
    /// is held against.
    ///
    /// # Returns
    /// From 1 on, falling. Ends with the last renewal that any contract has come to.
    ///
    /// # Formula
    /// ```text
    /// product over i < t of 1 - lost(i) / at_risk(i)
    /// ```
    /// For cohorts of equal length this is the plain share; for others it takes from each what it knows.
    ///
    /// Source: E. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations", Journal of the American
    /// Statistical Association 53 (1958).
    pub fn survival(&self) -> impl Iterator<Item = f64> {
        let all = self.customers();
        // The contracts that are gone from view before this renewal, ended or running.
        let (mut gone, mut share) = (0_u64, 1.0);
        let mut renewals = 0_u32;
        let mut next = (all > 0).then_some(1.0);
        std::iter::from_fn(move || {
            let now = next?;
            let counts = self.rows.get(&renewals).copied().unwrap_or_default();
            gone = gone.saturating_add(counts.running);
            let at_risk = all.saturating_sub(gone);
            gone = gone.saturating_add(counts.ended);
            #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
            if at_risk > 0 {
                share *= (at_risk - counts.ended) as f64 / at_risk as f64;
            }
            renewals = renewals.saturating_add(1);
            next = (at_risk > 0 && renewals < u32::MAX).then_some(share);
            Some(now)
        })
    }

    /// The counts by renewals.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u32, Counts)> {
        self.rows.iter().map(|(&renewals, &counts)| (renewals, counts))
    }

    /// The largest number of renewals.
    pub(super) fn longest(&self) -> u32 {
        self.rows.last_key_value().map_or(0, |(&renewals, _)| renewals)
    }

    /// Which share of the renewals that came up was not made.
    pub(super) fn churn(&self) -> f64 {
        let (mut lost, mut kept) = (0.0, 0.0);
        for (renewals, Counts { ended, running }) in self.rows() {
            #[expect(clippy::cast_precision_loss, reason = "a start needs no more than 53 bits")]
            let (ended, running) = (ended as f64, running as f64);
            lost += ended;
            kept += f64::from(renewals) * (ended + running);
        }
        lost / (lost + kept)
    }

    /// Whether a model can be fitted.
    ///
    /// # Errors
    /// Where nothing can be learned: no contracts, none that ended, or all the same.
    pub(super) fn check(&self) -> Result<(), FitError> {
        let customers = self.customers();
        if customers == 0 {
            return Err(FitError::NoCustomers);
        }
        if self.rows.values().all(|counts| counts.ended == 0) {
            return Err(FitError::NobodyLeft { customers });
        }
        let kinds =
            self.rows.values().map(|counts| u32::from(counts.ended > 0) + u32::from(counts.running > 0));
        if kinds.sum::<u32>() == 1 {
            return Err(FitError::AllTheSame { customers });
        }
        Ok(())
    }
}

impl Extend<Contract> for ContractTable {
    fn extend<I: IntoIterator<Item = Contract>>(&mut self, contracts: I) {
        contracts.into_iter().for_each(|contract| self.push(contract));
    }
}

impl FromIterator<Contract> for ContractTable {
    fn from_iter<I: IntoIterator<Item = Contract>>(contracts: I) -> Self {
        let mut table = Self::new();
        table.extend(contracts);
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn survivors_are_contracts() {
        let mut table = ContractTable::new();
        table.push_survivors(&[8, 4, 4, 1]).unwrap();
        let mut expected = ContractTable::new();
        expected.push_many(Contract::ended(0), 4);
        expected.push_many(Contract::ended(2), 3);
        expected.push(Contract::running(3));
        assert_eq!(table, expected);
        assert_eq!(table.survival().collect::<Vec<_>>(), [1.0, 0.5, 0.5, 0.125]);
        assert_eq!((table.at_risk(1), table.at_risk(2), table.at_risk(3)), (4, 4, 0));
        assert!((table.churn() - 7.0 / 16.0).abs() < 1e-15);

        for wrong in [&[][..], &[3, 4], &[5, 3, 4]] {
            assert!(table.push_survivors(wrong).is_err());
        }
        assert_eq!(table, expected, "what is refused adds nothing");
        assert_eq!(ContractTable::new().survival().count(), 0);
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<ContractTable>(&text).unwrap(), table);
    }

    #[test]
    fn cohorts_of_other_lengths_tell_what_they_know() {
        let mut table = ContractTable::new();
        table.push_survivors(&[100, 50, 25]).unwrap();
        table.push_survivors(&[100, 70]).unwrap();
        table.push_survivors(&[1000]).unwrap();
        // 1,000 have not come up for renewal yet.
        assert_eq!((table.at_risk(0), table.at_risk(1), table.at_risk(2)), (200, 50, 0));
        assert_eq!(table.survival().collect::<Vec<_>>(), [1.0, 0.6, 0.3]);
        let gone: ContractTable = [Contract::ended(1); 3].into_iter().collect();
        assert_eq!(gone.survival().collect::<Vec<_>>(), [1.0, 1.0, 0.0]);
    }

    proptest! {
        #[test]
        fn parts_merge_in_any_order(rows in prop::collection::vec((0_u32..6, any::<bool>()), 0..40), cut in 0_usize..40) {
            let contracts: Vec<Contract> = rows
                .iter()
                .map(|&(renewals, ended)| if ended { Contract::ended(renewals) } else { Contract::running(renewals) })
                .collect();
            let whole: ContractTable = contracts.iter().copied().collect();
            let (one, other) = contracts.split_at(cut.min(contracts.len()));
            let (one, mut both): (ContractTable, ContractTable) =
                (one.iter().copied().collect(), other.iter().copied().collect());
            both.merge(&one);
            prop_assert_eq!(&both, &whole);
            prop_assert_eq!(whole.customers(), u64::try_from(contracts.len()).unwrap());
            let mut before = 1.0;
            for share in whole.survival() {
                prop_assert!((0.0..=before).contains(&share));
                before = share;
            }
        }
    }
}
