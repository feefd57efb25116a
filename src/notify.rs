//! How people are told: one trait, and adapters for it.
//!
//! [`Notifier`] is a trait that you may implement over your own mail or chat system; the suite in
//! `notify::conformance` (feature `conformance`) tells whether the implementation keeps the contract.

#[cfg(feature = "conformance")]
pub mod conformance;

#[cfg(feature = "blocking")]
mod blocking;
mod memory;
mod message;

#[cfg(feature = "blocking")]
pub use blocking::Blocking;
pub use memory::MemoryNotifier;
pub use message::{DeliveryError, Message};

use std::future::Future;

/// Delivers messages.
///
/// # Contract
/// An implementation promises, and the conformance suite checks, one test for each line:
///
/// - `Ok` means that the message was taken over: it will not be lost by a crash of this process any more.
/// - A message delivered again under the same key reaches its recipient once, where the receiving side can tell; the
///   key is handed on to it.
/// - A message that can never be delivered answers [`DeliveryError::Permanent`]; anything that may pass by itself
///   answers [`DeliveryError::Transient`].
/// - An error holds neither the text nor the address.
/// - Deliveries may run at the same time.
///
/// Futures are `Send`; an adapter writes plain `async fn`.
pub trait Notifier: Send + Sync {
    /// Hands a message over for delivery.
    ///
    /// # Errors
    /// [`DeliveryError`]; see the contract.
    fn deliver(&self, message: &Message) -> impl Future<Output = Result<(), DeliveryError>> + Send;
}

impl<N: Notifier + ?Sized> Notifier for &N {
    fn deliver(&self, message: &Message) -> impl Future<Output = Result<(), DeliveryError>> + Send {
        (**self).deliver(message)
    }
}

impl<N: Notifier + ?Sized> Notifier for std::sync::Arc<N> {
    fn deliver(&self, message: &Message) -> impl Future<Output = Result<(), DeliveryError>> + Send {
        (**self).deliver(message)
    }
}
