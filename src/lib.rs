#![doc = include_str!("../README.md")]

pub mod case;
pub mod consent;
pub mod customer;
pub mod desk;
pub mod feedback;
pub mod interaction;
pub mod journey;
pub mod lifecycle;
pub mod loyalty;
pub mod notification;
pub mod notify;
pub mod outreach;
pub mod pain;
pub mod purchase;
pub mod segment;
pub mod service;
#[cfg(feature = "simulate")]
pub mod simulate;
pub mod store;
pub mod task;
pub mod value;

mod because;
mod key;
mod measure;
mod money;
mod numeric;
mod period;
mod pii;
mod tag;
mod validation;
mod vocabulary;
mod zone;

pub use because::Because;
pub use key::IdempotencyKey;
pub use measure::{Estimate, Quantity, Share};
pub use money::{Currency, Money, MoneyError};
pub use period::Period;
pub use pii::Pii;
pub use tag::Tag;
pub use validation::ValidationError;
#[cfg(feature = "chrono-tz")]
pub use zone::zone_named;
pub use zone::{LocalTime, ZoneRules};
