//! What the adapters of this crate share about jobs: where a lease ends, and what settling leaves.

use super::StoreError;
use crate::notification::{Job, JobState, Settlement};
use crate::period;
use crate::validation::ValidationError;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// The instant of a claim and the end of its lease, both to the microsecond.
///
/// # Errors
/// [`ValidationError`] when either lies outside the years 1 to 9999.
pub(super) fn lease(
    now: DateTime<Utc>,
    lease: Duration,
) -> Result<(DateTime<Utc>, DateTime<Utc>), ValidationError> {
    let now = period::instant("claim.now", now)?;
    let until = TimeDelta::from_std(lease).ok().and_then(|lease| now.checked_add_signed(lease));
    let Some(until) = until else {
        let rule = "must end within the years 1 to 9999";
        return Err(ValidationError::new("claim.lease", rule, format!("{} s", lease.as_secs())));
    };
    Ok((now, period::instant("claim.lease", until)?))
}

/// The job after a claim.
pub(super) fn claimed(job: &Job, until: DateTime<Utc>) -> Job {
    let mut claimed = job.clone();
    claimed.state = JobState::Claimed { until };
    claimed.attempts = job.attempts.saturating_add(1);
    claimed.fence = job.fence.saturating_add(1);
    claimed
}

/// The job after it is settled, its instant to the microsecond.
///
/// # Errors
/// [`StoreError::StaleFence`] when the move is not allowed, [`StoreError::Refused`] when the instant it is put off to
/// lies outside the years 1 to 9999.
pub(super) fn settled(job: &Job, settlement: &Settlement) -> Result<Job, StoreError> {
    let Some(mut settled) = settlement.apply(job) else {
        return Err(StoreError::StaleFence { key: settlement.key() });
    };
    settled.not_before = period::instant("settlement.not_before", settled.not_before)?;
    Ok(settled)
}
