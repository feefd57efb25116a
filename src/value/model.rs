use super::doors::{doors, each, fill};
use super::{Buyer, Buyers, Discount, Horizon, ValueError};
use crate::numeric::dropout_series::{Afresh, Memory, Sums};

pub(super) mod sealed {
    use super::super::Buyer;
    use super::super::living::Living;

    /// What the forecasts of every model rest on.
    pub trait Sealed {
        /// The logarithm of the odds of having left; minus infinity where nobody can have.
        fn ln_odds_gone(&self, buyer: Buyer) -> f64;

        /// What the customer does from now on who has not left.
        fn living(&self, buyer: Buyer) -> Living;
    }
}

/// What every model of buying answers about a customer, through three doors that agree to the last bit: one row, an
/// iterator of rows (`_each`), and columns into a buffer of the caller (`_into`), which allocates nothing.
///
/// Times are in the unit of the fit. Sealed: models are added here.
///
/// # Example
/// ```
/// use patronage::value::{BgNbd, Buyer, Buyers, Horizon, PurchaseModel};
///
/// // Fitted to weeks of CDNOW purchases.
/// let model = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
/// let buyer = Buyer::new(2, 30.43, 38.86)?;
/// assert_eq!(format!("{:.6}", model.p_alive(buyer)), "0.726579");
///
/// let next_39_weeks = Horizon::new(39.0)?;
/// let buyers = Buyers::new(&[2, 1], &[30.43, 1.71], &[38.86, 38.86])?;
/// let mut expected = [0.0; 2];
/// model.expected_purchases_into(buyers, next_39_weeks, &mut expected)?;
/// assert_eq!(format!("{:.4} {:.4}", expected[0], expected[1]), "1.2260 0.2032");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait PurchaseModel: sealed::Sealed {
    /// The logarithm of how likely the history of a customer is.
    ///
    /// # Returns
    /// A finite number, in the unit of the fit (one over it for each repeat purchase).
    fn log_likelihood(&self, buyer: Buyer) -> f64;

    /// How likely it is that a customer is still one, and has not silently left.
    ///
    /// # Returns
    /// 0 to 1.
    fn p_alive(&self, buyer: Buyer) -> f64;

    /// How many purchases a customer is expected to make within the horizon from now.
    ///
    /// # Returns
    /// 0 or more; P(alive) is taken into account.
    fn expected_purchases(&self, buyer: Buyer, horizon: Horizon) -> f64;

    /// How many repeat purchases someone who has just bought for the first time is expected to make within the
    /// horizon.
    fn expected_purchases_new(&self, horizon: Horizon) -> f64 {
        self.expected_purchases(Buyer::NEW, horizon)
    }

    /// How many purchases a customer is expected to make within the horizon, later ones counting less.
    ///
    /// # Formula
    /// ```text
    /// integral of e^(-d t) dE(t) over 0..H = e^(-d H) E(H) + integral of d e^(-d t) E(t) dt
    /// ```
    /// with E(t) the expected purchases until t. The discount is continuous: it counts every purchase at its own time
    /// and not at the end of a month, as monthly tables do. The error is below 1e-9 of the result (1e-7 in a model of
    /// regular purchases); below 1e-11 where d H is at most 3.5, the horizon at most 30 times alpha + age (beta + age in the
    /// Pareto/NBD model), and the terms of the series do not cancel, which they never do where a + b is above 1 + r.
    ///
    /// # Cost
    /// There a power series, otherwise (and in a model of regular purchases) 9 to 17 evaluations of the
    /// expected purchases for each of a few panels of time. Columns share the coefficients of the series, which makes
    /// them quicker.
    fn discounted_purchases(&self, buyer: Buyer, horizon: Horizon, discount: Discount) -> f64 {
        let (length, rate) = (horizon.length(), discount.rate());
        self.p_alive(buyer) * self.living(buyer).discounted(length, rate, &mut Afresh)
    }

    /// [`p_alive`](Self::p_alive) and [`expected_purchases`](Self::expected_purchases) at once, which is quicker.
    fn score(&self, buyer: Buyer, horizon: Horizon) -> PurchaseScore {
        score(self, buyer, horizon, &mut Afresh)
    }

    doors! {
        log_likelihood, log_likelihood_each, log_likelihood_into();
        p_alive, p_alive_each, p_alive_into();
        => Buyer, Buyers<'_>, each, fill, where Self: Sized
    }

    /// [`expected_purchases`](Self::expected_purchases) of many.
    fn expected_purchases_each(
        &self,
        buyers: impl IntoIterator<Item = Buyer>,
        horizon: Horizon,
    ) -> impl Iterator<Item = f64>
    where
        Self: Sized,
    {
        buyers.into_iter().map(move |buyer| self.expected_purchases(buyer, horizon))
    }

    /// [`score`](Self::score) of many.
    fn score_each(
        &self,
        buyers: impl IntoIterator<Item = Buyer>,
        horizon: Horizon,
    ) -> impl Iterator<Item = PurchaseScore>
    where
        Self: Sized,
    {
        buyers.into_iter().map(move |buyer| self.score(buyer, horizon))
    }

    /// [`discounted_purchases`](Self::discounted_purchases) of many.
    fn discounted_purchases_each(
        &self,
        buyers: impl IntoIterator<Item = Buyer>,
        horizon: Horizon,
        discount: Discount,
    ) -> impl Iterator<Item = f64>
    where
        Self: Sized,
    {
        buyers.into_iter().map(move |buyer| self.discounted_purchases(buyer, horizon, discount))
    }

    /// [`expected_purchases`](Self::expected_purchases) of columns into `out`.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`] when `out` has another length than the columns.
    fn expected_purchases_into(
        &self,
        buyers: Buyers<'_>,
        horizon: Horizon,
        out: &mut [f64],
    ) -> Result<(), ValueError> {
        let mut memory = Memory::new();
        buyers.fits("out", out.len())?;
        fill(buyers.iter(), out, |buyer| {
            score(self, buyer, horizon, &mut memory.of(buyer.frequency())).expected_purchases
        });
        Ok(())
    }

    /// [`score`](Self::score) of columns into two columns.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`] when `p_alive` or `expected_purchases` has another length than the columns.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{BgNbd, Buyers, Horizon, PurchaseModel};
    ///
    /// let model = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
    /// let buyers = Buyers::new(&[2, 1], &[30.43, 1.71], &[38.86, 38.86])?;
    /// let (mut p_alive, mut expected) = ([0.0; 2], [0.0; 2]);
    /// model.score_into(buyers, Horizon::new(39.0)?, &mut p_alive, &mut expected)?;
    /// assert_eq!(format!("{:.4} {:.4}", p_alive[1], expected[1]), "0.2121 0.2032");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn score_into(
        &self,
        buyers: Buyers<'_>,
        horizon: Horizon,
        p_alive: &mut [f64],
        expected_purchases: &mut [f64],
    ) -> Result<(), ValueError> {
        buyers.fits("p_alive", p_alive.len())?;
        buyers.fits("expected_purchases", expected_purchases.len())?;
        let mut memory = Memory::new();
        for ((p_alive, expected), buyer) in p_alive.iter_mut().zip(expected_purchases).zip(buyers.iter()) {
            let found = score(self, buyer, horizon, &mut memory.of(buyer.frequency()));
            (*p_alive, *expected) = (found.p_alive, found.expected_purchases);
        }
        Ok(())
    }

    /// [`discounted_purchases`](Self::discounted_purchases) of columns into `out`.
    ///
    /// # Errors
    /// [`ValueError::ColumnLength`] when `out` has another length than the columns.
    fn discounted_purchases_into(
        &self,
        buyers: Buyers<'_>,
        horizon: Horizon,
        discount: Discount,
        out: &mut [f64],
    ) -> Result<(), ValueError> {
        let mut memory = Memory::new();
        buyers.fits("out", out.len())?;
        fill(buyers.iter(), out, |buyer| {
            let sums = &mut memory.of(buyer.frequency());
            self.p_alive(buyer) * self.living(buyer).discounted(horizon.length(), discount.rate(), sums)
        });
        Ok(())
    }
}

/// How likely a customer is still one, and what they will then buy.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PurchaseScore {
    /// P(alive), 0 to 1.
    pub p_alive: f64,
    /// The expected purchases within the horizon, 0 or more; P(alive) is taken into account.
    pub expected_purchases: f64,
}

fn score(
    model: &(impl PurchaseModel + ?Sized),
    buyer: Buyer,
    horizon: Horizon,
    sums: &mut impl Sums,
) -> PurchaseScore {
    let p_alive = model.p_alive(buyer);
    let living = model.living(buyer).expected(horizon.length(), sums);
    PurchaseScore { p_alive, expected_purchases: p_alive * living }
}
