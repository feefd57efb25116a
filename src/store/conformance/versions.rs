//! What may follow what: versions, states of tasks, stages, identities.

use super::dump::dump;
use super::given::{
    at, call_back, call_back_id, case, case_in, changes, customer, customer_id, identity, move_to, recovery,
    reminder, task, task_id,
};
use super::{Checked, ensure, ensure_eq, ensure_refused};
use crate::case::{CallBack, CallBackChange, CaseStatus, Matter, MatterId};
use crate::customer::Identity;
use crate::lifecycle::{LifecycleStage, StageChange, StageReason};
use crate::period::Period;
use crate::store::{Entity, Store, StoreError};
use crate::tag::Tag;
use crate::task::{Task, TaskStatus};
use chrono::Utc;

pub(super) async fn new_customers_get_version_one_and_changes_count(store: &impl Store) -> Checked {
    let mut wanted = customer(1)?;
    for version in 1..=3 {
        wanted = wanted.with_name(&format!("Ada {version}"))?;
        let _ = store.commit(&changes(&version.to_string())?.customer(wanted.clone())).await?;
        wanted = wanted.with_version(version);
        let stored = store.customers_by_id(&[customer_id(1)]).await?;
        ensure_eq!(stored, std::slice::from_ref(&wanted), "the customer after so many changes");
    }
    Ok(())
}

pub(super) async fn a_customer_changed_meanwhile_is_refused(store: &impl Store) -> Checked {
    let _ = store.commit(&changes("new")?.customer(customer(1)?)).await?;
    let _ = store.commit(&changes("mine")?.customer(customer(1)?.with_version(1).with_name("Mine")?)).await?;
    for version in [1, 3, u64::MAX] {
        let yours = customer(1)?.with_version(version).with_name("Yours")?;
        ensure_refused!(
            store.commit(&changes("yours")?.customer(yours)).await,
            StoreError::Conflict { entity: Entity::Customer, id, expected, found: 2 }
                if id == *customer_id(1).as_uuid() && expected == version,
            "a change made to version {version} where the store has version 2"
        );
    }
    let stored = store.customers_by_id(&[customer_id(1)]).await?;
    ensure_eq!(
        stored,
        [customer(1)?.with_name("Mine")?.with_version(2)],
        "the customer after refused changes"
    );
    Ok(())
}

pub(super) async fn a_new_customer_that_exists_and_an_unknown_one_that_changed_are_refused(
    store: &impl Store,
) -> Checked {
    let _ = store.commit(&changes("new")?.customer(customer(1)?)).await?;
    ensure_refused!(
        store.commit(&changes("again")?.customer(customer(1)?.with_name("Ada")?)).await,
        StoreError::Conflict { entity: Entity::Customer, expected: 0, found: 1, .. },
        "a customer who exists, as new"
    );
    ensure_refused!(
        store.commit(&changes("unknown")?.customer(customer(2)?.with_version(4))).await,
        StoreError::Conflict { entity: Entity::Customer, expected: 4, found: 0, .. },
        "a change to an unknown customer"
    );
    ensure_eq!(store.customers(None, 9).await?, [customer(1)?.with_version(1)], "the customers");
    Ok(())
}

pub(super) async fn new_tasks_get_version_one_and_changes_count(store: &impl Store) -> Checked {
    let mut wanted = task(1)?;
    for version in 1..=3 {
        wanted = wanted.assigned_to(Tag::new(&format!("team-{version}"))?);
        let _ = store.commit(&changes(&version.to_string())?.task(wanted.clone())).await?;
        wanted = wanted.with_version(version);
        let stored = store.tasks_by_id(&[task_id(1)]).await?;
        ensure_eq!(stored, std::slice::from_ref(&wanted), "the task after so many changes");
    }
    Ok(())
}

pub(super) async fn a_task_changed_meanwhile_is_refused(store: &impl Store) -> Checked {
    let _ = store.commit(&changes("new")?.task(task(1)?)).await?;
    let mine = task(1)?.with_version(1).assigned_to(Tag::literal("mine"));
    let _ = store.commit(&changes("mine")?.task(mine.clone())).await?;
    for version in [0, 1, 3] {
        let yours = task(1)?.with_version(version).assigned_to(Tag::literal("yours"));
        ensure_refused!(
            store.commit(&changes("yours")?.task(yours)).await,
            StoreError::Conflict { entity: Entity::Task, id, expected, found: 2 }
                if id == *task_id(1).as_uuid() && expected == version,
            "a change made to version {version} where the store has version 2"
        );
    }
    ensure_refused!(
        store.commit(&changes("unknown")?.task(task(2)?.with_version(1))).await,
        StoreError::Conflict { entity: Entity::Task, expected: 1, found: 0, .. },
        "a change to an unknown task"
    );
    ensure_eq!(store.tasks(None, 9).await?, [mine.with_version(2)], "the tasks after refused changes");
    Ok(())
}

/// A new task that is in a status already, as an import brings it.
fn task_in(n: u128, status: TaskStatus) -> Result<Task, super::Problem> {
    let new = task(n)?;
    Ok(if new.status() == status { new } else { new.moved_to(status)? })
}

pub(super) async fn a_task_moves_by_the_table_of_its_states(store: &impl Store) -> Checked {
    let mut n = 0;
    for &from in TaskStatus::ALL {
        for &to in TaskStatus::ALL {
            n += 1;
            let name = format!("{from} to {to}");
            let _ = store.commit(&changes(&format!("given {name}"))?.task(task_in(n, from)?)).await?;
            let answer = store.commit(&changes(&name)?.task(task_in(n, to)?.with_version(1))).await;
            let stored: Vec<_> = store.tasks_by_id(&[task_id(n)]).await?.iter().map(Task::status).collect();
            if from == to || from.may_become(to) {
                ensure!(answer.is_ok(), "the move {name} was refused: {answer:?}");
                ensure_eq!(stored, [to], "the status after the move {name}");
            } else {
                ensure_refused!(answer, StoreError::Refused(_), "the move {name}");
                ensure_eq!(stored, [from], "the status after the refused move {name}");
            }
        }
    }
    Ok(())
}

pub(super) async fn new_matters_get_version_one_and_changes_count(store: &impl Store) -> Checked {
    let _ = store.commit(&changes("customer")?.customer(customer(1)?)).await?;
    let moves = [CaseStatus::Open, CaseStatus::OnHold, CaseStatus::Solved];
    for version in 0..=3_u8 {
        let done = moves.get(..usize::from(version)).unwrap_or_default();
        let wanted = Matter::new(case_in(1, 1, done)?)
            .waking(Some(at(i64::from(version))).filter(|_| version != 2))?
            .with_version(u64::from(version));
        let _ = store.commit(&changes(&version.to_string())?.matter(wanted.clone())).await?;
        let wanted = wanted.with_version(u64::from(version) + 1);
        let stored = store.matters_by_id(&[wanted.id()]).await?;
        ensure_eq!(stored, std::slice::from_ref(&wanted), "the matter after so many changes");
    }
    Ok(())
}

pub(super) async fn a_matter_changed_meanwhile_is_refused(store: &impl Store) -> Checked {
    let new = Matter::new(case(1, 1)?);
    let _ = store.commit(&changes("new")?.customer(customer(1)?).matter(new.clone())).await?;
    let mine = Matter::new(case_in(1, 1, &[CaseStatus::Open])?).waking(Some(at(7)))?.with_version(1);
    let _ = store.commit(&changes("mine")?.matter(mine.clone())).await?;
    for version in [0, 1, 3, u64::MAX] {
        // Also one that changes nothing but when to look.
        for yours in
            [case_in(1, 1, &[CaseStatus::Open])?, case_in(1, 1, &[CaseStatus::Open, CaseStatus::Solved])?]
        {
            ensure_refused!(
                store.commit(&changes("yours")?.matter(Matter::new(yours).with_version(version))).await,
                StoreError::Conflict { entity: Entity::Matter, id, expected, found: 2 }
                    if id == *new.id().as_uuid() && expected == version,
                "a change made to version {version} where the store has version 2"
            );
        }
    }
    ensure_refused!(
        store.commit(&changes("unknown")?.matter(Matter::new(case(2, 1)?).with_version(1))).await,
        StoreError::Conflict { entity: Entity::Matter, expected: 1, found: 0, .. },
        "a change to an unknown matter"
    );
    // The same UUID names another matter of another kind.
    let other = Matter::new(recovery(1, 1)?);
    let _ = store.commit(&changes("other")?.matter(other.clone())).await?;
    let wanted = [mine.with_version(2), other.with_version(1)];
    ensure_eq!(store.matters(None, 9).await?, wanted, "the matters after refused changes");
    Ok(())
}

pub(super) async fn a_matter_goes_on_from_the_stored_history(store: &impl Store) -> Checked {
    use CaseStatus::{Open, Rejected, Solved};
    let mut declined = call_back(1, 1)?;
    declined.record(at(1), CallBackChange::Declined)?;
    let fired = reminder(1)?.due(at(0), Utc, 1)?.next;
    let given = changes("given")?
        .customer(customer(1)?)
        .customer(customer(2)?)
        .matter(Matter::new(case_in(1, 1, &[Open, Solved])?))
        .matter(Matter::new(declined))
        .matter(Matter::new(fired.clone()))
        .matter(Matter::new(reminder(2)?.cancel()?));
    let _ = store.commit(&given).await?;
    let before = dump(store).await?;
    for (name, rewritten) in [
        ("a case that lost its last event", Matter::new(case_in(1, 1, &[Open])?)),
        ("a case with another history", Matter::new(case_in(1, 1, &[Rejected])?)),
        ("a case of another customer", Matter::new(case_in(1, 2, &[Open, Solved])?)),
        ("a call-back that was declined, as offered", Matter::new(call_back(1, 1)?)),
        ("a reminder that has fired, as if it had not", Matter::new(reminder(1)?)),
        ("a cancelled reminder, as if it were not", Matter::new(reminder(2)?)),
    ] {
        ensure_refused!(
            store.commit(&changes(name)?.matter(rewritten.with_version(1))).await,
            StoreError::Refused(_),
            "{name}"
        );
    }
    ensure_eq!(dump(store).await?, before, "the matters after refused changes");
    let goes_on = changes("goes on")?
        .matter(Matter::new(case_in(1, 1, &[Open, Solved, CaseStatus::Closed])?).with_version(1))
        .matter(Matter::new(fired.snooze(at(9))?).with_version(1));
    ensure_eq!(store.commit(&goes_on).await?.applied, 2, "histories that go on");
    Ok(())
}

pub(super) async fn one_open_call_back_for_each_customer_and_reason(store: &impl Store) -> Checked {
    let given =
        changes("given")?.customer(customer(1)?).customer(customer(2)?).matter(Matter::new(call_back(1, 1)?));
    let _ = store.commit(&given).await?;
    let second = changes("second")?.matter(Matter::new(call_back(2, 1)?));
    let first = MatterId::CallBack(call_back_id(1));
    ensure_refused!(
        store.commit(&second).await,
        StoreError::OpenAlready { open, only_one }
            if open == first && Some(only_one) == Matter::new(call_back(1, 1)?).only_one(),
        "a second call-back about the same"
    );
    let another = CallBack::offer(call_back_id(3), customer_id(1), Tag::literal("delivery"), at(0), 1)?;
    let others = changes("others")?
        .matter(Matter::new(another))
        .matter(Matter::new(call_back(4, 2)?))
        .matter(Matter::new(case(1, 1)?))
        .matter(Matter::new(case(2, 1)?));
    ensure_eq!(store.commit(&others).await?.applied, 4, "another reason, another customer, and cases");
    let twice = changes("twice")?
        .customer(customer(5)?)
        .matter(Matter::new(call_back(5, 5)?))
        .matter(Matter::new(call_back(6, 5)?));
    ensure_refused!(
        store.commit(&twice).await,
        StoreError::OpenAlready { .. },
        "two call-backs about the same in one change set"
    );

    // Changing the open one is no second one; once it is over, the next one may come, in the same change set too.
    let slot = Period::new(at(10), at(20))?;
    let mut call = call_back(1, 1)?;
    call.record(at(1), CallBackChange::Accepted(slot))?;
    let accepted = Matter::new(call.clone()).with_version(1);
    let _ = store.commit(&changes("accepted")?.matter(accepted)).await?;
    ensure_refused!(
        store.commit(&second).await,
        StoreError::OpenAlready { .. },
        "a second one while it is open"
    );
    call.record(at(2), CallBackChange::Closed)?;
    let closed = Matter::new(call).with_version(2);
    let over = changes("over")?.matter(closed).matter(Matter::new(call_back(2, 1)?));
    ensure_eq!(store.commit(&over).await?.applied, 2, "the next one after the first is over");
    Ok(())
}

pub(super) async fn stage_changes_follow_the_stored_history(store: &impl Store) -> Checked {
    let _ = store.commit(&changes("new")?.customer(customer(1)?)).await?;
    let late_start = changes("late start")?.stage_change(move_to(1, LifecycleStage::Existing, 0)?);
    ensure_refused!(store.commit(&late_start).await, StoreError::Refused(_), "a history that begins late");
    let start = changes("start")?.stage_change(move_to(1, LifecycleStage::Consideration, 10)?);
    let _ = store.commit(&start).await?;
    for (name, illegal) in [
        ("a move that is not in the table", move_to(1, LifecycleStage::Former, 11)?),
        ("a move back in time", move_to(1, LifecycleStage::Purchase, 9)?),
        ("a move to the same stage", move_to(1, LifecycleStage::Consideration, 11)?),
    ] {
        ensure_refused!(
            store.commit(&changes(name)?.stage_change(illegal)).await,
            StoreError::Refused(_),
            "{name}"
        );
    }
    let import = StageChange::new(LifecycleStage::Existing, at(11), StageReason::Imported)?;
    ensure_refused!(
        store.commit(&changes("import")?.stage_change((customer_id(1), import))).await,
        StoreError::Refused(_),
        "an import after the first entry"
    );
    let on = changes("on")?.stage_change(move_to(1, LifecycleStage::Purchase, 10)?).stage_change(move_to(
        1,
        LifecycleStage::Existing,
        20,
    )?);
    let _ = store.commit(&on).await?;
    let found: Vec<_> = store
        .lifecycles(&[customer_id(1)])
        .await?
        .iter()
        .flat_map(|(_, history)| history.entries().iter().map(|entry| (entry.to(), entry.at())))
        .collect();
    let wanted = [
        (LifecycleStage::Consideration, at(10)),
        (LifecycleStage::Purchase, at(10)),
        (LifecycleStage::Existing, at(20)),
    ];
    ensure_eq!(found, wanted, "the history, in the order of adding");
    Ok(())
}

pub(super) async fn an_identity_belongs_to_one_customer(store: &impl Store) -> Checked {
    let first = customer(1)?.with_identity(identity("x")?)?.with_identity(identity("y")?)?;
    let _ = store.commit(&changes("first")?.customer(first.clone())).await?;
    for subject in ["x", "y"] {
        let second = customer(2)?.with_identity(identity("z")?)?.with_identity(identity(subject)?)?;
        ensure_refused!(
            store.commit(&changes("second")?.customer(second)).await,
            StoreError::IdentityTaken { issuer, taken_by }
                if issuer == Tag::literal("shop") && taken_by == customer_id(1),
            "a second customer with identity `{subject}`"
        );
    }
    let twice = changes("twice")?
        .customer(customer(3)?.with_identity(identity("z")?)?)
        .customer(customer(4)?.with_identity(identity("z")?)?);
    ensure_refused!(
        store.commit(&twice).await,
        StoreError::IdentityTaken { taken_by, .. } if taken_by == customer_id(3),
        "one identity for two customers of a change set"
    );
    // The same subject at another issuer, or written otherwise, is another identity.
    let others = changes("others")?
        .customer(customer(5)?.with_identity(Identity::new(Tag::literal("crm"), "x")?)?)
        .customer(customer(6)?.with_identity(identity("X")?)?)
        .customer(first.with_version(1));
    let _ = store.commit(&others).await?;
    for (wanted, owner) in [
        (identity("x")?, Some(1)),
        (identity("y")?, Some(1)),
        (identity("z")?, None),
        (Identity::new(Tag::literal("crm"), "x")?, Some(5)),
        (identity("X")?, Some(6)),
    ] {
        let found = store.customer_by_identity(&wanted).await?;
        ensure_eq!(found, owner.map(customer_id), "the customer of {wanted:?}");
    }
    Ok(())
}

pub(super) async fn an_identity_that_was_dropped_is_free_again(store: &impl Store) -> Checked {
    let given = changes("given")?
        .customer(customer(1)?.with_identity(identity("x")?)?.with_identity(identity("y")?)?)
        .customer(customer(2)?);
    let _ = store.commit(&given).await?;
    let drop = changes("drop")?.customer(customer(1)?.with_version(1).with_identity(identity("y")?)?);
    let _ = store.commit(&drop).await?;
    ensure_eq!(store.customer_by_identity(&identity("x")?).await?, None, "the owner of a dropped identity");
    ensure_eq!(
        store.customer_by_identity(&identity("y")?).await?,
        Some(customer_id(1)),
        "the owner of a kept identity"
    );
    let take = changes("take")?.customer(customer(2)?.with_version(1).with_identity(identity("x")?)?);
    let _ = store.commit(&take).await?;
    ensure_eq!(
        store.customer_by_identity(&identity("x")?).await?,
        Some(customer_id(2)),
        "the new owner of a dropped identity"
    );
    Ok(())
}
