//! One customer on their way through a funnel, event by event.

#[cfg(test)]
mod tests;

use super::funnel_plan::{Engine, FunnelPlan, Meaning, PlanStep, UNBOUNDED, bit, highest};

/// What is kept for one step of one customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// When the chain that stands at the step began.
    entry: i64,
    /// When it met the step.
    last: i64,
    /// How long it took to reach the step for the first time.
    pub(super) took: i64,
}

/// A chain of events that stands at a step, where several must be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    step: usize,
    entry: i64,
    last: i64,
}

/// What is kept for one customer besides the marks of the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The steps at which a chain stands, as bits.
    live: u32,
    /// The steps reached at any time, as bits.
    pub(super) reached: u32,
    /// The activity after they last stood at the furthest step.
    next: Option<u16>,
    /// Whether the last event is the one that stands at the furthest step.
    standing: bool,
    /// Whether an exclusion broke what stood at the furthest step.
    broken: bool,
    /// Exclusions that happened at the last instant and break only what is older.
    waiting: u32,
    /// When they first met the first step (of steps in any order: any one), where one is reached.
    pub(super) entered: i64,
    pub(super) last_time: i64,
    pub(super) any: bool,
    pub(super) ties: u32,
}

/// How a customer's way ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Outside,
    Converted,
    Open(usize),
    Excluded(usize, Option<u16>),
    Dropped(usize, Option<u16>),
}

impl Status {
    fn furthest(&self, plan: &FunnelPlan) -> Option<usize> {
        highest(self.reached & plan.firm)
    }

    /// Takes in the next event. Answers the steps reached for the first time, as bits.
    #[inline]
    pub(super) fn advance(
        &mut self,
        plan: &FunnelPlan,
        marks: &mut [Mark],
        chains: &mut Vec<Chain>,
        time: i64,
        activity: u16,
    ) -> u32 {
        let same_instant = self.any && time == self.last_time;
        self.ties += u32::from(same_instant);
        if self.reached & plan.goal != 0 {
            (self.any, self.last_time) = (true, time);
            return 0;
        }
        if self.waiting != 0 && !same_instant {
            self.settle(plan, marks, chains);
        }
        (self.any, self.last_time) = (true, time);
        let meaning = plan.meaning(activity);
        if meaning.exclusions != 0 {
            self.exclude(plan, marks, chains, meaning, time);
        }
        let met = match plan.engine {
            Engine::Newest => self.newest(plan, marks, meaning.steps, time),
            _ if meaning.steps == 0 => 0,
            Engine::Pending => self.pending(plan, marks, chains, meaning.steps, time),
            Engine::AnyOrder => self.any_order(plan, marks, meaning.steps, time),
        };
        let new = met & !self.reached;
        if self.reached == 0 {
            self.entered = time;
        }
        self.reached |= new;
        if met != 0 && self.furthest(plan).is_some_and(|furthest| met & bit(furthest) != 0) {
            (self.standing, self.broken, self.next) = (true, false, None);
        } else if self.standing {
            (self.standing, self.next) = (false, Some(activity));
        }
        new
    }

    /// Takes in all events of a customer, of whom nothing was known. Times must not descend.
    pub(super) fn walk(
        &mut self,
        plan: &FunnelPlan,
        marks: &mut [Mark],
        chains: &mut Vec<Chain>,
        times: &[i64],
        activities: &[u16],
    ) {
        let events = times.iter().zip(activities);
        if plan.engine != Engine::Newest || plan.strict || !plan.exclusions.is_empty() {
            for (&time, &activity) in events {
                self.advance(plan, marks, chains, time, activity);
            }
            return;
        }
        // The same as `advance`, without what such a funnel does not need for each event.
        let mut after = None;
        for (row, (&time, &activity)) in events.enumerate() {
            let steps = plan.meaning(activity).steps;
            if steps == 0 {
                continue;
            }
            let met = self.newest(plan, marks, steps, time);
            if self.reached == 0 {
                self.entered = time;
            }
            self.reached |= met;
            if met != 0 && met & bit(self.furthest(plan).unwrap_or(0)) != 0 {
                after = Some(row + 1);
                if self.reached & plan.goal != 0 {
                    break;
                }
            }
        }
        self.next = after.and_then(|row| activities.get(row)).copied();
        let equal = times.windows(2).filter(|pair| matches!(pair, [a, b] if a == b)).count();
        self.ties = u32::try_from(equal).unwrap_or(u32::MAX);
        (self.any, self.last_time) = (!times.is_empty(), times.last().copied().unwrap_or_default());
    }

    #[inline]
    fn newest(&mut self, plan: &FunnelPlan, marks: &mut [Mark], steps: u32, time: i64) -> u32 {
        let (mut met, mut wanted) = (0, steps);
        // From the last step to the first, so that the event meets each step with what stood there before it.
        while let Some(place) = highest(wanted) {
            wanted ^= bit(place);
            let entry = if place == 0 {
                self.enter(plan, time)
            } else {
                plan.steps.get(place).and_then(|step| self.best_source(plan, step, marks, time))
            };
            if let (Some(entry), Some(mark)) = (entry, marks.get_mut(place)) {
                let took =
                    if self.reached & bit(place) == 0 { time.saturating_sub(entry) } else { mark.took };
                *mark = Mark { entry, last: time, took };
                met |= bit(place);
            }
        }
        self.live = if plan.strict { met } else { self.live | met };
        met
    }

    /// An event that meets the first step, where it is an entry.
    #[inline]
    fn enter(&self, plan: &FunnelPlan, time: i64) -> Option<i64> {
        (!plan.enters_once || self.reached == 0).then_some(time)
    }

    #[inline]
    fn best_source(&self, plan: &FunnelPlan, step: &PlanStep, marks: &[Mark], time: i64) -> Option<i64> {
        let mut sources = step.sources & self.live;
        let mut best = None;
        while let Some(source) = highest(sources) {
            sources ^= bit(source);
            if let Some(mark) = marks.get(source) {
                best = best.max(in_time(plan, step, mark.entry, mark.last, time));
            }
        }
        best
    }

    fn pending(
        &mut self,
        plan: &FunnelPlan,
        marks: &mut [Mark],
        chains: &mut Vec<Chain>,
        steps: u32,
        time: i64,
    ) -> u32 {
        let (mut met, mut wanted) = (0, steps);
        while let Some(place) = highest(wanted) {
            wanted ^= bit(place);
            let Some(step) = plan.steps.get(place) else { continue };
            let sources = chains.iter().filter(|chain| step.sources & bit(chain.step) != 0);
            let entry = if place == 0 {
                self.enter(plan, time)
            } else {
                sources.filter_map(|chain| in_time(plan, step, chain.entry, chain.last, time)).max()
            };
            if let (Some(entry), Some(mark)) = (entry, marks.get_mut(place)) {
                if self.reached & bit(place) == 0 {
                    mark.took = time.saturating_sub(entry);
                }
                chains.push(Chain { step: place, entry, last: time });
                prune(plan, step, chains, place, time);
                met |= bit(place);
            }
        }
        met
    }

    fn any_order(&mut self, plan: &FunnelPlan, marks: &mut [Mark], steps: u32, time: i64) -> u32 {
        let Some(place) = highest(steps) else { return 0 };
        if let Some(mark) = marks.get_mut(place) {
            mark.last = time;
        }
        self.live |= bit(place);
        let mut recent = [0_i64; 32];
        let mut count = 0;
        let times = self.live_marks(marks).filter(|&last| time.saturating_sub(last) <= plan.window);
        for (slot, last) in recent.iter_mut().zip(times) {
            *slot = last;
            count += 1;
        }
        let Some(recent) = recent.get_mut(..count) else { return 0 };
        recent.sort_unstable_by(|a, b| b.cmp(a));
        for (place, (mark, &entry)) in marks.iter_mut().zip(&*recent).enumerate() {
            if self.reached & bit(place) == 0 {
                mark.took = time.saturating_sub(entry);
            }
        }
        bit(count).wrapping_sub(1)
    }

    fn live_marks(&self, marks: &[Mark]) -> impl Iterator<Item = i64> {
        let live = self.live;
        marks.iter().enumerate().filter(move |&(place, _)| live & bit(place) != 0).map(|(_, mark)| mark.last)
    }

    /// An excluded activity at `time`.
    #[cold]
    fn exclude(
        &mut self,
        plan: &FunnelPlan,
        marks: &[Mark],
        chains: &mut Vec<Chain>,
        meaning: Meaning,
        time: i64,
    ) {
        if plan.later {
            // Whatever happens at this instant is not before it; what is older breaks when the instant is over.
            self.waiting |= meaning.exclusions;
            return;
        }
        let furthest = self.furthest(plan);
        match plan.engine {
            Engine::Newest => {
                let broken = furthest.filter(|&place| self.live & meaning.breaks & bit(place) != 0);
                let alive = broken.and_then(|place| {
                    let mark = marks.get(place)?;
                    Some(can_go_on(plan, place, mark.entry, mark.last, time))
                });
                self.broken |= alive == Some(true);
                self.live &= !meaning.breaks;
            }
            Engine::Pending => {
                chains.retain(|chain| {
                    let breaks = meaning.breaks & bit(chain.step) != 0;
                    let alive = can_go_on(plan, chain.step, chain.entry, chain.last, time);
                    self.broken |= breaks && alive && Some(chain.step) == furthest;
                    !breaks
                });
            }
            Engine::AnyOrder => {
                self.broken |=
                    self.count_at(plan, marks, time).checked_sub(1) == furthest && furthest.is_some();
                self.live = 0;
            }
        }
    }

    /// How many steps in any order were met within the window that ends at `time`.
    fn count_at(&self, plan: &FunnelPlan, marks: &[Mark], time: i64) -> usize {
        self.live_marks(marks).filter(|&last| time.saturating_sub(last) <= plan.window).count()
    }

    /// Breaks what the exclusions of the last instant break, now that it is over.
    fn settle(&mut self, plan: &FunnelPlan, marks: &[Mark], chains: &mut Vec<Chain>) {
        let (furthest, at) = (self.furthest(plan), self.last_time);
        self.broken |= self.breaks_furthest(plan, marks, chains);
        match plan.engine {
            Engine::AnyOrder => {
                for (place, mark) in marks.iter().enumerate() {
                    if mark.last < at {
                        self.live &= !bit(place);
                    }
                }
            }
            Engine::Newest | Engine::Pending => chains.retain(|chain| !self.breaks(plan, chain)),
        }
        debug_assert!(furthest == self.furthest(plan), "exclusions reach no step");
        self.waiting = 0;
    }

    /// Whether an exclusion of the last instant breaks a chain: not one that met the first step of the exclusion only
    /// at that instant.
    fn breaks(&self, plan: &FunnelPlan, chain: &Chain) -> bool {
        let mut exclusions = plan.exclusions.iter().enumerate();
        exclusions.any(|(place, &(from, to))| {
            self.waiting & bit(place) != 0
                && (from..to).contains(&chain.step)
                && !(chain.step == from && chain.last == self.last_time)
        })
    }

    /// Whether the exclusions of the last instant break all that stands at the furthest step and could go on.
    fn breaks_furthest(&self, plan: &FunnelPlan, marks: &[Mark], chains: &[Chain]) -> bool {
        let Some(furthest) = self.furthest(plan).filter(|_| self.waiting != 0) else { return false };
        if plan.engine == Engine::AnyOrder {
            let at = self.last_time;
            let kept = self.live_marks(marks).filter(|&last| last == at).count();
            return self.count_at(plan, marks, at) == furthest + 1 && kept <= furthest;
        }
        let here = || chains.iter().filter(|chain| chain.step == furthest);
        let alive = |chain: &&Chain| can_go_on(plan, chain.step, chain.entry, chain.last, self.last_time);
        here().filter(alive).any(|chain| self.breaks(plan, chain))
            && !here().any(|chain| !self.breaks(plan, chain) && chain.last == self.last_time)
    }

    /// Whether the time in which those who enter can reach a step is over at `as_of`, counted from their first entry.
    pub(super) fn is_mature(&self, step: &PlanStep, as_of: i64) -> bool {
        step.reach == UNBOUNDED || self.entered.saturating_add(step.reach) <= as_of
    }

    /// Says how the way ended, when all up to and including `as_of` is known.
    pub(super) fn ending(&self, plan: &FunnelPlan, marks: &[Mark], chains: &[Chain], as_of: i64) -> Ending {
        let Some(furthest) = self.furthest(plan) else { return Ending::Outside };
        if self.reached & plan.goal != 0 {
            return Ending::Converted;
        }
        let open = |step: usize, entry: i64, last: i64| {
            deadline(plan, step, entry, last).is_some_and(|deadline| deadline > as_of)
        };
        let is_open = match plan.engine {
            Engine::Newest => marks
                .iter()
                .enumerate()
                .any(|(place, mark)| self.live & bit(place) != 0 && open(place, mark.entry, mark.last)),
            Engine::Pending => chains
                .iter()
                .any(|chain| open(chain.step, chain.entry, chain.last) && !self.breaks(plan, chain)),
            Engine::AnyOrder => self
                .live_marks(marks)
                .filter(|&last| self.waiting == 0 || last == self.last_time)
                .any(|last| plan.window != UNBOUNDED && last.saturating_add(plan.window) > as_of),
        };
        if is_open {
            Ending::Open(furthest)
        } else if self.broken || self.breaks_furthest(plan, marks, chains) {
            Ending::Excluded(furthest, self.next)
        } else {
            Ending::Dropped(furthest, self.next)
        }
    }
}

/// The entry of a chain, where an event at `time` continues it in time.
#[inline]
fn in_time(plan: &FunnelPlan, step: &PlanStep, entry: i64, last: i64, time: i64) -> Option<i64> {
    let gap = time.saturating_sub(last);
    let fits = gap >= step.least_gap && gap <= step.most_gap && time.saturating_sub(entry) <= plan.window;
    fits.then_some(entry)
}

/// The last instant at which a chain can meet its next step, where there is such a bound.
fn deadline(plan: &FunnelPlan, step: usize, entry: i64, last: i64) -> Option<i64> {
    let patience = plan.steps.get(step).map_or(UNBOUNDED, |step| step.patience);
    let bound = |from: i64, span: i64| (span != UNBOUNDED).then(|| from.saturating_add(span));
    match (bound(entry, plan.window), bound(last, patience)) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

fn can_go_on(plan: &FunnelPlan, step: usize, entry: i64, last: i64, time: i64) -> bool {
    deadline(plan, step, entry, last).is_none_or(|deadline| deadline >= time)
}

/// Forgets chains at a step that are over, and those that another one can replace: one that began no earlier, is no
/// older, and has waited long enough for any step that may follow.
fn prune(plan: &FunnelPlan, step: &PlanStep, chains: &mut Vec<Chain>, place: usize, time: i64) {
    let rested = |chain: &Chain| time.saturating_sub(chain.last) >= step.rest;
    let best = chains.iter().rev().find(|chain| chain.step == place && rested(chain)).copied();
    chains.retain(|chain| {
        chain.step != place
            || (can_go_on(plan, place, chain.entry, chain.last, time)
                && best
                    .is_none_or(|best| chain.last > best.last || chain.entry > best.entry || *chain == best))
    });
}
