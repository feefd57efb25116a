//! Jobs that are due: claims, leases, fences, settlements.

use super::door::side_by_side;
use super::given::{at, changes, customer, fine, job_key, notification};
use super::{Checked, Problem, ensure, ensure_eq, ensure_refused};
use crate::key::IdempotencyKey;
use crate::notification::{Job, JobState, Settlement};
use crate::store::{Entity, Store, StoreError};
use crate::tag::Tag;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const PROBLEM: Tag = Tag::literal("mailbox_full");

/// Commits notifications, each due at a second.
async fn notify(store: &impl Store, due: &[(u128, i64)]) -> Checked {
    let mut set = changes(&format!("notify {due:?}"))?;
    for &(n, second) in due {
        set = set.notification(notification(n, second)?);
    }
    let _ = store.commit(&set).await?;
    Ok(())
}

async fn settle(store: &impl Store, name: &str, settlement: Settlement) -> Result<(), StoreError> {
    let set = changes(name).map_err(|_| StoreError::Unusable { problem: "no change set could be made" })?;
    store.commit(&set.settlement(settlement)).await.map(|_| ())
}

fn keys(jobs: &[Job]) -> Vec<IdempotencyKey> {
    jobs.iter().map(|job| job.notification.key()).collect()
}

/// The one stored job.
async fn only_job(store: &impl Store) -> Result<Job, Problem> {
    let mut jobs = store.jobs(None, 9).await?;
    ensure_eq!(jobs.len(), 1, "stored jobs");
    jobs.pop().ok_or_else(|| Problem("no job is stored".to_owned()))
}

async fn job_after(store: &impl Store, n: u128) -> Result<Job, Problem> {
    let page = store.jobs(Some(job_key(n)), 1).await?;
    page.into_iter().next().ok_or_else(|| Problem(format!("there is no job after {}", job_key(n))))
}

/// A job that was claimed at second 0 for a minute, so with fence 1.
async fn claimed_job(store: &impl Store) -> Checked {
    notify(store, &[(1, 0)]).await?;
    ensure_eq!(keys(&store.claim(at(0), 9, MINUTE).await?), [job_key(1)], "a due job is claimed");
    Ok(())
}

pub(super) async fn a_notification_is_a_scheduled_job(store: &impl Store) -> Checked {
    notify(store, &[(1, 30)]).await?;
    let wanted = Job {
        notification: notification(1, 30)?,
        state: JobState::Scheduled,
        attempts: 0,
        fence: 0,
        not_before: at(30),
        problem: None,
    };
    ensure_eq!(only_job(store).await?, wanted, "the job of a new notification");
    Ok(())
}

pub(super) async fn claims_return_due_jobs_by_time_then_key_up_to_the_limit(store: &impl Store) -> Checked {
    ensure_eq!(store.claim(at(0), 9, MINUTE).await?, [], "a claim of an empty store");
    notify(store, &[(1, 50), (5, 30), (3, 30), (4, 10), (2, 30), (6, 51)]).await?;
    ensure_eq!(store.claim(at(9), 9, MINUTE).await?, [], "a claim before anything is due");
    ensure_eq!(store.claim(fine(9, 999_999), 9, MINUTE).await?, [], "a claim a microsecond early");
    ensure_eq!(store.claim(at(50), 0, MINUTE).await?, [], "a claim of no jobs");
    let first = store.claim(at(50), 2, MINUTE).await?;
    ensure_eq!(keys(&first), [4, 2].map(job_key), "the first two due jobs");
    let rest = store.claim(at(50), 9, MINUTE).await?;
    ensure_eq!(keys(&rest), [3, 5, 1].map(job_key), "the other due jobs");
    ensure_eq!(store.claim(at(50), 9, MINUTE).await?, [], "a claim when all due jobs are leased");
    ensure_eq!(keys(&store.claim(at(51), 9, MINUTE).await?), [job_key(6)], "a job due later");
    Ok(())
}

pub(super) async fn a_leased_job_is_not_claimed_again_until_its_lease_runs_out(
    store: &impl Store,
) -> Checked {
    claimed_job(store).await?;
    let stored = only_job(store).await?;
    ensure_eq!(stored.state, JobState::Claimed { until: at(60) }, "the state of a claimed job");
    for (now, when) in [(at(0), "at once"), (at(30), "halfway"), (fine(59, 999_999), "a microsecond early")] {
        ensure_eq!(store.claim(now, 9, MINUTE).await?, [], "a claim of a leased job {when}");
    }
    ensure_eq!(only_job(store).await?, stored, "claims that find nothing changed the job");
    let again = store.claim(at(60), 9, 2 * MINUTE).await?;
    ensure_eq!(keys(&again), [job_key(1)], "a claim when the lease has run out");
    ensure_eq!(store.claim(at(179), 9, MINUTE).await?, [], "a claim during the second lease");
    ensure_eq!(store.claim(at(180), 9, MINUTE).await?.len(), 1, "a claim after the second lease");
    Ok(())
}

pub(super) async fn jobs_with_expired_leases_keep_their_place(store: &impl Store) -> Checked {
    notify(store, &[(1, 40), (2, 10), (3, 20)]).await?;
    ensure_eq!(keys(&store.claim(at(15), 9, MINUTE).await?), [job_key(2)], "the first due job");
    // Job 2 is due again at 75, later than the others; but its time is 10, the earliest.
    let found = store.claim(at(100), 2, MINUTE).await?;
    ensure_eq!(keys(&found), [2, 3].map(job_key), "due jobs by their time, with an expired lease among them");
    Ok(())
}

pub(super) async fn claims_count_attempts_and_raise_the_fence(store: &impl Store) -> Checked {
    notify(store, &[(1, 0)]).await?;
    for attempt in 1..=4_u32 {
        let now = at(i64::from(attempt) * 100);
        let claimed = store.claim(now, 9, MINUTE).await?;
        let stored = only_job(store).await?;
        ensure_eq!(claimed, std::slice::from_ref(&stored), "the claimed job and the stored one");
        ensure_eq!(
            (stored.attempts, stored.fence, stored.not_before),
            (attempt, u64::from(attempt), at(0)),
            "attempts, fence and time of the job"
        );
        let until = at(i64::from(attempt) * 100 + 60);
        ensure_eq!(stored.state, JobState::Claimed { until }, "the state of the job");
    }
    let next = store.commit(&changes("next")?).await?;
    ensure_eq!(next.sequence, 2, "the place in the journal after claims");
    Ok(())
}

pub(super) async fn claims_at_the_same_time_share_no_job(store: &impl Store) -> Checked {
    let due: Vec<_> = (1..=40).map(|n| (n, 0)).collect();
    notify(store, &due).await?;
    let claims = side_by_side((0..8).map(|_| store.claim(at(0), 7, MINUTE)).collect()).await;
    let mut all = Vec::new();
    for claim in claims {
        match claim {
            Ok(jobs) => all.extend(keys(&jobs)),
            Err(StoreError::Busy) => {}
            Err(other) => return Err(other.into()),
        }
    }
    loop {
        let jobs = store.claim(at(0), 7, MINUTE).await?;
        if jobs.is_empty() {
            break;
        }
        all.extend(keys(&jobs));
        ensure!(all.len() <= due.len(), "{} jobs were claimed where {} are due", all.len(), due.len());
    }
    all.sort_unstable();
    let wanted: Vec<_> = (1..=40).map(job_key).collect();
    ensure_eq!(all, wanted, "the jobs of all claims together");
    Ok(())
}

pub(super) async fn a_delivered_job_is_final(store: &impl Store) -> Checked {
    claimed_job(store).await?;
    settle(store, "delivered", Settlement::Delivered { key: job_key(1), fence: 1 }).await?;
    let stored = only_job(store).await?;
    ensure_eq!((stored.state, stored.attempts), (JobState::Delivered, 1), "a delivered job");
    ensure_eq!(store.claim(at(9999), 9, MINUTE).await?, [], "a claim of a delivered job");
    for (name, settlement) in [
        ("again", Settlement::Delivered { key: job_key(1), fence: 1 }),
        ("cancel", Settlement::Cancelled { key: job_key(1) }),
        ("requeue", Settlement::Requeued { key: job_key(1), not_before: at(0) }),
    ] {
        ensure_refused!(
            settle(store, name, settlement).await,
            StoreError::StaleFence { key } if key == job_key(1),
            "settling a delivered job ({name})"
        );
    }
    ensure_eq!(only_job(store).await?, stored, "refused settlements changed the job");
    Ok(())
}

pub(super) async fn a_retried_job_waits_for_its_time(store: &impl Store) -> Checked {
    claimed_job(store).await?;
    // An instant finer than a microsecond is kept to the microsecond, like every instant.
    let not_before = fine(500, 7) + chrono::TimeDelta::nanoseconds(999);
    let retry = Settlement::Retry { key: job_key(1), fence: 1, not_before, problem: PROBLEM };
    settle(store, "retry", retry).await?;
    let stored = only_job(store).await?;
    ensure_eq!(
        (stored.state, stored.attempts, stored.fence, stored.not_before, stored.problem),
        (JobState::Scheduled, 1, 1, fine(500, 7), Some(PROBLEM)),
        "a job to be tried again"
    );
    ensure_eq!(store.claim(fine(500, 6), 9, MINUTE).await?, [], "a claim before the time of the retry");
    let again = store.claim(fine(500, 7), 9, MINUTE).await?;
    let found: Vec<_> = again.iter().map(|job| (job.attempts, job.fence, job.problem)).collect();
    ensure_eq!(found, [(2, 2, Some(PROBLEM))], "the job claimed again");
    settle(store, "delivered", Settlement::Delivered { key: job_key(1), fence: 2 }).await?;
    ensure_eq!(only_job(store).await?.problem, None, "the problem of a job that was delivered in the end");
    Ok(())
}

pub(super) async fn an_exhausted_job_stays_visible_and_can_be_requeued(store: &impl Store) -> Checked {
    claimed_job(store).await?;
    let exhausted = Settlement::Exhausted { key: job_key(1), fence: 1, problem: PROBLEM };
    settle(store, "exhausted", exhausted).await?;
    let stored = only_job(store).await?;
    ensure_eq!(
        (stored.state, stored.attempts, stored.fence, stored.problem),
        (JobState::Exhausted, 1, 1, Some(PROBLEM)),
        "an exhausted job"
    );
    ensure_eq!(store.claim(at(9999), 9, MINUTE).await?, [], "a claim of an exhausted job");
    settle(store, "requeue", Settlement::Requeued { key: job_key(1), not_before: at(700) }).await?;
    let stored = only_job(store).await?;
    ensure_eq!(
        (stored.state, stored.attempts, stored.fence, stored.not_before),
        (JobState::Scheduled, 0, 1, at(700)),
        "a requeued job"
    );
    ensure_eq!(store.claim(at(699), 9, MINUTE).await?, [], "a claim before the time of a requeued job");
    let again = store.claim(at(700), 9, MINUTE).await?;
    let found: Vec<_> = again.iter().map(|job| (job.attempts, job.fence)).collect();
    ensure_eq!(found, [(1, 2)], "attempts and fence of a requeued job");
    Ok(())
}

pub(super) async fn a_cancelled_job_is_never_claimed(store: &impl Store) -> Checked {
    notify(store, &[(1, 0), (2, 0), (3, 0)]).await?;
    settle(store, "scheduled", Settlement::Cancelled { key: job_key(1) }).await?;
    ensure_eq!(keys(&store.claim(at(0), 1, MINUTE).await?), [job_key(2)], "the job that is left");
    // Cancelling works while a worker has the job; the worker learns it when settling.
    settle(store, "claimed", Settlement::Cancelled { key: job_key(2) }).await?;
    ensure_refused!(
        settle(store, "late", Settlement::Delivered { key: job_key(2), fence: 1 }).await,
        StoreError::StaleFence { .. },
        "settling a job that was cancelled meanwhile"
    );
    ensure_eq!(keys(&store.claim(at(9999), 9, MINUTE).await?), [job_key(3)], "all jobs that are left");
    Ok(())
}

pub(super) async fn only_the_latest_claim_settles(store: &impl Store) -> Checked {
    notify(store, &[(1, 0)]).await?;
    let attempt = |fence| {
        let key = job_key(1);
        [
            Settlement::Delivered { key, fence },
            Settlement::Retry { key, fence, not_before: at(0), problem: PROBLEM },
            Settlement::Exhausted { key, fence, problem: PROBLEM },
        ]
    };
    for settlement in attempt(0) {
        ensure_refused!(
            settle(store, &format!("{settlement:?}"), settlement).await,
            StoreError::StaleFence { key } if key == job_key(1),
            "{settlement:?} of a job nobody has claimed"
        );
    }
    ensure_eq!(store.claim(at(0), 9, MINUTE).await?.len(), 1, "the first claim");
    ensure_eq!(store.claim(at(60), 9, MINUTE).await?.len(), 1, "the second claim");
    let stored = only_job(store).await?;
    for settlement in attempt(1).into_iter().chain(attempt(3)) {
        ensure_refused!(
            settle(store, &format!("{settlement:?}"), settlement).await,
            StoreError::StaleFence { key } if key == job_key(1),
            "{settlement:?} where the latest fence is 2"
        );
    }
    ensure_eq!(only_job(store).await?, stored, "a stale claim changed the job");
    settle(store, "latest", Settlement::Delivered { key: job_key(1), fence: 2 }).await?;
    ensure_eq!(only_job(store).await?.state, JobState::Delivered, "the job settled by the latest claim");
    Ok(())
}

pub(super) async fn an_expired_claim_settles_while_nobody_else_has_claimed(store: &impl Store) -> Checked {
    claimed_job(store).await?;
    ensure_eq!(store.claim(at(9999), 0, MINUTE).await?, [], "a claim of no jobs after the lease");
    settle(store, "late", Settlement::Delivered { key: job_key(1), fence: 1 }).await?;
    ensure_eq!(only_job(store).await?.state, JobState::Delivered, "the job settled after its lease");
    ensure_eq!(store.claim(at(9999), 9, MINUTE).await?, [], "a claim of the delivered job");
    Ok(())
}

pub(super) async fn settlements_follow_the_table(store: &impl Store) -> Checked {
    // Five states; in each, every settlement with the fence of the job and with an older one.
    let mut n = 0;
    for state in 0..5 {
        for settlement in 0..10 {
            n += 1;
            let key = job_key(n);
            let label = format!("state {state}, settlement {settlement}");
            let _ =
                store.commit(&changes(&format!("given {label}"))?.notification(notification(n, 0)?)).await?;
            if state != 0 {
                ensure_eq!(keys(&store.claim(at(0), 9, MINUTE).await?), [key], "the claim ({label})");
            }
            let into = match state {
                2 => Some(Settlement::Delivered { key, fence: 1 }),
                3 => Some(Settlement::Exhausted { key, fence: 1, problem: PROBLEM }),
                4 => Some(Settlement::Cancelled { key }),
                _ => None,
            };
            if let Some(into) = into {
                settle(store, &format!("into {label}"), into).await?;
            }
            let fence = u64::from(settlement < 5);
            let settlement = match settlement {
                0 | 5 => Settlement::Delivered { key, fence },
                1 | 6 => Settlement::Retry { key, fence, not_before: at(7777), problem: PROBLEM },
                2 | 7 => Settlement::Exhausted { key, fence, problem: PROBLEM },
                3 | 8 => Settlement::Released { key, fence },
                4 => Settlement::Cancelled { key },
                _ => Settlement::Requeued { key, not_before: at(7777) },
            };
            let before = job_after(store, n - 1).await?;
            let answer = settle(store, &label, settlement).await;
            let wanted = settlement.apply(&before);
            match &wanted {
                Some(_) => ensure!(answer.is_ok(), "{settlement:?} in {:?}: {answer:?}", before.state),
                None => {
                    ensure_refused!(
                        answer,
                        StoreError::StaleFence { key: named } if named == key,
                        "{settlement:?} in {:?}",
                        before.state
                    );
                }
            }
            ensure_eq!(
                job_after(store, n - 1).await?,
                wanted.unwrap_or(before),
                "the job after {settlement:?} ({label})"
            );
            // Out of the way of the next claim.
            let _ = settle(store, &format!("done {label}"), Settlement::Cancelled { key }).await;
        }
    }
    Ok(())
}

pub(super) async fn a_settlement_of_an_unknown_job_is_refused(store: &impl Store) -> Checked {
    for settlement in [
        Settlement::Delivered { key: job_key(9), fence: 0 },
        Settlement::Cancelled { key: job_key(9) },
        Settlement::Requeued { key: job_key(9), not_before: at(0) },
    ] {
        ensure_refused!(
            settle(store, "unknown", settlement).await,
            StoreError::Unknown { entity: Entity::Notification, id } if id == *job_key(9).as_uuid(),
            "{settlement:?} of an unknown job"
        );
    }
    ensure_eq!(store.jobs(None, 9).await?, [], "jobs after refused settlements");
    Ok(())
}

pub(super) async fn a_settled_notification_is_still_known(store: &impl Store) -> Checked {
    claimed_job(store).await?;
    settle(store, "delivered", Settlement::Delivered { key: job_key(1), fence: 1 }).await?;
    let stored = only_job(store).await?;
    let again = changes("again")?.customer(customer(1)?).notification(notification(1, 0)?);
    let receipt = store.commit(&again).await?;
    ensure_eq!((receipt.applied, receipt.known), (1, 1), "the receipt for a delivered notification");
    ensure_eq!(only_job(store).await?, stored, "the delivered job, after it was asked for again");
    ensure_eq!(store.claim(at(9999), 9, MINUTE).await?, [], "a claim of a delivered notification");
    Ok(())
}
