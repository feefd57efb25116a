use super::pain_points::of_one;
use super::{Desk, DeskError};
use crate::case::{Matter, MatterId, MatterKind};
use crate::customer::CustomerId;
use crate::interaction::Interaction;
use crate::key::IdempotencyKey;
use crate::notification::Settlement;
use crate::notify::Notifier;
use crate::period::{self, Period};
use crate::service::{Attention, attend};
use crate::store::{ChangeSet, Entity, Store, StoreError};
use crate::task::ReminderId;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;

/// How long a matter that could not be looked after is left alone.
const LEFT_ALONE: TimeDelta = TimeDelta::minutes(5);

/// What became of the matters whose time had come.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Woken {
    /// Looked at, and stored with when to look again.
    pub looked_at: u64,
    /// Notifications that came of it.
    pub told: u64,
    /// Changed by someone else meanwhile, and read again.
    pub overtaken: u64,
    /// What could not be looked after, and why. It holds up nothing else.
    pub troubles: Vec<Trouble>,
}

/// A matter that could not be looked after.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trouble {
    /// Which.
    pub matter: MatterId,
    /// Why.
    pub problem: DeskError,
    /// Until when it is put off; `None` where it cannot be read back, or the store refused even that: it comes again at
    /// once.
    pub until: Option<DateTime<Utc>>,
}

impl<S: Store, N: Notifier> Desk<S, N> {
    /// Looks at every matter whose time has come, by [`attend`] and the rules of [`Settings::serving`]: due reminders
    /// become notifications, cases are escalated, call-backs are announced, retried or given up, overdue recoveries are
    /// told. What comes of a matter is stored in one change set with when to look again, so nothing is told twice and
    /// nothing is forgotten, whatever is killed in between. [`run_due`](Self::run_due) does this first, then delivers.
    ///
    /// A matter that cannot be looked after (its zone or service level is not known) is put off by five minutes and
    /// named in the answer; the others go on. Several workers may run this on one store.
    ///
    /// [`Settings::serving`]: super::Settings::serving
    ///
    /// # Arguments
    /// `now`: the instant that decides what is due.
    ///
    /// # Errors
    /// [`DeskError::Store`] when the store fails; [`DeskError::Validation`] when `now` lies outside the years 1 to 9999.
    ///
    /// # Example
    /// ```
    /// use patronage::case::Matter;
    /// use patronage::desk::{Desk, Settings};
    /// use patronage::notification::Recipient;
    /// use patronage::notify::MemoryNotifier;
    /// use patronage::store::{ChangeSet, MemoryStore};
    /// use patronage::task::{Reminder, ReminderId};
    /// use patronage::{IdempotencyKey, Tag};
    ///
    /// let (now, due) = ("2026-03-02T08:00:00Z".parse()?, "2026-03-02T09:00:00Z".parse()?);
    /// let desk = Desk::new(MemoryStore::new(), MemoryNotifier::new(), Settings::default());
    /// let team = Recipient::Staff(Tag::literal("key_accounts"));
    /// let reminder = Reminder::once(ReminderId::derive(&["renewal", "17"]), due, team, Tag::literal("renewal"))?;
    /// let key = IdempotencyKey::derive(&["renewal", "17"]);
    /// let changes = ChangeSet::new(key, now, Tag::literal("crm"))?.matter(Matter::new(reminder));
    ///
    /// pollster::block_on(async {
    ///     desk.record(&changes).await?;
    ///     assert_eq!(desk.run_due(now).await?.delivered, 0);
    ///     assert_eq!(desk.run_due(due).await?.delivered, 1);
    ///     assert_eq!(desk.run_due(due).await?.delivered, 0);
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn wake(&self, now: DateTime<Utc>) -> Result<Woken, DeskError> {
        let now = period::instant("wake.now", now)?;
        let mut woken = Woken::default();
        // What the store does not even put off comes first again and again, and must not hide the rest.
        let mut stuck = BTreeSet::new();
        loop {
            let limit = self.settings.batch.saturating_add(stuck.len());
            let mut ids = self.store.matters_waking(now, limit).await?;
            ids.retain(|id| !stuck.contains(id));
            if ids.is_empty() {
                return Ok(woken);
            }
            let matters = self.readable(&ids, &mut woken, &mut stuck).await?;
            let contacts = self.contacts(&matters, now).await?;
            let mut seen = Vec::with_capacity(matters.len());
            for matter in matters {
                let contacts = matter.customer().map(|id| of_one(&contacts, id, Interaction::customer));
                match attend(&matter, now, contacts.unwrap_or_default(), &self.settings.service) {
                    Ok(attention) => seen.push((matter, attention)),
                    Err(error) => self.put_off(&matter, error.into(), now, &mut woken, &mut stuck).await?,
                }
            }
            self.store_seen(&seen, now, &mut woken, &mut stuck).await?;
        }
    }

    /// The matters of these ids. One that cannot be read back hides no other: it is named, and comes again at once.
    async fn readable(
        &self,
        ids: &[MatterId],
        woken: &mut Woken,
        stuck: &mut BTreeSet<MatterId>,
    ) -> Result<Vec<Matter>, DeskError> {
        match self.store.matters_by_id(ids).await {
            Err(StoreError::Unusable { .. }) => {}
            answer => return Ok(answer?),
        }
        let mut matters = Vec::with_capacity(ids.len());
        for &matter in ids {
            match self.store.matters_by_id(&[matter]).await {
                Ok(read) => matters.extend(read),
                Err(problem @ StoreError::Unusable { .. }) => {
                    stuck.insert(matter);
                    woken.troubles.push(Trouble { matter, problem: problem.into(), until: None });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(matters)
    }

    /// The interactions that may count as repeat contacts in these matters, by customer.
    async fn contacts(&self, matters: &[Matter], now: DateTime<Utc>) -> Result<Vec<Interaction>, DeskError> {
        let Some(window) = self.settings.service.looks_back() else { return Ok(Vec::new()) };
        let cases = matters.iter().filter_map(|matter| match matter.kind() {
            MatterKind::Case(case) => Some((case.customer(), case.opened())),
            _ => None,
        });
        let (customers, opened): (Vec<CustomerId>, Vec<DateTime<Utc>>) = cases.unzip();
        let Some(first) = opened.into_iter().min() else { return Ok(Vec::new()) };
        let until = Period::until(now + TimeDelta::microseconds(1))?;
        let from = first.checked_sub_signed(window).unwrap_or(until.start()).max(until.start());
        // A clock that was put back lies before the opening of all of them.
        let Ok(within) = Period::new(from, until.end()) else { return Ok(Vec::new()) };
        Ok(self.store.interactions(&customers, within).await?)
    }

    /// Stores what looking came to: together, and one by one where one of them is refused.
    async fn store_seen(
        &self,
        seen: &[(Matter, Attention)],
        now: DateTime<Utc>,
        woken: &mut Woken,
        stuck: &mut BTreeSet<MatterId>,
    ) -> Result<(), DeskError> {
        let all: Vec<&Attention> = seen.iter().map(|(_, attention)| attention).collect();
        match self.record_seen(&all, now).await {
            Ok(told) => {
                woken.looked_at += seen.len() as u64;
                woken.told += told;
                return Ok(());
            }
            Err(DeskError::Store(error)) if is_about_one_of_them(&error) => {}
            Err(error) => return Err(error),
        }
        for (matter, attention) in seen {
            match self.record_seen(&[attention], now).await {
                Ok(told) => {
                    woken.looked_at += 1;
                    woken.told += told;
                }
                Err(DeskError::Store(StoreError::Conflict { entity: Entity::Matter, .. })) => {
                    woken.overtaken += 1;
                }
                Err(DeskError::Store(error)) if is_about_one_of_them(&error) => {
                    self.put_off(matter, error.into(), now, woken, stuck).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Commits what looking came to and returns how many notifications are new.
    async fn record_seen(&self, seen: &[&Attention], now: DateTime<Utc>) -> Result<u64, DeskError> {
        if seen.is_empty() {
            return Ok(0);
        }
        let changes = self
            .unkeyed(now)?
            .with_matters(seen.iter().map(|attention| attention.matter.clone()))
            .with_notifications(seen.iter().flat_map(|attention| attention.tell.iter().cloned()));
        let receipt = self.record(&keyed(changes)).await?;
        Ok(receipt.applied.saturating_sub(seen.len() as u64))
    }

    /// Leaves a matter alone for a while and says so.
    async fn put_off(
        &self,
        matter: &Matter,
        problem: DeskError,
        now: DateTime<Utc>,
        woken: &mut Woken,
        stuck: &mut BTreeSet<MatterId>,
    ) -> Result<(), DeskError> {
        let until = now + LEFT_ALONE;
        let changes = self.unkeyed(now)?.matter(matter.clone().waking(Some(until))?);
        let until = match self.record(&keyed(changes)).await {
            Ok(_) => Some(until),
            Err(DeskError::Store(StoreError::Conflict { entity: Entity::Matter, .. })) => {
                woken.overtaken += 1;
                return Ok(());
            }
            Err(DeskError::Store(error)) if is_about_one_of_them(&error) => {
                stuck.insert(matter.id());
                None
            }
            Err(error) => return Err(error),
        };
        woken.troubles.push(Trouble { matter: matter.id(), problem, until });
        Ok(())
    }

    /// Has every matter that is not over looked at the next time, whenever it would have been its turn. Call it after
    /// the rules have changed, for example the business hours, a service level, or the time zone database: when to look was
    /// decided by the old ones. Returns how many there are.
    ///
    /// # Errors
    /// [`DeskError::Store`] when the store fails.
    pub async fn wake_all(&self, now: DateTime<Utc>) -> Result<u64, DeskError> {
        let (mut after, mut woken) = (None, 0);
        loop {
            let page = self.store.matters(after, self.settings.batch).await?;
            let Some(last) = page.last().map(Matter::id) else { return Ok(woken) };
            after = Some(last);
            for matter in page {
                // A new one of the same content is looked at unless it is over.
                let is_over = Matter::new(matter.kind().clone()).wake().is_none();
                if is_over || matter.wake().is_some_and(|wake| wake <= now) {
                    continue;
                }
                let changes = self.unkeyed(now)?.matter(matter.waking(Some(now))?);
                match self.record(&keyed(changes)).await {
                    Ok(_) => woken += 1,
                    // Whoever changed it has had it looked at.
                    Err(DeskError::Store(StoreError::Conflict { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Calls a reminder off, and with it what it told last and was not delivered yet; returns how many notifications
    /// were taken back.
    ///
    /// # Errors
    /// [`DeskError::Store`] when it is unknown or the store fails; [`DeskError::Reminder`] when it is cancelled already.
    pub async fn cancel_reminder(&self, id: ReminderId, now: DateTime<Utc>) -> Result<u64, DeskError> {
        let mut delivered = BTreeSet::new();
        loop {
            let id = MatterId::Reminder(id);
            let unknown = StoreError::Unknown { entity: Entity::Matter, id: *id.as_uuid() };
            let stored = self.store.matters_by_id(&[id]).await?;
            let Some((matter, MatterKind::Reminder(reminder))) =
                stored.first().map(|matter| (matter, matter.kind()))
            else {
                return Err(unknown.into());
            };
            let open: Vec<Settlement> = reminder
                .told()
                .iter()
                .filter(|key| !delivered.contains(*key))
                .map(|&key| Settlement::Cancelled { key })
                .collect();
            let count = open.len() as u64;
            let changes =
                self.unkeyed(now)?.matter(matter.changed(reminder.cancel()?)).with_settlements(open);
            match self.record(&keyed(changes)).await {
                Ok(_) => return Ok(count),
                // It was delivered: there is nothing to take back.
                Err(DeskError::Store(StoreError::StaleFence { key })) => {
                    delivered.insert(key);
                }
                Err(DeskError::Store(StoreError::Conflict { .. })) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn unkeyed(&self, now: DateTime<Utc>) -> Result<ChangeSet, DeskError> {
        Ok(ChangeSet::new(IdempotencyKey::derive(&[]), now, self.settings.name)?)
    }
}

/// The change set under a key of what it holds. As it holds the versions of what it changes, it cannot be meant twice.
fn keyed(changes: ChangeSet) -> ChangeSet {
    let key = IdempotencyKey::derive(&["matters", &changes.digest().to_string()]);
    changes.with_key(key)
}

/// Whether a refusal is about one of several matters, not about the store.
const fn is_about_one_of_them(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Conflict { .. }
            | StoreError::KeyReuse { .. }
            | StoreError::Unknown { .. }
            | StoreError::Refused(_)
            | StoreError::OpenAlready { .. }
            | StoreError::StaleFence { .. }
    )
}

#[cfg(test)]
mod tests;
