use super::report::between_0_and_1;
use crate::measure::Share;
use crate::numeric::{proportion, student};
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// How sure an analysis of drivers must be, and where its lines are drawn.
///
/// | field | default | meaning |
/// |---|---|---|
/// | `level` | 0.95 | how often intervals enclose the truth |
/// | `minimum` | 30 | fewer low, high or middle answers, and penalty and reward say "too few" |
/// | `false_discoveries` | 0.05 | a penalty or reward with a q-value above this is not told from zero |
/// | `hybrid_up_to` | 0.1 | an impact asymmetry up to this far from 0 is a performance factor |
/// | `extreme_above` | 0.4 | one beyond this is a frustrator or a delighter |
/// | `replicates` | 1000 | how often rows are drawn again for the intervals of importance |
/// | `seed` | 0 | of these draws |
///
/// The lines of the asymmetry are a convention of those who apply it, not a law: practice differs (T. Albayrak, M.
/// Caber, 2013). Draw your own where you have reasons, and state them.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::pain::DriverOptions;
///
/// let options = DriverOptions::default().with_level(Share::new(0.9)?)?.with_replicates(200, 7)?;
/// assert_eq!((options.replicates(), options.seed()), (200, 7));
/// assert!(options.with_asymmetry(0.4, 0.1).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct DriverOptions(Fields);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "DriverOptions", default, deny_unknown_fields)]
struct Fields {
    level: Share,
    minimum: u64,
    false_discoveries: Share,
    hybrid_up_to: f64,
    extreme_above: f64,
    replicates: u32,
    seed: u64,
}

impl Default for Fields {
    fn default() -> Self {
        let share = |value| Share::new(value).unwrap_or_default();
        Self {
            level: share(0.95),
            minimum: 30,
            false_discoveries: share(0.05),
            hybrid_up_to: 0.1,
            extreme_above: 0.4,
            replicates: 1000,
            seed: 0,
        }
    }
}

impl From<DriverOptions> for Fields {
    fn from(options: DriverOptions) -> Self {
        options.0
    }
}

/// Fewer draws have no 2.5th percentile.
const FEWEST_REPLICATES: u32 = 40;

impl TryFrom<Fields> for DriverOptions {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        between_0_and_1("driver_options.level", fields.level)?;
        between_0_and_1("driver_options.false_discoveries", fields.false_discoveries)?;
        if fields.minimum == 0 {
            return Err(ValidationError::new("driver_options.minimum", "must be at least 1", fields.minimum));
        }
        let (hybrid, extreme) = (fields.hybrid_up_to, fields.extreme_above);
        if !(0.0 <= hybrid && hybrid <= extreme && extreme <= 1.0) {
            return Err(ValidationError::new(
                "driver_options.hybrid_up_to",
                "must lie between 0 and `extreme_above`, and that at most at 1",
                format!("{hybrid} and {extreme}"),
            ));
        }
        if fields.replicates < FEWEST_REPLICATES {
            return Err(ValidationError::new(
                "driver_options.replicates",
                "must be at least 40",
                fields.replicates,
            ));
        }
        Ok(Self(fields))
    }
}

impl DriverOptions {
    /// Intervals shall enclose the truth this often.
    ///
    /// # Errors
    /// [`ValidationError`] for 0 and 1.
    pub fn with_level(self, level: Share) -> Result<Self, ValidationError> {
        Self::try_from(Fields { level, ..self.0 })
    }

    /// Fewer answers of a kind than this are too few.
    ///
    /// # Errors
    /// [`ValidationError`] for 0.
    pub fn with_minimum(self, minimum: u64) -> Result<Self, ValidationError> {
        Self::try_from(Fields { minimum, ..self.0 })
    }

    /// Of the penalties and rewards that are told from zero so many may be false.
    ///
    /// # Errors
    /// [`ValidationError`] for 0 and 1.
    pub fn with_false_discoveries(self, share: Share) -> Result<Self, ValidationError> {
        Self::try_from(Fields { false_discoveries: share, ..self.0 })
    }

    /// An impact asymmetry up to `hybrid_up_to` from 0 is a performance factor, one beyond `extreme_above` a frustrator
    /// or a delighter.
    ///
    /// # Errors
    /// [`ValidationError`] unless `0 <= hybrid_up_to <= extreme_above <= 1`.
    pub fn with_asymmetry(self, hybrid_up_to: f64, extreme_above: f64) -> Result<Self, ValidationError> {
        Self::try_from(Fields { hybrid_up_to, extreme_above, ..self.0 })
    }

    /// Rows are drawn again so often, by this seed.
    ///
    /// # Errors
    /// [`ValidationError`] for fewer than 40.
    pub fn with_replicates(self, replicates: u32, seed: u64) -> Result<Self, ValidationError> {
        Self::try_from(Fields { replicates, seed, ..self.0 })
    }

    /// How often intervals enclose the truth.
    pub const fn level(&self) -> Share {
        self.0.level
    }

    /// Fewer answers of a kind are too few.
    pub const fn minimum(&self) -> u64 {
        self.0.minimum
    }

    /// How large a share of what is told from zero may be false.
    pub const fn false_discoveries(&self) -> Share {
        self.0.false_discoveries
    }

    /// Up to where an impact asymmetry is that of a performance factor.
    pub const fn hybrid_up_to(&self) -> f64 {
        self.0.hybrid_up_to
    }

    /// Beyond where an impact asymmetry is that of a frustrator or delighter.
    pub const fn extreme_above(&self) -> f64 {
        self.0.extreme_above
    }

    /// How often rows are drawn again.
    pub const fn replicates(&self) -> u32 {
        self.0.replicates
    }

    /// The seed of the draws.
    pub const fn seed(&self) -> u64 {
        self.0.seed
    }

    /// Standard errors on either side, for an estimate that is normal.
    pub(super) fn z(&self) -> f64 {
        proportion::z(self.level().get())
    }

    /// Standard errors on either side, for a coefficient of least squares.
    pub(super) fn t(&self, degrees: f64) -> f64 {
        student::quantile(self.level().get(), degrees)
    }
}
