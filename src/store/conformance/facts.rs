//! What is appended is stored once, and about somebody known.

use super::dump::dump;
use super::given::{
    always, call_back, case, changes, consent, customer, customer_id, full_consent, full_interaction,
    full_notification, full_purchase, interaction, job_key, move_to, notification, purchase, recovery,
    reminder, task,
};
use super::{Checked, Problem, ensure_eq, ensure_refused};
use crate::case::Matter;
use crate::lifecycle::LifecycleStage;
use crate::money::{Currency, Money};
use crate::notification::{Recipient, Settlement};
use crate::store::{ChangeSet, Entity, Store, StoreError};
use crate::tag::Tag;
use uuid::Uuid;

/// Commits a fact, then the same again beside a new one.
async fn known_is_counted(
    store: &impl Store,
    fact: impl Fn(ChangeSet) -> Result<ChangeSet, Problem>,
    new: impl Fn(ChangeSet) -> Result<ChangeSet, Problem>,
) -> Checked {
    let _ = store.commit(&fact(changes("first")?.customer(customer(1)?))?).await?;
    let before = dump(store).await?;
    let again = store.commit(&fact(changes("again")?)?).await?;
    ensure_eq!((again.applied, again.known, again.replayed), (0, 1, false), "the receipt for a known one");
    ensure_eq!(dump(store).await?, before, "a known one changed something");
    let beside = store.commit(&new(fact(changes("beside")?)?)?).await?;
    ensure_eq!((beside.applied, beside.known), (1, 1), "the receipt for a known one beside a new one");
    Ok(())
}

pub(super) async fn known_consents_change_nothing(store: &impl Store) -> Checked {
    let fact = |set: ChangeSet| Ok(set.consent(full_consent(1, 1)?));
    known_is_counted(store, fact, |set| Ok(set.consent(consent(2, 1, 0)?))).await
}

pub(super) async fn known_purchases_change_nothing(store: &impl Store) -> Checked {
    let fact = |set: ChangeSet| Ok(set.purchase(full_purchase(1, 1)?));
    known_is_counted(store, fact, |set| Ok(set.purchase(purchase(2, 1, 0)?))).await
}

pub(super) async fn known_interactions_change_nothing(store: &impl Store) -> Checked {
    let fact = |set: ChangeSet| Ok(set.interaction(full_interaction(1, 1)?));
    known_is_counted(store, fact, |set| Ok(set.interaction(interaction(2, 1, 0)?))).await
}

pub(super) async fn known_notifications_change_nothing(store: &impl Store) -> Checked {
    let fact = |set: ChangeSet| Ok(set.notification(full_notification(1, 1)?));
    known_is_counted(store, fact, |set| Ok(set.notification(notification(2, 0)?))).await
}

pub(super) async fn other_content_under_a_known_id_is_refused(store: &impl Store) -> Checked {
    let given = changes("given")?
        .customer(customer(1)?)
        .customer(customer(2)?)
        .consent(consent(1, 1, 0)?)
        .purchase(purchase(1, 1, 0)?)
        .interaction(interaction(1, 1, 0)?)
        .notification(notification(1, 0)?);
    let _ = store.commit(&given).await?;
    let before = dump(store).await?;
    let set = || changes("other");
    let dearer = purchase(1, 1, 0)?.with_cost(Money::new(1, Currency::EUR))?;
    let told = super::given::talk(1, 1, 0).reason(Tag::literal("billing")).build()?;
    for (entity, other) in [
        (Entity::Consent, set()?.consent(consent(1, 1, 1)?)),
        (Entity::Consent, set()?.consent(consent(1, 2, 0)?)),
        (Entity::Consent, set()?.consent(consent(1, 1, 0)?.with_evidence("signed".to_owned())?)),
        (Entity::Purchase, set()?.purchase(purchase(1, 1, 1)?)),
        (Entity::Purchase, set()?.purchase(purchase(1, 2, 0)?)),
        (Entity::Purchase, set()?.purchase(dearer)),
        (Entity::Interaction, set()?.interaction(interaction(1, 1, 1)?)),
        (Entity::Interaction, set()?.interaction(interaction(1, 2, 0)?)),
        (Entity::Interaction, set()?.interaction(told)),
        (Entity::Notification, set()?.notification(notification(1, 1)?)),
        (Entity::Notification, set()?.notification(notification(1, 0)?.with_text("Hello")?)),
    ] {
        ensure_refused!(
            store.commit(&other).await,
            StoreError::KeyReuse { entity: named, key } if named == entity && key == Uuid::from_u128(1),
            "another {entity} under a known id"
        );
    }
    ensure_eq!(dump(store).await?, before, "a refused fact changed something");
    Ok(())
}

pub(super) async fn a_fact_twice_in_one_change_set_is_stored_once(store: &impl Store) -> Checked {
    let twice = changes("twice")?
        .customer(customer(1)?)
        .with_consents([consent(1, 1, 0)?, consent(1, 1, 0)?])
        .with_purchases([purchase(1, 1, 0)?, purchase(1, 1, 0)?])
        .with_interactions([interaction(1, 1, 0)?, interaction(1, 1, 0)?])
        .with_notifications([notification(1, 0)?, notification(1, 0)?]);
    let receipt = store.commit(&twice).await?;
    ensure_eq!((receipt.applied, receipt.known), (5, 4), "the receipt for facts given twice");
    let (of, always) = ([customer_id(1)], always()?);
    let counts = (
        store.consents(&of).await?.len(),
        store.purchases(&of, always).await?.len(),
        store.interactions(&of, always).await?.len(),
        store.jobs(None, 9).await?.len(),
    );
    ensure_eq!(counts, (1, 1, 1, 1), "facts stored of each kind");
    let contradiction = changes("contradiction")?.with_interactions([
        interaction(2, 1, 0)?,
        interaction(3, 1, 0)?,
        interaction(2, 1, 1)?,
    ]);
    ensure_refused!(
        store.commit(&contradiction).await,
        StoreError::KeyReuse { entity: Entity::Interaction, key } if key == Uuid::from_u128(2),
        "an id with two contents in one change set"
    );
    ensure_eq!(store.interactions(&of, always).await?.len(), 1, "interactions after the refusal");
    Ok(())
}

pub(super) async fn facts_about_unknown_customers_are_refused(store: &impl Store) -> Checked {
    let _ = store.commit(&changes("given")?.customer(customer(1)?)).await?;
    let set = || changes("stranger");
    for (name, stranger) in [
        ("consent record", set()?.consent(consent(1, 9, 0)?)),
        ("purchase", set()?.purchase(purchase(1, 9, 0)?)),
        ("interaction", set()?.interaction(interaction(1, 9, 0)?)),
    ] {
        ensure_refused!(
            store.commit(&stranger).await,
            StoreError::Unknown { entity: Entity::Customer, id } if id == *customer_id(9).as_uuid(),
            "a {name} about an unknown customer"
        );
    }
    let unknown = dump(store).await?;
    ensure_eq!((unknown.customers.len(), unknown.interactions.len()), (1, 0), "what is stored afterwards");
    // The ids are free still.
    let mended =
        set()?.consent(consent(1, 1, 0)?).purchase(purchase(1, 1, 0)?).interaction(interaction(1, 1, 0)?);
    ensure_eq!(store.commit(&mended).await?.applied, 3, "the same ids about a known customer");
    Ok(())
}

pub(super) async fn stage_changes_and_tasks_about_unknown_customers_are_refused(
    store: &impl Store,
) -> Checked {
    let set = || changes("stranger");
    for (name, stranger) in [
        ("stage change", set()?.stage_change(move_to(9, LifecycleStage::Awareness, 0)?)),
        ("task", set()?.task(task(1)?.for_customer(customer_id(9)))),
    ] {
        ensure_refused!(
            store.commit(&stranger).await,
            StoreError::Unknown { entity: Entity::Customer, id } if id == *customer_id(9).as_uuid(),
            "a {name} about an unknown customer"
        );
    }
    let _ = store.commit(&changes("given")?.task(task(1)?)).await?;
    let changed = set()?.task(task(1)?.with_version(1).for_customer(customer_id(9)));
    ensure_refused!(
        store.commit(&changed).await,
        StoreError::Unknown { entity: Entity::Customer, .. },
        "a task handed to an unknown customer"
    );
    ensure_refused!(
        store.commit(&set()?.settlement(Settlement::Cancelled { key: job_key(9) })).await,
        StoreError::Unknown { entity: Entity::Notification, .. },
        "the settlement of an unknown job"
    );
    Ok(())
}

pub(super) async fn matters_about_unknown_customers_are_refused(store: &impl Store) -> Checked {
    let _ = store.commit(&changes("given")?.customer(customer(1)?).matter(Matter::new(reminder(1)?))).await?;
    let to = Recipient::Customer(customer_id(9));
    for stranger in [
        Matter::new(case(1, 9)?),
        Matter::new(call_back(1, 9)?),
        Matter::new(recovery(1, 9)?),
        Matter::new(reminder(2)?.for_customer(customer_id(9))),
        Matter::new(reminder(1)?.reassign(to)?).with_version(1),
    ] {
        let id = stranger.id();
        ensure_refused!(
            store.commit(&changes("stranger")?.matter(stranger)).await,
            StoreError::Unknown { entity: Entity::Customer, id } if id == *customer_id(9).as_uuid(),
            "{id} about an unknown customer"
        );
    }
    ensure_eq!(store.matters(None, 9).await?.len(), 1, "matters after the refusals");
    ensure_eq!(store.matters_of(&[customer_id(9)]).await?, [], "matters of the stranger");
    Ok(())
}
