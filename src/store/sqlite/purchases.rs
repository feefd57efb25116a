//! Purchases as rows.

use super::facts::Fact;
use super::table::{Columns, Table, Unreadable, table};
use crate::customer::CustomerId;
use crate::money::Money;
use crate::purchase::{Purchase, PurchaseId};
use crate::store::Entity;
use crate::tag::Tag;
use rusqlite::{Statement, params};
use uuid::Uuid;

pub(super) const SQL: &[&str] = &[Purchase::INSERT, Purchase::BY_ID, Purchase::WITHIN];

impl Fact for Purchase {
    const ENTITY: Entity = Entity::Purchase;
    const TABLE: Table = table!("purchases");
    const INSERT: &'static str = "INSERT INTO purchases \
         (customer, at, id, amount_minor, currency, cost_minor, category) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    const BY_ID: &'static str = "SELECT customer, at, id, amount_minor, currency, cost_minor, category \
         FROM purchases WHERE id = ?1";
    const WITHIN: &'static str = "SELECT customer, at, id, amount_minor, currency, cost_minor, category \
         FROM purchases WHERE customer = ?1 AND at >= ?2 AND at < ?3 ORDER BY at, id";

    fn key(&self) -> Uuid {
        *self.id().as_uuid()
    }

    fn whose(&self) -> CustomerId {
        self.customer()
    }

    fn insert(&self, statement: &mut Statement<'_>) -> rusqlite::Result<usize> {
        statement.execute(params![
            self.customer().as_uuid().as_bytes(),
            self.at().timestamp_micros(),
            self.id().as_uuid().as_bytes(),
            self.amount().minor(),
            self.amount().currency().code(),
            self.cost().map(Money::minor),
            self.category().as_ref().map(Tag::as_str),
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
