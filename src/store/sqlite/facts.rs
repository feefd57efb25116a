//! What the three kinds of fact have in common: appended once under an id, found by it, read by customer and time.

use super::customers;
use super::fault::{failed, refers_to_nothing};
use super::table::{Columns, Table, Unreadable};
use crate::customer::CustomerId;
use crate::period::Period;
use crate::store::{Entity, StoreError};
use rusqlite::{Connection, Statement, params};
use uuid::Uuid;

/// A fact as a row of its table.
pub(super) trait Fact: PartialEq + Sized {
    const ENTITY: Entity;
    const TABLE: Table;
    /// Inserts a row, or nothing where the id is known.
    const INSERT: &'static str;
    /// The fact of an id.
    const BY_ID: &'static str;
    /// The facts of a customer from one instant to before another, by time, then id.
    const WITHIN: &'static str;

    /// Its id.
    fn key(&self) -> Uuid;
    /// The customer it is about.
    fn whose(&self) -> CustomerId;
    /// Runs `INSERT` and returns the number of inserted rows.
    fn insert(&self, statement: &mut Statement<'_>) -> rusqlite::Result<usize>;
    fn read(row: &mut Columns<'_>) -> Result<Self, Unreadable>;
}

/// Appends facts that are not known and returns how many were.
pub(super) fn append<T: Fact>(connection: &Connection, facts: &[T]) -> Result<u64, StoreError> {
    if facts.is_empty() {
        return Ok(0);
    }
    let mut known = 0;
    let mut statement = connection.prepare_cached(T::INSERT).map_err(failed(T::TABLE.write))?;
    for fact in facts {
        match fact.insert(&mut statement) {
            Ok(1) => {}
            Ok(_) => {
                same_as_stored(connection, fact)?;
                known += 1;
            }
            Err(error) if refers_to_nothing(&error) => return Err(customers::unknown(fact.whose())),
            Err(error) => return Err(failed(T::TABLE.write)(error)),
        }
    }
    Ok(known)
}

/// Refuses a fact whose id stands for another one. Only asked where the id is known.
fn same_as_stored<T: Fact>(connection: &Connection, fact: &T) -> Result<(), StoreError> {
    let stored = T::TABLE.first(connection, T::BY_ID, params![fact.key().as_bytes()], T::read)?;
    if stored.as_ref() == Some(fact) {
        Ok(())
    } else {
        Err(StoreError::KeyReuse { entity: T::ENTITY, key: fact.key() })
    }
}

/// The facts of these customers, by customer, time, id.
pub(super) fn of<T: Fact>(connection: &Connection, customers: &[CustomerId]) -> Result<Vec<T>, StoreError> {
    between(connection, customers, i64::MIN, i64::MAX)
}

/// The facts of these customers in a period, by customer, time, id.
pub(super) fn within<T: Fact>(
    connection: &Connection,
    customers: &[CustomerId],
    period: Period,
) -> Result<Vec<T>, StoreError> {
    between(connection, customers, period.start().timestamp_micros(), period.end().timestamp_micros())
}

fn between<T: Fact>(
    connection: &Connection,
    customers: &[CustomerId],
    start: i64,
    end: i64,
) -> Result<Vec<T>, StoreError> {
    let asked = customers.iter().map(|customer| (customer.as_uuid().as_bytes(), start, end));
    T::TABLE.all(connection, T::WITHIN, asked, T::read)
}
