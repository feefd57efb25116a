use super::frequency_cap::counted;
use super::wall_clock::{next_look, next_midnight, wall};
use super::{
    ContactCategory, ContactCheck, ContactDecision, ContactFacts, FailedCheck, FrequencyCap, OPEN_COMPLAINT,
    OutreachError, PlannedContact, QuietHours,
};
use crate::because::Because;
use crate::consent::{self, ConsentDecision, ConsentStatus, DecidedBy, LegalBasis, Purpose};
use crate::interaction::Touchpoint;
use crate::tag::Tag;
use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How far ahead an allowed instant is looked for.
const HORIZON: TimeDelta = TimeDelta::days(366);

/// When and how often customers may be contacted, and on which legal basis. Data, so that services keep it as JSON.
///
/// Service contacts are exempt from caps, quiet hours, holidays and the preferred channel unless
/// [`holding_back`](Self::holding_back) says otherwise; nothing is exempt from suppression, legal basis and exclusions. An
/// open complaint holds back what sells.
///
/// # Example
/// ```
/// use chrono::FixedOffset;
/// use patronage::consent::{ConsentId, ConsentRecord, ConsentStatus, Purpose};
/// use patronage::customer::CustomerId;
/// use patronage::interaction::Touchpoint;
/// use patronage::outreach::{ContactCategory, ContactCheck, ContactFacts, ContactPolicy, PlannedContact};
///
/// let policy = ContactPolicy::default().quiet("22:00-08:00".parse()?);
/// let newsletter = PlannedContact::new(
///     ContactCategory::Marketing, Purpose::DirectMarketing, Touchpoint::Email,
/// );
/// let berlin_in_winter = FixedOffset::east_opt(3600).ok_or("no such offset")?;
/// let now = "2026-01-10T21:30:00Z".parse()?;
///
/// // Nothing is known of the customer, and it is half past ten in the evening there.
/// let refused = policy.decide(&newsletter, &ContactFacts::new(), &berlin_in_winter, now);
/// let failed: Vec<_> = refused.failed().iter().map(|failed| failed.check).collect();
/// assert_eq!(failed, [ContactCheck::LegalBasis, ContactCheck::QuietHours]);
/// assert_eq!(refused.earliest(), None);
///
/// let consent = [ConsentRecord::new(
///     ConsentId::derive(&["1"]), CustomerId::derive(&["ada"]), Purpose::DirectMarketing,
///     ConsentStatus::Given, "2026-01-01T00:00:00Z".parse()?,
/// )?];
/// let later = policy.decide(&newsletter, &ContactFacts::new().consents(&consent), &berlin_in_winter, now);
/// assert_eq!(later.earliest(), Some("2026-01-11T07:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct ContactPolicy {
    bases: BTreeMap<Purpose, LegalBasis>,
    exclusions: BTreeMap<Tag, BTreeSet<ContactCategory>>,
    caps: Vec<FrequencyCap>,
    quiet: Vec<QuietHours>,
    holidays: BTreeSet<NaiveDate>,
    exempt: BTreeSet<ContactCategory>,
    any_channel: bool,
}

#[derive(Deserialize)]
#[serde(default)]
struct Fields {
    bases: BTreeMap<Purpose, LegalBasis>,
    exclusions: BTreeMap<Tag, BTreeSet<ContactCategory>>,
    caps: Vec<FrequencyCap>,
    quiet: Vec<QuietHours>,
    holidays: BTreeSet<NaiveDate>,
    exempt: BTreeSet<ContactCategory>,
    any_channel: bool,
}

impl Default for Fields {
    fn default() -> Self {
        let ContactPolicy { bases, exclusions, caps, quiet, holidays, exempt, any_channel } =
            ContactPolicy::default();
        Self { bases, exclusions, caps, quiet, holidays, exempt, any_channel }
    }
}

impl TryFrom<Fields> for ContactPolicy {
    type Error = OutreachError;

    fn try_from(fields: Fields) -> Result<Self, OutreachError> {
        let Fields { bases, exclusions, caps, quiet, holidays, exempt, any_channel } = fields;
        let policy = Self { bases, exclusions, caps, quiet, holidays, exempt, any_channel };
        policy.check()?;
        Ok(policy)
    }
}

impl Default for ContactPolicy {
    fn default() -> Self {
        let selling = BTreeSet::from([ContactCategory::Marketing, ContactCategory::Offer]);
        Self {
            bases: BTreeMap::new(),
            exclusions: BTreeMap::from([(OPEN_COMPLAINT, selling)]),
            caps: Vec::new(),
            quiet: Vec::new(),
            holidays: BTreeSet::new(),
            exempt: BTreeSet::from([ContactCategory::Service]),
            any_channel: false,
        }
    }
}

impl ContactPolicy {
    /// Rests a purpose on a legal basis other than consent. Where that is legitimate or public interest, a customer who
    /// refused or took back consent has objected, and is not contacted.
    ///
    /// Source: Regulation (EU) 2016/679 (GDPR), Articles 6(1) and 21.
    #[must_use]
    pub fn resting_on(mut self, purpose: Purpose, basis: LegalBasis) -> Self {
        self.bases.insert(purpose, basis);
        self
    }

    /// Lets an exclusion hold back a category (and others that are named). An exclusion that no category is named for
    /// holds back everything.
    #[must_use]
    pub fn excluding(mut self, exclusion: Tag, category: ContactCategory) -> Self {
        self.exclusions.entry(exclusion).or_default().insert(category);
        self
    }

    /// Adds a frequency cap.
    #[must_use]
    pub fn cap(mut self, cap: FrequencyCap) -> Self {
        self.caps.push(cap);
        self
    }

    /// Adds quiet hours.
    #[must_use]
    pub fn quiet(mut self, hours: QuietHours) -> Self {
        self.quiet.push(hours);
        self
    }

    /// Adds a day on the customer's calendar on which nobody is contacted.
    #[must_use]
    pub fn holiday(mut self, date: NaiveDate) -> Self {
        self.holidays.insert(date);
        self
    }

    /// Exempts a category from caps, quiet hours, holidays and the preferred channel. Exempt contacts count only towards
    /// caps of their own category.
    #[must_use]
    pub fn exempting(mut self, category: ContactCategory) -> Self {
        self.exempt.insert(category);
        self
    }

    /// Takes the exemption of a category away.
    #[must_use]
    pub fn holding_back(mut self, category: ContactCategory) -> Self {
        self.exempt.remove(&category);
        self
    }

    /// Lets contacts be made by other touch points than the one the customer prefers.
    #[must_use]
    pub const fn by_any_channel(mut self) -> Self {
        self.any_channel = true;
        self
    }

    /// Checks that the quiet hours do not contradict each other, such as `22:00-10:00` and `10:00-22:00`: taken together
    /// they must leave time for every touch point. A policy that is read from JSON is checked so.
    ///
    /// # Errors
    /// [`OutreachError::AlwaysQuiet`], which names the touch point.
    ///
    /// # Example
    /// ```
    /// use patronage::outreach::ContactPolicy;
    ///
    /// let nights = ContactPolicy::default().quiet("22:00-10:00".parse()?);
    /// assert_eq!(nights.check(), Ok(()));
    /// let never = nights.quiet("10:00-22:00 email".parse()?).check().unwrap_err();
    /// assert_eq!(never.to_string(), "the quiet hours leave no minute of the week for `email`");
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    pub fn check(&self) -> Result<(), OutreachError> {
        let named: BTreeSet<Touchpoint> = self.quiet.iter().flat_map(QuietHours::touchpoints).collect();
        for via in std::iter::once(None).chain(named.into_iter().map(Some)) {
            let concerned: Vec<&QuietHours> =
                self.quiet.iter().filter(|hours| hours.concerns_all_of(via)).collect();
            if QuietHours::fill_the_week(&concerned) {
                return Err(OutreachError::AlwaysQuiet { via });
            }
        }
        Ok(())
    }

    /// Decides whether a contact may be made at an instant, names every check it does not pass, and finds the first
    /// instant at which it passes all.
    ///
    /// # Arguments
    /// `zone`: the customer's; a fixed offset, or with the feature `chrono-tz` one by name (`customer_zone`). Its clock is
    /// asked at instants only, so hours that a change of the clock leaves out or repeats are right by construction.
    ///
    /// # Cost
    /// O(checks × past contacts) for a contact that is allowed; each day until the earliest instant costs the same again.
    pub fn decide(
        &self,
        planned: &PlannedContact,
        facts: &ContactFacts<'_>,
        zone: &impl TimeZone,
        at: DateTime<Utc>,
    ) -> ContactDecision {
        let end = at.checked_add_signed(HORIZON).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let question = Question { policy: self, planned, facts, zone, end };
        let failed = question.failed(at);
        // Each check names the first instant at which it alone is passed. None can be allowed before the latest of them;
        // from there the question is asked again, until nothing fails.
        let mut earliest = question.clears(&failed, at);
        while let Some(instant) = earliest {
            let still = question.failed(instant);
            if still.is_empty() {
                break;
            }
            earliest = question.clears(&still, instant);
        }
        let consent = consent::decide(facts.consents, planned.purpose(), Some(planned.touchpoint()), at);
        ContactDecision { via: planned.touchpoint(), failed, consent, earliest }
    }

    /// Finds the touch point by which the contact is allowed first: of equally early ones the one the customer prefers,
    /// then the one that was named first. `None` only where no touch point is named.
    pub fn choose(
        &self,
        planned: &PlannedContact,
        touchpoints: &[Touchpoint],
        facts: &ContactFacts<'_>,
        zone: &impl TimeZone,
        at: DateTime<Utc>,
    ) -> Option<ContactDecision> {
        let decisions = touchpoints.iter().map(|&via| self.decide(&planned.by(via), facts, zone, at));
        decisions.min_by_key(|decision| {
            let other = facts.preferred.is_some_and(|preferred| preferred != decision.touchpoint());
            (decision.earliest().is_none(), decision.earliest(), other)
        })
    }
}

/// One contact to be decided on.
struct Question<'q, Z> {
    policy: &'q ContactPolicy,
    planned: &'q PlannedContact,
    facts: &'q ContactFacts<'q>,
    zone: &'q Z,
    end: DateTime<Utc>,
}

impl<Z: TimeZone> Question<'_, Z> {
    fn failed(&self, at: DateTime<Utc>) -> Vec<FailedCheck> {
        let mut failed = Vec::new();
        self.suppression(&mut failed);
        self.legal_basis(at, &mut failed);
        self.exclusions(at, &mut failed);
        if !self.planned.is_answer() {
            self.caps(at, &mut failed);
            if !self.is_exempt(self.planned.category()) {
                self.clock(at, &mut failed);
                self.channel(&mut failed);
            }
        }
        failed
    }

    /// The latest instant at which one of the failed checks is passed; `None` where one never is in time.
    fn clears(&self, failed: &[FailedCheck], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut latest = at;
        for check in failed {
            latest = latest.max(check.clears.filter(|&clears| clears <= self.end)?);
        }
        Some(latest)
    }

    fn is_exempt(&self, category: ContactCategory) -> bool {
        self.policy.exempt.contains(&category)
    }

    fn suppression(&self, failed: &mut Vec<FailedCheck>) {
        let concerned = self
            .facts
            .suppressed
            .iter()
            .filter(|(via, _)| via.is_none_or(|v| v == self.planned.touchpoint()));
        failed.extend(concerned.map(|&(_, why)| FailedCheck {
            check: ContactCheck::Suppression,
            because: Because::rule(why),
            clears: None,
        }));
    }

    fn legal_basis(&self, at: DateTime<Utc>, failed: &mut Vec<FailedCheck>) {
        let Some(why) = self.lacks_basis(at) else { return };
        let later = self.facts.consents.iter().map(consent::ConsentRecord::at).filter(|&then| then > at);
        let clears = later.filter(|&then| self.lacks_basis(then).is_none()).min();
        let clears = clears.filter(|&clears| clears <= self.end);
        failed.push(FailedCheck { check: ContactCheck::LegalBasis, because: Because::rule(why), clears });
    }

    /// Why there is no legal basis at an instant; `None` where there is one.
    fn lacks_basis(&self, at: DateTime<Utc>) -> Option<Tag> {
        let (purpose, via) = (self.planned.purpose(), self.planned.touchpoint());
        let decision: ConsentDecision = consent::decide(self.facts.consents, purpose, Some(via), at);
        if decision.allowed {
            return None;
        }
        let status = match decision.by {
            DecidedBy::Record(id) => self
                .facts
                .consents
                .iter()
                .find(|record| record.id() == id)
                .map(consent::ConsentRecord::status),
            DecidedBy::Default => None,
        };
        let why = match status {
            None => Tag::literal("consent_missing"),
            Some(ConsentStatus::Withdrawn) => Tag::literal("consent_withdrawn"),
            Some(ConsentStatus::Refused) => Tag::literal("consent_refused"),
            Some(ConsentStatus::Revoked) => Tag::literal("consent_revoked"),
            Some(ConsentStatus::Invalidated) => Tag::literal("consent_invalidated"),
            Some(_) => Tag::literal("consent_expired"),
        };
        let objected = matches!(status, Some(ConsentStatus::Withdrawn | ConsentStatus::Refused));
        match self.policy.bases.get(&purpose) {
            None | Some(LegalBasis::Consent) => Some(why),
            Some(LegalBasis::LegitimateInterest | LegalBasis::PublicInterest) => objected.then_some(why),
            Some(LegalBasis::Contract | LegalBasis::LegalObligation | LegalBasis::VitalInterest) => None,
        }
    }

    fn exclusions(&self, at: DateTime<Utc>, failed: &mut Vec<FailedCheck>) {
        for &(exclusion, until) in &self.facts.excluded {
            let holds = self.policy.exclusions.get(&exclusion);
            let concerned = holds.is_none_or(|categories| categories.contains(&self.planned.category()));
            if concerned && until.is_none_or(|until| at < until) {
                let because = Because::rule(exclusion);
                let clears = until.filter(|&until| until <= self.end);
                failed.push(FailedCheck { check: ContactCheck::Exclusion, because, clears });
            }
        }
    }

    fn caps(&self, at: DateTime<Utc>, failed: &mut Vec<FailedCheck>) {
        for cap in &self.policy.caps {
            let exempt = cap.category().is_none() && self.is_exempt(self.planned.category());
            if exempt || !cap.concerns(self.planned.category(), self.planned.touchpoint()) {
                continue;
            }
            let contacts = counted(cap, self.facts.contacts, |category| self.is_exempt(category));
            let seen = cap.count(&contacts, at, self.zone);
            if seen >= cap.at_most() {
                let rule = Because::rule(cap.name());
                let because = rule.figure(seen.into(), cap.at_most().into()).unwrap_or(rule);
                let clears = cap.free(&contacts, at, self.zone, self.end);
                failed.push(FailedCheck { check: ContactCheck::FrequencyCap, because, clears });
            }
        }
    }

    fn clock(&self, at: DateTime<Utc>, failed: &mut Vec<FailedCheck>) {
        let concerned = self.policy.quiet.iter().filter(|hours| hours.concerns(self.planned.touchpoint()));
        for hours in concerned.filter(|hours| hours.is_quiet(at, self.zone)) {
            let because = Because::rule(Tag::literal("quiet_hours"));
            let clears = hours.over(at, self.zone, self.end);
            failed.push(FailedCheck { check: ContactCheck::QuietHours, because, clears });
        }
        let is_holiday = |at| self.policy.holidays.contains(&wall(self.zone, at).date());
        if is_holiday(at) {
            let mut clears = Some(at);
            while let Some(instant) = clears.filter(|&instant| is_holiday(instant)) {
                let midnight = next_midnight(wall(self.zone, instant));
                clears = next_look(self.zone, instant, midnight).filter(|&next| next <= self.end);
            }
            let because = Because::rule(Tag::literal("holiday"));
            failed.push(FailedCheck { check: ContactCheck::Holiday, because, clears });
        }
    }

    fn channel(&self, failed: &mut Vec<FailedCheck>) {
        let preferred = self.facts.preferred.filter(|_| !self.policy.any_channel);
        if preferred.is_some_and(|preferred| preferred != self.planned.touchpoint()) {
            let because = Because::rule(Tag::literal("other_channel_preferred"));
            failed.push(FailedCheck { check: ContactCheck::PreferredChannel, because, clears: None });
        }
    }
}

#[cfg(test)]
mod tests;
