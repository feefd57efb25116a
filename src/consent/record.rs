use super::{ConsentStatus, LegalBasis, Purpose};
use crate::customer::CustomerId;
use crate::interaction::Touchpoint;
use crate::key::identifier;
use crate::period;
use crate::pii::Pii;
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

identifier! {
    /// Identifies a consent record, and keeps it from being recorded twice.
    ConsentId
}

/// One thing a customer said, or that was done, about the use of their data. Records are appended, never changed:
/// taking consent back is another record, so the proof of both remains.
///
/// Source: fields after ISO/IEC TS 27560 and the Kantara consent receipt 1.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct ConsentRecord {
    fields: Fields,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "ConsentRecord")]
struct Fields {
    id: ConsentId,
    customer: CustomerId,
    purpose: Purpose,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    via: Option<Touchpoint>,
    status: ConsentStatus,
    basis: LegalBasis,
    at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notice: Option<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence: Option<Pii<String>>,
}

impl From<ConsentRecord> for Fields {
    fn from(record: ConsentRecord) -> Self {
        record.fields
    }
}

impl TryFrom<Fields> for ConsentRecord {
    type Error = ValidationError;

    fn try_from(mut fields: Fields) -> Result<Self, ValidationError> {
        fields.at = period::instant("consent.at", fields.at)?;
        let expires = fields.expires.take();
        if fields.evidence.as_ref().is_some_and(|evidence| evidence.expose().chars().count() > 2000) {
            return Err(ValidationError::withheld("consent.evidence", "must be at most 2000 characters"));
        }
        let record = Self { fields };
        expires.map_or(Ok(record.clone()), |expires| record.expiring(expires))
    }
}

impl ConsentRecord {
    /// What a customer said about a purpose, on the legal basis of consent.
    ///
    /// # Errors
    /// [`ValidationError`] when the instant lies outside the years 1 to 9999.
    pub fn new(
        id: ConsentId,
        customer: CustomerId,
        purpose: Purpose,
        status: ConsentStatus,
        at: DateTime<Utc>,
    ) -> Result<Self, ValidationError> {
        Self::try_from(Fields {
            id,
            customer,
            purpose,
            via: None,
            status,
            basis: LegalBasis::Consent,
            at,
            expires: None,
            notice: None,
            method: None,
            evidence: None,
        })
    }

    /// Limits the record to one touch point (for example e-mail only).
    #[must_use]
    pub fn via(mut self, touchpoint: Touchpoint) -> Self {
        self.fields.via = Some(touchpoint);
        self
    }

    /// Sets another legal basis.
    #[must_use]
    pub fn on_basis(mut self, basis: LegalBasis) -> Self {
        self.fields.basis = basis;
        self
    }

    /// Sets when it stops being valid.
    ///
    /// # Errors
    /// [`ValidationError`] when that is not after the record's instant, or outside the years 1 to 9999.
    pub fn expiring(mut self, expires: DateTime<Utc>) -> Result<Self, ValidationError> {
        let expires = period::instant("consent.expires", expires)?;
        if expires <= self.fields.at {
            return Err(ValidationError::new("consent.expires", "must be after the record", expires));
        }
        self.fields.expires = Some(expires);
        Ok(self)
    }

    /// Names the version of the notice shown and how the answer was given.
    #[must_use]
    pub fn proven_by(mut self, notice: Tag, method: Tag) -> Self {
        (self.fields.notice, self.fields.method) = (Some(notice), Some(method));
        self
    }

    /// Keeps a proof: a form, a message, a transcript; at most 2000 characters.
    ///
    /// # Errors
    /// [`ValidationError`], without the value.
    pub fn with_evidence(mut self, evidence: String) -> Result<Self, ValidationError> {
        self.fields.evidence = Some(Pii::new(evidence));
        Self::try_from(self.fields)
    }

    /// The identity of the record.
    pub const fn id(&self) -> ConsentId {
        self.fields.id
    }

    /// Whose data it is about.
    pub const fn customer(&self) -> CustomerId {
        self.fields.customer
    }

    /// What the data is used for.
    pub const fn purpose(&self) -> Purpose {
        self.fields.purpose
    }

    /// The only touch point it covers; `None` covers all.
    pub const fn touchpoint(&self) -> Option<Touchpoint> {
        self.fields.via
    }

    /// What was said or done.
    pub const fn status(&self) -> ConsentStatus {
        self.fields.status
    }

    /// The legal basis.
    pub const fn basis(&self) -> LegalBasis {
        self.fields.basis
    }

    /// When.
    pub const fn at(&self) -> DateTime<Utc> {
        self.fields.at
    }

    /// When it stops being valid.
    pub const fn expires(&self) -> Option<DateTime<Utc>> {
        self.fields.expires
    }

    /// The version of the notice shown.
    pub const fn notice(&self) -> Option<Tag> {
        self.fields.notice
    }

    /// How the answer was given.
    pub const fn method(&self) -> Option<Tag> {
        self.fields.method
    }

    /// The proof.
    pub const fn evidence(&self) -> Option<&Pii<String>> {
        self.fields.evidence.as_ref()
    }
}

/// Whether data may be used, and on what that rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ConsentDecision {
    /// Whether the use is allowed.
    pub allowed: bool,
    /// What decided.
    pub by: DecidedBy,
    /// Until when the decision holds, as far as the records tell; a new record may change it earlier.
    pub until: Option<DateTime<Utc>>,
}

/// What a consent decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DecidedBy {
    /// The newest record that says yes or no.
    Record(ConsentId),
    /// No record says yes or no: then it is not allowed.
    Default,
}

/// How strongly a status speaks when two records are of the same instant: the stricter wins.
const fn strictness(status: ConsentStatus) -> u8 {
    match status {
        ConsentStatus::Withdrawn => 6,
        ConsentStatus::Revoked => 5,
        ConsentStatus::Invalidated => 4,
        ConsentStatus::Refused => 3,
        ConsentStatus::Expired => 2,
        ConsentStatus::Given | ConsentStatus::RenewedGiven => 1,
        ConsentStatus::Requested | ConsentStatus::RequestDeferred | ConsentStatus::Unknown => 0,
    }
}

/// Decides whether one customer's data may be used for a purpose at an instant.
///
/// Of the records at or before the instant that are about the purpose and cover the touch point, the newest that says
/// yes or no decides; of equally new ones the stricter (withdrawn, revoked, invalidated, refused, expired, given).
/// Open requests decide nothing. A given consent that has expired is none. Without a deciding record the answer is no.
///
/// The order of the records, and records twice, never matter: two sets of records are merged by joining them, and a
/// withdrawn consent cannot come back.
///
/// # Arguments
/// `records`: those of one customer. `via`: the touch point to be used; `None` asks for a use without one, which only
/// records that cover all touch points can allow.
///
/// # Cost
/// O(records).
///
/// # Example
/// ```
/// use patronage::consent::{ConsentId, ConsentRecord, ConsentStatus, Purpose, decide};
/// use patronage::customer::CustomerId;
///
/// let customer = CustomerId::derive(&["c"]);
/// let said = |id, status, at: &str| {
///     ConsentRecord::new(ConsentId::derive(&[id]), customer, Purpose::DirectMarketing, status, at.parse()?)
///         .map_err(Box::<dyn std::error::Error>::from)
/// };
/// let records = [
///     said("1", ConsentStatus::Given, "2026-01-01T00:00:00Z")?,
///     said("2", ConsentStatus::Withdrawn, "2026-02-01T00:00:00Z")?,
/// ];
/// let at = |at: &str| at.parse().map(|at| decide(&records, Purpose::DirectMarketing, None, at).allowed);
/// assert!(at("2026-01-15T00:00:00Z")?);
/// assert!(!at("2026-02-15T00:00:00Z")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decide(
    records: &[ConsentRecord],
    purpose: Purpose,
    via: Option<Touchpoint>,
    at: DateTime<Utc>,
) -> ConsentDecision {
    let speaks = |record: &&ConsentRecord| {
        record.purpose() == purpose
            && strictness(record.status()) > 0
            && record.touchpoint().is_none_or(|covered| via == Some(covered))
    };
    let deciding = records
        .iter()
        .filter(speaks)
        .filter(|record| record.at() <= at)
        .max_by_key(|record| (record.at(), strictness(record.status()), record.expires(), record.id()));
    let Some(record) = deciding else {
        return ConsentDecision { allowed: false, by: DecidedBy::Default, until: None };
    };
    let given = strictness(record.status()) == 1;
    let in_time = record.expires().is_none_or(|expires| at < expires);
    ConsentDecision {
        allowed: given && in_time,
        by: DecidedBy::Record(record.id()),
        until: record.expires().filter(|_| given && in_time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn record(id: u32, status: ConsentStatus, second: i64) -> ConsentRecord {
        let id = ConsentId::derive(&[&id.to_string()]);
        ConsentRecord::new(id, CustomerId::derive(&["c"]), Purpose::DirectMarketing, status, at(second))
            .unwrap()
    }

    fn records() -> impl Strategy<Value = Vec<ConsentRecord>> {
        let one = (0_u32..50, 0..ConsentStatus::ALL.len(), 0_i64..20, prop::option::of(1_i64..30)).prop_map(
            |(id, status, second, lasts)| {
                let record = record(id, ConsentStatus::ALL[status], second);
                match lasts {
                    Some(lasts) => record.expiring(at(second + lasts)).unwrap(),
                    None => record,
                }
            },
        );
        prop::collection::vec(one, 0..12)
    }

    proptest! {
        #[test]
        fn order_and_repetition_never_matter(
            (known, mixed) in records().prop_flat_map(|r| {
                let doubled: Vec<_> = r.iter().chain(&r).cloned().collect();
                (Just(r), Just(doubled).prop_shuffle())
            }),
            second in 0_i64..30,
        ) {
            let decision = |records: &[ConsentRecord]| decide(records, Purpose::DirectMarketing, None, at(second)).allowed;
            prop_assert_eq!(decision(&known), decision(&mixed));
        }

        #[test]
        fn a_withdrawn_consent_cannot_come_back(known in records(), second in 20_i64..40) {
            let mut all = known;
            all.push(record(99, ConsentStatus::Withdrawn, 20));
            prop_assert!(!decide(&all, Purpose::DirectMarketing, None, at(second)).allowed);
        }
    }

    #[test]
    fn of_one_instant_the_stricter_decides() {
        let both = [record(1, ConsentStatus::Given, 5), record(2, ConsentStatus::Withdrawn, 5)];
        assert!(!decide(&both, Purpose::DirectMarketing, None, at(5)).allowed);
    }

    #[test]
    fn an_open_request_takes_nothing_away() {
        let both = [record(1, ConsentStatus::Given, 5), record(2, ConsentStatus::Requested, 6)];
        assert!(decide(&both, Purpose::DirectMarketing, None, at(7)).allowed);
    }

    #[test]
    fn expiry_is_the_first_instant_that_is_not_covered() {
        let given = [record(1, ConsentStatus::Given, 5).expiring(at(9)).unwrap()];
        assert!(decide(&given, Purpose::DirectMarketing, None, at(8)).allowed);
        assert!(!decide(&given, Purpose::DirectMarketing, None, at(9)).allowed);
        assert!(record(1, ConsentStatus::Given, 5).expiring(at(5)).is_err());
    }

    #[test]
    fn a_record_for_e_mail_says_nothing_about_phone() {
        let email = [record(1, ConsentStatus::Given, 5).via(Touchpoint::Email)];
        assert!(decide(&email, Purpose::DirectMarketing, Some(Touchpoint::Email), at(6)).allowed);
        assert!(!decide(&email, Purpose::DirectMarketing, Some(Touchpoint::PhoneCallCentre), at(6)).allowed);
        assert!(!decide(&email, Purpose::DirectMarketing, None, at(6)).allowed);
    }
}
