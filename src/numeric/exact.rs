//! Exact tests, for tables too small for the pooled ones.

use super::proportion::Proportion;

/// How likely tables at least as extreme as this one are if both shares are equal: the sum over all tables with the same
/// margins that are no more probable than the one seen. 1 where the counts are no table.
///
/// Cost: O(the smaller of successes and the smaller group).
///
/// Source: R. A. Fisher, "Statistical Methods for Research Workers" (1934); two-sided as in R's `fisher.test`.
pub(crate) fn fisher_p(hits: u64, trials: u64, other_hits: u64, other_trials: u64) -> f64 {
    if hits > trials || other_hits > other_trials {
        return 1.0;
    }
    // The hypergeometric law of the hits of the first group, walked by ratios from the least possible number on.
    let (successes, all) = (hits.saturating_add(other_hits), trials.saturating_add(other_trials));
    let least = successes.saturating_sub(other_trials);
    let most = successes.min(trials);
    let log_weight = |count: u64| ln_hypergeometric(count, trials, successes, all);
    // Equal probabilities may differ in the last digits.
    let seen = log_weight(hits) + 1e-7;
    let p: f64 = (least..=most).map(log_weight).filter(|&weight| weight <= seen).map(libm::exp).sum();
    p.min(1.0)
}

/// How likely hits as extreme as those of the first groups of several tables together are, if in each table both shares
/// are equal: exact, for tables too small for the chi-square test of Cochran, Mantel and Haenszel. 1 where there is
/// nothing to compare.
///
/// # Cost
/// O(s²), with s the sum over the tables of the smaller of successes and the first group.
///
/// Source: C. R. Mehta, N. R. Patel, R. Gray, "Computing an exact confidence interval for the common odds ratio in several
/// 2 x 2 contingency tables", JASA 80 (1985).
pub(crate) fn stratified_p(tables: impl IntoIterator<Item = (Proportion, Proportion)>) -> f64 {
    // The law of the hits of the first groups, from the least possible number on.
    let mut law = vec![1.0];
    let mut seen = 0;
    for (one, other) in tables {
        let (successes, all) = (one.hits() + other.hits(), one.trials() + other.trials());
        let least = successes.saturating_sub(other.trials());
        let most = successes.min(one.trials());
        let weights: Vec<f64> = (least..=most)
            .map(|hits| libm::exp(ln_hypergeometric(hits, one.trials(), successes, all)))
            .collect();
        let Ok(here) = usize::try_from(one.hits() - least) else { return 1.0 };
        seen += here;
        let mut next = vec![0.0; law.len() + weights.len() - 1];
        for (start, before) in law.iter().enumerate() {
            for (sum, weight) in next.iter_mut().skip(start).zip(&weights) {
                *sum += before * weight;
            }
        }
        law = next;
    }
    // Equal probabilities may differ in the last digits.
    let most = law.get(seen).copied().unwrap_or(1.0) * (1.0 + 1e-7);
    law.iter().filter(|&&weight| weight <= most).sum::<f64>().min(1.0)
}

/// The logarithm of how likely so many of `trials` are among `successes` of `all`.
#[expect(clippy::cast_precision_loss, reason = "small tables")]
fn ln_hypergeometric(hits: u64, trials: u64, successes: u64, all: u64) -> f64 {
    let ln_choose = |n: u64, k: u64| {
        let ln_factorial = |n: u64| libm::lgamma_r(n as f64 + 1.0).0;
        ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
    };
    ln_choose(successes, hits) + ln_choose(all - successes, trials - hits) - ln_choose(all, trials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_whole_numbers() {
        // Tables with margins small enough to count by hand: the lady tasting tea, 34 / 70, and the ones around it.
        let close =
            |p: f64, expected: f64| assert!((p - expected).abs() < 1e-12 * expected, "{p} {expected}");
        close(fisher_p(3, 4, 1, 4), 34.0 / 70.0);
        close(fisher_p(4, 4, 0, 4), 2.0 / 70.0);
        close(fisher_p(2, 4, 2, 4), 1.0);
        // C(12, 1) C(12, 9) + C(12, 0) C(12, 10), and as much on the other side, of C(24, 10).
        close(fisher_p(1, 10, 11, 14), 2.0 * (12.0 * 220.0 + 66.0) / 1_961_256.0);
    }

    #[test]
    fn several_tables_are_added_up() {
        let pair = |[a, m, c, n]: [u64; 4]| (Proportion::new(a, m).unwrap(), Proportion::new(c, n).unwrap());
        let close =
            |p: f64, expected: f64| assert!((p - expected).abs() < 1e-12 * expected, "{p} {expected}");
        for [a, m, c, n] in [[3, 4, 1, 4], [1, 10, 11, 14], [0, 5, 0, 9]] {
            close(stratified_p([pair([a, m, c, n])]), fisher_p(a, m, c, n));
        }
        // Two tables of 1 and 1: hits of the first 0, 1 with a half each; both hit in one of four cases.
        close(stratified_p([pair([1, 1, 0, 1]), pair([1, 1, 0, 1])]), 0.5);
        // Enumerated with rational numbers in another language.
        close(
            stratified_p([pair([3, 4, 1, 4]), pair([5, 6, 2, 7]), pair([0, 3, 1, 8])]),
            12_059.0 / 110_110.0,
        );
        close(stratified_p([]), 1.0);
    }

    #[test]
    fn edges_are_defined() {
        assert!((fisher_p(0, 0, 0, 0) - 1.0).abs() < 1e-15);
        assert!((fisher_p(0, 5, 0, 9) - 1.0).abs() < 1e-12);
        assert!((fisher_p(5, 5, 9, 9) - 1.0).abs() < 1e-12);
        assert!((fisher_p(6, 5, 0, 9) - 1.0).abs() < 1e-15);
    }
}
