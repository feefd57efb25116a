//! A committed change set is applied wholly; a refused one leaves nothing behind.

use super::dump::dump;
use super::given::{
    always, at, call_back, case, case_in, changes, consent, consent_id, customer, customer_id, full_consent,
    full_customer, full_interaction, full_matters, full_notification, full_purchase, full_task, identity,
    interaction, job_key, key, move_to, notification, purchase, task, task_id,
};
use super::{Checked, Problem, ensure, ensure_eq};
use crate::case::{CaseStatus, Matter};
use crate::lifecycle::LifecycleStage;
use crate::notification::{JobState, Settlement};
use crate::store::{ChangeSet, Store, StoreError};
use crate::tag::Tag;
use std::time::Duration;

pub(super) async fn a_change_set_is_applied_wholly(store: &impl Store) -> Checked {
    let everything = changes("everything")?
        .customer(full_customer(1)?)
        .stage_change(move_to(1, LifecycleStage::Purchase, 1)?)
        .consent(full_consent(1, 1)?)
        .purchase(full_purchase(1, 1)?)
        .interaction(full_interaction(1, 1)?)
        .task(full_task(1, 1)?)
        .with_matters(full_matters(1)?)
        .notification(full_notification(1, 1)?)
        .settlement(Settlement::Cancelled { key: job_key(1) });
    let receipt = store.commit(&everything).await?;
    ensure_eq!((receipt.applied, receipt.known), (12, 0), "the receipt counts every change");

    let of = [customer_id(1)];
    ensure_eq!(store.customers_by_id(&of).await?, [full_customer(1)?.with_version(1)], "the customer");
    let stages = store.lifecycles(&of).await?;
    let stage = stages.first().and_then(|(_, history)| history.stage());
    ensure_eq!(stage, Some(LifecycleStage::Purchase), "the stage");
    ensure_eq!(store.consents(&of).await?, [full_consent(1, 1)?], "the consent record");
    ensure_eq!(store.purchases(&of, always()?).await?, [full_purchase(1, 1)?], "the purchase");
    ensure_eq!(store.interactions(&of, always()?).await?, [full_interaction(1, 1)?], "the interaction");
    ensure_eq!(store.tasks_by_id(&[task_id(1)]).await?, [full_task(1, 1)?.with_version(1)], "the task");
    ensure_eq!(store.matters_of(&of).await?.len(), 4, "the matters");
    let jobs: Vec<JobState> = store.jobs(None, 10).await?.iter().map(|job| job.state).collect();
    ensure_eq!(jobs, [JobState::Cancelled], "the notification and its settlement");
    Ok(())
}

/// Two customers with something of every kind, and a claimed job.
async fn prepare(store: &impl Store) -> Checked {
    let given = changes("given")?
        .customer(customer(1)?.with_identity(identity("one")?)?)
        .customer(customer(2)?.with_identity(identity("two")?)?)
        .stage_change(move_to(2, LifecycleStage::Awareness, 0)?)
        .consent(consent(1, 1, 10)?)
        .consent(consent(2, 2, 10)?)
        .purchase(purchase(1, 1, 10)?)
        .purchase(purchase(2, 2, 10)?)
        .interaction(interaction(1, 1, 10)?)
        .interaction(interaction(2, 2, 10)?)
        .task(task(1)?)
        .matter(Matter::new(case(1, 1)?).waking(Some(at(5)))?)
        .matter(Matter::new(call_back(1, 1)?).waking(None)?)
        .notification(notification(1, 0)?);
    let _ = store.commit(&given).await?;
    ensure_eq!(store.claim(at(0), 10, Duration::from_secs(60)).await?.len(), 1, "a due job is claimed");
    Ok(())
}

/// Legal changes of every kind, some of them late.
fn legal() -> Result<ChangeSet, Problem> {
    Ok(changes("change")?
        .customer(customer(3)?.with_identity(identity("three")?)?)
        .customer(customer(2)?.with_identity(identity("renamed")?)?.with_version(1))
        .stage_change(move_to(2, LifecycleStage::Consideration, 5)?)
        .stage_change(move_to(3, LifecycleStage::Purchase, 5)?)
        .consent(consent(3, 2, 5)?)
        .consent(consent(2, 2, 10)?)
        .purchase(purchase(3, 2, 5)?)
        .purchase(purchase(4, 3, 5)?)
        .interaction(interaction(3, 2, 5)?)
        .interaction(interaction(4, 3, 15)?)
        .task(task(1)?.with_version(1).assigned_to(Tag::literal("team")))
        .task(task(2)?.for_customer(customer_id(3)))
        .matter(Matter::new(case_in(1, 1, &[CaseStatus::Open])?).waking(Some(at(6)))?.with_version(1))
        .matter(Matter::new(call_back(2, 2)?).waking(None)?)
        .notification(notification(2, 0)?)
        .settlement(Settlement::Delivered { key: job_key(1), fence: 1 }))
}

/// Adds a change that is to be refused to legal ones, and looks for what it left behind.
async fn leaves_nothing_behind(
    store: &impl Store,
    with_illegal: impl FnOnce(ChangeSet) -> ChangeSet,
    expected: impl FnOnce(&StoreError) -> bool,
) -> Checked {
    prepare(store).await?;
    let before = dump(store).await?;
    match store.commit(&with_illegal(legal()?)).await {
        Err(refusal) => ensure!(expected(&refusal), "it was refused by the wrong error: {refusal:?}"),
        Ok(receipt) => return Err(Problem(format!("an illegal change was taken: {receipt:?}"))),
    }
    ensure_eq!(dump(store).await?, before, "the refused change set left something behind");
    let waking = store.matters_waking(at(9), 9).await?;
    let waking: Vec<_> = store.matters_by_id(&waking).await?.iter().map(Matter::wake).collect();
    ensure_eq!(waking, [Some(at(5))], "when somebody has to look after the refused change set");
    let receipt = store.committed(key("change")).await?;
    ensure_eq!(receipt, None, "the refused change set has a receipt");
    for (subject, owner) in [("one", Some(1)), ("two", Some(2)), ("three", None), ("renamed", None)] {
        let found = store.customer_by_identity(&identity(subject)?).await?;
        ensure_eq!(found, owner.map(customer_id), "the refused change set moved identity `{subject}`");
    }
    // What was left behind out of sight would make the legal changes alone conflict or be known.
    let receipt = store.commit(&legal()?).await?;
    ensure_eq!((receipt.applied, receipt.known), (15, 1), "the legal changes alone afterwards");
    Ok(())
}

pub(super) async fn a_refused_customer_leaves_nothing_behind(store: &impl Store) -> Checked {
    let stale = customer(1)?.with_version(7);
    leaves_nothing_behind(store, |set| set.customer(stale), |e| matches!(e, StoreError::Conflict { .. }))
        .await
}

pub(super) async fn a_refused_stage_change_leaves_nothing_behind(store: &impl Store) -> Checked {
    let illegal = move_to(2, LifecycleStage::Former, 9)?;
    leaves_nothing_behind(store, |set| set.stage_change(illegal), |e| matches!(e, StoreError::Refused(_)))
        .await
}

pub(super) async fn a_refused_consent_leaves_nothing_behind(store: &impl Store) -> Checked {
    let other = consent(1, 1, 11)?;
    leaves_nothing_behind(store, |set| set.consent(other), |e| matches!(e, StoreError::KeyReuse { .. })).await
}

pub(super) async fn a_refused_purchase_leaves_nothing_behind(store: &impl Store) -> Checked {
    let stranger = purchase(9, 99, 10)?;
    leaves_nothing_behind(store, |set| set.purchase(stranger), |e| matches!(e, StoreError::Unknown { .. }))
        .await
}

pub(super) async fn a_refused_interaction_leaves_nothing_behind(store: &impl Store) -> Checked {
    let other = interaction(1, 1, 11)?;
    leaves_nothing_behind(store, |set| set.interaction(other), |e| matches!(e, StoreError::KeyReuse { .. }))
        .await
}

pub(super) async fn a_refused_task_leaves_nothing_behind(store: &impl Store) -> Checked {
    let stale = task(1)?.with_version(9);
    leaves_nothing_behind(store, |set| set.task(stale), |e| matches!(e, StoreError::Conflict { .. })).await
}

pub(super) async fn a_refused_matter_leaves_nothing_behind(store: &impl Store) -> Checked {
    let second = Matter::new(call_back(3, 2)?);
    leaves_nothing_behind(store, |set| set.matter(second), |e| matches!(e, StoreError::OpenAlready { .. }))
        .await
}

pub(super) async fn a_refused_notification_leaves_nothing_behind(store: &impl Store) -> Checked {
    let other = notification(1, 1)?;
    leaves_nothing_behind(store, |set| set.notification(other), |e| matches!(e, StoreError::KeyReuse { .. }))
        .await
}

pub(super) async fn a_refused_settlement_leaves_nothing_behind(store: &impl Store) -> Checked {
    let stale = Settlement::Delivered { key: job_key(1), fence: 1 };
    leaves_nothing_behind(store, |set| set.settlement(stale), |e| matches!(e, StoreError::StaleFence { .. }))
        .await
}

pub(super) async fn nothing_is_notified_for_a_refused_change_set(store: &impl Store) -> Checked {
    let refused = changes("refused")?
        .customer(customer(1)?)
        .notification(notification(1, 0)?)
        .settlement(Settlement::Cancelled { key: job_key(2) });
    ensure!(store.commit(&refused).await.is_err(), "the settlement of an unknown job was taken");
    ensure_eq!(store.jobs(None, 10).await?, [], "a refused change set left a job");
    ensure_eq!(store.claim(at(100), 10, Duration::from_secs(1)).await?, [], "a refused job was claimed");
    let consent_of = store.consents(&[customer_id(1)]).await?;
    ensure!(consent_of.iter().all(|record| record.id() != consent_id(1)), "a refused fact is visible");
    Ok(())
}
