//! Gives each different key a number, many keys at a time.

use super::fold_hash::FoldState;
use std::hash::{BuildHasher, Hash};

/// How many keys are looked up at once: the processor then fetches several at once from memory.
pub(super) const PART: usize = 256;

/// Different keys, numbered in the order in which they first came. Keys and the table that finds them lie apart, so that
/// the table stays small.
pub(super) struct Numbering<K> {
    state: FoldState,
    /// The upper half of a hash, and one more than the number of its key; 0 for a free slot. As many as a power of two,
    /// at most half of them taken.
    slots: Vec<(u32, u32)>,
    keys: Vec<K>,
    /// The hash and the likely number of each key of a part.
    guesses: Vec<(u64, u32)>,
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of a hash")]
const fn halves(hash: u64) -> (u32, usize) {
    ((hash >> 32) as u32, hash as usize)
}

impl<K: Hash + Eq> Numbering<K> {
    pub(super) fn new() -> Self {
        Self {
            state: FoldState::default(),
            slots: vec![(0, 0); 1_024],
            keys: Vec::new(),
            guesses: Vec::with_capacity(PART),
        }
    }

    /// Hands over the number of each key of a part, and empties it. `None` where there are more keys than numbers.
    pub(super) fn take(&mut self, part: &mut Vec<K>, mut number: impl FnMut(u32)) -> Option<()> {
        // In three rounds, each of which waits for no other load of its own: hashes, slots, keys.
        self.guesses.clear();
        self.guesses.extend(part.iter().map(|key| (self.state.hash_one(key), 0)));
        let mask = self.slots.len() - 1;
        for (hash, guess) in &mut self.guesses {
            let (tag, low) = halves(*hash);
            *guess = self.slots.get(low & mask).filter(|slot| slot.0 == tag).map_or(0, |slot| slot.1);
        }
        let mut guesses = std::mem::take(&mut self.guesses);
        for (key, (hash, guess)) in part.drain(..).zip(guesses.drain(..)) {
            let place = guess.wrapping_sub(1);
            let right = self.keys.get(place as usize).is_some_and(|known| *known == key);
            number(if right { place } else { self.find(key, hash)? });
        }
        self.guesses = guesses;
        Some(())
    }

    /// The number of a key, a new one for a new key.
    fn find(&mut self, key: K, hash: u64) -> Option<u32> {
        let (tag, low) = halves(hash);
        let mask = self.slots.len() - 1;
        let mut place = low & mask;
        while let Some(&(known, number @ 1..)) = self.slots.get(place) {
            let number = number - 1;
            if known == tag && self.keys.get(number as usize).is_some_and(|known| *known == key) {
                return Some(number);
            }
            place = (place + 1) & mask;
        }
        let number = u32::try_from(self.keys.len()).ok().filter(|&number| number < u32::MAX)?;
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = (tag, number + 1);
        }
        self.keys.push(key);
        if self.keys.len() * 2 > self.slots.len() {
            self.grow();
        }
        Some(number)
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 4;
        self.slots = vec![(0, 0); size];
        for (number, key) in (1..).zip(&self.keys) {
            let (tag, low) = halves(self.state.hash_one(key));
            let mut place = low & (size - 1);
            while self.slots.get(place).is_some_and(|slot| slot.1 > 0) {
                place = (place + 1) & (size - 1);
            }
            if let Some(slot) = self.slots.get_mut(place) {
                *slot = (tag, number);
            }
        }
    }

    /// The keys, each at the place of its number.
    pub(super) fn into_keys(self) -> Vec<K> {
        self.keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbered<K: Hash + Eq + Clone>(keys: &[K]) -> (Vec<u32>, Vec<K>) {
        let (mut numbering, mut numbers) = (Numbering::new(), Vec::new());
        for part in keys.chunks(PART) {
            numbering.take(&mut part.to_vec(), |number| numbers.push(number)).unwrap();
        }
        (numbers, numbering.into_keys())
    }

    proptest! {
        #[test]
        fn keys_are_numbered_as_they_come(keys in prop::collection::vec(0_u64..600, 0..2_000), spread in 1_u64..u64::MAX / 600) {
            let keys: Vec<u64> = keys.into_iter().map(|key| key * spread).collect();
            let (numbers, known) = numbered(&keys);
            let mut expected: Vec<u64> = Vec::new();
            for (key, number) in keys.iter().zip(numbers) {
                if !expected.contains(key) {
                    expected.push(*key);
                }
                prop_assert_eq!(expected.get(number as usize), Some(key));
            }
            prop_assert_eq!(known, expected);
        }
    }

    #[test]
    fn many_keys_are_told_apart() {
        let keys: Vec<String> = (0..30_000).chain(0..30_000).map(|n| n.to_string()).collect();
        let (numbers, known) = numbered(&keys);
        assert!(numbers.iter().copied().eq((0..30_000).chain(0..30_000)));
        assert_eq!(known.len(), 30_000);
    }
}
