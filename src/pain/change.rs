#[cfg(test)]
mod tests;

use super::cell::{Cell, Outcomes, Place};
use super::point::{self, Effect, Finding};
use super::{PainError, PointOptions};
use crate::interaction::{PainKind, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::measure::Estimate;
use crate::money::Currency;
use crate::numeric::proportion::{self, Proportion, two_sided_p};
use crate::vocabulary::vocabulary;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

vocabulary! {
    /// Which way a pain point went from one period to another.
    "trend" Trend {
        /// It hurts less, beyond what chance explains.
        Better = "better",
        /// It hurts more, beyond what chance explains.
        Worse = "worse",
        /// What changed may be chance.
        NoEvidence = "no_evidence",
    }
}

/// How one figure of a pain point changed, and whether chance explains it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    before: Estimate,
    after: Estimate,
    difference: Estimate,
    p_value: f64,
    q_value: f64,
    trend: Trend,
}

impl Change {
    /// The figure of the earlier period.
    pub const fn before(&self) -> Estimate {
        self.before
    }

    /// The figure of the later period.
    pub const fn after(&self) -> Estimate {
        self.after
    }

    /// The later figure less the earlier one: above 0 it hurts more.
    pub const fn difference(&self) -> Estimate {
        self.difference
    }

    /// How likely a difference of this size or more would be if nothing had changed.
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// The p-value after adjusting for all figures compared.
    pub const fn q_value(&self) -> f64 {
        self.q_value
    }

    /// Better, worse, or no evidence of either: by the q-value against
    /// [`false_discoveries`](PointOptions::false_discoveries).
    pub const fn trend(&self) -> Trend {
        self.trend
    }
}

/// How a pain point changed from one period to another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PainChange {
    stage: Option<LifecycleStage>,
    touchpoint: Touchpoint,
    kind: PainKind,
    reach: Finding<Change>,
    effect: Finding<Change>,
}

impl PainChange {
    /// The stage of life; `None` where it was not known.
    pub const fn stage(&self) -> Option<LifecycleStage> {
        self.stage
    }

    /// The touch point.
    pub const fn touchpoint(&self) -> Touchpoint {
        self.touchpoint
    }

    /// The kind of pain.
    pub const fn kind(&self) -> PainKind {
        self.kind
    }

    /// How the share of customers changed that met it, of those who reached the place.
    pub const fn reach(&self) -> &Finding<Change> {
        &self.reach
    }

    /// How it changed how much less often comparable customers came back when exposed.
    pub const fn effect(&self) -> &Finding<Change> {
        &self.effect
    }
}

impl fmt::Display for PainChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.stage.map_or("unknown stage", LifecycleStage::as_str);
        write!(f, "{stage}, {}, {}: ", self.touchpoint, self.kind)?;
        for (name, finding, end) in [("reach", &self.reach, ", "), ("effect", &self.effect, "")] {
            match finding {
                Finding::TooFew { .. } => write!(f, "{name} too few{end}")?,
                Finding::Found(change) => write!(f, "{name} {}{end}", change.trend)?,
            }
        }
        Ok(())
    }
}

/// How all pain points changed between two periods: see [`PainMap::changes`](super::PainMap::changes).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PainChanges {
    changes: Vec<PainChange>,
    tests: usize,
}

impl PainChanges {
    /// Every pair of place and kind that anyone met in either period, by stage, touch point and kind.
    pub fn all(&self) -> &[PainChange] {
        &self.changes
    }

    /// How many figures were compared; the q-values are adjusted for them all.
    pub const fn tests(&self) -> usize {
        self.tests
    }
}

pub(super) fn of(
    before: &BTreeMap<Place, Cell>,
    after: &BTreeMap<Place, Cell>,
    currency: Currency,
    options: &PointOptions,
) -> Result<PainChanges, PainError> {
    let mut places: Vec<Place> = before.keys().chain(after.keys()).copied().collect();
    places.sort_unstable();
    places.dedup();
    let nobody = Cell::default();
    let mut changes = Vec::new();
    for place in places {
        let (then, now) = (before.get(&place).unwrap_or(&nobody), after.get(&place).unwrap_or(&nobody));
        for &kind in PainKind::ALL {
            let (was, is) = (then.tally(kind), now.tally(kind));
            if was.met.max(was.exposed).max(is.met).max(is.exposed) == 0 {
                continue;
            }
            let effects =
                [point::effect(then, &was, currency, options)?, point::effect(now, &is, currency, options)?];
            changes.push(PainChange {
                stage: place.stage,
                touchpoint: place.touchpoint,
                kind,
                reach: reach([(then, was.met), (now, is.met)], kind, options)?,
                effect: effect(&effects, options)?,
            });
        }
    }
    let mut figures: Vec<&mut Change> = Vec::new();
    for change in &mut changes {
        for finding in [&mut change.reach, &mut change.effect] {
            if let Finding::Found(figure) = finding {
                figures.push(figure);
            }
        }
    }
    let p_values: Vec<f64> = figures.iter().map(|figure| figure.p_value).collect();
    for (figure, q_value) in figures.iter_mut().zip(proportion::benjamini_hochberg(&p_values)) {
        figure.q_value = q_value;
        figure.trend = match figure.difference.value() {
            _ if q_value > options.false_discoveries().get() => Trend::NoEvidence,
            more if more > 0.0 => Trend::Worse,
            _ => Trend::Better,
        };
    }
    Ok(PainChanges { changes, tests: p_values.len() })
}

fn reach(
    periods: [(&Cell, u64); 2],
    kind: PainKind,
    options: &PointOptions,
) -> Result<Finding<Change>, PainError> {
    let too_few = Finding::TooFew { minimum: options.minimum() };
    let [before, after] = periods.map(|(cell, met)| Outcomes { customers: cell.reached_by(kind), back: met });
    if before.customers.min(after.customers) < options.minimum() {
        return Ok(too_few);
    }
    let proportion = |period: Outcomes| Proportion::new(period.back, period.customers);
    let (Some(was), Some(is)) = (proportion(before), proportion(after)) else { return Ok(too_few) };
    let (Some(more), ends) = proportion::difference(is, was, options.z()) else { return Ok(too_few) };
    let n = before.customers.saturating_add(after.customers);
    Ok(Finding::Found(Change {
        before: point::share_of(was, before.customers, options)?,
        after: point::share_of(is, after.customers, options)?,
        difference: Estimate::new(more, ends.lower, ends.upper, options.level(), n)?,
        p_value: point::p_of_two(before, after, was, is),
        q_value: 1.0,
        trend: Trend::NoEvidence,
    }))
}

/// The interval by squaring and adding the distances of the ends of both; p from their standard errors.
fn effect(effects: &[Finding<Effect>; 2], options: &PointOptions) -> Result<Finding<Change>, PainError> {
    let [Finding::Found(before), Finding::Found(after)] = effects else {
        return Ok(Finding::TooFew { minimum: options.minimum() });
    };
    let (was, is) = (before.fewer_came_back(), after.fewer_came_back());
    let more = is.value() - was.value();
    let lower = more - libm::hypot(is.value() - is.lower(), was.upper() - was.value());
    let upper = more + libm::hypot(is.upper() - is.value(), was.value() - was.lower());
    let error = libm::hypot(is.upper() - is.lower(), was.upper() - was.lower()) / (2.0 * options.z());
    let n = was.n().saturating_add(is.n());
    Ok(Finding::Found(Change {
        before: was,
        after: is,
        difference: Estimate::new(more, lower, upper, options.level(), n)?,
        p_value: if error > 0.0 { two_sided_p(more / error) } else { 1.0 },
        q_value: 1.0,
        trend: Trend::NoEvidence,
    }))
}
