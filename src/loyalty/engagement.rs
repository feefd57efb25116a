use super::LoyaltyError;
use crate::period::instant;
use crate::validation::ValidationError;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Half-lives after which an item no longer counts: a part in 10^19 of what it was.
const FORGOTTEN: i64 = 64;
/// Weights are kept to this part of the unit of their half-life: 2^-32.
const FRACTION_BITS: i32 = 32;

/// Something a customer did, and how much it says about their engagement.
///
/// # Example
/// ```
/// use patronage::loyalty::Touch;
///
/// assert!(Touch::new("2026-03-01T00:00:00Z".parse()?, 5.0).is_ok());
/// let refused = Touch::new("2026-03-01T00:00:00Z".parse()?, 0.0).unwrap_err();
/// assert_eq!(refused.to_string(), "touch.weight: must be from -1e6 to 1e6 and not 0, got `0`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TouchFields")]
pub struct Touch {
    at: DateTime<Utc>,
    weight: f64,
}

#[derive(Deserialize)]
struct TouchFields {
    at: DateTime<Utc>,
    weight: f64,
}

impl TryFrom<TouchFields> for Touch {
    type Error = ValidationError;

    fn try_from(fields: TouchFields) -> Result<Self, ValidationError> {
        Self::new(fields.at, fields.weight)
    }
}

impl Touch {
    /// When it was, and its weight: what it adds to the score at that instant. A negative weight takes from the score.
    ///
    /// # Errors
    /// [`ValidationError`] when the weight is 0 (it would say nothing), not finite or beyond a million, or the instant lies
    /// outside the years 1 to 9999.
    pub fn new(at: DateTime<Utc>, weight: f64) -> Result<Self, ValidationError> {
        if !(-1e6..=1e6).contains(&weight) || weight.abs() <= 0.0 {
            let rule = "must be from -1e6 to 1e6 and not 0";
            return Err(ValidationError::new("touch.weight", rule, weight));
        }
        Ok(Self { at: instant("touch.at", at)?, weight })
    }

    /// When it was.
    pub const fn at(self) -> DateTime<Utc> {
        self.at
    }

    /// What it added to the score then.
    pub const fn weight(self) -> f64 {
        self.weight
    }
}

/// Says how engaged a customer is: the sum of what they did, each item worth half as much after each half-life.
///
/// # Formula
/// ```text
/// E(t) = sum of w_i 2^(-(t - t_i) / half-life)
/// ```
/// Items are kept as whole multiples of 2^-32, added up for each half-life on the calendar; whole numbers make no rounding,
/// so that a score is the same to the last bit in whatever order items are pushed and scores are merged. An item 64
/// half-lives older than the newest one counts nothing.
///
/// # Cost
/// An update, a merge and an answer take time and memory by the half-lives in which something happened, at most 65; adding
/// to the newest one is constant.
///
/// # Example
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use patronage::loyalty::{EngagementScore, Touch};
///
/// let at = |text: &str| text.parse::<DateTime<Utc>>();
/// let mut score = EngagementScore::new(TimeDelta::days(30))?;
/// score.push(Touch::new(at("2026-01-01T00:00:00Z")?, 8.0)?);
/// score.push(Touch::new(at("2026-01-31T00:00:00Z")?, 2.0)?);
/// // Two half-lives after the first and one after the second: 8 / 4 + 2 / 2.
/// assert!((score.at(at("2026-03-02T00:00:00Z")?)? - 3.0).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct EngagementScore {
    half_life: TimeDelta,
    last: Option<DateTime<Utc>>,
    /// Sums of the half-lives in which something happened, ascending, in units of 2^(half-life - 32).
    sums: Vec<(i64, i128)>,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    half_life_micros: i64,
    last: Option<DateTime<Utc>>,
    sums: Vec<(i64, i128)>,
}

impl From<EngagementScore> for Parts {
    fn from(score: EngagementScore) -> Self {
        let half_life_micros = score.half_life.num_microseconds().unwrap_or(i64::MAX);
        Self { half_life_micros, last: score.last, sums: score.sums }
    }
}

impl TryFrom<Parts> for EngagementScore {
    type Error = LoyaltyError;

    fn try_from(parts: Parts) -> Result<Self, LoyaltyError> {
        let empty = Self::new(TimeDelta::microseconds(parts.half_life_micros))?;
        let last = parts.last.map(|last| instant("engagement.last", last)).transpose()?;
        let score = Self { last, sums: parts.sums, ..empty };
        let newest = score.sums.last().map(|&(block, _)| block);
        let ascending = score.sums.is_sorted_by(|(one, _), (other, _)| one < other);
        let kept = score.sums.iter().all(|&(block, sum)| {
            newest.is_some_and(|newest| newest.saturating_sub(block) <= FORGOTTEN)
                && sum.unsigned_abs() < 1 << 120
        });
        if ascending && kept && newest == last.map(|last| score.place(last).0) {
            Ok(score)
        } else {
            Err(LoyaltyError::Different { part: "half-lives that are kept" })
        }
    }
}

/// A score, and what each item contributes to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EngagementExplanation {
    /// The score.
    pub score: f64,
    /// What each item contributes, in the order of the input. They sum up to the score but for the rounding of the sum.
    pub contributions: Vec<f64>,
}

impl EngagementScore {
    /// A score of nothing so far.
    ///
    /// # Errors
    /// [`ValidationError`] when the half-life is shorter than a minute or longer than a hundred years.
    pub fn new(half_life: TimeDelta) -> Result<Self, ValidationError> {
        if half_life < TimeDelta::minutes(1) || half_life > TimeDelta::days(36_525) {
            let rule = "must be from a minute to 36,525 days";
            return Err(ValidationError::new("engagement.half_life", rule, half_life));
        }
        Ok(Self { half_life, last: None, sums: Vec::new() })
    }

    /// Takes in what a customer did, at any time and in any order.
    pub fn push(&mut self, touch: Touch) {
        let (block, value) = self.kept(touch);
        self.add(block, value);
        self.forget();
        self.last = self.last.max(Some(touch.at));
    }

    /// Takes in everything another score was made of.
    ///
    /// # Errors
    /// [`LoyaltyError::Different`] when its half-life is another.
    pub fn merge(&mut self, other: &Self) -> Result<(), LoyaltyError> {
        if self.half_life != other.half_life {
            return Err(LoyaltyError::Different { part: "half-life" });
        }
        for &(block, sum) in &other.sums {
            self.add(block, sum);
        }
        self.forget();
        self.last = self.last.max(other.last);
        Ok(())
    }

    /// The score at an instant; 0 for someone who never did anything.
    ///
    /// # Errors
    /// [`LoyaltyError::ItemAfter`] when the last item is later.
    pub fn at(&self, as_of: DateTime<Utc>) -> Result<f64, LoyaltyError> {
        if let Some(last) = self.last.filter(|&last| last > as_of) {
            return Err(LoyaltyError::ItemAfter { last, as_of });
        }
        let now = self.place(as_of);
        // The smallest first, and 0 instead of -0.
        Ok(self.sums.iter().map(|&(block, sum)| scaled(block, sum, now)).fold(0.0, |sum, part| sum + part))
    }

    /// The score of these items alone, and what each contributes.
    ///
    /// # Errors
    /// [`LoyaltyError::ItemAfter`].
    ///
    /// # Example
    /// ```
    /// use chrono::{DateTime, TimeDelta, Utc};
    /// use patronage::loyalty::{EngagementScore, Touch};
    ///
    /// let now: DateTime<Utc> = "2026-03-02T00:00:00Z".parse()?;
    /// let touches = [Touch::new(now - TimeDelta::days(60), 8.0)?, Touch::new(now - TimeDelta::days(30), -1.0)?];
    /// let explained = EngagementScore::new(TimeDelta::days(30))?.explain(&touches, now)?;
    /// assert!((explained.score - 1.5).abs() < 1e-9);
    /// assert!((explained.contributions[1] + 0.5).abs() < 1e-9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn explain(
        &self,
        touches: &[Touch],
        as_of: DateTime<Utc>,
    ) -> Result<EngagementExplanation, LoyaltyError> {
        let mut alone = Self { half_life: self.half_life, last: None, sums: Vec::new() };
        for &touch in touches {
            alone.push(touch);
        }
        let (score, now) = (alone.at(as_of)?, self.place(as_of));
        let oldest = alone.sums.first().map_or(i64::MIN, |&(block, _)| block);
        let contributions = touches
            .iter()
            .map(|&touch| {
                let (block, value) = self.kept(touch);
                if block < oldest { 0.0 } else { scaled(block, value, now) }
            })
            .collect();
        Ok(EngagementExplanation { score, contributions })
    }

    /// After how long an item is worth half.
    pub const fn half_life(&self) -> TimeDelta {
        self.half_life
    }

    /// When the last item was.
    pub const fn last(&self) -> Option<DateTime<Utc>> {
        self.last
    }

    /// The half-life an instant lies in, and how far into it.
    fn place(&self, at: DateTime<Utc>) -> (i64, f64) {
        // At least a minute.
        let length = self.half_life.num_microseconds().unwrap_or(i64::MAX).max(1);
        let micros = at.timestamp_micros();
        #[expect(clippy::cast_precision_loss, reason = "a hundred years are below 2^53 microseconds")]
        let part = micros.rem_euclid(length) as f64 / length as f64;
        (micros.div_euclid(length), part)
    }

    /// An item as it is kept: below 2^53, so that the float is whole.
    fn kept(&self, touch: Touch) -> (i64, i128) {
        let (block, part) = self.place(touch.at);
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
        let value = libm::rint(libm::ldexp(touch.weight * libm::exp2(part), FRACTION_BITS)) as i64;
        (block, i128::from(value))
    }

    fn add(&mut self, block: i64, value: i128) {
        // What is new is mostly the newest.
        if let Some((newest, sum)) = self.sums.last_mut()
            && *newest == block
        {
            *sum += value;
            return;
        }
        match self.sums.binary_search_by_key(&block, |&(block, _)| block) {
            Ok(place) => {
                if let Some((_, sum)) = self.sums.get_mut(place) {
                    *sum += value;
                }
            }
            Err(place) => self.sums.insert(place, (block, value)),
        }
    }

    fn forget(&mut self) {
        let newest = self.sums.last().map_or(0, |&(block, _)| block);
        let old = self.sums.partition_point(|&(block, _)| block < newest - FORGOTTEN);
        self.sums.drain(..old);
    }
}

/// What a sum of a half-life is worth at a later instant.
fn scaled(block: i64, sum: i128, (now, part): (i64, f64)) -> f64 {
    let halvings = i32::try_from(block - now).unwrap_or(i32::MIN).max(-2_000);
    #[expect(
        clippy::cast_precision_loss,
        reason = "rounded once, the same way in whatever order it was summed"
    )]
    let sum = sum as f64;
    libm::ldexp(sum * libm::exp2(-part), halvings - FRACTION_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(touches: &[Touch]) -> EngagementScore {
        let mut score = EngagementScore::new(TimeDelta::days(30)).unwrap();
        for &touch in touches {
            score.push(touch);
        }
        score
    }

    fn some_touches() -> impl Strategy<Value = Vec<Touch>> {
        let weight = prop_oneof![1e-3..1e3, -50.0..-0.1, Just(1e6)];
        let touch = (0_i64..4_000 * 86_400, weight)
            .prop_map(|(at, weight)| Touch::new(DateTime::from_timestamp(at, 0).unwrap(), weight).unwrap());
        prop::collection::vec(touch, 0..60)
    }

    fn later() -> DateTime<Utc> {
        DateTime::from_timestamp(4_010 * 86_400, 0).unwrap()
    }

    proptest! {
        #[test]
        fn no_order_changes_a_bit(touches in some_touches(), cut in 0_usize..60, turn in 0_usize..60) {
            let whole = of(&touches);
            let mut turned = touches.clone();
            turned.rotate_left(turn.min(touches.len()));
            turned.reverse();
            prop_assert_eq!(&of(&turned), &whole);
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(&serde_json::from_str::<EngagementScore>(&text).unwrap(), &whole);
            let (one, other) = turned.split_at(cut.min(turned.len()));
            let mut merged = of(other);
            merged.merge(&of(one)).unwrap();
            prop_assert_eq!(&merged, &whole);
            prop_assert_eq!(merged.at(later()).unwrap().to_bits(), whole.at(later()).unwrap().to_bits());
        }

        #[test]
        fn contributions_sum_to_the_score_of_the_formula(touches in some_touches()) {
            let explained = of(&[]).explain(&touches, later()).unwrap();
            prop_assert_eq!(explained.score.to_bits(), of(&touches).at(later()).unwrap().to_bits());
            let size: f64 = explained.contributions.iter().map(|part| part.abs()).sum();
            let sum: f64 = explained.contributions.iter().sum();
            prop_assert!((sum - explained.score).abs() <= 1e-13 * size, "{} {}", sum, explained.score);
            for (touch, part) in touches.iter().zip(&explained.contributions) {
                let days = (later() - touch.at()).as_seconds_f64() / 86_400.0;
                let truth = touch.weight() * (-days / 30.0).exp2();
                prop_assert!((part - truth).abs() <= 1e-9 * truth.abs() + 1e-9, "{} {}", part, truth);
            }
        }
    }

    #[test]
    fn refuses_what_says_nothing() {
        let at = DateTime::UNIX_EPOCH;
        for weight in [0.0, -0.0, f64::NAN, f64::INFINITY, 1.1e6] {
            assert!(Touch::new(at, weight).is_err(), "{weight}");
        }
        for half_life in [TimeDelta::zero(), TimeDelta::days(-3), TimeDelta::MAX] {
            assert!(EngagementScore::new(half_life).is_err());
        }
        let score = of(&[Touch::new(at + TimeDelta::days(1), 1.0).unwrap()]);
        assert!(matches!(score.at(at), Err(LoyaltyError::ItemAfter { .. })));
        let mut other = EngagementScore::new(TimeDelta::days(31)).unwrap();
        assert_eq!(other.merge(&score), Err(LoyaltyError::Different { part: "half-life" }));
        assert_eq!(of(&[]).at(at).unwrap().to_bits(), 0);
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let at = |days| DateTime::UNIX_EPOCH + TimeDelta::days(days);
        let old = Touch::new(at(0), 1e6).unwrap();
        let new = Touch::new(at(30 * 70), 1.0).unwrap();
        assert_eq!(of(&[old, new]), of(&[new, old]));
        let explained = of(&[]).explain(&[old, new], at(30 * 70)).unwrap();
        assert_eq!(explained.contributions, [0.0, 1.0]);
    }
}
