//! What repeated draws of a number come to: mean, spread and percentiles.

/// The number that a share of all draws lies below, of those in ascending order: the one at place (n + 1) share,
/// interpolated, and the first or last where that is beyond. 0 where there are none.
///
/// With n draws, a further one lies below it with just this probability. Hyndman and Fan's type 6.
///
/// Source: A. Davison, D. Hinkley, "Bootstrap Methods and their Application" (1997), section 2.4.
pub(crate) fn percentile(ascending: &[f64], share: f64) -> f64 {
    let Some((&first, &last)) = ascending.first().zip(ascending.last()) else { return 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 draws")]
    let place = (ascending.len() as f64 + 1.0) * share;
    let whole = libm::floor(place);
    if whole < 1.0 {
        return first;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "1 or more; beyond the end is `last`"
    )]
    let rank = whole as usize;
    let (Some(&below), Some(&above)) = (ascending.get(rank - 1), ascending.get(rank)) else { return last };
    // Weighed, not stepped, so that equal neighbours give themselves.
    let rest = place - whole;
    if below < above { below * (1.0 - rest) + above * rest } else { below }
}

/// The mean, and the standard deviation by n - 1; infinite where fewer than two draws do not tell it.
pub(crate) fn mean_and_deviation(draws: &[f64]) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 draws")]
    let n = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / n.max(1.0);
    let squares: f64 = draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum();
    (mean, if n < 2.0 { f64::INFINITY } else { (squares / (n - 1.0)).sqrt() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "these are exact")]

    use super::*;

    #[test]
    fn percentiles_lie_at_their_place() {
        // By hand: places 1.4, 3.5, 6.3, 0, 7 and 0.35 of six.
        let draws = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        for (share, truth) in [(0.2, 1.4), (0.5, 6.0), (0.9, 32.0), (0.0, 1.0), (1.0, 32.0), (0.05, 1.0)] {
            assert!(
                (percentile(&draws, share) - truth).abs() < 1e-14,
                "{share}: {}",
                percentile(&draws, share)
            );
        }
        assert_eq!(percentile(&[3.0; 7], 0.37), 3.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }

    #[test]
    fn spread_is_told_from_two_on() {
        assert_eq!(mean_and_deviation(&[1.0, 3.0]), (2.0, 2_f64.sqrt()));
        assert_eq!(mean_and_deviation(&[1.0]), (1.0, f64::INFINITY));
        assert_eq!(mean_and_deviation(&[]), (0.0, f64::INFINITY));
    }
}
