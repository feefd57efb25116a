use crate::store::StoreError;

// Primary result codes of SQLite, which are the low eight bits of every extended one.
const ERROR: i32 = 1;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const CORRUPT: i32 = 11;
const NOT_A_DATABASE: i32 = 26;

/// The extended code for a row that refers to a missing one.
const FOREIGN_KEY: i32 = 787;

/// What a driver's error is to us, when it was asked to do `operation`. Its text, which may show values, ends here.
pub(super) fn failed(operation: &'static str) -> impl Fn(rusqlite::Error) -> StoreError + Copy {
    move |error| {
        let Some(code) = code(&error) else {
            // The driver refused what SQLite handed it: a column of another type, text that is no UTF-8.
            return StoreError::Unusable { problem: "a stored row does not fit its schema" };
        };
        match code & 0xff {
            BUSY | LOCKED => StoreError::Busy,
            ERROR => StoreError::Unusable { problem: "its tables are not those of the schema" },
            CORRUPT => StoreError::Unusable { problem: "the file is damaged" },
            NOT_A_DATABASE => StoreError::Unusable { problem: "the file is not a SQLite database" },
            _ => StoreError::Backend { operation, code: code.into() },
        }
    }
}

/// Whether a row was refused because one that it refers to is missing.
pub(super) fn refers_to_nothing(error: &rusqlite::Error) -> bool {
    code(error) == Some(FOREIGN_KEY)
}

/// Whether a connection that answered so is still to be trusted: a refusal or a lock says nothing against it.
pub(super) const fn is_of_the_connection(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Backend { .. } | StoreError::Unusable { .. } | StoreError::OutcomeUnknown { .. }
    )
}

fn code(error: &rusqlite::Error) -> Option<i32> {
    match error {
        rusqlite::Error::SqliteFailure(error, _) | rusqlite::Error::SqlInputError { error, .. } => {
            Some(error.extended_code)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::{Connection, ffi};

    #[test]
    fn no_text_of_the_driver_comes_through() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (a TEXT PRIMARY KEY) STRICT; INSERT INTO t VALUES ('canary')")
            .unwrap();
        for sql in ["INSERT INTO t VALUES ('canary')", "SELECT canary FROM t", "SELECT 'canary' FROM nowhere"]
        {
            let error = connection.execute(sql, []).unwrap_err();
            let shown = format!("{0} {0:?}", failed("try")(error));
            assert!(!shown.contains("canary"), "{shown}");
        }
        let unique = connection.execute("INSERT INTO t VALUES ('canary')", []).unwrap_err();
        let (operation, code) = ("insert", ffi::SQLITE_CONSTRAINT_PRIMARYKEY);
        assert_eq!(failed("insert")(unique), StoreError::Backend { operation, code: code.into() });
    }

    #[test]
    fn codes_are_those_of_sqlite() {
        let plain = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some("canary".into()));
        assert_eq!((ERROR, BUSY, LOCKED), (ffi::SQLITE_ERROR, ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED));
        assert_eq!((CORRUPT, NOT_A_DATABASE), (ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB));
        assert!(refers_to_nothing(&plain(ffi::SQLITE_CONSTRAINT_FOREIGNKEY)));
        assert_eq!(failed("x")(plain(ffi::SQLITE_BUSY_RECOVERY)), StoreError::Busy);
        let code = ffi::SQLITE_IOERR_FSYNC;
        assert_eq!(failed("x")(plain(code)), StoreError::Backend { operation: "x", code: code.into() });
    }
}
