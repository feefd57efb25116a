//! Random changes: whatever is committed, the store ends as the reference does.

use super::dump::{Dump, dump};
use super::given::{
    at, call_back_id, case_id, consent_id, customer_id, interaction_id, job_key, purchase_id, task_id,
};
use super::{Broken, Checked, Problem, ensure_eq};
use crate::case::{CallBack, CallBackChange, Case, CaseChange, CaseEvent, CaseStatus, Matter, MatterKind};
use crate::consent::{ConsentRecord, ConsentStatus, Purpose};
use crate::customer::{Customer, CustomerId, CustomerKind, Identity};
use crate::interaction::Interaction;
use crate::key::IdempotencyKey;
use crate::lifecycle::{LifecycleStage, StageChange, StageReason};
use crate::money::{Currency, Money};
use crate::notification::{JobState, Notification, Recipient, Settlement};
use crate::period::Period;
use crate::purchase::Purchase;
use crate::store::{ChangeSet, MemoryStore, Store};
use crate::tag::Tag;
use crate::task::{Reminder, ReminderId, Task, TaskStatus};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Something that is done to a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// A change set is committed.
    Commit(ChangeSet),
    /// Due jobs are claimed.
    Claim {
        /// When.
        now: DateTime<Utc>,
        /// At most so many.
        limit: usize,
        /// For so long.
        lease: Duration,
    },
}

/// Steps at random, the same for the same seed: changes of every kind, most of them legal, some known, repeated or
/// refused, within a small world so that they meet.
#[derive(Clone, Debug)]
pub struct Steps {
    state: u64,
    count: u64,
    earlier: Vec<ChangeSet>,
}

const CUSTOMERS: u64 = 5;
const IDENTITIES: u64 = 5;

impl Steps {
    /// The steps of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed, count: 0, earlier: Vec::new() }
    }

    /// A number below a bound. `SplitMix64` (Steele, Lea, Flood 2014).
    fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    /// Whether something of so many per cent happens.
    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(all.len() as u64)).ok()?;
        all.get(index)
    }

    /// At times something that is stored already.
    fn again<'a, T>(&mut self, stored: &'a [T]) -> Option<&'a T> {
        if self.chance(10) { self.one_of(stored) } else { None }
    }

    fn second(&mut self) -> i64 {
        i64::try_from(self.below(60)).unwrap_or_default()
    }

    /// A known customer as a rule, at times a stranger.
    fn customer(&mut self, known: &Dump) -> CustomerId {
        let stranger = customer_id(1 + u128::from(self.below(CUSTOMERS + 1)));
        let known = self.one_of(&known.customers).filter(|_| self.chance(97));
        known.map_or(stranger, Customer::id)
    }

    /// A new number as a rule, at times one that is taken.
    fn number(&mut self) -> u128 {
        if self.chance(85) {
            u128::from(self.count * 4 + self.below(4))
        } else {
            u128::from(self.below(self.count * 4))
        }
    }

    /// The next step, for a store that holds this.
    ///
    /// # Errors
    /// [`Broken`] when a value could not be made, which would be a fault of the suite.
    pub fn next(&mut self, known: &Dump) -> Result<Step, Broken> {
        self.step(known).map_err(|Problem(problem)| Broken {
            rule: "random_changes_end_as_in_the_reference".to_owned(),
            problem,
        })
    }

    fn step(&mut self, known: &Dump) -> Result<Step, Problem> {
        self.count += 1;
        if self.chance(20) {
            // The clock goes on, now and then back.
            let now =
                if self.chance(10) { self.second() } else { i64::try_from(self.count).unwrap_or_default() };
            let limit = usize::try_from(self.below(4)).unwrap_or_default();
            return Ok(Step::Claim { now: at(now), limit, lease: Duration::from_secs(self.below(8)) });
        }
        if self.chance(8) {
            let earlier = std::mem::take(&mut self.earlier);
            let set = self.one_of(&earlier).cloned();
            self.earlier = earlier;
            if let Some(set) = set {
                let other = self.chance(30);
                return Ok(Step::Commit(if other {
                    set.settlement(Settlement::Cancelled { key: job_key(0) })
                } else {
                    set
                }));
            }
        }
        let key = IdempotencyKey::derive(&["random", &self.state.to_string(), &self.count.to_string()]);
        let mut set = ChangeSet::new(key, at(0), Tag::literal("random"))?;
        if self.chance(50) {
            set = self.customers(set, known)?;
        }
        if self.chance(40) {
            set = self.stage_changes(set, known)?;
        }
        if self.chance(60) {
            set = self.facts(set, known)?;
        }
        if self.chance(40) {
            set = self.tasks(set, known)?;
        }
        if self.chance(40) {
            set = self.matters(set, known)?;
        }
        if self.chance(40) {
            set = self.notifications(set, known)?;
        }
        if self.chance(50) {
            set = self.settlements(set, known);
        }
        self.earlier.push(set.clone());
        Ok(Step::Commit(set))
    }

    fn customers(&mut self, mut set: ChangeSet, known: &Dump) -> Result<ChangeSet, Problem> {
        for _ in 0..=self.below(2) {
            let id = customer_id(1 + u128::from(self.below(CUSTOMERS)));
            let in_set = set.customers().iter().filter(|customer| customer.id() == id).count() as u64;
            let stored =
                known.customers.iter().find(|customer| customer.id() == id).map_or(0, Customer::version);
            let version = if self.chance(95) { stored + in_set } else { self.below(4) };
            let mut customer =
                Customer::new(id, CustomerKind::Person, at(self.second()))?.with_version(version);
            if self.chance(50) {
                customer = customer.with_name(&format!("Name {}", self.count))?;
            }
            for n in 0..IDENTITIES {
                if self.chance(7) {
                    customer = customer.with_identity(nth_identity(n)?)?;
                }
            }
            set = set.customer(customer);
        }
        Ok(set)
    }

    fn stage_changes(&mut self, mut set: ChangeSet, known: &Dump) -> Result<ChangeSet, Problem> {
        for _ in 0..=self.below(2) {
            let id = self.customer(known);
            let stored = known.lifecycles.iter().find(|(customer, _)| *customer == id);
            let last = stored.and_then(|(_, history)| history.entries().last().copied());
            let (stages, since) = match last {
                Some(last) if self.chance(95) => (last.to().next(), last.at()),
                Some(last) => (LifecycleStage::ALL, last.at()),
                None => (LifecycleStage::ALL.get(..3).unwrap_or_default(), at(0)),
            };
            let Some(&to) = self.one_of(stages) else { continue };
            let when = if self.chance(95) { since } else { at(self.second()) };
            set = set.stage_change((id, StageChange::new(to, when, StageReason::Observed)?));
        }
        Ok(set)
    }

    fn facts(&mut self, mut set: ChangeSet, known: &Dump) -> Result<ChangeSet, Problem> {
        for _ in 0..=self.below(3) {
            let (customer, n, second) = (self.customer(known), self.number(), self.second());
            set = match self.below(3) {
                0 => {
                    let status = self.one_of(ConsentStatus::ALL).copied().unwrap_or(ConsentStatus::Given);
                    let id = consent_id(n);
                    let new = ConsentRecord::new(id, customer, Purpose::CustomerCare, status, at(second))?;
                    set.consent(self.again(&known.consents).cloned().unwrap_or(new))
                }
                1 => {
                    let amount = Money::new(second, Currency::EUR);
                    let new = Purchase::new(purchase_id(n), customer, at(second), amount)?;
                    set.purchase(self.again(&known.purchases).copied().unwrap_or(new))
                }
                _ => {
                    let new = Interaction::builder(interaction_id(n), customer, at(second)).build()?;
                    set.interaction(self.again(&known.interactions).cloned().unwrap_or(new))
                }
            };
            if let Some(twice) = self.again(set.interactions()).cloned() {
                set = set.interaction(twice);
            }
        }
        Ok(set)
    }

    fn tasks(&mut self, mut set: ChangeSet, known: &Dump) -> Result<ChangeSet, Problem> {
        for _ in 0..=self.below(2) {
            let id = task_id(1 + u128::from(self.below(8)));
            let in_set = set.tasks().iter().filter(|task| task.id() == id).count() as u64;
            let stored = known.tasks.iter().find(|task| task.id() == id);
            let version = stored.map_or(0, Task::version) + in_set;
            let mut task = match stored {
                Some(stored) if self.chance(95) => stored.clone(),
                _ => Task::new(id, Tag::literal("call"), at(self.second()))?,
            };
            let moves = if self.chance(95) { task.status().next() } else { TaskStatus::ALL };
            if let Some(&status) = self.one_of(moves).filter(|_| self.chance(60)) {
                task = task.moved_to(status).unwrap_or(task);
            }
            if self.chance(30) {
                task = task.for_customer(self.customer(known));
            }
            let version = if self.chance(95) { version } else { self.below(4) };
            set = set.task(task.with_version(version));
        }
        Ok(set)
    }

    fn matters(&mut self, mut set: ChangeSet, known: &Dump) -> Result<ChangeSet, Problem> {
        for _ in 0..=self.below(2) {
            let stored = self.one_of(&known.matters).filter(|_| self.chance(70)).cloned();
            let kind = match stored.as_ref().map(Matter::kind) {
                Some(stored) if self.chance(95) => self.later(stored)?,
                _ => self.new_matter(known)?,
            };
            let mut matter = Matter::new(kind);
            let in_set = set.matters().iter().filter(|other| other.id() == matter.id()).count() as u64;
            let found =
                known.matters.iter().find(|stored| stored.id() == matter.id()).map_or(0, Matter::version);
            let version = if self.chance(95) { found + in_set } else { self.below(4) };
            if self.chance(60) {
                let wake = Some(at(self.second()));
                matter = matter.waking(wake.filter(|_| self.chance(70)))?;
            }
            set = set.matter(matter.with_version(version));
        }
        Ok(set)
    }

    fn new_matter(&mut self, known: &Dump) -> Result<MatterKind, Problem> {
        let (n, customer) = (1 + u128::from(self.below(24)), self.customer(known));
        let billing = Tag::literal("billing");
        Ok(match self.below(3) {
            0 => CallBack::offer(call_back_id(n), customer, billing, at(0), 2)?.into(),
            1 => Case::open(case_id(n), customer, billing, at(0))?.into(),
            _ => {
                let id = ReminderId::new(uuid::Uuid::from_u128(n));
                Reminder::once(id, at(0), Recipient::Customer(customer), billing)?.into()
            }
        })
    }

    /// What may come next, where something may.
    fn later(&mut self, stored: &MatterKind) -> Result<MatterKind, Problem> {
        let mut later = stored.clone();
        match &mut later {
            MatterKind::Case(case) => {
                if let Some(&to) =
                    self.one_of(case.status().next()).filter(|to| **to != CaseStatus::Duplicate)
                {
                    case.record(CaseEvent::new(at(0), CaseChange::Moved(to)))?;
                }
            }
            MatterKind::CallBack(call) if call.status().is_final() => {}
            MatterKind::CallBack(call) => {
                let slot = Period::new(at(50), at(60))?;
                let changes = [
                    CallBackChange::Accepted(slot),
                    CallBackChange::Dialing,
                    CallBackChange::NoAnswer,
                    CallBackChange::Declined,
                    CallBackChange::Closed,
                ];
                // What its table does not allow leaves it as it is.
                let change = self.one_of(&changes).copied().unwrap_or(CallBackChange::Closed);
                let _ = call.record(at(0), change);
            }
            MatterKind::Reminder(reminder) => {
                let to = Recipient::Customer(customer_id(1 + u128::from(self.below(CUSTOMERS))));
                let moved = match self.below(3) {
                    0 => reminder.cancel(),
                    1 => reminder.reassign(to),
                    _ => reminder.due(at(self.second()), Utc, 1).map(|due| due.next),
                };
                *reminder = moved.unwrap_or_else(|_| reminder.clone());
            }
            MatterKind::Recovery(_) => {}
        }
        Ok(later)
    }

    fn notifications(&mut self, mut set: ChangeSet, known: &Dump) -> Result<ChangeSet, Problem> {
        for _ in 0..=self.below(2) {
            let to = Recipient::Staff(Tag::literal("team"));
            let new =
                Notification::new(job_key(1 + self.number()), to, Tag::literal("test"), at(self.second()))?;
            let old = self.again(&known.jobs).map(|job| job.notification.clone());
            set = set.notification(old.unwrap_or(new));
        }
        Ok(set)
    }

    fn settlements(&mut self, mut set: ChangeSet, known: &Dump) -> ChangeSet {
        for _ in 0..=self.below(2) {
            // Mostly what the state of the job allows.
            let Some(job) = self.one_of(&known.jobs) else { continue };
            let kind = match job.state {
                _ if self.chance(5) => self.below(5),
                JobState::Claimed { .. } => self.below(4),
                JobState::Exhausted => 3 + self.below(2),
                JobState::Scheduled if self.chance(20) => 3,
                _ => continue,
            };
            let key = if self.chance(97) { job.notification.key() } else { job_key(0) };
            let fence = if self.chance(90) { job.fence } else { job.fence.saturating_sub(1) };
            let not_before = at(self.second());
            let problem = Tag::literal("problem");
            set = set.settlement(match kind {
                0 => Settlement::Delivered { key, fence },
                1 => Settlement::Retry { key, fence, not_before, problem },
                2 => Settlement::Exhausted { key, fence, problem },
                3 => Settlement::Cancelled { key },
                _ => Settlement::Requeued { key, not_before },
            });
        }
        set
    }
}

fn nth_identity(n: u64) -> Result<Identity, Problem> {
    Ok(Identity::new(Tag::literal("shop"), &format!("subject {n}"))?)
}

/// Takes the same random steps on two stores that hold the same, and holds every answer and the whole content after
/// every step against each other.
///
/// # Errors
/// [`Broken`] at the first difference, with seed and step.
pub async fn agree<A: Store, B: Store>(
    reference: &A,
    store: &B,
    seed: u64,
    steps: u32,
) -> Result<(), Broken> {
    let mut random = Steps::new(seed);
    let mut known = Dump::default();
    for number in 1..=steps {
        let step = random.next(&known)?;
        known = both(reference, store, &step, &mut random).await.map_err(|Problem(problem)| Broken {
            rule: "random_changes_end_as_in_the_reference".to_owned(),
            problem: format!("step {number} of seed {seed}: {problem}"),
        })?;
    }
    Ok(())
}

async fn both<A: Store, B: Store>(
    reference: &A,
    store: &B,
    step: &Step,
    random: &mut Steps,
) -> Result<Dump, Problem> {
    match step {
        Step::Commit(changes) => {
            let wanted = reference.commit(changes).await;
            ensure_eq!(store.commit(changes).await, wanted, "the answer to a commit");
            let wanted = reference.committed(changes.key()).await;
            ensure_eq!(store.committed(changes.key()).await, wanted, "the receipt");
        }
        &Step::Claim { now, limit, lease } => {
            let wanted = reference.claim(now, limit, lease).await;
            ensure_eq!(store.claim(now, limit, lease).await, wanted, "the answer to a claim");
        }
    }
    let known = dump(reference).await?;
    ensure_eq!(dump(store).await?, known, "the content after the step");
    for n in 0..IDENTITIES {
        let identity = nth_identity(n)?;
        let wanted = reference.customer_by_identity(&identity).await;
        ensure_eq!(store.customer_by_identity(&identity).await, wanted, "the customer of identity {n}");
    }
    let of: Vec<CustomerId> = (0..4).map(|_| random.customer(&known)).collect();
    let start = random.second();
    let within = Period::new(at(start), at(start + 1 + random.second()))?;
    let wanted = reference.interactions(&of, within).await?;
    ensure_eq!(store.interactions(&of, within).await?, wanted, "interactions within {within:?}");
    let wanted = reference.matters_of(&of).await?;
    ensure_eq!(store.matters_of(&of).await?, wanted, "matters");
    let (now, limit) = (at(random.second()), usize::try_from(random.below(9)).unwrap_or_default());
    let wanted = reference.matters_waking(now, limit).await?;
    ensure_eq!(store.matters_waking(now, limit).await?, wanted, "matters waking by {now}");
    let wanted = reference.purchases(&of, within).await?;
    ensure_eq!(store.purchases(&of, within).await?, wanted, "purchases within {within:?}");
    Ok(known)
}

pub(super) async fn random_changes_end_as_in_the_reference(store: &impl Store) -> Checked {
    agree(&MemoryStore::new(), store, 1, 150).await.map_err(|broken| Problem(broken.problem().to_owned()))
}
