use crate::key::IdempotencyKey;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How often a failed delivery is tried, and how long is waited in between: twice as long each time, up to a limit,
/// less a jitter that keeps many failures from coming back at the same instant.
///
/// # Formula
/// ```text
/// delay(attempt) = min(longest, first * 2^(attempt - 1)) * (1 - jitter / 2),  0 <= jitter < 1
/// ```
/// The jitter is taken from the key and the attempt, so that the same failure always waits equally long.
///
/// # Example
/// ```
/// use patronage::IdempotencyKey;
/// use patronage::desk::RetryPolicy;
/// use std::time::Duration;
///
/// let policy = RetryPolicy::new(5, Duration::from_secs(30), Duration::from_secs(3600))?;
/// let third = policy.delay(3, IdempotencyKey::derive(&["n"]));
/// assert!(third > Duration::from_secs(60) && third <= Duration::from_secs(120));
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct RetryPolicy {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

#[derive(Deserialize)]
struct Fields {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

impl TryFrom<Fields> for RetryPolicy {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.attempts, fields.first, fields.longest)
    }
}

impl Default for RetryPolicy {
    /// Ten attempts, from half a minute to six hours apart: about a day in all.
    fn default() -> Self {
        Self { attempts: 10, first: Duration::from_secs(30), longest: Duration::from_secs(6 * 3600) }
    }
}

impl RetryPolicy {
    /// At most `attempts` tries, the second after about `first`, never more than `longest` apart.
    ///
    /// # Errors
    /// [`ValidationError`] when there is no attempt, no first delay, or `longest` is shorter than `first` or longer
    /// than 30 days.
    pub fn new(attempts: u32, first: Duration, longest: Duration) -> Result<Self, ValidationError> {
        if attempts == 0 {
            return Err(ValidationError::new("retry.attempts", "must be at least 1", attempts));
        }
        if first.is_zero() {
            return Err(ValidationError::new("retry.first", "must be longer than nothing", "0 s"));
        }
        if longest < first || longest > Duration::from_secs(30 * 86_400) {
            let shown = format!("{} s", longest.as_secs());
            return Err(ValidationError::new(
                "retry.longest",
                "must be between the first delay and 30 days",
                shown,
            ));
        }
        Ok(Self { attempts, first, longest })
    }

    /// How many tries there are in all.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long to wait after the attempt of this number (from 1) failed.
    pub fn delay(&self, attempt: u32, key: IdempotencyKey) -> Duration {
        let doublings = attempt.saturating_sub(1).min(63);
        let full = self.first.checked_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX));
        let full = full.unwrap_or(self.longest).min(self.longest);
        let derived = IdempotencyKey::derive(&["jitter", &key.to_string(), &attempt.to_string()]);
        // The top 32 bits of a digest, as a number from 0 to just below 1.
        let jitter = f64::from((derived.as_uuid().as_u128() >> 96) as u32) / f64::from(u32::MAX);
        full.mul_f64(1.0 - jitter / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_limit_and_never_overflow() {
        let policy = RetryPolicy::default();
        let key = IdempotencyKey::derive(&["k"]);
        for attempt in [1, 2, 10, 31, 32, 33, 64, u32::MAX] {
            let delay = policy.delay(attempt, key);
            assert!(delay >= policy.first / 2 && delay <= policy.longest, "{attempt}: {delay:?}");
        }
        assert_eq!(policy.delay(4, key), policy.delay(4, key));
        assert_ne!(policy.delay(4, key), policy.delay(4, IdempotencyKey::derive(&["other"])));
    }

    #[test]
    fn refuses_policies_without_sense() {
        let second = Duration::from_secs(1);
        assert!(RetryPolicy::new(0, second, second).is_err());
        assert!(RetryPolicy::new(1, Duration::ZERO, second).is_err());
        assert!(RetryPolicy::new(1, 2 * second, second).is_err());
        assert!(RetryPolicy::new(1, second, Duration::MAX).is_err());
    }
}
