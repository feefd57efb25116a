use crate::store::{BackendCode, StoreError};
use crate::validation::ValidationError;
use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// The SQLSTATE for a connection that is gone.
const CONNECTION_FAILURE: [u8; 5] = *b"08006";

/// Why an attempt ended, and whether another one may end better. What an attempt had done is taken back in both cases.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// The answer: trying again would give the same one.
    Final(StoreError),
    /// Somebody else was in the way, or the connection is gone: worth another attempt. With the answer for the case that
    /// there is none.
    Passing(StoreError),
}

impl Fault {
    /// Somebody else changed the rows between reading and writing them.
    pub(super) const OVERTAKEN: Self = Self::Passing(StoreError::Busy);

    pub(super) fn into_answer(self) -> StoreError {
        match self {
            Self::Final(answer) | Self::Passing(answer) => answer,
        }
    }
}

impl From<StoreError> for Fault {
    fn from(answer: StoreError) -> Self {
        Self::Final(answer)
    }
}

impl From<ValidationError> for Fault {
    fn from(refusal: ValidationError) -> Self {
        Self::Final(refusal.into())
    }
}

/// What a driver's error is to us, when it was asked to do `operation` and nothing is committed yet. Its text, which may
/// show values, ends here.
pub(super) fn failed(operation: &'static str) -> impl Fn(Error) -> Fault + Copy {
    move |error| {
        let Some(state) = error.code() else {
            return if error.is_closed() || is_of_the_wire(&error) {
                Fault::Passing(backend(operation, CONNECTION_FAILURE))
            } else {
                // The driver refused what the server sent or what it was to send: a column of another type.
                Fault::Final(StoreError::Unusable { problem: "a stored row does not fit its schema" })
            };
        };
        if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(state) {
            Fault::OVERTAKEN
        } else if state == &SqlState::UNIQUE_VIOLATION {
            // Rows were looked at before they were written: somebody else has written one in between.
            Fault::Passing(backend(operation, bytes(state)))
        } else if BUSY.contains(state) {
            Fault::Final(StoreError::Busy)
        } else if FOREIGN.contains(state) {
            Fault::Final(StoreError::Unusable { problem: "its tables are not those of the schema" })
        } else if state == &SqlState::READ_ONLY_SQL_TRANSACTION {
            Fault::Final(StoreError::Unusable { problem: "the server takes no changes" })
        } else if state.code().starts_with("08") || GOING.contains(state) {
            Fault::Passing(backend(operation, bytes(state)))
        } else {
            Fault::Final(backend(operation, bytes(state)))
        }
    }
}

/// What it is to us that the pool has no connection.
pub(super) fn unconnected(error: PoolError) -> Fault {
    match error {
        PoolError::Backend(error) => match failed("connect")(error) {
            // Whoever may not come in now has to look after it; trying again at once would not help.
            Fault::Passing(answer) | Fault::Final(answer) => Fault::Final(answer),
        },
        PoolError::Timeout(_) => Fault::Final(StoreError::Busy),
        PoolError::Closed => Fault::Final(StoreError::Unusable { problem: "its pool is closed" }),
        PoolError::NoRuntimeSpecified => {
            Fault::Final(StoreError::Unusable { problem: "its pool has timeouts and no runtime" })
        }
        PoolError::PostCreateHook(_) => {
            Fault::Final(StoreError::Unusable { problem: "a hook of its pool refused the connection" })
        }
    }
}

/// Whether the server has said that a commit did not take effect. Where it said nothing, or fell silent, nobody knows.
pub(super) fn is_refusal(error: &Error) -> bool {
    error.code().is_some_and(|state| {
        let class = state.code().get(..2).unwrap_or_default();
        ["22", "23", "25", "40", "42", "53", "55"].contains(&class)
            && state != &SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
    })
}

/// Somebody has what is needed; later it may be free.
const BUSY: &[SqlState] = &[
    SqlState::LOCK_NOT_AVAILABLE,
    SqlState::QUERY_CANCELED,
    SqlState::TOO_MANY_CONNECTIONS,
    SqlState::CANNOT_CONNECT_NOW,
];

/// Something in the schema is missing or of another kind.
const FOREIGN: &[SqlState] = &[
    SqlState::UNDEFINED_TABLE,
    SqlState::UNDEFINED_COLUMN,
    SqlState::UNDEFINED_FUNCTION,
    SqlState::INVALID_SCHEMA_NAME,
    SqlState::DATATYPE_MISMATCH,
    SqlState::INVALID_COLUMN_REFERENCE,
    SqlState::WRONG_OBJECT_TYPE,
];

/// The server or the session is going away.
const GOING: &[SqlState] =
    &[SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT];

fn backend(operation: &'static str, state: [u8; 5]) -> StoreError {
    StoreError::Backend { operation, code: BackendCode::SqlState(state) }
}

fn bytes(state: &SqlState) -> [u8; 5] {
    state.code().as_bytes().try_into().unwrap_or(*b"XX000")
}

/// The driver has no predicate for it: an error below the protocol has an error of the operating system as its source.
fn is_of_the_wire(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(<dyn std::error::Error>::downcast_ref::<std::io::Error>)
        .is_some()
}
