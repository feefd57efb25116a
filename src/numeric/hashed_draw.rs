//! Draws that depend on a name and an id alone: who is drawn stays drawn, on every platform.

use crate::tag::Tag;
use twox_hash::XxHash3_128;

/// The seed that a salt stands for.
#[expect(clippy::cast_possible_truncation, reason = "half of the hash is enough")]
pub(crate) fn seed(salt: Tag) -> u64 {
    XxHash3_128::oneshot(salt.as_str().as_bytes()) as u64
}

/// The ten-thousandth of all ids that one falls into.
#[expect(
    clippy::cast_possible_truncation,
    reason = "one half of the hash is drawn from; the quotient is below 10,000"
)]
pub(crate) fn ten_thousandth(seed: u64, id: &[u8]) -> u16 {
    let hash = XxHash3_128::oneshot_with_seed(seed, id) as u64;
    ((u128::from(hash) * 10_000) >> 64) as u16
}
