//! Matters as rows.

use super::customers;
use super::table::{Columns, Table, Unreadable, count, limit, table};
use crate::case::{Matter, MatterId, MatterKind};
use crate::customer::CustomerId;
use crate::key::IdempotencyKey;
use crate::store::{Entity, StoreError};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

const TABLE: Table = table!("matters");

const STORED: &str = "SELECT kind, id, version, wake, body FROM matters WHERE kind = ?1 AND id = ?2";
const PAGE: &str = "SELECT kind, id, version, wake, body FROM matters WHERE (kind, id) > (?1, ?2) \
     ORDER BY kind, id LIMIT ?3";
const OF: &str = "SELECT kind, id, version, wake, body FROM matters WHERE customer = ?1 ORDER BY kind, id";
const WAKING: &str = "SELECT kind, id FROM matters WHERE wake <= ?1 ORDER BY wake, kind, id LIMIT ?2";
const ONLY_ONE: &str = "SELECT kind, id FROM matters WHERE only_one = ?1";
const INSERT: &str = "INSERT INTO matters (customer, version, wake, status, only_one, body, kind, id) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const UPDATE: &str = "UPDATE matters SET customer = ?1, version = ?2, wake = ?3, status = ?4, only_one = ?5, \
     body = ?6 WHERE kind = ?7 AND id = ?8";

pub(super) const SQL: &[&str] = &[STORED, PAGE, OF, WAKING, ONLY_ONE, INSERT, UPDATE];

fn stored(connection: &Connection, id: MatterId) -> Result<Option<Matter>, StoreError> {
    TABLE.first(connection, STORED, params![id.kind(), id.as_uuid().as_bytes()], read)
}

/// Stores a matter whose version is the stored one and whose history goes on from the stored one, with the version
/// after.
pub(super) fn put(connection: &Connection, matter: &Matter) -> Result<(), StoreError> {
    let id = matter.id();
    let stored = stored(connection, id)?;
    let (expected, found) = (matter.version(), stored.as_ref().map_or(0, Matter::version));
    if expected != found {
        return Err(StoreError::Conflict { entity: Entity::Matter, id: *id.as_uuid(), expected, found });
    }
    if let Some(customer) = matter.customer() {
        customers::known(connection, customer)?;
    }
    if let Some(stored) = &stored {
        matter.continues(stored)?;
    }
    let only_one = matter.only_one();
    if let Some(only_one) = only_one
        && let Some(open) = open(connection, only_one)?.filter(|open| *open != id)
    {
        return Err(StoreError::OpenAlready { only_one, open });
    }
    let unwritable = |_| StoreError::Unusable { problem: TABLE.unreadable };
    TABLE.execute(
        connection,
        if stored.is_some() { UPDATE } else { INSERT },
        params![
            matter.customer().as_ref().map(|customer| customer.as_uuid().as_bytes()),
            count(found.saturating_add(1)),
            matter.wake().map(|wake| wake.timestamp_micros()),
            matter.status(),
            only_one.as_ref().map(|key| key.as_uuid().as_bytes()),
            serde_json::to_string(matter.kind()).map_err(unwritable)?,
            id.kind(),
            id.as_uuid().as_bytes(),
        ],
    )?;
    Ok(())
}

/// Which matter there may be one of is there.
fn open(connection: &Connection, only_one: IdempotencyKey) -> Result<Option<MatterId>, StoreError> {
    TABLE.first(connection, ONLY_ONE, params![only_one.as_uuid().as_bytes()], read_id)
}

fn read_id(row: &mut Columns<'_>) -> Result<MatterId, Unreadable> {
    Ok(MatterId::new(row.text()?, row.id()?)?)
}

fn read(row: &mut Columns<'_>) -> Result<Matter, Unreadable> {
    let id = read_id(row)?;
    let version = row.integer()?;
    let wake = row.optional_instant()?;
    let matter = Matter::new(row.json::<MatterKind>()?).waking(wake)?.with_version(version);
    if matter.id() == id { Ok(matter) } else { Err(Unreadable) }
}

pub(super) fn page(
    connection: &Connection,
    after: Option<MatterId>,
    rows: usize,
) -> Result<Vec<Matter>, StoreError> {
    // The empty text is before every kind.
    let (kind, id) = after.as_ref().map_or(("", &[][..]), |id| (id.kind(), id.as_uuid().as_bytes()));
    TABLE.all(connection, PAGE, [(kind, id, limit(rows))], read)
}

pub(super) fn by_id(connection: &Connection, ids: &[MatterId]) -> Result<Vec<Matter>, StoreError> {
    TABLE.all(connection, STORED, ids.iter().map(|id| (id.kind(), id.as_uuid().as_bytes())), read)
}

pub(super) fn of(connection: &Connection, of: &[CustomerId]) -> Result<Vec<Matter>, StoreError> {
    TABLE.all(connection, OF, of.iter().map(|customer| (customer.as_uuid().as_bytes(),)), read)
}

pub(super) fn waking(
    connection: &Connection,
    now: DateTime<Utc>,
    rows: usize,
) -> Result<Vec<MatterId>, StoreError> {
    TABLE.all(connection, WAKING, [(now.timestamp_micros(), limit(rows))], read_id)
}

#[cfg(test)]
mod tests {
    use super::super::schema::MIGRATIONS;
    use super::*;

    #[test]
    fn windows_are_found_by_an_index_in_its_order() {
        let connection = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration).unwrap();
        }
        for (sql, parameters, wanted) in [
            (PAGE, 3, "SEARCH matters USING PRIMARY KEY ((kind,id)>(?,?))"),
            (OF, 1, "SEARCH matters USING INDEX matters_of_customer (customer=?)"),
            (WAKING, 2, "SEARCH matters USING COVERING INDEX matters_waking (wake<?)"),
        ] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = rusqlite::params_from_iter(std::iter::repeat_n(0, parameters));
            let steps: Vec<String> =
                plan.query_map(parameters, |row| row.get(3)).unwrap().map(Result::unwrap).collect();
            assert_eq!(steps, [wanted]);
        }
    }
}
