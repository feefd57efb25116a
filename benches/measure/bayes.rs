//! Full posteriors.

use crate::cpu::{Target, figure, seconds};
use crate::data;
use patronage::value::{BgNbd, Sampling};
use std::hint::black_box;

/// Two chains of 1,000 draws each, after 1,000 to warm up.
pub fn sampling() -> Sampling {
    Sampling::new(1)
        .with_chains(2)
        .and_then(|sampling| sampling.with_draws(1_000, 1_000))
        .expect("lengths that are allowed")
}

pub fn figures() {
    let (cdnow, sampling) = (data::cdnow(), sampling());
    let posterior = seconds(5, || BgNbd::posterior(black_box(&cdnow).buyers().iter(), &sampling));
    figure("posterior of BG/NBD on CDNOW, 2 chains of 1,000 + 1,000", posterior, "s", Target::AtMost(0.8));
}
