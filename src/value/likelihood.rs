use super::beta_geometric::BetaGeometric;
use super::distinct_rows::DistinctRows;
use crate::numeric::linear::Symmetric;
use std::borrow::Cow;

/// A model with parameters that data can tell: what fits, penalties, resampling and posteriors rest on.
///
/// What is known besides the parameters (the regularity k, the names of covariates) comes from `self`.
pub trait Likelihood: Clone {
    /// The sufficient statistics of the data.
    type Data;

    /// The name of the model in a saved fit; it never changes.
    const MODEL: &'static str;

    /// The names of the parameters that every model of this type has, in the order of the constructor.
    const NAMES: &'static [&'static str];

    /// How many customers the data hold.
    fn customers(data: &Self::Data) -> u64;

    /// The open range in which the best value of each parameter must lie.
    fn ranges(&self, data: &Self::Data) -> Vec<Bounds>;

    /// Where a search may begin, the best first.
    fn starts(&self, data: &Self::Data) -> Vec<Vec<f64>>;

    /// The parameters; those of [`NAMES`](Self::NAMES), then coefficients.
    fn parameters(&self) -> Vec<f64>;

    /// The name of each parameter.
    fn names(&self) -> Vec<Cow<'static, str>> {
        Self::NAMES.iter().map(|&name| Cow::Borrowed(name)).collect()
    }

    /// What each parameter is measured by.
    fn scales(&self) -> Vec<Scale> {
        vec![Scale::Logarithm; Self::NAMES.len()]
    }

    /// The limits of the model itself, up to which a prior may lead a parameter of [`NAMES`](Self::NAMES).
    fn limits() -> Vec<Bounds> {
        vec![Bounds { lower: 2e-30, upper: 5e29 }; Self::NAMES.len()]
    }

    /// The same model with other parameters; `None` where they are none.
    fn with_parameters(&self, parameters: &[f64]) -> Option<Self>;

    /// The log-likelihood of the data with its first and second derivatives in the parameters.
    fn slopes(&self, data: &Self::Data) -> Slopes;

    /// As [`slopes`](Self::slopes) without the second derivatives: what a sampler asks for.
    #[cfg(feature = "bayes")]
    fn gradient(&self, data: &Self::Data) -> Gradient {
        self.slopes(data).into()
    }
}

/// What differences of a parameter are measured by, in a search and elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// The parameter is positive, and its logarithm counts.
    Logarithm,
    /// The parameter itself counts, and may be negative.
    Linear,
}

/// An open range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub(super) lower: f64,
    pub(super) upper: f64,
}

/// The log-likelihood with its derivatives in the parameters themselves.
#[derive(Clone, Debug)]
pub struct Slopes {
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
    pub(super) hessian: Symmetric,
}

impl Slopes {
    /// What a likelihood says where it has no value.
    pub(super) fn nowhere() -> Self {
        Self { value: f64::NAN, gradient: Vec::new(), hessian: Symmetric::zeros(0) }
    }
}

/// The mean time between purchases, as if nobody had left; something like it where nobody came back.
pub(super) fn pace(rows: &DistinctRows) -> f64 {
    let pace = rows.total_age / rows.total_frequency.max(1.0);
    if pace > 0.0 { pace } else { 1.0 }
}

/// The log-likelihood with its first derivatives in the parameters themselves.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    not(feature = "bayes"),
    expect(unreachable_pub, reason = "a trait shows it where the feature is on")
)]
pub struct Gradient {
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
}

#[cfg(feature = "bayes")]
impl From<Slopes> for Gradient {
    fn from(slopes: Slopes) -> Self {
        Self { value: slopes.value, gradient: slopes.gradient }
    }
}

/// A model in which customers leave right after a purchase.
pub trait LeavesAfterPurchase: Clone {
    const MODEL: &'static str;

    fn family(&self) -> BetaGeometric;

    fn of_family(family: &BetaGeometric) -> Option<Self>;
}

impl<M: LeavesAfterPurchase> Likelihood for M {
    type Data = DistinctRows;

    const MODEL: &'static str = <M as LeavesAfterPurchase>::MODEL;
    const NAMES: &'static [&'static str] = &["r", "alpha", "a", "b"];

    fn customers(data: &DistinctRows) -> u64 {
        data.customers
    }

    fn ranges(&self, data: &DistinctRows) -> Vec<Bounds> {
        BetaGeometric::ranges(data)
    }

    fn starts(&self, data: &DistinctRows) -> Vec<Vec<f64>> {
        self.family().starts(data)
    }

    fn parameters(&self) -> Vec<f64> {
        let BetaGeometric { r, alpha, a, b, .. } = self.family();
        vec![r, alpha, a, b]
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let &[r, alpha, a, b] = parameters else { return None };
        Self::of_family(&BetaGeometric { r, alpha, a, b, ..self.family() })
    }

    fn slopes(&self, data: &DistinctRows) -> Slopes {
        self.family().slopes(data)
    }

    #[cfg(feature = "bayes")]
    fn gradient(&self, data: &DistinctRows) -> Gradient {
        self.family().gradient(data)
    }
}
