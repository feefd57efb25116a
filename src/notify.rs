//! How people are told: one trait, and adapters for it.
//!
//! Messages are kept in memory (`MemoryNotifier`), posted to web addresses (`WebhookNotifier`, feature `webhook`), sent as
//! e-mail (`EmailNotifier`, feature `email`), and written to the log (`TracingNotifier`, feature `tracing`).
//! [`Notifier`] is a trait that you may implement over your own mail or chat system; the suite in
//! `notify::conformance` (feature `conformance`) tells whether the implementation keeps the contract.

#[cfg(feature = "conformance")]
pub mod conformance;

#[cfg(feature = "blocking")]
mod blocking;
#[cfg(feature = "email")]
mod email;
#[cfg(feature = "webhook")]
mod endpoint;
#[cfg(feature = "email")]
mod letter;
#[cfg(feature = "email")]
mod line_stream;
mod memory;
mod message;
#[cfg(feature = "webhook")]
mod post;
#[cfg(feature = "email")]
mod relay;
#[cfg(feature = "webhook")]
mod resolver;
#[cfg(feature = "webhook")]
mod target;
#[cfg(feature = "tracing")]
mod tracing;
#[cfg(feature = "webhook")]
mod webhook;

#[cfg(feature = "tracing")]
pub use self::tracing::{LogOnly, TracingNotifier};
#[cfg(feature = "blocking")]
pub use blocking::Blocking;
#[cfg(feature = "email")]
pub use email::EmailNotifier;
#[cfg(feature = "webhook")]
pub use endpoint::Endpoint;
#[cfg(feature = "email")]
pub use letter::Letter;
pub use memory::MemoryNotifier;
pub use message::{DeliveryError, Message};
#[cfg(feature = "email")]
pub use relay::SmtpRelay;
#[cfg(feature = "webhook")]
pub use resolver::{Resolver, SystemResolver};
#[cfg(feature = "webhook")]
pub use webhook::WebhookNotifier;

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
/// - A delivery whose future is dropped before its end may be repeated, and is then no different from any other.
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
