use super::durations::{DurationDetail, Durations};
use super::fold_hash::FoldState;
use super::graph::estimate;
use super::{SCORE_UNITS, score_units};
use crate::customer::CustomerId;
use crate::interaction::{Channel, Engagement, Interaction, Outcome, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::measure::{Estimate, Share};
use crate::money::{Currency, Money, MoneyError};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, HashSet};

/// Where customers meet the company: stage of life, channel, touch point, engagement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The stage the customer was in; `None` where it is not known.
    pub stage: Option<LifecycleStage>,
    /// Web, mobile, store, call centre.
    pub channel: Channel,
    /// Phone, e-mail, chat, ...
    pub touchpoint: Touchpoint,
    /// Ordering, billing, support, ...
    pub engagement: Engagement,
}

impl Place {
    /// The place of an interaction of a customer in a stage.
    pub const fn of(one: &Interaction, stage: Option<LifecycleStage>) -> Self {
        Self { stage, channel: one.channel(), touchpoint: one.touchpoint(), engagement: one.engagement() }
    }
}

/// A part of the map: `None` means any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaceFilter {
    /// Only this stage.
    pub stage: Option<LifecycleStage>,
    /// Only this channel.
    pub channel: Option<Channel>,
    /// Only this touch point.
    pub touchpoint: Option<Touchpoint>,
    /// Only this engagement.
    pub engagement: Option<Engagement>,
}

impl PlaceFilter {
    /// Whether a place belongs to the part.
    pub fn holds(&self, place: &Place) -> bool {
        self.stage.is_none_or(|stage| place.stage == Some(stage))
            && self.channel.is_none_or(|channel| place.channel == channel)
            && self.touchpoint.is_none_or(|touchpoint| place.touchpoint == touchpoint)
            && self.engagement.is_none_or(|engagement| place.engagement == engagement)
    }
}

/// What customers lived through at one place or part of the map.
///
/// What was not recorded is not counted as good: every mean and share says of how many it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TouchpointSummary {
    interactions: u64,
    customers: HashSet<CustomerId, FoldState>,
    waits: Durations,
    handled: Durations,
    transfers: u64,
    transferred: u64,
    outcomes: BTreeMap<Outcome, u64>,
    eases: u64,
    ease_units: u64,
    sentiments: u64,
    sentiment_units: i128,
    satisfactions: u64,
    satisfaction_units: i128,
    costs: BTreeMap<Currency, (u64, i128)>,
}

#[expect(clippy::cast_precision_loss, reason = "a mean has 53 bits")]
fn mean(units: i128, count: u64, unit: f64) -> Option<f64> {
    (count > 0).then(|| units as f64 / unit / count as f64)
}

impl TouchpointSummary {
    fn push(&mut self, one: &Interaction) {
        self.interactions += 1;
        self.customers.insert(one.customer());
        for (durations, duration) in [(&mut self.waits, one.wait()), (&mut self.handled, one.handle_time())] {
            if let Some(duration) = duration {
                durations.push(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
            }
        }
        self.transfers += u64::from(one.transfers());
        self.transferred += u64::from(one.transfers() > 0);
        if let Some(outcome) = one.outcome() {
            *self.outcomes.entry(outcome).or_insert(0) += 1;
        }
        if let Some(effort) = one.effort() {
            self.eases += 1;
            self.ease_units += u64::from(super::ease_units(effort));
        }
        if let Some(sentiment) = one.sentiment() {
            self.sentiments += 1;
            self.sentiment_units += score_units(sentiment.score());
        }
        if let Some(cost) = one.cost() {
            let (count, sum) = self.costs.entry(cost.currency()).or_insert((0, 0));
            *count += 1;
            *sum += i128::from(cost.minor());
        }
    }

    /// Adds what was lived elsewhere; customers of both count once.
    pub fn merge(&mut self, other: &Self) {
        self.interactions += other.interactions;
        self.customers.extend(&other.customers);
        self.waits.merge(&other.waits);
        self.handled.merge(&other.handled);
        self.transfers += other.transfers;
        self.transferred += other.transferred;
        for (&outcome, &more) in &other.outcomes {
            *self.outcomes.entry(outcome).or_insert(0) += more;
        }
        self.eases += other.eases;
        self.ease_units += other.ease_units;
        self.sentiments += other.sentiments;
        self.sentiment_units += other.sentiment_units;
        self.satisfactions += other.satisfactions;
        self.satisfaction_units += other.satisfaction_units;
        for (&currency, &(count, minor)) in &other.costs {
            let sum = self.costs.entry(currency).or_insert((0, 0));
            sum.0 += count;
            sum.1 += minor;
        }
    }

    /// How many interactions there were.
    pub const fn interactions(&self) -> u64 {
        self.interactions
    }

    /// How many different customers they are of.
    pub fn customers(&self) -> u64 {
        self.customers.len() as u64
    }

    /// How long customers waited, where known.
    pub const fn waits(&self) -> &Durations {
        &self.waits
    }

    /// How long serving took, where known.
    pub const fn handle_times(&self) -> &Durations {
        &self.handled
    }

    /// How often customers were handed on.
    pub const fn transfers(&self) -> u64 {
        self.transfers
    }

    /// How many interactions were handed on at least once.
    pub const fn transferred(&self) -> u64 {
        self.transferred
    }

    /// How often each outcome is recorded.
    pub const fn outcomes(&self) -> &BTreeMap<Outcome, u64> {
        &self.outcomes
    }

    /// How many interactions have a known outcome: the whole of [`outcome_share`](Self::outcome_share).
    pub fn known_outcomes(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// The share of known outcomes that is this one, with the Wilson interval; `None` where none is known.
    pub fn outcome_share(&self, outcome: Outcome, level: Share) -> Option<Estimate> {
        estimate(self.outcomes.get(&outcome).copied().unwrap_or(0), self.known_outcomes(), level)
    }

    /// How many customers said how easy it was, and the mean from 0 (hardest) to 1 (easiest).
    pub fn ease(&self) -> (u64, Option<f64>) {
        (self.eases, mean(i128::from(self.ease_units), self.eases, f64::from(super::EASE_UNITS)))
    }

    /// Of how many interactions the sentiment is known, and the mean from -1 to 1.
    pub fn sentiment(&self) -> (u64, Option<f64>) {
        (self.sentiments, mean(self.sentiment_units, self.sentiments, SCORE_UNITS))
    }

    /// How many answers on satisfaction there are, and the mean from 0 to 1.
    pub fn satisfaction(&self) -> (u64, Option<f64>) {
        (self.satisfactions, mean(self.satisfaction_units, self.satisfactions, SCORE_UNITS))
    }

    /// In which currencies costs are recorded, and of how many interactions in each.
    pub fn costed(&self) -> impl Iterator<Item = (Currency, u64)> {
        self.costs.iter().map(|(&currency, &(count, _))| (currency, count))
    }

    /// What serving cost in a currency: how many interactions with a cost, and their sum.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the sum does not fit into 64 bits.
    pub fn cost(&self, currency: Currency) -> Result<(u64, Money), MoneyError> {
        let (count, minor) = self.costs.get(&currency).copied().unwrap_or((0, 0));
        let minor = i64::try_from(minor).map_err(|_| MoneyError::Overflow { currency })?;
        Ok((count, Money::new(minor, currency)))
    }
}

/// What customers live through at every place where they meet the company.
///
/// Filled one interaction at a time, in any order; `merge` is associative and commutative, and parts merged equal the
/// whole, whichever way they were divided.
///
/// # Cost
/// Constant time an interaction. For each place: 20 bytes a customer, and durations as [`Durations`] keeps them.
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{Channel, Interaction, InteractionId, Outcome};
/// use patronage::journey::{PlaceFilter, TouchpointMap};
/// use patronage::lifecycle::LifecycleStage;
/// use std::time::Duration;
///
/// let mut map = TouchpointMap::default();
/// for (n, seconds) in [(1, 30), (2, 90)] {
///     let visit = Interaction::builder(
///         InteractionId::derive(&["visit", &n.to_string()]),
///         CustomerId::derive(&["ann"]),
///         "2026-03-01T10:00:00Z".parse()?,
///     )
///     .wait(Duration::from_secs(seconds))
///     .outcome(Outcome::Resolved)
///     .build()?;
///     map.push(&visit, Some(LifecycleStage::Existing));
/// }
/// let web = map.summary(&PlaceFilter { channel: Some(Channel::Web), ..PlaceFilter::default() });
/// assert_eq!((web.interactions(), web.customers()), (2, 1));
/// assert_eq!(web.waits().mean_seconds(), Some(60.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TouchpointMap {
    detail: DurationDetail,
    places: BTreeMap<Place, TouchpointSummary>,
}

impl TouchpointMap {
    /// No interactions yet; durations are kept in the given detail.
    pub const fn new(detail: DurationDetail) -> Self {
        Self { detail, places: BTreeMap::new() }
    }

    fn at(&mut self, place: Place) -> &mut TouchpointSummary {
        let detail = self.detail;
        self.places.entry(place).or_insert_with(|| TouchpointSummary {
            waits: Durations::new(detail),
            handled: Durations::new(detail),
            ..TouchpointSummary::default()
        })
    }

    /// Adds an interaction of a customer who was in a stage, as far as that is known.
    pub fn push(&mut self, one: &Interaction, stage: Option<LifecycleStage>) {
        self.at(Place::of(one, stage)).push(one);
    }

    /// Adds an answer on satisfaction, from 0 to 1, about a place.
    pub fn push_satisfaction(&mut self, place: Place, answer: Share) {
        let summary = self.at(place);
        summary.satisfactions += 1;
        summary.satisfaction_units += score_units(answer.get());
    }

    /// Adds another map.
    pub fn merge(&mut self, other: &Self) {
        if other.detail == DurationDetail::Moments {
            self.detail = DurationDetail::Moments;
        }
        for (place, more) in &other.places {
            self.at(*place).merge(more);
        }
    }

    /// Each place in the order of stage, channel, touch point, engagement.
    pub fn places(&self) -> impl Iterator<Item = (&Place, &TouchpointSummary)> {
        self.places.iter()
    }

    /// A part of the map in one.
    pub fn summary(&self, part: &PlaceFilter) -> TouchpointSummary {
        let mut all = TouchpointSummary {
            waits: Durations::new(self.detail),
            handled: Durations::new(self.detail),
            ..TouchpointSummary::default()
        };
        for summary in self.places.iter().filter(|(place, _)| part.holds(place)).map(|(_, summary)| summary) {
            all.merge(summary);
        }
        all
    }
}

/// What is known of a score: of how many, and their mean.
#[derive(Serialize)]
struct Known {
    n: u64,
    mean: Option<f64>,
}

impl From<(u64, Option<f64>)> for Known {
    fn from((n, mean): (u64, Option<f64>)) -> Self {
        Self { n, mean }
    }
}

/// Written with what is known, and of how many interactions it is; costs that do not fit into 64 bits as `null`.
impl Serialize for TouchpointSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Cost {
            currency: Currency,
            n: u64,
            total: Option<Money>,
        }
        let costs = self.costed().map(|(currency, n)| Cost {
            currency,
            n,
            total: self.cost(currency).ok().map(|(_, total)| total),
        });
        let mut fields = serializer.serialize_struct("TouchpointSummary", 11)?;
        fields.serialize_field("interactions", &self.interactions)?;
        fields.serialize_field("customers", &self.customers())?;
        fields.serialize_field("waits", &self.waits)?;
        fields.serialize_field("handle_times", &self.handled)?;
        fields.serialize_field("transfers", &self.transfers)?;
        fields.serialize_field("transferred", &self.transferred)?;
        fields.serialize_field("outcomes", &self.outcomes)?;
        fields.serialize_field("ease", &Known::from(self.ease()))?;
        fields.serialize_field("sentiment", &Known::from(self.sentiment()))?;
        fields.serialize_field("satisfaction", &Known::from(self.satisfaction()))?;
        fields.serialize_field("costs", &costs.collect::<Vec<_>>())?;
        fields.end()
    }
}

/// Written as a list of places with what customers lived through there.
impl Serialize for TouchpointMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Lived<'a> {
            #[serde(flatten)]
            place: &'a Place,
            #[serde(flatten)]
            summary: &'a TouchpointSummary,
        }
        serializer.collect_seq(self.places.iter().map(|(place, summary)| Lived { place, summary }))
    }
}
