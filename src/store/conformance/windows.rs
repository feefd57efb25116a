//! Pages and windows: their order, their ends, what they leave out.

use super::dump::dump;
use super::given::{
    always, at, call_back, case, changes, consent, consent_id, customer, customer_id, fine, interaction,
    interaction_id, job_key, move_to, notification, purchase, purchase_id, recovery, reminder, task, task_id,
};
use super::{Checked, Problem, ensure, ensure_eq};
use crate::case::{Matter, MatterId, MatterKind};
use crate::consent::ConsentRecord;
use crate::customer::{Customer, CustomerId};
use crate::interaction::Interaction;
use crate::key::IdempotencyKey;
use crate::lifecycle::LifecycleStage;
use crate::notification::Job;
use crate::period::Period;
use crate::purchase::Purchase;
use crate::store::{Store, StoreError};
use crate::task::{Task, TaskId};
use std::fmt;
use std::future::Future;

/// In this order they are committed: the ids from 2 to 26.
fn shuffled() -> impl Iterator<Item = u128> {
    (0..25).map(|n| 2 + n * 7 % 25)
}

/// Reads all pages of every size and holds them against the ids from 2 to 26.
async fn pages_cover<K, R, F>(
    page: impl Fn(Option<K>, usize) -> F,
    id: impl Fn(&R) -> K,
    nth: impl Fn(u128) -> K,
) -> Checked
where
    K: Copy + PartialEq + fmt::Debug,
    F: Future<Output = Result<Vec<R>, StoreError>>,
{
    let wanted: Vec<K> = (2..=26).map(&nth).collect();
    for limit in [1, 7, 24, 25, 26, 1000] {
        let mut found = Vec::new();
        loop {
            let rows = page(found.last().copied(), limit).await?;
            ensure!(rows.len() <= limit, "a page of {} rows where the limit is {limit}", rows.len());
            if rows.is_empty() {
                break;
            }
            found.extend(rows.iter().map(&id));
            ensure!(found.len() <= wanted.len(), "pages of {limit} rows repeat rows: {found:?}");
        }
        ensure_eq!(found, wanted, "all pages of {limit} rows");
    }
    ensure!(page(None, 0).await?.is_empty(), "a page of no rows holds some");
    ensure!(page(Some(nth(26)), 9).await?.is_empty(), "a page after the last row holds some");
    let from_between: Vec<K> = page(Some(nth(1)), 2).await?.iter().map(&id).collect();
    ensure_eq!(from_between, [nth(2), nth(3)], "a page after an id that is not stored");
    Ok(())
}

pub(super) async fn pages_of_customers_cover_everything_once(store: &impl Store) -> Checked {
    ensure_eq!(store.customers(None, 9).await?, [], "a page of an empty store");
    for n in shuffled() {
        let _ = store.commit(&changes(&n.to_string())?.customer(customer(n)?)).await?;
    }
    pages_cover(|after, limit| store.customers(after, limit), Customer::id, customer_id).await
}

pub(super) async fn pages_of_tasks_cover_everything_once(store: &impl Store) -> Checked {
    ensure_eq!(store.tasks(None, 9).await?, [], "a page of an empty store");
    let mut set = changes("tasks")?;
    for n in shuffled() {
        set = set.task(task(n)?);
    }
    let _ = store.commit(&set).await?;
    pages_cover(|after, limit| store.tasks(after, limit), Task::id, task_id).await
}

/// Matters of all kinds, ascending by id with the number, while their UUIDs descend from kind to kind. Each has a
/// customer of its own.
fn nth_matter(n: u128) -> Result<MatterKind, Problem> {
    Ok(match n {
        ..9 => call_back(300 + n, n)?.into(),
        9..16 => case(200 + n, n)?.into(),
        16..21 => recovery(100 + n, n)?.into(),
        _ => reminder(n)?.into(),
    })
}

fn nth_matter_id(n: u128) -> MatterId {
    nth_matter(n).map_or(MatterId::Case(super::given::case_id(0)), |kind| Matter::new(kind).id())
}

pub(super) async fn pages_of_matters_cover_everything_once(store: &impl Store) -> Checked {
    ensure_eq!(store.matters(None, 9).await?, [], "a page of an empty store");
    let mut set = changes("matters")?;
    for n in shuffled() {
        set = set.customer(customer(n)?).matter(Matter::new(nth_matter(n)?));
    }
    let _ = store.commit(&set).await?;
    pages_cover(|after, limit| store.matters(after, limit), Matter::id, nth_matter_id).await
}

pub(super) async fn matters_come_by_customer_then_id(store: &impl Store) -> Checked {
    let given = changes("given")?
        .customer(customer(1)?)
        .customer(customer(2)?)
        .customer(customer(3)?)
        .matter(Matter::new(case(7, 2)?))
        .matter(Matter::new(reminder(1)?.for_customer(customer_id(1))))
        .matter(Matter::new(reminder(2)?))
        .matter(Matter::new(recovery(2, 2)?))
        .matter(Matter::new(case(4, 3)?))
        .matter(Matter::new(case(5, 2)?))
        .matter(Matter::new(call_back(9, 2)?));
    let _ = store.commit(&given).await?;
    let found = store.matters_of(&[2, 9, 1, 2].map(customer_id)).await?;
    let found: Vec<_> = ids(&found, |one| (one.id().kind(), one.id().as_uuid().as_u128()));
    let wanted = [("reminder", 1), ("call_back", 9), ("case", 5), ("case", 7), ("recovery", 2)];
    ensure_eq!(found, wanted, "matters of customers");
    ensure_eq!(store.matters_of(&[]).await?, [], "matters of nobody");
    // One that is handed on goes with its customer.
    let handed_on = reminder(1)?.for_customer(customer_id(3));
    let _ = store.commit(&changes("handed on")?.matter(Matter::new(handed_on).with_version(1))).await?;
    ensure_eq!(store.matters_of(&[customer_id(1)]).await?, [], "matters of the first customer afterwards");
    ensure_eq!(
        store.matters_of(&[customer_id(3)]).await?.len(),
        2,
        "matters of the third customer afterwards"
    );
    Ok(())
}

pub(super) async fn waking_matters_come_by_their_instant_then_id(store: &impl Store) -> Checked {
    let mut set = changes("given")?;
    for n in 2..=26 {
        set = set.customer(customer(n)?);
    }
    for (n, wake) in [
        (3, Some(fine(20, 1))),
        (25, Some(at(10))),
        (4, Some(at(20))),
        (17, Some(at(20))),
        (10, Some(at(20))),
        (5, Some(at(30))),
        (6, None),
    ] {
        set = set.matter(Matter::new(nth_matter(n)?).waking(wake)?);
    }
    let _ = store.commit(&set).await?;
    for (now, limit, wanted) in [
        (at(9), 9, &[][..]),
        (at(10), 9, &[25]),
        (at(20), 9, &[25, 4, 10, 17]),
        (fine(20, 1), 9, &[25, 4, 10, 17, 3]),
        (at(99), 3, &[25, 4, 10]),
        (at(99), 0, &[]),
        (at(99), 99, &[25, 4, 10, 17, 3, 5]),
    ] {
        let found = store.matters_waking(now, limit).await?;
        let wanted: Vec<_> = wanted.iter().map(|&n| nth_matter_id(n)).collect();
        ensure_eq!(found, wanted, "what somebody has to look at by {now}, at most {limit}");
    }
    // Another instant takes the place of the first one; none takes it away.
    let looked_at = changes("looked at")?
        .matter(Matter::new(nth_matter(25)?).waking(Some(at(15)))?.with_version(1))
        .matter(Matter::new(nth_matter(4)?).waking(None)?.with_version(1));
    let _ = store.commit(&looked_at).await?;
    let found = store.matters_waking(at(20), 9).await?;
    ensure_eq!(found, [25, 10, 17].map(nth_matter_id), "what somebody has to look at afterwards");
    Ok(())
}

pub(super) async fn pages_of_jobs_cover_everything_once(store: &impl Store) -> Checked {
    ensure_eq!(store.jobs(None, 9).await?, [], "a page of an empty store");
    let mut set = changes("notifications")?;
    for n in shuffled() {
        set = set.notification(notification(n, 1000 - 10 * i64::try_from(n).unwrap_or_default())?);
    }
    let _ = store.commit(&set).await?;
    let key = |job: &Job| -> IdempotencyKey { job.notification.key() };
    pages_cover(|after, limit| store.jobs(after, limit), key, job_key).await
}

pub(super) async fn windows_by_id_ascend_and_leave_out_the_unknown(store: &impl Store) -> Checked {
    let mut set = changes("given")?;
    for n in [4, 2, 6] {
        set = set.customer(customer(n)?).task(task(n)?).matter(Matter::new(nth_matter(n)?));
    }
    set = set.customer(customer(16)?).matter(Matter::new(nth_matter(16)?));
    let _ = store.commit(&set).await?;
    let asked = [6, 1, 2, 9, 6, 2];
    let found = store.customers_by_id(&asked.map(customer_id)).await?;
    ensure_eq!(
        found.iter().map(Customer::id).collect::<Vec<_>>(),
        [2, 6].map(customer_id),
        "customers by id"
    );
    let found = store.tasks_by_id(&asked.map(task_id)).await?;
    ensure_eq!(ids(&found, Task::id), [2, 6].map(task_id), "tasks by id");
    ensure_eq!(store.customers_by_id(&[]).await?, [], "no customers by id");
    ensure_eq!(store.tasks_by_id(&[]).await?, [], "no tasks by id");
    let found = store.matters_by_id(&[16, 1, 2, 20, 6, 16, 2].map(nth_matter_id)).await?;
    ensure_eq!(ids(&found, Matter::id), [2, 6, 16].map(nth_matter_id), "matters by id");
    ensure_eq!(store.matters_by_id(&[]).await?, [], "no matters by id");
    Ok(())
}

pub(super) async fn lifecycles_are_those_that_have_begun(store: &impl Store) -> Checked {
    let mut set = changes("given")?;
    for n in [3, 1, 2] {
        set = set.customer(customer(n)?);
    }
    set = set
        .stage_change(move_to(3, LifecycleStage::Purchase, 0)?)
        .stage_change(move_to(1, LifecycleStage::Awareness, 0)?)
        .stage_change(move_to(3, LifecycleStage::Existing, 0)?);
    let _ = store.commit(&set).await?;
    let found: Vec<_> = store
        .lifecycles(&[9, 3, 2, 1, 3].map(customer_id))
        .await?
        .iter()
        .map(|(id, history)| (*id, history.stage(), history.entries().len()))
        .collect();
    let wanted = [
        (customer_id(1), Some(LifecycleStage::Awareness), 1),
        (customer_id(3), Some(LifecycleStage::Existing), 2),
    ];
    ensure_eq!(found, wanted, "lifecycles");
    ensure_eq!(store.lifecycles(&[]).await?, [], "lifecycles of nobody");
    Ok(())
}

/// Facts as (id, customer, second) in the order of committing, and the ids as they are to come back for the
/// customers 3, 1 and 2 (asked so, with repetitions and a stranger).
const FACTS: [(u128, u128, i64); 9] = [
    (7, 2, 30),
    (3, 1, 20),
    (9, 1, 10),
    (1, 1, 20),
    (2, 1, 20),
    (8, 3, -5),
    (4, 2, 30),
    (5, 4, 0),
    (6, 2, 29),
];
const ASKED: [u128; 6] = [3, 1, 9, 2, 1, 3];
const ORDERED: [u128; 8] = [9, 1, 2, 3, 6, 4, 7, 8];

async fn commit_customers(store: &impl Store) -> Checked {
    let mut set = changes("customers")?;
    for n in 1..=4 {
        set = set.customer(customer(n)?);
    }
    let _ = store.commit(&set).await?;
    Ok(())
}

fn ids<R, K>(rows: &[R], id: impl Fn(&R) -> K) -> Vec<K> {
    rows.iter().map(id).collect()
}

/// The period from a second to just before another.
fn seconds(from: i64, to: i64) -> Result<Period, Problem> {
    Ok(Period::new(at(from), at(to))?)
}

pub(super) async fn consents_come_by_customer_then_time_then_id(store: &impl Store) -> Checked {
    commit_customers(store).await?;
    for half in FACTS.chunks(5) {
        let records = half.iter().map(|&(n, customer, second)| consent(n, customer, second));
        let records = records.collect::<Result<Vec<_>, _>>()?;
        let name = format!("{:?}", half.first());
        let _ = store.commit(&changes(&name)?.with_consents(records)).await?;
    }
    let found = store.consents(&ASKED.map(customer_id)).await?;
    ensure_eq!(ids(&found, ConsentRecord::id), ORDERED.map(consent_id), "consent records");
    ensure_eq!(store.consents(&[]).await?, [], "consent records of nobody");
    Ok(())
}

pub(super) async fn purchases_come_by_customer_then_time_then_id(store: &impl Store) -> Checked {
    commit_customers(store).await?;
    for half in FACTS.chunks(5) {
        let bought = half.iter().map(|&(n, customer, second)| purchase(n, customer, second));
        let bought = bought.collect::<Result<Vec<_>, _>>()?;
        let name = format!("{:?}", half.first());
        let _ = store.commit(&changes(&name)?.with_purchases(bought)).await?;
    }
    let asked = ASKED.map(customer_id);
    let found = store.purchases(&asked, always()?).await?;
    ensure_eq!(ids(&found, Purchase::id), ORDERED.map(purchase_id), "purchases");
    let found = store.purchases(&asked, seconds(20, 30)?).await?;
    ensure_eq!(ids(&found, Purchase::id), [1, 2, 3, 6].map(purchase_id), "purchases within a period");
    ensure_eq!(store.purchases(&[], always()?).await?, [], "purchases of nobody");
    Ok(())
}

pub(super) async fn interactions_come_by_customer_then_time_then_id(store: &impl Store) -> Checked {
    commit_customers(store).await?;
    for half in FACTS.chunks(5) {
        let had = half.iter().map(|&(n, customer, second)| interaction(n, customer, second));
        let had = had.collect::<Result<Vec<_>, _>>()?;
        let name = format!("{:?}", half.first());
        let _ = store.commit(&changes(&name)?.with_interactions(had)).await?;
    }
    let asked = ASKED.map(customer_id);
    let found = store.interactions(&asked, always()?).await?;
    ensure_eq!(ids(&found, Interaction::id), ORDERED.map(interaction_id), "interactions");
    let found = store.interactions(&asked, seconds(20, 30)?).await?;
    let wanted = [1, 2, 3, 6].map(interaction_id);
    ensure_eq!(ids(&found, Interaction::id), wanted, "interactions within a period");
    ensure_eq!(store.interactions(&[], always()?).await?, [], "interactions of nobody");
    Ok(())
}

pub(super) async fn periods_hold_their_start_and_not_their_end(store: &impl Store) -> Checked {
    let mut set = changes("given")?.customer(customer(1)?);
    for (n, microsecond) in [(1, 0), (2, 1), (3, 2), (4, 3)] {
        let amount = "1.00 EUR".parse()?;
        let bought = Purchase::new(purchase_id(n), customer_id(1), fine(0, microsecond), amount)?;
        let had = Interaction::builder(interaction_id(n), customer_id(1), fine(0, microsecond)).build()?;
        set = set.purchase(bought).interaction(had);
    }
    let _ = store.commit(&set).await?;
    let of = [customer_id(1)];
    let period = Period::new(fine(0, 1), fine(0, 3))?;
    let found = ids(&store.purchases(&of, period).await?, Purchase::id);
    ensure_eq!(found, [2, 3].map(purchase_id), "purchases from microsecond 1 to before 3");
    let found = ids(&store.interactions(&of, period).await?, Interaction::id);
    ensure_eq!(found, [2, 3].map(interaction_id), "interactions from microsecond 1 to before 3");
    Ok(())
}

pub(super) async fn windows_take_many_ids(store: &impl Store) -> Checked {
    let mut set = changes("given")?;
    for n in 1..=3 {
        let n = n * 20_000;
        set = set
            .customer(customer(n)?)
            .stage_change(move_to(n, LifecycleStage::Awareness, 0)?)
            .consent(consent(n, n, 0)?)
            .purchase(purchase(n, n, 0)?)
            .interaction(interaction(n, n, 0)?)
            .task(task(n)?)
            .matter(Matter::new(case(n, n)?));
    }
    let _ = store.commit(&set).await?;
    // More than SQLite binds (32,766) or PostgreSQL (65,535) in one statement.
    let asked: Vec<CustomerId> = (1..=70_000).rev().map(customer_id).collect();
    let tasks: Vec<TaskId> = (1..=70_000).rev().map(task_id).collect();
    let cases: Vec<MatterId> = (1..=70_000).rev().map(|n| MatterId::Case(super::given::case_id(n))).collect();
    let found = (
        store.customers_by_id(&asked).await?.len(),
        store.lifecycles(&asked).await?.len(),
        store.consents(&asked).await?.len(),
        store.purchases(&asked, always()?).await?.len(),
        store.interactions(&asked, always()?).await?.len(),
        store.tasks_by_id(&tasks).await?.len(),
        store.matters_of(&asked).await?.len(),
        store.matters_by_id(&cases).await?.len(),
    );
    ensure_eq!(found, (3, 3, 3, 3, 3, 3, 3, 3), "rows of each kind for 70,000 ids");
    let ascending: Vec<_> =
        store.purchases(&asked, always()?).await?.iter().map(Purchase::customer).collect();
    ensure!(ascending.is_sorted(), "rows for many ids do not ascend by customer: {ascending:?}");
    Ok(())
}

pub(super) async fn reading_changes_nothing(store: &impl Store) -> Checked {
    let given = changes("given")?.customer(customer(1)?).notification(notification(1, 0)?);
    let _ = store.commit(&given).await?;
    let first = dump(store).await?;
    ensure_eq!(dump(store).await?, first, "what is read the second time");
    Ok(())
}
