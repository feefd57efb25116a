use super::driver_priority::{self, DriverPriority};
use super::driver_table::{Complete, standardised};
use super::{DriverOptions, DriverTable, Finding, ImpactClass, PainError, key_drivers};
use crate::measure::Estimate;
use crate::numeric::least_squares::{self, LeastSquares};
use crate::numeric::proportion;
use crate::tag::Tag;
use crate::validation::ValidationError;
use serde::Serialize;

/// From where on an answer about one attribute is low (bad), and from where on it is high (good). What lies between is
/// neither, and is what both are compared with.
///
/// # Example
/// ```
/// use patronage::pain::RatingCuts;
///
/// // Of five stars one and two are low, four and five high.
/// assert!(RatingCuts::new(2.0, 4.0).is_ok());
/// // A wait of ten minutes or more is bad, one of up to two is good.
/// assert!(RatingCuts::more_is_worse(10.0, 2.0).is_ok());
/// assert!(RatingCuts::new(4.0, 2.0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RatingCuts {
    low: f64,
    high: f64,
}

/// Where an answer lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Low,
    Middle,
    High,
}

impl RatingCuts {
    /// An answer is low up to `low_up_to` and high from `high_from` on, both included.
    ///
    /// # Errors
    /// [`ValidationError`] unless `low_up_to < high_from`, both finite.
    pub fn new(low_up_to: f64, high_from: f64) -> Result<Self, ValidationError> {
        let cuts = Self { low: low_up_to, high: high_from };
        if low_up_to < high_from { cuts.finite() } else { Err(cuts.refused("low must lie below high")) }
    }

    /// For waits, transfers and whatever else is worse the more there is of it: bad from `bad_from` on, good up to
    /// `good_up_to`, both included.
    ///
    /// # Errors
    /// [`ValidationError`] unless `bad_from > good_up_to`, both finite.
    pub fn more_is_worse(bad_from: f64, good_up_to: f64) -> Result<Self, ValidationError> {
        let cuts = Self { low: bad_from, high: good_up_to };
        if bad_from > good_up_to { cuts.finite() } else { Err(cuts.refused("bad must lie above good")) }
    }

    fn finite(self) -> Result<Self, ValidationError> {
        let both = self.low.is_finite() && self.high.is_finite();
        if both { Ok(self) } else { Err(self.refused("must be finite")) }
    }

    fn refused(self, rule: &'static str) -> ValidationError {
        ValidationError::new("rating_cuts", rule, format!("{} and {}", self.low, self.high))
    }

    fn level(self, value: f64) -> Level {
        let (is_low, is_high) = if self.low < self.high {
            (value <= self.low, value >= self.high)
        } else {
            (value >= self.low, value <= self.high)
        };
        if is_low {
            Level::Low
        } else if is_high {
            Level::High
        } else {
            Level::Middle
        }
    }
}

/// What low or high answers do to the outcome, compared with those between.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Potential {
    effect: Estimate,
    standard_error: f64,
    p_value: f64,
    q_value: f64,
    holm_p_value: f64,
}

impl Potential {
    /// By how much the outcome differs, in its own unit, all other attributes being equal; with its t interval.
    pub const fn effect(&self) -> Estimate {
        self.effect
    }

    /// The standard error of the effect.
    pub const fn standard_error(&self) -> f64 {
        self.standard_error
    }

    /// How likely an effect as far from 0 would be if there were none (t test).
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// The p-value adjusted for all penalties and rewards tested (Benjamini and Hochberg): of those with `q` at most 0.05
    /// about 5 % are false.
    pub const fn q_value(&self) -> f64 {
        self.q_value
    }

    /// The p-value adjusted for all penalties and rewards tested (Holm): the chance of even one false one among those at
    /// most 0.05 is at most 0.05.
    pub const fn holm_p_value(&self) -> f64 {
        self.holm_p_value
    }
}

/// The penalty of low answers about one attribute and the reward of high ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Contrast {
    penalty: Potential,
    reward: Potential,
    class: ImpactClass,
}

impl Contrast {
    /// What low answers do: below 0 where they cost satisfaction.
    pub const fn penalty(&self) -> Potential {
        self.penalty
    }

    /// What high answers do: above 0 where they bring satisfaction.
    pub const fn reward(&self) -> Potential {
        self.reward
    }

    fn potentials(&self) -> (f64, f64) {
        // A penalty above 0 or a reward below it is no potential of its kind.
        ((-self.penalty.effect.value()).max(0.0), self.reward.effect.value().max(0.0))
    }

    /// The range of impact on customer satisfaction (RIOCS): reward and size of the penalty together, each 0 where its
    /// sign is the wrong one.
    pub fn range(&self) -> f64 {
        let (penalty, reward) = self.potentials();
        penalty + reward
    }

    /// The satisfaction-generating potential (SGP): the share of the reward in the range; `None` where that is 0.
    pub fn satisfying_share(&self) -> Option<f64> {
        let (penalty, reward) = self.potentials();
        (penalty + reward > 0.0).then(|| reward / (penalty + reward))
    }

    /// The dissatisfaction-generating potential (DGP): the share of the penalty in the range; `None` where that is 0.
    pub fn dissatisfying_share(&self) -> Option<f64> {
        let (penalty, reward) = self.potentials();
        (penalty + reward > 0.0).then(|| penalty / (penalty + reward))
    }

    /// The impact asymmetry (IA), SGP less DGP: from -1, it can only dissatisfy, to 1, it can only delight.
    pub fn asymmetry(&self) -> Option<f64> {
        let (penalty, reward) = self.potentials();
        (penalty + reward > 0.0).then(|| (reward - penalty) / (penalty + reward))
    }

    /// The class by asymmetry, or that nothing could be told from zero.
    pub const fn class(&self) -> ImpactClass {
        self.class
    }
}

/// One attribute: how many answers were low, high and between, and what they do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DriverContrast {
    driver: Tag,
    low: u64,
    middle: u64,
    high: u64,
    contrast: Finding<Contrast>,
}

impl DriverContrast {
    /// The attribute.
    pub const fn driver(&self) -> Tag {
        self.driver
    }

    /// How many answers are low.
    pub const fn low(&self) -> u64 {
        self.low
    }

    /// How many are neither.
    pub const fn middle(&self) -> u64 {
        self.middle
    }

    /// How many are high.
    pub const fn high(&self) -> u64 {
        self.high
    }

    /// Penalty and reward; "too few" where fewer answers than the minimum are low, high, or between. Such an attribute
    /// takes no part in the regression.
    pub const fn contrast(&self) -> &Finding<Contrast> {
        &self.contrast
    }
}

/// What each attribute can cost and what it can bring: a penalty-reward contrast analysis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PenaltyReward {
    drivers: Vec<DriverContrast>,
    priorities: Vec<DriverPriority>,
    r_squared: Option<f64>,
    intercept: Option<f64>,
    tests: usize,
    rows: u64,
    left_out: u64,
    options: DriverOptions,
}

impl PenaltyReward {
    /// The attributes, in the order of the table.
    pub fn drivers(&self) -> &[DriverContrast] {
        &self.drivers
    }

    /// What to mend first: attributes with a penalty, by how much of the outcome all customers together lose by it.
    pub fn priorities(&self) -> &[DriverPriority] {
        &self.priorities
    }

    /// The share of the variance of the outcome that all penalties and rewards explain; `None` where there were too few
    /// answers for any.
    pub const fn r_squared(&self) -> Option<f64> {
        self.r_squared
    }

    /// The outcome expected where no answer is low or high.
    pub const fn intercept(&self) -> Option<f64> {
        self.intercept
    }

    /// How many penalties and rewards were tested; p-values are adjusted for them all.
    pub const fn tests(&self) -> usize {
        self.tests
    }

    /// How many complete rows it rests on.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// How many rows were left out because a driver is missing in them.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How sure it is, and where its lines are drawn.
    pub const fn options(&self) -> DriverOptions {
        self.options
    }
}

impl DriverTable {
    /// Says for each attribute what low answers cost in overall satisfaction and what high ones bring: what must be right
    /// (basic factors), what pays the more the better it is (performance), and what delights (excitement).
    ///
    /// # Arguments
    /// - `outcome`: overall satisfaction, or another number, for each row.
    /// - `cuts`: for each driver, in the order of the table, which answers are low and which high.
    /// - `options`: the level, the minimum of answers, the false discoveries and the lines of the classes.
    ///
    /// # Errors
    /// [`PainError::CutCount`] unless there is one for each driver; [`PainError::ColumnLength`],
    /// [`PainError::OutcomeValue`], [`PainError::TooFewRows`], [`PainError::ConstantOutcome`] as in
    /// [`key_drivers`](Self::key_drivers), and [`PainError::CollinearDriver`] where the low or high answers about a driver
    /// follow from those about drivers before it.
    ///
    /// # Formula
    /// ```text
    /// outcome = a + Σ (penalty_j low_j + reward_j high_j)      low, high: 0 or 1      ordinary least squares
    /// RIOCS = reward + |penalty|    SGP = reward / RIOCS    DGP = |penalty| / RIOCS    IA = SGP - DGP
    /// ```
    ///
    /// # Cost
    /// O(rows drivers²) and O(drivers³).
    ///
    /// # Example
    /// ```
    /// use patronage::Tag;
    /// use patronage::pain::{DriverOptions, DriverTable, ImpactClass, RatingCuts};
    ///
    /// // Who rates cleanliness low is less satisfied by three; who rates it high is no more satisfied than others.
    /// let cleanliness: Vec<f64> = (0..300).map(|row| f64::from(1 + row % 3 * 2)).collect();
    /// let satisfaction: Vec<f64> = (0..300)
    ///     .map(|row| if row % 3 == 0 { 4.0 } else { 7.0 } + f64::from(row % 2))
    ///     .collect();
    /// let table = DriverTable::from_columns([(Tag::literal("cleanliness"), cleanliness.as_slice())])?;
    /// let found = table.penalty_reward(&satisfaction, &[RatingCuts::new(2.0, 4.0)?], &DriverOptions::default())?;
    /// let contrast = found.drivers()[0].contrast().found().ok_or("too few")?;
    /// assert_eq!(format!("{:.2}", contrast.penalty().effect()), "-3.00 [-3.14, -2.86] (95.0 %, n = 300)");
    /// assert_eq!(contrast.class(), ImpactClass::Frustrator);
    /// // A third of all lose three: one each on average.
    /// assert_eq!(format!("{:.1}", found.priorities()[0].priority()), "1.0 [0.8, 1.2] (95.0 %, n = 300)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: D. R. Brandt, "A procedure for identifying value-enhancing service components using customer satisfaction
    /// survey data" (1987); J. Mikulić, D. Prebežac, Managing Service Quality 18 (2008), for the asymmetry.
    pub fn penalty_reward(
        &self,
        outcome: &[f64],
        cuts: &[RatingCuts],
        options: &DriverOptions,
    ) -> Result<PenaltyReward, PainError> {
        let (expected, found) = (self.drivers().len(), cuts.len());
        if expected != found {
            return Err(PainError::CutCount { expected, found });
        }
        let Complete { columns, outcome, rows, left_out } = self.complete(Complete::checked(outcome)?)?;
        let mut answers: Vec<Answers> = columns
            .iter()
            .zip(cuts)
            .enumerate()
            .map(|(place, (column, cuts))| Answers::new(self.driver(place), column, *cuts))
            .collect();
        drop(columns);
        let is_enough = |answers: &Answers| answers.least() >= options.minimum();
        let tested: Vec<Tag> =
            answers.iter().filter(|answers| is_enough(answers)).map(|answers| answers.driver).collect();
        let mut contrasts = Vec::new();
        let mut fitted = None;
        if !tested.is_empty() {
            let coefficients = 2 * tested.len() as u64;
            if rows < coefficients + 2 {
                return Err(PainError::TooFewRows { rows, needed: coefficients + 2 });
            }
            let dummies = answers.iter_mut().filter(|answers| is_enough(answers)).map(Answers::take);
            let mut columns: Vec<Vec<f64>> = dummies.flatten().collect();
            columns.push(outcome);
            let name = |column: usize| tested.get(column / 2).copied().unwrap_or_else(|| self.driver(0));
            let data = standardised(&columns, name, 2 * tested.len())?;
            drop(columns);
            let fit = least_squares::fit(&data, &data.correlations())
                .map_err(|column| PainError::CollinearDriver { driver: name(column) })?;
            contrasts = contrasts_of(&fit, options, rows)?;
            fitted = Some(fit);
        }
        let tests = 2 * contrasts.len();
        let mut contrasts = contrasts.into_iter();
        let drivers: Vec<DriverContrast> = answers
            .iter()
            .map(|answers| {
                let contrast = if is_enough(answers) { contrasts.next() } else { None };
                DriverContrast {
                    driver: answers.driver,
                    low: answers.low,
                    middle: answers.middle,
                    high: answers.high,
                    contrast: contrast.map_or(Finding::TooFew { minimum: options.minimum() }, Finding::Found),
                }
            })
            .collect();
        Ok(PenaltyReward {
            priorities: driver_priority::of(&drivers, rows, options)?,
            drivers,
            r_squared: fitted.as_ref().map(|fit| fit.r_squared),
            intercept: fitted.as_ref().map(|fit| fit.intercept),
            tests,
            rows,
            left_out,
            options: *options,
        })
    }
}

/// The answers about one attribute.
struct Answers {
    driver: Tag,
    low: u64,
    middle: u64,
    high: u64,
    dummies: [Vec<f64>; 2],
}

impl Answers {
    fn new(driver: Tag, column: &[f64], cuts: RatingCuts) -> Self {
        let levels: Vec<Level> = column.iter().map(|&value| cuts.level(value)).collect();
        let count = |level| levels.iter().filter(|&&other| other == level).count() as u64;
        let dummy = |level| levels.iter().map(|&other| f64::from(u8::from(other == level))).collect();
        Self {
            driver,
            low: count(Level::Low),
            middle: count(Level::Middle),
            high: count(Level::High),
            dummies: [dummy(Level::Low), dummy(Level::High)],
        }
    }

    fn least(&self) -> u64 {
        self.low.min(self.middle).min(self.high)
    }

    fn take(&mut self) -> [Vec<f64>; 2] {
        std::mem::take(&mut self.dummies)
    }
}

/// The contrasts of a fit whose coefficients are penalty and reward by turns.
fn contrasts_of(fit: &LeastSquares, options: &DriverOptions, rows: u64) -> Result<Vec<Contrast>, PainError> {
    let p_values: Vec<f64> = (0..fit.coefficients.len()).map(|column| fit.p_value(column)).collect();
    let q_values = proportion::benjamini_hochberg(&p_values);
    let holm = proportion::holm(&p_values);
    let mut potentials = Vec::with_capacity(p_values.len());
    for (column, (&p_value, (&q_value, &holm_p_value))) in
        p_values.iter().zip(q_values.iter().zip(&holm)).enumerate()
    {
        potentials.push(Potential {
            effect: key_drivers::coefficient(fit, column, options, rows)?,
            standard_error: fit.standard_error(column),
            p_value,
            q_value,
            holm_p_value,
        });
    }
    let pairs = potentials.chunks_exact(2).filter_map(|pair| match pair {
        &[penalty, reward] => {
            let contrast = Contrast { penalty, reward, class: ImpactClass::Indistinct };
            Some(Contrast { class: ImpactClass::of(&contrast, options), ..contrast })
        }
        _ => None,
    });
    Ok(pairs.collect())
}

#[cfg(test)]
mod tests;
