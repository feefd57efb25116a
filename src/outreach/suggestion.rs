use serde::Serialize;

/// An item for a customer, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// The item.
    pub item: u32,
    /// What ranks it: for buying again the days it was bought on, for cross-selling the sum of [`BecauseBought`] over all
    /// items the customer has. Comparable for one customer only.
    pub score: f64,
    /// Because the customer bought these: those that count most first, at most three; for buying again the item itself.
    pub because: Vec<BecauseBought>,
}

/// "Because you bought this."
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BecauseBought {
    /// What was bought.
    pub item: u32,
    /// What it adds to the score.
    pub score: f64,
}

impl BecauseBought {
    /// How many of them a suggestion names.
    const SHOWN: usize = 3;

    /// Puts one among those that count most; of equal ones the first to come goes before.
    pub(super) fn rank(self, ranked: &mut Vec<Self>) {
        let least =
            if ranked.len() < Self::SHOWN { 0.0 } else { ranked.last().map_or(0.0, |last| last.score) };
        if self.score > least {
            ranked.truncate(Self::SHOWN - 1);
            let place = ranked.partition_point(|other| other.score >= self.score);
            ranked.insert(place, self);
        }
    }
}
