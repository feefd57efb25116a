use super::{Deliveries, Desk, DeskError, Review, ReviewSettings, Woken};
use crate::notify::Notifier;
use crate::store::{Blocking, ChangeSet, Committed, Store};
use crate::task::ReminderId;
use chrono::{DateTime, Utc};

/// A desk for programs without an async runtime: `Blocking::new(desk)`.
///
/// # Example
/// ```
/// use patronage::Currency;
/// use patronage::desk::{Desk, ReviewSettings, Settings};
/// use patronage::notify::MemoryNotifier;
/// use patronage::store::{Blocking, MemoryStore};
///
/// let desk = Blocking::new(Desk::new(MemoryStore::new(), MemoryNotifier::new(), Settings::default()));
/// let review = desk.review("2026-04-01T00:00:00Z".parse()?, &ReviewSettings::new(Currency::EUR))?;
/// assert_eq!(review.customers, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<S: Store, N: Notifier> Blocking<Desk<S, N>> {
    /// Waits for [`Desk::record`].
    ///
    /// # Errors
    /// Those of [`Desk::record`].
    pub fn record(&self, changes: &ChangeSet) -> Result<Committed, DeskError> {
        pollster::block_on(self.get_ref().record(changes))
    }

    /// Waits for [`Desk::review`].
    ///
    /// # Errors
    /// Those of [`Desk::review`].
    pub fn review(&self, as_of: DateTime<Utc>, settings: &ReviewSettings) -> Result<Review, DeskError> {
        pollster::block_on(self.get_ref().review(as_of, settings))
    }

    /// Waits for [`Desk::wake`].
    ///
    /// # Errors
    /// Those of [`Desk::wake`].
    pub fn wake(&self, now: DateTime<Utc>) -> Result<Woken, DeskError> {
        pollster::block_on(self.get_ref().wake(now))
    }

    /// Waits for [`Desk::wake_all`].
    ///
    /// # Errors
    /// Those of [`Desk::wake_all`].
    pub fn wake_all(&self, now: DateTime<Utc>) -> Result<u64, DeskError> {
        pollster::block_on(self.get_ref().wake_all(now))
    }

    /// Waits for [`Desk::cancel_reminder`].
    ///
    /// # Errors
    /// Those of [`Desk::cancel_reminder`].
    pub fn cancel_reminder(&self, id: ReminderId, now: DateTime<Utc>) -> Result<u64, DeskError> {
        pollster::block_on(self.get_ref().cancel_reminder(id, now))
    }

    /// Waits for [`Desk::run_due`].
    ///
    /// # Errors
    /// Those of [`Desk::run_due`].
    pub fn run_due(&self, now: DateTime<Utc>) -> Result<Deliveries, DeskError> {
        pollster::block_on(self.get_ref().run_due(now))
    }

    /// Waits for [`Desk::run_due_by`].
    ///
    /// # Errors
    /// Those of [`Desk::run_due_by`].
    pub fn run_due_by(
        &self,
        clock: impl Fn() -> DateTime<Utc> + Send + Sync,
    ) -> Result<Deliveries, DeskError> {
        pollster::block_on(self.get_ref().run_due_by(clock))
    }
}
