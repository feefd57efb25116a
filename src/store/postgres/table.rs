use super::copy::Copy;
use super::fault::Fault;
use super::session::Session;
use super::value::{Columns, Unreadable, Value};
use crate::store::StoreError;
use tokio_postgres::Row;

/// A table: its columns, in the order in which rows are written and read, and the words its errors use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) key: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) read: &'static str,
    pub(super) write: &'static str,
    pub(super) unreadable: &'static str,
}

/// Names a table once for all its errors.
macro_rules! table {
    ($name:literal, $key:literal, [$($column:literal),+ $(,)?]) => {
        $crate::store::postgres::table::Table {
            name: $name,
            key: $key,
            columns: &[$($column),+],
            read: concat!("read ", $name),
            write: concat!("write ", $name),
            unreadable: concat!("a row of ", $name, " cannot be read back"),
        }
    };
}

pub(super) use table;

/// What happens to a row whose key is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is left alone, and not counted.
    Stays,
    /// It becomes the new one.
    Changes,
}

/// From so many rows on, they are copied.
const BULK: usize = 64;

impl Table {
    /// Its columns as text.
    pub(super) fn list(self) -> String {
        self.columns.join(", ")
    }

    /// A query of all its columns.
    pub(super) fn select(self, rest: &str) -> String {
        format!("SELECT {} FROM @{} {rest}", self.list(), self.name)
    }

    /// Writes rows and returns how many were inserted or changed: few by one statement each in one round trip, many by
    /// COPY.
    pub(super) async fn put<'a>(
        self,
        session: &Session,
        known: Known,
        rows: impl ExactSizeIterator<Item = Result<Vec<Value<'a>>, Unreadable>> + Send,
    ) -> Result<u64, Fault> {
        if rows.len() == 0 {
            return Ok(0);
        }
        if rows.len() < BULK {
            let rows = rows.collect::<Result<_, _>>().map_err(|Unreadable| self.unreadable())?;
            return session.execute_each(self.write, &self.insert(known), rows).await;
        }
        Copy::begin(session, self, known).await?.rows(rows).await
    }

    /// The statement that writes one row.
    pub(super) fn insert(self, known: Known) -> String {
        let places: Vec<String> = (1..=self.columns.len()).map(|n| format!("${n}")).collect();
        format!(
            "INSERT INTO @{} ({}) VALUES ({}) {}",
            self.name,
            self.list(),
            places.join(", "),
            self.on_conflict(known)
        )
    }

    pub(super) fn on_conflict(self, known: Known) -> String {
        match known {
            Known::Stays => "ON CONFLICT DO NOTHING".to_owned(),
            Known::Changes => {
                let is_key = |column: &str| self.key.split(", ").any(|key| key == column);
                let others = self.columns.iter().filter(|column| !is_key(column));
                let set: Vec<String> = others.map(|column| format!("{column} = excluded.{column}")).collect();
                format!("ON CONFLICT ({}) DO UPDATE SET {}", self.key, set.join(", "))
            }
        }
    }

    /// The rows of a query as what they stand for.
    pub(super) fn decoded<T>(
        self,
        rows: &[Row],
        read: impl Fn(&mut Columns<'_>) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, StoreError> {
        rows.iter().map(|row| read(&mut Columns::new(row)).map_err(|Unreadable| self.unreadable())).collect()
    }

    /// The error for a row that somebody else must have written.
    pub(super) const fn unreadable(self) -> StoreError {
        StoreError::Unusable { problem: self.unreadable }
    }
}
