//! What customers bought: single purchases, and the history that value models and segments start from.

mod history;
mod zone;

pub use history::{PurchaseDay, PurchaseHistory};
pub use zone::day_in;

use crate::customer::CustomerId;
use crate::key::identifier;
use crate::money::Money;
use crate::period;
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

identifier! {
    /// Identifies a purchase, and keeps it from being recorded twice: derive it from the key of the shop's own row.
    PurchaseId
}

/// One purchase of one customer, or a return of goods (a negative amount).
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::purchase::{Purchase, PurchaseId};
/// use patronage::Tag;
///
/// let customer = CustomerId::derive(&["shop", "customer 17"]);
/// let purchase = Purchase::new(
///     PurchaseId::derive(&["shop", "order 4711"]),
///     customer,
///     "2026-03-01T10:00:00Z".parse()?,
///     "29.33 USD".parse()?,
/// )?
/// .with_category(Tag::literal("music"))
/// .with_cost("18.00 USD".parse()?)?;
/// assert_eq!(purchase.margin().map(|margin| margin.to_string()), Some("11.33 USD".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Purchase {
    fields: Fields,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Purchase")]
struct Fields {
    id: PurchaseId,
    customer: CustomerId,
    at: DateTime<Utc>,
    amount: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<Tag>,
}

impl From<Purchase> for Fields {
    fn from(purchase: Purchase) -> Self {
        purchase.fields
    }
}

impl TryFrom<Fields> for Purchase {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        let purchase = Self::new(fields.id, fields.customer, fields.at, fields.amount)?;
        let purchase = match fields.category {
            Some(category) => purchase.with_category(category),
            None => purchase,
        };
        fields.cost.map_or(Ok(purchase), |cost| purchase.with_cost(cost))
    }
}

impl Purchase {
    /// A purchase, or a return where the amount is negative. The instant is kept to the microsecond.
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999.
    pub fn new(
        id: PurchaseId,
        customer: CustomerId,
        at: DateTime<Utc>,
        amount: Money,
    ) -> Result<Self, ValidationError> {
        let at = period::instant("purchase.at", at)?;
        Ok(Self { fields: Fields { id, customer, at, amount, cost: None, category: None } })
    }

    /// Adds what the sold goods cost the company.
    ///
    /// # Errors
    /// [`ValidationError`] when the cost is in another currency than the amount.
    pub fn with_cost(mut self, cost: Money) -> Result<Self, ValidationError> {
        if cost.currency() != self.fields.amount.currency() {
            return Err(ValidationError::new("purchase.cost", "must be in the currency of the amount", cost));
        }
        self.fields.cost = Some(cost);
        Ok(self)
    }

    /// Adds the product category.
    #[must_use]
    pub fn with_category(mut self, category: Tag) -> Self {
        self.fields.category = Some(category);
        self
    }

    /// The identity of the purchase.
    pub const fn id(&self) -> PurchaseId {
        self.fields.id
    }

    /// Who bought, as recorded at the time.
    pub const fn customer(&self) -> CustomerId {
        self.fields.customer
    }

    /// When.
    pub const fn at(&self) -> DateTime<Utc> {
        self.fields.at
    }

    /// The amount paid; negative for a return.
    pub const fn amount(&self) -> Money {
        self.fields.amount
    }

    /// What the goods cost the company, where known.
    pub const fn cost(&self) -> Option<Money> {
        self.fields.cost
    }

    /// The product category, where known.
    pub const fn category(&self) -> Option<Tag> {
        self.fields.category
    }

    /// Whether the purchase is a return of goods.
    pub const fn is_return(&self) -> bool {
        self.fields.amount.is_negative()
    }

    /// Amount less cost; `None` where the cost is unknown or the difference does not fit.
    pub fn margin(&self) -> Option<Money> {
        self.fields.cost.and_then(|cost| self.fields.amount.checked_sub(cost).ok())
    }
}
