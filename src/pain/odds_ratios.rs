use super::driver_table::{Complete, standardised};
use super::{DriverOptions, DriverTable, PainError};
use crate::measure::Estimate;
use crate::numeric::logistic::{self, NoMaximum};
use crate::numeric::proportion::{self, Proportion};
use crate::numeric::stratified::Stratified;
use crate::numeric::{chi_square, least_squares};
use crate::tag::Tag;
use serde::Serialize;

/// What one driver does to the odds of an outcome, with all other drivers as they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DriverOdds {
    driver: Tag,
    coefficient: Estimate,
    standard_error: f64,
    odds_ratio: Option<Estimate>,
    odds_ratio_per_deviation: Option<Estimate>,
    crude: Option<Estimate>,
    p_value: f64,
    q_value: f64,
}

impl DriverOdds {
    /// The driver.
    pub const fn driver(&self) -> Tag {
        self.driver
    }

    /// By how much a unit of the driver moves the log-odds, with its Wald interval.
    pub const fn coefficient(&self) -> Estimate {
        self.coefficient
    }

    /// The standard error of the coefficient.
    pub const fn standard_error(&self) -> f64 {
        self.standard_error
    }

    /// By what a unit of the driver multiplies the odds: above 1 where it makes the outcome likelier. `None` where a unit
    /// is so much larger than what was seen that the factor is beyond any number.
    pub const fn odds_ratio(&self) -> Option<Estimate> {
        self.odds_ratio
    }

    /// By what one standard deviation (by n - 1) of the driver multiplies the odds: to compare drivers of different units.
    pub const fn odds_ratio_per_deviation(&self) -> Option<Estimate> {
        self.odds_ratio_per_deviation
    }

    /// For a driver that is 0 or 1: the odds ratio of the table of two rows and two columns, with no regard to other
    /// drivers, and Woolf's interval. `None` for other drivers.
    pub const fn crude(&self) -> Option<Estimate> {
        self.crude
    }

    /// How likely a coefficient as far from 0 would be if the driver did nothing (Wald).
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// The same, adjusted for having asked about every driver (Benjamini and Hochberg).
    pub const fn q_value(&self) -> f64 {
        self.q_value
    }
}

/// How drivers move the odds of an outcome: a logistic regression.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OddsRatios {
    drivers: Vec<DriverOdds>,
    intercept: Estimate,
    intercept_standard_error: f64,
    log_likelihood: f64,
    null_log_likelihood: f64,
    p_value: f64,
    rows: u64,
    hits: u64,
    left_out: u64,
    iterations: u32,
}

impl OddsRatios {
    /// The drivers, in the order of the table.
    pub fn drivers(&self) -> &[DriverOdds] {
        &self.drivers
    }

    /// The log-odds where every driver is 0.
    pub const fn intercept(&self) -> Estimate {
        self.intercept
    }

    /// The standard error of the intercept.
    pub const fn intercept_standard_error(&self) -> f64 {
        self.intercept_standard_error
    }

    /// The logarithm of the likelihood at its maximum.
    pub const fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// -2 times the log-likelihood, which for single rows is the residual deviance.
    pub fn deviance(&self) -> f64 {
        -2.0 * self.log_likelihood
    }

    /// The deviance without any driver.
    pub fn null_deviance(&self) -> f64 {
        -2.0 * self.null_log_likelihood
    }

    /// McFadden's R²: by what share the drivers raise the log-likelihood towards 0.
    pub fn mcfadden_r_squared(&self) -> f64 {
        (1.0 - self.log_likelihood / self.null_log_likelihood).clamp(0.0, 1.0)
    }

    /// How likely so large a gain of likelihood would be if no driver did anything: the likelihood-ratio test of all
    /// drivers together.
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// How many complete rows it rests on.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// In how many of these the outcome holds.
    pub const fn hits(&self) -> u64 {
        self.hits
    }

    /// How many rows were left out because a driver is missing in them.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The rarer of both outcomes, for each driver: below about 10 coefficients are biased away from 0 and intervals too
    /// narrow.
    ///
    /// Source: P. Peduzzi et al., "A simulation study of the number of events per variable in logistic regression
    /// analysis", Journal of Clinical Epidemiology 49 (1996).
    #[expect(clippy::cast_precision_loss, reason = "counts of rows stay far below 2^53")]
    pub fn events_per_driver(&self) -> f64 {
        self.hits.min(self.rows - self.hits) as f64 / self.drivers.len() as f64
    }

    /// How many steps the search took.
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }
}

impl DriverTable {
    /// Says what each driver does to the odds of an outcome (came back, recommends), other drivers being equal.
    ///
    /// # Arguments
    /// - `outcome`: whether it holds, for each row of the table.
    /// - `options`: the level of the intervals.
    ///
    /// # Errors
    /// [`PainError::ColumnLength`] for an outcome of another length; [`PainError::TooFewRows`] where there are not more
    /// complete rows than coefficients; [`PainError::ConstantOutcome`] and [`PainError::ConstantDriver`];
    /// [`PainError::CollinearDriver`] with the first driver that those before it tell; [`PainError::Separated`] with the
    /// drivers that foretell the outcome without exception (complete or quasi-complete separation): then no finite odds
    /// ratio fits best, and none is made up. Leave them out, or join categories.
    ///
    /// # Formula
    /// ```text
    /// ln (p / (1 - p)) = a + Σ b_j x_j      odds ratio of j = e^b_j      interval e^(b_j ± z s_j)
    /// maximum likelihood by Newton's steps (iteratively reweighted least squares), halved while they lead down
    /// s: from the inverse of the information at the maximum
    /// ```
    ///
    /// # Cost
    /// O(rows drivers²) for each of usually 5 to 10 steps; a copy of the complete rows.
    ///
    /// # Example
    /// ```
    /// use patronage::Tag;
    /// use patronage::pain::{DriverOptions, DriverTable};
    ///
    /// // Of 100 customers who were handed on 20 came back, of 300 others 120.
    /// let (mut handed_on, mut came_back) = (vec![false; 400], vec![false; 400]);
    /// handed_on[..100].fill(true);
    /// came_back[..20].fill(true);
    /// came_back[100..220].fill(true);
    /// let table = DriverTable::from_columns([(Tag::literal("transferred"), handed_on.as_slice())])?;
    /// let odds = table.odds_ratios(&came_back, &DriverOptions::default())?;
    /// let ratio = odds.drivers()[0].odds_ratio().ok_or("beyond any number")?;
    /// // (20 / 80) / (120 / 180)
    /// assert_eq!(format!("{ratio:.3}"), "0.375 [0.218, 0.645] (95.0 %, n = 400)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: D. W. Hosmer, S. Lemeshow, "Applied Logistic Regression" (2000); on separation A. Albert, J. A. Anderson,
    /// Biometrika 71 (1984); D. McFadden, "Conditional logit analysis of qualitative choice behavior" (1974).
    pub fn odds_ratios(&self, outcome: &[bool], options: &DriverOptions) -> Result<OddsRatios, PainError> {
        let complete = self.complete(outcome)?;
        let drivers = self.drivers().len();
        complete.enough(drivers)?;
        let Complete { columns, outcome, rows, left_out } = complete;
        let hits = outcome.iter().filter(|&&holds| holds).count() as u64;
        if hits == 0 || hits == rows {
            return Err(PainError::ConstantOutcome);
        }
        let data = standardised(&columns, |column| self.driver(column), drivers)?;
        if let Some(column) = data.correlations().dependent(least_squares::LEAST_OWN_VARIANCE) {
            return Err(PainError::CollinearDriver { driver: self.driver(column) });
        }
        let fit = logistic::fit(&data, &outcome).map_err(|refused| match refused {
            NoMaximum::Separated(columns) => PainError::Separated {
                drivers: columns.into_iter().map(|column| self.driver(column)).collect(),
            },
            NoMaximum::Unsettled => PainError::NoMaximum,
        })?;

        let z = options.z();
        let estimate = |value: f64, error: f64| {
            Estimate::new(value, value - z * error, value + z * error, options.level(), rows)
        };
        // Of an odds ratio; `None` where an end leaves the range of numbers.
        let ratio = |value: f64, error: f64| {
            let [at, lower, upper] = [0.0, -z, z].map(|away| libm::exp(value + away * error));
            Estimate::new(at, lower.min(at), upper.max(at), options.level(), rows).ok().filter(|_| at > 0.0)
        };
        let (intercept, slopes) = fit.coefficients.split_first().unwrap_or((&0.0, &[]));
        let error = |place: usize| fit.covariance.at(place, place).max(0.0).sqrt();
        let p_values: Vec<f64> = slopes
            .iter()
            .enumerate()
            .map(|(column, slope)| proportion::two_sided_p(slope / error(column + 1)))
            .collect();
        let q_values = proportion::benjamini_hochberg(&p_values);
        let mut found = Vec::with_capacity(drivers);
        let tests = p_values.iter().zip(&q_values);
        for (column, ((&slope, values), (&p_value, &q_value))) in
            slopes.iter().zip(&columns).zip(tests).enumerate()
        {
            let (standard_error, deviation) = (error(column + 1), data.sample_deviation(column));
            found.push(DriverOdds {
                driver: self.driver(column),
                coefficient: estimate(slope, standard_error)?,
                standard_error,
                odds_ratio: ratio(slope, standard_error),
                odds_ratio_per_deviation: ratio(slope * deviation, standard_error * deviation),
                crude: crude(values, &outcome, options),
                p_value,
                q_value,
            });
        }
        let null = |count: u64| {
            #[expect(clippy::cast_precision_loss, reason = "counts of rows stay far below 2^53")]
            let (count, all) = (count as f64, rows as f64);
            count * libm::log(count / all)
        };
        let null_log_likelihood = null(hits) + null(rows - hits);
        let gain = 2.0 * (fit.log_likelihood - null_log_likelihood);
        Ok(OddsRatios {
            drivers: found,
            intercept: estimate(*intercept, error(0))?,
            intercept_standard_error: error(0),
            log_likelihood: fit.log_likelihood,
            null_log_likelihood,
            p_value: chi_square::upper_tail(gain, u32::try_from(drivers).unwrap_or(u32::MAX)),
            rows,
            hits,
            left_out,
            iterations: fit.iterations,
        })
    }
}

/// The odds ratio of a driver that is 0 or 1, by itself.
fn crude(values: &[f64], outcome: &[bool], options: &DriverOptions) -> Option<Estimate> {
    // Hits and trials of those without it, and of those with it.
    let mut groups = [(0_u64, 0_u64); 2];
    for (&value, &holds) in values.iter().zip(outcome) {
        let [without, with] = &mut groups;
        let group = match value.partial_cmp(&0.0)? {
            std::cmp::Ordering::Equal => without,
            std::cmp::Ordering::Greater if value.total_cmp(&1.0).is_eq() => with,
            _ => return None,
        };
        group.0 += u64::from(holds);
        group.1 += 1;
    }
    let [without, with] = groups;
    let mut table = Stratified::default();
    table.push(Proportion::new(with.0, with.1)?, Proportion::new(without.0, without.1)?);
    let (ratio, ends) = table.odds_ratio(options.z())?;
    Estimate::new(ratio, ends.lower, ends.upper, options.level(), values.len() as u64).ok()
}
