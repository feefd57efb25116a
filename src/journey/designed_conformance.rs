use super::graph::estimate;
use super::{DesignedJourney, Deviation, Ending, Journey, JourneyError, JourneyLog, Replay};
use crate::measure::{Estimate, Share};
use serde::Serialize;
use std::collections::BTreeMap;

/// How far many journeys are as designed, and where they deviate.
///
/// Filled one replay at a time, in any order; `merge` is associative and commutative, and parts merged equal the whole.
/// A journey that may still go on counts as it is so far: what has not come yet is not missed.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::journey::{DesignedJourney, Ending, JourneyLog};
///
/// let designed = DesignedJourney::builder(["order", "pay"]).step("order", "pay", None).build()?;
/// let log = JourneyLog::from_events([(1, 0, "order"), (1, 1, "pay"), (2, 0, "order")], 10)?;
/// let conformance = designed.conformance(&log, |_| Ending::Complete);
/// assert_eq!(conformance.fitting(Share::new(0.95)?).map(|share| share.value()), Some(0.5));
/// assert_eq!(conformance.skipped().get("pay"), Some(&1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conformance {
    designed: DesignedJourney,
    journeys: u64,
    open: u64,
    ties: u64,
    fitting: u64,
    #[serde(rename = "mean_fitness", serialize_with = "mean")]
    fitness: Fitness,
    skipped: BTreeMap<String, u64>,
    inserted: BTreeMap<String, u64>,
    wrong_order: BTreeMap<String, u64>,
    late: BTreeMap<String, u64>,
}

/// A sum of fitness in units of 2^-60, so that it is exact in any order, and of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fitness {
    units: i128,
    journeys: u64,
}

const UNITS: f64 = 1_152_921_504_606_846_976.0;

impl Fitness {
    #[expect(clippy::cast_possible_truncation, reason = "a share makes at most 2^60 units")]
    fn push(&mut self, fitness: Share) {
        self.units += (fitness.get() * UNITS).round() as i128;
        self.journeys += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean has 53 bits")]
    fn mean(self) -> Option<f64> {
        (self.journeys > 0).then(|| self.units as f64 / UNITS / self.journeys as f64)
    }
}

fn mean<S: serde::Serializer>(fitness: &Fitness, serializer: S) -> Result<S::Ok, S::Error> {
    fitness.mean().serialize(serializer)
}

impl Conformance {
    /// No journeys yet.
    pub fn new(designed: &DesignedJourney) -> Self {
        Self {
            designed: designed.clone(),
            journeys: 0,
            open: 0,
            ties: 0,
            fitting: 0,
            fitness: Fitness::default(),
            skipped: BTreeMap::new(),
            inserted: BTreeMap::new(),
            wrong_order: BTreeMap::new(),
            late: BTreeMap::new(),
        }
    }

    /// Counts a replay by the same design.
    pub fn push(&mut self, replay: &Replay) {
        self.journeys += 1;
        self.open += u64::from(replay.ending() == Ending::Open);
        self.ties += replay.ties();
        self.fitting += u64::from(replay.fits());
        self.fitness.push(replay.fitness());
        let mut said: Vec<&Deviation> = replay.deviations().iter().collect();
        said.sort_unstable();
        said.dedup_by(|a, b| match (&**a, &**b) {
            (Deviation::Late { step: one, .. }, Deviation::Late { step: two, .. }) => one == two,
            (one, two) => one == two,
        });
        for deviation in said {
            let (counts, name) = match deviation {
                Deviation::Skipped { step } => (&mut self.skipped, step),
                Deviation::Inserted { activity } => (&mut self.inserted, activity),
                Deviation::WrongOrder { step } => (&mut self.wrong_order, step),
                Deviation::Late { step, .. } => (&mut self.late, step),
            };
            match counts.get_mut(name) {
                Some(count) => *count += 1,
                None => _ = counts.insert(name.clone(), 1),
            }
        }
    }

    /// Adds what was counted elsewhere.
    ///
    /// # Errors
    /// [`JourneyError::DifferentRules`] for another design; nothing was added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), JourneyError> {
        if self.designed != other.designed {
            return Err(JourneyError::DifferentRules { setting: "designed" });
        }
        self.journeys += other.journeys;
        self.open += other.open;
        self.ties += other.ties;
        self.fitting += other.fitting;
        self.fitness.units += other.fitness.units;
        self.fitness.journeys += other.fitness.journeys;
        for (counts, more) in [
            (&mut self.skipped, &other.skipped),
            (&mut self.inserted, &other.inserted),
            (&mut self.wrong_order, &other.wrong_order),
            (&mut self.late, &other.late),
        ] {
            for (name, &more) in more {
                *counts.entry(name.clone()).or_insert(0) += more;
            }
        }
        Ok(())
    }

    /// The design that was held against.
    pub const fn designed(&self) -> &DesignedJourney {
        &self.designed
    }

    /// How many journeys were replayed: the whole of every count.
    pub const fn journeys(&self) -> u64 {
        self.journeys
    }

    /// How many of them may still go on (censored).
    pub const fn open(&self) -> u64 {
        self.open
    }

    /// How many pairs of neighbouring events happened at one instant, so that their order is that of the input.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// The share of journeys that fit wholly, with the Wilson interval; `None` without journeys.
    pub fn fitting(&self, level: Share) -> Option<Estimate> {
        estimate(self.fitting, self.journeys, level)
    }

    /// The mean fitness; `None` without journeys.
    pub fn mean_fitness(&self) -> Option<f64> {
        self.fitness.mean()
    }

    /// In how many journeys each step was skipped.
    pub const fn skipped(&self) -> &BTreeMap<String, u64> {
        &self.skipped
    }

    /// In how many journeys each activity was inserted.
    pub const fn inserted(&self) -> &BTreeMap<String, u64> {
        &self.inserted
    }

    /// In how many journeys each step came in the wrong order.
    pub const fn wrong_order(&self) -> &BTreeMap<String, u64> {
        &self.wrong_order
    }

    /// In how many journeys each step was late.
    pub const fn late(&self) -> &BTreeMap<String, u64> {
        &self.late
    }
}

impl DesignedJourney {
    /// Says how far all journeys of a log are as designed.
    ///
    /// # Arguments
    /// `ending`: whether a journey may still go on.
    ///
    /// # Cost
    /// O(events times designed moves).
    pub fn conformance(&self, log: &JourneyLog, ending: impl Fn(Journey<'_>) -> Ending) -> Conformance {
        let mut all = Conformance::new(self);
        for replay in self.replays(log, ending) {
            all.push(&replay);
        }
        all
    }
}
