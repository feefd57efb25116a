//! How sure numbers are, and what it costs to know.

use crate::cpu::{Target, figure, seconds};
use crate::data;
use patronage::Share;
use patronage::value::{BgNbd, Horizon, ParetoNbd, PurchaseModel, ScoreKind};
use std::hint::black_box;

pub fn figures() {
    let cdnow = data::cdnow();
    let buyers = cdnow.buyers();
    let fit = BgNbd::fit(buyers.iter()).expect("CDNOW is fitted");
    let refits = seconds(3, || fit.bootstrap(black_box(buyers).iter(), 1_000, 1).expect("refits"));
    figure("1,000 bootstrap refits, BG/NBD, CDNOW", refits, "s", Target::AtMost(0.5));
    let refits = seconds(3, || fit.parametric_bootstrap(black_box(buyers).iter(), 1_000, 1).expect("refits"));
    figure("1,000 parametric bootstrap refits, BG/NBD, CDNOW", refits, "s", Target::AtMost(2.0));

    let (level, weeks) = (Share::new(0.9).expect("a share"), Horizon::new(39.0).expect("a horizon"));
    let intervals = seconds(5, || {
        buyers
            .iter()
            .map(|buyer| {
                let found = fit.interval(level, ScoreKind::Share, |model| model.p_alive(buyer));
                found.expect("an interval").lower()
            })
            .sum::<f64>()
    });
    let each = intervals * 1e6 / buyers.len() as f64;
    figure("delta interval of a P(alive), BG/NBD", each, "us", Target::AtMost(3.0));
    let total =
        seconds(3, || fit.predict_total(buyers.iter(), weeks, level, 1_000, 1).expect("a prediction"));
    figure("1,000 simulated totals, BG/NBD, CDNOW", total, "s", Target::AtMost(1.0));

    let fit = ParetoNbd::fit(buyers.iter()).expect("CDNOW is fitted");
    let refits = seconds(1, || fit.bootstrap(black_box(buyers).iter(), 100, 1).expect("refits"));
    figure("100 bootstrap refits, Pareto/NBD, CDNOW", refits, "s", Target::AtMost(2.0));
}
