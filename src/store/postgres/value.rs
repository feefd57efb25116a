use crate::period;
use crate::tag::Tag;
use crate::validation::ValidationError;
use bytes::BytesMut;
use chrono::{DateTime, Utc};
use postgres_types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::error::Error;
use std::str::FromStr;
use tokio_postgres::Row;
use uuid::Uuid;

/// What a column of a row to be written holds. Numbers are always `bigint` or `double precision`.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Null,
    Id(Uuid),
    Instant(DateTime<Utc>),
    Text(Cow<'a, str>),
    Tag(Tag),
    Integer(i64),
    Number(f64),
}

impl<'a> Value<'a> {
    /// Text that may hold anything.
    pub(super) fn any_text(text: &'a str) -> Self {
        Self::Text(written(text))
    }

    /// A list as JSON, null where it is empty.
    pub(super) fn list<T: Serialize>(list: &[T]) -> Result<Self, Unreadable> {
        if list.is_empty() {
            return Ok(Self::Null);
        }
        Self::json(&list)
    }

    /// Anything as JSON.
    pub(super) fn json<T: Serialize>(value: &T) -> Result<Self, Unreadable> {
        // Domain types serialise without failing; the error is there so that nothing is dropped if one ever does not.
        serde_json::to_string(value).map(Into::into).map_err(|_| Unreadable)
    }

    pub(super) fn count(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

macro_rules! values {
    ($($from:ty: $value:ident => $made:expr;)+) => {
        $(impl<'a> From<$from> for Value<'a> {
            fn from($value: $from) -> Self {
                $made
            }
        })+
    };
}

values! {
    Uuid: id => Self::Id(id);
    DateTime<Utc>: at => Self::Instant(at);
    &'a str: text => Self::Text(text.into());
    String: text => Self::Text(text.into());
    Cow<'a, str>: text => Self::Text(text);
    Tag: tag => Self::Tag(tag);
    i64: number => Self::Integer(number);
    u32: number => Self::Integer(number.into());
    u16: number => Self::Integer(number.into());
    u8: number => Self::Integer(number.into());
    f64: number => Self::Number(number);
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Id(id) => id.to_sql(of, out),
            Self::Instant(at) => at.to_sql(of, out),
            Self::Text(text) => text.as_ref().to_sql(of, out),
            Self::Tag(tag) => tag.as_str().to_sql(of, out),
            Self::Integer(number) => number.to_sql(of, out),
            Self::Number(number) => number.to_sql(of, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// PostgreSQL keeps no NUL in text. It is written as SUBSTITUTE and `0`, and SUBSTITUTE itself, which nobody types, twice.
fn written(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\u{1a}']) {
        Cow::Owned(text.replace('\u{1a}', "\u{1a}\u{1a}").replace('\0', "\u{1a}0"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that was written as `text`.
fn read(text: &str) -> Result<Cow<'_, str>, Unreadable> {
    if !text.contains('\u{1a}') {
        return Ok(Cow::Borrowed(text));
    }
    let mut original = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        original.push(match character {
            '\u{1a}' => match characters.next() {
                Some('\u{1a}') => '\u{1a}',
                Some('0') => '\0',
                _ => return Err(Unreadable),
            },
            other => other,
        });
    }
    Ok(Cow::Owned(original))
}

/// A row holds what no program of ours wrote there. What it was is not kept: it may be personal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unreadable;

impl From<ValidationError> for Unreadable {
    fn from(_: ValidationError) -> Self {
        Self
    }
}

/// Text of a column, whether its type is `text` or `json`.
struct Text<'row>(&'row str);

impl<'row> FromSql<'row> for Text<'row> {
    fn from_sql(_: &Type, raw: &'row [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::TEXT || *of == Type::JSON
    }
}

/// The columns of a row, read one after the other in the order of the query.
pub(super) struct Columns<'row> {
    row: &'row Row,
    next: usize,
}

impl<'row> Columns<'row> {
    pub(super) const fn new(row: &'row Row) -> Self {
        Self { row, next: 0 }
    }

    fn value<T: FromSql<'row>>(&mut self) -> Result<T, Unreadable> {
        let value = self.row.try_get(self.next).map_err(|_| Unreadable);
        self.next += 1;
        value
    }

    /// Passes over a column.
    pub(super) const fn skip(&mut self) {
        self.next += 1;
    }

    pub(super) fn id(&mut self) -> Result<Uuid, Unreadable> {
        self.value()
    }

    pub(super) fn optional_id(&mut self) -> Result<Option<Uuid>, Unreadable> {
        self.value()
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        self.value::<&[u8]>()?.try_into().map_err(|_| Unreadable)
    }

    pub(super) fn integer<T: TryFrom<i64>>(&mut self) -> Result<T, Unreadable> {
        self.value::<i64>()?.try_into().map_err(|_| Unreadable)
    }

    pub(super) fn optional_integer<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, Unreadable> {
        let number: Option<i64> = self.value()?;
        number.map(T::try_from).transpose().map_err(|_| Unreadable)
    }

    pub(super) fn optional_number(&mut self) -> Result<Option<f64>, Unreadable> {
        self.value()
    }

    pub(super) fn instant(&mut self) -> Result<DateTime<Utc>, Unreadable> {
        Ok(period::instant("at", self.value()?)?)
    }

    pub(super) fn optional_instant(&mut self) -> Result<Option<DateTime<Utc>>, Unreadable> {
        let at: Option<DateTime<Utc>> = self.value()?;
        Ok(at.map(|at| period::instant("at", at)).transpose()?)
    }

    pub(super) fn text(&mut self) -> Result<&'row str, Unreadable> {
        self.value::<Text<'_>>().map(|text| text.0)
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<&'row str>, Unreadable> {
        Ok(self.value::<Option<Text<'_>>>()?.map(|text| text.0))
    }

    /// Text that may hold anything.
    pub(super) fn any_text(&mut self) -> Result<Option<Cow<'row, str>>, Unreadable> {
        self.optional_text()?.map(read).transpose()
    }

    /// A term of a vocabulary, a tag, a currency.
    pub(super) fn term<T: FromStr>(&mut self) -> Result<T, Unreadable> {
        self.text()?.parse().map_err(|_| Unreadable)
    }

    pub(super) fn optional_term<T: FromStr>(&mut self) -> Result<Option<T>, Unreadable> {
        self.optional_text()?.map(str::parse).transpose().map_err(|_| Unreadable)
    }

    pub(super) fn texts(&mut self) -> Result<Vec<&'row str>, Unreadable> {
        self.value()
    }

    /// A list kept as JSON, null where it is empty.
    pub(super) fn list<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, Unreadable> {
        let list = self.optional_text()?.map(serde_json::from_str).transpose();
        Ok(list.map_err(|_| Unreadable)?.unwrap_or_default())
    }

    /// Something kept as JSON.
    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, Unreadable> {
        serde_json::from_str(self.text()?).map_err(|_| Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back() {
        for text in ["", "a", "\0", "\u{1a}", "\u{1a}0", "\0\u{1a}\u{1a}0\0", "\u{1a}\0", "é\u{10ffff}"] {
            let kept = written(text);
            assert!(!kept.contains('\0'));
            assert_eq!(read(&kept).unwrap(), text);
        }
        for strange in ["\u{1a}", "\u{1a}1", "a\u{1a}\u{1a}\u{1a}"] {
            assert!(read(strange).is_err());
        }
    }
}
