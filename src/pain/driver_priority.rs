use super::penalty_reward::DriverContrast;
use super::{DriverOptions, PainError};
use crate::measure::Estimate;
use crate::numeric::proportion::Proportion;
use crate::tag::Tag;
use crate::validation::ValidationError;
use serde::Serialize;

/// What one attribute costs all customers together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DriverPriority {
    driver: Tag,
    prevalence: Estimate,
    impact: Estimate,
    priority: Estimate,
}

impl DriverPriority {
    /// The attribute.
    pub const fn driver(&self) -> Tag {
        self.driver
    }

    /// The share of low answers, with its Wilson interval.
    pub const fn prevalence(&self) -> Estimate {
        self.prevalence
    }

    /// What a low answer costs, in the unit of the outcome: minus the penalty.
    pub const fn impact(&self) -> Estimate {
        self.impact
    }

    /// What it costs a customer on average: prevalence times impact. See [`priority`].
    pub const fn priority(&self) -> Estimate {
        self.priority
    }
}

/// How much a problem costs on average: how common it is, times what it costs those who have it.
///
/// # Arguments
/// - `prevalence`: the share of customers who have it.
/// - `impact`: what it costs each of them, in any unit.
///
/// # Returns
/// The product in the unit of `impact`, at the level and with the n of `prevalence`.
///
/// # Errors
/// [`ValidationError`] when the estimates are of different levels.
///
/// # Formula
/// ```text
/// s i      from s i - √((i (s - s_lower))² + (s (i - i_lower))²)      to s i + √((i (s_upper - s))² + (s (i_upper - i))²)
/// ```
/// (with the ends of s exchanged where i is below 0): the distances of the ends, squared and added, as of independent
/// estimates. A share and a regression coefficient of the same rows are nearly so.
///
/// # Example
/// ```
/// use patronage::pain::priority;
/// use patronage::{Estimate, Share};
///
/// let level = Share::new(0.95)?;
/// let prevalence = Estimate::new(0.2, 0.16, 0.25, level, 400)?;
/// let impact = Estimate::new(1.5, 1.1, 1.9, level, 400)?;
/// assert_eq!(format!("{:.2}", priority(&prevalence, &impact)?), "0.30 [0.20, 0.41] (95.0 %, n = 400)");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: R. G. Newcombe, "Propagating imprecision: combining confidence intervals from independent sources",
/// Communications in Statistics 40 (2011).
pub fn priority(prevalence: &Estimate, impact: &Estimate) -> Result<Estimate, ValidationError> {
    if prevalence.level() != impact.level() {
        let levels = format!("{} and {}", prevalence.level(), impact.level());
        return Err(ValidationError::new("estimate.level", "must be the same", levels));
    }
    let (share, cost) = (prevalence.value(), impact.value());
    let (mut below, mut above) = (share - prevalence.lower(), prevalence.upper() - share);
    if cost < 0.0 {
        std::mem::swap(&mut below, &mut above);
    }
    let away = |one: f64, other: f64| (one * one + other * other).sqrt();
    let value = share * cost;
    let lower = value - away(cost * below, share * (cost - impact.lower()));
    let upper = value + away(cost * above, share * (impact.upper() - cost));
    Estimate::new(value, lower, upper, prevalence.level(), prevalence.n())
}

/// The attributes of which a penalty is known, those that cost most first.
pub(super) fn of(
    drivers: &[DriverContrast],
    rows: u64,
    options: &DriverOptions,
) -> Result<Vec<DriverPriority>, PainError> {
    let mut found = Vec::new();
    for driver in drivers {
        let Some((contrast, low)) = driver.contrast().found().zip(Proportion::new(driver.low(), rows)) else {
            continue;
        };
        let (penalty, ends) = (contrast.penalty().effect(), low.wilson(options.z()));
        let share = low.share().unwrap_or(0.0);
        let prevalence = Estimate::new(share, ends.lower, ends.upper, options.level(), rows)?;
        let impact =
            Estimate::new(-penalty.value(), -penalty.upper(), -penalty.lower(), options.level(), rows)?;
        let priority = priority(&prevalence, &impact)?;
        found.push(DriverPriority { driver: driver.driver(), prevalence, impact, priority });
    }
    found.sort_by(|a, b| b.priority.value().total_cmp(&a.priority.value()));
    Ok(found)
}
