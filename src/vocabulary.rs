//! Enumerations that people type: one text for each term, in serde, `Display` and `FromStr` alike.

use crate::validation::ValidationError;
use serde::{Deserializer, de};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// Reads a value from text by its `FromStr`, without allocating.
pub(crate) fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = ValidationError>,
    D: Deserializer<'de>,
{
    struct FromText<T>(PhantomData<T>);

    impl<T: FromStr<Err = ValidationError>> de::Visitor<'_> for FromText<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(de::Error::custom)
        }
    }

    deserializer.deserialize_str(FromText(PhantomData))
}

/// Declares an enumeration with a stable text for each term. An `open` one lets users add terms of their own, written
/// `other:their_tag`.
macro_rules! vocabulary {
    (@common $name:ident) => {
        impl std::str::FromStr for $name {
            type Err = $crate::validation::ValidationError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::from_text(text).ok_or_else(|| {
                    $crate::validation::ValidationError::new(
                        Self::FIELD,
                        concat!("must be a term of `", stringify!($name), "`"),
                        text,
                    )
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_text())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::vocabulary::from_text(deserializer)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.to_text())
            }
        }
    };
    (
        $(#[$meta:meta])*
        $field:literal open $name:ident {
            $( $(#[$term_meta:meta])* $term:ident = $text:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$term_meta])* $term, )+
            /// A term of your own.
            Other($crate::tag::Tag),
        }

        impl $name {
            const FIELD: &'static str = $field;

            /// The terms every program knows, in the order of their definition.
            pub const KNOWN: &'static [Self] = &[$( Self::$term, )+];

            /// The stable text of the term; terms of your own read `other:tag`.
            pub fn to_text(&self) -> std::borrow::Cow<'static, str> {
                match self {
                    $( Self::$term => std::borrow::Cow::Borrowed($text), )+
                    Self::Other(tag) => std::borrow::Cow::Owned(format!("other:{tag}")),
                }
            }

            fn from_text(text: &str) -> Option<Self> {
                match text {
                    $( $text => Some(Self::$term), )+
                    _ => $crate::tag::Tag::new(text.strip_prefix("other:")?).ok().map(Self::Other),
                }
            }
        }

        $crate::vocabulary::vocabulary!(@common $name);
    };
    (
        $(#[$meta:meta])*
        $field:literal $name:ident {
            $( $(#[$term_meta:meta])* $term:ident = $text:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$term_meta])* $term, )+
        }

        impl $name {
            const FIELD: &'static str = $field;

            /// Every term, in the order of its definition.
            pub const ALL: &'static [Self] = &[$( Self::$term, )+];

            /// The stable text of the term.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$term => $text, )+
                }
            }

            fn to_text(self) -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(self.as_str())
            }

            fn from_text(text: &str) -> Option<Self> {
                match text {
                    $( $text => Some(Self::$term), )+
                    _ => None,
                }
            }
        }

        $crate::vocabulary::vocabulary!(@common $name);
    };
}

pub(crate) use vocabulary;
