/// Why conversions could not be attributed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttributionError {
    /// A path has not one age for each touch.
    #[error("a path of {touches} touches has {ages} ages")]
    AgeCount {
        /// How many touches.
        touches: usize,
        /// How many ages.
        ages: usize,
    },
    /// Ages must not be negative, and not grow from one touch to the next.
    #[error("the age of touch {touch} is negative or greater than that of the touch before")]
    AgeOrder {
        /// The touch, from 0.
        touch: usize,
    },
    /// The value of conversions must be a number, not negative, and 0 without conversions.
    #[error("the value of a path must be finite and not negative, and 0 where nothing converted")]
    Value,
    /// Counts add up to more than 2^53, beyond which not all of them are numbers of 64-bit floating point.
    #[error("more than 9,007,199,254,740,992 customers")]
    TooMany,
    /// The paths have no ages, but the rule needs them; or only some have.
    #[error("`{rule}` needs the age of every touch")]
    NoAges {
        /// The rule.
        rule: &'static str,
    },
    /// A setting is outside its range.
    #[error("`{setting}` {rule}")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// The rule it broke.
        rule: &'static str,
    },
    /// The Markov chain has too many states, or moves too slowly, to be solved.
    #[error("a Markov chain of {states} states could not be solved; use a lower order or fewer channels")]
    Unsolved {
        /// How many states.
        states: usize,
    },
}
