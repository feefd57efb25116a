//! Made-up customers for tests.

use super::{Buyer, TimedBuyer};
use crate::numeric::split_mix::SplitMix;

/// Customers who buy at a mean rate, each at their own where `spread` is 1 and all at one where it is 0, and who leave at a
/// mean rate, each at their own, or never.
pub(super) fn customers(seed: u64, count: u32, rate: f64, spread: f64, leave: f64) -> Vec<Buyer> {
    let mut random = SplitMix::new(seed);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are left")]
    let mut exponential = move || -libm::log(((random.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64);
    let customer = |row| {
        let age = 20.0 + f64::from(row % 21);
        let rate = rate * (1.0 + spread * (exponential() - 1.0));
        let leave = leave * exponential();
        let end = if leave > 0.0 { exponential() / leave } else { 1e9 };
        let (mut frequency, mut recency, mut time) = (0, 0.0, exponential() / rate);
        while time < age.min(end) {
            (frequency, recency) = (frequency + 1, time);
            time += exponential() / rate;
        }
        Buyer::new(frequency, recency, age).unwrap()
    };
    (0..count).map(customer).collect()
}

/// A customer with times between purchases that are neither even nor at random.
pub(super) fn timed(buyer: Buyer) -> TimedBuyer {
    let x = f64::from(buyer.frequency());
    let ln_intervals = if x > 0.0 { x * (libm::log(buyer.recency() / x) - 0.25) } else { 0.0 };
    TimedBuyer::new(buyer, ln_intervals).unwrap()
}
