//! The journal: which change set was committed under which key, and its receipt.

use super::session::{Ending, Session};
use super::table::{Table, table};
use super::value::{Columns, Unreadable};
use crate::key::IdempotencyKey;
use crate::store::{ChangeSet, Committed, Entity, StoreError};
use tokio_postgres::Row;

pub(super) const TABLE: Table =
    table!("journal", "sequence", ["key", "digest", "at", "author", "applied", "known"]);

pub(super) const FIND: &str = "SELECT digest, sequence, applied, known FROM @journal WHERE key = $1";
const APPEND: &str = "INSERT INTO @journal (key, digest, at, author, applied, known) \
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING sequence";

pub(super) fn sql() -> Vec<String> {
    [FIND, APPEND].map(str::to_owned).into()
}

fn read(row: &mut Columns<'_>) -> Result<(u128, Committed), Unreadable> {
    let digest = u128::from_be_bytes(row.bytes()?);
    let (sequence, applied, known) = (row.integer()?, row.integer()?, row.integer()?);
    Ok((digest, Committed { sequence, applied, known, replayed: false }))
}

/// The receipt in the rows of `FIND`.
pub(super) fn receipt(rows: &[Row]) -> Result<Option<Committed>, StoreError> {
    Ok(TABLE.decoded(rows, read)?.pop().map(|(_, receipt)| receipt))
}

/// The receipt of an earlier commit of the same change set, in the rows of `FIND`.
pub(super) fn replay(
    rows: &[Row],
    key: IdempotencyKey,
    digest: u128,
) -> Result<Option<Committed>, StoreError> {
    match TABLE.decoded(rows, read)?.pop() {
        Some((first, receipt)) if first == digest => Ok(Some(Committed { replayed: true, ..receipt })),
        Some(_) => Err(StoreError::KeyReuse { entity: Entity::ChangeSet, key: *key.as_uuid() }),
        None => Ok(None),
    }
}

/// Writes the receipt of a change set of which so many facts were known, and ends the transaction.
pub(super) async fn append(
    session: &Session,
    changes: &ChangeSet,
    digest: u128,
    known: u64,
) -> Result<Committed, Ending> {
    let applied = (changes.len() as u64).saturating_sub(known);
    let (key, author) = (*changes.key().as_uuid(), changes.by().to_string());
    let counts = [applied, known].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let [counted_applied, counted_known] = &counts;
    let row = session
        .commit_with(
            TABLE.write,
            APPEND,
            &[&key, &digest.to_be_bytes().as_slice(), &changes.at(), &author, counted_applied, counted_known],
        )
        .await?;
    // It is committed: should its number be unreadable, committing again finds out.
    let sequence = Columns::new(&row).integer().map_err(|Unreadable| Ending::InDoubt)?;
    Ok(Committed { sequence, applied, known, replayed: false })
}
