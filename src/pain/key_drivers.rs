use super::driver_table::{Complete, standardised};
use super::{DriverOptions, DriverTable, PainError};
use crate::measure::Estimate;
use crate::numeric::importance::{self, MOST_FOR_LMG};
use crate::numeric::least_squares::{self, LeastSquares};
use crate::numeric::linear::Symmetric;
use crate::numeric::percentile::percentile;
use crate::numeric::proportion;
use crate::numeric::split_mix::SplitMix;
use crate::numeric::standardised::Standardised;
use crate::tag::Tag;
use serde::{Deserialize, Serialize};

/// How R² is split among the drivers. Both give each driver a part that is not negative, and the parts sum to R².
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decomposition {
    /// Of Lindeman, Merenda and Gold, which is Shapley's value: what a driver adds to R², averaged over all orders in
    /// which drivers could be added. Exact, for up to 12 drivers.
    Lmg,
    /// The relative weights of Johnson, for any number of drivers: close to LMG as a rule, without its justification.
    Johnson,
}

impl Decomposition {
    fn of(self, correlations: &Symmetric) -> Option<Vec<f64>> {
        match self {
            Self::Lmg => importance::lmg(correlations),
            Self::Johnson => importance::johnson(correlations),
        }
    }
}

/// How much one driver matters for an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KeyDriver {
    driver: Tag,
    importance: Estimate,
    share: Option<f64>,
    coefficient: Estimate,
    standard_error: f64,
    p_value: f64,
    q_value: f64,
}

impl KeyDriver {
    /// The driver.
    pub const fn driver(&self) -> Tag {
        self.driver
    }

    /// Its part of R², from 0 to 1, with a percentile interval over rows drawn again.
    pub const fn importance(&self) -> Estimate {
        self.importance
    }

    /// Its part of R² as a share of R²; `None` where the drivers explain nothing at all.
    pub const fn share(&self) -> Option<f64> {
        self.share
    }

    /// Its part of R² with the sign of its coefficient: below 0 where more of it goes with less of the outcome, all other
    /// drivers being equal.
    pub fn signed_importance(&self) -> f64 {
        if self.coefficient.value() < 0.0 { -self.importance.value() } else { self.importance.value() }
    }

    /// By how much a unit of the driver moves the outcome, all other drivers being equal, with its t interval.
    ///
    /// Where drivers are alike, its sign may be the opposite of that of their correlation: then do not read it alone.
    pub const fn coefficient(&self) -> Estimate {
        self.coefficient
    }

    /// The standard error of the coefficient.
    pub const fn standard_error(&self) -> f64 {
        self.standard_error
    }

    /// How likely a coefficient as far from 0 would be if the driver did nothing (t test).
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// The same, adjusted for having asked about every driver (Benjamini and Hochberg).
    pub const fn q_value(&self) -> f64 {
        self.q_value
    }
}

/// How much each driver matters for an outcome: R² of a linear regression, split among the drivers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyDrivers {
    decomposition: Decomposition,
    drivers: Vec<KeyDriver>,
    r_squared: f64,
    intercept: f64,
    rows: u64,
    left_out: u64,
    replicates: u32,
    failed: u32,
}

impl KeyDrivers {
    /// How R² was split.
    pub const fn decomposition(&self) -> Decomposition {
        self.decomposition
    }

    /// The drivers, in the order of the table.
    pub fn drivers(&self) -> &[KeyDriver] {
        &self.drivers
    }

    /// The drivers by importance, the largest first; equal ones in the order of the table.
    pub fn ranked(&self) -> Vec<&KeyDriver> {
        let mut ranked: Vec<&KeyDriver> = self.drivers.iter().collect();
        ranked.sort_by(|a, b| b.importance.value().total_cmp(&a.importance.value()));
        ranked
    }

    /// The share of the variance of the outcome that all drivers explain together.
    pub const fn r_squared(&self) -> f64 {
        self.r_squared
    }

    /// The outcome expected where every driver is 0.
    pub const fn intercept(&self) -> f64 {
        self.intercept
    }

    /// How many complete rows it rests on.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// How many rows were left out because a driver is missing in them.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How often rows were drawn again for the intervals.
    pub const fn replicates(&self) -> u32 {
        self.replicates
    }

    /// How many of these draws could not tell the drivers apart, and are in no interval.
    pub const fn failed_replicates(&self) -> u32 {
        self.failed
    }
}

impl DriverTable {
    /// Says how much each driver matters for an outcome that is a number (satisfaction, likelihood to recommend).
    ///
    /// Importance is relative to these drivers and these rows: it says what goes with the outcome, and not what would
    /// happen if the company changed something.
    ///
    /// # Arguments
    /// - `outcome`: a number for each row of the table, in any unit.
    /// - `decomposition`: LMG for up to 12 drivers, Johnson's relative weights for any number.
    /// - `options`: the level of the intervals, how often rows are drawn again for them, and the seed of that.
    ///
    /// # Returns
    /// Drivers in the order of the table. Equal input gives equal bits; another order of the rows moves the last digits,
    /// and draws other rows for the intervals. Where the percentiles do not enclose the importance (it is biased upward
    /// in small samples, and more so in those drawn again), the nearer end is the importance itself.
    ///
    /// # Errors
    /// [`PainError::ColumnLength`], [`PainError::OutcomeValue`], [`PainError::TooFewRows`],
    /// [`PainError::ConstantOutcome`], [`PainError::ConstantDriver`], [`PainError::CollinearDriver`] as in
    /// [`odds_ratios`](Self::odds_ratios); [`PainError::TooManyDrivers`] for LMG of more than 12;
    /// [`PainError::Resampling`] where more than half of the draws failed.
    ///
    /// # Formula
    /// ```text
    /// LMG      of j = Σ over S without j of |S|! (p - 1 - |S|)! / p! (R²(S and j) - R²(S))
    /// Johnson  of j = Σ_k Λ_jk² b_k²      Λ = R^(1/2), b = Λ⁻¹ r
    /// ```
    /// with R the correlations of the drivers and r those with the outcome.
    ///
    /// # Cost
    /// O(rows drivers²) for each replicate, and O(2^drivers drivers²) more for LMG, O(drivers³) for Johnson. A copy of the
    /// complete rows.
    ///
    /// # Example
    /// ```
    /// use patronage::Tag;
    /// use patronage::pain::{Decomposition, DriverOptions, DriverTable};
    ///
    /// // The wait takes a point of satisfaction each minute, being handed on two points; the weather is not asked.
    /// let wait: Vec<f64> = (0..200).map(|row| f64::from(row % 5)).collect();
    /// let handed_on: Vec<f64> = (0..200).map(|row| f64::from(row % 2)).collect();
    /// let weather = (0..200).map(|row| f64::from(row * 7 % 11) / 5.0 - 1.0);
    /// let satisfaction: Vec<f64> =
    ///     wait.iter().zip(&handed_on).zip(weather).map(|((w, h), luck)| 9.0 - w - 2.0 * h + luck).collect();
    /// let table = DriverTable::from_columns([
    ///     (Tag::literal("wait_minutes"), wait.as_slice()),
    ///     (Tag::literal("transferred"), handed_on.as_slice()),
    /// ])?;
    /// let found = table.key_drivers(&satisfaction, Decomposition::Lmg, &DriverOptions::default())?;
    /// let most = found.ranked()[0];
    /// assert_eq!(most.driver().as_str(), "wait_minutes");
    /// assert_eq!(format!("{:.1}", most.coefficient()), "-1.0 [-1.1, -0.9] (95.0 %, n = 200)");
    /// assert_eq!(format!("{:.2} of {:.2}", most.signed_importance(), found.r_squared()), "-0.59 of 0.88");
    /// # Ok::<(), patronage::pain::PainError>(())
    /// ```
    ///
    /// Source: R. Lindeman, P. Merenda, R. Gold, "Introduction to Bivariate and Multivariate Analysis" (1980); U. Grömping,
    /// Journal of Statistical Software 17 (2006); J. Johnson, "A heuristic method for estimating the relative weight of
    /// predictor variables in multiple regression", Multivariate Behavioral Research 35 (2000).
    pub fn key_drivers(
        &self,
        outcome: &[f64],
        decomposition: Decomposition,
        options: &DriverOptions,
    ) -> Result<KeyDrivers, PainError> {
        let drivers = self.drivers().len();
        if decomposition == Decomposition::Lmg && drivers > MOST_FOR_LMG {
            return Err(PainError::TooManyDrivers { drivers, limit: MOST_FOR_LMG });
        }
        let complete = self.complete(Complete::checked(outcome)?)?;
        complete.enough(drivers)?;
        let Complete { mut columns, outcome, rows, left_out } = complete;
        columns.push(outcome);
        let data = standardised(&columns, |column| self.driver(column), drivers)?;
        drop(columns);
        let correlations = data.correlations();
        let collinear = |column| PainError::CollinearDriver { driver: self.driver(column) };
        let fit = least_squares::fit(&data, &correlations).map_err(collinear)?;
        let parts = decomposition.of(&correlations).ok_or_else(|| collinear(drivers - 1))?;
        let (mut draws, failed) = drawn_again(&data, decomposition, options);
        if failed > options.replicates() / 2 {
            return Err(PainError::Resampling { failed, replicates: options.replicates() });
        }
        let p_values: Vec<f64> = (0..drivers).map(|column| fit.p_value(column)).collect();
        let q_values = proportion::benjamini_hochberg(&p_values);
        let tests = p_values.into_iter().zip(q_values);
        let tail = 0.5 * options.level().complement().get();
        let mut found = Vec::with_capacity(drivers);
        for (column, ((&part, draws), (p_value, q_value))) in
            parts.iter().zip(&mut draws).zip(tests).enumerate()
        {
            let part = part.max(0.0);
            draws.sort_by(f64::total_cmp);
            let lower = percentile(draws, tail).clamp(0.0, part);
            let upper = percentile(draws, 1.0 - tail).max(part);
            found.push(KeyDriver {
                driver: self.driver(column),
                importance: Estimate::new(part, lower, upper, options.level(), rows)?,
                share: (fit.r_squared > 0.0).then(|| part / fit.r_squared),
                coefficient: coefficient(&fit, column, options, rows)?,
                standard_error: fit.standard_error(column),
                p_value,
                q_value,
            });
        }
        Ok(KeyDrivers {
            decomposition,
            drivers: found,
            r_squared: fit.r_squared,
            intercept: fit.intercept,
            rows,
            left_out,
            replicates: options.replicates(),
            failed,
        })
    }
}

/// A coefficient of least squares with its t interval.
pub(super) fn coefficient(
    fit: &LeastSquares,
    column: usize,
    options: &DriverOptions,
    rows: u64,
) -> Result<Estimate, PainError> {
    let value = fit.coefficients.get(column).copied().unwrap_or(0.0);
    let away = options.t(fit.degrees) * fit.standard_error(column);
    Ok(Estimate::new(value, value - away, value + away, options.level(), rows)?)
}

/// The parts of each driver in samples of as many rows, drawn again from the rows, and how many samples failed. Each
/// sample has draws of its own, so that its number and the seed determine it.
fn drawn_again(
    data: &Standardised,
    decomposition: Decomposition,
    options: &DriverOptions,
) -> (Vec<Vec<f64>>, u32) {
    let rows = data.rows().len();
    let start = SplitMix::new(options.seed()).next();
    let (mut draws, mut failed) = (vec![Vec::new(); data.width() - 1], 0);
    let mut counts = vec![0_u32; rows];
    for replicate in 0..options.replicates() {
        let mut stream = SplitMix::new(SplitMix::new(start ^ u64::from(replicate)).next());
        counts.fill(0);
        for _ in 0..rows {
            let row = usize::try_from(stream.below(rows as u64)).unwrap_or(0);
            if let Some(count) = counts.get_mut(row) {
                *count += 1;
            }
        }
        match data.correlations_of(&counts).and_then(|correlations| decomposition.of(&correlations)) {
            Some(parts) => draws.iter_mut().zip(parts).for_each(|(draws, part)| draws.push(part)),
            None => failed += 1,
        }
    }
    (draws, failed)
}
