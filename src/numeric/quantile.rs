//! Exact quantiles of whole numbers by selection.

/// Ranges up to this many different values are counted instead of selected: days and numbers of purchases.
const COUNTED: usize = 1 << 16;

/// The `CUTS` values that divide the numbers into `CUTS + 1` groups of about equal size, each rounded down; `None`
/// where there are no numbers.
///
/// The definition is Hyndman and Fan's type 7 (the default of R and `NumPy`): with the numbers sorted as `x[0..n]`, cut
/// `k` lies at `h = (n - 1) k / (CUTS + 1)` and interpolates between `x[floor(h)]` and its successor. Arithmetic is in
/// integers, so nothing is lost; and because `x > q` holds for a whole `x` just when `x > floor(q)`, the whole part is
/// all that comparing needs. Multiplying all numbers by a constant changes no comparison.
///
/// `scratch` is overwritten; keep it between calls and nothing is allocated. Cost: O(n); numbers within a range of
/// 65,536 are counted, others are copied and selected (`select_nth_unstable`, each cut within the part that the cut
/// before left over).
///
/// Source: R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996).
pub(crate) fn cuts<const CUTS: usize>(
    values: impl ExactSizeIterator<Item = i64> + Clone,
    scratch: &mut Vec<i64>,
) -> Option<[i64; CUTS]> {
    let last = values.len().checked_sub(1)?;
    let groups = CUTS + 1;
    // (n - 1) k may overflow; the quotient and the rest of (n - 1) by the number of groups do not.
    let mut position = 0;
    let positions = [(); CUTS].map(|()| {
        position += 1;
        let spare = (last % groups) * position;
        (last / groups * position + spare / groups, spare % groups)
    });
    let (low, high) =
        values.clone().fold((i64::MAX, i64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let range = high.checked_sub(low).and_then(|range| usize::try_from(range).ok());
    let neighbours = match range {
        Some(range) if range < COUNTED => counted(values, low, range, positions, scratch),
        _ => selected(values, positions, scratch),
    };
    let mut rests = positions.iter();
    Some(neighbours.map(|(below, above)| {
        let rest = rests.next().map_or(0, |&(_, rest)| rest);
        between(below, above, rest, groups)
    }))
}

/// `below + (above - below) rest / groups`, rounded down. The result lies between the two, so that it fits.
fn between(below: i64, above: i64, rest: usize, groups: usize) -> i64 {
    let wide = |count| i128::try_from(count).unwrap_or(0);
    let step = (i128::from(above) - i128::from(below)) * wide(rest) / wide(groups).max(1);
    i64::try_from(i128::from(below) + step).unwrap_or(above)
}

/// The numbers at each position and just after, by counting how often each value occurs.
fn counted<const CUTS: usize>(
    values: impl Iterator<Item = i64>,
    low: i64,
    range: usize,
    positions: [(usize, usize); CUTS],
    counts: &mut Vec<i64>,
) -> [(i64, i64); CUTS] {
    counts.clear();
    counts.resize(range + 1, 0);
    for value in values {
        let slot = usize::try_from(value - low).ok().and_then(|slot| counts.get_mut(slot));
        if let Some(count) = slot {
            *count += 1;
        }
    }
    let mut total = 0;
    for count in counts.iter_mut() {
        total += *count;
        *count = total;
    }
    let at = |rank: usize| {
        let rank = i64::try_from(rank).unwrap_or(i64::MAX).min(total - 1);
        let slot = counts.partition_point(|&up_to| up_to <= rank);
        low + i64::try_from(slot).unwrap_or(0)
    };
    positions.map(|(rank, _)| (at(rank), at(rank + 1)))
}

/// The numbers at each position and just after, by selection.
fn selected<const CUTS: usize>(
    values: impl Iterator<Item = i64>,
    positions: [(usize, usize); CUTS],
    sorted: &mut Vec<i64>,
) -> [(i64, i64); CUTS] {
    sorted.clear();
    sorted.extend(values);
    let ranks = positions.map(|(rank, _)| rank);
    place(sorted, &ranks, 0);
    let mut next_ranks = ranks.iter().skip(1);
    ranks.map(|rank| {
        // Everything between two placed ranks is unsorted but belongs there, so its least is the successor.
        let end = next_ranks.next().copied().filter(|&next| next > rank).unwrap_or(sorted.len() - 1);
        let below = sorted.get(rank).copied().unwrap_or(0);
        let above = sorted.get(rank + 1..=end).and_then(|rest| rest.iter().copied().min());
        (below, above.unwrap_or(below))
    })
}

/// Moves the numbers of the ascending `ranks` to where sorting would put them; `values` begins at rank `offset`.
fn place(values: &mut [i64], ranks: &[usize], offset: usize) {
    let (lower, upper) = ranks.split_at(ranks.len() / 2);
    let Some((&rank, upper)) = upper.split_first() else { return };
    // Of equal ranks only the first that is reached is placed; the others lie outside what is left.
    let Some(nth) = rank.checked_sub(offset).filter(|&nth| nth < values.len()) else {
        // Lower ranks lie within the part before, upper ones may still lie within this.
        place(values, if rank < offset { upper } else { lower }, offset);
        return;
    };
    let (left, _, right) = values.select_nth_unstable(nth);
    place(left, lower, offset);
    place(right, upper, rank + 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_sorting<const CUTS: usize>(values: &[i64]) -> [i64; CUTS] {
        let mut sorted: Vec<i128> = values.iter().copied().map(i128::from).collect();
        sorted.sort_unstable();
        let groups = CUTS + 1;
        std::array::from_fn(|index| {
            let h = (sorted.len() - 1) * (index + 1);
            let (below, rest) = (sorted[h / groups], i128::try_from(h % groups).unwrap());
            let above = sorted.get(h / groups + 1).copied().unwrap_or(below);
            let scaled = below * (groups as i128) + (above - below) * rest;
            i64::try_from(scaled.div_euclid(groups as i128)).unwrap()
        })
    }

    fn quintiles(values: &[i64]) -> Option<[i64; 4]> {
        cuts(values.iter().copied(), &mut Vec::new())
    }

    #[test]
    fn agrees_with_r_and_numpy() {
        // numpy.quantile([1, 2, 4, 8, 16, 32], [.2, .4, .6, .8]) = [2, 4, 8, 16]; of [10, 20, 35]: [14, 18, 23, 29].
        assert_eq!(quintiles(&[32, 16, 8, 4, 2, 1]), Some([2, 4, 8, 16]));
        assert_eq!(quintiles(&[20, 35, 10]), Some([14, 18, 23, 29]));
        // numpy.quantile([-7, -2], .5) = -4.5, rounded down.
        assert_eq!(cuts([-7, -2].into_iter(), &mut Vec::new()), Some([-5]));
        assert_eq!(quintiles(&[]), None);
        assert_eq!(quintiles(&[3]), Some([3; 4]));
    }

    #[test]
    fn the_widest_numbers_do_not_overflow() {
        assert_eq!(cuts([i64::MAX, i64::MIN].into_iter(), &mut Vec::new()), Some([-1]));
        assert_eq!(quintiles(&[i64::MIN; 7]), Some([i64::MIN; 4]));
        assert_eq!(quintiles(&[i64::MAX; 7]), Some([i64::MAX; 4]));
    }

    proptest! {
        #[test]
        fn equals_sorting_whatever_the_range(
            narrow in prop::collection::vec(-9_i64..9, 1..300),
            wide in prop::collection::vec(any::<i64>(), 1..300),
            ties in prop::collection::vec(prop_oneof![Just(0_i64), Just(1 << 40), -3_i64..3], 1..40),
        ) {
            for values in [&narrow, &wide, &ties] {
                prop_assert_eq!(quintiles(values), Some(by_sorting(values)));
                let deciles: Option<[i64; 9]> = cuts(values.iter().copied(), &mut Vec::new());
                prop_assert_eq!(deciles, Some(by_sorting(values)));
            }
        }

        #[test]
        fn scratch_left_over_does_not_matter(values in prop::collection::vec(-90_i64..90_000, 1..99), old in prop::collection::vec(any::<i64>(), 0..99)) {
            let mut scratch = old;
            prop_assert_eq!(cuts(values.iter().copied(), &mut scratch), Some(by_sorting::<4>(&values)));
        }
    }
}
