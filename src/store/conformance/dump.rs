use crate::case::Matter;
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
    /// All matters by id.
    pub matters: Vec<Matter>,
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
/// [`StoreError`] of the first window that fails; [`StoreError::Unusable`] where pages do not ascend.
pub async fn dump<S: Store>(store: &S) -> Result<Dump, StoreError> {
    let always = Period::until(DateTime::from_timestamp_micros(LAST).unwrap_or_default())?;
    let mut all = Dump::default();
    loop {
        let after = all.customers.last().map(Customer::id);
        let page = goes_on(after, store.customers(after, PAGE).await?, Customer::id)?;
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
        let after = all.tasks.last().map(Task::id);
        let page = goes_on(after, store.tasks(after, PAGE).await?, Task::id)?;
        if page.is_empty() {
            break;
        }
        all.tasks.extend(page);
    }
    loop {
        let after = all.matters.last().map(Matter::id);
        let page = goes_on(after, store.matters(after, PAGE).await?, Matter::id)?;
        if page.is_empty() {
            break;
        }
        all.matters.extend(page);
    }
    loop {
        let after = all.jobs.last().map(|job| job.notification.key());
        let page = goes_on(after, store.jobs(after, PAGE).await?, |job| job.notification.key())?;
        if page.is_empty() {
            break;
        }
        all.jobs.extend(page);
    }
    Ok(all)
}

/// The page, if it ascends from the row before it: with a store whose pages do not, reading would never end.
fn goes_on<R, K: Ord>(after: Option<K>, page: Vec<R>, id: impl Fn(&R) -> K) -> Result<Vec<R>, StoreError> {
    let mut last = after;
    for row in &page {
        let next = Some(id(row));
        if next <= last {
            return Err(StoreError::Unusable { problem: "a page does not ascend from the one before" });
        }
        last = next;
    }
    Ok(page)
}
