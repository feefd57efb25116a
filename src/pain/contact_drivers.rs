use super::contact::{Ending, SECONDS_A_DAY};
use super::detector::{Detector, Marks};
use super::driver_table::LARGEST;
use super::map::came_back;
use super::{
    Contact, Decomposition, DriverOptions, DriverTable, Experience, KeyDrivers, OddsRatios, PainColumns,
    PainError, PainRule, Rules,
};
use crate::tag::Tag;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, Utc};

vocabulary! {
    /// What a contact may have had that moves an outcome.
    ///
    /// # Example
    /// ```
    /// use patronage::pain::ContactDriver;
    ///
    /// assert_eq!("repeat_contact".parse(), Ok(ContactDriver::RepeatContact));
    /// ```
    #[non_exhaustive]
    "contact_driver" ContactDriver {
        /// How long the customer waited, in minutes; missing where it was not recorded.
        WaitMinutes = "wait_minutes",
        /// How often the customer was handed on.
        Transfers = "transfers",
        /// 1 where the customer had to come again for the same reason; missing without a reason.
        RepeatContact = "repeat_contact",
        /// 1 where the customer was sent to another channel and back; missing without a reason.
        BackAndForth = "back_and_forth",
        /// 1 where the company owed the next step and nothing followed; missing without a reason or an outcome.
        DeadEnd = "dead_end",
        /// 1 where the customer went round in circles.
        Loop = "loop",
        /// 1 where the customer gave up; missing without an outcome.
        Abandoned = "abandoned",
        /// 1 where the question went nowhere; missing without an outcome.
        Unanswered = "unanswered",
        /// 1 where the customer complained; missing without an outcome.
        Complaint = "complaint",
        /// How easy the customer said it was, from 0 (hardest) to 1; missing without an answer.
        Ease = "ease",
        /// How the customer felt, from -1 to 1; missing where it was not measured.
        Sentiment = "sentiment",
    }
}

impl ContactDriver {
    /// The driver as the tag that names its column.
    pub const fn tag(self) -> Tag {
        Tag::literal(self.as_str())
    }

    fn value(self, contact: &Contact, marks: &Marks) -> Option<f64> {
        let flag = |rule| Some(f64::from(u8::from(marks.has(rule))));
        let of_reason = |rule| contact.reason().and_then(|_| flag(rule));
        let known = |value: Option<f64>| value.filter(|_| contact.ending != Ending::Unknown);
        match self {
            #[expect(clippy::cast_precision_loss, reason = "waits are far below 2^53 milliseconds")]
            Self::WaitMinutes => contact.wait_ms().map(|wait| wait as f64 / 60_000.0),
            Self::Transfers => Some(contact.transfers().into()),
            Self::RepeatContact => of_reason(PainRule::RepeatContact),
            Self::BackAndForth => of_reason(PainRule::BackAndForth),
            Self::DeadEnd => known(of_reason(PainRule::DeadEnd)),
            Self::Loop => flag(PainRule::Loop),
            Self::Abandoned => known(flag(PainRule::Abandoned)),
            Self::Unanswered => known(flag(PainRule::Unanswered)),
            Self::Complaint => known(flag(PainRule::Complaint)),
            Self::Ease => contact.ease(),
            Self::Sentiment => contact.sentiment(),
        }
    }
}

/// From what customers lived through to what moves an outcome: a row for each customer, about the **first** contact that
/// they made.
///
/// The first one, because more contacts would give customers who stay more chances to meet a pain, and so make it look
/// good. To look at another contact, push an [`Experience`] that begins with it.
///
/// Two outcomes: whether they came back (bought on a later day within [`Rules::back_within_days`]), once enough time has
/// passed to tell; and how satisfied they said they were, where they did.
///
/// # Cost
/// 16 bytes for each driver and customer, twice for those with an answer.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{Interaction, InteractionId};
/// use patronage::pain::{Contact, ContactDriver, ContactDrivers, DriverOptions, Experience, Rules};
///
/// let as_of = "2026-12-31T00:00:00Z".parse()?;
/// let mut drivers =
///     ContactDrivers::new(Rules::default(), as_of, &[ContactDriver::Transfers, ContactDriver::RepeatContact])?;
/// for number in 0..400_u32 {
///     let id = number.to_string();
///     let customer = CustomerId::derive(&["shop", &id]);
///     let mut contacts = Vec::new();
///     // Every other customer had to call again, every third was handed on.
///     for call in 0..=(number % 2) {
///         let at = format!("2026-03-0{}T10:00:00Z", 1 + call);
///         let call = Interaction::builder(InteractionId::derive(&[&id, &at]), customer, at.parse()?)
///             .reason(Tag::literal("invoice"))
///             .transfers((number % 3 == 0).into());
///         contacts.push(Contact::new(&call.build()?, None));
///     }
///     // Of those who had to call again a fifth came back, of the others three fifths.
///     let came_back = if number % 2 == 1 { number % 10 == 1 } else { number % 10 < 6 };
///     let purchases = if came_back { vec![20_480, 20_530] } else { vec![20_480] };
///     drivers.push(&Experience::new(&contacts, &purchases)?, None)?;
/// }
/// let odds = drivers.odds_of_coming_back(&DriverOptions::default())?;
/// let repeat = odds.drivers()[1].odds_ratio().ok_or("beyond any number")?;
/// assert_eq!(format!("{repeat:.2}"), "0.17 [0.11, 0.26] (95.0 %, n = 400)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ContactDrivers {
    rules: Rules,
    as_of: i64,
    drivers: Vec<ContactDriver>,
    detector: Detector,
    row: Vec<Option<f64>>,
    retention: DriverTable,
    came_back: Vec<bool>,
    rated: DriverTable,
    satisfaction: Vec<f64>,
    customers: u64,
    without_contact: u64,
    too_young: u64,
}

impl ContactDrivers {
    /// No customers yet, and these drivers.
    ///
    /// # Errors
    /// [`PainError::NoDrivers`] and [`PainError::RepeatedDriver`].
    pub fn new(rules: Rules, as_of: DateTime<Utc>, drivers: &[ContactDriver]) -> Result<Self, PainError> {
        let table = DriverTable::new(drivers.iter().map(|driver| driver.tag()))?;
        Ok(Self {
            rules,
            as_of: as_of.timestamp(),
            drivers: drivers.to_vec(),
            detector: Detector::default(),
            row: Vec::new(),
            retention: table.clone(),
            came_back: Vec::new(),
            rated: table,
            satisfaction: Vec::new(),
            customers: 0,
            without_contact: 0,
            too_young: 0,
        })
    }

    /// Adds one customer, and how satisfied they said they were, where they did (any scale, the same for all).
    ///
    /// # Errors
    /// [`PainError::OutcomeValue`] when the answer is NaN or above 1e100 in size; nothing is added then.
    ///
    /// # Cost
    /// O(n log n) for n contacts.
    pub fn push(&mut self, experience: &Experience<'_>, satisfaction: Option<f64>) -> Result<(), PainError> {
        if let Some(value) = satisfaction.filter(|value| value.is_nan() || value.abs() > LARGEST) {
            return Err(PainError::OutcomeValue { row: self.satisfaction.len(), value });
        }
        self.customers += 1;
        let marks = self.detector.find(experience, self.as_of, &self.rules);
        let mut contacts = experience.contacts.iter().zip(marks);
        let first = contacts.find(|(contact, _)| contact.is_inbound() && contact.at() <= self.as_of);
        let Some((contact, marks)) = first else {
            self.without_contact += 1;
            return Ok(());
        };
        let age = self.as_of.div_euclid(SECONDS_A_DAY) - contact.day();
        self.row.clear();
        self.row.extend(self.drivers.iter().map(|driver| driver.value(contact, marks)));
        if age >= self.rules.mature_days() {
            self.retention.push(&self.row)?;
            self.came_back.push(came_back(experience.purchase_days, contact.day(), &self.rules));
        } else {
            self.too_young += 1;
        }
        if let Some(answer) = satisfaction.filter(|_| age >= self.rules.settled_days()) {
            self.rated.push(&self.row)?;
            self.satisfaction.push(answer);
        }
        Ok(())
    }

    /// Adds the customers of borrowed columns, or none of them, and how satisfied each of them was, where they said so.
    ///
    /// # Errors
    /// [`PainError::ColumnLength`] unless there is an answer, or `None`, for each customer; [`PainError::Customer`] with the
    /// first whose answer [`push`](Self::push) refuses.
    ///
    /// # Cost
    /// That of [`push`](Self::push) for each, and of one [`merge`](Self::merge).
    pub fn push_columns(
        &mut self,
        columns: &PainColumns<'_>,
        satisfaction: &[Option<f64>],
    ) -> Result<(), PainError> {
        let (expected, found) = (columns.len(), satisfaction.len());
        if expected != found {
            return Err(PainError::ColumnLength { column: "satisfaction", expected, found });
        }
        let mut shard = self.empty();
        for (customer, (experience, &answer)) in columns.rows().zip(satisfaction).enumerate() {
            shard.push(&experience, answer).map_err(|refused| refused.of_customer(customer))?;
        }
        self.merge(&shard)
    }

    /// Adds the customers of another shard, after those that are there: see [`DriverTable`] on the order of rows.
    ///
    /// # Errors
    /// [`PainError::DifferentMaps`] when rules, `as_of` or drivers differ; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), PainError> {
        if self.rules != other.rules {
            return Err(PainError::DifferentMaps { part: "rules" });
        }
        if self.as_of != other.as_of {
            return Err(PainError::DifferentMaps { part: "as_of" });
        }
        self.retention.append(&other.retention)?;
        self.rated.append(&other.rated)?;
        self.came_back.extend_from_slice(&other.came_back);
        self.satisfaction.extend_from_slice(&other.satisfaction);
        self.customers += other.customers;
        self.without_contact += other.without_contact;
        self.too_young += other.too_young;
        Ok(())
    }

    /// As it was made.
    fn empty(&self) -> Self {
        Self {
            rules: self.rules.clone(),
            as_of: self.as_of,
            drivers: self.drivers.clone(),
            detector: Detector::default(),
            row: Vec::new(),
            retention: self.retention.empty(),
            came_back: Vec::new(),
            rated: self.rated.empty(),
            satisfaction: Vec::new(),
            customers: 0,
            without_contact: 0,
            too_young: 0,
        }
    }

    /// The drivers of those of whom it is known whether they came back.
    pub const fn retention(&self) -> &DriverTable {
        &self.retention
    }

    /// Whether these came back.
    pub fn came_back(&self) -> &[bool] {
        &self.came_back
    }

    /// The drivers of those who said how satisfied they were.
    pub const fn rated(&self) -> &DriverTable {
        &self.rated
    }

    /// How satisfied these said they were.
    pub fn satisfaction(&self) -> &[f64] {
        &self.satisfaction
    }

    /// How many customers were pushed.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// How many of them made no contact up to `as_of`, and are in no table.
    pub const fn without_contact(&self) -> u64 {
        self.without_contact
    }

    /// How many of them made their first contact too lately to tell whether they came back: they count as neither.
    pub const fn too_young(&self) -> u64 {
        self.too_young
    }

    /// What each driver does to the odds of coming back: see [`DriverTable::odds_ratios`].
    ///
    /// # Errors
    /// As there.
    pub fn odds_of_coming_back(&self, options: &DriverOptions) -> Result<OddsRatios, PainError> {
        self.retention.odds_ratios(&self.came_back, options)
    }

    /// How much each driver matters for satisfaction: see [`DriverTable::key_drivers`].
    ///
    /// # Errors
    /// As there.
    pub fn drivers_of_satisfaction(
        &self,
        decomposition: Decomposition,
        options: &DriverOptions,
    ) -> Result<KeyDrivers, PainError> {
        self.rated.key_drivers(&self.satisfaction, decomposition, options)
    }
}

#[cfg(test)]
mod tests;
