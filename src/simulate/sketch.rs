//! The outline of one life: which stages from when, and which ordinary contacts when.

use super::habit::{self, Habit, Phase};
use super::{Buyer, DAY, seconds};
use crate::lifecycle::LifecycleStage;
use crate::tag::Tag;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::Exp1;

/// A purchase is over and the customer an existing one after this long.
const SETTLED: i64 = 14 * DAY;
/// Silence after a purchase from which a customer counts as exiting, and as gone.
const EXITING: i64 = 150 * DAY;
const GONE: i64 = 300 * DAY;
/// No ordinary contact repeats a reason within this time: whoever does is confused.
const SAME_REASON: i64 = 8 * DAY;

/// One ordinary contact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) at: i64,
    pub(super) stage: LifecycleStage,
    pub(super) habit: &'static Habit,
    pub(super) reason: Option<Tag>,
}

/// Stages and contacts of one life, in order of time. Reused from customer to customer.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    pub(super) steps: Vec<Step>,
    pub(super) stages: Vec<(i64, LifecycleStage)>,
}

impl Sketch {
    /// Draws a life around the first `kept` purchases.
    ///
    /// Up to the last of them, and from there to the next one that is left out, the life is the same whatever `kept`
    /// is: nothing drawn for an earlier time depends on later purchases.
    pub(super) fn draw(&mut self, buyer: &Buyer<'_>, kept: usize, rng: &mut ChaCha8Rng) {
        self.steps.clear();
        self.stages.clear();
        let observed = buyer.observed();
        let (start, end) = (observed.start().timestamp_micros(), observed.end().timestamp_micros());
        // Purchases of one instant are one occasion.
        let mut last = None;
        let distinct = buyer.purchases().iter().take(kept).map(chrono::DateTime::timestamp_micros);
        let mut moments = distinct.filter(|&at| last.replace(at) != Some(at)).peekable();

        let meant = buyer.purchases().first().map(chrono::DateTime::timestamp_micros);
        let weighs = self.before(start, end, meant, rng);
        if moments.peek().is_none() && !self.stages.is_empty() {
            self.silence(weighs, end, end, rng);
        }
        while let Some(at) = moments.next() {
            self.around(at, moments.peek().copied().unwrap_or(end), end, rng);
        }
        self.arrange();
    }

    /// What leads to the first purchase, also to one that was meant and never made; returns when interest ends.
    fn before(&mut self, start: i64, end: i64, first: Option<i64>, rng: &mut ChaCha8Rng) -> i64 {
        let aware_for = days(15.0, 20.0, rng);
        let weighs_for = days(1.0, 5.0, rng);
        let Some(first) = first else { return self.prospect(start, end, aware_for, weighs_for, rng) };
        let weighs = first.saturating_sub(weighs_for).max(start);
        let aware = weighs.saturating_sub(aware_for).max(start);
        if aware < weighs {
            self.stages.push((aware, LifecycleStage::Awareness));
        }
        if weighs < first {
            self.stages.push((weighs, LifecycleStage::Consideration));
        }
        self.within(Phase::Awareness, aware, weighs, rng);
        self.within(Phase::Consideration, weighs, first, rng);
        first
    }

    /// Someone who never buys: hears of the company in the first half of the time, half of them weigh an offer.
    fn prospect(
        &mut self,
        start: i64,
        end: i64,
        aware_for: i64,
        weighs_for: i64,
        rng: &mut ChaCha8Rng,
    ) -> i64 {
        #[expect(clippy::cast_precision_loss, reason = "cut to whole seconds")]
        let half = (end - start) as f64 / 2e6;
        let aware = start + seconds(half * rng.random::<f64>());
        let interested = rng.random::<f64>() < 0.5;
        let weighs = aware.saturating_add(aware_for).min(end);
        let over = weighs.saturating_add(weighs_for).min(end);
        self.stages.push((aware, LifecycleStage::Awareness));
        self.within(Phase::Awareness, aware, weighs, rng);
        if interested && weighs < end {
            self.stages.push((weighs, LifecycleStage::Consideration));
            self.within(Phase::Consideration, weighs, over, rng);
        }
        over
    }

    /// The contacts of a phase whose end is known when it begins: at any time of it.
    fn within(&mut self, phase: Phase, from: i64, until: i64, rng: &mut ChaCha8Rng) {
        for habit in habit::of(phase) {
            let (chance, place) = (rng.random::<f64>(), rng.random::<f64>());
            #[expect(clippy::cast_precision_loss, reason = "cut to whole seconds")]
            let at = from.saturating_add(seconds((until - from) as f64 / 1e6 * place));
            if chance < habit.chance && at < until {
                self.step(at, habit, rng);
            }
        }
    }

    /// From one purchase to the next, or to the end.
    fn around(&mut self, at: i64, until: i64, end: i64, rng: &mut ChaCha8Rng) {
        match self.stages.last().map(|&(_, stage)| stage) {
            None | Some(LifecycleStage::Consideration) => self.stages.push((at, LifecycleStage::Purchase)),
            Some(LifecycleStage::Existing | LifecycleStage::Former) => {
                self.stages.push((at, LifecycleStage::Repurchase));
            }
            Some(_) => {
                self.stages.push((at, LifecycleStage::Existing));
                self.stages.push((at, LifecycleStage::Repurchase));
            }
        }
        let mut chance = rng.random::<f64>();
        for habit in habit::of(Phase::Order) {
            if chance < habit.chance {
                self.step(at, habit, rng);
                break;
            }
            chance -= habit.chance;
        }
        self.after(Phase::AfterOrder, at, end, rng);
        let settled = at.saturating_add(SETTLED);
        if settled < until {
            self.stages.push((settled, LifecycleStage::Existing));
        }
        self.after(Phase::Existing, settled, until.min(at.saturating_add(EXITING)), rng);
        self.silence(at, until, end, rng);
    }

    /// What long silence leads to, from the last sign of life to the next purchase or the end.
    fn silence(&mut self, since: i64, until: i64, end: i64, rng: &mut ChaCha8Rng) {
        let (exiting, gone) = (since.saturating_add(EXITING), since.saturating_add(GONE));
        if exiting < until {
            self.stages.push((exiting, LifecycleStage::Exiting));
            self.after(Phase::Exiting, exiting, until.min(gone), rng);
        }
        if gone < until {
            self.stages.push((gone, LifecycleStage::Former));
            self.after(Phase::Former, gone, until.min(end), rng);
        }
    }

    /// The contacts of a phase that ends when the customer wants: some time after its beginning, if it lasts so long.
    fn after(&mut self, phase: Phase, from: i64, until: i64, rng: &mut ChaCha8Rng) {
        for habit in habit::of(phase) {
            let chance = rng.random::<f64>();
            let at = from.saturating_add(days(habit.days.0, habit.days.1, rng));
            let step = chance < habit.chance;
            if step && at < until {
                self.step(at, habit, rng);
            } else if step {
                // Drawn even when it comes too late, so that what follows does not depend on the end.
                let _: f64 = rng.random();
            }
        }
    }

    fn step(&mut self, at: i64, habit: &'static Habit, rng: &mut ChaCha8Rng) {
        let uniform = rng.random::<f64>();
        #[expect(clippy::cast_precision_loss, reason = "a handful of reasons")]
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below the number of reasons"
        )]
        let reason = habit.reasons.get((uniform * habit.reasons.len() as f64) as usize).copied();
        let reason = reason.filter(|_| habit.states_reason);
        self.steps.push(Step { at, stage: LifecycleStage::Awareness, habit, reason });
    }

    /// Puts the contacts in order of time, gives each its stage, and drops those that repeat a reason too soon.
    fn arrange(&mut self) {
        self.steps.sort_by_key(|step| step.at);
        let mut kept: Vec<Step> = Vec::with_capacity(self.steps.len());
        let mut stages = self.stages.iter().copied().peekable();
        let mut stage = LifecycleStage::Awareness;
        for step in &self.steps {
            while let Some((_, entered)) = stages.next_if(|&(from, _)| from <= step.at) {
                stage = entered;
            }
            let recent = kept.iter().rev().take_while(|other| step.at - other.at < SAME_REASON);
            if step.reason.is_none() || recent.filter(|other| other.reason == step.reason).count() == 0 {
                kept.push(Step { stage, ..*step });
            }
        }
        self.steps = kept;
    }

    /// When the stage that holds at an instant ends.
    pub(super) fn stage_ends(&self, at: i64) -> Option<i64> {
        let next = self.stages.partition_point(|&(from, _)| from <= at);
        self.stages.get(next).map(|&(from, _)| from)
    }
}

/// A span of at least so many days, and on average so many more, in microseconds.
fn days(least: f64, more: f64, rng: &mut ChaCha8Rng) -> i64 {
    seconds((least + more * rng.sample::<f64, _>(Exp1)) * 86_400.0)
}
