//! Replays against small designs and against the least cost over all designed paths.

#![expect(clippy::cast_precision_loss, reason = "there are few steps")]

use crate::journey::{Conformance, DesignedJourney, Deviation, Ending, JourneyError, JourneyLog, Replay};
use crate::measure::Share;
use chrono::TimeDelta;
use proptest::prelude::*;

const HOUR: i64 = 3_600_000_000;

fn designed() -> DesignedJourney {
    // a, then b or c, then d; d may be repeated.
    DesignedJourney::builder(["a", "b", "c", "d"])
        .step("a", "b", Some(TimeDelta::hours(2)))
        .step("a", "c", None)
        .step("b", "d", None)
        .step("c", "d", None)
        .repeatable("d")
        .build()
        .unwrap()
}

fn replay(lived: &[&str], hours: i64, ending: Ending) -> Replay {
    let rows = (0..).zip(lived).map(|(n, &name)| (1, n * hours * HOUR, name));
    let log = JourneyLog::from_events(rows, 20).unwrap();
    let journey = log.journeys().next().unwrap();
    designed().replay(log.activities(), journey, ending)
}

fn said(lived: &[&str], ending: Ending) -> Vec<String> {
    replay(lived, 1, ending).deviations().iter().map(ToString::to_string).collect()
}

#[test]
fn says_what_differs() {
    assert!(said(&["a", "b", "d"], Ending::Complete).is_empty());
    assert!(said(&["a", "c", "d", "d", "d"], Ending::Complete).is_empty());
    assert_eq!(said(&["a", "d"], Ending::Complete).len(), 1);
    assert_eq!(said(&["a", "x", "b", "d"], Ending::Complete), ["inserted `x`"]);
    assert_eq!(said(&["b", "d"], Ending::Complete), ["skipped `a`"]);
    assert_eq!(said(&["b", "a", "d"], Ending::Complete), ["`a` in the wrong order"]);
    assert_eq!(said(&["a", "a", "b", "d"], Ending::Complete), ["inserted `a`"]);
    assert_eq!(said(&["x"], Ending::Complete).len(), 4);
    assert_eq!(said(&["a"], Ending::Complete).len(), 2);
    assert!(said(&["a"], Ending::Open).is_empty());
    assert_eq!(said(&["x"], Ending::Open), ["inserted `x`"]);
    assert_eq!(said(&["d"], Ending::Open).len(), 1);
}

#[test]
fn lateness_is_said_where_both_steps_happened() {
    let late = replay(&["a", "b", "d"], 3, Ending::Complete);
    assert_eq!(late.deviations().len(), 1);
    assert_eq!(late.deviations()[0].to_string(), "`b` late: 10800 s, allowed 7200 s");
    assert_eq!(late.fitness(), Share::ONE);
    assert!(replay(&["a", "b", "d"], 2, Ending::Complete).fits());
    assert!(replay(&["a", "c", "d"], 9, Ending::Complete).fits());
}

#[test]
fn designs_are_checked() {
    let two = || DesignedJourney::builder(["a", "b"]);
    let circle = |name: &str| Err(JourneyError::Circle { name: name.into() });
    assert_eq!(two().step("a", "b", None).step("b", "a", None).build(), circle("a"));
    assert_eq!(two().step("a", "a", None).build(), circle("a"));
    assert_eq!(two().step("a", "z", None).build(), Err(JourneyError::UnknownStep { name: "z".into() }));
    assert!(two().repeatable("z").build().is_err());
    assert!(two().step("a", "b", Some(TimeDelta::zero())).build().is_err());
    assert!(DesignedJourney::builder(["a", "a"]).build().is_err());
    assert!(DesignedJourney::builder(Vec::<String>::new()).build().is_err());
    // What only lies behind a circle is not blamed for it.
    let behind = DesignedJourney::builder(["after", "b", "c", "first"]);
    let behind = behind.step("first", "b", None).step("b", "c", None).step("c", "b", None);
    assert_eq!(behind.step("c", "after", None).build(), circle("c"));
}

#[test]
fn designs_are_read_and_checked() {
    let text = serde_json::to_string(&designed()).unwrap();
    assert_eq!(
        text,
        r#"{"steps":["a","b","c","d"],"moves":[{"from":"a","to":"b","within_us":7200000000},{"from":"a","to":"c"},{"from":"b","to":"d"},{"from":"c","to":"d"}],"repeatable":["d"]}"#
    );
    assert_eq!(serde_json::from_str::<DesignedJourney>(&text).unwrap(), designed());
    let circle = text.replace(r#"{"from":"a","to":"c"}"#, r#"{"from":"d","to":"a"}"#);
    let refused = serde_json::from_str::<DesignedJourney>(&circle).unwrap_err().to_string();
    assert!(refused.starts_with("the designed journey leads in a circle through"), "{refused}");
}

#[test]
fn a_log_is_summed_up() {
    let rows = [(1, 0, "a"), (1, 1, "b"), (1, 2, "d"), (2, 0, "a"), (2, 1, "x"), (2, 2, "x"), (2, 3, "d")];
    let log = JourneyLog::from_events(rows, 20).unwrap();
    let level = Share::new(0.95).unwrap();
    let all = designed().conformance(&log, |journey| match journey.customer() {
        0 => Ending::Open,
        _ => Ending::Complete,
    });
    assert_eq!(all.fitting(level).map(|share| (share.value(), share.n())), Some((0.5, 2)));
    assert_eq!((all.journeys(), all.open()), (2, 1));
    assert_eq!(*all.inserted(), [("x".to_owned(), 1)].into());
    assert_eq!(all.skipped().values().sum::<u64>(), 1);
    let json = serde_json::to_value(&all).unwrap();
    assert_eq!(json["mean_fitness"], all.mean_fitness().unwrap());
    let mut half = Conformance::new(&designed());
    let replays: Vec<Replay> = designed().replays(&log, |_| Ending::Complete).collect();
    half.push(&replays[1]);
    let mut other = Conformance::new(&designed());
    other.push(&replays[0]);
    half.merge(&other).unwrap();
    assert_eq!(half, designed().conformance(&log, |_| Ending::Complete));
    let none = Conformance::new(&DesignedJourney::builder(["a"]).build().unwrap());
    assert_eq!(half.merge(&none), Err(JourneyError::DifferentRules { setting: "designed" }));
    assert_eq!((none.mean_fitness(), none.fitting(level)), (None, None));
}

/// The least number of skips and insertions: all designed paths against the journey, by longest common subsequence.
fn least(lived: &[u8]) -> usize {
    let paths = [b"ab".to_vec(), b"ac".to_vec()].into_iter().flat_map(|path| {
        (1..=lived.len().max(1)).map(move |times| [path.clone(), vec![b'd'; times]].concat())
    });
    let distance = |path: &[u8]| {
        let mut row: Vec<usize> = (0..=path.len()).collect();
        for (i, event) in lived.iter().enumerate() {
            let mut next = vec![i + 1];
            for (j, step) in path.iter().enumerate() {
                let matched = if event == step { row[j] } else { usize::MAX };
                next.push(matched.min(row[j + 1] + 1).min(next[j] + 1));
            }
            row = next;
        }
        row[path.len()]
    };
    paths.map(|path| distance(&path)).min().unwrap()
}

proptest! {
    #[test]
    fn the_nearest_path_is_found(lived in "[abcdx]{1,7}") {
        let names: Vec<String> = lived.chars().map(String::from).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = replay(&names, 1, Ending::Complete);
        let cost: usize = found.deviations().iter().map(|one| match one {
            Deviation::WrongOrder { .. } => 2,
            Deviation::Late { .. } => 0,
            _ => 1,
        }).sum();
        prop_assert_eq!(cost, least(lived.as_bytes()), "{}: {:?}", lived, found);
        let whole = lived.len() + 3;
        prop_assert!((found.fitness().get() - (1.0 - cost as f64 / whole as f64)).abs() < 1e-15);
    }
}
