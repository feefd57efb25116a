use super::delivery::Work;
use super::{Deliveries, Desk, DeskError};
use crate::notify::Notifier;
use crate::store::Store;
use chrono::{DateTime, Utc};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// The longest pause after errors, where the interval is shorter.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Does what is due, again and again, until it is told to stop: [`Desk::run_due`] for a service on tokio.
///
/// # Behaviour
/// - Every second (or another interval) it looks at the cases, call-backs, recoveries and reminders whose time has come, then
///   claims what is due and delivers it in batches, each under a lease of its own. The
///   jobs of a worker that died are taken over when their lease has run out, at most an interval later.
/// - When the future given to [`run`](Self::run) is ready, the batch under way is finished, nothing more is claimed, and
///   the totals are returned. Dropping the future of `run` instead stops at once; jobs under way come back after their
///   lease.
/// - Errors of the store, and the problems of matters that had to be put off, go to a function that you give. After each
///   error of the store in a row it waits twice as long, at most half a
///   minute (or the interval, if that is longer). What was delivered and could not be recorded is kept, and recorded
///   before anything else is claimed.
/// - Several runners may work on one store, in one process or many.
///
/// # Example
/// ```
/// use chrono::{DateTime, Utc};
/// use patronage::desk::{Desk, Runner, Settings};
/// use patronage::notification::{Notification, Recipient};
/// use patronage::notify::MemoryNotifier;
/// use patronage::store::{ChangeSet, MemoryStore};
/// use patronage::{IdempotencyKey, Tag};
/// use std::sync::Arc;
/// use std::time::SystemTime;
/// use tokio::sync::oneshot;
///
/// # tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?.block_on(async {
/// let desk = Arc::new(Desk::new(MemoryStore::new(), MemoryNotifier::new(), Settings::default()));
/// let clock = || DateTime::<Utc>::from(SystemTime::now());
/// let runner = Runner::new(Arc::clone(&desk), clock, |error| eprintln!("reminders are held up: {error}"));
///
/// let (stop, stopped) = oneshot::channel::<()>();
/// let working = tokio::spawn(async move { runner.run(async { drop(stopped.await) }).await });
///
/// let key = IdempotencyKey::derive(&["call back", "17"]);
/// let remind = Notification::new(key, Recipient::Staff(Tag::literal("support")), Tag::literal("call_back"), clock())?;
/// desk.record(&ChangeSet::new(key, clock(), Tag::literal("shop"))?.notification(remind)).await?;
/// while desk.notifier().delivered().is_empty() {
///     tokio::task::yield_now().await;
/// }
///
/// drop(stop);
/// assert_eq!(working.await?.delivered, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "call `run` to deliver"]
pub struct Runner<S, N, C, E> {
    desk: Arc<Desk<S, N>>,
    clock: C,
    on_error: E,
    every: Duration,
}

impl<S, N, C, E> fmt::Debug for Runner<S, N, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("every", &self.every).finish_non_exhaustive()
    }
}

impl<S, N, C, E> Runner<S, N, C, E>
where
    S: Store,
    N: Notifier,
    C: Fn() -> DateTime<Utc> + Send + Sync,
    E: Fn(&DeskError) + Send + Sync,
{
    /// A runner that looks for what is due every second.
    ///
    /// # Arguments
    /// `clock`: what time it is. Workers on one store should agree about it to well within a third of the lease.
    /// `on_error`: told of every error of the store, and of every matter that had to be put off.
    pub const fn new(desk: Arc<Desk<S, N>>, clock: C, on_error: E) -> Self {
        Self { desk, clock, on_error, every: Duration::from_secs(1) }
    }

    /// How long it waits when nothing is due any more; at least a millisecond.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval.max(Duration::from_millis(1));
        self
    }

    /// Delivers until `shutdown` is ready, and returns what became of the notifications in all that time.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Deliveries {
        let mut shutdown = pin!(shutdown);
        let (mut work, mut errors) = (Work::new(), 0_u32);
        loop {
            work.pace.again();
            let mut looked = None;
            let ended = loop {
                if poll_fn(|context| Poll::Ready(shutdown.as_mut().poll(context).is_ready())).await {
                    return work.deliveries;
                }
                if looked.is_none() {
                    let troubles = self.desk.look_after((self.clock)(), &mut work).await;
                    looked = Some(troubles.map(|troubles| {
                        for trouble in &troubles {
                            (self.on_error)(&trouble.problem);
                        }
                    }));
                }
                match self.desk.deliver_batch(&self.clock, &mut work).await {
                    Ok(true) => let_others_go_first().await,
                    Ok(false) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            let failed =
                looked.into_iter().chain([ended]).filter_map(Result::err).inspect(&self.on_error).count();
            let pause = if failed == 0 {
                errors = 0;
                self.every
            } else {
                let doubled = self.every.saturating_mul(1_u32.checked_shl(errors).unwrap_or(u32::MAX));
                errors = errors.saturating_add(1);
                doubled.min(self.every.max(LONGEST_PAUSE))
            };
            if tokio::time::timeout(pause, shutdown.as_mut()).await.is_ok() {
                return work.deliveries;
            }
        }
    }
}

/// A store that answers at once would otherwise keep its thread until nothing is due any more.
async fn let_others_go_first() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
