//! How many jobs are tried together, so that one that kills its worker takes few others down with it.

use crate::notification::Job;

/// The pace of one worker. It begins with one job, then claims two, then four, up to a batch: a worker that dies as soon as
/// it begins, again and again, costs few jobs an attempt each time.
///
/// A job that was claimed before may be the one that killed the worker who had it: of such jobs too, one is tried at first,
/// then two, then four, as long as all goes well, and each alone on its last attempt. The rest is handed back untried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    claimed: usize,
    together: usize,
    handed_back: bool,
}

/// What to do with the jobs of one claim.
#[derive(Debug)]
pub(super) struct Shares {
    /// Never tried before, or not to be tried any more.
    pub fresh: Vec<Job>,
    /// Claimed before; each is settled as soon as it is delivered.
    pub again: Vec<Job>,
    /// To be handed back untried.
    pub back: Vec<Job>,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { claimed: 1, together: 1, handed_back: false }
    }

    /// When a worker begins anew to look for what is due: others may have died of something meanwhile.
    #[cfg(any(test, feature = "tokio"))]
    pub(super) fn again(&mut self) {
        *self = Self { claimed: self.claimed, ..Self::new() };
    }

    /// How many jobs to claim next.
    pub(super) fn claim(&self, batch: usize) -> usize {
        // What was handed back comes first again; claiming more of it would hand more of it back.
        if self.handed_back { self.together.min(batch) } else { self.claimed.min(batch) }
    }

    /// Splits the jobs of a claim, in their order.
    ///
    /// # Arguments
    /// `attempts`: how often a job is tried at most.
    pub(super) fn split(&self, jobs: Vec<Job>, attempts: u32) -> Shares {
        let last = |job: &Job| job.attempts == attempts;
        let (mut again, fresh): (Vec<Job>, Vec<Job>) =
            jobs.into_iter().partition(|job| last(job) || (2..attempts).contains(&job.attempts));
        let mut kept = again.iter().take_while(|job| !last(job)).count().min(self.together);
        if again.first().is_some_and(last) {
            kept = 1;
        }
        let back = again.split_off(kept.min(again.len()));
        Shares { fresh, again, back }
    }

    /// After a batch whose worker is still alive.
    pub(super) fn went_well(&mut self, handed_back: bool) {
        self.handed_back = handed_back;
        self.claimed = self.claimed.saturating_mul(2);
        self.together = self.together.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::IdempotencyKey;
    use crate::notification::{Notification, Recipient};
    use crate::tag::Tag;
    use chrono::DateTime;

    fn jobs(attempts: &[u32]) -> Vec<Job> {
        let to = Recipient::Staff(Tag::literal("team"));
        let one = |(n, &attempts): (usize, &u32)| {
            let key = IdempotencyKey::derive(&[&n.to_string()]);
            let told = Notification::new(key, to, Tag::literal("t"), DateTime::UNIX_EPOCH).unwrap();
            Job { attempts, ..Job::new(told) }
        };
        attempts.iter().enumerate().map(one).collect()
    }

    fn split(pace: &Pace, given: &[u32], attempts: u32) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
        let shares = pace.split(jobs(given), attempts);
        let attempts = |jobs: &[Job]| jobs.iter().map(|job| job.attempts).collect();
        (attempts(&shares.fresh), attempts(&shares.again), attempts(&shares.back))
    }

    #[test]
    fn jobs_claimed_before_are_tried_one_then_two_then_four() {
        let mut pace = Pace::new();
        assert_eq!(pace.claim(100), 1);
        assert_eq!(split(&pace, &[2, 1, 3, 2, 1, 11], 10), (vec![1, 1, 11], vec![2], vec![3, 2]));
        pace.went_well(true);
        assert_eq!(pace.claim(100), 2);
        assert_eq!(split(&pace, &[3, 2], 10), (vec![], vec![3, 2], vec![]));
        pace.went_well(false);
        assert_eq!(pace.claim(100), 4);
        assert_eq!(split(&pace, &[2, 2, 2, 2, 2], 10), (vec![], vec![2, 2, 2, 2], vec![2]));
        (0..70).for_each(|_| pace.went_well(false));
        assert_eq!(pace.claim(100), 100);
        pace.again();
        assert_eq!(pace.claim(100), 100);
        assert_eq!(split(&pace, &[2, 1, 2], 10), (vec![1], vec![2], vec![2]));
    }

    #[test]
    fn the_last_attempt_is_made_alone() {
        let mut pace = Pace::new();
        (0..70).for_each(|_| pace.went_well(false));
        assert_eq!(split(&pace, &[3, 2, 2], 3), (vec![], vec![3], vec![2, 2]));
        assert_eq!(split(&pace, &[2, 2, 3, 2], 3), (vec![], vec![2, 2], vec![3, 2]));
        assert_eq!(split(&pace, &[1, 1, 2], 1), (vec![2], vec![1], vec![1]));
        assert_eq!(split(&pace, &[1, 1], 2), (vec![1, 1], vec![], vec![]));
    }
}
