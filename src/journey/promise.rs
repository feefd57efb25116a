use super::graph::estimate;
use super::{JourneyError, Place, PlaceFilter, micros};
use crate::interaction::{Channel, Interaction, Outcome};
use crate::lifecycle::LifecycleStage;
use crate::measure::{Estimate, Share};
use crate::numeric::proportion::{Proportion, difference, z};
use crate::tag::Tag;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a brand promises of each single interaction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PromiseRule {
    /// Nobody waits longer.
    #[serde(rename = "wait_at_most_us", with = "micros::duration")]
    WaitAtMost(Duration),
    /// Serving takes no longer.
    #[serde(rename = "handled_within_us", with = "micros::duration")]
    HandledWithin(Duration),
    /// Nobody is handed on more often.
    TransfersAtMost(u16),
    /// It ends so.
    Outcome(Outcome),
    /// It does not end so.
    NotOutcome(Outcome),
    /// It is at least so easy, from 0 to 1, as customers say.
    EaseAtLeast(Share),
    /// Customers feel at least so good, from -1 to 1.
    SentimentAtLeast(f64),
}

/// A promise of the brand, and where it is given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct BrandPromise {
    name: Tag,
    part: PlaceFilter,
    rule: PromiseRule,
}

#[derive(Deserialize)]
#[serde(rename = "BrandPromise", deny_unknown_fields)]
struct Fields {
    name: Tag,
    #[serde(default)]
    part: PlaceFilter,
    rule: PromiseRule,
}

impl TryFrom<Fields> for BrandPromise {
    type Error = JourneyError;

    fn try_from(fields: Fields) -> Result<Self, JourneyError> {
        Self::new(fields.name, fields.part, fields.rule)
    }
}

impl BrandPromise {
    /// Promises something of every interaction in a part of the touch point map.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] when a sentiment is not from -1 to 1.
    pub fn new(name: Tag, part: PlaceFilter, rule: PromiseRule) -> Result<Self, JourneyError> {
        match rule {
            PromiseRule::SentimentAtLeast(score) if !(-1.0..=1.0).contains(&score) => {
                Err(JourneyError::Setting { setting: "sentiment", rule: "must lie between -1 and 1" })
            }
            _ => Ok(Self { name, part, rule }),
        }
    }

    /// The name of the promise.
    pub const fn name(&self) -> Tag {
        self.name
    }

    /// Whether an interaction kept the promise; `None` where what it is about was not recorded.
    pub fn kept(&self, one: &Interaction) -> Option<bool> {
        match self.rule {
            PromiseRule::WaitAtMost(most) => one.wait().map(|wait| wait <= most),
            PromiseRule::HandledWithin(most) => one.handle_time().map(|time| time <= most),
            PromiseRule::TransfersAtMost(most) => Some(one.transfers() <= most),
            PromiseRule::Outcome(outcome) => one.outcome().map(|seen| seen == outcome),
            PromiseRule::NotOutcome(outcome) => one.outcome().map(|seen| seen != outcome),
            PromiseRule::EaseAtLeast(least) => one.effort().map(|effort| effort.ease() >= least),
            PromiseRule::SentimentAtLeast(least) => one.sentiment().map(|feeling| feeling.score() >= least),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Kept {
    hits: u64,
    known: u64,
    unknown: u64,
}

/// How often one promise was kept, by channel.
///
/// `merge` is associative and commutative, and parts merged equal the whole.
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{Channel, Interaction, InteractionId};
/// use patronage::journey::{BrandPromise, PlaceFilter, PromiseRule, PromiseTally};
/// use patronage::{Share, Tag};
/// use std::time::Duration;
///
/// let rule = PromiseRule::WaitAtMost(Duration::from_secs(60));
/// let promise = BrandPromise::new(Tag::literal("no_waiting"), PlaceFilter::default(), rule)?;
/// let mut tally = PromiseTally::new(promise);
/// for seconds in [10, 20, 300] {
///     let call = Interaction::builder(
///         InteractionId::derive(&["call", &seconds.to_string()]),
///         CustomerId::derive(&["ann"]),
///         "2026-03-01T10:00:00Z".parse()?,
///     )
///     .wait(Duration::from_secs(seconds))
///     .build()?;
///     tally.push(&call, None);
/// }
/// let kept = tally.kept(Share::new(0.95)?).ok_or("nothing known")?;
/// assert_eq!(format!("{kept:.2}"), "0.67 [0.21, 0.94] (95.0 %, n = 3)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PromiseTally {
    promise: BrandPromise,
    channels: BTreeMap<Channel, Kept>,
}

/// How far one promise differs between channels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChannelSpread {
    /// Where it is kept most often.
    pub best: Channel,
    /// Where it is kept least often.
    pub worst: Channel,
    /// By how much the shares differ; the interval allows for having picked the two out of all pairs (Bonferroni).
    pub difference: Estimate,
    /// How many interactions a channel needs, of which it is known whether the promise was kept.
    pub least: u64,
    /// How many channels were compared.
    pub channels: usize,
    /// How many pairs of channels there are: what the interval allows for.
    pub tests: usize,
    /// How many channels have too few interactions to compare.
    pub too_few: usize,
}

impl PromiseTally {
    /// Nothing counted yet.
    pub const fn new(promise: BrandPromise) -> Self {
        Self { promise, channels: BTreeMap::new() }
    }

    /// The promise.
    pub const fn promise(&self) -> &BrandPromise {
        &self.promise
    }

    /// Counts an interaction, if the promise is given at its place.
    pub fn push(&mut self, one: &Interaction, stage: Option<LifecycleStage>) {
        if !self.promise.part.holds(&Place::of(one, stage)) {
            return;
        }
        let kept = self.promise.kept(one);
        let channel = self.channels.entry(one.channel()).or_default();
        match kept {
            Some(kept) => {
                channel.known += 1;
                channel.hits += u64::from(kept);
            }
            None => channel.unknown += 1,
        }
    }

    /// Adds what was counted elsewhere.
    ///
    /// # Errors
    /// [`JourneyError::DifferentRules`] for another promise; nothing was added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), JourneyError> {
        if self.promise != other.promise {
            return Err(JourneyError::DifferentRules { setting: "promise" });
        }
        for (&channel, more) in &other.channels {
            let sum = self.channels.entry(channel).or_default();
            sum.hits += more.hits;
            sum.known += more.known;
            sum.unknown += more.unknown;
        }
        Ok(())
    }

    /// The share of interactions that kept the promise, of those of which it is known, with the Wilson interval;
    /// `None` where it is known of none.
    pub fn kept(&self, level: Share) -> Option<Estimate> {
        let sum = |part: fn(&Kept) -> u64| self.channels.values().map(part).sum();
        estimate(sum(|one| one.hits), sum(|one| one.known), level)
    }

    /// The same for one channel.
    pub fn kept_in(&self, channel: Channel, level: Share) -> Option<Estimate> {
        let one = self.channels.get(&channel)?;
        estimate(one.hits, one.known, level)
    }

    /// Of how many interactions it is not known, because what the promise is about was not recorded.
    pub fn unknown(&self) -> u64 {
        self.channels.values().map(|one| one.unknown).sum()
    }

    /// How far the promise differs between the channels that have at least `least` interactions; `None` where fewer than
    /// two have. Where channels are level, the first by name counts as the best.
    pub fn spread(&self, least: u64, level: Share) -> Option<ChannelSpread> {
        let least = least.max(1);
        let enough = |one: &Kept| one.known >= least;
        let mut shares: Vec<(Channel, Proportion, f64)> = self
            .channels
            .iter()
            .filter(|(_, one)| enough(one))
            .filter_map(|(&channel, one)| {
                let proportion = Proportion::new(one.hits, one.known)?;
                Some((channel, proportion, proportion.share()?))
            })
            .collect();
        shares.sort_by(|a, b| b.2.total_cmp(&a.2));
        let (&(best, first, _), &(worst, second, _)) = (shares.first()?, shares.get(1..)?.last()?);
        let channels = shares.len();
        let tests = channels * (channels - 1) / 2;
        #[expect(clippy::cast_precision_loss, reason = "there are few channels")]
        let pairs = tests as f64;
        let (seen, interval) = difference(first, second, z(1.0 - level.complement().get() / pairs));
        let n =
            [best, worst].iter().filter_map(|channel| self.channels.get(channel)).map(|one| one.known).sum();
        let difference = Estimate::new(seen?, interval.lower, interval.upper, level, n).ok()?;
        let too_few = self.channels.values().filter(|one| !enough(one)).count();
        Some(ChannelSpread { best, worst, difference, least, channels, tests, too_few })
    }
}
