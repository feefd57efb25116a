//! The stages customers went through.

use super::customers;
use super::fault::Fault;
use super::session::Session;
use super::table::{Known, Table, table};
use super::value::{Columns, Unreadable, Value};
use crate::customer::CustomerId;
use crate::lifecycle::{LifecycleHistory, StageChange};
use crate::store::StoreError;
use std::collections::BTreeMap;
use tokio_postgres::Row;
use uuid::Uuid;

pub(super) const TABLE: Table =
    table!("stage_changes", "customer, position", ["customer", "position", "stage", "at", "reason"]);

pub(super) const OF: &str = "SELECT customer, stage, at, reason FROM @stage_changes WHERE customer = ANY($1) \
     ORDER BY customer, position";

pub(super) fn sql() -> Vec<String> {
    vec![OF.to_owned(), TABLE.insert(Known::Stays)]
}

/// Appends the moves, each to the stored history of its customer.
pub(super) async fn append(session: &Session, changes: &[(CustomerId, StageChange)]) -> Result<(), Fault> {
    if changes.is_empty() {
        return Ok(());
    }
    let known = customers::lock(session, changes.iter().map(|(customer, _)| *customer)).await?;
    let asked: Vec<Uuid> = known.keys().map(|id| *id.as_uuid()).collect();
    let rows = session.rows(TABLE.read, OF, &[&asked]).await?;
    let mut histories: BTreeMap<_, _> = histories(&rows)?.into_iter().collect();
    let mut new: Vec<Vec<Value<'_>>> = Vec::with_capacity(changes.len());
    for &(customer, change) in changes {
        if !known.contains_key(&customer) {
            return Err(customers::unknown(customer).into());
        }
        let history: &mut LifecycleHistory = histories.entry(customer).or_default();
        let position = history.entries().len();
        history.push(change)?;
        new.push(vec![
            (*customer.as_uuid()).into(),
            Value::count(position as u64),
            change.to().as_str().into(),
            change.at().into(),
            change.reason().to_text().into(),
        ]);
    }
    let count = new.len() as u64;
    if TABLE.put(session, Known::Stays, new.into_iter().map(Ok)).await? < count {
        return Err(Fault::OVERTAKEN);
    }
    Ok(())
}

fn read(row: &mut Columns<'_>) -> Result<(CustomerId, StageChange), Unreadable> {
    let customer = CustomerId::new(row.id()?);
    Ok((customer, StageChange::new(row.term()?, row.instant()?, row.term()?)?))
}

/// The rows of `OF` as histories by customer.
pub(super) fn histories(rows: &[Row]) -> Result<Vec<(CustomerId, LifecycleHistory)>, StoreError> {
    let mut histories: Vec<(CustomerId, LifecycleHistory)> = Vec::new();
    for (customer, change) in TABLE.decoded(rows, read)? {
        match histories.last_mut() {
            Some((last, history)) if *last == customer => history.push(change),
            _ => {
                let mut history = LifecycleHistory::new();
                let pushed = history.push(change);
                histories.push((customer, history));
                pushed
            }
        }
        .map_err(|_| TABLE.unreadable())?;
    }
    Ok(histories)
}
