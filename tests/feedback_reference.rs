//! Feedback of a simulated company and of real people, against counts made by other programs.
//!
//! The data lie outside the repository, because not all may be passed on: in the folder named by `PATRONAGE_SHARED_DATA`,
//! or in `../shared/data` next to this checkout. Where there is no such folder the tests say so and pass.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step must fail the test")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(clippy::float_cmp, reason = "shares of counts are exact")]

use flate2::read::GzDecoder;
use patronage::Share;
use patronage::feedback::{
    Answer, CesConvention, CesTally, CsatAnswer, CsatScale, CsatTally, EffortScale, NpsGroup, NpsScore,
    NpsTally,
};
use patronage::interaction::{Effort, EffortDirection};
use std::fs::File;
use std::path::PathBuf;

/// The named columns of a packed CSV file, row by row.
fn rows<const N: usize>(file: &str, names: [&str; N]) -> Option<Vec<[String; N]>> {
    let root = std::env::var_os("PATRONAGE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    if !root.is_dir() {
        eprintln!("skipped: there is no folder of shared data; name one in PATRONAGE_SHARED_DATA");
        return None;
    }
    let mut reader = csv::Reader::from_reader(GzDecoder::new(File::open(root.join(file)).unwrap()));
    let header = reader.headers().unwrap().clone();
    let places = names.map(|name| header.iter().position(|column| column == name).unwrap());
    Some(reader.records().map(|row| row.unwrap()).map(|row| places.map(|at| row[at].to_owned())).collect())
}

#[test]
fn a_company_is_counted_exactly() {
    let Some(rows) = rows("domain/synthetic/feedback.csv.gz", ["metric", "score"]) else { return };
    let scale = EffortScale::new(5, EffortDirection::EasyIsHigh).unwrap();
    let (mut nps, mut csat, mut ces) =
        (NpsTally::default(), CsatTally::new(CsatScale::Five), CesTally::new(scale));
    for [metric, score] in &rows {
        let score: Option<u8> = (!score.is_empty()).then(|| score.parse().unwrap());
        match (metric.as_str(), score) {
            ("nps", Some(score)) => nps.push(Answer::Answered(NpsScore::new(score).unwrap())),
            ("nps", None) => nps.push(Answer::Unanswered),
            ("csat", Some(score)) => {
                csat.push(Answer::Answered(CsatAnswer::new(score, CsatScale::Five).unwrap())).unwrap();
            }
            ("ces", Some(score)) => {
                let effort = Effort::new(score, 5, EffortDirection::EasyIsHigh).unwrap();
                ces.push(Answer::Answered(effort)).unwrap();
            }
            other => panic!("unknown row {other:?}"),
        }
    }
    // Counts by Python's csv module.
    assert_eq!((nps.answered(), nps.unanswered()), (2595, 303));
    assert_eq!(NpsGroup::ALL.iter().map(|&group| nps.count(group)).collect::<Vec<_>>(), [428, 848, 1319]);
    let level = Share::new(0.95).unwrap();
    let score = nps.score(level).unwrap();
    assert!((score.value() - 100.0 * (1319.0 - 428.0) / 2595.0).abs() < 1e-12);
    assert!(score.upper() - score.lower() < 6.0);
    assert_eq!(csat.satisfied(level).unwrap().value(), 1087.0 / 1436.0);
    assert_eq!(ces.score(CesConvention::TopTwoOfFive, level).unwrap().value(), 1092.0 / 1462.0);
}

/// Why the crate has no lexicon of its own.
#[cfg(feature = "vader")]
#[test]
fn vader_is_worse_on_complaints_than_always_negative() {
    use patronage::feedback::{Polarity, ScorerCheck, VaderScorer};

    let Some(rows) = rows("insight/sentiment/airline_tweets.csv.gz", ["airline_sentiment", "text"]) else {
        return;
    };
    let labelled =
        rows.iter().map(|[sentiment, text]| (text.as_str(), sentiment.parse::<Polarity>().unwrap()));
    let check = ScorerCheck::run(&VaderScorer::new(Share::ONE), labelled, Share::new(0.05).unwrap()).unwrap();
    let level = Share::new(0.95).unwrap();
    let accuracy = check.accuracy(level).unwrap();
    // vaderSentiment 3.3.2 of Python on the same texts gives these to the last bit.
    assert_eq!((accuracy.n(), accuracy.value()), (14_640, 0.489_890_710_382_513_64));
    let found = check.recall(Polarity::Negative, level).unwrap().value();
    assert_eq!(found, 0.439_420_353_018_086_74);
    // 9,178 of the texts are negative.
    assert_eq!(check.baseline().unwrap().get(), 9178.0 / 14_640.0);
    assert!(!check.beats_baseline(level).unwrap());
}
