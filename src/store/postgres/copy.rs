//! Many rows at once: binary COPY into a temporary table of the session, and from there into the table itself, which
//! COPY alone could not do where some keys are known.

use super::fault::{Fault, failed};
use super::session::Session;
use super::table::{Known, Table};
use super::value::{Unreadable, Value};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use postgres_types::{IsNull, ToSql, Type};
use std::pin::{Pin, pin};
use tokio_postgres::CopyInSink;

/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;
const NULL: i32 = -1;
const CHUNK: usize = 64 * 1024;

pub(super) struct Copy<'s> {
    session: &'s Session,
    table: Table,
    known: Known,
    stage: String,
}

impl<'s> Copy<'s> {
    /// Makes the temporary table, where this session has none of it yet. It is emptied when the transaction ends.
    pub(super) async fn begin(session: &'s Session, table: Table, known: Known) -> Result<Self, Fault> {
        let purpose = match known {
            Known::Stays => "new",
            Known::Changes => "changed",
        };
        let stage = format!("pg_temp.patronage_{purpose}_{}", table.name);
        let create = format!(
            "CREATE TEMPORARY TABLE IF NOT EXISTS {} (LIKE @{}) ON COMMIT DELETE ROWS",
            stage.trim_start_matches("pg_temp."),
            table.name
        );
        let create = session.in_schema(&create);
        session.client()?.batch_execute(&create).await.map_err(failed(table.write))?;
        Ok(Self { session, table, known, stage })
    }

    /// Writes the rows and returns how many were inserted or changed.
    pub(super) async fn rows<'a>(
        self,
        rows: impl Iterator<Item = Result<Vec<Value<'a>>, Unreadable>> + Send,
    ) -> Result<u64, Fault> {
        let Self { session, table, known, stage } = self;
        let columns = table.list();
        let copy = format!("COPY {stage} ({columns}) FROM STDIN (FORMAT binary)");
        let copy = session.client()?.copy_in(&copy).await.map_err(failed(table.write))?;
        send(pin!(copy), table, rows).await?;
        let insert = format!(
            "INSERT INTO @{} ({columns}) SELECT {columns} FROM {stage} {}",
            table.name,
            table.on_conflict(known)
        );
        session.execute(table.write, &insert, &[]).await
    }
}

async fn send<'a>(
    mut copy: Pin<&mut CopyInSink<Bytes>>,
    table: Table,
    rows: impl Iterator<Item = Result<Vec<Value<'a>>, Unreadable>>,
) -> Result<(), Fault> {
    let mut chunk = BytesMut::with_capacity(CHUNK + CHUNK / 4);
    chunk.put_slice(HEADER);
    for row in rows {
        row.and_then(|row| encode(&row, &mut chunk)).map_err(|Unreadable| table.unreadable())?;
        if chunk.len() >= CHUNK {
            copy.send(chunk.split().freeze()).await.map_err(failed(table.write))?;
        }
    }
    chunk.put_i16(TRAILER);
    copy.send(chunk.freeze()).await.map_err(failed(table.write))?;
    copy.finish().await.map_err(failed(table.write))?;
    Ok(())
}

/// One row: the number of its columns, then each with its length.
fn encode(row: &[Value<'_>], out: &mut BytesMut) -> Result<(), Unreadable> {
    out.put_i16(i16::try_from(row.len()).map_err(|_| Unreadable)?);
    for value in row {
        let place = out.len();
        out.put_i32(NULL);
        // The type does not matter to any of our values.
        if let IsNull::No = value.to_sql(&Type::TEXT, out).map_err(|_| Unreadable)? {
            let length = i32::try_from(out.len() - place - 4).map_err(|_| Unreadable)?;
            if let Some(place) = out.get_mut(place..place + 4) {
                place.copy_from_slice(&length.to_be_bytes());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_encoded_as_the_manual_says() {
        // PostgreSQL 15, documentation of COPY, "Binary Format".
        let mut out = BytesMut::new();
        encode(&[Value::Null, Value::from("ab"), Value::Integer(-2)], &mut out).unwrap();
        let wanted: &[u8] = &[
            0, 3, // columns
            255, 255, 255, 255, // null
            0, 0, 0, 2, b'a', b'b', // text
            0, 0, 0, 8, 255, 255, 255, 255, 255, 255, 255, 254, // bigint
        ];
        assert_eq!(&out[..], wanted);
        assert_eq!(HEADER.len(), 19);
    }
}
