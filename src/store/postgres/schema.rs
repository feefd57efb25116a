//! What the schema holds, version by version, and how it is brought up to date. A migration is never edited once it is
//! released: the next one is added.

use super::fault::{Fault, failed};
use super::session::{self, Ending, Session};
use super::table::{Known, table};
use super::{customers, facts, jobs, journal, lifecycles, matters, tasks};
use crate::consent::ConsentRecord;
use crate::interaction::Interaction;
use crate::key::IdempotencyKey;
use crate::purchase::Purchase;
use crate::store::StoreError;
use facts::Fact;
use std::time::Duration;

/// The migrations in order; the first makes an empty schema version 1.
const MIGRATIONS: &[&str] = &[VERSION_1];

/// Identifiers are `uuid`, instants `timestamptz`, terms and tags their text, and short lists of machine terms
/// (`contacts`, `links`, `because`) JSON, null where they are empty: `json`, which keeps numbers to the last bit.
///
/// Whether a job is `open` is a column of its own, because a claim does not change it: its row then moves no index entry.
const VERSION_1: &str = "
CREATE TABLE patronage_schema (
    version bigint PRIMARY KEY,
    since   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE journal (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key      uuid NOT NULL UNIQUE,
    digest   bytea NOT NULL CHECK (length(digest) = 16),
    at       timestamptz NOT NULL,
    author   text NOT NULL,
    applied  bigint NOT NULL,
    known    bigint NOT NULL
);

CREATE TABLE customers (
    id       uuid PRIMARY KEY,
    version  bigint NOT NULL CHECK (version > 0),
    kind     text NOT NULL,
    since    timestamptz NOT NULL,
    name     text,
    language text,
    zone     text,
    contacts json
);

CREATE TABLE identities (
    issuer   text NOT NULL,
    subject  text NOT NULL,
    customer uuid NOT NULL REFERENCES customers (id),
    position bigint NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_of_customer ON identities (customer, position);

CREATE TABLE stage_changes (
    customer uuid NOT NULL REFERENCES customers (id),
    position bigint NOT NULL,
    stage    text NOT NULL,
    at       timestamptz NOT NULL,
    reason   text NOT NULL,
    PRIMARY KEY (customer, position)
);

CREATE TABLE consents (
    customer uuid NOT NULL REFERENCES customers (id),
    at       timestamptz NOT NULL,
    id       uuid PRIMARY KEY,
    purpose  text NOT NULL,
    via      text,
    status   text NOT NULL,
    basis    text NOT NULL,
    expires  timestamptz,
    notice   text,
    method   text,
    evidence text
);
CREATE INDEX consents_of_customer ON consents (customer, at, id);

CREATE TABLE purchases (
    customer     uuid NOT NULL REFERENCES customers (id),
    at           timestamptz NOT NULL,
    id           uuid PRIMARY KEY,
    amount_minor bigint NOT NULL,
    currency     text NOT NULL,
    cost_minor   bigint,
    category     text
);
CREATE INDEX purchases_of_customer ON purchases (customer, at, id);

CREATE TABLE interactions (
    customer             uuid NOT NULL REFERENCES customers (id),
    at                   timestamptz NOT NULL,
    id                   uuid PRIMARY KEY,
    channel              text NOT NULL,
    touchpoint           text NOT NULL,
    engagement           text NOT NULL,
    direction            text NOT NULL,
    agent                text,
    served_by            text,
    reason               text,
    outcome              text,
    escalated_to         text,
    unanswered_because   text,
    wait_ms              bigint,
    handle_ms            bigint,
    transfers            bigint NOT NULL,
    cost_minor           bigint,
    cost_currency        text,
    sentiment            double precision,
    sentiment_source     text,
    sentiment_confidence double precision,
    effort               bigint,
    effort_scale         bigint,
    effort_direction     text,
    links                json
);
CREATE INDEX interactions_of_customer ON interactions (customer, at, id);

CREATE TABLE tasks (
    id       uuid PRIMARY KEY,
    version  bigint NOT NULL CHECK (version > 0),
    about    text NOT NULL,
    due      timestamptz NOT NULL,
    customer uuid REFERENCES customers (id),
    priority text NOT NULL,
    status   text NOT NULL,
    assignee text,
    because  json
);
CREATE INDEX tasks_of_customer ON tasks (customer) WHERE customer IS NOT NULL;

-- What a matter holds is JSON, because only the library reads it; the columns beside it are what it is found by.
CREATE TABLE matters (
    kind     text COLLATE \"C\" NOT NULL,
    id       uuid NOT NULL,
    customer uuid REFERENCES customers (id),
    version  bigint NOT NULL CHECK (version > 0),
    wake     timestamptz,
    status   text NOT NULL,
    only_one uuid UNIQUE,
    body     json NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX matters_of_customer ON matters (customer, kind, id) WHERE customer IS NOT NULL;
CREATE INDEX matters_waking ON matters (wake, kind, id) WHERE wake IS NOT NULL;

CREATE TABLE notifications (
    key         uuid PRIMARY KEY,
    to_customer uuid,
    to_staff    text,
    about       text NOT NULL,
    due         timestamptz NOT NULL,
    via         text,
    because     json,
    text        text,
    state       text NOT NULL,
    until       timestamptz,
    attempts    bigint NOT NULL,
    fence       bigint NOT NULL,
    not_before  timestamptz NOT NULL,
    problem     text,
    open        boolean GENERATED ALWAYS AS (state IN ('scheduled', 'claimed')) STORED,
    CHECK ((to_customer IS NULL) <> (to_staff IS NULL)),
    CHECK ((until IS NULL) = (state <> 'claimed'))
) WITH (fillfactor = 80);
CREATE INDEX notifications_open ON notifications (not_before, key) WHERE open;
";

/// What the server has to be set to, and what is wrong where it is not.
const CHECKS: &[(&str, &str)] = &[
    ("current_setting('server_version_num')::int >= 120000", "the server is older than PostgreSQL 12"),
    ("current_setting('server_encoding') = 'UTF8'", "the database does not keep text as UTF-8"),
    ("current_setting('fsync') = 'on'", "the server does not sync what it writes (fsync = off)"),
    ("current_setting('full_page_writes') = 'on'", "the server may tear pages (full_page_writes = off)"),
];

/// How many relations a schema holds, and how many of them mark it as ours: of one moment, because another session may be
/// making it.
const RELATIONS: &str = "SELECT count(*), count(*) FILTER (WHERE c.relname = 'patronage_schema') \
     FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')";
const NAMESPACE: &str = "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1";
const VERSION: &str = "SELECT coalesce(max(version), 0) FROM @patronage_schema";

const ASK: &str = "look at the schema";
const MIGRATE: &str = "migrate the schema";

/// Checks server and schema, brings the schema up to date, and prepares every statement, so that what cannot be used is
/// refused when it is opened, not when it is needed.
pub(super) async fn open(session: &Session, name: &str, wait: Duration) -> Result<(), Fault> {
    let client = session.client()?;
    for (check, problem) in CHECKS {
        let row = client.query_one(&format!("SELECT {check}"), &[]).await.map_err(failed(ASK))?;
        if !row.try_get::<_, bool>(0).map_err(failed(ASK))? {
            return Err(StoreError::Unusable { problem }.into());
        }
    }
    if version(session, name).await? < MIGRATIONS.len() {
        migrate(session, name, wait).await?;
    }
    for sql in statements() {
        session.prepared("prepare a statement", &sql).await?;
    }
    Ok(())
}

/// The version of a schema of ours, 0 for one that is missing or empty.
async fn version(session: &Session, name: &str) -> Result<usize, Fault> {
    let table = table!("the version", "version", ["version"]);
    let rows = session.rows(ASK, RELATIONS, &[&name]).await?;
    let counts = table.decoded(&rows, |row| Ok((row.integer::<u64>()?, row.integer::<u64>()?)))?;
    match counts.first() {
        Some((0, _)) => return Ok(0),
        Some((_, 1)) => {}
        _ => return Err(StoreError::Unusable { problem: "the schema is not one of this library" }.into()),
    }
    let rows = session.rows(ASK, VERSION, &[]).await?;
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method is for one lifetime only")]
    let versions = table.decoded(&rows, |row| row.integer::<usize>())?;
    match versions.first() {
        Some(version) if *version > MIGRATIONS.len() => {
            Err(StoreError::Unusable { problem: "its schema is that of a later version" }.into())
        }
        Some(version) if *version > 0 => Ok(*version),
        _ => Err(StoreError::Unusable { problem: "its schema has no version" }.into()),
    }
}

/// Applies what is missing, in one transaction, one session at a time.
async fn migrate(session: &Session, name: &str, wait: Duration) -> Result<(), Fault> {
    let (one, _) = IdempotencyKey::derive(&["postgres schema", name]).as_uuid().as_u64_pair();
    let lock = i64::from_ne_bytes(one.to_ne_bytes());
    let namespaces = session.begin(wait, Some(lock), ASK, NAMESPACE, &[&name]).await?;
    let missing = namespaces.is_empty();
    // Another session may have been faster.
    let stored = version(session, name).await?;
    let client = session.client()?;
    if missing {
        client.batch_execute(&format!("CREATE SCHEMA \"{name}\"")).await.map_err(failed(MIGRATE))?;
    }
    client
        .batch_execute(&format!("SET LOCAL search_path TO \"{name}\", pg_temp"))
        .await
        .map_err(failed(MIGRATE))?;
    for (version, migration) in (1_i64..).zip(MIGRATIONS).skip(stored) {
        client.batch_execute(migration).await.map_err(failed(MIGRATE))?;
        let note = "INSERT INTO @patronage_schema (version) VALUES ($1)";
        session.execute(MIGRATE, note, &[&version]).await?;
    }
    session.commit().await.map_err(|ending| match ending {
        Ending::Fault(fault) => fault,
        // Whoever opens the schema next finds out.
        Ending::InDoubt => Fault::Passing(StoreError::Busy),
    })
}

fn statements() -> impl Iterator<Item = String> {
    let facts = [ConsentRecord::TABLE, Purchase::TABLE, Interaction::TABLE].into_iter().flat_map(|table| {
        [facts::of(table), facts::within(table), facts::by_id(table), table.insert(Known::Stays)]
    });
    session::SQL
        .iter()
        .map(|sql| (*sql).to_owned())
        .chain(journal::sql())
        .chain(customers::sql())
        .chain(lifecycles::sql())
        .chain(facts)
        .chain(tasks::sql())
        .chain(matters::sql())
        .chain(jobs::sql())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_marked() {
        for sql in statements() {
            for rest in sql.split('@').skip(1) {
                assert!(rest.starts_with(|c: char| c.is_ascii_lowercase()), "{sql}");
            }
        }
        assert!(MIGRATIONS.iter().all(|migration| !migration.contains('@')));
    }
}
