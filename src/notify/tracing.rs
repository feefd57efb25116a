use super::{DeliveryError, Message, Notifier};
use crate::notification::Recipient;
use ::tracing::{Level, event};

/// Writes one event for each delivery, with the crate `tracing`: around another notifier, or alone.
///
/// The event says the key, what the message is about, whether a customer or staff is told, the number of the attempt, and
/// what became of it: `outcome` is `delivered` (level `INFO`), `put_off` (`WARN`) or `refused` (`ERROR`), with the
/// `problem` where there is one. It holds neither text nor address, nor who is told.
///
/// # Example
/// ```
/// use patronage::notify::{MemoryNotifier, TracingNotifier};
///
/// let notifier = TracingNotifier::around(MemoryNotifier::new());
/// assert_eq!(notifier.get_ref().calls(), 0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingNotifier<N = LogOnly> {
    notifier: N,
}

impl TracingNotifier {
    /// Writes events and does nothing else: every message counts as delivered. For trying things out, and where the log is
    /// all that is wanted.
    pub const fn log_only() -> Self {
        Self { notifier: LogOnly }
    }
}

impl<N> TracingNotifier<N> {
    /// Writes events about what another notifier delivers.
    pub const fn around(notifier: N) -> Self {
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

/// The inside of a [`TracingNotifier`] that only writes events: it takes every message and hands it on to nobody. The line
/// in the log is the delivery, so a message is as safe as the log is; nothing can fail, and nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogOnly;

impl Notifier for LogOnly {
    async fn deliver(&self, _: &Message) -> Result<(), DeliveryError> {
        Ok(())
    }
}

impl<N: Notifier> Notifier for TracingNotifier<N> {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let answer = self.notifier.deliver(message).await;
        let to = match message.to() {
            Recipient::Customer(_) => "customer",
            Recipient::Staff(_) => "staff",
        };
        macro_rules! write {
            ($level:expr, $outcome:literal $(, $problem:ident)?) => {
                event!(
                    $level,
                    key = %message.key(),
                    about = message.about().as_str(),
                    to,
                    attempt = message.attempt(),
                    $(problem = $problem.as_str(),)?
                    outcome = $outcome,
                )
            };
        }
        match &answer {
            Ok(()) => write!(Level::INFO, "delivered"),
            Err(DeliveryError::Transient { problem, .. }) => write!(Level::WARN, "put_off", problem),
            Err(DeliveryError::Permanent { problem }) => write!(Level::ERROR, "refused", problem),
        }
        answer
    }
}
