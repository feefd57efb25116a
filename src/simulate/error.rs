use crate::customer::CustomerId;
use crate::interaction::{Engagement, PainKind, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::money::MoneyError;
use crate::validation::ValidationError;

/// Why nothing was simulated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// A parameter of the buying model is not a finite number above zero, or beyond what can be drawn.
    #[error("parameter `{name}` must be a finite number above zero that can be drawn from, got {value}")]
    Parameter {
        /// The name of the parameter in the model.
        name: &'static str,
        /// What it was.
        value: f64,
    },
    /// A customer would buy more often than the simulation follows.
    #[error(
        "customer number {number} would buy more than {most} times: lower the rate or shorten the period"
    )]
    TooManyPurchases {
        /// The number of the customer.
        number: u32,
        /// The most purchases that are followed.
        most: usize,
    },
    /// A purchase of a customer comes before the one in front of it.
    #[error("customer {customer}: purchase {index} is earlier than the one before it")]
    Unordered {
        /// Whose purchases.
        customer: CustomerId,
        /// The position of the purchase, from 0.
        index: usize,
    },
    /// A purchase of a customer lies outside the time of observation.
    #[error("customer {customer}: purchase {index} lies outside the observed period")]
    Unobserved {
        /// Whose purchases.
        customer: CustomerId,
        /// The position of the purchase, from 0.
        index: usize,
    },
    /// A customer is given twice.
    #[error("customer {customer} is given more than once")]
    Repeated {
        /// Who.
        customer: CustomerId,
    },
    /// The same pain is planted twice in one place.
    #[error("{kind} is planted twice at {stage}, {touchpoint}, {engagement}")]
    PlantedTwice {
        /// The kind of pain.
        kind: PainKind,
        /// The stage.
        stage: LifecycleStage,
        /// The touch point.
        touchpoint: Touchpoint,
        /// The part of the business.
        engagement: Engagement,
    },
    /// The symptoms everywhere would add up to more than every contact.
    #[error("background must be at most 0.25 for each of the four kinds, got {background}")]
    Background {
        /// The share asked for.
        background: f64,
    },
    /// A simulated amount is no money.
    #[error("a simulated amount is no money")]
    Money(#[from] MoneyError),
    /// A simulated value was refused by its own type.
    #[error("a simulated value was refused")]
    Refused(#[from] ValidationError),
}
