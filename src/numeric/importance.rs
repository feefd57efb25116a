//! How much of R² each predictor accounts for.

use super::least_squares::LEAST_OWN_VARIANCE;
use super::linear::Symmetric;

/// Beyond so many predictors there are too many subsets.
pub(crate) const MOST_FOR_LMG: usize = 12;

/// The parts of R² by Lindeman, Merenda and Gold: how much a predictor adds, averaged over all orders in which they
/// could be added. The outcome is the last column of the correlations; `None` where predictors are nearly dependent, and
/// where there are more than [`MOST_FOR_LMG`].
///
/// ```text
/// Σ over S without j of |S|! (p - 1 - |S|)! / p! (R²(S and j) - R²(S))
/// ```
///
/// # Cost
/// O(2^p p²), and a number for each of the 2^p subsets.
pub(crate) fn lmg(correlations: &Symmetric) -> Option<Vec<f64>> {
    let predictors = correlations.size().checked_sub(1)?;
    if predictors > MOST_FOR_LMG {
        return None;
    }
    let mut explained = vec![0.0; 1 << predictors];
    let mut subset = Subset { correlations, members: Vec::new(), rows: Vec::new(), parts: Vec::new() };
    subset.visit(0, 0.0, 0, &mut explained)?;
    let weights = weights(predictors);
    let part = |predictor: usize| -> f64 {
        let bit = 1_usize << predictor;
        let without = explained.iter().enumerate().filter(|(members, _)| members & bit == 0);
        without
            .map(|(members, before)| {
                let with = explained.get(members | bit).copied().unwrap_or(*before);
                weights.get(members.count_ones() as usize).copied().unwrap_or(0.0) * (with - before)
            })
            .sum()
    };
    Some((0..predictors).map(part).collect())
}

/// s! (p - 1 - s)! / p! for each size s of a subset.
fn weights(predictors: usize) -> Vec<f64> {
    let mut weights = Vec::with_capacity(predictors);
    // 1 / (p C(p - 1, s)), where the binomial coefficient is a whole number.
    let (mut choose, mut size) = (1_usize, 0_usize);
    while size < predictors {
        #[expect(clippy::cast_precision_loss, reason = "whole numbers up to 12 times 462")]
        weights.push(((predictors * choose) as f64).recip());
        choose = choose * (predictors - 1 - size) / (size + 1);
        size += 1;
    }
    weights
}

/// A subset of the predictors with the Cholesky factor of their correlations, which grows by a row with each member.
struct Subset<'a> {
    correlations: &'a Symmetric,
    members: Vec<usize>,
    rows: Vec<Vec<f64>>,
    /// The outcome in the coordinates of the factor: the squares are what each member adds to R².
    parts: Vec<f64>,
}

impl Subset<'_> {
    /// Notes R² of the subset and of all that come by adding predictors from `next` on.
    fn visit(&mut self, code: usize, explained: f64, next: usize, all: &mut [f64]) -> Option<()> {
        if let Some(place) = all.get_mut(code) {
            *place = explained;
        }
        let outcome = self.correlations.size() - 1;
        for predictor in next..outcome {
            let mut row: Vec<f64> = Vec::with_capacity(self.members.len() + 1);
            for (&member, factor) in self.members.iter().zip(&self.rows) {
                let dot: f64 = factor.iter().zip(&row).map(|(a, b)| a * b).sum();
                row.push((self.correlations.at(predictor, member) - dot) / factor.last()?);
            }
            let own = 1.0 - row.iter().map(|cell| cell * cell).sum::<f64>();
            if own <= LEAST_OWN_VARIANCE {
                return None;
            }
            let dot: f64 = row.iter().zip(&self.parts).map(|(a, b)| a * b).sum();
            let part = (self.correlations.at(predictor, outcome) - dot) / own.sqrt();
            row.push(own.sqrt());
            self.members.push(predictor);
            self.rows.push(row);
            self.parts.push(part);
            self.visit(code | 1 << predictor, explained + part * part, predictor + 1, all)?;
            self.members.pop();
            self.rows.pop();
            self.parts.pop();
        }
        Some(())
    }
}

/// The relative weights of Johnson: R² split over the uncorrelated columns that are closest to the predictors, and from
/// these to the predictors. Conventions and `None` as for [`lmg`], but for any number of predictors.
///
/// ```text
/// Λ = R^(1/2),  b = Λ⁻¹ r,  weight of j = Σ Λ_jk² b_k²
/// ```
///
/// # Cost
/// O(p³).
pub(crate) fn johnson(correlations: &Symmetric) -> Option<Vec<f64>> {
    let predictors = correlations.size().checked_sub(1)?;
    let among = Symmetric::from_upper(predictors, |row, column| correlations.at(row, column));
    if among.dependent(LEAST_OWN_VARIANCE).is_some() {
        return None;
    }
    let (root, inverse) = among.roots()?;
    let parts: Vec<f64> = (0..predictors)
        .map(|k| (0..predictors).map(|j| inverse.at(k, j) * correlations.at(j, predictors)).sum())
        .collect();
    let share = |j: usize, k: usize, part: f64| (root.at(j, k) * part) * (root.at(j, k) * part);
    Some(
        (0..predictors).map(|j| parts.iter().enumerate().map(|(k, &part)| share(j, k, part)).sum()).collect(),
    )
}

#[cfg(test)]
#[expect(clippy::excessive_precision, reason = "the references with the digits they were given")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Upper triangle without the diagonal of Agriculture, Examination, Education, Catholic, Infant.Mortality and, last,
    /// Fertility: computed with mpmath, 40 digits, from the data set `swiss` of R (F. Mosteller, J. W. Tukey, "Data
    /// Analysis and Regression", 1977).
    const SWISS: [&[f64]; 5] = [
        &[
            -0.686_542_208_617_136_46,
            -0.639_522_518_948_320_14,
            0.401_095_053_048_739_89,
            -0.060_858_608_416_581_638,
            0.353_079_183_619_974_76,
        ],
        &[
            0.698_415_296_288_482_85,
            -0.572_741_806_064_166_62,
            -0.114_021_596_482_033_52,
            -0.645_882_706_457_287_56,
        ],
        &[-0.153_858_917_090_914_8, -0.099_321_845_821_345_63, -0.663_788_857_035_069_17],
        &[0.175_495_907_596_622_91, 0.463_684_700_651_793_97],
        &[0.416_556_031_434_982_63],
    ];

    fn swiss() -> Symmetric {
        Symmetric::from_upper(6, |row, column| if row == column { 1.0 } else { SWISS[row][column - row - 1] })
    }

    /// The printed digits are those of R's relaimpo (U. Grömping, Journal of Statistical Software 17, 2006), the further
    /// ones of mpmath.
    #[test]
    fn agrees_with_the_published_parts_of_swiss() {
        let published = [
            (0.057_091_220_768_091_256, 0.048_416_895_811_900_6),
            (0.171_173_028_900_234_18, 0.154_708_249_806_160_01),
            (0.260_134_678_624_384_61, 0.271_964_104_645_998_98),
            (0.105_570_150_373_493_67, 0.114_680_029_947_561_38),
            (0.112_765_922_926_521_83, 0.116_965_721_381_104_57),
        ];
        let (lmg, johnson) = (lmg(&swiss()).unwrap(), johnson(&swiss()).unwrap());
        for ((one, other), (lmg, johnson)) in published.into_iter().zip(lmg.iter().zip(&johnson)) {
            assert!((lmg - one).abs() < 1e-15 && (johnson - other).abs() < 1e-14, "{lmg} {johnson}");
        }
        assert!((lmg.iter().sum::<f64>() - 0.706_735_001_592_725_55).abs() < 1e-15);
    }

    #[test]
    fn edges_are_defined() {
        let many = Symmetric::from_upper(14, |row, column| f64::from(u8::from(row == column)));
        assert_eq!(lmg(&many), None);
        assert_eq!(johnson(&many), Some(vec![0.0; 13]));
        let same =
            Symmetric::from_upper(3, |row, column| if row == column || column < 2 { 1.0 } else { 0.5 });
        assert_eq!((lmg(&same), johnson(&same)), (None, None));
    }

    proptest! {
        /// Of one predictor all, of uncorrelated ones each its own, and otherwise all of it.
        #[test]
        fn parts_sum_to_r_squared(cells in prop::collection::vec(-1.0_f64..1.0, 49), size in 1_usize..7) {
            let size = size + 1;
            // Correlations of rows of a random matrix, and a bit of their own for each.
            let product = |row: usize, column: usize| -> f64 {
                let dot: f64 = (0..7).map(|k| cells[row * 7 + k] * cells[column * 7 + k]).sum();
                dot + if row == column { 0.05 } else { 0.0 }
            };
            let correlation = |row: usize, column: usize| {
                if row == column { 1.0 } else { product(row, column) / (product(row, row) * product(column, column)).sqrt() }
            };
            let matrix = Symmetric::from_upper(size, correlation);
            let among = Symmetric::from_upper(size - 1, correlation);
            let with: Vec<f64> = (0..size - 1).map(|row| correlation(row, size - 1)).collect();
            let slopes = among.cholesky(0.0).unwrap().solve(with.clone());
            let r_squared: f64 = slopes.iter().zip(&with).map(|(a, b)| a * b).sum();
            for parts in [lmg(&matrix).unwrap(), johnson(&matrix).unwrap()] {
                prop_assert!((parts.iter().sum::<f64>() - r_squared).abs() < 1e-12);
                prop_assert!(parts.iter().all(|&part| part > -1e-15));
            }
        }
    }
}
