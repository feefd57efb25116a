//! Feedback: what it costs to count answers, and to know how sure a score is.

use crate::cpu::{Random, Target, figure, seconds};
use patronage::Share;
use patronage::feedback::{NpsMethod, NpsTally};
use std::hint::black_box;

pub fn figures() {
    let level = Share::new(0.95).expect("a share");
    let mut random = Random(11);
    // Tallies of 10 to 10,000 answers, so that no interval is like the one before it.
    let tallies: Vec<NpsTally> = (0..1_000)
        .map(|place| {
            let many = [10, 100, 1_000, 10_000][place % 4];
            let scores: Vec<u8> = (0..many).map(|_| (random.next() % 11) as u8).collect();
            let mut tally = NpsTally::default();
            tally.push_columns(&scores).expect("scores");
            tally
        })
        .collect();
    for (method, name) in
        [(NpsMethod::Score, "NPS, score interval"), (NpsMethod::AdjustedWald, "NPS, adjusted Wald interval")]
    {
        let all = seconds(11, || {
            tallies
                .iter()
                .map(|tally| tally.score_by(method, black_box(level)).expect("answers").lower())
                .sum::<f64>()
        });
        figure(name, all * 1e6 / tallies.len() as f64, "us", Target::AtMost(5.0));
    }

    let rows = 17_000_000;
    let scores: Vec<u8> = (0..rows)
        .map(|_| match random.next() % 13 {
            11 => NpsTally::DISMISSED,
            12 => NpsTally::UNANSWERED,
            score => score as u8,
        })
        .collect();
    let count = seconds(7, || {
        let mut tally = NpsTally::default();
        tally.push_columns(black_box(&scores)).expect("scores");
        tally.score(level).expect("answers").value()
    });
    figure("NPS with interval of 17,000,000 answers", count * 1e3, "ms", Target::AtMost(50.0));
}
