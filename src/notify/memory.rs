use super::{DeliveryError, Message, Notifier};
use crate::key::IdempotencyKey;
use crate::tag::Tag;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A notifier that keeps what it delivers: the reference, for tests and for trying things out.
///
/// It honours keys: a message under a known key is counted but not kept again. It can be told to fail.
///
/// # Example
/// ```
/// use patronage::notification::{Notification, Recipient};
/// use patronage::notify::{MemoryNotifier, Message, Notifier};
/// use patronage::{IdempotencyKey, Tag};
///
/// let told = Notification::new(
///     IdempotencyKey::derive(&["1"]),
///     Recipient::Staff(Tag::literal("support")),
///     Tag::literal("win_back"),
///     "2026-03-01T08:00:00Z".parse()?,
/// )?;
/// let notifier = MemoryNotifier::new();
/// pollster::block_on(async {
///     notifier.deliver(&Message::new(&told, None, 1)).await?;
///     notifier.deliver(&Message::new(&told, None, 2)).await
/// })?;
/// assert_eq!(notifier.delivered().len(), 1);
/// assert_eq!(notifier.calls(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryNotifier {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    delivered: BTreeMap<IdempotencyKey, Message>,
    calls: u64,
    failing: BTreeMap<Tag, DeliveryError>,
}

impl MemoryNotifier {
    /// A notifier that has delivered nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, answers messages about something with an error; `None` makes it deliver again.
    pub fn fail(&self, about: Tag, with: Option<DeliveryError>) {
        let mut state = self.lock();
        match with {
            Some(error) => state.failing.insert(about, error),
            None => state.failing.remove(&about),
        };
    }

    /// What was delivered, by key, each once.
    pub fn delivered(&self) -> Vec<Message> {
        self.lock().delivered.values().cloned().collect()
    }

    /// How often it was asked to deliver.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is valid after every statement, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notifier for MemoryNotifier {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let mut state = self.lock();
        state.calls += 1;
        if let Some(error) = state.failing.get(&message.about()) {
            return Err(error.clone());
        }
        state.delivered.entry(message.key()).or_insert_with(|| message.clone());
        Ok(())
    }
}
