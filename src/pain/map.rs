use super::cell::{Cell, Place, stratum};
use super::change;
use super::contact::SECONDS_A_DAY;
use super::detector::Detector;
use super::report::{self, PainCounts};
use super::{Experience, PainChanges, PainColumns, PainError, PainReport, PointOptions, Rules, Worth};
use crate::interaction::PainKind;
use crate::money::Currency;
use chrono::{DateTime, Utc};
use std::borrow::Borrow;
use std::collections::BTreeMap;

/// So many pairs of stage and touch point are far more than a company has, and few enough to keep.
const MOST_PLACES: usize = 4096;

/// Counts, customer by customer, where it hurts: bounded state that merges.
///
/// Three doors give equal maps: [`push`](Self::push) one customer, [`push_all`](Self::push_all) an iterator of them,
/// [`push_columns`](Self::push_columns) borrowed columns. [`merge`](Self::merge) is associative and commutative and all
/// sums are whole numbers, so shards, threads and one customer at a time lead to the same map. Each customer must be
/// pushed once, with all contacts: the map does not know who they are.
///
/// # Cost
/// Of memory about a kilobyte for each pair of stage and touch point, however many customers there are.
///
/// # Example
/// ```
/// use patronage::pain::{Experience, PainMap, Rules};
/// use patronage::Currency;
///
/// let as_of = "2026-12-31T00:00:00Z".parse()?;
/// let mut map = PainMap::new(Rules::default(), as_of, Currency::EUR);
/// map.push(&Experience::new(&[], &[20_000])?)?;
/// let mut shard = PainMap::new(Rules::default(), as_of, Currency::EUR);
/// shard.push_all([Experience::new(&[], &[])?])?;
/// map.merge(&shard)?;
/// assert_eq!(map.counts().customers, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PainMap {
    rules: Rules,
    as_of: DateTime<Utc>,
    currency: Currency,
    cells: BTreeMap<Place, Cell>,
    counts: PainCounts,
    scratch: Scratch,
}

/// What pushing works in; no part of what the map says.
#[derive(Debug, Default)]
struct Scratch {
    detector: Detector,
    visits: Vec<Visit>,
}

impl Clone for Scratch {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for PainMap {
    fn eq(&self, other: &Self) -> bool {
        self.counts == other.counts && self.cells == other.cells && self.difference(other).is_none()
    }
}

/// What one customer did at one place.
#[derive(Clone, Copy, Debug)]
struct Visit {
    place: Place,
    /// The first contact there, and its day.
    first: usize,
    first_day: i64,
    /// Whether a contact there is old enough for its symptoms to be known.
    settled: bool,
    /// Whether the customer made a contact there so long ago that a silence can have followed.
    long_ago: bool,
    symptoms: [u32; PainKind::ALL.len()],
    exposed: [bool; PainKind::ALL.len()],
}

impl PainMap {
    /// An empty map that finds symptoms by `rules`, knows what happened until `as_of`, and counts values in `currency`.
    pub fn new(rules: Rules, as_of: DateTime<Utc>, currency: Currency) -> Self {
        Self {
            rules,
            as_of,
            currency,
            cells: BTreeMap::new(),
            counts: PainCounts::default(),
            scratch: Scratch::default(),
        }
    }

    /// The rules that symptoms are found by.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Until when the map knows what happened.
    pub const fn as_of(&self) -> DateTime<Utc> {
        self.as_of
    }

    /// The currency of every value.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// What was pushed, and what was left out or missing.
    pub const fn counts(&self) -> PainCounts {
        self.counts
    }

    /// Adds one customer.
    ///
    /// # Errors
    /// [`PainError::DifferentCurrency`] when their value is in another currency, [`PainError::TooManyPlaces`] when they
    /// would make more than 4,096 pairs of stage and touch point. The map is unchanged then.
    ///
    /// # Cost
    /// O(n log n) for n contacts; no allocation but for places that are new to the map.
    pub fn push(&mut self, experience: &Experience<'_>) -> Result<(), PainError> {
        if let Some(worth) = experience.worth
            && worth.value().currency() != self.currency
        {
            let (expected, found) = (self.currency, worth.value().currency());
            return Err(PainError::DifferentCurrency { expected, found });
        }
        let as_of = self.as_of.timestamp();
        let today = as_of.div_euclid(SECONDS_A_DAY);
        let Scratch { detector, visits } = &mut self.scratch;
        let marks = detector.find(experience, as_of, &self.rules);
        let contacts = experience.contacts.iter().zip(marks).enumerate();
        let known = contacts.take_while(|(_, (contact, _))| contact.at() <= as_of);
        let met = known.filter(|(_, (contact, _))| contact.is_met());

        visits.clear();
        for (index, (contact, marks)) in met.clone() {
            let place = Place { stage: contact.stage(), touchpoint: contact.touchpoint() };
            let day = contact.day();
            let known = visits.iter().position(|visit| visit.place == place).unwrap_or_else(|| {
                visits.push(Visit::new(place, index, day));
                visits.len() - 1
            });
            let Some(visit) = visits.get_mut(known) else { continue };
            if today - day < self.rules.settled_days() {
                continue;
            }
            visit.settled = true;
            visit.long_ago |= contact.is_inbound() && today - day > self.rules.silence_floor_days();
            if !marks.is_empty() {
                for (&kind, (symptoms, exposed)) in
                    PainKind::ALL.iter().zip(visit.symptoms.iter_mut().zip(&mut visit.exposed))
                {
                    *symptoms = symptoms.saturating_add(marks.count(kind));
                    *exposed |= marks.exposes(kind);
                }
            }
        }
        // Looked up only where it could matter.
        if self.cells.len() + visits.len() > MOST_PLACES {
            let new = visits.iter().filter(|visit| !self.cells.contains_key(&visit.place)).count();
            if self.cells.len() + new > MOST_PLACES {
                return Err(PainError::TooManyPlaces { limit: MOST_PLACES });
            }
        }

        for visit in visits.iter() {
            let cell = self.cells.entry(visit.place).or_default();
            visit.count(cell, experience.worth);
            if today - visit.first_day < self.rules.mature_days() {
                self.counts.censored = self.counts.censored.saturating_add(1);
                continue;
            }
            let came_back = came_back(experience.purchase_days, visit.first_day, &self.rules);
            let stratum = stratum(experience.purchase_days, visit.first_day);
            cell.first.push(stratum, came_back);
            if let Some(marks) = marks.get(visit.first).filter(|marks| !marks.is_empty()) {
                for &kind in PainKind::ALL.iter().filter(|&&kind| marks.exposes(kind)) {
                    cell.with(kind, |tally| tally.first.push(stratum, came_back));
                }
            }
        }
        for (_, (contact, marks)) in met.filter(|(_, (_, marks))| !marks.is_empty()) {
            if today - contact.day() < self.rules.settled_days() {
                continue;
            }
            let place = Place { stage: contact.stage(), touchpoint: contact.touchpoint() };
            let Some(cell) = self.cells.get_mut(&place) else { continue };
            for &kind in PainKind::ALL.iter().filter(|&&kind| marks.count(kind) > 0) {
                cell.with(kind, |tally| tally.evidence.push(contact.id()));
            }
        }
        self.counts.push(experience, marks, as_of, &self.rules);
        Ok(())
    }

    /// Adds many customers, or none of them.
    ///
    /// # Errors
    /// [`PainError::Customer`] with the first one that [`push`](Self::push) refuses; the map is unchanged then.
    ///
    /// # Cost
    /// That of [`push`](Self::push) for each, and of one [`merge`](Self::merge).
    pub fn push_all<'a>(
        &mut self,
        experiences: impl IntoIterator<Item = impl Borrow<Experience<'a>>>,
    ) -> Result<(), PainError> {
        let mut shard = Self::new(self.rules.clone(), self.as_of, self.currency);
        for (customer, experience) in experiences.into_iter().enumerate() {
            shard.push(experience.borrow()).map_err(|refused| refused.of_customer(customer))?;
        }
        self.merge(&shard)
    }

    /// Adds the customers of borrowed columns, or none of them.
    ///
    /// # Errors
    /// As [`push_all`](Self::push_all).
    ///
    /// # Cost
    /// As [`push_all`](Self::push_all); nothing is copied or allocated per row.
    pub fn push_columns(&mut self, columns: &PainColumns<'_>) -> Result<(), PainError> {
        self.push_all(columns.rows())
    }

    /// Adds the customers of another map. The order of merging never matters.
    ///
    /// # Errors
    /// [`PainError::DifferentMaps`] when rules, `as_of` or currency differ, [`PainError::TooManyPlaces`] when both
    /// together have more than 4,096 pairs of stage and touch point. The map is unchanged then.
    ///
    /// # Cost
    /// O(p log p) for p places.
    pub fn merge(&mut self, other: &Self) -> Result<(), PainError> {
        if let Some(part) = self.difference(other) {
            return Err(PainError::DifferentMaps { part });
        }
        let new = other.cells.keys().filter(|place| !self.cells.contains_key(place)).count();
        if self.cells.len() + new > MOST_PLACES {
            return Err(PainError::TooManyPlaces { limit: MOST_PLACES });
        }
        for (place, cell) in &other.cells {
            self.cells.entry(*place).or_default().merge(cell);
        }
        self.counts.merge(other.counts);
        Ok(())
    }

    #[cfg(test)]
    pub(super) const fn cells(&self) -> &BTreeMap<Place, Cell> {
        &self.cells
    }

    fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.rules != other.rules {
            Some("rules")
        } else if self.as_of != other.as_of {
            Some("as_of")
        } else if self.currency != other.currency {
            Some("currency")
        } else {
            None
        }
    }

    /// Says what hurts more or less than in an earlier period.
    ///
    /// # Arguments
    /// - `earlier`: a map of the earlier period, by the same rules and in the same currency. Customers may be in both.
    ///
    /// # Returns
    /// For every place and kind of pain that anyone met in either period: how the share of customers changed that meet
    /// it, and how what it does to them changed, each with its interval and [`Trend`](super::Trend). "Too few" where
    /// either period has too few customers.
    ///
    /// # Errors
    /// [`PainError::DifferentMaps`] when rules or currency differ, [`PainError::Money`] as in
    /// [`points`](Self::points).
    ///
    /// # Formula
    /// ```text
    /// reach:   difference of shares; Newcombe's interval; pooled test, Fisher's where a cell expects fewer than 5
    /// effect:  d2 - d1, the interval by squaring and adding the distances of the ends of both; normal test
    /// q:       Benjamini and Hochberg over both figures of all points
    /// ```
    ///
    /// # Cost
    /// As that of two reports.
    ///
    /// # Example
    /// ```
    /// use patronage::Currency;
    /// use patronage::customer::CustomerId;
    /// use patronage::interaction::{Interaction, InteractionId, Outcome};
    /// use patronage::pain::{Contact, Experience, PainMap, PointOptions, Rules, Trend};
    ///
    /// // Of 200 customers 20 gave up in spring and 60 in autumn.
    /// let mut maps = Vec::new();
    /// for (as_of, visited, gave_up) in
    ///     [("2026-06-30T00:00:00Z", "2026-03-01T10:00:00Z", 20), ("2026-12-31T00:00:00Z", "2026-09-01T10:00:00Z", 60)]
    /// {
    ///     let mut map = PainMap::new(Rules::default(), as_of.parse()?, Currency::EUR);
    ///     for number in 0..200_u32 {
    ///         let id = number.to_string();
    ///         let outcome = if number < gave_up { Outcome::Abandoned } else { Outcome::Resolved };
    ///         let visit = Interaction::builder(
    ///             InteractionId::derive(&[visited, &id]), CustomerId::derive(&["shop", &id]), visited.parse()?,
    ///         );
    ///         let contacts = [Contact::new(&visit.outcome(outcome).build()?, None)];
    ///         map.push(&Experience::new(&contacts, &[])?)?;
    ///     }
    ///     maps.push(map);
    /// }
    /// let changes = maps[1].changes(&maps[0], &PointOptions::default())?;
    /// let reach = changes.all()[0].reach().found().ok_or("too few")?;
    /// assert_eq!(reach.trend(), Trend::Worse);
    /// assert_eq!(format!("{:.2}", reach.difference()), "0.20 [0.12, 0.28] (95.0 %, n = 400)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changes(&self, earlier: &Self, options: &PointOptions) -> Result<PainChanges, PainError> {
        if let Some(part) = self.difference(earlier).filter(|&part| part != "as_of") {
            return Err(PainError::DifferentMaps { part });
        }
        if self.currency != earlier.currency {
            return Err(PainError::DifferentMaps { part: "currency" });
        }
        change::of(&earlier.cells, &self.cells, self.currency, options)
    }

    /// Says where it hurts: see [`PainReport`].
    ///
    /// # Errors
    /// [`PainError::Money`] when a sum of values does not fit into an amount of money.
    ///
    /// # Cost
    /// O(p log p) for p places, whatever the number of customers.
    pub fn points(&self, options: &PointOptions) -> Result<PainReport, PainError> {
        report::of(self.cells.iter(), self.counts, self.currency, options)
    }
}

impl Visit {
    fn new(place: Place, first: usize, first_day: i64) -> Self {
        Self {
            place,
            first,
            first_day,
            settled: false,
            long_ago: false,
            symptoms: [0; PainKind::ALL.len()],
            exposed: [false; PainKind::ALL.len()],
        }
    }

    fn count(&self, cell: &mut Cell, worth: Option<Worth>) {
        cell.reached = cell.reached.saturating_add(self.settled.into());
        cell.reached_long_ago = cell.reached_long_ago.saturating_add(self.long_ago.into());
        for (&kind, (&symptoms, &exposed)) in
            PainKind::ALL.iter().zip(self.symptoms.iter().zip(&self.exposed))
        {
            if symptoms > 0 {
                cell.with(kind, |tally| tally.push_met(symptoms, worth));
            }
            if exposed {
                cell.with(kind, |tally| tally.push_exposed(worth));
            }
        }
    }
}

/// Whether the customer bought on a later day, soon enough.
pub(super) fn came_back(purchase_days: &[i32], day: i64, rules: &Rules) -> bool {
    let later = purchase_days.partition_point(|&bought| i64::from(bought) <= day);
    let last = day + i64::from(rules.back_within_days());
    purchase_days.get(later).is_some_and(|&bought| i64::from(bought) <= last)
}
