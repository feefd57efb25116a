use super::fault::{failed, is_of_the_connection};
use super::schema::{APPLICATION_ID, MIGRATIONS};
use super::{
    SqliteOptions, consents, customers, interactions, jobs, journal, lifecycles, matters, purchases, tasks,
};
use crate::store::StoreError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

const BEGIN_READ: &str = "BEGIN DEFERRED";
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// Sorting stays in memory, so that no temporary file holds personal data; the cache is 16 MiB.
const SETTINGS: &str = "
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON;
PRAGMA trusted_schema = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -16384;
";
const FULL: &str = "PRAGMA synchronous = FULL";
const NORMAL: &str = "PRAGMA synchronous = NORMAL";
const WRITE_AHEAD_LOG: &str = "PRAGMA journal_mode = WAL";

/// What each setting has to be when it is asked for, and what is wrong where it is not.
const CHECKS: &[(&str, i64, &str)] = &[
    ("PRAGMA foreign_keys", 1, "foreign keys could not be switched on"),
    ("PRAGMA secure_delete", 1, "secure deletion could not be switched on"),
    ("PRAGMA trusted_schema", 0, "trust in the schema could not be switched off"),
    ("PRAGMA temp_store", 2, "temporary data could not be kept in memory"),
];

/// The pause between attempts to take the lock that SQLite does not wait for itself.
const PAUSE: Duration = Duration::from_millis(10);

/// The file and the one connection to it. A connection that failed is given up; the next call opens and verifies a new
/// one.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    options: SqliteOptions,
    connection: Option<Connection>,
}

impl Database {
    pub(super) fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        // Names with a meaning of their own (`:memory:`, `file:...?mode=...`) have none once they are absolute.
        let path = std::path::absolute(path)
            .map_err(|_| StoreError::Unusable { problem: "the path is not that of a file" })?;
        let connection = connect(&path, options)?;
        Ok(Self { path, options, connection: Some(connection) })
    }

    fn connection(&mut self) -> Result<&Connection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.path, self.options)?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Reads in one transaction, so that several statements see one state.
    pub(super) fn read<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = self.connection()?;
        let answer = run(connection, BEGIN_READ, "begin to read").and_then(|()| work(connection));
        self.end(answer)
    }

    /// Writes in one transaction, wholly or not at all. Where nobody knows which of both, the answer is `in_doubt` of
    /// the failure.
    pub(super) fn write<T>(
        &mut self,
        in_doubt: impl FnOnce(StoreError) -> StoreError,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = self.connection()?;
        let answer = run(connection, BEGIN_WRITE, "begin to write").and_then(|()| work(connection)).and_then(
            |value| {
                run(connection, COMMIT, "commit").map(|()| value).map_err(|failure| match failure {
                    // SQLite keeps the transaction open where it did not get a lock, and has written nothing.
                    StoreError::Busy => StoreError::Busy,
                    failure => in_doubt(failure),
                })
            },
        );
        self.end(answer)
    }

    /// Takes back what is still open and hands the answer on. Where that fails, or the answer speaks against the
    /// connection, it is closed, which takes everything back that was not committed.
    fn end<T>(&mut self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        let open = self.connection.as_ref().filter(|connection| !connection.is_autocommit());
        let ended = open.is_none_or(|connection| run(connection, ROLLBACK, "roll back").is_ok());
        if !ended || answer.as_ref().is_err_and(is_of_the_connection) {
            self.connection = None;
        }
        answer
    }

    /// Brings the write-ahead log into the file and closes it.
    pub(super) fn close(&mut self) -> Result<(), StoreError> {
        let Some(connection) = self.connection.take() else { return Ok(()) };
        // Another handle may keep the log from being emptied: it is then that one's to do.
        connection.query_row(CHECKPOINT, [], |_| Ok(())).map_err(failed("write the log into the file"))?;
        connection.close().map_err(|(_, error)| failed("close the file")(error))
    }
}

fn run(connection: &Connection, sql: &'static str, operation: &'static str) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failed(operation))?;
    statement.execute([]).map(|_| ()).map_err(failed(operation))
}

fn connect(path: &Path, options: SqliteOptions) -> Result<Connection, StoreError> {
    // The thread that owns the connection is the only one to use it.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed("open the file"))?;
    connection.set_prepared_statement_cache_capacity(64);
    wait(&connection, options.busy_timeout)?;
    // Nothing is changed in a file before it is known to be ours.
    version(&connection)?;
    connection.execute_batch(SETTINGS).map_err(failed("set up the connection"))?;
    let synchronous = if options.full { FULL } else { NORMAL };
    connection.execute_batch(synchronous).map_err(failed("set up the connection"))?;
    use_write_ahead_log(&connection, options.busy_timeout)?;
    migrate(&mut connection)?;
    verify(&connection, options)?;
    sync_folder(path)?;
    Ok(connection)
}

fn wait(connection: &Connection, timeout: Duration) -> Result<(), StoreError> {
    connection.busy_timeout(timeout).map_err(failed("set up the connection"))
}

fn number(connection: &Connection, pragma: &'static str) -> Result<i64, StoreError> {
    connection.query_row(pragma, [], |row| row.get(0)).map_err(failed("read a setting"))
}

/// The schema version of a file of ours, 0 for a new one, of one moment: another handle may be making the file.
fn version(connection: &Connection) -> Result<usize, StoreError> {
    connection.execute_batch(BEGIN_READ).map_err(failed("begin to read"))?;
    let version = stored_version(connection);
    connection.execute_batch(ROLLBACK).map_err(failed("roll back"))?;
    version
}

/// As [`version`], within a transaction.
fn stored_version(connection: &Connection) -> Result<usize, StoreError> {
    let version = number(connection, "PRAGMA user_version")?;
    match number(connection, "PRAGMA application_id")? {
        APPLICATION_ID => match usize::try_from(version) {
            Ok(version) if (1..=MIGRATIONS.len()).contains(&version) => Ok(version),
            Ok(version) if version > MIGRATIONS.len() => {
                Err(StoreError::Unusable { problem: "its schema is that of a later version" })
            }
            _ => Err(StoreError::Unusable { problem: "its schema has no version" }),
        },
        0 if version == 0 && number(connection, "SELECT count(*) FROM sqlite_schema")? == 0 => Ok(0),
        _ => Err(StoreError::Unusable { problem: "the file is not one of this library" }),
    }
}

fn use_write_ahead_log(connection: &Connection, timeout: Duration) -> Result<(), StoreError> {
    // SQLite does not wait for the lock that this switch needs, because that could wait for ever; so it is tried again.
    wait(connection, PAUSE)?;
    let mut left = timeout.as_millis() / PAUSE.as_millis();
    let mode = loop {
        let mode = connection.query_row(WRITE_AHEAD_LOG, [], |row| row.get::<_, String>(0));
        match mode.map_err(failed("switch to the write-ahead log")) {
            Err(StoreError::Busy) if left > 0 => {
                left -= 1;
                std::thread::sleep(PAUSE);
            }
            mode => break mode?,
        }
    };
    wait(connection, timeout)?;
    if mode == "wal" {
        Ok(())
    } else {
        Err(StoreError::Unusable { problem: "the write-ahead log could not be switched on" })
    }
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let failed = failed("migrate the schema");
    for migration in MIGRATIONS.iter().skip(version(connection)?) {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        // Another handle may have been faster.
        let stored = stored_version(&transaction)?;
        if MIGRATIONS.get(stored).is_some_and(|next| std::ptr::eq(next, migration)) {
            transaction.execute_batch(migration).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}

/// Asks for every setting and prepares every statement, so that a file which cannot be used is refused when it is
/// opened, not when it is needed.
fn verify(connection: &Connection, options: SqliteOptions) -> Result<(), StoreError> {
    let synchronous = if options.full { 2 } else { 1 };
    let synced = ("PRAGMA synchronous", synchronous, "syncing could not be set");
    for &(pragma, expected, problem) in CHECKS.iter().chain([&synced]) {
        if number(connection, pragma)? != expected {
            return Err(StoreError::Unusable { problem });
        }
    }
    if version(connection)? != MIGRATIONS.len() {
        return Err(StoreError::Unusable { problem: "its schema could not be brought up to date" });
    }
    let statements = [
        &[BEGIN_READ, BEGIN_WRITE, COMMIT, ROLLBACK],
        journal::SQL,
        customers::SQL,
        lifecycles::SQL,
        consents::SQL,
        purchases::SQL,
        interactions::SQL,
        tasks::SQL,
        matters::SQL,
        jobs::SQL,
    ];
    for sql in statements.into_iter().flatten() {
        connection.prepare_cached(sql).map_err(failed("prepare a statement"))?;
    }
    Ok(())
}

/// Makes the names in the folder durable: of a new file, and of the journal of its first transaction, which is gone.
/// Without it, loss of power can bring that journal back, and with it the empty file.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    // Windows cannot open a folder as a file; its file system keeps a journal of names.
    if cfg!(windows) {
        return Ok(());
    }
    let problem = "its folder could not be synced";
    let synced = std::fs::canonicalize(path)
        .and_then(|file| File::open(file.parent().unwrap_or(&file)))
        .and_then(|folder| folder.sync_all());
    synced.map_err(|_| StoreError::Unusable { problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::IdempotencyKey;

    fn database(folder: &tempfile::TempDir, options: SqliteOptions) -> Database {
        Database::open(&folder.path().join("file.sqlite"), options).unwrap()
    }

    fn count(connection: &Connection) -> Result<i64, StoreError> {
        number(connection, "SELECT count(*) FROM journal")
    }

    const JOURNAL: &str = "INSERT INTO journal (key, digest, at, author, applied, known) \
         VALUES (randomblob(16), randomblob(16), 0, 'test', 0, 0)";

    #[test]
    fn every_setting_took_and_one_that_does_not_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for options in [SqliteOptions::new(), SqliteOptions::new().lose_latest_commits_on_power_loss()] {
            let mut database = database(&folder, options);
            let connection = database.connection().unwrap();
            let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
            assert_eq!(number(connection, "PRAGMA secure_delete"), Ok(1));
            assert_eq!(number(connection, "PRAGMA foreign_keys"), Ok(1));
            assert_eq!(number(connection, "PRAGMA synchronous"), Ok(if options.full { 2 } else { 1 }));
            assert_eq!(verify(connection, options), Ok(()));
            for broken in [
                "PRAGMA foreign_keys = OFF",
                "PRAGMA secure_delete = FAST",
                "PRAGMA trusted_schema = ON",
                "PRAGMA temp_store = FILE",
                "PRAGMA synchronous = OFF",
                if options.full { NORMAL } else { FULL },
            ] {
                connection.execute_batch(broken).unwrap();
                let refused = verify(connection, options);
                assert!(matches!(refused, Err(StoreError::Unusable { .. })), "{broken}: {refused:?}");
                connection.execute_batch(SETTINGS).unwrap();
                connection.execute_batch(if options.full { FULL } else { NORMAL }).unwrap();
            }
            assert_eq!(verify(connection, options), Ok(()));
        }
    }

    #[test]
    fn a_commit_that_fails_is_in_doubt_and_its_connection_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = database(&folder, SqliteOptions::new());
        let key = IdempotencyKey::derive(&["doubt"]);
        let answer = database.write(
            |failure| {
                assert_eq!(failure, StoreError::Backend { operation: "commit", code: 787.into() });
                StoreError::OutcomeUnknown { key }
            },
            |connection| {
                // What SQLite only refuses at COMMIT stands for a disk that fails there.
                connection.execute_batch("PRAGMA defer_foreign_keys = ON").unwrap();
                connection.execute_batch(JOURNAL).unwrap();
                connection
                    .execute_batch(
                        "INSERT INTO stage_changes VALUES (zeroblob(16), 0, 'former', 0, 'stated')",
                    )
                    .unwrap();
                Ok(())
            },
        );
        assert_eq!(answer, Err(StoreError::OutcomeUnknown { key }));
        assert!(database.connection.is_none(), "the connection is still trusted");
        assert_eq!(database.read(count), Ok(0));
        assert!(database.connection.is_some());
    }

    #[test]
    fn what_is_refused_is_rolled_back_on_the_same_connection() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = database(&folder, SqliteOptions::new());
        let conflict = |error| error;
        let refused = database.write(conflict, |connection| {
            connection.execute_batch(JOURNAL).unwrap();
            Err::<(), _>(StoreError::Busy)
        });
        assert_eq!(refused, Err(StoreError::Busy));
        assert!(database.connection.is_some());
        assert_eq!(database.read(count), Ok(0));
        let broken = StoreError::Backend { operation: "test", code: 10.into() };
        let failed = database.write(conflict, |connection| {
            connection.execute_batch(JOURNAL).unwrap();
            Err::<(), _>(broken.clone())
        });
        assert_eq!(failed, Err(broken));
        assert!(database.connection.is_none(), "a connection that failed is still trusted");
        assert_eq!(database.read(count), Ok(0));
        database.write(conflict, |connection| connection.execute_batch(JOURNAL).map_err(failed_at)).unwrap();
        assert_eq!(database.read(count), Ok(1));
    }

    fn failed_at(error: rusqlite::Error) -> StoreError {
        failed("test")(error)
    }

    #[test]
    fn a_folder_that_cannot_be_synced_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(sync_folder(&folder.path().join("missing/file")).is_err(), !cfg!(windows));
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(sync_folder(&file), Ok(()));
    }
}
