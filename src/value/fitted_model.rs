use super::living::Living;
use super::model::sealed::Sealed;
use super::{
    BgCnbd, BgNbd, Buyer, Buyers, Discount, Fit, Horizon, MbgCnbd, MbgNbd, ModelKind, Nbd, Parameter,
    ParetoNbd, PurchaseModel, ValueError,
};

/// A fit of any of the models, for programs that use whichever is best: it answers all that a [`PurchaseModel`] does.
///
/// # Example
/// ```
/// use patronage::value::{BgNbd, Buyers, FittedModel, ModelKind, PurchaseModel};
///
/// let buyers = Buyers::new(
///     &[0, 2, 1, 0, 5, 0, 1, 9],
///     &[0.0, 30.0, 2.0, 0.0, 20.0, 0.0, 30.0, 38.0],
///     &[38.0, 39.0, 37.0, 39.0, 38.0, 39.0, 39.0, 39.0],
/// )?;
/// let fit = BgNbd::fit(buyers.iter())?;
/// let any = FittedModel::from(fit.clone());
/// assert_eq!((any.kind(), any.parameters().len()), (ModelKind::BgNbd, 4));
/// assert!(any.p_alive_each(buyers.iter()).eq(fit.model().p_alive_each(buyers.iter())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FittedModel {
    /// [`Nbd`].
    Nbd(Fit<Nbd>),
    /// [`BgNbd`].
    BgNbd(Fit<BgNbd>),
    /// [`MbgNbd`].
    MbgNbd(Fit<MbgNbd>),
    /// [`ParetoNbd`].
    ParetoNbd(Fit<ParetoNbd>),
    /// [`BgCnbd`].
    BgCnbd(Fit<BgCnbd>),
    /// [`MbgCnbd`].
    MbgCnbd(Fit<MbgCnbd>),
}

/// Asks whichever fit there is.
macro_rules! of_fit {
    ($any:expr, $fit:ident => $answer:expr) => {
        match $any {
            FittedModel::Nbd($fit) => $answer,
            FittedModel::BgNbd($fit) => $answer,
            FittedModel::MbgNbd($fit) => $answer,
            FittedModel::ParetoNbd($fit) => $answer,
            FittedModel::BgCnbd($fit) => $answer,
            FittedModel::MbgCnbd($fit) => $answer,
        }
    };
}

impl FittedModel {
    /// Which model it is.
    pub const fn kind(&self) -> ModelKind {
        match self {
            Self::Nbd(_) => ModelKind::Nbd,
            Self::BgNbd(_) => ModelKind::BgNbd,
            Self::MbgNbd(_) => ModelKind::MbgNbd,
            Self::ParetoNbd(_) => ModelKind::ParetoNbd,
            Self::BgCnbd(_) => ModelKind::BgCnbd,
            Self::MbgCnbd(_) => ModelKind::MbgCnbd,
        }
    }

    /// The log-likelihood of all customers it was fitted to.
    pub const fn total_log_likelihood(&self) -> f64 {
        of_fit!(self, fit => fit.log_likelihood())
    }

    /// The parameters in the order of the model's constructor; without the regularity k.
    pub fn parameters(&self) -> &[Parameter] {
        of_fit!(self, fit => fit.parameters())
    }

    /// The regularity of purchases: 1 where they come at random.
    pub const fn regularity(&self) -> u32 {
        match self {
            Self::BgCnbd(fit) => fit.model().k(),
            Self::MbgCnbd(fit) => fit.model().k(),
            Self::Nbd(_) | Self::BgNbd(_) | Self::MbgNbd(_) | Self::ParetoNbd(_) => 1,
        }
    }

    /// How many customers the fit rests on.
    pub const fn customers(&self) -> u64 {
        of_fit!(self, fit => fit.customers())
    }
}

macro_rules! kinds {
    ($($model:ident),+) => {
        $(
            impl From<Fit<$model>> for FittedModel {
                fn from(fit: Fit<$model>) -> Self {
                    Self::$model(fit)
                }
            }
        )+
    };
}

kinds!(Nbd, BgNbd, MbgNbd, ParetoNbd, BgCnbd, MbgCnbd);

impl Sealed for FittedModel {
    fn ln_odds_gone(&self, buyer: Buyer) -> f64 {
        of_fit!(self, fit => fit.model().ln_odds_gone(buyer))
    }

    fn living(&self, buyer: Buyer) -> Living {
        of_fit!(self, fit => fit.model().living(buyer))
    }
}

impl PurchaseModel for FittedModel {
    fn log_likelihood(&self, buyer: Buyer) -> f64 {
        of_fit!(self, fit => fit.model().log_likelihood(buyer))
    }

    fn p_alive(&self, buyer: Buyer) -> f64 {
        of_fit!(self, fit => fit.model().p_alive(buyer))
    }

    fn expected_purchases(&self, buyer: Buyer, horizon: Horizon) -> f64 {
        of_fit!(self, fit => fit.model().expected_purchases(buyer, horizon))
    }

    fn discounted_purchases(&self, buyer: Buyer, horizon: Horizon, discount: Discount) -> f64 {
        of_fit!(self, fit => fit.model().discounted_purchases(buyer, horizon, discount))
    }

    fn log_likelihood_into(&self, buyers: Buyers<'_>, out: &mut [f64]) -> Result<(), ValueError> {
        of_fit!(self, fit => fit.model().log_likelihood_into(buyers, out))
    }

    fn p_alive_into(&self, buyers: Buyers<'_>, out: &mut [f64]) -> Result<(), ValueError> {
        of_fit!(self, fit => fit.model().p_alive_into(buyers, out))
    }

    fn expected_purchases_into(
        &self,
        buyers: Buyers<'_>,
        horizon: Horizon,
        out: &mut [f64],
    ) -> Result<(), ValueError> {
        of_fit!(self, fit => fit.model().expected_purchases_into(buyers, horizon, out))
    }

    fn discounted_purchases_into(
        &self,
        buyers: Buyers<'_>,
        horizon: Horizon,
        discount: Discount,
        out: &mut [f64],
    ) -> Result<(), ValueError> {
        of_fit!(self, fit => fit.model().discounted_purchases_into(buyers, horizon, discount, out))
    }
}
