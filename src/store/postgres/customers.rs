//! Customers and their identities.

use super::fault::Fault;
use super::session::Session;
use super::table::{Known, Table, table};
use super::value::{Columns, Unreadable, Value};
use crate::customer::{ContactPoint, Customer, CustomerId, CustomerKind, Identity};
use crate::store::{Entity, StoreError};
use crate::tag::Tag;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use tokio_postgres::Row;
use uuid::Uuid;

pub(super) const TABLE: Table =
    table!("customers", "id", ["id", "version", "kind", "since", "name", "language", "zone", "contacts"]);
const IDENTITIES: Table =
    table!("identities", "issuer, subject", ["issuer", "subject", "customer", "position"]);

const WITH_IDENTITIES: &str = "SELECT c.id, c.version, c.kind, c.since, c.name, c.language, c.zone, c.contacts, \
     i.issuers, i.subjects FROM @customers AS c LEFT JOIN LATERAL (SELECT \
     coalesce(array_agg(issuer ORDER BY position), '{}') AS issuers, \
     coalesce(array_agg(subject ORDER BY position), '{}') AS subjects \
     FROM @identities WHERE customer = c.id) AS i ON true";
const AMONG: &str = "SELECT id FROM @customers WHERE id = ANY($1)";
const LOCK: &str = "SELECT id, version FROM @customers WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";
/// The identities of some customers, and the owners of some identities.
const OWNERS: &str = "SELECT issuer, subject, customer, position FROM @identities WHERE customer = ANY($1) \
     UNION SELECT issuer, subject, customer, position FROM @identities \
     JOIN unnest($2::text[], $3::text[]) AS wanted (issuer, subject) USING (issuer, subject) ORDER BY 3, 4";
const FORGET_IDENTITIES: &str = "DELETE FROM @identities WHERE customer = ANY($1)";
pub(super) const BY_IDENTITY: &str = "SELECT customer FROM @identities WHERE issuer = $1 AND subject = $2";

/// A page from an id on.
pub(super) fn page() -> String {
    format!("{WITH_IDENTITIES} WHERE c.id >= $1 ORDER BY c.id LIMIT $2")
}

/// The customers of some ids.
pub(super) fn by_id() -> String {
    format!("{WITH_IDENTITIES} WHERE c.id = ANY($1) ORDER BY c.id")
}

pub(super) fn sql() -> Vec<String> {
    let texts = [AMONG, LOCK, OWNERS, FORGET_IDENTITIES, BY_IDENTITY].map(str::to_owned);
    let written = [TABLE.insert(Known::Stays), TABLE.insert(Known::Changes), IDENTITIES.insert(Known::Stays)];
    [page(), by_id()].into_iter().chain(texts).chain(written).collect()
}

pub(super) fn unknown(id: CustomerId) -> StoreError {
    StoreError::Unknown { entity: Entity::Customer, id: *id.as_uuid() }
}

/// Which of these customers there are.
pub(super) async fn among(
    session: &Session,
    ids: impl Iterator<Item = CustomerId>,
) -> Result<HashSet<CustomerId>, Fault> {
    let asked: HashSet<Uuid> = ids.map(|id| *id.as_uuid()).collect();
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let asked: Vec<Uuid> = asked.into_iter().collect();
    let rows = session.rows(TABLE.read, AMONG, &[&asked]).await?;
    Ok(TABLE.decoded(&rows, |row| row.id().map(CustomerId::new))?.into_iter().collect())
}

/// The versions of those of these customers that there are. Until the transaction ends nobody else changes them.
pub(super) async fn lock(
    session: &Session,
    ids: impl Iterator<Item = CustomerId>,
) -> Result<BTreeMap<CustomerId, u64>, Fault> {
    let asked: BTreeSet<Uuid> = ids.map(|id| *id.as_uuid()).collect();
    let asked: Vec<Uuid> = asked.into_iter().collect();
    let rows = session.rows(TABLE.read, LOCK, &[&asked]).await?;
    let versions = TABLE.decoded(&rows, |row| Ok((CustomerId::new(row.id()?), row.integer()?)))?;
    Ok(versions.into_iter().collect())
}

/// Who has which identity, and which ones each customer has in order; as if the changes before were made already.
#[derive(Default)]
struct Owners<'a> {
    of: HashMap<(Tag, &'a str), CustomerId>,
    each: BTreeMap<CustomerId, Vec<(Tag, &'a str)>>,
}

impl<'a> Owners<'a> {
    /// Gives a customer these identities instead of others.
    fn change(&mut self, customer: &'a Customer) -> Result<(), StoreError> {
        let id = customer.id();
        let wanted = || customer.identities().iter().map(|identity| (identity.issuer(), subject(identity)));
        for identity in wanted() {
            if let Some(&taken_by) = self.of.get(&identity).filter(|owner| **owner != id) {
                return Err(StoreError::IdentityTaken { issuer: identity.0, taken_by });
            }
        }
        for dropped in self.each.remove(&id).unwrap_or_default() {
            self.of.remove(&dropped);
        }
        self.of.extend(wanted().map(|identity| (identity, id)));
        self.each.insert(id, wanted().collect());
        Ok(())
    }
}

fn subject(identity: &Identity) -> &str {
    identity.subject().expose()
}

async fn owners(session: &Session, customers: &[Customer], stored: &[Uuid]) -> Result<Vec<Row>, Fault> {
    let wanted = || customers.iter().flat_map(Customer::identities);
    let issuers: Vec<String> = wanted().map(|identity| identity.issuer().to_string()).collect();
    let subjects: Vec<&str> = wanted().map(subject).collect();
    if issuers.is_empty() && stored.is_empty() {
        return Ok(Vec::new());
    }
    session.rows(IDENTITIES.read, OWNERS, &[&stored, &issuers, &subjects]).await
}

/// Stores customers whose version is the stored one, with the version after.
pub(super) async fn put(session: &Session, customers: &[Customer]) -> Result<(), Fault> {
    if customers.is_empty() {
        return Ok(());
    }
    let before = lock(session, customers.iter().map(Customer::id)).await?;
    let stored: Vec<Uuid> = before.keys().map(|id| *id.as_uuid()).collect();
    let rows = owners(session, customers, &stored).await?;
    let mut owners = Owners::default();
    for row in &rows {
        let (identity, owner) = read_owner(row).map_err(|Unreadable| IDENTITIES.unreadable())?;
        owners.of.insert(identity, owner);
        owners.each.entry(owner).or_default().push(identity);
    }
    let identities_before = owners.each.clone();

    let mut versions = before.clone();
    let mut last: BTreeMap<CustomerId, &Customer> = BTreeMap::new();
    for customer in customers {
        let id = customer.id();
        let (expected, found) = (customer.version(), versions.get(&id).copied().unwrap_or(0));
        if expected != found {
            let (entity, id) = (Entity::Customer, *id.as_uuid());
            return Err(StoreError::Conflict { entity, id, expected, found }.into());
        }
        owners.change(customer)?;
        versions.insert(id, found.saturating_add(1));
        last.insert(id, customer);
    }

    let version = |id: &CustomerId| versions.get(id).copied().unwrap_or(0);
    let (changed, new): (Vec<_>, Vec<_>) = last.iter().partition(|(id, _)| before.contains_key(id));
    let rows = changed.iter().map(|(id, customer)| values(customer, version(id)));
    TABLE.put(session, Known::Changes, rows).await?;
    let rows = new.iter().map(|(id, customer)| values(customer, version(id)));
    if TABLE.put(session, Known::Stays, rows).await? < new.len() as u64 {
        return Err(Fault::OVERTAKEN);
    }

    let none = Vec::new();
    let had = |id: &CustomerId| identities_before.get(id).unwrap_or(&none);
    let has = |id: &CustomerId| owners.each.get(id).unwrap_or(&none);
    let moved: Vec<&CustomerId> = changed.iter().map(|(id, _)| *id).filter(|id| had(id) != has(id)).collect();
    let forgotten: Vec<Uuid> =
        moved.iter().filter(|id| !had(id).is_empty()).map(|id| *id.as_uuid()).collect();
    if !forgotten.is_empty() {
        session.execute(IDENTITIES.write, FORGET_IDENTITIES, &[&forgotten]).await?;
    }
    let identities: Vec<_> = moved
        .into_iter()
        .chain(new.iter().map(|(id, _)| *id))
        .flat_map(|id| (0_i64..).zip(has(id)).map(|(position, identity)| (*id, position, *identity)))
        .collect();
    let rows = identities.iter().map(|&(id, position, (issuer, subject))| {
        Ok(vec![issuer.into(), subject.into(), (*id.as_uuid()).into(), position.into()])
    });
    if IDENTITIES.put(session, Known::Stays, rows).await? < identities.len() as u64 {
        return Err(Fault::OVERTAKEN);
    }
    Ok(())
}

fn read_owner(row: &Row) -> Result<((Tag, &str), CustomerId), Unreadable> {
    let mut row = Columns::new(row);
    Ok(((row.term()?, row.text()?), CustomerId::new(row.id()?)))
}

fn values(customer: &Customer, version: u64) -> Result<Vec<Value<'_>>, Unreadable> {
    Ok(vec![
        (*customer.id().as_uuid()).into(),
        Value::count(version),
        customer.kind().as_str().into(),
        customer.since().into(),
        customer.name().map(|name| name.expose().as_str()).into(),
        customer.language().into(),
        customer.zone().into(),
        Value::list(customer.contacts())?,
    ])
}

pub(super) fn read(row: &mut Columns<'_>) -> Result<Customer, Unreadable> {
    let id = CustomerId::new(row.id()?);
    let version = row.integer()?;
    let kind = row.term::<CustomerKind>()?;
    let mut customer = Customer::new(id, kind, row.instant()?)?;
    if let Some(name) = row.optional_text()? {
        customer = customer.with_name(name)?;
    }
    if let Some(language) = row.optional_text()? {
        customer = customer.with_language(language)?;
    }
    if let Some(zone) = row.optional_text()? {
        customer = customer.with_zone(zone)?;
    }
    for contact in row.list::<ContactPoint>()? {
        customer = customer.with_contact(contact)?;
    }
    for (issuer, subject) in row.texts()?.into_iter().zip(row.texts()?) {
        customer = customer.with_identity(Identity::new(issuer.parse()?, subject)?)?;
    }
    Ok(customer.with_version(version))
}
