use super::contact::SECONDS_A_DAY;
use crate::interaction::{PainKind, Touchpoint};
use crate::measure::Share;
use crate::tag::Tag;
use crate::validation::ValidationError;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};
use std::time::Duration;

vocabulary! {
    /// The rule that found a symptom.
    ///
    /// # Example
    /// ```
    /// use patronage::interaction::PainKind;
    /// use patronage::pain::PainRule;
    ///
    /// assert_eq!(PainRule::RepeatContact.kind(), PainKind::Confused);
    /// assert_eq!("long_wait".parse(), Ok(PainRule::LongWait));
    /// ```
    #[non_exhaustive]
    "pain_rule" PainRule {
        /// The customer gave up.
        Abandoned = "abandoned",
        /// The question could not be answered and was not handed to anyone who can.
        Unanswered = "unanswered",
        /// The company owed the next step, and nothing followed.
        DeadEnd = "dead_end",
        /// The customer went round in circles within one visit.
        Loop = "loop",
        /// The customer had to come again for the same reason.
        RepeatContact = "repeat_contact",
        /// The customer was sent from one channel to another and back for the same reason.
        BackAndForth = "back_and_forth",
        /// The customer waited much longer than is expected of the touch point.
        LongWait = "long_wait",
        /// The customer was handed on again and again.
        ManyTransfers = "many_transfers",
        /// The customer said that it was hard.
        LowEase = "low_ease",
        /// The customer felt bad.
        LowSentiment = "low_sentiment",
        /// The customer complained.
        Complaint = "complaint",
        /// Nothing more was seen of the customer, for longer than their own rhythm explains.
        Silence = "silence",
    }
}

impl PainRule {
    /// What the rule is a symptom of.
    pub const fn kind(self) -> PainKind {
        match self {
            Self::Abandoned | Self::Unanswered | Self::DeadEnd | Self::Loop => PainKind::Lost,
            Self::RepeatContact | Self::BackAndForth => PainKind::Confused,
            Self::LongWait | Self::ManyTransfers | Self::LowEase | Self::LowSentiment | Self::Complaint => {
                PainKind::Frustrated
            }
            Self::Silence => PainKind::Defected,
        }
    }

    /// The rule as the tag that reasons carry.
    pub const fn tag(self) -> Tag {
        Tag::literal(self.as_str())
    }
}

/// What customers may expect of a touch point: how long they wait at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "ExpectedWaitFields", into = "ExpectedWaitFields")]
pub struct ExpectedWait {
    touchpoint: Touchpoint,
    wait_s: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "ExpectedWait")]
struct ExpectedWaitFields {
    touchpoint: Touchpoint,
    wait_s: u32,
}

impl From<ExpectedWait> for ExpectedWaitFields {
    fn from(expectation: ExpectedWait) -> Self {
        Self { touchpoint: expectation.touchpoint, wait_s: expectation.wait_s }
    }
}

impl TryFrom<ExpectedWaitFields> for ExpectedWait {
    type Error = ValidationError;

    fn try_from(fields: ExpectedWaitFields) -> Result<Self, ValidationError> {
        Self::new(fields.touchpoint, Duration::from_secs(fields.wait_s.into()))
    }
}

impl ExpectedWait {
    /// At this touch point customers wait `wait` at most, in whole seconds.
    ///
    /// # Errors
    /// [`ValidationError`] when the wait is not whole seconds, or not from 1 second to 366 days.
    pub fn new(touchpoint: Touchpoint, wait: Duration) -> Result<Self, ValidationError> {
        let wait_s = seconds("expectation.wait", wait)?;
        Ok(Self { touchpoint, wait_s })
    }

    /// The touch point.
    pub const fn touchpoint(&self) -> Touchpoint {
        self.touchpoint
    }

    /// How long customers wait there at most.
    pub const fn wait(&self) -> Duration {
        Duration::from_secs(self.wait_s as u64)
    }
}

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// The waits that the default rules expect; touch points that are not listed have no expectation.
const USUAL_WAITS: [(Touchpoint, u32); 8] = [
    (Touchpoint::PhoneCallCentre, 2 * MINUTE),
    (Touchpoint::PhoneIvr, 2 * MINUTE),
    (Touchpoint::PhoneInHouse, 2 * MINUTE),
    (Touchpoint::Chat, 2 * MINUTE),
    (Touchpoint::InPerson, 5 * MINUTE),
    (Touchpoint::Social, 4 * HOUR),
    (Touchpoint::Email, DAY),
    (Touchpoint::Mail, 7 * DAY),
];

/// By which rules symptoms are found, and what counts as coming back.
///
/// | field | default | meaning |
/// |---|---|---|
/// | `window` | 7 days | contacts for one reason belong together within it, both ends included |
/// | `same_contact` | 30 minutes | a contact for the same reason sooner than this continues the one before it |
/// | `expected_waits` | 2 min phone and chat, 5 min in person, 4 h social, 1 day e-mail, 7 days mail | what customers may expect |
/// | `wait_multiple` | 3 | a wait is long when above so many times the expected one |
/// | `loop_returns` | 2 | coming back to a touch point so often within one visit, from elsewhere, is a loop; a visit goes on while contacts follow within `same_contact` |
/// | `transfers` | 2 | being handed on so often is a symptom |
/// | `low_ease` | 0.25 | ease at or below, from 0 (hardest) to 1 |
/// | `low_sentiment` | -0.5 | sentiment at or below, from -1 to 1 |
/// | `silence_chance` | 0.05 | a silence counts when their own rhythm would bring so long a one at most this often |
/// | `silence_floor_days` | 90 | no shorter silence counts, whatever the rhythm |
/// | `silence_without_rhythm_days` | 365 | the silence that counts for those who bought on fewer than two days |
/// | `back_within_days` | 90 | who buys on a later day within so many days of a contact came back |
///
/// # Formula
/// The silence of a customer whose `k` gaps between purchase days have the mean `m`, under an exponential law with
/// unknown rate, is longer than `c m` with probability `(1 + c / k)^-k`. With `q = silence_chance` it counts above
/// ```text
/// max(silence_floor_days, m k (q^(-1/k) - 1))
/// ```
///
/// # Example
/// ```
/// use patronage::pain::Rules;
/// use std::time::Duration;
///
/// let rules = Rules::default().with_window(Duration::from_secs(14 * 86_400))?.with_back_within_days(60)?;
/// assert_eq!(rules.back_within_days(), 60);
/// let text = serde_json::to_string(&rules)?;
/// assert_eq!(serde_json::from_str::<Rules>(&text)?, rules);
/// assert!(rules.with_transfers(0).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Rules {
    fields: Fields,
    /// In milliseconds: above it a wait at the touch point is long.
    long_waits: Vec<(Touchpoint, u64)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Rules", default, deny_unknown_fields)]
struct Fields {
    window_s: u32,
    same_contact_s: u32,
    expected_waits: Vec<ExpectedWait>,
    wait_multiple: u32,
    loop_returns: u16,
    transfers: u16,
    low_ease: Share,
    low_sentiment: f64,
    silence_chance: Share,
    silence_floor_days: u32,
    silence_without_rhythm_days: u32,
    back_within_days: u32,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            window_s: 7 * DAY,
            same_contact_s: 30 * MINUTE,
            expected_waits: USUAL_WAITS
                .map(|(touchpoint, wait_s)| ExpectedWait { touchpoint, wait_s })
                .to_vec(),
            wait_multiple: 3,
            loop_returns: 2,
            transfers: 2,
            low_ease: Share::new(0.25).unwrap_or_default(),
            low_sentiment: -0.5,
            silence_chance: Share::new(0.05).unwrap_or_default(),
            silence_floor_days: 90,
            silence_without_rhythm_days: 365,
            back_within_days: 90,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(Fields::default())
    }
}

impl From<Rules> for Fields {
    fn from(rules: Rules) -> Self {
        rules.fields
    }
}

impl TryFrom<Fields> for Rules {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        for (field, days) in [
            ("rules.silence_floor_days", fields.silence_floor_days),
            ("rules.silence_without_rhythm_days", fields.silence_without_rhythm_days),
            ("rules.back_within_days", fields.back_within_days),
        ] {
            if !(1..=MOST_DAYS).contains(&days) {
                return Err(ValidationError::new(field, "must be 1 to 3660 days", days));
            }
        }
        if !(1..=MOST_DAYS * DAY / 10).contains(&fields.window_s) {
            let rule = "must be from 1 second to 366 days";
            return Err(ValidationError::new("rules.window", rule, fields.window_s));
        }
        let twice = fields.expected_waits.iter().enumerate().find(|(place, expectation)| {
            let before = fields.expected_waits.iter().take(*place);
            before.into_iter().any(|other| other.touchpoint == expectation.touchpoint)
        });
        if let Some((_, expectation)) = twice {
            let rule = "must name each touch point once";
            return Err(ValidationError::new("rules.expected_waits", rule, expectation.touchpoint));
        }
        if fields.same_contact_s >= fields.window_s {
            let rule = "must be shorter than the window";
            return Err(ValidationError::new("rules.same_contact", rule, fields.same_contact_s));
        }
        if !(1..=1000).contains(&fields.wait_multiple) {
            return Err(ValidationError::new(
                "rules.wait_multiple",
                "must be 1 to 1000",
                fields.wait_multiple,
            ));
        }
        if fields.loop_returns == 0 {
            let rule = "must be at least 1";
            return Err(ValidationError::new("rules.loop_returns", rule, fields.loop_returns));
        }
        if fields.transfers == 0 {
            return Err(ValidationError::new("rules.transfers", "must be at least 1", fields.transfers));
        }
        if !(-1.0..=1.0).contains(&fields.low_sentiment) {
            let rule = "must lie between -1 and 1";
            return Err(ValidationError::new("rules.low_sentiment", rule, fields.low_sentiment));
        }
        if !(1e-6..1.0).contains(&fields.silence_chance.get()) {
            let rule = "must be at least 0.000001 and below 1";
            return Err(ValidationError::new("rules.silence_chance", rule, fields.silence_chance.get()));
        }
        Ok(Self::of(fields))
    }
}

const MOST_DAYS: u32 = 3660;

fn seconds(field: &'static str, duration: Duration) -> Result<u32, ValidationError> {
    let whole = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    if duration.subsec_nanos() == 0 && (1..=366 * DAY).contains(&whole) {
        Ok(whole)
    } else {
        let rule = "must be whole seconds, from 1 second to 366 days";
        Err(ValidationError::new(field, rule, format!("{} ns", duration.as_nanos())))
    }
}

impl Rules {
    fn of(fields: Fields) -> Self {
        let long = |wait_s: u32| u64::from(wait_s) * u64::from(fields.wait_multiple) * 1000;
        let long_waits = fields.expected_waits.iter().map(|e| (e.touchpoint, long(e.wait_s))).collect();
        Self { fields, long_waits }
    }

    fn with(mut self, change: impl FnOnce(&mut Fields)) -> Result<Self, ValidationError> {
        change(&mut self.fields);
        Self::try_from(self.fields)
    }

    /// Contacts for one reason belong together within `window`.
    ///
    /// # Errors
    /// [`ValidationError`] when it is not whole seconds up to 366 days, or not longer than `same_contact`.
    pub fn with_window(self, window: Duration) -> Result<Self, ValidationError> {
        let window_s = seconds("rules.window", window)?;
        self.with(|fields| fields.window_s = window_s)
    }

    /// A contact for the same reason sooner than `same_contact` continues the one before it; zero for never.
    ///
    /// # Errors
    /// [`ValidationError`] when it is not whole seconds, or not shorter than the window.
    pub fn with_same_contact(self, same_contact: Duration) -> Result<Self, ValidationError> {
        let same_contact_s =
            if same_contact.is_zero() { 0 } else { seconds("rules.same_contact", same_contact)? };
        self.with(|fields| fields.same_contact_s = same_contact_s)
    }

    /// Sets what customers may expect of one touch point, in place of what was expected of it before.
    #[must_use]
    pub fn expecting(mut self, expectation: ExpectedWait) -> Self {
        self.fields.expected_waits.retain(|known| known.touchpoint != expectation.touchpoint);
        self.fields.expected_waits.push(expectation);
        Self::of(self.fields)
    }

    /// A wait is long when above `multiple` times the expected one.
    ///
    /// # Errors
    /// [`ValidationError`] when it is 0 or above 1000.
    pub fn with_wait_multiple(self, multiple: u32) -> Result<Self, ValidationError> {
        self.with(|fields| fields.wait_multiple = multiple)
    }

    /// Coming back to a touch point so often within one visit is a loop.
    ///
    /// # Errors
    /// [`ValidationError`] when it is 0.
    pub fn with_loop_returns(self, returns: u16) -> Result<Self, ValidationError> {
        self.with(|fields| fields.loop_returns = returns)
    }

    /// Being handed on so often in one contact is a symptom.
    ///
    /// # Errors
    /// [`ValidationError`] when it is 0.
    pub fn with_transfers(self, transfers: u16) -> Result<Self, ValidationError> {
        self.with(|fields| fields.transfers = transfers)
    }

    /// Ease at or below `low_ease` is a symptom, and sentiment at or below `low_sentiment`.
    ///
    /// # Errors
    /// [`ValidationError`] when the sentiment is NaN or outside -1 to 1.
    pub fn with_low(self, low_ease: Share, low_sentiment: f64) -> Result<Self, ValidationError> {
        self.with(|fields| (fields.low_ease, fields.low_sentiment) = (low_ease, low_sentiment))
    }

    /// When a silence counts: see the table and formula of [`Rules`].
    ///
    /// # Errors
    /// [`ValidationError`] when the chance is below 0.000001 or 1, or days are not from 1 to 3660.
    pub fn with_silence(
        self,
        chance: Share,
        floor_days: u32,
        without_rhythm_days: u32,
    ) -> Result<Self, ValidationError> {
        self.with(|fields| {
            fields.silence_chance = chance;
            fields.silence_floor_days = floor_days;
            fields.silence_without_rhythm_days = without_rhythm_days;
        })
    }

    /// Who buys on a later day within so many days of a contact came back.
    ///
    /// # Errors
    /// [`ValidationError`] when days are not from 1 to 3660.
    pub fn with_back_within_days(self, days: u32) -> Result<Self, ValidationError> {
        self.with(|fields| fields.back_within_days = days)
    }

    /// Contacts for one reason belong together within it.
    pub const fn window(&self) -> Duration {
        Duration::from_secs(self.fields.window_s as u64)
    }

    /// What customers may expect of the touch points.
    pub fn expected_waits(&self) -> &[ExpectedWait] {
        &self.fields.expected_waits
    }

    /// Who buys within so many days of a contact came back.
    pub const fn back_within_days(&self) -> u32 {
        self.fields.back_within_days
    }

    pub(super) fn window_s(&self) -> i64 {
        self.fields.window_s.into()
    }

    pub(super) fn loop_returns(&self) -> u16 {
        self.fields.loop_returns
    }

    pub(super) fn same_contact_s(&self) -> i64 {
        self.fields.same_contact_s.into()
    }

    /// Above how many milliseconds a wait at the touch point is long.
    pub(super) fn long_wait_ms(&self, touchpoint: Touchpoint) -> Option<u64> {
        self.long_waits.iter().find(|(known, _)| *known == touchpoint).map(|&(_, limit)| limit)
    }

    pub(super) fn transfers(&self) -> u16 {
        self.fields.transfers
    }

    pub(super) fn low_ease(&self) -> f64 {
        self.fields.low_ease.get()
    }

    pub(super) fn low_sentiment(&self) -> f64 {
        self.fields.low_sentiment
    }

    /// From which age on, in days, nothing that the rules look at can still happen to a contact, and whether the
    /// customer came back is known.
    pub(super) fn mature_days(&self) -> i64 {
        self.settled_days().max(self.fields.back_within_days.into())
    }

    /// From which age on, in days, all symptoms of a contact but silence are known.
    pub(super) fn settled_days(&self) -> i64 {
        // An age of d days is at least d - 1 times 24 hours.
        (self.window_s() + SECONDS_A_DAY - 1).div_euclid(SECONDS_A_DAY) + 1
    }

    /// From which age on, in days, a silence can be a symptom.
    pub(super) fn silence_floor_days(&self) -> i64 {
        self.fields.silence_floor_days.into()
    }

    /// Above how many days a silence is a symptom, for a customer who bought on `gaps + 1` different days, the last
    /// `span_days` after the first.
    pub(super) fn long_silence_days(&self, gaps: u32, span_days: i64) -> f64 {
        if gaps == 0 {
            return f64::from(self.fields.silence_without_rhythm_days);
        }
        let k = f64::from(gaps);
        #[expect(clippy::cast_precision_loss, reason = "spans of days are far below 2^53")]
        let span = span_days as f64;
        // k m = span, so the mean gap is never formed.
        let own = span * (libm::pow(self.fields.silence_chance.get(), -1.0 / k) - 1.0);
        own.max(f64::from(self.fields.silence_floor_days))
    }
}
