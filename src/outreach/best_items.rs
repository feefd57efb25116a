use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// An item and its score; the greater of two is the one that is ranked lower, so that a heap shows the lowest.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScoredItem {
    pub(super) score: f64,
    pub(super) item: u32,
}

impl Ord for ScoredItem {
    fn cmp(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.item.cmp(&other.item))
    }
}

impl PartialOrd for ScoredItem {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ScoredItem {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ScoredItem {}

/// The best of the items that were offered so far: those with the highest scores above 0, of equal ones those with the
/// smallest numbers, in whatever order they come.
#[derive(Clone, Debug)]
pub(super) struct BestItems {
    at_most: usize,
    kept: BinaryHeap<ScoredItem>,
    /// No score below this comes in any more.
    lowest: f64,
}

impl BestItems {
    pub(super) fn new(at_most: usize) -> Self {
        let lowest = if at_most == 0 { f64::INFINITY } else { 0.0 };
        Self { at_most, kept: BinaryHeap::new(), lowest }
    }

    /// No item with a score below this, or of 0, comes in any more.
    pub(super) const fn lowest(&self) -> f64 {
        self.lowest
    }

    #[inline]
    pub(super) fn offer(&mut self, item: u32, score: f64) {
        // What is no number is no score.
        if score > 0.0 && score >= self.lowest {
            self.keep(ScoredItem { score, item });
        }
    }

    fn keep(&mut self, offered: ScoredItem) {
        if self.kept.len() < self.at_most {
            self.kept.push(offered);
        } else if let Some(mut lowest) = self.kept.peek_mut()
            && offered < *lowest
        {
            *lowest = offered;
        }
        if self.kept.len() == self.at_most {
            self.lowest = self.kept.peek().map_or(f64::INFINITY, |lowest| lowest.score);
        }
    }

    /// The best first.
    pub(super) fn ranked(self) -> Vec<ScoredItem> {
        self.kept.into_sorted_vec()
    }
}
