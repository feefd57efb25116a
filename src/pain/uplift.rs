use super::{ActionEffect, GroupCount, PainError};
use crate::measure::Share;
use crate::validation::ValidationError;
use serde::Serialize;

/// A customer of a trial: how much the action was believed to do for them, whether they got it, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpliftRow {
    /// The belief, on any scale: the larger, the sooner the customer is given the action.
    pub score: f64,
    /// Whether they got the action; the others were held out.
    pub is_treated: bool,
    /// Whether they did what was hoped for.
    pub success: bool,
}

/// What an action does for those who would get it first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Uplift {
    customers: u64,
    threshold: f64,
    effect: ActionEffect,
    rest: Option<ActionEffect>,
}

impl Uplift {
    /// How many customers are in the first part, whether they got the action or not.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// The lowest score among them.
    pub const fn threshold(&self) -> f64 {
        self.threshold
    }

    /// What the action did for them: the uplift at k is its difference.
    pub const fn effect(&self) -> &ActionEffect {
        &self.effect
    }

    /// What it did for the others; `None` where nobody is left, or only customers of one group.
    pub const fn rest(&self) -> Option<&ActionEffect> {
        self.rest.as_ref()
    }
}

/// Says what an action does if only the share `k` of customers gets it for whom it is believed to do most: the uplift at k.
///
/// A good score has its effect among the first; if the rest shows as much, the score knows nothing, and the action may as
/// well go to anyone. Scores must come from other customers than those of the rows, or from before the trial: a score that
/// has seen the outcome flatters itself. A score by need is the effect found by
/// [`ActionsByNeed`](super::ActionsByNeed) in an earlier trial.
///
/// # Arguments
/// - `rows`: customers of both groups, where chance decided who got the action.
/// - `k`: the share that would get it, above 0. Customers with the score of the last one belong to the first part as well,
///   because nothing tells them apart; it may be larger than k for that.
/// - `level`: how often the intervals enclose the truth.
///
/// # Errors
/// [`PainError::ScoreValue`] when a score is not finite, [`PainError::Figure`] when k is 0, [`PainError::EmptyGroup`] when
/// the first part holds nobody of one group.
///
/// # Formula
/// ```text
/// x₁/n₁ - x₀/n₀ among the first k n customers by score, both groups ranked together
/// ```
/// with Newcombe's interval.
///
/// # Cost
/// O(n log n); 16 bytes a customer.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::pain::{UpliftRow, uplift_at};
///
/// // The action helps customers with a high score, half of whom succeed with it and a fifth without.
/// let rows = (0..400_u32).map(|number| {
///     let (is_treated, high) = (number % 2 == 0, number < 200);
///     let succeeds_of_ten = if high && is_treated { 5 } else { 2 };
///     UpliftRow { score: f64::from(u8::from(high)), is_treated, success: number / 2 % 10 < succeeds_of_ten }
/// });
/// let half = uplift_at(rows, Share::new(0.5)?, Share::new(0.95)?)?;
/// assert_eq!(half.customers(), 200);
/// assert_eq!(format!("{:.2}", half.effect().difference()), "0.30 [0.17, 0.42] (95.0 %, n = 200)");
/// assert_eq!(half.rest().map(|rest| rest.difference().value()), Some(0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: N. J. Radcliffe, "Using control groups to target on predicted lift", Direct Marketing Analytics Journal (2007).
pub fn uplift_at(
    rows: impl IntoIterator<Item = UpliftRow>,
    k: Share,
    level: Share,
) -> Result<Uplift, PainError> {
    if k <= Share::ZERO {
        return Err(ValidationError::new("uplift.k", "must be above 0", k.get()).into());
    }
    let mut ranked = Vec::new();
    for (row, customer) in rows.into_iter().enumerate() {
        if !customer.score.is_finite() {
            return Err(PainError::ScoreValue { row, value: customer.score });
        }
        // Adding zero turns -0 into 0, which has the same rank.
        ranked.push(UpliftRow { score: customer.score + 0.0, ..customer });
    }
    ranked.sort_unstable_by(|one, other| other.score.total_cmp(&one.score));
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of rows from 0 to their count"
    )]
    // A product like 7.000000000000001 stands for 7.
    let wanted = libm::ceil(k.get() * ranked.len() as f64 - 1e-9) as usize;
    let last = ranked.get(wanted.clamp(1, ranked.len().max(1)) - 1);
    let threshold = last.ok_or(PainError::EmptyGroup { group: "treated" })?.score;
    let first = ranked.partition_point(|row| row.score >= threshold);
    let counts = |rows: &mut dyn Iterator<Item = &UpliftRow>| {
        let (mut treated, mut held_out) = (GroupCount::default(), GroupCount::default());
        for row in rows {
            if row.is_treated { treated.push(row.success) } else { held_out.push(row.success) }
        }
        (treated, held_out)
    };
    let (treated, held_out) = counts(&mut ranked.iter().take(first));
    let (others, others_held_out) = counts(&mut ranked.iter().skip(first));
    Ok(Uplift {
        customers: treated.customers() + held_out.customers(),
        threshold,
        effect: treated.against(&held_out, level)?,
        rest: others.against(&others_held_out, level).ok(),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "halves are exact")]

    use super::*;

    fn row(score: f64, is_treated: bool, success: bool) -> UpliftRow {
        UpliftRow { score, is_treated, success }
    }

    fn at(rows: &[UpliftRow], k: f64) -> Result<Uplift, PainError> {
        uplift_at(rows.iter().copied(), Share::new(k).unwrap(), Share::new(0.95).unwrap())
    }

    /// Ranked by hand: 3 (treated, success), 2 (held out, none), 2 (treated, none), 1 (held out, success).
    #[test]
    fn customers_of_one_score_stay_together() {
        let rows =
            [row(1.0, false, true), row(2.0, false, false), row(3.0, true, true), row(2.0, true, false)];
        let half = at(&rows, 0.5).unwrap();
        assert_eq!((half.customers(), half.threshold()), (3, 2.0));
        assert_eq!(half.effect().difference().value(), 0.5);
        assert_eq!(half.rest(), None);
        let mut turned = rows;
        turned.reverse();
        assert_eq!(at(&turned, 0.5).unwrap(), half);
        assert_eq!(at(&rows, 1.0).unwrap().effect().difference().value(), 0.0);
        let zeros = [row(0.0, true, true), row(-0.0, false, false)];
        assert_eq!(at(&zeros, 0.5).unwrap().customers(), 2);
        let hundred: Vec<UpliftRow> = (0..100).map(|one| row(f64::from(one), one % 2 == 0, false)).collect();
        assert_eq!(at(&hundred, 0.07).unwrap().customers(), 7);
    }

    #[test]
    fn refuses_what_says_nothing() {
        let lone = [row(1.0, true, true)];
        assert!(matches!(at(&lone, 1.0), Err(PainError::EmptyGroup { group: "held_out" })));
        assert!(matches!(at(&[], 0.5), Err(PainError::EmptyGroup { .. })));
        assert!(matches!(at(&lone, 0.0), Err(PainError::Figure(_))));
        for score in [f64::NAN, f64::INFINITY] {
            let rows = [lone[0], row(score, false, true)];
            assert!(matches!(at(&rows, 1.0), Err(PainError::ScoreValue { row: 1, .. })));
        }
    }
}
