use super::ValueError;
use super::chunked_sum::ChunkedSum;
use super::forecast_errors::deviations;
use crate::measure::{Estimate, Share};
use crate::validation::ValidationError;
use std::collections::BTreeMap;

/// The largest amount that is judged, far beyond any.
const LARGEST: f64 = 1e30;

/// Customers of whom the same is asked: what was expected of them in the mean, and what came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationGroup<K> {
    key: K,
    expected: f64,
    actual: Estimate,
}

impl<K: Copy> CalibrationGroup<K> {
    /// What the customers of the group have in common.
    pub const fn key(&self) -> K {
        self.key
    }
}

impl<K> CalibrationGroup<K> {
    /// How many customers there are.
    pub const fn customers(&self) -> u64 {
        self.actual.n()
    }

    /// What was expected of one of them in the mean.
    pub const fn expected(&self) -> f64 {
        self.expected
    }

    /// What came from one of them in the mean, with the interval that chance leaves.
    pub const fn actual(&self) -> Estimate {
        self.actual
    }

    /// Whether what was expected lies within the interval of what came.
    pub fn agrees(&self) -> bool {
        self.actual.lower() <= self.expected && self.expected <= self.actual.upper()
    }
}

/// Whether forecasts hold group by group: expected against actual means, for any grouping of customers (by channel, by
/// cohort, by frequency).
///
/// # Arguments
/// - `rows`: the group of a customer, what was expected of them and what came (purchases; any amount of 0 or more).
/// - `level`: how sure the intervals are to be.
///
/// # Returns
/// The groups that have customers, in the order of their keys.
///
/// # Errors
/// [`ValueError::NoRows`], [`ValueError::Row`] for the first row with a number that is NaN, below 0 or above 1e30, or
/// [`ValueError::Argument`] for a level of 1.
///
/// # Formula
/// ```text
/// c = m + h,  c - sqrt(h (2 m + h)) to c + sqrt(h (2 m + h)),  h = z^2 f / 2n,  f = max(1, s^2 / m)
/// ```
/// with m and s^2 the mean and variance of what came from n customers and z the deviations of the level: the score
/// interval of a Poisson mean, widened by how much more customers differ than chance makes them. It is above 0 where
/// nobody bought, and encloses the mean.
///
/// # Cost
/// One pass; memory for each group.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::value::calibration_by;
///
/// let rows = [("shop", 0.4, 1.0), ("web", 1.5, 2.0), ("shop", 0.6, 0.0), ("web", 2.5, 1.0)];
/// let groups = calibration_by(rows, Share::new(0.95)?)?;
/// let [shop, web] = groups.as_slice() else { return Err("two groups".into()) };
/// assert_eq!((shop.key(), shop.customers(), shop.expected(), shop.actual().value()), ("shop", 2, 0.5, 0.5));
/// assert_eq!((web.expected(), web.actual().value(), web.agrees()), (2.0, 1.5, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: R. Wedderburn, "Quasi-likelihood functions, generalized linear models, and the Gauss-Newton method", Biometrika
/// 61 (1974), for the variance; L. Barker, "A comparison of nine confidence intervals for a Poisson parameter", The
/// American Statistician 56 (2002).
pub fn calibration_by<K: Ord>(
    rows: impl IntoIterator<Item = (K, f64, f64)>,
    level: Share,
) -> Result<Vec<CalibrationGroup<K>>, ValueError> {
    let z = deviations(level)?;
    let mut groups: BTreeMap<K, ChunkedSum<3>> = BTreeMap::new();
    for (row, (key, expected, actual)) in rows.into_iter().enumerate() {
        for (field, number) in [("expected", expected), ("actual", actual)] {
            if !(0.0..=LARGEST).contains(&number) {
                let rule = ValidationError::new(field, "must lie between 0 and 1e30", number);
                return Err(ValueError::Row { row, rule });
            }
        }
        groups.entry(key).or_insert_with(ChunkedSum::new).push([expected, actual, actual * actual]);
    }
    if groups.is_empty() {
        return Err(ValueError::NoRows);
    }
    let group = |(key, sum): (K, ChunkedSum<3>)| -> Result<CalibrationGroup<K>, ValueError> {
        let ([expected, actual, square], n) = (sum.sums(), sum.n());
        let mean = actual / n;
        let variance = if sum.count() > 1 { (square - actual * mean).max(0.0) / (n - 1.0) } else { 0.0 };
        let spread = if mean > 0.0 { (variance / mean).max(1.0) } else { 1.0 };
        let half = z * z * spread / (2.0 * n);
        let root = (half * (2.0 * mean + half)).sqrt();
        // The product of both ends is the square of the mean.
        let upper = mean + half + root;
        let lower = if mean > 0.0 { mean * (mean / upper) } else { 0.0 };
        let actual = Estimate::new(mean, lower.min(mean), upper.max(mean), level, sum.count())?;
        Ok(CalibrationGroup { key, expected: expected / n, actual })
    };
    groups.into_iter().map(group).collect()
}

/// Whether forecasts hold at every height: customers are ordered by what was expected of them and divided into groups of
/// equal size, ten for deciles.
///
/// Customers of whom the same was expected stay together, so that groups may differ in size and some may have nobody.
/// The order of rows does not matter.
///
/// # Arguments
/// - `rows`: what was expected of a customer and what came.
/// - `groups`: how many groups, of which the first (key 1) holds those of whom least was expected.
/// - `level`: how sure the intervals are to be.
///
/// # Errors
/// As [`calibration_by`], and [`ValueError::Argument`] without groups.
///
/// # Cost
/// Sorting; 16 bytes for each row.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::value::calibration_by_expectation;
///
/// let rows = (0..100).map(|i| (f64::from(i) / 100.0, f64::from(i % 2)));
/// let deciles = calibration_by_expectation(rows, 10, Share::new(0.95)?)?;
/// assert_eq!(deciles.len(), 10);
/// assert_eq!((deciles[9].key(), deciles[9].customers(), deciles[9].actual().value()), (10, 10, 0.5));
/// assert_eq!(format!("{:.3}", deciles[9].expected()), "0.945");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn calibration_by_expectation(
    rows: impl IntoIterator<Item = (f64, f64)>,
    groups: u32,
    level: Share,
) -> Result<Vec<CalibrationGroup<u32>>, ValueError> {
    if groups == 0 {
        return Err(ValidationError::new("groups", "must be 1 or more", groups).into());
    }
    let mut rows: Vec<(f64, f64)> = rows.into_iter().collect();
    // Refused with their place in the order given, before that is lost.
    calibration_by(rows.iter().map(|&(expected, actual)| ((), expected, actual)), level)?;
    rows.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let mut keyed = Vec::with_capacity(rows.len());
    let mut before = 0;
    for equal in rows.chunk_by(|one, next| one.0.total_cmp(&next.0).is_eq()) {
        // The middle of those with one expectation decides for all of them.
        let middle = wide(2 * before + equal.len());
        let group = u128::from(groups) * middle / wide(2 * rows.len());
        let key = u32::try_from(group).unwrap_or(u32::MAX).min(groups - 1).saturating_add(1);
        keyed.push((key, equal));
        before += equal.len();
    }
    let keyed = keyed.iter().flat_map(|&(key, equal)| equal.iter().map(move |row| (key, row.0, row.1)));
    calibration_by(keyed, level)
}

fn wide(count: usize) -> u128 {
    u128::try_from(count).unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::split_mix::SplitMix;

    fn sure() -> Share {
        Share::new(0.95).unwrap()
    }

    #[test]
    fn equal_expectations_stay_together() {
        // Half of all customers are alike, and make up what would be the first five groups.
        let rows: Vec<(f64, f64)> =
            (0..100).map(|i| if i < 50 { (0.1, f64::from(i)) } else { (f64::from(i), 0.0) }).collect();
        let groups = calibration_by_expectation(rows.iter().copied(), 10, sure()).unwrap();
        let sizes: Vec<(u32, u64)> = groups.iter().map(|group| (group.key(), group.customers())).collect();
        assert_eq!(sizes, [(3, 50), (6, 10), (7, 10), (8, 10), (9, 10), (10, 10)]);
        let backwards = calibration_by_expectation(rows.into_iter().rev(), 10, sure()).unwrap();
        assert_eq!(backwards, groups);
        let one = calibration_by_expectation([(1.0, 2.0)], u32::MAX, sure()).unwrap();
        assert_eq!((one.len(), one[0].customers()), (1, 1));
    }

    #[test]
    fn refuses_what_cannot_be_judged() {
        assert_eq!(calibration_by_expectation([], 10, sure()), Err(ValueError::NoRows));
        assert!(calibration_by_expectation([(1.0, 1.0)], 0, sure()).is_err());
        assert!(calibration_by([((), 1.0, 1.0)], Share::ONE).is_err());
        for wrong in [f64::NAN, f64::INFINITY, -1.0] {
            for rows in [[(0.0, 0.0), (wrong, 0.0)], [(0.0, 0.0), (0.0, wrong)]] {
                let refused = calibration_by_expectation(rows, 2, sure()).unwrap_err();
                assert!(matches!(refused, ValueError::Row { row: 1, .. }), "{refused}");
            }
        }
    }

    #[test]
    fn intervals_are_those_of_a_poisson_mean_where_chance_is_all() {
        // 16 events of 100 customers, one each: the score interval of 0.16, (0.0989 .. 0.2588) by hand.
        let rows = (0..100).map(|i| ((), 0.1, f64::from(u8::from(i < 16))));
        let [group] = calibration_by(rows, sure()).unwrap().try_into().unwrap();
        let (h, m) = (1.959_963_984_540_054_f64.powi(2) / 200.0, 0.16);
        let root = (h * (2.0 * m + h)).sqrt();
        assert!((group.actual().lower() - (m + h - root)).abs() < 1e-15);
        assert!((group.actual().upper() - (m + h + root)).abs() < 1e-15);
        assert!(group.agrees());
        // Nobody bought: up to 3.84 purchases may have been due.
        let [none] = calibration_by((0..100).map(|_| ((), 0.03, 0.0)), sure()).unwrap().try_into().unwrap();
        assert_eq!((none.actual().lower(), none.actual().value()), (0.0, 0.0));
        assert!((none.actual().upper() - 0.038_414_588).abs() < 1e-9 && none.agrees());
        assert!(!calibration_by((0..100).map(|_| ((), 0.05, 0.0)), sure()).unwrap()[0].agrees());
    }

    /// Purchases of customers who differ: geometric counts with a mean of 0.5, variance 0.75.
    #[test]
    fn intervals_cover_the_truth_as_often_as_they_say() {
        let mut random = SplitMix::new(7);
        let mut covered = 0;
        for _ in 0..2000 {
            let rows = (0..240).map(|_| {
                let mut count = 0.0;
                while random.below(3) == 0 {
                    count += 1.0;
                }
                ((), 0.5, count)
            });
            covered += u32::from(calibration_by(rows, sure()).unwrap()[0].agrees());
        }
        // 95 % of 2,000 is 1,900, give or take 20 by chance.
        assert!((1870..1940).contains(&covered), "{covered}");
    }
}
