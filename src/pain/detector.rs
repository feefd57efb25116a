use super::contact::{Ending, SECONDS_A_DAY};
use super::{Contact, Experience, PainRule, Rules};
use crate::interaction::{Channel, PainKind, Touchpoint};
use crate::tag::Tag;

/// What the rules say about one contact.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Marks {
    rules: u16,
    /// The customer waited where nothing is expected.
    pub(super) without_expectation: bool,
    /// After how many seconds the customer came again for the same reason.
    pub(super) again_after_s: i64,
    /// How long the silence after the contact is, and which one the rules allow.
    pub(super) silent_days: i64,
    pub(super) allowed_days: f64,
}

impl Marks {
    fn add(&mut self, rule: PainRule) {
        self.rules |= 1 << rule as u16;
    }

    pub(super) const fn has(&self, rule: PainRule) -> bool {
        self.rules & (1 << rule as u16) != 0
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rules == 0
    }

    /// How many rules of a kind spoke.
    pub(super) const fn count(&self, kind: PainKind) -> u32 {
        (self.rules & rules_of(kind)).count_ones()
    }

    /// Whether the contact exposed the customer to the kind of pain, as it is held against coming back.
    pub(super) const fn exposes(&self, kind: PainKind) -> bool {
        self.rules & exposing(kind) != 0
    }
}

const fn rules_of(kind: PainKind) -> u16 {
    let mut mask = 0;
    let mut rest: &[PainRule] = PainRule::ALL;
    while let [rule, tail @ ..] = rest {
        if rule.kind() as u8 == kind as u8 {
            mask |= 1 << *rule as u16;
        }
        rest = tail;
    }
    mask
}

/// Grievances: what customers leave for. They are found as what they are, lost and frustrated, but held against coming
/// back as what they lead to, so that no rule is held against it twice.
const GRIEVANCES: u16 = 1 << PainRule::Unanswered as u16 | 1 << PainRule::Complaint as u16;

const fn exposing(kind: PainKind) -> u16 {
    match kind {
        PainKind::Defected => GRIEVANCES,
        _ => rules_of(kind) & !GRIEVANCES,
    }
}

/// Finds symptoms; keeps what it works in, so that many customers need no allocation each.
#[derive(Debug, Default)]
pub(super) struct Detector {
    marks: Vec<Marks>,
    threads: Vec<(Tag, usize)>,
    /// The touch points of a visit, and how often the customer came to each.
    entered: Vec<(Touchpoint, u16)>,
}

impl Detector {
    /// The marks of each contact, in the order of the contacts.
    pub(super) fn find(&mut self, experience: &Experience<'_>, as_of: i64, rules: &Rules) -> &[Marks] {
        // Contacts are in order of time, so the future is their end.
        let known = experience.contacts.partition_point(|contact| contact.at() <= as_of);
        let contacts = experience.contacts.get(..known).unwrap_or_default();
        self.marks.clear();
        self.marks.resize(experience.contacts.len(), Marks::default());
        for (contact, marks) in contacts.iter().zip(&mut self.marks) {
            if contact.is_met() {
                single(contact, marks, rules);
            }
        }
        self.loops(contacts, rules);
        self.same_reason(contacts, as_of, rules);
        self.silence(contacts, experience.purchase_days, as_of, rules);
        &self.marks
    }

    fn same_reason(&mut self, contacts: &[Contact], as_of: i64, rules: &Rules) {
        self.threads.clear();
        let met = contacts.iter().enumerate().filter(|(_, contact)| contact.is_met());
        self.threads.extend(met.filter_map(|(index, contact)| Some((contact.reason()?, index))));
        if self.threads.len() > 1 {
            self.threads.sort_unstable();
        }
        for thread in self.threads.chunk_by(|a, b| a.0 == b.0) {
            let contacts = || thread.iter().filter_map(|&(_, index)| Some((index, contacts.get(index)?)));
            dead_ends(contacts(), as_of, rules, &mut self.marks);
            if thread.len() > 1 {
                let inbound = || contacts().filter(|(_, contact)| contact.is_inbound());
                repeats(inbound(), rules, &mut self.marks);
                back_and_forth(inbound(), rules, &mut self.marks);
            }
        }
    }

    /// Within one visit the customer came back to a touch point, from elsewhere, again and again.
    fn loops(&mut self, contacts: &[Contact], rules: &Rules) {
        self.entered.clear();
        let mut last: Option<&Contact> = None;
        let mut marks = self.marks.iter_mut();
        for contact in contacts {
            let marks = marks.next();
            if !contact.is_inbound() {
                continue;
            }
            let touchpoint = contact.touchpoint();
            let goes_on = last.is_some_and(|last| contact.at() - last.at() < rules.same_contact_s());
            let stays = goes_on && last.is_some_and(|last| last.touchpoint() == touchpoint);
            last = Some(contact);
            if !goes_on {
                self.entered.clear();
            }
            if stays {
                continue;
            }
            let known = self.entered.iter_mut().find(|(place, _)| *place == touchpoint);
            let Some((_, returns)) = known else {
                self.entered.push((touchpoint, 0));
                continue;
            };
            *returns = returns.saturating_add(1);
            if let Some(marks) = marks.filter(|_| *returns >= rules.loop_returns()) {
                marks.add(PainRule::Loop);
            }
        }
    }

    fn silence(&mut self, contacts: &[Contact], purchases: &[i32], as_of: i64, rules: &Rules) {
        let last = contacts.iter().enumerate().rev().find(|(_, contact)| contact.is_inbound());
        let Some((last, contact)) = last else { return };
        if !self.marks.get(last).is_some_and(|marks| marks.exposes(PainKind::Defected)) {
            return;
        }
        let today = as_of.div_euclid(SECONDS_A_DAY);
        let silent_days = today - contact.day();
        if silent_days <= rules.silence_floor_days() {
            return;
        }
        let known = purchases.partition_point(|&day| i64::from(day) <= today);
        let purchases = purchases.get(..known).unwrap_or_default();
        if purchases.last().is_some_and(|&day| i64::from(day) > contact.day()) {
            return;
        }
        let gaps = purchases.iter().zip(purchases.iter().skip(1)).filter(|(a, b)| a != b).count();
        let span = match (purchases.first(), purchases.last()) {
            (Some(&first), Some(&last)) => i64::from(last) - i64::from(first),
            _ => 0,
        };
        let allowed_days = rules.long_silence_days(u32::try_from(gaps).unwrap_or(u32::MAX), span);
        #[expect(clippy::cast_precision_loss, reason = "days since the epoch are far below 2^53")]
        let is_long = silent_days as f64 > allowed_days;
        if let Some(marks) = self.marks.get_mut(last).filter(|_| is_long) {
            marks.add(PainRule::Silence);
            (marks.silent_days, marks.allowed_days) = (silent_days, allowed_days);
        }
    }
}

/// What a contact says by itself.
fn single(contact: &Contact, marks: &mut Marks, rules: &Rules) {
    match contact.ending {
        Ending::Abandoned => marks.add(PainRule::Abandoned),
        Ending::Unanswered => marks.add(PainRule::Unanswered),
        Ending::Complaint => marks.add(PainRule::Complaint),
        Ending::Unknown | Ending::Other | Ending::Open => {}
    }
    if let Some(wait) = contact.wait_ms() {
        match rules.long_wait_ms(contact.touchpoint()) {
            Some(limit) if wait > limit => marks.add(PainRule::LongWait),
            Some(_) => {}
            None => marks.without_expectation = true,
        }
    }
    if contact.transfers() >= rules.transfers() {
        marks.add(PainRule::ManyTransfers);
    }
    if contact.ease().is_some_and(|ease| ease <= rules.low_ease()) {
        marks.add(PainRule::LowEase);
    }
    if contact.sentiment().is_some_and(|score| score <= rules.low_sentiment()) {
        marks.add(PainRule::LowSentiment);
    }
}

fn mark(marks: &mut [Marks], index: usize, rule: PainRule) {
    if let Some(marks) = marks.get_mut(index) {
        marks.add(rule);
    }
}

/// The customer came, the next step was the company's, and nothing followed in time.
fn dead_ends<'a>(
    thread: impl Iterator<Item = (usize, &'a Contact)>,
    as_of: i64,
    rules: &Rules,
    marks: &mut [Marks],
) {
    let mut thread = thread.peekable();
    while let Some((index, contact)) = thread.next() {
        if contact.ending != Ending::Open || !contact.is_inbound() {
            continue;
        }
        let next = thread.peek().map_or(as_of, |(_, next)| next.at());
        // Without a next contact the window must be over before anything is said.
        if next - contact.at() > rules.window_s() {
            mark(marks, index, PainRule::DeadEnd);
        }
    }
}

/// The customer came again for the same reason. The second iterator runs ahead of the first and never goes back.
fn repeats<'a>(
    inbound: impl Iterator<Item = (usize, &'a Contact)> + Clone,
    rules: &Rules,
    marks: &mut [Marks],
) {
    let mut ahead = inbound.clone().peekable();
    for (index, contact) in inbound {
        let soonest = contact.at() + rules.same_contact_s();
        while ahead.next_if(|&(other, next)| other <= index || next.at() < soonest).is_some() {}
        let Some((_, next)) = ahead.peek() else { return };
        let again_after_s = next.at() - contact.at();
        if again_after_s <= rules.window_s()
            && let Some(marks) = marks.get_mut(index)
        {
            marks.add(PainRule::RepeatContact);
            marks.again_after_s = again_after_s;
        }
    }
}

/// The customer came by one channel, then by another, then by the first again.
fn back_and_forth<'a>(
    inbound: impl Iterator<Item = (usize, &'a Contact)>,
    rules: &Rules,
    marks: &mut [Marks],
) {
    // The last contact of the run of one channel before, and of the run going on.
    let mut before: Option<(Channel, i64)> = None;
    let mut running: Option<(Channel, i64, usize)> = None;
    for (index, contact) in inbound {
        if let Some((channel, at, last)) = running
            && channel != contact.channel()
        {
            let back = before.is_some_and(|(channel, left)| {
                channel == contact.channel() && contact.at() - left <= rules.window_s()
            });
            if back {
                mark(marks, last, PainRule::BackAndForth);
            }
            before = Some((channel, at));
        }
        running = Some((contact.channel(), contact.at(), index));
    }
}

#[cfg(test)]
mod tests;
