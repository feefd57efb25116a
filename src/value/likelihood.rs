use super::beta_geometric::BetaGeometric;
use super::distinct_rows::DistinctRows;
use crate::numeric::linear::Symmetric;

/// A model with parameters that data can tell: what fits, penalties, resampling and posteriors rest on.
///
/// What is known besides the parameters (the regularity k) comes from `self`.
pub trait Likelihood: Clone {
    /// The sufficient statistics of the data.
    type Data;

    /// The names of the parameters, in the order of the constructor.
    const NAMES: &'static [&'static str];

    /// How many customers the data hold.
    fn customers(data: &Self::Data) -> u64;

    /// The open range in which the best value of each parameter must lie.
    fn ranges(&self, data: &Self::Data) -> Vec<Bounds>;

    /// Where a search may begin, the best first.
    fn starts(&self, data: &Self::Data) -> Vec<Vec<f64>>;

    /// The parameters, all positive.
    fn parameters(&self) -> Vec<f64>;

    /// The same model with other parameters; `None` where they are none.
    fn with_parameters(&self, parameters: &[f64]) -> Option<Self>;

    /// The log-likelihood of the data with its first and second derivatives in the parameters.
    fn slopes(&self, data: &Self::Data) -> Slopes;
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

/// A model in which customers leave right after a purchase.
pub trait LeavesAfterPurchase: Clone {
    fn family(&self) -> BetaGeometric;

    fn of_family(family: &BetaGeometric) -> Option<Self>;
}

impl<M: LeavesAfterPurchase> Likelihood for M {
    type Data = DistinctRows;

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
}
