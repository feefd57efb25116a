//! A digest of anything that serde can write: field by field into a hash, without text in between.

use serde::ser::{self, Serialize};
use std::fmt;
use twox_hash::XxHash3_128;

/// XXH3 of a value, as serde describes it. Equal values have equal digests on every platform; field names belong to
/// the digest, skipped fields do not, so a new optional field changes no digest of a value without it.
pub(super) fn digest(value: &impl Serialize) -> u128 {
    let mut writer = Writer { hash: XxHash3_128::new(), pending: Vec::with_capacity(BLOCK + 64) };
    // Domain types serialise without failing; were one to fail, the error is hashed and the digest still total.
    if value.serialize(&mut writer).is_err() {
        writer.bytes(b"unserialisable");
    }
    writer.hash.write(&writer.pending);
    writer.hash.finish_128()
}

const BLOCK: usize = 4096;

struct Writer {
    hash: XxHash3_128,
    pending: Vec<u8>,
}

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        self.flush_if_full();
    }

    fn length(&mut self, length: usize) {
        self.bytes(&(length as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.pending.reserve(text.len() + 8);
        self.pending.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.pending.extend_from_slice(text.as_bytes());
        self.flush_if_full();
    }

    fn flush_if_full(&mut self) {
        if self.pending.len() >= BLOCK {
            self.flush();
        }
    }

    #[cold]
    fn flush(&mut self) {
        self.hash.write(&self.pending);
        self.pending.clear();
    }
}

/// Text that is formatted where it is hashed from.
struct Text<'a>(&'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn write_char(&mut self, character: char) -> fmt::Result {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => self.0.push(byte),
            _ => self.0.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot be digested")
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty),+) => {
        $(fn $method(self, value: $type) -> Result<(), Failed> {
            self.bytes(&value.to_le_bytes());
            Ok(())
        })+
    };
}

impl ser::Serializer for &mut Writer {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Failed> {
        self.bytes(&[u8::from(value)]);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Failed> {
        self.bytes(&u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Failed> {
        self.text(value);
        Ok(())
    }

    /// As `serialize_str` of the formatted text, without the text in between.
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Failed> {
        use fmt::Write as _;

        let before = self.pending.len();
        self.pending.extend_from_slice(&[0; 8]);
        write!(Text(&mut self.pending), "{value}").map_err(|_| Failed)?;
        let length = self.pending.len() - before - 8;
        if let Some(place) = self.pending.get_mut(before..before + 8) {
            place.copy_from_slice(&(length as u64).to_le_bytes());
        }
        self.flush_if_full();
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Failed> {
        self.length(value.len());
        self.bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Failed> {
        self.bytes(&[0]);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failed> {
        self.bytes(&[1]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Failed> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failed> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Failed> {
        self.text(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        self.text(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Failed> {
        self.length(length.ok_or(Failed)?);
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Failed> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Failed> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self, Failed> {
        self.text(variant);
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, Failed> {
        self.length(length.ok_or(Failed)?);
        Ok(self)
    }

    fn serialize_struct(self, name: &'static str, fields: usize) -> Result<Self, Failed> {
        self.text(name);
        self.length(fields);
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        fields: usize,
    ) -> Result<Self, Failed> {
        self.text(variant);
        self.length(fields);
        Ok(self)
    }
}

macro_rules! elements {
    ($($compound:ident: $method:ident),+) => {
        $(impl ser::$compound for &mut Writer {
            type Ok = ();
            type Error = Failed;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), Failed> {
                Ok(())
            }
        })+
    };
}

elements! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field, SerializeTupleVariant: serialize_field
}

macro_rules! fields {
    ($($compound:ident),+) => {
        $(impl ser::$compound for &mut Writer {
            type Ok = ();
            type Error = Failed;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failed> {
                self.text(key);
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), Failed> {
                Ok(())
            }
        })+
    };
}

fields! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for &mut Writer {
    type Ok = ();
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Failed> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_do_not_run_together() {
        assert_ne!(digest(&("ab", "c")), digest(&("a", "bc")));
        assert_ne!(digest(&[Some(1_u8), None]), digest(&[None, Some(1_u8)]));
        assert_eq!(digest(&vec![1_u32, 2]), digest(&[1_u32, 2].as_slice()));
    }

    #[test]
    fn formatted_text_is_hashed_as_text() {
        struct Shown<T>(T);

        impl<T: fmt::Display> Serialize for Shown<T> {
            fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        for text in ["", "a", "é\u{10ffff}", &"long ".repeat(BLOCK)] {
            assert_eq!(digest(&(Shown(text), 'x')), digest(&(text, 'x')));
        }
        let at = chrono::DateTime::from_timestamp(1_767_225_600, 123_456_000).unwrap();
        assert_eq!(digest(&at), digest(&"2026-01-01T00:00:00.123456Z"));
    }

    #[test]
    fn digest_is_pinned() {
        // Stores keep digests: a later version must compute the same ones.
        assert_eq!(
            digest(&("pinned", 7_u64, Some(1.5_f64))),
            115_065_261_543_979_913_429_689_558_062_781_264_218
        );
    }

    #[test]
    fn long_values_hash_as_one_stream() {
        let long = "x".repeat(3 * BLOCK);
        let mut direct = XxHash3_128::new();
        direct.write(&(long.len() as u64).to_le_bytes());
        direct.write(long.as_bytes());
        assert_eq!(digest(&long), direct.finish_128());
    }
}
