use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

/// When a customer's own rhythm counts as slowed down: which slowing is looked for, and how rarely a false alarm may come.
///
/// # Formula
/// ```text
/// after each gap        C <- max(0, C + a E - b),   a = 1 - 1/r,   b = ln r
/// during a silence      alarm once C + a E(silence) >= h
/// gaps between alarms   ARL(h) = sum over k of (-1)^k I_k((h - k b) / a),   I_k(s) = integral from 0 to s of x^k e^x / k! dx
/// ```
/// E is the gap in units of the customer's own rhythm (see [`Rhythm`](super::Rhythm)), r the slowing looked for. The
/// threshold h is chosen so that ARL(h), the mean number of gaps from one false alarm to the next for a customer whose rhythm
/// does not change, is the one asked for. It is exact where gaps are exponential, of any unknown mean: customers who buy at
/// random times. Those who buy more regularly give fewer false alarms, those who buy in bursts more.
///
/// The sum is the mean time in which a process that rises by a and falls by b at random instants, and never below 0, first
/// reaches h (the integral of its scale function).
///
/// Source: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954); G. Lorden, "Procedures for reacting to a change
/// in distribution", Annals of Mathematical Statistics 42 (1971); A. E. Kyprianou, "Fluctuations of Lévy processes" (2014),
/// chapter 8.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct RhythmRule {
    slowing: f64,
    gaps_per_false_alarm: f64,
    rise: f64,
    fall: f64,
    threshold: f64,
}

#[derive(Serialize, Deserialize)]
struct Fields {
    slowing: f64,
    gaps_per_false_alarm: f64,
}

impl TryFrom<Fields> for RhythmRule {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.slowing, fields.gaps_per_false_alarm)
    }
}

impl From<RhythmRule> for Fields {
    fn from(rule: RhythmRule) -> Self {
        Self { slowing: rule.slowing, gaps_per_false_alarm: rule.gaps_per_false_alarm }
    }
}

impl RhythmRule {
    /// Looks for gaps that have become `slowing` times as long, with a false alarm every `gaps_per_false_alarm` gaps on
    /// average.
    ///
    /// # Errors
    /// [`ValidationError`] when the slowing is not from 1.25 to 10, or the gaps are not from 10 to 10,000.
    ///
    /// # Cost
    /// Some hundred sums of a few terms; make it once.
    ///
    /// # Example
    /// ```
    /// use patronage::loyalty::RhythmRule;
    ///
    /// let rule = RhythmRule::new(3.0, 100.0)?;
    /// assert_eq!(format!("{:.4}", rule.threshold()), "3.5103");
    /// // A customer who slows down to a third is noticed after 9.5 of their old gaps, one who is gone after 5.3.
    /// assert_eq!(format!("{:.1}", rule.gaps_to_alarm(3.0)), "9.5");
    /// assert_eq!(format!("{:.1}", rule.gaps_to_alarm(f64::INFINITY)), "5.3");
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    pub fn new(slowing: f64, gaps_per_false_alarm: f64) -> Result<Self, ValidationError> {
        if !(1.25..=10.0).contains(&slowing) {
            return Err(ValidationError::new("rhythm.slowing", "must be from 1.25 to 10", slowing));
        }
        if !(10.0..=10_000.0).contains(&gaps_per_false_alarm) {
            let rule = "must be from 10 to 10,000";
            return Err(ValidationError::new("rhythm.gaps_per_false_alarm", rule, gaps_per_false_alarm));
        }
        let (rise, fall) = (1.0 - 1.0 / slowing, libm::log(slowing));
        // From below in small steps: far above the solution the terms of the sum cancel each other.
        let mut low = 0.0;
        while run_length(low + 0.125, rise, fall) < gaps_per_false_alarm {
            low += 0.125;
        }
        let mut high = low + 0.125;
        // Halved to the last bit.
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if run_length(middle, rise, fall) < gaps_per_false_alarm {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(Self { slowing, gaps_per_false_alarm, rise, fall, threshold: high })
    }

    /// How many times as long gaps become by the slowing that is looked for.
    pub const fn slowing(&self) -> f64 {
        self.slowing
    }

    /// How many gaps there are on average from one false alarm to the next.
    pub const fn gaps_per_false_alarm(&self) -> f64 {
        self.gaps_per_false_alarm
    }

    /// The threshold h that follows from both.
    pub const fn threshold(&self) -> f64 {
        self.threshold
    }

    /// How long it takes on average until the alarm, in mean gaps of before, when gaps become `slowed` times as long: for a
    /// customer whose rhythm is long known and whom nothing spoke against so far. Infinite stands for someone who is gone.
    ///
    /// Below 1 (gaps become shorter) and NaN count as 1.
    pub fn gaps_to_alarm(&self, slowed: f64) -> f64 {
        let slowed = slowed.max(1.0);
        let straight = self.threshold / self.rise;
        // A slow customer comes back before the alarm so rarely that only the straight way is left; the sum would be
        // large times tiny.
        if slowed > 1e6 {
            return straight;
        }
        slowed * run_length(self.threshold, self.rise * slowed, self.fall)
    }

    pub(super) const fn rise(&self) -> f64 {
        self.rise
    }

    pub(super) const fn fall(&self) -> f64 {
        self.fall
    }
}

/// The mean time until a process first reaches `threshold` that begins at 0, rises by `rise` in a unit of time, and falls
/// by `fall`, but not below 0, once in a unit of time on average, at random.
fn run_length(threshold: f64, rise: f64, fall: f64) -> f64 {
    let (mut sum, mut k) = (0.0, 0_u32);
    loop {
        let left = threshold - f64::from(k) * fall;
        if left <= 0.0 {
            return sum;
        }
        let s = left / rise;
        // I_k = s^k e^s / k! - I_(k - 1),  I_0 = e^s - 1.
        let (mut integral, mut term) = (libm::expm1(s), libm::exp(s));
        for step in 1..=k {
            term *= s / f64::from(step);
            integral = term - integral;
        }
        sum += if k.is_multiple_of(2) { integral } else { -integral };
        k += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thresholds by bisection of the sum in Python's decimal arithmetic of 60 digits.
    #[test]
    fn thresholds_keep_the_promised_rate() {
        for slowing in [1.25, 1.5, 2.0, 3.0, 5.0, 10.0] {
            for every in [10.0, 20.0, 100.0, 1000.0, 10_000.0] {
                let rule = RhythmRule::new(slowing, every).unwrap();
                let ours = run_length(rule.threshold, rule.rise, rule.fall);
                assert!((ours / every - 1.0).abs() < 1e-3, "{slowing} {every}: {ours}");
                assert!(rule.gaps_to_alarm(slowing) < every);
            }
        }
        for (slowing, every, threshold) in [
            (2.0, 100.0, 2.926_112_747_649),
            (3.0, 1000.0, 5.721_669_591_931),
            (5.0, 20.0, 2.482_692_051_762),
        ] {
            let ours = RhythmRule::new(slowing, every).unwrap().threshold();
            assert!((ours - threshold).abs() < 1e-10, "{ours} {threshold}");
        }
        // Where most digits cancel: a slight slowing, and alarms as rare as can be.
        let hardest = RhythmRule::new(1.25, 10_000.0).unwrap().threshold();
        assert!((hardest - 5.397_533_599_996).abs() < 1e-5, "{hardest}");
    }

    #[test]
    fn the_way_to_someone_gone_is_straight() {
        let rule = RhythmRule::new(2.0, 100.0).unwrap();
        assert!((rule.gaps_to_alarm(1e6) / rule.gaps_to_alarm(f64::INFINITY) - 1.0).abs() < 1e-5);
        assert!((rule.gaps_to_alarm(0.3) - 100.0).abs() < 1e-9);
        assert!((rule.gaps_to_alarm(f64::NAN) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn refuses_what_cannot_be_promised() {
        for (slowing, every) in
            [(1.0, 100.0), (f64::NAN, 100.0), (-2.0, 100.0), (2.0, 0.0), (2.0, f64::INFINITY), (11.0, 20.0)]
        {
            assert!(RhythmRule::new(slowing, every).is_err(), "{slowing} {every}");
        }
        assert!(serde_json::from_str::<RhythmRule>(r#"{"slowing":0,"gaps_per_false_alarm":9}"#).is_err());
        let rule = RhythmRule::new(2.0, 100.0).unwrap();
        let text = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<RhythmRule>(&text).unwrap(), rule);
    }
}
