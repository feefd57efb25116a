use super::at_once::at_once;
use super::pace::{Pace, Shares};
use super::{Desk, DeskError, Trouble};
use crate::customer::{Contact, ContactPoint, ContactStatus, Customer, CustomerId};
use crate::interaction::Touchpoint;
use crate::key::IdempotencyKey;
use crate::notification::{Job, Recipient, Settlement};
use crate::notify::{DeliveryError, Message, Notifier};
use crate::store::{ChangeSet, Store, StoreError};
use crate::tag::Tag;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// What became of what was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Deliveries {
    /// Matters that were looked at; see [`Desk::wake`](super::Desk::wake).
    pub woken: u64,
    /// Matters that could not be looked after, and were put off.
    pub troubled: u64,
    /// Taken over by the notifier.
    pub delivered: u64,
    /// Failed, to be tried again.
    pub retried: u64,
    /// Given up; visible among the jobs of the store.
    pub exhausted: u64,
    /// Settled by someone else meanwhile, because the lease ran out; the key keeps the recipient from hearing twice.
    pub overtaken: u64,
}

/// The longest that a failed delivery is put off, whatever the other side asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 86_400);

/// The customers that jobs are for, and those of whom the store could not read the row.
#[derive(Default)]
struct Recipients {
    known: BTreeMap<CustomerId, Customer>,
    unreadable: BTreeSet<CustomerId>,
}

/// What a worker keeps from one batch to the next.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) pace: Pace,
    /// What could not be recorded because the store failed, as it was to be committed together.
    unsettled: Vec<Vec<Settlement>>,
    pub(super) deliveries: Deliveries,
}

impl Work {
    pub(super) fn new() -> Self {
        Self { pace: Pace::new(), unsettled: Vec::new(), deliveries: Deliveries::default() }
    }

    fn add(&mut self, part: Self) {
        self.unsettled.extend(part.unsettled);
        self.deliveries.woken += part.deliveries.woken;
        self.deliveries.troubled += part.deliveries.troubled;
        self.deliveries.delivered += part.deliveries.delivered;
        self.deliveries.retried += part.deliveries.retried;
        self.deliveries.exhausted += part.deliveries.exhausted;
        self.deliveries.overtaken += part.deliveries.overtaken;
    }
}

/// A lease that the jobs of one batch are held under.
struct Held<'a, C> {
    clock: &'a C,
    since: DateTime<Utc>,
    lease: Duration,
}

impl<C: Fn() -> DateTime<Utc>> Held<'_, C> {
    /// Whether so much of the lease has gone that nothing more may be sent under it.
    fn is_running_out(&self) -> bool {
        // A clock that goes back says nothing about the lease.
        let gone = (self.clock)().signed_duration_since(self.since).to_std().unwrap_or_default();
        gone > self.lease.mul_f64(2.0 / 3.0)
    }
}

impl<S: Store, N: Notifier> Desk<S, N> {
    /// Does everything that is due: looks at every matter whose time has come ([`wake`](Self::wake)), then claims jobs,
    /// hands each to the notifier, and records what became of it, until nothing is due any more.
    ///
    /// A notification is delivered at least once, always under its own key; a notifier that honours keys lets it
    /// through once. A delivery that fails is tried again after a growing delay, at most as often as the retry policy
    /// says, and then stays visible as exhausted. One that fails holds up no other, and one that kills its worker is
    /// given up in the end while the others are delivered: attempts count when a job is claimed, a worker begins with one
    /// job and goes on with two, four and so on up to a batch, jobs that were claimed before are tried few at a time too,
    /// and each alone on its last attempt. Several workers may run this on one store.
    ///
    /// # Arguments
    /// `now`: the instant that decides what is due, and from which leases run. Where delivering everything may take
    /// longer than a lease, use [`run_due_by`](Self::run_due_by).
    ///
    /// # Errors
    /// [`DeskError::Store`] when the store fails; claimed jobs then come back when their lease runs out, also those that
    /// were delivered and could not be recorded. Where only the matters cannot be read, everything else is delivered
    /// first.
    pub async fn run_due(&self, now: DateTime<Utc>) -> Result<Deliveries, DeskError> {
        self.run_due_by(|| now).await
    }

    /// As [`run_due`](Self::run_due), for as long as it may take: the clock is asked for every batch and before every
    /// delivery, and once two thirds of a lease have gone, what is left of the batch is handed back untried.
    ///
    /// # Errors
    /// As [`run_due`](Self::run_due).
    pub async fn run_due_by(
        &self,
        clock: impl Fn() -> DateTime<Utc> + Send + Sync,
    ) -> Result<Deliveries, DeskError> {
        let mut work = Work::new();
        let woken = self.look_after(clock(), &mut work).await;
        while self.deliver_batch(&clock, &mut work).await? {}
        woken?;
        Ok(work.deliveries)
    }

    /// Looks at the matters whose time has come, counts them, and returns those in trouble. What comes of them is
    /// delivered with everything else.
    pub(super) async fn look_after(
        &self,
        now: DateTime<Utc>,
        work: &mut Work,
    ) -> Result<Vec<Trouble>, DeskError> {
        let woken = self.wake(now).await?;
        work.deliveries.woken += woken.looked_at;
        work.deliveries.troubled += woken.troubles.len() as u64;
        Ok(woken.troubles)
    }

    /// Delivers one batch of what is due; tells whether there was anything. What an earlier batch could not record is
    /// recorded first.
    pub(super) async fn deliver_batch<C: Fn() -> DateTime<Utc> + Send + Sync>(
        &self,
        clock: &C,
        work: &mut Work,
    ) -> Result<bool, DeskError> {
        let held = Held { clock, since: clock(), lease: self.settings.lease };
        while let Some(settlements) = work.unsettled.pop() {
            self.settle(settlements, held.since, work).await?;
        }
        let jobs = self.store.claim(held.since, work.pace.claim(self.settings.batch), held.lease).await?;
        if jobs.is_empty() {
            return Ok(false);
        }
        let recipients = match self.recipients(&jobs).await {
            Ok(recipients) => recipients,
            Err(error) => {
                // They were not tried. If this fails too it is done before the next claim.
                let _ = self.settle(released(&jobs), held.since, work).await;
                return Err(error.into());
            }
        };
        let Shares { fresh, again, mut back } = work.pace.split(jobs, self.settings.retry.attempts());
        if let Err(error) = self.settle(released(&back), held.since, work).await {
            work.unsettled.extend([released(&fresh), released(&again)]);
            return Err(error);
        }

        let tries: Vec<_> = fresh
            .iter()
            .enumerate()
            .map(|(place, job)| self.attempt(place, job, &recipients, &held))
            .collect();
        let settlements = at_once(tries, self.settings.at_once).await;
        if let Err(error) = self.settle(settlements, held.since, work).await {
            work.unsettled.push(released(&again));
            return Err(error);
        }

        if !fresh.is_empty() && held.is_running_out() {
            self.settle(released(&again), held.since, work).await?;
            back.extend(again);
        } else {
            let tries: Vec<_> = again
                .iter()
                .enumerate()
                .map(|(place, job)| self.attempt_and_settle(place, job, &recipients, &held))
                .collect();
            let mut failed: Result<(), DeskError> = Ok(());
            for (part, settled) in at_once(tries, self.settings.at_once).await {
                work.add(part);
                failed = failed.and(settled);
            }
            failed?;
        }
        work.pace.went_well(!back.is_empty());
        Ok(true)
    }

    async fn recipients(&self, jobs: &[Job]) -> Result<Recipients, StoreError> {
        let ids: BTreeSet<CustomerId> = jobs
            .iter()
            .filter_map(|job| match job.notification.to() {
                Recipient::Customer(customer) => Some(customer),
                Recipient::Staff(_) => None,
            })
            .collect();
        let ids: Vec<CustomerId> = ids.into_iter().collect();
        let mut recipients = Recipients::default();
        if ids.is_empty() {
            return Ok(recipients);
        }
        let mut take = |customers: Vec<Customer>| {
            recipients.known.extend(customers.into_iter().map(|customer| (customer.id(), customer)));
        };
        match self.store.customers_by_id(&ids).await {
            Ok(customers) => take(customers),
            // One row that cannot be read must not hold up the others.
            Err(StoreError::Unusable { .. }) => {
                for id in ids {
                    match self.store.customers_by_id(&[id]).await {
                        Ok(customers) => take(customers),
                        Err(StoreError::Unusable { .. }) => {
                            recipients.unreadable.insert(id);
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
        Ok(recipients)
    }

    async fn attempt_and_settle<C: Fn() -> DateTime<Utc> + Send + Sync>(
        &self,
        place: usize,
        job: &Job,
        recipients: &Recipients,
        held: &Held<'_, C>,
    ) -> (Work, Result<(), DeskError>) {
        let mut part = Work::new();
        let settlement = self.attempt(place, job, recipients, held).await;
        let settled = self.settle(vec![settlement], held.since, &mut part).await;
        (part, settled)
    }

    async fn attempt<C: Fn() -> DateTime<Utc> + Send + Sync>(
        &self,
        place: usize,
        job: &Job,
        recipients: &Recipients,
        held: &Held<'_, C>,
    ) -> Settlement {
        // The first of a batch is always tried, so that a clock which leaps cannot keep everything waiting.
        if place > 0 && held.is_running_out() {
            return release(job);
        }
        let (key, fence, retry) = (job.notification.key(), job.fence, &self.settings.retry);
        // The claim has counted this attempt, so a job that keeps killing its worker ends here.
        if job.attempts > retry.attempts() {
            let problem = job.problem.unwrap_or(Tag::literal("too_many_attempts"));
            return Settlement::Exhausted { key, fence, problem };
        }
        let answer = match message(job, recipients) {
            Ok(message) => caught(async { self.notifier.deliver(&message).await }).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(()) => Settlement::Delivered { key, fence },
            Err(DeliveryError::Permanent { problem }) => Settlement::Exhausted { key, fence, problem },
            Err(DeliveryError::Transient { problem, .. }) if job.attempts == retry.attempts() => {
                Settlement::Exhausted { key, fence, problem }
            }
            Err(DeliveryError::Transient { problem, retry_after }) => {
                let asked = retry_after.unwrap_or_default().min(LONGEST_WAIT);
                let delay = retry.delay(job.attempts, key).max(asked);
                Settlement::Retry { key, fence, not_before: later((held.clock)(), delay), problem }
            }
        }
    }

    /// Records what became of jobs: together, and one by one where one of them is refused, so that it holds up no other.
    /// What the store fails to take is kept for later.
    async fn settle(
        &self,
        settlements: Vec<Settlement>,
        at: DateTime<Utc>,
        work: &mut Work,
    ) -> Result<(), DeskError> {
        if settlements.is_empty() {
            return Ok(());
        }
        match self.record(&self.settling(&settlements, at)?).await {
            Ok(_) => settlements.iter().for_each(|settlement| work.deliveries.count(settlement)),
            Err(DeskError::Store(error)) if is_about_one_of_them(&error) => {
                let (mut failed, mut rest): (Result<(), DeskError>, _) = (Ok(()), settlements.as_slice());
                while let Some((settlement, after)) = rest.split_first() {
                    match self.record(&self.settling(std::slice::from_ref(settlement), at)?).await {
                        Ok(_) => work.deliveries.count(settlement),
                        Err(DeskError::Store(StoreError::StaleFence { .. })) => {
                            work.deliveries.overtaken += 1;
                        }
                        Err(DeskError::Store(error)) if is_about_one_of_them(&error) => {
                            failed = failed.and(Err(error.into()));
                        }
                        Err(error) => {
                            work.unsettled.push(rest.to_vec());
                            return Err(error);
                        }
                    }
                    rest = after;
                }
                failed?;
            }
            Err(error) => {
                // Together again, under the same key: then it is known again if it took effect.
                work.unsettled.push(settlements);
                return Err(error);
            }
        }
        Ok(())
    }

    /// A change set whose key names exactly these settlements: a fence is used once.
    fn settling(&self, settlements: &[Settlement], at: DateTime<Utc>) -> Result<ChangeSet, DeskError> {
        let parts: Vec<String> = std::iter::once("settle".to_owned())
            .chain(settlements.iter().map(|settlement| format!("{settlement:?}")))
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let changes = ChangeSet::new(IdempotencyKey::derive(&parts), at, self.settings.name)?;
        Ok(changes.with_settlements(settlements.iter().copied()))
    }
}

fn message(job: &Job, recipients: &Recipients) -> Result<Message, DeliveryError> {
    let address = match job.notification.to() {
        Recipient::Staff(_) => None,
        Recipient::Customer(id) => {
            if recipients.unreadable.contains(&id) {
                let problem = Tag::literal("unreadable_recipient");
                return Err(DeliveryError::Transient { problem, retry_after: None });
            }
            let unknown = DeliveryError::Permanent { problem: Tag::literal("unknown_recipient") };
            address(recipients.known.get(&id).ok_or(unknown)?, job.notification.touchpoint())
        }
    };
    Ok(Message::new(&job.notification, address, job.attempts))
}

fn release(job: &Job) -> Settlement {
    Settlement::Released { key: job.notification.key(), fence: job.fence }
}

fn released(jobs: &[Job]) -> Vec<Settlement> {
    jobs.iter().map(release).collect()
}

/// A notifier that panics has failed: the job is tried again, and the others of its batch are delivered.
async fn caught(delivery: impl Future<Output = Result<(), DeliveryError>>) -> Result<(), DeliveryError> {
    let mut delivery = pin!(delivery);
    poll_fn(|context| {
        // What it leaves behind is its own; nothing of the desk is borrowed mutably.
        let polled = catch_unwind(AssertUnwindSafe(|| delivery.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            let problem = Tag::literal("notifier_panicked");
            Poll::Ready(Err(DeliveryError::Transient { problem, retry_after: None }))
        })
    })
    .await
}

/// Whether a refusal is about one of several settlements, not about the store.
const fn is_about_one_of_them(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::StaleFence { .. }
            | StoreError::Unknown { .. }
            | StoreError::Refused(_)
            | StoreError::KeyReuse { .. }
    )
}

impl Deliveries {
    fn count(&mut self, settlement: &Settlement) {
        match settlement {
            Settlement::Delivered { .. } => self.delivered += 1,
            Settlement::Retry { .. } => self.retried += 1,
            Settlement::Exhausted { .. } => self.exhausted += 1,
            Settlement::Released { .. } | Settlement::Cancelled { .. } | Settlement::Requeued { .. } => {}
        }
    }
}

/// The instant after a delay, at the latest the last one that a store takes.
fn later(now: DateTime<Utc>, delay: Duration) -> DateTime<Utc> {
    let last = DateTime::from_timestamp_micros(253_402_300_799_999_999).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let then = TimeDelta::from_std(delay).ok().and_then(|delay| now.checked_add_signed(delay));
    then.map_or(last, |then| then.min(last))
}

/// The address to use: active, of the kind the touch point asks for, the preferred one first.
fn address(customer: &Customer, via: Option<Touchpoint>) -> Option<Contact> {
    let fits = |point: &&ContactPoint| {
        point.status() == ContactStatus::Active
            && match via {
                None => true,
                Some(Touchpoint::Email) => matches!(point.contact(), Contact::Email(_)),
                Some(Touchpoint::PhoneCallCentre | Touchpoint::PhoneIvr | Touchpoint::PhoneInHouse) => {
                    matches!(point.contact(), Contact::Phone(_))
                }
                Some(Touchpoint::Mail | Touchpoint::MarketingMaterial) => {
                    matches!(point.contact(), Contact::Postal(_))
                }
                Some(Touchpoint::Social) => matches!(point.contact(), Contact::Social(_)),
                Some(_) => false,
            }
    };
    let mut usable = customer.contacts().iter().filter(fits);
    let first = usable.next()?;
    let preferred = std::iter::once(first).chain(usable).find(|point| point.is_preferred());
    Some(preferred.unwrap_or(first).contact().clone())
}
