#![doc = include_str!("../README.md")]

pub mod case;
pub mod consent;
pub mod customer;
pub mod interaction;
pub mod lifecycle;
pub mod notification;
pub mod notify;
pub mod purchase;
pub mod segment;
pub mod service;
pub mod store;
pub mod task;

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

pub use because::Because;
pub use key::IdempotencyKey;
pub use measure::{Estimate, Quantity, Share};
pub use money::{Currency, Money, MoneyError};
pub use period::Period;
pub use pii::Pii;
pub use tag::Tag;
pub use validation::ValidationError;
