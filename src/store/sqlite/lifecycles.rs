//! The stages customers went through.

use super::customers;
use super::table::{Columns, Table, Unreadable, table};
use crate::customer::CustomerId;
use crate::lifecycle::{LifecycleHistory, StageChange};
use crate::store::StoreError;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

const TABLE: Table = table!("stage changes");

const HISTORY: &str = "SELECT stage, at, reason FROM stage_changes WHERE customer = ?1 ORDER BY position";
const APPEND: &str =
    "INSERT INTO stage_changes (customer, position, stage, at, reason) VALUES (?1, ?2, ?3, ?4, ?5)";

pub(super) const SQL: &[&str] = &[HISTORY, APPEND];

/// Appends the moves, each to the stored history of its customer, which is read once.
pub(super) fn append(
    connection: &Connection,
    changes: &[(CustomerId, StageChange)],
) -> Result<(), StoreError> {
    let mut histories = BTreeMap::new();
    for &(customer, change) in changes {
        let history = match histories.entry(customer) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unread) => {
                customers::known(connection, customer)?;
                unread.insert(history(connection, customer)?)
            }
        };
        let position = history.entries().len();
        history.push(change)?;
        TABLE.execute(
            connection,
            APPEND,
            params![
                customer.as_uuid().as_bytes(),
                i64::try_from(position).map_err(|_| TABLE.unreadable())?,
                change.to().as_str(),
                change.at().timestamp_micros(),
                change.reason().to_text(),
            ],
        )?;
    }
    Ok(())
}

fn read(row: &mut Columns<'_>) -> Result<StageChange, Unreadable> {
    Ok(StageChange::new(row.term()?, row.instant()?, row.term()?)?)
}

fn history(connection: &Connection, of: CustomerId) -> Result<LifecycleHistory, StoreError> {
    let entries = TABLE.all(connection, HISTORY, [(of.as_uuid().as_bytes(),)], read)?;
    LifecycleHistory::try_from(entries).map_err(|_| TABLE.unreadable())
}

pub(super) fn of(
    connection: &Connection,
    customers: &[CustomerId],
) -> Result<Vec<(CustomerId, LifecycleHistory)>, StoreError> {
    let mut begun = Vec::new();
    for &customer in customers {
        let history = history(connection, customer)?;
        if !history.entries().is_empty() {
            begun.push((customer, history));
        }
    }
    Ok(begun)
}
