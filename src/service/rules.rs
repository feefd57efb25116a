use super::{BusinessCalendar, EscalationRules, EscalationTrigger, RecoveryPolicy, ServiceError, SlaPolicy};
use crate::tag::Tag;
use crate::validation::ValidationError;
use crate::zone::ZoneRules;
use chrono::{TimeDelta, Utc};
use std::sync::Arc;

/// How a company serves its customers: by which hours, under which service levels, who is told, and what becomes of
/// call-backs that did not happen. What is not stated is not watched.
///
/// # Example
/// ```
/// use chrono::{TimeDelta, Utc};
/// use patronage::Tag;
/// use patronage::service::{
///     BusinessCalendar, BusinessHours, ServiceRules, SlaMetric, SlaPolicy, SlaTarget,
/// };
///
/// let hours = BusinessHours::new("UTC")?.open_weekdays("09:00-17:00".parse()?)?;
/// let standard = SlaPolicy::new(Tag::literal("standard"))
///     .promise(SlaTarget::new(SlaMetric::FirstResponse, TimeDelta::hours(4))?)?;
/// let rules = ServiceRules::new(Tag::literal("service_desk"))
///     .open(BusinessCalendar::new(&hours, Utc)?)
///     .with_level(standard)?
///     .calling_back(TimeDelta::minutes(30), TimeDelta::hours(1))?;
/// assert_eq!(rules.level(None)?.map(|level| level.name()), Some(Tag::literal("standard")));
/// assert!(rules.level(Some(Tag::literal("gold"))).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServiceRules {
    team: Tag,
    calendar: Option<BusinessCalendar>,
    levels: Vec<SlaPolicy>,
    escalations: EscalationRules,
    recovery: Option<RecoveryPolicy>,
    offer_lasts: TimeDelta,
    call_again_after: TimeDelta,
    zones: Vec<Arc<dyn ZoneRules>>,
}

impl Default for ServiceRules {
    /// Tells the team `service`; watches call-backs and reminders only.
    fn default() -> Self {
        Self::new(Tag::literal("service"))
    }
}

impl PartialEq for ServiceRules {
    /// Zones are compared by their names.
    fn eq(&self, other: &Self) -> bool {
        let parts = |rules: &Self| (rules.team, rules.recovery, rules.offer_lasts, rules.call_again_after);
        parts(self) == parts(other)
            && (&self.calendar, &self.levels, &self.escalations)
                == (&other.calendar, &other.levels, &other.escalations)
            && self.zone_names().eq(other.zone_names())
    }
}

impl ServiceRules {
    /// Tells a team what nobody else is named for. An offer to call back lasts for an hour; who could not be reached is
    /// called again an hour later at the earliest.
    pub fn new(team: Tag) -> Self {
        Self {
            team,
            calendar: None,
            levels: Vec::new(),
            escalations: EscalationRules::default(),
            recovery: None,
            offer_lasts: TimeDelta::hours(1),
            call_again_after: TimeDelta::hours(1),
            zones: Vec::new(),
        }
    }

    /// Sets when the company works. Service levels and recoveries are watched from then on, and slots of further
    /// call-backs lie within the hours.
    #[must_use]
    pub fn open(mut self, calendar: BusinessCalendar) -> Self {
        self.calendar = Some(calendar);
        self
    }

    /// Adds a service level. The first one is that of cases which name none.
    ///
    /// # Errors
    /// [`ValidationError`] when there is one of the same name.
    pub fn with_level(mut self, level: SlaPolicy) -> Result<Self, ValidationError> {
        if self.levels.iter().any(|other| other.name() == level.name()) {
            let rule = "must hold a service level once";
            return Err(ValidationError::new("service_rules.levels", rule, level.name()));
        }
        self.levels.push(level);
        Ok(self)
    }

    /// Sets when cases are handed to somebody else.
    #[must_use]
    pub fn escalating(mut self, rules: EscalationRules) -> Self {
        self.escalations = rules;
        self
    }

    /// Sets how soon each step of a recovery has to follow the one before.
    #[must_use]
    pub const fn recovering(mut self, policy: RecoveryPolicy) -> Self {
        self.recovery = Some(policy);
        self
    }

    /// Sets how long an offer to call back lasts, and how long after a call that reached nobody the next slot begins at
    /// the earliest.
    ///
    /// # Errors
    /// [`ServiceError::NegativeDuration`]; [`ServiceError::Invalid`] when a time is longer than 30 days.
    pub fn calling_back(
        mut self,
        offer_lasts: TimeDelta,
        again_after: TimeDelta,
    ) -> Result<Self, ServiceError> {
        for (field, time) in
            [("service_rules.offer_lasts", offer_lasts), ("service_rules.again_after", again_after)]
        {
            if time < TimeDelta::zero() {
                return Err(ServiceError::NegativeDuration { field, seconds: time.num_seconds() });
            }
            if time > TimeDelta::days(30) {
                return Err(ValidationError::new(field, "must be at most 30 days", time).into());
            }
        }
        (self.offer_lasts, self.call_again_after) = (offer_lasts, again_after);
        Ok(self)
    }

    /// Adds the rules of a zone that reminders may be stated in. Those of UTC and of the business hours are known, and
    /// with the feature `chrono-tz` those of every zone of the IANA database.
    #[must_use]
    pub fn knowing(mut self, zone: impl ZoneRules + 'static) -> Self {
        self.zones.push(Arc::new(zone));
        self
    }

    fn zone_names(&self) -> impl Iterator<Item = &str> {
        self.zones.iter().map(ZoneRules::name)
    }

    /// Who is told what nobody else is named for.
    pub const fn team(&self) -> Tag {
        self.team
    }

    /// When the company works.
    pub const fn calendar(&self) -> Option<&BusinessCalendar> {
        self.calendar.as_ref()
    }

    /// The service level of a name, or the first one; `None` where there is none at all.
    ///
    /// # Errors
    /// [`ServiceError::UnknownLevel`] when there is none of that name.
    pub fn level(&self, name: Option<Tag>) -> Result<Option<&SlaPolicy>, ServiceError> {
        let Some(level) = name else { return Ok(self.levels.first()) };
        let found = self.levels.iter().find(|other| other.name() == level);
        found.map(Some).ok_or(ServiceError::UnknownLevel { level })
    }

    /// When cases are handed to somebody else.
    pub const fn escalations(&self) -> &EscalationRules {
        &self.escalations
    }

    /// How soon each step of a recovery has to follow the one before.
    pub const fn recovery(&self) -> Option<&RecoveryPolicy> {
        self.recovery.as_ref()
    }

    /// How long an offer to call back lasts.
    pub const fn offer_lasts(&self) -> TimeDelta {
        self.offer_lasts
    }

    /// How long after a call that reached nobody the next slot begins at the earliest.
    pub const fn call_again_after(&self) -> TimeDelta {
        self.call_again_after
    }

    /// The rules of a zone.
    ///
    /// # Errors
    /// [`ServiceError::UnknownZone`] when nobody knows it.
    pub fn zone(&self, name: &str) -> Result<Arc<dyn ZoneRules>, ServiceError> {
        let of_hours = self.calendar.as_ref().map(BusinessCalendar::zone);
        if let Some(zone) = self.zones.iter().chain(of_hours).find(|zone| zone.name() == name) {
            return Ok(Arc::clone(zone));
        }
        if name == ZoneRules::name(&Utc) {
            return Ok(Arc::new(Utc));
        }
        #[cfg(feature = "chrono-tz")]
        if let Ok(zone) = crate::zone::zone_named(name) {
            return Ok(Arc::new(zone));
        }
        Err(ServiceError::UnknownZone { name: name.chars().take(64).collect() })
    }

    /// How far before the opening of a case contacts for the same reason may count; `None` where none do.
    pub fn looks_back(&self) -> Option<TimeDelta> {
        let windows = self.escalations.rules().iter().filter_map(|rule| match rule.trigger {
            EscalationTrigger::RepeatContact { within_seconds, .. } => Some(within_seconds),
            _ => None,
        });
        windows.max().map(|seconds| TimeDelta::seconds(i64::from(seconds)))
    }
}
