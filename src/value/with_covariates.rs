#[cfg(test)]
mod tests;

use super::covariate_rows::{self, CovariateRows};
use super::covariates::check_names;
use super::distinct_rows::DistinctRows;
use super::fit::fit_with_priors;
use super::likelihood::{Bounds, Likelihood, Scale, Slopes};
use super::{Buyer, CovariateBuyers, Covariates, Fit, FitError, Priors, ValueError};
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A model in which what is known of a customer bears on how often they buy and on when they leave: the Pareto/NBD and
/// BG/NBD models with covariates that do not change with time.
///
/// A customer with covariates x and z buys and leaves by the plain model with parameters of their own, from which all
/// answers come ([`for_customer`](Self::for_customer)):
///
/// | model | buying | leaving |
/// |---|---|---|
/// | [`ParetoNbd`](super::ParetoNbd) | alpha e^(-gamma' x) | beta e^(-delta' z) |
/// | [`BgNbd`](super::BgNbd) | alpha e^(-gamma' x) | a e^(delta' z), b e^(delta' z) |
///
/// with gamma and delta the coefficients of [`transaction`](Self::transaction) and [`lifetime`](Self::lifetime). A
/// covariate that is larger by 1 multiplies the mean rate of buying by e^gamma and, in the Pareto/NBD model, that of
/// leaving by e^delta. In the BG/NBD model the mean probability of leaving, a / (a + b), is the same for all by this
/// form, which is that of the literature; the covariates only bear on how much customers differ in it.
///
/// # Example
/// ```
/// use patronage::value::{Horizon, ParetoNbd, PurchaseModel, WithCovariates};
///
/// let women_on_the_web = &[1.0, 1.0];
/// let model = WithCovariates::new(
///     ParetoNbd::new(1.839, 92.96, 0.5913, 49.51)?,
///     &[("gender", 0.2861), ("channel", 0.6239)],
///     &[("gender", -0.6419), ("channel", 0.7898)],
/// )?;
/// let plain = model.for_customer(women_on_the_web, women_on_the_web)?;
/// assert_eq!(format!("{:.3} {:.3}", plain.alpha(), plain.beta()), "37.419 42.703");
/// let expected = plain.expected_purchases_new(Horizon::new(52.0)?);
/// assert_eq!(format!("{expected:.4}"), "1.9757");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: P. Fader, B. Hardie, "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models" (2007).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields<M>", bound(deserialize = "M: Deserialize<'de>"))]
pub struct WithCovariates<M> {
    base: M,
    transaction: Vec<Coefficient>,
    lifetime: Vec<Coefficient>,
}

#[derive(Deserialize)]
struct Fields<M> {
    base: M,
    transaction: Vec<Coefficient>,
    lifetime: Vec<Coefficient>,
}

impl<M> TryFrom<Fields<M>> for WithCovariates<M> {
    type Error = ValidationError;

    fn try_from(fields: Fields<M>) -> Result<Self, ValidationError> {
        let Fields { base, transaction, lifetime } = fields;
        for process in [&transaction, &lifetime] {
            check_names(process.iter().map(|coefficient| coefficient.covariate.as_str()))?;
            if let Some(wrong) = process.iter().find(|coefficient| !coefficient.value.is_finite()) {
                return Err(ValidationError::new("coefficient", "must be finite", wrong.value));
            }
        }
        Ok(Self { base, transaction, lifetime })
    }
}

/// The effect of a covariate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Coefficient {
    covariate: String,
    value: f64,
}

/// A model whose customers may differ by covariates.
pub trait TakesCovariates: Likelihood<Data = DistinctRows> {
    /// The name of the model with covariates in a saved fit.
    const MODEL_WITH_COVARIATES: &'static str;

    /// The parameters that covariates of buying multiply, by their index, and whether they raise (1) or lower (-1) them.
    const TRANSACTION: &'static [(usize, f64)];

    /// The same for leaving.
    const LIFETIME: &'static [(usize, f64)];

    /// Where a search for the parameters begins.
    fn unfitted() -> Self;

    /// The model of a customer whose covariates add up to these two effects.
    fn moved(&self, transaction: f64, lifetime: f64) -> Result<Self, ValidationError>;
}

impl<M: TakesCovariates> WithCovariates<M> {
    /// The model with known parameters.
    ///
    /// # Arguments
    /// - `base`: the plain model of a customer whose covariates are all 0.
    /// - `transaction`: covariates of buying with their coefficients.
    /// - `lifetime`: covariates of leaving with their coefficients.
    ///
    /// # Errors
    /// [`ValidationError`] when a name is empty or used twice in one process, or a coefficient is not finite.
    pub fn new(
        base: M,
        transaction: &[(&str, f64)],
        lifetime: &[(&str, f64)],
    ) -> Result<Self, ValidationError> {
        let coefficients = |of: &[(&str, f64)]| {
            let coefficient =
                |&(covariate, value): &(&str, f64)| Coefficient { covariate: covariate.to_owned(), value };
            of.iter().map(coefficient).collect()
        };
        let (transaction, lifetime) = (coefficients(transaction), coefficients(lifetime));
        Self::try_from(Fields { base, transaction, lifetime })
    }

    /// The plain model of a customer whose covariates are all 0.
    pub const fn base(&self) -> &M {
        &self.base
    }

    /// The covariates of buying with their coefficients, in order.
    pub fn transaction(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.transaction.iter().map(|coefficient| (coefficient.covariate.as_str(), coefficient.value))
    }

    /// The covariates of leaving with their coefficients, in order.
    pub fn lifetime(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.lifetime.iter().map(|coefficient| (coefficient.covariate.as_str(), coefficient.value))
    }

    /// Finds the parameters and coefficients that make the histories of all customers most likely.
    ///
    /// Customers with equal covariates and equal histories are weighed once; the order of rows does not matter to the
    /// last bit; gradient and curvature are analytic.
    ///
    /// # Returns
    /// A fit whose parameters are those of the plain model, then the coefficients, named `trans.gender` and `life.gender`.
    ///
    /// # Errors
    /// [`FitError`] as for the plain model; [`FitError::ConstantCovariate`] or [`FitError::CollinearCovariate`] where the
    /// effect of a covariate cannot be told; [`FitError::Boundary`] where one grows without end, because it tells apart
    /// customers who never come back (or never leave) from others. Priors help in all these cases.
    ///
    /// # Cost
    /// Sorting, then about ten passes over the distinct rows; 32 bytes for each row, and 200 more for each distinct set of
    /// covariates.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{BgNbd, Buyers, CovariateBuyers, Covariates, WithCovariates};
    ///
    /// let frequency = [0, 2, 1, 0, 5, 0, 1, 9, 0, 4, 0, 1];
    /// let recency = [0.0, 30.0, 2.0, 0.0, 20.0, 0.0, 30.0, 38.0, 0.0, 11.0, 0.0, 4.0];
    /// let buyers = Buyers::new(&frequency, &recency, &[39.0; 12])?;
    /// let web = [0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
    /// let web = Covariates::new(&[("web", &web)])?;
    /// let fit = WithCovariates::<BgNbd>::fit(&CovariateBuyers::new(buyers, web, Covariates::NONE)?)?;
    /// let effect = &fit.parameters()[4];
    /// let text = format!("{} {:.3} +- {:.3}", effect.name, effect.value, effect.standard_error);
    /// assert_eq!(text, "trans.web 0.270 +- 1.176");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit(customers: &CovariateBuyers<'_>) -> Result<Fit<Self>, FitError> {
        Self::fit_with_priors(customers, &Priors::NONE)
    }

    /// As [`fit`](Self::fit), but finds the most probable parameters where something is known of them beforehand: the
    /// place of an L2 penalty on coefficients.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`FitError::UnknownParameter`] or [`FitError::Prior`] for priors that do not fit the
    /// model. Where every parameter of the plain model has a prior, customers who never came back or are all the same are
    /// no error, and where every coefficient of a process has one, no covariate is.
    ///
    /// # Cost
    /// As [`fit`](Self::fit).
    ///
    /// # Example
    /// ```
    /// use patronage::value::{Prior, Priors};
    ///
    /// // The penalty that `CLVTools` calls `reg.lambdas = c(trans = 0.01, life = 0.02)`.
    /// let penalty = Priors::NONE.with("trans", Prior::l2(0.01)?).with("life", Prior::l2(0.02)?);
    /// assert!(!penalty.is_empty());
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    pub fn fit_with_priors(customers: &CovariateBuyers<'_>, priors: &Priors) -> Result<Fit<Self>, FitError> {
        let rows = CovariateRows::of(customers, priors.say_all::<M>())?;
        for (process, covariates) in
            [(TRANSACTION, customers.transaction()), (LIFETIME, customers.lifetime())]
        {
            // Where priors say all that a column could, any will do.
            if !covariates.names().all(|name| priors.has(&parameter(process, name))) {
                covariate_rows::check(process, covariates)?;
            }
        }
        fit_with_priors(&Self::unknown(customers), &rows, priors)
    }

    /// Where a search for the parameters begins.
    pub(super) fn unknown(customers: &CovariateBuyers<'_>) -> Self {
        let unknown = |covariates: &Covariates<'_>| {
            covariates.names().map(|name| Coefficient { covariate: name.to_owned(), value: 0.0 }).collect()
        };
        Self {
            base: M::unfitted(),
            transaction: unknown(customers.transaction()),
            lifetime: unknown(customers.lifetime()),
        }
    }

    /// The plain model of a customer: from it come P(alive), expected purchases, lifetime value and all else.
    ///
    /// # Arguments
    /// - `transaction`, `lifetime`: the covariates of the customer, in the order of the model.
    ///
    /// # Errors
    /// [`ValidationError`] when there are more or fewer covariates than coefficients, one is not finite, or they are so
    /// far from those of the fit that a parameter does not lie between 1e-30 and 1e30.
    pub fn for_customer(&self, transaction: &[f64], lifetime: &[f64]) -> Result<M, ValidationError> {
        self.base.moved(effect(&self.transaction, transaction)?, effect(&self.lifetime, lifetime)?)
    }

    /// The plain model of each of many customers, with what they have bought.
    ///
    /// # Returns
    /// A model and a buyer for each row, in order; [`ValueError::Row`] in place of one whose covariates are too far from
    /// those of the fit.
    ///
    /// # Errors
    /// [`ValueError::OtherCovariates`] when the columns are not those of the model, by name and order.
    ///
    /// # Cost
    /// Two exponential functions a row; one allocation in all.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{
    ///     Buyers, CovariateBuyers, Covariates, ParetoNbd, PurchaseModel, ValueError, WithCovariates,
    /// };
    ///
    /// let model = ParetoNbd::new(1.839, 92.96, 0.5913, 49.51)?;
    /// let model = WithCovariates::new(model, &[("channel", 0.6239)], &[])?;
    /// let buyers = Buyers::new(&[2, 2], &[30.43, 30.43], &[38.86, 38.86])?;
    /// let channel = Covariates::new(&[("channel", &[0.0, 1.0])])?;
    /// let customers = CovariateBuyers::new(buyers, channel, Covariates::NONE)?;
    /// let p_alive: Vec<f64> = model
    ///     .each(&customers)?
    ///     .map(|row| row.map(|(model, buyer)| model.p_alive(buyer)))
    ///     .collect::<Result<_, ValueError>>()?;
    /// assert_eq!(format!("{:.4} {:.4}", p_alive[0], p_alive[1]), "0.9349 0.9306");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn each<'c>(
        &'c self,
        customers: &'c CovariateBuyers<'c>,
    ) -> Result<impl Iterator<Item = Result<(M, Buyer), ValueError>> + 'c, ValueError> {
        for (process, coefficients, covariates) in [
            (TRANSACTION, &self.transaction, customers.transaction()),
            (LIFETIME, &self.lifetime, customers.lifetime()),
        ] {
            if !coefficients.iter().map(|coefficient| coefficient.covariate.as_str()).eq(covariates.names()) {
                return Err(ValueError::OtherCovariates {
                    process,
                    expected: coefficients.iter().map(|coefficient| coefficient.covariate.clone()).collect(),
                    found: covariates.names().map(str::to_owned).collect(),
                });
            }
        }
        let mut row_of = Vec::new();
        Ok(customers.buyers().iter().enumerate().map(move |(row, buyer)| {
            customers.transaction().read_row(row, &mut row_of);
            let transaction = effect(&self.transaction, &row_of);
            customers.lifetime().read_row(row, &mut row_of);
            let lifetime = effect(&self.lifetime, &row_of);
            transaction
                .and_then(|transaction| self.base.moved(transaction, lifetime?))
                .map(|model| (model, buyer))
                .map_err(|rule| ValueError::Row { row, rule })
        }))
    }

    /// Any score of many customers by the plain model of each, into a buffer of the caller.
    ///
    /// # Arguments
    /// - `score`: what is asked of the model of a customer, such as `|model, buyer| model.p_alive(buyer)`.
    ///
    /// # Errors
    /// As [`each`](Self::each); [`ValueError::ColumnLength`] when `out` has another length than the columns. What was
    /// written before a row that is refused stays written.
    ///
    /// # Cost
    /// As [`each`](Self::each), besides the score.
    pub fn score_into(
        &self,
        customers: &CovariateBuyers<'_>,
        out: &mut [f64],
        score: impl Fn(&M, Buyer) -> f64,
    ) -> Result<(), ValueError> {
        customers.buyers().fits("out", out.len())?;
        for (slot, row) in out.iter_mut().zip(self.each(customers)?) {
            let (model, buyer) = row?;
            *slot = score(&model, buyer);
        }
        Ok(())
    }
}

/// A coefficient has run off when it makes the customers at the two ends of its covariate differ by a factor of e to
/// this.
const FURTHEST: f64 = 20.0;

/// The names of the two processes, as in the literature.
const TRANSACTION: &str = "trans";
const LIFETIME: &str = "life";

/// The name of a coefficient.
fn parameter(process: &str, covariate: &str) -> String {
    format!("{process}.{covariate}")
}

/// The sum of covariates times their coefficients.
fn effect(coefficients: &[Coefficient], covariates: &[f64]) -> Result<f64, ValidationError> {
    if coefficients.len() != covariates.len() {
        let rule = "must be as many as the model has coefficients";
        return Err(ValidationError::new("covariates", rule, covariates.len()));
    }
    let mut sum = 0.0;
    for (coefficient, &value) in coefficients.iter().zip(covariates) {
        if !value.is_finite() {
            let shown = format!("{} = {value}", coefficient.covariate);
            return Err(ValidationError::new("covariate", "must be finite", shown));
        }
        sum += coefficient.value * value;
    }
    Ok(sum)
}

impl<M: TakesCovariates> Likelihood for WithCovariates<M> {
    type Data = CovariateRows;

    const MODEL: &'static str = M::MODEL_WITH_COVARIATES;
    const NAMES: &'static [&'static str] = M::NAMES;

    fn customers(data: &CovariateRows) -> u64 {
        data.all().customers
    }

    fn ranges(&self, data: &CovariateRows) -> Vec<Bounds> {
        let mut ranges = self.base.ranges(data.all());
        let processes = [(&self.transaction, M::TRANSACTION), (&self.lifetime, M::LIFETIME)];
        for &(index, _) in processes.iter().filter(|(of, _)| !of.is_empty()).flat_map(|&(_, moved)| moved) {
            // Those whose covariates are 0 may be as far from all others as a coefficient can lead.
            let far = libm::exp(FURTHEST);
            if let (Some(range), Some(limits)) = (ranges.get_mut(index), M::limits().get(index)) {
                range.lower = (range.lower / far).max(limits.lower);
                range.upper = (range.upper * far).min(limits.upper);
            }
        }
        ranges.extend(data.spans().map(|span| Bounds { lower: -FURTHEST / span, upper: FURTHEST / span }));
        ranges
    }

    fn starts(&self, data: &CovariateRows) -> Vec<Vec<f64>> {
        let coefficients = self.transaction.len() + self.lifetime.len();
        let mut starts = self.base.starts(data.all());
        for start in &mut starts {
            start.extend(std::iter::repeat_n(0.0, coefficients));
        }
        starts
    }

    fn parameters(&self) -> Vec<f64> {
        let mut parameters = self.base.parameters();
        parameters.extend(self.transaction.iter().chain(&self.lifetime).map(|coefficient| coefficient.value));
        parameters
    }

    fn names(&self) -> Vec<Cow<'static, str>> {
        let of = |process: &'static str, coefficients: &[Coefficient]| -> Vec<Cow<'static, str>> {
            let name = |coefficient: &Coefficient| parameter(process, &coefficient.covariate).into();
            coefficients.iter().map(name).collect()
        };
        let mut names = self.base.names();
        names.extend(of(TRANSACTION, &self.transaction));
        names.extend(of(LIFETIME, &self.lifetime));
        names
    }

    fn scales(&self) -> Vec<Scale> {
        let mut scales = self.base.scales();
        scales.extend(self.transaction.iter().chain(&self.lifetime).map(|_| Scale::Linear));
        scales
    }

    fn limits() -> Vec<Bounds> {
        M::limits()
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let (base, coefficients) = parameters.split_at_checked(M::NAMES.len())?;
        let (transaction, lifetime) = coefficients.split_at_checked(self.transaction.len())?;
        if lifetime.len() != self.lifetime.len() || coefficients.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let moved = |of: &[Coefficient], values: &[f64]| {
            let moved = |(coefficient, &value): (&Coefficient, &f64)| Coefficient {
                covariate: coefficient.covariate.clone(),
                value,
            };
            of.iter().zip(values).map(moved).collect()
        };
        Some(Self {
            base: self.base.with_parameters(base)?,
            transaction: moved(&self.transaction, transaction),
            lifetime: moved(&self.lifetime, lifetime),
        })
    }

    fn slopes(&self, data: &CovariateRows) -> Slopes {
        data.slopes(&self.base, |transaction, lifetime| self.for_customer(transaction, lifetime).ok())
    }
}
