use super::detector::{Detector, Marks};
use super::{Contact, Experience, PainRule, Rules};
use crate::because::Because;
use crate::interaction::{InteractionId, PainKind};
use chrono::{DateTime, Utc};

/// One symptom: which contact of the customer shows it, and which rule found it by which figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Symptom {
    contact: usize,
    id: InteractionId,
    rule: PainRule,
    figure: Option<(f64, f64)>,
}

impl Symptom {
    /// The contact that shows it, counted from 0 in the order of the experience.
    pub const fn contact(&self) -> usize {
        self.contact
    }

    /// The interaction of that contact.
    pub const fn interaction(&self) -> InteractionId {
        self.id
    }

    /// What it is a symptom of.
    pub const fn kind(&self) -> PainKind {
        self.rule.kind()
    }

    /// The rule that found it.
    pub const fn rule(&self) -> PainRule {
        self.rule
    }

    /// The rule with the figure it saw and the threshold, where it has one: seconds for waits, days for repeat
    /// contacts and silences, the number of transfers, the ease, the sentiment.
    pub fn because(&self) -> Because {
        let reason = Because::rule(self.rule.tag());
        self.figure.and_then(|(seen, threshold)| reason.figure(seen, threshold).ok()).unwrap_or(reason)
    }
}

/// Finds what hurt one customer, by the rules, as known at `as_of`.
///
/// A symptom belongs to the contact that caused it: the repeat contact is a symptom of the contact that left the
/// customer needing another one, being sent back to a channel of the contact that sent them back, and silence of the
/// last contact before it. What is not known (reason, outcome, wait, ease, sentiment, expectation) is no symptom;
/// [`PainReport`](super::PainReport) counts how often it was missing. Contacts after `as_of` and those within the
/// company do not count.
///
/// | rule | found when |
/// |---|---|
/// | abandoned, complaint | the outcome says so |
/// | unanswered | the outcome says so and there is no escalation |
/// | dead end | the customer came, the outcome leaves the next step to the company, and within the window there was no further contact for the reason, by either side |
/// | repeat contact | the customer came, and came again for the same reason within the window, but not as soon as `same_contact` |
/// | back and forth | for one reason the customer came by one channel, then by another, then by the first again, within the window |
/// | long wait, many transfers, low ease, low sentiment | above or below the threshold of [`Rules`] |
/// | silence | it is the last contact the customer made, no purchase is on a later day, and the silence since is longer than [`Rules`] allow |
///
/// # Returns
/// The symptoms in the order of their contacts, and for one contact in the order of [`PainRule::ALL`].
///
/// # Cost
/// O(n log n) for n contacts, one allocation for the answer and two to work in; [`PainMap`](super::PainMap) keeps
/// those.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::customer::CustomerId;
/// use patronage::interaction::{Interaction, InteractionId};
/// use patronage::pain::{Contact, Experience, PainRule, Rules, symptoms};
///
/// let customer = CustomerId::derive(&["shop", "customer 17"]);
/// let mut contacts = Vec::new();
/// for (call, at) in [("1", "2026-03-01T10:00:00Z"), ("2", "2026-03-04T10:00:00Z")] {
///     let call = Interaction::builder(InteractionId::derive(&["pbx", call]), customer, at.parse()?)
///         .reason(Tag::literal("wrong_invoice"))
///         .build()?;
///     contacts.push(Contact::new(&call, None));
/// }
/// let experience = Experience::new(&contacts, &[])?;
/// let found = symptoms(&experience, "2026-03-31T00:00:00Z".parse()?, &Rules::default());
/// assert_eq!((found.len(), found[0].contact(), found[0].rule()), (1, 0, PainRule::RepeatContact));
/// assert_eq!(found[0].because().to_string(), "repeat_contact: 3 against 7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source for repeat contacts: the window of first contact resolution as call centres measure it, 7 days.
pub fn symptoms(experience: &Experience<'_>, as_of: DateTime<Utc>, rules: &Rules) -> Vec<Symptom> {
    let mut detector = Detector::default();
    let marks = detector.find(experience, as_of.timestamp(), rules);
    let mut found = Vec::new();
    for (index, (contact, marks)) in experience.contacts.iter().zip(marks).enumerate() {
        for &rule in PainRule::ALL.iter().filter(|&&rule| marks.has(rule)) {
            let figure = figure(contact, marks, rule, rules);
            found.push(Symptom { contact: index, id: contact.id(), rule, figure });
        }
    }
    found
}

#[expect(clippy::cast_precision_loss, reason = "durations are far below 2^53")]
fn figure(contact: &Contact, marks: &Marks, rule: PainRule, rules: &Rules) -> Option<(f64, f64)> {
    const DAY: f64 = 86_400.0;
    match rule {
        PainRule::RepeatContact => Some((marks.again_after_s as f64 / DAY, rules.window_s() as f64 / DAY)),
        PainRule::LongWait => {
            let limit = rules.long_wait_ms(contact.touchpoint())?;
            Some((contact.wait_ms()? as f64 / 1000.0, limit as f64 / 1000.0))
        }
        PainRule::ManyTransfers => Some((contact.transfers().into(), rules.transfers().into())),
        PainRule::LowEase => Some((contact.ease()?, rules.low_ease())),
        PainRule::LowSentiment => Some((contact.sentiment()?, rules.low_sentiment())),
        PainRule::Silence => Some((marks.silent_days as f64, marks.allowed_days)),
        PainRule::Abandoned
        | PainRule::Unanswered
        | PainRule::DeadEnd
        | PainRule::Loop
        | PainRule::BackAndForth
        | PainRule::Complaint => None,
    }
}
