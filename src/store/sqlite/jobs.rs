//! Notifications on their way.

use super::table::{Columns, Table, Unreadable, count, json, limit, table};
use crate::because::Because;
use crate::customer::CustomerId;
use crate::interaction::Touchpoint;
use crate::key::IdempotencyKey;
use crate::notification::{Job, JobState, Notification, Recipient, Settlement};
use crate::pii::Pii;
use crate::store::{Entity, StoreError, due};
use crate::tag::Tag;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

const TABLE: Table = table!("notifications");

const STORED: &str = "SELECT key, to_customer, to_staff, about, due, via, because, text, state, until, attempts, \
     fence, not_before, problem FROM notifications WHERE key = ?1";
const PAGE: &str = "SELECT key, to_customer, to_staff, about, due, via, because, text, state, until, attempts, \
     fence, not_before, problem FROM notifications WHERE key > ?1 ORDER BY key LIMIT ?2";
// The first condition is, word for word, that of the index, so that only open jobs are looked at, in their order.
const DUE: &str = "SELECT key, to_customer, to_staff, about, due, via, because, text, state, until, attempts, \
     fence, not_before, problem FROM notifications \
     WHERE state IN ('scheduled', 'claimed') AND not_before <= ?1 AND (state = 'scheduled' OR until <= ?1) \
     ORDER BY not_before, key LIMIT ?2";
const INSERT: &str = "INSERT INTO notifications (key, to_customer, to_staff, about, due, via, because, text, state, \
     until, attempts, fence, not_before, problem) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
const MOVE: &str = "UPDATE notifications SET state = ?1, until = ?2, attempts = ?3, fence = ?4, not_before = ?5, \
     problem = ?6 WHERE key = ?7";
const GIVE_UP: &str =
    "UPDATE notifications SET state = 'exhausted', until = NULL, problem = 'unreadable' WHERE key = ?1";

pub(super) const SQL: &[&str] = &[STORED, PAGE, DUE, INSERT, MOVE, GIVE_UP];

fn stored(connection: &Connection, key: IdempotencyKey) -> Result<Option<Job>, StoreError> {
    TABLE.first(connection, STORED, params![key.as_uuid().as_bytes()], read)
}

/// Stores the notifications that are not known and returns how many were.
pub(super) fn append(connection: &Connection, notifications: &[Notification]) -> Result<u64, StoreError> {
    let mut known = 0;
    for notification in notifications {
        let key = notification.key();
        match stored(connection, key)? {
            None => insert(connection, &Job::new(notification.clone()))?,
            Some(job) if job.notification == *notification => known += 1,
            Some(_) => {
                return Err(StoreError::KeyReuse { entity: Entity::Notification, key: *key.as_uuid() });
            }
        }
    }
    Ok(known)
}

/// Applies what became of jobs, one after the other.
pub(super) fn settle(connection: &Connection, settlements: &[Settlement]) -> Result<(), StoreError> {
    for settlement in settlements {
        let key = settlement.key();
        let unknown = StoreError::Unknown { entity: Entity::Notification, id: *key.as_uuid() };
        let job = stored(connection, key)?.ok_or(unknown)?;
        advance(connection, &due::settled(&job, settlement)?)?;
    }
    Ok(())
}

/// Leases jobs that are due until an instant, by time, then key. A row that cannot be read back is given up with its reason,
/// so that it holds up no other.
pub(super) fn claim(
    connection: &Connection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    jobs: usize,
) -> Result<Vec<Job>, StoreError> {
    loop {
        let rows = TABLE.all(connection, DUE, [(now.timestamp_micros(), limit(jobs))], |row| {
            let key = row.again().id()?;
            Ok((key, read(row)))
        })?;
        let found = rows.len();
        let mut due = Vec::with_capacity(found);
        for (key, job) in rows {
            match job {
                Ok(job) => due.push(due::claimed(&job, until)),
                Err(Unreadable) => {
                    TABLE.execute(connection, GIVE_UP, params![key.as_bytes()])?;
                }
            }
        }
        for job in &due {
            advance(connection, job)?;
        }
        if !due.is_empty() || found == 0 {
            return Ok(due);
        }
    }
}

pub(super) fn page(
    connection: &Connection,
    after: Option<IdempotencyKey>,
    rows: usize,
) -> Result<Vec<Job>, StoreError> {
    // The empty blob is before every key.
    let after = after.as_ref().map_or(&[][..], |key| key.as_uuid().as_bytes());
    TABLE.all(connection, PAGE, [(after, limit(rows))], read)
}

fn insert(connection: &Connection, job: &Job) -> Result<(), StoreError> {
    let told = &job.notification;
    let (to_customer, to_staff) = match told.to() {
        Recipient::Customer(customer) => (Some(*customer.as_uuid().as_bytes()), None),
        Recipient::Staff(staff) => (None, Some(staff)),
    };
    let (state, until) = state(job.state);
    TABLE.execute(
        connection,
        INSERT,
        params![
            told.key().as_uuid().as_bytes(),
            to_customer,
            to_staff.as_ref().map(Tag::as_str),
            told.about().as_str(),
            told.due().timestamp_micros(),
            told.touchpoint().as_ref().map(Touchpoint::to_text),
            json(told.reasons(), TABLE)?,
            told.text().map(Pii::expose),
            state,
            until,
            job.attempts,
            count(job.fence),
            job.not_before.timestamp_micros(),
            job.problem.as_ref().map(Tag::as_str),
        ],
    )?;
    Ok(())
}

fn advance(connection: &Connection, job: &Job) -> Result<(), StoreError> {
    let (state, until) = state(job.state);
    TABLE.execute(
        connection,
        MOVE,
        params![
            state,
            until,
            job.attempts,
            count(job.fence),
            job.not_before.timestamp_micros(),
            job.problem.as_ref().map(Tag::as_str),
            job.notification.key().as_uuid().as_bytes(),
        ],
    )?;
    Ok(())
}

/// A state and the end of its lease, as the columns hold them.
fn state(state: JobState) -> (&'static str, Option<i64>) {
    match state {
        JobState::Scheduled => ("scheduled", None),
        JobState::Claimed { until } => ("claimed", Some(until.timestamp_micros())),
        JobState::Delivered => ("delivered", None),
        JobState::Exhausted => ("exhausted", None),
        JobState::Cancelled => ("cancelled", None),
    }
}

fn read(row: &mut Columns<'_>) -> Result<Job, Unreadable> {
    let key = IdempotencyKey::new(row.id()?);
    let to = match (row.optional_id()?, row.optional_term()?) {
        (Some(customer), None) => Recipient::Customer(CustomerId::new(customer)),
        (None, Some(staff)) => Recipient::Staff(staff),
        _ => return Err(Unreadable),
    };
    let mut told = Notification::new(key, to, row.term()?, row.instant()?)?;
    if let Some(touchpoint) = row.optional_term()? {
        told = told.via(touchpoint);
    }
    for reason in row.list::<Because>()? {
        told = told.because(reason);
    }
    if let Some(text) = row.optional_text()? {
        told = told.with_text(text)?;
    }
    let state = match (row.text()?, row.optional_instant()?) {
        ("scheduled", None) => JobState::Scheduled,
        ("claimed", Some(until)) => JobState::Claimed { until },
        ("delivered", None) => JobState::Delivered,
        ("exhausted", None) => JobState::Exhausted,
        ("cancelled", None) => JobState::Cancelled,
        _ => return Err(Unreadable),
    };
    Ok(Job {
        notification: told,
        state,
        attempts: row.integer()?,
        fence: row.integer()?,
        not_before: row.instant()?,
        problem: row.optional_term()?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::schema::MIGRATIONS;
    use super::*;

    #[test]
    fn due_jobs_are_found_by_the_index_in_its_order() {
        let connection = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration).unwrap();
        }
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {DUE}")).unwrap();
        let steps: Vec<String> =
            plan.query_map(params![0, 1], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert_eq!(steps, ["SEARCH notifications USING INDEX notifications_open (not_before<?)"]);
    }
}
