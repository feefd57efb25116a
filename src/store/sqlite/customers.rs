//! Customers and their identities.

use super::table::{Columns, Table, Unreadable, count, json, limit, table};
use crate::customer::{ContactPoint, Customer, CustomerId, CustomerKind, Identity};
use crate::pii::Pii;
use crate::store::{Entity, StoreError};
use rusqlite::{Connection, params};

const TABLE: Table = table!("customers");
const IDENTITIES: Table = table!("identities");

const VERSION: &str = "SELECT version FROM customers WHERE id = ?1";
const INSERT: &str = "INSERT INTO customers (version, kind, since, name, language, zone, contacts, id) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const UPDATE: &str = "UPDATE customers SET version = ?1, kind = ?2, since = ?3, name = ?4, language = ?5, zone = ?6, \
     contacts = ?7 WHERE id = ?8";
const PAGE: &str = "SELECT id, version, kind, since, name, language, zone, contacts FROM customers \
     WHERE id > ?1 ORDER BY id LIMIT ?2";
const BY_ID: &str =
    "SELECT id, version, kind, since, name, language, zone, contacts FROM customers WHERE id = ?1";
const IDENTITIES_OF: &str = "SELECT issuer, subject FROM identities WHERE customer = ?1 ORDER BY position";
const FORGET_IDENTITIES: &str = "DELETE FROM identities WHERE customer = ?1";
const INSERT_IDENTITY: &str = "INSERT INTO identities (issuer, subject, customer, position) \
     VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
const BY_IDENTITY: &str = "SELECT customer FROM identities WHERE issuer = ?1 AND subject = ?2";

pub(super) const SQL: &[&str] =
    &[VERSION, INSERT, UPDATE, PAGE, BY_ID, IDENTITIES_OF, FORGET_IDENTITIES, INSERT_IDENTITY, BY_IDENTITY];

pub(super) fn unknown(id: CustomerId) -> StoreError {
    StoreError::Unknown { entity: Entity::Customer, id: *id.as_uuid() }
}

fn version(connection: &Connection, id: CustomerId) -> Result<Option<u64>, StoreError> {
    let read = |row: &mut Columns<'_>| -> Result<u64, Unreadable> { row.integer() };
    TABLE.first(connection, VERSION, params![id.as_uuid().as_bytes()], read)
}

/// Refuses a customer that is not there.
pub(super) fn known(connection: &Connection, id: CustomerId) -> Result<(), StoreError> {
    version(connection, id)?.map(|_| ()).ok_or_else(|| unknown(id))
}

/// Stores a customer whose version is the stored one, with the version after.
pub(super) fn put(connection: &Connection, customer: &Customer) -> Result<(), StoreError> {
    let id = customer.id();
    let stored = version(connection, id)?;
    let (expected, found) = (customer.version(), stored.unwrap_or(0));
    if expected != found {
        return Err(StoreError::Conflict { entity: Entity::Customer, id: *id.as_uuid(), expected, found });
    }
    TABLE.execute(
        connection,
        if stored.is_some() { UPDATE } else { INSERT },
        params![
            count(found.saturating_add(1)),
            customer.kind().as_str(),
            customer.since().timestamp_micros(),
            customer.name().map(Pii::expose),
            customer.language(),
            customer.zone(),
            json(customer.contacts(), TABLE)?,
            id.as_uuid().as_bytes(),
        ],
    )?;
    if stored.is_some() {
        if identities(connection, id)? == customer.identities() {
            return Ok(());
        }
        IDENTITIES.execute(connection, FORGET_IDENTITIES, params![id.as_uuid().as_bytes()])?;
    }
    for (position, identity) in (0_i64..).zip(customer.identities()) {
        let (issuer, subject) = (identity.issuer(), identity.subject().expose());
        let row = params![issuer.as_str(), subject, id.as_uuid().as_bytes(), position];
        if IDENTITIES.execute(connection, INSERT_IDENTITY, row)? == 0 {
            let taken_by = by_identity(connection, identity)?.ok_or(IDENTITIES.unreadable())?;
            return Err(StoreError::IdentityTaken { issuer, taken_by });
        }
    }
    Ok(())
}

/// What is read of a customer before their identities are.
fn read(row: &mut Columns<'_>) -> Result<Customer, Unreadable> {
    let id = CustomerId::new(row.id()?);
    let version = row.integer()?;
    let kind = row.term::<CustomerKind>()?;
    let mut customer = Customer::new(id, kind, row.instant()?)?;
    if let Some(name) = row.optional_text()? {
        customer = customer.with_name(name)?;
    }
    if let Some(language) = row.optional_text()? {
        customer = customer.with_language(language)?;
    }
    if let Some(zone) = row.optional_text()? {
        customer = customer.with_zone(zone)?;
    }
    for contact in row.list::<ContactPoint>()? {
        customer = customer.with_contact(contact)?;
    }
    Ok(customer.with_version(version))
}

fn identities(connection: &Connection, of: CustomerId) -> Result<Vec<Identity>, StoreError> {
    let read = |row: &mut Columns<'_>| Ok(Identity::new(row.term()?, row.text()?)?);
    IDENTITIES.all(connection, IDENTITIES_OF, [(of.as_uuid().as_bytes(),)], read)
}

fn with_identities(connection: &Connection, mut customer: Customer) -> Result<Customer, StoreError> {
    for identity in identities(connection, customer.id())? {
        customer = customer.with_identity(identity).map_err(|_| IDENTITIES.unreadable())?;
    }
    Ok(customer)
}

pub(super) fn page(
    connection: &Connection,
    after: Option<CustomerId>,
    rows: usize,
) -> Result<Vec<Customer>, StoreError> {
    // The empty blob is before every id.
    let after = after.as_ref().map_or(&[][..], |id| id.as_uuid().as_bytes());
    let customers = TABLE.all(connection, PAGE, [(after, limit(rows))], read)?;
    customers.into_iter().map(|customer| with_identities(connection, customer)).collect()
}

pub(super) fn by_id(connection: &Connection, ids: &[CustomerId]) -> Result<Vec<Customer>, StoreError> {
    let customers = TABLE.all(connection, BY_ID, ids.iter().map(|id| (id.as_uuid().as_bytes(),)), read)?;
    customers.into_iter().map(|customer| with_identities(connection, customer)).collect()
}

pub(super) fn by_identity(
    connection: &Connection,
    identity: &Identity,
) -> Result<Option<CustomerId>, StoreError> {
    let (issuer, subject) = (identity.issuer(), identity.subject().expose());
    let read = |row: &mut Columns<'_>| row.id().map(CustomerId::new);
    IDENTITIES.first(connection, BY_IDENTITY, params![issuer.as_str(), subject], read)
}
