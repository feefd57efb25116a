//! Consent records as rows.

use super::facts::Fact;
use super::table::{Table, table};
use super::value::{Columns, Unreadable, Value};
use crate::consent::{ConsentId, ConsentRecord};
use crate::customer::CustomerId;
use crate::store::Entity;
use uuid::Uuid;

impl Fact for ConsentRecord {
    const ENTITY: Entity = Entity::Consent;
    const TABLE: Table = table!(
        "consents",
        "id",
        [
            "customer", "at", "id", "purpose", "via", "status", "basis", "expires", "notice", "method",
            "evidence"
        ]
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
            self.purpose().to_text().into(),
            self.touchpoint().map(|touchpoint| touchpoint.to_text()).into(),
            self.status().as_str().into(),
            self.basis().as_str().into(),
            self.expires().into(),
            self.notice().into(),
            self.method().into(),
            self.evidence().map_or(Value::Null, |evidence| Value::any_text(evidence.expose())),
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
        if let Some(evidence) = row.any_text()? {
            record = record.with_evidence(evidence.into_owned())?;
        }
        Ok(record)
    }
}
