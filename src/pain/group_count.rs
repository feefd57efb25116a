use super::PainError;
use super::action_effect::ActionEffect;
use crate::measure::{Estimate, Share};
use crate::numeric::proportion::{Proportion, z};
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// How many customers are in a group, and how many of them did what was hoped for: stayed, bought again, were content.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::pain::GroupCount;
///
/// let stayed = GroupCount::new(56, 70)?;
/// let share = stayed.share(Share::new(0.95)?).ok_or("nobody")?;
/// assert_eq!(format!("{share:.3}"), "0.800 [0.692, 0.877] (95.0 %, n = 70)");
/// assert!(GroupCount::new(71, 70).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct GroupCount {
    customers: u64,
    successes: u64,
}

#[derive(Deserialize)]
struct Fields {
    customers: u64,
    successes: u64,
}

impl TryFrom<Fields> for GroupCount {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.successes, fields.customers)
    }
}

impl GroupCount {
    /// So many successes of so many customers.
    ///
    /// # Errors
    /// [`ValidationError`] when there are more successes than customers.
    pub fn new(successes: u64, customers: u64) -> Result<Self, ValidationError> {
        if successes > customers {
            let shown = format!("{successes} of {customers}");
            return Err(ValidationError::new("group.successes", "must be at most the customers", shown));
        }
        Ok(Self { customers, successes })
    }

    /// Counts a customer.
    pub const fn push(&mut self, success: bool) {
        self.customers += 1;
        if success {
            self.successes += 1;
        }
    }

    /// Counts the customers of another count.
    pub const fn merge(&mut self, other: &Self) {
        self.customers += other.customers;
        self.successes += other.successes;
    }

    /// How many customers there are.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// How many of them did what was hoped for.
    pub const fn successes(&self) -> u64 {
        self.successes
    }

    /// Which share did, with its Wilson interval; `None` without customers.
    ///
    /// # Formula
    /// ```text
    /// (p + z²/2n ± z √(p (1 - p) / n + z²/4n²)) / (1 + z²/n)
    /// ```
    ///
    /// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    pub fn share(&self, level: Share) -> Option<Estimate> {
        let seen = self.proportion()?;
        let ends = seen.wilson(z(level.get()));
        Estimate::new(seen.share()?, ends.lower, ends.upper, level, self.customers).ok()
    }

    /// Says what an action did: this group, which got it, against one that was held out.
    ///
    /// # Errors
    /// [`PainError::EmptyGroup`].
    ///
    /// # Formula
    /// Newcombe's interval of the difference of two shares (method 10), and the pooled test of equal shares; where equal
    /// shares would lead one to expect fewer than five in a cell, Fisher's exact test.
    ///
    /// # Cost
    /// Constant; the exact test takes time by the smallest margin.
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::pain::GroupCount;
    ///
    /// // Newcombe (1998), table II, case a.
    /// let called = GroupCount::new(56, 70)?;
    /// let effect = called.against(&GroupCount::new(48, 80)?, Share::new(0.95)?)?;
    /// assert_eq!(format!("{:.4}", effect.difference()), "0.2000 [0.0524, 0.3339] (95.0 %, n = 150)");
    /// assert_eq!(format!("{:.4}", effect.p_value()), "0.0080");
    /// // One of five who are called stays because of it.
    /// assert_eq!(effect.customers_for_one_more().map(f64::round), Some(5.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
    /// eleven methods", Statistics in Medicine 17 (1998).
    pub fn against(&self, held_out: &Self, level: Share) -> Result<ActionEffect, PainError> {
        ActionEffect::of(*self, *held_out, level)
    }

    pub(super) fn proportion(&self) -> Option<Proportion> {
        Proportion::new(self.successes, self.customers)
    }
}
