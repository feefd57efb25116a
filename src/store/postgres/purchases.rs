//! Purchases as rows.

use super::facts::Fact;
use super::table::{Table, table};
use super::value::{Columns, Unreadable, Value};
use crate::customer::CustomerId;
use crate::money::Money;
use crate::purchase::{Purchase, PurchaseId};
use crate::store::Entity;
use uuid::Uuid;

impl Fact for Purchase {
    const ENTITY: Entity = Entity::Purchase;
    const TABLE: Table = table!(
        "purchases",
        "id",
        ["customer", "at", "id", "amount_minor", "currency", "cost_minor", "category"]
    );

    fn key(&self) -> Uuid {
        *self.id().as_uuid()
    }

    fn whose(&self) -> CustomerId {
        self.customer()
    }

    fn values(&self) -> Result<Vec<Value<'_>>, Unreadable> {
        Ok(vec![
            (*self.customer().as_uuid()).into(),
            self.at().into(),
            self.key().into(),
            self.amount().minor().into(),
            self.amount().currency().code().to_owned().into(),
            self.cost().map(Money::minor).into(),
            self.category().into(),
        ])
    }

    fn read(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        let customer = CustomerId::new(row.id()?);
        let at = row.instant()?;
        let id = PurchaseId::new(row.id()?);
        let amount = Money::new(row.integer()?, row.term()?);
        let mut purchase = Self::new(id, customer, at, amount)?;
        if let Some(minor) = row.optional_integer()? {
            purchase = purchase.with_cost(Money::new(minor, amount.currency()))?;
        }
        if let Some(category) = row.optional_term()? {
            purchase = purchase.with_category(category);
        }
        Ok(purchase)
    }
}
