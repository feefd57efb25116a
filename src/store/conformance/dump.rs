use crate::consent::ConsentRecord;
use crate::customer::{Customer, CustomerId};
use crate::interaction::Interaction;
use crate::lifecycle::LifecycleHistory;
use crate::notification::Job;
use crate::period::Period;
use crate::purchase::Purchase;
use crate::store::{Store, StoreError};
use crate::task::Task;
use chrono::DateTime;

/// Everything a store shows through its windows, in their order: two stores with equal dumps hold the same.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Dump {
    /// All customers by id.
    pub customers: Vec<Customer>,
    /// Their lifecycles by customer.
    pub lifecycles: Vec<(CustomerId, LifecycleHistory)>,
    /// Their consent records by customer, time, id.
    pub consents: Vec<ConsentRecord>,
    /// Their purchases by customer, time, id.
    pub purchases: Vec<Purchase>,
    /// Their interactions by customer, time, id.
    pub interactions: Vec<Interaction>,
    /// All tasks by id.
    pub tasks: Vec<Task>,
    /// All jobs by key, in whatever state.
    pub jobs: Vec<Job>,
}

const PAGE: usize = 500;
/// The last microsecond of the year 9999.
const LAST: i64 = 253_402_300_799_999_999;

/// Reads everything a store shows through its windows, page by page.
///
/// Facts at the very last microsecond of the year 9999 lie in no period and so are not in it.
///
/// # Errors
/// [`StoreError`] of the first window that fails.
pub async fn dump<S: Store>(store: &S) -> Result<Dump, StoreError> {
    let always = Period::until(DateTime::from_timestamp_micros(LAST).unwrap_or_default())?;
    let mut all = Dump::default();
    loop {
        let page = store.customers(all.customers.last().map(Customer::id), PAGE).await?;
        if page.is_empty() {
            break;
        }
        let ids: Vec<CustomerId> = page.iter().map(Customer::id).collect();
        all.customers.extend(page);
        all.lifecycles.extend(store.lifecycles(&ids).await?);
        all.consents.extend(store.consents(&ids).await?);
        all.purchases.extend(store.purchases(&ids, always).await?);
        all.interactions.extend(store.interactions(&ids, always).await?);
    }
    loop {
        let page = store.tasks(all.tasks.last().map(Task::id), PAGE).await?;
        if page.is_empty() {
            break;
        }
        all.tasks.extend(page);
    }
    loop {
        let page = store.jobs(all.jobs.last().map(|job| job.notification.key()), PAGE).await?;
        if page.is_empty() {
            break;
        }
        all.jobs.extend(page);
    }
    Ok(all)
}
