//! The journal: which change set was committed under which key, and its receipt.

use super::table::{Table, count, table};
use crate::key::IdempotencyKey;
use crate::store::{ChangeSet, Committed, Entity, StoreError};
use rusqlite::{Connection, params};

const TABLE: Table = table!("the journal");

const FIND: &str = "SELECT digest, sequence, applied, known FROM journal WHERE key = ?1";
const APPEND: &str =
    "INSERT INTO journal (key, digest, at, author, applied, known) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

pub(super) const SQL: &[&str] = &[FIND, APPEND];

/// The digest and the receipt of the change set committed under a key.
fn find(connection: &Connection, key: IdempotencyKey) -> Result<Option<(u128, Committed)>, StoreError> {
    TABLE.first(connection, FIND, params![key.as_uuid().as_bytes()], |row| {
        let digest = u128::from_be_bytes(row.bytes()?);
        let (sequence, applied, known) = (row.integer()?, row.integer()?, row.integer()?);
        Ok((digest, Committed { sequence, applied, known, replayed: false }))
    })
}

pub(super) fn receipt(connection: &Connection, key: IdempotencyKey) -> Result<Option<Committed>, StoreError> {
    Ok(find(connection, key)?.map(|(_, receipt)| receipt))
}

/// The receipt of an earlier commit of the same change set.
pub(super) fn replay(
    connection: &Connection,
    key: IdempotencyKey,
    digest: u128,
) -> Result<Option<Committed>, StoreError> {
    match find(connection, key)? {
        Some((first, receipt)) if first == digest => Ok(Some(Committed { replayed: true, ..receipt })),
        Some(_) => Err(StoreError::KeyReuse { entity: Entity::ChangeSet, key: *key.as_uuid() }),
        None => Ok(None),
    }
}

/// Writes the receipt of a change set of which so many facts were known.
pub(super) fn append(
    connection: &Connection,
    changes: &ChangeSet,
    digest: u128,
    known: u64,
) -> Result<Committed, StoreError> {
    let applied = (changes.len() as u64).saturating_sub(known);
    let (key, author) = (changes.key(), changes.by());
    TABLE.execute(
        connection,
        APPEND,
        params![
            key.as_uuid().as_bytes(),
            digest.to_be_bytes(),
            changes.at().timestamp_micros(),
            author.as_str(),
            count(applied),
            count(known),
        ],
    )?;
    let sequence = u64::try_from(connection.last_insert_rowid()).map_err(|_| TABLE.unreadable())?;
    Ok(Committed { sequence, applied, known, replayed: false })
}
