//! What is returned is equal to what was committed.

use super::given::{
    always, at, changes, consent, consent_id, customer, customer_id, fine, first_instant, full_consent,
    full_customer, full_interaction, full_matters, full_notification, full_purchase, full_task, interaction,
    interaction_id, job_key, key, last_instant, notification, purchase, purchase_id, reminder, task, task_id,
};
use super::{Checked, Problem, ensure_eq};
use crate::because::Because;
use crate::case::{Matter, MatterId};
use crate::consent::{ConsentRecord, ConsentStatus, LegalBasis, Purpose};
use crate::customer::{Contact, ContactPoint, Customer, CustomerKind, Identity};
use crate::interaction::{
    Agent, Channel, Direction, Effort, EffortDirection, Engagement, Interaction, InteractionBuilder, Link,
    Outcome, Sentiment, Touchpoint,
};
use crate::lifecycle::{LifecycleHistory, LifecycleStage, StageChange, StageReason};
use crate::measure::Share;
use crate::money::{Currency, Money};
use crate::notification::{Job, Notification, Recipient};
use crate::purchase::Purchase;
use crate::store::{ChangeSet, Store};
use crate::tag::Tag;
use crate::task::{Priority, Reminder, ReminderId, Task, TaskStatus};
use chrono::TimeDelta;
use std::time::Duration;

const LONGEST_TAG: Tag = Tag::literal("abcdefghijklmnopqrstuvwxyz01234");

pub(super) async fn customers_come_back_as_committed(store: &impl Store) -> Checked {
    let full = full_customer(1)?;
    let _ = store.commit(&changes("new")?.customer(full.clone())).await?;
    let full = full.with_version(1);
    ensure_eq!(store.customers(None, 9).await?, std::slice::from_ref(&full), "a full customer by page");
    ensure_eq!(
        store.customers_by_id(&[customer_id(1)]).await?,
        std::slice::from_ref(&full),
        "a full customer by id"
    );
    for identity in full.identities() {
        let found = store.customer_by_identity(identity).await?;
        ensure_eq!(found, Some(customer_id(1)), "the customer by identity");
    }
    // Contacts and identities that go leave nothing behind, and the order of those that stay is that of the new one.
    let mut fewer = full.clone().without_contacts();
    for contact in full.contacts().iter().rev().take(3) {
        fewer = fewer.with_contact(contact.clone())?;
    }
    let _ = store.commit(&changes("fewer")?.customer(fewer.clone())).await?;
    ensure_eq!(store.customers(None, 9).await?, [fewer.with_version(2)], "a customer with fewer contacts");
    Ok(())
}

pub(super) async fn consents_come_back_as_committed(store: &impl Store) -> Checked {
    let full = full_consent(1, 1)?;
    let _ = store.commit(&changes("new")?.customer(customer(1)?).consent(full.clone())).await?;
    ensure_eq!(store.consents(&[customer_id(1)]).await?, [full], "a full consent record");
    Ok(())
}

pub(super) async fn lifecycles_come_back_as_committed(store: &impl Store) -> Checked {
    let mut history = LifecycleHistory::new();
    let mut set = changes("new")?.customer(customer(1)?);
    for (stage, at, reason) in [
        (LifecycleStage::Former, fine(0, 1), StageReason::Imported),
        (LifecycleStage::Repurchase, fine(0, 1), StageReason::Observed),
        (LifecycleStage::Awareness, fine(0, 2), StageReason::Correction),
        (LifecycleStage::Consideration, fine(7, 0), StageReason::Stated),
        (LifecycleStage::Purchase, fine(7, 0), StageReason::Other(LONGEST_TAG)),
    ] {
        let change = StageChange::new(stage, at, reason)?;
        history.push(change)?;
        set = set.stage_change((customer_id(1), change));
    }
    let _ = store.commit(&set).await?;
    ensure_eq!(store.lifecycles(&[customer_id(1)]).await?, [(customer_id(1), history)], "a lifecycle");
    Ok(())
}

pub(super) async fn purchases_come_back_as_committed(store: &impl Store) -> Checked {
    let full = full_purchase(1, 1)?;
    let _ = store.commit(&changes("new")?.customer(customer(1)?).purchase(full)).await?;
    ensure_eq!(store.purchases(&[customer_id(1)], always()?).await?, [full], "a full purchase");
    Ok(())
}

pub(super) async fn interactions_come_back_as_committed(store: &impl Store) -> Checked {
    let full = full_interaction(1, 1)?;
    let _ = store.commit(&changes("new")?.customer(customer(1)?).interaction(full.clone())).await?;
    ensure_eq!(store.interactions(&[customer_id(1)], always()?).await?, [full], "a full interaction");
    Ok(())
}

pub(super) async fn tasks_come_back_as_committed(store: &impl Store) -> Checked {
    let full = full_task(1, 1)?;
    let _ = store.commit(&changes("new")?.customer(customer(1)?).task(full.clone())).await?;
    let full = full.with_version(1);
    ensure_eq!(store.tasks(None, 9).await?, std::slice::from_ref(&full), "a full task by page");
    ensure_eq!(store.tasks_by_id(&[task_id(1)]).await?, [full], "a full task by id");
    Ok(())
}

pub(super) async fn matters_come_back_as_committed(store: &impl Store) -> Checked {
    let full = full_matters(1)?;
    let _ = store.commit(&changes("new")?.customer(customer(1)?).with_matters(full.iter().cloned())).await?;
    let mut full: Vec<Matter> = full.into_iter().map(|matter| matter.with_version(1)).collect();
    full.sort_by_key(Matter::id);
    ensure_eq!(store.matters(None, 9).await?, full, "full matters by page");
    let ids: Vec<MatterId> = full.iter().map(Matter::id).collect();
    ensure_eq!(store.matters_by_id(&ids).await?, full, "full matters by id");
    ensure_eq!(store.matters_of(&[customer_id(1)]).await?, full, "full matters by customer");
    ensure_eq!(store.matters_waking(at(99), 9).await?, ids, "full matters by their instant");
    Ok(())
}

pub(super) async fn notifications_come_back_as_committed(store: &impl Store) -> Checked {
    let full = full_notification(1, 1)?;
    let _ = store.commit(&changes("new")?.notification(full.clone())).await?;
    ensure_eq!(store.jobs(None, 9).await?, [Job::new(full.clone())], "a full notification by page");
    let claimed = store.claim(at(1000), 9, Duration::from_secs(9)).await?;
    let claimed: Vec<Notification> = claimed.into_iter().map(|job| job.notification).collect();
    ensure_eq!(claimed, [full], "a full notification, claimed");
    Ok(())
}

pub(super) async fn what_is_not_set_stays_unset(store: &impl Store) -> Checked {
    let bare = changes("bare")?
        .customer(customer(1)?)
        .consent(consent(1, 1, 0)?)
        .purchase(purchase(1, 1, 0)?)
        .interaction(interaction(1, 1, 0)?)
        .task(task(1)?)
        .matter(Matter::new(reminder(1)?))
        .notification(notification(1, 0)?);
    let _ = store.commit(&bare).await?;
    let (of, always) = ([customer_id(1)], always()?);
    ensure_eq!(store.customers(None, 9).await?, [customer(1)?.with_version(1)], "a bare customer");
    ensure_eq!(store.consents(&of).await?, [consent(1, 1, 0)?], "a bare consent record");
    ensure_eq!(store.purchases(&of, always).await?, [purchase(1, 1, 0)?], "a bare purchase");
    ensure_eq!(store.interactions(&of, always).await?, [interaction(1, 1, 0)?], "a bare interaction");
    ensure_eq!(store.tasks(None, 9).await?, [task(1)?.with_version(1)], "a bare task");
    ensure_eq!(store.matters(None, 9).await?, [Matter::new(reminder(1)?).with_version(1)], "a bare matter");
    ensure_eq!(store.jobs(None, 9).await?, [Job::new(notification(1, 0)?)], "a bare notification");
    Ok(())
}

/// The longest, largest, earliest and latest of everything.
fn at_their_limits() -> Result<(ChangeSet, Customer, Vec<Purchase>, Vec<Interaction>), Problem> {
    let (first, last) = (first_instant()?, last_instant()?);
    let before_last = last.checked_sub_signed(TimeDelta::microseconds(1)).unwrap_or(last);
    let mut large = Customer::new(customer_id(u128::MAX), CustomerKind::Person, last)?
        .with_name(&"\u{1f980}".repeat(300))?
        .with_language("abcdefgh-12345678-abcdefgh-1234567")?
        .with_zone(&"a".repeat(64))?;
    for n in 0..64 {
        large = large
            .with_contact(ContactPoint::new(Contact::email(&format!("{n}@example.org"))?))?
            .with_identity(Identity::new(LONGEST_TAG, &format!("{n:0200}"))?)?;
    }
    let (id, other) = (large.id(), purchase_id(u128::MAX - 1));
    let purchases = vec![
        Purchase::new(purchase_id(0), id, first, Money::new(i64::MIN, Currency::EUR))?,
        Purchase::new(other, id, before_last, Money::new(i64::MAX, Currency::JPY))?
            .with_category(LONGEST_TAG)
            .with_cost(Money::new(i64::MIN, Currency::JPY))?,
    ];
    let mut long = Interaction::builder(interaction_id(u128::MAX), id, before_last)
        .at_place(Channel::Other(LONGEST_TAG), Touchpoint::Other(LONGEST_TAG), Engagement::Other(LONGEST_TAG))
        .agent(Agent::Other(LONGEST_TAG))
        .served_by(LONGEST_TAG)
        .outcome(Outcome::Other(LONGEST_TAG))
        .wait(Duration::from_secs(366 * 86_400))
        .handle_time(Duration::ZERO)
        .transfers(u16::MAX)
        .cost(Money::new(i64::MAX, Currency::USD))
        .sentiment(Sentiment::new(-1.0, LONGEST_TAG, Share::ZERO)?)
        .effort(Effort::new(11, 11, EffortDirection::EasyIsHigh)?);
    for _ in 0..64 {
        long = long.link(Link::Campaign(LONGEST_TAG));
    }
    let tiny = Sentiment::new(-5e-324, LONGEST_TAG, Share::new(1.0 - f64::EPSILON / 2.0)?)?;
    let early = Interaction::builder(interaction_id(0), id, first).wait(Duration::ZERO).sentiment(tiny);
    let interactions = vec![early.build()?, long.build()?];
    let set = changes("limits")?
        .customer(large.clone())
        .with_purchases(purchases.iter().rev().copied())
        .with_interactions(interactions.iter().rev().cloned());
    Ok((set, large, purchases, interactions))
}

pub(super) async fn values_at_their_limits_come_back(store: &impl Store) -> Checked {
    let (set, large, purchases, interactions) = at_their_limits()?;
    let of = [large.id()];
    let evidence = ConsentRecord::new(
        consent_id(u128::MAX),
        large.id(),
        Purpose::Other(LONGEST_TAG),
        ConsentStatus::Given,
        first_instant()?,
    )?
    .expiring(last_instant()?)?
    .with_evidence("\u{10ffff}".repeat(2000))?;
    let mut task = Task::new(task_id(u128::MAX), LONGEST_TAG, last_instant()?)?;
    for figure in [f64::MAX, -f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1, 1e300, 1.0 / 3.0] {
        task = task.because(Because::rule(LONGEST_TAG).figure(figure, -figure)?);
    }
    let to = Recipient::Staff(LONGEST_TAG);
    let far = Reminder::once(ReminderId::new(uuid::Uuid::max()), last_instant()?, to, LONGEST_TAG)?
        .with_text("\u{10ffff}".repeat(16_384))?;
    let far = Matter::new(far).waking(Some(last_instant()?))?;
    let told =
        Notification::new(job_key(u128::MAX), Recipient::Staff(LONGEST_TAG), LONGEST_TAG, first_instant()?)?
            .with_text("\n".repeat(65_536))?;
    let set = set.consent(evidence.clone()).task(task.clone()).matter(far.clone()).notification(told.clone());
    let _ = store.commit(&set).await?;
    ensure_eq!(store.customers(None, 9).await?, [large.with_version(1)], "a customer at all limits");
    ensure_eq!(store.consents(&of).await?, [evidence], "a consent record at all limits");
    ensure_eq!(store.purchases(&of, always()?).await?, purchases, "purchases at all limits");
    ensure_eq!(store.interactions(&of, always()?).await?, interactions, "interactions at all limits");
    ensure_eq!(store.tasks(None, 9).await?, [task.with_version(1)], "a task at all limits");
    ensure_eq!(store.matters(None, 9).await?, [far.with_version(1)], "a matter at all limits");
    ensure_eq!(store.jobs(None, 9).await?, [Job::new(told)], "a notification at all limits");
    Ok(())
}

/// The terms of an open vocabulary, and one of the user's own.
fn open<T: Copy>(known: &[T], own: impl Fn(Tag) -> T) -> impl Iterator<Item = T> {
    known.iter().copied().chain([own(Tag::literal("own"))])
}

pub(super) async fn every_term_comes_back(store: &impl Store) -> Checked {
    let mut set = changes("terms")?.customer(customer(1)?);
    let numbered = || 1_u128..;
    let web = (Channel::Web, Touchpoint::Chat, Engagement::Support);
    let places = open(Channel::KNOWN, Channel::Other)
        .map(|channel| (channel, web.1, web.2))
        .chain(open(Touchpoint::KNOWN, Touchpoint::Other).map(|touchpoint| (web.0, touchpoint, web.2)))
        .chain(open(Engagement::KNOWN, Engagement::Other).map(|engagement| (web.0, web.1, engagement)));
    let mut interactions = Vec::new();
    let mut add = |talk: &dyn Fn(InteractionBuilder) -> InteractionBuilder| -> Checked {
        let n = interactions.len() as u128 + 1;
        interactions.push(talk(super::given::talk(n, 1, 0)).build()?);
        Ok(())
    };
    for (channel, touchpoint, engagement) in places {
        add(&|talk| talk.at_place(channel, touchpoint, engagement))?;
    }
    for &direction in Direction::ALL {
        add(&|talk| talk.direction(direction))?;
    }
    for agent in open(Agent::KNOWN, Agent::Other) {
        add(&|talk| talk.agent(agent))?;
    }
    for outcome in open(Outcome::KNOWN, Outcome::Other) {
        add(&|talk| talk.outcome(outcome).unanswered_because(Tag::literal("why")))?;
    }
    for &direction in EffortDirection::ALL {
        let effort = Effort::new(1, 3, direction)?;
        add(&|talk| talk.effort(effort))?;
    }

    let combinations = ConsentStatus::ALL
        .iter()
        .map(|status| (*status, LegalBasis::Consent, Purpose::DirectMarketing))
        .chain(LegalBasis::ALL.iter().map(|basis| (ConsentStatus::Given, *basis, Purpose::CustomerCare)))
        .chain(
            open(Purpose::KNOWN, Purpose::Other)
                .map(|purpose| (ConsentStatus::Given, LegalBasis::Consent, purpose)),
        );
    let consents = numbered()
        .zip(combinations)
        .map(|(n, (status, basis, purpose))| {
            Ok(ConsentRecord::new(consent_id(n), customer_id(1), purpose, status, at(0))?.on_basis(basis))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    let purchases = numbered()
        .zip(Currency::ALL)
        .map(|(n, code)| {
            Ok(Purchase::new(purchase_id(n), customer_id(1), at(0), Money::new(1, code.parse()?))?)
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    let mut tasks = Vec::new();
    for (n, &status) in numbered().zip(TaskStatus::ALL) {
        let new = task(n)?;
        tasks.push(if new.status() == status { new } else { new.moved_to(status)? });
    }
    for (n, &priority) in (100_u128..).zip(Priority::ALL) {
        tasks.push(task(n)?.with_priority(priority));
    }
    let mut history = LifecycleHistory::new();
    for &stage in LifecycleStage::ALL {
        let reason = if history.stage().is_none() { StageReason::Imported } else { StageReason::Correction };
        let change = StageChange::new(stage, at(0), reason)?;
        history.push(change)?;
        set = set.stage_change((customer_id(1), change));
    }
    let organisation = Customer::new(customer_id(2), CustomerKind::Organisation, at(0))?;
    set = set
        .customer(organisation.clone())
        .with_interactions(interactions.iter().cloned())
        .with_consents(consents.iter().cloned())
        .with_purchases(purchases.iter().copied())
        .with_tasks(tasks.iter().cloned());
    let _ = store.commit(&set).await?;

    let (of, always) = ([customer_id(1)], always()?);
    ensure_eq!(store.interactions(&of, always).await?, interactions, "interactions of all kinds");
    ensure_eq!(store.consents(&of).await?, consents, "consent records of all kinds");
    ensure_eq!(store.purchases(&of, always).await?, purchases, "purchases in all currencies");
    let tasks: Vec<Task> = tasks.into_iter().map(|task| task.with_version(1)).collect();
    ensure_eq!(store.tasks(None, 99).await?, tasks, "tasks of all kinds");
    ensure_eq!(store.lifecycles(&of).await?, [(customer_id(1), history)], "a lifecycle of all stages");
    let customers = [customer(1)?.with_version(1), organisation.with_version(1)];
    ensure_eq!(store.customers(None, 9).await?, customers, "customers of all kinds");
    ensure_eq!(store.committed(key("none")).await?, None, "a receipt for nothing");
    Ok(())
}
