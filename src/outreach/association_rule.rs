use crate::measure::Share;
use serde::Serialize;
use std::cmp::Ordering;

/// Who buys this buys that too: what was counted, and the measures of the trade.
///
/// Rules are ordered by confidence, then by how often they were seen: never by lift, which is highest where two rare items
/// met once, and suggests what hardly anybody wants.
///
/// # Formula
/// ```text
/// n baskets, a with the antecedent, c with the consequent, b with both
/// support    = b / n          confidence = b / a          lift = b n / (a c)
/// leverage   = b/n - a c/n²   conviction = (1 - c/n) / (1 - b/a)
/// ```
///
/// Source: R. Agrawal, T. Imielinski, A. Swami, "Mining association rules", SIGMOD 1993; S. Brin, R. Motwani, J. Ullman, S.
/// Tsur, "Dynamic itemset counting", SIGMOD 1997 (lift, conviction); G. Piatetsky-Shapiro 1991 (leverage).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssociationRule {
    pub(super) antecedent: Vec<u32>,
    pub(super) consequent: u32,
    pub(super) both: u32,
    pub(super) antecedent_count: u32,
    pub(super) consequent_count: u32,
    pub(super) baskets: u32,
}

impl AssociationRule {
    /// What is bought first, ascending.
    pub fn antecedent(&self) -> &[u32] {
        &self.antecedent
    }

    /// What is bought too.
    pub const fn consequent(&self) -> u32 {
        self.consequent
    }

    /// How many baskets hold antecedent and consequent.
    pub const fn both(&self) -> u32 {
        self.both
    }

    /// How many baskets hold the antecedent.
    pub const fn antecedent_count(&self) -> u32 {
        self.antecedent_count
    }

    /// How many baskets hold the consequent.
    pub const fn consequent_count(&self) -> u32 {
        self.consequent_count
    }

    /// How many baskets there are.
    pub const fn baskets(&self) -> u32 {
        self.baskets
    }

    /// The share of all baskets that hold both.
    pub fn support(&self) -> Share {
        share(self.both, self.baskets)
    }

    /// The share of the baskets with the antecedent that hold the consequent.
    pub fn confidence(&self) -> Share {
        share(self.both, self.antecedent_count)
    }

    /// How many times as often both are seen as they would be by chance, if baskets had one size.
    pub fn lift(&self) -> f64 {
        let (both, all) = (f64::from(self.both), f64::from(self.baskets));
        both * all / (f64::from(self.antecedent_count) * f64::from(self.consequent_count))
    }

    /// By how much of all baskets both are seen more often than by chance; exact but for one rounding.
    pub fn leverage(&self) -> f64 {
        let all = i128::from(self.baskets);
        let chance = i128::from(self.antecedent_count) * i128::from(self.consequent_count);
        #[expect(clippy::cast_precision_loss, reason = "one rounding of an exact difference")]
        let (more, square) = ((i128::from(self.both) * all - chance) as f64, (all * all) as f64);
        more / square
    }

    /// How many times as often the antecedent would come without the consequent by chance as it does; `None` where it never
    /// comes without.
    pub fn conviction(&self) -> Option<f64> {
        let without = self.antecedent_count.checked_sub(self.both).filter(|&without| without > 0)?;
        let others = f64::from(self.baskets.saturating_sub(self.consequent_count));
        Some(others * f64::from(self.antecedent_count) / (f64::from(self.baskets) * f64::from(without)))
    }

    /// The stronger rule first: by confidence, then by how often it was seen, then by item; all in whole numbers.
    pub(super) fn by_strength(&self, other: &Self) -> Ordering {
        let ours = u64::from(self.both) * u64::from(other.antecedent_count);
        let theirs = u64::from(other.both) * u64::from(self.antecedent_count);
        theirs
            .cmp(&ours)
            .then_with(|| other.both.cmp(&self.both))
            .then_with(|| self.antecedent.cmp(&other.antecedent))
            .then_with(|| self.consequent.cmp(&other.consequent))
    }
}

fn share(part: u32, whole: u32) -> Share {
    // A rule was seen at least once, so the whole is above 0 and the part no larger.
    Share::of(part.into(), whole.into()).ok().flatten().unwrap_or(Share::ZERO)
}
