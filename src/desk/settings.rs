use super::RetryPolicy;
use crate::measure::Share;
use crate::money::{Currency, Money};
use crate::pain::{PointOptions, Rules};
use crate::service::ServiceRules;
use crate::tag::Tag;
use crate::validation::ValidationError;
use crate::value::{Discount, Horizon, TimeUnit};
use std::time::Duration;

/// How a desk works.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub(super) name: Tag,
    pub(super) batch: usize,
    pub(super) lease: Duration,
    pub(super) at_once: usize,
    pub(super) retry: RetryPolicy,
    pub(super) service: ServiceRules,
}

impl Default for Settings {
    /// Named `patronage`; claims 100 jobs at a time for 30 seconds; delivers 16 at once; retries by
    /// [`RetryPolicy::default`].
    fn default() -> Self {
        Self {
            name: Tag::literal("patronage"),
            batch: 100,
            lease: Duration::from_secs(30),
            at_once: 16,
            retry: RetryPolicy::default(),
            service: ServiceRules::default(),
        }
    }
}

impl Settings {
    /// The name under which the desk signs its change sets.
    #[must_use]
    pub fn named(mut self, name: Tag) -> Self {
        self.name = name;
        self
    }

    /// How many jobs are claimed at a time, and for how long. The jobs of a worker that dies come back after the lease,
    /// so a notifier must give up on a delivery well before it.
    ///
    /// # Errors
    /// [`ValidationError`] when the batch is empty, or the lease is shorter than a second or longer than a day.
    pub fn claiming(mut self, batch: usize, lease: Duration) -> Result<Self, ValidationError> {
        if batch == 0 {
            return Err(ValidationError::new("settings.batch", "must be at least 1", batch));
        }
        if !(1..=86_400).contains(&lease.as_secs()) {
            let shown = format!("{} s", lease.as_secs());
            return Err(ValidationError::new("settings.lease", "must be between a second and a day", shown));
        }
        (self.batch, self.lease) = (batch, lease);
        Ok(self)
    }

    /// How many deliveries of one worker may be under way at the same time.
    ///
    /// # Errors
    /// [`ValidationError`] when it is none.
    pub fn delivering(mut self, at_once: usize) -> Result<Self, ValidationError> {
        if at_once == 0 {
            return Err(ValidationError::new("settings.at_once", "must be at least 1", at_once));
        }
        self.at_once = at_once;
        Ok(self)
    }

    /// How failed deliveries are tried again.
    #[must_use]
    pub fn retrying(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// How cases, call-backs and recoveries are looked after, and by which zones reminders are read. Matters that wait
    /// already are looked at when it was their time by the rules before; [`Desk::wake_all`](super::Desk::wake_all) has
    /// them looked at once by the new ones.
    #[must_use]
    pub fn serving(mut self, service: ServiceRules) -> Self {
        self.service = service;
        self
    }
}

/// What a review looks for, and from where on it acts.
///
/// # Example
/// ```
/// use patronage::desk::ReviewSettings;
/// use patronage::{Currency, Share};
///
/// let settings = ReviewSettings::new(Currency::USD)
///     .at_margin(Share::new(0.3)?)
///     .acting_from("5.00 USD".parse()?, "500.00 USD".parse()?)?;
/// assert!(ReviewSettings::new(Currency::USD).acting_from("5.00 EUR".parse()?, "1.00 EUR".parse()?).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewSettings {
    pub(super) currency: Currency,
    pub(super) page: usize,
    pub(super) months: f64,
    pub(super) yearly_discount: f64,
    pub(super) margin: Share,
    pub(super) most_valuable: usize,
    pub(super) at_risk_below: Share,
    pub(super) customer_threshold: Money,
    pub(super) most_customers: usize,
    pub(super) pain_threshold: Money,
    pub(super) pain_rules: Rules,
    pub(super) pain_options: PointOptions,
    pub(super) due_in_days: u32,
    pub(super) sales_team: Tag,
    pub(super) service_team: Tag,
}

impl ReviewSettings {
    /// A review in one currency: value over 12 months, discounted by 10 % a year, at a margin of 100 %; the ten most
    /// valuable customers; tasks for the 100 customers with P(alive) below 50 % who put most value at risk, and for
    /// every pain point that puts some at risk, due in 7 days.
    pub fn new(currency: Currency) -> Self {
        Self {
            currency,
            page: 1000,
            months: 12.0,
            yearly_discount: 0.10,
            margin: Share::ONE,
            most_valuable: 10,
            at_risk_below: Share::new(0.5).unwrap_or_default(),
            customer_threshold: Money::new(1, currency),
            most_customers: 100,
            pain_threshold: Money::new(1, currency),
            pain_rules: Rules::default(),
            pain_options: PointOptions::default(),
            due_in_days: 7,
            sales_team: Tag::literal("sales"),
            service_team: Tag::literal("customer_experience"),
        }
    }

    /// How many customers are read at a time: memory against round trips.
    ///
    /// # Errors
    /// [`ValidationError`] when it is 0.
    pub fn in_pages_of(mut self, customers: usize) -> Result<Self, ValidationError> {
        if customers == 0 {
            return Err(ValidationError::new("review.page", "must be at least 1", customers));
        }
        self.page = customers;
        Ok(self)
    }

    /// How far ahead value is counted, in months, and how much a year later counts less (0.10 for 10 %).
    ///
    /// # Errors
    /// [`ValidationError`] when a number is negative, NaN or beyond all reason.
    pub fn looking_ahead(mut self, months: f64, yearly_discount: f64) -> Result<Self, ValidationError> {
        Horizon::of(months, TimeUnit::MONTH, TimeUnit::WEEK)?;
        Discount::of(yearly_discount, TimeUnit::YEAR, TimeUnit::WEEK)?;
        (self.months, self.yearly_discount) = (months, yearly_discount);
        Ok(self)
    }

    /// The share of the spend that is left after cost.
    #[must_use]
    pub fn at_margin(mut self, margin: Share) -> Self {
        self.margin = margin;
        self
    }

    /// How many of the most valuable customers are listed.
    #[must_use]
    pub fn listing(mut self, customers: usize) -> Self {
        self.most_valuable = customers;
        self
    }

    /// Who is at risk: customers with P(alive) below a share, at most so many of them, most value at risk first.
    #[must_use]
    pub fn at_risk(mut self, below: Share, at_most: usize) -> Self {
        (self.at_risk_below, self.most_customers) = (below, at_most);
        self
    }

    /// From how much value at risk on something is scheduled: for a customer, and for a pain point.
    ///
    /// # Errors
    /// [`ValidationError`] when an amount is in another currency than the review.
    pub fn acting_from(mut self, customer: Money, pain_point: Money) -> Result<Self, ValidationError> {
        for (field, amount) in
            [("review.customer_threshold", customer), ("review.pain_threshold", pain_point)]
        {
            if amount.currency() != self.currency {
                return Err(ValidationError::new(field, "must be in the currency of the review", amount));
            }
        }
        (self.customer_threshold, self.pain_threshold) = (customer, pain_point);
        Ok(self)
    }

    /// What counts as a pain, and how sure a pain point must be.
    #[must_use]
    pub fn finding_pain(mut self, rules: Rules, options: PointOptions) -> Self {
        (self.pain_rules, self.pain_options) = (rules, options);
        self
    }

    /// Who is told, and by when it is to be done: the team that wins customers back, the team that mends pain points,
    /// and the days from the review.
    #[must_use]
    pub fn telling(mut self, sales: Tag, service: Tag, due_in_days: u32) -> Self {
        (self.sales_team, self.service_team, self.due_in_days) = (sales, service, due_in_days);
        self
    }
}
