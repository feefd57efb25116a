//! CPU time of the process, and the lines that figures are printed as.

use std::time::Duration;

/// Whether a figure must stay below its target or reach it.
#[derive(Clone, Copy)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
}

/// Prints one line: `figure`, name, value, unit, target, `met` or `missed`, separated by tabs.
pub fn figure(name: &str, value: f64, unit: &str, target: Target) {
    let (sign, bound, met) = match target {
        Target::AtMost(bound) => ("<=", bound, value <= bound),
        Target::AtLeast(bound) => (">=", bound, value >= bound),
    };
    let verdict = if met { "met" } else { "missed" };
    println!("figure\t{name}\t{value:.4}\t{unit}\t{sign} {bound}\t{verdict}");
}

/// User and system time that the process has used so far.
pub fn cpu() -> Duration {
    cpu_time::ProcessTime::now().as_duration()
}

/// The CPU time of one call in seconds: the median of several, after one that is not counted.
pub fn seconds<T>(runs: usize, mut work: impl FnMut() -> T) -> f64 {
    std::hint::black_box(work());
    let measured = (0..runs).map(|_| {
        let start = cpu();
        std::hint::black_box(work());
        (cpu() - start).as_secs_f64()
    });
    median(measured.collect())
}

/// The middle one of several.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Seeded random numbers, SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
