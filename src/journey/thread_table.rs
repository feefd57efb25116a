use super::contacts::Apart;
use super::{Thread, ThreadBuilder, ThreadRules};
use crate::interaction::Interaction;
use serde::Serialize;

/// Every matter in a table of interactions, and how they were told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Threads {
    rules: ThreadRules,
    interactions: u64,
    without_reason: u64,
    without_contact: u64,
    ties: u64,
    #[serde(rename = "threads")]
    all: Vec<Thread>,
}

impl Threads {
    /// What counts as one matter, and as one contact.
    pub const fn rules(&self) -> &ThreadRules {
        &self.rules
    }

    /// How many interactions were looked at, in threads or not.
    pub const fn interactions(&self) -> u64 {
        self.interactions
    }

    /// How many interactions have no reason, and so belong to no thread; 0 where any reason counts.
    pub const fn without_reason(&self) -> u64 {
        self.without_reason
    }

    /// How many interactions the company began about no open matter.
    pub const fn without_contact(&self) -> u64 {
        self.without_contact
    }

    /// How many interactions happened at the instant of the one before about the same matter; their order is that of
    /// the input.
    pub const fn ties(&self) -> u64 {
        self.ties
    }

    /// Each thread, mature or not: by customer, then time of the first contact, then reason.
    pub fn threads(&self) -> &[Thread] {
        &self.all
    }
}

/// Which matters customers came about, in a table of interactions in any order.
///
/// Whether it is known that a customer did not come again is asked of each, by [`Thread::is_mature`]; shares that leave
/// the others out are those of [`ThreadBuilder::contacts`].
///
/// # Cost
/// O(n log n).
///
/// # Example
/// ```
/// use chrono::{TimeZone, Utc};
/// use patronage::Tag;
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{Direction, Interaction, InteractionId};
/// use patronage::journey::{ThreadRules, threads};
///
/// let ann = CustomerId::derive(&["ann"]);
/// let call = |day: u32| {
///     let id = InteractionId::derive(&["call", &day.to_string()]);
///     let at = Utc.with_ymd_and_hms(2026, 3, day, 10, 0, 0).unwrap();
///     Interaction::builder(id, ann, at).direction(Direction::Inbound)
/// };
/// let invoice = Tag::literal("wrong_invoice");
/// let calls = [call(20).reason(invoice).build()?, call(4).reason(invoice).build()?, call(1).build()?];
/// let found = threads(&calls, ThreadRules::default());
/// assert_eq!((found.threads().len(), found.interactions(), found.without_reason()), (2, 3, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn threads(interactions: &[Interaction], rules: ThreadRules) -> Threads {
    let mut sorted: Vec<&Interaction> = interactions.iter().collect();
    sorted.sort_by_key(|one| (one.customer(), one.at()));
    let mut builder = ThreadBuilder::new(rules);
    let mut all = Vec::new();
    for one in sorted {
        // Sorted by time, nothing is refused.
        all.extend(builder.push(one).ok().flatten());
    }
    let (all, Apart { without_reason, without_contact, ties }) = builder.finish(all);
    let interactions = interactions.len() as u64;
    Threads { rules, interactions, without_reason, without_contact, ties, all }
}
