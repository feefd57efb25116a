use super::ValueError;
use super::chunked_sum::chunked_sum;
use crate::numeric::proportion;
use crate::validation::ValidationError;

/// Whether one model explains customers better than another beyond chance, though neither is a case of the other: a
/// paired test over the customers.
///
/// Give it the log-likelihoods of each customer under both models, or any other score of both (the logarithm of how
/// likely their later purchases were, or minus the squared error of a forecast).
///
/// # Formula
/// ```text
/// z = (sum of d - (p1 - p2) / 2 ln n) / (sqrt n s),  p = P(|normal| >= |z|)
/// ```
/// with d the first score less the second of each of n customers, s their standard deviation, and p1, p2 the sizes of the
/// models (Schwarz's correction for what parameters explain by chance). Where the scores do not differ but for their
/// rounding nothing is known: p = 1. For two models that overlap, such as two in which customers leave in other ways, the test is
/// conservative where neither leaving is needed.
///
/// # Example
/// ```
/// use patronage::value::Vuong;
///
/// let scores = [(-4.1, -4.6), (-0.5, -0.4), (-9.0, -9.9), (-1.2, -1.6), (-0.5, -0.7)];
/// let test = Vuong::of(scores, 4, 4)?;
/// assert_eq!(format!("{:.1} {:.3} {:.4}", test.difference(), test.z(), test.p_value()), "1.9 2.567 0.0103");
/// # Ok::<(), patronage::value::ValueError>(())
/// ```
///
/// Source: Q. Vuong, "Likelihood ratio tests for model selection and non-nested hypotheses", Econometrica 57 (1989).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vuong {
    difference: f64,
    z: f64,
    p_value: f64,
    n: u64,
}

/// What two ways to work out the same score may differ by.
const ROUNDING: f64 = 1e-13;

impl Vuong {
    /// Tests pairs of scores, one for each customer, of models with so many parameters (0 and 0 where the scores are of
    /// data that neither was fitted to).
    ///
    /// # Errors
    /// [`ValueError::NoRows`], or [`ValueError::Row`] for the first score that is not finite.
    ///
    /// # Cost
    /// 8 bytes for each customer.
    pub fn of(
        scores: impl IntoIterator<Item = (f64, f64)>,
        parameters: u32,
        other_parameters: u32,
    ) -> Result<Self, ValueError> {
        let (mut differences, mut largest) = (Vec::new(), 0.0_f64);
        for (row, (one, other)) in scores.into_iter().enumerate() {
            let difference = one - other;
            if !difference.is_finite() {
                let rule = ValidationError::new("score", "must be finite", format!("{one} and {other}"));
                return Err(ValueError::Row { row, rule });
            }
            differences.push(difference);
            largest = largest.max(one.abs());
        }
        if differences.is_empty() {
            return Err(ValueError::NoRows);
        }
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
        let n = differences.len() as f64;
        let difference = chunked_sum(differences.iter().copied());
        let mean = difference / n;
        let square =
            chunked_sum(differences.iter().map(|difference| (difference - mean) * (difference - mean)));
        let correction = 0.5 * (f64::from(parameters) - f64::from(other_parameters)) * libm::log(n);
        // sqrt(n) s, where s^2 = square / n.
        let spread = square.sqrt();
        let differ = spread > ROUNDING * largest * n.sqrt();
        let z = if differ { (difference - correction) / spread } else { 0.0 };
        let z = if z.is_finite() { z } else { 0.0 };
        let count = u64::try_from(differences.len()).unwrap_or(u64::MAX);
        Ok(Self { difference, z, p_value: proportion::two_sided_p(z), n: count })
    }

    /// The same test with the two in the other order.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { difference: -self.difference, z: -self.z, ..self }
    }

    /// The sum of the first scores less that of the second.
    pub const fn difference(&self) -> f64 {
        self.difference
    }

    /// The difference, corrected for the parameters, in standard deviations: above 0 where the first is better.
    pub const fn z(&self) -> f64 {
        self.z
    }

    /// How likely a difference at least as large, on either side, is by chance if both are equally good.
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// How many customers there are.
    pub const fn n(&self) -> u64 {
        self.n
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::split_mix::SplitMix;

    #[test]
    fn the_sign_follows_the_order() {
        let scores = [(-4.1, -4.6), (-0.5, -0.4), (-9.0, -9.9)];
        let one = Vuong::of(scores, 2, 4).unwrap();
        let other = Vuong::of(scores.map(|(a, b)| (b, a)), 4, 2).unwrap();
        assert!(one.z() > 0.0 && (one.z() + other.z()).abs() < 1e-15);
        assert_eq!((one.p_value(), one.n()), (other.p_value(), 3));
        // Fewer parameters are worth ln(n) / 2 each.
        assert!(one.z() > Vuong::of(scores, 4, 4).unwrap().z());
    }

    #[test]
    fn equal_scores_tell_nothing() {
        let same = Vuong::of([(-1.0, -1.0), (-2.0, -2.0)], 4, 5).unwrap();
        assert_eq!((same.difference(), same.z(), same.p_value()), (0.0, 0.0, 1.0));
        assert_eq!(Vuong::of([], 1, 1), Err(ValueError::NoRows));
        for wrong in [f64::NAN, f64::NEG_INFINITY] {
            let refused = Vuong::of([(-1.0, -1.0), (wrong, -2.0)], 1, 1).unwrap_err();
            assert!(matches!(refused, ValueError::Row { row: 1, .. }), "{refused}");
        }
    }

    #[test]
    fn finds_nothing_as_often_as_it_should() {
        let mut random = SplitMix::new(11);
        let mut number = || f64::from(u32::try_from(random.below(1 << 20)).unwrap());
        let mut found = 0;
        for _ in 0..2000 {
            let scores: Vec<(f64, f64)> = (0..200).map(|_| (number(), number())).collect();
            found += u32::from(Vuong::of(scores, 0, 0).unwrap().p_value() < 0.05);
        }
        // 5 % of 2,000 is 100, give or take 20 by chance.
        assert!((70..135).contains(&found), "{found}");
    }
}
