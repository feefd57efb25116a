//! A funnel as tables that answer in a few instructions what an event means to it.

use super::{EqualInstants, FunnelExclusion, FunnelOrder, FunnelStep, JourneyError};
use chrono::TimeDelta;

/// Stands for "no bound". No two instants are further apart, because their difference saturates here.
pub(super) const UNBOUNDED: i64 = i64::MAX;

/// How chains of events are kept while a customer is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// One chain for each step: the newest. Without gaps to wait for, no older one can do what the newest cannot: it
    /// began no earlier (every step takes the newest chain of the one before), and its last event is later.
    Newest,
    /// All chains for each step that may still matter. Where a step must wait, the newest chain may be too new.
    Pending,
    /// The last time of each step, for steps in any order.
    AnyOrder,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PlanStep {
    /// The steps it may follow, as bits: the last one that must be met, and the optional ones since.
    pub(super) sources: u32,
    pub(super) least_gap: i64,
    pub(super) most_gap: i64,
    /// The longest gap that any step which may follow allows.
    pub(super) patience: i64,
    /// The longest gap that any step which may follow waits for.
    pub(super) rest: i64,
    /// The longest that any way may take from the entry to it: the window, or the bounds of the steps on the way.
    pub(super) reach: i64,
    /// The last step before it that must be met.
    pub(super) previous: usize,
}

/// What an activity means to the funnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    /// Which steps it meets, as bits.
    pub(super) steps: u32,
    /// At which steps it breaks chains, as bits.
    pub(super) breaks: u32,
    /// By which exclusions, as bits.
    pub(super) exclusions: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FunnelPlan {
    pub(super) engine: Engine,
    pub(super) strict: bool,
    /// Whether order needs a later instant.
    pub(super) later: bool,
    /// Whether only the first event that meets the first step is an entry.
    pub(super) enters_once: bool,
    pub(super) window: i64,
    pub(super) steps: Vec<PlanStep>,
    /// First and last step of each exclusion, the last one not included.
    pub(super) exclusions: Vec<(usize, usize)>,
    /// The steps that must be met, as bits.
    pub(super) firm: u32,
    /// The last step, as a bit.
    pub(super) goal: u32,
    meanings: Vec<Meaning>,
}

impl FunnelPlan {
    pub(super) fn new(
        order: FunnelOrder,
        steps: &[FunnelStep],
        window: Option<TimeDelta>,
        exclusions: &[FunnelExclusion],
        equal_instants: EqualInstants,
    ) -> Result<Self, JourneyError> {
        let later = equal_instants == EqualInstants::Later;
        let window = window.map_or(Ok(UNBOUNDED), |span| micros("window", span))?;
        let (mut planned, mut firm, mut previous) = (Vec::with_capacity(steps.len()), 0_u32, 0);
        let mut soonest = 0_i64;
        for (place, step) in steps.iter().enumerate() {
            let ordered_later = later && place > 0 && order != FunnelOrder::Unordered;
            let least_gap = micros("after", step.least_gap())?.max(i64::from(ordered_later));
            let most_gap = step.most_gap().map_or(Ok(UNBOUNDED), |span| micros("within", span))?;
            let earliest = soonest.saturating_add(least_gap);
            if place == 0 && (step.least_gap() != TimeDelta::zero() || step.most_gap().is_some()) {
                return Err(JourneyError::FirstStepGap);
            }
            if least_gap > most_gap || earliest > window {
                return Err(JourneyError::NeverInTime { step: place });
            }
            let sources = below(place) & !below(previous);
            let (patience, rest) = (0, 0);
            // A way over optional steps may take the sum of their bounds.
            let until = planned.iter().enumerate().filter(|(source, _)| sources & bit(*source) != 0);
            let longest: i64 = until.map(|(_, source): (_, &PlanStep)| source.reach).max().unwrap_or(0);
            let reach = match order {
                _ if place == 0 => 0,
                FunnelOrder::Unordered => window,
                FunnelOrder::Ordered | FunnelOrder::Strict => longest.saturating_add(most_gap).min(window),
            };
            planned.push(PlanStep { sources, least_gap, most_gap, patience, rest, reach, previous });
            if !step.is_optional() {
                firm |= bit(place);
                previous = place;
                soonest = earliest;
            }
        }
        let followers = planned.clone();
        for (place, step) in planned.iter_mut().enumerate() {
            let next = followers.iter().filter(|follower| follower.sources & bit(place) != 0);
            for follower in next {
                step.patience = step.patience.max(follower.most_gap);
                step.rest = step.rest.max(follower.least_gap);
            }
        }
        let engine = match order {
            FunnelOrder::Unordered => Engine::AnyOrder,
            FunnelOrder::Ordered if planned.iter().skip(1).any(|step| step.least_gap > 0) => Engine::Pending,
            FunnelOrder::Ordered | FunnelOrder::Strict => Engine::Newest,
        };
        Ok(Self {
            engine,
            strict: order == FunnelOrder::Strict,
            later,
            enters_once: false,
            window,
            exclusions: exclusions.iter().map(|exclusion| (exclusion.from, exclusion.to)).collect(),
            firm,
            goal: bit(steps.len() - 1),
            meanings: meanings(steps, exclusions),
            steps: planned,
        })
    }

    #[inline]
    pub(super) fn meaning(&self, activity: u16) -> Meaning {
        self.meanings.get(usize::from(activity)).copied().unwrap_or_default()
    }
}

fn meanings(steps: &[FunnelStep], exclusions: &[FunnelExclusion]) -> Vec<Meaning> {
    let named =
        steps.iter().map(FunnelStep::activities).chain(exclusions.iter().map(FunnelExclusion::activities));
    let most = named.flatten().copied().max().unwrap_or(0);
    let mut meanings = vec![Meaning::default(); usize::from(most) + 1];
    for (place, step) in steps.iter().enumerate() {
        for &activity in step.activities() {
            if let Some(meaning) = meanings.get_mut(usize::from(activity)) {
                meaning.steps |= bit(place);
            }
        }
    }
    for (place, exclusion) in exclusions.iter().enumerate() {
        for &activity in exclusion.activities() {
            if let Some(meaning) = meanings.get_mut(usize::from(activity)) {
                meaning.breaks |= below(exclusion.to) & !below(exclusion.from);
                meaning.exclusions |= bit(place);
            }
        }
    }
    meanings
}

/// The bit of a step; none beyond the last that fits.
#[inline]
pub(super) fn bit(place: usize) -> u32 {
    u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place)).unwrap_or(0)
}

/// The bits of all steps before one.
#[inline]
pub(super) fn below(place: usize) -> u32 {
    bit(place).wrapping_sub(1)
}

/// The highest step of some, where there is one.
#[inline]
pub(super) fn highest(steps: u32) -> Option<usize> {
    steps.checked_ilog2().map(|place| place as usize)
}

fn micros(span: &'static str, length: TimeDelta) -> Result<i64, JourneyError> {
    length.num_microseconds().filter(|&length| length >= 0).ok_or(JourneyError::Span { span })
}
