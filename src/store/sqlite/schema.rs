//! What the file holds, version by version. A migration is never edited once it is released: the next one is added.

/// Marks a file as one of this crate: "PTRN".
pub(super) const APPLICATION_ID: i64 = 0x5054_524E;

/// The migrations in order; the first makes an empty file version 1. Each sets `user_version` itself, so that schema
/// and version change in one transaction.
pub(super) const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2];

/// Identifiers are their 16 bytes, instants are microseconds since 1970, terms and tags are their text, and short lists
/// of machine terms (`contacts`, `links`, `because`) are JSON, `NULL` where they are empty.
const VERSION_1: &str = "
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY,
    key      BLOB NOT NULL UNIQUE CHECK (length(key) = 16),
    digest   BLOB NOT NULL CHECK (length(digest) = 16),
    at       INTEGER NOT NULL,
    author   TEXT NOT NULL,
    applied  INTEGER NOT NULL,
    known    INTEGER NOT NULL
) STRICT;

CREATE TABLE customers (
    id       BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version  INTEGER NOT NULL CHECK (version > 0),
    kind     TEXT NOT NULL,
    since    INTEGER NOT NULL,
    name     TEXT,
    language TEXT,
    zone     TEXT,
    contacts TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
    issuer   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    customer BLOB NOT NULL REFERENCES customers (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_of_customer ON identities (customer, position);

CREATE TABLE stage_changes (
    customer BLOB NOT NULL REFERENCES customers (id),
    position INTEGER NOT NULL,
    stage    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (customer, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE consents (
    customer BLOB NOT NULL REFERENCES customers (id),
    at       INTEGER NOT NULL,
    id       BLOB NOT NULL UNIQUE,
    purpose  TEXT NOT NULL,
    via      TEXT,
    status   TEXT NOT NULL,
    basis    TEXT NOT NULL,
    expires  INTEGER,
    notice   TEXT,
    method   TEXT,
    evidence TEXT,
    PRIMARY KEY (customer, at, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE purchases (
    customer     BLOB NOT NULL REFERENCES customers (id),
    at           INTEGER NOT NULL,
    id           BLOB NOT NULL UNIQUE,
    amount_minor INTEGER NOT NULL,
    currency     TEXT NOT NULL,
    cost_minor   INTEGER,
    category     TEXT,
    PRIMARY KEY (customer, at, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE interactions (
    customer             BLOB NOT NULL REFERENCES customers (id),
    at                   INTEGER NOT NULL,
    id                   BLOB NOT NULL UNIQUE,
    channel              TEXT NOT NULL,
    touchpoint           TEXT NOT NULL,
    engagement           TEXT NOT NULL,
    direction            TEXT NOT NULL,
    agent                TEXT,
    served_by            TEXT,
    reason               TEXT,
    outcome              TEXT,
    escalated_to         TEXT,
    unanswered_because   TEXT,
    wait_ms              INTEGER,
    handle_ms            INTEGER,
    transfers            INTEGER NOT NULL,
    cost_minor           INTEGER,
    cost_currency        TEXT,
    sentiment            REAL,
    sentiment_source     TEXT,
    sentiment_confidence REAL,
    effort               INTEGER,
    effort_scale         INTEGER,
    effort_direction     TEXT,
    links                TEXT,
    PRIMARY KEY (customer, at, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
    id       BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version  INTEGER NOT NULL CHECK (version > 0),
    about    TEXT NOT NULL,
    due      INTEGER NOT NULL,
    customer BLOB REFERENCES customers (id),
    priority TEXT NOT NULL,
    status   TEXT NOT NULL,
    assignee TEXT,
    because  TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_of_customer ON tasks (customer) WHERE customer IS NOT NULL;

CREATE TABLE notifications (
    key         BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 16),
    to_customer BLOB,
    to_staff    TEXT,
    about       TEXT NOT NULL,
    due         INTEGER NOT NULL,
    via         TEXT,
    because     TEXT,
    text        TEXT,
    state       TEXT NOT NULL,
    until       INTEGER,
    attempts    INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    not_before  INTEGER NOT NULL,
    problem     TEXT,
    CHECK ((to_customer IS NULL) <> (to_staff IS NULL)),
    CHECK ((until IS NULL) = (state <> 'claimed'))
) STRICT, WITHOUT ROWID;
CREATE INDEX notifications_open ON notifications (not_before, key) WHERE state IN ('scheduled', 'claimed');

PRAGMA application_id = 0x5054524E;
PRAGMA user_version = 1;
";

/// Matters. What one holds is JSON, because only the library reads it; the columns beside it are what it is found by.
const VERSION_2: &str = "
CREATE TABLE matters (
    kind     TEXT NOT NULL,
    id       BLOB NOT NULL CHECK (length(id) = 16),
    customer BLOB REFERENCES customers (id),
    version  INTEGER NOT NULL CHECK (version > 0),
    wake     INTEGER,
    status   TEXT NOT NULL,
    only_one BLOB UNIQUE,
    body     TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX matters_of_customer ON matters (customer, kind, id) WHERE customer IS NOT NULL;
CREATE INDEX matters_waking ON matters (wake, kind, id) WHERE wake IS NOT NULL;

PRAGMA user_version = 2;
";

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn each_migration_sets_its_version_and_the_first_marks_the_file() {
        let connection = Connection::open_in_memory().unwrap();
        let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, u32>(0)).unwrap();
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(number("PRAGMA user_version") as usize, index);
            connection.execute_batch(migration).unwrap();
            assert_eq!(number("PRAGMA user_version") as usize, index + 1);
            assert_eq!(number("PRAGMA application_id"), u32::try_from(APPLICATION_ID).unwrap());
        }
    }
}
