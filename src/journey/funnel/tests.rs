//! The funnel against the table of cases where other engines disagree.

use crate::journey::{
    EqualInstants, Funnel, FunnelAttribute, FunnelBuilder, FunnelColumns, FunnelFold, FunnelOrder,
    FunnelOutcome, FunnelReport, FunnelStep, JourneyError, JourneyLog, Visits,
};
use crate::measure::Share;
use chrono::{DateTime, TimeDelta, Utc};

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
