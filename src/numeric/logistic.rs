//! Logistic regression with an intercept, by maximum likelihood.

use super::exponential::{falling_logistic, ln_1p_exp};
use super::linear::Symmetric;
use super::standardised::{CHUNK, Standardised};

/// A fitted model.
#[derive(Clone, Debug)]
pub(crate) struct Logistic {
    /// The intercept first.
    pub(crate) coefficients: Vec<f64>,
    /// Of these, the inverse of the information at the maximum.
    pub(crate) covariance: Symmetric,
    pub(crate) log_likelihood: f64,
    pub(crate) iterations: u32,
}

/// Why there is no maximum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoMaximum {
    /// Some combination of these predictors parts the outcomes, wholly or but for ties: the more of it, the likelier.
    Separated(Vec<usize>),
    /// Rounding left no step.
    Unsettled,
}

/// More than any search that has an end has needed; while outcomes are being parted each takes about a unit.
const MOST_ITERATIONS: u32 = 50;
/// From here on a search that parts the outcomes does little else.
const SETTLED: u32 = 25;
/// A full Newton step below this leaves an error of its square.
const LAST_STEP: f64 = 1e-7;
const MOST_HALVINGS: u32 = 40;

struct Point {
    value: f64,
    gradient: Vec<f64>,
    information: Symmetric,
}

/// Fits whether each row's outcome holds. There must be outcomes of both kinds, and no dependent columns.
///
/// # Cost
/// O(n p²) an iteration, of which a usual fit takes 5 to 10.
pub(crate) fn fit(data: &Standardised, outcome: &[bool]) -> Result<Logistic, NoMaximum> {
    let alone = separating(data, outcome);
    if !alone.is_empty() {
        return Err(NoMaximum::Separated(alone));
    }
    let holds = outcome.iter().filter(|&&holds| holds).count();
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 rows")]
    let odds = holds as f64 / (outcome.len() - holds) as f64;
    let mut at = vec![0.0; data.width() + 1];
    if let Some(intercept) = at.first_mut() {
        *intercept = libm::log(odds);
    }
    let mut point = evaluate(data, outcome, &at);
    let mut settled = at.clone();
    let mut iterations = 0;
    while iterations < MOST_ITERATIONS {
        iterations += 1;
        if iterations <= SETTLED {
            settled.clone_from(&at);
        }
        let Some(factor) = point.information.cholesky(0.0) else { break };
        let mut step = factor.solve(point.gradient.clone());
        let length = step.iter().fold(0.0, |length: f64, part| length.max(part.abs()));
        if !length.is_finite() {
            break;
        }
        let mut halvings = 0;
        loop {
            let next: Vec<f64> = at.iter().zip(&step).map(|(at, part)| at + part).collect();
            let there = evaluate(data, outcome, &next);
            // The sum of many logarithms is rounded: near the maximum it may seem to fall.
            if there.value >= point.value - 1e-12 * point.value.abs() {
                (at, point) = (next, there);
                break;
            }
            halvings += 1;
            if halvings > MOST_HALVINGS {
                return Err(NoMaximum::Unsettled);
            }
            for part in &mut step {
                *part *= 0.5;
            }
        }
        if length <= LAST_STEP && halvings == 0 {
            let covariance = point.information.inverse().ok_or(NoMaximum::Unsettled)?;
            return Ok(in_units(data, &at, &covariance, point.value, iterations));
        }
    }
    let direction: Vec<f64> = at.iter().zip(&settled).map(|(at, before)| at - before).collect();
    let found = [&direction, &at].into_iter().find_map(|direction| parted(data, outcome, direction));
    Err(found.map_or(NoMaximum::Unsettled, NoMaximum::Separated))
}

fn linear(row: &[f64], at: &[f64]) -> f64 {
    let (intercept, slopes) = at.split_first().unwrap_or((&0.0, &[]));
    intercept + row.iter().zip(slopes).map(|(value, slope)| value * slope).sum::<f64>()
}

fn evaluate(data: &Standardised, outcome: &[bool], at: &[f64]) -> Point {
    let size = at.len();
    let (mut value, mut gradient) = (0.0, vec![0.0; size]);
    let mut information = vec![0.0; size * (size + 1) / 2];
    let (mut rows, mut outcomes) = (data.rows(), outcome.iter());
    while rows.len() > 0 && outcomes.len() > 0 {
        let (mut some, mut slope, mut curve) = (0.0, vec![0.0; size], vec![0.0; information.len()]);
        for (row, &holds) in rows.by_ref().take(CHUNK).zip(outcomes.by_ref().take(CHUNK)) {
            let eta = linear(row, at);
            let (yes, no) = (falling_logistic(-eta), falling_logistic(eta));
            some -= ln_1p_exp(if holds { -eta } else { eta });
            let surprise = if holds { no } else { -yes };
            let weight = yes * no;
            let with_one = || std::iter::once(1.0).chain(row.iter().copied());
            slope.iter_mut().zip(with_one()).for_each(|(sum, x)| *sum += surprise * x);
            let mut cells = curve.iter_mut();
            for (place, x) in with_one().enumerate() {
                let weighed = weight * x;
                for other in with_one().skip(place) {
                    if let Some(cell) = cells.next() {
                        *cell += weighed * other;
                    }
                }
            }
        }
        value += some;
        gradient.iter_mut().zip(slope).for_each(|(sum, part)| *sum += part);
        information.iter_mut().zip(curve).for_each(|(sum, part)| *sum += part);
    }
    let mut cells = information.into_iter();
    let mut matrix = Symmetric::zeros(size);
    for row in 0..size {
        for column in row..size {
            matrix.set(row, column, cells.next().unwrap_or(0.0));
        }
    }
    Point { value, gradient, information: matrix }
}

/// The predictors that part the outcomes by themselves.
fn separating(data: &Standardised, outcome: &[bool]) -> Vec<usize> {
    // For each predictor the least and the most where the outcome holds, and where it does not.
    let mut ranges = vec![[(f64::INFINITY, f64::NEG_INFINITY); 2]; data.width()];
    for (row, &holds) in data.rows().zip(outcome) {
        for (&value, ranges) in row.iter().zip(&mut ranges) {
            let [no, yes] = ranges;
            let (least, most) = if holds { yes } else { no };
            (*least, *most) = (least.min(value), most.max(value));
        }
    }
    let parts = |&[no, yes]: &[(f64, f64); 2]| no.1 <= yes.0 || yes.1 <= no.0;
    ranges.iter().enumerate().filter(|(_, ranges)| parts(ranges)).map(|(place, _)| place).collect()
}

/// The predictors of a direction in which no row loses and some gain; `None` where it is none.
fn parted(data: &Standardised, outcome: &[bool], direction: &[f64]) -> Option<Vec<usize>> {
    let gain = |(row, &holds): (&[f64], &bool)| {
        let gain = linear(row, direction);
        if holds { gain } else { -gain }
    };
    let gains = || data.rows().zip(outcome).map(gain);
    let most = gains().fold(0.0, f64::max);
    let least = gains().fold(f64::INFINITY, f64::min);
    if most.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) || least < -1e-6 * most {
        return None;
    }
    let slopes = direction.get(1..).unwrap_or_default();
    let largest = slopes.iter().fold(0.0, |largest: f64, slope| largest.max(slope.abs()));
    let counts = |(_, slope): &(usize, &f64)| slope.abs() > 1e-3 * largest;
    Some(slopes.iter().enumerate().filter(counts).map(|(place, _)| place).collect())
}

/// From standardised columns back to the columns as they came.
fn in_units(
    data: &Standardised,
    at: &[f64],
    covariance: &Symmetric,
    log_likelihood: f64,
    iterations: u32,
) -> Logistic {
    let deviation = |column: usize| data.deviations.get(column).copied().unwrap_or(1.0);
    // The intercept at 0 of every column is that at their means less what the slopes make of the way.
    let steps: Vec<f64> = data.means.iter().zip(&data.deviations).map(|(mean, s)| mean / s).collect();
    let size = at.len();
    let mut coefficients: Vec<f64> = at.to_vec();
    let mut units = Symmetric::zeros(size);
    for row in 1..size {
        for column in row..size {
            units.set(row, column, covariance.at(row, column) / deviation(row - 1) / deviation(column - 1));
        }
        // Covariance of this slope with the intercept.
        let way: f64 = steps.iter().enumerate().map(|(k, step)| step * covariance.at(k + 1, row)).sum();
        units.set(0, row, (covariance.at(0, row) - way) / deviation(row - 1));
    }
    let way = |row: usize| steps.iter().enumerate().map(|(k, s)| s * covariance.at(k + 1, row)).sum::<f64>();
    let both: f64 = steps.iter().enumerate().map(|(k, step)| step * way(k + 1)).sum();
    units.set(0, 0, covariance.at(0, 0) - 2.0 * way(0) + both);
    let moved: f64 = steps.iter().zip(at.iter().skip(1)).map(|(step, slope)| step * slope).sum();
    if let Some((intercept, slopes)) = coefficients.split_first_mut() {
        *intercept -= moved;
        slopes.iter_mut().enumerate().for_each(|(column, slope)| *slope /= deviation(column));
    }
    Logistic { coefficients, covariance: units, log_likelihood, iterations }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fitted(columns: &[&[f64]], outcome: &[u8]) -> Result<Logistic, NoMaximum> {
        let columns: Vec<Vec<f64>> = columns.iter().map(|column| column.to_vec()).collect();
        let outcome: Vec<bool> = outcome.iter().map(|&holds| holds == 1).collect();
        fit(&Standardised::new(&columns).unwrap(), &outcome)
    }

    /// Beetles killed by carbon disulphide: A. J. Dobson, "An Introduction to Generalized Linear Models" (1990), section
    /// 8.4, data of C. I. Bliss (1935). Printed there: -60.717 (5.181) and 34.270 (2.912). Further digits by mpmath.
    #[test]
    fn agrees_with_a_published_fit() {
        let doses = [
            (1.6907, 59, 6),
            (1.7242, 60, 13),
            (1.7552, 62, 18),
            (1.7842, 56, 28),
            (1.8113, 63, 52),
            (1.8369, 59, 53),
            (1.8610, 62, 61),
            (1.8839, 60, 60),
        ];
        let (mut dose, mut killed) = (Vec::new(), Vec::new());
        for (of, beetles, dead) in doses {
            dose.extend(vec![of; beetles]);
            killed.extend((0..beetles).map(|beetle| beetle < dead));
        }
        let found = fit(&Standardised::new(&[dose]).unwrap(), &killed).unwrap();
        for (ours, truth) in [
            (found.coefficients[0], -60.717_454_561_635_415),
            (found.coefficients[1], 34.270_325_734_146_98),
            (found.covariance.at(0, 0).sqrt(), 5.180_711_463_340_803),
            (found.covariance.at(1, 1).sqrt(), 2.912_140_070_635_73),
            (found.log_likelihood, -186.235_403_271_768_37),
        ] {
            assert!((ours / truth - 1.0).abs() < 1e-11, "{ours} {truth}");
        }
        assert!(found.iterations < 10);
    }

    #[test]
    fn separation_is_seen_and_named() {
        let noise = [0.3, 1.2, 0.7, 0.1, 0.9, 0.4, 1.1, 0.6];
        let outcome = [0, 0, 0, 0, 1, 1, 1, 1];
        // Wholly by one predictor, but for a tie, and where all of one group are hit.
        for parting in [
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
            [1.0, 2.0, 3.0, 4.0, 4.0, 6.0, 7.0, 8.0],
            [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0],
        ] {
            let refused = fitted(&[&noise, &parting], &outcome).unwrap_err();
            assert_eq!(refused, NoMaximum::Separated(vec![1]), "{parting:?}");
        }
        // Neither alone, but their sum: above 10 the outcome holds, below it does not.
        let (one, other) =
            ([1.0, 9.0, 4.0, 2.0, 3.0, 10.0, 6.0, 5.0], [8.0, 0.0, 5.0, 2.0, 8.0, 1.0, 5.0, 7.0]);
        let refused = fitted(&[&noise, &one, &other], &outcome).unwrap_err();
        assert_eq!(refused, NoMaximum::Separated(vec![1, 2]));
        let refused = fitted(&[&one, &other], &outcome).unwrap_err();
        assert_eq!(refused, NoMaximum::Separated(vec![0, 1]));
    }

    #[test]
    fn what_is_parted_in_one_group_only_is_seen_and_named() {
        // Nobody of the third group was hit, and of the others some: neither flag parts them alone, both together do.
        let (mut first, mut second, mut noise, mut hit) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for row in 0..90_u32 {
            first.push(f64::from(u8::from(row % 3 == 0)));
            second.push(f64::from(u8::from(row % 3 == 1)));
            noise.push(f64::from(row * 37 % 11));
            hit.push(row % 3 != 2 && row % 2 == 0);
        }
        let columns = [noise.clone(), first.clone(), second.clone()];
        let refused = fit(&Standardised::new(&columns).unwrap(), &hit).unwrap_err();
        assert_eq!(refused, NoMaximum::Separated(vec![1, 2]));
        // One hit among them, and there is a maximum.
        hit[2] = true;
        assert!(fit(&Standardised::new(&columns).unwrap(), &hit).is_ok());
    }

    #[test]
    fn strong_effects_are_no_separation() {
        // 20,000 rows far from the border, and two on the wrong side.
        let x: Vec<f64> = (0..20_002_i32).map(|row| f64::from(row - 10_001) / 100.0).collect();
        let mut hit: Vec<bool> = x.iter().map(|&x| x > 0.0).collect();
        (hit[10_000], hit[10_003]) = (true, false);
        let found = fit(&Standardised::new(&[x]).unwrap(), &hit).unwrap();
        assert!(found.coefficients[1] > 10.0 && found.iterations < 40, "{found:?}");
    }

    /// Whether a line parts the points, but for those on it: then one through two of them does.
    fn is_parted(points: &[(i32, i32)], outcome: &[bool]) -> bool {
        let through = |&(x1, y1): &(i32, i32), &(x2, y2): &(i32, i32)| {
            let gains = points.iter().zip(outcome).map(|(&(x, y), &holds)| {
                let side = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1);
                if holds { side } else { -side }
            });
            (gains.clone().min(), gains.max())
        };
        points.iter().any(|one| {
            points.iter().any(
                |other| matches!(through(one, other), (Some(least), Some(most)) if least >= 0 && most > 0),
            )
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn there_is_a_maximum_just_where_no_line_parts_the_outcomes(
            rows in prop::collection::vec((-3_i32..=3, -3_i32..=3, any::<bool>()), 6..18),
        ) {
            let points: Vec<(i32, i32)> = rows.iter().map(|&(x, y, _)| (x, y)).collect();
            let outcome: Vec<bool> = rows.iter().map(|&(.., holds)| holds).collect();
            prop_assume!(outcome.contains(&true) && outcome.contains(&false));
            let column = |of: fn(&(i32, i32)) -> i32| points.iter().map(|point| f64::from(of(point))).collect::<Vec<_>>();
            let Ok(data) = Standardised::new(&[column(|point| point.0), column(|point| point.1)]) else { return Ok(()) };
            prop_assume!(data.correlations().dependent(1e-8).is_none());
            let found = fit(&data, &outcome);
            if is_parted(&points, &outcome) {
                prop_assert!(matches!(found, Err(NoMaximum::Separated(_))), "{found:?}");
            } else {
                prop_assert!(found.is_ok(), "{found:?}");
            }
        }
    }
}
