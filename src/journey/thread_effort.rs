use super::{JourneyError, Thread};
use serde::{Deserialize, Serialize};

/// The weights of what makes dealing with a company an effort. The score of a thread is their sum.
///
/// Which things count is known (repeat contacts, switches of channel, transfers, repeating oneself, waiting); how much
/// each counts is not. The default is a convention, and should be fitted to what customers say where they say it.
///
/// # Example
/// ```
/// use patronage::journey::EffortWeights;
///
/// assert_eq!(EffortWeights::default().repeat_contact, 1.0);
/// ```
///
/// Source: M. Dixon, N. Toman, R. DeLisi, "The Effortless Experience" (2013), for what counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EffortWeights {
    /// For each contact after the first.
    pub repeat_contact: f64,
    /// For each switch of channel.
    pub switch: f64,
    /// For each time the customer was handed on.
    pub transfer: f64,
    /// For each time another agent had to be told again.
    pub other_agent: f64,
    /// For each hour waited.
    pub waited_hour: f64,
}

impl Default for EffortWeights {
    /// One for each, and one for each hour.
    fn default() -> Self {
        Self { repeat_contact: 1.0, switch: 1.0, transfer: 1.0, other_agent: 1.0, waited_hour: 1.0 }
    }
}

/// What a thread cost the customer, as told by what happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BehaviouralEffort {
    /// The weighted sum: 0 is effortless, there is no upper end.
    pub score: f64,
    /// Whether the wait of every interaction was known; where not, the score is too low rather than too high.
    pub waits_known: bool,
}

impl Thread {
    /// How much effort the matter was to the customer, by what happened.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] for a weight that is negative or not finite.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of waiting need no 53 bits")]
    pub fn effort(&self, weights: &EffortWeights) -> Result<BehaviouralEffort, JourneyError> {
        let EffortWeights { repeat_contact, switch, transfer, other_agent, waited_hour } = *weights;
        let terms = [
            (repeat_contact, f64::from(self.contacts.saturating_sub(1))),
            (switch, f64::from(self.switches)),
            (transfer, f64::from(self.transfers)),
            (other_agent, f64::from(self.other_agents)),
            (waited_hour, self.waited_ms as f64 / 3_600_000.0),
        ];
        if terms.iter().any(|(weight, _)| !weight.is_finite() || *weight < 0.0) {
            return Err(JourneyError::Setting { setting: "weight", rule: "must be finite and not negative" });
        }
        let score: f64 = terms.iter().map(|(weight, times)| weight * times).sum();
        if !score.is_finite() {
            return Err(JourneyError::Setting {
                setting: "weight",
                rule: "must not make the score infinite",
            });
        }
        Ok(BehaviouralEffort { score, waits_known: self.known_waits >= self.contacts })
    }
}
