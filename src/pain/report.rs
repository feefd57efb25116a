use super::cell::{Cell, Place};
use super::contact::{Ending, SECONDS_A_DAY};
use super::detector::Marks;
use super::point::{self, Finding, PainPoint};
use super::{Experience, PainError, Rules};
use crate::interaction::PainKind;
use crate::measure::Share;
use crate::money::Currency;
use crate::numeric::proportion;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// How sure a report must be, and how many customers it needs to say anything.
///
/// | field | default | meaning |
/// |---|---|---|
/// | `level` | 0.95 | how often intervals enclose the truth |
/// | `minimum` | 30 | fewer customers in either group, and the point says "too few" |
/// | `false_discoveries` | 0.05 | the share of false ones among the points reported as [`evident`](PainReport::evident) |
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::pain::PointOptions;
///
/// let options = PointOptions::default().with_level(Share::new(0.9)?)?.with_minimum(50)?;
/// assert_eq!(options.minimum(), 50);
/// assert!(options.with_level(Share::ONE).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct PointOptions {
    fields: Fields,
    z: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "PointOptions", default, deny_unknown_fields)]
struct Fields {
    level: Share,
    minimum: u64,
    false_discoveries: Share,
}

impl Default for Fields {
    fn default() -> Self {
        let share = |value| Share::new(value).unwrap_or_default();
        Self { level: share(0.95), minimum: 30, false_discoveries: share(0.05) }
    }
}

impl Default for PointOptions {
    fn default() -> Self {
        Self::of(Fields::default())
    }
}

impl From<PointOptions> for Fields {
    fn from(options: PointOptions) -> Self {
        options.fields
    }
}

/// Checks a share of which neither none nor all makes sense.
pub(super) fn between_0_and_1(field: &'static str, share: Share) -> Result<(), ValidationError> {
    if share > Share::ZERO && share < Share::ONE {
        Ok(())
    } else {
        Err(ValidationError::new(field, "must lie between 0 and 1, both excluded", share.get()))
    }
}

impl TryFrom<Fields> for PointOptions {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        between_0_and_1("point_options.level", fields.level)?;
        between_0_and_1("point_options.false_discoveries", fields.false_discoveries)?;
        if fields.minimum == 0 {
            return Err(ValidationError::new("point_options.minimum", "must be at least 1", fields.minimum));
        }
        Ok(Self::of(fields))
    }
}

impl PointOptions {
    fn of(fields: Fields) -> Self {
        Self { fields, z: proportion::z(fields.level.get()) }
    }

    /// Intervals shall enclose the truth this often.
    ///
    /// # Errors
    /// [`ValidationError`] for 0 and 1.
    pub fn with_level(self, level: Share) -> Result<Self, ValidationError> {
        Self::try_from(Fields { level, ..self.fields })
    }

    /// Fewer customers than this are too few.
    ///
    /// # Errors
    /// [`ValidationError`] for 0.
    pub fn with_minimum(self, minimum: u64) -> Result<Self, ValidationError> {
        Self::try_from(Fields { minimum, ..self.fields })
    }

    /// Of the evident points so many may be false.
    ///
    /// # Errors
    /// [`ValidationError`] for 0 and 1.
    pub fn with_false_discoveries(self, share: Share) -> Result<Self, ValidationError> {
        Self::try_from(Fields { false_discoveries: share, ..self.fields })
    }

    /// How often intervals enclose the truth.
    pub const fn level(&self) -> Share {
        self.fields.level
    }

    /// Fewer customers are too few.
    pub const fn minimum(&self) -> u64 {
        self.fields.minimum
    }

    /// How large a share of the evident points may be false.
    pub const fn false_discoveries(&self) -> Share {
        self.fields.false_discoveries
    }

    pub(super) const fn z(&self) -> f64 {
        self.z
    }
}

/// What a map was made from, and what was left out or not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct PainCounts {
    /// Customers.
    pub customers: u64,
    /// Contacts, without those after `as_of` and those within the company.
    pub contacts: u64,
    /// Contacts left out because they lie after `as_of`.
    pub future_contacts: u64,
    /// Purchases left out because they lie on days after `as_of`.
    pub future_purchases: u64,
    /// Contacts left out because they took place within the company.
    pub internal_contacts: u64,
    /// Contacts younger than the window, whose symptoms are not all known.
    pub unsettled_contacts: u64,
    /// Contacts in the same second as the one before: their order is that of the input.
    pub same_instant: u64,
    /// Pairs of customer and place where the first contact is too young to tell whether the customer came back. They
    /// count as neither.
    pub censored: u64,
    /// Contacts whose stage is not known; they make places of their own.
    pub without_stage: u64,
    /// Contacts made by the customer whose reason is not known; no repeat contact or dead end is seen in them.
    pub without_reason: u64,
    /// Contacts made by the customer whose outcome is not known.
    pub without_outcome: u64,
    /// Contacts with a wait at a touch point of which nothing is expected.
    pub without_expectation: u64,
    /// Customers whose value is not known.
    pub without_worth: u64,
}

impl PainCounts {
    pub(super) fn push(&mut self, experience: &Experience<'_>, marks: &[Marks], as_of: i64, rules: &Rules) {
        let today = as_of.div_euclid(SECONDS_A_DAY);
        let mut seen = Self { customers: 1, ..Self::default() };
        seen.without_worth = experience.worth.is_none().into();
        seen.future_purchases =
            experience.purchase_days.iter().rev().take_while(|&&day| i64::from(day) > today).count() as u64;
        let mut last = None;
        for (contact, marks) in experience.contacts.iter().zip(marks) {
            if contact.at() > as_of {
                seen.future_contacts += 1;
                continue;
            }
            if !contact.is_met() {
                seen.internal_contacts += 1;
                continue;
            }
            let inbound = contact.is_inbound();
            seen.contacts += 1;
            seen.unsettled_contacts += u64::from(today - contact.day() < rules.settled_days());
            seen.same_instant += u64::from(last.replace(contact.at()) == Some(contact.at()));
            seen.without_stage += u64::from(contact.stage().is_none());
            seen.without_reason += u64::from(inbound && contact.reason().is_none());
            seen.without_outcome += u64::from(inbound && contact.ending == Ending::Unknown);
            seen.without_expectation += u64::from(marks.without_expectation);
        }
        self.merge(seen);
    }

    pub(super) fn merge(&mut self, other: Self) {
        // Every field by name: a new one cannot be forgotten.
        let Self {
            customers,
            contacts,
            future_contacts,
            future_purchases,
            internal_contacts,
            unsettled_contacts,
            same_instant,
            censored,
            without_stage,
            without_reason,
            without_outcome,
            without_expectation,
            without_worth,
        } = other;
        for (mine, theirs) in [
            (&mut self.customers, customers),
            (&mut self.contacts, contacts),
            (&mut self.future_contacts, future_contacts),
            (&mut self.future_purchases, future_purchases),
            (&mut self.internal_contacts, internal_contacts),
            (&mut self.unsettled_contacts, unsettled_contacts),
            (&mut self.same_instant, same_instant),
            (&mut self.censored, censored),
            (&mut self.without_stage, without_stage),
            (&mut self.without_reason, without_reason),
            (&mut self.without_outcome, without_outcome),
            (&mut self.without_expectation, without_expectation),
            (&mut self.without_worth, without_worth),
        ] {
            *mine = mine.saturating_add(theirs);
        }
    }
}

/// Where it hurts, ranked by evidence and by what it costs, with all that is needed to judge the figures.
///
/// Values at risk of different points must not be added up: a customer may meet several, and lose their value once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PainReport {
    points: Vec<PainPoint>,
    tests: usize,
    counts: PainCounts,
    options: PointOptions,
}

impl PainReport {
    /// All points where anyone met a pain: the [`evident`](Self::evident) ones first, because at places with many
    /// customers chance alone makes large sums. Within both, ranked by value at risk, then customers lost, then customers
    /// who met it, then stage, touch point and kind; those with too few customers come last.
    pub fn points(&self) -> &[PainPoint] {
        &self.points
    }

    /// The points where those exposed came back less often, beyond what chance explains (q-value at most
    /// [`false_discoveries`](PointOptions::false_discoveries)), in the same order.
    pub fn evident(&self) -> impl Iterator<Item = &PainPoint> {
        let most = self.options.false_discoveries().get();
        self.points.iter().filter(move |point| {
            let harms =
                |effect: &point::Effect| effect.fewer_came_back().value() > 0.0 && effect.q_value() <= most;
            point.effect().found().is_some_and(harms)
        })
    }

    /// How many points were tested; the q-values are adjusted for them all.
    pub const fn tests(&self) -> usize {
        self.tests
    }

    /// What the report was made from, and what was left out or not known.
    pub const fn counts(&self) -> PainCounts {
        self.counts
    }

    /// How sure the report is, and how many customers it needed.
    pub const fn options(&self) -> PointOptions {
        self.options
    }
}

pub(super) fn of<'a>(
    cells: impl Iterator<Item = (&'a Place, &'a Cell)>,
    counts: PainCounts,
    currency: Currency,
    options: &PointOptions,
) -> Result<PainReport, PainError> {
    let mut points = Vec::new();
    for (&place, cell) in cells {
        for &kind in PainKind::ALL {
            points.extend(point::of(place, cell, kind, currency, options)?);
        }
    }
    let p_values: Vec<f64> =
        points.iter().filter_map(|point| Some(point.effect().found()?.p_value())).collect();
    let mut q_values = proportion::benjamini_hochberg(&p_values).into_iter();
    for point in &mut points {
        if let Finding::Found(effect) = &mut point.effect
            && let Some(q_value) = q_values.next()
        {
            effect.set_q_value(q_value);
        }
    }
    // The sort is stable, so what is equal stays in the order of stage, touch point and kind.
    points.sort_by(|one, other| rank(one, other, options));
    Ok(PainReport { points, tests: p_values.len(), counts, options: *options })
}

fn is_evident(point: &PainPoint, options: &PointOptions) -> bool {
    let most = options.false_discoveries().get();
    let effect = point.effect().found();
    effect.is_some_and(|effect| effect.fewer_came_back().value() > 0.0 && effect.q_value() <= most)
}

fn rank(one: &PainPoint, other: &PainPoint, options: &PointOptions) -> Ordering {
    let evident = |point| is_evident(point, options);
    let money = |point: &PainPoint| {
        let effect = point.effect().found()?;
        Some(effect.value_at_risk().map_or(0, |money| money.value().minor()))
    };
    let lost = |point: &PainPoint| point.effect().found().map_or(0.0, point::Effect::customers_lost);
    let met = |point: &PainPoint| point.reach().found().map(point::Reach::met);
    evident(other)
        .cmp(&evident(one))
        .then_with(|| money(other).cmp(&money(one)))
        .then_with(|| lost(other).total_cmp(&lost(one)))
        .then_with(|| met(other).cmp(&met(one)))
}
