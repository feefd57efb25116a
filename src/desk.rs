//! Where the outside world and the rules meet: load, decide, commit, deliver.
//!
//! A [`Desk`] is a store and a notifier with somebody sitting between them. It records what happened, reviews all
//! customers at an instant you name, looks after cases, call-backs, recoveries and reminders, and delivers what is due. It
//! keeps nothing itself, reads no clock, and starts no threads: call [`Desk::review`] once a day and [`Desk::run_due`] once
//! a minute from wherever your service keeps time, or have a `Runner` (feature `tokio`) do it.
//!
//! # What it looks after
//! Cases, call-backs, recoveries and reminders are recorded like everything else, as a [`Matter`](crate::case::Matter) in a
//! change set. The desk looks at each when its time has come, by the rules of [`Settings::serving`], and stores what
//! comes of it (an escalation, a missed slot, a reminder that fired) in one change set with the notifications and the time
//! to look again. What was due while nothing ran is found when something runs again. After the rules have changed, call
//! [`Desk::wake_all`].

mod at_once;
#[cfg(feature = "blocking")]
mod blocking;
mod delivery;
mod error;
mod pace;
mod pain_points;
mod retry;
mod review;
mod row;
#[cfg(feature = "tokio")]
mod runner;
mod schedule;
mod settings;
mod waking;
mod win_back;

pub use delivery::Deliveries;
pub use error::DeskError;
pub use retry::RetryPolicy;
pub use review::{Review, Scheduled, SegmentSize, Valuation, ValuedCustomer};
#[cfg(feature = "tokio")]
pub use runner::Runner;
pub use settings::{ReviewSettings, Settings};
pub use waking::{Trouble, Woken};

use crate::notify::Notifier;
use crate::store::{ChangeSet, Committed, Store, StoreError};

/// A store, a notifier, and what is done with them.
///
/// # Example
/// ```
/// use patronage::customer::{Customer, CustomerId, CustomerKind};
/// use patronage::desk::{Desk, Settings};
/// use patronage::notification::{Notification, Recipient};
/// use patronage::notify::MemoryNotifier;
/// use patronage::store::{ChangeSet, MemoryStore};
/// use patronage::{IdempotencyKey, Tag};
///
/// let now = "2026-03-01T10:00:00Z".parse()?;
/// let desk = Desk::new(MemoryStore::new(), MemoryNotifier::new(), Settings::default());
///
/// let key = IdempotencyKey::derive(&["sign-up", "17"]);
/// let customer = Customer::new(CustomerId::derive(&["shop", "17"]), CustomerKind::Person, now)?;
/// let welcome = Notification::new(key, Recipient::Staff("sales".parse()?), "new_customer".parse()?, now)?;
/// let changes = ChangeSet::new(key, now, Tag::literal("shop"))?.customer(customer).notification(welcome);
///
/// pollster::block_on(async {
///     desk.record(&changes).await?;
///     assert!(desk.record(&changes).await?.replayed, "recording twice records once");
///     assert_eq!(desk.run_due(now).await?.delivered, 1);
///     assert_eq!(desk.run_due(now).await?.delivered, 0);
///     Ok::<(), Box<dyn std::error::Error>>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Desk<S, N> {
    store: S,
    notifier: N,
    settings: Settings,
}

impl<S: Store, N: Notifier> Desk<S, N> {
    /// A desk over a store and a notifier.
    pub const fn new(store: S, notifier: N, settings: Settings) -> Self {
        Self { store, notifier, settings }
    }

    /// The store.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The notifier.
    pub const fn notifier(&self) -> &N {
        &self.notifier
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Records a change set. Where the store cannot tell whether it took effect, it is committed once more, which has
    /// no second effect.
    ///
    /// # Errors
    /// [`DeskError::Store`] when the store refuses it, or still cannot tell.
    pub async fn record(&self, changes: &ChangeSet) -> Result<Committed, DeskError> {
        match self.store.commit(changes).await {
            Err(StoreError::OutcomeUnknown { .. }) => Ok(self.store.commit(changes).await?),
            answer => Ok(answer?),
        }
    }
}

#[cfg(test)]
mod tests;
