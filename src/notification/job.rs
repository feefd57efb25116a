use super::Notification;
use crate::key::IdempotencyKey;
use crate::tag::Tag;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a stored notification is on its way.
///
/// ```text
/// Scheduled -> Claimed -> Delivered | Scheduled (again, later) | Exhausted
/// Scheduled -> Cancelled          Exhausted -> Scheduled (requeued)
/// ```
/// A claim whose lease has run out counts as scheduled. Failure deletes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// Waits for its time.
    Scheduled,
    /// A worker has it until the lease runs out.
    Claimed {
        /// When the lease runs out.
        until: DateTime<Utc>,
    },
    /// The notifier took it.
    Delivered,
    /// Given up, with the last problem; stays visible and can be requeued.
    Exhausted,
    /// No longer wanted.
    Cancelled,
}

/// A notification on its way: what was asked for, how often it was tried, and who may complete it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What is to be delivered.
    pub notification: Notification,
    /// Where it is.
    pub state: JobState,
    /// How often a worker took it; counted when it is claimed, so that a job which kills its worker is counted too.
    pub attempts: u32,
    /// The number of the latest claim; settling with an older one is refused.
    pub fence: u64,
    /// Not to be claimed before.
    pub not_before: DateTime<Utc>,
    /// What went wrong last.
    pub problem: Option<Tag>,
}

impl Job {
    /// A job as its change set stores it: scheduled for its due instant, never tried.
    pub fn new(notification: Notification) -> Self {
        let not_before = notification.due();
        Self { notification, state: JobState::Scheduled, attempts: 0, fence: 0, not_before, problem: None }
    }

    /// Whether a worker may claim the job at an instant.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        match self.state {
            JobState::Scheduled => self.not_before <= now,
            JobState::Claimed { until } => until <= now,
            JobState::Delivered | JobState::Exhausted | JobState::Cancelled => false,
        }
    }
}

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Settlement {
    /// The notifier took it. Only with the fence of the latest claim.
    Delivered {
        /// Which job.
        key: IdempotencyKey,
        /// The fence of the claim.
        fence: u64,
    },
    /// It failed and is tried again. Only with the fence of the latest claim.
    Retry {
        /// Which job.
        key: IdempotencyKey,
        /// The fence of the claim.
        fence: u64,
        /// Not before.
        not_before: DateTime<Utc>,
        /// What went wrong.
        problem: Tag,
    },
    /// It failed for good. Only with the fence of the latest claim.
    Exhausted {
        /// Which job.
        key: IdempotencyKey,
        /// The fence of the claim.
        fence: u64,
        /// What went wrong.
        problem: Tag,
    },
    /// It is handed back without having been tried: it is scheduled as before, and the attempt is not counted. Only with
    /// the fence of the latest claim.
    Released {
        /// Which job.
        key: IdempotencyKey,
        /// The fence of the claim.
        fence: u64,
    },
    /// It is no longer wanted; refused once it is delivered.
    Cancelled {
        /// Which job.
        key: IdempotencyKey,
    },
    /// An exhausted job is to be tried again from the start.
    Requeued {
        /// Which job.
        key: IdempotencyKey,
        /// Not before.
        not_before: DateTime<Utc>,
    },
}

impl Settlement {
    /// Which job it is about.
    pub const fn key(&self) -> IdempotencyKey {
        match *self {
            Self::Delivered { key, .. }
            | Self::Retry { key, .. }
            | Self::Exhausted { key, .. }
            | Self::Released { key, .. }
            | Self::Cancelled { key }
            | Self::Requeued { key, .. } => key,
        }
    }

    /// The job after it is settled; `None` where the move is not allowed (an older fence, a final state).
    ///
    /// The one place where the moves of a job are defined: every adapter calls it inside its transaction.
    #[must_use]
    pub fn apply(&self, job: &Job) -> Option<Job> {
        let held = |fence: u64| matches!(job.state, JobState::Claimed { .. }) && job.fence == fence;
        let mut settled = job.clone();
        match *self {
            Self::Delivered { fence, .. } if held(fence) => {
                settled.state = JobState::Delivered;
                settled.problem = None;
            }
            Self::Retry { fence, not_before, problem, .. } if held(fence) => {
                settled.state = JobState::Scheduled;
                settled.not_before = not_before;
                settled.problem = Some(problem);
            }
            Self::Exhausted { fence, problem, .. } if held(fence) => {
                settled.state = JobState::Exhausted;
                settled.problem = Some(problem);
            }
            Self::Released { fence, .. } if held(fence) => {
                settled.state = JobState::Scheduled;
                settled.attempts = job.attempts.saturating_sub(1);
            }
            Self::Cancelled { .. } if !matches!(job.state, JobState::Delivered | JobState::Cancelled) => {
                settled.state = JobState::Cancelled;
            }
            Self::Requeued { not_before, .. } if job.state == JobState::Exhausted => {
                settled.state = JobState::Scheduled;
                settled.attempts = 0;
                settled.not_before = not_before;
            }
            _ => return None,
        }
        Some(settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notification::Recipient;

    fn job(state: JobState) -> Job {
        let key = IdempotencyKey::derive(&["j"]);
        let to = Recipient::Staff(Tag::literal("team"));
        let told = Notification::new(key, to, Tag::literal("test"), DateTime::UNIX_EPOCH).unwrap();
        Job { state, fence: 3, attempts: 2, ..Job::new(told) }
    }

    #[test]
    fn only_the_latest_claim_settles() {
        let key = IdempotencyKey::derive(&["j"]);
        let claimed = job(JobState::Claimed { until: DateTime::UNIX_EPOCH });
        assert_eq!(
            Settlement::Delivered { key, fence: 3 }.apply(&claimed).unwrap().state,
            JobState::Delivered
        );
        assert!(Settlement::Delivered { key, fence: 2 }.apply(&claimed).is_none());
        assert!(Settlement::Delivered { key, fence: 3 }.apply(&job(JobState::Scheduled)).is_none());
    }

    #[test]
    fn a_released_job_is_as_before_its_claim_but_for_the_fence() {
        let key = IdempotencyKey::derive(&["j"]);
        let claimed = job(JobState::Claimed { until: DateTime::UNIX_EPOCH });
        let released = Settlement::Released { key, fence: 3 }.apply(&claimed).unwrap();
        assert_eq!((released.state, released.attempts, released.fence), (JobState::Scheduled, 1, 3));
        assert_eq!(released.not_before, claimed.not_before);
        assert!(Settlement::Released { key, fence: 2 }.apply(&claimed).is_none());
        assert!(Settlement::Released { key, fence: 3 }.apply(&released).is_none());
    }

    #[test]
    fn delivered_and_cancelled_are_final_and_exhausted_can_be_requeued() {
        let key = IdempotencyKey::derive(&["j"]);
        let requeue = Settlement::Requeued { key, not_before: DateTime::UNIX_EPOCH };
        for state in [JobState::Delivered, JobState::Cancelled] {
            assert!(Settlement::Cancelled { key }.apply(&job(state)).is_none());
            assert!(requeue.apply(&job(state)).is_none());
        }
        let again = requeue.apply(&job(JobState::Exhausted)).unwrap();
        assert_eq!((again.state, again.attempts, again.fence), (JobState::Scheduled, 0, 3));
    }
}
