//! Tasks as rows.

use super::customers;
use super::table::{Columns, Table, Unreadable, count, json, limit, table};
use crate::because::Because;
use crate::customer::CustomerId;
use crate::store::{Entity, StoreError};
use crate::tag::Tag;
use crate::task::{Task, TaskId, TaskStatus};
use rusqlite::{Connection, params};

const TABLE: Table = table!("tasks");

const STORED: &str = "SELECT id, version, about, due, customer, priority, status, assignee, because FROM tasks \
     WHERE id = ?1";
const PAGE: &str = "SELECT id, version, about, due, customer, priority, status, assignee, because FROM tasks \
     WHERE id > ?1 ORDER BY id LIMIT ?2";
const INSERT: &str = "INSERT INTO tasks (version, about, due, customer, priority, status, assignee, because, id) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const UPDATE: &str = "UPDATE tasks SET version = ?1, about = ?2, due = ?3, customer = ?4, priority = ?5, \
     status = ?6, assignee = ?7, because = ?8 WHERE id = ?9";

pub(super) const SQL: &[&str] = &[STORED, PAGE, INSERT, UPDATE];

fn stored(connection: &Connection, id: TaskId) -> Result<Option<Task>, StoreError> {
    TABLE.first(connection, STORED, params![id.as_uuid().as_bytes()], read)
}

/// Stores a task whose version is the stored one and whose status may follow the stored one, with the version after.
pub(super) fn put(connection: &Connection, task: &Task) -> Result<(), StoreError> {
    let id = task.id();
    let stored = stored(connection, id)?;
    let (expected, found) = (task.version(), stored.as_ref().map_or(0, Task::version));
    if expected != found {
        return Err(StoreError::Conflict { entity: Entity::Task, id: *id.as_uuid(), expected, found });
    }
    if let Some(customer) = task.customer() {
        customers::known(connection, customer)?;
    }
    if let Some(stored) = stored.as_ref().filter(|stored| stored.status() != task.status()) {
        stored.moved_to(task.status())?;
    }
    TABLE.execute(
        connection,
        if stored.is_some() { UPDATE } else { INSERT },
        params![
            count(found.saturating_add(1)),
            task.about().as_str(),
            task.due().timestamp_micros(),
            task.customer().as_ref().map(|customer| customer.as_uuid().as_bytes()),
            task.priority().as_str(),
            task.status().as_str(),
            task.assignee().as_ref().map(Tag::as_str),
            json(task.reasons(), TABLE)?,
            id.as_uuid().as_bytes(),
        ],
    )?;
    Ok(())
}

fn read(row: &mut Columns<'_>) -> Result<Task, Unreadable> {
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

pub(super) fn page(
    connection: &Connection,
    after: Option<TaskId>,
    rows: usize,
) -> Result<Vec<Task>, StoreError> {
    // The empty blob is before every id.
    let after = after.as_ref().map_or(&[][..], |id| id.as_uuid().as_bytes());
    TABLE.all(connection, PAGE, [(after, limit(rows))], read)
}

pub(super) fn by_id(connection: &Connection, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
    TABLE.all(connection, STORED, ids.iter().map(|id| (id.as_uuid().as_bytes(),)), read)
}
