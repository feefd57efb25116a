use super::doors::doors;
use super::{Contract, Contracts, Discount};

pub(super) mod sealed {
    /// What the answers of every contract model rest on.
    pub trait Sealed {
        /// The logarithm of how likely a customer with so many renewals makes so many more.
        fn ln_kept(&self, renewals: f64, further: f64) -> f64;

        /// How likely a customer with so many renewals does not make another.
        fn p_lost(&self, renewals: f64) -> f64;

        /// How many of so many further renewals (which may be infinite) a customer is expected to make, each after the
        /// first counting less by e^-rate.
        fn expected(&self, renewals: f64, further: f64, rate: f64) -> f64;
    }
}

/// What every model of contracts answers: who renews, for how long, and what that is worth.
///
/// Periods are those of the contract (years of a yearly one); everything is counted in renewals, because a period ends
/// with one. What is asked of single contracts comes through three doors that agree to the last bit: one row, an
/// iterator of rows (`_each`), and columns into a buffer of the caller (`_into`), which allocates nothing; the last two
/// remember the answers to contracts that have gone alike. A customer whose contract has ended renews no more: the answers
/// are 0. Sealed: models are added here.
///
/// # Example
/// ```
/// use patronage::value::{Contract, ContractModel, ShiftedBetaGeometric};
///
/// // The high-end subscribers of Fader and Hardie.
/// let model = ShiftedBetaGeometric::new(0.668, 3.806)?;
/// let retention: Vec<String> = (0..3).map(|n| format!("{:.3}", model.retention_rate(n))).collect();
/// assert_eq!(retention, ["0.851", "0.878", "0.897"]);
/// assert_eq!(format!("{:.6}", model.survival(12)), "0.378040");
/// // After seven renewals, five more:
/// assert_eq!(format!("{:.4}", model.p_still_customer(Contract::running(7), 5)), "0.7732");
/// assert_eq!(model.p_still_customer(Contract::ended(7), 5), 0.0);
/// # Ok::<(), patronage::ValidationError>(())
/// ```
pub trait ContractModel: sealed::Sealed {
    /// The logarithm of how likely it is that a contract goes as it has gone so far.
    ///
    /// # Returns
    /// 0 or less, finite.
    ///
    /// # Formula
    /// ```text
    /// ln S(n) of a contract that runs,  ln [S(n) - S(n+1)] of one that has ended
    /// ```
    fn log_likelihood(&self, contract: Contract) -> f64 {
        let renewals = f64::from(contract.renewals());
        let kept = self.ln_kept(0.0, renewals);
        if contract.is_ended() { kept + libm::log(self.p_lost(renewals)) } else { kept }
    }

    /// Which share of new customers is still there after so many renewals: the survival curve S(t).
    ///
    /// # Returns
    /// 0 to 1, falling, 1 for 0 renewals.
    fn survival(&self, renewals: u32) -> f64 {
        libm::exp(self.ln_kept(0.0, f64::from(renewals)))
    }

    /// Which share of the customers with so many renewals makes the next: the retention rate of the papers' period
    /// t = renewals + 1.
    ///
    /// # Returns
    /// 0 to 1.
    ///
    /// # Formula
    /// ```text
    /// S(t) / S(t-1)
    /// ```
    fn retention_rate(&self, renewals: u32) -> f64 {
        libm::exp(self.ln_kept(f64::from(renewals), 1.0))
    }

    /// How likely a new customer makes exactly so many renewals.
    ///
    /// # Returns
    /// 0 to 1; over all counts, 1.
    fn p_renewals(&self, count: u32) -> f64 {
        self.survival(count) * self.p_lost(f64::from(count))
    }

    /// How likely a customer is still one after so many further renewals.
    ///
    /// # Returns
    /// 0 to 1, falling.
    ///
    /// # Formula
    /// ```text
    /// S(n+m) / S(n)
    /// ```
    fn p_still_customer(&self, contract: Contract, further: u32) -> f64 {
        if contract.is_ended() {
            return 0.0;
        }
        libm::exp(self.ln_kept(f64::from(contract.renewals()), f64::from(further)))
    }

    /// How many of the next `further` renewals a customer is expected to make.
    ///
    /// # Returns
    /// 0 to `further`. Finite where the whole residual lifetime is not.
    fn expected_renewals(&self, contract: Contract, further: u32) -> f64 {
        renewals_to_come(self, contract, f64::from(further), Discount::NONE)
    }

    /// How many more renewals a customer is expected to make: their residual lifetime in periods, beyond the one that is
    /// paid for.
    ///
    /// # Returns
    /// 0 or more; infinite where so many customers stay for so long that there is no mean. The discounted one and
    /// [`expected_renewals`](Self::expected_renewals) are then what to ask for.
    fn expected_residual_lifetime(&self, contract: Contract) -> f64 {
        self.discounted_residual_lifetime(contract, Discount::NONE)
    }

    /// The discounted expected residual lifetime (DERL): how many more renewals a customer is expected to make, those
    /// after the next counting less. Times the margin of a period it is what the customer is worth right before they
    /// renew or not.
    ///
    /// # Arguments
    /// - `discount`: for the period of the contract as the unit.
    ///
    /// # Returns
    /// 0 or more.
    ///
    /// # Formula
    /// ```text
    /// sum over t > n of S(t) / S(n) e^(-d (t-n-1))
    /// ```
    ///
    /// # Cost
    /// A few dozen steps of a fraction in the shifted beta-geometric model, some 200 points of S(t) in the other.
    ///
    /// Source: P. Fader, B. Hardie, "Customer-base valuation in a contractual setting: the perils of ignoring
    /// heterogeneity", Marketing Science 29 (2010).
    fn discounted_residual_lifetime(&self, contract: Contract, discount: Discount) -> f64 {
        renewals_to_come(self, contract, f64::INFINITY, discount)
    }

    /// For how many periods a new customer is expected to pay, the first one included.
    ///
    /// # Returns
    /// 1 or more; infinite as [`expected_residual_lifetime`](Self::expected_residual_lifetime).
    fn expected_lifetime(&self) -> f64 {
        self.discounted_lifetime(Discount::NONE)
    }

    /// The discounted expected lifetime (DEL) of a new customer who pays now for the first period, the later ones
    /// counting less. Times the margin of a period it is what a new customer is worth.
    ///
    /// # Returns
    /// 1 or more.
    ///
    /// # Formula
    /// ```text
    /// sum over t >= 0 of S(t) e^(-d t)
    /// ```
    fn discounted_lifetime(&self, discount: Discount) -> f64 {
        1.0 + libm::exp(-discount.rate()) * self.discounted_residual_lifetime(Contract::NEW, discount)
    }

    doors! {
        log_likelihood, log_likelihood_each, log_likelihood_into();
        p_still_customer, p_still_customer_each, p_still_customer_into(further: u32);
        expected_renewals, expected_renewals_each, expected_renewals_into(further: u32);
        expected_residual_lifetime, expected_residual_lifetime_each, expected_residual_lifetime_into();
        discounted_residual_lifetime, discounted_residual_lifetime_each, discounted_residual_lifetime_into(
            discount: Discount
        );
        => Contract, Contracts<'_>, each_known, fill_known, where Self: Sized
    }
}

fn renewals_to_come(
    model: &(impl sealed::Sealed + ?Sized),
    contract: Contract,
    further: f64,
    discount: Discount,
) -> f64 {
    if contract.is_ended() {
        return 0.0;
    }
    model.expected(f64::from(contract.renewals()), further, discount.rate())
}

/// How many answers are remembered.
const KNOWN: usize = 128;

/// The last answers, by the renewals they are for.
struct Known([Option<(Contract, f64)>; KNOWN]);

impl Known {
    fn or_ask(&mut self, contract: Contract, answer: impl Fn(Contract) -> f64) -> f64 {
        let place = usize::try_from(contract.renewals()).unwrap_or(0) % KNOWN;
        let Some(slot) = self.0.get_mut(place) else { return answer(contract) };
        if let Some((known, value)) = *slot
            && known == contract
        {
            return value;
        }
        let value = answer(contract);
        // Contracts that have ended are quickly answered, and would only be in the way.
        if !contract.is_ended() {
            *slot = Some((contract, value));
        }
        value
    }
}

fn each_known(
    contracts: impl IntoIterator<Item = Contract>,
    answer: impl Fn(Contract) -> f64,
) -> impl Iterator<Item = f64> {
    let mut known = Known([None; KNOWN]);
    contracts.into_iter().map(move |contract| known.or_ask(contract, &answer))
}

fn fill_known(contracts: impl Iterator<Item = Contract>, out: &mut [f64], answer: impl Fn(Contract) -> f64) {
    let mut known = Known([None; KNOWN]);
    out.iter_mut().zip(contracts).for_each(|(slot, contract)| *slot = known.or_ask(contract, &answer));
}
