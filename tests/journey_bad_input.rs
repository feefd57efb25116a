//! What journeys do with input that is wrong, empty, or more than anyone foresaw: a typed error or a defined result.
//!
//! Each test is one kind of bad input. Those that concern one function only are beside it: definitions of funnels
//! (`src/journey/funnel/tests.rs`), of designed journeys (`src/journey/designed/tests.rs`), paths of touches
//! (`src/journey/attribution/tests.rs`).

#![expect(clippy::unwrap_used, reason = "a failed step must fail the test")]

use chrono::{DateTime, TimeDelta, Utc};
use patronage::customer::CustomerId;
use patronage::interaction::{Channel, Direction, Engagement, Interaction, InteractionId, Touchpoint};
use patronage::journey::*;
use patronage::lifecycle::LifecycleStage;
use patronage::{Share, Tag};
use std::time::Duration;

const DAY: i64 = 86_400_000_000;

fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap()
}

fn level() -> Share {
    Share::new(0.95).unwrap()
}

fn ann() -> CustomerId {
    CustomerId::derive(&["ann"])
}

fn contact(day: i64, direction: Direction) -> Interaction {
    let id = InteractionId::derive(&["contact", &day.to_string()]);
    let one = Interaction::builder(id, ann(), at(day * DAY)).direction(direction);
    one.reason(Tag::literal("invoice")).build().unwrap()
}

/// Every number of every function on a log, none of which may be NaN or infinite.
fn everything(log: &JourneyLog) -> String {
    let code = log.activities().iter().next().map_or(0, |(code, _)| code);
    let graph = JourneyGraph::from_log(log, DurationDetail::default());
    let step = FunnelStep::new(code);
    let funnel = Funnel::builder(FunnelOrder::Ordered, [step.clone(), step]).build().unwrap();
    let as_of = at(100 * DAY);
    let report = funnel.count_log(log, as_of).unwrap();
    let paths = ConversionPaths::from_log(log, &[code], as_of).unwrap();
    let markov = AttributionModel::Markov { order: 2, removal: Removal::ToNull, nulls: NullPaths::Counted };
    let designed = DesignedJourney::builder(["a", "z"]).step("a", "z", None).build().unwrap();
    let calendar = Calendar::new(CalendarUnit::Day);
    let all = [
        serde_json::to_string(&graph),
        serde_json::to_string(&graph.dead_ends(&[], Share::ZERO, 1, level())),
        serde_json::to_string(&graph.main_paths(level())),
        serde_json::to_string(&Variants::from_log(log)),
        serde_json::to_string(&EventuallyFollows::from_log(log)),
        serde_json::to_string(&Loops::from_log(log, LoopRule::new(3, 2).unwrap())),
        serde_json::to_string(&frequent_sequences(log, 3, 1, 9).unwrap()),
        serde_json::to_string(&StepTable::before(log, code, 3, Visits::Every).unwrap()),
        serde_json::to_string(&StepTable::from_start(log, 3).unwrap()),
        serde_json::to_string(&Retention::from_log(log, calendar, 100 * DAY)),
        serde_json::to_string(&report),
        serde_json::to_string(&report.compare(&report, level()).unwrap()),
        serde_json::to_string(&report.share_of_entered(1, level())),
        serde_json::to_string(&paths.compare_models(&[AttributionModel::Linear, markov]).unwrap()),
        serde_json::to_string(&paths.bootstrap(AttributionModel::Shapley, 20, 1, level()).unwrap()),
        serde_json::to_string(&designed.conformance(log, |_| Ending::Complete)),
        Ok(graph.to_dot()),
    ];
    let text: Vec<String> = all.into_iter().map(Result::unwrap).collect();
    text.join("\n")
}

#[test]
fn an_empty_log_has_an_answer_to_everything() {
    let log = JourneyLog::from_events(Vec::<(u32, i64, &str)>::new(), 10).unwrap();
    assert_eq!((log.events(), log.journeys().len(), log.ties()), (0, 0, 0));
    let told = everything(&log);
    assert!(!told.contains("NaN") && !told.contains("inf"), "{told}");
    let graph = JourneyGraph::from_log(&log, DurationDetail::default());
    assert_eq!((graph.events(), graph.journeys(), graph.customers(), graph.transitions()), (0, 0, 0, 0));
    assert_eq!(graph.to_mermaid(), "flowchart LR\n");
    let variants = Variants::from_log(&log);
    assert_eq!((variants.len(), variants.needed_for(level())), (0, 0));
    assert_eq!(Loops::from_log(&log, LoopRule::new(1, 2).unwrap()).share(level()), None);
    assert_eq!(EventuallyFollows::from_log(&log).share("a", "b", level()), None);
    let retention = Retention::from_log(&log, Calendar::new(CalendarUnit::Week), 0);
    assert_eq!((retention.first_period(), retention.growth(0), retention.mean_share(1)), (None, None, None));
    assert_eq!(log.sessions(TimeDelta::minutes(30)).unwrap().journeys().len(), 0);
    // Nothing known is not good: no share, no mean, no verdict.
    let map = TouchpointMap::default();
    let wait = Expectation::new(PlaceFilter::default(), Metric::WaitMean, Target::AtMost(60.0), 1).unwrap();
    assert_eq!(wait.judge(&map), Judgement::TooFew { n: 0 });
    let summary = map.summary(&PlaceFilter::default());
    assert_eq!(
        (summary.ease(), summary.sentiment(), summary.satisfaction()),
        ((0, None), (0, None), (0, None))
    );
    let quick = BrandPromise::new(
        Tag::literal("quick"),
        PlaceFilter::default(),
        PromiseRule::WaitAtMost(Duration::from_secs(1)),
    );
    let promise = PromiseTally::new(quick.unwrap());
    assert_eq!((promise.kept(level()), promise.spread(1, level())), (None, None));
    let contacts = ThreadBuilder::new(ThreadRules::default()).contacts(at(0));
    assert_eq!(
        (contacts.threads(), contacts.single_contact(level()), contacts.started_again(level())),
        (0, None, None)
    );
    assert_eq!(
        (contacts.repeat_rate(RepeatRate::OfContacts), contacts.repeat_rate(RepeatRate::OfFirstContacts)),
        (None, None)
    );
    assert!(threads(&[], ThreadRules::default()).threads().is_empty());
    assert!(OfferTally::new().selling_points(1, level()).points().is_empty());
    assert!(ThemeTally::default().impacts(2, level()).unwrap().impacts().is_empty());
}

#[test]
fn one_event_is_a_journey_without_a_step() {
    let log = JourneyLog::from_events([("ann", 5, "a")], 10).unwrap();
    let told = everything(&log);
    assert!(!told.contains("NaN") && !told.contains("inf"), "{told}");
    let graph = JourneyGraph::from_log(&log, DurationDetail::default());
    assert_eq!((graph.events(), graph.journeys(), graph.edges().len()), (1, 1, 0));
    let node = graph.node("a").unwrap();
    assert_eq!((node.starts(), node.ends(), node.reworked(), node.returns()), (1, 1, 0, 0));
    assert_eq!(Variants::from_log(&log).iter().map(|one| one.activities().len()).collect::<Vec<_>>(), [1]);
    // One event never serves two steps.
    let step = FunnelStep::new(0);
    let twice = Funnel::builder(FunnelOrder::Ordered, [step.clone(), step]).build().unwrap();
    assert_eq!(twice.count_log(&log, at(9)).unwrap().reached(), [1, 0]);
    let retention = Retention::from_log(&log, Calendar::new(CalendarUnit::Day), 2 * DAY);
    assert_eq!(retention.cohort(0), Some(vec![1, 0]));
    let builder = &mut ThreadBuilder::new(ThreadRules::default());
    builder.push(&contact(0, Direction::Inbound)).unwrap();
    let report = builder.contacts(at(99 * DAY));
    assert_eq!((report.mature(), report.repeats(), report.as_of()), (1, 0, at(99 * DAY)));
}

#[test]
fn one_event_everywhere_is_one_activity_in_ties() {
    let rows = (0..1_000_u32).map(|row| (row % 10, 7, "a"));
    let log = JourneyLog::from_events(rows, 10).unwrap();
    let told = everything(&log);
    assert!(!told.contains("NaN") && !told.contains("inf"), "{told}");
    assert_eq!((log.events(), log.journeys().len(), log.ties()), (1_000, 10, 990));
    let graph = JourneyGraph::from_log(&log, DurationDetail::default());
    let edge = graph.edge("a", "a").unwrap();
    assert_eq!((edge.count(), edge.customers(), edge.dwell().mean_seconds()), (990, 10, Some(0.0)));
    let node = graph.node("a").unwrap();
    assert_eq!((node.reworked(), node.self_loops(), node.returns()), (10, 990, 0));
    let variants = Variants::from_log(&log);
    assert_eq!((variants.len(), variants.ties()), (1, 990));
    let loops = Loops::from_log(&log, LoopRule::new(4, 2).unwrap());
    let round = &loops.ranked()[0];
    assert_eq!((round.activities(), round.journeys(), round.most_rounds()), (&[0][..], 10, 100));
    assert_eq!((loops.ranked().len(), loops.ties()), (1, 990));
    // By the order of the log there are two events, by instants alone nothing comes after anything.
    let step = FunnelStep::new(0);
    let funnel = |policy| {
        let steps = [step.clone(), step.clone()];
        let funnel = Funnel::builder(FunnelOrder::Ordered, steps).equal_instants(policy).build().unwrap();
        let report = funnel.count_log(&log, at(9)).unwrap();
        (report.reached(), report.ties())
    };
    assert_eq!(funnel(EqualInstants::LogOrder), (vec![10, 10], 990));
    assert_eq!(funnel(EqualInstants::Later), (vec![10, 0], 990));
    assert_eq!(StepTable::from_start(&log, 2).unwrap().ties(), 990);
    let designed = DesignedJourney::builder(["a"]).repeatable("a").build().unwrap();
    let conformance = designed.conformance(&log, |_| Ending::Complete);
    assert_eq!((conformance.mean_fitness(), conformance.ties()), (Some(1.0), 990));
}

#[test]
fn a_million_activities_become_as_many_as_are_allowed() {
    let rows = (0..1_000_000_u32).map(|row| (row % 1_000, i64::from(row), row));
    let log = JourneyLog::from_events(rows, Activities::USUAL_LIMIT).unwrap();
    assert_eq!((log.events(), log.activities().len()), (1_000_000, 1_024));
    let graph = JourneyGraph::from_log(&log, DurationDetail::Moments);
    assert_eq!(graph.node("(other)").unwrap().count(), 1_000_000 - 1_023);
    assert_eq!((graph.events(), graph.transitions()), (1_000_000, 999_000));
    for limit in [0, Activities::MOST + 1] {
        let refused = JourneyLog::from_events([(1, 0, "a")], limit).unwrap_err();
        assert_eq!(refused, JourneyError::ActivityLimit { limit });
    }
    let many = (0..=Activities::MOST).map(|number| number.to_string());
    assert_eq!(
        Activities::new(many).unwrap_err(),
        JourneyError::ActivityLimit { limit: Activities::MOST + 1 }
    );
    // As many as codes can tell apart are told apart.
    let rows = (0..65_535_u32).map(|row| (row % 7, i64::from(row), row));
    let log = JourneyLog::from_events(rows, Activities::MOST).unwrap();
    assert_eq!((log.activities().len(), log.activities().other_code()), (65_535, None));
    assert_eq!(JourneyGraph::from_log(&log, DurationDetail::Moments).edges().len(), 65_528);
}

#[test]
fn unknown_stages_and_channels_are_refused_or_said_to_be_unknown() {
    let refused = "fax".parse::<Channel>().unwrap_err();
    assert_eq!((refused.field(), refused.to_string().contains("`fax`")), ("channel", true));
    let refused = "bored".parse::<LifecycleStage>().unwrap_err().to_string();
    assert!(refused.contains("must be a term of `LifecycleStage`, got `bored`"), "{refused}");
    for filter in [r#"{"channel":"fax"}"#, r#"{"stage":"bored"}"#, r#"{"planet":"mars"}"#] {
        assert!(serde_json::from_str::<PlaceFilter>(filter).is_err(), "{filter}");
    }
    // A term of one's own is a channel like any other; a stage that is not known belongs to no stage, and to the whole.
    let own: Channel = "other:kiosk".parse().unwrap();
    let visit = Interaction::builder(InteractionId::derive(&["v"]), ann(), at(0));
    let visit = visit.at_place(own, Touchpoint::InPerson, Engagement::Sales).build().unwrap();
    let mut map = TouchpointMap::default();
    map.push(&visit, None);
    map.push(&visit, Some(LifecycleStage::Existing));
    let of = |filter: PlaceFilter| map.summary(&filter).interactions();
    assert_eq!(of(PlaceFilter::default()), 2);
    assert_eq!(of(PlaceFilter { channel: Some(own), ..PlaceFilter::default() }), 2);
    assert_eq!(of(PlaceFilter { stage: Some(LifecycleStage::Existing), ..PlaceFilter::default() }), 1);
    assert_eq!(of(PlaceFilter { stage: Some(LifecycleStage::Former), ..PlaceFilter::default() }), 0);
    // What has no reason or outcome reads so.
    let bare = Interaction::builder(InteractionId::derive(&["b"]), ann(), at(1)).build().unwrap();
    for key in [JourneyKey::Reason, JourneyKey::Outcome] {
        let log = JourneyLog::from_interactions(std::slice::from_ref(&bare), key, 9).unwrap();
        assert_eq!(log.activities().name(0), "(unknown)");
    }
    // An activity that nobody named is refused, or has a code of its own where there is one for all others.
    let names = Activities::new(["a"]).unwrap();
    let refused = JourneyLog::from_columns(&[1, 1], &[0, 1], &[0, 1], names.clone()).unwrap_err();
    assert_eq!(refused, JourneyError::UnknownActivity { row: 1, code: 1, known: 1 });
    let mut builder = JourneyGraphBuilder::new(names.clone(), DurationDetail::Moments);
    assert_eq!(builder.push(ann(), 0, 1), Err(JourneyError::UnknownActivity { row: 0, code: 1, known: 1 }));
    assert_eq!(names.with_other().code("b"), Some(1));
}

#[test]
fn events_before_the_first_contact_belong_to_nobodys_matter() {
    let mut builder = ThreadBuilder::new(ThreadRules::default());
    for day in 0..3 {
        builder.push(&contact(day, Direction::Outbound)).unwrap();
    }
    builder.push(&contact(3, Direction::Inbound)).unwrap();
    builder.push(&contact(4, Direction::Outbound)).unwrap();
    let report = builder.contacts(at(50 * DAY));
    assert_eq!((report.threads(), report.contacts(), report.without_contact()), (1, 1, 3));
    // A conversion before any touch is counted, and credited to nobody.
    let log = JourneyLog::from_events([(1, 0, "buy"), (1, 1, "ad"), (1, 2, "buy")], 9).unwrap();
    let paths = ConversionPaths::from_log(&log, &[1], at(9)).unwrap();
    let attribution = paths.attribute(AttributionModel::First).unwrap();
    assert_eq!((attribution.attributed(), attribution.unattributed(), attribution.nulls()), (1, 1, 0));
    // Periods before the first event are unknown, not empty.
    let retention = Retention::from_log(&log, Calendar::new(CalendarUnit::Day), 3 * DAY);
    assert_eq!((retention.growth(-1), retention.cohort(-1), retention.share(-1, 0)), (None, None, None));
    // When all is known up to an instant before the first event, no period has ended.
    let early = Retention::from_log(&log, Calendar::new(CalendarUnit::Day), -DAY);
    assert_eq!((early.growth(0), early.cohorts().count()), (None, 0));
}

#[test]
fn time_that_goes_backwards_is_sorted_or_refused() {
    // A log sorts, so that no time between two events is negative.
    let log =
        JourneyLog::from_events([(1, 9_000_000, "b"), (1, i64::MIN, "z"), (1, 4_000_000, "a")], 9).unwrap();
    let graph = JourneyGraph::from_log(&log, DurationDetail::default());
    assert_eq!(graph.edge("a", "b").unwrap().dwell().mean_seconds(), Some(5.0));
    // Not even where the difference is more than 63 bits.
    let most = graph.edge("z", "a").unwrap().dwell().most_seconds().unwrap();
    assert!((most - 9_223_372_036_858.775).abs() < 0.01, "{most}");
    // What follows events as they come refuses them, and is as it was.
    let backwards = |error: &JourneyError| matches!(error, JourneyError::TimeGoesBackwards { .. });
    let mut graph = JourneyGraphBuilder::new(Activities::new(["a"]).unwrap(), DurationDetail::Moments);
    graph.push(ann(), 5, 0).unwrap();
    assert!(backwards(&graph.push(ann(), 4, 0).unwrap_err()));
    assert_eq!(graph.graph().events(), 1);
    let mut retention = RetentionBuilder::new(Calendar::new(CalendarUnit::Day));
    retention.push(ann(), 5).unwrap();
    assert!(backwards(&retention.push(ann(), 4).unwrap_err()));
    let mut matters = ThreadBuilder::new(ThreadRules::default());
    matters.push(&contact(5, Direction::Inbound)).unwrap();
    let before = matters.clone();
    assert!(backwards(&matters.push(&contact(4, Direction::Inbound)).unwrap_err()));
    assert_eq!(matters, before);
    let funnel = Funnel::builder(FunnelOrder::Ordered, [FunnelStep::new(0)]).build().unwrap();
    let mut fold = FunnelFold::new(&funnel);
    fold.push(1, 5, 0).unwrap();
    assert!(backwards(&fold.push(1, 4, 0).unwrap_err()));
    assert!(backwards(
        &funnel.count(FunnelColumns::new(&[1, 1], &[5, 4], &[0, 0]).unwrap(), at(9)).unwrap_err()
    ));
}

#[test]
fn negative_waits_cannot_be_said() {
    let text = serde_json::to_string(&contact(0, Direction::Inbound)).unwrap();
    for wrong in [r#""wait_ms":-5"#, r#""handle_ms":-5"#, r#""wait_ms":1.5"#] {
        let broken = text.replacen('{', &format!("{{{wrong},"), 1);
        assert!(serde_json::from_str::<Interaction>(&broken).is_err(), "{broken}");
    }
    let negative = TimeDelta::microseconds(-1);
    let setting = |error: JourneyError| match error {
        JourneyError::Setting { setting, .. } => setting,
        JourneyError::Span { span } => span,
        _ => "another error",
    };
    let log = JourneyLog::from_events([(1, 0, "a")], 9).unwrap();
    assert_eq!(setting(log.sessions(negative).unwrap_err()), "gap");
    assert_eq!(setting(LoopRule::new(1, 2).unwrap().within(negative).unwrap_err()), "within");
    assert_eq!(setting(ThreadRules::default().with_window(negative).unwrap_err()), "window");
    assert_eq!(
        setting(ThreadRules::default().with_one_contact_within(negative).unwrap_err()),
        "one_contact_within"
    );
    let steps = [FunnelStep::new(0), FunnelStep::new(1).within(negative)];
    assert_eq!(setting(Funnel::builder(FunnelOrder::Ordered, steps).build().unwrap_err()), "within");
    let late = DesignedJourney::builder(["a", "b"]).step("a", "b", Some(negative)).build().unwrap_err();
    assert_eq!(setting(late), "within");
    let mut paths = ConversionPaths::new();
    let sold = PathOutcome { conversions: 1, value: 0.0, nulls: 0 };
    assert_eq!(paths.push_timed(&[0], &[-1], sold), Err(JourneyError::AgeOrder { touch: 0 }));
    paths.push_timed(&[0], &[1], sold).unwrap();
    assert_eq!(setting(paths.look_back(negative).unwrap_err()), "look_back");
}

#[test]
fn windows_of_zero_hold_one_instant_or_are_refused() {
    let log = JourneyLog::from_events([(1, 5, "a"), (1, 5, "b"), (1, 6, "c")], 9).unwrap();
    // Pauses of nothing: events of one instant stay together.
    assert_eq!(log.sessions(TimeDelta::zero()).unwrap().journeys().len(), 2);
    let funnel = |to: u16| {
        let steps = [FunnelStep::new(0), FunnelStep::new(to)];
        let funnel = Funnel::builder(FunnelOrder::Ordered, steps).within(TimeDelta::zero()).build().unwrap();
        funnel.count_log(&log, at(9)).unwrap().reached()
    };
    assert_eq!((funnel(1), funnel(2)), (vec![1, 1], vec![1, 0]));
    let rule = LoopRule::new(1, 2).unwrap().within(TimeDelta::zero()).unwrap();
    assert_eq!((rule.find(&[1, 1], &[5, 5]).len(), rule.find(&[1, 1], &[5, 6]).len()), (1, 0));
    // Touches of the very instant of the conversion are not older than nothing.
    let mut paths = ConversionPaths::new();
    paths.push_timed(&[0, 1], &[1, 0], PathOutcome { conversions: 1, value: 0.0, nulls: 0 }).unwrap();
    let kept = paths.look_back(TimeDelta::zero()).unwrap();
    assert_eq!(kept.iter().map(|path| path.touches.to_vec()).collect::<Vec<_>>(), [vec![1]]);
    let zero = TimeDelta::zero();
    assert!(ThreadRules::default().with_window(zero).is_err());
    assert!(DesignedJourney::builder(["a", "b"]).step("a", "b", Some(zero)).build().is_err());
    assert!(paths.attribute(AttributionModel::TimeDecay(Decay::Time(zero))).is_err());
    assert!(ThreadRules::default().with_one_contact_within(zero).is_ok());
}

#[test]
fn circles_in_a_designed_journey_are_named() {
    let three = DesignedJourney::builder(["a", "b", "c"]).step("a", "b", None).step("b", "c", None);
    let refused = three.clone().step("c", "b", None).build().unwrap_err();
    assert!(matches!(&refused, JourneyError::Circle { name } if name == "b" || name == "c"), "{refused}");
    assert!(refused.to_string().contains("leads in a circle through"));
    assert!(three.repeatable("b").build().is_ok());
}
