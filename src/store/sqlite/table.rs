use super::fault::failed;
use crate::store::StoreError;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;
use uuid::Uuid;

/// A table, by the words its errors use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) read: &'static str,
    pub(super) write: &'static str,
    pub(super) unreadable: &'static str,
}

/// Names a table once for all its errors.
macro_rules! table {
    ($name:literal) => {
        $crate::store::sqlite::table::Table {
            read: concat!("read ", $name),
            write: concat!("write ", $name),
            unreadable: concat!("a row of ", $name, " cannot be read back"),
        }
    };
}

pub(super) use table;

impl Table {
    /// Runs a statement that changes rows and returns how many.
    pub(super) fn execute(
        self,
        connection: &Connection,
        sql: &'static str,
        params: impl Params,
    ) -> Result<usize, StoreError> {
        let mut statement = connection.prepare_cached(sql).map_err(failed(self.write))?;
        statement.execute(params).map_err(failed(self.write))
    }

    /// All rows of a query, asked once for each set of parameters, in their order.
    pub(super) fn all<T>(
        self,
        connection: &Connection,
        sql: &'static str,
        asked: impl IntoIterator<Item = impl Params>,
        read: impl Fn(&mut Columns<'_>) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, StoreError> {
        let failed = failed(self.read);
        let mut statement = connection.prepare_cached(sql).map_err(failed)?;
        let mut all = Vec::new();
        for params in asked {
            let mut rows = statement.query(params).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                all.push(self.decoded(row, &read)?);
            }
        }
        Ok(all)
    }

    /// The first row of a query.
    pub(super) fn first<T>(
        self,
        connection: &Connection,
        sql: &'static str,
        params: impl Params,
        read: impl Fn(&mut Columns<'_>) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, StoreError> {
        let failed = failed(self.read);
        let mut statement = connection.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(params).map_err(failed)?;
        rows.next().map_err(failed)?.map(|row| self.decoded(row, &read)).transpose()
    }

    fn decoded<T>(
        self,
        row: &Row<'_>,
        read: &impl Fn(&mut Columns<'_>) -> Result<T, Unreadable>,
    ) -> Result<T, StoreError> {
        read(&mut Columns { row, next: 0 }).map_err(|Unreadable| self.unreadable())
    }

    /// The error for a row that somebody else must have written.
    pub(super) const fn unreadable(self) -> StoreError {
        StoreError::Unusable { problem: self.unreadable }
    }
}

/// A row holds what no program of ours wrote there. What it was is not kept: it may be personal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unreadable;

impl From<ValidationError> for Unreadable {
    fn from(_: ValidationError) -> Self {
        Self
    }
}

/// The columns of a row, read one after the other in the order of the query.
pub(super) struct Columns<'row> {
    row: &'row Row<'row>,
    next: usize,
}

impl<'row> Columns<'row> {
    /// The same row from its first column on.
    pub(super) const fn again(&self) -> Self {
        Self { row: self.row, next: 0 }
    }

    fn value(&mut self) -> Result<ValueRef<'row>, Unreadable> {
        let value = self.row.get_ref(self.next).map_err(|_| Unreadable);
        self.next += 1;
        value
    }

    fn optional<T>(
        &mut self,
        read: impl FnOnce(ValueRef<'row>) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, Unreadable> {
        match self.value()? {
            ValueRef::Null => Ok(None),
            value => read(value).map(Some),
        }
    }

    pub(super) fn id(&mut self) -> Result<Uuid, Unreadable> {
        id(self.value()?)
    }

    pub(super) fn optional_id(&mut self) -> Result<Option<Uuid>, Unreadable> {
        self.optional(id)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        bytes(self.value()?)
    }

    pub(super) fn integer<T: TryFrom<i64>>(&mut self) -> Result<T, Unreadable> {
        integer(self.value()?)
    }

    pub(super) fn optional_integer<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, Unreadable> {
        self.optional(integer)
    }

    pub(super) fn optional_number(&mut self) -> Result<Option<f64>, Unreadable> {
        self.optional(number)
    }

    pub(super) fn instant(&mut self) -> Result<DateTime<Utc>, Unreadable> {
        instant(self.value()?)
    }

    pub(super) fn optional_instant(&mut self) -> Result<Option<DateTime<Utc>>, Unreadable> {
        self.optional(instant)
    }

    pub(super) fn text(&mut self) -> Result<&'row str, Unreadable> {
        text(self.value()?)
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<&'row str>, Unreadable> {
        self.optional(text)
    }

    /// A term of a vocabulary, a tag, a currency.
    pub(super) fn term<T: FromStr>(&mut self) -> Result<T, Unreadable> {
        term(self.value()?)
    }

    pub(super) fn optional_term<T: FromStr>(&mut self) -> Result<Option<T>, Unreadable> {
        self.optional(term)
    }

    /// A value kept as JSON.
    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, Unreadable> {
        serde_json::from_str(self.text()?).map_err(|_| Unreadable)
    }

    /// A list kept as JSON, `NULL` where it is empty.
    pub(super) fn list<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, Unreadable> {
        let list = self.optional(|value| serde_json::from_str(text(value)?).map_err(|_| Unreadable))?;
        Ok(list.unwrap_or_default())
    }
}

fn bytes<const N: usize>(value: ValueRef<'_>) -> Result<[u8; N], Unreadable> {
    match value {
        ValueRef::Blob(bytes) => bytes.try_into().map_err(|_| Unreadable),
        _ => Err(Unreadable),
    }
}

fn id(value: ValueRef<'_>) -> Result<Uuid, Unreadable> {
    bytes(value).map(Uuid::from_bytes)
}

fn integer<T: TryFrom<i64>>(value: ValueRef<'_>) -> Result<T, Unreadable> {
    match value {
        ValueRef::Integer(number) => number.try_into().map_err(|_| Unreadable),
        _ => Err(Unreadable),
    }
}

fn number(value: ValueRef<'_>) -> Result<f64, Unreadable> {
    match value {
        ValueRef::Real(number) => Ok(number),
        _ => Err(Unreadable),
    }
}

fn instant(value: ValueRef<'_>) -> Result<DateTime<Utc>, Unreadable> {
    DateTime::from_timestamp_micros(integer(value)?).ok_or(Unreadable)
}

fn text(value: ValueRef<'_>) -> Result<&str, Unreadable> {
    match value {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_err(|_| Unreadable),
        _ => Err(Unreadable),
    }
}

fn term<T: FromStr>(value: ValueRef<'_>) -> Result<T, Unreadable> {
    text(value)?.parse().map_err(|_| Unreadable)
}

/// A list as JSON, or `NULL` where it is empty.
pub(super) fn json<T: Serialize>(list: &[T], table: Table) -> Result<Option<String>, StoreError> {
    if list.is_empty() {
        return Ok(None);
    }
    // Domain types serialise without failing; the error is there so that nothing is dropped if one ever does not.
    let failed = |_| StoreError::Unusable { problem: table.unreadable };
    serde_json::to_string(list).map(Some).map_err(failed)
}

/// A count as SQLite keeps it.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of rows as SQLite takes it.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
