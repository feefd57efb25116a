//! Receipts, repeating, the order within a change set, commits side by side.

use super::dump::dump;
use super::given::{
    always, at, case, case_in, changes, customer, customer_id, identity, interaction, job_key, key, move_to,
    notification, purchase, task,
};
use super::{Checked, Problem, ensure, ensure_eq, ensure_refused};
use crate::case::{CaseStatus, Matter};
use crate::customer::Customer;
use crate::lifecycle::LifecycleStage;
use crate::notification::{JobState, Settlement};
use crate::store::{ChangeSet, Committed, Entity, Store, StoreError};
use crate::tag::Tag;
use crate::task::TaskStatus;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

pub(super) async fn receipts_count_what_took_effect(store: &impl Store) -> Checked {
    let first = changes("first")?.customer(customer(1)?).interaction(interaction(1, 1, 0)?);
    let receipt = store.commit(&first).await?;
    let wanted = Committed { sequence: 1, applied: 2, known: 0, replayed: false };
    ensure_eq!(receipt, wanted, "the first receipt");

    let second = changes("second")?
        .interaction(interaction(1, 1, 0)?)
        .interaction(interaction(2, 1, 0)?)
        .purchase(purchase(1, 1, 0)?)
        .task(task(1)?);
    let wanted = Committed { sequence: 2, applied: 3, known: 1, replayed: false };
    ensure_eq!(store.commit(&second).await?, wanted, "the second receipt");

    ensure_eq!(store.committed(key("first")).await?, Some(receipt), "the receipt by its key");
    ensure_eq!(store.committed(key("second")).await?, Some(wanted), "the receipt by its key");
    ensure_eq!(store.committed(key("third")).await?, None, "the receipt of a key never used");
    Ok(())
}

pub(super) async fn an_empty_change_set_is_committed(store: &impl Store) -> Checked {
    let wanted = Committed { sequence: 1, applied: 0, known: 0, replayed: false };
    ensure_eq!(store.commit(&changes("empty")?).await?, wanted, "the receipt of an empty change set");
    let again = Committed { replayed: true, ..wanted };
    ensure_eq!(store.commit(&changes("empty")?).await?, again, "the receipt when repeated");
    ensure_refused!(
        store.commit(&changes("empty")?.task(task(1)?)).await,
        StoreError::KeyReuse { entity: Entity::ChangeSet, .. },
        "a payload under the key of an empty change set"
    );
    Ok(())
}

pub(super) async fn a_repeated_change_set_changes_nothing_and_returns_the_first_receipt(
    store: &impl Store,
) -> Checked {
    // Repeated changes of every kind would conflict, be illegal, or be known.
    let sign_up = changes("sign-up")?
        .customer(customer(1)?.with_identity(identity("one")?)?)
        .stage_change(move_to(1, LifecycleStage::Awareness, 0)?)
        .interaction(interaction(1, 1, 0)?)
        .task(task(1)?)
        .notification(notification(1, 0)?)
        .settlement(Settlement::Cancelled { key: job_key(1) });
    let first = store.commit(&sign_up).await?;
    ensure!(!first.replayed, "the first receipt says that it is a repetition");
    let later = changes("later")?.customer(customer(1)?.with_version(1)).stage_change(move_to(
        1,
        LifecycleStage::Consideration,
        1,
    )?);
    let _ = store.commit(&later).await?;
    let before = dump(store).await?;
    for _ in 0..2 {
        let again = store.commit(&sign_up).await?;
        ensure_eq!(again, Committed { replayed: true, ..first }, "the receipt when repeated");
        ensure_eq!(dump(store).await?, before, "repeating changed something");
    }
    let next = store.commit(&changes("next")?).await?;
    ensure_eq!(next.sequence, 3, "the place in the journal after repetitions");
    Ok(())
}

pub(super) async fn author_and_instant_do_not_make_another_change_set(store: &impl Store) -> Checked {
    let first = store.commit(&changes("sign-up")?.customer(customer(1)?)).await?;
    let by_another = ChangeSet::new(key("sign-up"), at(99), Tag::literal("another"))?.customer(customer(1)?);
    let again = store.commit(&by_another).await?;
    ensure_eq!(again, Committed { replayed: true, ..first }, "the receipt when repeated by another author");
    Ok(())
}

pub(super) async fn another_payload_under_a_used_key_is_refused(store: &impl Store) -> Checked {
    let sign_up = changes("sign-up")?.customer(customer(1)?);
    let _ = store.commit(&sign_up).await?;
    let before = dump(store).await?;
    for other in [
        changes("sign-up")?,
        changes("sign-up")?.customer(customer(2)?),
        sign_up.clone().notification(notification(1, 0)?),
    ] {
        ensure_refused!(
            store.commit(&other).await,
            StoreError::KeyReuse { entity: Entity::ChangeSet, key: reused } if reused == *key("sign-up").as_uuid(),
            "another payload under a used key"
        );
    }
    ensure_eq!(dump(store).await?, before, "a refused payload changed something");
    ensure!(store.commit(&sign_up).await?.replayed, "the first payload is no longer known");
    Ok(())
}

pub(super) async fn a_refused_change_set_leaves_its_key_free(store: &impl Store) -> Checked {
    let refused = changes("sign-up")?.customer(customer(1)?.with_version(3));
    ensure!(store.commit(&refused).await.is_err(), "a change to an unknown customer was taken");
    ensure_eq!(store.committed(key("sign-up")).await?, None, "the receipt of a refused change set");
    let mended = changes("sign-up")?.customer(customer(1)?);
    let wanted = Committed { sequence: 1, applied: 1, known: 0, replayed: false };
    ensure_eq!(store.commit(&mended).await?, wanted, "the mended change set under the same key");
    Ok(())
}

pub(super) async fn the_same_payload_under_another_key_is_another_change_set(store: &impl Store) -> Checked {
    let _ = store.commit(&changes("sign-up")?.customer(customer(1)?)).await?;
    ensure_refused!(
        store.commit(&changes("again")?.customer(customer(1)?)).await,
        StoreError::Conflict { .. },
        "the same customer as new under another key"
    );
    let call = |name| Ok::<_, Problem>(changes(name)?.interaction(interaction(1, 1, 0)?));
    let _ = store.commit(&call("call")?).await?;
    let wanted = Committed { sequence: 3, applied: 0, known: 1, replayed: false };
    ensure_eq!(store.commit(&call("recall")?).await?, wanted, "a known fact under another key");
    Ok(())
}

pub(super) async fn kinds_are_applied_in_their_order(store: &impl Store) -> Checked {
    // Added from last to first: each needs what comes before it in the contract.
    let turned = changes("turned")?
        .settlement(Settlement::Cancelled { key: job_key(1) })
        .notification(notification(1, 0)?)
        .matter(Matter::new(case(1, 1)?))
        .task(task(1)?.for_customer(customer_id(1)))
        .interaction(interaction(1, 1, 0)?)
        .purchase(purchase(1, 1, 0)?)
        .stage_change(move_to(1, LifecycleStage::Awareness, 0)?)
        .customer(customer(1)?);
    let receipt = store.commit(&turned).await?;
    ensure_eq!(receipt.applied, 8, "changes of a set that was put together from last to first");
    // Two breaches: the one of the earlier kind is named, wherever it was added.
    let wrong = changes("wrong")?
        .settlement(Settlement::Cancelled { key: job_key(9) })
        .task(task(1)?)
        .interaction(interaction(9, 9, 0)?);
    ensure_refused!(
        store.commit(&wrong).await,
        StoreError::Unknown { entity: Entity::Customer, .. },
        "the breach of the earlier kind"
    );
    Ok(())
}

pub(super) async fn within_a_kind_the_order_is_that_of_adding(store: &impl Store) -> Checked {
    let ordered = changes("ordered")?
        .customer(customer(1)?.with_identity(identity("x")?)?)
        .customer(customer(1)?.with_version(1))
        .customer(customer(2)?.with_identity(identity("x")?)?)
        .stage_change(move_to(1, LifecycleStage::Awareness, 5)?)
        .stage_change(move_to(1, LifecycleStage::Consideration, 5)?)
        .stage_change(move_to(1, LifecycleStage::Purchase, 5)?)
        .task(task(1)?)
        .task(task(1)?.moved_to(TaskStatus::Deferred)?.with_version(1))
        .task(task(1)?.with_version(2))
        .matter(Matter::new(case(1, 1)?))
        .matter(Matter::new(case_in(1, 1, &[CaseStatus::Open])?).with_version(1))
        .notification(notification(1, 0)?)
        .settlement(Settlement::Cancelled { key: job_key(1) });
    let _ = store.commit(&ordered).await?;
    let versions: Vec<u64> = store.customers(None, 9).await?.iter().map(Customer::version).collect();
    ensure_eq!(versions, [2, 1], "the versions of the customers");
    ensure_eq!(
        store.customer_by_identity(&identity("x")?).await?,
        Some(customer_id(2)),
        "the owner of an identity handed on within the change set"
    );
    let tasks = store.tasks(None, 9).await?;
    ensure_eq!(tasks, [task(1)?.with_version(3)], "the task after two moves");

    let turned = changes("turned")?
        .stage_change(move_to(2, LifecycleStage::Consideration, 6)?)
        .stage_change(move_to(2, LifecycleStage::Awareness, 5)?);
    ensure_refused!(store.commit(&turned).await, StoreError::Refused(_), "stage changes against their order");
    let taken = changes("taken")?
        .customer(customer(3)?.with_identity(identity("x")?)?)
        .customer(customer(2)?.with_version(1));
    ensure_refused!(
        store.commit(&taken).await,
        StoreError::IdentityTaken { .. },
        "an identity taken before it is dropped"
    );
    let cancel = Settlement::Cancelled { key: job_key(2) };
    let settled = changes("settled")?.notification(notification(2, 0)?).settlement(cancel).settlement(cancel);
    ensure_refused!(store.commit(&settled).await, StoreError::StaleFence { .. }, "a job cancelled twice");
    let jobs = store.jobs(None, 9).await?;
    ensure!(
        jobs.iter().all(|job| job.state == JobState::Cancelled),
        "a job of a refused change set is there"
    );
    Ok(())
}

pub(super) async fn commits_at_the_same_time_do_not_mix(store: &impl Store) -> Checked {
    let _ = store.commit(&changes("given")?.customer(customer(1)?)).await?;
    let sets = (0..8)
        .map(|n| {
            let renamed = customer(1)?.with_version(1).with_name(&format!("Name {n}"))?;
            let mut set = changes(&format!("rename {n}"))?.customer(renamed);
            for call in 0..5 {
                set = set.interaction(interaction(10 * n + call, 1, 0)?);
            }
            Ok::<_, Problem>(set)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let answers = side_by_side(sets.iter().map(|set| store.commit(set)).collect()).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    ensure_eq!(taken, 1, "of eight changes to one version so many were taken");
    for answer in answers {
        match answer {
            Ok(_) | Err(StoreError::Busy | StoreError::Conflict { expected: 1, found: 2, .. }) => {}
            Err(other) => return Err(Problem(format!("a change made meanwhile was refused by {other:?}"))),
        }
    }
    let kept = store.interactions(&[customer_id(1)], always()?).await?;
    ensure_eq!(kept.len(), 5, "facts of the one change set that was taken");
    Ok(())
}

/// Drives several futures at the same time, on whatever runtime there is.
pub(super) async fn side_by_side<T>(futures: Vec<impl Future<Output = T> + Send>) -> Vec<T> {
    enum Run<F, T> {
        Going(Pin<Box<F>>),
        Done(T),
    }

    let mut runs: Vec<_> = futures.into_iter().map(|future| Run::Going(Box::pin(future))).collect();
    std::future::poll_fn(|context| {
        for run in &mut runs {
            if let Run::Going(future) = run
                && let Poll::Ready(done) = future.as_mut().poll(context)
            {
                *run = Run::Done(done);
            }
        }
        if runs.iter().all(|run| matches!(run, Run::Done(_))) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let done = |run| match run {
        Run::Done(done) => Some(done),
        Run::Going(_) => None,
    };
    runs.into_iter().filter_map(done).collect()
}
