//! What the three kinds of fact have in common: appended once under an id, found by it, read by customer and time.

use super::customers;
use super::fault::Fault;
use super::session::Session;
use super::table::{Known, Table};
use super::value::{Columns, Unreadable, Value};
use crate::customer::CustomerId;
use crate::store::{Entity, StoreError};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use uuid::Uuid;

/// A fact as a row of its table.
pub(super) trait Fact: PartialEq + Sized + Sync {
    const ENTITY: Entity;
    const TABLE: Table;

    /// Its id.
    fn key(&self) -> Uuid;
    /// The customer it is about.
    fn whose(&self) -> CustomerId;
    fn values(&self) -> Result<Vec<Value<'_>>, Unreadable>;
    fn read(row: &mut Columns<'_>) -> Result<Self, Unreadable>;
}

/// The facts of some customers, by customer, time, id.
pub(super) fn of(table: Table) -> String {
    table.select("WHERE customer = ANY($1) ORDER BY customer, at, id")
}

/// The facts of some customers from one instant to before another, by customer, time, id.
pub(super) fn within(table: Table) -> String {
    table.select("WHERE customer = ANY($1) AND at >= $2 AND at < $3 ORDER BY customer, at, id")
}

/// The facts of some ids.
pub(super) fn by_id(table: Table) -> String {
    table.select("WHERE id = ANY($1)")
}

/// How many facts are read back at a time to be compared.
const READ_BACK: usize = 10_000;

/// Appends facts that are not known and returns how many were. Refuses the first at fault, as the reference does.
pub(super) async fn append<T: Fact>(session: &Session, facts: &[T]) -> Result<u64, Fault> {
    if facts.is_empty() {
        return Ok(0);
    }
    let (sound, refusal) = up_to_a_fault(session, facts).await?;
    let (first, repeated) = distinct(sound);
    let (reused, refusal) = match repeated {
        Repeated::Equal => (None, refusal),
        // What comes after it does not matter any more.
        Repeated::Other(key) => (Some(reuse::<T>(key)), None),
    };
    // In the order of their ids: two who write the same ones wait for each other one way round, and the index of ids is
    // written from one end to the other.
    let mut sorted = first.clone();
    sorted.sort_unstable_by_key(|fact| fact.key());
    let rows = sorted.iter().map(|fact| fact.values());
    let inserted = T::TABLE.put(session, Known::Stays, rows).await?;
    if inserted < first.len() as u64 {
        same_as_stored(session, &first).await?;
    }
    if let Some(reused) = reused {
        return Err(reused.into());
    }
    if let Some((fact, unknown)) = refusal {
        // The id is looked at before the customer.
        let known = session.rows(T::TABLE.read, &by_id(T::TABLE), &[&vec![fact.key()]]).await?;
        return Err(if known.is_empty() { unknown } else { reuse::<T>(fact.key()) }.into());
    }
    Ok((facts.len() as u64).saturating_sub(inserted))
}

fn reuse<T: Fact>(key: Uuid) -> StoreError {
    StoreError::KeyReuse { entity: T::ENTITY, key }
}

/// The facts before the first one about an unknown customer, and that one.
async fn up_to_a_fault<'a, T: Fact>(
    session: &Session,
    facts: &'a [T],
) -> Result<(&'a [T], Option<(&'a T, StoreError)>), Fault> {
    let customers = customers::among(session, facts.iter().map(T::whose)).await?;
    let Some(at) = facts.iter().position(|fact| !customers.contains(&fact.whose())) else {
        return Ok((facts, None));
    };
    let (sound, rest) = facts.split_at(at);
    Ok((sound, rest.first().map(|fact| (fact, customers::unknown(fact.whose())))))
}

enum Repeated {
    /// With equal content, where at all.
    Equal,
    /// This id with other content.
    Other(Uuid),
}

/// Each fact once, up to one whose id stands for another fact before it.
fn distinct<T: Fact>(facts: &[T]) -> (Vec<&T>, Repeated) {
    let mut known: HashMap<Uuid, &T> = HashMap::with_capacity(facts.len());
    let mut first = Vec::with_capacity(facts.len());
    for fact in facts {
        match known.entry(fact.key()) {
            Entry::Vacant(free) => {
                free.insert(fact);
                first.push(fact);
            }
            Entry::Occupied(before) if *before.get() == fact => {}
            Entry::Occupied(_) => return (first, Repeated::Other(fact.key())),
        }
    }
    (first, Repeated::Equal)
}

/// Refuses the first fact whose id stands for another one. Only asked where some ids are known.
async fn same_as_stored<T: Fact>(session: &Session, facts: &[&T]) -> Result<(), Fault> {
    let sql = by_id(T::TABLE);
    for facts in facts.chunks(READ_BACK) {
        let ids: Vec<Uuid> = facts.iter().map(|fact| fact.key()).collect();
        let rows = session.rows(T::TABLE.read, &sql, &[&ids]).await?;
        let stored = T::TABLE.decoded(&rows, T::read)?;
        let stored: HashMap<Uuid, T> = stored.into_iter().map(|fact| (fact.key(), fact)).collect();
        for fact in facts {
            match stored.get(&fact.key()) {
                Some(stored) if stored == *fact => {}
                Some(_) => return Err(reuse::<T>(fact.key()).into()),
                // Whoever had it there took it away meanwhile.
                None => return Err(Fault::OVERTAKEN),
            }
        }
    }
    Ok(())
}
