//! The way through a funnel against every choice of events there is.

use crate::journey::{
    Activities, EqualInstants, Funnel, FunnelAttribute, FunnelColumns, FunnelFold, FunnelOrder,
    FunnelOutcome, FunnelStep, JourneyLog, Visits,
};
use crate::measure::Share;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

type Event = (i64, u16);

fn micros(count: i64) -> TimeDelta {
    TimeDelta::microseconds(count)
}

fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap()
}

/// What the oracle answers for one customer.
#[derive(Clone, Debug, PartialEq)]
struct Truth {
    /// For each step: how long it took to reach it.
    took: Vec<Option<i64>>,
    /// For each step: whether the time to reach it is over, from the first entry on.
    over: Vec<bool>,
    open: bool,
    excluded: bool,
    next: Option<u16>,
}

/// A choice of events: which step by which event.
type Choice = Vec<(usize, usize)>;

/// Tries every choice of events for every choice of steps.
struct Oracle<'a> {
    funnel: &'a Funnel,
    events: &'a [Event],
}

impl Oracle<'_> {
    fn later(&self) -> bool {
        self.funnel.equal_instants() == EqualInstants::Later
    }

    fn time(&self, event: usize) -> i64 {
        self.events[event].0
    }

    /// Whether one event is after another.
    fn after(&self, event: usize, other: usize) -> bool {
        if self.later() { self.time(event) > self.time(other) } else { event > other }
    }

    fn choices(&self) -> Vec<Choice> {
        let mut all = Vec::new();
        let steps = self.funnel.steps();
        if self.funnel.order() == FunnelOrder::Unordered {
            self.sets(0, &mut Vec::new(), &mut all);
        } else {
            self.chains(0, &mut Vec::new(), &mut all);
        }
        all.retain(|choice| !choice.is_empty() && self.holds(choice));
        if self.funnel.entries() == Visits::First {
            all.retain(|choice| Some(choice[0].1) == self.first_entry());
        }
        assert!(steps.len() <= 5 && self.events.len() <= 9, "there are too many choices to try");
        all
    }

    fn sets(&self, step: usize, chosen: &mut Choice, all: &mut Vec<Choice>) {
        if step == self.funnel.steps().len() {
            all.push(chosen.clone());
            return;
        }
        self.sets(step + 1, chosen, all);
        for (event, &(_, activity)) in self.events.iter().enumerate() {
            if self.funnel.steps()[step].activities().contains(&activity) {
                chosen.push((step, event));
                self.sets(step + 1, chosen, all);
                chosen.pop();
            }
        }
    }

    fn chains(&self, step: usize, chosen: &mut Choice, all: &mut Vec<Choice>) {
        all.push(chosen.clone());
        let Some(definition) = self.funnel.steps().get(step) else { return };
        if definition.is_optional() {
            let before = all.len();
            self.chains(step + 1, chosen, all);
            all.remove(before);
        }
        for (event, &(_, activity)) in self.events.iter().enumerate() {
            let follows = chosen.last().is_none_or(|&(_, last)| event > last && self.after(event, last));
            if follows && definition.activities().contains(&activity) {
                chosen.push((step, event));
                self.chains(step + 1, chosen, all);
                chosen.pop();
            }
        }
    }

    fn ends(choice: &Choice) -> (usize, usize) {
        let events = || choice.iter().map(|&(_, event)| event);
        (events().min().unwrap(), events().max().unwrap())
    }

    fn holds(&self, choice: &Choice) -> bool {
        let (first, last) = Self::ends(choice);
        let span = self.time(last) - self.time(first);
        if self.funnel.window().is_some_and(|window| micros(span) > window) {
            return false;
        }
        let in_order = self.funnel.order() == FunnelOrder::Unordered
            || choice.windows(2).all(|pair| {
                let ((_, before), (step, event)) = (pair[0], pair[1]);
                let step = &self.funnel.steps()[step];
                let gap = micros(self.time(event) - self.time(before));
                let near = self.funnel.order() != FunnelOrder::Strict || event == before + 1;
                near && gap >= step.least_gap() && step.most_gap().is_none_or(|most| gap <= most)
            });
        in_order && !self.broken_by(choice, |event| self.after(last, event), 0)
    }

    /// Whether an excluded event, not before the event `since`, breaks the choice; where the exclusion does not end
    /// within the choice, only events `before` something count.
    fn broken_by(&self, choice: &Choice, before: impl Fn(usize) -> bool, since: usize) -> bool {
        let (first, last) = Self::ends(choice);
        self.funnel.exclusions().iter().any(|exclusion| {
            let met = |step: usize| choice.iter().find(|met| met.0 == step).map(|met| met.1);
            let unordered = self.funnel.order() == FunnelOrder::Unordered;
            let (from, to) = if unordered {
                let complete = choice.len() == self.funnel.steps().len();
                (Some(first), complete.then_some(last))
            } else {
                (met(exclusion.from_step()), met(exclusion.to_step()))
            };
            let Some(from) = from else { return false };
            (since..self.events.len()).any(|event| {
                exclusion.activities().contains(&self.events[event].1)
                    && self.after(event, from)
                    && to.map_or_else(|| before(event), |to| self.after(to, event))
            })
        })
    }

    fn deadline(&self, choice: &Choice) -> Option<i64> {
        let (first, last) = Self::ends(choice);
        let window = self.funnel.window().map(|window| self.time(first) + window.num_microseconds().unwrap());
        if self.funnel.order() == FunnelOrder::Unordered {
            return window;
        }
        let (step, _) = *choice.last().unwrap();
        let steps = self.funnel.steps();
        let mut gaps = Vec::new();
        for next in &steps[step + 1..] {
            gaps.push(next.most_gap());
            if !next.is_optional() {
                break;
            }
        }
        let gap = gaps.into_iter().collect::<Option<Vec<_>>>().and_then(|gaps| gaps.into_iter().max());
        let gap = gap.map(|gap| self.time(last) + gap.num_microseconds().unwrap());
        match (window, gap) {
            (Some(window), Some(gap)) => Some(window.min(gap)),
            (one, other) => one.or(other),
        }
    }

    /// The first event that meets the first step, or any where steps have no order.
    fn first_entry(&self) -> Option<usize> {
        let unordered = self.funnel.order() == FunnelOrder::Unordered;
        let steps = &self.funnel.steps()[..if unordered { self.funnel.steps().len() } else { 1 }];
        self.events.iter().position(|event| steps.iter().any(|step| step.activities().contains(&event.1)))
    }

    fn over(&self, step: usize, as_of: i64) -> bool {
        let Some(entry) = self.first_entry() else { return false };
        let window = self.funnel.window().map(|window| window.num_microseconds().unwrap());
        let gaps = self.funnel.steps()[1..=step].iter().map(|step| step.most_gap()?.num_microseconds());
        let gaps = gaps.sum::<Option<i64>>().filter(|_| self.funnel.order() != FunnelOrder::Unordered);
        let bounds = window.into_iter().chain(gaps);
        step == 0 || bounds.min().is_none_or(|bound| self.time(entry) + bound <= as_of)
    }

    fn truth(&self, as_of: i64) -> Truth {
        let unordered = self.funnel.order() == FunnelOrder::Unordered;
        let steps = self.funnel.steps().len();
        let place = |choice: &Choice| if unordered { choice.len() - 1 } else { choice.last().unwrap().0 };
        let mut all = self.choices();
        let converts = |choice: &&Choice| place(choice) + 1 == steps;
        let end = all.iter().filter(converts).map(|choice| Self::ends(choice).1).min();
        all.retain(|choice| end.is_none_or(|end| Self::ends(choice).1 <= end));
        let took = (0..steps)
            .map(|step| {
                let here = || all.iter().filter(|choice| place(choice) == step);
                let earliest = here().map(|choice| Self::ends(choice).1).min()?;
                let times = here().filter(|choice| Self::ends(choice).1 == earliest);
                times.map(|choice| self.time(earliest) - self.entry(choice)).min()
            })
            .collect::<Vec<_>>();
        let firm = |step: &usize| took[*step].is_some() && !self.funnel.steps()[*step].is_optional();
        let furthest = (0..steps).rev().find(firm);
        let stood = all
            .iter()
            .filter(|choice| Some(place(choice)) == furthest)
            .map(|choice| Self::ends(choice).1)
            .max();
        let next = stood.and_then(|stood| self.events.get(stood + 1)).map(|event| event.1);
        let strict = self.funnel.order() == FunnelOrder::Strict;
        let open = end.is_none()
            && all.iter().any(|choice| {
                let neighbour = !strict || Self::ends(choice).1 + 1 == self.events.len();
                let alive = self.deadline(choice).is_some_and(|deadline| deadline > as_of);
                neighbour && alive && !self.broken_by(choice, |_| true, 0)
            });
        let excluded = end.is_none()
            && !open
            && all.iter().filter(|choice| Some(place(choice)) == furthest).any(|choice| {
                (stood.unwrap() + 1..self.events.len()).any(|event| {
                    // The first excluded event that breaks it comes while it could still go on.
                    let unbroken = !self.broken_by(choice, |other| other < event, 0);
                    let breaks = self.broken_by(choice, |other| other <= event, 0);
                    let alive = self.deadline(choice).is_none_or(|deadline| deadline >= self.time(event));
                    unbroken && breaks && alive
                })
            });
        let over = (0..steps).map(|step| self.over(step, as_of)).collect();
        Truth { took, over, open, excluded, next: if end.is_some() { None } else { next } }
    }

    fn entry(&self, choice: &Choice) -> i64 {
        self.time(Self::ends(choice).0)
    }
}

fn answer(funnel: &Funnel, events: &[Event], as_of: i64) -> Truth {
    let mut fold = FunnelFold::new(funnel);
    for &(time, activity) in events {
        fold.push(5, time, activity).unwrap();
    }
    let now = fold.report(at(as_of)).unwrap();
    let level = Share::new(0.95).unwrap();
    let over = now.steps().iter().enumerate().map(|(place, step)| {
        let share = now.share_of_entered(place, level).map(|share| (share.n(), share.value() > 0.0));
        assert_eq!(share, (step.mature() > 0).then_some((1, step.reached() > 0)));
        assert_eq!(step.mature_reached(), step.mature() * step.reached());
        assert_eq!(place > 0 && step.mature_reached() > 0, step.time_to_reach().is_some());
        step.mature() > 0
    });
    let over: Vec<bool> = over.collect();
    let entered = over.first() == Some(&true);
    assert_eq!(fold.is_mature(5, at(as_of)), over.last() == Some(&true));
    assert_eq!(fold.entered(5).is_some(), entered);
    assert_eq!((now.immature(), now.immature_converted()), {
        let open = u64::from(entered && over.last() == Some(&false));
        (open, open * now.converted())
    });
    // Times tell of those only whose time is over.
    let report = fold.report(at(as_of + 1_000)).unwrap();
    let took = report.steps().iter().enumerate().map(|(place, step)| {
        let first = (place == 0).then_some(0);
        (step.reached() > 0).then(|| {
            step.time_to_reach().map(|time| time.median().num_microseconds().unwrap()).or(first).unwrap()
        })
    });
    let outcome = fold.outcome(5, at(as_of)).unwrap();
    let (open, excluded, next) = match outcome {
        FunnelOutcome::Open { .. } => (true, false, None),
        FunnelOutcome::Excluded { next, .. } => (false, true, next),
        FunnelOutcome::Dropped { next, .. } => (false, false, next),
        FunnelOutcome::NotEntered | FunnelOutcome::Converted { .. } => (false, false, None),
    };
    Truth { took: took.collect(), over, open, excluded, next }
}

fn a_step() -> impl Strategy<Value = FunnelStep> {
    let gap = prop::option::weighted(0.3, 0_i64..5);
    (prop::collection::vec(0_u16..4, 1..3), any::<bool>(), gap.clone(), gap).prop_map(
        |(activities, optional, least, most)| {
            let mut step = FunnelStep::any_of(activities);
            if optional {
                step = step.optional();
            }
            if let Some(least) = least {
                step = step.after(micros(least));
            }
            if let Some(most) = most {
                step = step.within(micros(most));
            }
            step
        },
    )
}

fn a_funnel() -> impl Strategy<Value = Funnel> {
    let order = prop::sample::select(FunnelOrder::ALL);
    let policy = prop::sample::select(EqualInstants::ALL);
    let excluded = prop_oneof![3 => 4_u16..6, 1 => 0_u16..4];
    let exclusions = prop::collection::vec((excluded, 0_usize..4, 1_usize..4), 0..3);
    let steps = prop::collection::vec(a_step(), 1..5);
    let entries = prop::sample::select([Visits::First, Visits::Every].as_slice());
    (order, steps, prop::option::weighted(0.7, 0_i64..8), exclusions, policy, entries).prop_filter_map(
        "a funnel that means something",
        |(order, mut steps, window, exclusions, policy, entries)| {
            let last = steps.len() - 1;
            for (place, step) in steps.iter_mut().enumerate() {
                // Most random definitions mean nothing; these are mended.
                let mut mended = FunnelStep::any_of(step.activities().to_vec());
                if order == FunnelOrder::Unordered {
                    mended = FunnelStep::new(u16::try_from(place).unwrap());
                } else if place > 0 {
                    mended = mended.after(step.least_gap());
                    if let Some(most) = step.most_gap() {
                        mended = mended.within(most.max(step.least_gap() + micros(1)));
                    }
                    if step.is_optional() && place < last {
                        mended = mended.optional();
                    }
                }
                *step = mended;
            }
            let mut builder = Funnel::builder(order, steps.clone()).equal_instants(policy);
            if order != FunnelOrder::Unordered {
                builder = builder.entries(entries);
            }
            if let Some(window) = window {
                builder = builder.within(micros(window));
            }
            if order != FunnelOrder::Strict {
                for (activity, from, to) in exclusions {
                    let from = from % last.max(1);
                    let to = (from + to).min(last);
                    let (from, to) = if order == FunnelOrder::Unordered { (0, last) } else { (from, to) };
                    if builder.clone().excluding([activity], from, to).build().is_ok() {
                        builder = builder.excluding([activity], from, to);
                    }
                }
            }
            builder.build().ok()
        },
    )
}

fn a_log() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((prop_oneof![2 => Just(0_i64), 3 => 1_i64..4], 0_u16..6), 0..9).prop_map(|steps| {
        let mut time = 0;
        let mut log = Vec::new();
        for (gap, activity) in steps {
            time += gap;
            log.push((time, activity));
        }
        log
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn equals_the_oracle_over_all_choices_of_events(funnel in a_funnel(), log in a_log(), more in 0_i64..6) {
        let as_of = log.last().map_or(0, |event| event.0) + more;
        let mut truth = Oracle { funnel: &funnel, events: &log }.truth(as_of);
        let mut answer = answer(&funnel, &log, as_of);
        if truth.open {
            truth.next = None;
        }
        if funnel.equal_instants() == EqualInstants::Later {
            // Which exclusion came first is not known there; that both say "not open" is what counts.
            truth.excluded = false;
            answer.excluded = false;
        }
        prop_assert_eq!(answer, truth);
    }
}

proptest! {
    #[test]
    fn grouped_interleaved_pushed_and_merged_are_equal(
        funnel in a_funnel(),
        log in prop::collection::vec((0_u32..5, 0_i64..3, 0_u16..6), 0..60),
    ) {
        let mut time = 0;
        let mut rows: Vec<(u32, i64, u16)> = Vec::new();
        for (customer, gap, activity) in log {
            time += gap;
            rows.push((customer, time, activity));
        }
        let as_of = at(time + 2);
        let count = |rows: &[(u32, i64, u16)]| {
            let customer: Vec<_> = rows.iter().map(|row| row.0).collect();
            let time: Vec<_> = rows.iter().map(|row| row.1).collect();
            let activity: Vec<_> = rows.iter().map(|row| row.2).collect();
            let events = FunnelColumns::new(&customer, &time, &activity).unwrap();
            let whole = funnel.count(events, as_of).unwrap();
            // The same from a log, and each breakdown adds up to the whole.
            let names = Activities::new((0..6).map(|name| name.to_string())).unwrap();
            let log = JourneyLog::from_columns(&customer, &time, &activity, names).unwrap();
            assert_eq!(funnel.count_log(&log, as_of).unwrap(), whole);
            let by_event = funnel.count_by(events, &customer, FunnelAttribute::AtEntry, as_of).unwrap();
            let by_journey = funnel.count_log_by(&log, |own| Some(own.customer()).filter(|n| *n > 1), as_of);
            for by in [by_event, by_journey.unwrap()] {
                let mut sum = by.without().clone();
                for (_, group) in by.groups() {
                    sum.merge(group).unwrap();
                }
                assert_eq!(sum, whole);
            }
            whole
        };
        let interleaved = count(&rows);
        let mut sorted = rows.clone();
        sorted.sort_by_key(|row| row.0);
        prop_assert_eq!(&count(&sorted), &interleaved);

        let mut parts = [FunnelFold::new(&funnel), FunnelFold::new(&funnel), FunnelFold::new(&funnel)];
        for &(customer, time, activity) in &rows {
            parts[customer as usize % 3].push(customer, time, activity).unwrap();
        }
        let [one, two, three] = parts;
        let (mut left, mut right) = (one.clone(), three);
        left.merge(&two).unwrap();
        left.merge(&right).unwrap();
        right.merge(&two).unwrap();
        right.merge(&one).unwrap();
        prop_assert_eq!(&left.report(as_of).unwrap(), &interleaved);
        prop_assert_eq!(&right.report(as_of).unwrap(), &interleaved);
        // Every step that must be met: those who came no further are open, dropped or excluded.
        let firm: Vec<usize> = (0..funnel.steps().len()).filter(|&step| !funnel.steps()[step].is_optional()).collect();
        for pair in firm.windows(2) {
            let (this, next) = (&interleaved.steps()[pair[0]], &interleaved.steps()[pair[1]]);
            prop_assert_eq!(this.reached() - next.reached(), this.open() + this.dropped() + this.excluded());
        }
    }
}
