//! Consent records as rows.

use super::facts::Fact;
use super::table::{Columns, Table, Unreadable, table};
use crate::consent::{ConsentId, ConsentRecord};
use crate::customer::CustomerId;
use crate::interaction::Touchpoint;
use crate::pii::Pii;
use crate::store::Entity;
use crate::tag::Tag;
use rusqlite::{Statement, params};
use uuid::Uuid;

pub(super) const SQL: &[&str] = &[ConsentRecord::INSERT, ConsentRecord::BY_ID, ConsentRecord::WITHIN];

impl Fact for ConsentRecord {
    const ENTITY: Entity = Entity::Consent;
    const TABLE: Table = table!("consents");
    const INSERT: &'static str = "INSERT INTO consents \
         (customer, at, id, purpose, via, status, basis, expires, notice, method, evidence) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";
    const BY_ID: &'static str = "SELECT \
         customer, at, id, purpose, via, status, basis, expires, notice, method, evidence \
         FROM consents WHERE id = ?1";
    const WITHIN: &'static str = "SELECT \
         customer, at, id, purpose, via, status, basis, expires, notice, method, evidence \
         FROM consents WHERE customer = ?1 AND at >= ?2 AND at < ?3 ORDER BY at, id";

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
            self.purpose().to_text(),
            self.touchpoint().as_ref().map(Touchpoint::to_text),
            self.status().as_str(),
            self.basis().as_str(),
            self.expires().map(|expires| expires.timestamp_micros()),
            self.notice().as_ref().map(Tag::as_str),
            self.method().as_ref().map(Tag::as_str),
            self.evidence().map(Pii::expose),
        ])
    }

    fn read(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        let customer = CustomerId::new(row.id()?);
        let at = row.instant()?;
        let id = ConsentId::new(row.id()?);
        let purpose = row.term()?;
        let via = row.optional_term()?;
        let mut record = Self::new(id, customer, purpose, row.term()?, at)?.on_basis(row.term()?);
        if let Some(touchpoint) = via {
            record = record.via(touchpoint);
        }
        if let Some(expires) = row.optional_instant()? {
            record = record.expiring(expires)?;
        }
        match (row.optional_term()?, row.optional_term()?) {
            (Some(notice), Some(method)) => record = record.proven_by(notice, method),
            (None, None) => {}
            _ => return Err(Unreadable),
        }
        if let Some(evidence) = row.optional_text()? {
            record = record.with_evidence(evidence.to_owned())?;
        }
        Ok(record)
    }
}
