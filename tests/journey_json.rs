//! What a service sends: every result of journeys as JSON, and definitions read back from it.

#![expect(clippy::unwrap_used, reason = "a failed step must fail the test")]

use chrono::{DateTime, TimeDelta, Utc};
use patronage::customer::CustomerId;
use patronage::interaction::{Channel, Direction, Interaction, InteractionId, Outcome};
use patronage::journey::*;
use patronage::lifecycle::LifecycleStage;
use patronage::{Currency, Money, Share, Tag};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::time::Duration;

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1_440 * MINUTE;

fn log() -> JourneyLog {
    let rows = [
        ("ann", 0, "ask"),
        ("ann", MINUTE, "wait"),
        ("ann", 2 * MINUTE, "ask"),
        ("ann", 2 * MINUTE, "wait"),
        ("ann", DAY, "pay"),
        ("bob", 0, "ask"),
        ("bob", 3 * DAY, "ask"),
    ];
    JourneyLog::from_events(rows, 10).unwrap()
}

fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap()
}

fn level() -> Share {
    Share::new(0.95).unwrap()
}

fn call(number: u32, day: i64) -> Interaction {
    let id = InteractionId::derive(&["call", &number.to_string()]);
    Interaction::builder(id, CustomerId::derive(&["ann"]), at(day * DAY))
        .direction(Direction::Inbound)
        .reason(Tag::literal("invoice"))
        .outcome(Outcome::Resolved)
        .wait(Duration::from_secs(30))
        .cost(Money::new(150, Currency::EUR))
        .build()
        .unwrap()
}

fn written(result: &impl Serialize, expected: &str) {
    let expected: String = expected.split('\n').map(str::trim).collect();
    assert_eq!(serde_json::to_string(result).unwrap(), expected);
}

/// A definition is written, and read back as it was.
fn read_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(definition: &T, expected: &str) {
    written(definition, expected);
    assert_eq!(&serde_json::from_str::<T>(&serde_json::to_string(definition).unwrap()).unwrap(), definition);
}

fn refused<T: DeserializeOwned + Debug>(text: &str, why: &str) {
    let error = serde_json::from_str::<T>(text).unwrap_err().to_string();
    assert!(error.starts_with(why), "{error}");
}

#[test]
fn graphs_and_sequences() {
    let log = log();
    written(&log.activities(), r#"["ask","pay","wait"]"#);
    let graph = JourneyGraph::from_log(&log, DurationDetail::default());
    written(
        &graph,
        r#"
        {"events":7,"journeys":2,"customers":2,"ties":1,"activities":[{"activity":"ask","count":4,
        "journeys":2,"customers":2,"starts":2,"ends":1,"reworked":2,"self_loops":1},{"activity":"pay",
        "count":1,"journeys":1,"customers":1,"starts":0,"ends":1,"reworked":0,"self_loops":0},
        {"activity":"wait","count":2,"journeys":1,"customers":1,"starts":0,"ends":0,"reworked":1,
        "self_loops":0}],"edges":[{"from":"ask","to":"ask","count":1,"customers":1,"dwell":{"n":1,
        "mean_seconds":259200.0,"least_seconds":259200.0,"most_seconds":259200.0,
        "median":{"seconds":259200.0,"exact":true},"nine_in_ten":{"seconds":259200.0,"exact":true}}},
        {"from":"ask","to":"wait","count":2,"customers":1,"dwell":{"n":2,"mean_seconds":30.0,
        "least_seconds":0.0,"most_seconds":60.0,"median":{"seconds":30.0,"exact":true},
        "nine_in_ten":{"seconds":54.0,"exact":true}}},{"from":"wait","to":"ask","count":1,"customers":1,
        "dwell":{"n":1,"mean_seconds":60.0,"least_seconds":60.0,"most_seconds":60.0,
        "median":{"seconds":60.0,"exact":true},"nine_in_ten":{"seconds":60.0,"exact":true}}},{"from":"wait",
        "to":"pay","count":1,"customers":1,"dwell":{"n":1,"mean_seconds":86280.0,"least_seconds":86280.0,
        "most_seconds":86280.0,"median":{"seconds":86280.0,"exact":true},"nine_in_ten":{"seconds":86280.0,
        "exact":true}}}]}"#,
    );
    written(
        &Variants::from_log(&log),
        r#"
        {"journeys":2,"ties":1,"variants":[{"activities":["ask","ask"],"journeys":1,"share":0.5},
        {"activities":["ask","wait","ask","wait","pay"],"journeys":1,"share":0.5}]}"#,
    );
    written(
        &EventuallyFollows::from_log(&log),
        r#"
        {"journeys":2,"ties":1,"pairs":[{"from":"ask","to":"ask","count":2,"journeys":2},{"from":"ask",
        "to":"pay","count":2,"journeys":1},{"from":"ask","to":"wait","count":3,"journeys":1},{"from":"wait",
        "to":"ask","count":1,"journeys":1},{"from":"wait","to":"pay","count":2,"journeys":1},{"from":"wait",
        "to":"wait","count":1,"journeys":1}]}"#,
    );
    written(
        &Loops::from_log(&log, LoopRule::new(2, 2).unwrap()),
        r#"
        {"rule":{"longest":2,"rounds":2},"journeys":2,"looping":2,"ties":1,"loops":[{"activities":["ask"],
        "journeys":1,"customers":1,"loops":1,"most_rounds":2},{"activities":["ask","wait"],"journeys":1,
        "customers":1,"loops":1,"most_rounds":2}]}"#,
    );
    written(
        &frequent_sequences(&log, 2, 1, 1).unwrap(),
        r#"
        {"longest":2,"least":1,"journeys":2,"ties":1,"found":4,
        "sequences":[{"activities":[0,2],"journeys":1,"occurrences":2}]}"#,
    );
    written(
        &StepTable::from_start(&log, 1).unwrap(),
        r#"{"before":null,"visits":2,"ties":1,"counts":[[2,0,0]]}"#,
    );
    written(
        &graph.dead_ends(&[1], Share::ZERO, 1, level()),
        r#"
        {"goals":[1],"least_share":0.0,"least_visits":1,"level":0.95,"journeys":2,"ended":1,"ties":1,"tests":2,
        "too_few":0,"ends":[{"activity":0,"ends":1,"share":{"value":0.25,"lower":0.04558726080970058,
        "upper":0.699358157417598,"level":0.95,"n":4},"p_value":0.0,"adjusted_p_value":0.0}]}"#,
    );
    written(
        &Retention::from_log(&log, Calendar::new(CalendarUnit::Day), 3 * DAY),
        r#"
        {"calendar":{"unit":"day","offset_seconds":0},"last_period":2,"customers":2,"growth":[{"period":0,
        "first_day":"1970-01-01","new":2,"returning":0,"resurrected":0,"dormant":0},{"period":1,
        "first_day":"1970-01-02","new":0,"returning":1,"resurrected":0,"dormant":1},{"period":2,
        "first_day":"1970-01-03","new":0,"returning":0,"resurrected":0,"dormant":1}],"cohorts":[{"cohort":0,
        "first_day":"1970-01-01","active":[2,1,0]}],"active_periods":{"2":2}}"#,
    );
    let rule = LoopRule::new(2, 3).unwrap().within(TimeDelta::minutes(5)).unwrap();
    read_back(&rule, r#"{"longest":2,"rounds":3,"within_us":300000000}"#);
    refused::<LoopRule>(r#"{"longest":0,"rounds":3}"#, "`longest` must be 1 to 32");
    read_back(
        &Calendar::new(CalendarUnit::Week).with_offset(3_600).unwrap(),
        r#"{"unit":"week","offset_seconds":3600}"#,
    );
    refused::<Calendar>(
        r#"{"unit":"day","offset_seconds":99999}"#,
        "`offset_seconds` must be at most 18 hours",
    );
}

#[test]
fn funnels() {
    let log = log();
    let step = |name| FunnelStep::new(log.activities().named(name).unwrap());
    let funnel = Funnel::builder(FunnelOrder::Ordered, [step("ask"), step("pay").within(TimeDelta::days(1))])
        .within(TimeDelta::days(2))
        .excluding([9], 0, 1)
        .build()
        .unwrap();
    read_back(
        &funnel,
        r#"
        {"order":"ordered","steps":[{"activities":[0],"optional":false,"after_us":0,"within_us":null},
        {"activities":[1],"optional":false,"after_us":0,"within_us":86400000000}],"window_us":172800000000,
        "exclusions":[{"activities":[9],"from_step":0,"to_step":1}],"equal_instants":"log_order","entries":"every"}"#,
    );
    refused::<Funnel>(r#"{"order":"ordered","steps":[]}"#, "a funnel has 1 to 32 steps, got 0");
    let short: Funnel =
        serde_json::from_str(r#"{"order":"strict","steps":[{"activities":[2,1,2]}]}"#).unwrap();
    assert_eq!(short.steps()[0].activities(), [1, 2]);
    let report = funnel.count_log(&log, at(3 * DAY)).unwrap();
    written(
        &report,
        r#"
        {"funnel":{"order":"ordered","steps":[{"activities":[0],"optional":false,"after_us":0,
        "within_us":null},{"activities":[1],"optional":false,"after_us":0,"within_us":86400000000}],
        "window_us":172800000000,"exclusions":[{"activities":[9],"from_step":0,"to_step":1}],
        "equal_instants":"log_order","entries":"every"},"as_of":"1970-01-04T00:00:00Z","customers":2,
        "immature":0,"immature_converted":0,"ties":1,
        "steps":[{"reached":2,"open":1,"dropped":0,"excluded":0,"mature":2,"mature_reached":2,
        "time_to_reach":null,"left_to":[]},{"reached":1,"open":0,"dropped":0,"excluded":0,"mature":2,
        "mature_reached":1,"time_to_reach":{"n":1,
        "mean_us":86280000000,"median_us":86280000000,"nine_in_ten_us":86280000000},"left_to":[]}]}"#,
    );
    written(
        &report.compare(&report, level()).unwrap(),
        r#"
        {"funnel":{"order":"ordered","steps":[{"activities":[0],"optional":false,"after_us":0,
        "within_us":null},{"activities":[1],"optional":false,"after_us":0,"within_us":86400000000}],
        "window_us":172800000000,"exclusions":[{"activities":[9],"from_step":0,"to_step":1}],
        "equal_instants":"log_order","entries":"every"},
        "level":0.95,"first":{"as_of":"1970-01-04T00:00:00Z","customers":2,
        "entered":2,"immature":0,"immature_converted":0,"ties":1},
        "second":{"as_of":"1970-01-04T00:00:00Z","customers":2,
        "entered":2,"immature":0,"immature_converted":0,"ties":1},
        "tests":1,"steps":[{"step":1,"difference":{"value":0.0,"lower":-0.5734194679697171,
        "upper":0.5734194679697171,"level":0.95,"n":4},"p_value":1.0,"adjusted_p_value":1.0}]}"#,
    );
    let by = funnel.count_log_by(&log, |_| None, at(3 * DAY)).unwrap();
    assert_eq!(serde_json::to_value(&by).unwrap()["without"], serde_json::to_value(&report).unwrap());
    let mut fold = FunnelFold::new(&funnel);
    fold.push(1, 0, 0).unwrap();
    fold.push(1, 5, 1).unwrap();
    written(&fold.outcome(1, at(9)).unwrap(), r#"{"converted":{"took_us":5}}"#);
}

#[test]
fn contacts_and_places() {
    let calls = [call(1, 0), call(2, 3)];
    let rules = ThreadRules::default().with_window(TimeDelta::days(5)).unwrap();
    read_back(
        &rules,
        r#"
        {"window_us":432000000000,"window_from":"previous_contact","scope":"same_reason",
        "one_contact_within_us":0}"#,
    );
    refused::<ThreadRules>(r#"{"window_us":0}"#, "`window` must be positive");
    written(
        &threads(&calls, rules),
        r#"
        {"rules":{"window_us":432000000000,"window_from":"previous_contact","scope":"same_reason",
        "one_contact_within_us":0},"interactions":2,"without_reason":0,"without_contact":0,"ties":0,
        "threads":[{"customer":"325e3e84-30ca-5edc-b53a-b49c291e2c91","reason":"invoice",
        "first":"1970-01-01T00:00:00Z","last":"1970-01-04T00:00:00Z","contacts":2,"switches":0,
        "carried_over":0,"started_again":0,"transfers":0,"other_agents":0,"waited_ms":60000,"known_waits":2,
        "escalated":0,"abandoned":0,"unanswered":0,"complaints":0,"outcome":"resolved"}]}"#,
    );
    let mut builder = ThreadBuilder::new(rules);
    let mut map = TouchpointMap::default();
    let rule = PromiseRule::WaitAtMost(Duration::from_secs(20));
    let promise = BrandPromise::new(Tag::literal("quick"), PlaceFilter::default(), rule).unwrap();
    read_back(
        &promise,
        r#"
        {"name":"quick","part":{"stage":null,"channel":null,"touchpoint":null,"engagement":null},
        "rule":{"wait_at_most_us":20000000}}"#,
    );
    refused::<BrandPromise>(
        r#"{"name":"x","rule":{"sentiment_at_least":2.0}}"#,
        "`sentiment` must lie between -1 and 1",
    );
    let mut tally = PromiseTally::new(promise);
    for one in &calls {
        builder.push(one).unwrap();
        map.push(one, Some(LifecycleStage::Existing));
        tally.push(one, None);
    }
    written(
        &builder.contacts(at(99 * DAY)),
        r#"
        {"rules":{"window_us":432000000000,"window_from":"previous_contact","scope":"same_reason",
        "one_contact_within_us":0},"as_of":"1970-04-10T00:00:00Z","mature":{"threads":1,"contacts":2,"single":0,"resolved":1,
        "resolved_single":0,"resolved_one_channel":0,"unknown_outcome":0,"switched":0,"switches":0,
        "carried_over":0,"started_again":0,"transferred":0,"other_agent":0,"escalated":0,"abandoned":0,
        "ended_abandoned":0,"unanswered":0,"complained":0,"waited":{"n":1,"mean_seconds":60.0,
        "least_seconds":60.0,"most_seconds":60.0,"median":{"seconds":60.0,"exact":true},
        "nine_in_ten":{"seconds":60.0,"exact":true}},"by_contacts":{"2":1}},"immature":0,"without_reason":0,
        "without_contact":0,"ties":0}"#,
    );
    written(
        &map,
        r#"
        [{"stage":"existing","channel":"web","touchpoint":"self_service","engagement":"support",
        "interactions":2,"customers":1,"waits":{"n":2,"mean_seconds":30.0,"least_seconds":30.0,
        "most_seconds":30.0,"median":{"seconds":30.0,"exact":true},"nine_in_ten":{"seconds":30.0,
        "exact":true}},"handle_times":{"n":0,"mean_seconds":null,"least_seconds":null,"most_seconds":null,
        "median":null,"nine_in_ten":null},"transfers":0,"transferred":0,"outcomes":{"resolved":2},
        "ease":{"n":0,"mean":null},"sentiment":{"n":0,"mean":null},"satisfaction":{"n":0,"mean":null},
        "costs":[{"currency":"EUR","n":2,"total":{"minor":300,"currency":"EUR"}}]}]"#,
    );
    written(
        &tally,
        r#"
        {"promise":{"name":"quick","part":{"stage":null,"channel":null,"touchpoint":null,"engagement":null},
        "rule":{"wait_at_most_us":20000000}},"channels":{"web":{"hits":0,"known":2,"unknown":0}}}"#,
    );
    let web = PlaceFilter { channel: Some(Channel::Web), ..PlaceFilter::default() };
    let expectation =
        Expectation::new(web, Metric::OutcomeShare(Outcome::Resolved), Target::AtLeast(0.8), 2).unwrap();
    read_back(
        &expectation,
        r#"
        {"part":{"stage":null,"channel":"web","touchpoint":null,"engagement":null},
        "metric":{"outcome_share":"resolved"},"target":{"at_least":0.8},"least":2}"#,
    );
    written(&expectation.judge(&map), r#"{"met":{"actual":1.0,"n":2}}"#);
    refused::<Expectation>(
        r#"{"metric":"ease","target":{"at_least":0.5},"least":0}"#,
        "`least` must be at least 1",
    );
    let effort = threads(&calls, rules).threads()[0].effort(&EffortWeights::default()).unwrap();
    written(&effort, r#"{"score":1.0166666666666666,"waits_known":true}"#);
    let weights: EffortWeights = serde_json::from_str(r#"{"transfer":2.0}"#).unwrap();
    assert_eq!(weights, EffortWeights { transfer: 2.0, ..EffortWeights::default() });
    let mut themes = ThemeTally::default();
    themes.push(-100, &[Tag::literal("late")]);
    written(
        &themes.impacts(2, level()).unwrap(),
        r#"{"impacts":[{"theme":"late","answers":1,"impact":null,"p_value":null,"q_value":null}],
        "answers":1,"least":2,"level":0.95,"tests":0}"#,
    );
}

#[test]
fn designed_journeys() {
    let log = log();
    let designed = DesignedJourney::builder(["ask", "pay"])
        .step("ask", "pay", Some(TimeDelta::hours(1)))
        .repeatable("ask")
        .build()
        .unwrap();
    written(
        &designed.conformance(&log, |_| Ending::Complete),
        r#"
        {"designed":{"steps":["ask","pay"],"moves":[{"from":"ask","to":"pay","within_us":3600000000}],
        "repeatable":["ask"]},"journeys":2,"open":0,"ties":1,"fitting":0,"mean_fitness":0.7321428571428572,
        "skipped":{"pay":1},"inserted":{"wait":1},"wrong_order":{},"late":{"pay":1}}"#,
    );
    written(
        &designed.replays(&log, |_| Ending::Complete).collect::<Vec<_>>(),
        r#"
        [{"customer":0,"ending":"complete","fitness":0.7142857142857143,"ties":1,
        "deviations":[{"inserted":{"activity":"wait"}},{"inserted":{"activity":"wait"}},
        {"late":{"step":"pay","allowed_us":3600000000,"took_us":86280000000}}]},{"customer":1,
        "ending":"complete","fitness":0.75,"ties":0,"deviations":[{"skipped":{"step":"pay"}}]}]"#,
    );
}

#[test]
fn attribution() {
    let log = log();
    let paths =
        ConversionPaths::from_log(&log, &[log.activities().named("pay").unwrap()], at(3 * DAY)).unwrap();
    let decay = AttributionModel::TimeDecay(Decay::Time(TimeDelta::days(7)));
    let markov = AttributionModel::Markov { order: 1, removal: Removal::ToNull, nulls: NullPaths::Counted };
    read_back(&decay, r#"{"time_decay":{"time_us":604800000000}}"#);
    read_back(&markov, r#"{"markov":{"order":1,"removal":"to_null","nulls":"counted"}}"#);
    written(
        &paths.compare_models(&[AttributionModel::First, markov]).unwrap(),
        r#"
        {"models":[{"model":"first","credits":[{"channel":0,"conversions":1.0,"value":0.0},{"channel":2,
        "conversions":0.0,"value":0.0}],"attributed":1,"unattributed":0,"nulls":1,"ties":1,"value":0.0},
        {"model":{"markov":{"order":1,"removal":"to_null","nulls":"counted"}},"credits":[{"channel":0,
        "conversions":0.5,"value":0.0},{"channel":2,"conversions":0.5,"value":0.0}],"attributed":1,
        "unattributed":0,"nulls":1,"ties":1,"value":0.0,"removal_effects":[1.0,1.0]}],"channels":[{"channel":0,
        "conversions":[1.0,0.5],"least":0.5,"most":1.0},{"channel":2,"conversions":[0.0,0.5],"least":0.0,
        "most":0.5}]}"#,
    );
    let mut tally = OfferTally::new();
    tally.push(3, 0, true, true);
    tally.push(3, 0, false, false);
    written(
        &tally.selling_points(1, level()),
        r#"
        {"least":1,"level":0.95,"customers":2,"tests":1,"points":[{"measured":{"moment":3,"effect":{"value":1.0,
        "lower":1.0,"upper":1.0,"level":0.95,"n":2},"p_value":0.31731050786291404,
        "adjusted_p_value":0.31731050786291404,"strata":1}}]}"#,
    );
}
