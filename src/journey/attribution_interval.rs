//! How sure credits are, and how they move from one model to another.

use super::{Attribution, AttributionModel, ConversionPaths, JourneyError, PathOutcome};
use crate::measure::{Estimate, Share};
use crate::numeric::split_mix::SplitMix;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// The credits of several models side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributionTable {
    channels: Vec<u16>,
    models: Vec<Attribution>,
}

/// One channel by several models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttributionRow {
    /// The channel.
    pub channel: u16,
    /// Its conversions by each model, in the order the models were given.
    pub conversions: Vec<f64>,
    /// The least of them.
    pub least: f64,
    /// The most of them.
    pub most: f64,
}

/// The credit of one channel, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CreditInterval {
    /// The channel.
    pub channel: u16,
    /// Its conversions, with the interval of the draws; `n` counts the customers.
    pub conversions: Estimate,
}

/// How sure the credits of a model are, and how that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttributionBootstrap {
    model: AttributionModel,
    repeats: u32,
    seed: u64,
    level: Share,
    attributed: u64,
    unattributed: u64,
    nulls: u64,
    ties: u64,
    credits: Vec<CreditInterval>,
}

impl AttributionBootstrap {
    /// The model that gave the credit.
    pub const fn model(&self) -> AttributionModel {
        self.model
    }

    /// How often customers were drawn again.
    pub const fn repeats(&self) -> u32 {
        self.repeats
    }

    /// The seed of the draws.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The level of each interval, for itself: of many channels, some may lie outside theirs.
    pub const fn level(&self) -> Share {
        self.level
    }

    /// Conversions of paths with touches: what the credits add up to.
    pub const fn attributed(&self) -> u64 {
        self.attributed
    }

    /// Conversions of paths without touches.
    pub const fn unattributed(&self) -> u64 {
        self.unattributed
    }

    /// Customers who did not convert.
    pub const fn nulls(&self) -> u64 {
        self.nulls
    }

    /// See [`ConversionPaths::ties`].
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// Each channel, ascending.
    pub fn credits(&self) -> &[CreditInterval] {
        &self.credits
    }
}

impl AttributionTable {
    /// Each model in full.
    pub fn models(&self) -> &[Attribution] {
        &self.models
    }

    /// Each channel, the one whose credit moves most first, ties by channel: what depends on the model more than on the
    /// customers.
    pub fn rows(&self) -> Vec<AttributionRow> {
        let mut rows: Vec<_> = self
            .channels
            .iter()
            .enumerate()
            .map(|(place, &channel)| {
                let credits = self.models.iter().filter_map(|model| model.credits.get(place));
                let conversions: Vec<f64> = credits.map(|credit| credit.conversions).collect();
                let least = conversions.iter().copied().reduce(f64::min).unwrap_or_default();
                let most = conversions.iter().copied().reduce(f64::max).unwrap_or_default();
                AttributionRow { channel, conversions, least, most }
            })
            .collect();
        rows.sort_by(|a, b| {
            (b.most - b.least).total_cmp(&(a.most - a.least)).then(a.channel.cmp(&b.channel))
        });
        rows
    }
}

impl ConversionPaths {
    /// Gives credit by several models, to see how much of the answer is the choice of the model.
    ///
    /// # Errors
    /// As [`attribute`](Self::attribute).
    ///
    /// # Example
    /// ```
    /// use patronage::journey::{AttributionModel, ConversionPaths, PathOutcome};
    ///
    /// let mut paths = ConversionPaths::new();
    /// paths.push(&[0, 1], PathOutcome { conversions: 4, value: 0.0, nulls: 0 })?;
    /// paths.push(&[2], PathOutcome { conversions: 1, value: 0.0, nulls: 0 })?;
    /// let table = paths.compare_models(&[AttributionModel::First, AttributionModel::Linear])?;
    /// assert_eq!(table.rows()[0].conversions, [4.0, 2.0]);
    /// assert_eq!(table.rows()[2].channel, 2);
    /// # Ok::<(), patronage::journey::JourneyError>(())
    /// ```
    pub fn compare_models(&self, models: &[AttributionModel]) -> Result<AttributionTable, JourneyError> {
        let channels = self.channels();
        let models = models.iter().map(|&model| self.attribute_to(model, &channels));
        Ok(AttributionTable { models: models.collect::<Result<_, _>>()?, channels })
    }

    /// Says how sure the conversions credited to each channel are, by drawing as many customers again from those there
    /// were, with repetition (bootstrap percentiles). Ascending by channel.
    ///
    /// # Arguments
    /// `repeats`: how often to draw, at least 20; 1,000 for two digits of a 95 % interval. `seed`: the same seed gives
    /// the same intervals on every platform.
    ///
    /// # Returns
    /// The credit with the interval that holds `level` of the draws (widened to hold the credit itself, should it lie
    /// outside); `n` counts the customers.
    ///
    /// # Errors
    /// As [`attribute`](Self::attribute), [`JourneyError::Setting`] for fewer than 20 repeats.
    ///
    /// # Cost
    /// `repeats` times that of the model, and O(customers).
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::journey::{AttributionModel, ConversionPaths, PathOutcome};
    ///
    /// let mut paths = ConversionPaths::new();
    /// paths.push(&[0], PathOutcome { conversions: 50, value: 0.0, nulls: 50 })?;
    /// let sure = paths.bootstrap(AttributionModel::Last, 1_000, 7, Share::new(0.95)?)?;
    /// // Half of 100 customers: the standard deviation is 5.
    /// let credit = sure.credits()[0].conversions;
    /// assert!((credit.lower() - 40.0).abs() <= 1.0 && (credit.upper() - 60.0).abs() <= 1.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).
    pub fn bootstrap(
        &self,
        model: AttributionModel,
        repeats: u32,
        seed: u64,
        level: Share,
    ) -> Result<AttributionBootstrap, JourneyError> {
        if repeats < 20 {
            return Err(JourneyError::Setting { setting: "repeats", rule: "must be at least 20" });
        }
        let channels = self.channels();
        let whole = self.attribute_to(model, &channels)?;
        let mut draws = vec![Vec::with_capacity(repeats as usize); channels.len()];
        let mut urn = Urn::new(self, seed);
        for _ in 0..repeats {
            let again = self.with_outcomes(urn.draw()).attribute_to(model, &channels)?;
            for (draws, credit) in draws.iter_mut().zip(again.credits()) {
                draws.push(credit.conversions);
            }
        }
        let n = self.conversions() + self.nulls();
        let credits = whole.credits().iter().zip(draws).map(|(credit, mut draws)| {
            draws.sort_by(f64::total_cmp);
            let (lower, upper) = percentiles(&draws, level);
            let value = credit.conversions;
            // The bounds are finite and hold the value, so that no estimate is refused.
            let conversions = Estimate::new(value, lower.min(value), upper.max(value), level, n).ok()?;
            Some(CreditInterval { channel: credit.channel, conversions })
        });
        Ok(AttributionBootstrap {
            model,
            repeats,
            seed,
            level,
            attributed: whole.attributed(),
            unattributed: whole.unattributed(),
            nulls: self.nulls(),
            ties: self.ties(),
            credits: credits.flatten().collect(),
        })
    }
}

/// Written as each model in full and, for each channel, how its credit moves between them.
impl Serialize for AttributionTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("AttributionTable", 2)?;
        fields.serialize_field("models", &self.models)?;
        fields.serialize_field("channels", &self.rows())?;
        fields.end()
    }
}

/// The draws that cut off equal shares at both ends, `(1 - level) / 2` of them each, rounded down.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of at most 2^32 draws"
)]
fn percentiles(sorted: &[f64], level: Share) -> (f64, f64) {
    let cut = ((1.0 - level.get()) / 2.0 * sorted.len() as f64) as usize;
    let at = |place: usize| sorted.get(place).copied().unwrap_or_default();
    (at(cut), at(sorted.len().saturating_sub(1 + cut)))
}

/// All customers, to be drawn from with repetition.
struct Urn {
    /// For each path twice, converted and not: how many customers there are up to it.
    up_to: Vec<u64>,
    /// Where to begin to look, for equal slices of the customers.
    guide: Vec<usize>,
    worth: Vec<f64>,
    customers: u64,
    stream: SplitMix,
}

impl Urn {
    #[expect(clippy::cast_precision_loss, reason = "paths hold at most 2^53 customers")]
    fn new(paths: &ConversionPaths, seed: u64) -> Self {
        let (mut up_to, mut worth, mut customers) = (Vec::new(), Vec::new(), 0);
        for path in paths.iter() {
            let PathOutcome { conversions, value, nulls } = path.outcome;
            for count in [conversions, nulls] {
                customers += count;
                up_to.push(customers);
            }
            worth.push(if conversions > 0 { value / conversions as f64 } else { 0.0 });
        }
        let slices = up_to.len() as u64;
        let mut guide = Vec::with_capacity(up_to.len());
        let mut place = 0;
        for slice in 0..slices {
            let first = u128::from(slice) * u128::from(customers) / u128::from(slices.max(1));
            while up_to.get(place).is_some_and(|&end| u128::from(end) <= first) {
                place += 1;
            }
            guide.push(place);
        }
        Self { up_to, guide, worth, customers, stream: SplitMix::new(seed) }
    }

    /// What came of as many customers as there are, drawn one by one.
    #[expect(clippy::cast_precision_loss, reason = "paths hold at most 2^53 customers")]
    fn draw(&mut self) -> Vec<PathOutcome> {
        let mut counts = vec![0_u64; self.up_to.len()];
        for _ in 0..self.customers {
            let customer = self.stream.below(self.customers);
            let slice = u128::from(customer) * self.guide.len() as u128 / u128::from(self.customers);
            let slice = usize::try_from(slice).unwrap_or_default();
            let mut place = self.guide.get(slice).copied().unwrap_or_default();
            while self.up_to.get(place).is_some_and(|&end| end <= customer) {
                place += 1;
            }
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        let (pairs, _) = counts.as_chunks::<2>();
        let outcomes = pairs.iter().zip(&self.worth).map(|(&[conversions, nulls], worth)| PathOutcome {
            conversions,
            value: conversions as f64 * worth,
            nulls,
        });
        outcomes.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_are_drawn_as_often_as_they_are() {
        let mut paths = ConversionPaths::new();
        for (conversions, nulls) in [(0, 0), (1, 0), (0, 500), (300, 200), (0, 0)] {
            let value = if conversions > 0 { 2.0 } else { 0.0 };
            paths.push(&[0], PathOutcome { conversions, value, nulls }).unwrap();
        }
        let mut urn = Urn::new(&paths, 1);
        let mut sums = [[0; 2]; 5];
        for _ in 0..200 {
            let drawn = urn.draw();
            assert_eq!(drawn.iter().map(|outcome| outcome.conversions + outcome.nulls).sum::<u64>(), 1_001);
            for (sum, outcome) in sums.iter_mut().zip(drawn) {
                sum[0] += outcome.conversions;
                sum[1] += outcome.nulls;
            }
        }
        // Standard deviations over 200 draws are below 14, 224, 205 and 179.
        for (found, expected) in
            sums.as_flattened().iter().zip([0_u64, 0, 200, 0, 0, 100_000, 60_000, 40_000, 0, 0])
        {
            assert!(found.abs_diff(expected) <= 5 * expected.isqrt(), "{found} {expected}");
        }
    }

    #[test]
    fn the_seed_decides() {
        let mut paths = ConversionPaths::new();
        for touches in [&[0, 1][..], &[1], &[2, 0]] {
            paths.push(touches, PathOutcome { conversions: 9, value: 0.0, nulls: 3 }).unwrap();
        }
        let level = Share::new(0.9).unwrap();
        let sure = |seed| paths.bootstrap(AttributionModel::Linear, 50, seed, level).unwrap();
        assert_eq!(sure(1), sure(1));
        assert_ne!(sure(1).credits(), sure(2).credits());
        assert!(paths.bootstrap(AttributionModel::Linear, 19, 1, level).is_err());
    }
}
