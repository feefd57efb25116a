//! Notifications on their way.

use super::fault::Fault;
use super::session::Session;
use super::table::{Known, Table, table};
use super::value::{Columns, Unreadable, Value};
use crate::because::Because;
use crate::customer::CustomerId;
use crate::key::IdempotencyKey;
use crate::notification::{Job, JobState, Notification, Recipient, Settlement};
use crate::store::{Entity, StoreError, due};
use chrono::{DateTime, Utc};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio_postgres::Row;
use uuid::Uuid;

pub(super) const TABLE: Table = table!(
    "notifications",
    "key",
    [
        "key",
        "to_customer",
        "to_staff",
        "about",
        "due",
        "via",
        "because",
        "text",
        "state",
        "until",
        "attempts",
        "fence",
        "not_before",
        "problem"
    ]
);

/// Locks due jobs that nobody else has locked, and leases them. The list is made once, whatever the planner thinks of it.
pub(super) fn claim() -> String {
    let all: Vec<String> = TABLE.columns.iter().map(|column| format!("job.{column}")).collect();
    format!(
        "WITH due AS MATERIALIZED (SELECT key FROM @notifications \
         WHERE open AND not_before <= $1 AND (state = 'scheduled' OR until <= $1) \
         ORDER BY not_before, key LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED) \
         UPDATE @notifications AS job SET state = 'claimed', until = $3, \
         attempts = least(job.attempts + 1, {}), fence = least(job.fence, {}) + 1 \
         FROM due WHERE job.key = due.key RETURNING {}",
        u32::MAX,
        i64::MAX - 1,
        all.join(", ")
    )
}

const MOVE: &str = "UPDATE @notifications AS job SET state = moved.state, until = moved.until, \
     attempts = moved.attempts, fence = moved.fence, not_before = moved.not_before, problem = moved.problem \
     FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::timestamptz[], \
     $7::text[]) AS moved (key, state, until, attempts, fence, not_before, problem) WHERE job.key = moved.key";

const GIVE_UP: &str = "UPDATE @notifications SET state = 'exhausted', until = NULL, problem = 'unreadable' \
     WHERE key = ANY($1)";

/// What a claim came to.
#[derive(Default)]
pub(super) struct Claimed {
    pub(super) jobs: Vec<Job>,
    /// Whether there were rows that cannot be read back.
    pub(super) gave_up: bool,
}

/// The jobs of a claim. A row that cannot be read back is given up with its reason, so that it holds up no other.
pub(super) async fn claimed(session: &Session, rows: &[Row]) -> Result<Claimed, Fault> {
    let (mut jobs, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        match read(&mut Columns::new(row)) {
            Ok(job) => jobs.push(job),
            Err(Unreadable) => {
                unreadable.push(Columns::new(row).id().map_err(|Unreadable| TABLE.unreadable())?);
            }
        }
    }
    let gave_up = !unreadable.is_empty();
    if gave_up {
        session.execute(TABLE.write, GIVE_UP, &[&unreadable]).await?;
    }
    Ok(Claimed { jobs, gave_up })
}

/// A page from a key on.
pub(super) fn page() -> String {
    TABLE.select("WHERE key >= $1 ORDER BY key LIMIT $2")
}

fn by_key() -> String {
    TABLE.select("WHERE key = ANY($1)")
}

fn lock() -> String {
    TABLE.select("WHERE key = ANY($1) ORDER BY key FOR NO KEY UPDATE")
}

pub(super) fn sql() -> Vec<String> {
    vec![claim(), GIVE_UP.to_owned(), MOVE.to_owned(), page(), by_key(), lock(), TABLE.insert(Known::Stays)]
}

/// Stores the notifications that are not known and returns how many were.
pub(super) async fn append(session: &Session, notifications: &[Notification]) -> Result<u64, Fault> {
    if notifications.is_empty() {
        return Ok(0);
    }
    let mut known: HashMap<IdempotencyKey, &Notification> = HashMap::with_capacity(notifications.len());
    let mut first = Vec::with_capacity(notifications.len());
    let mut refusal = None;
    for told in notifications {
        match known.entry(told.key()) {
            Entry::Vacant(free) => {
                free.insert(told);
                first.push(Job::new(told.clone()));
            }
            Entry::Occupied(before) if *before.get() == told => {}
            Entry::Occupied(_) => {
                refusal = Some(reuse(told));
                break;
            }
        }
    }
    // As with facts, so that two who write the same ones wait for each other one way round.
    let mut sorted: Vec<&Job> = first.iter().collect();
    sorted.sort_unstable_by_key(|job| job.notification.key());
    let inserted = TABLE.put(session, Known::Stays, sorted.into_iter().map(values)).await?;
    if inserted < first.len() as u64 {
        let keys: Vec<Uuid> = first.iter().map(|job| *job.notification.key().as_uuid()).collect();
        let rows = session.rows(TABLE.read, &by_key(), &[&keys]).await?;
        let stored = TABLE.decoded(&rows, read)?.into_iter().map(|job| job.notification);
        let stored: HashMap<IdempotencyKey, Notification> = stored.map(|told| (told.key(), told)).collect();
        for told in first.iter().map(|job| &job.notification) {
            match stored.get(&told.key()) {
                Some(stored) if stored == told => {}
                Some(_) => return Err(reuse(told).into()),
                // Whoever had it there took it away meanwhile.
                None => return Err(Fault::OVERTAKEN),
            }
        }
    }
    match refusal {
        Some(refusal) => Err(refusal.into()),
        None => Ok((notifications.len() as u64).saturating_sub(inserted)),
    }
}

fn reuse(told: &Notification) -> StoreError {
    StoreError::KeyReuse { entity: Entity::Notification, key: *told.key().as_uuid() }
}

/// Applies what became of jobs, one after the other.
pub(super) async fn settle(session: &Session, settlements: &[Settlement]) -> Result<(), Fault> {
    if settlements.is_empty() {
        return Ok(());
    }
    let asked: BTreeSet<Uuid> = settlements.iter().map(|settlement| *settlement.key().as_uuid()).collect();
    let asked: Vec<Uuid> = asked.into_iter().collect();
    let rows = session.rows(TABLE.read, &lock(), &[&asked]).await?;
    let jobs = TABLE.decoded(&rows, read)?;
    let mut jobs: BTreeMap<IdempotencyKey, Job> =
        jobs.into_iter().map(|job| (job.notification.key(), job)).collect();
    for settlement in settlements {
        let key = settlement.key();
        let unknown = StoreError::Unknown { entity: Entity::Notification, id: *key.as_uuid() };
        let job = jobs.get_mut(&key).ok_or(unknown)?;
        *job = due::settled(job, settlement)?;
    }
    let states: Vec<_> = jobs.values().map(|job| state(job.state)).collect();
    let (states, until): (Vec<&str>, Vec<Option<DateTime<Utc>>>) = states.into_iter().unzip();
    let keys: Vec<Uuid> = jobs.keys().map(|key| *key.as_uuid()).collect();
    let attempts: Vec<i64> = jobs.values().map(|job| job.attempts.into()).collect();
    let fences: Vec<i64> = jobs.values().map(|job| i64::try_from(job.fence).unwrap_or(i64::MAX)).collect();
    let not_before: Vec<DateTime<Utc>> = jobs.values().map(|job| job.not_before).collect();
    let problems: Vec<Option<String>> =
        jobs.values().map(|job| job.problem.map(|problem| problem.to_string())).collect();
    session
        .execute(TABLE.write, MOVE, &[&keys, &states, &until, &attempts, &fences, &not_before, &problems])
        .await?;
    Ok(())
}

fn values(job: &Job) -> Result<Vec<Value<'_>>, Unreadable> {
    let told = &job.notification;
    let (to_customer, to_staff) = match told.to() {
        Recipient::Customer(customer) => (Some(*customer.as_uuid()), None),
        Recipient::Staff(staff) => (None, Some(staff)),
    };
    let (state, until) = state(job.state);
    Ok(vec![
        (*told.key().as_uuid()).into(),
        to_customer.into(),
        to_staff.into(),
        told.about().into(),
        told.due().into(),
        told.touchpoint().map(|touchpoint| touchpoint.to_text()).into(),
        Value::list(told.reasons())?,
        told.text().map_or(Value::Null, |text| Value::any_text(text.expose())),
        state.into(),
        until.into(),
        job.attempts.into(),
        Value::count(job.fence),
        job.not_before.into(),
        job.problem.into(),
    ])
}

/// A state and the end of its lease, as the columns hold them.
fn state(state: JobState) -> (&'static str, Option<DateTime<Utc>>) {
    match state {
        JobState::Scheduled => ("scheduled", None),
        JobState::Claimed { until } => ("claimed", Some(until)),
        JobState::Delivered => ("delivered", None),
        JobState::Exhausted => ("exhausted", None),
        JobState::Cancelled => ("cancelled", None),
    }
}

pub(super) fn read(row: &mut Columns<'_>) -> Result<Job, Unreadable> {
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
    if let Some(text) = row.any_text()? {
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
