use super::survival_table::DayCount;
use super::{LoyaltyError, SurvivalTable};
use crate::numeric::chi_square;
use crate::numeric::linear::Symmetric;
use serde::Serialize;
use std::borrow::Borrow;

/// One group of a comparison: how many left, beside how many would have if all groups were alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LogRankGroup {
    /// How many customers it has.
    pub n: u64,
    /// How many of them left.
    pub observed: u64,
    /// How many were to be expected.
    pub expected: f64,
}

/// Whether groups of customers leave alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogRank {
    groups: Vec<LogRankGroup>,
    chi_square: f64,
    degrees_of_freedom: u32,
    p_value: f64,
}

impl LogRank {
    /// The groups, in the order they were given in.
    pub fn groups(&self) -> &[LogRankGroup] {
        &self.groups
    }

    /// The test statistic.
    pub const fn chi_square(&self) -> f64 {
        self.chi_square
    }

    /// How many groups could be compared, less one.
    pub const fn degrees_of_freedom(&self) -> u32 {
        self.degrees_of_freedom
    }

    /// How likely a statistic at least as large is if all groups leave alike.
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }
}

/// Says whether groups of customers leave alike: the log-rank test of any number of groups.
///
/// # Arguments
/// A table for each group, all of one relationship and unit; [`SurvivalTable::by_group`] makes them of columns.
///
/// # Errors
/// [`LoyaltyError::TooFewGroups`], [`LoyaltyError::EmptyGroup`], [`LoyaltyError::Different`];
/// [`LoyaltyError::NothingToCompare`] when nobody left while two groups were there.
///
/// # Formula
/// ```text
/// E_j = sum of d n_j / n,   V_jk = sum of d (n - d) / (n - 1) n_j / n (1[j = k] - n_k / n)
/// chi-square = (O - E)' V^-1 (O - E)
/// ```
/// summed over the days on which d of n customers left, `n_j` of the n being of group j. A group of which nobody was there
/// on any such day is reported and not compared.
///
/// # Cost
/// O(days of the longest spell times the square of the number of groups).
///
/// # Example
/// ```
/// use patronage::loyalty::{Relationship, Spells, SurvivalTable, log_rank};
///
/// let spells = Spells::new(&[6, 7, 10, 15, 19, 25], &[true, false, true, true, false, true])?;
/// let groups = SurvivalTable::by_group(Relationship::Contractual, &spells, &[0, 1, 0, 0, 1, 1], 2)?;
/// let test = log_rank(&groups)?;
/// assert_eq!(format!("{:.4} {:.4}", test.chi_square(), test.p_value()), "3.8462 0.0499");
/// # Ok::<(), patronage::loyalty::LoyaltyError>(())
/// ```
///
/// Source: N. Mantel, "Evaluation of survival data and two new rank order statistics arising in its consideration", Cancer
/// Chemotherapy Reports 50 (1966).
pub fn log_rank<T: Borrow<SurvivalTable>>(groups: &[T]) -> Result<LogRank, LoyaltyError> {
    let mut sums = Sums::new(groups.len())?;
    sums.push(groups)?;
    sums.test()
}

/// The same within strata: customers are compared only with those of the same stratum, so that a mixture which differs
/// between groups explains nothing.
///
/// # Arguments
/// For each stratum a table for each group, the groups in the same order. A group may be missing from a stratum (an empty
/// table), but not from all.
///
/// # Errors
/// As [`log_rank`]; [`LoyaltyError::GroupCount`] when strata differ in the number of groups.
pub fn stratified_log_rank<S, T>(strata: &[S]) -> Result<LogRank, LoyaltyError>
where
    S: AsRef<[T]>,
    T: Borrow<SurvivalTable>,
{
    let expected = strata.first().map_or(0, |groups| groups.as_ref().len());
    let mut sums = Sums::new(expected)?;
    for (stratum, groups) in strata.iter().enumerate() {
        let found = groups.as_ref().len();
        if found != expected {
            return Err(LoyaltyError::GroupCount { stratum, expected, found });
        }
        sums.push(groups.as_ref())?;
    }
    sums.test()
}

struct Sums {
    groups: Vec<LogRankGroup>,
    covariance: Symmetric,
}

#[expect(clippy::cast_precision_loss, reason = "numbers of customers are below 2^53")]
const fn number(count: u64) -> f64 {
    count as f64
}

impl Sums {
    fn new(count: usize) -> Result<Self, LoyaltyError> {
        if count < 2 {
            return Err(LoyaltyError::TooFewGroups { found: count });
        }
        let none = LogRankGroup { n: 0, observed: 0, expected: 0.0 };
        Ok(Self { groups: vec![none; count], covariance: Symmetric::zeros(count) })
    }

    /// Adds the tables of one stratum.
    fn push<T: Borrow<SurvivalTable>>(&mut self, tables: &[T]) -> Result<(), LoyaltyError> {
        let relationship = tables.first().map(|table| table.borrow().relationship());
        for (group, table) in self.groups.iter_mut().zip(tables) {
            let table = table.borrow();
            if Some(table.relationship()) != relationship {
                return Err(LoyaltyError::Different { part: "relationship" });
            }
            group.n += table.len();
            group.observed += table.ended();
        }
        let mut days: Vec<_> = tables.iter().map(|table| table.borrow().days().fuse()).collect();
        let mut today = vec![DayCount::default(); tables.len()];
        loop {
            let mut any = false;
            for (count, table) in today.iter_mut().zip(&mut days) {
                let next = table.next();
                any |= next.is_some();
                *count = next.unwrap_or_default();
            }
            if !any {
                return Ok(());
            }
            self.add(&today);
        }
    }

    fn add(&mut self, today: &[DayCount]) {
        let ended: u64 = today.iter().map(|count| count.ended).sum();
        if ended == 0 {
            return;
        }
        let at_risk: u64 = today.iter().map(|count| count.at_risk).sum();
        let (ended, at_risk) = (number(ended), number(at_risk));
        let spread = if at_risk > 1.0 { ended * (at_risk - ended) / (at_risk - 1.0) } else { 0.0 };
        for (j, (group, count)) in self.groups.iter_mut().zip(today).enumerate() {
            let share = number(count.at_risk) / at_risk;
            group.expected += ended * share;
            for (k, other) in today.iter().enumerate().skip(j) {
                let rest = f64::from(u8::from(j == k)) - number(other.at_risk) / at_risk;
                self.covariance.set(j, k, self.covariance.at(j, k) + spread * share * rest);
            }
        }
    }

    fn test(self) -> Result<LogRank, LoyaltyError> {
        if let Some(group) = self.groups.iter().position(|group| group.n == 0) {
            return Err(LoyaltyError::EmptyGroup { group });
        }
        let compared: Vec<(usize, f64)> = self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, group)| group.expected > 0.0)
            .map(|(place, group)| (place, number(group.observed) - group.expected))
            .collect();
        // The deviations sum to zero, so that the last one says nothing of its own.
        let Some((_, compared)) = compared.split_last() else { return Err(LoyaltyError::NothingToCompare) };
        let places: Vec<usize> = compared.iter().map(|&(place, _)| place).collect();
        let at = |row: usize| places.get(row).copied().unwrap_or(0);
        let covariance =
            Symmetric::from_upper(places.len(), |row, column| self.covariance.at(at(row), at(column)));
        let deviations: Vec<f64> = compared.iter().map(|&(_, deviation)| deviation).collect();
        let factor = covariance.cholesky(0.0).filter(|_| !places.is_empty());
        let factor = factor.ok_or(LoyaltyError::NothingToCompare)?;
        let solved = factor.solve(deviations.clone());
        let chi_square: f64 = deviations.iter().zip(&solved).map(|(one, other)| one * other).sum();
        if !chi_square.is_finite() {
            return Err(LoyaltyError::NothingToCompare);
        }
        let degrees_of_freedom = u32::try_from(places.len()).unwrap_or(u32::MAX);
        let p_value = chi_square::upper_tail(chi_square, degrees_of_freedom);
        Ok(LogRank { groups: self.groups, chi_square: chi_square.max(0.0), degrees_of_freedom, p_value })
    }
}
