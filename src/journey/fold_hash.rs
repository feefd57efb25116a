//! A fast hash for small keys: codes, pairs of codes, identifiers, short sequences of codes.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Makes hashers that multiply and fold. Keyed by the process, so that nobody can choose identifiers that collide; no
/// result ever depends on the order of a map.
#[derive(Clone, Debug)]
pub(super) struct FoldState {
    state: u64,
    key: u64,
}

impl Default for FoldState {
    fn default() -> Self {
        let random = RandomState::new();
        Self { state: random.hash_one(FACTOR), key: random.hash_one(!FACTOR) }
    }
}

impl BuildHasher for FoldState {
    type Hasher = FoldHasher;

    fn build_hasher(&self) -> FoldHasher {
        FoldHasher { state: self.state, key: self.key }
    }
}

#[derive(Clone, Debug)]
pub(super) struct FoldHasher {
    state: u64,
    key: u64,
}

impl FoldHasher {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "both halves of the product are used")]
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word ^ self.key) * u128::from(FACTOR);
        self.state = (product as u64) ^ ((product >> 64) as u64).rotate_left(23);
    }
}

impl Hasher for FoldHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for &word in words {
            self.fold(u64::from_le_bytes(word));
        }
        if !rest.is_empty() {
            let last = rest.iter().fold(0_u64, |word, &byte| word << 8 | u64::from(byte));
            self.fold(last);
        }
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.fold(u64::from(number));
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.fold(u64::from(number));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.fold(number);
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the other half follows")]
    fn write_u128(&mut self, number: u128) {
        self.fold(number as u64);
        self.fold((number >> 64) as u64);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        let mut last = self.clone();
        last.fold(FACTOR);
        last.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn neighbours_fall_far_apart() {
        let state = FoldState::default();
        let mut low = HashSet::new();
        let mut high = HashSet::new();
        for number in 0..4096_u64 {
            let hash = state.hash_one(number);
            low.insert(hash & 0xffff);
            high.insert(hash >> 48);
        }
        // 4096 balls in 65,536 urns leave about 3,970 different ones.
        assert!(low.len() > 3_800 && high.len() > 3_800, "{} {}", low.len(), high.len());
    }

    /// What collides under one key must not under another, from the first word on.
    #[test]
    fn the_key_reaches_the_first_word() {
        let folded = |state: &FoldState| {
            let mut hasher = state.build_hasher();
            hasher.fold(7);
            hasher.state
        };
        let first: HashSet<u64> = (0..64).map(|_| folded(&FoldState::default())).collect();
        assert!(first.len() > 60, "{}", first.len());
    }
}
