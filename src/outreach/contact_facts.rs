use super::{OPEN_COMPLAINT, PastContact};
use crate::case::{Case, CaseStatus};
use crate::consent::ConsentRecord;
use crate::interaction::Touchpoint;
use crate::tag::Tag;
use chrono::{DateTime, Utc};

/// What is known about contacting one customer. What is not given is not known, and then consent is not there.
#[derive(Clone, Debug, Default)]
pub struct ContactFacts<'a> {
    pub(super) consents: &'a [ConsentRecord],
    pub(super) contacts: &'a [PastContact],
    pub(super) suppressed: Vec<(Option<Touchpoint>, Tag)>,
    pub(super) excluded: Vec<(Tag, Option<DateTime<Utc>>)>,
    pub(super) preferred: Option<Touchpoint>,
}

impl<'a> ContactFacts<'a> {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The customer's consent records, in any order.
    #[must_use]
    pub fn consents(self, consents: &'a [ConsentRecord]) -> Self {
        Self { consents, ..self }
    }

    /// The contacts the company made, in any order. One that lies ahead counts from its instant on.
    #[must_use]
    pub fn contacts(self, contacts: &'a [PastContact]) -> Self {
        Self { contacts, ..self }
    }

    /// The address behind a touch point is never to be used, and why; `None` for every touch point.
    #[must_use]
    pub fn suppressed(mut self, via: Option<Touchpoint>, why: Tag) -> Self {
        self.suppressed.push((via, why));
        self
    }

    /// Something in the customer's situation holds contacts back, until an instant where that is known.
    #[must_use]
    pub fn excluded(mut self, exclusion: Tag, until: Option<DateTime<Utc>>) -> Self {
        self.excluded.push((exclusion, until));
        self
    }

    /// The customer's complaints: one that is neither solved nor final holds back what sells ([`OPEN_COMPLAINT`]).
    #[must_use]
    pub fn complaints<'c>(self, complaints: impl IntoIterator<Item = &'c Case>) -> Self {
        let is_open = |case: &Case| !case.status().is_final() && case.status() != CaseStatus::Solved;
        if complaints.into_iter().any(is_open) { self.excluded(OPEN_COMPLAINT, None) } else { self }
    }

    /// The touch point the customer prefers.
    #[must_use]
    pub fn prefers(self, via: Touchpoint) -> Self {
        Self { preferred: Some(via), ..self }
    }

    /// Whether a complaint is open at an instant.
    pub fn has_open_complaint(&self, at: DateTime<Utc>) -> bool {
        let open = |until: Option<DateTime<Utc>>| until.is_none_or(|until| at < until);
        self.excluded.iter().any(|&(exclusion, until)| exclusion == OPEN_COMPLAINT && open(until))
    }
}
