use super::{BgCnbd, BgNbd, Fit, FitError, FittedModel, MbgCnbd, MbgNbd, ModelKind, Nbd, ParetoNbd};

/// A model that may be used: its fit, or why there is none.
///
/// # Example
/// ```
/// use patronage::value::{Buyer, Candidate, FitError, ModelKind, ParetoNbd};
///
/// let candidate = Candidate::from(ParetoNbd::fit([Buyer::NEW]));
/// assert_eq!(candidate.kind(), ModelKind::ParetoNbd);
/// assert_eq!(candidate.fit(), Err(&FitError::NoRepeatPurchases { customers: 1 }));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    kind: ModelKind,
    fit: Result<FittedModel, FitError>,
}

impl Candidate {
    /// Which model it is.
    pub const fn kind(&self) -> ModelKind {
        self.kind
    }

    /// The fit, or why there is none.
    ///
    /// # Errors
    /// That of the fit.
    pub const fn fit(&self) -> Result<&FittedModel, &FitError> {
        self.fit.as_ref()
    }
}

macro_rules! kinds {
    ($($model:ident),+) => {
        $(
            impl From<Result<Fit<$model>, FitError>> for Candidate {
                fn from(fit: Result<Fit<$model>, FitError>) -> Self {
                    Self { kind: ModelKind::$model, fit: fit.map(FittedModel::$model) }
                }
            }
        )+
    };
}

kinds!(Nbd, BgNbd, MbgNbd, ParetoNbd, BgCnbd, MbgCnbd);
