//! The funnel against the table of cases where other engines disagree, and against every choice of events there is.

use crate::journey::{
    Activities, EqualInstants, Funnel, FunnelAttribute, FunnelBuilder, FunnelColumns, FunnelFold,
    FunnelOrder, FunnelOutcome, FunnelReport, FunnelStep, JourneyError, JourneyLog, Visits,
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

fn plain(order: FunnelOrder, activities: &[u16]) -> FunnelBuilder {
    Funnel::builder(order, activities.iter().map(|&activity| FunnelStep::new(activity)))
}

fn one(funnel: &Funnel, events: &[Event], as_of: i64) -> FunnelReport {
    let customer = vec![3; events.len()];
    let (time, activity): (Vec<i64>, Vec<u16>) = events.iter().copied().unzip();
    funnel.count(FunnelColumns::new(&customer, &time, &activity).unwrap(), at(as_of)).unwrap()
}

fn level(funnel: &Funnel, events: &[Event]) -> u64 {
    one(funnel, events, 1_000).reached().iter().sum()
}

const A: u16 = 0;
const B: u16 = 1;
const C: u16 = 2;

/// The cases in which `windowFunnel` of `ClickHouse` 26.9 and what a person means differ or are in doubt.
#[test]
fn cases_where_other_engines_are_wrong() {
    let funnel = |window, activities: &[u16], policy| {
        plain(FunnelOrder::Ordered, activities).within(micros(window)).equal_instants(policy).build().unwrap()
    };
    let ordered = |window, activities: &[u16]| funnel(window, activities, EqualInstants::LogOrder);
    let later = |window, activities: &[u16]| funnel(window, activities, EqualInstants::Later);
    // Equal instants: the order of the log, or none.
    assert_eq!(level(&ordered(50, &[A, B]), &[(100, A), (100, B)]), 2);
    assert_eq!(level(&later(50, &[A, B]), &[(100, A), (100, B)]), 1);
    assert_eq!(level(&ordered(50, &[A, B]), &[(100, B), (100, A)]), 1);
    // One event never serves two steps; two events do.
    assert_eq!(level(&ordered(50, &[A, A]), &[(0, A)]), 1);
    assert_eq!(level(&ordered(50, &[A, A]), &[(0, A), (1, A)]), 2);
    assert_eq!(level(&later(50, &[A, A]), &[(0, A), (1, A)]), 2);
    assert_eq!(level(&later(50, &[A, A]), &[(0, A), (0, A)]), 1);
    // The window includes its end.
    assert_eq!(level(&ordered(5, &[A, B]), &[(0, A), (5, B)]), 2);
    assert_eq!(level(&ordered(5, &[A, B]), &[(0, A), (6, B)]), 1);
    // The latest entry that works is the one that counts, but an earlier one still serves what it began.
    assert_eq!(level(&ordered(2, &[A, B, C]), &[(0, A), (1, B), (2, A), (3, C)]), 2);
    let events = [(0, A), (4, B), (5, A), (6, B), (8, C)];
    assert_eq!(level(&ordered(5, &[A, B, C]), &events), 3);
    let report = one(&ordered(5, &[A, B, C]), &events, 1_000);
    assert_eq!(report.steps()[2].time_to_reach().unwrap().median(), micros(3));
}

#[test]
fn strict_needs_neighbours_and_unordered_does_not_care() {
    let strict = plain(FunnelOrder::Strict, &[A, B]).build().unwrap();
    assert_eq!(level(&strict, &[(0, A), (1, 9), (2, B)]), 1);
    assert_eq!(level(&strict, &[(0, A), (1, 9), (2, A), (3, B)]), 2);
    let any = plain(FunnelOrder::Unordered, &[A, B, C]).within(micros(5)).build().unwrap();
    assert_eq!(one(&any, &[(0, C), (2, A), (3, 9), (5, B)], 99).reached(), [1, 1, 1]);
    assert_eq!(one(&any, &[(0, C), (2, A), (6, B)], 99).reached(), [1, 1, 0]);
}

#[test]
fn those_whose_window_is_not_over_are_open_and_not_dropped() {
    let funnel = plain(FunnelOrder::Ordered, &[A, B]).within(micros(10)).build().unwrap();
    let level = Share::new(0.95).unwrap();
    let events = [(0, A), (3, 7), (4, 8)];
    let open = one(&funnel, &events, 9);
    assert_eq!((open.steps()[0].open(), open.steps()[0].dropped()), (1, 0));
    assert_eq!(open.share_of_entered(1, level), None);
    let over = one(&funnel, &events, 10);
    assert_eq!((over.steps()[0].open(), over.steps()[0].dropped()), (0, 1));
    assert_eq!(over.steps()[0].left_to(), [(Some(7), 1)]);
    assert_eq!(over.share_of_entered(1, level).unwrap().n(), 1);
    // Without any bound nothing ever closes, and there is no drop-off but by `as_of`.
    let endless = plain(FunnelOrder::Ordered, &[A, B]).build().unwrap();
    assert_eq!(one(&endless, &[(0, A)], 9).steps()[0].dropped(), 1);
    assert_eq!(one(&endless, &[(0, A)], 9).steps()[0].left_to(), [(None, 1)]);
    // A bound of the step closes as well as one of the whole.
    let step =
        Funnel::builder(FunnelOrder::Ordered, [FunnelStep::new(A), FunnelStep::new(B).within(micros(3))]);
    let step = step.build().unwrap();
    assert_eq!(one(&step, &[(0, A)], 2).steps()[0].open(), 1);
    assert_eq!(one(&step, &[(0, A)], 3).steps()[0].open(), 0);
}

#[test]
fn those_whose_window_is_open_count_in_no_share_whether_they_converted_or_not() {
    let funnel = plain(FunnelOrder::Ordered, &[A, B]).within(micros(10)).build().unwrap();
    let level = Share::new(0.95).unwrap();
    let mut fold = FunnelFold::new(&funnel);
    for (customer, time, activity) in [(1, 0, A), (1, 9, B), (2, 0, A), (3, 5, A), (3, 6, B), (4, 5, A)] {
        fold.push(customer, time, activity).unwrap();
    }
    let share = |report: &FunnelReport| {
        let share = report.share_of_entered(1, level).map(|share| (share.value(), share.n()));
        let before = report.share_of_previous(1, level).map(|share| (share.value(), share.n()));
        assert_eq!(share, before);
        share
    };
    let early = fold.report(at(9)).unwrap();
    assert_eq!((early.reached(), early.immature(), early.immature_converted()), (vec![4, 2], 4, 2));
    assert_eq!((share(&early), early.steps()[1].time_to_reach()), (None, None));
    assert_eq!(early.compare(&early, level).unwrap().tests(), 0);
    let later = fold.report(at(14)).unwrap();
    assert_eq!((later.immature(), later.immature_converted(), share(&later)), (2, 1, Some((0.5, 2))));
    let took = later.steps()[1].time_to_reach().unwrap();
    assert_eq!((took.n(), took.median()), (1, micros(9)));
    let last = fold.report(at(15)).unwrap();
    assert_eq!((last.immature(), share(&last)), (0, Some((0.5, 4))));
    assert_eq!([1, 3, 5].map(|customer| fold.is_mature(customer, at(14))), [true, false, false]);
    assert_eq!([3, 5].map(|customer| fold.entered(customer)), [Some(5), None]);
    // A second entry that is still open does not take a customer out: when they first entered decides.
    fold.push(2, 15, A).unwrap();
    let again = fold.report(at(15)).unwrap();
    assert_eq!((share(&again), again.steps()[0].open()), (Some((0.5, 4)), 1));
}

/// Two groups that behave alike, of which one entered in the last ten days: how often their shares differ with
/// p < 0.05, the mean difference of their shares, of plain counts, and the mean time to convert of each, over many
/// simulated logs.
fn alike_but_younger(entries: Visits, comes_again: u64) -> (u32, f64, f64, [f64; 2]) {
    const DAY: i64 = 1_000;
    let mut stream = crate::numeric::split_mix::SplitMix::new(7);
    let level = Share::new(0.95).unwrap();
    let funnel =
        plain(FunnelOrder::Ordered, &[A, B]).within(micros(7 * DAY)).entries(entries).build().unwrap();
    let (mut significant, mut shares, mut counts, mut took) = (0, 0.0, 0.0, [0.0; 2]);
    let sets = 300_u32;
    for _ in 0..sets {
        let groups = [(0, 20), (20, 10)].map(|(from, days)| {
            let mut fold = FunnelFold::new(&funnel);
            for customer in 0..300 {
                let mut time = from * DAY + i64::try_from(stream.below(days * 1_000)).unwrap();
                // A third of all entries convert after 0 to 7 days; customers may enter again a week later.
                while time <= 30 * DAY {
                    fold.push(customer, time, A).unwrap();
                    let done = time + i64::try_from(stream.below(7_000)).unwrap();
                    if stream.below(3) == 0 {
                        if done <= 30 * DAY {
                            fold.push(customer, done, B).unwrap();
                        }
                        break;
                    }
                    if stream.below(100) >= comes_again {
                        break;
                    }
                    time += 7 * DAY + 1;
                }
            }
            fold.report(at(30 * DAY)).unwrap()
        });
        let [old, young] = &groups;
        let comparison = young.compare(old, level).unwrap();
        let step = comparison.steps()[0];
        significant += u32::from(step.p_value() < 0.05);
        shares += step.difference().value() / f64::from(sets);
        let plain =
            groups.each_ref().map(|group| f64::from(u32::try_from(group.converted()).unwrap()) / 300.0);
        counts += (plain[1] - plain[0]) / f64::from(sets);
        for (sum, group) in took.iter_mut().zip(&groups) {
            let time = group.steps()[1].time_to_reach().unwrap();
            *sum += time.mean().as_seconds_f64() * 1e6 / f64::from(sets);
        }
    }
    (significant, shares, counts, took)
}

#[test]
fn groups_that_differ_in_age_only_do_not_differ() {
    // The difference of a data set has a standard deviation of 0.056, the mean of 300 one of 0.0033.
    let (significant, shares, counts, took) = alike_but_younger(Visits::Every, 0);
    assert!(significant <= 30 && shares.abs() < 0.013, "{significant} {shares}");
    assert!(counts < -0.05, "counting everybody would have made a difference: {counts}");
    assert!(took.iter().all(|mean| (mean - 3_500.0).abs() < 100.0), "{took:?}");
    // Where customers come again, the older group has had more entries; of first entries each has one.
    let (significant, shares, _, took) = alike_but_younger(Visits::First, 60);
    assert!(significant <= 30 && shares.abs() < 0.013, "{significant} {shares}");
    assert!(took.iter().all(|mean| (mean - 3_500.0).abs() < 100.0), "{took:?}");
    let (_, shares, _, _) = alike_but_younger(Visits::Every, 60);
    assert!(shares < -0.05, "{shares}");
}

#[test]
fn exclusions_break_the_way_until_the_customer_comes_back() {
    let funnel =
        plain(FunnelOrder::Ordered, &[A, B]).within(micros(10)).excluding([7], 0, 1).build().unwrap();
    let mut fold = FunnelFold::new(&funnel);
    for (customer, events) in [(1, &[(0, A), (1, 7), (2, B)][..]), (2, &[(0, A), (1, 7), (2, A), (3, B)])] {
        for &(time, activity) in events {
            fold.push(customer, time, activity).unwrap();
        }
    }
    assert_eq!(fold.outcome(1, at(20)), Ok(FunnelOutcome::Excluded { step: 0, next: Some(7) }));
    assert_eq!(fold.outcome(2, at(20)), Ok(FunnelOutcome::Converted { took: micros(1) }));
    assert_eq!(fold.outcome(3, at(20)), Ok(FunnelOutcome::NotEntered));
    assert!(fold.has_reached(1, 0) && !fold.has_reached(1, 1));
}

#[test]
fn refuses_what_means_nothing() {
    use JourneyError::{
        ExclusionBounds, ExclusionIsStep, FirstStepGap, NeverInTime, NoActivity, NoMeaning, OptionalEnd,
        SharedActivity, Span, StepCount,
    };
    let step = FunnelStep::new;
    let build = |order, steps: Vec<FunnelStep>| Funnel::builder(order, steps).build().unwrap_err();
    let ordered = |steps| build(FunnelOrder::Ordered, steps);
    assert_eq!(ordered(vec![]), StepCount { found: 0 });
    assert_eq!(ordered(vec![step(A); 33]), StepCount { found: 33 });
    assert!(Funnel::builder(FunnelOrder::Ordered, vec![step(A); 32]).build().is_ok());
    assert_eq!(ordered(vec![FunnelStep::any_of([])]), NoActivity { part: "step", place: 0 });
    assert_eq!(ordered(vec![step(A).optional(), step(B)]), OptionalEnd { step: 0 });
    assert_eq!(ordered(vec![step(A), step(B).optional()]), OptionalEnd { step: 1 });
    assert_eq!(ordered(vec![step(A).within(micros(1)), step(B)]), FirstStepGap);
    assert_eq!(ordered(vec![step(A), step(B).after(micros(-1))]), Span { span: "after" });
    assert_eq!(ordered(vec![step(A), step(B).after(micros(2)).within(micros(1))]), NeverInTime { step: 1 });
    let unordered = |steps| build(FunnelOrder::Unordered, steps);
    assert_eq!(unordered(vec![step(A), step(A)]), SharedActivity { activity: A });
    let order = FunnelOrder::Unordered;
    assert_eq!(unordered(vec![step(A), step(B).optional()]), NoMeaning { setting: "optional", order });
    let first = plain(order, &[A, B]).entries(Visits::First).build();
    assert_eq!(first.unwrap_err(), NoMeaning { setting: "entries", order });
    let three = || plain(FunnelOrder::Ordered, &[A, B, C]);
    let excluding =
        |activity: u16, from, to| three().excluding([activity], from, to).build().map(|_| ()).unwrap_err();
    assert_eq!(excluding(9, 1, 1), ExclusionBounds { exclusion: 0 });
    assert_eq!(excluding(9, 0, 3), ExclusionBounds { exclusion: 0 });
    assert_eq!(excluding(B, 0, 2), ExclusionIsStep { exclusion: 0, activity: B, step: 1 });
    assert_eq!(three().within(micros(-1)).build().unwrap_err(), Span { span: "window" });
    assert_eq!(three().within(TimeDelta::MAX).build().unwrap_err(), Span { span: "window" });
    let waits =
        Funnel::builder(FunnelOrder::Ordered, [step(A), step(B).after(micros(3)), step(C).after(micros(3))]);
    assert_eq!(waits.within(micros(5)).build().unwrap_err(), NeverInTime { step: 2 });
    // A window of nothing means one instant, where instants have an order.
    assert_eq!(level(&three().within(micros(0)).build().unwrap(), &[(5, A), (5, B), (6, C)]), 2);
    let never = three().within(micros(0)).equal_instants(EqualInstants::Later).build();
    assert_eq!(never.unwrap_err(), NeverInTime { step: 1 });
}

#[test]
fn refuses_events_out_of_time() {
    let funnel = plain(FunnelOrder::Ordered, &[A, B]).build().unwrap();
    let count = |customer: &[u32], time: &[i64]| {
        let activity = vec![A; time.len()];
        funnel.count(FunnelColumns::new(customer, time, &activity).unwrap(), at(50)).map(|_| ())
    };
    let backwards = JourneyError::TimeGoesBackwards { customer: 4.into(), previous: 2, at: 1 };
    assert_eq!(count(&[4, 4], &[2, 1]), Err(backwards.clone()));
    assert_eq!(count(&[5, 4, 4], &[0, 2, 1]), Err(backwards));
    let late = JourneyError::EventAfterAsOf { as_of: 50, at: 51 };
    assert_eq!(count(&[4, 5], &[2, 51]), Err(late.clone()));
    assert_eq!(count(&[5, 4], &[51, 2]), Err(late));
    assert_eq!(count(&[], &[]), Ok(()));
    let log = JourneyLog::from_events([(4, 2, "a"), (5, 51, "a")], 9).unwrap();
    let late = JourneyError::EventAfterAsOf { as_of: 50, at: 51 };
    assert_eq!(funnel.count_log(&log, at(50)), Err(late.clone()));
    assert_eq!(funnel.count_log_by(&log, |_| None, at(50)), Err(late));
    let events = FunnelColumns::new(&[1], &[1], &[A]).unwrap();
    let refused = funnel.count_by(events, &[1], FunnelAttribute::AtStep(2), at(9)).unwrap_err();
    assert_eq!(refused, JourneyError::NoSuchStep { step: 2, steps: 2 });
}

#[test]
fn shards_share_no_customer() {
    let funnel = plain(FunnelOrder::Ordered, &[A, B]).build().unwrap();
    let (mut one, mut two) = (FunnelFold::new(&funnel), FunnelFold::new(&funnel));
    for customer in [1, 20_000_000, u32::MAX] {
        one.push(customer, 0, A).unwrap();
        two.push(customer - 1, 0, A).unwrap();
    }
    assert_eq!(one.merge(&one.clone()), Err(JourneyError::SharedCustomer { customer: 1.into() }));
    one.merge(&two).unwrap();
    assert_eq!(one.report(at(1)).unwrap().entered(), 6);
    assert_eq!(one.push(u32::MAX, 1, B), Ok(Some(1)));
    let other = FunnelFold::new(&plain(FunnelOrder::Strict, &[A, B]).build().unwrap());
    assert_eq!(one.merge(&other), Err(JourneyError::DifferentRules { setting: "funnel" }));
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
