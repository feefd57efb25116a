use super::{BgCnbd, BgNbd, Fit, MbgCnbd, MbgNbd, Nbd, ParetoNbd, ValueError};
use crate::numeric::chi_square;
use crate::validation::ValidationError;

/// Whether a model needs all it has: the likelihood-ratio test of a simpler model within a more general one, fitted to the
/// same customers.
///
/// # Formula
/// ```text
/// statistic = 2 (ln L general - ln L simple),  p = P(chi-square with as many degrees as parameters were added >= statistic)
/// ```
///
/// # Where the p-value holds
/// It holds, for many customers, where the simple model is a point inside the general one. That is not so
/// ([`is_regular`](Self::is_regular) is false) for
/// - [`Nbd`] within a model in which customers leave: nobody leaving is an edge of it (a or s at 0), where the other
///   parameter of leaving means nothing. The test then finds too little: of 500 simulated sets of 1,000 customers who
///   never leave, 1 came out below 0.05 for BG/NBD and 6 for MBG/NBD, instead of 25.
/// - [`BgNbd`] within [`BgCnbd`], [`MbgNbd`] within [`MbgCnbd`]: the regularity k is a whole number.
///
/// A small p-value is evidence in these cases too; a large one is less of a reason for the simpler model than
/// [`Fit::bic`] is.
///
/// # Example
/// ```
/// use patronage::value::LikelihoodRatio;
///
/// // NBD within Pareto/NBD, fitted to CDNOW.
/// let test = LikelihoodRatio::new(-9763.657615, -9594.97617894, 2)?;
/// assert_eq!(format!("{:.4} {:.3e}", test.statistic(), test.p_value()), "337.3629 5.528e-74");
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: S. Wilks, "The large-sample distribution of the likelihood ratio for testing composite hypotheses", Annals of
/// Mathematical Statistics 9 (1938); S. Self, K. Liang, "Asymptotic properties of maximum likelihood estimators and
/// likelihood ratio tests under nonstandard conditions", JASA 82 (1987).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LikelihoodRatio {
    statistic: f64,
    degrees: u32,
    p_value: f64,
    regular: bool,
}

/// A simpler model that is a special or limiting case of a more general one. Sealed by what it is implemented for.
pub trait NestedIn<General>: Sized {
    /// How many numbers the general model adds.
    const DEGREES: u32;

    /// Whether the simple model is a point inside the general one.
    const REGULAR: bool;
}

impl NestedIn<BgNbd> for Nbd {
    const DEGREES: u32 = 2;
    const REGULAR: bool = false;
}

impl NestedIn<MbgNbd> for Nbd {
    const DEGREES: u32 = 2;
    const REGULAR: bool = false;
}

impl NestedIn<ParetoNbd> for Nbd {
    const DEGREES: u32 = 2;
    const REGULAR: bool = false;
}

impl NestedIn<BgCnbd> for Nbd {
    const DEGREES: u32 = 3;
    const REGULAR: bool = false;
}

impl NestedIn<MbgCnbd> for Nbd {
    const DEGREES: u32 = 3;
    const REGULAR: bool = false;
}

impl NestedIn<BgCnbd> for BgNbd {
    const DEGREES: u32 = 1;
    const REGULAR: bool = false;
}

impl NestedIn<MbgCnbd> for MbgNbd {
    const DEGREES: u32 = 1;
    const REGULAR: bool = false;
}

/// What the rounding of a sum may take from the better fit.
const BLUR: f64 = 1e-9;

impl LikelihoodRatio {
    /// Tests two fits. Only pairs of which the first is a case of the second compile.
    ///
    /// # Errors
    /// [`ValueError::OtherCustomers`] is for [`Comparison`](super::Comparison); here a difference in the number of
    /// customers, or a general model that fits worse than the simple one (one of them has not been fitted to these data
    /// by maximum likelihood), is a [`ValueError::Argument`].
    pub fn of<S: NestedIn<G>, G>(simple: &Fit<S>, general: &Fit<G>) -> Result<Self, ValueError> {
        if simple.customers() != general.customers() {
            let rule = "must be fitted to the same customers";
            let counts = format!("{} and {}", simple.customers(), general.customers());
            return Err(ValidationError::new("likelihood_ratio.customers", rule, counts).into());
        }
        let test = Self::new(simple.log_likelihood(), general.log_likelihood(), S::DEGREES)?;
        Ok(Self { regular: S::REGULAR, ..test })
    }

    /// Tests two log-likelihoods of the same data, of which the first is that of a point inside the general model with
    /// `degrees` more parameters.
    ///
    /// # Errors
    /// [`ValidationError`] when one is not finite, the general one is the lower (beyond its rounding), or there are no
    /// degrees.
    pub fn new(simple: f64, general: f64, degrees: u32) -> Result<Self, ValidationError> {
        for (field, number) in [("likelihood_ratio.simple", simple), ("likelihood_ratio.general", general)] {
            if !number.is_finite() {
                return Err(ValidationError::new(field, "must be finite", number));
            }
        }
        if degrees == 0 {
            return Err(ValidationError::new("likelihood_ratio.degrees", "must be 1 or more", degrees));
        }
        let gain = general - simple;
        if gain < -BLUR * (1.0 + simple.abs()) {
            let rule = "must not be below that of the simple model";
            return Err(ValidationError::new("likelihood_ratio.general", rule, general));
        }
        let statistic = 2.0 * gain.max(0.0);
        let p_value = chi_square::upper_tail(statistic, degrees);
        Ok(Self { statistic, degrees, p_value, regular: true })
    }

    /// The same with a p-value that is only a guide.
    pub(super) fn irregular(self) -> Self {
        Self { regular: false, ..self }
    }

    /// Twice the gain of log-likelihood, 0 or more.
    pub const fn statistic(&self) -> f64 {
        self.statistic
    }

    /// How many parameters the general model adds.
    pub const fn degrees(&self) -> u32 {
        self.degrees
    }

    /// How likely a gain at least as large is by chance, if the simple model is true.
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// Whether the p-value is exact for many customers; else it is a guide.
    pub const fn is_regular(&self) -> bool {
        self.regular
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_nested() {
        assert!(LikelihoodRatio::new(-10.0, -10.1, 2).is_err());
        assert!(LikelihoodRatio::new(-10.0, -9.0, 0).is_err());
        for wrong in [f64::NAN, f64::NEG_INFINITY, f64::INFINITY] {
            assert!(
                LikelihoodRatio::new(wrong, -9.0, 1).is_err()
                    && LikelihoodRatio::new(-9.0, wrong, 1).is_err()
            );
        }
        let equal = LikelihoodRatio::new(-1e4, -1e4 - 1e-8, 1).unwrap();
        assert_eq!((equal.statistic().to_bits(), equal.p_value().to_bits()), (0, 1_f64.to_bits()));
        assert!(equal.is_regular() && !equal.irregular().is_regular());
    }
}
