//! Fisher's exact test, for tables too small for the pooled one.

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
    #[expect(clippy::cast_precision_loss, reason = "small tables")]
    let log_weight = |count: u64| {
        let log_choose = |n: u64, k: u64| {
            let log_factorial = |n: u64| libm::lgamma_r(n as f64 + 1.0).0;
            log_factorial(n) - log_factorial(k) - log_factorial(n - k)
        };
        log_choose(successes, count) + log_choose(all - successes, trials - count) - log_choose(all, trials)
    };
    // Equal probabilities may differ in the last digits.
    let seen = log_weight(hits) + 1e-7;
    let p: f64 = (least..=most).map(log_weight).filter(|&weight| weight <= seen).map(libm::exp).sum();
    p.min(1.0)
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
    fn edges_are_defined() {
        assert!((fisher_p(0, 0, 0, 0) - 1.0).abs() < 1e-15);
        assert!((fisher_p(0, 5, 0, 9) - 1.0).abs() < 1e-12);
        assert!((fisher_p(5, 5, 9, 9) - 1.0).abs() < 1e-12);
        assert!((fisher_p(6, 5, 0, 9) - 1.0).abs() < 1e-15);
    }
}
