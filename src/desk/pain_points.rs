use super::row::{Expected, Row};
use super::{Desk, DeskError, ReviewSettings};
use crate::because::Because;
use crate::customer::{Customer, CustomerId};
use crate::interaction::Interaction;
use crate::lifecycle::LifecycleHistory;
use crate::measure::Share;
use crate::money::Money;
use crate::notify::Notifier;
use crate::pain::{Contact, Experience, PainMap, PainPoint, PainReport, Worth};
use crate::period::Period;
use crate::purchase::Purchase;
use crate::store::Store;
use crate::tag::Tag;
use crate::task::{Priority, Task, TaskId};
use chrono::{DateTime, Utc};

/// What the rows of a page add to the pain map: the customer's contacts, purchases and worth, each sorted by customer.
struct Page<'a> {
    interactions: &'a [Interaction],
    lifecycles: &'a [(CustomerId, LifecycleHistory)],
    purchases: &'a [Purchase],
}

/// The rows of one customer in a slice sorted by customer.
pub(super) fn of_one<T>(sorted: &[T], customer: CustomerId, key: impl Fn(&T) -> CustomerId) -> &[T] {
    let start = sorted.partition_point(|row| key(row) < customer);
    let rest = sorted.get(start..).unwrap_or_default();
    rest.get(..rest.partition_point(|row| key(row) == customer)).unwrap_or_default()
}

impl<S: Store, N: Notifier> Desk<S, N> {
    /// Finds pain points in the interactions of all customers, page by page.
    ///
    /// `rows` ascend by customer; `expected` belongs to them, or is empty where there is no valuation.
    pub(super) async fn find_pain(
        &self,
        within: Period,
        rows: &[Row],
        expected: &[Expected],
        settings: &ReviewSettings,
    ) -> Result<PainReport, DeskError> {
        let mut map = PainMap::new(settings.pain_rules.clone(), within.end(), settings.currency);
        let mut after = None;
        loop {
            let customers = self.store.customers(after, settings.page).await?;
            let Some(last) = customers.last() else { break };
            after = Some(last.id());
            let ids: Vec<CustomerId> = customers.iter().map(Customer::id).collect();
            let interactions = self.store.interactions(&ids, within).await?;
            let lifecycles = self.store.lifecycles(&ids).await?;
            let purchases = self.store.purchases(&ids, within).await?;
            let page = Page { interactions: &interactions, lifecycles: &lifecycles, purchases: &purchases };
            for &customer in &ids {
                let place = rows.binary_search_by_key(&customer, |row| row.customer).ok();
                let worth = place
                    .and_then(|place| expected.get(place))
                    .map(|expected| worth(expected, settings))
                    .transpose()?;
                push(&mut map, &page, customer, worth)?;
            }
        }
        Ok(map.points(&settings.pain_options)?)
    }
}

fn push(
    map: &mut PainMap,
    page: &Page<'_>,
    customer: CustomerId,
    worth: Option<Worth>,
) -> Result<(), DeskError> {
    let lifecycle = of_one(page.lifecycles, customer, |row| row.0).first().map(|row| &row.1);
    let contacts: Vec<Contact> = of_one(page.interactions, customer, Interaction::customer)
        .iter()
        .map(|interaction| {
            let stage = lifecycle.and_then(|lifecycle| lifecycle.stage_at(interaction.at()));
            Contact::new(interaction, stage)
        })
        .collect();
    let days: Vec<i32> = of_one(page.purchases, customer, Purchase::customer)
        .iter()
        .filter(|purchase| !purchase.is_return())
        .map(|purchase| crate::period::day_number(purchase.at()))
        .collect();
    let experience = Experience::new(&contacts, &days)?;
    map.push(&worth.map_or(experience, |worth| experience.worth(worth)))?;
    Ok(())
}

/// What a customer is worth if they still are one, and whether they are.
fn worth(expected: &Expected, settings: &ReviewSettings) -> Result<Worth, DeskError> {
    let value = if expected.p_alive > 0.0 { expected.value / expected.p_alive } else { 0.0 };
    Ok(Worth::new(Money::rounded(value, settings.currency)?, Share::new(expected.p_alive)?))
}

/// The tasks to mend the pain points that cost more than the threshold, in the order of the report.
pub(super) fn mend(
    report: &PainReport,
    as_of: DateTime<Utc>,
    due: DateTime<Utc>,
    settings: &ReviewSettings,
) -> Result<Vec<Task>, DeskError> {
    let mut tasks = Vec::new();
    for point in report.evident() {
        let Some(effect) = point.effect().found() else { continue };
        let Some(cost) = effect.value_at_risk() else { continue };
        if cost.value().minor() < settings.pain_threshold.minor() {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "reasons need no more than 53 bits")]
        let figures = (cost.value().minor() as f64, settings.pain_threshold.minor() as f64);
        let false_discoveries = report.options().false_discoveries().get();
        let task = Task::new(id(point, as_of), Tag::literal("pain_point"), due)?
            .with_priority(Priority::High)
            .assigned_to(settings.service_team)
            .because(Because::rule(kind(point)?))
            .because(Because::rule(stage(point)?))
            .because(Because::rule(touchpoint(point)?))
            .because(Because::rule(Tag::literal("value_at_risk_minor")).figure(figures.0, figures.1)?)
            .because(
                Because::rule(Tag::literal("fewer_came_back"))
                    .figure(effect.fewer_came_back().value(), 0.0)?,
            )
            .because(Because::rule(Tag::literal("q_value")).figure(effect.q_value(), false_discoveries)?);
        tasks.push(task);
    }
    Ok(tasks)
}

/// A pain point is one task a month: found again next month, it has not been mended.
fn id(point: &PainPoint, as_of: DateTime<Utc>) -> TaskId {
    let stage = point.stage().map_or("unknown", |stage| stage.as_str());
    let (touchpoint, kind) = (point.touchpoint().to_string(), point.kind().to_string());
    TaskId::derive(&["pain_point", stage, &touchpoint, &kind, &as_of.format("%Y-%m").to_string()])
}

fn kind(point: &PainPoint) -> Result<Tag, DeskError> {
    Ok(Tag::new(point.kind().as_str())?)
}

fn stage(point: &PainPoint) -> Result<Tag, DeskError> {
    Ok(Tag::new(point.stage().map_or("unknown_stage", |stage| stage.as_str()))?)
}

fn touchpoint(point: &PainPoint) -> Result<Tag, DeskError> {
    Ok(match point.touchpoint() {
        crate::interaction::Touchpoint::Other(own) => own,
        known => Tag::new(&known.to_text())?,
    })
}
