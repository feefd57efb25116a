use super::attribution_markov::Chain;
use super::attribution_paths::places;
use super::{ConversionPath, ConversionPaths, JourneyError, micros};
use crate::measure::Share;
use crate::money::Money;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// How fast the worth of a touch fades before the conversion: it halves each time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decay {
    /// Halves with this age; needs the age of every touch.
    #[serde(rename = "time_us", with = "micros")]
    Time(TimeDelta),
    /// Halves with every so many touches that follow.
    Touches(f64),
}

/// What removing a channel from a Markov chain means. Different tools mean different things by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Removal {
    /// Whoever comes to the channel in the chain is lost (Anderl et al. 2016).
    ToNull,
    /// Every path that touches the channel fails: the share of conversions that touched it. The same at every order.
    PathFails,
}

/// Whether paths that did not end in a conversion count in a Markov chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullPaths {
    /// They count: the chain converts as often as the customers did.
    Counted,
    /// They do not: everybody in the chain converts, and only where paths lead matters.
    Ignored,
}

/// A rule that gives the credit for conversions to channels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AttributionModel {
    /// All to the first touch.
    First,
    /// All to the last touch.
    Last,
    /// Equal parts to all touches.
    Linear,
    /// Parts to the first and the last touch, the rest in equal parts to those in between. Where there is nothing in
    /// between, first and last share in proportion (in equal parts where both get nothing).
    PositionBased {
        /// The part of the first touch, often 0.4.
        first: Share,
        /// The part of the last touch, often 0.4.
        last: Share,
    },
    /// More to the touches nearer to the conversion.
    TimeDecay(Decay),
    /// By the removal effect: how much rarer conversions were if the channel went away, in a Markov chain of the paths.
    Markov {
        /// How many touches the chain remembers, 1 to 4.
        order: u8,
        /// What removing means.
        removal: Removal,
        /// Whether paths without a conversion count.
        nulls: NullPaths,
    },
    /// The Shapley value, where a set of channels is worth the conversions of paths that touch no other channel: equal
    /// parts to the different channels of a path.
    ///
    /// Source: K. Zhao, S. H. Mahboobi, S. R. Bagheri, "Shapley value methods for attribution modeling in online
    /// advertising", arXiv:1804.05327 (2018).
    Shapley,
}

/// The credit of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChannelCredit {
    /// The channel.
    pub channel: u16,
    /// Conversions it is credited with.
    pub conversions: f64,
    /// Their value, in the unit of the paths.
    pub value: f64,
}

/// Credit for conversions by one model. It adds up to the conversions to the last digit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attribution {
    pub(super) model: AttributionModel,
    pub(super) credits: Vec<ChannelCredit>,
    attributed: u64,
    unattributed: u64,
    nulls: u64,
    ties: u64,
    value: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removal_effects: Vec<f64>,
}

impl Attribution {
    /// The model.
    pub const fn model(&self) -> AttributionModel {
        self.model
    }

    /// The credit of each channel, ascending by channel. Added in this order, conversions give exactly
    /// [`attributed`](Self::attributed) and values exactly [`value`](Self::value): what rounding leaves over goes to the
    /// channel with the most (and where that alone cannot do it, less than a last digit to another).
    pub fn credits(&self) -> &[ChannelCredit] {
        &self.credits
    }

    /// See [`ConversionPaths::ties`].
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// Conversions of paths with touches.
    pub const fn attributed(&self) -> u64 {
        self.attributed
    }

    /// Conversions of paths without any touch, for which nobody gets credit.
    pub const fn unattributed(&self) -> u64 {
        self.unattributed
    }

    /// Customers whose paths did not end in a conversion. Only Markov models with [`NullPaths::Counted`] look at them;
    /// with the conversions they are all customers there are.
    pub const fn nulls(&self) -> u64 {
        self.nulls
    }

    /// The value of the attributed conversions.
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// For Markov models: by which share conversions drop without each channel. Empty for others.
    pub fn removal_effects(&self) -> &[f64] {
        &self.removal_effects
    }

    /// The credit in whole conversions, which add up exactly: each rounded down, and what is left to the largest
    /// remainders, the lower channel first where they are equal.
    pub fn whole_conversions(&self) -> Vec<u64> {
        largest_remainder(self.attributed, self.credits.iter().map(|credit| credit.conversions))
            .into_iter()
            .map(|part| u64::try_from(part).unwrap_or_default())
            .collect()
    }

    /// An amount of money split by the credits for value (by those for conversions where no path has a value), exact to
    /// the minor unit by largest remainders as in [`whole_conversions`](Self::whole_conversions).
    pub fn split(&self, amount: Money) -> Vec<Money> {
        let weight =
            |credit: &ChannelCredit| if self.value > 0.0 { credit.value } else { credit.conversions };
        let whole = amount.minor().unsigned_abs();
        let sign = amount.minor().signum();
        largest_remainder(whole, self.credits.iter().map(weight))
            .into_iter()
            .map(|part| {
                let minor = i64::try_from(part * i128::from(sign)).unwrap_or(amount.minor());
                Money::new(minor, amount.currency())
            })
            .collect()
    }
}

/// Parts of a whole in proportion to weights, which add up to it; nothing to nobody where no weight is positive.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "what rounding misses is counted afterwards in whole numbers"
)]
fn largest_remainder(whole: u64, weights: impl Iterator<Item = f64> + Clone) -> Vec<i128> {
    let total: f64 = weights.clone().sum();
    if total <= 0.0 {
        return weights.map(|_| 0).collect();
    }
    let mut parts: Vec<(usize, i128, f64)> = weights
        .enumerate()
        .map(|(place, weight)| {
            let exact = weight / total * whole as f64;
            (place, exact.floor() as i128, exact - exact.floor())
        })
        .collect();
    parts.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
    let given: i128 = parts.iter().map(|part| part.1).sum();
    let left = i128::from(whole) - given;
    // Rounding can leave over more units than there are parts only for amounts beyond 2^53.
    let (count, first) = (parts.len() as i128, usize::try_from(left.unsigned_abs()).unwrap_or(usize::MAX));
    if left.abs() <= count {
        for part in parts.iter_mut().take(first) {
            part.1 += left.signum();
        }
    } else if let Some(part) = parts.iter_mut().max_by_key(|part| part.1) {
        part.1 += left;
    }
    parts.sort_by_key(|part| part.0);
    parts.into_iter().map(|part| part.1).collect()
}

impl ConversionPaths {
    /// Gives channels the credit for the conversions they led to.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] for parts of first and last touch above the whole, a half-life that is not
    /// positive, or an order other than 1 to 4; [`JourneyError::NoAges`] for a decay by time;
    /// [`JourneyError::UnsolvedChain`] for a Markov chain too large to be solved exactly.
    ///
    /// # Formula
    /// ```text
    /// Markov:  credit(c) = conversions · RE(c) / Σ RE      RE(c) = 1 - P(conversion without c) / P(conversion)
    /// ```
    /// P solves the absorbing chain exactly: by elimination without subtraction up to 200 states, beyond by lower and
    /// upper bounds that are iterated until they meet within 16 units of rounding. Value is split by the same effects.
    ///
    /// # Cost
    /// O(touches); a Markov chain of n states adds O(channels · n³) up to 200 states, O(channels · moves · sweeps) beyond.
    ///
    /// # Example
    /// ```
    /// use patronage::journey::{AttributionModel, ConversionPaths, NullPaths, PathOutcome, Removal};
    ///
    /// let mut paths = ConversionPaths::new();
    /// paths.push(&[0, 1], PathOutcome { conversions: 2, value: 0.0, nulls: 1 })?;
    /// paths.push(&[0], PathOutcome { conversions: 0, value: 0.0, nulls: 1 })?;
    ///
    /// let linear = paths.attribute(AttributionModel::Linear)?;
    /// assert_eq!(linear.credits()[0].conversions, 1.0);
    ///
    /// // Without either channel nobody converts any more, so both are worth the same.
    /// let markov = AttributionModel::Markov { order: 1, removal: Removal::ToNull, nulls: NullPaths::Counted };
    /// assert_eq!(paths.attribute(markov)?.removal_effects(), [1.0, 1.0]);
    /// # Ok::<(), patronage::journey::JourneyError>(())
    /// ```
    ///
    /// Source: E. Anderl, I. Becker, F. von Wangenheim, J. H. Schumann, "Mapping the customer journey: lessons learned
    /// from graph-based online attribution modeling", International Journal of Research in Marketing 33 (2016).
    pub fn attribute(&self, model: AttributionModel) -> Result<Attribution, JourneyError> {
        self.attribute_to(model, &self.channels())
    }

    /// As [`attribute`](Self::attribute), where the channels are known.
    pub(super) fn attribute_to(
        &self,
        model: AttributionModel,
        channels: &[u16],
    ) -> Result<Attribution, JourneyError> {
        check(model, self)?;
        let places = places(channels);
        let (attributed, value) = self.totals();
        let mut sums = vec![(0.0_f64, 0.0_f64); channels.len()];
        let mut removal_effects = Vec::new();
        if let AttributionModel::Markov { order, removal, nulls } = model {
            removal_effects = match removal {
                Removal::ToNull => removed_to_null(self, channels, order, nulls)?,
                Removal::PathFails => failed_paths(self, channels),
            };
            let total: f64 = removal_effects.iter().sum();
            for (sum, effect) in sums.iter_mut().zip(&removal_effects) {
                let share = if total > 0.0 { effect / total } else { 0.0 };
                *sum = (share * float(attributed), share * value);
            }
        } else {
            let mut weights = Vec::new();
            for path in self.iter().filter(|path| path.outcome.conversions > 0) {
                weigh(model, &path, &mut weights);
                let total: f64 = weights.iter().sum();
                for (&touch, weight) in path.touches.iter().zip(&weights) {
                    let place = places.get(usize::from(touch)).copied().unwrap_or_default();
                    if let Some(sum) = sums.get_mut(place) {
                        sum.0 += weight / total * float(path.outcome.conversions);
                        sum.1 += weight / total * path.outcome.value;
                    }
                }
            }
        }
        let (mut conversions, mut values): (Vec<f64>, Vec<f64>) = sums.into_iter().unzip();
        add_up(&mut conversions, float(attributed));
        add_up(&mut values, value);
        let credits = channels.iter().zip(conversions.iter().zip(&values));
        let credits = credits
            .map(|(&channel, (&conversions, &value))| ChannelCredit { channel, conversions, value })
            .collect();
        let unattributed = self.conversions() - attributed;
        Ok(Attribution {
            model,
            credits,
            attributed,
            unattributed,
            nulls: self.nulls(),
            ties: self.ties(),
            value,
            removal_effects,
        })
    }

    /// Conversions of paths with touches, and their value.
    fn totals(&self) -> (u64, f64) {
        let mut conversions = 0;
        // Neumaier's sum: the error of each addition is carried along.
        let (mut sum, mut carried) = (0.0_f64, 0.0_f64);
        for path in self.iter().filter(|path| !path.touches.is_empty()) {
            conversions += path.outcome.conversions;
            let value = path.outcome.value;
            let next = sum + value;
            carried += if sum >= value { (sum - next) + value } else { (value - next) + sum };
            sum = next;
        }
        (conversions, sum + carried)
    }

    /// The ordered Shapley value: the credit of each channel at each position of a path. Added over positions it is
    /// [`AttributionModel::Shapley`]: the part of a channel in a path is shared equally by its touches.
    ///
    /// # Returns
    /// Channel, position from 0, and conversions; ascending by channel and position, without what has no credit.
    ///
    /// # Cost
    /// O(touches²) of a path at worst.
    ///
    /// Source: as for [`AttributionModel::Shapley`], section 3.3.
    pub fn ordered_shapley(&self) -> Vec<(u16, usize, f64)> {
        let mut credits = std::collections::BTreeMap::new();
        let mut weights = Vec::new();
        for path in self.iter().filter(|path| path.outcome.conversions > 0) {
            weigh(AttributionModel::Shapley, &path, &mut weights);
            let total: f64 = weights.iter().sum();
            for (position, (&channel, &weight)) in path.touches.iter().zip(&weights).enumerate() {
                *credits.entry((channel, position)).or_insert(0.0) +=
                    weight / total * float(path.outcome.conversions);
            }
        }
        credits.into_iter().map(|((channel, position), credit)| (channel, position, credit)).collect()
    }
}

fn check(model: AttributionModel, paths: &ConversionPaths) -> Result<(), JourneyError> {
    let refuse = |setting, rule| Err(JourneyError::Setting { setting, rule });
    match model {
        AttributionModel::PositionBased { first, last } if first.get() + last.get() > 1.0 => {
            refuse("position_based", "gives first and last touch more than the whole")
        }
        AttributionModel::TimeDecay(Decay::Touches(half)) if !(half > 0.0 && half.is_finite()) => {
            refuse("half_life", "must be positive and finite")
        }
        AttributionModel::TimeDecay(Decay::Time(half)) if half <= TimeDelta::zero() => {
            refuse("half_life", "must be positive and finite")
        }
        AttributionModel::TimeDecay(Decay::Time(_)) if !paths.is_timed() => {
            Err(JourneyError::NoAges { rule: "time_decay" })
        }
        AttributionModel::Markov { order, .. } if !(1..=4).contains(&order) => {
            refuse("order", "must lie between 1 and 4")
        }
        _ => Ok(()),
    }
}

/// What each touch of a path weighs; not all weigh nothing, unless there is none.
fn weigh(model: AttributionModel, path: &ConversionPath<'_>, weights: &mut Vec<f64>) {
    weights.clear();
    let last = path.touches.len().saturating_sub(1);
    match model {
        AttributionModel::First => {
            weights.extend(path.touches.iter().enumerate().map(|(at, _)| one(at == 0)));
        }
        AttributionModel::Last => {
            weights.extend(path.touches.iter().enumerate().map(|(at, _)| one(at == last)));
        }
        AttributionModel::PositionBased { first, last: end } if last >= 2 => {
            let middle = (1.0 - first.get() - end.get()) / float(last as u64 - 1);
            weights.resize(last + 1, middle.max(0.0));
            weights.first_mut().into_iter().for_each(|weight| *weight = first.get());
            weights.last_mut().into_iter().for_each(|weight| *weight = end.get());
        }
        AttributionModel::PositionBased { first, last: end }
            if last == 1 && first.get() + end.get() > 0.0 =>
        {
            weights.extend([first.get(), end.get()]);
        }
        AttributionModel::TimeDecay(Decay::Touches(half)) => {
            weights.extend((0..path.touches.len()).map(|at| libm::exp2(-float((last - at) as u64) / half)));
        }
        AttributionModel::TimeDecay(Decay::Time(half)) => {
            // Counted from the youngest touch, so that no path is too old to weigh anything.
            let half = half.num_microseconds().map_or(f64::MAX, |half| float(half.unsigned_abs()));
            let youngest = path.ages.last().copied().unwrap_or_default();
            weights.extend(
                path.ages.iter().map(|age| libm::exp2(-float((age - youngest).unsigned_abs()) / half)),
            );
        }
        AttributionModel::Shapley => {
            weights.extend(path.touches.iter().map(|touch| {
                let times = path.touches.iter().filter(|other| *other == touch).count();
                float(times as u64).recip()
            }));
        }
        AttributionModel::Linear
        | AttributionModel::PositionBased { .. }
        | AttributionModel::Markov { .. } => weights.resize(path.touches.len(), 1.0),
    }
}

fn removed_to_null(
    paths: &ConversionPaths,
    channels: &[u16],
    order: u8,
    nulls: NullPaths,
) -> Result<Vec<f64>, JourneyError> {
    let chain = Chain::new(paths, channels, order, nulls);
    let whole = chain.converts(None)?;
    let effect = |channel| {
        let without = chain.converts(Some(channel))?;
        Ok(if whole > 0.0 { (1.0 - without / whole).clamp(0.0, 1.0) } else { 0.0 })
    };
    (0..channels.len()).map(effect).collect()
}

fn failed_paths(paths: &ConversionPaths, channels: &[u16]) -> Vec<f64> {
    let mut touched = vec![0_u64; channels.len()];
    let mut all = 0;
    let mut seen = Vec::new();
    for path in paths.iter().filter(|path| !path.touches.is_empty()) {
        all += path.outcome.conversions;
        seen.clear();
        seen.extend_from_slice(path.touches);
        seen.sort_unstable();
        seen.dedup();
        for channel in &seen {
            let place = channels.binary_search(channel).ok();
            if let Some(count) = place.and_then(|place| touched.get_mut(place)) {
                *count += path.outcome.conversions;
            }
        }
    }
    touched.into_iter().map(|count| if all > 0 { float(count) / float(all) } else { 0.0 }).collect()
}

/// Changes the largest part by what rounding left over, until the parts, added in order, give the whole. Where that
/// part alone cannot do it, because every sum it can make is rounded past the whole, another one gives way by its last
/// digit, or by less than one of the whole.
fn add_up(parts: &mut [f64], whole: f64) {
    let mut by_size: Vec<usize> = (0..parts.len()).collect();
    let size = |place: usize| parts.get(place).copied().unwrap_or_default();
    by_size.sort_by(|&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
    let Some((&largest, others)) = by_size.split_first() else { return };
    if meets(parts, largest, whole) {
        return;
    }
    let digit = whole.next_up() - whole;
    for &other in others {
        let part = parts.get(other).copied().unwrap_or_default();
        let near = [part.next_up(), part.next_down()];
        let ways = near.into_iter().chain([0.25, -0.25, 0.5, -0.5].map(|share| part + share * digit));
        for way in ways.filter(|&way| part > 0.0 && way > 0.0) {
            let mut tried = parts.to_vec();
            tried.get_mut(other).into_iter().for_each(|part| *part = way);
            if meets(&mut tried, largest, whole) {
                parts.copy_from_slice(&tried);
                return;
            }
        }
    }
}

fn meets(parts: &mut [f64], largest: usize, whole: f64) -> bool {
    for attempt in 0..64 {
        let missing = whole - parts.iter().sum::<f64>();
        if missing == 0.0 {
            return true;
        }
        let Some(part) = parts.get_mut(largest).filter(|part| **part > 0.0) else { return false };
        let moved = *part + missing;
        *part = if attempt < 4 && moved > 0.0 && moved.to_bits() != part.to_bits() {
            moved
        } else if missing > 0.0 {
            part.next_up()
        } else {
            part.next_down()
        };
    }
    false
}

fn one(hit: bool) -> f64 {
    f64::from(u8::from(hit))
}

#[expect(clippy::cast_precision_loss, reason = "paths hold at most 2^53 customers; ages need no more digits")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
