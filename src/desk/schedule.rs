use super::{Desk, DeskError, ReviewSettings, Scheduled};
use crate::key::IdempotencyKey;
use crate::notification::{Notification, Recipient};
use crate::notify::Notifier;
use crate::store::{ChangeSet, Store, StoreError};
use crate::task::{Task, TaskId};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// How many tasks go into one change set.
const TASKS_AT_ONCE: usize = 500;

impl<S: Store, N: Notifier> Desk<S, N> {
    /// Opens the tasks that are not open yet, most value first, and says which; each with the notification of its team.
    pub(super) async fn schedule(
        &self,
        wanted: &[Task],
        as_of: DateTime<Utc>,
        settings: &ReviewSettings,
    ) -> Result<(Vec<Scheduled>, u64), DeskError> {
        let (mut scheduled, mut before) = (Vec::new(), 0);
        for batch in wanted.chunks(TASKS_AT_ONCE) {
            // Another review may open the same tasks meanwhile; then the set is refused and looked at again.
            let mut tries = 0;
            loop {
                let ids: Vec<TaskId> = batch.iter().map(Task::id).collect();
                let known: BTreeSet<TaskId> =
                    self.store.tasks_by_id(&ids).await?.iter().map(Task::id).collect();
                let new: Vec<&Task> = batch.iter().filter(|task| !known.contains(&task.id())).collect();
                if !new.is_empty() {
                    match self.record(&self.opening(&new, as_of, settings)?).await {
                        Err(DeskError::Store(StoreError::Conflict { .. })) if tries < 3 => {
                            tries += 1;
                            continue;
                        }
                        answer => drop(answer?),
                    }
                }
                before += known.len() as u64;
                scheduled.extend(new.into_iter().map(|task| Scheduled {
                    task: task.id(),
                    about: task.about(),
                    customer: task.customer(),
                    team: task.assignee().unwrap_or(settings.sales_team),
                    because: task.reasons().to_vec(),
                }));
                break;
            }
        }
        Ok((scheduled, before))
    }

    fn opening(
        &self,
        tasks: &[&Task],
        as_of: DateTime<Utc>,
        settings: &ReviewSettings,
    ) -> Result<ChangeSet, DeskError> {
        let ids: Vec<String> = tasks.iter().map(|task| task.id().to_string()).collect();
        let parts: Vec<&str> = std::iter::once("review").chain(ids.iter().map(String::as_str)).collect();
        let mut changes = ChangeSet::new(IdempotencyKey::derive(&parts), as_of, self.settings.name)?;
        for &task in tasks {
            let team = task.assignee().unwrap_or(settings.sales_team);
            let key = IdempotencyKey::new(*task.id().as_uuid());
            let mut told = Notification::new(key, Recipient::Staff(team), task.about(), as_of)?;
            for &reason in task.reasons() {
                told = told.because(reason);
            }
            changes = changes.task(task.clone()).notification(told);
        }
        Ok(changes)
    }
}
