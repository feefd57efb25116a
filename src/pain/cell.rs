use super::Worth;
use crate::interaction::{InteractionId, PainKind, Touchpoint};
use crate::lifecycle::LifecycleStage;

/// Where in the journey: the stage of life, where known, and the touch point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) stage: Option<LifecycleStage>,
    pub(super) touchpoint: Touchpoint,
}

/// How many, and how many of them came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    pub(super) customers: u64,
    pub(super) back: u64,
}

impl Outcomes {
    pub(super) fn push(&mut self, came_back: bool) {
        self.merge(Self { customers: 1, back: came_back.into() });
    }

    pub(super) fn merge(&mut self, other: Self) {
        // Saturating addition of counts is associative and commutative, and cannot panic.
        self.customers = self.customers.saturating_add(other.customers);
        self.back = self.back.saturating_add(other.back);
    }

    pub(super) const fn without(self, part: Self) -> Self {
        Self {
            customers: self.customers.saturating_sub(part.customers),
            back: self.back.saturating_sub(part.back),
        }
    }
}

/// Outcomes of comparable customers, stratum by stratum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Strata([Outcomes; STRATA]);

/// No purchase yet, or one of four bands of purchases and of tenure.
const STRATA: usize = 17;

/// The stratum of a customer at a contact, from what was known of them then: how many days they had bought on, and for
/// how many days they had been a customer.
pub(super) fn stratum(purchase_days: &[i32], day: i64) -> usize {
    let bought = purchase_days.partition_point(|&bought| i64::from(bought) <= day);
    let before = purchase_days.get(..bought).unwrap_or_default();
    let Some(&first) = before.first() else { return 0 };
    let purchases = match before.chunk_by(|one, next| one == next).count() {
        ..2 => 0,
        2..4 => 1,
        4..8 => 2,
        8.. => 3,
    };
    let tenure = match day - i64::from(first) {
        ..30 => 0,
        30..180 => 1,
        180..730 => 2,
        730.. => 3,
    };
    1 + 4 * purchases + tenure
}

impl Strata {
    pub(super) fn push(&mut self, stratum: usize, came_back: bool) {
        if let Some(outcomes) = self.0.get_mut(stratum) {
            outcomes.push(came_back);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| mine.merge(theirs));
    }

    /// The exposed beside the others of each stratum that has both, where `self` are all.
    pub(super) fn compared(&self, exposed: &Self) -> impl Iterator<Item = (Outcomes, Outcomes)> {
        let pairs = self.0.into_iter().zip(exposed.0).map(|(all, exposed)| (exposed, all.without(exposed)));
        pairs.filter(|(exposed, others)| exposed.customers > 0 && others.customers > 0)
    }

    #[cfg(test)]
    pub(super) fn total(&self) -> Outcomes {
        let mut total = Outcomes::default();
        self.0.iter().for_each(|outcomes| total.merge(*outcomes));
        total
    }
}

const EVIDENCE: usize = 5;

/// The smallest ids seen: the same ones in whatever order they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    smallest: [Option<InteractionId>; EVIDENCE],
}

impl Evidence {
    pub(super) fn push(&mut self, id: InteractionId) {
        let mut carried = Some(id);
        for kept in &mut self.smallest {
            if *kept == carried {
                return;
            }
            if kept.is_none() || carried.is_some_and(|carried| kept.is_some_and(|kept| carried < kept)) {
                std::mem::swap(kept, &mut carried);
            }
            if carried.is_none() {
                return;
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        other.ids().for_each(|id| self.push(id));
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = InteractionId> {
        self.smallest.iter().copied().flatten()
    }
}

/// What one kind of pain did at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Customers who met it, and how many symptoms they had.
    pub(super) met: u64,
    pub(super) symptoms: u64,
    /// The expected losses of those whose value is known, in minor units, and the variance of these as independent
    /// yes-or-no events.
    pub(super) met_valued: u64,
    pub(super) met_value: u128,
    pub(super) lost: u128,
    pub(super) lost_variance: u128,
    /// Customers who were exposed to it, and the values of those whose value is known.
    pub(super) exposed: u64,
    pub(super) valued: u64,
    pub(super) value: u128,
    /// Those who were exposed to it by their first contact at the place, where that is old enough.
    pub(super) first: Strata,
    pub(super) evidence: Evidence,
}

/// A value in minor units; who is worth less than nothing puts nothing at risk.
fn value_minor(worth: Worth) -> u64 {
    u64::try_from(worth.value().minor()).unwrap_or(0)
}

impl Tally {
    pub(super) fn push_met(&mut self, symptoms: u32, worth: Option<Worth>) {
        self.met = self.met.saturating_add(1);
        self.symptoms = self.symptoms.saturating_add(symptoms.into());
        let Some(worth) = worth else { return };
        let value = value_minor(worth);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the share of an amount, rounded to minor units; not negative, and cut to the amount"
        )]
        let lost = (libm::rint(value as f64 * worth.p_alive().complement().get()) as u64).min(value);
        let (value, lost) = (u128::from(value), u128::from(lost));
        self.met_valued = self.met_valued.saturating_add(1);
        self.met_value = self.met_value.saturating_add(value);
        self.lost = self.lost.saturating_add(lost);
        // v² p (1 - p), from the loss v (1 - p) in whole units: sums of whole numbers do not depend on their order.
        self.lost_variance = self.lost_variance.saturating_add(lost * (value - lost));
    }

    pub(super) fn push_exposed(&mut self, worth: Option<Worth>) {
        self.exposed = self.exposed.saturating_add(1);
        let Some(worth) = worth else { return };
        self.valued = self.valued.saturating_add(1);
        self.value = self.value.saturating_add(value_minor(worth).into());
    }

    fn merge(&mut self, other: &Self) {
        self.met = self.met.saturating_add(other.met);
        self.symptoms = self.symptoms.saturating_add(other.symptoms);
        self.met_valued = self.met_valued.saturating_add(other.met_valued);
        self.met_value = self.met_value.saturating_add(other.met_value);
        self.lost = self.lost.saturating_add(other.lost);
        self.lost_variance = self.lost_variance.saturating_add(other.lost_variance);
        self.exposed = self.exposed.saturating_add(other.exposed);
        self.valued = self.valued.saturating_add(other.valued);
        self.value = self.value.saturating_add(other.value);
        self.first.merge(&other.first);
        self.evidence.merge(&other.evidence);
    }
}

/// All that is known about one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// Customers with a contact here whose symptoms are known.
    pub(super) reached: u64,
    /// Customers who came here by themselves, long enough ago to have fallen silent since.
    pub(super) reached_long_ago: u64,
    /// All customers whose first contact at the place is old enough.
    pub(super) first: Strata,
    kinds: [Tally; PainKind::ALL.len()],
}

impl Cell {
    /// How many customers came here who could have met this kind of pain.
    pub(super) const fn reached_by(&self, kind: PainKind) -> u64 {
        match kind {
            PainKind::Defected => self.reached_long_ago,
            _ => self.reached,
        }
    }

    pub(super) fn tally(&self, kind: PainKind) -> Tally {
        self.kinds.get(kind as usize).copied().unwrap_or_default()
    }

    pub(super) fn with(&mut self, kind: PainKind, change: impl FnOnce(&mut Tally)) {
        if let Some(tally) = self.kinds.get_mut(kind as usize) {
            change(tally);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.reached = self.reached.saturating_add(other.reached);
        self.reached_long_ago = self.reached_long_ago.saturating_add(other.reached_long_ago);
        self.first.merge(&other.first);
        for (mine, theirs) in self.kinds.iter_mut().zip(&other.kinds) {
            mine.merge(theirs);
        }
    }
}
