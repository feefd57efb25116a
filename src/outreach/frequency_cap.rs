use super::wall_clock::{next_look, next_midnight, wall};
use super::{ContactCategory, PastContact};
use crate::interaction::Touchpoint;
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use serde::{Deserialize, Serialize};

/// The time over which contacts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapWindow {
    /// The last so many hours (1 to 8,784), whatever the clock shows: a contact counts until just before it is that old.
    Hours(u16),
    /// The day on the customer's calendar.
    Day,
    /// The week from Monday on the customer's calendar.
    Week,
    /// The month on the customer's calendar.
    Month,
}

impl CapWindow {
    /// The first day of the calendar window a day lies in; `None` for a sliding window.
    fn first_day(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Hours(_) => None,
            Self::Day => Some(day),
            Self::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
            Self::Month => day.with_day(1),
        }
    }
}

/// How often a customer may be contacted.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::outreach::{CapWindow, ContactCategory, FrequencyCap};
///
/// let cap = FrequencyCap::new(Tag::literal("offers_a_week"), 2, CapWindow::Hours(7 * 24))?
///     .of(ContactCategory::Offer);
/// assert_eq!(cap.at_most(), 2);
/// assert!(FrequencyCap::new(Tag::literal("never"), 0, CapWindow::Day).is_err());
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct FrequencyCap {
    name: Tag,
    at_most: u32,
    window: CapWindow,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<ContactCategory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<Touchpoint>,
}

#[derive(Deserialize)]
struct Fields {
    name: Tag,
    at_most: u32,
    window: CapWindow,
    category: Option<ContactCategory>,
    via: Option<Touchpoint>,
}

impl TryFrom<Fields> for FrequencyCap {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        let cap = Self::new(fields.name, fields.at_most, fields.window)?;
        Ok(Self { category: fields.category, via: fields.via, ..cap })
    }
}

impl FrequencyCap {
    /// At most so many contacts in a window, of all categories and by all touch points together.
    ///
    /// # Errors
    /// [`ValidationError`] when none would be allowed ever, or a sliding window is empty or longer than 8,784 hours.
    pub fn new(name: Tag, at_most: u32, window: CapWindow) -> Result<Self, ValidationError> {
        if at_most == 0 {
            return Err(ValidationError::new("frequency_cap.at_most", "must be at least 1", at_most));
        }
        if let CapWindow::Hours(hours) = window
            && !(1..=8_784).contains(&hours)
        {
            return Err(ValidationError::new("frequency_cap.hours", "must be 1 to 8784", hours));
        }
        Ok(Self { name, at_most, window, category: None, via: None })
    }

    /// Counts and holds back contacts of one category only.
    #[must_use]
    pub fn of(self, category: ContactCategory) -> Self {
        Self { category: Some(category), ..self }
    }

    /// Counts and holds back contacts by one touch point only.
    #[must_use]
    pub fn via(self, touchpoint: Touchpoint) -> Self {
        Self { via: Some(touchpoint), ..self }
    }

    /// The name of the cap.
    pub const fn name(&self) -> Tag {
        self.name
    }

    /// How many contacts are allowed in a window.
    pub const fn at_most(&self) -> u32 {
        self.at_most
    }

    /// The time over which they are counted.
    pub const fn window(&self) -> CapWindow {
        self.window
    }

    /// The one category it is about; `None` for all.
    pub const fn category(&self) -> Option<ContactCategory> {
        self.category
    }

    pub(super) fn concerns(&self, category: ContactCategory, via: Touchpoint) -> bool {
        self.category.is_none_or(|of| of == category) && self.via.is_none_or(|by| by == via)
    }

    /// How many of the contacts, all of them concerned, count at an instant.
    pub(super) fn count(&self, contacts: &[DateTime<Utc>], at: DateTime<Utc>, zone: &impl TimeZone) -> u32 {
        let before = contacts.iter().filter(|&&contact| contact <= at);
        let counted = if let CapWindow::Hours(hours) = self.window {
            let length = TimeDelta::hours(hours.into());
            before.filter(|&&contact| at.signed_duration_since(contact) < length).count()
        } else {
            let first = self.window.first_day(wall(zone, at).date());
            before.filter(|&&contact| self.window.first_day(wall(zone, contact).date()) == first).count()
        };
        u32::try_from(counted).unwrap_or(u32::MAX)
    }

    /// The first instant at or after one at which one more is allowed, if it comes before `end`.
    pub(super) fn free(
        &self,
        contacts: &[DateTime<Utc>],
        mut at: DateTime<Utc>,
        zone: &impl TimeZone,
        end: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        while self.count(contacts, at, zone) >= self.at_most {
            let next = if let CapWindow::Hours(hours) = self.window {
                let length = TimeDelta::hours(hours.into());
                contacts
                    .iter()
                    .filter_map(|contact| contact.checked_add_signed(length))
                    .filter(|&over| over > at)
                    .min()
            } else {
                next_look(zone, at, next_midnight(wall(zone, at)))
            };
            at = next.filter(|&next| next <= end)?;
        }
        Some(at)
    }
}

/// The instants of the contacts that a cap counts.
pub(super) fn counted(
    cap: &FrequencyCap,
    contacts: &[PastContact],
    is_exempt: impl Fn(ContactCategory) -> bool,
) -> Vec<DateTime<Utc>> {
    let counts = |contact: &&PastContact| {
        cap.concerns(contact.category, contact.via)
            && (cap.category().is_some() || !is_exempt(contact.category))
    };
    contacts.iter().filter(counts).map(|contact| contact.at).collect()
}
