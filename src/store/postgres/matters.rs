//! Matters as rows.

use super::customers;
use super::fault::Fault;
use super::session::Session;
use super::table::{Known, Table, table};
use super::value::{Columns, Unreadable, Value};
use crate::case::{Matter, MatterId, MatterKind};
use crate::key::IdempotencyKey;
use crate::store::{Entity, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

pub(super) const TABLE: Table = table!(
    "matters",
    "kind, id",
    ["kind", "id", "customer", "version", "wake", "status", "only_one", "body"]
);

/// Which matters there may be one of are there.
const ONLY_ONES: &str = "SELECT only_one, kind, id FROM @matters WHERE only_one = ANY($1)";
const FREE: &str = "UPDATE @matters SET only_one = NULL WHERE only_one = ANY($1)";

/// A page after an id.
pub(super) fn page() -> String {
    TABLE.select("WHERE (kind, id) > ($1, $2) ORDER BY kind, id LIMIT $3")
}

fn some(rest: &str) -> String {
    TABLE.select(&format!(
        "WHERE (kind, id) IN (SELECT * FROM unnest($1::text[], $2::uuid[])) ORDER BY kind, id{rest}"
    ))
}

/// The matters of some ids.
pub(super) fn by_id() -> String {
    some("")
}

/// The matters of some customers.
pub(super) fn of() -> String {
    TABLE.select("WHERE customer = ANY($1) ORDER BY customer, kind, id")
}

/// Which matters somebody has to look at by an instant.
pub(super) const WAKING: &str =
    "SELECT kind, id FROM @matters WHERE wake <= $1 ORDER BY wake, kind, id LIMIT $2";

fn lock() -> String {
    some(" FOR NO KEY UPDATE")
}

pub(super) fn sql() -> Vec<String> {
    let written = [Known::Stays, Known::Changes].map(|known| TABLE.insert(known));
    let texts = [WAKING, ONLY_ONES, FREE].map(str::to_owned);
    [page(), by_id(), of(), lock()].into_iter().chain(texts).chain(written).collect()
}

/// Identifiers as two parameters.
pub(super) fn parts(ids: impl IntoIterator<Item = MatterId>) -> (Vec<&'static str>, Vec<Uuid>) {
    ids.into_iter().map(|id| (id.kind(), *id.as_uuid())).unzip()
}

/// Stores matters whose version is the stored one and whose history goes on from the stored one, with the version after.
pub(super) async fn put(session: &Session, matters: &[Matter]) -> Result<(), Fault> {
    if matters.is_empty() {
        return Ok(());
    }
    let asked: BTreeSet<MatterId> = matters.iter().map(Matter::id).collect();
    let (kinds, ids) = parts(asked);
    let rows = session.rows(TABLE.read, &lock(), &[&kinds, &ids]).await?;
    let mut stored: BTreeMap<MatterId, Matter> =
        TABLE.decoded(&rows, read)?.into_iter().map(|matter| (matter.id(), matter)).collect();
    let before = stored.clone();
    let customers = customers::among(session, matters.iter().filter_map(Matter::customer)).await?;
    let mut only_ones = only_ones(session, matters, &before).await?;
    for matter in matters {
        let id = matter.id();
        let known = stored.get(&id);
        let (expected, found) = (matter.version(), known.map_or(0, Matter::version));
        if expected != found {
            let (entity, id) = (Entity::Matter, *id.as_uuid());
            return Err(StoreError::Conflict { entity, id, expected, found }.into());
        }
        if let Some(unknown) = matter.customer().filter(|customer| !customers.contains(customer)) {
            return Err(customers::unknown(unknown).into());
        }
        if let Some(known) = known {
            matter.continues(known)?;
        }
        if let Some(only_one) = matter.only_one()
            && let Some(&open) = only_ones.get(&only_one).filter(|open| **open != id)
        {
            return Err(StoreError::OpenAlready { only_one, open }.into());
        }
        if let Some(freed) = known.and_then(Matter::only_one) {
            only_ones.remove(&freed);
        }
        if let Some(only_one) = matter.only_one() {
            only_ones.insert(only_one, id);
        }
        stored.insert(id, matter.clone().with_version(found.saturating_add(1)));
    }

    let (changed, new): (Vec<_>, Vec<_>) =
        stored.values().partition(|matter| before.contains_key(&matter.id()));
    // One may end and another one begin in the same change set, in whatever order they are written.
    let freed: Vec<Uuid> = before.values().filter_map(Matter::only_one).map(|key| *key.as_uuid()).collect();
    if !freed.is_empty() {
        session.execute(TABLE.write, FREE, &[&freed]).await?;
    }
    TABLE.put(session, Known::Changes, changed.iter().map(|matter| values(matter))).await?;
    if TABLE.put(session, Known::Stays, new.iter().map(|matter| values(matter))).await? < new.len() as u64 {
        return Err(Fault::OVERTAKEN);
    }
    Ok(())
}

/// Who has the keys that these matters want, or have.
async fn only_ones(
    session: &Session,
    matters: &[Matter],
    before: &BTreeMap<MatterId, Matter>,
) -> Result<HashMap<IdempotencyKey, MatterId>, Fault> {
    let wanted = matters.iter().chain(before.values()).filter_map(Matter::only_one);
    let wanted: Vec<Uuid> = wanted.map(|key| *key.as_uuid()).collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = session.rows(TABLE.read, ONLY_ONES, &[&wanted]).await?;
    let read =
        |row: &mut Columns<'_>| Ok((IdempotencyKey::new(row.id()?), MatterId::new(row.text()?, row.id()?)?));
    Ok(TABLE.decoded(&rows, read)?.into_iter().collect())
}

fn values(matter: &Matter) -> Result<Vec<Value<'_>>, Unreadable> {
    Ok(vec![
        matter.id().kind().into(),
        (*matter.id().as_uuid()).into(),
        matter.customer().map(|customer| *customer.as_uuid()).into(),
        Value::count(matter.version()),
        matter.wake().into(),
        matter.status().into(),
        matter.only_one().map(|key| *key.as_uuid()).into(),
        Value::json(matter.kind())?,
    ])
}

pub(super) fn read_id(row: &mut Columns<'_>) -> Result<MatterId, Unreadable> {
    Ok(MatterId::new(row.text()?, row.id()?)?)
}

pub(super) fn read(row: &mut Columns<'_>) -> Result<Matter, Unreadable> {
    let id = read_id(row)?;
    row.skip();
    let version = row.integer()?;
    let wake = row.optional_instant()?;
    row.skip();
    row.skip();
    let matter = Matter::new(row.json::<MatterKind>()?).waking(wake)?.with_version(version);
    if matter.id() == id { Ok(matter) } else { Err(Unreadable) }
}
