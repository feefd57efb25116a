//! The conformance suites find faults: stores and notifiers that are wrong in one way each, and for every rule at
//! least one of them that breaks it.
#![cfg(feature = "conformance")]
#![expect(clippy::unwrap_used, reason = "a test may stop here")]

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use patronage::case::{Matter, MatterId};
use patronage::consent::ConsentRecord;
use patronage::customer::{Customer, CustomerId, CustomerKind, Identity};
use patronage::interaction::{Direction, Interaction};
use patronage::lifecycle::LifecycleHistory;
use patronage::notification::{Job, JobState, Settlement};
use patronage::notify::conformance::{ABOUT, Failure};
use patronage::notify::{DeliveryError, Message, Notifier};
use patronage::purchase::Purchase;
use patronage::store::{ChangeSet, Committed, Entity, MemoryStore, Store, StoreError, conformance};
use patronage::task::{Task, TaskId};
use patronage::{Currency, IdempotencyKey, Money, Period, Tag};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

/// Ways in which a store may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    ForgetsTheVersionCheck,
    CommitsUpToTheRefusal,
    ForgetsKeys,
    AnswersAnyPayloadUnderAUsedKey,
    TakesTheAuthorIntoTheKey,
    BurnsTheKeyOfARefusal,
    TakesThePayloadForTheKey,
    DropsEmptyChangeSets,
    DropsConsents,
    DropsTasks,
    DropsSettlements,
    DropsInternalInteractions,
    SwallowsRefusals,
    SwallowsStaleFences,
    SkipsUnknownJobs,
    MakesUnknownCustomers,
    ForgetsIdentities,
    ForgetsNames,
    KeepsTheFirstContent,
    RefusesFactsGivenTwice,
    ReversesEveryKind,
    AppliesKindsBackwards,
    ReadsBackwards,
    PagesIncludeTheirStart,
    PagesMissARow,
    ByIdRepeats,
    PeriodsIncludeTheirEnd,
    RoundsToMilliseconds,
    FillsInACategory,
    CannotTakeTheLargestAmount,
    BindsFewIds,
    ShowsEmptyLifecycles,
    ReadingClaims,
    LeasesForNoTime,
    ClaimsWithoutLimit,
    ClaimsAheadOfTime,
    ClaimsInTwoSteps,
    ClaimsFreshJobsFirst,
    IgnoresFences,
    HidesFinishedJobs,
    ForgetsProblems,
    DropsMatters,
    RewritesHistories,
    OpensASecondCallBack,
    OverlooksStaleMatters,
    MattersAscendByUuid,
    WakesByIdAlone,
    WakesEarly,
    ForgetsWhenToLook,
}

use Fault::*;

const FAULTS: &[Fault] = &[
    ForgetsTheVersionCheck,
    CommitsUpToTheRefusal,
    ForgetsKeys,
    AnswersAnyPayloadUnderAUsedKey,
    TakesTheAuthorIntoTheKey,
    BurnsTheKeyOfARefusal,
    TakesThePayloadForTheKey,
    DropsEmptyChangeSets,
    DropsConsents,
    DropsTasks,
    DropsSettlements,
    DropsInternalInteractions,
    SwallowsRefusals,
    SwallowsStaleFences,
    SkipsUnknownJobs,
    MakesUnknownCustomers,
    ForgetsIdentities,
    ForgetsNames,
    KeepsTheFirstContent,
    RefusesFactsGivenTwice,
    ReversesEveryKind,
    AppliesKindsBackwards,
    ReadsBackwards,
    PagesIncludeTheirStart,
    PagesMissARow,
    ByIdRepeats,
    PeriodsIncludeTheirEnd,
    RoundsToMilliseconds,
    FillsInACategory,
    CannotTakeTheLargestAmount,
    BindsFewIds,
    ShowsEmptyLifecycles,
    ReadingClaims,
    LeasesForNoTime,
    ClaimsWithoutLimit,
    ClaimsAheadOfTime,
    ClaimsInTwoSteps,
    ClaimsFreshJobsFirst,
    IgnoresFences,
    HidesFinishedJobs,
    ForgetsProblems,
    DropsMatters,
    RewritesHistories,
    OpensASecondCallBack,
    OverlooksStaleMatters,
    MattersAscendByUuid,
    WakesByIdAlone,
    WakesEarly,
    ForgetsWhenToLook,
];

/// The reference with one fault.
#[derive(Debug)]
struct Faulty {
    inner: MemoryStore,
    fault: Fault,
    seen: Mutex<BTreeMap<IdempotencyKey, Committed>>,
    burnt: Mutex<BTreeSet<IdempotencyKey>>,
}

/// Lets everything else go on once.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            std::task::Poll::Ready(())
        } else {
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        }
    })
    .await;
}

/// The same change set without its changes, under another key if need be.
fn emptied(set: &ChangeSet, key: IdempotencyKey) -> ChangeSet {
    ChangeSet::new(key, set.at(), set.by()).unwrap()
}

/// Every change as a change set of its own, in the order of the contract.
fn one_by_one(set: &ChangeSet) -> Vec<ChangeSet> {
    let mut count = 0;
    let mut next = || {
        count += 1;
        emptied(set, IdempotencyKey::derive(&[&set.key().to_string(), &count.to_string()]))
    };
    let mut all = Vec::new();
    all.extend(set.customers().iter().map(|change| next().customer(change.clone())));
    all.extend(set.stage_changes().iter().map(|change| next().stage_change(*change)));
    all.extend(set.consents().iter().map(|change| next().consent(change.clone())));
    all.extend(set.purchases().iter().map(|change| next().purchase(*change)));
    all.extend(set.interactions().iter().map(|change| next().interaction(change.clone())));
    all.extend(set.tasks().iter().map(|change| next().task(change.clone())));
    all.extend(set.matters().iter().map(|change| next().matter(change.clone())));
    all.extend(set.notifications().iter().map(|change| next().notification(change.clone())));
    all.extend(set.settlements().iter().map(|change| next().settlement(*change)));
    all
}

/// The same change set with each kind passed through a function.
struct Parts {
    customers: Vec<Customer>,
    consents: Vec<ConsentRecord>,
    purchases: Vec<Purchase>,
    interactions: Vec<Interaction>,
    tasks: Vec<Task>,
    matters: Vec<Matter>,
    settlements: Vec<Settlement>,
    stage_changes: Vec<(CustomerId, patronage::lifecycle::StageChange)>,
    notifications: Vec<patronage::notification::Notification>,
}

fn with_parts(set: &ChangeSet, change: impl FnOnce(&mut Parts)) -> ChangeSet {
    let mut parts = Parts {
        customers: set.customers().to_vec(),
        consents: set.consents().to_vec(),
        purchases: set.purchases().to_vec(),
        interactions: set.interactions().to_vec(),
        tasks: set.tasks().to_vec(),
        matters: set.matters().to_vec(),
        settlements: set.settlements().to_vec(),
        stage_changes: set.stage_changes().to_vec(),
        notifications: set.notifications().to_vec(),
    };
    change(&mut parts);
    emptied(set, set.key())
        .with_customers(parts.customers)
        .with_stage_changes(parts.stage_changes)
        .with_consents(parts.consents)
        .with_purchases(parts.purchases)
        .with_interactions(parts.interactions)
        .with_tasks(parts.tasks)
        .with_matters(parts.matters)
        .with_notifications(parts.notifications)
        .with_settlements(parts.settlements)
}

/// What a store with a fault makes of matters.
fn change_matters(fault: Fault, matters: &mut Vec<Matter>, known: &[Matter]) {
    match fault {
        OverlooksStaleMatters => {
            for matter in matters.iter_mut() {
                let stored = known.iter().find(|stored| stored.id() == matter.id());
                *matter = matter.clone().with_version(stored.map_or(0, Matter::version));
            }
        }
        DropsMatters => matters.clear(),
        // What does not go on from the stored one is swallowed, as if it had been taken.
        RewritesHistories => matters.retain(|matter| {
            let stored = known.iter().find(|stored| stored.id() == matter.id());
            stored.is_none_or(|stored| matter.continues(stored).is_ok())
        }),
        OpensASecondCallBack => {
            for matter in matters.iter_mut() {
                let open = known.iter().find(|stored| {
                    stored.id() != matter.id()
                        && stored.only_one().is_some_and(|key| Some(key) == matter.only_one())
                });
                // The reason of the second one is lost, so that the store takes it for another one.
                if open.is_some() {
                    let json = serde_json::to_string(matter).unwrap();
                    *matter = serde_json::from_str(&json.replace("\"billing\"", "\"lost\"")).unwrap();
                }
            }
        }
        ForgetsWhenToLook => {
            for matter in matters.iter_mut() {
                *matter = matter.clone().waking(None).unwrap();
            }
        }
        _ => {}
    }
}

const FAKE: Committed = Committed { sequence: 1, applied: 1, known: 0, replayed: false };

impl Faulty {
    fn new(fault: Fault) -> Self {
        Self { inner: MemoryStore::new(), fault, seen: Mutex::default(), burnt: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn read<T>(&self, mut rows: Vec<T>) -> Vec<T> {
        if self.is(ReadsBackwards) {
            rows.reverse();
        }
        rows
    }

    fn page<T>(&self, rows: Vec<T>, limit: usize) -> Vec<T> {
        let missing = usize::from(self.is(PagesMissARow) && rows.len() == limit && limit > 1);
        self.read(rows.into_iter().skip(missing).collect())
    }

    async fn look(&self) {
        if self.is(ReadingClaims) {
            let always = "2030-01-01T00:00:00Z".parse().unwrap();
            let _ = self.inner.claim(always, 1, Duration::from_secs(1)).await;
        }
    }

    fn period(&self, within: Period) -> Period {
        if !self.is(PeriodsIncludeTheirEnd) {
            return within;
        }
        let later = within.end() + TimeDelta::microseconds(1);
        Period::new(within.start(), later).unwrap_or(within)
    }

    async fn changed(&self, set: &ChangeSet) -> ChangeSet {
        let known = conformance::dump(&self.inner).await.unwrap();
        let jobs: BTreeMap<_, _> = known.jobs.iter().map(|job| (job.notification.key(), job)).collect();
        with_parts(set, |parts| match self.fault {
            ForgetsTheVersionCheck => {
                for customer in &mut parts.customers {
                    let stored = known.customers.iter().find(|stored| stored.id() == customer.id());
                    *customer = customer.clone().with_version(stored.map_or(0, Customer::version));
                }
                for task in &mut parts.tasks {
                    let stored = known.tasks.iter().find(|stored| stored.id() == task.id());
                    *task = task.clone().with_version(stored.map_or(0, Task::version));
                }
            }
            DropsConsents => parts.consents.clear(),
            DropsTasks => parts.tasks.clear(),
            DropsSettlements => parts.settlements.clear(),
            DropsInternalInteractions => {
                parts.interactions.retain(|interaction| interaction.direction() != Direction::Internal);
            }
            SkipsUnknownJobs => parts.settlements.retain(|settlement| jobs.contains_key(&settlement.key())),
            ForgetsIdentities | ForgetsNames => {
                let field = if self.is(ForgetsNames) { "name" } else { "identities" };
                for customer in &mut parts.customers {
                    let mut json = serde_json::to_value(&*customer).unwrap();
                    json.as_object_mut().unwrap().remove(field);
                    *customer = serde_json::from_value(json).unwrap();
                }
            }
            KeepsTheFirstContent => {
                let known_ids: BTreeSet<_> = known.interactions.iter().map(Interaction::id).collect();
                parts.interactions.retain(|interaction| !known_ids.contains(&interaction.id()));
                let known_ids: BTreeSet<_> = known.purchases.iter().map(Purchase::id).collect();
                parts.purchases.retain(|purchase| !known_ids.contains(&purchase.id()));
                let known_ids: BTreeSet<_> = known.consents.iter().map(ConsentRecord::id).collect();
                parts.consents.retain(|record| !known_ids.contains(&record.id()));
                parts.notifications.retain(|told| !jobs.contains_key(&told.key()));
            }
            ReversesEveryKind => {
                parts.customers.reverse();
                parts.stage_changes.reverse();
                parts.tasks.reverse();
                parts.matters.reverse();
                parts.settlements.reverse();
            }
            IgnoresFences => {
                for settlement in &mut parts.settlements {
                    let latest = jobs.get(&settlement.key()).map_or(0, |job| job.fence);
                    if let Settlement::Delivered { fence, .. }
                    | Settlement::Retry { fence, .. }
                    | Settlement::Exhausted { fence, .. } = settlement
                    {
                        *fence = latest;
                    }
                }
            }
            MakesUnknownCustomers => {
                let known: BTreeSet<_> =
                    known.customers.iter().chain(&parts.customers).map(Customer::id).collect();
                let named = parts
                    .consents
                    .iter()
                    .map(ConsentRecord::customer)
                    .chain(parts.purchases.iter().map(Purchase::customer))
                    .chain(parts.interactions.iter().map(Interaction::customer))
                    .chain(parts.stage_changes.iter().map(|(id, _)| *id))
                    .chain(parts.tasks.iter().filter_map(Task::customer))
                    .chain(parts.matters.iter().filter_map(Matter::customer))
                    .collect::<BTreeSet<_>>();
                let since = DateTime::UNIX_EPOCH;
                parts.customers.extend(
                    named
                        .difference(&known)
                        .map(|id| Customer::new(*id, CustomerKind::Person, since).unwrap()),
                );
            }
            fault => change_matters(fault, &mut parts.matters, &known.matters),
        })
    }

    /// The change set under the key that this store takes for its own.
    fn keyed(&self, set: &ChangeSet) -> ChangeSet {
        let key = set.key().to_string();
        let key = match self.fault {
            ForgetsKeys => {
                let mut seen = self.seen.lock().unwrap();
                let count = seen.len().to_string();
                seen.insert(IdempotencyKey::derive(&[&key, &count]), FAKE);
                IdempotencyKey::derive(&[&key, &count])
            }
            TakesTheAuthorIntoTheKey => {
                IdempotencyKey::derive(&[&key, set.by().as_str(), &set.at().to_string()])
            }
            TakesThePayloadForTheKey => IdempotencyKey::derive(&[&set.digest().to_string()]),
            _ => return set.clone(),
        };
        let parts = with_parts(set, |_| {});
        emptied(set, key)
            .with_customers(parts.customers().iter().cloned())
            .with_stage_changes(parts.stage_changes().iter().copied())
            .with_consents(parts.consents().iter().cloned())
            .with_purchases(parts.purchases().iter().copied())
            .with_interactions(parts.interactions().iter().cloned())
            .with_tasks(parts.tasks().iter().cloned())
            .with_matters(parts.matters().iter().cloned())
            .with_notifications(parts.notifications().iter().cloned())
            .with_settlements(parts.settlements().iter().copied())
    }
}

fn rounded<T: serde::Serialize + serde::de::DeserializeOwned>(row: &T) -> T {
    fn round(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => {
                if let Ok(at) = text.parse::<DateTime<Utc>>()
                    && let Ok(at) = at.duration_trunc(TimeDelta::milliseconds(1))
                {
                    *text = at.to_rfc3339();
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(round),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(round),
            _ => {}
        }
    }
    let mut json = serde_json::to_value(row).unwrap();
    round(&mut json);
    serde_json::from_value(json).unwrap()
}

impl Store for Faulty {
    async fn commit(&self, set: &ChangeSet) -> Result<Committed, StoreError> {
        if self.is(DropsEmptyChangeSets) && set.is_empty() {
            return Ok(Committed { sequence: 0, applied: 0, known: 0, replayed: false });
        }
        if self.is(AnswersAnyPayloadUnderAUsedKey)
            && let Some(receipt) = self.inner.committed(set.key()).await?
        {
            return Ok(Committed { replayed: true, ..receipt });
        }
        if self.is(BurnsTheKeyOfARefusal) && self.burnt.lock().unwrap().contains(&set.key()) {
            return Err(StoreError::KeyReuse { entity: Entity::ChangeSet, key: *set.key().as_uuid() });
        }
        let ids: Vec<_> = set.interactions().iter().map(Interaction::id).collect();
        if self.is(RefusesFactsGivenTwice) && ids.iter().collect::<BTreeSet<_>>().len() < ids.len() {
            return Err(StoreError::KeyReuse { entity: Entity::Interaction, key: *set.key().as_uuid() });
        }
        let least = Money::new(i64::MIN, Currency::EUR);
        if self.is(CannotTakeTheLargestAmount) && set.purchases().iter().any(|p| p.amount() == least) {
            return Err(StoreError::Backend { operation: "insert", code: 1.into() });
        }
        if self.is(AppliesKindsBackwards) && set.len() > 1 {
            for change in one_by_one(set).iter().rev() {
                let _ = self.inner.commit(change).await?;
            }
        }
        let first_of_this_key = self.inner.committed(set.key()).await?.is_none();
        let changed = if first_of_this_key { self.changed(set).await } else { set.clone() };
        match self.inner.commit(&self.keyed(&changed)).await {
            Err(refusal) => {
                self.burnt.lock().unwrap().insert(set.key());
                if self.is(CommitsUpToTheRefusal) {
                    for change in one_by_one(&changed) {
                        if self.inner.commit(&change).await.is_err() {
                            break;
                        }
                    }
                }
                match refusal {
                    StoreError::Refused(_) if self.is(SwallowsRefusals) => Ok(FAKE),
                    StoreError::StaleFence { .. } if self.is(SwallowsStaleFences) => Ok(FAKE),
                    other => Err(other),
                }
            }
            receipt => receipt,
        }
    }

    async fn committed(&self, key: IdempotencyKey) -> Result<Option<Committed>, StoreError> {
        self.inner.committed(key).await
    }

    async fn customers(&self, after: Option<CustomerId>, limit: usize) -> Result<Vec<Customer>, StoreError> {
        let mut rows = self.inner.customers(after, limit).await?;
        if self.is(PagesIncludeTheirStart)
            && let Some(after) = after
        {
            rows.splice(0..0, self.inner.customers_by_id(&[after]).await?);
            rows.truncate(limit);
        }
        if self.is(RoundsToMilliseconds) {
            rows = rows.iter().map(rounded).collect();
        }
        Ok(self.page(rows, limit))
    }

    async fn customers_by_id(&self, ids: &[CustomerId]) -> Result<Vec<Customer>, StoreError> {
        if self.is(BindsFewIds) && ids.len() > 32_766 {
            return Err(StoreError::Backend { operation: "select", code: 25.into() });
        }
        let mut rows = self.inner.customers_by_id(ids).await?;
        if self.is(ByIdRepeats) {
            rows = ids.iter().filter_map(|id| rows.iter().find(|row| row.id() == *id)).cloned().collect();
        }
        Ok(self.read(rows))
    }

    async fn customer_by_identity(&self, identity: &Identity) -> Result<Option<CustomerId>, StoreError> {
        self.inner.customer_by_identity(identity).await
    }

    async fn lifecycles(&self, of: &[CustomerId]) -> Result<Vec<(CustomerId, LifecycleHistory)>, StoreError> {
        let mut rows = self.inner.lifecycles(of).await?;
        if self.is(ShowsEmptyLifecycles) {
            rows = of.iter().map(|id| (*id, LifecycleHistory::new())).collect();
        }
        Ok(self.read(rows))
    }

    async fn consents(&self, of: &[CustomerId]) -> Result<Vec<ConsentRecord>, StoreError> {
        let mut rows = self.inner.consents(of).await?;
        if self.is(RoundsToMilliseconds) {
            rows = rows.iter().map(rounded).collect();
        }
        Ok(self.read(rows))
    }

    async fn purchases(&self, of: &[CustomerId], within: Period) -> Result<Vec<Purchase>, StoreError> {
        let mut rows = self.inner.purchases(of, self.period(within)).await?;
        if self.is(RoundsToMilliseconds) {
            rows = rows.iter().map(rounded).collect();
        }
        if self.is(FillsInACategory) {
            rows = rows
                .into_iter()
                .map(|row| row.with_category(row.category().unwrap_or(Tag::literal("none"))))
                .collect();
        }
        Ok(self.read(rows))
    }

    async fn interactions(&self, of: &[CustomerId], within: Period) -> Result<Vec<Interaction>, StoreError> {
        let mut rows = self.inner.interactions(of, self.period(within)).await?;
        if self.is(RoundsToMilliseconds) {
            rows = rows.iter().map(rounded).collect();
        }
        Ok(self.read(rows))
    }

    async fn tasks(&self, after: Option<TaskId>, limit: usize) -> Result<Vec<Task>, StoreError> {
        let mut rows = self.inner.tasks(after, limit).await?;
        if self.is(PagesIncludeTheirStart)
            && let Some(after) = after
        {
            rows.splice(0..0, self.inner.tasks_by_id(&[after]).await?);
            rows.truncate(limit);
        }
        Ok(self.page(rows, limit))
    }

    async fn tasks_by_id(&self, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
        Ok(self.read(self.inner.tasks_by_id(ids).await?))
    }

    async fn matters(&self, after: Option<MatterId>, limit: usize) -> Result<Vec<Matter>, StoreError> {
        let mut rows = self.inner.matters(after, limit).await?;
        if self.is(PagesIncludeTheirStart)
            && let Some(after) = after
        {
            rows.splice(0..0, self.inner.matters_by_id(&[after]).await?);
            rows.truncate(limit);
        }
        if self.is(MattersAscendByUuid) {
            rows.sort_by_key(|row| *row.id().as_uuid());
        }
        Ok(self.page(rows, limit))
    }

    async fn matters_by_id(&self, ids: &[MatterId]) -> Result<Vec<Matter>, StoreError> {
        Ok(self.read(self.inner.matters_by_id(ids).await?))
    }

    async fn matters_of(&self, of: &[CustomerId]) -> Result<Vec<Matter>, StoreError> {
        let mut rows = self.inner.matters_of(of).await?;
        if self.is(MattersAscendByUuid) {
            rows.sort_by_key(|row| (row.customer(), *row.id().as_uuid()));
        }
        Ok(self.read(rows))
    }

    async fn matters_waking(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<MatterId>, StoreError> {
        let now = if self.is(WakesEarly) { now + TimeDelta::microseconds(1) } else { now };
        let mut rows = self.inner.matters_waking(now, limit).await?;
        if self.is(WakesByIdAlone) {
            rows.sort_unstable();
        }
        Ok(self.read(rows))
    }

    async fn jobs(&self, after: Option<IdempotencyKey>, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.look().await;
        let mut rows = self.inner.jobs(after, limit).await?;
        if self.is(HidesFinishedJobs) {
            rows.retain(|job| matches!(job.state, JobState::Scheduled | JobState::Claimed { .. }));
        }
        if self.is(ForgetsProblems) {
            for job in &mut rows {
                job.problem = None;
            }
        }
        if self.is(RoundsToMilliseconds) {
            rows = rows.iter().map(rounded).collect();
        }
        Ok(self.page(rows, limit))
    }

    async fn claim(&self, now: DateTime<Utc>, limit: usize, lease: Duration) -> Result<Vec<Job>, StoreError> {
        let mut jobs = match self.fault {
            LeasesForNoTime => self.inner.claim(now, limit, Duration::ZERO).await?,
            ClaimsWithoutLimit => self.inner.claim(now, usize::MAX, lease).await?,
            ClaimsAheadOfTime => self.inner.claim(now + TimeDelta::seconds(1), limit, lease).await?,
            ClaimsInTwoSteps => {
                let mut due = self.inner.jobs(None, usize::MAX).await?;
                due.retain(|job| job.is_due(now));
                due.sort_by_key(|job| (job.not_before, job.notification.key()));
                due.truncate(limit);
                pause().await;
                let _ = self.inner.claim(now, limit, lease).await?;
                due
            }
            _ => self.inner.claim(now, limit, lease).await?,
        };
        if self.is(ClaimsFreshJobsFirst) {
            jobs.sort_by_key(|job| (job.attempts, job.not_before, job.notification.key()));
        }
        Ok(self.read(jobs))
    }
}

#[test]
fn every_fault_is_found_and_every_rule_finds_one() {
    let mut broken_by = BTreeMap::new();
    for &fault in FAULTS {
        let broken = pollster::block_on(conformance::broken_rules(|| async { Faulty::new(fault) }));
        assert!(!broken.is_empty(), "no rule is broken by a store that {fault:?}");
        for rule in broken {
            broken_by.entry(rule.rule().to_owned()).or_insert_with(Vec::new).push(fault);
        }
    }
    let kept: Vec<_> = conformance::RULES.iter().filter(|rule| !broken_by.contains_key(**rule)).collect();
    assert!(kept.is_empty(), "no fault breaks {kept:#?}");
}

#[test]
fn what_is_found_names_the_rule() {
    for (fault, rule) in [
        (ForgetsTheVersionCheck, "a_customer_changed_meanwhile_is_refused"),
        (ForgetsTheVersionCheck, "a_task_changed_meanwhile_is_refused"),
        (CommitsUpToTheRefusal, "a_refused_settlement_leaves_nothing_behind"),
        (CommitsUpToTheRefusal, "nothing_is_notified_for_a_refused_change_set"),
        (ForgetsKeys, "a_repeated_change_set_changes_nothing_and_returns_the_first_receipt"),
        (AnswersAnyPayloadUnderAUsedKey, "another_payload_under_a_used_key_is_refused"),
        (BurnsTheKeyOfARefusal, "a_refused_change_set_leaves_its_key_free"),
        (SwallowsRefusals, "stage_changes_follow_the_stored_history"),
        (SwallowsStaleFences, "only_the_latest_claim_settles"),
        (MakesUnknownCustomers, "facts_about_unknown_customers_are_refused"),
        (ForgetsIdentities, "an_identity_belongs_to_one_customer"),
        (KeepsTheFirstContent, "other_content_under_a_known_id_is_refused"),
        (DropsMatters, "matters_about_unknown_customers_are_refused"),
        (RewritesHistories, "a_matter_goes_on_from_the_stored_history"),
        (OpensASecondCallBack, "one_open_call_back_for_each_customer_and_reason"),
        (OverlooksStaleMatters, "a_matter_changed_meanwhile_is_refused"),
        (MattersAscendByUuid, "pages_of_matters_cover_everything_once"),
        (MattersAscendByUuid, "matters_come_by_customer_then_id"),
        (WakesByIdAlone, "waking_matters_come_by_their_instant_then_id"),
        (WakesEarly, "waking_matters_come_by_their_instant_then_id"),
        (ForgetsWhenToLook, "matters_come_back_as_committed"),
        (CommitsUpToTheRefusal, "a_refused_matter_leaves_nothing_behind"),
        (PagesIncludeTheirStart, "pages_of_customers_cover_everything_once"),
        (PeriodsIncludeTheirEnd, "periods_hold_their_start_and_not_their_end"),
        (BindsFewIds, "windows_take_many_ids"),
        (LeasesForNoTime, "a_leased_job_is_not_claimed_again_until_its_lease_runs_out"),
        (ClaimsInTwoSteps, "claims_at_the_same_time_share_no_job"),
        (ClaimsFreshJobsFirst, "jobs_with_expired_leases_keep_their_place"),
        (IgnoresFences, "only_the_latest_claim_settles"),
    ] {
        let found = pollster::block_on(conformance::check_rule(rule, || async { Faulty::new(fault) }));
        assert!(found.is_err(), "{rule} does not find a store that {fault:?}");
    }
}

#[test]
#[should_panic(expected = "a_customer_changed_meanwhile_is_refused: a change made to version 1")]
fn the_suite_panics_with_the_name_of_the_rule() {
    pollster::block_on(conformance::check_store(|| async { Faulty::new(ForgetsTheVersionCheck) }));
}

#[test]
#[should_panic(expected = "a_refused_customer_leaves_nothing_behind: the refused change set left something")]
fn the_suite_panics_where_half_is_committed() {
    pollster::block_on(conformance::check_store(|| async { Faulty::new(CommitsUpToTheRefusal) }));
}

/// Ways in which a notifier may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slip {
    LosesMessages,
    LosesStaff,
    IgnoresKeys,
    MistakesTextForKey,
    CallsEverythingPermanent,
    CallsEverythingTransient,
    NamesTheAddress,
    LooksBeforeItLeaps,
    TakesTheBeginningForTheEnd,
}

/// A notifier with one fault; it has seen keys, and recipients have seen messages.
#[derive(Debug)]
struct Slipping {
    slip: Slip,
    failing: Mutex<Option<Failure>>,
    begun: Mutex<BTreeSet<IdempotencyKey>>,
    arrived: Mutex<Vec<Message>>,
}

impl Notifier for Slipping {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let problem = match (self.slip, message.text()) {
            (Slip::NamesTheAddress, Some(text)) if text.expose() == "canary-text" => "canary-text",
            _ => "failed",
        };
        let problem = Tag::new(problem).unwrap();
        match (*self.failing.lock().unwrap(), self.slip) {
            (None, _) => {}
            (Some(_), Slip::CallsEverythingPermanent) | (Some(Failure::Lasting), _)
                if self.slip != Slip::CallsEverythingTransient =>
            {
                return Err(DeliveryError::Permanent { problem });
            }
            (Some(_), _) => return Err(DeliveryError::Transient { problem, retry_after: None }),
        }
        let same = |other: &Message| match self.slip {
            Slip::IgnoresKeys => false,
            Slip::MistakesTextForKey => other.text() == message.text(),
            _ => other.key() == message.key(),
        };
        let known = self.arrived.lock().unwrap().iter().any(same);
        if self.slip == Slip::LooksBeforeItLeaps {
            pause().await;
        }
        if self.slip == Slip::TakesTheBeginningForTheEnd {
            if !self.begun.lock().unwrap().insert(message.key()) {
                return Ok(());
            }
            pause().await;
        }
        let lost = self.slip == Slip::LosesMessages
            || (self.slip == Slip::LosesStaff && message.address().is_none());
        if !known && !lost {
            self.arrived.lock().unwrap().push(message.clone());
        }
        Ok(())
    }
}

#[test]
fn every_slip_of_a_notifier_is_found_and_every_rule_finds_one() {
    use patronage::notify::conformance::{RULES, broken_rules};

    let mut kept: BTreeSet<&str> = RULES.iter().copied().collect();
    for slip in [
        Slip::LosesMessages,
        Slip::LosesStaff,
        Slip::IgnoresKeys,
        Slip::MistakesTextForKey,
        Slip::CallsEverythingPermanent,
        Slip::CallsEverythingTransient,
        Slip::NamesTheAddress,
        Slip::LooksBeforeItLeaps,
        Slip::TakesTheBeginningForTheEnd,
    ] {
        let broken = pollster::block_on(broken_rules(
            || async {
                Slipping {
                    slip,
                    failing: Mutex::default(),
                    begun: Mutex::default(),
                    arrived: Mutex::default(),
                }
            },
            |notifier| notifier.arrived.lock().unwrap().iter().map(Message::key).collect(),
            |notifier, how| *notifier.failing.lock().unwrap() = how,
        ));
        assert!(!broken.is_empty(), "no rule is broken by a notifier that {slip:?}");
        for rule in broken {
            kept.remove(rule.rule());
        }
    }
    assert!(kept.is_empty(), "no slip breaks {kept:#?}");
    assert_eq!(ABOUT, Tag::literal("conformance"));
}
