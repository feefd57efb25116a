use super::{Desk, DeskError};
use crate::customer::{Contact, ContactPoint, ContactStatus, Customer, CustomerId};
use crate::interaction::Touchpoint;
use crate::key::IdempotencyKey;
use crate::notification::{Job, Recipient, Settlement};
use crate::notify::{DeliveryError, Message, Notifier};
use crate::store::{ChangeSet, Store, StoreError};
use crate::tag::Tag;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
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

impl<S: Store, N: Notifier> Desk<S, N> {
    /// Does everything that is due: looks at every matter whose time has come ([`wake`](Self::wake)), then claims jobs,
    /// hands each to the notifier, and records what became of it, until nothing is due any more.
    ///
    /// A notification is delivered at least once, always under its own key; a notifier that honours keys lets it
    /// through once. A delivery that fails is tried again after a growing delay, at most as often as the retry policy
    /// says, and then stays visible as exhausted. One that fails holds up no other. Several workers may run this on
    /// one store.
    ///
    /// # Arguments
    /// `now`: the instant that decides what is due.
    ///
    /// # Errors
    /// [`DeskError::Store`] when the store fails; claimed jobs then come back when their lease runs out. Where only the
    /// matters cannot be read, everything else is delivered first.
    pub async fn run_due(&self, now: DateTime<Utc>) -> Result<Deliveries, DeskError> {
        let woken = self.wake(now).await;
        let deliveries = self.deliver(now).await?;
        let woken = woken?;
        Ok(Deliveries { woken: woken.looked_at, troubled: woken.troubles.len() as u64, ..deliveries })
    }

    async fn deliver(&self, now: DateTime<Utc>) -> Result<Deliveries, DeskError> {
        let mut deliveries = Deliveries::default();
        loop {
            let jobs = self.store.claim(now, self.settings.batch, self.settings.lease).await?;
            if jobs.is_empty() {
                return Ok(deliveries);
            }
            let customers = self.recipients(&jobs).await?;
            let mut settlements = Vec::with_capacity(jobs.len());
            for job in &jobs {
                settlements.push(self.attempt(job, &customers, now).await);
            }
            self.settle(&settlements, now, &mut deliveries).await?;
        }
    }

    async fn recipients(&self, jobs: &[Job]) -> Result<BTreeMap<CustomerId, Customer>, StoreError> {
        let ids: Vec<CustomerId> = jobs
            .iter()
            .filter_map(|job| match job.notification.to() {
                Recipient::Customer(customer) => Some(customer),
                Recipient::Staff(_) => None,
            })
            .collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let customers = self.store.customers_by_id(&ids).await?;
        Ok(customers.into_iter().map(|customer| (customer.id(), customer)).collect())
    }

    async fn attempt(
        &self,
        job: &Job,
        customers: &BTreeMap<CustomerId, Customer>,
        now: DateTime<Utc>,
    ) -> Settlement {
        let (key, fence) = (job.notification.key(), job.fence);
        // The claim has counted this attempt, so a job that keeps killing its worker ends here.
        if job.attempts > self.settings.retry.attempts() {
            let problem = job.problem.unwrap_or(Tag::literal("too_many_attempts"));
            return Settlement::Exhausted { key, fence, problem };
        }
        let address = match job.notification.to() {
            Recipient::Customer(customer) => {
                let Some(customer) = customers.get(&customer) else {
                    return Settlement::Exhausted { key, fence, problem: Tag::literal("unknown_recipient") };
                };
                address(customer, job.notification.touchpoint())
            }
            Recipient::Staff(_) => None,
        };
        match self.notifier.deliver(&Message::new(&job.notification, address, job.attempts)).await {
            Ok(()) => Settlement::Delivered { key, fence },
            Err(DeliveryError::Permanent { problem }) => Settlement::Exhausted { key, fence, problem },
            Err(DeliveryError::Transient { problem, .. })
                if job.attempts == self.settings.retry.attempts() =>
            {
                Settlement::Exhausted { key, fence, problem }
            }
            Err(DeliveryError::Transient { problem, retry_after }) => {
                let delay = self.settings.retry.delay(job.attempts, key).max(retry_after.unwrap_or_default());
                Settlement::Retry { key, fence, not_before: later(now, delay), problem }
            }
        }
    }

    /// Records what became of a batch: together, and one by one where a claim in it was overtaken.
    async fn settle(
        &self,
        settlements: &[Settlement],
        now: DateTime<Utc>,
        deliveries: &mut Deliveries,
    ) -> Result<(), DeskError> {
        match self.record(&self.settling(settlements, now)?).await {
            Ok(_) => settlements.iter().for_each(|settlement| count(settlement, deliveries)),
            Err(DeskError::Store(StoreError::StaleFence { .. })) if settlements.len() > 1 => {
                for settlement in settlements {
                    match self.record(&self.settling(std::slice::from_ref(settlement), now)?).await {
                        Ok(_) => count(settlement, deliveries),
                        Err(DeskError::Store(StoreError::StaleFence { .. })) => deliveries.overtaken += 1,
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(DeskError::Store(StoreError::StaleFence { .. })) => deliveries.overtaken += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// A change set whose key names exactly these settlements: a fence is used once.
    fn settling(&self, settlements: &[Settlement], now: DateTime<Utc>) -> Result<ChangeSet, DeskError> {
        let parts: Vec<String> = std::iter::once("settle".to_owned())
            .chain(settlements.iter().map(|settlement| format!("{settlement:?}")))
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let changes = ChangeSet::new(IdempotencyKey::derive(&parts), now, self.settings.name)?;
        Ok(changes.with_settlements(settlements.iter().copied()))
    }
}

fn count(settlement: &Settlement, deliveries: &mut Deliveries) {
    match settlement {
        Settlement::Delivered { .. } => deliveries.delivered += 1,
        Settlement::Retry { .. } => deliveries.retried += 1,
        Settlement::Exhausted { .. } => deliveries.exhausted += 1,
        Settlement::Cancelled { .. } | Settlement::Requeued { .. } => {}
    }
}

fn later(now: DateTime<Utc>, delay: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(delay).ok().and_then(|delay| now.checked_add_signed(delay)).unwrap_or(now)
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
