use super::{DeliveryError, Message, Notifier};

/// A notifier for programs without an async runtime: it returns when the message is taken over.
///
/// It parks the calling thread, so do not call it within the task of an async runtime.
///
/// # Example
/// ```
/// use patronage::notification::{Notification, Recipient};
/// use patronage::notify::{Blocking, MemoryNotifier, Message};
/// use patronage::{IdempotencyKey, Tag};
///
/// let told = Notification::new(
///     IdempotencyKey::derive(&["1"]),
///     Recipient::Staff(Tag::literal("support")),
///     Tag::literal("win_back"),
///     "2026-03-01T08:00:00Z".parse()?,
/// )?;
/// let notifier = Blocking::new(MemoryNotifier::new());
/// notifier.deliver(&Message::new(&told, None, 1))?;
/// assert_eq!(notifier.get_ref().delivered().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Blocking<N> {
    notifier: N,
}

impl<N> Blocking<N> {
    /// Wraps a notifier; a reference or an [`Arc`](std::sync::Arc) of one is a notifier too.
    pub const fn new(notifier: N) -> Self {
        Self { notifier }
    }

    /// The notifier inside.
    pub const fn get_ref(&self) -> &N {
        &self.notifier
    }

    /// Unwraps the notifier.
    pub fn into_inner(self) -> N {
        self.notifier
    }
}

impl<N: Notifier> Blocking<N> {
    /// Waits for [`Notifier::deliver`].
    ///
    /// # Errors
    /// Those of [`Notifier::deliver`].
    pub fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        pollster::block_on(self.notifier.deliver(message))
    }
}
