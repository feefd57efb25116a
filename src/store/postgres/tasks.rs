//! Tasks as rows.

use super::customers;
use super::fault::Fault;
use super::session::Session;
use super::table::{Known, Table, table};
use super::value::{Columns, Unreadable, Value};
use crate::because::Because;
use crate::customer::CustomerId;
use crate::store::{Entity, StoreError};
use crate::task::{Task, TaskId, TaskStatus};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(super) const TABLE: Table = table!(
    "tasks",
    "id",
    ["id", "version", "about", "due", "customer", "priority", "status", "assignee", "because"]
);

/// A page from an id on.
pub(super) fn page() -> String {
    TABLE.select("WHERE id >= $1 ORDER BY id LIMIT $2")
}

/// The tasks of some ids.
pub(super) fn by_id() -> String {
    TABLE.select("WHERE id = ANY($1) ORDER BY id")
}

fn lock() -> String {
    TABLE.select("WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE")
}

pub(super) fn sql() -> Vec<String> {
    vec![page(), by_id(), lock(), TABLE.insert(Known::Stays), TABLE.insert(Known::Changes)]
}

/// Stores tasks whose version is the stored one and whose status may follow the stored one, with the version after.
pub(super) async fn put(session: &Session, tasks: &[Task]) -> Result<(), Fault> {
    if tasks.is_empty() {
        return Ok(());
    }
    let asked: BTreeSet<Uuid> = tasks.iter().map(|task| *task.id().as_uuid()).collect();
    let asked: Vec<Uuid> = asked.into_iter().collect();
    let rows = session.rows(TABLE.read, &lock(), &[&asked]).await?;
    let mut stored: BTreeMap<TaskId, Task> =
        TABLE.decoded(&rows, read)?.into_iter().map(|task| (task.id(), task)).collect();
    let before: BTreeSet<TaskId> = stored.keys().copied().collect();
    let customers = customers::among(session, tasks.iter().filter_map(Task::customer)).await?;
    for task in tasks {
        let id = task.id();
        let known = stored.get(&id);
        let (expected, found) = (task.version(), known.map_or(0, Task::version));
        if expected != found {
            let (entity, id) = (Entity::Task, *id.as_uuid());
            return Err(StoreError::Conflict { entity, id, expected, found }.into());
        }
        if let Some(unknown) = task.customer().filter(|customer| !customers.contains(customer)) {
            return Err(customers::unknown(unknown).into());
        }
        if let Some(known) = known.filter(|known| known.status() != task.status()) {
            known.moved_to(task.status())?;
        }
        stored.insert(id, task.clone().with_version(found.saturating_add(1)));
    }
    let (changed, new): (Vec<_>, Vec<_>) = stored.values().partition(|task| before.contains(&task.id()));
    TABLE.put(session, Known::Changes, changed.iter().map(|task| values(task))).await?;
    if TABLE.put(session, Known::Stays, new.iter().map(|task| values(task))).await? < new.len() as u64 {
        return Err(Fault::OVERTAKEN);
    }
    Ok(())
}

fn values(task: &Task) -> Result<Vec<Value<'_>>, Unreadable> {
    Ok(vec![
        (*task.id().as_uuid()).into(),
        Value::count(task.version()),
        task.about().into(),
        task.due().into(),
        task.customer().map(|customer| *customer.as_uuid()).into(),
        task.priority().as_str().into(),
        task.status().as_str().into(),
        task.assignee().into(),
        Value::list(task.reasons())?,
    ])
}

pub(super) fn read(row: &mut Columns<'_>) -> Result<Task, Unreadable> {
    let id = TaskId::new(row.id()?);
    let version = row.integer()?;
    let mut task = Task::new(id, row.term()?, row.instant()?)?;
    if let Some(customer) = row.optional_id()? {
        task = task.for_customer(CustomerId::new(customer));
    }
    task = task.with_priority(row.term()?);
    let status = row.term::<TaskStatus>()?;
    if let Some(assignee) = row.optional_term()? {
        task = task.assigned_to(assignee);
    }
    for reason in row.list::<Because>()? {
        task = task.because(reason);
    }
    if status != task.status() {
        // Every status can be reached from the first in one move.
        task = task.moved_to(status)?;
    }
    Ok(task.with_version(version))
}
