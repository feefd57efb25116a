use super::ServiceError;
use super::calendar::whole_microseconds;
use crate::case::CaseStatus;
use crate::measure::Share;
use crate::tag::Tag;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What a service level promises.
    "sla.metric" SlaMetric {
        /// From the opening of a case to the first answer.
        FirstResponse = "first_response",
        /// From a later question of the customer to its answer. Questions asked meanwhile are answered with it.
        NextResponse = "next_response",
        /// From one word of the company to the next, while the case is not solved.
        Update = "update",
        /// From the opening of a case to its solution.
        Resolution = "resolution",
    }
}

vocabulary! {
    /// Which time counts.
    "sla.clock" SlaClock {
        /// Business time, by the calendar.
        Business = "business",
        /// All time.
        Elapsed = "elapsed",
    }
}

vocabulary! {
    /// What becomes of the resolution clock when a solved case is reopened.
    "sla.reopen" SlaReopen {
        /// It goes on from where it stood; the time as solved does not count.
        Continue = "continue",
        /// A new one begins.
        Restart = "restart",
    }
}

/// One promise of a service level: how soon, by which clock, and in which statuses the clock stands still.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TargetFields", into = "TargetFields")]
pub struct SlaTarget {
    metric: SlaMetric,
    within: i64,
    clock: SlaClock,
    /// One bit for each status.
    pauses: u16,
    warn_at: Share,
}

#[derive(Serialize, Deserialize)]
struct TargetFields {
    metric: SlaMetric,
    within_seconds: i64,
    clock: SlaClock,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pauses: Vec<CaseStatus>,
    warn_at: Share,
}

impl From<SlaTarget> for TargetFields {
    fn from(target: SlaTarget) -> Self {
        Self {
            metric: target.metric,
            within_seconds: target.within().num_seconds(),
            clock: target.clock,
            pauses: CaseStatus::ALL.iter().copied().filter(|&status| target.is_paused_in(status)).collect(),
            warn_at: target.warn_at,
        }
    }
}

impl TryFrom<TargetFields> for SlaTarget {
    type Error = ServiceError;

    fn try_from(fields: TargetFields) -> Result<Self, ServiceError> {
        let within = TimeDelta::try_seconds(fields.within_seconds).unwrap_or(TimeDelta::MAX);
        let target = Self::new(fields.metric, within)?.by(fields.clock).warning_at(fields.warn_at)?;
        fields
            .pauses
            .into_iter()
            .try_fold(target, |target, status| target.paused_in(status).map_err(Into::into))
    }
}

impl SlaTarget {
    /// A promise in business time that never stands still and warns when four fifths of the time are used up.
    ///
    /// # Errors
    /// [`ServiceError::NegativeDuration`]; [`ServiceError::Invalid`] when the time is not whole seconds from 1 second to
    /// 3,660 days.
    pub fn new(metric: SlaMetric, within: TimeDelta) -> Result<Self, ServiceError> {
        let rule = "must be whole seconds, from 1 second to 3,660 days";
        let refuse = || ValidationError::new("sla_target.within", rule, within);
        let within = whole_microseconds("sla_target.within", within)?.ok_or_else(refuse)?;
        let (second, day) = (1_000_000, 86_400_000_000);
        if within % second != 0 || !(second..=3660 * day).contains(&within) {
            return Err(refuse().into());
        }
        let warn_at = Share::new(0.8)?;
        Ok(Self { metric, within, clock: SlaClock::Business, pauses: 0, warn_at })
    }

    /// Sets which time counts.
    #[must_use]
    pub const fn by(self, clock: SlaClock) -> Self {
        Self { clock, ..self }
    }

    /// Lets the clock stand still in a status.
    ///
    /// # Errors
    /// [`ValidationError`] when the status ends a clock anyway: solved, closed, rejected, duplicate.
    pub fn paused_in(self, status: CaseStatus) -> Result<Self, ValidationError> {
        if status == CaseStatus::Solved || status.is_final() {
            let rule = "must be a status in which somebody has something to do";
            return Err(ValidationError::new("sla_target.pauses", rule, status));
        }
        Ok(Self { pauses: self.pauses | bit(status), ..self })
    }

    /// Sets which share of the time has to be used up for a warning.
    ///
    /// # Errors
    /// [`ValidationError`] when it is 0.
    pub fn warning_at(self, warn_at: Share) -> Result<Self, ValidationError> {
        if warn_at == Share::ZERO {
            return Err(ValidationError::new("sla_target.warn_at", "must be above 0", warn_at));
        }
        Ok(Self { warn_at, ..self })
    }

    /// What is promised.
    pub const fn metric(&self) -> SlaMetric {
        self.metric
    }

    /// How soon.
    pub const fn within(&self) -> TimeDelta {
        TimeDelta::microseconds(self.within)
    }

    /// Which time counts.
    pub const fn clock(&self) -> SlaClock {
        self.clock
    }

    /// Whether the clock stands still in a status.
    pub const fn is_paused_in(&self, status: CaseStatus) -> bool {
        self.pauses & bit(status) != 0
    }

    /// Which share of the time has to be used up for a warning.
    pub const fn warn_at(&self) -> Share {
        self.warn_at
    }

    /// How soon, in microseconds.
    pub(super) const fn within_microseconds(&self) -> i64 {
        self.within
    }

    /// How much time has to be used up for a warning, in microseconds.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "at most 3.2e14, exact in f64"
    )]
    pub(super) fn warn_after(&self) -> i64 {
        ((self.within as f64) * self.warn_at.get()).ceil() as i64
    }
}

const fn bit(status: CaseStatus) -> u16 {
    1 << status as u16
}

/// A service level: what a company promises about every case it applies to.
///
/// # Example
/// ```
/// use chrono::TimeDelta;
/// use patronage::Tag;
/// use patronage::case::CaseStatus;
/// use patronage::service::{SlaMetric, SlaPolicy, SlaTarget};
///
/// let gold = SlaPolicy::new(Tag::literal("gold"))
///     .promise(SlaTarget::new(SlaMetric::FirstResponse, TimeDelta::hours(1))?)?
///     .promise(
///         SlaTarget::new(SlaMetric::Resolution, TimeDelta::hours(16))?
///             .paused_in(CaseStatus::PendingCustomer)?,
///     )?;
/// assert_eq!(gold.targets().len(), 2);
/// # Ok::<(), patronage::service::ServiceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PolicyFields", into = "PolicyFields")]
pub struct SlaPolicy {
    name: Tag,
    targets: Vec<SlaTarget>,
    reopen: SlaReopen,
}

#[derive(Serialize, Deserialize)]
struct PolicyFields {
    name: Tag,
    targets: Vec<SlaTarget>,
    reopen: SlaReopen,
}

impl From<SlaPolicy> for PolicyFields {
    fn from(policy: SlaPolicy) -> Self {
        Self { name: policy.name, targets: policy.targets, reopen: policy.reopen }
    }
}

impl TryFrom<PolicyFields> for SlaPolicy {
    type Error = ValidationError;

    fn try_from(fields: PolicyFields) -> Result<Self, ValidationError> {
        let policy = Self::new(fields.name).reopening(fields.reopen);
        fields.targets.into_iter().try_fold(policy, Self::promise)
    }
}

impl SlaPolicy {
    /// A service level that promises nothing yet.
    pub const fn new(name: Tag) -> Self {
        Self { name, targets: Vec::new(), reopen: SlaReopen::Continue }
    }

    /// Adds a promise.
    ///
    /// # Errors
    /// [`ValidationError`] when there is one about the same metric.
    pub fn promise(mut self, target: SlaTarget) -> Result<Self, ValidationError> {
        if self.targets.iter().any(|other| other.metric == target.metric) {
            return Err(ValidationError::new(
                "sla_policy.targets",
                "must promise a metric once",
                target.metric,
            ));
        }
        self.targets.push(target);
        Ok(self)
    }

    /// Sets what becomes of the resolution clock when a solved case is reopened.
    #[must_use]
    pub fn reopening(self, reopen: SlaReopen) -> Self {
        Self { reopen, ..self }
    }

    /// The name of the service level.
    pub const fn name(&self) -> Tag {
        self.name
    }

    /// What it promises.
    pub fn targets(&self) -> &[SlaTarget] {
        &self.targets
    }

    /// What becomes of the resolution clock when a solved case is reopened.
    pub const fn reopen(&self) -> SlaReopen {
        self.reopen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_promises_without_sense() {
        let target = |within| SlaTarget::new(SlaMetric::Resolution, within);
        assert!(matches!(
            target(TimeDelta::seconds(-1)),
            Err(ServiceError::NegativeDuration { field: "sla_target.within", seconds: -1 })
        ));
        for wrong in [TimeDelta::zero(), TimeDelta::milliseconds(1500), TimeDelta::days(3661), TimeDelta::MAX]
        {
            assert!(matches!(target(wrong), Err(ServiceError::Invalid(_))), "{wrong}");
        }
        let hour = target(TimeDelta::hours(1)).unwrap();
        assert!(hour.paused_in(CaseStatus::Solved).is_err());
        assert!(hour.warning_at(Share::ZERO).is_err());
        let twice = SlaPolicy::new(Tag::literal("p")).promise(hour).and_then(|policy| policy.promise(hour));
        assert_eq!(twice.unwrap_err().field(), "sla_policy.targets");
    }

    #[test]
    fn json_is_checked_and_round_trips() {
        let target = SlaTarget::new(SlaMetric::Update, TimeDelta::hours(4))
            .and_then(|target| Ok(target.paused_in(CaseStatus::OnHold)?.by(SlaClock::Elapsed)))
            .unwrap();
        let policy =
            SlaPolicy::new(Tag::literal("gold")).reopening(SlaReopen::Restart).promise(target).unwrap();
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<SlaPolicy>(&json).unwrap(), policy);
        for (from, to) in [("14400", "-1"), ("on_hold", "closed"), ("0.8", "0.0")] {
            assert!(serde_json::from_str::<SlaPolicy>(&json.replace(from, to)).is_err(), "{from} -> {to}");
        }
    }
}
